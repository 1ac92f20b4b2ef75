// SPDX-License-Identifier: BSD-2-Clause
/*
 * The XDP program by BPF_PROG_TEST_RUN: for each fixture and both copies of the tables the action, exactly
 * one counted reason, the metadata, and what became of the bytes.
 */
#include "gateway_check.h"
#include "port_fixtures.h"

static bool is_seen[SR_XDP_MAX];

static void check_meta(const struct fixture *t, const struct frame *f, const struct run *r, uint32_t gen,
		       uint64_t since)
{
	const uint8_t dmac[6] = { 2, 0, 0, 0, t->dmac_tail[0], t->dmac_tail[1] };
	struct sipseal_meta m;

	assert_int_equal(r->meta_len, sizeof(m));
	assert_int_equal(r->out_len, f->len + sizeof(m));
	memcpy(&m, r->out, sizeof(m));
	assert_memory_equal(r->out + sizeof(m), f->b, f->len);
	assert_int_equal(m.version, SIPSEAL_ABI_VERSION);
	assert_int_equal(m.flags, t->meta_flags);
	assert_int_equal(m.generation, gen & 0xffff);
	assert_int_equal(m.trunk, t->slot + (gen & 1));
	assert_in_range(m.time_ns, since, clock_mono_ns());
	assert_int_equal(m.mtu, t->mtu ? t->mtu : 1500);
	if (t->meta_flags & SIPSEAL_META_F_RAW)
		return;
	if (t->flags & (CF_BOTH | CF_BOTH_CARRIER)) /* back to the core by the NIC that it came in on */
		assert_int_equal(m.egress, t->meta_flags & INBOUND ? CORE : CARRIER);
	else
		assert_int_equal(m.egress, t->port == CORE ? CARRIER : CORE);
	if (t->meta_flags & SIPSEAL_META_F_BRIDGED) {
		assert_memory_equal(m.dmac, f->b, 6);
		assert_memory_equal(m.smac, f->b + 6, 6);
		return;
	}
	assert_memory_equal(m.dmac, dmac, 6);
	assert_true(m.smac[0] | m.smac[5]);
}

/* One hop: TTL and MACs, nothing else. */
static void check_forwarded(const struct frame *f, const struct run *r)
{
	struct frame want = *f;
	uint8_t *ip = want.b + f->l3;

	assert_int_equal(r->out_len, f->len);
	memcpy(want.b, r->out, 12);
	assert_memory_not_equal(f->b, r->out, 12);
	assert_int_equal(r->out[0], 2);
	if (ip[0] >> 4 == 6) {
		ip[7]--;
	} else {
		ip[8]--;
		memset(ip + 10, 0, 2);
		put16(ip + 10, ip_sum(ip, (size_t)(ip[0] & 15) * 4));
	}
	assert_memory_equal(r->out, want.b, f->len);
}

static void fixture_run(const struct fixture *t, uint32_t gen)
{
	static struct sums before;
	static struct frame f;
	static struct run r;
	uint64_t since = clock_mono_ns();

	frame_build(&f, &t->p);
	gateway_apply(t->flags, gen);
	sums_read(&before);
	gateway_run(&f, t->port, t->flags & CF_QUEUE1 ? 1 : 0, &r);
	if (r.action != t->action)
		fail_msg("action %u, wanted %u", r.action, t->action);
	check_counters(&before, t->port, t->reason);
	is_seen[t->reason] = true;
	if (t->reason == SR_STEERED) {
		check_meta(t, &f, &r, gen, since);
	} else if (t->action == XDP_REDIRECT && !(t->flags & CF_BRIDGE)) {
		check_forwarded(&f, &r);
	} else {
		assert_int_equal(r.out_len, f.len);
		assert_memory_equal(r.out, f.b, f.len);
	}
}

static void test_fixture(void **state)
{
	const struct fixture *t = *state;

	fixture_run(t, 6);
	fixture_run(t, 7);
	fixture_run(t, 0x10006); /* metadata carries the low 16 bits */
}

/* Every reason of the list has its fixture. */
static void test_all_reasons(void **state)
{
	(void)state;
#define X(num, name, token, help) \
	if (!is_seen[num]) \
		fail_msg("no fixture ends with " token);
	SIPSEAL_XDP_REASONS(X)
#undef X
}

/* A bridge without a port behind it, as a configuration that is written by hand might have it. */
static void test_bridge_to_nowhere(void **state)
{
	static const char *const texts[] = { INVITE, OPTIONS };
	struct spec s = { PEER };
	struct sipseal_config c = config_build(CF_BRIDGE, 6);
	static struct sums before;
	static struct frame f;
	static struct run r;

	(void)state;
	gateway_apply(0, 6);
	c.ports[CORE].peer = SIPSEAL_PORTS_MAX;
	assert_int_equal(bpfgw_config_set(gw, &c), 0);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		s.text = texts[i];
		frame_build(&f, &s);
		sums_read(&before);
		gateway_run(&f, CORE, 0, &r);
		assert_int_equal(r.action, XDP_DROP);
		check_counters(&before, CORE, SR_NO_PEER_PORT);
	}
}

/* Every prefix of a frame: the verifier promises safety, this that one reason is counted each time. */
static void test_truncated(void **state)
{
	static const struct spec specs[] = {
		{ PEER, .options = 12 }, { PEER6, .ext = { 255, 60 } }, { PEER, .tags = 2 },
		{ PEER, .proto = 6 }, { PEER6, .ext = { 44 }, .frag = 1 },
	};
	static struct frame f;
	static struct run r;
	static struct sums before;

	(void)state;
	gateway_apply(CF_FORWARD, 6);
	for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
		frame_build(&f, &specs[i]);
		for (f.len--; f.len >= 14; f.len--) { /* less than 14 bytes TEST_RUN does not take */
			sums_read(&before);
			gateway_run(&f, CORE, 0, &r);
			check_counters(&before, CORE, SR_MALFORMED);
			assert_int_equal(r.action, XDP_PASS);
		}
	}
}

/* A NIC that is no port: left alone, counted in the row behind the ports. */
static void test_unknown_port(void **state)
{
	static struct sums before;
	static struct frame f;
	static struct run r;
	const struct spec s = { PEER };

	(void)state;
	frame_build(&f, &s);
	gateway_apply(0, 6);
	sums_read(&before);
	gateway_run_ifindex(&f, if_nametoindex("x0"), 0, 1, &r);
	assert_int_equal(r.action, XDP_PASS);
	check_counters(&before, SIPSEAL_PORTS_MAX, SR_NO_PORT);
}

/* IPv6 forwards by the global sysctl even where the NIC's says no: steered, by the raw socket. */
static void test_ipv6_forwarding_off_at_nic(void **state)
{
	static struct frame f;
	static struct run r;
	const struct spec s = { PEER6 };
	struct sipseal_meta m;

	(void)state;
	frame_build(&f, &s);
	gateway_apply(0, 6);
	lab_run("echo 0 >/proc/sys/net/ipv6/conf/c0/forwarding");
	gateway_run(&f, CORE, 0, &r);
	lab_run("echo 1 >/proc/sys/net/ipv6/conf/c0/forwarding");
	assert_int_equal(r.action, XDP_REDIRECT);
	memcpy(&m, r.out, sizeof(m));
	assert_int_equal(m.flags, SIPSEAL_META_F_RAW);
}

/* The checksum after one hop, for values all over its range, and for the one whose sum wraps: feff. */
static void test_checksum_carry(void **state)
{
	const struct spec s = { PEER, .text = OPTIONS };
	static struct frame f;
	static struct run r;
	unsigned wraps = 0;

	(void)state;
	frame_build(&f, &s);
	gateway_apply(CF_FORWARD, 6);
	for (unsigned id = 0; id < 65536; id++) {
		uint16_t sum;

		put16(f.b + f.l3 + 4, id);
		put16(f.b + f.l3 + 10, 0);
		sum = ip_sum(f.b + f.l3, 20);
		put16(f.b + f.l3 + 10, sum);
		wraps += sum == 0xfeff;
		if (sum != 0xfeff && sum % 509)
			continue;
		gateway_run(&f, CORE, 0, &r);
		assert_int_equal(r.action, XDP_REDIRECT);
		check_forwarded(&f, &r);
	}
	assert_true(wraps);
}

/* The sum of the pseudo-header wherever it carries: for addresses all over the range, of both versions. */
static void test_partial_sums(void **state)
{
	static struct sums before;
	static struct frame f;
	static struct run r;
	struct spec s[] = { { PEER, .text = OPTIONS, .sum = SUM_PARTIAL }, { PEER6, .text = OPTIONS, .sum = SUM_PARTIAL } };
	uint32_t seed = 1;
	char src[48];

	(void)state;
	gateway_apply(CF_FORWARD, 6);
	for (int i = 0; i < 2000; i++) {
		seed = seed * 1664525 + 1013904223;
		if (i % 2)
			snprintf(src, sizeof(src), "2001:db8:ffff:ffff:ffff:%x:%x:ffff", seed >> 16, seed & 0xffff);
		else
			snprintf(src, sizeof(src), "%u.%u.%u.%u", 11 + (seed >> 28), seed >> 20 & 0xff, seed >> 12 & 0xff,
				 seed >> 4 & 0xff);
		s[i % 2].src = src;
		frame_build(&f, &s[i % 2]);
		sums_read(&before);
		gateway_run(&f, CORE, 0, &r);
		check_counters(&before, CORE, SR_PARTIAL_CHECKSUM);
	}
}

/* A heartbeat that was never written is none, however long the limit. */
static void test_no_heartbeat(void **state)
{
	const struct spec s = { PEER };
	struct sipseal_config c = config_build(0, 6);
	static struct frame f;
	static struct run r;

	(void)state;
	frame_build(&f, &s);
	gateway_apply(CF_NO_BEAT, 6);
	c.heartbeat_limit_ns = INT64_MAX;
	assert_int_equal(bpfgw_config_set(gw, &c), 0);
	gateway_run(&f, CORE, 0, &r);
	assert_int_equal(r.action, XDP_DROP);
}

static void test_unmatched_recorded(void **state)
{
	static struct bpfgw_unmatched u[300];
	const struct spec s = { .src = "10.0.1.9", .dst = "203.0.113.55", .sport = 1234, .dport = 5070 };
	static struct frame f;
	static struct run r;
	uint8_t src[16], dst[16];
	int n, found = 0;

	(void)state;
	frame_build(&f, &s);
	gateway_apply(0, 6);
	for (int i = 0; i < 3; i++)
		gateway_run(&f, CORE, 0, &r);
	addr_of(s.src, src);
	addr_of(s.dst, dst);
	n = bpfgw_unmatched_peers(gw, u, ARRAY_SIZE(u));
	assert_in_range(n, 1, ARRAY_SIZE(u));
	for (int i = 0; i < n; i++) {
		if (memcmp(u[i].dst, dst, 16) || memcmp(u[i].src, src, 16))
			continue;
		found++;
		assert_int_equal(u[i].src_port, 1234);
		assert_int_equal(u[i].dst_port, 5070);
		assert_int_equal(u[i].count, 3);
	}
	assert_int_equal(found, 1);
	assert_int_equal(bpfgw_unmatched_peers(gw, u, 1), 1);
}

static void print_verifier(void)
{
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);
	int fd = bpf_program__fd(gw->skel->progs.sipseal_gateway);

	if (!bpf_obj_get_info_by_fd(fd, &info, &len))
		print_message("verifier: %u instructions verified, %u loaded, %u bytes jited\n",
			      info.verified_insns, info.xlated_prog_len / 8, info.jited_prog_len);
}

static void tests_of(struct CMUnitTest *ret, const struct fixture *f, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++)
		ret[i] = (struct CMUnitTest){ .name = f[i].name, .test_func = test_fixture,
					      .initial_state = (void *)&f[i] };
}

int main(void)
{
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(test_all_reasons),
		cmocka_unit_test(test_bridge_to_nowhere),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_unknown_port),
		cmocka_unit_test(test_ipv6_forwarding_off_at_nic),
		cmocka_unit_test(test_checksum_carry),
		cmocka_unit_test(test_partial_sums),
		cmocka_unit_test(test_no_heartbeat),
		cmocka_unit_test(test_unmatched_recorded),
	};
	static struct CMUnitTest tests[ARRAY_SIZE(fixtures)], inbound[ARRAY_SIZE(inbound_fixtures)],
		fragments[ARRAY_SIZE(fragment_fixtures)], ports[ARRAY_SIZE(port_fixtures)];
	int failed;

	tests_of(tests, fixtures, ARRAY_SIZE(fixtures));
	tests_of(inbound, inbound_fixtures, ARRAY_SIZE(inbound_fixtures));
	tests_of(fragments, fragment_fixtures, ARRAY_SIZE(fragment_fixtures));
	tests_of(ports, port_fixtures, ARRAY_SIZE(port_fixtures));
	lab_up();
	lab_network();
	gateway_open();
	print_verifier();
	failed = cmocka_run_group_tests_name("gateway fixtures", tests, NULL, NULL);
	failed += cmocka_run_group_tests_name("inbound fixtures", inbound, NULL, NULL);
	failed += cmocka_run_group_tests_name("fragment fixtures", fragments, NULL, NULL);
	failed += cmocka_run_group_tests_name("port fixtures", ports, NULL, NULL);
	failed += cmocka_run_group_tests_name("gateway", others, NULL, NULL);
	gateway_close();
	return !!failed;
}
