/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * node - a configuration text as a tree of scalars, sequences and mappings with positions.
 *
 * YAML comes in by node_parse_yaml(), JSON by node_from_json(); the schema tables (config/schema.h) work on
 * the tree alone.  Scalars are text: whether "5060" is a number
 * or a word is for the schema to say; only "is it quoted" is kept.
 * Memory: the tree lives in one arena; node_tree_free() frees all.
 */
#ifndef SIPSEAL_CONFIG_NODE_H
#define SIPSEAL_CONFIG_NODE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "config/config.h"

#define NODE_FILE_MAX  (16u << 20)  /* bytes of one file */
#define NODE_DEPTH_MAX 16           /* the schema needs 5 */
#define NODE_CNT_MAX   4000000u     /* nodes of one file: bounds memory to some 300 MB */

enum node_kind { NODE_SCALAR, NODE_SEQUENCE, NODE_MAPPING };

struct node {
	enum node_kind kind;
	bool is_quoted;           /* scalar in quotes, or a block: always text, never null, true or 5 */
	bool has_nul;             /* the text holds a NUL: no key takes that */
	unsigned line, col;       /* 1-based */
	const char *text;         /* scalar; NUL-terminated */
	struct node *first, *next; /* children in order; of a mapping key, value, key, value ... */
	size_t cnt;               /* items of a sequence, pairs of a mapping */
};

struct node_tree;

/**
 * node_parse_yaml() - YAML 1.2 without what hides a value from the reader of the file: anchors, aliases,
 * tags and several documents are refused.  An empty text gives *ret_root NULL.
 * @pos_file: file name for messages
 * Return: 0; -EINVAL: in the report; -ENOMEM.
 */
int node_parse_yaml(const char *pos_file, const char *text, size_t len, struct config_report *report,
		    struct node_tree **ret, const struct node **ret_root);
void node_tree_free(struct node_tree *t);
DEFINE_FREEP(struct node_tree *, node_tree_free)

/**
 * node_from_json() - a JSON value as a tree; numbers and booleans are plain scalars, strings quoted ones.
 * Dotted keys of objects stand for nested ones ("pai.mode": "keep").  Positions are 0.
 * Return: 0; -EINVAL: too deep, a real number, a key twice (once dotted, once nested), an object of more than 256
 * keys, in the report; -ENOMEM.
 */
int node_from_json(const json_t *json, struct config_report *report, struct node_tree **ret,
		   const struct node **ret_root);

/** node_to_json() - the other way; plain true, false, null and integers become JSON's.  NULL: no memory. */
json_t *node_to_json(const struct node *n);

/** node_is_null() - a plain scalar that says that there is no value: empty, ~ or null. */
bool node_is_null(const struct node *n);

/** node_find() - value of a key of a mapping; NULL where @map is NULL, no mapping, or has no such key. */
const struct node *node_find(const struct node *map, const char *key);

#endif
