/* SPDX-License-Identifier: BSD-2-Clause */
/* What the fetcher is asked, and that nothing of what it says is believed. */
#include "fetching_world.h"

static char err[FETCHING_ERR_LEN];

static void test_stats(void **state)
{
	struct fetcher_stats s;

	(void)state;
	if (fetching_stats(fetcher_run(NULL), &s, err) < 0)
		fail_msg("%s", err);
	assert_int_equal(s.good, 2);
	assert_int_equal(s.stored_bytes, 4000);
	assert_int_equal(s.fetched, 8);
	assert_int_equal(s.over_budget, 3);
	assert_int_equal(s.crl_next_update, 1700086400);
	assert_string_equal(s.crl_error, "");
}

static void test_stats_that_lie(void **state)
{
	struct fetcher_stats s;

	(void)state;
	if (fetching_stats(fetcher_run("/lies"), &s, err) < 0)
		fail_msg("%s", err);
	assert_int_equal(s.good, VERDICT_GOOD_MAX);
	assert_int_equal(s.bad, VERDICT_BAD_MAX);
	assert_true(s.stored <= VERDICT_GOOD_MAX && s.loading <= VERDICT_GOOD_MAX && s.running <= VERDICT_GOOD_MAX);
	assert_true(s.fetched == INT64_MAX && s.failed == INT64_MAX && s.over_budget == INT64_MAX);
	assert_true(s.evicted_good == INT64_MAX && s.evicted_bad == INT64_MAX);
	assert_true(s.stored_bytes == INT64_MAX && s.store_errors == INT64_MAX);
	assert_int_equal(s.crl_at, 0);
	assert_int_equal(s.crl_next_update, 0);
	assert_int_equal(strlen(s.crl_error), sizeof(s.crl_error) - 1);
}

static void test_list(void **state)
{
	struct fetcher_entry *e = NULL;
	uint32_t cnt = 99, total = 99;
	struct fetching *f;

	(void)state;
	f = fetcher_run(NULL);
	if (fetching_list(f, "", 0, &e, &cnt, &total, err) < 0)
		fail_msg("%s", err);
	assert_int_equal(cnt, 3);
	assert_int_equal(total, 6);
	assert_string_equal(e[0].x5u, GOOD_URL);
	assert_int_equal(e[0].kind, VERDICT_GOOD);
	assert_int_equal(e[0].code, 0); /* only failures have one */
	assert_int_equal(e[0].is_stored, 1);
	assert_int_equal(e[0].not_after, 1800000000);
	assert_string_equal(e[1].x5u, "https://bad.example/?[31m?");
	assert_int_equal(e[1].reason, SR_CERTIFICATE_BAD);
	assert_int_equal(e[1].code, 0);
	assert_int_equal(e[1].not_after, 0);
	assert_int_equal(e[1].expires_at, 0);
	assert_int_equal(strlen(e[1].text), sizeof(e[1].text) - 1);
	assert_int_equal(strlen(e[1].subject), sizeof(e[1].subject) - 1);
	assert_string_equal(e[2].x5u, "https://running.example/");
	assert_int_equal(e[2].is_running, 1);
	free(e);
	/* one alone, one that is not there, later ones */
	assert_int_equal(fetching_list(f, GOOD_URL, 0, &e, &cnt, &total, err), 0);
	assert_true(cnt == 1 && total == 1 && strcmp(e[0].x5u, GOOD_URL) == 0);
	free(e);
	assert_int_equal(fetching_list(f, "https://other.example/", 0, &e, &cnt, &total, err), 0);
	assert_true(cnt == 0 && total == 0);
	free(e);
	assert_int_equal(fetching_list(f, "", 1000, &e, &cnt, &total, err), 0);
	assert_true(cnt == 0 && total == 6);
	free(e);
}

/* 2^32 records, it says, and wrote six. */
static void test_list_without_end(void **state)
{
	struct fetcher_entry *e = NULL;
	uint32_t cnt = 0, total = 0;

	(void)state;
	assert_int_equal(fetching_list(fetcher_run("/many"), "", 0, &e, &cnt, &total, err), 0);
	assert_int_equal(cnt, 3); /* the rest is zeroes */
	assert_in_range(total, cnt, 100000);
	free(e);
}

static void test_hosts(void **state)
{
	struct fetcher_host *h = NULL;
	uint32_t cnt = 0;

	(void)state;
	if (fetching_hosts(fetcher_run(NULL), &h, &cnt, err) < 0)
		fail_msg("%s", err);
	assert_int_equal(cnt, 2); /* one had no name */
	assert_string_equal(h[0].host, "worst.example");
	assert_int_equal(h[0].failed, 5);
	assert_string_equal(h[1].host, "?event=x");
	assert_true(h[1].failed == INT64_MAX);
	assert_int_equal(strlen(h[1].last_error), sizeof(h[1].last_error) - 1);
	free(h);
}

static const struct {
	const char *name;
	int (*ask)(struct fetching *f, const char *x5u, char *reterr);
	const char *url;
	int ret;
} urls[] = {
	{ "prefetch", fetching_prefetch, GOOD_URL, 0 },
	{ "prefetch, refused", fetching_prefetch, "", -EINVAL },
	{ "prefetch, busy", fetching_prefetch, "https://busy.example/", -EAGAIN },
	{ "flush", fetching_flush, GOOD_URL, 0 },
	{ "flush all", fetching_flush, "", 0 },
	{ "flush what is not there", fetching_flush, "https://other.example/", -ENOENT },
};

static void test_urls(void **state)
{
	char url[PASSPORT_X5U_MAX + 2];
	struct fetching *f;

	(void)state;
	f = fetcher_run(NULL);
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		int r = urls[i].ask(f, urls[i].url, strcpy(err, ""));

		if (r != urls[i].ret || (r < 0 && !*err))
			fail_msg("%s: %d, %s", urls[i].name, r, err);
	}
	memset(url, 'x', sizeof(url) - 1);
	url[sizeof(url) - 1] = '\0';
	assert_int_equal(fetching_prefetch(f, url, err), -EINVAL);
	assert_string_equal(err, "the URL has 513 bytes, 512 is the limit");
	url[PASSPORT_X5U_MAX] = '\0';
	assert_int_equal(fetching_prefetch(f, url, err), 0);
	assert_true(fetching_is_up(f));
}

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, world_new, world_done)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_stats),
		WORLD_TEST(test_stats_that_lie),
		WORLD_TEST(test_list),
		WORLD_TEST(test_list_without_end),
		WORLD_TEST(test_hosts),
		WORLD_TEST(test_urls),
	};

	if (argc && strcmp(argv[0], "sipseal-fetcher") == 0)
		return fake_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
