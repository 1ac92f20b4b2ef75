/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * pmtu.h - a router behind us says that a packet is too big: learn it.
 *
 *     PBX --900--> sipseal --1400--> router (next link: 1300)
 *      <------------------------------ "too big, 1300", to the PBX
 *
 * A signed INVITE is larger than what the PBX sent, and goes out under its address.  The error goes there, and there is
 * nothing that the PBX could do: what it sends fits.  It would send the INVITE again, and lose it again.  So the size is
 * kept here for the destination that the error quotes, and what is steered there gets it as its MTU: the next copy
 * leaves in fragments that fit.  The error crosses unchanged.  The kernel's FIB does the same for what it sends itself.
 *
 * Believed is an error that quotes a UDP packet between the addresses of a trunk and goes to its sender (RFC 5927 s4).  A forger
 * who knows them can make INVITEs leave in more fragments, down to the sizes below; not more.
 */
#ifndef SIPSEAL_PMTU_H
#define SIPSEAL_PMTU_H

#include "maps.h"
#include "packet.h"
#include "trunk_match.h"

/* As the kernel: net.ipv4.route.mtu_expires; old ones give way before. */
#define PMTU_LIFETIME_NS 600000000000ull
#define PMTU_MAX 1024

/* What every IPv4 host takes (RFC 791 s3.1); what every IPv6 link carries (RFC 8200 s5). */
#define PMTU_MIN_V4 576
#define PMTU_MIN_V6 1280

#define PMTU_V4_UNREACHABLE 3
#define PMTU_V4_TOO_BIG     4 /* code */
#define PMTU_V6_TOO_BIG     2 /* type */

struct pmtu {
	__u64 until_ns; /* CLOCK_MONOTONIC */
	__u32 mtu;      /* bytes of an IP packet */
	__u32 pad;
};

/* By destination. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, PMTU_MAX);
	__type(key, __u8[16]);
	__type(value, struct pmtu);
} sipseal_pmtu SEC(".maps");

/* Addresses of the quoted packet, if that is UDP.  @off: where its IP header starts. */
static __always_inline bool pmtu_quoted(const struct xdp_md *ctx, __u32 off, bool is_v6, struct packet_addrs *ret)
{
	if (is_v6) {
		struct ipv6hdr *ip = packet_at(ctx, off, sizeof(*ip));

		if (!ip || ip->version != 6 || (ip->nexthdr != IPPROTO_UDP && ip->nexthdr != IPPROTO_FRAGMENT))
			return false;
		__builtin_memcpy(ret->src, &ip->saddr, 16);
		__builtin_memcpy(ret->dst, &ip->daddr, 16);
		return !packet_is_mapped(ret->src) && !packet_is_mapped(ret->dst);
	}
	struct iphdr *ip = packet_at(ctx, off, sizeof(*ip));

	if (!ip || ip->version != 4 || ip->protocol != IPPROTO_UDP)
		return false;
	packet_map_ipv4(ret->src, ip->saddr);
	packet_map_ipv4(ret->dst, ip->daddr);
	return true;
}

/* The size that the error tells; 0: it tells none, or is another one. */
static __always_inline __u32 pmtu_told(const struct xdp_md *ctx, const struct packet *p)
{
	__u8 *h = packet_at(ctx, p->l4_off, 8);
	__u32 mtu;

	if (!h)
		return 0;
	if (p->is_v6) {
		if (p->proto != IPPROTO_ICMPV6 || h[0] != PMTU_V6_TOO_BIG)
			return 0;
		mtu = (__u32)h[4] << 24 | (__u32)h[5] << 16 | (__u32)h[6] << 8 | h[7];
		return mtu < PMTU_MIN_V6 ? PMTU_MIN_V6 : mtu;
	}
	if (p->proto != IPPROTO_ICMP || h[0] != PMTU_V4_UNREACHABLE || h[1] != PMTU_V4_TOO_BIG)
		return 0;
	mtu = (__u32)h[6] << 8 | h[7];
	return mtu && mtu < PMTU_MIN_V4 ? PMTU_MIN_V4 : mtu;
}

static __always_inline bool pmtu_is_same(const __u8 *a, const __u8 *b)
{
	const __u64 *x = (const __u64 *)a, *y = (const __u64 *)b;

	return x[0] == y[0] && x[1] == y[1];
}

/* pmtu_learn() - of a packet of ICMP, or ICMPv6, with its header. */
PACKET_GLOBAL int pmtu_learn(struct xdp_md *ctx, struct packet *p)
{
	__u32 generation = sipseal_config.generation;
	struct packet_addrs outer = { 0 }, a = { 0 };
	struct pmtu v = { 0 }, *old;

	if (!p)
		return 0;
	v.mtu = pmtu_told(ctx, p);
	if (!v.mtu || !pmtu_quoted(ctx, p->l4_off + 8, p->is_v6, &a) || !packet_addrs(ctx, p, &outer) ||
	    !pmtu_is_same(outer.dst, a.src))
		return 0;
	if (match_outbound(generation, &a, 0) < 0 && match_inbound(generation, &a) < 0)
		return 0;
	v.until_ns = bpf_ktime_get_ns();
	old = bpf_map_lookup_elem(&sipseal_pmtu, a.dst);
	if (old && old->until_ns > v.until_ns && old->mtu < v.mtu) /* RFC 8201 s4: an error never raises it */
		return 0;
	v.until_ns += PMTU_LIFETIME_NS;
	bpf_map_update_elem(&sipseal_pmtu, a.dst, &v, BPF_ANY);
	return 0;
}

/* pmtu_apply() - @m->mtu and time_ns are set: lower it to what was learned. */
static __noinline int pmtu_apply(struct xdp_md *ctx, const struct packet *p, struct sipseal_meta *m)
{
	struct packet_addrs a = { 0 };
	struct pmtu *v;

	if (!packet_addrs(ctx, p, &a))
		return 0;
	v = bpf_map_lookup_elem(&sipseal_pmtu, a.dst);
	if (v && v->until_ns > m->time_ns && v->mtu < m->mtu)
		m->mtu = (__u16)v->mtu;
	return 0;
}

#endif
