/* SPDX-License-Identifier: BSD-2-Clause */
/* capture_file: from a worker's ring to what Wireshark shows. */
#include "tshark.h"

#include <errno.h>

#include "daemon/capture_file.h"
#include "trunk/model.h"

#define START 1700000000000000000ull
#define INVITE "INVITE sip:1@x SIP/2.0\r\nCall-ID: one@x\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"

static const struct capture_nic nics[SIPSEAL_PORTS_MAX] = { { "core0", "core" }, { "carrier0", "carrier" } };

/* A worker's ring, and what a reader of its stream gets. */
struct world {
	struct capture_region *r;
	struct capture_writer c;
	struct capture_copy copy;
	struct capture_file f;
	uint64_t tail;
	size_t len;
	char bytes[4 * CAPTURE_FILE_ROOM];
};

static struct world *world_new(void)
{
	struct world *x = calloc(1, sizeof(*x));
	ssize_t n;

	assert_non_null(x);
	x->r = mmap(NULL, capture_size(1), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(x->r != MAP_FAILED);
	capture_region_init(x->r, 1);
	atomic_store(&x->r->want, CAPTURE_ALL);
	capture_writer_init(&x->c, x->r, 0);
	capture_file_init(&x->f, nics, START);
	n = capture_file_begin(x->bytes, sizeof(x->bytes));
	assert_true(n > 0);
	x->len = (size_t)n;
	return x;
}

static void world_free(struct world *x)
{
	munmap(x->r, capture_size(1));
	free(x);
}

/* Ethernet, IPv4 and UDP around @sip, as a NIC would bring it; sums are 0. */
static size_t frame_make(char *dst, const char *sip, size_t len)
{
	static const uint8_t head[42] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, [22] = 64, 17,
					  [26] = 10, 0, 0, 1, 203, 0, 113, 10, 0x13, 0xc4, 0x13, 0xc4 };

	memcpy(dst, head, sizeof(head));
	dst[16] = (char)((len + 28) >> 8);
	dst[17] = (char)(len + 28);
	dst[38] = (char)((len + 8) >> 8);
	dst[39] = (char)(len + 8);
	memcpy(dst + sizeof(head), sip, len);
	return sizeof(head) + len;
}

static struct capture_packet packet(enum capture_stage stage, enum capture_form form, uint8_t nic, uint64_t ms)
{
	struct capture_packet p = { .stage = stage, .form = form, .nic = nic, .time_ns = START + ms * 1000000,
				    .src = { [10] = 0xff, 0xff, 192, 0, 2, 1 }, .dst = { [10] = 0xff, 0xff, 192, 0, 2, 2 },
				    .src_port = 5060, .dst_port = 5061 };

	return p;
}

static struct capture_call outcome(enum event_verdict verdict, uint8_t reason)
{
	return (struct capture_call){ .verdict = verdict, .reason = reason, .decided_verdict = verdict, .decided_reason = reason };
}

static void begin(struct world *x)
{
	static uint64_t now_ns = 1;

	assert_true(capture_begin(&x->c, 5, 0, now_ns += 1000000000));
}

static void end(struct world *x, struct capture_call call, const char *trunk)
{
	ssize_t n;

	capture_end(&x->c, &call);
	assert_int_equal(capture_take(capture_worker(x->r, 0), &x->tail, &x->copy), 1);
	n = capture_file_add(&x->f, &x->copy, 3, slice_str(trunk), x->bytes + x->len, sizeof(x->bytes) - x->len);
	assert_true(n > 0 && n <= CAPTURE_FILE_ROOM);
	x->len += (size_t)n;
}

/* All forms, all stages: signed, refused, observed, sent by a raw socket from what is only a payload. */
static void calls_make(struct world *x)
{
	struct capture_call call = outcome(EVENT_VERIFY, SR_OBSERVE);
	struct capture_packet p, v6 = packet(CAPTURE_BEFORE, CAPTURE_UDP, 2, 50);
	char frame[1000];
	size_t len = frame_make(frame, INVITE, strlen(INVITE));

	begin(x);
	p = packet(CAPTURE_BEFORE, CAPTURE_L2, 0, 10);
	capture_add(&x->c, &p, slice_of(frame, len));
	p = packet(CAPTURE_AFTER, CAPTURE_L2, 1, 11);
	capture_add(&x->c, &p, slice_of(frame, len));
	end(x, outcome(EVENT_SIGN, SR_SIGNED), "acme");

	begin(x);
	p = packet(CAPTURE_BEFORE, CAPTURE_UDP, 0, 20);
	capture_add(&x->c, &p, SLICE(INVITE));
	p = packet(CAPTURE_ANSWER, CAPTURE_L3, CAPTURE_NIC_NONE, 21);
	capture_add(&x->c, &p, slice_of(frame + 14, len - 14));
	end(x, outcome(EVENT_REJECT, SR_NUMBER_REFUSED), "acme");

	begin(x);
	v6.flags = CAPTURE_V6;
	memcpy(v6.src, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	memcpy(v6.dst, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2", 16);
	capture_add(&x->c, &v6, SLICE(INVITE));
	call.is_inbound = 1;
	call.decided_reason = SR_SIGNATURE_BAD;
	end(x, call, "b\n");
}

static void test_tshark(void **state)
{
	struct world *x = world_new();
	uint64_t lost[CAPTURE_NICS] = { [0] = 7, [CAPTURE_NIC_NONE] = 1 };
	char *out;
	ssize_t n;

	(void)state;
	tshark_wanted("tshark");
	calls_make(x);
	n = capture_file_stats(&x->f, lost, START + 1000000000, x->bytes + x->len, sizeof(x->bytes) - x->len);
	assert_true(n > 0);
	out = tshark_read("tshark -n -r %s -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE -T fields"
			  " -e frame.interface_id -e frame.interface_name -e frame.interface_description"
			  " -e frame.time_relative -e frame.packet_flags_direction -e frame.packet_id -e frame.comment"
			  " -e frame.protocols -e ip.src -e ipv6.dst -e sip.Call-ID 2>/dev/null", x->bytes, x->len + (size_t)n);
	assert_string_equal(out,
		"0\tcore0\tcore\t0.000000000\t0x00000001\t216172782113783808"
		"\ttrunk=acme direction=outbound stage=before verdict=sign reason=signed invite=3.0"
		"\teth:ethertype:ip:udp:sip\t10.0.0.1\t\tone@x\n"
		"1\tcarrier0\tcarrier\t0.001000000\t0x00000002\t216172782113783808"
		"\ttrunk=acme direction=outbound stage=after verdict=sign reason=signed invite=3.0"
		"\teth:ethertype:ip:udp:sip\t10.0.0.1\t\tone@x\n"
		"2\tcore0\tcore\t0.010000000\t0x00000001\t216172782113783809"
		"\ttrunk=acme direction=outbound stage=before verdict=reject reason=number_refused invite=3.1"
		"\traw:ip:udp:sip\t192.0.2.1\t\tone@x\n"
		"3\tout\traw socket\t0.011000000\t0x00000002\t216172782113783809"
		"\ttrunk=acme direction=outbound stage=answer verdict=reject reason=number_refused invite=3.1"
		"\traw:ip:udp:sip\t10.0.0.1\t\tone@x\n"
		"4\tunknown\t\t0.040000000\t0x00000001\t216172782113783810"
		"\ttrunk=b\\x0a direction=inbound stage=before verdict=verify reason=observe invite=3.2 decided=verify/signature_bad"
		"\traw:ipv6:udp:sip\t\t2001:db8::2\tone@x\n");
	free(out);
	out = tshark_read("tshark -n -X 'read_format:MIME Files Format' -r %s -V 2>/dev/null |"
			  " grep -oE '(Interface: [0-9]+|Number of (Received|Dropped) Packets = [0-9]+)' | tail -n 18 | paste -sd,",
			  x->bytes, x->len + (size_t)n);
	assert_string_equal(out,
		"Interface: 0,Number of Received Packets = 8,Number of Dropped Packets = 7,"
		"Interface: 2,Number of Received Packets = 1,Number of Dropped Packets = 0,"
		"Interface: 1,Number of Received Packets = 1,Number of Dropped Packets = 0,"
		"Interface: 4,Number of Received Packets = 1,Number of Dropped Packets = 0,"
		"Interface: 5,Number of Received Packets = 1,Number of Dropped Packets = 1,"
		"Interface: 3,Number of Received Packets = 1,Number of Dropped Packets = 0\n");
	free(out);
	world_free(x);
}

/* What does not fit has not happened: no interface is taken for told, no packet for counted. */
static void test_room(void **state)
{
	struct world *x = world_new();
	uint64_t lost[CAPTURE_NICS] = { 1 };
	struct capture_file was;
	char frame[200];
	size_t len = frame_make(frame, INVITE, strlen(INVITE));
	struct capture_packet p = packet(CAPTURE_BEFORE, CAPTURE_L2, 0, 10);
	struct capture_call call = outcome(EVENT_SIGN, SR_SIGNED);
	ssize_t n, stats, again;

	(void)state;
	begin(x);
	capture_add(&x->c, &p, slice_of(frame, len));
	p = packet(CAPTURE_AFTER, CAPTURE_UDP, 1, 11);
	capture_add(&x->c, &p, SLICE(INVITE));
	capture_end(&x->c, &call);
	assert_int_equal(capture_take(capture_worker(x->r, 0), &x->tail, &x->copy), 1);
	was = x->f;
	n = capture_file_add(&was, &x->copy, 0, SLICE("acme"), x->bytes, sizeof(x->bytes));
	was = x->f;
	stats = capture_file_stats(&was, lost, START, x->bytes, sizeof(x->bytes));
	assert_in_range(stats, 100, n - 1);
	for (size_t cap = 0; cap < (size_t)n; cap++) {
		struct guard g = guard_new(x->bytes, cap);

		was = x->f;
		assert_int_equal(capture_file_add(&x->f, &x->copy, 0, SLICE("acme"), g.p, cap), -ENOSPC);
		assert_memory_equal(&was, &x->f, sizeof(was));
		if (cap < (size_t)stats)
			assert_int_equal(capture_file_stats(&x->f, lost, START, g.p, cap), -ENOSPC);
		assert_memory_equal(&was, &x->f, sizeof(was));
		guard_free(&g);
	}
	again = capture_file_add(&x->f, &x->copy, 0, SLICE("acme"), x->bytes, sizeof(x->bytes));
	assert_int_equal(again, n);
	again = capture_file_add(&x->f, &x->copy, 0, SLICE("acme"), x->bytes, sizeof(x->bytes));
	assert_true(again < n); /* interfaces are told once */
	world_free(x);
}

/* Nothing to tell: nothing is told.  A NIC that only lost has its interface, too. */
static void test_stats(void **state)
{
	struct world *x = world_new();
	uint64_t lost[CAPTURE_NICS] = { 0 };

	(void)state;
	assert_int_equal(capture_file_stats(&x->f, lost, START, x->bytes, sizeof(x->bytes)), 0);
	lost[1] = 3;
	assert_true(capture_file_stats(&x->f, lost, START, x->bytes, sizeof(x->bytes)) > 0);
	assert_int_equal(x->f.interface_cnt, 1);
	assert_int_equal(x->f.interface[1][CAPTURE_LINK_FRAME], 1);
	world_free(x);
}

/* The most that one call may take: as many packets as may be, the longest words, a name that has to be escaped. */
static void test_largest(void **state)
{
	struct world *x = world_new();
	struct capture_call call = outcome(EVENT_VERIFY, SR_OBSERVE);
	struct capture_packet p = packet(CAPTURE_BEFORE, CAPTURE_UDP, 0, 10);
	size_t each = (CAPTURE_CALL_MAX - sizeof(call)) / CAPTURE_PACKETS_MAX - sizeof(p);
	char name[TRUNK_NAME_MAX + 2], data[1000] = { 0 };
	char *out;

	(void)state;
	memset(name, '\n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	call.is_inbound = 1;
	call.decided_reason = SR_CERTIFICATE_UNREACHABLE;
	x->c.number = UINT64_MAX;
	begin(x);
	for (unsigned i = 0; i < CAPTURE_PACKETS_MAX; i++)
		capture_add(&x->c, &p, slice_of(data, each / 8 * 8));
	end(x, call, name);
	assert_true(x->len > CAPTURE_FILE_ROOM / 2);
	tshark_wanted("tshark");
	out = tshark_read("tshark -n -r %s -T fields -e frame.comment 2>/dev/null | uniq -c | sed 's/^ *//'", x->bytes, x->len);
	assert_true(strstr(out, "256 trunk=\\x0a") == out);
	assert_non_null(strstr(out, "\\x0a direction=inbound stage=before verdict=verify reason=observe"
				    " invite=3.18446744073709551615 decided=verify/certificate_unreachable\n"));
	free(out);
	world_free(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tshark),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_stats),
		cmocka_unit_test(test_largest),
	};

	return cmocka_run_group_tests_name("capture_file", tests, NULL, NULL);
}
