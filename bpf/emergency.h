/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * emergency.h - is this INVITE an emergency call?  By a bounded window of its Request-URI:
 *
 *   urn:service:sos  urn:service:sos.fire            RFC 5031, any case
 *   sip:911@host  sips:112;phone-context=...@host  tel:911;...  tel:911 SIP/2.0
 *
 * where the user part is exactly one of the configured numbers.  What is not recognised here is still
 * found by the signer; what counts here is only whether a call survives that the signer cannot take.
 */
#ifndef SIPSEAL_EMERGENCY_H
#define SIPSEAL_EMERGENCY_H

#include "maps.h"
#include "packet.h"

/* Longest thing to see: "urn:service:sos." or "sips:" and 15 digits and what ends them. */
#define EMERGENCY_WINDOW 64

/* Blanks that a sloppy sender may put before the URI (RFC 3261 s7.1 allows none). */
#define EMERGENCY_BLANKS_MAX 8

/* Laid out as struct sipseal_emergency, to be compared as two words; the tail is zero in both. */
union emergency_user {
	struct sipseal_emergency e;
	__u64 words[2];
};
_Static_assert(offsetof(struct sipseal_config, emergency) % 8 == 0, "compared as words");

#define EMERGENCY_LOWER(c) ((c) >= 'A' && (c) <= 'Z' ? (c) | 0x20 : (c))

/* Does @s start with the constant @word (lower case)? */
#define EMERGENCY_IS(s, word) \
	({ \
		bool is_ = true; \
		_Pragma("unroll") for (unsigned k_ = 0; k_ < sizeof(word) - 1; k_++) \
			is_ &= EMERGENCY_LOWER((s)[k_]) == (word)[k_]; \
		is_; \
	})

static __always_inline bool emergency_is_listed(const union emergency_user *u)
{
	volatile __u64 *w = (volatile __u64 *)sipseal_config.emergency;
	__u32 i;

	if (!u->e.len) /* an unused slot is all zero */
		return false;
#pragma unroll
	for (i = 0; i < SIPSEAL_EMERGENCY_MAX; i++) {
		if (w[i * 2] == u->words[0] && w[i * 2 + 1] == u->words[1])
			return true;
	}
	return false;
}

/* The user part at @s (constant offset in the window), up to one of the bytes that end it. */
static __always_inline bool emergency_user_listed(const char *s, bool is_tel)
{
	union emergency_user u = { .words = { 0, 0 } };
	__u32 i;

#pragma unroll
	for (i = 0; i <= SIPSEAL_EMERGENCY_LEN; i++) {
		char c = s[i];
		bool is_end = c == ';' || (is_tel ? c == ' ' || c == '\t' : c == '@' || c == ':');

		if (is_end) {
			u.e.len = (__u8)i;
			return emergency_is_listed(&u);
		}
		if (i < SIPSEAL_EMERGENCY_LEN)
			u.e.digits[i] = c;
	}
	return false;
}

/* What follows "sos" in a URN: a sub-service, parameters, the end - but no longer word. */
static __always_inline bool emergency_ends_label(char c)
{
	return c == '.' || c == ' ' || c == '\t' || c == ';' || c == '?' || c == '#' || c == '\r' ||
	       c == '\n' || c == 0;
}

/* emergency_check() - @p after packet_request(): text_off is where the Request-URI starts. */
PACKET_GLOBAL int emergency_check(struct xdp_md *ctx, const struct packet *p)
{
	char w[EMERGENCY_WINDOW] = { 0 };
	__u32 off;
	__u64 len; /* 64 bits: of a 32-bit length clang checks a copy, and the verifier does not see it */
	char *c;
	int i;

	if (!p)
		return false;
	off = p->text_off;
	for (i = 0; i < EMERGENCY_BLANKS_MAX; i++, off++) {
		c = packet_at(ctx, off, 1);
		if (!c || (*c != ' ' && *c != '\t'))
			break;
	}
	if (off >= p->text_end)
		return false;
	len = p->text_end - off;
	if (len > EMERGENCY_WINDOW)
		len = EMERGENCY_WINDOW;
	asm volatile("" : "+r"(len)); /* "R4 unbounded memory access" where clang drops the check below */
	if (len < 1 || len > EMERGENCY_WINDOW || bpf_xdp_load_bytes(ctx, off, w, len))
		return false;
	if (EMERGENCY_IS(w, "urn:service:sos"))
		return emergency_ends_label(w[15]);
	if (EMERGENCY_IS(w, "sip:"))
		return emergency_user_listed(w + 4, false);
	if (EMERGENCY_IS(w, "sips:"))
		return emergency_user_listed(w + 5, false);
	if (EMERGENCY_IS(w, "tel:"))
		return emergency_user_listed(w + 4, true);
	return false;
}

#endif
