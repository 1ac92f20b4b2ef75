/* SPDX-License-Identifier: BSD-2-Clause */
/* /v1/certificates/cache over the real socket, with a fetcher that is this program (fetching_world.h). */
#include "fetching_world.h"

#include "control_client.h"
#include "daemon/api.h"

#define CACHE "/v1/certificates/cache"
#define ESCAPED "https%3A%2F%2Fcert.example%2Fgood.pem"

static char answer[65536];

static struct control *api_serve(void)
{
	snprintf(path, sizeof(path), "%.60s/sock", world->dir);
	return serve(api_routes, &world->d);
}

struct call {
	const char *name, *head, *body;
	unsigned status;
	const char *answer[4];
};

static void calls(struct control *c, const struct call *cases, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++) {
		unsigned status = ask(c, cases[i].head, cases[i].body, answer, sizeof(answer));

		if (status != cases[i].status)
			fail_msg("%s: %s", cases[i].name, answer);
		for (size_t k = 0; k < ARRAY_SIZE(cases[i].answer) && cases[i].answer[k]; k++)
			if (!strstr(answer, cases[i].answer[k]))
				fail_msg("%s: no %s in %s", cases[i].name, cases[i].answer[k], answer);
	}
}

static const struct call running[] = {
	{ "list", "GET " CACHE, NULL, 200,
	  { "{\"entries\":[{\"x5u\":\"" GOOD_URL "\",\"state\":\"good\",\"running\":false,\"reason\":null,\"code\":null,"
	    "\"spc\":\"1234\",\"subject\":null,\"fetched\":\"2023-11-14T22:13:20Z\",\"expires\":\"2023-11-14T23:13:20Z\","
	    "\"not_after\":\"2027-01-15T08:00:00Z\",\"stored\":true,\"detail\":null},",
	    "\"x5u\":\"https://bad.example/?[31m?\",\"state\":\"bad\",\"running\":false,\"reason\":\"certificate_bad\"",
	    "\"x5u\":\"https://running.example/\",\"state\":\"fetching\"", "\"total\":6}" } },
	{ "list, the rest", "GET " CACHE "?skip=1000", NULL, 200, { "{\"entries\":[],\"total\":6}" } },
	{ "list, one", "GET " CACHE "?url=" ESCAPED, NULL, 200, { "\"entries\":[{\"x5u\":\"" GOOD_URL, "}],\"total\":1}" } },
	{ "list, one, not escaped", "GET " CACHE "?url=" GOOD_URL, NULL, 200, { "\"total\":1}" } },
	{ "list, one of others", "GET " CACHE "?url=https://other.example/", NULL, 200, { "{\"entries\":[],\"total\":0}" } },
	{ "list, none", "GET " CACHE "?url=", NULL, 400, { "bad_query" } },
	{ "list, no number", "GET " CACHE "?skip=-1", NULL, 400, { "bad_query" } },
	{ "list, empty number", "GET " CACHE "?skip=", NULL, 400, { "bad_query" } },
	{ "list, huge number", "GET " CACHE "?skip=4294967296", NULL, 400, { "bad_query" } },
	{ "list, unknown parameter", "GET " CACHE "?uri=x", NULL, 400, { "bad_query", "allowed: url, skip" } },
	{ "list, broken escape", "GET " CACHE "?url=%zz", NULL, 400, { "bad_query" } },
	{ "prefetch", "POST " CACHE, "{\"url\":\"" GOOD_URL "\"}", 202,
	  { "{\"url\":\"" GOOD_URL "\",\"generation\":7,\"warnings\":[]}" } },
	{ "prefetch, busy", "POST " CACHE, "{\"url\":\"https://busy.example/\"}", 503, { "\"code\":\"fetcher_busy\"" } },
	{ "prefetch, no body", "POST " CACHE, NULL, 422, { "\"code\":\"invalid\"" } },
	{ "prefetch, no key", "POST " CACHE, "{}", 422, { "url is missing" } },
	{ "prefetch, wrong type", "POST " CACHE, "{\"url\":1}", 422, { "\"key\":\"url\"" } },
	{ "prefetch, unknown key", "POST " CACHE, "{\"urls\":[]}", 422, { "\"key\":\"urls\"" } },
	{ "prefetch, http", "POST " CACHE, "{\"url\":\"http://cert.example/\"}", 422, { "https URL" } },
	{ "flush one", "DELETE " CACHE "?url=" ESCAPED, NULL, 200, { "{\"url\":\"" GOOD_URL "\",\"generation\":7" } },
	{ "flush what is not there", "DELETE " CACHE "?url=https://other.example/", NULL, 404, { "\"code\":\"not_cached\"" } },
	{ "flush none", "DELETE " CACHE "?url=", NULL, 400, { "bad_query" } },
	{ "flush, unknown parameter", "DELETE " CACHE "?skip=1", NULL, 400, { "bad_query" } },
	{ "flush all", "DELETE " CACHE, NULL, 200, { "{\"url\":null,\"generation\":7" } },
	{ "patch", "PATCH " CACHE, "{}", 405, { "Allow: GET, HEAD, POST, DELETE\r\n" } },
};

static void test_running(void **state)
{
	struct control *c;

	(void)state;
	fetcher_run(NULL);
	world->d.generation = 7;
	c = api_serve();
	calls(c, running, ARRAY_SIZE(running));
	control_close(c);
}

/* Known and asked for again: the good one is good all the while, of the bad one nobody knows. */
static void test_again(void **state)
{
	static const struct call again[] = {
		{ "list", "GET " CACHE, NULL, 200,
		  { "good.pem\",\"state\":\"good\",\"running\":true", "?[31m?\",\"state\":\"fetching\",\"running\":true" } },
	};
	struct control *c;

	(void)state;
	fetcher_run("/again");
	c = api_serve();
	calls(c, again, ARRAY_SIZE(again));
	control_close(c);
}

static const struct call none[] = {
	{ "list", "GET " CACHE, NULL, 409, { "\"code\":\"no_trust_anchors\"" } },
	{ "prefetch", "POST " CACHE, "{\"url\":\"" GOOD_URL "\"}", 409, { "\"code\":\"no_trust_anchors\"" } },
	{ "flush", "DELETE " CACHE, NULL, 409, { "\"code\":\"no_trust_anchors\"" } },
};

static const struct call down[] = {
	{ "list", "GET " CACHE, NULL, 503, { "\"code\":\"fetcher_down\"" } },
	{ "prefetch", "POST " CACHE, "{\"url\":\"" GOOD_URL "\"}", 503, { "\"code\":\"fetcher_down\"" } },
	{ "flush", "DELETE " CACHE, NULL, 503, { "\"code\":\"fetcher_down\"" } },
};

static void test_no_fetcher(void **state)
{
	char err[FETCHING_ERR_LEN];
	struct control *c;

	(void)state;
	c = api_serve();
	calls(c, none, ARRAY_SIZE(none));
	assert_int_equal(fetching_new(&world->d, &world->d.fetching, err), 0); /* not started */
	calls(c, down, ARRAY_SIZE(down));
	control_close(c);
}

/* Who flushed or fetched what, refused or not. */
static void test_log(void **state)
{
	int copy = dup(2), fd = open(at("log"), O_RDWR | O_CREAT | O_TRUNC, 0600);
	char want[256], log[4096] = "";
	struct control *c;

	(void)state;
	fetcher_run(NULL);
	c = api_serve();
	dup2(fd, 2);
	ask(c, "POST " CACHE, "{\"url\":\"" GOOD_URL "\"}", answer, sizeof(answer));
	ask(c, "DELETE " CACHE "?url=https://other.example/%0Aevent=x", NULL, answer, sizeof(answer));
	ask(c, "GET " CACHE, NULL, answer, sizeof(answer));
	dup2(copy, 2);
	close(copy);
	assert_true(pread(fd, log, sizeof(log) - 1, 0) > 0);
	close(fd);
	snprintf(want, sizeof(want), "event=change what=cache_prefetch name=" GOOD_URL " uid=%d pid=%d generation=0 result=ok\n",
		 (int)getuid(), (int)getpid());
	if (!strstr(log, want) ||
	    !strstr(log, "what=cache_flush name=https://other.example/\\x0aevent\\x3dx uid=") ||
	    !strstr(log, "result=not_cached\n") || strstr(log, "what=cache_list"))
		fail_msg("%s", log);
	control_close(c);
}

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, world_new, world_done)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_running),
		WORLD_TEST(test_again),
		WORLD_TEST(test_no_fetcher),
		WORLD_TEST(test_log),
	};

	if (argc && strcmp(argv[0], "sipseal-fetcher") == 0)
		return fake_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
