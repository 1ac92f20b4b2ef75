/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/capturing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/capturing_internal.h"
#include "daemon/daemon.h"

#define NIL_LEN 256 /* what a record that cannot be true costs of a turn */

/* The daemon's own view of a ring. */
struct ring {
	uint64_t tail;
	uint64_t lost[CAPTURE_NICS]; /* as the worker said last */
};

struct capturing {
	struct sipseald *d;
	int fd;
	struct capture_region *region; /* NULL: no signer has one */
	uint64_t len;
	bool has_memory;               /* for all rings */
	struct ring rings[SIPSEAL_WORKERS_MAX];
	struct capturing_reader *readers[CAPTURING_READERS_MAX];
	struct capturing_totals totals;
	struct capture_copy copy;
};
DEFINE_FREEP(struct capturing *, capturing_free)

int capturing_new(struct sipseald *d, struct capturing **ret)
{
	struct capturing *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->d = d;
	c->fd = -1;
	*ret = c;
	return 0;
}

static void region_done(struct capturing *c)
{
	if (!c->region)
		return;
	munmap(c->region, c->len);
	closep(&c->fd);
	c->region = NULL;
	c->fd = -1;
	c->has_memory = false;
}

void capturing_free(struct capturing *c)
{
	if (!c)
		return;
	region_done(c);
	for (unsigned i = 0; i < CAPTURING_READERS_MAX; i++)
		free(c->readers[i]);
	free(c);
}

/* ---- from the rings ---- */

static bool is_for(const struct capturing_reader *r, const char *trunk)
{
	return r && !r->is_ended && (!r->is_filtered || strcmp(r->trunk, trunk) == 0);
}

/* Names are looked up now, while the slot still is that of the call. */
static void take_call(struct capturing *c, unsigned worker)
{
	const struct capture_call *call = &c->copy.call;
	const char *trunk = live_slot_name(c->d->live, call->trunk);

	/* A change makes the next generation known to the signer before it is the active one.  A slot that nobody has
	 * ever had: such a call is dropped, or passed in an emergency, never signed and never judged. */
	if (call->generation > (uint64_t)c->d->generation + 1 ||
	    (!trunk && (call->decided_verdict == EVENT_SIGN || call->decided_verdict == EVENT_VERIFY))) {
		c->totals.invalid++;
		return;
	}
	c->totals.invites++;
	for (unsigned i = 0; i < CAPTURING_READERS_MAX; i++)
		if (is_for(c->readers[i], trunk ? trunk : "") &&
		    !capturing_reader_add(c->readers[i], &c->copy, worker, trunk ? trunk : ""))
			c->totals.lost_reader++;
}

/* A record of a ring.  Return: bytes of the turn that it took; 0: there was none. */
static size_t take_one(struct capturing *c, unsigned worker)
{
	int r = capture_take(capture_worker(c->region, worker), &c->rings[worker].tail, &c->copy);

	if (r == 0)
		return 0;
	if (r < 0) {
		c->totals.invalid++;
		return NIL_LEN;
	}
	take_call(c, worker);
	return c->copy.call.len;
}

/* What a worker says that it lost only grows, whatever it says. */
static void take_lost(struct capturing *c, unsigned worker)
{
	const struct capture_worker *w = capture_worker(c->region, worker);

	for (unsigned nic = 0; nic < CAPTURE_NICS; nic++) {
		uint64_t *last = &c->rings[worker].lost[nic];
		uint64_t lost = atomic_load_explicit(&w->lost[nic], memory_order_relaxed);

		if (lost <= *last)
			continue;
		c->totals.lost_ring += lost - *last;
		for (unsigned i = 0; i < CAPTURING_READERS_MAX; i++)
			if (c->readers[i])
				capturing_reader_lost(c->readers[i], nic, lost - *last);
		*last = lost;
	}
}

/* One of each ring in turn, so that a busy worker does not hold up the others.  Return: there may be more. */
static bool take_all(struct capturing *c, size_t max)
{
	size_t len = 0, round = 1;

	while (c->region && round && len < max) {
		round = 0;
		for (unsigned i = 0; i < c->d->workers; i++)
			round += take_one(c, i);
		len += round;
	}
	for (unsigned i = 0; c->region && i < c->d->workers; i++)
		take_lost(c, i);
	return len >= max;
}

static void skip_all(struct capturing *c)
{
	for (unsigned i = 0; i < c->d->workers; i++) {
		struct capture_worker *w = capture_worker(c->region, i);

		capture_skip(w, &c->rings[i].tail);
		for (unsigned nic = 0; nic < CAPTURE_NICS; nic++)
			c->rings[i].lost[nic] = atomic_load_explicit(&w->lost[nic], memory_order_relaxed);
	}
}

/* ---- who is asked for what ---- */

/* Memory for all rings: what cannot be had now must not be missed by a worker that writes. */
static int memory_give(struct capturing *c)
{
	if (c->has_memory)
		return 0;
	if (fallocate(c->fd, 0, 0, (off_t)c->len) < 0)
		return -errno;
	c->has_memory = true;
	return 0;
}

/* capture_region.want for one reader; 0: it wants nothing any more. */
static uint32_t want_of(const struct capturing *c, const struct capturing_reader *r)
{
	const struct live_trunk *t;

	if (!r || r->is_ended)
		return 0;
	if (!r->is_filtered)
		return CAPTURE_ALL;
	t = live_find(c->d->live, r->trunk);
	return t ? t->slot + 1 : 0;
}

static void want_set(struct capturing *c)
{
	uint32_t want = 0;

	for (unsigned i = 0; i < CAPTURING_READERS_MAX; i++) {
		uint32_t one = want_of(c, c->readers[i]);

		if (one)
			want = !want || want == one ? one : CAPTURE_ALL;
	}
	if (c->region)
		atomic_store_explicit(&c->region->want, c->has_memory ? want : 0, memory_order_relaxed);
}

static void end_all(struct capturing *c)
{
	for (unsigned i = 0; i < CAPTURING_READERS_MAX; i++)
		if (c->readers[i])
			capturing_reader_end(c->readers[i]);
}

static void wake(const struct capturing_reader *r)
{
	if (r->wake && (r->head != r->tail || r->is_ended))
		r->wake(r->ctx);
}

static void readers_turn(struct capturing *c)
{
	uint64_t now_ns = clock_mono_ns();

	for (unsigned i = 0; i < CAPTURING_READERS_MAX; i++) {
		struct capturing_reader *r = c->readers[i];

		if (!r)
			continue;
		capturing_reader_turn(r, now_ns);
		if (!want_of(c, r)) /* its trunk has been removed */
			capturing_reader_end(r);
	}
	want_set(c);
	for (unsigned i = 0; i < CAPTURING_READERS_MAX; i++)
		if (c->readers[i])
			wake(c->readers[i]);
}

int capturing_turn(struct capturing *c)
{
	bool is_more;

	if (!c || !c->totals.readers)
		return -1;
	is_more = take_all(c, CAPTURING_TURN_LEN);
	readers_turn(c);
	return is_more ? 0 : CAPTURING_TURN_MS;
}

static const char *side_of(const struct sipseald *d, unsigned nic)
{
	switch (d->ports[nic].side) {
	case SIPSEAL_SIDE_CORE:
		return "core";
	case SIPSEAL_SIDE_CARRIER:
		return "carrier";
	default:
		return "both";
	}
}

int capturing_open(struct capturing *c, const struct capturing_ask *ask, struct capturing_reader **ret)
{
	struct capture_nic nics[SIPSEAL_PORTS_MAX] = { 0 };
	struct capturing_reader *r;
	unsigned i = 0;
	int fault;

	while (i < CAPTURING_READERS_MAX && c->readers[i])
		i++;
	if (ask->trunk && !live_find(c->d->live, ask->trunk))
		return -ENOENT;
	if (i == CAPTURING_READERS_MAX)
		return -EUSERS;
	if (!c->region)
		return -ENODEV;
	if ((fault = memory_give(c)) < 0)
		return fault;
	for (unsigned n = 0; n < c->d->port_cnt; n++)
		nics[n] = (struct capture_nic){ c->d->nics[n].name, side_of(c->d, n) };
	if (!(r = capturing_reader_new(ask, nics, clock_mono_ns())))
		return -ENOMEM;
	if (c->totals.readers)
		capturing_turn(c); /* what was lost before is not told to the one who comes now */
	else
		skip_all(c);
	r->all = c;
	c->readers[i] = r;
	c->totals.readers++;
	want_set(c);
	*ret = r;
	return 0;
}

void capturing_close(struct capturing_reader *r)
{
	struct capturing *c;

	if (!r)
		return;
	c = r->all;
	for (unsigned i = 0; i < CAPTURING_READERS_MAX; i++)
		if (c->readers[i] == r)
			c->readers[i] = NULL;
	c->totals.readers--;
	free(r);
	want_set(c);
}

void capturing_totals(const struct capturing *c, struct capturing_totals *ret)
{
	*ret = c ? c->totals : (struct capturing_totals){ 0 };
}

/* ---- the region ---- */

/* The first page of all, and that of each worker, are touched by the signer as soon as it has the region. */
static int heads_give(int fd, uint32_t workers)
{
	for (uint32_t i = 0; i <= workers; i++)
		if (fallocate(fd, 0, i ? (off_t)capture_size(i - 1) : 0, 4096) < 0)
			return -errno;
	return 0;
}

static int region_new(struct capturing *c, unsigned workers)
{
	uint64_t len = capture_size(workers);
	void *map;
	int fd = shm_memfd("sipseal-capture", len, 0, &map), r;

	if (fd < 0)
		return fd;
	r = heads_give(fd, workers);
	if (r < 0) {
		munmap(map, len);
		close(fd);
		return r;
	}
	c->fd = fd;
	c->region = map;
	c->len = len;
	capture_region_init(c->region, workers);
	memset(c->rings, 0, sizeof(c->rings));
	return c->totals.readers ? memory_give(c) : 0;
}

void capturing_drop(struct capturing *c)
{
	end_all(c);
	region_done(c);
}

int capturing_renew(struct capturing *c, int *ret_fd, uint64_t *ret_len)
{
	int r;

	if (c->totals.readers) /* whole rings: nobody writes there any more */
		take_all(c, c->d->workers * (size_t)CAPTURE_RING);
	region_done(c);
	if ((r = region_new(c, c->d->workers)) < 0) {
		capturing_drop(c);
		return r;
	}
	want_set(c);
	*ret_fd = c->fd;
	*ret_len = c->len;
	return 0;
}
