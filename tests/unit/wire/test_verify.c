/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Received UDP checksums: right, absent, partial - and all others.
 */
#include "guard.h"

#include "packet.h"
#include "wire/frame.h"

/* What stands in the checksum field; the sums are packet.h's own. */
enum field { RIGHT, NONE, PARTIAL, WRONG };

static void put_field(uint8_t *udp, bool is_v6, enum field f, size_t len)
{
	uint32_t partial;

	switch (f) {
	case RIGHT:
		return;
	case NONE:
		memset(udp + 6, 0, 2);
		return;
	case WRONG:
		udp[7] ^= 1;
		return;
	case PARTIAL:
		partial = is_v6 ? packet_udp_sum(true, packet_v6_src, packet_v6_dst, "", 0)
				: packet_udp_sum(false, packet_v4_src, packet_v4_dst, "", 0);
		partial += (uint32_t)len; /* the rest of the pseudo-header */
		partial = (partial & 0xffff) + (partial >> 16);
		udp[6] = (uint8_t)(partial >> 8);
		udp[7] = (uint8_t)partial;
		return;
	}
}

static void test_field(void **state)
{
	static uint8_t frame[PACKET_MAX];
	static char text[3001];

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * 7 + 3);
	for (int v6 = 0; v6 < 2; v6++) {
		for (size_t len = 0; len < sizeof(text); len += len < 20 ? 1 : 331) {
			for (enum field f = RIGHT; f <= WRONG; f++) {
				struct packet_spec s = { .is_v6 = v6, .ttl = 64 };
				size_t n = packet_put(&s, text, len, frame);
				struct wire_frame w;
				struct guard g;

				packet_sum_put(v6, frame, n);
				put_field(frame + 14 + (v6 ? 40 : 20), v6, f, len + 8);
				g = guard_new(frame, n);
				assert_int_equal(wire_frame_parse(slice_of(g.p, g.len), &w), 0);
				if (wire_checksum_is_bad(&w) != (f == WRONG))
					fail_msg("IPv%d, %zu bytes, field %d", v6 ? 6 : 4, len, (int)f);
				guard_free(&g);
			}
		}
	}
}

/* Any flipped bit behind the addresses shows. */
static void test_flips(void **state)
{
	static uint8_t frame[PACKET_MAX];
	struct packet_spec s = { .ttl = 64 };
	size_t n = packet_put(&s, "INVITE sip:x", 12, frame);
	struct wire_frame w;

	(void)state;
	packet_sum_put(false, frame, n);
	for (size_t bit = (14 + 20 + 8) * 8; bit < n * 8; bit++) {
		frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(wire_frame_parse(slice_of((char *)frame, n), &w), 0);
		assert_true(wire_checksum_is_bad(&w));
		frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_field), cmocka_unit_test(test_flips) };

	return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
