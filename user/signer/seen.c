/* SPDX-License-Identifier: BSD-2-Clause */
#include "signer/seen.h"

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "base/siphash.h"

/*
 * The second word: 20 bits of check, 20 of the Call-ID, 24 of the second in which it is over.  That
 * counter goes around in 194 days: a place nobody has used for half of that may look alive again, and
 * is one place less until it does not.
 */
#define UNTIL_BITS 24
#define CALL_BITS 20
#define CHECK_SHIFT (UNTIL_BITS + CALL_BITS)
#define UNTIL_MASK ((1u << UNTIL_BITS) - 1)
#define WINDOW_MAX_S (UNTIL_MASK / 4)

/* More rounds than workers that write into the same bucket at the same moment. */
#define TRIES 8

struct place {
	_Atomic uint64_t sig;  /* 0: never used */
	_Atomic uint64_t call; /* 0: none */
};

struct seen {
	struct siphash_key sig_key, call_key;
	struct place *places;
};
_Static_assert((SEEN_BUCKETS & (SEEN_BUCKETS - 1)) == 0, "a mask finds the bucket");

/* What is looked for. */
struct query {
	struct place *bucket;
	uint64_t sig, call;
	uint64_t now_s;
};

enum look { LOOK_NONE, LOOK_OURS, LOOK_OTHERS };

#define PLACES_LEN (SEEN_BUCKETS * SEEN_WAYS * sizeof(struct place))

int seen_new(struct seen **ret)
{
	CLEANUP(seen_freep) struct seen *s = calloc(1, sizeof(*s));
	void *map;

	if (!s)
		return -ENOMEM;
	map = mmap(NULL, PLACES_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return -ENOMEM;
	s->places = map;
	if (RAND_bytes((unsigned char *)&s->sig_key, sizeof(s->sig_key)) != 1 ||
	    RAND_bytes((unsigned char *)&s->call_key, sizeof(s->call_key)) != 1)
		return -EIO;
	*ret = TAKE(s);
	return 0;
}

void seen_free(struct seen *s)
{
	if (!s)
		return;
	if (s->places)
		munmap(s->places, PLACES_LEN);
	OPENSSL_cleanse(s, sizeof(*s));
	free(s);
}

/* Seconds until it is over; 0 or less: it is. */
static int32_t left(uint64_t call, uint64_t now_s)
{
	/* the counter's bits at the top, so that the difference has its sign */
	return (int32_t)((uint32_t)(call - now_s) << (32 - UNTIL_BITS)) >> (32 - UNTIL_BITS);
}

static bool is_over(uint64_t sig, uint64_t call, uint64_t now_s)
{
	return !call || call >> CHECK_SHIFT != sig >> CHECK_SHIFT || left(call, now_s) <= 0;
}

static bool is_same_call(uint64_t a, uint64_t b)
{
	return a >> UNTIL_BITS == b >> UNTIL_BITS;
}

/* A place of our signature: it is ours if we are first, or were. */
static bool place_is_ours(struct place *p, const struct query *q)
{
	uint64_t call = atomic_load(&p->call);

	while (is_over(q->sig, call, q->now_s))
		if (atomic_compare_exchange_strong(&p->call, &call, q->call))
			return true;
	return is_same_call(call, q->call);
}

/* Two workers may have taken a place each for the same signature: who is first in all that are there
 * is the first.  Both go through them in the same order, so one of them is. */
static enum look bucket_look(const struct query *q)
{
	enum look look = LOOK_NONE;

	for (unsigned i = 0; i < SEEN_WAYS; i++) {
		if (atomic_load(&q->bucket[i].sig) != q->sig)
			continue;
		if (!place_is_ours(&q->bucket[i], q))
			return LOOK_OTHERS;
		look = LOOK_OURS;
	}
	return look;
}

/* Take the place that is free, or over, or the first to be.  It is ours when bucket_look() finds it:
 * somebody else may have been faster, here or there. */
static void bucket_claim(const struct query *q, uint64_t *evicted)
{
	struct place *best = NULL;
	int32_t best_left = INT32_MAX;
	uint64_t best_sig = 0;

	for (unsigned i = 0; i < SEEN_WAYS; i++) {
		uint64_t sig = atomic_load(&q->bucket[i].sig);
		uint64_t call = atomic_load(&q->bucket[i].call);
		int32_t l = !sig || is_over(sig, call, q->now_s) ? 0 : left(call, q->now_s);

		if (best && l >= best_left)
			continue;
		best = &q->bucket[i];
		best_left = l;
		best_sig = sig;
	}
	if (atomic_compare_exchange_strong(&best->sig, &best_sig, q->sig) && best_left > 0)
		(*evicted)++;
}

bool seen_elsewhere(struct seen *s, const uint8_t sig[PASSPORT_SIG_LEN], struct slice call_id,
		    uint64_t now_s, unsigned window_s, uint64_t *evicted)
{
	uint64_t h = siphash(s->sig_key, slice_of((const char *)sig, PASSPORT_SIG_LEN));
	uint64_t c = siphash(s->call_key, call_id) >> CHECK_SHIFT;
	struct query q = { .sig = h ? h : 1, .now_s = now_s };

	if (window_s > WINDOW_MAX_S)
		window_s = WINDOW_MAX_S;
	q.bucket = &s->places[(h & (SEEN_BUCKETS - 1)) * SEEN_WAYS];
	q.call = q.sig >> CHECK_SHIFT << CHECK_SHIFT | c << UNTIL_BITS |
		 ((now_s + window_s) & UNTIL_MASK);
	for (unsigned i = 0; i < TRIES; i++) {
		enum look look = bucket_look(&q);

		if (look != LOOK_NONE)
			return look == LOOK_OTHERS;
		bucket_claim(&q, evicted);
	}
	return false;
}
