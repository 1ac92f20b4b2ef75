/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chain - certificate chains for tests: the three profiles of a good chain and the PEM of any mix.
 */
#ifndef SIPSEAL_TEST_CHAIN_H
#define SIPSEAL_TEST_CHAIN_H

#include "guard.h"

#include <stdio.h>

#include <openssl/pem.h>

#include "base/cleanup.h"
#include "stir/certmake.h"

#define CHAIN_AT   1262304000 /* the moment of the checks: long ago, so that the clock is no help */
#define CHAIN_DAY  86400
#define CHAIN_YEAR (365 * CHAIN_DAY)

#define CHAIN_TNAUTH "1.3.6.1.5.5.7.1.26 = DER:3008a006160431323334\n"
#define CHAIN_IDS    "subjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid\n"
#define CHAIN_POLICY "certificatePolicies = 2.16.840.1.114569.1.1.4\n"
#define CHAIN_CRL    "crlDistributionPoints = URI:https://pa.example/crl\n"
#define CHAIN_LEAF_EXT                                                              \
	"[ext]\nbasicConstraints = critical,CA:FALSE\n"                             \
	"keyUsage = critical,digitalSignature\n" CHAIN_IDS CHAIN_POLICY CHAIN_CRL   \
	CHAIN_TNAUTH
#define CHAIN_INTERMEDIATE_EXT                                                      \
	"[ext]\nbasicConstraints = critical,CA:TRUE,pathlen:0\n"                    \
	"keyUsage = critical,keyCertSign,cRLSign\n" CHAIN_IDS CHAIN_POLICY CHAIN_CRL
#define CHAIN_ROOT_EXT                                                              \
	"[ext]\nbasicConstraints = critical,CA:TRUE\n"                              \
	"keyUsage = critical,keyCertSign,cRLSign\nsubjectKeyIdentifier = hash\n"

struct made {
	X509 *x;
	EVP_PKEY *key;
};

struct chain {
	struct made root, intermediate, leaf;
};

static inline struct certmake chain_desc(const char *cn, const char *ext, const struct made *issuer)
{
	return (struct certmake){
		.org = "Lab", .cn = cn, .ext = ext,
		.not_before = CHAIN_AT - 10 * CHAIN_DAY, .not_after = CHAIN_AT + CHAIN_YEAR,
		.issuer = issuer ? issuer->x : NULL, .issuer_key = issuer ? issuer->key : NULL,
	};
}

static inline struct made chain_make(struct certmake desc)
{
	struct made m = { 0 };

	assert_int_equal(certmake_new(&desc, &m.x, &m.key), 0);
	return m;
}

/* A good chain; its certificates are ten days old at @at and last for a year. */
static inline struct chain chain_new_at(int64_t at)
{
	struct certmake d = chain_desc("Lab root", CHAIN_ROOT_EXT, NULL);
	struct chain c;

	d.not_before += at - CHAIN_AT;
	d.not_after += at - CHAIN_AT;
	c.root = chain_make(d);
	d.cn = "Lab CA";
	d.ext = CHAIN_INTERMEDIATE_EXT;
	d.issuer = c.root.x;
	d.issuer_key = c.root.key;
	c.intermediate = chain_make(d);
	d.cn = "SHAKEN 1234";
	d.ext = CHAIN_LEAF_EXT;
	d.issuer = c.intermediate.x;
	d.issuer_key = c.intermediate.key;
	c.leaf = chain_make(d);
	return c;
}

static inline struct chain chain_new(void)
{
	return chain_new_at(CHAIN_AT);
}

static inline void made_free(struct made *m)
{
	X509_free(m->x);
	EVP_PKEY_free(m->key);
}

static inline void chain_free(struct chain *c)
{
	made_free(&c->root);
	made_free(&c->intermediate);
	made_free(&c->leaf);
}

/* PEM text of up to four certificates, NULL ends the list. */
static inline size_t chain_pem(char *ret, size_t cap, X509 *const x[])
{
	BIO *bio = BIO_new(BIO_s_mem());
	int n;

	for (size_t i = 0; x[i]; i++)
		assert_int_equal(PEM_write_bio_X509(bio, x[i]), 1);
	n = BIO_read(bio, ret, (int)cap - 1);
	assert_true(n > 0 && n < (int)cap - 1);
	ret[n] = '\0';
	BIO_free(bio);
	return (size_t)n;
}

#endif
