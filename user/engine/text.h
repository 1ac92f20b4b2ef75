/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * text - bounded building of edit texts in the scratch arena of the engine.
 *
 * An append that does not fit sets `is_full` and writes nothing; the caller looks once, at the end.
 */
#ifndef SIPSEAL_ENGINE_TEXT_H
#define SIPSEAL_ENGINE_TEXT_H

#include <stdbool.h>
#include <stdio.h>

#include "engine/engine.h"

struct text {
	struct engine *e;
	size_t start;        /* offset in the arena where this text begins */
	bool is_full;
};

static inline struct text text_begin(struct engine *e)
{
	return (struct text){ .e = e, .start = e->arena_len };
}

static inline char *text_room(struct text *t, size_t *ret_cap)
{
	*ret_cap = ENGINE_ARENA_MAX - t->e->arena_len;
	return t->e->arena + t->e->arena_len;
}

static inline void text_put(struct text *t, struct slice s)
{
	if (t->is_full || s.len > ENGINE_ARENA_MAX - t->e->arena_len) {
		t->is_full = true;
		return;
	}
	if (s.len)
		memcpy(t->e->arena + t->e->arena_len, s.p, s.len);
	t->e->arena_len += s.len;
}

static inline void text_puts(struct text *t, const char *s)
{
	text_put(t, slice_str(s));
}

static inline void text_put_number(struct text *t, size_t n)
{
	char buf[24];
	size_t i = sizeof(buf);

	do
		buf[--i] = (char)('0' + n % 10);
	while (n /= 10);
	text_put(t, slice_of(buf + i, sizeof(buf) - i));
}

/** text_grow() - @n bytes were written to text_room(); n < 0: they did not fit. */
static inline void text_grow(struct text *t, ssize_t n)
{
	if (n < 0)
		t->is_full = true;
	else
		t->e->arena_len += (size_t)n;
}

/** text_end() - what was built; p == NULL if it did not fit. */
static inline struct slice text_end(struct text *t)
{
	if (t->is_full) {
		t->e->arena_len = t->start;
		return SLICE_NONE;
	}
	return slice_of(t->e->arena + t->start, t->e->arena_len - t->start);
}

#endif
