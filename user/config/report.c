// SPDX-License-Identifier: BSD-2-Clause
#include <stdarg.h>
#include <string.h>

#include "config/config.h"

/* A file of other contents would give a message per line; nobody reads more than this.  Warnings have
 * a limit of their own, so that they never hide an error. */
#define ERRORS_MAX   500
#define WARNINGS_MAX 100

void config_report_done(struct config_report *r)
{
	for (size_t i = 0; i < r->cnt; i++) {
		free(r->m[i].file);
		free(r->m[i].key);
		free(r->m[i].text);
	}
	free(r->m);
	memset(r, 0, sizeof(*r));
}

static char *vformat(const char *fmt, va_list ap)
{
	char *s;

	return vasprintf(&s, fmt, ap) < 0 ? NULL : s;
}

/* Messages of the same kind that are there already. */
static size_t shown(const struct config_report *r, bool is_error)
{
	size_t errors = r->error_cnt <= ERRORS_MAX ? r->error_cnt : ERRORS_MAX + 1;

	return is_error ? errors : r->cnt - errors;
}

void config_report_add(struct config_report *r, bool is_error, const struct model_pos *pos,
		       const char *key, const char *fmt, ...)
{
	struct config_message m = { .is_error = is_error };
	size_t n = shown(r, is_error), max = is_error ? ERRORS_MAX : WARNINGS_MAX;
	struct config_message *all;
	va_list ap;

	if (n > max) {
		r->error_cnt += is_error;
		return;
	}
	all = realloc(r->m, (r->cnt + 1) * sizeof(*all));
	if (!all)
		abort(); /* an error without a message would count as success further up */
	r->m = all;
	if (n == max) {
		m.text = strdup(is_error ? "more errors are not shown" : "more warnings are not shown");
	} else {
		va_start(ap, fmt);
		m.text = vformat(fmt, ap);
		va_end(ap);
		m.key = key && *key ? strdup(key) : NULL;
		m.file = pos && pos->file ? strdup(pos->file) : NULL;
		m.line = m.file ? pos->line : 0;
		m.col = m.file ? pos->col : 0;
	}
	r->m[r->cnt++] = m;
	r->error_cnt += is_error;
}

/* Bytes outside 20-7e as \xNN: what stands in a file must not drive a terminal. */
static void put_escaped(FILE *f, const char *s)
{
	for (; s && *s; s++) {
		if (*s >= 0x20 && *s <= 0x7e)
			fputc(*s, f);
		else
			fprintf(f, "\\x%02x", (unsigned char)*s);
	}
}

char *config_message_format(const struct config_message *m)
{
	char *s = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&s, &len);

	if (!f)
		return NULL;
	if (m->file) {
		put_escaped(f, m->file);
		if (m->line)
			fprintf(f, ":%u:%u", m->line, m->col);
		fputs(": ", f);
	}
	if (!m->is_error)
		fputs("warning: ", f);
	if (m->key) {
		put_escaped(f, m->key);
		fputs(": ", f);
	}
	put_escaped(f, m->text ? m->text : "out of memory");
	if (fclose(f)) {
		free(s);
		return NULL;
	}
	return s;
}
