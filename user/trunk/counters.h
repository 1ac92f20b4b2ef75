/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * counters - shared memory in which the signer publishes what it did (memfd, daemon reads).
 *
 * One block per worker, written by that worker alone with relaxed stores; readers add up.
 */
#ifndef SIPSEAL_TRUNK_COUNTERS_H
#define SIPSEAL_TRUNK_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

#include "abi.h"

#define COUNTERS_MAGIC 0x73706337u /* "spc7" */
#define COUNTERS_BUCKETS 20        /* bucket i: below 2^(i+3) us; the last one: all others */
#define COUNTERS_SIGNER_REASONS (SR_MAX - SR_XDP_MAX)

struct counters_xsk {              /* one socket */
	uint64_t rx_dropped, rx_invalid, tx_invalid, rx_ring_full, rx_fill_empty, tx_ring_empty; /* XDP_STATISTICS */
};

enum counters_direction { COUNTERS_OUTBOUND, COUNTERS_INBOUND, COUNTERS_DIRECTIONS };

/* One trunk.  In observe the decided reason is counted beside SR_OBSERVE. */
struct counters_trunk {
	_Atomic uint64_t reasons[COUNTERS_DIRECTIONS][COUNTERS_SIGNER_REASONS];
	/* inbound: our clock less iat, of rows that were good in every other respect or only stale; ms */
	_Atomic int64_t skew_ms;           /* moving mean, 1/16 per call */
	_Atomic int64_t skew_min_ms, skew_max_ms;
	_Atomic uint64_t skew_cnt;
};

struct counters_worker {
	_Atomic uint64_t reasons[COUNTERS_SIGNER_REASONS]; /* index reason - SR_XDP_MAX; one per frame received */
	_Atomic uint64_t frames_total, frames_free, frames_rx, frames_tx; /* UMEM accounting at the last loop */
	_Atomic uint64_t frames_lost;      /* total - sum of the others; must stay 0 */
	_Atomic uint64_t sent_xsk, sent_raw, sent_fragments, send_errors, bad_completions;
	_Atomic uint64_t signatures;       /* made; retransmissions make none */
	_Atomic uint64_t replay_entries, replay_bytes, replay_evicted;
	_Atomic uint64_t cpu_ns;           /* CPU time of the worker thread */
	_Atomic uint64_t drained_ns;       /* frames that were in a ring at this moment (CLOCK_MONOTONIC) are all done */
	_Atomic uint64_t sign_us[COUNTERS_BUCKETS];    /* INVITEs that were signed, by time the worker spent on them */
	_Atomic uint64_t sign_ns_sum;
	_Atomic uint64_t latency_us[COUNTERS_BUCKETS]; /* frames that left, by time from XDP to the tx ring */
	_Atomic uint64_t latency_ns_sum;
	_Atomic uint64_t verdict_hits, verdict_misses; /* certificates that INVITEs asked for: known, not known (yet) */
	_Atomic uint64_t verified_by_table; /* signatures, good or bad, whose key came often enough for one (stir/es256_table.h) */
	_Atomic uint64_t parked;           /* INVITEs that wait for their certificate now; each will have its reason */
	_Atomic uint64_t parked_ever, park_full; /* waited; could not, for there was no room */
	_Atomic uint64_t wait_us[COUNTERS_BUCKETS];    /* INVITEs that waited, by time */
	_Atomic uint64_t wait_ns_sum;
	_Atomic uint64_t fragments_held;   /* wait for the rest of their datagram now; each will have its reason */
	_Atomic uint64_t fragment_bytes;   /* that they take; fragments_held and this: gauges */
	_Atomic uint64_t fragment_limit;   /* bytes that they may take, all of it; from the worker's start on */
	_Atomic uint64_t datagrams_whole;  /* put together, ever */
	_Atomic uint64_t mailed;           /* fragments given to the worker that owns their flow */
	_Atomic uint64_t shed_compact, shed_location, shed_pai; /* standards 7.1: what was left out to fit, by step */
	_Atomic uint64_t seen_evicted;     /* signatures that were forgotten before their time (replay detection) */
	_Atomic uint64_t xsk[8][6];        /* per port, sums over its queues: counters_xsk in order */
	struct counters_trunk trunks[];    /* [trunk_max] */
};

struct counters_region {
	uint32_t magic, version;
	uint32_t workers, trunk_max;
	uint64_t worker_off, worker_size;  /* block i at worker_off + i * worker_size */
};

static inline struct counters_worker *counters_worker(const struct counters_region *r, unsigned i)
{
	return (struct counters_worker *)((char *)(uintptr_t)r + r->worker_off + i * r->worker_size);
}

/** counters_size() - bytes of a region; sparse: untouched trunks cost nothing. */
static inline uint64_t counters_worker_size(uint32_t trunk_max)
{
	return (sizeof(struct counters_worker) +
		(uint64_t)trunk_max * sizeof(struct counters_trunk) + 4095) & ~4095ull;
}

static inline uint64_t counters_size(uint32_t workers, uint32_t trunk_max)
{
	return 4096 + workers * counters_worker_size(trunk_max);
}

/** counters_bump() - single writer: no read-modify-write on the bus. */
static inline void counters_bump(_Atomic uint64_t *c, uint64_t n)
{
	atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n, memory_order_relaxed);
}

/** counters_time() - one more duration in a histogram and its sum; single writer. */
static inline void counters_time(_Atomic uint64_t buckets[COUNTERS_BUCKETS], _Atomic uint64_t *sum_ns, uint64_t ns)
{
	uint64_t us = ns / 1000;
	unsigned bits = us ? 64u - (unsigned)__builtin_clzll(us) : 0; /* us < 2^bits */
	unsigned i = bits > 3 ? bits - 3 : 0;

	counters_bump(&buckets[i < COUNTERS_BUCKETS ? i : COUNTERS_BUCKETS - 1], 1);
	counters_bump(sum_ns, ns);
}

#endif
