/* SPDX-License-Identifier: BSD-2-Clause */
#include "fetcher/cache.h"

#include <errno.h>

#include "base/clock.h"

#define CODE_NOT_FETCHED 436 /* Bad Identity Info, RFC 8224 s6.2.2 */
#define CLOCK_BACK_MS 5000   /* set back by less: nobody is hurt */
#define NO_TRUNK UINT32_MAX  /* fetch.h: ours */

/* ---- a verdict for all to see ---- */

static void publish(struct cache *c, struct slice url, const struct verdict *v, const char *text, int64_t now_s)
{
	struct note *note = notes_make(c->notes, url);
	struct verdict there = { 0 };
	enum verdict_kind kind;

	verdict_put(c->writer, url, v);
	if (!note) /* nobody is told of it; it is used all the same */
		return;
	/* a good one stays where a refresh failed: what is there counts, the words are the failure's */
	kind = verdict_find(c->region, url, now_s, &there);
	note_of(note)->expires_at = kind == VERDICT_UNKNOWN ? now_s : there.expires_at;
	if (kind == VERDICT_GOOD && v->kind != VERDICT_GOOD) {
		/* in the order of the region: a good verdict whose note went first would be missed when all are
		 * judged anew */
		notes_say(note, text);
		return;
	}
	if (kind == v->kind)
		note_of(note)->round = c->round;
	notes_set(c->notes, note, kind == VERDICT_GOOD, text);
}

static void publish_failure(struct cache *c, struct slice url, enum sipseal_reason reason, const char *text,
			    int64_t now_s)
{
	int64_t keep_s = reason == SR_CERTIFICATE_UNREACHABLE ? CACHE_KEEP_UNREACHABLE_S : CACHE_KEEP_FAILED_S;
	struct verdict v = { .kind = VERDICT_BAD,
			     .reason = (uint8_t)reason,
			     .code = CODE_NOT_FETCHED,
			     .fetched_at = now_s,
			     .expires_at = now_s + keep_s };

	publish(c, url, &v, text, now_s);
}

/* ---- from the disk ---- */

static int64_t min_s(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void store_forget(struct cache *c, struct slice url)
{
	if (c->store)
		store_drop(c->store, url);
}

/* Return: there is a verdict now. */
static bool judge_stored(struct cache *c, struct slice url, const struct store_item *i, int64_t now_s)
{
	int64_t came_at = min_s(i->fetched_at, now_s), until = came_at + judge_keep(i->keep_s);
	struct verdict v;
	const char *why;
	char text[256];

	if (!fetch_allows(c->fetch, url, &why)) { /* it was when it came: the rules have changed */
		store_forget(c, url);
		return false;
	}
	if (i->fetched_at > now_s + CACHE_CLOCK_S) /* now or then the clock is wrong: it may become right */
		return false;
	/* long over, or of a clock that was wrong then */
	if (i->fetched_at < 0 || until <= now_s) {
		store_forget(c, url);
		return false;
	}
	if (judge_chain(c->trust->judge, i->body, i->len, now_s, i->keep_s, &v, text) < 0)
		return false;
	if (v.kind == VERDICT_GOOD) {
		v.fetched_at = came_at;
		v.expires_at = min_s(v.expires_at, until);
	} else {
		verdict_drop(c->writer, url); /* a failure alone would not take a good one's place */
		if (!trust_lacks_crl(c->trust, now_s))
			store_forget(c, url);
	}
	publish(c, url, &v, text, now_s);
	return true;
}

static bool from_store(struct cache *c, struct slice url, int64_t now_s)
{
	CLEANUP(store_item_done) struct store_item i = { 0 };

	return c->store && store_get(c->store, url, &i) == 0 && judge_stored(c, url, &i, now_s);
}

/* It was wanted before its turn. */
static bool is_judged(const struct cache *c, struct slice url, int64_t now_s)
{
	struct note *note = notes_get(c->notes, url);
	struct verdict v;

	return note && note_of(note)->round == c->round && verdict_find(c->region, url, now_s, &v) != VERDICT_UNKNOWN;
}

/* Return: the round is over. */
static bool work_step(struct cache *c, int64_t now_s)
{
	CLEANUP(store_item_done) struct store_item i = { 0 };
	int r = store_next(c->store, &c->cursor, &i);

	if (r == -ENOMEM)
		return false;
	if (c->left)
		c->left--;
	if (r == 1 && !is_judged(c, slice_str(i.x5u), now_s))
		judge_stored(c, slice_str(i.x5u), &i, now_s);
	return r == 0;
}

bool cache_work(struct cache *c, unsigned limit_ms, int64_t now_s)
{
	uint64_t end = clock_mono_ns() + limit_ms * 1000000ull;

	/* without the list that is asked for nothing would be good: its coming begins a new round */
	if (!c->is_walking || trust_lacks_crl(c->trust, now_s))
		return false;
	do {
		c->is_walking = !work_step(c, now_s);
	} while (c->is_walking && clock_mono_ns() < end);
	if (!c->is_walking)
		c->left = 0;
	return c->is_walking;
}

/* What the judge said, and cannot be asked for again from here. */
static bool is_outdated(const struct cache *c, struct slice url, int64_t now_s)
{
	struct verdict v;

	switch (verdict_find(c->region, url, now_s, &v)) {
	case VERDICT_GOOD:
		return !c->store || !store_has(c->store, url);
	case VERDICT_BAD:
		return v.code != CODE_NOT_FETCHED;
	default:
		return false;
	}
}

void cache_rejudge(struct cache *c, int64_t now_s)
{
	struct store_usage u = { 0 };
	struct notes_walk w = { 0 };
	struct note *note;

	while ((note = notes_next(c->notes, &w))) {
		if (!is_outdated(c, note_url(note), now_s))
			continue;
		verdict_drop(c->writer, note_url(note));
		if (!note_of(note)->is_running)
			notes_drop(c->notes, note);
	}
	if (c->store)
		store_usage(c->store, &u);
	c->round++;
	c->cursor = 0;
	c->left = u.files;
	c->is_walking = u.files;
}

/* ---- from the net ---- */

/* Return: as fetch_start(). */
static int begin(struct cache *c, struct slice url, uint32_t trunk, int64_t now_s, const char **reterr_text)
{
	bool is_new = !notes_get(c->notes, url);
	struct note *note = notes_make(c->notes, url);
	int r;

	*reterr_text = "out of memory";
	if (!note)
		return -ENOMEM;
	r = fetch_start(c->fetch, url, trunk, FETCH_BODY_MAX, reterr_text);
	if (r >= 0) {
		note_of(note)->is_running = true;
		note_of(note)->tried_at = now_s;
		c->is_begun = true;
	} else if (is_new) {
		notes_drop(c->notes, note);
	}
	return r;
}

static void fetch_for(struct cache *c, struct slice url, uint32_t trunk, int64_t now_s)
{
	const char *why;
	int r = begin(c, url, trunk, now_s, &why);

	if (r == -EACCES)
		publish_failure(c, url, SR_X5U_REFUSED, why, now_s);
	else if (r == -EAGAIN)
		c->over_budget++;
}

/* A key that did not fit may have been changed; a caller who signs with another shall not make us ask all the time. */
static bool is_worth_again(const struct cache *c, struct slice url, const struct verdict *v, int64_t now_s)
{
	struct note *note = notes_get(c->notes, url);
	int64_t last = v->fetched_at;

	if (note && note_of(note)->tried_at > last)
		last = note_of(note)->tried_at;
	return v->kind == VERDICT_GOOD && now_s - last >= CACHE_AGAIN_S;
}

void cache_want(struct cache *c, const struct verdict_want *w, int64_t now_s)
{
	struct slice url = slice_of(w->x5u, w->len);
	struct verdict v;
	bool is_known = verdict_find(c->region, url, now_s, &v) != VERDICT_UNKNOWN;

	if (is_known && !(w->flags & VERDICT_WANT_AGAIN && is_worth_again(c, url, &v, now_s)))
		return;
	if (trust_awaits_crl(c->trust, now_s))
		return;
	if (is_known || !from_store(c, url, now_s))
		/* the trunk's number is the signer's word: none may pass for ours */
		fetch_for(c, url, w->trunk == NO_TRUNK ? 0 : w->trunk, now_s);
}

/* Its own trouble, or "not now" (RFC 9110 s15.5.9, RFC 8470, RFC 6585 s4): nothing is said of the certificate. */
static bool is_passing_status(long status)
{
	return status >= 500 || status == 408 || status == 425 || status == 429;
}

static enum sipseal_reason reason_of(const struct fetch_result *r)
{
	switch (r->error) {
	case -EACCES:
		return SR_X5U_REFUSED;
	case -ETIMEDOUT:
	case -EHOSTUNREACH:
		return SR_CERTIFICATE_UNREACHABLE;
	case -EPROTO:
		return is_passing_status(r->status) ? SR_CERTIFICATE_UNREACHABLE : SR_FETCH_FAILED;
	default:
		return SR_FETCH_FAILED;
	}
}

static void judge_fetched(struct cache *c, struct slice url, const struct fetch_result *r, int64_t now_s)
{
	struct verdict v;
	char text[256];

	if (trust_awaits_crl(c->trust, now_s) ||
	    judge_chain(c->trust->judge, r->body, r->len, now_s, r->max_age_s, &v, text) < 0)
		return;
	/* a failure is counted there; the chain that came before must not come back in place of this one */
	if (v.kind == VERDICT_GOOD && c->store &&
	    store_write(c->store, url, now_s, r->max_age_s, r->body, r->len) < 0)
		store_forget(c, url);
	publish(c, url, &v, text[0] ? text : r->text, now_s);
}

void cache_fetched(struct cache *c, struct slice url, const struct fetch_result *r, int64_t now_s)
{
	struct note *note = notes_get(c->notes, url);

	if (!note || !note_of(note)->is_running)
		return;
	note_of(note)->is_running = false;
	if (r->error == 0)
		c->fetched++;
	else
		c->failed++;
	if (r->error == 0)
		judge_fetched(c, url, r, now_s);
	else if (r->error != -ENOMEM)
		publish_failure(c, url, reason_of(r), r->text, now_s);
}

/* ---- the operator ---- */

int cache_prefetch(struct cache *c, struct slice url, int64_t now_s, const char **reterr_text)
{
	int r = begin(c, url, NO_TRUNK, now_s, reterr_text);

	return r > 0 ? 0 : r == -EACCES ? -EINVAL : r;
}

static void flush_all(struct cache *c)
{
	struct notes_walk w = { 0 };
	struct note *note;

	while ((note = notes_next(c->notes, &w)))
		if (!note_of(note)->is_running)
			notes_drop(c->notes, note);
	verdict_expire(c->writer, INT64_MAX); /* whatever there is is over then */
	if (c->store)
		store_drop_all(c->store);
	c->is_walking = false;
	c->left = 0;
}

int cache_flush(struct cache *c, struct slice url)
{
	struct note *note;
	bool was_stored, was_there;

	if (url.len == 0) {
		flush_all(c);
		return 0;
	}
	was_stored = c->store && store_drop(c->store, url) == 0;
	was_there = verdict_drop(c->writer, url) == 0;
	note = notes_get(c->notes, url);
	if (note && !note_of(note)->is_running)
		notes_drop(c->notes, note);
	return was_stored || was_there || note ? 0 : -ENOENT;
}

/* ---- time ---- */

static void clock_back(struct cache *c, int64_t now_s)
{
	struct notes_walk w = { 0 };
	struct note *note;
	struct verdict v;

	while ((note = notes_next(c->notes, &w))) {
		struct note_is *is = note_of(note);
		enum verdict_kind kind = verdict_find(c->region, note_url(note), now_s, &v);

		is->tried_at = min_s(is->tried_at, now_s);
		if (kind == VERDICT_UNKNOWN || (kind == VERDICT_GOOD && v.fetched_at <= now_s))
			continue;
		verdict_drop(c->writer, note_url(note));
		is->expires_at = now_s;
		if (!is->is_running)
			notes_drop(c->notes, note);
	}
}

void cache_clock(struct cache *c, int64_t real_ms, uint64_t mono_ns)
{
	int64_t ahead_ms = real_ms - (int64_t)(mono_ns / 1000000);
	bool is_back = c->ahead_ms && ahead_ms < c->ahead_ms - CLOCK_BACK_MS;

	if (is_back)
		clock_back(c, real_ms / 1000);
	if (is_back || ahead_ms > c->ahead_ms)
		c->ahead_ms = ahead_ms;
}

void cache_expire(struct cache *c, int64_t now_s)
{
	verdict_expire(c->writer, now_s);
	notes_expire(c->notes, now_s, CACHE_AGAIN_S);
}
