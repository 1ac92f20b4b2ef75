/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sandbox: what is forbidden fails with EPERM and the process goes on; what the fetcher needs (files of the system,
 * its directory, names by DNS in threads, TCP) works.  Each case runs in a child of its own.
 */
#include "guard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <resolv.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <openssl/rand.h>

#include "base/cleanup.h"
#include "fetcher/sandbox.h"
#include "fetcher/store.h"

static char dir[] = "/tmp/sipseal-sandbox-XXXXXX";
static int dir_fd;

/* Each returns 0 or more where it could be done, else -1 and errno. */
static int exec_it(void)
{
	char *argv[] = { "true", NULL };

	return execv("/bin/true", argv);
}

static int fork_it(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid;
}

static int new_process(void)
{
	int pid = (int)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return pid;
}

static int new_userns(void) { return unshare(CLONE_NEWUSER); }
static int new_mount(void) { return mount("none", dir, "tmpfs", 0, NULL); }
static int trace_parent(void) { return (int)ptrace(PTRACE_ATTACH, getppid(), 0, 0); }
static int trace_me(void) { return (int)ptrace(PTRACE_TRACEME, 0, 0, 0); }
static int kill_parent(void) { return kill(getppid(), 0); }
static int set_user(void) { return (int)syscall(SYS_setuid, getuid()); }
static int set_dumpable(void) { return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); }
static int filter_more(void) { return prctl(PR_SET_SECCOMP, 2, NULL, 0, 0); }
static int open_write(void) { return open("/dev/null", O_WRONLY | O_CLOEXEC); }
static int open_both(void) { return open("/dev/null", O_RDWR | O_CLOEXEC); }
static int open_create(void) { return open("/tmp/sipseal-sandbox-none", O_RDONLY | O_CREAT | O_CLOEXEC, 0600); }
static int open_trunc(void) { return open("/dev/null", O_RDONLY | O_TRUNC | O_CLOEXEC); }
static int open_tmpfile(void) { return open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600); }
static int open_elsewhere(void)
{
	return openat(AT_FDCWD, "/dev/null", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
}
static int open_dir_rw(void) { return openat(dir_fd, "x", O_RDWR | O_CREAT | O_CLOEXEC, 0600); }
static int unlink_path(void) { return unlink("/tmp/sipseal-sandbox-none"); }
static int remove_dir(void) { return unlinkat(dir_fd, "sub", AT_REMOVEDIR); }
static int rename_out(void) { return renameat(dir_fd, "x", AT_FDCWD, "/tmp/sipseal-sandbox-none"); }
static int rename_in(void) { return renameat(AT_FDCWD, "/tmp/sipseal-sandbox-none", dir_fd, "x"); }
static int link_it(void) { return linkat(dir_fd, "x", dir_fd, "y", 0); }
static int symlink_it(void) { return symlinkat("/etc/passwd", dir_fd, "y"); }
static int make_dir(void) { return mkdirat(dir_fd, "sub", 0700); }
static int change_mode(void) { return fchmod(dir_fd, 0777); }
static int change_owner(void) { return fchown(dir_fd, getuid(), getgid()); }
static int change_dir(void) { return chdir("/"); }
static int dup_it(void) { return dup2(dir_fd, 100); }
static int dup_fcntl(void) { return fcntl(dir_fd, F_DUPFD_CLOEXEC, 100); }
static int unix_socket(void) { return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0); }
static int packet_socket(void) { return socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0); }
static int raw_socket(void) { return socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, 255); }
static int other_netlink(void) { return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 9); }
static int unix_datagrams(void)
{
	int s[2];
	return socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, s);
}
static int listen_it(void) { return listen(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), 1); }
static int make_memfd(void) { return (int)syscall(SYS_memfd_create, "x", 0); }
static int load_bpf(void) { return (int)syscall(SYS_bpf, 0, NULL, 0); }
static int uring(void) { return (int)syscall(SYS_io_uring_setup, 1, NULL); }
static int perf(void) { return (int)syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0); }
static int faults(void) { return (int)syscall(SYS_userfaultfd, 1); }
static int keys(void) { return (int)syscall(SYS_keyctl, 0, -3, 0, 0, 0); }

static int read_parent(void)
{
	char c;
	struct iovec to = { &c, 1 }, from = { &c, 1 };

	return (int)process_vm_readv(getppid(), &to, 1, &from, 1, 0);
}

static int map_exec(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
}

static int make_exec(void)
{
	static char pages[8192] __attribute__((aligned(4096)));

	return mprotect(pages, 4096, PROT_READ | PROT_EXEC);
}

/* is_free: anybody may, harms nobody: it is tried without the filter as well, so that the filter is what refuses. */
static const struct {
	const char *name;
	int (*fn)(void);
	bool is_free;
} forbidden[] = {
	{ "execve", exec_it, true },
	{ "fork", fork_it, true },
	{ "clone of a process", new_process, true },
	{ "unshare", new_userns },
	{ "mount", new_mount },
	{ "ptrace another", trace_parent },
	{ "ptrace me", trace_me },
	{ "kill", kill_parent, true },
	{ "setuid", set_user, true },
	{ "prctl dumpable", set_dumpable, true },
	{ "prctl seccomp", filter_more },
	{ "open to write", open_write, true },
	{ "open to read and write", open_both, true },
	{ "open that creates", open_create, true },
	{ "open that cuts", open_trunc, true },
	{ "O_TMPFILE", open_tmpfile, true },
	{ "our flags, another directory", open_elsewhere, true },
	{ "our directory, other flags", open_dir_rw, true },
	{ "unlink", unlink_path },
	{ "rmdir", remove_dir },
	{ "rename out", rename_out },
	{ "rename in", rename_in },
	{ "link", link_it },
	{ "symlink", symlink_it, true },
	{ "mkdir", make_dir, true },
	{ "chmod", change_mode },
	{ "chown", change_owner, true },
	{ "chdir", change_dir, true },
	{ "dup2", dup_it, true },
	{ "fcntl dup", dup_fcntl, true },
	{ "UNIX socket", unix_socket, true },
	{ "packet socket", packet_socket },
	{ "raw socket", raw_socket },
	{ "netlink but route", other_netlink },
	{ "UNIX datagrams", unix_datagrams, true },
	{ "listen", listen_it, true },
	{ "memfd_create", make_memfd, true },
	{ "bpf", load_bpf },
	{ "io_uring", uring },
	{ "perf", perf },
	{ "userfaultfd", faults },
	{ "keyctl", keys },
	{ "process_vm_readv", read_parent },
	{ "mmap PROT_EXEC", map_exec, true },
	{ "mprotect PROT_EXEC", make_exec, true },
};

static int confined(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -1 : sandbox_close(dir_fd); }

/* Return: wait status; the child exits with what @fn returns. */
static int in_child(int (*fn)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(30); /* bounded, whatever goes wrong */
		_exit(fn());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static size_t at;

static int try_one(void)
{
	if (confined() < 0)
		return 9;
	errno = 0;
	return forbidden[at].fn() >= 0 ? 1 : errno == EPERM ? 0 : 2;
}

static int try_free(void) { return forbidden[at].fn() >= 0 ? 0 : 1; }

static void test_forbidden(void **state)
{
	(void)state;
	for (at = 0; at < ARRAY_SIZE(forbidden); at++) {
		int status = in_child(try_one);

		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			fail_msg("%s: status %x, want EPERM", forbidden[at].name, status);
		if (forbidden[at].is_free && in_child(try_free) != 0)
			fail_msg("%s: fails without the filter, too", forbidden[at].name);
	}
}

/* TSYNC: a thread that was there before is in it, too. */
static void *open_late(void *go)
{
	while (!__atomic_load_n((int *)go, __ATOMIC_ACQUIRE))
		poll(NULL, 0, 1);
	return (void *)(intptr_t)(open("/dev/null", O_WRONLY | O_CLOEXEC) < 0 && errno == EPERM);
}

static int do_other_thread(void)
{
	static int go;
	pthread_t t;
	void *r;

	if (pthread_create(&t, NULL, open_late, &go) || confined() < 0)
		return 9;
	__atomic_store_n(&go, 1, __ATOMIC_RELEASE);
	pthread_join(t, &r);
	return r ? 0 : 1;
}

/* ---- what works ---- */

/* Answers questions for A with 127.0.0.7, others with nothing. */
static void *dns_thread(void *arg)
{
	static const unsigned char answer[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 7 };
	unsigned char m[512 + sizeof(answer)];
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	ssize_t n;

	while ((n = recvfrom(*(int *)arg, m, 512, 0, (struct sockaddr *)&from, &len)) > 16) {
		bool is_a = m[n - 4] == 0 && m[n - 3] == 1;

		m[2] |= 0x80;
		m[3] = 0x80;
		m[7] = is_a;
		if (is_a)
			memcpy(m + n, answer, sizeof(answer));
		sendto(*(int *)arg, m, (size_t)n + (is_a ? sizeof(answer) : 0), 0, (struct sockaddr *)&from, len);
	}
	return NULL;
}

static void *name_thread(void *arg)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM }, *all = NULL;
	const struct sockaddr_in *dns = arg;
	char text[64] = "";

	if (res_init() < 0)
		return "res_init";
	_res.nscount = 1;
	_res.nsaddr_list[0] = *dns;
	_res.options &= ~(unsigned long)RES_USE_EDNS0; /* the question is the end of the message */
	if (getaddrinfo("name.test", "443", &hints, &all) != 0)
		return "getaddrinfo";
	inet_ntop(AF_INET, &((struct sockaddr_in *)(void *)all->ai_addr)->sin_addr, text, sizeof(text));
	freeaddrinfo(all);
	return strcmp(text, "127.0.0.7") == 0 ? NULL : "another address";
}

static int bound(int type, struct sockaddr_in *ret)
{
	socklen_t len = sizeof(*ret);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	*ret = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (bind(fd, (struct sockaddr *)ret, sizeof(*ret)) < 0 || getsockname(fd, (struct sockaddr *)ret, &len) < 0)
		_exit(20);
	return fd;
}

static int do_names(void)
{
	struct sockaddr_in dns;
	int fd = bound(SOCK_DGRAM, &dns);
	pthread_t server, t;
	void *why = "";

	if (pthread_create(&server, NULL, dns_thread, &fd) || confined() < 0)
		return 9;
	if (pthread_create(&t, NULL, name_thread, &dns)) /* under the filter */
		return 10;
	pthread_join(t, &why);
	if (why)
		fprintf(stderr, "names: %s: %s\n", (const char *)why, strerror(errno));
	return why ? 11 : 0;
}

static int do_connect(void)
{
	struct sockaddr_in tcp;
	int server = bound(SOCK_STREAM, &tcp), fd, one = 1;
	struct ifaddrs *all = NULL;

	if (listen(server, 1) < 0 || confined() < 0)
		return 9;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(fd, (struct sockaddr *)&tcp, sizeof(tcp)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one)) < 0)
		return 10;
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0 || send(fd, "x", 1, MSG_NOSIGNAL) != 1)
		return 11;
	if (getifaddrs(&all) < 0 || !all)
		return 12;
	freeifaddrs(all);
	return 0;
}

static int do_files(void)
{
	struct store *s = NULL;
	struct store_item i = { 0 };
	unsigned char random[64];
	char line[256], *big;
	FILE *f;

	if (store_open(TAKE_FD(dir_fd), &s) < 0)
		return 8;
	dir_fd = 3; /* whose number the filter gets is seen below: the store's */
	for (int fd = 3; fd < 64; fd++) {
		struct stat a, b;

		if (fstat(fd, &a) == 0 && stat(dir, &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev)
			dir_fd = fd;
	}
	if (confined() < 0)
		return 9;
	f = fopen("/etc/hosts", "re");
	if (!f || !fgets(line, sizeof(line), f))
		return 10;
	fclose(f);
	if (store_write(s, SLICE("https://a.example/1"), 1, -1, "body", 4) < 0 ||
	    store_write(s, SLICE("https://a.example/1"), 2, -1, "other", 5) < 0)
		return 11;
	if (store_get(s, SLICE("https://a.example/1"), &i) < 0 || i.fetched_at != 2)
		return 12;
	if (store_drop(s, SLICE("https://a.example/1")) < 0)
		return 13;
	big = malloc(1 << 24);
	if (!big || !(big = realloc(big, 1 << 25)) || RAND_bytes(random, sizeof(random)) != 1)
		return 14;
	memset(big, 1, 1 << 25);
	free(big);
	store_item_done(&i);
	store_free(s);
	return 0;
}

static void test_allowed(void **state)
{
	static const struct {
		const char *name;
		int (*fn)(void);
	} works[] = {
		{ "files", do_files },
		{ "names", do_names },
		{ "connections", do_connect },
		{ "older threads", do_other_thread },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(works); i++) {
		int status = in_child(works[i].fn);

		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			fail_msg("%s: status %x", works[i].name, status);
	}
}

/* Without a cache there is nowhere to write. */
static int do_no_cache(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || sandbox_close(-1) < 0)
		return 9;
	return openat(dir_fd, "x", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600) < 0 && errno == EPERM &&
			       unlinkat(dir_fd, "x", 0) < 0 && errno == EPERM
		       ? 0
		       : 1;
}

static void test_no_cache(void **state)
{
	(void)state;
	assert_int_equal(in_child(do_no_cache), 0);
}

static int setup(void **state)
{
	(void)state;
	dir_fd = mkdtemp(dir) ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	return dir_fd < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	unlinkat(dir_fd, "x", 0);
	unlinkat(dir_fd, "y", 0);
	unlinkat(dir_fd, "sub", AT_REMOVEDIR);
	unlink("/tmp/sipseal-sandbox-none");
	close(dir_fd);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_no_cache),
		cmocka_unit_test(test_forbidden),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
