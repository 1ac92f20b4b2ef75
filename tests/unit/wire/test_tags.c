/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VLAN tags: what came with them leaves with them, and is else the same to the byte.
 */
#include <errno.h>

#include "guard.h"

#include "base/cleanup.h"
#include "packet.h"
#include "wire/frame.h"

#define DMAC "\x0a\x0b\x0c\x0d\x0e\x0f"
#define SMAC "\x1a\x1b\x1c\x1d\x1e\x1f"

static const struct {
	const char *name;
	size_t len;
	uint8_t bytes[8];
} tags[] = {
	{ "none", 0, { 0 } },
	{ "VLAN", 4, { 0x81, 0, 0xa0, 5 } },
	{ "VLAN in a service VLAN", 8, { 0x88, 0xa8, 0, 100, 0x81, 0, 0x0f, 0xff } },
	{ "VLAN in a VLAN", 8, { 0x81, 0, 0, 1, 0x81, 0, 0, 0 } },
	{ "a priority alone", 4, { 0x81, 0, 0xe0, 0 } },
};

static char payload[65536];

/* Tags go in between the MACs and the EtherType. */
static size_t tag_put(size_t t, uint8_t *frame, size_t len)
{
	memmove(frame + 12 + tags[t].len, frame + 12, len - 12);
	memcpy(frame + 12, tags[t].bytes, tags[t].len);
	return len + tags[t].len;
}

static size_t came(size_t t, bool is_v6, uint8_t frame[2048], const char *text)
{
	struct packet_spec s = { .is_v6 = is_v6, .ttl = 64 };
	size_t len = packet_put(&s, text, strlen(text), frame);

	packet_sum_put(is_v6, frame, len);
	return tag_put(t, frame, len);
}

/* Frame @i of @len bytes of payload as it leaves; *ret_cnt: of how many. */
static size_t leaves(struct slice in, bool is_reply, uint16_t mtu, size_t len, int i, char *dst, int *ret_cnt)
{
	struct wire_frame f;
	struct wire_out o = { .in = &f, .is_reply = is_reply, .mtu = mtu, .ip_id = 77 };
	ssize_t n;

	memcpy(o.dmac, DMAC, 6);
	memcpy(o.smac, SMAC, 6);
	assert_int_equal(wire_frame_parse(in, &f), 0);
	*ret_cnt = wire_frame_cnt(&o, len);
	assert_true(*ret_cnt > i);
	n = wire_fragment_emit(&o, slice_of(payload, len), i, dst, 16384);
	assert_true(n > 0);
	if (*ret_cnt == 1) {
		char same[16384];

		memcpy(same + wire_payload_off(&o), payload, len);
		assert_int_equal(wire_frame_finish(&o, same, len), n);
		assert_memory_equal(same, dst, n);
	}
	assert_int_equal(wire_fragment_emit(&o, slice_of(payload, len), i, dst, (size_t)n - 1), -ENOSPC);
	return (size_t)n;
}

static void check_frames(size_t t, bool is_v6, bool is_reply, size_t len)
{
	uint8_t plain[2048], tagged[2048];
	char want[16384], got[16384];
	size_t plain_len = came(0, is_v6, plain, "INVITE"), tagged_len = came(t, is_v6, tagged, "INVITE");
	int cnt = 1, plain_cnt;

	for (int i = 0; i < cnt; i++) {
		size_t n = leaves(slice_of((char *)plain, plain_len), is_reply, 1500, len, i, want, &plain_cnt);
		size_t m = leaves(slice_of((char *)tagged, tagged_len), is_reply, 1500, len, i, got, &cnt);

		assert_int_equal(cnt, plain_cnt);
		if (m != tag_put(t, (uint8_t *)want, n) || memcmp(want, got, m) != 0)
			fail_msg("%s, IPv%d, %zu bytes: frame %d of %d", tags[t].name, is_v6 ? 6 : 4, len, i, cnt);
	}
}

static void test_leaves_with_them(void **state)
{
	static const size_t lens[] = { 0, 1, 700, 1440, 1472, 1473, 4000, 60000 };

	(void)state;
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (char)(i * 11 + (i >> 8));
	for (size_t t = 0; t < ARRAY_SIZE(tags); t++)
		for (int k = 0; k < 4; k++)
			for (size_t l = 0; l < ARRAY_SIZE(lens); l++)
				check_frames(t, k & 1, k & 2, lens[l]);
}

/* Whole, padded, and cut at every byte. */
static void test_parse(void **state)
{
	static const char text[] = "INVITE sip:a@b SIP/2.0\r\n\r\n";

	(void)state;
	for (size_t t = 0; t < ARRAY_SIZE(tags); t++) {
		for (int v6 = 0; v6 < 2; v6++) {
			uint8_t frame[2048] = { 0 };
			size_t len = came(t, v6, frame, text);

			for (size_t n = 0; n < len + 10; n++) {
				struct guard g = guard_new(frame, n);
				struct wire_frame f;
				int r = wire_frame_parse(slice_of(g.p, g.len), &f);

				if ((r == 0) != (n >= len))
					fail_msg("%s: %zu of %zu bytes: %d", tags[t].name, n, len, r);
				if (r == 0) {
					assert_true(slice_eq(f.payload, slice_str(text)));
					assert_int_equal(f.l2.len, 14 + tags[t].len);
					assert_false(wire_checksum_is_bad(&f));
				}
				guard_free(&g);
			}
		}
	}
}

static void test_three(void **state)
{
	uint8_t frame[2048];
	struct wire_frame f;
	size_t len = came(2, false, frame, "INVITE");

	(void)state;
	len = tag_put(1, frame, len);
	assert_int_equal(wire_frame_parse(slice_of((char *)frame, len), &f), -EPROTONOSUPPORT);
}

/* The longest payload fits, one byte more does not. */
static void test_payload_max(void **state)
{
	/* two used-up routing headers: nobody here can cut that */
	static const struct packet_ext two = { "two routing headers", { 43, 43, 0xff }, { [8] = 0 }, 16 };
	const struct packet_ext *exts[] = { NULL, &packet_v4_exts[1], &packet_v6_exts[2], &two };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(exts); i++) {
		for (int v6 = i > 1; v6 < 1 + (i != 1); v6++) {
			struct packet_spec s = { .is_v6 = v6, .ext = exts[i], .ttl = 64 };
			struct wire_frame f;
			struct wire_out o = { .in = &f, .mtu = 1500 };
			uint8_t frame[2048];
			size_t len = packet_put(&s, "INVITE", 6, frame), max;

			assert_int_equal(wire_frame_parse(slice_of((char *)frame, len), &f), 0);
			max = wire_payload_max(&o);
			assert_int_equal(max, (exts[i] == &two ? 1500 : 65535) - f.l3.len - 8);
			assert_true(wire_frame_cnt(&o, max) > 0);
			assert_true(wire_frame_cnt(&o, max + 1) < 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leaves_with_them),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_three),
		cmocka_unit_test(test_payload_max),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
