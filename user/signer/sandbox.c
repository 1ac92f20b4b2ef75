/* SPDX-License-Identifier: BSD-2-Clause */
#include "signer/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/cleanup.h"

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
	/* memory of a new fetcher, of captures: how long is it? (mmap and fcntl: below) */
	SCMP_SYS(lseek),
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
	const struct scmp_arg_cmp is_get_seals = SCMP_A1(SCMP_CMP_EQ, F_GET_SEALS);
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
		if ((r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0)) < 0)
			return r;
	/* malloc, new fetchers and captures map memory, malloc makes it writable; nobody makes it executable */
	if ((r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, not_exec)) < 0 ||
	    (r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, not_exec)) < 0)
		return r;
	/* can that memory shrink? */
	if ((r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, is_get_seals)) < 0)
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
	/* a call by another table (x32, int 0x80): libseccomp would end the thread alone, and leave half a process */
	if (r == 0)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (r == 0)
		r = rules_add(ctx);
	if (r == 0)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r;
}
