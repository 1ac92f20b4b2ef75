/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * passport - PASSporT tokens (RFC 8225, RFC 8588) and the Identity row around them (RFC 8224 s4).
 *
 * Emitting is deterministic (RFC 8225 s9): members in code point order, no white space.  The JOSE
 * header depends on x5u only, so its base64url form is made once per credential; per call the
 * payload is built, digested and signed.
 * Parsing is for tokens that others made: nothing is re-serialised, `signed_part` is as received.
 */
#ifndef SIPSEAL_STIR_PASSPORT_H
#define SIPSEAL_STIR_PASSPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/slice.h"
#include "stir/b64url.h"

#define PASSPORT_X5U_MAX    512
#define PASSPORT_ORIGID_MAX 128
#define PASSPORT_TOKEN_MAX  8192  /* of a received token */
#define PASSPORT_HEADER_B64_MAX (B64URL_LEN(PASSPORT_X5U_MAX * 2 + 64))
#define PASSPORT_DIGEST_LEN 32
#define PASSPORT_SIG_LEN    64

struct passport_claims {
	char attest;            /* 'A', 'B' or 'C' */
	struct slice orig_tn;   /* canonical */
	struct slice dest_tn;   /* canonical, or p == NULL: dest_uri is set */
	struct slice dest_uri;
	int64_t iat;            /* seconds */
	struct slice origid;
	struct slice orig_uri;  /* passport_baseline_emit() only: where orig_tn.p == NULL */
};

/** passport_header_emit() - base64url of {"alg":"ES256","ppt":"shaken","typ":"passport","x5u":x5u}.
 * Return: length; -ENOSPC; -EINVAL: x5u is empty, longer than PASSPORT_X5U_MAX, or holds a byte that
 * cannot stand in `info=<...>`. */
ssize_t passport_header_emit(struct slice x5u, char *dst, size_t cap);

/** passport_payload_emit() - the JSON text of the claims.  Return: length, -ENOSPC, or -EINVAL: a
 * claim is empty or holds bytes that are not printable ASCII, a tn others than digits, '#' and '*',
 * attest another letter, or iat is negative. */
ssize_t passport_payload_emit(const struct passport_claims *c, char *dst, size_t cap);

/** passport_baseline_emit() - what is signed of a PASSporT without extension: base64url of header and payload with
 * a dot between them, in the one form that both sides can make by themselves (RFC 8225 s7, s9).  attest and
 * origid are not looked at.  Return: length, -ENOSPC, -EINVAL as above. */
ssize_t passport_baseline_emit(struct slice x5u, const struct passport_claims *c, char *dst, size_t cap);

/**
 * passport_sign_fn - makes the ES256 signature, r || s big-endian (RFC 7518 s3.4).
 * Return: 0, or negative errno.
 */
typedef int passport_sign_fn(void *ctx, uint32_t credential, const uint8_t digest[PASSPORT_DIGEST_LEN],
			     uint8_t ret_sig[PASSPORT_SIG_LEN]);

/**
 * identity_emit() - the whole value of an Identity row, without name and CRLF:
 *   <header>.<payload>.<signature>;info=<x5u>;alg=ES256;ppt=shaken
 * @header_b64: from passport_header_emit() for the same @x5u
 * Return: length; -ENOSPC; -EINVAL as passport_payload_emit(); -EIO; or what @sign returned.
 * @dst is scratch on failure; @sign is not called for a row that does not fit.
 */
ssize_t identity_emit(struct slice header_b64, struct slice x5u, const struct passport_claims *c,
		      passport_sign_fn *sign, void *sign_ctx, uint32_t credential,
		      char *dst, size_t cap);

/* A received Identity value, taken apart but not verified. */
#define PASSPORT_DEST_MAX 16
#define PASSPORT_DEST_URI_MAX 255
struct identity {
	struct slice token;         /* base64url segments with dots */
	struct slice info, alg, ppt; /* parameters, unquoted; p == NULL where absent */
};

/** identity_next() - the next comma-separated value of an Identity row; folds around ';', '=' and
 * ',' are legal, parameters come in any order.  Return: 1, 0 nothing left, -EBADMSG. */
int identity_next(struct slice *value, struct identity *ret);

/** identity_skip() - after -EBADMSG: go behind the comma that ends the value which cannot be read. */
void identity_skip(struct slice *value);

#define PASSPORT_DEPTH_MAX     8    /* of nested objects and arrays */
#define PASSPORT_CLAIMS_MAX    32
#define PASSPORT_CLAIM_LEN     16   /* with NUL */
#define PASSPORT_DEST_URIS_LEN 1024

/* Strings are as in the token: a number may carry a '+', a URI need not be canonical, and any of them may
 * hold any UTF-8. */
struct passport_parsed {
	char ppt[32], typ[32], alg[16], x5u[PASSPORT_X5U_MAX + 1];
	char attest;                /* of "shaken"; else 0 */
	char orig_tn[32];           /* "" where orig is a URI */
	char orig_uri[PASSPORT_DEST_URI_MAX + 1];
	char dest_tn[PASSPORT_DEST_MAX][32];
	unsigned dest_tn_cnt;
	char dest_uri[PASSPORT_DEST_URI_MAX + 1]; /* the only URI; "" where there is none, or several, or a longer one */
	char dest_uris[PASSPORT_DEST_URIS_LEN];   /* all that fit, each with its NUL */
	size_t dest_uris_len;
	int64_t iat;
	char origid[PASSPORT_ORIGID_MAX + 1];     /* of "shaken" */
	char div_tn[32], div_uri[PASSPORT_DEST_URI_MAX + 1]; /* of "div": one of them */
	char claims[PASSPORT_CLAIMS_MAX][PASSPORT_CLAIM_LEN]; /* names of all claims that are not longer */
	unsigned claim_cnt;
	uint8_t sig[PASSPORT_SIG_LEN];            /* of ES256 */
	struct slice signed_part;                 /* in the token, as received */
};

/** passport_parse() - decode the full form.  Uses jansson (allocates).  Duplicate names, ill-typed or
 * missing claims, too deep, a "crit" header: -EBADMSG; over another limit: -E2BIG; -ENOMEM.  Return: 0. */
int passport_parse(struct slice token, struct passport_parsed *ret);

/* The same in two steps, for those who want to see ppt and alg before anything else is judged. */

/** passport_header_parse() - the JOSE header alone.
 * @ret: scratch on failure; what is behind the ends of its strings and arrays is not set
 * Return: as passport_parse(). */
int passport_header_parse(struct slice token, struct passport_parsed *ret);

/** passport_claims_parse() - claims and signature, by the rules of @p's ppt.
 * @p: from passport_header_parse() of the same token; scratch on failure
 * Return: as passport_parse(). */
int passport_claims_parse(struct slice token, struct passport_parsed *p);

#endif
