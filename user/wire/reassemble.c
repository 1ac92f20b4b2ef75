/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/reassemble_internal.h"

#include <assert.h>
#include <errno.h>
#include <utlist.h>

#define PLACE_ALIGN 64
#define FRAME_MIN   64
#define FRAME_MAX   16384 /* pieces have 16 bits for offsets in a frame */

size_t reassemble_place(const struct reassemble_limits *l)
{
	return (REASSEMBLE_BLOCK + (size_t)l->frame_max + PLACE_ALIGN - 1) / PLACE_ALIGN * PLACE_ALIGN;
}

int reassemble_new(const struct reassemble_limits *l, struct siphash_key key, struct reassemble **ret)
{
	CLEANUP(reassemble_freep) struct reassemble *r = NULL;
	size_t place_len = reassemble_place(l), min = place_len * REASSEMBLE_FRAGMENTS;

	if (l->frame_max < FRAME_MIN || l->frame_max > FRAME_MAX || l->bytes < min || l->source_bytes < min ||
	    l->bytes / place_len > INT32_MAX || l->source_bytes > l->bytes || !l->datagrams ||
	    l->datagrams > 1u << 24 || !l->source_datagrams)
		return -EINVAL;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->limits = *l;
	r->hash_key = key;
	r->place_len = place_len;
	r->frames_max = (unsigned)(l->bytes / place_len);
	r->source_frames_max = (unsigned)(l->source_bytes / place_len);
	r->scratch = malloc(SCRATCH_LEN);
	if (!r->scratch || store_new(r) < 0)
		return -ENOMEM;
	*ret = TAKE(r);
	return 0;
}

void reassemble_free(struct reassemble *r)
{
	if (!r)
		return;
	store_free(r);
	free(r->scratch);
	free(r);
}

/* Its frames go; what it is remembered for stays on list @to. */
static void leave(struct reassemble *r, struct datagram *d, enum reassembled_how how, enum reassemble_why why,
		  enum list to)
{
	if (d->source) {
		store_count(r, d, -(int)d->piece_cnt);
		store_move(r, d, to);
	}
	r->stats.why[why] += why != REASSEMBLE_WHY_NONE;
	if (!d->piece_cnt) /* nothing of it was ever kept */
		return;
	d->pub.how = how;
	d->pub.why = why;
	d->pub.cnt = d->piece_cnt;
	r->stats.left[how]++;
	r->stats.left_frames[how] += d->piece_cnt;
	LL_APPEND2(r->leaving, d, leaving);
}

/* What comes of it from now on gets @bar.  Return: @bar. */
static enum reassemble_outcome bar(struct reassemble *r, struct datagram *d, enum reassemble_outcome bar,
				   enum reassemble_why why, uint64_t now_ns)
{
	static const enum reassembled_how hows[REASSEMBLE_OUTCOMES] = {
		[REASSEMBLE_NOT_UDP] = REASSEMBLED_NOT_UDP,
		[REASSEMBLE_OPAQUE] = REASSEMBLED_OPAQUE,
		[REASSEMBLE_REFUSED] = REASSEMBLED_REFUSED,
	};

	d->bar = bar;
	d->until_ns = now_ns + r->limits.lifetime_ns;
	leave(r, d, hows[bar], why, LIST_BARRED);
	return bar;
}

static void piece_keep(struct reassemble *r, struct datagram *d, const struct fragment *f, struct slice frame,
		       const void *block)
{
	struct piece *p = &d->pieces[d->piece_cnt];

	*p = (struct piece){ .place = pool_get(&r->place_pool), .off = (uint16_t)f->off,
			     .len = (uint16_t)f->data.len, .data_at = f->data_at,
			     .frame_len = (uint16_t)frame.len, .is_last = f->is_last };
	memcpy(place_block(r, p->place), block, REASSEMBLE_BLOCK);
	memcpy(place_frame(r, p->place), frame.p, frame.len);
	if (f->off == 0) {
		d->pub.first = (int)d->piece_cnt;
		d->l3_at = f->l3_at;
		d->l3_len = f->l3_len;
		d->proto_off = f->proto_off;
	}
	if (!d->piece_cnt || f->ttl < d->ttl)
		d->ttl = f->ttl;
	d->ecn_seen |= (uint8_t)(1u << f->ecn);
	d->got += (uint32_t)f->data.len;
	if (f->is_last)
		d->end = f->off + (uint32_t)f->data.len;
	d->piece_cnt++;
	if (d->source)
		store_count(r, d, 1);
}

/* Compares with what is here.  Return: HELD: it fits in; DUPLICATE; REFUSED and why. */
static enum reassemble_outcome piece_check(const struct reassemble *r, const struct datagram *d,
					   const struct fragment *f, enum reassemble_why *ret_why)
{
	uint32_t to = f->off + (uint32_t)f->data.len;

	for (unsigned i = 0; i < d->piece_cnt; i++) {
		const struct piece *p = &d->pieces[i];

		if (p->off == f->off && p->is_last == f->is_last && slice_eq(piece_data(r, p), f->data))
			return REASSEMBLE_DUPLICATE;
		if (f->off < (uint32_t)p->off + p->len && p->off < to) {
			*ret_why = REASSEMBLE_WHY_OVERLAP;
			return REASSEMBLE_REFUSED;
		}
		if ((f->is_last && p->off >= to) || (p->is_last && f->off > p->off)) {
			*ret_why = REASSEMBLE_WHY_END;
			return REASSEMBLE_REFUSED;
		}
	}
	*ret_why = REASSEMBLE_WHY_COUNT;
	return d->piece_cnt == REASSEMBLE_FRAGMENTS ? REASSEMBLE_REFUSED : REASSEMBLE_HELD;
}

/* All bytes are there. */
static void finish(struct reassemble *r, struct datagram *d, uint64_t now_ns)
{
	enum reassembled_how how = whole_build(r, d);

	if (how == REASSEMBLED_REFUSED) {
		bar(r, d, REASSEMBLE_REFUSED, REASSEMBLE_WHY_ECN, now_ns);
		return;
	}
	d->until_ns = now_ns + r->limits.linger_ns;
	leave(r, d, how, REASSEMBLE_WHY_NONE, LIST_DONE);
}

/* Two first fragments of which one tells UDP and one does not: what the one lets pass, the other would make UDP of. */
static bool is_barred(const struct datagram *d, const struct fragment *f)
{
	return d->bar == REASSEMBLE_REFUSED || (f->next == d->next_proto && (f->off || f->kind == d->bar));
}

/* A fragment of @d, which is not DONE. */
static enum reassemble_outcome piece_add(struct reassemble *r, struct datagram *d, const struct fragment *f,
					 struct slice frame, const void *block, uint64_t now_ns)
{
	enum reassemble_why why = REASSEMBLE_WHY_MISMATCH;
	enum reassemble_outcome o = REASSEMBLE_REFUSED;

	if (d->list == LIST_BARRED && is_barred(d, f))
		return d->bar;
	if (d->list == LIST_BARRED && f->next == d->next_proto)
		why = REASSEMBLE_WHY_OVERLAP;
	else if (f->next == d->next_proto)
		o = piece_check(r, d, f, &why);
	if (o == REASSEMBLE_HELD) /* it fits in: what does it say? */
		o = f->kind;
	if (o == REASSEMBLE_DUPLICATE)
		return o;
	if (o != REASSEMBLE_HELD)
		return bar(r, d, o, o == REASSEMBLE_REFUSED ? why : REASSEMBLE_WHY_NONE, now_ns);
	piece_keep(r, d, f, frame, block);
	if (d->end && d->got == d->end)
		finish(r, d, now_ns);
	return o;
}

static void evict(struct reassemble *r, struct datagram *d, enum reassemble_why why)
{
	if (d->list == LIST_HELD) {
		leave(r, d, REASSEMBLED_EVICTED, why, LIST_NONE);
		return;
	}
	r->stats.forgotten++;
	store_drop(r, d);
}

static bool is_copy(const struct reassemble *r, const struct datagram *d, const struct fragment *f)
{
	uint64_t digest = whole_digest(r, f->off, f->is_last, f->data);

	for (unsigned i = 0; i < d->piece_cnt; i++)
		if (d->digests[i] == digest)
			return true;
	return false;
}

/* The one that the fragment belongs to, without those whose time is over; *ret_is_copy: of one that is DONE. */
static struct datagram *find(struct reassemble *r, const struct fragment *f, uint64_t now_ns, bool *ret_is_copy)
{
	struct datagram *d = store_find(r, &f->key);

	*ret_is_copy = false;
	if (!d)
		return NULL;
	if (now_ns < d->until_ns && d->list != LIST_DONE)
		return d;
	if (now_ns < d->until_ns && is_copy(r, d, f)) {
		*ret_is_copy = true;
		return d;
	}
	if (d->list == LIST_HELD)
		leave(r, d, REASSEMBLED_EXPIRED, REASSEMBLE_WHY_NONE, LIST_NONE);
	else
		store_drop(r, d);
	return NULL;
}

static enum reassemble_outcome fragment_add(struct reassemble *r, const struct fragment *f, struct slice frame,
					    const void *block, uint64_t now_ns)
{
	enum reassemble_outcome o;
	enum reassemble_why why;
	struct datagram *d, *victim;
	bool is_done_copy;

	d = find(r, f, now_ns, &is_done_copy);
	if (is_done_copy)
		return REASSEMBLE_DUPLICATE;
	if (!d) {
		d = store_add(r, &f->key);
		d->next_proto = f->next;
		d->pub.since_ns = now_ns;
		d->until_ns = now_ns + r->limits.lifetime_ns;
	}
	o = piece_add(r, d, f, frame, block, now_ns);
	while ((victim = store_victim(r, d, &why)))
		evict(r, victim, why);
	return o;
}

/* RFC 6946: by itself. */
static enum reassemble_outcome atomic_add(struct reassemble *r, const struct fragment *f, struct slice frame,
					  const void *block, uint64_t now_ns)
{
	struct datagram *d;

	if (f->kind != REASSEMBLE_HELD)
		return f->kind;
	d = store_loose(r);
	d->key = f->key;
	d->next_proto = f->next;
	d->pub.since_ns = now_ns;
	piece_keep(r, d, f, frame, block);
	leave(r, d, whole_build(r, d), REASSEMBLE_WHY_NONE, LIST_NONE);
	return REASSEMBLE_HELD;
}

enum reassemble_outcome reassemble_add(struct reassemble *r, struct slice frame, uint32_t realm,
				       const void *block, uint64_t now_ns)
{
	enum reassemble_outcome o;
	struct fragment f;

	assert(!r->leaving && !r->out); /* the reserve is for one frame */
	o = fragment_parse(frame, &f);
	if (o == REASSEMBLE_HELD) {
		f.key.realm = realm;
		if (frame.len > r->limits.frame_max)
			o = REASSEMBLE_TOO_LARGE;
		else if (!f.is_last && f.data.len < r->limits.fragment_min)
			o = REASSEMBLE_TINY;
		else if (fragment_is_atomic(&f))
			o = atomic_add(r, &f, frame, block, now_ns);
		else
			o = fragment_add(r, &f, frame, block, now_ns);
	}
	r->stats.outcomes[o]++;
	return o;
}

struct reassembled *reassemble_take(struct reassemble *r, uint64_t now_ns)
{
	struct datagram *d;

	assert(!r->out);
	if (!r->leaving) {
		for (enum list list = LIST_BARRED; list <= LIST_DONE; list++)
			while ((d = r->lists[list]) && now_ns >= d->until_ns)
				store_drop(r, d);
		d = r->lists[LIST_HELD];
		if (d && now_ns >= d->until_ns)
			leave(r, d, REASSEMBLED_EXPIRED, REASSEMBLE_WHY_NONE, LIST_NONE);
	}
	d = r->leaving;
	if (!d)
		return NULL;
	LL_DELETE2(r->leaving, d, leaving);
	r->out = d;
	return &d->pub;
}

struct reassemble_frame reassembled_frame(const struct reassemble *r, const struct reassembled *d, unsigned i)
{
	const struct piece *p = &((const struct datagram *)d)->pieces[i];

	assert(i < d->cnt);
	return (struct reassemble_frame){ slice_of(place_frame(r, p->place), p->frame_len),
					  place_block(r, p->place) };
}

/* Digests take the place of the pieces: each is smaller than what it is made of. */
_Static_assert(sizeof(struct piece) >= sizeof(uint64_t), "digest i ends before piece i + 1 starts");

void reassemble_release(struct reassemble *r, struct reassembled *pub)
{
	struct datagram *d = (struct datagram *)pub;

	assert(d == r->out);
	r->out = NULL;
	for (unsigned i = 0; i < d->piece_cnt; i++) {
		struct piece p = d->pieces[i];

		if (d->list == LIST_DONE)
			d->digests[i] = whole_digest(r, p.off, p.is_last, piece_data(r, &p));
		pool_put(&r->place_pool, p.place);
	}
	if (d->list == LIST_BARRED) /* it may be refused yet, and shall not leave again */
		d->piece_cnt = 0;
	if (d->list == LIST_NONE)
		store_drop(r, d);
}

const struct reassemble_stats *reassemble_stats(struct reassemble *r)
{
	struct reassemble_stats *s = &r->stats;

	s->frames = r->frames_max + 1 - r->place_pool.cnt;
	s->datagrams = r->limits.datagrams + 1 - r->datagram_pool.cnt;
	s->sources = r->limits.datagrams + 1 - r->source_pool.cnt;
	s->remembered = r->remembered;
	s->bytes = s->frames * r->place_len;
	return s;
}
