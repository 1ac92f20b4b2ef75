// SPDX-License-Identifier: BSD-2-Clause
#include "config/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "config/text.h"
#include "trunk/model.h"

#define SUFFIX ".yaml"
#define TEMP_SUFFIX ".yaml.tmp"
#define MARK_LEN (sizeof(STORE_MARK) - 1)

static int __attribute__((format(printf, 3, 4))) fail(int r, char *reterr, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reterr, STORE_ERR_LEN, fmt, ap);
	va_end(ap);
	return r;
}

/* What the system said about a path. */
static int fail_errno(const char *path, const char *what, char *reterr)
{
	int r = errno ? -errno : -EIO;

	return fail(r, reterr, "%.400s: %s: %s", path, what, strerror(-r));
}

static int join(char dst[PATH_MAX], const char *dir, const char *lead, const char *name,
		const char *suffix)
{
	if (!*name || strlen(name) > TRUNK_NAME_MAX || text_trunk_name(name))
		return -EINVAL; /* never a path of somebody else's making */
	return (size_t)snprintf(dst, PATH_MAX, "%s/%s%s%s", dir, lead, name, suffix) < PATH_MAX
		       ? 0
		       : -ENAMETOOLONG;
}

int store_path(const char *dir, const char *name, char ret[PATH_MAX])
{
	char path[PATH_MAX];
	int r = join(path, dir, "", name, SUFFIX);

	if (r == 0)
		strcpy(ret, path);
	return r;
}

bool store_is_ours(const char *text, size_t len)
{
	return len >= MARK_LEN && memcmp(text, STORE_MARK, MARK_LEN) == 0;
}

/* O_NONBLOCK: opening a FIFO must not wait for its writer.  Return: 0; -ENOENT; -EEXIST: somebody
 * else's. */
static int check_ours(const char *path, char *reterr)
{
	CLEANUP(closep)
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	char head[MARK_LEN];
	struct stat st;
	ssize_t n;

	if (fd < 0 && errno == ENOENT)
		return fail(-ENOENT, reterr, "%.400s: is not there", path);
	if (fd < 0 && (errno == ELOOP || errno == ENXIO))
		return fail(-EEXIST, reterr, "%.400s: is no regular file: not made by sipseal",
			    path);
	if (fd < 0 || fstat(fd, &st) < 0)
		return fail_errno(path, "cannot be opened", reterr);
	if (!S_ISREG(st.st_mode))
		return fail(-EEXIST, reterr, "%.400s: is no regular file: not made by sipseal",
			    path);
	n = pread(fd, head, sizeof(head), 0);
	if (n < 0)
		return fail_errno(path, "cannot be read", reterr);
	if (!store_is_ours(head, (size_t)n))
		return fail(-EEXIST, reterr, "%.400s: is written by hand: change it there", path);
	return 0;
}

static int sync_dir(const char *dir, char *reterr)
{
	CLEANUP(closep) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? fail_errno(dir, "cannot be written to disk", reterr) : 0;
}

static int sync_dir_of(const char *path, char *reterr)
{
	char copy[PATH_MAX];

	strcpy(copy, path);
	return sync_dir(dirname(copy), reterr);
}

static int make_dir(const char *dir, char *reterr)
{
	if (mkdir(dir, 0750) == 0) /* its name must last as long as the files in it */
		return sync_dir_of(dir, reterr);
	return errno == EEXIST ? 0 : fail_errno(dir, "cannot be made", reterr);
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno != EINTR)
			return -1;
		text += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int write_temp(const char *path, const char *text, char *reterr)
{
	CLEANUP(closep) int fd = -1;

	if (unlink(path) < 0 && errno != ENOENT) /* of a crash */
		return fail_errno(path, "cannot be removed", reterr);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (fd < 0)
		return fail_errno(path, "cannot be made", reterr);
	if (fchmod(fd, 0640) < 0 || write_all(fd, STORE_MARK, MARK_LEN) < 0 ||
	    write_all(fd, text, strlen(text)) < 0 || fsync(fd) < 0) {
		int r = fail_errno(path, "cannot be written", reterr);

		unlink(path);
		return r;
	}
	return 0;
}

int store_prepare(const char *dir, const char *name, const json_t *trunk, struct store_file *ret,
		  char reterr[STORE_ERR_LEN])
{
	CLEANUP(freep) char *text = NULL;
	struct store_file f = { .is_open = true };
	int r = join(f.path, dir, "", name, SUFFIX);

	if (r == 0)
		r = join(f.temp, dir, ".", name, TEMP_SUFFIX);
	if (r < 0)
		return fail(r, reterr, "%.64s in %.400s: %s", name, dir, strerror(-r));
	text = store_emit(trunk);
	if (!text)
		return fail(-ENOMEM, reterr, "out of memory");
	if ((r = make_dir(dir, reterr)) < 0)
		return r;
	r = check_ours(f.path, reterr);
	if (r < 0 && r != -ENOENT)
		return r;
	if ((r = write_temp(f.temp, text, reterr)) < 0)
		return r;
	*ret = f;
	return 0;
}

int store_commit(struct store_file *f, char reterr[STORE_ERR_LEN])
{
	int r = check_ours(f->path, reterr); /* somebody may have written one by hand meanwhile */

	if (r < 0 && r != -ENOENT)
		return r;
	if (rename(f->temp, f->path) < 0)
		return fail_errno(f->path, "cannot be replaced", reterr);
	f->is_open = false;
	return sync_dir_of(f->path, reterr);
}

void store_abandon(struct store_file *f)
{
	if (f->is_open)
		unlink(f->temp);
	f->is_open = false;
}

int store_remove(const char *dir, const char *name, char reterr[STORE_ERR_LEN])
{
	char path[PATH_MAX];
	int r = join(path, dir, "", name, SUFFIX);

	if (r < 0)
		return fail(r, reterr, "%.64s in %.400s: %s", name, dir, strerror(-r));
	if ((r = check_ours(path, reterr)) < 0)
		return r;
	if (unlink(path) < 0)
		return fail_errno(path, "cannot be removed", reterr);
	return sync_dir(dir, reterr);
}

/* ".NAME.yaml.tmp" and nothing else: other dot files are not ours. */
static bool is_temp(const char *file)
{
	size_t len = strlen(file), tail = strlen(TEMP_SUFFIX);
	char name[TRUNK_NAME_MAX + 1];

	if (*file != '.' || len <= 1 + tail || len - 1 - tail > TRUNK_NAME_MAX ||
	    strcmp(file + len - tail, TEMP_SUFFIX) != 0)
		return false;
	snprintf(name, sizeof(name), "%.*s", (int)(len - 1 - tail), file + 1);
	return !text_trunk_name(name);
}

static void closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

int store_clean(const char *dir)
{
	CLEANUP(closedirp) DIR *d = opendir(dir);
	struct dirent *e;
	int cnt = 0;

	if (!d)
		return errno == ENOENT ? 0 : -errno;
	while ((e = readdir(d))) {
		struct stat st;

		if (!is_temp(e->d_name) ||
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		if (unlinkat(dirfd(d), e->d_name, 0) < 0)
			return -errno;
		cnt++;
	}
	return cnt && fsync(dirfd(d)) < 0 ? -errno : cnt;
}
