/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <grp.h>
#include <sys/wait.h>

#include "control_client.h"

/* A source of lines, as followers have one. */
struct source {
	const char *text; /* what is there to be read; NULL: nothing */
	bool is_over;
	unsigned reads, done;
	void *conn;
};

static struct source sources[16];
static unsigned source_cnt;

static ssize_t source_read(void *ctx, char *dst, size_t cap)
{
	struct source *s = ctx;
	size_t len = s->text ? strlen(s->text) : 0;

	s->reads++;
	if (!len)
		return s->is_over ? -1 : 0;
	assert_true(len <= cap);
	memcpy(dst, s->text, len);
	s->text = NULL;
	return (ssize_t)len;
}

static void source_done(void *ctx)
{
	((struct source *)ctx)->done++;
}

static int get_stream(void *ctx, const struct control_request *q, struct control_answer *a)
{
	struct source *s = &sources[source_cnt++];

	(void)ctx;
	*s = (struct source){ .conn = q->conn };
	a->stream = (struct control_stream){ .read = source_read, .done = source_done, .ctx = s };
	return 0;
}

static int echo(void *ctx, const struct control_request *q, struct control_answer *a)
{
	(void)ctx;
	a->json = json_pack("{s:O?}", "body", (json_t *)q->body);
	return a->json ? 0 : -ENOMEM;
}

static const struct control_route routes[] = {
	{ .path = "/stream", .get = get_stream },
	{ .path = "/echo", .get = echo, .post = echo },
	{ .path = NULL },
};

static int follow(struct control *c, char *answer, size_t cap)
{
	static const char get[] = "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n";
	int fd = client();

	say(c, fd, get, strlen(get));
	hear(c, fd, answer, cap, "\r\n\r\n");
	return fd;
}

static void run_ms(struct control *c, unsigned ms)
{
	uint64_t end = clock_mono_ns() + ms * 1000000ull;

	while (clock_mono_ns() < end)
		turn(c, -1);
}

/* Lines come when there are some, nothing spins in between, and the end is an end. */
static void test_stream(void **state)
{
	struct control *c = serve(routes, NULL);
	char answer[2048];
	unsigned reads;
	int fd;

	(void)state;
	source_cnt = 0;
	fd = follow(c, answer, sizeof(answer));
	assert_non_null(strstr(answer, "HTTP/1.1 200"));
	assert_non_null(strstr(answer, "Content-Type: application/x-ndjson"));
	run_ms(c, 100);
	reads = sources[0].reads;
	assert_int_equal(reads, 1);
	for (int i = 0; i < 3; i++) {
		sources[0].text = "{\"event\":1}\n";
		control_wake(sources[0].conn);
		assert_true(hear(c, fd, answer, sizeof(answer), "\n\r\n") > 0);
		assert_non_null(strstr(answer, "{\"event\":1}\n"));
	}
	run_ms(c, 50);
	assert_true(sources[0].reads <= reads + 6);
	assert_int_equal(sources[0].done, 0);
	sources[0].is_over = true;
	control_wake(sources[0].conn);
	hear(c, fd, answer, sizeof(answer), "0\r\n\r\n");
	assert_non_null(strstr(answer, "0\r\n\r\n"));
	run_ms(c, 20);
	assert_int_equal(sources[0].done, 1);
	close(fd);
	control_close(c);
	assert_int_equal(sources[0].done, 1);
}

/* Nobody has to write for the server to notice that a reader has gone; and it can be closed over readers. */
static void test_stream_gone(void **state)
{
	struct control *c = serve(routes, NULL);
	char answer[2048];
	int fds[CONTROL_STREAMS_MAX + 1];

	(void)state;
	source_cnt = 0;
	close(follow(c, answer, sizeof(answer)));
	run_ms(c, 60);
	assert_int_equal(sources[0].done, 1);

	for (unsigned i = 0; i < CONTROL_STREAMS_MAX; i++)
		fds[i] = follow(c, answer, sizeof(answer));
	assert_non_null(strstr(answer, "HTTP/1.1 200"));
	fds[CONTROL_STREAMS_MAX] = follow(c, answer, sizeof(answer));
	assert_non_null(strstr(answer, "HTTP/1.1 503"));
	assert_int_equal(sources[CONTROL_STREAMS_MAX + 1].done, 1); /* the one too many is given back */
	control_close(c);
	for (unsigned i = 1; i <= CONTROL_STREAMS_MAX; i++)
		assert_int_equal(sources[i].done, 1);
	for (unsigned i = 0; i <= CONTROL_STREAMS_MAX; i++)
		close(fds[i]);
}

/* A reader that stops reading blocks nobody, and goes on where it was. */
static void test_stream_slow(void **state)
{
	struct control *c = serve(routes, NULL);
	static char line[8001], answer[1 << 20];
	unsigned written = 0;
	int fd;

	(void)state;
	memset(line, 'x', 8000);
	source_cnt = 0;
	fd = follow(c, answer, sizeof(answer));
	for (int i = 0; i < 200; i++) {
		if (!sources[0].text) {
			sources[0].text = line;
			written++;
		}
		control_wake(sources[0].conn);
		control_run(c);
	}
	assert_true(written > 2 && written < 200); /* its socket is full */
	assert_int_equal(ask(c, "GET /echo", NULL, answer, sizeof(answer)), 200);
	sources[0].is_over = true;
	control_wake(sources[0].conn);
	assert_true(hear(c, fd, answer, sizeof(answer), "0\r\n\r\n") > written * 8000);
	assert_non_null(strstr(answer, "0\r\n\r\n"));
	close(fd);
	control_close(c);
}

/* A client that sends a byte now and then keeps MHD's timeout from running: ours ends it, in the headers and in
 * the body. */
static void test_slow_clients(void **state)
{
	static const char post[] = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n";
	struct control *c = serve(routes, NULL);
	uint64_t start = clock_mono_ns(), ended_ns[2] = { 0 };
	int fd[2] = { client(), client() };

	(void)state;
	say(c, fd[1], post, strlen(post));
	while ((!ended_ns[0] || !ended_ns[1]) && clock_mono_ns() - start < 15000000000ull) {
		int ms = control_run(c);
		char buf[512];

		assert_true(ms <= 11000 && (ms >= 0 || ended_ns[0] || ended_ns[1])); /* it wants to look again */
		poll(NULL, 0, ms >= 0 && ms < 250 ? ms : 250);
		for (int i = 0; i < 2; i++) {
			ssize_t n;

			(void)!send(fd[i], "G", 1, MSG_NOSIGNAL);
			n = recv(fd[i], buf, sizeof(buf), 0);
			if ((n == 0 || (n < 0 && errno != EAGAIN)) && !ended_ns[i])
				ended_ns[i] = clock_mono_ns() - start;
		}
	}
	for (int i = 0; i < 2; i++) {
		if (ended_ns[i] < 8000000000ull || ended_ns[i] > 12000000000ull)
			fail_msg("%s: ended after %llu ms", i ? "body" : "headers",
				 (unsigned long long)ended_ns[i] / 1000000);
		close(fd[i]);
	}
	control_close(c);
}

/* Holds as many connections as it can get, as a user that is not root. */
static pid_t flood(unsigned cnt, int ready)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	if (setgroups(0, NULL) < 0 || setgid(65534) < 0 || setuid(65534) < 0)
		_exit(1);
	for (unsigned i = 0; i < cnt; i++) {
		struct sockaddr_un sa = { .sun_family = AF_UNIX };
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);

		strcpy(sa.sun_path, path);
		if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
			_exit(2);
		(void)!send(fd, "GET /echo HT", 12, MSG_NOSIGNAL); /* half a request */
	}
	(void)!write(ready, "x", 1);
	pause();
	_exit(0);
}

static bool is_open(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

/* 300 half-open connections of one user: root's stay, a new one of root's is answered at once. */
static void test_nobody_is_locked_out(void **state)
{
	struct control *c = NULL;
	char answer[2048], byte;
	int early[3], ready[2], status;
	uint64_t start;
	pid_t pid;

	(void)state;
	if (getuid() != 0)
		skip();
	c = serve(routes, NULL);
	assert_int_equal(chmod(dir, 0755) | chmod(path, 0666), 0);
	for (int i = 0; i < 3; i++)
		early[i] = client();
	run_ms(c, 20);
	assert_int_equal(pipe(ready), 0);
	pid = flood(300, ready[1]);
	close(ready[1]);
	start = clock_mono_ns();
	do { /* its connects wait for our accepts */
		turn(c, ready[0]);
	} while (recv(ready[0], &byte, 1, MSG_DONTWAIT) < 0 && errno == ENOTSOCK &&
		 poll(&(struct pollfd){ .fd = ready[0], .events = POLLIN }, 1, 0) == 0 &&
		 clock_mono_ns() - start < 5000000000ull);
	start = clock_mono_ns();
	assert_int_equal(ask(c, "GET /echo", NULL, answer, sizeof(answer)), 200);
	assert_true(clock_mono_ns() - start < 500000000ull);
	for (int i = 0; i < 3; i++) {
		assert_true(is_open(early[i]));
		close(early[i]);
	}
	kill(pid, SIGTERM);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status)); /* it had them all */
	close(ready[0]);
	control_close(c);
}

/* The same from one's own user: what has not asked yet goes first, the oldest of them. */
static void test_oldest_idle_goes(void **state)
{
	static const char half[] = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{";
	struct control *c = serve(routes, NULL);
	int busy = client(), fd[CONTROL_CONNECTIONS_MAX + 4];
	unsigned open_cnt = 0;

	(void)state;
	say(c, busy, half, strlen(half));
	for (unsigned i = 0; i < ARRAY_SIZE(fd); i++) {
		fd[i] = client();
		run_ms(c, 2);
	}
	run_ms(c, 50);
	for (unsigned i = 0; i < ARRAY_SIZE(fd); i++) {
		bool is = is_open(fd[i]);

		open_cnt += is;
		if (is != (i >= 5))
			fail_msg("connection %u is %s", i, is ? "open" : "ended");
		close(fd[i]);
	}
	assert_int_equal(open_cnt, CONTROL_CONNECTIONS_MAX - 1);
	assert_true(is_open(busy));
	close(busy);
	control_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_stream, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stream_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stream_slow, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slow_clients, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nobody_is_locked_out, setup, teardown),
		cmocka_unit_test_setup_teardown(test_oldest_idle_goes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
