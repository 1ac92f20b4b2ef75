/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/dialplan.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "daemon/callevents_internal.h"
#include "daemon/daemon.h"
#include "daemon/dialplan_request.h"
#include "location/pidf.h"

/* How often entries that were used make room, in ms. */
#define TURN_MS 1000

#define NONE UINT32_MAX

/* What a turn looks at: the entries themselves lie 4 KiB apart. */
struct line {
	uint64_t seq; /* 0: free */
	uint64_t expires_ns;
	uint64_t hash;
	enum override_kind kind;
};

struct dialplan {
	struct sipseald *d;
	int fd;
	struct override_region *region;
	struct line lines[OVERRIDE_ENTRIES];
	size_t cnt;
	uint64_t last_seq;
};
DEFINE_FREEP(struct dialplan *, dialplan_free)

int dialplan_new(struct sipseald *d, struct dialplan **ret)
{
	CLEANUP(dialplan_freep) struct dialplan *p = calloc(1, sizeof(*p));
	void *map;

	if (!p)
		return -ENOMEM;
	p->d = d;
	p->fd = shm_memfd("sipseal-overrides", sizeof(struct override_region), F_SEAL_FUTURE_WRITE,
			  &map);
	if (p->fd < 0)
		return p->fd;
	p->region = map;
	p->region->magic = OVERRIDE_MAGIC;
	p->region->version = OVERRIDE_VERSION;
	/* ids are told in events: no second one of that number, whenever the daemon started */
	p->last_seq = clock_real_ms();
	*ret = TAKE(p);
	return 0;
}

void dialplan_free(struct dialplan *p)
{
	if (!p)
		return;
	if (p->region) {
		munmap(p->region, sizeof(*p->region));
		close(p->fd);
	}
	free(p);
}

int dialplan_fd(const struct dialplan *p, uint64_t *ret_len)
{
	*ret_len = sizeof(*p->region);
	return p->fd;
}

size_t dialplan_cnt(const struct dialplan *p)
{
	return p->cnt;
}

static void cnt_set(struct dialplan *p, size_t cnt)
{
	p->cnt = cnt;
	atomic_store_explicit(&p->region->cnt, (uint32_t)cnt, memory_order_release);
}

static void withdraw(struct dialplan *p, uint32_t index)
{
	atomic_store_explicit(&p->region->tags[index / OVERRIDE_WAYS][index % OVERRIDE_WAYS], 0,
			      memory_order_release);
	atomic_store_explicit(&p->region->entries[index].seq, 0, memory_order_release);
	p->lines[index].seq = 0;
	cnt_set(p, p->cnt - 1);
}

static bool is_used(const struct dialplan *p, uint32_t index)
{
	return p->lines[index].kind == OVERRIDE_CALL_ID &&
	       callevents_override_used(p->d->events, index) == p->lines[index].seq;
}

/* Return: when the next one is over; UINT64_MAX: nothing is set. */
static uint64_t sweep(struct dialplan *p, uint64_t now_ns)
{
	uint64_t next_ns = UINT64_MAX;

	for (uint32_t i = 0; p->cnt && i < OVERRIDE_ENTRIES; i++) {
		const struct line *l = &p->lines[i];

		if (!l->seq)
			continue;
		if (l->expires_ns <= now_ns || is_used(p, i))
			withdraw(p, i);
		else if (l->expires_ns < next_ns)
			next_ns = l->expires_ns;
	}
	return next_ns;
}

int dialplan_turn(struct dialplan *p)
{
	uint64_t now_ns = clock_mono_ns(), next_ns = sweep(p, now_ns), ms;

	if (!p->cnt)
		return -1;
	ms = (next_ns - now_ns) / 1000000 + 1;
	return ms < TURN_MS ? (int)ms : TURN_MS;
}

void dialplan_renew(struct dialplan *p)
{
	sweep(p, clock_mono_ns());
}

static bool is_same(const struct dialplan *p, uint32_t index, uint64_t hash,
		    const struct dialplan_request *q)
{
	const struct override_entry *e = &p->region->entries[index];

	return p->lines[index].seq && p->lines[index].hash == hash &&
	       p->lines[index].kind == q->kind && e->key_len == q->key_len &&
	       memcmp(e->key, q->key, q->key_len) == 0;
}

/* Where the entry for this key is, and where a new one may stand: in the bucket with more room. */
static void look_up(const struct dialplan *p, uint64_t hash, const struct dialplan_request *q,
		    uint32_t *ret_old, uint32_t *ret_room)
{
	unsigned best = 0;
	uint32_t buckets[2];

	*ret_old = *ret_room = NONE;
	override_buckets(hash, buckets);
	for (unsigned b = 0; b < 2; b++) {
		uint32_t first = buckets[b] * OVERRIDE_WAYS, room = NONE;
		unsigned cnt = 0;

		for (uint32_t i = first; i < first + OVERRIDE_WAYS; i++) {
			if (is_same(p, i, hash, q))
				*ret_old = i;
			if (p->lines[i].seq)
				continue;
			room = i;
			cnt++;
		}
		if (cnt > best) {
			best = cnt;
			*ret_room = room;
		}
	}
}

/* In the order of trunk/override.h: readers see all of it or nothing. */
static void publish(struct dialplan *p, uint32_t index, const struct line *l,
		    const struct dialplan_request *q, const struct pidf_template *location)
{
	struct override_entry *e = &p->region->entries[index];

	atomic_store_explicit(&e->seq, 0, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	e->expires_ns = l->expires_ns;
	e->kind = q->kind;
	e->key_len = (uint32_t)q->key_len;
	memcpy(e->key, q->key, q->key_len);
	e->location = *location;
	atomic_store_explicit(&e->seq, l->seq, memory_order_release);
	atomic_store_explicit(&p->region->tags[index / OVERRIDE_WAYS][index % OVERRIDE_WAYS],
			      l->hash, memory_order_release);
	p->lines[index] = *l;
	cnt_set(p, p->cnt + 1);
}

/*
 * First the entry, then the look at what has left: an INVITE that comes in between finds the entry,
 * and one that left before is in the rings.  The one that the signer holds in its hands at this
 * moment may still leave without; it is as if it had left before.
 */
static int set(struct dialplan *p, const struct dialplan_request *q,
	       const struct pidf_template *location, uint64_t *ret_seq, struct fault *f)
{
	struct slice key = slice_of(q->key, q->key_len);
	uint64_t now_ns = clock_mono_ns();
	struct line l = { .expires_ns = now_ns + q->lifetime_s * 1000000000ull,
			  .hash = override_hash(q->kind, key),
			  .kind = q->kind };
	uint32_t old, room;

	look_up(p, l.hash, q, &old, &room);
	if (room == NONE || (p->cnt >= OVERRIDES_MAX && old == NONE)) {
		sweep(p, now_ns);
		look_up(p, l.hash, q, &old, &room);
	}
	if (room == NONE || (p->cnt >= OVERRIDES_MAX && old == NONE))
		return fault_set(f, "too_many", "%zu overrides are set, allowed: %d", p->cnt,
				 OVERRIDES_MAX);
	l.seq = ++p->last_seq;
	publish(p, room, &l, q, location);
	if (q->kind == OVERRIDE_CALL_ID && callevents_has_left(p->d->events, key) &&
	    !is_used(p, room)) {
		withdraw(p, room);
		return fault_set(f, "call_left", "the INVITE of this Call-ID has left already");
	}
	if (old != NONE)
		withdraw(p, old);
	*ret_seq = l.seq;
	return 0;
}

static int answer(const struct dialplan_request *q, uint64_t seq, json_t **ret, struct fault *f)
{
	bool is_number = q->kind == OVERRIDE_CALLING;
	char whom[OVERRIDE_KEY_MAX + 2];
	json_t *j;

	snprintf(whom, sizeof(whom), "%s%.*s", is_number ? "+" : "", (int)q->key_len, q->key);
	j = json_pack("{s:s, s:o, s:I}", is_number ? "calling_number" : "call_id", whom, "expires",
		      callevent_time(clock_real_ms() + q->lifetime_s * 1000ull), "id",
		      (json_int_t)seq);
	if (!j)
		return fault_set(f, "internal", "out of memory");
	*ret = j;
	return 0;
}

int dialplan_execute(struct dialplan *p, const json_t *request, json_t **ret, struct fault *f)
{
	CLEANUP(freep) struct dialplan_request *q = malloc(sizeof(*q));
	CLEANUP(freep) struct pidf_template *location = malloc(sizeof(*location));
	uint64_t seq = 0;
	int r;

	if (!q || !location)
		return fault_set(f, "internal", "out of memory");
	r = dialplan_request_parse(request, q, f);
	if (r < 0)
		return r;
	/* whose trunk the call will take is not known yet: the form that every receiver understands
	 */
	r = pidf_render(&q->civic, PIDF_RFC, location);
	if (r == -E2BIG) {
		config_report_add(&f->report, true, NULL, "app_args.geolocation.civic_address",
				  "is too long as a whole, allowed: a document of at most %d bytes",
				  PIDF_TEMPLATE_MAX);
		return fault_set(f, "invalid", "the address is too long as a whole");
	}
	if (r < 0)
		return fault_set(f, "internal", "the address cannot be rendered: %s", strerror(-r));
	r = set(p, q, location, &seq, f);
	if (r < 0)
		return r;
	return answer(q, seq, ret, f);
}
