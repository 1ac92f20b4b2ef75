// SPDX-License-Identifier: BSD-2-Clause
#include "config/text.h"

#include <arpa/inet.h>
#include <string.h>

#include "trunk/model.h"

#define DIGITS "0123456789"
#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool is_only(const char *s, const char *set)
{
	return strspn(s, set) == strlen(s);
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

const char *text_label(const char *s)
{
	const char *wrong = text_printable(s);

	return wrong ? wrong : strpbrk(s, "\"\\") ? "holds a quote or a backslash" : NULL;
}

const char *text_below(const char *s)
{
	for (const char *part = s; *part; part += strspn(part, "/")) {
		size_t len = strcspn(part, "/");

		if (len == 2 && memcmp(part, "..", 2) == 0)
			return "has .. in it";
		part += len;
	}
	return text_path(s);
}
