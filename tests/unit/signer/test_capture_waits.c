/* SPDX-License-Identifier: BSD-2-Clause */
/* Captures of INVITEs that wait for a certificate: one record of each, and those of a CANCEL and of copies beside it. */
#include "signer/calls.h"
#include "signer/captures.h"

/* Who waits is told when it leaves, packets together; copies that are absorbed meanwhile are told at once. */
static void test_waits(void **state)
{
	struct call one = { .x5u = X5U_A };
	const struct capture_call *k;
	struct captures cap;
	struct calls c;
	char msg[CALL_MAX];

	(void)state;
	calls_new(&c, NULL);
	captures_new(&cap, &c.x, CAPTURE_ALL);
	c.x.w->capture.due_ns = clock_mono_ns() + 60000000000ull; /* over the rate now, not when it leaves */
	call_send_text(&c.x, call_put(&c.x, &one, msg));
	world_run(&c.x);
	c.x.w->capture.due_ns = 0;
	assert_int_equal(c.x.w->counters->parked, 1);
	assert_false(c.x.w->capture.is_open);
	assert_null(captures_take(&cap));
	call_send_text(&c.x, msg);
	world_run(&c.x);
	k = captures_take(&cap);
	assert_true(told(k, 0, EVENT_DROP, SR_ABSORBED));
	assert_true(k->is_inbound && k->packet_cnt == 1 && came(&cap, 1, msg));
	usleep(5000);
	fetcher_know(&c.f, X5U_A);
	world_run(&c.x);
	k = captures_take(&cap);
	assert_true(told(k, 1, EVENT_VERIFY, SR_VERIFIED));
	assert_true(k->is_inbound && k->packet_cnt == 2 && k->generation == WORLD_GENERATION);
	assert_true(came(&cap, 1, msg) && left(&cap, 1, CAPTURE_AFTER, 0, c.x.core, 0));
	assert_true(captures_time(&cap, 1) - captures_time(&cap, 0) >= 5000000);
	assert_null(captures_take(&cap));
	assert_int_equal(captures_lost(&cap), 0);
	captures_free(&cap);
	calls_free(&c);
}

/* A verdict that is not all it waits for: it waits on, and is told once. */
static void test_waits_on(void **state)
{
	struct call one = { .id = "1", .x5u = X5U_A }, two = { .id = "2", .x5u = X5U_B };
	struct captures cap;
	struct calls c;
	char row[1024], msg[CALL_MAX];

	(void)state;
	calls_new(&c, NULL);
	captures_new(&cap, &c.x, CAPTURE_ALL);
	two.rows = call_identity(&c.x, &one, (int64_t)clock_real_ms() / 1000, row);
	call_send_text(&c.x, call_put(&c.x, &two, msg));
	world_run(&c.x);
	fetcher_fail(&c.f, X5U_B, SR_CERTIFICATE_BAD, 437);
	world_run(&c.x);
	assert_int_equal(c.x.w->counters->parked, 1);
	assert_false(c.x.w->capture.is_open);
	assert_null(captures_take(&cap));
	fetcher_know(&c.f, X5U_A);
	world_run(&c.x);
	assert_true(told(captures_take(&cap), 0, EVENT_VERIFY, SR_VERIFIED));
	assert_true(came(&cap, 1, msg) && left(&cap, 1, CAPTURE_AFTER, 0, c.x.core, 0));
	assert_null(captures_take(&cap));
	captures_free(&cap);
	calls_free(&c);
}

/* Its CANCEL sends it on: two records, in the order in which they leave. */
static void test_cancel(void **state)
{
	struct call one = { .id = "7", .x5u = X5U_A };
	struct captures cap;
	struct calls c;
	char msg[CALL_MAX], cancel[CALL_MAX];

	(void)state;
	calls_new(&c, NULL);
	captures_new(&cap, &c.x, WORLD_TRUNK + 1);
	call_send_text(&c.x, call_put(&c.x, &one, msg));
	world_run(&c.x);
	call_send_cancel(&c.x, "8"); /* somebody else's */
	world_run(&c.x);
	assert_true(told(captures_take(&cap), 0, EVENT_PASS, SR_CANCEL));
	assert_true(came(&cap, 1, call_cancel("8", cancel)) && left(&cap, 1, CAPTURE_AFTER, 0, c.x.core, 0));
	call_send_cancel(&c.x, "7");
	world_run(&c.x);
	assert_true(told(captures_take(&cap), 1, EVENT_VERIFY, SR_CERTIFICATE_PENDING));
	assert_int_equal(cap.copy->call.packet_cnt, 2);
	assert_true(came(&cap, 1, msg) && left(&cap, 1, CAPTURE_AFTER, 0, c.x.core, 1));
	assert_true(told(captures_take(&cap), 2, EVENT_PASS, SR_CANCEL));
	assert_int_equal(cap.copy->call.packet_cnt, 2);
	assert_true(came(&cap, 1, call_cancel("7", cancel)) && left(&cap, 1, CAPTURE_AFTER, 0, c.x.core, 2));
	assert_null(captures_take(&cap));
	captures_free(&cap);
	calls_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waits),
		cmocka_unit_test(test_waits_on),
		cmocka_unit_test(test_cancel),
	};

	return cmocka_run_group_tests_name("capture_waits", tests, NULL, NULL);
}
