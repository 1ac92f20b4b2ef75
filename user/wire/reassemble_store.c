/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/reassemble_internal.h"

#include <assert.h>
#include <errno.h>
#include <utlist.h>

/*
 * More than one datagram of the largest kind is more than a source needs to get one through: who holds
 * more gives way before others do.  Below it, the oldest goes: under a flood of single fragments from
 * many addresses the one that is half complete holds most of all.
 */
#define FAIR_FRAMES REASSEMBLE_FRAGMENTS

uint32_t pool_get(struct pool *p)
{
	assert(p->cnt);
	return p->free[--p->cnt];
}

void pool_put(struct pool *p, uint32_t i)
{
	p->free[p->cnt++] = i;
}

/* The lowest index comes first, and what was used last: memory that is not needed is not touched. */
static int pool_init(struct pool *p, unsigned cnt)
{
	p->free = calloc(cnt, sizeof(*p->free));
	if (!p->free)
		return -ENOMEM;
	for (unsigned i = cnt; i--;)
		pool_put(p, i);
	return 0;
}

/* One of each over the limit: what is added is there before others leave for it. */
int store_new(struct reassemble *r)
{
	unsigned cnt = r->limits.datagrams + 1, places = r->frames_max + 1, size = 2;

	if (pool_init(&r->datagram_pool, cnt) < 0 || pool_init(&r->source_pool, cnt) < 0 ||
	    pool_init(&r->place_pool, places) < 0)
		return -ENOMEM;
	while (size < 2 * cnt)
		size *= 2;
	r->mask = size - 1;
	r->datagram_table = calloc(size, sizeof(struct datagram *));
	r->source_table = calloc(size, sizeof(struct source *));
	r->datagram_array = calloc(cnt, sizeof(struct datagram));
	r->source_array = calloc(cnt, sizeof(struct source));
	r->by_frames = calloc(r->source_frames_max + 2, sizeof(struct source *));
	r->places = calloc(places, r->place_len);
	if (!r->datagram_table || !r->source_table || !r->datagram_array || !r->source_array || !r->by_frames ||
	    !r->places)
		return -ENOMEM;
	return 0;
}

void store_free(struct reassemble *r)
{
	free(r->datagram_pool.free);
	free(r->source_pool.free);
	free(r->place_pool.free);
	free(r->datagram_table);
	free(r->source_table);
	free(r->datagram_array);
	free(r->source_array);
	free(r->by_frames);
	free(r->places);
}

static unsigned bucket(const struct reassemble *r, const struct key *k)
{
	return (unsigned)siphash(r->hash_key, slice_of((const char *)k, sizeof(*k))) & r->mask;
}

struct datagram *store_find(const struct reassemble *r, const struct key *k)
{
	struct datagram *d = r->datagram_table[bucket(r, k)];

	while (d && memcmp(&d->key, k, sizeof(*k)) != 0)
		d = d->chain;
	return d;
}

static struct source *source_get(struct reassemble *r, const struct key *k)
{
	struct key addr = { .is_v6 = k->is_v6 };
	struct source *s;
	unsigned b;

	memcpy(addr.src, k->src, sizeof(addr.src));
	b = bucket(r, &addr);
	for (s = r->source_table[b]; s; s = s->chain)
		if (memcmp(&s->addr, &addr, sizeof(addr)) == 0)
			return s;
	s = &r->source_array[pool_get(&r->source_pool)];
	*s = (struct source){ .addr = addr };
	LL_PREPEND2(r->source_table[b], s, chain);
	DL_APPEND(r->by_frames[0], s);
	return s;
}

static void source_put(struct reassemble *r, struct source *s)
{
	if (--s->datagrams)
		return;
	assert(!s->frames);
	DL_DELETE(r->by_frames[0], s);
	LL_DELETE2(r->source_table[bucket(r, &s->addr)], s, chain);
	pool_put(&r->source_pool, (uint32_t)(s - r->source_array));
}

static void list_put(struct reassemble *r, struct datagram *d, enum list list)
{
	d->list = list;
	r->remembered += list != LIST_HELD;
	DL_APPEND(r->lists[list], d);
	DL_APPEND2(d->source->lists[list], d, source_prev, source_next);
}

static void list_cut(struct reassemble *r, struct datagram *d)
{
	DL_DELETE(r->lists[d->list], d);
	DL_DELETE2(d->source->lists[d->list], d, source_prev, source_next);
	r->remembered -= d->list != LIST_HELD;
	d->list = LIST_NONE;
}

/* Not the pieces: there are cnt of them. */
static void datagram_init(struct datagram *d)
{
	memset(d, 0, offsetof(struct datagram, pieces));
	d->list = LIST_NONE;
	d->pub.first = -1;
}

struct datagram *store_loose(struct reassemble *r)
{
	struct datagram *d = &r->datagram_array[pool_get(&r->datagram_pool)];

	datagram_init(d);
	return d;
}

struct datagram *store_add(struct reassemble *r, const struct key *k)
{
	struct datagram *d = store_loose(r);

	d->key = *k;
	d->source = source_get(r, k);
	d->source->datagrams++;
	r->datagrams++;
	LL_PREPEND2(r->datagram_table[bucket(r, k)], d, chain);
	list_put(r, d, LIST_HELD);
	return d;
}

void store_move(struct reassemble *r, struct datagram *d, enum list list)
{
	list_cut(r, d);
	if (list != LIST_NONE) {
		list_put(r, d, list);
		return;
	}
	LL_DELETE2(r->datagram_table[bucket(r, &d->key)], d, chain);
	r->datagrams--;
	source_put(r, d->source);
	d->source = NULL;
}

void store_drop(struct reassemble *r, struct datagram *d)
{
	if (d->list != LIST_NONE)
		store_move(r, d, LIST_NONE);
	pool_put(&r->datagram_pool, (uint32_t)(d - r->datagram_array));
}

void store_count(struct reassemble *r, struct datagram *d, int delta)
{
	struct source *s = d->source;

	DL_DELETE(r->by_frames[s->frames], s);
	s->frames += (unsigned)delta;
	r->frames += (unsigned)delta;
	DL_APPEND(r->by_frames[s->frames], s);
	if (s->frames > r->heaviest)
		r->heaviest = s->frames;
}

/* The oldest that is not @keep, of lists of all or of a source. */
static struct datagram *oldest(struct datagram *const lists[LISTS], bool is_of_source, enum list list,
			       const struct datagram *keep)
{
	struct datagram *d = lists[list];

	return d && d == keep ? is_of_source ? d->source_next : d->next : d;
}

/* Someone who is only remembered is enough where datagrams are too many. */
static struct datagram *remembered(struct datagram *const lists[LISTS], bool is_of_source,
				   const struct datagram *keep)
{
	struct datagram *d = oldest(lists, is_of_source, LIST_DONE, keep);

	return d ? d : oldest(lists, is_of_source, LIST_BARRED, keep);
}

static struct datagram *victim_of_source(const struct reassemble *r, const struct source *s,
					 const struct datagram *keep)
{
	struct datagram *d = NULL;

	if (s->frames <= r->source_frames_max && s->datagrams <= r->limits.source_datagrams)
		return NULL;
	if (s->frames <= r->source_frames_max)
		d = remembered(s->lists, true, keep);
	return d ? d : oldest(s->lists, true, LIST_HELD, keep);
}

static struct datagram *victim_of_all(struct reassemble *r, const struct datagram *keep)
{
	struct datagram *d = NULL;

	if (r->frames <= r->frames_max && r->datagrams <= r->limits.datagrams)
		return NULL;
	if (r->frames <= r->frames_max)
		d = remembered(r->lists, false, keep);
	if (d)
		return d;
	while (r->heaviest && !r->by_frames[r->heaviest])
		r->heaviest--;
	if (r->heaviest > FAIR_FRAMES)
		d = oldest(r->by_frames[r->heaviest]->lists, true, LIST_HELD, keep);
	return d ? d : oldest(r->lists, false, LIST_HELD, keep);
}

struct datagram *store_victim(struct reassemble *r, const struct datagram *keep, enum reassemble_why *ret_why)
{
	struct datagram *d = victim_of_source(r, keep->source, keep);

	*ret_why = d ? REASSEMBLE_WHY_SOURCE : REASSEMBLE_WHY_TOTAL;
	return d ? d : victim_of_all(r, keep);
}
