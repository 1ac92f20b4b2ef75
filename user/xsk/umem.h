/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * umem - the packet memory of one worker: chunks of XSK_FRAME_SIZE bytes, each in exactly one state.
 *
 *            umem_get()               port_tx_put()             completion
 *     FREE ------------> HELD  ---------------------> TX  -----------------> FREE
 *      |                  |  ^                         |
 *      |                  |  | umem_take_rx()          | link went down (port.h)
 *      | fill ring        |  |                         v
 *      +--------> RX -----|--+                        VOID ----------------> FREE
 *                         +---- umem_put() ---> FREE
 *
 * FREE: on our list.  RX: with the kernel, in a fill or rx ring.  TX, VOID: with the kernel, in a tx or
 * completion ring.  HELD: being read or written by the worker; none is held between two loops.
 *
 * The state is what makes the accounting safe: the kernel hands back a completion address as it was
 * submitted and unchecked, even one outside the UMEM.  An address that is out of range, or whose chunk
 * is not in the state that the ring implies, is refused and counted (`bad`), and the chunk stays where
 * it was.  frames_lost = total - sum of the states stays 0 by construction plus umem_lost().
 * Threads: one.
 */
#ifndef SIPSEAL_XSK_UMEM_H
#define SIPSEAL_XSK_UMEM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "xsk/socket.h"

#define UMEM_FRAMES_MAX 65536

enum umem_state { UMEM_FREE, UMEM_RX, UMEM_TX, UMEM_VOID, UMEM_HELD, UMEM_STATES };

struct umem {
	char *mem;                    /* mapping; not owned */
	uint32_t frames;
	uint32_t tx_max;              /* chunks that may be on their way out; all, until the worker says less */
	uint32_t count[UMEM_STATES];  /* chunks in each state */
	uint64_t bad;                 /* addresses from the kernel that were refused */
	uint32_t *free;               /* stack of free chunks, count[UMEM_FREE] deep */
	uint8_t *state;               /* enum umem_state of each chunk */
};

/** umem_new() - all chunks are free.  Return: 0, -EINVAL size, -ENOMEM. */
int umem_new(char *mem, uint32_t frames, struct umem **ret);
void umem_free(struct umem *u);
DEFINE_FREEP(struct umem *, umem_free)

/** umem_get() - a free chunk, now held.  Return: its address, or -1. */
int64_t umem_get(struct umem *u);

/** umem_put() - give a held chunk back; @addr may point anywhere into it. */
void umem_put(struct umem *u, uint64_t addr);

/** umem_move() - a chunk of ours changes hands; it must be in @from (a bug of ours otherwise). */
void umem_move(struct umem *u, uint64_t addr, enum umem_state from, enum umem_state to);

/** umem_take_rx() - check a received descriptor; its chunk is held from here on.
 * @before: bytes in front of the frame that must lie in the chunk too
 * Return: 0; -EBADMSG the chunk is not with the kernel (nothing changes); -ERANGE the chunk is ours
 * again and held, but the frame does not lie inside it. */
int umem_take_rx(struct umem *u, uint64_t addr, uint32_t len, uint32_t before);

/** umem_complete() - check a completion address; its chunk is free from here on.
 * Return: 0, or -EBADMSG: refused and counted. */
int umem_complete(struct umem *u, uint64_t addr);

/** umem_state_at() - state of the chunk, or UMEM_STATES where @addr is outside. */
enum umem_state umem_state_at(const struct umem *u, uint64_t addr);

/** umem_lost() - chunks that are nowhere; counted over the states, so a slip shows. */
uint32_t umem_lost(const struct umem *u);

static inline char *umem_at(const struct umem *u, uint64_t addr)
{
	return u->mem + addr;
}

#endif
