/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/cleanup.h"
#include "stir/credential.h"
#include "vector.h"

struct key {
	EVP_PKEY *pkey;
	char pem[4096];
	size_t len;
	uint8_t point[CERT_POINT_LEN];
};

static struct key key_of(EVP_PKEY *pkey, const EVP_CIPHER *cipher, const char *pass)
{
	struct key k = { .pkey = pkey };
	BIO *bio = BIO_new(BIO_s_mem());
	size_t len;
	int n;

	assert_non_null(pkey);
	assert_int_equal(PEM_write_bio_PrivateKey(bio, pkey, cipher, NULL, 0, NULL, (void *)pass), 1);
	n = BIO_read(bio, k.pem, sizeof(k.pem));
	assert_true(n > 0 && n < (int)sizeof(k.pem));
	k.len = (size_t)n;
	BIO_free(bio);
	if (EVP_PKEY_get_octet_string_param(pkey, "pub", k.point, sizeof(k.point), &len) != 1)
		memset(k.point, 0, sizeof(k.point));
	return k;
}

static bool verifies(EVP_PKEY *pkey, const uint8_t *digest, const uint8_t sig[PASSPORT_SIG_LEN])
{
	ECDSA_SIG *s = ECDSA_SIG_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
	unsigned char *der = NULL;
	int len, ok;

	ECDSA_SIG_set0(s, BN_bin2bn(sig, 32, NULL), BN_bin2bn(sig + 32, 32, NULL));
	len = i2d_ECDSA_SIG(s, &der);
	assert_true(len > 0);
	assert_int_equal(EVP_PKEY_verify_init(ctx), 1);
	ok = EVP_PKEY_verify(ctx, der, len, digest, PASSPORT_DIGEST_LEN);
	OPENSSL_free(der);
	ECDSA_SIG_free(s);
	EVP_PKEY_CTX_free(ctx);
	return ok == 1;
}

static EVP_PKEY *vector_public(void)
{
	BIO *bio = BIO_new_mem_buf(VECTOR_PUBLIC_PEM, -1);
	EVP_PKEY *pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);

	BIO_free(bio);
	assert_non_null(pkey);
	return pkey;
}

static void from_hex(const char *hex, uint8_t *ret, size_t len)
{
	for (size_t i = 0; i < len; i++)
		assert_int_equal(sscanf(hex + 2 * i, "%2hhx", ret + i), 1);
}

static void test_vector(void **state)
{
	CLEANUP(credential_set_freep) struct credential_set *set = NULL;
	CLEANUP(credential_signer_freep) struct credential_signer *s = NULL;
	struct passport_claims c = VECTOR_CLAIMS;
	uint8_t digest[PASSPORT_DIGEST_LEN], sig[PASSPORT_SIG_LEN], raw[PASSPORT_SIG_LEN];
	EVP_PKEY *pub = vector_public();
	const char *dot;
	char row[600];
	ssize_t n;

	(void)state;
	/* the signature of the example */
	from_hex(VECTOR_DIGEST, digest, sizeof(digest));
	from_hex(VECTOR_SIG, raw, sizeof(raw));
	assert_int_equal(b64url_parse(SLICE(VECTOR_SIG_B64), sig, sizeof(sig)), sizeof(sig));
	assert_memory_equal(sig, raw, sizeof(sig));
	assert_true(verifies(pub, digest, sig));
	sig[63] ^= 1;
	assert_false(verifies(pub, digest, sig));

	/* ours, with the same key over the same claims */
	assert_int_equal(credential_set_new(&set), 0);
	assert_int_equal(credential_add(set, 0, VECTOR_PRIVATE_PEM, strlen(VECTOR_PRIVATE_PEM), NULL),
			 0);
	assert_int_equal(credential_signer_new(set, &s), 0);
	n = identity_emit(SLICE(VECTOR_HEADER_B64), SLICE(VECTOR_X5U), &c, credential_sign, s, 0,
			  row, sizeof(row));
	assert_int_equal(n, 476 - strlen("Identity: ") - 2);
	assert_memory_equal(row, VECTOR_TOKEN, 126 + 1 + 183 + 1);
	dot = row + 126 + 1 + 183;
	assert_int_equal(b64url_parse(slice_of(dot + 1, 86), sig, sizeof(sig)), sizeof(sig));
	assert_true(verifies(pub, digest, sig));
	EVP_PKEY_free(pub);
}

static void test_add_refuses(void **state)
{
	CLEANUP(credential_set_freep) struct credential_set *set = NULL;
	struct key good = key_of(EVP_EC_gen("P-256"), NULL, NULL);
	struct key other = key_of(EVP_EC_gen("P-256"), NULL, NULL);
	struct key p384 = key_of(EVP_EC_gen("P-384"), NULL, NULL);
	struct key k1 = key_of(EVP_EC_gen("secp256k1"), NULL, NULL);
	struct key rsa = key_of(EVP_RSA_gen(2048), NULL, NULL);
	struct key ed = key_of(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), NULL, NULL);
	struct key locked = key_of(EVP_EC_gen("P-256"), EVP_aes_128_cbc(), "word");
	const struct {
		const char *name;
		uint32_t id;
		const char *pem;
		size_t len;
		const uint8_t *point;
		int ret;
	} cases[] = {
		{ "good", 0, good.pem, good.len, good.point, 0 },
		{ "slot in use", 0, good.pem, good.len, good.point, -EEXIST },
		{ "last slot", CREDENTIAL_KEYS_MAX - 1, good.pem, good.len, NULL, 0 },
		{ "id over the limit", CREDENTIAL_KEYS_MAX, good.pem, good.len, NULL, -ERANGE },
		{ "other certificate", 1, good.pem, good.len, other.point, -EKEYREJECTED },
		{ "P-384", 1, p384.pem, p384.len, NULL, -EOPNOTSUPP },
		{ "secp256k1", 1, k1.pem, k1.len, NULL, -EOPNOTSUPP },
		{ "RSA", 1, rsa.pem, rsa.len, NULL, -EOPNOTSUPP },
		{ "Ed25519", 1, ed.pem, ed.len, NULL, -EOPNOTSUPP },
		{ "encrypted", 1, locked.pem, locked.len, NULL, -EBADMSG },
		{ "public key only", 1, VECTOR_PUBLIC_PEM, strlen(VECTOR_PUBLIC_PEM), NULL, -EBADMSG },
		{ "cut short", 1, good.pem, good.len - 40, NULL, -EBADMSG },
		{ "empty", 1, "", 0, NULL, -EBADMSG },
		{ "text", 1, "no key", 6, NULL, -EBADMSG },
		{ "too long", 1, good.pem, 1 << 20, NULL, -EBADMSG },
	};

	(void)state;
	assert_int_equal(credential_set_new(&set), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct guard pem = guard_new(cases[i].pem, cases[i].len > 4096 ? 0 : cases[i].len);
		int r = credential_add(set, cases[i].id, pem.p, cases[i].len, cases[i].point);

		if (r != cases[i].ret)
			fail_msg("%s: returns %d, want %d", cases[i].name, r, cases[i].ret);
		guard_free(&pem);
	}
	EVP_PKEY_free(good.pkey);
	EVP_PKEY_free(other.pkey);
	EVP_PKEY_free(p384.pkey);
	EVP_PKEY_free(k1.pkey);
	EVP_PKEY_free(rsa.pkey);
	EVP_PKEY_free(ed.pkey);
	EVP_PKEY_free(locked.pkey);
}

/* A file whose public part belongs to another private key would sign rows that nobody can verify. */
static void test_add_refuses_foreign_public_part(void **state)
{
	static const char pem[] =
		"-----BEGIN EC PRIVATE KEY-----\n"
		"MHcCAQEEIMmvqdhFunUWa1whV2ex1pNOUMPbNuibEnuKYisSD2choAoGCCqGSM49\n"
		"AwEHoUQDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP40Li/hp/\n"
		"m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\n"
		"-----END EC PRIVATE KEY-----\n"; /* public: the base point, private: not 1 */
	CLEANUP(credential_set_freep) struct credential_set *set = NULL;

	(void)state;
	assert_int_equal(credential_set_new(&set), 0);
	assert_int_equal(credential_add(set, 0, pem, strlen(pem), NULL), -EBADMSG);
}

/* One signature in 128 has an r or s with a leading zero octet: it must be padded, not shifted. */
static void test_padding(void **state)
{
	CLEANUP(credential_set_freep) struct credential_set *set = NULL;
	CLEANUP(credential_signer_freep) struct credential_signer *s = NULL;
	struct key k = key_of(EVP_EC_gen("P-256"), NULL, NULL);
	uint8_t digest[PASSPORT_DIGEST_LEN] = { 0 }, sig[PASSPORT_SIG_LEN];
	unsigned short_cnt = 0;

	(void)state;
	assert_int_equal(credential_set_new(&set), 0);
	assert_int_equal(credential_add(set, 3, k.pem, k.len, k.point), 0);
	assert_int_equal(credential_signer_new(set, &s), 0);
	for (unsigned i = 0; i < 20000 && short_cnt < 10; i++) {
		memcpy(digest, &i, sizeof(i));
		memset(sig, 0xee, sizeof(sig));
		assert_int_equal(credential_sign(s, 3, digest, sig), 0);
		if (i < 100 || sig[0] == 0 || sig[32] == 0)
			assert_true(verifies(k.pkey, digest, sig));
		short_cnt += sig[0] == 0 || sig[32] == 0;
	}
	assert_true(short_cnt == 10);
	EVP_PKEY_free(k.pkey);
}

static void test_drop_and_replace(void **state)
{
	CLEANUP(credential_set_freep) struct credential_set *set = NULL;
	CLEANUP(credential_signer_freep) struct credential_signer *s = NULL;
	struct key a = key_of(EVP_EC_gen("P-256"), NULL, NULL);
	struct key b = key_of(EVP_EC_gen("P-256"), NULL, NULL);
	uint8_t digest[PASSPORT_DIGEST_LEN] = { 1, 2, 3 }, sig[PASSPORT_SIG_LEN] = { 9 };

	(void)state;
	assert_int_equal(credential_set_new(&set), 0);
	assert_int_equal(credential_signer_new(set, &s), 0);
	assert_int_equal(credential_sign(s, 5, digest, sig), -ENOKEY);
	assert_int_equal(credential_sign(s, CREDENTIAL_KEYS_MAX, digest, sig), -ENOKEY);
	assert_int_equal(sig[0], 9);

	assert_int_equal(credential_add(set, 5, a.pem, a.len, a.point), 0);
	assert_int_equal(credential_sign(s, 5, digest, sig), 0);
	assert_true(verifies(a.pkey, digest, sig));

	credential_drop(set, 5);
	credential_drop(set, 5);
	credential_drop(set, CREDENTIAL_KEYS_MAX);
	assert_int_equal(credential_sign(s, 5, digest, sig), -ENOKEY);

	/* never the key that was in the slot before */
	assert_int_equal(credential_add(set, 5, b.pem, b.len, b.point), 0);
	assert_int_equal(credential_sign(s, 5, digest, sig), 0);
	assert_true(verifies(b.pkey, digest, sig));
	credential_drop(set, 5);
	assert_int_equal(credential_add(set, 5, a.pem, a.len, a.point), 0);
	credential_signer_sync(s);
	assert_int_equal(credential_sign(s, 5, digest, sig), 0);
	assert_true(verifies(a.pkey, digest, sig));
	EVP_PKEY_free(a.pkey);
	EVP_PKEY_free(b.pkey);
}

/* A dropped key stays in memory only as long as a signer has not been told. */
static void test_sync_wipes(void **state)
{
	CLEANUP(credential_set_freep) struct credential_set *set = NULL;
	CLEANUP(credential_signer_freep) struct credential_signer *a = NULL, *b = NULL;
	struct key k = key_of(EVP_EC_gen("P-256"), NULL, NULL);
	uint8_t digest[PASSPORT_DIGEST_LEN] = { 1 }, sig[PASSPORT_SIG_LEN];
	size_t before;

	(void)state;
	assert_int_not_equal(CRYPTO_secure_malloc_init(1 << 16, 32), 0);
	assert_int_equal(credential_set_new(&set), 0);
	before = CRYPTO_secure_used();
	assert_int_equal(credential_add(set, CREDENTIAL_KEYS_MAX - 1, k.pem, k.len, k.point), 0);
	assert_true(CRYPTO_secure_used() > before);
	assert_int_equal(credential_signer_new(set, &a), 0); /* has it from the start */
	assert_int_equal(credential_signer_new(set, &b), 0);
	assert_int_equal(credential_sign(b, CREDENTIAL_KEYS_MAX - 1, digest, sig), 0);
	credential_drop(set, CREDENTIAL_KEYS_MAX - 1);
	assert_int_equal(credential_sign(a, CREDENTIAL_KEYS_MAX - 1, digest, sig), -ENOKEY);
	credential_signer_sync(a);
	assert_true(CRYPTO_secure_used() > before);
	credential_signer_sync(b);
	assert_int_equal(CRYPTO_secure_used(), before);
	EVP_PKEY_free(k.pkey);
}

struct race {
	struct credential_set *set;
	EVP_PKEY *pkey;
	_Atomic bool stop;
	unsigned signed_cnt, empty_cnt, bad_cnt;
};

static void *race_sign(void *arg)
{
	struct race *race = arg;
	CLEANUP(credential_signer_freep) struct credential_signer *s = NULL;
	uint8_t digest[PASSPORT_DIGEST_LEN] = { 7 }, sig[PASSPORT_SIG_LEN];

	if (credential_signer_new(race->set, &s) < 0)
		return NULL;
	while (!atomic_load(&race->stop)) {
		int r = credential_sign(s, 0, digest, sig);

		race->signed_cnt += r == 0;
		race->empty_cnt += r == -ENOKEY;
		race->bad_cnt += (r != 0 && r != -ENOKEY) ||
				 (r == 0 && !verifies(race->pkey, digest, sig));
	}
	return NULL;
}

static void test_drop_while_signing(void **state)
{
	CLEANUP(credential_set_freep) struct credential_set *set = NULL;
	struct key k = key_of(EVP_EC_gen("P-256"), NULL, NULL);
	struct race race = { .pkey = k.pkey };
	pthread_t thread;

	(void)state;
	assert_int_equal(credential_set_new(&set), 0);
	race.set = set;
	assert_int_equal(pthread_create(&thread, NULL, race_sign, &race), 0);
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(credential_add(set, 0, k.pem, k.len, k.point), 0);
		usleep(1000);
		credential_drop(set, 0);
		usleep(i % 3 ? 0 : 1000);
	}
	atomic_store(&race.stop, true);
	pthread_join(thread, NULL);
	assert_true(race.signed_cnt > 0 && race.empty_cnt > 0);
	assert_int_equal(race.bad_cnt, 0);
	EVP_PKEY_free(k.pkey);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vector),
		cmocka_unit_test(test_add_refuses),
		cmocka_unit_test(test_add_refuses_foreign_public_part),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_drop_and_replace),
		cmocka_unit_test(test_sync_wipes),
		cmocka_unit_test(test_drop_while_signing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
