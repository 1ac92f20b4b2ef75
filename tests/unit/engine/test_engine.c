/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The outbound decision, by table: whether, as what and for whom a call is signed.
 */
#include "cases.h"

static const struct engine_case cases[] = {
	{ "plain call: Identity, Date, PAI, Privacy none", NULL, MSG(FROM, ""), VERDICT_SIGN, SR_SIGNED, 'A',
	  "12155550112", "12155550113",
	  { PAI_112, "Privacy: none\r\n", "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n", "\r\nIdentity: eyJ",
	    ";info=<https://cr.example.com/shaken/1234.pem>;alg=ES256;ppt=shaken\r\n", "\r\n\r\n" SDP } },
	{ "fresh Date is kept, none added", NULL, MSG(FROM, "Date: Thu, 01 Jan 2026 00:00:30 GMT\r\n"), VERDICT_SIGN,
	  SR_SIGNED, 'A', "12155550112", "12155550113", { "00:00:30 GMT" }, { "00:00:00 GMT" } },
	{ "stale Date", NULL, MSG(FROM, "Date: Thu, 01 Jan 2026 00:01:01 GMT\r\n"), VERDICT_PASS, SR_STALE_DATE, 0,
	  "12155550112", "12155550113", { PAI_112 }, { "Identity: e" } },
	{ "stale Date, reject", t_reject, MSG(FROM, "Date: Wed, 31 Dec 2025 23:58:59 GMT\r\n"), VERDICT_REJECT,
	  SR_STALE_DATE, 0, "12155550112", "12155550113",
	  { "SIP/2.0 503 Service Unavailable\r\n", "branch=z9hG4bK776asdhds;rport=5060", "Content-Length: 0\r\n" } },
	{ "unparseable Date", NULL, MSG(FROM, "Date: yesterday\r\n"), VERDICT_PASS, SR_BAD_DATE, 0, "12155550112",
	  "12155550113", { PAI_112 }, { "Identity: e" } },
	{ "attestation C", t_c, MSG(FROM, ""), VERDICT_SIGN, SR_SIGNED, 'C', "12155550112", "12155550113" },
	{ "attestation none: PAI instead of STIR", t_none, MSG(FROM, ""), VERDICT_PASS, SR_ATTESTATION_NONE, 0,
	  "12155550112", "12155550113", { PAI_112, "Privacy: none" }, { "Identity: e", "Date:" } },
	{ "number inside: A", t_inside, MSG(FROM, ""), VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", "12155550113" },
	{ "number outside: B, no PAI", t_outside, MSG(FROM, ""), VERDICT_SIGN, SR_SIGNED, 'B', "12155550112",
	  "12155550113", { NULL }, { "P-Asserted", "Privacy" } },
	{ "number outside, default PAI: From is still shown, so B", t_out_default, MSG(FROM, ""), VERDICT_SIGN,
	  SR_SIGNED, 'B', "13125550000", "12155550113", { "<sip:+13125550000@example.net>" } },
	{ "number outside, other none", t_out_none, MSG(FROM, ""), VERDICT_PASS, SR_ATTESTATION_NONE, 0,
	  "12155550112", "12155550113", { NULL }, { "Identity: e" } },
	{ "number outside, other reject", t_out_reject, MSG(FROM, ""), VERDICT_REJECT, SR_NUMBER_REFUSED, 0,
	  "12155550112", "12155550113", { "SIP/2.0 403 " } },
	{ "a kept PAI inside does not hide a From outside", t_keep_in,
	  MSG("<sip:+13125550100@pbx.example.com>", "P-Asserted-Identity: <sip:+12155550112@x>\r\n"), VERDICT_SIGN,
	  SR_SIGNED, 'B', "12155550112", "12155550113" },
	{ "a From that nobody can place is outside", t_inside,
	  MSG("<sip:5550112@pbx.example.com>", "P-Asserted-Identity: <sip:+12155550112@x>\r\n"), VERDICT_SIGN,
	  SR_SIGNED, 'B', "12155550112", "12155550113" },
	{ "a foreign From without '+' is outside", t_inside,
	  MSG("<sip:442079460018@pbx.example.com>", "P-Asserted-Identity: <sip:+12155550112@x>\r\n"), VERDICT_SIGN,
	  SR_SIGNED, 'B', "12155550112", "12155550113" },
	{ "an extension as From shows no number", t_inside,
	  MSG("<sip:1001@pbx.example.com>", "P-Asserted-Identity: <sip:+12155550112@x>\r\n"), VERDICT_SIGN, SR_SIGNED,
	  'A', "12155550112", "12155550113" },
	{ "a From in escapes is a number too", t_inside,
	  MSG("<sip:%34%342079460018@pbx.example.com>", PAI_112), VERDICT_SIGN, SR_SIGNED, 'B', "12155550112",
	  "12155550113" },
	{ "a From without a host is a number too", t_inside, MSG("<sip:13125550100>", PAI_112), VERDICT_SIGN, SR_SIGNED,
	  'B', "12155550112", "12155550113" },
	{ "a From without a user is none", t_inside, MSG("<sip:192.100.200.100>", PAI_112), VERDICT_SIGN, SR_SIGNED, 'A',
	  "12155550112", "12155550113" },
	{ "a From with letters behind a '+' number", t_inside, MSG("<sip:+13125550100x@pbx.example.com>", PAI_112),
	  VERDICT_SIGN, SR_SIGNED, 'B', "12155550112", "12155550113" },
	{ "a From of digits and stars", t_inside, MSG("<sip:*13125550100@pbx.example.com>", PAI_112), VERDICT_SIGN,
	  SR_SIGNED, 'B', "12155550112", "12155550113" },
	{ "a number before @anonymous.invalid is shown", t_rkeep_in,
	  MSG("<sip:+13125550100@anonymous.invalid>", PAI_112), VERDICT_SIGN, SR_SIGNED, 'B', "12155550112",
	  "12155550113", { PAI_112, "Privacy: id" } },
	{ "a host below anonymous.invalid hides as well", t_rkeep_in, MSG("<sip:x@pbx.anonymous.invalid>", PAI_112),
	  VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", "12155550113", { PAI_112, "Privacy: id" } },
	{ "a host that only ends so does not", t_rkeep_in, MSG("<sip:x@notanonymous.invalid>", PAI_112), VERDICT_SIGN,
	  SR_SIGNED, 'A', "12155550112", "12155550113", { PAI_112 }, { "Privacy: id" } },
	{ "a number inside before @anonymous.invalid", t_rkeep_in,
	  MSG("<sip:+12155550112@anonymous.invalid>", PAI_112), VERDICT_SIGN, SR_SIGNED, 'A', "12155550112",
	  "12155550113" },
	{ "anonymous with user-params", NULL, MSG("<sip:Anonymous;x=1@pbx.example.com>", PAI_112), VERDICT_PASS,
	  SR_RESTRICTED_UNSIGNED, 0, NULL, "12155550113", { "Privacy: id" }, { "P-Asserted" } },
	{ "a kept PAI row that cannot be read", t_keep_in,
	  MSG(FROM, PAI_112 "P-Asserted-Identity: \"x <sip:+13125550100@x>\r\n"), VERDICT_SIGN, SR_SIGNED, 'B',
	  "12155550112", "12155550113" },
	{ "an untouched PAI with a URI that cannot be read", t_off_in,
	  MSG(FROM, "P-Asserted-Identity: <sip:+12155550112@x>, <sip:+13125550100@a@b>\r\n"), VERDICT_SIGN, SR_SIGNED,
	  'B', "12155550112", "12155550113" },
	{ "five kept PAI values, the last one outside", t_keep_in, MSG(FROM, PAI_112 PAI_112 PAI_112 PAI_112
	  "P-Asserted-Identity: <tel:+13125550100>\r\n"), VERDICT_SIGN, SR_SIGNED, 'B', "12155550112", "12155550113" },
	{ "a kept tel: PAI with parameters", t_keep_in,
	  MSG(FROM, "P-Asserted-Identity: \"+13125550100\" <tel:+1-215-555-0112;npdi;rn=+13125550100>\r\n"),
	  VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", "12155550113" },
	{ "a row that cannot be read and is removed shows nothing", t_inside,
	  MSG(FROM, "P-Asserted-Identity: \"x <sip:+13125550100@x>\r\n"), VERDICT_SIGN, SR_SIGNED, 'A', "12155550112",
	  "12155550113", { PAI_112 }, { "13125550100" } },
	{ "PAI set replaces theirs and PPI", NULL,
	  MSG(FROM, "P-Asserted-Identity: <sip:+12155550199@evil>\r\nP-Preferred-Identity: <sip:+12155550112@x>\r\n"),
	  VERDICT_SIGN, SR_SIGNED, 'A', "12155550199", "12155550113", { "<sip:+12155550199@example.net>" },
	  { "@evil", "P-Preferred" } },
	{ "PAI keep", t_keep, MSG(FROM, "P-Asserted-Identity: <sip:+12155550199@theirs>\r\n"), VERDICT_SIGN, SR_SIGNED,
	  'A', "12155550199", "12155550113", { "@theirs" }, { "@example.net", "Privacy" } },
	{ "PAI keep adds none", t_keep, MSG(FROM, ""), VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", "12155550113",
	  { NULL }, { "P-Asserted", "Privacy" } },
	{ "PAI off leaves all of it", t_off, MSG(FROM, "P-Asserted-Identity: <sip:+12155550199@theirs>\r\n"
	  "P-Preferred-Identity: <sip:+12155550112@x>\r\n"), VERDICT_SIGN, SR_SIGNED, 'A', "12155550199", "12155550113",
	  { "@theirs", "P-Preferred-Identity" }, { "Privacy" } },
	{ "no Privacy none where switched off", t_no_none, MSG(FROM, ""), VERDICT_SIGN, SR_SIGNED, 'A', "12155550112",
	  "12155550113", { PAI_112 }, { "Privacy" } },
	{ "Privacy none of theirs stays", NULL, MSG(FROM, "Privacy: none\r\n"), VERDICT_SIGN, SR_SIGNED, 'A',
	  "12155550112", "12155550113", { PAI_112, "Privacy: none\r\n" }, { "id" "\r\n" } },
	{ "Privacy none wins over trunk privacy id", t_priv_id, MSG(FROM, "Privacy: none\r\n"), VERDICT_SIGN, SR_SIGNED,
	  'A', "12155550112", "12155550113", { PAI_112 }, { "none;id" } },
	{ "Privacy id, numeric From: no PAI, signed with From", NULL, MSG(FROM, "Privacy: id\r\n" PAI_112
	  "P-Preferred-Identity: <sip:+12155550112@x>\r\nRemote-Party-ID: <sip:+12155550112@x>\r\n"), VERDICT_SIGN,
	  SR_SIGNED, 'A', "12155550112", "12155550113", { "Privacy: id\r\n" },
	  { "P-Asserted", "P-Preferred", "Remote-Party" } },
	{ "anonymous From: no Identity, Privacy id added", NULL, MSG(ANON, PAI_112), VERDICT_PASS,
	  SR_RESTRICTED_UNSIGNED, 0, NULL, "12155550113", { "Privacy: id\r\n" }, { "P-Asserted", "Identity: e" } },
	{ "anonymous From is not rejected as unsignable", t_reject, MSG(ANON, ""), VERDICT_PASS, SR_RESTRICTED_UNSIGNED,
	  0, NULL, "12155550113", { "Privacy: id\r\n" } },
	{ "restricted keep: PAI beside Privacy id, signed", t_rkeep, MSG(ANON, "P-Asserted-Identity: <tel:+12155550112>\r\n"),
	  VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", "12155550113", { PAI_112, "Privacy: id\r\n" }, { "<tel:" } },
	{ "Privacy user gets ;id", NULL, MSG(ANON, "Privacy: user;critical\r\n"), VERDICT_PASS, SR_RESTRICTED_UNSIGNED,
	  0, NULL, "12155550113", { "Privacy: user;critical;id\r\n" } },
	{ "RPID privacy restricts", NULL, MSG(FROM, "Remote-Party-ID: <sip:+12155550112@x>;privacy=full\r\n"),
	  VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", "12155550113", { "Privacy: id" }, { "Remote-Party", "P-Asserted" } },
	{ "RPID that cannot be read restricts", NULL,
	  MSG(FROM, "Remote-Party-ID: Bob Smith, Jr. <sip:+12155550112@x>;party=calling;privacy=\"full\"\r\n"),
	  VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", "12155550113", { "Privacy: id" }, { "Remote-Party", "P-Asserted" } },
	{ "RPID that cannot be read, privacy off", NULL,
	  MSG(FROM, "Remote-Party-ID: Bob, Jr. <sip:+12155550112@x>;privacy=off\r\n"), VERDICT_SIGN, SR_SIGNED, 'A',
	  "12155550112", "12155550113", { PAI_112, "Remote-Party" }, { "Privacy: id" } },
	{ "restricted, and no number anywhere", t_reject, MSG("<sip:alice@x>", "Privacy: id\r\n"), VERDICT_REJECT,
	  SR_NO_ORIG, 0, NULL, "12155550113", { "SIP/2.0 503 " } },
	{ "restricted, the PAI's number removed", t_reject, MSG("<sip:alice@x>", "Privacy: id\r\n" PAI_112), VERDICT_PASS,
	  SR_RESTRICTED_UNSIGNED, 0, NULL, "12155550113", { "Privacy: id" }, { "P-Asserted", "Identity: e" } },
	{ "RPID privacy=off does not", NULL, MSG(FROM, "Remote-Party-ID: <sip:+12155550112@x>;privacy=off\r\n"),
	  VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", "12155550113", { PAI_112, "Remote-Party" }, { "Privacy: id" } },
	{ "trunk privacy id", t_priv_id, MSG(FROM, ""), VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", "12155550113",
	  { "Privacy: id\r\n" }, { "P-Asserted" } },
	{ "trunk privacy off adds no row", t_priv_off, MSG(ANON, ""), VERDICT_PASS, SR_RESTRICTED_UNSIGNED, 0, NULL,
	  "12155550113", { NULL }, { "Privacy" } },
	{ "orig_from rpid, ppi, from", t_rpid, MSG(FROM, "Remote-Party-ID: \"x\" <sip:2155550155@x>;party=calling\r\n"),
	  VERDICT_SIGN, SR_SIGNED, 'A', "12155550155", "12155550113", { "<sip:+12155550155@example.net>" } },
	{ "orig_from rpid, ppi, from: no RPID", t_rpid, MSG(FROM, "P-Preferred-Identity: <tel:+12155550156>\r\n"),
	  VERDICT_SIGN, SR_SIGNED, 'A', "12155550156", "12155550113", { "<sip:+12155550156@example.net>" }, { "P-Preferred" } },
	{ "tel: From without pai.domain gives a tel PAI", t_no_domain, MSG("<tel:+1-215-555-0112>", ""), VERDICT_SIGN,
	  SR_SIGNED, 'A', "12155550112", "12155550113", { "P-Asserted-Identity: <tel:+12155550112>\r\n" } },
	{ "pai.domain defaults to the host of From", t_no_domain, MSG(FROM, ""), VERDICT_SIGN, SR_SIGNED, 'A',
	  "12155550112", "12155550113", { "<sip:+12155550112@pbx.example.com>" } },
	{ "national number without country code", t_no_cc, MSG("<sip:2155550112@x>", ""), VERDICT_PASS, SR_NO_ORIG, 0,
	  NULL, "12155550113", { NULL }, { "Identity: e", "P-Asserted" } },
	{ "a name is no number", t_reject, MSG("<sip:alice@x>", ""), VERDICT_REJECT, SR_NO_ORIG, 0, NULL, "12155550113",
	  { "503" } },
	{ "911 is never orig", NULL, MSG("<sip:911@x>", ""), VERDICT_PASS, SR_NO_ORIG, 0, NULL, "12155550113" },
	{ "service number as dest", NULL, MSG_TO("sip:411@203.0.113.10", "<sip:411@203.0.113.10>"), VERDICT_SIGN,
	  SR_SIGNED, 'A', "12155550112", "411" },
	{ "dest from To, not Request-URI", NULL, MSG_TO("sip:+13125550100@203.0.113.10", TO), VERDICT_SIGN, SR_SIGNED,
	  'A', "12155550112", "12155550113" },
	{ "dest from Request-URI where To holds none", NULL, MSG_TO(URI, "<sip:bob@203.0.113.10>"), VERDICT_SIGN,
	  SR_SIGNED, 'A', "12155550112", "12155550113" },
	{ "dest_from request_uri", t_ruri, MSG_TO("sip:+13125550100@203.0.113.10", TO), VERDICT_SIGN, SR_SIGNED, 'A',
	  "12155550112", "13125550100" },
	{ "no dest", NULL, MSG_TO("sip:bob@203.0.113.10", "<sip:bob@203.0.113.10>"), VERDICT_PASS, SR_NO_DEST, 0,
	  "12155550112", NULL, { PAI_112 }, { "Identity: e" } },
	{ "marks from outside are stripped", NULL, MSG(FROM, "X-STIR-Result: STIR_VERIFIED\r\nx-stir-y: 1\r\n"
	  "attestation-info: A\r\nOrigination-Id: x\r\nP-Attestation-Indicator: A\r\nP-Origination-ID: x\r\n"),
	  VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", "12155550113", { NULL },
	  { "X-STIR", "x-stir", "ttestation-info", "Origination-Id", "P-Attestation", "P-Origination" } },
	{ "re-INVITE", NULL, MSG_TO(URI, TO ";tag=abc"), VERDICT_PASS, SR_IN_DIALOG, 0, NULL, NULL, { NULL },
	  { "Identity", "P-Asserted" } },
	{ "From that does not parse", NULL, MSG("\"Alice <sip:+12155550112@x>", ""), VERDICT_PASS, SR_ADDRESS_SYNTAX, 0,
	  NULL, NULL, { NULL }, { "Identity" } },
	{ "observe: original bytes", t_observe, MSG(FROM, ""), VERDICT_PASS, SR_OBSERVE, 'A', "12155550112",
	  "12155550113", { NULL }, { "Identity", "P-Asserted", "Date" } },
	{ "regulatory off: original bytes", t_reg_off, MSG(FROM, ""), VERDICT_PASS, SR_SIGNER_REGULATORY_OFF, 0, NULL,
	  NULL, { NULL }, { "Identity", "P-Asserted", "Date" } },
	{ "emergency: dest is the urn", NULL, EMERGENCY(FROM, ""), VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", NULL,
	  { PAI_112, "Identity: e" }, { "Privacy" } },
	{ "emergency: nothing is stripped", NULL, EMERGENCY(ANON, "Privacy: id\r\nX-STIR-A: 1\r\n"
	  "P-Asserted-Identity: <sip:+12155550112@theirs>\r\nP-Preferred-Identity: <sip:+12155550112@x>\r\n"
	  "Remote-Party-ID: <sip:+12155550112@x>\r\n"), VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", NULL,
	  { "X-STIR-A", "@theirs", "P-Preferred", "Remote-Party", "Privacy: id" } },
	{ "emergency by number: never refused", t_out_reject_sos, MSG_TO("sip:911@203.0.113.10", "<sip:911@x>"),
	  VERDICT_PASS, SR_EMERGENCY_PASSED_LATE, 0, "12155550112", "911", { NULL }, { "Identity: e" } },
	{ "emergency, unsignable: never refused", t_reject, EMERGENCY("<sip:alice@x>", ""), VERDICT_PASS,
	  SR_EMERGENCY_PASSED_LATE, 0,
	  NULL, NULL },
	{ "emergency by number: rules do not touch it", t_rule_1, MSG_TO("sip:112@203.0.113.10", "<sip:112@x>"),
	  VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", "112" },
	{ "emergency: a URN that no claim can hold", NULL, MSG_TO("urn:service:sos.\xe9", "<urn:service:sos>"), VERDICT_PASS,
	  SR_NO_DEST, 0, "12155550112", NULL, { PAI_112 }, { "Identity: e" } },
	{ "911 with a further digit is no emergency", t_out_reject_sos, MSG_TO("sip:9111@203.0.113.10", "<sip:9111@x>"),
	  VERDICT_REJECT, SR_NUMBER_REFUSED, 0, "12155550112", "9111" },
	{ "origid per call", t_call_origid, MSG(FROM, ""), VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", "12155550113" },
	{ "trust: any shaken row", t_trust, MSG(FROM, "Identity: a.b.c;info=<https://x/y>;alg=ES256;ppt=\"shaken\"\r\n"),
	  VERDICT_PASS, SR_ALREADY_SIGNED, 0, "12155550112", "12155550113", { "Identity: a.b.c", PAI_112 }, { "Identity: e" } },
	{ "check: a row that cannot be read does not count", NULL,
	  MSG(FROM, "Identity: a.b.c;info=<https://x/y>;alg=ES256;ppt=shaken\r\n"), VERDICT_SIGN, SR_SIGNED, 'A',
	  "12155550112", "12155550113", { "Identity: a.b.c", "Identity: e" } },
	{ "ignore: a second row", t_ignore, MSG(FROM, "y: a.b.c;info=<https://x/y>;ppt=shaken\r\n"), VERDICT_SIGN,
	  SR_SIGNED, 'A', "12155550112", "12155550113", { "y: a.b.c", "Identity: e" } },
};

static void test_cases(void **state)
{
	(void)state;
	cases_run(cases, ARRAY_SIZE(cases));
}

/* The Identity's payload says what the call says. */
static void test_claims(void **state)
{
	static const char want[] = "{\"attest\":\"A\",\"dest\":{\"uri\":[\"urn:service:sos\"]},\"iat\":1767225600,"
				   "\"orig\":{\"tn\":\"12155550112\"},\"origid\":\"123e4567-e89b-42d3-a456-426655440000\"}";
	static struct world w;
	char json[512];
	const char *p, *q;
	ssize_t n;

	(void)state;
	world_new(&w, NULL);
	world_run(&w, EMERGENCY(FROM, ""), strlen(EMERGENCY(FROM, "")));
	p = memmem(w.bytes, w.len, "Identity: eyJ", 13);
	assert_non_null(p);
	p = strchr(p, '.') + 1;
	q = strchr(p, '.');
	n = b64url_parse(slice_of(p, (size_t)(q - p)), json, sizeof(json));
	assert_int_equal(n, sizeof(want) - 1);
	assert_memory_equal(json, want, sizeof(want) - 1);
	world_free(&w);
}

static void test_unknown_trunk(void **state)
{
	static struct world w;
	struct engine_input in = { .datagram = SLICE(MSG(FROM, "")), .trunk = 99 };

	(void)state;
	world_new(&w, NULL);
	in.policy = w.policy;
	engine_run(w.engine, &w.env, &in, &w.out);
	assert_int_equal(w.out.verdict, VERDICT_DROP);
	assert_int_equal(w.out.reason, SR_UNKNOWN_TRUNK);
	world_free(&w);
}

/* The same refusal for every copy, another tag for another call. */
static void test_response_tag(void **state)
{
	static struct world w;
	static char first[70000];
	size_t len;

	(void)state;
	world_new(&w, t_out_reject);
	world_run(&w, MSG(FROM, ""), strlen(MSG(FROM, "")));
	memcpy(first, w.bytes, w.len);
	len = w.len;
	world_run(&w, MSG(FROM, ""), strlen(MSG(FROM, "")));
	assert_int_equal(w.len, len);
	assert_memory_equal(w.bytes, first, len);
	world_run(&w, MSG(FROM, "Subject: x\r\n"), strlen(MSG(FROM, "Subject: x\r\n")));
	assert_memory_not_equal(w.bytes, first, len);
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_claims),
		cmocka_unit_test(test_unknown_trunk),
		cmocka_unit_test(test_response_tag),
	};

	return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
