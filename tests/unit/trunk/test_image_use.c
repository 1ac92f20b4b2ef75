// SPDX-License-Identifier: BSD-2-Clause
#include "imageworld.h"

#include <pthread.h>
#include <sched.h>
#include <sys/stat.h>
#include <time.h>

#include "stir/passport.h"

static struct world w;

static int bad_slot(void)
{
	return put_trunk(&w, SLOTS, 0);
}

static int bad_drop(void)
{
	return image_trunk_drop(w.im, UINT32_MAX);
}

static int bad_line(void)
{
	return put_line(&w, LINES, 0);
}

static int bad_line_drop(void)
{
	return image_credential_drop(w.im, LINES);
}

static int bad_credential(void)
{
	struct compile_trunk ct = w.v[0].ct;

	ct.credential = LINES;
	return image_trunk_put(w.im, &ct);
}

static int bad_x5u(void)
{
	static char x5u[PASSPORT_X5U_MAX + 2];
	struct compile_credential cc = { .x5u = memset(x5u, 'a', sizeof(x5u) - 1) };

	return image_credential_put(w.im, 0, &cc);
}

static int bad_rules(void)
{
	struct trunk t = { .name = "t", .rule_cnt = POLICY_RULES_MAX + 1 };
	struct compile_trunk ct = { &t, 1, POLICY_CREDENTIAL_NONE, NULL };

	return image_trunk_put(w.im, &ct);
}

static int bad_numbers(void)
{
	struct number_range r = { .first = "2", .last = "1" };
	struct trunk t = { .name = "t", .numbers = &r, .number_cnt = 1, .has_numbers = true };
	struct compile_trunk ct = { &t, 1, POLICY_CREDENTIAL_NONE, NULL };

	return image_trunk_put(w.im, &ct);
}

static int bad_location(void)
{
	static const struct pidf_template p = { .len = PIDF_TEMPLATE_MAX + 1 };
	struct compile_trunk ct = w.v[0].ct;

	ct.location = &p;
	return image_trunk_put(w.im, &ct);
}

static int bad_holes(void)
{
	static const struct pidf_template p = { .len = 1, .hole_cnt = PIDF_HOLES_MAX + 1 };
	struct compile_trunk ct = w.v[0].ct;

	ct.location = &p;
	return image_trunk_put(w.im, &ct);
}

static int bad_gateway(void)
{
	struct gateway g = *w.gateways[0];

	g.emergency_cnt = SIPSEAL_EMERGENCY_MAX + 1;
	return image_gateway_put(w.im, &g);
}

static void test_refused(void **state)
{
	static const struct { const char *name; int (*call)(void); } cases[] = {
		{ "slot", bad_slot }, { "drop", bad_drop }, { "line", bad_line }, { "line drop", bad_line_drop },
		{ "credential", bad_credential }, { "x5u", bad_x5u }, { "rules", bad_rules },
		{ "numbers", bad_numbers }, { "location", bad_location }, { "holes", bad_holes },
		{ "gateway", bad_gateway },
	};
	struct model m;

	(void)state;
	world_new(&w, 256 * 1024);
	first_generation(&w, 2, &m);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (cases[i].call() != -EINVAL)
			fail_msg("%s: taken while no change is open", cases[i].name);
		assert_int_equal(image_begin(w.im, 3), 0);
		assert_int_equal(put_trunk(&w, 0, 1), 0);
		assert_int_equal(image_gateway_put(w.im, w.gateways[1]), 0);
		if (cases[i].call() != -EINVAL)
			fail_msg("%s: taken", cases[i].name);
		if (put_trunk(&w, 1, 2) != -EINVAL)
			fail_msg("%s: the change goes on", cases[i].name);
		image_abort(w.im);
		expect(&w, 2, &m);
		assert_int_equal(usage(&w).used, 0);
	}
	world_free(&w);
}

static void test_order(void **state)
{
	struct model m;

	(void)state;
	world_new(&w, 256 * 1024);
	assert_int_equal(image_generation(w.im), 0);
	assert_true(image_is_settled(w.im));
	image_settle(w.im);
	image_abort(w.im);
	assert_int_equal(put_trunk(&w, 0, 0), -EINVAL); /* nothing open */
	assert_int_equal(image_gateway_put(w.im, w.gateways[0]), -EINVAL);
	assert_int_equal(image_begin(w.im, 0), -EINVAL);
	assert_int_equal(image_begin(w.im, 5), 0);
	assert_int_equal(image_begin(w.im, 6), -EBUSY); /* one is open */
	assert_int_equal(put_trunk(&w, 0, 0), 0);
	image_abort(w.im);
	first_generation(&w, 4, &m); /* before the first commit either copy will do */
	assert_int_equal(image_begin(w.im, 6), -EBUSY); /* the active one's copy */
	assert_int_equal(image_begin(w.im, 5), 0);
	assert_int_equal(image_generation(w.im), 4);
	assert_null(policy_copy_get(w.region, 5));
	image_settle(w.im); /* not while a change is open */
	assert_int_equal(put_trunk(&w, 3, 0), 0);
	image_commit(w.im);
	m.trunks[3] = 0;
	expect(&w, 5, &m);
	world_free(&w); /* not settled */
}

static void test_new(void **state)
{
	static const struct { const char *name; uint64_t size; uint32_t trunks, lines; size_t shift; int ret; } cases[] = {
		{ "nothing", 0, 1, 1, 0, -ENOSPC },
		{ "head only", sizeof(struct policy_region), 1, 1, 0, -ENOSPC },
		{ "tables do not fit", 65536, 1000, 1, 0, -ENOSPC },
		{ "lines do not fit", 65536, 1, 1000, 0, -ENOSPC },
		{ "no slots", 65536, 0, 1, 0, -EINVAL },
		{ "no lines", 65536, 1, 0, 0, -EINVAL },
		{ "slots without end", 65536, UINT32_MAX, 1, 0, -EINVAL },
		{ "lines without end", 65536, 1, UINT32_MAX, 0, -EINVAL },
		{ "unaligned", 65536, 1, 1, 4, -EINVAL },
		{ "fine", 65536, 1, 1, 0, 0 },
	};
	char *memory = aligned_alloc(64, 65536 + 64);

	(void)state;
	memset(memory, 0, 65536 + 64);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct policy_region *r = (struct policy_region *)(memory + cases[i].shift);
		struct image *im = NULL;
		int ret = image_new(r, cases[i].size, cases[i].trunks, cases[i].lines, &im);

		if (ret != cases[i].ret || (ret < 0) != !im)
			fail_msg("%s: returns %d", cases[i].name, ret);
		if (!im)
			continue;
		assert_int_equal(policy_region_check(r, cases[i].size), 0);
		assert_null(policy_copy_get(r, 0));
		image_free(im);
	}
	image_free(NULL);
	free(memory);
}

/* A region of the largest size costs the pages that are used, no more. */
static void test_sparse(void **state)
{
	const uint64_t size = 9ull << 30;
	struct policy_region *r;
	struct image_usage u;
	struct image *im;
	struct compile_trunk ct;
	struct stat st;
	int fd = memfd_create("image", MFD_CLOEXEC);

	(void)state;
	world_new(&w, 65536);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	r = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	assert_true(r != MAP_FAILED);
	assert_int_equal(image_new(r, size, 1000000, 4096, &im), 0);
	image_usage(im, &u);
	assert_true(u.total > 3ull << 30 && u.total < 4ull << 30); /* references are 32-bit offsets */
	ct = w.v[0].ct;
	ct.slot = 999999;
	ct.location = &w.locations[0];
	assert_int_equal(image_begin(im, 1), 0);
	assert_int_equal(image_trunk_put(im, &ct), 0);
	assert_int_equal(image_credential_put(im, 4095, &w.v[0].cc), 0);
	image_commit(im);
	image_settle(im);
	assert_non_null(policy_trunk_get(policy_copy_get(r, 1), 999999));
	assert_non_null(policy_credential_get(policy_copy_get(r, 1), 4095));
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(st.st_blocks * 512ull <= 20 * (uint64_t)sysconf(_SC_PAGESIZE));
	image_free(im);
	munmap(r, size);
	close(fd);
	world_free(&w);
}

/* What the daemon's generation word and a worker's drained_ns do: the writer waits for the reader. */
static struct {
	uint64_t active, reading;  /* reading: 0 between two batches */
	bool is_done;
	unsigned long reads, mixes;
} shared;

#define CHANGES 2000

/* All trunks of a generation carry its number: one that differs is another generation's. */
static bool is_mixed(uint64_t g)
{
	const struct policy_copy *c = policy_copy_get(w.region, (uint16_t)g);

	for (uint32_t i = 0; c && i < SLOTS; i++) {
		const struct policy_trunk *t = policy_trunk_get(c, i);
		char want[32];

		snprintf(want, sizeof(want), "generation-%lu", (unsigned long)g);
		if (!t || t->freshness_s != (uint32_t)g || !slice_eq(policy_text(c, t->pai_domain), slice_str(want)))
			return true;
	}
	return !c;
}

static void *reader(void *unused)
{
	while (!__atomic_load_n(&shared.is_done, __ATOMIC_SEQ_CST)) {
		uint64_t g = __atomic_load_n(&shared.active, __ATOMIC_SEQ_CST);

		__atomic_store_n(&shared.reading, g, __ATOMIC_SEQ_CST);
		if (g && g == __atomic_load_n(&shared.active, __ATOMIC_SEQ_CST)) {
			shared.mixes += is_mixed(g);
			shared.reads++;
		}
		__atomic_store_n(&shared.reading, 0, __ATOMIC_SEQ_CST);
	}
	return unused;
}

static void wait_for_readers_of(uint64_t g)
{
	while (g && __atomic_load_n(&shared.reading, __ATOMIC_SEQ_CST) == g)
		sched_yield();
}

static void test_reader(void **state)
{
	struct trunk *t = trunk_new();
	pthread_t thread;

	(void)state;
	world_new(&w, 256 * 1024);
	strcpy(t->name, "t");
	t->pai_domain = calloc(1, 32);
	assert_int_equal(pthread_create(&thread, NULL, reader, NULL), 0);
	for (uint64_t g = 1; g <= CHANGES; g++) {
		wait_for_readers_of(g - 2);
		assert_int_equal(image_begin(w.im, g), 0);
		snprintf(t->pai_domain, 32, "generation-%lu", (unsigned long)g);
		t->freshness_s = (unsigned)g;
		for (uint32_t i = 0; i < SLOTS; i++) {
			struct compile_trunk ct = { t, i, POLICY_CREDENTIAL_NONE, &w.locations[any(LOCATIONS)] };

			assert_int_equal(image_trunk_put(w.im, &ct), 0);
		}
		image_commit(w.im);
		__atomic_store_n(&shared.active, g, __ATOMIC_SEQ_CST);
		if (any(2)) {
			wait_for_readers_of(g - 1);
			image_settle(w.im);
		}
	}
	__atomic_store_n(&shared.is_done, true, __ATOMIC_SEQ_CST);
	pthread_join(thread, NULL);
	assert_int_equal(shared.mixes, 0);
	assert_true(shared.reads > 0);
	trunk_free(t);
	world_free(&w);
}

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

#define RANGES  10 /* of each trunk */
#define LOOKUPS 1000000u

static double lookup_ns(const struct policy_copy *c, uint32_t cnt)
{
	double start = now_us();
	unsigned inside = 0;

	for (uint32_t i = 0; i < LOOKUPS; i++) {
		const struct policy_trunk *t = policy_trunk_get(c, any(cnt));

		inside += policy_number_inside(c, t, SLICE("18005550104"));
	}
	assert_int_equal(inside, LOOKUPS);
	return (now_us() - start) * 1e3 / LOOKUPS;
}

/* Figures to look at; what they must be, the benchmark asserts. */
static void cost_of(uint32_t cnt)
{
	const size_t size = 1ull << 30;
	struct policy_region *r = mmap(NULL, size, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct trunk *t = trunk_new();
	struct compile_trunk ct = { t, 0, POLICY_CREDENTIAL_NONE, &w.locations[0] };
	struct image *im;
	struct image_usage u;
	double start = now_us(), load, put;

	assert_true(r != MAP_FAILED);
	t->number_cnt = RANGES;
	t->has_numbers = true;
	t->numbers = calloc(RANGES, sizeof(*t->numbers));
	for (unsigned i = 0; i < RANGES; i++) {
		snprintf(t->numbers[i].first, 16, "1800555%04u", 100 + 2 * i);
		memcpy(t->numbers[i].last, t->numbers[i].first, 16);
	}
	assert_int_equal(image_new(r, size, 200000, 4096, &im), 0);
	assert_int_equal(image_begin(im, 1), 0);
	for (ct.slot = 0; ct.slot < cnt; ct.slot++) {
		snprintf(t->name, sizeof(t->name), "customer-%u", ct.slot);
		assert_int_equal(image_trunk_put(im, &ct), 0);
	}
	image_commit(im);
	image_settle(im);
	load = now_us() - start;
	start = now_us();
	for (uint64_t g = 2; g < 1002; g++) {
		ct.slot = any(cnt);
		assert_int_equal(image_begin(im, g), 0);
		assert_int_equal(image_trunk_put(im, &ct), 0);
		image_commit(im);
		image_settle(im);
	}
	put = (now_us() - start) / 1000;
	image_usage(im, &u);
	print_message("%6u trunks: load %.0f ms, %.1f MB a copy; change of one %.1f us; look-up %.0f ns\n", cnt,
		      load / 1e3, (double)u.used / 1e6, put, lookup_ns(policy_copy_get(r, 1001), cnt));
	assert_int_equal(u.trunks, cnt);
	image_free(im);
	munmap(r, size);
	trunk_free(t);
}

static void test_cost(void **state)
{
	(void)state;
	world_new(&w, 65536);
	cost_of(10);
	cost_of(100000);
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new),    cmocka_unit_test(test_order),  cmocka_unit_test(test_refused),
		cmocka_unit_test(test_sparse), cmocka_unit_test(test_reader), cmocka_unit_test(test_cost),
	};

	return cmocka_run_group_tests_name("trunk/image use", tests, NULL, NULL);
}
