/* SPDX-License-Identifier: BSD-2-Clause */
/* The watchdog over the workers, and when one that died is started again. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "daemon/proc.h"
#include "daemon/watchdog.h"

#define MS 1000000ull
#define LOOK (WATCHDOG_LOOK_MS * MS)

static uint64_t now = 1000 * MS;

/* Looks until one hangs; the others beat.  Return: how many looks it took, 0: none in 100. */
static unsigned looks_until_hung(struct watchdog *w, uint64_t *beats, unsigned workers, unsigned still, unsigned limit_ms)
{
	for (unsigned n = 1; n <= 100; n++) {
		int hung;

		now += LOOK;
		for (unsigned i = 0; i < workers; i++)
			if (i != still)
				beats[i] = now;
		hung = watchdog_look(w, beats, workers, limit_ms, now);
		if (hung < 0)
			continue;
		assert_int_equal(hung, still);
		return n;
	}
	return 0;
}

static void test_hang(void **state)
{
	static const struct {
		const char *name;
		unsigned workers, still, limit_ms, looks;
	} cases[] = {
		{ "all beat", 4, 99, 400, 0 },
		{ "the first", 4, 0, 400, WATCHDOG_LOOKS + 1 },
		{ "the last", 4, 3, 400, WATCHDOG_LOOKS + 1 },
		{ "a long heartbeat_ms", 2, 1, 5000, WATCHDOG_LOOKS + 11 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t beats[4] = { now, now, now, now };
		struct watchdog w;
		unsigned n;

		watchdog_reset(&w, now);
		n = looks_until_hung(&w, beats, cases[i].workers, cases[i].still, cases[i].limit_ms);
		if (n != cases[i].looks)
			fail_msg("%s: after %u looks, want %u", cases[i].name, n, cases[i].looks);
	}
}

/* A machine that stood still: one look, however old the heartbeat is; and no look before its time. */
static void test_pause(void **state)
{
	uint64_t beats[1] = { now };
	struct watchdog w;

	(void)state;
	watchdog_reset(&w, now);
	now += LOOK;
	assert_int_equal(watchdog_look(&w, beats, 1, 400, now), -1);
	now += 3600 * 1000 * MS;
	assert_int_equal(watchdog_look(&w, beats, 1, 400, now), -1);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(watchdog_look(&w, beats, 1, 400, now + i), -1);
	beats[0] = now;
	now += LOOK;
	assert_int_equal(watchdog_look(&w, beats, 1, 400, now), -1);
	assert_int_equal(w.still[0], 0);
}

static void test_retry(void **state)
{
	static const struct {
		const char *name;
		unsigned ran_ms, wait_ms; /* ran 0: it did not come up */
	} cases[] = {
		{ "first", 60000, 100 },
		{ "at once", 20, 200 },
		{ "did not come up", 0, 400 },
		{ "at once again", 399, 800 },
		{ "after a while", 2000, 100 },
		{ "and once more", 201, 100 },
		{ "1", 0, 200 },
		{ "2", 0, 400 },
		{ "3", 0, 800 },
		{ "4", 0, 1600 },
		{ "5", 0, 3200 },
		{ "no more than", 0, 5000 },
		{ "that", 4000, 5000 },
		{ "good again", 6000, 100 },
	};
	struct proc_retry r = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t before = clock_mono_ns();

		if (cases[i].ran_ms) {
			proc_retry_started(&r);
			r.started_ns -= cases[i].ran_ms * MS;
		}
		proc_retry_later(&r);
		if (r.wait_ms != cases[i].wait_ms)
			fail_msg("%s: rests %u ms, want %u", cases[i].name, r.wait_ms, cases[i].wait_ms);
		assert_true(r.at_ns >= before + r.wait_ms * MS);
		assert_false(proc_retry_is_due(&r));
		r.at_ns = 1;
		assert_true(proc_retry_is_due(&r));
		assert_false(proc_retry_is_due(&r));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hang),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_retry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
