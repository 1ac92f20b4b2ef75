// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "config/assemble.h"

/* A key that others can read is not a secret: root's or our own, and nobody else's. */
static int check_key(const struct stat *st)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return -EPERM;
	return st->st_mode & (S_IRWXG | S_IRWXO) ? -EPERM : 0;
}

static int open_below(const char *root, const char *path, unsigned flags)
{
	/* O_NONBLOCK: opening a FIFO must not wait for its writer */
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | flags,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	CLEANUP(closep) int dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd;

	if (dir < 0)
		return -errno;
	do /* EAGAIN: a rename elsewhere raced with the walk (openat2(2)) */
		fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
	while (fd < 0 && errno == EAGAIN);
	return fd < 0 ? -errno : fd;
}

int confined_opendir(const char *root, const char *path)
{
	return open_below(root, path, O_DIRECTORY);
}

int confined_open(const char *root, const char *path, bool is_key)
{
	CLEANUP(closep) int fd = open_below(root, path, 0);
	struct stat st;
	int r;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (is_key && (r = check_key(&st)) < 0)
		return r;
	return TAKE_FD(fd);
}
