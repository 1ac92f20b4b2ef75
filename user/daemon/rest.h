/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rest - numbers (slots, lines, keys) that rest for a while after use before they are given again.
 *
 * Fresh numbers are given from 0 upwards; what comes back waits in a queue, the oldest in front.  A
 * number is never given again before the second generation after the one that let go of it: both
 * copies of the policy have forgotten it by then.  Threads: one.
 */
#ifndef SIPSEAL_DAEMON_REST_H
#define SIPSEAL_DAEMON_REST_H

#include <stdbool.h>
#include <stdint.h>

/* The replay cache of the signer remembers calls for 32 s, and who asks for events may be late. */
#define REST_NS (64ull * 1000000000)
#define REST_GENERATIONS 2

struct rest_entry {
	uint64_t since_ns;
	uint32_t id, generation;
};

struct rest {
	uint32_t cap, fresh; /* all numbers that were ever given are below `fresh` */
	uint32_t head, cnt;
	struct rest_entry *queue; /* ring of cap entries; memory that is not used is not touched */
};

/** rest_init() - numbers 0 .. @cap - 1.  Return: 0, -ENOMEM. */
int rest_init(struct rest *r, uint32_t cap);
void rest_done(struct rest *r);

/**
 * rest_take() - a number for @generation.
 * @is_strict: false: where there is nothing else, one that has not rested for REST_NS, too
 * Return: the number, or -ENOSPC.
 */
int64_t rest_take(struct rest *r, uint64_t now_ns, uint32_t generation, bool is_strict);

/** rest_give() - @generation is the first one that does without it. */
void rest_give(struct rest *r, uint32_t id, uint64_t now_ns, uint32_t generation);

/** rest_untake() - it was taken, but nobody has seen it: the next rest_take() may give it. */
void rest_untake(struct rest *r, uint32_t id);

#endif
