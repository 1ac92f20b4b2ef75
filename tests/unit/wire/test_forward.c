/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets that leave as they came: where they are, and one hop less. */
#include <errno.h>

#include "fragments.h"
#include "wire/forward.h"

static void test_parse(void **state)
{
	static uint8_t frame[PACKET_MAX];

	(void)state;
	for (int k = 0; k < 6; k++) {
		struct flow f;
		struct cut c = { .off = 8, .len = 16, .ecn = -1, .ttl = 9 };
		size_t len, padded;

		flow_make(&f, k & 1, -1, 7, 600);
		for (int t = 0; t < k / 2; t++) {
			f.tag_types[t] = t ? 0x8100 : 0x88a8;
			f.tags[t] = 5;
		}
		len = cut_put(&f, c, frame);
		padded = len + 30;
		for (size_t n = 0; n <= padded; n++) {
			struct guard g = guard_new(frame, n);
			struct wire_packet p;
			int r = wire_packet_parse(slice_of(g.p, g.len), &p);

			assert_int_equal(r, n < len ? -EBADMSG : 0);
			if (r == 0) {
				assert_int_equal(p.is_v6, k & 1);
				assert_int_equal(p.l2_len, 14 + 4 * (k / 2));
				assert_ptr_equal(p.ip.p, g.p + p.l2_len);
				assert_int_equal(p.ip.len, len - p.l2_len);
				assert_int_equal(p.ttl, 9);
				assert_memory_equal(p.dst + (k & 1 ? 0 : 12), k & 1 ? packet_v6_dst : packet_v4_dst,
						    k & 1 ? 16 : 4);
				assert_memory_equal(p.src + (k & 1 ? 0 : 12), k & 1 ? packet_v6_src : packet_v4_src,
						    k & 1 ? 16 : 4);
			}
			guard_free(&g);
		}
	}
}

static void test_bad(void **state)
{
	static const struct {
		const char *name;
		size_t at;
		uint8_t value;
	} cases[] = {
		{ "ARP", 13, 6 }, { "version", 14, 0x65 }, { "no header", 14, 0x44 }, { "length", 17, 5 },
		{ "longer than the frame", 16, 9 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct packet_spec s = { .ttl = 64 };
		uint8_t frame[200];
		struct wire_packet p;
		size_t len = packet_put(&s, "hello", 5, frame);

		frame[cases[i].at] = cases[i].value;
		if (i == 2)
			frame[16] = 0, frame[17] = 19;
		if (wire_packet_parse(slice_of((char *)frame, len), &p) != -EBADMSG)
			fail_msg("%s", cases[i].name);
	}
}

/* Every header sum that there can be: right stays right, wrong stays wrong, no TTL goes round. */
static void test_hop(void **state)
{
	struct packet_spec s = { .ttl = 64 }, s6 = { .is_v6 = true, .ttl = 2 };
	uint8_t frame[200], same[200];

	(void)state;
	packet_put(&s, "hello", 5, frame);
	for (unsigned id = 0; id < 65536; id++) {
		frame[18] = (uint8_t)(id >> 8);
		frame[19] = (uint8_t)id;
		frame[22] = (uint8_t)(1 + id % 255);
		flow_sum(frame + 14, 20);
		wire_packet_hop((char *)frame + 14, false);
		assert_int_equal(frame[22], id % 255);
		if (packet_sum(0, frame + 14, 20) != 0xffff)
			fail_msg("sum of id %u", id);
	}
	frame[22] = 0;
	memcpy(same, frame, sizeof(same));
	wire_packet_hop((char *)frame + 14, false);
	assert_memory_equal(frame, same, sizeof(same));
	frame[22] = 7;
	frame[25] ^= 1;
	wire_packet_hop((char *)frame + 14, false);
	assert_int_not_equal(packet_sum(0, frame + 14, 20), 0xffff);
	packet_put(&s6, "hello", 5, frame);
	for (int want = 1; want >= -1; want--) {
		memcpy(same, frame, sizeof(same));
		wire_packet_hop((char *)frame + 14, true);
		same[21] = (uint8_t)(want > 0 ? want : 0);
		assert_memory_equal(frame, same, sizeof(same));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_hop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
