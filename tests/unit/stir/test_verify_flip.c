/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A good row in which one character is another.  What is signed or compared - the token, info, the values of alg and
 * ppt - allows no other than the case of words that have none.  Names of alg and ppt and what separates them may
 * become a parameter that nobody knows, or another value of the list: then the row says as much as before.  All
 * characters that were ever found in a row, and some that were not, at every position.
 */
#include "verify_world.h"

#include <ctype.h>

static const char others[] = "AaBbQgwZ09_-+/.=;,<>\"\\ \t\r\n%*~{}\x7f\xc3";

enum outcome { MUST_FAIL, MUST_PASS, MAY_PASS };

static enum outcome outcome_of(const char *row, size_t at, char c)
{
	const char *p = row + at, *end = strchr(row, '>'), *start = strchr(row, ';');
	bool is_same = tolower((unsigned char)*p) == tolower((unsigned char)c);
	const char *mark = p;

	if (p < start)
		return MUST_FAIL;
	if (p <= end)
		return p < strchr(row, '<') && is_same ? MUST_PASS : MUST_FAIL;
	if (is_same)
		return MUST_PASS;
	while (*mark != '=' && *mark != ';')
		mark--;
	return *mark == '=' && mark != p ? MUST_FAIL : MAY_PASS;
}

static void flip_all(struct world *w, struct verify_call *c, const char *good)
{
	unsigned seen[MAY_PASS + 1] = { 0 };
	size_t len = strlen(good);

	for (size_t i = 0; i < len; i++) {
		for (size_t k = 0; k < sizeof(others); k++) { /* with the NUL */
			char row[1024], other = others[k];
			struct guard g;
			struct slice value;
			struct verify_env env = world_env(w);
			struct verify_result r;
			enum outcome want = outcome_of(good, i, other);

			if (good[i] == other)
				continue;
			memcpy(row, good, len);
			row[i] = other;
			g = guard_new(row, len);
			value = slice_of(g.p, g.len);
			c->values = &value;
			c->value_cnt = 1;
			assert_int_equal(verify_call_run(c, &env, &r), 0);
			guard_free(&g);
			seen[want]++;
			if (want != MAY_PASS && (r.status == VERIFY_VERIFIED) != (want == MUST_PASS))
				fail_msg("'%c' at %zu for '%c' (%d): status %d, reason %d", good[i], i,
					 isprint((unsigned char)other) ? other : '?', other, r.status, r.reason);
			if (r.status == VERIFY_VERIFIED)
				assert_string_equal(r.rows[r.row].x5u, X5U);
		}
	}
	assert_true(seen[MUST_FAIL] > 1000 && seen[MUST_PASS] && seen[MAY_PASS]);
}

static void flip(const char *header, const char *payload, bool is_compact, const char *params)
{
	struct verify_call c = call_usual();
	struct verify_result r;
	struct world w;
	char row[1024], *token;

	world_init(&w);
	token = token_new(w.key, header, payload, is_compact);
	snprintf(row, sizeof(row), "%s%s", token, params);
	r = judge(&w, &c, row);
	expect_result("unchanged", &r, VERIFY_VERIFIED, SR_VERIFIED, 0);
	flip_all(&w, &c, row);
	free(token);
	world_done(&w);
}

static void test_shaken(void **state)
{
	(void)state;
	flip(HEADER, PAYLOAD, false, PARAMS);
}

static void test_baseline(void **state)
{
	(void)state;
	flip(BASELINE, BASELINE_PAYLOAD, false, INFO(X5U) ";alg=ES256");
}

static void test_compact(void **state)
{
	(void)state;
	flip(BASELINE, BASELINE_PAYLOAD, true, INFO(X5U) ";alg=ES256");
}

/* Every bit of the signature, and each that is cut short or made longer. */
static void test_signature(void **state)
{
	struct verify_call c = call_usual();
	struct world w;
	char row[1024], *token, *sig;
	uint8_t bytes[PASSPORT_SIG_LEN];

	(void)state;
	world_init(&w);
	token = token_new(w.key, HEADER, PAYLOAD, false);
	sig = strrchr(token, '.') + 1;
	assert_int_equal(b64url_parse(slice_str(sig), bytes, sizeof(bytes)), PASSPORT_SIG_LEN);
	for (unsigned bit = 0; bit <= 8 * PASSPORT_SIG_LEN; bit++) {
		struct verify_result r;

		if (bit)
			bytes[(bit - 1) / 8] ^= (uint8_t)(1 << (bit - 1) % 8);
		b64url_emit(bytes, sizeof(bytes), sig, strlen(sig) + 1);
		snprintf(row, sizeof(row), "%s" PARAMS, token);
		r = judge(&w, &c, row);
		if (bit)
			bytes[(bit - 1) / 8] ^= (uint8_t)(1 << (bit - 1) % 8);
		if (bit == 0)
			expect_result("unchanged", &r, VERIFY_VERIFIED, SR_VERIFIED, 0);
		else
			expect_result("one bit", &r, VERIFY_FAILED_CALL, SR_SIGNATURE_BAD, 438);
	}
	for (size_t len = 0; len < strlen(sig); len++) {
		struct verify_result r;

		snprintf(row, sizeof(row), "%.*s" PARAMS, (int)(sig - token + (long)len), token);
		r = judge(&w, &c, row);
		expect_result("cut", &r, VERIFY_FAILED_CALL, SR_PASSPORT_SYNTAX, 438);
	}
	free(token);
	world_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shaken),
		cmocka_unit_test(test_baseline),
		cmocka_unit_test(test_compact),
		cmocka_unit_test(test_signature),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
