// SPDX-License-Identifier: BSD-2-Clause
#include "trunk/matchlayout.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include <utlist.h>

/* The keys that a peer with @port stands for, without port 0. */
unsigned matchlayout_targets(const struct matchset *ms, uint16_t port, uint16_t ret[MATCHLAYOUT_KEYS_MAX])
{
	if (port) {
		ret[0] = port;
		return 1;
	}
	memcpy(ret, ms->sip_ports, ms->sip_port_cnt * sizeof(*ret));
	return ms->sip_port_cnt;
}

/* The groups that a claim joins, by their ports. */
static unsigned claim_ports(const struct matchset *ms, const struct layout *l, uint16_t port,
			    uint16_t ret[MATCHLAYOUT_KEYS_MAX])
{
	unsigned n = l->is_mixed ? matchlayout_targets(ms, port, ret) : 0;

	ret[n++] = 0;
	return n;
}

/* The carrier keys that lead to a group, by their ports. */
static unsigned group_ports(const struct matchset *ms, const struct group *g, uint16_t ret[MATCHLAYOUT_KEYS_MAX])
{
	const struct layout *l = g->key.layout;
	unsigned n;

	if (l->is_mixed) {
		ret[0] = (uint16_t)g->key.port;
		return 1;
	}
	n = matchlayout_targets(ms, l->port, ret);
	ret[n++] = 0;
	return n;
}

static enum matchrows_table carrier_key(const struct address_key *a, uint16_t port, union matchrow_key *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (a->bits == 128) {
		memcpy(ret->peer.addr, a->addr, 16);
		ret->peer.port_be = htons(port);
		return MATCHROWS_PEERS;
	}
	ret->prefix.prefixlen = MATCHROWS_KEY_BITS + a->bits;
	memcpy(ret->prefix.addr, a->addr, 16);
	ret->prefix.port_be = htons(port);
	return MATCHROWS_PREFIXES;
}

union matchrow_key matchlayout_core_key(const struct group *g, const struct address_key *core)
{
	union matchrow_key key = { .core = { .prefixlen = MATCHROWS_KEY_BITS + core->bits,
					     .group_be = htonl(g->number) } };

	memcpy(key.core.addr, core->addr, 16);
	return key;
}

/* Set the carrier keys of a group, or make room for them only. */
static int group_show(struct matchset *ms, struct group *g)
{
	uint16_t ports[MATCHLAYOUT_KEYS_MAX];
	unsigned n = group_ports(ms, g, ports);
	union matchrow_key key;

	for (unsigned i = 0; i < n; i++) {
		enum matchrows_table table = carrier_key(g->key.layout->address, ports[i], &key);
		struct matchrow *row = matchrows_get(&ms->rows, table, &key);

		if (!row)
			return -ENOMEM;
		if (g->key.layout->is_live)
			matchrows_set(&ms->rows, row, (union matchrow_value){ .group = g->number });
	}
	g->is_shown = g->key.layout->is_live;
	return 0;
}

static void group_hide(struct matchset *ms, const struct group *g)
{
	uint16_t ports[MATCHLAYOUT_KEYS_MAX];
	unsigned n = group_ports(ms, g, ports);
	union matchrow_key key;

	for (unsigned i = 0; i < n; i++) {
		enum matchrows_table table = carrier_key(g->key.layout->address, ports[i], &key);
		struct matchrow *row = matchrows_find(&ms->rows, table, &key);

		/* of another layout of the same address: stays */
		if (row && (!row->is_there || row->value.group == g->number))
			matchrows_drop(&ms->rows, row);
	}
}

struct group *matchlayout_group(const struct matchset *ms, struct layout *l, uint16_t port)
{
	const struct group_key key = { l, port };
	struct group *g;

	HASH_FIND(hh, ms->groups, &key, sizeof(key), g);
	return g;
}

/* A number that a copy may still know rests until both have been drained. */
static void group_free(struct matchset *ms, struct group *g)
{
	group_hide(ms, g);
	HASH_DEL(ms->groups, g);
	g->rests = (1 << MATCHROWS_COPIES) - 1;
	LL_PREPEND(ms->resting, g);
}

static struct group *group_new(struct matchset *ms, struct layout *l, uint16_t port)
{
	struct group *g = ms->free;

	if (g) {
		LL_DELETE(ms->free, g);
	} else {
		g = calloc(1, sizeof(*g));
		if (!g)
			return NULL;
		g->number = ms->next_number++;
	}
	*g = (struct group){ .key = { l, port }, .number = g->number };
	HASH_ADD(hh, ms->groups, key, sizeof(g->key), g);
	if (!g->hh.tbl) {
		LL_PREPEND(ms->free, g);
		return NULL;
	}
	if (group_show(ms, g) < 0) {
		group_free(ms, g);
		return NULL;
	}
	return g;
}

static void group_put(struct matchset *ms, struct group *g)
{
	if (--g->users == 0)
		group_free(ms, g);
}

/* Two trunks with the same core prefix, of which one would do: the lower slot has it. */
static int core_share(struct matchset *ms, struct matchrow *row, const struct member *m)
{
	struct matchrow_heir *h = malloc(sizeof(*h));

	if (!h)
		return -ENOMEM;
	*h = (struct matchrow_heir){ m->value, 1, row->heirs };
	row->heirs = h;
	if (m->value.slot > row->value.core.slot)
		return 0;
	h->value = row->value.core;
	h->refs = row->refs;
	row->refs = 1;
	matchrows_set(&ms->rows, row, (union matchrow_value){ .core = m->value });
	return 0;
}

static int core_join(struct matchset *ms, const struct group *g, const struct member *m,
		     const struct address_key *core)
{
	const union matchrow_key key = matchlayout_core_key(g, core);
	struct matchrow *row = matchrows_get(&ms->rows, MATCHROWS_CORES, &key);

	if (!row)
		return -ENOMEM;
	if (row->is_there && row->value.core.slot != m->value.slot)
		return core_share(ms, row, m);
	row->refs = row->is_there ? row->refs + 1 : 1;
	matchrows_set(&ms->rows, row, (union matchrow_value){ .core = m->value });
	return 0;
}

/* The heir with the lowest slot takes over, with all that it had. */
static void core_inherit(struct matchset *ms, struct matchrow *row)
{
	struct matchrow_heir *first = row->heirs, *h, *next;

	if (!first) {
		matchrows_drop(&ms->rows, row);
		return;
	}
	LL_FOREACH(row->heirs, h)
		if (h->value.slot < first->value.slot)
			first = h;
	row->refs = 0;
	matchrows_set(&ms->rows, row, (union matchrow_value){ .core = first->value });
	LL_FOREACH_SAFE(row->heirs, h, next) {
		if (h->value.slot != row->value.core.slot)
			continue;
		row->refs += h->refs;
		LL_DELETE(row->heirs, h);
		free(h);
	}
}

static void core_leave(struct matchset *ms, const struct group *g, const struct member *m,
		       const struct address_key *core)
{
	const union matchrow_key key = matchlayout_core_key(g, core);
	struct matchrow *row = matchrows_find(&ms->rows, MATCHROWS_CORES, &key);
	struct matchrow_heir *h;

	if (row->value.core.slot == m->value.slot) {
		if (--row->refs == 0)
			core_inherit(ms, row);
		return;
	}
	LL_SEARCH_SCALAR(row->heirs, h, value.slot, m->value.slot);
	if (--h->refs)
		return;
	LL_DELETE(row->heirs, h);
	free(h);
}

static int group_join(struct matchset *ms, struct layout *l, uint16_t port, const struct member *m)
{
	struct group *g = matchlayout_group(ms, l, port);
	int r = 0;

	if (!g && !(g = group_new(ms, l, port)))
		return -ENOMEM;
	g->users++;
	for (size_t i = 0; i < m->core_cnt; i++) {
		r = core_join(ms, g, m, &m->cores[i]);
		if (r == 0)
			continue;
		while (i--)
			core_leave(ms, g, m, &m->cores[i]);
		group_put(ms, g);
		break;
	}
	return r;
}

static void group_leave(struct matchset *ms, struct layout *l, uint16_t port, const struct member *m)
{
	struct group *g = matchlayout_group(ms, l, port);

	for (size_t i = 0; i < m->core_cnt; i++)
		core_leave(ms, g, m, &m->cores[i]);
	group_put(ms, g);
}

int matchlayout_join(struct matchset *ms, struct layout *l, const struct claim *c)
{
	uint16_t ports[MATCHLAYOUT_KEYS_MAX];
	unsigned n = claim_ports(ms, l, c->port, ports);

	for (unsigned i = 0; i < n; i++) {
		int r = group_join(ms, l, ports[i], c->member);

		if (r == 0)
			continue;
		while (i--)
			group_leave(ms, l, ports[i], c->member);
		return r;
	}
	if (l->is_mixed && matchlayout_group(ms, l, c->port)->named++ == 0)
		l->named++;
	return 0;
}

void matchlayout_leave(struct matchset *ms, struct layout *l, const struct claim *c)
{
	uint16_t ports[MATCHLAYOUT_KEYS_MAX];
	unsigned n = claim_ports(ms, l, c->port, ports);

	if (l->is_mixed && --matchlayout_group(ms, l, c->port)->named == 0)
		l->named--;
	for (unsigned i = 0; i < n; i++)
		group_leave(ms, l, ports[i], c->member);
}

struct layout *matchlayout_new(const struct address_key *a, uint16_t port, bool is_mixed)
{
	struct layout *l = malloc(sizeof(*l));

	if (l)
		*l = (struct layout){ .address = a, .port = port, .is_mixed = is_mixed };
	return l;
}

/* The rows are there, so nothing can fail. */
void matchlayout_go_live(struct matchset *ms, struct layout *l, const struct claim *claims)
{
	uint16_t ports[MATCHLAYOUT_KEYS_MAX];
	const struct claim *c;

	l->is_live = true;
	DL_FOREACH(claims, c) {
		unsigned n = claim_ports(ms, l, c->port, ports);

		for (unsigned i = 0; i < n; i++) {
			struct group *g = matchlayout_group(ms, l, ports[i]);

			if (!g->is_shown)
				group_show(ms, g);
		}
	}
}
