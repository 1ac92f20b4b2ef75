/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/reason.h"
#include "stir/verdict_internal.h"

_Static_assert(VERDICT_HEAD_LEN % VERDICT_WORD == 0, "bodies are copied by words");
_Static_assert(sizeof(struct verdict_range) % VERDICT_WORD == 0, "bodies are copied by words");
_Static_assert(VERDICT_NAME_LEN % VERDICT_WORD == 0, "bodies are copied by words");
_Static_assert(sizeof(struct verdict_failure) % VERDICT_WORD == 0, "bodies are copied by words");

/* Printable ASCII that ends inside. */
static bool is_text(const char *s, size_t cap)
{
	size_t i = 0;

	while (i < cap && s[i] >= 0x20 && s[i] <= 0x7e)
		i++;
	return i < cap && s[i] == '\0';
}

/* A table: up to 64 numbers in one look-up. */
static const bool is_number_byte[256] = { ['0' ... '9'] = true, ['#'] = true, ['*'] = true };

/* Length of a number that ends inside; 0: it is none. */
static size_t number_len(const char number[16])
{
	size_t i = 0;

	while (i < 16 && is_number_byte[(unsigned char)number[i]])
		i++;
	return i < 16 && number[i] == '\0' ? i : 0;
}

static bool is_range(const struct verdict_range *r)
{
	size_t len = number_len(r->first);

	return len && number_len(r->last) == len && memcmp(r->first, r->last, len) <= 0;
}

static bool are_names(const char (*names)[VERDICT_NAME_LEN], unsigned cnt)
{
	if (cnt > VERDICT_NAMES_MAX)
		return false;
	for (unsigned i = 0; i < cnt; i++)
		if (!names[i][0] || !is_text(names[i], VERDICT_NAME_LEN))
			return false;
	return true;
}

static bool is_good_possible(const struct verdict *v)
{
	if (v->point[0] != 0x04 || v->not_before > v->not_after || v->expires_at > v->not_after ||
	    !is_text(v->spc, sizeof(v->spc)) || !is_text(v->subject, sizeof(v->subject)) ||
	    !are_names(v->must, v->must_cnt) || !are_names(v->never, v->never_cnt) ||
	    v->range_cnt > VERDICT_RANGES_MAX)
		return false;
	for (unsigned i = 0; i < v->range_cnt; i++)
		if (!is_range(&v->ranges[i]))
			return false;
	return true;
}

/* The reason becomes the index of a counter: only those of the signer. */
static bool is_bad_possible(const struct verdict *v)
{
	return v->reason >= SR_XDP_MAX && reason_token(v->reason)[0] != '?' &&
	       (v->code == 436 || v->code == 437);
}

bool verdict_is_possible(const struct verdict *v)
{
	if (v->fetched_at >= v->expires_at)
		return false;
	return v->kind == VERDICT_GOOD ? is_good_possible(v)
				       : v->kind == VERDICT_BAD && is_bad_possible(v);
}

/* The arrays of a good verdict, in the order of the body, and how many bytes of each are in use. */
struct part {
	char *p;
	size_t len;
};

static void parts_of(struct verdict *v, struct part ret[3])
{
	ret[0] = (struct part){ (char *)v->ranges, v->range_cnt * sizeof(v->ranges[0]) };
	ret[1] = (struct part){ (char *)v->must, v->must_cnt * sizeof(v->must[0]) };
	ret[2] = (struct part){ (char *)v->never, v->never_cnt * sizeof(v->never[0]) };
}

size_t verdict_pack(const struct verdict *v, char ret_body[VERDICT_BODY_MAX])
{
	struct verdict_failure f = { .fetched_at = v->fetched_at,
				     .expires_at = v->expires_at,
				     .reason = v->reason,
				     .code = v->code };
	struct part parts[3];
	char *at = ret_body;

	if (v->kind == VERDICT_BAD) {
		memcpy(at, &f, sizeof(f));
		return sizeof(f);
	}
	memcpy(at, v, VERDICT_HEAD_LEN);
	at += VERDICT_HEAD_LEN;
	parts_of((struct verdict *)(uintptr_t)v, parts); /* only read */
	for (unsigned i = 0; i < 3; i++) {
		memcpy(at, parts[i].p, parts[i].len);
		at += parts[i].len;
	}
	return (size_t)(at - ret_body);
}

static bool good_unpack(const char *body, size_t len, struct verdict *ret)
{
	struct part parts[3];

	if (len < VERDICT_HEAD_LEN)
		return false;
	memset(ret, 0, sizeof(*ret));
	memcpy(ret, body, VERDICT_HEAD_LEN);
	if (ret->kind != VERDICT_GOOD || ret->range_cnt > VERDICT_RANGES_MAX ||
	    ret->must_cnt > VERDICT_NAMES_MAX || ret->never_cnt > VERDICT_NAMES_MAX)
		return false;
	parts_of(ret, parts);
	if (len != VERDICT_HEAD_LEN + parts[0].len + parts[1].len + parts[2].len)
		return false;
	body += VERDICT_HEAD_LEN;
	for (unsigned i = 0; i < 3; i++) {
		memcpy(parts[i].p, body, parts[i].len);
		body += parts[i].len;
	}
	return true;
}

static bool bad_unpack(const char *body, size_t len, struct verdict *ret)
{
	struct verdict_failure f;

	if (len != sizeof(f))
		return false;
	memcpy(&f, body, sizeof(f));
	memset(ret, 0, sizeof(*ret));
	ret->kind = VERDICT_BAD;
	ret->reason = f.reason;
	ret->code = f.code;
	ret->fetched_at = f.fetched_at;
	ret->expires_at = f.expires_at;
	return true;
}

bool verdict_unpack(enum verdict_kind kind, const char *body, size_t len, struct verdict *ret)
{
	return (kind == VERDICT_GOOD ? good_unpack(body, len, ret) : bad_unpack(body, len, ret)) &&
	       verdict_is_possible(ret);
}
