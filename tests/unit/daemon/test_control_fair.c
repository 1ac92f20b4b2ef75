/* SPDX-License-Identifier: BSD-2-Clause */
/* What one client, or a call that takes long, must not take from the others. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "control_client.h"

#define LARGE (8u << 20)

static int get_small(void *ctx, const struct control_request *q, struct control_answer *a)
{
	(void)ctx, (void)q;
	a->json = json_pack("{s:b}", "small", 1);
	return a->json ? 0 : -ENOMEM;
}

/* Longer than a client has for its request. */
static int get_slow(void *ctx, const struct control_request *q, struct control_answer *a)
{
	struct timespec left = { .tv_sec = 11 };

	while (nanosleep(&left, &left) < 0)
		;
	return get_small(ctx, q, a);
}

static int get_large(void *ctx, const struct control_request *q, struct control_answer *a)
{
	(void)ctx, (void)q;
	a->text = malloc(LARGE + 1);
	if (!a->text)
		return -ENOMEM;
	memset(a->text, 'x', LARGE);
	a->text[LARGE] = '\0';
	return 0;
}

static ssize_t nothing(void *ctx, char *dst, size_t cap)
{
	(void)ctx, (void)dst, (void)cap;
	return 0;
}

static int get_stream(void *ctx, const struct control_request *q, struct control_answer *a)
{
	(void)ctx, (void)q;
	a->stream = (struct control_stream){ .read = nothing };
	return 0;
}

static const struct control_route routes[] = {
	{ .path = "/small", .get = get_small },
	{ .path = "/slow", .get = get_slow },
	{ .path = "/large", .get = get_large },
	{ .path = "/stream", .get = get_stream },
	{ .path = NULL },
};

/* What a call that takes long costs is not charged to those who wait: neither it nor they are cut off. */
static void test_slow_call(void **state)
{
	static const char slow[] = "GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
	static const char half[] = "GET /small HTTP/1.1\r\nHost: x\r\n", rest[] = "Connection: close\r\n\r\n";
	struct control *c = serve(routes, NULL);
	int caller = client(), waiter = client();
	char answer[1024];

	(void)state;
	say(c, waiter, half, strlen(half));
	turn(c, -1);
	say(c, caller, slow, strlen(slow));
	hear(c, caller, answer, sizeof(answer), NULL);
	if (!strstr(answer, "{\"small\":true}"))
		fail_msg("the slow call: \"%s\"", answer);
	say(c, waiter, rest, strlen(rest));
	hear(c, waiter, answer, sizeof(answer), NULL);
	if (!strstr(answer, "{\"small\":true}"))
		fail_msg("the one that waited: \"%s\"", answer);
	close(caller);
	close(waiter);
	control_close(c);
}

/* Another user: asks for @path @cnt times, reads of each answer its first line, and tells the last status. */
static pid_t user(uid_t uid, const char *url, unsigned cnt, int tell)
{
	unsigned status = 0;
	char get[128], head[64];
	pid_t pid = fork();

	if (pid)
		return pid;
	if (setgroups(0, NULL) < 0 || setgid(uid) < 0 || setuid(uid) < 0)
		_exit(1);
	prctl(PR_SET_PDEATHSIG, SIGTERM); /* when a test fails; setuid() would take it away again */
	snprintf(get, sizeof(get), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", url);
	for (unsigned i = 0; i < cnt; i++) {
		struct sockaddr_un sa = { .sun_family = AF_UNIX };
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);

		strcpy(sa.sun_path, path);
		memset(head, 0, sizeof(head));
		if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
		    send(fd, get, strlen(get), MSG_NOSIGNAL) < 0 || recv(fd, head, sizeof(head) - 1, MSG_WAITALL) < 13)
			_exit(2);
		sscanf(head, "HTTP/1.1 %u", &status);
	}
	(void)!write(tell, &status, sizeof(status));
	pause();
	_exit(0);
}

/* Serve until it has told. */
static unsigned status_of(struct control *c, int fd)
{
	uint64_t end = clock_mono_ns() + 8000000000ull;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	unsigned status = 0;

	while (poll(&p, 1, 0) == 0 && clock_mono_ns() < end)
		turn(c, fd);
	if (!(p.revents & POLLIN) || read(fd, &status, sizeof(status)) != sizeof(status))
		fail_msg("the other user did not get through");
	return status;
}

static void end(pid_t pid)
{
	int status;

	kill(pid, SIGTERM);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

static struct control *serve_all(void)
{
	struct control *c = serve(routes, NULL);

	assert_int_equal(chmod(dir, 0755) | chmod(path, 0666), 0);
	return c;
}

/* Streams of other users, as many as they can get: root still gets all of its own. */
static void test_streams_for_root(void **state)
{
	static const char get[] = "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n";
	unsigned users = CONTROL_STREAMS_OTHERS_MAX / CONTROL_STREAMS_MAX;
	struct control *c;
	int tell[2], fds[CONTROL_STREAMS_MAX];
	char answer[1024];
	pid_t pids[16];

	(void)state;
	if (getuid() != 0)
		skip();
	c = serve_all();
	assert_int_equal(pipe(tell), 0);
	assert_true(users + 1 < ARRAY_SIZE(pids));
	for (unsigned i = 0; i <= users; i++) {
		pids[i] = user(60000 + i, "/stream", i < users ? CONTROL_STREAMS_MAX : 1, tell[1]);
		assert_int_equal(status_of(c, tell[0]), i < users ? 200 : 503);
	}
	for (unsigned i = 0; i < CONTROL_STREAMS_MAX; i++) {
		fds[i] = client();
		say(c, fds[i], get, strlen(get));
		hear(c, fds[i], answer, sizeof(answer), "\r\n\r\n");
		if (strncmp(answer, "HTTP/1.1 200", 12) != 0)
			fail_msg("stream %u of root: %s", i, answer);
	}
	for (unsigned i = 0; i < CONTROL_STREAMS_MAX; i++)
		close(fds[i]);
	for (unsigned i = 0; i <= users; i++)
		end(pids[i]);
	close(tell[0]);
	close(tell[1]);
	control_close(c);
}

/* Large answers that are not read take a bounded share of memory: then they are refused, but not to root. */
static void test_large_answers(void **state)
{
	unsigned cnt = CONTROL_ANSWERS_MAX / LARGE;
	struct control *c;
	char answer[1024];
	int tell[2];
	pid_t pids[2];

	(void)state;
	if (getuid() != 0)
		skip();
	c = serve_all();
	assert_int_equal(pipe(tell), 0);
	pids[0] = user(60000, "/large", cnt, tell[1]);
	assert_int_equal(status_of(c, tell[0]), 200);
	pids[1] = user(60001, "/large", 1, tell[1]);
	assert_int_equal(status_of(c, tell[0]), 503);
	assert_int_equal(ask(c, "GET /small", NULL, answer, sizeof(answer)), 200);
	end(pids[1]);
	end(pids[0]); /* gone, and with it what it did not read */
	pids[0] = user(60000, "/large", cnt, tell[1]);
	assert_int_equal(status_of(c, tell[0]), 200);
	end(pids[0]);
	close(tell[0]);
	close(tell[1]);
	control_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_slow_call, setup, teardown),
		cmocka_unit_test_setup_teardown(test_streams_for_root, setup, teardown),
		cmocka_unit_test_setup_teardown(test_large_answers, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
