/* SPDX-License-Identifier: BSD-2-Clause */
#include "signer/tell.h"

#include <assert.h>

#include "signer/record.h"

#define CACHE_LINE 64

#define SKEW_WEIGHT 16       /* one call moves the mean by that part */
#define SKEW_MAX_MS 86400000 /* a day: what differs by more is no clock, but somebody's joke */

void tell_more(struct worker *w, const struct steered *s, enum sipseal_reason reason, unsigned n)
{
	_Atomic uint64_t *trunk;

	assert(reason >= SR_XDP_MAX && reason < SR_MAX);
	counters_bump(&w->counters->reasons[reason - SR_XDP_MAX], n);
	if (reason == SR_BAD_METADATA || s->meta.trunk >= w->cfg.counters->trunk_max)
		return;
	trunk = w->counters->trunks[s->meta.trunk]
			.reasons[steered_is_inbound(s) ? COUNTERS_INBOUND : COUNTERS_OUTBOUND];
	counters_bump(&trunk[reason - SR_XDP_MAX], n);
	if (reason == SR_OBSERVE && s->out.decided_reason >= SR_XDP_MAX &&
	    s->out.decided_reason < SR_MAX && s->out.decided_reason != SR_OBSERVE)
		counters_bump(&trunk[s->out.decided_reason - SR_XDP_MAX], n);
}

/* Since XDP saw it.  A frame may be newer than the clock of another processor says. */
static uint64_t age_ns(const struct worker *w, const struct steered *s)
{
	uint64_t age = w->now_ns - s->meta.time_ns;

	return (int64_t)age > 0 ? age : 0;
}

static void measure(struct worker *w, const struct steered *s, uint64_t begin_ns)
{
	struct counters_worker *c = w->counters;

	if (s->out.is_signed) {
		counters_bump(&c->signatures, 1);
		counters_time(c->sign_us, &c->sign_ns_sum, w->now_ns - begin_ns);
	}
	if (s->has_left)
		counters_time(c->latency_us, &c->latency_ns_sum, age_ns(w, s));
}

/* What was left out of what has left. */
static void count_shed(struct worker *w, const struct steered *s, enum sipseal_reason reason)
{
	struct counters_worker *c = w->counters;
	uint32_t shed = s->is_decided && s->has_left && reason == s->out.reason ? s->out.shed : 0;

	if (!shed || reason == SR_OBSERVE)
		return;
	counters_bump(&c->shed_compact, shed & ENGINE_SHED_COMPACT ? 1 : 0);
	counters_bump(&c->shed_location, shed & ENGINE_SHED_LOCATION ? 1 : 0);
	counters_bump(&c->shed_pai, shed & ENGINE_SHED_PAI ? 1 : 0);
}

static int64_t clamp(int64_t v, int64_t max)
{
	return v > max ? max : v < -max ? -max : v;
}

static void skew_put(_Atomic int64_t *c, int64_t v)
{
	atomic_store_explicit(c, v, memory_order_relaxed);
}

/* Our clock less that of the signer, of a call that says. */
static void measure_skew(struct worker *w, const struct steered *s)
{
	struct counters_trunk *t;
	int64_t v, mean;

	if (!s->is_decided || !s->out.has_iat || s->meta.trunk >= w->cfg.counters->trunk_max)
		return;
	t = &w->counters->trunks[s->meta.trunk];
	v = clamp(s->out.iat_age_ms, SKEW_MAX_MS);
	mean = t->skew_ms;
	if (!t->skew_cnt) {
		mean = v;
		skew_put(&t->skew_min_ms, v);
		skew_put(&t->skew_max_ms, v);
	}
	skew_put(&t->skew_ms, mean + (v - mean) / SKEW_WEIGHT);
	if (v < t->skew_min_ms)
		skew_put(&t->skew_min_ms, v);
	if (v > t->skew_max_ms)
		skew_put(&t->skew_max_ms, v);
	counters_bump(&t->skew_cnt, 1); /* last: who reads it finds the others */
}

/* Has the INVITE from the carrier left as it was judged? */
static bool is_as_judged(const struct steered *s, enum sipseal_reason reason)
{
	return s->is_decided && reason == s->out.reason && s->out.verdict == VERDICT_VERIFY;
}

/* What happened, whatever had been decided. */
static enum engine_verdict outcome(const struct steered *s, enum sipseal_reason reason)
{
	if (s->has_left)
		return is_as_judged(s, reason) ? VERDICT_VERIFY :
		       reason == SR_SIGNED     ? VERDICT_SIGN :
						 VERDICT_PASS;
	return s->is_decided && reason == s->out.reason && s->out.verdict == VERDICT_REJECT
		       ? VERDICT_REJECT
		       : VERDICT_DROP;
}

/* Is what the engine decided what became of it, or what would have? */
static bool stands(const struct steered *s, enum sipseal_reason reason)
{
	return s->is_decided && (reason == s->out.reason || s->out.notes & EVENT_NOTE_OBSERVE);
}

/* Of the policy; 0: none. */
static uint64_t generation_of(const struct steered *s)
{
	return s->policy ? __atomic_load_n(&s->policy->generation, __ATOMIC_RELAXED) : 0;
}

static void put_flow(struct event_record *r, const struct wire_frame *f)
{
	if (!f->payload.p) { /* 0.0.0.0: not known */
		memset(r->src + 10, 0xff, 2);
		memset(r->dst + 10, 0xff, 2);
		return;
	}
	memcpy(r->src, f->src, sizeof(r->src));
	memcpy(r->dst, f->dst, sizeof(r->dst));
	r->src_port = f->src_port;
	r->dst_port = f->dst_port;
	r->flags |= f->is_v6 ? EVENT_V6 : 0;
}

static void put_numbers(struct event_record *r, const struct engine_output *out)
{
	static_assert(sizeof(out->orig.digits) <= sizeof(r->orig), "a number fits");

	r->orig_len = out->orig.len;
	memcpy(r->orig, out->orig.digits, sizeof(out->orig.digits));
	r->dest_len = out->dest.len;
	memcpy(r->dest, out->dest.digits, sizeof(out->dest.digits));
}

static uint8_t put_text(char *dst, size_t cap, struct slice text)
{
	size_t n = text.len < cap ? text.len : cap;

	if (n)
		memcpy(dst, text.p, n);
	return (uint8_t)n;
}

static void put_signed(struct event_record *r, const struct engine_output *out)
{
	r->attest = out->attest;
	r->origid_len = put_text(r->origid, sizeof(r->origid), out->origid);
}

/* What the engine found out; the decision itself only where it stands. */
static void put_decision(struct event_record *r, const struct steered *s, enum sipseal_reason reason)
{
	static_assert(EVENTS_CALL_ID <= UINT8_MAX && sizeof(r->origid) <= UINT8_MAX, "lengths fit");
	const struct engine_output *out = &s->out;

	r->notes |= out->notes;
	put_numbers(r, out);
	r->call_id_len = put_text(r->call_id, sizeof(r->call_id), out->call_id);
	r->flags |= out->call_id.len > sizeof(r->call_id) ? EVENT_CALL_ID_CUT : 0;
	if (!stands(s, reason)) {
		/* it left as it came, or not at all */
		r->notes &= ~(uint32_t)(EVENT_NOTE_LOCATION | EVENT_NOTES_SHED);
		return;
	}
	r->decided_verdict = (uint8_t)out->decided_verdict;
	r->decided_reason = (uint8_t)out->decided_reason;
	r->code = (uint16_t)(out->decided_verdict == VERDICT_REJECT ? out->response_code : 0);
	put_signed(r, out);
	r->key = out->key;
}

/* Of a call from the carrier: what it says and what we found, also where it is refused or could not leave. */
static void put_judged(struct event_record *r, const struct engine_output *out)
{
	static_assert(EVENTS_X5U <= UINT8_MAX, "the length fits");

	put_signed(r, out);
	r->stir = (uint8_t)out->stir;
	r->x5u_len = put_text(r->x5u, sizeof(r->x5u), out->x5u);
	r->flags |= out->x5u.len > sizeof(r->x5u) ? EVENT_X5U_CUT : 0;
	memcpy(r->spc, out->spc, strnlen(out->spc, sizeof(r->spc) - 1));
}

/* The next record is long out of the caches: fetch it while the next call is being signed. */
static void ring_prefetch(const struct events_worker *e)
{
	uint64_t head = atomic_load_explicit(&e->head, memory_order_relaxed);
	const char *p = (const char *)&e->ring[head % EVENTS_RING];

	for (unsigned i = 0; i < sizeof(struct event_record); i += CACHE_LINE)
		__builtin_prefetch(p + i, 1);
}

static void tell_event(struct worker *w, const struct steered *s, enum sipseal_reason reason)
{
	struct event_record *r = events_slot(w->events);
	uint64_t latency_us = age_ns(w, s) / 1000;

	if (!r)
		return;
	*r = (struct event_record){
		.time_ms = (uint64_t)w->env.now_ms,
		.trunk = s->meta.trunk,
		.key = UINT32_MAX,
		.generation = generation_of(s),
		.latency_us = latency_us < UINT32_MAX ? (uint32_t)latency_us : UINT32_MAX,
		.notes = s->is_parked ? EVENT_NOTE_WAITED : 0,
		.verdict = (uint8_t)outcome(s, reason),
		.reason = (uint8_t)reason,
		.flags = steered_is_inbound(s) ? EVENT_INBOUND : 0,
	};
	r->decided_verdict = r->verdict;
	r->decided_reason = r->reason;
	put_flow(r, &s->wire);
	if (s->is_decided) {
		put_decision(r, s, reason);
		if (steered_is_inbound(s))
			put_judged(r, &s->out);
		r->override_seq = w->override.seq;
		r->override_index = w->override.index;
	}
	if (steered_is_inbound(s) && r->stir == EVENT_STIR_NONE)
		r->stir = EVENT_STIR_FAILED; /* nothing could be said for it; the reason tells */
	events_push(w->events);
	ring_prefetch(w->events);
}

/* The packets are there; now what became of them, in the same words as the event. */
static void tell_capture(struct worker *w, const struct steered *s, enum sipseal_reason reason)
{
	struct capture_call c = {
		.generation = s->policy ? generation_of(s) : s->meta.generation,
		.is_inbound = steered_is_inbound(s),
		.verdict = (uint8_t)outcome(s, reason),
		.reason = (uint8_t)reason,
	};

	c.decided_verdict = c.verdict;
	c.decided_reason = c.reason;
	if (stands(s, reason)) {
		c.decided_verdict = (uint8_t)s->out.decided_verdict;
		c.decided_reason = (uint8_t)s->out.decided_reason;
	}
	capture_end(&w->capture, &c);
}

/* Copies make none, and no INVITE or CANCEL that nobody judges. */
static bool is_event(const struct steered *s, enum sipseal_reason reason)
{
	if (s->is_copy || s->is_untold || reason == SR_BAD_METADATA || (s->meta.flags & SIPSEAL_META_F_CANCEL))
		return false;
	return !steered_is_inbound(s) || (reason != SR_IN_DIALOG && reason != SR_VERIFICATION_OFF &&
					  reason != SR_SIGNER_REGULATORY_OFF);
}

void tell_frame(struct worker *w, struct steered *s, enum sipseal_reason reason,
		uint64_t begin_ns)
{
	if (reason != SR_BAD_METADATA)
		record_begin(w, s);
	if (__builtin_expect(w->capture.is_open, 0))
		tell_capture(w, s, reason);
	tell_more(w, s, reason, 1);
	measure(w, s, begin_ns);
	measure_skew(w, s);
	count_shed(w, s, reason);
	if (is_event(s, reason))
		tell_event(w, s, reason);
}
