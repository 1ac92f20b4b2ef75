/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rules of the street with a public address: two network namespaces of our own, 11.9.8.1 is us and 11.9.8.2 the
 * server.  Needs root.
 */
#include "fetchworld.h"

#include <fcntl.h>
#include <sched.h>

static struct httpsd far, near;
static bool is_ready;

static int sh(const char *fmt, int fd)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), fmt, fd);
	return system(cmd);
}

/* Here is our namespace; the far one lives as long as its server. */
static int two_sides(void)
{
	CLEANUP(closep) int here = open("/proc/thread-self/ns/net", O_RDONLY); /* ip inherits it */

	if (here < 0 || unshare(CLONE_NEWNET) < 0 ||
	    sh("ip link add v1 type veth peer name v0 netns /proc/self/fd/%d", here) ||
	    sh("ip addr add 11.9.8.2/24 dev v1 && ip link set v1 up", 0))
		return -1;
	httpsd_start(&far, "11.9.8.2", 8443, world.x[CERT_GOOD], world.key[CERT_GOOD]);
	if (setns(here, CLONE_NEWNET) < 0 || sh("ip addr add 11.9.8.1/24 dev v0 && ip link set v0 up", 0))
		return -1;
	httpsd_start(&near, "11.9.8.1", 8443, world.x[CERT_GOOD], world.key[CERT_GOOD]);
	return 0;
}

static int setup(void **state)
{
	if (unshare(CLONE_NEWNET) < 0)
		return 0;
	if (sh("ip link set lo up", 0) || world_setup(state) < 0 || two_sides() < 0)
		return -1;
	is_ready = true;
	return 0;
}

static int teardown(void **state)
{
	if (!is_ready)
		return 0;
	httpsd_stop(&far);
	httpsd_stop(&near);
	return world_teardown(state);
}

static void street(void)
{
	struct fetch_config cfg = lab();

	if (!is_ready)
		skip();
	cfg.rules.allow_private = false;
	fetcher(cfg);
}

static void test_public(void **state)
{
	const struct note *n;

	(void)state;
	street();
	n = one("https://street.test:8443/good");
	if (n->r.error)
		fail_msg("%d (%s)", n->r.error, n->r.text);
	assert_string_equal(n->body, "hello");
}

/* A name with a private and a public address: only the public one is ever tried. */
static void test_mixed(void **state)
{
	const struct note *n;

	(void)state;
	street();
	n = one("https://mixed.test:8443/good");
	if (n->r.error)
		fail_msg("%d (%s)", n->r.error, n->r.text);
}

/* An address of our own is not the street, be it as public as can be. */
static void test_own(void **state)
{
	const struct note *n;

	(void)state;
	street();
	n = one("https://own.test:8443/good");
	assert_int_equal(n->r.error, -EACCES);
	assert_string_equal(n->r.text, "address refused: an address of this machine");
	assert_int_equal(near.accepted, 0);
	fetcher_free(NULL);
	fetcher(lab()); /* the server is there: it was the address */
	assert_int_equal(one("https://own.test:8443/good")->r.error, 0);
	assert_int_equal(near.accepted, 1);
}

/* The same, written as IPv6: to the kernel it is the same. */
static void test_own_mapped(void **state)
{
	unsigned before = near.accepted;
	const struct note *n;

	(void)state;
	street();
	n = one("https://mapped.test:8443/good");
	assert_int_equal(n->r.error, -EACCES);
	assert_string_equal(n->r.text, "address refused: an address of this machine");
	assert_int_equal(near.accepted, before);
	fetcher_free(NULL);
	fetcher(lab());
	assert_int_equal(one("https://mapped.test:8443/good")->r.error, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_public, fetcher_free),
		cmocka_unit_test_teardown(test_mixed, fetcher_free),
		cmocka_unit_test_teardown(test_own, fetcher_free),
		cmocka_unit_test_teardown(test_own_mapped, fetcher_free),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
