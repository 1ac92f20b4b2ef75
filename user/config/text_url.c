// SPDX-License-Identifier: BSD-2-Clause
/* URLs as values of the configuration. */
#include "config/text.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define DIGITS "0123456789"
#define ALPHA  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define HEX    DIGITS "abcdefABCDEF"
/* RFC 3986 s2.2 and s2.3; '%' apart */
#define URI_CHARS ALPHA DIGITS "-._~:/?#[]@!$&'()*+,;="
#define SERIAL "{serial}"
#define HOST_MAX 253 /* RFC 1035 s2.3.4 */

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

static size_t scheme_len(const char *s, bool may_be_http)
{
	if (strncasecmp(s, "https://", 8) == 0)
		return 8;
	return may_be_http && strncasecmp(s, "http://", 7) == 0 ? 7 : 0;
}

static const char *check_url(const char *s, const char *host)
{
	const char *wrong = check_uri_bytes(s);
	size_t len;

	if (wrong)
		return wrong;
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

const char *text_x5u(const char *s)
{
	size_t scheme = scheme_len(s, true);

	return scheme ? check_url(s, s + scheme) : "is no https URL";
}

/* Bytes of the host, brackets included. */
static size_t host_len(const char *host)
{
	size_t len = strcspn(host, *host == '[' ? "]/" : ":/");

	return len + (host[len] == ']');
}

/* ":" and what follows up to the path. */
static const char *check_port(const char *s)
{
	size_t len = strcspn(s, "/"), digits;
	unsigned long port = 0;

	if (!len)
		return NULL;
	digits = strspn(s + 1, DIGITS);
	for (size_t i = 1; i <= digits && i <= 5; i++)
		port = port * 10 + (unsigned long)(s[i] - '0');
	if (*s != ':' || s[1] == '0' || !digits || digits > 5 || digits + 1 != len || port > 65535)
		return "has a port that is not 1 to 65535";
	return NULL;
}

const char *text_https(const char *s)
{
	const char *host = s + scheme_len(s, false), *wrong;
	char name[HOST_MAX + 1];
	size_t len;

	if (host == s)
		return "is no https URL";
	if (strstr(s, SERIAL))
		return "holds a byte that is illegal in a URL";
	if ((wrong = check_url(s, host)))
		return wrong;
	len = host_len(host);
	if (len > HOST_MAX)
		return "has a host that is too long";
	memcpy(name, host, len);
	name[len] = '\0';
	if (text_host(name) || strchr(".-", name[len - 1]) || strstr(name, "-."))
		return "has a host that is neither a name nor an address";
	if (strpbrk(host + len, "[]"))
		return "holds a byte that is illegal in a URL";
	return check_port(host + len);
}

const char *text_https_public(const char *s)
{
	const char *host = s + scheme_len(s, false), *last, *port;
	size_t len = host_len(host);

	port = host + len;
	last = port;
	while (last > host && last[-1] != '.')
		last--;
	/* a top-level domain starts with a letter: 127.1 and 0x7f.1 are addresses to some resolvers */
	if (*host == '[' || (last > host && !strchr(ALPHA, *last)))
		return "has an IP address as host";
	if (last == host)
		return "has a host name without a dot";
	len = strcspn(port, "/");
	if (!len || (len == 4 && memcmp(port, ":443", 4) == 0) || (len == 5 && memcmp(port, ":8443", 5) == 0))
		return NULL;
	return "has a port other than 443 and 8443";
}
