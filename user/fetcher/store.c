/* SPDX-License-Identifier: BSD-2-Clause */
#include "fetcher/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

/* Out of memory is an error of the one who asks, not the end of the process. */
#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(e) ((e)->is_lost = true)
#include <uthash.h>
#include <utlist.h>

#include "fetcher/store_format.h"

#define TEMP ".new" /* behind the name while it is written */
#define CURSOR_END UINT_MAX

struct file {
	UT_hash_handle hh;
	struct file *prev, *next; /* by age, the oldest first */
	char name[STORE_NAME_LEN + 1];
	unsigned seq; /* grows with age */
	uint64_t size;
	struct timespec at; /* of store_open() */
	bool is_lost;
};

struct store {
	int dir_fd;
	struct file *files, *oldest;
	unsigned last_seq;
	struct file *hint; /* where the last store_next() stopped; NULL: look for it */
	struct store_usage usage;
	char buf[STORE_FILE_MAX];
};

void store_item_done(struct store_item *i)
{
	free(i->body);
	i->body = NULL;
}

/* ---- one file ---- */

/* Return: length; -EBADMSG not a regular file, or larger than any of ours. */
static int file_read(int dir_fd, const char *name, char buf[STORE_FILE_MAX])
{
	CLEANUP(closep) int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	size_t len = 0;
	struct stat st;
	ssize_t n = 0;

	if (fd < 0)
		return errno == ELOOP ? -EBADMSG : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > STORE_FILE_MAX)
		return -EBADMSG;
	while (len < STORE_FILE_MAX && (n = read(fd, buf + len, STORE_FILE_MAX - len)) > 0)
		len += (size_t)n;
	return n < 0 ? -errno : (int)len;
}

/* The name is the URL's: one that was renamed is of no use. */
static int item_parse(struct slice file, const char *name, struct store_item *ret)
{
	char want[STORE_NAME_LEN + 1];
	struct store_record r;

	if (store_file_parse(file, &r) < 0)
		return -EBADMSG;
	store_file_name(r.x5u, want);
	if (strcmp(want, name) != 0)
		return -EBADMSG;
	ret->body = malloc(r.body.len);
	if (!ret->body)
		return -ENOMEM;
	memcpy(ret->body, r.body.p, r.body.len);
	ret->len = r.body.len;
	memset(ret->x5u, 0, sizeof(ret->x5u));
	memcpy(ret->x5u, r.x5u.p, r.x5u.len);
	ret->fetched_at = r.fetched_at;
	ret->keep_s = r.keep_s;
	return 0;
}

int store_read(int dir_fd, struct slice x5u, struct store_item *ret)
{
	CLEANUP(freep) char *buf = malloc(STORE_FILE_MAX);
	char name[STORE_NAME_LEN + 1];
	int len;

	if (!buf)
		return -ENOMEM;
	store_file_name(x5u, name);
	len = file_read(dir_fd, name, buf);
	return len < 0 ? len : item_parse(slice_of(buf, (size_t)len), name, ret);
}

/* ---- all ---- */

static void forget(struct store *s, struct file *f)
{
	if (s->hint == f)
		s->hint = NULL;
	s->usage.files--;
	s->usage.bytes -= f->size;
	HASH_DEL(s->files, f);
	DL_DELETE(s->oldest, f);
	free(f);
}

static void file_remove(struct store *s, struct file *f)
{
	unlinkat(s->dir_fd, f->name, 0);
	forget(s, f);
}

static void trim(struct store *s)
{
	while (s->usage.files > STORE_FILES_MAX || s->usage.bytes > STORE_BYTES_MAX)
		file_remove(s, s->oldest);
}

static struct file *find(const struct store *s, const char *name)
{
	struct file *f;

	HASH_FIND_STR(s->files, name, f);
	return f;
}

static struct file *add(struct store *s, const char *name, uint64_t size)
{
	struct file *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	memcpy(f->name, name, sizeof(f->name));
	f->size = size;
	HASH_ADD_STR(s->files, name, f);
	if (f->is_lost) {
		free(f);
		return NULL;
	}
	f->seq = ++s->last_seq;
	DL_APPEND(s->oldest, f);
	s->usage.files++;
	s->usage.bytes += size;
	return f;
}

static bool is_name(const char *name, const char *suffix)
{
	return strspn(name, "0123456789abcdef") == STORE_NAME_LEN && strcmp(name + STORE_NAME_LEN, suffix) == 0;
}

static int look_at(struct store *s, const char *name)
{
	struct stat st;
	struct file *f;

	if (is_name(name, TEMP)) {
		unlinkat(s->dir_fd, name, 0);
		return 0;
	}
	if (!is_name(name, "") || fstatat(s->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return 0;
	f = add(s, name, (uint64_t)st.st_size);
	if (!f)
		return -ENOMEM;
	f->at = st.st_mtim;
	return 0;
}

static int by_time(const struct file *a, const struct file *b)
{
	if (a->at.tv_sec != b->at.tv_sec)
		return a->at.tv_sec < b->at.tv_sec ? -1 : 1;
	return a->at.tv_nsec < b->at.tv_nsec ? -1 : a->at.tv_nsec > b->at.tv_nsec;
}

static void closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

static int scan(struct store *s)
{
	CLEANUP(closep) int fd = openat(s->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(closedirp) DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	struct file *f;
	int r = 0;

	if (!d)
		return -errno;
	fd = -1; /* the stream's */
	for (errno = 0; r == 0 && (e = readdir(d)); errno = 0)
		r = look_at(s, e->d_name);
	if (r < 0 || errno)
		return r < 0 ? r : -errno;
	DL_SORT(s->oldest, by_time);
	s->last_seq = 0;
	DL_FOREACH(s->oldest, f)
	f->seq = ++s->last_seq;
	return 0;
}

int store_open(int dir_fd, struct store **ret)
{
	CLEANUP(closep) int fd = dir_fd;
	CLEANUP(store_freep) struct store *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->dir_fd = TAKE_FD(fd);
	/* before there is something to write: a directory that is not ours is found out here */
	if (faccessat(s->dir_fd, ".", W_OK | X_OK, 0) < 0)
		return -errno;
	r = scan(s);
	if (r < 0)
		return r;
	trim(s);
	*ret = TAKE(s);
	return 0;
}

void store_free(struct store *s)
{
	struct file *f, *next;

	if (!s)
		return;
	HASH_ITER(hh, s->files, f, next)
	{
		HASH_DEL(s->files, f);
		free(f);
	}
	closep(&s->dir_fd);
	free(s);
}

/* Whole or not at all.  A file that is kept is never longer than what its writer wanted: O_TRUNC. */
static int file_write(const struct store *s, const char *temp, size_t len)
{
	CLEANUP(closep) int fd = openat(s->dir_fd, temp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	size_t at = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	for (; at < len; at += (size_t)n) {
		n = write(fd, s->buf + at, len - at);
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
	}
	/* a quota or a server may say only here that there is no room */
	return close(TAKE_FD(fd)) < 0 ? -errno : 0;
}

static int write_fail(struct store *s, int r)
{
	s->usage.errors++;
	return r;
}

int store_write(struct store *s, struct slice x5u, int64_t fetched_at, int64_t keep_s, const char *body, size_t len)
{
	struct store_record rec = {
		.x5u = x5u, .body = slice_of(body, len), .fetched_at = fetched_at, .keep_s = keep_s
	};
	char name[STORE_NAME_LEN + 1], temp[STORE_NAME_LEN + sizeof(TEMP)];
	struct file *old;
	int r = store_file_emit(&rec, s->buf), size = r;

	if (r < 0)
		return r;
	store_file_name(x5u, name);
	snprintf(temp, sizeof(temp), "%s" TEMP, name);
	old = find(s, name);
	r = file_write(s, temp, (size_t)size);
	if (r == 0 && renameat(s->dir_fd, temp, s->dir_fd, name) < 0)
		r = -errno;
	if (r < 0) {
		unlinkat(s->dir_fd, temp, 0);
		return write_fail(s, r);
	}
	if (old)
		forget(s, old);
	if (!add(s, name, (uint64_t)size)) { /* one that nobody counts may not stay */
		unlinkat(s->dir_fd, name, 0);
		return write_fail(s, -ENOMEM);
	}
	trim(s);
	return 0;
}

int store_drop(struct store *s, struct slice x5u)
{
	char name[STORE_NAME_LEN + 1];
	struct file *f;

	store_file_name(x5u, name);
	f = find(s, name);
	if (!f)
		return -ENOENT;
	file_remove(s, f);
	return 0;
}

void store_drop_all(struct store *s)
{
	while (s->oldest)
		file_remove(s, s->oldest);
}

bool store_has(const struct store *s, struct slice x5u)
{
	char name[STORE_NAME_LEN + 1];

	store_file_name(x5u, name);
	return find(s, name);
}

static int take(struct store *s, struct file *f, struct store_item *ret)
{
	int r = file_read(s->dir_fd, f->name, s->buf);

	if (r >= 0)
		r = item_parse(slice_of(s->buf, (size_t)r), f->name, ret);
	if (r == 0 || r == -ENOMEM)
		return r;
	s->usage.errors++;
	if (r == -EBADMSG)
		file_remove(s, f);
	else if (r == -ENOENT)
		forget(s, f);
	return r;
}

int store_get(struct store *s, struct slice x5u, struct store_item *ret)
{
	char name[STORE_NAME_LEN + 1];
	struct file *f;

	store_file_name(x5u, name);
	f = find(s, name);
	return f ? take(s, f, ret) : -ENOENT;
}

/* The newest file that is not newer than @seq. */
static struct file *at(const struct store *s, unsigned seq)
{
	struct file *f;

	if (!s->oldest || seq == CURSOR_END)
		return NULL;
	if (s->hint && s->hint->seq == seq)
		return s->hint;
	/* the head's prev is the tail */
	for (f = s->oldest->prev; seq && f->seq > seq; f = f->prev)
		if (f == s->oldest)
			return NULL;
	return f;
}

int store_next(struct store *s, unsigned *cursor, struct store_item *ret)
{
	struct file *f = at(s, *cursor), *older;
	unsigned seq;
	int r;

	if (!f) {
		*cursor = CURSOR_END;
		return 0;
	}
	older = f == s->oldest ? NULL : f->prev;
	seq = older ? older->seq : CURSOR_END;
	r = take(s, f, ret);
	if (r == -ENOMEM)
		return r;
	*cursor = seq;
	s->hint = older;
	return r == 0 ? 1 : r;
}

void store_usage(const struct store *s, struct store_usage *ret)
{
	*ret = s->usage;
}
