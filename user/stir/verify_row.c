/* SPDX-License-Identifier: BSD-2-Clause */
/* One Identity value, as far as it can be judged without its certificate; steps are those of RFC
 * 8224 s6.2. */
#include <errno.h>

#include "base/cleanup.h"
#include "stir/verify_internal.h"

/* The parameter is a token of SIP, in any case; the JOSE header has one spelling. */
static bool is_param_supported(struct slice ppt)
{
	return !ppt.p || slice_ieq(ppt, SLICE("shaken")) || slice_ieq(ppt, SLICE("div"));
}

static bool is_ppt_supported(const char *ppt)
{
	return !*ppt || strcmp(ppt, "shaken") == 0 || strcmp(ppt, "div") == 0;
}

void verify_fail(struct verify_work *w, unsigned i, enum sipseal_reason reason, uint16_t code)
{
	w->r->rows[i].reason = reason;
	w->r->rows[i].code = code;
}

static int syntax_fail(struct verify_work *w, unsigned i, int error)
{
	if (error == -ENOMEM)
		return error;
	verify_fail(w, i, SR_PASSPORT_SYNTAX, 438);
	return 0;
}

/* For marks and events: a copy if all of it may stand in a SIP parameter, else "". */
static void keep_token(struct slice s, char *dst, size_t cap)
{
	static const char legal[] = "-.!%*_+`'~";

	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];

		if (!(c >= '0' && c <= '9') && !((c | 0x20) >= 'a' && (c | 0x20) <= 'z') &&
		    !memchr(legal, c, sizeof(legal) - 1))
			return;
	}
	if (s.len >= cap)
		return;
	if (s.len)
		memcpy(dst, s.p, s.len);
	dst[s.len] = 0;
}

/* An info that does not fit, or is not printable, stays "": verify_row_prove() refuses it. */
static void keep_x5u(struct slice s, struct verify_row *row)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7f)
			return;
	if (!s.len || s.len > PASSPORT_X5U_MAX)
		return;
	memcpy(row->x5u, s.p, s.len);
	row->x5u[s.len] = 0;
}

/* s4.1: two dots and the signature; the rest is what the INVITE says. */
static int compact_parse(struct verify_work_row *wr)
{
	uint8_t sig[PASSPORT_SIG_LEN];
	ssize_t n = b64url_parse(slice_cut(wr->id.token, 2), sig, sizeof(sig));

	if (n != PASSPORT_SIG_LEN)
		return -EBADMSG;
	wr->is_compact = true;
	wr->p.claim_cnt = 0;
	memcpy(wr->p.sig, sig, sizeof(sig));
	return 0;
}

/* Does the JOSE header say what the row says?  RFC 8224 s4, RFC 8225 s4, s8. */
static bool is_header_right(const struct verify_work_row *wr)
{
	return strcmp(wr->p.typ, "passport") == 0 && is_ppt_supported(wr->p.ppt) &&
	       slice_eq(slice_str(wr->p.x5u), wr->id.info) &&
	       (!wr->id.ppt.p || slice_ieq(slice_str(wr->p.ppt), wr->id.ppt));
}

/* Steps 1 to 4: which type, which algorithm, is it whole. */
static int token_check(struct verify_work *w, unsigned i)
{
	struct verify_work_row *wr = &w->rows[i];
	int r;

	if (wr->id.token.len > 2 && memcmp(wr->id.token.p, "..", 2) == 0) {
		/* an extension's claims cannot be known from the INVITE (RFC 8225 s8.1) */
		if (wr->id.ppt.p || compact_parse(wr) < 0)
			verify_fail(w, i, SR_PASSPORT_SYNTAX, 438);
		return 0;
	}
	if ((r = passport_header_parse(wr->id.token, &wr->p)) < 0)
		return syntax_fail(w, i, r);
	if (!wr->id.ppt.p) {
		keep_token(slice_str(wr->p.ppt), w->r->rows[i].ppt, sizeof(w->r->rows[i].ppt));
		if (!is_ppt_supported(wr->p.ppt)) {
			verify_fail(w, i, SR_PPT_UNSUPPORTED, 0);
			return 0;
		}
	}
	if (strcmp(wr->p.alg, "ES256")) {
		verify_fail(w, i, SR_ALG_UNSUPPORTED, 437);
		return 0;
	}
	if (!is_header_right(wr))
		return syntax_fail(w, i, -EBADMSG);
	if ((r = passport_claims_parse(wr->id.token, &wr->p)) < 0)
		return syntax_fail(w, i, r);
	return 0;
}

static bool is_fresh(const struct verify_call *c, int64_t t)
{
	return t >= c->now - (int64_t)c->freshness_s && t <= c->now + VERIFY_FUTURE_S;
}

/* Step 5.  s12.1: an outdated Date is not made good by a fresh iat.  The compact form has no other
 * time. */
static void time_check(struct verify_work *w, unsigned i)
{
	const struct verify_call *c = w->call;
	struct verify_work_row *wr = &w->rows[i];

	if (wr->is_compact && !c->has_date) {
		verify_fail(w, i, SR_PASSPORT_SYNTAX, 438);
		return;
	}
	w->r->rows[i].iat = wr->is_compact ? c->date : wr->p.iat;
	if ((c->has_date && !is_fresh(c, c->date)) || !is_fresh(c, w->r->rows[i].iat))
		verify_fail(w, i, SR_PASSPORT_STALE, 403);
}

/* Of the compact form the signature tells which of the numbers it is. */
static bool is_orig(const struct verify_call *c, const struct verify_work_row *wr,
		    int8_t *ret_calling)
{
	if (wr->is_compact)
		return c->calling_cnt || c->calling_uri.p;
	if (!wr->p.orig_tn[0])
		return c->calling_uri.p && verify_uri_eq(slice_str(wr->p.orig_uri), c->calling_uri);
	for (unsigned i = 0; i < c->calling_cnt && i < VERIFY_TNS_MAX; i++)
		if (slice_eq(verify_tn(wr->p.orig_tn), tn_slice(&c->calling[i]))) {
			*ret_calling = (int8_t)i;
			return true;
		}
	return false;
}

static bool is_dest_uri(const struct verify_call *c, const struct passport_parsed *p)
{
	size_t n;

	for (size_t at = 0; c->dest_uri.p && at < p->dest_uris_len; at += n + 1) {
		n = strlen(p->dest_uris + at);
		if (verify_uri_eq(slice_of(p->dest_uris + at, n), c->dest_uri))
			return true;
	}
	return false;
}

static bool is_dest(const struct verify_call *c, const struct verify_work_row *wr)
{
	if (wr->is_compact)
		return c->dest_cnt || c->dest_uri.p;
	for (unsigned i = 0; i < wr->p.dest_tn_cnt; i++)
		for (unsigned k = 0; k < c->dest_cnt && k < ARRAY_SIZE(c->dest); k++)
			if (slice_eq(verify_tn(wr->p.dest_tn[i]), tn_slice(&c->dest[k])))
				return true;
	return is_dest_uri(c, &wr->p);
}

/* Step 6.  Who is called by a div row is a matter of its chain. */
static void numbers_check(struct verify_work *w, unsigned i)
{
	struct verify_work_row *wr = &w->rows[i];

	if (!is_orig(w->call, wr, &w->r->rows[i].calling))
		verify_fail(w, i, SR_ORIG_MISMATCH, 438);
	else if (w->r->rows[i].is_div || is_dest(w->call, wr))
		return;
	else if (wr->is_compact)
		verify_fail(w, i, SR_DEST_MISMATCH, 438);
	else
		wr->is_dest_open = true;
}

int verify_row_check(struct verify_work *w, unsigned i)
{
	struct verify_work_row *wr = &w->rows[i];
	struct verify_row *row = &w->r->rows[i];
	int r;

	wr->is_compact = wr->is_dest_open = false;
	row->calling = -1;
	if (wr->is_broken) {
		verify_fail(w, i, SR_IDENTITY_SYNTAX, 438);
		return 0;
	}
	keep_token(wr->id.ppt, row->ppt, sizeof(row->ppt));
	keep_x5u(wr->id.info, row);
	if (!is_param_supported(wr->id.ppt)) /* s6.2 step 1: before anything else */
		verify_fail(w, i, SR_PPT_UNSUPPORTED, 0);
	else if (!wr->id.info.p)
		verify_fail(w, i, SR_IDENTITY_SYNTAX, 438);
	else if (wr->id.alg.p && !slice_ieq(wr->id.alg, SLICE("ES256")))
		verify_fail(w, i, SR_ALG_UNSUPPORTED, 437);
	if (row->reason != SR_NONE)
		return 0;
	if ((r = token_check(w, i)) < 0 || row->reason != SR_NONE)
		return r;
	if (!wr->is_compact) {
		row->attest = wr->p.attest;
		row->is_div = strcmp(wr->p.ppt, "div") == 0;
		keep_token(slice_str(wr->p.origid), row->origid, sizeof(row->origid));
	}
	time_check(w, i);
	if (row->reason == SR_NONE)
		numbers_check(w, i);
	return 0;
}
