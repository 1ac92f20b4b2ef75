/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/clock.h"
#include "daemon/control.h"
#include "daemon/listen.h"

static char dir[64], path[80];

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/sipseal-control.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/sock", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static int get_thing(void *ctx, const char *tail, struct control_answer *a)
{
	++*(int *)ctx;
	if (*tail == '!')
		return control_error(a, 404, "no_thing", "there is no such thing");
	a->json = json_pack("{s:s}", "tail", tail);
	return a->json ? 0 : -ENOMEM;
}

static int get_text(void *ctx, const char *tail, struct control_answer *a)
{
	(void)ctx, (void)tail;
	a->text = strdup("metric 1\n");
	return a->text ? 0 : -ENOMEM;
}

static const struct control_route routes[] = {
	{ .path = "/v1/things", .get = get_thing },
	{ .path = "/v1/things/", .is_prefix = true, .get = get_thing },
	{ .path = "/metrics", .is_metrics = true, .get = get_text },
	{ .path = NULL },
};

static int calls;

static struct control *serve(const char *metrics)
{
	const struct control_cfg cfg = {
		.socket = path, .metrics = metrics, .routes = routes, .ctx = &calls
	};
	char err[CONTROL_ERR_LEN] = "";
	struct control *c = NULL;

	calls = 0;
	if (control_open(&cfg, &c, err) < 0 || control_serve(c, err) < 0)
		fail_msg("%s", err);
	return c;
}

static int client(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	strcpy(sa.sun_path, path);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

/* Run the server until the client has an answer or its end, 2 s at most.  Return: bytes. */
static size_t pump(struct control *c, int fd, char *dst, size_t cap, const char *until)
{
	uint64_t end = clock_mono_ns() + 2000000000ull;
	size_t len = 0;

	while (clock_mono_ns() < end) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t n;

		control_run(c);
		poll(&p, 1, 10);
		n = read(fd, dst + len, cap - len - 1);
		if (n > 0)
			len += (size_t)n;
		dst[len] = '\0';
		if (n == 0 || (until && strstr(dst, until)))
			break;
	}
	return len;
}

static const struct {
	const char *name, *request, *status, *body;
	int calls;
} cases[] = {
	{ "get", "GET /v1/things HTTP/1.1\r\n", "HTTP/1.1 200", "{\"tail\":\"\"}", 1 },
	{ "name", "GET /v1/things/acme HTTP/1.1\r\n", "HTTP/1.1 200", "{\"tail\":\"acme\"}", 1 },
	{ "escaped", "GET /v1/things/a%2Fb%22 HTTP/1.1\r\n", "HTTP/1.1 200",
	  "{\"tail\":\"a/b\\\"\"}", 1 },
	{ "query is no path", "GET /v1/things?x=1 HTTP/1.1\r\n", "HTTP/1.1 200", "{\"tail\":\"\"}",
	  1 },
	{ "handler says 404", "GET /v1/things/! HTTP/1.1\r\n", "HTTP/1.1 404",
	  "\"code\":\"no_thing\"", 1 },
	{ "no name", "GET /v1/things/ HTTP/1.1\r\n", "HTTP/1.1 404", "\"code\":\"not_found\"", 0 },
	{ "longer", "GET /v1/thingsx HTTP/1.1\r\n", "HTTP/1.1 404", "\"message\":", 0 },
	{ "root", "GET / HTTP/1.1\r\n", "HTTP/1.1 404", "\"error\"", 0 },
	{ "metrics are elsewhere", "GET /metrics HTTP/1.1\r\n", "HTTP/1.1 404", "\"error\"", 0 },
	{ "post", "POST /v1/things HTTP/1.1\r\nContent-Length: 5\r\n", "HTTP/1.1 405",
	  "method_not_allowed", 0 },
	{ "delete", "DELETE /v1/things/acme HTTP/1.1\r\n", "HTTP/1.1 405", "method_not_allowed",
	  0 },
	{ "post to nowhere", "POST /nosuch HTTP/1.1\r\n", "HTTP/1.1 404", "not_found", 0 },
};

static void test_requests(void **state)
{
	struct control *c = serve(NULL);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char request[512], answer[2048];
		int fd = client();

		calls = 0;
		snprintf(request, sizeof(request), "%sHost: x\r\nConnection: close\r\n\r\n",
			 cases[i].request);
		assert_int_equal(write(fd, request, strlen(request)), strlen(request));
		pump(c, fd, answer, sizeof(answer), NULL);
		if (strncmp(answer, cases[i].status, strlen(cases[i].status)) ||
		    !strstr(answer, cases[i].body) || calls != cases[i].calls)
			fail_msg("%s: %d calls, %s", cases[i].name, calls, answer);
		if (!strstr(answer, "Content-Type: application/json"))
			fail_msg("%s: type: %s", cases[i].name, answer);
		close(fd);
	}
	control_close(c);
}

static void test_too_large(void **state)
{
	struct control *c = serve(NULL);
	char answer[2048], *junk = malloc(40000);
	int fd = client();

	(void)state;
	memset(junk, 'a', 40000);
	memcpy(junk, "GET /", 5);
	(void)!write(fd, junk, 40000);
	pump(c, fd, answer, sizeof(answer), "\r\n\r\n");
	assert_int_equal(calls, 0);
	assert_int_not_equal(strncmp(answer, "HTTP/1.1 2", 10), 0);
	close(fd);
	free(junk);
	control_close(c);
}

/* A client that sends a byte now and then keeps MHD's timeout from running: ours ends it. */
static void test_slow_client_is_ended(void **state)
{
	struct control *c = serve(NULL);
	uint64_t start = clock_mono_ns(), now;
	int fd = client();
	char buf[512];
	ssize_t n;

	(void)state;
	do {
		int ms = control_run(c);
		struct pollfd p = { .fd = fd, .events = POLLIN };

		assert_true(ms >= 0 && ms <= 11000); /* it wants to look again */
		poll(&p, 1, 500);
		(void)!send(fd, "G", 1, MSG_NOSIGNAL);
		n = recv(fd, buf, sizeof(buf), 0);
		now = clock_mono_ns();
	} while (n < 0 && errno == EAGAIN && now - start < 15000000000ull);
	assert_true(n == 0 || errno == ECONNRESET);
	assert_true(now - start > 8000000000ull && now - start < 13000000000ull);
	close(fd);
	control_close(c);
}

static void test_file(void **state)
{
	const struct control_cfg cfg = { .socket = path, .routes = routes, .ctx = &calls };
	char err[CONTROL_ERR_LEN] = "";
	struct control *c = serve(NULL), *second = NULL;
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
	control_close(serve(NULL));
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
		cmocka_unit_test_setup_teardown(test_too_large, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slow_client_is_ended, setup, teardown),
		cmocka_unit_test_setup_teardown(test_file, setup, teardown),
		cmocka_unit_test(test_metrics_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
