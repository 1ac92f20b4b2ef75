/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "fetcher/url.h"

static const struct url_rules street = { .allow_private = false }, lab = { .allow_private = true };

/* First and last address of what is refused; before and after are the neighbours, NULL where they are refused too. */
static const struct {
	const char *name, *before, *first, *last, *after;
} blocks[] = {
	{ "this network", NULL, "0.0.0.0", "0.255.255.255", "1.0.0.0" },
	{ "10/8", "9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0" },
	{ "100.64/10", "100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0" },
	{ "loopback", "126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0" },
	{ "metadata in public space", "168.63.129.15", "168.63.129.16", "168.63.129.16", "168.63.129.17" },
	{ "link-local", "169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0" },
	{ "172.16/12", "172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0" },
	{ "192.0.0/24", "191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0" },
	{ "documentation 1", "192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0" },
	{ "6to4 relay", "192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0" },
	{ "192.168/16", "192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0" },
	{ "benchmark", "198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0" },
	{ "documentation 2", "198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0" },
	{ "documentation 3", "203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0" },
	{ "multicast", "223.255.255.255", "224.0.0.0", "239.255.255.255", NULL },
	{ "reserved", NULL, "240.0.0.0", "255.255.255.255", NULL },

	{ "below NAT64", NULL, "::", "64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff", "64:ff9b::808:808" },
	{ "v4-compatible", NULL, "::8.8.8.8", "::255.255.255.255", NULL },
	{ "SIIT", NULL, "::ffff:0:8.8.8.8", "::ffff:0:9.9.9.9", NULL },
	{ "behind NAT64", NULL, "64:ff9b:0:0:0:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", NULL },
	{ "discard", NULL, "100::", "100::ffff:ffff:ffff:ffff", NULL },
	{ "up to 2000::/3", NULL, "200::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2000::" },
	{ "Teredo", "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", NULL },
	{ "benchmark 6", NULL, "2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff", NULL },
	{ "protocol assignments", NULL, "2001:1::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::" },
	{ "documentation 6", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::" },
	{ "documentation 6, new", "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::" },
	{ "from 4000::", "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "4000::", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL },
	{ "ULA", NULL, "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL },
	{ "metadata 6", NULL, "fd00:ec2::254", "fd00:ec2::254", NULL },
	{ "fe00::", NULL, "fe00::", "fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL },
	{ "link-local 6", NULL, "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL },
	{ "site-local", NULL, "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL },
	{ "multicast 6", NULL, "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL },
};

static int ask(const char *text, const struct url_rules *rules, const char **ret_why)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	bool is_6 = strchr(text, ':');
	struct guard g;
	int r;

	if (inet_pton(is_6 ? AF_INET6 : AF_INET, text, is_6 ? (void *)&in6.sin6_addr : (void *)&in.sin_addr) != 1)
		fail_msg("%s is no address", text);
	g = is_6 ? guard_new(&in6, sizeof(in6)) : guard_new(&in, sizeof(in));
	*ret_why = NULL;
	r = url_address_check((struct sockaddr *)g.p, rules, ret_why);
	guard_free(&g);
	return r;
}

static void want(const char *name, const char *text, int r)
{
	const char *why;
	int got;

	if (!text)
		return;
	got = ask(text, &street, &why);
	if (got != r || !why != !r)
		fail_msg("%s: %s returns %d (%s)", name, text, got, why ? why : "no reason");
	if (ask(text, &lab, &why) != 0 || why)
		fail_msg("%s: %s is refused in a laboratory", name, text);
}

static void test_blocks(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(blocks); i++) {
		want(blocks[i].name, blocks[i].before, 0);
		want(blocks[i].name, blocks[i].first, -EACCES);
		want(blocks[i].name, blocks[i].last, -EACCES);
		want(blocks[i].name, blocks[i].after, 0);
	}
}

/* The same IPv4 ranges and neighbours in each of the forms that end there. */
static void embedded(const char *name, const char *v4, int r)
{
	char text[3][INET6_ADDRSTRLEN + 16];
	struct in_addr in;
	const uint8_t *b = (const uint8_t *)&in;

	if (!v4 || strchr(v4, ':'))
		return;
	assert_int_equal(inet_pton(AF_INET, v4, &in), 1);
	snprintf(text[0], sizeof(text[0]), "::ffff:%s", v4);
	snprintf(text[1], sizeof(text[1]), "64:ff9b::%s", v4);
	snprintf(text[2], sizeof(text[2]), "2002:%02x%02x:%02x%02x::1", b[0], b[1], b[2], b[3]);
	for (size_t i = 0; i < ARRAY_SIZE(text); i++)
		want(name, text[i], r);
	/* these forms are refused whatever they carry */
	snprintf(text[0], sizeof(text[0]), "::%s", v4);
	snprintf(text[1], sizeof(text[1]), "2001:0:%02x%02x:%02x%02x::1", b[0], b[1], b[2], b[3]);
	snprintf(text[2], sizeof(text[2]), "64:ff9b:1::%s", v4);
	for (size_t i = 0; i < ARRAY_SIZE(text); i++)
		want(name, text[i], -EACCES);
}

static void test_embedded(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(blocks); i++) {
		embedded(blocks[i].name, blocks[i].before, 0);
		embedded(blocks[i].name, blocks[i].first, -EACCES);
		embedded(blocks[i].name, blocks[i].last, -EACCES);
		embedded(blocks[i].name, blocks[i].after, 0);
	}
}

static void test_public(void **state)
{
	static const char *const addrs[] = { "1.1.1.1", "8.8.8.8", "93.184.215.14", "203.1.1.1", "2606:4700::1111",
					     "2a00:1450:4001::1", "2001:4860:4860::8888", "240e::1" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(addrs); i++)
		want("public", addrs[i], 0);
}

static void test_no_ip(void **state)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "/x" };
	const char *why = NULL;

	(void)state;
	assert_int_equal(url_address_check((struct sockaddr *)&un, &street, &why), -EACCES);
	assert_non_null(why);
	assert_int_equal(url_address_check((struct sockaddr *)&un, &lab, &why), -EACCES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_embedded),
		cmocka_unit_test(test_public),
		cmocka_unit_test(test_no_ip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
