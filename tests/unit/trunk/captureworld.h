/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * captureworld - a region of trunk/capture.h, a worker that writes and a reader.
 */
#ifndef SIPSEAL_TEST_CAPTUREWORLD_H
#define SIPSEAL_TEST_CAPTUREWORLD_H

#include "guard.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "trunk/capture.h"

#define NOW 1000000000000ull
#define SECOND 1000000000ull

struct world {
	struct capture_region *r;
	struct capture_worker *w;
	struct capture_writer c;
	struct capture_copy *copy;
	uint64_t tail;
	size_t len;
};

static inline struct world world_new(void)
{
	struct world x = { .len = capture_size(2) };

	x.r = mmap(NULL, x.len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(x.r != MAP_FAILED);
	capture_region_init(x.r, 2);
	assert_int_equal(capture_region_check(x.r, x.len), 0);
	x.w = capture_worker(x.r, 1);
	assert_true((char *)(x.w + 1) <= (char *)x.r + x.len);
	assert_true((char *)capture_worker(x.r, 0) + sizeof(*x.w) <= (char *)x.w);
	capture_writer_init(&x.c, x.r, 1);
	x.copy = malloc(sizeof(*x.copy));
	assert_non_null(x.copy);
	return x;
}

static inline void world_free(struct world *x)
{
	munmap(x->r, x->len);
	free(x->copy);
}

static const struct capture_call outcome = {
	.generation = 7, .verdict = EVENT_SIGN, .reason = SR_SIGNED,
	.decided_verdict = EVENT_SIGN, .decided_reason = SR_SIGNED,
};
static const struct capture_packet before = { .time_ns = 5, .stage = CAPTURE_BEFORE, .form = CAPTURE_L2, .nic = 0 };
static const struct capture_packet after = { .time_ns = 6, .stage = CAPTURE_AFTER, .form = CAPTURE_L3, .nic = 1 };

static char bytes[CAPTURE_DATA_MAX + 1];

/* One INVITE whose bytes tell its number. */
static inline bool tell(struct capture_writer *c, uint32_t trunk, uint64_t now_ns, size_t len, unsigned packets, int fill)
{
	if (!capture_begin(c, trunk, 0, now_ns))
		return false;
	memset(bytes, fill, sizeof(bytes));
	for (unsigned i = 0; i < packets; i++)
		capture_add(c, i ? &after : &before, slice_of(bytes, len));
	capture_end(c, &outcome);
	return true;
}

static inline uint64_t lost(const struct capture_worker *w)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < CAPTURE_NICS; i++)
		n += w->lost[i];
	return n;
}

#endif
