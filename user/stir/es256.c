/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ECDSA_do_verify() and not EVP_PKEY_verify(): what it is given is the numbers, not their DER, which EVP parses, and
 * writes and compares once more.  1.0 us of 60 less.  OpenSSL 3 calls it deprecated, and it is what EVP itself ends in.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "stir/es256.h"

#include <errno.h>
#include <stdbool.h>

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "stir/es256_table.h"

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(e) ((e)->is_lost = true)
#include <uthash.h>
#include <utlist.h>

#define COORD_LEN 32

/*
 * A key that was seen.  Who hits the same chain of the hash again and again holds as many certificates
 * of a trusted authority, and gains some microseconds with a thousand of them.
 */
struct key {
	uint8_t point[CERT_POINT_LEN];
	EC_KEY *ec;
	EC_GROUP *table; /* NULL: none */
	unsigned good;   /* signatures */
	bool is_lost;
	UT_hash_handle hh;
	struct key *prev, *next; /* in use: the one that was used longest ago first; else unused */
};

struct es256 {
	EVP_MD_CTX *md;
	EC_GROUP *group;
	ECDSA_SIG *sig; /* of the call; r and s are its own */
	BIGNUM *r, *s;
	struct es256_tables *tables; /* NULL: none; not ours */
	struct es256_math *math;
	struct key *tabled[ES256_TABLES]; /* keys with a table; the next one takes the place of the first */
	unsigned tabled_next;
	uint64_t by_table;                /* signatures */
	struct key *by_point, *oldest, *unused;
	struct key keys[ES256_KEYS];
};

DEFINE_FREEP(EC_KEY *, EC_KEY_free)

/* Numbers that are there for all calls: made for each, they would be three blocks of the heap. */
static int sig_new(struct es256 *e)
{
	BIGNUM *r = BN_new(), *s = BN_new();

	e->sig = ECDSA_SIG_new();
	if (!r || !s || !e->sig || ECDSA_SIG_set0(e->sig, r, s) != 1) {
		BN_free(r);
		BN_free(s);
		return -ENOMEM;
	}
	e->r = r;
	e->s = s;
	return 0;
}

int es256_new(struct es256 **ret)
{
	CLEANUP(es256_freep) struct es256 *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	for (size_t i = ES256_KEYS; i--;)
		LL_PREPEND(e->unused, &e->keys[i]);
	e->md = EVP_MD_CTX_new();
	e->group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	/* the algorithm is looked up here, once: in each call that would cost more than the digest */
	if (!e->md || EVP_DigestInit_ex2(e->md, EVP_sha256(), NULL) != 1 || !e->group || sig_new(e) < 0) {
		ERR_clear_error();
		return -EIO;
	}
	*ret = TAKE(e);
	return 0;
}

static void table_drop(struct es256 *e, struct key *k)
{
	for (unsigned i = 0; i < ES256_TABLES; i++)
		if (e->tabled[i] == k)
			e->tabled[i] = NULL;
	EC_GROUP_free(TAKE(k->table));
}

/* A thread holds no more tables than there may be: each has 150 KB. */
static void table_want(struct es256 *e, struct key *k)
{
	struct key **place = &e->tabled[e->tabled_next % ES256_TABLES];
	EC_GROUP *table = es256_tables_get(e->tables, k->point);

	if (!table)
		return;
	if (*place)
		table_drop(e, *place);
	*place = k;
	e->tabled_next++;
	k->table = table;
}

static void key_release(struct es256 *e, struct key *k)
{
	if (k->table)
		table_drop(e, k);
	HASH_DEL(e->by_point, k);
	DL_DELETE(e->oldest, k);
	EC_KEY_free(TAKE(k->ec));
	LL_PREPEND(e->unused, k);
}

void es256_free(struct es256 *e)
{
	if (!e)
		return;
	while (e->oldest)
		key_release(e, e->oldest);
	es256_math_free(e->math);
	ECDSA_SIG_free(e->sig);
	EC_GROUP_free(e->group);
	EVP_MD_CTX_free(e->md);
	free(e);
}

/* Return: 1, 0: no point of the curve, -ENOMEM. */
static int ec_new(const struct es256 *e, const uint8_t point[CERT_POINT_LEN], EC_KEY **ret)
{
	CLEANUP(EC_KEY_freep) EC_KEY *ec = EC_KEY_new();

	if (!ec || EC_KEY_set_group(ec, e->group) != 1)
		return -ENOMEM;
	/* other points than those of the curve are refused; the curve has no small subgroup */
	if (EC_KEY_oct2key(ec, point, CERT_POINT_LEN, NULL) != 1)
		return ERR_GET_REASON(ERR_peek_error()) == ERR_R_MALLOC_FAILURE ? -ENOMEM : 0;
	*ret = TAKE(ec);
	return 1;
}

/* The key of @point, from now on the one that was used last.  Return: as ec_new(). */
static int key_get(struct es256 *e, const uint8_t point[CERT_POINT_LEN], struct key **ret)
{
	EC_KEY *ec;
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
	if ((r = ec_new(e, point, &ec)) <= 0)
		return r;
	if (!e->unused)
		key_release(e, e->oldest);
	k = e->unused;
	LL_DELETE(e->unused, k);
	memcpy(k->point, point, CERT_POINT_LEN);
	k->ec = ec;
	k->good = 0;
	k->is_lost = false;
	DL_APPEND(e->oldest, k);
	HASH_ADD(hh, e->by_point, point, CERT_POINT_LEN, k);
	if (k->is_lost) {
		DL_DELETE(e->oldest, k);
		EC_KEY_free(TAKE(k->ec));
		LL_PREPEND(e->unused, k);
		return -ENOMEM;
	}
	*ret = k;
	return 1;
}

int es256_use_tables(struct es256 *e, struct es256_tables *t)
{
	int r = e->math || !t ? 0 : es256_math_new(&e->math);

	if (r == 0)
		e->tables = t;
	return r;
}

uint64_t es256_by_table(const struct es256 *e)
{
	return e->by_table;
}

/* Return: as ECDSA_do_verify(), -EIO. */
static int digest_verify(struct es256 *e, struct key *k, const uint8_t *digest, const uint8_t *sig)
{
	int r;

	if (k->table) {
		e->by_table++;
		return es256_math_verify(e->math, k->table, digest, sig);
	}
	if (!BN_bin2bn(sig, COORD_LEN, e->r) || !BN_bin2bn(sig + COORD_LEN, COORD_LEN, e->s))
		return -EIO;
	r = ECDSA_do_verify(digest, PASSPORT_DIGEST_LEN, e->sig, k->ec);
	/* only what is good counts: nobody has tables made of keys that he has not */
	if (r == 1 && e->tables && ++k->good % ES256_TABLE_AFTER == 0)
		table_want(e, k);
	return r;
}

/* Return: 1, 0, or negative errno; OpenSSL's list of errors is not empty then. */
static int verify(struct es256 *e, const uint8_t *point, struct slice text, const uint8_t *sig)
{
	uint8_t digest[PASSPORT_DIGEST_LEN];
	struct key *k;
	int r = key_get(e, point, &k);

	if (r <= 0)
		return r;
	/* no algorithm given: the one of the context */
	if (EVP_DigestInit_ex2(e->md, NULL, NULL) != 1 ||
	    EVP_DigestUpdate(e->md, text.p, text.len) != 1 ||
	    EVP_DigestFinal_ex(e->md, digest, NULL) != 1)
		return -EIO;
	r = digest_verify(e, k, digest, sig);
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
