/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tree - a directory of its own for a test: files in, gone at the end.
 */
#ifndef SIPSEAL_TEST_TREE_H
#define SIPSEAL_TEST_TREE_H

#include "guard.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

struct tree {
	char dir[64];
};

static inline int tree_setup(void **state)
{
	struct tree *t = calloc(1, sizeof(*t));

	strcpy(t->dir, "/tmp/sipseal-config-XXXXXX");
	*state = t;
	return mkdtemp(t->dir) ? 0 : -1;
}

static inline int tree_unlink(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static inline int tree_teardown(void **state)
{
	struct tree *t = *state;

	nftw(t->dir, tree_unlink, 8, FTW_DEPTH | FTW_PHYS);
	free(t);
	return 0;
}

/* Path inside the tree; the last 32 of them stay. */
static inline const char *tree_path(const struct tree *t, const char *name)
{
	static char buf[32][128];
	static unsigned i;
	char *p = buf[i++ % 32];

	snprintf(p, sizeof(buf[0]), "%s/%s", t->dir, name);
	return p;
}

static inline const char *tree_write(const struct tree *t, const char *name, const void *data, size_t len)
{
	const char *path = tree_path(t, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	return path;
}

static inline const char *tree_put(const struct tree *t, const char *name, const char *text)
{
	return tree_write(t, name, text, strlen(text));
}

static inline void tree_mkdir(const struct tree *t, const char *name)
{
	assert_int_equal(mkdir(tree_path(t, name), 0755), 0);
}

#endif
