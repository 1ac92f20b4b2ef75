/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

#include "fetcher/judge_internal.h"

#define CODE_REFUSED 437 /* Unsupported Credential, RFC 8224 s13.2 */
/* Short, so that a carrier that repairs its chain is believed soon; long enough to spare its
 * server. */
#define KEEP_BAD_S 60
#define ANCHORS_MAX 1000

int exam_refuse(struct exam *e, enum sipseal_reason reason, const char *fmt, ...)
{
	va_list ap;

	e->v.reason = (uint8_t)reason;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return -EKEYREJECTED;
}

void exam_note(struct exam *e, const char *fmt, ...)
{
	size_t at = strlen(e->text);
	va_list ap;

	if (at)
		at += (size_t)snprintf(e->text + at, sizeof(e->text) - at, "; ");
	if (at >= sizeof(e->text) - 1)
		return;
	va_start(ap, fmt);
	vsnprintf(e->text + at, sizeof(e->text) - at, fmt, ap);
	va_end(ap);
}

static int roots_pick(x509_stack *anchors, X509_STORE **ret)
{
	CLEANUP(x509_stack_freep) x509_stack *roots = sk_X509_new_null();

	if (!roots)
		return -ENOMEM;
	for (int k = 0; k < sk_X509_num(anchors); k++) {
		X509 *x = sk_X509_value(anchors, k);

		if (!cert_is_root(x))
			continue;
		if (X509_up_ref(x) != 1)
			return -ENOMEM;
		if (sk_X509_push(roots, x) <= 0) {
			X509_free(x);
			return -ENOMEM;
		}
	}
	return sk_X509_num(roots) ? cert_store_new(roots, ret) : -EINVAL;
}

int judge_new(const struct judge_config *cfg, const char *anchors, size_t len, struct judge **ret,
	      char reterr_text[160])
{
	CLEANUP(judge_freep) struct judge *j = calloc(1, sizeof(*j));
	bool has_key;
	int r;

	if (!j)
		return -ENOMEM;
	j->cfg = *cfg;
	r = cert_read(anchors, len, ANCHORS_MAX, &j->anchors, &has_key, reterr_text);
	if (r < 0)
		return r == -ENOMEM ? r : -EINVAL;
	r = roots_pick(j->anchors, &j->store);
	ERR_clear_error();
	if (r == -EINVAL)
		snprintf(reterr_text, 160, "none of the certificates is a root");
	if (r < 0)
		return r;
	*ret = TAKE(j);
	return 0;
}

void judge_free(struct judge *j)
{
	if (!j)
		return;
	x509_stack_free(j->anchors);
	X509_STORE_free(j->store);
	judge_crl_done(&j->crl);
	free(j);
}

static int64_t min_s(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* The chain counts as a whole: what ends first ends it. */
static int validity_set(struct exam *e)
{
	for (int k = 0; k < sk_X509_num(e->chain); k++) {
		const X509 *x = sk_X509_value(e->chain, k);
		int64_t from, until;

		if (cert_time(X509_get0_notBefore(x), &from) < 0 ||
		    cert_time(X509_get0_notAfter(x), &until) < 0)
			return exam_refuse(e, SR_CERTIFICATE_BAD,
					   "certificate %d: its validity cannot be read", k + 1);
		if (k == 0 || from > e->v.not_before)
			e->v.not_before = from;
		if (k == 0 || until < e->v.not_after)
			e->v.not_after = until;
	}
	return 0;
}

static void expiry_set(struct exam *e, int64_t keep_s)
{
	const struct judge *j = e->judge;

	e->v.expires_at = min_s(e->now_s + judge_keep(keep_s), e->v.not_after);
	/* without a list that is in force nothing is believed: not longer than this one is */
	if (j->cfg.has_crl && j->cfg.crl_policy == CRL_HARD)
		e->v.expires_at = min_s(e->v.expires_at, j->crl.next_update);
}

static int examine(struct exam *e, const char *data, size_t len, int64_t keep_s)
{
	int r;

	if ((r = exam_read(e, data, len)) < 0 || (r = exam_leaf(e)) < 0 || (r = exam_path(e)) < 0 ||
	    (r = exam_intermediates(e, e->chain, sk_X509_num(e->chain) - 1)) < 0 ||
	    (r = exam_numbers(e)) < 0 || (r = exam_constraints(e)) < 0 ||
	    (r = exam_revocation(e)) < 0 || (r = validity_set(e)) < 0)
		return r;
	if (cert_point(X509_get0_pubkey(sk_X509_value(e->chain, 0)), e->v.point) < 0)
		return exam_refuse(e, SR_CERTIFICATE_BAD, "leaf: the public key is no point");
	e->v.kind = VERDICT_GOOD;
	expiry_set(e, keep_s);
	return 0;
}

/* Nothing of a refused certificate is kept but its name, for people. */
static void verdict_refuse(struct exam *e)
{
	struct verdict bad = { .kind = VERDICT_BAD, .reason = e->v.reason, .code = CODE_REFUSED };

	memcpy(bad.subject, e->v.subject, sizeof(bad.subject));
	bad.expires_at = e->now_s + KEEP_BAD_S;
	e->v = bad;
}

int judge_chain(struct judge *j, const char *data, size_t len, int64_t now_s, int64_t keep_s,
		struct verdict *ret, char ret_text[256])
{
	CLEANUP(freep) struct exam *e = calloc(1, sizeof(*e));
	int r;

	if (!e)
		return -ENOMEM;
	e->judge = j;
	e->now_s = now_s;
	r = examine(e, data, len, keep_s);
	x509_stack_free(e->body);
	x509_stack_free(e->chain);
	ERR_clear_error();
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		verdict_refuse(e);
	e->v.fetched_at = now_s;
	*ret = e->v;
	memcpy(ret_text, e->text, sizeof(e->text));
	return 0;
}
