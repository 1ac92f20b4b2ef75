/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * capturing - INVITEs before and after, from the signer's rings (trunk/capture.h) to those who read
 * GET /v1/capture as pcapng (capture_file.h).
 *
 *     no reader: want = 0, no memory     first reader: memory for all rings, then want
 *     last one gone: want = 0; the memory stays until the signer ends: a worker may still be at a record
 *
 * Each signer is given a region of its own at its start; readers go on with the next one.  A worker's ring is read
 * every CAPTURING_TURN_MS while there is a reader, CAPTURING_TURN_LEN bytes in a turn at most.
 * A slow reader loses INVITEs, never calls: what does not fit its queue is counted as a drop of the NIC that the
 * INVITE came by, as what the workers lost is.  Workers count what they lose of all trunks that anybody asks for: a
 * reader of one trunk is told those of the others, too, while there are readers of others.
 * Threads: one.
 */
#ifndef SIPSEAL_DAEMON_CAPTURING_H
#define SIPSEAL_DAEMON_CAPTURING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct sipseald;
struct capturing;
struct capturing_reader;

#define CAPTURING_READERS_MAX 4
#define CAPTURING_QUEUE    (4u << 20)  /* bytes that may wait for one reader; half of it at least */
#define CAPTURING_TURN_MS  10          /* a ring holds what a worker may write in 250 */
#define CAPTURING_TURN_LEN (1u << 20)

/** capturing_new() - Return: 0, -ENOMEM. */
int capturing_new(struct sipseald *d, struct capturing **ret);
/** capturing_free() - those who read go first. */
void capturing_free(struct capturing *c);

/** capturing_renew() - a new region for a new signer, after the old one has been read to its end.  Where that fails
 * there is none, and the readers' streams end.
 * Return: 0, negative errno; *ret_fd (owned by c) and *ret_len for the hand-over. */
int capturing_renew(struct capturing *c, int *ret_fd, uint64_t *ret_len);

/** capturing_drop() - the signer does not take the region: no captures until the next one. */
void capturing_drop(struct capturing *c);

/** capturing_turn() - read what is there.  @c: NULL: nothing to do.  Return: ms until the next turn is due, -1: none is. */
int capturing_turn(struct capturing *c);

struct capturing_ask {
	const char *trunk;       /* NULL: all */
	uint64_t count;          /* INVITEs after which the stream ends; 0: never */
	uint64_t seconds;        /* the same; 0: never */
	void (*wake)(void *ctx); /* there is something to read, or the end; may be called again */
	void *ctx;
};

/** capturing_open() - Return: 0; -EUSERS too many; -ENOENT no such trunk; -ENODEV no region; -ENOSPC or another errno:
 * no memory for the rings, or for the queue. */
int capturing_open(struct capturing *c, const struct capturing_ask *ask, struct capturing_reader **ret);

/** capturing_read() - up to @cap bytes of the stream.  Return: 0: nothing there now; -ENODATA: it has ended: by
 * `count` or `seconds`, because its trunk was removed, or because there is no region any more. */
ssize_t capturing_read(struct capturing_reader *r, char *dst, size_t cap);

void capturing_close(struct capturing_reader *r);

/* Totals for status. */
struct capturing_totals { uint64_t invites, lost_ring, lost_reader, invalid; unsigned readers; };
/** capturing_totals() - @c: NULL: zeros. */
void capturing_totals(const struct capturing *c, struct capturing_totals *ret);

#endif
