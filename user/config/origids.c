/* SPDX-License-Identifier: BSD-2-Clause */
#include "config/origids.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <uthash.h>

#include "config/input.h"

/* 100,000 trunks take 10 MB; lines of those that are gone stay. */
#define FILE_MAX (256u << 20)
#define UUID_LEN 36
#define NAME_OK "abcdefghijklmnopqrstuvwxyz0123456789._-"

struct entry {
	char name[TRUNK_NAME_MAX + 1];
	char uuid[UUID_LEN + 1];
	UT_hash_handle hh;
};

struct origids {
	char dir[PATH_MAX], path[PATH_MAX];
	struct entry *by_name;
	size_t size; /* of the file when it was read or written last */
	size_t good; /* bytes of it that are whole lines; the rest was cut off by a crash */
};

void origids_close(struct origids *o)
{
	struct entry *e, *next;

	if (!o)
		return;
	HASH_ITER(hh, o->by_name, e, next)
	{
		HASH_DELETE(hh, o->by_name, e);
		free(e);
	}
	free(o);
}

static bool uuid_is_valid(const char *s)
{
	for (size_t i = 0; i < UUID_LEN; i++) {
		bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (is_dash ? s[i] != '-' : !s[i] || !strchr("0123456789abcdef", s[i]))
			return false;
	}
	return !s[UUID_LEN];
}

/* A name twice: the last line counts.  Return: 0, -ENOMEM. */
static int put(struct origids *o, const char *name, const char *uuid)
{
	struct entry *e;

	HASH_FIND_STR(o->by_name, name, e);
	if (!e) {
		e = calloc(1, sizeof(*e));
		if (!e)
			return -ENOMEM;
		strcpy(e->name, name);
		HASH_ADD_STR(o->by_name, name, e);
	}
	strcpy(e->uuid, uuid);
	return 0;
}

/* @line without its newline; blank lines and comments are let through. */
static int line_parse(struct origids *o, char *line)
{
	char *uuid = strchr(line, ' ');

	if (!*line || *line == '#')
		return 0;
	if (!uuid)
		return -EBADMSG;
	*uuid++ = '\0';
	if (!*line || strlen(line) > TRUNK_NAME_MAX || strspn(line, NAME_OK) != strlen(line) ||
	    !uuid_is_valid(uuid))
		return -EBADMSG;
	return put(o, line, uuid);
}

/* Could a whole line have begun like this?  Some file systems fill what a crash cut off with NULs.
 */
static bool is_cut_off(const char *line, size_t len)
{
	const char *uuid;
	size_t name, i = 0;

	while (len && !line[len - 1])
		len--;
	if (!len || *line == '#')
		return true;
	name = strspn(line, NAME_OK);
	if (!name || name > TRUNK_NAME_MAX || (name < len && line[name] != ' '))
		return false;
	uuid = line + name + 1;
	while (name + 1 + i < len && i < UUID_LEN && strchr("0123456789abcdef-", uuid[i]) &&
	       uuid[i])
		i++;
	return name >= len || name + 1 + i == len;
}

static int refuse(const struct origids *o, unsigned no, int r, char *reterr)
{
	snprintf(reterr, ORIGIDS_ERR_LEN, "%.160s:%u: %s", o->path, no,
		 r == -EBADMSG ? "is not `NAME UUID`: mend or remove the line" : strerror(-r));
	return r;
}

/* The last line if it has no newline: taken if it is whole, left out if it is cut off. */
static int take_tail(struct origids *o, char *line, size_t len, unsigned no, char *reterr)
{
	bool is_cut = is_cut_off(line, len);
	int r = strlen(line) == len ? line_parse(o, line) : -EBADMSG;

	if (r == 0)
		o->good += len;
	return r == -EBADMSG && is_cut ? 0 : r < 0 ? refuse(o, no, r, reterr) : 0;
}

static int take_lines(struct origids *o, char *text, size_t len, char *reterr)
{
	char *line = text, *end = text + len, *newline;
	unsigned no = 1;
	int r;

	o->size = len;
	for (; (newline = memchr(line, '\n', (size_t)(end - line))); line = newline + 1, no++) {
		*newline = '\0';
		r = strlen(line) == (size_t)(newline - line) ? line_parse(o, line) : -EBADMSG;
		if (r < 0)
			return refuse(o, no, r, reterr);
		o->good = (size_t)(newline + 1 - text);
	}
	return line < end ? take_tail(o, line, (size_t)(end - line), no, reterr) : 0;
}

static int read_file(struct origids *o, char *reterr)
{
	CLEANUP(closep) int fd = open(o->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	CLEANUP(freep) char *text = NULL;
	size_t len = 0;
	int r = fd < 0 ? -errno : input_read_fd(fd, FILE_MAX, &text, &len);

	if (r == -ENOENT)
		return 0;
	if (r == 0)
		return take_lines(o, text, len, reterr);
	snprintf(reterr, ORIGIDS_ERR_LEN, "%.160s: cannot be read: %s", o->path, strerror(-r));
	return r;
}

static int path_of(const char *state_dir, const char *name, char *dst, char *reterr)
{
	if ((size_t)snprintf(dst, PATH_MAX, "%s/%s", state_dir, name) < PATH_MAX)
		return 0;
	snprintf(reterr, ORIGIDS_ERR_LEN, "state directory: path too long");
	return -ENAMETOOLONG;
}

int origids_open(const char *state_dir, struct origids **ret, char reterr[ORIGIDS_ERR_LEN])
{
	CLEANUP(origids_closep) struct origids *o = calloc(1, sizeof(*o));
	int r;

	if (!o) {
		snprintf(reterr, ORIGIDS_ERR_LEN, "out of memory");
		return -ENOMEM;
	}
	if ((r = path_of(state_dir, "origids", o->path, reterr)) < 0)
		return r;
	strcpy(o->dir, state_dir); /* shorter than the path */
	if ((r = read_file(o, reterr)) < 0)
		return r;
	*ret = TAKE(o);
	return 0;
}

/* Fill in what is known.  Return: trunks that nothing is known of, or -ENOMEM. */
static int apply(const struct origids *o, struct trunk *const *trunks, size_t cnt, char *reterr)
{
	int missing = 0;

	for (size_t i = 0; i < cnt; i++) {
		struct trunk *t = trunks[i];
		struct entry *e;

		if (t->origid_mode != ORIGID_TRUNK || t->origid)
			continue;
		HASH_FIND_STR(o->by_name, t->name, e);
		if (!e) {
			missing++;
			continue;
		}
		t->origid = strdup(e->uuid);
		if (!t->origid) {
			snprintf(reterr, ORIGIDS_ERR_LEN, "out of memory");
			return -ENOMEM;
		}
	}
	return missing;
}

/* Version 4, variant 1 (RFC 4122 s4.4). */
static int uuid_make(char dst[UUID_LEN + 1])
{
	unsigned char b[16];
	char *p = dst;

	if (getrandom(b, sizeof(b), 0) != sizeof(b))
		return -EIO;
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	for (size_t i = 0; i < sizeof(b); i++)
		p += sprintf(p, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", b[i]);
	return 0;
}

/* The lines of those that are missing.  Return: how many; -ENOMEM; -EIO. */
static int make_lines(const struct origids *o, struct trunk *const *trunks, size_t cnt, FILE *f)
{
	char uuid[UUID_LEN + 1];
	int made = 0, r;

	for (size_t i = 0; i < cnt; i++) {
		struct entry *e;

		if (trunks[i]->origid_mode != ORIGID_TRUNK || trunks[i]->origid)
			continue;
		HASH_FIND_STR(o->by_name, trunks[i]->name, e);
		if (e)
			continue;
		if ((r = uuid_make(uuid)) < 0)
			return r;
		fprintf(f, "%s %s\n", trunks[i]->name, uuid);
		made++;
	}
	return ferror(f) ? -ENOMEM : made;
}

/* Cuts off what a crash left, unless somebody has changed the file since; a lost newline is made
 * good. */
static int mend(const struct origids *o, int fd, off_t *ret_size, bool *ret_want_newline)
{
	struct stat st;
	char last = '\n';

	if (fstat(fd, &st) < 0)
		return -errno;
	if ((size_t)st.st_size == o->size && o->good < o->size) {
		if (ftruncate(fd, (off_t)o->good) < 0)
			return -errno;
		st.st_size = (off_t)o->good;
	}
	if (st.st_size && pread(fd, &last, 1, st.st_size - 1) != 1)
		return errno ? -errno : -EIO;
	*ret_size = st.st_size;
	*ret_want_newline = last != '\n';
	return 0;
}

#define COMMENT "# origid of each trunk: made once, kept for ever.  NAME UUID\n"

/* @lines in one write; none of it stays where not all of it could be written. */
static int append(struct origids *o, int fd, const char *lines)
{
	CLEANUP(freep) char *text = NULL;
	bool want_newline = false;
	off_t size = 0;
	ssize_t n;
	int r = mend(o, fd, &size, &want_newline), len;

	if (r < 0)
		return r;
	len = asprintf(&text, "%s%s%s", want_newline ? "\n" : "", size ? "" : COMMENT, lines);
	if (len < 0) {
		text = NULL;
		return -ENOMEM;
	}
	n = pwrite(fd, text, (size_t)len, size);
	if (n == len && fsync(fd) == 0) {
		o->size = o->good = (size_t)size + (size_t)len;
		return 0;
	}
	r = n >= 0 && n != len ? -ENOSPC : -errno;
	return ftruncate(fd, size) < 0 ? -errno : r;
}

static int store(struct origids *o, const char *lines)
{
	CLEANUP(closep) int dir = -1;
	CLEANUP(closep) int fd = -1;
	int r;

	if (mkdir(o->dir, 0755) < 0 && errno != EEXIST)
		return -errno;
	if ((dir = open(o->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return -errno;
	if ((fd = openat(dir, "origids", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644)) < 0)
		return -errno;
	if (fchmod(fd, 0644) < 0)
		return -errno;
	if ((r = append(o, fd, lines)) < 0)
		return r;
	return fsync(dir) < 0 ? -errno : 0;
}

/* What has been stored is known from now on. */
static int learn(struct origids *o, char *lines)
{
	char *line = lines, *next;
	int r = 0;

	for (; *line && r == 0; line = next) {
		next = strchr(line, '\n') + 1;
		next[-1] = '\0';
		r = line_parse(o, line);
	}
	return r;
}

static int make(struct origids *o, struct trunk *const *trunks, size_t cnt, char *reterr)
{
	CLEANUP(freep) char *lines = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&lines, &len);
	int made, r;

	made = f ? make_lines(o, trunks, cnt, f) : -ENOMEM;
	if (f && fclose(f) && made >= 0)
		made = -ENOMEM;
	if (made < 0) {
		snprintf(reterr, ORIGIDS_ERR_LEN, "cannot make a UUID: %s", strerror(-made));
		return made;
	}
	/* on disk before it is used: an origid that was sent must never be lost */
	r = store(o, lines);
	if (r < 0) {
		snprintf(reterr, ORIGIDS_ERR_LEN, "%.160s: cannot be written: %s (see --state-dir)",
			 o->path, strerror(-r));
		return r;
	}
	return learn(o, lines);
}

int origids_give(struct origids *o, struct trunk *const *trunks, size_t cnt,
		 char reterr[ORIGIDS_ERR_LEN])
{
	int r = apply(o, trunks, cnt, reterr);

	if (r <= 0)
		return r;
	if ((r = make(o, trunks, cnt, reterr)) < 0)
		return r;
	r = apply(o, trunks, cnt, reterr);
	return r < 0 ? r : 0;
}

int origids_fill(struct gateway *g, const char *state_dir, char reterr[ORIGIDS_ERR_LEN])
{
	CLEANUP(origids_closep) struct origids *o = NULL;
	int r = origids_open(state_dir, &o, reterr);

	return r < 0 ? r : apply(o, g->trunks, g->trunk_cnt, reterr);
}

int origids_make(struct gateway *g, const char *state_dir, char reterr[ORIGIDS_ERR_LEN])
{
	CLEANUP(origids_closep) struct origids *o = NULL;
	int r = origids_open(state_dir, &o, reterr), missing;

	if (r < 0)
		return r;
	missing = apply(o, g->trunks, g->trunk_cnt, reterr);
	if (missing <= 0)
		return missing;
	r = origids_give(o, g->trunks, g->trunk_cnt, reterr);
	return r < 0 ? r : missing;
}
