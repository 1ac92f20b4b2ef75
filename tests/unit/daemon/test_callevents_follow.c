/* SPDX-License-Identifier: BSD-2-Clause */
/* Those who follow: bounded queues, whole lines, and what was lost is told. */
#include "daemon/events_world.h"

#include <stdlib.h>

static void count_wake(void *ctx)
{
	++*(unsigned *)ctx;
}

static char *read_all(struct callevents_follower *f, size_t piece)
{
	char *text = calloc(1, 2 * CALLEVENTS_QUEUE);
	size_t len = 0, n;

	while ((n = callevents_read(f, text + len, piece)) > 0)
		len += n;
	return text;
}

static void test_followers(void **state)
{
	struct world *w = *state;
	struct event_record r = world_record("early");
	struct callevents_follower *all, *beta;
	unsigned wakes = 0;
	char *text;

	world_push(w, 0, &r); /* before anybody followed */
	all = callevents_follow(w->d.events, NULL, count_wake, &wakes);
	beta = callevents_follow(w->d.events, "beta", NULL, NULL);
	assert_int_equal(callevents_read(all, (char[8]){ 0 }, 8), 0);
	r = world_record("one");
	world_push(w, 0, &r);
	r = world_record("two");
	r.trunk = 1;
	world_push(w, 0, &r);
	callevents_turn(w->d.events);
	assert_int_equal(wakes, 1); /* it had something already when the second one came */
	text = read_all(all, 7);
	assert_int_equal(check_lines(text), 2);
	assert_null(strstr(text, "early"));
	free(text);
	text = read_all(beta, 1000);
	assert_int_equal(check_lines(text), 1);
	assert_non_null(strstr(text, "\"two\""));
	free(text);
	assert_int_equal(world_totals(w).followers, 2);
	callevents_unfollow(all);
	callevents_unfollow(beta);
	assert_int_equal(world_totals(w).followers, 0);
}

static void test_slow_follower_is_told(void **state)
{
	struct world *w = *state;
	struct event_record r = world_record("slow");
	struct callevents_follower *f = callevents_follow(w->d.events, NULL, NULL, NULL);
	uint64_t sent = 0, lines, told;
	char *text, *dropped;

	while (!world_totals(w).dropped_reader) {
		for (unsigned i = 0; i < 1000; i++, sent++)
			world_push(w, 0, &r);
		callevents_turn(w->d.events);
	}
	text = read_all(f, 4096);
	lines = check_lines(text);
	dropped = strstr(text, "{\"dropped\":");
	assert_non_null(dropped);
	told = strtoull(dropped + strlen("{\"dropped\":"), NULL, 10);
	assert_null(strstr(dropped + 1, "{\"dropped\":")); /* told once */
	assert_int_equal(told, world_totals(w).dropped_reader);
	assert_int_equal(lines - 1 + told, sent);
	free(text);
	/* and it goes on */
	world_push(w, 0, &r);
	callevents_turn(w->d.events);
	text = read_all(f, 4096);
	assert_int_equal(check_lines(text), 1);
	free(text);
	callevents_unfollow(f);
}

/* What was lost is told in its place: behind what came before, ahead of what came after. */
static void test_loss_is_told_in_place(void **state)
{
	struct world *w = *state;
	struct event_record r = world_record("before");
	struct callevents_follower *f = callevents_follow(w->d.events, NULL, NULL, NULL);
	char some[8192], *text, *told, *after;

	while (!world_totals(w).dropped_reader) {
		for (unsigned i = 0; i < 500; i++)
			world_push(w, 0, &r);
		callevents_turn(w->d.events);
	}
	assert_int_equal(callevents_read(f, some, sizeof(some)), sizeof(some));
	r = world_record("after");
	world_push(w, 0, &r);
	callevents_turn(w->d.events);
	text = read_all(f, 4096);
	told = strstr(text, "{\"dropped\":");
	after = strstr(text, "\"after\"");
	assert_non_null(told);
	assert_true(after > told);
	assert_null(strstr(told, "\"before\""));
	assert_null(strstr(told + 1, "{\"dropped\":"));
	free(text);
	callevents_unfollow(f);
}

static void test_too_many_followers(void **state)
{
	struct world *w = *state;
	struct callevents_follower *f[CALLEVENTS_FOLLOWERS_MAX];

	for (unsigned i = 0; i < CALLEVENTS_FOLLOWERS_MAX; i++)
		assert_non_null(f[i] = callevents_follow(w->d.events, NULL, NULL, NULL));
	assert_null(callevents_follow(w->d.events, NULL, NULL, NULL));
	callevents_unfollow(f[3]);
	assert_non_null(callevents_follow(w->d.events, NULL, NULL,
					  NULL)); /* the rest ends with the daemon */
}

struct quitter {
	struct callevents_follower *f;
};

static void quit(void *ctx)
{
	struct quitter *q = ctx;

	callevents_unfollow(q->f);
	q->f = NULL;
}

static void test_follower_ends_when_woken(void **state)
{
	struct world *w = *state;
	struct event_record r = world_record("x");
	struct quitter q;

	q.f = callevents_follow(w->d.events, NULL, quit, &q);
	world_push(w, 0, &r);
	world_push(w, 0, &r);
	callevents_turn(w->d.events);
	assert_null(q.f);
	assert_int_equal(world_totals(w).events, 2);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_followers),
		TEST(test_slow_follower_is_told),
		TEST(test_loss_is_told_in_place),
		TEST(test_too_many_followers),
		TEST(test_follower_ends_when_woken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
