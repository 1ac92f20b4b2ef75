// SPDX-License-Identifier: BSD-2-Clause
#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <string.h>

#include "config/check.h"
#include "config/input.h"
#include "config/keys.h"

#define TRUNKS_DIR "/etc/sipseal/trunks.d"
#define TRUNKS_MAX 100000

/* A load with what only this file needs. */
struct whole {
	struct load l;
	bool *is_broken;    /* by index of g->trunks */
	char *dir;
};

static void clear_certificates(struct cert_config *c)
{
	free(c->cert_path);
	free(c->key_path);
	free(c->x5u);
	*c = (struct cert_config){ NULL, NULL, NULL, { NULL, 0, 0 } };
}

/* What a trunk gives itself replaces the inherited values as a whole: a certificate of one and the key
 * of another never meet, numbers do not add up. */
static void drop_inherited(struct trunk *t, const struct node *map)
{
	const struct node *cert = node_find(map, "certificates");

	if (cert && cert->first)
		clear_certificates(&t->cert);
	if (node_find(map, "numbers") || node_find(map, "numbers_file")) {
		free(t->numbers);
		t->numbers = NULL;
		t->number_cnt = 0;
		t->has_numbers = false;
	}
}

static struct trunk *read_trunk(struct load *l, const struct node *map)
{
	struct trunk *t = trunk_new();
	const struct node *name = node_find(map, "name");

	if (!t) {
		l->is_out_of_memory = true;
		return NULL;
	}
	if (l->defaults) {
		l->is_silent = true; /* read_defaults() has reported them */
		schema_apply(l, keys_trunk, l->defaults, t);
		l->is_silent = false;
	}
	t->pos = load_pos(l, name ? name : map);
	drop_inherited(t, map);
	schema_apply(l, keys_trunk, map, t);
	check_trunk(l, t, map);
	return t;
}

static void add_trunk(struct whole *w, const struct node *map)
{
	struct gateway *g = w->l.g;
	size_t errors = w->l.report->error_cnt;
	struct trunk *t;

	if (map->kind != NODE_MAPPING) {
		load_error(&w->l, map, "is no trunk, allowed: a mapping with name, carrier, attestation ...");
		return;
	}
	if (g->trunk_cnt == TRUNKS_MAX) {
		load_error(&w->l, map, "is one trunk too many, allowed: 100000");
		return;
	}
	if (!load_grow(&w->l, &g->trunks, g->trunk_cnt, sizeof(*g->trunks)) ||
	    !load_grow(&w->l, &w->is_broken, g->trunk_cnt, sizeof(*w->is_broken)))
		return;
	t = read_trunk(&w->l, map);
	if (!t)
		return;
	w->is_broken[g->trunk_cnt] = w->l.report->error_cnt != errors;
	g->trunks[g->trunk_cnt++] = t;
}

static void read_defaults(struct load *l, const struct node *root)
{
	CLEANUP(trunk_freep) struct trunk *t = trunk_new();
	const struct node *n = node_find(root, "defaults"), *name = node_find(n, "name");
	size_t len = load_push(l, "defaults");

	l->is_out_of_memory |= !t;
	if (n && n->kind != NODE_MAPPING) {
		load_error(l, n, "is no mapping, allowed: the keys of a trunk");
	} else if (n && t) {
		schema_apply(l, keys_trunk, n, t);
		check_x5u(l, node_find(n, "certificates"));
		if (name)
			load_error(l, name, "name belongs to one trunk, allowed: all other keys of a trunk");
		l->defaults = n;
	}
	load_pop(l, len);
}

static void read_trunks(struct whole *w, const struct node *root)
{
	const struct node *list = node_find(root, "trunks");
	size_t len = load_push(&w->l, "trunks"), item, i = 0;

	if (list && list->kind != NODE_SEQUENCE)
		load_error(&w->l, list, "is no list, allowed: a list of trunks");
	for (const struct node *n = list && list->kind == NODE_SEQUENCE ? list->first : NULL; n; n = n->next) {
		item = load_push(&w->l, "[%zu]", i++);
		add_trunk(w, n);
		load_pop(&w->l, item);
	}
	load_pop(&w->l, len);
}

static void read_trunk_file(struct whole *w, const char *path)
{
	CLEANUP(node_tree_freep) struct node_tree *tree = NULL;
	CLEANUP(freep) char *text = NULL;
	const struct node *root = NULL;
	const char *main_file = w->l.file;
	size_t len = 0;
	int r;

	w->l.file = load_intern(&w->l, path);
	if (!w->l.file) {
		w->l.file = main_file;
		return;
	}
	r = input_read(path, true, &text, &len);
	if (r < 0) {
		load_error(&w->l, NULL, "cannot be read: %s", input_error(r));
	} else {
		r = node_parse_yaml(w->l.file, text, len, w->l.report, &tree, &root);
		w->l.is_out_of_memory |= r == -ENOMEM;
		if (r == 0 && !root)
			load_error(&w->l, NULL, "is empty, allowed: the mapping of one trunk");
		else if (r == 0)
			add_trunk(w, root);
	}
	w->l.file = main_file;
}

static int is_trunk_file(const struct dirent *d)
{
	size_t len = strlen(d->d_name);

	return d->d_name[0] != '.' && len > 5 && strcmp(d->d_name + len - 5, ".yaml") == 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void read_trunks_dir(struct whole *w, const struct node *root)
{
	const struct node *n = node_find(root, "trunks_dir");
	const char *s = TRUNKS_DIR;
	CLEANUP(freep) char *dir = NULL;
	struct dirent **names = NULL;
	size_t len = load_push(&w->l, "trunks_dir");
	int cnt = -1;

	if (n)
		s = schema_text(&w->l, n, "a directory of trunk files");
	dir = s && *s ? input_join(w->l.dir, s) : NULL;
	if (s && !*s)
		load_error(&w->l, n, "is empty, allowed: a directory of trunk files");
	if (dir && (cnt = scandir(dir, &names, is_trunk_file, by_bytes)) < 0 && (n || errno != ENOENT))
		load_error(&w->l, n, "%s: %s", dir, strerror(errno));
	load_pop(&w->l, len);
	for (int i = 0; i < cnt; i++) {
		CLEANUP(freep) char *path = input_join(dir, names[i]->d_name);

		w->l.is_out_of_memory |= !path;
		if (path)
			read_trunk_file(w, path);
		free(names[i]);
	}
	free(names);
}

/* certificates.root, like all paths of the file, starts at the file's directory. */
static void resolve_root(struct load *l)
{
	char *root = input_join(l->dir, l->g->cert_root);

	l->is_out_of_memory |= !root;
	if (root) {
		free(l->g->cert_root);
		l->g->cert_root = root;
	}
}

static void read_all(struct whole *w, const char *text, size_t len)
{
	CLEANUP(node_tree_freep) struct node_tree *tree = NULL;
	const struct node *root = NULL;
	struct load *l = &w->l;
	int r = node_parse_yaml(l->file, text, len, l->report, &tree, &root);

	l->is_out_of_memory |= r == -ENOMEM;
	if (r < 0)
		return;
	if (!root || root->kind != NODE_MAPPING) {
		load_error(l, root, "is no configuration, allowed: a mapping with gateway, certificates, trunks ...");
		return;
	}
	schema_apply(l, keys_file, root, l->g);
	resolve_root(l);
	check_gateway(l, root);
	read_defaults(l, root);
	read_trunks(w, root);
	read_trunks_dir(w, root);
	check_trunks(l, w->is_broken);
	l->defaults = NULL; /* goes with the tree */
}

/* Absolute directory of the file: the daemon may change its own. */
static char *dir_of(const char *name)
{
	CLEANUP(freep) char *copy = strdup(name);
	char *abs;

	if (!copy)
		return NULL;
	abs = realpath(dirname(copy), NULL);
	return abs ? abs : strdup(".");
}

int config_load_buffer(const char *name, const char *text, size_t len, struct gateway **ret,
		       struct config_report *report)
{
	CLEANUP(gateway_freep) struct gateway *g = gateway_new();
	CLEANUP(freep) char *dir = dir_of(name);
	struct whole w = { .l = { .g = g, .report = report, .dir = dir } };
	size_t errors = report->error_cnt;

	if (!g || !dir || !(w.l.file = load_intern(&w.l, name)))
		return -ENOMEM;
	if (len > NODE_FILE_MAX)
		load_error(&w.l, NULL, "%s", input_error(-EFBIG));
	else
		read_all(&w, text, len);
	free(w.is_broken);
	if (w.l.is_out_of_memory)
		return -ENOMEM;
	if (report->error_cnt != errors)
		return -EINVAL;
	*ret = TAKE(g);
	return 0;
}

int config_load(const char *path, struct gateway **ret, struct config_report *report)
{
	struct model_pos pos = { path, 0, 0 };
	CLEANUP(freep) char *text = NULL;
	size_t len = 0;
	int r = input_read(path, false, &text, &len);

	if (r < 0) {
		config_report_add(report, true, &pos, NULL, "cannot be read: %s", input_error(r));
		return r == -EINVAL ? -EIO : r;
	}
	return config_load_buffer(path, text, len, ret, report);
}
