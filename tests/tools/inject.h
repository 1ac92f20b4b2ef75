/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inject - let another process make a system call, by ptrace(2), and see what becomes of it; and ask the filter that it
 * runs under which calls it knows.  x86-64.
 *
 * The call is made by the process itself, so it meets the filter, the credentials and the limits that its own code would
 * meet.  We need CAP_SYS_PTRACE (the process is not dumpable); the one that is traced gains nothing by that.
 */
#ifndef SIPSEAL_INJECT_H
#define SIPSEAL_INJECT_H

#include <elf.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

/* Arguments in this range are taken as offsets in a page of the process's own stack, which inject() fills. */
#define SCRATCH     0x5c0000000000l
#define SCRATCH_LEN 1024l
#define AT(x)       (SCRATCH + (x))

#define INJECT_KILLED 4096 /* beside results and negative errno: the process died by SIGSYS */
#define INJECT_LOST   4097 /* it could not be tried */

/* For a process that works: two seconds. */
#define INJECT_TRIES 200
#define INJECT_PAUSE_US 10000

struct injection {
	long nr;
	long args[6];
	bool is_int80;            /* by the 32-bit entry; nr is one of that table */
	const void *scratch;      /* [SCRATCH_LEN] */
};

static inline bool inject_stop(pid_t tid, int *status)
{
	return waitpid(tid, status, __WALL) == tid && WIFSTOPPED(*status);
}

/* Is this what a system call answers that was interrupted while it waited?  One that has done its work is not made
 * again. */
static inline bool inject_is_waiting(const struct user_regs_struct *r)
{
	static const long answers[] = { -EINTR, -512 /* ERESTARTSYS */, -513, -514, -516 /* ERESTART_RESTARTBLOCK */ };

	for (unsigned i = 0; i < sizeof(answers) / sizeof(*answers); i++)
		if ((long)r->rax == answers[i])
			return true;
	return false;
}

/* Return: 1 stopped in a system call, so that the two bytes before rip are its instruction; 0 stopped elsewhere (*ret_signo:
 * by this signal); -1 lost. */
static inline int inject_seize_once(pid_t tid, struct user_regs_struct *ret, int *ret_signo)
{
	int status;

	if (ptrace(PTRACE_SEIZE, tid, 0, PTRACE_O_TRACESYSGOOD) < 0 || ptrace(PTRACE_INTERRUPT, tid, 0, 0) < 0 ||
	    !inject_stop(tid, &status) || ptrace(PTRACE_GETREGS, tid, 0, ret) < 0)
		return -1;
	*ret_signo = status >> 16 == PTRACE_EVENT_STOP ? 0 : WSTOPSIG(status);
	errno = 0;
	return !*ret_signo && inject_is_waiting(ret) &&
	       (ptrace(PTRACE_PEEKTEXT, tid, ret->rip - 2, 0) & 0xffff) == 0x050f && !errno;
}

/* A system call is where it waits; one that has something to do just now is let go, and tried again. */
static inline bool inject_seize(pid_t tid, struct user_regs_struct *ret)
{
	int r = 0, signo;

	for (int i = 0; i < INJECT_TRIES && r == 0; i++) {
		r = inject_seize_once(tid, ret, &signo);
		if (r == 0 && ptrace(PTRACE_DETACH, tid, 0, signo) < 0)
			return false;
		if (r == 0)
			usleep(INJECT_PAUSE_US);
	}
	return r > 0;
}

static inline bool inject_poke(pid_t tid, unsigned long at, const void *data, size_t len)
{
	for (size_t i = 0; i < len; i += sizeof(long)) {
		long word;

		memcpy(&word, (const char *)data + i, sizeof(word));
		if (ptrace(PTRACE_POKEDATA, tid, at + i, word) < 0)
			return false;
	}
	return true;
}

static inline bool inject_entry(pid_t tid, unsigned long at, bool is_int80)
{
	long word = ptrace(PTRACE_PEEKTEXT, tid, at, 0);

	return ptrace(PTRACE_POKETEXT, tid, at, (word & ~0xffffl) | (is_int80 ? 0x80cd : 0x050f)) == 0;
}

/* The registers of the call, and those to go on with. */
static inline struct user_regs_struct inject_regs(const struct injection *c, struct user_regs_struct *saved,
						  unsigned long page)
{
	struct user_regs_struct r = *saved;
	unsigned long long a[6];

	for (int i = 0; i < 6; i++)
		a[i] = c->args[i] >= SCRATCH && c->args[i] < SCRATCH + SCRATCH_LEN ?
			       page + (unsigned long)(c->args[i] - SCRATCH) : (unsigned long)c->args[i];
	r.rip = saved->rip - 2;
	r.orig_rax = (unsigned long long)-1;
	r.rax = (unsigned long long)c->nr;
	r.rdi = a[0], r.rsi = a[1], r.rdx = a[2], r.r10 = a[3], r.r8 = a[4], r.r9 = a[5];
	if (c->is_int80)
		r.rbx = a[0], r.rcx = a[1], r.rdx = a[2], r.rsi = a[3], r.rdi = a[4], r.rbp = a[5];
	/* again, whatever it answered: it waits for something that is still to come */
	saved->rip -= 2;
	saved->rax = saved->rax == (unsigned long long)-516 /* ERESTART_RESTARTBLOCK */ ? SYS_restart_syscall : saved->orig_rax;
	saved->orig_rax = (unsigned long long)-1;
	return r;
}

/* Up to the next system call stop.  A SIGSTOP or the like on the way is not passed on. */
static inline long inject_next(pid_t tid)
{
	int status;

	for (int i = 0; i < 8; i++) {
		if (ptrace(PTRACE_SYSCALL, tid, 0, 0) < 0 || waitpid(tid, &status, __WALL) != tid)
			return INJECT_LOST;
		if (WIFSIGNALED(status))
			return WTERMSIG(status) == SIGSYS ? INJECT_KILLED : INJECT_LOST;
		if (!WIFSTOPPED(status))
			return INJECT_LOST;
		if (WSTOPSIG(status) == (SIGTRAP | 0x80))
			return 0;
	}
	return INJECT_LOST;
}

/* The call, and then the one that it interrupted: a process that the filter kills still shows the end of its call. */
static inline long inject_run(pid_t tid, const struct user_regs_struct *after)
{
	struct user_regs_struct r;
	long end;

	if ((end = inject_next(tid)) || (end = inject_next(tid)))
		return end;
	if (ptrace(PTRACE_GETREGS, tid, 0, &r) < 0 || !inject_entry(tid, after->rip, false) ||
	    ptrace(PTRACE_SETREGS, tid, 0, after) < 0)
		return INJECT_LOST;
	return (end = inject_next(tid)) ? end : (long)r.rax;
}

/**
 * inject() - thread @tid makes the call, then goes on where it was.
 * Return: what the call returned; INJECT_KILLED: by the filter, the process is gone; INJECT_LOST.
 */
static inline long inject(pid_t tid, const struct injection *c)
{
	struct user_regs_struct saved, r;
	unsigned long page;
	long result;

	if (!inject_seize(tid, &saved))
		return INJECT_LOST;
	page = (saved.rsp - 16384) & ~4095ul;
	r = inject_regs(c, &saved, page);
	if (!inject_poke(tid, page, c->scratch, SCRATCH_LEN) || !inject_entry(tid, r.rip, c->is_int80) ||
	    ptrace(PTRACE_SETREGS, tid, 0, &r) < 0)
		return INJECT_LOST;
	result = inject_run(tid, &saved);
	if (result != INJECT_KILLED && result != INJECT_LOST && ptrace(PTRACE_DETACH, tid, 0, 0) < 0)
		return INJECT_LOST;
	return result;
}

/* ---- the filter --------------------------------------------------------------------------------------- */

enum filter_says { FILTER_NEVER, FILTER_CONDITION, FILTER_ALWAYS };

#define FILTER_MAX 4096

struct filter {
	struct sock_filter insn[FILTER_MAX];
	int len;
};

/* Return: instructions; negative errno. */
static inline int filter_get(pid_t pid, struct filter *f)
{
	struct user_regs_struct r;
	int n;

	f->len = 0;
	if (!inject_seize(pid, &r))
		return -ESRCH;
	n = (int)ptrace(PTRACE_SECCOMP_GET_FILTER, pid, 0, NULL);
	if (n > 0 && n <= FILTER_MAX)
		n = (int)ptrace(PTRACE_SECCOMP_GET_FILTER, pid, 0, f->insn);
	else if (n < 0)
		n = -errno;
	ptrace(PTRACE_DETACH, pid, 0, 0);
	f->len = n > 0 ? n : 0;
	return n;
}

/* What the accumulator holds, as far as the number of the call and the architecture decide it. */
struct filter_walk {
	const struct filter *f;
	uint32_t nr;
	bool can_allow, can_refuse;
};

static inline void filter_walk(struct filter_walk *w, int pc, uint32_t a, bool is_known)
{
	for (; pc < w->f->len; pc++) {
		const struct sock_filter *i = &w->f->insn[pc];
		bool is_true;

		switch (BPF_CLASS(i->code)) {
		case BPF_LD:
			is_known = i->k == offsetof(struct seccomp_data, nr) || i->k == offsetof(struct seccomp_data, arch);
			a = i->k == offsetof(struct seccomp_data, nr) ? w->nr : AUDIT_ARCH_X86_64;
			break;
		case BPF_ALU:
			is_known = false; /* arguments are masked, nothing else */
			break;
		case BPF_RET:
			if (i->k == SECCOMP_RET_ALLOW)
				w->can_allow = true;
			else
				w->can_refuse = true;
			return;
		case BPF_JMP:
			if (BPF_OP(i->code) == BPF_JA) {
				pc += (int)i->k;
				break;
			}
			is_true = BPF_OP(i->code) == BPF_JEQ ? a == i->k : BPF_OP(i->code) == BPF_JGT ? a > i->k :
				  BPF_OP(i->code) == BPF_JGE ? a >= i->k : (a & i->k) != 0;
			if (!is_known) { /* both ways */
				filter_walk(w, pc + 1 + i->jt, a, false);
				is_true = false;
			}
			pc += is_true ? i->jt : i->jf;
			break;
		default:
			break;
		}
	}
}

static inline enum filter_says filter_ask(const struct filter *f, uint32_t nr)
{
	struct filter_walk w = { .f = f, .nr = nr };

	filter_walk(&w, 0, 0, false);
	return !w.can_allow ? FILTER_NEVER : w.can_refuse ? FILTER_CONDITION : FILTER_ALWAYS;
}

#endif
