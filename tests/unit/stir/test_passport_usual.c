/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * passport_usual: what is read without a JSON parser is what jansson reads of the same text, and whatever differs from
 * the usual is left to it.  A blank in front of the object changes nothing but who reads it.
 */
#include "guard.h"

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "stir/passport_usual.h"
#include "stir/vector.h"

#define TEXT_MAX 2048

static char *token_put(const char *header, size_t header_len, const char *payload, size_t payload_len,
		       char ret[PASSPORT_TOKEN_MAX])
{
	size_t n = (size_t)b64url_emit(header, header_len, ret, PASSPORT_TOKEN_MAX);

	ret[n++] = '.';
	n += (size_t)b64url_emit(payload, payload_len, ret + n, PASSPORT_TOKEN_MAX - n);
	ret[n++] = '.';
	strcpy(ret + n, VECTOR_SIG_B64);
	return ret;
}

static int read_token(const char *header, size_t header_len, const char *payload, size_t payload_len, bool by_jansson,
		      struct passport_parsed *ret)
{
	char spaced[2][TEXT_MAX + 1], token[PASSPORT_TOKEN_MAX];

	memset(ret, 0, sizeof(*ret));
	if (by_jansson) {
		spaced[0][0] = spaced[1][0] = ' ';
		memcpy(spaced[0] + 1, header, header_len++);
		memcpy(spaced[1] + 1, payload, payload_len++);
		header = spaced[0];
		payload = spaced[1];
	}
	return passport_parse(slice_str(token_put(header, header_len, payload, payload_len, token)), ret);
}

static void compare(const char *header, size_t header_len, const char *payload, size_t payload_len)
{
	static struct passport_parsed a, b;
	int x = read_token(header, header_len, payload, payload_len, false, &a);
	int y = read_token(header, header_len, payload, payload_len, true, &b);

	a.signed_part = b.signed_part = SLICE_NONE;
	if (x != y || memcmp(&a, &b, sizeof(a)))
		fail_msg("%d and %d for %.*s %.*s", x, y, (int)header_len, header, (int)payload_len, payload);
}

static bool is_usual(const char *header, const char *payload)
{
	struct passport_parsed p = { .ppt = "shaken" };

	return header ? passport_usual_header(slice_str(header), &p) : passport_usual_claims(slice_str(payload), &p);
}

#define H(x5u) "{\"alg\":\"ES256\",\"ppt\":\"shaken\",\"typ\":\"passport\",\"x5u\":\"" x5u "\"}"
#define P(attest, dest, iat, orig, origid)                                                                     \
	"{\"attest\":\"" attest "\",\"dest\":{\"tn\":[\"" dest "\"]},\"iat\":" iat ",\"orig\":{\"tn\":\"" orig \
	"\"},\"origid\":\"" origid "\"}"
#define D31 "1234567890123456789012345678901"
#define O64 "1234567890123456789012345678901234567890123456789012345678901234"
#define O128 O64 O64

static const struct {
	const char *name, *header, *payload; /* one of them */
	bool is_usual;
} texts[] = {
	{ "header", H("https://a"), NULL, true },
	{ "x5u that is none", H("any text, printable"), NULL, true },
	{ "x5u empty", H(""), NULL, false },
	{ "x5u with an escape", H("https:\\/\\/a"), NULL, false },
	{ "x5u of UTF-8", H("https://\303\244"), NULL, false },
	{ "x5u with a control", H("https://\t"), NULL, false },
	{ "x5u with DEL", H("https://\177"), NULL, false },
	{ "header with more",
	  "{\"alg\":\"ES256\",\"ppt\":\"shaken\",\"typ\":\"passport\",\"x5u\":\"https://a\",\"z\":1}", NULL, false },
	{ "header twice", H("https://a") H("https://a"), NULL, false },
	{ "header in another order",
	  "{\"alg\":\"ES256\",\"typ\":\"passport\",\"ppt\":\"shaken\",\"x5u\":\"https://a\"}", NULL, false },
	{ "header without ppt", "{\"alg\":\"ES256\",\"typ\":\"passport\",\"x5u\":\"https://a\"}", NULL, false },
	{ "header of div", "{\"alg\":\"ES256\",\"ppt\":\"div\",\"typ\":\"passport\",\"x5u\":\"https://a\"}", NULL, false },
	{ "claims", NULL, P("A", "1", "1", "2", "x"), true },
	{ "attest C", NULL, P("C", "1", "1", "2", "x"), true },
	{ "attest D", NULL, P("D", "1", "1", "2", "x"), false },
	{ "attest @", NULL, P("@", "1", "1", "2", "x"), false },
	{ "attest AA", NULL, P("AA", "1", "1", "2", "x"), false },
	{ "attest empty", NULL, P("", "1", "1", "2", "x"), false },
	{ "iat 0", NULL, P("A", "1", "0", "2", "x"), true },
	{ "iat 00", NULL, P("A", "1", "00", "2", "x"), false },
	{ "iat 01", NULL, P("A", "1", "01", "2", "x"), false },
	{ "iat missing", NULL, P("A", "1", "", "2", "x"), false },
	{ "iat negative", NULL, P("A", "1", "-1", "2", "x"), false },
	{ "iat real", NULL, P("A", "1", "1.0", "2", "x"), false },
	{ "iat as a string", NULL, P("A", "1", "\"1\"", "2", "x"), false },
	{ "iat of 18 digits", NULL, P("A", "1", "123456789012345678", "2", "x"), true },
	{ "iat of 19 digits", NULL, P("A", "1", "1234567890123456789", "2", "x"), false },
	{ "iat over the limit", NULL, P("A", "1", "9223372036854775808", "2", "x"), false },
	{ "longest numbers", NULL, P("A", D31, "1", D31, "x"), true },
	{ "dest too long", NULL, P("A", D31 "2", "1", "2", "x"), false },
	{ "orig too long", NULL, P("A", "1", "1", D31 "2", "x"), false },
	{ "dest empty", NULL, P("A", "", "1", "2", "x"), false },
	{ "orig empty", NULL, P("A", "1", "1", "", "x"), false },
	{ "two of dest", NULL, P("A", "1\",\"2", "1", "2", "x"), false },
	{ "longest origid", NULL, P("A", "1", "1", "2", O128), true },
	{ "origid too long", NULL, P("A", "1", "1", "2", O128 "9"), false },
	{ "origid empty", NULL, P("A", "1", "1", "2", ""), false },
	{ "origid with a quote", NULL, P("A", "1", "1", "2", "a\\\"b"), false },
	{ "more claims", NULL, P("A", "1", "1", "2", "x\",\"z\":\"1"), false },
	{ "orig with more", NULL, P("A", "1", "1", "2\",\"z\":\"1", "x"), false },
	{ "blank at the end", NULL, P("A", "1", "1", "2", "x") " ", false },
	{ "cut", NULL, "{\"attest\":\"A", false },
	{ "empty", NULL, "", false },
	{ "dest as a URI", NULL,
	  "{\"attest\":\"A\",\"dest\":{\"uri\":[\"sip:a@b\"]},\"iat\":1,\"orig\":{\"tn\":\"1\"},\"origid\":\"x\"}",
	  false },
};

static void test_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const char *header = texts[i].header ? texts[i].header : VECTOR_HEADER;
		const char *payload = texts[i].payload ? texts[i].payload : VECTOR_PAYLOAD;

		if (is_usual(texts[i].header, texts[i].payload) != texts[i].is_usual)
			fail_msg("%s: usual %d", texts[i].name, !texts[i].is_usual);
		compare(header, strlen(header), payload, strlen(payload));
	}
}

/* What is not read leaves no trace, and the ppt of the header decides. */
static void test_untouched(void **state)
{
	struct passport_parsed p, before;

	(void)state;
	memset(&p, 0x5a, sizeof(p));
	strcpy(p.ppt, "shaken");
	before = p;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct guard g = guard_new(texts[i].header ? texts[i].header : texts[i].payload,
					   strlen(texts[i].header ? texts[i].header : texts[i].payload));
		bool r = texts[i].header ? passport_usual_header(slice_of(g.p, g.len), &p) :
					   passport_usual_claims(slice_of(g.p, g.len), &p);

		if (!r && memcmp(&p, &before, sizeof(p)))
			fail_msg("%s: touched", texts[i].name);
		p = before;
		guard_free(&g);
	}
	strcpy(p.ppt, "div");
	assert_false(passport_usual_claims(SLICE(VECTOR_PAYLOAD), &p));
	p.ppt[0] = 0;
	assert_false(passport_usual_claims(SLICE(VECTOR_PAYLOAD), &p));
}

/* One byte changed, left out or added, everywhere. */
static void test_each_byte(void **state)
{
	static const char bytes[] = "\"\\0A a}{],:.-+z\x00\x01\x7f\xc3\xff";
	const char *whole[2] = { VECTOR_HEADER, VECTOR_PAYLOAD };

	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		size_t len = strlen(whole[k]);

		for (size_t i = 0; i <= len; i++) {
			for (size_t b = 0; b < 3 * sizeof(bytes); b++) {
				char text[TEXT_MAX];
				size_t cut = b % 3, n = i;

				if (cut && i == len)
					continue;
				memcpy(text, whole[k], i);
				if (cut != 2)
					text[n++] = bytes[b / 3];
				memcpy(text + n, whole[k] + i + !!cut, len - i - !!cut);
				n += len - i - !!cut;
				if (k)
					compare(whole[0], strlen(whole[0]), text, n);
				else
					compare(text, n, whole[1], strlen(whole[1]));
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_untouched),
		cmocka_unit_test(test_each_byte),
	};

	return cmocka_run_group_tests_name("passport_usual", tests, NULL, NULL);
}
