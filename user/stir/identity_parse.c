/* SPDX-License-Identifier: BSD-2-Clause */
/* The Identity row around a token: the receiving half of RFC 8224 s4. */
#include <errno.h>

#include "stir/passport.h"

static bool is_lws(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_lws(struct slice *s)
{
	while (s->len && is_lws(*s->p))
		*s = slice_cut(*s, 1);
}

/* Classes of characters, a look-up each: a token has some 300. */
#define DIGEST 0x1 /* RFC 8224 s4 prints '/' and '+'; PASSporTs use '-' and '_' (RFC 8225 s6) */
#define TOKEN  0x2 /* RFC 3261 s25.1 token */
#define VALUE  0x4 /* a generic-param value that is not quoted: token or host (RFC 3261 s25.1) */

static const uint8_t classes[256] = {
	['0' ... '9'] = DIGEST | TOKEN | VALUE,
	['A' ... 'Z'] = DIGEST | TOKEN | VALUE,
	['a' ... 'z'] = DIGEST | TOKEN | VALUE,
	['-'] = DIGEST | TOKEN | VALUE, ['_'] = DIGEST | TOKEN | VALUE,
	['.'] = DIGEST | TOKEN | VALUE, ['+'] = DIGEST | TOKEN | VALUE,
	['/'] = DIGEST,
	['!'] = TOKEN | VALUE, ['%'] = TOKEN | VALUE, ['*'] = TOKEN | VALUE,
	['`'] = TOKEN | VALUE, ['\''] = TOKEN | VALUE, ['~'] = TOKEN | VALUE,
	['['] = VALUE, [']'] = VALUE, [':'] = VALUE,
};

/* The run of such characters at the head of *s, which goes on behind it. */
static struct slice take(struct slice *s, uint8_t class)
{
	size_t n = 0;
	struct slice t;

	while (n < s->len && (classes[(unsigned char)s->p[n]] & class))
		n++;
	t = slice_of(s->p, n);
	*s = slice_cut(*s, n);
	return t;
}

/* What stands between *s's first character and @close.  Return: 0, or -EBADMSG. */
static int take_enclosed(struct slice *s, char close, struct slice *ret)
{
	size_t i;

	for (i = 1; i < s->len && s->p[i] != close; i++) {
		if (s->p[i] == '\\' && close == '"')
			i++;
		else if (close == '>' && (is_lws(s->p[i]) || s->p[i] == '<' || s->p[i] == '"'))
			return -EBADMSG; /* a URI is never folded (RFC 3261 s25.1) */
	}
	if (i >= s->len)
		return -EBADMSG;
	*ret = slice_of(s->p + 1, i - 1);
	*s = slice_cut(*s, i + 1);
	return 0;
}

/* Where a parameter is kept: NULL for the ones we do not know. */
static struct slice *param_place(struct identity *id, struct slice name)
{
	if (slice_ieq(name, SLICE("info")))
		return &id->info;
	if (slice_ieq(name, SLICE("alg")))
		return &id->alg;
	if (slice_ieq(name, SLICE("ppt")))
		return &id->ppt;
	return NULL;
}

/* A generic-param value.  info is LAQUOT absoluteURI RAQUOT and nothing else. */
static int value_parse(struct slice *s, bool is_info, struct slice *ret)
{
	if (is_info && s->len && *s->p == '<')
		return take_enclosed(s, '>', ret);
	if (is_info)
		return -EBADMSG;
	if (s->len && *s->p == '"')
		return take_enclosed(s, '"', ret);
	*ret = take(s, VALUE);
	return ret->len ? 0 : -EBADMSG;
}

/* One parameter, behind its semicolon. */
static int param_parse(struct slice *s, struct identity *id)
{
	struct slice name, value = SLICE_NONE, *place;

	skip_lws(s);
	name = take(s, TOKEN);
	if (!name.len)
		return -EBADMSG;
	place = param_place(id, name);
	skip_lws(s);
	if (s->len && *s->p == '=') {
		*s = slice_cut(*s, 1);
		skip_lws(s);
		if (value_parse(s, place == &id->info, &value) < 0)
			return -EBADMSG;
	}
	if (!place)
		return 0;
	if (!value.len || place->p) /* without a value, or twice */
		return -EBADMSG;
	*place = value;
	return 0;
}

int identity_next(struct slice *value, struct identity *ret)
{
	struct identity id = { 0 };
	struct slice s = *value;

	skip_lws(&s);
	if (!s.len)
		return 0;
	id.token = take(&s, DIGEST);
	if (!id.token.len)
		return -EBADMSG;
	for (skip_lws(&s); s.len && *s.p == ';'; skip_lws(&s)) {
		s = slice_cut(s, 1);
		if (param_parse(&s, &id) < 0)
			return -EBADMSG;
	}
	if (s.len) {
		if (*s.p != ',')
			return -EBADMSG;
		s = slice_cut(s, 1);
		skip_lws(&s);
		if (!s.len) /* nothing behind the comma */
			return -EBADMSG;
	}
	*ret = id;
	*value = s;
	return 1;
}

/* Behind the next comma that is not inside of quotes or angle brackets. */
void identity_skip(struct slice *value)
{
	struct slice s = *value, inside;

	while (s.len && *s.p != ',') {
		char close = *s.p == '<' ? '>' : *s.p == '"' ? '"' : 0;

		if (close && take_enclosed(&s, close, &inside) == 0)
			continue;
		/* an open quote goes to the end: never looked for twice, time stays linear */
		s = slice_cut(s, close == '"' ? s.len : 1);
	}
	*value = s.len ? slice_cut(s, 1) : s;
}
