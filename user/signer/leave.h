/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leave - the ways on which a steered datagram leaves the signer.  Each returns the reason under which the frame is
 * counted; SR_NO_FRAME where there is no way out (counted in send_errors).  Private to the data path.
 */
#ifndef SIPSEAL_SIGNER_LEAVE_H
#define SIPSEAL_SIGNER_LEAVE_H

#include "signer/steered.h"

/**
 * leave_unchanged() - as it came, as long as there is any way out: also a frame that does not parse.  Fragments leave
 * as they came, unless the route is too narrow for them: then a whole datagram is cut anew.
 */
enum sipseal_reason leave_unchanged(struct worker *w, struct steered *s, enum sipseal_reason reason);

/**
 * leave_edited() - with our edits.  What cannot be framed with them leaves without (SR_OUTPUT_LIMIT; standards 7.1:
 * never drop the call), unless it came from the carrier and they take something away: nobody's marks get through
 * for being too large (SR_FORGED_MARK; emergency calls leave as they came).
 */
enum sipseal_reason leave_edited(struct worker *w, struct steered *s, const struct sip_edits *edits,
				 enum sipseal_reason reason);

/** leave_max() - the longest datagram that can leave in place of @s. */
size_t leave_max(const struct worker *w, const struct steered *s);

/** leave_refused() - the answer of s->out, to where the request came from; @in: as the engine had it. */
enum sipseal_reason leave_refused(struct worker *w, struct steered *s, struct engine_input *in);

#endif
