/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as a row of frames, given to a small reassembly:
 *
 *     0xff TIME                           time goes on
 *     0xfe LEN BYTES                      a frame of these bytes, behind two MAC addresses
 *     FLAGS WHO OFFSET LEN CONTENT        a fragment that is right but for what it carries
 *
 * Sums and bounds hold all the time, frames come back as they went in, what is complete is made of its frames
 * without a gap or an overlap, and can be sent again.
 */
#include <stdlib.h>

#include "wire/checksum.h"
#include "wire/l3.h"
#include "wire/reassemble.h"

#define FRAME_LEN 512
#define PLACES    (2 * REASSEMBLE_FRAGMENTS)

#define F_V6      0x01
#define F_LAST    0x02
#define F_ODD     0x04 /* a length that is no multiple of 8 */
#define F_OPTIONS 0x08
#define F_TAG     0x10
#define F_UDP     0x20 /* a UDP header in front, if it is the first */
#define F_CE      0x40
#define F_REALM   0x80

/* Kept with each frame. */
struct block {
	uint64_t serial, hash, len;
	uint8_t zero[REASSEMBLE_BLOCK - 24];
};

static struct reassemble *r;
static uint64_t now, serial, last_serial;
static const struct siphash_key hash_key = { 3, 4 };

static void check(bool is_right)
{
	if (!is_right)
		abort();
}

static void check_frames(const struct reassembled *d)
{
	check(d->cnt && d->cnt <= REASSEMBLE_FRAGMENTS && d->first < (int)d->cnt);
	last_serial = 0;
	for (unsigned i = 0; i < d->cnt; i++) {
		struct reassemble_frame f = reassembled_frame(r, d, i);
		struct block b;

		memcpy(&b, f.block, sizeof(b));
		check(b.serial > last_serial);
		last_serial = b.serial;
		check(f.frame.len == b.len && siphash(hash_key, f.frame) == b.hash);
	}
}

/* Where the data of a frame starts and where it belongs, by a walk of its own. */
static struct slice data_of(struct slice frame, size_t *ret_off, bool *ret_is_last)
{
	size_t at = 14, next, len;
	uint16_t field;
	uint8_t type;

	while (get_be16(frame.p + at - 2) == 0x8100 || get_be16(frame.p + at - 2) == 0x88a8)
		at += 4;
	len = get_be16(frame.p + at + ((frame.p[at] & 0xf0) == 0x40 ? 2 : 4));
	if ((frame.p[at] & 0xf0) == 0x40) {
		field = get_be16(frame.p + at + 6);
		next = (frame.p[at] & 15u) * 4;
		*ret_off = (field & 0x1fffu) * 8;
		*ret_is_last = !(field & 0x2000);
		return slice_of(frame.p + at + next, len - next);
	}
	type = (uint8_t)frame.p[at + 6];
	for (next = 40; type != 44;) {
		type = (uint8_t)frame.p[at + next];
		next += ((uint8_t)frame.p[at + next + 1] + 1u) * 8;
	}
	field = get_be16(frame.p + at + next + 2);
	*ret_off = field & 0xfff8u;
	*ret_is_last = !(field & 1);
	return slice_of(frame.p + at + next + 8, 40 + len - next - 8);
}

/* Every byte of the packet is that of one frame. */
static void check_whole(const struct reassembled *d)
{
	size_t sum = 0, end = 0, head;

	for (unsigned i = 0; i < d->cnt; i++) {
		bool is_last;
		size_t off;
		struct slice data = data_of(reassembled_frame(r, d, i).frame, &off, &is_last);

		sum += data.len;
		end = is_last ? off + data.len : end;
		check((int)i != d->first || off == 0);
	}
	check(sum == end && end <= d->packet.len);
	head = d->packet.len - end;
	for (unsigned i = 0; i < d->cnt; i++) {
		bool is_last;
		size_t off;
		struct slice data = data_of(reassembled_frame(r, d, i).frame, &off, &is_last);

		check(off + data.len <= end && !memcmp(d->packet.p + head + off, data.p, data.len));
	}
}

/* Sent again, it fits. */
static void check_emit(const struct reassembled *d)
{
	static char frame[2048];
	struct wire_out o = { .in = &d->frame, .mtu = 1280, .ip_id = 7, .want_ttl_dec = true };
	int cnt = wire_frame_cnt(&o, d->frame.payload.len);
	size_t sum = 0;

	for (int i = 0; i < cnt; i++) {
		ssize_t n = wire_fragment_emit(&o, d->frame.payload, i, frame, sizeof(frame));

		check(n > 14 && n <= 14 + 1280);
		sum += (size_t)n;
	}
	check(cnt < 0 || sum > d->frame.payload.len);
	wire_checksum_is_bad(&d->frame);
}

static void take_all(uint64_t at)
{
	const struct reassemble_stats *s = reassemble_stats(r);
	uint64_t frames = 0;
	struct reassembled *d;

	while ((d = reassemble_take(r, at))) {
		check_frames(d);
		if (d->packet.p)
			check_whole(d);
		check(d->how != REASSEMBLED_COMPLETE || d->packet.p);
		if (d->how == REASSEMBLED_COMPLETE)
			check_emit(d);
		reassemble_release(r, d);
	}
	reassemble_stats(r);
	for (int i = 0; i < REASSEMBLED_HOWS; i++)
		frames += s->left_frames[i];
	check(s->outcomes[REASSEMBLE_HELD] == frames + s->frames);
	check(s->frames <= PLACES && s->datagrams <= 16 && s->remembered <= s->datagrams && s->sources <= s->datagrams);
}

static void add(const uint8_t *bytes, size_t len, uint32_t realm)
{
	struct slice frame = slice_of(malloc(len ?: 1), len); /* of its own: one byte too far is seen */
	struct block b = { .serial = ++serial, .hash = 0, .len = len };

	memcpy((char *)frame.p, bytes, len);
	b.hash = siphash(hash_key, frame);
	reassemble_add(r, frame, realm, &b, now);
	free((char *)frame.p);
	take_all(now);
}

/* A frame of fuzzed bytes; the checksum of an IPv4 header is made right, or nothing would get far. */
static void add_raw(struct slice in)
{
	uint8_t frame[12 + 256] = { 0 };
	uint16_t sum;
	size_t hlen;

	memcpy(frame + 12, in.p, in.len);
	hlen = (frame[14] & 15u) * 4;
	if (in.len >= 2 + hlen && hlen >= 20 && get_be16(frame + 12) == 0x0800) {
		memset(frame + 24, 0, 2);
		sum = checksum_fold(checksum_add(0, frame + 14, hlen));
		memcpy(frame + 24, &sum, 2);
	}
	add(frame, 12 + in.len, 0);
}

static size_t head_v4(uint8_t *h, const uint8_t *in, size_t off, size_t len)
{
	size_t hlen = in[0] & F_OPTIONS ? 28 : 20;

	h[0] = (uint8_t)(0x40 | hlen / 4);
	h[1] = in[0] & F_CE ? 3 : 2;
	h[5] = in[1] & 3;
	put_be16(h + 6, off / 8 | (in[0] & F_LAST ? 0 : 0x2000));
	h[8] = in[1];
	h[9] = 17;
	h[12] = in[1] >> 2 & 7;
	if (in[0] & F_OPTIONS)
		memcpy(h + 20, "\x88\x04\0\5\7\4\4", 7);
	v4_finish(h, hlen, hlen + len);
	return hlen;
}

static size_t head_v6(uint8_t *h, const uint8_t *in, size_t off, size_t len)
{
	size_t at = in[0] & F_OPTIONS ? 48 : 40;

	h[0] = 0x60;
	h[1] = in[0] & F_CE ? 0x30 : 0x20;
	put_be16(h + 4, at - 40 + 8 + len);
	h[6] = 44;
	h[7] = in[1];
	h[8] = in[1] >> 2 & 7;
	if (in[0] & F_OPTIONS) {
		h[6] = 0;
		memcpy(h + 40, "\x2c\0\5\2\0\0\1\0", 8);
	}
	h[at] = in[1] == 0x77 ? 58 : in[1] == 0x78 ? 60 : 17;
	put_be16(h + at + 2, off | !(in[0] & F_LAST));
	h[at + 7] = in[1] & 3;
	return at + 8;
}

/* @in: FLAGS WHO OFFSET LEN CONTENT */
static void add_fragment(const uint8_t *in)
{
	uint8_t frame[FRAME_LEN] = { 0 };
	size_t at = 14, off = (in[2] & 0x3fu) * 8, len = (1 + in[3] % 40u) * 8;
	bool is_v6 = in[0] & F_V6;

	len -= in[0] & F_ODD ? 1 + in[4] % 7u : 0;
	off += in[2] == 0xbf ? 65280 : 0;
	put_be16(frame + 12, is_v6 ? ETHERTYPE_V6 : ETHERTYPE_V4);
	if (in[0] & F_TAG) {
		memcpy(frame + 12, "\x81\0\0\1", 4);
		put_be16(frame + 16, is_v6 ? ETHERTYPE_V6 : ETHERTYPE_V4);
		at = 18;
	}
	at += is_v6 ? head_v6(frame + at, in, off, len) : head_v4(frame + at, in, off, len);
	for (size_t i = 0; i < len; i++)
		frame[at + i] = (uint8_t)(off + i + in[4] / 64);
	if (in[0] & F_UDP && off == 0 && len >= 8)
		put_be16(frame + at + 4, (1 + (in[4] & 0x3fu)) * 8);
	add(frame, at + len, in[0] & F_REALM ? 1 : 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reassemble_limits l = { .frame_max = FRAME_LEN - 20, .fragment_min = 8, .datagrams = 16,
				       .source_datagrams = 6, .lifetime_ns = 1000, .linger_ns = 100 };
	const struct reassemble_stats *s;

	l.bytes = PLACES * reassemble_place(&l);
	l.source_bytes = REASSEMBLE_FRAGMENTS * reassemble_place(&l) + 5;
	now = serial = 0;
	check(reassemble_new(&l, hash_key, &r) == 0);
	while (size >= 5) {
		size_t n = 5;

		if (data[0] == 0xff) {
			n = 2;
			now += data[1] * 4u;
			take_all(now);
		} else if (data[0] == 0xfe) {
			n = size - 2 < data[1] ? size : 2u + data[1];
			add_raw(slice_of((const char *)data + 2, n - 2));
		} else {
			add_fragment(data);
		}
		data += n;
		size -= n;
	}
	take_all(UINT64_MAX);
	s = reassemble_stats(r);
	check(!s->frames && !s->datagrams && !s->sources && !s->remembered);
	reassemble_free(r);
	return 0;
}
