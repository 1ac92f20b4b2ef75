/* SPDX-License-Identifier: BSD-2-Clause */
/* CallEvents of a signer that lies, or has gone mad: what cannot be true is not shown. */
#include "daemon/events_world.h"

#include <stdlib.h>

static const struct {
	const char *name;
	size_t off, len;
	uint64_t value;
} impossible[] = {
#define FIELD(f) offsetof(struct event_record, f), sizeof(((struct event_record *)0)->f)
	{ "orig_len", FIELD(orig_len), 25 },
	{ "dest_len", FIELD(dest_len), 255 },
	{ "origid_len", FIELD(origid_len), 49 },
	{ "call_id_len", FIELD(call_id_len), EVENTS_CALL_ID + 1 },
	{ "year 10000", FIELD(time_ms), 253402300800000 },
	{ "slot beyond the last", FIELD(trunk), SIPSEAL_TRUNKS_MAX },
	{ "slot of nobody", FIELD(trunk), 2 },
	{ "generation to come", FIELD(generation), 9 },
	{ "verdict", FIELD(verdict), EVENT_VERIFY },
	{ "reason of nobody", FIELD(reason), 190 },
	{ "reason of a fragment", FIELD(reason), SR_REASSEMBLED },
	{ "reason out of the list", FIELD(reason), 200 },
	{ "reason of XDP", FIELD(reason), SR_STEERED },
	{ "signed by a reason that is not", FIELD(reason), SR_NO_ORIG },
	{ "passed with reason signed", FIELD(verdict), EVENT_PASS },
	{ "decided verdict", FIELD(decided_verdict), EVENT_VERIFY + 1 },
	{ "decided reason", FIELD(decided_reason), 0 },
	{ "attestation", FIELD(attest), 'D' },
	{ "signed without attestation", FIELD(attest), 0 },
	{ "signed without a number", FIELD(orig_len), 0 },
	{ "inbound, and signed", FIELD(flags), EVENT_INBOUND },
	{ "verified by us, outbound", FIELD(decided_verdict), EVENT_VERIFY },
	{ "outbound with a word of inbound ones", FIELD(stir), EVENT_STIR_VERIFIED },
	{ "outbound with an x5u", FIELD(x5u_len), 3 },
	{ "outbound with an SPC", FIELD(spc), 'x' },
	{ "outbound, x5u cut", FIELD(flags), EVENT_X5U_CUT },
	{ "outbound that waited", FIELD(notes), EVENT_NOTE_WAITED },
	{ "note of nobody", FIELD(notes), 1u << 31 },
	{ "unknown flag", FIELD(flags), 0x80 },
	{ "address of no kind", FIELD(src), 0 },
	{ "response", FIELD(code), 200 },
	{ "response of seven hundred", FIELD(code), 700 },
	{ "override seq", FIELD(override_seq), UINT64_MAX },
};

static const struct {
	const char *name;
	size_t off, len;
	uint64_t value;
} impossible_inbound[] = {
	{ "verdict", FIELD(verdict), EVENT_VERIFY + 1 },
	{ "decided verdict", FIELD(decided_verdict), 200 },
	{ "signed", FIELD(verdict), EVENT_SIGN },
	{ "signed, decided", FIELD(decided_verdict), EVENT_SIGN },
	{ "reason signed", FIELD(decided_reason), SR_SIGNED },
	{ "reason of XDP", FIELD(reason), SR_STEERED },
	{ "word of nobody", FIELD(stir), EVENT_STIR_MISSING + 1 },
	{ "judged without a word", FIELD(stir), EVENT_STIR_NONE },
	{ "good reason, bad word", FIELD(stir), EVENT_STIR_FAILED },
	{ "bad reason, good word", FIELD(reason), SR_ORIG_MISMATCH },
	{ "good and refused", FIELD(decided_verdict), EVENT_REJECT },
	{ "x5u beyond its place", FIELD(x5u_len), EVENTS_X5U + 1 },
	{ "x5u with a blank", FIELD(x5u), ' ' },
	{ "x5u with an escape", FIELD(x5u), 0x1b },
	{ "SPC without end", FIELD(spc), UINT64_MAX },
	{ "SPC with an escape", FIELD(spc), 0x1b },
	{ "key of ours", FIELD(key), 1 },
	{ "override", FIELD(override_seq), 7 },
	{ "note of outbound", FIELD(notes), EVENT_NOTE_LOCATION },
	{ "left out of an inbound one", FIELD(notes), EVENT_NOTE_SHED_PAI },
	{ "note of nobody", FIELD(notes), 1u << 31 },
	{ "unknown flag", FIELD(flags), 0x81 },
	{ "attestation", FIELD(attest), 'a' },
	{ "slot of nobody", FIELD(trunk), 2 },
};

static void test_what_cannot_come_from_a_carrier(void **state)
{
	struct world *w = *state;
	struct event_record r;

	for (size_t i = 0; i < ARRAY_SIZE(impossible_inbound); i++) {
		uint64_t value = impossible_inbound[i].value;
		size_t len = impossible_inbound[i].len;

		r = world_inbound("x");
		if (len == sizeof(r.spc) && value == UINT64_MAX)
			memset(r.spc, 'x', sizeof(r.spc));
		else /* of a text only its first byte */
			memcpy((char *)&r + impossible_inbound[i].off, &value, len > 8 ? 1 : len);
		world_push(w, 0, &r);
		callevents_turn(w->d.events);
		if (world_totals(w).invalid != i + 1)
			fail_msg("%s: taken for true", impossible_inbound[i].name);
	}
	assert_int_equal(world_totals(w).events, 0);
	r = world_inbound("x"); /* the record itself is one */
	world_push(w, 0, &r);
	callevents_turn(w->d.events);
	assert_int_equal(world_totals(w).events, 1);
	r.verdict = r.decided_verdict = EVENT_REJECT; /* a refusal has a code */
	r.reason = r.decided_reason = SR_SIGNATURE_BAD;
	r.stir = EVENT_STIR_FAILED;
	world_push(w, 0, &r);
	r.code = 438;
	world_push(w, 0, &r);
	callevents_turn(w->d.events);
	assert_int_equal(world_totals(w).events, 2);
	assert_int_equal(world_totals(w).invalid, ARRAY_SIZE(impossible_inbound) + 1);
	r.stir = EVENT_STIR_VERIFIED; /* what is good is not refused */
	world_push(w, 0, &r);
	callevents_turn(w->d.events);
	assert_int_equal(world_totals(w).invalid, ARRAY_SIZE(impossible_inbound) + 2);
}

static void test_what_cannot_be_is_not_shown(void **state)
{
	struct world *w = *state;
	struct event_record r;
	char *text;

	for (size_t i = 0; i < ARRAY_SIZE(impossible); i++) {
		uint64_t value = impossible[i].value;

		r = world_record("x");
		memcpy((char *)&r + impossible[i].off, &value,
		       impossible[i].len < 8 ? impossible[i].len : 8);
		if (impossible[i].len == 16 && !value)
			memset((char *)&r + impossible[i].off, 0, 16);
		world_push(w, 0, &r);
		callevents_turn(w->d.events);
		if (world_totals(w).invalid != i + 1)
			fail_msg("%s: taken for true", impossible[i].name);
	}
	r = world_record("x");
	r.override_seq = 5;
	r.override_index = EVENTS_OVERRIDES;
	world_push(w, 0, &r);
	text = callevents_recent(w->d.events, NULL);
	assert_string_equal(text, "");
	assert_int_equal(world_totals(w).events, 0);
	assert_int_equal(world_totals(w).invalid, ARRAY_SIZE(impossible) + 1);
	free(text);
}

static void fill_random(void *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((unsigned char *)p)[i] = (unsigned char)(random() >> 8);
}

static void test_random_records(void **state)
{
	struct world *w = *state;
	size_t pushed = 0, lines = 0;
	uint64_t before;

	srandom(7);
	for (unsigned round = 0; round < 40; round++) {
		char *text;

		before = world_totals(w).events;
		for (unsigned i = 0; i < 500; i++, pushed++) {
			struct event_record r = i % 8 < 4 ? world_record("call") : world_inbound("call");

			if (i % 2) { /* true but for texts and whatever a few bytes are */
				r.call_id_len = (uint8_t)(random() % (EVENTS_CALL_ID + 1));
				fill_random(r.call_id, sizeof(r.call_id));
				fill_random(r.orig, sizeof(r.orig));
				fill_random(r.origid, sizeof(r.origid));
				if (i % 4 == 1)
					fill_random((char *)&r + random() % sizeof(r), 1);
			} else {
				fill_random(&r, sizeof(r));
			}
			assert_true(world_push(w, i % 2, &r));
		}
		callevents_turn(w->d.events);
		text = callevents_recent(w->d.events, NULL);
		lines = check_lines(text);
		assert_true(lines >= world_totals(w).events - before);
		free(text);
	}
	assert_int_equal(lines, CALLEVENTS_RECENT);
	assert_int_equal(world_totals(w).events + world_totals(w).invalid, pushed);
	assert_true(world_totals(w).events > pushed / 3);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_what_cannot_be_is_not_shown),
		TEST(test_what_cannot_come_from_a_carrier),
		TEST(test_random_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
