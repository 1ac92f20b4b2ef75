/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/hops.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/hops_netlink.h"

/* Looked up again even if nothing was heard; and not more often, for routes of a table that is learned anew come by
 * the thousand. */
#define SOMETIMES_NS 10000000000ull
#define ROUTES_APART_NS 1000000000ull
#define NEIGHBOURS_APART_NS 50000000ull
/* The kernel asks three times, a second apart, before it gives up; then we ask it to ask again. */
#define RESOLVE_NS 1000000000ull

struct peer_key {
	uint8_t addr[16];
	uint8_t bits; /* 128: a host */
};

struct hop {
	uint8_t addr[16], mac[6];
	bool has_mac, is_seen; /* is_seen: in the neighbour table, this time */
};

struct hops {
	unsigned ifindex;
	uint16_t port;
	struct mnl_socket *ask, *listen;
	struct peer_key *peers; /* sorted; hosts and prefixes */
	size_t peer_cnt, left_out;
	struct hop hop[SIPSEAL_HOPS_MAX];
	unsigned hop_cnt;
	struct sipseal_hop_key key[SIPSEAL_HOPS_MAX];
	unsigned key_cnt;
	bool is_full_said;
	uint64_t routes_ns, neighbours_ns, resolved_ns; /* when, last */
	bool want_routes, want_neighbours;
};

int hops_new(unsigned ifindex, unsigned port, struct hops **ret)
{
	CLEANUP(hops_freep) struct hops *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->ifindex = ifindex;
	h->port = (uint16_t)port;
	h->listen = hops_listen(); /* before the first look: nothing is missed in between */
	if (!h->listen)
		return errno ? -errno : -EIO;
	h->ask = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!h->ask || mnl_socket_bind(h->ask, 0, MNL_SOCKET_AUTOPID) < 0)
		return errno ? -errno : -EIO;
	*ret = TAKE(h);
	return 0;
}

void hops_free(struct hops *h)
{
	if (!h)
		return;
	if (h->ask)
		mnl_socket_close(h->ask);
	if (h->listen)
		mnl_socket_close(h->listen);
	free(h->peers);
	free(h);
}

/* ---- carrier peers ---- */

static int by_key(const void *a, const void *b)
{
	const struct peer_key *x = a, *y = b;
	int r = memcmp(x->addr, y->addr, sizeof(x->addr));

	return r ? r : x->bits - y->bits;
}

static size_t peers_cnt(const struct live *live)
{
	size_t cnt = 0;

	for (const struct live_trunk *t = live_first(live); t; t = live_next(t))
		cnt += t->trunk->carrier_cnt;
	return cnt;
}

static int peers_collect(struct hops *h, const struct live *live)
{
	size_t cnt = 0, kept = 0;
	struct peer_key *all = calloc(peers_cnt(live) + 1, sizeof(*all));

	if (!all)
		return -ENOMEM;
	for (const struct live_trunk *t = live_first(live); t; t = live_next(t)) {
		for (size_t i = 0; i < t->trunk->carrier_cnt; i++) {
			memcpy(all[cnt].addr, t->trunk->carrier_peers[i].addr, sizeof(all[cnt].addr));
			all[cnt++].bits = t->trunk->carrier_peers[i].bits;
		}
	}
	qsort(all, cnt, sizeof(*all), by_key);
	for (size_t i = 0; i < cnt; i++)
		if (!kept || by_key(&all[kept - 1], &all[i]))
			all[kept++] = all[i];
	free(h->peers);
	h->peers = all;
	h->peer_cnt = kept < HOPS_PEERS_MAX ? kept : HOPS_PEERS_MAX;
	h->left_out = kept - h->peer_cnt;
	return 0;
}

static bool is_inside(const struct peer_key *p, const uint8_t addr[16])
{
	unsigned bytes = p->bits / 8, rest = p->bits % 8;

	return memcmp(p->addr, addr, bytes) == 0 && (!rest || !((p->addr[bytes] ^ addr[bytes]) & (0xff00 >> rest) & 0xff));
}

static bool is_peer(const struct hops *h, const uint8_t addr[16])
{
	for (size_t i = 0; i < h->peer_cnt; i++)
		if (is_inside(&h->peers[i], addr))
			return true;
	return false;
}

/* ---- routes: next hops ---- */

/* The routes are looked up into a second list; MACs that are known go along. */
struct lookup {
	struct hops *h;
	const struct peer_key *peer;
	struct hop *list;
	unsigned cnt;
};

static struct hop *hop_find(struct hop *list, unsigned cnt, const uint8_t addr[16])
{
	for (unsigned i = 0; i < cnt; i++)
		if (memcmp(list[i].addr, addr, sizeof(list[i].addr)) == 0)
			return &list[i];
	return NULL;
}

static void on_hop(void *ctx, const uint8_t *gateway)
{
	struct lookup *l = ctx;
	const struct hop *old;
	struct hop *new;

	if (!gateway && l->peer->bits < 128)
		return; /* on the link: those of its hosts that are neighbours are found there */
	if (!gateway)
		gateway = l->peer->addr;
	if (l->cnt == SIPSEAL_HOPS_MAX || hop_find(l->list, l->cnt, gateway))
		return;
	new = &l->list[l->cnt++];
	*new = (struct hop){ 0 };
	memcpy(new->addr, gateway, sizeof(new->addr));
	old = hop_find(l->h->hop, l->h->hop_cnt, gateway);
	if (old && old->has_mac) {
		memcpy(new->mac, old->mac, sizeof(new->mac));
		new->has_mac = true;
	}
}

static int routes_look(struct hops *h)
{
	CLEANUP(freep) struct hop *list = calloc(SIPSEAL_HOPS_MAX, sizeof(*list));
	struct lookup l = { .h = h, .list = list };
	int r = 0;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < h->peer_cnt; i++) {
		l.peer = &h->peers[i];
		r = hops_routes(h->ask, h->ifindex, l.peer->addr, on_hop, &l);
	}
	h->routes_ns = clock_mono_ns();
	h->want_routes = r < 0;
	if (r < 0)
		return r;
	memcpy(h->hop, list, l.cnt * sizeof(*list));
	h->hop_cnt = l.cnt;
	return 0;
}

/* ---- neighbours: MACs ---- */

static void key_add(struct hops *h, const uint8_t mac[6])
{
	struct sipseal_hop_key k = { .port = h->port };

	memcpy(k.mac, mac, sizeof(k.mac));
	for (unsigned i = 0; i < h->key_cnt; i++)
		if (memcmp(&h->key[i], &k, sizeof(k)) == 0)
			return;
	if (h->key_cnt < SIPSEAL_HOPS_MAX)
		h->key[h->key_cnt++] = k;
	else if (!h->is_full_said) {
		h->is_full_said = true;
		log_warning("event=hops reason=\"more than %d next hops and carrier peers on the link: the rest counts as carrier "
			    "side by its addresses only\"",
			    SIPSEAL_HOPS_MAX);
	}
}

static void on_neighbour(void *ctx, const uint8_t addr[16], const uint8_t mac[6])
{
	struct hops *h = ctx;
	struct hop *hop = hop_find(h->hop, h->hop_cnt, addr);

	if (hop) {
		memcpy(hop->mac, mac, sizeof(hop->mac));
		hop->has_mac = hop->is_seen = true;
	} else if (is_peer(h, addr)) {
		key_add(h, mac);
	}
}

static int neighbours_look(struct hops *h, struct bpfgw *bpf)
{
	int r;

	h->key_cnt = 0;
	for (unsigned i = 0; i < h->hop_cnt; i++)
		h->hop[i].is_seen = false;
	r = hops_neighbours(h->ask, h->ifindex, on_neighbour, h);
	h->neighbours_ns = clock_mono_ns();
	h->want_neighbours = r < 0;
	if (r < 0)
		return r;
	for (unsigned i = 0; i < h->hop_cnt; i++)
		if (h->hop[i].has_mac)
			key_add(h, h->hop[i].mac);
	return bpfgw_hops_set(bpf, h->key, h->key_cnt);
}

/* Return: how many have none. */
static unsigned resolve(struct hops *h)
{
	const uint64_t now = clock_mono_ns();
	bool is_time = now - h->resolved_ns >= RESOLVE_NS;
	unsigned cnt = 0;

	for (unsigned i = 0; i < h->hop_cnt; i++) {
		if (h->hop[i].is_seen)
			continue;
		cnt++;
		if (is_time)
			hops_resolve(h->ask, h->ifindex, h->hop[i].addr);
	}
	if (cnt && is_time)
		h->resolved_ns = now;
	return cnt;
}

/* ---- the whole ---- */

static int look(struct hops *h, struct bpfgw *bpf, bool want_routes)
{
	int r = want_routes ? routes_look(h) : 0;

	if (r == 0)
		r = neighbours_look(h, bpf);
	if (r < 0)
		log_warning("event=hops reason=\"next hops of carriers: %s\"", strerror(-r));
	resolve(h);
	return r;
}

int hops_trunks(struct hops *h, const struct live *live, struct bpfgw *bpf)
{
	int r = peers_collect(h, live);

	if (r < 0)
		return r;
	if (h->left_out)
		log_warning("event=hops peers=%zu reason=\"more than %d different carrier peers: next hops of the rest are not looked up\"",
			    h->peer_cnt + h->left_out, HOPS_PEERS_MAX);
	h->resolved_ns = 0;
	return look(h, bpf, true);
}

int hops_fd(const struct hops *h)
{
	return mnl_socket_get_fd(h->listen);
}

static int ms_until(uint64_t at_ns, uint64_t now)
{
	return at_ns <= now ? 0 : (int)((at_ns - now) / 1000000) + 1;
}

/* When something is due: a change that was heard of, not too soon after the last look; or just so. */
static uint64_t due(bool want, uint64_t last_ns, uint64_t apart_ns)
{
	return last_ns + (want ? apart_ns : SOMETIMES_NS);
}

int hops_turn(struct hops *h, struct bpfgw *bpf)
{
	const unsigned heard = hops_heard(h->listen, h->ifindex);
	uint64_t now = clock_mono_ns(), routes, neighbours;
	bool is_unresolved;

	h->want_routes |= !!(heard & HOPS_HEARD_ROUTES);
	h->want_neighbours |= !!(heard & HOPS_HEARD_NEIGHBOURS);
	routes = due(h->want_routes, h->routes_ns, ROUTES_APART_NS);
	neighbours = due(h->want_neighbours, h->neighbours_ns, NEIGHBOURS_APART_NS);
	if (routes <= now || neighbours <= now)
		look(h, bpf, routes <= now);
	is_unresolved = resolve(h);
	now = clock_mono_ns();
	routes = due(h->want_routes, h->routes_ns, ROUTES_APART_NS);
	neighbours = due(h->want_neighbours, h->neighbours_ns, NEIGHBOURS_APART_NS);
	if (is_unresolved && h->resolved_ns + RESOLVE_NS < routes)
		routes = h->resolved_ns + RESOLVE_NS;
	return ms_until(routes < neighbours ? routes : neighbours, now);
}

void hops_wait(struct hops *h, struct bpfgw *bpf, unsigned ms)
{
	const uint64_t until = clock_mono_ns() + ms * 1000000ull;

	while (resolve(h) && clock_mono_ns() < until) {
		struct pollfd p = { .fd = hops_fd(h), .events = POLLIN };

		poll(&p, 1, 50);
		hops_turn(h, bpf);
	}
}

void hops_counts(const struct hops *h, struct hops_counts *ret)
{
	*ret = (struct hops_counts){ .peers = (unsigned)(h->peer_cnt + h->left_out),
				     .peers_left_out = (unsigned)h->left_out,
				     .next_hops = h->hop_cnt,
				     .macs = h->key_cnt };
	for (unsigned i = 0; i < h->hop_cnt; i++) {
		const uint8_t *a = h->hop[i].addr;

		if (h->hop[i].has_mac)
			continue;
		if (!ret->unresolved++)
			inet_ntop(hops_is_v4(a) ? AF_INET : AF_INET6, hops_is_v4(a) ? a + 12 : a, ret->unresolved_example,
				  sizeof(ret->unresolved_example));
	}
}
