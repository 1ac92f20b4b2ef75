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

#define UUID_LEN 36
#define NAME_OK "abcdefghijklmnopqrstuvwxyz0123456789._-"

struct entry {
	char name[TRUNK_NAME_MAX + 1];
	char uuid[UUID_LEN + 1];
};

struct entries {
	struct entry *e;
	size_t cnt, cap;
};

static void entries_done(struct entries *l)
{
	free(l->e);
}

static int entry_cmp(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
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

static int entries_add(struct entries *l, const char *name, const char *uuid)
{
	if (l->cnt == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 64;
		struct entry *e = reallocarray(l->e, cap, sizeof(*e));

		if (!e)
			return -ENOMEM;
		l->e = e;
		l->cap = cap;
	}
	memset(&l->e[l->cnt], 0, sizeof(*l->e));
	strcpy(l->e[l->cnt].name, name);
	strcpy(l->e[l->cnt].uuid, uuid);
	l->cnt++;
	return 0;
}

/* @line without its newline; blank lines and comments are let through. */
static int line_parse(char *line, struct entries *l)
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
	return entries_add(l, line, uuid);
}

static int entries_read(const char *path, struct entries *l, char *reterr)
{
	CLEANUP(fclosep) FILE *f = fopen(path, "re");
	CLEANUP(freep) char *line = NULL;
	size_t cap = 0;
	ssize_t len;

	if (!f && errno == ENOENT)
		return 0;
	if (!f) {
		int r = -errno;

		snprintf(reterr, ORIGIDS_ERR_LEN, "%s: cannot be read: %s", path, strerror(-r));
		return r;
	}
	for (unsigned no = 1; (len = getline(&line, &cap, f)) >= 0; no++) {
		int r;

		if (len && line[len - 1] == '\n')
			line[--len] = '\0';
		r = strlen(line) == (size_t)len ? line_parse(line, l) : -EBADMSG;
		if (r < 0) {
			snprintf(reterr, ORIGIDS_ERR_LEN, "%s:%u: %s", path, no,
				 r == -EBADMSG ? "is not `NAME UUID`: mend or remove the line"
					       : strerror(-r));
			return r;
		}
	}
	if (ferror(f)) {
		snprintf(reterr, ORIGIDS_ERR_LEN, "%s: read error", path);
		return -EIO;
	}
	if (l->cnt) /* qsort() wants an array even for none */
		qsort(l->e, l->cnt, sizeof(*l->e), entry_cmp);
	return 0;
}

static int path_of(const char *state_dir, const char *name, char *dst, char *reterr)
{
	if ((size_t)snprintf(dst, PATH_MAX, "%s/%s", state_dir, name) < PATH_MAX)
		return 0;
	snprintf(reterr, ORIGIDS_ERR_LEN, "state directory: path too long");
	return -ENAMETOOLONG;
}

/* Fill in what the list has.  Return: trunks it has nothing for, or -ENOMEM. */
static int apply(struct gateway *g, const struct entries *l, char *reterr)
{
	int missing = 0;

	for (size_t i = 0; i < g->trunk_cnt; i++) {
		struct trunk *t = g->trunks[i];
		struct entry key = { 0 }, *e;
		char *uuid;

		if (t->origid_mode != ORIGID_TRUNK || t->origid)
			continue;
		memcpy(key.name, t->name, sizeof(key.name));
		e = l->cnt ? bsearch(&key, l->e, l->cnt, sizeof(key), entry_cmp) : NULL;
		if (!e) {
			missing++;
			continue;
		}
		uuid = strdup(e->uuid);
		if (!uuid) {
			snprintf(reterr, ORIGIDS_ERR_LEN, "out of memory");
			return -ENOMEM;
		}
		t->origid = uuid;
	}
	return missing;
}

int origids_fill(struct gateway *g, const char *state_dir, char reterr[ORIGIDS_ERR_LEN])
{
	CLEANUP(entries_done) struct entries l = { 0 };
	char path[PATH_MAX];
	int r;

	if ((r = path_of(state_dir, "origids", path, reterr)) < 0)
		return r;
	if ((r = entries_read(path, &l, reterr)) < 0)
		return r;
	return apply(g, &l, reterr);
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

static int make_missing(const struct gateway *g, struct entries *l)
{
	for (size_t i = 0; i < g->trunk_cnt; i++) {
		char uuid[UUID_LEN + 1];
		int r;

		if (g->trunks[i]->origid_mode != ORIGID_TRUNK || g->trunks[i]->origid)
			continue;
		if ((r = uuid_make(uuid)) < 0 || (r = entries_add(l, g->trunks[i]->name, uuid)) < 0)
			return r;
	}
	qsort(l->e, l->cnt, sizeof(*l->e), entry_cmp);
	return 0;
}

static int entries_write(const char *tmp, const struct entries *l)
{
	CLEANUP(fclosep) FILE *f = fopen(tmp, "we");

	if (!f)
		return -errno;
	fputs("# origid of each trunk: made once, kept for ever.  NAME UUID\n", f);
	for (size_t i = 0; i < l->cnt; i++)
		fprintf(f, "%s %s\n", l->e[i].name, l->e[i].uuid);
	if (fflush(f) || ferror(f) || fchmod(fileno(f), 0644) || fsync(fileno(f)))
		return errno ? -errno : -EIO;
	return 0;
}

static int entries_store(const char *state_dir, const struct entries *l, char *reterr)
{
	CLEANUP(closep) int dir = -1;
	char path[PATH_MAX], tmp[PATH_MAX];
	int r;

	if ((r = path_of(state_dir, "origids", path, reterr)) < 0 ||
	    (r = path_of(state_dir, "origids.tmp", tmp, reterr)) < 0)
		return r;
	if (mkdir(state_dir, 0755) && errno != EEXIST)
		r = -errno;
	if (!r && (dir = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		r = -errno;
	if (!r)
		r = entries_write(tmp, l);
	if (!r && rename(tmp, path))
		r = -errno;
	if (!r && fsync(dir))
		r = -errno;
	if (r < 0) {
		if (dir >= 0)
			unlink(tmp);
		snprintf(reterr, ORIGIDS_ERR_LEN, "%.160s: cannot be written: %s (see --state-dir)",
			 path, strerror(-r));
	}
	return r;
}

int origids_make(struct gateway *g, const char *state_dir, char reterr[ORIGIDS_ERR_LEN])
{
	CLEANUP(entries_done) struct entries l = { 0 };
	char path[PATH_MAX];
	int r, missing;

	if ((r = path_of(state_dir, "origids", path, reterr)) < 0 ||
	    (r = entries_read(path, &l, reterr)) < 0)
		return r;
	if ((missing = apply(g, &l, reterr)) <= 0)
		return missing;
	if ((r = make_missing(g, &l)) < 0) {
		snprintf(reterr, ORIGIDS_ERR_LEN, "cannot make a UUID: %s", strerror(-r));
		return r;
	}
	/* on disk before it is used: an origid that was sent must never be lost */
	if ((r = entries_store(state_dir, &l, reterr)) < 0 || (r = apply(g, &l, reterr)) < 0)
		return r;
	return missing;
}
