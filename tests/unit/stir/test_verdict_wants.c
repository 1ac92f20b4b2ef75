/* SPDX-License-Identifier: BSD-2-Clause */
/* verdict: the ring of wanted URLs, from both ends, and with an end that lies. */
#include "verdict_world.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

static struct verdict_wants *wants_new(void)
{
	struct verdict_wants *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	return w;
}

static void test_lengths(void **state)
{
	struct verdict_wants *w = wants_new();
	uint64_t tail = 0;
	char url[URL_CAP];

	(void)state;
	memset(url, 'u', sizeof(url));
	for (size_t n = 0; n <= PASSPORT_X5U_MAX + 1; n++) {
		struct guard g = guard_new(url, n);
		bool fits = n >= 1 && n <= PASSPORT_X5U_MAX;
		struct verdict_want out = { .trunk = 99 };

		assert_int_equal(verdict_ask(w, n, slice_of(g.p, n), 0), fits);
		assert_int_equal(verdict_asked(w, &tail, &out), fits);
		if (!fits && out.trunk != 99)
			fail_msg("%zu bytes: output touched", n);
		if (fits && (out.trunk != n || out.len != n || memcmp(out.x5u, url, n) ||
			     (n < sizeof(out.x5u) && out.x5u[n])))
			fail_msg("%zu bytes: another URL", n);
		guard_free(&g);
	}
	assert_true(w->dropped == 0 && w->head == PASSPORT_X5U_MAX && w->tail == w->head);
	free(w);
}

/* As many as it says, in their order; what does not fit is counted, and there is room again later. */
static void test_full(void **state)
{
	struct verdict_wants *w = wants_new();
	struct verdict_want out;
	uint64_t tail = 0;
	char buf[URL_CAP];

	(void)state;
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned n = 0; n < VERDICT_WANTS_RING + 5; n++)
			assert_int_equal(verdict_ask(w, n, url_of(buf, n), 0), n < VERDICT_WANTS_RING);
		assert_int_equal(w->dropped, 5 * (round + 1));
		for (unsigned n = 0; n < VERDICT_WANTS_RING; n++) {
			assert_true(verdict_asked(w, &tail, &out));
			assert_int_equal(out.trunk, n);
			assert_true(slice_eq(slice_of(out.x5u, out.len), url_of(buf, n)));
		}
		assert_false(verdict_asked(w, &tail, &out));
	}
	free(w);
}

/* head and tail are in memory of the other side. */
static const struct {
	const char *name;
	uint64_t head, tail, own_tail;
	bool can_ask, can_take;
} lies[] = {
	{ "empty", 7, 7, 7, true, false },
	{ "one", 8, 7, 7, true, true },
	{ "full", 7 + VERDICT_WANTS_RING, 7, 7, false, true },
	{ "more than full", 8 + VERDICT_WANTS_RING, 7, 7, false, false },
	{ "head behind", 6, 7, 7, false, false },
	{ "head far away", UINT64_MAX, 7, 7, false, false },
	{ "tail ahead", 8, 9, 7, false, true },
	{ "tail far away", 8, UINT64_MAX / 2, 7, false, true },
	{ "tail far behind", 300, 0, 299, false, true },
	{ "around the end", 3, UINT64_MAX, UINT64_MAX, true, true },
};

static void test_lies(void **state)
{
	struct verdict_wants *w = wants_new();
	struct verdict_want out;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		uint64_t tail = lies[i].own_tail;

		for (unsigned n = 0; n < VERDICT_WANTS_RING; n++)
			w->ring[n].len = 3;
		w->head = lies[i].head;
		w->tail = lies[i].tail;
		if (verdict_asked(w, &tail, &out) != lies[i].can_take)
			fail_msg("%s: taken %d", lies[i].name, !lies[i].can_take);
		if (tail != lies[i].own_tail + lies[i].can_take)
			fail_msg("%s: own tail is %lu", lies[i].name, (unsigned long)tail);
		w->tail = lies[i].tail;
		if (verdict_ask(w, 1, SLICE("u"), 0) != lies[i].can_ask)
			fail_msg("%s: asked %d", lies[i].name, !lies[i].can_ask);
	}
	free(w);
}

/* A record that cannot be is skipped, and the next one is there. */
static void test_bad_records(void **state)
{
	static const uint16_t lens[] = { 0, PASSPORT_X5U_MAX + 1, UINT16_MAX };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		struct verdict_wants *w = wants_new();
		struct verdict_want out = { .trunk = 99 };
		uint64_t tail = 0;

		assert_true(verdict_ask(w, 1, SLICE("first"), 0) && verdict_ask(w, 2, SLICE("second"), 0));
		w->ring[0].len = lens[i];
		assert_false(verdict_asked(w, &tail, &out));
		assert_int_equal(out.trunk, 99);
		assert_true(verdict_asked(w, &tail, &out));
		assert_true(out.trunk == 2 && slice_eq(slice_of(out.x5u, out.len), SLICE("second")));
		free(w);
	}
}

/* Flags cross; a record with one that nobody knows is skipped. */
static void test_flags(void **state)
{
	static const struct { uint16_t flags; bool is_known; } cases[] = {
		{ 0, true }, { VERDICT_WANT_AGAIN, true }, { 0x2, false }, { 0x8000, false },
		{ VERDICT_WANT_AGAIN | 0x10, false }, { UINT16_MAX, false }, { 0, true },
	};
	struct verdict_wants *w = wants_new();
	uint64_t tail = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct verdict_want out = { .trunk = 99, .flags = 77 };

		assert_true(verdict_ask(w, 5, SLICE("u"), cases[i].flags));
		if (verdict_asked(w, &tail, &out) != cases[i].is_known)
			fail_msg("flags %x: taken %d", cases[i].flags, !cases[i].is_known);
		if (out.flags != (cases[i].is_known ? cases[i].flags : 77))
			fail_msg("flags %x: are %x", cases[i].flags, out.flags);
		assert_int_equal(w->tail, i + 1);
	}
	free(w);
}

#define WANTS 50000

static void *ask_all(void *arg)
{
	struct verdict_wants *w = arg;
	char buf[URL_CAP];

	for (unsigned n = 0; n < WANTS;)
		if (verdict_ask(w, n, url_of(buf, n), 0))
			n++;
		else
			sched_yield();
	return NULL;
}

/* Both ends at once: each once, whole, in order. */
static void test_threads(void **state)
{
	struct verdict_wants *w = wants_new();
	struct verdict_want out;
	uint64_t tail = 0;
	pthread_t worker;
	char buf[URL_CAP];

	(void)state;
	assert_int_equal(pthread_create(&worker, NULL, ask_all, w), 0);
	for (unsigned n = 0; n < WANTS;) {
		if (!verdict_asked(w, &tail, &out)) {
			sched_yield();
			continue;
		}
		if (out.trunk != n || !slice_eq(slice_of(out.x5u, out.len), url_of(buf, n)))
			fail_msg("want %u is %u %.*s", n, out.trunk, out.len, out.x5u);
		n++;
	}
	pthread_join(worker, NULL);
	assert_false(verdict_asked(w, &tail, &out));
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_bad_records),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests_name("verdict_wants", tests, NULL, NULL);
}
