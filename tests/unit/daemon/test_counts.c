/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

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
		counters_bump(&b->trunk_reasons[99 * COUNTERS_SIGNER_REASONS + 1], 7);
	}
	counts_sum(&c, &t);
	assert_int_equal(t.reasons[0], 21);
	assert_int_equal(counts_reasons_sum(&t), 21);
	assert_int_equal(t.frames_free, 200);
	assert_int_equal(counts_ring_drops(&t), 8);
	counts_worker(&c, 1, &t);
	assert_int_equal(t.reasons[0], 11);
	counts_trunk(&c, 99, trunk);
	assert_int_equal(trunk[1], 14);
	counts_trunk(&c, 100, trunk); /* past the last */
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
		counters_bump(&b->trunk_reasons[COUNTERS_SIGNER_REASONS + 2], 1);
		counts_sum(&c, &t);
		assert_int_equal(t.signatures, 5 * life);
		assert_int_equal(t.frames_total, 64); /* of the living one only */
		counts_trunk(&c, 1, trunk);
		assert_int_equal(trunk[2], life);
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

static void test_a_slot_starts_from_zero(void **state)
{
	uint64_t trunk[COUNTERS_SIGNER_REASONS];
	struct counters_region *r;
	struct counts c;

	(void)state;
	assert_int_equal(counts_init(&c, 2, 8), 0);
	for (unsigned life = 0; life < 2; life++) { /* past and present */
		assert_int_equal(counts_renew(&c, 8), 0);
		r = signer_map(&c);
		for (unsigned w = 0; w < 2; w++)
			for (unsigned slot = 2; slot < 5; slot++)
				counters_bump(
					&counters_worker(r, w)
						 ->trunk_reasons[slot * COUNTERS_SIGNER_REASONS +
								 63],
					1);
		munmap(r, c.len);
	}
	counts_trunk(&c, 3, trunk);
	assert_int_equal(trunk[63], 4);
	counts_trunk_reset(&c, 3);
	counts_trunk_reset(&c, 8); /* past the last */
	counts_trunk(&c, 3, trunk);
	assert_int_equal(trunk[63], 0);
	for (unsigned slot = 2; slot < 5; slot += 2) {
		counts_trunk(&c, slot, trunk);
		assert_int_equal(trunk[63], 4);
	}
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
		counters_bump(&counters_worker(r, 0)->sign_ns_sum, 5);
		counters_bump(&counters_worker(r, 0)->latency_ns_sum, 7);
		munmap(r, c.len);
	}
	counts_sum(&c, &t);
	assert_int_equal(t.sign_us[COUNTERS_BUCKETS - 1], 4);
	assert_int_equal(t.latency_us[0], 6);
	assert_int_equal(t.sign_ns_sum, 10);
	assert_int_equal(t.latency_ns_sum, 14);
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
