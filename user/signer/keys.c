/* SPDX-License-Identifier: BSD-2-Clause */
#include "signer/keys.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <string.h>

/* Room for the secret numbers of CREDENTIAL_KEYS_MAX keys (64 bytes each, and as much again for OpenSSL's map of the
 * heap and for what is in use while one is read), within the usual RLIMIT_MEMLOCK of 8 MiB; a power of two. */
#define SECURE_HEAP (1 << 20)
#define SECURE_MIN  32

DEFINE_FREEP(EVP_PKEY *, EVP_PKEY_free)
DEFINE_FREEP(BIO *, BIO_free)

int keys_openssl_init(bool *ret_is_locked)
{
	/* a configuration file could load engines and providers from anywhere */
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL) != 1)
		return -EIO;
	/* 1: locked; 2: a heap with guard pages, but mlock() was refused; 0: none */
	*ret_is_locked = CRYPTO_secure_malloc_init(SECURE_HEAP, SECURE_MIN) == 1;
	return 0;
}

int keys_add_throwaway(struct credential_set *set)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = EVP_EC_gen("P-256");
	CLEANUP(BIO_freep) BIO *bio = BIO_new(BIO_s_mem());
	char *pem;
	long len;

	if (!key || !bio || !PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL))
		return -EIO;
	len = BIO_get_mem_data(bio, &pem);
	return len > 0 && credential_add(set, 0, pem, (size_t)len, NULL) == 0 ? 0 : -EIO;
}

int keys_warm_up(void)
{
	static const uint8_t digest[PASSPORT_DIGEST_LEN];
	CLEANUP(credential_set_freep) struct credential_set *set = NULL;
	CLEANUP(credential_signer_freep) struct credential_signer *signer = NULL;
	uint8_t sig[PASSPORT_SIG_LEN], random[32];

	if (credential_set_new(&set) < 0 || credential_signer_new(set, &signer) < 0 || keys_add_throwaway(set) < 0 ||
	    RAND_bytes(random, sizeof(random)) != 1 || credential_sign(signer, 0, digest, sig) < 0)
		return -EIO;
	return 0;
}

static ssize_t file_read(int fd, char *buf, size_t cap)
{
	size_t len = 0;

	while (len < cap) {
		ssize_t n = read(fd, buf + len, cap - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return (ssize_t)len;
		len += (size_t)n;
	}
	return -EFBIG;
}

/* Why there is no key in the text, for people. */
static const char *no_key_text(const char *pem, size_t len)
{
	if (memmem(pem, len, "ENCRYPTED", 9))
		return "the private key is encrypted: store it without a passphrase (openssl pkey)";
	if (memmem(pem, len, "PRIVATE KEY-----", 16))
		return "the private key cannot be decoded (want PEM, PKCS#8, EC P-256)";
	if (memmem(pem, len, "BEGIN CERTIFICATE", 17))
		return "not a private key: the file holds a certificate";
	return "not a private key (want PEM, PKCS#8, EC P-256)";
}

static const char *fault_text(int error, const char *pem, size_t len)
{
	switch (error) {
	case -EBADMSG:
		return no_key_text(pem, len);
	case -EOPNOTSUPP:
		return "the private key is not on curve P-256, which ES256 needs";
	case -EKEYREJECTED:
		return "the private key does not match the certificate";
	case -ERANGE:
		return "credential number out of range";
	case -EEXIST:
		return "credential number in use";
	default:
		return strerror(-error);
	}
}

int keys_add(struct credential_set *set, uint32_t id, int fd, const uint8_t point[CERT_POINT_LEN],
	     char reterr_text[200])
{
	static char pem[KEYS_FILE_MAX + 1]; /* one byte more than we take: to see that a file is too long */
	ssize_t len = file_read(fd, pem, sizeof(pem));
	int r = len < 0 ? (int)len : credential_add(set, id, pem, (size_t)len, point);

	if (len == -EFBIG)
		snprintf(reterr_text, 200, "the key file is larger than %d bytes", KEYS_FILE_MAX);
	else if (len < 0)
		snprintf(reterr_text, 200, "the key file cannot be read: %s", strerror((int)-len));
	else if (r < 0)
		snprintf(reterr_text, 200, "%s", fault_text(r, pem, (size_t)len));
	OPENSSL_cleanse(pem, sizeof(pem));
	return r;
}
