// SPDX-License-Identifier: BSD-2-Clause
#include "config/text.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "trunk/model.h"

#define DIGITS "0123456789"
#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define HEX    DIGITS "abcdefABCDEF"
/* RFC 3986 s2.2 and s2.3; '%' apart */
#define URI_CHARS UPPER LOWER DIGITS "-._~:/?#[]@!$&'()*+,;="
#define SERIAL "{serial}"

static bool is_only(const char *s, const char *set)
{
	return strspn(s, set) == strlen(s);
}

/* Every byte one of RFC 3986, "%" with two hex digits, or {serial}. */
static const char *check_uri_bytes(const char *s)
{
	while (*s) {
		if (strncmp(s, SERIAL, strlen(SERIAL)) == 0) {
			s += strlen(SERIAL);
		} else if (*s == '%') {
			if (!s[1] || !s[2] || !strchr(HEX, s[1]) || !strchr(HEX, s[2]))
				return "has a % that is not followed by two hex digits";
			s += 3;
		} else if (strchr(URI_CHARS, *s)) {
			s++;
		} else {
			return "holds a byte that is illegal in a URL";
		}
	}
	return NULL;
}

const char *text_x5u(const char *s)
{
	size_t scheme = strncasecmp(s, "https://", 8) == 0 ? 8 : strncasecmp(s, "http://", 7) == 0 ? 7 : 0;
	const char *host = s + scheme, *e;
	size_t len;

	if (!scheme)
		return "is no https URL";
	if ((e = check_uri_bytes(s)))
		return e;
	/* ATIS-1000074: verifiers do not fetch URLs with any of these */
	if (strpbrk(s, "?#"))
		return "has a query or a fragment, verifiers do not fetch such a URL";
	len = strcspn(host, "/");
	if (memchr(host, '@', len))
		return "has a user name, verifiers do not fetch such a URL";
	if (!len || *host == ':')
		return "has no host";
	if (!host[len] || !host[len + 1])
		return "has no path";
	return NULL;
}

static bool is_bracketed_v6(const char *s, size_t len)
{
	char buf[INET6_ADDRSTRLEN];
	struct in6_addr a;

	if (len < 4 || len - 2 >= sizeof(buf) || s[0] != '[' || s[len - 1] != ']')
		return false;
	memcpy(buf, s + 1, len - 2);
	buf[len - 2] = '\0';
	return inet_pton(AF_INET6, buf, &a) == 1;
}

const char *text_host(const char *s)
{
	size_t label = 0;

	if (is_bracketed_v6(s, strlen(s)))
		return NULL;
	if (!is_only(s, UPPER LOWER DIGITS ".-"))
		return "is no host name";
	for (; *s; s += label) {
		if (*s == '.' || *s == '-')
			return "is no host name: a label is empty or starts with -";
		label = strcspn(s, ".");
		if (label > 63)
			return "is no host name: a label is longer than 63";
		if (s[label] == '.')
			label++;
	}
	return NULL;
}

const char *text_printable(const char *s)
{
	for (; *s; s++) {
		if (*s < 0x20 || *s > 0x7e)
			return "holds bytes that are not printable ASCII";
	}
	return NULL;
}

const char *text_path(const char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return "holds control characters";
	}
	return NULL;
}

const char *text_absolute(const char *s)
{
	return *s == '/' ? text_path(s) : "is no absolute path";
}

const char *text_listen(const char *s)
{
	const char *colon = strrchr(s, ':'), *text;
	struct peer p;

	if (!colon || colon == s || !colon[1])
		return "has no port";
	return peer_parse(s, true, &p, &text) < 0 ? text : p.port ? NULL : "has no port";
}

const char *text_ifname(const char *s)
{
	if (strcmp(s, ".") == 0 || strcmp(s, "..") == 0 || !is_only(s, UPPER LOWER DIGITS "._-@:"))
		return "is no name of an interface";
	return NULL;
}

const char *text_trunk_name(const char *s)
{
	if (!*s)
		return "is empty";
	if (!strchr(LOWER DIGITS, *s))
		return "starts with something else than a-z or 0-9";
	return is_only(s, LOWER DIGITS "._-") ? NULL : "holds something else than a-z, 0-9, . _ -";
}

const char *text_country_code(const char *s)
{
	return *s != '0' && is_only(s, DIGITS) ? NULL : "is no country code";
}

const char *text_digits(const char *s)
{
	return is_only(s, DIGITS) ? NULL : "holds something else than digits";
}

const char *text_dial(const char *s)
{
	return is_only(s, DIGITS "+*#") ? NULL : "holds something else than digits, +, * and #";
}
