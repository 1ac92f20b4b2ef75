/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * steer.h - give a packet of a trunk to the signer: route, metadata, XSKMAP.
 */
#ifndef SIPSEAL_STEER_H
#define SIPSEAL_STEER_H

#include "failing.h"
#include "forward.h"
#include "limit.h"
#include "maps.h"
#include "packet.h"
#include "pmtu.h"
#include "worker.h"

/* Lengths that metadata can tell; lo has 65536. */
#define STEER_MTU_MAX 0xffff

/*
 * Would the kernel send such a packet on, without a look-up that XDP can use?  Then only the raw socket
 * can take its place.  IPv6 forwards by the global sysctl, the FIB helper asks the one of the NIC.
 */
static __always_inline bool is_raw_route(long fib_result, bool is_v6)
{
	return fib_result == BPF_FIB_LKUP_RET_NO_NEIGH ||
	       fib_result == BPF_FIB_LKUP_RET_UNSUPP_LWT ||
	       (fib_result == BPF_FIB_LKUP_RET_FWD_DISABLED && is_v6);
}

/*
 * The MTU of a route without neighbour.  The FIB tells the MTU only of what it can send or what is too
 * large for it, so it is asked for the largest packet; where it does not come that far, the device's.
 */
static __noinline __u32 raw_mtu(struct xdp_md *ctx, const struct packet *p, __u32 ifindex)
{
	struct bpf_fib_lookup fib = { 0 };
	__u32 mtu = 0;
	__u8 ttl;

	if (forward_route(ctx, p, STEER_MTU_MAX, &fib, &ttl) == BPF_FIB_LKUP_RET_FRAG_NEEDED)
		return fib.mtu_result;
	return bpf_check_mtu(ctx, ifindex, &mtu, 0, 0) < 0 ? 0 : mtu;
}

/*
 * A port that is not routed: out of the other one, or back to the local stack, with no look at the FIB, for this
 * machine is no hop: TTL 1 and group MACs are fine.  Of a bridge's route no MTU is known but those of the two NICs.
 */
static __always_inline bool meta_unrouted(struct xdp_md *ctx, const struct packet *p, struct sipseal_meta *m)
{
	struct ethhdr *eth = packet_at(ctx, 0, sizeof(*eth));
	__u32 port = p->port, peer = port_peer(p);

	m->flags |= SIPSEAL_META_F_BRIDGED;
	m->mtu = STEER_MTU_MAX;
	if (!port_is_bridge(p)) {
		m->flags |= SIPSEAL_META_F_RAW;
		return true;
	}
	if (!eth || port >= SIPSEAL_PORTS_MAX || peer >= SIPSEAL_PORTS_MAX)
		return false;
	m->egress = (__u16)peer;
	m->mtu = sipseal_config.ports[port].mtu;
	if (sipseal_config.ports[peer].mtu < m->mtu)
		m->mtu = sipseal_config.ports[peer].mtu;
	__builtin_memcpy(m->dmac, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(m->smac, eth->h_source, ETH_ALEN);
	return true;
}

/* What the signer needs to know of the route.  Return: 0, or the reason why it is not for the signer. */
static __always_inline __u32 meta_route(struct xdp_md *ctx, const struct packet *p, struct sipseal_meta *m)
{
	struct bpf_fib_lookup fib = { 0 };
	__u32 port, mtu;
	__u8 ttl = 0;
	long r;

	if (port_flags(p))
		return meta_unrouted(ctx, p, m) ? 0 : SR_NO_PEER_PORT;
	r = forward_route(ctx, p, 0, &fib, &ttl);
	if (r != BPF_FIB_LKUP_RET_SUCCESS && !is_raw_route(r, p->is_v6))
		return SR_LOCAL; /* the kernel would not forward at all */
	if (ttl <= 1)
		return SR_TTL;
	mtu = r == BPF_FIB_LKUP_RET_SUCCESS ? fib.mtu_result : raw_mtu(ctx, p, fib.ifindex);
	m->mtu = (__u16)(mtu > STEER_MTU_MAX ? STEER_MTU_MAX : mtu);
	port = port_by_ifindex(fib.ifindex);
	if (r != BPF_FIB_LKUP_RET_SUCCESS || port >= SIPSEAL_PORTS_MAX) {
		m->flags |= SIPSEAL_META_F_RAW;
		return 0;
	}
	m->egress = (__u16)port;
	__builtin_memcpy(m->dmac, fib.dmac, ETH_ALEN);
	__builtin_memcpy(m->smac, fib.smac, ETH_ALEN);
	return 0;
}

static __always_inline bool meta_write(struct xdp_md *ctx, const struct sipseal_meta *m)
{
	struct sipseal_meta *dst;

	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*m)))
		return false;
	dst = (void *)(long)ctx->data_meta;
	if ((void *)(dst + 1) > (void *)(long)ctx->data)
		return false;
	*dst = *m;
	return true;
}

/* @p is the signer's, which is not there for it.  Fragments have words of their own. */
static __always_inline int signer_down(struct xdp_md *ctx, struct packet *p)
{
	if (p->is_fragment)
		return not_steered(ctx, p, SR_FRAGMENT, SR_FRAGMENT_DROPPED);
	return not_steered(ctx, p, SR_SIGNER_DOWN, SR_SIGNER_DOWN_DROPPED);
}

/*
 * steer() - p->meta_flags says what it is besides an outbound INVITE; @interval_ns: by max_cps, 0: no limit.
 *
 * bpf_redirect_map() answers whether a socket is in the slot, and holds it until the program returns: there
 * is no moment in which the socket vanishes and the flag instead of the policy would decide.  It is asked
 * before the limits: who cannot be served takes no token.
 */
PACKET_GLOBAL int steer(struct xdp_md *ctx, struct packet *p, __u32 generation, __u32 trunk,
			__u32 interval_ns)
{
	struct sipseal_meta m = {
		.version = SIPSEAL_ABI_VERSION,
		.generation = (__u16)generation,
		.trunk = trunk,
	};
	__u32 worker = 0, reason = 0;
	bool is_backlogged, is_vital;
	__s64 slot;

	if (!p)
		return XDP_PASS;
	is_vital = (p->is_emergency && !p->is_follower) || p->meta_flags & SIPSEAL_META_F_CANCEL;
	slot = worker_slot(ctx, p, &worker);
	is_backlogged = slot >= 0 && worker_is_backlogged((__u32)slot);
	/* a full ring drops: what must not be lost goes round it in time */
	if (slot < 0 || (is_backlogged && is_vital) ||
	    bpf_redirect_map(&sipseal_xsks, (__u32)slot, 0) != XDP_REDIRECT)
		return signer_down(ctx, p);
	m.time_ns = bpf_ktime_get_ns();
	m.flags = p->meta_flags;
	if (p->is_emergency)
		m.flags |= SIPSEAL_META_F_EMERGENCY;
	else /* a CANCEL has no interval, and with a backlog it is not here */
		reason = limit_check(trunk, interval_ns, is_backlogged ? worker_fair_ns(worker) : 0, m.time_ns);
	if (reason) {
		p->reason = reason;
		return XDP_DROP;
	}
	reason = meta_route(ctx, p, &m);
	if (reason) {
		p->reason = reason;
		return XDP_PASS;
	}
	pmtu_apply(ctx, p, &m);
	if (!meta_write(ctx, &m))
		return signer_down(ctx, p);
	worker_count_given((__u32)slot);
	p->reason = SR_STEERED;
	return XDP_REDIRECT;
}

#endif
