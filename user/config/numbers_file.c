// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "config/assemble.h"
#include "config/credentials.h"
#include "config/digest.h"
#include "config/input.h"
#include "config/keys.h"

/* Two million ranges: what a gateway holds is half of it. */
#define FILE_MAX (64u << 20)

/* One number per line; blank lines and what follows a # are skipped. */
static void read_line(struct load *l, struct trunk *t, const struct model_pos *at, char *line)
{
	struct model_pos pos = *at;
	char *start = line + strspn(line, " \t"), *end;

	start[strcspn(start, "#")] = '\0';
	end = start + strlen(start);
	while (end > start && strchr(" \t\r", end[-1])) /* \r: of DOS; inside a line it is an error */
		*--end = '\0';
	pos.col = (unsigned)(start - line) + 1;
	if (*start) /* not quoted: whoever names a file need not be allowed to read it */
		keys_add_number(l, t, &pos, start, false);
}

static void read_lines(struct load *l, struct trunk *t, const char *name, char *text, size_t len)
{
	struct model_pos pos = { name, 0, 1 };
	char *line = text, *end;

	if (memchr(text, '\0', len)) {
		config_report_add(l->report, true, &pos, l->path,
				  "holds NUL bytes, allowed: one number per line");
		return;
	}
	for (; line; line = end) {
		end = strchr(line, '\n');
		if (end)
			*end++ = '\0';
		pos.line++;
		read_line(l, t, &pos, line);
	}
}

/* What came over the control socket stays where certificates do; who writes files by hand is root.
 */
static int read_file(const struct load *l, const char *path, char **ret, size_t *ret_len)
{
	CLEANUP(closep) int fd = -1;

	fd = l->is_confined ? confined_open(l->g->cert_root, path, false)
			    : input_open(AT_FDCWD, path, true);
	return fd < 0 ? fd : input_read_fd(fd, FILE_MAX, ret, ret_len);
}

static const char *read_error(const struct load *l, int r)
{
	if (r == -EFBIG)
		return "is larger than 64 MiB";
	return l->is_confined ? credentials_open_error(r) : input_error(r);
}

void keys_read_numbers(struct load *l, const struct schema_key *k, const struct node *n,
		       void *target)
{
	CLEANUP(freep) char *path = NULL;
	CLEANUP(freep) char *text = NULL;
	const char *s = schema_text(l, n, k->allowed);
	struct trunk *t = target;
	size_t len = 0;
	int r;

	if (!s || !*s) /* "": none */
		return;
	path = input_join(l->is_confined ? l->g->cert_root : l->dir, s);
	if (!path) {
		l->is_out_of_memory = true;
		return;
	}
	t->has_numbers = true;
	load_strdup(l, &t->numbers_file, s);
	r = read_file(l, l->is_confined ? s : path, &text, &len);
	if (r == -ENOMEM)
		l->is_out_of_memory = true;
	else if (r < 0)
		load_error(l, n, "%s: %s", path, read_error(l, r));
	if (r < 0)
		return;
	digest_bytes(l->digest, text, len);
	read_lines(l, t, path, text, len);
}
