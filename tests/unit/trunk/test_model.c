// SPDX-License-Identifier: BSD-2-Clause
#include "guard.h"

#include <errno.h>
#include <stdlib.h>

#include "trunk/model.h"

static const struct {
	const char *name, *in;
	bool want_port;
	const char *out; /* NULL: refused */
	unsigned bits, port;
} peers[] = {
	{ "v4 host and port", "203.0.113.10:5060", true, "203.0.113.10:5060", 128, 5060 },
	{ "v4 host", "203.0.113.10", true, "203.0.113.10", 128, 0 },
	{ "v4 prefix", "198.51.100.0/28", true, "198.51.100.0/28", 124, 0 },
	{ "v4 /32 is a host", "198.51.100.1/32", true, "198.51.100.1", 128, 0 },
	{ "v4 everything", "0.0.0.0/0", false, "0.0.0.0/0", 96, 0 },
	{ "v6 host and port", "[2001:db8::10]:65535", true, "[2001:db8::10]:65535", 128, 65535 },
	{ "v6 host in brackets", "[2001:db8::10]", true, "2001:db8::10", 128, 0 },
	{ "v6 bare host", "2001:db8::10", false, "2001:db8::10", 128, 0 },
	{ "v6 prefix", "2001:db8::/32", false, "2001:db8::/32", 32, 0 },
	{ "v6 prefix without mapped ones", "2000::/3", false, "2000::/3", 3, 0 },
	{ "v6 odd prefix", "2001:db8:8000::/33", false, "2001:db8:8000::/33", 33, 0 },
	{ "empty", "", true, NULL, 0, 0 },
	{ "name", "carrier.example", true, NULL, 0, 0 },
	{ "port 0", "203.0.113.10:0", true, NULL, 0, 0 },
	{ "port 65536", "203.0.113.10:65536", true, NULL, 0, 0 },
	{ "port with sign", "203.0.113.10:+5060", true, NULL, 0, 0 },
	{ "port empty", "203.0.113.10:", true, NULL, 0, 0 },
	{ "port not wanted", "203.0.113.10:5060", false, NULL, 0, 0 },
	{ "prefix with port", "198.51.100.0/28:5060", true, NULL, 0, 0 },
	{ "v4 prefix too long", "198.51.100.0/33", true, NULL, 0, 0 },
	{ "v4 prefix empty", "198.51.100.0/", true, NULL, 0, 0 },
	{ "v6 prefix too long", "2001:db8::/129", true, NULL, 0, 0 },
	{ "v4 host bits", "198.51.100.1/28", true, NULL, 0, 0 },
	{ "v6 host bits", "2001:db8::1/64", true, NULL, 0, 0 },
	{ "leading zero", "010.0.0.1", true, NULL, 0, 0 },
	{ "three parts", "10.0.1", true, NULL, 0, 0 },
	{ "mapped host", "::ffff:10.0.0.1", true, NULL, 0, 0 },
	{ "mapped host and port", "[::ffff:10.0.0.1]:5060", true, NULL, 0, 0 },
	{ "mapped prefix", "::ffff:0:0/96", true, NULL, 0, 0 },
	{ "prefix over the mapped ones", "::/0", true, NULL, 0, 0 },
	{ "short prefix over the mapped ones", "::/80", true, NULL, 0, 0 },
	{ "no closing bracket", "[2001:db8::10", true, NULL, 0, 0 },
	{ "v4 in brackets", "[10.0.0.1]:5060", true, NULL, 0, 0 },
	{ "text after bracket", "[2001:db8::10]5060", true, NULL, 0, 0 },
	{ "blank", " 10.0.0.1", true, NULL, 0, 0 },
	{ "long", "2001:0db8:0000:0000:0000:0000:0000:0010:0000:0000:0000:0000:0000:0000:0000", true,
	  NULL, 0, 0 },
};

static void test_peers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(peers); i++) {
		struct guard g = guard_new(peers[i].in, strlen(peers[i].in) + 1);
		struct peer p = { .port = 77, .bits = 7 };
		const char *text = NULL;
		char out[64];
		int r = peer_parse(g.p, peers[i].want_port, &p, &text);

		if (!peers[i].out) {
			if (r != -EINVAL || !text)
				fail_msg("%s: returns %d", peers[i].name, r);
			if (p.port != 77 || p.bits != 7)
				fail_msg("%s: output touched on failure", peers[i].name);
			guard_free(&g);
			continue;
		}
		if (r != 0)
			fail_msg("%s: refused: %s", peers[i].name, text);
		peer_format(&p, out);
		if (strcmp(out, peers[i].out))
			fail_msg("%s: %s, want %s", peers[i].name, out, peers[i].out);
		if (p.bits != peers[i].bits || p.port != peers[i].port)
			fail_msg("%s: bits %u port %u", peers[i].name, p.bits, p.port);
		guard_free(&g);
	}
}

static const struct {
	const char *name, *in, *first, *last; /* first NULL: refused */
	bool is_prefix;
} numbers[] = {
	{ "exact", "+18005550100", "18005550100", "18005550100", false },
	{ "exact 15", "+123456789012345", NULL, NULL, false },
	{ "exact 15, not NANP", "+443456789012345", "443456789012345", "443456789012345", false },
	{ "16 digits", "+4434567890123456", NULL, NULL, false },
	{ "NANP with 10 digits", "+1800555010", NULL, NULL, false },
	{ "prefix", "+1212555*", "1212555", "", true },
	{ "prefix of one digit", "+4*", "4", "", true },
	{ "NANP prefix of 11", "+12125550100*", "12125550100", "", true },
	{ "NANP prefix of 12", "+121255501001*", NULL, NULL, false },
	{ "range", "+13125550000-+13125559999", "13125550000", "13125559999", false },
	{ "range of one", "+13125550000-+13125550000", "13125550000", "13125550000", false },
	{ "backwards", "+13125559999-+13125550000", NULL, NULL, false },
	{ "other lengths", "+442079460000-+4420794600000", NULL, NULL, false },
	{ "range end without +", "+13125550000-13125559999", NULL, NULL, false },
	{ "no +", "18005550100", NULL, NULL, false },
	{ "empty", "", NULL, NULL, false },
	{ "only +", "+", NULL, NULL, false },
	{ "star alone", "+*", NULL, NULL, false },
	{ "star inside", "+1212*555", NULL, NULL, false },
	{ "two stars", "+1212**", NULL, NULL, false },
	{ "separators", "+1-800-555-0100", NULL, NULL, false },
	{ "country code 0", "+0800555010", NULL, NULL, false },
	{ "short", "+4412", NULL, NULL, false },
	{ "trailing blank", "+18005550100 ", NULL, NULL, false },
	{ "range of prefixes", "+1212*-+1213*", NULL, NULL, false },
};

static void test_numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		struct guard g = guard_new(numbers[i].in, strlen(numbers[i].in) + 1);
		struct number_range r = { .first = "x" };
		const char *text = NULL;
		int ret = number_range_parse(g.p, &r, &text);

		if (numbers[i].first) {
			if (ret != 0)
				fail_msg("%s: refused: %s", numbers[i].name, text);
			if (strcmp(r.first, numbers[i].first) || strcmp(r.last, numbers[i].last) ||
			    r.is_prefix != numbers[i].is_prefix)
				fail_msg("%s: %s %s", numbers[i].name, r.first, r.last);
		} else if (ret != -EINVAL || !text || strcmp(r.first, "x")) {
			fail_msg("%s: returns %d, first %s", numbers[i].name, ret, r.first);
		}
		guard_free(&g);
	}
}

static void test_defaults(void **state)
{
	CLEANUP(gateway_freep) struct gateway *g = gateway_new();
	CLEANUP(trunk_freep) struct trunk *t = trunk_new();

	(void)state;
	assert_non_null(g);
	assert_non_null(t);
	assert_int_equal(g->on_signer_failure, SIPSEAL_DROP);
	assert_int_equal(g->unmatched_invite, SIPSEAL_PASS);
	assert_int_equal(g->heartbeat_ms, 500);
	assert_int_equal(g->sip_ports[0], 5060);
	assert_int_equal(g->emergency_cnt, 3);
	assert_true(g->regulatory_enabled);
	assert_string_equal(g->metrics, "127.0.0.1:9497");
	assert_int_equal(t->attestation_other, ATTEST_B);
	assert_int_equal(t->orig_from[0], SOURCE_PAI);
	assert_int_equal(t->orig_from[2], SOURCE_END);
	assert_true(t->add_privacy_none);
	assert_null(gateway_trunk(g, "acme"));
	assert_string_equal(g->cache_dir, "/var/cache/sipseal");
	assert_int_equal(g->fetch_timeout_ms, 2000);
	assert_int_equal(t->verification.wait_ms, 400);
	assert_string_equal(t->verification.result_header, "X-STIR-Result");
	assert_false(t->verification.is_enabled);
	assert_true(t->verification.trust_pai);
	gateway_free(NULL);
	trunk_free(NULL);
}

/* Texts of a trunk are its own: the one that it inherited them from may go first. */
static void test_inherit(void **state)
{
	struct trunk *base = trunk_new(), *t, *none;

	(void)state;
	base->verification.wait_ms = 9;
	base->verification.is_given = true;
	base->verification.label[LABEL_A] = strdup("[A]");
	base->verification.label[LABEL_MISSING] = strdup("?");
	t = trunk_inherit(base, true);
	free(base->verification.result_header);
	base->verification.result_header = NULL;
	none = trunk_inherit(base, true);
	assert_ptr_not_equal(t->verification.label[LABEL_A], base->verification.label[LABEL_A]);
	trunk_free(base);
	assert_int_equal(t->verification.wait_ms, 9);
	assert_true(t->verification.is_given);
	assert_string_equal(t->verification.result_header, "X-STIR-Result");
	assert_string_equal(t->verification.label[LABEL_A], "[A]");
	assert_string_equal(t->verification.label[LABEL_MISSING], "?");
	assert_null(t->verification.label[LABEL_B]);
	assert_null(none->verification.result_header);
	trunk_free(t);
	trunk_free(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_peers),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_inherit),
	};

	return cmocka_run_group_tests_name("trunk/model", tests, NULL, NULL);
}
