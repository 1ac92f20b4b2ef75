/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * journal - what the lines of an image's tables own, and every write to one since both copies were the same.
 *
 * Forwards the journal tells what the other copy misses (journal_follow), backwards how to undo a change
 * (journal_undo).  Whatever a write took from a line stays whole until one of the two has been done, because
 * the other copy still refers to it.  Neither can fail.
 * Threads: one.
 */
#ifndef SIPSEAL_TRUNK_JOURNAL_H
#define SIPSEAL_TRUNK_JOURNAL_H

#include "trunk/heap.h"
#include "trunk/locations.h"
#include "trunk/policy.h"

/* What a line of a table owns. */
struct line {
	struct heap_block *blob;      /* NULL: it has no texts */
	struct location *location;    /* NULL: none */
	bool is_used;
};

/* A table that lies at the same offset in both copies. */
struct table {
	struct line *lines;
	uint32_t max, used_cnt;
	uint32_t off;                 /* in a copy */
	uint32_t size;                /* bytes of one element */
};

struct journal_entry;

struct journal {
	struct heap *heap;            /* the caller's */
	struct locations locations;
	struct journal_entry *entries;
	size_t cnt, cap;
	uint64_t waiting_len;         /* bytes of blobs that only the journal holds */
};

/** table_init() - Return: 0, or -ENOMEM. */
int table_init(struct table *t, uint32_t max, size_t size, uint32_t off);
void table_done(struct table *t);

/** table_element() - the bytes of a line in a copy. */
void *table_element(const struct table *t, struct policy_copy *c, uint32_t index);

/** journal_done() - frees what it holds itself; @j zeroed or initialised with a heap. */
void journal_done(struct journal *j);

/** journal_reserve() - room for one more write.  Return: 0, or -ENOMEM. */
int journal_reserve(struct journal *j);

/** journal_set() - the line owns @is from here on; after journal_reserve().  Bytes are the caller's matter. */
void journal_set(struct journal *j, struct table *t, uint32_t index, struct line is);

/** journal_follow() - all that was written to @src goes to @dst, too; what was taken from lines is free. */
void journal_follow(struct journal *j, struct policy_copy *dst, struct policy_copy *src);

/** journal_undo() - @dst, which was written to, is like @src again; what was given to lines is free. */
void journal_undo(struct journal *j, struct policy_copy *dst, struct policy_copy *src);

#endif
