/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proc: calls to a process that answers badly.  The program under test starts this very program: main() plays
 * the other part where argv[0] says so.  What it inherits is in test_signer_proc.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "daemon/proc.h"

#define PROGRAM "bad-child"
#define VERSION 77

struct msg {
	struct channel_head head;
	char text[64];
};

enum { RESULT = 1, ECHO, REFUSE, NO_WORDS, UNENDED, HUGE_ERROR, SHORT, OTHER_VERSION, OTHER_TYPE, FUTURE, STALE_FOR_EVER,
       DESCRIPTORS, SILENT, DEAF, EXIT, TYPES };

static const struct proc_kind kind = {
	.program = PROGRAM, .user = "nobody-of-that-name", .name = "the child", .version = VERSION, .result = RESULT,
	.msg_len = sizeof(struct msg), .text_at = offsetof(struct msg, text), .text_len = sizeof(((struct msg *)0)->text),
	.timeout_ms = 300, .stop_ms = 100,
};

/* ---- the child ---- */

static void say(struct msg m, size_t len)
{
	channel_send(CHANNEL_FD, &m, len, NULL, 0);
}

static void stale_for_ever(struct msg m)
{
	m.head.seq--;
	while (channel_send(CHANNEL_FD, &m, sizeof(m), NULL, 0) == 0)
		;
}

static void descriptors(const struct msg *m)
{
	const int fds[] = { 0, 1, 2, 0, 1, 2, 0, 1 };

	channel_send(CHANNEL_FD, m, sizeof(*m), fds, ARRAY_SIZE(fds));
}

static void reply(struct msg m)
{
	uint32_t type = m.head.type;

	m.head.type = RESULT;
	switch (type) {
	case REFUSE:
		m.head.error = -EACCES;
		strcpy(m.text, "no \033[31m\xffway");
		break;
	case NO_WORDS:
		m.head.error = -EACCES;
		m.text[0] = '\0';
		break;
	case UNENDED:
		m.head.error = -EACCES;
		memset(m.text, 'x', sizeof(m.text));
		break;
	case HUGE_ERROR:
		m.head.error = INT32_MIN;
		m.text[0] = '\0';
		break;
	case OTHER_VERSION:
		m.head.version++;
		break;
	case OTHER_TYPE:
		m.head.type = ECHO;
		break;
	case FUTURE:
		m.head.seq++;
		break;
	case EXIT:
		_exit(7);
	}
	if (type == STALE_FOR_EVER)
		stale_for_ever(m);
	else if (type == DESCRIPTORS)
		descriptors(&m);
	else if (type != SILENT)
		say(m, type == SHORT ? sizeof(m) - 1 : sizeof(m));
}

static int child_main(void)
{
	struct msg m;
	unsigned cnt;
	int fds[1];

	while (channel_recv(CHANNEL_FD, VERSION, &m, sizeof(m), fds, 1, &cnt) > 0) {
		if (m.head.type == DEAF)
			for (;;)
				pause();
		reply(m);
	}
	return 0;
}

/* ---- the tests ---- */

static void start(struct proc *p)
{
	char err[PROC_ERR_LEN] = "";

	if (geteuid() != 0)
		skip();
	*p = (struct proc){ .fd = -1, .uid = 65534, .gid = 65534 };
	assert_true(readlink("/proc/self/exe", p->path, sizeof(p->path) - 1) > 0);
	if (proc_spawn(p, &kind, err) < 0)
		fail_msg("spawn: %s", err);
}

static const struct {
	const char *name;
	uint32_t type;
	int ret;
	const char *text;
} cases[] = {
	{ "answer", ECHO, 0, "" },
	{ "refusal, printable", REFUSE, 1, "no ?[31m?way" },
	{ "refusal without words", NO_WORDS, 1, "Permission denied" },
	{ "words without an end", UNENDED, 1, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" },
	{ "no errno", HUGE_ERROR, 1, "Protocol error" },
	{ "too short", SHORT, -EPROTO, "the child answers something else: not of this version? (message 7)" },
	{ "another version", OTHER_VERSION, -EPROTO, "the child answers something else: not of this version? (message 8)" },
	{ "another type", OTHER_TYPE, -EPROTO, "the child answers something else: not of this version? (message 9)" },
	{ "answer of tomorrow", FUTURE, -EPROTO, "the child answers something else: not of this version? (message 10)" },
	{ "old answers for ever", STALE_FOR_EVER, -ETIMEDOUT, "the child does not answer (message 11)" },
	{ "descriptors", DESCRIPTORS, 0, "" },
	{ "silent", SILENT, -ETIMEDOUT, "the child does not answer (message 13)" },
	{ "gone", EXIT, -EPIPE, "the child has ended; its own lines above say why (message 15)" },
};

static unsigned fd_cnt(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 256; fd++) {
		int copy = dup(fd);

		n += copy >= 0;
		if (copy >= 0)
			close(copy);
	}
	return n;
}

static void test_answers(void **state)
{
	(void)state;
	_Static_assert(EXIT == 15, "numbers in the texts above");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct msg m = { .head = { .type = cases[i].type, .version = 1, .error = -5 }, .text = "hello" };
		struct msg ret = { .text = "untouched" };
		char err[PROC_ERR_LEN] = "";
		uint64_t began = clock_mono_ns();
		unsigned fds;
		struct proc p;
		int r;

		start(&p);
		fds = fd_cnt();
		r = proc_call(&p, &kind, &m, NULL, 0, &ret, err);
		if (r != cases[i].ret || strcmp(err, cases[i].text))
			fail_msg("%s: %d, \"%s\"", cases[i].name, r, err);
		if (clock_mono_ns() - began > 2000000000)
			fail_msg("%s: takes for ever", cases[i].name);
		if (fd_cnt() != fds)
			fail_msg("%s: %u descriptors, were %u", cases[i].name, fd_cnt(), fds);
		if (r < 0 ? strcmp(ret.text, "untouched") != 0 : ret.head.seq != 1 || ret.head.type != RESULT)
			fail_msg("%s: answer", cases[i].name);
		proc_kill(&p);
		assert_int_equal(p.pid, 0);
		assert_int_equal(p.fd, -1);
	}
}

/* One that never reads fills its socket in the end: the call gives up then, too. */
static void test_full_socket(void **state)
{
	struct msg m = { .head = { .type = DEAF, .version = VERSION } };
	char err[PROC_ERR_LEN];
	const int off = 1;
	struct proc p;

	(void)state;
	start(&p);
	setsockopt(p.fd, SOL_SOCKET, SO_SNDBUF, &off, sizeof(off)); /* the least there is */
	for (int i = 0; i < 1000 && channel_send(p.fd, &m, sizeof(m), NULL, 0) == 0; i++)
		;
	assert_int_equal(proc_call(&p, &kind, &m, NULL, 0, NULL, err), -ETIMEDOUT);
	proc_stop(&p, &kind);
	assert_string_equal(p.how, "signal 9");
}

static void test_ends(void **state)
{
	struct proc p;

	(void)state;
	start(&p);
	proc_stop(&p, &kind);
	assert_string_equal(p.how, "exit 0");
	start(&p);
	proc_kill(&p);
	assert_string_equal(p.how, "signal 9");
	proc_kill(&p); /* again is fine */
}

/* Holds it so that its end cannot be seen by its parent: as one that stands in the kernel. */
static pid_t hold(pid_t pid)
{
	int pip[2];
	char c = 0;
	pid_t holder;

	assert_int_equal(pipe(pip), 0);
	holder = fork();
	if (holder == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (ptrace(PTRACE_SEIZE, pid, 0, 0) == 0)
			c = 'y';
		(void)!write(pip[1], &c, 1);
		for (;;)
			pause();
	}
	assert_int_equal(read(pip[0], &c, 1), 1);
	close(pip[0]);
	close(pip[1]);
	if (c == 'y')
		return holder;
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
	return -1;
}

/* One that cannot be ended does not hold us, and there are not two of them. */
static void test_does_not_end(void **state)
{
	char err[PROC_ERR_LEN] = "";
	struct proc p;
	uint64_t begin;
	pid_t holder;

	(void)state;
	start(&p);
	holder = hold(p.pid);
	if (holder < 0) { /* a container that lets nobody trace */
		proc_kill(&p);
		skip();
	}
	begin = clock_mono_ns();
	alarm(10); /* else for ever */
	proc_kill(&p);
	alarm(0);
	assert_true(clock_mono_ns() - begin < 5000000000u);
	assert_int_equal(p.pid, 0);
	assert_int_equal(p.fd, -1);
	assert_string_equal(p.how, "killed, but does not end");
	assert_int_equal(proc_spawn(&p, &kind, err), -EBUSY);
	assert_non_null(strstr(err, "the last does not end"));
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
	for (int i = 0; i < 500 && proc_spawn(&p, &kind, err) == -EBUSY; i++)
		usleep(10000);
	assert_true(p.pid > 0);
	proc_stop(&p, &kind);
	assert_string_equal(p.how, "exit 0");
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no zombie is left */
}

static void test_finds(void **state)
{
	char dir[] = "/tmp/proc.XXXXXX", path[64], err[PROC_ERR_LEN];
	struct proc p;
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(proc_init(&p, &kind, dir, err), -ENOENT);
	assert_non_null(strstr(err, dir));
	assert_int_equal(proc_init(&p, &kind, NULL, err), -ENOENT);
	assert_non_null(strstr(err, PROGRAM " is neither in "));
	snprintf(path, sizeof(path), "%s/%s", dir, PROGRAM);
	assert_non_null(f = fopen(path, "w"));
	fclose(f);
	assert_int_equal(proc_init(&p, &kind, dir, err), 0);
	assert_string_equal(p.path, path);
	assert_true(p.is_nobody);
	assert_int_equal(p.uid, 65534);
	unlink(path);
	rmdir(dir);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_full_socket),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_does_not_end),
		cmocka_unit_test(test_finds),
	};

	if (argc && strcmp(argv[0], PROGRAM) == 0)
		_exit(child_main()); /* not exit(): the leak checker stops its parent to look, and holds it when it is killed then */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
