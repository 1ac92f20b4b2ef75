/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * siphash - a keyed hash for tables whose keys strangers choose: SipHash-2-4 with 64 bits
 * (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012).  Who does not know the key cannot
 * aim at a bucket.
 *
 * OpenSSL has it too, but only with a context from the heap per thread; this one is for look-ups on
 * the hot path.  Memory: none is allocated.  Threads: no state, any thread.
 */
#ifndef SIPSEAL_SIPHASH_H
#define SIPSEAL_SIPHASH_H

#include <stdint.h>

#include "base/slice.h"

struct siphash_key {
	uint64_t k0, k1;    /* the 16 bytes of the key, each half read as a little-endian number */
};

/** siphash() - of @data, which may be empty. */
uint64_t siphash(struct siphash_key key, struct slice data);

#endif
