// SPDX-License-Identifier: BSD-2-Clause
#include "trunk/journal.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* Entries that stay allocated; the first load needs one per trunk, a change by hand a few. */
#define KEEP 1024u

struct journal_entry {
	struct table *table;
	uint32_t index;
	struct line was, is;
};

int table_init(struct table *t, uint32_t max, size_t size, uint32_t off)
{
	*t = (struct table){ .max = max, .off = off, .size = (uint32_t)size };
	t->lines = calloc(max, sizeof(*t->lines));
	return t->lines ? 0 : -ENOMEM;
}

void table_done(struct table *t)
{
	free(t->lines);
	t->lines = NULL;
}

void *table_element(const struct table *t, struct policy_copy *c, uint32_t index)
{
	return (char *)c + t->off + (size_t)index * t->size;
}

void journal_done(struct journal *j)
{
	locations_done(&j->locations);
	free(j->entries);
	j->entries = NULL;
}

int journal_reserve(struct journal *j)
{
	size_t cap = j->cap ? j->cap * 2 : 16;
	struct journal_entry *n;

	if (j->cnt < j->cap)
		return 0;
	if (!(n = reallocarray(j->entries, cap, sizeof(*n))))
		return -ENOMEM;
	j->entries = n;
	j->cap = cap;
	return 0;
}

static uint32_t blob_len(const struct line *l)
{
	return l->blob ? l->blob->len : 0;
}

/* @to takes the place of @from in the line's counts. */
static void swap(struct journal *j, struct journal_entry *e, const struct line *from,
		 const struct line *to)
{
	location_hold(&j->locations, to->location); /* first: it may be the same one */
	location_release(&j->locations, from->location);
	e->table->used_cnt += to->is_used;
	e->table->used_cnt -= from->is_used;
	e->table->lines[e->index] = *to;
}

void journal_set(struct journal *j, struct table *t, uint32_t index, struct line is)
{
	struct journal_entry *e = &j->entries[j->cnt++];

	*e = (struct journal_entry){ t, index, t->lines[index], is };
	swap(j, e, &e->was, &e->is);
	j->waiting_len += blob_len(&e->was);
}

static void clear(struct journal *j)
{
	locations_sweep(&j->locations, j->heap);
	assert(j->waiting_len == 0);
	j->cnt = 0;
	if (j->cap > KEEP) {
		free(j->entries);
		j->entries = NULL;
		j->cap = 0;
	}
}

static void copy_line(const struct journal_entry *e, struct policy_copy *dst,
		      struct policy_copy *src)
{
	memcpy(table_element(e->table, dst, e->index), table_element(e->table, src, e->index),
	       e->table->size);
}

static void copy_block(const struct heap_block *b, struct policy_copy *dst,
		       const struct policy_copy *src)
{
	memcpy((char *)dst + b->off, (const char *)src + b->off, b->len);
}

void journal_follow(struct journal *j, struct policy_copy *dst, struct policy_copy *src)
{
	for (size_t i = 0; i < j->cnt; i++) {
		struct journal_entry *e = &j->entries[i];
		struct location *l = e->is.location;

		if (e->is.blob)
			copy_block(e->is.blob, dst, src);
		if (l && l->is_new) {
			copy_block(l->block, dst, src);
			l->is_new = false;
		}
		copy_line(e, dst, src);
		/* of a line written twice the first blob was copied above, and goes here */
		j->waiting_len -= blob_len(&e->was);
		heap_block_free(j->heap, e->was.blob);
	}
	clear(j);
}

void journal_undo(struct journal *j, struct policy_copy *dst, struct policy_copy *src)
{
	while (j->cnt) {
		struct journal_entry *e = &j->entries[--j->cnt];

		swap(j, e, &e->is, &e->was);
		copy_line(e, dst, src);
		j->waiting_len -= blob_len(&e->was);
		heap_block_free(j->heap, e->is.blob);
	}
	clear(j);
}
