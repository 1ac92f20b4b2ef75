/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * forward.h - the route of a packet and the fast path.
 *
 * Nothing in the frame changes before it is certain that it leaves: bpf_redirect_map() answers whether
 * the devmap slot is filled, so it is asked before the rewrite.  A frame with foreign MACs that falls
 * back to the kernel would be lost there.
 */
#ifndef SIPSEAL_FORWARD_H
#define SIPSEAL_FORWARD_H

#include "maps.h"
#include "packet.h"
#include "partial.h"
#include "port.h"

#define FORWARD_AF_INET  2
#define FORWARD_AF_INET6 10

/*
 * Sources that the kernel never forwards: 0/8, 224/4, 255.255.255.255.  Not 240/4, and not 127/8, which
 * a sysctl allows: an INVITE that the kernel might forward must not be left to it.
 */
static __always_inline bool forward_is_martian(__be32 addr_be)
{
	__u32 addr = bpf_ntohl(addr_be);

	return addr >> 24 == 0 || addr >> 28 == 14 || addr == 0xffffffff;
}

static __always_inline bool forward_is_loopback(const struct bpf_fib_lookup *fib)
{
	return fib->family == FORWARD_AF_INET && bpf_ntohl(fib->ipv4_src) >> 24 == 127;
}

/* Fill the look-up and the TTL.  Return: false where the kernel would not forward. */
static __always_inline bool forward_key(struct xdp_md *ctx, const struct packet *p,
					struct bpf_fib_lookup *fib, __u8 *ret_ttl)
{
	struct ethhdr *eth = packet_at(ctx, 0, sizeof(*eth));

	if (!eth || eth->h_dest[0] & 1) /* a group address */
		return false;
	fib->ifindex = ctx->ingress_ifindex;
	fib->l4_protocol = p->proto;
	if (p->is_v6) {
		struct ipv6hdr *ip = packet_at(ctx, p->l3_off, sizeof(*ip));

		if (!ip)
			return false;
		fib->family = FORWARD_AF_INET6;
		fib->flowinfo = *(__be32 *)ip & bpf_htonl(0x0fffffff);
		__builtin_memcpy(fib->ipv6_src, &ip->saddr, 32); /* daddr follows in both */
		*ret_ttl = ip->hop_limit;
		return fib->ipv6_src[0] | fib->ipv6_src[1] | fib->ipv6_src[2] | fib->ipv6_src[3];
	}
	struct iphdr *ip = packet_at(ctx, p->l3_off, sizeof(*ip));

	if (!ip || forward_is_martian(ip->saddr))
		return false;
	fib->family = FORWARD_AF_INET;
	fib->tos = ip->tos;
	fib->ipv4_src = ip->saddr;
	fib->ipv4_dst = ip->daddr;
	*ret_ttl = ip->ttl;
	return true;
}

/*
 * forward_route() - ask the FIB; @tot_len 0: whatever the size, fib->mtu_result tells the MTU.
 * Return: BPF_FIB_LKUP_RET_*, or negative.
 */
static __always_inline long forward_route(struct xdp_md *ctx, const struct packet *p, __u16 tot_len,
					  struct bpf_fib_lookup *fib, __u8 *ret_ttl)
{
	if (!forward_key(ctx, p, fib, ret_ttl))
		return BPF_FIB_LKUP_RET_NOT_FWDED;
	fib->tot_len = tot_len;
	return bpf_fib_lookup(ctx, fib, sizeof(*fib), 0);
}

/* One hop: TTL and MACs. */
static __always_inline bool forward_rewrite(struct xdp_md *ctx, const struct packet *p,
					    const struct bpf_fib_lookup *fib)
{
	struct ethhdr *eth = packet_at(ctx, 0, sizeof(*eth));

	if (!eth)
		return false;
	if (p->is_v6) {
		struct ipv6hdr *ip = packet_at(ctx, p->l3_off, sizeof(*ip));

		if (!ip)
			return false;
		ip->hop_limit--;
	} else {
		struct iphdr *ip = packet_at(ctx, p->l3_off, sizeof(*ip));
		__u32 sum;

		if (!ip)
			return false;
		sum = (__u32)ip->check + bpf_htons(0x0100); /* RFC 1141 */
		ip->check = (__sum16)(sum + (sum >= 0xffff));
		ip->ttl--;
	}
	__builtin_memcpy(eth->h_dest, fib->dmac, ETH_ALEN);
	__builtin_memcpy(eth->h_source, fib->smac, ETH_ALEN);
	return true;
}

static __always_inline __u32 forward_reason(long fib_result)
{
	switch (fib_result) {
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		return SR_NO_NEIGHBOUR;
	case BPF_FIB_LKUP_RET_FRAG_NEEDED:
		return SR_TOO_BIG;
	default:
		return SR_LOCAL;
	}
}

/* Send it out, or say in p->reason why the kernel has to. */
PACKET_GLOBAL int forward(struct xdp_md *ctx, struct packet *p)
{
	struct bpf_fib_lookup fib = { 0 };
	__u32 port;
	__u8 ttl = 0;
	long r;

	if (!p)
		return XDP_PASS;
	r = forward_route(ctx, p, (__u16)(p->l3_end - p->l3_off), &fib, &ttl);
	if (r == BPF_FIB_LKUP_RET_SUCCESS && forward_is_loopback(&fib))
		r = BPF_FIB_LKUP_RET_NOT_FWDED;
	if (r != BPF_FIB_LKUP_RET_SUCCESS) {
		p->reason = forward_reason(r);
		return XDP_PASS;
	}
	if (ttl <= 1) {
		p->reason = SR_TTL;
		return XDP_PASS;
	}
	if (p->proto == IPPROTO_UDP && p->has_l4 && !p->is_fragment && partial_checksum(ctx, p)) {
		p->reason = SR_PARTIAL_CHECKSUM;
		return XDP_PASS;
	}
	p->reason = SR_NO_PORT;
	port = port_by_ifindex(fib.ifindex);
	if (port >= SIPSEAL_PORTS_MAX || bpf_redirect_map(&sipseal_devs, port, 0) != XDP_REDIRECT)
		return XDP_PASS;
	if (!forward_rewrite(ctx, p, &fib))
		return XDP_PASS;
	p->reason = SR_FORWARDED;
	return XDP_REDIRECT;
}

/*
 * fast_path() - everything that the signer does not get.  @reason: the policy that let it pass, which
 * stays the one counted reason; SR_NONE: the fast path names its own.  Of ports that are not routed
 * everything passes as it is: what that means is port_bridge()'s business, or the local stack's.
 */
static __always_inline int fast_path(struct xdp_md *ctx, struct packet *p, __u32 reason)
{
	__u8 flags = port_flags(p);
	int action = XDP_PASS;

	p->reason = p->is_tagged ? SR_VLAN_OTHER : SR_KERNEL;
	if (flags & SIPSEAL_PORT_F_BRIDGE)
		p->reason = SR_FORWARDED;
	else if (!flags && !p->is_tagged && sipseal_config.fast_path_forward && !p->has_options)
		action = forward(ctx, p);
	if (reason)
		p->reason = reason;
	return action;
}

#endif
