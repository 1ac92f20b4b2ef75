/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * certreq - a PKCS#10 request as an STI-CA takes it (ATIS-1000080): P-256, SHA-256, subject C, O, CN, and the
 * TNAuthList that is asked for in an extensionRequest.  Never on a call's way.
 */
#ifndef SIPSEAL_STIR_CERTREQ_H
#define SIPSEAL_STIR_CERTREQ_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/cleanup.h"
#include "stir/tnauthlist.h"

DEFINE_FREEP(X509_REQ *, X509_REQ_free)

struct certreq {
	const char *country;             /* two letters */
	const char *org, *cn;            /* 1 to 64 characters each (RFC 5280 ub-common-name) */
	const struct tnauthlist *tnauth;
};

/** certreq_new() - @key: P-256, signs the request.
 * Return: 0; -EINVAL: a text or list that OpenSSL or tnauthlist_emit() refuses; -EOPNOTSUPP: no P-256 key;
 * -ENOMEM. */
int certreq_new(const struct certreq *r, EVP_PKEY *key, X509_REQ **ret);

/** certreq_numbers() - append "+18005550100" or "+18005550100-+18005550199" to a list.
 * Return: 0; -EINVAL: no such number or range; -E2BIG. */
int certreq_numbers(const char *text, struct tnauthlist *l);

#endif
