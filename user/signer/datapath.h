/* SPDX-License-Identifier: BSD-2-Clause */
/* datapath - the way of a frame through the signer.  Private to worker.c, fragments.c and inbound.c. */
#ifndef SIPSEAL_SIGNER_DATAPATH_H
#define SIPSEAL_SIGNER_DATAPATH_H

#include "signer/steered.h"

/** datapath_batch() - what has come in by @in, at most PORT_BATCH frames.  Return: how many. */
unsigned datapath_batch(struct worker *w, struct port *in);

/** datapath_decide() - the engine's turn, and what it decides is done.
 * @s: parsed, with a policy in which its trunk is
 * @is_last: there is no waiting (any longer) for certificates
 * Return: the reason; SR_NONE: it waits. */
enum sipseal_reason datapath_decide(struct worker *w, struct steered *s, bool is_last);

/** datapath_meta_check() - Return: SR_NONE and s->policy; or why the frame is not taken. */
enum sipseal_reason datapath_meta_check(struct worker *w, struct steered *s);

/** datapath_invite() - a whole datagram whose checksum is right, with its policy: a copy, or the engine's turn.
 * Return: the reason; SR_NONE: it waits. */
enum sipseal_reason datapath_invite(struct worker *w, struct steered *s);

/** datapath_drop() - Return: @reason; an emergency call leaves as it came instead. */
enum sipseal_reason datapath_drop(struct worker *w, struct steered *s, enum sipseal_reason reason);

/** datapath_override() - engine_env.override; ctx is the worker. */
const struct pidf_template *datapath_override(void *ctx, struct slice call_id, struct slice calling);

#endif
