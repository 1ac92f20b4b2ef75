/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The CRL (RFC 5280 s5, s6.3).  In SHAKEN it is one indirect list that the STI-PA signs for the
 * certificates of all CAs.  OpenSSL's own CRL check wants the list's signer below the same root as
 * the certificate and a distribution point that names him; both are wrong here: the STI-PA has a
 * root of its own, and many certificates do not name it.  So its signature is checked once, when it
 * comes, and certificates are looked up in it by issuer and serial number (which is where OpenSSL
 * follows the certificateIssuer of entries).
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>

#include "fetcher/judge_internal.h"

#define CLOCK_SKEW_S 300  /* how far ahead of our clock a list may be made */
#define DIGEST_LEN_MIN 32 /* SHA-256 */

DEFINE_FREEP(BIO *, BIO_free)
DEFINE_FREEP(ISSUING_DIST_POINT *, ISSUING_DIST_POINT_free)
DEFINE_FREEP(ASN1_INTEGER *, ASN1_INTEGER_free)

/* A list as it came, with the certificates beside it. */
struct incoming {
	struct judge_crl crl;
	x509_stack *others;
};

static void incoming_done(struct incoming *in)
{
	judge_crl_done(&in->crl);
	x509_stack_free(in->others);
}

void judge_crl_done(struct judge_crl *c)
{
	X509_CRL_free(c->list);
	c->list = NULL;
}

static int refuse(char reterr_text[160], const char *why)
{
	snprintf(reterr_text, 160, "%s", why);
	return -EBADMSG;
}

static void infos_free(STACK_OF(X509_INFO) * s)
{
	sk_X509_INFO_pop_free(s, X509_INFO_free);
}
DEFINE_FREEP(STACK_OF(X509_INFO) *, infos_free)

static int no_password(char *buf, int size, int is_write, void *ctx)
{
	(void)buf, (void)size, (void)is_write, (void)ctx;
	return -1;
}

/* Before OpenSSL parses them all: 16 MiB of certificates would take it seconds. */
static bool has_many_blocks(struct slice text)
{
	static const char begin[] = "-----BEGIN ";
	unsigned cnt = 0;
	const char *at;

	while (cnt <= CERT_CHAIN_MAX + 1 && (at = memmem(text.p, text.len, begin, sizeof(begin) - 1))) {
		text = slice_cut(text, (size_t)(at - text.p) + sizeof(begin) - 1);
		cnt++;
	}
	return cnt > CERT_CHAIN_MAX + 1;
}

/* PEM: one CRL, and the certificates that lead from its signer to an anchor, where they are not
 * known. */
static int pem_read(const char *data, size_t len, struct incoming *in, char reterr_text[160])
{
	CLEANUP(BIO_freep) BIO *bio = BIO_new_mem_buf(data, (int)len);
	CLEANUP(infos_freep) STACK_OF(X509_INFO) *infos = NULL;

	if (!bio)
		return -ENOMEM;
	if (has_many_blocks(slice_of(data, len)))
		return refuse(reterr_text, "too many certificates beside the CRL");
	infos = PEM_X509_INFO_read_bio(bio, NULL, no_password, NULL);
	for (int k = 0; infos && k < sk_X509_INFO_num(infos); k++) {
		X509_INFO *i = sk_X509_INFO_value(infos, k);

		if (i->crl && in->crl.list)
			return refuse(reterr_text, "more than one CRL");
		if (i->crl)
			in->crl.list = TAKE(i->crl);
		if (!i->x509)
			continue;
		if (sk_X509_num(in->others) == CERT_CHAIN_MAX)
			return refuse(reterr_text, "too many certificates beside the CRL");
		if (sk_X509_push(in->others, i->x509) <= 0)
			return -ENOMEM;
		i->x509 = NULL;
	}
	return 0;
}

static int incoming_read(const char *data, size_t len, struct incoming *in, char reterr_text[160])
{
	const unsigned char *p = (const unsigned char *)data;
	int r;

	if (len > JUDGE_CRL_MAX)
		return refuse(reterr_text, "larger than a CRL may be");
	in->others = sk_X509_new_null();
	if (!in->others)
		return -ENOMEM;
	in->crl.list = d2i_X509_CRL(NULL, &p, (long)len);
	if (in->crl.list && p != (const unsigned char *)data + len)
		return refuse(reterr_text, "more bytes behind the CRL");
	if (!in->crl.list && (r = pem_read(data, len, in, reterr_text)) < 0)
		return r;
	return in->crl.list ? 0 : refuse(reterr_text, "there is no CRL in it");
}

static bool is_known(const X509_EXTENSION *x, const int known[], size_t cnt)
{
	int nid = OBJ_obj2nid(X509_EXTENSION_get_object((X509_EXTENSION *)x));

	for (size_t k = 0; k < cnt; k++)
		if (nid == known[k])
			return true;
	return !X509_EXTENSION_get_critical(x);
}

/* RFC 5280 s5.2, s5.3: a list with a critical extension that we do not know must not be used. */
static bool has_unknown(X509_CRL *crl)
{
	static const int known[] = { NID_issuing_distribution_point, NID_authority_key_identifier,
				     NID_crl_number };
	static const int known_entry[] = { NID_certificate_issuer, NID_crl_reason,
					   NID_invalidity_date };
	const STACK_OF(X509_REVOKED) *all = X509_CRL_get_REVOKED(crl);

	for (int k = 0; k < X509_CRL_get_ext_count(crl); k++)
		if (!is_known(X509_CRL_get_ext(crl, k), known, ARRAY_SIZE(known)))
			return true;
	for (int n = 0; n < sk_X509_REVOKED_num(all); n++) {
		const X509_REVOKED *entry = sk_X509_REVOKED_value(all, n);

		for (int k = 0; k < X509_REVOKED_get_ext_count(entry); k++)
			if (!is_known(X509_REVOKED_get_ext(entry, k), known_entry,
				      ARRAY_SIZE(known_entry)))
				return true;
	}
	return false;
}

static int scope_check(struct judge_crl *c, char reterr_text[160])
{
	int critical = -1;
	CLEANUP(ISSUING_DIST_POINT_freep)
	ISSUING_DIST_POINT *idp =
		X509_CRL_get_ext_d2i(c->list, NID_issuing_distribution_point, &critical, NULL);

	if (X509_CRL_get_ext_by_NID(c->list, NID_delta_crl, -1) >= 0)
		return refuse(reterr_text, "a delta CRL: a whole one is wanted");
	if (!idp && critical != -1)
		return refuse(reterr_text, "its issuingDistributionPoint is malformed");
	if (has_unknown(c->list))
		return refuse(reterr_text, "a critical extension that is not known");
	if (idp && (idp->onlyCA > 0 || idp->onlyattr > 0 || idp->onlysomereasons))
		return refuse(reterr_text, "not a CRL for call certificates and all reasons");
	c->is_indirect = idp && idp->indirectCRL > 0;
	return 0;
}

static int times_check(struct judge_crl *c, int64_t now_s, char reterr_text[160])
{
	const ASN1_TIME *next = X509_CRL_get0_nextUpdate(c->list);

	if (cert_time(X509_CRL_get0_lastUpdate(c->list), &c->this_update) < 0 || !next ||
	    cert_time(next, &c->next_update) < 0 || c->next_update < c->this_update)
		return refuse(reterr_text, "thisUpdate or nextUpdate is missing or makes no sense");
	if (c->this_update > now_s + CLOCK_SKEW_S)
		return refuse(reterr_text, "made in the future");
	return 0;
}

/* May the holder of @x have signed it?  @is_pinned: the operator gave it as an anchor. */
static bool is_signed_by(X509_CRL *crl, X509 *x, bool is_pinned)
{
	EVP_PKEY *key = X509_get0_pubkey(x);

	if (X509_NAME_cmp(X509_get_subject_name(x), X509_CRL_get_issuer(crl)) != 0 || !key)
		return false;
	/* without keyUsage it says UINT32_MAX: enough for the operator's word, not for a stranger's
	 */
	if (!(X509_get_key_usage(x) & KU_CRL_SIGN) ||
	    (!is_pinned && !(X509_get_extension_flags(x) & EXFLAG_KUSAGE)))
		return false;
	return X509_CRL_verify(crl, key) == 1;
}

static bool is_in_time(const X509 *x, int64_t now_s)
{
	int64_t from, until;

	return cert_time(X509_get0_notBefore(x), &from) == 0 &&
	       cert_time(X509_get0_notAfter(x), &until) == 0 && from <= now_s && now_s <= until;
}

static bool is_digest_weak(const X509_CRL *crl)
{
	int md = NID_undef, key = NID_undef;

	return OBJ_find_sigid_algs(X509_CRL_get_signature_nid(crl), &md, &key) != 1 ||
	       !EVP_get_digestbynid(md) ||
	       EVP_MD_get_size(EVP_get_digestbynid(md)) < DIGEST_LEN_MIN;
}

static int signature_check(const struct judge *j, const struct incoming *in, int64_t now_s,
			   char reterr_text[160])
{
	X509_CRL *crl = in->crl.list;
	char name[24];
	int err;

	if (is_digest_weak(crl))
		return refuse(reterr_text, "signed with an unknown or weak algorithm");
	for (int k = 0; k < sk_X509_num(j->anchors); k++) {
		X509 *x = sk_X509_value(j->anchors, k);

		if (is_in_time(x, now_s) && is_signed_by(crl, x, true))
			return 0;
	}
	for (int k = 0; k < sk_X509_num(in->others); k++) {
		X509 *x = sk_X509_value(in->others, k);

		if (!is_signed_by(crl, x, false))
			continue;
		err = judge_vouch(j, x, in->others, now_s, NULL, name);
		if (err == X509_V_ERR_OUT_OF_MEM)
			return -ENOMEM;
		if (err == X509_V_OK)
			return 0;
	}
	return refuse(
		reterr_text,
		"not signed by an anchor, nor by a certificate beside it that one vouches for");
}

/* cRLNumber grows (RFC 5280 s5.2.3): it tells apart lists of the same second. */
static bool is_number_less(X509_CRL *a, X509_CRL *b)
{
	CLEANUP(ASN1_INTEGER_freep)
	ASN1_INTEGER *x = X509_CRL_get_ext_d2i(a, NID_crl_number, NULL, NULL);
	CLEANUP(ASN1_INTEGER_freep)
	ASN1_INTEGER *y = X509_CRL_get_ext_d2i(b, NID_crl_number, NULL, NULL);

	return x && y && X509_NAME_cmp(X509_CRL_get_issuer(a), X509_CRL_get_issuer(b)) == 0 &&
	       ASN1_INTEGER_cmp(x, y) < 0;
}

static int age_check(const struct judge_crl *now, const struct judge_crl *next,
		     char reterr_text[160])
{
	if (now->list &&
	    (next->this_update < now->this_update || is_number_less(next->list, now->list)))
		return refuse(reterr_text, "older than the CRL in use");
	return 0;
}

int judge_crl_set(struct judge *j, const char *data, size_t len, int64_t now_s,
		  int64_t *ret_next_update, char reterr_text[160])
{
	CLEANUP(incoming_done) struct incoming in = { 0 };
	int r;

	if ((r = incoming_read(data, len, &in, reterr_text)) == 0 &&
	    (r = scope_check(&in.crl, reterr_text)) == 0 &&
	    (r = times_check(&in.crl, now_s, reterr_text)) == 0 &&
	    (r = signature_check(j, &in, now_s, reterr_text)) == 0)
		r = age_check(&j->crl, &in.crl, reterr_text);
	ERR_clear_error();
	if (r < 0)
		return r;
	judge_crl_done(&j->crl);
	j->crl = in.crl;
	in.crl.list = NULL;
	*ret_next_update = j->crl.next_update;
	return 0;
}

/* No list, an old one, one that is silent about the leaf's issuer. */
static int missing(struct exam *e, const char *what)
{
	if (e->judge->cfg.crl_policy == CRL_HARD)
		return exam_refuse(e, SR_CERTIFICATE_REVOKED, "%s, and crl.policy is hard", what);
	exam_note(e, "%s", what);
	return 0;
}

static bool is_in_scope(const struct judge_crl *c, const X509 *x)
{
	return c->is_indirect ||
	       X509_NAME_cmp(X509_CRL_get_issuer(c->list), X509_get_issuer_name(x)) == 0;
}

int exam_revocation(struct exam *e)
{
	const struct judge_crl *c = &e->judge->crl;

	if (!e->judge->cfg.has_crl)
		return 0;
	if (!c->list)
		return missing(e, "there is no CRL");
	/* also an old list knows who is revoked.  The anchor is the operator's own word. */
	for (int k = 0; k < sk_X509_num(e->chain) - 1; k++) {
		X509_REVOKED *entry;
		char name[24];

		if (X509_CRL_get0_by_cert(c->list, &entry, sk_X509_value(e->chain, k)) != 1)
			continue;
		cert_name(k ? CERT_INTERMEDIATE : CERT_LEAF, (unsigned)k, name);
		return exam_refuse(e, SR_CERTIFICATE_REVOKED, "%s: is revoked", name);
	}
	if (e->now_s >= c->next_update) /* a verdict may not end when it begins */
		return missing(e, "the CRL is too old");
	if (!is_in_scope(c, sk_X509_value(e->chain, 0)))
		return missing(e, "the CRL is not for the leaf's issuer");
	return 0;
}
