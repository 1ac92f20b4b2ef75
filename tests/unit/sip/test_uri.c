/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard.h"

#include <errno.h>

#include "base/cleanup.h"
#include "sip/uri.h"

/* NULL: not there */
static bool is(struct slice s, const char *want)
{
	return want ? s.p && slice_eq(s, slice_str(want)) : s.p == NULL;
}

static const struct {
	const char *uri;
	enum sip_scheme scheme;
	const char *user, *host, *params;
} good[] = {
	{ "sip:alice@example.com", SIP_SCHEME_SIP, "alice", "example.com", "" },
	{ "sip:alice:pw@example.com:5060;transport=udp;lr?a=b&c=d", SIP_SCHEME_SIP, "alice",
	  "example.com",
	  ";transport=udp;lr" },
	{ "SIPS:+12155550112;npdi;rn=+1215@[2001:db8::1]:5061;user=phone", SIP_SCHEME_SIPS,
	  "+12155550112;npdi;rn=+1215", "[2001:db8::1]", ";user=phone" },
	{ "sip:example.com", SIP_SCHEME_SIP, NULL, "example.com", "" },
	{ "sip:10.0.0.1:5060;lr", SIP_SCHEME_SIP, NULL, "10.0.0.1", ";lr" },
	{ "sip:a?b/c@example.com", SIP_SCHEME_SIP, "a?b/c", "example.com", "" },
	{ "sip:example.com?to=sip:x", SIP_SCHEME_SIP, NULL, "example.com", "" },
	{ "sip:a%40b@pbx_1.example.com", SIP_SCHEME_SIP, "a%40b", "pbx_1.example.com", "" },
	{ "sip:a:@example.com", SIP_SCHEME_SIP, "a", "example.com", "" },
	{ "sip:j\xc3\xbcrgen@example.com", SIP_SCHEME_SIP, "j\xc3\xbcrgen", "example.com", "" },
	{ "tel:+1-215-555-0112;ext=7", SIP_SCHEME_TEL, "+1-215-555-0112;ext=7", NULL, "" },
	{ "Tel:911", SIP_SCHEME_TEL, "911", NULL, "" },
	{ "urn:service:sos", SIP_SCHEME_URN, "service:sos", NULL, "" },
	{ "http://example.com/", SIP_SCHEME_OTHER, NULL, NULL, "" },
	{ "sip2:x@y", SIP_SCHEME_OTHER, NULL, NULL, "" },
};

static void test_good_uri(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct guard g = guard_new(good[i].uri, strlen(good[i].uri));
		struct sip_uri u;

		if (sip_uri_parse(slice_of(g.p, g.len), &u) != 0)
			fail_msg("%s: refused", good[i].uri);
		if (u.scheme != good[i].scheme || !is(u.raw, good[i].uri) || !is(u.user,
			good[i].user) ||
		    !is(u.host, good[i].host) || !is(u.params, good[i].params))
			fail_msg("%s: scheme %d user '%.*s' host '%.*s' params '%.*s'", good[i].uri,
				 u.scheme, (int)u.user.len, u.user.p, (int)u.host.len, u.host.p,
				 (int)u.params.len, u.params.p);
		guard_free(&g);
	}
}

static void test_bad_uri(void **state)
{
	static const char *const bad[] = {
		"", "sip", "sip:", ":x@y", "tel:", "urn:", "s p:x@y", "sip:@example.com", "sip:a@",
			"sip:a@:5060",
		"sip:a@b@c", "sip:a@b;x=y@c", "sip:a@b?x=y@c", "sip:a:b:c@d", "sip::pw@d",
		"sip:;lr", "sip:a@;lr",
		"sip:a@[2001:db8::1", "sip:a@[]", "sip:a@[1]", "sip:a@[::1]x", "sip:a@[::g]",
		"sip:a@2001:db8::1]",
		"sip:a@2001:db8::1", "sip:a@b:", "sip:a@b:x", "sip:a@b:65536", "sip:a@b:000001",
		"sip:a@b c",
		"sip:a b@c", "sip:a@b\x01", "sip:a@b\x7f", "sip:a@b\r\n", "<sip:a@b>",
		"sip:\"a\"@b", "sip:a@b/c",
		"sip:a@b\xc3\xbc", "(sip):a@b",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct guard g = guard_new(bad[i], strlen(bad[i]));
		struct sip_uri u = { .scheme = 77 };

		if (sip_uri_parse(slice_of(g.p, g.len), &u) != -EBADMSG || u.scheme != 77)
			fail_msg("%s: taken, or output touched", bad[i]);
		guard_free(&g);
	}
}

static void test_param_get(void **state)
{
	static const struct { const char *params, *name; int ret; const char *value; } cases[] = {
		{ ";tag=abc", "tag", 1, "abc" },
		{ ";a=1;TAG=abc;b", "tag", 1, "abc" },
		{ " ; a = 1 \r\n ; tag\t=\r\n abc ", "tag", 1, "abc" },
		{ ";x=\"a;tag=no\";tag=yes", "tag", 1, "yes" },
		{ ";x=\"a\\\";tag=no\";tag=yes", "tag", 1, "yes" },
		{ ";info=<https://x/;tag=no>;tag=yes", "tag", 1, "yes" },
		{ ";info=<https://x/;a=b>;tag=yes", "info", 1, "<https://x/;a=b>" },
		{ ";tag=\"quoted \\\" text\"", "tag", 1, "quoted \\\" text" },
		{ ";tag=\"\"", "tag", 1, "" },
		{ ";tag=", "tag", 1, "" },
		{ ";tag", "tag", 0, NULL },
		{ ";tag;x", "tag", 0, NULL },
		{ ";;tag=a", "tag", 1, "a" },
		{ "tag=a", "tag", 1, "a" },
		{ ";tag=a;tag=b", "tag", 1, "a" },
		{ ";tags=a", "tag", -ENOENT, NULL },
		{ ";x=tag", "tag", -ENOENT, NULL },
		{ ";x=\"tag=a", "tag", -ENOENT, NULL },
		{ ";x=\"a\\", "tag", -ENOENT, NULL },
		{ "", "tag", -ENOENT, NULL },
		{ ";", "tag", -ENOENT, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct guard g = guard_new(cases[i].params, strlen(cases[i].params));
		struct slice v = SLICE("untouched");
		int r = sip_param_get(slice_of(g.p, g.len), slice_str(cases[i].name), &v);

		if (r != cases[i].ret || !is(v, r == 1 ? cases[i].value : "untouched"))
			fail_msg("%s: %d '%.*s'", cases[i].params, r, (int)v.len, v.p);
		guard_free(&g);
	}
	assert_int_equal(sip_param_get(SLICE_NONE, SLICE("tag"), &(struct slice){ 0 }), -ENOENT);
}

/* Several values per case; ret is what the call after the last one returns. */
static const struct {
	const char *value;
	struct { const char *display, *uri, *params; } a[4];
	int ret;
} addrs[] = {
	{ "<sip:a@b>", { { "", "sip:a@b", "" } }, 0 },
	{ "<sip:a@b;x=1>;tag=2", { { "", "sip:a@b;x=1", ";tag=2" } }, 0 },
	{ "sip:a@b;tag=2", { { "", "sip:a@b", ";tag=2" } }, 0 },
	{ "sip:a@b ;tag=2", { { "", "sip:a@b", ";tag=2" } }, 0 },
	{ "Alice <sip:a@b>", { { "Alice", "sip:a@b", "" } }, 0 },
	{ "Alice<sip:a@b>", { { "Alice", "sip:a@b", "" } }, 0 },
	{ "Alice  of the\r\n\tOffice <sip:a@b>", { { "Alice  of the\r\n\tOffice", "sip:a@b", "" } },
	  0 },
	{ "J\xc3\xbcrgen M\xc3\xbcller <sip:a@b>", { { "J\xc3\xbcrgen M\xc3\xbcller", "sip:a@b",
	  "" } }, 0 },
	{ "\"A, B; <C>\" <sip:a@b>;tag=1", { { "A, B; <C>", "sip:a@b", ";tag=1" } }, 0 },
	{ "\"a \\\" b \\\\\" <sip:a@b>", { { "a \\\" b \\\\", "sip:a@b", "" } }, 0 },
	{ "\"\"<sip:a@b>", { { "", "sip:a@b", "" } }, 0 },
	{ "\"A\"\r\n <sip:a@b>\r\n ;tag=1", { { "A", "sip:a@b", ";tag=1" } }, 0 },
	{ "<sip:a@b>, <tel:+1>", { { "", "sip:a@b", "" }, { "", "tel:+1", "" } }, 0 },
	{ "<sip:a,b@c>;x=\"1,2\",\r\n \"D\" <tel:+1>;y , sip:e@f",
	  { { "", "sip:a,b@c", ";x=\"1,2\"" }, { "D", "tel:+1", ";y" }, { "", "sip:e@f", "" } },
	    0 },
	{ "sip:a@b,sip:c@d;t=1", { { "", "sip:a@b", "" }, { "", "sip:c@d", ";t=1" } }, 0 },
	{ "  <sip:a@b>  ", { { "", "sip:a@b", "" } }, 0 },
	{ "tel:+1;phone-context=x", { { "", "tel:+1", ";phone-context=x" } }, 0 },
	{ "", { { 0 } }, 0 },
	{ " \r\n ", { { 0 } }, 0 },
	{ "<sip:a@b>,", { { 0 } }, -EBADMSG },
	{ ",<sip:a@b>", { { 0 } }, -EBADMSG },
	{ "<sip:a@b>,,<sip:c@d>", { { "", "sip:a@b", "" } }, -EBADMSG },
	{ "<sip:a@b", { { 0 } }, -EBADMSG },
	{ "sip:a@b>", { { 0 } }, -EBADMSG },
	{ "<sip:a@b>>", { { 0 } }, -EBADMSG },
	{ "<sip:a@b>;x=>", { { 0 } }, -EBADMSG },
	{ "<<sip:a@b>", { { 0 } }, -EBADMSG },
	{ "<>", { { 0 } }, -EBADMSG },
	{ "<sip:a@b> x", { { 0 } }, -EBADMSG },
	{ "<sip:a@b>;x=\"1", { { 0 } }, -EBADMSG },
	{ "<sip:a@b>;x=<1", { { 0 } }, -EBADMSG },
	{ "\"A <sip:a@b>", { { 0 } }, -EBADMSG },
	{ "\"A\\\r\n B\" <sip:a@b>", { { 0 } }, -EBADMSG },
	{ "\"A\"", { { 0 } }, -EBADMSG },
	{ "\"A\" sip:a@b", { { 0 } }, -EBADMSG },
	{ "\"A\" B <sip:a@b>", { { 0 } }, -EBADMSG },
	{ "Bell, Alexander <sip:a@b>", { { 0 } }, -EBADMSG },
	{ "sip:x@y <sip:a@b>", { { 0 } }, -EBADMSG },
	{ "A\x01 <sip:a@b>", { { 0 } }, -EBADMSG },
	{ "sip:a@b?x=y", { { 0 } }, -EBADMSG },
	{ "Alice", { { 0 } }, -EBADMSG },
	{ "\"", { { 0 } }, -EBADMSG },
	{ "\"\\", { { 0 } }, -EBADMSG },
	{ "<", { { 0 } }, -EBADMSG },
};

static void test_addr(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(addrs); i++) {
		struct guard g = guard_new(addrs[i].value, strlen(addrs[i].value));
		struct slice rest = slice_of(g.p, g.len), before;
		struct sip_addr a;
		size_t k = 0;
		int r;

		for (; addrs[i].a[k].uri; k++) {
			r = sip_addr_next(&rest, &a);
			if (r != 1 || !is(a.display, addrs[i].a[k].display) ||
			    !is(a.uri, addrs[i].a[k].uri) || !is(a.params, addrs[i].a[k].params))
				fail_msg("%s: value %zu: %d '%.*s' '%.*s' '%.*s'", addrs[i].value,
					k, r,
					 (int)a.display.len, a.display.p, (int)a.uri.len, a.uri.p,
					 (int)a.params.len, a.params.p);
		}
		before = rest;
		a.uri = SLICE("untouched");
		r = sip_addr_next(&rest, &a);
		if (r != addrs[i].ret || !is(a.uri, "untouched"))
			fail_msg("%s: ends with %d, want %d", addrs[i].value, r, addrs[i].ret);
		if (r < 0 && (rest.p != before.p || rest.len != before.len))
			fail_msg("%s: value advanced on failure", addrs[i].value);
		guard_free(&g);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_uri), cmocka_unit_test(test_bad_uri),
		cmocka_unit_test(test_param_get), cmocka_unit_test(test_addr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
