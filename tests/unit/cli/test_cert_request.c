/* SPDX-License-Identifier: BSD-2-Clause */
/* The request is read back by openssl(1), not by the code that made it. */
#include "command.h"

#include <jansson.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "cli/cli.h"

static void expect_run(const char *line, int want)
{
	int r = command_run(cmd_cert_request, false, line);

	if (r != want)
		fail_msg("'%s': exit %d, want %d\n%s%s", line, r, want, command_out, command_err);
}

static void shell(const char *cmd, char *dst, size_t cap)
{
	FILE *p = popen(cmd, "r");
	size_t n;

	assert_non_null(p);
	n = fread(dst, 1, cap - 1, p);
	dst[n] = '\0';
	assert_int_equal(pclose(p), 0);
}

static void expect_text(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no \"%s\" in:\n%s", part, text);
}

static void test_openssl_reads_it(void **state)
{
	char text[16384];
	struct stat st;

	(void)state;
	expect_run("spc --org Example --spc 709J", CLI_OK);
	assert_int_equal(stat("spc/key.pem", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	shell("openssl req -in spc/request.pem -verify -noout -text 2>&1", text, sizeof(text));
	expect_text(text, "verify OK");
	expect_text(text, "C = US, O = Example, CN = SHAKEN 709J");
	expect_text(text, "ASN1 OID: prime256v1");
	expect_text(text, "ecdsa-with-SHA256");
	expect_text(text, "Requested Extensions");
	expect_text(text, "1.3.6.1.5.5.7.1.26");
	/* SEQUENCE { [0] { IA5String "709J" } } of RFC 8226 s9 */
	shell("openssl req -in spc/request.pem -outform DER | od -An -v -tx1 | tr -d ' \\n'", text, sizeof(text));
	expect_text(text, "06082b0601050507011a" "040a" "3008" "a006" "1604" "3730394a");
	/* and the key is the one of the request */
	shell("openssl pkey -in spc/key.pem -pubout > key.pub; openssl req -in spc/request.pem -pubkey -noout | "
	      "cmp - key.pub && echo same", text, sizeof(text));
	expect_text(text, "same");
}

static void test_numbers(void **state)
{
	char text[16384];

	(void)state;
	expect_run("numbers --org Example --number +18005550100 --number +12125550000-+12125550099 --name Lab "
		   "--country CA", CLI_OK);
	shell("openssl req -in numbers/request.pem -noout -subject", text, sizeof(text));
	expect_text(text, "C = CA, O = Example, CN = Lab");
	shell("openssl req -in numbers/request.pem -outform DER | od -An -v -tx1 | tr -d ' \\n'", text, sizeof(text));
	expect_text(text, "a20d160b3138303035353530313030");         /* [2] "18005550100" */
	expect_text(text, "a1123010160b3132313235353530303030020164"); /* [1] { "12125550000", 100 } */
}

static void test_nothing_is_overwritten(void **state)
{
	char before[4096], after[4096];

	(void)state;
	expect_run("keep --org Example --spc 1234", CLI_OK);
	shell("cat keep/key.pem keep/request.pem", before, sizeof(before));
	expect_run("keep --org Example --spc 1234", CLI_REFUSED);
	expect_text(command_err, "never overwritten");
	shell("cat keep/key.pem keep/request.pem", after, sizeof(after));
	assert_string_equal(before, after);
	/* a link is something that is there, wherever it leads */
	assert_int_equal(mkdir("links", 0700), 0);
	assert_int_equal(symlink("../target", "links/key.pem"), 0);
	expect_run("links --org Example --spc 1234", CLI_REFUSED);
	assert_int_not_equal(access("target", F_OK), 0);
	assert_int_not_equal(access("links/request.pem", F_OK), 0);
	/* a key that is there can be used again */
	expect_run("again --org Example --spc 1234 --key keep/key.pem", CLI_OK);
	assert_int_not_equal(access("again/key.pem", F_OK), 0);
	shell("openssl req -in again/request.pem -pubkey -noout > a.pub; openssl req -in keep/request.pem -pubkey "
	      "-noout | cmp - a.pub && echo same", after, sizeof(after));
	expect_text(after, "same");
}

static void test_bad_input(void **state)
{
	static const struct {
		const char *line;
		int want;
	} cases[] = {
		{ "", CLI_USAGE },
		{ "d --org Example", CLI_USAGE },
		{ "d --spc 1234", CLI_USAGE },
		{ "d --org Example --spc 12-4", CLI_USAGE },
		{ "d --org Example --spc", CLI_USAGE },
		{ "d --org Example --number 18005550100", CLI_USAGE },
		{ "d --org Example --number +08005550100", CLI_USAGE },
		{ "d --org Example --number +1800555010000000", CLI_USAGE },
		{ "d --org Example --number +18005550100-+18005550100", CLI_USAGE },
		{ "d --org Example --number +18005550100-+1800555019", CLI_USAGE },
		{ "d --org Example --number +18005550100x", CLI_USAGE },
		{ "d --org Example --spc 1234 --country USA", CLI_USAGE },
		{ "d --org Example --spc 1234 --nonsense", CLI_USAGE },
		{ "d e --org Example --spc 1234", CLI_USAGE },
		{ "none/d --org Example --spc 1234", CLI_FAILED },
		{ "d --org Example --spc 1234 --key none.pem", CLI_FAILED },
		{ "d --org Example --spc 1234 --key text", CLI_REFUSED },
		{ "d --org Example --spc 1234 --key p384.pem", CLI_REFUSED },
	};
	char text[4096];

	(void)state;
	shell("echo no key > text; openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out p384.pem 2>&1",
	      text, sizeof(text));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		expect_run(cases[i].line, cases[i].want);
		assert_int_not_equal(access("d/request.pem", F_OK), 0);
	}
}

static void test_json(void **state)
{
	json_t *o;

	(void)state;
	assert_int_equal(command_run(cmd_cert_request, true, "json --org Example --spc 1234"), CLI_OK);
	o = json_loads(command_out, 0, NULL);
	assert_non_null(o);
	assert_string_equal(json_string_value(json_object_get(o, "key")), "json/key.pem");
	assert_string_equal(json_string_value(json_object_get(o, "request")), "json/request.pem");
	assert_string_equal(json_string_value(json_array_get(json_object_get(o, "tnauthlist"), 0)), "SPC 1234");
	assert_true(json_is_true(json_object_get(o, "key_is_new")));
	json_decref(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_openssl_reads_it),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_nothing_is_overwritten),
		cmocka_unit_test(test_bad_input),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, command_setup, command_teardown);
}
