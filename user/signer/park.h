/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * park - INVITEs that wait for a certificate, in memory of their own: none holds a chunk of the UMEM.
 *
 *     park_put() -> asked for, copies absorbed (park_find()) -> run again when verdicts have come, when the time
 *     is up, or when its CANCEL comes (park_find_transaction()) -> park_drop()
 *
 * Bounded: PARK_MAX of them, a frame of a chunk each, and PARK_LARGE_MAX of those that came in fragments, each with
 * the fragments and the datagram (151 KiB); who finds no room does not wait.  Nothing is allocated after park_new(),
 * and memory that was never used takes none.  Threads: one per worker.
 */
#ifndef SIPSEAL_SIGNER_PARK_H
#define SIPSEAL_SIGNER_PARK_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"
#include "base/cleanup.h"
#include "sip/message.h"
#include "signer/replay.h"
#include "stir/verify.h"
#include "wire/reassemble.h"
#include "xsk/port.h"

#define PARK_LARGE_MAX 32 /* of a worker: 4.7 MiB */
#define PARK_MAX 256 /* of a worker: 640 new unknown certificates per second at the default wait_ms */

/* The frames of a datagram that came in fragments, in the order in which they came. */
struct pieces {
	unsigned cnt;
	struct slice frames[REASSEMBLE_FRAGMENTS];
	uint64_t times_ns[REASSEMBLE_FRAGMENTS]; /* when XDP saw them */
};

struct park_large;

/* One of them.  What the worker needs to go on is as it was when the frame came. */
struct parked {
	struct parked *prev, *next;        /* oldest first */
	struct port *in;
	struct sipseal_meta meta;
	struct replay_key key;             /* of the copy */
	bool has_key, has_transaction;
	uint64_t transaction;
	uint64_t since_ns, until_ns;       /* CLOCK_MONOTONIC */
	uint64_t changes;                  /* verdict_changes() before it was looked at last */
	unsigned wanted_cnt;
	struct slice wanted[VERIFY_ROWS_MAX]; /* x5u values, in the frame */
	struct slice frame;                /* the copy; of one that came in fragments, as if it had come whole */
	const struct pieces *pieces;       /* NULL: it came whole */
	struct park_large *large;          /* where they are */
};

struct park;

/** park_new() - Return: 0, -ENOMEM, -EIO: no random numbers. */
int park_new(struct park **ret);
void park_free(struct park *p);
DEFINE_FREEP(struct park *, park_free)

/** park_cnt() - how many wait. */
unsigned park_cnt(const struct park *p);

/** park_put() - a place for a copy of @frame; all else is zero and the caller's to fill in.
 * Return: NULL: no room, or a frame larger than a chunk. */
struct parked *park_put(struct park *p, struct slice frame);

/** park_put_pieces() - the same for a datagram that came in fragments.
 * @f: the datagram; @pieces: its frames, without padding */
struct parked *park_put_pieces(struct park *p, const struct wire_frame *f, const struct pieces *pieces);

/** park_drop() - it has left; the place is free. */
void park_drop(struct park *p, struct parked *e);

/** park_first() - the oldest, or NULL; the others by `next`. */
struct parked *park_first(const struct park *p);

/** park_find() - the one whose copy this is, or NULL. */
struct parked *park_find(const struct park *p, const struct replay_key *key);

/** park_transaction() - name of the transaction that an INVITE and its CANCEL share (RFC 3261 s9.1): branch, Call-ID,
 * number of CSeq and address it came from, hashed with a key of this start.
 * @m: parsed, SR_NONE
 * Return: false: it has none. */
bool park_transaction(const struct park *p, const struct sip_message *m, const uint8_t src[16], uint64_t *ret);

/** park_find_transaction() - Return: NULL: none of it waits. */
struct parked *park_find_transaction(const struct park *p, uint64_t transaction);

#endif
