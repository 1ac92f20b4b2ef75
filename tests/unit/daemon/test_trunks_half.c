// SPDX-License-Identifier: BSD-2-Clause
/* A change of a trunk that ends half-way: refused late, disk full or read-only, somebody else's
 * file, kill -9. File and gateway are as before, or as asked. */
#include "trunk_calls.h"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const refusals[] = { "overlap", "key_refused", "too_many", "signer_down" };

/* Neither a file nor a temporary one but what was there. */
static void check_files(const char *what, const char *want)
{
	char *text = get_file("trunks.d/acme.yaml");

	if (is_there("trunks.d/.acme.yaml.tmp"))
		fail_msg("%s: a temporary file stays", what);
	if (want ? !text || strcmp(text, want) : !!text)
		fail_msg("%s: the file holds %s, want %s", what, text ? text : "nothing",
			 want ? want : "none");
	free(text);
}

/* The file is not there, or says something else: it is not named. */
static void test_no_place(void **state)
{
	struct fault f = { 0 };

	(void)state;
	load_world();
	world->refuse = "overlap";
	expect("add", add(ACME, &f), &f, "overlap");
	assert_int_equal(f.report.error_cnt, 1);
	assert_string_equal(f.report.m[0].key, "carrier.peers");
	assert_null(f.report.m[0].file);
	fault_done(&f);
	world->refuse = NULL;
	add_as(ACME, NULL);
	world->refuse = "overlap";
	expect("patch", patch("acme", "{\"carrier.peers\":[\"192.0.2.9\"]}", &f), &f, "overlap");
	assert_null(f.report.m[0].file);
	fault_done(&f);
}

static void check_refusal(const char *what, const char *code, bool is_late)
{
	char *before;

	*(is_late ? &world->refuse_late : &world->refuse) = code;
	add_as(ACME, code);
	check_files(what, NULL);
	assert_null(trunk_of("acme"));

	world->refuse = world->refuse_late = NULL;
	add_as(ACME, NULL);
	before = get_file("trunks.d/acme.yaml");
	*(is_late ? &world->refuse_late : &world->refuse) = code;
	patch_as("acme", "{\"mode\":\"observe\"}", code);
	check_files(what, before);
	assert_int_equal(trunk_of("acme")->mode, TRUNK_ENFORCE);
	remove_as("acme", code);
	check_files(what, before);
	assert_non_null(trunk_of("acme"));

	world->refuse = world->refuse_late = NULL;
	patch_as("acme", "{\"mode\":\"observe\"}", NULL);
	remove_as("acme", NULL);
	free(before);
}

static void test_generation_refuses(void **state)
{
	(void)state;
	load_world();
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		check_refusal(refusals[i], refusals[i], false);
		check_refusal(refusals[i], refusals[i], true);
	}
}

/* A disk that is full: each write fails from some byte on. */
static void test_full_disk(void **state)
{
	struct rlimit old, now;
	char *before;

	(void)state;
	load_world();
	add_as("{\"name\":\"acme\",\"carrier.peers\":[\"192.0.2.1\"],\"attestation\":\"none\"}",
	       NULL);
	before = get_file("trunks.d/acme.yaml");
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	for (rlim_t bytes = 0; bytes < 64; bytes += 16) {
		now = (struct rlimit){ bytes, old.rlim_max };
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
		patch_as("acme", "{\"mode\":\"observe\"}", "storage");
		add_as("{\"name\":\"b\",\"carrier.peers\":[\"192.0.2.2\"],\"attestation\":"
		       "\"none\"}",
		       "storage");
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
		check_files("full", before);
		assert_false(is_there("trunks.d/b.yaml"));
		assert_false(is_there("trunks.d/.b.yaml.tmp"));
	}
	assert_int_equal(world->changes, 1); /* the generation was not even asked */
	free(before);
	patch_as("acme", "{\"mode\":\"observe\"}", NULL);
}

static void test_no_directory(void **state)
{
	struct fault f = { 0 };

	(void)state;
	load_world();
	assert_int_equal(rmdir(at("trunks.d")), 0);
	put_file("trunks.d", "a file in its place");
	expect("a file", add(ACME, &f), &f, "storage");
	assert_non_null(strstr(f.text, "trunks.d"));
	fault_done(&f);
	assert_int_equal(unlink(at("trunks.d")), 0);
	add_as(ACME, NULL); /* made */
	assert_true(is_there("trunks.d/acme.yaml"));
}

/* In a mount namespace of its own the directory turns read-only, for root as well. */
static void test_read_only(void **state)
{
	char *before;

	(void)state;
	load_world();
	add_as(ACME, NULL);
	before = get_file("trunks.d/acme.yaml");
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(at("trunks.d"), at("trunks.d"), NULL, MS_BIND, NULL) < 0) {
		free(before);
		skip(); /* needs root */
	}
	assert_int_equal(mount(NULL, at("trunks.d"), NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL),
			 0);
	patch_as("acme", "{\"mode\":\"observe\"}", "storage");
	remove_as("acme", "storage");
	add_as("{\"name\":\"b\",\"carrier.peers\":[\"192.0.2.2\"],\"attestation\":\"none\"}",
	       "storage");
	check_files("read-only", before);
	assert_int_equal(trunk_of("acme")->mode, TRUNK_ENFORCE);
	assert_int_equal(umount(at("trunks.d")), 0);
	remove_as("acme", NULL);
	free(before);
}

/* Somebody writes the file while the change is on its way. */
static void write_by_hand(void)
{
	unlink(at("trunks.d/acme.yaml"));
	put_file("trunks.d/acme.yaml", HAND);
}

static void test_written_meanwhile(void **state)
{
	(void)state;
	load_world();
	world->before_persist = write_by_hand;
	add_as(ACME, "hand_written");
	check_files("add", HAND);
	unlink(at("trunks.d/acme.yaml"));
	world->before_persist = NULL;
	add_as(ACME, NULL);
	world->before_persist = write_by_hand;
	patch_as("acme", "{\"mode\":\"observe\"}", "hand_written");
	check_files("patch", HAND);
	unlink(at("trunks.d/acme.yaml"));
	put_file("trunks.d/acme.yaml", STORE_MARK "name: acme\n");
	remove_as("acme", "hand_written");
	check_files("remove", HAND);
	assert_int_equal(trunk_of("acme")->mode, TRUNK_ENFORCE);
}

static void die(void)
{
	kill(getpid(), SIGKILL);
}

/* kill -9 in a child, right before or after the file is put in place: what a restart finds is what
 * was there before or all of what was asked for. */
static void killed(bool is_after, void (*act)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid) {
		world->before_persist = is_after ? NULL : die;
		world->after_persist = is_after ? die : NULL;
		act();
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	restart(); /* would fail if a file was half */
	assert_true(store_clean(at("trunks.d")) >= 0);
	assert_false(is_there("trunks.d/.acme.yaml.tmp"));
}

static void act_add(void)
{
	add_as(ACME, NULL);
}

static void act_patch(void)
{
	patch_as("acme", "{\"mode\":\"observe\"}", NULL);
}

static void act_remove(void)
{
	remove_as("acme", NULL);
}

static void test_killed(void **state)
{
	(void)state;
	load_world();
	killed(false, act_add);
	assert_null(trunk_of("acme"));
	killed(true, act_add);
	assert_non_null(trunk_of("acme"));
	killed(false, act_patch);
	assert_int_equal(trunk_of("acme")->mode, TRUNK_ENFORCE);
	killed(true, act_patch);
	assert_int_equal(trunk_of("acme")->mode, TRUNK_OBSERVE);
	killed(false, act_remove);
	assert_non_null(trunk_of("acme"));
	killed(true, act_remove);
	assert_null(trunk_of("acme"));
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_generation_refuses), TEST(test_written_meanwhile), TEST(test_killed),
		TEST(test_no_place),
		TEST(test_full_disk),	       TEST(test_no_directory),	     TEST(test_read_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
