/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A signing thread never touches a key that another thread may be freeing: it holds references of
 * its own (an EC_KEY per key), made under the lock of the set and kept as long as the
 * serial number of the slot, which the hot path reads without a lock, is the one they were made
 * for.
 *
 * Why the EC_KEY that OpenSSL 3 calls deprecated: EVP_PKEY_sign() on a held context goes through the provider and
 * DER, 20.2 us instead of 19.4 for the same signature (medians of 15, side by side).  Keys are still read
 * and checked by EVP.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* see above */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "stir/credential.h"

#define KEY_PEM_MAX (64 * 1024) /* an EC key takes 250 bytes; comments may stand around it */
#define COORD_LEN   32		/* of P-256: a coordinate, r, s */

DEFINE_FREEP(EVP_PKEY *, EVP_PKEY_free)
DEFINE_FREEP(EVP_PKEY_CTX *, EVP_PKEY_CTX_free)
DEFINE_FREEP(EC_KEY *, EC_KEY_free)
DEFINE_FREEP(ECDSA_SIG *, ECDSA_SIG_free)
DEFINE_FREEP(BIO *, BIO_free)
DEFINE_FREEP(BIGNUM *, BN_free)

struct credential_slot {
	EC_KEY *key;		 /* by the lock */
	_Atomic uint64_t serial; /* 0: empty; never used twice */
};

struct credential_set {
	pthread_mutex_t lock;
	uint64_t last_serial;	  /* by the lock */
	_Atomic uint64_t changes; /* grows with every key that is added or dropped */
	struct credential_slot slot[CREDENTIAL_KEYS_MAX];
};

struct signer_slot {
	EC_KEY *key;
	uint64_t serial; /* what it was taken for */
};

struct credential_signer {
	struct credential_set *set;
	uint64_t changes; /* of the set, that were followed */
	struct signer_slot slot[CREDENTIAL_KEYS_MAX];
};

int credential_set_new(struct credential_set **ret)
{
	struct credential_set *set = calloc(1, sizeof(*set));

	if (!set)
		return -ENOMEM;
	pthread_mutex_init(&set->lock, NULL);
	*ret = set;
	return 0;
}

void credential_set_free(struct credential_set *set)
{
	if (!set)
		return;
	for (uint32_t i = 0; i < CREDENTIAL_KEYS_MAX; i++)
		EC_KEY_free(set->slot[i].key);
	pthread_mutex_destroy(&set->lock);
	free(set);
}

/* An encrypted key must fail, not ask on the terminal. */
static int no_passphrase(char *buf, int size, int rwflag, void *ctx)
{
	(void)buf, (void)size, (void)rwflag, (void)ctx;
	return -1;
}

static int coord_get(const EVP_PKEY *key, const char *name, uint8_t ret_coord[COORD_LEN])
{
	CLEANUP(BN_freep) BIGNUM *bn = NULL;

	if (EVP_PKEY_get_bn_param(key, name, &bn) != 1)
		return -EBADMSG;
	return BN_bn2binpad(bn, ret_coord, COORD_LEN) == COORD_LEN ? 0 : -EBADMSG;
}

static int key_check(EVP_PKEY *key, const uint8_t *point)
{
	CLEANUP(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = NULL;
	uint8_t own[CERT_POINT_LEN] = { POINT_CONVERSION_UNCOMPRESSED };
	char group[64] = "";

	if (EVP_PKEY_get_id(key) != EVP_PKEY_EC ||
	    EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1 ||
	    strcmp(group, SN_X9_62_prime256v1) != 0)
		return -EOPNOTSUPP;
	/* a file can name a public key that is not the private key's: no signature would verify */
	ctx = EVP_PKEY_CTX_new(key, NULL);
	if (!ctx || EVP_PKEY_pairwise_check(ctx) != 1)
		return -EBADMSG;
	if (!point)
		return 0;
	if (coord_get(key, OSSL_PKEY_PARAM_EC_PUB_X, own + 1) < 0 ||
	    coord_get(key, OSSL_PKEY_PARAM_EC_PUB_Y, own + 1 + COORD_LEN) < 0)
		return -EBADMSG;
	return memcmp(own, point, CERT_POINT_LEN) == 0 ? 0 : -EKEYREJECTED;
}

static int key_read(const char *pem, size_t len, const uint8_t *point, EC_KEY **ret)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	CLEANUP(EC_KEY_freep) EC_KEY *ec = NULL;
	CLEANUP(BIO_freep) BIO *bio = NULL;
	int r;

	if (len > KEY_PEM_MAX)
		return -EBADMSG;
	bio = BIO_new_mem_buf(pem, (int)len);
	key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
	r = key ? key_check(key, point) : -EBADMSG;
	if (r == 0 && !(ec = EVP_PKEY_get1_EC_KEY(key))) /* a copy, in the secure heap, too */
		r = -EBADMSG;
	ERR_clear_error();
	if (r == 0)
		*ret = TAKE(ec);
	return r;
}

int credential_add(struct credential_set *set, uint32_t id, const char *pem, size_t len,
		   const uint8_t point[CERT_POINT_LEN])
{
	CLEANUP(EC_KEY_freep) EC_KEY *key = NULL;
	int r;

	if (id >= CREDENTIAL_KEYS_MAX)
		return -ERANGE;
	r = key_read(pem, len, point, &key);
	if (r < 0)
		return r;
	pthread_mutex_lock(&set->lock);
	if (set->slot[id].key) {
		r = -EEXIST;
	} else {
		set->slot[id].key = TAKE(key);
		atomic_store_explicit(&set->slot[id].serial, ++set->last_serial,
				      memory_order_release);
		atomic_fetch_add_explicit(&set->changes, 1, memory_order_release);
	}
	pthread_mutex_unlock(&set->lock);
	return r;
}

void credential_drop(struct credential_set *set, uint32_t id)
{
	EC_KEY *key;

	if (id >= CREDENTIAL_KEYS_MAX)
		return;
	pthread_mutex_lock(&set->lock);
	key = TAKE(set->slot[id].key);
	atomic_store_explicit(&set->slot[id].serial, 0, memory_order_release);
	if (key)
		atomic_fetch_add_explicit(&set->changes, 1, memory_order_release);
	pthread_mutex_unlock(&set->lock);
	EC_KEY_free(key); /* wiped with the last reference: see credential_signer_sync() */
}

int credential_signer_new(struct credential_set *set, struct credential_signer **ret)
{
	struct credential_signer *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->set = set;
	credential_signer_sync(s);
	*ret = s;
	return 0;
}

void credential_signer_free(struct credential_signer *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < CREDENTIAL_KEYS_MAX; i++)
		EC_KEY_free(s->slot[i].key);
	free(s);
}

static void signer_slot_release(struct signer_slot *slot)
{
	EC_KEY_free(slot->key);
	*slot = (struct signer_slot){ 0 };
}

/* Take a key that is new to this thread.  Return: 0, -ENOKEY, -EIO. */
static int signer_slot_load(struct credential_signer *s, uint32_t id)
{
	CLEANUP(EC_KEY_freep) EC_KEY *key = NULL;
	uint64_t serial;

	signer_slot_release(&s->slot[id]);
	pthread_mutex_lock(&s->set->lock);
	serial = atomic_load_explicit(&s->set->slot[id].serial, memory_order_relaxed);
	if (serial && EC_KEY_up_ref(s->set->slot[id].key) == 1)
		key = s->set->slot[id].key;
	pthread_mutex_unlock(&s->set->lock);
	if (!serial)
		return -ENOKEY;
	if (!key)
		return -EIO;
	s->slot[id] = (struct signer_slot){ .key = TAKE(key), .serial = serial };
	return 0;
}

void credential_signer_sync(struct credential_signer *s)
{
	uint64_t changes = atomic_load_explicit(&s->set->changes, memory_order_acquire);

	if (changes == s->changes)
		return;
	s->changes = changes;
	for (uint32_t i = 0; i < CREDENTIAL_KEYS_MAX; i++) {
		uint64_t serial =
			atomic_load_explicit(&s->set->slot[i].serial, memory_order_acquire);

		if (serial == s->slot[i].serial)
			continue;
		if (serial)
			signer_slot_load(s, i); /* a failure shows when the key is used */
		else
			signer_slot_release(&s->slot[i]);
	}
}

/* RFC 7518 s3.4: r || s, 32 octets each. */
static int sign(EC_KEY *key, const uint8_t digest[PASSPORT_DIGEST_LEN], uint8_t ret_sig[PASSPORT_SIG_LEN])
{
	CLEANUP(ECDSA_SIG_freep) ECDSA_SIG *sig = ECDSA_do_sign(digest, PASSPORT_DIGEST_LEN, key);

	if (!sig || BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret_sig, COORD_LEN) != COORD_LEN ||
	    BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret_sig + COORD_LEN, COORD_LEN) != COORD_LEN) {
		ERR_clear_error();
		return -EIO;
	}
	return 0;
}

int credential_sign(void *ctx, uint32_t id, const uint8_t digest[PASSPORT_DIGEST_LEN],
		    uint8_t ret_sig[PASSPORT_SIG_LEN])
{
	struct credential_signer *s = ctx;
	uint64_t serial;
	int r;

	if (id >= CREDENTIAL_KEYS_MAX)
		return -ENOKEY;
	serial = atomic_load_explicit(&s->set->slot[id].serial, memory_order_acquire);
	if (!serial)
		return -ENOKEY;
	if (serial != s->slot[id].serial) {
		r = signer_slot_load(s, id);
		if (r < 0)
			return r;
	}
	return sign(s->slot[id].key, digest, ret_sig);
}
