/* SPDX-License-Identifier: BSD-2-Clause */
/* override: two-choice buckets, entries used once, readers and a writer at the same time. */
#include "guard.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "trunk/override.h"

#define NOW 1000000

struct table {
	struct override_region *r;
	_Atomic uint64_t *used;
	uint64_t last_seq;
};

static struct table table_new(void)
{
	struct table t = { calloc(1, sizeof(*t.r)), calloc(EVENTS_OVERRIDES, sizeof(uint64_t)), 0 };

	assert_true(t.r && t.used);
	return t;
}

static void table_free(struct table *t)
{
	free(t->r);
	free((void *)t->used);
}

/* A free place in the fuller or emptier of the two buckets, as a writer would choose it; -1: none. */
static int64_t place(const struct table *t, uint64_t hash, bool second_only)
{
	uint32_t b[2], cnt[2] = { 0, 0 }, pick;

	override_buckets(hash, b);
	for (unsigned i = 0; i < 2; i++)
		for (unsigned w = 0; w < OVERRIDE_WAYS; w++)
			cnt[i] += t->r->tags[b[i]][w] != 0;
	pick = second_only || cnt[1] < cnt[0];
	for (unsigned w = 0; w < OVERRIDE_WAYS; w++)
		if (!t->r->tags[b[pick]][w])
			return (int64_t)b[pick] * OVERRIDE_WAYS + w;
	return -1;
}

static void entry_write(struct override_entry *e, uint64_t seq, enum override_kind kind, const char *key,
			uint64_t expires_ns)
{
	atomic_store_explicit(&e->seq, 0, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	e->expires_ns = expires_ns;
	e->kind = kind;
	e->key_len = (uint32_t)strlen(key);
	memcpy(e->key, key, strlen(key));
	memset(&e->location, (int)(seq & 0xff), sizeof(e->location));
	atomic_store_explicit(&e->seq, seq, memory_order_release);
}

static int64_t put(struct table *t, enum override_kind kind, const char *key, uint64_t expires_ns, bool second_only)
{
	uint64_t hash = override_hash(kind, slice_str(key));
	int64_t i = place(t, hash, second_only);

	if (i < 0)
		return i;
	entry_write(&t->r->entries[i], ++t->last_seq, kind, key, expires_ns);
	t->r->tags[i / OVERRIDE_WAYS][i % OVERRIDE_WAYS] = hash;
	t->r->cnt++;
	return i;
}

static void test_hash(void **state)
{
	static unsigned load[OVERRIDE_BUCKETS];
	char key[32];

	(void)state;
	assert_true(override_hash(OVERRIDE_CALL_ID, SLICE("a")) != override_hash(OVERRIDE_CALLING, SLICE("a")));
	assert_true(override_hash(1, SLICE("ab")) != override_hash(1, SLICE("ab\0")));
	assert_true(override_hash(1, SLICE("12345678")) != override_hash(1, SLICE("12345678\0")));
	assert_true(override_hash(1, SLICE("")) != 0);
	for (unsigned i = 0; i < 20000; i++) {
		uint32_t b[2];

		snprintf(key, sizeof(key), "%08u@10.0.0.1", i);
		override_buckets(override_hash(OVERRIDE_CALL_ID, slice_str(key)), b);
		assert_true(b[0] < OVERRIDE_BUCKETS && b[1] < OVERRIDE_BUCKETS && b[0] != b[1]);
		load[b[0]]++;
		load[b[1]]++;
	}
	/* 78 expected; a bucket at twice that would be a bad hash of such keys */
	for (unsigned i = 0; i < OVERRIDE_BUCKETS; i++)
		if (load[i] < 30 || load[i] > 156)
			fail_msg("bucket %u is chosen %u times", i, load[i]);
}

/* Every key length ends at an unmapped page, and one changed byte is another key. */
static void test_lengths(void **state)
{
	struct table t = table_new();
	struct override_hit hit;
	char key[OVERRIDE_KEY_MAX + 2];

	(void)state;
	for (size_t n = 1; n <= OVERRIDE_KEY_MAX + 1; n++) {
		struct guard g;
		bool fits = n <= OVERRIDE_KEY_MAX;

		memset(key, 'x', n);
		key[n] = '\0';
		g = guard_new(key, n);
		if (fits)
			assert_true(put(&t, OVERRIDE_CALLING, key, NOW + 1, false) >= 0);
		assert_int_equal(override_find(t.r, t.used, OVERRIDE_CALLING, slice_of(g.p, n), NOW, &hit), fits);
		g.p[n - 1] = 'y';
		assert_false(override_find(t.r, t.used, OVERRIDE_CALLING, slice_of(g.p, n), NOW, &hit));
		guard_free(&g);
	}
	assert_false(override_find(t.r, t.used, OVERRIDE_CALLING, SLICE_NONE, NOW, &hit));
	table_free(&t);
}

static const struct {
	const char *name;
	enum override_kind kind;
	const char *key;
	uint64_t now;
	int found[2];              /* first and second look */
} finds[] = {
	{ "a Call-ID, once", OVERRIDE_CALL_ID, "call@x", NOW, { 1, 0 } },
	{ "a number, until it ends", OVERRIDE_CALLING, "12155550112", NOW, { 1, 1 } },
	{ "a number in its second bucket", OVERRIDE_CALLING, "12155550199", NOW, { 1, 1 } },
	{ "a number that ended", OVERRIDE_CALLING, "12155550112", NOW + 100, { 0, 0 } },
	{ "a Call-ID that ended", OVERRIDE_CALL_ID, "late@x", NOW + 100, { 0, 0 } },
	{ "a Call-ID as a number", OVERRIDE_CALLING, "call@x", NOW, { 0, 0 } },
	{ "another case", OVERRIDE_CALL_ID, "Late@x", NOW, { 0, 0 } },
	{ "longer", OVERRIDE_CALL_ID, "late@xy", NOW, { 0, 0 } },
	{ "shorter", OVERRIDE_CALL_ID, "late@", NOW, { 0, 0 } },
	{ "being written", OVERRIDE_CALL_ID, "half@x", NOW, { 0, 0 } },
	{ "a tag that leads to another key", OVERRIDE_CALL_ID, "forged@x", NOW, { 0, 0 } },
	{ "used by somebody who was faster", OVERRIDE_CALL_ID, "lost@x", NOW, { 0, 0 } },
	{ "claimed under a later seq", OVERRIDE_CALL_ID, "old@x", NOW, { 0, 0 } },
};

static void test_find(void **state)
{
	struct table t = table_new();
	int64_t i, late;
	uint64_t forged;

	(void)state;
	put(&t, OVERRIDE_CALL_ID, "call@x", NOW + 100, false);
	put(&t, OVERRIDE_CALLING, "12155550112", NOW + 100, false);
	put(&t, OVERRIDE_CALLING, "12155550199", NOW + 100, true);
	late = put(&t, OVERRIDE_CALL_ID, "late@x", NOW + 100, false);
	t.r->entries[put(&t, OVERRIDE_CALL_ID, "half@x", NOW + 100, false)].seq = 0;
	i = put(&t, OVERRIDE_CALL_ID, "lost@x", NOW + 100, false);
	t.used[i] = t.r->entries[i].seq;
	i = put(&t, OVERRIDE_CALL_ID, "old@x", NOW + 100, false);
	t.used[i] = t.r->entries[i].seq + 1;
	forged = override_hash(OVERRIDE_CALL_ID, SLICE("forged@x"));
	i = place(&t, forged, false);
	t.r->tags[i / OVERRIDE_WAYS][i % OVERRIDE_WAYS] = forged;
	t.r->entries[i] = t.r->entries[late];
	for (size_t k = 0; k < 2 * ARRAY_SIZE(finds); k++) {
		struct override_hit hit = { .seq = 99, .index = 98 };
		const __typeof__(finds[0]) *c = &finds[k / 2];
		bool found = override_find(t.r, t.used, c->kind, slice_str(c->key), c->now, &hit);

		if (found != c->found[k % 2])
			fail_msg("%s: look %zu finds %d", c->name, k % 2, found);
		if (!found && (hit.seq != 99 || hit.index != 98))
			fail_msg("%s: output touched", c->name);
		if (found && (hit.seq != t.r->entries[hit.index].seq ||
			      memcmp(&hit.location, &t.r->entries[hit.index].location, sizeof(hit.location))))
			fail_msg("%s: another entry", c->name);
		if (found && t.used[hit.index] != (c->kind == OVERRIDE_CALL_ID ? hit.seq : 0))
			fail_msg("%s: used %lu", c->name, (unsigned long)t.used[hit.index]);
	}
	t.r->cnt = 0;
	assert_false(override_find(t.r, t.used, OVERRIDE_CALLING, SLICE("12155550112"), NOW, &(struct override_hit){ 0 }));
	table_free(&t);
}

/* As many as may be live find room, whatever their keys. */
static void test_full(void **state)
{
	struct table t = table_new();
	struct override_hit hit;
	char key[64];

	(void)state;
	for (unsigned i = 0; i < OVERRIDES_MAX; i++) {
		snprintf(key, sizeof(key), "%u-%x@host%u", i, i * 7919, i % 3);
		assert_true(put(&t, OVERRIDE_CALL_ID, key, NOW + 1, false) >= 0);
	}
	for (unsigned i = 0; i < 2 * OVERRIDES_MAX; i++) {
		snprintf(key, sizeof(key), "%u-%x@host%u", i, i * 7919, i % 3);
		assert_int_equal(override_find(t.r, t.used, OVERRIDE_CALL_ID, slice_str(key), NOW, &hit),
				 i < OVERRIDES_MAX);
	}
	table_free(&t);
}

/* ---- several at once ---- */

#define THREADS 2
#define CLAIMS  2000

struct claimer {
	struct table *t;
	_Atomic unsigned *arrived;
	bool got[CLAIMS];
};

/* All are there before one goes on: as close to the same moment as can be had. */
static void meet(_Atomic unsigned *arrived, unsigned round)
{
	atomic_fetch_add(arrived, 1);
	for (unsigned spins = 0; atomic_load(arrived) < THREADS * (round + 1); spins++)
		if (spins > 10000)
			sched_yield();
}

static void *claim_all(void *arg)
{
	struct claimer *c = arg;
	struct override_hit hit;
	char key[32];

	for (unsigned i = 0; i < CLAIMS; i++) {
		snprintf(key, sizeof(key), "%u@x", i);
		meet(c->arrived, i);
		c->got[i] = override_find(c->t->r, c->t->used, OVERRIDE_CALL_ID, slice_str(key), NOW, &hit);
	}
	return NULL;
}

static void test_claim_race(void **state)
{
	static struct claimer c[THREADS];
	_Atomic unsigned arrived = 0;
	struct table t = table_new();
	pthread_t thread[THREADS];
	char key[32];

	(void)state;
	for (unsigned i = 0; i < CLAIMS; i++) {
		snprintf(key, sizeof(key), "%u@x", i);
		assert_true(put(&t, OVERRIDE_CALL_ID, key, NOW + 1, false) >= 0);
	}
	for (unsigned k = 0; k < THREADS; k++) {
		c[k] = (struct claimer){ .t = &t, .arrived = &arrived };
		assert_int_equal(pthread_create(&thread[k], NULL, claim_all, &c[k]), 0);
	}
	for (unsigned k = 0; k < THREADS; k++)
		pthread_join(thread[k], NULL);
	for (unsigned i = 0; i < CLAIMS; i++)
		if (c[0].got[i] + c[1].got[i] != 1)
			fail_msg("entry %u: claimed %d times", i, c[0].got[i] + c[1].got[i]);
	table_free(&t);
}

#define REWRITES 20000

static void *rewrite(void *arg)
{
	struct table *t = arg;
	int64_t i = put(t, OVERRIDE_CALLING, "12155550112", NOW + 1, false);

	for (unsigned n = 0; n < REWRITES; n++) {
		entry_write(&t->r->entries[i], ++t->last_seq, OVERRIDE_CALLING, "12155550112", NOW + 1);
		for (volatile unsigned pause = 0; pause < n % 8 * 500; pause++)
			; /* some reads find it quiet */
	}
	t->r->cnt = 0;
	return NULL;
}

/* A reader gets an entry as it was under one seq, or nothing. */
static void test_torn(void **state)
{
	struct table t = table_new();
	struct override_hit hit;
	unsigned found = 0, looks = 0;
	pthread_t writer;

	(void)state;
	assert_int_equal(pthread_create(&writer, NULL, rewrite, &t), 0);
	while (!t.r->cnt)
		;
	while (t.r->cnt) {
		const uint8_t *p = (const uint8_t *)&hit.location;

		looks++;
		if (!override_find(t.r, t.used, OVERRIDE_CALLING, SLICE("12155550112"), NOW, &hit))
			continue;
		found++;
		for (size_t i = 0; i < sizeof(hit.location); i++)
			if (p[i] != (uint8_t)hit.seq)
				fail_msg("byte %zu is of another entry", i);
	}
	pthread_join(writer, NULL);
	assert_true(found > 0);
	print_message("%u looks, %u whole\n", looks, found);
	table_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_claim_race),
		cmocka_unit_test(test_torn),
	};

	return cmocka_run_group_tests_name("override", tests, NULL, NULL);
}
