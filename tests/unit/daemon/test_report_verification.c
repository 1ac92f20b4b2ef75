/* SPDX-License-Identifier: BSD-2-Clause */
/* What the status tells of inbound calls, with a fetcher that is this program (fetching_world.h). */
#include "fetching_world.h"

#include "daemon/live_internal.h"
#include "daemon/report_verification.h"

static struct trunk *trunk_add(const char *name, bool is_enabled, bool is_given)
{
	struct live_trunk *t = NULL;

	assert_int_equal(live_trunk_new(world->d.live, name, 0, 1, &t), 0);
	t->trunk = trunk_new();
	strcpy(t->trunk->name, name);
	t->trunk->verification.is_enabled = is_enabled;
	t->trunk->verification.is_given = is_given;
	t->trunk->freshness_s = 60;
	return t->trunk;
}

static int setup(void **state)
{
	struct sipseald *d;

	world_new(state);
	d = &world->d;
	assert_int_equal(live_new(&d->live), 0);
	assert_int_equal(counts_init(&d->counts, 2, 64), 0);
	assert_int_equal(counts_renew(&d->counts, 0), 0);
	return 0;
}

static int teardown(void **state)
{
	counts_done(&world->d.counts);
	live_free(world->d.live);
	return world_done(state);
}

static void skew_set(unsigned worker, const char *name, int64_t mean, int64_t min, int64_t max, uint64_t cnt)
{
	struct counters_worker *w = counters_worker(world->d.counts.map, worker);
	struct counters_trunk *t = &w->trunks[live_find(world->d.live, name)->slot];

	t->skew_ms = mean;
	t->skew_min_ms = min;
	t->skew_max_ms = max;
	t->skew_cnt = cnt;
}

static void hits_set(uint64_t hits, uint64_t misses)
{
	struct counters_worker *w = counters_worker(world->d.counts.map, 1);

	w->verdict_hits = hits;
	w->verdict_misses = misses;
	w->parked = 2;
	w->parked_ever = 30;
}

static const json_t *warning(const json_t *list, const char *code)
{
	const json_t *w;
	size_t i;

	json_array_foreach(list, i, w)
		if (strcmp(json_string_value(json_object_get(w, "code")), code) == 0)
			return w;
	return NULL;
}

static void expect_text(json_t *o, const char *want)
{
	char *text = json_dumps(o, JSON_COMPACT);

	if (!strstr(text, want))
		fail_msg("no %s in %s", want, text);
	free(text);
}

/* Every key of docs/api.md, with numbers of the fetcher and of the signer. */
static void test_whole(void **state)
{
	const struct proc *p;
	char want[160];
	json_t *o;

	(void)state;
	p = fetching_proc(fetcher_run(NULL));
	trunk_add("acme", true, false);
	trunk_add("quiet", false, true);
	hits_set(30, 10);
	o = report_verification(&world->d);
	expect_text(o, "{\"enabled\":true,\"trunks\":{\"verifying\":1,\"off\":1,\"without_anchors\":0},");
	snprintf(want, sizeof(want), "\"fetcher\":{\"pid\":%d,\"up\":true,\"restarts\":0,\"user\":\"%s\",\"uid\":%u}",
		 (int)p->pid, p->is_nobody ? "nobody" : FETCHER_USER, (unsigned)p->uid);
	expect_text(o, want);
	expect_text(o, "\"cache\":{\"good\":2,\"bad\":1,\"stored\":2,\"stored_bytes\":4000,\"loading\":0,\"evicted\":3,"
		       "\"store_errors\":0,\"hits\":30,\"misses\":10,\"hit_rate\":0.75}");
	expect_text(o, "\"fetches\":{\"running\":1,\"ok\":8,\"failed\":6,\"over_budget\":3}");
	expect_text(o, "\"hosts\":[{\"host\":\"worst.example\",\"ok\":1,\"failed\":5,\"last_error\":\"refused\"},"
		       "{\"host\":\"?event=x\",");
	expect_text(o, "\"crl\":null,\"parked\":2,\"parked_ever\":30,\"park_full\":0,\"seen_evicted\":0,\"clock_skew\":[]}");
	json_decref(o);
}

static void test_none(void **state)
{
	json_t *o, *list = json_array();

	(void)state;
	set(&world->d.gateway->trust_anchors, NULL);
	trunk_add("acme", false, false);
	trunk_add("quiet", false, true);
	o = report_verification(&world->d);
	expect_text(o, "{\"enabled\":false,\"trunks\":{\"verifying\":0,\"off\":1,\"without_anchors\":1},\"fetcher\":null,"
		       "\"cache\":{\"good\":null,");
	expect_text(o, "\"hits\":0,\"misses\":0,\"hit_rate\":null}");
	report_verification_warnings(&world->d, list);
	assert_int_equal(json_array_size(list), 1);
	assert_non_null(warning(list, "not_verified"));
	json_decref(o);
	json_decref(list);
}

static void test_down(void **state)
{
	json_t *o, *list = json_array();
	struct fetching *f;

	(void)state;
	f = fetcher_run("/hangs");
	o = report_verification(&world->d); /* which finds out */
	expect_text(o, "\"fetcher\":{\"pid\":0,\"up\":false,");
	expect_text(o, "\"fetches\":{\"running\":null,");
	report_verification_warnings(&world->d, list);
	assert_non_null(warning(list, "fetcher_down"));
	expect_text(list, "the fetcher is down: signal 9");
	assert_false(fetching_is_up(f));
	json_decref(o);
	json_decref(list);
}

static const struct {
	const char *name;
	int64_t at, next;
	const char *error;
	enum crl_mode mode;
	const char *code, *level;
} crls[] = {
	{ "there", 1700000000, 4000000000, "", CRL_MODE_SOFT, NULL, NULL },
	{ "missing", 0, 0, "", CRL_MODE_SOFT, "crl_missing", "warning" },
	{ "missing, hard", 0, 0, "no route", CRL_MODE_HARD, "crl_missing", "critical" },
	{ "over", 1700000000, 1700000001, "", CRL_MODE_SOFT, "crl_over", "warning" },
	{ "over, hard", 1700000000, 1700000001, "", CRL_MODE_HARD, "crl_over", "critical" },
	{ "not renewed", 1700000000, 4000000000, "no route", CRL_MODE_HARD, "crl_error", "notice" },
	{ "without an end", 1700000000, 0, "", CRL_MODE_HARD, NULL, NULL },
};

/* The fake's answers come from the name of a mode: "/crl AT NEXT ERROR". */
static void test_crl(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(crls); i++) {
		json_t *list = json_array(), *o;
		const json_t *w;
		char mode[64];

		setup(NULL);
		set(&world->d.gateway->crl_url, "https://crl.example/");
		world->d.gateway->crl_policy = crls[i].mode;
		snprintf(mode, sizeof(mode), "/crl %lld %lld %s", (long long)crls[i].at, (long long)crls[i].next, crls[i].error);
		fetcher_run(mode);
		report_verification_warnings(&world->d, list);
		w = crls[i].code ? warning(list, crls[i].code) : NULL;
		if (crls[i].code && (!w || strcmp(json_string_value(json_object_get(w, "level")), crls[i].level)))
			fail_msg("%s: %s", crls[i].name, json_dumps(list, 0));
		for (const char *const *c = (const char *const[]){ "crl_missing", "crl_over", "crl_error", NULL }; *c; c++)
			if (warning(list, *c) != (crls[i].code && strcmp(*c, crls[i].code) == 0 ? w : NULL))
				fail_msg("%s: %s", crls[i].name, *c);
		o = report_verification(&world->d);
		expect_text(o, crls[i].mode == CRL_MODE_HARD ? "\"crl\":{\"policy\":\"hard\"" : "\"crl\":{\"policy\":\"soft\"");
		expect_text(o, crls[i].at ? "\"at\":\"2023-11-14T22:13:20Z\"" : "\"at\":null,\"next_update\":null");
		json_decref(o);
		json_decref(list);
		teardown(NULL);
	}
}

/* Two workers, one trunk; twelve trunks, of which ten are named; those that do not verify are not looked at. */
static void test_clocks(void **state)
{
	json_t *o, *list, *all;

	(void)state;
	if (geteuid() != 0)
		skip();
	trunk_add("acme", true, true);
	trunk_add("off", false, true);
	skew_set(0, "acme", 31000, 100, 40000, 30);
	skew_set(1, "acme", 30900, -7, 32000, 10);
	skew_set(0, "off", 90000, 90000, 90000, 5);
	o = report_verification(&world->d);
	expect_text(o, "\"clock_skew\":[]"); /* no certificate was asked for: nothing is judged */
	json_decref(o);
	hits_set(40, 0);
	o = report_verification(&world->d);
	expect_text(o, "\"clock_skew\":[{\"mean_ms\":30975,\"min_ms\":-7,\"max_ms\":40000,\"calls\":40,\"trunk\":\"acme\"}]");
	json_decref(o);
	list = json_array();
	report_verification_warnings(&world->d, list);
	expect_text((json_t *)(uintptr_t)warning(list, "clock_skew"), "30975 ms behind ours");
	expect_text(list, "\"trunk\":\"acme\"");
	json_decref(list);
	skew_set(0, "acme", 40000, 0, 0, 9); /* few calls */
	skew_set(1, "acme", 0, 0, 0, 0);
	list = json_array();
	report_verification_warnings(&world->d, list);
	assert_null(warning(list, "clock_skew"));
	json_decref(list);
	skew_set(0, "acme", 30000, 0, 0, 20); /* half of freshness_s */
	skew_set(1, "acme", 0, 0, 0, 0);
	for (int i = 0; i < 11; i++) {
		char name[8];

		snprintf(name, sizeof(name), "t%d", i);
		trunk_add(name, true, true);
		skew_set(0, name, i % 2 ? 1000 * i : -1000 * i, 0, 0, 1);
	}
	list = json_array();
	report_verification_warnings(&world->d, list);
	assert_null(warning(list, "clock_skew"));
	json_decref(list);
	o = report_verification(&world->d);
	all = json_object_get(o, "clock_skew");
	assert_int_equal(json_array_size(all), 10);
	assert_string_equal(json_string_value(json_object_get(json_array_get(all, 0), "trunk")), "acme");
	assert_string_equal(json_string_value(json_object_get(json_array_get(all, 1), "trunk")), "t10");
	assert_string_equal(json_string_value(json_object_get(json_array_get(all, 9), "trunk")), "t2");
	json_decref(o);
	o = report_clock_skew(&world->d, live_find(world->d.live, "t3"));
	expect_text(o, "{\"mean_ms\":3000,\"min_ms\":0,\"max_ms\":0,\"calls\":1}");
	json_decref(o);
}

static void test_warnings(void **state)
{
	json_t *list = json_array();

	(void)state;
	fetcher_run(NULL);
	counters_worker(world->d.counts.map, 0)->park_full = 4;
	counters_worker(world->d.counts.map, 0)->seen_evicted = 5;
	report_verification_warnings(&world->d, list);
	assert_non_null(warning(list, "park_full"));
	assert_non_null(warning(list, "seen_evicted"));
	expect_text(list, "certificates from worst.example: 5 fetches failed, 1 did not: refused");
	assert_null(warning(list, "fetcher_down"));
	json_decref(list);
}

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_whole),
		WORLD_TEST(test_none),
		WORLD_TEST(test_down),
		cmocka_unit_test(test_crl),
		WORLD_TEST(test_clocks),
		WORLD_TEST(test_warnings),
	};

	if (argc && strcmp(argv[0], "sipseal-fetcher") == 0)
		return fake_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
