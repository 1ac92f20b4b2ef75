// SPDX-License-Identifier: BSD-2-Clause
/* Each key: what it stores, and how it refuses what it does not take. */
#include "report.h"

#include <errno.h>

#include "config/keys.h"
#include "trunk/policy.h"

#define T "trunks:\n  - name: a\n    carrier: { peers: [192.0.2.1] }\n    attestation: A\n"

/* A line of `trunks` follows on line 8. */
static const struct {
	const char *key, *text, *want; /* want: the whole first message behind "t.yaml:8:" */
} trunk_cases[] = {
	{ "mode", "    mode: watch\n", "11: trunks[0].mode: \"watch\" is not allowed, allowed: enforce, observe" },
	{ "mode", "    mode: [enforce]\n", "11: trunks[0].mode: is a list, allowed: enforce, observe" },
	{ "mode", "    mode:\n", NULL },
	{ "mode", "    mode: null\n", "11: trunks[0].mode: has no value, allowed: enforce, observe" },
	{ "colour", "    colour: red\n", "5: trunks[0].colour: unknown key, allowed: name, mode, carrier, core, "
	  "certificates, attestation, numbers, numbers_file, attestation_other, on_unsignable, existing_identity, "
	  "origid, default_country_code, number_rules, orig_from, dest_from, pai, privacy, freshness_s, max_cps, "
	  "verification, extras" },
	{ "attestation", "    attestation: B\n", "5: trunks[0].attestation: stands twice, first at 7:5; allowed: once" },
	{ "extras.attestation", "    extras: { attestation: reject }\n",
	  "28: trunks[0].extras.attestation: \"reject\" is not allowed, allowed: A, B, C, none" },
	{ "extras", "    extras: x\n", "13: trunks[0].extras: is a single value, allowed: a mapping" },
	{ "extras.x", "    extras: { x: 1 }\n",
	  "15: trunks[0].extras.x: unknown key, allowed: geolocation, attestation" },
	{ "core.peers", "    core: { peers: ['10.0.0.1:5060'] }\n",
	  "21: trunks[0].core.peers[0]: \"10.0.0.1:5060\" has a port, none is allowed here, allowed: ADDRESS or ADDRESS/BITS" },
	{ "core.peers", "    core: { peers: 10.0.0.1 }\n",
	  "20: trunks[0].core.peers: is a single value, allowed: a list of addresses" },
	{ "core.peers", "    core: { peers: [{}] }\n",
	  "21: trunks[0].core.peers[0]: is a mapping, allowed: ADDRESS or ADDRESS/BITS" },
	{ "core.peers twice", "    core: { peers: [10.0.0.1, 10.0.0.0/24, 10.0.0.1/32] }\n",
	  "44: trunks[0].core.peers: 10.0.0.1 stands twice, first at 8:21; allowed: once" },
	{ "core.ports", "    core: { ports: [] }\n", "13: trunks[0].core.ports: unknown key, allowed: peers" },
	{ "certificates", "    certificates: []\n", "19: trunks[0].certificates: is a list, allowed: a mapping" },
	{ "certificates in part", "    certificates: { cert_path: a, x5u: 'https://a/b' }\n",
	  "19: trunks[0].certificates: key_path is missing, needed: cert_path, key_path and x5u together "
	  "(nothing is taken from the gateway's)" },
	{ "certificates.root", "    certificates: { root: a }\n",
	  "21: trunks[0].certificates.root: unknown key, allowed: cert_path, key_path, x5u" },
	{ "certificates.x5u", "    certificates: { cert_path: a, key_path: b, x5u: 'ftp://a/b' }\n",
	  "53: trunks[0].certificates.x5u: \"ftp://a/b\" is no https URL, allowed: an https URL of at most 512 bytes, "
	  "{serial} may stand in it" },
	{ "certificates.x5u", "    certificates: { cert_path: a, key_path: b, x5u: \"https://a/b\\\"\" }\n",
	  "53: trunks[0].certificates.x5u: \"https://a/b\"\" holds a byte that is illegal in a URL, allowed: an https URL "
	  "of at most 512 bytes, {serial} may stand in it" },
	{ "numbers", "    numbers: '+18005550100'\n",
	  "14: trunks[0].numbers: is a single value, allowed: a list of +18005550100, +1212555* or "
	  "+13125550000-+13125559999" },
	{ "numbers", "    numbers: ['18005550100']\n",
	  "15: trunks[0].numbers[0]: \"18005550100\" has no leading +, write + and the country code, allowed: "
	  "+18005550100, +1212555* or +13125550000-+13125559999" },
	{ "numbers backwards", "    numbers: [+18005550109-+18005550100]\n",
	  "15: trunks[0].numbers[0]: \"+18005550109-+18005550100\" is a range that runs backwards, allowed: "
	  "+18005550100, +1212555* or +13125550000-+13125559999" },
	{ "numbers lengths", "    numbers: [+4930100-+49301000]\n",
	  "15: trunks[0].numbers[0]: \"+4930100-+49301000\" is a range between numbers of different lengths, allowed: "
	  "+18005550100, +1212555* or +13125550000-+13125559999" },
	{ "numbers_file", "    numbers_file: []\n",
	  "19: trunks[0].numbers_file: is a list, allowed: the path of a file, one number per line" },
	{ "numbers_file", "    numbers_file: /nosuch/file\n",
	  "19: trunks[0].numbers_file: /nosuch/file: No such file or directory" },
	{ "numbers_file", "    numbers_file: /dev/zero\n",
	  "19: trunks[0].numbers_file: /dev/zero: is no regular file" },
	{ "attestation_other", "    attestation_other: D\n",
	  "24: trunks[0].attestation_other: \"D\" is not allowed, allowed: A, B, C, none, reject" },
	{ "attestation_other reject", "    attestation_other: reject\n",
	  "24: trunks[0].attestation_other: reject needs numbers or numbers_file, which are not given" },
	{ "on_unsignable", "    on_unsignable: drop\n",
	  "20: trunks[0].on_unsignable: \"drop\" is not allowed, allowed: pass, reject" },
	{ "existing_identity", "    existing_identity: keep\n",
	  "24: trunks[0].existing_identity: \"keep\" is not allowed, allowed: check, trust, ignore" },
	{ "origid", "    origid: ''\n",
	  "13: trunks[0].origid: \"\" is empty, allowed: trunk, call, or up to 128 printable ASCII characters" },
	{ "origid", "    origid: \"a\\tb\"\n",
	  "13: trunks[0].origid: \"a\\x09b\" holds bytes that are not printable ASCII, allowed: trunk, call, or up to 128 "
	  "printable ASCII characters" },
	{ "origid", "    origid: \"a\\0b\"\n",
	  "13: trunks[0].origid: holds a NUL byte, allowed: trunk, call, or up to 128 printable ASCII characters" },
	{ "default_country_code", "    default_country_code: \"+1\"\n",
	  "27: trunks[0].default_country_code: \"+1\" is no country code, allowed: 1 to 3 digits, the first not 0" },
	{ "default_country_code", "    default_country_code: 1234\n",
	  "27: trunks[0].default_country_code: \"1234\" is too long, allowed: 1 to 3 digits, the first not 0" },
	{ "number_rules", "    number_rules: { prefix: '0' }\n",
	  "19: trunks[0].number_rules: is a mapping, allowed: a list of { prefix: DIGITS, replace: DIGITS }" },
	{ "number_rules", "    number_rules: [{ prefix: '0' }]\n",
	  "20: trunks[0].number_rules[0]: is no rule, allowed: { prefix: DIGITS, replace: DIGITS }" },
	{ "number_rules", "    number_rules: [{ prefix: '0', replace: 'x' }]\n",
	  "44: trunks[0].number_rules[0].replace: \"x\" holds something else than digits, +, * and #, allowed: up to 32 "
	  "digits, +, * and #" },
	{ "number_rules", "    number_rules: [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]\n",
	  "19: trunks[0].number_rules: has 17 items, allowed: 0 to 16" },
	{ "orig_from", "    orig_from: [to]\n",
	  "17: trunks[0].orig_from[0]: \"to\" is not allowed, allowed: pai, ppi, rpid, from" },
	{ "orig_from", "    orig_from: []\n", "16: trunks[0].orig_from: has 0 items, allowed: 1 to 4" },
	{ "orig_from", "    orig_from: [pai, from, pai]\n",
	  "28: trunks[0].orig_from[2]: pai stands twice, allowed: once" },
	{ "dest_from", "    dest_from: [from]\n",
	  "17: trunks[0].dest_from[0]: \"from\" is not allowed, allowed: to, request_uri" },
	{ "pai.mode", "    pai: { mode: add }\n",
	  "18: trunks[0].pai.mode: \"add\" is not allowed, allowed: set, keep, off" },
	{ "pai.domain", "    pai: { domain: 'a b' }\n",
	  "20: trunks[0].pai.domain: \"a b\" is no host name, allowed: a host name or address" },
	{ "pai.domain", "    pai: { domain: 'a>b' }\n",
	  "20: trunks[0].pai.domain: \"a>b\" is no host name, allowed: a host name or address" },
	{ "pai.default_number", "    pai: { default_number: '+1212*' }\n",
	  "28: trunks[0].pai.default_number: \"+1212*\" is a prefix or a range, allowed: one number, +18005550100" },
	{ "pai.default_number inside",
	  "    pai: { default_number: '+12125550100' }\n    numbers: [+1800*]\n",
	  "28: trunks[0].pai.default_number: +12125550100 is not one of the trunk's numbers, allowed: a number inside "
	  "`numbers`" },
	{ "pai.restricted", "    pai: { restricted: drop }\n",
	  "24: trunks[0].pai.restricted: \"drop\" is not allowed, allowed: remove, keep" },
	{ "pai.add_privacy_none", "    pai: { add_privacy_none: yes }\n",
	  "30: trunks[0].pai.add_privacy_none: \"yes\" is no boolean, allowed: true, false" },
	{ "pai.add_privacy_none", "    pai: { add_privacy_none: 'true' }\n",
	  "30: trunks[0].pai.add_privacy_none: the text \"true\" is no boolean, allowed: true, false" },
	{ "privacy", "    privacy: on\n", "14: trunks[0].privacy: \"on\" is not allowed, allowed: auto, id, off" },
	{ "freshness_s", "    freshness_s: 0\n", "18: trunks[0].freshness_s: 0 is out of range, allowed: 1 to 3600" },
	{ "freshness_s", "    freshness_s: 99999999999999999999\n",
	  "18: trunks[0].freshness_s: 99999999999999999999 is out of range, allowed: 1 to 3600" },
	{ "freshness_s", "    freshness_s: '60'\n",
	  "18: trunks[0].freshness_s: the text \"60\" is no number, allowed: 1 to 3600" },
	{ "freshness_s", "    freshness_s: 1e2\n", "18: trunks[0].freshness_s: \"1e2\" is no number, allowed: 1 to 3600" },
	{ "freshness_s", "    freshness_s: -1\n", "18: trunks[0].freshness_s: \"-1\" is no number, allowed: 1 to 3600" },
	{ "max_cps", "    max_cps: 1000001\n",
	  "14: trunks[0].max_cps: 1000001 is out of range, allowed: 0 to 1000000" },
	{ "max_cps", "    max_cps: '5'\n",
	  "14: trunks[0].max_cps: the text \"5\" is no number, allowed: 0 to 1000000" },
	{ "max_cps", "    max_cps: 010\n", "14: trunks[0].max_cps: \"010\" is no number, allowed: 0 to 1000000" },
	{ "verification", "    verification: on\n",
	  "19: trunks[0].verification: is a single value, allowed: a mapping" },
	{ "geolocation", "    extras: { geolocation: { attach: always } }\n",
	  "28: trunks[0].extras.geolocation: has no address, needed: default_civic_address" },
	{ "geolocation.attach", "    extras: { geolocation: { attach: never } }\n",
	  "38: trunks[0].extras.geolocation.attach: \"never\" is not allowed, allowed: always, emergency" },
	{ "geolocation.existing", "    extras: { geolocation: { existing: drop } }\n",
	  "40: trunks[0].extras.geolocation.existing: \"drop\" is not allowed, allowed: keep, replace" },
	{ "geolocation.pidf", "    extras: { geolocation: { pidf: xml } }\n",
	  "36: trunks[0].extras.geolocation.pidf: \"xml\" is not allowed, allowed: rfc, legacy" },
	{ "geolocation.geo_priv_routing", "    extras: { geolocation: { geo_priv_routing: yes } }\n",
	  "48: trunks[0].extras.geolocation.geo_priv_routing: \"yes\" is not allowed, allowed: emergency, none" },
	{ "civic key", "    extras: { geolocation: { default_civic_address: { zip: 1 } } }\n",
	  "55: trunks[0].extras.geolocation.default_civic_address.zip: unknown key, allowed: country, region, county, "
	  "city, street, postal, building, floor, unit, room, landmark" },
	{ "civic country", "    extras: { geolocation: { default_civic_address: { country: USA, region: CA, city: X, "
	  "street: Y } } }\n",
	  "64: trunks[0].extras.geolocation.default_civic_address.country: must be two letters (ISO 3166-1)" },
	{ "civic missing", "    extras: { geolocation: { default_civic_address: { country: US } } }\n",
	  "53: trunks[0].extras.geolocation.default_civic_address.region: must be given" },
};

/* First message of a load that must be refused. */
static char *first_error(const char *name, const char *text)
{
	struct config_report r = { 0 };
	struct gateway *g = (struct gateway *)1;
	struct guard mem = guard_new(text, strlen(text));
	int e = config_load_buffer("t.yaml", mem.p, mem.len, &g, &r);
	char *line = NULL;

	if (e != -EINVAL || !r.error_cnt)
		fail_msg("%s: returns %d with %zu errors", name, e, r.error_cnt);
	if (g != (struct gateway *)1)
		fail_msg("%s: output touched on failure", name);
	for (size_t i = 0; i < r.cnt && !line; i++) {
		if (r.m[i].is_error)
			line = config_message_format(&r.m[i]);
	}
	config_report_done(&r);
	guard_free(&mem);
	return line;
}

static void expect(const char *name, const char *text, const char *prefix, const char *want)
{
	CLEANUP(freep) char *got = first_error(name, text);
	char full[1024];

	snprintf(full, sizeof(full), "%s%s", prefix, want);
	if (strcmp(got, full))
		fail_msg("%s:\n  got  %s\n  want %s", name, got, full);
}

static void test_trunk_refused(void **state)
{
	char text[4096];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(trunk_cases); i++) {
		snprintf(text, sizeof(text), HEAD T "%s", trunk_cases[i].text);
		if (trunk_cases[i].want)
			expect(trunk_cases[i].key, text, "t.yaml:8:", trunk_cases[i].want);
		else
			free(first_error(trunk_cases[i].key, text));
	}
}

/* Keys of a trunk that no case above refuses: the table of cases must grow with the schema. */
static void test_every_trunk_key(void **state)
{
	static const char *const elsewhere[] = { "name", "carrier" };

	(void)state;
	for (const struct schema_key *k = keys_trunk; k->name; k++) {
		bool is_covered = false;

		for (size_t i = 0; i < ARRAY_SIZE(elsewhere); i++)
			is_covered |= strcmp(k->name, elsewhere[i]) == 0;
		for (size_t i = 0; i < ARRAY_SIZE(trunk_cases); i++)
			is_covered |= strncmp(k->name, trunk_cases[i].key, strlen(k->name)) == 0;
		if (!is_covered)
			fail_msg("no case for %s", k->name);
	}
}

static const struct {
	const char *name, *text, *want; /* whole first message */
} cases[] = {
	{ "empty", "", "t.yaml: is no configuration, allowed: a mapping with gateway, certificates, trunks ..." },
	{ "only a comment", "# nothing\n",
	  "t.yaml: is no configuration, allowed: a mapping with gateway, certificates, trunks ..." },
	{ "a list", "- 1\n",
	  "t.yaml:1:1: is no configuration, allowed: a mapping with gateway, certificates, trunks ..." },
	{ "anchor", "gateway: &a {}\n",
	  "t.yaml:1:10: anchors (&) are not allowed, write the value where it is meant" },
	{ "anchor at a scalar", "gateway: &a x\n",
	  "t.yaml:1:10: anchors (&) are not allowed, write the value where it is meant" },
	{ "alias", "gateway: *a\n", "t.yaml:1:10: aliases (*) are not allowed, write the value where it is meant" },
	{ "tag", "gateway: !!str x\n", "t.yaml:1:10: tags (!) are not allowed" },
	{ "tag at a mapping", "gateway: !x {}\n", "t.yaml:1:10: tags (!) are not allowed" },
	{ "second document", "gateway: {}\n---\ngateway: {}\n",
	  "t.yaml:2:1: a second document (---) is not allowed" },
	{ "key that is a list", "[a]: 1\n", "t.yaml:1:1: a key must be a word" },
	{ "nested", "a: [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]\n",
	  "t.yaml:1:19: is nested too deeply, 16 levels are allowed" },
	{ "tab", "gateway:\n\tmode: routed\n", NULL },
	{ "open", "gateway: [\n",
	  "t.yaml:2:1: is no YAML: did not find expected node content, while parsing a flow node" },
	{ "control byte", "gateway: \x01\n",
	  "t.yaml: is no UTF-8 text: control characters are not allowed at byte 9" },
	{ "bad UTF-8", "gateway: \xff\n",
	  "t.yaml: is no UTF-8 text: invalid leading UTF-8 octet at byte 9" },
	{ "escapes in messages", "\"ev\\e[31mil\": 1\n",
	  "t.yaml:1:1: ev\\x1b[31mil: unknown key, allowed: gateway, control, regulatory, certificates, fetch, "
	  "defaults, trunks_dir, trunks" },
	{ "no interfaces", "trunks_dir: /\n",
	  "t.yaml:1:1: gateway.interfaces: is missing, needed: one NIC of side core and one of side carrier" },
	{ "gateway a word", "gateway: x\n", "t.yaml:1:10: gateway: is a single value, allowed: a mapping" },
	{ "fetch", HEAD "fetch: []\n", "t.yaml:4:8: fetch: is a list, allowed: a mapping" },
	{ "no trunk list", HEAD "trunks: {}\n", "t.yaml:4:9: trunks: is no list, allowed: a list of trunks" },
	{ "trunk a word", HEAD "trunks: [a]\n",
	  "t.yaml:4:10: trunks[0]: is no trunk, allowed: a mapping with name, carrier, attestation ..." },
	{ "trunks_dir missing", HEAD_GATEWAY "trunks_dir: /nosuch/dir\n",
	  "t.yaml:2:13: trunks_dir: /nosuch/dir: No such file or directory" },
	{ "trunks_dir empty", HEAD_GATEWAY "trunks_dir: ''\n",
	  "t.yaml:2:13: trunks_dir: is empty, allowed: a directory of trunk files" },
	{ "trunks_dir a list", HEAD_GATEWAY "trunks_dir: []\n",
	  "t.yaml:2:13: trunks_dir: is a list, allowed: a directory of trunk files" },
	{ "name missing", HEAD "trunks:\n- { carrier: { peers: [192.0.2.1] }, attestation: none }\n",
	  "t.yaml:5:3: trunks[0].name: is missing, needed: the name of the trunk" },
	{ "name", HEAD "trunks:\n- { name: Acme, carrier: { peers: [192.0.2.1] }, attestation: none }\n",
	  "t.yaml:5:11: trunks[0].name: \"Acme\" starts with something else than a-z or 0-9, allowed: 1 to 63 of a-z, "
	  "0-9, . _ -, the first a-z or 0-9" },
	{ "name with a slash", HEAD "trunks:\n- { name: a/b, carrier: { peers: [192.0.2.1] }, attestation: none }\n",
	  "t.yaml:5:11: trunks[0].name: \"a/b\" holds something else than a-z, 0-9, . _ -, allowed: 1 to 63 of a-z, "
	  "0-9, . _ -, the first a-z or 0-9" },
	{ "carrier missing", HEAD "trunks:\n- { name: a, attestation: none }\n",
	  "t.yaml:5:3: trunks[0].carrier.peers: is missing, needed: addresses of the carrier" },
	{ "carrier empty", HEAD "trunks:\n- { name: a, attestation: none, carrier: { peers: [] } }\n",
	  "t.yaml:5:51: trunks[0].carrier.peers: has 0 items, allowed: 1 to 65536" },
	{ "carrier mapped", HEAD "trunks:\n- { name: a, attestation: none, carrier: { peers: ['::ffff:1.2.3.4'] } }\n",
	  "t.yaml:5:52: trunks[0].carrier.peers[0]: \"::ffff:1.2.3.4\" covers IPv4-mapped IPv6 addresses "
	  "(::ffff:0:0/96), write IPv4 as IPv4, allowed: ADDRESS, ADDRESS:PORT (IPv6 in brackets) or ADDRESS/BITS" },
	{ "carrier twice", HEAD "trunks:\n- { name: a, attestation: none, carrier: { peers: ['192.0.2.1:5060', "
	  "'192.0.2.1:5060'] } }\n",
	  "t.yaml:5:70: trunks[0].carrier.peers: 192.0.2.1:5060 stands twice, first at 5:52; allowed: once" },
	{ "attestation missing", HEAD "trunks:\n- { name: a, carrier: { peers: [192.0.2.1] } }\n",
	  "t.yaml:5:3: trunks[0].attestation: is missing, needed: A, B, C or none" },
	{ "attestation reject", HEAD "trunks:\n- { name: a, carrier: { peers: [192.0.2.1] }, attestation: reject }\n",
	  "t.yaml:5:60: trunks[0].attestation: \"reject\" is not allowed, allowed: A, B, C, none" },
	{ "attestations differ", HEAD "trunks:\n- { name: a, carrier: { peers: [192.0.2.1] }, attestation: A, "
	  "extras: { attestation: B } }\n",
	  "t.yaml:5:86: trunks[0].extras.attestation: B contradicts attestation A at 5:60, allowed: one of the two" },
	{ "other is stronger", HEAD "trunks:\n- { name: a, carrier: { peers: [192.0.2.1] }, attestation: C, "
	  "attestation_other: B }\n",
	  "t.yaml:5:82: trunks[0].attestation_other: B is stronger than attestation C, allowed: the same or weaker" },
	{ "no certificate", HEAD_GATEWAY "trunks_dir: /\ntrunks:\n- { name: a, carrier: { peers: [192.0.2.1] }, "
	  "attestation: C }\n",
	  "t.yaml:4:3: trunks[0].certificates: are missing: attestation C signs; needed: certificates here or in the "
	  "gateway's `certificates`" },
	{ "certificates of nothing", HEAD_GATEWAY "trunks_dir: /\ntrunks:\n- { name: a, carrier: { peers: [192.0.2.1] }, "
	  "attestation: C, certificates: { x5u: '' } }\n",
	  "t.yaml:4:77: trunks[0].certificates: are missing: attestation C signs; needed: certificates here or in the "
	  "gateway's `certificates`" },
	{ "gateway's certificate in part", HEAD_GATEWAY "certificates: { key_path: k }\ntrunks_dir: /\n",
	  "t.yaml:2:15: certificates: cert_path is missing, needed: cert_path, key_path and x5u together" },
	{ "root", HEAD_GATEWAY "certificates: { root: '' }\n",
	  "t.yaml:2:23: certificates.root: \"\" is empty, allowed: a directory" },
	{ "profile", HEAD_GATEWAY "certificates: { profile: div }\n",
	  "t.yaml:2:26: certificates.profile: \"div\" is not allowed, allowed: shaken, stir" },
	{ "cert_path", HEAD_GATEWAY "certificates: { cert_path: {} }\n",
	  "t.yaml:2:28: certificates.cert_path: is a mapping, allowed: a PEM file inside certificates.root" },
	{ "key_path", HEAD_GATEWAY "certificates: { key_path: \"a\\nb\" }\n",
	  "t.yaml:2:27: certificates.key_path: \"a\\x0ab\" holds control characters, allowed: a PEM file inside "
	  "certificates.root" },
	{ "events_file", HEAD_GATEWAY "control: { events_file: e.ndjson }\n",
	  "t.yaml:2:25: control.events_file: \"e.ndjson\" is no absolute path, allowed: an absolute path, or \"\" for "
	  "none" },
	{ "socket", HEAD_GATEWAY "control: { socket: a.sock }\n",
	  "t.yaml:2:20: control.socket: \"a.sock\" is no absolute path, allowed: an absolute path of at most 107 bytes" },
	{ "metrics", HEAD_GATEWAY "control: { metrics: false }\n",
	  "t.yaml:2:21: control.metrics: \"false\" has no port, allowed: off, or ADDRESS:PORT (IPv6 in brackets)" },
	{ "metrics port", HEAD_GATEWAY "control: { metrics: '127.0.0.1:0' }\n",
	  "t.yaml:2:21: control.metrics: \"127.0.0.1:0\" has a port that is not 1 to 65535, allowed: off, or ADDRESS:PORT "
	  "(IPv6 in brackets)" },
	{ "regulatory", HEAD_GATEWAY "regulatory: { enabled: 1 }\n",
	  "t.yaml:2:24: regulatory.enabled: \"1\" is no boolean, allowed: true, false" },
	{ "defaults a list", HEAD "defaults: []\n", "t.yaml:4:11: defaults: is no mapping, allowed: the keys of a trunk" },
	{ "defaults name", HEAD "defaults: { name: a }\n",
	  "t.yaml:4:19: defaults: name belongs to one trunk, allowed: all other keys of a trunk" },
	{ "defaults value", HEAD "defaults: { privacy: maybe }\n",
	  "t.yaml:4:22: defaults.privacy: \"maybe\" is not allowed, allowed: auto, id, off" },
	{ "defaults contradict", HEAD "defaults: { attestation_other: B }\ntrunks:\n- { name: a, carrier: { peers: "
	  "[192.0.2.1] }, attestation: C }\n",
	  "t.yaml:6:3: trunks[0].attestation_other: B is stronger than attestation C, allowed: the same or weaker" },
	{ "same name", HEAD "trunks:\n- { name: a, carrier: { peers: [192.0.2.1] }, attestation: none }\n"
	  "- { name: b, carrier: { peers: [192.0.2.2] }, attestation: none }\n"
	  "- { name: a, carrier: { peers: [192.0.2.1] }, attestation: none }\n",
	  "t.yaml:7:11: name: trunk a stands twice, first at t.yaml:5:11; allowed: once" },
	{ "same peer", HEAD "trunks:\n- { name: a, carrier: { peers: [192.0.2.1] }, attestation: none }\n"
	  "- { name: b, carrier: { peers: ['192.0.2.1:5060'] }, attestation: none }\n",
	  "t.yaml:6:11: carrier.peers: trunk b shares a carrier peer and core prefix with trunk a at t.yaml:5:11, "
	  "allowed: different core.peers" },
	{ "same peer and core", HEAD "trunks:\n- { name: a, carrier: { peers: [192.0.2.1] }, core: { peers: "
	  "[10.0.0.0/24, 10.0.1.1] }, attestation: none }\n"
	  "- { name: b, carrier: { peers: [192.0.2.1] }, core: { peers: [10.0.1.1] }, attestation: none }\n",
	  "t.yaml:6:11: carrier.peers: trunk b shares a carrier peer and core prefix with trunk a at t.yaml:5:11, "
	  "allowed: different core.peers" },
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (cases[i].want)
			expect(cases[i].name, cases[i].text, "", cases[i].want);
		else
			free(first_error(cases[i].name, cases[i].text));
	}
}

#define NICS "interfaces: [{ name: eth0, side: core }, { name: eth1, side: carrier }]"

/* A line of `gateway` on line 3. */
static const struct {
	const char *key, *text, *want;
} gateway_cases[] = {
	{ "mode", "mode: bridge", "9: gateway.mode: \"bridge\" is not allowed, allowed: routed, wire, host" },
	{ "xdp_mode", "xdp_mode: fast", "13: gateway.xdp_mode: \"fast\" is not allowed, allowed: auto, native, generic" },
	{ "fast_path", "fast_path: {}", "14: gateway.fast_path: is a mapping, allowed: auto, forward, kernel" },
	{ "on_signer_failure", "on_signer_failure: reject",
	  "22: gateway.on_signer_failure: \"reject\" is not allowed, allowed: pass, drop" },
	{ "withhold_options", "withhold_options: 1",
	  "21: gateway.withhold_options: \"1\" is no boolean, allowed: true, false" },
	{ "unmatched_invite", "unmatched_invite: on",
	  "21: gateway.unmatched_invite: \"on\" is not allowed, allowed: pass, drop" },
	{ "other_transports", "other_transports: tcp",
	  "21: gateway.other_transports: \"tcp\" is not allowed, allowed: pass, drop" },
	{ "heartbeat_ms", "heartbeat_ms: 49", "17: gateway.heartbeat_ms: 49 is out of range, allowed: 50 to 10000" },
	{ "heartbeat_ms", "heartbeat_ms: 10001",
	  "17: gateway.heartbeat_ms: 10001 is out of range, allowed: 50 to 10000" },
	{ "heartbeat_ms", "heartbeat_ms: [1]", "17: gateway.heartbeat_ms: is a list, allowed: 50 to 10000" },
	{ "sip_ports", "sip_ports: 5060", "14: gateway.sip_ports: is a single value, allowed: a list of ports" },
	{ "sip_ports", "sip_ports: [5060, 0]", "21: gateway.sip_ports[1]: 0 is out of range, allowed: 1 to 65535" },
	{ "sip_ports", "sip_ports: [1,2,3,4,5,6,7,8,9]", "14: gateway.sip_ports: has 9 items, allowed: 1 to 8" },
	{ "sip_ports", "sip_ports: [5060, 5060]", "21: gateway.sip_ports[1]: 5060 stands twice, allowed: once" },
	{ "sip_ports", "sip_ports: []", "14: gateway.sip_ports: has 0 items, allowed: 1 to 8" },
	{ "emergency_numbers", "emergency_numbers: [911, 91a]",
	  "28: gateway.emergency_numbers[1]: \"91a\" is no number, allowed: 1 to 15 digits" },
	{ "emergency_numbers", "emergency_numbers: ['']",
	  "23: gateway.emergency_numbers[0]: \"\" is no number, allowed: 1 to 15 digits" },
	{ "emergency_numbers", "emergency_numbers: [1234567890123456]",
	  "23: gateway.emergency_numbers[0]: \"1234567890123456\" is no number, allowed: 1 to 15 digits" },
	{ "emergency_numbers", "emergency_numbers: [1,2,3,4,5,6,7,8,9]",
	  "22: gateway.emergency_numbers: has 9 items, allowed: 0 to 8" },
	{ "emergency_numbers", "emergency_numbers: [911, 911]",
	  "28: gateway.emergency_numbers[1]: 911 stands twice, allowed: once" },
	{ "workers", "workers: 0", "12: gateway.workers: 0 is out of range, allowed: 1 to 64" },
	{ "workers", "workers: 65", "12: gateway.workers: 65 is out of range, allowed: 1 to 64" },
	{ "workers", "workers: many", "12: gateway.workers: \"many\" is not allowed, allowed: auto, 1 to 64" },
	{ "workers", "workers: [4]", "12: gateway.workers: is a list, allowed: auto, 1 to 64" },
	{ "umem_frames", "umem_frames: 3000",
	  "16: gateway.umem_frames: 3000 is no power of two, allowed: 256, 512, 1024 ... 65536" },
	{ "umem_frames", "umem_frames: 128", "16: gateway.umem_frames: 128 is out of range, allowed: 256 to 65536" },
	{ "umem_frames", "umem_frames: 131072",
	  "16: gateway.umem_frames: 131072 is out of range, allowed: 256 to 65536" },
	{ "idle", "idle: sleep", "9: gateway.idle: \"sleep\" is not allowed, allowed: poll, spin" },
	{ "bpffs", "bpffs: run/bpf",
	  "10: gateway.bpffs: \"run/bpf\" is no absolute path, allowed: an absolute path of a mounted bpffs" },
	{ "host", "host: x", "3: gateway.host: unknown key, allowed: mode, interfaces, xdp_mode, fast_path, "
	  "on_signer_failure, withhold_options, heartbeat_ms, unmatched_invite, other_transports, sip_ports, emergency_numbers, workers, "
	  "umem_frames, idle, bpffs" },
	{ "interfaces", NICS, "3: gateway.interfaces: stands twice, first at 2:3; allowed: once" },
};

static void test_gateway_refused(void **state)
{
	char text[4096];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(gateway_cases); i++) {
		snprintf(text, sizeof(text), "gateway:\n  " NICS "\n  %s\ntrunks_dir: /\n", gateway_cases[i].text);
		expect(gateway_cases[i].key, text, "t.yaml:3:", gateway_cases[i].want);
	}
}

static const struct {
	const char *name, *text, *want;
} interface_cases[] = {
	{ "side", "[{ name: a, side: core }, { name: b, side: left }]",
	  "52: gateway.interfaces[1].side: \"left\" is not allowed, allowed: core, carrier, both" },
	{ "both and core", "[{ name: a, side: core }, { name: b, side: both }]",
	  "9: gateway.interfaces: has a NIC of side both and 1 more, needed: one of each side, or one of side both alone" },
	{ "both, core and carrier", "[{ name: a, side: core }, { name: b, side: both }, { name: c, side: carrier }]",
	  "9: gateway.interfaces: has a NIC of side both and 2 more, needed: one of each side, or one of side both alone" },
	{ "no side", "[{ name: a, side: core }, { name: b }]",
	  "35: gateway.interfaces[1]: has no side, needed: name and side" },
	{ "no name", "[{ side: core }]", "10: gateway.interfaces[0]: has no name, needed: name and side" },
	{ "twice", "[{ name: a, side: core }, { name: a, side: carrier }]",
	  "35: gateway.interfaces[1]: a stands twice, first at 2:10; allowed: once" },
	{ "one side", "[{ name: a, side: core }, { name: b, side: core }]",
	  "9: gateway.interfaces: has no NIC of side carrier, needed: one of each side, or one of side both" },
	{ "other side", "[{ name: a, side: carrier }]",
	  "9: gateway.interfaces: has no NIC of side core, needed: one of each side, or one of side both" },
	{ "word", "[eth0]", "10: gateway.interfaces[0]: is no mapping, allowed: { name: NIC, side: core, carrier or both }" },
	{ "long name", "[{ name: abcdefghijklmnop, side: core }]",
	  "18: gateway.interfaces[0].name: \"abcdefghijklmnop\" is too long, allowed: the name of a NIC, 1 to 15 "
	  "characters" },
	{ "path as name", "[{ name: ../x, side: core }]",
	  "18: gateway.interfaces[0].name: \"../x\" is no name of an interface, allowed: the name of a NIC, 1 to 15 "
	  "characters" },
	{ "nine", "[1,2,3,4,5,6,7,8,9]", "9: gateway.interfaces: has 9 items, allowed: 1 to 8" },
	{ "none", "[]", "9: gateway.interfaces: has 0 items, allowed: 1 to 8" },
};

static void test_interfaces_refused(void **state)
{
	char text[4096];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(interface_cases); i++) {
		snprintf(text, sizeof(text), "gateway: { interfaces:\n        %s }\ntrunks_dir: /\n",
			 interface_cases[i].text);
		expect(interface_cases[i].name, text, "t.yaml:2:", interface_cases[i].want);
	}
}

/* What a mode wants of the NICs and of fast_path: the whole `gateway` from line 1, on one line. */
#define WIRE(nics) "mode: wire, interfaces: [" nics "]"
#define HOST(nics) "mode: host, interfaces: [" nics "]"
#define CORE "{ name: a, side: core }"
#define CARRIER "{ name: b, side: carrier }"
#define BOTH "{ name: c, side: both }"
#define WIRE_ERROR "gateway.interfaces: does not suit mode wire, needed: exactly one NIC of side core and one of side carrier"
#define HOST_ERROR "gateway.interfaces: does not suit mode host, needed: exactly one NIC, of side carrier (the core is this " \
	"machine itself)"
#define FAST_ERROR "gateway.fast_path: kernel does not suit mode wire, where all leaves by the other NIC; allowed: auto, forward"
static const struct {
	const char *name, *text, *want; /* NULL: nothing is wrong */
} mode_cases[] = {
	{ "wire", WIRE(CORE ", " CARRIER), NULL },
	{ "wire, auto", WIRE(CORE ", " CARRIER) ", fast_path: auto", NULL },
	{ "wire, forward", WIRE(CORE ", " CARRIER) ", fast_path: forward", NULL },
	{ "wire, kernel", WIRE(CORE ", " CARRIER) ", fast_path: kernel", "t.yaml:1:102: " FAST_ERROR },
	{ "wire, kernel first", "fast_path: kernel, " WIRE(CORE ", " CARRIER), "t.yaml:1:23: " FAST_ERROR },
	{ "wire, one NIC", WIRE(CORE), "t.yaml:1:36: " WIRE_ERROR },
	{ "wire, two of a side", WIRE(CORE ", " CARRIER ", { name: d, side: carrier }"), "t.yaml:1:36: " WIRE_ERROR },
	{ "wire, carriers", WIRE(CARRIER ", { name: d, side: carrier }"), "t.yaml:1:36: " WIRE_ERROR },
	{ "wire, both", WIRE(BOTH), "t.yaml:1:36: " WIRE_ERROR },
	{ "wire, none", "mode: wire", "t.yaml:1:10: gateway.interfaces: is missing, needed: one NIC of side core and one of side carrier" },
	{ "host", HOST(CARRIER), NULL },
	{ "host, kernel", HOST(CARRIER) ", fast_path: kernel", NULL },
	{ "host, core", HOST(CORE), "t.yaml:1:36: " HOST_ERROR },
	{ "host, two", HOST(CORE ", " CARRIER), "t.yaml:1:36: " HOST_ERROR },
	{ "host, two carriers", HOST(CARRIER ", { name: d, side: carrier }"), "t.yaml:1:36: " HOST_ERROR },
	{ "host, both", HOST(BOTH), "t.yaml:1:36: " HOST_ERROR },
	{ "host, none", "mode: host", "t.yaml:1:10: gateway.interfaces: is missing, needed: one NIC of side carrier" },
	{ "routed, kernel", "interfaces: [" CORE ", " CARRIER "], fast_path: kernel", NULL },
	{ "routed, three", "interfaces: [" CORE ", " CARRIER ", { name: d, side: core }]", NULL },
	{ "stick", "interfaces: [" BOTH "]", NULL },
};

static void test_modes(void **state)
{
	char text[4096];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(mode_cases); i++) {
		snprintf(text, sizeof(text), "gateway: { %s }\ntrunks_dir: /\n", mode_cases[i].text);
		if (mode_cases[i].want)
			expect(mode_cases[i].name, text, "", mode_cases[i].want);
		else
			gateway_free(load_good(mode_cases[i].name, text));
	}
}

#define STICK "gateway: { interfaces: [{ name: a, side: both }] }\ntrunks_dir: /\n"
#define PEERS "carrier: { peers: [192.0.2.1] }, attestation: none"
#define CORE_ERROR "core.peers: is missing, needed: addresses of the customer, for the gateway's NIC is of side both"
static const struct {
	const char *name, *text, *want;
} stick_cases[] = {
	{ "with core.peers", "trunks: [{ name: a, " PEERS ", core: { peers: [10.0.0.0/8] } }]\n", NULL },
	{ "without", "trunks: [{ name: a, " PEERS " }]\n", "t.yaml:3:10: trunks[0]." CORE_ERROR },
	{ "empty", "trunks: [{ name: a, " PEERS ", core: { peers: [] } }]\n", "t.yaml:3:88: trunks[0]." CORE_ERROR },
	{ "of the defaults", "defaults: { core: { peers: [10.0.0.0/8] } }\ntrunks: [{ name: a, " PEERS " }]\n", NULL },
	{ "the second one", "trunks:\n- { name: a, " PEERS ", core: { peers: [10.0.0.0/8] } }\n- { name: b, " PEERS " }\n",
	  "t.yaml:5:3: trunks[1]." CORE_ERROR },
};

static void test_stick(void **state)
{
	char text[4096];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(stick_cases); i++) {
		snprintf(text, sizeof(text), STICK "%s", stick_cases[i].text);
		if (stick_cases[i].want)
			expect(stick_cases[i].name, text, "", stick_cases[i].want);
		else
			gateway_free(load_good(stick_cases[i].name, text));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trunk_refused),
		cmocka_unit_test(test_every_trunk_key),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_gateway_refused),
		cmocka_unit_test(test_interfaces_refused),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_stick),
	};

	return cmocka_run_group_tests_name("config/keys", tests, NULL, NULL);
}
