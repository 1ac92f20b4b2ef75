/* SPDX-License-Identifier: BSD-2-Clause */
#include "command.h"

#include <jansson.h>

#include "base/cleanup.h"
#include "cli/cli.h"

static void expect_run(cli_fn *fn, const char *line, int want)
{
	int r = command_run(fn, false, line);

	if (r != want)
		fail_msg("'%s': exit %d, want %d\n%s", line, r, want, command_out);
}

static long long ino_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return (long long)st.st_ino;
}

static void test_lab_is_flawless(void **state)
{
	struct stat st;

	(void)state;
	expect_run(cmd_cert_lab, "lab", CLI_OK);
	assert_int_equal(stat("lab/key.pem", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	expect_run(cmd_cert_check, "lab/chain.pem --anchors lab/anchors.pem", CLI_OK);
	assert_non_null(strstr(command_out, "lab/chain.pem: good for signing calls\n"));
	assert_non_null(strstr(command_out, "CN=SHAKEN 1234"));
	assert_null(strstr(command_out, "warning"));
	expect_run(cmd_cert_check, "--anchors lab lab/chain.pem", CLI_OK); /* a directory */
	assert_null(strstr(command_out, "warning"));
}

static void test_lab_keeps_what_is_there(void **state)
{
	long long before;

	(void)state;
	expect_run(cmd_cert_lab, "lab --force", CLI_OK);
	before = ino_of("lab/key.pem");
	expect_run(cmd_cert_lab, "lab", CLI_REFUSED);
	assert_int_equal(ino_of("lab/key.pem"), before);
	/* one old file is enough, and nothing new stands beside it */
	assert_int_equal(rename("lab/key.pem", "key.pem"), 0);
	assert_int_equal(unlink("lab/root.pem"), 0);
	expect_run(cmd_cert_lab, "lab", CLI_REFUSED);
	assert_int_not_equal(access("lab/root.pem", F_OK), 0);
	/* a link is replaced, never written through */
	assert_int_equal(symlink("../key.pem", "lab/key.pem"), 0);
	before = ino_of("key.pem");
	expect_run(cmd_cert_lab, "lab --force --spc 709J --days 10", CLI_OK);
	assert_int_equal(ino_of("key.pem"), before);
	assert_int_not_equal(ino_of("lab/key.pem"), before);
	expect_run(cmd_cert_check, "lab/chain.pem --anchors lab/anchors.pem", CLI_OK);
	assert_non_null(strstr(command_out, "SPC 709J"));
}

static void test_exits(void **state)
{
	static const struct {
		cli_fn *fn;
		const char *line;
		int want;
	} cases[] = {
		{ cmd_cert_check, "lab/chain.pem --at 2001-01-01T00:00:00Z", CLI_REFUSED },
		{ cmd_cert_check, "lab/chain.pem --at 4102444800", CLI_REFUSED },
		{ cmd_cert_check, "lab/root.pem", CLI_REFUSED },
		{ cmd_cert_check, "lab/key.pem", CLI_REFUSED },
		{ cmd_cert_check, "lab/chain.pem --anchors lab/leaf.pem", CLI_REFUSED },
		{ cmd_cert_check, "lab/none.pem", CLI_FAILED },
		{ cmd_cert_check, "lab", CLI_FAILED },
		{ cmd_cert_check, "lab/chain.pem --anchors lab/key.pem", CLI_FAILED },
		{ cmd_cert_check, "lab/chain.pem --anchors none", CLI_FAILED },
		{ cmd_cert_check, "lab/chain.pem --anchors .", CLI_FAILED },
		{ cmd_cert_check, "", CLI_USAGE },
		{ cmd_cert_check, "lab/chain.pem lab/leaf.pem", CLI_USAGE },
		{ cmd_cert_check, "lab/chain.pem --at yesterday", CLI_USAGE },
		{ cmd_cert_check, "lab/chain.pem --at", CLI_USAGE },
		{ cmd_cert_check, "lab/chain.pem --sideways", CLI_USAGE },
		{ cmd_cert_lab, "", CLI_USAGE },
		{ cmd_cert_lab, "x --spc 12-4", CLI_USAGE },
		{ cmd_cert_lab, "x --days 0", CLI_USAGE },
		{ cmd_cert_lab, "x --days ten", CLI_USAGE },
		{ cmd_cert_lab, "x --not-before soon", CLI_USAGE },
		{ cmd_cert_lab, "lab/key.pem", CLI_FAILED },
		{ cmd_cert_lab, "none/lab", CLI_FAILED },
	};

	(void)state;
	expect_run(cmd_cert_lab, "lab --force", CLI_OK);
	unlink("key.pem"); /* "." has no certificates */
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		expect_run(cases[i].fn, cases[i].line, cases[i].want);
	assert_int_not_equal(access("x", F_OK), 0);
}

static void test_not_before(void **state)
{
	(void)state;
	expect_run(cmd_cert_lab, "lab --force --not-before 2020-01-01T00:00:00Z --days 30", CLI_OK);
	expect_run(cmd_cert_check, "lab/chain.pem --at 2020-01-01T00:00:00Z", CLI_OK);
	expect_run(cmd_cert_check, "lab/chain.pem --at 2020-01-31T00:00:00Z", CLI_OK);
	expect_run(cmd_cert_check, "lab/chain.pem --at 2020-01-31T00:00:01Z", CLI_REFUSED);
	assert_non_null(strstr(command_out, "(expired)"));
	expect_run(cmd_cert_check, "lab/chain.pem --at 2019-12-31T23:59:59Z", CLI_REFUSED);
	assert_non_null(strstr(command_out, "(not_yet_valid)"));
}

static const char *str_of(const json_t *doc, const char *key)
{
	const char *s = json_string_value(json_object_get(doc, key));

	return s ? s : "";
}

static void test_json(void **state)
{
	json_t *doc, *fault;

	(void)state;
	expect_run(cmd_cert_lab, "lab --force --not-before 2020-01-01T00:00:00Z --days 30", CLI_OK);
	assert_int_equal(command_run(cmd_cert_check, true, "lab/chain.pem --at 2020-01-11T00:00:00Z"), CLI_OK);
	doc = json_loads(command_out, JSON_REJECT_DUPLICATES, NULL);
	assert_true(json_is_true(json_object_get(doc, "ok")));
	assert_string_equal(str_of(doc, "spc"), "1234");
	assert_string_equal(str_of(doc, "not_after"), "2020-01-31T00:00:00Z");
	assert_int_equal(json_integer_value(json_object_get(doc, "days_left")), 20);
	assert_true(json_is_null(json_object_get(doc, "anchored")));
	assert_int_equal(json_array_size(json_object_get(doc, "chain")), 2);
	assert_int_equal(json_array_size(json_object_get(doc, "faults")), 0);
	json_decref(doc);

	/* -j behind the command; rounded down: the day has begun */
	assert_int_equal(command_run(cmd_cert_check, false, "-j lab/chain.pem --at 2020-01-31T00:00:01Z"), CLI_REFUSED);
	doc = json_loads(command_out, JSON_REJECT_DUPLICATES, NULL);
	assert_true(json_is_false(json_object_get(doc, "ok")));
	assert_int_equal(json_integer_value(json_object_get(doc, "days_left")), -1);
	fault = json_array_get(json_object_get(doc, "faults"), 0);
	assert_string_equal(str_of(fault, "code"), "expired");
	assert_string_equal(str_of(fault, "severity"), "error");
	json_decref(doc);

	assert_int_equal(command_run(cmd_cert_check, true, "lab/key.pem"), CLI_REFUSED);
	doc = json_loads(command_out, JSON_REJECT_DUPLICATES, NULL);
	fault = json_array_get(json_object_get(doc, "faults"), 0);
	assert_string_equal(str_of(fault, "code"), "no_certificate");
	json_decref(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lab_is_flawless),
		cmocka_unit_test(test_lab_keeps_what_is_there),
		cmocka_unit_test(test_exits),
		cmocka_unit_test(test_not_before),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, command_setup, command_teardown);
}
