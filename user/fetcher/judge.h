/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * judge - from the bytes behind an x5u to a verdict: chain to the SHAKEN anchors only (never the system's
 * store), profile, TNAuthList, JWTClaimConstraints, CRL (RFC 5280, RFC 8226, RFC 9060, RFC 9118, ATIS-1000080).
 *
 * Strict on what matters (chain, validity, algorithms, keyUsage, CA flag, TNAuthList well-formed and within that
 * of a CA that has one), warnings on the rest.
 * Pure but for OpenSSL's allocations; no I/O, no clock.  Threads: one.
 */
#ifndef SIPSEAL_FETCHER_JUDGE_H
#define SIPSEAL_FETCHER_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "stir/verdict.h"

#define JUDGE_BODY_MAX (64 * 1024) /* bytes behind an x5u; at most CERT_CHAIN_MAX certificates */
#define JUDGE_CRL_MAX  (16 * 1024 * 1024)

/* An answer that is cached for less costs more fetches than it saves (ATIS-1000074: 24 h); one that is cached for
 * longer outlives a revocation too far. */
#define JUDGE_KEEP_MIN_S (24 * 3600)
#define JUDGE_KEEP_MAX_S (7 * 24 * 3600)

enum crl_policy { CRL_SOFT, CRL_HARD };

struct judge_config {
	bool want_tnauthlist;      /* certificates.profile shaken */
	enum crl_policy crl_policy;
	bool has_crl;              /* certificates.crl is configured */
};

struct judge;

/**
 * judge_new() - @anchors: PEM text of one or more roots.  What is no self-signed CA among them ends no chain,
 * but may sign the CRL (the STI-PA's certificate is pinned so).
 * Return: 0; -EINVAL no certificate in it, or no root (reterr_text); -ENOMEM.
 */
int judge_new(const struct judge_config *cfg, const char *anchors, size_t len, struct judge **ret,
	      char reterr_text[160]);
void judge_free(struct judge *j);
DEFINE_FREEP(struct judge *, judge_free)

/**
 * judge_crl_set() - a CRL, also an indirect one: DER, or PEM with the certificates that lead from its signer
 * to an anchor where he is none himself.  The last good one stays where the new one is bad.
 *
 * One that is over is taken too: who is revoked stays so; crl.policy says what it is worth for the rest.
 * Verdicts given before know nothing of a new list: judge their chains again.
 * *ret_next_update: seconds
 * Return: 0; -ENOMEM; -EBADMSG (reterr_text) not a CRL, a delta or partial one, from the future, not signed by
 * an anchor or by a certificate that one vouches for (with cRLSign), or older than the one there is.
 */
int judge_crl_set(struct judge *j, const char *data, size_t len, int64_t now_s,
		  int64_t *ret_next_update, char reterr_text[160]);

/** judge_keep() - between the caps: how long after it came an answer may be used, by what HTTP said (@keep_s). */
static inline int64_t judge_keep(int64_t keep_s)
{
	return keep_s < JUDGE_KEEP_MIN_S ? JUDGE_KEEP_MIN_S : keep_s > JUDGE_KEEP_MAX_S ? JUDGE_KEEP_MAX_S : keep_s;
}

/**
 * judge_chain() - @data: what the server sent: PEM chain (leaf first), or one DER certificate.
 * @now_s: validity is judged at this moment; iat is judged by the verifier at the call
 * @keep_s: how long the answer may be kept (HTTP caching; negative: not said), before the caps: at least 24 h
 * for good ones unless the certificate ends before, or with crl.policy hard the CRL; at most 7 days.  Bad
 * ones: 60 s
 * Return: 0 and *ret, VERDICT_GOOD or VERDICT_BAD with reason and code 437 (and the subject, which nobody has
 * vouched for); ret_text, printable ASCII, says what is wrong or only notable ("": nothing).
 * -ENOMEM: no verdict, nothing is written.
 */
int judge_chain(struct judge *j, const char *data, size_t len, int64_t now_s, int64_t keep_s,
		struct verdict *ret, char ret_text[256]);

#endif
