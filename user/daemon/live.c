/* SPDX-License-Identifier: BSD-2-Clause */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/credentials.h"
#include "daemon/live_internal.h"

int live_new(struct live **ret)
{
	CLEANUP(live_freep) struct live *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->slots = calloc(SIPSEAL_TRUNKS_MAX, sizeof(*l->slots));
	l->key_x5u = calloc(CREDENTIAL_KEYS_MAX, sizeof(*l->key_x5u));
	l->retired = calloc(CREDENTIAL_KEYS_MAX, sizeof(*l->retired));
	if (!l->slots || !l->key_x5u || !l->retired ||
	    rest_init(&l->slot_rest, SIPSEAL_TRUNKS_MAX) < 0 ||
	    rest_init(&l->line_rest, CREDENTIALS_MAX) < 0 ||
	    rest_init(&l->key_rest, CREDENTIAL_KEYS_MAX) < 0)
		return -ENOMEM;
	rest_take(&l->line_rest, 0, 0, true); /* LIVE_LINE_GATEWAY, for ever */
	*ret = TAKE(l);
	return 0;
}

static void credential_free(struct live_credential *c)
{
	assembled_credential_done(&c->now);
	free(c->config.cert_path);
	free(c->config.key_path);
	free(c->config.x5u);
	free(c->id);
	free(c);
}

static void trunk_done(struct live_trunk *t)
{
	trunk_free(t->trunk);
	free(t);
}

void live_free(struct live *l)
{
	struct live_credential *c, *next_c;
	struct live_trunk *t, *next_t;

	if (!l)
		return;
	HASH_ITER(hh, l->trunks, t, next_t)
	{
		HASH_DEL(l->trunks, t);
		trunk_done(t);
	}
	HASH_ITER(hh, l->credentials, c, next_c)
	{
		HASH_DEL(l->credentials, c);
		credential_free(c);
	}
	for (uint32_t i = 0; l->slots && i < l->slot_rest.fresh; i++)
		free(l->slots[i].name);
	for (uint32_t i = 0; l->key_x5u && i < l->key_rest.fresh; i++)
		free(l->key_x5u[i]);
	free(l->slots);
	free(l->key_x5u);
	free(l->retired);
	rest_done(&l->slot_rest);
	rest_done(&l->line_rest);
	rest_done(&l->key_rest);
	free(l);
}

struct live_trunk *live_trunk_find(struct live *l, const char *name)
{
	struct live_trunk *t;

	HASH_FIND_STR(l->trunks, name, t);
	return t;
}

int live_trunk_new(struct live *l, const char *name, uint64_t now_ns, uint32_t generation,
		   struct live_trunk **ret)
{
	CLEANUP(freep) struct live_trunk *t = calloc(1, sizeof(*t));
	int64_t slot;

	if (!t)
		return -ENOMEM;
	if ((slot = rest_take(&l->slot_rest, now_ns, generation, true)) < 0)
		return (int)slot;
	snprintf(t->name, sizeof(t->name), "%s", name);
	t->slot = (uint32_t)slot;
	l->slots[slot].trunk = t;
	HASH_ADD_STR(l->trunks, name, t);
	l->is_sorted = false;
	*ret = TAKE(t);
	return 0;
}

void live_trunk_undo(struct live *l, struct live_trunk *t)
{
	HASH_DEL(l->trunks, t);
	l->slots[t->slot].trunk = NULL;
	rest_untake(&l->slot_rest, t->slot);
	free(t);
}

void live_trunk_drop(struct live *l, struct live_trunk *t, uint64_t now_ns, uint32_t generation)
{
	struct live_slot *s = &l->slots[t->slot];

	HASH_DEL(l->trunks, t);
	s->trunk = NULL;
	free(s->name);
	s->name = strdup(t->name); /* NULL: its last events have no name */
	rest_give(&l->slot_rest, t->slot, now_ns, generation);
	trunk_done(t);
}

char *live_credential_id(const struct cert_config *c, bool is_gateway)
{
	char *id = NULL;

	/* no path and no x5u holds a newline: the schema wants printable text */
	if (is_gateway)
		return strdup("gateway");
	return asprintf(&id, "\n%s\n%s\n%s", c->cert_path, c->key_path, c->x5u) < 0 ? NULL : id;
}

struct live_credential *live_credential_find(struct live *l, const char *id)
{
	struct live_credential *c;

	HASH_FIND_STR(l->credentials, id, c);
	return c;
}

static bool config_copy(const struct cert_config *from, struct cert_config *to)
{
	to->cert_path = strdup(from->cert_path);
	to->key_path = strdup(from->key_path);
	to->x5u = strdup(from->x5u);
	return to->cert_path && to->key_path && to->x5u;
}

int live_credential_new(struct live *l, const struct cert_config *config, bool is_gateway,
			uint64_t now_ns, uint32_t generation, struct live_credential **ret)
{
	struct live_credential *c = calloc(1, sizeof(*c));
	int64_t line = LIVE_LINE_GATEWAY;

	if (!c)
		return -ENOMEM;
	c->now.key_fd = -1;
	c->id = live_credential_id(config, is_gateway);
	if (!c->id || !config_copy(config, &c->config)) {
		credential_free(c);
		return -ENOMEM;
	}
	if (!is_gateway && (line = rest_take(&l->line_rest, now_ns, generation, false)) < 0) {
		credential_free(c);
		return (int)line;
	}
	c->index = (uint32_t)line;
	c->key = UINT32_MAX;
	c->is_gateway = is_gateway;
	HASH_ADD_KEYPTR(hh, l->credentials, c->id, strlen(c->id), c);
	if (is_gateway)
		l->gateway = c;
	*ret = c;
	return 0;
}

static void credential_out(struct live *l, struct live_credential *c)
{
	HASH_DEL(l->credentials, c);
	if (l->gateway == c)
		l->gateway = NULL;
	credential_free(c);
}

void live_credential_undo(struct live *l, struct live_credential *c)
{
	if (!c->is_gateway)
		rest_untake(&l->line_rest, c->index);
	credential_out(l, c);
}

void live_credential_drop(struct live *l, struct live_credential *c, uint64_t now_ns,
			  uint32_t generation)
{
	if (!c->is_gateway)
		rest_give(&l->line_rest, c->index, now_ns, generation);
	credential_out(l, c);
}

void live_key_name(struct live *l, uint32_t key, const char *x5u)
{
	free(l->key_x5u[key]);
	l->key_x5u[key] = strdup(x5u); /* NULL: events have none */
}

void live_key_retire(struct live *l, uint32_t key)
{
	assert(l->retired_cnt < CREDENTIAL_KEYS_MAX);
	l->retired[l->retired_cnt++] = key;
}

const struct live_trunk *live_find(const struct live *l, const char *name)
{
	const struct live_trunk *t;

	HASH_FIND_STR(l->trunks, name, t);
	return t;
}

size_t live_cnt(const struct live *l)
{
	return HASH_COUNT(l->trunks);
}

static int by_name(const struct live_trunk *a, const struct live_trunk *b)
{
	return strcmp(a->name, b->name);
}

const struct live_trunk *live_first(const struct live *l)
{
	struct live *mine = (struct live *)(uintptr_t)l;

	/* put off until somebody wants the list: 100,000 trunks take some 50 ms */
	if (!l->is_sorted)
		HASH_SORT(mine->trunks, by_name);
	mine->is_sorted = true;
	return l->trunks;
}

const struct live_trunk *live_next(const struct live_trunk *t)
{
	return t->hh.next;
}

const struct live_trunk *live_slot(const struct live *l, uint32_t slot)
{
	return slot < l->slot_rest.fresh ? l->slots[slot].trunk : NULL;
}

const char *live_slot_name(const struct live *l, uint32_t slot)
{
	const struct live_trunk *t = live_slot(l, slot);

	if (t)
		return t->name;
	return slot < l->slot_rest.fresh ? l->slots[slot].name : NULL;
}

uint32_t live_slots(const struct live *l)
{
	return l->slot_rest.fresh;
}

const struct live_credential *live_credential_first(const struct live *l)
{
	return l->credentials;
}

const struct live_credential *live_credential_next(const struct live_credential *c)
{
	return c->hh.next;
}

size_t live_credential_cnt(const struct live *l)
{
	return HASH_COUNT(l->credentials);
}

const struct live_credential *live_gateway_credential(const struct live *l)
{
	return l->gateway;
}

const char *live_key_x5u(const struct live *l, uint32_t key)
{
	return key < l->key_rest.fresh ? l->key_x5u[key] : NULL;
}
