/* SPDX-License-Identifier: BSD-2-Clause */
#include "stir/passport_usual.h"

#define DIGITS_MAX 18 /* of a number that fits in any case */

/* Goes behind @text if *json begins with it. */
static bool skip(struct slice *json, struct slice text)
{
	if (json->len < text.len || memcmp(json->p, text.p, text.len))
		return false;
	*json = slice_cut(*json, text.len);
	return true;
}

/* The value in front of the quote that ends it: 1 to @max bytes that stand for themselves. */
static bool value_get(struct slice *json, size_t max, struct slice *ret)
{
	size_t n = 0;

	while (n < json->len && json->p[n] >= 0x20 && json->p[n] <= 0x7e && json->p[n] != '"' &&
	       json->p[n] != '\\')
		n++;
	if (!n || n > max || n == json->len || json->p[n] != '"')
		return false;
	*ret = slice_of(json->p, n);
	*json = slice_cut(*json, n + 1);
	return true;
}

/* JSON has no leading zeros. */
static bool number_get(struct slice *json, int64_t *ret)
{
	size_t n = 0;
	int64_t v = 0;

	while (n < json->len && n < DIGITS_MAX && json->p[n] >= '0' && json->p[n] <= '9')
		v = v * 10 + (json->p[n++] - '0');
	/* a digit more: what comes next does not fit */
	if (!n || (n > 1 && json->p[0] == '0'))
		return false;
	*ret = v;
	*json = slice_cut(*json, n);
	return true;
}

static void keep(char *dst, struct slice s)
{
	memcpy(dst, s.p, s.len);
	dst[s.len] = 0;
}

bool passport_usual_header(struct slice json, struct passport_parsed *p)
{
	struct slice x5u;

	if (!skip(&json, SLICE("{\"alg\":\"ES256\",\"ppt\":\"shaken\",\"typ\":\"passport\","
			       "\"x5u\":\"")) ||
	    !value_get(&json, PASSPORT_X5U_MAX, &x5u) || !slice_eq(json, SLICE("}")))
		return false;
	keep(p->alg, SLICE("ES256"));
	keep(p->ppt, SLICE("shaken"));
	keep(p->typ, SLICE("passport"));
	keep(p->x5u, x5u);
	return true;
}

bool passport_usual_claims(struct slice json, struct passport_parsed *p)
{
	static const char names[][PASSPORT_CLAIM_LEN] = { "attest", "dest", "iat", "orig", "origid" };
	struct slice attest, dest, orig, origid;
	int64_t iat;

	if (strcmp(p->ppt, "shaken") || !skip(&json, SLICE("{\"attest\":\"")) ||
	    !value_get(&json, 1, &attest) || *attest.p < 'A' || *attest.p > 'C' ||
	    !skip(&json, SLICE(",\"dest\":{\"tn\":[\"")) ||
	    !value_get(&json, sizeof(p->dest_tn[0]) - 1, &dest) ||
	    !skip(&json, SLICE("]},\"iat\":")) || !number_get(&json, &iat) ||
	    !skip(&json, SLICE(",\"orig\":{\"tn\":\"")) ||
	    !value_get(&json, sizeof(p->orig_tn) - 1, &orig) ||
	    !skip(&json, SLICE("},\"origid\":\"")) ||
	    !value_get(&json, PASSPORT_ORIGID_MAX, &origid) || !slice_eq(json, SLICE("}")))
		return false;
	p->attest = *attest.p;
	p->iat = iat;
	keep(p->dest_tn[0], dest);
	p->dest_tn_cnt = 1;
	keep(p->orig_tn, orig);
	keep(p->origid, origid);
	memcpy(p->claims, names, sizeof(names));
	p->claim_cnt = sizeof(names) / sizeof(names[0]);
	return true;
}
