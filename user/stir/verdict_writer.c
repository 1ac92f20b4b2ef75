/* SPDX-License-Identifier: BSD-2-Clause */
#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <utlist.h>

#include "stir/verdict_internal.h"

#define NO_PLACE UINT32_MAX

struct verdict_writer {
	struct verdict_region *region;
	struct verdict_stock good, bad;
};

/* ---- one table ---- */

int verdict_stock_init(struct verdict_stock *s, struct verdict_table t)
{
	struct verdict_node *nodes = calloc(t.entry_cnt, sizeof(*nodes));

	if (!nodes)
		return -ENOMEM;
	*s = (struct verdict_stock){ .table = t, .nodes = nodes };
	for (uint32_t i = t.entry_cnt; i--;) /* the first entry is used first */
		LL_PREPEND(s->unused, &nodes[i]);
	return 0;
}

void verdict_stock_done(struct verdict_stock *s)
{
	free(s->nodes);
}

static uint32_t index_of(const struct verdict_stock *s, const struct verdict_node *n)
{
	return (uint32_t)(n - s->nodes);
}

/* Whose place this is; NULL: free. */
static struct verdict_node *node_at(const struct verdict_stock *s, uint32_t place)
{
	uint64_t tag = atomic_load_explicit(&s->table.tags[place], memory_order_relaxed);

	return tag ? &s->nodes[(tag & VERDICT_TAG_ENTRY) - 1] : NULL;
}

struct verdict_node *verdict_stock_get(const struct verdict_stock *s, uint64_t hash,
				       struct slice x5u)
{
	uint32_t places[2];

	verdict_places(&s->table, hash, places);
	for (uint32_t i = 0; i < 2 * VERDICT_WAYS; i++) {
		struct verdict_node *n = node_at(s, places[i / VERDICT_WAYS] + i % VERDICT_WAYS);

		if (n && verdict_entry_is(verdict_entry_at(&s->table, index_of(s, n)), x5u))
			return n;
	}
	return NULL;
}

/* Nobody is led to this entry any more: it may be used again. */
static void node_release(struct verdict_stock *s, struct verdict_node *n)
{
	atomic_store_explicit(verdict_entry_at(&s->table, index_of(s, n)), 0, memory_order_release);
	DL_DELETE(s->oldest, n);
	LL_PREPEND(s->unused, n);
}

void verdict_stock_remove(struct verdict_stock *s, struct verdict_node *n)
{
	atomic_store_explicit(&s->table.tags[n->place], 0, memory_order_release);
	node_release(s, n);
	s->cnt--;
}

static void evict(struct verdict_stock *s, struct verdict_node *n)
{
	verdict_stock_remove(s, n);
	s->evicted++;
}

/* A free place in the emptier bucket, or NO_PLACE. */
static uint32_t place_free(const struct verdict_stock *s, const uint32_t places[2])
{
	uint32_t at[2] = { NO_PLACE, NO_PLACE }, free_cnt[2] = { 0, 0 };

	for (uint32_t i = 0; i < 2 * VERDICT_WAYS; i++) {
		uint32_t b = i / VERDICT_WAYS, place = places[b] + i % VERDICT_WAYS;

		if (node_at(s, place))
			continue;
		at[b] = place;
		free_cnt[b]++;
	}
	return at[free_cnt[1] > free_cnt[0]];
}

/* Both buckets are full: the place of the oldest in them.  With twice as many places as entries
 * this needs bad luck, or somebody who knows the key. */
static uint32_t place_evict(struct verdict_stock *s, const uint32_t places[2])
{
	struct verdict_node *oldest = node_at(s, places[0]);
	uint32_t place;

	for (uint32_t i = 1; i < 2 * VERDICT_WAYS; i++) {
		struct verdict_node *n = node_at(s, places[i / VERDICT_WAYS] + i % VERDICT_WAYS);

		if (n->seq < oldest->seq)
			oldest = n;
	}
	place = oldest->place;
	evict(s, oldest);
	return place;
}

static uint32_t place_new(struct verdict_stock *s, uint64_t hash)
{
	uint32_t places[2], place;

	if (s->cnt == s->table.entry_cnt - 1) /* one entry is for what is written next */
		evict(s, s->oldest);
	verdict_places(&s->table, hash, places);
	place = place_free(s, places);
	return place == NO_PLACE ? place_evict(s, places) : place;
}

/* Each word with release: who sees one of them sees that seq is not what it was. */
static void words_store(_Atomic uint64_t *at, const char *src, size_t len)
{
	while (len) {
		size_t n = len < VERDICT_WORD ? len : VERDICT_WORD;
		uint64_t word = 0;

		memcpy(&word, src, n);
		atomic_store_explicit(at++, word, memory_order_release);
		src += n;
		len -= n;
	}
}

static void entry_write(_Atomic uint64_t *e, uint64_t seq, struct slice x5u, struct slice body)
{
	atomic_store_explicit(e + VERDICT_AT_LENS, x5u.len | (uint64_t)body.len << 32,
			      memory_order_release);
	words_store(e + VERDICT_AT_URL, x5u.p, x5u.len);
	words_store(e + VERDICT_AT_URL + VERDICT_WORDS(x5u.len), body.p, body.len);
	atomic_store_explicit(e, seq, memory_order_release);
}

void verdict_stock_put(struct verdict_stock *s, uint64_t hash, struct slice x5u, struct slice body,
		       int64_t expires_at)
{
	struct verdict_node *old = verdict_stock_get(s, hash, x5u), *n;
	uint32_t place = old ? old->place : place_new(s, hash);

	n = s->unused;
	assert(n); /* one more entry than may be live */
	LL_DELETE(s->unused, n);
	n->seq = ++s->last_seq;
	n->expires_at = expires_at;
	n->place = place;
	DL_APPEND(s->oldest, n);
	entry_write(verdict_entry_at(&s->table, index_of(s, n)), n->seq, x5u, body);
	atomic_store_explicit(&s->table.tags[place],
			      (hash & ~VERDICT_TAG_ENTRY) | (index_of(s, n) + 1),
			      memory_order_release);
	if (old)
		node_release(s, old);
	else
		s->cnt++;
}

/* ---- both ---- */

void verdict_writer_free(struct verdict_writer *w)
{
	if (!w)
		return;
	verdict_stock_done(&w->good);
	verdict_stock_done(&w->bad);
	free(w);
}

int verdict_writer_new(struct verdict_region *r, struct verdict_writer **ret)
{
	CLEANUP(verdict_writer_freep) struct verdict_writer *w = calloc(1, sizeof(*w));
	uint64_t key[2];

	if (!w || verdict_stock_init(&w->good, verdict_table_good(r)) < 0 ||
	    verdict_stock_init(&w->bad, verdict_table_bad(r)) < 0)
		return -ENOMEM;
	if (RAND_bytes((unsigned char *)key, sizeof(key)) != 1)
		return -EIO;
	w->region = r;
	atomic_store_explicit(&r->key[0], key[0], memory_order_relaxed);
	atomic_store_explicit(&r->key[1], key[1], memory_order_relaxed);
	OPENSSL_cleanse(key, sizeof(key));
	r->version = VERDICT_VERSION;
	r->size = sizeof(*r);
	atomic_store_explicit(&r->magic, VERDICT_MAGIC, memory_order_release); /* last */
	*ret = TAKE(w);
	return 0;
}

static bool forget(struct verdict_stock *s, uint64_t hash, struct slice x5u)
{
	struct verdict_node *n = verdict_stock_get(s, hash, x5u);

	if (n)
		verdict_stock_remove(s, n);
	return n;
}

int verdict_put(struct verdict_writer *w, struct slice x5u, const struct verdict *v)
{
	struct verdict_stock *mine = v->kind == VERDICT_GOOD ? &w->good : &w->bad;
	struct verdict_stock *other = v->kind == VERDICT_GOOD ? &w->bad : &w->good;
	const struct verdict_node *there;
	char body[VERDICT_BODY_MAX];
	uint64_t hash;

	if (!verdict_url_fits(x5u) || !verdict_is_possible(v))
		return -EINVAL;
	hash = verdict_hash(w->region, x5u);
	there = verdict_stock_get(other, hash, x5u);
	if (other != &w->good || !there || there->expires_at <= v->fetched_at) {
		verdict_stock_put(mine, hash, x5u, slice_of(body, verdict_pack(v, body)),
				  v->expires_at);
		forget(other, hash, x5u); /* after: a reader finds one of them */
	}
	/* last: who sees it move finds what was put */
	atomic_fetch_add_explicit(&w->region->changes, 1, memory_order_release);
	return 0;
}

int verdict_drop(struct verdict_writer *w, struct slice x5u)
{
	uint64_t hash;
	bool was_good, was_bad;

	if (!verdict_url_fits(x5u))
		return -ENOENT;
	hash = verdict_hash(w->region, x5u);
	was_good = forget(&w->good, hash, x5u);
	was_bad = forget(&w->bad, hash, x5u);
	return was_good || was_bad ? 0 : -ENOENT;
}

static void stock_expire(struct verdict_stock *s, int64_t now_s)
{
	struct verdict_node *n, *next;

	DL_FOREACH_SAFE(s->oldest, n, next)
	if (n->expires_at <= now_s)
		verdict_stock_remove(s, n);
}

void verdict_expire(struct verdict_writer *w, int64_t now_s)
{
	stock_expire(&w->good, now_s);
	stock_expire(&w->bad, now_s);
}

void verdict_usage(const struct verdict_writer *w, struct verdict_usage *ret)
{
	*ret = (struct verdict_usage){ w->good.cnt, w->bad.cnt, w->good.evicted, w->bad.evicted };
}
