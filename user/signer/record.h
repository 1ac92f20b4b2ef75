/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * record - for `sipseal capture` (trunk/capture.h): every frame of a trunk, as it came and as it left, while somebody
 * asks for it.
 *
 *     leave.c: record_begin() -> emit.c: capture_add() -> tell_frame(): capture_end()
 *     does not leave: -------------------------------------- record_begin() -^
 *
 * Not before it leaves: the frame stands as it came until then, and one that waits, or a CANCEL that sends another
 * one on, has no record yet.  So none is open across frames, and nothing is copied or counted as lost twice.  A
 * frame whose metadata cannot be believed has none: nobody knows whose it is.  Off: one load per frame.
 * Threads: the worker's own.
 */
#ifndef SIPSEAL_SIGNER_RECORD_H
#define SIPSEAL_SIGNER_RECORD_H

#include "signer/steered.h"

/** record_follow() - at the top of the loop: the region, once it has come. */
void record_follow(struct worker *w);

/** record_came() - what record_begin() does while somebody asks for it. */
void record_came(struct worker *w, const struct steered *s);

/** record_begin() - the frame as it came, once.  @s: with metadata that can be believed */
static inline void record_begin(struct worker *w, struct steered *s)
{
	if (s->is_recorded)
		return;
	s->is_recorded = true;
	if (capture_begin(&w->capture, s->meta.trunk, (uint8_t)s->in->index, w->now_ns))
		record_came(w, s);
}

#endif
