/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TNAuthorizationList ::= SEQUENCE SIZE(1..MAX) OF TNEntry
 * TNEntry ::= CHOICE { spc   [0] IA5String,
 *                      range [1] SEQUENCE { start IA5String, count INTEGER(2..MAX), ... },
 *                      one   [2] IA5String }                   -- EXPLICIT TAGS, RFC 8226 s9
 */
#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "stir/der.h"
#include "stir/tnauthlist.h"

#define TN_LEN_MAX   15	  /* RFC 8226 s9: TelephoneNumber SIZE(1..15) */

/* A positive INTEGER of at most eight octets. */
static int der_count(struct der *d, uint64_t *ret)
{
	struct der v;
	uint64_t n = 0;

	if (der_expect(d, DER_INTEGER, &v) < 0 || v.len == 0 || v.p[0] >= 0x80)
		return -EBADMSG;
	if (v.len > 1 && v.p[0] == 0 && v.p[1] < 0x80) /* not the shortest form */
		return -EBADMSG;
	if (v.len > 9 || (v.len == 9 && v.p[0] != 0))
		return -EBADMSG;
	for (size_t i = 0; i < v.len; i++)
		n = n << 8 | v.p[i];
	*ret = n;
	return 0;
}

static bool is_digits(const char *s)
{
	return s[strspn(s, "0123456789")] == '\0';
}

static uint64_t pow10_of(size_t n)
{
	uint64_t v = 1;

	while (n--)
		v *= 10;
	return v;
}

/* The rules on an entry beyond its coding. */
static bool is_legal(const struct tnauth_entry *e)
{
	size_t len = strnlen(e->text, sizeof(e->text));
	uint64_t limit;

	if (len == 0 || len == sizeof(e->text))
		return false;
	if (e->kind == TNAUTH_SPC) {
		for (size_t i = 0; i < len; i++)
			if (e->text[i] <= 0x20 || e->text[i] >= 0x7f)
				return false;
		return e->count == 1;
	}
	if (len > TN_LEN_MAX || strspn(e->text, "0123456789#*") != len)
		return false;
	if (e->kind == TNAUTH_ONE)
		return e->count == 1;
	/* a range stays within the numbers of its length; without digits it has no order */
	limit = pow10_of(len);
	return is_digits(e->text) && e->count >= 2 && e->count <= limit &&
	       strtoull(e->text, NULL, 10) <= limit - e->count;
}

static int entry_parse(struct der *d, struct tnauth_entry *ret)
{
	struct tnauth_entry e = { .count = 1 };
	struct der value, text;
	uint8_t tag;

	if (der_next(d, &tag, &value) < 0 || tag < DER_CONTEXT || tag > DER_CONTEXT + 2)
		return -EBADMSG;
	e.kind = (enum tnauth_kind)(tag - DER_CONTEXT);
	if (e.kind == TNAUTH_RANGE) {
		struct der seq;

		if (der_expect(&value, DER_SEQUENCE, &seq) < 0 || value.len)
			return -EBADMSG;
		value = seq;
	}
	if (der_expect(&value, DER_IA5, &text) < 0 || text.len > TNAUTH_SPC_MAX)
		return -EBADMSG;
	if (e.kind == TNAUTH_RANGE && der_count(&value, &e.count) < 0)
		return -EBADMSG;
	/* the "..." of range lets a later version append; nobody does, and we could not judge it */
	if (value.len || memchr(text.p, 0, text.len))
		return -EBADMSG;
	memcpy(e.text, text.p, text.len);
	if (!is_legal(&e))
		return -EBADMSG;
	*ret = e;
	return 0;
}

int tnauthlist_parse(const uint8_t *der, size_t len, struct tnauthlist *ret)
{
	struct der d = { der, len }, seq, rest;
	struct tnauth_entry e;
	unsigned cnt = 0;

	if (der_expect(&d, DER_SEQUENCE, &seq) < 0 || d.len || !seq.len)
		return -EBADMSG;
	for (rest = seq; rest.len; cnt++)
		if (entry_parse(&rest, &e) < 0)
			return -EBADMSG;
	if (cnt > TNAUTHLIST_MAX)
		return -E2BIG;
	ret->cnt = cnt;
	for (unsigned i = 0; i < cnt; i++)
		entry_parse(&seq, &ret->e[i]);
	return 0;
}

/* Emission goes backwards, so that every length is known when its head is written. */
struct back {
	uint8_t *p; /* the first octet written */
	uint8_t *start;
	bool is_full;
};

static void put(struct back *b, const void *src, size_t len)
{
	if (b->is_full || len > (size_t)(b->p - b->start)) {
		b->is_full = true;
		return;
	}
	b->p -= len;
	if (len)
		memcpy(b->p, src, len);
}

static void put_head(struct back *b, uint8_t tag, const uint8_t *end)
{
	size_t len = (size_t)(end - b->p);
	uint8_t head[4] = { tag };
	size_t n = 2;

	if (len < 0x80) {
		head[1] = (uint8_t)len;
	} else if (len < 0x100) {
		head[1] = 0x81;
		head[2] = (uint8_t)len;
		n = 3;
	} else {
		head[1] = 0x82;
		head[2] = (uint8_t)(len >> 8);
		head[3] = (uint8_t)len;
		n = 4;
	}
	put(b, head, n);
}

static void put_entry(struct back *b, const struct tnauth_entry *e)
{
	uint8_t *end = b->p, *at = b->p;

	if (e->kind == TNAUTH_RANGE) {
		uint8_t octet;
		uint64_t v = e->count;

		do {
			octet = (uint8_t)v;
			put(b, &octet, 1);
			v >>= 8;
		} while (v);
		if (octet >= 0x80)
			put(b, "", 1);
		put_head(b, DER_INTEGER, at);
		at = b->p;
	}
	put(b, e->text, strlen(e->text));
	put_head(b, DER_IA5, at);
	if (e->kind == TNAUTH_RANGE)
		put_head(b, DER_SEQUENCE, end);
	put_head(b, (uint8_t)(DER_CONTEXT + e->kind), end);
}

ssize_t tnauthlist_emit(const struct tnauthlist *l, uint8_t *dst, size_t cap)
{
	uint8_t buf[TNAUTHLIST_MAX * (TNAUTH_SPC_MAX + 20)], *end = buf + sizeof(buf);
	struct back b = { .p = end, .start = buf };
	size_t len;

	if (l->cnt == 0 || l->cnt > TNAUTHLIST_MAX)
		return -EINVAL;
	for (unsigned i = l->cnt; i-- > 0;) {
		if ((unsigned)l->e[i].kind > TNAUTH_ONE || !is_legal(&l->e[i]))
			return -EINVAL;
		put_entry(&b, &l->e[i]);
	}
	put_head(&b, DER_SEQUENCE, end);
	len = (size_t)(end - b.p);
	if (b.is_full || len > cap)
		return -ENOSPC;
	memcpy(dst, b.p, len);
	return (ssize_t)len;
}

static bool entry_covers(const struct tnauth_entry *e, struct slice tn)
{
	struct slice first = slice_str(e->text);
	uint64_t n = 0;

	if (e->kind == TNAUTH_SPC)
		return true; /* the authority over numbers is the provider's, RFC 8226 s9 */
	if (e->kind == TNAUTH_ONE || tn.len != first.len)
		return slice_eq(tn, first);
	for (size_t i = 0; i < tn.len; i++) {
		if (tn.p[i] < '0' || tn.p[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(tn.p[i] - '0');
	}
	return n - strtoull(e->text, NULL, 10) < e->count;
}

bool tnauthlist_covers(const struct tnauthlist *l, struct slice tn)
{
	for (unsigned i = 0; i < l->cnt; i++)
		if (entry_covers(&l->e[i], tn))
			return true;
	return false;
}
