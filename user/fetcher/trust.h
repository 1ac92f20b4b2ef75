/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trust - by what chains are judged: the judge with its anchors, and the list of revoked certificates, which outlives a
 * change of anchors.
 *
 * Memory: the list's bytes are kept.  No I/O, no clock.  Threads: one.
 */
#ifndef SIPSEAL_FETCHER_TRUST_H
#define SIPSEAL_FETCHER_TRUST_H

#include "fetcher/judge.h"

#define TRUST_TEXT_MAX 160

struct trust {
	struct judge_config cfg;
	bool has_crl_url;                  /* a list is fetched: soon, where there is no crl_error */
	struct judge *judge;               /* NULL: no anchors yet */
	char *crl;                         /* the last list that was taken */
	size_t crl_len;
	int64_t crl_at, crl_next_update;   /* 0: the judge has none */
	char crl_error[TRUST_TEXT_MAX];    /* of the last try, printable ASCII; "": none */
};

void trust_done(struct trust *t);

/** trust_anchors() - other anchors; the list is taken along where they vouch for it (else crl_error).
 * Return: 0; -EINVAL refused, the former ones stay; -ENOMEM; both with reterr_text. */
int trust_anchors(struct trust *t, const char *pem, size_t len, int64_t now_s, char reterr_text[TRUST_TEXT_MAX]);

/** trust_crl() - another list; the last good one stays where it is refused.
 * Return: 1: chains have to be judged anew; 0: it is the one there was; -EBADMSG refused, -ENOMEM: crl_error. */
int trust_crl(struct trust *t, const char *data, size_t len, int64_t now_s);

/** trust_crl_fail() - there is none to be had now: what people are told. */
void trust_crl_fail(struct trust *t, const char *text);

/** trust_lacks_crl() - no chain is believed now, whatever it is worth: crl.policy hard, and no list in force. */
bool trust_lacks_crl(const struct trust *t, int64_t now_s);

/** trust_awaits_crl() - the same, but its first fetch, or that of the one which follows, has not ended yet: there is no
 * verdict until then, for calls are not refused for our own slowness. */
bool trust_awaits_crl(const struct trust *t, int64_t now_s);

#endif
