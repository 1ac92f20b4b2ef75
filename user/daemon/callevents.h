/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * callevents - CallEvents: from the signer's rings (trunk/events.h) to those who follow and to the file.
 *
 * Records are copied once, checked and escaped; nothing that came from the wire can break JSON or a
 * terminal.  A slow reader loses events, never calls: each follower has a bounded queue and counts what did
 * not fit.  Also remembers which Call-IDs have left lately, for dialplan.h.  Threads: one.
 *
 * Always there (null where there is nothing to say): time, direction, trunk, call_id, status, reason, attest,
 * orig, dest, origid, x5u, source, destination, latency_us, generation.  Outbound status: SIGNED and UNSIGNED left,
 * REJECTED did not; attest, origid and x5u are those of the Identity that left.  Inbound status: STIR_VERIFIED,
 * STIR_FAILED, STIR_MISSING, also of a call that was refused or dropped or is only observed; attest, origid and x5u
 * are what the Identity that decides claims (the reason tells what that is worth), and spc, always there too, is of
 * its certificate.
 * Only where they say something:
 *     attest_why    where the attestation comes from: event_attest_why() of trunk/events.h
 *     location      attached, or why it was not: event_location()
 *     response      code of the answer to a refused call
 *     override      id of the override that was used, as POST /v1/dialplan told it
 *     emergency, restricted, call_id_cut   true
 *     waited, diverted, callback, pai_removed, x5u_cut   true; inbound
 *     observed      in mode observe, what would have happened: {status, reason, attest, origid, x5u}, and
 *                   attest_why, location, response as above
 * Escape of texts, before that of JSON: a backslash is \\, a byte outside 20-7e is \xHH.  So a line is
 * printable ASCII, and what a terminal shows is what was there.
 */
#ifndef SIPSEAL_DAEMON_CALLEVENTS_H
#define SIPSEAL_DAEMON_CALLEVENTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "trunk/events.h"

struct sipseald;
struct callevents;
struct callevents_follower;

#define CALLEVENTS_RECENT  1000       /* GET /v1/events without follow */
#define CALLEVENTS_QUEUE   (1 << 20)  /* bytes that may wait for one follower */
#define CALLEVENTS_FOLLOWERS_MAX 24 /* 16 of others and 8 of root, see control.h */

/** callevents_new() - Return: 0, -ENOMEM, -EIO: OpenSSL has no SIPHASH. */
int callevents_new(struct sipseald *d, struct callevents **ret);
/** callevents_free() - ends followers as well: those who read them go first. */
void callevents_free(struct callevents *e);

/** callevents_renew() - a new region with d->workers rings for a new signer, after the old one has been read to
 * its end.
 * Return: 0, negative errno; *ret_fd (owned by e) and *ret_len for the hand-over. */
int callevents_renew(struct callevents *e, int *ret_fd, uint64_t *ret_len);

/** callevents_turn() - read what is there.  Return: ms until the next turn is due. */
int callevents_turn(struct callevents *e);

/** callevents_file() - open, reopen or close (NULL) the sink; appends.  A regular file, no symbolic link; made with
 * mode 0640 where there is none.  What cannot be written is counted and logged once a minute.
 * Return: 0; negative errno: the sink is what it was. */
int callevents_file(struct callevents *e, const char *path);

/** callevents_json() - the object of design section 5; NULL without memory. */
json_t *callevents_json(const struct sipseald *d, const struct event_record *r);

/** callevents_recent() - the last ones, oldest first, one line of JSON each; malloc'd.  @trunk: NULL all. */
char *callevents_recent(struct callevents *e, const char *trunk);

/** A follower: callevents_follow() - NULL: too many.  callevents_read() copies up to @cap bytes of whole or
 * partial lines (0: nothing there now).  @wake is called when a follower that had nothing gets something.
 * {"dropped":N} is a line of its own: N events did not fit. */
struct callevents_follower *callevents_follow(struct callevents *e, const char *trunk, void (*wake)(void *ctx), void *ctx);
size_t callevents_read(struct callevents_follower *f, char *dst, size_t cap);
void callevents_unfollow(struct callevents_follower *f);

/** callevents_has_left() - has an INVITE of this Call-ID been handled in the last 64 s?  Reads the rings first. */
bool callevents_has_left(struct callevents *e, struct slice call_id);

/* Totals for status and metrics. */
struct callevents_totals { uint64_t events, dropped_ring, dropped_reader, dropped_file, invalid; unsigned followers; };
void callevents_totals(const struct callevents *e, struct callevents_totals *ret);

/** callevents_override_used() - last seq of override entry @index that was used, for dialplan.h. */
uint64_t callevents_override_used(const struct callevents *e, uint32_t index);

#endif
