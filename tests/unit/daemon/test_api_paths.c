/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults as JSON, and the files that a client of the API may name. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/api_paths.h"

#define ACME_GID 52001
#define BETA_GID 52002
#define CLIENT_UID 51001

static char root[64];

static char *at(const char *name)
{
	static char buf[4][160];
	static unsigned i;
	char *p = buf[i++ % 4];

	snprintf(p, sizeof(buf[0]), "%s/%s", root, name);
	return p;
}

static void make_dir(const char *name, uid_t uid, gid_t gid, mode_t mode)
{
	assert_int_equal(mkdir(at(name), 0700), 0);
	assert_int_equal(chown(at(name), uid, gid), 0);
	assert_int_equal(chmod(at(name), mode), 0);
}

static void make_file(const char *name, gid_t gid, mode_t mode)
{
	int fd = open(at(name), O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fchown(fd, 0, gid) | fchmod(fd, mode), 0);
	close(fd);
}

static int setup(void **state)
{
	(void)state;
	strcpy(root, "/tmp/sipseal-paths.XXXXXX");
	if (!mkdtemp(root))
		return -1;
	if (getuid() != 0)
		return 0;
	assert_int_equal(chmod(root, 0755), 0);
	make_dir("acme", 0, ACME_GID, 0750);
	make_dir("acme/2026", 0, ACME_GID, 0750);
	make_dir("beta", 0, BETA_GID, 0750);
	make_dir("mine", CLIENT_UID, ACME_GID, 0750);
	make_dir("loose", 0, ACME_GID, 0770);
	make_dir("shut", 0, 0, 0700);
	make_dir("shut/open", 0, 0, 0755);
	make_file("acme/2026/key.pem", 0, 0600);
	make_file("beta/key.pem", 0, 0600);
	make_file("key.pem", 0, 0600);
	make_file("numbers", 0, 0644);
	make_file("acme/numbers", ACME_GID, 0640);
	make_file("beta/numbers", BETA_GID, 0644);
	make_file("shut/open/numbers", 0, 0644);
	assert_int_equal(symlink("../beta/key.pem", at("acme/link.pem")), 0);
	assert_int_equal(symlink("../beta", at("acme/dir")), 0);
	assert_int_equal(symlink("/etc/passwd", at("passwd")), 0);
	assert_int_equal(mkfifo(at("fifo"), 0666), 0);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	(void)state;
	return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static const struct control_client client = { .uid = CLIENT_UID, .gid = 51000, .groups = { 7, ACME_GID },
					      .group_cnt = 2 };
static const struct control_client master;

static const struct {
	const char *name, *key, *path, *code, *as_root; /* NULL: may */
} cases[] = {
	{ "own directory", "key_path", "acme/2026/key.pem", NULL, NULL },
	{ "another's directory", "key_path", "beta/key.pem", "forbidden", NULL },
	{ "another's by ..", "key_path", "acme/../beta/key.pem", "invalid", "invalid" },
	{ "another's, no file", "key_path", "beta/none.pem", "forbidden", NULL },
	{ "another's certificate", "cert_path", "beta/cert.pem", "forbidden", NULL },
	{ "link to another's", "key_path", "acme/link.pem", "forbidden", NULL },
	{ "link to a directory", "key_path", "acme/dir/key.pem", "forbidden", NULL },
	{ "at the top", "key_path", "key.pem", NULL, NULL },
	{ "not there", "key_path", "acme/none/key.pem", NULL, NULL }, /* who opens it will say so */
	{ "directory that the client owns", "key_path", "mine/key.pem", "forbidden", NULL },
	{ "directory that a group may write", "key_path", "loose/key.pem", "forbidden", NULL },
	{ "behind a closed one", "key_path", "shut/open/key.pem", "forbidden", NULL },
	{ "absolute", "key_path", "/etc/shadow", "invalid", "invalid" },
	{ "control character", "key_path", "a\nb", "invalid", "invalid" },
	{ "numbers", "numbers_file", "numbers", NULL, NULL },
	{ "numbers of a group", "numbers_file", "acme/numbers", NULL, NULL },
	{ "another's numbers", "numbers_file", "beta/numbers", "forbidden", NULL },
	{ "a key as numbers", "numbers_file", "key.pem", "forbidden", NULL },
	{ "numbers elsewhere", "numbers_file", "/etc/passwd", "invalid", "invalid" },
	{ "numbers by a link", "numbers_file", "passwd", "forbidden", "invalid" },
	{ "numbers by ..", "numbers_file", "../x", "invalid", "invalid" },
	{ "a directory", "numbers_file", "acme", "invalid", "invalid" },
	{ "a FIFO", "numbers_file", "fifo", "invalid", "invalid" },
	{ "no numbers", "numbers_file", "none", "invalid", "invalid" },
	{ "the directory itself", "numbers_file", "/", "invalid", "invalid" },
	{ "empty: none", "numbers_file", "", NULL, NULL },
};

static json_t *body_of(const char *key, const char *path, bool is_dotted)
{
	char dotted[64];

	if (strcmp(key, "numbers_file") == 0)
		return json_pack("{s:s}", key, path);
	snprintf(dotted, sizeof(dotted), "certificates.%s", key);
	return is_dotted ? json_pack("{s:s}", dotted, path) : json_pack("{s:{s:s}}", "certificates", key, path);
}

static void check(const struct control_client *who, size_t i, bool is_dotted, const char *want)
{
	json_t *body = body_of(cases[i].key, cases[i].path, is_dotted);
	struct fault f = { 0 };
	int r = api_paths_confine(root, who, body, &f);

	if ((r < 0) != !!want || (want && (!f.code || strcmp(f.code, want))) || (want && !f.report.error_cnt))
		fail_msg("%s (uid %d): %d %s %s", cases[i].name, (int)who->uid, r, f.code, f.text);
	for (size_t k = 0; k < f.report.cnt; k++)
		if (!strstr(f.report.m[k].key, cases[i].key) || !strstr(f.report.m[k].text, ", allowed: "))
			fail_msg("%s: %s: %s", cases[i].name, f.report.m[k].key, f.report.m[k].text);
	fault_done(&f);
	json_decref(body);
}

static void test_confine(void **state)
{
	(void)state;
	if (getuid() != 0)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (int is_dotted = 0; is_dotted < 2; is_dotted++) {
			check(&client, i, is_dotted, cases[i].code);
			check(&master, i, is_dotted, cases[i].as_root);
		}
}

/* As the trunk's file has it, however it was given. */
static void test_numbers_become_relative(void **state)
{
	static const char *const given[] = { "acme/numbers", "%s/acme/numbers", "%s//acme/numbers" };

	(void)state;
	if (getuid() != 0)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(given); i++) {
		struct fault f = { 0 };
		json_t *body = json_object();
		char text[160];

		snprintf(text, sizeof(text), given[i], root);
		json_object_set_new(body, "numbers_file", json_string(text));
		assert_int_equal(api_paths_confine(root, &client, body, &f), 0);
		assert_string_equal(json_string_value(json_object_get(body, "numbers_file")), "acme/numbers");
		json_decref(body);
		fault_done(&f);
	}
}

/* What a plain scalar would name. */
static void test_no_text(void **state)
{
	static const char *const bodies[] = { "{\"certificates\":{\"key_path\":5}}", "{\"certificates.cert_path\":true}",
					      "{\"numbers_file\":1.5}", "{\"numbers_file\":{\"a\":1}}" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		json_t *body = json_loads(bodies[i], 0, NULL);
		struct fault f = { 0 };

		if (api_paths_confine(root, &client, body, &f) != -EINVAL || strcmp(f.code, "invalid"))
			fail_msg("%s", bodies[i]);
		fault_done(&f);
		json_decref(body);
	}
}

static void test_own(void **state)
{
	struct cert_config acme = { .key_path = (char *)"acme/2026/key.pem" }, beta = { .key_path = (char *)"beta/key.pem" },
			   none = { 0 };
	struct fault f = { 0 };

	(void)state;
	if (getuid() != 0)
		skip();
	assert_int_equal(api_paths_own(root, &client, &none, &f), 0);
	assert_int_equal(api_paths_own(root, &client, &acme, &f), 0);
	assert_int_equal(api_paths_own(root, &master, &beta, &f), 0);
	assert_null(f.code);
	assert_int_equal(api_paths_own(root, &client, &beta, &f), -EINVAL);
	assert_string_equal(f.code, "forbidden");
	assert_null(strstr(f.text, "beta"));
	fault_done(&f);
}

static void test_quiet(void **state)
{
	const struct model_pos pos = { "/sti/numbers", 7, 1 };
	struct fault f = { 0 };

	(void)state;
	config_report_add(&f.report, true, &pos, "numbers_file", "\"MHcCAQ, allowed: x\" is no number, allowed: +1555");
	config_report_add(&f.report, true, &pos, "trunks[2].numbers_file", "\"MHcCAQ\" stands twice");
	config_report_add(&f.report, true, NULL, "numbers_file", "/sti/numbers: No such file or directory");
	config_report_add(&f.report, true, NULL, "numbers[0]", "\"12\" is too short, allowed: +1555");
	api_paths_quiet(&f);
	assert_string_equal(f.report.m[0].text, "is not as it should be, allowed: +1555");
	assert_int_equal(f.report.m[0].line, 7);
	assert_string_equal(f.report.m[1].text, "is not as it should be");
	assert_string_equal(f.report.m[2].text, "/sti/numbers: No such file or directory");
	assert_string_equal(f.report.m[3].text, "\"12\" is too short, allowed: +1555");
	fault_done(&f);
}

static void test_fault_json(void **state)
{
	const struct model_pos pos = { "a.yaml", 3, 9 };
	struct fault f = { 0 };
	json_t *o, *want;

	(void)state;
	assert_int_equal(fault_set(&f, "overlap", "%s and %s", "a", "b\xff"), -EINVAL);
	assert_int_equal(fault_set(&f, "internal", "later"), -EINVAL);
	config_report_add(&f.report, true, &pos, "mode", "\"a, allowed: b\xff\" is unknown, allowed: enforce, observe");
	config_report_add(&f.report, false, NULL, "attestation", "A for any number");
	config_report_add(&f.report, true, NULL, NULL, "plain");
	o = fault_json(&f);
	want = json_pack("{s:{s:s,s:s,s:[{s:s,s:s,s:s,s:s,s:i,s:i},{s:s}]}}", "error", "code", "overlap", "message",
			 "a and b\\xff", "errors", "key", "mode", "message", "\"a, allowed: b\\xff\" is unknown",
			 "allowed", "enforce, observe", "file", "a.yaml", "line", 3, "col", 9, "message", "plain");
	assert_non_null(want);
	if (!json_equal(o, want))
		fail_msg("%s", json_dumps(o, 0));
	json_decref(o);
	json_decref(want);
	o = fault_warnings(&f);
	want = json_pack("[{s:s,s:s}]", "key", "attestation", "message", "A for any number");
	assert_true(json_equal(o, want));
	json_decref(o);
	json_decref(want);
	fault_done(&f);
	assert_null(f.code);
	assert_int_equal(f.report.cnt, 0);
}

static void test_fault_http(void **state)
{
	static const struct {
		const char *code;
		unsigned http;
	} all[] = {
		{ "invalid", 422 }, { "overlap", 409 }, { "exists", 409 }, { "hand_written", 409 },
		{ "changed_on_disk", 409 }, { "forbidden", 403 }, { "no_such_trunk", 404 },
		{ "certificate_refused", 422 }, { "key_refused", 422 }, { "call_left", 409 },
		{ "restart_required", 409 }, { "too_many", 507 }, { "signer_down", 503 }, { "storage", 500 },
		{ "internal", 500 }, { "no such word", 500 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (fault_http(all[i].code) != all[i].http)
			fail_msg("%s: %u", all[i].code, fault_http(all[i].code));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_confine, setup, teardown),
		cmocka_unit_test_setup_teardown(test_numbers_become_relative, setup, teardown),
		cmocka_unit_test(test_no_text),
		cmocka_unit_test_setup_teardown(test_own, setup, teardown),
		cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_fault_json),
		cmocka_unit_test(test_fault_http),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
