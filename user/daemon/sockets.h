/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sockets - the AF_XDP sockets and UMEMs of one signer: one socket per port and queue, one UMEM per
 * worker; queue q of every port belongs to worker q % workers.
 *
 * Frames: the fill rings of a worker together take half of its UMEM, so that the other half is
 * there for sending; how a ring is sized is in sockets_fill_size().
 */
#ifndef SIPSEAL_DAEMON_SOCKETS_H
#define SIPSEAL_DAEMON_SOCKETS_H

#include <stdint.h>

#include "abi.h"
#include "daemon/nic.h"

#define SOCKETS_ERR_LEN 256

struct sockets_plan {
	const struct nic *nics;
	unsigned nic_cnt, workers;
	uint8_t rx_only;               /* bit i: sockets on NIC i have no tx ring */
	uint32_t frames;               /* per worker, a power of two */
};

struct sockets {
	const struct sockets_plan *plan;
	int umem[SIPSEAL_WORKERS_MAX];
	int fd[SIPSEAL_PORTS_MAX][SIPSEAL_QUEUES_MAX];
};

/** sockets_fill_size() - entries of each fill ring of @worker: a power of two, 2048 at most; 0:
 * the worker has more sockets than its UMEM can feed (16 frames each). */
uint32_t sockets_fill_size(const struct sockets_plan *plan, unsigned worker);

/** sockets_ring_size() - entries of rx, tx and completion rings: 1024, or fewer with a small
 * UMEM. */
uint32_t sockets_ring_size(const struct sockets_plan *plan);

/** sockets_open() - @plan must outlive *ret.  Return: 0, or negative errno; reterr names the
 * remedy. */
int sockets_open(const struct sockets_plan *plan, struct sockets *ret,
		 char reterr[SOCKETS_ERR_LEN]);

/** sockets_done() - close our copies. */
void sockets_done(struct sockets *s);

#endif
