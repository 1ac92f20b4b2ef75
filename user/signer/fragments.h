/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fragments - the worker's side of reassembly (wire/reassemble.h): steered fragments become datagrams, and run like
 * a frame that came whole.
 *
 *     frame -> checks -> this worker's flow? -- no --> mailbox of its owner (mailbox.h)
 *                             | yes                          |
 *                             v <----------------------------+
 *                        reassembly --- complete ---------------> datapath_invite(), or on as it came
 *                             |   \---- another protocol --------> on as it came
 *                             |    \--- never complete, refused -> dropped, or on as it came (emergency calls)
 *                             v
 *                        a copy, too small, wrong: dropped
 *
 * The first fragment's metadata decides for a datagram (trunk, flags, route); how old it is counts from its last
 * fragment.  It runs by the policy of that generation, or by the newest one where that is gone: trunk slots rest
 * for longer than a fragment is held.  What leaves unchanged leaves as the fragments that came, in their order; what
 * is edited is cut anew.
 *
 * Counting: each fragment has exactly one reason.  A datagram of n of them has its own once and SR_REASSEMBLED
 * n - 1 times; fragments that become no datagram have the same reason each.  Until then they are in fragments_held.
 *
 * A CANCEL that came whole follows its INVITE into the mailbox while INVITEs wait there: it must not overtake it.
 *
 * Cost: about 5 us per fragment that is put together and leaves again (datagrams of 5 and of 28 of them).
 * Memory, per worker: REASSEMBLE_DEFAULTS (16 MiB of frames, 8 MiB of a source), as it is used.
 * Threads: the worker's own.
 */
#ifndef SIPSEAL_SIGNER_FRAGMENTS_H
#define SIPSEAL_SIGNER_FRAGMENTS_H

#include "signer/steered.h"

/** fragments_new() - part of worker_new().  Return: 0, -ENOMEM, -EIO: no random numbers. */
int fragments_new(struct worker *w);
void fragments_done(struct worker *w);

/** fragments_came() - a frame with F_FRAGMENT from a ring of this worker; its reason is told here, now or later.
 * @s: frame and metadata of the right version */
void fragments_came(struct worker *w, struct steered *s);

/** fragments_cancel() - a CANCEL that came whole, and whose INVITE does not wait here: that may have come in fragments,
 * and wait with the worker that owns the flow.
 * Return: true: it has gone there, and its reason is told there */
bool fragments_cancel(struct worker *w, const struct steered *s);

/** fragments_turn() - those that other workers have sent, and those whose time is up.  Return: true: there was work. */
bool fragments_turn(struct worker *w);

/** fragments_end() - all that are held leave as those whose time is up. */
void fragments_end(struct worker *w);

#endif
