// SPDX-License-Identifier: BSD-2-Clause
#include "trunk/heap.h"

#include <assert.h>
#include <errno.h>

/* Sizes count in units of 8 bytes.  Below 16 units each has its own class; from there on 16 classes
 * share each power of two.  More classes: less waste inside of blocks, more of them that only fit
 * their own kind. */
#define UNIT 8u
#define SUB_BITS 4
#define SUB_CLASSES (1u << SUB_BITS)
#define CLASSES ((32 - SUB_BITS + 1) * SUB_CLASSES)
#define WORDS ((CLASSES + 63) / 64)
/* A rest smaller than this stays with its block: a descriptor costs more than it would ever give
 * back. */
#define REST_MIN 4u

struct heap {
	uint32_t start, end, top;
	uint64_t used;
	struct heap_block *last; /* the one below top; never free */
	struct heap_block *free[CLASSES];
	uint64_t bitmap[WORDS]; /* classes whose list is not empty */
};

/* The class whose smallest size is not above @units. */
static unsigned class_of(uint32_t units)
{
	unsigned log;

	if (units < SUB_CLASSES)
		return units;
	log = 31 - (unsigned)__builtin_clz(units);
	return (log - SUB_BITS + 1) * SUB_CLASSES + ((units >> (log - SUB_BITS)) - SUB_CLASSES);
}

/* The smallest size of a class that holds @units: any block of that class will do then. */
static uint32_t class_round(uint32_t units)
{
	uint32_t step;

	if (units < SUB_CLASSES)
		return units;
	step = 1u << (31 - __builtin_clz(units) - SUB_BITS);
	return (units + step - 1) & ~(step - 1);
}

int heap_new(uint32_t start, uint32_t end, struct heap **ret)
{
	CLEANUP(heap_freep) struct heap *h = NULL;

	if (start > UINT32_MAX - UNIT || ((start + UNIT - 1) & ~(UNIT - 1)) >= (end & ~(UNIT - 1)))
		return -EINVAL;
	if (!(h = calloc(1, sizeof(*h))))
		return -ENOMEM;
	h->start = h->top = (start + UNIT - 1) & ~(UNIT - 1);
	h->end = end & ~(UNIT - 1);
	*ret = TAKE(h);
	return 0;
}

void heap_free(struct heap *h)
{
	if (!h)
		return;
	for (struct heap_block *b = h->last, *before; b; b = before) {
		before = b->before;
		free(b);
	}
	free(h);
}

static void list_add(struct heap *h, struct heap_block *b)
{
	unsigned c = class_of(b->len / UNIT);

	b->is_free = true;
	b->prev = NULL;
	b->next = h->free[c];
	if (b->next)
		b->next->prev = b;
	h->free[c] = b;
	h->bitmap[c / 64] |= 1ull << (c % 64);
}

static void list_remove(struct heap *h, struct heap_block *b)
{
	unsigned c = class_of(b->len / UNIT);

	if (b->next)
		b->next->prev = b->prev;
	if (b->prev)
		b->prev->next = b->next;
	else
		h->free[c] = b->next;
	if (!h->free[c])
		h->bitmap[c / 64] &= ~(1ull << (c % 64));
	b->is_free = false;
	b->prev = b->next = NULL;
}

/* A free block of class @c or above, or NULL. */
static struct heap_block *find(const struct heap *h, unsigned c)
{
	uint64_t word = h->bitmap[c / 64] & ~0ull << (c % 64);

	for (unsigned i = c / 64;; word = h->bitmap[i]) {
		if (word)
			return h->free[i * 64 + (unsigned)__builtin_ctzll(word)];
		if (++i == WORDS)
			return NULL;
	}
}

static void link_after(struct heap *h, struct heap_block *at, struct heap_block *b)
{
	b->before = at;
	b->after = at ? at->after : NULL;
	if (at)
		at->after = b;
	if (b->after)
		b->after->before = b;
	else
		h->last = b;
}

static void unlink_block(struct heap *h, struct heap_block *b)
{
	if (b->before)
		b->before->after = b->after;
	if (b->after)
		b->after->before = b->before;
	else
		h->last = b->before;
}

/* Takes a free block and leaves what is beyond @len free. */
static int reuse(struct heap *h, struct heap_block *b, uint32_t len)
{
	struct heap_block *rest = NULL;

	if (b->len - len >= REST_MIN * UNIT && !(rest = calloc(1, sizeof(*rest))))
		return -ENOMEM;
	list_remove(h, b);
	if (rest) {
		rest->off = b->off + len;
		rest->len = b->len - len;
		b->len = len;
		link_after(h, b, rest);
		list_add(h, rest);
	}
	return 0;
}

static int extend(struct heap *h, uint32_t len, struct heap_block **ret)
{
	struct heap_block *b;

	if (len > h->end - h->top)
		return -ENOSPC;
	if (!(b = calloc(1, sizeof(*b))))
		return -ENOMEM;
	b->off = h->top;
	b->len = len;
	h->top += len;
	link_after(h, h->last, b);
	*ret = b;
	return 0;
}

int heap_block_new(struct heap *h, uint32_t len, struct heap_block **ret)
{
	struct heap_block *b;
	uint32_t units;
	int r;

	if (!len)
		return -EINVAL;
	units = class_round((uint32_t)(((uint64_t)len + UNIT - 1) / UNIT));
	if (units > UINT32_MAX / UNIT)
		return -ENOSPC;
	b = find(h, class_of(units));
	r = b ? reuse(h, b, units * UNIT) : extend(h, units * UNIT, &b);
	if (r < 0)
		return r;
	h->used += b->len;
	*ret = b;
	return 0;
}

/* @b takes in the free block behind it. */
static void join(struct heap *h, struct heap_block *b)
{
	struct heap_block *after = b->after;

	b->len += after->len;
	unlink_block(h, after);
	free(after);
}

void heap_block_free(struct heap *h, struct heap_block *b)
{
	if (!b)
		return;
	assert(!b->is_free && h->used >= b->len);
	h->used -= b->len;
	if (b->after && b->after->is_free) {
		list_remove(h, b->after);
		join(h, b);
	}
	if (b->before && b->before->is_free) {
		b = b->before;
		list_remove(h, b);
		join(h, b);
	}
	if (b->after) {
		list_add(h, b);
		return;
	}
	h->top = b->off;
	unlink_block(h, b);
	free(b);
}

uint32_t heap_top(const struct heap *h)
{
	return h->top;
}

uint64_t heap_used(const struct heap *h)
{
	return h->used;
}

uint64_t heap_size(const struct heap *h)
{
	return h->end - h->start;
}
