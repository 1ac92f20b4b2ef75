/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * es256_table - verification by tables of multiples, for the keys that come most.
 *
 * Two thirds of a verification multiply the key by a number.  OpenSSL has a table of multiples of the curve's
 * generator, with which the same takes a fifth of that time, and makes one for another point if a group says that this
 * is its generator.  So a signature is verified in 40 us instead of 60; but a table takes 30 ms to make, and 150 KB.
 *
 *     worker: key was good so often --es256_tables_get()--> wish --es256_tables_turn()--> table, by another thread
 *                                                           and next time a group of its own that shares the table
 *
 * Only public numbers are in it, so nothing has to take the same time for all of them.
 */
#ifndef SIPSEAL_STIR_ES256_TABLE_H
#define SIPSEAL_STIR_ES256_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/ec.h>

#include "base/cleanup.h"
#include "stir/cert.h"
#include "stir/passport.h"

#define ES256_TABLES       16   /* for all threads, and once more as many that a thread may hold on to */
#define ES256_TABLE_AFTER  2048 /* good signatures: a table has cost as much as it saves after 1,500 */
#define ES256_TABLE_KEEP_S 600  /* before it gives way to another */

struct es256_tables;

/** es256_tables_new() - Return: 0, -ENOMEM. */
int es256_tables_new(struct es256_tables **ret);
void es256_tables_free(struct es256_tables *t);
DEFINE_FREEP(struct es256_tables *, es256_tables_free)

/** es256_tables_get() - any thread; never waits.
 * Return: a group with @point for generator, the caller's to free; NULL: not now, ask again later. */
EC_GROUP *es256_tables_get(struct es256_tables *t, const uint8_t point[CERT_POINT_LEN]);

/** es256_tables_turn() - make one table, if one is wanted and there is room; one thread alone.
 * Return: true: there is one more. */
bool es256_tables_turn(struct es256_tables *t, uint64_t now_s);

/* What a thread needs to verify by tables. */
struct es256_math;
int es256_math_new(struct es256_math **ret);    /* 0, -ENOMEM */
void es256_math_free(struct es256_math *m);

/** es256_math_verify() - @table: of the key.  Return: 1 good, 0 bad, -EIO. */
int es256_math_verify(struct es256_math *m, const EC_GROUP *table, const uint8_t digest[PASSPORT_DIGEST_LEN],
		      const uint8_t sig[PASSPORT_SIG_LEN]);

#endif
