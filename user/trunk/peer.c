// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "trunk/model.h"

#define V4_OFF 12 /* of the IPv4 address in its 16-byte form */

static const uint8_t v4_prefix[V4_OFF] = { [10] = 0xff, [11] = 0xff };

/* Decimal without sign or blanks, at most max; -1 otherwise. */
static long read_decimal(const char *s, long max)
{
	long n = 0;

	if (!*s || strlen(s) > 5 || strspn(s, "0123456789") != strlen(s))
		return -1;
	while (*s)
		n = n * 10 + (*s++ - '0');
	return n > max ? -1 : n;
}

static bool has_host_bits(const uint8_t addr[16], unsigned bits)
{
	for (unsigned i = bits; i < 128; i++) {
		if (addr[i / 8] & (0x80 >> i % 8))
			return true;
	}
	return false;
}

/* Does the IPv6 prefix share addresses with ::ffff:0:0/96?  That is how IPv4 stands in the match
 * tables: such a prefix would claim IPv4 traffic too. */
static bool meets_v4_mapped(const uint8_t addr[16], unsigned bits)
{
	unsigned n = bits < 96 ? bits : 96;

	for (unsigned i = 0; i < n; i++) {
		if ((addr[i / 8] ^ v4_prefix[i / 8]) & (0x80 >> i % 8))
			return false;
	}
	return true;
}

/* Splits "host", "host:port", "[host]:port", "host/bits" in place; port and bits NULL where absent. */
static const char *split(char *s, char **host, char **port, char **bits)
{
	char *end;

	*host = s;
	*port = *bits = NULL;
	if (*s == '[') {
		*host = s + 1;
		end = strchr(s, ']');
		if (!end)
			return "has a [ without ]";
		*end++ = '\0';
		if (!strchr(*host, ':'))
			return "has brackets around something that is no IPv6 address";
		if (*end == ':')
			*port = end + 1;
		else if (*end != '\0')
			return "has something else than a port after the ]";
		return NULL;
	}
	if ((end = strchr(s, '/'))) {
		*end = '\0';
		*bits = end + 1;
	} else if ((end = strchr(s, ':')) && end == strrchr(s, ':')) {
		*end = '\0'; /* more than one colon is a bare IPv6 address */
		*port = end + 1;
	}
	return NULL;
}

static const char *read_address(const char *host, struct peer *p)
{
	if (inet_pton(AF_INET, host, p->addr + V4_OFF) == 1) {
		memcpy(p->addr, v4_prefix, V4_OFF);
		p->is_v4 = true;
		return NULL;
	}
	memset(p->addr, 0, sizeof(p->addr));
	if (inet_pton(AF_INET6, host, p->addr) == 1)
		return NULL;
	return "is no IPv4 or IPv6 address";
}

static const char *read_peer(char *s, bool want_port, struct peer *p)
{
	char *host, *port, *bits;
	const char *e = split(s, &host, &port, &bits);
	long n;

	if (e || (e = read_address(host, p)))
		return e;
	p->bits = 128;
	if (bits) {
		if ((n = read_decimal(bits, p->is_v4 ? 32 : 128)) < 0)
			return p->is_v4 ? "has a prefix length that is not 0 to 32" :
					  "has a prefix length that is not 0 to 128";
		p->bits = (uint8_t)(p->is_v4 ? 96 + n : n);
	}
	if (has_host_bits(p->addr, p->bits))
		return "has address bits outside its prefix";
	if (!p->is_v4 && meets_v4_mapped(p->addr, p->bits))
		return "covers IPv4-mapped IPv6 addresses (::ffff:0:0/96), write IPv4 as IPv4";
	if (port && !want_port)
		return "has a port, none is allowed here";
	if (port) {
		if ((n = read_decimal(port, 65535)) < 1)
			return "has a port that is not 1 to 65535";
		p->port = (uint16_t)n;
	}
	return NULL;
}

int peer_parse(const char *s, bool want_port, struct peer *ret, const char **reterr_text)
{
	struct peer p = { .port = 0 };
	const char *e = "is no IPv4 or IPv6 address";
	char buf[64];

	if (strlen(s) < sizeof(buf)) {
		memcpy(buf, s, strlen(s) + 1);
		e = read_peer(buf, want_port, &p);
	}
	if (e) {
		*reterr_text = e;
		return -EINVAL;
	}
	*ret = p;
	return 0;
}

void peer_format(const struct peer *p, char dst[64])
{
	char host[INET6_ADDRSTRLEN] = "?";
	unsigned whole = p->is_v4 ? 32 : 128, bits = p->is_v4 ? p->bits - 96u : p->bits;

	if (p->is_v4)
		inet_ntop(AF_INET, p->addr + V4_OFF, host, sizeof(host));
	else
		inet_ntop(AF_INET6, p->addr, host, sizeof(host));
	if (bits != whole)
		snprintf(dst, 64, "%s/%u", host, bits);
	else if (p->port)
		snprintf(dst, 64, p->is_v4 ? "%s:%u" : "[%s]:%u", host, p->port);
	else
		snprintf(dst, 64, "%s", host);
}
