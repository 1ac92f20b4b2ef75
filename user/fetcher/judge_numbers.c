/* SPDX-License-Identifier: BSD-2-Clause */
/* The TNAuthList: whose numbers the key may sign for (RFC 8226 s9), and whether that was its CA's
 * to give (RFC 9060). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fetcher/judge_internal.h"

/* First and last number, of the same length: tnauthlist_parse() has seen to that. */
static void range_of(const struct tnauth_entry *t, struct verdict_range *ret)
{
	snprintf(ret->first, sizeof(ret->first), "%.15s", t->text);
	if (t->kind == TNAUTH_ONE) /* may hold '#' and '*' */
		memcpy(ret->last, ret->first, sizeof(ret->last));
	else
		snprintf(ret->last, sizeof(ret->last), "%0*llu", (int)strlen(ret->first),
			 strtoull(ret->first, NULL, 10) + t->count - 1);
}

static bool is_within(const struct tnauth_entry *t, const struct tnauth_entry *parent)
{
	struct verdict_range a, b;

	if (t->kind == TNAUTH_SPC ||
	    parent->kind == TNAUTH_SPC) /* which numbers an SPC has is not ours to know */
		return parent->kind == TNAUTH_SPC &&
		       (t->kind != TNAUTH_SPC || strcasecmp(t->text, parent->text) == 0);
	range_of(t, &a);
	range_of(parent, &b);
	return strlen(a.first) == strlen(b.first) && strcmp(a.first, b.first) >= 0 &&
	       strcmp(a.last, b.last) <= 0;
}

static bool is_covered(const struct tnauthlist *l, const struct tnauthlist *parent)
{
	for (unsigned k = 0; k < l->cnt; k++) {
		bool found = false;

		for (unsigned p = 0; p < parent->cnt && !found; p++)
			found = is_within(&l->e[k], &parent->e[p]);
		if (!found)
			return false;
	}
	return true;
}

/* A CA with a list of its own gives away only what it has: else who may sign for ten numbers makes
 * himself a certificate for all. */
static int check_given(struct exam *e)
{
	CLEANUP(freep) struct tnauthlist *parent = malloc(sizeof(*parent));

	if (!parent)
		return -ENOMEM;
	for (int k = 1; k < sk_X509_num(e->chain) - 1; k++) {
		struct der der;
		int found = cert_extension(sk_X509_value(e->chain, k), TNAUTHLIST_OID, &der);

		if (found == 0)
			continue;
		if (found == -ENOMEM)
			return found;
		if (found < 0 || tnauthlist_parse(der.p, der.len, parent) < 0)
			return exam_refuse(e, SR_CERTIFICATE_BAD,
					   "intermediate %d: its TNAuthList is malformed", k);
		if (!e->info.tnauth.cnt || !is_covered(&e->info.tnauth, parent))
			return exam_refuse(
				e, SR_CERTIFICATE_BAD,
				"leaf: its TNAuthList goes beyond that of intermediate %d", k);
	}
	return 0;
}

int exam_numbers(struct exam *e)
{
	const struct tnauthlist *l = &e->info.tnauth;
	struct verdict *v = &e->v;

	for (unsigned k = 0; k < l->cnt; k++) {
		if (l->e[k].kind == TNAUTH_SPC) {
			if (!v->has_spc)
				memcpy(v->spc, l->e[k].text, sizeof(v->spc));
			v->has_spc = 1;
			continue;
		}
		if (v->range_cnt == VERDICT_RANGES_MAX)
			return exam_refuse(e, SR_CERTIFICATE_BAD,
					   "leaf: more than %d number ranges in its TNAuthList",
					   VERDICT_RANGES_MAX);
		range_of(&l->e[k], &v->ranges[v->range_cnt++]);
	}
	return check_given(e);
}
