/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "daemon/counts.h"
#include "daemon/shm.h"

/* The signer's view: its own mapping, the layout from the header. */
static struct counters_region *signer_map(const struct counts *c)
{
	void *map = mmap(NULL, c->len, PROT_READ | PROT_WRITE, MAP_SHARED, c->fd, 0);

	assert_true(map != MAP_FAILED);
	return map;
}

static void test_layout_is_the_signers(void **state)
{
	struct counters_region *r;
	struct counts_total t;
	struct counts c;
	uint64_t trunk[COUNTERS_SIGNER_REASONS];

	(void)state;
	assert_int_equal(counts_init(&c, 2, 100), 0);
	assert_int_equal(counts_renew(&c, 3), 0);
	r = signer_map(&c);
	assert_int_equal(r->magic, COUNTERS_MAGIC);
	assert_true(c.len >= r->worker_off + 2 * r->worker_size);
	for (unsigned w = 0; w < 2; w++) {
		struct counters_worker *b = counters_worker(r, w);

		counters_bump(&b->reasons[SR_SIGNED - SR_XDP_MAX], 10 + w);
		counters_bump(&b->frames_free, 100);
		counters_bump(&b->xsk[1][0], 3); /* rx_dropped */
		counters_bump(&b->xsk[0][3], 1); /* rx_ring_full */
		counters_bump(&b->xsk[1][4], 3); /* rx_fill_empty: inside rx_dropped */
		counters_bump(&b->trunks[99].reasons[COUNTERS_OUTBOUND][1], 7);
		counters_bump(&b->trunks[99].reasons[COUNTERS_INBOUND][1], 100);
		counters_bump(&b->verdict_hits, 2);
		counters_bump(&b->verified_by_table, 3);
		counters_bump(&b->parked, 4);
		counters_bump(&b->fragments_held, 5);
		counters_bump(&b->fragment_bytes, 4096);
		counters_bump(&b->fragment_limit, 65536);
	}
	counts_sum(&c, &t);
	assert_int_equal(t.reasons[0], 21);
	assert_int_equal(counts_reasons_sum(&t), 21);
	assert_int_equal(t.frames_free, 200);
	assert_int_equal(counts_ring_drops(&t), 8);
	counts_worker(&c, 1, &t);
	assert_int_equal(t.reasons[0], 11);
	assert_int_equal(t.parked, 4);
	counts_sum(&c, &t);
	assert_int_equal(t.verdict_hits, 4);
	assert_int_equal(t.verified_by_table, 6);
	assert_int_equal(t.fragments_held, 10);
	assert_int_equal(t.fragment_bytes, 8192);
	assert_int_equal(t.fragment_limit, 131072);
	counts_trunk(&c, 99, COUNTERS_OUTBOUND, trunk);
	assert_int_equal(trunk[1], 14);
	counts_trunk(&c, 99, COUNTERS_INBOUND, trunk);
	assert_int_equal(trunk[1], 200);
	assert_int_equal(trunk[0], 0);
	counts_trunk(&c, 99, COUNTERS_DIRECTIONS, trunk); /* no such direction */
	assert_int_equal(trunk[1], 0);
	counts_trunk(&c, 100, COUNTERS_INBOUND, trunk); /* past the last */
	assert_int_equal(trunk[1], 0);
	munmap(r, c.len);
	counts_done(&c);
}

static void test_sums_survive_a_signer(void **state)
{
	struct counters_region *r;
	struct counts_total t;
	struct counts c;
	uint64_t trunk[COUNTERS_SIGNER_REASONS];

	(void)state;
	assert_int_equal(counts_init(&c, 1, 8), 0);
	for (unsigned life = 1; life <= 3; life++) {
		struct counters_worker *b;

		assert_int_equal(counts_renew(&c, 2), 0);
		r = signer_map(&c);
		b = counters_worker(r, 0);
		assert_int_equal(b->signatures, 0); /* each starts from zero */
		counters_bump(&b->signatures, 5);
		counters_bump(&b->frames_total, 64);
		counters_bump(&b->trunks[1].reasons[COUNTERS_OUTBOUND][2], 1);
		counters_bump(&b->trunks[1].reasons[COUNTERS_INBOUND][COUNTERS_SIGNER_REASONS - 1],
			      10);
		counters_bump(&b->trunks[2].reasons[COUNTERS_INBOUND][2], 1); /* not in use: not read */
		counters_bump(&b->parked, 3);
		counters_bump(&b->parked_ever, 4);
		counters_bump(&b->park_full, 5);
		counters_bump(&b->verdict_misses, 6);
		counters_bump(&b->seen_evicted, 7);
		counters_bump(&b->fragments_held, 8);
		counters_bump(&b->datagrams_whole, 9);
		counters_bump(&b->mailed, 10);
		counters_bump(&b->shed_compact, 11);
		counters_bump(&b->shed_location, 12);
		counters_bump(&b->shed_pai, 13);
		counts_sum(&c, &t);
		assert_int_equal(t.signatures, 5 * life);
		assert_int_equal(t.parked_ever, 4 * life);
		assert_int_equal(t.park_full, 5 * life);
		assert_int_equal(t.verdict_misses, 6 * life);
		assert_int_equal(t.seen_evicted, 7 * life);
		assert_int_equal(t.frames_total, 64); /* of the living one only */
		assert_int_equal(t.parked, 3);
		assert_int_equal(t.fragments_held, 8);
		assert_int_equal(t.datagrams_whole, 9 * life);
		assert_int_equal(t.mailed, 10 * life);
		assert_int_equal(t.shed_compact, 11 * life);
		assert_int_equal(t.shed_location, 12 * life);
		assert_int_equal(t.shed_pai, 13 * life);
		counts_trunk(&c, 1, COUNTERS_OUTBOUND, trunk);
		assert_int_equal(trunk[2], life);
		counts_trunk(&c, 1, COUNTERS_INBOUND, trunk);
		assert_int_equal(trunk[COUNTERS_SIGNER_REASONS - 1], 10 * life);
		counts_trunk(&c, 2, COUNTERS_INBOUND, trunk);
		assert_int_equal(trunk[2], 1);
		munmap(r, c.len);
	}
	counts_done(&c);
}

/* A signer that is taken over writes what it likes; our own numbers decide where we read. */
static void test_header_is_not_trusted(void **state)
{
	struct counters_region *r;
	struct counts_total t;
	struct counts c;

	(void)state;
	assert_int_equal(counts_init(&c, 1, 8), 0);
	assert_int_equal(counts_renew(&c, 0), 0);
	r = signer_map(&c);
	counters_bump(&counters_worker(r, 0)->signatures, 5);
	memset(r, 0xff, sizeof(*r));
	counts_sum(&c, &t);
	assert_int_equal(t.signatures, 5);
	assert_int_equal(counts_renew(&c, UINT32_MAX),
			 0); /* slots beyond the region are not read */
	assert_int_equal(ftruncate(c.fd, 0), -1);
	munmap(r, c.len);
	counts_done(&c);
}

static void test_before_the_first_signer(void **state)
{
	struct counts_total t;
	struct counts c;

	(void)state;
	assert_int_equal(counts_init(&c, 1, 8), 0);
	counts_sum(&c, &t);
	assert_int_equal(counts_reasons_sum(&t), 0);
	counts_worker(&c, 0, &t);
	assert_int_equal(t.signatures, 0);
	counts_done(&c);
}

static void test_policy_is_read_only_for_others(void **state)
{
	struct policy_shm s = { .fd = -1 };
	void *map;

	(void)state;
	assert_int_equal(policy_shm_new(POLICY_COPY_SIZE, &s),
			 0); /* sparse: not a byte is used yet */
	assert_int_equal(s.len, 4096 + 2 * POLICY_COPY_SIZE);
	s.region->magic = POLICY_MAGIC; /* our own mapping writes */
	map = mmap(NULL, s.len, PROT_READ, MAP_SHARED, s.fd, 0);
	assert_true(map != MAP_FAILED);
	assert_int_equal(((struct policy_region *)map)->magic, POLICY_MAGIC);
	assert_int_equal(mprotect(map, s.len, PROT_READ | PROT_WRITE), -1);
	assert_true(mmap(NULL, s.len, PROT_READ | PROT_WRITE, MAP_SHARED, s.fd, 0) == MAP_FAILED);
	assert_int_equal(write(s.fd, "x", 1), -1);
	assert_int_equal(ftruncate(s.fd, 4096), -1);
	assert_int_equal(ftruncate(s.fd, 1 << 20), -1);
	munmap(map, s.len);
	policy_shm_done(&s);
	policy_shm_done(&s); /* again is fine */
}

static void check_slot(const struct counts *c, uint32_t slot, uint64_t outbound, uint64_t inbound)
{
	uint64_t n[COUNTERS_SIGNER_REASONS];

	counts_trunk(c, slot, COUNTERS_OUTBOUND, n);
	assert_int_equal(n[63], outbound);
	assert_int_equal(n[0], 0);
	counts_trunk(c, slot, COUNTERS_INBOUND, n);
	assert_int_equal(n[0], inbound);
	assert_int_equal(n[63], 0);
}

static void test_a_slot_starts_from_zero(void **state)
{
	struct counts_skew skew;
	struct counters_region *r;
	struct counts c;

	(void)state;
	assert_int_equal(counts_init(&c, 2, 8), 0);
	for (unsigned life = 0; life < 2; life++) { /* past and present */
		assert_int_equal(counts_renew(&c, 8), 0);
		r = signer_map(&c);
		for (unsigned w = 0; w < 2; w++)
			for (unsigned slot = 2; slot < 5; slot++) {
				struct counters_trunk *t = &counters_worker(r, w)->trunks[slot];

				counters_bump(&t->reasons[COUNTERS_OUTBOUND][63], 1);
				counters_bump(&t->reasons[COUNTERS_INBOUND][0], 2);
				counters_bump(&t->skew_cnt, 1);
			}
		munmap(r, c.len);
	}
	check_slot(&c, 3, 4, 8);
	counts_trunk_reset(&c, 3);
	counts_trunk_reset(&c, 8); /* past the last */
	check_slot(&c, 3, 0, 0);
	check_slot(&c, 2, 4, 8);
	check_slot(&c, 4, 4, 8);
	assert_false(counts_trunk_skew(&c, 3, &skew));
	assert_true(counts_trunk_skew(&c, 4, &skew));
	counts_done(&c);
}

static void test_drained(void **state)
{
	struct counters_region *r;
	struct counts c;

	(void)state;
	assert_int_equal(counts_init(&c, 2, 8), 0);
	assert_true(counts_drained(&c, 1000)); /* there never was a signer */
	assert_int_equal(counts_renew(&c, 0), 0);
	r = signer_map(&c);
	assert_false(counts_drained(&c, 1000));
	counters_worker(r, 0)->drained_ns = 1000;
	assert_false(counts_drained(&c, 1000));
	counters_worker(r, 1)->drained_ns = 999;
	assert_false(counts_drained(&c, 1000));
	counters_worker(r, 1)->drained_ns = 1000;
	assert_true(counts_drained(&c, 1000));
	assert_false(counts_drained(&c, 1001));
	munmap(r, c.len);
	counts_done(&c);
}

static void test_histograms(void **state)
{
	struct counters_region *r;
	struct counts_total t;
	struct counts c;

	(void)state;
	assert_int_equal(counts_init(&c, 1, 8), 0);
	for (unsigned life = 0; life < 2; life++) {
		assert_int_equal(counts_renew(&c, 0), 0);
		r = signer_map(&c);
		counters_bump(&counters_worker(r, 0)->sign_us[COUNTERS_BUCKETS - 1], 2);
		counters_bump(&counters_worker(r, 0)->latency_us[0], 3);
		counters_bump(&counters_worker(r, 0)->wait_us[1], 1);
		counters_bump(&counters_worker(r, 0)->wait_ns_sum, 9);
		counters_bump(&counters_worker(r, 0)->sign_ns_sum, 5);
		counters_bump(&counters_worker(r, 0)->latency_ns_sum, 7);
		munmap(r, c.len);
	}
	counts_sum(&c, &t);
	assert_int_equal(t.sign_us[COUNTERS_BUCKETS - 1], 4);
	assert_int_equal(t.latency_us[0], 6);
	assert_int_equal(t.wait_us[1], 2);
	assert_int_equal(t.wait_ns_sum, 18);
	assert_int_equal(t.sign_ns_sum, 10);
	assert_int_equal(t.latency_ns_sum, 14);
	counts_done(&c);
}

static const struct {
	const char *name;
	struct { uint64_t cnt; int64_t mean, min, max; } worker[2];
	bool is_known;
	int64_t mean, min, max;
} skews[] = {
	{ "nobody has told", { { 0, 9, 9, 9 }, { 0 } }, false, 0, 0, 0 },
	{ "one worker", { { 0, 7, -99999, 99999 }, { 5, -1500, -2000, 300 } }, true, -1500, -2000, 300 },
	{ "by calls", { { 3, 100, 90, 110 }, { 1, 500, 400, 900 } }, true, 200, 90, 900 },
	{ "what cannot be", { { 1, INT64_MAX, INT64_MIN, INT64_MAX }, { 1, INT64_MAX, 0, 0 } }, true,
	  316224000000, -316224000000, 316224000000 },
	{ "counts that overflow", { { UINT64_MAX, 1000, 1, 2 }, { 1, 1000, 1, 2 } }, true, 1000, 1, 2 },
};

static void test_skew(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(skews); i++) {
		struct counts_skew s = { .cnt = 99 };
		struct counters_region *r;
		struct counts c;
		bool is_known;

		(void)state;
		assert_int_equal(counts_init(&c, 2, 8), 0);
		assert_false(counts_trunk_skew(&c, 1, &s)); /* no signer yet */
		assert_int_equal(counts_renew(&c, 0), 0);
		r = signer_map(&c);
		for (unsigned w = 0; w < 2; w++) {
			struct counters_trunk *t = &counters_worker(r, w)->trunks[1];

			t->skew_cnt = skews[i].worker[w].cnt;
			t->skew_ms = skews[i].worker[w].mean;
			t->skew_min_ms = skews[i].worker[w].min;
			t->skew_max_ms = skews[i].worker[w].max;
		}
		is_known = counts_trunk_skew(&c, 1, &s);
		if (is_known != skews[i].is_known || (!is_known && s.cnt != 99))
			fail_msg("%s: known %d", skews[i].name, is_known);
		if (is_known && (s.mean_ms != skews[i].mean || s.min_ms != skews[i].min ||
				 s.max_ms != skews[i].max))
			fail_msg("%s: %lld %lld %lld", skews[i].name, (long long)s.mean_ms,
				 (long long)s.min_ms, (long long)s.max_ms);
		assert_false(counts_trunk_skew(&c, 8, &s)); /* past the last */
		munmap(r, c.len);
		counts_done(&c);
	}
}

/* What the daemon reads and resets of untouched slots must not make their memory real. */
static void test_memory_stays_sparse(void **state)
{
	struct counts c;
	struct stat st;

	(void)state;
	assert_int_equal(counts_init(&c, 2, 50000), 0);
	for (unsigned life = 0; life < 2; life++) {
		struct counters_region *r;

		assert_int_equal(counts_renew(&c, 2), 0);
		r = signer_map(&c);
		counters_bump(&counters_worker(r, 1)->trunks[1].reasons[COUNTERS_INBOUND][3], 1);
		munmap(r, c.len);
	}
	assert_int_equal(fstat(c.fd, &st), 0);
	assert_true(st.st_blocks * 512 < 64 * 1024);
	counts_done(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout_is_the_signers),
		cmocka_unit_test(test_sums_survive_a_signer),
		cmocka_unit_test(test_header_is_not_trusted),
		cmocka_unit_test(test_before_the_first_signer),
		cmocka_unit_test(test_policy_is_read_only_for_others),
		cmocka_unit_test(test_a_slot_starts_from_zero),
		cmocka_unit_test(test_drained),
		cmocka_unit_test(test_histograms),
		cmocka_unit_test(test_skew),
		cmocka_unit_test(test_memory_stays_sparse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
