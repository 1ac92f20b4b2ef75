/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verify_world - what stands around verify_call_run() in a test: keys and signatures of OpenSSL, certificates as the
 * verifier knows them, a call made of real addresses.
 */
#ifndef SIPSEAL_TEST_VERIFY_WORLD_H
#define SIPSEAL_TEST_VERIFY_WORLD_H

#include "guard.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include "base/cleanup.h"
#include "sip/uri.h"
#include "stir/verify.h"

#define NOW	 1767225600
#define X5U	 "https://cr.example.com/shaken/1234.pem"
#define X5U_DIV	 "https://cr.example.com/shaken/5678.pem"
#define ORIG	 "12155550112"
#define DEST	 "12155550113"
#define NEXT	 "12155550114" /* where a diverted call goes */
#define UUID	 "123e4567-e89b-42d3-a456-426655440000"
#define INFO(u)	 ";info=<" u ">"
#define PARAMS	 INFO(X5U) ";alg=ES256;ppt=shaken"
#define HEADER	 "{\"alg\":\"ES256\",\"ppt\":\"shaken\",\"typ\":\"passport\",\"x5u\":\"" X5U "\"}"
#define BASELINE "{\"alg\":\"ES256\",\"typ\":\"passport\",\"x5u\":\"" X5U "\"}"
#define PAYLOAD                                                                               \
	"{\"attest\":\"A\",\"dest\":{\"tn\":[\"" DEST "\"]},\"iat\":1767225600,\"orig\":{\"tn\":\"" ORIG \
	"\"},\"origid\":\"" UUID "\"}"
#define BASELINE_PAYLOAD "{\"dest\":{\"tn\":[\"" DEST "\"]},\"iat\":1767225600,\"orig\":{\"tn\":\"" ORIG "\"}}"

struct known {
	const char *x5u;
	enum verdict_kind kind;
	struct verdict v;
};

struct world {
	EVP_PKEY *key, *other;
	struct known known[4];
	unsigned known_cnt;
	unsigned asked, verified; /* calls of the callbacks */
	int signature_error;
	bool is_seen; /* replay */
	uint8_t seen_sig[PASSPORT_SIG_LEN];
};

static inline void point_of(EVP_PKEY *key, uint8_t ret[CERT_POINT_LEN])
{
	size_t len;

	assert_int_equal(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, ret, CERT_POINT_LEN, &len), 1);
	assert_int_equal(len, CERT_POINT_LEN);
}

static inline struct verdict *world_know(struct world *w, const char *x5u, enum verdict_kind kind)
{
	struct known *k = &w->known[w->known_cnt++];

	k->x5u = x5u;
	k->kind = kind;
	k->v = (struct verdict){ .kind = kind, .has_spc = 1, .spc = "709J",
				 .not_before = NOW - 86400, .not_after = NOW + 86400 };
	point_of(w->key, k->v.point);
	return &k->v;
}

static inline void world_init(struct world *w)
{
	*w = (struct world){ .key = EVP_EC_gen("P-256"), .other = EVP_EC_gen("P-256") };
	assert_non_null(w->key);
	assert_non_null(w->other);
	world_know(w, X5U, VERDICT_GOOD);
}

static inline void world_done(struct world *w)
{
	EVP_PKEY_free(w->key);
	EVP_PKEY_free(w->other);
}

static enum verdict_kind world_certificate(void *ctx, struct slice x5u, struct verdict *ret)
{
	struct world *w = ctx;

	w->asked++;
	for (unsigned i = 0; i < w->known_cnt; i++)
		if (slice_eq(slice_str(w->known[i].x5u), x5u)) {
			*ret = w->known[i].v;
			return w->known[i].kind;
		}
	return VERDICT_UNKNOWN;
}

static int world_signature(void *ctx, const uint8_t point[CERT_POINT_LEN], struct slice text,
			   const uint8_t raw[PASSPORT_SIG_LEN])
{
	struct world *w = ctx;
	OSSL_PARAM params[] = {
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 5),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)point, CERT_POINT_LEN),
		OSSL_PARAM_END,
	};
	EVP_PKEY_CTX *from = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	ECDSA_SIG *sig = ECDSA_SIG_new();
	EVP_PKEY *key = NULL;
	uint8_t *der = NULL;
	int len, r;

	w->verified++;
	assert_int_equal(EVP_PKEY_fromdata_init(from), 1);
	assert_int_equal(EVP_PKEY_fromdata(from, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
	ECDSA_SIG_set0(sig, BN_bin2bn(raw, 32, NULL), BN_bin2bn(raw + 32, 32, NULL));
	len = i2d_ECDSA_SIG(sig, &der);
	assert_true(len > 0);
	assert_int_equal(EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, key), 1);
	r = EVP_DigestVerify(md, der, (size_t)len, (const uint8_t *)text.p, text.len) == 1;
	OPENSSL_free(der);
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(md);
	EVP_PKEY_CTX_free(from);
	EVP_PKEY_free(key);
	return w->signature_error ? w->signature_error : r;
}

static bool world_replayed(void *ctx, const uint8_t sig[PASSPORT_SIG_LEN])
{
	struct world *w = ctx;

	memcpy(w->seen_sig, sig, PASSPORT_SIG_LEN);
	return w->is_seen;
}

static inline struct verify_env world_env(struct world *w)
{
	return (struct verify_env){ world_certificate, world_signature, world_replayed, w };
}

static inline void world_sign(EVP_PKEY *key, const char *text, size_t text_len, uint8_t ret[PASSPORT_SIG_LEN])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t der[80];
	const uint8_t *p = der;
	size_t len = sizeof(der);
	ECDSA_SIG *sig;

	assert_int_equal(EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_equal(EVP_DigestSign(md, der, &len, (const uint8_t *)text, text_len), 1);
	sig = d2i_ECDSA_SIG(NULL, &p, (long)len);
	assert_non_null(sig);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret, 32), 32);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret + 32, 32), 32);
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(md);
}

/* A token; the caller frees it.  @compact: "..<signature>" of the same. */
static inline char *token_new(EVP_PKEY *key, const char *header, const char *payload, bool compact)
{
	size_t cap = B64URL_LEN(strlen(header)) + B64URL_LEN(strlen(payload)) + 100;
	char *t = malloc(cap);
	uint8_t sig[PASSPORT_SIG_LEN];
	size_t n;

	assert_non_null(t);
	n = (size_t)b64url_emit(header, strlen(header), t, cap);
	t[n++] = '.';
	n += (size_t)b64url_emit(payload, strlen(payload), t + n, cap - n);
	world_sign(key, t, n, sig);
	if (compact)
		n = (size_t)sprintf(t, ".");
	t[n++] = '.';
	n += (size_t)b64url_emit(sig, sizeof(sig), t + n, cap - n);
	t[n] = 0;
	return t;
}

static inline struct tn tn_of(const char *uri)
{
	static const struct tn_rules rules = { .country_code = { "1", 1 } };
	struct sip_uri u;
	struct tn tn;

	assert_int_equal(sip_uri_parse(slice_str(uri), &u), 0);
	if (tn_from_uri(&u, &rules, &tn) < 0)
		fail_msg("%s is no number", uri);
	return tn;
}

/* A call from ORIG to DEST, with a Date of now and no Identity yet. */
static inline struct verify_call call_usual(void)
{
	struct verify_call c = { .calling_cnt = 1, .dest_cnt = 1, .has_date = true, .date = NOW, .now = NOW,
				 .freshness_s = 60 };

	c.calling[0] = tn_of("sip:+" ORIG "@example.com");
	c.dest[0] = c.request = tn_of("sip:+" DEST "@example.net");
	return c;
}

/* One row whose value is text; the verdict of it. */
static inline struct verify_result judge(struct world *w, struct verify_call *c, const char *text)
{
	struct guard g = guard_new(text, strlen(text));
	struct slice value = slice_of(g.p, g.len);
	struct verify_env env = world_env(w);
	struct verify_result res;

	c->values = &value;
	c->value_cnt = 1;
	assert_int_equal(verify_call_run(c, &env, &res), 0);
	guard_free(&g);
	return res;
}

static inline void expect_result(const char *name, const struct verify_result *r, enum verify_status status,
				 enum sipseal_reason reason, unsigned code)
{
	if (r->status != status || r->reason != reason || r->code != code)
		fail_msg("%s: status %d reason %d code %d, want %d %d %d", name, r->status, r->reason, r->code,
			 status, reason, code);
}

#endif
