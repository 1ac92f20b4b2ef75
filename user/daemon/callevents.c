/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/callevents.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/callevents_internal.h"
#include "daemon/daemon.h"

/*
 * While calls come.  A turn wakes the daemon, some 40 us with cold caches: every 10 ms that were 3 us more per call at
 * 1,000 calls/s.  Many calls are read sooner, for a ring of EVENTS_RING is full after 40 ms of 100,000 INVITEs/s.
 */
#define TURN_MS 40
#define TURN_MS_MANY 10
#define TURN_MS_MAX 100
#define MANY (EVENTS_RING / 32) /* of a turn: 3,200 calls/s */

#define PAGE_UP(n) (((n) + 4095) & ~(uint64_t)4095)

/* The daemon's own view of a ring.  Nothing in the region says where to read: the signer can write
 * there. */
struct ring {
	uint64_t tail;
	uint64_t dropped; /* as the worker said last */
	bool is_broken;
};

struct callevents {
	struct sipseald *d;
	int fd;
	struct events_region *region; /* NULL: no signer yet */
	uint64_t len;
	unsigned workers;
	struct ring rings[SIPSEAL_WORKERS_MAX];
	uint64_t used_before[EVENTS_OVERRIDES]; /* override_used of the signers that have gone */
	struct callevent recent[CALLEVENTS_RECENT];
	uint64_t recent_cnt; /* ever; the next one goes to recent_cnt % CALLEVENTS_RECENT */
	struct event_followers followers;
	struct event_sink *sink;
	struct event_seen *seen;
	struct callevents_totals totals;
	int turn_ms;
};
DEFINE_FREEP(struct callevents *, callevents_free)

int callevents_new(struct sipseald *d, struct callevents **ret)
{
	CLEANUP(callevents_freep) struct callevents *e = calloc(1, sizeof(*e));
	int r;

	if (!e)
		return -ENOMEM;
	e->d = d;
	e->fd = -1;
	e->turn_ms = TURN_MS_MAX;
	r = event_seen_new(&e->seen);
	if (r < 0)
		return r;
	*ret = TAKE(e);
	return 0;
}

static void region_done(struct callevents *e)
{
	if (!e->region)
		return;
	munmap(e->region, e->len);
	close(e->fd);
	e->region = NULL;
	e->fd = -1;
}

static struct events_worker *worker_at(const struct callevents *e, unsigned i)
{
	return (struct events_worker *)((char *)e->region + PAGE_UP(sizeof(struct events_region)) +
					i * PAGE_UP(sizeof(struct events_worker)));
}

/* Names are looked up now, while slot and key still are those of the call. */
static bool name_event(struct callevents *e, struct callevent *c)
{
	const char *trunk = live_slot_name(e->d->live, c->r.trunk);
	const char *x5u = c->r.key == UINT32_MAX ? NULL : live_key_x5u(e->d->live, c->r.key);

	/* a slot that nobody has ever had: such a call is dropped, or passed in an emergency, never
	 * signed and never judged */
	if (!trunk && (c->r.decided_verdict == EVENT_SIGN || c->r.decided_verdict == EVENT_VERIFY))
		return false;
	snprintf(c->trunk, sizeof(c->trunk), "%s", trunk ? trunk : "");
	c->x5u = x5u ? strdup(x5u) : NULL;
	return true;
}

/* JSON is made only where somebody reads. */
static void tell(struct callevents *e, const struct callevent *c)
{
	CLEANUP(freep) char *line = NULL;
	size_t len;

	if (!e->followers.cnt && !e->sink)
		return;
	line = callevent_line(c, &len);
	if (!line)
		return;
	if (e->sink)
		event_sink_add(e->sink, line, len);
	event_followers_add(&e->followers, c->trunk, line, len);
}

static void take_event(struct callevents *e, const struct event_record *r, uint64_t now_ns)
{
	struct callevent *c = &e->recent[e->recent_cnt % CALLEVENTS_RECENT];
	struct callevent next = { .r = *r };

	if (!callevent_is_true(r, e->d->generation) || !name_event(e, &next)) {
		e->totals.invalid++;
		return;
	}
	free(c->x5u);
	*c = next;
	e->recent_cnt++;
	e->totals.events++;
	event_seen_add(e->seen, slice_of(c->r.call_id, c->r.call_id_len),
		       c->r.flags & EVENT_CALL_ID_CUT, now_ns);
	tell(e, c);
}

/* The worker's count of what it lost only grows, whatever it says. */
static void take_dropped(struct callevents *e, struct ring *ring, struct events_worker *w)
{
	uint64_t dropped = atomic_load_explicit(&w->dropped, memory_order_relaxed);

	if (dropped <= ring->dropped)
		return;
	e->totals.dropped_ring += dropped - ring->dropped;
	ring->dropped = dropped;
}

/* Up to a whole ring, so that a worker cannot keep us.  Return: records taken. */
static unsigned take_ring(struct callevents *e, unsigned i, uint64_t now_ns)
{
	struct events_worker *w = worker_at(e, i);
	struct ring *ring = &e->rings[i];
	struct event_record r;
	unsigned n = 0;

	while (n < EVENTS_RING && events_take(w, &ring->tail, &r)) {
		take_event(e, &r, now_ns);
		n++;
	}
	take_dropped(e, ring, w);
	if (!n && !ring->is_broken &&
	    atomic_load_explicit(&w->head, memory_order_relaxed) - ring->tail > EVENTS_RING) {
		ring->is_broken = true;
		e->totals.invalid++;
		log_err("event=events_ring_broken worker=%u: its events are not read any more", i);
	}
	return n;
}

static unsigned take_all(struct callevents *e)
{
	uint64_t now_ns = clock_mono_ns();
	unsigned n = 0;

	for (unsigned i = 0; e->region && i < e->workers; i++)
		n += take_ring(e, i, now_ns);
	if (e->sink)
		e->totals.dropped_file += event_sink_flush(e->sink, now_ns);
	return n;
}

void callevents_free(struct callevents *e)
{
	if (!e)
		return;
	take_all(e); /* the last calls are for the file, too */
	region_done(e);
	for (unsigned i = 0; i < CALLEVENTS_RECENT; i++)
		free(e->recent[i].x5u);
	event_followers_done(&e->followers);
	event_sink_close(e->sink);
	event_seen_free(e->seen);
	free(e);
}

int callevents_turn(struct callevents *e)
{
	unsigned n = take_all(e);

	if (n)
		e->turn_ms = n > MANY ? TURN_MS_MANY : TURN_MS;
	else if (e->turn_ms < TURN_MS_MAX)
		e->turn_ms = e->turn_ms * 2 < TURN_MS_MAX ? e->turn_ms * 2 : TURN_MS_MAX;
	return e->turn_ms;
}

int callevents_renew(struct callevents *e, int *ret_fd, uint64_t *ret_len)
{
	unsigned workers =
		e->d->workers <= SIPSEAL_WORKERS_MAX ? e->d->workers : SIPSEAL_WORKERS_MAX;
	uint64_t len = events_size(workers);
	void *map;
	int fd = shm_memfd("sipseal-events", len, 0, &map);

	if (fd < 0)
		return fd;
	take_all(e);
	for (uint32_t i = 0; i < EVENTS_OVERRIDES; i++)
		e->used_before[i] = callevents_override_used(e, i);
	region_done(e);
	memset(e->rings, 0, sizeof(e->rings));
	e->fd = fd;
	e->region = map;
	e->len = len;
	e->workers = workers;
	e->region->magic = EVENTS_MAGIC;
	e->region->version = EVENTS_VERSION;
	e->region->workers = workers;
	e->region->worker_off = PAGE_UP(sizeof(struct events_region));
	e->region->worker_size = PAGE_UP(sizeof(struct events_worker));
	*ret_fd = fd;
	*ret_len = len;
	return 0;
}

int callevents_file(struct callevents *e, const char *path)
{
	struct event_sink *sink = NULL;
	int r = path ? event_sink_open(path, &sink) : 0;

	if (r < 0)
		return r;
	if (e->sink)
		e->totals.dropped_file += event_sink_flush(e->sink, clock_mono_ns());
	event_sink_close(e->sink);
	e->sink = sink;
	return 0;
}

json_t *callevents_json(const struct sipseald *d, const struct event_record *r)
{
	const char *trunk = live_slot_name(d->live, r->trunk);
	const char *x5u = r->key == UINT32_MAX ? NULL : live_key_x5u(d->live, r->key);
	struct callevent c = { .r = *r, .x5u = (char *)x5u };

	snprintf(c.trunk, sizeof(c.trunk), "%s", trunk ? trunk : "");
	return callevent_json(&c);
}

char *callevents_recent(struct callevents *e, const char *trunk)
{
	char *text = NULL;
	size_t text_len = 0;
	FILE *f = open_memstream(&text, &text_len);
	uint64_t from;
	bool is_bad = false;

	if (!f)
		return NULL;
	take_all(e);
	from = e->recent_cnt > CALLEVENTS_RECENT ? e->recent_cnt - CALLEVENTS_RECENT : 0;
	for (uint64_t i = from; i < e->recent_cnt; i++) {
		const struct callevent *c = &e->recent[i % CALLEVENTS_RECENT];
		CLEANUP(freep) char *line = NULL;
		size_t len = 0;

		if (trunk && strcmp(trunk, c->trunk))
			continue;
		line = callevent_line(c, &len);
		is_bad |= !line || fwrite(line, 1, len, f) != len;
	}
	if (fclose(f) != 0 || is_bad) {
		free(text);
		return NULL;
	}
	return text;
}

struct event_followers *callevents_followers(struct callevents *e)
{
	take_all(e); /* what was before is not for the one who comes now */
	return &e->followers;
}

bool callevents_has_left(struct callevents *e, struct slice call_id)
{
	take_all(e);
	return event_seen_has(e->seen, call_id, clock_mono_ns());
}

void callevents_totals(const struct callevents *e, struct callevents_totals *ret)
{
	*ret = e->totals;
	ret->dropped_reader = e->followers.dropped;
	ret->followers = e->followers.cnt;
}

uint64_t callevents_override_used(const struct callevents *e, uint32_t index)
{
	uint64_t used = 0;

	if (index >= EVENTS_OVERRIDES)
		return 0;
	if (e->region)
		used = atomic_load_explicit(&e->region->override_used[index], memory_order_acquire);
	return used ? used : e->used_before[index];
}
