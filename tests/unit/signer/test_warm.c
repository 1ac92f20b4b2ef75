/* SPDX-License-Identifier: BSD-2-Clause */
/* warm: when a worker that spins signs for nobody. */
#include "guard.h"

#include "signer/warm.h"

static struct warm *w;

static int setup(void **state)
{
	(void)state;
	return warm_new(&w);
}

static int teardown(void **state)
{
	(void)state;
	warm_free(w);
	return 0;
}

static void test_pause(void **state)
{
	uint64_t now = 77777 * WARM_NS;

	(void)state;
	assert_true(warm_turn(w, now, false));
	assert_false(warm_turn(w, now + 1, false));
	assert_false(warm_turn(w, now + WARM_NS - 1, false));
	assert_true(warm_turn(w, now + WARM_NS, false));
	assert_false(warm_turn(w, now + WARM_NS + 1, false));
}

/* Calls warm as well: none waits for what they have done already. */
static void test_busy(void **state)
{
	uint64_t now = 77777 * WARM_NS;

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		assert_false(warm_turn(w, now += WARM_NS, true));
	assert_false(warm_turn(w, now + WARM_NS - 1, false));
	assert_true(warm_turn(w, now + WARM_NS, false));
}

static void test_nothing(void **state)
{
	(void)state;
	warm_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_pause, setup, teardown),
		cmocka_unit_test_setup_teardown(test_busy, setup, teardown),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
