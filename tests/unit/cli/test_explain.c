/* SPDX-License-Identifier: BSD-2-Clause */
/* sipseal explain: what it says of a packet is what bpf/gateway.bpf.c and the engine do with it. */
#include "command.h"

#include <sys/stat.h>
#include <time.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "cli/files.h"
#include "fetcher/store.h"

#define PBX     "10.0.0.5:5060"
#define OTHER   "10.9.9.9:5060" /* no core peer */
#define CARRIER "203.0.113.10"
#define V6      "[2001:db8::10]"

static const char config[] =
	"gateway:\n"
	"  interfaces: [{ name: a, side: core }, { name: b, side: carrier }]\n"
	"  sip_ports: [5060, 5080]\n"
	"%s"
	"certificates: { root: %s/sti, cert_path: chain.pem, key_path: key.pem, x5u: 'https://a.example/c.pem' }\n"
	"trunks_dir: /\n"
	"trunks:\n"
	"  - name: acme\n"
	"    carrier: { peers: [203.0.113.10, '[2001:db8::10]:5070'] }\n"
	"    core: { peers: [10.0.0.0/24, 2001:db8:1::/48] }\n"
	"    attestation: A\n"
	"    default_country_code: '1'\n"
	"    pai: { domain: example.net }\n"
	"%s";

#define LINE "INVITE sip:+12155551213@203.0.113.10 SIP/2.0\r\n"
#define TO   "To: <sip:+12155551213@203.0.113.10>"
static const char message[] =
	LINE
	"Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK1\r\n"
	"From: \"A\" <sip:+18005550100@10.0.0.5>;tag=1\r\n"
	TO "\r\n"
	"Call-ID: abc\r\n"
	"CSeq: 1 INVITE\r\n"
	"P-Preferred-Identity: <sip:+18005550100@10.0.0.5>\r\n"
	"Max-Forwards: 70\r\n"
	"Content-Length: 0\r\n\r\n";

static void put(const char *name, const char *text, size_t len)
{
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void put_config(const char *gateway, const char *trunk)
{
	char text[4096];

	snprintf(text, sizeof(text), config, gateway ? gateway : "", command_dir, trunk ? trunk : "");
	put("c.yaml", text, strlen(text));
}

/* The message with its first @old replaced.  Return: its length; the bytes are in dst. */
static size_t edit(const char *old, const char *new, char dst[static 4096])
{
	const char *at = old ? strstr(message, old) : NULL;

	assert_true(!old || at);
	if (!old)
		return (size_t)snprintf(dst, 4096, "%s", message);
	return (size_t)snprintf(dst, 4096, "%.*s%s%s", (int)(at - message), message, new, at + strlen(old));
}

#define URI(u) LINE, "INVITE " u " SIP/2.0\r\n"
#define DROP   "  unmatched_invite: drop\n"
#define OFF    "regulatory: { enabled: false }\n"

static const struct {
	const char *name, *gateway, *trunk, *from, *to, *old, *new;
	const char *verdict, *reason, *direction, *of_trunk; /* NULL: null */
} cases[] = {
	{ "signed", NULL, NULL, PBX, CARRIER ":5060", NULL, NULL, "sign", "signed", "outbound", "acme" },
	{ "second SIP port", NULL, NULL, PBX, CARRIER ":5080", NULL, NULL, "sign", "signed", "outbound", "acme" },
	{ "peer with a port", NULL, NULL, "[2001:db8:1::5]:5060", V6 ":5070", NULL, NULL, "sign", "signed",
	  "outbound", "acme" },
	{ "leading CRLF", NULL, NULL, PBX, CARRIER ":5060", LINE, "\r\n\r\n" LINE, "sign", "signed", "outbound",
	  "acme" },
	{ "observe", NULL, "    mode: observe\n", PBX, CARRIER ":5060", NULL, NULL, "pass", "observe", "outbound",
	  "acme" },
	{ "refused number", NULL, "    numbers: []\n    attestation_other: reject\n", PBX, CARRIER ":5060", NULL,
	  NULL, "reject", "number_refused", "outbound", "acme" },
	{ "re-INVITE", NULL, NULL, PBX, CARRIER ":5060", TO, TO ";tag=2", "pass", "in_dialog", "outbound", "acme" },
	{ "hostile", NULL, NULL, PBX, CARRIER ":5060", "CSeq: 1", "CSeq 1", "pass", "header_syntax", "outbound",
	  "acme" },
	/* some PBXs take these for INVITEs: the signer sees them, and says what they are */
	{ "lower case", NULL, NULL, PBX, CARRIER ":5060", "INVITE sip", "invite sip", "pass", "not_invite", "outbound",
	  "acme" },
	{ "blank first", NULL, NULL, PBX, CARRIER ":5060", "INVITE sip", " INVITE sip", "pass", "start_line",
	  "outbound", "acme" },
	{ "no blank", NULL, NULL, PBX, CARRIER ":5060", "INVITE sip", "INVITE<sip", "pass", "start_line", "outbound",
	  "acme" },
	/* no business of the signer */
	{ "OPTIONS", NULL, NULL, PBX, CARRIER ":5060", "INVITE sip", "OPTIONS sip", "pass", "not_invite", NULL, NULL },
	{ "longer method", NULL, NULL, PBX, CARRIER ":5060", "INVITE sip", "INVITES sip", "pass", "not_invite", NULL,
	  NULL },
	{ "word behind INVITE", NULL, NULL, PBX, CARRIER ":5060", "INVITE sip", "INVITEsip", "pass", "not_invite",
	  NULL, NULL },
	{ "no SIP port", NULL, NULL, PBX, CARRIER ":5061", NULL, NULL, "pass", "forwarded", NULL, NULL },
	{ "no SIP port, kernel", "  fast_path: kernel\n", NULL, PBX, CARRIER ":5061", NULL, NULL, "pass", "kernel",
	  NULL, NULL },
	{ "no SIP port, drop", DROP, NULL, PBX, CARRIER ":5061", NULL, NULL, "pass", "forwarded", NULL, NULL },
	{ "SIP port, but not the peer's", NULL, NULL, "[2001:db8:1::5]:5060", V6 ":5060", NULL, NULL, "pass",
	  "unmatched_invite", NULL, NULL },
	{ "another customer", NULL, NULL, OTHER, CARRIER ":5060", NULL, NULL, "pass", "unmatched_invite", NULL, NULL },
	{ "nobody's", NULL, NULL, PBX, "192.0.2.9:5060", NULL, NULL, "pass", "unmatched_invite", NULL, NULL },
	{ "nobody's, drop", DROP, NULL, PBX, "192.0.2.9:5060", NULL, NULL, "drop", "unmatched_invite_dropped", NULL,
	  NULL },
	/* emergency calls live, whatever the policy says */
	{ "unmatched 911", DROP, NULL, PBX, "192.0.2.9:5060", URI("sip:911@h"), "pass", "emergency_passed", NULL,
	  NULL },
	{ "unmatched tel:112", DROP, NULL, PBX, "192.0.2.9:5060", URI("tel:112"), "pass", "emergency_passed", NULL,
	  NULL },
	{ "unmatched sips:933;", DROP, NULL, PBX, "192.0.2.9:5060", URI("SIPS:933;a=b@h"), "pass",
	  "emergency_passed", NULL, NULL },
	{ "unmatched sos", DROP, NULL, PBX, "192.0.2.9:5060", URI("urn:Service:SOS.fire"), "pass",
	  "emergency_passed", NULL, NULL },
	{ "not sos", DROP, NULL, PBX, "192.0.2.9:5060", URI("urn:service:sosfire"), "drop",
	  "unmatched_invite_dropped", NULL, NULL },
	{ "not 911", DROP, NULL, PBX, "192.0.2.9:5060", URI("sip:9112@h"), "drop", "unmatched_invite_dropped", NULL,
	  NULL },
	{ "911 as host", DROP, NULL, PBX, "192.0.2.9:5060", URI("sip:911"), "drop", "unmatched_invite_dropped", NULL,
	  NULL },
	{ "911 of a trunk", NULL, NULL, PBX, CARRIER ":5060", URI("sip:911@h"), "sign", "signed", "outbound", "acme" },
	/* off: traffic flows */
	{ "off", OFF, NULL, PBX, CARRIER ":5060", NULL, NULL, "pass", "regulatory_off", "outbound", "acme" },
	{ "off, nobody's, drop", DROP OFF, NULL, PBX, "192.0.2.9:5060", NULL, NULL, "pass", "unmatched_invite", NULL,
	  NULL },
	{ "off, inbound", OFF, NULL, CARRIER ":5060", PBX, NULL, NULL, "pass", "inbound_unverified", "inbound",
	  "acme" },
	/* from the carrier */
	{ "inbound", NULL, NULL, CARRIER ":5060", PBX, NULL, NULL, "pass", "inbound_unverified", "inbound", "acme" },
	{ "inbound, any port", DROP, NULL, CARRIER ":40000", PBX, NULL, NULL, "pass", "inbound_unverified", "inbound",
	  "acme" },
	{ "inbound to nobody's core", NULL, NULL, CARRIER ":5060", OTHER, NULL, NULL, "pass", "unmatched_invite", NULL,
	  NULL },
	{ "inbound to nobody's core, drop", DROP, NULL, CARRIER ":5060", OTHER, NULL, NULL, "drop",
	  "unmatched_invite_dropped", NULL, NULL },
	{ "carrier to carrier", NULL, NULL, CARRIER ":5060", V6 ":5070", NULL, NULL, "pass", "wrong_side", NULL, NULL },
};

static void expect_text(const char *name, const json_t *o, const char *key, const char *want)
{
	const json_t *v = json_object_get(o, key);
	const char *found = json_string_value(v);

	if (!v || (want ? !found || strcmp(found, want) != 0 : !json_is_null(v)))
		fail_msg("%s: %s is %s, want %s\n%s", name, key, found ? found : "no text", want ? want : "null",
			 command_out);
}

static json_t *explain_json(const char *name, const char *line)
{
	int r = command_run(cmd_explain, true, line);
	json_t *o = json_loads(command_out, 0, NULL);

	if (r != CLI_OK || !o)
		fail_msg("%s: exit %d\n%s%s", name, r, command_out, command_err);
	return o;
}

static void test_cases(void **state)
{
	char text[4096], line[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bool is_same = strcmp(cases[i].verdict, "pass") == 0;
		size_t len = edit(cases[i].old, cases[i].new, text);
		json_t *o;

		put("m.sip", text, len);
		put_config(cases[i].gateway, cases[i].trunk);
		/* OFF is a key beside `gateway`, which is why it comes last there */
		snprintf(line, sizeof(line), "-c c.yaml --key sti/key.pem --from %s --to %s m.sip", cases[i].from,
			 cases[i].to);
		o = explain_json(cases[i].name, line);
		expect_text(cases[i].name, o, "verdict", cases[i].verdict);
		expect_text(cases[i].name, o, "reason", cases[i].reason);
		expect_text(cases[i].name, o, "direction", cases[i].direction);
		expect_text(cases[i].name, o, "trunk", cases[i].of_trunk);
		if (json_is_true(json_object_get(o, "signed")) != !strcmp(cases[i].verdict, "sign"))
			fail_msg("%s: signed is wrong", cases[i].name);
		if (is_same && (json_array_size(json_object_get(o, "added")) ||
				json_array_size(json_object_get(o, "removed"))))
			fail_msg("%s: rows change:\n%s", cases[i].name, command_out);
		json_decref(o);
		strcat(line, " --output sip");
		assert_int_equal(command_run(cmd_explain, false, line), CLI_OK);
		if (is_same && (command_out_len != len || memcmp(command_out, text, len)))
			fail_msg("%s: other bytes leave", cases[i].name);
		if (!strcmp(cases[i].verdict, "drop") && command_out_len)
			fail_msg("%s: bytes leave", cases[i].name);
		if (!strcmp(cases[i].verdict, "reject") && strncmp(command_out, "SIP/2.0 403 ", 12))
			fail_msg("%s: no refusal leaves", cases[i].name);
	}
}

static const char *row_of(const json_t *o, const char *key, const char *prefix)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(o, key), i, row)
		if (strncmp(json_string_value(row), prefix, strlen(prefix)) == 0)
			return json_string_value(row);
	fail_msg("%s has no %s:\n%s", key, prefix, command_out);
	return NULL;
}

#define GOOD "-c c.yaml --from " PBX " --to " CARRIER ":5060 "

static void test_rows_and_clock(void **state)
{
	time_t at = time(NULL) + 7200; /* the lab certificate is valid from now on */
	char line[512], iso[32], date[64];
	json_t *o;

	(void)state;
	put("m.sip", message, strlen(message));
	put_config(NULL, NULL);
	strftime(iso, sizeof(iso), "%Y-%m-%dT%H:%M:%SZ", gmtime(&at));
	strftime(date, sizeof(date), "Date: %a, %d %b %Y %H:%M:%S GMT", gmtime(&at));
	snprintf(line, sizeof(line), GOOD "--key sti/key.pem --at %s m.sip", iso);
	o = explain_json("rows", line);
	assert_string_equal(row_of(o, "added", "Date"), date);
	assert_string_equal(row_of(o, "added", "P-Asserted"), "P-Asserted-Identity: <sip:+18005550100@example.net>");
	assert_string_equal(row_of(o, "removed", "P-Pref"), "P-Preferred-Identity: <sip:+18005550100@10.0.0.5>");
	assert_int_equal(json_array_size(json_object_get(o, "added")), 4); /* with Privacy and Identity */
	assert_int_equal(json_array_size(json_object_get(o, "removed")), 1);
	assert_string_equal(json_string_value(json_object_get(o, "attest")), "A");
	assert_string_equal(json_string_value(json_object_get(o, "orig")), "18005550100");
	assert_string_equal(json_string_value(json_object_get(o, "dest")), "12155551213");
	json_decref(o);
	assert_int_equal(command_run(cmd_explain, false, GOOD "m.sip"), CLI_OK);
	assert_non_null(strstr(command_out, "  - P-Preferred-Identity: "));
	assert_non_null(strstr(command_out, "  + Identity: "));
	assert_non_null(strstr(command_out, "reason      signed: "));
}

/* What leaves in fragments is said to. */
static void test_large(void **state)
{
	static const struct { size_t len; bool has_note; } sizes[] = { { 1472, false }, { 1473, true } };
	char text[4096] = "";

	(void)state;
	put_config(NULL, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t len = (size_t)snprintf(text, sizeof(text), LINE "X: ");

		memset(text + len, 'x', sizes[i].len - len);
		put("m.sip", text, sizes[i].len);
		assert_int_equal(command_run(cmd_explain, false, GOOD "m.sip"), CLI_OK);
		assert_int_equal(!!strstr(command_out, "it leaves in fragments"), sizes[i].has_note);
	}
}

/* Without a key: the same decision, a signature that nobody takes for one. */
static void test_placeholder(void **state)
{
	json_t *o;

	(void)state;
	put("m.sip", message, strlen(message));
	put_config(NULL, NULL);
	assert_int_equal(rename("sti/key.pem", "key.away"), 0);
	o = explain_json("no key", GOOD "m.sip");
	assert_true(json_is_false(json_object_get(o, "signed")));
	assert_string_equal(json_string_value(json_object_get(o, "verdict")), "sign");
	assert_non_null(strstr(row_of(o, "added", "Identity"), ".sipseal-placeholder-"));
	json_decref(o);
	assert_int_equal(command_run(cmd_explain, false, GOOD "m.sip"), CLI_OK);
	assert_non_null(strstr(command_out, "a placeholder"));
	/* nor a certificate: a machine that is not the gateway */
	assert_int_equal(rename("sti/chain.pem", "chain.away"), 0);
	o = explain_json("no certificate", GOOD "m.sip");
	assert_string_equal(json_string_value(json_object_get(o, "verdict")), "sign");
	json_decref(o);
	assert_int_equal(command_run(cmd_explain, false, GOOD "m.sip"), CLI_OK);
	assert_non_null(strstr(command_out, "taken as valid"));
	assert_int_equal(rename("chain.away", "sti/chain.pem"), 0);
	assert_int_equal(rename("key.away", "sti/key.pem"), 0);
}

static const struct {
	const char *name, *line;
	int want;
	const char *says; /* on stderr */
} refusals[] = {
	{ "no addresses", "-c c.yaml m.sip", CLI_USAGE, "--from" },
	{ "no file", "-c c.yaml --from " PBX " --to " PBX, CLI_USAGE, "message file" },
	{ "two files", GOOD "m.sip m.sip", CLI_USAGE, "one message file" },
	{ "no port", "--from 10.0.0.5 --to " PBX " m.sip", CLI_USAGE, "--from 10.0.0.5: IP:PORT" },
	{ "prefix", "--from " PBX " --to 10.0.0.0/8 m.sip", CLI_USAGE, "--to 10.0.0.0/8: IP:PORT" },
	{ "unknown option", GOOD "--colour m.sip", CLI_USAGE, "--colour" },
	{ "option without value", GOOD "m.sip --key", CLI_USAGE, "--key needs a value" },
	{ "bad time", GOOD "--at noon m.sip", CLI_USAGE, "--at noon" },
	{ "bad output", GOOD "--output xml m.sip", CLI_USAGE, "--output xml" },
	{ "both outputs", GOOD "-j --output sip m.sip", CLI_USAGE, "exclude" },
	{ "message not there", GOOD "none.sip", CLI_FAILED, "none.sip: No such file" },
	{ "message too large", GOOD "large.sip", CLI_FAILED, "large.sip: larger than" },
	{ "configuration not there", "-c none.yaml --from " PBX " --to " PBX " m.sip", CLI_FAILED, "none.yaml" },
	{ "configuration refused", "-c m.sip --from " PBX " --to " PBX " m.sip", CLI_REFUSED, "m.sip:2:" },
	{ "key not there", GOOD "--key none.pem m.sip", CLI_FAILED, "none.pem: No such file" },
	{ "key that is none", GOOD "--key m.sip m.sip", CLI_FAILED, "m.sip: holds no private key" },
	{ "key of another", GOOD "--key other/key.pem m.sip", CLI_FAILED, "does not match the certificate" },
};

static void test_refusals(void **state)
{
	static const char large[70000] = "INVITE sip:a@b SIP/2.0\r\n";

	(void)state;
	put("m.sip", message, strlen(message));
	put("large.sip", large, sizeof(large));
	put_config(NULL, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		int r = command_run(cmd_explain, false, refusals[i].line);

		if (r != refusals[i].want || command_out_len || !strstr(command_err, refusals[i].says))
			fail_msg("%s: exit %d, want %d\n%s%s", refusals[i].name, r, refusals[i].want, command_out,
				 command_err);
	}
}

/* Inbound: what the same configuration signed on its way out comes back from the carrier. */
#define ANCHORS "trust_anchors: anchors.pem, "
#define CERT    " --cert sti/chain.pem"
#define IN      "-c in.yaml --from " CARRIER ":5060 --to " PBX " "
#define REFUSE  "    verification: { on_failure: reject, on_missing: reject }\n"
#define OURS    "X-STIR-Result: "
#define MAX_FORWARDS "Max-Forwards: 70\r\n"

static char signed_sip[8192];
static int64_t signed_at;

static void put_inbound_config(const char *trunk)
{
	char text[4096], *at;

	put_config(NULL, trunk);
	snprintf(text, sizeof(text), config, "", command_dir, trunk ? trunk : "");
	at = strstr(text, "cert_path: ");
	memmove(at + strlen(ANCHORS), at, strlen(at) + 1);
	memcpy(at, ANCHORS, strlen(ANCHORS));
	snprintf(text + strlen(text), sizeof(text) - strlen(text), "fetch: { cache_dir: %s/cache }\n", command_dir);
	put("in.yaml", text, strlen(text));
}

static void sign_message(void)
{
	char line[256];

	put("m.sip", message, strlen(message));
	put_config(NULL, NULL);
	signed_at = (int64_t)time(NULL) + 7200;
	snprintf(line, sizeof(line), GOOD "--key sti/key.pem --output sip --at %lld m.sip", (long long)signed_at);
	assert_int_equal(command_run(cmd_explain, false, line), CLI_OK);
	assert_true(command_out_len < sizeof(signed_sip));
	memcpy(signed_sip, command_out, command_out_len + 1);
	assert_non_null(strstr(signed_sip, "\r\nIdentity: "));
}

static const struct inbound_case {
	const char *name, *trunk, *old, *new; /* old NULL: what was signed; new NULL: what never was */
	const char *args;
	int late_s;
	const char *verdict, *status, *reason, *row; /* row: reason of the first one, NULL: none */
	const char *added;                           /* begins a row that is added; NULL: none is */
} inbound[] = {
	{ "verified", NULL, NULL, "", CERT, 0, "verify", "STIR_VERIFIED", "verified", "verified",
	  OURS "STIR_VERIFIED;attest=A;origid=" },
	{ "a customer's own header", "    verification: { result_header: X-Ours }\n", NULL, "", CERT, 0, "verify",
	  "STIR_VERIFIED", "verified", "verified", "X-Ours: STIR_VERIFIED;attest=A" },
	{ "another caller", NULL, "<sip:+18005550100@example.net>", "<sip:+18005550199@example.net>", CERT, 0,
	  "verify", "STIR_FAILED", "orig_mismatch", "orig_mismatch", OURS "STIR_FAILED;reason=orig_mismatch" },
	{ "another callee", NULL, "sip:+12155551213", "sip:+12155551214", CERT, 0, "verify", "STIR_FAILED",
	  "dest_mismatch", "dest_mismatch", OURS "STIR_FAILED;reason=dest_mismatch" },
	{ "late", NULL, NULL, "", CERT, 120, "verify", "STIR_FAILED", "passport_stale", "passport_stale",
	  OURS "STIR_FAILED;reason=passport_stale" },
	{ "another key", NULL, NULL, "", " --cert other/chain.pem --anchors other/anchors.pem", 0, "verify",
	  "STIR_FAILED", "signature_bad", "signature_bad", OURS "STIR_FAILED;reason=signature_bad;code=438" },
	{ "anchors of another", NULL, NULL, "", CERT " --anchors other/anchors.pem", 0, "verify", "STIR_FAILED",
	  "certificate_untrusted", "certificate_untrusted", OURS "STIR_FAILED;reason=certificate_untrusted;code=437" },
	{ "without its intermediate", NULL, NULL, "", " --cert sti/leaf.pem", 0, "verify", "STIR_FAILED",
	  "certificate_untrusted", "certificate_untrusted", OURS },
	{ "no certificate", NULL, NULL, "", " --cert m.sip", 0, "verify", "STIR_FAILED", "certificate_bad",
	  "certificate_bad", OURS },
	{ "certificate nowhere", NULL, NULL, "", "", 0, "verify", "STIR_FAILED", "certificate_pending",
	  "certificate_pending", OURS "STIR_FAILED;reason=certificate_pending" },
	{ "not signed", NULL, NULL, NULL, CERT, 0, "verify", "STIR_MISSING", "identity_missing", NULL,
	  OURS "STIR_MISSING" },
	{ "not signed, refused", REFUSE, NULL, NULL, CERT, 0, "reject", "STIR_MISSING", "identity_missing", NULL, NULL },
	{ "another key, refused", REFUSE, NULL, "", " --cert other/chain.pem --anchors other/anchors.pem", 0, "reject",
	  "STIR_FAILED", "signature_bad", "signature_bad", NULL },
	{ "not known, never refused", REFUSE, NULL, "", "", 0, "verify", "STIR_FAILED", "certificate_pending",
	  "certificate_pending", OURS },
	{ "observed", "    mode: observe\n", NULL, "", CERT, 0, "pass", "STIR_VERIFIED", "observe", "verified", NULL },
	{ "off", "    verification: { enabled: false }\n", NULL, "", "", 0, "pass", NULL, "inbound_unverified", NULL,
	  NULL },
	{ "re-INVITE", NULL, TO "\r\n", TO ";tag=2\r\n", CERT, 0, "pass", NULL, "in_dialog", NULL, NULL },
	{ "a word of ours from outside", NULL, MAX_FORWARDS, MAX_FORWARDS "X-STIR-Result: STIR_MISSING\r\n", CERT, 0,
	  "verify", "STIR_VERIFIED", "verified", "verified", OURS "STIR_VERIFIED" },
	{ "the same where nothing can be edited", NULL, MAX_FORWARDS, "Bad Row\r\nX-STIR-Result: a\r\n", CERT, 0,
	  "drop", "STIR_FAILED", "forged_mark", NULL, NULL },
};

/* The signed message, or the one that was not, with a text replaced wherever it stands. */
static size_t edit_inbound(const struct inbound_case *c, char dst[static 8192])
{
	const char *from = c->new ? signed_sip : message, *at;
	size_t len = 0;

	assert_true(!c->old || strstr(from, c->old));
	while (c->old && (at = strstr(from, c->old))) {
		len += (size_t)snprintf(dst + len, 8192 - len, "%.*s%s", (int)(at - from), from, c->new);
		from = at + strlen(c->old);
	}
	return len + (size_t)snprintf(dst + len, 8192 - len, "%s", from);
}

static void check_inbound(const struct inbound_case *c, const json_t *o)
{
	const json_t *rows = json_object_get(o, "rows"), *added = json_object_get(o, "added");

	expect_text(c->name, o, "verdict", c->verdict);
	expect_text(c->name, o, "direction", strcmp(c->reason, "unmatched_invite") ? "inbound" : NULL);
	expect_text(c->name, o, "status", c->status);
	expect_text(c->name, o, "reason", c->reason);
	if (json_array_size(rows) != (c->row ? 1 : 0))
		fail_msg("%s: %zu rows\n%s", c->name, json_array_size(rows), command_out);
	if (c->row)
		expect_text(c->name, json_array_get(rows, 0), "reason", c->row);
	if (json_array_size(added) != (c->added ? 1 : 0))
		fail_msg("%s: %zu rows are added\n%s", c->name, json_array_size(added), command_out);
	if (c->added)
		row_of(o, "added", c->added);
}

static void test_inbound(void **state)
{
	char text[8192], line[512];

	(void)state;
	sign_message();
	for (size_t i = 0; i < ARRAY_SIZE(inbound); i++) {
		const struct inbound_case *c = &inbound[i];
		size_t len = edit_inbound(c, text);
		json_t *o;

		put("in.sip", text, len);
		put_inbound_config(c->trunk);
		snprintf(line, sizeof(line), IN "--at %lld%s in.sip", (long long)signed_at + c->late_s, c->args);
		o = explain_json(c->name, line);
		check_inbound(c, o);
		json_decref(o);
		strcat(line, " --output sip");
		assert_int_equal(command_run(cmd_explain, false, line), CLI_OK);
		if (!strcmp(c->verdict, "pass") && (command_out_len != len || memcmp(command_out, text, len)))
			fail_msg("%s: other bytes leave", c->name);
		if (!strcmp(c->verdict, "drop") && command_out_len)
			fail_msg("%s: bytes leave", c->name);
		if (!strcmp(c->verdict, "reject") &&
		    strncmp(command_out, strcmp(c->status, "STIR_MISSING") ? "SIP/2.0 438 " : "SIP/2.0 428 ", 12))
			fail_msg("%s: another answer\n%s", c->name, command_out);
	}
}

static void test_inbound_words(void **state)
{
	static const char *const says[] = { "direction   inbound\n", "verdict     verify\nstatus      STIR_VERIFIED\n",
					    "reason      verified: ", "attest      A\n", "orig        18005550100\n",
					    "dest        12155551213\n", "origid      ",
					    "x5u         https://a.example/c.pem\n", "certificate good, ", ", SPC ",
					    "identity 1  shaken, attest A: verified: ",
					    "  + X-STIR-Result: STIR_VERIFIED" };
	char line[512];
	json_t *o, *row;

	(void)state;
	sign_message();
	put("in.sip", signed_sip, strlen(signed_sip));
	put_inbound_config(NULL);
	snprintf(line, sizeof(line), IN "--at %lld" CERT " in.sip", (long long)signed_at);
	assert_int_equal(command_run(cmd_explain, false, line), CLI_OK);
	for (size_t i = 0; i < ARRAY_SIZE(says); i++)
		if (!strstr(command_out, says[i]))
			fail_msg("no '%s' in:\n%s", says[i], command_out);
	assert_null(strstr(command_out, "attest why"));
	o = explain_json("words", line);
	row = json_array_get(json_object_get(o, "rows"), 0);
	expect_text("row", row, "ppt", "shaken");
	expect_text("row", row, "x5u", "https://a.example/c.pem");
	expect_text("row", row, "attest", "A");
	assert_int_equal(json_integer_value(json_object_get(row, "iat")), signed_at);
	assert_int_equal(json_integer_value(json_object_get(row, "row")), 1);
	expect_text("certificate", json_object_get(o, "certificate"), "state", "good");
	expect_text("all", o, "x5u", "https://a.example/c.pem");
	assert_true(json_is_string(json_object_get(o, "origid")));
	json_decref(o);
	/* what cannot be known is said, and the way out */
	snprintf(line, sizeof(line), IN "--at %lld in.sip", (long long)signed_at);
	assert_int_equal(command_run(cmd_explain, false, line), CLI_OK);
	assert_non_null(strstr(command_out, "certificate unknown: not in the cache\n"));
	assert_non_null(strstr(command_out, "wait up to 400 ms; give it by --cert FILE"));
}

/* What the fetcher has kept does as well as --cert; damaged it is as if it were not there. */
static void test_inbound_cache(void **state)
{
	CLEANUP(freep) char *chain = NULL;
	struct store *store = NULL;
	char line[512];
	size_t len;
	json_t *o;

	(void)state;
	sign_message();
	put("in.sip", signed_sip, strlen(signed_sip));
	put_inbound_config(NULL);
	assert_int_equal(mkdir("cache", 0700), 0);
	assert_int_equal(file_read("sti/chain.pem", 65536, &chain, &len), 0);
	assert_int_equal(store_open(open("cache", O_RDONLY | O_DIRECTORY), &store), 0);
	assert_int_equal(store_write(store, SLICE("https://a.example/c.pem"), signed_at, 3600, chain, len), 0);
	snprintf(line, sizeof(line), IN "--at %lld in.sip", (long long)signed_at);
	o = explain_json("cached", line);
	expect_text("cached", o, "status", "STIR_VERIFIED");
	json_decref(o);
	assert_int_equal(store_drop(store, SLICE("https://a.example/c.pem")), 0);
	o = explain_json("dropped", line);
	expect_text("dropped", o, "reason", "certificate_pending");
	json_decref(o);
	store_free(store);
	assert_int_equal(rmdir("cache"), 0);
}

static const struct {
	const char *name, *args, *says;
} inbound_refusals[] = {
	{ "certificate not there", " --cert none.pem", "none.pem: No such file" },
	{ "anchors not there", CERT " --anchors none.pem", "none.pem: No such file" },
	{ "anchors that are none", CERT " --anchors m.sip", "trust anchors: " },
	{ "directory without anchors", CERT " --anchors empty", "empty: has no files" },
};

static void test_inbound_refusals(void **state)
{
	char line[512];

	(void)state;
	put("m.sip", message, strlen(message));
	put_inbound_config(NULL);
	assert_int_equal(mkdir("empty", 0700), 0);
	for (size_t i = 0; i < ARRAY_SIZE(inbound_refusals); i++) {
		int r;

		snprintf(line, sizeof(line), IN "m.sip%s", inbound_refusals[i].args);
		r = command_run(cmd_explain, false, line);
		if (r != CLI_FAILED || command_out_len || !strstr(command_err, inbound_refusals[i].says))
			fail_msg("%s: exit %d\n%s%s", inbound_refusals[i].name, r, command_out, command_err);
	}
}

static int setup(void **state)
{
	return command_setup(state) == 0 && command_run(cmd_cert_lab, false, "sti") == CLI_OK &&
	       command_run(cmd_cert_lab, false, "other") == CLI_OK ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases), cmocka_unit_test(test_rows_and_clock),
		cmocka_unit_test(test_placeholder), cmocka_unit_test(test_large),
		cmocka_unit_test(test_refusals), cmocka_unit_test(test_inbound),
		cmocka_unit_test(test_inbound_words), cmocka_unit_test(test_inbound_cache),
		cmocka_unit_test(test_inbound_refusals),
	};

	return cmocka_run_group_tests(tests, setup, command_teardown);
}
