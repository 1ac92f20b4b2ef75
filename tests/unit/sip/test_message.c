/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard.h"

#include <errno.h>

#include "base/cleanup.h"
#include "sip/message.h"
#include "walk.h"

#define LINE "INVITE sip:+12155550113@example.com SIP/2.0\r\n"
#define VIA  "Via: SIP/2.0/UDP 10.0.0.5;branch=z9hG4bK1\r\n"
#define FROM "From: <sip:+12155550112@pbx.example.com>;tag=a\r\n"
#define TO   "To: <sip:+12155550113@example.com>\r\n"
#define ID   "Call-ID: 1@pbx\r\n"
#define CSEQ "CSeq: 1 INVITE\r\n"
#define BASE VIA FROM TO ID CSEQ
#define END  "\r\n"

static const struct {
	const char *name, *in;
	enum sipseal_reason want;
	const char *body;   /* of what is accepted */
} cases[] = {
	{ "plain", LINE BASE END, SR_NONE, "" },
	{ "body to the end of the datagram", LINE BASE END "v=0\r\n", SR_NONE, "v=0\r\n" },
	{ "body with LF, CR and blanks", LINE BASE END "\na\r b\n", SR_NONE, "\na\r b\n" },
	{ "content-length", LINE BASE "Content-Length: 5\r\n" END "v=0\r\n", SR_NONE, "v=0\r\n" },
	{ "content-length 0", LINE BASE "l:0\r\n" END, SR_NONE, "" },
	{ "content-length folded", LINE BASE "Content-Length  :\r\n \t 0005 \r\n" END "v=0\r\n",
	  SR_NONE, "v=0\r\n" },
	{ "content-length too short", LINE BASE "Content-Length: 4\r\n" END "v=0\r\n",
	  SR_BODY_LENGTH },
	{ "content-length too long", LINE BASE "Content-Length: 6\r\n" END "v=0\r\n",
	  SR_BODY_LENGTH },
	{ "content-length negative", LINE BASE "Content-Length: -5\r\n" END "v=0\r\n",
	  SR_BODY_LENGTH },
	{ "content-length with plus", LINE BASE "Content-Length: +5\r\n" END "v=0\r\n",
	  SR_BODY_LENGTH },
	{ "content-length hex", LINE BASE "Content-Length: 0x5\r\n" END "v=0\r\n", SR_BODY_LENGTH },
	{ "content-length empty", LINE BASE "Content-Length:\r\n" END, SR_BODY_LENGTH },
	{ "content-length two numbers", LINE BASE "Content-Length: 5, 5\r\n" END "v=0\r\n",
	  SR_BODY_LENGTH },
	{ "content-length 2^32 + 5", LINE BASE "Content-Length: 4294967301\r\n" END "v=0\r\n",
	  SR_BODY_LENGTH },
	{ "content-length 2^64 + 5",
	  LINE BASE "Content-Length: 18446744073709551621\r\n" END "v=0\r\n",
	  SR_BODY_LENGTH },
	{ "content-length twice", LINE BASE "l: 0\r\nContent-Length: 0\r\n" END,
	  SR_DUPLICATE_HEADER },

	{ "leading CRLFs", "\r\n\r\n\r\n" LINE BASE END, SR_NONE, "" },
	{ "leading LF", "\n" LINE BASE END, SR_BARE_LF },
	{ "leading CR", "\r" LINE BASE END, SR_START_LINE },
	{ "leading blank", " " LINE BASE END, SR_START_LINE },
	{ "nothing", "", SR_INCOMPLETE },
	{ "keep-alive", "\r\n\r\n", SR_INCOMPLETE },
	{ "request line without end", "INVITE sip:a@b SIP/2.0", SR_INCOMPLETE },

	{ "version in lower case", "INVITE sip:a@b sip/2.0\r\n" BASE END, SR_NONE, "" },
	{ "version 3.0", "INVITE sip:a@b SIP/3.0\r\n" BASE END, SR_START_LINE },
	{ "version 2.00", "INVITE sip:a@b SIP/2.00\r\n" BASE END, SR_START_LINE },
	{ "no version", "INVITE sip:a@b\r\n" BASE END, SR_START_LINE },
	{ "no uri", "INVITE SIP/2.0\r\n" BASE END, SR_START_LINE },
	{ "two blanks before the uri", "INVITE  sip:a@b SIP/2.0\r\n" BASE END, SR_START_LINE },
	{ "two blanks after the uri", "INVITE sip:a@b  SIP/2.0\r\n" BASE END, SR_START_LINE },
	{ "blank at the end", "INVITE sip:a@b SIP/2.0 \r\n" BASE END, SR_START_LINE },
	{ "tab", "INVITE\tsip:a@b SIP/2.0\r\n" BASE END, SR_START_LINE },
	{ "blank in the uri", "INVITE sip:a@b; lr SIP/2.0\r\n" BASE END, SR_START_LINE },
	{ "brackets around the uri", "INVITE <sip:a@b> SIP/2.0\r\n" BASE END, SR_START_LINE },
	{ "folded request line", "INVITE\r\n sip:a@b SIP/2.0\r\n" BASE END, SR_START_LINE },
	{ "lone CR in the request line", "INVITE sip:a@b\r SIP/2.0\r\n" BASE END, SR_START_LINE },
	{ "bare LF after the request line", "INVITE sip:a@b SIP/2.0\n" BASE END, SR_BARE_LF },
	{ "lower-case method", "invite sip:a@b SIP/2.0\r\n" BASE END, SR_NOT_INVITE },
	{ "other method", "OPTIONS sip:a@b SIP/2.0\r\n" BASE END, SR_NOT_INVITE },
	{ "longer method", "INVITES sip:a@b SIP/2.0\r\n" BASE END, SR_NOT_INVITE },
	{ "response", "SIP/2.0 200 OK\r\n" BASE END, SR_NOT_INVITE },
	{ "response in lower case", "sip/2.0 200 OK\r\n" BASE END, SR_NOT_INVITE },
	{ "no method", "@ sip:a@b SIP/2.0\r\n" BASE END, SR_START_LINE },

	{ "compact, odd case",
	  LINE "v: SIP/2.0/UDP h\r\nF: <sip:a@b>\r\nt:<sip:c@d>\r\nI: 1\r\ncSEQ:1 INVITE\r\n" END,
	  SR_NONE, "" },
	{ "blanks before the colon", LINE VIA FROM "To \t : <sip:a@b>\r\n" ID CSEQ END, SR_NONE,
	  "" },
	{ "fold before the colon", LINE VIA FROM "To\r\n : <sip:a@b>\r\n" ID CSEQ END,
	  SR_HEADER_SYNTAX },
	{ "folds after the colon",
	  LINE VIA FROM "To:\r\n\t\r\n <sip:a@b>\r\n\t;x=1\r\n" ID CSEQ END, SR_NONE, "" },
	{ "blank-only fold at the end", LINE BASE "Subject: a\r\n \r\n" END, SR_NONE, "" },
	{ "first row starts with a blank", LINE " X: 1\r\n" BASE END, SR_HEADER_SYNTAX },
	{ "row without colon", LINE BASE "X-Foo\r\n" END, SR_HEADER_SYNTAX },
	{ "row without name", LINE BASE ": 1\r\n" END, SR_HEADER_SYNTAX },
	{ "blank in the name", LINE BASE "X Foo: 1\r\n" END, SR_HEADER_SYNTAX },
	{ "name that is no token", LINE BASE "X(Foo): 1\r\n" END, SR_HEADER_SYNTAX },
	{ "name in UTF-8", LINE BASE "\xc3\xbc: 1\r\n" END, SR_HEADER_SYNTAX },
	{ "odd token name", LINE BASE "!%*_+`'~.x-: 1\r\n" END, SR_NONE, "" },
	{ "empty unknown row", LINE BASE "X-Foo:\r\n" END, SR_NONE, "" },
	{ "lone CR in a row", LINE BASE "X-Foo: a\rb\r\n" END, SR_HEADER_SYNTAX },
	{ "CR CR LF", LINE BASE "X-Foo: a\r\r\n" END, SR_HEADER_SYNTAX },
	{ "bare LF in a row", LINE BASE "X-Foo: a\n" END, SR_BARE_LF },
	{ "bare LF in a fold", LINE BASE "X-Foo: a\n b\r\n" END, SR_BARE_LF },
	{ "bare LF as the empty line", LINE BASE "\n", SR_BARE_LF },
	{ "LF LF", "INVITE sip:a@b SIP/2.0\nVia: x\n\n", SR_BARE_LF },

	{ "ends after the request line", LINE, SR_INCOMPLETE },
	{ "ends after a row", LINE BASE, SR_INCOMPLETE },
	{ "ends in a row", LINE BASE "X-Foo: a", SR_INCOMPLETE },
	{ "ends in a CRLF", LINE BASE "\r", SR_INCOMPLETE },
	{ "ends in a fold", LINE BASE "X-Foo: a\r\n ", SR_INCOMPLETE },

	{ "no via", LINE FROM TO ID CSEQ END, SR_MISSING_HEADER },
	{ "no from", LINE VIA TO ID CSEQ END, SR_MISSING_HEADER },
	{ "no to", LINE VIA FROM ID CSEQ END, SR_MISSING_HEADER },
	{ "no call-id", LINE VIA FROM TO CSEQ END, SR_MISSING_HEADER },
	{ "no cseq", LINE VIA FROM TO ID END, SR_MISSING_HEADER },
	{ "no headers", LINE END, SR_MISSING_HEADER },
	{ "empty from", LINE VIA "From: \r\n" TO ID CSEQ END, SR_HEADER_SYNTAX },
	{ "empty to", LINE VIA FROM "To:\r\n" ID CSEQ END, SR_HEADER_SYNTAX },
	{ "empty call-id", LINE VIA FROM TO "i:\r\n" CSEQ END, SR_HEADER_SYNTAX },
	{ "empty cseq", LINE VIA FROM TO ID "CSeq:\r\n \r\n" END, SR_HEADER_SYNTAX },
	{ "empty via", LINE "Via:\r\n" FROM TO ID CSEQ END, SR_HEADER_SYNTAX },
	{ "two from", LINE BASE "f: <sip:x@y>\r\n" END, SR_DUPLICATE_HEADER },
	{ "two to", LINE BASE TO END, SR_DUPLICATE_HEADER },
	{ "two call-id", LINE BASE ID END, SR_DUPLICATE_HEADER },
	{ "two cseq", LINE BASE CSEQ END, SR_DUPLICATE_HEADER },
	{ "two max-forwards", LINE BASE "Max-Forwards: 70\r\nMAX-FORWARDS: 70\r\n" END,
	  SR_DUPLICATE_HEADER },
	{ "two content-type", LINE BASE "c: a/b\r\nContent-Type: a/b\r\n" END,
	  SR_DUPLICATE_HEADER },
	{ "two date", LINE BASE "Date: a\r\nDate: a\r\n" END, SR_DUPLICATE_HEADER },
	{ "two contact, two via, two identity",
	  LINE BASE "m: <sip:a@b>\r\nm: <sip:a@b>\r\n" VIA "y: a\r\ny: b\r\n" END,
	  SR_NONE, "" },

	{ "cseq with zeros and folds", LINE VIA FROM TO ID "CSeq: 0009\r\n\t INVITE\r\n" END,
	  SR_NONE, "" },
	{ "cseq 2^31 - 1", LINE VIA FROM TO ID "CSeq: 2147483647 INVITE\r\n" END, SR_NONE, "" },
	{ "cseq 2^31", LINE VIA FROM TO ID "CSeq: 2147483648 INVITE\r\n" END, SR_CSEQ },
	{ "cseq 2^64 + 1", LINE VIA FROM TO ID "CSeq: 18446744073709551617 INVITE\r\n" END,
	  SR_CSEQ },
	{ "cseq other method", LINE VIA FROM TO ID "CSeq: 1 OPTIONS\r\n" END, SR_CSEQ },
	{ "cseq lower case", LINE VIA FROM TO ID "CSeq: 1 invite\r\n" END, SR_CSEQ },
	{ "cseq no blank", LINE VIA FROM TO ID "CSeq: 1INVITE\r\n" END, SR_CSEQ },
	{ "cseq no number", LINE VIA FROM TO ID "CSeq: INVITE\r\n" END, SR_CSEQ },
	{ "cseq no method", LINE VIA FROM TO ID "CSeq: 1\r\n" END, SR_CSEQ },
	{ "cseq negative", LINE VIA FROM TO ID "CSeq: -1 INVITE\r\n" END, SR_CSEQ },
	{ "cseq with more", LINE VIA FROM TO ID "CSeq: 1 INVITE x\r\n" END, SR_CSEQ },
};

static void test_cases(void **state)
{
	static struct sip_message m;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct guard g = guard_new(cases[i].in, strlen(cases[i].in));
		enum sipseal_reason r = sip_message_parse(g.p, g.len, &m);

		if (r != cases[i].want)
			fail_msg("%s: %s, want %s", cases[i].name, reason_token(r),
				reason_token(cases[i].want));
		if (r == SR_NONE && !slice_eq(m.body, slice_str(cases[i].body)))
			fail_msg("%s: body '%.*s'", cases[i].name, (int)m.body.len, m.body.p);
		assert_int_equal(walk_bytes(g.p, g.len), cases[i].want);
		guard_free(&g);
	}
}

/* Every prefix of a message is refused without a byte too far, and none is taken for the whole. */
static void test_prefixes(void **state)
{
	static const char msg[] = "\r\n"
		LINE BASE "X: a\r\n b\r\nContent-Length: 5\r\n" END "v=0\r\n";
	static struct sip_message m;

	(void)state;
	for (size_t len = 0; len < sizeof(msg) - 1; len++) {
		struct guard g = guard_new(msg, len);
		enum sipseal_reason want = len < sizeof(msg) - 1 - 5 ? SR_INCOMPLETE
								     : SR_BODY_LENGTH;

		if (sip_message_parse(g.p, len, &m) != want)
			fail_msg("%zu bytes: not %s", len, reason_token(want));
		guard_free(&g);
	}
}

static void test_slices(void **state)
{
	static const char msg[] = "\r\n\r\nINVITE sip:a@b;x=1 SIP/2.0\r\n" VIA
		"fRoM\t :  \"A\"\r\n  <sip:a@b>;tag=1 \t\r\n" TO ID CSEQ
		"y: one\r\nIdentity: two\r\n" END "body";
	static struct sip_message m;
	const struct sip_row *row;

	(void)state;
	assert_int_equal(sip_message_parse(msg, sizeof(msg) - 1, &m), SR_NONE);
	assert_int_equal(m.start_off, 4);
	assert_true(slice_eq(m.method, SLICE("INVITE")));
	assert_true(slice_eq(m.request_uri, SLICE("sip:a@b;x=1")));
	assert_true(slice_eq(m.version, SLICE("SIP/2.0")));
	assert_int_equal(m.row_cnt, 7);
	assert_int_equal(m.headers_end, sizeof(msg) - 1 - 6);
	assert_true(slice_eq(m.body, SLICE("body")));

	row = sip_message_first(&m, SIP_H_FROM);
	assert_true(slice_eq(row->name, SLICE("fRoM")));
	assert_true(slice_eq(row->value, SLICE("\"A\"\r\n  <sip:a@b>;tag=1")));
	assert_true(slice_eq(row->line, SLICE("fRoM\t :  \"A\"\r\n  <sip:a@b>;tag=1 \t\r\n")));
	assert_int_equal(sip_offset(&m, row->line), strstr(msg, "fRoM") - msg);

	row = sip_message_first(&m, SIP_H_IDENTITY);
	assert_true(slice_eq(row->value, SLICE("one")));
	row = sip_message_next(&m, row);
	assert_true(row && slice_eq(row->value, SLICE("two")));
	assert_null(sip_message_next(&m, row));
	assert_null(sip_message_first(&m, SIP_H_PAI));
}

static void test_header_id(void **state)
{
	static const struct { const char *name; enum sip_header id; } names[] = {
		{ "Via", SIP_H_VIA }, { "v", SIP_H_VIA }, { "VIA", SIP_H_VIA },
		{ "From", SIP_H_FROM }, { "f", SIP_H_FROM }, { "To", SIP_H_TO }, { "T", SIP_H_TO },
		{ "Call-ID", SIP_H_CALL_ID }, { "call-id", SIP_H_CALL_ID }, { "i", SIP_H_CALL_ID },
		{ "CSeq", SIP_H_CSEQ }, { "Max-Forwards", SIP_H_MAX_FORWARDS },
		{ "Contact", SIP_H_CONTACT }, { "m", SIP_H_CONTACT }, { "Date", SIP_H_DATE },
		{ "Identity", SIP_H_IDENTITY }, { "Y", SIP_H_IDENTITY },
		{ "P-Asserted-Identity", SIP_H_PAI }, { "P-Preferred-Identity", SIP_H_PPI },
		{ "Remote-Party-ID", SIP_H_RPID }, { "Privacy", SIP_H_PRIVACY },
		{ "Geolocation", SIP_H_GEOLOCATION },
		{ "Geolocation-Routing", SIP_H_GEOLOCATION_ROUTING },
		{ "Authorization", SIP_H_AUTHORIZATION },
		{ "Proxy-Authorization", SIP_H_PROXY_AUTHORIZATION },
		{ "Content-Length", SIP_H_CONTENT_LENGTH }, { "l", SIP_H_CONTENT_LENGTH },
		{ "Content-Type", SIP_H_CONTENT_TYPE }, { "c", SIP_H_CONTENT_TYPE },
		{ "Content-Encoding", SIP_H_CONTENT_ENCODING }, { "e", SIP_H_CONTENT_ENCODING },
		{ "Content-Disposition", SIP_H_CONTENT_DISPOSITION },
		{ "Content-Language", SIP_H_CONTENT_LANGUAGE }, { "Content-ID", SIP_H_CONTENT_ID },
		{ "MIME-Version", SIP_H_MIME_VERSION }, { "Priority", SIP_H_PRIORITY },
		{ "Resource-Priority", SIP_H_RESOURCE_PRIORITY }, { "X-STIR-Result", SIP_H_MARK },
		{ "x-stir-", SIP_H_MARK }, { "X-Stir-Foo", SIP_H_MARK },
		{ "Attestation-Info", SIP_H_MARK }, { "ORIGINATION-ID", SIP_H_MARK },
		{ "P-Attestation-Indicator", SIP_H_MARK }, { "P-Origination-ID", SIP_H_MARK },
		{ "X-STIR", SIP_H_OTHER }, { "X-STI-R", SIP_H_OTHER }, { "n", SIP_H_OTHER },
		{ "Identity-Info", SIP_H_OTHER }, { "b", SIP_H_OTHER }, { "Vi", SIP_H_OTHER },
		{ "Vias", SIP_H_OTHER }, { "", SIP_H_OTHER }, { "Call\rID", SIP_H_OTHER },
		{ "-", SIP_H_OTHER }, { "\xd6", SIP_H_OTHER }, { "@", SIP_H_OTHER },
		{ "[", SIP_H_OTHER }, { "{", SIP_H_OTHER },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct guard g = guard_new(names[i].name, strlen(names[i].name));

		if (sip_header_id(slice_of(g.p, g.len)) != names[i].id)
			fail_msg("%s: not %d", names[i].name, names[i].id);
		guard_free(&g);
	}
}

/* @rows copies of @row behind the request line, the needed headers, and @body bytes of body. */
static enum sipseal_reason parse_big(const char *row, unsigned rows, size_t body)
{
	static struct sip_message m;
	static char buf[2 * SIP_MESSAGE_MAX];
	size_t len = strlen(strcpy(buf, LINE));
	enum sipseal_reason r;
	struct guard g;

	for (unsigned i = 0; i < rows; i++)
		len += strlen(strcpy(buf + len, row));
	len += strlen(strcpy(buf + len, BASE END));
	memset(buf + len, 'x', body);
	g = guard_new(buf, len + body);
	r = sip_message_parse(g.p, g.len, &m);
	guard_free(&g);
	return r;
}

static void test_limits(void **state)
{
	const size_t fixed = strlen(LINE BASE END);

	(void)state;
	assert_int_equal(parse_big("X: 1\r\n", SIP_ROWS_MAX - 5, 0), SR_NONE);
	assert_int_equal(parse_big("X: 1\r\n", SIP_ROWS_MAX - 4, 0), SR_HEADER_LIMIT);
	assert_int_equal(parse_big(VIA, SIP_VIA_MAX - 1, 0), SR_NONE);
	assert_int_equal(parse_big(VIA, SIP_VIA_MAX, 0), SR_HEADER_LIMIT);
	assert_int_equal(parse_big("", 0, SIP_MESSAGE_MAX - fixed), SR_NONE);
	assert_int_equal(parse_big("", 0, SIP_MESSAGE_MAX - fixed + 1), SR_HEADER_LIMIT);
}

static void test_nul(void **state)
{
	static const char in_row[] = LINE BASE "X: a\0b\r\n" END;
	static const char in_line[] = "INVITE sip:a\0@b SIP/2.0\r\n" BASE END;
	static const char in_body[] = LINE BASE END "a\0b";
	static struct sip_message m;

	(void)state;
	assert_int_equal(sip_message_parse(in_row, sizeof(in_row) - 1, &m), SR_HEADER_SYNTAX);
	assert_int_equal(sip_message_parse(in_line, sizeof(in_line) - 1, &m), SR_START_LINE);
	assert_int_equal(sip_message_parse(in_body, sizeof(in_body) - 1, &m), SR_NONE);
	assert_int_equal(m.body.len, 3);
	assert_int_equal(sip_message_parse(NULL, 0, &m), SR_INCOMPLETE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases), cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_slices), cmocka_unit_test(test_header_id),
		cmocka_unit_test(test_limits), cmocka_unit_test(test_nul),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
