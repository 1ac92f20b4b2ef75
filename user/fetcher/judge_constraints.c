/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JWTClaimConstraints (RFC 8226 s8) and EnhancedJWTClaimConstraints (RFC 9118 s3):
 *
 *   SEQUENCE { mustInclude     [0] SEQUENCE SIZE (1..MAX) OF IA5String OPTIONAL,
 *              permittedValues [1] SEQUENCE SIZE (1..MAX) OF ... OPTIONAL,
 *              mustExclude     [2] SEQUENCE SIZE (1..MAX) OF IA5String OPTIONAL }  -- EXPLICIT
 * TAGS; [2] only enhanced
 *
 * A certificate that limits what we cannot check is refused: its issuer's limits would not hold.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fetcher/judge_internal.h"

#define PLAIN_OID "1.3.6.1.5.5.7.1.27"
#define ENHANCED_OID "1.3.6.1.5.5.7.1.33"

enum { MUST_INCLUDE, PERMITTED_VALUES, MUST_EXCLUDE };

/* Claims that are in each PASSporT, RFC 8225 s5. */
static bool is_baseline(const char *name)
{
	return strcmp(name, "iat") == 0 || strcmp(name, "orig") == 0 || strcmp(name, "dest") == 0;
}

/* Return: 0, or -E2BIG: no room. */
static int name_add(const char *name, char (*names)[VERDICT_NAME_LEN], unsigned *cnt)
{
	for (unsigned k = 0; k < *cnt; k++)
		if (strcmp(names[k], name) == 0)
			return 0;
	if (*cnt == VERDICT_NAMES_MAX)
		return -E2BIG;
	strcpy(names[(*cnt)++], name);
	return 0;
}

/* A claim's name as C text.  Return: 0; -EBADMSG; -E2BIG: longer than a verdict takes. */
static int name_take(struct der *names, char ret[VERDICT_NAME_LEN])
{
	struct der v;

	if (der_expect(names, DER_IA5, &v) < 0 || !v.len)
		return -EBADMSG;
	for (size_t k = 0; k < v.len; k++)
		if (v.p[k] <= 0x20 || v.p[k] >= 0x7f)
			return -EBADMSG;
	if (v.len >= VERDICT_NAME_LEN)
		return -E2BIG;
	memcpy(ret, v.p, v.len);
	ret[v.len] = '\0';
	return 0;
}

static int names_parse(struct der names, unsigned which, struct judge_claims *c)
{
	char name[VERDICT_NAME_LEN];
	int r = 0;

	while (names.len && r == 0) {
		r = name_take(&names, name);
		if (r < 0)
			return r;
		if (which == MUST_EXCLUDE) {
			c->is_void |= is_baseline(name);
			r = name_add(name, c->never, &c->never_cnt);
		} else if (!is_baseline(name)) { /* those are wanted anyway */
			r = name_add(name, c->must, &c->must_cnt);
		}
	}
	return r;
}

int judge_claims_parse(struct der value, bool is_enhanced, struct judge_claims *ret)
{
	unsigned next = MUST_INCLUDE, last = is_enhanced ? MUST_EXCLUDE : PERMITTED_VALUES;
	struct judge_claims c = { 0 };
	struct der seq, part, list;
	uint8_t tag;

	if (der_expect(&value, DER_SEQUENCE, &seq) < 0 || value.len || !seq.len)
		return -EBADMSG;
	while (seq.len) {
		int r = 0;

		if (der_next(&seq, &tag, &part) < 0 || tag < DER_CONTEXT + next ||
		    tag > DER_CONTEXT + last)
			return -EBADMSG;
		next = tag - DER_CONTEXT + 1u;
		if (der_expect(&part, DER_SEQUENCE, &list) < 0 || part.len || !list.len)
			return -EBADMSG;
		if (tag == DER_CONTEXT + PERMITTED_VALUES)
			c.has_values = true;
		else
			r = names_parse(list, tag - DER_CONTEXT, &c);
		if (r < 0)
			return r;
	}
	*ret = c;
	return 0;
}

static int merge(struct exam *e, const struct judge_claims *c)
{
	unsigned must = e->v.must_cnt, never = e->v.never_cnt;
	int r = 0;

	for (unsigned k = 0; k < c->must_cnt && r == 0; k++)
		r = name_add(c->must[k], e->v.must, &must);
	for (unsigned k = 0; k < c->never_cnt && r == 0; k++)
		r = name_add(c->never[k], e->v.never, &never);
	e->v.must_cnt = (uint8_t)must;
	e->v.never_cnt = (uint8_t)never;
	return r;
}

static int apply(struct exam *e, const char *oid, const char *what)
{
	struct judge_claims c;
	struct der value;
	int r = cert_extension(sk_X509_value(e->chain, 0), oid, &value);

	if (r == 0 || r == -ENOMEM)
		return r;
	if (r > 0)
		r = judge_claims_parse(value, strcmp(oid, ENHANCED_OID) == 0, &c);
	if (r == 0 && c.is_void) {
		exam_note(e, "leaf: its %s would exclude iat, orig or dest, and is void", what);
		return 0;
	}
	if (r == 0 && c.has_values)
		return exam_refuse(
			e, SR_CERTIFICATE_BAD,
			"leaf: its %s limits the values of claims, which is not supported", what);
	if (r == 0)
		r = merge(e, &c);
	if (r == -E2BIG)
		return exam_refuse(e, SR_CERTIFICATE_BAD,
				   "leaf: its %s names more than %d claims, or longer ones than %d",
				   what, VERDICT_NAMES_MAX, VERDICT_NAME_LEN - 1);
	return r < 0 ? exam_refuse(e, SR_CERTIFICATE_BAD, "leaf: its %s is malformed", what) : 0;
}

/* Both may be there: then both hold.  Those of a CA mean nothing (RFC 8226 s8: end entities only).
 */
int exam_constraints(struct exam *e)
{
	int r = apply(e, PLAIN_OID, "JWTClaimConstraints");

	return r < 0 ? r : apply(e, ENHANCED_OID, "EnhancedJWTClaimConstraints");
}
