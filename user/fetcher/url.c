/* SPDX-License-Identifier: BSD-2-Clause */
#include "fetcher/url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#define LABEL_MAX 63 /* RFC 1035 s2.3.4 */

static const char https[] = "https://";

static int refuse(const char *why, const char **reterr_text)
{
	*reterr_text = why;
	return -EINVAL;
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_alpha(char c)
{
	return is_alnum(c) && c > '9';
}

static bool is_hex(char c)
{
	return isxdigit((unsigned char)c);
}

/* Nothing that another reader of this text could take for something else. */
static const char *bytes_fault(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c <= ' ' || c > '~')
			return "a byte that is not printable ASCII";
		if (c == '\\')
			return "a backslash";
		if (c == '?')
			return "a query";
		if (c == '#')
			return "a fragment";
	}
	return NULL;
}

/* RFC 3986 s3.3: segments of pchar. */
static const char *path_fault(struct slice path)
{
	for (size_t i = 0; i < path.len; i++) {
		char c = path.p[i];

		if (c == '%') {
			if (path.len - i < 3 || !is_hex(path.p[i + 1]) || !is_hex(path.p[i + 2]))
				return "a broken %-escape in the path";
		} else if (!is_alnum(c) && !strchr("/-._~!$&'()*+,;=:@", c)) {
			return "a character that no path may hold";
		}
	}
	return NULL;
}

static const char *label_fault(struct slice label)
{
	if (label.len == 0)
		return "an empty label in the host name";
	if (label.len > LABEL_MAX)
		return "a label of more than 63 bytes in the host name";
	if (label.p[0] == '-' || label.p[label.len - 1] == '-')
		return "a label with a hyphen at its end in the host name";
	for (size_t i = 0; i < label.len; i++)
		if (!is_alnum(label.p[i]) && label.p[i] != '-')
			return "a character that no host name may hold";
	return NULL;
}

/*
 * A DNS name: labels of letters, digits and hyphens, at least two, no dot at the end.  The last one starts with a
 * letter, as every top-level domain does: so 127.1, 0x7f.1 or 1.0x1, which a resolver may read as an IPv4
 * address, are no names.
 */
static const char *name_fault(struct slice host)
{
	struct slice rest = host, label;
	const char *why;
	size_t dots = 0;

	if (host.len > URL_HOST_MAX)
		return "a host name of more than 253 bytes";
	for (;;) {
		label = slice_of(rest.p, slice_find(rest, '.'));
		if ((why = label_fault(label)))
			return why;
		if (label.len == rest.len)
			break;
		rest = slice_cut(rest, label.len + 1);
		dots++;
	}
	if (dots == 0)
		return "a host name without a dot";
	return is_alpha(label.p[0]) ? NULL : "an IP address or something like one as host";
}

static bool is_ip(int family, struct slice host)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr addr;

	if (host.len == 0 || host.len >= sizeof(text))
		return false;
	memcpy(text, host.p, host.len);
	text[host.len] = '\0';
	return inet_pton(family, text, &addr) == 1;
}

/* @host: without brackets */
static const char *host_fault(struct slice host, bool is_bracketed, const struct url_rules *rules)
{
	if (host.len == 0)
		return "no host";
	if (is_bracketed && !rules->allow_private)
		return "an IP address as host";
	if (is_bracketed)
		return is_ip(AF_INET6, host) ? NULL : "what is between the brackets is no IPv6 address";
	if (rules->allow_private && is_ip(AF_INET, host))
		return NULL;
	return name_fault(host);
}

/* @text: what follows the colon */
static const char *port_parse(struct slice text, const struct url_rules *rules, uint16_t *ret)
{
	unsigned port = 0;

	if (text.len == 0 || text.len > 5 || text.p[0] == '0')
		return "a port that is no number from 1 to 65535";
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return "a port that is no number from 1 to 65535";
		port = port * 10 + (unsigned)(text.p[i] - '0');
	}
	if (port > UINT16_MAX)
		return "a port that is no number from 1 to 65535";
	if (port != 443 && port != 8443 && !rules->allow_private)
		return "a port other than 443 and 8443";
	*ret = (uint16_t)port;
	return NULL;
}

/* host [ ":" port ], with an IPv6 address in brackets */
static const char *authority_parse(struct slice text, const struct url_rules *rules, struct url *ret)
{
	bool is_bracketed = text.len && text.p[0] == '[';
	struct slice host, rest;
	const char *why;

	if (slice_find(text, '@') < text.len)
		return "a user name or password";
	if (is_bracketed) {
		text = slice_cut(text, 1);
		host = slice_of(text.p, slice_find(text, ']'));
		if (host.len == text.len)
			return "a bracket that is not closed";
		rest = slice_cut(text, host.len + 1);
	} else {
		host = slice_of(text.p, slice_find(text, ':'));
		rest = slice_cut(text, host.len);
	}
	if ((why = host_fault(host, is_bracketed, rules)))
		return why;
	ret->port = 443;
	if (rest.len && rest.p[0] != ':')
		return "something behind the host that is no port";
	if (rest.len && (why = port_parse(slice_cut(rest, 1), rules, &ret->port)))
		return why;
	for (size_t i = 0; i < host.len; i++)
		ret->host[i] = is_alpha(host.p[i]) ? (char)(host.p[i] | 0x20) : host.p[i];
	ret->host[host.len] = '\0';
	return NULL;
}

int url_parse(struct slice text, const struct url_rules *rules, struct url *ret, const char **reterr_text)
{
	struct slice authority, rest;
	struct url u = { 0 };
	const char *why;

	if (text.len > URL_TEXT_MAX)
		return refuse("more than 512 bytes", reterr_text);
	if (!slice_iprefix(text, SLICE(https)))
		return refuse("a scheme other than https", reterr_text);
	rest = slice_cut(text, sizeof(https) - 1);
	if ((why = bytes_fault(rest)))
		return refuse(why, reterr_text);
	authority = slice_of(rest.p, slice_find(rest, '/'));
	u.path = slice_cut(rest, authority.len);
	if ((why = authority_parse(authority, rules, &u)) || (why = path_fault(u.path)))
		return refuse(why, reterr_text);
	*ret = u;
	return 0;
}
