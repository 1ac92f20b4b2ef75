/* SPDX-License-Identifier: BSD-2-Clause */
/* Inbound: what the PBX sees: result header, verstat, P-Asserted-Identity. */
#include "inbound_world.h"

#define LIST 6
#define PASSED ";verstat=TN-Validation-Passed"
#define FAILED ";verstat=TN-Validation-Failed"
#define NONE   ";verstat=No-TN-Validation"
#define THEIRS ";verstat=Theirs"
#define SIP(rest) "<sip:+" ORIG rest "@carrier.example>"
#define TAG	";tag=19"

struct mark_case {
	const char *name;
	tune_fn *tune;
	const char *msg;
	const char *has[LIST], *has_not[LIST];
};

static void run(const struct mark_case *cases, size_t cnt)
{
	struct gate *t = gate_new();

	for (size_t i = 0; i < cnt; i++) {
		gate_retune(t, cases[i].tune);
		t->is_last = true;
		gate_run(t, cases[i].msg);
		if (t->out.verdict != VERDICT_VERIFY)
			fail_msg("%s: %s %s", cases[i].name, engine_verdict_name(t->out.verdict),
				 reason_token(t->out.reason));
		gate_expect_text(t, cases[i].name, cases[i].has, LIST, true);
		gate_expect_text(t, cases[i].name, cases[i].has_not, LIST, false);
	}
	gate_free(t);
}

#define OURS "\r\nX-STIR-Result: STIR_VERIFIED;attest=A;origid=" UUID "\r\n\r\n"
#define THEIR_MARKS \
	"X-STIR-Result: STIR_VERIFIED;forged\r\nx-stir-Attest :\r\n A\r\nAttestation-Info: A\r\nORIGINATION-ID: 1\r\n" \
	"P-Attestation-Indicator: A\r\nP-Origination-ID: 1\r\nX-STIR-: 1\r\n"

static const struct mark_case header_cases[] = {
	{ "ours at the end", NULL, MSG(IDENTITY("good")), { OURS SDP } },
	{ "theirs go", NULL, MSG(THEIR_MARKS IDENTITY("good") "X-Stir-Foo: 1\r\n"), { OURS SDP },
	  { "forged", "x-stir-", "Attestation-I", "ORIGINATION", "P-Origination", "X-Stir-Foo" } },
	{ "theirs go without ours", v_no_header, MSG(THEIR_MARKS IDENTITY("good")), { "Identity: ey" },
	  { "X-STIR", "x-stir-", "Attestation-I", "ORIGINATION", "P-Origination", "P-Attestation" } },
	{ "theirs go from an emergency call, too", NULL,
	  CALL("urn:service:sos", FROM, "<urn:service:sos>", THEIR_MARKS), { "X-STIR-Result: STIR_MISSING\r\n\r\n" },
	  { "forged", "x-stir-", "Attestation-I", "ORIGINATION", "P-Origination" } },
	{ "another name", v_header, MSG("x-caller\t: forged\r\nX-STIR-Result: forged\r\nX-Caller-2: mine\r\n"
					IDENTITY("good")),
	  { "\r\nX-Caller: STIR_VERIFIED;attest=A;origid=" UUID "\r\n\r\n" SDP, "X-Caller-2: mine" },
	  { "forged", "X-STIR" } },
};

static void test_header(void **state)
{
	struct gate *t = gate_new();

	(void)state;
	run(header_cases, ARRAY_SIZE(header_cases));
	gate_retune(t, v_no_header);
	gate_run(t, MSG(IDENTITY("good")));
	gate_expect(t, "no edits", VERDICT_VERIFY, SR_VERIFIED, EVENT_STIR_VERIFIED);
	assert_true(gate_is_unchanged(t));
	assert_int_equal(t->engine->edits.cnt, 0);
	gate_free(t);
}

static void test_pai_removed(void **state)
{
	struct gate *t = gate_new();

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		gate_retune(t, i & 1 ? v_no_trust : NULL);
		gate_run(t, i & 2 ? MSG(PAI("<" FROM_URI ">")) : MSG(""));
		assert_int_equal(!!(t->out.notes & EVENT_NOTE_PAI_REMOVED), i == 3);
		assert_int_equal(!!strstr(t->bytes, "P-Asserted"), i == 2);
	}
	gate_free(t);
}

/* verstat of ours, by result: at sip:, sips:, tel:, with everything that may stand around the number. */
static const struct mark_case verstat_cases[] = {
	{ "off", NULL, MSG(PAI(SIP("")) IDENTITY("good")), { PAI(SIP("")) }, { "verstat" } },
	{ "pai", v_pai, MSG(PAI(SIP("")) IDENTITY("good")), { PAI(SIP(PASSED)), "From: " FROM "\r\n" } },
	{ "pai, failed", v_pai, MSG(PAI(SIP("")) IDENTITY("wrong-key")), { PAI(SIP(FAILED)) } },
	{ "pai, stale", v_pai, MSG(PAI(SIP("")) IDENTITY("stale")), { PAI(SIP(FAILED)) } },
	{ "pai, bad certificate", v_pai, MSG(PAI(SIP("")) IDENTITY("untrusted")), { PAI(SIP(FAILED)) } },
	{ "pai, missing", v_pai, MSG(PAI(SIP(""))), { PAI(SIP(NONE)) } },
	{ "pai, unsupported", v_pai, MSG(PAI(SIP("")) IDENTITY("rph")), { PAI(SIP(NONE)) } },
	{ "pai, no certificate: nothing", v_pai, MSG(PAI(SIP("")) IDENTITY("fetch")), { PAI(SIP("")) }, { "verstat" } },
	{ "pai, refused: nothing", v_pai, MSG(PAI(SIP("")) IDENTITY("http")), { PAI(SIP("")) }, { "verstat" } },
	{ "pai, unreachable: nothing", v_pai, MSG(PAI(SIP("")) IDENTITY("unreachable")), { PAI(SIP("")) }, { "verstat" } },
	{ "pai, pending: nothing", v_pai, MSG(PAI(SIP("")) IDENTITY("unknown")), { PAI(SIP("")) }, { "verstat" } },
	{ "pai, bad beside unreachable: nothing", v_pai, MSG(PAI(SIP("")) IDENTITY("unreachable") IDENTITY("wrong-key")),
	  { PAI(SIP("")) }, { "verstat" } },
	{ "pai, none there", v_pai, MSG(IDENTITY("good")), { "From: " FROM "\r\n" }, { "verstat" } },
	{ "sips", v_pai, MSG(PAI("<sips:+" ORIG "@a>") IDENTITY("good")), { PAI("<sips:+" ORIG PASSED "@a>") } },
	{ "tel", v_pai, MSG(PAI("<tel:+" ORIG ">") IDENTITY("good")), { PAI("<tel:+" ORIG PASSED ">") } },
	{ "tel with parameters", v_pai, MSG(PAI("<tel:+" ORIG ";ext=5>") IDENTITY("good")),
	  { PAI("<tel:+" ORIG ";ext=5" PASSED ">") } },
	{ "user params", v_pai, MSG(PAI(SIP(";npdi;rn=+12155550100")) IDENTITY("good")),
	  { PAI(SIP(";npdi;rn=+12155550100" PASSED)) } },
	{ "password", v_pai, MSG(PAI("<sip:+" ORIG ":secret@a>") IDENTITY("good")), { PAI("<sip:+" ORIG PASSED ":secret@a>") } },
	{ "port, parameters, headers", v_pai, MSG(PAI("\"A, B\" <sip:+" ORIG "@a:5070;user=phone?x=y>;z") IDENTITY("good")),
	  { PAI("\"A, B\" <sip:+" ORIG PASSED "@a:5070;user=phone?x=y>;z") } },
	{ "addr-spec", v_pai, MSG(PAI("sip:+" ORIG "@a;z") IDENTITY("good")), { PAI("<sip:+" ORIG PASSED "@a>;z") } },
	{ "addr-spec tel", v_pai, MSG(PAI("tel:+" ORIG) IDENTITY("good")), { PAI("<tel:+" ORIG PASSED ">") } },
	{ "two values", v_pai, MSG(PAI(SIP("") ", <tel:+" ORIG ">") IDENTITY("good")),
	  { PAI(SIP(PASSED) ", <tel:+" ORIG PASSED ">") } },
	{ "two rows, folded", v_pai, MSG("P-Asserted-Identity:\r\n\t\"A\"\r\n " SIP("") "\r\nP-ASSERTED-IDENTITY : tel:+" ORIG
					 " \r\n" IDENTITY("good")),
	  { "P-Asserted-Identity:\r\n\t\"A\"\r\n " SIP(PASSED) "\r\nP-ASSERTED-IDENTITY : <tel:+" ORIG PASSED "> \r\n" } },
	{ "not a number", v_pai, MSG(PAI("<sip:alice@a>") IDENTITY("good")), { PAI("<sip:alice@a>") }, { "verstat" } },
	{ "two numbers", v_pai, MSG(PAI("<sip:+12155550199@a>, <tel:+" ORIG ">") IDENTITY("good")),
	  { PAI("<sip:+12155550199" FAILED "@a>, <tel:+" ORIG FAILED ">"), "reason=orig_mismatch" } },
	{ "all numbers that were judged", v_pai, MSG(PAI("<sip:+12155550199@a>, <tel:+" ORIG ">") IDENTITY("wrong-key")),
	  { PAI("<sip:+12155550199" FAILED "@a>, <tel:+" ORIG FAILED ">") } },
	{ "rows behind one that cannot be read", v_pai,
	  MSG(PAI("Bob, <x") PAI(SIP("")) IDENTITY("good")), { PAI("Bob, <x") PAI(SIP(FAILED)) } },
	{ "trust_pai false", v_no_trust_pai, MSG(PAI(SIP("")) IDENTITY("good") PAI("<tel:+" ORIG ">")), { "From: " FROM "\r\n" },
	  { "verstat", "P-Asserted-Identity" } },
	{ "trust_pai false, emergency", v_no_trust_pai,
	  CALL("sip:911@a", FROM, "<sip:911@a>", PAI(SIP(""))), { PAI(SIP(NONE)) } },
	{ "trust_pai false, callback", v_no_trust_pai, MSG(PAI("<sip:+12155550199@a>") "Priority: psap-callback\r\n" IDENTITY("good")),
	  { PAI("<sip:+12155550199@a>") }, { "verstat" } },

	{ "from", v_from, MSG(PAI(SIP("")) IDENTITY("good")), { "From: \"Alice\" " SIP(PASSED) TAG "\r\n", PAI(SIP("")) } },
	{ "from, failed", v_from, MSG(IDENTITY("wrong-key")), { "From: \"Alice\" " SIP(FAILED) TAG "\r\n" } },
	{ "from, missing", v_from, MSG(""), { "From: \"Alice\" " SIP(NONE) TAG "\r\n" } },
	{ "from, unreachable", v_from, MSG(IDENTITY("unreachable")), { "From: " FROM "\r\n" }, { "verstat" } },
	{ "from, tel", v_from, MSG_FROM("tel:+" ORIG TAG, IDENTITY("good")), { "From: <tel:+" ORIG PASSED ">" TAG "\r\n" } },
	{ "from, sips with all", v_from,
	  MSG_FROM("Bob <sips:+" ORIG ";npdi:pw@a;user=phone>;x;tag=19", IDENTITY("good")),
	  { "From: Bob <sips:+" ORIG ";npdi" PASSED ":pw@a;user=phone>;x;tag=19\r\n" } },
	{ "from, compact and folded", v_from, "INVITE " URI " SIP/2.0\r\nv: SIP/2.0/UDP x;branch=z9hG4bK1\r\nf:\r\n sip:+" ORIG
	  "@a\r\n ;tag=1\r\nt: " TO "\r\ni: 1\r\nCSeq: 1 INVITE\r\ny: {good}\r\nl: 0\r\n\r\n",
	  { "f:\r\n <sip:+" ORIG PASSED "@a>\r\n ;tag=1\r\n" } },
	{ "from, the PAI was judged", v_from, MSG_FROM("<sip:+12155550199@a>" TAG, PAI(SIP("")) IDENTITY("good")),
	  { "From: <sip:+12155550199@a>" TAG "\r\n", PAI(SIP("")) }, { "verstat" } },
	{ "from, another was judged bad", v_from, MSG_FROM("<sip:+12155550199@a>" TAG, PAI(SIP("")) IDENTITY("wrong-key")),
	  { "From: <sip:+12155550199@a>" TAG "\r\n" }, { "verstat" } },
	{ "from, nobody was judged", v_from, MSG_FROM("<sip:+12155550199@a>" TAG, PAI(SIP(""))),
	  { "From: <sip:+12155550199" NONE "@a>" TAG "\r\n" } },
	{ "from, anonymous", v_from, MSG_FROM(ANON, PAI(SIP("")) IDENTITY("good")), { "From: " ANON "\r\n" }, { "verstat" } },
};

static void test_verstat(void **state)
{
	(void)state;
	run(verstat_cases, ARRAY_SIZE(verstat_cases));
}

#define FROM_THEIRS "\"Alice\" " SIP(THEIRS) TAG
#define ALL_THEIRS  PAI(SIP(";npdi" THEIRS ";x=1")) "P-Preferred-Identity: <tel:+" ORIG THEIRS ">\r\n" \
		    "Remote-Party-ID: " SIP(THEIRS) "\r\n"
#define ALL_GONE    PAI(SIP(";npdi;x=1")) "P-Preferred-Identity: <tel:+" ORIG ">\r\nRemote-Party-ID: " SIP("") "\r\n"

/* verstat of others: stays while we have no word of our own. */
static void test_carrier_verstat(void **state)
{
	static const struct { const char *row; bool has_word; } results[] = {
		{ IDENTITY("good"), true }, { IDENTITY("wrong-key"), true }, { IDENTITY("stale"), true },
		{ IDENTITY("untrusted"), true }, { IDENTITY("nonsense"), true }, { "", false }, { IDENTITY("rph"), false },
		{ IDENTITY("fetch"), false }, { IDENTITY("http"), false }, { IDENTITY("unreachable"), false },
		{ IDENTITY("unknown"), false },
	};
	static const struct { tune_fn *tune; bool strips, writes; } tunes[] = {
		{ NULL, false, false }, { v_strip, true, false }, { v_pai, false, true }, { v_pai_strip, true, true },
		{ v_from, false, true }, { v_from_strip, true, true },
	};
	struct gate *t = gate_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(results); i++)
		for (size_t k = 0; k < ARRAY_SIZE(tunes); k++) {
			bool stays = !results[i].has_word && !tunes[k].strips;
			char msg[4096];

			gate_retune(t, tunes[k].tune);
			t->is_last = true;
			snprintf(msg, sizeof(msg), "%s%s" TAIL, CALL_ROWS(URI, FROM_THEIRS, TO, ALL_THEIRS), results[i].row);
			gate_run(t, msg);
			assert_int_equal(t->out.verdict, VERDICT_VERIFY);
			if (!!strstr(t->bytes, "Theirs") != stays)
				fail_msg("result %zu tune %zu: theirs %s\n%s", i, k, stays ? "went" : "stayed", t->bytes);
			if (stays && !strstr(t->bytes, ALL_THEIRS))
				fail_msg("result %zu tune %zu: changed\n%s", i, k, t->bytes);
			if (!stays && !tunes[k].writes && !strstr(t->bytes, ALL_GONE))
				fail_msg("result %zu tune %zu: not all\n%s", i, k, t->bytes);
		}
	gate_free(t);
}

/* Where and how it may be written. */
static const struct mark_case strip_cases[] = {
	{ "user param", v_strip, MSG(PAI(SIP(THEIRS))), { PAI(SIP("")) } },
	{ "between others", v_strip, MSG(PAI(SIP(";a" THEIRS ";b=c"))), { PAI(SIP(";a;b=c")) } },
	{ "twice", v_strip, MSG(PAI(SIP(THEIRS THEIRS ";b"))), { PAI(SIP(";b")) } },
	{ "any case", v_strip, MSG(PAI(SIP(";VerStat=TN-Validation-Passed"))), { PAI(SIP("")) } },
	{ "no value", v_strip, MSG(PAI(SIP(";verstat"))), { PAI(SIP("")) } },
	{ "empty value", v_strip, MSG(PAI(SIP(";verstat="))), { PAI(SIP("")) } },
	{ "escaped", v_strip, MSG(PAI(SIP(";%76er%53tat=TN-Validation-Passed"))), { PAI(SIP("")) } },
	{ "before a password", v_strip, MSG(PAI("<sip:+" ORIG THEIRS ":pw@a>")), { PAI("<sip:+" ORIG ":pw@a>") } },
	{ "behind the host", v_strip, MSG(PAI("<sip:+" ORIG "@a;user=phone" THEIRS ";lr?x=y>")),
	  { PAI("<sip:+" ORIG "@a;user=phone;lr?x=y>") } },
	{ "at both", v_strip, MSG(PAI("<sip:+" ORIG THEIRS "@a" THEIRS ">" THEIRS)), { PAI("<sip:+" ORIG "@a>") } },
	{ "of the header, folded", v_strip, MSG(PAI("<sip:+" ORIG "@a>;x\r\n ; verstat = Theirs \r\n ;y")), { PAI("<sip:+" ORIG "@a>;x;y") } },
	{ "addr-spec: of the header", v_strip, MSG_FROM("sip:+" ORIG "@a" THEIRS ";tag=19", ""), { "From: sip:+" ORIG "@a;tag=19\r\n" } },
	{ "tel", v_strip, MSG(PAI("<tel:+" ORIG ";ext=1" THEIRS ">")), { PAI("<tel:+" ORIG ";ext=1>") } },
	{ "tel, phone-context", v_strip, MSG(PAI("<tel:5550112" THEIRS ";phone-context=+1215>")),
	  { PAI("<tel:5550112;phone-context=+1215>") } },
	{ "no number", v_strip, MSG(PAI("<sip:alice" THEIRS "@a>")), { PAI("<sip:alice@a>") } },
	{ "second value", v_strip, MSG(PAI("<sip:alice@a>, " SIP(THEIRS) ",tel:+1" THEIRS)), { PAI("<sip:alice@a>, " SIP("") ",tel:+1") } },
	{ "From", v_strip, MSG_FROM(FROM_THEIRS, ""), { "From: " FROM "\r\n" } },
	{ "another name stays", v_strip, MSG(PAI(SIP(";verstats;xverstat"))), { PAI(SIP(";verstats;xverstat")) } },
	{ "theirs for ours", v_pai, MSG(PAI(SIP(";npdi" THEIRS)) IDENTITY("good")), { PAI(SIP(";npdi" PASSED)) }, { "Theirs" } },
	{ "theirs for ours, tel", v_pai, MSG(PAI("<tel:+" ORIG THEIRS ">") IDENTITY("good")), { PAI("<tel:+" ORIG PASSED ">") } },
	{ "theirs for ours, addr-spec", v_pai, MSG(PAI("tel:+" ORIG THEIRS ";y") IDENTITY("good")),
	  { PAI("<tel:+" ORIG PASSED ">;y") } },
	{ "ours in the PAI, theirs in From goes", v_pai, MSG_FROM(FROM_THEIRS, PAI(SIP("")) IDENTITY("good")),
	  { "From: " FROM "\r\n", PAI(SIP(PASSED)) } },
	{ "missing: theirs in From stays, none of ours", v_pai, MSG_FROM(FROM_THEIRS, PAI(SIP(""))),
	  { "From: " FROM_THEIRS "\r\n", PAI(SIP("")) }, { "No-TN-Validation" } },
	{ "missing: theirs in the PAI stays", v_pai, MSG(PAI(SIP(THEIRS))), { PAI(SIP(THEIRS)) }, { "No-TN-Validation" } },
	{ "missing: theirs in the PAI stays, ours in From", v_from, MSG(PAI(SIP(THEIRS))), { PAI(SIP(THEIRS)) },
	  { "No-TN-Validation" } },
	{ "no PAI for ours: theirs in From stays", v_pai, MSG_FROM(FROM_THEIRS, ""), { "From: " FROM_THEIRS "\r\n" } },
	{ "elsewhere it is nobody's number", v_strip, MSG("Contact: <sip:a" THEIRS "@b>\r\n"), { "Contact: <sip:a" THEIRS "@b>\r\n" } },
};

static void test_strip(void **state)
{
	(void)state;
	run(strip_cases, ARRAY_SIZE(strip_cases));
}

/* Where it cannot be taken out the message is not edited, and so it is dropped; while it may stay it stays. */
static void test_cannot_strip(void **state)
{
	static const char *const msgs[] = {
		MSG_FROM("\"verstat=TN-Validation-Passed\" <" FROM_URI ">;tag=1", IDENTITY("good")),
		MSG(PAI("\"x;VERSTAT=1\" " SIP("")) IDENTITY("good")),
		MSG(PAI("Bob, <sip:+" ORIG THEIRS "@a>") IDENTITY("good")),
		MSG(PAI(SIP("") ", Bob, " THEIRS) IDENTITY("good")),
		MSG(PAI(SIP("%3Bverstat=1")) IDENTITY("good")),
		MSG(PAI(SIP(";xverstat=1")) IDENTITY("good")),
		MSG("Remote-Party-ID: <http://a" THEIRS ">\r\n" IDENTITY("good")),
	};
	struct gate *t = gate_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(msgs); i++) {
		gate_retune(t, v_strip);
		gate_run(t, msgs[i]);
		gate_expect(t, "strip", VERDICT_DROP, SR_FORGED_MARK, EVENT_STIR_FAILED);
		gate_retune(t, NULL);
		gate_run(t, msgs[i]);
		gate_expect(t, "a word of our own", VERDICT_DROP, SR_FORGED_MARK, EVENT_STIR_FAILED);
		gate_fill(t, msgs[i]);
		memcpy(strstr(t->in, "Identity: ey"), "Ignored-", 8);
		gate_run_bytes(t);
		gate_expect(t, "no word of our own", VERDICT_VERIFY, SR_IDENTITY_MISSING, EVENT_STIR_MISSING);
	}
	gate_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header), cmocka_unit_test(test_pai_removed), cmocka_unit_test(test_verstat), cmocka_unit_test(test_carrier_verstat),
		cmocka_unit_test(test_strip),  cmocka_unit_test(test_cannot_strip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
