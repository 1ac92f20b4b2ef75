/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * worker.h - the words that XDP shares with the workers of the signer: is one alive, is its ring half full, what
 * can each trunk have of it.  See abi.h.
 */
#ifndef SIPSEAL_WORKER_H
#define SIPSEAL_WORKER_H

#include "maps.h"
#include "packet.h"

static __always_inline __u64 *worker_word(__u32 first, __u32 slot)
{
	__u32 i = first + slot;

	return bpf_map_lookup_elem(&sipseal_beats, &i);
}

/* Coarse clock: 6 ns instead of 42.  It lags by up to a tick, so the difference is signed. */
static __always_inline bool worker_is_beating(__u32 worker)
{
	__u64 *beat = worker_word(0, worker);
	__u64 at;

	if (!beat)
		return false;
	at = *(volatile __u64 *)beat;
	if (!at)
		return false;
	return (__s64)(bpf_ktime_get_coarse_ns() - at) <= (__s64)sipseal_config.heartbeat_limit_ns;
}

/*
 * Has the worker of the packet's queue been dead for SIPSEAL_WITHHOLD_NS?  One that never lived is not: traffic
 * reaches a gateway that starts for the first time before its signer is there.
 */
static __always_inline bool worker_is_gone(const struct xdp_md *ctx, const struct packet *p)
{
	__u32 port = p->port, queue = ctx->rx_queue_index;
	__u64 *beat, at;

	if (port >= SIPSEAL_PORTS_MAX || queue >= SIPSEAL_QUEUES_MAX)
		return false;
	beat = worker_word(0, sipseal_config.ports[port].worker[queue]);
	if (!beat)
		return false;
	at = *(volatile __u64 *)beat;
	return at && (__s64)(bpf_ktime_get_coarse_ns() - at) >
			     (__s64)(sipseal_config.heartbeat_limit_ns + SIPSEAL_WITHHOLD_NS);
}

/* The XSKMAP slot of the packet's queue if a live worker owns it (*ret_worker), or -1. */
static __always_inline __s64 worker_slot(struct xdp_md *ctx, const struct packet *p, __u32 *ret_worker)
{
	__u32 port = p->port, queue = ctx->rx_queue_index;

	if (port >= SIPSEAL_PORTS_MAX || queue >= SIPSEAL_QUEUES_MAX ||
	    queue >= sipseal_config.ports[port].queues)
		return -1;
	*ret_worker = sipseal_config.ports[port].worker[queue];
	return worker_is_beating(*ret_worker) ? port * SIPSEAL_QUEUES_MAX + queue : -1;
}

/* A full ring drops whatever it is given: over half, an emergency call had better go round the signer. */
static __always_inline bool worker_is_backlogged(__u32 slot)
{
	__u64 *given = worker_word(SIPSEAL_GIVEN, slot), *mark = worker_word(SIPSEAL_MARK, slot);

	return !given || !mark || *(volatile __u64 *)given >= *(volatile __u64 *)mark;
}

/* Before the frame is in the ring: counted late, it would make the ring look emptier than it is. */
static __always_inline void worker_count_given(__u32 slot)
{
	__u64 *given = worker_word(SIPSEAL_GIVEN, slot);

	if (given)
		__sync_fetch_and_add(given, 1);
}

/* ns between two INVITEs of one trunk that the worker can serve; 0: not known. */
static __always_inline __u64 worker_fair_ns(__u32 worker)
{
	__u64 *fair = worker_word(SIPSEAL_FAIR, worker);

	return fair ? *(volatile __u64 *)fair : 0;
}

#endif
