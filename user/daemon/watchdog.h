/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * watchdog - does every worker of the signer still turn?
 *
 * XDP takes no traffic to a worker whose heartbeat is old, but one that hangs for ever would leave its queues without
 * service.  What counts is not how old a heartbeat is but how often it was looked at in vain: a machine that stood
 * still wakes all processes in any order, and the daemon must not take that for a hang.
 * Memory: the caller's, zero at first.  Threads: one.
 */
#ifndef SIPSEAL_DAEMON_WATCHDOG_H
#define SIPSEAL_DAEMON_WATCHDOG_H

#include <stdint.h>

#include "abi.h"

#define WATCHDOG_LOOK_MS 500 /* between two looks */

/* Looks at the same heartbeat before its worker hangs: 5 s.  Less, and a machine that swaps loses its calls to
 * restarts; more, and callers give up (RFC 3261: the fifth copy of an INVITE comes after 7.5 s). */
#define WATCHDOG_LOOKS 10

struct watchdog {
	uint64_t seen[SIPSEAL_WORKERS_MAX]; /* heartbeat of the last look */
	unsigned still[SIPSEAL_WORKERS_MAX];
	uint64_t at_ns;                     /* of the next look */
};

/** watchdog_reset() - another signer: what was seen is of the last one. */
void watchdog_reset(struct watchdog *w, uint64_t now_ns);

/** watchdog_look() - if it is time.
 * @beats: a word per worker, CLOCK_MONOTONIC ns
 * @limit_ms: heartbeat_ms, which a worker may be silent in any case
 * Return: index of a worker that hangs, or -1. */
int watchdog_look(struct watchdog *w, const volatile uint64_t *beats, unsigned workers, unsigned limit_ms,
		  uint64_t now_ns);

#endif
