/* SPDX-License-Identifier: BSD-2-Clause */
/* The cache with a clock that is the test's; what is fetched is said to have come, no socket is opened. */
#include "crls.h"
#include "stir/chain.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "fetcher/cache.h"
#include "fetcher/store_format.h"

#define URL  "https://127.0.0.1:9/a"
#define YEAR (365 * 86400)

static struct chain old, new;
static struct made pa;
static char anchors[32768], old_pem[32768], new_pem[32768];
static size_t anchors_len, old_len, new_len;
static int64_t now;

struct world {
	struct cache c;
	struct trust trust;
	void *region;
	char dir[64];
};

static void ignore(void *ctx, struct slice url, const struct fetch_result *r)
{
	(void)ctx, (void)url, (void)r;
}

static void world_new(struct world *w, struct judge_config cfg, bool has_dir)
{
	struct fetch_config fetch = { .rules.allow_private = true, .timeout_ms = 1000 };
	char err[TRUST_TEXT_MAX] = "";

	*w = (struct world){ .trust.cfg = cfg };
	cfg.want_tnauthlist = true;
	w->region = mmap(NULL, verdict_region_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(w->region != MAP_FAILED);
	assert_int_equal(verdict_writer_new(w->region, &w->c.writer), 0);
	assert_int_equal(notes_new(&w->c.notes), 0);
	assert_int_equal(fetch_new(&fetch, ignore, NULL, &w->c.fetch), 0);
	if (trust_anchors(&w->trust, anchors, anchors_len, now, err) != 0)
		fail_msg("anchors: %s", err);
	w->c.region = w->region;
	w->c.trust = &w->trust;
	if (!has_dir)
		return;
	snprintf(w->dir, sizeof(w->dir), "/tmp/sipseal-cache-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	assert_int_equal(store_open(open(w->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), &w->c.store), 0);
}

static void world_free(struct world *w)
{
	if (w->c.store) {
		store_drop_all(w->c.store);
		store_free(w->c.store);
		assert_int_equal(rmdir(w->dir), 0);
	}
	fetch_free(w->c.fetch);
	notes_free(w->c.notes);
	verdict_writer_free(w->c.writer);
	trust_done(&w->trust);
	munmap(w->region, verdict_region_size());
}

static void want(struct world *w, uint16_t flags, int64_t at)
{
	struct verdict_want v = { .trunk = 1, .len = sizeof(URL) - 1, .flags = flags, .x5u = URL };

	cache_want(&w->c, &v, at);
}

static bool is_running(struct world *w)
{
	struct note *n = notes_get(w->c.notes, SLICE(URL));

	return n && note_of(n)->is_running;
}

static void comes(struct world *w, const char *pem, size_t len, int64_t at)
{
	struct fetch_result r = { .status = 200, .body = pem, .len = len, .max_age_s = -1 };

	assert_true(is_running(w));
	cache_fetched(&w->c, SLICE(URL), &r, at);
}

static void fails(struct world *w, int64_t at)
{
	struct fetch_result r = { .error = -ETIMEDOUT, .text = "too slow" };

	assert_true(is_running(w));
	cache_fetched(&w->c, SLICE(URL), &r, at);
}

static enum verdict_kind look(const struct world *w, int64_t at, struct verdict *ret)
{
	memset(ret, 0, sizeof(*ret));
	return verdict_find(w->region, SLICE(URL), at, ret);
}

static int setup(void **state)
{
	struct certmake d = chain_desc("STI-PA", PA_EXT, NULL);

	(void)state;
	now = (int64_t)(clock_real_ms() / 1000);
	old = chain_new_at(now);
	new = chain_new_at(now);
	d.not_before = now - 86400;
	d.not_after = now + YEAR;
	pa = chain_make(d);
	anchors_len = chain_pem(anchors, sizeof(anchors), (X509 *const[]){ old.root.x, new.root.x, pa.x, NULL });
	old_len = chain_pem(old_pem, sizeof(old_pem), (X509 *const[]){ old.leaf.x, old.intermediate.x, NULL });
	new_len = chain_pem(new_pem, sizeof(new_pem), (X509 *const[]){ new.leaf.x, new.intermediate.x, NULL });
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	chain_free(&old);
	chain_free(&new);
	made_free(&pa);
	return 0;
}

/* Notes give way as verdicts do, the oldest first; a refresh that failed makes neither younger. */
static void test_order(void **state)
{
	struct notes_walk walk = { 0 };
	struct note *other, *newest;
	struct world w;

	(void)state;
	world_new(&w, (struct judge_config){ 0 }, false);
	want(&w, 0, now);
	comes(&w, old_pem, old_len, now);
	other = notes_make(w.c.notes, SLICE("https://127.0.0.1:9/other"));
	notes_set(w.c.notes, other, true, "");
	want(&w, VERDICT_WANT_AGAIN, now + 100);
	fails(&w, now + 100);
	assert_string_equal(note_text(notes_get(w.c.notes, SLICE(URL))), "too slow");
	newest = notes_next(w.c.notes, &walk);
	assert_ptr_equal(newest, other);
	assert_ptr_equal(notes_next(w.c.notes, &walk), notes_get(w.c.notes, SLICE(URL)));
	world_free(&w);
}

static void clocks(struct world *w, int64_t real_s, int64_t mono_s)
{
	cache_clock(&w->c, real_s * 1000, (uint64_t)mono_s * 1000000000u);
}

/* A clock that ran ahead and is put right: a failure of then is no failure until then. */
static void test_clock_failure(void **state)
{
	struct world w;
	struct verdict v;

	(void)state;
	world_new(&w, (struct judge_config){ 0 }, false);
	clocks(&w, now + YEAR, 1000);
	want(&w, 0, now + YEAR);
	fails(&w, now + YEAR);
	assert_int_equal(look(&w, now, &v), VERDICT_BAD);
	clocks(&w, now, 1000);
	assert_int_equal(look(&w, now, &v), VERDICT_UNKNOWN);
	want(&w, 0, now);
	comes(&w, old_pem, old_len, now);
	assert_int_equal(look(&w, now, &v), VERDICT_GOOD);
	/* what was known before stays, and small steps and time as it goes are none */
	clocks(&w, now + 50, 1050);
	clocks(&w, now + 49, 1052);
	assert_int_equal(look(&w, now, &v), VERDICT_GOOD);
	clocks(&w, now + 20, 1080);
	assert_int_equal(look(&w, now, &v), VERDICT_GOOD);
	/* a key that changes is found within a minute of the right clock, whenever it was looked for last */
	clocks(&w, now + 86400, 1090);
	want(&w, VERDICT_WANT_AGAIN, now + 86400 - 1);
	fails(&w, now + 86400 - 1);
	clocks(&w, now + 200, 1100);
	want(&w, VERDICT_WANT_AGAIN, now + 201);
	assert_false(is_running(&w));
	want(&w, VERDICT_WANT_AGAIN, now + 261);
	assert_true(is_running(&w));
	world_free(&w);
}

/* The same of a good one: it would be believed until the wrong day and a week; nor does its file make it good. */
static void test_clock_good(void **state)
{
	const int64_t ahead = now + 30 * 86400;
	struct world w;
	struct verdict v;

	(void)state;
	world_new(&w, (struct judge_config){ 0 }, true);
	clocks(&w, ahead, 1000);
	want(&w, 0, ahead);
	comes(&w, old_pem, old_len, ahead);
	assert_int_equal(look(&w, now, &v), VERDICT_GOOD);
	assert_true(v.expires_at > now + JUDGE_KEEP_MAX_S);
	clocks(&w, now, 1001);
	assert_int_equal(look(&w, now, &v), VERDICT_UNKNOWN);
	cache_rejudge(&w.c, now);
	while (cache_work(&w.c, 10, now))
		;
	assert_int_equal(look(&w, now, &v), VERDICT_UNKNOWN);
	want(&w, 0, now);
	assert_true(is_running(&w)); /* asked for, not taken from the file */
	/* the file was not thrown away: it may be this clock that is wrong */
	cache_rejudge(&w.c, ahead);
	while (cache_work(&w.c, 10, ahead))
		;
	assert_int_equal(look(&w, ahead, &v), VERDICT_GOOD);
	assert_int_equal(v.fetched_at, ahead);
	world_free(&w);
}

/* A new key that cannot be written: the file with the old one must not bring that back. */
static void test_store_fails(void **state)
{
	struct world w;
	struct verdict v;
	char temp[160], name[STORE_NAME_LEN + 1];

	(void)state;
	world_new(&w, (struct judge_config){ 0 }, true);
	want(&w, 0, now);
	comes(&w, old_pem, old_len, now);
	assert_true(store_has(w.c.store, SLICE(URL)));
	store_file_name(SLICE(URL), name);
	snprintf(temp, sizeof(temp), "%s/%s.new", w.dir, name);
	assert_int_equal(mkdir(temp, 0700), 0); /* in the way of the next one */
	want(&w, VERDICT_WANT_AGAIN, now + 100);
	comes(&w, new_pem, new_len, now + 100);
	assert_int_equal(rmdir(temp), 0);
	assert_false(store_has(w.c.store, SLICE(URL)));
	cache_rejudge(&w.c, now + 101);
	while (cache_work(&w.c, 10, now + 101))
		;
	assert_int_not_equal(look(&w, now + 101, &v), VERDICT_GOOD);
	world_free(&w);
}

static X509_CRL *crl_until(int64_t from, int64_t until)
{
	struct crl_desc d = { .signer = &pa, .ext = INDIRECT, .this_update = from, .next_update = until };

	return crl_make(&d);
}

static void crl_give(struct world *w, X509_CRL *crl, int64_t at, int want_r)
{
	unsigned char *der = NULL;
	int len = i2d_X509_CRL(crl, &der);

	assert_int_equal(trust_crl(&w->trust, (const char *)der, (size_t)len, at), want_r);
	OPENSSL_free(der);
	X509_CRL_free(crl);
}

/* Hard, by URL: until the first answer, and from the end of a list to the next answer, there is no verdict; then there
 * is one, be it that nothing is believed. */
static void test_awaited(void **state)
{
	const int64_t end = now + 3600;
	struct world w;
	struct verdict v;

	(void)state;
	world_new(&w, (struct judge_config){ .has_crl = true, .crl_policy = CRL_HARD }, false);
	w.trust.has_crl_url = true;
	want(&w, 0, now);
	assert_false(is_running(&w));
	assert_int_equal(look(&w, now, &v), VERDICT_UNKNOWN);
	trust_crl_fail(&w.trust, "HTTP status 404");
	want(&w, 0, now);
	comes(&w, old_pem, old_len, now);
	assert_int_equal(look(&w, now, &v), VERDICT_BAD);
	crl_give(&w, crl_until(now - 60, end), now, 1);
	cache_rejudge(&w.c, now);
	want(&w, 0, now);
	comes(&w, old_pem, old_len, now);
	assert_int_equal(look(&w, now, &v), VERDICT_GOOD);
	assert_int_equal(v.expires_at, end);
	want(&w, VERDICT_WANT_AGAIN, end - 1);
	comes(&w, old_pem, old_len, end); /* it is over just now */
	assert_int_equal(look(&w, end, &v), VERDICT_UNKNOWN);
	/* the same list again is an answer too */
	crl_give(&w, crl_until(now - 50, end), end, 1);
	assert_non_null(strstr(w.trust.crl_error, "nextUpdate"));
	want(&w, 0, end);
	comes(&w, old_pem, old_len, end);
	assert_int_equal(look(&w, end, &v), VERDICT_BAD);
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_clock_failure),
		cmocka_unit_test(test_clock_good),
		cmocka_unit_test(test_store_fails),
		cmocka_unit_test(test_awaited),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
