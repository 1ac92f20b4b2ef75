/* SPDX-License-Identifier: BSD-2-Clause */
/* capture: records of INVITEs in a ring, the rate, both sides at the same time. */
#include "captureworld.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>

static void test_region(void **state)
{
	struct world x = world_new();
	struct capture_region bad;
	struct capture_writer none;

	(void)state;
	assert_int_equal(capture_region_check(x.r, x.len - 1), -EBADMSG);
	assert_int_equal(capture_region_check(x.r, 8), -EBADMSG);
#define BAD(field, value) (bad = *x.r, bad.field = (value), assert_int_equal(capture_region_check(&bad, x.len), -EBADMSG))
	BAD(magic, 0);
	BAD(version, CAPTURE_VERSION + 1);
	BAD(workers, 0);
	BAD(workers, 3);
	BAD(workers, UINT32_MAX);
	BAD(worker_off, 8192);
	BAD(worker_size, 4096);
#undef BAD
	capture_writer_init(&none, NULL, 0);
	assert_false(capture_begin(&none, 3, 0, NOW));
	capture_add(&none, &before, slice_of(bytes, 20));
	capture_end(&none, &outcome);
	capture_cancel(&none);
	world_free(&x);
}

static const struct {
	const char *name;
	uint32_t want, trunk;
	bool is_told;
} wants[] = {
	{ "nobody asks", 0, 3, false },
	{ "nobody asks, slot 0", 0, 0, false },
	{ "nobody asks, no slot", 0, UINT32_MAX, false },
	{ "all", CAPTURE_ALL, 3, true },
	{ "this one", 4, 3, true },
	{ "slot 0", 1, 0, true },
	{ "another", 5, 3, false },
	{ "the slot before", 3, 3, false },
};

static void test_want(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wants); i++) {
		struct world x = world_new();

		atomic_store(&x.r->want, wants[i].want);
		if (tell(&x.c, wants[i].trunk, NOW, 100, 2, 1) != wants[i].is_told)
			fail_msg("%s: begin", wants[i].name);
		if (capture_take(x.w, &x.tail, x.copy) != wants[i].is_told || lost(x.w))
			fail_msg("%s: record", wants[i].name);
		assert_int_equal(capture_take(x.w, &x.tail, x.copy), 0);
		world_free(&x);
	}
}

/* What was told is read, whatever the lengths, and the record stands apart from the ring. */
static void test_round(void **state)
{
	struct world x = world_new();
	struct capture_packet udp = { .time_ns = 9, .stage = CAPTURE_ANSWER, .form = CAPTURE_UDP, .nic = CAPTURE_NIC_NONE,
				      .flags = CAPTURE_V6, .src = { 0x20, 1 }, .dst = { 0x20, 2 },
				      .src_port = 5060, .dst_port = 5070 };

	(void)state;
	atomic_store(&x.r->want, CAPTURE_ALL);
	for (unsigned n = 0; n < 3000; n++) {
		size_t len = 20 + n % 1500, udp_len = n % 9, off = 0;
		struct guard a = guard_new(bytes, len), b = guard_new(bytes, udp_len);
		struct capture_call call = outcome;
		struct capture_packet p;
		struct slice data;

		memset(a.p, 'a' + n % 26, len);
		memset(b.p, 'A' + n % 26, udp_len);
		call.is_inbound = n & 1;
		call.len = call.packet_cnt = 99;
		assert_true(capture_begin(&x.c, n, n % 8, NOW + n * SECOND));
		capture_add(&x.c, &before, slice_of(a.p, len));
		capture_add(&x.c, &udp, slice_of(b.p, udp_len));
		capture_add(&x.c, &after, slice_of(a.p, len));
		assert_int_equal(capture_take(x.w, &x.tail, x.copy), 0);
		capture_end(&x.c, &call);
		assert_int_equal(capture_take(x.w, &x.tail, x.copy), 1);
		memset(x.w->ring, 0xee, sizeof(x.w->ring));
		assert_int_equal(x.copy->call.number, n);
		assert_int_equal(x.copy->call.trunk, n);
		assert_int_equal(x.copy->call.packet_cnt, 3);
		assert_int_equal(x.copy->call.generation, 7);
		assert_int_equal(x.copy->call.is_inbound, n & 1);
		assert_int_equal(x.copy->call.reason, SR_SIGNED);
		assert_true(capture_next(x.copy, &off, &p, &data));
		assert_int_equal(p.stage, CAPTURE_BEFORE);
		assert_int_equal(p.time_ns, 5);
		assert_true(slice_eq(data, slice_of(a.p, len)));
		assert_true(capture_next(x.copy, &off, &p, &data));
		udp.data_len = (uint32_t)udp_len;
		assert_memory_equal(&p, &udp, sizeof(p));
		assert_true(slice_eq(data, slice_of(b.p, udp_len)));
		assert_true(capture_next(x.copy, &off, &p, &data));
		assert_int_equal(p.nic, 1);
		assert_true(slice_eq(data, slice_of(a.p, len)));
		assert_false(capture_next(x.copy, &off, &p, &data));
		guard_free(&a);
		guard_free(&b);
	}
	assert_true(x.tail > 2 * CAPTURE_RING); /* round, and round again */
	assert_int_equal(lost(x.w), 0);
	world_free(&x);
}

static const struct {
	const char *name;
	size_t len;
	unsigned packets;
	bool is_told;
} sizes[] = {
	{ "nothing to tell", 0, 0, false },
	{ "the largest packet", CAPTURE_DATA_MAX - 14, 2, true },
	{ "a packet that is none", CAPTURE_DATA_MAX + 1, 1, false },
	{ "a length that overflows", SIZE_MAX, 1, false },
	{ "as many as may be", 20, CAPTURE_PACKETS_MAX, true },
	{ "one more", 20, CAPTURE_PACKETS_MAX + 1, false },
	{ "60 kB in fragments, before and after", 1514, 82, true },
	{ "more than a record may have", 1514, 110, false },
};

/* All of it or nothing; and the next one is told again. */
static void test_sizes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct world x = world_new();

		atomic_store(&x.r->want, CAPTURE_ALL);
		tell(&x.c, 1, NOW, sizes[i].len, sizes[i].packets, 1);
		if (lost(x.w) != !sizes[i].is_told || x.w->lost[0] != !sizes[i].is_told)
			fail_msg("%s: lost %lu", sizes[i].name, (unsigned long)lost(x.w));
		if (capture_take(x.w, &x.tail, x.copy) != sizes[i].is_told)
			fail_msg("%s: record", sizes[i].name);
		if (sizes[i].is_told && x.copy->call.packet_cnt != sizes[i].packets)
			fail_msg("%s: packets", sizes[i].name);
		tell(&x.c, 1, NOW, 100, 1, 1);
		assert_int_equal(capture_take(x.w, &x.tail, x.copy), 1);
		assert_int_equal(x.copy->call.number, 1); /* a hole shows where one was lost */
		assert_int_equal(x.w->lost_rate, 0);
		world_free(&x);
	}
}

/* Nobody reads: as many as fit, the rest is counted, nothing is overwritten. */
static void test_full(void **state)
{
	struct world x = world_new();
	uint64_t now = NOW, told = 0;

	(void)state;
	atomic_store(&x.r->want, CAPTURE_ALL);
	for (unsigned i = 0; i < 1000; i++, now += SECOND)
		assert_true(tell(&x.c, 1, now, 1500, 2, (int)i));
	assert_true(x.w->head <= CAPTURE_RING && x.w->head > CAPTURE_RING - 4096);
	for (int r; (r = capture_take(x.w, &x.tail, x.copy)) != 0; told++) {
		assert_int_equal(r, 1);
		assert_int_equal(x.copy->call.number, told);
		assert_int_equal((uint8_t)x.copy->packets[sizeof(before)], told & 0xff);
	}
	assert_int_equal(told + x.w->lost[0], 1000);
	assert_int_equal(x.w->lost_rate, 0);
	assert_true(tell(&x.c, 1, now, 1500, 2, 0));
	assert_int_equal(capture_take(x.w, &x.tail, x.copy), 1);
	assert_int_equal(x.copy->call.number, 1000);

	/* a tail that cannot be: no room, and nothing is written */
	x.w->tail = x.w->head + 8;
	memset(x.w->ring, 0x55, sizeof(x.w->ring));
	assert_true(tell(&x.c, 1, now, 1500, 2, 0));
	x.w->tail = x.w->head - CAPTURE_RING - 8;
	assert_true(tell(&x.c, 1, now, 1500, 2, 0));
	for (size_t i = 0; i < sizeof(x.w->ring); i++)
		assert_int_equal(x.w->ring[i], 0x55);
	world_free(&x);
}

/* Over any time: the rate, the burst and one record; what is not told costs nothing more. */
static void test_rate(void **state)
{
	struct world x = world_new();
	uint64_t copied = 0, tried = 0, told = 0, was_lost;

	(void)state;
	atomic_store(&x.r->want, CAPTURE_ALL);
	for (uint64_t t = 0; t < 2 * SECOND; t += 100000) { /* 10,000 per second, 30 MB/s */
		tried++;
		if (!tell(&x.c, 1, NOW + t, 1500, 2, 1))
			continue;
		assert_int_equal(capture_take(x.w, &x.tail, x.copy), 1);
		copied += x.copy->call.len;
		told++;
	}
	assert_true(copied <= 2 * CAPTURE_RATE + CAPTURE_BURST + CAPTURE_CALL_MAX);
	assert_true(copied >= 2 * CAPTURE_RATE + CAPTURE_BURST - CAPTURE_CALL_MAX);
	assert_int_equal(x.w->lost_rate, tried - told);
	was_lost = lost(x.w);
	assert_int_equal(was_lost, tried - told);

	/* what finds no room and what is cancelled has been copied, too */
	x.w->tail = x.w->head - CAPTURE_RING + 100000;
	for (copied = told = 0; capture_begin(&x.c, 1, 0, NOW + 10 * SECOND); told++) {
		capture_add(&x.c, &after, slice_of(bytes, 40000));
		if (told & 1) {
			capture_add(&x.c, &after, slice_of(bytes, 60000)); /* no room */
			capture_end(&x.c, &outcome);
		} else {
			capture_cancel(&x.c);
			capture_end(&x.c, &outcome); /* nothing is open */
		}
		copied += 40000;
		assert_true(told < 100);
	}
	assert_true(copied >= CAPTURE_BURST && copied < CAPTURE_BURST + CAPTURE_CALL_MAX);
	assert_int_equal(lost(x.w) - was_lost, told / 2 + 1); /* those without room, and one over the rate */
	assert_true(tell(&x.c, 1, NOW + 11 * SECOND, 20, 1, 1));
	world_free(&x);
}

static void test_cancel(void **state)
{
	struct world x = world_new();

	(void)state;
	atomic_store(&x.r->want, CAPTURE_ALL);
	assert_true(capture_begin(&x.c, 1, 0, NOW));
	capture_add(&x.c, &before, slice_of(bytes, 100));
	capture_cancel(&x.c);
	capture_add(&x.c, &before, slice_of(bytes, 100));
	capture_end(&x.c, &outcome);
	assert_int_equal(x.w->head, 0);
	assert_int_equal(lost(x.w), 0);

	/* what has not all fitted costs nothing more */
	memset(x.w->ring, 0x55, sizeof(x.w->ring));
	assert_true(capture_begin(&x.c, 1, 0, NOW));
	capture_add(&x.c, &before, slice_of(bytes, CAPTURE_DATA_MAX + 1));
	capture_add(&x.c, &before, slice_of(bytes, 100));
	capture_end(&x.c, &outcome);
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(x.w->ring[i], 0x55);
	assert_int_equal(lost(x.w), 1);

	/* one that was asked for no more goes on to its end, and opens no other */
	assert_true(capture_begin(&x.c, 1, 0, NOW));
	atomic_store(&x.r->want, 0);
	capture_add(&x.c, &before, slice_of(bytes, 100));
	capture_end(&x.c, &outcome);
	assert_false(tell(&x.c, 1, NOW, 100, 1, 1));
	capture_skip(x.w, &x.tail);
	assert_int_equal(x.tail, x.w->head);
	assert_int_equal(x.w->tail, x.w->head);
	assert_int_equal(capture_take(x.w, &x.tail, x.copy), 0);
	world_free(&x);
}

/* Lost ones by NIC; one that there cannot be is counted in the last row. */
static void test_lost_nics(void **state)
{
	static const struct { uint8_t nic, row; } nics[] = { { 0, 0 }, { 7, 7 }, { 8, 8 }, { 9, 8 }, { 255, 8 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(nics); i++) {
		struct world x = world_new();

		atomic_store(&x.r->want, CAPTURE_ALL);
		assert_true(capture_begin(&x.c, 1, nics[i].nic, NOW));
		capture_end(&x.c, &outcome);
		assert_int_equal(x.w->lost[nics[i].row], 1);
		assert_int_equal(lost(x.w), 1);
		world_free(&x);
	}
}

/* ---- both at the same time ---- */

#define CALLS 20000

static void *write_all(void *arg)
{
	struct world *x = arg;
	char data[3000];
	uint64_t now = NOW;

	for (unsigned i = 0; i < CALLS; i++) {
		memset(data, (int)i, sizeof(data));
		now += SECOND / 100; /* within the rate */
		capture_begin(&x->c, i % 1000, 0, now);
		capture_add(&x->c, &before, slice_of(data, 20 + i % 2900));
		capture_add(&x->c, &after, slice_of(data, 20 + i * 7 % 2900));
		capture_end(&x->c, &outcome);
		if (i % 64 == 0)
			sched_yield();
	}
	return NULL;
}

static void check(const struct capture_copy *c)
{
	struct capture_packet p;
	struct slice data;
	size_t off = 0;

	assert_int_equal(c->call.trunk, c->call.number % 1000);
	while (capture_next(c, &off, &p, &data)) {
		assert_int_equal(data.len, 20 + c->call.number * (p.stage == CAPTURE_AFTER ? 7 : 1) % 2900);
		for (size_t i = 0; i < data.len; i++)
			if ((uint8_t)data.p[i] != (uint8_t)c->call.number)
				fail_msg("INVITE %lu: byte %zu", (unsigned long)c->call.number, i);
	}
}

static void test_threads(void **state)
{
	static struct world x;
	uint64_t told = 0, next = 0;
	pthread_t thread;

	(void)state;
	x = world_new();
	atomic_store(&x.r->want, CAPTURE_ALL);
	assert_int_equal(pthread_create(&thread, NULL, write_all, &x), 0);
	while (told + lost(x.w) < CALLS) {
		int r = capture_take(x.w, &x.tail, x.copy);

		if (r == 0) {
			sched_yield();
			continue;
		}
		assert_int_equal(r, 1);
		assert_true(x.copy->call.number >= next);
		next = x.copy->call.number + 1;
		check(x.copy);
		told++;
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(capture_take(x.w, &x.tail, x.copy), 0);
	assert_int_equal(told + lost(x.w), CALLS);
	assert_int_equal(x.w->lost_rate, 0);
	assert_true(told > 0);
	world_free(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_region),
		cmocka_unit_test(test_want),
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_lost_nics),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests_name("capture", tests, NULL, NULL);
}
