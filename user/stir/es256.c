/* SPDX-License-Identifier: BSD-2-Clause */
#include "stir/es256.h"

#include <errno.h>
#include <stdbool.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(e) ((e)->is_lost = true)
#include <uthash.h>
#include <utlist.h>

#define COORD_LEN 32
/* SEQUENCE of two INTEGERs, each with a zero in front of its first bit */
#define DER_MAX (2 + 2 * (2 + 1 + COORD_LEN))

/*
 * A key that was seen.  Who hits the same chain of the hash again and again holds as many certificates
 * of a trusted authority, and gains some microseconds with a thousand of them.
 */
struct key {
	uint8_t point[CERT_POINT_LEN];
	EVP_PKEY_CTX *ctx; /* ready to verify; holds the key */
	bool is_lost;
	UT_hash_handle hh;
	struct key *prev, *next; /* in use: the one that was used longest ago first; else unused */
};

struct es256 {
	EVP_MD_CTX *md;
	EVP_PKEY_CTX *from; /* makes keys of points */
	struct key *by_point, *oldest, *unused;
	struct key keys[ES256_KEYS];
};

DEFINE_FREEP(EVP_PKEY *, EVP_PKEY_free)
DEFINE_FREEP(EVP_PKEY_CTX *, EVP_PKEY_CTX_free)

int es256_new(struct es256 **ret)
{
	CLEANUP(es256_freep) struct es256 *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	for (size_t i = ES256_KEYS; i--;)
		LL_PREPEND(e->unused, &e->keys[i]);
	e->md = EVP_MD_CTX_new();
	e->from = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	/* the algorithm is looked up here, once: in each call that would cost more than the digest */
	if (!e->md || EVP_DigestInit_ex2(e->md, EVP_sha256(), NULL) != 1 || !e->from ||
	    EVP_PKEY_fromdata_init(e->from) != 1) {
		ERR_clear_error();
		return -EIO;
	}
	*ret = TAKE(e);
	return 0;
}

static void key_release(struct es256 *e, struct key *k)
{
	HASH_DEL(e->by_point, k);
	DL_DELETE(e->oldest, k);
	EVP_PKEY_CTX_free(TAKE(k->ctx));
	LL_PREPEND(e->unused, k);
}

void es256_free(struct es256 *e)
{
	if (!e)
		return;
	while (e->oldest)
		key_release(e, e->oldest);
	EVP_PKEY_CTX_free(e->from);
	EVP_MD_CTX_free(e->md);
	free(e);
}

/* Return: 1, 0: no point of the curve, -ENOMEM, -EIO. */
static int ctx_new(struct es256 *e, const uint8_t point[CERT_POINT_LEN], EVP_PKEY_CTX **ret)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	CLEANUP(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = NULL;
	OSSL_PARAM params[] = {
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)"P-256", 5),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)point,
					CERT_POINT_LEN),
		OSSL_PARAM_END,
	};

	if (EVP_PKEY_fromdata(e->from, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		return ERR_GET_REASON(ERR_peek_error()) == ERR_R_MALLOC_FAILURE ? -ENOMEM : 0;
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	if (!ctx || EVP_PKEY_verify_init(ctx) != 1)
		return -EIO;
	*ret = TAKE(ctx);
	return 1;
}

/* The key of @point, from now on the one that was used last.  Return: as ctx_new(). */
static int key_get(struct es256 *e, const uint8_t point[CERT_POINT_LEN], struct key **ret)
{
	EVP_PKEY_CTX *ctx;
	struct key *k;
	int r;

	HASH_FIND(hh, e->by_point, point, CERT_POINT_LEN, k);
	if (k) {
		DL_DELETE(e->oldest, k);
		DL_APPEND(e->oldest, k);
		*ret = k;
		return 1;
	}
	if (point[0] != POINT_CONVERSION_UNCOMPRESSED)
		return 0;
	if ((r = ctx_new(e, point, &ctx)) <= 0)
		return r;
	if (!e->unused)
		key_release(e, e->oldest);
	k = e->unused;
	LL_DELETE(e->unused, k);
	memcpy(k->point, point, CERT_POINT_LEN);
	k->ctx = ctx;
	k->is_lost = false;
	DL_APPEND(e->oldest, k);
	HASH_ADD(hh, e->by_point, point, CERT_POINT_LEN, k);
	if (k->is_lost) {
		DL_DELETE(e->oldest, k);
		EVP_PKEY_CTX_free(TAKE(k->ctx));
		LL_PREPEND(e->unused, k);
		return -ENOMEM;
	}
	*ret = k;
	return 1;
}

/* INTEGER of DER: no zero octet in front, but one where the first bit is set, and one for 0. */
static uint8_t *integer_put(uint8_t *at, const uint8_t v[COORD_LEN])
{
	size_t len = COORD_LEN, zero;

	while (len > 1 && !*v) {
		v++;
		len--;
	}
	zero = *v >> 7;
	*at++ = 0x02;
	*at++ = (uint8_t)(zero + len);
	if (zero)
		*at++ = 0;
	memcpy(at, v, len);
	return at + len;
}

/* What OpenSSL takes; by hand, for i2d_ECDSA_SIG() makes eight allocations.  Return: length. */
static size_t der_put(const uint8_t sig[PASSPORT_SIG_LEN], uint8_t ret[DER_MAX])
{
	uint8_t *end = integer_put(integer_put(ret + 2, sig), sig + COORD_LEN);

	ret[0] = 0x30;
	ret[1] = (uint8_t)(end - ret - 2);
	return (size_t)(end - ret);
}

/* Return: 1, 0, or negative errno; OpenSSL's list of errors is not empty then. */
static int verify(struct es256 *e, const uint8_t *point, struct slice text, const uint8_t *sig)
{
	uint8_t digest[PASSPORT_DIGEST_LEN], der[DER_MAX];
	struct key *k;
	int r = key_get(e, point, &k);

	if (r <= 0)
		return r;
	/* no algorithm given: the one of the context */
	if (EVP_DigestInit_ex2(e->md, NULL, NULL) != 1 ||
	    EVP_DigestUpdate(e->md, text.p, text.len) != 1 ||
	    EVP_DigestFinal_ex(e->md, digest, NULL) != 1)
		return -EIO;
	r = EVP_PKEY_verify(k->ctx, der, der_put(sig, der), digest, sizeof(digest));
	return r < 0 ? -EIO : r;
}

int es256_verify(void *ctx, const uint8_t point[CERT_POINT_LEN], struct slice text,
		 const uint8_t sig[PASSPORT_SIG_LEN])
{
	int r = verify(ctx, point, text, sig);

	if (r != 1)
		ERR_clear_error();
	return r;
}
