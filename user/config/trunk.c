// SPDX-License-Identifier: BSD-2-Clause
/* One trunk: `defaults`, and its own mapping on top of them. */
#include <errno.h>
#include <string.h>

#include "config/check.h"
#include "config/keys.h"
#include "config/open.h"
#include "config/store.h"

static void clear_certificates(struct cert_config *c)
{
	free(c->cert_path);
	free(c->key_path);
	free(c->x5u);
	*c = (struct cert_config){ NULL, NULL, NULL, { NULL, 0, 0 } };
}

static bool has_numbers(const struct node *map)
{
	return node_find(map, "numbers") || node_find(map, "numbers_file");
}

/* What a trunk gives itself replaces the inherited values as a whole: a certificate of one and the
 * key of another never meet, numbers do not add up. */
static struct trunk *inherit(const struct load *l, const struct node *map)
{
	struct trunk *t = trunk_inherit(l->defaults->base, !has_numbers(map));
	const struct node *cert = node_find(map, "certificates");

	if (t && cert && cert->first)
		clear_certificates(&t->cert);
	return t;
}

static int finish_digest(struct load *l, const struct node *map, struct trunk *t)
{
	digest_node(l->digest, map);
	digest_bytes(l->digest, l->defaults->digest, DIGEST_LEN);
	return digest_end(l->digest, t->digest);
}

static bool fill(struct load *l, const char *file, const struct node *map, bool is_managed,
		 struct trunk *t)
{
	const struct node *name = node_find(map, "name");

	t->file = strdup(file);
	if (!t->file)
		return false;
	l->file = t->file;
	l->is_confined = is_managed;
	t->is_managed = is_managed;
	t->pos = load_pos(l, name ? name : map);
	digest_begin(l->digest);
	schema_apply(l, keys_trunk, map, t);
	check_trunk(l, t, map);
	return finish_digest(l, map, t) == 0;
}

struct trunk *trunk_read(struct load *l, const char *file, const struct node *map, bool is_managed)
{
	CLEANUP(trunk_freep) struct trunk *t = inherit(l, map);
	const char *outer = l->file;
	bool is_ok = t && fill(l, file, map, is_managed, t);

	l->file = outer;
	l->is_confined = false;
	l->is_out_of_memory |= !is_ok;
	return is_ok ? TAKE(t) : NULL;
}

struct trunk *trunk_read_text(struct load *l, const char *file, const char *text, size_t len)
{
	CLEANUP(node_tree_freep) struct node_tree *tree = NULL;
	const struct node *root = NULL;
	const char *outer = l->file;
	int r = node_parse_yaml(file, text, len, l->report, &tree, &root);

	l->is_out_of_memory |= r == -ENOMEM;
	if (r < 0)
		return NULL;
	l->file = file;
	if (!root)
		load_error(l, NULL, "is empty, allowed: the mapping of one trunk");
	else if (root->kind != NODE_MAPPING)
		load_error(l, root,
			   "is no trunk, allowed: a mapping with name, carrier, attestation ...");
	l->file = outer;
	if (!root || root->kind != NODE_MAPPING)
		return NULL;
	return trunk_read(l, file, root, store_is_ours(text, len));
}

/* Which of its keys a trunk need not repeat. */
static void note_given(const struct node *map, struct defaults *d)
{
	d->has_carrier_peers = node_find(node_find(map, "carrier"), "peers");
	d->has_attestation =
		node_find(map, "attestation") || node_find(node_find(map, "extras"), "attestation");
	d->has_attestation_other = node_find(map, "attestation_other");
}

static void read_mapping(struct load *l, const struct node *map, struct defaults *d)
{
	const struct node *name = node_find(map, "name");

	d->base->file = strdup(l->file);
	if (!d->base->file) {
		l->is_out_of_memory = true;
		return;
	}
	l->file = d->base->file;
	schema_apply(l, keys_trunk, map, d->base);
	check_x5u(l, node_find(map, "certificates"));
	check_twins(l, map);
	check_verification(l, d->base, map);
	if (name)
		load_error(l, name,
			   "name belongs to one trunk, allowed: all other keys of a trunk");
	*d->base->name = '\0';
	note_given(map, d);
	digest_node(l->digest, map);
}

void defaults_read(struct load *l, const struct node *root, struct defaults *ret)
{
	const struct node *map = node_find(root, "defaults");
	const char *outer = l->file;
	size_t len = load_push(l, "defaults");

	ret->base = trunk_new();
	digest_begin(l->digest);
	if (!ret->base)
		l->is_out_of_memory = true;
	else if (map && map->kind != NODE_MAPPING)
		load_error(l, map, "is no mapping, allowed: the keys of a trunk");
	else if (map)
		read_mapping(l, map, ret);
	l->is_out_of_memory |= digest_end(l->digest, ret->digest) < 0;
	l->file = outer;
	load_pop(l, len);
}
