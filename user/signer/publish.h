/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * publish - what a worker tells the daemon through shared memory.  Threads: the worker's own.
 */
#ifndef SIPSEAL_SIGNER_PUBLISH_H
#define SIPSEAL_SIGNER_PUBLISH_H

#include "signer/worker.h"

/** publish_loop() - UMEM accounting, heartbeat, marks and fair share; plain stores, once per batch. */
void publish_loop(struct worker *w);

/** publish_second() - XDP_STATISTICS of each socket, CPU time, replay cache, signatures verified by a
 * table. */
void publish_second(struct worker *w);

#endif
