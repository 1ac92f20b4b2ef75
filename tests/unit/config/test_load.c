// SPDX-License-Identifier: BSD-2-Clause
/* Good configurations and what they become; files; all errors at once. */
#include "report.h"
#include "tree.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

static const char full[] =
	"gateway:\n"
	"  mode: routed\n"
	"  interfaces:\n"
	"    - { name: eth0, side: core }\n"
	"    - { name: eth1.7, side: carrier }\n"
	"  xdp_mode: generic\n"
	"  fast_path: forward\n"
	"  on_signer_failure: pass\n"
	"  heartbeat_ms: 50\n"
	"  unmatched_invite: drop\n"
	"  other_transports: drop\n"
	"  sip_ports: [5060, 5080, 65535]\n"
	"  emergency_numbers: [911, \"112\"]\n"
	"  workers: 64\n"
	"  umem_frames: 65536\n"
	"  idle: spin\n"
	"  bpffs: /sys/fs/bpf/x\n"
	"control:\n"
	"  socket: /tmp/c.sock\n"
	"  metrics: off\n"
	"  events_file: /var/log/e.ndjson\n"
	"regulatory:\n"
	"  enabled: false\n"
	"certificates:\n"
	"  root: /sti\n"
	"  cert_path: cert.pem\n"
	"  key_path: key.pem\n"
	"  x5u: https://cert.example:8443/{serial}.pem\n"
	"  profile: stir\n"
	"trunks_dir: /\n"
	"defaults:\n"
	"  pai: { domain: default.example, restricted: keep }\n"
	"  default_country_code: 49\n"
	"trunks:\n"
	"  - name: acme.1\n"
	"    mode: observe\n"
	"    carrier: { peers: [\"203.0.113.10:5060\", \"[2001:db8::10]:5061\", 198.51.100.0/28] }\n"
	"    core: { peers: [10.0.0.0/24] }\n"
	"    certificates: { cert_path: a.pem, key_path: b.pem, x5u: \"http://127.0.0.1/c\" }\n"
	"    attestation: A\n"
	"    numbers: [\"+18005550100\", +1212555*, \"+13125550000-+13125559999\"]\n"
	"    attestation_other: none\n"
	"    on_unsignable: reject\n"
	"    existing_identity: trust\n"
	"    origid: call\n"
	"    default_country_code: \"1\"\n"
	"    number_rules: [{ prefix: \"011\", replace: \"+\" }, { prefix: \"9\", replace: \"\" }]\n"
	"    orig_from: [from, rpid]\n"
	"    dest_from: [request_uri]\n"
	"    pai: { mode: keep, default_number: \"+18005550100\", add_privacy_none: false }\n"
	"    privacy: id\n"
	"    freshness_s: 3600\n"
	"    max_cps: 1000000\n"
	"    extras:\n"
	"      attestation: A\n"
	"      geolocation:\n"
	"        default_civic_address: { country: us, region: CA, city: X, street: 1 Main, postal: 01234 }\n"
	"        geo_priv_routing: none\n"
	"        attach: emergency\n"
	"        existing: replace\n"
	"        pidf: legacy\n"
	"  - name: b\n"
	"    carrier: { peers: [192.0.2.1] }\n"
	"    extras: { attestation: C }\n"
	"    origid: my-origid\n";

static void check_full_gateway(const struct gateway *g)
{
	assert_int_equal(g->interface_cnt, 2);
	assert_string_equal(g->interfaces[1].name, "eth1.7");
	assert_int_equal(g->interfaces[1].side, SIPSEAL_SIDE_CARRIER);
	assert_int_equal(g->interfaces[1].pos.line, 5);
	assert_int_equal(g->xdp_mode, XDP_MODE_GENERIC);
	assert_int_equal(g->fast_path, FAST_PATH_FORWARD);
	assert_int_equal(g->on_signer_failure, SIPSEAL_PASS);
	assert_int_equal(g->heartbeat_ms, 50);
	assert_int_equal(g->unmatched_invite, SIPSEAL_DROP);
	assert_int_equal(g->other_transports, SIPSEAL_DROP);
	assert_int_equal(g->sip_port_cnt, 3);
	assert_int_equal(g->sip_ports[2], 65535);
	assert_int_equal(g->emergency_cnt, 2);
	assert_string_equal(g->emergency[1], "112");
	assert_int_equal(g->workers, 64);
	assert_int_equal(g->umem_frames, 65536);
	assert_int_equal(g->idle, IDLE_SPIN);
	assert_string_equal(g->bpffs, "/sys/fs/bpf/x");
	assert_string_equal(g->control_socket, "/tmp/c.sock");
	assert_null(g->metrics);
	assert_string_equal(g->events_file, "/var/log/e.ndjson");
	assert_false(g->regulatory_enabled);
	assert_string_equal(g->cert_root, "/sti");
	assert_string_equal(g->cert.cert_path, "cert.pem");
	assert_string_equal(g->cert.key_path, "key.pem");
	assert_string_equal(g->cert.x5u, "https://cert.example:8443/{serial}.pem");
	assert_int_equal(g->profile, PROFILE_STIR);
	assert_int_equal(g->trunk_cnt, 2);
}

static void check_full_trunk(const struct trunk *t)
{
	assert_int_equal(t->mode, TRUNK_OBSERVE);
	assert_int_equal(t->carrier_cnt, 3);
	assert_int_equal(t->carrier_peers[1].port, 5061);
	assert_int_equal(t->carrier_peers[2].bits, 124);
	assert_int_equal(t->core_cnt, 1);
	assert_int_equal(t->core_peers[0].bits, 120);
	assert_string_equal(t->cert.cert_path, "a.pem");
	assert_string_equal(t->cert.key_path, "b.pem");
	assert_string_equal(t->cert.x5u, "http://127.0.0.1/c");
	assert_int_equal(t->attestation, ATTEST_A);
	assert_int_equal(t->attestation_other, ATTEST_NONE);
	assert_true(t->has_numbers);
	assert_int_equal(t->number_cnt, 3);
	assert_string_equal(t->numbers[2].last, "13125559999");
	assert_int_equal(t->on_unsignable, UNSIGNABLE_REJECT);
	assert_int_equal(t->existing_identity, EXISTING_TRUST);
	assert_int_equal(t->origid_mode, ORIGID_CALL);
	assert_string_equal(t->country_code, "1");
	assert_int_equal(t->rule_cnt, 2);
	assert_string_equal(t->rules[0].replace, "+");
	assert_string_equal(t->rules[1].replace, "");
	assert_int_equal(t->orig_from[0], SOURCE_FROM);
	assert_int_equal(t->orig_from[1], SOURCE_RPID);
	assert_int_equal(t->orig_from[2], SOURCE_END);
	assert_int_equal(t->dest_from[0], SOURCE_REQUEST_URI);
	assert_int_equal(t->dest_from[1], SOURCE_END);
	assert_int_equal(t->pai_mode, PAI_KEEP);
	assert_string_equal(t->pai_domain, "default.example"); /* mappings of defaults are merged */
	assert_string_equal(t->pai_default_number, "18005550100");
	assert_int_equal(t->pai_restricted, RESTRICTED_KEEP);
	assert_false(t->add_privacy_none);
	assert_int_equal(t->privacy, PRIVACY_ID);
	assert_int_equal(t->freshness_s, 3600);
	assert_int_equal(t->max_cps, 1000000);
	assert_true(t->has_geolocation);
	assert_string_equal(t->civic.country, "US");
	assert_string_equal(t->civic.postal, "01234");
	assert_int_equal(t->geo_routing, GEO_ROUTING_NONE);
	assert_int_equal(t->geo_attach, GEO_EMERGENCY);
	assert_int_equal(t->geo_existing, GEO_REPLACE);
	assert_int_equal(t->geo_pidf, GEO_PIDF_LEGACY);
}

static void test_full(void **state)
{
	struct gateway *g = load_good("full", full);
	const struct trunk *t;

	(void)state;
	check_full_gateway(g);
	t = gateway_trunk(g, "acme.1");
	assert_non_null(t);
	check_full_trunk(t);
	t = gateway_trunk(g, "b");
	assert_non_null(t);
	assert_int_equal(t->attestation, ATTEST_C);
	assert_int_equal(t->attestation_other, ATTEST_C); /* B, but never stronger than attestation */
	assert_int_equal(t->origid_mode, ORIGID_TEXT);
	assert_string_equal(t->origid, "my-origid");
	assert_string_equal(t->country_code, "49");
	assert_false(t->has_numbers);
	assert_null(t->cert.cert_path);
	gateway_free(g);
}

#define PEERS(n) "    carrier: { peers: [192.0.2." #n "] }\n    verification: { enabled: false }\n"

static void test_defaults(void **state)
{
	struct gateway *g = load_good("defaults", HEAD
		"defaults:\n"
		"  attestation: B\n"
		"  certificates: { cert_path: d, key_path: d, x5u: 'https://d/d' }\n"
		"  numbers: [+1800*]\n"
		"  extras: { geolocation: { attach: emergency, default_civic_address: { country: US, region: CA, "
		"city: X, street: Y, room: 7 } } }\n"
		"trunks:\n"
		"  - name: a\n" PEERS(1)
		"  - name: b\n" PEERS(2)
		"    certificates: { cert_path: t, key_path: t, x5u: 'https://t/t' }\n"
		"    numbers: [+1900*]\n"
		"    attestation: none\n"
		"    extras: { geolocation: { default_civic_address: { country: CA, region: BC, city: Z, street: W } } }\n"
		"  - name: c\n" PEERS(3)
		"    certificates: {}\n"
		"    core: { peers: [] }\n");
	const struct trunk *a = g->trunks[0], *b = g->trunks[1], *c = g->trunks[2];

	(void)state;
	assert_int_equal(a->attestation, ATTEST_B);
	assert_string_equal(a->cert.x5u, "https://d/d");
	assert_int_equal(a->cert.pos.line, 6);
	assert_string_equal(a->numbers[0].first, "1800");
	assert_string_equal(a->civic.room, "7");
	assert_int_equal(b->attestation, ATTEST_NONE);
	assert_int_equal(b->attestation_other, ATTEST_NONE);
	assert_string_equal(b->cert.x5u, "https://t/t");
	assert_int_equal(b->number_cnt, 1); /* numbers replace, they do not add up */
	assert_string_equal(b->numbers[0].first, "1900");
	assert_string_equal(b->civic.room, ""); /* no half of another address */
	assert_int_equal(b->geo_attach, GEO_EMERGENCY);
	assert_string_equal(c->cert.x5u, "https://d/d");
	gateway_free(g);
}

static const struct {
	const char *name, *text, *want; /* the warnings, one per line */
} warnings[] = {
	{ "none", HEAD "trunks:\n  - name: a\n    attestation: B\n" PEERS(1), "" },
	{ "no trunks", HEAD, "t.yaml: warning: trunks: there are none: no call is signed\n" },
	{ "A for any number", HEAD "trunks:\n  - name: a\n    attestation: A\n" PEERS(1),
	  "t.yaml:6:18: warning: trunks[0].attestation: A for any number: without `numbers` every calling number is "
	  "attested as the customer's own\n" },
	{ "A with numbers", HEAD "trunks:\n  - name: a\n    attestation: A\n    numbers: []\n" PEERS(1), "" },
	{ "http", HEAD "trunks:\n  - name: a\n    attestation: B\n    certificates: { cert_path: a, key_path: b, "
	  "x5u: 'http://lab/c' }\n" PEERS(1),
	  "t.yaml:7:53: warning: trunks[0].certificates.x5u: http is for labs only, verifiers fetch https\n" },
	{ "port", HEAD "trunks:\n  - name: a\n    attestation: B\n    certificates: { cert_path: a, key_path: b, "
	  "x5u: 'https://c:444/c' }\n" PEERS(1),
	  "t.yaml:7:53: warning: trunks[0].certificates.x5u: verifiers fetch from the ports 443 and 8443 only\n" },
	{ "attach always", HEAD "trunks:\n  - name: a\n    attestation: B\n    extras: { geolocation: { "
	  "default_civic_address: { country: US, region: CA, city: X, street: Y } } }\n" PEERS(1),
	  "t.yaml:7:28: warning: trunks[0].extras.geolocation: attach always: every call tells the location of its "
	  "caller (`attach: emergency` does so in emergency calls only)\n" },
	{ "rules", HEAD "trunks:\n  - name: a\n    attestation: B\n    number_rules: [{ prefix: '0', replace: '+' }, "
	  "{ prefix: '00', replace: '' }]\n" PEERS(1),
	  "t.yaml:7:19: warning: trunks[0].number_rules: rule 2 (prefix \"00\") never applies: rule 1 (prefix \"0\") is "
	  "found first\n" },
	{ "pass and off", "gateway: { on_signer_failure: pass, " "interfaces: [{ name: a, side: core }, { name: b, "
	  "side: carrier }] }\nregulatory: { enabled: false }\ntrunks_dir: /\n" HEAD_CERT
	  "trunks:\n  - name: a\n    attestation: B\n" PEERS(1),
	  "t.yaml:1:31: warning: gateway.on_signer_failure: pass: calls leave unsigned while the signer is down\n"
	  "t.yaml:2:24: warning: regulatory.enabled: false: nothing is signed or added\n" },
};

static void test_warnings(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(warnings); i++) {
		struct config_report r = { 0 };
		struct gateway *g = NULL;
		CLEANUP(freep) char *text = NULL;
		int e = config_load_buffer("t.yaml", warnings[i].text, strlen(warnings[i].text), &g, &r);

		text = report_text(&r);
		if (e != 0 || r.error_cnt || strcmp(text, warnings[i].want))
			fail_msg("%s: returns %d\n  got  %s\n  want %s", warnings[i].name, e, text, warnings[i].want);
		config_report_done(&r);
		gateway_free(g);
	}
}

static const struct {
	const char *name, *x5u;
	bool is_good;
} urls[] = {
	{ "plain", "https://cert.example/a.pem", true },
	{ "serial twice", "https://cert.example/{serial}/{serial}", true },
	{ "escape", "https://cert.example/a%2Fb", true },
	{ "upper-case scheme", "HTTPS://cert.example/a", true },
	{ "IPv6", "https://[2001:db8::1]:8443/a", true },
	{ "no path", "https://cert.example", false },
	{ "bare path", "https://cert.example/", false },
	{ "no host", "https:///a", false },
	{ "port without host", "https://:443/a", false },
	{ "query", "https://cert.example/a?b", false },
	{ "fragment", "https://cert.example/a#b", false },
	{ "user", "https://u@cert.example/a", false },
	{ "at in the path", "https://cert.example/a@b", true },
	{ "blank", "https://cert.example/a b", false },
	{ "angle", "https://cert.example/a>b", false },
	{ "brace", "https://cert.example/{number}", false },
	{ "backslash", "https://cert.example/a\\b", false },
	{ "short escape", "https://cert.example/a%2", false },
	{ "wrong escape", "https://cert.example/%zz", false },
	{ "umlaut", "https://cert.example/\xc3\xa4", false },
	{ "file", "file:///a", false },
};

static int load_x5u(const char *x5u)
{
	struct config_report r = { 0 };
	struct gateway *g = NULL;
	char text[2048];
	int e;

	snprintf(text, sizeof(text), HEAD_GATEWAY "trunks_dir: /\n"
		 "certificates: { cert_path: c, key_path: k, x5u: '%s' }\n", x5u);
	e = config_load_buffer("t.yaml", text, strlen(text), &g, &r);
	config_report_done(&r);
	gateway_free(g);
	return e;
}

static void test_urls(void **state)
{
	char longest[700] = "https://cert.example/";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		if ((load_x5u(urls[i].x5u) == 0) != urls[i].is_good)
			fail_msg("%s: %s", urls[i].name, urls[i].is_good ? "refused" : "taken");
	}
	memset(longest + 21, 'a', 512 - 21);
	assert_int_equal(load_x5u(longest), 0);
	longest[512] = 'a';
	assert_int_equal(load_x5u(longest), -EINVAL);
}

/* Every error of a file in one go, in the order of the file: tests/data/config/bad.yaml and .txt. */
static void test_golden(void **state)
{
	struct config_report r = { 0 };
	struct gateway *g = NULL;
	char want[16384];
	CLEANUP(freep) char *got = NULL;
	FILE *f = fopen("tests/data/config/bad.txt", "r");
	size_t n;

	(void)state;
	assert_non_null(f);
	n = fread(want, 1, sizeof(want) - 1, f);
	fclose(f);
	want[n] = '\0';
	assert_int_equal(config_load("tests/data/config/bad.yaml", &g, &r), -EINVAL);
	assert_null(g);
	got = report_text(&r);
	if (strcmp(got, want))
		fail_msg("bad.yaml gives\n%s", got);
	assert_int_equal(r.error_cnt, r.cnt - 2); /* two warnings */
	config_report_done(&r);
}

static void test_samples(void **state)
{
	struct tree *t = *state;
	char cmd[512], text[4096];
	struct config_report r = { 0 };
	struct gateway *g = NULL;

	tree_mkdir(t, "d");
	snprintf(cmd, sizeof(cmd), "cp conf/trunks/*.yaml %s/d", t->dir);
	assert_int_equal(system(cmd), 0);
	snprintf(text, sizeof(text), HEAD_GATEWAY HEAD_CERT "trunks_dir: %s/d\n", t->dir);
	if (config_load_buffer("t.yaml", text, strlen(text), &g, &r) < 0)
		fail_msg("%s", report_text(&r));
	assert_int_equal(g->trunk_cnt, 4);
	config_report_done(&r);
	gateway_free(g);
}

static void test_files(void **state)
{
	struct tree *t = *state;
	const char *main_file = tree_put(t, "s.yaml", HEAD_GATEWAY "trunks_dir: d\n"
		"certificates: { root: sti, cert_path: c.pem, key_path: k.pem, x5u: 'https://cert.example/c.pem' }\n"
		"trunks: [{ name: main, carrier: { peers: [192.0.2.9] }, attestation: none }]\n");
	struct config_report r = { 0 };
	struct gateway *g = NULL;
	const struct trunk *tr;
	char file[96];

	tree_mkdir(t, "d");
	tree_put(t, "d/20.yaml", "name: second\ncarrier: { peers: [192.0.2.2] }\nattestation: B\n"
		 "numbers: [+4930*]\nnumbers_file: n.txt\n");
	tree_put(t, "d/10.yaml", "---\nname: first\ncarrier: { peers: [192.0.2.1] }\nattestation: A\nnumbers: []\n");
	tree_put(t, "d/.hidden.yaml", "x");
	tree_put(t, "d/notes.txt", "x");
	tree_put(t, "n.txt", "# comment\n+18005550100\r\n\n  +1212555* # more\n+13125550000-+13125559999");
	if (config_load(main_file, &g, &r) < 0)
		fail_msg("%s", report_text(&r));
	assert_int_equal(g->trunk_cnt, 3);
	assert_string_equal(g->trunks[0]->name, "main");
	assert_string_equal(g->trunks[1]->name, "first"); /* by name of the file */
	tr = g->trunks[2];
	assert_string_equal(tr->name, "second");
	snprintf(file, sizeof(file), "%s/d/20.yaml", t->dir);
	assert_string_equal(tr->pos.file, file);
	assert_int_equal(tr->pos.line, 1);
	assert_int_equal(tr->pos.col, 7);
	assert_int_equal(tr->number_cnt, 4);
	assert_string_equal(tr->numbers[2].first, "1212555");
	snprintf(file, sizeof(file), "%s/sti", t->dir); /* starts at the file, not where we run */
	assert_string_equal(g->cert_root, file);
	gateway_free(g);
	config_report_done(&r);
}

static void expect_load(const char *name, const char *path, int ret, const char *want)
{
	struct config_report r = { 0 };
	struct gateway *g = NULL;
	int e = config_load(path, &g, &r);
	CLEANUP(freep) char *got = report_text(&r);

	if (e != ret || !strstr(got, want) || g)
		fail_msg("%s: returns %d\n  got  %s\n  want %s", name, e, got, want);
	if (e < 0 && !r.error_cnt)
		fail_msg("%s: fails without an error in the report", name);
	config_report_done(&r);
}

static void test_bad_files(void **state)
{
	struct tree *t = *state;
	const char *main_file = tree_put(t, "s.yaml", HEAD_GATEWAY HEAD_CERT "trunks_dir: d\n");
	char *big = malloc((16 << 20) + 1);

	tree_mkdir(t, "d");
	expect_load("missing", tree_path(t, "nosuch.yaml"), -ENOENT, "nosuch.yaml: cannot be read: No such file");
	expect_load("directory", tree_path(t, "d"), -EISDIR, "cannot be read: Is a directory");
	tree_put(t, "d/a.yaml", "");
	expect_load("empty trunk", main_file, -EINVAL, "d/a.yaml: is empty, allowed: the mapping of one trunk");
	tree_put(t, "d/a.yaml", "- name: a\n");
	expect_load("list of trunks", main_file, -EINVAL, "d/a.yaml:1:1: is no trunk, allowed: a mapping");
	tree_put(t, "d/a.yaml", "name: a\ncarrier: { peers: [192.0.2.1] }\nattestation: none\nnumbers_file: n.txt\n");
	tree_put(t, "n.txt", "+18005550100\n  18005550100\n");
	expect_load("number", main_file, -EINVAL, "n.txt:2:3: numbers_file: a line has no leading +");
	tree_put(t, "n.txt", "+18005550100\r+18005550101\r");
	expect_load("lines of a Mac", main_file, -EINVAL, "n.txt:1:1: numbers_file: a line holds something else");
	tree_write(t, "n.txt", "+1800*\0x", 8);
	expect_load("NUL", main_file, -EINVAL, "n.txt: numbers_file: holds NUL bytes");
	remove(tree_path(t, "d/a.yaml"));
	assert_int_equal(mkfifo(tree_path(t, "d/a.yaml"), 0600), 0);
	expect_load("FIFO", main_file, -EINVAL, "d/a.yaml: cannot be read: is no regular file");
	remove(tree_path(t, "d/a.yaml"));
	memset(big, '#', (16 << 20) + 1);
	tree_write(t, "big.yaml", big, (16 << 20) + 1);
	expect_load("large", tree_path(t, "big.yaml"), -EFBIG, "is larger than 16 MiB");
	tree_write(t, "d/a.yaml", big, (16 << 20) + 1);
	expect_load("large trunk", main_file, -EINVAL, "d/a.yaml: cannot be read: is larger than 16 MiB");
	tree_put(t, "d/a.yaml", "name: a\ncarrier: { peers: [192.0.2.1] }\nattestation: none\nnumbers_file: n.txt\n");
	assert_int_equal(truncate(tree_put(t, "n.txt", ""), (64 << 20) + 1), 0);
	expect_load("large numbers", main_file, -EINVAL, "n.txt: is larger than 64 MiB");
	free(big);
}

/* What a gateway holds in all may be those of one trunk. */
static void test_million_ranges(void **state)
{
	struct tree *t = *state;
	const char *main_file = tree_put(t, "s.yaml", HEAD_GATEWAY HEAD_CERT "trunks_dir: d\n");
	struct config_report r = { 0 };
	struct gateway *g = NULL;
	FILE *f;

	tree_mkdir(t, "d");
	tree_put(t, "d/a.yaml", "name: a\ncarrier: { peers: [192.0.2.1] }\nattestation: none\nnumbers_file: n.txt\n");
	f = fopen(tree_put(t, "n.txt", ""), "w");
	assert_non_null(f);
	for (int i = 0; i < 1000000; i++)
		fprintf(f, "+44%09d0-+44%09d5\n", i, i);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(config_load(main_file, &g, &r), 0);
	assert_int_equal(g->trunks[0]->number_cnt, 1000000);
	assert_string_equal(g->trunks[0]->numbers[999999].last, "440009999995");
	gateway_free(g);
	config_report_done(&r);
}

/* A file full of errors stays small in the report, and warnings never hide an error. */
static void test_many_messages(void **state)
{
	struct config_report r = { 0 };
	struct model_pos pos = { "f", 1, 2 };

	(void)state;
	for (int i = 0; i < 2000; i++)
		config_report_add(&r, false, &pos, "k", "warning %d", i);
	for (int i = 0; i < 2000; i++)
		config_report_add(&r, true, &pos, "k", "error %d", i);
	for (int i = 0; i < 2000; i++)
		config_report_add(&r, false, &pos, "k", "warning %d", i);
	assert_int_equal(r.error_cnt, 2000);
	assert_int_equal(r.cnt, 101 + 501);
	assert_string_equal(r.m[100].text, "more warnings are not shown");
	assert_string_equal(r.m[101].text, "error 0");
	assert_string_equal(r.m[601].text, "more errors are not shown");
	config_report_done(&r);
}

#define MANY 10000
static void test_many_trunks(void **state)
{
	struct config_report r = { 0 };
	struct gateway *g = NULL;
	struct timespec t0, t1;
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	(void)state;
	fprintf(f, HEAD "defaults: { attestation: B }\ntrunks:\n");
	for (unsigned i = 0; i < MANY; i++)
		fprintf(f, "- { name: t%u, carrier: { peers: [192.0.2.1] }, core: { peers: [10.%u.%u.%u] } }\n", i,
			i >> 16, i >> 8 & 255, i & 255);
	fclose(f);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0);
	assert_int_equal(config_load_buffer("t.yaml", text, len, &g, &r), 0);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t1);
	assert_int_equal(g->trunk_cnt, MANY);
	assert_true(t1.tv_sec - t0.tv_sec < 10); /* a tenth of a second without sanitizers */
	gateway_free(g);
	config_report_done(&r);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_warnings),
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_golden),
		cmocka_unit_test_setup_teardown(test_samples, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(test_files, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(test_bad_files, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(test_million_ranges, tree_setup, tree_teardown),
		cmocka_unit_test(test_many_messages),
		cmocka_unit_test(test_many_trunks),
	};

	return cmocka_run_group_tests_name("config/load", tests, NULL, NULL);
}
