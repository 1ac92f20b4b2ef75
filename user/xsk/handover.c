/* SPDX-License-Identifier: BSD-2-Clause */
#include "xsk/handover.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"

_Static_assert(offsetof(struct handover_msg, error) == offsetof(struct channel_head, error),
	       "begins like a channel_head");

int handover_send(int fd, const struct handover_msg *m, const int *fds, unsigned fd_cnt)
{
	return fd_cnt > HANDOVER_FDS_MAX ? -EINVAL : channel_send(fd, m, sizeof(*m), fds, fd_cnt);
}

int handover_recv(int fd, struct handover_msg *ret, int ret_fds[HANDOVER_FDS_MAX], unsigned *ret_fd_cnt)
{
	struct handover_msg m = { 0 };
	int fds[HANDOVER_FDS_MAX];
	unsigned cnt = 0;
	int r = channel_recv(fd, HANDOVER_VERSION, &m, sizeof(m), fds, HANDOVER_FDS_MAX, &cnt);

	if (r <= 0)
		return r;
	if (m.type < HANDOVER_HELLO || m.type > HANDOVER_CAPTURE) {
		while (cnt)
			close(fds[--cnt]);
		return -EBADMSG;
	}
	if (m.type == HANDOVER_RESULT)
		m.text[sizeof(m.text) - 1] = '\0';
	*ret = m;
	memcpy(ret_fds, fds, cnt * sizeof(int));
	*ret_fd_cnt = cnt;
	return 1;
}
