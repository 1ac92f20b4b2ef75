/* SPDX-License-Identifier: BSD-2-Clause */
#include "signer/publish.h"

#include <linux/if_xdp.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "stir/es256.h"

static void put(_Atomic uint64_t *c, uint64_t v)
{
	atomic_store_explicit(c, v, memory_order_relaxed);
}

/* Up to which count of frames given is the ring of @p less than half full?  See abi.h.  A ring holds no more
 * frames than chunks are with the kernel.  `given` is read before the ring: what comes in between is
 * counted twice, never not at all. */
static void mark(const struct worker *w, const struct port *p)
{
	uint32_t slot = p->index * SIPSEAL_QUEUES_MAX + p->queue;
	uint64_t given = atomic_load_explicit(&w->cfg.slots[SIPSEAL_GIVEN + slot], memory_order_acquire);
	uint32_t waiting = ring_peek(&p->rx, p->rx.size);
	uint32_t room = p->fill_out < p->rx.size ? p->fill_out : p->rx.size;

	put(&w->cfg.slots[SIPSEAL_MARK + slot], given + room / 2 > waiting ? given + room / 2 - waiting : 0);
}

void publish_loop(struct worker *w)
{
	const uint32_t *in = w->umem->count;

	put(w->cfg.heartbeat, w->now_ns);
	for (unsigned i = 0; i < w->port_cnt; i++)
		mark(w, &w->ports[i]);
	put(&w->cfg.slots[SIPSEAL_FAIR + w->cfg.index], fair_interval(&w->fair));
	put(&w->counters->frames_total, w->umem->frames);
	put(&w->counters->frames_free, in[UMEM_FREE]);
	put(&w->counters->frames_rx, in[UMEM_RX]);
	put(&w->counters->frames_tx, in[UMEM_TX] + in[UMEM_VOID]);
	put(&w->counters->frames_lost, umem_lost(w->umem));
	put(&w->counters->bad_completions, w->umem->bad);
}

void publish_second(struct worker *w)
{
	uint64_t sum[SIPSEAL_PORTS_MAX][6] = { 0 };
	struct replay_stats rs = replay_stats(w->replay);

	for (unsigned i = 0; i < w->port_cnt; i++) {
		struct xdp_statistics s = { 0 };
		uint64_t *to = sum[w->ports[i].index];
		socklen_t len = sizeof(s);

		if (getsockopt(w->ports[i].fd, SOL_XDP, XDP_STATISTICS, &s, &len) < 0)
			continue;
		to[0] += s.rx_dropped;
		to[1] += s.rx_invalid_descs;
		to[2] += s.tx_invalid_descs;
		to[3] += s.rx_ring_full;
		to[4] += s.rx_fill_ring_empty_descs;
		to[5] += s.tx_ring_empty_descs;
	}
	for (unsigned p = 0; p < SIPSEAL_PORTS_MAX; p++)
		for (unsigned i = 0; i < 6; i++)
			put(&w->counters->xsk[p][i], sum[p][i]);
	put(&w->counters->cpu_ns, clock_ns(CLOCK_THREAD_CPUTIME_ID));
	put(&w->counters->verified_by_table, es256_by_table(w->inbound.es256));
	put(&w->counters->replay_entries, rs.entries);
	put(&w->counters->replay_bytes, rs.bytes);
	put(&w->counters->replay_evicted, rs.evicted);
}
