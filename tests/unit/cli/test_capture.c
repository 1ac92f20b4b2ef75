/* SPDX-License-Identifier: BSD-2-Clause */
/* sipseal capture: a stream written, whatever the other end does. */
#include "command.h"
#include "stream_made.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/clock.h"

/* ---- a daemon: one answer, in pieces ---- */

enum end { END_GOOD, END_CUT, END_NEVER };

static void write_all(int fd, const void *p, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = send(fd, (const char *)p + done, len - done, MSG_NOSIGNAL);

		if (n <= 0)
			_exit(0);
		done += (size_t)n;
	}
}

static void serve(int listener, const char *head, const char *body, size_t len, enum end end)
{
	int fd = accept(listener, NULL, NULL);
	char request[4096], line[32];
	ssize_t n = read(fd, request, sizeof(request) - 1);
	FILE *f = fopen("request", "w");

	fprintf(f, "%.*s", n > 0 ? (int)n : 0, request);
	fclose(f);
	write_all(fd, head, strlen(head));
	for (size_t at = 0; at < len; at += 333) {
		size_t piece = len - at < 333 ? len - at : 333;

		write_all(fd, line, (size_t)sprintf(line, "%zx\r\n", piece));
		write_all(fd, body + at, piece);
		write_all(fd, "\r\n", 2);
	}
	if (end == END_GOOD)
		write_all(fd, "0\r\n\r\n", 5);
	if (end == END_NEVER)
		while (read(fd, request, sizeof(request)) > 0)
			;
	close(fd);
}

static pid_t start(const char *head, const struct stream *s, size_t len, enum end end)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX, .sun_path = "sock" };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	unlink("sock");
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(fd, 1), 0);
	pid = fork();
	if (pid == 0) {
		alarm(20);
		serve(fd, head, s->bytes, len, end);
		_exit(0);
	}
	close(fd);
	return pid;
}

static int capture(struct cli *cli, int argc, char **argv)
{
	cli->socket = "sock";
	return cmd_capture(cli, argc, argv);
}

#define OK "HTTP/1.1 200 OK\r\nContent-Type: application/x-pcapng\r\nTransfer-Encoding: chunked\r\n\r\n"
#define REFUSED(status, code) "HTTP/1.1 " status " x\r\nContent-Type: application/json\r\nContent-Length: 39\r\n\r\n" \
			      "{\"error\":{\"code\":\"" code "\",\"message\":\"m\"}}"

static size_t file_read(const char *name, char *dst, size_t cap)
{
	int fd = open(name, O_RDONLY);

	return fd < 0 ? 0 : command_take(fd, dst, cap);
}

static int run(const char *head, const struct stream *s, size_t len, enum end end, bool json, const char *line)
{
	pid_t pid = start(head, s, len, end);
	int r = command_run(capture, json, line);

	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return r;
}

static void test_file(void **state)
{
	static struct stream s, got;
	struct stat st;

	(void)state;
	s.len = 0;
	put_all(&s);
	/* it was there, and longer */
	assert_int_equal(truncate("a.pcapng", 0) < 0 ? creat("a.pcapng", 0600) >= 0 : 1, 1);
	assert_int_equal(truncate("a.pcapng", 60000), 0);
	assert_int_equal(run(OK, &s, s.len, END_GOOD, false, "-w a.pcapng --count 5 --seconds 9 --trunk a/b"), CLI_OK);
	assert_string_equal(command_err, "5 INVITEs in 9 packets, 7 lost\n");
	got.len = file_read("a.pcapng", got.bytes, sizeof(got.bytes));
	assert_int_equal(got.len, s.len);
	assert_memory_equal(got.bytes, s.bytes, s.len);
	file_read("request", got.bytes, sizeof(got.bytes));
	assert_true(strncmp(got.bytes, "GET /v1/capture?count=5&seconds=9&trunk=a%2Fb HTTP/1.1\r\n", 56) == 0);

	assert_int_equal(run(OK, &s, s.len, END_GOOD, true, "-w b.pcapng --count 5"), CLI_OK);
	assert_non_null(strstr(command_out, "\"lost\": 7"));
	assert_string_equal(command_err, "");
	assert_int_equal(stat("b.pcapng", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);

	assert_int_equal(run(OK, &s, s.len, END_GOOD, false, "-w - --count 5"), CLI_OK);
	assert_int_equal(command_out_len, s.len);
	assert_memory_equal(command_out, s.bytes, s.len);
	file_read("request", got.bytes, sizeof(got.bytes));
	assert_true(strncmp(got.bytes, "GET /v1/capture?count=5 HTTP", 28) == 0);
}

/* Whole blocks, and the status that tells. */
static void test_cut(void **state)
{
	static struct stream s;
	static char got[sizeof(s.bytes)];

	(void)state;
	s.len = 0;
	put_all(&s);
	for (size_t len = s.len - 1; len > 130; len -= len > 700 ? 611 : 97) {
		size_t n;
		int r;

		unlink("a.pcapng");
		r = run(OK, &s, len, END_CUT, false, "-w a.pcapng");
		if (r != CLI_NO_DAEMON)
			fail_msg("%zu bytes: %d: %s", len, r, command_err);
		assert_non_null(strstr(command_err, "the daemon has ended the stream"));
		n = file_read("a.pcapng", got, sizeof(got));
		assert_true(n <= len && n >= 28);
		assert_memory_equal(got, s.bytes, n);
		for (size_t at = 0; at < n; at += *(const uint32_t *)(got + at + 4))
			assert_true(*(const uint32_t *)(got + at + 4) <= n - at);
		if (len < 900) /* more would have been whole only with the next block */
			assert_true(n == 28);
	}
	/* a good end that nobody asked for */
	assert_int_equal(run(OK, &s, s.len, END_GOOD, false, "-w a.pcapng --trunk x"), CLI_FAILED);
	assert_non_null(strstr(command_err, "the trunk was removed"));
	assert_int_equal(run(OK, &s, s.len, END_GOOD, false, "-w a.pcapng --seconds 5"), CLI_FAILED);
	assert_int_equal(run(OK, &s, s.len, END_GOOD, false, "-w a.pcapng --count 6"), CLI_FAILED);
}

static void test_refused(void **state)
{
	static const struct stream none;
	static struct stream bad = { 40, "<html>this is not what you are looking for" };
	static const struct {
		const char *head, *line;
		int ret;
	} cases[] = {
		{ REFUSED("404", "no_trunk"), "-w old --trunk x", CLI_NOT_FOUND },
		{ REFUSED("503", "too_many"), "-w old", CLI_FAILED },
		{ REFUSED("400", "bad_quer"), "-w old", CLI_REFUSED },
	};
	char got[64];

	(void)state;
	close(creat("old", 0644));
	assert_int_equal(truncate("old", 3), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(run(cases[i].head, &none, 0, END_NEVER, false, cases[i].line), cases[i].ret);
		assert_int_equal(file_read("old", got, sizeof(got)), 3); /* it is as it was */
	}
	assert_int_equal(run(OK, &bad, bad.len, END_NEVER, false, "-w old"), CLI_FAILED);
	assert_non_null(strstr(command_err, "no pcapng"));
	assert_int_equal(file_read("old", got, sizeof(got)), 3);
	unlink("sock");
	assert_int_equal(command_run(capture, false, "-w old"), CLI_NO_DAEMON);
}

static void test_disk_full(void **state)
{
	static struct stream s;

	(void)state;
	s.len = 0;
	put_all(&s);
	assert_int_equal(run(OK, &s, s.len, END_NEVER, false, "-w /dev/full"), CLI_FAILED);
	assert_non_null(strstr(command_err, "/dev/full: "));
	assert_non_null(strstr(command_err, "No space left on device"));
	assert_null(strstr(command_err, "the daemon has ended"));
	assert_int_equal(run(OK, &s, s.len, END_NEVER, false, "-w no/such"), CLI_FAILED);
	assert_non_null(strstr(command_err, "no/such: cannot be written: No such file"));
}

/* A signal comes while nothing else does. */
static void test_signal(void **state)
{
	static const int signals[] = { SIGINT, SIGTERM };
	static struct stream s;
	static char got[sizeof(s.bytes)];

	(void)state;
	s.len = 0;
	put_all(&s);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		uint64_t start_ns = clock_mono_ns();
		pid_t parent = getpid(), pid = fork();

		if (pid == 0) {
			usleep(400000);
			kill(parent, signals[i]);
			_exit(0);
		}
		assert_int_equal(run(OK, &s, s.len - 8, END_NEVER, false, "-w a.pcapng"), CLI_OK);
		waitpid(pid, NULL, 0);
		assert_in_range(clock_mono_ns() - start_ns, 390000000ull, 2500000000ull);
		assert_string_equal(command_err, "5 INVITEs in 9 packets, 7 lost\n");
		assert_int_equal(file_read("a.pcapng", got, sizeof(got)), s.len - 52); /* but for the last block */
	}
}

static void test_usage(void **state)
{
	static const char *const lines[] = {
		"", "-w", "-w x --count 0", "-w x --count -1", "-w x --count 1x", "-w x --seconds 1000000001",
		"-w x --seconds", "-w x y", "-w x --nothing",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		if (command_run(capture, false, lines[i]) != CLI_USAGE)
			fail_msg("'%s' is taken", lines[i]);
	assert_int_equal(command_run(capture, true, "-w -"), CLI_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file), cmocka_unit_test(test_cut), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_disk_full), cmocka_unit_test(test_signal), cmocka_unit_test(test_usage),
	};

	return cmocka_run_group_tests_name("capture", tests, command_setup, command_teardown);
}
