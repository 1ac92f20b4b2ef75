// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "trunk/compile.h"
#include "trunk/matchset.h"

#define KEY_BITS 32 /* of port and padding, or of the group, before the address in an LPM key */

/* Tables that a matchset is drained into; its slots are indexes of the input. */
struct copy {
	const struct compile_input *in;
	struct match_tables t;
};

static int put_peer(void *ctx, const struct sipseal_peer_key *key, const uint32_t *group)
{
	struct match_tables *t = &((struct copy *)ctx)->t;

	t->peers[t->peer_cnt].key = *key;
	t->peers[t->peer_cnt++].group = *group;
	return 0;
}

static int put_prefix(void *ctx, const struct sipseal_prefix_key *key, const uint32_t *group)
{
	struct match_tables *t = &((struct copy *)ctx)->t;

	t->prefixes[t->prefix_cnt].key = *key;
	t->prefixes[t->prefix_cnt++].group = *group;
	return 0;
}

static int put_core(void *ctx, const struct sipseal_core_key *key, const struct sipseal_core_value *value)
{
	struct copy *c = ctx;
	struct match_tables *t = &c->t;

	t->cores[t->core_cnt].key = *key;
	t->cores[t->core_cnt].value = *value;
	t->cores[t->core_cnt++].value.slot = c->in->trunks[value->slot].slot;
	return 0;
}

static int copy_out(struct matchset *ms, struct copy *c)
{
	const struct matchset_sink sink = { .peer = put_peer, .prefix = put_prefix, .core = put_core, .ctx = c };
	const struct matchset_size size = matchset_size(ms);

	c->t.peers = calloc(size.peers + 1, sizeof(*c->t.peers));
	c->t.prefixes = calloc(size.prefixes + 1, sizeof(*c->t.prefixes));
	c->t.cores = calloc(size.cores + 1, sizeof(*c->t.cores));
	if (!c->t.peers || !c->t.prefixes || !c->t.cores)
		return -ENOMEM;
	matchset_replay(ms, 0); /* the journal would also tell what has come and gone */
	return matchset_drain(ms, 0, &sink);
}

int match_tables_compile(const struct compile_input *in, struct match_tables *ret,
			 size_t *reterr_a, size_t *reterr_b)
{
	CLEANUP(matchset_freep) struct matchset *ms = NULL;
	struct copy c = { .in = in };
	uint32_t other;
	int r = matchset_new(in->gateway->sip_ports, in->gateway->sip_port_cnt, &ms);

	for (size_t i = 0; i < in->trunk_cnt && r == 0; i++) {
		r = matchset_add(ms, (uint32_t)i, in->trunks[i].trunk, &other);
		if (r == -EEXIST) {
			*reterr_a = other;
			*reterr_b = i;
		}
	}
	if (r == 0)
		r = copy_out(ms, &c);
	if (r < 0) {
		match_tables_done(&c.t);
		return r;
	}
	*ret = c.t;
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
			best = t->cores[i].value.slot;
			best_len = k->prefixlen;
		}
	}
	return best;
}
