/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fetch_budget - who may fetch how much, so that no stranger can use up what all share.
 *
 * Three kinds of fetches: from a host that we know nothing good of (a stranger), from one whose last fetch ended with an
 * HTTP answer (known), and our own (CRL, prefetch).  Strangers leave room for known hosts, in number and in the
 * trunk's bucket, and both leave room for our own: servers that hang and URLs that are made up for each call
 * delay strangers, nobody else.  No trunk gets all of what trunks share, neither the places nor those of one host:
 * who makes up paths of a host that answers delays the calls of his own trunk.  Both tables are bounded; the oldest that are idle give way, strangers first.
 * The clock comes from the caller.  Threads: one.
 */
#ifndef SIPSEAL_FETCHER_FETCH_BUDGET_H
#define SIPSEAL_FETCHER_FETCH_BUDGET_H

#include "fetcher/fetch.h"

#define BUDGET_OURS        UINT32_MAX /* the trunk of our own fetches */
#define BUDGET_HOSTS_MAX   256
#define BUDGET_TRUNKS_MAX  1024
#define BUDGET_BURST       50         /* of a trunk */
#define BUDGET_HOST_BURST  100
#define BUDGET_KNOWN_SPARE 8          /* parallel fetches that strangers leave to known hosts */
#define BUDGET_OURS_SPARE  2          /* and both to our own */
#define BUDGET_BURST_SPARE 20         /* of a trunk's bucket, for known hosts */
#define BUDGET_TRUNK_MAX   16         /* strangers at a time, of one trunk */
#define BUDGET_TRUNK_ALL   24         /* strangers and known ones */
#define BUDGET_TRUNK_HOST  4          /* at a time of one host, of one trunk */
#define BUDGET_HUNG_MAX    64         /* name look-ups that outlived their fetch: a thread each */
#define BUDGET_HUNG_NS     (30u * 1000000000ull) /* the C library's resolver gives up after that at the latest */

struct budget;

/** budget_new() - Return: 0, -ENOMEM. */
int budget_new(struct budget **ret);
void budget_free(struct budget *b);
DEFINE_FREEP(struct budget *, budget_free)

/* What was charged; goes back once, by budget_give() or budget_drop(). */
struct budget_ticket {
	struct host *host;
	struct trunk *trunk;         /* NULL: ours */
	uint32_t slot;
	bool is_stranger;
};

/** budget_take() - start one fetch from @host: all limits are charged or none.
 * Return: 0; -EAGAIN over a limit, *reterr_text (static); -ENOMEM. */
int budget_take(struct budget *b, const char *host, uint32_t trunk, uint64_t now_ns,
		struct budget_ticket *ret, const char **reterr_text);

/** budget_give() - the fetch has ended so. */
void budget_give(struct budget *b, const struct budget_ticket *k, const struct fetch_result *r);

/** budget_drop() - the fetch did not begin, or we gave it up: it tells nothing of the host. */
void budget_drop(struct budget *b, const struct budget_ticket *k);

/** budget_hung() - a fetch ended before its name was found: the look-up goes on behind it. */
void budget_hung(struct budget *b, uint64_t now_ns);

/** budget_hosts() - as fetch_hosts(). */
unsigned budget_hosts(const struct budget *b, struct fetch_host *ret, unsigned max);

#endif
