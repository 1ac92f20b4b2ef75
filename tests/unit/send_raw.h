/* SPDX-License-Identifier: BSD-2-Clause */
/* send_raw - a message on a UNIX socket as a hostile peer would send it.  After cmocka.h. */
#ifndef TESTS_SEND_RAW_H
#define TESTS_SEND_RAW_H

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SEND_RAW_FDS_MAX 64

/* @cnt: descriptors that go along. */
static inline void send_raw(int fd, const void *m, size_t len, unsigned cnt)
{
	union { char buf[CMSG_SPACE(SEND_RAW_FDS_MAX * sizeof(int))]; struct cmsghdr align; } c;
	struct iovec iov = { (void *)(uintptr_t)m, len };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };

	memset(&c, 0, sizeof(c));
	if (cnt) {
		h.msg_control = c.buf;
		h.msg_controllen = CMSG_SPACE(cnt * sizeof(int));
		CMSG_FIRSTHDR(&h)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&h)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&h)->cmsg_len = CMSG_LEN(cnt * sizeof(int));
		for (unsigned i = 0; i < cnt; i++)
			((int *)CMSG_DATA(CMSG_FIRSTHDR(&h)))[i] = STDERR_FILENO;
	}
	assert_int_equal(sendmsg(fd, &h, 0), len);
}

#endif
