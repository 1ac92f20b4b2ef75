// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "trunk/compile.h"

/* A table larger than this cannot be meant (100,000 trunks with 100 core prefixes each). */
#define CORES_MAX 10000000u
#define KEY_BITS  32 /* of port and padding, or of the group, before the address in an LPM key */

/* One trunk names one carrier peer. */
struct claim {
	const struct peer *peer;
	uint32_t trunk;          /* index in the input */
};

/* One core prefix of one group; the array parallel to match_tables.cores while it grows. */
struct core_row {
	uint32_t group, trunk;
	uint8_t addr[16], bits;
	bool is_lenient;         /* of a port-0 group: a second claim is dropped, not an error */
};

struct builder {
	const struct compile_input *in;
	struct match_tables t;
	struct core_row *rows;
	size_t row_cnt;
	uint32_t groups;
};

/* Room for one more; arrays grow at powers of two. */
static int grow(void *array, size_t cnt, size_t size)
{
	void **p = array, *n;

	if (cnt & (cnt - 1))
		return 0;
	n = realloc(*p, (cnt ? cnt * 2 : 1) * size);
	if (!n)
		return -ENOMEM;
	*p = n;
	return 0;
}

static int by_peer(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int r = memcmp(x->peer->addr, y->peer->addr, 16);

	if (r || (r = x->peer->bits - y->peer->bits) || (r = x->peer->port - y->peer->port))
		return r;
	return x->trunk < y->trunk ? -1 : x->trunk > y->trunk;
}

static bool same_addr(const struct claim *x, const struct claim *y)
{
	return x->peer->bits == y->peer->bits && memcmp(x->peer->addr, y->peer->addr, 16) == 0;
}

static int add_row(struct builder *b, uint32_t trunk, const uint8_t addr[16], uint8_t bits,
		   bool is_lenient)
{
	struct core_row *row;

	if (b->row_cnt >= CORES_MAX)
		return -E2BIG;
	if (grow(&b->rows, b->row_cnt, sizeof(*b->rows)) < 0)
		return -ENOMEM;
	row = &b->rows[b->row_cnt++];
	*row = (struct core_row){ .group = b->groups, .trunk = trunk, .bits = bits,
				  .is_lenient = is_lenient };
	memcpy(row->addr, addr, 16);
	return 0;
}

/* All core prefixes of a trunk into the group that is being made. */
static int add_trunk(struct builder *b, uint32_t trunk, bool is_lenient)
{
	static const uint8_t any[16];
	const struct trunk *t = b->in->trunks[trunk].trunk;
	int r = 0;

	if (!t->core_cnt)
		return add_row(b, trunk, any, 0, is_lenient);
	for (size_t i = 0; i < t->core_cnt && r == 0; i++)
		r = add_row(b, trunk, t->core_peers[i].addr, t->core_peers[i].bits, is_lenient);
	return r;
}

/* Carrier entry for one key of the group that is being made. */
static int add_key(struct builder *b, const struct peer *p, uint16_t port)
{
	struct match_tables *t = &b->t;

	if (p->bits == 128) {
		if (grow(&t->peers, t->peer_cnt, sizeof(*t->peers)) < 0)
			return -ENOMEM;
		memset(&t->peers[t->peer_cnt], 0, sizeof(*t->peers));
		memcpy(t->peers[t->peer_cnt].key.addr, p->addr, 16);
		t->peers[t->peer_cnt].key.port_be = htons(port);
		t->peers[t->peer_cnt++].group = b->groups;
		return 0;
	}
	if (grow(&t->prefixes, t->prefix_cnt, sizeof(*t->prefixes)) < 0)
		return -ENOMEM;
	memset(&t->prefixes[t->prefix_cnt], 0, sizeof(*t->prefixes));
	t->prefixes[t->prefix_cnt].key.prefixlen = KEY_BITS + p->bits;
	memcpy(t->prefixes[t->prefix_cnt].key.addr, p->addr, 16);
	t->prefixes[t->prefix_cnt].key.port_be = htons(port);
	t->prefixes[t->prefix_cnt++].group = b->groups;
	return 0;
}

/* A group of two runs of claims, reached by one key alone. */
static int add_port_group(struct builder *b, uint16_t port, const struct claim *any, size_t any_cnt,
			  const struct claim *run, size_t run_cnt)
{
	int r = add_key(b, any_cnt ? any->peer : run->peer, port);

	for (size_t i = 0; i < any_cnt && r == 0; i++)
		r = add_trunk(b, any[i].trunk, port == 0);
	for (size_t i = 0; i < run_cnt && r == 0; i++)
		r = add_trunk(b, run[i].trunk, port == 0);
	b->groups++;
	return r;
}

/* All trunks name the address in the same way: one group behind all keys. */
static int add_uniform(struct builder *b, const struct claim *c, size_t cnt)
{
	const struct gateway *g = b->in->gateway;
	uint16_t port = c[0].peer->port;
	int r = add_key(b, c[0].peer, 0);

	if (port && r == 0)
		r = add_key(b, c[0].peer, port);
	for (unsigned i = 0; !port && i < g->sip_port_cnt && r == 0; i++)
		r = add_key(b, c[0].peer, g->sip_ports[i]);
	for (size_t i = 0; i < cnt && r == 0; i++)
		r = add_trunk(b, c[i].trunk, false);
	b->groups++;
	return r;
}

static bool is_sip_port(const struct gateway *g, uint16_t port)
{
	for (unsigned i = 0; i < g->sip_port_cnt; i++) {
		if (g->sip_ports[i] == port)
			return true;
	}
	return false;
}

static bool names_port(const struct claim *c, size_t cnt, uint16_t port)
{
	for (size_t i = 0; i < cnt; i++) {
		if (c[i].peer->port == port)
			return true;
	}
	return false;
}

/* Different ports at one address: a group per port, and one for port 0. */
static int add_mixed(struct builder *b, const struct claim *c, size_t cnt)
{
	const struct gateway *g = b->in->gateway;
	size_t any_cnt = 0, end; /* claims without a port come first */
	int r = add_port_group(b, 0, c, cnt, NULL, 0);

	while (any_cnt < cnt && c[any_cnt].peer->port == 0)
		any_cnt++;
	for (size_t i = any_cnt; i < cnt && r == 0; i = end) {
		for (end = i + 1; end < cnt && c[end].peer->port == c[i].peer->port; end++)
			;
		r = add_port_group(b, c[i].peer->port, c,
				   is_sip_port(g, c[i].peer->port) ? any_cnt : 0, c + i, end - i);
	}
	for (unsigned i = 0; any_cnt && i < g->sip_port_cnt && r == 0; i++) {
		if (!names_port(c, cnt, g->sip_ports[i]))
			r = add_port_group(b, g->sip_ports[i], c, any_cnt, NULL, 0);
	}
	return r;
}

static int add_all(struct builder *b)
{
	CLEANUP(freep) struct claim *c = NULL;
	size_t cnt = 0, end;
	int r = 0;

	for (size_t i = 0; i < b->in->trunk_cnt; i++)
		cnt += b->in->trunks[i].trunk->carrier_cnt;
	if (!cnt)
		return 0;
	if (!(c = malloc(cnt * sizeof(*c))))
		return -ENOMEM;
	cnt = 0;
	for (uint32_t i = 0; i < b->in->trunk_cnt; i++) {
		const struct trunk *t = b->in->trunks[i].trunk;

		for (size_t j = 0; j < t->carrier_cnt; j++)
			c[cnt++] = (struct claim){ &t->carrier_peers[j], i };
	}
	qsort(c, cnt, sizeof(*c), by_peer);
	for (size_t i = 0; i < cnt && r == 0; i = end) {
		for (end = i + 1; end < cnt && same_addr(&c[i], &c[end]); end++)
			;
		if (c[i].peer->port == c[end - 1].peer->port)
			r = add_uniform(b, c + i, end - i);
		else
			r = add_mixed(b, c + i, end - i);
	}
	return r;
}

static int by_core(const void *a, const void *b)
{
	const struct core_row *x = a, *y = b;
	int r;

	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	if ((r = memcmp(x->addr, y->addr, 16)) || (r = x->bits - y->bits))
		return r;
	return x->trunk < y->trunk ? -1 : x->trunk > y->trunk;
}

static bool same_core(const struct core_row *x, const struct core_row *y)
{
	return x->group == y->group && x->bits == y->bits && memcmp(x->addr, y->addr, 16) == 0;
}

/* Rows to the core table, each key once. */
static int make_cores(struct builder *b, size_t *reterr_a, size_t *reterr_b)
{
	struct match_tables *t = &b->t;

	if (!b->row_cnt)
		return 0;
	qsort(b->rows, b->row_cnt, sizeof(*b->rows), by_core);
	if (!(t->cores = calloc(b->row_cnt, sizeof(*t->cores))))
		return -ENOMEM;
	for (size_t i = 0; i < b->row_cnt; i++) {
		const struct core_row *row = &b->rows[i], *last = i ? row - 1 : NULL;

		if (last && same_core(last, row)) {
			if (row->is_lenient || last->trunk == row->trunk)
				continue;
			*reterr_a = last->trunk;
			*reterr_b = row->trunk;
			return -EEXIST;
		}
		t->cores[t->core_cnt].key.prefixlen = KEY_BITS + row->bits;
		t->cores[t->core_cnt].key.group_be = htonl(row->group);
		memcpy(t->cores[t->core_cnt].key.addr, row->addr, 16);
		t->cores[t->core_cnt++].slot = b->in->trunks[row->trunk].slot;
	}
	return 0;
}

int match_tables_compile(const struct compile_input *in, struct match_tables *ret,
			 size_t *reterr_a, size_t *reterr_b)
{
	struct builder b = { .in = in };
	int r = add_all(&b);

	if (r == 0)
		r = make_cores(&b, reterr_a, reterr_b);
	free(b.rows);
	if (r < 0) {
		match_tables_done(&b.t);
		return r;
	}
	*ret = b.t;
	return 0;
}

void match_tables_done(struct match_tables *t)
{
	free(t->peers);
	free(t->prefixes);
	free(t->cores);
	memset(t, 0, sizeof(*t));
}

static bool is_inside(const uint8_t addr[16], const uint8_t prefix[16], unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(addr, prefix, whole))
		return false;
	return !rest || !((addr[whole] ^ prefix[whole]) & (uint8_t)(0xff00 >> rest));
}

static int64_t find_group(const struct match_tables *t, const uint8_t carrier[16], uint16_t port)
{
	int64_t best = -ENOENT;
	unsigned best_len = 0;

	for (size_t i = 0; i < t->peer_cnt; i++) {
		if (t->peers[i].key.port_be == htons(port) && memcmp(t->peers[i].key.addr, carrier, 16) == 0)
			return t->peers[i].group;
	}
	for (size_t i = 0; i < t->prefix_cnt; i++) {
		const struct sipseal_prefix_key *k = &t->prefixes[i].key;

		if (k->port_be != htons(port) || !is_inside(carrier, k->addr, k->prefixlen - KEY_BITS))
			continue;
		if (best < 0 || k->prefixlen > best_len) {
			best = t->prefixes[i].group;
			best_len = k->prefixlen;
		}
	}
	return best;
}

int64_t match_lookup(const struct match_tables *t, const uint8_t carrier[16], uint16_t port,
		     const uint8_t core[16])
{
	int64_t group = find_group(t, carrier, port), best = -EHOSTUNREACH;
	unsigned best_len = 0;

	if (group < 0)
		return group;
	for (size_t i = 0; i < t->core_cnt; i++) {
		const struct sipseal_core_key *k = &t->cores[i].key;

		if (k->group_be != htonl((uint32_t)group) ||
		    !is_inside(core, k->addr, k->prefixlen - KEY_BITS))
			continue;
		if (best < 0 || k->prefixlen > best_len) {
			best = t->cores[i].slot;
			best_len = k->prefixlen;
		}
	}
	return best;
}
