/* SPDX-License-Identifier: BSD-2-Clause */
/* CallEvents from the signer's region to JSON.  What is not believed: test_callevents_refused.c; the rings:
 * test_callevents_ring.c; readers: test_callevents_follow.c, test_callevents_file.c. */
#include "daemon/events_world.h"

#include <stdlib.h>

#include "base/clock.h"
#include "daemon/callevents_internal.h"

/* The text of a JSON value; strings without quotes. */
static char *value_text(const json_t *j)
{
	return json_is_string(j) ? strdup(json_string_value(j))
				 : json_dumps(j, JSON_ENCODE_ANY | JSON_COMPACT);
}

static void check_value(const char *name, const json_t *event, const char *path, const char *want)
{
	char key[32];
	const json_t *v = event;
	char *got;

	while (*path && v) {
		size_t n = strcspn(path, ".");

		snprintf(key, sizeof(key), "%.*s", (int)n, path);
		v = json_object_get(v, key);
		path += n + (path[n] == '.');
	}
	got = v ? value_text(v) : NULL;
	if (!want != !got || (want && strcmp(want, got)))
		fail_msg("%s: %s is %s, want %s", name, key, got ? got : "absent",
			 want ? want : "absent");
	free(got);
}

struct fields {
	const char *path, *want; /* NULL: absent */
};

static void as_signed(struct event_record *r)
{
	(void)r;
}

static void as_v6(struct event_record *r)
{
	r->flags = EVENT_V6;
	memset(r->src, 0, 16), memset(r->dst, 0, 16);
	r->src[0] = 0x20, r->src[1] = 1, r->src[15] = 9;
	r->dst[0] = 0xfd, r->dst[15] = 1;
}

static void as_refused(struct event_record *r)
{
	r->verdict = r->decided_verdict = EVENT_REJECT;
	r->reason = r->decided_reason = SR_NUMBER_REFUSED;
	r->notes = EVENT_NOTE_OUTSIDE;
	r->attest = 0;
	r->code = 403;
	r->key = UINT32_MAX;
	r->origid_len = 0;
}

static void as_observed(struct event_record *r)
{
	r->verdict = EVENT_PASS;
	r->reason = SR_OBSERVE;
	r->notes = EVENT_NOTE_OBSERVE | EVENT_NOTE_LOCATION | EVENT_NOTE_ANY_NUMBER;
}

static void as_observed_refusal(struct event_record *r)
{
	as_refused(r);
	r->verdict = EVENT_PASS;
	r->reason = SR_OBSERVE;
	r->notes |= EVENT_NOTE_OBSERVE;
}

static void as_emergency(struct event_record *r)
{
	r->notes = EVENT_NOTE_EMERGENCY | EVENT_NOTE_LOCATION | EVENT_NOTE_OVERRIDE |
		   EVENT_NOTE_RESTRICTED;
	r->override_seq = 1767225600001;
	r->override_index = EVENTS_OVERRIDES - 1;
}

static void as_unplaced(struct event_record *r)
{
	r->verdict = r->decided_verdict = EVENT_DROP;
	r->reason = r->decided_reason = SR_UNKNOWN_TRUNK;
	r->trunk = 77;
	r->attest = 0;
	r->key = UINT32_MAX;
	r->orig_len = r->dest_len = r->origid_len = r->call_id_len = 0;
}

static void as_emergency_of_nobody(struct event_record *r)
{
	as_unplaced(r);
	r->verdict = r->decided_verdict = EVENT_PASS;
	r->reason = r->decided_reason = SR_EMERGENCY_PASSED_LATE;
}

static void as_observed_but_lost(struct event_record *r)
{
	as_observed(r);
	r->verdict = EVENT_DROP;
	r->reason = SR_NO_FRAME;
}

static void as_hostile(struct event_record *r)
{
	static const char id[] = "a\"\\\x1b[2J\n\r\t\0\x7f\xc3\xa9\xff</script>";

	r->call_id_len = sizeof(id) - 1;
	memcpy(r->call_id, id, sizeof(id) - 1);
	r->flags = EVENT_CALL_ID_CUT;
	memcpy(r->orig, "\"\x01", r->orig_len = 2);
	memcpy(r->origid, "\\x41", r->origid_len = 4);
}

static void as_outside(struct event_record *r)
{
	r->attest = 'B';
	r->notes = EVENT_NOTE_OUTSIDE | EVENT_NOTE_LOCATION_AUTHINT;
}

static void as_shed(struct event_record *r)
{
	r->notes = EVENT_NOTE_LOCATION_SIZE | EVENT_NOTE_SHED_LOCATION | EVENT_NOTE_SHED_PAI;
}

static void as_shed_observed(struct event_record *r)
{
	as_observed(r);
	r->notes |= EVENT_NOTE_SHED_COMPACT;
}

static void as_verified(struct event_record *r)
{
	*r = world_inbound("id@pbx");
	r->notes = EVENT_NOTE_WAITED | EVENT_NOTE_DIVERTED | EVENT_NOTE_PAI_REMOVED;
}

static void as_missing(struct event_record *r)
{
	*r = world_inbound("id@pbx");
	r->reason = r->decided_reason = SR_IDENTITY_MISSING;
	r->stir = EVENT_STIR_MISSING;
	r->attest = 0;
	r->x5u_len = r->origid_len = 0;
	r->spc[0] = '\0';
	r->notes = EVENT_NOTE_CALLBACK;
}

static void as_failed_and_refused(struct event_record *r)
{
	*r = world_inbound("id@pbx");
	r->verdict = r->decided_verdict = EVENT_REJECT;
	r->reason = r->decided_reason = SR_SIGNATURE_BAD;
	r->stir = EVENT_STIR_FAILED;
	r->code = 438;
	r->flags |= EVENT_X5U_CUT;
	r->x5u_len = EVENTS_X5U;
	memset(r->x5u, 'x', EVENTS_X5U);
}

static void as_forged(struct event_record *r)
{
	*r = world_inbound("id@pbx");
	r->verdict = r->decided_verdict = EVENT_DROP;
	r->reason = r->decided_reason = SR_FORGED_MARK;
	r->stir = EVENT_STIR_FAILED;
	r->attest = 0;
	r->x5u_len = r->origid_len = 0;
	r->spc[0] = '\0';
}

/* One that the engine has not judged: its reason has the word. */
static void as_inbound_unread(struct event_record *r)
{
	as_forged(r);
	r->verdict = r->decided_verdict = EVENT_PASS;
	r->reason = r->decided_reason = SR_HEADER_SYNTAX;
	r->stir = EVENT_STIR_NONE;
}

static void as_inbound_observed(struct event_record *r)
{
	as_failed_and_refused(r);
	r->verdict = EVENT_PASS;
	r->reason = SR_OBSERVE;
	r->notes = EVENT_NOTE_OBSERVE;
}

static void as_inbound_lost(struct event_record *r)
{
	*r = world_inbound("id@pbx");
	r->verdict = EVENT_DROP;
	r->reason = SR_NO_FRAME;
}

static const struct {
	const char *name;
	void (*make)(struct event_record *r);
	struct fields f[20];
} shown[] = {
	{ "signed",
	  as_signed,
	  { { "time", "2026-01-01T00:00:00.123Z" },
	    { "direction", "outbound" },
	    { "trunk", "acme" },
	    { "call_id", "id@pbx" },
	    { "status", "SIGNED" },
	    { "reason", "signed" },
	    { "attest", "A" },
	    { "orig", "12155550112" },
	    { "dest", "12125550100" },
	    { "origid", "o-id" },
	    { "x5u", "https://cert.example/1.pem" },
	    { "source", "10.0.0.5:5060" },
	    { "destination", "203.0.113.10:5061" },
	    { "latency_us", "93" },
	    { "generation", "7" },
	    { "attest_why", "number_inside" } } },
	{ "signed: nothing that says nothing",
	  as_signed,
	  { { "observed", NULL },
	    { "override", NULL },
	    { "emergency", NULL },
	    { "restricted", NULL },
	    { "call_id_cut", NULL },
	    { "response", NULL },
	    { "shed", NULL },
	    { "location", NULL } } },
	{ "IPv6", as_v6, { { "source", "[2001::9]:5060" }, { "destination", "[fd00::1]:5061" } } },
	{ "refused",
	  as_refused,
	  { { "status", "REJECTED" },
	    { "reason", "number_refused" },
	    { "attest", "null" },
	    { "x5u", "null" },
	    { "origid", "null" },
	    { "response", "403" },
	    { "attest_why", "number_outside" } } },
	{ "observed",
	  as_observed,
	  { { "status", "UNSIGNED" },
	    { "reason", "observe" },
	    { "attest", "null" },
	    { "x5u", "null" },
	    { "origid", "null" },
	    { "location", NULL },
	    { "attest_why", NULL },
	    { "observed.status", "SIGNED" },
	    { "observed.reason", "signed" },
	    { "observed.attest", "A" },
	    { "observed.attest_why", "any_number" },
	    { "observed.location", "attached" },
	    { "observed.x5u", "https://cert.example/1.pem" },
	    { "observed.origid", "o-id" },
	    { "observed.response", NULL } } },
	{ "refusal observed",
	  as_observed_refusal,
	  { { "status", "UNSIGNED" },
	    { "response", NULL },
	    { "observed.status", "REJECTED" },
	    { "observed.reason", "number_refused" },
	    { "observed.response", "403" },
	    { "observed.attest", "null" } } },
	{ "emergency call with an override",
	  as_emergency,
	  { { "emergency", "true" },
	    { "restricted", "true" },
	    { "override", "1767225600001" },
	    { "location", "attached" } } },
	{ "dropped, of no trunk",
	  as_unplaced,
	  { { "status", "REJECTED" },
	    { "reason", "unknown_trunk" },
	    { "trunk", "null" },
	    { "call_id", "null" },
	    { "orig", "null" },
	    { "dest", "null" },
	    { "response", NULL } } },
	{ "emergency call of no trunk",
	  as_emergency_of_nobody,
	  { { "status", "UNSIGNED" }, { "reason", "emergency_passed" }, { "trunk", "null" } } },
	{ "observed, and lost on its way",
	  as_observed_but_lost,
	  { { "status", "REJECTED" },
	    { "reason", "no_frame" },
	    { "location", NULL },
	    { "observed.status", "SIGNED" },
	    { "observed.location", "attached" } } },
	{ "hostile bytes",
	  as_hostile,
	  { { "call_id", "a\"\\\\\\x1b[2J\\x0a\\x0d\\x09\\x00\\x7f\\xc3\\xa9\\xff</script>" },
	    { "call_id_cut", "true" },
	    { "orig", "\"\\x01" },
	    { "origid", "\\\\x41" } } },
	{ "number outside",
	  as_outside,
	  { { "attest", "B" },
	    { "attest_why", "number_outside" },
	    { "location", "body_auth_int" } } },
	{ "left out to fit",
	  as_shed,
	  { { "location", "too_large" }, { "shed", "[\"location\",\"pai\"]" } } },
	{ "left out to fit, observed",
	  as_shed_observed,
	  { { "shed", NULL }, { "observed.shed", "[\"compact\"]" }, { "observed.location", "attached" } } },
	{ "inbound: verified",
	  as_verified,
	  { { "direction", "inbound" },
	    { "trunk", "acme" },
	    { "status", "STIR_VERIFIED" },
	    { "reason", "verified" },
	    { "attest", "A" },
	    { "orig", "12155550112" },
	    { "dest", "12125550100" },
	    { "origid", "o-id" },
	    { "x5u", "https://their.example/c.pem" },
	    { "spc", "709J" },
	    { "source", "10.0.0.5:5060" },
	    { "waited", "true" },
	    { "diverted", "true" },
	    { "pai_removed", "true" },
	    { "attest_why", NULL },
	    { "callback", NULL },
	    { "response", NULL },
	    { "x5u_cut", NULL },
	    { "observed", NULL } } },
	{ "inbound: missing",
	  as_missing,
	  { { "status", "STIR_MISSING" },
	    { "reason", "identity_missing" },
	    { "attest", "null" },
	    { "origid", "null" },
	    { "x5u", "null" },
	    { "spc", "null" },
	    { "callback", "true" },
	    { "waited", NULL } } },
	{ "inbound: failed and refused",
	  as_failed_and_refused,
	  { { "status", "STIR_FAILED" },
	    { "reason", "signature_bad" },
	    { "response", "438" },
	    { "attest", "A" },
	    { "spc", "709J" },
	    { "x5u_cut", "true" } } },
	{ "inbound: forged mark",
	  as_forged,
	  { { "status", "STIR_FAILED" }, { "reason", "forged_mark" }, { "response", NULL } } },
	{ "inbound: not understood",
	  as_inbound_unread,
	  { { "status", "STIR_FAILED" }, { "reason", "header_syntax" } } },
	{ "inbound: observed",
	  as_inbound_observed,
	  { { "status", "STIR_FAILED" },
	    { "reason", "observe" },
	    { "response", NULL },
	    { "attest", "A" },
	    { "spc", "709J" },
	    { "observed.status", "STIR_FAILED" },
	    { "observed.reason", "signature_bad" },
	    { "observed.response", "438" },
	    { "observed.attest", "A" },
	    { "observed.attest_why", NULL } } },
	{ "inbound: lost on its way",
	  as_inbound_lost,
	  { { "status", "STIR_VERIFIED" }, { "reason", "no_frame" }, { "attest", "A" } } },
	{ "outbound: no key of inbound ones", as_signed, { { "spc", NULL }, { "waited", NULL } } },
};

static json_t *last_event(char *text)
{
	char *newline;

	assert_true(*text);
	text[strlen(text) - 1] = '\0';
	newline = strrchr(text, '\n');
	return json_loads(newline ? newline + 1 : text, JSON_REJECT_DUPLICATES, NULL);
}

static void test_what_an_event_shows(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
		struct event_record r = world_record("id@pbx");
		char *text;
		json_t *j, *direct;

		world_renew(w);
		shown[i].make(&r);
		assert_true(world_push(w, i % 2, &r));
		text = callevents_recent(w->d.events, NULL);
		if (world_totals(w).events != i + 1)
			fail_msg("%s: not taken", shown[i].name);
		j = last_event(text);
		assert_non_null(j);
		for (const struct fields *f = shown[i].f; f < shown[i].f + 20 && f->path; f++)
			check_value(shown[i].name, j, f->path, f->want);
		direct = callevents_json(&w->d, &r);
		assert_true(json_equal(j, direct));
		json_decref(direct);
		json_decref(j);
		free(text);
	}
	assert_int_equal(world_totals(w).invalid, 0);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_what_an_event_shows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
