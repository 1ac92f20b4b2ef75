/* SPDX-License-Identifier: BSD-2-Clause */
/* verdict: the number by which a reader sees that it should look again. */
#include "verdict_world.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>

static void test_grows(void **state)
{
	struct world w = world_new();
	struct verdict good = good_of(1, NOW, NOW + 100), bad = bad_of(1, NOW, NOW + 100);
	uint64_t before = verdict_changes(w.r);
	char buf[URL_CAP];
	struct slice url = url_of(buf, 1);

	(void)state;
	assert_int_equal(before, 0);
	/* new, refreshed, and a failure that is not stored beside the good one */
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(verdict_put(w.w, url, i < 2 ? &good : &bad), 0);
		assert_true(verdict_changes(w.r) > before);
		before = verdict_changes(w.r);
	}
	/* what is not put does not move it */
	good.kind = 77;
	assert_int_equal(verdict_put(w.w, url, &good), -EINVAL);
	assert_int_equal(verdict_put(w.w, SLICE(""), &bad), -EINVAL);
	verdict_find(w.r, url, NOW, &good);
	assert_int_equal(verdict_changes(w.r), before);
	world_free(&w);
}

#define ROUNDS 20000

struct race {
	struct world w;
	_Atomic unsigned looked; /* the last version that the reader has found */
	_Atomic bool is_over;
	unsigned missed;
};

/* Looks only when the number has moved, as who waits does. */
static void *wait_all(void *arg)
{
	struct race *r = arg;
	uint64_t seen = 0;
	char buf[URL_CAP];
	struct slice url = url_of(buf, 7);

	while (!r->is_over) {
		uint64_t changes = verdict_changes(r->w.r);
		struct verdict v;

		if (changes == seen) {
			sched_yield();
			continue;
		}
		seen = changes;
		if (verdict_find(r->w.r, url, NOW, &v) == VERDICT_UNKNOWN || v.expires_at - NOW < (int64_t)changes)
			r->missed++;
		else
			r->looked = (unsigned)(v.expires_at - NOW);
	}
	return NULL;
}

/* Who sees it move finds what was put: never is the last version waited for in vain. */
static void test_threads(void **state)
{
	static struct race r;
	pthread_t reader;
	char buf[URL_CAP];
	struct slice url = url_of(buf, 7);

	(void)state;
	r.w = world_new();
	assert_int_equal(pthread_create(&reader, NULL, wait_all, &r), 0);
	for (unsigned i = 1; i <= ROUNDS; i++) {
		struct verdict v = good_of(0, NOW, NOW + i);

		assert_int_equal(verdict_put(r.w.w, url, &v), 0);
		for (unsigned n = 0; i % 1000 == 0 && r.looked != i && n < 1000000; n++)
			sched_yield();
		if (i % 1000 == 0 && r.looked != i)
			fail_msg("version %u is not seen", i);
	}
	r.is_over = true;
	pthread_join(reader, NULL);
	assert_int_equal(r.missed, 0);
	world_free(&r.w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grows),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests_name("verdict_changes", tests, NULL, NULL);
}
