// SPDX-License-Identifier: BSD-2-Clause
/* The keys of inbound verification: what each refuses, with the exact error. */
#include "verification.h"

#include <errno.h>

#include "base/cleanup.h"

static const struct { const char *name, *text, *want; } refused[] = {
	{ "enabled", "  verification: { enabled: on }\n",
	  "t.yaml:8:28: trunks[0].verification.enabled: \"on\" is no boolean, allowed: true, false" },
	{ "on_failure", "  verification: { on_failure: drop }\n",
	  "t.yaml:8:31: trunks[0].verification.on_failure: \"drop\" is not allowed, allowed: tag, reject" },
	{ "on_missing", "  verification: { on_missing: pass }\n",
	  "t.yaml:8:31: trunks[0].verification.on_missing: \"pass\" is not allowed, allowed: tag, reject" },
	{ "verstat", "  verification: { verstat: to }\n",
	  "t.yaml:8:28: trunks[0].verification.verstat: \"to\" is not allowed, allowed: off, pai, from" },
	{ "carrier_verstat", "  verification: { carrier_verstat: remove }\n",
	  "t.yaml:8:36: trunks[0].verification.carrier_verstat: \"remove\" is not allowed, allowed: keep, strip" },
	{ "trust_pai", "  verification: { trust_pai: 'false' }\n",
	  "t.yaml:8:30: trunks[0].verification.trust_pai: the text \"false\" is no boolean, allowed: true, false" },
	{ "replay", "  verification: { replay: drop }\n",
	  "t.yaml:8:27: trunks[0].verification.replay: \"drop\" is not allowed, allowed: fail, ignore" },
	{ "wait_ms", "  verification: { wait_ms: 2001 }\n",
	  "t.yaml:8:28: trunks[0].verification.wait_ms: 2001 is out of range, allowed: 0 to 2000" },
	{ "wait_ms negative", "  verification: { wait_ms: -1 }\n",
	  "t.yaml:8:28: trunks[0].verification.wait_ms: \"-1\" is no number, allowed: 0 to 2000" },
	{ "header empty", "  verification: { result_header: '' }\n",
	  "t.yaml:8:34: trunks[0].verification.result_header: \"\" is empty, allowed: off, or up to 64 characters of a "
	  "header field that SIP does not know" },
	{ "header with a colon", "  verification: { result_header: 'X-A:' }\n",
	  "t.yaml:8:34: trunks[0].verification.result_header: \"X-A:\" is no name of a header field, allowed: off, or up "
	  "to 64 characters of a header field that SIP does not know" },
	{ "header of SIP, any case", "  verification: { result_header: fROM }\n",
	  "t.yaml:8:34: trunks[0].verification.result_header: \"fROM\" is a header field of SIP, allowed: off, or up to "
	  "64 characters of a header field that SIP does not know" },
	{ "compact form", "  verification: { result_header: x }\n",
	  "t.yaml:8:34: trunks[0].verification.result_header: \"x\" is the compact form of a header field, allowed: off, "
	  "or up to 64 characters of a header field that SIP does not know" },
	{ "header of 65", "  verification: { result_header: X2345678901234567890123456789012345678901234567890123456789012345 }\n",
	  "t.yaml:8:34: trunks[0].verification.result_header: "
	  "\"X234567890123456789012345678901234567890123456789012345678901234\" is too long, allowed: off, or up to 64 "
	  "characters of a header field that SIP does not know" },
	{ "label with a quote", "  verification: { display_label: { A: 'a\"b' } }\n",
	  "t.yaml:8:39: trunks[0].verification.display_label.A: \"a\"b\" holds a quote or a backslash, allowed: up to 32 "
	  "printable ASCII characters, no quote, no backslash" },
	{ "label with a backslash", "  verification: { display_label: { failed: 'a\\b' } }\n",
	  "t.yaml:8:44: trunks[0].verification.display_label.failed: \"a\\b\" holds a quote or a backslash, allowed: up "
	  "to 32 printable ASCII characters, no quote, no backslash" },
	{ "label with CRLF", "  verification: { display_label: { missing: \"a\\r\\nVia: b\" } }\n",
	  "t.yaml:8:45: trunks[0].verification.display_label.missing: \"a\\x0d\\x0aVia: b\" holds bytes that are not "
	  "printable ASCII, allowed: up to 32 printable ASCII characters, no quote, no backslash" },
	{ "label in UTF-8", "  verification: { display_label: { B: '\xc3\xa4' } }\n",
	  "t.yaml:8:39: trunks[0].verification.display_label.B: \"\\xc3\\xa4\" holds bytes that are not printable ASCII, "
	  "allowed: up to 32 printable ASCII characters, no quote, no backslash" },
	{ "label of 33", "  verification: { display_label: { C: 123456789012345678901234567890123 } }\n",
	  "t.yaml:8:39: trunks[0].verification.display_label.C: \"123456789012345678901234567890123\" is too long, "
	  "allowed: up to 32 printable ASCII characters, no quote, no backslash" },
	{ "label of nothing we know", "  verification: { display_label: { D: x } }\n",
	  "t.yaml:8:36: trunks[0].verification.display_label.D: unknown key, allowed: A, B, C, failed, missing" },
	{ "unknown", "  verification: { mode: tag }\n",
	  "t.yaml:8:19: trunks[0].verification.mode: unknown key, allowed: enabled, on_failure, on_missing, "
	  "result_header, verstat, carrier_verstat, trust_pai, replay, display_label, wait_ms" },
	{ "enabled without anchors", "  verification: { enabled: true }\n", NULL },
};

static const struct { const char *name, *text, *want; } gateway_refused[] = {
	{ "enabled without anchors", HEAD_GATEWAY "trunks_dir: /\n" TRUNK "  verification: { enabled: true }\n",
	  "t.yaml:7:28: trunks[0].verification.enabled: true needs certificates.trust_anchors, which is "
	  "not given" },
	{ "defaults without anchors", GW "defaults: { verification: { enabled: true } }\n" TRUNK,
	  "t.yaml:3:38: defaults.verification.enabled: true needs certificates.trust_anchors, which is "
	  "not given" },
	{ "empty anchors", GW "certificates: { trust_anchors: '' }\n" TRUNK "  verification: { enabled: true }\n",
	  "t.yaml:8:28: trunks[0].verification.enabled: true needs certificates.trust_anchors, which is "
	  "not given" },
	{ "anchors of a wrong kind are one fault", GW "certificates: { trust_anchors: [a] }\n" TRUNK
	  "  verification: { enabled: true }\n",
	  "t.yaml:3:32: certificates.trust_anchors: is a list, allowed: a PEM file inside certificates.root, or a "
	  "directory of them" },
	{ "crl.policy", GW "certificates: { crl: { policy: fail } }\n",
	  "t.yaml:3:32: certificates.crl.policy: \"fail\" is not allowed, allowed: soft, hard" },
	{ "hard without a list", GW "certificates: { crl: { policy: hard } }\n",
	  "t.yaml:3:32: certificates.crl.policy: hard needs a list, needed: certificates.crl.path or certificates.crl.url" },
	{ "hard with nothing", GW "certificates: { crl: { path: '', url: '', policy: hard } }\n",
	  "t.yaml:3:51: certificates.crl.policy: hard needs a list, needed: certificates.crl.path or certificates.crl.url" },
	{ "crl.path", GW "certificates: { crl: { path: \"a\\nb\" } }\n",
	  "t.yaml:3:30: certificates.crl.path: \"a\\x0ab\" holds control characters, allowed: a file inside "
	  "certificates.root" },
	{ "http", GW "certificates: { crl: { url: 'http://crl.example/a' } }\n",
	  "t.yaml:3:29: certificates.crl.url: \"http://crl.example/a\" is no https URL, allowed: an https URL of at most "
	  "512 bytes" },
	{ "address", GW "certificates: { crl: { url: 'https://192.0.2.1/a' } }\n",
	  "t.yaml:3:29: certificates.crl.url: \"https://192.0.2.1/a\" has an IP address as host, allowed: a DNS name and "
	  "the ports 443 and 8443 (others with fetch.allow_private_addresses)" },
	{ "https_ca", GW "fetch: { https_ca: '' }\n",
	  "t.yaml:3:20: fetch.https_ca: \"\" is empty, allowed: system, an absolute path, or one inside "
	  "certificates.root" },
	{ "https_ca climbs", GW "fetch: { https_ca: a/../../b }\n",
	  "t.yaml:3:20: fetch.https_ca: \"a/../../b\" has .. in it, allowed: system, an absolute path, or one inside "
	  "certificates.root" },
	{ "timeout_ms", GW "fetch: { timeout_ms: 99 }\n",
	  "t.yaml:3:22: fetch.timeout_ms: 99 is out of range, allowed: 100 to 10000" },
	{ "timeout_ms", GW "fetch: { timeout_ms: 10001 }\n",
	  "t.yaml:3:22: fetch.timeout_ms: 10001 is out of range, allowed: 100 to 10000" },
	{ "allow_private_addresses", GW "fetch: { allow_private_addresses: 1 }\n",
	  "t.yaml:3:35: fetch.allow_private_addresses: \"1\" is no boolean, allowed: true, false" },
	{ "cache_dir", GW "fetch: { cache_dir: cache }\n",
	  "t.yaml:3:21: fetch.cache_dir: \"cache\" is no absolute path, allowed: an absolute path, or \"\" for none" },
	{ "fetch.x", GW "fetch: { proxy: x }\n",
	  "t.yaml:3:10: fetch.proxy: unknown key, allowed: https_ca, timeout_ms, allow_private_addresses, cache_dir" },
};

/* The only error of a text. */
static void expect_error(const char *name, const char *text, const char *want)
{
	struct config_report r = { 0 };
	struct gateway *g = NULL;
	int e = config_load_buffer("t.yaml", text, strlen(text), &g, &r);
	CLEANUP(freep) char *got = NULL;

	for (size_t i = 0; i < r.cnt && !got; i++)
		got = r.m[i].is_error ? config_message_format(&r.m[i]) : NULL;
	if (e != -EINVAL || r.error_cnt != 1 || strcmp(got, want))
		fail_msg("%s: returns %d with %zu errors\n  got  %s\n  want %s", name, e, r.error_cnt, got, want);
	config_report_done(&r);
}

static void test_refused(void **state)
{
	char text[2048];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		snprintf(text, sizeof(text), GW ANCHORS TRUNK "%s", refused[i].text);
		if (refused[i].want)
			expect_error(refused[i].name, text, refused[i].want);
		else
			gateway_free(load_good(refused[i].name, text));
	}
	for (size_t i = 0; i < ARRAY_SIZE(gateway_refused); i++)
		expect_error(gateway_refused[i].name, gateway_refused[i].text, gateway_refused[i].want);
}

static const struct { const char *url; bool is_good, is_good_private; } urls[] = {
	{ "https://crl.example/a", true, true },
	{ "HTTPS://Crl.Example/a%20b/c;d=1", true, true },
	{ "https://crl.example:443/a", true, true },
	{ "https://crl.example:8443/a", true, true },
	{ "https://crl.example:444/a", false, true },
	{ "https://crl/a", false, true },
	{ "https://127.0.0.1/a", false, true },
	{ "https://127.1/a", false, true },
	{ "https://a.0x7f/a", false, true },
	{ "https://[2001:db8::1]/a", false, true },
	{ "https://[2001:db8::1]:8443/a", false, true },
	{ "https://[2001:db8::1/a", false, false },
	{ "https://[2001:db8::1]x/a", false, false },
	{ "https://[]/a", false, false },
	{ "https://crl.example:/a", false, false },
	{ "https://crl.example:0443/a", false, false },
	{ "https://crl.example:65536/a", false, false },
	{ "https://crl.example:443x/a", false, false },
	{ "https://crl.example:1000000000000000000443/a", false, false },
	{ "https://crl.example./a", false, false },
	{ "https://crl-.example/a", false, false },
	{ "https://-crl.example/a", false, false },
	{ "https://crl..example/a", false, false },
	{ "https://crl_a.example/a", false, false },
	{ "https://u@crl.example/a", false, false },
	{ "https://crl.example/a?b", false, false },
	{ "https://crl.example/a#b", false, false },
	{ "https://crl.example/{serial}", false, false },
	{ "https://crl.example/[a]", false, false },
	{ "https://crl.example/a b", false, false },
	{ "https://crl.example/%zz", false, false },
	{ "https://crl.example/", false, false },
	{ "https://crl.example", false, false },
	{ "https:///a", false, false },
	{ "https://:443/a", false, false },
	{ "ftp://crl.example/a", false, false },
	{ "crl.example/a", false, false },
};

static int load_crl(const char *url, const char *more)
{
	struct config_report r = { 0 };
	struct gateway *g = NULL;
	char text[2048];
	int e;

	snprintf(text, sizeof(text), GW "certificates: { crl: { url: '%s', policy: hard } }\n%s", url, more);
	e = config_load_buffer("t.yaml", text, strlen(text), &g, &r);
	if (e == 0)
		assert_string_equal(g->crl_url, url);
	config_report_done(&r);
	gateway_free(g);
	return e;
}

static void test_urls(void **state)
{
	char host[300] = "https://";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		if ((load_crl(urls[i].url, "") == 0) != urls[i].is_good ||
		    (load_crl(urls[i].url, "fetch: { allow_private_addresses: true }\n") == 0) !=
			    urls[i].is_good_private)
			fail_msg("%s", urls[i].url);
	}
	for (size_t len = 8; len < 8 + 253; len += 2)
		memcpy(host + len, len == 260 ? "a" : "a.", 2);
	strcpy(host + 8 + 253, "/a");
	assert_int_equal(load_crl(host, ""), 0);
	strcpy(host + 8 + 253, "b/a");
	assert_int_equal(load_crl(host, ""), -EINVAL);
}

static void test_long_ca(void **state)
{
	char text[1024], ca[300] = "/", want[600];

	(void)state;
	memset(ca + 1, 'a', 254);
	snprintf(text, sizeof(text), GW "fetch: { https_ca: %s }\n", ca);
	gateway_free(load_good("255 bytes", text));
	ca[255] = 'a';
	snprintf(text, sizeof(text), GW "fetch: { https_ca: %s }\n", ca);
	snprintf(want, sizeof(want), "t.yaml:3:20: fetch.https_ca: \"%.64s\" is too long, allowed: 255 bytes, "
		 "certificates.root included", ca);
	expect_error("256 bytes", text, want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_long_ca),
	};

	return cmocka_run_group_tests_name("config/verification_keys", tests, NULL, NULL);
}
