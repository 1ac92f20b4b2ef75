/* SPDX-License-Identifier: BSD-2-Clause */
/* What metrics, stats and trunks tell of inbound calls; outbound ones: test_report.c. */
#include "report_world.h"

static void bump(struct world *w, unsigned slot, enum counters_direction direction, unsigned reason, uint64_t n)
{
	counters_bump(&counters_worker(w->signer, 0)->trunks[slot].reasons[direction][reason - SR_XDP_MAX], n);
}

/* Slot 0 is acme, slot 1 is watch, which observes. */
static void calls_of_example(struct world *w)
{
	struct counters_worker *b = counters_worker(w->signer, 0);

	bump(w, 0, COUNTERS_OUTBOUND, SR_SIGNED, 5);
	bump(w, 0, COUNTERS_OUTBOUND, SR_IN_DIALOG, 50);
	bump(w, 0, COUNTERS_INBOUND, SR_VERIFIED, 9);
	bump(w, 0, COUNTERS_INBOUND, SR_SIGNATURE_BAD, 3);
	bump(w, 0, COUNTERS_INBOUND, SR_FORGED_MARK, 1);
	bump(w, 0, COUNTERS_INBOUND, SR_IDENTITY_MISSING, 2);
	bump(w, 0, COUNTERS_INBOUND, SR_PPT_UNSUPPORTED, 4);
	bump(w, 0, COUNTERS_INBOUND, SR_IN_DIALOG, 6);
	bump(w, 0, COUNTERS_INBOUND, SR_NO_FRAME, 8);
	bump(w, 1, COUNTERS_INBOUND, SR_OBSERVE, 7);
	bump(w, 1, COUNTERS_INBOUND, SR_PASSPORT_STALE, 7);
	counters_bump(&b->verdict_hits, 12);
	counters_bump(&b->verdict_misses, 13);
	counters_bump(&b->parked, 1);
	counters_bump(&b->parked_ever, 14);
	counters_bump(&b->park_full, 15);
	counters_bump(&b->wait_us[14], 2); /* below 131 ms */
	counters_bump(&b->wait_ns_sum, 250000000);
	bump(w, 0, COUNTERS_INBOUND, SR_REASSEMBLED, 16);
	counters_bump(&b->reasons[SR_REASSEMBLED - SR_XDP_MAX], 16);
	counters_bump(&b->reasons[SR_FRAGMENT_EXPIRED - SR_XDP_MAX], 17);
	counters_bump(&b->fragments_held, 18);
	counters_bump(&b->fragment_bytes, 19);
	counters_bump(&b->fragment_limit, 20);
	counters_bump(&b->datagrams_whole, 21);
	counters_bump(&b->mailed, 22);
	counters_bump(&b->shed_compact, 23);
	counters_bump(&b->shed_location, 24);
	counters_bump(&b->shed_pai, 25);
	b->trunks[0].skew_cnt = 3;
	b->trunks[0].skew_ms = -1500;
}

static void expect(const char *text, const char *const *lines)
{
	for (; *lines; lines++)
		if (!strstr(text, *lines))
			fail_msg("no line %sin %s", *lines + 1, text);
}

#define IN(family, trunk, status, reason, n)                                                       \
	"\nsipseal_" family "_total{trunk=\"" trunk "\",direction=\"inbound\",status=\"" status          \
	"\",reason=\"" reason "\"} " n "\n"

static void test_inbound(void **state)
{
	struct world *w = *state;
	char *text;

	calls_of_example(w);
	text = report_metrics(&w->d);
	assert_non_null(text);
	expect(text, (const char *const[]){
			     IN("invites", "acme", "STIR_VERIFIED", "verified", "9"),
			     IN("invites", "acme", "STIR_FAILED", "signature_bad", "3"),
			     IN("invites", "acme", "STIR_FAILED", "forged_mark", "1"),
			     IN("invites", "acme", "STIR_MISSING", "identity_missing", "2"),
			     IN("invites", "acme", "STIR_MISSING", "ppt_unsupported", "4"),
			     IN("invites", "acme", "UNVERIFIED", "in_dialog", "6"),
			     IN("invites", "acme", "DROPPED", "no_frame", "8"),
			     IN("invites", "watch", "UNVERIFIED", "observe", "7"),
			     IN("observed_invites", "watch", "STIR_FAILED", "passport_stale", "7"),
			     "\nsipseal_invites_total{trunk=\"acme\",direction=\"outbound\",status=\"UNSIGNED\","
			     "reason=\"in_dialog\"} 50\n",
			     "\nsipseal_verdict_lookups_total{result=\"hit\"} 12\n",
			     "\nsipseal_verdict_lookups_total{result=\"miss\"} 13\n", "\nsipseal_parked 1\n",
			     "\nsipseal_parked_total 14\n", "\nsipseal_park_full_total 15\n",
			     "\n# TYPE sipseal_wait_seconds histogram\n",
			     "\nsipseal_wait_seconds_bucket{le=\"0.065536\"} 0\n",
			     "\nsipseal_wait_seconds_bucket{le=\"0.131072\"} 2\n",
			     "\nsipseal_wait_seconds_sum 0.250000000\n", "\nsipseal_wait_seconds_count 2\n",
			     "\nsipseal_fragments_total{reason=\"reassembled\"} 16\n",
			     "\nsipseal_fragments_total{reason=\"fragment_expired\"} 17\n",
			     "\nsipseal_fragments_total{reason=\"fragment_not_udp\"} 0\n",
			     "\nsipseal_fragments_held 18\n", "\nsipseal_fragment_bytes 19\n",
			     "\nsipseal_fragment_limit_bytes 20\n", "\nsipseal_datagrams_reassembled_total 21\n",
			     "\nsipseal_fragments_mailed_total 22\n", "\nsipseal_shed_total{step=\"compact\"} 23\n",
			     "\nsipseal_shed_total{step=\"location\"} 24\n", "\nsipseal_shed_total{step=\"pai\"} 25\n",
			     "\nsipseal_iat_skew_seconds{trunk=\"acme\"} -1.500\n", NULL });
	assert_null(strstr(text, IN("invites", "watch", "STIR_FAILED", "passport_stale", "7")));
	assert_null(strstr(text, "\",reason=\"reassembled\"")); /* of INVITEs */
	assert_null(strstr(text, "sipseal_iat_skew_seconds{trunk=\"watch\"}"));
	assert_null(strstr(text, "sipseal_fetcher_up")); /* no trust anchors, no fetcher */
	free(text);
}

static void test_trunks(void **state)
{
	struct world *w = *state;
	json_t *o, *inbound;

	calls_of_example(w);
	live_trunk_find(w->d.live, "acme")->trunk->verification.is_enabled = true;
	o = report_trunks(&w->d);
	inbound = json_object_get(json_object_get(json_array_get(json_object_get(o, "trunks"), 0), "calls"), "inbound");
	assert_int_equal(at(inbound, "verified", NULL), 9);
	assert_int_equal(at(inbound, "failed", NULL), 4);
	assert_int_equal(at(inbound, "missing", NULL), 6);
	assert_int_equal(at(inbound, "unverified", NULL), 6);
	assert_int_equal(at(inbound, "dropped", NULL), 8);
	assert_int_equal(at(inbound, "observed", NULL), 0);
	assert_true(json_is_true(json_object_get(json_array_get(json_object_get(o, "trunks"), 0), "verification")));
	inbound = json_object_get(json_object_get(json_array_get(json_object_get(o, "trunks"), 1), "calls"), "inbound");
	assert_int_equal(at(inbound, "failed", NULL), 7);
	assert_int_equal(at(inbound, "observed", NULL), 7);
	assert_true(json_is_false(json_object_get(json_array_get(json_object_get(o, "trunks"), 1), "verification")));
	json_decref(o);
	o = report_trunk(&w->d, live_find(w->d.live, "acme"));
	assert_int_equal(at(json_object_get(o, "state"), "reasons", "in_dialog"), 50);
	assert_int_equal(at(json_object_get(o, "state"), "reasons_inbound", "in_dialog"), 6);
	assert_null(json_object_get(json_object_get(json_object_get(o, "state"), "reasons"), "verified"));
	json_decref(o);
}

static void test_stats(void **state)
{
	struct world *w = *state;
	json_t *o;

	calls_of_example(w);
	o = report_stats(&w->d);
	assert_int_equal(at(o, "signer", "verdict_misses"), 13);
	assert_int_equal(at(o, "signer", "parked_ever"), 14);
	assert_int_equal(at(o, "signer", "fragments_held"), 18);
	assert_int_equal(at(o, "signer", "fragment_bytes"), 19);
	assert_int_equal(at(o, "signer", "fragment_limit_bytes"), 20);
	assert_int_equal(at(o, "signer", "datagrams_whole"), 21);
	assert_int_equal(at(o, "signer", "mailed"), 22);
	assert_int_equal(at(o, "signer", "shed_compact"), 23);
	assert_int_equal(at(o, "signer", "shed_location"), 24);
	assert_int_equal(at(o, "signer", "shed_pai"), 25);
	assert_int_equal(at(json_object_get(o, "invites"), "inbound", "verified"), 9);
	assert_int_equal(at(json_object_get(o, "invites"), "inbound", "in_dialog"), 6);
	assert_int_equal(at(json_object_get(o, "invites"), "outbound", "in_dialog"), 50);
	assert_int_equal(at(json_object_get(o, "invites"), "outbound", "verified"), 0);
	json_decref(o);
}

/* Each reason of the list has one word per direction, and those that only inbound calls have are no outbound ones. */
static void test_every_reason_has_a_group(void **state)
{
	(void)state;
	for (unsigned i = SR_XDP_MAX; i < SR_MAX; i++) {
		if (reason_token(i)[0] == '?')
			continue;
		if (i == SR_UNMATCHED_LATE) /* outbound alone */
			continue;
		if (reason_is_fragment(i) != (call_status_inbound(i) == CALL_NONE) ||
		    reason_is_fragment(i) != (call_status_of(i, NULL) == CALL_NONE))
			fail_msg("%s: is it a call?", reason_token(i));
		assert_in_range(call_status_inbound(i), CALL_DROPPED, CALL_NONE);
		if (call_status_of(i, NULL) > CALL_DROPPED && i < SR_VERIFIED)
			fail_msg("%s: outbound it is %s", reason_token(i), call_status_name(call_status_of(i, NULL)));
		if (i >= SR_VERIFIED && call_status_of(i, NULL) != call_status_inbound(i))
			fail_msg("%s: two words", reason_token(i));
	}
	assert_string_equal(call_status_name(CALL_VERIFIED), "STIR_VERIFIED");
	assert_string_equal(call_status_name(CALL_FAILED), "STIR_FAILED");
	assert_string_equal(call_status_name(CALL_MISSING), "STIR_MISSING");
	assert_string_equal(call_status_name(CALL_UNVERIFIED), "UNVERIFIED");
	assert_string_equal(call_status_name(CALL_DROPPED), "DROPPED");
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_inbound),
		TEST(test_trunks),
		TEST(test_stats),
		cmocka_unit_test(test_every_reason_has_a_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
