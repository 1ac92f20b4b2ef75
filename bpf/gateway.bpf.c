// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * gateway.bpf.c - the XDP program of mode routed: steer the INVITEs of trunks to the signer, let
 * everything else cross in the kernel.  What comes from the carrier: inbound.h.
 *
 *   walk headers -> INVITE (inbound: or CANCEL)? -no-----------> fast path
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
#include "failing.h"
#include "forward.h"
#include "fragment.h"
#include "inbound.h"
#include "maps.h"
#include "packet.h"
#include "steer.h"
#include "trunk_match.h"

#define GATEWAY_SCTP 132

static __always_inline bool is_core_side(const struct packet *p)
{
	return p->port < SIPSEAL_PORTS_MAX &&
	       sipseal_config.ports[p->port].side == SIPSEAL_SIDE_CORE;
}

PACKET_GLOBAL int on_invite(struct xdp_md *ctx, struct packet *p)
{
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
		return inbound_invite(ctx, p, generation, &a);
	trunk = match_outbound(generation, &a, p->dst_port_be);
	if (trunk < 0)
		return unmatched(ctx, p, &a);
	if (!sipseal_config.regulatory_enabled)
		return fast_path(ctx, p, SR_REGULATORY_OFF);
	if (dialog_check(ctx, p))
		return fast_path(ctx, p, SR_DIALOG);
	if (p->is_tagged)
		return not_steered(ctx, p, SR_VLAN, SR_VLAN_DROPPED);
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

/* Does one come in of a trunk that verifies? */
static __always_inline bool is_from_trunk(struct xdp_md *ctx, struct packet *p)
{
	struct packet_addrs a = { 0 };
	__s64 trunk;

	if (is_core_side(p) || !sipseal_config.regulatory_enabled || !packet_addrs(ctx, p, &a))
		return false;
	trunk = match_inbound(sipseal_config.generation, &a);
	return trunk >= 0 && (match_flags(trunk) & SIPSEAL_CORE_F_VERIFY);
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
	if (p->has_l4 && p->proto == IPPROTO_UDP && !packet_udp(ctx, p) && packet_request(ctx, p) == PACKET_INVITE)
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
	if (!is_to_trunk(ctx, p) && !is_from_trunk(ctx, p))
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

/* UDP with its header.  @request: PACKET_*. */
static __always_inline int on_udp(struct xdp_md *ctx, struct packet *p, int request)
{
	if (request == PACKET_INVITE)
		return on_invite(ctx, p);
	if (request == PACKET_CANCEL && !is_core_side(p))
		return inbound_cancel(ctx, p);
	return fast_path(ctx, p, SR_NONE);
}

static __always_inline int gateway(struct xdp_md *ctx, struct packet *p)
{
	int r = packet_walk(ctx, p);

	if (!r && p->proto == IPPROTO_UDP && p->has_l4 && !p->is_fragment) {
		r = packet_udp(ctx, p);
		if (!r)
			return on_udp(ctx, p, packet_request(ctx, p));
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
