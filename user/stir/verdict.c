/* SPDX-License-Identifier: BSD-2-Clause */
#include "stir/verdict.h"

#include <errno.h>

#include "base/reason.h"
#include "stir/verdict_internal.h"

/* A look-up is repeated when an entry was given to another URL under our eyes: more than once needs
 * a writer that writes on and on, and a lying one shall not hold us. */
#define TRIES 4

uint64_t verdict_region_size(void)
{
	return sizeof(struct verdict_region);
}

int verdict_region_check(const struct verdict_region *r, uint64_t len)
{
	if (len < sizeof(*r) ||
	    atomic_load_explicit(&r->magic, memory_order_acquire) != VERDICT_MAGIC ||
	    r->version != VERDICT_VERSION || r->size != sizeof(*r))
		return -EBADMSG;
	return 0;
}

uint64_t verdict_hash(const struct verdict_region *r, struct slice x5u)
{
	struct siphash_key key = { atomic_load_explicit(&r->key[0], memory_order_relaxed),
				   atomic_load_explicit(&r->key[1], memory_order_relaxed) };

	return siphash(key, x5u);
}

void verdict_places(const struct verdict_table *t, uint64_t hash, uint32_t ret[2])
{
	uint32_t mask = t->bucket_cnt - 1, first = (uint32_t)hash & mask;
	uint32_t step = ((uint32_t)(hash >> 32) & mask) | 1; /* odd: never back to the first */

	ret[0] = first * VERDICT_WAYS;
	ret[1] = ((first + step) & mask) * VERDICT_WAYS;
}

bool verdict_entry_is(const _Atomic uint64_t *entry, struct slice x5u)
{
	const _Atomic uint64_t *at = entry + VERDICT_AT_URL;

	if (atomic_load_explicit(entry + VERDICT_AT_URL_LEN, memory_order_acquire) != x5u.len)
		return false;
	while (x5u.len) {
		uint64_t word = 0;
		size_t n = x5u.len < sizeof(word) ? x5u.len : sizeof(word);

		memcpy(&word, x5u.p, n);
		if (atomic_load_explicit(at++, memory_order_acquire) != word)
			return false;
		x5u = slice_cut(x5u, n);
	}
	return true;
}

enum look { LOOK_NO, LOOK_YES, LOOK_CHANGED };

static enum look entry_copy(const struct verdict_table *t, uint32_t index, struct slice x5u,
			    char *ret_body)
{
	const _Atomic uint64_t *e = verdict_entry_at(t, index);
	uint64_t seq = atomic_load_explicit(e, memory_order_acquire);

	if (!seq)
		return LOOK_CHANGED;
	if (!verdict_entry_is(e, x5u))
		return LOOK_NO;
	for (uint32_t i = 0; i < t->body_len / VERDICT_WORD; i++) {
		uint64_t word = atomic_load_explicit(e + VERDICT_AT_BODY + i, memory_order_acquire);

		memcpy(ret_body + i * VERDICT_WORD, &word, VERDICT_WORD);
	}
	return atomic_load_explicit(e, memory_order_relaxed) == seq ? LOOK_YES : LOOK_CHANGED;
}

/* One place.  An entry that is not what its tag said counts as changed if the tag has changed too.
 */
static enum look place_look(const struct verdict_table *t, uint32_t place, uint64_t hash,
			    struct slice x5u, void *ret_body)
{
	uint64_t tag = atomic_load_explicit(&t->tags[place], memory_order_acquire);
	uint64_t index = (tag & VERDICT_TAG_ENTRY) - 1; /* huge where the place is free */
	enum look look;

	if (((tag ^ hash) & ~VERDICT_TAG_ENTRY) || index >= t->entry_cnt)
		return LOOK_NO;
	look = entry_copy(t, (uint32_t)index, x5u, ret_body);
	if (look == LOOK_NO && atomic_load_explicit(&t->tags[place], memory_order_relaxed) != tag)
		return LOOK_CHANGED;
	return look;
}

static enum look table_look(const struct verdict_table *t, uint64_t hash, struct slice x5u,
			    void *ret_body)
{
	uint32_t places[2];
	bool has_changed = false;

	verdict_places(t, hash, places);
	for (uint32_t i = 0; i < 2 * VERDICT_WAYS; i++) {
		uint32_t place = places[i / VERDICT_WAYS] + i % VERDICT_WAYS;
		enum look look = place_look(t, place, hash, x5u, ret_body);

		if (look == LOOK_YES)
			return look;
		has_changed |= look == LOOK_CHANGED;
	}
	return has_changed ? LOOK_CHANGED : LOOK_NO;
}

bool verdict_table_find(const struct verdict_table *t, uint64_t hash, struct slice x5u,
			void *ret_body)
{
	for (unsigned i = 0; i < TRIES; i++) {
		enum look look = table_look(t, hash, x5u, ret_body);

		if (look != LOOK_CHANGED)
			return look == LOOK_YES;
	}
	return false;
}

/* Printable ASCII that ends inside. */
static bool is_text(const char *s, size_t cap)
{
	size_t i = 0;

	while (i < cap && s[i] >= 0x20 && s[i] <= 0x7e)
		i++;
	return i < cap && s[i] == '\0';
}

static bool is_range(const struct verdict_range *r)
{
	size_t len;

	if (!is_text(r->first, sizeof(r->first)) || !is_text(r->last, sizeof(r->last)))
		return false;
	len = strlen(r->first);
	return len && strspn(r->first, "0123456789#*") == len && strlen(r->last) == len &&
	       strspn(r->last, "0123456789#*") == len && strcmp(r->first, r->last) <= 0;
}

static bool are_names(const char (*names)[VERDICT_NAME_LEN], unsigned cnt)
{
	if (cnt > VERDICT_NAMES_MAX)
		return false;
	for (unsigned i = 0; i < cnt; i++)
		if (!names[i][0] || !is_text(names[i], VERDICT_NAME_LEN))
			return false;
	return true;
}

static bool is_good_possible(const struct verdict *v)
{
	if (v->point[0] != 0x04 || v->not_before > v->not_after || v->expires_at > v->not_after ||
	    !is_text(v->spc, sizeof(v->spc)) || !is_text(v->subject, sizeof(v->subject)) ||
	    !are_names(v->must, v->must_cnt) || !are_names(v->never, v->never_cnt) ||
	    v->range_cnt > VERDICT_RANGES_MAX)
		return false;
	for (unsigned i = 0; i < v->range_cnt; i++)
		if (!is_range(&v->ranges[i]))
			return false;
	return true;
}

/* The reason becomes the index of a counter: only those of the signer. */
static bool is_bad_possible(const struct verdict *v)
{
	return v->reason >= SR_XDP_MAX && reason_token(v->reason)[0] != '?' &&
	       (v->code == 436 || v->code == 437);
}

bool verdict_is_possible(const struct verdict *v)
{
	if (v->fetched_at >= v->expires_at)
		return false;
	return v->kind == VERDICT_GOOD ? is_good_possible(v)
				       : v->kind == VERDICT_BAD && is_bad_possible(v);
}

static bool good_find(const struct verdict_table *t, uint64_t hash, struct slice x5u, int64_t now_s,
		      struct verdict *ret)
{
	struct verdict v;

	if (!verdict_table_find(t, hash, x5u, &v) || v.expires_at <= now_s ||
	    v.kind != VERDICT_GOOD || !verdict_is_possible(&v))
		return false;
	*ret = v;
	return true;
}

static bool bad_find(const struct verdict_table *t, uint64_t hash, struct slice x5u, int64_t now_s,
		     struct verdict *ret)
{
	struct verdict_failure f;
	struct verdict v;

	if (!verdict_table_find(t, hash, x5u, &f) || f.expires_at <= now_s)
		return false;
	v = (struct verdict){ .kind = VERDICT_BAD,
			      .reason = f.reason,
			      .code = f.code,
			      .fetched_at = f.fetched_at,
			      .expires_at = f.expires_at };
	if (!verdict_is_possible(&v))
		return false;
	*ret = v;
	return true;
}

enum verdict_kind verdict_find(const struct verdict_region *r, struct slice x5u, int64_t now_s,
			       struct verdict *ret)
{
	struct verdict_table good = verdict_table_good(r), bad = verdict_table_bad(r);
	uint64_t hash;

	if (!verdict_url_fits(x5u))
		return VERDICT_UNKNOWN;
	hash = verdict_hash(r, x5u);
	if (good_find(&good, hash, x5u, now_s, ret))
		return VERDICT_GOOD;
	if (bad_find(&bad, hash, x5u, now_s, ret))
		return VERDICT_BAD;
	/* it may have become good between the two: the good one is written before the bad one goes
	 */
	return good_find(&good, hash, x5u, now_s, ret) ? VERDICT_GOOD : VERDICT_UNKNOWN;
}
