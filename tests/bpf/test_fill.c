// SPDX-License-Identifier: BSD-2-Clause
/*
 * What bpfgw_fill() makes of a match set: many trunks, few changes, keys that are not there, too many.
 */
#include "gateway_setup.h"

static char err[BPFGW_ERR_LEN];

/* Open, tables and configuration of @generation. */
static struct bpfgw *start(uint32_t generation)
{
	struct sipseal_config c = config_build(0, generation);
	struct bpfgw *g = NULL;

	if (bpfgw_open(lab_bpffs, &g, err) < 0 || bpfgw_fill(g, tables[0], generation, err) < 0)
		fail_msg("%s", err);
	assert_int_equal(bpfgw_config_set(g, &c), 0);
	return g;
}

static size_t map_entries(const struct bpf_map *map)
{
	char key[32], next[32];
	size_t n = 0;

	while (!bpf_map_get_next_key(bpf_map__fd(map), n ? key : NULL, next)) {
		memcpy(key, next, sizeof(key));
		n++;
	}
	return n;
}

static struct bpf_map *cores(const struct bpfgw *g, bool is_odd)
{
	return is_odd ? g->skel->maps.sipseal_cores1 : g->skel->maps.sipseal_cores0;
}

static struct bpf_map *hosts(const struct bpfgw *g, bool is_odd)
{
	return is_odd ? g->skel->maps.sipseal_hosts1 : g->skel->maps.sipseal_hosts0;
}

static void check_sizes(const struct bpfgw *g, bool is_odd, const struct matchset *ms)
{
	const struct matchset_size size = matchset_size(ms);
	const __typeof__(g->skel->maps) *m = &g->skel->maps;

	assert_int_equal(map_entries(is_odd ? m->sipseal_peers1 : m->sipseal_peers0), size.peers);
	assert_int_equal(map_entries(is_odd ? m->sipseal_prefix1 : m->sipseal_prefix0), size.prefixes);
	assert_int_equal(map_entries(cores(g, is_odd)) + map_entries(hosts(g, is_odd)), size.cores);
}

static void flip(struct bpfgw *g, uint32_t generation)
{
	struct sipseal_config c = config_build(0, generation);

	assert_int_equal(bpfgw_config_set(g, &c), 0);
	bpfgw_grace();
}

static void fill_ok(struct bpfgw *g, struct matchset *ms, uint32_t generation)
{
	if (bpfgw_fill(g, ms, generation, err) < 0)
		fail_msg("%s", err);
}

/* Trunk @i: an address and a prefix of its own, port 7777: two peers, two prefixes, two cores. */
#define MANY 100000

static void many_trunk(struct matchset *ms, uint32_t i, bool is_add)
{
	struct peer carriers[] = { { .bits = 128, .port = 7777, .addr = { 0x20 } },
				   { .bits = 64, .port = 7777, .addr = { 0x30 } } };
	struct trunk t = { .carrier_peers = carriers, .carrier_cnt = 2, .max_cps = 10 };
	uint32_t be = htonl(i), other;

	memcpy(carriers[0].addr + 12, &be, 4);
	memcpy(carriers[1].addr + 4, &be, 4);
	assert_int_equal(is_add ? matchset_add(ms, i, &t, &other) : matchset_remove(ms, i, &t), 0);
}

static const uint16_t sip_port = 5060;

static struct matchset *many_new(uint32_t cnt)
{
	struct matchset *ms;

	assert_int_equal(matchset_new(&sip_port, 1, &ms), 0);
	for (uint32_t i = 0; i < cnt; i++)
		many_trunk(ms, i, true);
	return ms;
}

static bool peer_find(const struct bpf_map *map, uint32_t i)
{
	struct sipseal_peer_key key = { .addr = { 0x20 }, .port_be = htons(7777) };
	uint32_t be = htonl(i), group;

	memcpy(key.addr + 12, &be, 4);
	return bpf_map_lookup_elem(bpf_map__fd(map), &key, &group) == 0;
}

static unsigned ms_since(uint64_t at)
{
	return (unsigned)((clock_mono_ns() - at) / 1000000);
}

/* 100,000 trunks; one more in each copy costs what one costs; and none is left when all but a few have gone. */
static void test_fill_many(void **state)
{
	struct bpfgw *g = start(2);
	struct matchset *ms = many_new(MANY);
	uint64_t at = clock_mono_ns();
	unsigned one;

	(void)state;
	fill_ok(g, ms, 1);
	print_message("%d trunks filled in %u ms\n", MANY, ms_since(at));
	check_sizes(g, true, ms);
	check_sizes(g, false, tables[0]);
	assert_true(peer_find(g->skel->maps.sipseal_peers1, 12345));
	assert_true(g->skel->data_ports->sipseal_ports[1][7777 / 64] >> (7777 % 64) & 1);
	assert_false(g->skel->data_ports->sipseal_ports[0][7777 / 64] >> (7777 % 64) & 1);
	flip(g, 1);
	fill_ok(g, ms, 2); /* another match set than before: emptied first */
	check_sizes(g, false, ms);
	flip(g, 2);
	at = clock_mono_ns();
	many_trunk(ms, MANY, true);
	fill_ok(g, ms, 3);
	flip(g, 3);
	fill_ok(g, ms, 4);
	one = ms_since(at);
	print_message("one more in both copies, grace period and all: %u ms\n", one);
	assert_true(one < 100);
	assert_true(peer_find(g->skel->maps.sipseal_peers1, MANY));
	assert_true(peer_find(g->skel->maps.sipseal_peers0, MANY));
	check_sizes(g, true, ms);
	check_sizes(g, false, ms);

	for (uint32_t i = 3; i <= MANY; i++)
		many_trunk(ms, i, false);
	at = clock_mono_ns();
	fill_ok(g, ms, 4);
	print_message("all but 3 removed from one copy in %u ms\n", ms_since(at));
	check_sizes(g, false, ms);
	assert_int_equal(matchset_size(ms).peers, 6);
	matchset_free(ms);
	bpfgw_close(g);
}

/* Somebody has deleted keys by hand, at the ends and in the middle of what goes next: no error, the rest goes. */
static void test_fill_missing_keys(void **state)
{
	static const uint32_t gone[] = { 3, 4, 1000, 1001, 1023, 1024, 1025, 2047, 2048, 2999 };
	struct bpfgw *g = start(2);
	struct matchset *ms = many_new(3000);

	(void)state;
	fill_ok(g, ms, 1);
	for (size_t i = 0; i < ARRAY_SIZE(gone); i++) {
		struct sipseal_peer_key key = { .addr = { 0x20 }, .port_be = htons(7777) };
		struct sipseal_prefix_key prefix = { .prefixlen = 32 + 64, .port_be = htons(7777), .addr = { 0x30 } };
		uint32_t be = htonl(gone[i]);

		memcpy(key.addr + 12, &be, 4);
		memcpy(prefix.addr + 4, &be, 4);
		assert_int_equal(bpf_map_delete_elem(bpf_map__fd(g->skel->maps.sipseal_peers1), &key), 0);
		assert_int_equal(bpf_map_delete_elem(bpf_map__fd(g->skel->maps.sipseal_prefix1), &prefix), 0);
	}
	for (uint32_t i = 3; i < 3000; i++)
		many_trunk(ms, i, false);
	fill_ok(g, ms, 1);
	check_sizes(g, true, ms);
	matchset_free(ms);
	bpfgw_close(g);
}

/* More than the maps hold is refused, and the tables stay as they are. */
static void test_fill_too_many(void **state)
{
	struct bpfgw *g = start(2);
	struct matchset *ms = many_new(3);
	struct peer carrier = { .bits = 128, .port = 7778 }, *cores = calloc(1 << 17, sizeof(*cores));
	struct trunk t = { .carrier_peers = &carrier, .carrier_cnt = 1, .core_peers = cores, .core_cnt = 1 << 17 };
	uint32_t other;

	(void)state;
	for (uint32_t i = 0; i < t.core_cnt; i++) {
		memcpy(cores[i].addr, &i, 4);
		cores[i].bits = 32;
	}
	fill_ok(g, ms, 1);
	assert_int_equal(matchset_add(ms, 3, &t, &other), 0);
	carrier.addr[0] = 1;
	assert_int_equal(matchset_add(ms, 4, &t, &other), 0);
	assert_int_equal(bpfgw_fill(g, ms, 1, err), -E2BIG);
	assert_non_null(strstr(err, "core prefixes, at most 262144"));
	assert_int_equal(map_entries(g->skel->maps.sipseal_cores1), 6);
	assert_int_equal(matchset_remove(ms, 4, &t), 0);
	fill_ok(g, ms, 1);
	check_sizes(g, true, ms);
	free(cores);
	matchset_free(ms);
	bpfgw_close(g);
}

/* Of the only entry; the key of the trie is the larger one. */
static struct sipseal_core_value core_of_any(const struct bpf_map *map)
{
	_Static_assert(sizeof(struct sipseal_host_key) <= sizeof(struct sipseal_core_key), "a key fits");
	struct sipseal_core_key key = { 0 };
	struct sipseal_core_value v = { 0 };

	assert_int_equal(bpf_map_get_next_key(bpf_map__fd(map), NULL, &key), 0);
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(map), &key, &v), 0);
	return v;
}

/* Only what a trunk wants of its inbound calls changes: the copies follow, one after the other. */
static void verification_steps(struct bpf_map *maps(const struct bpfgw *g, bool is_odd), struct peer *core)
{
	static const struct { bool is_enabled; unsigned wait_ms; uint32_t flags; } steps[] = {
		{ false, 400, 0 },
		{ true, 400, SIPSEAL_CORE_F_VERIFY | SIPSEAL_CORE_F_CANCEL },
		{ true, 0, SIPSEAL_CORE_F_VERIFY },
		{ false, 0, 0 },
	};
	struct bpfgw *g = start(2);
	struct peer carrier = { .bits = 128, .port = 5060, .addr = { 1 } };
	struct trunk t = { .carrier_peers = &carrier, .carrier_cnt = 1, .core_peers = core, .core_cnt = !!core, .max_cps = 10 };
	struct matchset *ms = many_new(0);
	uint32_t other, generation = 3;

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		if (i)
			assert_int_equal(matchset_remove(ms, 77, &t), 0);
		t.verification.is_enabled = steps[i].is_enabled;
		t.verification.wait_ms = steps[i].wait_ms;
		assert_int_equal(matchset_add(ms, 77, &t, &other), 0);
		for (int k = 0; k < 2; k++, generation++) {
			struct sipseal_core_value v;

			fill_ok(g, ms, generation);
			flip(g, generation);
			v = core_of_any(maps(g, generation & 1));
			assert_int_equal(v.slot, 77);
			assert_int_equal(v.interval_ns, 100000000);
			assert_int_equal(v.flags, steps[i].flags);
			check_sizes(g, generation & 1, ms);
		}
	}
	matchset_free(ms);
	bpfgw_close(g);
}

static void test_fill_verification(void **state)
{
	struct peer address = { .bits = 128, .addr = { 2 } }, prefix = { .bits = 127, .addr = { 2 } };

	(void)state;
	verification_steps(cores, NULL);
	verification_steps(cores, &prefix);
	verification_steps(hosts, &address);
}

/* Addresses stand in the hash, prefixes in the trie, and both go with their trunk. */
static void test_core_tables(void **state)
{
	struct bpfgw *g = start(2);
	struct peer carrier = { .bits = 128, .port = 5060, .addr = { 1 } };
	struct peer peers[] = { { .bits = 128, .addr = { 2 } }, { .bits = 127, .addr = { 4 } }, { .bits = 128, .addr = { 6 } } };
	struct trunk t = { .carrier_peers = &carrier, .carrier_cnt = 1, .core_peers = peers, .core_cnt = 3 };
	struct matchset *ms = many_new(0);
	uint32_t other;

	(void)state;
	assert_int_equal(matchset_add(ms, 77, &t, &other), 0);
	for (uint32_t generation = 3; generation < 5; generation++) {
		fill_ok(g, ms, generation);
		flip(g, generation);
		assert_int_equal(map_entries(hosts(g, generation & 1)), 2);
		assert_int_equal(map_entries(cores(g, generation & 1)), 1);
	}
	assert_int_equal(matchset_remove(ms, 77, &t), 0);
	for (uint32_t generation = 5; generation < 7; generation++) {
		fill_ok(g, ms, generation);
		flip(g, generation);
		assert_int_equal(map_entries(hosts(g, generation & 1)), 0);
		assert_int_equal(map_entries(cores(g, generation & 1)), 0);
	}
	matchset_free(ms);
	bpfgw_close(g);
}

static void test_limiter_reset(void **state)
{
	struct bpfgw *g = start(1);
	const struct sipseal_limiter spent = { 77, 88 };
	struct sipseal_limiter l;
	int fd = bpf_map__fd(g->skel->maps.sipseal_limits);

	(void)state;
	for (uint32_t slot = 5; slot < 8; slot++)
		assert_int_equal(bpf_map_update_elem(fd, &slot, &spent, 0), 0);
	assert_int_equal(bpfgw_limiter_reset(g, 6), 0);
	for (uint32_t slot = 5; slot < 8; slot++) {
		assert_int_equal(bpf_map_lookup_elem(fd, &slot, &l), 0);
		assert_int_equal(l.tat_ns, slot == 6 ? 0 : 77);
		assert_int_equal(l.fair_tat_ns, slot == 6 ? 0 : 88);
	}
	assert_int_equal(bpfgw_limiter_reset(g, SIPSEAL_TRUNKS_MAX), -E2BIG);
	bpfgw_close(g);
}

static struct sipseal_hop_key hop_of(uint16_t port, uint32_t i)
{
	struct sipseal_hop_key k = { .mac = { 2 }, .port = port };

	memcpy(k.mac + 2, &i, 4);
	return k;
}

static bool hop_is_there(const struct bpfgw *g, struct sipseal_hop_key k)
{
	uint8_t v = 0;

	return !bpf_map_lookup_elem(bpf_map__fd(g->skel->maps.sipseal_hops), &k, &v) && v == 1;
}

/* What is set is there, and nothing else, whatever there was before, also in a full map. */
static void test_hops(void **state)
{
	static struct sipseal_hop_key many[SIPSEAL_HOPS_MAX + 1];
	const struct sipseal_hop_key few[] = { hop_of(0, 7), hop_of(1, 7), hop_of(0, 5000) };
	struct bpfgw *g = start(1);

	(void)state;
	for (uint32_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = hop_of(0, i);
	assert_int_equal(bpfgw_hops_set(g, few, 2), 0);
	assert_int_equal(map_entries(g->skel->maps.sipseal_hops), 2);
	assert_true(hop_is_there(g, few[0]) && hop_is_there(g, few[1]));
	assert_int_equal(bpfgw_hops_set(g, many, ARRAY_SIZE(many)), -E2BIG);
	assert_int_equal(map_entries(g->skel->maps.sipseal_hops), 2);
	assert_int_equal(bpfgw_hops_set(g, many, SIPSEAL_HOPS_MAX), 0);
	assert_int_equal(map_entries(g->skel->maps.sipseal_hops), SIPSEAL_HOPS_MAX);
	assert_true(hop_is_there(g, few[0]) && !hop_is_there(g, few[1]));
	assert_int_equal(bpfgw_hops_set(g, few, 3), 0); /* one of which stays, from a full map */
	assert_int_equal(map_entries(g->skel->maps.sipseal_hops), 3);
	assert_true(hop_is_there(g, few[0]) && hop_is_there(g, few[1]) && hop_is_there(g, few[2]));
	assert_int_equal(bpfgw_hops_set(g, NULL, 0), 0);
	assert_int_equal(map_entries(g->skel->maps.sipseal_hops), 0);
	bpfgw_close(g);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fill_many),
		cmocka_unit_test(test_fill_missing_keys),
		cmocka_unit_test(test_fill_too_many),
		cmocka_unit_test(test_fill_verification),
		cmocka_unit_test(test_core_tables),
		cmocka_unit_test(test_limiter_reset),
		cmocka_unit_test(test_hops),
	};
	int failed;

	lab_up();
	lab_network();
	ifindex_of[CORE] = if_nametoindex("c0");
	ifindex_of[CARRIER] = if_nametoindex("k0");
	tables[0] = tables_build(0, 0);
	failed = cmocka_run_group_tests_name("fill", tests, NULL, NULL);
	matchset_free(tables[0]);
	return !!failed;
}
