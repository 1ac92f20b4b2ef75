/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/reload_diff.h"

#include <errno.h>
#include <string.h>

#include "config/config.h"
#include "config/render.h"
#include "daemon/trunkfile.h"

void reload_diff_done(struct reload_diff *r)
{
	for (size_t i = 0; i < r->put_cnt; i++)
		trunk_free(r->put[i]);
	free(r->put);
	free(r->drop);
	json_decref(r->added);
	json_decref(r->removed);
	json_decref(r->changed);
	json_decref(r->gateway);
	memset(r, 0, sizeof(*r));
}

/* ---- one trunk ---- */

static bool is_same_text(const struct trunk *a, const struct trunk *b)
{
	return memcmp(a->digest, b->digest, sizeof(a->digest)) == 0;
}

static bool is_same_place(const struct trunk *a, const struct trunk *b)
{
	return a->is_managed == b->is_managed && strcmp(a->file, b->file) == 0;
}

static bool is_same_numbers(const struct trunk *a, const struct trunk *b)
{
	return a->has_numbers == b->has_numbers && a->number_cnt == b->number_cnt &&
	       (!a->number_cnt ||
		memcmp(a->numbers, b->numbers, a->number_cnt * sizeof(*a->numbers)) == 0);
}

static size_t find_key(const json_t *keys, const char *key)
{
	size_t i = 0;

	while (i < json_array_size(keys) &&
	       strcmp(json_string_value(json_object_get(json_array_get(keys, i), "key")), key))
		i++;
	return i;
}

static bool has_key(const json_t *keys, const char *key)
{
	return find_key(keys, key) < json_array_size(keys);
}

static int add_numbers(json_t *keys, const struct trunk *from, const struct trunk *to)
{
	return json_array_append_new(keys, json_pack("{s:s,s:{s:I},s:{s:I}}", "key", "numbers",
						     "from", "count", (json_int_t)from->number_cnt,
						     "to", "count", (json_int_t)to->number_cnt));
}

/* New reference; NULL: no memory. */
static json_t *changed_keys(const struct trunk *from, const struct trunk *to)
{
	CLEANUP(json_freep) json_t *a = render_trunk(from), *b = render_trunk(to);
	CLEANUP(json_freep) json_t *keys = a && b ? render_diff(a, b) : NULL;

	if (!keys)
		return NULL;
	/* one is filled in, the other not yet; it stays what it is */
	if (from->origid_mode == ORIGID_TRUNK && to->origid_mode == ORIGID_TRUNK)
		json_array_remove(keys, find_key(keys, "origid"));
	/* those that differ stand behind the ones that are shown */
	if (!is_same_numbers(from, to) && !has_key(keys, "numbers") &&
	    add_numbers(keys, from, to) < 0)
		return NULL;
	if (strcmp(from->file, to->file) &&
	    json_array_append_new(keys, json_pack("{s:s,s:o,s:o}", "key", "file", "from",
						  render_text(from->file), "to",
						  render_text(to->file))) < 0)
		return NULL;
	if (from->is_managed != to->is_managed &&
	    json_array_append_new(keys, json_pack("{s:s,s:b,s:b}", "key", "managed", "from",
						  from->is_managed, "to", to->is_managed)) < 0)
		return NULL;
	return TAKE(keys);
}

static int add_changed(struct reload_diff *r, const struct trunk *from, const struct trunk *to)
{
	bool is_shown = json_array_size(r->changed) < RELOAD_KEYS_MAX;
	json_t *keys = is_shown ? changed_keys(from, to) : json_null();

	if (!keys || json_array_append_new(r->changed, json_pack("{s:s,s:o}", "name", to->name,
								 "keys", keys)) < 0)
		return -ENOMEM;
	return 0;
}

/* ---- all of them ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp((*(struct trunk *const *)a)->name, (*(struct trunk *const *)b)->name);
}

static int to_name(const void *name, const void *t)
{
	return strcmp(name, (*(struct trunk *const *)t)->name);
}

/* Before the new ones are taken apart: who is not among them goes. */
static int find_removed(const struct live *l, struct trunk *const *trunks, size_t cnt,
			struct reload_diff *r)
{
	for (const struct live_trunk *t = live_first(l); t; t = live_next(t)) {
		if (cnt && bsearch(t->trunk->name, trunks, cnt, sizeof(*trunks), to_name))
			continue;
		if (json_array_append_new(r->removed, json_string(t->trunk->name)) < 0)
			return -ENOMEM;
	}
	r->drop = calloc(json_array_size(r->removed) + 1, sizeof(*r->drop));
	if (!r->drop)
		return -ENOMEM;
	for (; r->drop_cnt < json_array_size(r->removed); r->drop_cnt++)
		r->drop[r->drop_cnt] = json_string_value(json_array_get(r->removed, r->drop_cnt));
	return 0;
}

/* Takes @t: into r->put, or to nothing. */
static int sort_in(const struct live *l, struct trunk *t, struct reload_diff *r)
{
	const struct live_trunk *old = live_find(l, t->name);

	if (old && is_same_text(old->trunk, t) && is_same_place(old->trunk, t)) {
		trunk_free(t);
		return 0;
	}
	r->put[r->put_cnt++] = t;
	if (old)
		return add_changed(r, old->trunk, t);
	return json_array_append_new(r->added, json_string(t->name)) < 0 ? -ENOMEM : 0;
}

int reload_diff_trunks(const struct live *l, struct trunk **trunks, size_t cnt,
		       struct reload_diff *r)
{
	int e = 0;

	if (cnt)
		qsort(trunks, cnt, sizeof(struct trunk *), by_name);
	r->added = json_array();
	r->removed = json_array();
	r->changed = json_array();
	r->put = calloc(cnt + 1, sizeof(struct trunk *));
	if (!r->added || !r->removed || !r->changed || !r->put)
		e = -ENOMEM;
	if (e == 0)
		e = find_removed(l, trunks, cnt, r);
	for (size_t i = 0; i < cnt; i++) {
		if (e == 0)
			e = sort_in(l, trunks[i], r);
		else
			trunk_free(trunks[i]);
	}
	free(trunks);
	return e;
}

/* ---- the gateway ---- */

int reload_diff_gateway(const struct config *from, const struct config *to, struct reload_diff *r)
{
	CLEANUP(json_freep) json_t *a = render_gateway(config_gateway(from));
	CLEANUP(json_freep) json_t *b = render_gateway(config_gateway(to));
	const char *old = config_trunks_dir(from), *new = config_trunks_dir(to);

	r->gateway = a && b ? render_diff(a, b) : NULL;
	if (!r->gateway)
		return -ENOMEM;
	if (strcmp(old, new) == 0 || has_key(r->gateway, "trunks_dir"))
		return 0;
	return json_array_append_new(r->gateway,
				     json_pack("{s:s,s:o,s:o}", "key", "trunks_dir", "from",
					       render_text(old), "to", render_text(new))) < 0
		       ? -ENOMEM
		       : 0;
}

bool reload_needs_restart(const char *key)
{
	/* NICs, rings, workers and pins are set up once; the sockets must be ours before traffic
	 * flows; what a peer without a port stands for is in the match tables of all trunks */
	static const char *const keys[] = {
		"gateway.mode",	       "gateway.interfaces", "gateway.xdp_mode",
		"gateway.fast_path",   "gateway.sip_ports",  "gateway.workers",
		"gateway.umem_frames", "gateway.idle",	     "gateway.bpffs",
		"control.socket",      "control.metrics",    "certificates.trust_anchors",
		"certificates.crl",    "certificates.profile", "fetch",
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		size_t len = strlen(keys[i]);

		if (strncmp(key, keys[i], len) == 0 &&
		    (!key[len] || key[len] == '.' || key[len] == '['))
			return true;
	}
	return false;
}
