/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * out - what commands print: tables, colours, JSON, and text that cannot harm a terminal.
 *
 * Colour only on a terminal and without NO_COLOR (https://no-color.org).
 */
#ifndef SIPSEAL_CLI_OUT_H
#define SIPSEAL_CLI_OUT_H

#include <jansson.h>
#include <stdio.h>

#define OUT_COLUMNS_MAX 12

/** out_escape() - @s with bytes outside 20-7e as \xNN.  Return: malloc'd, or NULL. */
char *out_escape(const char *s);

enum out_colour { OUT_PLAIN, OUT_BOLD, OUT_GREEN, OUT_YELLOW, OUT_RED };

/** out_colour() - escape sequence that starts @c on @f, or "". */
const char *out_colour(FILE *f, enum out_colour c);

/** out_json() - one document and a newline. */
void out_json(FILE *f, const json_t *json);

/** out_yaml() - objects, arrays and scalars in block style; strings that YAML would take for
 * something else are quoted. */
void out_yaml(FILE *f, const json_t *json);

struct out_table;

/** out_table_new() - @heads: column titles, NULL-terminated; one that starts with '>' is aligned
 * right.
 * Return: NULL without memory (the other functions take that). */
struct out_table *out_table_new(const char *const *heads);

/** out_table_cell() - the next cell of the row; escaped.  A full row begins the next one. */
void out_table_cell(struct out_table *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** out_table_print() - and free. */
void out_table_print(struct out_table *t, FILE *f);

/* Values of a JSON object that might not be there. */
const char *out_str(const json_t *o, const char *key);      /* "-" */
long long out_int(const json_t *o, const char *key);        /* 0 */

/** out_duration() - "3d 4h", "2h 5m", "12s"; dst needs 32 bytes. */
const char *out_duration(long long s, char dst[32]);

#endif
