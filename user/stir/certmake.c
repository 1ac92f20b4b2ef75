/* SPDX-License-Identifier: BSD-2-Clause */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/conf.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "stir/certmake.h"
#include "stir/tnauthlist.h"

/* 1000080: at least 64 random bits, positive; 127 stay within 16 octets */
#define SERIAL_BITS 127

DEFINE_FREEP(BIO *, BIO_free)
DEFINE_FREEP(BIGNUM *, BN_free)
DEFINE_FREEP(CONF *, NCONF_free)

static bool serial_set(X509 *x)
{
	CLEANUP(BN_freep) BIGNUM *bn = BN_new();

	return bn && BN_rand(bn, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
	       BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x));
}

static bool name_add(X509_NAME *name, const char *field, const char *value)
{
	return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, (const unsigned char *)value,
					  -1, -1, 0) == 1;
}

static bool names_set(X509 *x, const struct certmake *m)
{
	X509_NAME *subject = X509_get_subject_name(x);

	return name_add(subject, "C", "US") && name_add(subject, "O", m->org) &&
	       name_add(subject, "CN", m->cn) &&
	       X509_set_issuer_name(x, m->issuer ? X509_get_subject_name(m->issuer) : subject) == 1;
}

static bool extensions_add(X509 *x, const struct certmake *m)
{
	CLEANUP(BIO_freep) BIO *bio = NULL;
	CLEANUP(NCONF_freep) CONF *conf = NULL;
	X509V3_CTX ctx;

	if (!m->ext)
		return true;
	bio = BIO_new_mem_buf(m->ext, -1);
	conf = NCONF_new(NULL);
	if (!bio || !conf || NCONF_load_bio(conf, bio, NULL) != 1)
		return false;
	X509V3_set_ctx(&ctx, m->issuer ? m->issuer : x, x, NULL, NULL, 0);
	X509V3_set_nconf(&ctx, conf);
	return X509V3_EXT_add_nconf(conf, &ctx, "ext", x) == 1;
}

static bool fill(X509 *x, EVP_PKEY *key, const struct certmake *m)
{
	const EVP_MD *md = EVP_get_digestbyname(m->digest ? m->digest : "SHA256");

	return md && X509_set_version(x, X509_VERSION_3) == 1 && serial_set(x) && names_set(x, m) &&
	       ASN1_TIME_set(X509_getm_notBefore(x), (time_t)m->not_before) &&
	       ASN1_TIME_set(X509_getm_notAfter(x), (time_t)m->not_after) &&
	       X509_set_pubkey(x, key) == 1 && extensions_add(x, m) &&
	       X509_sign(x, m->issuer ? m->issuer_key : key, md) > 0;
}

int certmake_new(const struct certmake *m, X509 **ret_cert, EVP_PKEY **ret_key)
{
	CLEANUP(X509_freep) X509 *x = X509_new();
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = EVP_EC_gen(m->curve ? m->curve : "P-256");
	bool ok;

	if (!x || !key)
		return -ENOMEM;
	ok = fill(x, key, m);
	ERR_clear_error();
	if (!ok)
		return -EINVAL;
	*ret_cert = TAKE(x);
	*ret_key = TAKE(key);
	return 0;
}

int certmake_tnauth(const char *spc, char ret_line[160])
{
	static const char head[] = TNAUTHLIST_OID " = DER:";
	struct tnauthlist l = { .cnt = 1, .e[0] = { .kind = TNAUTH_SPC, .count = 1 } };
	size_t spc_len = strlen(spc);
	uint8_t der[TNAUTH_SPC_MAX + 6];
	ssize_t len;
	char *p;

	if (spc_len > TNAUTH_SPC_MAX)
		return -EINVAL;
	for (size_t i = 0; i < spc_len; i++)
		if (!isalnum((unsigned char)spc[i]))
			return -EINVAL;
	memcpy(l.e[0].text, spc, spc_len + 1);
	len = tnauthlist_emit(&l, der, sizeof(der));
	if (len < 0)
		return -EINVAL;
	p = ret_line + sprintf(ret_line, "%s", head);
	for (ssize_t i = 0; i < len; i++)
		p += sprintf(p, "%02x", der[i]);
	strcpy(p, "\n");
	return 0;
}
