/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers and URIs of claims, as they are compared (RFC 8224 s8.3, s8.5). */
#include <errno.h>

#include "sip/uri.h"
#include "stir/verify_internal.h"

#define PLUS_TN_MIN 7 /* digits: "+911" is not 911 */

struct slice verify_tn(const char *claim)
{
	struct slice tn = slice_str(claim);

	return tn.len > PLUS_TN_MIN && *tn.p == '+' ? slice_cut(tn, 1) : tn;
}

struct out {
	char *p;
	size_t len;
	bool is_full;
};

static void put(struct out *o, char c)
{
	if (c >= 'A' && c <= 'Z')
		c = (char)(c | 0x20);
	o->is_full |= o->len >= VERIFY_URI_MAX - 1;
	if (!o->is_full)
		o->p[o->len++] = c;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 3986 s2.3 */
static bool is_unreserved(int c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c > 0 && strchr("-._~", c));
}

/* Lower case; %XX of an unreserved character is that character. */
static void put_lower(struct out *o, struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		int hi = s.p[i] == '%' && s.len - i > 2 ? hex(s.p[i + 1]) : -1;
		int lo = hi >= 0 ? hex(s.p[i + 2]) : -1;

		if (lo >= 0 && is_unreserved(hi << 4 | lo)) {
			put(o, (char)(hi << 4 | lo));
			i += 2;
		} else {
			put(o, s.p[i]);
		}
	}
}

ssize_t verify_uri_canonical(struct slice uri, char dst[VERIFY_URI_MAX])
{
	struct out o = { .p = dst };
	struct sip_uri u;

	if (sip_uri_parse(uri, &u) < 0)
		return -EINVAL;
	if (u.scheme == SIP_SCHEME_SIP || u.scheme == SIP_SCHEME_SIPS) {
		put_lower(&o, u.scheme == SIP_SCHEME_SIP ? SLICE("sip:") : SLICE("sips:"));
		if (u.user.p) {
			put_lower(&o, u.user);
			put(&o, '@');
		}
		put_lower(&o, u.host);
	} else {
		put_lower(&o, uri); /* urn:service:sos, in any case (RFC 5031 s4.2) */
	}
	if (o.is_full)
		return -EINVAL;
	dst[o.len] = 0;
	return (ssize_t)o.len;
}

bool verify_uri_eq(struct slice a, struct slice b)
{
	char x[VERIFY_URI_MAX], y[VERIFY_URI_MAX];
	ssize_t n = verify_uri_canonical(a, x), m = verify_uri_canonical(b, y);

	return n > 0 && n == m && memcmp(x, y, (size_t)n) == 0;
}
