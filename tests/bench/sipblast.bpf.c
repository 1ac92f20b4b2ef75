/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * sipblast.bpf.c - makes a frame of its own out of each copy of the template, and sends it out of a NIC.
 *
 * The pages come back with what receivers wrote into them (TTL, MACs), so whatever differs or may have changed is
 * written each time.  What the verifier reads from `blast` are constants to it: it takes out the places that there are not.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "sipblast.h"

const volatile struct blast blast;
__u64 sent;                 /* frames; also where to go on */
__u32 first;                /* serial number of the first message */
static __u32 base, pos, copy;

/* The serial number of this frame's message. */
static __always_inline __u32 serial_next(void)
{
	__u32 n = first + base + pos;

	if (++pos < blast.apart)
		return n;
	pos = 0;
	if (++copy < blast.repeat)
		return n;
	copy = 0;
	base += blast.apart;
	return n;
}

/* Eight decimal digits, the first one in the lowest byte: halves, pairs, digits, all of a kind at once. */
static __always_inline __u64 digits(__u32 n)
{
	__u64 high = n * 3518437209ull >> 45, halves, pairs, tens;

	halves = high | (n - high * 10000) << 32;
	pairs = (halves * 10486 >> 20) & 0x0000007f0000007full;
	pairs += (halves - pairs * 100) << 16;
	tens = (pairs * 103 >> 10) & 0x000f000f000f000full;
	return tens + ((pairs - tens * 10) << 8) + 0x3030303030303030ull;
}

static __always_inline __u32 fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* What a 16-bit @sum counts for at @offset: at an odd one its bytes change places. */
static __always_inline __u32 weigh(__u32 sum, __u32 offset)
{
	return offset % 2 ? (sum << 8 | sum >> 8) & 0xffff : sum;
}

SEC("xdp")
int sipblast(struct xdp_md *ctx)
{
	char *data = (char *)(long)ctx->data, *end = (char *)(long)ctx->data_end;
	__u64 text = digits(serial_next() % 100000000);
	__u32 last = text >> 32, turned = __builtin_bswap32(last);
	__u32 sum = blast.sum, serial_sum = fold(text), called_sum = fold(last), caller_sum = fold(turned);

	if (data + blast.len > end || blast.len < BLAST_HEADS)
		return XDP_ABORTED;
#pragma unroll
	for (int i = 0; i < BLAST_PLACES; i++) {
		__u32 serial = blast.serial[i], called = blast.called[i], caller = blast.caller[i];

		if (serial && data + serial + 8 <= end) {
			*(__u64 *)(data + serial) = text;
			sum += weigh(serial_sum, serial);
		}
		if (called && data + called + 4 <= end) {
			*(__u32 *)(data + called) = last;
			sum += weigh(called_sum, called);
		}
		if (caller && data + caller + 4 <= end) {
			*(__u32 *)(data + caller) = turned;
			sum += weigh(caller_sum, caller);
		}
	}
#pragma unroll
	for (int i = 0; i < BLAST_CSUM / 8; i++)
		*(__u64 *)(data + i * 8) = blast.head[i];
	sum = ~fold(sum) & 0xffff;
	*(__u16 *)(data + BLAST_CSUM) = sum ? sum : 0xffff;
	sent++;
	return bpf_redirect(blast.ifindex, 0);
}

char _license[] SEC("license") = "GPL";
