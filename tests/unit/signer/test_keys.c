/* SPDX-License-Identifier: BSD-2-Clause */
/* keys: each fault of a key file has a text that names it, and no text quotes the file. */
#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>

#include "signer/keys.h"
#include "stir/vector.h"

static struct credential_set *set;
static uint8_t point[CERT_POINT_LEN]; /* of the vector's key */

static int setup(void **state)
{
	BIO *b = BIO_new_mem_buf(VECTOR_PUBLIC_PEM, -1);
	EVP_PKEY *k = PEM_read_bio_PUBKEY(b, NULL, NULL, NULL);
	size_t len;

	(void)state;
	if (!k || EVP_PKEY_get_octet_string_param(k, "pub", point, sizeof(point), &len) != 1)
		return -1;
	EVP_PKEY_free(k);
	BIO_free(b);
	return credential_set_new(&set);
}

static int teardown(void **state)
{
	(void)state;
	credential_set_free(set);
	return 0;
}

/* PEM text of a new key */
static char *new_key(EVP_PKEY *k, const EVP_CIPHER *cipher)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *p, *text;
	long n;

	assert_non_null(k);
	assert_int_equal(PEM_write_bio_PKCS8PrivateKey(b, k, cipher, "secret", 6, NULL, NULL), 1);
	n = BIO_get_mem_data(b, &p);
	text = strndup(p, (size_t)n);
	BIO_free(b);
	EVP_PKEY_free(k);
	return text;
}

static int add(uint32_t id, const char *text, size_t len, const uint8_t *want, char err[200])
{
	int fd = memfd_create("key", MFD_CLOEXEC), r;

	assert_int_equal(write(fd, text, len), len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	err[0] = '\0';
	r = keys_add(set, id, fd, want, err);
	close(fd);
	return r;
}

static void test_faults(void **state)
{
	static char big[KEYS_FILE_MAX + 1];
	char *p384 = new_key(EVP_EC_gen("P-384"), NULL), *other = new_key(EVP_EC_gen("P-256"), NULL);
	char *locked = new_key(EVP_EC_gen("P-256"), EVP_aes_128_cbc());
	const struct {
		const char *name, *text;
		size_t len;
		const uint8_t *want;
		uint32_t id;
		int ret;
		const char *says;
	} cases[] = {
		{ "good", VECTOR_PRIVATE_PEM, 0, point, 1, 0, "" },
		{ "slot in use", VECTOR_PRIVATE_PEM, 0, point, 1, -EEXIST, "in use" },
		{ "out of range", VECTOR_PRIVATE_PEM, 0, point, CREDENTIAL_KEYS_MAX, -ERANGE, "range" },
		{ "another certificate", other, 0, point, 2, -EKEYREJECTED, "does not match the certificate" },
		{ "P-384", p384, 0, NULL, 2, -EOPNOTSUPP, "P-256" },
		{ "encrypted", locked, 0, NULL, 2, -EBADMSG, "encrypted" },
		{ "certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", 0, NULL, 2,
		  -EBADMSG, "holds a certificate" },
		{ "damaged", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", 0, NULL, 2,
		  -EBADMSG, "cannot be decoded" },
		{ "empty", "", 0, NULL, 2, -EBADMSG, "not a private key" },
		{ "too large", big, sizeof(big), NULL, 2, -EFBIG, "larger than 65536" },
	};

	(void)state;
	memset(big, 'k', sizeof(big));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char err[200];
		int r = add(cases[i].id, cases[i].text, cases[i].len ? cases[i].len : strlen(cases[i].text),
			    cases[i].want, err);

		if (r != cases[i].ret || !strstr(err, cases[i].says))
			fail_msg("%s: returns %d (want %d): %s", cases[i].name, r, cases[i].ret, err);
		if (strstr(err, "kkkk") || strstr(err, "BEGIN"))
			fail_msg("%s: quotes the file", cases[i].name);
	}
	free(p384);
	free(other);
	free(locked);
}

static void test_directory(void **state)
{
	char err[200] = "";
	int fd = open("/", O_RDONLY | O_DIRECTORY);

	(void)state;
	assert_int_equal(keys_add(set, 3, fd, NULL, err), -EISDIR);
	assert_non_null(strstr(err, "cannot be read"));
	close(fd);
}

static void test_warm_up(void **state)
{
	(void)state;
	assert_int_equal(keys_warm_up(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_directory),
		cmocka_unit_test(test_warm_up),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
