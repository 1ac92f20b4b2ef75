/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sipgen - INVITEs that are all different (Call-ID, branch, tag), for the programs that send them; with a key each
 * carries a PASSporT of its own, signed now.
 */
#ifndef SIPSEAL_BENCH_SIPGEN_H
#define SIPSEAL_BENCH_SIPGEN_H

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stir/credential.h"
#include "stir/passport.h"

#define SIPGEN_MAX  1472         /* of a datagram: one frame */
#define SIPGEN_X5US 8

static const char sipgen_sdp[] =
	"v=0\r\no=- 53655765 2353687637 IN IP4 10.66.1.2\r\ns=-\r\nc=IN IP4 10.66.1.2\r\nt=0 0\r\n"
	"m=audio 6000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
	"a=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\na=sendrecv\r\n";

struct sipgen {
	const char *from;                /* address, text */
	struct sockaddr_in to;
	char to_ip[32];
	unsigned long run;               /* makes Call-IDs of two runs different */
	struct credential_signer *signer;       /* NULL: no Identity */
	const char *x5u[SIPGEN_X5US];    /* in turn; '*' becomes something that no other INVITE has */
	unsigned x5u_cnt;
	unsigned long x5u_each;          /* so many INVITEs in a row have the same x5u; 0: one */
};

static inline void sipgen_die(const char *what)
{
	fprintf(stderr, "bench: %s failed\n", what);
	exit(1);
}

/* @text: IP:PORT.  Return: false: no such address. */
static inline bool sipgen_to(struct sipgen *g, const char *text)
{
	unsigned port;

	if (sscanf(text, "%31[0-9.]:%u", g->to_ip, &port) != 2)
		return false;
	g->to = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	return inet_pton(AF_INET, g->to_ip, &g->to.sin_addr) == 1;
}

static inline void sipgen_key(struct sipgen *g, const char *path)
{
	struct credential_set *set;
	char pem[4096];
	FILE *f = fopen(path, "r");
	size_t len = f ? fread(pem, 1, sizeof(pem), f) : 0;

	if (!len || credential_set_new(&set) < 0 || credential_add(set, 0, pem, len, NULL) < 0 ||
	    credential_signer_new(set, &g->signer) < 0)
		sipgen_die("reading the key");
	fclose(f);
}

/* The Identity row of INVITE @n with CRLF; "" without a key. */
static inline void sipgen_identity(const struct sipgen *g, unsigned long n, const char *caller, char *dst, size_t size)
{
	unsigned long turn = n / (g->x5u_each ? g->x5u_each : 1);
	char x5u[256], called[16], header[PASSPORT_HEADER_B64_MAX];
	struct passport_claims c = { .attest = 'A', .orig_tn = slice_str(caller), .iat = (int64_t)time(NULL),
				     .origid = SLICE("123e4567-e89b-42d3-a456-426655440000") };
	const char *pattern, *star;
	ssize_t len;

	dst[0] = '\0';
	if (!g->signer)
		return;
	pattern = g->x5u[turn % g->x5u_cnt];
	star = strchr(pattern, '*');
	if (star)
		snprintf(x5u, sizeof(x5u), "%.*s%lx-%lu%s", (int)(star - pattern), pattern, g->run, turn, star + 1);
	else
		snprintf(x5u, sizeof(x5u), "%s", pattern);
	snprintf(called, sizeof(called), "1215555%04lu", n % 10000);
	c.dest_tn = slice_str(called);
	len = passport_header_emit(slice_str(x5u), header, sizeof(header));
	memcpy(dst, "Identity: ", 10);
	if (len > 0)
		len = identity_emit(slice_of(header, (size_t)len), slice_str(x5u), &c, credential_sign, g->signer, 0,
				    dst + 10, size - 13);
	if (len < 0)
		sipgen_die("signing");
	memcpy(dst + 10 + len, "\r\n", 3);
}

/* INVITE @n of @caller (digits).  Return: length; 742 bytes where @n has eight digits and there is no Identity. */
static inline size_t sipgen_invite(const struct sipgen *g, unsigned long n, const char *caller,
				   char dst[SIPGEN_MAX + 1])
{
	char identity[1024];
	int len;

	sipgen_identity(g, n, caller, identity, sizeof(identity));
	len = snprintf(dst, SIPGEN_MAX + 1,
		"INVITE sip:+1215555%04lu@%s:%u;user=phone SIP/2.0\r\n"
		"Via: SIP/2.0/UDP %s:5060;branch=z9hG4bK%lx-%lu\r\n"
		"Max-Forwards: 70\r\n"
		"From: \"Bench\" <sip:+%s@%s>;tag=%lx%lu\r\n"
		"To: <sip:+1215555%04lu@%s>\r\n"
		"Call-ID: %lx-%lu@%s\r\n"
		"CSeq: 1 INVITE\r\n"
		"Contact: <sip:bench@%s:5060>\r\n"
		"Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE\r\n"
		"Supported: replaces, timer, 100rel\r\n"
		"User-Agent: Bench PBX 1.0\r\n"
		"Session-Expires: 900\r\n"
		"%s"
		"Content-Type: application/sdp\r\n"
		"Content-Length: %zu\r\n\r\n%s",
		n % 10000, g->to_ip, ntohs(g->to.sin_port), g->from, g->run, n, caller, g->from, g->run, n,
		n % 10000, g->to_ip, g->run, n, g->from, g->from, identity, sizeof(sipgen_sdp) - 1, sipgen_sdp);
	if (len > SIPGEN_MAX)
		sipgen_die("an INVITE of one frame");
	return (size_t)len;
}

#endif
