/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A location set for one call alone: when it is asked for, what it beats, and what the output says; and the
 * other notes that tell why a call got what it got.
 */
#include "cases.h"

static struct pidf_template special = { .hole_cnt = 1, .holes = { { 14, PIDF_HOLE_ENTITY } } };
static unsigned asked;
static char asked_for[2][64];

static const struct pidf_template *give(void *ctx, struct slice call_id, struct slice calling)
{
	asked++;
	snprintf(asked_for[0], sizeof(asked_for[0]), "%.*s", (int)call_id.len, call_id.p);
	snprintf(asked_for[1], sizeof(asked_for[1]), "%.*s", (int)calling.len, calling.p);
	return ctx;
}

#define OVER      EVENT_NOTE_OVERRIDE
#define LOC       EVENT_NOTE_LOCATION
#define ANY       EVENT_NOTE_ANY_NUMBER
#define EMERGENCY_NOTE EVENT_NOTE_EMERGENCY
#define MINE      "<over entity='+12155550112@example.net'></over>"
#define PAI_199   "P-Asserted-Identity: <sip:+12155550199@x>\r\n"
#define CLAIMED   "a84b4c76e66710@10.0.0.7"

TUNE(t_geo_sos_keep) { UNUSED_G; t_geo_sos(g, t); t->geo_existing = GEO_KEEP; }
TUNE(t_observe_out)  { UNUSED_G; t_out_reject(g, t); t->mode = TRUNK_OBSERVE; }
TUNE(t_rpid_first)   { UNUSED_G; t->orig_from[0] = SOURCE_RPID; t->orig_from[1] = SOURCE_FROM; }

/* has / has_not: of the bytes that leave */
static const struct {
	const char *name;
	tune_fn *tune;
	bool is_set;
	const char *msg;
	enum sipseal_reason reason;
	uint32_t notes;
	unsigned asked;
	const char *calling, *has, *has_not;
} cases[] = {
	{ "none set: the trunk's", t_geo, false, MSG(FROM, ""), SR_SIGNED, LOC | ANY, 1, "12155550112", "<pidf", "<over" },
	{ "set: before the trunk's", t_geo, true, MSG(FROM, ""), SR_SIGNED, LOC | OVER | ANY, 1, "12155550112", MINE,
	  "<pidf" },
	{ "set: the trunk has none", NULL, true, MSG(FROM, ""), SR_SIGNED, LOC | OVER | ANY, 1, "12155550112",
	  "Geolocation-Routing: yes\r\n", NULL },
	{ "none set, the trunk has none", NULL, false, MSG(FROM, ""), SR_SIGNED, ANY, 1, "12155550112",
	  "Content-Length: 90", "Geolocation" },
	{ "set: the trunk's is for emergencies", t_geo_sos, true, MSG(FROM, ""), SR_SIGNED, LOC | OVER | ANY, 1,
	  "12155550112", MINE, NULL },
	{ "set: the caller's goes", t_geo, true, MSG(FROM, "Geolocation: <sip:loc@x>\r\n"), SR_SIGNED, LOC | OVER | ANY, 1,
	  "12155550112", MINE, "<sip:loc@x>" },
	{ "set: the caller's part goes", t_geo, true, MIXED("--b1\r\n" PIDF_PART "\r\n--b1\r\n" SDP_PART "\r\n--b1--"),
	  SR_SIGNED, LOC | OVER | ANY, 1, "12155550112", MINE, "theirs" },
	{ "set: the body is a location", NULL, true, HEAD(URI, FROM, TO) "c: application/pidf+xml\r\n\r\n<theirs/>",
	  SR_SIGNED, LOC | OVER | ANY, 1, "12155550112", MINE, NULL },
	{ "set: an emergency call without one", t_geo_sos, true, EMERGENCY(FROM, ""), SR_SIGNED,
	  LOC | OVER | ANY | EMERGENCY_NOTE, 1, "12155550112", MINE, "<pidf" },
	{ "set: an emergency call keeps its own", t_geo_sos_keep, true, EMERGENCY(FROM, "Geolocation: <sip:loc@x>\r\n"),
	  SR_SIGNED, EVENT_NOTE_LOCATION_PRESENT | OVER | ANY | EMERGENCY_NOTE, 1, "12155550112", "<sip:loc@x>", "<over" },
	{ "set: auth-int", NULL, true, MSG(FROM, "Authorization: Digest qop=auth-int\r\n"), SR_SIGNED,
	  EVENT_NOTE_LOCATION_AUTHINT | OVER | ANY, 1, "12155550112", "Identity: e", "<over" },
	{ "set: encoded body", NULL, true, MSG(FROM, "Content-Encoding: gzip\r\n"), SR_SIGNED,
	  EVENT_NOTE_LOCATION_BODY | OVER | ANY, 1, "12155550112", "Identity: e", "<over" },
	{ "set: not for a refused call", t_out_reject, true, MSG(FROM, ""), SR_NUMBER_REFUSED, EVENT_NOTE_OUTSIDE, 0, "",
	  "SIP/2.0 403", NULL },
	{ "set: not with the regulatory part off", t_reg_off, true, MSG(FROM, ""), SR_SIGNER_REGULATORY_OFF, 0, 0, "",
	  "Content-Length: 90", "<over" },
	{ "set: not for a dialog", NULL, true, MSG_TO(URI, TO ";tag=1"), SR_IN_DIALOG, 0, 0, "", "tag=1", "<over" },
	{ "set: observe takes and tells, bytes stay", t_observe, true, MSG(FROM, ""), SR_OBSERVE,
	  LOC | OVER | ANY | EVENT_NOTE_OBSERVE, 1, "12155550112", "Content-Length: 90", "<over" },
	{ "set: observe, would be refused", t_observe_out, true, MSG(FROM, ""), SR_OBSERVE,
	  EVENT_NOTE_OUTSIDE | EVENT_NOTE_OBSERVE, 0, "", "Content-Length: 90", "<over" },
	{ "set: a call without Identity gets it, too", t_none, true, MSG(FROM, ""), SR_ATTESTATION_NONE, LOC | OVER, 1,
	  "12155550112", MINE, "Identity: e" },
	{ "calling: the PAI first", NULL, true, MSG(FROM, PAI_199), SR_SIGNED, LOC | OVER | ANY, 1, "12155550199",
	  "<over entity='+12155550199@", NULL },
	{ "calling: as orig_from says", t_rpid_first, true, MSG(FROM, "Remote-Party-ID: <sip:2155550177@x>\r\n"), SR_SIGNED,
	  LOC | OVER | ANY, 1, "12155550177", "<over", NULL },
	{ "calling: none", NULL, true, MSG("<sip:alice@x>", ""), SR_NO_ORIG, LOC | OVER, 1, "", "<over entity='loc.", NULL },
	{ "calling: also where it is hidden", NULL, true, MSG(FROM, "Privacy: id\r\n"), SR_SIGNED,
	  LOC | OVER | ANY | EVENT_NOTE_RESTRICTED, 1, "12155550112", "<over entity='anonymous@anonymous.invalid'>", NULL },
	/* the note of an A for any number */
	{ "A, a list of numbers", t_inside, false, MSG(FROM, ""), SR_SIGNED, 0, 1, "12155550112", NULL, NULL },
	{ "B, outside of the list", t_outside, false, MSG(FROM, ""), SR_SIGNED, EVENT_NOTE_OUTSIDE, 1, "12155550112", NULL,
	  NULL },
	{ "C, no list", t_c, false, MSG(FROM, ""), SR_SIGNED, 0, 1, "12155550112", NULL, NULL },
	{ "A, no list, not signed", NULL, false, MSG(FROM, "Date: x\r\n"), SR_BAD_DATE, 0, 1, "12155550112", NULL, NULL },
};

static void test_cases(void **state)
{
	static struct world w;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *id = cases[i].asked ? CLAIMED : "";

		world_new(&w, cases[i].tune);
		asked = 0;
		asked_for[0][0] = asked_for[1][0] = '\0';
		w.env.override = give;
		w.env.override_ctx = cases[i].is_set ? &special : NULL;
		world_run(&w, cases[i].msg, strlen(cases[i].msg));
		if (w.out.reason != cases[i].reason || w.out.notes != cases[i].notes)
			fail_msg("%s: %s, notes %x, want %s, %x", cases[i].name, reason_token(w.out.reason), w.out.notes,
				 reason_token(cases[i].reason), cases[i].notes);
		if (asked != cases[i].asked || strcmp(asked_for[0], id) || strcmp(asked_for[1], cases[i].calling))
			fail_msg("%s: asked %u times for '%s' '%s'", cases[i].name, asked, asked_for[0], asked_for[1]);
		if (cases[i].has && !memmem(w.bytes, w.len, cases[i].has, strlen(cases[i].has)))
			fail_msg("%s: missing: %s in\n%.*s", cases[i].name, cases[i].has, (int)w.len, w.bytes);
		if (cases[i].has_not && memmem(w.bytes, w.len, cases[i].has_not, strlen(cases[i].has_not)))
			fail_msg("%s: should not be there: %s in\n%.*s", cases[i].name, cases[i].has_not, (int)w.len,
				 w.bytes);
		world_free(&w);
	}
}

/* A location that does not fit leaves the call signed and says so. */
static void test_too_large(void **state)
{
	static struct world w;
	static char msg[65507];
	static const char head[] = HEAD(URI, FROM, TO) "Content-Type: text/plain\r\n\r\n";

	(void)state;
	memset(msg, 'x', sizeof(msg));
	memcpy(msg, head, sizeof(head) - 1);
	world_new(&w, NULL);
	w.env.override = give;
	w.env.override_ctx = &special;
	world_run(&w, msg, sizeof(msg) - 700); /* room for an Identity, none for a document */
	assert_int_equal(w.out.reason, SR_SIGNED);
	assert_int_equal(w.out.notes, EVENT_NOTE_LOCATION_SIZE | EVENT_NOTE_SHED_LOCATION | OVER | ANY);
	world_free(&w);
}

/* The key is told where it signed, and only there. */
static void test_key(void **state)
{
	static const struct { tune_fn *tune; const char *msg; uint32_t key; } keys[] = {
		{ NULL, MSG(FROM, ""), 0 }, { t_observe, MSG(FROM, ""), 0 }, { t_none, MSG(FROM, ""), UINT32_MAX },
		{ NULL, MSG(FROM, "Date: x\r\n"), UINT32_MAX }, { t_reg_off, MSG(FROM, ""), UINT32_MAX },
		{ NULL, "INVITE x", UINT32_MAX }, { t_out_reject, MSG(FROM, ""), UINT32_MAX },
	};
	static struct world w;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		world_new(&w, keys[i].tune);
		world_run(&w, keys[i].msg, strlen(keys[i].msg));
		if (w.out.key != keys[i].key)
			fail_msg("%zu: key %u", i, w.out.key);
		world_free(&w);
	}
	world_new(&w, NULL);
	sign_error = -EIO;
	world_run(&w, MSG(FROM, ""), strlen(MSG(FROM, "")));
	assert_int_equal(w.out.reason, SR_SIGN_FAILED);
	assert_int_equal(w.out.key, UINT32_MAX);
	world_free(&w);
}

int main(void)
{
	static const char text[] = "<over entity=''></over>\r\n";
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_key),
	};

	special.len = sizeof(text) - 1;
	memcpy(special.text, text, sizeof(text));
	return cmocka_run_group_tests_name("engine_override", tests, NULL, NULL);
}
