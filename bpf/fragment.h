/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * fragment.h - fragments between the addresses of a trunk go to the signer, which puts the datagram together.
 *
 * Which trunk: only a first fragment has ports, so the addresses alone decide; each carrier peer stands in the
 * match tables with port 0 for that.
 *
 *     outbound   the trunk of source and destination.  In a first fragment with a UDP header: that of the port, too.
 *                No trunk has the port: F_FOREIGN, and the signer does with an INVITE what unmatched_invite says
 *     inbound    the trunk of source and destination, if it verifies; ports do not matter there anyway
 *
 * Why nothing gets round:
 *  - IPv4: protocol and identification tell a datagram, and each fragment has both.  UDP goes to the signer, and
 *    AH, behind which UDP may stand; nothing else becomes UDP at a receiver.
 *  - IPv6: a later fragment tells only the number of the header that its first one starts with, receivers believe
 *    the first one alone (RFC 8200 s4.5), and identification has no protocol beside it.  So all go to the
 *    signer, TCP and ICMPv6 too: it learns from the first fragment what they are and lets them go.
 *  - What cannot be read goes there as well: a first fragment that is too small for its headers, fragments in
 *    fragments, chains of too many headers.  Only what no receiver puts together is left to the kernel (malformed).
 *  - An INVITE need not be in the first fragment, nor its request line whole: nobody looks for one here but to
 *    count calls (max_cps), to let emergency calls live, and to name the INVITEs of no trunk.
 *  - A "fragment" that is the whole datagram (IPv6 offset 0, no more: RFC 6946) goes the same way.
 *  - Between addresses that are no trunk's everything passes, as without us; unmatched_invite is for what can be
 *    seen in a first fragment.
 */
#ifndef SIPSEAL_FRAGMENT_H
#define SIPSEAL_FRAGMENT_H

#include "dialog.h"
#include "emergency.h"
#include "failing.h"
#include "fragment_sos.h"
#include "port.h"
#include "request.h"
#include "steer.h"
#include "trunk_match.h"

/* What a first fragment shows. */
struct fragment_view {
	bool has_ports;      /* those of p */
	bool is_invite;
};

static __always_inline struct fragment_view fragment_look(struct xdp_md *ctx, struct packet *p)
{
	struct fragment_view v = { false, false };

	if (!p->has_l4 || p->proto != IPPROTO_UDP || packet_udp(ctx, p))
		return v;
	v.has_ports = true;
	v.is_invite = packet_request(ctx, p) == PACKET_INVITE;
	if (v.is_invite)
		p->is_emergency = emergency_check(ctx, p);
	return v;
}

static __always_inline void fragment_pass_flag(struct packet *p, __u8 policy)
{
	if (policy == SIPSEAL_PASS)
		p->meta_flags |= SIPSEAL_META_F_PASS;
}

/* A first fragment to a port that no trunk has. */
static __always_inline void fragment_foreign(struct packet *p, const struct packet_addrs *a, bool is_invite)
{
	bool is_sip_port = match_is_sip_port(p->dst_port_be);

	p->meta_flags |= SIPSEAL_META_F_FOREIGN;
	fragment_pass_flag(p, is_sip_port ? sipseal_config.unmatched_invite : SIPSEAL_PASS);
	if (is_invite && is_sip_port)
		record_unmatched(p, a);
}

/*
 * fragment_outbound() - the trunk whose it is: @trunk is that of the addresses.
 * Return: the one of the port, if there is one; its interval is 0 where no call is to be counted.
 */
static __always_inline __s64 fragment_outbound(struct xdp_md *ctx, struct packet *p, __u32 generation,
					       const struct packet_addrs *a, __s64 trunk, struct fragment_view v)
{
	__s64 exact = v.has_ports ? match_outbound(generation, a, p->dst_port_be) : MATCH_NONE;
	bool is_call = v.is_invite && exact >= 0 && !dialog_check(ctx, p);

	if (v.has_ports && exact < 0)
		fragment_foreign(p, a, v.is_invite);
	else
		fragment_pass_flag(p, sipseal_config.on_signer_failure);
	if (exact >= 0)
		trunk = exact;
	return is_call ? trunk : trunk & 0xffffffff;
}

/* @trunk: from fragment_outbound(), or the one of an inbound fragment, without interval. */
static __always_inline int fragment_steer(struct xdp_md *ctx, struct packet *p, __u32 generation, __s64 trunk)
{
	bool is_first_sos = p->is_emergency;
	struct fragment_note *note = p->has_l4 ? NULL : fragment_noted(ctx, p);
	int action;

	if (note && note->is_passed)
		return fast_path(ctx, p, SR_EMERGENCY_PASSED);
	if (note)
		p->is_emergency = p->is_follower = true;
	if (port_refuses_tags(p))
		action = not_steered(ctx, p, SR_VLAN, SR_VLAN_DROPPED);
	else
		action = steer(ctx, p, generation, match_slot(trunk), match_interval_ns(trunk));
	if (is_first_sos)
		fragment_note(ctx, p);
	return action;
}

/* Fragments that are of no trunk that minds.  @reason: what an INVITE that can be seen is counted as. */
static __always_inline int fragment_pass(struct xdp_md *ctx, struct packet *p, bool is_invite, __u32 reason)
{
	return fast_path(ctx, p, is_invite ? reason : SR_NONE);
}

PACKET_GLOBAL int on_fragment(struct xdp_md *ctx, struct packet *p)
{
	__u32 generation = sipseal_config.generation;
	struct packet_addrs a = { 0 };
	struct fragment_view v;
	__s64 trunk = MATCH_NONE;
	bool is_core;

	if (!p)
		return XDP_PASS;
	if (!p->is_v6 && p->frag_proto != IPPROTO_UDP && p->frag_proto != IPPROTO_AH)
		return fast_path(ctx, p, SR_NONE);
	v = fragment_look(ctx, p);
	is_core = port_is_core_side(ctx, p);
	if (packet_addrs(ctx, p, &a))
		trunk = is_core ? match_outbound(generation, &a, 0) : match_inbound(generation, &a);
	if (trunk == MATCH_WRONG_SIDE)
		return fragment_pass(ctx, p, v.is_invite, SR_WRONG_SIDE);
	if (trunk < 0)
		return v.is_invite ? unmatched(ctx, p, &a) : fast_path(ctx, p, SR_NONE);
	if (!is_core && !(match_flags(trunk) & SIPSEAL_CORE_F_VERIFY))
		return fragment_pass(ctx, p, v.is_invite, SR_INBOUND_UNVERIFIED);
	if (!sipseal_config.regulatory_enabled)
		return fragment_pass(ctx, p, v.is_invite, SR_REGULATORY_OFF);
	p->meta_flags = SIPSEAL_META_F_FRAGMENT;
	if (is_core) {
		trunk = fragment_outbound(ctx, p, generation, &a, trunk, v);
	} else {
		p->meta_flags |= SIPSEAL_META_F_INBOUND;
		fragment_pass_flag(p, sipseal_config.on_signer_failure);
		trunk &= 0xffffffff;
	}
	return fragment_steer(ctx, p, generation, trunk);
}

#endif
