// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/bpfgw_internal.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>

/* Entries per system call: 1,000 trunks in one, and 28 KiB of stack. */
#define FILL_BATCH 1024
#define FILL_KEY_MAX 24

/* One match table as abi.h and compile.h lay it out: key, then __u32 value. */
struct table {
	const char *what;
	const struct bpf_map *map;
	const char *rows;
	size_t cnt, stride;
};

static void sleep_ms(long ms)
{
	const struct timespec t = { .tv_nsec = ms * 1000000 };

	nanosleep(&t, NULL);
}

/*
 * Wait until every run of the program that may have read an older generation word is over: programs run
 * in RCU read sections, and this barrier is a synchronize_rcu().  With nohz_full it is not to be had;
 * then a time that no run of XDP takes.
 */
static void grace_period(void)
{
	if (syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) < 0)
		sleep_ms(100);
}

/* Delete whatever is in the map: fetch some keys, delete them, start over. */
static int table_clear(const struct bpf_map *map)
{
	char keys[FILL_BATCH * FILL_KEY_MAX], token[FILL_KEY_MAX];
	uint32_t values[FILL_BATCH], cnt;
	int fd = bpf_map__fd(map), r;

	for (;;) {
		cnt = FILL_BATCH;
		r = bpf_map_lookup_batch(fd, NULL, token, keys, values, &cnt, NULL);
		if (r < 0 && r != -ENOENT) /* ENOENT: these are the last ones */
			return r;
		if (!cnt)
			return 0;
		r = bpf_map_delete_batch(fd, keys, &cnt, NULL);
		if (r < 0)
			return r;
	}
}

static int table_fill(const struct table *t)
{
	const size_t key_size = t->stride - sizeof(uint32_t);
	char keys[FILL_BATCH * FILL_KEY_MAX];
	uint32_t values[FILL_BATCH], cnt;

	for (size_t done = 0; done < t->cnt; done += cnt) {
		cnt = t->cnt - done < FILL_BATCH ? (uint32_t)(t->cnt - done) : FILL_BATCH;
		for (uint32_t i = 0; i < cnt; i++) {
			const char *row = t->rows + (done + i) * t->stride;

			memcpy(keys + i * key_size, row, key_size);
			memcpy(&values[i], row + key_size, sizeof(values[i]));
		}
		int r = bpf_map_update_batch(bpf_map__fd(t->map), keys, values, &cnt, NULL);

		if (r < 0)
			return r;
		if (!cnt)
			return -EIO;
	}
	return 0;
}

static int table_replace(const struct table *t, char reterr[BPFGW_ERR_LEN])
{
	int r;

	if (t->cnt > bpf_map__max_entries(t->map))
		return bpfgw_fail(reterr, -E2BIG, "%zu %s, at most %u", t->cnt, t->what,
				  bpf_map__max_entries(t->map));
	r = table_clear(t->map);
	if (r >= 0)
		r = table_fill(t);
	return r < 0 ? bpfgw_fail(reterr, r, "%s: %s", t->what, strerror(-r)) : 0;
}

static void port_add(uint64_t *words, __be16 port_be)
{
	uint16_t port = ntohs(port_be);

	if (port)
		words[port / 64] |= 1ULL << (port % 64);
}

static void ports_fill(uint64_t *words, const struct match_tables *t)
{
	memset(words, 0, SIPSEAL_PORT_WORDS * sizeof(*words));
	for (size_t i = 0; i < t->peer_cnt; i++)
		port_add(words, t->peers[i].key.port_be);
	for (size_t i = 0; i < t->prefix_cnt; i++)
		port_add(words, t->prefixes[i].key.port_be);
}

int bpfgw_fill(struct bpfgw *g, const struct match_tables *t, uint32_t generation,
	       char reterr[BPFGW_ERR_LEN])
{
	struct gateway_bpf *s = g->skel;
	const bool is_odd = generation & 1;
	const struct table tables[] = {
		{ "carrier peers", is_odd ? s->maps.sipseal_peers1 : s->maps.sipseal_peers0,
		  (const char *)t->peers, t->peer_cnt, sizeof(*t->peers) },
		{ "carrier prefixes", is_odd ? s->maps.sipseal_prefix1 : s->maps.sipseal_prefix0,
		  (const char *)t->prefixes, t->prefix_cnt, sizeof(*t->prefixes) },
		{ "core prefixes", is_odd ? s->maps.sipseal_cores1 : s->maps.sipseal_cores0,
		  (const char *)t->cores, t->core_cnt, sizeof(*t->cores) },
	};
	const uint32_t live = bpfgw_generation(g);
	int r;

	_Static_assert(sizeof(*t->peers) == sizeof(t->peers->key) + 4, "key, value");
	_Static_assert(sizeof(*t->prefixes) == sizeof(t->prefixes->key) + 4, "key, value");
	_Static_assert(sizeof(*t->cores) == sizeof(t->cores->key) + 4, "key, value");
	_Static_assert(sizeof(t->cores->key) <= FILL_KEY_MAX, "keys");
	if (live && (live & 1) == (generation & 1))
		return bpfgw_fail(reterr, -EBUSY, "generation %u would overwrite the tables of %u",
				  generation, live);
	grace_period();
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		r = table_replace(&tables[i], reterr);
		if (r < 0)
			return r;
	}
	ports_fill((uint64_t *)s->data_ports->sipseal_ports[is_odd], t);
	return 0;
}
