// SPDX-License-Identifier: BSD-2-Clause
/*
 * Memory runs out at each allocation of a change in turn: the change is refused and nothing has changed.  The
 * files are compiled in here, with an allocator that can be told to fail.
 */
#include "guard.h"

#include <stdbool.h>
#include <stdlib.h>

static long allocs_left = -1; /* -1: as many as you like */

static bool may_alloc(void)
{
	if (allocs_left == 0)
		return false;
	allocs_left -= allocs_left > 0;
	return true;
}

static void *test_alloc(size_t n)
{
	return may_alloc() ? (malloc)(n) : NULL;
}

static void *test_zalloc(size_t n, size_t size)
{
	return may_alloc() ? (calloc)(n, size) : NULL;
}

#define malloc(n) test_alloc(n)
#define calloc(n, size) test_zalloc(n, size)
#include "trunk/matchrows.c"
#include "trunk/matchlayout.c"
#include "trunk/matchset.c"
#undef malloc
#undef calloc

#define SLOTS 40

static const uint16_t sip_ports[] = { 5060, 5080 };

/* Slot s: addresses that several trunks share, all in one way until the last one comes. */
static struct trunk *trunk_of(uint32_t s, uint16_t port)
{
	struct trunk *t = trunk_new();
	const char *text;

	t->carrier_peers = calloc(2, sizeof(struct peer));
	t->core_peers = calloc(2, sizeof(struct peer));
	t->carrier_cnt = t->core_cnt = 2;
	assert_int_equal(peer_parse("203.0.113.10", false, &t->carrier_peers[0], &text), 0);
	assert_int_equal(peer_parse("198.51.100.0/28", false, &t->carrier_peers[1], &text), 0);
	assert_int_equal(peer_parse("10.0.0.0/24", false, &t->core_peers[0], &text), 0);
	assert_int_equal(peer_parse("10.0.1.7", false, &t->core_peers[1], &text), 0);
	t->carrier_peers[0].port = t->carrier_peers[1].port = port;
	t->core_peers[0].addr[13] = t->core_peers[1].addr[13] = (uint8_t)s;
	return t;
}

/* The answers to all that can be asked, as a sum. */
static uint64_t picture(const struct matchset *ms)
{
	static const uint16_t ports[] = { 0, 5060, 5080, 6000 };
	uint64_t sum = 14695981039346656037u;

	for (uint32_t s = 0; s <= SLOTS; s++) {
		struct trunk *t = trunk_of(s, 0);

		for (unsigned i = 0; i < 16; i++) {
			int64_t slot = matchset_lookup(ms, t->carrier_peers[i & 1].addr, ports[i / 4],
						       t->core_peers[i >> 1 & 1].addr);

			sum = (sum ^ (uint64_t)slot) * 1099511628211u;
		}
		trunk_free(t);
	}
	return sum;
}

static int ignore_peer(void *ctx, const struct sipseal_peer_key *key, const uint32_t *group)
{
	(void)ctx, (void)key, (void)group;
	return 0;
}

static int ignore_prefix(void *ctx, const struct sipseal_prefix_key *key, const uint32_t *group)
{
	(void)ctx, (void)key, (void)group;
	return 0;
}

static int ignore_core(void *ctx, const struct sipseal_core_key *key, const struct sipseal_core_value *value)
{
	(void)ctx, (void)key, (void)value;
	return 0;
}

static const struct matchset_sink ignore = { ignore_peer, ignore_prefix, ignore_core, NULL };

static void add(struct matchset *ms, uint32_t slot, uint16_t port)
{
	struct trunk *t = trunk_of(slot, port);
	uint32_t other;

	assert_int_equal(matchset_add(ms, slot, t, &other), 0);
	trunk_free(t);
}

/* Try with 0, 1, 2 ... allocations until it goes well.  Return: how often it failed. */
static unsigned try_add(struct matchset *ms, uint32_t slot, uint16_t port)
{
	struct trunk *t = trunk_of(slot, port);
	const uint64_t before = picture(ms);
	uint32_t other = 99;
	unsigned n = 0;
	int r;

	for (;; n++) {
		allocs_left = n;
		r = matchset_add(ms, slot, t, &other);
		allocs_left = -1;
		if (r == 0)
			break;
		assert_int_equal(r, -ENOMEM);
		assert_int_equal(other, 99);
		if (picture(ms) != before)
			fail_msg("allocation %u of slot %u, port %u: something has changed", n, slot, port);
		if (n % 2) { /* numbers come back, rows that went are freed */
			assert_int_equal(matchset_drain(ms, 0, &ignore), 0);
			assert_int_equal(matchset_drain(ms, 1, &ignore), 0);
		}
	}
	trunk_free(t);
	return n;
}

static void test_add(void **state)
{
	static const uint16_t last[] = { 0, 5080, 6000 }; /* the address stays as it is, or turns mixed */

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(last); i++) {
		struct matchset *ms;
		unsigned n;

		assert_int_equal(matchset_new(sip_ports, 2, &ms), 0);
		assert_true(try_add(ms, 0, 0) > 10);
		for (uint32_t s = 1; s < SLOTS; s++)
			add(ms, s, 0);
		n = try_add(ms, SLOTS, last[i]);
		assert_true(last[i] ? n > SLOTS * 4 : n > 5);
		matchset_free(ms);
	}
}

/* Without memory the address stays mixed, which answers all look-ups alike. */
static void test_remove(void **state)
{
	struct trunk *odd = trunk_of(SLOTS, 6000), *t = trunk_of(3, 0);
	struct matchset *ms;

	(void)state;
	for (long n = 0; n < 500; n++) {
		assert_int_equal(matchset_new(sip_ports, 2, &ms), 0);
		for (uint32_t s = 0; s < SLOTS; s++)
			add(ms, s, 0);
		add(ms, SLOTS, 6000);
		allocs_left = n;
		assert_int_equal(matchset_remove(ms, SLOTS, odd), 0);
		allocs_left = -1;
		assert_int_equal(matchset_lookup(ms, t->carrier_peers[0].addr, 5080, t->core_peers[1].addr), 3);
		assert_int_equal(matchset_lookup(ms, t->carrier_peers[0].addr, 0, t->core_peers[1].addr), 3);
		assert_int_equal(matchset_lookup(ms, t->carrier_peers[0].addr, 6000, t->core_peers[1].addr), -ENOENT);
		matchset_free(ms);
	}
	trunk_free(odd);
	trunk_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_remove),
	};

	return cmocka_run_group_tests_name("trunk/matchset without memory", tests, NULL, NULL);
}
