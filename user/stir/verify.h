/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verify - is the calling number what the Identity rows say?  RFC 8224 s6.2, RFC 8225, RFC 8588, RFC 8946; the order of
 * checks is that of standards.md 3.1: everything cheap for all rows first, then certificates, then signatures.
 *
 * The bytes that were signed are verified as received, never a rebuilt token (but for the compact form, which
 * has no bytes to receive).  One good row is enough; rows of types that we do not know are ignored.
 * Pure: certificates and cryptography come in by callbacks.  No allocation but jansson's; some 40 KiB of stack.
 *
 * Where the RFCs leave room, or others answer otherwise:
 * - Types: "shaken", "div" and the PASSporT without ppt.  alg and ppt of the row may be absent; where they are there,
 *   the JOSE header says the same (RFC 8224 s4, RFC 8225 s8).  A "ppt" that only the row has is wrong.
 * - Numbers of claims are digits only (RFC 8225 s5.2.1).  One '+' before seven digits or more is let through: it can
 *   mean no other number.  Any other spelling is a mismatch.  The order of members, white space, several dest and
 *   unknown claims do not matter.
 * - A "crit" header is refused: none of its extensions is known (RFC 7515 s4.1.11).
 * - attest is A, B or C, and origid is there, or a "shaken" PASSporT is not one (RFC 8588 s4, s5).
 * - An outdated Date fails whatever iat says (RFC 8224 s12.1), and so does one that cannot be parsed.
 * - The compact form is for the PASSporT without ppt, without "mky", and needs a Date.
 * - A row whose dest is not the called number may still be good: by a whole chain of "div" whose signatures are all
 *   good, which leads from it to the Request-URI (RFC 8946 s4.2).  A div row is never good by itself.  The window of
 *   freshness is the same for all of them.
 * - A TNAuthList of numbers must hold orig, of a div row the number that was called before.  A certificate with
 *   neither SPC nor number (profile stir) is not limited here.
 * - x5u is https, or it is not asked for.
 */
#ifndef SIPSEAL_STIR_VERIFY_H
#define SIPSEAL_STIR_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"
#include "base/slice.h"
#include "sip/tn.h"
#include "stir/passport.h"
#include "stir/verdict.h"

#define VERIFY_ROWS_MAX 8      /* Identity values of one INVITE; more: identity_syntax */
#define VERIFY_TNS_MAX  4
#define VERIFY_FUTURE_S 10     /* clocks differ: how far ahead iat and Date may be */

/* What the INVITE says.  Numbers are canonical (sip/tn.h, RFC 8224 s8.3). */
struct verify_call {
	const struct slice *values;           /* Identity values, one per element or several with commas */
	unsigned value_cnt;
	struct tn calling[VERIFY_TNS_MAX];    /* what orig may be: PAI numbers where the PAI is trusted, else From */
	unsigned calling_cnt;
	struct slice calling_uri;             /* From, where it holds no number; p NULL */
	struct tn dest[2];                    /* one of them must be in dest: To, Request-URI */
	unsigned dest_cnt;
	struct slice dest_uri;                /* To as a URI, where it holds no number (urn:service:sos); p NULL */
	struct tn request;                    /* Request-URI: the outermost div must lead here; len 0: no number */
	bool has_date;
	int64_t date;                         /* seconds; INT64_MIN: a Date that cannot be parsed */
	int64_t now;                          /* seconds */
	unsigned freshness_s;
};

struct verify_env {
	/** The verdict of an x5u; VERDICT_UNKNOWN: not known yet. */
	enum verdict_kind (*certificate)(void *ctx, struct slice x5u, struct verdict *ret);
	/** ES256 of SHA-256 over @text.  Return: 1 good, 0 bad, negative errno: our own trouble. */
	int (*signature)(void *ctx, const uint8_t point[CERT_POINT_LEN], struct slice text,
			 const uint8_t sig[PASSPORT_SIG_LEN]);
	/** Was this signature seen with another Call-ID in the freshness window?  May be NULL.  Asked only of rows that
	 * are good otherwise.  Of the two values of s that are equally good (s, n - s) it gets the lower one, so that
	 * nobody makes a second signature out of one. */
	bool (*replayed)(void *ctx, const uint8_t sig[PASSPORT_SIG_LEN]);
	void *ctx;
};

/* One Identity value, judged. */
struct verify_row {
	enum sipseal_reason reason;           /* SR_VERIFIED, SR_PPT_UNSUPPORTED, SR_CERTIFICATE_PENDING, or what is wrong */
	uint16_t code;                        /* 403, 436, 437, 438; 0 where nothing is wrong */
	char ppt[16];                         /* "" baseline, or not a token */
	char attest;                          /* 0 where absent */
	char origid[PASSPORT_ORIGID_MAX + 1]; /* "" where it holds a byte that is not of a SIP token */
	char x5u[PASSPORT_X5U_MAX + 1];       /* the row's info; visible ASCII, else "" */
	int64_t iat;
	int8_t calling;                       /* index in verify_call.calling of its orig; -1: none, or a URI */
	bool is_div;
	bool is_wanted;                       /* its certificate is not known yet */
	char spc[TNAUTH_SPC_MAX + 1];
	uint8_t sig[PASSPORT_SIG_LEN];        /* as verify_env.replayed gets it; 0 before a certificate was asked for */
};

enum verify_status { VERIFY_VERIFIED, VERIFY_FAILED_CALL, VERIFY_MISSING, VERIFY_WAIT };

struct verify_result {
	enum verify_status status;            /* VERIFY_WAIT: no row is good, and a certificate is not known yet */
	enum sipseal_reason reason;           /* of the row that decides */
	uint16_t code;                        /* for a refusal: 428, 403, 436, 437, 438; the last stage reached wins
						 (438 > 437 > 436 > 403 > 428); 0 when verified or waiting */
	const char *phrase;                   /* of the code (RFC 8224 s6.2.2) */
	int row;                              /* that decides, or -1 */
	/* more than VERIFY_ROWS_MAX values: SR_IDENTITY_SYNTAX, row -1, row_cnt 0, none was looked at */
	unsigned row_cnt, ignored_cnt;        /* ignored: unsupported ppt */
	bool is_div_verified;                 /* a whole div chain leads from that row to the Request-URI */
	struct verify_row rows[VERIFY_ROWS_MAX]; /* row_cnt of them; what is behind is not set */
};

/**
 * verify_call_run() - judge a call.
 * May be called again when a certificate has come: it starts from the beginning.
 * Return: 0; -ENOMEM or -EIO: no verdict, an error of our own.
 */
int verify_call_run(const struct verify_call *c, const struct verify_env *env, struct verify_result *ret);

/** verify_wanted() - x5u values that a result of VERIFY_WAIT is waiting for, each once.  Return: how many. */
unsigned verify_wanted(const struct verify_result *r, struct slice ret[VERIFY_ROWS_MAX]);

/** verify_phrase() - "Use Identity Header" and the like; "" for other codes. */
const char *verify_phrase(uint16_t code);

/** verify_reason_value() - value of a Reason row (RFC 9410): `STIR;cause=436;text="Bad Identity Info"`.  No NUL.
 * Return: length, -ENOSPC, -EINVAL: another code. */
ssize_t verify_reason_value(uint16_t code, char *dst, size_t cap);

#endif
