// SPDX-License-Identifier: BSD-2-Clause
#include <string.h>

#include "config/input.h"
#include "config/keys.h"

/* One number per line; blank lines and what follows a # are skipped. */
static void read_line(struct load *l, struct trunk *t, const struct model_pos *at, char *line)
{
	struct model_pos pos = *at;
	char *start = line + strspn(line, " \t"), *end;

	start[strcspn(start, "#\r")] = '\0';
	end = start + strlen(start);
	while (end > start && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = '\0';
	pos.col = (unsigned)(start - line) + 1;
	if (*start)
		keys_add_number(l, t, &pos, start);
}

static void read_lines(struct load *l, struct trunk *t, const char *name, char *text, size_t len)
{
	struct model_pos pos = { load_intern(l, name), 0, 1 };
	char *line = text, *end;

	if (memchr(text, '\0', len)) {
		if (!l->is_silent)
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

void keys_read_numbers(struct load *l, const struct schema_key *k, const struct node *n, void *target)
{
	CLEANUP(freep) char *path = NULL;
	CLEANUP(freep) char *text = NULL;
	const char *s = schema_text(l, n, k->allowed);
	struct trunk *t = target;
	size_t len = 0;
	int r;

	if (!s || !*s) /* "": none */
		return;
	path = input_join(l->dir, s);
	if (!path) {
		l->is_out_of_memory = true;
		return;
	}
	t->has_numbers = true;
	r = input_read(path, true, &text, &len);
	if (r < 0)
		load_error(l, n, "%s: %s", path, input_error(r));
	else
		read_lines(l, t, path, text, len);
}
