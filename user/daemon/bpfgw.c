// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/bpfgw_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include <arpa/inet.h>

/* The last complaint of libbpf, for reterr: the library logs to a callback, we log nothing. */
static char libbpf_said[BPFGW_ERR_LEN];

static int libbpf_listen(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	if (level == LIBBPF_WARN) {
		vsnprintf(libbpf_said, sizeof(libbpf_said), fmt, ap);
		libbpf_said[strcspn(libbpf_said, "\n")] = '\0';
	}
	return 0;
}

int bpfgw_fail(char reterr[BPFGW_ERR_LEN], int error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reterr, BPFGW_ERR_LEN, fmt, ap);
	va_end(ap);
	return error;
}

void bpfgw_close(struct bpfgw *g)
{
	if (!g)
		return;
	gateway_bpf__destroy(g->skel);
	free(g);
}

static int load_fail(int error, char reterr[BPFGW_ERR_LEN])
{
	if (error == -EPERM || error == -EACCES)
		return bpfgw_fail(reterr, -EPERM,
				  "not allowed to load BPF: needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON");
	return bpfgw_fail(reterr, error, "XDP program does not load (%s): %.160s", strerror(-error),
			  libbpf_said);
}

int bpfgw_open(const char *bpffs, struct bpfgw **ret, char reterr[BPFGW_ERR_LEN])
{
	CLEANUP(bpfgw_closep) struct bpfgw *g = calloc(1, sizeof(*g));
	int r;

	if (!g)
		return bpfgw_fail(reterr, -ENOMEM, "out of memory");
	r = bpfgw_dir_check(bpffs, reterr);
	if (r < 0)
		return r;
	if (snprintf(g->dir, sizeof(g->dir), "%s/v%d", bpffs, SIPSEAL_ABI_VERSION) >=
	    (int)sizeof(g->dir) - BPFGW_PIN_LEN)
		return bpfgw_fail(reterr, -ENAMETOOLONG, "%.64s...: path is too long", bpffs);
	libbpf_said[0] = '\0';
	libbpf_set_print(libbpf_listen);
	g->skel = gateway_bpf__open();
	if (!g->skel)
		return load_fail(-errno, reterr);
	r = bpfgw_adopt(g, reterr);
	if (r < 0)
		return r;
	g->is_adopted = r > 0;
	r = gateway_bpf__load(g->skel);
	if (r < 0)
		return load_fail(r, reterr);
	if (bpfgw_config(g)->abi_version != SIPSEAL_ABI_VERSION)
		return bpfgw_fail(reterr, -EPROTO,
				  "%s: pins are of ABI %u, this program needs %d; run sipseald --detach",
				  g->dir, bpfgw_config(g)->abi_version, SIPSEAL_ABI_VERSION);
	*ret = TAKE(g);
	return 0;
}

bool bpfgw_was_adopted(const struct bpfgw *g)
{
	return g->is_adopted;
}

uint32_t bpfgw_generation(const struct bpfgw *g)
{
	return __atomic_load_n(&g->skel->data_config->sipseal_config.generation, __ATOMIC_ACQUIRE);
}

const struct sipseal_config *bpfgw_config(const struct bpfgw *g)
{
	return &g->skel->data_config->sipseal_config;
}

/* XDP compares numbers as two words: what is behind the digits must be zero. */
static void config_zero_tails(struct sipseal_config *c)
{
	for (unsigned i = 0; i < SIPSEAL_EMERGENCY_MAX; i++) {
		struct sipseal_emergency *e = &c->emergency[i];

		if (e->len > SIPSEAL_EMERGENCY_LEN)
			e->len = 0;
		memset(e->digits + e->len, 0, sizeof(e->digits) - e->len);
	}
}

/* Ports that change hands: the kernel forwards to them until bpfgw_attach() names the new NIC.  The devmap
 * of before would send out of the wrong one. */
static void devs_release(struct bpfgw *g, const struct sipseal_config *live, const struct sipseal_config *next)
{
	for (uint32_t i = 0; i < SIPSEAL_PORTS_MAX; i++)
		if (live->ports[i].ifindex != next->ports[i].ifindex)
			bpf_map_delete_elem(bpf_map__fd(g->skel->maps.sipseal_devs), &i);
}

/* Where passing means "out of the other port", an empty slot drops (no_peer_port): all are filled before the first NIC
 * gets this program.  What cannot be filled is bpfgw_attach()'s to name. */
static void devs_fill_bridges(struct bpfgw *g, const struct sipseal_config *next)
{
	for (unsigned i = 0; i < SIPSEAL_PORTS_MAX; i++) {
		uint32_t peer = next->ports[i].peer;

		if ((next->ports[i].flags & SIPSEAL_PORT_F_BRIDGE) && peer < SIPSEAL_PORTS_MAX)
			bpf_map_update_elem(bpf_map__fd(g->skel->maps.sipseal_devs), &peer,
					    &next->ports[peer].ifindex, BPF_ANY);
	}
}

int bpfgw_config_set(struct bpfgw *g, const struct sipseal_config *c)
{
	const size_t rest = offsetof(struct sipseal_config, heartbeat_limit_ns);
	struct sipseal_config *live = &g->skel->data_config->sipseal_config;
	struct sipseal_config next = *c;

	if (c->sip_port_cnt > SIPSEAL_SIP_PORTS_MAX)
		return -EINVAL;
	for (unsigned i = 0; i < SIPSEAL_PORTS_MAX; i++)
		if (c->ports[i].queues > SIPSEAL_QUEUES_MAX)
			return -EINVAL;
	config_zero_tails(&next);
	bpfgw_links_prune(g, &next);
	devs_release(g, live, &next);
	devs_fill_bridges(g, &next);
	/* The page is the map: XDP sees each store.  Words do not tear, and no field depends on another
	 * one but on the generation, which comes last. */
	memcpy((char *)live + rest, (const char *)&next + rest, sizeof(next) - rest);
	live->abi_version = SIPSEAL_ABI_VERSION;
	__atomic_store_n(&live->generation, next.generation, __ATOMIC_RELEASE);
	return 0;
}

int bpfgw_xsk_set(struct bpfgw *g, unsigned port, unsigned queue, int fd)
{
	uint32_t slot = port * SIPSEAL_QUEUES_MAX + queue, value = (uint32_t)fd;

	if (port >= SIPSEAL_PORTS_MAX || queue >= SIPSEAL_QUEUES_MAX)
		return -EINVAL;
	return bpf_map_update_elem(bpf_map__fd(g->skel->maps.sipseal_xsks), &slot, &value, BPF_ANY);
}

int bpfgw_heartbeat_fd(const struct bpfgw *g)
{
	return bpf_map__fd(g->skel->maps.sipseal_beats);
}

int bpfgw_counters(const struct bpfgw *g, unsigned port, uint64_t ret[SR_XDP_MAX])
{
	int cpus = libbpf_num_possible_cpus(), fd = bpf_map__fd(g->skel->maps.sipseal_count);
	CLEANUP(freep) uint64_t *per_cpu = NULL;
	uint64_t sums[SR_XDP_MAX] = { 0 };

	if (port >= SIPSEAL_COUNTER_ROWS)
		return -EINVAL;
	if (cpus < 0)
		return cpus;
	per_cpu = calloc((size_t)cpus, sizeof(*per_cpu));
	if (!per_cpu)
		return -ENOMEM;
	for (uint32_t i = 0; i < SR_XDP_MAX; i++) {
		uint32_t key = port * SR_XDP_MAX + i;
		int r = bpf_map_lookup_elem(fd, &key, per_cpu);

		if (r < 0)
			return r;
		for (int cpu = 0; cpu < cpus; cpu++)
			sums[i] += per_cpu[cpu];
	}
	memcpy(ret, sums, sizeof(sums));
	return 0;
}

int bpfgw_unmatched_peers(const struct bpfgw *g, struct bpfgw_unmatched *ret, unsigned max)
{
	const struct bpf_map *map = g->skel->maps.sipseal_unmatch;
	struct sipseal_unmatched_key key, next;
	int fd = bpf_map__fd(map);
	unsigned n = 0;

	/* Bounded: a key that the LRU has dropped meanwhile makes the kernel start anew */
	for (unsigned i = 0; i < bpf_map__max_entries(map) && n < max; i++) {
		int r = bpf_map_get_next_key(fd, i ? &key : NULL, &next);

		if (r == -ENOENT)
			break;
		if (r < 0)
			return r;
		key = next;
		if (bpf_map_lookup_elem(fd, &key, &ret[n].count) < 0)
			continue;
		memcpy(ret[n].src, key.src, sizeof(key.src));
		memcpy(ret[n].dst, key.dst, sizeof(key.dst));
		ret[n].src_port = ntohs(key.src_port_be);
		ret[n].dst_port = ntohs(key.dst_port_be);
		n++;
	}
	return (int)n;
}
