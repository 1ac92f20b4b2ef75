/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard.h"

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "stir/b64url.h"

/* RFC 4648 s10 without padding, and the two characters that differ from base64 */
static const struct {
	const char *bytes;
	size_t len;
	const char *text;
} pairs[] = {
	{ "", 0, "" },
	{ "f", 1, "Zg" },
	{ "fo", 2, "Zm8" },
	{ "foo", 3, "Zm9v" },
	{ "foob", 4, "Zm9vYg" },
	{ "fooba", 5, "Zm9vYmE" },
	{ "foobar", 6, "Zm9vYmFy" },
	{ "\xfb\xff\xbf", 3, "-_-_" },
	{ "\0\0\0\0", 4, "AAAAAA" },
	{ "\xff", 1, "_w" },
};

static void test_pairs(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		size_t n = strlen(pairs[i].text);
		struct guard in = guard_new(pairs[i].bytes, pairs[i].len);
		struct guard text = guard_new(pairs[i].text, n);
		struct guard out = guard_new(pairs[i].text, n);
		struct guard back = guard_new(pairs[i].bytes, pairs[i].len);

		assert_int_equal(B64URL_LEN(pairs[i].len), n);
		memset(out.p, '!', n);
		assert_int_equal(b64url_emit(in.p, in.len, out.p, n), n);
		assert_memory_equal(out.p, pairs[i].text, n);
		memset(back.p, '!', back.len);
		assert_int_equal(b64url_parse(slice_of(text.p, n), back.p, back.len), back.len);
		assert_memory_equal(back.p, pairs[i].bytes, back.len);
		if (n) {
			assert_int_equal(b64url_emit(in.p, in.len, out.p, n - 1), -ENOSPC);
			assert_int_equal(b64url_parse(slice_of(text.p, n), back.p, back.len - 1),
					 -ENOSPC);
		}
		guard_free(&in);
		guard_free(&text);
		guard_free(&out);
		guard_free(&back);
	}
}

static void test_emit_huge_length(void **state)
{
	char out[4];

	(void)state;
	assert_int_equal(b64url_emit("x", SIZE_MAX, out, sizeof(out)), -ENOSPC);
	assert_int_equal(b64url_emit("x", SIZE_MAX / 4 + 1, out, sizeof(out)), -ENOSPC);
}

static void test_refused(void **state)
{
	static const struct {
		const char *name, *in;
	} cases[] = {
		{ "one character", "Z" },
		{ "five characters", "Zm9vY" },
		{ "padded", "Zg==" },
		{ "padded once", "Zm8=" },
		{ "standard plus", "Zm9+" },
		{ "standard slash", "Zm9/" },
		{ "blank", "Zm 9" },
		{ "line end", "Zm9v\n" },
		{ "unused bits after one octet", "Zh" },
		{ "unused bits after two octets", "Zm9" },
		{ "beyond ASCII", "Zm9\xc3" },
		{ "dot", "Zm9." },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct guard in = guard_new(cases[i].in, strlen(cases[i].in));
		char out[16] = "untouched";

		if (b64url_parse(slice_of(in.p, in.len), out, sizeof(out)) != -EBADMSG)
			fail_msg("%s: taken", cases[i].name);
		assert_string_equal(out, "untouched");
		guard_free(&in);
	}
}

static void test_round_trip_every_length(void **state)
{
	uint8_t in[256], back[256];
	char text[B64URL_LEN(256)];

	(void)state;
	for (size_t len = 0; len <= sizeof(in); len++) {
		for (size_t i = 0; i < len; i++)
			in[i] = (uint8_t)(i * 167 + len);
		assert_int_equal(b64url_emit(in, len, text, sizeof(text)), B64URL_LEN(len));
		assert_int_equal(b64url_parse(slice_of(text, B64URL_LEN(len)), back, sizeof(back)),
				 len);
		assert_memory_equal(in, back, len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_emit_huge_length),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_round_trip_every_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
