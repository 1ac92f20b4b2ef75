/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * heap - hands out ranges of offsets; never touches the memory that they stand for.
 *
 *     start              top (bump pointer)         end
 *     | used | free | used |  never given out yet  ...|
 *
 * Lengths are rounded up to a size class: 16 classes per power of two, so at most 1/16 is lost inside a block
 * (and at most 24 bytes in a small one).  Free blocks hang in one list per class, neighbours are joined at once,
 * and a bitmap finds the first class that fits: every call is O(1).  What is freed at the end lowers
 * the top again.  All book-keeping is in the caller's process, none in the memory handed out.
 * Offsets are multiples of 8.  Threads: one.
 */
#ifndef SIPSEAL_TRUNK_HEAP_H
#define SIPSEAL_TRUNK_HEAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"

struct heap;

/* One range; @off and @len are for callers to read, the rest is the heap's. */
struct heap_block {
	uint32_t off, len;                   /* bytes; len is the rounded length */
	bool is_free;
	struct heap_block *before, *after;   /* by offset */
	struct heap_block *prev, *next;      /* of the free list */
};

/** heap_new() - offsets from @start to @end - 1; both are rounded inwards to 8 bytes.
 * Return: 0; -EINVAL nothing is left between them; -ENOMEM. */
int heap_new(uint32_t start, uint32_t end, struct heap **ret);
void heap_free(struct heap *h);
DEFINE_FREEP(struct heap *, heap_free)

/** heap_block_new() - @len bytes.  Return: 0; -ENOSPC; -EINVAL @len is 0; -ENOMEM. */
int heap_block_new(struct heap *h, uint32_t len, struct heap_block **ret);

/** heap_block_free() - give it back; NULL is fine.  Never fails. */
void heap_block_free(struct heap *h, struct heap_block *b);

/** heap_top() - first offset above everything that is in use. */
uint32_t heap_top(const struct heap *h);

/** heap_used(), heap_size() - bytes in blocks; bytes there are. */
uint64_t heap_used(const struct heap *h);
uint64_t heap_size(const struct heap *h);

#endif
