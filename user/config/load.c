// SPDX-License-Identifier: BSD-2-Clause
/* A whole configuration: the main file and all trunk files. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "config/check.h"
#include "config/input.h"
#include "config/keys.h"
#include "config/open.h"

#define TRUNKS_DIR "/etc/sipseal/trunks.d"

/* A load with what only this file needs. */
struct whole {
	struct load l;
	struct config *c;
	bool *is_broken; /* by index of g->trunks */
};

/* For one trunk more.  @n: for messages. */
static bool make_room(struct whole *w, const struct node *n)
{
	struct gateway *g = w->l.g;

	if (g->trunk_cnt == GATEWAY_TRUNKS_MAX) {
		load_error(&w->l, n, "is one trunk too many, allowed: %d", GATEWAY_TRUNKS_MAX);
		return false;
	}
	return load_grow(&w->l, &g->trunks, g->trunk_cnt, sizeof(*g->trunks)) &&
	       load_grow(&w->l, &w->is_broken, g->trunk_cnt, sizeof(*w->is_broken));
}

/* @errors: how many there were before the trunk was read. */
static void add(struct whole *w, struct trunk *t, size_t errors)
{
	struct gateway *g = w->l.g;

	if (!t)
		return;
	w->is_broken[g->trunk_cnt] = w->l.report->error_cnt != errors;
	g->trunks[g->trunk_cnt++] = t;
}

static void read_trunk(struct whole *w, const struct node *map)
{
	size_t errors = w->l.report->error_cnt;

	if (map->kind != NODE_MAPPING)
		load_error(&w->l, map,
			   "is no trunk, allowed: a mapping with name, carrier, attestation ...");
	else if (make_room(w, map))
		add(w, trunk_read(&w->l, w->l.file, map, false), errors);
}

static void read_trunks(struct whole *w, const struct node *root)
{
	const struct node *list = node_find(root, "trunks");
	size_t len = load_push(&w->l, "trunks"), item, i = 0;

	if (list && list->kind != NODE_SEQUENCE)
		load_error(&w->l, list, "is no list, allowed: a list of trunks");
	for (const struct node *n = list && list->kind == NODE_SEQUENCE ? list->first : NULL; n;
	     n = n->next) {
		item = load_push(&w->l, "[%zu]", i++);
		read_trunk(w, n);
		load_pop(&w->l, item);
	}
	load_pop(&w->l, len);
}

/* @path is @name in the directory @fd: walking there again for each file would cost more than
 * reading it. */
static void read_trunk_file(struct whole *w, int fd, const char *name, const char *path)
{
	CLEANUP(freep) char *text = NULL;
	const char *outer = w->l.file;
	size_t errors = w->l.report->error_cnt, len = 0;
	int r = input_read_at(fd, name, true, &text, &len);

	w->l.file = path;
	if (r < 0)
		load_error(&w->l, NULL, "cannot be read: %s", input_error(r));
	else if (make_room(w, NULL))
		add(w, trunk_read_text(&w->l, path, text, len), errors);
	w->l.file = outer;
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

static void read_trunk_files(struct whole *w, int fd, struct dirent **names, int cnt)
{
	for (int i = 0; i < cnt; i++) {
		CLEANUP(freep) char *path = input_join(w->c->trunks_dir, names[i]->d_name);

		w->l.is_out_of_memory |= !path;
		if (path)
			read_trunk_file(w, fd, names[i]->d_name, path);
		free(names[i]);
	}
	free(names);
}

static void read_trunks_dir(struct whole *w, const struct node *root)
{
	const struct node *n = node_find(root, "trunks_dir");
	const char *s = n ? schema_text(&w->l, n, "a directory of trunk files") : TRUNKS_DIR;
	CLEANUP(closep) int fd = -1;
	struct dirent **names = NULL;
	int cnt = -1;

	if (!s)
		return;
	if (!*s) {
		load_error(&w->l, n, "is empty, allowed: a directory of trunk files");
		return;
	}
	w->c->trunks_dir = input_join(w->l.dir, s);
	if (!w->c->trunks_dir) {
		w->l.is_out_of_memory = true;
		return;
	}
	fd = open(w->c->trunks_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		cnt = scandirat(fd, ".", &names, is_trunk_file, by_bytes);
	if (cnt < 0 && (n || errno != ENOENT))
		load_error(&w->l, n, "%s: %s", w->c->trunks_dir, strerror(errno));
	*w->l.path = '\0';
	read_trunk_files(w, fd, names, cnt);
}

static void resolve(struct load *l, const char *dir, char **path)
{
	char *joined = input_join(dir, *path);

	l->is_out_of_memory |= !joined;
	if (joined) {
		free(*path);
		*path = joined;
	}
}

/* certificates.root, like all paths of the file, starts at the file's directory. */
static void resolve_paths(struct load *l)
{
	resolve(l, l->dir, &l->g->cert_root);
	if (l->g->https_ca)
		resolve(l, l->g->cert_root, &l->g->https_ca);
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
		load_error(l, root,
			   "is no configuration, allowed: a mapping with gateway, certificates, "
			   "trunks ...");
		return;
	}
	schema_apply(l, keys_file, root, l->g);
	resolve_paths(l);
	check_gateway(l, root);
	defaults_read(l, root, &w->c->defaults);
	if (l->is_out_of_memory)
		return;
	l->defaults = &w->c->defaults;
	read_trunks(w, root);
	load_push(l, "trunks_dir");
	read_trunks_dir(w, root);
	load_pop(l, 0);
	check_trunks(l, w->is_broken);
	check_unverified(l, root);
}

int load_all(struct config *c, const char *text, size_t len, struct config_report *report)
{
	CLEANUP(digest_freep) struct digest *digest = digest_new();
	struct whole w = { .l = { .g = c->g,
				  .report = report,
				  .dir = c->dir,
				  .file = c->g->file,
				  .digest = digest },
			   .c = c };
	size_t errors = report->error_cnt;

	if (!digest)
		return -ENOMEM;
	if (len > NODE_FILE_MAX)
		load_error(&w.l, NULL, "%s", input_error(-EFBIG));
	else
		read_all(&w, text, len);
	free(w.is_broken);
	c->is_cert_broken = w.l.is_cert_broken;
	if (w.l.is_out_of_memory)
		return -ENOMEM;
	return report->error_cnt != errors ? -EINVAL : 0;
}
