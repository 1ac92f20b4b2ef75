/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tree - how the parsers of config/node.h build their trees: nodes and texts in one arena.
 */
#ifndef SIPSEAL_CONFIG_TREE_H
#define SIPSEAL_CONFIG_TREE_H

#include "config/node.h"

struct chunk;

struct node_tree {
	struct chunk *chunks;
	size_t node_cnt;      /* parsers stop at NODE_CNT_MAX */
};

/** tree_new() - empty.  Return: NULL without memory. */
struct node_tree *tree_new(void);

/** tree_node() - a node of @kind, all else zero.  Return: NULL without memory. */
struct node *tree_node(struct node_tree *t, enum node_kind kind);

/** tree_text() - the text of a scalar, copied.  Return: false: no memory. */
bool tree_text(struct node_tree *t, struct node *n, const char *text, size_t len);

#endif
