/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Room for more descriptors than we take: what does not fit is cut by the kernel, what fits beyond
 * that is closed here.  Either way none is left open. */
#define CONTROL_FDS 16

union control {
	char buf[CMSG_SPACE(CONTROL_FDS * sizeof(int))];
	struct cmsghdr align;
};

int channel_send(int fd, const void *m, size_t len, const int *fds, unsigned fd_cnt)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)m, .iov_len = len };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	union control c;
	ssize_t n;

	if (fd_cnt > CHANNEL_FDS_MAX)
		return -EINVAL;
	if (fd_cnt) {
		memset(&c, 0, sizeof(c));
		h.msg_control = c.buf;
		h.msg_controllen = CMSG_SPACE(fd_cnt * sizeof(int));
		CMSG_FIRSTHDR(&h)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&h)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&h)->cmsg_len = CMSG_LEN(fd_cnt * sizeof(int));
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&h)), fds, fd_cnt * sizeof(int));
	}
	do {
		n = sendmsg(fd, &h, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n == (ssize_t)len ? 0 : -EMSGSIZE;
}

/* Descriptors of one control message; surplus ones are closed. */
static void take_fds(const struct cmsghdr *cm, int *fds, unsigned max, unsigned *cnt)
{
	size_t n = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	for (size_t i = 0; i < n; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(cm) + i * sizeof(int), sizeof(int));
		if (*cnt < max)
			fds[(*cnt)++] = fd;
		else
			close(fd);
	}
}

int channel_recv(int fd, uint32_t version, void *m, size_t len, int *ret_fds, unsigned fds_max,
		 unsigned *ret_fd_cnt)
{
	struct iovec iov = { .iov_base = m, .iov_len = len };
	union control c;
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = c.buf,
			    .msg_controllen = sizeof(c.buf) };
	struct channel_head head;
	unsigned cnt = 0;
	ssize_t n;

	do {
		n = recvmsg(fd, &h, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? 0 : -errno;
	for (struct cmsghdr *cm = CMSG_FIRSTHDR(&h); cm; cm = CMSG_NXTHDR(&h, cm))
		if (cm->cmsg_level == SOL_SOCKET && cm->cmsg_type == SCM_RIGHTS)
			take_fds(cm, ret_fds, fds_max, &cnt);
	if (n == 0 && cnt == 0)
		return 0;
	memcpy(&head, m, n < (ssize_t)sizeof(head) ? (size_t)n : sizeof(head));
	if (n != (ssize_t)len || (h.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) || head.version != version) {
		while (cnt)
			close(ret_fds[--cnt]);
		return -EBADMSG;
	}
	*ret_fd_cnt = cnt;
	return 1;
}
