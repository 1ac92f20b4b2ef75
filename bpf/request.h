/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * request.h - which request does a UDP datagram hold?  One byte decides for nearly all of them.
 *
 *   UDP  blanks{0,15}  INVITE | CANCEL | OPTIONS
 */
#ifndef SIPSEAL_REQUEST_H
#define SIPSEAL_REQUEST_H

#include "packet.h"

/* CR and LF that may stand before a request line (RFC 3261 s7.5), and blanks, which some take there, too; after
 * that many the signer decides. */
#define PACKET_CRLF_MAX 16

static __always_inline bool packet_is_space(__u8 c)
{
	return c == '\r' || c == '\n' || c == ' ' || c == '\t';
}

/* The requests that somebody may have to look at. */
#define PACKET_OTHER   0
#define PACKET_INVITE  1
#define PACKET_CANCEL  2
#define PACKET_OPTIONS 3 /* of packet_request(): or another word that starts with O */

static __always_inline bool packet_is_letter(__u8 c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* Does @c, with @bits set in each byte, start with the constant @word? */
#define PACKET_STARTS(c, bits, word) \
	({ \
		bool is_ = true; \
		_Pragma("unroll") for (unsigned k_ = 0; k_ < sizeof(word) - 1; k_++) \
			is_ &= ((c)[k_] | (bits)) == (word)[k_]; \
		is_; \
	})

/*
 * RFC 3261 has methods in upper case with a blank behind.  Some receivers take an INVITE in any case, with whatever
 * ends a word: that is no way past the signer, which tells them apart.  CANCEL and OPTIONS are what RFC 3261 says.
 */
static __always_inline int packet_method(const __u8 *c)
{
	if (PACKET_STARTS(c, 0x20, "invite") && !packet_is_letter(c[6]))
		return PACKET_INVITE;
	if (PACKET_STARTS(c, 0, "CANCEL") && (c[6] == ' ' || c[6] == '\t'))
		return PACKET_CANCEL;
	if (PACKET_STARTS(c, 0, "OPTIONS")) /* the caller looks for the blank */
		return PACKET_OPTIONS;
	return PACKET_OTHER;
}

/*
 * The whole test, for a payload that starts with 'I', 'C', 'O', a blank, CR or LF.  On success p->text_off is the first
 * byte of the Request-URI; of OPTIONS, nobody asks for it.  Return: PACKET_*.
 */
PACKET_GLOBAL int packet_find_request(const struct xdp_md *ctx, struct packet *p)
{
	__u8 *c = NULL;
	__u32 off;
	int i, r;

	if (!p)
		return PACKET_OTHER;
	off = p->text_off;
	for (i = 0; i < PACKET_CRLF_MAX; i++, off++) {
		c = packet_at(ctx, off, 1);
		if (!c || off >= p->text_end)
			return PACKET_OTHER;
		if (!packet_is_space(*c))
			break;
	}
	if (i == PACKET_CRLF_MAX) {
		p->text_off = p->text_end;
		return PACKET_INVITE;
	}
	c = packet_at(ctx, off, 7); /* INVITE and CANCEL with the blank, OPTIONS without */
	if (!c || off + 7 > p->text_end)
		return PACKET_OTHER;
	r = packet_method(c);
	if (r != PACKET_OPTIONS) {
		p->text_off = off + 7;
		return r;
	}
	c = packet_at(ctx, off + 7, 1);
	return c && off + 7 < p->text_end && (*c == ' ' || *c == '\t') ? r : PACKET_OTHER;
}

/* packet_request() - PACKET_*. */
static __always_inline int packet_request(const struct xdp_md *ctx, struct packet *p)
{
	__u8 *c = packet_at(ctx, p->text_off, 1);

	if (!c || p->text_off >= p->text_end)
		return PACKET_OTHER;
	if (*c == 'O') /* only an outage needs to know */
		return PACKET_OPTIONS;
	if ((*c | 0x20) != 'i' && *c != 'C' && !packet_is_space(*c))
		return PACKET_OTHER;
	return packet_find_request(ctx, p);
}

#endif
