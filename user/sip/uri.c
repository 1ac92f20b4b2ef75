/* SPDX-License-Identifier: BSD-2-Clause */
#include "sip/uri.h"

#include <errno.h>

#include "sip/chars.h"

#define PORT_DIGITS_MAX 5

static bool is_port(struct slice s)
{
	unsigned port = 0;

	if (!s.len || s.len > PORT_DIGITS_MAX || !sip_all(s, SIP_C_DIGIT))
		return false;
	for (size_t i = 0; i < s.len; i++)
		port = port * 10 + (unsigned)(s.p[i] - '0');
	return port <= 65535;
}

static bool is_ipv6_reference(struct slice host)
{
	static const char legal[] = "0123456789abcdefABCDEF:.";
	struct slice in = slice_of(host.p + 1, host.len - 2);

	for (size_t i = 0; i < in.len; i++) {
		if (!memchr(legal, in.p[i], sizeof(legal) - 1))
			return false;
	}
	return in.len && slice_find(in, ':') < in.len;
}

/* hostport = host [ ":" port ] */
static int parse_hostport(struct slice s, struct slice *ret_host)
{
	bool is_v6 = s.len && s.p[0] == '[';
	size_t n = is_v6 ? slice_find(s, ']') + 1 : sip_span(s, SIP_C_HOST);
	struct slice host;

	if (n == 0 || n > s.len)
		return -EBADMSG;
	host = slice_of(s.p, n);
	if (is_v6 && !is_ipv6_reference(host))
		return -EBADMSG;
	s = slice_cut(s, n);
	if (s.len && (s.p[0] != ':' || !is_port(slice_cut(s, 1))))
		return -EBADMSG;
	*ret_host = host;
	return 0;
}

/* user [ ":" password ]; neither may hold another ':' (RFC 3261 s25.1) */
static int parse_userinfo(struct slice s, struct slice *ret_user)
{
	size_t colon = slice_find(s, ':');

	if (colon == 0 || (colon < s.len && memchr(s.p + colon + 1, ':', s.len - colon - 1)))
		return -EBADMSG;
	*ret_user = slice_of(s.p, colon);
	return 0;
}

/*
 * user@host:port;params?headers.  ';', '?' and ':' are legal in the user part, so '@' is looked for
 * first; it must be escaped everywhere else, a second one is an attack or an error.
 */
static int parse_sip(struct slice s, struct sip_uri *u)
{
	size_t at = slice_find(s, '@'), n;

	if (at < s.len) {
		if (at == 0 || parse_userinfo(slice_of(s.p, at), &u->user) < 0)
			return -EBADMSG;
		s = slice_cut(s, at + 1);
		if (slice_find(s, '@') < s.len)
			return -EBADMSG;
	}
	s.len = slice_find(s, '?');
	n = slice_find(s, ';');
	u->params = slice_cut(s, n);
	return parse_hostport(slice_of(s.p, n), &u->host);
}

int sip_uri_parse(struct slice s, struct sip_uri *ret)
{
	static const struct {
		struct slice name;
		enum sip_scheme scheme;
	} schemes[] = {
		{ { "sip", 3 }, SIP_SCHEME_SIP }, { { "sips", 4 }, SIP_SCHEME_SIPS },
		{ { "tel", 3 }, SIP_SCHEME_TEL }, { { "urn", 3 }, SIP_SCHEME_URN },
	};
	struct sip_uri u = { .scheme = SIP_SCHEME_OTHER, .raw = s };
	size_t colon = slice_find(s, ':');
	struct slice rest;

	if (colon == 0 || colon == s.len || !sip_all(s, SIP_C_URI) ||
	    !sip_all(slice_of(s.p, colon), SIP_C_TOKEN))
		return -EBADMSG;
	rest = slice_cut(s, colon + 1);
	if (!rest.len)
		return -EBADMSG;
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (slice_ieq(slice_of(s.p, colon), schemes[i].name))
			u.scheme = schemes[i].scheme;
	}
	u.params = slice_cut(rest, rest.len);
	if (u.scheme == SIP_SCHEME_SIP || u.scheme == SIP_SCHEME_SIPS) {
		if (parse_sip(rest, &u) < 0)
			return -EBADMSG;
	} else if (u.scheme != SIP_SCHEME_OTHER) {
		u.user = rest;
	}
	*ret = u;
	return 0;
}

/* Length of the quoted string at @s with both quotes; '\' quotes any octet but CR and LF. */
static int quoted_len(struct slice s, size_t *ret)
{
	for (size_t i = 1; i < s.len; i++) {
		if (s.p[i] == '"') {
			*ret = i + 1;
			return 0;
		}
		if (s.p[i] != '\\')
			continue;
		if (++i < s.len && (s.p[i] == '\r' || s.p[i] == '\n'))
			return -EBADMSG;
	}
	return -EBADMSG;
}

/* Length of "<...>" at @s. */
static int bracket_len(struct slice s, size_t *ret)
{
	for (size_t i = 1; i < s.len && s.p[i] != '<'; i++) {
		if (s.p[i] == '>') {
			*ret = i + 1;
			return 0;
		}
	}
	return -EBADMSG;
}

/* Bytes of @s before the first of @stop_a and @stop_b outside quotes and brackets, or all. */
static int span_outside(struct slice s, char stop_a, char stop_b, size_t *ret)
{
	size_t i = 0, n;

	while (i < s.len && s.p[i] != stop_a && s.p[i] != stop_b) {
		n = 1;
		if (s.p[i] == '>')
			return -EBADMSG;
		if (s.p[i] == '"' && quoted_len(slice_cut(s, i), &n) < 0)
			return -EBADMSG;
		if (s.p[i] == '<' && bracket_len(slice_cut(s, i), &n) < 0)
			return -EBADMSG;
		i += n;
	}
	*ret = i;
	return 0;
}

int sip_param_next(struct slice *params, struct slice *name, struct slice *value)
{
	struct slice s = sip_skip_lws(*params), one;
	size_t n;

	if (s.len && s.p[0] == ';')
		s = sip_skip_lws(slice_cut(s, 1));
	if (!s.len) {
		*params = s;
		return 0;
	}
	if (span_outside(s, ';', ';', &n) < 0)
		return -EBADMSG;
	one = slice_of(s.p, n);
	*params = slice_cut(s, n);
	n = slice_find(one, '=');
	*name = slice_trim(slice_of(one.p, n));
	*value = n < one.len ? slice_trim(slice_cut(one, n + 1)) : SLICE_NONE;
	return 1;
}

int sip_param_get(struct slice params, struct slice name, struct slice *ret_value)
{
	struct slice n, v;

	while (sip_param_next(&params, &n, &v) == 1) {
		if (!slice_ieq(n, name))
			continue;
		if (!v.p)
			return 0;
		if (v.len >= 2 && v.p[0] == '"' && v.p[v.len - 1] == '"')
			v = slice_of(v.p + 1, v.len - 2);
		*ret_value = v;
		return 1;
	}
	return -ENOENT;
}

/* display-name = *(token LWS) / quoted-string, up to the '<' (RFC 3261 s25.1) */
static int take_display(struct slice *s, struct slice *ret_display)
{
	struct slice display;
	size_t n;

	if (s->p[0] == '"') {
		if (quoted_len(*s, &n) < 0)
			return -EBADMSG;
		display = slice_of(s->p + 1, n - 2);
	} else {
		n = sip_span(*s, SIP_C_DISPLAY);
		display = slice_trim(slice_of(s->p, n));
	}
	*s = sip_skip_lws(slice_cut(*s, n));
	if (!s->len || s->p[0] != '<')
		return -EBADMSG;
	*ret_display = display;
	return 0;
}

static int take_bracketed(struct slice *s, struct sip_addr *a)
{
	size_t n;

	if (take_display(s, &a->display) < 0 || bracket_len(*s, &n) < 0 || n == 2)
		return -EBADMSG;
	a->uri = slice_of(s->p + 1, n - 2);
	*s = slice_cut(*s, n);
	return 0;
}

/* Without "<>" the URI may hold neither ',' nor ';' nor '?' (RFC 3261 s20). */
static int take_bare(struct slice *s, struct sip_addr *a)
{
	size_t n = 0;

	while (n < s->len && sip_is(s->p[n], SIP_C_URI) && !strchr(",;?", s->p[n]))
		n++;
	a->display = slice_of(s->p, 0);
	a->uri = slice_of(s->p, n);
	/* a URI has a scheme: an unquoted display name with a comma ends here */
	if (slice_find(a->uri, ':') == n)
		return -EBADMSG;
	*s = slice_cut(*s, n);
	return 0;
}

int sip_params_take(struct slice *value, struct slice *ret_params)
{
	struct slice s = sip_skip_lws(*value), params;
	size_t n;

	if (s.len && s.p[0] != ';' && s.p[0] != ',')
		return -EBADMSG;
	if (span_outside(s, ',', ',', &n) < 0)
		return -EBADMSG;
	/* what a caller inserts behind the parameters goes before the blanks */
	params = slice_of(s.p, n);
	while (params.len && sip_is(params.p[params.len - 1], SIP_C_LWS))
		params.len--;
	if (n < s.len) {
		s = sip_skip_lws(slice_cut(s, n + 1));
		if (!s.len)
			return -EBADMSG;
	} else {
		s = slice_cut(s, n);
	}
	*ret_params = params;
	*value = s;
	return 0;
}

int sip_addr_next(struct slice *value, struct sip_addr *ret)
{
	struct slice s = sip_skip_lws(*value);
	struct sip_addr a;
	bool is_bracketed;
	size_t n;

	if (!s.len) {
		*value = s;
		return 0;
	}
	n = sip_span(s, SIP_C_DISPLAY);
	is_bracketed = s.p[0] == '"' || (n < s.len && s.p[n] == '<');
	if ((is_bracketed ? take_bracketed(&s, &a) : take_bare(&s, &a)) < 0)
		return -EBADMSG;

	if (sip_params_take(&s, &a.params) < 0)
		return -EBADMSG;
	*value = s;
	*ret = a;
	return 1;
}
