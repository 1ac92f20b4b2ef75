/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * matchworld - random trunks, the rules of matching in words, two copies of the tables as the kernel would hold
 * them, and whether all of these agree.
 */
#ifndef SIPSEAL_TEST_MATCHWORLD_H
#define SIPSEAL_TEST_MATCHWORLD_H

#include "guard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "trunk/compile.h"
#include "trunk/matchlayout.h"

#define TRUNKS  24
#define ROUNDS  4000
#define ROWS    4096

static const uint16_t sip_ports[] = { 5060, 5080 };
static const uint16_t all_ports[] = { 0, 5060, 5080, 6000, 6001, 6002 };
static uint64_t seed = 20240607;

static inline uint32_t dice(uint32_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % n;
}

/* Few addresses, so that trunks meet; prefixes inside of each other. */
static const char *const carriers[] = { "203.0.113.10", "203.0.113.11", "198.51.100.0/28", "198.51.100.0/24",
					"198.51.100.3", "2001:db8::/32", "2001:db8::10" };
static const char *const cores[] = { "10.0.0.0/24", "10.0.0.0/16", "10.0.0.7", "2001:db8:1::/48", "10.1.0.0/16",
				     "10.2.0.0/16", "10.3.0.0/16", "10.4.0.0/16", "10.5.0.0/16", "10.6.0.0/16" };
static const char *const probes_carrier[] = { "203.0.113.10", "203.0.113.11", "203.0.113.12", "198.51.100.3",
					      "198.51.100.4", "198.51.100.99", "2001:db8::10", "2001:db8::11" };
static const char *const probes_core[] = { "10.0.0.7", "10.0.0.8", "10.0.9.9", "10.1.0.1", "10.2.0.1", "10.3.0.1",
					   "10.4.1.1", "10.5.0.1", "10.6.0.1", "172.16.0.1", "2001:db8:1::1" };

static inline struct peer parse(const char *s, uint16_t port)
{
	struct peer p;
	const char *text;

	if (peer_parse(s, false, &p, &text) < 0)
		fail_msg("%s: %s", s, text);
	p.port = port;
	return p;
}

static inline struct trunk *trunk_random(void)
{
	struct trunk *t = trunk_new();

	t->carrier_peers = calloc(4, sizeof(struct peer));
	t->core_peers = calloc(4, sizeof(struct peer));
	t->carrier_cnt = 1 + dice(3);
	t->core_cnt = dice(4);
	for (size_t i = 0; i < t->carrier_cnt; i++)
		t->carrier_peers[i] = parse(carriers[dice(ARRAY_SIZE(carriers))],
					    dice(3) ? 0 : all_ports[dice(ARRAY_SIZE(all_ports))]);
	for (size_t i = 0; i < t->core_cnt; i++)
		t->core_peers[i] = parse(cores[dice(ARRAY_SIZE(cores))], 0);
	if (dice(3) == 0) { /* many that only ports tell apart: heirs at port 0 */
		t->carrier_cnt = 1;
		t->core_cnt = 0;
		t->carrier_peers[0] = parse(carriers[0], all_ports[1 + dice(ARRAY_SIZE(all_ports) - 1)]);
	}
	t->max_cps = dice(3);
	t->verification.is_enabled = dice(2);
	t->verification.wait_ms = dice(2) * 400;
	return t;
}

/* The rules as words: see match_tables_compile() and bpf/abi.h. */

static inline bool is_sip_port(uint16_t port)
{
	return port == sip_ports[0] || port == sip_ports[1];
}

/* Does a peer stand for @port?  0 is asked where ports are not known. */
static inline bool stands_for(const struct peer *p, uint16_t port)
{
	return port == 0 || (p->port ? p->port == port : is_sip_port(port));
}

static inline bool is_inside(const struct peer *p, const uint8_t addr[16])
{
	for (unsigned i = 0; i < p->bits; i++) {
		if ((p->addr[i / 8] ^ addr[i / 8]) >> (7 - i % 8) & 1)
			return false;
	}
	return true;
}

static inline bool same_address(const struct peer *x, const struct peer *y)
{
	return x->bits == y->bits && memcmp(x->addr, y->addr, 16) == 0;
}

/* The longest carrier peer that stands for the port; then the longest core prefix of all trunks that have
 * exactly that peer; of those that share it (port 0 only) the lowest slot. */
static inline int64_t model_lookup(struct trunk *const *trunks, const uint8_t carrier[16], uint16_t port,
			    const uint8_t core[16])
{
	static const struct peer any;
	const struct peer *best = NULL, *longest = NULL;
	int64_t slot = -EHOSTUNREACH;

	for (unsigned s = 0; s < TRUNKS; s++) {
		for (size_t i = 0; trunks[s] && i < trunks[s]->carrier_cnt; i++) {
			const struct peer *p = &trunks[s]->carrier_peers[i];

			if (stands_for(p, port) && is_inside(p, carrier) && (!best || p->bits > best->bits))
				best = p;
		}
	}
	if (!best)
		return -ENOENT;
	for (unsigned s = 0; s < TRUNKS; s++) {
		const struct trunk *t = trunks[s];
		bool is_in = false;

		for (size_t i = 0; t && i < t->carrier_cnt; i++)
			is_in |= same_address(&t->carrier_peers[i], best) && stands_for(&t->carrier_peers[i], port);
		for (size_t i = 0; is_in && i < (t->core_cnt ? t->core_cnt : 1); i++) {
			const struct peer *c = t->core_cnt ? &t->core_peers[i] : &any;

			if (!is_inside(c, core) || (longest && c->bits <= longest->bits))
				continue;
			longest = c;
			slot = s;
		}
	}
	return slot;
}

/* May both be there?  Return: true: they claim the same carrier peer and core prefix. */
static inline bool model_conflict(const struct trunk *x, const struct trunk *y)
{
	bool same_core = !x->core_cnt && !y->core_cnt;

	for (size_t i = 0; i < x->core_cnt; i++)
		for (size_t k = 0; k < y->core_cnt; k++)
			same_core |= same_address(&x->core_peers[i], &y->core_peers[k]);
	for (size_t i = 0; same_core && i < x->carrier_cnt; i++) {
		for (size_t k = 0; k < y->carrier_cnt; k++) {
			const struct peer *a = &x->carrier_peers[i], *b = &y->carrier_peers[k];

			if (same_address(a, b) && (a->port == b->port || (!a->port && is_sip_port(b->port)) ||
						   (!b->port && is_sip_port(a->port))))
				return true;
		}
	}
	return false;
}

/* A copy of the tables, as the kernel would hold it. */
struct row {
	_Alignas(8) uint8_t key[24];
	uint8_t table;
	uint32_t value[3];
};

struct copy {
	struct row rows[ROWS];
	size_t cnt;
	struct row told[ROWS];   /* during one drain */
	size_t told_cnt;
	int fail_after;          /* calls; -1: never */
	bool has_set;            /* an update came: no deletion may follow */
};

static struct copy copies[2];

static inline struct row *row_find(struct row *rows, size_t cnt, uint8_t table, const void *key, size_t len)
{
	for (size_t i = 0; i < cnt; i++) {
		if (rows[i].table == table && memcmp(rows[i].key, key, len) == 0)
			return &rows[i];
	}
	return NULL;
}

static inline int put(void *ctx, uint8_t table, const void *key, size_t len, const uint32_t *value, size_t value_cnt)
{
	struct copy *c = ctx;
	struct row *row = row_find(c->rows, c->cnt, table, key, len);

	if (c->fail_after == 0)
		return -EIO;
	c->fail_after -= c->fail_after > 0;
	assert_null(row_find(c->told, c->told_cnt, table, key, len)); /* each once */
	assert_true(c->cnt < ROWS && c->told_cnt < ROWS);
	c->told[c->told_cnt] = (struct row){ .table = table };
	memcpy(c->told[c->told_cnt++].key, key, len);
	if (!value) {
		assert_false(c->has_set);
		if (row)
			*row = c->rows[--c->cnt];
		return 0;
	}
	c->has_set = true;
	if (!row) {
		row = &c->rows[c->cnt++];
		*row = (struct row){ .table = table };
		memcpy(row->key, key, len);
	}
	memcpy(row->value, value, value_cnt * sizeof(*value));
	return 0;
}

static inline int put_peer(void *ctx, const struct sipseal_peer_key *key, const uint32_t *group)
{
	return put(ctx, 0, key, sizeof(*key), group, 1);
}

static inline int put_prefix(void *ctx, const struct sipseal_prefix_key *key, const uint32_t *group)
{
	return put(ctx, 1, key, sizeof(*key), group, 1);
}

static inline int put_core(void *ctx, const struct sipseal_core_key *key, const struct sipseal_core_value *value)
{
	return put(ctx, 2, key, sizeof(*key), (const uint32_t *)value, 3);
}

static inline int drain(struct matchset *ms, unsigned i, int fail_after)
{
	const struct matchset_sink sink = { put_peer, put_prefix, put_core, &copies[i] };

	copies[i].told_cnt = 0;
	copies[i].has_set = false;
	copies[i].fail_after = fail_after;
	return matchset_drain(ms, i, &sink);
}

/* The copy as match_tables, for match_lookup(). */
static inline void copy_tables(const struct copy *c, struct match_tables *t)
{
	t->peers = calloc(c->cnt + 1, sizeof(*t->peers));
	t->prefixes = calloc(c->cnt + 1, sizeof(*t->prefixes));
	t->cores = calloc(c->cnt + 1, sizeof(*t->cores));
	for (size_t i = 0; i < c->cnt; i++) {
		const struct row *r = &c->rows[i];

		if (r->table == 0) {
			memcpy(&t->peers[t->peer_cnt].key, r->key, sizeof(t->peers->key));
			t->peers[t->peer_cnt++].group = r->value[0];
		} else if (r->table == 1) {
			memcpy(&t->prefixes[t->prefix_cnt].key, r->key, sizeof(t->prefixes->key));
			t->prefixes[t->prefix_cnt++].group = r->value[0];
		} else {
			memcpy(&t->cores[t->core_cnt].key, r->key, sizeof(t->cores->key));
			memcpy(&t->cores[t->core_cnt++].value, r->value, sizeof(t->cores->value));
		}
	}
}

/* What a core prefix of @t tells XDP besides its slot. */
static inline void check_value(const struct sipseal_core_value *v, const struct trunk *t)
{
	assert_int_equal(v->interval_ns, t->max_cps ? 1000000000 / t->max_cps : 0);
	assert_int_equal(!!(v->flags & SIPSEAL_CORE_F_VERIFY), t->verification.is_enabled);
	assert_int_equal(!!(v->flags & SIPSEAL_CORE_F_CANCEL), t->verification.is_enabled && t->verification.wait_ms);
	assert_false(v->flags & ~(SIPSEAL_CORE_F_VERIFY | SIPSEAL_CORE_F_CANCEL));
}

struct world {
	struct gateway *g;
	struct matchset *ms;
	struct trunk *trunks[TRUNKS];
	size_t changed_since[2]; /* changes that a copy has not seen */
};

static inline void compile_all(const struct world *w, struct match_tables *t)
{
	struct compile_trunk ct[TRUNKS];
	struct compile_input in = { .gateway = w->g, .trunks = ct };
	size_t a, b;

	for (uint32_t s = 0; s < TRUNKS; s++) {
		if (w->trunks[s])
			ct[in.trunk_cnt++] = (struct compile_trunk){ w->trunks[s], s, 0, NULL };
	}
	assert_int_equal(match_tables_compile(&in, t, &a, &b), 0);
}

/* All four ways to look up agree; of the copies only one that has been told everything. */
static inline void check_lookups(const struct world *w)
{
	struct match_tables scratch = { 0 }, t[2] = { { 0 } };

	compile_all(w, &scratch);
	for (unsigned i = 0; i < 2; i++)
		copy_tables(&copies[i], &t[i]);
	for (size_t i = 0; i < scratch.core_cnt; i++)
		check_value(&scratch.cores[i].value, w->trunks[scratch.cores[i].value.slot]);
	assert_int_equal(matchset_size(w->ms).peers, scratch.peer_cnt);
	assert_int_equal(matchset_size(w->ms).prefixes, scratch.prefix_cnt);
	assert_int_equal(matchset_size(w->ms).cores, scratch.core_cnt);
	for (size_t i = 0; i < ARRAY_SIZE(probes_carrier) * ARRAY_SIZE(probes_core) * ARRAY_SIZE(all_ports); i++) {
		const char *carrier = probes_carrier[i % ARRAY_SIZE(probes_carrier)];
		const char *core = probes_core[i / ARRAY_SIZE(probes_carrier) % ARRAY_SIZE(probes_core)];
		uint16_t port = all_ports[i / ARRAY_SIZE(probes_carrier) / ARRAY_SIZE(probes_core)];
		const struct peer x = parse(carrier, 0), y = parse(core, 0);
		int64_t want = model_lookup(w->trunks, x.addr, port, y.addr);

		if (matchset_lookup(w->ms, x.addr, port, y.addr) != want ||
		    match_lookup(&scratch, x.addr, port, y.addr) != want)
			fail_msg("%s:%u from %s: want %lld, set %lld, compile %lld", carrier, port, core, (long long)want,
				 (long long)matchset_lookup(w->ms, x.addr, port, y.addr),
				 (long long)match_lookup(&scratch, x.addr, port, y.addr));
		for (unsigned k = 0; k < 2; k++) {
			if (!w->changed_since[k] && match_lookup(&t[k], x.addr, port, y.addr) != want)
				fail_msg("copy %u differs: %s:%u from %s", k, carrier, port, core);
		}
	}
	for (unsigned i = 0; i < 2; i++)
		match_tables_done(&t[i]);
	match_tables_done(&scratch);
}

/* What a drained copy holds, besides the right answers: as many keys as there are, the right values. */
static inline void check_copy(const struct world *w, unsigned i)
{
	const struct matchset_size size = matchset_size(w->ms);
	size_t cnt[3] = { 0 };
	uint64_t ports[SIPSEAL_PORT_WORDS] = { 0 };

	for (size_t k = 0; k < copies[i].cnt; k++) {
		const struct row *r = &copies[i].rows[k];
		uint16_t port;

		cnt[r->table]++;
		if (r->table == 2) {
			const struct trunk *t = w->trunks[r->value[0]];

			assert_non_null(t);
			check_value((const struct sipseal_core_value *)r->value, t);
			continue;
		}
		port = ntohs(r->table ? ((struct sipseal_prefix_key *)r->key)->port_be :
					((struct sipseal_peer_key *)r->key)->port_be);
		if (port)
			ports[port / 64] |= 1ull << port % 64;
	}
	assert_int_equal(cnt[0], size.peers);
	assert_int_equal(cnt[1], size.prefixes);
	assert_int_equal(cnt[2], size.cores);
	assert_memory_equal(ports, matchset_ports(w->ms), sizeof(ports));
}

#endif
