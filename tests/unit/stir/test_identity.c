/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard.h"

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "stir/passport.h"
#include "vector.h"

#define INFO ";info=<https://a.example/c.pem>"
#define URI  "https://a.example/c.pem"

/* NULL: the parameter is absent */
static const struct {
	const char *name, *in;
	int ret;
	const char *token, *info, *alg, *ppt;
	const char *rest;
} rows[] = {
	{ "usual", "a.b-_.c" INFO ";alg=ES256;ppt=shaken", 1, "a.b-_.c", URI, "ES256", "shaken", "" },
	{ "quoted, other order", "a;ppt=\"shaken\";alg=\"ES256\"" INFO, 1, "a", URI, "ES256", "shaken", "" },
	{ "folded around the separators",
	  "  a\r\n ;\r\n\tinfo\r\n = \r\n <" URI "> \r\n ; alg = ES256 \r\n", 1, "a", URI, "ES256", NULL, "" },
	{ "info only, upper case", "a;INFO=<" URI ">", 1, "a", URI, NULL, NULL, "" },
	{ "no parameters", "a+/b", 1, "a+/b", NULL, NULL, NULL, "" },
	{ "compact form", "..c" INFO, 1, "..c", URI, NULL, NULL, "" },
	{ "two values", "a" INFO " , b" INFO ";ppt=div", 1, "a", URI, NULL, NULL, "b" INFO ";ppt=div" },
	{ "comma and semicolon inside the URI", "a;info=<x:1,2;3=4>;alg=Z", 1, "a", "x:1,2;3=4", "Z", NULL, "" },
	{ "unknown parameters", "a;x;y=1;z=\"q;\\\",\"" INFO ";v=[::1]", 1, "a", URI, NULL, NULL, "" },
	{ "nothing", "", 0, NULL, NULL, NULL, NULL, NULL },
	{ "blanks", " \r\n\t ", 0, NULL, NULL, NULL, NULL, NULL },
	{ "no token", INFO, -EBADMSG, NULL, NULL, NULL, NULL, NULL },
	{ "fold inside the token", "ab\r\n cd" INFO, -EBADMSG, NULL, NULL, NULL, NULL, NULL },
	{ "fold inside the URI", "a;info=<https://a.exa\r\n mple/>", -EBADMSG, NULL, NULL, NULL, NULL, NULL },
	{ "padding", "ab==" INFO, -EBADMSG, NULL, NULL, NULL, NULL, NULL },
	{ "info without brackets", "a;info=" URI, -EBADMSG, NULL, NULL, NULL, NULL, NULL },
	{ "info quoted", "a;info=\"" URI "\"", -EBADMSG, NULL, NULL, NULL, NULL, NULL },
	{ "info open", "a;info=<" URI, -EBADMSG, NULL, NULL, NULL, NULL, NULL },
	{ "info empty", "a;info=<>", -EBADMSG, NULL, NULL, NULL, NULL, NULL },
	{ "info without value", "a;info", -EBADMSG, NULL, NULL, NULL, NULL, NULL },
	{ "info twice", "a" INFO INFO, -EBADMSG, NULL, NULL, NULL, NULL, NULL },
	{ "ppt twice", "a" INFO ";ppt=shaken;ppt=div", -EBADMSG, NULL, NULL, NULL, NULL, NULL },
	{ "quote open", "a" INFO ";ppt=\"shaken", -EBADMSG, NULL, NULL, NULL, NULL, NULL },
	{ "quote ends in a backslash", "a" INFO ";ppt=\"shaken\\", -EBADMSG, NULL, NULL, NULL, NULL, NULL },
	{ "empty parameter", "a;;alg=ES256", -EBADMSG, NULL, NULL, NULL, NULL, NULL },
	{ "parameter without a value behind =", "a;alg=", -EBADMSG, NULL, NULL, NULL, NULL, NULL },
	{ "semicolon at the end", "a" INFO ";", -EBADMSG, NULL, NULL, NULL, NULL, NULL },
	{ "comma at the end", "a" INFO ",", -EBADMSG, NULL, NULL, NULL, NULL, NULL },
	{ "comma in front", ",a" INFO, -EBADMSG, NULL, NULL, NULL, NULL, NULL },
	{ "garbage behind", "a" INFO " x", -EBADMSG, NULL, NULL, NULL, NULL, NULL },
};

static void expect(const char *name, const char *what, struct slice got, const char *want)
{
	if (want ? !got.p || !slice_eq(got, slice_str(want)) : got.p != NULL)
		fail_msg("%s: %s is '%.*s', want '%s'", name, what, (int)got.len, got.p,
			 want ? want : "(absent)");
}

static void test_identity_next(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct guard g = guard_new(rows[i].in, strlen(rows[i].in));
		struct slice in = slice_of(g.p, g.len);
		struct identity id = { .token = SLICE("untouched") };
		int r = identity_next(&in, &id);

		if (r != rows[i].ret)
			fail_msg("%s: returns %d, want %d", rows[i].name, r, rows[i].ret);
		if (r != 1) {
			expect(rows[i].name, "token", id.token, "untouched");
			assert_true(in.p == g.p && in.len == g.len);
		} else {
			expect(rows[i].name, "token", id.token, rows[i].token);
			expect(rows[i].name, "info", id.info, rows[i].info);
			expect(rows[i].name, "alg", id.alg, rows[i].alg);
			expect(rows[i].name, "ppt", id.ppt, rows[i].ppt);
			expect(rows[i].name, "rest", in, rows[i].rest);
		}
		guard_free(&g);
	}
}

static void test_identity_next_ends(void **state)
{
	struct slice in = SLICE("a" INFO ", b" INFO "\r\n");
	struct identity id;

	(void)state;
	assert_int_equal(identity_next(&in, &id), 1);
	assert_int_equal(identity_next(&in, &id), 1);
	expect("second", "token", id.token, "b");
	assert_int_equal(identity_next(&in, &id), 0);
}

/* Token of two JSON texts and a signature of sig_len zero octets. */
static struct guard token_of(const char *header, const char *payload, size_t sig_len)
{
	static const uint8_t zero[256];
	static char buf[4 * PASSPORT_TOKEN_MAX];
	size_t n = 0;

	n += b64url_emit(header, strlen(header), buf, sizeof(buf));
	buf[n++] = '.';
	n += b64url_emit(payload, strlen(payload), buf + n, sizeof(buf) - n);
	buf[n++] = '.';
	n += b64url_emit(zero, sig_len, buf + n, sizeof(buf) - n);
	return guard_new(buf, n);
}

#define H  VECTOR_HEADER
#define P  VECTOR_PAYLOAD
#define HB(ppt) "{\"alg\":\"ES256\"," ppt "\"typ\":\"passport\",\"x5u\":\"u\"}"
#define DEST "\"dest\":{\"tn\":[\"2\"]}"
#define ORIG "\"orig\":{\"tn\":\"1\"}"
#define TAIL "\"iat\":1,\"attest\":\"A\",\"origid\":\"o\"}"
#define N31 "1234567890123456789012345678901"

static const struct {
	const char *name, *header, *payload;
	int ret;
} tokens[] = {
	{ "example", H, P, 0 },
	{ "white space and order", " {\"x5u\":\"u\", \"typ\":\"passport\",\n\"alg\":\"ES256\"} ",
	  "{ " ORIG " , " DEST ", \"iat\": 1 }\n", 0 },
	{ "extra claims", H, "{\"mky\":[],\"rcd\":{\"nam\":\"x\"}," ORIG "," DEST "," TAIL, 0 },
	{ "uris", H, "{\"orig\":{\"uri\":\"sip:a@b\"},\"dest\":{\"uri\":[\"sip:c\"]}," TAIL, 0 },
	{ "longest number", H, "{\"orig\":{\"tn\":\"" N31 "\"}," DEST "," TAIL, 0 },
	{ "number too long", H, "{\"orig\":{\"tn\":\"" N31 "2\"}," DEST "," TAIL, -E2BIG },
	{ "no ppt, no attest", HB(""), "{" ORIG "," DEST ",\"iat\":1}", 0 },
	{ "shaken without attest", H, "{" ORIG "," DEST ",\"iat\":1,\"origid\":\"o\"}", -EBADMSG },
	{ "shaken without origid", H, "{" ORIG "," DEST ",\"iat\":1,\"attest\":\"A\"}", -EBADMSG },
	{ "header is an array", "[]", P, -EBADMSG },
	{ "header is no JSON", "alg", P, -EBADMSG },
	{ "header is empty", "", P, -EBADMSG },
	{ "header twice", H H, P, -EBADMSG },
	{ "alg twice", "{\"alg\":\"none\",\"alg\":\"ES256\",\"typ\":\"p\",\"x5u\":\"u\"}", P, -EBADMSG },
	{ "alg missing", "{\"typ\":\"passport\",\"x5u\":\"u\"}", P, -EBADMSG },
	{ "typ missing", "{\"alg\":\"ES256\",\"x5u\":\"u\"}", P, -EBADMSG },
	{ "x5u missing", "{\"alg\":\"ES256\",\"typ\":\"passport\"}", P, -EBADMSG },
	{ "x5u a number", "{\"alg\":\"ES256\",\"typ\":\"passport\",\"x5u\":1}", P, -EBADMSG },
	{ "ppt null", HB("\"ppt\":null,"), P, -EBADMSG },
	{ "alg too long", "{\"alg\":\"ES256ES256ES256x\",\"typ\":\"p\",\"x5u\":\"u\"}", P, -E2BIG },
	{ "NUL in a string", HB("\"ppt\":\"shaken\\u0000x\","), P, -EBADMSG },
	{ "bad UTF-8", HB("\"ppt\":\"\xff\","), P, -EBADMSG },
	{ "claims are a string", H, "\"x\"", -EBADMSG },
	{ "claims are cut", H, "{" ORIG, -EBADMSG },
	{ "iat twice", H, "{\"iat\":2," ORIG "," DEST "," TAIL, -EBADMSG },
	{ "iat a string", H, "{" ORIG "," DEST ",\"iat\":\"1\",\"attest\":\"A\",\"origid\":\"o\"}", -EBADMSG },
	{ "iat with a fraction", H, "{" ORIG "," DEST ",\"iat\":1.5,\"attest\":\"A\",\"origid\":\"o\"}", -EBADMSG },
	{ "iat negative", H, "{" ORIG "," DEST ",\"iat\":-1,\"attest\":\"A\",\"origid\":\"o\"}", -EBADMSG },
	{ "iat over 63 bits", H,
	  "{" ORIG "," DEST ",\"iat\":99999999999999999999,\"attest\":\"A\",\"origid\":\"o\"}", -EBADMSG },
	{ "iat missing", H, "{" ORIG "," DEST ",\"attest\":\"A\",\"origid\":\"o\"}", -EBADMSG },
	{ "orig missing", H, "{" DEST "," TAIL, -EBADMSG },
	{ "orig a string", H, "{\"orig\":\"1\"," DEST "," TAIL, -EBADMSG },
	{ "orig an array of numbers", H, "{\"orig\":{\"tn\":[\"1\"]}," DEST "," TAIL, -EBADMSG },
	{ "orig tn and uri", H, "{\"orig\":{\"tn\":\"1\",\"uri\":\"x\"}," DEST "," TAIL, -EBADMSG },
	{ "orig empty", H, "{\"orig\":{}," DEST "," TAIL, -EBADMSG },
	{ "orig empty number", H, "{\"orig\":{\"tn\":\"\"}," DEST "," TAIL, -EBADMSG },
	{ "dest missing", H, "{" ORIG "," TAIL, -EBADMSG },
	{ "dest an array", H, "{\"dest\":[\"2\"]," ORIG "," TAIL, -EBADMSG },
	{ "dest tn a string", H, "{\"dest\":{\"tn\":\"2\"}," ORIG "," TAIL, -EBADMSG },
	{ "dest tn empty", H, "{\"dest\":{\"tn\":[]}," ORIG "," TAIL, -EBADMSG },
	{ "dest tn of integers", H, "{\"dest\":{\"tn\":[2]}," ORIG "," TAIL, -EBADMSG },
	{ "dest uri of integers", H, "{\"dest\":{\"uri\":[2]}," ORIG "," TAIL, -EBADMSG },
	{ "dest uri empty", H, "{\"dest\":{\"tn\":[\"2\"],\"uri\":[]}," ORIG "," TAIL, -EBADMSG },
	{ "attest D", H, "{" ORIG "," DEST ",\"iat\":1,\"attest\":\"D\",\"origid\":\"o\"}", -EBADMSG },
	{ "attest AA", H, "{" ORIG "," DEST ",\"iat\":1,\"attest\":\"AA\",\"origid\":\"o\"}", -EBADMSG },
	{ "attest empty", H, "{" ORIG "," DEST ",\"iat\":1,\"attest\":\"\",\"origid\":\"o\"}", -EBADMSG },
	{ "origid a number", H, "{" ORIG "," DEST ",\"iat\":1,\"attest\":\"A\",\"origid\":1}", -EBADMSG },
};

static void test_passport_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tokens); i++) {
		struct guard g = token_of(tokens[i].header, tokens[i].payload, PASSPORT_SIG_LEN);
		struct passport_parsed p = { .origid = "untouched" };
		int r = passport_parse(slice_of(g.p, g.len), &p);

		if (r != tokens[i].ret)
			fail_msg("%s: returns %d, want %d", tokens[i].name, r, tokens[i].ret);
		if (r < 0)
			assert_string_equal(p.origid, "untouched");
		guard_free(&g);
	}
}

static void test_passport_parse_values(void **state)
{
	struct guard g = guard_new(VECTOR_TOKEN, strlen(VECTOR_TOKEN));
	struct passport_parsed p;

	(void)state;
	assert_int_equal(passport_parse(slice_of(g.p, g.len), &p), 0);
	assert_string_equal(p.alg, "ES256");
	assert_string_equal(p.ppt, "shaken");
	assert_string_equal(p.typ, "passport");
	assert_string_equal(p.x5u, VECTOR_X5U);
	assert_int_equal(p.attest, 'A');
	assert_string_equal(p.orig_tn, "12155550112");
	assert_int_equal(p.dest_tn_cnt, 1);
	assert_string_equal(p.dest_tn[0], "12155550113");
	assert_string_equal(p.dest_uri, "");
	assert_int_equal(p.iat, VECTOR_IAT);
	assert_string_equal(p.origid, "123e4567-e89b-42d3-a456-426655440000");
	guard_free(&g);

	g = token_of(HB(""), "{\"dest\":{\"tn\":[\"2\",\"3\"],\"uri\":[\"u\"]},\"iat\":7,"
			     "\"orig\":{\"uri\":\"x\"}}", PASSPORT_SIG_LEN);
	assert_int_equal(passport_parse(slice_of(g.p, g.len), &p), 0);
	assert_string_equal(p.ppt, "");
	assert_int_equal(p.attest, 0);
	assert_string_equal(p.orig_tn, "");
	assert_int_equal(p.dest_tn_cnt, 2);
	assert_string_equal(p.dest_tn[1], "3");
	assert_string_equal(p.dest_uri, "u");
	assert_string_equal(p.origid, "");
	guard_free(&g);
}

static void test_passport_parse_dest_uri(void **state)
{
	static const char head[] = "{\"dest\":{\"uri\":[\"";
	struct passport_parsed p;

	(void)state;
	for (size_t len = PASSPORT_DEST_URI_MAX - 1; len <= PASSPORT_DEST_URI_MAX + 1; len++) {
		char payload[512] = "";
		struct guard g;

		strcpy(payload, head);
		memset(payload + sizeof(head) - 1, 'u', len);
		strcpy(payload + sizeof(head) - 1 + len, "\"]},\"iat\":7,\"orig\":{\"tn\":\"1\"}}");
		g = token_of(HB(""), payload, PASSPORT_SIG_LEN);
		assert_int_equal(passport_parse(slice_of(g.p, g.len), &p), 0);
		assert_int_equal(strlen(p.dest_uri), len <= PASSPORT_DEST_URI_MAX ? len : 0);
		guard_free(&g);
	}
	struct guard g = token_of(HB(""), "{\"dest\":{\"uri\":[\"a\",\"b\"]},\"iat\":7,\"orig\":{\"tn\":\"1\"}}",
				  PASSPORT_SIG_LEN);
	assert_int_equal(passport_parse(slice_of(g.p, g.len), &p), 0);
	assert_string_equal(p.dest_uri, "");
	guard_free(&g);
}

static void test_passport_parse_dest_limit(void **state)
{
	char payload[1024] = "{" ORIG ",\"iat\":1,\"attest\":\"A\",\"origid\":\"o\",\"dest\":{\"tn\":[";
	struct passport_parsed p;

	(void)state;
	for (unsigned i = 0; i < PASSPORT_DEST_MAX; i++)
		strcat(payload, i ? ",\"5\"" : "\"5\"");
	for (int want = 0;; want = -E2BIG) {
		size_t len = strlen(payload);
		struct guard g;

		strcat(payload, "]}}");
		g = token_of(H, payload, PASSPORT_SIG_LEN);
		assert_int_equal(passport_parse(slice_of(g.p, g.len), &p), want);
		guard_free(&g);
		if (want)
			break;
		strcpy(payload + len, ",\"6\"");
	}
}

static void test_passport_parse_shape(void **state)
{
	static const struct {
		const char *name, *token;
	} cases[] = {
		{ "empty", "" },
		{ "no dots", "abc" },
		{ "one dot", VECTOR_HEADER_B64 "." VECTOR_PAYLOAD_B64 },
		{ "four segments", VECTOR_TOKEN ".e30" },
		{ "compact form", ".." VECTOR_SIG_B64 },
		{ "no signature", VECTOR_HEADER_B64 "." VECTOR_PAYLOAD_B64 "." },
		{ "short signature", VECTOR_HEADER_B64 "." VECTOR_PAYLOAD_B64 ".AAAA" },
		{ "padded", VECTOR_TOKEN "==" },
		{ "blank", VECTOR_HEADER_B64 " ." VECTOR_PAYLOAD_B64 "." VECTOR_SIG_B64 },
	};
	static char big[PASSPORT_TOKEN_MAX + 1];
	struct passport_parsed p;
	struct guard g;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		g = guard_new(cases[i].token, strlen(cases[i].token));
		if (passport_parse(slice_of(g.p, g.len), &p) != -EBADMSG)
			fail_msg("%s: taken", cases[i].name);
		guard_free(&g);
	}
	memset(big, 'A', sizeof(big));
	assert_int_equal(passport_parse(slice_of(big, sizeof(big)), &p), -E2BIG);
	assert_int_equal(passport_parse(slice_of(big, sizeof(big) - 1), &p), -EBADMSG);
	/* another algorithm has another length: its name is the verifier's to judge */
	g = token_of("{\"alg\":\"ES384\",\"typ\":\"passport\",\"x5u\":\"u\"}", P, 96);
	assert_int_equal(passport_parse(slice_of(g.p, g.len), &p), 0);
	guard_free(&g);
}

/* Deep nesting within the limits of a token must neither be taken for claims nor end the process. */
static void test_passport_parse_nesting(void **state)
{
	static char deep[5900];
	struct passport_parsed p;
	struct guard g;

	(void)state;
	memset(deep, '[', sizeof(deep) - 1);
	g = token_of(H, deep, PASSPORT_SIG_LEN);
	assert_true(g.len <= PASSPORT_TOKEN_MAX);
	assert_int_equal(passport_parse(slice_of(g.p, g.len), &p), -EBADMSG);
	guard_free(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identity_next),
		cmocka_unit_test(test_identity_next_ends),
		cmocka_unit_test(test_passport_parse),
		cmocka_unit_test(test_passport_parse_values),
		cmocka_unit_test(test_passport_parse_dest_limit),
		cmocka_unit_test(test_passport_parse_dest_uri),
		cmocka_unit_test(test_passport_parse_shape),
		cmocka_unit_test(test_passport_parse_nesting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
