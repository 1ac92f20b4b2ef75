// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * gateway.bpf.c - the XDP program of all modes: steer the INVITEs of trunks to the signer, let everything else
 * cross in the kernel.  What comes from the carrier: inbound.h; fragments: fragment.h; what "cross" means on a
 * port: SIPSEAL_PORT_F_* in abi.h.
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
 * A VLAN tag changes two things only, and none on a bridge: a trunk's INVITE or fragment follows on_signer_failure, and
 * the fast path is XDP_PASS.  Every packet leaves through sipseal_gateway(), which counts its one reason.
 */
#include "dialog.h"
#include "emergency.h"
#include "failing.h"
#include "forward.h"
#include "fragment.h"
#include "inbound.h"
#include "maps.h"
#include "packet.h"
#include "pmtu.h"
#include "port.h"
#include "request.h"
#include "steer.h"
#include "trunk_match.h"
#include "withhold.h"

#define GATEWAY_SCTP 132

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
	if (!port_is_core_side(ctx, p))
		return inbound_invite(ctx, p, generation, &a);
	trunk = match_outbound(generation, &a, p->dst_port_be);
	if (trunk < 0)
		return unmatched(ctx, p, &a);
	if (!sipseal_config.regulatory_enabled)
		return fast_path(ctx, p, SR_REGULATORY_OFF);
	if (dialog_check(ctx, p))
		return fast_path(ctx, p, SR_DIALOG);
	if (port_refuses_tags(p))
		return not_steered(ctx, p, SR_VLAN, SR_VLAN_DROPPED);
	return steer(ctx, p, generation, match_slot(trunk), match_interval_ns(trunk));
}

/* Does a packet from the core go to a trunk, by its addresses alone? */
static __always_inline bool is_to_trunk(struct xdp_md *ctx, struct packet *p)
{
	struct packet_addrs a = { 0 };

	if (!port_is_core_side(ctx, p) || !sipseal_config.regulatory_enabled || !packet_addrs(ctx, p, &a))
		return false;
	return match_outbound(sipseal_config.generation, &a, 0) >= 0;
}

/* Does one come in of a trunk that verifies? */
static __always_inline bool is_from_trunk(struct xdp_md *ctx, struct packet *p)
{
	struct packet_addrs a = { 0 };
	__s64 trunk;

	if (port_is_core_side(ctx, p) || !sipseal_config.regulatory_enabled || !packet_addrs(ctx, p, &a))
		return false;
	trunk = match_inbound(sipseal_config.generation, &a);
	return trunk >= 0 && (match_flags(trunk) & SIPSEAL_CORE_F_VERIFY);
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
	bool is_sip = ports && is_to_sip_port(ctx, p, ports[1]) && port_is_core_side(ctx, p);
	__u8 policy = sipseal_config.other_transports;

	if (!sipseal_config.regulatory_enabled)
		policy = SIPSEAL_PASS;
	/* the later ones do not tell what they are of, so the first one has to tell the signer */
	if (p->is_fragment && p->is_v6 && !(is_sip && policy == SIPSEAL_DROP))
		return on_fragment(ctx, p);
	if (!is_sip)
		return fast_path(ctx, p, SR_NONE);
	return apply_policy(ctx, p, policy, w);
}

/* UDP with its header.  @request: PACKET_*. */
static __always_inline int on_udp(struct xdp_md *ctx, struct packet *p, int request)
{
	if (request == PACKET_INVITE)
		return on_invite(ctx, p);
	if (request == PACKET_CANCEL && !port_is_core_side(ctx, p))
		return inbound_cancel(ctx, p);
	if (request == PACKET_OPTIONS && withhold_is_on(ctx, p))
		return withhold(ctx, p);
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
	if (p->is_fragment)
		return on_fragment(ctx, p);
	if (p->has_l4 && (p->proto == IPPROTO_ICMP || p->proto == IPPROTO_ICMPV6))
		pmtu_learn(ctx, p);
	if (p->is_opaque)
		return on_opaque(ctx, p);
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
	if (action == XDP_PASS && port_is_bridge(&p))
		action = port_bridge(&p);
	count(p.port, p.reason);
	return action;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
