// SPDX-License-Identifier: BSD-2-Clause
#include "config/tree.h"

#include <string.h>

/* The first chunk holds a trunk of common size; large files get large chunks. */
#define CHUNK_FIRST 8192
#define CHUNK_SIZE 65536

struct chunk {
	struct chunk *next;
	size_t used, size;
	_Alignas(16) char data[];
};

static void *arena_alloc(struct node_tree *t, size_t len)
{
	size_t size = (len + 15) & ~(size_t)15;
	struct chunk *c = t->chunks;

	if (!c || c->size - c->used < size) {
		size_t usual = c ? CHUNK_SIZE : CHUNK_FIRST, room = size > usual ? size : usual;

		c = malloc(sizeof(*c) + room);
		if (!c)
			return NULL;
		*c = (struct chunk){ .next = t->chunks, .size = room };
		t->chunks = c;
	}
	c->used += size;
	return c->data + c->used - size;
}

struct node_tree *tree_new(void)
{
	return calloc(1, sizeof(struct node_tree));
}

struct node *tree_node(struct node_tree *t, enum node_kind kind)
{
	struct node *n = arena_alloc(t, sizeof(*n));

	if (!n)
		return NULL;
	*n = (struct node){ .kind = kind };
	t->node_cnt++;
	return n;
}

bool tree_text(struct node_tree *t, struct node *n, const char *text, size_t len)
{
	char *copy = arena_alloc(t, len + 1);

	if (!copy)
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	n->text = copy;
	n->has_nul = memchr(copy, '\0', len) != NULL;
	return true;
}

void node_tree_free(struct node_tree *t)
{
	struct chunk *c = t ? t->chunks : NULL, *next;

	for (; c; c = next) {
		next = c->next;
		free(c);
	}
	free(t);
}

bool node_is_null(const struct node *n)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };

	for (size_t i = 0; n->kind == NODE_SCALAR && !n->is_quoted && i < ARRAY_SIZE(nulls); i++) {
		if (strcmp(n->text, nulls[i]) == 0)
			return true;
	}
	return false;
}

const struct node *node_find(const struct node *map, const char *key)
{
	const struct node *k;

	if (!map || map->kind != NODE_MAPPING)
		return NULL;
	for (k = map->first; k; k = k->next->next) {
		if (strcmp(k->text, key) == 0)
			return k->next;
	}
	return NULL;
}
