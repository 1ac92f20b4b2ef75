// SPDX-License-Identifier: BSD-2-Clause
#include "trunk/matchlayout.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <string.h>

#include <utlist.h>

/* More cannot be meant (100,000 trunks with 100 core prefixes each). */
#define CORES_MAX 10000000u
#define NS_PER_S  1000000000u

struct address {
	struct address_key key;
	struct layout *layout;
	struct claim *claims;
	UT_hash_handle hh;
};

int matchset_new(const uint16_t *sip_ports, unsigned sip_port_cnt, struct matchset **ret)
{
	static uint64_t serial;
	struct matchset *ms;

	if (sip_port_cnt > SIPSEAL_SIP_PORTS_MAX)
		return -E2BIG;
	ms = calloc(1, sizeof(*ms));
	if (!ms)
		return -ENOMEM;
	memcpy(ms->sip_ports, sip_ports, sip_port_cnt * sizeof(*sip_ports));
	ms->sip_port_cnt = sip_port_cnt;
	ms->serial = __atomic_add_fetch(&serial, 1, __ATOMIC_RELAXED);
	*ret = ms;
	return 0;
}

static void groups_free(struct group *list)
{
	struct group *g, *next;

	LL_FOREACH_SAFE(list, g, next)
		free(g);
}

static void member_free(struct member *m)
{
	free(m->cores);
	free(m);
}
DEFINE_FREEP(struct member *, member_free)

void matchset_free(struct matchset *ms)
{
	struct member *m, *next_m;
	struct address *a, *next_a;
	struct group *g, *next_g;

	if (!ms)
		return;
	HASH_ITER(hh, ms->members, m, next_m) {
		HASH_DEL(ms->members, m);
		member_free(m);
	}
	HASH_ITER(hh, ms->addresses, a, next_a) {
		HASH_DEL(ms->addresses, a);
		free(a->layout);
		free(a);
	}
	HASH_ITER(hh, ms->groups, g, next_g) {
		HASH_DEL(ms->groups, g);
		free(g);
	}
	groups_free(ms->resting);
	groups_free(ms->free);
	matchrows_done(&ms->rows);
	free(ms);
}

/* All trunks of an address into another layout.  Return: 0; -ENOMEM: it has the one of before. */
static int address_convert(struct matchset *ms, struct address *a, bool is_mixed)
{
	struct layout *old = a->layout, *l = matchlayout_new(&a->key, a->claims->port, is_mixed);
	const struct claim *c, *done;

	if (!l)
		return -ENOMEM;
	DL_FOREACH(a->claims, c)
		if (matchlayout_join(ms, l, c) < 0)
			break;
	if (c) {
		for (done = a->claims; done != c; done = done->next)
			matchlayout_leave(ms, l, done);
		free(l);
		return -ENOMEM;
	}
	DL_FOREACH(a->claims, c)
		matchlayout_leave(ms, old, c);
	matchlayout_go_live(ms, l, a->claims);
	a->layout = l;
	free(old);
	return 0;
}

static struct address *address_find(const struct matchset *ms, const struct peer *p)
{
	struct address_key key = { .bits = p->bits };
	struct address *a;

	memcpy(key.addr, p->addr, 16);
	HASH_FIND(hh, ms->addresses, &key, sizeof(key), a);
	return a;
}

static struct address *address_new(struct matchset *ms, const struct peer *p)
{
	struct address *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	memcpy(a->key.addr, p->addr, 16);
	a->key.bits = p->bits;
	a->layout = matchlayout_new(&a->key, p->port, false);
	if (a->layout) {
		a->layout->is_live = true;
		HASH_ADD(hh, ms->addresses, key, sizeof(a->key), a);
		if (a->hh.tbl)
			return a;
	}
	free(a->layout);
	free(a);
	return NULL;
}

/* After a claim has gone or failed: an address without claims goes, too; one that all trunks name in the same
 * way again needs one group only, and lives on without that where memory is short. */
static void address_settle(struct matchset *ms, struct address *a)
{
	if (a->claims) {
		if (a->layout->is_mixed && a->layout->named == 1)
			address_convert(ms, a, false);
		return;
	}
	HASH_DEL(ms->addresses, a);
	free(a->layout);
	free(a);
}

static int claim_add(struct matchset *ms, struct claim *c, const struct peer *p)
{
	struct address *a = address_find(ms, p);
	int r = 0;

	if (!a && !(a = address_new(ms, p)))
		return -ENOMEM;
	if (a->claims && !a->layout->is_mixed && a->layout->port != p->port)
		r = address_convert(ms, a, true);
	c->address = a;
	c->port = p->port;
	if (r == 0)
		r = matchlayout_join(ms, a->layout, c);
	if (r == 0)
		DL_PREPEND(a->claims, c);
	else
		address_settle(ms, a);
	return r;
}

static void claim_remove(struct matchset *ms, struct claim *c)
{
	matchlayout_leave(ms, c->address->layout, c);
	DL_DELETE(c->address->claims, c);
	address_settle(ms, c->address);
}

/* Its core prefixes and what it asks for; no claims yet. */
static struct member *member_new(uint32_t slot, const struct trunk *t)
{
	CLEANUP(member_freep) struct member *m = calloc(1, sizeof(*m) + t->carrier_cnt * sizeof(m->claims[0]));

	if (!m)
		return NULL;
	m->core_cnt = t->core_cnt ? t->core_cnt : 1; /* none: the prefix of length 0 */
	m->cores = calloc(m->core_cnt, sizeof(*m->cores));
	if (!m->cores)
		return NULL;
	for (size_t i = 0; i < t->core_cnt; i++) {
		memcpy(m->cores[i].addr, t->core_peers[i].addr, 16);
		m->cores[i].bits = t->core_peers[i].bits;
	}
	m->value.slot = slot;
	if (t->max_cps)
		m->value.interval_ns = t->max_cps < NS_PER_S ? NS_PER_S / t->max_cps : 1;
	if (t->verification.is_enabled)
		m->value.flags = SIPSEAL_CORE_F_VERIFY | (t->verification.wait_ms ? SIPSEAL_CORE_F_CANCEL : 0);
	return TAKE(m);
}

/* The slot that stands where @m wants to, in one group; or -1. */
static int64_t group_conflict(const struct matchset *ms, const struct group *g, const struct member *m)
{
	for (size_t i = 0; g && i < m->core_cnt; i++) {
		const union matchrow_key key = matchlayout_core_key(g, &m->cores[i]);
		const struct matchrow *row = matchrows_find(&ms->rows, MATCHROWS_CORES, &key);

		if (row && row->is_there)
			return row->value.core.slot;
	}
	return -1;
}

/* Do two ways to name an address have a port in common? */
static bool ports_overlap(const struct matchset *ms, uint16_t x, uint16_t y)
{
	uint16_t ports[MATCHLAYOUT_KEYS_MAX];
	unsigned n;

	if (x == y || (x && y))
		return x == y;
	n = matchlayout_targets(ms, 0, ports);
	while (n--) {
		if (ports[n] == (x ? x : y))
			return true;
	}
	return false;
}

/* The slot that stands where @m wants to, at one carrier peer; or -1. */
static int64_t peer_conflict(const struct matchset *ms, const struct peer *p, const struct member *m)
{
	const struct address *a = address_find(ms, p);
	uint16_t ports[MATCHLAYOUT_KEYS_MAX];
	int64_t slot = -1;
	unsigned n;

	if (!a)
		return -1;
	if (!a->layout->is_mixed)
		return ports_overlap(ms, p->port, a->layout->port) ?
		       group_conflict(ms, matchlayout_group(ms, a->layout, 0), m) : -1;
	n = matchlayout_targets(ms, p->port, ports);
	while (n-- && slot < 0)
		slot = group_conflict(ms, matchlayout_group(ms, a->layout, ports[n]), m);
	return slot;
}

static struct member *member_find(const struct matchset *ms, uint32_t slot)
{
	struct member *m;

	HASH_FIND(hh, ms->members, &slot, sizeof(slot), m);
	return m;
}

static void member_leave(struct matchset *ms, struct member *m)
{
	while (m->claim_cnt)
		claim_remove(ms, &m->claims[--m->claim_cnt]);
	HASH_DEL(ms->members, m);
}

int matchset_add(struct matchset *ms, uint32_t slot, const struct trunk *t, uint32_t *reterr_slot)
{
	CLEANUP(member_freep) struct member *m = NULL;

	assert(!member_find(ms, slot));
	if (slot >= SIPSEAL_TRUNKS_MAX || ms->rows.cnt[MATCHROWS_CORES] + t->carrier_cnt * t->core_cnt > CORES_MAX)
		return -E2BIG;
	m = member_new(slot, t);
	if (!m)
		return -ENOMEM;
	for (size_t i = 0; i < t->carrier_cnt; i++) {
		int64_t other = peer_conflict(ms, &t->carrier_peers[i], m);

		if (other < 0)
			continue;
		*reterr_slot = (uint32_t)other;
		return -EEXIST;
	}
	HASH_ADD(hh, ms->members, value.slot, sizeof(slot), m);
	if (!m->hh.tbl)
		return -ENOMEM;
	for (size_t i = 0; i < t->carrier_cnt; i++) {
		m->claims[i].member = m;
		if (claim_add(ms, &m->claims[i], &t->carrier_peers[i]) < 0) {
			member_leave(ms, m);
			return -ENOMEM;
		}
		m->claim_cnt++;
	}
	m = NULL; /* in the hash */
	return 0;
}

int matchset_remove(struct matchset *ms, uint32_t slot, const struct trunk *t)
{
	struct member *m = member_find(ms, slot);

	assert(m && m->claim_cnt == t->carrier_cnt);
	member_leave(ms, m);
	member_free(m);
	return 0;
}

int matchset_drain(struct matchset *ms, unsigned copy, const struct matchset_sink *sink)
{
	struct group *g, *next, *resting = NULL;
	int r;

	assert(copy < MATCHROWS_COPIES);
	r = matchrows_drain(&ms->rows, copy, sink);
	if (r < 0)
		return r;
	LL_FOREACH_SAFE(ms->resting, g, next) {
		g->rests &= (uint8_t)~(1 << copy);
		if (g->rests)
			LL_PREPEND(resting, g);
		else
			LL_PREPEND(ms->free, g);
	}
	ms->resting = resting;
	return 0;
}

int matchset_replay(struct matchset *ms, unsigned copy)
{
	assert(copy < MATCHROWS_COPIES);
	matchrows_replay(&ms->rows, copy);
	return 0;
}

const uint64_t *matchset_ports(const struct matchset *ms)
{
	return ms->rows.ports;
}

struct matchset_size matchset_size(const struct matchset *ms)
{
	return (struct matchset_size){ .peers = ms->rows.cnt[MATCHROWS_PEERS],
				       .prefixes = ms->rows.cnt[MATCHROWS_PREFIXES],
				       .cores = ms->rows.cnt[MATCHROWS_CORES] };
}

uint64_t matchset_serial(const struct matchset *ms)
{
	return ms->serial;
}

int64_t matchset_lookup(const struct matchset *ms, const uint8_t carrier[16], uint16_t port,
			const uint8_t core[16])
{
	const union matchrow_value *v = matchrows_carrier(&ms->rows, carrier, port);

	if (!v)
		return -ENOENT;
	v = matchrows_core(&ms->rows, v->group, core);
	if (!v)
		return -EHOSTUNREACH;
	return v->core.slot;
}
