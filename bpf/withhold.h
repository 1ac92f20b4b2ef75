/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * withhold.h - OPTIONS between trunk peers while their INVITEs are being dropped.
 *
 * Peers ask with OPTIONS whether the way is good, and the fast path would go on saying yes for a gateway whose
 * signer is gone.  Without answers they route around us.  Only where INVITEs of the same two die: outbound of every
 * trunk, inbound of those that verify.  Not at once: a signer that restarts is back in less than that, and
 * who is taken out of a dispatcher stays out for longer.
 */
#ifndef SIPSEAL_WITHHOLD_H
#define SIPSEAL_WITHHOLD_H

#include "forward.h"
#include "maps.h"
#include "packet.h"
#include "port.h"
#include "request.h"
#include "trunk_match.h"
#include "worker.h"

/* May it be that OPTIONS are withheld now?  Asked for each of them. */
static __always_inline bool withhold_is_on(const struct xdp_md *ctx, const struct packet *p)
{
	return sipseal_config.withhold_options && sipseal_config.on_signer_failure == SIPSEAL_DROP &&
	       sipseal_config.regulatory_enabled && worker_is_gone(ctx, p);
}

/* withhold() - @p is UDP, packet_request() has said OPTIONS, and withhold_is_on(). */
PACKET_GLOBAL int withhold(struct xdp_md *ctx, struct packet *p)
{
	__u32 generation = sipseal_config.generation;
	struct packet_addrs a = { 0 };
	bool is_core, is_withheld;
	__s64 trunk;

	if (!p)
		return XDP_PASS;
	if (packet_find_request(ctx, p) != PACKET_OPTIONS || !packet_addrs(ctx, p, &a))
		return fast_path(ctx, p, SR_NONE);
	is_core = port_is_core_side(ctx, p);
	trunk = is_core ? match_outbound(generation, &a, 0) : match_inbound(generation, &a);
	is_withheld = trunk >= 0 && (is_core || match_flags(trunk) & SIPSEAL_CORE_F_VERIFY);
	if (!is_withheld)
		return fast_path(ctx, p, SR_NONE);
	p->reason = SR_OPTIONS_WITHHELD;
	return XDP_DROP;
}

#endif
