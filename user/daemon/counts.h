/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * counts - what the signers of this daemon's life have counted.
 *
 * Each signer gets a counters memfd of its own, because it starts from zero (its sockets do,
 * too).  What a dead one had published is folded into `past`, so that sums never go back.
 * The memory is writable for the signer: nothing that is read here is trusted, and the layout comes
 * from our own fields, never from the header in the region.
 */
#ifndef SIPSEAL_DAEMON_COUNTS_H
#define SIPSEAL_DAEMON_COUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trunk/counters.h"

#define COUNTS_XSK 6   /* fields of counters_xsk */

struct counts_total {
	uint64_t reasons[COUNTERS_SIGNER_REASONS];
	uint64_t frames_total, frames_free, frames_rx, frames_tx;  /* of the living signer only */
	uint64_t frames_lost;
	uint64_t sent_xsk, sent_raw, sent_fragments, send_errors, bad_completions;
	uint64_t signatures;
	uint64_t replay_entries, replay_bytes;                     /* of the living signer only */
	uint64_t replay_evicted, cpu_ns;
	uint64_t sign_us[COUNTERS_BUCKETS], sign_ns_sum;           /* trunk/counters.h */
	uint64_t latency_us[COUNTERS_BUCKETS], latency_ns_sum;
	uint64_t verdict_hits, verdict_misses, verified_by_table, parked_ever, park_full, seen_evicted;
	uint64_t parked;                                           /* of the living signer only */
	uint64_t datagrams_whole, mailed, shed_compact, shed_location, shed_pai;
	uint64_t fragments_held, fragment_bytes, fragment_limit;   /* of the living signer only */
	uint64_t wait_us[COUNTERS_BUCKETS], wait_ns_sum;
	uint64_t xsk[SIPSEAL_PORTS_MAX][COUNTS_XSK];
};

/* Our clock less iat of a trunk's inbound calls, of the living signer's workers together. */
struct counts_skew {
	uint64_t cnt;
	int64_t mean_ms, min_ms, max_ms;
};

struct counts {
	int fd;
	void *map;                   /* NULL: no signer had any yet */
	size_t len;
	uint32_t workers, trunk_max;
	struct counts_total past;
	uint64_t *past_trunks;       /* [trunk_max][COUNTERS_DIRECTIONS][COUNTERS_SIGNER_REASONS] */
};

/** counts_init() - Return: 0, or -ENOMEM. */
int counts_init(struct counts *c, uint32_t workers, uint32_t trunk_max);
void counts_done(struct counts *c);

/** counts_renew() - fold the present region into the past, make a new one (c->fd).
 * @trunk_cnt: slots in use, so that holes of the memfd are not touched
 * Return: 0, or negative errno. */
int counts_renew(struct counts *c, uint32_t trunk_cnt);

/** counts_sum() - all workers, past and present. */
void counts_sum(const struct counts *c, struct counts_total *ret);

/** counts_worker() - one worker of the living signer; all zero where there is none. */
void counts_worker(const struct counts *c, unsigned worker, struct counts_total *ret);

/** counts_trunk() - by signer reason (index reason - SR_XDP_MAX), past and present. */
void counts_trunk(const struct counts *c, uint32_t slot, enum counters_direction direction,
		  uint64_t ret[COUNTERS_SIGNER_REASONS]);

/** counts_trunk_skew() - Return: false: no inbound call has told yet. */
bool counts_trunk_skew(const struct counts *c, uint32_t slot, struct counts_skew *ret);

/** counts_trunk_reset() - a slot that has rested gets another trunk: it starts from zero. */
void counts_trunk_reset(struct counts *c, uint32_t slot);

/** counts_drained() - has every worker finished all frames that were steered before @when_ns?  True where there
 * never was a signer; that it has died since is for the caller to know. */
bool counts_drained(const struct counts *c, uint64_t when_ns);

/** counts_reasons_sum() - frames that signers have accounted for. */
uint64_t counts_reasons_sum(const struct counts_total *t);

/** counts_ring_drops() - frames that were steered and did not fit a ring or a chunk. */
uint64_t counts_ring_drops(const struct counts_total *t);

#endif
