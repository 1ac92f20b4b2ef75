/* SPDX-License-Identifier: BSD-2-Clause */
#include "signer/sandbox.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

static int user_drop(uid_t uid, gid_t gid)
{
	if (geteuid() != 0 && getuid() != 0)
		return 0;
	if (uid == (uid_t)-1 || gid == (gid_t)-1)
		return -EPERM;
	if (uid == 0 || gid == 0)
		return -EINVAL;
	if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		return -errno;
	return 0;
}

/* Capabilities that an unprivileged user may still hold (ambient ones from a unit file). */
static int capabilities_drop(void)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[_LINUX_CAPABILITY_U32S_3] = { 0 };

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &h, d) < 0)
		return -errno;
	if (syscall(SYS_capget, &h, d) < 0)
		return -errno;
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		if (d[i].effective | d[i].permitted | d[i].inheritable)
			return -EACCES;
	return 0;
}

int sandbox_unprivileged(uid_t uid, gid_t gid)
{
	const struct rlimit none = { 0, 0 };
	int r;

	if ((r = user_drop(uid, gid)) < 0 || (r = capabilities_drop()) < 0)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	/* after the change of user, which resets it: no core, no ptrace, no /proc/<pid>/mem */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0)
		return -errno;
	return 0;
}

/* What is left, and what for. */
static const int allowed[] = {
	/* the data path */
	SCMP_SYS(poll), SCMP_SYS(ppoll),  /* wait for frames */
	SCMP_SYS(sendto),                 /* kick an AF_XDP socket; raw sockets */
	/* the daemon's socket, key files that it passes, log lines */
	SCMP_SYS(recvmsg), SCMP_SYS(sendmsg), SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(close),
	/* clocks, on machines where they are no vDSO calls */
	SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(time),
	/* OpenSSL: fork detection, reseeding of its DRBGs, locks */
	SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getrandom), SCMP_SYS(futex),
	/* malloc (mmap and mprotect: below) */
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
	/* end of a thread, of the process, of a signal handler; a call resumed after SIGSTOP/SIGCONT */
	SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(restart_syscall),
#ifdef __SANITIZE_ADDRESS__
	SCMP_SYS(sigaltstack), SCMP_SYS(sched_yield), /* test builds: the sanitizer's own */
#endif
};

static int rules_add(scmp_filter_ctx ctx)
{
	const struct scmp_arg_cmp not_exec = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	const struct scmp_arg_cmp is_xdp = SCMP_A1(SCMP_CMP_EQ, SOL_XDP);
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
		if ((r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0)) < 0)
			return r;
	/* malloc maps memory and makes it writable; nobody makes it executable */
	if ((r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, not_exec)) < 0 ||
	    (r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, not_exec)) < 0)
		return r;
	/* XDP_STATISTICS, once per second */
	return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(getsockopt), 1, is_xdp);
}

int sandbox_close(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r;

	if (!ctx)
		return -ENOMEM;
	r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	if (r == 0)
		r = rules_add(ctx);
	if (r == 0)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r;
}
