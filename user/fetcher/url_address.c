/* SPDX-License-Identifier: BSD-2-Clause */
#include "fetcher/url.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/cleanup.h"

struct range {
	uint8_t addr[16];
	unsigned bits;
	const char *why;
};

/* The IANA special-purpose registry (RFC 6890), multicast and what is reserved.  More specific rows first. */
static const struct range ranges4[] = {
	{ { 0 }, 8, "unspecified or this network (0.0.0.0/8)" },
	{ { 10 }, 8, "a private address (10.0.0.0/8)" },
	{ { 100, 64 }, 10, "a shared address (100.64.0.0/10)" },
	{ { 127 }, 8, "loopback (127.0.0.0/8)" },
	{ { 168, 63, 129, 16 }, 32, "a cloud's metadata service (168.63.129.16)" },
	{ { 169, 254 }, 16, "link-local or cloud metadata (169.254.0.0/16)" },
	{ { 172, 16 }, 12, "a private address (172.16.0.0/12)" },
	{ { 192, 0, 0 }, 24, "a protocol assignment (192.0.0.0/24)" },
	{ { 192, 0, 2 }, 24, "a documentation address (192.0.2.0/24)" },
	{ { 192, 88, 99 }, 24, "a 6to4 relay (192.88.99.0/24)" },
	{ { 192, 168 }, 16, "a private address (192.168.0.0/16)" },
	{ { 198, 18 }, 15, "a benchmark address (198.18.0.0/15)" },
	{ { 198, 51, 100 }, 24, "a documentation address (198.51.100.0/24)" },
	{ { 203, 0, 113 }, 24, "a documentation address (203.0.113.0/24)" },
	{ { 224 }, 4, "multicast (224.0.0.0/4)" },
	{ { 240 }, 4, "reserved or broadcast (240.0.0.0/4)" },
};

/* Inside 2000::/3, the only unicast space there is; all outside is refused but for what carries an IPv4 address. */
static const struct range ranges6[] = {
	{ { 0x20, 0x01 }, 32, "Teredo (2001::/32)" },
	{ { 0x20, 0x01, 0, 2 }, 48, "a benchmark address (2001:2::/48)" },
	{ { 0x20, 0x01 }, 23, "a protocol assignment (2001::/23)" },
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32, "a documentation address (2001:db8::/32)" },
	{ { 0x3f, 0xff }, 20, "a documentation address (3fff::/20)" },
};

/* Named for whoever reads the reason; what no row names is reserved. */
static const struct range outside6[] = {
	{ { [15] = 0 }, 128, "unspecified (::)" },
	{ { [15] = 1 }, 128, "loopback (::1)" },
	{ { 0 }, 96, "a v4-compatible address (::/96)" },
	{ { 0, 0x64, 0xff, 0x9b, 0, 1 }, 48, "a local NAT64 address (64:ff9b:1::/48)" },
	{ { 1 }, 64, "a discard address (100::/64)" },
	{ { 0xfc }, 7, "a unique local address (fc00::/7)" },
	{ { 0xfe, 0x80 }, 10, "link-local (fe80::/10)" },
	{ { 0xfe, 0xc0 }, 10, "site-local (fec0::/10)" },
	{ { 0xff }, 8, "multicast (ff00::/8)" },
};

/* Forms that end at an IPv4 address: that one is judged. */
static const struct {
	struct range range;
	unsigned at; /* of the IPv4 address, bytes */
} embedded[] = {
	{ { { [10] = 0xff, [11] = 0xff }, 96, "v4-mapped" }, 12 },
	{ { { 0, 0x64, 0xff, 0x9b }, 96, "NAT64 (RFC 6052)" }, 12 },
	{ { { 0x20, 0x02 }, 16, "6to4" }, 2 },
};

static bool is_inside(const uint8_t *addr, const struct range *r)
{
	unsigned bytes = r->bits / 8, rest = r->bits % 8;
	unsigned mask = 0xffu << (8 - rest) & 0xff; /* 0 where no bits are left */

	return memcmp(addr, r->addr, bytes) == 0 &&
	       (rest == 0 || ((addr[bytes] ^ r->addr[bytes]) & mask) == 0);
}

static const char *find(const uint8_t *addr, const struct range *r, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++)
		if (is_inside(addr, &r[i]))
			return r[i].why;
	return NULL;
}

static const char *fault4(const uint8_t *addr)
{
	return find(addr, ranges4, ARRAY_SIZE(ranges4));
}

static const char *fault6(const uint8_t *addr)
{
	static const struct range unicast = { { 0x20 }, 3, NULL };
	const char *why;

	for (size_t i = 0; i < ARRAY_SIZE(embedded); i++)
		if (is_inside(addr, &embedded[i].range))
			return fault4(addr + embedded[i].at);
	if (is_inside(addr, &unicast))
		return find(addr, ranges6, ARRAY_SIZE(ranges6));
	why = find(addr, outside6, ARRAY_SIZE(outside6));
	return why ? why : "a reserved address (outside of 2000::/3)";
}

int url_address_check(const struct sockaddr *addr, const struct url_rules *rules, const char **reterr_text)
{
	const char *why = NULL;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (addr->sa_family == AF_INET) {
		memcpy(&in, addr, sizeof(in));
		why = fault4((const uint8_t *)&in.sin_addr);
	} else if (addr->sa_family == AF_INET6) {
		memcpy(&in6, addr, sizeof(in6));
		why = fault6(in6.sin6_addr.s6_addr);
	}
	if (addr->sa_family != AF_INET && addr->sa_family != AF_INET6)
		why = "not an IP address"; /* in a laboratory neither */
	else if (rules->allow_private)
		why = NULL;
	if (!why)
		return 0;
	*reterr_text = why;
	return -EACCES;
}
