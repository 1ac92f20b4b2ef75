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

#include "base/cleanup.h"
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

/* An open configuration: the gateway, and what is needed to read single trunks later. */
struct config;
struct node;

/** config_open() - the main file @path and all trunks that it names; errors as config_load(). */
int config_open(const char *path, struct config **ret, struct config_report *report);
/** config_open_buffer() - the same, the main file from memory; @name stands for it. */
int config_open_buffer(const char *name, const char *text, size_t len, struct config **ret,
		       struct config_report *report);
void config_close(struct config *c);
DEFINE_FREEP(struct config *, config_close)

/** config_gateway() - belongs to @c; its array of trunks may be taken by config_trunks_take(). */
struct gateway *config_gateway(const struct config *c);

/** config_trunks_take() - the trunks, malloc'd array and all, now belong to the caller. */
struct trunk **config_trunks_take(struct config *c, size_t *ret_cnt);

/** config_trunks_dir() - absolute path of trunks_dir, there or not. */
const char *config_trunks_dir(const struct config *c);

/**
 * config_trunk() - one trunk on top of the `defaults` of @c, checked for itself (not against other trunks).
 * For trunks that come over the control socket: it counts as made by us (is_managed), its numbers_file is inside
 * certificates.root.
 * @file: where it stands or will stand; @map: its mapping (config/node.h); the trunk keeps no pointer to either
 * Return: 0; -EINVAL: in the report, keys as in a trunk file; -ENOMEM.
 */
int config_trunk(const struct config *c, const char *file, const struct node *map, struct trunk **ret,
		 struct config_report *report);

/** config_trunk_file() - the same from a file of trunks_dir.  @ret_is_ours: config/store.h.  A file
 * that cannot be read is -EINVAL, too. */
int config_trunk_file(const struct config *c, const char *file, struct trunk **ret, bool *ret_is_ours,
		      struct config_report *report);

/** config_key_is_list() - is the dotted key of a trunk a list?  For KEY=VALUE of the command line. */
bool config_key_is_list(const char *dotted);

/** config_key_check() - is there such a key of a trunk?  false: no, the report has what there is. */
bool config_key_check(const char *dotted, struct config_report *report);

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
