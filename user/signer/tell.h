/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tell - what became of a frame, in shared memory: counters (trunk/counters.h), the event of the call
 * (trunk/events.h), its capture (trunk/capture.h).  Plain stores.  Threads: the worker's own.
 */
#ifndef SIPSEAL_SIGNER_TELL_H
#define SIPSEAL_SIGNER_TELL_H

#include "signer/steered.h"

/**
 * tell_frame() - count it, measure it, write its event, end its capture.  No event is made by a copy, by what came
 * from the carrier and is not judged (in a dialog, verification off, CANCEL), and by a frame whose metadata cannot be
 * believed: whose call it is nobody knows.
 * @begin_ns: when the worker turned to it; w->now_ns: when it was done
 */
void tell_frame(struct worker *w, struct steered *s, enum sipseal_reason reason,
		uint64_t begin_ns);

/** tell_more() - @n more frames of the same, which are but counted. */
void tell_more(struct worker *w, const struct steered *s, enum sipseal_reason reason, unsigned n);

#endif
