/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * explain: what is left out where not all fits into a datagram, whose limit the addresses tell.
 */
#include "cli/command.h"

#include <jansson.h>

#define V4 "--from 10.0.0.5:5060 --to 203.0.113.10:5060 "
#define V6 "--from [2001:db8:1::5]:5060 --to [2001:db8::10]:5060 "
#define COMMAND "-c c.yaml --key sti/key.pem "
#define V4_MAX 65507u
#define V6_MAX 65487u

static const char config[] =
	"gateway:\n"
	"  interfaces: [{ name: a, side: core }, { name: b, side: carrier }]\n"
	"certificates: { root: %s/sti, cert_path: chain.pem, key_path: key.pem, x5u: 'https://a.example/c.pem' }\n"
	"trunks:\n"
	"  - name: acme\n"
	"    carrier: { peers: [203.0.113.10, '2001:db8::10'] }\n"
	"    attestation: A\n"
	"    origid: fixed\n"
	"    default_country_code: '1'\n"
	"    pai: { domain: example.net }\n";

static void put(const char *name, const char *text, size_t len)
{
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

/* An INVITE of @len bytes. */
static void put_message(size_t len)
{
	static const char head[] = "INVITE sip:+12155551213@203.0.113.10 SIP/2.0\r\n"
				   "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK1\r\n"
				   "From: <sip:+18005550100@10.0.0.5>;tag=1\r\nTo: <sip:+12155551213@203.0.113.10>\r\n"
				   "Call-ID: abc\r\nCSeq: 1 INVITE\r\nX-Pad: ";
	static char text[70000];

	memset(text, 'x', len);
	memcpy(text, head, sizeof(head) - 1);
	memcpy(text + len - 4, "\r\n\r\n", 4);
	put("m.sip", text, len);
}

static size_t leaves(const char *line)
{
	char command[512];

	snprintf(command, sizeof(command), COMMAND "%s --output sip m.sip", line);
	assert_int_equal(command_run(cmd_explain, false, command), CLI_OK);
	return command_out_len;
}

/* "" where nothing is said. */
static void check_shed(const char *line, const char *reason, const char *want)
{
	char command[512];
	json_t *o, *shed;
	char *got;

	snprintf(command, sizeof(command), COMMAND "%s m.sip", line);
	assert_int_equal(command_run(cmd_explain, true, command), CLI_OK);
	o = json_loads(command_out, 0, NULL);
	assert_non_null(o);
	assert_string_equal(json_string_value(json_object_get(o, "reason")), reason);
	shed = json_object_get(o, "shed");
	got = shed ? json_dumps(shed, JSON_COMPACT) : strdup("");
	assert_string_equal(got, want);
	free(got);
	json_decref(o);
	assert_int_equal(command_run(cmd_explain, false, command), CLI_OK);
	assert_int_equal(!!strstr(command_out, "left out to fit into a datagram: P-Asserted-Identity"), *want != 0);
}

static void test_limits(void **state)
{
	char text[2048];
	size_t growth, pai;

	(void)state;
	snprintf(text, sizeof(text), config, command_dir);
	put("c.yaml", text, strlen(text));
	put_message(1000);
	growth = leaves(V4) - 1000;
	put_message(V4_MAX - growth);
	assert_int_equal(leaves(V4), V4_MAX);
	check_shed(V4, "signed", "");
	check_shed(V6, "signed", "[\"pai\"]");
	pai = V4_MAX - leaves(V6);
	put_message(V6_MAX - growth);
	check_shed(V6, "signed", "");
	put_message(V4_MAX - growth + 1);
	check_shed(V4, "signed", "[\"pai\"]");
	put_message(V4_MAX - growth + pai + 1);
	check_shed(V4, "output_limit", "");
	assert_int_equal(leaves(V4), V4_MAX - growth + pai + 1);
}

static int setup(void **state)
{
	return command_setup(state) == 0 && command_run(cmd_cert_lab, false, "sti") == CLI_OK ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_limits) };

	return cmocka_run_group_tests_name("explain_size", tests, setup, command_teardown);
}
