/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chars - classes of octets in SIP (RFC 3261 s25.1), one table look-up each.  Inside sip/ only.
 */
#ifndef SIPSEAL_SIP_CHARS_H
#define SIPSEAL_SIP_CHARS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

#define SIP_C_TOKEN   0x01 /* token: ALPHA DIGIT - . ! % * _ + ` ' ~ */
#define SIP_C_LWS     0x02 /* SP, HTAB and the CR, LF of a fold */
#define SIP_C_DIGIT   0x04
#define SIP_C_HOST    0x08 /* host names; '_' is no RFC 1123 letter, but PBXs use it */
#define SIP_C_URI     0x10 /* may stand in a URI: visible, no < > "; UTF-8 is let through raw */
#define SIP_C_DISPLAY 0x20 /* display name without quotes: token, LWS or UTF-8 */

extern const uint8_t sip_chars[256];

static inline bool sip_is(char c, uint8_t classes)
{
	return sip_chars[(unsigned char)c] & classes;
}

/** sip_span() - number of leading bytes that are in one of the classes. */
static inline size_t sip_span(struct slice s, uint8_t classes)
{
	size_t n = 0;

	while (n < s.len && sip_is(s.p[n], classes))
		n++;
	return n;
}

static inline bool sip_all(struct slice s, uint8_t classes)
{
	return sip_span(s, classes) == s.len;
}

static inline struct slice sip_skip_lws(struct slice s)
{
	return s.len ? slice_cut(s, sip_span(s, SIP_C_LWS)) : s;
}

#endif
