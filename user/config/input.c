// SPDX-License-Identifier: BSD-2-Clause
#include "config/input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "config/node.h"

int input_read_fd(int fd, size_t max, char **ret, size_t *ret_len)
{
	CLEANUP(freep) char *buf = NULL;
	size_t len = 0, cap = 0;
	ssize_t n;

	do {
		if (len == cap) {
			char *more = realloc(buf, (cap = cap ? cap * 2 : 4096) + 1);

			if (!more)
				return -ENOMEM;
			buf = more;
		}
		n = read(fd, buf + len, cap - len);
		if (n < 0 && errno != EINTR)
			return -errno;
		len += n > 0 ? (size_t)n : 0;
		if (len > max)
			return -EFBIG;
	} while (n);
	buf[len] = '\0';
	*ret = TAKE(buf);
	*ret_len = len;
	return 0;
}

int input_open(int dir, const char *path, bool is_regular)
{
	CLEANUP(closep) int fd = -1;
	struct stat st;

	fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (is_regular ? O_NONBLOCK : 0));
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (is_regular && !S_ISREG(st.st_mode))
		return -EINVAL;
	return TAKE_FD(fd);
}

int input_read_at(int dir, const char *path, bool is_regular, char **ret, size_t *ret_len)
{
	CLEANUP(closep) int fd = input_open(dir, path, is_regular);

	return fd < 0 ? fd : input_read_fd(fd, NODE_FILE_MAX, ret, ret_len);
}

int input_read(const char *path, bool is_regular, char **ret, size_t *ret_len)
{
	return input_read_at(AT_FDCWD, path, is_regular, ret, ret_len);
}

const char *input_error(int r)
{
	if (r == -EFBIG)
		return "is larger than 16 MiB";
	if (r == -EINVAL)
		return "is no regular file";
	return strerror(-r);
}

char *input_join(const char *dir, const char *path)
{
	char *s;

	if (*path == '/')
		return strdup(path);
	return asprintf(&s, "%s/%s", dir, path) < 0 ? NULL : s;
}
