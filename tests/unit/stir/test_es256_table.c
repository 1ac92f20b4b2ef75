/* SPDX-License-Identifier: BSD-2-Clause */
/* es256_table: says what OpenSSL says, of signatures that hit every branch; tables come and go. */
#define OPENSSL_SUPPRESS_DEPRECATED /* ECDSA_do_verify() is compared with */
#include "guard.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/rand.h>

#include "stir/es256.h"
#include "stir/es256_table.h"

static EC_KEY *key_new(uint8_t ret_point[CERT_POINT_LEN])
{
	EC_KEY *k = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);

	assert_int_equal(EC_KEY_generate_key(k), 1);
	assert_int_equal(EC_POINT_point2oct(EC_KEY_get0_group(k), EC_KEY_get0_public_key(k), POINT_CONVERSION_UNCOMPRESSED,
					    ret_point, CERT_POINT_LEN, NULL), CERT_POINT_LEN);
	return k;
}

struct tried {
	EC_KEY *key;
	uint8_t point[CERT_POINT_LEN];
	struct es256_tables *tables;
	struct es256_math *math;
	EC_GROUP *table;
	BN_CTX *ctx;
	const BIGNUM *n, *d;
	BIGNUM *r, *s, *e;
};

/* @key: NULL: any */
static struct tried tried_with(EC_KEY *key)
{
	struct tried t = { .ctx = BN_CTX_new(), .r = BN_new(), .s = BN_new(), .e = BN_new() };

	t.key = key ? key : key_new(t.point);
	EC_POINT_point2oct(EC_KEY_get0_group(t.key), EC_KEY_get0_public_key(t.key), POINT_CONVERSION_UNCOMPRESSED, t.point,
			   CERT_POINT_LEN, NULL);
	t.n = EC_GROUP_get0_order(EC_KEY_get0_group(t.key));
	t.d = EC_KEY_get0_private_key(t.key);
	assert_int_equal(es256_tables_new(&t.tables), 0);
	assert_int_equal(es256_math_new(&t.math), 0);
	assert_null(es256_tables_get(t.tables, t.point));
	assert_true(es256_tables_turn(t.tables, 0));
	assert_false(es256_tables_turn(t.tables, 0)); /* nobody wants more */
	t.table = es256_tables_get(t.tables, t.point);
	assert_non_null(t.table);
	return t;
}

static struct tried tried_new(void)
{
	return tried_with(NULL);
}

static void tried_free(struct tried *t)
{
	EC_GROUP_free(t->table);
	es256_math_free(t->math);
	es256_tables_free(t->tables);
	EC_KEY_free(t->key);
	BN_free(t->r);
	BN_free(t->s);
	BN_free(t->e);
	BN_CTX_free(t->ctx);
}

/* What both say of r, s and e as they stand.  No point at all is bad for us, and an error for OpenSSL. */
static int same(struct tried *t)
{
	uint8_t sig[PASSPORT_SIG_LEN], digest[PASSPORT_DIGEST_LEN];
	ECDSA_SIG *numbers = ECDSA_SIG_new();
	int r, want;

	assert_int_equal(BN_bn2binpad(t->r, sig, 32), 32);
	assert_int_equal(BN_bn2binpad(t->s, sig + 32, 32), 32);
	assert_int_equal(BN_bn2binpad(t->e, digest, 32), 32);
	ECDSA_SIG_set0(numbers, BN_dup(t->r), BN_dup(t->s));
	want = ECDSA_do_verify(digest, sizeof(digest), numbers, t->key);
	ERR_clear_error();
	r = es256_math_verify(t->math, t->table, digest, sig);
	if (r != (want < 0 ? 0 : want))
		fail_msg("we say %d, OpenSSL %d", r, want);
	ECDSA_SIG_free(numbers);
	return r;
}

static void sign(struct tried *t, const uint8_t digest[PASSPORT_DIGEST_LEN])
{
	ECDSA_SIG *sig = ECDSA_do_sign(digest, PASSPORT_DIGEST_LEN, t->key);

	assert_non_null(sig);
	BN_copy(t->r, ECDSA_SIG_get0_r(sig));
	BN_copy(t->s, ECDSA_SIG_get0_s(sig));
	BN_bin2bn(digest, PASSPORT_DIGEST_LEN, t->e);
	ECDSA_SIG_free(sig);
}

/* Each good one, with n - s, and with a bit changed in r, s and e. */
static void test_same_as_openssl(void **state)
{
	struct tried t = tried_new();
	BIGNUM *numbers[] = { t.r, t.s, t.e };

	(void)state;
	for (unsigned i = 0; i < 500; i++) {
		uint8_t digest[PASSPORT_DIGEST_LEN];

		RAND_bytes(digest, sizeof(digest));
		if (i % 8 == 0)
			memset(digest, i % 16 ? 0xff : 0, 31); /* more than n; small */
		sign(&t, digest);
		assert_int_equal(same(&t), 1);
		BN_sub(t.s, t.n, t.s);
		assert_int_equal(same(&t), 1);
		for (unsigned k = 0; k < ARRAY_SIZE(numbers); k++) {
			int bit = (int)(i * 37 % 256);

			(BN_is_bit_set(numbers[k], bit) ? BN_clear_bit : BN_set_bit)(numbers[k], bit);
			assert_int_equal(same(&t), 0);
			(BN_is_bit_set(numbers[k], bit) ? BN_clear_bit : BN_set_bit)(numbers[k], bit);
		}
	}
	tried_free(&t);
}

/* 0, 1, n - 1, n, n + 1 and 2^256 - 1, in r and s and for the digest. */
static void test_limits(void **state)
{
	struct tried t = tried_new();
	BIGNUM *edge[6];

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(edge); i++)
		edge[i] = i < 2 ? BN_new() : BN_dup(t.n);
	BN_set_word(edge[0], 0);
	BN_set_word(edge[1], 1);
	BN_sub_word(edge[2], 1);
	BN_add_word(edge[4], 1);
	BN_set_word(edge[5], 1);
	BN_lshift(edge[5], edge[5], 256);
	BN_sub_word(edge[5], 1);
	for (unsigned i = 0; i < 6 * 6 * 6; i++) {
		BN_copy(t.r, edge[i % 6]);
		BN_copy(t.s, edge[i / 6 % 6]);
		BN_copy(t.e, edge[i / 36]);
		assert_int_equal(same(&t), 0);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(edge); i++)
		BN_free(edge[i]);
	tried_free(&t);
}

/* Both products are the same point; and the sum of both is none. */
static void test_sums(void **state)
{
	struct tried t = tried_new();
	EC_POINT *p = EC_POINT_new(t.table);
	const EC_GROUP *g = EC_KEY_get0_group(t.key);
	BIGNUM *k = BN_new();

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		assert_int_equal(BN_rand_range(k, t.n), 1);
		assert_int_equal(EC_POINT_mul(g, p, k, NULL, NULL, t.ctx), 1);
		assert_int_equal(EC_POINT_get_affine_coordinates(g, p, t.r, NULL, t.ctx), 1);
		BN_nnmod(t.r, t.r, t.n, t.ctx);
		/* e = r d, s = (e + r d) / k */
		BN_mod_mul(t.e, t.r, t.d, t.n, t.ctx);
		BN_mod_lshift1(t.s, t.e, t.n, t.ctx);
		assert_non_null(BN_mod_inverse(k, k, t.n, t.ctx));
		BN_mod_mul(t.s, t.s, k, t.n, t.ctx);
		assert_int_equal(same(&t), 1);
		BN_sub(t.e, t.n, t.e); /* e = - r d */
		assert_int_equal(same(&t), 0);
	}
	EC_POINT_free(p);
	BN_free(k);
	tried_free(&t);
}

/* The key whose secret number is @d; takes it. */
static EC_KEY *key_of(BIGNUM *d)
{
	EC_KEY *k = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
	EC_POINT *q = EC_POINT_new(EC_KEY_get0_group(k));

	assert_int_equal(EC_POINT_mul(EC_KEY_get0_group(k), q, d, NULL, NULL, NULL), 1);
	assert_int_equal(EC_KEY_set_private_key(k, d), 1);
	assert_int_equal(EC_KEY_set_public_key(k, q), 1);
	EC_POINT_free(q);
	BN_free(d);
	return k;
}

/* @sign * (2^bit + add) modulo n */
static BIGNUM *near_power(const BIGNUM *n, int bit, int add, bool is_negative)
{
	BIGNUM *v = BN_new();

	BN_set_bit(v, bit);
	assert_int_equal(add < 0 ? BN_sub_word(v, 1) : BN_add_word(v, (BN_ULONG)add), 1);
	if (is_negative)
		BN_sub(v, n, v);
	return v;
}

/* R = a G + b Q is chosen first, and r, s and e made to fit. */
static void made_to_fit(struct tried *t, const BIGNUM *a, const BIGNUM *b)
{
	const EC_GROUP *g = EC_KEY_get0_group(t->key);
	EC_POINT *p = EC_POINT_new(g);

	assert_int_equal(EC_POINT_mul(g, p, a, EC_KEY_get0_public_key(t->key), b, t->ctx), 1);
	if (EC_POINT_is_at_infinity(g, p)) {
		BN_one(t->r);
	} else {
		assert_int_equal(EC_POINT_get_affine_coordinates(g, p, t->r, NULL, t->ctx), 1);
		BN_nnmod(t->r, t->r, t->n, t->ctx);
	}
	assert_non_null(BN_mod_inverse(t->s, b, t->n, t->ctx));
	BN_mod_mul(t->s, t->s, t->r, t->n, t->ctx);
	BN_mod_mul(t->e, a, t->s, t->n, t->ctx);
	assert_int_equal(same(t), !EC_POINT_is_at_infinity(g, p));
	BN_add_word(t->e, 1);
	assert_int_equal(same(t), 0);
	EC_POINT_free(p);
}

/* Factors with one digit only, at the ends of digits of the tables, and what is missing from them to n; the keys are
 * G, -G, 2 G, 64 G, ... */
static void test_digits(void **state)
{
	static const int bits[] = { 0, 1, 5, 6, 7, 13, 14, 133, 245, 251, 252, 253, 254, 255 };
	static const int keys[] = { 0, 1, 6, 7, 252 };
	BIGNUM *v[ARRAY_SIZE(bits) * 5];
	EC_KEY *any = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
	const BIGNUM *n = EC_GROUP_get0_order(EC_KEY_get0_group(any));
	unsigned cnt = 0;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(bits); i++) {
		v[cnt++] = near_power(n, bits[i], 0, false);
		v[cnt++] = near_power(n, bits[i], 0, true);
		v[cnt++] = near_power(n, bits[i], bits[i] < 2 ? 4 : -1, false);
		v[cnt++] = near_power(n, bits[i], bits[i] < 2 ? 4 : -1, true);
		v[cnt++] = near_power(n, bits[i], 1, false);
	}
	for (unsigned k = 0; k < 2 * ARRAY_SIZE(keys); k++) {
		struct tried t = tried_with(key_of(near_power(n, keys[k / 2], 0, k % 2)));

		for (unsigned i = 0; i < cnt; i++)
			for (unsigned j = (i + k) % 7; j < cnt; j += 7)
				made_to_fit(&t, v[i], v[j]);
		tried_free(&t);
	}
	while (cnt)
		BN_free(v[--cnt]);
	EC_KEY_free(any);
}

/* ---- tables ---- */

static bool is_known(struct es256_tables *t, const uint8_t *point)
{
	EC_GROUP *g = es256_tables_get(t, point);

	EC_GROUP_free(g);
	return g;
}

static void test_room(void **state)
{
	uint8_t points[ES256_TABLES + 1][CERT_POINT_LEN];
	struct tried t = tried_new();
	uint8_t digest[PASSPORT_DIGEST_LEN] = { 1 };

	(void)state;
	memcpy(points[0], t.point, CERT_POINT_LEN);
	for (unsigned i = 1; i <= ES256_TABLES; i++)
		EC_KEY_free(key_new(points[i]));
	for (unsigned i = 1; i < ES256_TABLES; i++) {
		assert_false(is_known(t.tables, points[i]));
		assert_true(es256_tables_turn(t.tables, i));
	}
	assert_false(is_known(t.tables, points[ES256_TABLES]));
	assert_false(es256_tables_turn(t.tables, ES256_TABLE_KEEP_S - 1)); /* none is old enough; the wish is gone */
	assert_false(es256_tables_turn(t.tables, ES256_TABLE_KEEP_S));
	assert_false(is_known(t.tables, points[ES256_TABLES]));
	assert_true(es256_tables_turn(t.tables, ES256_TABLE_KEEP_S));
	assert_true(is_known(t.tables, points[ES256_TABLES]));
	for (unsigned i = 1; i < ES256_TABLES; i++)
		assert_true(is_known(t.tables, points[i]));
	assert_false(is_known(t.tables, points[0])); /* the oldest; who has it keeps it */
	sign(&t, digest);
	assert_int_equal(same(&t), 1);
	points[0][64] ^= 1; /* no point: the wish of it leads to nothing */
	es256_tables_turn(t.tables, 0);
	assert_false(is_known(t.tables, points[0]));
	assert_false(es256_tables_turn(t.tables, 10 * ES256_TABLE_KEEP_S));
	assert_int_equal(ERR_peek_error(), 0);
	tried_free(&t);
}

/* Bad signatures have no table made; good ones do, and then all is as before. */
static void test_use(void **state)
{
	struct es256_tables *tables;
	struct es256 *e;
	uint8_t point[CERT_POINT_LEN], digest[PASSPORT_DIGEST_LEN], good[PASSPORT_SIG_LEN], bad[PASSPORT_SIG_LEN];
	EC_KEY *key = key_new(point);
	ECDSA_SIG *sig;

	(void)state;
	EVP_Digest("text", 4, digest, NULL, EVP_sha256(), NULL);
	sig = ECDSA_do_sign(digest, sizeof(digest), key);
	BN_bn2binpad(ECDSA_SIG_get0_r(sig), good, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(sig), good + 32, 32);
	memcpy(bad, good, sizeof(bad));
	bad[40] ^= 4;
	assert_int_equal(es256_new(&e), 0);
	assert_int_equal(es256_tables_new(&tables), 0);
	assert_int_equal(es256_use_tables(e, tables), 0);
	for (unsigned i = 0; i < 2 * ES256_TABLE_AFTER; i++)
		assert_int_equal(es256_verify(e, point, SLICE("text"), bad), 0);
	assert_false(es256_tables_turn(tables, 0));
	for (unsigned i = 0; i < 2 * ES256_TABLE_AFTER + 100; i++) {
		assert_int_equal(es256_verify(e, point, SLICE("text"), good), 1);
		if (i + 1 == ES256_TABLE_AFTER - 1)
			assert_false(es256_tables_turn(tables, 0));
		if (i + 1 == ES256_TABLE_AFTER)
			assert_true(es256_tables_turn(tables, 0));
	}
	assert_int_equal(es256_verify(e, point, SLICE("text"), bad), 0);
	assert_int_equal(es256_verify(e, point, SLICE("another"), good), 0);
	assert_int_equal(ERR_peek_error(), 0);
	es256_free(e);
	es256_tables_free(tables);
	es256_tables_free(NULL);
	es256_math_free(NULL);
	ECDSA_SIG_free(sig);
	EC_KEY_free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_as_openssl), cmocka_unit_test(test_limits), cmocka_unit_test(test_sums),
		cmocka_unit_test(test_digits),
		cmocka_unit_test(test_room), cmocka_unit_test(test_use),
	};

	return cmocka_run_group_tests_name("es256_table", tests, NULL, NULL);
}
