/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * inbound.h - what comes in on the carrier side: INVITEs of trunks that verify, and CANCELs of those whose INVITEs
 * may wait in the signer, so that a CANCEL does not overtake its INVITE.
 *
 * Nothing from this side is ever signed; what goes to a carrier peer is on the wrong side.  The trunk's max_cps is
 * for outbound INVITEs; the fair share of an overloaded worker counts both.  A To tag is no way round the
 * signer here: it alone can tell a mark of ours that somebody else has made.
 */
#ifndef SIPSEAL_INBOUND_H
#define SIPSEAL_INBOUND_H

#include "failing.h"
#include "steer.h"
#include "trunk_match.h"

static __always_inline int inbound_invite(struct xdp_md *ctx, struct packet *p, __u32 generation,
					  const struct packet_addrs *a)
{
	__s64 trunk = match_inbound(generation, a);

	if (trunk == MATCH_WRONG_SIDE)
		return fast_path(ctx, p, SR_WRONG_SIDE);
	if (trunk < 0)
		return unmatched(ctx, p, a);
	if (!(match_flags(trunk) & SIPSEAL_CORE_F_VERIFY))
		return fast_path(ctx, p, SR_INBOUND_UNVERIFIED);
	if (!sipseal_config.regulatory_enabled)
		return fast_path(ctx, p, SR_REGULATORY_OFF);
	p->meta_flags = SIPSEAL_META_F_INBOUND;
	if (port_refuses_tags(p))
		return not_steered(ctx, p, SR_VLAN, SR_VLAN_DROPPED);
	return steer(ctx, p, generation, match_slot(trunk), 0);
}

/* It passes in any case: through the signer where that may hold its INVITE. */
PACKET_GLOBAL int inbound_cancel(struct xdp_md *ctx, struct packet *p)
{
	__u32 generation = sipseal_config.generation;
	struct packet_addrs a = { 0 };
	__s64 trunk;

	if (!p)
		return XDP_PASS;
	if (port_refuses_tags(p) || !sipseal_config.regulatory_enabled || !packet_addrs(ctx, p, &a))
		return fast_path(ctx, p, SR_NONE);
	trunk = match_inbound(generation, &a);
	if (trunk < 0 || !(match_flags(trunk) & SIPSEAL_CORE_F_CANCEL))
		return fast_path(ctx, p, SR_NONE);
	p->meta_flags = SIPSEAL_META_F_INBOUND | SIPSEAL_META_F_CANCEL;
	return steer(ctx, p, generation, match_slot(trunk), 0);
}

#endif
