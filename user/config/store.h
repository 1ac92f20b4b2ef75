/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store - trunk files that we make ourselves: <trunks_dir>/NAME.yaml with a first line that says so.
 *
 * A power cut leaves the old file or the new one: temporary file (".NAME.yaml.tmp", which no load reads),
 * fsync, rename, fsync of the directory.  A file without our first line is never written nor removed.
 */
#ifndef SIPSEAL_CONFIG_STORE_H
#define SIPSEAL_CONFIG_STORE_H

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define STORE_MARK "# Made by sipseal. To keep changes by hand, remove this line.\n"
#define STORE_ERR_LEN 512

struct store_file {
	char path[PATH_MAX], temp[PATH_MAX];
	bool is_open;     /* temp is there */
};

/** store_path() - <dir>/<name>.yaml; Return: 0; -ENAMETOOLONG; -EINVAL: @name is no name of a trunk. */
int store_path(const char *dir, const char *name, char ret[PATH_MAX]);

/** store_is_ours() - does the text of a file start with our line? */
bool store_is_ours(const char *text, size_t len);

/** store_prepare() - write @trunk as YAML to the temporary file, fsync.  mode 0640; makes @dir (0750) if its
 * parent is there.
 * Return: 0; -EEXIST a file of that name that is not ours; other errno (reterr). */
int store_prepare(const char *dir, const char *name, const json_t *trunk, struct store_file *ret,
		  char reterr[STORE_ERR_LEN]);

/** store_commit() - rename, fsync of the directory.  Return: 0; -EEXIST: somebody has written a file of that name by
 * hand since; other errno (reterr).  After an error f->is_open tells whether the old file is still there. */
int store_commit(struct store_file *f, char reterr[STORE_ERR_LEN]);

/** store_abandon() - remove the temporary file; no-op after store_commit(). */
void store_abandon(struct store_file *f);

/** store_remove() - Return: 0; -EEXIST not ours; -ENOENT; other errno (reterr). */
int store_remove(const char *dir, const char *name, char reterr[STORE_ERR_LEN]);

/** store_clean() - temporary files that a crash left.  Return: how many, negative errno. */
int store_clean(const char *dir);

/** store_emit() - a JSON object as block YAML that reads back as the same tree (keys with dots stay what they are:
 * node_from_json() and node_to_json() nest them); malloc'd, NULL: no memory. */
char *store_emit(const json_t *object);

#endif
