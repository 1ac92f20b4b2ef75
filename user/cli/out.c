/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/out.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/cleanup.h"

char *out_escape(const char *s)
{
	char *e = malloc(4 * strlen(s) + 1), *p = e;

	if (!e)
		return NULL;
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c >= 0x20 && c <= 0x7e)
			*p++ = (char)c;
		else
			p += sprintf(p, "\\x%02x", c);
	}
	*p = '\0';
	return e;
}

const char *out_colour(FILE *f, enum out_colour c)
{
	static const char *const codes[] = { "\033[0m", "\033[1m", "\033[32m", "\033[33m",
					     "\033[31m" };
	const char *no = getenv("NO_COLOR");

	return (no && *no) || !isatty(fileno(f)) ? "" : codes[c];
}

void out_json(FILE *f, const json_t *json)
{
	json_dumpf(json, f, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	fputc('\n', f);
}

/* Plain scalars: letters, digits and what cannot start or end anything in YAML. */
static bool yaml_is_plain(const char *s)
{
	static const char *const words[] = { "true", "false", "yes",  "no", "on",
					     "off",  "null",  "none", "~" };
	static const char set[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-";

	if (!*s || strspn(s, set) != strlen(s) || strchr("-.0123456789", *s))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasecmp(s, words[i]) == 0)
			return strcmp(s, "off") == 0 ||
			       strcmp(s, "none") == 0; /* words of our schema */
	return true;
}

/*
 * @json: a value as jansson writes it, ASCII only.  Its strings are double-quoted ones of YAML,
 * too, but for characters behind the first plane, which YAML does not take as two surrogates, and
 * DEL, which it does not take at all.
 */
static void yaml_put(FILE *f, const char *json)
{
	for (const char *p = json; *p; p++) {
		unsigned high, low;

		if (*p == 0x7f) {
			fputs("\\x7F", f);
		} else if (*p != '\\') {
			fputc(*p, f);
		} else if (sscanf(p, "\\uD%3x\\uD%3x", &high, &low) == 2 && high < 0xc00) {
			fprintf(f, "\\U%08X", 0x10000 + ((high & 0x3ff) << 10) + (low & 0x3ff));
			p += 11;
		} else {
			fputc(*p++, f); /* the next byte belongs to it, a second backslash too */
			fputc(*p, f);
		}
	}
}

static void yaml_scalar(FILE *f, const json_t *j)
{
	CLEANUP(freep) char *text = NULL;

	if (json_is_string(j) && yaml_is_plain(json_string_value(j))) {
		fputs(json_string_value(j), f);
		return;
	}
	text = json_dumps(j, JSON_ENCODE_ANY | JSON_ENSURE_ASCII | JSON_COMPACT);
	yaml_put(f, text ? text : "?");
}

static void yaml_node(FILE *f, const json_t *j, int depth);

static bool yaml_is_block(const json_t *j)
{
	return (json_is_object(j) && json_object_size(j)) ||
	       (json_is_array(j) && json_array_size(j));
}

static void yaml_value(FILE *f, const json_t *j, int depth)
{
	if (yaml_is_block(j)) {
		fputc('\n', f);
		yaml_node(f, j, depth + 1);
	} else {
		fputc(' ', f);
		yaml_scalar(f, j);
		fputc('\n', f);
	}
}

/* @indent: of the key; what is below it is at @depth + 1. */
static void yaml_pair(FILE *f, const char *key, const json_t *value, int depth, int indent)
{
	CLEANUP(freep) char *safe = out_escape(key);

	fprintf(f, "%*s%s:", indent, "", safe ? safe : "?");
	yaml_value(f, value, depth);
}

/* The first key of a mapping stands behind the dash. */
static void yaml_item(FILE *f, const json_t *j, int depth)
{
	const char *key;
	json_t *value;
	int indent = 1;

	fprintf(f, "%*s-", 2 * depth, "");
	if (!json_is_object(j) || !json_object_size(j)) {
		yaml_value(f, j, depth);
		return;
	}
	json_object_foreach((json_t *)j, key, value)
	{
		yaml_pair(f, key, value, depth + 1, indent);
		indent = 2 * (depth + 1);
	}
}

static void yaml_node(FILE *f, const json_t *j, int depth)
{
	const char *key;
	json_t *value;
	size_t i;

	if (json_is_array(j)) {
		json_array_foreach(j, i, value)
			yaml_item(f, value, depth);
		return;
	}
	json_object_foreach((json_t *)j, key, value)
		yaml_pair(f, key, value, depth, 2 * depth);
}

void out_yaml(FILE *f, const json_t *json)
{
	yaml_node(f, json, 0);
}

struct out_table {
	const char *const *heads;
	size_t columns, cells, cap;
	char **cell;
};

struct out_table *out_table_new(const char *const *heads)
{
	struct out_table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->heads = heads;
	while (t->columns < OUT_COLUMNS_MAX && heads[t->columns])
		t->columns++;
	return t;
}

void out_table_cell(struct out_table *t, const char *fmt, ...)
{
	CLEANUP(freep) char *raw = NULL;
	va_list ap;
	int r;

	if (!t)
		return;
	va_start(ap, fmt);
	r = vasprintf(&raw, fmt, ap);
	va_end(ap);
	if (r < 0) {
		raw = NULL;
		return;
	}
	if (t->cells == t->cap) {
		size_t cap = t->cap ? 2 * t->cap : 64;
		char **cell = reallocarray(t->cell, cap, sizeof(*cell));

		if (!cell)
			return;
		t->cell = cell;
		t->cap = cap;
	}
	t->cell[t->cells++] = out_escape(raw);
}

static const char *cell_text(const struct out_table *t, size_t i)
{
	return i < t->cells && t->cell[i] ? t->cell[i] : "";
}

/* @gap: blanks still owed to the cells before; none are printed at the end of a line. */
static void cell_print(const struct out_table *t, FILE *f, size_t column, const char *text,
		       int width, int *gap)
{
	int len = (int)strlen(text), before = t->heads[column][0] == '>' ? width - len : 0;

	if (len)
		fprintf(f, "%*s%s", *gap + before, "", text);
	*gap = len ? width - len - before + 2 : *gap + width + 2;
	if (column + 1 < t->columns)
		return;
	fputc('\n', f);
	*gap = 0;
}

void out_table_print(struct out_table *t, FILE *f)
{
	int width[OUT_COLUMNS_MAX] = { 0 }, gap = 0;

	if (!t)
		return;
	for (size_t c = 0; c < t->columns; c++) {
		width[c] = (int)strlen(t->heads[c] + (t->heads[c][0] == '>'));
		for (size_t i = c; i < t->cells; i += t->columns)
			if ((int)strlen(cell_text(t, i)) > width[c])
				width[c] = (int)strlen(cell_text(t, i));
	}
	fputs(out_colour(f, OUT_BOLD), f);
	for (size_t c = 0; c < t->columns; c++)
		cell_print(t, f, c, t->heads[c] + (t->heads[c][0] == '>'), width[c], &gap);
	fputs(out_colour(f, OUT_PLAIN), f);
	for (size_t i = 0; i < t->cells; i++)
		cell_print(t, f, i % t->columns, cell_text(t, i), width[i % t->columns], &gap);
	for (size_t i = 0; i < t->cells; i++)
		free(t->cell[i]);
	free(t->cell);
	free(t);
}

const char *out_str(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s && *s ? s : "-";
}

long long out_int(const json_t *o, const char *key)
{
	return (long long)json_integer_value(json_object_get(o, key));
}

const char *out_duration(long long s, char dst[32])
{
	if (s >= 86400)
		snprintf(dst, 32, "%lldd %lldh", s / 86400, s % 86400 / 3600);
	else if (s >= 3600)
		snprintf(dst, 32, "%lldh %lldm", s / 3600, s % 3600 / 60);
	else if (s >= 60)
		snprintf(dst, 32, "%lldm %llds", s / 60, s % 60);
	else
		snprintf(dst, 32, "%llds", s);
	return dst;
}
