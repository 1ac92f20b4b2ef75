/* SPDX-License-Identifier: BSD-2-Clause */
#include "fetcher/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <linux/netlink.h>

#include "base/cleanup.h"

/* What is left without conditions, and what for. */
static const int allowed[] = {
	/* the loop: the daemon's socket, connections, libcurl's wake-up descriptors */
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(close), SCMP_SYS(recvmsg),
	SCMP_SYS(sendmsg), SCMP_SYS(recvfrom), SCMP_SYS(sendto), SCMP_SYS(sendmmsg), SCMP_SYS(eventfd2),
	SCMP_SYS(pipe2),
	/* connections; no listen(2) and no accept(2) (bind: below) */
	SCMP_SYS(connect), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(getsockname), SCMP_SYS(getpeername),
	SCMP_SYS(shutdown),
	/* files: certificates of the system, resolv.conf, hosts; records for the daemon */
	SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(lseek), SCMP_SYS(pread64), SCMP_SYS(pwrite64),
	SCMP_SYS(getdents64),
#ifdef __NR_stat
	SCMP_SYS(stat), SCMP_SYS(lstat),
#endif
	/* clocks, on machines where they are no vDSO calls; waiting */
	SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep),
	/* OpenSSL: fork detection, reseeding, locks; who we are */
	SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getrandom), SCMP_SYS(futex), SCMP_SYS(uname), SCMP_SYS(sysinfo),
	SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid),
	/* malloc (mmap and mprotect: below), also in its threads */
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(sched_getaffinity),
	/* threads of name look-ups (clone: below); signals; a call resumed after SIGSTOP/SIGCONT */
	SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall), SCMP_SYS(sched_yield),
#ifdef __SANITIZE_ADDRESS__
	SCMP_SYS(sigaltstack), SCMP_SYS(prlimit64), SCMP_SYS(readlink), /* test builds: the sanitizer's own */
#endif
};

#define OPEN_WRITES (O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY))

#define NETLINK_ADDR_LEN 12
_Static_assert(NETLINK_ADDR_LEN == sizeof(struct sockaddr_nl), "of a netlink address");

#define IS_THREAD (CLONE_THREAD | CLONE_VM)

/* Allowed under a condition.  Many rules of one call: any of them. */
static const struct {
	int call;
	unsigned cnt;
	struct scmp_arg_cmp args[2];
} conditions[] = {
	/* memory is never made executable */
	{ SCMP_SYS(mmap), 1, { SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0) } },
	{ SCMP_SYS(mprotect), 1, { SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0) } },
	/* threads, no processes */
	{ SCMP_SYS(clone), 1, { SCMP_A0(SCMP_CMP_MASKED_EQ, IS_THREAD | CLONE_NEWUSER, IS_THREAD) } },
	/* files are read */
	{ SCMP_SYS(openat), 1, { SCMP_A2(SCMP_CMP_MASKED_EQ, OPEN_WRITES, O_RDONLY) } },
	/* TCP, DNS, and for getifaddrs(3) netlink; no UNIX sockets, no raw ones */
	{ SCMP_SYS(socket), 2, { SCMP_A0(SCMP_CMP_EQ, AF_INET), SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, SOCK_STREAM) } },
	{ SCMP_SYS(socket), 2, { SCMP_A0(SCMP_CMP_EQ, AF_INET), SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, SOCK_DGRAM) } },
	{ SCMP_SYS(socket), 2, { SCMP_A0(SCMP_CMP_EQ, AF_INET6), SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, SOCK_STREAM) } },
	{ SCMP_SYS(socket), 2, { SCMP_A0(SCMP_CMP_EQ, AF_INET6), SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, SOCK_DGRAM) } },
	{ SCMP_SYS(socket), 2, { SCMP_A0(SCMP_CMP_EQ, AF_NETLINK), SCMP_A2(SCMP_CMP_EQ, NETLINK_ROUTE) } },
	/* the netlink socket of getifaddrs(3); by the length of its address no path and no port */
	{ SCMP_SYS(bind), 1, { SCMP_A2(SCMP_CMP_EQ, NETLINK_ADDR_LEN) } },
	/* libcurl and its threads of look-ups: connected to each other and to nobody else */
	{ SCMP_SYS(socketpair), 2, { SCMP_A0(SCMP_CMP_EQ, AF_UNIX), SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, SOCK_STREAM) } },
	{ SCMP_SYS(ioctl), 1, { SCMP_A1(SCMP_CMP_EQ, FIONREAD) } },
	{ SCMP_SYS(ioctl), 1, { SCMP_A1(SCMP_CMP_EQ, FIONBIO) } },
	{ SCMP_SYS(fcntl), 1, { SCMP_A1(SCMP_CMP_EQ, F_GETFD) } },
	{ SCMP_SYS(fcntl), 1, { SCMP_A1(SCMP_CMP_EQ, F_SETFD) } },
	{ SCMP_SYS(fcntl), 1, { SCMP_A1(SCMP_CMP_EQ, F_GETFL) } },
	{ SCMP_SYS(fcntl), 1, { SCMP_A1(SCMP_CMP_EQ, F_SETFL) } },
};

/* Writing: files of the disk cache, by the number of its descriptor. */
static int cache_rules(scmp_filter_ctx ctx, int cache_fd)
{
	const struct scmp_arg_cmp dir = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)cache_fd);
	const struct scmp_arg_cmp to_dir = SCMP_A2(SCMP_CMP_EQ, (scmp_datum_t)cache_fd);
	const struct scmp_arg_cmp creates = SCMP_A2(SCMP_CMP_EQ, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC);
	const struct scmp_arg_cmp file_only = SCMP_A2(SCMP_CMP_EQ, 0);
	int r;

	if ((r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(openat), 2, dir, creates)) < 0 ||
	    (r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(unlinkat), 2, dir, file_only)) < 0 ||
	    (r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(renameat), 2, dir, to_dir)) < 0)
		return r;
	return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(renameat2), 2, dir, to_dir);
}

static int rules_add(scmp_filter_ctx ctx, int cache_fd)
{
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
		if ((r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0)) < 0)
			return r;
	for (size_t i = 0; i < ARRAY_SIZE(conditions); i++)
		if ((r = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, conditions[i].call, conditions[i].cnt,
						conditions[i].args)) < 0)
			return r;
	/* its flags are in memory, where no filter sees them: pthread_create(3) takes clone(2) then */
	if ((r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0)) < 0)
		return r;
	return cache_fd < 0 ? 0 : cache_rules(ctx, cache_fd);
}

int sandbox_close(int cache_fd)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r;

	if (!ctx)
		return -ENOMEM;
	r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	/* a call by another table (x32, int 0x80): libseccomp would end the thread alone, and leave half a process */
	if (r == 0)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (r == 0)
		r = rules_add(ctx, cache_fd);
	if (r == 0)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r;
}
