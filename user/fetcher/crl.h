/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * crl - the list of revoked certificates from certificates.crl.url, by a timer and never for a call: at the start, then
 * at its nextUpdate or after an hour, whichever comes first; CRL_RETRY_S after a failure.
 */
#ifndef SIPSEAL_FETCHER_CRL_H
#define SIPSEAL_FETCHER_CRL_H

#include "fetcher/fetch.h"
#include "fetcher/trust.h"

#define CRL_EVERY_S 3600
#define CRL_RETRY_S 60      /* also the least between two fetches: a list that is over helps nobody */
#define CRL_BUSY_S  1       /* there was no room for the fetch */

struct crl {
	char url[PASSPORT_X5U_MAX + 1];  /* "": none, nothing is ever due */
	uint64_t due_ns;                 /* CLOCK_MONOTONIC; 0: at once */
	bool is_running;
};

/** crl_turn() - start a fetch where one is due. */
void crl_turn(struct crl *c, struct fetch *f, struct trust *t, uint64_t now_ns);

/** crl_is() - does this fetch concern it? */
bool crl_is(const struct crl *c, struct slice url);

/** crl_done() - the fetch has ended so.  Return: as trust_crl(); negative also where nothing came. */
int crl_done(struct crl *c, struct trust *t, const struct fetch_result *r, uint64_t now_ns, int64_t now_s);

#endif
