/* SPDX-License-Identifier: BSD-2-Clause */
/* The order of the steps, and what comes of them. */
#include <errno.h>
#include <stddef.h>

#include "stir/verify_internal.h"

/* Return: 0, -E2BIG: more than VERIFY_ROWS_MAX. */
static int row_add(struct verify_work *w, const struct identity *id)
{
	struct verify_work_row *wr;

	if (w->r->row_cnt == VERIFY_ROWS_MAX)
		return -E2BIG;
	w->r->rows[w->r->row_cnt] = (struct verify_row){ 0 };
	wr = &w->rows[w->r->row_cnt++];
	wr->is_broken = !id;
	if (id)
		wr->id = *id;
	return 0;
}

/* All values of one header row; an empty one is a value that is broken. */
static int value_collect(struct verify_work *w, struct slice value)
{
	struct identity id;
	int r;

	do {
		r = identity_next(&value, &id);
		if (r < 0)
			identity_skip(&value);
		if (row_add(w, r == 1 ? &id : NULL) < 0)
			return -E2BIG;
	} while (slice_trim(value).len);
	return 0;
}

static int collect(struct verify_work *w)
{
	for (unsigned i = 0; i < w->call->value_cnt; i++)
		if (value_collect(w, w->call->values[i]) < 0)
			return -E2BIG;
	return 0;
}

static unsigned mask_of(const struct verify_work *w, enum sipseal_reason reason)
{
	unsigned mask = 0;

	for (unsigned i = 0; i < w->r->row_cnt; i++)
		if (w->r->rows[i].reason == reason)
			mask |= 1u << i;
	return mask;
}

/* Rows that only a chain could make good, and that are in none. */
static void unchained_fail(struct verify_work *w, unsigned candidates, unsigned chained)
{
	for (unsigned i = 0; i < w->r->row_cnt; i++)
		if ((candidates >> i & 1) && !(chained >> i & 1) &&
		    (w->r->rows[i].is_div || w->rows[i].is_dest_open))
			verify_fail(w, i, SR_DEST_MISMATCH, 438);
}

static int cheap_checks(struct verify_work *w)
{
	unsigned left;

	for (unsigned i = 0; i < w->r->row_cnt; i++) {
		int r = verify_row_check(w, i);

		if (r < 0)
			return r;
	}
	left = mask_of(w, SR_NONE);
	unchained_fail(w, left, verify_chain_find(w, left, CHAIN_POSSIBLE));
	return 0;
}

/* Chains, now that it is known which signatures are good, and which may become so. */
static unsigned chains_resolve(struct verify_work *w)
{
	unsigned good = mask_of(w, SR_VERIFIED), pending = mask_of(w, SR_CERTIFICATE_PENDING);
	unsigned whole = verify_chain_find(w, good, CHAIN_WHOLE);
	unsigned hoped = pending ? verify_chain_find(w, good | pending, CHAIN_POSSIBLE) : 0;

	for (unsigned i = 0; i < w->r->row_cnt; i++) {
		if (!(good >> i & 1) || (whole >> i & 1) || !w->rows[i].is_dest_open)
			continue;
		if (hoped >> i & 1)
			verify_fail(w, i, SR_CERTIFICATE_PENDING, 0);
		else
			verify_fail(w, i, SR_DEST_MISMATCH, 438);
	}
	unchained_fail(w, pending, hoped);
	return whole;
}

static void replays_find(struct verify_work *w)
{
	for (unsigned i = 0; i < w->r->row_cnt; i++)
		if (w->r->rows[i].reason == SR_VERIFIED && !w->r->rows[i].is_div &&
		    w->env->replayed && w->env->replayed(w->env->ctx, w->r->rows[i].sig))
			verify_fail(w, i, SR_REPLAYED, 438);
}

/* The row that vouches for the call: one that attests before one that does not. */
static int good_row(const struct verify_result *r)
{
	int found = -1;

	for (unsigned i = 0; i < r->row_cnt; i++) {
		if (r->rows[i].reason != SR_VERIFIED || r->rows[i].is_div)
			continue;
		if (r->rows[i].attest)
			return (int)i;
		if (found < 0)
			found = (int)i;
	}
	return found;
}

static int waiting_row(const struct verify_result *r)
{
	for (unsigned i = 0; i < r->row_cnt; i++)
		if (r->rows[i].reason == SR_CERTIFICATE_PENDING && !r->rows[i].is_div)
			return (int)i;
	return -1;
}

/* The last stage reached.  The codes of rows grow with it; and within a code the numbers of the
 * reasons do. */
static int worst_row(const struct verify_result *r)
{
	int found = -1;

	for (unsigned i = 0; i < r->row_cnt; i++) {
		const struct verify_row *row = &r->rows[i];

		if (row->code &&
		    (found < 0 || row->code > r->rows[found].code ||
		     (row->code == r->rows[found].code && row->reason > r->rows[found].reason)))
			found = (int)i;
	}
	return found;
}

static void conclude(struct verify_result *r, enum verify_status status, enum sipseal_reason reason,
		     uint16_t code, int row)
{
	r->status = status;
	r->reason = reason;
	r->code = code;
	r->phrase = verify_phrase(code);
	r->row = row;
}

static void result_find(struct verify_result *r)
{
	int row;

	for (unsigned i = 0; i < r->row_cnt; i++)
		r->ignored_cnt += r->rows[i].reason == SR_PPT_UNSUPPORTED;
	if ((row = good_row(r)) >= 0) {
		conclude(r, VERIFY_VERIFIED, SR_VERIFIED, 0, row);
	} else if ((row = waiting_row(r)) >= 0) {
		conclude(r, VERIFY_WAIT, SR_CERTIFICATE_PENDING, 0, row);
	} else if ((row = worst_row(r)) >= 0) {
		conclude(r, VERIFY_FAILED_CALL, r->rows[row].reason, r->rows[row].code, row);
	} else if (r->ignored_cnt) {
		conclude(r, VERIFY_MISSING, SR_PPT_UNSUPPORTED, 428, -1);
		r->phrase = "Use Supported PASSporT Format"; /* RFC 8224 s6.2.2 */
	} else {
		conclude(r, VERIFY_MISSING, SR_IDENTITY_MISSING, 428, -1);
	}
}

/* Rows that are not there need not be copied either: most calls have one of eight. */
static void result_copy(struct verify_result *ret, const struct verify_result *r)
{
	memcpy(ret, r, offsetof(struct verify_result, rows) + r->row_cnt * sizeof(r->rows[0]));
}

int verify_call_run(const struct verify_call *c, const struct verify_env *env,
		    struct verify_result *ret)
{
	struct verify_result res; /* rows: as they are used */
	struct verify_work w;	  /* some 30 KiB, the same */
	unsigned left, chained;
	int r;

	memset(&res, 0, offsetof(struct verify_result, rows));
	w.call = c;
	w.env = env;
	w.r = &res;
	if (collect(&w) < 0) {
		res.row_cnt = 0;
		conclude(&res, VERIFY_FAILED_CALL, SR_IDENTITY_SYNTAX, 438, -1);
		result_copy(ret, &res);
		return 0;
	}
	if ((r = cheap_checks(&w)) < 0)
		return r;
	left = mask_of(&w, SR_NONE);
	for (unsigned i = 0; i < res.row_cnt; i++)
		if ((left >> i & 1) && (r = verify_row_prove(&w, i)) < 0)
			return r;
	chained = chains_resolve(&w);
	replays_find(&w);
	result_find(&res);
	res.is_div_verified = res.status == VERIFY_VERIFIED && (chained >> res.row & 1);
	result_copy(ret, &res);
	return 0;
}

unsigned verify_wanted(const struct verify_result *r, struct slice ret[VERIFY_ROWS_MAX])
{
	unsigned n = 0;

	for (unsigned i = 0; r->status == VERIFY_WAIT && i < r->row_cnt; i++) {
		struct slice x5u = slice_str(r->rows[i].x5u);
		unsigned k = 0;

		if (!r->rows[i].is_wanted || r->rows[i].reason != SR_CERTIFICATE_PENDING)
			continue;
		while (k < n && !slice_eq(ret[k], x5u))
			k++;
		if (k == n)
			ret[n++] = x5u;
	}
	return n;
}
