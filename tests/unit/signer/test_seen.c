/* SPDX-License-Identifier: BSD-2-Clause */
/* seen: who shows a signature first, for how long, in a full table, and with two workers at once. */
#include "guard.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#include "signer/seen.h"

static uint64_t evicted;

static void sig_of(uint8_t ret[PASSPORT_SIG_LEN], uint64_t n)
{
	memset(ret, 0x5a, PASSPORT_SIG_LEN);
	memcpy(ret + 20, &n, sizeof(n));
}

static bool elsewhere(struct seen *s, uint64_t n, const char *call_id, uint64_t now_s, unsigned window_s)
{
	uint8_t sig[PASSPORT_SIG_LEN];
	struct guard g;
	bool r;

	sig_of(sig, n);
	g = guard_new(call_id, strlen(call_id));
	r = seen_elsewhere(s, sig, slice_of(g.p, g.len), now_s, window_s, &evicted);
	guard_free(&g);
	return r;
}

static const struct {
	const char *name;
	uint64_t sig;
	const char *call_id;
	uint64_t now_s;
	unsigned window_s;
	bool is_replay;
} steps[] = {
	{ "first", 1, "a@x", 1000, 70, false },
	{ "again, the same call", 1, "a@x", 1000, 70, false },
	{ "another call", 1, "b@x", 1000, 70, true },
	{ "another signature", 2, "b@x", 1000, 70, false },
	{ "a call with both", 2, "a@x", 1001, 70, true },
	{ "the first one is still the first", 1, "a@x", 1069, 70, false },
	{ "not over", 1, "b@x", 1069, 70, true },
	{ "over", 1, "b@x", 1070, 70, false },
	{ "now the second is the first", 1, "a@x", 1071, 70, true },
	{ "for as long again", 1, "a@x", 1139, 70, true },
	{ "and no longer", 1, "a@x", 1140, 70, false },
	{ "empty Call-ID", 3, "", 1000, 70, false },
	{ "not empty", 3, "x", 1000, 70, true },
	{ "no window", 4, "a@x", 1000, 0, false },
	{ "and so no replay", 4, "b@x", 1000, 0, false },
	{ "the longest window", 5, "a@x", 1000, UINT32_MAX, false },
	{ "is a day at least", 5, "b@x", 1000 + 86400, 70, true },
	{ "before the counter goes around", 6, "a@x", (1u << 24) - 10, 70, false },
	{ "and after it", 6, "b@x", (1u << 24) + 59, 70, true },
	{ "over, after it", 6, "b@x", (1u << 24) + 60, 70, false },
	{ "long after", 7, "a@x", 1ull << 40, 70, false },
	{ "and there", 7, "b@x", (1ull << 40) + 69, 70, true },
};

static void test_steps(void **state)
{
	struct seen *s;

	(void)state;
	assert_int_equal(seen_new(&s), 0);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		if (elsewhere(s, steps[i].sig, steps[i].call_id, steps[i].now_s, steps[i].window_s) !=
		    steps[i].is_replay)
			fail_msg("%s: %d", steps[i].name, !steps[i].is_replay);
	assert_int_equal(evicted, 0);
	seen_free(s);
	seen_free(NULL);
}

/* Each byte of a signature and of a Call-ID counts. */
static void test_each_byte(void **state)
{
	uint8_t sig[PASSPORT_SIG_LEN];
	char call_id[40];
	struct seen *s;

	(void)state;
	assert_int_equal(seen_new(&s), 0);
	sig_of(sig, 1);
	memset(call_id, 'c', sizeof(call_id));
	assert_false(seen_elsewhere(s, sig, slice_of(call_id, sizeof(call_id)), 1, 70, &evicted));
	for (size_t i = 0; i < sizeof(call_id); i++) {
		call_id[i] ^= 1;
		assert_true(seen_elsewhere(s, sig, slice_of(call_id, sizeof(call_id)), 1, 70, &evicted));
		call_id[i] ^= 1;
		assert_true(seen_elsewhere(s, sig, slice_of(call_id, i), 1, 70, &evicted));
	}
	for (size_t i = 0; i < sizeof(sig); i++) {
		sig[i] ^= 0x80;
		assert_false(seen_elsewhere(s, sig, SLICE("other"), 1, 70, &evicted));
		sig[i] ^= 0x80;
	}
	assert_true(seen_elsewhere(s, sig, SLICE("other"), 1, 70, &evicted));
	seen_free(s);
}

#define PLACES ((uint64_t)SEEN_BUCKETS * SEEN_WAYS)

/* At the fill that the header promises nothing is forgotten; far over it the oldest go, and are counted. */
static void test_full(void **state)
{
	uint64_t n, kept = 0, before;
	struct seen *s;

	(void)state;
	assert_int_equal(seen_new(&s), 0);
	evicted = 0;
	for (n = 0; n < 2000 * 70; n++)
		assert_false(elsewhere(s, n, "a", 1 + n / 2000, 70));
	print_message("%lu of %lu forgotten at 2,000 a second\n", (unsigned long)evicted, (unsigned long)n);
	assert_in_range(evicted, 0, n / 1500);
	for (; n < 2 * PLACES; n++)
		assert_false(elsewhere(s, n, "a", 100 + n * 50 / PLACES, 700));
	assert_true(evicted > PLACES / 2);
	before = evicted;
	for (uint64_t i = 2 * PLACES - 1000; i < 2 * PLACES; i++)
		kept += elsewhere(s, i, "b", 200, 700);
	assert_in_range(kept, 990, 1000); /* the newest are there */
	assert_in_range(evicted - before, 0, 10);
	evicted = 0;
	for (n = 0; n < PLACES / 16; n++) /* all are over: nobody is pushed out */
		assert_false(elsewhere(s, n, "c", 1000, 70));
	assert_int_equal(evicted, 0);
	seen_free(s);
}

/* ---- workers ---- */

#define WORKERS 2
#define ROUNDS 3000
#define EACH 50 /* signatures of a round */

struct race {
	struct seen *s;
	_Atomic unsigned started;
	_Atomic unsigned first[ROUNDS * EACH];
	unsigned evicted[WORKERS];
};

struct racer {
	struct race *race;
	unsigned id;
};

/* All show the same signature at about the same moment, each as a call of its own. */
static void *race_run(void *arg)
{
	struct racer *me = arg;
	struct race *r = me->race;
	char call_id[16];
	uint64_t lost = 0;

	snprintf(call_id, sizeof(call_id), "%u@x", me->id);
	for (unsigned i = 0; i < ROUNDS; i++) {
		r->started++;
		for (unsigned spin = 1; r->started < (i + 1) * WORKERS; spin++)
			if (spin % 1000 == 0)
				sched_yield();
		for (unsigned k = i * EACH; k < (i + 1) * EACH; k++) {
			uint8_t sig[PASSPORT_SIG_LEN];

			sig_of(sig, k);
			/* time goes on fast: places are given up and taken at the same moment */
			if (!seen_elsewhere(r->s, sig, slice_str(call_id), k / 10 + me->id % 2, 70, &lost))
				r->first[k]++;
		}
	}
	r->evicted[me->id] = (unsigned)lost;
	return NULL;
}

static void test_workers(void **state)
{
	static struct race r;
	struct racer racers[WORKERS];
	pthread_t threads[WORKERS];

	(void)state;
	assert_int_equal(seen_new(&r.s), 0);
	for (unsigned i = 0; i < WORKERS; i++) {
		racers[i] = (struct racer){ &r, i };
		assert_int_equal(pthread_create(&threads[i], NULL, race_run, &racers[i]), 0);
	}
	for (unsigned i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	for (unsigned i = 0; i < ROUNDS * EACH; i++)
		if (r.first[i] != 1)
			fail_msg("signature %u: %u calls were the first", i, r.first[i]);
	seen_free(r.s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_each_byte),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_workers),
	};

	return cmocka_run_group_tests_name("seen", tests, NULL, NULL);
}
