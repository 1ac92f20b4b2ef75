/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <netinet/in.h>

#include "control_client.h"
#include "daemon/control_body.h"
#include "daemon/listen.h"

static int calls;

static int echo(void *ctx, const struct control_request *q, struct control_answer *a)
{
	++*(int *)ctx;
	if (*q->tail == '!')
		return control_error(a, 404, "no_thing", "there is no such thing");
	a->json = json_pack("{s:s,s:s,s:s?,s:s?,s:O?,s:i}", "method", q->method, "tail", q->tail, "x",
			    control_query(q, "x"), "first", control_query_name(q, 0), "body", (json_t *)q->body, "uid",
			    (int)q->uid);
	return a->json ? 0 : -ENOMEM;
}

static int get_text(void *ctx, const struct control_request *q, struct control_answer *a)
{
	(void)ctx, (void)q;
	a->text = strdup("metric 1\n");
	return a->text ? 0 : -ENOMEM;
}

static const struct control_route routes[] = {
	{ .path = "/v1/things", .get = echo, .post = echo },
	{ .path = "/v1/things/", .is_prefix = true, .get = echo, .patch = echo, .del = echo },
	{ .path = "/metrics", .is_metrics = true, .get = get_text },
	{ .path = NULL },
};

static const struct {
	const char *name, *head, *body;
	unsigned status;
	const char *answer;
	int calls;
} cases[] = {
	{ "get", "GET /v1/things", NULL, 200, "{\"method\":\"GET\",\"tail\":\"\"", 1 },
	{ "name", "GET /v1/things/acme", NULL, 200, "\"tail\":\"acme\"", 1 },
	{ "escaped", "GET /v1/things/a%2Fb%22", NULL, 200, "\"tail\":\"a/b\\\"\"", 1 },
	{ "escaped once", "GET /v1/things/a%252Fb", NULL, 200, "\"tail\":\"a%2Fb\"", 1 },
	{ "escaped NUL", "GET /v1/things/a%00b", NULL, 404, "\"code\":\"not_found\"", 0 },
	{ "broken escape", "GET /v1/things/a%2", NULL, 404, "not_found", 0 },
	{ "two segments", "GET /v1/things/a/b", NULL, 404, "not_found", 0 },
	{ "query is no path", "GET /v1/things?x=1", NULL, 200, "\"tail\":\"\",\"x\":\"1\",\"first\":\"x\"", 1 },
	{ "query without value", "GET /v1/things?x", NULL, 200, "\"x\":\"\"", 1 },
	{ "query decoded", "GET /v1/things?y=2&%78=a%26b", NULL, 200, "\"x\":\"a&b\",\"first\":\"y\"", 1 },
	{ "query absent", "GET /v1/things?xy=2", NULL, 200, "\"x\":null", 1 },
	{ "query with NUL", "GET /v1/things?x=a%00", NULL, 400, "bad_query", 0 },
	{ "query too long", "GET /v1/things?a&b&c&d&e&f&g&h&i", NULL, 400, "bad_query", 0 },
	{ "handler says 404", "GET /v1/things/!", NULL, 404, "\"code\":\"no_thing\"", 1 },
	{ "no name", "GET /v1/things/", NULL, 404, "\"code\":\"not_found\"", 0 },
	{ "longer", "GET /v1/thingsx", NULL, 404, "\"message\":", 0 },
	{ "root", "GET /", NULL, 404, "\"error\"", 0 },
	{ "metrics are elsewhere", "GET /metrics", NULL, 404, "\"error\"", 0 },
	{ "post", "POST /v1/things", "{\"a\":[1]}", 200, "\"body\":{\"a\":[1]}", 1 },
	{ "post without body", "POST /v1/things", NULL, 200, "\"body\":null", 1 },
	{ "patch", "PATCH /v1/things/a", "{\"a\":null}", 200, "\"method\":\"PATCH\",\"tail\":\"a\"", 1 },
	{ "delete", "DELETE /v1/things/a", NULL, 200, "\"method\":\"DELETE\"", 1 },
	{ "body of a get is not read", "GET /v1/things", "{", 200, "\"body\":null", 1 },
	{ "wrong method", "PATCH /v1/things", "{}", 405, "Allow: GET, HEAD, POST\r\n", 0 },
	{ "wrong method for a name", "POST /v1/things/a", "{}", 405, "Allow: GET, HEAD, PATCH, DELETE\r\n", 0 },
	{ "unknown method", "BREW /v1/things", NULL, 405, "method_not_allowed", 0 },
	{ "post to nowhere", "POST /nosuch", "{}", 404, "not_found", 0 },
};

static void test_requests(void **state)
{
	struct control *c = serve(routes, &calls);
	char answer[2048], uid[32];

	(void)state;
	snprintf(uid, sizeof(uid), "\"uid\":%d}", (int)getuid());
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned status;

		calls = 0;
		status = ask(c, cases[i].head, cases[i].body, answer, sizeof(answer));
		if (status != cases[i].status || !strstr(answer, cases[i].answer) || calls != cases[i].calls)
			fail_msg("%s: %d calls, %s", cases[i].name, calls, answer);
		if (!strstr(answer, "Content-Type: application/json") || (status == 200 && !strstr(answer, uid)))
			fail_msg("%s: %s", cases[i].name, answer);
	}
	control_close(c);
}

#define DEEP "[[[[[[[[[[[[[[["

static const struct {
	const char *name, *body;
	size_t len; /* 0: strlen */
	const char *answer;
} bad_bodies[] = {
	{ "no JSON", "name: acme", 0, "\"line\":1,\"col\":" },
	{ "cut", "{\"a\":\n\"b", 0, "\"line\":2,\"col\":" },
	{ "array", "[]", 0, "allowed: an object" },
	{ "scalar", "5", 0, "bad_json" },
	{ "duplicate", "{\"a\":1,\n \"a\":2}", 0, "duplicate object key" },
	{ "nested duplicate", "{\"x\":{\"a\":1,\"a\":1}}", 0, "duplicate object key" },
	{ "two values", "{}{}", 0, "bad_json" },
	{ "NUL behind", "{}\0", 3, "\"message\":\"a NUL byte\",\"line\":1,\"col\":3" },
	{ "NUL inside", "{\"a\":\"\0\"}", 9, "a NUL byte" },
	{ "escaped NUL", "{\"a\":\"\\u0000\"}", 0, "bad_json" },
	{ "NUL in a key", "{\"\\u0000\":1}", 0, "bad_json" },
	{ "broken UTF-8", "{\"a\":\"\xc3(\"}", 0, "bad_json" },
	{ "overlong UTF-8", "{\"a\":\"\xc0\xaf\"}", 0, "bad_json" },
	{ "broken UTF-8 outside", "\xff{}", 0, "bad_json" },
	{ "byte order mark", "\xef\xbb\xbf{}", 0, "bad_json" },
	{ "deep", "{\"a\":" DEEP "[1]", 0, "nested too deep, allowed: 16 levels\",\"line\":1,\"col\":21" },
	{ "blank", "  ", 0, "bad_json" },
	{ "huge number", "{\"a\":99999999999999999999}", 0, "too big integer" },
	{ "real overflow", "{\"a\":1e999}", 0, "bad_json" },
};

static void test_bad_bodies(void **state)
{
	struct control *c = serve(routes, &calls);
	char answer[2048];

	(void)state;
	calls = 0;
	for (size_t i = 0; i < ARRAY_SIZE(bad_bodies); i++) {
		size_t len = bad_bodies[i].len ? bad_bodies[i].len : strlen(bad_bodies[i].body);

		if (ask_raw(c, "POST /v1/things", bad_bodies[i].body, len, answer, sizeof(answer)) != 400 ||
		    !strstr(answer, "\"code\":\"bad_json\"") || !strstr(answer, bad_bodies[i].answer))
			fail_msg("%s: %s", bad_bodies[i].name, answer);
	}
	assert_int_equal(calls, 0);
	/* the deepest that is allowed; brackets in strings do not count */
	assert_int_equal(ask(c, "POST /v1/things", "{\"a\":" DEEP "\"[[[[\\\"[[\"]]]]]]]]]]]]]]]}", answer,
			     sizeof(answer)), 200);
	control_close(c);
}

/* Text of @cnt times @item between @open and @close. */
static char *repeat(const char *open, const char *item, size_t cnt, const char *close, size_t *ret_len)
{
	char *s = NULL;
	FILE *f = open_memstream(&s, ret_len);

	fputs(open, f);
	for (size_t i = 0; i < cnt; i++)
		fprintf(f, "%s%s", i ? "," : "", item);
	fputs(close, f);
	fclose(f);
	return s;
}

static void test_body_bounds(void **state)
{
	static const struct {
		const char *name, *item;
		size_t cnt;
		int ret;
	} bounds[] = {
		{ "values", "1", CONTROL_VALUES_MAX, 0 },
		{ "values over", "1", CONTROL_VALUES_MAX + 2, -EINVAL },
		{ "objects", "{}", CONTROL_CONTAINERS_MAX - 2, 0 },
		{ "objects over", "{}", CONTROL_CONTAINERS_MAX, -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bounds); i++) {
		struct control_body_error e = { .line = 7 };
		json_t *json = NULL;
		size_t len;
		char *s = repeat("{\"a\":[", bounds[i].item, bounds[i].cnt, "]}", &len);
		int r = control_body_parse(s, len, &json, &e);

		if (r != bounds[i].ret || !json != !!r || (e.line == 7) != !r)
			fail_msg("%s: %d %s", bounds[i].name, r, e.text);
		json_decref(json);
		free(s);
	}
}

/* The length that is announced is enough to refuse; without one the body is read to its end and forgotten. */
static void test_too_large(void **state)
{
	static const char announced[] = "POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: 4194305\r\n\r\n",
		chunked[] = "POST /v1/things HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
	struct control *c = serve(routes, &calls);
	char answer[2048], *chunk = malloc(0x10000 + 16);
	int fd = client();

	(void)state;
	calls = 0;
	say(c, fd, announced, strlen(announced));
	hear(c, fd, answer, sizeof(answer), "}}");
	assert_non_null(strstr(answer, "HTTP/1.1 413"));
	assert_non_null(strstr(answer, "\"code\":\"too_large\""));
	close(fd);
	fd = client();
	say(c, fd, chunked, strlen(chunked));
	memcpy(chunk, "10000\r\n", 7);
	memset(chunk + 7, ' ', 0x10000);
	memcpy(chunk + 7 + 0x10000, "\r\n", 2);
	for (unsigned i = 0; i < 65; i++)
		say(c, fd, chunk, 0x10000 + 9);
	say(c, fd, "0\r\n\r\n", 5);
	hear(c, fd, answer, sizeof(answer), "}}");
	assert_non_null(strstr(answer, "HTTP/1.1 413"));
	close(fd);
	/* a request line without an end */
	fd = client();
	memset(chunk, 'a', 40000);
	memcpy(chunk, "GET /", 5);
	say(c, fd, chunk, 40000);
	hear(c, fd, answer, sizeof(answer), "\r\n\r\n");
	assert_non_null(strstr(answer, "HTTP/1.1 4"));
	close(fd);
	assert_int_equal(calls, 0);
	free(chunk);
	control_close(c);
}

/* 100,000 numbers in one body, as the API promises. */
static void test_large_body(void **state)
{
	struct control *c = serve(routes, &calls);
	char answer[4096];
	size_t len;
	char *s = repeat("{\"numbers\":[", "\"+18005550100\"", 100000, "]}", &len);
	unsigned status = ask_raw(c, "POST /v1/things", s, len, answer, sizeof(answer));

	(void)state;
	assert_int_equal(status, 200);
	free(s);
	control_close(c);
}

static void test_file(void **state)
{
	const struct control_cfg cfg = { .socket = path, .routes = routes, .ctx = &calls };
	char err[CONTROL_ERR_LEN] = "";
	struct control *c = serve(routes, &calls), *second = NULL;
	struct stat st;
	FILE *f;

	(void)state;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	assert_int_equal(control_open(&cfg, &second, err), -EADDRINUSE);
	assert_non_null(strstr(err, path));
	assert_null(second);
	assert_int_equal(access(path, F_OK), 0); /* the first one's stays */
	control_close(c);
	assert_int_equal(access(path, F_OK), -1);
	/* left behind by a daemon that was killed */
	assert_int_equal(close(listen_unix(path, NULL, err, sizeof(err))), 0);
	assert_int_equal(access(path, F_OK), 0);
	control_close(serve(routes, &calls));
	/* something else */
	f = fopen(path, "w");
	fputs("precious", f);
	fclose(f);
	assert_int_equal(control_open(&cfg, &second, err), -EEXIST);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 8);
}

static void test_metrics_address(void **state)
{
	static const struct {
		const char *addr;
		int ret;
	} addrs[] = {
		{ "127.0.0.1", -EINVAL },      { "localhost:80", -EINVAL },
		{ "127.0.0.1:http", -EINVAL }, { ":9497", -EINVAL },
		{ "[]:1", -EINVAL },	       { "192.0.2.1:9497", -EADDRNOTAVAIL },
	};
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	char err[256], taken[64];
	int fd, port;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(addrs); i++) {
		int r = listen_tcp(addrs[i].addr, err, sizeof(err));

		if (r != addrs[i].ret || !strstr(err, addrs[i].addr))
			fail_msg("%s: %d, %s", addrs[i].addr, r, err);
	}
	fd = listen_tcp("127.0.0.1:0", err, sizeof(err));
	assert_true(fd >= 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&ss, &len), 0);
	port = ntohs(((struct sockaddr_in *)&ss)->sin_port);
	snprintf(taken, sizeof(taken), "127.0.0.1:%d", port);
	assert_int_equal(listen_tcp(taken, err, sizeof(err)), -EADDRINUSE);
	assert_non_null(strstr(err, taken));
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_requests, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_bodies, setup, teardown),
		cmocka_unit_test(test_body_bounds),
		cmocka_unit_test_setup_teardown(test_too_large, setup, teardown),
		cmocka_unit_test_setup_teardown(test_large_body, setup, teardown),
		cmocka_unit_test_setup_teardown(test_file, setup, teardown),
		cmocka_unit_test(test_metrics_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
