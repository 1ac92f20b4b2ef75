/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard.h"

#include <errno.h>

#include "base/cleanup.h"
#include "sip/response.h"

#define LINE "INVITE sip:+12155550113@example.com SIP/2.0\r\n"
#define REST "From: \"A\" <sip:a@b>;tag=a\r\nCall-ID: 1@pbx\r\nCSeq: 1 INVITE\r\n"
#define TO   "To: <sip:c@d>\r\n"
#define TO_T "To: <sip:c@d>;tag=0123456789abcdef\r\n"
#define END  "Content-Length: 0\r\n\r\n"

static const struct {
	const char *name, *ip, *in;
	const char *out;   /* between the status line and Content-Length; NULL: -EBADMSG */
} cases[] = {
	{ "same host", "10.0.0.5", "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9\r\n" REST TO,
	  "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9\r\n" REST TO_T },
	{ "other host", "192.0.2.7", "Via: SIP/2.0/UDP 10.0.0.5;branch=z9\r\n" REST TO,
	  "Via: SIP/2.0/UDP 10.0.0.5;branch=z9;received=192.0.2.7\r\n" REST TO_T },
	{ "host name", "192.0.2.7", "Via: SIP/2.0/UDP pbx.example.com\r\n" REST TO,
	  "Via: SIP/2.0/UDP pbx.example.com;received=192.0.2.7\r\n" REST TO_T },
	{ "empty rport, same host", "10.0.0.5",
	  "Via: SIP/2.0/UDP 10.0.0.5;rport;branch=z9\r\n" REST TO,
	  "Via: SIP/2.0/UDP 10.0.0.5;rport=5062;branch=z9;received=10.0.0.5\r\n" REST TO_T },
	{ "empty rport at the end", "192.0.2.7",
	  "v:SIP/2.0/UDP 10.0.0.5;branch=z9 ; RPORT  \r\n" REST TO,
	  "v:SIP/2.0/UDP 10.0.0.5;branch=z9 ; RPORT=5062;received=192.0.2.7  \r\n" REST TO_T },
	{ "rport with a value", "10.0.0.5", "Via: SIP/2.0/UDP 10.0.0.5;rport=9\r\n" REST TO,
	  "Via: SIP/2.0/UDP 10.0.0.5;rport=9\r\n" REST TO_T },
	{ "received is there", "192.0.2.7",
	  "Via: SIP/2.0/UDP 10.0.0.5;received=1.2.3.4\r\n" REST TO,
	  "Via: SIP/2.0/UDP 10.0.0.5;received=1.2.3.4\r\n" REST TO_T },
	{ "only the top via", "192.0.2.7",
	  "Via: SIP/2.0/UDP a;rport\r\nv: SIP/2.0/UDP b;rport\r\n" REST TO,
	  "Via: SIP/2.0/UDP a;rport=5062;received=192.0.2.7\r\nv: SIP/2.0/UDP b;rport\r\n"
	  REST TO_T },
	{ "two in a row", "192.0.2.7",
	  "Via: SIP/2.0/UDP a;x=\"1,2\" , SIP/2.0/UDP b;rport\r\n" REST TO,
	  "Via: SIP/2.0/UDP a;x=\"1,2\";received=192.0.2.7 , SIP/2.0/UDP b;rport\r\n" REST TO_T },
	{ "blanks and folds", "192.0.2.7",
	  "Via : SIP / 2.0\r\n / UDP  a.example.com : 4000\r\n\t;rport\r\n" REST TO,
	  "Via : SIP / 2.0\r\n / UDP  a.example.com : 4000\r\n\t;rport=5062;received=192.0.2.7\r\n"
	  REST TO_T },
	{ "ipv6, other spelling", "2001:db8::1",
	  "Via: SIP/2.0/UDP [2001:DB8:0:0::1]:5060\r\n" REST TO,
	  "Via: SIP/2.0/UDP [2001:DB8:0:0::1]:5060\r\n" REST TO_T },
	{ "ipv6, other host", "2001:db8::2", "Via: SIP/2.0/UDP [2001:db8::1]\r\n" REST TO,
	  "Via: SIP/2.0/UDP [2001:db8::1];received=2001:db8::2\r\n" REST TO_T },
	{ "compact, folds, other rows left out", "10.0.0.5",
	  "v: SIP/2.0/UDP 10.0.0.5\r\nMax-Forwards: 70\r\nf:\r\n <sip:a@b>\r\n"
	  "Record-Route: <sip:x>\r\n"
	  "t: sip:c@d \r\ni: 1\r\nCSEQ: 1\r\n INVITE\r\nSubject: x\r\nl: 0\r\n",
	  "v: SIP/2.0/UDP 10.0.0.5\r\nf:\r\n <sip:a@b>\r\n"
	  "t: sip:c@d;tag=0123456789abcdef \r\ni: 1\r\n"
	  "CSEQ: 1\r\n INVITE\r\n" },
	{ "to with a tag", "10.0.0.5", "v: SIP/2.0/UDP 10.0.0.5\r\n" REST "To: <sip:c@d>;TAG=x\r\n",
	  "v: SIP/2.0/UDP 10.0.0.5\r\n" REST "To: <sip:c@d>;TAG=x\r\n" },
	{ "to cannot be parsed", "10.0.0.5", "v: SIP/2.0/UDP 10.0.0.5\r\n" REST "To: <sip:c@d\r\n",
	  NULL },
	{ "two to values", "10.0.0.5",
	  "v: SIP/2.0/UDP 10.0.0.5\r\n" REST "To: <sip:c@d>,<sip:e@f>\r\n", NULL },
	{ "via without host", "10.0.0.5", "Via: SIP/2.0/UDP\r\n" REST TO, NULL },
	{ "via without transport", "10.0.0.5", "Via: SIP/2.0 10.0.0.5\r\n" REST TO, NULL },
	{ "via with empty port", "10.0.0.5", "Via: SIP/2.0/UDP 10.0.0.5:\r\n" REST TO, NULL },
	{ "via with junk", "10.0.0.5", "Via: SIP/2.0/UDP 10.0.0.5 x\r\n" REST TO, NULL },
	{ "via with open bracket", "10.0.0.5", "Via: SIP/2.0/UDP [::1\r\n" REST TO, NULL },
	{ "via with open quote", "10.0.0.5", "Via: SIP/2.0/UDP a;x=\"1\r\n" REST TO, NULL },
};

static void test_cases(void **state)
{
	static struct sip_message m;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sip_response resp = { .code = 403, .phrase = "Forbidden",
			.to_tag = "0123456789abcdef",
					     .source_ip = cases[i].ip, .source_port = 5062 };
		char in[1024], want[1024], out[1024];
		struct guard g, dst;
		ssize_t n;

		snprintf(in, sizeof(in), LINE "%s\r\n", cases[i].in);
		g = guard_new(in, strlen(in));
		assert_int_equal(sip_message_parse(g.p, g.len, &m), SR_NONE);
		n = sip_response_emit(&m, &resp, out, sizeof(out));
		if (cases[i].out) {
			snprintf(want, sizeof(want), "SIP/2.0 403 Forbidden\r\n%s" END,
				cases[i].out);
			if (n != (ssize_t)strlen(want) || memcmp(out, want, n) != 0)
				fail_msg("%s: %zd\n%.*s", cases[i].name, n, n > 0 ? (int)n : 0,
					out);
			dst = guard_new(out, n);
			assert_int_equal(sip_response_emit(&m, &resp, dst.p, n), n);
			assert_int_equal(sip_response_emit(&m, &resp, dst.p, n - 1), -ENOSPC);
			guard_free(&dst);
		} else if (n != -EBADMSG) {
			fail_msg("%s: %zd", cases[i].name, n);
		}
		guard_free(&g);
	}
}

static void test_extra(void **state)
{
	static const char in[] = LINE "v: SIP/2.0/UDP 10.0.0.5\r\n" REST TO "\r\n";
	static const char want[] = "SIP/2.0 503 Service Unavailable\r\nv: SIP/2.0/UDP 10.0.0.5\r\n"
		REST TO_T
		"Retry-After: 5\r\nReason: SIP;cause=503\r\n" END;
	const struct sip_response resp = { .code = 503, .phrase = "Service Unavailable",
		.extra = "Retry-After: 5\r\nReason: SIP;cause=503\r\n",
		.to_tag = "0123456789abcdef",
		.source_ip = "10.0.0.5", .source_port = 5060 };
	static struct sip_message m;
	char out[1024];
	ssize_t n;

	(void)state;
	assert_int_equal(sip_message_parse(in, sizeof(in) - 1, &m), SR_NONE);
	n = sip_response_emit(&m, &resp, out, sizeof(out));
	assert_int_equal(n, sizeof(want) - 1);
	assert_memory_equal(out, want, n);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases),
		cmocka_unit_test(test_extra) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
