/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"

int file_read_fd(int fd, size_t max, char **ret, size_t *ret_len)
{
	CLEANUP(freep) char *buf = NULL;
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return -EBADF;
	buf = malloc(max + 2);
	if (!buf)
		return -ENOMEM;
	while (len <= max && (n = read(fd, buf + len, max + 1 - len)) != 0) {
		if (n < 0 && errno != EINTR)
			return -errno;
		len += n > 0 ? (size_t)n : 0;
	}
	if (len > max)
		return -EFBIG;
	buf[len] = '\0';
	*ret = TAKE(buf);
	*ret_len = len;
	return 0;
}

int file_read(const char *path, size_t max, char **ret, size_t *ret_len)
{
	CLEANUP(closep) int fd = -1;

	if (strcmp(path, "-") == 0)
		return file_read_fd(STDIN_FILENO, max, ret, ret_len);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : file_read_fd(fd, max, ret, ret_len);
}
