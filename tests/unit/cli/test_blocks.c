/* SPDX-License-Identifier: BSD-2-Clause */
/* blocks: a stream that comes in pieces of any size, and what is none. */
#include "stream_made.h"

#include <errno.h>

#include "base/cleanup.h"
#include "cli/blocks.h"

static void test_blocks(void **state)
{
	static struct stream s;
	static char got[sizeof(s.bytes)];

	(void)state;
	s.len = 0;
	put_all(&s);
	for (size_t step = 1; step < s.len; step += step < 100 ? 7 : 977) {
		struct blocks b = { 0 };
		size_t done = 0;

		for (size_t at = 0; at < s.len; at += step) {
			size_t n = s.len - at < step ? s.len - at : step;
			struct guard g = guard_new(s.bytes + at, n);
			int whole = blocks_add(&b, g.p, n);

			assert_true(whole >= 0);
			memcpy(got + done, b.buf, (size_t)whole);
			done += (size_t)whole;
			blocks_take(&b, (size_t)whole);
			guard_free(&g);
		}
		assert_int_equal(done, s.len);
		assert_memory_equal(got, s.bytes, s.len);
		assert_int_equal(b.invites, INVITES);
		assert_int_equal(b.packets, PACKETS);
		assert_int_equal(blocks_lost(&b), LOST);
		blocks_done(&b);
	}
}

static void test_no_blocks(void **state)
{
	static const struct {
		const char *name;
		uint32_t words[16];
		size_t cnt;
		int ret;
	} cases[] = {
		{ "not a section first", { 6, 32 }, 2, -EBADMSG },
		{ "half a head", { 0x0a0d0d0a }, 1, 0 },
		{ "half a section", { 0x0a0d0d0a, 28, 0 }, 3, 0 },
		{ "no room for its lengths", { 0x0a0d0d0a, 8 }, 2, -EBADMSG },
		{ "no multiple of 4", { 0x0a0d0d0a, 29 }, 2, -EBADMSG },
		{ "too long", { 0x0a0d0d0a, BLOCKS_LEN_MAX + 4 }, 2, -EBADMSG },
		{ "another length at its end", { 0x0a0d0d0a, 16, 0, 12 }, 4, -EBADMSG },
		{ "a second section", { 0x0a0d0d0a, 12, 12, 0x0a0d0d0a, 12, 12 }, 6, -EBADMSG },
		{ "a packet without its head", { 0x0a0d0d0a, 12, 12, 6, 28, 0, 0, 0, 0, 28 }, 10, -EBADMSG },
		{ "a packet longer than its block", { 0x0a0d0d0a, 12, 12, 6, 32, 0, 0, 0, 4, 4, 32 }, 11, -EBADMSG },
		{ "a packet of 4 GiB", { 0x0a0d0d0a, 12, 12, 6, 32, 0, 0, 0, 0xfffffffe, 0, 32 }, 11, -EBADMSG },
		{ "statistics without an interface", { 0x0a0d0d0a, 12, 12, 5, 20, 0, 0, 20 }, 8, -EBADMSG },
		{ "an option longer than its block", { 0x0a0d0d0a, 12, 12, 5, 28, 0, 0, 0, 0x00ff0005, 28 }, 10, 40 },
		{ "a short option", { 0x0a0d0d0a, 12, 12, 5, 32, 0, 0, 0, 0x00040005, 9, 32 }, 11, 44 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct guard g = guard_new((const char *)cases[i].words, cases[i].cnt * 4);
		struct blocks b = { 0 };
		int r = blocks_add(&b, g.p, cases[i].cnt * 4);

		if (r != cases[i].ret)
			fail_msg("%s: returns %d, want %d", cases[i].name, r, cases[i].ret);
		assert_int_equal(blocks_lost(&b), 0);
		blocks_done(&b);
		guard_free(&g);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_no_blocks),
	};

	return cmocka_run_group_tests_name("blocks", tests, NULL, NULL);
}
