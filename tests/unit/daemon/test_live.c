/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/credentials.h"
#include "daemon/live_internal.h"

#define S 1000000000ull
#define T0 (1000 * S)

/* One number of three: given in turn, and what comes back rests by time and by generation. */
static void test_rest(void **state)
{
	static const struct {
		const char *name;
		uint64_t now_ns;
		uint32_t generation;
		bool is_strict;
		int64_t want;
	} cases[] = {
		{ "at once", T0, 10, true, -ENOSPC },
		{ "long enough, but the next generation", T0 + 100 * S, 11, true, -ENOSPC },
		{ "two generations, but at once", T0 + 1 * S, 12, true, -ENOSPC },
		{ "nearly", T0 + 64 * S - 1, 12, true, -ENOSPC },
		{ "both", T0 + 64 * S, 12, true, 1 },
		{ "in need, two generations", T0, 12, false, 1 },
		{ "in need, but the next generation", T0, 11, false, -ENOSPC },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rest r;
		int64_t got;

		assert_int_equal(rest_init(&r, 3), 0);
		for (int64_t k = 0; k < 3; k++)
			assert_int_equal(rest_take(&r, T0, 1, true), k);
		assert_int_equal(rest_take(&r, T0, 1, true), -ENOSPC);
		rest_give(&r, 1, T0, 10);
		got = rest_take(&r, cases[i].now_ns, cases[i].generation, cases[i].is_strict);
		if (got != cases[i].want)
			fail_msg("%s: %lld", cases[i].name, (long long)got);
		rest_done(&r);
	}
}

static void test_rest_order(void **state)
{
	struct rest r;

	(void)state;
	assert_int_equal(rest_init(&r, 4), 0);
	for (int64_t k = 0; k < 3; k++)
		assert_int_equal(rest_take(&r, T0, 1, true), k);
	rest_give(&r, 2, T0, 2);
	rest_give(&r, 0, T0 + S, 3);
	assert_int_equal(rest_take(&r, T0 + 2 * S, 9, true), 3); /* a fresh one while they rest */
	rest_untake(&r, 3);
	assert_int_equal(rest_take(&r, T0 + 2 * S, 9, true), 3);  /* nobody has seen it */
	assert_int_equal(rest_take(&r, T0 + 64 * S, 9, true), 2); /* the oldest first */
	assert_int_equal(rest_take(&r, T0 + 64 * S, 9, true), -ENOSPC);
	assert_int_equal(rest_take(&r, T0 + 65 * S, 9, true), 0);
	/* round the ring, many times */
	for (uint32_t g = 10; g < 200; g += 2) {
		rest_give(&r, g / 2 % 4, T0 + g * 64 * S, g);
		assert_int_equal(rest_take(&r, T0 + (g + 1) * 64 * S, g + 2, true), g / 2 % 4);
	}
	/* numbers of generations wrap */
	rest_give(&r, 0, T0, UINT32_MAX);
	assert_int_equal(rest_take(&r, T0 + 99 * S, UINT32_MAX, true), -ENOSPC);
	assert_int_equal(rest_take(&r, T0 + 99 * S, 2, true), 0);
	rest_done(&r);
}

static struct live_trunk *add(struct live *l, const char *name, uint64_t now_ns,
			      uint32_t generation)
{
	struct live_trunk *t = NULL;

	assert_int_equal(live_trunk_new(l, name, now_ns, generation, &t), 0);
	t->trunk = trunk_new();
	snprintf(t->trunk->name, sizeof(t->trunk->name), "%s", name);
	return t;
}

static void test_names_outlive_trunks(void **state)
{
	struct live *l;
	struct live_trunk *a, *b;

	(void)state;
	assert_int_equal(live_new(&l), 0);
	assert_null(live_first(l));
	assert_null(live_slot_name(l, 0));
	a = add(l, "acme", T0, 1);
	b = add(l, "beta", T0, 1);
	assert_int_equal(a->slot, 0);
	assert_int_equal(b->slot, 1);
	assert_ptr_equal(live_find(l, "acme"), a);
	assert_ptr_equal(live_slot(l, 1), b);
	assert_null(live_slot(l, 2));
	live_trunk_drop(l, a, T0, 2);
	assert_null(live_find(l, "acme"));
	assert_null(live_slot(l, 0));
	assert_string_equal(live_slot_name(l, 0), "acme"); /* its last events come now */
	assert_int_equal(add(l, "gamma", T0 + 63 * S, 9)->slot, 2);
	assert_int_equal(add(l, "delta", T0 + 64 * S, 9)->slot, 0);
	assert_string_equal(live_slot_name(l, 0), "delta");
	assert_int_equal(live_slots(l), 3);
	assert_int_equal(live_cnt(l), 3);
	live_free(l);
}

static void test_sorted_by_name(void **state)
{
	static const char *const sorted[] = { "a", "aa", "b", "m", "z" };
	static const char *const added[] = { "m", "aa", "z", "a", "b" };
	const struct live_trunk *t;
	struct live *l;
	size_t i = 0;

	(void)state;
	assert_int_equal(live_new(&l), 0);
	for (i = 0; i < 3; i++)
		add(l, added[i], T0, 1);
	assert_string_equal(live_first(l)->name, "aa");
	for (; i < 5; i++) /* after somebody has looked */
		add(l, added[i], T0, 1);
	for (t = live_first(l), i = 0; t; t = live_next(t))
		assert_string_equal(t->name, sorted[i++]);
	assert_int_equal(i, 5);
	live_free(l);
}

static void test_undo_leaves_nothing(void **state)
{
	struct live *l;
	struct live_trunk *t = NULL;
	struct live_credential *c = NULL;
	const struct cert_config config = { (char *)"c", (char *)"k", (char *)"x", { 0 } };

	(void)state;
	assert_int_equal(live_new(&l), 0);
	assert_int_equal(live_trunk_new(l, "acme", T0, 1, &t), 0);
	live_trunk_undo(l, t);
	assert_null(live_find(l, "acme"));
	assert_null(live_slot_name(l, 0));
	assert_int_equal(add(l, "beta", T0, 1)->slot, 0);
	assert_int_equal(live_credential_new(l, &config, false, T0, 1, &c), 0);
	assert_int_equal(c->index, LIVE_LINE_GATEWAY + 1);
	live_credential_undo(l, c);
	assert_int_equal(live_credential_cnt(l), 0);
	assert_int_equal(live_credential_new(l, &config, false, T0, 1, &c), 0);
	assert_int_equal(c->index, LIVE_LINE_GATEWAY + 1);
	live_free(l);
}

/* The gateway's certificates keep their line, and are not those of a trunk that gives the same. */
static void test_credentials(void **state)
{
	const struct cert_config config = { (char *)"c", (char *)"k", (char *)"x", { 0 } };
	struct live_credential *g = NULL, *t = NULL;
	struct live *l;
	char *id;

	(void)state;
	assert_int_equal(live_new(&l), 0);
	assert_null(live_gateway_credential(l));
	assert_int_equal(live_credential_new(l, &config, false, T0, 1, &t), 0);
	assert_int_equal(live_credential_new(l, &config, true, T0, 1, &g), 0);
	assert_int_equal(g->index, LIVE_LINE_GATEWAY);
	assert_ptr_equal(live_gateway_credential(l), g);
	id = live_credential_id(&config, false);
	assert_ptr_equal(live_credential_find(l, id), t);
	free(id);
	assert_int_equal(live_credential_cnt(l), 2);
	live_credential_drop(l, g, T0, 2);
	assert_null(live_gateway_credential(l));
	assert_int_equal(live_credential_new(l, &config, true, T0, 2, &g), 0);
	assert_int_equal(g->index, LIVE_LINE_GATEWAY); /* at once */
	/* the other lines rest, and are all used in the end */
	live_credential_drop(l, t, T0, 2);
	for (uint32_t i = 0; i < CREDENTIALS_MAX; i++) {
		char name[16];
		struct cert_config each = { name, name, name, { 0 } };
		int r;

		snprintf(name, sizeof(name), "%u", i);
		r = live_credential_new(l, &each, false, T0, 4, &t);
		if (r != (i < CREDENTIALS_MAX - 1 ? 0 : -ENOSPC))
			fail_msg("%u: %d", i, r);
	}
	assert_int_equal(t->index, 1);
	live_free(l);
}

static void test_x5u_of_keys(void **state)
{
	struct live *l;

	(void)state;
	assert_int_equal(live_new(&l), 0);
	assert_null(live_key_x5u(l, 0));
	assert_null(live_key_x5u(l, UINT32_MAX));
	assert_int_equal(rest_take(&l->key_rest, T0, 1, false), 0);
	assert_null(live_key_x5u(l, 0));
	live_key_name(l, 0, "https://x/1");
	live_key_retire(l, 0);
	assert_string_equal(live_key_x5u(l, 0), "https://x/1");
	live_key_name(l, 0, "https://x/2");
	assert_string_equal(live_key_x5u(l, 0), "https://x/2");
	live_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rest),
		cmocka_unit_test(test_rest_order),
		cmocka_unit_test(test_names_outlive_trunks),
		cmocka_unit_test(test_sorted_by_name),
		cmocka_unit_test(test_undo_leaves_nothing),
		cmocka_unit_test(test_credentials),
		cmocka_unit_test(test_x5u_of_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
