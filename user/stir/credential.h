/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * credential - private keys, reached only through credential_sign(id, digest), so that a key process
 * or a PKCS#11 token can stand behind it.  One set per signer; ids are those of the policy.
 *
 * Keys live in OpenSSL's secure heap where there is one and are wiped when dropped.
 * Threads: credential_add/drop by one thread at a time; each signing thread has its own
 * credential_signer (an EVP_PKEY_CTX per key, reused: an EVP_DigestSign per call costs 5 us more).
 */
#ifndef SIPSEAL_STIR_CREDENTIAL_H
#define SIPSEAL_STIR_CREDENTIAL_H

#include <stdint.h>

#include "base/cleanup.h"
#include "stir/cert.h"
#include "stir/passport.h"

#define CREDENTIALS_MAX 4096                          /* different certificates of a gateway */
#define CREDENTIAL_KEYS_MAX (2 * CREDENTIALS_MAX)     /* keys: while one replaces another, both are there */

struct credential_set;
struct credential_signer;

/** credential_set_new() - Return: 0, or -ENOMEM. */
int credential_set_new(struct credential_set **ret);
void credential_set_free(struct credential_set *set);
DEFINE_FREEP(struct credential_set *, credential_set_free)

/**
 * credential_add() - take a private key for the slot @id.
 * @pem, @len: PEM text (EC, PKCS#8, unencrypted); the caller wipes it
 * @point:     public key of the certificate; the key must match it; NULL: not checked
 * Return: 0; -EBADMSG no readable private key; -EOPNOTSUPP not P-256; -EKEYREJECTED does not match
 * the certificate; -ERANGE id; -EEXIST slot in use.
 */
int credential_add(struct credential_set *set, uint32_t id, const char *pem, size_t len,
		   const uint8_t point[CERT_POINT_LEN]);

/** credential_drop() - the slot is empty from here on; the key is wiped when the last signer let go
 * of it (credential_signer_sync()). */
void credential_drop(struct credential_set *set, uint32_t id);

/** credential_signer_new() - one per signing thread; freed before the set.  Return: 0, or -ENOMEM. */
int credential_signer_new(struct credential_set *set, struct credential_signer **ret);
void credential_signer_free(struct credential_signer *s);
DEFINE_FREEP(struct credential_signer *, credential_signer_free)

/**
 * credential_signer_sync() - let go of keys that were dropped, prepare those that were added.  For its
 * thread to call about once a second: one load where nothing has changed, else a walk over the slots (20 us,
 * and one lock and some microseconds for each key that came).  A dropped key signs nothing from the moment
 * it was dropped, but is wiped only when all signers have been here.  A key that came is used at once, too:
 * the first signature then prepares it.
 */
void credential_signer_sync(struct credential_signer *s);

/** credential_sign() - a passport_sign_fn; ctx is a struct credential_signer.
 * Return: 0; -ENOKEY no such key; -EIO OpenSSL failed. */
int credential_sign(void *ctx, uint32_t id, const uint8_t digest[PASSPORT_DIGEST_LEN],
		    uint8_t ret_sig[PASSPORT_SIG_LEN]);

#endif
