/* SPDX-License-Identifier: BSD-2-Clause */
/* fair: what a worker can serve per trunk. */
#include "guard.h"

#include <stdlib.h>

#include "abi.h"
#include "base/cleanup.h"
#include "signer/fair.h"

#define MS 1000000ull

static struct fair f;
static uint64_t now;

/* A round with @n frames of @trunks trunks, from @first on, that takes @us_each per frame. */
static void round_of(unsigned n, unsigned trunks, uint32_t first, uint64_t us_each)
{
	fair_round(&f, now);
	for (unsigned i = 0; i < n; i++)
		fair_frame(&f, first + i % trunks);
	now += n * us_each * 1000;
	fair_round(&f, now);
}

static int setup(void **state)
{
	(void)state;
	now = 77777 * MS;
	return fair_init(&f);
}

static int teardown(void **state)
{
	(void)state;
	fair_done(&f);
	return 0;
}

static void test_unknown(void **state)
{
	(void)state;
	assert_int_equal(fair_interval(&f), 0);
	fair_round(&f, now);
	fair_round(&f, now + 50 * MS);
	assert_int_equal(fair_interval(&f), 0);
}

static void test_product(void **state)
{
	(void)state;
	round_of(64, 1, 5, 50);
	assert_int_equal(fair_interval(&f), 50000);
	round_of(64, 8, 100, 50); /* and the one of before */
	assert_int_equal(fair_interval(&f), 9 * 50000);
	round_of(64, 64, SIPSEAL_TRUNKS_MAX, 50); /* no such trunks: they take time, and nothing else */
	assert_int_equal(fair_interval(&f), 9 * 50000);
}

static void test_average(void **state)
{
	(void)state;
	round_of(64, 1, 0, 40);
	round_of(64, 1, 0, 80); /* half way */
	assert_int_equal(fair_interval(&f), 60000);
	round_of(1, 1, 0, 1060); /* the processor was taken away in a small round: 1 in 128 */
	assert_int_equal(fair_interval(&f), 60000 + 1000000 / 128);
	for (int i = 0; i < 20; i++)
		round_of(64, 1, 0, 20);
	assert_in_range(fair_interval(&f), 20000, 20100);
}

/* A trunk counts for one window after the one it called in; with none the word says so. */
static void test_windows(void **state)
{
	(void)state;
	round_of(60, 3, 0, 10);
	now += FAIR_WINDOW_NS;
	round_of(60, 1, 0, 10);
	assert_int_equal(fair_interval(&f), 3 * 10000);
	now += FAIR_WINDOW_NS;
	round_of(60, 1, 0, 10);
	assert_int_equal(fair_interval(&f), 1 * 10000);
	now += FAIR_WINDOW_NS;
	fair_round(&f, now);
	assert_int_equal(fair_interval(&f), 1 * 10000);
	now += FAIR_WINDOW_NS;
	fair_round(&f, now);
	assert_int_equal(fair_interval(&f), 0);
	round_of(2, 2, 0, 10);
	now += 2 * FAIR_WINDOW_NS; /* a long sleep: what was before it is long ago */
	fair_round(&f, now);
	assert_int_equal(fair_interval(&f), 0);
	assert_int_equal(f.service_ns, 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_unknown, setup, teardown),
		cmocka_unit_test_setup_teardown(test_product, setup, teardown),
		cmocka_unit_test_setup_teardown(test_average, setup, teardown),
		cmocka_unit_test_setup_teardown(test_windows, setup, teardown),
	};

	return cmocka_run_group_tests_name("fair", tests, NULL, NULL);
}
