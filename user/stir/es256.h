/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * es256 - verify ES256 signatures (RFC 7518 s3.4) with public keys that come again and again.
 *
 * The last ES256_KEYS keys are kept, ready to verify with: to make one of 65 bytes takes 3 us.  Keys that come most get a
 * table (es256_table.h).  Threads: one verifier per thread.
 */
#ifndef SIPSEAL_STIR_ES256_H
#define SIPSEAL_STIR_ES256_H

#include <stdint.h>

#include "base/cleanup.h"
#include "base/slice.h"
#include "stir/cert.h"
#include "stir/passport.h"

#define ES256_KEYS 1024

struct es256;
struct es256_tables;

/** es256_new() - Return: 0, -ENOMEM, -EIO (OpenSSL). */
int es256_new(struct es256 **ret);
void es256_free(struct es256 *e);
DEFINE_FREEP(struct es256 *, es256_free)

/** es256_use_tables() - have tables made of the keys that come most (es256_table.h).
 * @t: of all threads; stays until @e is gone; NULL: none
 * Return: 0, -ENOMEM. */
int es256_use_tables(struct es256 *e, struct es256_tables *t);

/** es256_by_table() - signatures that were verified with a table so far, good or bad. */
uint64_t es256_by_table(const struct es256 *e);

/** es256_verify() - @sig over SHA-256 of @text; verify_env.signature, ctx is a struct es256.
 * Return: 1 good, 0 bad (or @point is not on the curve), negative errno: our own trouble. */
int es256_verify(void *ctx, const uint8_t point[CERT_POINT_LEN], struct slice text,
		 const uint8_t sig[PASSPORT_SIG_LEN]);

#endif
