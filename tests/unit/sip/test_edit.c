/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard.h"

#include <errno.h>

#include "base/cleanup.h"
#include "sip/edit.h"

#define SRC "0123456789"

struct op {
	unsigned off, del;
	const char *text;   /* NULL ends the list */
};

static const struct {
	const char *name;
	struct op ops[6];
	size_t max;
	int ret;
	const char *out;
} cases[] = {
	{ "no edit", { { 0 } }, 10, 0, SRC },
	{ "no edit, over the limit", { { 0 } }, 9, -E2BIG, NULL },
	{ "insert in front", { { 0, 0, "a" } }, 100, 0, "a0123456789" },
	{ "insert at the end", { { 10, 0, "a" } }, 100, 0, "0123456789a" },
	{ "insert twice at one place", { { 5, 0, "a" }, { 5, 0, "b" } }, 100, 0, "01234ab56789" },
	{ "replace", { { 2, 3, "xy" } }, 100, 0, "01xy56789" },
	{ "delete all", { { 0, 10, "" } }, 100, 0, "" },
	{ "delete two neighbours", { { 2, 2, "" }, { 4, 2, "" } }, 100, 0, "016789" },
	{ "any order", { { 8, 1, "c" }, { 0, 0, "a" }, { 4, 2, "b" } }, 100, 0, "a0123b67c9" },
	{ "insert, then replace at one place", { { 3, 0, "a" }, { 3, 2, "b" } }, 100, 0,
	  "012ab56789" },
	{ "replace, then insert at one place", { { 3, 2, "b" }, { 3, 0, "a" } }, 100, 0,
	  "012ba56789" },
	{ "replace between insertions", { { 3, 0, "a" }, { 3, 2, "b" }, { 3, 0, "c" } }, 100, 0,
	  "012abc56789" },
	{ "insert where a deletion ends", { { 5, 0, "a" }, { 3, 2, "" } }, 100, 0, "012a56789" },
	{ "empty edit", { { 5, 0, "" } }, 100, 0, SRC },
	{ "insert inside a deletion", { { 3, 4, "" }, { 5, 0, "a" } }, 100, -EINVAL, NULL },
	{ "overlap", { { 3, 4, "" }, { 6, 2, "" } }, 100, -EINVAL, NULL },
	{ "overlap, other order", { { 6, 2, "" }, { 3, 4, "" } }, 100, -EINVAL, NULL },
	{ "two deletions at one place", { { 3, 1, "" }, { 3, 1, "" } }, 100, -EINVAL, NULL },
	{ "deletion hidden by an insertion", { { 3, 4, "" }, { 3, 0, "a" }, { 4, 1, "" } }, 100,
	  -EINVAL, NULL },
	{ "offset beyond the end", { { 11, 0, "a" } }, 100, -EINVAL, NULL },
	{ "deletion beyond the end", { { 9, 2, "" } }, 100, -EINVAL, NULL },
	{ "huge deletion", { { 9, UINT32_MAX, "" } }, 100, -EINVAL, NULL },
	{ "just at the limit", { { 10, 0, "ab" } }, 12, 0, "0123456789ab" },
	{ "over the limit", { { 10, 0, "abc" } }, 12, -E2BIG, NULL },
	{ "text longer than the limit", { { 0, 10, "abcdef" } }, 5, -E2BIG, NULL },
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct guard src = guard_new(SRC, 10), dst;
		struct sip_edits e;
		char blank[64] = { 0 };
		int r;

		sip_edits_init(&e);
		for (const struct op *op = cases[i].ops; op->text; op++)
			assert_int_equal(sip_edits_add(&e, op->off, op->del, slice_str(op->text)),
				0);
		r = sip_edits_seal(&e, 10, cases[i].max);
		if (r != cases[i].ret || e.is_sealed != (r == 0))
			fail_msg("%s: returns %d, sealed %d", cases[i].name, r, e.is_sealed);
		if (r == 0) {
			size_t len = strlen(cases[i].out);

			dst = guard_new(blank, len);
			assert_int_equal(e.out_len, len);
			if (len)
				assert_int_equal(sip_edits_emit(&e, slice_of(src.p, 10), dst.p,
					len - 1),
						 -ENOSPC);
			assert_int_equal(sip_edits_emit(&e, slice_of(src.p, 10), dst.p, len), len);
			if (memcmp(dst.p, cases[i].out, len) != 0)
				fail_msg("%s: %.*s, want %s", cases[i].name, (int)len, dst.p,
					cases[i].out);
			guard_free(&dst);
		}
		guard_free(&src);
	}
}

static void test_too_many(void **state)
{
	struct sip_edits e;

	(void)state;
	sip_edits_init(&e);
	for (int i = 0; i < SIP_EDITS_MAX; i++)
		assert_int_equal(sip_edits_add(&e, 0, 0, SLICE("a")), 0);
	assert_int_equal(sip_edits_add(&e, 0, 0, SLICE("a")), -E2BIG);
	assert_int_equal(e.cnt, SIP_EDITS_MAX);
	assert_int_equal(sip_edits_seal(&e, 0, 1000), 0);
	assert_int_equal(e.out_len, SIP_EDITS_MAX);
}

static void test_wide_offset(void **state)
{
	struct sip_edits e;

	(void)state;
	sip_edits_init(&e);
	assert_int_equal(sip_edits_add(&e, (size_t)UINT32_MAX + 1, 0, SLICE("a")), -E2BIG);
	assert_int_equal(sip_edits_add(&e, 0, (size_t)UINT32_MAX + 1, SLICE("a")), -E2BIG);
	assert_int_equal(e.cnt, 0);
}

static void test_add_breaks_the_seal(void **state)
{
	struct sip_edits e;

	(void)state;
	sip_edits_init(&e);
	assert_int_equal(sip_edits_seal(&e, 10, 100), 0);
	assert_true(e.is_sealed);
	assert_int_equal(sip_edits_add(&e, 3, 0, SLICE("a")), 0);
	assert_false(e.is_sealed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases), cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_wide_offset), cmocka_unit_test(test_add_breaks_the_seal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
