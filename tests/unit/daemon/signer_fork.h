/* SPDX-License-Identifier: BSD-2-Clause */
/* signer_fork - a signer of the test's own, at the other end of the daemon's socket.  After cmocka.h. */
#ifndef TESTS_SIGNER_FORK_H
#define TESTS_SIGNER_FORK_H

#include <sys/socket.h>
#include <unistd.h>

#include "daemon/daemon.h"

struct signer_view;

/* @child: does not return */
static inline void signer_fork(struct sipseald *d, void (*child)(int fd, struct signer_view *view), struct signer_view *view)
{
	int fds[2];
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(fds[0]);
		child(fds[1], view);
	}
	close(fds[1]);
	d->signer.fd = fds[0];
	d->signer.pid = pid;
}

#endif
