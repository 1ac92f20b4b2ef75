/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program under test starts this very program as its signer: main() plays that part where
 * argv[0] is "sipseal-signer".
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "daemon/signer_proc.h"

extern char **environ;

/* ---- the signer ------------------------------------------------------------------------- */

/* What a signer must not have: returns what is wrong, or "". */
static const char *inheritance(void)
{
	int pdeath = 0, fds = 0;
	sigset_t set;
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.' && atoi(e->d_name) != dirfd(d) &&
		    atoi(e->d_name) > HANDOVER_FD)
			fds++;
	if (d)
		closedir(d);
	sigprocmask(SIG_BLOCK, NULL, &set);
	if (prctl(PR_GET_PDEATHSIG, &pdeath) < 0 || pdeath != SIGKILL)
		return "not tied to its parent";
	if (environ && environ[0])
		return "environment";
	if (fds)
		return "descriptors";
	if (sigismember(&set, SIGTERM) || sigismember(&set, SIGCHLD))
		return "blocked signals";
	if (getuid() == 0 || geteuid() == 0 || getgid() == 0 || getgroups(0, NULL) != 0)
		return "root";
	if (setuid(0) == 0)
		return "can become root";
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (prctl(PR_CAPBSET_READ, cap) == 1)
			return "bounding set";
	if (getsid(0) != getpid())
		return "session of the daemon";
	return "";
}

static void answer(const struct handover_msg *m, int error, const char *text)
{
	struct handover_msg r = {
		.version = HANDOVER_VERSION, .type = HANDOVER_RESULT, .seq = m->seq, .error = error
	};

	snprintf(r.text, sizeof(r.text), "%s", text);
	handover_send(HANDOVER_FD, &r, NULL, 0);
}

/* What it does depends on the message it gets. */
static int signer_main(void)
{
	struct handover_msg m;
	int fds[HANDOVER_FDS_MAX];
	unsigned cnt;

	while (handover_recv(HANDOVER_FD, &m, fds, &cnt) > 0) {
		const char *wrong = inheritance();

		switch (m.type) {
		case HANDOVER_HELLO:
			answer(&m, *wrong ? -EBADF : 0, wrong);
			break;
		case HANDOVER_CREDENTIAL:
			answer(&m, -EKEYREJECTED, "key \033[31mdoes not match");
			break;
		case HANDOVER_WORKER:
			m.seq += 7; /* to another question */
			answer(&m, 0, "");
			break;
		case HANDOVER_SOCKET: /* the answers to earlier questions, too */
			m.seq -= 2;
			for (int i = 0; i < 3; i++, m.seq++)
				answer(&m, i < 2 ? -EIO : 0, "");
			break;
		case HANDOVER_RAW:
			return 3;
		case HANDOVER_START: /* hangs for ever, also after EOF */
			answer(&m, 0, "");
			for (;;)
				pause();
		default:
			break;
		}
	}
	return 0;
}

/* ---- the tests -------------------------------------------------------------------------- */

static int start(struct proc *p)
{
	char err[SIGNER_ERR_LEN] = "", self[PATH_MAX] = "";

	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	*p = (struct proc){ .fd = -1, .uid = 65534, .gid = 65534 };
	strcpy(p->path, self);
	if (geteuid() != 0)
		skip();
	if (signer_proc_spawn(p, err) < 0)
		fail_msg("spawn: %s", err);
	assert_true(p->pid > 0);
	return 0;
}

static int call(struct proc *p, uint32_t type, char err[SIGNER_ERR_LEN])
{
	struct handover_msg m = { .type = type };

	err[0] = '\0';
	return signer_proc_call(p, &m, NULL, 0, err);
}

static void test_inherits_nothing(void **state)
{
	CLEANUP(closep) int leaked = open("/dev/null", O_RDONLY); /* without close-on-exec */
	char err[SIGNER_ERR_LEN];
	struct proc p;
	sigset_t set, old;

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, &old);
	start(&p);
	if (call(&p, HANDOVER_HELLO, err))
		fail_msg("the signer has: %s", err);
	signer_proc_stop(&p);
	assert_string_equal(p.how, "exit 0");
	assert_int_equal(p.pid, 0);
	assert_int_equal(p.fd, -1);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static void test_answers(void **state)
{
	char err[SIGNER_ERR_LEN];
	struct proc p;

	(void)state;
	start(&p);
	assert_int_equal(call(&p, HANDOVER_CREDENTIAL, err), 1);
	assert_string_equal(err, "key ?[31mdoes not match");
	assert_int_equal(call(&p, HANDOVER_SOCKET, err), 0);
	assert_int_equal(call(&p, HANDOVER_WORKER, err), -EPROTO);
	assert_int_equal(call(&p, HANDOVER_RAW, err), -EPIPE);
	assert_non_null(strstr(err, "ended"));
	for (int i = 0; i < 200 && !proc_reap(&p); i++)
		usleep(10000);
	assert_string_equal(p.how, "exit 3");
	assert_int_equal(p.fd, -1);
	assert_false(proc_reap(&p));
	signer_proc_stop(&p); /* again is fine */
}

static void test_one_that_hangs_is_killed(void **state)
{
	char err[SIGNER_ERR_LEN];
	struct proc p;

	(void)state;
	start(&p);
	assert_int_equal(call(&p, HANDOVER_START, err), 0);
	signer_proc_stop(&p);
	assert_string_equal(p.how, "signal 9");
}

static void test_dies_with_its_daemon(void **state)
{
	int pip[2];
	pid_t daemon, signer = 0;
	bool is_alive = true;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(pipe(pip), 0);
	daemon = fork();
	if (daemon == 0) {
		char err[SIGNER_ERR_LEN];
		struct proc p;

		start(&p);
		call(&p, HANDOVER_START, err);
		(void)!write(pip[1], &p.pid, sizeof(p.pid));
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(read(pip[0], &signer, sizeof(signer)), sizeof(signer));
	waitpid(daemon, NULL, 0);
	/* a zombie of init still answers kill(0): look at what is executed */
	for (int i = 0; i < 200 && is_alive; i++) {
		char path[64], buf[4];

		snprintf(path, sizeof(path), "/proc/%d/exe", (int)signer);
		is_alive = readlink(path, buf, sizeof(buf)) > 0;
		usleep(10000);
	}
	assert_false(is_alive);
	close(pip[0]);
	close(pip[1]);
}

static void test_program_that_cannot_start(void **state)
{
	struct proc p = { .fd = -1, .uid = 65534, .gid = 65534, .path = "/dev/null" };
	char err[SIGNER_ERR_LEN] = "";

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(signer_proc_spawn(&p, err), -EACCES);
	assert_non_null(strstr(err, "/dev/null"));
	assert_int_equal(p.pid, 0);
	strcpy(p.path, "/nonexistent/sipseal-signer");
	assert_int_equal(signer_proc_spawn(&p, err), -ENOENT);
	assert_int_equal(signer_proc_init(&p, "/nonexistent", err), -ENOENT);
	assert_non_null(strstr(err, "/nonexistent/sipseal-signer"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inherits_nothing),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_one_that_hangs_is_killed),
		cmocka_unit_test(test_dies_with_its_daemon),
		cmocka_unit_test(test_program_that_cannot_start),
	};

	if (argc && strcmp(argv[0], "sipseal-signer") == 0)
		return signer_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
