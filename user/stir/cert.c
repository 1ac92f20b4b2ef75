/* SPDX-License-Identifier: BSD-2-Clause */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "stir/cert_parts.h"

DEFINE_FREEP(BIO *, BIO_free)
DEFINE_FREEP(BIGNUM *, BN_free)

/* C=US, O=..., CN=...: in the order of the certificate; what is not printable ASCII is escaped */
#define NAME_FLAGS (ASN1_STRFLGS_RFC2253 | XN_FLAG_SEP_CPLUS_SPC | XN_FLAG_FN_SN)

void cert_fault_add(struct cert_info *i, bool is_error, const char *code, const char *fmt, ...)
{
	unsigned at = i->fault_cnt;
	struct cert_fault *f;
	va_list ap;

	i->error_cnt += is_error;
	if (at == CERT_FAULTS_MAX) {
		if (!is_error)
			return;
		while (at > 0 && i->faults[at - 1].is_error)
			at--;
		if (at == 0)
			return;
		at--;
	} else {
		i->fault_cnt++;
	}
	f = &i->faults[at];
	f->is_error = is_error;
	snprintf(f->code, sizeof(f->code), "%s", code);
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
}

const char *cert_name(enum cert_role role, unsigned idx, char buf[24])
{
	if (role == CERT_INTERMEDIATE)
		snprintf(buf, 24, "intermediate %u", idx);
	else
		snprintf(buf, 24, "%s", role == CERT_LEAF ? "leaf" : "root");
	return buf;
}

int cert_time(const ASN1_TIME *t, int64_t *ret)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return -EBADMSG;
	*ret = timegm(&tm);
	return 0;
}

const char *cert_spc(const struct cert_info *i)
{
	for (unsigned k = 0; k < i->tnauth.cnt; k++)
		if (i->tnauth.e[k].kind == TNAUTH_SPC)
			return i->tnauth.e[k].text;
	return "";
}

void cert_subject(const X509_NAME *name, char *ret, size_t cap)
{
	CLEANUP(BIO_freep) BIO *bio = BIO_new(BIO_s_mem());
	int n;

	ret[0] = '\0';
	if (!bio || X509_NAME_print_ex(bio, name, 0, NAME_FLAGS) < 0)
		return;
	n = BIO_read(bio, ret, (int)cap - 1);
	ret[n > 0 ? n : 0] = '\0';
}

static void serial_print(const X509 *x, char *ret, size_t cap)
{
	CLEANUP(BN_freep) BIGNUM *bn = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
	char *hex = bn ? BN_bn2hex(bn) : NULL;

	snprintf(ret, cap, "%s", hex ? hex : "");
	OPENSSL_free(hex);
	for (char *p = ret; *p; p++)
		*p = (char)tolower((unsigned char)*p);
}

int cert_point(const EVP_PKEY *key, uint8_t ret[CERT_POINT_LEN])
{
	CLEANUP(BN_freep) BIGNUM *x = NULL;
	CLEANUP(BN_freep) BIGNUM *y = NULL;
	uint8_t p[CERT_POINT_LEN] = { POINT_CONVERSION_UNCOMPRESSED };

	/* by its coordinates: the certificate may hold it compressed */
	if (!key || EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_X, &x) != 1 ||
	    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_Y, &y) != 1 ||
	    BN_bn2binpad(x, p + 1, 32) != 32 || BN_bn2binpad(y, p + 33, 32) != 32)
		return -EINVAL;
	memcpy(ret, p, sizeof(p));
	return 0;
}

static enum cert_role role_of(X509 *x, int idx)
{
	if (idx == 0)
		return CERT_LEAF;
	return X509_get_extension_flags(x) & EXFLAG_SI ? CERT_ROOT : CERT_INTERMEDIATE;
}

static void link_describe(X509 *x, enum cert_role role, int idx, struct cert_info *i)
{
	struct cert_link *link = &i->chain[idx];

	cert_name(role, (unsigned)idx, link->name);
	cert_subject(X509_get_subject_name(x), link->subject, sizeof(link->subject));
	if (cert_time(X509_get0_notBefore(x), &link->not_before) < 0 ||
	    cert_time(X509_get0_notAfter(x), &link->not_after) < 0)
		link->not_before = link->not_after = 0;
	if (idx == 0 || link->not_before > i->not_before)
		i->not_before = link->not_before;
	if (idx == 0 || link->not_after < i->not_after)
		i->not_after = link->not_after;
}

static void describe(x509_stack *chain, struct cert_info *i)
{
	X509 *leaf = sk_X509_value(chain, 0);

	i->chain_cnt = (unsigned)sk_X509_num(chain);
	cert_subject(X509_get_subject_name(leaf), i->subject, sizeof(i->subject));
	cert_subject(X509_get_issuer_name(leaf), i->issuer, sizeof(i->issuer));
	serial_print(leaf, i->serial, sizeof(i->serial));
	/* left zero where it is no P-256 key: a fault says so */
	(void)cert_point(X509_get0_pubkey(leaf), i->point);
}

int cert_check(const char *pem, size_t len, const struct cert_check_opts *opts,
	       struct cert_info *ret, char reterr_text[160])
{
	CLEANUP(x509_stack_freep) x509_stack *chain = NULL;
	CLEANUP(freep) struct cert_info *i = NULL;
	bool has_key;
	int r = cert_read(pem, len, CERT_CHAIN_MAX, &chain, &has_key, reterr_text);

	if (r < 0)
		return r;
	i = calloc(1, sizeof(*i));
	if (!i) {
		snprintf(reterr_text, 160, "out of memory");
		return -ENOMEM;
	}
	describe(chain, i);
	for (int k = 0; k < sk_X509_num(chain); k++) {
		X509 *x = sk_X509_value(chain, k);
		enum cert_role role = role_of(x, k);

		link_describe(x, role, k, i);
		cert_profile_check(x, role, i->chain[k].name, opts, i);
	}
	r = cert_path_check(chain, opts, i, reterr_text);
	if (r < 0)
		return r;
	if (has_key)
		cert_fault_add(i, false, "private_key",
			       "the file holds a private key too; a published chain must not");
	if (i->chain_cnt > 1 &&
	    role_of(sk_X509_value(chain, (int)i->chain_cnt - 1), 1) == CERT_ROOT)
		cert_fault_add(i, false, "root_in_chain", "root: need not stand in the chain");
	if (X509_get_extension_flags(sk_X509_value(chain, 0)) & EXFLAG_SS)
		cert_fault_add(i, false, "self_signed", "leaf: is signed by itself");
	ERR_clear_error();
	*ret = *i;
	return 0;
}
