// SPDX-License-Identifier: BSD-2-Clause
#include "guard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "trunk/compile.h"

#define TRUNKS_MAX 5

struct spec {
	const char *carrier[4], *core[4];
};

struct probe {
	const char *carrier;
	unsigned port;
	const char *core;
	int64_t want;
};

static struct trunk *trunk_of(const struct spec *s)
{
	struct trunk *t = trunk_new();
	const char *text;

	t->carrier_peers = calloc(4, sizeof(struct peer));
	t->core_peers = calloc(4, sizeof(struct peer));
	for (; s->carrier[t->carrier_cnt]; t->carrier_cnt++)
		assert_int_equal(peer_parse(s->carrier[t->carrier_cnt], true,
					    &t->carrier_peers[t->carrier_cnt], &text), 0);
	for (; s->core[t->core_cnt]; t->core_cnt++)
		assert_int_equal(peer_parse(s->core[t->core_cnt], false,
					    &t->core_peers[t->core_cnt], &text), 0);
	return t;
}

static void address(const char *s, uint8_t dst[16])
{
	struct peer p;
	const char *text;

	assert_int_equal(peer_parse(s, false, &p, &text), 0);
	memcpy(dst, p.addr, 16);
}

static const struct {
	const char *name;
	struct spec trunks[TRUNKS_MAX];
	int ret;
	size_t a, b;            /* -EEXIST */
	struct probe probes[12]; /* slots are 10 + index */
} cases[] = {
	{ "one trunk, any core", { { { "203.0.113.10:5060" }, { NULL } } }, 0, 0, 0, {
		{ "203.0.113.10", 5060, "10.0.0.1", 10 },
		{ "203.0.113.10", 0, "10.0.0.1", 10 },
		{ "203.0.113.10", 5061, "10.0.0.1", -ENOENT },
		{ "203.0.113.11", 5060, "10.0.0.1", -ENOENT },
		{ "203.0.113.10", 5060, "2001:db8::1", 10 } } },
	{ "no port: every sip port", { { { "203.0.113.10" }, { NULL } } }, 0, 0, 0, {
		{ "203.0.113.10", 5060, "10.0.0.1", 10 },
		{ "203.0.113.10", 5080, "10.0.0.1", 10 },
		{ "203.0.113.10", 0, "10.0.0.1", 10 },
		{ "203.0.113.10", 5090, "10.0.0.1", -ENOENT } } },
	{ "core tells trunks apart, longest wins", {
		{ { "203.0.113.10" }, { "10.0.0.0/24" } },
		{ { "203.0.113.10" }, { "10.0.0.7" } },
		{ { "203.0.113.10" }, { NULL } },
		{ { "203.0.113.11" }, { "10.0.0.0/24" } } }, 0, 0, 0, {
		{ "203.0.113.10", 5060, "10.0.0.1", 10 },
		{ "203.0.113.10", 5060, "10.0.0.7", 11 },
		{ "203.0.113.10", 5060, "10.0.1.7", 12 },
		{ "203.0.113.11", 5060, "10.0.0.7", 13 },
		{ "203.0.113.11", 5060, "10.0.1.7", -EHOSTUNREACH } } },
	{ "exact peer before prefix, no way back", {
		{ { "198.51.100.0/28" }, { NULL } },
		{ { "198.51.100.3" }, { "10.0.0.0/24" } },
		{ { "198.51.100.0/24" }, { NULL } } }, 0, 0, 0, {
		{ "198.51.100.1", 5060, "10.9.9.9", 10 },
		{ "198.51.100.77", 5060, "10.9.9.9", 12 },
		{ "198.51.100.3", 5060, "10.0.0.1", 11 },
		{ "198.51.100.3", 5060, "10.9.9.9", -EHOSTUNREACH },
		{ "198.51.101.1", 5060, "10.9.9.9", -ENOENT } } },
	{ "ports tell trunks apart", {
		{ { "203.0.113.10:5060" }, { NULL } },
		{ { "203.0.113.10:5070" }, { NULL } } }, 0, 0, 0, {
		{ "203.0.113.10", 5060, "10.0.0.1", 10 },
		{ "203.0.113.10", 5070, "10.0.0.1", 11 },
		{ "203.0.113.10", 5080, "10.0.0.1", -ENOENT },
		{ "203.0.113.10", 0, "10.0.0.1", 10 } } },
	{ "with and without port, different cores", {
		{ { "203.0.113.10" }, { "10.0.0.0/24" } },
		{ { "203.0.113.10:5080" }, { "10.1.0.0/24" } },
		{ { "203.0.113.10:6000" }, { "10.2.0.0/24" } } }, 0, 0, 0, {
		{ "203.0.113.10", 5060, "10.0.0.1", 10 },
		{ "203.0.113.10", 5080, "10.0.0.1", 10 },
		{ "203.0.113.10", 5080, "10.1.0.1", 11 },
		{ "203.0.113.10", 5060, "10.1.0.1", -EHOSTUNREACH },
		{ "203.0.113.10", 6000, "10.2.0.1", 12 },
		{ "203.0.113.10", 6000, "10.0.0.1", -EHOSTUNREACH }, /* none of sip_ports */
		{ "203.0.113.10", 0, "10.2.0.1", 12 },
		{ "203.0.113.10", 5070, "10.0.0.1", -ENOENT } } },
	{ "two trunks share one of two peers", {
		{ { "203.0.113.10", "203.0.113.11" }, { "10.0.0.0/24" } },
		{ { "203.0.113.11", "203.0.113.12" }, { "10.0.1.0/24" } } }, 0, 0, 0, {
		{ "203.0.113.10", 5060, "10.0.0.1", 10 },
		{ "203.0.113.10", 5060, "10.0.1.1", -EHOSTUNREACH },
		{ "203.0.113.11", 5060, "10.0.0.1", 10 },
		{ "203.0.113.11", 5060, "10.0.1.1", 11 },
		{ "203.0.113.12", 5060, "10.0.0.1", -EHOSTUNREACH } } },
	{ "IPv6", { { { "[2001:db8::10]:5060" }, { "2001:db8:1::/48" } },
		    { { "2001:db8:f::/48" }, { NULL } } }, 0, 0, 0, {
		{ "2001:db8::10", 5060, "2001:db8:1::5", 10 },
		{ "2001:db8::10", 5060, "2001:db8:2::5", -EHOSTUNREACH },
		{ "2001:db8:f::9", 5080, "10.0.0.1", 11 },
		{ "2001:db8:e::9", 5080, "10.0.0.1", -ENOENT } } },
	{ "a trunk may name a peer twice", { { { "203.0.113.10", "203.0.113.10:5060", "203.0.113.10" },
					       { "10.0.0.0/24", "10.0.0.0/24" } } }, 0, 0, 0, {
		{ "203.0.113.10", 5060, "10.0.0.1", 10 } } },
	{ "same peer, no cores", { { { "203.0.113.1" }, { NULL } }, { { "203.0.113.10" }, { NULL } },
				   { { "203.0.113.10" }, { NULL } } }, -EEXIST, 1, 2, { { NULL, 0, NULL, 0 } } },
	{ "same peer, same core", { { { "203.0.113.10" }, { "10.0.0.1", "10.0.1.0/24" } },
				    { { "203.0.113.10" }, { "10.0.1.0/24" } } }, -EEXIST, 0, 1, { { NULL, 0, NULL, 0 } } },
	{ "same prefix", { { { "198.51.100.0/28" }, { NULL } }, { { "198.51.100.0/28" }, { NULL } } },
	  -EEXIST, 0, 1, { { NULL, 0, NULL, 0 } } },
	{ "port against no port", { { { "203.0.113.10:5060" }, { NULL } }, { { "203.0.113.10" }, { NULL } } },
	  -EEXIST, 0, 1, { { NULL, 0, NULL, 0 } } },
	{ "port outside sip_ports against no port",
	  { { { "203.0.113.10:6000" }, { NULL } }, { { "203.0.113.10" }, { NULL } } },
	  0, 0, 0, { { "203.0.113.10", 6000, "10.0.0.1", 10 }, { "203.0.113.10", 5060, "10.0.0.1", 11 } } },
};

static void run_case(size_t i)
{
	struct gateway *g = gateway_new();
	struct trunk *trunks[TRUNKS_MAX];
	struct compile_trunk ct[TRUNKS_MAX] = { 0 };
	struct compile_input in = { .gateway = g, .trunks = ct, .generation = 1 };
	struct match_tables t = { 0 };
	size_t a = 99, b = 99;
	int r;

	g->sip_ports[1] = 5080;
	g->sip_port_cnt = 2;
	for (; in.trunk_cnt < TRUNKS_MAX && cases[i].trunks[in.trunk_cnt].carrier[0]; in.trunk_cnt++) {
		trunks[in.trunk_cnt] = trunk_of(&cases[i].trunks[in.trunk_cnt]);
		ct[in.trunk_cnt] = (struct compile_trunk){ trunks[in.trunk_cnt],
			10 + (uint32_t)in.trunk_cnt, POLICY_CREDENTIAL_NONE, NULL };
	}
	r = match_tables_compile(&in, &t, &a, &b);
	if (r != cases[i].ret)
		fail_msg("%s: returns %d, want %d", cases[i].name, r, cases[i].ret);
	if (r == -EEXIST && (a != cases[i].a || b != cases[i].b))
		fail_msg("%s: %zu and %zu", cases[i].name, a, b);
	for (unsigned k = 0; r == 0 && cases[i].probes[k].carrier; k++) {
		const struct probe *p = &cases[i].probes[k];
		uint8_t carrier[16], core[16];
		int64_t got;

		address(p->carrier, carrier);
		address(p->core, core);
		got = match_lookup(&t, carrier, (uint16_t)p->port, core);
		if (got != p->want)
			fail_msg("%s: probe %u gives %lld, want %lld", cases[i].name, k,
				 (long long)got, (long long)p->want);
	}
	match_tables_done(&t);
	while (in.trunk_cnt)
		trunk_free(trunks[--in.trunk_cnt]);
	gateway_free(g);
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		run_case(i);
}

/* No map key may stand twice: the daemon would overwrite one group with another. */
static void test_keys_once(void **state)
{
	static const struct spec specs[] = {
		{ { "203.0.113.10", "198.51.100.0/28" }, { "10.0.0.0/24" } },
		{ { "203.0.113.10:5060", "203.0.113.10:7000" }, { "10.1.0.0/24" } },
		{ { "203.0.113.10:5060", "198.51.100.0/28" }, { "10.2.0.0/24" } },
	};
	struct gateway *g = gateway_new();
	struct compile_trunk ct[3];
	struct compile_input in = { .gateway = g, .trunks = ct, .trunk_cnt = 3, .generation = 1 };
	struct match_tables t;
	size_t a, b;

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		ct[i] = (struct compile_trunk){ trunk_of(&specs[i]), i, POLICY_CREDENTIAL_NONE, NULL };
	assert_int_equal(match_tables_compile(&in, &t, &a, &b), 0);
	assert_int_equal(t.peer_cnt, 3);   /* ports 0, 5060, 7000 */
	assert_int_equal(t.prefix_cnt, 2); /* ports 0, 5060 */
	assert_int_equal(t.prefixes[0].group, t.prefixes[1].group);
	for (size_t i = 0; i < t.peer_cnt; i++)
		for (size_t k = i + 1; k < t.peer_cnt; k++)
			assert_memory_not_equal(&t.peers[i].key, &t.peers[k].key, sizeof(t.peers[i].key));
	for (size_t i = 0; i < t.core_cnt; i++)
		for (size_t k = i + 1; k < t.core_cnt; k++)
			assert_memory_not_equal(&t.cores[i].key, &t.cores[k].key, sizeof(t.cores[i].key));
	match_tables_done(&t);
	for (unsigned i = 0; i < 3; i++)
		trunk_free((struct trunk *)ct[i].trunk);
	gateway_free(g);
}

/* 100,000 trunks behind one carrier, each with ten ranges: sorting, nothing quadratic. */
#define MANY 100000
static void test_many(void **state)
{
	struct gateway *g = gateway_new();
	struct compile_trunk *ct = calloc(MANY, sizeof(*ct));
	struct compile_input in = { .gateway = g, .trunks = ct, .trunk_cnt = MANY, .generation = 3 };
	struct timespec t0, t1;
	struct match_tables t;
	const struct policy_copy *c;
	void *mem;
	size_t a, b;
	ssize_t n;

	(void)state;
	for (uint32_t i = 0; i < MANY; i++) {
		struct trunk *tr = trunk_new();
		const char *text;
		char s[64];

		tr->carrier_peers = calloc(1, sizeof(struct peer));
		tr->core_peers = calloc(1, sizeof(struct peer));
		tr->numbers = calloc(10, sizeof(*tr->numbers));
		tr->carrier_cnt = tr->core_cnt = 1;
		tr->has_numbers = true;
		assert_int_equal(peer_parse("203.0.113.10", true, tr->carrier_peers, &text), 0);
		snprintf(s, sizeof(s), "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
		assert_int_equal(peer_parse(s, false, tr->core_peers, &text), 0);
		for (unsigned k = 0; k < 10; k++) {
			snprintf(s, sizeof(s), "+1%06u%04u-+1%06u%04u", 212000 + i % 700000, k * 1000,
				 212000 + i % 700000, k * 1000 + 500);
			assert_int_equal(number_range_parse(s, &tr->numbers[tr->number_cnt++], &text), 0);
		}
		ct[i] = (struct compile_trunk){ tr, i, POLICY_CREDENTIAL_NONE, NULL };
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0);
	assert_int_equal(match_tables_compile(&in, &t, &a, &b), 0);
	n = policy_compile(&in, NULL, 0);
	assert_true(n > 0);
	mem = aligned_alloc(8, ((size_t)n + 7) & ~(size_t)7);
	assert_int_equal(policy_compile(&in, mem, (size_t)n), n);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t1);
	assert_int_equal(t.core_cnt, MANY);
	assert_true(t1.tv_sec - t0.tv_sec < 30); /* half a second without sanitizers */
	c = mem;
	assert_true(policy_number_inside(c, policy_trunk_get(c, 1), SLICE("12120019500")));
	assert_false(policy_number_inside(c, policy_trunk_get(c, 1), SLICE("12120019501")));
	free(mem);
	match_tables_done(&t);
	for (uint32_t i = 0; i < MANY; i++)
		trunk_free((struct trunk *)ct[i].trunk);
	free(ct);
	gateway_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_keys_once),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests_name("trunk/match", tests, NULL, NULL);
}
