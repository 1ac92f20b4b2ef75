/* SPDX-License-Identifier: BSD-2-Clause */
/* What does not fit beside the Identity is left out of what leaves, counted and told; the limit is that of the frame. */
#include "signer/cutting.h"

#define V4_MAX 65507u
#define V6_MAX 65487u

static struct cutting cut;
static char text[TEXT_MAX + 4096], got[TEXT_MAX];

/* One INVITE of @len bytes through a worker of its own.  Return: bytes that leave. */
static size_t pass(struct world *x, size_t len, bool is_v6, struct event_record *ret)
{
	size_t head = text_with_body(world_invite, 10000, text) - 10000;
	struct sipseal_meta m = cut_meta(0);

	assert_int_equal(text_with_body(world_invite, len - head, text), len);
	world_new(x, NULL);
	cut_text(&cut, is_v6, 7, text, len, 1440);
	cut_send(x, &cut, &m);
	assert_true(world_event(x, ret));
	return whole_of(x->carrier, 0, x->carrier->sent_cnt, got);
}

static void check(bool is_v6, size_t max)
{
	struct event_record r;
	struct world x;
	size_t growth = pass(&x, 20000, is_v6, &r) - 20000, n;

	world_free(&x);
	n = pass(&x, max - growth, is_v6, &r);
	assert_int_equal(n, max);
	assert_int_equal(r.notes & EVENT_NOTES_SHED, 0);
	assert_int_equal(x.w->counters->shed_pai, 0);
	assert_true(text_holds(got, n, "P-Asserted-Identity"));
	world_free(&x);

	n = pass(&x, max - growth + 1, is_v6, &r);
	assert_in_range(n, max - 200, max - 1);
	assert_int_equal(r.reason, SR_SIGNED);
	assert_int_equal(r.notes & EVENT_NOTES_SHED, EVENT_NOTE_SHED_PAI);
	assert_int_equal(x.w->counters->shed_pai, 1);
	assert_int_equal(x.w->counters->shed_location, 0);
	assert_int_equal(x.w->counters->signatures, 1);
	assert_false(text_holds(got, n, "P-Asserted-Identity"));
	assert_true(text_holds(got, n, "\r\nIdentity: eyJ"));
	world_free(&x);

	n = pass(&x, max, is_v6, &r); /* no room for an Identity: the original */
	assert_int_equal(n, max);
	assert_memory_equal(got, text, n);
	assert_int_equal(r.reason, SR_OUTPUT_LIMIT);
	assert_int_equal(r.notes & EVENT_NOTES_SHED, 0);
	assert_int_equal(x.w->counters->shed_pai, 0);
	world_free(&x);
}

static void test_limits(void **state)
{
	(void)state;
	check(false, V4_MAX);
	check(true, V6_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_limits) };

	return cmocka_run_group_tests_name("signer_shed", tests, NULL, NULL);
}
