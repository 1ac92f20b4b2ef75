// SPDX-License-Identifier: BSD-2-Clause
/*
 * Random additions and removals against three things: what the rules say of the trunks there are (model_lookup
 * below knows no groups), a compile from scratch, and two copies of the tables that are drained now and then, by
 * sinks that sometimes fail.
 */
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

static uint32_t dice(uint32_t n)
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

static struct peer parse(const char *s, uint16_t port)
{
	struct peer p;
	const char *text;

	if (peer_parse(s, false, &p, &text) < 0)
		fail_msg("%s: %s", s, text);
	p.port = port;
	return p;
}

static struct trunk *trunk_random(void)
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
	return t;
}

/* The rules as words: see match_tables_compile() and bpf/abi.h. */

static bool is_sip_port(uint16_t port)
{
	return port == sip_ports[0] || port == sip_ports[1];
}

/* Does a peer stand for @port?  0 is asked where ports are not known. */
static bool stands_for(const struct peer *p, uint16_t port)
{
	return port == 0 || (p->port ? p->port == port : is_sip_port(port));
}

static bool is_inside(const struct peer *p, const uint8_t addr[16])
{
	for (unsigned i = 0; i < p->bits; i++) {
		if ((p->addr[i / 8] ^ addr[i / 8]) >> (7 - i % 8) & 1)
			return false;
	}
	return true;
}

static bool same_address(const struct peer *x, const struct peer *y)
{
	return x->bits == y->bits && memcmp(x->addr, y->addr, 16) == 0;
}

/* The longest carrier peer that stands for the port; then the longest core prefix of all trunks that have
 * exactly that peer; of those that share it (port 0 only) the lowest slot. */
static int64_t model_lookup(struct trunk *const *trunks, const uint8_t carrier[16], uint16_t port,
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
static bool model_conflict(const struct trunk *x, const struct trunk *y)
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
	uint32_t value[2];
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

static struct row *row_find(struct row *rows, size_t cnt, uint8_t table, const void *key, size_t len)
{
	for (size_t i = 0; i < cnt; i++) {
		if (rows[i].table == table && memcmp(rows[i].key, key, len) == 0)
			return &rows[i];
	}
	return NULL;
}

static int put(void *ctx, uint8_t table, const void *key, size_t len, const uint32_t *value, size_t value_cnt)
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

static int put_peer(void *ctx, const struct sipseal_peer_key *key, const uint32_t *group)
{
	return put(ctx, 0, key, sizeof(*key), group, 1);
}

static int put_prefix(void *ctx, const struct sipseal_prefix_key *key, const uint32_t *group)
{
	return put(ctx, 1, key, sizeof(*key), group, 1);
}

static int put_core(void *ctx, const struct sipseal_core_key *key, const struct sipseal_core_value *value)
{
	return put(ctx, 2, key, sizeof(*key), (const uint32_t *)value, 2);
}

static int drain(struct matchset *ms, unsigned i, int fail_after)
{
	const struct matchset_sink sink = { put_peer, put_prefix, put_core, &copies[i] };

	copies[i].told_cnt = 0;
	copies[i].has_set = false;
	copies[i].fail_after = fail_after;
	return matchset_drain(ms, i, &sink);
}

/* The copy as match_tables, for match_lookup(). */
static void copy_tables(const struct copy *c, struct match_tables *t)
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

struct world {
	struct gateway *g;
	struct matchset *ms;
	struct trunk *trunks[TRUNKS];
	size_t changed_since[2]; /* changes that a copy has not seen */
};

static void compile_all(const struct world *w, struct match_tables *t)
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
static void check_lookups(const struct world *w)
{
	struct match_tables scratch = { 0 }, t[2] = { { 0 } };

	compile_all(w, &scratch);
	for (unsigned i = 0; i < 2; i++)
		copy_tables(&copies[i], &t[i]);
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

/* What a drained copy holds, besides the right answers: as many keys as there are, the right intervals. */
static void check_copy(const struct world *w, unsigned i)
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
			assert_int_equal(r->value[1], t->max_cps ? 1000000000 / t->max_cps : 0);
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

/* Numbers of the groups that there are. */
struct numbers {
	uint32_t number[ROWS];
	size_t cnt;
};

static void numbers_read(const struct matchset *ms, struct numbers *ret)
{
	ret->cnt = 0;
	for (const struct group *g = ms->groups; g; g = g->hh.next) {
		assert_true(ret->cnt < ROWS);
		ret->number[ret->cnt++] = g->number;
	}
}

static bool has_number(const struct numbers *n, uint32_t number)
{
	for (size_t i = 0; i < n->cnt; i++) {
		if (n->number[i] == number)
			return true;
	}
	return false;
}

static bool copy_knows(const struct copy *c, uint32_t number)
{
	for (size_t i = 0; i < c->cnt; i++) {
		const struct row *r = &c->rows[i];

		if ((r->table < 2 ? r->value[0] : ntohl(((const struct sipseal_core_key *)r->key)->group_be)) == number)
			return true;
	}
	return false;
}

/* A number that was nobody's before the change is not one that a copy still knows from earlier. */
static void check_new_numbers(const struct matchset *ms, const struct numbers *before)
{
	static struct numbers now;

	numbers_read(ms, &now);
	for (size_t i = 0; i < now.cnt; i++) {
		for (unsigned k = 0; k < 2 && !has_number(before, now.number[i]); k++) {
			if (copy_knows(&copies[k], now.number[i]))
				fail_msg("group %u is given again, and copy %u has the old one", now.number[i], k);
		}
	}
}

static void step_change(struct world *w)
{
	uint32_t slot = dice(TRUNKS), other = 99;
	static struct numbers before;
	struct trunk *t;
	bool is_refused = false;
	int r;

	numbers_read(w->ms, &before);
	if (w->trunks[slot]) {
		assert_int_equal(matchset_remove(w->ms, slot, w->trunks[slot]), 0);
		trunk_free(w->trunks[slot]);
		w->trunks[slot] = NULL;
	} else {
		t = trunk_random();
		for (unsigned s = 0; s < TRUNKS; s++)
			is_refused |= w->trunks[s] && model_conflict(t, w->trunks[s]);
		r = matchset_add(w->ms, slot, t, &other);
		assert_int_equal(r, is_refused ? -EEXIST : 0);
		if (r == -EEXIST) {
			assert_true(other < TRUNKS && w->trunks[other] && model_conflict(t, w->trunks[other]));
			trunk_free(t);
			return;
		}
		assert_int_equal(other, 99);
		w->trunks[slot] = t;
	}
	check_new_numbers(w->ms, &before);
	w->changed_since[0]++;
	w->changed_since[1]++;
}

static void step_drain(struct world *w)
{
	unsigned i = dice(2);
	int r;

	if (dice(40) == 0) { /* somebody has emptied it */
		copies[i].cnt = 0;
		assert_int_equal(matchset_replay(w->ms, i), 0);
	}
	r = drain(w->ms, i, dice(3) ? -1 : (int)dice(20));
	if (r < 0) {
		assert_int_equal(r, -EIO);
		w->changed_since[i]++; /* half of it is there, and told again next time */
		return;
	}
	w->changed_since[i] = 0;
	check_copy(w, i);
	if (!w->changed_since[!i])
		check_copy(w, !i);
	assert_int_equal(drain(w->ms, i, 0), 0); /* the journal is empty */
}

static void world_new(struct world *w)
{
	*w = (struct world){ .g = gateway_new() };
	memcpy(w->g->sip_ports, sip_ports, sizeof(sip_ports));
	w->g->sip_port_cnt = ARRAY_SIZE(sip_ports);
	assert_int_equal(matchset_new(sip_ports, ARRAY_SIZE(sip_ports), &w->ms), 0);
	copies[0].cnt = copies[1].cnt = 0;
}

static void world_done(struct world *w)
{
	for (unsigned s = 0; s < TRUNKS; s++)
		trunk_free(w->trunks[s]);
	matchset_free(w->ms);
	gateway_free(w->g);
}

static void test_random(void **state)
{
	struct world w;

	(void)state;
	world_new(&w);
	for (int i = 0; i < ROUNDS; i++) {
		if (dice(4))
			step_change(&w);
		else
			step_drain(&w);
		if (i % 4 == 0)
			check_lookups(&w);
	}
	for (uint32_t s = 0; s < TRUNKS; s++) {
		if (w.trunks[s])
			assert_int_equal(matchset_remove(w.ms, s, w.trunks[s]), 0);
	}
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(drain(w.ms, i, -1), 0);
		assert_int_equal(copies[i].cnt, 0);
	}
	assert_int_equal(matchset_ports(w.ms)[5060 / 64], 0);
	world_done(&w);
}

/* Numbers do come back: a gateway whose trunks change for years does not run out of them. */
static void test_numbers_come_back(void **state)
{
	struct world w;

	(void)state;
	world_new(&w);
	for (int i = 0; i < 2000; i++) {
		step_change(&w);
		drain(w.ms, 0, -1);
		drain(w.ms, 1, -1);
	}
	assert_true(w.ms->next_number < 100);
	assert_null(w.ms->resting);
	world_done(&w);
}

static struct trunk *trunk_of(const char *carrier, uint16_t port, const char *core)
{
	struct trunk *t = trunk_new();

	t->carrier_peers = calloc(1, sizeof(struct peer));
	t->core_peers = calloc(1, sizeof(struct peer));
	t->carrier_peers[t->carrier_cnt++] = parse(carrier, port);
	if (core)
		t->core_peers[t->core_cnt++] = parse(core, 0);
	return t;
}

/* What is refused leaves no trace, and names the trunk that is in the way. */
static void test_refused(void **state)
{
	struct trunk *a = trunk_of("203.0.113.10", 0, "10.0.0.0/24"), *b = trunk_of("203.0.113.10", 5080, "10.0.0.0/24");
	struct trunk *c = trunk_of("203.0.113.10", 6000, "10.0.0.0/24");
	uint32_t other = 99;
	struct world w;

	(void)state;
	world_new(&w);
	assert_int_equal(matchset_add(w.ms, SIPSEAL_TRUNKS_MAX, a, &other), -E2BIG);
	assert_int_equal(matchset_add(w.ms, 7, a, &other), 0);
	assert_int_equal(drain(w.ms, 0, -1), 0);
	assert_int_equal(matchset_add(w.ms, 8, b, &other), -EEXIST);
	assert_int_equal(other, 7);
	assert_int_equal(drain(w.ms, 0, 0), 0); /* nobody is told anything */
	assert_int_equal(matchset_add(w.ms, 8, c, &other), 0); /* now the address is mixed */
	assert_int_equal(matchset_add(w.ms, 9, b, &other), -EEXIST);
	assert_int_equal(other, 7);
	assert_int_equal(matchset_remove(w.ms, 7, a), 0);
	assert_int_equal(matchset_add(w.ms, 9, b, &other), 0);
	assert_int_equal(matchset_lookup(w.ms, b->carrier_peers->addr, 0, b->core_peers->addr), 8);
	assert_int_equal(matchset_remove(w.ms, 8, c), 0);
	assert_int_equal(matchset_lookup(w.ms, b->carrier_peers->addr, 0, b->core_peers->addr), 9);
	assert_int_equal(matchset_size(w.ms).cores, 1); /* one group again */
	trunk_free(a);
	trunk_free(b);
	trunk_free(c);
	world_done(&w);
}

/* Only max_cps changes: one key is told, with the new interval. */
static void test_limit_changes(void **state)
{
	struct trunk *a = trunk_of("203.0.113.10", 0, "10.0.0.0/24"), *b = trunk_of("203.0.113.10", 0, "10.1.0.0/24");
	uint32_t other;
	struct world w;

	(void)state;
	world_new(&w);
	assert_int_equal(matchset_add(w.ms, 1, a, &other), 0);
	assert_int_equal(matchset_add(w.ms, 2, b, &other), 0);
	assert_int_equal(drain(w.ms, 1, -1), 0);
	assert_int_equal(matchset_remove(w.ms, 2, b), 0);
	b->max_cps = 50;
	assert_int_equal(matchset_add(w.ms, 2, b, &other), 0);
	assert_int_equal(drain(w.ms, 1, -1), 0);
	assert_int_equal(copies[1].told_cnt, 1);
	assert_int_equal(((struct sipseal_core_value *)row_find(copies[1].rows, copies[1].cnt, 2, copies[1].told[0].key,
								24)->value)->interval_ns, 20000000);
	trunk_free(a);
	trunk_free(b);
	world_done(&w);
}

static double ms_since(const struct timespec *t0)
{
	struct timespec t1;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t1);
	return (t1.tv_sec - t0->tv_sec) * 1e3 + (t1.tv_nsec - t0->tv_nsec) / 1e6;
}

/* 100,000 trunks behind one carrier: one more costs what it costs among ten, and so does its removal. */
#define MANY 100000

static double changes_ms(struct matchset *ms, uint32_t first)
{
	struct trunk *t = trunk_of("203.0.113.10", 0, "11.0.0.1");
	struct timespec t0;
	uint32_t other;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0);
	for (uint32_t i = 0; i < 2000; i++) {
		assert_int_equal(matchset_add(ms, first, t, &other), 0);
		assert_int_equal(matchset_remove(ms, first, t), 0);
	}
	trunk_free(t);
	return ms_since(&t0);
}

static void test_many(void **state)
{
	struct world w;
	struct timespec t0;
	uint32_t other;
	double few = 0, many, load;
	struct trunk *t;
	char core[32];

	(void)state;
	world_new(&w);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0);
	for (uint32_t i = 0; i < MANY; i++) {
		snprintf(core, sizeof(core), "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
		t = trunk_of("203.0.113.10", 0, core);
		assert_int_equal(matchset_add(w.ms, i, t, &other), 0);
		trunk_free(t);
		if (i == 9)
			few = changes_ms(w.ms, MANY);
	}
	load = ms_since(&t0) - few;
	many = changes_ms(w.ms, MANY);
	print_message("%d trunks of one carrier added in %.0f ms; 2000 changes among 10: %.1f ms, among all: %.1f ms\n",
		      MANY, load, few, many);
	assert_true(many < few * 20 + 100); /* were it all trunks: a factor of 10,000 */
	assert_int_equal(matchset_size(w.ms).cores, MANY);

	t = trunk_of("203.0.113.10", 7000, NULL); /* mixed: once all of them, then only its own again */
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0);
	assert_int_equal(matchset_add(w.ms, MANY + 1, t, &other), 0);
	print_message("to a group per port: %.0f ms\n", ms_since(&t0));
	assert_int_equal(matchset_size(w.ms).cores, 3 * MANY + 2);
	many = changes_ms(w.ms, MANY);
	assert_true(many < few * 20 + 100);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0);
	assert_int_equal(matchset_remove(w.ms, MANY + 1, t), 0);
	print_message("and back: %.0f ms\n", ms_since(&t0));
	assert_int_equal(matchset_size(w.ms).cores, MANY);
	trunk_free(t);
	world_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_numbers_come_back),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_limit_changes),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests_name("trunk/matchset", tests, NULL, NULL);
}
