/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * channel - messages of one struct each between our processes, over SOCK_SEQPACKET, with descriptors by
 * SCM_RIGHTS.  Every such struct begins with a struct channel_head; the two sides are of one build.
 */
#ifndef SIPSEAL_CHANNEL_H
#define SIPSEAL_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

#define CHANNEL_FD      3  /* our processes are started with their end there */
#define CHANNEL_FDS_MAX 8

struct channel_head {
	uint32_t version;        /* of the protocol */
	uint32_t type;
	uint32_t seq;            /* echoed by the answer */
	int32_t  error;          /* of an answer: 0 or negative errno */
};

/** channel_send() - @len bytes at @m, which begin with a struct channel_head.  Return: 0, or negative errno. */
int channel_send(int fd, const void *m, size_t len, const int *fds, unsigned fd_cnt);

/**
 * channel_recv() - a message of exactly @len bytes and @version.
 * @fds_max: room at @ret_fds; descriptors are received close-on-exec, surplus ones are closed
 * Return: 1; 0 at EOF; -EBADMSG of another size or version (@m is scratch, no descriptor is left open);
 * negative errno.
 */
int channel_recv(int fd, uint32_t version, void *m, size_t len, int *ret_fds, unsigned fds_max,
		 unsigned *ret_fd_cnt);

#endif
