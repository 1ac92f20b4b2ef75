/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * crash - run a function in a child that is killed before its n-th system call that touches files.
 *
 * A seccomp filter hands those calls to the parent, which lets them go on or kills the child: the code
 * under test needs no hooks.
 */
#ifndef SIPSEAL_TEST_CRASH_H
#define SIPSEAL_TEST_CRASH_H

#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/cleanup.h"

#define CRASH_CALLS_MAX 64

struct crash {
	bool is_over;      /* the child came to its end before it could be killed */
	int status;        /* of the child then: its exit code */
	int calls[CRASH_CALLS_MAX]; /* those that were let through, in order */
	unsigned call_cnt;
};

#define CRASH_IF(nr) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (nr), 0, 1), \
		     BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF)

/* Return: the descriptor of the filter, or -1. */
static inline int crash_filter(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		CRASH_IF(SYS_openat), CRASH_IF(SYS_write), CRASH_IF(SYS_writev), CRASH_IF(SYS_pwrite64),
		CRASH_IF(SYS_fsync), CRASH_IF(SYS_fdatasync), CRASH_IF(SYS_renameat), CRASH_IF(SYS_renameat2),
		CRASH_IF(SYS_unlinkat), CRASH_IF(SYS_mkdirat), CRASH_IF(SYS_fchmod), CRASH_IF(SYS_ftruncate),
		CRASH_IF(SYS_linkat), CRASH_IF(SYS_close),
#ifdef SYS_rename
		CRASH_IF(SYS_open), CRASH_IF(SYS_rename), CRASH_IF(SYS_unlink), CRASH_IF(SYS_mkdir),
		CRASH_IF(SYS_creat), CRASH_IF(SYS_link), CRASH_IF(SYS_truncate),
#endif
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { .len = ARRAY_SIZE(code), .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &prog);
}

static inline bool crash_pass_fd(int sock, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return sendmsg(sock, &msg, 0) == 1;
}

static inline int crash_take_fd(int sock)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	int fd = -1;

	if (recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) == 1 && CMSG_FIRSTHDR(&msg))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

/* Lets @n - 1 calls through.  Return: false: the child has ended. */
static inline bool crash_watch(struct crash *c, int listener, unsigned n)
{
	while (c->call_cnt < n) {
		struct pollfd p = { listener, POLLIN, 0 };
		struct seccomp_notif req = { 0 };
		struct seccomp_notif_resp resp = { .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };

		if (poll(&p, 1, 10000) != 1)
			fail_msg("the child hangs");
		if (!(p.revents & POLLIN) || ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &req) < 0)
			return false;
		if (c->call_cnt + 1 == n)
			return true;
		assert_true(c->call_cnt < CRASH_CALLS_MAX);
		c->calls[c->call_cnt++] = req.data.nr;
		resp.id = req.id;
		assert_int_equal(ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &resp), 0);
	}
	return true;
}

/* fn(ctx) up to its @n-th call, which is not done.  Return: false: this kernel does not let us. */
static inline bool crash_run(int (*fn)(void *ctx), void *ctx, unsigned n, struct crash *ret)
{
	int pair[2], listener;
	bool is_caught;
	pid_t pid;

	memset(ret, 0, sizeof(*ret));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int fd = crash_filter();

		if (fd < 0 || !crash_pass_fd(pair[1], fd))
			_exit(77);
		_exit(-fn(ctx));
	}
	close(pair[1]);
	listener = crash_take_fd(pair[0]);
	close(pair[0]);
	is_caught = listener >= 0 && crash_watch(ret, listener, n);
	if (is_caught)
		kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &ret->status, 0), pid);
	if (listener >= 0)
		close(listener);
	ret->is_over = !is_caught;
	ret->status = WIFEXITED(ret->status) ? WEXITSTATUS(ret->status) : -1;
	return listener >= 0;
}

#endif
