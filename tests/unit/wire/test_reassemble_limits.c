/* SPDX-License-Identifier: BSD-2-Clause */
/* Who gives way for whom, what is forgotten when, and what never meets. */
#include <errno.h>

#include "fragments.h"

#define HELD REASSEMBLE_HELD

static struct flow flow;

/* Frames up to 256 bytes: a place takes 320. */
#define PLACE 320

static struct world small_world(unsigned frames, unsigned source_frames, unsigned datagrams, unsigned source_datagrams)
{
	struct world w = { .limits = REASSEMBLE_DEFAULTS, .now = 1000 };

	w.limits.frame_max = 256;
	w.limits.bytes = frames * PLACE + PLACE - 1; /* what is no whole place does not count */
	w.limits.source_bytes = source_frames * PLACE;
	w.limits.datagrams = datagrams;
	w.limits.source_datagrams = source_datagrams;
	assert_int_equal(reassemble_place(&w.limits), PLACE);
	world_make(&w);
	return w;
}

/* Fragments [from, to) of 8 bytes, none of them the last. */
static void put(struct world *w, unsigned source, uint32_t id, unsigned from, unsigned to)
{
	flow_name(&flow, source, id);
	for (unsigned i = from; i < to; i++) {
		struct cut c = { i * 8, 8, false, .ecn = -1 };

		if (i > from)
			world_quiet(w);
		assert_int_equal(world_add(w, &flow, c), HELD);
		w->now++;
	}
}

/* It leaves: that source and number, that many frames. */
static void gone(struct world *w, unsigned source, uint32_t id, enum reassemble_why why, unsigned cnt)
{
	struct reassembled *d = world_take(w);
	const uint8_t *f;

	assert_non_null(d);
	assert_int_equal(d->how, REASSEMBLED_EVICTED);
	assert_int_equal(d->why, why);
	assert_int_equal(d->cnt, cnt);
	f = (const uint8_t *)reassembled_frame(w->r, d, cnt - 1).frame.p + 14;
	if (flow.spec.is_v6) {
		assert_int_equal(f[22] << 8 | f[23], source);
		assert_int_equal(f[46] << 8 | f[47], id);
	} else {
		assert_int_equal(f[14] << 8 | f[15], source);
		assert_int_equal(f[4] << 8 | f[5], id);
	}
	reassemble_release(w->r, d);
	world_quiet(w);
}

static void test_new(void **state)
{
	static const struct {
		const char *name;
		size_t off, size;
		uint64_t value;
		int ret;
	} cases[] = {
#define FIELD(f) offsetof(struct reassemble_limits, f), sizeof(((struct reassemble_limits *)0)->f)
		{ "frame of 63", FIELD(frame_max), 63, -EINVAL },
		{ "frame of 64", FIELD(frame_max), 64, 0 },
		{ "frame of 16384", FIELD(frame_max), 16384, 0 },
		{ "frame of 16385", FIELD(frame_max), 16385, -EINVAL },
		{ "less than the source's", FIELD(bytes), (8u << 20) - 1, -EINVAL },
		{ "as much as the source's", FIELD(bytes), 8u << 20, 0 },
		{ "too many", FIELD(bytes), 1ull << 62, -EINVAL },
		{ "64 places less a byte", FIELD(source_bytes), 64 * (64 + 4096) - 1, -EINVAL },
		{ "64 places", FIELD(source_bytes), 64 * (64 + 4096), 0 },
		{ "no datagrams", FIELD(datagrams), 0, -EINVAL },
		{ "one datagram", FIELD(datagrams), 1, 0 },
		{ "2^24 and one", FIELD(datagrams), (1u << 24) + 1, -EINVAL },
		{ "none of a source", FIELD(source_datagrams), 0, -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct reassemble_limits l = REASSEMBLE_DEFAULTS;
		struct reassemble *r = (void *)&l;
		int ret;

		memcpy((char *)&l + cases[i].off, &cases[i].value, cases[i].size); /* little-endian */
		ret = reassemble_new(&l, world_key, &r);
		if (ret != cases[i].ret)
			fail_msg("%s: %d", cases[i].name, ret);
		if (ret < 0)
			assert_ptr_equal(r, &l);
		else
			reassemble_free(r);
	}
	reassemble_free(NULL);
}

/* A source has its share of datagrams and of room; the oldest goes, others do not notice. */
static void test_source(void **state)
{
	struct world w = small_world(400, 70, 40, 10);

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		flow_make(&flow, v6, -1, 1, 600);
		put(&w, 1, 1, 0, 3);
		for (uint32_t id = 1; id <= 10; id++)
			put(&w, 2, id, 0, 1);
		put(&w, 3, 1, 0, 3);
		world_quiet(&w);
		put(&w, 2, 11, 0, 1);
		gone(&w, 2, 1, REASSEMBLE_WHY_SOURCE, 1);
		put(&w, 2, 12, 0, 1);
		gone(&w, 2, 2, REASSEMBLE_WHY_SOURCE, 1);
		put(&w, 2, 3, 1, 61); /* 70 frames: full, the others have one each */
		world_quiet(&w);
		assert_int_equal(reassemble_stats(w.r)->frames, 76);
		put(&w, 2, 3, 61, 62); /* the oldest, but it was just added to */
		gone(&w, 2, 4, REASSEMBLE_WHY_SOURCE, 1);
		put(&w, 2, 12, 1, 2);
		gone(&w, 2, 3, REASSEMBLE_WHY_SOURCE, 62);
		put(&w, 1, 1, 3, 4);
		put(&w, 3, 1, 3, 4);
		while (reassemble_stats(w.r)->frames) {
			struct reassembled *d = reassemble_take(w.r, UINT64_MAX);

			assert_int_equal(d->how, REASSEMBLED_EXPIRED);
			reassemble_release(w.r, d);
		}
	}
	assert_int_equal(reassemble_stats(w.r)->why[REASSEMBLE_WHY_TOTAL], 0);
	world_end(&w);
}

/* All is full of datagrams: the oldest of all, never the one just added to. */
static void test_datagrams(void **state)
{
	struct world w = small_world(400, 70, 40, 10);

	(void)state;
	flow_make(&flow, false, -1, 1, 600);
	for (unsigned s = 1; s <= 40; s++)
		put(&w, s, 7, 0, 1 + s % 3);
	world_quiet(&w);
	put(&w, 41, 7, 0, 1);
	gone(&w, 1, 7, REASSEMBLE_WHY_TOTAL, 2);
	put(&w, 42, 7, 0, 1);
	gone(&w, 2, 7, REASSEMBLE_WHY_TOTAL, 3);
	put(&w, 3, 7, 1, 2); /* is there already: nobody goes */
	world_quiet(&w);
	world_end(&w);

	w = small_world(400, 70, 1, 1);
	put(&w, 1, 1, 0, 2);
	put(&w, 1, 2, 0, 1);
	gone(&w, 1, 1, REASSEMBLE_WHY_SOURCE, 2);
	put(&w, 2, 2, 0, 1);
	gone(&w, 1, 2, REASSEMBLE_WHY_TOTAL, 1);
	world_end(&w);
}

/* All is full of frames: who holds more than a datagram may need goes before older ones of others. */
static void test_heaviest(void **state)
{
	struct world w = small_world(300, 200, 400, 100);

	(void)state;
	flow_make(&flow, true, -1, 1, 600);
	for (unsigned s = 1; s <= 100; s++)
		put(&w, s, 7, 0, 1);
	for (uint32_t id = 1; id <= 4; id++)
		put(&w, 200, id, 0, 33); /* 132 frames */
	put(&w, 201, 1, 0, 60);
	put(&w, 202, 1, 0, 8);
	world_quiet(&w); /* 300 */
	put(&w, 201, 1, 60, 61);
	gone(&w, 200, 1, REASSEMBLE_WHY_TOTAL, 33);
	put(&w, 202, 1, 8, 8 + 32);
	world_quiet(&w);
	put(&w, 202, 2, 0, 1);
	gone(&w, 200, 2, REASSEMBLE_WHY_TOTAL, 33); /* 66 are left to it */
	put(&w, 202, 2, 1, 1 + 32);
	put(&w, 202, 3, 0, 1); /* 74 has the one that goes too far, and its oldest goes */
	gone(&w, 202, 1, REASSEMBLE_WHY_TOTAL, 40);
	put(&w, 200, 3, 33, 34);
	put(&w, 203, 1, 0, 38);
	world_quiet(&w); /* 300 again: 67 of 200, 61 of 201, 34 of 202, 38 of 203 */
	put(&w, 200, 3, 34, 35);
	gone(&w, 200, 4, REASSEMBLE_WHY_TOTAL, 33); /* not the one just added to */
	put(&w, 204, 1, 0, 32);
	world_quiet(&w);
	put(&w, 204, 1, 32, 33); /* nobody has more than 64: the oldest of all */
	gone(&w, 1, 7, REASSEMBLE_WHY_TOTAL, 1);
	put(&w, 2, 7, 1, 2); /* the oldest is the one just added to */
	gone(&w, 3, 7, REASSEMBLE_WHY_TOTAL, 1);
	world_end(&w);
}

/* Completes number @id of @source in two fragments. */
static void complete(struct world *w, unsigned source, uint32_t id)
{
	struct cut c[] = { { 0, 64, false, .ecn = -1 }, { 64, flow_data_len(&flow) - 64, true, .ecn = -1 } };

	flow_name(&flow, source, id);
	assert_int_equal(world_add(w, &flow, c[0]), HELD);
	world_quiet(w);
	assert_int_equal(world_add(w, &flow, c[1]), HELD);
	world_leaves(w, REASSEMBLED_COMPLETE, REASSEMBLE_WHY_NONE, 2);
	world_quiet(w);
}

static void refuse(struct world *w, unsigned source, uint32_t id)
{
	struct cut c[] = { { 0, 64, false, .ecn = -1 }, { 8, 64, true, .ecn = -1 } };

	flow_name(&flow, source, id);
	assert_int_equal(world_add(w, &flow, c[0]), HELD);
	world_quiet(w);
	assert_int_equal(world_add(w, &flow, c[1]), REASSEMBLE_REFUSED);
	world_leaves(w, REASSEMBLED_REFUSED, REASSEMBLE_WHY_OVERLAP, 1);
	world_quiet(w);
}

/* What is only remembered makes room without a word, what was complete first. */
static void test_forgotten(void **state)
{
	struct world w = small_world(400, 70, 40, 4);
	const struct reassemble_stats *s = reassemble_stats(w.r);
	struct cut first = { 0, 64, false, .ecn = -1 };

	(void)state;
	flow_make(&flow, false, -1, 1, 200);
	put(&w, 1, 1, 0, 1);
	refuse(&w, 1, 2);
	complete(&w, 1, 3);
	put(&w, 1, 4, 0, 1);
	world_quiet(&w);
	assert_int_equal(reassemble_stats(w.r)->remembered, 2);
	put(&w, 1, 5, 0, 1); /* 3 is forgotten */
	world_quiet(&w);
	assert_int_equal(s->forgotten, 1);
	flow_name(&flow, 1, 2);
	assert_int_equal(world_add(&w, &flow, first), REASSEMBLE_REFUSED);
	complete(&w, 1, 6); /* 2 is */
	assert_int_equal(s->forgotten, 2);
	put(&w, 1, 7, 0, 1); /* 6 is */
	world_quiet(&w);
	assert_int_equal(s->forgotten, 3);
	put(&w, 1, 8, 0, 1);
	gone(&w, 1, 1, REASSEMBLE_WHY_SOURCE, 1);
	world_end(&w);

	w = small_world(400, 70, 4, 4);
	s = reassemble_stats(w.r);
	complete(&w, 1, 1);
	refuse(&w, 2, 1);
	put(&w, 3, 1, 0, 1);
	complete(&w, 4, 1);
	put(&w, 5, 1, 0, 1);
	world_quiet(&w); /* 1 is forgotten */
	flow_name(&flow, 1, 1);
	assert_int_equal(world_add(&w, &flow, first), HELD); /* and 4 is */
	world_quiet(&w);
	assert_int_equal(s->forgotten, 2);
	flow_name(&flow, 2, 1);
	assert_int_equal(world_add(&w, &flow, first), REASSEMBLE_REFUSED);
	put(&w, 6, 1, 0, 1);
	world_quiet(&w);
	assert_int_equal(s->forgotten, 3);
	put(&w, 7, 1, 0, 1);
	gone(&w, 3, 1, REASSEMBLE_WHY_TOTAL, 1);
	world_end(&w);
}

/* It does not when it is frames that are too many: there is nothing to win. */
static void test_not_forgotten(void **state)
{
	struct world w = small_world(64, 64, 40, 10);
	struct cut first = { 0, 64, false, .ecn = -1 };

	(void)state;
	flow_make(&flow, false, -1, 1, 600);
	refuse(&w, 1, 1);
	put(&w, 1, 2, 0, 24);
	put(&w, 1, 3, 0, 40);
	world_quiet(&w);
	put(&w, 1, 4, 0, 1);
	gone(&w, 1, 2, REASSEMBLE_WHY_SOURCE, 24);
	put(&w, 2, 1, 0, 23);
	world_quiet(&w);
	put(&w, 2, 1, 23, 24);
	gone(&w, 1, 3, REASSEMBLE_WHY_TOTAL, 40);
	flow_name(&flow, 1, 1);
	assert_int_equal(world_add(&w, &flow, first), REASSEMBLE_REFUSED);
	assert_int_equal(reassemble_stats(w.r)->forgotten, 0);
	world_end(&w);
}

/* To the nanosecond, the oldest first, with their frames; also if nobody asked before the next fragment. */
static void test_expiry(void **state)
{
	struct world w = world_new();
	uint64_t start = w.now, life = w.limits.lifetime_ns;
	struct cut c[] = { { 0, 64, false, .ecn = -1 }, { 64, 64, false, .ecn = -1 } };
	struct reassembled *d;

	(void)state;
	flow_make(&flow, true, -1, 1, 200);
	assert_int_equal(world_add(&w, &flow, c[0]), HELD);
	w.now = start + 10;
	flow_name(&flow, 1, 2);
	assert_int_equal(world_add(&w, &flow, c[1]), HELD);
	w.now = start + life - 1;
	flow_make(&flow, true, -1, 1, 200);
	assert_int_equal(world_add(&w, &flow, c[1]), HELD); /* a later one does not make it live longer */
	world_quiet(&w);
	w.now++;
	d = world_take(&w);
	assert_non_null(d);
	assert_int_equal(d->how, REASSEMBLED_EXPIRED);
	assert_int_equal(d->cnt, 2);
	assert_int_equal(d->first, 0);
	assert_int_equal(d->since_ns, start);
	assert_null(d->packet.p);
	reassemble_release(w.r, d);
	world_quiet(&w);
	w.now = start + 10 + life;
	flow_name(&flow, 1, 2);
	assert_int_equal(world_add(&w, &flow, c[1]), HELD); /* no copy: that one is over */
	d = world_take(&w);
	assert_non_null(d);
	assert_int_equal(d->how, REASSEMBLED_EXPIRED);
	assert_int_equal(d->first, -1);
	assert_int_equal(d->since_ns, start + 10);
	reassemble_release(w.r, d);
	world_quiet(&w);
	assert_int_equal(reassemble_stats(w.r)->frames, 1);
	world_end(&w);
}

/* A number that is used again: at once with other bytes, with the same bytes when its time is over. */
static void test_again(void **state)
{
	struct world w = world_new();
	struct cut c[] = { { 0, 64, false, .ecn = -1 }, { 64, 144, true, .ecn = -1 } };

	(void)state;
	flow_make(&flow, false, -1, 1, 200);
	complete(&w, 1, 1);
	w.now += w.limits.linger_ns - 1;
	assert_int_equal(world_add(&w, &flow, c[0]), REASSEMBLE_DUPLICATE);
	w.now++;
	complete(&w, 1, 1);
	c[0].want_other_bytes = true;
	assert_int_equal(world_add(&w, &flow, c[0]), HELD);
	world_quiet(&w);
	assert_int_equal(world_add(&w, &flow, c[1]), HELD);
	world_leaves(&w, REASSEMBLED_MALFORMED, REASSEMBLE_WHY_NONE, 2); /* the other bytes are UDP's header, too */
	c[0] = (struct cut){ 0, 144, true, .ecn = -1 }; /* same bytes, another place; IPv4: no fragment */
	assert_int_equal(world_add(&w, &flow, c[0]), REASSEMBLE_NO_FRAGMENT);
	c[1].is_last = false; /* same place and bytes, not the last */
	assert_int_equal(world_add(&w, &flow, c[1]), HELD);
	world_quiet(&w);
	c[1] = (struct cut){ 64 + 144, 16, false, .ecn = -1 };
	assert_int_equal(world_add(&w, &flow, c[1]), HELD);
	world_end(&w);
}

/* Copies are known by their place, too. */
static void test_same_bytes(void **state)
{
	struct world w = world_new();
	struct cut c[] = { { 0, 64, false, .ecn = -1 }, { 64, 72, false, .ecn = -1 }, { 136, 72, true, .ecn = -1 } };
	struct cut other = { 72, 72, false, .ecn = -1 };

	(void)state;
	flow_make(&flow, true, -1, 1, 200);
	memset(flow.frame + 14 + 40 + 64, 'A', 144);
	for (int i = 0; i < 3; i++)
		assert_int_equal(world_add(&w, &flow, c[i]), HELD);
	world_leaves(&w, REASSEMBLED_COMPLETE, REASSEMBLE_WHY_NONE, 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(world_add(&w, &flow, c[i]), REASSEMBLE_DUPLICATE);
	assert_int_equal(world_add(&w, &flow, other), HELD);
	world_end(&w);
}

/* What differs in one part of the key never meets. */
static void test_keys(void **state)
{
	static const struct {
		const char *name;
		bool is_v6;
		size_t at;        /* byte of the frame that is another; 0: as the case says */
		uint32_t realm;
		uint16_t tag[2];
	} cases[] = {
		{ "source v4", false, 26 }, { "last byte of it", false, 29 }, { "destination v4", false, 30 },
		{ "last byte of it", false, 33 }, { "identification v4", false, 18 }, { "low byte", false, 19 },
		{ "source v6", true, 22 }, { "last byte of it", true, 37 }, { "destination v6", true, 38 },
		{ "last byte of it", true, 53 }, { "identification v6", true, 58 }, { "low byte", true, 61 },
		{ "realm", false, 0, 1 }, { "realm v6", true, 0, 1u << 31 },
		{ "tag", false, 0, 0, { 1 } }, { "highest tag", true, 0, 0, { 0xfff } },
		{ "inner tag", true, 0, 0, { 0x7000, 1 } },
	};
	static uint8_t frame[PACKET_MAX];
	struct world w = world_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct cut c = { 0, 64, false, .ecn = -1 }, last = { 64, 144, true, .ecn = -1 };
		struct reassembled *d;
		size_t len;

		flow_make(&flow, cases[i].is_v6, -1, 99, 200);
		assert_int_equal(world_add(&w, &flow, c), HELD);
		for (int t = 0; t < 2 && cases[i].tag[0]; t++) {
			flow.tag_types[t] = t ? 0x8100 : 0x88a8;
			flow.tags[t] = cases[i].tag[t];
		}
		len = cut_put(&flow, last, frame);
		if (cases[i].at) {
			frame[cases[i].at] ^= 1;
			if (!flow.spec.is_v6)
				flow_sum(frame + 14, 20);
		}
		assert_int_equal(world_add_bytes(&w, frame, len, cases[i].realm), HELD);
		d = world_take(&w);
		if (d)
			fail_msg("%s: they met", cases[i].name);
		flow.tag_types[0] = flow.tag_types[1] = 0;
		assert_int_equal(world_add(&w, &flow, last), HELD);
		world_leaves(&w, REASSEMBLED_COMPLETE, REASSEMBLE_WHY_NONE, 2);
		w.now += w.limits.lifetime_ns;
		while ((d = world_take(&w)))
			reassemble_release(w.r, d);
	}
	world_end(&w);
}

/* The priority of a tag is no part of the key, and number 0 is no VLAN. */
static void test_priority(void **state)
{
	struct world w = world_new();
	struct cut c[] = { { 0, 64, false, .ecn = -1 }, { 64, 144, true, .ecn = -1 } };

	(void)state;
	flow_make(&flow, true, -1, 99, 200);
	for (int i = 0; i < 2; i++) {
		flow.tag_types[0] = 0x8100;
		flow.tags[0] = i ? 0x0007 : 0xa000;
		assert_int_equal(world_add(&w, &flow, c[0]), HELD);
		flow.tag_types[0] = i ? 0x8100 : 0;
		flow.tags[0] = 0xe007;
		assert_int_equal(world_add(&w, &flow, c[1]), HELD);
		world_leaves(&w, REASSEMBLED_COMPLETE, REASSEMBLE_WHY_NONE, 2);
	}
	world_end(&w);
}

static void test_sizes(void **state)
{
	struct world w = { .limits = REASSEMBLE_DEFAULTS };
	struct cut c = { 0, 256 - 14 - 20, false, .ecn = -1 };

	(void)state;
	w.limits.frame_max = 256;
	w.limits.fragment_min = 48;
	world_make(&w);
	flow_make(&flow, false, -1, 1, 600);
	c.len = 216;
	assert_int_equal(world_add(&w, &flow, c), HELD);
	c.off = 216;
	c.len = 222, c.is_last = true; /* the longest frame there may be */
	assert_int_equal(world_add(&w, &flow, c), HELD);
	world_leaves(&w, REASSEMBLED_MALFORMED, REASSEMBLE_WHY_NONE, 2); /* UDP says 608 */
	c.len = 223;
	assert_int_equal(world_add(&w, &flow, c), REASSEMBLE_TOO_LARGE);
	c = (struct cut){ 512, 40, false, .ecn = -1 };
	assert_int_equal(world_add(&w, &flow, c), REASSEMBLE_TINY);
	c.len = 48;
	assert_int_equal(world_add(&w, &flow, c), HELD);
	world_quiet(&w);
	c = (struct cut){ 560, 1, true, .ecn = -1 };
	assert_int_equal(world_add(&w, &flow, c), HELD);
	world_end(&w);
}

/* A flood from many addresses beside one caller: its datagrams become whole, and memory stays in bounds. */
static void test_flood(void **state)
{
	struct world w = small_world(256, 64, 200, 50);
	static struct flow good;
	unsigned seed = 1, left = 0;

	(void)state;
	flow_make(&flow, false, -1, 1, 200);
	flow_make(&good, false, -1, 1, 200);
	for (unsigned i = 0; i < 20000; i++) {
		struct cut c = { rand_r(&seed) % 16 * 8, 8, false, .ecn = -1 };
		struct cut g = { i % 2 ? 104 : 0, 104, i % 2, .ecn = -1 };
		const struct reassemble_stats *s;
		struct reassembled *d;

		flow_name(&flow, 1 + rand_r(&seed) % (i < 10000 ? 3 : 1000), (uint32_t)rand_r(&seed));
		for (int k = 0; k < 2; k++) {
			if (k)
				flow_name(&good, 60000, i / 2);
			assert_int_equal(world_add(&w, k ? &good : &flow, k ? g : c), HELD);
			while ((d = world_take(&w))) {
				left += d->how == REASSEMBLED_COMPLETE;
				reassemble_release(w.r, d);
			}
		}
		w.now += 1000000;
		s = reassemble_stats(w.r);
		assert_true(s->frames <= 256 && s->datagrams <= 200 && s->sources <= 200);
		assert_true(s->bytes <= w.limits.bytes);
	}
	assert_int_equal(left, 10000);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new),	  cmocka_unit_test(test_source),   cmocka_unit_test(test_datagrams),
		cmocka_unit_test(test_heaviest),  cmocka_unit_test(test_forgotten), cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_not_forgotten), cmocka_unit_test(test_same_bytes),
		cmocka_unit_test(test_again),	  cmocka_unit_test(test_keys),	   cmocka_unit_test(test_priority),
		cmocka_unit_test(test_sizes),	  cmocka_unit_test(test_flood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
