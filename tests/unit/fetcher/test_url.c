/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard.h"

#include <errno.h>

#include "base/cleanup.h"
#include "fetcher/url.h"

#define L63 "a23456789012345678901234567890123456789012345678901234567890123"
#define HOST253 L63 "." L63 "." L63 "." "b234567890123456789012345678901234567890123456789012345678901"
#define P50 "01234567890123456789012345678901234567890123456789"
#define P500 P50 P50 P50 P50 P50 P50 P50 P50 P50 P50

static const struct url_rules street = { .allow_private = false }, lab = { .allow_private = true };

/* host NULL: refused, and why must hold the text */
static const struct {
	const char *name, *text, *host;
	unsigned port;
	const char *path, *why;
	const char *lab_host; /* what a laboratory makes of it; NULL: as above */
} cases[] = {
	{ "plain", "https://cert.example/a.pem", "cert.example", 443, "/a.pem" },
	{ "no path", "https://cert.example", "cert.example", 443, "" },
	{ "root", "https://cert.example/", "cert.example", 443, "/" },
	{ "port 443", "https://cert.example:443/a", "cert.example", 443, "/a" },
	{ "port 8443", "https://cert.example:8443/a", "cert.example", 8443, "/a" },
	{ "upper case host", "https://CERT.Example/A.pem", "cert.example", 443, "/A.pem" },
	{ "upper case scheme", "HTTPS://cert.example/a", "cert.example", 443, "/a" },
	{ "xn", "https://xn--bcher-kva.example/a", "xn--bcher-kva.example", 443, "/a" },
	{ "digits in name", "https://1.2.3.4.example/a", "1.2.3.4.example", 443, "/a" },
	{ "longest name", "https://" HOST253 "/", HOST253, 443, "/" },
	{ "escape in path", "https://cert.example/a%20b%2F", "cert.example", 443, "/a%20b%2F" },
	{ "dots in path", "https://cert.example/../a", "cert.example", 443, "/../a" },
	{ "at in path", "https://cert.example/@evil.example/", "cert.example", 443, "/@evil.example/" },
	{ "colon in path", "https://cert.example/a:80", "cert.example", 443, "/a:80" },
	{ "512 bytes of host", "https://a.bc" P500, NULL, 0, NULL, "253 bytes" },
	{ "512 bytes of path", "https://a.b/" P500, "a.b", 443, "/" P500 },
	{ "513 bytes", "https://a.bc/" P500, NULL, 0, NULL, "512 bytes" },

	{ "empty", "", NULL, 0, NULL, "scheme" },
	{ "scheme only", "https://", NULL, 0, NULL, "no host" },
	{ "short scheme", "https:/", NULL, 0, NULL, "scheme" },
	{ "one slash", "https:/cert.example/", NULL, 0, NULL, "scheme" },
	{ "three slashes", "https:///cert.example/", NULL, 0, NULL, "no host" },
	{ "http", "http://cert.example/a", NULL, 0, NULL, "scheme" },
	{ "file", "file:///etc/passwd", NULL, 0, NULL, "scheme" },
	{ "sip", "sip:a@cert.example", NULL, 0, NULL, "scheme" },
	{ "leading blank", " https://cert.example/", NULL, 0, NULL, "scheme" },
	{ "httpsx", "httpsx://cert.example/", NULL, 0, NULL, "scheme" },

	{ "user", "https://user@cert.example/", NULL, 0, NULL, "user name" },
	{ "user and password", "https://a:b@cert.example/", NULL, 0, NULL, "user name" },
	{ "empty user", "https://@cert.example/", NULL, 0, NULL, "user name" },
	{ "two at", "https://cert.example@127.0.0.1@b.example/", NULL, 0, NULL, "user name" },
	{ "host as user", "https://cert.example:443@10.0.0.1/", NULL, 0, NULL, "user name" },
	{ "escaped at", "https://cert.example%40b.example/", NULL, 0, NULL, "no host name may" },
	{ "backslash", "https://cert.example\\@b.example/", NULL, 0, NULL, "backslash" },
	{ "backslash in path", "https://cert.example/a\\b", NULL, 0, NULL, "backslash" },
	{ "query", "https://cert.example/a?b", NULL, 0, NULL, "query" },
	{ "query at once", "https://cert.example?b", NULL, 0, NULL, "query" },
	{ "empty query", "https://cert.example/a?", NULL, 0, NULL, "query" },
	{ "fragment", "https://cert.example/a#b", NULL, 0, NULL, "fragment" },
	{ "fragment in host", "https://cert.example#@b.example/", NULL, 0, NULL, "fragment" },

	{ "escape in host", "https://cert%2eexample/", NULL, 0, NULL, "no host name may" },
	{ "NUL escape in host", "https://cert.example%00.b.example/", NULL, 0, NULL, "no host name may" },
	{ "unicode host", "https://b\xc3\xbc" "cher.example/", NULL, 0, NULL, "printable" },
	{ "fullwidth dot", "https://cert\xef\xbc\x8e" "example/", NULL, 0, NULL, "printable" },
	{ "circled digits", "https://\xe2\x91\xa0.example/", NULL, 0, NULL, "printable" },
	{ "unicode path", "https://cert.example/\xc3\xbc", NULL, 0, NULL, "printable" },
	{ "tab", "https://cert.example/a\tb", NULL, 0, NULL, "printable" },
	{ "newline", "https://cert.example/a\r\nHost: b", NULL, 0, NULL, "printable" },
	{ "blank", "https://cert.example/a b", NULL, 0, NULL, "printable" },
	{ "trailing blank", "https://cert.example/a ", NULL, 0, NULL, "printable" },
	{ "DEL", "https://cert.example/\x7f", NULL, 0, NULL, "printable" },
	{ "quote", "https://cert.example/\"a", NULL, 0, NULL, "no path may" },
	{ "angle", "https://cert.example/<a>", NULL, 0, NULL, "no path may" },
	{ "braces", "https://cert.example/{a,b}", NULL, 0, NULL, "no path may" },
	{ "bracket range", "https://cert.example/[1-9]", NULL, 0, NULL, "no path may" },
	{ "broken escape", "https://cert.example/%2", NULL, 0, NULL, "%-escape" },
	{ "broken escape 2", "https://cert.example/%zz", NULL, 0, NULL, "%-escape" },
	{ "lone percent", "https://cert.example/%", NULL, 0, NULL, "%-escape" },

	{ "trailing dot", "https://cert.example./a", NULL, 0, NULL, "empty label" },
	{ "leading dot", "https://.cert.example/a", NULL, 0, NULL, "empty label" },
	{ "two dots", "https://cert..example/a", NULL, 0, NULL, "empty label" },
	{ "only a dot", "https://./a", NULL, 0, NULL, "empty label" },
	{ "no dot", "https://localhost/a", NULL, 0, NULL, "without a dot" },
	{ "hyphen first", "https://-cert.example/a", NULL, 0, NULL, "hyphen" },
	{ "hyphen last", "https://cert-.example/a", NULL, 0, NULL, "hyphen" },
	{ "underscore", "https://ce_rt.example/a", NULL, 0, NULL, "no host name may" },
	{ "star", "https://*.example/a", NULL, 0, NULL, "no host name may" },
	{ "label of 64", "https://" L63 "4.example/", NULL, 0, NULL, "63 bytes" },
	{ "name of 254", "https://" HOST253 "2/", NULL, 0, NULL, "253 bytes" },

	{ "empty port", "https://cert.example:/a", NULL, 0, NULL, "1 to 65535" },
	{ "port 0", "https://cert.example:0/a", NULL, 0, NULL, "1 to 65535" },
	{ "port 0443", "https://cert.example:0443/a", NULL, 0, NULL, "1 to 65535" },
	{ "port +443", "https://cert.example:+443/a", NULL, 0, NULL, "1 to 65535" },
	{ "port 65536", "https://cert.example:65536/a", NULL, 0, NULL, "1 to 65535" },
	{ "port 65979", "https://cert.example:65979/a", NULL, 0, NULL, "1 to 65535" },
	{ "port of 20 digits", "https://cert.example:18446744073709552059/a", NULL, 0, NULL, "1 to 65535" },
	{ "two ports", "https://cert.example:443:443/a", NULL, 0, NULL, "1 to 65535" },
	{ "port 22", "https://cert.example:22/a", NULL, 22, "/a", "other than", "cert.example" },
	{ "port 80", "https://cert.example:80/a", NULL, 80, "/a", "other than", "cert.example" },
	{ "port 65535", "https://cert.example:65535/a", NULL, 65535, "/a", "other than", "cert.example" },

	{ "IPv4", "https://127.0.0.1/a", NULL, 443, "/a", "IP address", "127.0.0.1" },
	{ "public IPv4", "https://8.8.8.8/a", NULL, 443, "/a", "IP address", "8.8.8.8" },
	{ "short IPv4", "https://127.1/a", NULL, 0, NULL, "IP address" },
	{ "hex IPv4", "https://0x7f.1/a", NULL, 0, NULL, "IP address" },
	{ "hex IPv4, four", "https://0x7f.0x0.0x0.0x1/a", NULL, 0, NULL, "IP address" },
	{ "hex last", "https://127.0.0.0x1/a", NULL, 0, NULL, "IP address" },
	{ "hex without digits", "https://127.0x/a", NULL, 0, NULL, "IP address" },
	{ "octal IPv4", "https://0177.0.0.1/a", NULL, 0, NULL, "IP address" },
	{ "octal word", "https://017700000001/a", NULL, 0, NULL, "without a dot" },
	{ "decimal word", "https://2130706433/a", NULL, 0, NULL, "without a dot" },
	{ "hex word", "https://0x7f000001/a", NULL, 0, NULL, "without a dot" },
	{ "IPv4 and dot", "https://127.0.0.1./a", NULL, 0, NULL, "empty label" },
	{ "five numbers", "https://1.2.3.4.5/a", NULL, 0, NULL, "IP address" },
	{ "too large", "https://256.1.1.1/a", NULL, 0, NULL, "IP address" },
	{ "IPv6", "https://[::1]/a", NULL, 443, "/a", "IP address", "::1" },
	{ "IPv6 and port", "https://[2001:DB8::1]:8443/a", NULL, 8443, "/a", "IP address", "2001:db8::1" },
	{ "v4-mapped", "https://[::ffff:127.0.0.1]/", NULL, 443, "/", "IP address", "::ffff:127.0.0.1" },
	{ "zone", "https://[fe80::1%25eth0]/a", NULL, 0, NULL, "address" },
	{ "zone, bare", "https://[fe80::1%eth0]/a", NULL, 0, NULL, "address" },
	{ "IPvFuture", "https://[v1.a]/a", NULL, 0, NULL, "address" },
	{ "bracketed name", "https://[cert.example]/a", NULL, 0, NULL, "address" },
	{ "bracketed IPv4", "https://[127.0.0.1]/a", NULL, 0, NULL, "address" },
	{ "empty brackets", "https://[]/a", NULL, 0, NULL, "no host" },
	{ "open bracket", "https://[::1/a", NULL, 0, NULL, "not closed" },
	{ "behind the bracket", "https://[::1]x/a", NULL, 0, NULL, "address", NULL },
	{ "IPv6, bare", "https://::1/a", NULL, 0, NULL, "no host" },
	{ "IPv6 too long", "https://[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]/", NULL, 0, NULL, "address" },
};

static void check(size_t i, const struct url_rules *rules, const char *host)
{
	struct guard g = guard_new(cases[i].text, strlen(cases[i].text));
	struct url u = { .port = 7 };
	const char *why = NULL;
	int r = url_parse(slice_of(g.p, g.len), rules, &u, &why);

	if (r != (host ? 0 : -EINVAL))
		fail_msg("%s: returns %d (%s)", cases[i].name, r, why ? why : "");
	if (host && (strcmp(u.host, host) != 0 || u.port != cases[i].port || !slice_eq(u.path, slice_str(cases[i].path))))
		fail_msg("%s: %s %u %.*s", cases[i].name, u.host, u.port, (int)u.path.len, u.path.p);
	if (host && why)
		fail_msg("%s: a reason beside success", cases[i].name);
	if (!host && (u.port != 7 || u.host[0]))
		fail_msg("%s: output touched on failure", cases[i].name);
	if (!host && !why)
		fail_msg("%s: no reason", cases[i].name);
	if (!host && rules == &street && !strstr(why, cases[i].why))
		fail_msg("%s: reason '%s', want '%s'", cases[i].name, why, cases[i].why);
	guard_free(&g);
}

static void test_street(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check(i, &street, cases[i].host);
}

static void test_lab(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check(i, &lab, cases[i].lab_host ? cases[i].lab_host : cases[i].host);
}

/* Every byte, in the host and in the path: what is taken is exactly what the grammar has. */
static void test_bytes(void **state)
{
	static const char path_ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-._~!$&'()*+,;=:@";
	static const char host_ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-./";
	const char *why;
	struct url u;

	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		char in_path[] = "https://a.example/xyz", in_host[] = "https://ax.ay.example/";
		bool is_path = c && strchr(path_ok, (int)c), is_host = c && strchr(host_ok, (int)c);

		in_path[19] = (char)c;
		in_host[9] = (char)c;
		if ((url_parse(SLICE(in_path), &street, &u, &why) == 0) != is_path)
			fail_msg("byte %u in the path", c);
		/* a slash ends the host, which then has no dot; a hyphen or a dot there leave no label */
		is_host = is_host && c != '/' && c != '-' && c != '.';
		if ((url_parse(SLICE(in_host), &street, &u, &why) == 0) != is_host)
			fail_msg("byte %u in the host", c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_street),
		cmocka_unit_test(test_lab),
		cmocka_unit_test(test_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
