/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard.h"

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "stir/passport.h"
#include "vector.h"

static void hex(const uint8_t *p, size_t len, char *ret)
{
	for (size_t i = 0; i < len; i++)
		sprintf(ret + 2 * i, "%02x", p[i]);
}

/* Checks the digest it is given and answers with the signature of the example. */
struct vector_signer {
	unsigned calls;
	uint32_t credential;
	char digest[2 * PASSPORT_DIGEST_LEN + 1];
};

static int vector_sign(void *ctx, uint32_t credential, const uint8_t digest[PASSPORT_DIGEST_LEN],
		       uint8_t ret_sig[PASSPORT_SIG_LEN])
{
	struct vector_signer *s = ctx;

	s->calls++;
	s->credential = credential;
	hex(digest, PASSPORT_DIGEST_LEN, s->digest);
	assert_int_equal(b64url_parse(SLICE(VECTOR_SIG_B64), ret_sig, PASSPORT_SIG_LEN),
			 PASSPORT_SIG_LEN);
	return 0;
}

static int no_sign(void *ctx, uint32_t credential, const uint8_t digest[PASSPORT_DIGEST_LEN],
		   uint8_t ret_sig[PASSPORT_SIG_LEN])
{
	(void)ctx, (void)credential, (void)digest, (void)ret_sig;
	return -ENOKEY;
}

static void test_vector_parts(void **state)
{
	struct passport_claims c = VECTOR_CLAIMS;
	char buf[512], plain[256];
	ssize_t n;

	(void)state;
	n = passport_header_emit(SLICE(VECTOR_X5U), buf, sizeof(buf));
	assert_int_equal(n, strlen(VECTOR_HEADER_B64));
	assert_memory_equal(buf, VECTOR_HEADER_B64, n);
	n = b64url_parse(slice_of(buf, n), plain, sizeof(plain));
	assert_int_equal(n, strlen(VECTOR_HEADER));
	assert_memory_equal(plain, VECTOR_HEADER, n);

	n = passport_payload_emit(&c, buf, sizeof(buf));
	assert_int_equal(n, strlen(VECTOR_PAYLOAD));
	assert_memory_equal(buf, VECTOR_PAYLOAD, n);
	n = b64url_emit(VECTOR_PAYLOAD, strlen(VECTOR_PAYLOAD), buf, sizeof(buf));
	assert_int_equal(n, strlen(VECTOR_PAYLOAD_B64));
	assert_memory_equal(buf, VECTOR_PAYLOAD_B64, n);
}

static void test_vector_identity(void **state)
{
	static const char want[] = VECTOR_TOKEN ";info=<" VECTOR_X5U ">;alg=ES256;ppt=shaken";
	struct passport_claims c = VECTOR_CLAIMS;
	struct vector_signer s = { 0 };
	struct guard out = guard_new(want, strlen(want));

	(void)state;
	memset(out.p, '!', out.len);
	assert_int_equal(strlen("Identity: ") + strlen(want) + 2, 476);
	assert_int_equal(identity_emit(SLICE(VECTOR_HEADER_B64), SLICE(VECTOR_X5U), &c, vector_sign,
				       &s, 7, out.p, out.len),
			 strlen(want));
	assert_memory_equal(out.p, want, strlen(want));
	assert_int_equal(s.calls, 1);
	assert_int_equal(s.credential, 7);
	assert_string_equal(s.digest, VECTOR_DIGEST);

	/* every smaller buffer is refused, and no signature is wasted on it */
	for (size_t cap = 0; cap < out.len; cap++) {
		struct guard small = guard_new(want, cap);

		assert_int_equal(identity_emit(SLICE(VECTOR_HEADER_B64), SLICE(VECTOR_X5U), &c,
					       vector_sign, &s, 7, small.p, cap),
				 -ENOSPC);
		guard_free(&small);
	}
	assert_int_equal(s.calls, 1);
	assert_int_equal(identity_emit(SLICE(VECTOR_HEADER_B64), SLICE(VECTOR_X5U), &c, no_sign,
				       NULL, 7, out.p, out.len),
			 -ENOKEY);
	guard_free(&out);
}

static void test_header_x5u(void **state)
{
	static const struct {
		const char *name, *x5u;
		bool ok;
	} cases[] = {
		{ "with a query", "https://a.example/x?y=1,2;z&w=%20", true },
		{ "IPv6 literal", "https://[2001:db8::1]:8443/c.pem", true },
		{ "empty", "", false },
		{ "blank", "https://a.example/a b", false },
		{ "closing bracket", "https://a.example/>;ppt=x", false },
		{ "opening bracket", "https://a.example/<", false },
		{ "quote", "https://a.example/\"", false },
		{ "backslash", "https://a.example/\\", false },
		{ "line end", "https://a.example/\r\nX: y", false },
		{ "delete", "https://a.example/\x7f", false },
		{ "beyond ASCII", "https://a.example/\xc3\xa9", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char buf[PASSPORT_HEADER_B64_MAX] = "untouched";
		ssize_t n = passport_header_emit(slice_str(cases[i].x5u), buf, sizeof(buf));

		if (cases[i].ok ? n <= 0 : n != -EINVAL)
			fail_msg("%s: returns %zd", cases[i].name, n);
		if (!cases[i].ok)
			assert_string_equal(buf, "untouched");
	}
}

static void test_header_limits(void **state)
{
	char x5u[PASSPORT_X5U_MAX + 1], buf[PASSPORT_HEADER_B64_MAX];
	struct guard nul = guard_new("https://a.example/\0", 19);
	ssize_t n;

	(void)state;
	memset(x5u, 'a', sizeof(x5u));
	n = passport_header_emit(slice_of(x5u, PASSPORT_X5U_MAX), buf, sizeof(buf));
	assert_int_equal(n, B64URL_LEN(PASSPORT_X5U_MAX + strlen(VECTOR_HEADER) - strlen(VECTOR_X5U)));
	assert_int_equal(passport_header_emit(slice_of(x5u, PASSPORT_X5U_MAX), buf, n - 1), -ENOSPC);
	assert_int_equal(passport_header_emit(slice_of(x5u, PASSPORT_X5U_MAX + 1), buf, sizeof(buf)),
			 -EINVAL);
	assert_int_equal(passport_header_emit(slice_of(nul.p, nul.len), buf, sizeof(buf)), -EINVAL);
	guard_free(&nul);
}

#define NUMBERS .orig_tn = SLICE("1"), .dest_tn = SLICE("2")
#define ORIGID	.origid = SLICE("o")

static void test_payload(void **state)
{
	static const struct {
		const char *name;
		struct passport_claims c;
		const char *want; /* NULL: -EINVAL */
	} cases[] = {
		{ "B, smallest", { 'B', NUMBERS, .iat = 0, ORIGID },
		  "{\"attest\":\"B\",\"dest\":{\"tn\":[\"2\"]},\"iat\":0,\"orig\":{\"tn\":\"1\"},"
		  "\"origid\":\"o\"}" },
		{ "C, dest URI, star and hash",
		  { 'C', SLICE("*69#"), SLICE_NONE, SLICE("urn:service:sos"), INT64_MAX, ORIGID },
		  "{\"attest\":\"C\",\"dest\":{\"uri\":[\"urn:service:sos\"]},"
		  "\"iat\":9223372036854775807,\"orig\":{\"tn\":\"*69#\"},\"origid\":\"o\"}" },
		{ "escapes, and a slash that stays",
		  { 'A', NUMBERS, .iat = 10, .origid = SLICE("a\"b\\c/d'") },
		  "{\"attest\":\"A\",\"dest\":{\"tn\":[\"2\"]},\"iat\":10,\"orig\":{\"tn\":\"1\"},"
		  "\"origid\":\"a\\\"b\\\\c/d'\"}" },
		{ "no attest", { 0, NUMBERS, .iat = 1, ORIGID }, NULL },
		{ "attest D", { 'D', NUMBERS, .iat = 1, ORIGID }, NULL },
		{ "attest in lower case", { 'a', NUMBERS, .iat = 1, ORIGID }, NULL },
		{ "negative iat", { 'A', NUMBERS, .iat = -1, ORIGID }, NULL },
		{ "no origid", { 'A', NUMBERS, .iat = 1 }, NULL },
		{ "no orig", { 'A', .dest_tn = SLICE("2"), .iat = 1, ORIGID }, NULL },
		{ "no dest", { 'A', .orig_tn = SLICE("2"), .iat = 1, ORIGID }, NULL },
		{ "empty dest", { 'A', SLICE("1"), SLICE(""), SLICE("sip:a"), 1, ORIGID }, NULL },
		{ "plus in orig", { 'A', SLICE("+1"), SLICE("2"), .iat = 1, ORIGID }, NULL },
		{ "quote in dest", { 'A', SLICE("1"), SLICE("2\""), .iat = 1, ORIGID }, NULL },
		{ "control in origid", { 'A', NUMBERS, .iat = 1, .origid = SLICE("a\nb") }, NULL },
		{ "NUL in origid", { 'A', NUMBERS, .iat = 1, .origid = SLICE("a\0b") }, NULL },
		{ "delete in origid", { 'A', NUMBERS, .iat = 1, .origid = SLICE("a\x7f") }, NULL },
		{ "UTF-8 in dest URI",
		  { 'A', SLICE("1"), SLICE_NONE, SLICE("sip:\xc3\xa9@a"), 1, ORIGID }, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char buf[512] = "";
		ssize_t n = passport_payload_emit(&cases[i].c, buf, sizeof(buf));

		if (!cases[i].want) {
			if (n != -EINVAL)
				fail_msg("%s: returns %zd", cases[i].name, n);
			continue;
		}
		if (n != (ssize_t)strlen(cases[i].want) || memcmp(buf, cases[i].want, n) != 0)
			fail_msg("%s: %.*s", cases[i].name, (int)(n < 0 ? 0 : n), buf);
		for (size_t cap = 0; cap < (size_t)n; cap++) {
			struct guard small = guard_new(buf, cap);

			if (passport_payload_emit(&cases[i].c, small.p, cap) != -ENOSPC)
				fail_msg("%s: %zu bytes are enough", cases[i].name, cap);
			guard_free(&small);
		}
	}
}

static void test_identity_refusals(void **state)
{
	static char big[4096];
	struct passport_claims c = VECTOR_CLAIMS;
	struct vector_signer s = { 0 };
	char buf[8192];

	(void)state;
	c.attest = 'X';
	assert_int_equal(identity_emit(SLICE("h"), SLICE("x"), &c, vector_sign, &s, 0, buf,
				       sizeof(buf)),
			 -EINVAL);
	c = VECTOR_CLAIMS;
	memset(big, 'o', sizeof(big));
	c.origid = slice_of(big, sizeof(big));
	assert_int_equal(identity_emit(SLICE("h"), SLICE("x"), &c, vector_sign, &s, 0, buf,
				       sizeof(buf)),
			 -ENOSPC);
	assert_int_equal(s.calls, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vector_parts),
		cmocka_unit_test(test_vector_identity),
		cmocka_unit_test(test_header_x5u),
		cmocka_unit_test(test_header_limits),
		cmocka_unit_test(test_payload),
		cmocka_unit_test(test_identity_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
