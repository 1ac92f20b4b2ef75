/* SPDX-License-Identifier: BSD-2-Clause */
#include "stir/verdict.h"

#include <errno.h>

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

static bool is_url(const _Atomic uint64_t *at, struct slice x5u)
{
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

bool verdict_entry_is(const _Atomic uint64_t *entry, struct slice x5u)
{
	uint64_t lens = atomic_load_explicit(entry + VERDICT_AT_LENS, memory_order_acquire);

	return (uint32_t)lens == x5u.len && is_url(entry + VERDICT_AT_URL, x5u);
}

enum look { LOOK_NO, LOOK_YES, LOOK_CHANGED };

struct query {
	const struct verdict_table *t;
	uint64_t hash;
	struct slice x5u;
	char *body; /* t->body_max bytes; what is in them counts after LOOK_YES */
	size_t len; /* of the body */
};

static enum look entry_copy(struct query *q, uint32_t index)
{
	const _Atomic uint64_t *e = verdict_entry_at(q->t, index);
	const _Atomic uint64_t *at = e + VERDICT_AT_URL + VERDICT_WORDS(q->x5u.len);
	uint64_t seq = atomic_load_explicit(e, memory_order_acquire);
	uint64_t lens = atomic_load_explicit(e + VERDICT_AT_LENS, memory_order_acquire);
	uint64_t len = lens >> 32;

	if (!seq)
		return LOOK_CHANGED;
	if ((uint32_t)lens != q->x5u.len || len > q->t->body_max || len % VERDICT_WORD ||
	    !is_url(e + VERDICT_AT_URL, q->x5u))
		return LOOK_NO;
	for (size_t i = 0; i < len; i += VERDICT_WORD) {
		uint64_t word = atomic_load_explicit(at++, memory_order_acquire);

		memcpy(q->body + i, &word, VERDICT_WORD);
	}
	q->len = len;
	return atomic_load_explicit(e, memory_order_relaxed) == seq ? LOOK_YES : LOOK_CHANGED;
}

/* One place.  An entry that is not what its tag said has changed if the tag is another one now. */
static enum look place_look(struct query *q, uint32_t place)
{
	uint64_t tag = atomic_load_explicit(&q->t->tags[place], memory_order_acquire);
	uint64_t index = (tag & VERDICT_TAG_ENTRY) - 1; /* huge where the place is free */
	enum look look;

	if (((tag ^ q->hash) & ~VERDICT_TAG_ENTRY) || index >= q->t->entry_cnt)
		return LOOK_NO;
	look = entry_copy(q, (uint32_t)index);
	if (look == LOOK_NO &&
	    atomic_load_explicit(&q->t->tags[place], memory_order_relaxed) != tag)
		return LOOK_CHANGED;
	return look;
}

static enum look table_look(struct query *q)
{
	uint32_t places[2];
	bool has_changed = false;

	verdict_places(q->t, q->hash, places);
	for (uint32_t i = 0; i < 2 * VERDICT_WAYS; i++) {
		enum look look = place_look(q, places[i / VERDICT_WAYS] + i % VERDICT_WAYS);

		if (look == LOOK_YES)
			return look;
		has_changed |= look == LOOK_CHANGED;
	}
	return has_changed ? LOOK_CHANGED : LOOK_NO;
}

size_t verdict_table_find(const struct verdict_table *t, uint64_t hash, struct slice x5u,
			  char *ret_body)
{
	struct query q = { .t = t, .hash = hash, .x5u = x5u, .body = ret_body };

	for (unsigned i = 0; i < TRIES; i++) {
		enum look look = table_look(&q);

		if (look != LOOK_CHANGED)
			return look == LOOK_YES ? q.len : 0;
	}
	return 0;
}

static bool table_get(const struct verdict_table *t, enum verdict_kind kind, uint64_t hash,
		      struct slice x5u, int64_t now_s, struct verdict *ret)
{
	char body[VERDICT_BODY_MAX];
	size_t len = verdict_table_find(t, hash, x5u, body);
	struct verdict v;

	if (!len || !verdict_unpack(kind, body, len, &v) || v.expires_at <= now_s)
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
	if (table_get(&good, VERDICT_GOOD, hash, x5u, now_s, ret))
		return VERDICT_GOOD;
	if (table_get(&bad, VERDICT_BAD, hash, x5u, now_s, ret))
		return VERDICT_BAD;
	/* it may have become good between the two: the good one is written before the bad one goes
	 */
	return table_get(&good, VERDICT_GOOD, hash, x5u, now_s, ret) ? VERDICT_GOOD
								     : VERDICT_UNKNOWN;
}

uint64_t verdict_changes(const struct verdict_region *r)
{
	return atomic_load_explicit(&r->changes, memory_order_acquire);
}
