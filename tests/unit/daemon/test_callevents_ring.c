/* SPDX-License-Identifier: BSD-2-Clause */
/* The rings that CallEvents come by: full, lying, read in turns; which calls have left; what outlives a signer. */
#include "daemon/events_world.h"

#include <stdlib.h>

#include "base/clock.h"
#include "daemon/callevents_internal.h"

static void test_full_ring_is_counted(void **state)
{
	struct world *w = *state;
	struct event_record r = world_record("x");
	unsigned taken = 0;

	for (unsigned i = 0; i < EVENTS_RING + 100; i++)
		taken += world_push(w, 1, &r);
	assert_int_equal(taken, EVENTS_RING);
	callevents_turn(w->d.events);
	assert_int_equal(world_totals(w).events, EVENTS_RING);
	assert_int_equal(world_totals(w).dropped_ring, 100);
	assert_true(world_push(w, 1, &r));
	/* the count goes on with the next signer, which starts at zero, and never back */
	atomic_store(&events_worker(w->signer, 1)->dropped, 3);
	world_renew(w);
	assert_int_equal(world_totals(w).events, EVENTS_RING + 1);
	assert_int_equal(world_totals(w).dropped_ring, 100);
	atomic_store(&events_worker(w->signer, 0)->dropped, 5);
	callevents_turn(w->d.events);
	assert_int_equal(world_totals(w).dropped_ring, 105);
}

/* A signer that is taken over says what it likes about its rings. */
static void test_lying_ring(void **state)
{
	static const uint64_t heads[] = { EVENTS_RING + 1, UINT64_MAX, 1ull << 63 };
	struct world *w = *state;
	struct event_record r = world_record("x");

	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		world_renew(w);
		w->signer->worker_off = w->signer->worker_size = UINT64_MAX; /* nobody asks */
		atomic_store(&((struct events_worker *)((char *)w->signer +
							((sizeof(struct events_region) + 4095) &
							 ~4095ull)))
				      ->head,
			     heads[i]);
		callevents_turn(w->d.events);
		callevents_turn(w->d.events);
		assert_int_equal(world_totals(w).invalid, i + 1); /* once per ring */
		assert_int_equal(world_totals(w).events, i);
		w->signer->worker_off = (sizeof(struct events_region) + 4095) & ~4095ull;
		w->signer->worker_size = (sizeof(struct events_worker) + 4095) & ~4095ull;
		assert_true(world_push(w, 1, &r)); /* the other worker's are read all the same */
		callevents_turn(w->d.events);
		assert_int_equal(world_totals(w).events, i + 1);
	}
}

static void test_names_are_those_of_the_moment(void **state)
{
	struct world *w = *state;
	struct event_record r = world_record("x");
	char *text;

	world_push(w, 0, &r);
	callevents_turn(w->d.events);
	slot_names[0] = "other";
	world_push(w, 0, &r);
	text = callevents_recent(w->d.events, "acme");
	assert_int_equal(check_lines(text), 1);
	assert_non_null(strstr(text, "\"trunk\":\"acme\""));
	free(text);
	text = callevents_recent(w->d.events, "other");
	assert_int_equal(check_lines(text), 1);
	free(text);
	text = callevents_recent(w->d.events, "gone");
	assert_string_equal(text, "");
	free(text);
}

static void test_turns_follow_the_calls(void **state)
{
	struct world *w = *state;
	struct event_record r = world_record("x");
	int last;

	world_push(w, 0, &r);
	last = callevents_turn(w->d.events);
	assert_int_equal(last, 40);
	for (int ms; (ms = callevents_turn(w->d.events)) != 100; last = ms)
		assert_true(ms > last);
	assert_int_equal(callevents_turn(w->d.events), 100);
	world_push(w, 1, &r);
	assert_int_equal(callevents_turn(w->d.events), 40);
	for (unsigned i = 0; i < 200; i++) /* many: before the ring is full */
		world_push(w, 1, &r);
	assert_int_equal(callevents_turn(w->d.events), 10);
	world_push(w, 1, &r);
	assert_int_equal(callevents_turn(w->d.events), 40);
}

static void test_what_has_left(void **state)
{
	struct world *w = *state;
	struct event_record r = world_record("left@pbx");
	char longer[EVENTS_CALL_ID + 9];

	assert_false(callevents_has_left(w->d.events, SLICE("left@pbx")));
	world_push(w, 1, &r); /* still in the ring */
	assert_true(callevents_has_left(w->d.events, SLICE("left@pbx")));
	assert_false(callevents_has_left(w->d.events, SLICE("left@pb")));
	assert_false(callevents_has_left(w->d.events, SLICE("")));

	memset(longer, 'x', sizeof(longer));
	r.call_id_len = EVENTS_CALL_ID;
	memcpy(r.call_id, longer, EVENTS_CALL_ID);
	r.flags = EVENT_CALL_ID_CUT;
	world_push(w, 0, &r);
	assert_true(callevents_has_left(w->d.events, slice_of(longer, sizeof(longer))));
	assert_false(callevents_has_left(w->d.events,
					 slice_of(longer, EVENTS_CALL_ID))); /* that one is whole */
	world_renew(w);
	assert_true(callevents_has_left(w->d.events, SLICE("left@pbx")));
}

static void test_what_left_long_ago(void **state)
{
	struct event_seen *s;
	uint64_t t = 5000000000000;
	unsigned forgotten = 0;
	char id[32];

	(void)state;
	assert_int_equal(event_seen_new(&s), 0);
	event_seen_add(s, SLICE("a"), false, t);
	assert_true(event_seen_has(s, SLICE("a"), t + EVENT_SEEN_NS));
	assert_false(event_seen_has(s, SLICE("a"), t + EVENT_SEEN_NS + 1));
	event_seen_add(s, SLICE("a"), false, t + EVENT_SEEN_NS); /* once more */
	assert_true(event_seen_has(s, SLICE("a"), t + 2 * EVENT_SEEN_NS));
	/* many others: the last 64 s of 2,000 calls/s are there; that any bucket overflows comes once in ten keys */
	for (unsigned i = 0; i < 128000; i++) {
		snprintf(id, sizeof(id), "%u@pbx", i);
		event_seen_add(s, slice_str(id), false, t + i);
	}
	for (unsigned i = 0; i < 128000; i += 7) {
		snprintf(id, sizeof(id), "%u@pbx", i);
		forgotten += !event_seen_has(s, slice_str(id), t + 128000);
	}
	assert_in_range(forgotten, 0, 3);
	event_seen_free(s);
}

static void test_overrides_used_survive_a_signer(void **state)
{
	struct world *w = *state;

	atomic_store(&w->signer->override_used[5], 1234);
	assert_int_equal(callevents_override_used(w->d.events, 5), 1234);
	world_renew(w);
	assert_int_equal(callevents_override_used(w->d.events, 5), 1234);
	assert_int_equal(callevents_override_used(w->d.events, 6), 0);
	atomic_store(&w->signer->override_used[5], 1300);
	world_renew(w);
	assert_int_equal(callevents_override_used(w->d.events, 5), 1300);
	assert_int_equal(callevents_override_used(w->d.events, EVENTS_OVERRIDES), 0);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_full_ring_is_counted),
		TEST(test_lying_ring),
		TEST(test_names_are_those_of_the_moment),
		TEST(test_turns_follow_the_calls),
		TEST(test_what_has_left),
		TEST(test_what_left_long_ago),
		TEST(test_overrides_used_survive_a_signer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
