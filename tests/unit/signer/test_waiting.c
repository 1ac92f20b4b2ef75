/* SPDX-License-Identifier: BSD-2-Clause */
/* INVITEs that wait for a certificate: what lets them go on, in which order they leave, and what they are then. */
#include "signer/calls.h"

static uint64_t sum_of(const _Atomic uint64_t *b)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < COUNTERS_BUCKETS; i++)
		sum += b[i];
	return sum;
}

/* Unknown certificate: asked for, not sent; with the verdict it leaves, judged, and copies are the same. */
static void test_verdict_comes(void **state)
{
	struct calls c;
	struct call one = { .x5u = X5U_A };
	struct verdict_want want;
	struct event_record r;
	char msg[CALL_MAX];

	(void)state;
	calls_new(&c, NULL);
	call_send_text(&c.x, call_put(&c.x, &one, msg));
	world_run(&c.x);
	assert_int_equal(sent(&c), 0);
	assert_int_equal(c.x.w->counters->parked, 1);
	assert_int_equal(c.x.w->counters->verdict_misses, 1);
	assert_true(fetcher_asked(&c.f, 0, &want));
	assert_true(slice_eq(slice_of(want.x5u, want.len), SLICE(X5U_A)));
	assert_true(want.trunk == WORLD_TRUNK && want.flags == 0);
	assert_false(fetcher_asked(&c.f, 0, &want)); /* once */
	for (int copy = 0; copy < 2; copy++) {
		call_send_text(&c.x, msg);
		world_run(&c.x);
	}
	assert_int_equal(sent(&c), 0);
	assert_int_equal(call_trunk_reason(&c.x, SR_ABSORBED), 2);
	assert_false(world_event(&c.x, &r));
	fetcher_know(&c.f, X5U_B); /* somebody else's */
	world_run(&c.x);
	assert_int_equal(sent(&c), 0);
	usleep(5000);
	fetcher_know(&c.f, X5U_A);
	world_run(&c.x);
	assert_int_equal(sent(&c), 1);
	assert_true(call_holds(out(&c, 0), "\r\nX-STIR-Result: STIR_VERIFIED;attest=A"));
	assert_int_equal(call_trunk_reason(&c.x, SR_VERIFIED), 1);
	assert_int_equal(c.x.w->counters->parked, 0);
	assert_int_equal(c.x.w->counters->parked_ever, 1);
	assert_int_equal(c.x.w->counters->verdict_hits, 0); /* it asked once, and missed */
	assert_int_equal(sum_of(c.x.w->counters->wait_us), 1);
	assert_in_range(c.x.w->counters->wait_ns_sum, 5000000, 3000000000);
	assert_true(world_event(&c.x, &r));
	assert_int_equal(r.notes & EVENT_NOTE_WAITED, EVENT_NOTE_WAITED);
	assert_true(r.verdict == EVENT_VERIFY && r.reason == SR_VERIFIED && r.stir == EVENT_STIR_VERIFIED);
	assert_true(r.latency_us >= 5000);
	call_send_text(&c.x, msg);
	world_run(&c.x);
	assert_int_equal(sent(&c), 2);
	assert_true(slice_eq(out(&c, 0), out(&c, 1)));
	assert_int_equal(call_trunk_reason(&c.x, SR_RETRANSMISSION), 1);
	assert_false(world_event(&c.x, &r));
	calls_free(&c);
}

/* The verdict may be a bad one, and there may be two certificates. */
static void test_what_comes(void **state)
{
	struct calls c;
	struct call one = { .id = "1", .x5u = X5U_A }, two = { .id = "2" };
	struct verdict_want want;
	char row[1024];

	(void)state;
	calls_new(&c, NULL);
	call_send(&c.x, &one);
	world_run(&c.x);
	fetcher_fail(&c.f, X5U_A, SR_CERTIFICATE_UNTRUSTED, 437);
	world_run(&c.x);
	assert_true(call_holds(out(&c, 0), "STIR_FAILED;reason=certificate_untrusted;code=437"));
	assert_true(fetcher_asked(&c.f, 0, &want));
	/* the first row turns out bad: the second one may still be good */
	one.x5u = X5U_B;
	two.x5u = "https://cr.example.com/c.pem";
	two.rows = call_identity(&c.x, &one, (int64_t)clock_real_ms() / 1000, row);
	call_send(&c.x, &two);
	world_run(&c.x);
	assert_int_equal(c.x.w->counters->verdict_misses, 3);
	assert_true(fetcher_asked(&c.f, 0, &want) && fetcher_asked(&c.f, 0, &want));
	fetcher_fail(&c.f, two.x5u, SR_CERTIFICATE_BAD, 437);
	world_run(&c.x);
	assert_int_equal(sent(&c), 1);
	assert_int_equal(c.x.w->counters->parked, 1);
	fetcher_know(&c.f, X5U_B);
	world_run(&c.x);
	assert_int_equal(sent(&c), 2);
	assert_true(call_holds(out(&c, 1), "STIR_VERIFIED"));
	calls_free(&c);
}

static void short_wait(struct gateway *g, struct trunk *t)
{
	calls_verify(g, t);
	t->verification.wait_ms = 60;
}

static void reject(struct gateway *g, struct trunk *t)
{
	short_wait(g, t);
	t->verification.on_failure = t->verification.on_missing = VERIFY_REJECT;
}

/* Nobody answers: not a moment too early, and not refused either. */
static void test_time_up(void **state)
{
	struct calls c;
	struct call one = { .x5u = X5U_A };
	struct event_record r;
	char msg[CALL_MAX];
	uint64_t begin;

	(void)state;
	calls_new(&c, reject);
	begin = clock_mono_ns();
	call_send_text(&c.x, call_put(&c.x, &one, msg));
	world_run(&c.x);
	for (unsigned i = 0; i < 2000 && !sent(&c); i++) {
		world_run(&c.x);
		usleep(500);
	}
	assert_int_equal(sent(&c), 1);
	assert_true(clock_mono_ns() - begin >= 60000000);
	assert_true(call_holds(out(&c, 0), "STIR_FAILED;reason=certificate_pending"));
	assert_int_equal(call_trunk_reason(&c.x, SR_CERTIFICATE_PENDING), 1);
	assert_in_range(c.x.w->counters->wait_ns_sum, 60000000, 3000000000);
	assert_true(world_event(&c.x, &r));
	assert_true(r.stir == EVENT_STIR_FAILED && r.reason == SR_CERTIFICATE_PENDING && r.verdict == EVENT_VERIFY);
	/* the certificate is there now; a copy leaves as the first one did all the same */
	fetcher_know(&c.f, X5U_A);
	call_send_text(&c.x, msg);
	world_run(&c.x);
	assert_true(slice_eq(out(&c, 0), out(&c, 1)));
	assert_int_equal(c.x.carrier->sent_cnt, 0);
	calls_free(&c);
}

/* ---- CANCEL ---- */

static const struct {
	const char *name, *id;
	bool releases;
} cancels[] = {
	{ "of another call", "2", false },
	{ "of this call", "1", true },
};

static void test_cancel(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cancels); i++) {
		struct calls c;
		struct call one = { .x5u = X5U_A };
		struct event_record r;
		char msg[CALL_MAX];

		calls_new(&c, NULL);
		call_send(&c.x, &one);
		world_run(&c.x);
		call_send_cancel(&c.x, cancels[i].id);
		world_run(&c.x);
		if (sent(&c) != 1u + cancels[i].releases)
			fail_msg("%s: %u have left", cancels[i].name, sent(&c));
		if (cancels[i].releases)
			assert_true(call_holds(out(&c, 0), "INVITE sip:"));
		assert_true(slice_eq(out(&c, sent(&c) - 1), slice_str(call_cancel(cancels[i].id, msg))));
		assert_int_equal(call_trunk_reason(&c.x, SR_CANCEL), 1);
		assert_int_equal(call_trunk_reason(&c.x, SR_CERTIFICATE_PENDING), cancels[i].releases);
		if (world_event(&c.x, &r) != cancels[i].releases)
			fail_msg("%s: event", cancels[i].name);
		assert_false(world_event(&c.x, &r));
		calls_free(&c);
	}
}

/* Two INVITEs of one transaction that differ in a byte are two; one CANCEL ends both. */
static void test_cancel_both(void **state)
{
	struct calls c;
	struct call one = { .x5u = X5U_A }, again = { .x5u = X5U_A, .rows = "X-Try: 2\r\n" };

	(void)state;
	calls_new(&c, NULL);
	call_send(&c.x, &one);
	call_send(&c.x, &again);
	world_run(&c.x);
	assert_int_equal(c.x.w->counters->parked, 2);
	call_send_cancel(&c.x, "1");
	world_run(&c.x);
	assert_int_equal(sent(&c), 3);
	assert_true(call_holds(out(&c, 2), "CANCEL sip:"));
	calls_free(&c);
}

/* And whoever makes many of one transaction does not stop the worker with its CANCEL: the others wait on. */
static void test_cancel_many(void **state)
{
	struct calls c;
	char rows[32];
	struct call one = { .x5u = X5U_A, .rows = rows };

	(void)state;
	calls_new(&c, NULL);
	for (unsigned i = 0; i < 9; i++) {
		snprintf(rows, sizeof(rows), "X-Try: %u\r\n", i);
		call_send(&c.x, &one);
	}
	world_run(&c.x);
	assert_int_equal(c.x.w->counters->parked, 9);
	call_send_cancel(&c.x, "1");
	world_run(&c.x);
	assert_int_equal(sent(&c), 5);
	assert_true(call_holds(out(&c, 4), "CANCEL sip:"));
	assert_int_equal(c.x.w->counters->parked, 5);
	calls_free(&c);
}

/* A CANCEL passes whatever is wrong with it; only a damaged one does not, as everywhere. */
static const struct {
	const char *name, *text;
	int64_t age_ms;
	unsigned flags;
	int generation;
	uint32_t trunk;
	bool is_corrupt, leaves;
} odd_cancels[] = {
	{ "no SIP", "CANCEL\r\n", 0, 0, 0, WORLD_TRUNK, false, true },
	{ "empty", "", 0, 0, 0, WORLD_TRUNK, false, true },
	{ "stale", NULL, 5000, 0, 0, WORLD_TRUNK, false, true },
	{ "unknown generation", NULL, 0, 0, 1, WORLD_TRUNK, false, true },
	{ "unknown trunk", NULL, 0, 0, 0, 1, false, true },
	{ "flagged as an emergency", NULL, 0, SIPSEAL_META_F_EMERGENCY, 0, WORLD_TRUNK, false, true },
	{ "damaged", NULL, 0, 0, 0, WORLD_TRUNK, true, false },
};

static void test_odd_cancels(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(odd_cancels); i++) {
		struct sipseal_meta m = call_meta(SIPSEAL_META_F_CANCEL | odd_cancels[i].flags);
		char msg[CALL_MAX];
		const char *text = odd_cancels[i].text ? odd_cancels[i].text : call_cancel("1", msg);
		struct packet_spec s = { .ttl = 64 };
		uint8_t frame[XSK_FRAME_SIZE];
		size_t len = packet_put(&s, text, strlen(text), frame);
		struct event_record r;
		struct calls c;

		calls_new(&c, NULL);
		m.time_ns -= (uint64_t)odd_cancels[i].age_ms * 1000000;
		m.generation = (uint16_t)(m.generation + odd_cancels[i].generation);
		m.trunk = odd_cancels[i].trunk;
		if (odd_cancels[i].is_corrupt)
			packet_sum_put(false, frame, len);
		frame[len - 1] ^= odd_cancels[i].is_corrupt;
		assert_true(fake_deliver(c.x.carrier, &m, sizeof(m), frame, len));
		c.x.delivered++;
		world_run(&c.x);
		if (sent(&c) != odd_cancels[i].leaves)
			fail_msg("%s: %u have left", odd_cancels[i].name, sent(&c));
		if (world_reason(&c.x, odd_cancels[i].leaves ? SR_CANCEL : SR_BAD_CHECKSUM) != 1)
			fail_msg("%s: reason", odd_cancels[i].name);
		if (odd_cancels[i].leaves && !slice_eq(out(&c, 0), slice_str(text)))
			fail_msg("%s: other bytes", odd_cancels[i].name);
		assert_false(world_event(&c.x, &r));
		calls_free(&c);
	}
}

/* ---- many ---- */

/* No room: it goes on at once. */
static void test_full(void **state)
{
	struct verdict_want want;
	struct calls c;

	(void)state;
	calls_new(&c, NULL);
	send_many(&c, 0, PARK_MAX, X5U_A);
	for (struct parked *e = park_first(c.x.w->inbound.park); e; e = e->next)
		e->until_ns += 60000000000; /* the test may be slow */
	assert_int_equal(c.x.w->counters->parked, PARK_MAX);
	assert_int_equal(sent(&c), 0);
	assert_true(fetcher_asked(&c.f, 0, &want));
	send_many(&c, PARK_MAX, PARK_MAX + 2, X5U_B);
	assert_int_equal(sent(&c), 2);
	assert_int_equal(c.x.w->counters->park_full, 2);
	assert_int_equal(c.x.w->counters->verdict_misses, PARK_MAX + 2); /* one each, though they were run twice */
	assert_int_equal(call_trunk_reason(&c.x, SR_CERTIFICATE_PENDING), 2);
	assert_int_equal(c.x.w->counters->parked, PARK_MAX);
	while (fetcher_asked(&c.f, 0, &want)) /* maybe once per second */
		if (slice_eq(slice_of(want.x5u, want.len), SLICE(X5U_B)))
			break;
	assert_true(slice_eq(slice_of(want.x5u, want.len), SLICE(X5U_B))); /* asked for all the same */
	calls_free(&c);
}

/* All waited for the same: all go, in their order, but no loop does more than some of them. */
static void test_order(void **state)
{
	struct calls c;

	(void)state;
	calls_new(&c, NULL);
	send_many(&c, 0, 100, X5U_A);
	for (struct parked *e = park_first(c.x.w->inbound.park); e; e = e->next)
		e->until_ns += 60000000000;
	fetcher_know(&c.f, X5U_A);
	assert_true(worker_loop(c.x.w));
	assert_in_range(sent(&c), 1, 50);
	for (unsigned i = 0; i < 20 && c.x.w->counters->parked; i++)
		world_run(&c.x);
	assert_int_equal(sent(&c), 100);
	assert_int_equal(call_trunk_reason(&c.x, SR_VERIFIED), 100);
	for (unsigned i = 0; i < 100; i++) {
		char id[32];

		snprintf(id, sizeof(id), "Call-ID: m%u@", i);
		if (!call_holds(out(&c, i), id))
			fail_msg("%u: another call", i);
	}
	assert_false(worker_loop(c.x.w));
	calls_free(&c);
}

/* Who waits does not count as work: the worker sleeps, and what is in the rings is done. */
static void test_idle(void **state)
{
	struct calls c;
	uint64_t t;

	(void)state;
	calls_new(&c, NULL);
	send_many(&c, 0, 1, X5U_A);
	t = clock_mono_ns();
	assert_false(worker_loop(c.x.w));
	assert_true(c.x.w->counters->drained_ns >= t);
	assert_int_equal(c.x.w->counters->parked, 1);
	assert_int_equal(c.x.w->umem->count[UMEM_HELD], 0);
	calls_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdict_comes),
		cmocka_unit_test(test_what_comes),
		cmocka_unit_test(test_time_up),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_cancel_both),
		cmocka_unit_test(test_cancel_many),
		cmocka_unit_test(test_odd_cancels),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_idle),
	};

	return cmocka_run_group_tests_name("waiting", tests, NULL, NULL);
}
