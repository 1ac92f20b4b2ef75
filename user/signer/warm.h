/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * warm - keeps what a signature needs near the processor while a worker spins and no call comes.
 *
 * OpenSSL reads 150 KB of points per signature.  Where others use the same second-level cache (neighbours of a virtual
 * machine, the second thread of a core) they have left it within half a millisecond.  Measured, signatures a millisecond
 * apart: 30 to 34 us each; 20 us with others of a throw-away key every WARM_NS in between; 19 one after another.  So a worker
 * that spins reads an INVITE of its own and signs for it, with a key that lives only here; it has the time.  One that
 * sleeps has not: there it would cost what the sleep saves.  At 1,000 INVITEs/s it takes 2.5 us of 33 from the median and 12 of
 * 73 from the 99th percentile.
 * Threads: that of its worker.
 */
#ifndef SIPSEAL_SIGNER_WARM_H
#define SIPSEAL_SIGNER_WARM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"

/* 500 us: 25 us per signature where neighbours are busy.  A call that comes while it signs, 8 % of the time, waits 10 us more. */
#define WARM_NS 250000ull

struct warm;

/** warm_new() - with a throw-away key.  Return: 0, -ENOMEM, or -EIO: OpenSSL failed. */
int warm_new(struct warm **ret);
void warm_free(struct warm *w);
DEFINE_FREEP(struct warm *, warm_free)

/** warm_turn() - in every turn of the loop.  @is_busy: there was work, which warms as well.
 * Return: true if it signed. */
bool warm_turn(struct warm *w, uint64_t now_ns, bool is_busy);

#endif
