/* SPDX-License-Identifier: BSD-2-Clause */
#include "sip/tn.h"

#include <errno.h>
#include <sys/types.h>

#include "sip/chars.h"

/*
 * Room for a decoded user part with its separators; the longest number that can come out has 15
 * digits, so that a longer text is no number whatever the rules make of it.
 */
#define TEXT_MAX 128

/* Fewer are an extension or a short code. */
#define SHOWN_DIGITS_MIN 7

struct text {
	char p[TEXT_MAX];
	size_t len;
};

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_one(struct slice country_code)
{
	return slice_eq(country_code, SLICE("1"));
}

/* %XX (RFC 3261 s19.1.2) */
static int decode(struct slice s, struct text *t)
{
	t->len = 0;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];

		if (t->len == TEXT_MAX)
			return -ERANGE;
		if (c == '%') {
			if (s.len - i < 3 || hex(s.p[i + 1]) < 0 || hex(s.p[i + 2]) < 0)
				return -EINVAL;
			c = (char)(hex(s.p[i + 1]) * 16 + hex(s.p[i + 2]));
			i += 2;
		}
		t->p[t->len++] = c;
	}
	return 0;
}

static int replace_prefix(struct text *t, size_t del, struct slice by)
{
	if (by.len > TEXT_MAX - (t->len - del))
		return -ERANGE;
	memmove(t->p + by.len, t->p + del, t->len - del);
	if (by.len)
		memcpy(t->p, by.p, by.len);
	t->len = t->len - del + by.len;
	return 0;
}

static bool is_separator(char c)
{
	return c == '-' || c == '.' || c == '(' || c == ')' || c == ' ';
}

/*
 * Bytes of the text that @prefix covers, or -1.  The separators of the text do not count, so that
 * the rule "+440" sees "+44 (0)20".
 */
static ssize_t match_prefix(const struct text *t, struct slice prefix)
{
	size_t i = 0;

	for (size_t n = 0; n < prefix.len; n++) {
		while (i < t->len && t->p[i] != prefix.p[n] && is_separator(t->p[i]))
			i++;
		if (i == t->len || t->p[i++] != prefix.p[n])
			return -1;
	}
	return (ssize_t)i;
}

/* N11 and 988 of the NANP: "9" for an outside line is no part of 911. */
static bool is_nanp_service(const struct text *t)
{
	return t->len == 3 && ((sip_is(t->p[0], SIP_C_DIGIT) && t->p[0] >= '2' && t->p[1] == '1' &&
				t->p[2] == '1') ||
			       memcmp(t->p, "988", 3) == 0);
}

/* number_rules: the first prefix that matches is replaced, no other is tried. */
static int apply_rules(const struct tn_rules *rules, struct text *t)
{
	bool is_whole_only = rules && is_one(rules->country_code) && is_nanp_service(t);

	for (unsigned i = 0; rules && i < rules->rule_cnt; i++) {
		const struct tn_rule *r = &rules->rules[i];
		ssize_t n = match_prefix(t, r->prefix);

		if (n >= 0 && (!is_whole_only || (size_t)n == t->len))
			return replace_prefix(t, (size_t)n, r->replace);
	}
	return 0;
}

/* What is left of a text when the separators are gone. */
struct dialled {
	bool is_global;	     /* '+' in front */
	bool is_dial_string; /* '*' or '#' inside */
	size_t len;
	char digits[TEXT_MAX];
};

/*
 * RFC 8224 s8.3 drops visual separators.  "+44 (0)20" is no RFC 3966 number: whether the zero
 * belongs to it only a rule can say.
 */
static int collect(struct slice s, struct dialled *d)
{
	const char *open = NULL;

	while (s.len && s.p[0] == ' ')
		s = slice_cut(s, 1);
	d->len = 0;
	d->is_dial_string = false;
	d->is_global = s.len && s.p[0] == '+';
	for (size_t i = d->is_global; i < s.len; i++) {
		char c = s.p[i];

		if (sip_is(c, SIP_C_DIGIT) || c == '*' || c == '#') {
			d->is_dial_string |= c == '*' || c == '#';
			d->digits[d->len++] = c;
		} else if (c == '(') {
			open = d->digits + d->len;
		} else if (c == ')') {
			if (d->is_global && open && open + 1 == d->digits + d->len && *open == '0')
				return -EINVAL;
		} else if (!is_separator(c)) {
			return -EINVAL;
		}
	}
	return d->len ? 0 : -EINVAL;
}

static bool is_nanp_national(const char *digits, size_t len)
{
	return len == 10 && digits[0] >= '2' && digits[3] >= '2';
}

static int finish(const char *prefix, size_t prefix_len, const char *digits, size_t len,
		  bool is_service, struct tn *ret)
{
	if (prefix_len + len > TN_MAX)
		return -ERANGE;
	if (prefix_len)
		memcpy(ret->digits, prefix, prefix_len);
	memcpy(ret->digits + prefix_len, digits, len);
	ret->len = (uint8_t)(prefix_len + len);
	ret->digits[ret->len] = '\0';
	ret->is_service = is_service;
	return 0;
}

/* E.164: country code first, up to 15 digits; below 7 there is no number of any country. */
static int finish_global(const char *cc, size_t cc_len, const char *digits, size_t len,
			 struct tn *ret)
{
	char first = cc_len ? cc[0] : digits[0];

	if (cc_len + len > TN_MAX)
		return -ERANGE;
	if (cc_len + len < 7 || first < '1')
		return -EINVAL;
	if (!cc_len && first == '1' && !is_nanp_national(digits + 1, len - 1))
		return -EINVAL;
	return finish(cc, cc_len, digits, len, false, ret);
}

static int finish_nanp(const struct dialled *d, struct tn *ret)
{
	if (is_nanp_national(d->digits, d->len))
		return finish("1", 1, d->digits, d->len, false, ret);
	if (d->len == 11 && d->digits[0] == '1')
		return finish_global(NULL, 0, d->digits, d->len, ret);
	/* seven digits lack the area code, which we do not know */
	return d->len == 7 ? -EDOM : d->len > TN_MAX ? -ERANGE : -EINVAL;
}

static int finish_national(const struct dialled *d, struct slice cc, struct tn *ret)
{
	bool has_trunk_zero = d->digits[0] == '0';
	const char *digits = d->digits + has_trunk_zero;
	size_t len = d->len - has_trunk_zero;

	if (!cc.len || cc.len > 3 || !sip_all(cc, SIP_C_DIGIT))
		return -EDOM;
	if (is_one(cc))
		return finish_nanp(d, ret);
	/* a second zero is an international prefix, for which the trunk has to have a rule */
	if (digits[0] == '0')
		return -EINVAL;
	/* "4930..." with country code 49 may be either; signing the wrong one is worse than none */
	if (!has_trunk_zero && slice_iprefix(slice_of(digits, len), cc))
		return -EDOM;
	return finish_global(cc.p, cc.len, digits, len, ret);
}

/* The digits of ";phone-context=+CC" (RFC 3966 s5.1.5); a domain name there says nothing to us. */
static bool get_context(struct slice params, struct dialled *ret)
{
	struct slice v;
	struct text t;

	return sip_param_get(params, SLICE("phone-context"), &v) == 1 && decode(v, &t) == 0 &&
	       collect(slice_of(t.p, t.len), ret) == 0 && ret->is_global && !ret->is_dial_string;
}

static int finish_local(const struct dialled *d, struct slice params, const struct tn_rules *rules,
			struct tn *ret)
{
	struct dialled context;

	/* N11, 988, short codes: never extended, whatever the context says (RFC 8224 s8.3) */
	if (d->len >= 3 && d->len <= 6)
		return finish(NULL, 0, d->digits, d->len, true, ret);
	if (d->len < 3)
		return -EINVAL;
	if (get_context(params, &context)) {
		if (context.len + d->len > TN_MAX)
			return -ERANGE;
		memcpy(context.digits + context.len, d->digits, d->len);
		return finish_global(NULL, 0, context.digits, context.len + d->len, ret);
	}
	return finish_national(d, rules ? rules->country_code : SLICE_NONE, ret);
}

int tn_from_user(struct slice user, const struct tn_rules *rules, struct tn *ret)
{
	size_t semicolon = slice_find(user, ';');
	struct slice number = slice_of(user.p, semicolon);
	struct dialled d;
	struct text t;
	int r;

	if (!user.len)
		return -EINVAL;
	number.len = slice_find(number, ':');
	r = decode(number, &t);
	if (r == 0)
		r = apply_rules(rules, &t);
	if (r == 0)
		r = collect(slice_of(t.p, t.len), &d);
	if (r < 0)
		return r;
	if (d.is_dial_string)
		return d.is_global ? -EINVAL : finish(NULL, 0, d.digits, d.len, true, ret);
	if (d.is_global)
		return finish_global(NULL, 0, d.digits, d.len, ret);
	return finish_local(&d, slice_cut(user, semicolon), rules, ret);
}

bool tn_is_shown(struct slice user)
{
	static const struct slice between = { "+-.()*#/% ", 10 };
	size_t digits = 0, others = 0;
	bool is_global;
	struct text t;

	user.len = slice_find(user, ';');
	user.len = slice_find(user, ':');
	/* a broken escape shows as it stands; a text too long for us begins with what people see */
	if (decode(user, &t) == -EINVAL) {
		t.len = user.len < TEXT_MAX ? user.len : TEXT_MAX;
		memcpy(t.p, user.p, t.len);
	}
	t.len = slice_find(slice_of(t.p, t.len), ';');
	is_global = t.len && t.p[0] == '+';
	for (size_t i = 0; i < t.len; i++) {
		if (sip_is(t.p[i], SIP_C_DIGIT))
			digits++;
		else if (slice_find(between, t.p[i]) == between.len)
			others++;
	}
	return digits >= SHOWN_DIGITS_MIN && (is_global || !others);
}

int tn_from_uri(const struct sip_uri *uri, const struct tn_rules *rules, struct tn *ret)
{
	switch (uri->scheme) {
	case SIP_SCHEME_SIP:
	case SIP_SCHEME_SIPS:
	case SIP_SCHEME_TEL:
		return uri->user.p ? tn_from_user(uri->user, rules, ret) : -EINVAL;
	default:
		return -EINVAL;
	}
}
