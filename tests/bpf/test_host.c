// SPDX-License-Identifier: BSD-2-Clause
/*
 * The tc program of mode host: what it leads to XDP, and what leaves as it is.  Peers: gateway_setup.h.
 */
#include "gateway_setup.h"

#include <linux/pkt_cls.h>

#include "daemon/host_internal.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#include "host.skel.h"
#pragma GCC diagnostic pop

#define PEER "203.0.113.10"
#define PEER6 "2001:db8:2::10"
#define NOBODY "203.0.113.77"
#define NOBODY6 "2001:db8:2::77"
#define TCP_FLAGS 13
#define MF 0x2000

static struct host host;

struct host_case {
	const char *name;
	struct spec s;
	bool is_led;
	uint32_t mark, gso_size;
	uint8_t tcp_flags;
};

#define V4(to) .src = "10.0.1.5", .dst = to
#define V6(to) .src = "2001:db8:1::5", .dst = to
#define RTP "\x80\x00\x12\x34\x00\x00\x00\x00\x00\x00\x5e\xa1"
#define IS_RTP .text = RTP, .text_len = 12
#define LED .is_led = true

static const struct host_case cases[] = {
	{ "INVITE", { V4(PEER) }, LED },
	{ "INVITE, IPv6", { V6(PEER6) }, LED },
	{ "INVITE to nobody's peer: may be unmatched", { V4(NOBODY) }, LED },
	{ "INVITE to nobody's peer, IPv6", { V6(NOBODY6) }, LED },
	{ "INVITE, lower case", { V4(PEER), .text = "invite sip:a SIP/2.0\r\n" }, LED },
	{ "INVITE behind CRLF", { V4(PEER), .text = "\r\n\r\nINVITE sip:a SIP/2.0\r\n" }, LED },
	{ "INVITE, IPv4 options", { V4(PEER), .options = 8 }, LED },
	{ "INVITE, VLAN", { V4(PEER), .tags = 1 }, LED },
	{ "INVITE, QinQ, IPv6", { V6(PEER6), .tags = 2 }, LED },
	{ "INVITE with our mark", { V4(PEER) }, .mark = SIPSEAL_MARK_RAW },
	{ "INVITE with another mark", { V4(PEER) }, LED, .mark = SIPSEAL_MARK_RAW + 1 },
	{ "OPTIONS to a peer: may be withheld", { V4(PEER), .text = OPTIONS }, LED },
	{ "OPTIONS to others", { V4(NOBODY), .text = OPTIONS } },
	{ "ACK", { V4(PEER), .text = "ACK sip:a SIP/2.0\r\n" } },
	{ "INVIT", { V4(PEER), .text = "INVIT sip:a SIP/2.0\r\n" } },
	{ "200 OK", { V4(PEER), .text = "SIP/2.0 200 OK\r\n" } },
	{ "RTP", { V4(PEER), IS_RTP } },
	{ "RTP, IPv6", { V6(PEER6), IS_RTP } },
	{ "UDP of one byte", { V4(PEER), .text = "I" } },
	{ "UDP without payload", { V4(PEER), .text = "" } },
	{ "GSO to a SIP port", { V4(NOBODY), IS_RTP }, LED, .gso_size = 12 },
	{ "GSO to a peer", { V4(PEER), IS_RTP, .dport = 9 }, LED, .gso_size = 12 },
	{ "GSO to others (QUIC)", { V4(NOBODY), IS_RTP, .dport = 443 }, .gso_size = 12 },
	{ "first fragment", { V4(PEER), .frag = MF }, LED },
	{ "last fragment", { V4(PEER), .frag = 100, IS_RTP }, LED },
	{ "last fragment, into a prefix of peers", { V4("198.51.100.9"), .frag = 100, IS_RTP }, LED },
	{ "fragment to others", { V4(NOBODY), .frag = 100, IS_RTP } },
	{ "fragment, IPv6", { V6(PEER6), .ext = { 44 }, .frag = 1 }, LED },
	{ "fragment to others, IPv6", { V6(NOBODY6), .ext = { 44 }, .frag = 1 } },
	{ "hop-by-hop options, IPv6", { V6(PEER6), .ext = { 255 } }, LED },
	{ "destination options, IPv6", { V6(PEER6), .ext = { 60 } }, LED },
	{ "destination options to others", { V6(NOBODY6), .ext = { 60 } } },
	{ "authentication header", { V4(PEER), .proto = IPPROTO_AH }, LED },
	{ "TCP that opens", { V4(PEER), .proto = IPPROTO_TCP }, LED, .tcp_flags = 0x02 },
	{ "TCP that answers that", { V4(PEER), .proto = IPPROTO_TCP }, LED, .tcp_flags = 0x12 },
	{ "TCP that goes on", { V4(PEER), .proto = IPPROTO_TCP }, .tcp_flags = 0x18 },
	{ "TCP that opens, to others", { V4(NOBODY), .proto = IPPROTO_TCP }, .tcp_flags = 0x02 },
	{ "TCP that opens, IPv6", { V6(PEER6), .proto = IPPROTO_TCP }, LED, .tcp_flags = 0x02 },
	{ "SCTP", { V4(PEER), .proto = 132 }, LED },
	{ "SCTP to others", { V4(NOBODY), .proto = 132 } },
	{ "ICMP", { V4(PEER), .proto = IPPROTO_ICMP } },
	{ "GRE", { V4(PEER), .proto = IPPROTO_GRE } },
	{ "ARP", { V4(PEER), .ethertype = 0x0806 } },
	{ "IPv4 of another version", { V4(PEER), .version = 5 } },
	{ "INVITE, IPv6 with a mapped address", { V6("::ffff:203.0.113.10") }, LED },
	{ "fragment, IPv6 with a mapped address", { V6("::ffff:203.0.113.10"), .ext = { 44 }, .frag = 1 } },
};

static int host_run(const struct frame *f, uint32_t mark, uint32_t gso_size, int repeat, uint32_t *ret_ns)
{
	struct __sk_buff skb = { .mark = mark, .gso_size = gso_size, .gso_segs = !!gso_size };
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = f->b, .data_size_in = (uint32_t)f->len, .ctx_in = &skb,
		    .ctx_size_in = sizeof(skb), .repeat = repeat);

	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(host.skel->progs.sipseal_host), &o), 0);
	if (ret_ns)
		*ret_ns = o.duration;
	return (int)o.retval;
}

static void test_cases(void **state)
{
	struct frame f;

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		const struct host_case *c = &cases[i / 2];
		int got;

		frame_build(&f, &c->s);
		if (c->s.proto == IPPROTO_TCP)
			f.b[f.l3 + (strchr(c->s.src, ':') ? 40 : 20) + TCP_FLAGS] = c->tcp_flags;
		gateway_apply(0, 6 + i % 2); /* in both copies of the tables */
		got = host_run(&f, c->mark, c->gso_size, 1, NULL);
		if (got != (c->is_led ? TC_ACT_REDIRECT : TC_ACT_UNSPEC))
			fail_msg("%s: returns %d", c->name, got);
	}
}

/* Whatever is cut off: never more than a look. */
static void test_truncated(void **state)
{
	static const struct spec specs[] = { { V4(PEER) }, { V6(PEER6) }, { V4(PEER), .proto = IPPROTO_TCP } };
	struct frame f;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
		frame_build(&f, &specs[i]);
		/* an IP header at least: the kernel runs no test on less */
		for (size_t len = f.l3 + (strchr(specs[i].src, ':') ? 40 : 20); len < f.len; len++) {
			struct frame cut = f;

			cut.len = len;
			host_run(&cut, 0, 0, 1, NULL);
		}
	}
}

/* The way back: everything, with our mark. */
static void test_back(void **state)
{
	static const struct spec s = { V4(NOBODY), IS_RTP };
	struct __sk_buff in = { .mark = 0 }, out = { .mark = 0 };
	struct frame f;

	(void)state;
	frame_build(&f, &s);
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = f.b, .data_size_in = (uint32_t)f.len, .ctx_in = &in,
		    .ctx_size_in = sizeof(in), .ctx_out = &out, .ctx_size_out = sizeof(out));
	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(host.skel->progs.sipseal_back), &o), 0);
	assert_int_equal(o.retval, TC_ACT_REDIRECT);
	assert_int_equal(out.mark, SIPSEAL_MARK_RAW);
}

static void test_cost(void **state)
{
	static const struct spec rtp = { V4(NOBODY), IS_RTP }, invite = { V4(PEER) };
	uint32_t ns[2];
	struct frame f;

	(void)state;
	frame_build(&f, &rtp);
	host_run(&f, 0, 0, 100000, &ns[0]);
	frame_build(&f, &invite);
	host_run(&f, 0, 0, 100000, &ns[1]);
	print_message("RTP %u ns, INVITE %u ns\n", ns[0], ns[1]);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_back),
		cmocka_unit_test(test_cost),
	};
	int failed;

	lab_up();
	lab_network();
	gateway_open();
	host.near.ifindex = ifindex_of[CORE];
	assert_int_equal(host_tc_load(&host, gw), 0);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	host_tc_unload(&host);
	gateway_close();
	return !!failed;
}
