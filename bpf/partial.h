/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * partial.h - a UDP checksum that the sender left to its NIC, as a local sender on a veth or virtio NIC does.
 *
 * The field then holds the sum over the pseudo-header alone, not complemented.  The kernel knows that from the skb; a
 * frame that XDP redirects has lost it, and the receiver drops the datagram.  One right checksum in 65,536 looks
 * alike: that packet goes by the kernel, too, and nothing is lost.
 */
#ifndef SIPSEAL_PARTIAL_H
#define SIPSEAL_PARTIAL_H

#include "packet.h"

/* One's complement sum of 32-bit words in 16 bits: the order of bytes does not matter (RFC 1071). */
static __always_inline __u16 partial_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)((sum & 0xffff) + (sum >> 16));
}

/* partial_checksum() - of unfragmented UDP after packet_udp(). */
static __always_inline bool partial_checksum(const struct xdp_md *ctx, const struct packet *p)
{
	struct udphdr *udp = packet_at(ctx, p->l4_off, sizeof(*udp));
	__u64 sum;

	if (!udp)
		return false;
	sum = (__u64)udp->len + bpf_htons(IPPROTO_UDP);
	if (p->is_v6) {
		struct ipv6hdr *ip = packet_at(ctx, p->l3_off, sizeof(*ip));
		__u32 w[8];
		__u32 i;

		if (!ip)
			return false;
		__builtin_memcpy(w, &ip->saddr, sizeof(w)); /* daddr follows */
#pragma unroll
		for (i = 0; i < 8; i++)
			sum += w[i];
	} else {
		struct iphdr *ip = packet_at(ctx, p->l3_off, sizeof(*ip));

		if (!ip)
			return false;
		sum += (__u64)ip->saddr + ip->daddr;
	}
	return udp->check == partial_fold(sum);
}

#endif
