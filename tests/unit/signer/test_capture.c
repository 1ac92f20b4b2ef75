/* SPDX-License-Identifier: BSD-2-Clause */
/* Captures: of each frame what came, what left and what became of it; and calls that do not notice. */
#include "signer/calls.h"
#include "signer/captures.h"

/* Nobody asks: not a byte of the region changes, and the call leaves. */
static void test_off(void **state)
{
	struct sipseal_meta m = world_meta();
	struct captures c;
	struct world x;
	char *before = malloc(capture_size(1));

	(void)state;
	world_new(&x, NULL);
	captures_new(&c, &x, 0);
	memcpy(before, c.r, capture_size(1));
	world_send(&x, &m, world_invite);
	world_send(&x, &m, world_options);
	world_run(&x);
	assert_ptr_equal(x.w->capture.worker, c.w);
	assert_int_equal(x.carrier->sent_cnt, 2);
	assert_int_equal(world_reason(&x, SR_SIGNED), 1);
	assert_memory_equal(before, c.r, capture_size(1));
	assert_true(!x.w->capture.is_open && !x.w->capture.due_ns && !x.w->capture.number);
	free(before);
	captures_free(&c);
	world_free(&x);
}

static void test_signed(void **state)
{
	struct sipseal_meta m = world_meta();
	const struct capture_call *k;
	struct captures c;
	struct world x;
	uint64_t begin = clock_ns(CLOCK_REALTIME), came_ns;

	(void)state;
	world_new(&x, NULL);
	captures_new(&c, &x, CAPTURE_ALL);
	m.time_ns -= 50000000; /* it has waited in the ring */
	world_send(&x, &m, world_invite);
	world_run(&x);
	k = captures_take(&c);
	assert_true(told(k, 0, EVENT_SIGN, SR_SIGNED));
	assert_int_equal(k->generation, WORLD_GENERATION);
	assert_int_equal(k->is_inbound, 0);
	assert_int_equal(k->packet_cnt, 2);
	assert_true(came(&c, 0, world_invite));
	assert_true(left(&c, 1, CAPTURE_AFTER, 1, x.carrier, 0));
	assert_true(call_holds(world_payload(x.carrier, 0), "\r\nIdentity: eyJ"));
	came_ns = captures_time(&c, 0);
	assert_in_range(came_ns, begin - 60000000, begin - 40000000 + 1000000000);
	assert_true(captures_time(&c, 1) >= came_ns + 50000000);
	assert_in_range(captures_time(&c, 1), begin, clock_ns(CLOCK_REALTIME));
	assert_null(captures_take(&c));
	/* a copy, and what is no INVITE */
	m.time_ns = clock_mono_ns();
	world_send(&x, &m, world_invite);
	world_send(&x, &m, world_options);
	world_run(&x);
	assert_true(told(captures_take(&c), 1, EVENT_PASS, SR_RETRANSMISSION));
	assert_true(came(&c, 0, world_invite) && left(&c, 1, CAPTURE_AFTER, 1, x.carrier, 1));
	assert_true(told(captures_take(&c), 2, EVENT_PASS, SR_NOT_INVITE));
	assert_true(came(&c, 0, world_options) && left(&c, 1, CAPTURE_AFTER, 1, x.carrier, 2));
	assert_null(captures_take(&c));
	assert_int_equal(captures_lost(&c), 0);
	captures_free(&c);
	world_free(&x);
}

/* Each fragment that leaves. */
static void test_fragments(void **state)
{
	struct sipseal_meta m = world_meta();
	const struct capture_call *k;
	struct captures c;
	struct world x;

	(void)state;
	world_new(&x, NULL);
	captures_new(&c, &x, CAPTURE_ALL);
	m.mtu = 600;
	world_send(&x, &m, world_invite);
	world_run(&x);
	assert_true(x.carrier->sent_cnt >= 2);
	k = captures_take(&c);
	assert_true(told(k, 0, EVENT_SIGN, SR_SIGNED));
	assert_int_equal(k->packet_cnt, 1 + x.carrier->sent_cnt);
	assert_true(came(&c, 0, world_invite));
	for (unsigned i = 0; i < x.carrier->sent_cnt; i++)
		assert_true(left(&c, 1 + i, CAPTURE_AFTER, 1, x.carrier, i));
	captures_free(&c);
	world_free(&x);
}

/* Our answer goes back by the NIC it came by, and nothing leaves. */
static void test_refused(void **state)
{
	struct sipseal_meta m = world_meta();
	const struct capture_call *k;
	struct captures c;
	struct world x;

	(void)state;
	world_new(&x, world_refuse_others);
	captures_new(&c, &x, CAPTURE_ALL);
	world_send(&x, &m, world_invite);
	world_run(&x);
	k = captures_take(&c);
	assert_true(told(k, 0, EVENT_REJECT, SR_NUMBER_REFUSED));
	assert_int_equal(k->packet_cnt, 2);
	assert_true(came(&c, 0, world_invite));
	assert_true(left(&c, 1, CAPTURE_ANSWER, 0, x.core, 0));
	assert_int_equal(x.carrier->sent_cnt, 0);
	captures_free(&c);
	world_free(&x);
}

/* What does not come so far: a record as long as it is known whose it is. */
static const struct {
	const char *name;
	int version, generation;
	uint32_t trunk, flags;
	int64_t age_ms;
	size_t len;                 /* of the frame; 0: whole */
	enum event_verdict verdict;
	enum sipseal_reason reason; /* SR_NONE: no record */
	uint64_t told;              /* generation */
} drops[] = {
	{ "another ABI", 1, 0, WORLD_TRUNK, 0, 0, 0, EVENT_DROP, SR_NONE },
	{ "trunk out of range", 0, 0, SIPSEAL_TRUNKS_MAX, 0, 0, 0, EVENT_DROP, SR_NONE },
	{ "trunk far out of range", 0, 0, UINT32_MAX, 0, 0, 0, EVENT_DROP, SR_NONE },
	{ "not even a header", 0, 0, WORLD_TRUNK, 0, 0, 13, EVENT_DROP, SR_NONE },
	{ "an Ethernet header", 0, 0, WORLD_TRUNK, 0, 0, 14, EVENT_DROP, SR_BAD_FRAME, WORLD_GENERATION },
	{ "stale", 0, 0, WORLD_TRUNK, 0, 501, 0, EVENT_DROP, SR_STALE_FRAME, WORLD_GENERATION },
	{ "generation gone", 0, 1, WORLD_TRUNK, 0, 0, 0, EVENT_DROP, SR_UNKNOWN_GENERATION,
	  (uint16_t)(WORLD_GENERATION + 1) },
	{ "no such trunk", 0, 0, 0, 0, 0, 0, EVENT_DROP, SR_UNKNOWN_TRUNK, WORLD_GENERATION },
	{ "stale emergency", 0, 0, WORLD_TRUNK, SIPSEAL_META_F_EMERGENCY, 501, 0, EVENT_PASS, SR_EMERGENCY_PASSED_LATE,
	  WORLD_GENERATION },
	{ "emergency that does not parse", 0, 0, WORLD_TRUNK, SIPSEAL_META_F_EMERGENCY, 0, 60, EVENT_PASS,
	  SR_EMERGENCY_PASSED_LATE, WORLD_GENERATION },
};

static void test_dropped(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(drops); i++) {
		const __typeof__(drops[0]) *d = &drops[i];
		struct sipseal_meta m = world_meta();
		uint8_t frame[XSK_FRAME_SIZE];
		size_t len = frame_of(world_invite, frame);
		const struct capture_call *k;
		struct captures c;
		struct world x;
		bool has_left = d->verdict == EVENT_PASS;

		world_new(&x, NULL);
		captures_new(&c, &x, CAPTURE_ALL);
		m.version = (uint8_t)(m.version + d->version);
		m.generation = (uint16_t)(m.generation + d->generation);
		m.trunk = d->trunk;
		m.flags = (uint8_t)d->flags;
		m.time_ns -= (uint64_t)d->age_ms * 1000000;
		len = d->len ? d->len : len;
		world_in(&x, &m, frame, len);
		world_run(&x);
		k = captures_take(&c);
		if (!k != !d->reason)
			fail_msg("%s: record: %d", d->name, !!k);
		if (k && (k->verdict != d->verdict || k->reason != d->reason || k->trunk != d->trunk ||
			  k->generation != d->told || k->packet_cnt != 1u + has_left))
			fail_msg("%s: another outcome", d->name);
		if (k && !captures_holds(&c, 0, CAPTURE_BEFORE, CAPTURE_L2, 0, frame, len))
			fail_msg("%s: another frame", d->name);
		if (has_left && !left(&c, 1, CAPTURE_AFTER, 1, x.carrier, 0))
			fail_msg("%s: another frame left", d->name);
		/* the next one is a call like others */
		m = world_meta();
		world_send(&x, &m, world_invite);
		world_run(&x);
		k = captures_take(&c);
		if (!k || k->reason != SR_SIGNED || k->packet_cnt != 2)
			fail_msg("%s: disturbs the next one", d->name);
		captures_free(&c);
		world_free(&x);
	}
}

static void observe(struct gateway *g, struct trunk *t)
{
	(void)g;
	t->mode = TRUNK_OBSERVE;
}

/* It leaves as it came; the record says what would have been. */
static void test_observe(void **state)
{
	struct sipseal_meta m = world_meta();
	const struct capture_call *k;
	struct captures c;
	struct world x;

	(void)state;
	world_new(&x, observe);
	captures_new(&c, &x, CAPTURE_ALL);
	world_send(&x, &m, world_invite);
	world_run(&x);
	k = captures_take(&c);
	assert_true(k && k->verdict == EVENT_PASS && k->reason == SR_OBSERVE);
	assert_true(k->decided_verdict == EVENT_SIGN && k->decided_reason == SR_SIGNED);
	assert_true(came(&c, 0, world_invite) && left(&c, 1, CAPTURE_AFTER, 1, x.carrier, 0));
	assert_true(slice_eq(world_payload(x.carrier, 0), slice_str(world_invite)));
	captures_free(&c);
	world_free(&x);
}

static void test_trunk(void **state)
{
	struct sipseal_meta m = world_meta();
	struct captures c;
	struct world x;

	(void)state;
	world_new(&x, NULL);
	captures_new(&c, &x, WORLD_TRUNK + 2); /* the next one's */
	world_send(&x, &m, world_invite);
	world_run(&x);
	assert_null(captures_take(&c));
	c.r->want = WORLD_TRUNK + 1;
	world_send(&x, &m, world_options);
	world_run(&x);
	assert_true(told(captures_take(&c), 0, EVENT_PASS, SR_NOT_INVITE));
	c.r->want = 0;
	world_send(&x, &m, world_options);
	world_run(&x);
	assert_null(captures_take(&c));
	assert_int_equal(captures_lost(&c), 0);
	captures_free(&c);
	world_free(&x);
}

/* The region comes while calls do: those that follow are in it. */
static void test_late(void **state)
{
	struct sipseal_meta m = world_meta();
	struct captures c;
	struct world x;

	(void)state;
	world_new(&x, NULL);
	captures_new(&c, &x, CAPTURE_ALL);
	c.published = NULL;
	world_send(&x, &m, world_invite);
	world_run(&x);
	assert_int_equal(x.carrier->sent_cnt, 1);
	assert_null(x.w->capture.worker);
	captures_publish(&c);
	world_send(&x, &m, world_invite);
	world_run(&x);
	assert_true(told(captures_take(&c), 0, EVENT_PASS, SR_RETRANSMISSION));
	assert_true(came(&c, 0, world_invite) && left(&c, 1, CAPTURE_AFTER, 1, x.carrier, 1));
	assert_null(captures_take(&c));
	captures_free(&c);
	world_free(&x);
}

/* A reader that does not read, and one that asks for too much: the calls leave, the records are counted. */
static void test_full(void **state)
{
	struct sipseal_meta m = world_meta();
	struct captures c;
	struct world x;
	uint64_t head;

	(void)state;
	world_new(&x, NULL);
	captures_new(&c, &x, CAPTURE_ALL);
	world_send(&x, &m, world_invite);
	world_run(&x);
	assert_non_null(captures_take(&c));
	head = c.w->head;
	c.w->tail = head - CAPTURE_RING + 600; /* room for what comes, not for what leaves */
	world_send(&x, &m, world_invite);
	world_run(&x);
	assert_int_equal(captures_lost(&c), 1);
	assert_int_equal(c.w->lost[0], 1);
	c.w->tail = head;
	x.w->capture.due_ns = clock_mono_ns() + 60000000000ull;
	world_send(&x, &m, world_invite);
	world_run(&x);
	assert_int_equal(captures_lost(&c), 2);
	assert_int_equal(c.w->lost_rate, 1);
	assert_int_equal(c.w->head, head);
	x.w->capture.due_ns = 0;
	world_send(&x, &m, world_invite);
	world_run(&x);
	assert_true(told(captures_take(&c), 2, EVENT_PASS, SR_RETRANSMISSION));
	assert_int_equal(x.carrier->sent_cnt, 4);
	for (unsigned i = 1; i < 4; i++)
		assert_true(slice_eq(world_payload(x.carrier, i), world_payload(x.carrier, 0)));
	assert_int_equal(world_reason(&x, SR_SIGNED), 1);
	assert_int_equal(world_reason(&x, SR_RETRANSMISSION), 3);
	captures_free(&c);
	world_free(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_off),
		cmocka_unit_test(test_signed),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_dropped),
		cmocka_unit_test(test_observe),
		cmocka_unit_test(test_trunk),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests_name("capture", tests, NULL, NULL);
}
