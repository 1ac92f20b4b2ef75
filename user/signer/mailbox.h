/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mailbox - fragments on their way to the worker that puts their datagrams together: NICs spread fragments over
 * their queues as they like, and what belongs together has to meet, copies of a datagram included.
 *
 *     any worker: mailboxes_owner() -> mailbox_put() ----> owner: mailbox_peek(), mailbox_drop()
 *                                          \- wakes it if it sleeps: mailbox_sleep() ... mailbox_awake()
 *
 * A ring of places, each with a ticket (after D. Vyukov's bounded queue): a writer takes a place by one
 * compare-and-swap, copies, and hands it over by a store; nobody waits for anybody.  Full: the caller keeps the
 * frame.  The last eighth is for emergency calls.  A writer that stands still in the middle stops the reader behind
 * it; the ring runs full then, and what comes is counted as that.
 * Order: fragments that one worker puts come out in that order.
 * Memory: 4.1 MiB per worker, as it is used.  System calls: write() where the owner sleeps, its read() afterwards.
 * Threads: any number put; one takes.
 */
#ifndef SIPSEAL_SIGNER_MAILBOX_H
#define SIPSEAL_SIGNER_MAILBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"
#include "base/cleanup.h"
#include "base/siphash.h"
#include "base/slice.h"

#define MAILBOX_PLACES 1024 /* 22 datagrams of 64 kB; 20 ms of 50,000 fragments per second */

struct mail {
	struct sipseal_meta meta;
	uint32_t nic;            /* port index by which it came */
	uint64_t flow;           /* mailboxes_flow() */
	struct slice frame;      /* valid until mailbox_drop() */
};

struct mailbox;

/** mailbox_new() - Return: 0, -ENOMEM, or negative errno of eventfd(). */
int mailbox_new(struct mailbox **ret);
void mailbox_free(struct mailbox *m);
DEFINE_FREEP(struct mailbox *, mailbox_free)

/** mailbox_put() - a copy of @in.  Return: false: no room, or longer than a chunk. */
bool mailbox_put(struct mailbox *m, const struct mail *in);

/** mailbox_peek() - the oldest.  Return: false: there is none. */
bool mailbox_peek(const struct mailbox *m, struct mail *ret);

/** mailbox_drop() - done with what mailbox_peek() gave. */
void mailbox_drop(struct mailbox *m);

/** mailbox_fd() - becomes readable when something comes between mailbox_sleep() and mailbox_awake(). */
int mailbox_fd(const struct mailbox *m);

/** mailbox_sleep() - from now on who puts wakes.  Return: false: something is there, do not sleep. */
bool mailbox_sleep(struct mailbox *m);

/** mailbox_awake() - @is_readable: poll() has said so; a writer may also be late, and say so in the next sleep. */
void mailbox_awake(struct mailbox *m, bool is_readable);

/* All of them. */
struct mailboxes {
	struct siphash_key key;  /* of this start: nobody outside can aim at one worker */
	unsigned owners;         /* workers 0 .. owners - 1 own flows; 0: everybody what it receives */
	struct mailbox *box[SIPSEAL_WORKERS_MAX];
};

/** mailboxes_flow() - the same for all packets from @src to @dst. */
uint64_t mailboxes_flow(const struct mailboxes *m, const uint8_t src[16], const uint8_t dst[16]);

/** mailboxes_owner() - index of the worker. */
static inline unsigned mailboxes_owner(const struct mailboxes *m, uint64_t flow)
{
	return (unsigned)(flow % m->owners);
}

#endif
