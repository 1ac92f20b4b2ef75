/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a stranger's server sends: a chain, a CRL; and what is inside a certificate that is signed
 * well.  The first byte picks which.  Invariants: a verdict is good or refused with a code and
 * words; all text ends and can be printed; what is good has a key, limits that make sense and an
 * end.
 *
 * The anchors are fixed, so that the corpus has chains that lead to them; their keys are gone.  For
 * the inside of certificates a root is made at start.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>

#include "fetcher/judge_internal.h"
#include "stir/certmake.h"

#define AT 1767225600 /* when the certificates of the corpus were good */

/* A root, and the certificate that signs CRLs. */
static const char anchors[] = "-----BEGIN CERTIFICATE-----\n"
			      "MIIBnDCCAUKgAwIBAgIQYMdOxL4X6gjmlkx6011w0TAKBggqhkjOPQQDAjAuMQsw\n"
			      "CQYDVQQGEwJVUzEMMAoGA1UECgwDTGFiMREwDwYDVQQDDAhMYWIgcm9vdDAeFw0y\n"
			      "NTEyMjIwMDAwMDBaFw0yNzAxMDEwMDAwMDBaMC4xCzAJBgNVBAYTAlVTMQwwCgYD\n"
			      "VQQKDANMYWIxETAPBgNVBAMMCExhYiByb290MFkwEwYHKoZIzj0CAQYIKoZIzj0D\n"
			      "AQcDQgAEy6UkzLtl4k3qSjKn06Nj8JpHa3dsl+afWEzGg279of4tN89g4dmEqAub\n"
			      "C3O3zcDiI+gVWiIgYhMuGRE6prWnB6NCMEAwDwYDVR0TAQH/BAUwAwEB/zAOBgNV\n"
			      "HQ8BAf8EBAMCAQYwHQYDVR0OBBYEFDG9JRQo2/ZdL4f6KTACZdVOFAJNMAoGCCqG\n"
			      "SM49BAMCA0gAMEUCIHn+ij4cq0dyjNDiXnvfl2ba0OxF5ymVS+vF9M9gXLM+AiEA\n"
			      "q/S0xA0Vp8FFinru4nHAfKcNwQskdFRIaidujoE/++Y=\n"
			      "-----END CERTIFICATE-----\n"
			      "-----BEGIN CERTIFICATE-----\n"
			      "MIIBljCCATugAwIBAgIQZf/gpc5tFA/l7bne6Qqw6TAKBggqhkjOPQQDAjAsMQsw\n"
			      "CQYDVQQGEwJVUzEMMAoGA1UECgwDTGFiMQ8wDQYDVQQDDAZTVEktUEEwHhcNMjUx\n"
			      "MjIyMDAwMDAwWhcNMjcwMTAxMDAwMDAwWjAsMQswCQYDVQQGEwJVUzEMMAoGA1UE\n"
			      "CgwDTGFiMQ8wDQYDVQQDDAZTVEktUEEwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC\n"
			      "AAQA/KgYqsQUWI43HHJ+cKtFCfOdo9jJsaP7uhppAqtGCOx5Ve8SqGyihdK7M5Dy\n"
			      "f30F2FjFJshiuAwbT0MwYxASoz8wPTAMBgNVHRMBAf8EAjAAMA4GA1UdDwEB/wQE\n"
			      "AwIBAjAdBgNVHQ4EFgQUZM1EVClkywPNZDSZuB8khQ+xo6cwCgYIKoZIzj0EAwID\n"
			      "SQAwRgIhAO3ifwaulsp/e7FEzYWjAnKH5oxRhmQsHlfLpxWID9hxAiEAs64uLu5L\n"
			      "/MRovssPeClEKYbwTs8Pda9+3hWKPvbzy3w=\n"
			      "-----END CERTIFICATE-----\n";

static const struct judge_config config = { .want_tnauthlist = true, .has_crl = true };
static X509 *root;
static EVP_PKEY *root_key;
static struct judge *made_judge; /* of that root */

static bool is_text(const char *s, size_t size)
{
	if (!memchr(s, 0, size))
		return false;
	for (; *s; s++)
		if (*s < 0x20 || *s >= 0x7f)
			return false;
	return true;
}

static void check_good(const struct verdict *v)
{
	assert(v->reason == SR_NONE && v->code == 0 && v->point[0] == 4);
	assert(v->not_before <= AT && AT <= v->not_after && v->expires_at <= v->not_after);
	assert(v->expires_at > AT && v->range_cnt <= VERDICT_RANGES_MAX);
	assert(is_text(v->spc, sizeof(v->spc)) && !v->has_spc == !v->spc[0]);
	for (unsigned k = 0; k < v->range_cnt; k++) {
		const struct verdict_range *r = &v->ranges[k];

		assert(is_text(r->first, sizeof(r->first)) && is_text(r->last, sizeof(r->last)));
		assert(r->first[0] && strlen(r->first) == strlen(r->last) &&
		       strcmp(r->first, r->last) <= 0);
	}
	assert(v->must_cnt <= VERDICT_NAMES_MAX && v->never_cnt <= VERDICT_NAMES_MAX);
	for (unsigned k = 0; k < v->must_cnt; k++)
		assert(v->must[k][0] && is_text(v->must[k], VERDICT_NAME_LEN));
	for (unsigned k = 0; k < v->never_cnt; k++)
		assert(v->never[k][0] && is_text(v->never[k], VERDICT_NAME_LEN));
}

static struct verdict judged(struct judge *j, const char *data, size_t len)
{
	struct verdict v;
	char text[256];

	if (judge_chain(j, data, len, AT, -1, &v, text) < 0)
		abort();
	assert(is_text(text, sizeof(text)) && is_text(v.subject, sizeof(v.subject)));
	assert(v.kind == VERDICT_GOOD || v.kind == VERDICT_BAD);
	if (v.kind == VERDICT_GOOD)
		check_good(&v);
	else
		assert(text[0] && v.code == 437 && v.reason >= SR_CERTIFICATE_BAD &&
		       v.reason <= SR_CERTIFICATE_REVOKED);
	return v;
}

static struct judge *judge_fixed(void)
{
	struct judge *j = NULL;
	char err[160];

	if (judge_new(&config, anchors, sizeof(anchors) - 1, &j, err) < 0)
		abort();
	return j;
}

static void try_chain(const char *data, size_t len)
{
	static struct judge *j;

	if (!j)
		j = judge_fixed();
	judged(j, data, len);
}

static void try_crl(const char *data, size_t len)
{
	CLEANUP(judge_freep) struct judge *j = judge_fixed();
	int64_t next = -1;
	char err[160] = "";
	int r = judge_crl_set(j, data, len, AT, &next, err);

	assert(r == 0 || (r == -EBADMSG && is_text(err, sizeof(err)) && err[0] && next == -1));
	judged(j, data, len); /* the same bytes may hold certificates */
}

/* A leaf with this extension, signed as it should be. */
static struct verdict with_extension(const char *oid, const char *data, size_t len)
{
	static const char head[] = "[ext]\nbasicConstraints = critical,CA:FALSE\nkeyUsage = "
				   "critical,digitalSignature\n";
	static char ext[4096 * 2 + 512];
	struct certmake m = { .org = "Lab",
			      .cn = "SHAKEN 1234",
			      .ext = ext,
			      .not_before = AT - 1,
			      .not_after = AT + 9,
			      .issuer = root,
			      .issuer_key = root_key };
	CLEANUP(X509_freep) X509 *x = NULL;
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	unsigned char *der = NULL;
	struct verdict v;
	char *p = ext;
	int n;

	p += sprintf(p, "%s%s%s = DER:", head,
		     strcmp(oid, TNAUTHLIST_OID) ? TNAUTHLIST_OID " = DER:3008a006160431323334\n"
						 : "",
		     oid);
	for (size_t k = 0; k < len; k++)
		p += sprintf(p, "%02x", (uint8_t)data[k]);
	strcpy(p, "\n");
	if (certmake_new(&m, &x, &key) < 0)
		abort();
	n = i2d_X509(x, &der);
	v = judged(made_judge, (const char *)der, (size_t)n);
	OPENSSL_free(der);
	return v;
}

static void try_list(const char *data, size_t len)
{
	static struct tnauthlist l;
	struct verdict v = with_extension(TNAUTHLIST_OID, data, len);
	unsigned ranges = 0;

	if (tnauthlist_parse((const uint8_t *)data, len, &l) < 0) {
		assert(v.kind == VERDICT_BAD);
		return;
	}
	for (unsigned k = 0; k < l.cnt; k++)
		ranges += l.e[k].kind != TNAUTH_SPC;
	assert((v.kind == VERDICT_GOOD) == (ranges <= VERDICT_RANGES_MAX));
	for (unsigned k = 0; k < v.range_cnt; k++) {
		assert(tnauthlist_covers(&l, slice_str(v.ranges[k].first)));
		assert(tnauthlist_covers(&l, slice_str(v.ranges[k].last)));
	}
}

static void try_claims(const char *data, size_t len, bool is_enhanced)
{
	struct verdict v = with_extension(is_enhanced ? "1.3.6.1.5.5.7.1.33" : "1.3.6.1.5.5.7.1.27",
					  data, len);
	struct judge_claims c;

	if (judge_claims_parse((struct der){ (const uint8_t *)data, len }, is_enhanced, &c) < 0) {
		assert(v.kind == VERDICT_BAD);
		return;
	}
	assert((v.kind == VERDICT_GOOD) == (c.is_void || !c.has_values));
	assert(v.must_cnt == (v.kind == VERDICT_GOOD && !c.is_void ? c.must_cnt : 0));
	assert(v.never_cnt == (v.kind == VERDICT_GOOD && !c.is_void ? c.never_cnt : 0));
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const struct certmake m = { .org = "Lab",
				    .cn = "Root",
				    .not_before = AT - 99,
				    .not_after = AT + 99,
				    .ext = "[ext]\nbasicConstraints = critical,CA:TRUE\n"
					   "keyUsage = critical,keyCertSign\n" };
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem, err[160];
	long len;

	(void)argc, (void)argv;
	if (certmake_new(&m, &root, &root_key) < 0 || PEM_write_bio_X509(bio, root) != 1)
		abort();
	len = BIO_get_mem_data(bio, &pem);
	if (judge_new(&config, pem, (size_t)len, &made_judge, err) < 0)
		abort();
	BIO_free(bio);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len = size ? size - 1 : 0;
	char *copy; /* exactly as long as the input: a byte too far is seen */

	/* an extension has a value that fits its line */
	if (!size || (data[0] >= '2' && data[0] <= '4' && (len == 0 || len > 4096)))
		return 0;
	copy = malloc(len ? len : 1);
	memcpy(copy, data + 1, len);
	switch (data[0]) {
	case '1':
		try_crl(copy, len);
		break;
	case '2':
		try_list(copy, len);
		break;
	case '3':
		try_claims(copy, len, false);
		break;
	case '4':
		try_claims(copy, len, true);
		break;
	default:
		try_chain(copy, len);
	}
	free(copy);
	return 0;
}
