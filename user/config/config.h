/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config - YAML to the trunk model, by a schema table (type, range, default, allowed values per key).
 *
 * All errors are reported at once, in the form
 *     file:line:col: key: what is wrong, what is allowed
 * Unknown and duplicate keys, wrong types, values out of range and contradictions between keys are
 * errors.  Warnings are legal but notable ("A for any number", attach always).
 */
#ifndef SIPSEAL_CONFIG_H
#define SIPSEAL_CONFIG_H

#include <stdbool.h>

#include "trunk/model.h"

struct config_message {
	bool is_error;
	char *file;            /* NULL: not in a file */
	unsigned line, col;
	char *key;             /* dotted: "carrier.peers[1]" */
	char *text;
};

struct config_report {
	struct config_message *m;
	size_t cnt, error_cnt;
};

void config_report_done(struct config_report *r);

/** config_report_add() - for checks elsewhere (interfaces, certificates). */
void config_report_add(struct config_report *r, bool is_error, const struct model_pos *pos,
		       const char *key, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/** config_message_format() - one line, without newline, bytes outside 20-7e escaped.
 * Return: malloc'd string. */
char *config_message_format(const struct config_message *m);

/**
 * config_load() - read @path and the trunk files it names.
 * Return: 0 and *ret (the report may hold warnings); -EINVAL: the report has errors; -ENOENT and other
 * errno: the file cannot be read (the report says which).
 */
int config_load(const char *path, struct gateway **ret, struct config_report *report);

/** config_load_buffer() - the same from memory; @name stands for the file in messages. */
int config_load_buffer(const char *name, const char *text, size_t len, struct gateway **ret,
		       struct config_report *report);

#endif
