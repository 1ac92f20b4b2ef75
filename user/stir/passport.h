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
};

/** passport_header_emit() - base64url of {"alg":"ES256","ppt":"shaken","typ":"passport","x5u":x5u}.
 * Return: length; -ENOSPC; -EINVAL: x5u is empty, longer than PASSPORT_X5U_MAX, or holds a byte that
 * cannot stand in `info=<...>`. */
ssize_t passport_header_emit(struct slice x5u, char *dst, size_t cap);

/** passport_payload_emit() - the JSON text of the claims.  Return: length, -ENOSPC, or -EINVAL: a
 * claim is empty or holds bytes that are not printable ASCII, a tn others than digits, '#' and '*',
 * attest another letter, or iat is negative. */
ssize_t passport_payload_emit(const struct passport_claims *c, char *dst, size_t cap);

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

struct passport_parsed {
	char ppt[32], typ[32], alg[16], x5u[PASSPORT_X5U_MAX + 1];
	char attest;                /* 0 where absent */
	char orig_tn[32];           /* "" where orig is a URI */
	char dest_tn[PASSPORT_DEST_MAX][32];
	unsigned dest_tn_cnt;
	char dest_uri[PASSPORT_DEST_URI_MAX + 1]; /* the only URI; "" where there is none, or several, or a longer one */
	int64_t iat;
	char origid[PASSPORT_ORIGID_MAX + 1];
};

/** passport_parse() - decode the full form.  Uses jansson (allocates).  Duplicate names, ill-typed or
 * missing claims: -EBADMSG; over a limit: -E2BIG.  Return: 0. */
int passport_parse(struct slice token, struct passport_parsed *ret);

#endif
