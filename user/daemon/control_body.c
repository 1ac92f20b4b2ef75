/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/control_body.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "daemon/control.h"

struct scan {
	unsigned line, col, depth;
	size_t values, containers;
	bool is_string, is_escaped;
};

static int refuse(struct control_body_error *e, unsigned line, unsigned col, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static int refuse(struct control_body_error *e, unsigned line, unsigned col, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	for (char *p = e->text; *p; p++) /* jansson quotes what it stumbled upon, cut anywhere */
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
	e->line = line;
	e->col = col;
	return -EINVAL;
}

static void scan_string(struct scan *s, char c)
{
	if (s->is_escaped)
		s->is_escaped = false;
	else if (c == '\\')
		s->is_escaped = true;
	else if (c == '"')
		s->is_string = false;
}

static void scan_outside(struct scan *s, char c)
{
	switch (c) {
	case '"':
		s->is_string = true;
		break;
	case '{':
	case '[':
		s->depth++;
		s->containers++;
		break;
	case '}':
	case ']':
		s->depth -= s->depth > 0;
		break;
	case ',':
		s->values++;
		break;
	}
}

static void scan_position(struct scan *s, char c)
{
	if (c == '\n') {
		s->line++;
		s->col = 0;
	} else if (((unsigned char)c & 0xc0) != 0x80) { /* characters are counted, as jansson does */
		s->col++;
	}
}

/* Upper bounds only: whether it is JSON at all is for the parser to say. */
static int check_bounds(const char *text, size_t len, struct control_body_error *e)
{
	struct scan s = { .line = 1 };

	for (size_t i = 0; i < len; i++) {
		scan_position(&s, text[i]);
		if (!text[i])
			return refuse(e, s.line, s.col, "a NUL byte");
		if (s.is_string)
			scan_string(&s, text[i]);
		else
			scan_outside(&s, text[i]);
		if (s.depth > CONTROL_DEPTH_MAX)
			return refuse(e, s.line, s.col, "nested too deep, allowed: %d levels", CONTROL_DEPTH_MAX);
		if (s.containers > CONTROL_CONTAINERS_MAX)
			return refuse(e, s.line, s.col, "too many objects and arrays, allowed: %d",
				      CONTROL_CONTAINERS_MAX);
		if (s.values > CONTROL_VALUES_MAX)
			return refuse(e, s.line, s.col, "too many values, allowed: %d", CONTROL_VALUES_MAX);
	}
	return 0;
}

int control_body_parse(const char *text, size_t len, json_t **ret, struct control_body_error *reterr)
{
	json_error_t error;
	json_t *json;
	int r = check_bounds(text, len, reterr);

	if (r < 0)
		return r;
	json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!json && json_error_code(&error) == json_error_out_of_memory)
		return -ENOMEM;
	if (!json)
		return refuse(reterr, error.line > 0 ? (unsigned)error.line : 1,
			      error.column > 0 ? (unsigned)error.column : 1, "%s", error.text);
	if (!json_is_object(json)) {
		json_decref(json);
		return refuse(reterr, 1, 1, "an array, allowed: an object");
	}
	*ret = json;
	return 0;
}
