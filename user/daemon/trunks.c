/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/trunks.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "config/input.h"
#include "config/store.h"
#include "config/text.h"
#include "daemon/api_paths.h"
#include "daemon/daemon.h"
#include "daemon/trunkfile.h"

/* What happens to the file between "everything is checked" and "it is live". */
struct filing {
	const char *dir, *name;
	struct store_file file; /* new contents, ready; unused when the trunk goes */
	bool is_removal;
	const json_t *former; /* keys of the file before; NULL: there was none */
	ino_t inode;	      /* of the file before; 0: there was none */
};

/* A file that was replaced has another inode. */
static ino_t inode_of(const struct filing *g)
{
	char path[PATH_MAX];
	struct stat st;

	return store_path(g->dir, g->name, path) == 0 && lstat(path, &st) == 0 ? st.st_ino : 0;
}

/* ---- what may be changed ---- */

static bool is_name(const char *s)
{
	return s && strlen(s) <= TRUNK_NAME_MAX && !text_trunk_name(s);
}

static const struct trunk *find(const struct sipseald *d, const char *name, struct fault *f)
{
	const struct live_trunk *t = is_name(name) ? live_find(d->live, name) : NULL;

	if (t)
		return t->trunk;
	if (is_name(name))
		fault_set(f, "no_such_trunk", "there is no trunk %s", name);
	else
		fault_set(f, "no_such_trunk", "there is no trunk of that name");
	return NULL;
}

static int hand_written(const char *path, const char *name, struct fault *f)
{
	return fault_set(f, "hand_written",
			 "trunk %s stands in %s, which was written by hand: change it there, "
			 "then reload",
			 name, path);
}

/* Only a regular file of ours, under the name that we gave it: a link or a renamed one is
 * somebody's work. */
static int check_place(const struct sipseald *d, const struct trunk *t, struct fault *f)
{
	char path[PATH_MAX];
	struct stat st;

	if (!t->is_managed || store_path(config_trunks_dir(d->config), t->name, path) < 0 ||
	    strcmp(path, t->file))
		return hand_written(t->file, t->name, f);
	if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return hand_written(path, t->name, f);
	return 0;
}

/* A file that is there but not loaded: from somebody who has not reloaded yet, or who must be
 * asked. */
static int check_free(const struct sipseald *d, const char *name, const char *path, struct fault *f)
{
	CLEANUP(freep) char *text = NULL;
	size_t len = 0;
	struct stat st;

	if (live_find(d->live, name))
		return fault_set(f, "exists", "there is a trunk %s already, in %s", name,
				 live_find(d->live, name)->trunk->file);
	if (lstat(path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR
			       ? 0
			       : fault_set(f, "storage", "%s: %s", path, strerror(errno));
	if (S_ISREG(st.st_mode) && input_read(path, true, &text, &len) == 0 &&
	    store_is_ours(text, len))
		return fault_set(f, "exists", "%s is there, but not loaded: reload, or remove it",
				 path);
	return fault_set(f, "hand_written",
			 "%s is there, but not loaded, and was written by hand: reload, or "
			 "remove it",
			 path);
}

/* ---- file and generation as one ---- */

static int file_persist(void *ctx, struct fault *f)
{
	struct filing *g = ctx;
	char err[STORE_ERR_LEN] = "";
	int r = g->is_removal ? store_remove(g->dir, g->name, err) : store_commit(&g->file, err);

	if (r == -EEXIST) /* since a moment ago */
		return fault_set(f, "hand_written", "trunk %s: %s", g->name, err);
	if (r < 0 && !(g->is_removal && r == -ENOENT)) /* gone already is as good */
		return fault_set(f, "storage", "trunk %s: %s", g->name, err);
	return 0;
}

/* The change was given up when the file was in place already (a failed fsync, for one): as it was.
 */
static void file_undo(struct filing *g)
{
	char err[STORE_ERR_LEN] = "";
	struct store_file file = { 0 };
	int r;

	if (inode_of(g) == g->inode)
		return;
	if (!g->former) {
		r = store_remove(g->dir, g->name, err);
		if (r == -ENOENT || r == -EEXIST)
			r = 0;
	} else {
		r = store_prepare(g->dir, g->name, g->former, &file, err);
		if (r == 0)
			r = store_commit(&file, err);
		store_abandon(&file);
	}
	if (r < 0)
		log_err("event=trunk_file trunk=%s reason=\"%s\" action=\"the file may not be what "
			"runs: look, "
			"then sipseal config reload\"",
			g->name, err);
}

static int change(struct sipseald *d, struct filing *g, struct trunk *put, struct fault *f)
{
	const struct generation_change c = {
		.put = put ? &put : NULL,
		.put_cnt = put ? 1 : 0,
		.drop = put ? NULL : &g->name,
		.drop_cnt = put ? 0 : 1,
		.regulatory = -1,
		.persist = file_persist,
		.ctx = g,
	};

	g->inode = inode_of(g);
	if (generation_change(d, &c, f, NULL) == 0)
		return 0;
	store_abandon(&g->file);
	file_undo(g);
	return fault_set(f, "internal", "the change was given up"); /* the first one stands */
}

/* What was refused stands in a request, which has no lines, not in the file that would have been made of it. */
static void forget_place(struct config_report *r, const char *path)
{
	for (size_t i = 0; i < r->cnt; i++) {
		struct config_message *m = &r->m[i];

		if (m->file && strcmp(m->file, path) == 0) {
			freep(&m->file);
			m->file = NULL;
		}
	}
}

/* The trunk of @keys becomes live and its file written.  @former: NULL: it is new. */
static int put(struct sipseald *d, const char *path, const json_t *keys, const json_t *former,
	       const struct trunk *old, struct fault *f)
{
	CLEANUP(trunk_freep) struct trunk *t = NULL;
	struct filing g = { .dir = config_trunks_dir(d->config), .former = former };
	char err[STORE_ERR_LEN] = "";
	int r;

	if (trunkfile_build(d->config, path, keys, &t, f) < 0)
		return -EINVAL;
	if (old && memcmp(old->digest, t->digest, sizeof(t->digest)) == 0)
		return 0; /* written differently, means the same */
	g.name = t->name;
	r = store_prepare(g.dir, g.name, keys, &g.file, err);
	if (r == -EEXIST)
		return fault_set(f, "hand_written", "%s", err);
	if (r < 0)
		return fault_set(f, "storage", "%s", err);
	r = change(d, &g, t, f);
	forget_place(&f->report, path);
	if (r == 0)
		t = NULL; /* the daemon's now */
	return r;
}

/* ---- the four calls ---- */

/* Files of ours give numbers_file relative to certificates.root, and nothing outside of it is read
 * for them. */
static void numbers_below_root(const struct sipseald *d, json_t *keys)
{
	const char *root = config_gateway(d->config)->cert_root;
	const char *path = json_string_value(json_object_get(keys, "numbers_file"));
	size_t len = strlen(root);

	if (!path || strncmp(path, root, len) || path[len] != '/')
		return;
	path += len + strspn(path + len, "/");
	json_object_set_new(keys, "numbers_file",
			    json_string(path)); /* failed: refused further down */
}

/* All that is wrong with a trunk that cannot even be named. */
static int refuse_nameless(const struct sipseald *d, const json_t *keys, struct fault *f)
{
	CLEANUP(trunk_freep) struct trunk *t = NULL;

	if (trunkfile_build(d->config, "(request)", keys, &t, f) < 0)
		return -EINVAL;
	config_report_add(&f->report, true, NULL, "name", "is no text, allowed: a name in quotes");
	return fault_set(f, "invalid", "the trunk is refused: its name is no text");
}

int trunks_add(struct sipseald *d, const json_t *body, struct fault *f)
{
	CLEANUP(json_freep) json_t *keys = NULL;
	char path[PATH_MAX];
	const char *name;

	if (trunkfile_request(body, &keys, f) < 0)
		return -EINVAL;
	name = json_string_value(json_object_get(keys, "name"));
	if (!is_name(name)) /* and never becomes a path */
		return refuse_nameless(d, keys, f);
	if (store_path(config_trunks_dir(d->config), name, path) < 0)
		return fault_set(f, "storage", "%s: the path is too long",
				 config_trunks_dir(d->config));
	if (check_free(d, name, path, f) < 0 || api_paths_check(keys, f) < 0)
		return -EINVAL;
	numbers_below_root(d, keys);
	return put(d, path, keys, NULL, NULL, f);
}

static int check_same_name(const json_t *patch, const char *name, struct fault *f)
{
	json_t *n = json_object_get(patch, "name");
	const char *s = json_string_value(n);

	if (!n || (s && strcmp(s, name) == 0))
		return 0;
	config_report_add(&f->report, true, NULL, "name", "cannot change, allowed: %s", name);
	return fault_set(f, "invalid",
			 "the name of a trunk cannot change: add a new one, remove %s", name);
}

/* What a merge takes away is checked by nobody later: a misspelt key would be a success. */
static int check_removals(const json_t *patch, const char *outer, struct fault *f)
{
	char path[256];
	const char *key;
	json_t *value;
	int r = 0;

	json_object_foreach ((json_t *)patch, key, value) {
		snprintf(path, sizeof(path), "%s%s%s", outer, *outer ? "." : "", key);
		if (json_object_size(value))
			r = check_removals(value, path, f) < 0 ? -EINVAL : r;
		else if ((json_is_null(value) || json_is_object(value)) &&
			 !config_key_check(path, &f->report))
			r = -EINVAL;
	}
	return r;
}

static int check_patch(const json_t *patch, const char *name, struct fault *f)
{
	if (check_same_name(patch, name, f) < 0)
		return -EINVAL;
	if (check_removals(patch, "", f) < 0)
		return fault_set(f, "invalid", "the trunk is refused: it has no such key");
	return 0;
}

int trunks_patch(struct sipseald *d, const char *name, const json_t *patch, struct fault *f)
{
	CLEANUP(json_freep) json_t *changes = NULL, *keys = NULL;
	CLEANUP(trunkfile_done) struct trunkfile file = { 0 };
	const struct trunk *t = find(d, name, f);

	if (!t || trunkfile_request(patch, &changes, f) < 0 ||
	    check_patch(changes, name, f) < 0 || check_place(d, t, f) < 0 ||
	    trunkfile_read(d->config, t, true, &file, f) < 0)
		return -EINVAL;
	if (!file.is_ours)
		return hand_written(t->file, t->name, f);
	if (!file.is_loaded)
		return fault_set(f, "changed_on_disk",
				 "%s, or its numbers_file, is not what was loaded: reload "
				 "first",
				 t->file);
	keys = json_deep_copy(file.keys);
	if (!keys || trunkfile_merge(keys, changes) < 0)
		return fault_set(f, "internal", "out of memory");
	numbers_below_root(d, keys);
	if (json_equal(keys, file.keys))
		return 0;
	if (api_paths_check(keys, f) < 0)
		return -EINVAL;
	return put(d, t->file, keys, file.keys, t, f);
}

int trunks_remove(struct sipseald *d, const char *name, struct fault *f)
{
	CLEANUP(trunkfile_done) struct trunkfile file = { 0 };
	struct filing g = { .dir = config_trunks_dir(d->config), .name = name, .is_removal = true };
	const struct trunk *t = find(d, name, f);

	if (!t || check_place(d, t, f) < 0)
		return -EINVAL;
	if (access(t->file, F_OK) == 0) {
		/* What was changed under our mark goes with the file, but not the trunk of another
		 * name. */
		if (trunkfile_read(d->config, t, false, &file, f) < 0)
			return -EINVAL;
		if (!file.is_ours)
			return hand_written(t->file, t->name, f);
		g.former = file.keys;
	}
	return change(d, &g, NULL, f);
}

json_t *trunks_export(struct sipseald *d, const char *name, struct fault *f)
{
	struct trunkfile file = { 0 };
	const struct trunk *t = find(d, name, f);

	if (!t || trunkfile_read(d->config, t, false, &file, f) < 0)
		return NULL;
	return file.keys;
}
