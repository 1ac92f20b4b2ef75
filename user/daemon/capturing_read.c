/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A reader's queue is one piece of memory, for blocks are made in place: bytes wait between head and tail, and are
 * moved to the front when there is no room behind them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "daemon/capturing_internal.h"

/* Kept for the last statistics: 18 interfaces of 120 bytes, told only then, and their statistics of 90. */
#define RESERVE 8192
#define STATS_NS 1000000000ull /* one who hangs up has them at most so old */

static uint64_t end_of(uint64_t seconds, uint64_t now_ns)
{
	return seconds && seconds < (UINT64_MAX - now_ns) / 1000000000u ? now_ns + seconds * 1000000000u : UINT64_MAX;
}

struct capturing_reader *capturing_reader_new(const struct capturing_ask *ask,
					      const struct capture_nic nics[SIPSEAL_PORTS_MAX], uint64_t now_ns)
{
	struct capturing_reader *r = malloc(sizeof(*r)); /* not calloc: the pages of the queue come as they are needed */

	if (!r)
		return NULL;
	memset(r, 0, offsetof(struct capturing_reader, queue));
	r->wake = ask->wake;
	r->ctx = ask->ctx;
	r->is_filtered = ask->trunk != NULL;
	snprintf(r->trunk, sizeof(r->trunk), "%s", ask->trunk ? ask->trunk : "");
	r->count_left = ask->count ? ask->count : UINT64_MAX;
	r->end_ns = end_of(ask->seconds, now_ns);
	r->stats_ns = now_ns + STATS_NS;
	r->is_told = true;
	capture_file_init(&r->file, nics, clock_ns(CLOCK_REALTIME));
	r->tail = (size_t)capture_file_begin(r->queue, sizeof(r->queue));
	return r;
}

/* Only where half of the queue has been read: so each byte is moved once on the average.  Return: is there more room? */
static bool compact(struct capturing_reader *r)
{
	if (!r->head || r->head < CAPTURING_QUEUE / 2)
		return false;
	memmove(r->queue, r->queue + r->head, r->tail - r->head);
	r->tail -= r->head;
	r->head = 0;
	return true;
}

static size_t room(const struct capturing_reader *r, size_t reserve)
{
	size_t left = CAPTURING_QUEUE - r->tail;

	return left > reserve ? left - reserve : 0;
}

/* The NIC that an INVITE came by: its first packet is one that came. */
static unsigned nic_of(const struct capture_copy *c)
{
	struct capture_packet p;
	struct slice data;
	size_t off = 0;

	return capture_next(c, &off, &p, &data) ? p.nic : CAPTURE_NIC_NONE;
}

bool capturing_reader_add(struct capturing_reader *r, const struct capture_copy *c, unsigned worker, const char *trunk)
{
	struct slice name = slice_str(trunk);
	ssize_t n;

	do {
		n = capture_file_add(&r->file, c, worker, name, r->queue + r->tail, room(r, RESERVE));
	} while (n < 0 && compact(r));
	r->is_told = false;
	if (n < 0) {
		r->lost[nic_of(c)]++;
		return false;
	}
	r->tail += (size_t)n;
	if (r->count_left != UINT64_MAX && --r->count_left == 0)
		capturing_reader_end(r);
	return true;
}

void capturing_reader_lost(struct capturing_reader *r, unsigned nic, uint64_t cnt)
{
	if (r->is_ended)
		return;
	r->lost[nic] += cnt;
	r->is_told = false;
}

static void stats_put(struct capturing_reader *r, size_t reserve)
{
	ssize_t n;

	if (r->is_told)
		return;
	do {
		n = capture_file_stats(&r->file, r->lost, clock_ns(CLOCK_REALTIME), r->queue + r->tail, room(r, reserve));
	} while (n < 0 && compact(r));
	if (n < 0)
		return;
	r->tail += (size_t)n;
	r->is_told = true;
}

void capturing_reader_end(struct capturing_reader *r)
{
	if (r->is_ended)
		return;
	stats_put(r, 0);
	r->is_ended = true;
}

void capturing_reader_turn(struct capturing_reader *r, uint64_t now_ns)
{
	if (r->is_ended)
		return;
	if (now_ns >= r->end_ns) {
		capturing_reader_end(r);
	} else if (now_ns >= r->stats_ns) {
		stats_put(r, RESERVE);
		r->stats_ns = now_ns + STATS_NS;
	}
}

ssize_t capturing_read(struct capturing_reader *r, char *dst, size_t cap)
{
	size_t left = r->tail - r->head, n = left < cap ? left : cap;

	if (!left && r->is_ended)
		return -ENODATA;
	memcpy(dst, r->queue + r->head, n);
	r->head += n;
	if (r->head == r->tail)
		r->head = r->tail = 0;
	return (ssize_t)n;
}
