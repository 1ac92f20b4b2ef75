/* SPDX-License-Identifier: BSD-2-Clause */
#include "signer/inbound.h"

#include <errno.h>
#include <openssl/rand.h>
#include <utlist.h>

#include "base/clock.h"
#include "signer/datapath.h"
#include "signer/fragments.h"
#include "signer/leave.h"
#include "signer/tell.h"

/* Calls that wait for the same certificate go on so many at a time: some milliseconds of signatures,
 * then the heartbeat and the rings have their turn. */
#define TURN_MAX 32

/* INVITEs of one transaction that a CANCEL sends on: there is one, unless somebody makes more of them. */
#define CANCEL_MAX 4

/* Who has waited for longer stood still with its thread: the slot may be another trunk's by now. */
#define WAITED_MAX_NS 60000000000ull

/* The policy is changed twice a grace period at the most: one torn look may be, two hardly. */
#define TORN_TRIES 3

/* ---- what the engine asks for ---- */

static enum verdict_kind find(const struct worker *w, struct slice x5u, struct verdict *ret)
{
	const struct source *s = w->inbound.source;

	return s ? verdict_find(s->region, x5u, w->env.now_ms / 1000, ret) : VERDICT_UNKNOWN;
}

/* Who waits asks more than once: counted is the first time. */
static enum verdict_kind certificate(void *ctx, struct slice x5u, struct verdict *ret)
{
	struct worker *w = ctx;
	enum verdict_kind kind = find(w, x5u, ret);

	if (w->inbound.is_first_look)
		counters_bump(kind == VERDICT_UNKNOWN ? &w->counters->verdict_misses :
							&w->counters->verdict_hits, 1);
	return kind;
}

static int signature(void *ctx, const uint8_t point[CERT_POINT_LEN], struct slice text,
		     const uint8_t sig[PASSPORT_SIG_LEN])
{
	struct worker *w = ctx;

	return es256_verify(w->inbound.es256, point, text, sig);
}

static bool replayed(void *ctx, const uint8_t sig[PASSPORT_SIG_LEN], struct slice call_id,
		     unsigned window_s)
{
	struct worker *w = ctx;
	uint64_t evicted = 0;
	bool r;

	if (!w->cfg.seen)
		return false;
	r = seen_elsewhere(w->cfg.seen, sig, call_id, w->now_ns / 1000000000, window_s, &evicted);
	if (evicted)
		counters_bump(&w->counters->seen_evicted, evicted);
	return r;
}

int inbound_new(struct worker *w)
{
	int r;

	if ((r = park_new(&w->inbound.park)) < 0 || (r = es256_new(&w->inbound.es256)) < 0 ||
	    (r = es256_use_tables(w->inbound.es256, w->cfg.tables)) < 0)
		return r;
	if (RAND_bytes((unsigned char *)&w->inbound.wants.key, sizeof(w->inbound.wants.key)) != 1)
		return -EIO;
	w->env.certificate = certificate;
	w->env.signature = signature;
	w->env.replayed = replayed;
	w->env.verify_ctx = w;
	return 0;
}

void inbound_done(struct worker *w)
{
	park_free(w->inbound.park);
	es256_free(w->inbound.es256);
}

/* ---- what is asked of the fetcher ---- */

static void ask(struct worker *w, uint32_t trunk, struct slice x5u, uint16_t flags)
{
	if (w->inbound.source)
		wants_ask(&w->inbound.wants, &w->inbound.source->wants[w->cfg.index], trunk, x5u, flags,
			  w->now_ns);
}

void inbound_ask(struct worker *w, const struct steered *s)
{
	const struct verify_result *judged = &w->engine.judged;
	struct slice wanted[VERIFY_ROWS_MAX];
	unsigned n = verify_wanted(judged, wanted);

	for (unsigned i = 0; i < n; i++)
		ask(w, s->meta.trunk, wanted[i], 0);
	if (judged->status != VERIFY_FAILED_CALL)
		return;
	for (unsigned i = 0; i < judged->row_cnt; i++)
		if (judged->rows[i].reason == SR_SIGNATURE_BAD)
			ask(w, s->meta.trunk, slice_str(judged->rows[i].x5u), VERDICT_WANT_AGAIN);
}

/* ---- who waits ---- */

static void tell_parked(struct worker *w)
{
	atomic_store_explicit(&w->counters->parked, park_cnt(w->inbound.park), memory_order_relaxed);
}

/* URLs as they stand in the frame: their copies in the scratch of the engine are soon others. */
static void keep_wanted(struct worker *w, struct parked *e)
{
	struct slice wanted[VERIFY_ROWS_MAX];
	unsigned n = verify_wanted(&w->engine.judged, wanted);

	e->wanted_cnt = 0;
	for (unsigned i = 0; i < n; i++) {
		const char *at = memmem(e->frame.p, e->frame.len, wanted[i].p, wanted[i].len);

		if (at)
			e->wanted[e->wanted_cnt++] = slice_of(at, wanted[i].len);
	}
}

bool inbound_park(struct worker *w, const struct steered *s)
{
	const struct policy_trunk *t = policy_trunk_get(s->policy, s->meta.trunk);
	uint64_t wait_ms = t ? t->verification.wait_ms : 0;
	struct wire_frame copy;
	struct parked *e = s->pieces ? park_put_pieces(w->inbound.park, &s->wire, s->pieces) :
				       park_put(w->inbound.park, s->frame);

	if (!e) {
		counters_bump(&w->counters->park_full, 1);
		return false;
	}
	if (wait_ms > VERIFY_WAIT_MAX_MS)
		wait_ms = VERIFY_WAIT_MAX_MS;
	e->in = s->in;
	e->meta = s->meta;
	e->has_key = s->has_key && wire_frame_parse(e->frame, &copy) == 0; /* as it did before */
	e->key = s->key;
	e->key.datagram = e->has_key ? copy.payload : SLICE_NONE;
	e->has_transaction = park_transaction(w->inbound.park, &w->engine.msg, s->wire.src, &e->transaction);
	e->since_ns = w->now_ns;
	e->until_ns = w->now_ns + wait_ms * 1000000;
	e->changes = w->inbound.changes; /* of before the engine looked */
	keep_wanted(w, e);
	counters_bump(&w->counters->parked_ever, 1);
	tell_parked(w);
	return true;
}

bool inbound_absorbs(const struct worker *w, const struct steered *s)
{
	return s->has_key && park_find(w->inbound.park, &s->key);
}

static enum sipseal_reason run_again(struct worker *w, struct steered *s, bool is_last)
{
	enum sipseal_reason reason = SR_UNKNOWN_GENERATION;

	w->inbound.is_first_look = false;
	for (unsigned i = 0; i < TORN_TRIES && reason == SR_UNKNOWN_GENERATION; i++) {
		s->policy = policy_copy_newest(w->cfg.policy, &s->meta.generation);
		if (!s->policy)
			return SR_UNKNOWN_GENERATION;
		if (!policy_trunk_get(s->policy, s->meta.trunk))
			return SR_UNKNOWN_TRUNK;
		reason = datapath_decide(w, s, is_last);
	}
	return reason;
}

/* It goes on, or waits on for another certificate. */
static void go_on(struct worker *w, struct parked *e, bool is_last)
{
	struct steered s = { .in = e->in, .meta = e->meta, .frame = e->frame, .pieces = e->pieces, .key = e->key,
			     .has_key = e->has_key, .is_parked = true };
	enum sipseal_reason reason = SR_BAD_FRAME;
	uint64_t begin_ns;

	w->now_ns = begin_ns = clock_mono_ns();
	if (wire_frame_parse(s.frame, &s.wire) == 0) /* as it did before */
		reason = begin_ns - e->since_ns > WAITED_MAX_NS ? SR_STALE_FRAME : run_again(w, &s, is_last);
	if (reason == SR_NONE) {
		keep_wanted(w, e);
		return;
	}
	w->now_ns = clock_mono_ns();
	counters_time(w->counters->wait_us, &w->counters->wait_ns_sum, begin_ns - e->since_ns);
	tell_frame(w, &s, reason, begin_ns); /* its texts are in the frame */
	park_drop(w->inbound.park, e);
	tell_parked(w);
}

static bool has_come(const struct worker *w, const struct parked *e)
{
	struct verdict v;

	for (unsigned i = 0; i < e->wanted_cnt; i++)
		if (find(w, e->wanted[i], &v) != VERDICT_UNKNOWN)
			return true;
	return false;
}

static uint64_t changes_now(const struct worker *w)
{
	return w->inbound.source ? verdict_changes(w->inbound.source->region) : 0;
}

bool inbound_turn(struct worker *w)
{
	uint64_t changes = changes_now(w);
	struct parked *e, *next;
	unsigned cnt = 0;

	if (!park_first(w->inbound.park))
		return false;
	w->env.now_ms = (int64_t)clock_real_ms();
	w->now_ns = clock_mono_ns();
	for (e = park_first(w->inbound.park); e; e = next) {
		bool is_over = (int64_t)(w->now_ns - e->until_ns) >= 0;

		next = e->next;
		if (!is_over && (e->changes == changes || !has_come(w, e))) {
			e->changes = changes;
			continue;
		}
		if (cnt++ == TURN_MAX)
			return true;
		e->changes = changes;
		go_on(w, e, is_over);
	}
	return false;
}

void inbound_end(struct worker *w)
{
	w->env.now_ms = (int64_t)clock_real_ms();
	while (park_first(w->inbound.park))
		go_on(w, park_first(w->inbound.park), true);
}

/* A new fetcher knows nothing of what was asked; its region counts changes anew. */
static void start_anew(struct worker *w)
{
	uint64_t changes = changes_now(w);
	struct parked *e;

	wants_forget(&w->inbound.wants);
	for (e = park_first(w->inbound.park); e; e = e->next) {
		e->changes = ~changes;
		for (unsigned i = 0; i < e->wanted_cnt; i++)
			ask(w, e->meta.trunk, e->wanted[i], 0);
	}
}

void inbound_follow(struct worker *w)
{
	const struct source *s = w->cfg.source ? source_follow(w->cfg.source, &w->source) : NULL;

	if (s != w->inbound.source) {
		w->inbound.source = s;
		start_anew(w);
	}
	w->inbound.changes = changes_now(w);
}

enum sipseal_reason inbound_cancel(struct worker *w, struct steered *s)
{
	struct sip_message *m = &w->engine.msg;
	struct slice p = s->wire.payload;
	struct parked *e;
	uint64_t name;
	unsigned i = 0;

	if (p.p && park_cnt(w->inbound.park) &&
	    sip_request_parse(p.p, p.len, SLICE("CANCEL"), m) == SR_NONE &&
	    park_transaction(w->inbound.park, m, s->wire.src, &name)) {
		for (; i < CANCEL_MAX && (e = park_find_transaction(w->inbound.park, name)); i++) {
			s->in = e->in; /* out by the same ring, behind it */
			go_on(w, e, true);
		}
	}
	if (!i && p.p && fragments_cancel(w, s))
		return SR_NONE;
	return leave_unchanged(w, s, SR_CANCEL);
}
