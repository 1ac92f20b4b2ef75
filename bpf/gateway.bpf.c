// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * gateway.bpf.c - the XDP program of mode routed: steer the INVITEs of trunks to the signer, let
 * everything else cross in the kernel.
 *
 *   walk headers -> INVITE? -no--------------------------------> fast path
 *                     | yes                                        ^
 *                   trunk? -no-> unmatched_invite, wrong side ...--+
 *                     | yes                                        |
 *                   signer alive, socket bound? -no-> on_signer_failure
 *                     | yes                                        |
 *                   max_cps, fair share? -over-------------------> |
 *                     | below                                      |
 *                   metadata -> XSKMAP                            drop
 *
 * Order is cost: what is no INVITE leaves without any map look-up.  What could carry an INVITE past
 * the signer (fragments, long header chains, VLAN tags, TCP and SCTP) has a rule and a reason of its own.
 * A VLAN tag changes two things only: a trunk's INVITE follows on_signer_failure, and the fast path is
 * XDP_PASS.  Every packet leaves through sipseal_gateway(), which counts its one reason.
 */
#include "dialog.h"
#include "emergency.h"
#include "forward.h"
#include "fragment.h"
#include "limit.h"
#include "maps.h"
#include "packet.h"
#include "trunk_match.h"
#include "worker.h"

#define GATEWAY_SCTP 132

/* Lengths that metadata can tell; lo has 65536. */
#define GATEWAY_MTU_MAX 0xffff

struct policy_words {
	__u32 pass, drop; /* reasons */
};

/* @p could not or may not go to the signer: what @policy says, but emergency calls live. */
static __always_inline int apply_policy(struct xdp_md *ctx, struct packet *p, __u8 policy,
					struct policy_words w)
{
	if (p->is_emergency)
		return fast_path(ctx, p, SR_EMERGENCY_PASSED);
	if (policy == SIPSEAL_PASS)
		return fast_path(ctx, p, w.pass);
	p->reason = w.drop;
	return XDP_DROP;
}

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

	if (forward_route(ctx, p, GATEWAY_MTU_MAX, &fib, &ttl) == BPF_FIB_LKUP_RET_FRAG_NEEDED)
		return fib.mtu_result;
	return bpf_check_mtu(ctx, ifindex, &mtu, 0, 0) < 0 ? 0 : mtu;
}

/* What the signer needs to know of the route.  Return: false if the kernel would not forward at all. */
static __always_inline bool meta_route(struct xdp_md *ctx, const struct packet *p,
				       struct sipseal_meta *m, __u8 *ret_ttl)
{
	struct bpf_fib_lookup fib = { 0 };
	__u32 port, mtu;
	long r = forward_route(ctx, p, 0, &fib, ret_ttl);

	if (r != BPF_FIB_LKUP_RET_SUCCESS && !is_raw_route(r, p->is_v6))
		return false;
	mtu = r == BPF_FIB_LKUP_RET_SUCCESS ? fib.mtu_result : raw_mtu(ctx, p, fib.ifindex);
	m->mtu = (__u16)(mtu > GATEWAY_MTU_MAX ? GATEWAY_MTU_MAX : mtu);
	port = port_by_ifindex(fib.ifindex);
	if (r != BPF_FIB_LKUP_RET_SUCCESS || port >= SIPSEAL_PORTS_MAX) {
		m->flags |= SIPSEAL_META_F_RAW;
		return true;
	}
	m->egress = (__u16)port;
	__builtin_memcpy(m->dmac, fib.dmac, ETH_ALEN);
	__builtin_memcpy(m->smac, fib.smac, ETH_ALEN);
	return true;
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

/*
 * Give a trunk's INVITE to the signer.  bpf_redirect_map() answers whether a socket is in the slot, and
 * holds it until the program returns: there is no moment in which the socket vanishes and the flag
 * instead of the policy would decide.  It is asked before the limits: who cannot be served takes no token.
 */
PACKET_GLOBAL int steer(struct xdp_md *ctx, struct packet *p, __u32 generation, __u32 trunk,
			__u32 interval_ns)
{
	const struct policy_words down = { SR_SIGNER_DOWN, SR_SIGNER_DOWN_DROPPED };
	struct sipseal_meta m = {
		.version = SIPSEAL_ABI_VERSION,
		.generation = (__u16)generation,
		.trunk = trunk,
	};
	__u32 worker = 0, reason = 0;
	bool is_backlogged;
	__u8 ttl = 0;
	__s64 slot;

	if (!p)
		return XDP_PASS;
	slot = worker_slot(ctx, p, &worker);
	is_backlogged = slot >= 0 && worker_is_backlogged((__u32)slot);
	if (slot < 0 || (p->is_emergency && is_backlogged) ||
	    bpf_redirect_map(&sipseal_xsks, (__u32)slot, 0) != XDP_REDIRECT)
		return apply_policy(ctx, p, sipseal_config.on_signer_failure, down);
	m.time_ns = bpf_ktime_get_ns();
	if (p->is_emergency)
		m.flags = SIPSEAL_META_F_EMERGENCY;
	else
		reason = limit_check(trunk, interval_ns, is_backlogged ? worker_fair_ns(worker) : 0, m.time_ns);
	if (reason) {
		p->reason = reason;
		return XDP_DROP;
	}
	if (!meta_route(ctx, p, &m, &ttl)) {
		p->reason = SR_LOCAL;
		return XDP_PASS;
	}
	if (ttl <= 1) {
		p->reason = SR_TTL;
		return XDP_PASS;
	}
	if (!meta_write(ctx, &m))
		return apply_policy(ctx, p, sipseal_config.on_signer_failure, down);
	worker_count_given((__u32)slot);
	p->reason = SR_STEERED;
	return XDP_REDIRECT;
}

static __always_inline void record_unmatched(const struct packet *p, const struct packet_addrs *a)
{
	struct sipseal_unmatched_key key = {
		.src_port_be = p->src_port_be,
		.dst_port_be = p->dst_port_be,
	};
	__u64 one = 1, *cnt;

	__builtin_memcpy(key.src, a->src, 32);
	cnt = bpf_map_lookup_elem(&sipseal_unmatch, &key);
	if (cnt)
		__sync_fetch_and_add(cnt, 1);
	else
		bpf_map_update_elem(&sipseal_unmatch, &key, &one, BPF_NOEXIST);
}

/* An INVITE that belongs to no trunk. */
PACKET_GLOBAL int unmatched(struct xdp_md *ctx, struct packet *p, const struct packet_addrs *a)
{
	const struct policy_words w = { SR_UNMATCHED_INVITE, SR_UNMATCHED_INVITE_DROPPED };
	__u8 policy = sipseal_config.unmatched_invite;

	if (!p || !a)
		return XDP_PASS;
	if (!match_is_sip_port(p->dst_port_be))
		return fast_path(ctx, p, SR_NONE);
	record_unmatched(p, a);
	if (!sipseal_config.regulatory_enabled) /* off: traffic flows */
		policy = SIPSEAL_PASS;
	return apply_policy(ctx, p, policy, w);
}

static __always_inline bool is_core_side(const struct packet *p)
{
	return p->port < SIPSEAL_PORTS_MAX &&
	       sipseal_config.ports[p->port].side == SIPSEAL_SIDE_CORE;
}

/* From the carrier side nothing is ever signed. */
static __always_inline int on_carrier_invite(struct xdp_md *ctx, struct packet *p, __u32 generation,
					     const struct packet_addrs *a)
{
	if (match_group(generation, a->dst, p->dst_port_be) >= 0 ||
	    match_group(generation, a->dst, 0) >= 0)
		return fast_path(ctx, p, SR_WRONG_SIDE);
	if (match_group(generation, a->src, 0) >= 0)
		return fast_path(ctx, p, SR_INBOUND_UNVERIFIED);
	return unmatched(ctx, p, a);
}

PACKET_GLOBAL int on_invite(struct xdp_md *ctx, struct packet *p)
{
	const struct policy_words vlan = { SR_VLAN, SR_VLAN_DROPPED };
	__u32 generation = sipseal_config.generation;
	struct packet_addrs a = { 0 };
	bool is_matchable;
	__s64 trunk;

	if (!p)
		return XDP_PASS;
	is_matchable = packet_addrs(ctx, p, &a);
	p->is_emergency = emergency_check(ctx, p);
	if (!is_matchable)
		return unmatched(ctx, p, &a);
	if (!is_core_side(p))
		return on_carrier_invite(ctx, p, generation, &a);
	trunk = match_outbound(generation, &a, p->dst_port_be);
	if (trunk < 0)
		return unmatched(ctx, p, &a);
	if (!sipseal_config.regulatory_enabled)
		return fast_path(ctx, p, SR_REGULATORY_OFF);
	if (dialog_check(ctx, p))
		return fast_path(ctx, p, SR_DIALOG);
	if (p->is_tagged)
		return apply_policy(ctx, p, sipseal_config.on_signer_failure, vlan);
	return steer(ctx, p, generation, match_slot(trunk), match_interval_ns(trunk));
}

/* Does a packet from the core go to a trunk, by its addresses alone? */
static __always_inline bool is_to_trunk(struct xdp_md *ctx, struct packet *p)
{
	struct packet_addrs a = { 0 };

	if (!is_core_side(p) || !sipseal_config.regulatory_enabled || !packet_addrs(ctx, p, &a))
		return false;
	return match_outbound(sipseal_config.generation, &a, 0) >= 0;
}

/*
 * A fragment of what is or may be UDP (in IPv6 a later fragment tells only the number of the header that
 * its first starts with).  Others cannot carry an INVITE that a UDP receiver would see.
 */
PACKET_GLOBAL int on_fragment(struct xdp_md *ctx, struct packet *p)
{
	const struct policy_words w = { SR_FRAGMENT, SR_FRAGMENT_DROPPED };

	if (!p)
		return XDP_PASS;
	if ((p->proto != IPPROTO_UDP && !packet_is_ext(p->proto)) || !is_to_trunk(ctx, p))
		return fast_path(ctx, p, SR_NONE);
	if (p->has_l4 && p->proto == IPPROTO_UDP && !packet_udp(ctx, p) && packet_is_invite(ctx, p))
		p->is_emergency = emergency_check(ctx, p);
	if (p->is_emergency)
		fragment_note(ctx, p);
	else if (!p->has_l4)
		p->is_emergency = fragment_is_noted(ctx, p);
	return apply_policy(ctx, p, sipseal_config.on_signer_failure, w);
}

PACKET_GLOBAL int on_opaque(struct xdp_md *ctx, struct packet *p)
{
	const struct policy_words w = { SR_OPAQUE, SR_OPAQUE_DROPPED };

	if (!p)
		return XDP_PASS;
	if (!is_to_trunk(ctx, p))
		return fast_path(ctx, p, SR_NONE);
	return apply_policy(ctx, p, sipseal_config.on_signer_failure, w);
}

/* TCP or SCTP: is its destination a SIP port of a carrier peer? */
PACKET_GLOBAL int is_to_sip_port(struct xdp_md *ctx, struct packet *p, __be16 port_be)
{
	__u32 generation = sipseal_config.generation;
	bool is_peer_port = match_is_peer_port(generation, port_be);
	bool is_sip_port = port_be == bpf_htons(MATCH_SIPS_PORT) || match_is_sip_port(port_be);
	struct packet_addrs a = { 0 };

	if (!p || (!is_peer_port && !is_sip_port) || !packet_addrs(ctx, p, &a))
		return false;
	if (is_peer_port && match_group(generation, a.dst, port_be) >= 0)
		return true;
	return is_sip_port && match_group(generation, a.dst, 0) >= 0;
}

static __always_inline int on_other_transport(struct xdp_md *ctx, struct packet *p)
{
	const struct policy_words w = { SR_OTHER_TRANSPORT, SR_OTHER_TRANSPORT_DROPPED };
	__be16 *ports = packet_at(ctx, p->l4_off, 4); /* source, destination: TCP and SCTP alike */
	__u8 policy = sipseal_config.other_transports;

	if (!ports || !is_core_side(p) || !is_to_sip_port(ctx, p, ports[1]))
		return fast_path(ctx, p, SR_NONE);
	if (!sipseal_config.regulatory_enabled)
		policy = SIPSEAL_PASS;
	return apply_policy(ctx, p, policy, w);
}

static __always_inline int gateway(struct xdp_md *ctx, struct packet *p)
{
	int r = packet_walk(ctx, p);

	if (!r && p->proto == IPPROTO_UDP && p->has_l4 && !p->is_fragment) {
		r = packet_udp(ctx, p);
		if (!r)
			return packet_is_invite(ctx, p) ? on_invite(ctx, p) :
							  fast_path(ctx, p, SR_NONE);
	}
	if (r) {
		p->reason = r;
		return XDP_PASS;
	}
	if (p->has_l4 && (p->proto == IPPROTO_TCP || p->proto == GATEWAY_SCTP))
		return on_other_transport(ctx, p);
	if (p->is_opaque)
		return on_opaque(ctx, p);
	if (p->is_fragment)
		return on_fragment(ctx, p);
	return fast_path(ctx, p, SR_NONE);
}

static __always_inline void count(__u32 port, __u32 reason)
{
	__u32 key = port * SR_XDP_MAX + reason;
	__u64 *cnt = bpf_map_lookup_elem(&sipseal_count, &key);

	if (cnt)
		++*cnt;
}

SEC("xdp")
int sipseal_gateway(struct xdp_md *ctx)
{
	struct packet p = { .port = port_by_ifindex(ctx->ingress_ifindex), .reason = SR_NO_PORT };
	int action = XDP_PASS;

	if (p.port < SIPSEAL_PORTS_MAX)
		action = gateway(ctx, &p);
	count(p.port, p.reason);
	return action;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
