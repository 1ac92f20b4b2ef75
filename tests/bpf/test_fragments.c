// SPDX-License-Identifier: BSD-2-Clause
/*
 * Fragments that follow others, by BPF_PROG_TEST_RUN.  Single ones: fragment_fixtures.h.
 */
#include "fragment_fixtures.h"
#include "gateway_check.h"

#define SOS4 PEER, .frag = IPV4_MF, .udp_len_delta = 900, SOS
#define SOS6 PEER6, .ext = { 44 }, .frag = 1, TO_URI("tel:112")
#define DOWN CF_NO_SOCKET, CF_NO_SOCKET

/* What follows the first fragment of an emergency call goes the way of it; nothing else does. */
static const struct {
	const char *name;
	unsigned first_flags, later_flags;
	struct spec first, later;
	uint32_t action, reason;
	uint8_t meta_flags;
} followers[] = {
	{ "middle", DOWN, { SOS4 }, { PEER, LATER }, EMERGENCY_PASSES },
	{ "last", DOWN, { SOS4 }, { PEER, LAST }, EMERGENCY_PASSES },
	{ "overlap", DOWN, { SOS4 }, { PEER, .frag = IPV4_MF | 1 }, FRAGMENT_DIES },
	{ "another datagram", DOWN, { SOS4, .id = 1 }, { PEER, LAST, .id = 2 }, FRAGMENT_DIES },
	{ "another sender", DOWN, { SOS4, .id = 3 }, { .src = "10.0.1.6", .dst = "203.0.113.10", LAST, .id = 3 },
	  FRAGMENT_DIES },
	{ "another first one", DOWN, { SOS4, .id = 4 }, { PEER, FIRST, .id = 4 }, FRAGMENT_DIES },
	{ "another protocol", DOWN, { SOS4, .id = 11 }, { PEER, LAST, .id = 11, .proto = 51 }, FRAGMENT_DIES },
	{ "behind an ordinary call", DOWN, { PEER, FIRST, .id = 5 }, { PEER, LAST, .id = 5 }, FRAGMENT_DIES },
	{ "IPv6", DOWN, { SOS6, .id = 6 }, { PEER6, LAST6, .id = 6 }, EMERGENCY_PASSES },
	{ "IPv6, number of destination options", DOWN, { SOS6, .id = 7 },
	  { PEER6, .ext = { 44, 60 }, .frag = 800, .id = 7 }, EMERGENCY_PASSES },
	{ "IPv6, overlap", DOWN, { SOS6, .id = 8 }, { PEER6, .ext = { 44 }, .frag = 9, .id = 8 }, FRAGMENT_DIES },
	{ "IPv6, another datagram", DOWN, { SOS6, .id = 9 }, { PEER6, LAST6, .id = 10 }, FRAGMENT_DIES },
	/* the signer has the first one */
	{ "to the signer", 0, 0, { SOS4, .id = 20 }, { PEER, LAST, .id = 20 }, STEERED, F_FRAGMENT | F_SOS },
	{ "to the signer, overlap", 0, 0, { SOS4, .id = 21 }, { PEER, .frag = 1, .id = 21 }, STEERED, F_FRAGMENT },
	{ "to the signer, its ring is half full now", 0, CF_BACKLOG, { SOS4, .id = 22 }, { PEER, LAST, .id = 22 }, STEERED,
	  F_FRAGMENT | F_SOS },
	{ "to the signer, over its share now", 0, CF_BACKLOG | CF_SPENT | CF_SHARE, { SOS4, .id = 23 },
	  { PEER, LAST, .id = 23 }, STEERED, F_FRAGMENT | F_SOS },
	{ "to the signer, which dies", 0, CF_STALE, { SOS4, .id = 24 }, { PEER, LAST, .id = 24 }, EMERGENCY_PASSES },
	{ "inbound, to the signer", 0, 0, { IN, FIRST, SOS, .id = 25 }, { IN, LAST, .id = 25 }, STEERED, F_IN | F_SOS },
	/* the first one went round it */
	{ "signer is back", CF_STALE, 0, { SOS4, .id = 26 }, { PEER, LAST, .id = 26 }, EMERGENCY_PASSES },
	{ "ring is empty again", CF_BACKLOG, 0, { SOS6, .id = 27 }, { PEER6, LAST6, .id = 27 }, EMERGENCY_PASSES },
	{ "inbound, signer is back", CF_STALE, 0, { IN, FIRST, SOS, .id = 28 }, { IN, LAST, .id = 28 }, EMERGENCY_PASSES },
	/* the first one went nowhere */
	{ "kernel answers", 0, 0, { SOS4, .id = 30, .ttl = 1 }, { PEER, LAST, .id = 30 }, STEERED, F_FRAGMENT },
	{ "for the gateway itself", 0, 0, { TO("203.0.113.1"), .frag = IPV4_MF, .udp_len_delta = 900, SOS, .id = 31 },
	  { TO("203.0.113.1"), LAST, .id = 31 }, XDP_PASS, SR_LOCAL },
	{ "VLAN", 0, 0, { SOS4, .id = 29, .tags = 1 }, { PEER, LAST, .id = 29, .tags = 1 }, EMERGENCY_PASSES },
};

static void test_emergency_fragments(void **state)
{
	static struct sums before;
	static struct frame f;
	static struct run r;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(followers); i++) {
		unsigned port = strncmp(followers[i].name, "inbound", 7) ? CORE : CARRIER;

		gateway_apply(followers[i].first_flags, 6);
		frame_build(&f, &followers[i].first);
		gateway_run(&f, port, 0, &r);
		gateway_apply(followers[i].later_flags, 6);
		frame_build(&f, &followers[i].later);
		sums_read(&before);
		gateway_run(&f, port, 0, &r);
		if (r.action != followers[i].action)
			fail_msg("%s: action %u", followers[i].name, r.action);
		check_counters(&before, port, followers[i].reason);
		if (followers[i].reason == SR_STEERED && r.out[1] != followers[i].meta_flags)
			fail_msg("%s: flags %02x", followers[i].name, r.out[1]);
	}
}

/* The way round the signer is open for as long as a datagram takes. */
static void test_note_ends(void **state)
{
	const struct spec first = { SOS4, .id = 40 }, later = { PEER, LAST, .id = 40 };
	static struct sums before;
	static struct frame f;
	static struct run r;

	(void)state;
	gateway_apply(CF_STALE, 6);
	frame_build(&f, &first);
	gateway_run(&f, CORE, 0, &r);
	usleep(1100000);
	gateway_apply(0, 6);
	frame_build(&f, &later);
	sums_read(&before);
	gateway_run(&f, CORE, 0, &r);
	check_counters(&before, CORE, SR_STEERED);
	assert_int_equal(r.out[1], F_FRAGMENT);
}

/* An INVITE to another port of a trunk's peer, in fragments: the peer shows in the list of those without a trunk. */
static void test_foreign_recorded(void **state)
{
	static struct bpfgw_unmatched u[300];
	const struct spec s = { PEER, FIRST, .sport = 4711, .dport = 5070 };
	static struct frame f;
	static struct run r;
	int n;

	(void)state;
	frame_build(&f, &s);
	gateway_apply(0, 6);
	gateway_run(&f, CORE, 0, &r);
	n = bpfgw_unmatched_peers(gw, u, ARRAY_SIZE(u));
	while (n-- > 0)
		if (u[n].src_port == 4711 && u[n].dst_port == 5070)
			return;
	fail_msg("not recorded");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_emergency_fragments),
		cmocka_unit_test(test_note_ends),
		cmocka_unit_test(test_foreign_recorded),
	};
	int failed;

	lab_up();
	lab_network();
	gateway_open();
	failed = cmocka_run_group_tests_name("fragments", tests, NULL, NULL);
	gateway_close();
	return !!failed;
}
