/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * captures - somebody captures at the worker of world.h: the region, and the records as the daemon would read them.
 */
#ifndef SIPSEAL_TEST_CAPTURES_H
#define SIPSEAL_TEST_CAPTURES_H

#include "signer/world.h"

#include "trunk/capture.h"

struct captures {
	struct capture_region *r;
	struct capture_worker *w;
	capture_ptr published;
	struct capture_copy *copy;           /* the last one */
	uint64_t tail;
};

/* The worker finds it at the top of its loop. */
static inline void captures_publish(struct captures *c)
{
	atomic_store_explicit(&c->published, c->r, memory_order_release);
}

static inline void captures_new(struct captures *c, struct world *x, uint32_t want)
{
	*c = (struct captures){ .copy = malloc(sizeof(*c->copy)) };
	assert_non_null(c->copy);
	c->r = mmap(NULL, capture_size(1), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(c->r != MAP_FAILED);
	capture_region_init(c->r, 1);
	c->w = capture_worker(c->r, 0);
	c->r->want = want;
	x->w->cfg.capture = &c->published;
	captures_publish(c);
}

static inline void captures_free(struct captures *c)
{
	munmap(c->r, capture_size(1));
	free(c->copy);
}

/* The next record, which must be a sound one; NULL: there is none. */
static inline const struct capture_call *captures_take(struct captures *c)
{
	int r = capture_take(c->w, &c->tail, c->copy);

	assert_true(r >= 0);
	return r ? &c->copy->call : NULL;
}

/* Is packet @i of the record this one? */
static inline bool captures_holds(const struct captures *c, unsigned i, enum capture_stage stage,
				  enum capture_form form, unsigned nic, const void *data, size_t len)
{
	struct capture_packet p;
	struct slice d;
	size_t off = 0;

	do {
		if (!capture_next(c->copy, &off, &p, &d))
			return false;
	} while (i--);
	return p.stage == stage && p.form == form && p.nic == nic && d.len == len && memcmp(d.p, data, len) == 0;
}

static inline uint64_t captures_time(const struct captures *c, unsigned i)
{
	struct capture_packet p;
	struct slice d;
	size_t off = 0;

	do
		assert_true(capture_next(c->copy, &off, &p, &d));
	while (i--);
	return p.time_ns;
}

static inline uint64_t captures_lost(const struct captures *c)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < CAPTURE_NICS; i++)
		n += c->w->lost[i];
	return n;
}

/* The frame that world_send() and call_in() make of @msg. */
static inline size_t frame_of(const char *msg, uint8_t frame[XSK_FRAME_SIZE])
{
	struct packet_spec s = { .ttl = 64 };

	return packet_put(&s, msg, strlen(msg), frame);
}

static inline bool came(const struct captures *c, unsigned nic, const char *msg)
{
	uint8_t frame[XSK_FRAME_SIZE];
	size_t len = frame_of(msg, frame);

	return captures_holds(c, 0, CAPTURE_BEFORE, CAPTURE_L2, nic, frame, len);
}

/* Packet @i of the record is frame @k that @nic has sent. */
static inline bool left(const struct captures *c, unsigned i, enum capture_stage stage, unsigned nic,
			const struct fake_kernel *n, unsigned k)
{
	assert_true(k < n->sent_cnt);
	return captures_holds(c, i, stage, CAPTURE_L2, nic, n->sent[k].data, n->sent[k].len);
}

static inline bool told(const struct capture_call *k, uint64_t number, enum event_verdict verdict,
			enum sipseal_reason reason)
{
	return k && k->number == number && k->trunk == WORLD_TRUNK && k->verdict == verdict && k->reason == reason &&
	       k->decided_verdict == verdict && k->decided_reason == reason;
}

#endif
