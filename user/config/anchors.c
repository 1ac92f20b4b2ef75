// SPDX-License-Identifier: BSD-2-Clause
#include "config/anchors.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/assemble.h"
#include "config/credentials.h"
#include "config/input.h"

/* Of a directory: the approved authorities of a country are some twenty. */
#define ANCHORS_FILES_MAX 4096
#define BEGIN "-----BEGIN CERTIFICATE-----"

struct pem {
	char *text;
	size_t len;
};

static void pem_done(struct pem *p)
{
	free(p->text);
}

static const char *words(int r)
{
	switch (r) {
	case -E2BIG: return "is too large, allowed: 4 MiB and 4096 files";
	case -EBADMSG: return "holds NUL bytes: it is no PEM text (DER?)";
	default: return credentials_open_error(r);
	}
}

static int fail(int r, const char *root, const char *path, char reterr[ANCHORS_ERR_LEN])
{
	snprintf(reterr, ANCHORS_ERR_LEN, "%.100s (in %.80s): %s", path, root, words(r));
	return r;
}

/* Appends a file, and a newline so that the next one starts a line.  Return: 0, or as anchors_read(). */
static int append(struct pem *p, int fd)
{
	CLEANUP(freep) char *text = NULL;
	size_t len = 0;
	char *more;
	int r = input_read_fd(fd, ANCHORS_LEN_MAX, &text, &len);

	if (r == -EFBIG || (r == 0 && len + 1 > ANCHORS_LEN_MAX - p->len))
		return -E2BIG;
	if (r < 0)
		return r;
	if (memchr(text, '\0', len))
		return -EBADMSG;
	more = realloc(p->text, p->len + len + 2);
	if (!more)
		return -ENOMEM;
	p->text = more;
	memcpy(more + p->len, text, len);
	memcpy(more + p->len + len, "\n", 2);
	p->len += len + 1;
	return 0;
}

static int append_path(struct pem *p, const char *root, const char *path)
{
	CLEANUP(closep) int fd = confined_open(root, path, false);

	return fd < 0 ? fd : append(p, fd);
}

static int is_anchor_file(const struct dirent *d)
{
	const char *dot = strrchr(d->d_name, '.');

	return *d->d_name != '.' && dot &&
	       (strcmp(dot, ".pem") == 0 || strcmp(dot, ".crt") == 0 || strcmp(dot, ".cer") == 0);
}

/* The same order wherever the directory lies. */
static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* The files of a directory are opened by their whole path below @root: a link among them leads nowhere else. */
static int append_dir(struct pem *p, const char *root, const char *path, char reterr[ANCHORS_ERR_LEN])
{
	CLEANUP(closep) int fd = confined_opendir(root, path);
	struct dirent **names = NULL;
	int cnt, r = 0;

	if (fd < 0)
		return fail(fd, root, path, reterr);
	cnt = scandirat(fd, ".", &names, is_anchor_file, by_bytes);
	if (cnt < 0)
		return fail(-errno, root, path, reterr);
	if (cnt > ANCHORS_FILES_MAX)
		r = fail(-E2BIG, root, path, reterr);
	for (int i = 0; i < cnt; i++) {
		CLEANUP(freep) char *file = r == 0 ? input_join(path, names[i]->d_name) : NULL;
		int e = r < 0 ? r : file ? append_path(p, root, file) : -ENOMEM;

		if (r == 0 && e < 0)
			r = fail(e, root, file ? file : path, reterr);
		free(names[i]);
	}
	free(names);
	return r;
}

static unsigned count(const char *text)
{
	unsigned cnt = 0;

	for (const char *s = text; (s = strstr(s, BEGIN)); s += strlen(BEGIN))
		cnt++;
	return cnt;
}

int anchors_read(const char *root, const char *path, char **ret_pem, size_t *ret_len, unsigned *ret_cnt,
		 char reterr[ANCHORS_ERR_LEN])
{
	CLEANUP(pem_done) struct pem p = { NULL, 0 };
	unsigned cnt;
	int r = append_path(&p, root, path);

	if (r == -EISDIR)
		r = append_dir(&p, root, path, reterr);
	else if (r < 0)
		fail(r, root, path, reterr);
	if (r < 0)
		return r;
	cnt = p.text ? count(p.text) : 0;
	if (!cnt) {
		snprintf(reterr, ANCHORS_ERR_LEN, "%.100s (in %.80s): holds no certificate", path, root);
		return -ENOENT;
	}
	*ret_len = p.len;
	*ret_cnt = cnt;
	*ret_pem = TAKE(p.text);
	return 0;
}
