/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>

#include "guard.h"

#include "base/cleanup.h"
#include "packet.h"
#include "wire/frame.h"

static const char text[] = "INVITE sip:a@b SIP/2.0\r\n\r\n";
#define TEXT_LEN (sizeof(text) - 1)

static void check_v4_mapped(const uint8_t got[16], const uint8_t want[4])
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	assert_memory_equal(got, prefix, 12);
	assert_memory_equal(got + 12, want, 4);
}

static void check_frame(const struct packet_spec *s, const struct guard *g, size_t len)
{
	struct wire_frame f;
	size_t hlen = len - TEXT_LEN - 8 - 14;
	int r = wire_frame_parse(slice_of(g->p, g->len), &f);

	if (r)
		fail_msg("%s: returns %d", s->ext ? s->ext->name : "plain", r);
	assert_int_equal(f.is_v6, s->is_v6);
	assert_true(slice_eq(f.payload, SLICE(text)));
	assert_ptr_equal(f.l2.p, g->p);
	assert_int_equal(f.l2.len, 14);
	assert_ptr_equal(f.l3.p, g->p + 14);
	assert_int_equal(f.l3.len, hlen);
	assert_int_equal(f.src_port, 5060);
	assert_int_equal(f.dst_port, 5080);
	assert_int_equal((uint8_t)f.l3.p[f.l4_proto_off], 17);
	assert_int_equal(wire_frame_ttl(&f), s->ttl);
	if (s->is_v6) {
		assert_memory_equal(f.src, packet_v6_src, 16);
		assert_memory_equal(f.dst, packet_v6_dst, 16);
	} else {
		check_v4_mapped(f.src, packet_v4_src);
		check_v4_mapped(f.dst, packet_v4_dst);
	}
}

/* Whole, with Ethernet padding, and cut at every byte. */
static void check_spec(const struct packet_spec *s)
{
	uint8_t frame[512] = {0};
	size_t len = packet_put(s, text, TEXT_LEN, frame);

	for (size_t n = 0; n < len + 20; n++) {
		struct guard g = guard_new(frame, n);
		struct wire_frame f = {.src_port = 99};

		if (n >= len) {
			check_frame(s, &g, len);
		} else {
			assert_int_equal(wire_frame_parse(slice_of(g.p, n), &f), -EBADMSG);
			assert_int_equal(f.src_port, 99);
		}
		guard_free(&g);
	}
}

static void test_good(void **state)
{
	(void)state;
	check_spec(&(struct packet_spec){.ttl = 1});
	check_spec(&(struct packet_spec){.ttl = 64, .frag = 0x4000});
	check_spec(&(struct packet_spec){.is_v6 = true, .ttl = 63});
	for (size_t i = 0; i < ARRAY_SIZE(packet_v4_exts); i++)
		check_spec(&(struct packet_spec){.ext = &packet_v4_exts[i], .ttl = 9});
	for (size_t i = 0; i < ARRAY_SIZE(packet_v6_exts); i++)
		check_spec(
		    &(struct packet_spec){.is_v6 = true, .ext = &packet_v6_exts[i], .ttl = 9});
}

/* One or two bytes of a good frame changed; offsets count from the IP header, -2 is the EtherType.
 */
static const struct {
	const char *name;
	bool is_v6;
	int ext; /* index + 1 */
	int off;
	uint8_t bytes[2];
	int ret;
} bad[] = {
    {"ARP", false, 0, -2, {8, 6}, -EPROTONOSUPPORT},
    {"VLAN without a place for it", false, 0, -2, {0x81, 0}, -EPROTONOSUPPORT},
    {"v6 in a v4 frame", true, 0, -2, {8, 0}, -EBADMSG},
    {"v4 in a v6 frame", false, 0, -2, {0x86, 0xdd}, -EBADMSG},
    {"header length 4", false, 0, 0, {0x44, 0}, -EBADMSG},
    {"header longer than the packet", false, 0, 2, {0, 19}, -EBADMSG},
    {"header without UDP", false, 0, 2, {0, 20}, -EBADMSG},
    {"half a UDP header", false, 0, 2, {0, 27}, -EBADMSG},
    {"longer than the frame", false, 0, 2, {0, 20 + 8 + TEXT_LEN + 1}, -EBADMSG},
    {"TCP", false, 0, 8, {64, 6}, -EPROTONOSUPPORT},
    {"more fragments", false, 0, 6, {0x20, 0}, -EPROTONOSUPPORT},
    {"last fragment", false, 0, 6, {0x00, 1}, -EPROTONOSUPPORT},
    {"highest offset", false, 0, 6, {0x1f, 0xff}, -EPROTONOSUPPORT},
    {"UDP length 7", false, 0, 24, {0, 7}, -EBADMSG},
    {"UDP length 0", false, 0, 24, {0, 0}, -EBADMSG},
    {"UDP longer than IP", false, 0, 24, {0, 8 + TEXT_LEN + 1}, -EBADMSG},
    {"option of no length", false, 1, 20, {7, 0}, -EBADMSG},
    {"option of length 1", false, 1, 20, {7, 1}, -EBADMSG},
    {"option too long", false, 1, 20, {7, 13}, -EBADMSG},
    {"option cut at its length", false, 1, 30, {1, 7}, -EBADMSG},
    {"loose source route in use", false, 1, 20, {131, 7}, -EPROTONOSUPPORT},
    {"strict source route in use", false, 1, 20, {137, 7}, -EPROTONOSUPPORT},
    {"v6, jumbogram", true, 0, 4, {0, 0}, -EBADMSG},
    {"v6, half a UDP header", true, 0, 4, {0, 7}, -EBADMSG},
    {"v6, longer than the frame", true, 0, 4, {0, 8 + TEXT_LEN + 1}, -EBADMSG},
    {"v6, TCP", true, 0, 6, {6, 64}, -EPROTONOSUPPORT},
    {"v6, fragment", true, 0, 6, {44, 64}, -EPROTONOSUPPORT},
    {"v6, AH", true, 1, 6, {51, 64}, -EPROTONOSUPPORT},
    {"v6, ESP", true, 1, 6, {50, 64}, -EPROTONOSUPPORT},
    {"v6, no next header", true, 0, 6, {59, 64}, -EPROTONOSUPPORT},
    {"v6, hop-by-hop, then TCP", true, 1, 40, {6, 0}, -EPROTONOSUPPORT},
    {"v6, hop-by-hop twice", true, 3, 40, {0, 0}, -EBADMSG},
    {"v6, extension too long", true, 1, 40, {17, 200}, -EBADMSG},
    {"v6, UDP read as an extension", true, 1, 40, {60, 0}, -EBADMSG},
    {"v6, segments left", true, 3, 40 + 8 + 8 + 2, {2, 1}, -EPROTONOSUPPORT},
    {"v6, UDP longer than IP", true, 0, 44, {0, 8 + TEXT_LEN + 1}, -EBADMSG},
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const struct packet_ext *exts = bad[i].is_v6 ? packet_v6_exts : packet_v4_exts;
		struct packet_spec s = {.is_v6 = bad[i].is_v6, .ttl = 64};
		struct wire_frame f = {.src_port = 99};
		uint8_t frame[512];
		struct guard g;
		size_t len;
		int r;

		s.ext = bad[i].ext ? &exts[bad[i].ext - 1] : NULL;
		len = packet_put(&s, text, TEXT_LEN, frame);
		memcpy(frame + 14 + bad[i].off, bad[i].bytes, 2);
		g = guard_new(frame, len);
		r = wire_frame_parse(slice_of(g.p, g.len), &f);
		if (r != bad[i].ret)
			fail_msg("%s: returns %d, want %d", bad[i].name, r, bad[i].ret);
		assert_int_equal(f.src_port, 99);
		guard_free(&g);
	}
}

/* The payload ends where UDP says, not where IP does. */
static void test_udp_shorter(void **state)
{
	struct wire_frame f;
	uint8_t frame[512];

	(void)state;
	for (int is_v6 = 0; is_v6 < 2; is_v6++) {
		struct packet_spec s = {.is_v6 = is_v6, .ttl = 64};
		size_t len = packet_put(&s, text, TEXT_LEN, frame), udp = len - TEXT_LEN - 8;

		frame[udp + 5] = 8 + 6;
		assert_int_equal(wire_frame_parse(slice_of((char *)frame, len), &f), 0);
		assert_true(slice_eq(f.payload, SLICE("INVITE")));
		frame[udp + 5] = 8;
		assert_int_equal(wire_frame_parse(slice_of((char *)frame, len), &f), 0);
		assert_int_equal(f.payload.len, 0);
	}
}

/* More extension headers than we copy. */
static void test_long_chain(void **state)
{
	uint8_t frame[14 + 40 + 512 + 8] = {0};
	struct packet_spec s = {.is_v6 = true, .ttl = 64};
	struct wire_frame f;

	(void)state;
	for (size_t ext = 8; ext <= 512; ext += 8) {
		size_t len = packet_put(&s, NULL, 0, frame);

		memmove(frame + 54 + ext, frame + 54, 8);
		memset(frame + 54, 0, ext);
		frame[14 + 6] = 60;
		frame[54] = 17;
		frame[55] = (uint8_t)(ext / 8 - 1);
		frame[18] = (uint8_t)((ext + 8) >> 8);
		frame[19] = (uint8_t)(ext + 8);
		assert_int_equal(wire_frame_parse(slice_of((char *)frame, len + ext), &f),
				 40 + ext <= WIRE_L3_MAX ? 0 : -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good),
	    cmocka_unit_test(test_bad),
	    cmocka_unit_test(test_udp_shorter),
	    cmocka_unit_test(test_long_chain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
