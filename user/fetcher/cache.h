/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cache - what is behind a want: the region has it, or the disk has the chain, or it is fetched.  What comes is judged,
 * published in the region and, where it is good, kept on disk.
 *
 *   fetched                                           verdict
 *   a body                                            as judge_chain() says
 *   URL or address that the rules refuse              BAD x5u_refused 436,               CACHE_KEEP_FAILED_S
 *   time-out, refused, cut off, no route or name,     BAD certificate_unreachable 436,   CACHE_KEEP_UNREACHABLE_S
 *     status 5xx, 408, 425, 429
 *   another status, TLS, too large, broken HTTP       BAD fetch_failed 436,              CACHE_KEEP_FAILED_S
 *   over a budget, out of memory                      none: the next call asks again
 *
 * Stored chains are judged before they are used: newest first, in slices (cache_work()); one that is wanted before its
 * turn is judged at once.  When what chains are judged by has changed, all are judged anew (cache_rejudge()).
 * Everything but the store's own reads and writes is memory.  Threads: one.
 */
#ifndef SIPSEAL_FETCHER_CACHE_H
#define SIPSEAL_FETCHER_CACHE_H

#include "fetcher/fetch.h"
#include "fetcher/notes.h"
#include "fetcher/store.h"
#include "fetcher/trust.h"
#include "stir/fetcher_msg.h"

#define CACHE_KEEP_FAILED_S      60
#define CACHE_KEEP_UNREACHABLE_S 30
#define CACHE_CLOCK_S            60   /* a chain that came so much later than now came by a clock that was wrong */
#define CACHE_AGAIN_S            60   /* between two fetches of a URL whose key did not fit a signature */

struct cache {
	const struct verdict_region *region;
	struct verdict_writer *writer;       /* borrowed, as the next two */
	struct trust *trust;
	struct fetch *fetch;
	struct store *store;                 /* NULL: none */
	struct notes *notes;
	unsigned round, cursor;              /* of judging what is stored */
	uint32_t left;                       /* files before the end of the round */
	bool is_walking;
	bool is_begun;                       /* a fetch, since the owner looked */
	uint64_t fetched, failed, over_budget;
	int64_t ahead_ms;                    /* CLOCK_REALTIME of CLOCK_MONOTONIC, at most so far; 0: not looked yet */
};

/** cache_want() - somebody waits for it, or its key did not fit (VERDICT_WANT_AGAIN).  While a list is awaited that
 * nothing is believed without, nothing is done. */
void cache_want(struct cache *c, const struct verdict_want *w, int64_t now_s);

/** cache_fetched() - for fetch_new()'s callback.  A URL that this cache does not wait for is ignored. */
void cache_fetched(struct cache *c, struct slice url, const struct fetch_result *r, int64_t now_s);

/** cache_rejudge() - anchors or list are other ones, or a store is there: begin a round.  Good verdicts whose chain is
 * not on disk are dropped, so that they are fetched anew, as are failures that the judge gave. */
void cache_rejudge(struct cache *c, int64_t now_s);

/** cache_work() - judge stored chains, for about @limit_ms.  Return: there is more to do now. */
bool cache_work(struct cache *c, unsigned limit_ms, int64_t now_s);

/** cache_clock() - what the clocks say, in each turn.  Where CLOCK_REALTIME was set back failures are dropped, and so is
 * what came later than now: it would be believed for as long as the clock was wrong. */
void cache_clock(struct cache *c, int64_t real_ms, uint64_t mono_ns);

/** cache_expire() - forget what is over; every few seconds. */
void cache_expire(struct cache *c, int64_t now_s);

/** cache_prefetch() - fetch it whatever is known.  Return: 0 it runs; -EINVAL the rules refuse it; -EAGAIN, -ENOMEM,
 * -EIO; all with reterr_text (static). */
int cache_prefetch(struct cache *c, struct slice url, int64_t now_s, const char **reterr_text);

/** cache_flush() - forget one URL, or with an empty one all of them, on disk too.  A fetch that runs goes on.
 * Return: 0, -ENOENT. */
int cache_flush(struct cache *c, struct slice url);

/** cache_list() - records into @fd from offset 0, at most @max, those that came last first.  @url: only this one;
 * empty: all from @skip on.  Return: 0; negative errno of the writing.  *ret_total: how many there are. */
int cache_list(struct cache *c, int fd, uint32_t max, struct slice url, uint32_t skip, int64_t now_s,
	       uint32_t *ret_cnt, uint32_t *ret_total);

/** cache_hosts() - the same of hosts, worst first. */
int cache_hosts(const struct cache *c, int fd, uint32_t max, uint32_t *ret_cnt, uint32_t *ret_total);

/** cache_stats() - all but running and the CRL. */
void cache_stats(const struct cache *c, struct fetcher_stats *ret);

#endif
