/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * locations - PIDF-LO templates of an image, each different one stored once.
 *
 * Found by content, counted by the lines that use them.  One without users waits until the change that let
 * go of it has reached both copies, or has been undone: locations_sweep().
 * The content is the key and lies in the copy it was written to first, where it never changes.
 * Threads: one.
 */
#ifndef SIPSEAL_TRUNK_LOCATIONS_H
#define SIPSEAL_TRUNK_LOCATIONS_H

#include <uthash.h>

#include "location/template.h"
#include "trunk/heap.h"
#include "trunk/policy.h"

struct location {
	struct heap_block *block;
	uint32_t users;               /* lines as they are now; 0: it waits */
	bool is_new;                  /* only one copy has the bytes; for the owner of the copies */
	struct location *prev, *next; /* of those that wait */
	UT_hash_handle hh;
};

/* All zero: empty. */
struct locations {
	struct location *by_content, *waiting;
	uint64_t waiting_len;         /* bytes */
};

/**
 * locations_get() - the one with the content of @p; where there is none yet it is written to @c, and waits.
 * Return: 0; -EINVAL not a template; -ENOSPC; -ENOMEM.
 */
int locations_get(struct locations *ls, struct heap *h, struct policy_copy *c, const struct pidf_template *p,
		  struct location **ret);

/** location_hold(), location_release() - a user more, a user less; NULL is fine. */
void location_hold(struct locations *ls, struct location *l);
void location_release(struct locations *ls, struct location *l);

/** locations_sweep() - those that wait go. */
void locations_sweep(struct locations *ls, struct heap *h);

/** locations_cnt() - those with users. */
uint32_t locations_cnt(const struct locations *ls);

/** locations_done() - frees what the process holds; their blocks go with the heap. */
void locations_done(struct locations *ls);

#endif
