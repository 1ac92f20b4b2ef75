/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * judge - from the bytes behind an x5u to a verdict: chain to the SHAKEN anchors only (never the system's store), profile,
 * TNAuthList, JWTClaimConstraints, CRL (standards.md 6.1 to 6.6, RFC 5280, RFC 8226, RFC 9118, ATIS-1000080).
 *
 * Strict on what matters (chain, validity, P-256, keyUsage, CA flag, TNAuthList well-formed), warnings on the rest.
 * Pure but for OpenSSL's allocations; no I/O, no clock.  Threads: one.
 */
#ifndef SIPSEAL_FETCHER_JUDGE_H
#define SIPSEAL_FETCHER_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "stir/verdict.h"

enum crl_policy { CRL_SOFT, CRL_HARD };

struct judge_config {
	bool want_tnauthlist;      /* certificates.profile shaken */
	enum crl_policy crl_policy;
	bool has_crl;              /* certificates.crl is configured */
};

struct judge;

/** judge_new() - @anchors: PEM text of one or more roots.  Return: 0; -EINVAL no certificate in it
 * (reterr_text); -ENOMEM. */
int judge_new(const struct judge_config *cfg, const char *anchors, size_t len, struct judge **ret, char reterr_text[160]);
void judge_free(struct judge *j);
DEFINE_FREEP(struct judge *, judge_free)

/** judge_crl_set() - a CRL (PEM or DER, also an indirect one); the last good one stays where the new one is bad.
 * Return: 0; -EBADMSG not a CRL, not signed by an anchor or by a certificate that one vouches for, or older than
 * the one there is (reterr_text); *ret_next_update: seconds. */
int judge_crl_set(struct judge *j, const char *data, size_t len, int64_t now_s, int64_t *ret_next_update, char reterr_text[160]);

/**
 * judge_chain() - @data: what the server sent: PEM chain (leaf first), or one DER certificate.
 * @now_s: validity is judged at this moment; iat is judged by the verifier at the call
 * @keep_s: how long the answer may be kept (HTTP caching), before the caps: at least 24 h for good ones unless the
 * certificate ends before, at most 7 days
 * Return: 0 and *ret, VERDICT_GOOD or VERDICT_BAD with reason and code 437; ret_text says what is wrong or only notable.
 * -ENOMEM: no verdict.
 */
int judge_chain(struct judge *j, const char *data, size_t len, int64_t now_s, int64_t keep_s, struct verdict *ret,
		char ret_text[256]);

#endif
