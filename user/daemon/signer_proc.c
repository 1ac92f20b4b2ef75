/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/signer_proc.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define SIGNER_PROGRAM "sipseal-signer"
#define NOBODY 65534

/* An answer takes microseconds, START as long as it takes to make the threads.  A machine that
 * swaps may need seconds; a signer that hangs must not hang us for ever. */
#define CALL_TIMEOUT_MS 5000

/* It has to finish a batch and wipe keys: milliseconds. */
#define STOP_TIMEOUT_MS 2000

static int find_program(struct signer_proc *p, const char *libexec, char *reterr)
{
	char self[PATH_MAX] = "";
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (libexec) {
		snprintf(p->path, sizeof(p->path), "%s/%s", libexec, SIGNER_PROGRAM);
		if (access(p->path, F_OK) == 0)
			return 0;
		snprintf(reterr, SIGNER_ERR_LEN, "--libexec: %.400s: %s", p->path, strerror(errno));
		return -ENOENT;
	}
	slash = n > 0 ? strrchr(self, '/') : NULL;
	if (slash)
		*slash = '\0';
	if ((size_t)snprintf(p->path, sizeof(p->path), "%s/%s", self, SIGNER_PROGRAM) <
		    sizeof(p->path) &&
	    access(p->path, F_OK) == 0)
		return 0;
	if ((size_t)snprintf(p->path, sizeof(p->path), "%s/../libexec/sipseal/%s", self,
			     SIGNER_PROGRAM) < sizeof(p->path) &&
	    access(p->path, F_OK) == 0)
		return 0;
	snprintf(reterr, SIGNER_ERR_LEN,
		 "%s is neither in %.200s nor in ../libexec/sipseal from there: install it or say "
		 "--libexec DIR",
		 SIGNER_PROGRAM, self);
	return -ENOENT;
}

int signer_proc_init(struct signer_proc *p, const char *libexec, char reterr[SIGNER_ERR_LEN])
{
	const struct passwd *pw = getpwnam(SIGNER_USER);

	*p = (struct signer_proc){ .fd = -1, .uid = NOBODY, .gid = NOBODY, .is_nobody = !pw };
	if (pw) {
		p->uid = pw->pw_uid;
		p->gid = pw->pw_gid;
	}
	return find_program(p, libexec, reterr);
}

/* Between fork and exec.  Return: where it failed, errno is set. */
static const char *child_setup(const struct signer_proc *p, int sock, pid_t parent)
{
	sigset_t none;
	int null = open("/dev/null", O_RDWR);

	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0)
		return "open /dev/null";
	if (dup2(sock, HANDOVER_FD) < 0)
		return "pass the socket";
	/* also what a library opened without close-on-exec */
	if (close_range(HANDOVER_FD + 1, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		return "close descriptors";
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (setsid() < 0) /* ^C at a terminal is for the daemon alone */
		return "start a session";
	/* one more bar before capabilities; without CAP_SETPCAP the others have to do */
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
		prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	if (setgroups(0, NULL) < 0 || setresgid(p->gid, p->gid, p->gid) < 0 ||
	    setresuid(p->uid, p->uid, p->uid) < 0)
		return "change to its user";
	/* after the change of user, which clears it (prctl(2)) */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return "tie it to the daemon";
	if (getppid() != parent)
		_exit(1);
	return NULL;
}

struct exec_error {
	int error;
	char where[40];
};

static _Noreturn void child(const struct signer_proc *p, int exe, int sock, int report,
			    pid_t parent)
{
	static char name[] = SIGNER_PROGRAM;
	char *argv[] = { name, NULL }, *envp[] = { NULL };
	struct exec_error e = { 0 };
	const char *where;

	/* out of the way of HANDOVER_FD */
	exe = fcntl(exe, F_DUPFD_CLOEXEC, 10);
	sock = fcntl(sock, F_DUPFD_CLOEXEC, 10);
	report = fcntl(report, F_DUPFD_CLOEXEC, 10);
	where = child_setup(p, sock, parent);
	if (!where) {
		/* by descriptor: its user may not see the directory (a build below /root) */
		execveat(exe, "", argv, envp, AT_EMPTY_PATH);
		where = "execute it";
	}
	e.error = errno;
	snprintf(e.where, sizeof(e.where), "%s", where);
	(void)!write(report, &e, sizeof(e));
	_exit(127);
}

static int spawn_error(const struct signer_proc *p, const struct exec_error *e, char *reterr)
{
	snprintf(reterr, SIGNER_ERR_LEN, "%.300s: cannot %.40s (user %u): %s%s", p->path, e->where,
		 (unsigned)p->uid, strerror(e->error),
		 e->error == EACCES ? "; the file needs mode 0755" : "");
	return -e->error;
}

int signer_proc_spawn(struct signer_proc *p, char reterr[SIGNER_ERR_LEN])
{
	CLEANUP(closep) int exe = open(p->path, O_PATH | O_CLOEXEC);
	CLEANUP(closep) int ours = -1;
	CLEANUP(closep) int theirs = -1;
	CLEANUP(closep) int rd = -1;
	CLEANUP(closep) int wr = -1;
	struct exec_error e = { .where = "start it" };
	int pair[2], pip[2];
	pid_t parent = getpid(), pid;
	ssize_t n;

	if (exe < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		e.error = errno;
		return spawn_error(p, &e, reterr);
	}
	ours = pair[0];
	theirs = pair[1];
	if (pipe2(pip, O_CLOEXEC) == 0) {
		rd = pip[0];
		wr = pip[1];
	}
	if (rd < 0 || (pid = fork()) < 0) {
		e.error = errno;
		return spawn_error(p, &e, reterr);
	}
	if (pid == 0)
		child(p, exe, theirs, wr, parent);
	close(TAKE_FD(wr));
	do {
		n = read(rd, &e, sizeof(e)); /* EOF: exec closed it */
	} while (n < 0 && errno == EINTR);
	if (n == (ssize_t)sizeof(e)) {
		waitpid(pid, NULL, 0);
		return spawn_error(p, &e, reterr);
	}
	p->pid = pid;
	p->fd = TAKE_FD(ours);
	p->seq = 0;
	return 0;
}

/* Return: 0 readable; -ETIMEDOUT; negative errno. */
static int wait_readable(int fd, uint64_t deadline_ns)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int r;

	do {
		uint64_t now = clock_mono_ns();

		if (now >= deadline_ns)
			return -ETIMEDOUT;
		r = poll(&pfd, 1, (int)((deadline_ns - now) / 1000000 + 1));
	} while (r == 0 || (r < 0 && errno == EINTR));
	return r < 0 ? -errno : 0;
}

/* The answer to the last message.  Those to earlier ones, which came too late, are skipped: a signer
 * that stood still for a while must not be misunderstood for ever. */
static int wait_result(struct signer_proc *p, uint64_t deadline_ns, struct handover_msg *ret)
{
	int fds[HANDOVER_FDS_MAX];
	int r;

	do {
		unsigned fd_cnt = 0;

		if ((r = wait_readable(p->fd, deadline_ns)) < 0)
			return r;
		r = handover_recv(p->fd, ret, fds, &fd_cnt);
		while (r > 0 && fd_cnt) /* it has nothing to give us */
			close(fds[--fd_cnt]);
	} while (r > 0 && ret->type == HANDOVER_RESULT && (int32_t)(ret->seq - p->seq) < 0);
	return r > 0 ? 0 : r == 0 ? -EPIPE : r;
}

/* The signer's words go to terminals and logs: it is not trusted to send only text. */
static void text_copy(char *dst, size_t cap, const char *text, size_t max)
{
	size_t i;

	for (i = 0; i < max && i + 1 < cap && text[i]; i++)
		dst[i] = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?';
	dst[i] = '\0';
}

int signer_proc_call(struct signer_proc *p, struct handover_msg *m, const int *fds, unsigned fd_cnt,
		     char reterr[SIGNER_ERR_LEN])
{
	struct handover_msg result;
	int r;

	m->version = HANDOVER_VERSION;
	m->seq = ++p->seq;
	m->error = 0;
	r = handover_send(p->fd, m, fds, fd_cnt);
	if (!r)
		r = wait_result(p, clock_mono_ns() + CALL_TIMEOUT_MS * 1000000ull, &result);
	if (r == -ECONNRESET)
		r = -EPIPE;
	if (r < 0) {
		snprintf(reterr, SIGNER_ERR_LEN, "the signer %s (message %u)",
			 r == -EPIPE ? "ended before it was ready; its own lines above say why"
			 : r == -ETIMEDOUT ? "does not answer"
					   : strerror(-r),
			 m->type);
		return r;
	}
	if (result.type != HANDOVER_RESULT || result.seq != m->seq) {
		snprintf(reterr, SIGNER_ERR_LEN,
			 "the signer answered message %u with another: not of this version?",
			 m->type);
		return -EPROTO;
	}
	if (result.error < 0) {
		text_copy(reterr, SIGNER_ERR_LEN, result.text, sizeof(result.text));
		if (!*reterr)
			snprintf(reterr, SIGNER_ERR_LEN, "%s", strerror(-result.error));
		return 1;
	}
	return 0;
}

static void ended(struct signer_proc *p, int status)
{
	if (WIFSIGNALED(status))
		snprintf(p->how, sizeof(p->how), "signal %d", WTERMSIG(status));
	else
		snprintf(p->how, sizeof(p->how), "exit %d", WEXITSTATUS(status));
	p->pid = 0;
	if (p->fd >= 0)
		close(TAKE_FD(p->fd));
}

bool signer_proc_reap(struct signer_proc *p)
{
	int status;

	if (!p->pid || waitpid(p->pid, &status, WNOHANG) != p->pid)
		return false;
	ended(p, status);
	return true;
}

void signer_proc_stop(struct signer_proc *p)
{
	CLEANUP(closep) int pidfd = p->pid ? pidfd_open(p->pid, 0) : -1;
	struct pollfd pfd = { .fd = pidfd, .events = POLLIN };
	int status = 0;

	if (!p->pid)
		return;
	if (p->fd >= 0)
		close(TAKE_FD(p->fd));
	if (pidfd < 0 || poll(&pfd, 1, STOP_TIMEOUT_MS) <= 0)
		kill(p->pid, SIGKILL);
	waitpid(p->pid, &status, 0);
	ended(p, status);
}
