/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wants - what a worker asks the fetcher for (stir/verdict.h), the same thing once per second: a carrier with a new
 * certificate has more calls than one, and the ring has few places.  Threads: the worker's own.
 */
#ifndef SIPSEAL_SIGNER_WANTS_H
#define SIPSEAL_SIGNER_WANTS_H

#include <stdint.h>

#include "base/siphash.h"
#include "stir/verdict.h"

/* Shorter: a busy trunk fills the ring with one URL.  Longer: an answer that the fetcher did not give (budget, its
 * own trouble) is asked for too late to be there when the caller tries again. */
#define WANTS_AGAIN_NS 1000000000ull
#define WANTS_KEPT     256

struct wants {
	struct siphash_key key;      /* of this start: nobody aims at the place of another URL */
	struct {
		uint64_t hash, at_ns; /* at_ns 0: none */
	} asked[WANTS_KEPT];
};

/** wants_ask() - @flags: VERDICT_WANT_*; @now_ns: CLOCK_MONOTONIC
 * Return: false: the ring is full (counted there). */
bool wants_ask(struct wants *w, struct verdict_wants *ring, uint32_t trunk, struct slice x5u, uint16_t flags,
	       uint64_t now_ns);

/** wants_forget() - a new fetcher reads the ring: nothing was asked yet. */
void wants_forget(struct wants *w);

#endif
