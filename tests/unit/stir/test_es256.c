/* SPDX-License-Identifier: BSD-2-Clause */
/* es256: signatures that are good, bad and impossible, keys that are none, and keys that come and go. */
#include "guard.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "stir/es256.h"
#include "stir/vector.h"

/* RFC 6979 A.2.5: signatures with SHA-256 of two texts */
#define SAMPLE                                                             \
	"efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716" \
	"f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
#define TEST                                                               \
	"f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367" \
	"019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083"
#define SAMPLE_R "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
#define SAMPLE_S "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
/* n - s of the former: as good (RFC 6979 s2.4 leaves both) */
#define SAMPLE_S_LOW "0834e36ad29a83bf2bc9385e491d6099c8fdf9d1ed67aa7ea5f51f93782857a9"
#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"
#define ONE "0000000000000000000000000000000000000000000000000000000000000001"
#define ORDER "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
#define ORDER_MORE "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632552"
#define ORDER_LESS "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550"
#define ALL_ONES "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#define FIELD "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"
#define X "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
#define Y "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
#define Y_LESS "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462298"

static void unhex(const char *hex, uint8_t *ret, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned v;

		assert_int_equal(sscanf(hex + 2 * i, "%2x", &v), 1);
		ret[i] = (uint8_t)v;
	}
}

static const struct {
	const char *name, *point, *text, *sig;
	int ret;
} cases[] = {
	{ "RFC 6979, sample", VECTOR_POINT, "sample", SAMPLE, 1 },
	{ "RFC 6979, test", VECTOR_POINT, "test", TEST, 1 },
	{ "the PASSporT of the vector", VECTOR_POINT, VECTOR_HEADER_B64 "." VECTOR_PAYLOAD_B64, VECTOR_SIG, 1 },
	{ "low s of the same", VECTOR_POINT, "sample", SAMPLE_R SAMPLE_S_LOW, 1 },
	{ "another text", VECTOR_POINT, "sample.", SAMPLE, 0 },
	{ "no text", VECTOR_POINT, "", SAMPLE, 0 },
	{ "of another text", VECTOR_POINT, "sample", TEST, 0 },
	{ "r and s in the other order", VECTOR_POINT, "sample", SAMPLE_S SAMPLE_R, 0 },
	{ "zeroes", VECTOR_POINT, "sample", ZERO ZERO, 0 },
	{ "r 0", VECTOR_POINT, "sample", ZERO SAMPLE_S, 0 },
	{ "s 0", VECTOR_POINT, "sample", SAMPLE_R ZERO, 0 },
	{ "r 1, s 1", VECTOR_POINT, "sample", ONE ONE, 0 },
	{ "r n", VECTOR_POINT, "sample", ORDER SAMPLE_S, 0 },
	{ "s n", VECTOR_POINT, "sample", SAMPLE_R ORDER, 0 },
	{ "r n + 1", VECTOR_POINT, "sample", ORDER_MORE SAMPLE_S, 0 },
	{ "s n + 1", VECTOR_POINT, "sample", SAMPLE_R ORDER_MORE, 0 },
	{ "s n - 1", VECTOR_POINT, "sample", SAMPLE_R ORDER_LESS, 0 },
	{ "all ones", VECTOR_POINT, "sample", ALL_ONES ALL_ONES, 0 },
	{ "not on the curve", "04" X Y_LESS, "sample", SAMPLE, 0 },
	{ "x is the field's prime", "04" FIELD Y, "sample", SAMPLE, 0 },
	{ "y of all ones", "04" X ALL_ONES, "sample", SAMPLE, 0 },
	{ "0, 0", "04" ZERO ZERO, "sample", SAMPLE, 0 },
	{ "infinity, filled up", "00" ZERO ZERO, "sample", SAMPLE, 0 },
	{ "compressed, filled up", "03" X ZERO, "sample", SAMPLE, 0 },
	{ "hybrid", "07" X Y, "sample", SAMPLE, 0 },
	{ "no format at all", "ff" X Y, "sample", SAMPLE, 0 },
};

/* Twice in both orders: what is kept of one case changes no other. */
static void test_vectors(void **state)
{
	struct es256 *e;

	(void)state;
	assert_int_equal(es256_new(&e), 0);
	for (size_t k = 0; k < 2 * ARRAY_SIZE(cases); k++) {
		size_t i = k < ARRAY_SIZE(cases) ? k : 2 * ARRAY_SIZE(cases) - 1 - k;
		struct guard text = guard_new(cases[i].text, strlen(cases[i].text));
		uint8_t point[CERT_POINT_LEN], sig[PASSPORT_SIG_LEN];
		struct guard gp, gs;
		int r;

		unhex(cases[i].point, point, sizeof(point));
		unhex(cases[i].sig, sig, sizeof(sig));
		gp = guard_new(point, sizeof(point));
		gs = guard_new(sig, sizeof(sig));
		r = es256_verify(e, (uint8_t *)gp.p, slice_of(text.p, text.len), (uint8_t *)gs.p);
		if (r != cases[i].ret)
			fail_msg("%s: returns %d, want %d", cases[i].name, r, cases[i].ret);
		if (ERR_peek_error())
			fail_msg("%s: leaves an error behind", cases[i].name);
		guard_free(&text);
		guard_free(&gp);
		guard_free(&gs);
	}
	es256_free(e);
}

static void sign(EVP_PKEY *key, const char *text, uint8_t ret_point[CERT_POINT_LEN],
		 uint8_t ret_sig[PASSPORT_SIG_LEN])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t der[80];
	const uint8_t *p = der;
	size_t len = sizeof(der), n;
	ECDSA_SIG *sig;

	assert_int_equal(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, ret_point, CERT_POINT_LEN, &n), 1);
	assert_int_equal(EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_equal(EVP_DigestSign(md, der, &len, (const uint8_t *)text, strlen(text)), 1);
	sig = d2i_ECDSA_SIG(NULL, &p, (long)len);
	assert_non_null(sig);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret_sig, 32), 32);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret_sig + 32, 32), 32);
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(md);
}

/* Signatures of OpenSSL, so many that r and s with zeroes in front are among them (two of 256 have one). */
static void test_lengths(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct es256 *e;
	unsigned shorter = 0, high = 0;

	(void)state;
	assert_int_equal(es256_new(&e), 0);
	for (unsigned i = 0; i < 3000; i++) {
		uint8_t point[CERT_POINT_LEN], sig[PASSPORT_SIG_LEN];
		char text[32];

		snprintf(text, sizeof(text), "text %u", i);
		sign(key, text, point, sig);
		shorter += !sig[0] || !sig[32];
		high += sig[0] >> 7 || sig[32] >> 7;
		if (es256_verify(e, point, slice_str(text), sig) != 1)
			fail_msg("signature %u", i);
		sig[i % sizeof(sig)] ^= (uint8_t)(1u << i % 8);
		if (es256_verify(e, point, slice_str(text), sig) != 0)
			fail_msg("signature %u with a bit changed", i);
	}
	assert_true(shorter > 0 && high > 0);
	EVP_PKEY_free(key);
	es256_free(e);
}

/* ---- what is kept ---- */

#define MANY (ES256_KEYS + 8)

struct known {
	uint8_t point[CERT_POINT_LEN], sig[PASSPORT_SIG_LEN];
};

/* How many blocks a call takes from the heap: a key that is not there is made of dozens. */
static unsigned allocations;

static void *counting_malloc(size_t n, const char *file, int line)
{
	(void)file, (void)line;
	allocations++;
	return n ? malloc(n) : NULL;
}

static void *counting_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file, (void)line;
	allocations++;
	return realloc(p, n);
}

static void plain_free(void *p, const char *file, int line)
{
	(void)file, (void)line;
	free(p);
}

static bool is_there(struct es256 *e, const struct known *k)
{
	static unsigned of_known_key;
	unsigned before = allocations, n;

	assert_int_equal(es256_verify(e, k->point, SLICE("text"), k->sig), 1);
	n = allocations - before;
	if (!of_known_key) {
		before = allocations;
		assert_int_equal(es256_verify(e, k->point, SLICE("text"), k->sig), 1);
		of_known_key = allocations - before;
	}
	return n <= of_known_key;
}

static void test_eviction(void **state)
{
	struct known *known = calloc(MANY, sizeof(*known));
	struct es256 *e;

	(void)state;
	assert_int_equal(es256_new(&e), 0);
	for (unsigned i = 0; i < MANY; i++) {
		EVP_PKEY *key = EVP_EC_gen("P-256");

		sign(key, "text", known[i].point, known[i].sig);
		EVP_PKEY_free(key);
	}
	for (unsigned i = 0; i < ES256_KEYS; i++)
		assert_false(is_there(e, &known[i]));
	for (unsigned i = 0; i < ES256_KEYS; i++)
		if (!is_there(e, &known[i]))
			fail_msg("key %u of %u is gone", i, ES256_KEYS);
	assert_true(is_there(e, &known[0])); /* now used last: not the next to go */
	for (unsigned i = ES256_KEYS; i < MANY; i++)
		assert_false(is_there(e, &known[i]));
	assert_true(is_there(e, &known[0]));
	for (unsigned i = MANY - ES256_KEYS + 1; i < MANY; i++)
		if (!is_there(e, &known[i]))
			fail_msg("key %u is gone", i);
	for (unsigned i = 1; i <= MANY - ES256_KEYS; i++)
		if (is_there(e, &known[i]))
			fail_msg("key %u is still there", i);
	free(known);
	es256_free(e);
}

/* What cannot be a key takes nobody's place. */
static void test_bad_keys_keep_nothing(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct known good, bad;
	struct es256 *e;

	(void)state;
	assert_int_equal(es256_new(&e), 0);
	sign(key, "text", good.point, good.sig);
	EVP_PKEY_free(key);
	is_there(e, &good);
	bad = good;
	for (unsigned i = 0; i < 2 * ES256_KEYS; i++) {
		memcpy(bad.point + 33, &i, sizeof(i));
		assert_int_equal(es256_verify(e, bad.point, SLICE("text"), bad.sig), 0);
	}
	assert_true(is_there(e, &good));
	es256_free(e);
	es256_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_eviction),
		cmocka_unit_test(test_bad_keys_keep_nothing),
	};

	if (CRYPTO_set_mem_functions(counting_malloc, counting_realloc, plain_free) != 1)
		return 1;
	return cmocka_run_group_tests_name("es256", tests, NULL, NULL);
}
