/* SPDX-License-Identifier: BSD-2-Clause */
/* What is told unasked, or before all else: warnings of `status`, and certificates that end. */
#include "report_world.h"

#include <net/if.h>

#include "daemon/expiry.h"

static void test_warnings(void **state)
{
	struct world *w = *state;
	json_t *list = report_warnings(&w->d);

	assert_true(has_warning(list, "a_for_any_number", "acme"));
	assert_false(has_warning(list, "a_for_any_number", "watch"));
	assert_int_equal(json_array_size(list), 1); /* all else is well */
	json_decref(list);
	xdp[1][SR_OTHER_TRANSPORT] = 2;
	xdp[0][SR_UNMATCHED_INVITE_DROPPED] = 1;
	w->credential->now.info->not_after = 1000;
	w->d.signer.pid = 0;
	w->d.is_ip_forward_off = true;
	w->d.gateway->regulatory_enabled = false;
	counters_bump(&counters_worker(w->signer, 0)->frames_lost, 1);
	list = report_warnings(&w->d);
	for (const char *const *c =
		     (const char *const[]){ "other_transports", "unmatched_invite",
					    "certificate_expired", "signer_not_running",
					    "ip_forward", "regulatory_off", "frames_lost", NULL };
	     *c; c++)
		if (!has_warning(list, *c, NULL))
			fail_msg("no warning %s", *c);
	json_decref(list);
}

static void test_interfaces_that_went(void **state)
{
	struct world *w = *state;
	json_t *list;

	w->d.nics[1].ifindex = 77;
	list = report_warnings(&w->d);
	assert_true(has_warning(list, "interface_gone", NULL));
	json_decref(list);
	strcpy(w->d.nics[1].name, "lo"); /* there again, but with another number */
	list = report_warnings(&w->d);
	assert_true(has_warning(list, "interface_gone", NULL));
	json_decref(list);
	w->d.nics[1].ifindex = if_nametoindex("lo");
	list = report_warnings(&w->d);
	assert_false(has_warning(list, "interface_gone", NULL));
	json_decref(list);
}

/* Calls that are lost or go by unsigned are said, each by the word that the counters have for it.
 */
static void test_ways_around_are_shown(void **state)
{
	struct world *w = *state;
	const unsigned reasons[] = {
		SR_FRAGMENT,	     SR_FRAGMENT_DROPPED, SR_VLAN,
		SR_VLAN_DROPPED,     SR_OPAQUE,		  SR_OPAQUE_DROPPED,
		SR_EMERGENCY_PASSED, SR_SIGNER_DOWN,	  SR_SIGNER_DOWN_DROPPED,
		SR_WRONG_SIDE,	     SR_RATE_LIMITED,	  SR_FAIR_SHARE,
		SR_OPTIONS_WITHHELD, SR_NO_PEER_PORT
	};

	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		json_t *list;

		memset(xdp, 0, sizeof(xdp));
		xdp[1][reasons[i]] = 3;
		list = report_warnings(&w->d);
		if (!has_warning(list, reason_token(reasons[i]), NULL) ||
		    json_array_size(list) != 2)
			fail_msg("no warning %s", reason_token(reasons[i]));
		json_decref(list);
	}
}

static const char *level_of(const json_t *list, const char *code)
{
	const json_t *w;
	size_t i;

	json_array_foreach(list, i, w)
		if (!strcmp(json_string_value(json_object_get(w, "code")), code))
			return json_string_value(json_object_get(w, "level"));
	return "absent";
}

/* A few broken fragments are nothing; many are, and so is one location that was left out. */
static void test_fragments_in_number(void **state)
{
	struct world *w = *state;
	struct counters_worker *b = counters_worker(w->signer, 0);
	json_t *list;

	count(w, 0, SR_FRAGMENT_REFUSED, 50);
	count(w, 0, SR_FRAGMENT_TINY, 49);
	count(w, 0, SR_FRAGMENT_EVICTED, 99);
	count(w, 0, SR_FRAGMENT_DUPLICATE, 1000);
	list = report_warnings(&w->d);
	assert_string_equal(level_of(list, "fragments_refused"), "absent");
	assert_string_equal(level_of(list, "fragments_incomplete"), "absent");
	json_decref(list);
	count(w, 0, SR_FRAGMENT_MALFORMED, 1);
	count(w, 0, SR_FRAGMENT_OVERFLOW, 1);
	counters_bump(&b->shed_location, 1);
	counters_bump(&b->shed_pai, 1);
	counters_bump(&b->shed_compact, 1); /* costs nothing */
	list = report_warnings(&w->d);
	assert_int_equal(json_array_size(list), 1 + 4);
	for (const char *const *c = (const char *const[]){ "fragments_refused", "fragments_incomplete", "location_shed",
							   "pai_shed", NULL }; *c; c++)
		assert_string_equal(level_of(list, *c), "warning");
	json_decref(list);
}

/* Some right checksums look like partial ones. */
static void test_partial_checksums(void **state)
{
	static const struct {
		uint64_t partial, forwarded;
		bool want;
	} cases[] = { { 1, 0, false }, { 7, 0, false }, { 8, 0, true }, { 100, 65536 * 100, false },
		      { 5000, 65536 * 100, true } };
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *list;

		xdp[0][SR_PARTIAL_CHECKSUM] = cases[i].partial;
		xdp[1][SR_FORWARDED] = cases[i].forwarded;
		list = report_warnings(&w->d);
		if (has_warning(list, "partial_checksum", NULL) != cases[i].want)
			fail_msg("%zu: %d", i, !cases[i].want);
		json_decref(list);
	}
}

static void test_signer_state(void **state)
{
	struct world *w = *state;
	uint64_t beat[1] = { clock_mono_ns() };
	json_t *list;

	w->d.gateway->heartbeat_ms = 500;
	w->d.heartbeats = beat;
	assert_string_equal(report_signer_state(&w->d), "running");
	beat[0] += 1000000000; /* a clock that is behind is no reason to worry */
	assert_string_equal(report_signer_state(&w->d), "running");
	beat[0] -= 2000000000;
	assert_string_equal(report_signer_state(&w->d), "stalled");
	list = report_warnings(&w->d);
	assert_string_equal(level_of(list, "signer_not_running"), "critical");
	json_decref(list);
	w->d.signer.pid = 0;
	assert_string_equal(report_signer_state(&w->d), "down");
}

static void test_many_trunks_do_not_drown_the_rest(void **state)
{
	struct world *w = *state;
	json_t *list;

	for (unsigned i = 0; i < 500; i++) {
		char name[16];

		snprintf(name, sizeof(name), "t%u", i);
		trunk_add(&w->d, name);
	}
	list = report_warnings(&w->d);
	assert_in_range(json_array_size(list), 2, 30);
	json_decref(list);
}

static void test_credential_usable(void **state)
{
	struct world *w = *state;
	struct cert_info *info = w->credential->now.info;
	int64_t now = (int64_t)(clock_real_ms() / 1000);
	const struct {
		const char *name;
		bool is_refused, is_broken, want;
		int64_t not_before, not_after;
	} cases[] = {
		{ "good", false, false, true, 0, now + 100 * 86400 },
		{ "refused by the signer", true, false, false, 0, now + 100 * 86400 },
		{ "broken", false, true, false, 0, now + 100 * 86400 },
		{ "expired", false, false, false, 0, now - 1 },
		{ "of tomorrow", false, false, false, now + 86400, now + 100 * 86400 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *o;

		info->not_before = cases[i].not_before;
		info->not_after = cases[i].not_after;
		info->fault_cnt = info->error_cnt = cases[i].is_broken;
		info->faults[0] = (struct cert_fault){ .is_error = true, .code = "curve" };
		w->credential->is_refused = cases[i].is_refused;
		o = report_credential(&w->d, w->credential);
		if (json_is_true(json_object_get(o, "usable")) != cases[i].want)
			fail_msg("%s", cases[i].name);
		assert_int_equal(at(o, "trunks", NULL), 1);
		assert_int_equal(json_array_size(json_object_get(o, "faults")), cases[i].is_broken);
		json_decref(o);
	}
	w->credential->now.info = NULL;
	free(info);
	json_decref(report_credential(&w->d, w->credential));
}

/* The sooner, the louder; the words that people and scripts look for stay the same. */
static void test_expiry(void **state)
{
	struct world *w = *state;
	static const struct {
		const char *name;
		int64_t left_s;
		const char *code, *level, *text;
	} cases[] = {
		{ "months", 31 * 86400, NULL, NULL, NULL },
		{ "a month", 30 * 86400 - 60, "certificate_expires", "notice", "in 29 days" },
		{ "a week", 7 * 86400 - 60, "certificate_expires", "warning", "in 6 days" },
		{ "a day", 86400 - 60, "certificate_expires", "critical",
		  "in 23 hours: renew it NOW" },
		{ "an hour", 3600, "certificate_expires", "critical", "minutes" },
		{ "over", -1, "certificate_expired", "critical", "expired" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *list, *o, *found = NULL;
		size_t k;

		w->credential->now.info->not_after =
			(int64_t)(clock_real_ms() / 1000) + cases[i].left_s;
		list = report_warnings(&w->d);
		json_array_foreach(list, k,
				   o) if (!strncmp(json_string_value(json_object_get(o, "code")),
						   "certificate", 11)) found = o;
		if (!found != !cases[i].code)
			fail_msg("%s", cases[i].name);
		if (found) {
			assert_string_equal(json_string_value(json_object_get(found, "code")),
					    cases[i].code);
			assert_string_equal(json_string_value(json_object_get(found, "level")),
					    cases[i].level);
			assert_non_null(strstr(json_string_value(json_object_get(found, "text")),
					       cases[i].text));
		}
		json_decref(list);
	}
}

/* Each threshold is said once; a new certificate starts over. */
static void test_expiry_is_said_once(void **state)
{
	struct world *w = *state;
	static const struct {
		int64_t left_s;
		enum expiry want;
	} steps[] = {
		{ 40 * 86400, EXPIRY_FAR },	{ 20 * 86400, EXPIRY_30_DAYS },
		{ 15 * 86400, EXPIRY_30_DAYS }, { 5 * 86400, EXPIRY_7_DAYS },
		{ 3600, EXPIRY_1_DAY },		{ -1, EXPIRY_OVER },
		{ 20 * 86400, EXPIRY_OVER },
	};

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		int ms;

		w->credential->now.info->not_after =
			(int64_t)(clock_real_ms() / 1000) + steps[i].left_s;
		w->d.expiry_at_ns = 0;
		ms = expiry_turn(&w->d);
		assert_in_range(ms, 1, 3600 * 1000); /* at least hourly */
		assert_int_equal(w->credential->expiry_said, steps[i].want);
	}
}

static void test_regulatory_off_is_loud(void **state)
{
	struct world *w = *state;
	json_t *o = report_status(&w->d), *r = json_object_get(o, "regulatory");

	assert_true(json_is_true(json_object_get(r, "enabled")));
	assert_null(json_object_get(r, "warning"));
	assert_string_equal(json_string_value(json_object_get(r, "by")), "configuration");
	assert_string_equal(json_string_value(json_object_get(r, "since")), "2023-11-14T22:13:20Z");
	json_decref(o);
	w->d.regulatory = 0;
	o = report_status(&w->d);
	r = json_object_get(o, "regulatory");
	assert_true(json_is_false(json_object_get(r, "enabled")));
	assert_string_equal(json_string_value(json_object_get(r, "by")), "request");
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(r, "warning"), "code")),
		"regulatory_off");
	r = json_array_get(json_object_get(o, "warnings"), 0);
	assert_string_equal(json_string_value(json_object_get(r, "code")),
			    "regulatory_off"); /* first of all */
	assert_string_equal(json_string_value(json_object_get(r, "level")), "critical");
	json_decref(o);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_warnings),
		T(test_interfaces_that_went),
		T(test_ways_around_are_shown),
		T(test_fragments_in_number),
		T(test_partial_checksums),
		T(test_signer_state),
		T(test_many_trunks_do_not_drown_the_rest),
		T(test_credential_usable),
		T(test_expiry),
		T(test_expiry_is_said_once),
		T(test_regulatory_off_is_loud),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
