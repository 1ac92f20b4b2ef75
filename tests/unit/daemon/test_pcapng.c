/* SPDX-License-Identifier: BSD-2-Clause */
/* pcapng and udp_header: blocks as they must be, and what tshark and capinfos read in them. */
#include "tshark.h"

#include <arpa/inet.h>
#include <errno.h>

#include "daemon/pcapng.h"
#include "daemon/udp_header.h"

#define START 1700000000000000000ull

struct file {
	char bytes[1 << 18];
	size_t len;
};

static void add(struct file *f, ssize_t n)
{
	assert_true(n > 0 && n % 4 == 0);
	f->len += (size_t)n;
}

#define ADD(f, call, ...) add(f, call(__VA_ARGS__, (f)->bytes + (f)->len, sizeof((f)->bytes) - (f)->len))

static uint32_t word(const char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static ssize_t any_block(unsigned i, char *dst, size_t cap)
{
	struct pcapng_packet p = { .time_ns = START, .id = 5, .head = SLICE("head"), .data = SLICE("data."),
				   .comment = SLICE("a comment") };
	struct pcapng_stats s = { .time_ns = START, .received = 3, .lost = 1 };

	switch (i) {
	case 0:
		return pcapng_section(SLICE("test"), dst, cap);
	case 1:
		return pcapng_interface(PCAPNG_LINK_RAW, SLICE("eth0"), SLICE("core"), dst, cap);
	case 2:
		return pcapng_packet(&p, dst, cap);
	default:
		return pcapng_stats(&s, dst, cap);
	}
}

/* Into exactly as much room as it takes, and into any that is less; lengths stand at both ends. */
static void test_room(void **state)
{
	static const uint32_t types[] = { 0x0a0d0d0a, 1, 6, 5 };
	char whole[512];

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(types); i++) {
		ssize_t n = any_block(i, whole, sizeof(whole));

		assert_in_range(n, 16, sizeof(whole));
		assert_int_equal(n % 4, 0);
		assert_int_equal(word(whole), types[i]);
		assert_int_equal(word(whole + 4), n);
		assert_int_equal(word(whole + n - 4), n);
		for (size_t cap = 0; cap <= (size_t)n; cap++) {
			struct guard g = guard_new(whole, cap);

			memset(g.p, 0, cap);
			if (any_block(i, g.p, cap) != (cap == (size_t)n ? n : -ENOSPC))
				fail_msg("block %u in %zu of %zd bytes", i, cap, n);
			if (cap == (size_t)n)
				assert_memory_equal(g.p, whole, cap);
			guard_free(&g);
		}
	}
}

/* Every length, so every padding; the largest and one more. */
static void test_lengths(void **state)
{
	static char data[262145], dst[262145 + 128];

	(void)state;
	for (size_t head = 0; head < 9; head++)
		for (size_t len = 0; len < 70; len++) {
			struct guard g = guard_new(data, len);
			struct pcapng_packet p = { .head = { data, head }, .data = { g.p, len } };
			ssize_t n = pcapng_packet(&p, dst, sizeof(dst));

			assert_int_equal(n, 32 + (head + len + 3) / 4 * 4 + 8 + 12 + 4);
			assert_int_equal(word(dst + 20), head + len);
			assert_int_equal(word(dst + 24), head + len);
			guard_free(&g);
		}
	for (size_t head = 0; head < 2; head++) {
		struct pcapng_packet p = { .head = { data, head }, .data = { data, 262144 - head } };

		assert_true(pcapng_packet(&p, dst, sizeof(dst)) > 0);
		p.data.len++;
		assert_int_equal(pcapng_packet(&p, dst, sizeof(dst)), -ENOSPC);
		p.data.len = SIZE_MAX;
		assert_int_equal(pcapng_packet(&p, dst, sizeof(dst)), -ENOSPC);
		p = (struct pcapng_packet){ .head = { data, sizeof(data) } };
		assert_int_equal(pcapng_packet(&p, dst, sizeof(dst)), -ENOSPC);
	}
}

/* Times stand upper half first; tshark does not show those of statistics. */
static void test_times(void **state)
{
	struct pcapng_stats s = { .time_ns = 0x0102030405060708, .start_ns = 0x1112131415161718 };
	char dst[128];

	(void)state;
	assert_true(pcapng_stats(&s, dst, sizeof(dst)) > 0);
	assert_int_equal(word(dst + 12), 0x01020304);
	assert_int_equal(word(dst + 16), 0x05060708);
	assert_int_equal(word(dst + 24), 0x11121314);
	assert_int_equal(word(dst + 28), 0x15161718);
	assert_int_equal(word(dst + 36), 0x01020304);
	assert_int_equal(word(dst + 40), 0x05060708);
}

static const struct { const char *name; struct slice in; const char *out; } texts[] = {
	{ "plain", { "trunk=acme", 10 }, "trunk=acme" },
	{ "backslash", { "a\\b", 3 }, "a\\\\b" },
	{ "ends of what is shown", { "\x1f ~\x7f", 4 }, "\\x1f ~\\x7f" },
	{ "lines and a terminal's commands", { "a\r\n\x1b[2J", 7 }, "a\\x0d\\x0a\\x1b[2J" },
	{ "NUL", { "a\0b", 3 }, "a\\x00b" },
	{ "not UTF-8", { "\xff\xc3", 2 }, "\\xff\\xc3" },
};

static void test_texts(void **state)
{
	char dst[2048], many[PCAPNG_TEXT_MAX + 10];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		ssize_t n = pcapng_section(texts[i].in, dst, sizeof(dst));
		uint16_t len;

		memcpy(&len, dst + 26, sizeof(len));
		if (n < 0 || len != strlen(texts[i].out) || memcmp(dst + 28, texts[i].out, len))
			fail_msg("%s: %.*s", texts[i].name, len, dst + 28);
	}
	/* no option where there is no text; a long one is cut between bytes, not within one */
	assert_int_equal(pcapng_section(SLICE_NONE, dst, sizeof(dst)), 24 + 4 + 4);
	assert_int_equal(pcapng_section(SLICE(""), dst, sizeof(dst)), 24 + 4 + 4);
	memset(many, 'x', sizeof(many));
	assert_int_equal(pcapng_section(slice_of(many, sizeof(many)), dst, sizeof(dst)), 32 + 4 + PCAPNG_TEXT_MAX);
	many[PCAPNG_TEXT_MAX - 3] = '\n';
	assert_int_equal(pcapng_section(slice_of(many, sizeof(many)), dst, sizeof(dst)), 32 + 4 + PCAPNG_TEXT_MAX);
	assert_int_equal(dst[28 + PCAPNG_TEXT_MAX - 4], 'x');
	assert_int_equal(dst[28 + PCAPNG_TEXT_MAX - 3], 0); /* padding */
}

/* ---- headers ---- */

static struct udp_flow flow(bool is_v6, const char *src, const char *dst)
{
	struct udp_flow f = { .is_v6 = is_v6, .src_port = 5060, .dst_port = 5070 };

	if (is_v6) {
		inet_pton(AF_INET6, src, f.src);
		inet_pton(AF_INET6, dst, f.dst);
	} else {
		memset(f.src + 10, 0xff, 2);
		memset(f.dst + 10, 0xff, 2);
		inet_pton(AF_INET, src, f.src + 12);
		inet_pton(AF_INET, dst, f.dst + 12);
	}
	return f;
}

static const struct { const char *name; bool is_v6; size_t len; ssize_t ret; } limits[] = {
	{ "IPv4, nothing", false, 0, 28 },
	{ "IPv4, the most", false, 65507, 28 },
	{ "IPv4, one more", false, 65508, -E2BIG },
	{ "IPv4, far more", false, SIZE_MAX, -E2BIG },
	{ "IPv6, the most", true, 65527, 48 },
	{ "IPv6, one more", true, 65528, -E2BIG },
	{ "IPv6, far more", true, SIZE_MAX - 7, -E2BIG },
};

static void test_limits(void **state)
{
	static char data[65536];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct udp_flow f = flow(limits[i].is_v6, limits[i].is_v6 ? "::1" : "10.0.0.1", limits[i].is_v6 ? "::2" : "10.0.0.2");
		uint8_t dst[UDP_HEADER_MAX];

		memset(dst, 0xee, sizeof(dst));
		if (udp_header_put(&f, slice_of(data, limits[i].len), dst) != limits[i].ret)
			fail_msg("%s", limits[i].name);
		if (limits[i].ret < 0 && dst[0] != 0xee)
			fail_msg("%s: output touched", limits[i].name);
	}
}

/* All words of pseudo header and datagram add up to nothing (RFC 768), whatever is carried over. */
static void test_sums(void **state)
{
	static char data[3000];

	(void)state;
	for (unsigned i = 0; i < 2 * sizeof(data); i++) {
		bool is_v6 = i & 1;
		struct udp_flow f = flow(is_v6, is_v6 ? "2001:db8::1" : "192.0.2.1", is_v6 ? "ff::ffff" : "10.0.255.1");
		size_t len = i / 2, off = is_v6 ? 8 : 12;
		uint8_t packet[UDP_HEADER_MAX + sizeof(data) + 1] = { 0 };
		uint64_t sum = 17 + 8 + len;
		ssize_t n;

		memset(data, i % 3 ? 0xff : 0xa5, len);
		n = udp_header_put(&f, slice_of(data, len), packet);
		assert_int_equal(n, is_v6 ? 48 : 28);
		memcpy(packet + n, data, len);
		for (size_t k = off; k < n + len; k += 2)
			sum += packet[k] * 256u + packet[k + 1];
		if (sum % 65535)
			fail_msg("%zu bytes, IPv%d: %lu", len, is_v6 ? 6 : 4, (unsigned long)(sum % 65535));
	}
}

/* A sum of 0 is sent as ffff: 0 would say that there is none. */
static void test_zero_sum(void **state)
{
	struct udp_flow f = flow(false, "0.0.0.0", "0.0.0.0");
	uint8_t dst[UDP_HEADER_MAX];
	/* 17 + 10 + 10 (lengths) + ports + this = ffff */
	uint16_t rest = htons((uint16_t)(0xffff - 17 - 10 - 10 - 5060 - 5070));

	(void)state;
	assert_int_equal(udp_header_put(&f, slice_of((char *)&rest, 2), dst), 28);
	assert_int_equal(dst[26] << 8 | dst[27], 0xffff);
}

/* ---- what others read ---- */

static void packet_add(struct file *f, uint32_t interface, bool is_v6, const char *payload, size_t len, uint64_t i)
{
	struct udp_flow u = flow(is_v6, is_v6 ? "2001:db8::1" : "192.0.2.1", is_v6 ? "2001:db8::ffff" : "198.51.100.255");
	uint8_t headers[UDP_HEADER_MAX];
	ssize_t n = udp_header_put(&u, slice_of(payload, len), headers);
	struct pcapng_packet p = { .interface = interface, .direction = i & 1 ? PCAPNG_OUT : PCAPNG_IN,
				   .time_ns = START + i * 1000000001u, .id = 0x0700000000000000ull + i,
				   .head = { (char *)headers, (size_t)n }, .data = { payload, len },
				   .comment = SLICE("reason=signed \\ \x1b") };

	assert_true(n > 0);
	ADD(f, pcapng_packet, &p);
}

#define INVITE "INVITE sip:1@x SIP/2.0\r\nCall-ID: one@x\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"

static void file_make(struct file *f)
{
	static char large[60000];
	struct pcapng_stats s = { .interface = 1, .time_ns = START + 5000000000u, .start_ns = START, .received = 5, .lost = 2 };

	memset(large, 'x', sizeof(large));
	f->len = 0;
	ADD(f, pcapng_section, SLICE("sipseal test"));
	ADD(f, pcapng_interface, PCAPNG_LINK_RAW, SLICE("core0"), SLICE("core side"));
	ADD(f, pcapng_interface, PCAPNG_LINK_RAW, SLICE("carrier0"), SLICE(""));
	packet_add(f, 0, false, INVITE, strlen(INVITE), 0);
	packet_add(f, 1, true, INVITE, strlen(INVITE), 1);
	packet_add(f, 1, false, large, sizeof(large) - 1, 2); /* odd */
	packet_add(f, 1, true, large, sizeof(large), 3);
	ADD(f, pcapng_stats, &s);
}

static void test_tshark(void **state)
{
	static struct file f;
	char *out;

	(void)state;
	tshark_wanted("tshark");
	file_make(&f);
	out = tshark_read("tshark -n -r %s -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE -T fields"
			  " -e frame.interface_name -e frame.interface_description -e frame.time_epoch"
			  " -e frame.packet_flags_direction -e frame.packet_id -e frame.comment"
			  " -e ip.checksum.status -e udp.checksum.status -e frame.len"
			  " -e ip.src -e ip.dst -e ipv6.src -e ipv6.dst -e udp.srcport -e udp.dstport"
			  " -e sip.Method -e sip.Call-ID 2>/dev/null", f.bytes, f.len);
	assert_string_equal(out,
		"core0\tcore side\t1700000000.000000000\t0x00000001\t504403158265495552\treason=signed \\\\ \\x1b\t1\t1\t105"
		"\t192.0.2.1\t198.51.100.255\t\t\t5060\t5070\tINVITE\tone@x\n"
		"carrier0\t\t1700000001.000000001\t0x00000002\t504403158265495553\treason=signed \\\\ \\x1b\t\t1\t125"
		"\t\t\t2001:db8::1\t2001:db8::ffff\t5060\t5070\tINVITE\tone@x\n"
		"carrier0\t\t1700000002.000000002\t0x00000001\t504403158265495554\treason=signed \\\\ \\x1b\t1\t1\t60027"
		"\t192.0.2.1\t198.51.100.255\t\t\t5060\t5070\t\t\n"
		"carrier0\t\t1700000003.000000003\t0x00000002\t504403158265495555\treason=signed \\\\ \\x1b\t\t1\t60048"
		"\t\t\t2001:db8::1\t2001:db8::ffff\t5060\t5070\t\t\n");
	free(out);
}

static void wants(const char *out, const char *text)
{
	if (!strstr(out, text))
		fail_msg("no `%s` in:\n%s", text, out);
}

/* The blocks themselves, as Wireshark takes a file apart. */
static void test_blocks(void **state)
{
	static struct file f;
	char *out;

	(void)state;
	tshark_wanted("tshark");
	file_make(&f);
	out = tshark_read("tshark -n -X 'read_format:MIME Files Format' -r %s -V 2>/dev/null", f.bytes, f.len);
	wants(out, "sipseal test");
	wants(out, "Snap Length: 262144");
	wants(out, "Timestamp Resolution");
	wants(out, "Number of Received Packets = 5");
	wants(out, "Number of Dropped Packets = 2");
	assert_null(strstr(out, "alformed"));
	assert_null(strstr(out, "Expert Info"));
	free(out);
}

static void test_capinfos(void **state)
{
	static struct file f;
	char *out;

	(void)state;
	tshark_wanted("capinfos");
	file_make(&f);
	out = tshark_read("capinfos -M %s 2>&1", f.bytes, f.len);
	wants(out, "pcapng");
	wants(out, "Number of packets:   4\n");
	wants(out, "Number of interfaces in file: 2\n");
	wants(out, "Name = core0");
	wants(out, "Description = core side");
	wants(out, "Name = carrier0");
	wants(out, "Encapsulation = Raw IP");
	wants(out, "Time precision = nanoseconds (9)");
	wants(out, "Number of stat entries = 1");
	wants(out, "Capture application: sipseal test");
	free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_zero_sum),
		cmocka_unit_test(test_tshark),
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_capinfos),
	};

	return cmocka_run_group_tests_name("pcapng", tests, NULL, NULL);
}
