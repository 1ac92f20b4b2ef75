/* SPDX-License-Identifier: BSD-2-Clause */
#include "signer/tell.h"

#include <assert.h>

#define CACHE_LINE 64

static void count(struct worker *w, const struct steered *s, enum sipseal_reason reason)
{
	_Atomic uint64_t *trunk;

	assert(reason >= SR_XDP_MAX && reason < SR_MAX);
	counters_bump(&w->counters->reasons[reason - SR_XDP_MAX], 1);
	if (reason == SR_BAD_METADATA || s->meta.trunk >= w->cfg.counters->trunk_max)
		return;
	trunk = &w->counters->trunk_reasons[(size_t)s->meta.trunk * COUNTERS_SIGNER_REASONS];
	counters_bump(&trunk[reason - SR_XDP_MAX], 1);
	if (reason == SR_OBSERVE && s->out.decided_reason >= SR_XDP_MAX &&
	    s->out.decided_reason < SR_MAX && s->out.decided_reason != SR_OBSERVE)
		counters_bump(&trunk[s->out.decided_reason - SR_XDP_MAX], 1);
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

/* What happened, whatever had been decided. */
static enum engine_verdict outcome(const struct steered *s, enum sipseal_reason reason)
{
	if (s->has_left)
		return reason == SR_SIGNED ? VERDICT_SIGN : VERDICT_PASS;
	return s->is_decided && reason == s->out.reason && s->out.verdict == VERDICT_REJECT
		       ? VERDICT_REJECT
		       : VERDICT_DROP;
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

/* What the engine found out; the decision itself only where it stands. */
static void put_decision(struct event_record *r, const struct engine_output *out,
			 enum sipseal_reason reason)
{
	static_assert(EVENTS_CALL_ID <= UINT8_MAX && sizeof(r->origid) <= UINT8_MAX, "lengths fit");

	r->notes = out->notes;
	put_numbers(r, out);
	r->call_id_len = put_text(r->call_id, sizeof(r->call_id), out->call_id);
	r->flags |= out->call_id.len > sizeof(r->call_id) ? EVENT_CALL_ID_CUT : 0;
	if (reason != out->reason && !(out->notes & EVENT_NOTE_OBSERVE)) {
		r->notes &= ~(uint32_t)EVENT_NOTE_LOCATION; /* it left as it came, or not at all */
		return;
	}
	r->decided_verdict = (uint8_t)out->decided_verdict;
	r->decided_reason = (uint8_t)out->decided_reason;
	r->attest = out->attest;
	r->key = out->key;
	r->code = (uint16_t)(out->decided_verdict == VERDICT_REJECT ? out->response_code : 0);
	r->origid_len = put_text(r->origid, sizeof(r->origid), out->origid);
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
		.generation =
			s->policy ? __atomic_load_n(&s->policy->generation, __ATOMIC_RELAXED) : 0,
		.latency_us = latency_us < UINT32_MAX ? (uint32_t)latency_us : UINT32_MAX,
		.verdict = (uint8_t)outcome(s, reason),
		.reason = (uint8_t)reason,
	};
	r->decided_verdict = r->verdict;
	r->decided_reason = r->reason;
	put_flow(r, &s->wire);
	if (s->is_decided) {
		put_decision(r, &s->out, reason);
		r->override_seq = w->override.seq;
		r->override_index = w->override.index;
	}
	events_push(w->events);
	ring_prefetch(w->events);
}

void tell_frame(struct worker *w, const struct steered *s, enum sipseal_reason reason,
		uint64_t begin_ns)
{
	count(w, s, reason);
	measure(w, s, begin_ns);
	fair_frame(&w->fair, reason == SR_BAD_METADATA ? UINT32_MAX : s->meta.trunk);
	if (!s->is_copy && reason != SR_BAD_METADATA)
		tell_event(w, s, reason);
}
