/* SPDX-License-Identifier: BSD-2-Clause */
/* What is refused: overlaps of every kind, ends that differ, fragments that are wrong by themselves; and protocols. */
#include "fragments.h"

#define HELD    REASSEMBLE_HELD
#define COPY    REASSEMBLE_DUPLICATE
#define REFUSED REASSEMBLE_REFUSED

static struct flow flow;

struct step {
	size_t off, len;
	bool is_last, is_other;
	enum reassemble_outcome out;
};

/* The last step that is not HELD or COPY refuses the whole; 0 bytes: no more steps. */
static const struct {
	const char *name;
	struct step steps[6];
	enum reassemble_why why;
} overlaps[] = {
	{ "same place, other bytes", { { 0, 512, 0, 0, HELD }, { 0, 512, 0, 1, REFUSED } }, REASSEMBLE_WHY_OVERLAP },
	{ "same bytes, shorter", { { 0, 512, 0, 0, HELD }, { 0, 504, 0, 0, REFUSED } }, REASSEMBLE_WHY_OVERLAP },
	{ "same bytes, longer", { { 0, 512, 0, 0, HELD }, { 0, 520, 0, 0, REFUSED } }, REASSEMBLE_WHY_OVERLAP },
	{ "same bytes, but the last", { { 0, 512, 0, 0, HELD }, { 0, 512, 0, 0, COPY }, { 512, 64, 0, 0, HELD },
				       { 512, 64, 1, 0, REFUSED } }, REASSEMBLE_WHY_OVERLAP },
	{ "8 bytes over the end of one", { { 0, 512, 0, 0, HELD }, { 504, 512, 0, 0, REFUSED } }, REASSEMBLE_WHY_OVERLAP },
	{ "8 bytes over the start of one", { { 512, 512, 0, 0, HELD }, { 8, 512, 0, 0, REFUSED } }, REASSEMBLE_WHY_OVERLAP },
	{ "inside", { { 0, 512, 0, 0, HELD }, { 128, 8, 0, 0, REFUSED } }, REASSEMBLE_WHY_OVERLAP },
	{ "around", { { 128, 8, 0, 0, HELD }, { 0, 512, 0, 0, REFUSED } }, REASSEMBLE_WHY_OVERLAP },
	{ "fills a gap and more", { { 0, 64, 0, 0, HELD }, { 128, 64, 0, 0, HELD }, { 64, 72, 0, 0, REFUSED } },
	  REASSEMBLE_WHY_OVERLAP },
	{ "the last overlaps", { { 0, 512, 0, 0, HELD }, { 504, 9, 1, 0, REFUSED } }, REASSEMBLE_WHY_OVERLAP },
	{ "a copy is none", { { 0, 512, 0, 0, HELD }, { 0, 512, 0, 0, COPY }, { 0, 512, 0, 0, COPY },
			      { 0, 512, 0, 1, REFUSED } }, REASSEMBLE_WHY_OVERLAP },
	{ "behind the end", { { 512, 8, 1, 0, HELD }, { 520, 8, 0, 0, REFUSED } }, REASSEMBLE_WHY_END },
	{ "far behind the end", { { 512, 7, 1, 0, HELD }, { 1024, 8, 0, 0, REFUSED } }, REASSEMBLE_WHY_END },
	{ "end in front of one", { { 1024, 8, 0, 0, HELD }, { 512, 7, 1, 0, REFUSED } }, REASSEMBLE_WHY_END },
	{ "end right in front of one", { { 520, 8, 0, 0, HELD }, { 512, 8, 1, 0, REFUSED } }, REASSEMBLE_WHY_END },
	{ "a later end", { { 512, 8, 1, 0, HELD }, { 1024, 8, 1, 0, REFUSED } }, REASSEMBLE_WHY_END },
	{ "an earlier end", { { 1024, 8, 1, 0, HELD }, { 512, 8, 1, 0, REFUSED } }, REASSEMBLE_WHY_END },
};

static unsigned play(struct world *w, const struct step *steps)
{
	unsigned held = 0;

	for (const struct step *s = steps; s->len; s++) {
		struct cut c = { s->off, s->len, s->is_last, .ecn = -1, .want_other_bytes = s->is_other };
		enum reassemble_outcome o;

		world_quiet(w);
		o = world_add(w, &flow, c);
		if (o != s->out)
			fail_msg("%s: step %td gives %d", flow.name, s - steps, o);
		held += o == HELD;
	}
	return held;
}

/* Refused for its lifetime, each part of it; afterwards the same makes a datagram. */
static void check_remembered(struct world *w)
{
	struct cut c[] = { { 0, 512, false, .ecn = -1 }, { 512, flow_data_len(&flow) - 512, true, .ecn = -1 } };

	for (int i = 0; i < 4; i++) {
		assert_int_equal(world_add(w, &flow, c[i % 2]), REFUSED);
		world_quiet(w);
		if (i == 1)
			w->now += w->limits.lifetime_ns - 1;
	}
	w->now++;
	assert_int_equal(world_add(w, &flow, c[0]), HELD);
	assert_int_equal(world_add(w, &flow, c[1]), HELD);
	world_leaves(w, REASSEMBLED_COMPLETE, REASSEMBLE_WHY_NONE, 2);
	w->now += w->limits.linger_ns;
	world_quiet(w);
}

static void test_overlaps(void **state)
{
	struct world w = world_new();

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(overlaps); i++) {
		uint64_t before = reassemble_stats(w.r)->why[overlaps[i / 2].why];
		unsigned held;

		flow_make(&flow, i % 2, -1, (uint32_t)i, 1200);
		flow.name = overlaps[i / 2].name;
		held = play(&w, overlaps[i / 2].steps);
		world_leaves(&w, REASSEMBLED_REFUSED, overlaps[i / 2].why, held);
		world_quiet(&w);
		assert_int_equal(reassemble_stats(w.r)->why[overlaps[i / 2].why], before + 1);
		check_remembered(&w);
	}
	world_end(&w);
}

/* 64 make a datagram, the 65th refuses it. */
static void test_count(void **state)
{
	struct world w = world_new();

	(void)state;
	for (int v6 = 0; v6 < 2; v6++)
		for (unsigned cnt = REASSEMBLE_FRAGMENTS; cnt <= REASSEMBLE_FRAGMENTS + 1; cnt++) {
			flow_make(&flow, v6, -1, cnt, cnt * 8 - 8);
			for (unsigned i = 0; i < cnt; i++) {
				struct cut c = { i * 8, 8, i == cnt - 1, .ecn = -1 };

				world_quiet(&w);
				assert_int_equal(world_add(&w, &flow, c),
						 i < REASSEMBLE_FRAGMENTS ? HELD : REFUSED);
			}
			if (cnt > REASSEMBLE_FRAGMENTS)
				world_leaves(&w, REASSEMBLED_REFUSED, REASSEMBLE_WHY_COUNT, REASSEMBLE_FRAGMENTS);
			else
				world_leaves(&w, REASSEMBLED_COMPLETE, REASSEMBLE_WHY_NONE, cnt);
		}
	world_end(&w);
}

/* Fragments that are wrong by themselves: nobody else suffers. */
static const struct {
	const char *name;
	bool is_v6;
	int ext;
	struct cut cut;
	size_t at, len;       /* patch in the frame */
	const char *bytes;
	bool want_sum;        /* v4: the header checksum again */
	enum reassemble_outcome out;
} alone[] = {
	{ "7 bytes, not the last", false, -1, { 512, 7 }, .out = REASSEMBLE_MALFORMED },
	{ "1 byte, not the last", true, -1, { 512, 1 }, .out = REASSEMBLE_MALFORMED },
	{ "empty", false, -1, { 512, 0 }, .out = REASSEMBLE_MALFORMED },
	{ "empty", true, -1, { 512, 0 }, .out = REASSEMBLE_MALFORMED },
	{ "empty and last", false, -1, { 512, 0, true }, .out = REASSEMBLE_MALFORMED },
	{ "empty and last", true, -1, { 512, 0, true }, .out = REASSEMBLE_MALFORMED },
	{ "empty and all", true, -1, { 0, 0, true }, .out = REASSEMBLE_MALFORMED },
	{ "beyond 65,535", false, -1, { 65512, 8 }, .out = REASSEMBLE_MALFORMED },
	{ "up to 65,535", false, -1, { 65504, 11, true }, .out = HELD },
	{ "one beyond", false, -1, { 65504, 12, true }, .out = REASSEMBLE_MALFORMED },
	{ "up to 65,535", true, -1, { 65528, 7, true }, .out = HELD },
	{ "one beyond", true, -1, { 65528, 8, true }, .out = REASSEMBLE_MALFORMED },
	{ "one beyond, with a header", true, 0, { 65520, 8, true }, .out = REASSEMBLE_MALFORMED },
	{ "wrong checksum", false, -1, { 512, 8 }, 24, 2, "\x12\x34", false, REASSEMBLE_MALFORMED },
	{ "version 5", false, -1, { 512, 8 }, 14, 1, "\x55", true, REASSEMBLE_MALFORMED },
	{ "version 4 in IPv6", true, -1, { 512, 8 }, 14, 1, "\x45", false, REASSEMBLE_MALFORMED },
	{ "header of 16", false, -1, { 512, 8 }, 14, 1, "\x44", true, REASSEMBLE_MALFORMED },
	{ "shorter than it says", false, -1, { 512, 8 }, 16, 2, "\0\x1d", true, REASSEMBLE_MALFORMED },
	{ "shorter than it says", true, -1, { 512, 8 }, 18, 2, "\0\x11", false, REASSEMBLE_MALFORMED },
	{ "no room for its header", true, -1, { 512, 8 }, 18, 2, "\0\7", false, REASSEMBLE_MALFORMED },
	{ "a header longer than all", true, 0, { 512, 8 }, 55, 1, "\3", false, REASSEMBLE_MALFORMED },
	{ "first without all of UDP", true, 1, { 0, 16 }, .out = REASSEMBLE_TINY },
	{ "first without its options", true, 1, { 0, 8 }, .out = REASSEMBLE_TINY },
	{ "whole without all of UDP", true, 1, { 0, 23, true }, .out = REASSEMBLE_TINY },
	{ "first with all", true, 1, { 0, 24 }, .out = HELD },
	{ "UDP header alone", false, -1, { 0, 8 }, .out = HELD },
	{ "no fragment", false, -1, { 512, 8 }, 20, 2, "\0\0", true, REASSEMBLE_NO_FRAGMENT },
	{ "no fragment, DF", false, -1, { 512, 8 }, 20, 2, "\x40\0", true, REASSEMBLE_NO_FRAGMENT },
	{ "no fragment", true, -1, { 512, 8 }, 20, 1, "\x11", false, REASSEMBLE_NO_FRAGMENT },
	{ "ARP", false, -1, { 512, 8 }, 12, 2, "\x08\x06", false, REASSEMBLE_NO_FRAGMENT },
	{ "IPv4, called IPv6", false, -1, { 512, 16 }, 12, 2, "\x86\xdd", false, REASSEMBLE_MALFORMED },
	{ "TCP", false, -1, { 512, 8 }, 23, 1, "\x06", true, REASSEMBLE_NOT_UDP },
	{ "authentication", false, -1, { 512, 8 }, 23, 1, "\x33", true, REASSEMBLE_OPAQUE },
	{ "authentication in front", true, -1, { 512, 8 }, 20, 1, "\x33", false, REASSEMBLE_OPAQUE },
	{ "segments left", true, 2, { 512, 8 }, 73, 1, "\1", false, REASSEMBLE_OPAQUE },
	{ "hop-by-hop, not first", true, 2, { 512, 8 }, 54, 1, "\0", false, REASSEMBLE_OPAQUE },
};

static void test_alone(void **state)
{
	static uint8_t frame[PACKET_MAX];
	struct world w = world_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(alone); i++) {
		struct cut c = alone[i].cut, good = { 2048, 16, false, .ecn = -1 };
		enum reassemble_outcome o;
		size_t len;

		c.ecn = -1;
		flow_make(&flow, alone[i].is_v6, alone[i].ext, (uint32_t)i, 60000);
		assert_int_equal(world_add(&w, &flow, good), HELD);
		len = cut_put(&flow, c, frame);
		if (alone[i].len)
			memcpy(frame + alone[i].at, alone[i].bytes, alone[i].len);
		if (alone[i].want_sum)
			flow_sum(frame + 14, (frame[14] & 15u) * 4);
		o = world_add_bytes(&w, frame, len, 0);
		if (o != alone[i].out)
			fail_msg("%s (v%d): %d", alone[i].name, alone[i].is_v6 ? 6 : 4, o);
		world_quiet(&w);
		assert_int_equal(world_add(&w, &flow, good), COPY);
	}
	world_end(&w);
}

/* Cut at every byte: never read beyond, never kept. */
static void test_short(void **state)
{
	static uint8_t frame[PACKET_MAX];
	struct world w = world_new();

	(void)state;
	for (int i = 0; i < 9; i++) {
		bool is_v6 = i >= 5;
		struct cut c = { 0, 64, false, .ecn = -1 };
		size_t len;

		flow_make(&flow, is_v6, is_v6 ? i - 6 : i - 1, 1, 600);
		flow.tag_types[0] = 0x88a8;
		flow.tag_types[1] = 0x8100;
		len = cut_put(&flow, c, frame);
		for (size_t n = 0; n < len; n++)
			assert_int_equal(world_add_bytes(&w, frame, n, 0), REASSEMBLE_MALFORMED);
	}
	world_end(&w);
}

/* The same with a length that is right: headers that end too early. */
static void test_short_headers(void **state)
{
	static uint8_t frame[PACKET_MAX];
	struct world w = world_new();

	(void)state;
	for (int i = 0; i < 9; i++) {
		bool is_v6 = i >= 5;
		struct cut c = { 512, 64, false, .ecn = -1 };
		size_t head;

		flow_make(&flow, is_v6, is_v6 ? i - 6 : i - 1, 1, 600);
		cut_put(&flow, c, frame);
		head = flow.head_len + (is_v6 ? 8 : 0);
		for (size_t n = is_v6 ? 40 : 20; n < head; n++) {
			frame[14 + (is_v6 ? 4 : 2)] = 0;
			frame[14 + (is_v6 ? 5 : 3)] = (uint8_t)(is_v6 ? n - 40 : n);
			if (!is_v6)
				flow_sum(frame + 14, flow.head_len);
			assert_int_equal(world_add_bytes(&w, frame, 14 + n, 0), REASSEMBLE_MALFORMED);
		}
	}
	world_end(&w);
}

/* IPv6: first fragments with the same next header that tell UDP and something else: none makes the other pass. */
static void test_two_firsts_v6(void **state)
{
	static const struct {
		uint8_t behind;
		enum reassemble_outcome out;
	} others[] = { { 6, REASSEMBLE_NOT_UDP }, { 44, REASSEMBLE_OPAQUE } };
	static uint8_t frame[PACKET_MAX];
	struct world w = world_new();

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(others); i++) {
		struct cut udp = { 0, 512, false, .ecn = -1 }, rest = { 512, 512, false, .ecn = -1 };
		size_t len;

		flow_make(&flow, true, 1, (uint32_t)i, 1200);
		len = cut_put(&flow, udp, frame);
		frame[14 + flow.head_len + 8] = others[i / 2].behind;
		if (i % 2) {
			assert_int_equal(world_add_bytes(&w, frame, len, 0), others[i / 2].out);
			assert_int_equal(world_add(&w, &flow, udp), REFUSED);
		} else {
			assert_int_equal(world_add(&w, &flow, udp), HELD);
			assert_int_equal(world_add(&w, &flow, rest), HELD);
			assert_int_equal(world_add_bytes(&w, frame, len, 0), REFUSED);
			world_leaves(&w, REASSEMBLED_REFUSED, REASSEMBLE_WHY_OVERLAP, 2);
		}
		world_quiet(&w);
		assert_int_equal(world_add(&w, &flow, rest), REFUSED);
		assert_int_equal(world_add_bytes(&w, frame, len, 0), REFUSED);
	}
	world_end(&w);
}

/* IPv6: the first fragment says what it is, those before it wait; header chains that nobody walks. */
static void test_protocols_v6(void **state)
{
	static const struct {
		const char *name;
		uint8_t next;
		int ext;
		size_t at, len;         /* patch behind the fragment header */
		const char *bytes;
		enum reassemble_outcome out;
		enum reassembled_how how;
	} cases[] = {
		{ "ICMPv6", 58, -1, .out = REASSEMBLE_NOT_UDP, .how = REASSEMBLED_NOT_UDP },
		{ "TCP", 6, -1, .out = REASSEMBLE_NOT_UDP, .how = REASSEMBLED_NOT_UDP },
		{ "ESP", 50, -1, .out = REASSEMBLE_NOT_UDP, .how = REASSEMBLED_NOT_UDP },
		{ "TCP behind options", 60, 1, 0, 1, "\6", REASSEMBLE_NOT_UDP, REASSEMBLED_NOT_UDP },
		{ "a fragment in it", 44, -1, .out = REASSEMBLE_OPAQUE, .how = REASSEMBLED_OPAQUE },
		{ "a fragment behind options", 60, 1, 0, 1, "\x2c", REASSEMBLE_OPAQUE, REASSEMBLED_OPAQUE },
		{ "authentication", 51, -1, .out = REASSEMBLE_OPAQUE, .how = REASSEMBLED_OPAQUE },
		{ "hop-by-hop behind options", 60, 1, 0, 1, "\0", REASSEMBLE_OPAQUE, REASSEMBLED_OPAQUE },
		{ "mobility", 135, -1, .out = REASSEMBLE_OPAQUE, .how = REASSEMBLED_OPAQUE },
		{ "HIP", 139, -1, .out = REASSEMBLE_OPAQUE, .how = REASSEMBLED_OPAQUE },
		{ "shim6", 140, -1, .out = REASSEMBLE_OPAQUE, .how = REASSEMBLED_OPAQUE },
		{ "segments left", 43, 1, 3, 1, "\1", REASSEMBLE_OPAQUE, REASSEMBLED_OPAQUE },
		{ "headers over 256 bytes", 60, 1, 1, 1, "\x1f", REASSEMBLE_OPAQUE, REASSEMBLED_OPAQUE },
	};
	static uint8_t frame[PACKET_MAX];
	struct world w = world_new();

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		struct cut first = { 0, 512, false, .ecn = -1, .next = cases[i / 2].next };
		struct cut later = { 512, 64, false, .ecn = -1, .next = cases[i / 2].next };
		struct cut udp = { 640, 64, false, .ecn = -1, .next = 17 };
		enum reassemble_outcome o;
		size_t len;

		flow_make(&flow, true, cases[i / 2].ext, (uint32_t)i, 1200);
		if (i % 2) /* a later one came before */
			assert_int_equal(world_add(&w, &flow, later), HELD);
		len = cut_put(&flow, first, frame);
		memcpy(frame + 14 + flow.head_len + 8 + cases[i / 2].at, cases[i / 2].bytes ?: "", cases[i / 2].len);
		o = world_add_bytes(&w, frame, len, 0);
		if (o != cases[i / 2].out)
			fail_msg("%s: %d", cases[i / 2].name, o);
		if (i % 2)
			world_leaves(&w, cases[i / 2].how, REASSEMBLE_WHY_NONE, 1);
		world_quiet(&w);
		assert_int_equal(world_add(&w, &flow, later), cases[i / 2].out);
		assert_int_equal(world_add_bytes(&w, frame, len, 0), cases[i / 2].out);
		/* pieces of another protocol: nothing of it passes any more */
		assert_int_equal(world_add(&w, &flow, udp), REFUSED);
		world_quiet(&w);
		assert_int_equal(world_add(&w, &flow, later), REFUSED);
		/* whole behind a fragment header: by itself */
		frame[14 + flow.head_len + 3] &= 0xfe;
		assert_int_equal(world_add_bytes(&w, frame, len, 0), cases[i / 2].out);
		world_quiet(&w);
	}
	assert_int_equal(reassemble_stats(w.r)->why[REASSEMBLE_WHY_MISMATCH], 2 * ARRAY_SIZE(cases));
	world_end(&w);
}

/* Whichever comes first, and whichever is UDP: nothing is judged by half of them. */
static void test_next_header_differs(void **state)
{
	static const uint8_t nexts[][2] = { { 17, 60 }, { 60, 17 }, { 17, 58 }, { 58, 17 } };
	struct world w = world_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(nexts); i++) {
		struct cut first = { 512, 64, false, .ecn = -1, .next = nexts[i][0] };
		struct cut second = { 0, 512, false, .ecn = -1, .next = nexts[i][1] };

		flow_make(&flow, true, 1, (uint32_t)i, 1200);
		assert_int_equal(world_add(&w, &flow, first), HELD);
		assert_int_equal(world_add(&w, &flow, second), REFUSED);
		world_leaves(&w, REASSEMBLED_REFUSED, REASSEMBLE_WHY_MISMATCH, 1);
		assert_int_equal(world_add(&w, &flow, first), REFUSED);
		world_quiet(&w);
	}
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_overlaps), cmocka_unit_test(test_count),
		cmocka_unit_test(test_alone),	 cmocka_unit_test(test_short),
		cmocka_unit_test(test_short_headers),
		cmocka_unit_test(test_protocols_v6), cmocka_unit_test(test_two_firsts_v6),
		cmocka_unit_test(test_next_header_differs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
