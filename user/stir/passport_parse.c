/* SPDX-License-Identifier: BSD-2-Clause */
/* The receiving half of passport.h. */
#include <errno.h>

#include <jansson.h>

#include "base/cleanup.h"
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

/* RFC 3261 s25.1 token */
static bool is_token_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c && strchr("-.!%*_+`'~", c));
}

/* RFC 8224 s4 prints '/' and '+'; PASSporTs use '-' and '_' (RFC 8225 s6). */
static bool is_digest_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c && strchr("-_.+/", c));
}

/* A generic-param value that is not quoted: token or host (RFC 3261 s25.1). */
static bool is_value_char(char c)
{
	return is_token_char(c) || c == '[' || c == ']' || c == ':';
}

/* The run of such characters at the head of *s, which goes on behind it. */
static struct slice take(struct slice *s, bool (*is_in)(char))
{
	size_t n = 0;
	struct slice t;

	while (n < s->len && is_in(s->p[n]))
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
	*ret = take(s, is_value_char);
	return ret->len ? 0 : -EBADMSG;
}

/* One parameter, behind its semicolon. */
static int param_parse(struct slice *s, struct identity *id)
{
	struct slice name, value = SLICE_NONE, *place;

	skip_lws(s);
	name = take(s, is_token_char);
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
	id.token = take(&s, is_digest_char);
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

/* A member that is a string; jansson has refused NUL and bad UTF-8. */
static int string_get(const json_t *value, char *ret, size_t cap)
{
	if (!json_is_string(value))
		return -EBADMSG;
	if (json_string_length(value) >= cap)
		return -E2BIG;
	memcpy(ret, json_string_value(value), json_string_length(value) + 1);
	return 0;
}

static int segment_decode(struct slice seg, json_t **ret)
{
	char text[PASSPORT_TOKEN_MAX];
	ssize_t n = b64url_parse(seg, text, sizeof(text));
	json_t *obj;

	if (n < 0)
		return -EBADMSG;
	obj = json_loadb(text, (size_t)n, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(obj)) {
		json_decref(obj);
		return -EBADMSG;
	}
	*ret = obj;
	return 0;
}

/* The JOSE header; RFC 8225 s4: typ, alg and x5u are there, ppt where there is an extension. */
static int header_parse(struct slice seg, struct passport_parsed *p)
{
	CLEANUP(json_decrefp) json_t *h = NULL;
	const json_t *ppt;
	int r = segment_decode(seg, &h);

	if (r < 0 || (r = string_get(json_object_get(h, "alg"), p->alg, sizeof(p->alg))) < 0 ||
	    (r = string_get(json_object_get(h, "typ"), p->typ, sizeof(p->typ))) < 0 ||
	    (r = string_get(json_object_get(h, "x5u"), p->x5u, sizeof(p->x5u))) < 0)
		return r;
	ppt = json_object_get(h, "ppt");
	return ppt ? string_get(ppt, p->ppt, sizeof(p->ppt)) : 0;
}

/* RFC 8225 s5.2.1: exactly one identity, a number or a URI. */
static int orig_parse(const json_t *orig, struct passport_parsed *p)
{
	const json_t *tn = json_object_get(orig, "tn");

	if (!json_is_object(orig) || json_object_size(orig) != 1)
		return -EBADMSG;
	if (!tn)
		return json_is_string(json_object_get(orig, "uri")) ? 0 : -EBADMSG;
	if (json_string_length(tn) == 0)
		return -EBADMSG;
	return string_get(tn, p->orig_tn, sizeof(p->orig_tn));
}

/* RFC 8225 s5.2.1: "tn" and "uri" are arrays of at least one string; one of them is there. */
static int dest_parse(const json_t *dest, struct passport_parsed *p)
{
	const json_t *tn = json_object_get(dest, "tn"), *uri = json_object_get(dest, "uri");
	size_t i;
	int r;

	if ((!tn && !uri) || (tn && json_array_size(tn) == 0) || (uri && json_array_size(uri) == 0))
		return -EBADMSG;
	for (i = 0; i < json_array_size(uri); i++)
		if (!json_is_string(json_array_get(uri, i)))
			return -EBADMSG;
	if (json_array_size(uri) == 1 && json_string_length(json_array_get(uri, 0)) <= PASSPORT_DEST_URI_MAX)
		strcpy(p->dest_uri, json_string_value(json_array_get(uri, 0)));
	if (json_array_size(tn) > PASSPORT_DEST_MAX)
		return -E2BIG;
	for (i = 0; i < json_array_size(tn); i++) {
		r = string_get(json_array_get(tn, i), p->dest_tn[i], sizeof(p->dest_tn[i]));
		if (r < 0)
			return r;
	}
	p->dest_tn_cnt = (unsigned)json_array_size(tn);
	return 0;
}

static int attest_parse(const json_t *attest, struct passport_parsed *p)
{
	const char *s = json_string_value(attest);

	if (!s || s[0] < 'A' || s[0] > 'C' || s[1])
		return -EBADMSG;
	p->attest = s[0];
	return 0;
}

static int payload_parse(struct slice seg, struct passport_parsed *p)
{
	CLEANUP(json_decrefp) json_t *c = NULL;
	const json_t *iat, *attest, *origid;
	int r = segment_decode(seg, &c);

	if (r < 0 || (r = orig_parse(json_object_get(c, "orig"), p)) < 0 ||
	    (r = dest_parse(json_object_get(c, "dest"), p)) < 0)
		return r;
	iat = json_object_get(c, "iat");
	attest = json_object_get(c, "attest");
	origid = json_object_get(c, "origid");
	if (!json_is_integer(iat) || json_integer_value(iat) < 0)
		return -EBADMSG;
	p->iat = json_integer_value(iat);
	/* RFC 8588 s4, s5: both are part of "shaken" */
	if ((!attest || !origid) && strcmp(p->ppt, "shaken") == 0)
		return -EBADMSG;
	if (attest && (r = attest_parse(attest, p)) < 0)
		return r;
	return origid ? string_get(origid, p->origid, sizeof(p->origid)) : 0;
}

int passport_parse(struct slice token, struct passport_parsed *ret)
{
	struct passport_parsed p = { 0 };
	uint8_t sig[PASSPORT_TOKEN_MAX];
	struct slice header, payload;
	ssize_t n;
	int r;

	if (token.len > PASSPORT_TOKEN_MAX)
		return -E2BIG;
	header = slice_of(token.p, slice_find(token, '.'));
	if (header.len == token.len)
		return -EBADMSG;
	token = slice_cut(token, header.len + 1);
	payload = slice_of(token.p, slice_find(token, '.'));
	if (payload.len == token.len)
		return -EBADMSG;
	token = slice_cut(token, payload.len + 1);
	if ((r = header_parse(header, &p)) < 0 || (r = payload_parse(payload, &p)) < 0)
		return r;
	n = b64url_parse(token, sig, sizeof(sig));
	if (n <= 0 || (n != PASSPORT_SIG_LEN && strcmp(p.alg, "ES256") == 0))
		return -EBADMSG;
	*ret = p;
	return 0;
}
