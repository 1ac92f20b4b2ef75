/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Identity rows of a stranger before the verifier, with OpenSSL behind it.  The first byte says what the call and the
 * certificates are; then either rows, separated by NUL, or changes of a good set of rows: triples of a position
 * (two bytes) and a character.
 * Invariants: nobody is verified but by a text that was once signed, for the call that it was signed for; results
 * hang together; the rows are not written to.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "stir/verify.h"

#include "../unit/stir/vector.h"

#define X5U_DIV "https://cr.example.com/shaken/5678.pem"
#define DIV_HEADER "{\"alg\":\"ES256\",\"ppt\":\"div\",\"typ\":\"passport\",\"x5u\":\"" X5U_DIV "\"}"
#define DIV_PAYLOAD                                                                          \
	"{\"dest\":{\"tn\":[\"12155550114\"]},\"div\":{\"tn\":\"12155550113\"},\"iat\":1767225600," \
	"\"orig\":{\"tn\":\"12155550112\"}}"
#define BASE_HEADER "{\"alg\":\"ES256\",\"typ\":\"passport\",\"x5u\":\"" VECTOR_X5U "\"}"
#define BASE_PAYLOAD "{\"dest\":{\"tn\":[\"12155550113\"]},\"iat\":1767225600,\"orig\":{\"tn\":\"12155550112\"}}"

enum {
	NO_DATE = 1,
	RETARGETED = 2,	      /* To and Request-URI are the last number of the div row */
	DIV_UNKNOWN = 4,
	CHANGES = 8,	      /* of the good rows */
	ANONYMOUS = 16,
	EMERGENCY = 32,
};

static EVP_PKEY *key;
static uint8_t point[CERT_POINT_LEN];
static char signed_texts[3][1024];
static uint8_t good_rows[4096];
static size_t good_len;
static bool is_div_unknown;
static unsigned good_cnt; /* good signatures in this run */

static void sign(const char *text, uint8_t ret[PASSPORT_SIG_LEN])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t der[80];
	const uint8_t *p = der;
	size_t len = sizeof(der);
	ECDSA_SIG *sig;

	assert(EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key) == 1);
	assert(EVP_DigestSign(md, der, &len, (const uint8_t *)text, strlen(text)) == 1);
	sig = d2i_ECDSA_SIG(NULL, &p, (long)len);
	BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret + 32, 32);
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(md);
}

static void text_make(char *dst, const char *header, const char *payload)
{
	size_t n = (size_t)b64url_emit(header, strlen(header), dst, 512);

	dst[n++] = '.';
	n += (size_t)b64url_emit(payload, strlen(payload), dst + n, 500);
	dst[n] = 0;
}

/* "<text>.<signature><params>" and what ends it */
static void good_add(const char *text, bool is_compact, const char *params, char end)
{
	uint8_t sig[PASSPORT_SIG_LEN];
	char *p = (char *)good_rows + good_len;

	sign(text, sig);
	strcpy(p, is_compact ? "." : text);
	strcat(p, ".");
	good_len += strlen(p);
	good_len += (size_t)b64url_emit(sig, sizeof(sig), (char *)good_rows + good_len, 100);
	strcpy((char *)good_rows + good_len, params);
	good_len += strlen(params);
	good_rows[good_len++] = (uint8_t)end;
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	BIO *bio = BIO_new_mem_buf(VECTOR_PRIVATE_PEM, -1);
	size_t len;

	(void)argc, (void)argv;
	key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	BIO_free(bio);
	assert(key);
	assert(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &len) == 1);
	assert(len == sizeof(point));
	text_make(signed_texts[0], VECTOR_HEADER, VECTOR_PAYLOAD);
	text_make(signed_texts[1], DIV_HEADER, DIV_PAYLOAD);
	text_make(signed_texts[2], BASE_HEADER, BASE_PAYLOAD);
	good_add(signed_texts[0], false, ";info=<" VECTOR_X5U ">;alg=ES256;ppt=shaken", ',');
	good_add(signed_texts[1], false, ";info=<" X5U_DIV ">;alg=ES256;ppt=\"div\"", 0);
	good_add(signed_texts[2], true, ";info=<" VECTOR_X5U ">", 0);
	good_len--;
	return 0;
}

static enum verdict_kind certificate(void *ctx, struct slice x5u, struct verdict *ret)
{
	(void)ctx;
	assert(x5u.len > 8 && x5u.len <= PASSPORT_X5U_MAX);
	if (!slice_eq(x5u, SLICE(VECTOR_X5U)) && (is_div_unknown || !slice_eq(x5u, SLICE(X5U_DIV))))
		return VERDICT_UNKNOWN;
	*ret = (struct verdict){ .kind = VERDICT_GOOD, .range_cnt = 1, .not_before = VECTOR_IAT - 86400,
				 .not_after = VECTOR_IAT + 86400,
				 .ranges = { { "12155550112", "12155550113" } } };
	memcpy(ret->point, point, sizeof(point));
	return VERDICT_GOOD;
}

static int signature(void *ctx, const uint8_t at[CERT_POINT_LEN], struct slice text,
		     const uint8_t raw[PASSPORT_SIG_LEN])
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool is_known = false;
	uint8_t *der = NULL;
	int len, r;

	(void)ctx;
	assert(memcmp(at, point, sizeof(point)) == 0);
	ECDSA_SIG_set0(sig, BN_bin2bn(raw, 32, NULL), BN_bin2bn(raw + 32, 32, NULL));
	len = i2d_ECDSA_SIG(sig, &der);
	assert(EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, key) == 1);
	r = EVP_DigestVerify(md, der, (size_t)len, (const uint8_t *)text.p, text.len) == 1;
	OPENSSL_free(der);
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(md);
	for (size_t i = 0; i < 3; i++)
		is_known |= slice_eq(text, slice_str(signed_texts[i]));
	assert(!r || is_known);
	good_cnt += (unsigned)r;
	return r;
}

static struct tn tn_of(const char *digits)
{
	struct tn tn = { .len = (uint8_t)strlen(digits) };

	strcpy(tn.digits, digits);
	return tn;
}

static struct verify_call call_of(uint8_t flags)
{
	struct verify_call c = { .calling_cnt = 1, .dest_cnt = 1, .has_date = !(flags & NO_DATE), .date = VECTOR_IAT,
				 .now = VECTOR_IAT + 5, .freshness_s = 60 };

	c.calling[0] = tn_of("12155550112");
	c.dest[0] = tn_of(flags & RETARGETED ? "12155550114" : "12155550113");
	c.request = tn_of("12155550114");
	if (flags & ANONYMOUS) {
		c.calling_cnt = 0;
		c.calling_uri = SLICE("sip:anonymous@anonymous.invalid");
	}
	if (flags & EMERGENCY) {
		c.dest_cnt = 0;
		c.dest_uri = SLICE("urn:service:sos");
	}
	return c;
}

static void check(const struct verify_call *c, const struct verify_result *r, uint8_t flags)
{
	struct slice wanted[VERIFY_ROWS_MAX];
	unsigned n = verify_wanted(r, wanted);

	assert(r->row_cnt <= VERIFY_ROWS_MAX && r->row < (int)r->row_cnt);
	assert((n > 0) == (r->status == VERIFY_WAIT));
	assert((r->status == VERIFY_VERIFIED) == (r->reason == SR_VERIFIED));
	assert((r->code == 0) == (r->status == VERIFY_VERIFIED || r->status == VERIFY_WAIT));
	assert(r->phrase && !r->code == !*r->phrase);
	for (unsigned i = 0; i < r->row_cnt; i++) {
		const struct verify_row *row = &r->rows[i];

		assert(row->reason != SR_NONE);
		for (const char *p = row->origid; *p; p++)
			assert(*p > 0x20 && *p < 0x7f && *p != ';');
	}
	if (r->status != VERIFY_VERIFIED)
		return;
	assert(good_cnt && !(flags & ANONYMOUS) && !r->rows[r->row].is_div);
	/* who is not in To needs the chain */
	assert(!(flags & (RETARGETED | EMERGENCY)) || r->is_div_verified);
	assert(!r->is_div_verified || good_cnt >= 2);
	assert(r->rows[r->row].iat == c->date);
}

static void changes_apply(char *rows, size_t len, const uint8_t *data, size_t size)
{
	for (; size >= 3; data += 3, size -= 3)
		rows[((size_t)data[0] << 8 | data[1]) % len] = (char)data[2];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct verify_env env = { certificate, signature, NULL, NULL };
	struct slice values[VERIFY_ROWS_MAX + 4], rest;
	struct verify_result r;
	struct verify_call c;
	uint8_t flags;
	char *rows, *copy;
	size_t len;

	if (!size)
		return 0;
	flags = data[0];
	len = flags & CHANGES ? good_len : size - 1;
	rows = malloc(len ? len : 1); /* exactly as long as the input: a byte too far is seen */
	memcpy(rows, flags & CHANGES ? good_rows : data + 1, len);
	if (flags & CHANGES)
		changes_apply(rows, len, data + 1, size - 1);
	copy = malloc(len ? len : 1);
	memcpy(copy, rows, len);
	c = call_of(flags);
	is_div_unknown = flags & DIV_UNKNOWN;
	c.values = values;
	for (rest = slice_of(rows, len); c.value_cnt < VERIFY_ROWS_MAX + 4;) {
		struct slice value = slice_of(rest.p, slice_find(rest, 0));

		values[c.value_cnt++] = value;
		if (value.len == rest.len)
			break;
		rest = slice_cut(rest, value.len + 1);
	}
	good_cnt = 0;
	assert(verify_call_run(&c, &env, &r) == 0);
	check(&c, &r, flags);
	/* the good rows are good where nothing was changed */
	if ((flags & CHANGES) && size < 4 && !(flags & (NO_DATE | DIV_UNKNOWN | ANONYMOUS | EMERGENCY)))
		assert(r.status == VERIFY_VERIFIED && r.is_div_verified);
	assert(memcmp(copy, rows, len) == 0);
	free(copy);
	free(rows);
	return 0;
}
