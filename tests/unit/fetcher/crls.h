/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * crls - CRLs for tests, good and bad ones.
 */
#ifndef SIPSEAL_TEST_CRLS_H
#define SIPSEAL_TEST_CRLS_H

#include "stir/chain.h"

#include <stdbool.h>

#include <openssl/conf.h>
#include <openssl/x509v3.h>

#define PA_EXT	   "[ext]\nbasicConstraints = critical,CA:FALSE\nkeyUsage = critical,cRLSign\nsubjectKeyIdentifier = hash\n"
#define INDIRECT   "issuingDistributionPoint = critical,indirectCRL:true\n"
#define THIS	   (CHAIN_AT - 3600)
#define NEXT	   (CHAIN_AT + CHAIN_DAY)
#define ENTRIES	   3

/* What a CRL is made of. */
struct crl_desc {
	const struct made *signer;
	const char *ext;                 /* lines of its extensions, or NULL */
	int64_t this_update, next_update; /* next_update 0: none */
	const X509 *revoked[ENTRIES + 1]; /* NULL ends them */
	bool names_issuer[ENTRIES];      /* a certificateIssuer at the entry; else as the entry before */
	const char *entry_ext;           /* line of an extension of each entry, or NULL */
	const char *digest;              /* NULL: SHA256 */
};

static inline void entry_add(X509_CRL *crl, const struct crl_desc *d, int k)
{
	X509_REVOKED *r = X509_REVOKED_new();
	ASN1_TIME *at = ASN1_TIME_set(NULL, THIS);

	assert_int_equal(X509_REVOKED_set_serialNumber(r, (ASN1_INTEGER *)X509_get0_serialNumber(d->revoked[k])), 1);
	assert_int_equal(X509_REVOKED_set_revocationDate(r, at), 1);
	if (d->names_issuer[k]) {
		GENERAL_NAMES *names = GENERAL_NAMES_new();
		GENERAL_NAME *name = GENERAL_NAME_new();

		GENERAL_NAME_set0_value(name, GEN_DIRNAME, X509_NAME_dup(X509_get_issuer_name(d->revoked[k])));
		sk_GENERAL_NAME_push(names, name);
		assert_int_equal(X509_REVOKED_add1_ext_i2d(r, NID_certificate_issuer, names, 1, 0), 1);
		GENERAL_NAMES_free(names);
	}
	if (d->entry_ext) {
		X509_EXTENSION *x = X509V3_EXT_conf(NULL, NULL, "1.2.3.4", d->entry_ext);

		assert_int_equal(X509_REVOKED_add_ext(r, x, -1), 1);
		X509_EXTENSION_free(x);
	}
	ASN1_TIME_free(at);
	assert_int_equal(X509_CRL_add0_revoked(crl, r), 1);
}

static inline X509_CRL *crl_make(const struct crl_desc *d)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *at = ASN1_TIME_set(NULL, d->this_update);
	BIO *bio = BIO_new(BIO_s_mem());
	CONF *conf = NCONF_new(NULL);
	X509V3_CTX ctx;

	assert_int_equal(X509_CRL_set_version(crl, X509_CRL_VERSION_2), 1);
	assert_int_equal(X509_CRL_set_issuer_name(crl, X509_get_subject_name(d->signer->x)), 1);
	assert_int_equal(X509_CRL_set1_lastUpdate(crl, at), 1);
	ASN1_TIME_set(at, d->next_update);
	if (d->next_update)
		assert_int_equal(X509_CRL_set1_nextUpdate(crl, at), 1);
	for (int k = 0; d->revoked[k]; k++)
		entry_add(crl, d, k);
	BIO_printf(bio, "[ext]\n%s", d->ext ? d->ext : "");
	assert_int_equal(NCONF_load_bio(conf, bio, NULL), 1);
	X509V3_set_ctx(&ctx, d->signer->x, NULL, NULL, crl, 0);
	X509V3_set_nconf(&ctx, conf);
	assert_int_equal(X509V3_EXT_CRL_add_nconf(conf, &ctx, "ext", crl), 1);
	assert_true(X509_CRL_sign(crl, d->signer->key, EVP_get_digestbyname(d->digest ? d->digest : "SHA256")) > 0);
	NCONF_free(conf);
	BIO_free(bio);
	ASN1_TIME_free(at);
	return crl;
}

#endif
