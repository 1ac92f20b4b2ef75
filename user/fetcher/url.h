/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * url - which x5u may be fetched, and from which addresses: what stands between a stranger's Identity row and our
 * network (standards.md 6.5, RFC 8224 s12.5).
 *
 * The text is judged by our own strict parser, not by what a library makes of it; the addresses once, where the
 * socket is opened, so that a name that changes its answer gains nothing.  Pure, no I/O.
 */
#ifndef SIPSEAL_FETCHER_URL_H
#define SIPSEAL_FETCHER_URL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/slice.h"

#define URL_HOST_MAX 253
#define URL_TEXT_MAX 512 /* = PASSPORT_X5U_MAX */

struct url_rules {
	bool allow_private;    /* fetch.allow_private_addresses: laboratories only */
};

struct url {
	char host[URL_HOST_MAX + 1];  /* lower case, a DNS name (an IP literal only with allow_private) */
	uint16_t port;                /* 443 where absent */
	struct slice path;            /* into the text; starts with '/' or is empty */
};

/** url_parse() - https, port absent, 443 or 8443 (any with allow_private), no userinfo, query or fragment, a host
 * that is a DNS name with a dot, printable ASCII.  Return: 0; -EINVAL, *reterr_text says why (static). */
int url_parse(struct slice text, const struct url_rules *rules, struct url *ret, const char **reterr_text);

/** url_address_check() - may a socket be opened to @addr?  Refuses loopback, private, link-local (cloud
 * metadata), shared, benchmark, multicast, reserved, unspecified, documentation, ULA, site-local, and v4-mapped,
 * v4-compatible, NAT64, 6to4, Teredo forms of these.  Return: 0; -EACCES, *reterr_text says why. */
int url_address_check(const struct sockaddr *addr, const struct url_rules *rules, const char **reterr_text);

#endif
