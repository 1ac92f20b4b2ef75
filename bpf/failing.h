/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * failing.h - what a configured policy decides: an INVITE or fragment that the signer does not get, an INVITE
 * of no trunk.  Emergency calls pass, whatever a policy says.
 */
#ifndef SIPSEAL_FAILING_H
#define SIPSEAL_FAILING_H

#include "dialog.h"
#include "forward.h"
#include "maps.h"
#include "packet.h"
#include "trunk_match.h"

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
 * not_steered() - @p belongs to a trunk, but the signer cannot take it; @pass, @drop: reasons.  A CANCEL is as on
 * any other day.  A call from the carrier that stands already goes on: outbound, such a one never comes this far.
 */
PACKET_GLOBAL int not_steered(struct xdp_md *ctx, struct packet *p, __u32 pass, __u32 drop)
{
	const struct policy_words w = { pass, drop };

	if (!p)
		return XDP_PASS;
	if (p->meta_flags & SIPSEAL_META_F_CANCEL)
		return fast_path(ctx, p, SR_NONE);
	if (p->meta_flags & SIPSEAL_META_F_INBOUND && !p->is_fragment && !p->is_emergency && dialog_check(ctx, p))
		return fast_path(ctx, p, SR_DIALOG);
	return apply_policy(ctx, p, sipseal_config.on_signer_failure, w);
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

#endif
