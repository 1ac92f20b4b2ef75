/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests of another method, and what makes an INVITE and its CANCEL one transaction. */
#include "guard.h"

#include "base/cleanup.h"
#include "sip/message.h"

#define VIA  "Via: SIP/2.0/UDP 10.0.0.5;branch=z9hG4bK1\r\n"
#define REST "From: <sip:a@b>;tag=a\r\nTo: <sip:c@d>\r\nCall-ID: 1@pbx\r\n"
#define CANCEL(rows, cseq) "CANCEL sip:c@d SIP/2.0\r\n" rows REST "CSeq: " cseq "\r\n\r\n"
#define INVITE(rows, cseq) "INVITE sip:c@d SIP/2.0\r\n" rows REST "CSeq: " cseq "\r\n\r\n"

static void test_method(void **state)
{
	static const struct { const char *name, *in; enum sipseal_reason want; } cases[] = {
		{ "plain", CANCEL(VIA, "1 CANCEL"), SR_NONE },
		{ "leading CRLF", "\r\n" CANCEL(VIA, "1 CANCEL"), SR_NONE },
		{ "the CSeq of the INVITE", CANCEL(VIA, "1 INVITE"), SR_CSEQ },
		{ "INVITE", INVITE(VIA, "1 INVITE"), SR_NOT_INVITE },
		{ "lower case", "cancel sip:c@d SIP/2.0\r\n" VIA REST "CSeq: 1 cancel\r\n\r\n", SR_NOT_INVITE },
		{ "longer", "CANCELS sip:c@d SIP/2.0\r\n" VIA REST "CSeq: 1 CANCELS\r\n\r\n", SR_NOT_INVITE },
		{ "no Via", CANCEL("", "1 CANCEL"), SR_MISSING_HEADER },
		{ "cut", "CANCEL sip:c@d SIP/2.0\r\n" VIA, SR_INCOMPLETE },
	};
	static struct sip_message m;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct guard g = guard_new(cases[i].in, strlen(cases[i].in));
		enum sipseal_reason r = sip_request_parse(g.p, g.len, SLICE("CANCEL"), &m);

		if (r != cases[i].want)
			fail_msg("%s: %s, want %s", cases[i].name, reason_token(r), reason_token(cases[i].want));
		assert_true(sip_message_parse(g.p, g.len, &m) != SR_NONE || r == SR_NOT_INVITE);
		guard_free(&g);
	}
}

static void test_transaction(void **state)
{
	static const struct { const char *name, *in, *branch, *cseq; } cases[] = {
		{ "plain", CANCEL(VIA, "1 CANCEL"), "z9hG4bK1", "1" },
		{ "zeros", CANCEL(VIA, "0017\r\n CANCEL"), "z9hG4bK1", "17" },
		{ "only zeros", CANCEL(VIA, "000 CANCEL"), "z9hG4bK1", "0" },
		{ "the first of two rows", CANCEL("v: SIP/2.0/UDP x;branch=top\r\n" VIA, "1 CANCEL"), "top", "1" },
		{ "the first of two values", CANCEL("Via: SIP/2.0/UDP x;BRANCH = top , SIP/2.0/UDP y;branch=low\r\n",
		  "1 CANCEL"), "top", "1" },
		{ "a value without, another with", CANCEL("Via: SIP/2.0/UDP x, SIP/2.0/UDP y;branch=low\r\n",
		  "1 CANCEL"), NULL, NULL },
		{ "no branch", CANCEL("Via: SIP/2.0/UDP x;rport\r\n", "1 CANCEL"), NULL, NULL },
		{ "empty branch", CANCEL("Via: SIP/2.0/UDP x;branch=\r\n", "1 CANCEL"), NULL, NULL },
		{ "branch without value", CANCEL("Via: SIP/2.0/UDP x;branch\r\n", "1 CANCEL"), NULL, NULL },
		{ "no Via that one could read", CANCEL("Via: x;branch=z9hG4bK1\r\n", "1 CANCEL"), NULL, NULL },
		{ "two branches: the first", CANCEL("Via: SIP/2.0/UDP x;branch=a;branch=b\r\n", "1 CANCEL"), "a", "1" },
	};
	static struct sip_message m;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct guard g = guard_new(cases[i].in, strlen(cases[i].in));
		struct slice branch = SLICE("-"), call_id = SLICE("-"), cseq = SLICE("-");
		bool has;

		assert_int_equal(sip_request_parse(g.p, g.len, SLICE("CANCEL"), &m), SR_NONE);
		has = sip_transaction(&m, &branch, &call_id, &cseq);
		if (has != !!cases[i].branch)
			fail_msg("%s: %d", cases[i].name, has);
		if (!slice_eq(branch, slice_str(has ? cases[i].branch : "-")) ||
		    !slice_eq(call_id, slice_str(has ? "1@pbx" : "-")) ||
		    !slice_eq(cseq, slice_str(has ? cases[i].cseq : "-")))
			fail_msg("%s: %.*s %.*s %.*s", cases[i].name, (int)branch.len, branch.p, (int)call_id.len,
				 call_id.p, (int)cseq.len, cseq.p);
		guard_free(&g);
	}
}

/* An INVITE and its CANCEL say the same. */
static void test_pair(void **state)
{
	static const char invite[] = INVITE(VIA, "007 INVITE"), cancel[] = CANCEL(VIA, "7 CANCEL");
	static struct sip_message a, b;
	struct slice x[3], y[3];

	(void)state;
	assert_int_equal(sip_message_parse(invite, sizeof(invite) - 1, &a), SR_NONE);
	assert_int_equal(sip_request_parse(cancel, sizeof(cancel) - 1, SLICE("CANCEL"), &b), SR_NONE);
	assert_true(sip_transaction(&a, &x[0], &x[1], &x[2]) && sip_transaction(&b, &y[0], &y[1], &y[2]));
	for (unsigned i = 0; i < 3; i++)
		assert_true(slice_eq(x[i], y[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_method), cmocka_unit_test(test_transaction), cmocka_unit_test(test_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
