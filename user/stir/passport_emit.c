/* SPDX-License-Identifier: BSD-2-Clause */
/* The signing half of passport.h.  Everything here is on the hot path: no allocation of ours. */
#include <errno.h>

#include <openssl/evp.h>

#include "stir/passport.h"

/* JSON text of the claims: all members at their longest leave room for a dest URI of 1.5 KiB. */
#define PAYLOAD_MAX 2048
#define INT64_DIGITS_MAX 20

struct out {
	char *p;
	size_t len, cap;
	int err; /* the first failure; nothing is written after it */
};

static void put(struct out *o, struct slice s)
{
	if (o->err)
		return;
	if (s.len > o->cap - o->len) {
		o->err = -ENOSPC;
		return;
	}
	if (s.len)
		memcpy(o->p + o->len, s.p, s.len);
	o->len += s.len;
}

/* A JSON string.  RFC 8225 s9 wants '"' and '\' escaped and nothing else; controls and octets
 * beyond ASCII have no business in a claim and are refused. */
static void put_string(struct out *o, struct slice s)
{
	size_t from = 0;

	put(o, SLICE("\""));
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x20 || c > 0x7e) {
			o->err = o->err ? o->err : -EINVAL;
			return;
		}
		if (c == '"' || c == '\\') {
			put(o, slice_of(s.p + from, i - from));
			put(o, SLICE("\\"));
			from = i;
		}
	}
	put(o, slice_of(s.p + from, s.len - from));
	put(o, SLICE("\""));
}

/* A number: 1*("#" / "*" / DIGIT), RFC 8224 s8.3. */
static void put_tn(struct out *o, struct slice tn)
{
	bool ok = tn.len > 0;

	for (size_t i = 0; i < tn.len; i++)
		ok = ok && ((tn.p[i] >= '0' && tn.p[i] <= '9') || tn.p[i] == '#' || tn.p[i] == '*');
	if (!ok)
		o->err = o->err ? o->err : -EINVAL;
	put_string(o, tn);
}

static void put_int(struct out *o, int64_t v)
{
	char buf[INT64_DIGITS_MAX];
	size_t i = sizeof(buf);

	do {
		buf[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	put(o, slice_of(buf + i, sizeof(buf) - i));
}

/* What may stand between the angle brackets of `info=<...>`: characters of a URI (RFC 3986 s2). */
static bool is_uri(struct slice s)
{
	if (s.len == 0 || s.len > PASSPORT_X5U_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7f || strchr("\"<>\\^`{|}", s.p[i]))
			return false;
	return true;
}

ssize_t passport_header_emit(struct slice x5u, char *dst, size_t cap)
{
	char json[PASSPORT_X5U_MAX + 64];
	struct out o = { .p = json, .cap = sizeof(json) };

	if (!is_uri(x5u))
		return -EINVAL;
	put(&o, SLICE("{\"alg\":\"ES256\",\"ppt\":\"shaken\",\"typ\":\"passport\",\"x5u\":"));
	put_string(&o, x5u);
	put(&o, SLICE("}"));
	return o.err ? o.err : b64url_emit(json, o.len, dst, cap);
}

ssize_t passport_payload_emit(const struct passport_claims *c, char *dst, size_t cap)
{
	struct out o = { .p = dst, .cap = cap };

	if (c->attest < 'A' || c->attest > 'C' || c->iat < 0 || c->origid.len == 0)
		return -EINVAL;
	put(&o, SLICE("{\"attest\":\""));
	put(&o, slice_of(&c->attest, 1));
	if (c->dest_tn.p) {
		put(&o, SLICE("\",\"dest\":{\"tn\":["));
		put_tn(&o, c->dest_tn);
	} else {
		if (c->dest_uri.len == 0)
			return -EINVAL;
		put(&o, SLICE("\",\"dest\":{\"uri\":["));
		put_string(&o, c->dest_uri);
	}
	put(&o, SLICE("]},\"iat\":"));
	put_int(&o, c->iat);
	put(&o, SLICE(",\"orig\":{\"tn\":"));
	put_tn(&o, c->orig_tn);
	put(&o, SLICE("},\"origid\":"));
	put_string(&o, c->origid);
	put(&o, SLICE("}"));
	return o.err ? o.err : (ssize_t)o.len;
}

static void put_b64url(struct out *o, const void *src, size_t len)
{
	ssize_t n;

	if (o->err)
		return;
	n = b64url_emit(src, len, o->p + o->len, o->cap - o->len);
	if (n < 0)
		o->err = (int)n;
	else
		o->len += (size_t)n;
}

static void put_claims(struct out *o, const struct passport_claims *c)
{
	put(o, c->dest_tn.p ? SLICE("{\"dest\":{\"tn\":[") : SLICE("{\"dest\":{\"uri\":["));
	if (c->dest_tn.p)
		put_tn(o, c->dest_tn);
	else
		put_string(o, c->dest_uri);
	put(o, SLICE("]},\"iat\":"));
	put_int(o, c->iat);
	put(o, c->orig_tn.p ? SLICE(",\"orig\":{\"tn\":") : SLICE(",\"orig\":{\"uri\":"));
	if (c->orig_tn.p)
		put_tn(o, c->orig_tn);
	else
		put_string(o, c->orig_uri);
	put(o, SLICE("}}"));
}

ssize_t passport_baseline_emit(struct slice x5u, const struct passport_claims *c, char *dst,
			       size_t cap)
{
	struct out o = { .p = dst, .cap = cap };
	char json[PAYLOAD_MAX];
	struct out j = { .p = json, .cap = sizeof(json) };

	if (!is_uri(x5u) || c->iat < 0 || (!c->dest_tn.p && !c->dest_uri.len) ||
	    (!c->orig_tn.p && !c->orig_uri.len))
		return -EINVAL;
	put(&j, SLICE("{\"alg\":\"ES256\",\"typ\":\"passport\",\"x5u\":"));
	put_string(&j, x5u);
	put(&j, SLICE("}"));
	put_b64url(&o, json, j.len);
	put(&o, SLICE("."));
	j.len = 0;
	put_claims(&j, c);
	put_b64url(&o, json, j.len);
	if (j.err)
		return j.err;
	return o.err ? o.err : (ssize_t)o.len;
}

/*
 * SHA-256 on a context that the thread keeps.  SHA256() of OpenSSL 3 looks the algorithm up in each call:
 * locks, string compares and allocations that cost more than the digest of 310 bytes itself.  Allocates
 * in the first call of a thread, and keeps it for the thread's life: signer threads live as long as the process.
 */
static int sha256(const void *p, size_t len, uint8_t ret_digest[PASSPORT_DIGEST_LEN])
{
	static _Thread_local EVP_MD_CTX *ctx;

	if (!ctx && (!(ctx = EVP_MD_CTX_new()) || EVP_DigestInit_ex2(ctx, EVP_sha256(), NULL) != 1))
		return -EIO;
	/* no algorithm given: the one of the context, without a look-up */
	if (EVP_DigestInit_ex2(ctx, NULL, NULL) != 1 || EVP_DigestUpdate(ctx, p, len) != 1 ||
	    EVP_DigestFinal_ex(ctx, ret_digest, NULL) != 1)
		return -EIO;
	return 0;
}

ssize_t identity_emit(struct slice header_b64, struct slice x5u, const struct passport_claims *c,
		      passport_sign_fn *sign, void *sign_ctx, uint32_t credential, char *dst,
		      size_t cap)
{
	uint8_t digest[PASSPORT_DIGEST_LEN], sig[PASSPORT_SIG_LEN] = { 0 };
	struct out o = { .p = dst, .cap = cap };
	char payload[PAYLOAD_MAX];
	ssize_t n = passport_payload_emit(c, payload, sizeof(payload));
	size_t signed_len;
	int r;

	if (n < 0)
		return n;
	put(&o, header_b64);
	put(&o, SLICE("."));
	put_b64url(&o, payload, (size_t)n);
	signed_len = o.len;
	/* everything else first, so that no signature is made for a row that does not fit */
	put(&o, SLICE("."));
	put_b64url(&o, sig, sizeof(sig));
	put(&o, SLICE(";info=<"));
	put(&o, x5u);
	put(&o, SLICE(">;alg=ES256;ppt=shaken"));
	if (o.err)
		return o.err;
	if ((r = sha256(dst, signed_len, digest)) < 0)
		return r;
	r = sign(sign_ctx, credential, digest, sig);
	if (r < 0)
		return r;
	b64url_emit(sig, sizeof(sig), dst + signed_len + 1, B64URL_LEN(sizeof(sig)));
	return (ssize_t)o.len;
}
