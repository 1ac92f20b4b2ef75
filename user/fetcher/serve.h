/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * serve - the life of sipseal-fetcher: the daemon's messages (stir/fetcher_msg.h), the signer's wants, and fetches.
 *
 * One thread.  Wants come by shared memory, without a wake-up: they are looked at every SERVE_BUSY_MS while calls
 * come, else every SERVE_IDLE_MS, which costs about half a percent of a core.  No turn takes long: what may be much
 * (chains of the disk cache, wants) is done in slices.
 */
#ifndef SIPSEAL_FETCHER_SERVE_H
#define SIPSEAL_FETCHER_SERVE_H

#define SERVE_IDLE_MS    8    /* of the wait_ms that the first call has after a pause */
#define SERVE_BUSY_MS    2
#define SERVE_BUSY_FOR_MS 200 /* after the last want */

/** serve() - until the daemon goes away.  @fd: connected to it.  Return: exit code. */
int serve(int fd);

#endif
