// SPDX-License-Identifier: BSD-2-Clause
/* The public face: opening a configuration, and single trunks on top of an open one. */
#include "config/config.h"

#include <errno.h>
#include <libgen.h>
#include <string.h>

#include "config/input.h"
#include "config/keys.h"
#include "config/open.h"

void config_close(struct config *c)
{
	if (!c)
		return;
	gateway_free(c->g);
	trunk_free(c->defaults.base);
	free(c->dir);
	free(c->trunks_dir);
	free(c);
}

/* Absolute directory of the file: the daemon may change its own. */
static char *dir_of(const char *name)
{
	CLEANUP(freep) char *copy = strdup(name);
	char *abs;

	if (!copy)
		return NULL;
	abs = realpath(dirname(copy), NULL);
	return abs ? abs : realpath(".", NULL);
}

static struct config *config_new(const char *name)
{
	CLEANUP(config_closep) struct config *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->g = gateway_new();
	c->dir = dir_of(name);
	if (!c->g || !c->dir)
		return NULL;
	c->g->file = strdup(name);
	return c->g->file ? TAKE(c) : NULL;
}

int config_open_buffer(const char *name, const char *text, size_t len, struct config **ret,
		       struct config_report *report)
{
	CLEANUP(config_closep) struct config *c = config_new(name);
	int r = c ? load_all(c, text, len, report) : -ENOMEM;

	if (r < 0)
		return r;
	*ret = TAKE(c);
	return 0;
}

int config_open(const char *path, struct config **ret, struct config_report *report)
{
	struct model_pos pos = { path, 0, 0 };
	CLEANUP(freep) char *text = NULL;
	size_t len = 0;
	int r = input_read(path, false, &text, &len);

	if (r < 0) {
		config_report_add(report, true, &pos, NULL, "cannot be read: %s", input_error(r));
		return r == -EINVAL ? -EIO : r;
	}
	return config_open_buffer(path, text, len, ret, report);
}

struct gateway *config_gateway(const struct config *c)
{
	return c->g;
}

struct trunk **config_trunks_take(struct config *c, size_t *ret_cnt)
{
	*ret_cnt = c->g->trunk_cnt;
	c->g->trunk_cnt = 0;
	return TAKE(c->g->trunks);
}

const char *config_trunks_dir(const struct config *c)
{
	return c->trunks_dir;
}

/* A load of one trunk.  Return: false without memory. */
static bool begin(const struct config *c, struct config_report *report, struct load *ret)
{
	*ret = (struct load){ .g = c->g,
			      .report = report,
			      .dir = c->dir,
			      .defaults = &c->defaults,
			      .has_anchors = c->g->trust_anchors,
			      .is_cert_broken = c->is_cert_broken,
			      .digest = digest_new() };
	return ret->digest;
}

/* Takes @t; @errors: how many there were before. */
static int end(struct load *l, struct trunk *t, size_t errors, struct trunk **ret)
{
	CLEANUP(trunk_freep) struct trunk *own = t;

	digest_free(l->digest);
	if (l->is_out_of_memory)
		return -ENOMEM;
	if (l->report->error_cnt != errors || !own)
		return -EINVAL;
	*ret = TAKE(own);
	return 0;
}

int config_trunk(const struct config *c, const char *file, const struct node *map,
		 struct trunk **ret, struct config_report *report)
{
	size_t errors = report->error_cnt;
	struct trunk *t = NULL;
	struct load l;

	if (!begin(c, report, &l))
		return -ENOMEM;
	l.file = file;
	if (map->kind != NODE_MAPPING)
		load_error(&l, map,
			   "is no trunk, allowed: a mapping with name, carrier, attestation ...");
	else
		t = trunk_read(&l, file, map, true);
	return end(&l, t, errors, ret);
}

int config_trunk_file(const struct config *c, const char *file, struct trunk **ret,
		      bool *ret_is_ours, struct config_report *report)
{
	CLEANUP(freep) char *text = NULL;
	size_t errors = report->error_cnt, len = 0;
	struct trunk *t = NULL;
	struct load l;
	int r;

	if (!begin(c, report, &l))
		return -ENOMEM;
	l.file = file;
	r = input_read(file, true, &text, &len);
	if (r < 0)
		load_error(&l, NULL, "cannot be read: %s", input_error(r));
	else
		t = trunk_read_text(&l, file, text, len);
	r = end(&l, t, errors, ret);
	if (r == 0)
		*ret_is_ours = (*ret)->is_managed;
	return r;
}

/* The line of @dotted; NULL: there is none, and *ret_last is the table where it ought to stand (NULL: its
 * parent is no mapping). */
static const struct schema_key *key_find(const char *dotted, const struct schema_key **ret_last)
{
	const struct schema_key *keys = keys_trunk, *k;

	for (; keys; keys = k->keys) {
		size_t len = strcspn(dotted, ".");

		for (k = keys; k->name && (strncmp(k->name, dotted, len) || k->name[len]);)
			k++;
		*ret_last = keys;
		if (!k->name || !dotted[len])
			return k->name ? k : NULL;
		dotted += len + 1;
	}
	*ret_last = NULL;
	return NULL;
}

bool config_key_is_list(const char *dotted)
{
	const struct schema_key *last, *k = key_find(dotted, &last);

	return k && k->type == SCHEMA_LIST;
}

bool config_key_check(const char *dotted, struct config_report *report)
{
	struct load l = { .report = report };
	const struct schema_key *last;

	if (key_find(dotted, &last))
		return true;
	load_push(&l, "%s", dotted);
	if (last)
		schema_unknown(&l, last, NULL);
	else
		load_error(&l, NULL, "unknown key: what it stands in is no mapping");
	return false;
}

int config_load_buffer(const char *name, const char *text, size_t len, struct gateway **ret,
		       struct config_report *report)
{
	CLEANUP(config_closep) struct config *c = NULL;
	int r = config_open_buffer(name, text, len, &c, report);

	if (r == 0)
		*ret = TAKE(c->g);
	return r;
}

int config_load(const char *path, struct gateway **ret, struct config_report *report)
{
	CLEANUP(config_closep) struct config *c = NULL;
	int r = config_open(path, &c, report);

	if (r == 0)
		*ret = TAKE(c->g);
	return r;
}
