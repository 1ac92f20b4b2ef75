/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"

#define CERTIFICATES_MAX (1024 * 1024) /* of one file */

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

struct text {
	char *p;
	size_t len;
};

static void text_done(struct text *t)
{
	free(t->p);
}

struct names {
	struct dirent **e;
	int cnt;
};

static void names_done(struct names *n)
{
	while (n->cnt > 0)
		free(n->e[--n->cnt]);
	free(n->e);
}

/* Append the file to *t, with a line end between. */
static int text_append(struct text *t, const char *path, char *reterr, size_t cap)
{
	CLEANUP(freep) char *p = NULL;
	size_t len;
	char *all;
	int r = file_read(path, CERTIFICATES_MAX, &p, &len);

	if (r < 0) {
		snprintf(reterr, cap, "%s: %s", path, strerror(-r));
		return r;
	}
	all = realloc(t->p, t->len + len + 2);
	if (!all)
		return -ENOMEM;
	memcpy(all + t->len, p, len);
	t->p = all;
	t->len += len;
	t->p[t->len++] = '\n';
	t->p[t->len] = '\0';
	return 0;
}

static int is_certificate_name(const struct dirent *e)
{
	const char *dot = strrchr(e->d_name, '.');

	return e->d_name[0] != '.' && dot &&
	       (!strcmp(dot, ".pem") || !strcmp(dot, ".crt") || !strcmp(dot, ".cer"));
}

static int directory_append(struct text *t, const char *dir, char *reterr, size_t cap)
{
	CLEANUP(names_done) struct names n = { 0 };

	n.cnt = scandir(dir, &n.e, is_certificate_name, alphasort);
	if (n.cnt < 0) {
		int r = -errno;

		snprintf(reterr, cap, "%s: %s", dir, strerror(-r));
		return r;
	}
	if (n.cnt == 0) {
		snprintf(reterr, cap, "%s: has no files that end in .pem, .crt or .cer", dir);
		return -ENOENT;
	}
	for (int k = 0; k < n.cnt; k++) {
		CLEANUP(freep) char *path = NULL;
		int r;

		if (asprintf(&path, "%s/%s", dir, n.e[k]->d_name) < 0) {
			path = NULL;
			return -ENOMEM;
		}
		if ((r = text_append(t, path, reterr, cap)) < 0)
			return r;
	}
	return 0;
}

int files_certificates(const char *path, char **ret, size_t *ret_len, char *reterr, size_t cap)
{
	CLEANUP(text_done) struct text t = { 0 };
	struct stat st;
	int r;

	snprintf(reterr, cap, "out of memory");
	r = stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? directory_append(&t, path, reterr, cap) :
							  text_append(&t, path, reterr, cap);
	if (r < 0)
		return r;
	*ret = TAKE(t.p);
	*ret_len = t.len;
	return 0;
}
