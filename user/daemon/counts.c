/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/counts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/shm.h"

#define WORKERS_OFF 4096
#define TRUNK_COUNTS ((size_t)COUNTERS_DIRECTIONS * COUNTERS_SIGNER_REASONS)

/* No clock is ten years off: what a signer says beyond that is not worth more, and sums cannot overflow. */
#define SKEW_MS_MAX (10ll * 366 * 86400 * 1000)

static struct counters_worker *block(const struct counts *c, unsigned worker)
{
	return (void *)((char *)c->map + WORKERS_OFF + worker * counters_worker_size(c->trunk_max));
}

static uint64_t get(const _Atomic uint64_t *p)
{
	return atomic_load_explicit(p, memory_order_relaxed);
}

static void add_past(struct counts_total *t, const struct counters_worker *w)
{
	for (size_t i = 0; i < COUNTERS_SIGNER_REASONS; i++)
		t->reasons[i] += get(&w->reasons[i]);
	for (size_t p = 0; p < SIPSEAL_PORTS_MAX; p++)
		for (size_t i = 0; i < COUNTS_XSK; i++)
			t->xsk[p][i] += get(&w->xsk[p][i]);
	t->frames_lost += get(&w->frames_lost);
	t->sent_xsk += get(&w->sent_xsk);
	t->sent_raw += get(&w->sent_raw);
	t->sent_fragments += get(&w->sent_fragments);
	t->send_errors += get(&w->send_errors);
	t->bad_completions += get(&w->bad_completions);
	t->signatures += get(&w->signatures);
	for (size_t i = 0; i < COUNTERS_BUCKETS; i++) {
		t->sign_us[i] += get(&w->sign_us[i]);
		t->latency_us[i] += get(&w->latency_us[i]);
		t->wait_us[i] += get(&w->wait_us[i]);
	}
	t->sign_ns_sum += get(&w->sign_ns_sum);
	t->latency_ns_sum += get(&w->latency_ns_sum);
	t->wait_ns_sum += get(&w->wait_ns_sum);
	t->verdict_hits += get(&w->verdict_hits);
	t->verdict_misses += get(&w->verdict_misses);
	t->verified_by_table += get(&w->verified_by_table);
	t->parked_ever += get(&w->parked_ever);
	t->park_full += get(&w->park_full);
	t->seen_evicted += get(&w->seen_evicted);
	t->datagrams_whole += get(&w->datagrams_whole);
	t->mailed += get(&w->mailed);
	t->shed_compact += get(&w->shed_compact);
	t->shed_location += get(&w->shed_location);
	t->shed_pai += get(&w->shed_pai);
	t->replay_evicted += get(&w->replay_evicted);
	t->cpu_ns += get(&w->cpu_ns);
}

static void add(struct counts_total *t, const struct counters_worker *w)
{
	add_past(t, w);
	t->frames_total += get(&w->frames_total);
	t->frames_free += get(&w->frames_free);
	t->frames_rx += get(&w->frames_rx);
	t->frames_tx += get(&w->frames_tx);
	t->replay_entries += get(&w->replay_entries);
	t->replay_bytes += get(&w->replay_bytes);
	t->parked += get(&w->parked);
	t->fragments_held += get(&w->fragments_held);
	t->fragment_bytes += get(&w->fragment_bytes);
	t->fragment_limit += get(&w->fragment_limit);
}

int counts_init(struct counts *c, uint32_t workers, uint32_t trunk_max)
{
	*c = (struct counts){ .fd = -1, .workers = workers, .trunk_max = trunk_max };
	c->past_trunks = calloc(trunk_max, TRUNK_COUNTS * sizeof(uint64_t));
	return c->past_trunks ? 0 : -ENOMEM;
}

static void unmap(struct counts *c)
{
	if (!c->map)
		return;
	munmap(c->map, c->len);
	close(c->fd);
	c->map = NULL;
	c->fd = -1;
}

void counts_done(struct counts *c)
{
	unmap(c);
	free(c->past_trunks);
	c->past_trunks = NULL;
}

/* The counts of a trunk in one list: both directions, as in past_trunks. */
static const _Atomic uint64_t *trunk_counts(const struct counts *c, unsigned worker, size_t slot)
{
	return &block(c, worker)->trunks[slot].reasons[0][0];
}

static void fold_trunk(struct counts *c, unsigned worker, size_t slot)
{
	const _Atomic uint64_t *now = trunk_counts(c, worker, slot);
	uint64_t *past = c->past_trunks + slot * TRUNK_COUNTS;

	for (size_t k = 0; k < TRUNK_COUNTS; k++) {
		uint64_t n = get(&now[k]);

		if (n) /* memory that is not written is not used */
			past[k] += n;
	}
}

static void fold(struct counts *c, uint32_t trunk_cnt)
{
	for (unsigned i = 0; c->map && i < c->workers; i++) {
		add_past(&c->past, block(c, i));
		for (size_t slot = 0; slot < trunk_cnt; slot++)
			fold_trunk(c, i, slot);
	}
}

int counts_renew(struct counts *c, uint32_t trunk_cnt)
{
	uint64_t len = counters_size(c->workers, c->trunk_max);
	struct counters_region *r;
	void *map;
	int fd = shm_memfd("sipseal-counters", len, 0, &map);

	if (fd < 0)
		return fd;
	fold(c, trunk_cnt < c->trunk_max ? trunk_cnt : c->trunk_max);
	unmap(c);
	r = map;
	*r = (struct counters_region){
		.magic = COUNTERS_MAGIC,
		.version = 1,
		.workers = c->workers,
		.trunk_max = c->trunk_max,
		.worker_off = WORKERS_OFF,
		.worker_size = counters_worker_size(c->trunk_max),
	};
	c->map = map;
	c->fd = fd;
	c->len = len;
	return 0;
}

void counts_sum(const struct counts *c, struct counts_total *ret)
{
	*ret = c->past;
	for (unsigned i = 0; c->map && i < c->workers; i++)
		add(ret, block(c, i));
}

void counts_worker(const struct counts *c, unsigned worker, struct counts_total *ret)
{
	*ret = (struct counts_total){ 0 };
	if (c->map && worker < c->workers)
		add(ret, block(c, worker));
}

void counts_trunk(const struct counts *c, uint32_t slot, enum counters_direction direction,
		  uint64_t ret[COUNTERS_SIGNER_REASONS])
{
	size_t first = (size_t)direction * COUNTERS_SIGNER_REASONS;

	memset(ret, 0, COUNTERS_SIGNER_REASONS * sizeof(*ret));
	if (slot >= c->trunk_max || direction >= COUNTERS_DIRECTIONS)
		return;
	memcpy(ret, c->past_trunks + slot * TRUNK_COUNTS + first,
	       COUNTERS_SIGNER_REASONS * sizeof(*ret));
	for (unsigned i = 0; c->map && i < c->workers; i++)
		for (size_t k = 0; k < COUNTERS_SIGNER_REASONS; k++)
			ret[k] += get(&trunk_counts(c, i, slot)[first + k]);
}

static int64_t skew(const _Atomic int64_t *p)
{
	int64_t ms = atomic_load_explicit(p, memory_order_relaxed);

	return ms > SKEW_MS_MAX ? SKEW_MS_MAX : ms < -SKEW_MS_MAX ? -SKEW_MS_MAX : ms;
}

/* Each worker has a moving mean of its own: they weigh by the calls that they have seen. */
bool counts_trunk_skew(const struct counts *c, uint32_t slot, struct counts_skew *ret)
{
	struct counts_skew s = { .min_ms = SKEW_MS_MAX, .max_ms = -SKEW_MS_MAX };
	double sum = 0, weight = 0; /* a count of theirs may be anything: it must not overflow */

	if (slot >= c->trunk_max)
		return false;
	for (unsigned i = 0; c->map && i < c->workers; i++) {
		const struct counters_trunk *t = &block(c, i)->trunks[slot];
		uint64_t cnt = get(&t->skew_cnt);
		int64_t min = skew(&t->skew_min_ms), max = skew(&t->skew_max_ms);

		if (!cnt)
			continue;
		sum += (double)skew(&t->skew_ms) * (double)cnt;
		weight += (double)cnt;
		s.cnt += cnt;
		s.min_ms = min < s.min_ms ? min : s.min_ms;
		s.max_ms = max > s.max_ms ? max : s.max_ms;
	}
	if (weight <= 0)
		return false;
	s.mean_ms = (int64_t)(sum / weight);
	*ret = s;
	return true;
}

static void zero(_Atomic uint64_t *p)
{
	atomic_store_explicit(p, 0, memory_order_relaxed);
}

static void reset_worker(struct counters_trunk *t)
{
	for (unsigned d = 0; d < COUNTERS_DIRECTIONS; d++)
		for (size_t k = 0; k < COUNTERS_SIGNER_REASONS; k++)
			zero(&t->reasons[d][k]);
	zero(&t->skew_cnt); /* the worker's first call sets the mean, least and most anew */
}

void counts_trunk_reset(struct counts *c, uint32_t slot)
{
	if (slot >= c->trunk_max)
		return;
	for (size_t k = 0; k < TRUNK_COUNTS; k++)
		if (c->past_trunks[slot * TRUNK_COUNTS + k])
			c->past_trunks[slot * TRUNK_COUNTS + k] = 0;
	for (unsigned i = 0; c->map && i < c->workers; i++)
		reset_worker(&block(c, i)->trunks[slot]);
}

bool counts_drained(const struct counts *c, uint64_t when_ns)
{
	/* acquire: what the worker read before is read when the caller writes */
	for (unsigned i = 0; c->map && i < c->workers; i++)
		if (atomic_load_explicit(&block(c, i)->drained_ns, memory_order_acquire) < when_ns)
			return false;
	return true;
}

uint64_t counts_reasons_sum(const struct counts_total *t)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < COUNTERS_SIGNER_REASONS; i++)
		sum += t->reasons[i];
	return sum;
}

/* The kernel counts a frame that finds no free chunk in rx_fill_empty and in rx_dropped, so the
 * former is no addend (net/xdp/xsk.c: __xsk_rcv(), xp_alloc()). */
uint64_t counts_ring_drops(const struct counts_total *t)
{
	uint64_t sum = 0;

	for (size_t p = 0; p < SIPSEAL_PORTS_MAX; p++)
		sum += t->xsk[p][0] + t->xsk[p][3];
	return sum;
}
