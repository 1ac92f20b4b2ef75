/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Chains of diverted calls (RFC 8946 s4.2).  A div row refers to an earlier row whose dest is its
 * div; the outermost, to which no other refers, leads to the Request-URI; the innermost is of
 * another type. Rows have no order, and sets of rows are masks: there are eight at most.
 */
#include "stir/verify_internal.h"

static bool is_same_orig(const struct passport_parsed *a, const struct passport_parsed *b)
{
	if (a->orig_tn[0] || b->orig_tn[0])
		return slice_eq(verify_tn(a->orig_tn), verify_tn(b->orig_tn));
	return verify_uri_eq(slice_str(a->orig_uri), slice_str(b->orig_uri));
}

static bool has_dest_uri(const struct passport_parsed *p, const char *uri)
{
	for (size_t at = 0; at < p->dest_uris_len; at += strlen(p->dest_uris + at) + 1)
		if (verify_uri_eq(slice_str(p->dest_uris + at), slice_str(uri)))
			return true;
	return false;
}

static bool has_dest_tn(const struct passport_parsed *p, struct slice tn)
{
	for (unsigned i = 0; i < p->dest_tn_cnt; i++)
		if (slice_eq(verify_tn(p->dest_tn[i]), tn))
			return true;
	return false;
}

static bool refers(const struct passport_parsed *div, const struct passport_parsed *earlier)
{
	if (!is_same_orig(div, earlier))
		return false;
	return div->div_tn[0] ? has_dest_tn(earlier, verify_tn(div->div_tn))
			      : has_dest_uri(earlier, div->div_uri);
}

/* refs[i]: the rows that i refers to */
static void refs_find(const struct verify_work *w, unsigned usable, unsigned refs[VERIFY_ROWS_MAX])
{
	for (unsigned i = 0; i < w->r->row_cnt; i++) {
		refs[i] = 0;
		if (!(usable >> i & 1) || !w->r->rows[i].is_div)
			continue;
		for (unsigned k = 0; k < w->r->row_cnt; k++)
			if (k != i && (usable >> k & 1) && refers(&w->rows[i].p, &w->rows[k].p))
				refs[i] |= 1u << k;
	}
}

static unsigned outermost_find(const struct verify_work *w, const unsigned refs[VERIFY_ROWS_MAX],
			       enum verify_chain kind)
{
	unsigned referred = 0, mask = 0;

	for (unsigned i = 0; kind == CHAIN_WHOLE && i < w->r->row_cnt; i++)
		referred |= refs[i];
	for (unsigned i = 0; i < w->r->row_cnt; i++)
		if (refs[i] && !(referred >> i & 1) &&
		    has_dest_tn(&w->rows[i].p, tn_slice(&w->call->request)))
			mask |= 1u << i;
	return mask;
}

unsigned verify_chain_find(const struct verify_work *w, unsigned usable, enum verify_chain kind)
{
	unsigned refs[VERIFY_ROWS_MAX], inner = 0, below, above, n = w->r->row_cnt;

	for (unsigned i = 0; i < n; i++)
		if (w->rows[i].is_compact) /* its dest is unknown until its signature is good */
			usable &= ~(1u << i);
	if (!w->call->request.len)
		return 0;
	refs_find(w, usable, refs);
	below = outermost_find(w, refs, kind);
	for (unsigned i = 0; i < n; i++)
		if ((usable >> i & 1) && !w->r->rows[i].is_div)
			inner |= 1u << i;
	above = inner;
	/* a chain is no longer than there are rows */
	for (unsigned round = 0; round < n; round++) {
		for (unsigned i = 0; i < n; i++) {
			if (below >> i & 1)
				below |= refs[i];
			if (refs[i] & above)
				above |= 1u << i;
		}
	}
	if (kind == CHAIN_POSSIBLE && (below & above))
		return (below & above) | (above & ~inner);
	return below & above;
}
