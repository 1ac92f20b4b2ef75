/* SPDX-License-Identifier: BSD-2-Clause */
/* What becomes whole: every order, headers, marks; and that it leaves again as it should. */
#include "fragments.h"

#define STEP 512

static struct flow flow;

/* Cut @i of the flow in pieces of STEP. */
static struct cut cut_of(size_t i)
{
	size_t len = flow_data_len(&flow), off = i * STEP;
	bool is_last = off + STEP >= len;

	return (struct cut){ .off = off, .len = is_last ? len - off : STEP, .is_last = is_last, .ecn = -1 };
}

static size_t cut_cnt(void)
{
	return (flow_data_len(&flow) + STEP - 1) / STEP;
}

/* Frame @i of what leaves is cut @n, with the block it came with. */
static void check_frame(struct world *w, const struct reassembled *d, unsigned i, size_t n, uint64_t serial)
{
	struct reassemble_frame f = reassembled_frame(w->r, d, i);
	static uint8_t want[PACKET_MAX];
	size_t len = cut_put(&flow, cut_of(n), want);
	uint64_t block[REASSEMBLE_BLOCK / 8];

	assert_int_equal(f.frame.len, len);
	assert_memory_equal(f.frame.p, want, len);
	memcpy(block, f.block, sizeof(block));
	assert_int_equal(block[0], serial);
	assert_int_equal(block[7], ~(serial + 1));
}

/* Every piece in the order given, each @copies times. */
static void check_order(struct world *w, const size_t *order, size_t cnt, int copies)
{
	uint64_t serial = w->serial;
	struct reassembled *d;

	for (size_t i = 0; i < cnt; i++) {
		assert_int_equal(world_add(w, &flow, cut_of(order[i])), REASSEMBLE_HELD);
		for (int k = 1; k < copies; k++) {
			if (i < cnt - 1)
				world_quiet(w);
			else
				break;
			assert_int_equal(world_add(w, &flow, cut_of(order[i])), REASSEMBLE_DUPLICATE);
		}
		if (i < cnt - 1)
			world_quiet(w);
	}
	d = world_take(w);
	assert_non_null(d);
	world_check_whole(&flow, d, 64, -1);
	assert_int_equal(d->cnt, cnt);
	assert_int_equal(d->since_ns, w->now);
	for (size_t i = 0; i < cnt; i++) {
		check_frame(w, d, (unsigned)i, order[i], serial + i * (size_t)copies);
		assert_int_equal((int)i == d->first, order[i] == 0);
	}
	assert_ptr_equal(d->frame.l2.p, reassembled_frame(w->r, d, (unsigned)d->first).frame.p);
	reassemble_release(w->r, d);
	for (int k = 1; k < copies; k++) /* the network's copies of the last one, and of the others */
		for (size_t i = 0; i < cnt; i++)
			assert_int_equal(world_add(w, &flow, cut_of(i)), REASSEMBLE_DUPLICATE);
	world_quiet(w);
	w->now += w->limits.linger_ns;
	world_quiet(w);
	assert_int_equal(reassemble_stats(w->r)->datagrams, 0);
}

static void all_orders(struct world *w, size_t *order, size_t at, size_t cnt, int copies)
{
	if (at == cnt) {
		check_order(w, order, cnt, copies);
		return;
	}
	for (size_t i = at; i < cnt; i++) {
		size_t t = order[at];

		order[at] = order[i];
		order[i] = t;
		all_orders(w, order, at + 1, cnt, copies);
		order[i] = order[at];
		order[at] = t;
	}
}

static void test_orders(void **state)
{
	struct world w = world_new();

	(void)state;
	for (int v6 = 0; v6 < 2; v6++)
		for (size_t cnt = 2; cnt <= 5; cnt++)
			for (int copies = 1; copies <= 2; copies++) {
				size_t order[] = { 0, 1, 2, 3, 4 };

				flow_make(&flow, v6, -1, 77, cnt * STEP - 8 - cnt);
				assert_int_equal(cut_cnt(), cnt);
				all_orders(&w, order, 0, cnt, copies);
			}
	world_end(&w);
}

/* Options, extension headers, tags, padding behind the packet; the last fragment has one byte to eight. */
static void test_headers(void **state)
{
	struct world w = world_new();

	(void)state;
	for (int i = 0; i < 9 * 3 * 9; i++) {
		int kind = i % 9, tags = i / 9 % 3;
		bool is_v6 = kind >= 5;
		size_t order[] = { 0, 2, 1 };
		uint8_t frame[2048] = { 0 };

		flow_make(&flow, is_v6, is_v6 ? kind - 6 : kind - 1, 5, 0);
		flow_make(&flow, is_v6, is_v6 ? kind - 6 : kind - 1, 5,
			  2 * STEP + 1 + i / 27 % 8 - flow_data_len(&flow));
		for (int t = 0; t < tags; t++) {
			flow.tag_types[t] = t + 1 == tags ? 0x8100 : 0x88a8;
			flow.tags[t] = (uint16_t)(0x2000 + 100 + t);
		}
		check_order(&w, order, 3, 1);
		for (size_t n = 0; n < 3; n++) {
			size_t len = cut_put(&flow, cut_of(n), frame);

			memset(frame + len, 0xaa, 46); /* padding is no data */
			assert_int_equal(world_add_bytes(&w, frame, len + 46, 0), REASSEMBLE_HELD);
		}
		struct reassembled *d = world_take(&w);

		world_check_whole(&flow, d, 64, -1);
		assert_int_equal(d->frame.l2.len, 14 + 4 * tags);
		assert_int_equal(reassembled_frame(w.r, d, 2).frame.len, cut_put(&flow, cut_of(2), frame) + 46);
		reassemble_release(w.r, d);
		w.now += w.limits.linger_ns;
	}
	world_end(&w);
}

/* RFC 6946: whole behind a fragment header; nothing of the same identification is touched. */
static void test_atomic(void **state)
{
	struct world w = world_new();
	struct reassembled *d;

	(void)state;
	for (int ext = -1; ext < 3; ext++) {
		flow_make(&flow, true, ext, 9, 600);
		assert_int_equal(world_add(&w, &flow, cut_of(1)), REASSEMBLE_HELD);
		world_quiet(&w);
		for (int i = 0; i < 2; i++) {
			struct cut c = { .len = flow_data_len(&flow), .is_last = true, .ecn = -1, .ttl = 3 };

			assert_int_equal(world_add(&w, &flow, c), REASSEMBLE_HELD);
			d = world_take(&w);
			assert_non_null(d);
			assert_int_equal(d->cnt, 1);
			world_check_whole(&flow, d, 3, -1);
			reassemble_release(w.r, d);
			world_quiet(&w);
		}
		assert_int_equal(world_add(&w, &flow, cut_of(0)), REASSEMBLE_HELD);
		world_leaves(&w, REASSEMBLED_COMPLETE, REASSEMBLE_WHY_NONE, 2);
		w.now += w.limits.linger_ns;
	}
	world_end(&w);
}

/* RFC 3168 s5.3; -1: refused.  The smallest TTL, wherever it is. */
static void test_marks(void **state)
{
	static const struct {
		const char *name;
		int in[3], out;
	} cases[] = {
		{ "not ECT", { 0, 0, 0 }, 0 },	     { "ECT(1)", { 1, 1, 1 }, 1 },
		{ "ECT(0)", { 2, 2, 2 }, 2 },	     { "CE", { 3, 3, 3 }, 3 },
		{ "CE first", { 3, 2, 2 }, 3 },	     { "CE last", { 2, 2, 3 }, 3 },
		{ "CE among ECT(1)", { 1, 3, 1 }, 3 }, { "CE, not ECT first", { 0, 3, 3 }, -1 },
		{ "CE, not ECT last", { 3, 3, 0 }, -1 }, { "all of them", { 2, 3, 0 }, -1 },
		{ "not ECT first", { 0, 2, 2 }, 0 }, { "not ECT last", { 1, 1, 0 }, 0 },
		{ "both ECT", { 1, 2, 1 }, 2 },
	};
	struct world w = world_new();

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		const int *in = cases[i / 2].in, out = cases[i / 2].out;
		struct reassembled *d;

		flow_make(&flow, i % 2, -1, 100 + (uint32_t)i, 3 * STEP - 20);
		for (size_t n = 0; n < 3; n++) {
			struct cut c = cut_of(n);

			c.ecn = in[n];
			c.ttl = n == i % 3 ? 5 : (uint8_t)(50 + n);
			assert_int_equal(world_add(&w, &flow, c), REASSEMBLE_HELD);
		}
		if (out < 0) {
			world_leaves(&w, REASSEMBLED_REFUSED, REASSEMBLE_WHY_ECN, 3);
			assert_int_equal(world_add(&w, &flow, cut_of(0)), REASSEMBLE_REFUSED);
			continue;
		}
		d = world_take(&w);
		assert_non_null(d);
		if ((out ^ (i % 2 ? d->packet.p[1] >> 4 : d->packet.p[1])) & 3)
			fail_msg("%s: another codepoint", cases[i / 2].name);
		world_check_whole(&flow, d, 5, out);
		reassemble_release(w.r, d);
	}
	world_end(&w);
}

/* Whole, but no datagram of UDP that we could have got in one frame. */
static void test_unfit(void **state)
{
	static const struct {
		const char *name;
		bool is_v6;
		int ext;
		size_t off, len;
		const char *bytes;  /* into the whole frame */
		enum reassembled_how how;
	} cases[] = {
		{ "UDP length one less", false, -1, 38, 2, "\x02\x67", REASSEMBLED_MALFORMED },
		{ "UDP length one more", false, -1, 38, 2, "\x02\x69", REASSEMBLED_MALFORMED },
		{ "UDP length 7", false, -1, 38, 2, "\0\7", REASSEMBLED_MALFORMED },
		{ "UDP length 0", true, -1, 58, 2, "\0\0", REASSEMBLED_MALFORMED },
		{ "as it was", false, -1, 38, 2, "\x02\x68", REASSEMBLED_COMPLETE },
		{ "source route", false, 3, 34, 3, "\x83\x07\x04", REASSEMBLED_OPAQUE },
		{ "option without length", false, 2, 34, 8, "\1\1\1\1\1\1\1\7", REASSEMBLED_MALFORMED },
	};
	struct world w = world_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct reassembled *d;

		flow_make(&flow, cases[i].is_v6, cases[i].ext, (uint32_t)i, 608);
		memcpy(flow.frame + cases[i].off, cases[i].bytes, cases[i].len);
		if (!cases[i].is_v6)
			flow_sum(flow.frame + 14, flow.head_len);
		assert_int_equal(world_add(&w, &flow, cut_of(0)), REASSEMBLE_HELD);
		assert_int_equal(world_add(&w, &flow, cut_of(1)), REASSEMBLE_HELD);
		d = world_take(&w);
		assert_non_null(d);
		if (d->how != cases[i].how)
			fail_msg("%s: leaves as %d", cases[i].name, d->how);
		assert_int_equal(d->cnt, 2);
		assert_int_equal(d->packet.len, flow.packet_len);
		assert_memory_equal(d->packet.p, flow.frame + 14, flow.packet_len);
		reassemble_release(w.r, d);
		assert_int_equal(world_add(&w, &flow, cut_of(1)), REASSEMBLE_DUPLICATE);
	}
	world_end(&w);
}

/* The largest there are; IPv4 with more options in the first fragment than in those that were measured. */
static void test_largest(void **state)
{
	static const struct {
		const char *name;
		bool is_v6;
		size_t payload;
	} cases[] = { { "v4", false, 65507 }, { "v6", true, 65527 } };
	struct world w = world_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t step = 1448, len;

		flow_make(&flow, cases[i].is_v6, -1, 3, cases[i].payload);
		len = flow_data_len(&flow);
		for (size_t n = 0; n * step < len; n++) {
			bool is_last = (n + 1) * step >= len;
			struct cut c = { n * step, is_last ? len - n * step : step, is_last, .ecn = -1 };

			world_quiet(&w);
			assert_int_equal(world_add(&w, &flow, c), REASSEMBLE_HELD);
		}
		struct reassembled *d = world_take(&w);

		assert_non_null(d);
		world_check_whole(&flow, d, 64, -1);
		reassemble_release(w.r, d);
	}
	static struct flow plain;

	flow_make(&plain, false, -1, 4, 65507);
	flow_make(&flow, false, 1, 4, 4000);
	for (size_t n = 0; n < 33; n++) {
		struct cut c = { n * 2000, n == 32 ? 65515 - 64000 : 2000, n == 32, .ecn = -1 };

		assert_int_equal(world_add(&w, n ? &plain : &flow, c), REASSEMBLE_HELD);
	}
	struct reassembled *d = world_take(&w);

	assert_non_null(d);
	assert_int_equal(d->how, REASSEMBLED_MALFORMED);
	assert_null(d->packet.p);
	assert_int_equal(d->cnt, 33);
	reassemble_release(w.r, d);
	world_end(&w);
}

/* What wire_fragment_emit() cuts comes back as the same packet. */
static void test_emit_again(void **state)
{
	static uint8_t frame[PACKET_MAX];
	struct world w = world_new();

	(void)state;
	for (int i = 0; i < 9 * 3; i++) {
		bool is_v6 = i % 9 >= 5;
		size_t lens[] = { 1400, 9000, 60000 };
		struct wire_frame in;
		struct wire_out o = { .in = &in, .mtu = 1500, .ip_id = 0x5678 };
		struct reassembled *d = NULL;
		int cnt;

		flow_make(&flow, is_v6, is_v6 ? i % 9 - 6 : i % 9 - 1, 0x5678, lens[i / 9]);
		assert_int_equal(wire_frame_parse(slice_of((char *)flow.frame, 14 + flow.packet_len), &in), 0);
		o.mtu = i / 9 ? 1500 : 1280;
		cnt = wire_frame_cnt(&o, in.payload.len);
		assert_true(cnt > 1);
		for (int n = cnt; n--;) {
			ssize_t len = wire_fragment_emit(&o, in.payload, n, (char *)frame, sizeof(frame));

			world_quiet(&w);
			assert_int_equal(world_add_bytes(&w, frame, (size_t)len, 0), REASSEMBLE_HELD);
		}
		d = world_take(&w);
		assert_non_null(d);
		assert_int_equal(d->how, REASSEMBLED_COMPLETE);
		assert_int_equal(d->cnt, cnt);
		assert_true(slice_eq(d->frame.payload, in.payload));
		assert_int_equal(d->frame.l3.len, in.l3.len);
		assert_false(wire_checksum_is_bad(&d->frame));
		if (is_v6)
			assert_memory_equal(d->frame.l3.p, in.l3.p, in.l3.len);
		reassemble_release(w.r, d);
		w.now += w.limits.linger_ns;
	}
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders),	 cmocka_unit_test(test_headers), cmocka_unit_test(test_atomic),
		cmocka_unit_test(test_marks),	 cmocka_unit_test(test_unfit),	 cmocka_unit_test(test_largest),
		cmocka_unit_test(test_emit_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
