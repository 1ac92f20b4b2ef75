// SPDX-License-Identifier: BSD-2-Clause
#include "guard.h"

#include <errno.h>
#include <stdlib.h>

#include "trunk/heap.h"

#define START 136
#define END   (START + (1u << 20))

static uint32_t seed = 1;

static uint32_t any(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)seed * below >> 32);
}

static void test_limits(void **state)
{
	static const struct { const char *name; uint32_t start, end; int ret; uint64_t size; } cases[] = {
		{ "plain", 64, 128, 0, 64 },
		{ "rounded inwards", 65, 127, 0, 48 },
		{ "one unit", 0, 8, 0, 8 },
		{ "nothing", 64, 64, -EINVAL, 0 },
		{ "less than a unit", 65, 79, -EINVAL, 0 },
		{ "backwards", 64, 32, -EINVAL, 0 },
		{ "start at the end of numbers", UINT32_MAX, UINT32_MAX, -EINVAL, 0 },
		{ "all there is", 0, UINT32_MAX, 0, UINT32_MAX - 7 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct heap *h = NULL;
		int r = heap_new(cases[i].start, cases[i].end, &h);

		if (r != cases[i].ret || (r < 0) != !h)
			fail_msg("%s: returns %d", cases[i].name, r);
		if (h && heap_size(h) != cases[i].size)
			fail_msg("%s: %lu bytes", cases[i].name, (unsigned long)heap_size(h));
		heap_free(h);
	}
}

static void test_sizes(void **state)
{
	struct heap_block *b, *untouched = (struct heap_block *)-1;
	struct heap *h;

	(void)state;
	assert_int_equal(heap_new(START, UINT32_MAX, &h), 0);
	for (uint32_t len = 1; len < 1u << 31; len += 1 + len / 37) {
		assert_int_equal(heap_block_new(h, len, &b), 0);
		if (b->off % 8 || b->off < START || b->len < len || b->len - len > 7 + len / 16)
			fail_msg("%u bytes: off %u len %u", len, b->off, b->len);
		heap_block_free(h, b);
		assert_int_equal(heap_top(h), START);
	}
	b = untouched;
	assert_int_equal(heap_block_new(h, 0, &b), -EINVAL);
	assert_int_equal(heap_block_new(h, UINT32_MAX, &b), -ENOSPC);
	assert_ptr_equal(b, untouched);
	heap_block_free(h, NULL);
	heap_free(h);
}

/* Full to the last byte, then whatever order it is freed in, all of it is one piece again. */
static void test_full(void **state)
{
	struct heap_block *b[64], *last;
	struct heap *h;

	(void)state;
	assert_int_equal(heap_new(0, 64 * 64, &h), 0);
	for (unsigned order = 0; order < 3; order++) {
		for (unsigned i = 0; i < 64; i++)
			assert_int_equal(heap_block_new(h, 64, &b[i]), 0);
		assert_int_equal(heap_used(h), heap_size(h));
		assert_int_equal(heap_block_new(h, 1, &last), -ENOSPC);
		heap_block_free(h, b[7]); /* a hole in the middle */
		assert_int_equal(heap_block_new(h, 65, &last), -ENOSPC);
		assert_int_equal(heap_block_new(h, 64, &last), 0);
		assert_int_equal(last->off, 7 * 64);
		b[7] = last;
		for (unsigned i = 0; i < 64; i++)
			heap_block_free(h, b[order == 0 ? i : order == 1 ? 63 - i : (i * 37) % 64]);
		assert_int_equal(heap_used(h), 0);
		assert_int_equal(heap_top(h), 0);
		assert_int_equal(heap_block_new(h, 64 * 64, &last), 0);
		heap_block_free(h, last);
	}
	heap_free(h);
}

#define BLOCKS 512

/* What is in use never overlaps, and the sums are right: against a map of every unit. */
static void test_random(void **state)
{
	static uint16_t owner[(END - START) / 8];
	struct heap_block *b[BLOCKS] = { NULL };
	struct heap *h;
	uint64_t used = 0;

	(void)state;
	assert_int_equal(heap_new(START, END, &h), 0);
	for (unsigned round = 0; round < 60000; round++) {
		unsigned k = any(BLOCKS);
		uint16_t was = b[k] ? (uint16_t)(k + 1) : 0, is = b[k] ? 0 : (uint16_t)(k + 1);

		if (!b[k] && heap_block_new(h, 1 + any(1u << (3 + any(10))), &b[k]) < 0)
			fail_msg("full with %lu bytes", (unsigned long)used);
		for (uint32_t u = (b[k]->off - START) / 8; u < (b[k]->off - START + b[k]->len) / 8; u++) {
			assert_int_equal(owner[u], was);
			owner[u] = is;
		}
		assert_true(b[k]->off + b[k]->len <= heap_top(h));
		used += is ? b[k]->len : -(uint64_t)b[k]->len;
		if (was) {
			heap_block_free(h, b[k]);
			b[k] = NULL;
		}
		assert_int_equal(heap_used(h), used);
	}
	for (unsigned k = 0; k < BLOCKS; k++)
		heap_block_free(h, b[(k * 211) % BLOCKS]);
	assert_int_equal(heap_used(h), 0);
	assert_int_equal(heap_top(h), START);
	heap_free(h);
}

/* Replacing blocks for ever, of sizes that grow and shrink, does not eat the space up. */
static void test_churn(void **state)
{
	struct heap_block *b[BLOCKS] = { NULL };
	struct heap *h;
	uint64_t peak = 0;
	uint32_t top = 0;

	(void)state;
	assert_int_equal(heap_new(0, UINT32_MAX, &h), 0);
	for (unsigned round = 0; round < 200000; round++) {
		unsigned k = any(BLOCKS);

		heap_block_free(h, b[k]);
		assert_int_equal(heap_block_new(h, 100 + any(200 + round % 8192), &b[k]), 0);
		if (heap_used(h) > peak)
			peak = heap_used(h);
		if (heap_top(h) > top)
			top = heap_top(h);
	}
	print_message("heap: %u bytes for at most %lu in use\n", top, (unsigned long)peak);
	assert_true(top < peak * 3 / 2);
	heap_free(h); /* with blocks in it */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_churn),
	};

	return cmocka_run_group_tests_name("trunk/heap", tests, NULL, NULL);
}
