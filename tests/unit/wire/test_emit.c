/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What leaves is put together again by a reassembly of the test's own, which also checks what every
 * fragment must keep to; checksums are those of packet.h.
 */
#include <errno.h>

#include "guard.h"

#include "base/cleanup.h"
#include "packet.h"
#include "wire/frame.h"

#define DMAC "\x0a\x0b\x0c\x0d\x0e\x0f"
#define SMAC "\x1a\x1b\x1c\x1d\x1e\x1f"
#define MTU_MIN(is_v6) ((is_v6) ? 1280 : 576)

static char payload[65536];

/* A received frame, and how it leaves. */
struct setup {
	struct packet_spec spec;
	uint8_t frame[512];
	size_t len;
	struct wire_frame in;
	struct wire_out out;
};

static void setup_make(struct setup *s, bool is_v6, const struct packet_ext *ext, uint16_t mtu)
{
	s->spec = (struct packet_spec){.is_v6 = is_v6, .ext = ext, .frag = 0x4000, .ttl = 64};
	s->len = packet_put(&s->spec, "INVITE", 6, s->frame);
	assert_int_equal(wire_frame_parse(slice_of((char *)s->frame, s->len), &s->in), 0);
	s->out = (struct wire_out){.in = &s->in, .mtu = mtu, .ip_id = 0xabcd4321};
	memcpy(s->out.dmac, DMAC, 6);
	memcpy(s->out.smac, SMAC, 6);
}

static const char *setup_name(const struct setup *s)
{
	return s->spec.ext ? s->spec.ext->name : s->spec.is_v6 ? "plain v6" : "plain v4";
}

static void check_l2(const struct setup *s, const uint8_t *f)
{
	assert_memory_equal(f, DMAC, 6);
	assert_memory_equal(f + 6, SMAC, 6);
	assert_int_equal(f[12] << 8 | f[13], s->spec.is_v6 ? ETH_P_IPV6 : ETH_P_IP);
}

/* A packet (no Ethernet) without fragments: lengths, sums, and that it parses to what went in. */
static void check_whole(const struct setup *s, const uint8_t *p, size_t len, size_t payload_len)
{
	static uint8_t frame[PACKET_MAX];
	bool is_v6 = s->spec.is_v6;
	struct wire_frame f;
	const uint8_t *udp;

	memcpy(frame, "dmac..smac..", 12);
	frame[12] = is_v6 ? 0x86 : 8;
	frame[13] = is_v6 ? 0xdd : 0;
	memcpy(frame + 14, p, len);
	assert_int_equal(wire_frame_parse(slice_of((char *)frame, 14 + len), &f), 0);
	assert_true(slice_eq(f.payload, slice_of(payload, payload_len)));
	assert_int_equal(f.src_port, s->in.src_port);
	assert_int_equal(f.dst_port, s->in.dst_port);
	assert_memory_equal(f.src, s->in.src, 16);
	assert_memory_equal(f.dst, s->in.dst, 16);
	udp = (const uint8_t *)f.payload.p - 8;
	assert_int_equal(udp[4] << 8 | udp[5], 8 + payload_len);
	assert_int_equal((const uint8_t *)f.l3.p + f.l3.len + 8 + payload_len - frame, 14 + len);
	assert_int_not_equal(udp[6] << 8 | udp[7], 0);
	if (packet_udp_sum(is_v6, is_v6 ? packet_v6_src : packet_v4_src,
			   is_v6 ? packet_v6_dst : packet_v4_dst, udp, 8 + payload_len) != 0xffff)
		fail_msg("%s: UDP checksum of %zu bytes", setup_name(s), payload_len);
	if (!is_v6)
		assert_int_equal(packet_sum(0, f.l3.p, f.l3.len), 0xffff);
}

/* A packet put together again. */
struct whole {
	uint8_t bytes[PACKET_MAX];
	size_t head_len;      /* headers in front of the data */
	size_t data_len;      /* known with the last fragment */
	size_t have;	      /* bytes of data that came */
	bool seen[65536 / 8]; /* which units of 8 bytes are there */
	uint8_t head[512];    /* per-fragment headers of the first that came; v6 */
};

static void data_put(struct whole *w, size_t head_len, const uint8_t *data, size_t off, size_t len,
		     bool is_last)
{
	if (!is_last)
		assert_int_equal(len % 8, 0);
	else
		w->data_len = off + len;
	assert_true(len > 0);
	for (size_t i = off / 8; i < (off + len + 7) / 8; i++) {
		assert_false(w->seen[i]);
		w->seen[i] = true;
	}
	memcpy(w->bytes + head_len + off, data, len);
	w->have += len;
}

static void v4_fragment(const struct setup *s, struct whole *w, const uint8_t *p, size_t len)
{
	struct iphdr h;
	size_t hlen, off;

	memcpy(&h, p, sizeof(h));
	hlen = h.ihl * 4u;
	off = (ntohs(h.frag_off) & 0x1fffu) * 8;
	assert_int_equal(ntohs(h.tot_len), len);
	assert_int_equal(packet_sum(0, p, hlen), 0xffff);
	assert_int_equal(ntohs(h.id), 0x4321);
	assert_int_equal(ntohs(h.frag_off) & 0xc000, 0); /* no DF */
	assert_int_equal(h.tos, 0xb9);
	assert_int_equal(h.ttl, 64);
	assert_int_equal(h.protocol, 17);
	assert_memory_equal(&h.saddr, packet_v4_src, 4);
	assert_memory_equal(&h.daddr, packet_v4_dst, 4);
	w->head_len = s->in.l3.len;
	if (off == 0) {
		assert_memory_equal(p + 20, s->in.l3.p + 20, hlen - 20);
		assert_int_equal(hlen, w->head_len);
		memcpy(w->bytes, p, hlen);
	} else if (!w->head[0]) {
		memcpy(w->head, p, hlen);
		w->head[0] = p[0];
	} else {
		assert_int_equal(w->head[0], p[0]);
		assert_memory_equal(w->head + 20, p + 20, hlen - 20);
	}
	data_put(w, w->head_len, p + hlen, off, len - hlen, !(ntohs(h.frag_off) & 0x2000));
}

static void v6_fragment(const struct setup *s, struct whole *w, const uint8_t *p, size_t len)
{
	size_t at = 40, proto = 6, off;
	(void)s;

	assert_int_equal(p[4] << 8 | p[5], len - 40);
	assert_int_equal(p[7], 64);
	while (p[proto] != 44) {
		proto = at;
		at += (p[at + 1] + 1u) * 8;
		assert_true(at < len);
	}
	assert_int_equal(p[at + 1], 0);
	assert_memory_equal(p + at + 4, "\xab\xcd\x43\x21", 4);
	off = (p[at + 2] << 8 | p[at + 3]) & 0xfff8u;
	assert_int_equal(p[at + 3] & 6, 0);
	if (!w->have) {
		memcpy(w->head, p, at + 8);
		w->head_len = at;
		memcpy(w->bytes, p, at);
		w->bytes[proto] = p[at];
	}
	/* the same in all of them, but for length and offset */
	assert_int_equal(w->head_len, at);
	assert_memory_equal(w->head, p, 4);
	assert_memory_equal(w->head + 6, p + 6, at - 6 + 2);
	data_put(w, at, p + at + 8, off, len - at - 8, !(p[at + 3] & 1));
}

/* Lengths, flags and sum as they were before it was cut. */
static size_t whole_finish(const struct setup *s, struct whole *w)
{
	size_t len = w->head_len + w->data_len, field = s->spec.is_v6 ? len - 40 : len;

	assert_int_equal(w->have, w->data_len);
	assert_true(w->data_len > 0);
	w->bytes[s->spec.is_v6 ? 4 : 2] = (uint8_t)(field >> 8);
	w->bytes[s->spec.is_v6 ? 5 : 3] = (uint8_t)field;
	if (!s->spec.is_v6) {
		uint16_t sum;

		memset(w->bytes + 6, 0, 2);
		memset(w->bytes + 10, 0, 2);
		sum = htons((uint16_t)~packet_sum(0, w->bytes, w->head_len));
		memcpy(w->bytes + 10, &sum, 2);
	}
	return len;
}

/* Emits every frame of a datagram, last one first, into memory that ends where the frame does. */
static void check_datagram(const struct setup *s, size_t len)
{
	static struct whole w;
	size_t mtu = s->out.mtu > MTU_MIN(s->spec.is_v6) ? s->out.mtu : MTU_MIN(s->spec.is_v6);
	int cnt = wire_frame_cnt(&s->out, len);
	uint8_t frame[16384];

	memset(&w, 0, sizeof(w));
	if (cnt < 1)
		fail_msg("%s, %zu bytes: %d frames", setup_name(s), len, cnt);
	assert_int_equal(cnt == 1, s->in.l3.len + 8 + len <= mtu);
	for (int i = cnt - 1; i >= 0; i--) {
		ssize_t n = wire_fragment_emit(&s->out, slice_of(payload, len), i, (char *)frame,
					       sizeof(frame));

		if (n < 14 || (size_t)n > 14 + mtu)
			fail_msg("%s, %zu bytes: frame %d has %zd", setup_name(s), len, i, n);
		check_l2(s, frame);
		if (cnt == 1) {
			check_whole(s, frame + 14, n - 14, len);
			return;
		}
		if (i < cnt - 1 && i > 0) /* no fragment that is smaller than it has to be */
			assert_true((size_t)n - 14 + 8 > mtu);
		if (s->spec.is_v6)
			v6_fragment(s, &w, frame + 14, n - 14);
		else
			v4_fragment(s, &w, frame + 14, n - 14);
	}
	check_whole(s, w.bytes, whole_finish(s, &w), len);
	/* every header came through, in its place */
	if (s->spec.is_v6)
		assert_memory_equal(w.bytes + 40, s->in.l3.p + 40, s->in.l3.len - 40);
}

static void check_sizes(struct setup *s)
{
	size_t mtu = s->out.mtu > MTU_MIN(s->spec.is_v6) ? s->out.mtu : MTU_MIN(s->spec.is_v6);

	for (size_t k = 1; k <= 4; k++) /* around where one more fragment is needed */
		for (size_t len = k * (mtu - 48 - s->in.l3.len); len < k * mtu + 8; len++)
			if (k * mtu < 65000)
				check_datagram(s, len);
	for (size_t len = 0; len <= 60000; len += 1 + len / 3)
		check_datagram(s, len);
}

static const uint16_t mtus[] = {0, 577, 1281, 1492, 1500, 3506, 9000};

static void test_sizes_v4(void **state)
{
	struct setup s;

	(void)state;
	for (size_t m = 0; m < ARRAY_SIZE(mtus); m++) {
		setup_make(&s, false, NULL, mtus[m]);
		check_sizes(&s);
	}
	for (size_t i = 0; i < ARRAY_SIZE(packet_v4_exts); i++) {
		setup_make(&s, false, &packet_v4_exts[i], 1500);
		check_sizes(&s);
	}
}

static void test_sizes_v6(void **state)
{
	struct setup s;

	(void)state;
	for (size_t m = 0; m < ARRAY_SIZE(mtus); m++) {
		setup_make(&s, true, NULL, mtus[m]);
		check_sizes(&s);
	}
	for (size_t i = 0; i < ARRAY_SIZE(packet_v6_exts); i++) {
		setup_make(&s, true, &packet_v6_exts[i], 1500);
		check_sizes(&s);
	}
}

/* RFC 791: which options the later fragments have. */
static void test_copied_options(void **state)
{
	static const struct {
		size_t ext, len;
		const char *bytes;
	} cases[] = {
	    {0, 4, "\x94\x04\0\0"},
	    {1, 4, "\x88\x04\0\x05"},
	    {2, 0, ""},
	    {3, 8, "\x83\x07\x08\xc0\0\x02\x01\0"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t frame[2048];
		struct setup s;

		setup_make(&s, false, &packet_v4_exts[cases[i].ext], 1500);
		assert_true(wire_fragment_emit(&s.out, slice_of(payload, 3000), 1, (char *)frame,
					       sizeof(frame)) > 0);
		assert_int_equal((frame[14] & 0xf) * 4, 20 + cases[i].len);
		assert_memory_equal(frame + 34, cases[i].bytes, cases[i].len);
	}
}

/* RFC 8200 s4.5: where the fragment header stands, and what it says comes next. */
static void test_v6_fragment_place(void **state)
{
	static const struct {
		int ext;
		size_t off;
		uint8_t next;
	} cases[] = {{-1, 40, 17}, {0, 48, 17}, {1, 40, 60}, {2, 80, 60}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (int k = 0; k < 3; k++) {
			uint8_t frame[2048];
			struct setup s;

			setup_make(&s, true,
				   cases[i].ext < 0 ? NULL : &packet_v6_exts[cases[i].ext], 1500);
			assert_true(wire_fragment_emit(&s.out, slice_of(payload, 3000), k,
						       (char *)frame, sizeof(frame)) > 0);
			assert_int_equal(frame[14 + cases[i].off], cases[i].next);
			assert_int_equal(frame[14 + cases[i].off + 3] & 1, k < 2);
		}
}

/* The fast way: payload in its place already. */
static void test_finish(void **state)
{
	char frame[2048], same[2048];
	struct setup s;
	size_t len;

	(void)state;
	for (int is_v6 = 0; is_v6 < 2; is_v6++) {
		setup_make(&s, is_v6, NULL, 1500);
		assert_int_equal(wire_payload_off(&s.out), is_v6 ? 62 : 42);
		for (size_t n = 0; n < 1400; n += 7) {
			memset(frame, 0xee, sizeof(frame));
			memcpy(frame + wire_payload_off(&s.out), payload, n);
			len = wire_frame_finish(&s.out, frame, n);
			assert_int_equal(len, wire_payload_off(&s.out) + n);
			check_l2(&s, (uint8_t *)frame);
			check_whole(&s, (uint8_t *)frame + 14, len - 14, n);
			assert_int_equal((uint8_t)frame[len], 0xee);
			assert_int_equal(
			    wire_fragment_emit(&s.out, slice_of(payload, n), 0, same, len), len);
			assert_memory_equal(same, frame, len);
		}
	}
}

/* Everything of the IP header but lengths and sums stays, with and without a hop. */
static void test_header_kept(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * (1 + ARRAY_SIZE(packet_v4_exts)); i++) {
		bool is_dec = i % 2;
		struct setup s;
		char frame[512];

		setup_make(&s, false, i / 2 ? &packet_v4_exts[i / 2 - 1] : NULL, 1500);
		s.out.want_ttl_dec = is_dec;
		wire_frame_finish(&s.out, frame, 0);
		assert_memory_equal(frame + 14, s.in.l3.p, 2);
		assert_memory_equal(frame + 18, s.in.l3.p + 4, 4); /* the ID, DF */
		assert_int_equal(frame[22], is_dec ? 63 : 64);
		assert_memory_equal(frame + 26, s.in.l3.p + 12, s.in.l3.len - 12);
		assert_int_equal(packet_sum(0, frame + 14, s.in.l3.len), 0xffff);
	}
	for (size_t i = 0; i < 2 * (1 + ARRAY_SIZE(packet_v6_exts)); i++) {
		bool is_dec = i % 2;
		struct setup s;
		char frame[512];

		setup_make(&s, true, i / 2 ? &packet_v6_exts[i / 2 - 1] : NULL, 1500);
		s.out.want_ttl_dec = is_dec;
		wire_frame_finish(&s.out, frame, 0);
		assert_memory_equal(frame + 14, s.in.l3.p, 4);
		assert_int_equal(frame[20], s.in.l3.p[6]);
		assert_int_equal(frame[21], is_dec ? 63 : 64);
		assert_memory_equal(frame + 22, s.in.l3.p + 8, s.in.l3.len - 8);
	}
}

static void test_ttl(void **state)
{
	struct setup s;
	char frame[2048];

	(void)state;
	for (int is_v6 = 0; is_v6 < 2; is_v6++) {
		size_t at = is_v6 ? 21 : 22;

		setup_make(&s, is_v6, NULL, 1500);
		s.out.want_ttl_dec = true;
		for (int i = 0; i < 3; i++) {
			assert_true(wire_fragment_emit(&s.out, slice_of(payload, 3000), i, frame,
						       sizeof(frame)) > 0);
			assert_int_equal(frame[at], 63);
		}
		s.frame[at] = 0; /* must not become 255 */
		wire_frame_finish(&s.out, frame, 0);
		assert_int_equal(frame[at], 0);
	}
}

/* A sum of 0 is sent as ffff: over IPv4, too, where 0 would say that there is none. */
static void test_zero_checksum(void **state)
{
	struct setup s;
	char frame[512];

	(void)state;
	for (int is_v6 = 0; is_v6 < 2; is_v6++) {
		size_t off, hits = 0;

		setup_make(&s, is_v6, NULL, 1500);
		off = wire_payload_off(&s.out);
		for (unsigned v = 0; v < 65536; v++) {
			frame[off] = (char)(v >> 8);
			frame[off + 1] = (char)v;
			wire_frame_finish(&s.out, frame, 2);
			assert_false(frame[off - 2] == 0 && frame[off - 1] == 0);
			hits += frame[off - 2] == '\xff' && frame[off - 1] == '\xff';
		}
		assert_int_equal(hits, 1 + 0); /* one value of the two bytes sums to 0 */
	}
}

static void test_reply(void **state)
{
	(void)state;
	for (int is_v6 = 0; is_v6 < 2; is_v6++) {
		const struct packet_ext *ext = is_v6 ? &packet_v6_exts[2] : &packet_v4_exts[0];
		struct wire_frame f;
		struct setup s;
		char frame[512];
		size_t len;

		setup_make(&s, is_v6, ext, 1500);
		s.out.is_reply = true;
		s.out.want_ttl_dec = true; /* does not count: the answer starts here */
		assert_int_equal(wire_payload_off(&s.out), is_v6 ? 62 : 42);
		memcpy(frame + wire_payload_off(&s.out), "SIP/2.0", 7);
		len = wire_frame_finish(&s.out, frame, 7);
		assert_int_equal(len, wire_payload_off(&s.out) + 7);
		check_l2(&s, (uint8_t *)frame);
		assert_int_equal(wire_frame_parse(slice_of(frame, len), &f), 0);
		assert_int_equal(f.l3.len, is_v6 ? 40 : 20);
		assert_int_equal(f.src_port, 5080);
		assert_int_equal(f.dst_port, 5060);
		assert_memory_equal(f.src, s.in.dst, 16);
		assert_memory_equal(f.dst, s.in.src, 16);
		assert_int_equal(wire_frame_ttl(&f), 64);
		assert_true(slice_eq(f.payload, SLICE("SIP/2.0")));
		assert_int_equal(packet_udp_sum(is_v6, is_v6 ? packet_v6_dst : packet_v4_dst,
						is_v6 ? packet_v6_src : packet_v4_src,
						frame + len - 15, 15),
				 0xffff);
		if (is_v6) {
			assert_memory_equal(frame + 14, "\x6b\x80\0\0\0\x0f\x11\x40", 8);
		} else {
			assert_memory_equal(frame + 14, "\x45\xb8\0\x23\0\0\x40\0\x40\x11", 10);
			assert_int_equal(packet_sum(0, frame + 14, 20), 0xffff);
		}
	}
}

static void test_reply_fragments(void **state)
{
	(void)state;
	for (int is_v6 = 0; is_v6 < 2; is_v6++) {
		struct setup s;
		char frame[2048];

		setup_make(&s, is_v6, is_v6 ? &packet_v6_exts[2] : &packet_v4_exts[0], 1500);
		s.out.is_reply = true;
		assert_int_equal(wire_frame_cnt(&s.out, 1500 - (is_v6 ? 48 : 28)), 1);
		assert_int_equal(wire_frame_cnt(&s.out, 1501 - (is_v6 ? 48 : 28)), 2);
		assert_true(wire_fragment_emit(&s.out, slice_of(payload, 1600), 1, frame,
					       sizeof(frame)) > 0);
		if (is_v6) {
			assert_int_equal(frame[14 + 6], 44);
			assert_memory_equal(frame + 14 + 8, packet_v6_dst, 16);
		} else {
			assert_memory_equal(frame + 14 + 4, "\x43\x21", 2);
			assert_int_equal(frame[14 + 6] & 0x60, 0); /* the last one, without DF */
			assert_memory_equal(frame + 14 + 12, packet_v4_dst, 4);
		}
	}
}

static void test_limits(void **state)
{
	struct setup s;
	char frame[2048];
	ssize_t n;

	(void)state;
	for (int is_v6 = 0; is_v6 < 2; is_v6++) {
		size_t max = 65535 - (is_v6 ? 48 : 28);

		setup_make(&s, is_v6, NULL, 1500);
		check_datagram(&s, max);
		assert_int_equal(wire_frame_cnt(&s.out, max + 1), -E2BIG);
		assert_int_equal(wire_frame_cnt(&s.out, SIZE_MAX), -E2BIG);
		assert_int_equal(
		    wire_fragment_emit(&s.out, slice_of(payload, max + 1), 0, frame, sizeof(frame)),
		    -E2BIG);
		for (int i = 0; i < 3; i++) {
			n = wire_fragment_emit(&s.out, slice_of(payload, 3000), i, frame,
					       sizeof(frame));
			assert_true(n > 0);
			assert_int_equal(
			    wire_fragment_emit(&s.out, slice_of(payload, 3000), i, frame, n), n);
			assert_int_equal(
			    wire_fragment_emit(&s.out, slice_of(payload, 3000), i, frame, n - 1),
			    -ENOSPC);
		}
		assert_int_equal(
		    wire_fragment_emit(&s.out, slice_of(payload, 3000), 3, frame, 2048), -EINVAL);
		assert_int_equal(
		    wire_fragment_emit(&s.out, slice_of(payload, 3000), -1, frame, 2048), -EINVAL);
		assert_int_equal(wire_fragment_emit(&s.out, slice_of(payload, 10), 1, frame, 2048),
				 -EINVAL);
		assert_int_equal(wire_fragment_emit(&s.out, slice_of(payload, 10), 0, frame, 50),
				 -ENOSPC);
	}
}

/* Two routing headers: whole yes, in pieces no. */
static void test_cannot_fragment(void **state)
{
	static const struct packet_ext twice = {
	    "routing twice", {43, 43, 0xff}, {0, 0, 4, 0, [8] = 0, 0, 4, 0}, 16};
	struct setup s;
	char frame[2048];

	(void)state;
	setup_make(&s, true, &twice, 1500);
	check_datagram(&s, 1000);
	assert_int_equal(wire_frame_cnt(&s.out, 3000), -EMSGSIZE);
	assert_int_equal(wire_fragment_emit(&s.out, slice_of(payload, 3000), 0, frame, 2048),
			 -EMSGSIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sizes_v4),
	    cmocka_unit_test(test_sizes_v6),
	    cmocka_unit_test(test_copied_options),
	    cmocka_unit_test(test_v6_fragment_place),
	    cmocka_unit_test(test_finish),
	    cmocka_unit_test(test_header_kept),
	    cmocka_unit_test(test_ttl),
	    cmocka_unit_test(test_zero_checksum),
	    cmocka_unit_test(test_reply),
	    cmocka_unit_test(test_reply_fragments),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_cannot_fragment),
	};

	srandom(2);
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (char)random();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
