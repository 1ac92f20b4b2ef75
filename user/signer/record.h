/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * record - for `sipseal capture` (trunk/capture.h): every frame of a trunk, as it came and as it left, while somebody
 * asks for it.
 *
 *     frame_run() or go_on(): record_begin() -> emit.c: record_packet() -> tell_frame(): capture_end()
 *                                                                      `-> it waits: capture_cancel()
 *
 * One that waits has no record yet: it begins anew with the copy when it goes on, so that its packets stand together,
 * and a record is never open across frames.  A frame whose metadata cannot be believed has none: nobody knows whose
 * it is.  Off: one load per frame.  Threads: the worker's own.
 */
#ifndef SIPSEAL_SIGNER_RECORD_H
#define SIPSEAL_SIGNER_RECORD_H

#include "signer/steered.h"

/** record_follow() - at the top of the loop: the region, once it has come. */
void record_follow(struct worker *w);

/** record_came() - what record_begin() does while somebody asks for it. */
void record_came(struct worker *w, const struct steered *s);

/** record_begin() - the frame as it came.  @s: with metadata that can be believed */
static inline void record_begin(struct worker *w, const struct steered *s)
{
	if (capture_begin(&w->capture, s->meta.trunk, (uint8_t)s->in->index, w->now_ns))
		record_came(w, s);
}

#endif
