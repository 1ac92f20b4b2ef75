/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fragments - a world that takes what leaves the reassembly of cuts.h and checks its sums.
 */
#ifndef SIPSEAL_TEST_FRAGMENTS_H
#define SIPSEAL_TEST_FRAGMENTS_H

#include "base/cleanup.h"
#include "cuts.h"
#include "wire/reassemble.h"

/* A reassembly, and what it was last given. */
struct world {
	struct reassemble *r;
	struct reassemble_limits limits;
	uint64_t now, added;
	uint64_t serial;             /* in the block of every frame */
};

static const struct siphash_key world_key = { 1, 2 };

static inline void world_make(struct world *w)
{
	w->added = w->serial = 0;
	assert_int_equal(reassemble_new(&w->limits, world_key, &w->r), 0);
}

static inline struct world world_new(void)
{
	struct world w = { .limits = REASSEMBLE_DEFAULTS, .now = 1000 };

	world_make(&w);
	return w;
}

static inline void world_sums(struct world *w)
{
	const struct reassemble_stats *s = reassemble_stats(w->r);
	uint64_t outcomes = 0, frames = 0;

	for (int i = 0; i < REASSEMBLE_OUTCOMES; i++)
		outcomes += s->outcomes[i];
	for (int i = 0; i < REASSEMBLED_HOWS; i++)
		frames += s->left_frames[i];
	assert_int_equal(outcomes, w->added);
	assert_int_equal(s->outcomes[REASSEMBLE_HELD], frames + s->frames);
	assert_int_equal(s->bytes, s->frames * reassemble_place(&w->limits));
}

/* The frame sits against an unmapped page, and is gone afterwards. */
static inline enum reassemble_outcome world_add_bytes(struct world *w, const void *frame, size_t len, uint32_t realm)
{
	uint64_t block[REASSEMBLE_BLOCK / 8] = { [0] = w->serial++, [7] = ~w->serial };
	struct guard g = guard_new(frame, len);
	enum reassemble_outcome o = reassemble_add(w->r, slice_of(g.p, g.len), realm, block, w->now);

	w->added++;
	guard_free(&g);
	return o;
}

static inline enum reassemble_outcome world_add(struct world *w, const struct flow *f, struct cut c)
{
	static uint8_t frame[PACKET_MAX];

	return world_add_bytes(w, frame, cut_put(f, c, frame), 0);
}

/* The next that leaves. */
static inline struct reassembled *world_take(struct world *w)
{
	return reassemble_take(w->r, w->now);
}

/* Nothing leaves. */
static inline void world_quiet(struct world *w)
{
	assert_null(world_take(w));
	world_sums(w);
}

/* One leaves, with that many frames. */
static inline void world_leaves(struct world *w, enum reassembled_how how, enum reassemble_why why, unsigned cnt)
{
	struct reassembled *d = world_take(w);

	assert_non_null(d);
	assert_int_equal(d->how, how);
	assert_int_equal(d->why, why);
	assert_int_equal(d->cnt, cnt);
	reassemble_release(w->r, d);
}

/* @d is @f, put together; what may differ is said. */
static inline void world_check_whole(const struct flow *f, const struct reassembled *d, uint8_t ttl, int ecn)
{
	static uint8_t want[PACKET_MAX];
	bool is_v6 = f->spec.is_v6;
	struct reassembled parsed;

	memcpy(want, f->frame + 14, f->packet_len);
	want[is_v6 ? 7 : 8] = ttl;
	if (ecn >= 0)
		want[1] = is_v6 ? (uint8_t)((want[1] & 0xcf) | ecn << 4) : (uint8_t)((want[1] & 0xfc) | ecn);
	if (!is_v6)
		flow_sum(want, f->head_len);
	if (d->how != REASSEMBLED_COMPLETE)
		fail_msg("%s: leaves as %d", f->name, d->how);
	assert_int_equal(d->packet.len, f->packet_len);
	assert_memory_equal(d->packet.p, want, f->packet_len);
	memcpy(want + 14, d->packet.p, d->packet.len);
	memcpy(want, f->frame, 14);
	assert_int_equal(wire_frame_parse(slice_of((char *)want, 14 + d->packet.len), &parsed.frame), 0);
	assert_true(slice_eq(parsed.frame.payload, d->frame.payload));
	assert_true(slice_eq(parsed.frame.l3, d->frame.l3));
	assert_ptr_equal(d->frame.l3.p, d->packet.p);
	assert_ptr_equal(d->frame.payload.p + d->frame.payload.len, d->packet.p + d->packet.len);
	assert_int_equal(parsed.frame.is_v6, d->frame.is_v6);
	assert_int_equal(parsed.frame.src_port, d->frame.src_port);
	assert_int_equal(parsed.frame.dst_port, d->frame.dst_port);
	assert_int_equal(parsed.frame.l4_proto_off, d->frame.l4_proto_off);
	assert_memory_equal(parsed.frame.src, d->frame.src, 32);
}

/* Everything goes, and then nothing is left. */
static inline void world_end(struct world *w)
{
	const struct reassemble_stats *s;
	struct reassembled *d;

	while ((d = reassemble_take(w->r, UINT64_MAX)))
		reassemble_release(w->r, d);
	world_sums(w);
	s = reassemble_stats(w->r);
	assert_int_equal(s->frames, 0);
	assert_int_equal(s->datagrams, 0);
	assert_int_equal(s->sources, 0);
	assert_int_equal(s->remembered, 0);
	assert_int_equal(s->bytes, 0);
	reassemble_free(w->r);
}

#endif
