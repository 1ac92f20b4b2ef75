/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fetching - sipseal-fetcher as the daemon sees it: started where certificates.trust_anchors is configured, given its
 * memfds, anchors, CRL and cache directory, started again with back-off when it dies; the signer gets the memfds of
 * each new one.
 *
 * A fetcher that is gone costs nothing at once: its verdicts stay with the signer until the next one is ready.  No
 * call here waits for the network; an answer that does not come in FETCHING_TIMEOUT_MS ends the fetcher.
 */
#ifndef SIPSEAL_DAEMON_FETCHING_H
#define SIPSEAL_DAEMON_FETCHING_H

#include <stdbool.h>

#include "daemon/proc.h"
#include "stir/fetcher_msg.h"

#define FETCHER_USER        "sipseal-fetcher"
#define FETCHING_TIMEOUT_MS 2000
#define FETCHING_ERR_LEN    PROC_ERR_LEN

struct sipseald;
struct fetching;

/** fetching_new() - nothing runs yet.  *ret is NULL where no trust anchors are configured.
 * Return: 0; -ENOMEM; -ENOENT no program; -EINVAL the anchors cannot be read (reterr). */
int fetching_new(const struct sipseald *d, struct fetching **ret, char reterr[FETCHING_ERR_LEN]);
void fetching_free(struct fetching *f);   /* stops it; NULL: nothing */

/** fetching_start() - process, hand-over, START; if that fails, a later turn does it again.
 * Return: enum daemon_exit (reterr). */
int fetching_start(struct sipseald *d, char reterr[FETCHING_ERR_LEN]);

/** fetching_give() - the memfds to the signer; after its START, and in the turn after each fetching_start().  No
 * fetcher was ready yet, or no signer runs: nothing to do.  What fails has been logged, and is tried again in a
 * later turn.  Return: 0; -EAGAIN; as signer_proc_call(). */
int fetching_give(struct sipseald *d, char reterr[FETCHING_ERR_LEN]);

/** fetching_fd() - becomes readable when it has gone; -1: none runs. */
int fetching_fd(const struct fetching *f);

/** fetching_turn() - reap, restart when it is due.  Return: ms until the next turn, -1: none is due. */
int fetching_turn(struct sipseald *d);

/** fetching_reload() - anchors and CRL file again (`sipseal cert reload`).
 * Return: 0; -EINVAL: they cannot be read or are refused, the former ones stay; -EPIPE none runs, the next one gets
 * them; -ETIMEDOUT (reterr). */
int fetching_reload(struct sipseald *d, char reterr[FETCHING_ERR_LEN]);

/* What the fetcher knows; all strings are printable ASCII and end in their arrays, numbers are plausible.
 * @f: NULL is one that does not run
 * Return: 0; -ENOTCONN none runs; -EPIPE, -ETIMEDOUT (it has been stopped); -EINVAL it refuses; -ENOENT, -EAGAIN it
 * says so; -ENOMEM or other errno of ours (reterr has words for all of them). */
int fetching_stats(struct fetching *f, struct fetcher_stats *ret, char reterr[FETCHING_ERR_LEN]);
/** fetching_list() - malloc'd array.  @x5u: one URL, or "" for all from @skip on, newest first. */
int fetching_list(struct fetching *f, const char *x5u, uint32_t skip, struct fetcher_entry **ret, uint32_t *ret_cnt,
		  uint32_t *ret_total, char reterr[FETCHING_ERR_LEN]);
int fetching_hosts(struct fetching *f, struct fetcher_host **ret, uint32_t *ret_cnt, char reterr[FETCHING_ERR_LEN]);
int fetching_prefetch(struct fetching *f, const char *x5u, char reterr[FETCHING_ERR_LEN]);
int fetching_flush(struct fetching *f, const char *x5u, char reterr[FETCHING_ERR_LEN]);

/** fetching_restarts() - since our start; fetching_is_up(). */
unsigned fetching_restarts(const struct fetching *f);
bool fetching_is_up(const struct fetching *f);

/** fetching_proc() - pid, user, how the last one ended. */
const struct proc *fetching_proc(const struct fetching *f);

#endif
