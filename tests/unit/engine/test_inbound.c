/* SPDX-License-Identifier: BSD-2-Clause */
/* Inbound: what is found of a call, and what is answered, in tag and in reject mode. */
#include "inbound_world.h"

#define MANY8 IDENTITY("good") IDENTITY("good") IDENTITY("good") IDENTITY("good") IDENTITY("good") IDENTITY("good") \
	IDENTITY("good") IDENTITY("good")
#define DATE(text) "Date: " text "\r\n"

/* Every row of the result table: one call, tagged and refused. */
struct result {
	const char *name, *msg;
	enum event_stir stir;
	enum sipseal_reason reason;
	unsigned code;          /* of the refusal; 0: passes in both modes */
	const char *result;     /* of X-STIR-Result */
	const char *phrase;
};

#define PROVEN(token, code) "STIR_FAILED;reason=" token ";code=" code "\r\n"

static const struct result results[] = {
	{ "good", MSG(IDENTITY("good")), EVENT_STIR_VERIFIED, SR_VERIFIED, 0,
	  "STIR_VERIFIED;attest=A;origid=" UUID "\r\n" },
	{ "good, B", MSG(IDENTITY("b")), EVENT_STIR_VERIFIED, SR_VERIFIED, 0,
	  "STIR_VERIFIED;attest=B;origid=" UUID "\r\n" },
	{ "good, no attest", MSG(IDENTITY("baseline")), EVENT_STIR_VERIFIED, SR_VERIFIED, 0, "STIR_VERIFIED\r\n" },
	{ "good beside bad", MSG(IDENTITY("wrong-key") IDENTITY("good")), EVENT_STIR_VERIFIED, SR_VERIFIED, 0,
	  "STIR_VERIFIED;attest=A" },
	{ "good beside unknown", MSG(IDENTITY("unknown") IDENTITY("good")), EVENT_STIR_VERIFIED, SR_VERIFIED, 0,
	  "STIR_VERIFIED;attest=A" },
	{ "Date", MSG(DATE("Thu, 01 Jan 2026 00:00:00 GMT") IDENTITY("good")), EVENT_STIR_VERIFIED, SR_VERIFIED, 0,
	  "STIR_VERIFIED;attest=A" },
	{ "eight rows", MSG(MANY8), EVENT_STIR_VERIFIED, SR_VERIFIED, 0, "STIR_VERIFIED;attest=A" },
	{ "folded, compact", MSG("y:\r\n\t{good}\r\n ;x=1\r\n"), EVENT_STIR_VERIFIED, SR_VERIFIED, 0,
	  "STIR_VERIFIED;attest=A" },

	{ "no row", MSG(""), EVENT_STIR_MISSING, SR_IDENTITY_MISSING, 428, "STIR_MISSING\r\n", "Use Identity Header" },
	{ "unsupported", MSG(IDENTITY("rph")), EVENT_STIR_MISSING, SR_PPT_UNSUPPORTED, 428, "STIR_MISSING\r\n",
	  "Use Supported PASSporT Format" },

	{ "x5u http", MSG(IDENTITY("http")), EVENT_STIR_FAILED, SR_X5U_REFUSED, 436, PROVEN("x5u_refused", "436"),
	  "Bad Identity Info" },
	{ "x5u refused", MSG(IDENTITY("refused")), EVENT_STIR_FAILED, SR_X5U_REFUSED, 436,
	  PROVEN("x5u_refused", "436"), "Bad Identity Info" },
	{ "fetch failed", MSG(IDENTITY("fetch")), EVENT_STIR_FAILED, SR_FETCH_FAILED, 436,
	  PROVEN("fetch_failed", "436"), "Bad Identity Info" },

	{ "bad certificate", MSG(IDENTITY("bad")), EVENT_STIR_FAILED, SR_CERTIFICATE_BAD, 437,
	  PROVEN("certificate_bad", "437"), "Unsupported Credential" },
	{ "untrusted", MSG(IDENTITY("untrusted")), EVENT_STIR_FAILED, SR_CERTIFICATE_UNTRUSTED, 437,
	  PROVEN("certificate_untrusted", "437"), "Unsupported Credential" },
	{ "expired", MSG(IDENTITY("expired")), EVENT_STIR_FAILED, SR_CERTIFICATE_EXPIRED, 437,
	  PROVEN("certificate_expired", "437"), "Unsupported Credential" },
	{ "expired since it came", MSG(IDENTITY("expired-now")), EVENT_STIR_FAILED, SR_CERTIFICATE_EXPIRED, 437,
	  PROVEN("certificate_expired", "437"), "Unsupported Credential" },
	{ "revoked", MSG(IDENTITY("revoked")), EVENT_STIR_FAILED, SR_CERTIFICATE_REVOKED, 437,
	  PROVEN("certificate_revoked", "437"), "Unsupported Credential" },
	{ "another number's certificate", MSG(IDENTITY("range")), EVENT_STIR_FAILED, SR_NUMBER_UNAUTHORIZED, 437,
	  PROVEN("number_unauthorized", "437"), "Unsupported Credential" },
	{ "no number's certificate", MSG(IDENTITY("unauthorized")), EVENT_STIR_FAILED, SR_NUMBER_UNAUTHORIZED, 437,
	  PROVEN("number_unauthorized", "437"), "Unsupported Credential" },
	{ "alg", MSG(IDENTITY("rs256")), EVENT_STIR_FAILED, SR_ALG_UNSUPPORTED, 437, PROVEN("alg_unsupported", "437"),
	  "Unsupported Credential" },

	{ "signature", MSG(IDENTITY("wrong-key")), EVENT_STIR_FAILED, SR_SIGNATURE_BAD, 438,
	  PROVEN("signature_bad", "438"), "Invalid Identity Header" },
	{ "orig", MSG(IDENTITY("other-number")), EVENT_STIR_FAILED, SR_ORIG_MISMATCH, 438,
	  PROVEN("orig_mismatch", "438"), "Invalid Identity Header" },
	{ "dest, of To alone", CALL(URI, FROM, "<sip:+12155550198@a>", IDENTITY("good")), EVENT_STIR_FAILED,
	  SR_DEST_MISMATCH, 438, PROVEN("dest_mismatch", "438"), "Invalid Identity Header" },
	{ "dest", CALL("sip:+12155550198@a", FROM, "<sip:+12155550198@a>", IDENTITY("good")), EVENT_STIR_FAILED,
	  SR_DEST_MISMATCH, 438, PROVEN("dest_mismatch", "438"), "Invalid Identity Header" },
	{ "claims", MSG(IDENTITY("passport")), EVENT_STIR_FAILED, SR_PASSPORT_SYNTAX, 438,
	  PROVEN("passport_syntax", "438"), "Invalid Identity Header" },
	{ "no Identity that one could read", MSG(IDENTITY("nonsense")), EVENT_STIR_FAILED, SR_IDENTITY_SYNTAX, 438,
	  PROVEN("identity_syntax", "438"), "Invalid Identity Header" },
	{ "empty Identity", MSG("Identity:\r\n"), EVENT_STIR_FAILED, SR_IDENTITY_SYNTAX, 438,
	  PROVEN("identity_syntax", "438"), "Invalid Identity Header" },
	{ "nine rows", MSG(MANY8 IDENTITY("good")), EVENT_STIR_FAILED, SR_IDENTITY_SYNTAX, 438,
	  PROVEN("identity_syntax", "438"), "Invalid Identity Header" },
	{ "five rows of two values", MSG(
	  "y: {good},{good}\r\ny: {good},{good}\r\ny: {good},{good}\r\ny: {good},{good}\r\ny: {good},{good}\r\n"),
	  EVENT_STIR_FAILED, SR_IDENTITY_SYNTAX, 438, PROVEN("identity_syntax", "438"), "Invalid Identity Header" },

	{ "iat", MSG(IDENTITY("stale")), EVENT_STIR_FAILED, SR_PASSPORT_STALE, 403, PROVEN("passport_stale", "403"),
	  "Stale Date" },
	{ "stale Date", MSG(DATE("Wed, 31 Dec 2025 23:58:59 GMT") IDENTITY("good")), EVENT_STIR_FAILED,
	  SR_PASSPORT_STALE, 403, PROVEN("passport_stale", "403"), "Stale Date" },
	{ "future Date", MSG(DATE("Thu, 01 Jan 2026 00:00:11 GMT") IDENTITY("good")), EVENT_STIR_FAILED,
	  SR_PASSPORT_STALE, 403, PROVEN("passport_stale", "403"), "Stale Date" },
	{ "no Date that one could read", MSG(DATE("yesterday") IDENTITY("good")), EVENT_STIR_FAILED,
	  SR_PASSPORT_STALE, 403, PROVEN("passport_stale", "403"), "Stale Date" },
	{ "the last stage counts", MSG(IDENTITY("wrong-key") IDENTITY("stale") IDENTITY("untrusted")),
	  EVENT_STIR_FAILED, SR_SIGNATURE_BAD, 438, PROVEN("signature_bad", "438"), "Invalid Identity Header" },

	{ "unreachable", MSG(IDENTITY("unreachable")), EVENT_STIR_FAILED, SR_CERTIFICATE_UNREACHABLE, 0,
	  PROVEN("certificate_unreachable", "436") },
	{ "bad beside unreachable, which may be good", MSG(IDENTITY("wrong-key") IDENTITY("unreachable")),
	  EVENT_STIR_FAILED, SR_SIGNATURE_BAD, 0, PROVEN("signature_bad", "438") },
	{ "pending", MSG(IDENTITY("unknown")), EVENT_STIR_FAILED, SR_CERTIFICATE_PENDING, 0,
	  "STIR_FAILED;reason=certificate_pending\r\n" },
	{ "pending beside bad", MSG(IDENTITY("wrong-key") IDENTITY("unknown")), EVENT_STIR_FAILED,
	  SR_CERTIFICATE_PENDING, 0, "STIR_FAILED;reason=certificate_pending\r\n" },
};

static void expect_refusal(const struct gate *t, const struct result *r)
{
	char line[80], reason[120];

	gate_expect(t, r->name, VERDICT_REJECT, r->reason, r->stir);
	assert_int_equal(t->out.response_code, r->code);
	snprintf(line, sizeof(line), "SIP/2.0 %u %s\r\n", r->code, r->phrase);
	if (strncmp(t->bytes, line, strlen(line)))
		fail_msg("%s: %.60s", r->name, t->bytes);
	/* the text of a Reason is that of its code */
	snprintf(reason, sizeof(reason), "\r\nReason: STIR;cause=%u;text=\"%s\"\r\n", r->code,
		 r->code == 428 ? "Use Identity Header" : r->phrase);
	if (!strstr(t->bytes, reason))
		fail_msg("%s: no %s in\n%s", r->name, reason, t->bytes);
	assert_non_null(strstr(t->bytes, "received=203.0.113.10"));
	assert_non_null(strstr(t->bytes, "\r\nContent-Length: 0\r\n\r\n"));
	assert_true(t->len < t->in_len + 100); /* nobody is hit by more than he sends */
}

static void test_results(void **state)
{
	struct gate *t = gate_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
		const struct result *r = &results[i];
		const char *has[] = { r->result };

		gate_retune(t, NULL);
		t->is_last = true;
		gate_run(t, r->msg);
		gate_expect(t, r->name, VERDICT_VERIFY, r->reason, r->stir);
		gate_expect_text(t, r->name, has, 1, true);
		assert_int_equal(t->out.decided_verdict, t->out.verdict);

		gate_retune(t, v_reject);
		t->is_last = true;
		gate_run(t, r->msg);
		if (r->code)
			expect_refusal(t, r);
		else
			gate_expect(t, r->name, VERDICT_VERIFY, r->reason, r->stir);
	}
	gate_free(t);
}

/* on_failure and on_missing speak of one thing each. */
static void test_policies(void **state)
{
	struct gate *t = gate_new();

	(void)state;
	gate_retune(t, v_reject_failed);
	gate_run(t, MSG(""));
	gate_expect(t, "missing", VERDICT_VERIFY, SR_IDENTITY_MISSING, EVENT_STIR_MISSING);
	gate_run(t, MSG(IDENTITY("wrong-key")));
	gate_expect(t, "failed", VERDICT_REJECT, SR_SIGNATURE_BAD, EVENT_STIR_FAILED);
	gate_free(t);
}

/* One Reason row per error, that of the answer first. */
static void test_reasons(void **state)
{
	static const char want[] =
		"\r\nReason: STIR;cause=438;text=\"Invalid Identity Header\"\r\n"
		"Reason: STIR;cause=437;text=\"Unsupported Credential\"\r\n"
		"Reason: STIR;cause=403;text=\"Stale Date\"\r\nContent-Length: 0\r\n\r\n";
	struct gate *t = gate_new();

	(void)state;
	gate_retune(t, v_reject);
	gate_run(t, MSG(IDENTITY("untrusted") IDENTITY("stale") IDENTITY("wrong-key") IDENTITY("revoked")
			IDENTITY("rph")));
	assert_int_equal(t->out.verdict, VERDICT_REJECT);
	if (!strstr(t->bytes, want))
		fail_msg("%s", t->bytes);
	gate_free(t);
}

/* What the event tells of the row that decides, of good calls and of others. */
static void test_told(void **state)
{
	struct gate *t = gate_new();

	(void)state;
	gate_run(t, MSG(IDENTITY("wrong-key") IDENTITY("b")));
	assert_int_equal(t->out.attest, 'B');
	assert_true(slice_eq(t->out.x5u, SLICE(X5U)) && slice_eq(t->out.origid, SLICE(UUID)));
	assert_string_equal(t->out.spc, "709J");
	assert_string_equal(t->out.orig.digits, ORIG);
	assert_string_equal(t->out.dest.digits, DEST);
	assert_true(t->out.has_iat);
	assert_int_equal(t->out.iat_age_ms, 999);
	assert_int_equal(t->out.key, UINT32_MAX);
	assert_int_equal(t->engine->judged.row_cnt, 2);

	gate_run(t, MSG(IDENTITY("untrusted")));
	assert_int_equal(t->out.attest, 'A');
	assert_true(slice_eq(t->out.x5u, SLICE(GATE_X5U("untrusted"))));
	assert_string_equal(t->out.spc, "");
	assert_false(t->out.has_iat);

	gate_run(t, MSG(IDENTITY("stale")));
	assert_true(t->out.has_iat);
	assert_int_equal(t->out.iat_age_ms, 100 * 1000 + 999);

	gate_run(t, MSG(""));
	assert_true(!t->out.x5u.len && !t->out.origid.len && !t->out.attest && !t->out.has_iat);
	assert_string_equal(t->out.orig.digits, ORIG);
	assert_string_equal(t->out.dest.digits, DEST);

	/* of two numbers that the call shows, the first */
	gate_run(t, MSG(PAI("<sip:+12155550199@a>, <tel:+" ORIG ">") IDENTITY("good")));
	gate_expect(t, "two numbers", VERDICT_VERIFY, SR_ORIG_MISMATCH, EVENT_STIR_FAILED);
	assert_string_equal(t->out.orig.digits, "12155550199");
	gate_free(t);
}

/* Who calls: the PAI where it is trusted, else From; whom: To or the Request-URI. */
static void test_numbers(void **state)
{
	static const struct {
		const char *name;
		tune_fn *tune;
		const char *msg;
		enum sipseal_reason reason;
	} cases[] = {
		{ "PAI before From", NULL, MSG_FROM("<sip:+12155550199@a>;tag=1", PAI("<" FROM_URI ">") IDENTITY("good")),
		  SR_VERIFIED },
		{ "PAI of another", NULL, MSG(PAI("<sip:+12155550199@a>") IDENTITY("good")), SR_ORIG_MISMATCH },
		{ "the PAI is not trusted", v_no_trust, MSG(PAI("<sip:+12155550199@a>") IDENTITY("good")), SR_VERIFIED },
		{ "PAI without number", NULL, MSG(PAI("<sip:alice@a>") IDENTITY("good")), SR_VERIFIED },
		{ "PAI with a number that nobody can place", NULL, MSG(PAI("<sip:+1555123@a>") IDENTITY("good")),
		  SR_ORIG_MISMATCH },
		{ "PAI that nobody can read", NULL, MSG(PAI("Bob, <x") IDENTITY("good")), SR_ORIG_MISMATCH },
		/* a PBX shows one of them, and none says which */
		{ "PAI of another before", NULL, MSG(PAI("<sip:+12155550199@a>, <tel:+" ORIG ">") IDENTITY("good")),
		  SR_ORIG_MISMATCH },
		{ "PAI of another behind", NULL, MSG(PAI("<tel:+" ORIG ">") PAI("<sip:+12155550199@a>") IDENTITY("good")),
		  SR_ORIG_MISMATCH },
		{ "PAI of another, each with a row", NULL,
		  MSG(PAI("<tel:+" ORIG ">, <sip:+12155550199@a>") IDENTITY("good") IDENTITY("other-number")),
		  SR_ORIG_MISMATCH },
		{ "PAI that nobody can place beside", NULL, MSG(PAI("<sip:+1555123@a>, <tel:+" ORIG ">") IDENTITY("good")),
		  SR_ORIG_MISMATCH },
		{ "PAI twice", NULL, MSG(PAI("<sip:+1-215-555-0112@a>, <tel:+" ORIG ">") IDENTITY("good")), SR_VERIFIED },
		{ "anonymous", NULL, MSG_FROM(ANON, IDENTITY("good")), SR_ORIG_MISMATCH },
		{ "anonymous with PAI", NULL, MSG_FROM(ANON, PAI("<tel:+" ORIG ">") IDENTITY("good")), SR_VERIFIED },
		{ "second row of PAI", NULL, MSG_FROM(ANON, PAI("<sip:bob@a>") PAI("<tel:+" ORIG ">") IDENTITY("good")),
		  SR_VERIFIED },
		{ "From national", NULL, MSG_FROM("<sip:2155550112@a>;tag=1", IDENTITY("good")), SR_VERIFIED },
		{ "From with user params and password", NULL,
		  MSG_FROM("<sip:+1-215-555-0112;npdi;rn=+12155550100:x@a:5070;user=phone>;tag=1", IDENTITY("good")),
		  SR_VERIFIED },
		{ "From sips", NULL, MSG_FROM("sips:%2B" ORIG "@a;tag=1", IDENTITY("good")), SR_VERIFIED },
		{ "only To", NULL, CALL("sip:bob@a", FROM, TO, IDENTITY("good")), SR_VERIFIED },
		{ "only the Request-URI", NULL, CALL(URI, FROM, "<sip:bob@a>", IDENTITY("good")), SR_VERIFIED },
		{ "went on", NULL, CALL("sip:+12155550198@a", FROM, TO, IDENTITY("good")), SR_VERIFIED },
		{ "neither", NULL, CALL("sip:bob@a", FROM, "<sip:bob@a>", IDENTITY("good")), SR_DEST_MISMATCH },
	};
	struct gate *t = gate_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		gate_retune(t, cases[i].tune);
		gate_run(t, cases[i].msg);
		gate_expect(t, cases[i].name, VERDICT_VERIFY, cases[i].reason,
			    cases[i].reason == SR_VERIFIED ? EVENT_STIR_VERIFIED : EVENT_STIR_FAILED);
	}
	gate_free(t);
}

TUNE(v_rules)
{
	UNUSED_G;
	set_text(&t->country_code, NULL);
	t->rules = calloc(1, sizeof(*t->rules));
	t->rule_cnt = 1;
	t->rules->prefix = strdup("7");
	t->rules->replace = strdup("+1215555");
}

/* number_rules of the trunk speak of both directions; a service number is compared as it is. */
static void test_rules(void **state)
{
	struct gate *t = gate_new();

	(void)state;
	gate_retune(t, v_rules);
	gate_run(t, MSG_FROM("<sip:70112@a>;tag=1", IDENTITY("good")));
	gate_expect(t, "rule", VERDICT_VERIFY, SR_VERIFIED, EVENT_STIR_VERIFIED);
	gate_run(t, MSG_FROM("<sip:2155550112@a>;tag=1", IDENTITY("good")));
	gate_expect(t, "no country code", VERDICT_VERIFY, SR_ORIG_MISMATCH, EVENT_STIR_FAILED);
	gate_retune(t, NULL);
	gate_run(t, MSG_FROM("<sip:611@a>;tag=1", ""));
	assert_string_equal(t->out.orig.digits, "611");
	gate_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_results), cmocka_unit_test(test_policies), cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_told),	cmocka_unit_test(test_numbers),	 cmocka_unit_test(test_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
