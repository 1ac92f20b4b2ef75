// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/bpfgw_internal.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include <linux/membarrier.h>
#include <sys/syscall.h>

/* Entries per system call: 1,000 trunks in one, and 32 KiB of memory for each table. */
#define FILL_BATCH 1024
#define FILL_KEY_MAX 24
#define FILL_VALUE_MAX 12

enum { TABLE_PEERS, TABLE_PREFIXES, TABLE_HOSTS, TABLE_CORES, TABLE_CNT };

#define CORE_BITS_ALL (32 + 128) /* of a key: the group and a whole address */

/* Entries of one map that wait for their system call: all of them set, or all of them deleted. */
struct batch {
	int fd;
	size_t key_size, value_size;
	bool is_delete;
	uint32_t cnt;
	char keys[FILL_BATCH * FILL_KEY_MAX];
	char values[FILL_BATCH * FILL_VALUE_MAX];
};

struct fill {
	struct batch tables[TABLE_CNT];
};

void bpfgw_grace(void)
{
	const struct timespec long_enough = { .tv_nsec = 100000000 };

	/* Programs run in RCU read sections, and this barrier is a synchronize_rcu().  With nohz_full it is not
	 * to be had; then a time that no run of XDP takes. */
	if (syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) < 0)
		nanosleep(&long_enough, NULL);
}

/* The kernel stops at a key that is not there: go on behind it. */
static int batch_delete(struct batch *b)
{
	for (uint32_t done = 0, n; done < b->cnt; done += n) {
		int r;

		n = b->cnt - done;
		r = bpf_map_delete_batch(b->fd, b->keys + done * b->key_size, &n, NULL);
		if (r == -ENOENT)
			n++;
		else if (r < 0)
			return r;
		else if (!n)
			return -EIO;
	}
	return 0;
}

static int batch_update(struct batch *b)
{
	for (uint32_t done = 0, n; done < b->cnt; done += n) {
		int r;

		n = b->cnt - done;
		r = bpf_map_update_batch(b->fd, b->keys + done * b->key_size, b->values + done * b->value_size, &n,
					 NULL);
		if (r < 0)
			return r;
		if (!n)
			return -EIO;
	}
	return 0;
}

static int batch_flush(struct batch *b)
{
	int r = 0;

	if (b->cnt)
		r = b->is_delete ? batch_delete(b) : batch_update(b);
	b->cnt = 0;
	return r;
}

/* @value NULL: delete. */
static int batch_add(struct batch *b, const void *key, const void *value)
{
	if (b->cnt == FILL_BATCH || (b->cnt && b->is_delete != !value)) {
		int r = batch_flush(b);

		if (r < 0)
			return r;
	}
	b->is_delete = !value;
	memcpy(b->keys + b->cnt * b->key_size, key, b->key_size);
	if (value)
		memcpy(b->values + b->cnt * b->value_size, value, b->value_size);
	b->cnt++;
	return 0;
}

static int put_peer(void *ctx, const struct sipseal_peer_key *key, const uint32_t *group)
{
	return batch_add(&((struct fill *)ctx)->tables[TABLE_PEERS], key, group);
}

static int put_prefix(void *ctx, const struct sipseal_prefix_key *key, const uint32_t *group)
{
	return batch_add(&((struct fill *)ctx)->tables[TABLE_PREFIXES], key, group);
}

static int put_core(void *ctx, const struct sipseal_core_key *key, const struct sipseal_core_value *value)
{
	struct fill *f = ctx;
	struct sipseal_host_key host = { .group_be = key->group_be };

	if (key->prefixlen < CORE_BITS_ALL)
		return batch_add(&f->tables[TABLE_CORES], key, value);
	memcpy(host.addr, key->addr, sizeof(host.addr));
	return batch_add(&f->tables[TABLE_HOSTS], &host, value);
}

/* Delete whatever is in the map: fetch some keys, delete them, start over. */
static int table_clear(struct batch *b)
{
	char token[FILL_KEY_MAX];

	for (;;) {
		int r;

		b->cnt = FILL_BATCH;
		r = bpf_map_lookup_batch(b->fd, NULL, token, b->keys, b->values, &b->cnt, NULL);
		if (r < 0 && r != -ENOENT) { /* ENOENT: these are the last ones */
			b->cnt = 0;
			return r;
		}
		if (!b->cnt)
			return 0;
		r = batch_delete(b);
		b->cnt = 0;
		if (r < 0)
			return r;
	}
}

static struct bpf_map *map_of(const struct bpfgw *g, unsigned table, bool is_odd)
{
	const __typeof__(g->skel->maps) *m = &g->skel->maps;
	struct bpf_map *maps[TABLE_CNT][2] = {
		[TABLE_PEERS] = { m->sipseal_peers0, m->sipseal_peers1 },
		[TABLE_PREFIXES] = { m->sipseal_prefix0, m->sipseal_prefix1 },
		[TABLE_HOSTS] = { m->sipseal_hosts0, m->sipseal_hosts1 },
		[TABLE_CORES] = { m->sipseal_cores0, m->sipseal_cores1 },
	};

	return maps[table][is_odd];
}

/* Refused before anything is touched.  The journal may bring fewer, but the copy is as large in the end. */
static int size_check(const struct bpfgw *g, const struct matchset *ms, char reterr[BPFGW_ERR_LEN])
{
	const struct matchset_size size = matchset_size(ms);
	const struct { const char *what; size_t cnt; } tables[TABLE_CNT] = {
		[TABLE_PEERS] = { "carrier peers", size.peers },
		[TABLE_PREFIXES] = { "carrier prefixes", size.prefixes },
		/* as if all were addresses, and as if none were: no more than that fit */
		[TABLE_HOSTS] = { "core prefixes", size.cores },
		[TABLE_CORES] = { "core prefixes", size.cores },
	};

	for (unsigned i = 0; i < TABLE_CNT; i++) {
		uint32_t max = bpf_map__max_entries(map_of(g, i, false));

		if (tables[i].cnt > max)
			return bpfgw_fail(reterr, -E2BIG, "%zu %s, at most %u", tables[i].cnt, tables[i].what, max);
	}
	return 0;
}

static int copy_fill(struct bpfgw *g, struct fill *f, struct matchset *ms, bool is_odd)
{
	const struct matchset_sink sink = { .peer = put_peer, .prefix = put_prefix, .core = put_core, .ctx = f };
	const bool is_known = g->filled_from[is_odd] == matchset_serial(ms);
	int r = 0;

	/* until all is done nobody knows what is in it */
	g->filled_from[is_odd] = 0;
	for (unsigned i = 0; i < TABLE_CNT && !is_known && r >= 0; i++)
		r = table_clear(&f->tables[i]);
	if (r >= 0 && !is_known)
		r = matchset_replay(ms, is_odd);
	if (r >= 0)
		r = matchset_drain(ms, is_odd, &sink);
	for (unsigned i = 0; i < TABLE_CNT && r >= 0; i++)
		r = batch_flush(&f->tables[i]);
	if (r < 0)
		return r;
	memcpy((void *)g->skel->data_ports->sipseal_ports[is_odd], matchset_ports(ms),
	       SIPSEAL_PORT_WORDS * sizeof(uint64_t));
	g->filled_from[is_odd] = matchset_serial(ms);
	return 0;
}

int bpfgw_fill(struct bpfgw *g, struct matchset *ms, uint32_t generation, char reterr[BPFGW_ERR_LEN])
{
	CLEANUP(freep) struct fill *f = NULL;
	const bool is_odd = generation & 1;
	const uint32_t live = bpfgw_generation(g);
	int r;

	_Static_assert(sizeof(struct sipseal_core_key) <= FILL_KEY_MAX &&
		       sizeof(struct sipseal_prefix_key) <= FILL_KEY_MAX &&
		       sizeof(struct sipseal_core_value) <= FILL_VALUE_MAX, "sizes");
	if (live && (live & 1) == is_odd)
		return bpfgw_fail(reterr, -EBUSY, "generation %u would overwrite the tables of %u",
				  generation, live);
	r = size_check(g, ms, reterr);
	if (r < 0)
		return r;
	f = malloc(sizeof(*f));
	if (!f)
		return bpfgw_fail(reterr, -ENOMEM, "out of memory");
	for (unsigned i = 0; i < TABLE_CNT; i++) {
		const struct bpf_map *map = map_of(g, i, is_odd);

		f->tables[i].fd = bpf_map__fd(map);
		f->tables[i].key_size = bpf_map__key_size(map);
		f->tables[i].value_size = bpf_map__value_size(map);
		f->tables[i].cnt = 0;
	}
	r = copy_fill(g, f, ms, is_odd);
	return r < 0 ? bpfgw_fail(reterr, r, "match tables: %s", strerror(-r)) : 0;
}

int bpfgw_limiter_reset(struct bpfgw *g, uint32_t slot)
{
	const struct sipseal_limiter none = { 0 };

	return bpf_map_update_elem(bpf_map__fd(g->skel->maps.sipseal_limits), &slot, &none, BPF_ANY);
}

static bool hop_is_among(const struct sipseal_hop_key *hop, const struct sipseal_hop_key *hops, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++)
		if (!memcmp(hop, &hops[i], sizeof(*hop)))
			return true;
	return false;
}

/* Return: how many there are. */
static size_t hops_get(int fd, struct sipseal_hop_key ret[SIPSEAL_HOPS_MAX])
{
	size_t n = 0;

	while (n < SIPSEAL_HOPS_MAX && !bpf_map_get_next_key(fd, n ? &ret[n - 1] : NULL, &ret[n]))
		n++;
	return n;
}

int bpfgw_hops_set(struct bpfgw *g, const struct sipseal_hop_key *hops, size_t cnt)
{
	const int fd = bpf_map__fd(g->skel->maps.sipseal_hops);
	struct sipseal_hop_key old[SIPSEAL_HOPS_MAX];
	const uint8_t one = 1;
	size_t old_cnt;

	if (cnt > SIPSEAL_HOPS_MAX)
		return -E2BIG;
	old_cnt = hops_get(fd, old);
	for (size_t i = 0; i < old_cnt; i++) {
		int r = hop_is_among(&old[i], hops, cnt) ? 0 : bpf_map_delete_elem(fd, &old[i]);

		if (r < 0 && r != -ENOENT)
			return r;
	}
	for (size_t i = 0; i < cnt; i++) {
		int r = hop_is_among(&hops[i], old, old_cnt) ? 0 : bpf_map_update_elem(fd, &hops[i], &one, BPF_ANY);

		if (r < 0)
			return r;
	}
	return 0;
}
