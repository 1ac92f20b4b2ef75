// SPDX-License-Identifier: BSD-2-Clause
/*
 * fast_path auto: in a network namespace with dummies and a veth, with rules that nft makes.
 */
#include "guard.h"

#include "daemon/fastpath.h"
#include "lab.h"

static char why[160];

static struct gateway gateway_with(const char *name)
{
	struct gateway g = { .fast_path = FAST_PATH_AUTO, .interface_cnt = 1 };

	snprintf(g.interfaces[0].name, sizeof(g.interfaces[0].name), "%s", name);
	return g;
}

static void expect(const char *name, bool is_forward, const char *text)
{
	struct gateway g = gateway_with(name);

	why[0] = '\0';
	if (fastpath_decide(&g, why) != is_forward || !strstr(why, text))
		fail_msg("%s: \"%s\", wanted \"%s\"", name, why, text);
}

static void test_configured(void **state)
{
	struct gateway g = gateway_with("v0");

	(void)state;
	g.fast_path = FAST_PATH_FORWARD;
	assert_true(fastpath_decide(&g, why));
	assert_string_equal(why, "by configuration");
	g.fast_path = FAST_PATH_KERNEL;
	assert_false(fastpath_decide(&g, why));
}

static void test_nothing_in_the_way(void **state)
{
	(void)state;
	expect("lo", true, "no forward or NAT rules");
}

static void test_veth(void **state)
{
	(void)state;
	expect("v0", false, "veth driver on v0");
}

/* Without nf_tables in the kernel there is nothing to find; then these are skipped, and say so. */
static void nft_or_skip(const char *rules)
{
	char cmd[512];

	if (system("nft list tables >/dev/null 2>&1")) {
		print_message("no nf_tables here: skipped\n");
		skip();
	}
	snprintf(cmd, sizeof(cmd), "nft '%s'", rules);
	lab_run(cmd);
}

static int flush(void **state)
{
	(void)state;
	return system("nft flush ruleset 2>/dev/null") == -1;
}

static void test_forward_rules(void **state)
{
	(void)state;
	nft_or_skip("add table inet fw; add chain inet fw ff { type filter hook forward priority 0 ; }");
	expect("lo", true, "no forward or NAT rules"); /* a chain without rules */
	nft_or_skip("add rule inet fw ff counter accept");
	expect("lo", false, "nf_tables chain inet fw ff");
}

static void test_forward_policy_drop(void **state)
{
	(void)state;
	nft_or_skip("add table ip t; add chain ip t f { type filter hook forward priority 0 ; policy drop ; }");
	expect("lo", false, "nf_tables chain ip t f");
}

/* By what the chain is for, not by its name; and only of its own chain are the rules counted. */
static void test_other_hooks(void **state)
{
	(void)state;
	nft_or_skip("add table inet a; add chain inet a in { type filter hook input priority 0 ; }; "
		    "add rule inet a in counter; add chain inet a forward; add rule inet a forward counter; "
		    "add chain inet a base { type filter hook forward priority 0 ; }");
	expect("lo", true, "no forward or NAT rules");
}

static void test_nat(void **state)
{
	(void)state;
	nft_or_skip("add table ip6 n; add chain ip6 n post { type filter hook postrouting priority 0 ; }; "
		    "add rule ip6 n post counter");
	expect("lo", true, "no forward or NAT rules");
	if (system("nft add chain ip6 n nat \"{ type nat hook postrouting priority 100 ; }\" 2>/dev/null")) {
		print_message("no NAT in this kernel: skipped\n");
		skip();
	}
	nft_or_skip("add rule ip6 n nat counter");
	expect("lo", false, "nf_tables chain ip6 n nat");
}

#define T(fn) cmocka_unit_test_teardown(fn, flush)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		T(test_configured), T(test_nothing_in_the_way), T(test_veth), T(test_forward_rules),
		T(test_forward_policy_drop), T(test_other_hooks), T(test_nat),
	};

	lab_up();
	lab_run("ip link set lo up; ip link add v0 type veth peer name v0p");
	return !!cmocka_run_group_tests_name("fastpath", tests, NULL, NULL);
}
