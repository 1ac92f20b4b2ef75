/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * certmake - make certificates for laboratories and tests (`sipseal cert lab`); never on a call's way.
 *
 * The extensions are the text of an OpenSSL configuration whose section [ext] is applied: what a
 * certificate will hold can be read where it is asked for, faults included.
 */
#ifndef SIPSEAL_STIR_CERTMAKE_H
#define SIPSEAL_STIR_CERTMAKE_H

#include <stdint.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/cleanup.h"

DEFINE_FREEP(X509 *, X509_free)
DEFINE_FREEP(EVP_PKEY *, EVP_PKEY_free)

struct certmake {
	const char *org, *cn;            /* subject C=US, O=org, CN=cn */
	int64_t not_before, not_after;   /* seconds since 1970 */
	const char *curve;               /* NULL: P-256 */
	const char *digest;              /* NULL: SHA256 */
	const char *ext;                 /* configuration text with a section [ext], or NULL */
	X509 *issuer;                    /* NULL: self-signed */
	EVP_PKEY *issuer_key;
};

/** certmake_new() - a certificate and its new key, version 3, 127-bit random serial.
 * Return: 0; -EINVAL: a text OpenSSL does not take; -ENOMEM. */
int certmake_new(const struct certmake *m, X509 **ret_cert, EVP_PKEY **ret_key);

/** certmake_tnauth() - the line of [ext] for a TNAuthList with one SPC.
 * Return: 0; -EINVAL: not 1 to 32 letters and digits. */
int certmake_tnauth(const char *spc, char ret_line[160]);

#endif
