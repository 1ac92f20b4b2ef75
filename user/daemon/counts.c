/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/counts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/shm.h"

#define WORKERS_OFF 4096

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
	}
	t->sign_ns_sum += get(&w->sign_ns_sum);
	t->latency_ns_sum += get(&w->latency_ns_sum);
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
}

int counts_init(struct counts *c, uint32_t workers, uint32_t trunk_max)
{
	*c = (struct counts){ .fd = -1, .workers = workers, .trunk_max = trunk_max };
	c->past_trunks = calloc(trunk_max, COUNTERS_SIGNER_REASONS * sizeof(uint64_t));
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

static void fold(struct counts *c, uint32_t trunk_cnt)
{
	if (!c->map)
		return;
	for (unsigned i = 0; i < c->workers; i++) {
		const struct counters_worker *w = block(c, i);

		add_past(&c->past, w);
		for (size_t k = 0; k < (size_t)trunk_cnt * COUNTERS_SIGNER_REASONS; k++) {
			uint64_t n = get(&w->trunk_reasons[k]);

			if (n) /* memory that is not written is not used */
				c->past_trunks[k] += n;
		}
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

void counts_trunk(const struct counts *c, uint32_t slot, uint64_t ret[COUNTERS_SIGNER_REASONS])
{
	size_t first = (size_t)slot * COUNTERS_SIGNER_REASONS;

	memset(ret, 0, COUNTERS_SIGNER_REASONS * sizeof(*ret));
	if (slot >= c->trunk_max)
		return;
	memcpy(ret, c->past_trunks + first, COUNTERS_SIGNER_REASONS * sizeof(*ret));
	for (unsigned i = 0; c->map && i < c->workers; i++)
		for (size_t k = 0; k < COUNTERS_SIGNER_REASONS; k++)
			ret[k] += get(&block(c, i)->trunk_reasons[first + k]);
}

void counts_trunk_reset(struct counts *c, uint32_t slot)
{
	size_t first = (size_t)slot * COUNTERS_SIGNER_REASONS;

	if (slot >= c->trunk_max)
		return;
	for (size_t k = 0; k < COUNTERS_SIGNER_REASONS; k++) {
		if (c->past_trunks[first + k])
			c->past_trunks[first + k] = 0;
		for (unsigned i = 0; c->map && i < c->workers; i++)
			atomic_store_explicit(&block(c, i)->trunk_reasons[first + k], 0,
					      memory_order_relaxed);
	}
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
