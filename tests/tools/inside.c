/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inside - what can somebody do who has taken over the signer, or the fetcher?  Each try is a system call that the
 * process itself makes (inject.h), under its real filter and with its real credentials.
 *
 *     inside signer PROGRAM          starts one signer after the other as the daemon would, one try in each
 *     inside fetcher PID             all tries in a running fetcher, which has to live through them
 *     inside one PID WHAT            one try
 *     inside filter PID              the calls that its filter lets through: "always NAME", "condition NAME"
 *     inside count                   how many tries there are
 *
 * INSIDE_SOCKET: the path that "connect to the control socket" means.  A line per try: "ok WHAT: killed", "not ok WHAT: ...".  Exit status 0: none succeeded.
 */
#define signer_take inside_take
#include "signer/handing.h"

#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <linux/if_xdp.h>
#include <linux/net.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/un.h>

#include "inject.h"

#define EXIT_NOT_HERE 77

/* What may be let through in the fetcher: it opens files to read and connects by TCP. */
#define BY_DESIGN 1
#define REFUSED   (-EPERM)
#define ANY_ERROR 2 /* let through to the kernel, which refuses */

static struct {
	char path[64], dir[16], proc[64];
	char *argv[2];
	struct sockaddr_un un;
	struct sockaddr_in in;
	char buf[64];
	struct { void *base; size_t len; } local, remote;
	struct clone_args clone;
	struct { uint32_t version; int pid; } cap_head;
	struct { uint32_t effective, permitted, inheritable; } cap[2];
	uint64_t how[3], limit[2];
} scratch;

#define P(member) AT((long)offsetof(__typeof__(scratch), member))
_Static_assert(sizeof(scratch) <= SCRATCH_LEN, "fits the page");

#define RWX (PROT_READ | PROT_WRITE | PROT_EXEC)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define X32 0x40000000l

struct attempt {
	const char *what;
	long nr;
	long args[6];
	int fetcher;   /* what it gets: REFUSED, another errno, or BY_DESIGN: not tried */
	bool is_int80;
};

#define A(...) { __VA_ARGS__ }
static const struct attempt attempts[] = {
	/* files */
	{ "open a file", SYS_open, A(P(path), O_RDONLY), REFUSED },
	{ "open a file to write", SYS_openat, A(AT_FDCWD, P(path), O_WRONLY), REFUSED },
	{ "open a file to read", SYS_openat, A(AT_FDCWD, P(path), O_RDONLY), BY_DESIGN },
	{ "open a file of root's", SYS_openat, A(AT_FDCWD, P(proc), O_RDONLY), -EACCES },
	{ "open a file by openat2", SYS_openat2, A(AT_FDCWD, P(path), P(how), 24), REFUSED },
	{ "create a file", SYS_creat, A(P(path), 0600), REFUSED },
	{ "create a file in memory", SYS_memfd_create, A(P(buf), 0), REFUSED },
	{ "remove a file", SYS_unlink, A(P(path)), REFUSED },
	{ "rename a file", SYS_rename, A(P(path), P(path)), REFUSED },
	{ "link a file", SYS_link, A(P(path), P(path)), REFUSED },
	{ "read a directory's name", SYS_getcwd, A(P(buf), 64), REFUSED },
	{ "make a directory", SYS_mkdir, A(P(path), 0700), REFUSED },
	{ "change a mode", SYS_chmod, A(P(path), 0777), REFUSED },
	{ "change an owner", SYS_chown, A(P(path), 0, 0), REFUSED },
	{ "open by handle", SYS_open_by_handle_at, A(AT_FDCWD, P(buf), O_RDONLY), REFUSED },
	{ "duplicate a descriptor", SYS_dup, A(2), REFUSED },
	{ "duplicate by fcntl", SYS_fcntl, A(2, F_DUPFD, 0), REFUSED },
	{ "ioctl of a terminal (TIOCSTI)", SYS_ioctl, A(2, 0x5412, P(buf)), REFUSED },
	{ "ioctl of a NIC (SIOCGIFCONF)", SYS_ioctl, A(3, 0x8912, P(buf)), REFUSED },
	{ "send a file", SYS_sendfile, A(3, 2, 0, 1), REFUSED },
	/* programs and processes */
	{ "execve", SYS_execve, A(P(path), P(argv), 0), REFUSED },
	{ "execveat", SYS_execveat, A(AT_FDCWD, P(path), P(argv), 0, 0), REFUSED },
	{ "fork", SYS_fork, A(0), REFUSED },
	{ "vfork", SYS_vfork, A(0), REFUSED },
	{ "clone a process", SYS_clone, A(SIGCHLD, 0, 0, 0, 0), REFUSED },
	{ "clone into a user namespace", SYS_clone, A(CLONE_NEWUSER | CLONE_THREAD | CLONE_VM, 0, 0, 0, 0), REFUSED },
	{ "clone3 a process", SYS_clone3, A(P(clone), sizeof(struct clone_args)), -ENOSYS },
	{ "kill the parent", SYS_kill, A(1, 0), REFUSED },
	{ "kill everything", SYS_kill, A(-1, SIGCONT), REFUSED },
	{ "kill a thread", SYS_tgkill, A(1, 1, 0), REFUSED },
	{ "a descriptor of a process", SYS_pidfd_open, A(1, 0), REFUSED },
	{ "take a descriptor of a process", SYS_pidfd_getfd, A(3, 0, 0), REFUSED },
	{ "ptrace another process", SYS_ptrace, A(PTRACE_ATTACH, 1, 0, 0), REFUSED },
	{ "ptrace me", SYS_ptrace, A(PTRACE_TRACEME, 0, 0, 0), REFUSED },
	{ "read another's memory", SYS_process_vm_readv, A(1, P(local), 1, P(remote), 1, 0), REFUSED },
	{ "write another's memory", SYS_process_vm_writev, A(1, P(local), 1, P(remote), 1, 0), REFUSED },
	{ "a signal handler", SYS_rt_sigaction, A(SIGSYS, 0, 0, 8), BY_DESIGN },
	/* sockets */
	{ "socket AF_INET", SYS_socket, A(AF_INET, SOCK_DGRAM, 0), BY_DESIGN },
	{ "socket AF_INET raw", SYS_socket, A(AF_INET, SOCK_RAW, IPPROTO_RAW), REFUSED },
	{ "socket AF_INET6 raw", SYS_socket, A(AF_INET6, SOCK_RAW, IPPROTO_RAW), REFUSED },
	{ "socket AF_PACKET", SYS_socket, A(AF_PACKET, SOCK_RAW, 0), REFUSED },
	{ "socket AF_XDP", SYS_socket, A(AF_XDP, SOCK_RAW, 0), REFUSED },
	{ "socket AF_UNIX", SYS_socket, A(AF_UNIX, SOCK_STREAM, 0), REFUSED },
	{ "socket AF_NETLINK, netfilter", SYS_socket, A(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER), REFUSED },
	{ "socket AF_VSOCK", SYS_socket, A(AF_VSOCK, SOCK_STREAM, 0), REFUSED },
	{ "pair of datagram sockets", SYS_socketpair, A(AF_UNIX, SOCK_DGRAM, 0, P(buf)), REFUSED },
	{ "connect to the control socket", SYS_connect, A(3, P(un), sizeof(struct sockaddr_un)), ANY_ERROR },
	{ "bind a path", SYS_bind, A(3, P(un), sizeof(struct sockaddr_un)), REFUSED },
	{ "bind a port", SYS_bind, A(3, P(in), sizeof(struct sockaddr_in)), REFUSED },
	{ "listen", SYS_listen, A(3, 1), REFUSED },
	{ "accept", SYS_accept4, A(3, 0, 0, 0), REFUSED },
	{ "set a socket option", SYS_setsockopt, A(3, SOL_SOCKET, SO_MARK, P(buf), 4), -EPERM },
	{ "ask a socket", SYS_getsockopt, A(3, SOL_SOCKET, SO_TYPE, P(buf), P(limit)), BY_DESIGN },
	/* memory */
	{ "map memory to execute", SYS_mmap, A(0, 4096, RWX, ANON, -1, 0), REFUSED },
	{ "make the stack executable", SYS_mprotect, A(AT(0), 4096, PROT_READ | PROT_EXEC), REFUSED },
	{ "make memory executable by key", SYS_pkey_mprotect, A(AT(0), 4096, RWX, -1), REFUSED },
	{ "reads imply execution", SYS_personality, A(0x0400000), REFUSED },
	{ "shared memory to execute", SYS_shmat, A(0, 0, 0100000), REFUSED },
	{ "shared memory", SYS_shmget, A(0, 4096, 01600), REFUSED },
	{ "userfaultfd", SYS_userfaultfd, A(1), REFUSED },
	{ "be dumpable", SYS_prctl, A(PR_SET_DUMPABLE, 1), REFUSED },
	{ "allow a core file", SYS_prlimit64, A(0, 4 /* RLIMIT_CORE */, P(limit), 0), REFUSED },
	/* more rights */
	{ "setuid root", SYS_setuid, A(0), REFUSED },
	{ "setresuid root", SYS_setresuid, A(0, 0, 0), REFUSED },
	{ "setgid root", SYS_setgid, A(0), REFUSED },
	{ "setgroups", SYS_setgroups, A(0, 0), REFUSED },
	{ "get capabilities", SYS_capset, A(P(cap_head), P(cap)), REFUSED },
	{ "an ambient capability", SYS_prctl, A(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 12, 0, 0), REFUSED },
	{ "take no_new_privs back", SYS_prctl, A(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), REFUSED },
	{ "another filter", SYS_seccomp, A(SECCOMP_SET_MODE_FILTER, 0, 0), REFUSED },
	/* the kernel */
	{ "bpf: make a map", SYS_bpf, A(BPF_MAP_CREATE, P(buf), 32), REFUSED },
	{ "bpf: load a program", SYS_bpf, A(BPF_PROG_LOAD, P(buf), 32), REFUSED },
	{ "perf_event_open", SYS_perf_event_open, A(P(buf), 0, -1, -1, 0), REFUSED },
	{ "io_uring", SYS_io_uring_setup, A(1, P(buf)), REFUSED },
	{ "mount", SYS_mount, A(P(dir), P(dir), P(buf), MS_BIND, 0), REFUSED },
	{ "umount", SYS_umount2, A(P(dir), 0), REFUSED },
	{ "chroot", SYS_chroot, A(P(dir)), REFUSED },
	{ "unshare", SYS_unshare, A(CLONE_NEWUSER), REFUSED },
	{ "enter a namespace", SYS_setns, A(3, 0), REFUSED },
	{ "load a module", SYS_init_module, A(P(buf), 1, P(buf)), REFUSED },
	{ "load a kernel", SYS_kexec_load, A(0, 0, 0, 0), REFUSED },
	{ "reboot", SYS_reboot, A(0, 0, 0, 0), REFUSED },
	{ "set the clock", SYS_clock_settime, A(CLOCK_REALTIME, P(how)), REFUSED },
	{ "change the host's name", SYS_sethostname, A(P(buf), 1), REFUSED },
	{ "a key of the kernel's", SYS_keyctl, A(0, -3, 0, 0, 0), REFUSED },
	{ "ports of the machine", SYS_iopl, A(3), REFUSED },
	{ "a number that no call has", 1000, A(0), REFUSED },
	/* other doors */
	{ "open by the x32 table", SYS_open | X32, A(P(path), O_RDONLY), INJECT_KILLED },
	{ "open by the 32-bit table", 5, A(P(path), O_RDONLY), INJECT_KILLED, true },
};

/* ---- a signer, and what a daemon would give it ----------------------------------------------------------- */
static int channel = -1;

void inside_take(struct signer *s, const struct handover_msg *m, int *fds, unsigned fd_cnt, struct handover_msg *ret)
{
	int none[HANDOVER_FDS_MAX];
	unsigned cnt;

	(void)s;
	*ret = (struct handover_msg){ .error = -EIO };
	if (handover_send(channel, m, fds, fd_cnt) < 0 || handover_recv(channel, ret, none, &cnt) != 1)
		fprintf(stderr, "inside: message %u: no answer\n", m->type);
	while (fd_cnt)
		close(fds[--fd_cnt]);
}

static pid_t signer_spawn(const char *program)
{
	int s[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		dup2(s[1], CHANNEL_FD); /* without close-on-exec */
		if (s[1] == CHANNEL_FD)
			fcntl(CHANNEL_FD, F_SETFD, 0);
		execl(program, "sipseal-signer", "--uid", "65534", "--gid", "65534", NULL);
		_exit(127);
	}
	close(s[1]);
	channel = s[0];
	return pid;
}

static bool signer_give(void)
{
	struct handover_msg m = msg(HANDOVER_WORKER);
	int umem_fd = xsk_umem_create(UMEM_FRAMES * XSK_FRAME_SIZE);
	char *umem = mmap(NULL, UMEM_FRAMES * XSK_FRAME_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, umem_fd, 0);
	bool is_ok;

	m.worker.frames = UMEM_FRAMES;
	m.worker.frame_size = XSK_FRAME_SIZE;
	is_ok = umem != MAP_FAILED && hello(NULL, &good_hello) == 0 && take_quiet(NULL, &m, dup(umem_fd)) == 0 &&
		sockets_hand(NULL, umem_fd, umem) == 0 && credential(NULL, 0) == 0 && take_quiet(NULL, &start, -1) == 0;
	munmap(umem, UMEM_FRAMES * XSK_FRAME_SIZE);
	return is_ok;
}

/* ---- the tries ------------------------------------------------------------------------------------------- */
static void scratch_fill(void)
{
	const char *socket = getenv("INSIDE_SOCKET");

	strcpy(scratch.path, "/etc/passwd");
	strcpy(scratch.dir, "/");
	strcpy(scratch.proc, "/etc/shadow");
	scratch.un.sun_family = AF_UNIX;
	snprintf(scratch.un.sun_path, sizeof(scratch.un.sun_path), "%s", socket ? socket : "/run/sipseal/control.sock");
	scratch.clone.exit_signal = SIGCHLD;
	scratch.cap_head.version = 0x20080522;
	scratch.cap[0].effective = scratch.cap[0].permitted = 1u << 12;
	scratch.limit[0] = scratch.limit[1] = 1 << 20;
}

static long attempt_in(pid_t tid, const struct attempt *a)
{
	char page[SCRATCH_LEN] = { 0 };
	struct injection c = { .nr = a->nr, .is_int80 = a->is_int80, .scratch = page };

	memcpy(page, &scratch, sizeof(scratch));
	memcpy(c.args, a->args, sizeof(c.args));
	return inject(tid, &c);
}

static bool said(const char *what, long got, long want)
{
	bool is_ok = want == ANY_ERROR ? got < 0 && got > -4096 : got == want;
	const char *text = got == INJECT_KILLED ? "killed" : got == INJECT_LOST ? "could not be tried" :
			   got < 0 && got > -4096 ? strerror((int)-got) : "SUCCEEDED";

	printf("%s %s: %s\n", is_ok ? "ok" : "not ok", what, text);
	return is_ok;
}

/* A thread of the process that is not its first one: the filter is over all of them. */
static pid_t other_thread(pid_t pid)
{
	char path[64];
	pid_t tid;

	for (tid = pid + 1; tid < pid + 64; tid++) {
		snprintf(path, sizeof(path), "/proc/%d/task/%d", pid, tid);
		if (access(path, F_OK) == 0)
			return tid;
	}
	return 0;
}

static long in_fresh_signer(const char *program, const struct attempt *a, bool is_worker)
{
	pid_t pid = signer_spawn(program), tid;
	long r = INJECT_LOST;

	if (pid > 0 && signer_give()) {
		tid = is_worker ? other_thread(pid) : pid;
		r = tid ? attempt_in(tid, a) : INJECT_LOST;
	}
	close(channel);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, __WALL);
	return r;
}

/* A crash, not the filter: nothing of its memory is written anywhere. */
static bool is_core_less(const char *program)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	pid_t pid;
	int status = 0;

	setrlimit(RLIMIT_CORE, &all); /* of ours; it lowers its own */
	pid = signer_spawn(program);
	if (pid <= 0 || !signer_give() || kill(pid, SIGABRT) < 0 || waitpid(pid, &status, 0) != pid)
		return false;
	close(channel);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && !WCOREDUMP(status);
}

static int all_in_signers(const char *program)
{
	int bad = 0;

	if (links_up() < 0)
		return EXIT_FAILURE;
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++)
		bad += !said(attempts[i].what, in_fresh_signer(program, &attempts[i], false), INJECT_KILLED);
	bad += !said("open a file, in a worker", in_fresh_signer(program, &attempts[0], true), INJECT_KILLED);
	if (!is_core_less(program))
		bad++, puts("not ok dump core: there is a core file, or it could not be tried");
	else
		puts("ok dump core: none");
	return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int all_in_fetcher(pid_t pid)
{
	int bad = 0;

	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++)
		if (attempts[i].fetcher != BY_DESIGN && attempts[i].fetcher != INJECT_KILLED)
			bad += !said(attempts[i].what, attempt_in(pid, &attempts[i]), attempts[i].fetcher);
	return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int one(pid_t pid, const char *what)
{
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++)
		if (!strcmp(attempts[i].what, what))
			return said(what, attempt_in(pid, &attempts[i]), INJECT_KILLED) ? EXIT_SUCCESS : EXIT_FAILURE;
	fprintf(stderr, "inside: no try \"%s\"\n", what);
	return 2;
}

static int filter_print(pid_t pid)
{
	static struct filter f;
	int n = filter_get(pid, &f);

	if (n <= 0) {
		fprintf(stderr, "the filter cannot be read: %s\n", strerror(-n));
		return EXIT_NOT_HERE;
	}
	for (uint32_t nr = 0; nr < 1024; nr++) {
		enum filter_says says = filter_ask(&f, nr);
		char *name = says == FILTER_NEVER ? NULL : seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, (int)nr);

		if (says != FILTER_NEVER)
			printf("%s %s\n", says == FILTER_ALWAYS ? "always" : "condition", name ? name : "?");
		free(name);
	}
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	setlinebuf(stdout);
	alarm(60); /* bounded, whatever goes wrong; what we trace goes on, what we started ends by EOF */
	scratch_fill();
	if (!strcmp(verb, "signer") && argc == 3)
		return all_in_signers(argv[2]);
	if (!strcmp(verb, "fetcher") && argc == 3)
		return all_in_fetcher((pid_t)atoi(argv[2]));
	if (!strcmp(verb, "one") && argc == 4)
		return one((pid_t)atoi(argv[2]), argv[3]);
	if (!strcmp(verb, "filter") && argc == 3)
		return filter_print((pid_t)atoi(argv[2]));
	if (!strcmp(verb, "count"))
		return printf("%zu\n", ARRAY_SIZE(attempts)) < 0;
	fputs("usage: inside signer PROGRAM | fetcher PID | one PID WHAT | filter PID | count\n", stderr);
	return 2;
}
