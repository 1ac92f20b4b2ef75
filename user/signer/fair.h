/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fair - what XDP needs to know of a worker to share it out among the trunks that call (abi.h,
 * SIPSEAL_FAIR):
 *
 *     time per frame while busy * trunks that called in the last window
 *                                                 = ns between two INVITEs of one trunk
 *
 * The time is that of whole rounds of the loop, sending included, averaged with a weight of frames:
 * rounds of one frame, which are mostly overhead, hardly move it.  It is kept while the worker is
 * idle; the product is 0 then, for nobody calls.
 * Memory: 4 bytes per trunk slot, touched where trunks call.  Threads: the worker's own.
 */
#ifndef SIPSEAL_SIGNER_FAIR_H
#define SIPSEAL_SIGNER_FAIR_H

#include <stdint.h>

/* Shorter: trunks with some calls per second fall out of the count.  Longer: those that stopped
 * calling keep their share for longer. */
#define FAIR_WINDOW_NS 200000000ull

struct fair {
	uint32_t *seen;	 /* [SIPSEAL_TRUNKS_MAX] window in which the trunk was seen last */
	uint32_t window; /* number of the current one; 0 is none */
	uint32_t active, active_before; /* trunks in this window, in the one before */
	uint64_t window_ns;		/* when the current one began */
	uint64_t since_ns;		/* when the current round began */
	uint32_t frames;		/* of the current round */
	uint64_t service_ns;		/* per frame; 0: not known */
};

/** fair_init() - Return: 0, or -ENOMEM. */
int fair_init(struct fair *f);
void fair_done(struct fair *f);

/** fair_frame() - a frame of @trunk (any number) is handled in this round. */
void fair_frame(struct fair *f, uint32_t trunk);

/** fair_round() - a round of the loop begins; the one before, if it had frames, ends here. */
void fair_round(struct fair *f, uint64_t now_ns);

/** fair_interval() - ns between two INVITEs of one trunk; 0: not known, or nobody calls. */
uint64_t fair_interval(const struct fair *f);

#endif
