/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/proc.h"

#include <assert.h>
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

#define NOBODY 65534
#define KILLED_MS 3000 /* for the kernel to end one, and give its memory back */

/* How long one that has gone rests: at first so short that the next copy of an INVITE (500 ms) finds another; at last
 * so long that one that dies at its start costs no more than a few per cent of a CPU. */
#define RETRY_MIN_MS 100
#define RETRY_MAX_MS 5000

static int find_program(struct proc *p, const char *program, const char *libexec, char *reterr)
{
	static const char *const places[] = { "", "/../libexec/sipseal" };
	char self[PATH_MAX] = "";
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash = n > 0 ? strrchr(self, '/') : NULL;

	if (libexec) {
		snprintf(p->path, sizeof(p->path), "%s/%s", libexec, program);
		if (access(p->path, F_OK) == 0)
			return 0;
		snprintf(reterr, PROC_ERR_LEN, "--libexec: %.400s: %s", p->path, strerror(errno));
		return -ENOENT;
	}
	if (slash)
		*slash = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		size_t len = (size_t)snprintf(p->path, sizeof(p->path), "%s%s/%s", self, places[i], program);

		if (len < sizeof(p->path) && access(p->path, F_OK) == 0)
			return 0;
	}
	snprintf(reterr, PROC_ERR_LEN,
		 "%s is neither in %.200s nor in ../libexec/sipseal from there: install it or say --libexec DIR",
		 program, self);
	return -ENOENT;
}

int proc_init(struct proc *p, const struct proc_kind *k, const char *libexec, char reterr[PROC_ERR_LEN])
{
	const struct passwd *pw = getpwnam(k->user);

	*p = (struct proc){ .fd = -1, .uid = NOBODY, .gid = NOBODY, .is_nobody = !pw };
	if (pw) {
		p->uid = pw->pw_uid;
		p->gid = pw->pw_gid;
	}
	return find_program(p, k->program, libexec, reterr);
}

/* Between fork and exec.  Return: where it failed, errno is set. */
static const char *child_setup(const struct proc *p, int sock, pid_t parent)
{
	sigset_t none;
	int null = open("/dev/null", O_RDWR);

	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0)
		return "open /dev/null";
	if (dup2(sock, CHANNEL_FD) < 0)
		return "pass the socket";
	/* also what a library opened without close-on-exec */
	if (close_range(CHANNEL_FD + 1, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
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

struct child_fds {
	int exe, sock, report;
};

static _Noreturn void child(const struct proc *p, const char *program, struct child_fds c, pid_t parent)
{
	char *argv[] = { (char *)(uintptr_t)program, NULL }, *envp[] = { NULL };
	struct exec_error e = { 0 };
	const char *where;

	/* out of the way of CHANNEL_FD */
	c.exe = fcntl(c.exe, F_DUPFD_CLOEXEC, 10);
	c.sock = fcntl(c.sock, F_DUPFD_CLOEXEC, 10);
	c.report = fcntl(c.report, F_DUPFD_CLOEXEC, 10);
	where = child_setup(p, c.sock, parent);
	if (!where) {
		/* by descriptor: its user may not see the directory (a build below /root) */
		execveat(c.exe, "", argv, envp, AT_EMPTY_PATH);
		where = "execute it";
	}
	e.error = errno;
	snprintf(e.where, sizeof(e.where), "%s", where);
	(void)!write(c.report, &e, sizeof(e));
	_exit(127);
}

static int spawn_error(const struct proc *p, const struct exec_error *e, char *reterr)
{
	snprintf(reterr, PROC_ERR_LEN, "%.300s: cannot %.40s (user %u): %s%s", p->path, e->where,
		 (unsigned)p->uid, strerror(e->error),
		 e->error == EACCES ? "; the file needs mode 0755" : "");
	return -e->error;
}

int proc_spawn(struct proc *p, const struct proc_kind *k, char reterr[PROC_ERR_LEN])
{
	CLEANUP(closep) int exe = open(p->path, O_PATH | O_CLOEXEC);
	CLEANUP(closep) int ours = -1;
	CLEANUP(closep) int theirs = -1;
	CLEANUP(closep) int rd = -1;
	CLEANUP(closep) int wr = -1;
	const struct timeval patience = { k->timeout_ms / 1000, k->timeout_ms % 1000 * 1000 };
	struct exec_error e = { .where = "start it" };
	int pair[2], pip[2];
	pid_t parent = getpid(), pid;
	ssize_t n;

	if (p->lost && waitpid(p->lost, NULL, WNOHANG) == 0) {
		e = (struct exec_error){ EBUSY, "start another: the last does not end" };
		return spawn_error(p, &e, reterr);
	}
	p->lost = 0;
	if (exe < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		e.error = errno;
		return spawn_error(p, &e, reterr);
	}
	ours = pair[0];
	theirs = pair[1];
	/* one that does not read must not hold us in sendmsg() */
	setsockopt(ours, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (pipe2(pip, O_CLOEXEC) == 0) {
		rd = pip[0];
		wr = pip[1];
	}
	if (rd < 0 || (pid = fork()) < 0) {
		e.error = errno;
		return spawn_error(p, &e, reterr);
	}
	if (pid == 0)
		child(p, k->program, (struct child_fds){ exe, theirs, wr }, parent);
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

/* The answer to the last message.  Those to earlier ones, which came too late, are skipped: a process
 * that stood still for a while must not be misunderstood for ever. */
static int wait_result(struct proc *p, const struct proc_kind *k, uint64_t deadline_ns, void *ret)
{
	struct channel_head h = { 0 };
	int fds[CHANNEL_FDS_MAX];
	int r;

	do {
		unsigned fd_cnt = 0;

		if ((r = wait_readable(p->fd, deadline_ns)) < 0)
			return r;
		r = channel_recv(p->fd, k->version, ret, k->msg_len, fds, CHANNEL_FDS_MAX, &fd_cnt);
		while (r > 0 && fd_cnt) /* it has nothing to give us */
			close(fds[--fd_cnt]);
		if (r > 0)
			memcpy(&h, ret, sizeof(h));
	} while (r > 0 && h.type == k->result && (int32_t)(h.seq - p->seq) < 0);
	if (r <= 0)
		return r == 0 ? -EPIPE : r;
	return h.type == k->result && h.seq == p->seq ? 0 : -EPROTO;
}

/* Its words go to terminals and logs: it is not trusted to send only text. */
void proc_text(char *dst, size_t cap, const char *text, size_t max)
{
	size_t i;

	for (i = 0; i < max && i + 1 < cap && text[i]; i++)
		dst[i] = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?';
	dst[i] = '\0';
}

static void call_error(const struct proc_kind *k, uint32_t type, int r, char *reterr)
{
	const char *what = strerror(-r);

	if (r == -EPIPE)
		what = "has ended; its own lines above say why";
	else if (r == -ETIMEDOUT)
		what = "does not answer";
	else if (r == -EPROTO || r == -EBADMSG)
		what = "answers something else: not of this version?";
	snprintf(reterr, PROC_ERR_LEN, "%s %s (message %u)", k->name, what, type);
}

int proc_call(struct proc *p, const struct proc_kind *k, void *m, const int *fds, unsigned fd_cnt, void *ret,
	      char reterr[PROC_ERR_LEN])
{
	uint64_t deadline_ns = clock_mono_ns() + k->timeout_ms * 1000000ull;
	char answer[PROC_MSG_MAX];
	struct channel_head h;
	int r;

	assert(k->msg_len <= sizeof(answer));
	memcpy(&h, m, sizeof(h));
	h = (struct channel_head){ .version = k->version, .type = h.type, .seq = ++p->seq };
	memcpy(m, &h, sizeof(h));
	r = channel_send(p->fd, m, k->msg_len, fds, fd_cnt);
	if (!r)
		r = wait_result(p, k, deadline_ns, answer);
	if (r == -ECONNRESET)
		r = -EPIPE;
	else if (r == -EAGAIN) /* it has not read for so long that the socket is full */
		r = -ETIMEDOUT;
	if (r < 0) {
		call_error(k, h.type, r, reterr);
		return r == -EBADMSG ? -EPROTO : r;
	}
	memcpy(&h, answer, sizeof(h));
	if (ret)
		memcpy(ret, answer, k->msg_len);
	if (h.error >= 0)
		return 0;
	proc_text(reterr, PROC_ERR_LEN, answer + k->text_at, k->text_len);
	if (!*reterr)
		snprintf(reterr, PROC_ERR_LEN, "%s", strerror(h.error < -4095 ? EPROTO : -h.error));
	return 1;
}

static void ended(struct proc *p, int status)
{
	if (WIFSIGNALED(status))
		snprintf(p->how, sizeof(p->how), "signal %d", WTERMSIG(status));
	else
		snprintf(p->how, sizeof(p->how), "exit %d", WEXITSTATUS(status));
	p->pid = 0;
	if (p->fd >= 0)
		close(TAKE_FD(p->fd));
}

bool proc_reap(struct proc *p)
{
	int status;

	if (!p->pid || waitpid(p->pid, &status, WNOHANG) != p->pid)
		return false;
	ended(p, status);
	return true;
}

static void stop(struct proc *p, unsigned grace_ms)
{
	CLEANUP(closep) int pidfd = p->pid ? pidfd_open(p->pid, 0) : -1;
	struct pollfd pfd = { .fd = pidfd, .events = POLLIN };
	int status = 0;

	if (!p->pid)
		return;
	if (p->fd >= 0)
		close(TAKE_FD(p->fd));
	if (pidfd < 0 || !grace_ms || poll(&pfd, 1, (int)grace_ms) <= 0)
		kill(p->pid, SIGKILL);
	if (pidfd >= 0)
		poll(&pfd, 1, KILLED_MS);
	if (waitpid(p->pid, &status, pidfd < 0 ? 0 : WNOHANG) == 0) {
		p->lost = p->pid;
		p->pid = 0;
		snprintf(p->how, sizeof(p->how), "killed, but does not end");
		return;
	}
	ended(p, status);
}

void proc_stop(struct proc *p, const struct proc_kind *k)
{
	stop(p, k->stop_ms);
}

void proc_kill(struct proc *p)
{
	stop(p, 0);
}

void proc_retry_started(struct proc_retry *r)
{
	r->started_ns = clock_mono_ns();
	r->at_ns = 0;
}

/* Twice as long as the last time, but never longer than it ran: that one starts over. */
void proc_retry_later(struct proc_retry *r)
{
	uint64_t now = clock_mono_ns(), ran_ns = r->started_ns ? now - r->started_ns : 0;

	r->wait_ms = r->wait_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : r->wait_ms * 2;
	if (!r->wait_ms || ran_ns > r->wait_ms * 1000000ull)
		r->wait_ms = RETRY_MIN_MS;
	r->started_ns = 0;
	r->at_ns = now + r->wait_ms * 1000000ull;
}

bool proc_retry_is_due(struct proc_retry *r)
{
	if (!r->at_ns || clock_mono_ns() < r->at_ns)
		return false;
	r->at_ns = 0;
	return true;
}
