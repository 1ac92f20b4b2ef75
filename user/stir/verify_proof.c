/* SPDX-License-Identifier: BSD-2-Clause */
/* What needs the certificate of a row: its validity, its scope, the signature (RFC 8224 s6.2 steps
 * 3 to 5). */
#include <errno.h>

#include "stir/verify_internal.h"

_Static_assert(PASSPORT_CLAIM_LEN == VERDICT_NAME_LEN,
	       "every name a certificate can ask for is kept");

#define SIGNED_MAX 4096 /* an x5u and two URIs at their longest, in base64url */

#define COORD_LEN 32

enum { SIG_BAD, SIG_GOOD, SIG_NOT_ALLOWED };

/* n of P-256, and half of it rounded down */
static const uint8_t order[COORD_LEN] = {
	0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
	0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
};
static const uint8_t half_order[COORD_LEN] = {
	0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xde, 0x73, 0x7d, 0x56, 0xd3, 0x8b,
	0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8,
};

/* (r, s) and (r, n - s) are both good: keep the lower s, so that a signature has one name. */
static void keep_sig(const uint8_t sig[PASSPORT_SIG_LEN], uint8_t ret[PASSPORT_SIG_LEN])
{
	uint8_t *s = ret + COORD_LEN;
	int borrow = 0;

	memcpy(ret, sig, PASSPORT_SIG_LEN);
	if (memcmp(s, half_order, COORD_LEN) <= 0)
		return;
	for (int i = COORD_LEN - 1; i >= 0; i--) {
		int v = order[i] - s[i] - borrow;

		borrow = v < 0;
		s[i] = (uint8_t)v;
	}
}

/* Only https is ever fetched; the rest of the rules of URLs is the fetcher's. */
static bool is_x5u_ok(const struct verify_row *row)
{
	return slice_iprefix(slice_str(row->x5u), SLICE("https://"));
}

static bool has_claim(const struct verify_work_row *wr, const char name[VERDICT_NAME_LEN])
{
	static const char baseline[][PASSPORT_CLAIM_LEN] = { "dest", "iat", "orig" };
	unsigned cnt = wr->is_compact ? 3 : wr->p.claim_cnt;
	const char(*claims)[PASSPORT_CLAIM_LEN] = wr->is_compact ? baseline : wr->p.claims;

	for (unsigned i = 0; i < cnt; i++)
		if (strncmp(claims[i], name, VERDICT_NAME_LEN) == 0)
			return true;
	return false;
}

/* JWTClaimConstraints: RFC 8226 s8, RFC 9118 s4. */
static bool are_claims_allowed(const struct verify_work_row *wr, const struct verdict *v)
{
	for (unsigned i = 0; i < v->must_cnt && i < VERDICT_NAMES_MAX; i++)
		if (!has_claim(wr, v->must[i]))
			return false;
	for (unsigned i = 0; i < v->never_cnt && i < VERDICT_NAMES_MAX; i++)
		if (has_claim(wr, v->never[i]))
			return false;
	return true;
}

/* An SPC stands for any number of its owner, whoever that gives it to; no list at all is for the
 * judge of certificates to allow.  Numbers of equal length compare as their digits do. */
static bool is_number_allowed(const struct verdict *v, struct slice tn)
{
	if (v->has_spc || !v->range_cnt)
		return true;
	for (unsigned i = 0; i < v->range_cnt && i < VERDICT_RANGES_MAX; i++) {
		const struct verdict_range *r = &v->ranges[i];

		if (tn.len && strnlen(r->first, sizeof(r->first)) == tn.len &&
		    strnlen(r->last, sizeof(r->last)) == tn.len &&
		    memcmp(tn.p, r->first, tn.len) >= 0 && memcmp(tn.p, r->last, tn.len) <= 0)
			return true;
	}
	return false;
}

static bool is_valid_at(const struct verdict *v, int64_t t)
{
	return t >= v->not_before && t <= v->not_after;
}

static bool is_valid(const struct verify_work *w, unsigned i, const struct verdict *v)
{
	const struct verify_call *c = w->call;

	return is_valid_at(v, c->now) && is_valid_at(v, w->r->rows[i].iat) &&
	       (!c->has_date || is_valid_at(v, c->date));
}

/* Whose number is it that the certificate must stand for?  Of div: the one that was called before.
 */
static struct slice vouched_for(const struct verify_work *w, unsigned i)
{
	const struct passport_parsed *p = &w->rows[i].p;

	return verify_tn(w->r->rows[i].is_div ? p->div_tn : p->orig_tn);
}

/* Return: SIG_GOOD, SIG_BAD, or negative errno. */
static int full_prove(const struct verify_work *w, unsigned i, const struct verdict *v)
{
	const struct passport_parsed *p = &w->rows[i].p;

	return w->env->signature(w->env->ctx, v->point, p->signed_part, p->sig);
}

/* One way to read the INVITE; RFC 8225 s7.  Return: as full_prove(). */
static int compact_try(const struct verify_work *w, unsigned i, const struct verdict *v,
		       const struct passport_claims *claims)
{
	char text[SIGNED_MAX];
	ssize_t n = passport_baseline_emit(w->rows[i].id.info, claims, text, sizeof(text));

	if (n < 0)
		return SIG_BAD;
	return w->env->signature(w->env->ctx, v->point, slice_of(text, (size_t)n),
				 w->rows[i].p.sig);
}

/* dest is To, orig each number that calls.  Return: as full_prove(), SIG_NOT_ALLOWED: none of them
 * is. */
static int compact_prove(struct verify_work *w, unsigned i, const struct verdict *v)
{
	const struct verify_call *c = w->call;
	char orig[VERIFY_URI_MAX], dest[VERIFY_URI_MAX];
	struct passport_claims claims = { .iat = c->date };
	int result = SIG_NOT_ALLOWED;
	ssize_t n = 0;

	if (!c->dest_uri.p)
		claims.dest_tn = tn_slice(&c->dest[0]);
	else if ((n = verify_uri_canonical(c->dest_uri, dest)) > 0)
		claims.dest_uri = slice_of(dest, (size_t)n);
	for (unsigned k = 0; k < c->calling_cnt && k < VERIFY_TNS_MAX; k++) {
		claims.orig_tn = tn_slice(&c->calling[k]);
		if (!is_number_allowed(v, claims.orig_tn))
			continue;
		result = compact_try(w, i, v, &claims);
		if (result == SIG_GOOD)
			w->r->rows[i].calling = (int8_t)k;
		if (result != SIG_BAD)
			return result;
	}
	if (c->calling_cnt || !is_number_allowed(v, SLICE_NONE))
		return result;
	if ((n = verify_uri_canonical(c->calling_uri, orig)) > 0)
		claims.orig_uri = slice_of(orig, (size_t)n);
	return compact_try(w, i, v, &claims);
}

static int signature_check(struct verify_work *w, unsigned i, const struct verdict *v)
{
	int r = w->rows[i].is_compact ? compact_prove(w, i, v) : full_prove(w, i, v);

	if (r < 0)
		return r == -ENOMEM ? r : -EIO;
	if (r == SIG_GOOD)
		w->r->rows[i].reason = SR_VERIFIED;
	else if (r == SIG_NOT_ALLOWED)
		verify_fail(w, i, SR_NUMBER_UNAUTHORIZED, 437);
	else
		verify_fail(w, i, SR_SIGNATURE_BAD, 438);
	return 0;
}

static int good_prove(struct verify_work *w, unsigned i, const struct verdict *v)
{
	struct verify_row *row = &w->r->rows[i];
	bool is_compact = w->rows[i].is_compact;

	memcpy(row->spc, v->spc, strnlen(v->spc, sizeof(row->spc) - 1));
	if (!is_valid(w, i, v))
		verify_fail(w, i, SR_CERTIFICATE_EXPIRED, 437);
	else if (!are_claims_allowed(&w->rows[i], v) ||
		 (!is_compact && !is_number_allowed(v, vouched_for(w, i))))
		verify_fail(w, i, SR_NUMBER_UNAUTHORIZED, 437);
	else
		return signature_check(w, i, v);
	return 0;
}

/* What another process says is not taken for a verdict of ours. */
static enum sipseal_reason bad_reason(const struct verdict *v)
{
	switch (v->reason) {
	case SR_X5U_REFUSED:
	case SR_FETCH_FAILED:
	case SR_CERTIFICATE_UNREACHABLE:
	case SR_CERTIFICATE_BAD:
	case SR_CERTIFICATE_UNTRUSTED:
	case SR_CERTIFICATE_EXPIRED:
	case SR_CERTIFICATE_REVOKED:
	case SR_NUMBER_UNAUTHORIZED:
		return v->reason;
	default:
		return SR_CERTIFICATE_BAD;
	}
}

int verify_row_prove(struct verify_work *w, unsigned i)
{
	struct verify_row *row = &w->r->rows[i];
	struct verdict v;

	keep_sig(w->rows[i].p.sig, row->sig);
	if (!is_x5u_ok(row)) {
		verify_fail(w, i, SR_X5U_REFUSED, 436);
		return 0;
	}
	switch (w->env->certificate(w->env->ctx, slice_str(row->x5u), &v)) {
	case VERDICT_GOOD:
		return good_prove(w, i, &v);
	case VERDICT_BAD:
		verify_fail(w, i, bad_reason(&v), v.code == 436 ? 436 : 437);
		return 0;
	case VERDICT_UNKNOWN:
		break;
	}
	row->is_wanted = true;
	verify_fail(w, i, SR_CERTIFICATE_PENDING, 0);
	return 0;
}
