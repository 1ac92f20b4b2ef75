/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inbound - the worker's side of verification: where the engine gets its certificates, signatures and replays from,
 * what is asked of the fetcher, and INVITEs that wait for it.
 *
 *     VERDICT_WAIT -> inbound_park() -+- its certificate is known, or its time is up: inbound_turn() -+-> leaves
 *                                     +- its CANCEL came: inbound_cancel()                           -+
 *                                     +- the worker ends: inbound_end()                              -+
 *
 * One that waits is counted when it leaves, by the newest policy.  Threads: the worker's own.
 */
#ifndef SIPSEAL_SIGNER_INBOUND_H
#define SIPSEAL_SIGNER_INBOUND_H

#include "signer/steered.h"

/** inbound_new() - part of worker_new().  Return: 0, -ENOMEM, -EIO. */
int inbound_new(struct worker *w);
void inbound_done(struct worker *w);

/** inbound_follow() - at the top of the loop: the verdicts that are there now. */
void inbound_follow(struct worker *w);

/** inbound_turn() - those that need not wait any longer go on.  Return: true: there are more of them. */
bool inbound_turn(struct worker *w);

/** inbound_end() - all go on as they are. */
void inbound_end(struct worker *w);

/** inbound_ask() - after the engine has judged @s: ask for certificates that it did not know, and again for those
 * whose key did not fit. */
void inbound_ask(struct worker *w, const struct steered *s);

/** inbound_park() - @s waits, a copy of it.  Return: false: no room. */
bool inbound_park(struct worker *w, const struct steered *s);

/** inbound_absorbs() - is @s a copy of one that waits? */
bool inbound_absorbs(const struct worker *w, const struct steered *s);

/** inbound_cancel() - a CANCEL: the INVITE that waits leaves first, then @s as it came.  Return: the reason. */
enum sipseal_reason inbound_cancel(struct worker *w, struct steered *s);

#endif
