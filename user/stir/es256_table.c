/* SPDX-License-Identifier: BSD-2-Clause */
#define OPENSSL_SUPPRESS_DEPRECATED /* EC_GROUP_precompute_mult() has no successor */
#include "stir/es256_table.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/objects.h>

#define COORD_LEN 32

DEFINE_FREEP(EC_GROUP *, EC_GROUP_free)
DEFINE_FREEP(EC_POINT *, EC_POINT_free)

struct table {
	EC_GROUP *group; /* NULL: free */
	uint8_t point[CERT_POINT_LEN];
	uint64_t made_s;
};

struct es256_tables {
	pthread_mutex_t lock; /* of all below; held for some microseconds */
	struct table tables[ES256_TABLES];
	bool is_wanted;
	uint8_t wanted[CERT_POINT_LEN];
};

int es256_tables_new(struct es256_tables **ret)
{
	struct es256_tables *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	pthread_mutex_init(&t->lock, NULL);
	*ret = t;
	return 0;
}

void es256_tables_free(struct es256_tables *t)
{
	if (!t)
		return;
	for (unsigned i = 0; i < ES256_TABLES; i++)
		EC_GROUP_free(t->tables[i].group);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static struct table *find(struct es256_tables *t, const uint8_t *point)
{
	for (unsigned i = 0; i < ES256_TABLES; i++)
		if (t->tables[i].group && memcmp(t->tables[i].point, point, CERT_POINT_LEN) == 0)
			return &t->tables[i];
	return NULL;
}

/* A group of one's own: nobody frees it under somebody else's eyes.  OpenSSL counts who shares the table. */
EC_GROUP *es256_tables_get(struct es256_tables *t, const uint8_t point[CERT_POINT_LEN])
{
	EC_GROUP *g = NULL;
	struct table *found;

	if (pthread_mutex_trylock(&t->lock))
		return NULL;
	found = find(t, point);
	if (found) {
		g = EC_GROUP_dup(found->group);
	} else if (!t->is_wanted) {
		memcpy(t->wanted, point, CERT_POINT_LEN);
		t->is_wanted = true;
	}
	pthread_mutex_unlock(&t->lock);
	if (!g)
		ERR_clear_error();
	return g;
}

/* NULL: no such point, no memory, or an OpenSSL without tables for this curve. */
static EC_GROUP *table_make(const uint8_t point[CERT_POINT_LEN])
{
	CLEANUP(EC_GROUP_freep) EC_GROUP *g = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	CLEANUP(EC_POINT_freep) EC_POINT *q = g ? EC_POINT_new(g) : NULL;

	if (!q || EC_POINT_oct2point(g, q, point, CERT_POINT_LEN, NULL) != 1 ||
	    EC_GROUP_set_generator(g, q, EC_GROUP_get0_order(g), EC_GROUP_get0_cofactor(g)) != 1 ||
	    EC_GROUP_precompute_mult(g, NULL) != 1 || EC_GROUP_have_precompute_mult(g) != 1) {
		ERR_clear_error();
		return NULL;
	}
	return TAKE(g);
}

/* Free, or the oldest, if that is old enough: more keys than there are tables shall not make them all the time. */
static struct table *place_for_new(struct es256_tables *t, uint64_t now_s)
{
	struct table *oldest = &t->tables[0];

	for (unsigned i = 0; i < ES256_TABLES; i++) {
		if (!t->tables[i].group)
			return &t->tables[i];
		if (t->tables[i].made_s < oldest->made_s)
			oldest = &t->tables[i];
	}
	return now_s - oldest->made_s >= ES256_TABLE_KEEP_S ? oldest : NULL;
}

bool es256_tables_turn(struct es256_tables *t, uint64_t now_s)
{
	uint8_t point[CERT_POINT_LEN];
	EC_GROUP *made, *old;
	struct table *place;

	pthread_mutex_lock(&t->lock);
	place = t->is_wanted ? place_for_new(t, now_s) : NULL;
	memcpy(point, t->wanted, sizeof(point));
	t->is_wanted = false;
	pthread_mutex_unlock(&t->lock);
	made = place ? table_make(point) : NULL; /* 30 ms, without the lock; nobody else takes the place */
	if (!made)
		return false;
	pthread_mutex_lock(&t->lock);
	old = place->group;
	memcpy(place->point, point, sizeof(point));
	place->group = made;
	place->made_s = now_s;
	if (t->is_wanted && memcmp(t->wanted, point, sizeof(point)) == 0)
		t->is_wanted = false; /* another thread wanted the same meanwhile */
	pthread_mutex_unlock(&t->lock);
	EC_GROUP_free(old);
	return true;
}

/* ---- verification ---- */

struct es256_math {
	BN_CTX *ctx;
	BN_MONT_CTX *mod_n;
	EC_GROUP *group;
	EC_POINT *a, *b;
	BIGNUM *r, *s, *e, *u, *x;
};

int es256_math_new(struct es256_math **ret)
{
	struct es256_math *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->ctx = BN_CTX_new();
	m->mod_n = BN_MONT_CTX_new();
	m->group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	m->a = m->group ? EC_POINT_new(m->group) : NULL;
	m->b = m->group ? EC_POINT_new(m->group) : NULL;
	m->r = BN_new();
	m->s = BN_new();
	m->e = BN_new();
	m->u = BN_new();
	m->x = BN_new();
	if (!m->ctx || !m->mod_n || !m->a || !m->b || !m->r || !m->s || !m->e || !m->u || !m->x ||
	    BN_MONT_CTX_set(m->mod_n, EC_GROUP_get0_order(m->group), m->ctx) != 1) {
		es256_math_free(m);
		return -ENOMEM;
	}
	*ret = m;
	return 0;
}

void es256_math_free(struct es256_math *m)
{
	if (!m)
		return;
	BN_free(m->r);
	BN_free(m->s);
	BN_free(m->e);
	BN_free(m->u);
	BN_free(m->x);
	EC_POINT_free(m->a);
	EC_POINT_free(m->b);
	EC_GROUP_free(m->group);
	BN_MONT_CTX_free(m->mod_n);
	BN_CTX_free(m->ctx);
	free(m);
}

static bool is_scalar(const BIGNUM *v, const BIGNUM *n)
{
	return !BN_is_zero(v) && BN_cmp(v, n) < 0;
}

/* *ret = v / s times the generator of @g; m->s is 1 / s in Montgomery's form. */
static bool multiply(struct es256_math *m, const EC_GROUP *g, const BIGNUM *v, EC_POINT *ret)
{
	return BN_mod_mul_montgomery(m->u, v, m->s, m->mod_n, m->ctx) == 1 &&
	       EC_POINT_mul(g, ret, m->u, NULL, NULL, m->ctx) == 1;
}

/* FIPS 186-5 s6.4.2: R = (e / s) G + (r / s) Q; good if its x is r, modulo n. */
int es256_math_verify(struct es256_math *m, const EC_GROUP *table, const uint8_t digest[PASSPORT_DIGEST_LEN],
		      const uint8_t sig[PASSPORT_SIG_LEN])
{
	const BIGNUM *n = EC_GROUP_get0_order(m->group);

	if (!BN_bin2bn(sig, COORD_LEN, m->r) || !BN_bin2bn(sig + COORD_LEN, COORD_LEN, m->s) ||
	    !BN_bin2bn(digest, PASSPORT_DIGEST_LEN, m->e))
		return -EIO;
	if (!is_scalar(m->r, n) || !is_scalar(m->s, n))
		return 0;
	/* 2^256 is less than 2 n: once is enough, here and below */
	if (BN_cmp(m->e, n) >= 0 && BN_sub(m->e, m->e, n) != 1)
		return -EIO;
	if (!BN_mod_inverse(m->s, m->s, n, m->ctx) || BN_to_montgomery(m->s, m->s, m->mod_n, m->ctx) != 1 ||
	    !multiply(m, m->group, m->e, m->a) || !multiply(m, table, m->r, m->b) ||
	    EC_POINT_add(m->group, m->a, m->a, m->b, m->ctx) != 1)
		return -EIO;
	if (EC_POINT_is_at_infinity(m->group, m->a))
		return 0;
	if (EC_POINT_get_affine_coordinates(m->group, m->a, m->x, NULL, m->ctx) != 1 ||
	    (BN_cmp(m->x, n) >= 0 && BN_sub(m->x, m->x, n) != 1))
		return -EIO;
	return BN_cmp(m->x, m->r) == 0;
}
