/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verdict: full tables, full buckets, URLs of every length, refreshing, random operations beside a model, and
 * what a look-up costs.
 */
#include "verdict_world.h"

#include <errno.h>
#include <time.h>

static void put(struct world *w, unsigned n, bool is_bad, int64_t fetched_at, int64_t expires_at)
{
	struct verdict v = is_bad ? bad_of(n, fetched_at, expires_at) : good_of(n, fetched_at, expires_at);
	char buf[URL_CAP];

	assert_int_equal(verdict_put(w->w, url_of(buf, n), &v), 0);
}

static enum verdict_kind kind_of(const struct world *w, unsigned n)
{
	char buf[URL_CAP];
	struct verdict v;

	return verdict_find(w->r, url_of(buf, n), NOW, &v);
}

/* One table is filled beyond its end: the first ones go, but for those that were put again, and
 * nothing of the other table. */
static void fill(bool is_bad)
{
	unsigned max = is_bad ? VERDICT_BAD_MAX : VERDICT_GOOD_MAX, more = 1000, again = 10;
	enum verdict_kind kind = is_bad ? VERDICT_BAD : VERDICT_GOOD;
	struct world w = world_new();
	struct verdict_usage u;

	for (unsigned n = 0; n < 100; n++)
		put(&w, 1000000 + n, !is_bad, NOW - 1, NOW + 1);
	for (unsigned n = 0; n < max; n++)
		put(&w, n, is_bad, NOW - 1, NOW + 1);
	verdict_usage(w.w, &u);
	assert_int_equal(is_bad ? u.bad : u.good, max);
	assert_int_equal(u.evicted_good + u.evicted_bad, 0);
	for (unsigned n = 0; n < again; n++)
		put(&w, n, is_bad, NOW - 1, NOW + 1);
	for (unsigned n = max; n < max + more; n++)
		put(&w, n, is_bad, NOW - 1, NOW + 1);
	verdict_usage(w.w, &u);
	assert_int_equal(is_bad ? u.bad : u.good, max);
	assert_int_equal(is_bad ? u.good : u.bad, 100);
	assert_int_equal(is_bad ? u.evicted_bad : u.evicted_good, more);
	assert_int_equal(is_bad ? u.evicted_good : u.evicted_bad, 0);
	for (unsigned n = 0; n < max + more; n++)
		if (kind_of(&w, n) != (n >= again && n < again + more ? VERDICT_UNKNOWN : kind))
			fail_msg("%u of %u is %d", n, max, kind_of(&w, n));
	for (unsigned n = 0; n < 100; n++)
		if (kind_of(&w, 1000000 + n) != (is_bad ? VERDICT_GOOD : VERDICT_BAD))
			fail_msg("%u of the other table is gone", n);
	verdict_expire(w.w, NOW + 1);
	verdict_usage(w.w, &u);
	assert_int_equal(u.good + u.bad, 0);
	world_free(&w);
}

static void test_good_full(void **state)
{
	(void)state;
	fill(false);
}

static void test_bad_full(void **state)
{
	(void)state;
	fill(true);
}

/* A table of two buckets: everything is in the same place. */
enum { BUCKETS = 2, PLACES = BUCKETS * VERDICT_WAYS, ENTRIES = 100 };
static _Atomic uint64_t tags[PLACES], entries[ENTRIES * VERDICT_BAD_WORDS];
static const struct siphash_key key = { 1, 2 };

static struct verdict_table small_table(void)
{
	memset((void *)tags, 0, sizeof(tags));
	memset((void *)entries, 0, sizeof(entries));
	return (struct verdict_table){ tags, entries, BUCKETS, ENTRIES, sizeof(struct verdict_failure) };
}

/* URLs that begin alike, also where words do. */
static void test_prefixes(void **state)
{
	struct verdict_table t = small_table();
	struct verdict_failure f = { 0 };
	struct verdict_stock s;

	(void)state;
	assert_int_equal(verdict_stock_init(&s, t), 0);
	for (size_t n = 1; n < PLACES; n++) {
		struct slice url = slice_of("https://a.example", n), longer = slice_of(url.p, n + 1);

		assert_null(verdict_stock_get(&s, siphash(key, url), url));
		verdict_stock_put(&s, siphash(key, url), url, slice_of((char *)&f, sizeof(f)), NOW);
		assert_non_null(verdict_stock_get(&s, siphash(key, url), url));
		assert_null(verdict_stock_get(&s, siphash(key, longer), longer));
		assert_int_equal(s.cnt, n);
	}
	for (size_t n = PLACES - 1; n; n--) {
		struct slice url = slice_of("https://a.example", n);

		verdict_stock_remove(&s, verdict_stock_get(&s, siphash(key, url), url));
		assert_null(verdict_stock_get(&s, siphash(key, url), url));
	}
	verdict_stock_put(&s, siphash(key, SLICE("https://a.example")), SLICE("https://a.example"),
			  slice_of((char *)&f, sizeof(f)), NOW);
	assert_null(verdict_stock_get(&s, siphash(key, SLICE("https://")), SLICE("https://")));
	verdict_stock_done(&s);
}

/* More than they hold: the oldest in them goes. */
static void test_buckets_full(void **state)
{
	enum { CNT = 50 };
	struct verdict_table t = small_table();
	struct verdict_failure f = { 0 };
	struct verdict_stock s;
	char buf[URL_CAP];

	(void)state;
	assert_int_equal(verdict_stock_init(&s, t), 0);
	for (unsigned n = 0; n < CNT; n++) {
		struct slice url = url_of(buf, n);

		f.fetched_at = n;
		verdict_stock_put(&s, siphash(key, url), url, slice_of((char *)&f, sizeof(f)), NOW);
		assert_int_equal(s.cnt, n < PLACES ? n + 1 : PLACES);
		assert_int_equal(s.evicted, n < PLACES ? 0 : n + 1 - PLACES);
	}
	for (unsigned n = 0; n < CNT; n++) {
		struct slice url = url_of(buf, n);
		bool found = verdict_table_find(&t, siphash(key, url), url, (char *)&f) == sizeof(f);

		if (found != (n >= CNT - PLACES) || (found && f.fetched_at != n))
			fail_msg("%u: found %d", n, found);
	}
	verdict_stock_done(&s);
}

/* Every length ends at an unmapped page, and one changed byte is another URL. */
static void test_lengths(void **state)
{
	struct world w = world_new();
	char url[URL_CAP];
	struct verdict out;

	(void)state;
	for (size_t n = 0; n <= PASSPORT_X5U_MAX + 1; n++) {
		bool fits = n >= 1 && n <= PASSPORT_X5U_MAX, is_bad = n % 2;
		struct verdict v = is_bad ? bad_of(n, NOW - 1, NOW + 1) : good_of(n, NOW - 1, NOW + 1);
		struct guard g;

		memset(url, 'x', sizeof(url));
		g = guard_new(url, n);
		assert_int_equal(verdict_put(w.w, slice_of(g.p, n), &v), fits ? 0 : -EINVAL);
		assert_int_equal(verdict_find(w.r, slice_of(g.p, n), NOW, &out), fits ? v.kind : VERDICT_UNKNOWN);
		if (fits && !verdict_same(&out, &v))
			fail_msg("%zu bytes: another verdict", n);
		if (n)
			g.p[n - 1] = 'y';
		assert_int_equal(verdict_find(w.r, slice_of(g.p, n), NOW, &out), VERDICT_UNKNOWN);
		assert_int_equal(verdict_drop(w.w, slice_of(g.p, n)), -ENOENT);
		guard_free(&g);
	}
	world_free(&w);
}

/* A refresh is written beside the old entry; the same place then leads to it. */
static void test_refresh_beside(void **state)
{
	struct world w = world_new();
	struct verdict_table t = verdict_table_good(w.r);
	struct slice url = SLICE("https://cr.example/one.pem");
	uint64_t hash = verdict_hash(w.r, url);
	uint32_t last = UINT32_MAX, last_place = 0;

	(void)state;
	for (unsigned n = 0; n < 5; n++) {
		struct verdict v = good_of(n, NOW, NOW + 5);
		uint32_t place, index;

		assert_int_equal(verdict_put(w.w, url, &v), 0);
		index = entry_of(&t, hash, url, &place);
		assert_true(index != UINT32_MAX && index != last);
		if (n) {
			assert_int_equal(place, last_place);
			assert_true(*verdict_entry_at(&t, last) == 0);
		}
		last = index;
		last_place = place;
	}
	assert_true(last < 2); /* memory that was used is used again */
	world_free(&w);
}

/* ---- random operations beside a model ---- */

#define URLS 3000

struct model {
	struct verdict v[URLS];       /* kind VERDICT_UNKNOWN: not there */
};

static void model_put(struct model *m, unsigned n, const struct verdict *v)
{
	if (v->kind == VERDICT_BAD && m->v[n].kind == VERDICT_GOOD && m->v[n].expires_at > v->fetched_at)
		return;
	m->v[n] = *v;
}

static void model_expire(struct model *m, int64_t now)
{
	for (unsigned n = 0; n < URLS; n++)
		if (m->v[n].kind && m->v[n].expires_at <= now)
			m->v[n].kind = VERDICT_UNKNOWN;
}

static void usage_check(const struct world *w, const struct model *m)
{
	unsigned good = 0, bad = 0;
	struct verdict_usage u;

	for (unsigned n = 0; n < URLS; n++) {
		good += m->v[n].kind == VERDICT_GOOD;
		bad += m->v[n].kind == VERDICT_BAD;
	}
	verdict_usage(w->w, &u);
	assert_true(u.good == good && u.bad == bad && u.evicted_good == 0 && u.evicted_bad == 0);
}

static void find_check(const struct world *w, const struct model *m, unsigned n, int64_t now)
{
	const struct verdict *want = &m->v[n];
	bool is_there = want->kind && want->expires_at > now;
	struct verdict v;
	char buf[URL_CAP];
	enum verdict_kind kind = verdict_find(w->r, url_of(buf, n), now, &v);

	if (kind != (is_there ? want->kind : VERDICT_UNKNOWN))
		fail_msg("%u at %ld: %d", n, (long)now, kind);
	if (kind && !verdict_same(&v, want))
		fail_msg("%u at %ld: another verdict", n, (long)now);
}

static void test_model(void **state)
{
	static struct model m;
	struct world w = world_new();
	uint64_t random = 4711;
	int64_t now = NOW;
	char buf[URL_CAP];

	(void)state;
	for (unsigned step = 0; step < 200000; step++) {
		unsigned op = next_number(&random) % 100, n = next_number(&random) % URLS;
		int64_t until = now + 1 + next_number(&random) % 300;
		struct verdict v = op < 20 ? good_of(n + step, now, until) : bad_of(n + step, now, until);

		if (op < 40) {
			assert_int_equal(verdict_put(w.w, url_of(buf, n), &v), 0);
			model_put(&m, n, &v);
		} else if (op < 45) {
			assert_int_equal(verdict_drop(w.w, url_of(buf, n)), m.v[n].kind ? 0 : -ENOENT);
			m.v[n].kind = VERDICT_UNKNOWN;
		} else {
			find_check(&w, &m, n, now);
		}
		now += step % 64 == 0;
		if (step % 1024 == 0) {
			verdict_expire(w.w, now);
			model_expire(&m, now);
			usage_check(&w, &m);
		}
	}
	for (unsigned n = 0; n < URLS; n++)
		find_check(&w, &m, n, now);
	world_free(&w);
}

/* ---- cost ---- */

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); /* other work on the machine does not count */
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Nanoseconds of one look-up in a full table: URLs in random order, most of them in no cache. */
static double look_ns(const struct world *w, struct slice *urls, unsigned cnt, enum verdict_kind want)
{
	uint64_t random = 1;
	struct verdict v;
	unsigned wrong = 0, looks = 200000;
	double start = seconds();

	for (unsigned i = 0; i < looks; i++)
		wrong += verdict_find(w->r, urls[next_number(&random) % cnt], NOW, &v) != want;
	assert_int_equal(wrong, 0);
	return (seconds() - start) / looks * 1e9;
}

/* As they are in real life (an SPC and nothing else), or as long as they may be. */
static void cost_fill(struct world *w, const struct slice *urls, bool is_long)
{
	double start;

	for (unsigned n = 0; n < VERDICT_GOOD_MAX; n++) { /* touch the memory */
		struct verdict v = good_of(n, NOW - 1, NOW + 1);

		v.range_cnt = is_long ? VERDICT_RANGES_MAX : 0;
		v.must_cnt = v.never_cnt = is_long ? VERDICT_NAMES_MAX : 0;
		assert_int_equal(verdict_put(w->w, urls[n], &v), 0);
	}
	start = seconds();
	for (unsigned n = 0; n < 1000; n++) {
		struct verdict v = bad_of(n, NOW - 1, NOW + 1);

		assert_int_equal(verdict_put(w->w, urls[VERDICT_GOOD_MAX + n], &v), 0);
	}
	print_message("put of a failure %.0f ns\n", (seconds() - start) / 1000 * 1e9);
}

static void cost(struct world *w, struct slice *urls, bool is_long)
{
	double hit, miss, same;

	cost_fill(w, urls, is_long);
	hit = look_ns(w, urls, VERDICT_GOOD_MAX, VERDICT_GOOD);
	miss = look_ns(w, urls + VERDICT_GOOD_MAX + 1000, VERDICT_GOOD_MAX - 1000, VERDICT_UNKNOWN);
	same = look_ns(w, urls, 1, VERDICT_GOOD);
	print_message("%d %s verdicts: look-up %.0f ns, of what is not there %.0f ns, of one URL %.0f ns\n",
		      VERDICT_GOOD_MAX, is_long ? "longest" : "usual", hit, miss, same);
}

static void test_cost(void **state)
{
	static struct slice urls[2 * VERDICT_GOOD_MAX];
	static char texts[2 * VERDICT_GOOD_MAX][96];
	struct world w = world_new();

	(void)state;
	for (unsigned n = 0; n < ARRAY_SIZE(urls); n++) {
		char buf[URL_CAP];
		struct slice url = url_of(buf, n);

		assert_true(url.len <= sizeof(texts[n]));
		memcpy(texts[n], url.p, url.len);
		urls[n] = slice_of(texts[n], url.len);
	}
	cost(&w, urls, false);
	cost(&w, urls, true);
	print_message("%zu bytes per good entry, %zu per bad one, region %lu\n",
		      VERDICT_GOOD_WORDS * VERDICT_WORD, VERDICT_BAD_WORDS * VERDICT_WORD,
		      (unsigned long)verdict_region_size());
	/* what verdict.h says */
	assert_int_equal(VERDICT_GOOD_WORDS * VERDICT_WORD, 2048);
	assert_int_equal(VERDICT_BAD_WORDS * VERDICT_WORD, 552);
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_full),
		cmocka_unit_test(test_bad_full),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_buckets_full),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_refresh_beside),
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_cost),
	};

	return cmocka_run_group_tests_name("verdict_full", tests, NULL, NULL);
}
