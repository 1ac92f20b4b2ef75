/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way of a frame through the signer: frame_run() is the whole of it.  Fragments take that of fragments.c, and come
 * back to datapath_invite() as datagrams.
 *
 * Emergency calls (flagged by XDP) that the rules below would drop leave as they came instead: unsigned,
 * counted as passed.  So do CANCELs, which only come here to stay behind their INVITE.  But of an INVITE from the
 * carrier that the engine has seen, it alone says whether it is an emergency call: XDP takes "sip:911:5060" for one,
 * and nobody's marks get through by that.
 */
#include "signer/datapath.h"

#include <errno.h>

#include "base/clock.h"
#include "signer/fragments.h"
#include "signer/inbound.h"
#include "signer/leave.h"
#include "signer/tell.h"

/* An INVITE with its headers, without most of a long body.  More would push out what is in use. */
#define PREFETCH_LEN 1024
#define CACHE_LINE   64

enum sipseal_reason datapath_meta_check(struct worker *w, struct steered *s)
{
	const struct sipseal_meta *m = &s->meta;

	if (m->version != SIPSEAL_ABI_VERSION)
		return SR_BAD_METADATA;
	s->policy = policy_copy_get(w->cfg.policy, m->generation);
	if (!s->policy)
		return SR_UNKNOWN_GENERATION;
	/* signed: a frame may be newer than the clock of its batch */
	if ((int64_t)(w->now_ns - m->time_ns) > (int64_t)s->policy->stale_ns)
		return SR_STALE_FRAME;
	return policy_trunk_get(s->policy, m->trunk) ? SR_NONE : SR_UNKNOWN_TRUNK;
}

enum sipseal_reason datapath_drop(struct worker *w, struct steered *s, enum sipseal_reason reason)
{
	return steered_is_emergency(s) ? leave_unchanged(w, s, SR_EMERGENCY_PASSED_LATE) : reason;
}

const struct pidf_template *datapath_override(void *ctx, struct slice call_id, struct slice calling)
{
	struct worker *w = ctx;
	const struct override_region *r = w->cfg.overrides;
	_Atomic uint64_t *used = w->cfg.events->override_used;

	if (!atomic_load_explicit(&r->cnt, memory_order_relaxed))
		return NULL;
	if (override_find(r, used, OVERRIDE_CALL_ID, call_id, w->now_ns, &w->override) ||
	    override_find(r, used, OVERRIDE_CALLING, calling, w->now_ns, &w->override))
		return &w->override.location;
	return NULL;
}

static void engine_turn(struct worker *w, struct steered *s, struct engine_input *in, bool is_last)
{
	*in = (struct engine_input){
		.datagram = s->wire.payload,
		.policy = s->policy,
		.trunk = s->meta.trunk,
		.is_inbound = steered_is_inbound(s),
		.is_last = is_last || steered_is_emergency(s),
		.source_port = s->wire.src_port,
		.max_len = leave_max(w, s),
	};
	w->override.seq = 0;
	w->override.index = 0;
	/* what stands there after a call that was not judged is of another call */
	w->engine.judged.status = VERIFY_VERIFIED;
	w->engine.judged.row_cnt = 0;
	engine_run(&w->engine, &w->env, in, &s->out);
}

/* It waits, or there is no room: then it goes on as it is. */
static enum sipseal_reason wait_or_go(struct worker *w, struct steered *s)
{
	if (s->is_parked || inbound_park(w, s))
		return SR_NONE;
	w->inbound.is_first_look = false;
	return datapath_decide(w, s, true);
}

/* Copies of what was edited shall come out the same, and none shall cost a second signature, ours or one to
 * verify: also where it leaves as it came (mode observe; verified without a change). */
static bool is_to_be_kept(const struct worker *w, const struct steered *s)
{
	return s->has_key && (w->engine.edits.cnt || s->out.is_signed || s->out.stir != EVENT_STIR_NONE);
}

enum sipseal_reason datapath_decide(struct worker *w, struct steered *s, bool is_last)
{
	struct engine_input in;

	engine_turn(w, s, &in, is_last);
	/* this thread may have stood still for longer than the daemon waits before it writes a copy again */
	if (!policy_copy_holds(s->policy, s->meta.generation))
		return datapath_drop(w, s, SR_UNKNOWN_GENERATION);
	s->is_decided = true;
	if (in.is_inbound)
		inbound_ask(w, s);
	switch (s->out.verdict) {
	case VERDICT_WAIT:
		if (!in.is_last)
			return wait_or_go(w, s);
		return leave_unchanged(w, s, SR_VERIFY_FAILED); /* the engine knows better */
	case VERDICT_REJECT:
		if (!steered_is_emergency(s) || in.is_inbound)
			return leave_refused(w, s, &in);
		return datapath_drop(w, s, s->out.reason);
	case VERDICT_DROP:
		return s->out.reason == SR_FORGED_MARK ? SR_FORGED_MARK : datapath_drop(w, s, s->out.reason);
	case VERDICT_PASS:
	case VERDICT_SIGN:
	case VERDICT_VERIFY:
		break;
	}
	if (is_to_be_kept(w, s))
		replay_add(w->replay, &s->key, w->now_ns, &w->engine.edits);
	return leave_edited(w, s, &w->engine.edits, s->out.reason);
}

static void key_make(const struct worker *w, struct steered *s)
{
	struct replay_flow f = { .src_port = s->wire.src_port, .dst_port = s->wire.dst_port,
				 .trunk = s->meta.trunk };

	memcpy(f.src, s->wire.src, sizeof(f.src));
	memcpy(f.dst, s->wire.dst, sizeof(f.dst));
	replay_key(w->replay, &f, s->wire.payload, &s->key);
	s->has_key = true;
}

enum sipseal_reason datapath_invite(struct worker *w, struct steered *s)
{
	if (!s->has_key)
		key_make(w, s);
	s->is_copy = replay_find(w->replay, &s->key, w->now_ns, &w->cached);
	if (s->is_copy)
		return leave_edited(w, s, &w->cached, SR_RETRANSMISSION);
	s->is_copy = steered_is_inbound(s) && inbound_absorbs(w, s);
	if (s->is_copy)
		return SR_ABSORBED;
	w->inbound.is_first_look = true;
	return datapath_decide(w, s, false);
}

/* The data path.  Return: SR_NONE: it waits in memory of its own, and is counted when it leaves. */
static enum sipseal_reason frame_run(struct worker *w, struct steered *s)
{
	enum sipseal_reason bad = datapath_meta_check(w, s);
	bool is_cancel = s->meta.flags & SIPSEAL_META_F_CANCEL;

	if (bad == SR_BAD_METADATA)
		return bad; /* nothing in it can be believed, its flags included */
	if (wire_frame_parse(s->frame, &s->wire) < 0) {
		s->wire.payload = SLICE_NONE;
		bad = bad ? bad : SR_BAD_FRAME;
	} else if (wire_frame_ttl(&s->wire) <= 1 && !steered_is_bridged(s)) {
		return SR_BAD_FRAME; /* XDP steers none of these: routing loops end here */
	} else {
		key_make(w, s); /* first: what the look-up will want arrives while the checksum is computed */
		if (wire_checksum_is_bad(&s->wire)) {
			if (is_cancel)
				return SR_BAD_CHECKSUM; /* on the fast path its receiver would have dropped it */
			bad = bad ? bad : SR_BAD_CHECKSUM;
		}
	}
	if (is_cancel)
		return inbound_cancel(w, s);
	return bad ? datapath_drop(w, s, bad) : datapath_invite(w, s);
}

static bool is_fragment(const struct steered *s)
{
	return s->meta.version == SIPSEAL_ABI_VERSION && (s->meta.flags & SIPSEAL_META_F_FRAGMENT);
}

static void descriptor_run(struct worker *w, struct port *in, const struct xdp_desc *d)
{
	struct steered s = { .in = in };
	uint64_t begin_ns = w->now_ns;
	enum sipseal_reason reason = SR_BAD_METADATA;
	int r = umem_take_rx(w->umem, d->addr, d->len, sizeof(s.meta));

	if (r == 0 && !d->options) { /* options: a frame in pieces, which we did not ask for */
		s.frame = slice_of(umem_at(w->umem, d->addr), d->len);
		memcpy(&s.meta, s.frame.p - sizeof(s.meta), sizeof(s.meta));
		reason = SR_NONE;
		if (is_fragment(&s))
			fragments_came(w, &s);
		else
			reason = frame_run(w, &s);
	}
	w->now_ns = clock_mono_ns();
	fair_frame(&w->fair, reason == SR_BAD_METADATA ? UINT32_MAX : s.meta.trunk);
	if (reason != SR_NONE)
		tell_frame(w, &s, reason, begin_ns);
	if (r != -EBADMSG)
		umem_put(w->umem, d->addr);
}

/* The kernel wrote the next frame on another processor: fetch it while this one is being signed.  A
 * hint only: the address is not checked here, and a bad one does no harm. */
static void prefetch(const struct worker *w, const struct xdp_desc *d)
{
	const char *p = w->umem->mem + d->addr - CACHE_LINE; /* the metadata stands before the frame */

	for (unsigned i = 0; i < PREFETCH_LEN; i += CACHE_LINE)
		__builtin_prefetch(p + i);
}

unsigned datapath_batch(struct worker *w, struct port *in)
{
	struct xdp_desc d[PORT_BATCH];
	unsigned n = port_recv(in, d);

	if (!n)
		return 0;
	w->now_ns = clock_mono_ns();
	w->env.now_ms = (int64_t)clock_real_ms();
	for (unsigned i = 0; i < n; i++) {
		if (i + 1 < n)
			prefetch(w, &d[i + 1]);
		descriptor_run(w, in, &d[i]);
	}
	return n;
}
