/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * neighbours - keep the kernel asking whether next hops are still where they were.
 *
 * What XDP and AF_XDP send never counts as use of a neighbour entry: it goes stale, nothing probes it, and
 * when the next hop gets another MAC the packets go to the old one for ever.  So stale entries of our NICs
 * are marked as used from time to time, all of them: next hops of trunks, of the way back and of media.
 * The kernel then probes them as it does for its own traffic, and what does not answer is resolved anew.
 * Nothing is added or changed by that, so there is nothing to take back.
 */
#ifndef SIPSEAL_DAEMON_NEIGHBOURS_H
#define SIPSEAL_DAEMON_NEIGHBOURS_H

#include "daemon/nic.h"

/** Between two calls.  A next hop that moved is found after this and the kernel's own eight seconds (five of
 * waiting, three probes). */
#define NEIGHBOURS_PERIOD_MS 10000

/** neighbours_use() - mark the stale entries of @nics as used, some thousand at most.
 * Return: how many; or negative errno. */
int neighbours_use(const struct nic *nics, unsigned nic_cnt);

#endif
