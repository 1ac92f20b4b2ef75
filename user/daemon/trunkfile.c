/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/trunkfile.h"

#include <errno.h>
#include <string.h>

#include "config/input.h"
#include "config/node.h"
#include "config/store.h"

static int no_memory(struct fault *f)
{
	return fault_set(f, "internal", "out of memory");
}

/* Messages about @path without it: the request has no lines, and the file is not there yet. */
static void take_report(struct fault *f, const struct config_report *from, const char *path)
{
	for (size_t i = 0; i < from->cnt; i++) {
		const struct config_message *m = &from->m[i];
		const struct model_pos pos = { m->file, m->line, m->col };
		bool is_request = !m->file || strcmp(m->file, path) == 0;

		config_report_add(&f->report, m->is_error, is_request ? NULL : &pos, m->key, "%s",
				  m->text ? m->text : "out of memory");
	}
}

static void add_report(struct fault *f, const struct config_report *from)
{
	take_report(f, from, "");
}

/* ---- from a file ---- */

static bool is_named(const struct node *map, const char *name)
{
	const struct node *n = node_find(map, "name");

	return n && n->kind == NODE_SCALAR && !n->has_nul && strcmp(n->text, name) == 0;
}

/* The mapping of the trunk: the file itself, or an item of its `trunks`. */
static const struct node *find_map(const struct node *root, const char *name)
{
	const struct node *list = node_find(root, "trunks"), *n;

	if (is_named(root, name))
		return root;
	n = list && list->kind == NODE_SEQUENCE ? list->first : NULL;
	while (n && !is_named(n, name))
		n = n->next;
	return n;
}

static int compare(const struct config *c, const struct trunk *t, const struct node *map,
		   struct trunkfile *tf)
{
	CLEANUP(config_report_done) struct config_report report = { 0 };
	CLEANUP(trunk_freep) struct trunk *now = NULL;
	int r = config_trunk(c, t->file, map, &now, &report);

	if (r == 0)
		tf->is_loaded = memcmp(now->digest, t->digest, sizeof(now->digest)) == 0;
	return r == -ENOMEM ? r : 0; /* one that is refused is not what was loaded */
}

int trunkfile_read(const struct config *c, const struct trunk *t, bool want_compare,
		   struct trunkfile *ret, struct fault *f)
{
	CLEANUP(config_report_done) struct config_report report = { 0 };
	CLEANUP(node_tree_freep) struct node_tree *tree = NULL;
	CLEANUP(trunkfile_done) struct trunkfile tf = { 0 };
	CLEANUP(freep) char *text = NULL;
	const struct node *root = NULL, *map;
	size_t len = 0;
	int r = input_read(t->file, true, &text, &len);

	if (r == -ENOMEM)
		return no_memory(f);
	if (r < 0)
		return fault_set(f, "changed_on_disk", "%s, the file of trunk %s: %s", t->file,
				 t->name, input_error(r));
	r = node_parse_yaml(t->file, text, len, &report, &tree, &root);
	if (r == -ENOMEM)
		return no_memory(f);
	if (r < 0)
		add_report(f, &report);
	map = r < 0 ? NULL : find_map(root, t->name);
	if (!map)
		return fault_set(f, "changed_on_disk",
				 "%s is not the file of trunk %s any more: reload first", t->file,
				 t->name);
	tf.is_ours = store_is_ours(text, len);
	tf.keys = node_to_json(map);
	if (!tf.keys || (want_compare && compare(c, t, map, &tf) < 0))
		return no_memory(f);
	*ret = tf;
	tf.keys = NULL;
	return 0;
}

/* ---- from a request ---- */

/* A text with a NUL would be taken for its first part on the way to the file. */
static bool has_nul(const struct node *n)
{
	bool is_found = n->kind == NODE_SCALAR && n->has_nul;

	for (const struct node *i = n->kind == NODE_SCALAR ? NULL : n->first; i && !is_found;
	     i = i->next)
		is_found = has_nul(i); /* a request is at most NODE_DEPTH_MAX deep */
	return is_found;
}

int trunkfile_request(const json_t *body, json_t **ret, struct fault *f)
{
	CLEANUP(node_tree_freep) struct node_tree *tree = NULL;
	CLEANUP(json_freep) json_t *keys = NULL;
	const struct node *root = NULL;
	int r;

	if (!json_is_object(body))
		return fault_set(f, "invalid",
				 "the request is no object, allowed: the keys of a trunk");
	r = node_from_json(body, &f->report, &tree, &root);
	if (r == -ENOMEM)
		return no_memory(f);
	if (r < 0)
		return fault_set(f, "invalid", "the request is refused: %zu error%s",
				 f->report.error_cnt, f->report.error_cnt == 1 ? "" : "s");
	if (has_nul(root))
		return fault_set(f, "invalid", "a text of the request holds a NUL");
	keys = node_to_json(root);
	if (!keys)
		return no_memory(f);
	*ret = TAKE(keys);
	return 0;
}

/* The errors of a request are told by its own tree, which has no positions to name. */
static int refuse(const struct config *c, const char *path, const json_t *keys, struct fault *f)
{
	CLEANUP(config_report_done) struct config_report report = { 0 };
	CLEANUP(node_tree_freep) struct node_tree *tree = NULL;
	CLEANUP(trunk_freep) struct trunk *t = NULL;
	const struct node *root = NULL;
	int r = node_from_json(keys, &report, &tree, &root);

	if (r == 0)
		r = config_trunk(c, path, root, &t, &report);
	take_report(f, &report, path);
	if (r == -ENOMEM)
		return no_memory(f);
	if (r == 0)
		return fault_set(f, "internal", "%s would not read back as it was written", path);
	return fault_set(f, "invalid", "the trunk is refused: %zu error%s", report.error_cnt,
			 report.error_cnt == 1 ? "" : "s");
}

/* The text of the file; malloc'd. */
static char *file_text(const json_t *keys)
{
	CLEANUP(freep) char *yaml = store_emit(keys);
	char *text;

	return yaml && asprintf(&text, "%s%s", STORE_MARK, yaml) >= 0 ? text : NULL;
}

int trunkfile_build(const struct config *c, const char *path, const json_t *keys,
		    struct trunk **ret, struct fault *f)
{
	CLEANUP(config_report_done) struct config_report report = { 0 };
	CLEANUP(node_tree_freep) struct node_tree *tree = NULL;
	CLEANUP(freep) char *text = file_text(keys);
	const struct node *root = NULL;
	struct trunk *t = NULL;
	int r;

	if (!text)
		return no_memory(f);
	r = node_parse_yaml(path, text, strlen(text), &report, &tree, &root);
	if (r == 0)
		r = root ? config_trunk(c, path, root, &t, &report) : -EINVAL;
	if (r == -ENOMEM)
		return no_memory(f);
	if (r < 0)
		return refuse(c, path, keys, f);
	take_report(f, &report, path);
	*ret = t;
	return 0;
}

static int merge_object(json_t *keys, const char *key, const json_t *patch)
{
	json_t *inner = json_object_get(keys, key);
	int r;

	if (!json_is_object(inner)) {
		inner = json_object();
		if (json_object_set_new(keys, key, inner) < 0)
			return -ENOMEM;
	}
	r = trunkfile_merge(inner, patch);
	if (r == 0 && !json_object_size(inner))
		json_object_del(keys, key);
	return r;
}

int trunkfile_merge(json_t *keys, const json_t *patch)
{
	const char *key;
	json_t *value;
	int r = 0;

	json_object_foreach ((json_t *)patch, key, value) {
		if (json_is_null(value))
			json_object_del(keys, key);
		else if (json_is_object(value))
			r = merge_object(keys, key, value);
		else if (json_object_set_new(keys, key, json_deep_copy(value)) < 0)
			r = -ENOMEM;
		if (r < 0)
			return r;
	}
	return 0;
}
