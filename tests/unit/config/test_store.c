// SPDX-License-Identifier: BSD-2-Clause
/* Trunk files of our own: what they never replace, and what a crash leaves. */
#include "crash.h"
#include "doc.h"

#define OLD "{\"name\": \"acme\", \"carrier\": {\"peers\": [\"192.0.2.1\"]}, \"attestation\": \"none\"}"

static int store(const char *dir, const char *name, const char *json, char *err)
{
	json_t *j = doc_parse(json);
	struct store_file f = { 0 };
	int r = store_prepare(dir, name, j, &f, err);

	json_decref(j);
	if (r == 0)
		r = store_commit(&f, err);
	if (r < 0)
		store_abandon(&f);
	return r;
}

/* The whole file, or "" where there is none. */
static const char *contents(const struct tree *t, const char *name)
{
	static char text[65536];
	FILE *f = fopen(tree_path(t, name), "r");

	text[f ? fread(text, 1, sizeof(text) - 1, f) : 0] = '\0';
	if (f)
		fclose(f);
	return text;
}

static bool is_there(const struct tree *t, const char *name)
{
	struct stat st;

	return lstat(tree_path(t, name), &st) == 0;
}

static void test_store(void **state)
{
	struct tree *t = *state;
	char err[STORE_ERR_LEN] = "", path[PATH_MAX];
	const char *dir = tree_path(t, "d");
	struct store_file f = { 0 };
	json_t *j = doc_parse(OLD);
	struct stat st;

	umask(077);
	assert_int_equal(store_path(dir, "acme", path), 0);
	assert_string_equal(path, tree_path(t, "d/acme.yaml"));
	assert_int_equal(store(dir, "acme", OLD, err), 0); /* makes the directory */
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_true(strncmp(contents(t, "d/acme.yaml"), STORE_MARK, strlen(STORE_MARK)) == 0);
	assert_non_null(strstr(contents(t, "d/acme.yaml"), "\nname: acme\n"));
	assert_true(store_is_ours(contents(t, "d/acme.yaml"), strlen(contents(t, "d/acme.yaml"))));
	assert_int_equal(store(dir, "acme", "{\"name\": \"acme\", \"mode\": \"observe\"}", err), 0);
	assert_non_null(strstr(contents(t, "d/acme.yaml"), "observe"));
	assert_int_equal(store_prepare(dir, "acme", j, &f, err), 0);
	assert_true(f.is_open && is_there(t, "d/.acme.yaml.tmp"));
	assert_non_null(strstr(contents(t, "d/acme.yaml"), "observe")); /* not yet */
	store_abandon(&f);
	store_abandon(&f);
	assert_false(is_there(t, "d/.acme.yaml.tmp"));
	assert_int_equal(store_remove(dir, "acme", err), 0);
	assert_false(is_there(t, "d/acme.yaml"));
	assert_int_equal(store_remove(dir, "acme", err), -ENOENT);
	json_decref(j);
}

static void test_clean(void **state)
{
	struct tree *t = *state;

	tree_mkdir(t, "d");
	tree_put(t, "d/.acme.yaml.tmp", "half");
	tree_put(t, "d/.b.yaml.tmp", "");
	tree_put(t, "d/acme.yaml", "x");
	tree_put(t, "d/.profile", "x");
	tree_put(t, "d/.Mine.yaml.tmp", "x"); /* no name of a trunk */
	tree_put(t, "d/.yaml.tmp", "x");
	tree_mkdir(t, "d/.dir.yaml.tmp");
	assert_int_equal(store_clean(tree_path(t, "d")), 2);
	assert_false(is_there(t, "d/.acme.yaml.tmp"));
	assert_true(is_there(t, "d/acme.yaml") && is_there(t, "d/.profile") && is_there(t, "d/.Mine.yaml.tmp") &&
		    is_there(t, "d/.yaml.tmp") && is_there(t, "d/.dir.yaml.tmp"));
	assert_int_equal(store_clean(tree_path(t, "d")), 0);
	assert_int_equal(store_clean(tree_path(t, "nosuch")), 0);
}

static void hand_written(const struct tree *t) { tree_put(t, "d/acme.yaml", "name: acme # mine\n"); }
static void nearly_ours(const struct tree *t) { tree_put(t, "d/acme.yaml", "\n" STORE_MARK); }
static void cut_mark(const struct tree *t) { tree_write(t, "d/acme.yaml", STORE_MARK, strlen(STORE_MARK) - 1); }
static void empty(const struct tree *t) { tree_put(t, "d/acme.yaml", ""); }
static void directory(const struct tree *t) { tree_mkdir(t, "d/acme.yaml"); }

static void fifo(const struct tree *t)
{
	assert_int_equal(mkfifo(tree_path(t, "d/acme.yaml"), 0600), 0);
}

/* A link to a file that is ours all right: it could be anywhere. */
static void link_to_ours(const struct tree *t)
{
	tree_put(t, "other", STORE_MARK "name: other\n");
	assert_int_equal(symlink("../other", tree_path(t, "d/acme.yaml")), 0);
}

static void link_to_nothing(const struct tree *t)
{
	assert_int_equal(symlink("/nosuch", tree_path(t, "d/acme.yaml")), 0);
}

static void device(const struct tree *t)
{
	assert_int_equal(symlink("/dev/null", tree_path(t, "d/acme.yaml")), 0);
}

static const struct {
	const char *name;
	void (*make)(const struct tree *t);
} foreign[] = {
	{ "hand-written", hand_written }, { "mark on the second line", nearly_ours }, { "cut mark", cut_mark },
	{ "empty", empty }, { "directory", directory }, { "FIFO", fifo }, { "link", link_to_ours },
	{ "dangling link", link_to_nothing }, { "link to a device", device },
};

static void test_foreign(void **state)
{
	struct tree *t = *state;
	const char *dir = tree_path(t, "d"), *path = tree_path(t, "d/acme.yaml");

	tree_mkdir(t, "d");
	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++) {
		char err[STORE_ERR_LEN] = "";
		struct stat before, after;

		foreign[i].make(t);
		assert_int_equal(lstat(path, &before), 0);
		if (store(dir, "acme", OLD, err) != -EEXIST || !strstr(err, path) ||
		    store_remove(dir, "acme", err) != -EEXIST)
			fail_msg("%s: written or removed: %s", foreign[i].name, err);
		assert_int_equal(lstat(path, &after), 0);
		assert_int_equal(before.st_ino, after.st_ino);
		assert_int_equal(before.st_size, after.st_size);
		assert_false(is_there(t, "d/.acme.yaml.tmp"));
		remove(path);
	}
	if (is_there(t, "other"))
		assert_string_equal(contents(t, "other"), STORE_MARK "name: other\n");
}

/* Written by hand between the two steps. */
static void test_foreign_meanwhile(void **state)
{
	struct tree *t = *state;
	char err[STORE_ERR_LEN] = "";
	struct store_file f = { 0 };
	json_t *j = doc_parse(OLD);

	assert_int_equal(store_prepare(tree_path(t, "d"), "acme", j, &f, err), 0);
	hand_written(t);
	assert_int_equal(store_commit(&f, err), -EEXIST);
	store_abandon(&f);
	assert_string_equal(contents(t, "d/acme.yaml"), "name: acme # mine\n");
	assert_false(is_there(t, "d/.acme.yaml.tmp"));
	json_decref(j);
}

/* The temporary file, too, is made anew: what stands there is not followed. */
static void test_foreign_temp(void **state)
{
	struct tree *t = *state;
	char err[STORE_ERR_LEN] = "";

	tree_mkdir(t, "d");
	tree_put(t, "victim", "precious");
	assert_int_equal(symlink("../victim", tree_path(t, "d/.acme.yaml.tmp")), 0);
	assert_int_equal(store(tree_path(t, "d"), "acme", OLD, err), 0);
	assert_string_equal(contents(t, "victim"), "precious");
	assert_non_null(strstr(contents(t, "d/acme.yaml"), "name: acme"));
}

static void test_refused(void **state)
{
	static const char *const names[] = { "", "..", "../acme", "a/b", "Acme", ".acme", "a b", "/etc/passwd" };
	struct tree *t = *state;
	char err[STORE_ERR_LEN] = "", path[PATH_MAX] = "untouched", longest[PATH_MAX];
	struct store_file f = { .is_open = false };
	json_t *j = doc_parse(OLD);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (store_path(t->dir, names[i], path) != -EINVAL || store_prepare(t->dir, names[i], j, &f, err) >= 0 ||
		    store_remove(t->dir, names[i], err) >= 0)
			fail_msg("%s is taken", names[i]);
	}
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(store_path(longest, "acme", path), -ENAMETOOLONG);
	assert_int_equal(store_prepare(longest, "acme", j, &f, err), -ENAMETOOLONG);
	assert_int_equal(store_prepare(tree_path(t, "no/dir"), "acme", j, &f, err), -ENOENT);
	assert_non_null(strstr(err, "no/dir"));
	assert_false(f.is_open);
	assert_string_equal(path, "untouched");
	json_decref(j);
}

/* ---- a crash at every step ---- */

struct job {
	const char *dir;
	json_t *trunk;  /* NULL: remove */
};

static int run_job(void *ctx)
{
	struct job *j = ctx;
	char err[STORE_ERR_LEN];
	struct store_file f = { 0 };
	int r;

	if (!j->trunk)
		return store_remove(j->dir, "acme", err);
	r = store_prepare(j->dir, "acme", j->trunk, &f, err);
	return r < 0 ? r : store_commit(&f, err);
}

/* More than one block. */
static json_t *large_trunk(void)
{
	json_t *j = doc_parse(OLD), *numbers = json_array();

	for (unsigned i = 0; i < 1000; i++) {
		char text[16];

		snprintf(text, sizeof(text), "+1800555%04u", i);
		json_array_append_new(numbers, json_string(text));
	}
	json_object_set_new(j, "numbers", numbers);
	return j;
}

/* Where @nr stands among the calls behind @from; -1: nowhere. */
static int find_call(const struct crash *c, int from, int nr)
{
	for (int i = from + 1; i < (int)c->call_cnt; i++)
		if (c->calls[i] == nr)
			return i;
	return -1;
}

/* On disk before it has its name; the name on disk before anybody is told. */
static void check_order(const char *name, const struct crash *c, bool is_remove)
{
	int act = find_call(c, -1, SYS_rename), last_write = -1, sync;

	if (is_remove)
		act = find_call(c, -1, SYS_unlink);
	for (int i = find_call(c, -1, SYS_write); i >= 0; i = find_call(c, i, SYS_write))
		last_write = i;
	sync = find_call(c, last_write, SYS_fsync);
	if (act < 0 || find_call(c, act, SYS_fsync) < 0 || (!is_remove && (last_write < 0 || sync < 0 || sync > act)))
		fail_msg("%s: write at %d, fsync at %d, rename or unlink at %d, no fsync behind it, or too late", name,
			 last_write, sync, act);
}

/* Is the configuration good, and the trunk there, as whoever starts next sees it? */
static bool next_start_sees(const struct tree *t)
{
	const char *main_file = tree_put(t, "s.yaml", HEAD_GATEWAY HEAD_CERT "trunks_dir: d\n");
	struct config_report r = { 0 };
	struct gateway *g = NULL;
	bool is_seen;

	if (config_load(main_file, &g, &r) < 0)
		fail_msg("%s", report_text(&r));
	is_seen = gateway_trunk(g, "acme");
	gateway_free(g);
	config_report_done(&r);
	return is_seen;
}

static const struct {
	const char *name;
	bool has_old, is_remove;
	unsigned steps; /* at least */
} jobs[] = {
	{ "replace", true, false, 8 }, { "create", false, false, 8 }, { "remove", true, true, 4 },
};

/* Return: false at the end.  *is_new: seen already, must stay. */
static bool crash_at(const struct tree *t, size_t i, unsigned n, const char *old, const char *want, json_t *trunk,
		     bool *is_new)
{
	struct job job = { tree_path(t, "d"), trunk };
	char err[STORE_ERR_LEN];
	struct crash c;
	const char *got;

	unlink(tree_path(t, "d/acme.yaml"));
	if (*old)
		tree_put(t, "d/acme.yaml", old);
	if (!crash_run(run_job, &job, n, &c)) {
		print_message("no seccomp notifications here: not tested\n");
		skip();
	}
	got = contents(t, "d/acme.yaml");
	if (strcmp(got, old) && strcmp(got, want))
		fail_msg("%s, killed at call %u: neither old nor new:\n%.200s", jobs[i].name, n, got);
	if (*is_new && strcmp(got, want))
		fail_msg("%s, killed at call %u: old again", jobs[i].name, n);
	*is_new = strcmp(got, want) == 0;
	assert_int_equal(next_start_sees(t), *got != '\0');
	assert_in_range(store_clean(job.dir), 0, 1);
	assert_false(is_there(t, "d/.acme.yaml.tmp"));
	if (!c.is_over)
		return true;
	assert_int_equal(c.status, 0);
	check_order(jobs[i].name, &c, jobs[i].is_remove);
	if (c.call_cnt < jobs[i].steps)
		fail_msg("%s takes %u calls only", jobs[i].name, c.call_cnt);
	store_remove(job.dir, "acme", err);
	return false;
}

static void test_crash_at_every_step(void **state)
{
	struct tree *t = *state;

	tree_mkdir(t, "d");
	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
		json_t *trunk = jobs[i].is_remove ? NULL : large_trunk();
		CLEANUP(freep) char *yaml = trunk ? store_emit(trunk) : NULL, *want = NULL;
		bool is_new = false;
		unsigned n = 1;

		assert_true(asprintf(&want, "%s%s", trunk ? STORE_MARK : "", trunk ? yaml : "") >= 0);
		while (crash_at(t, i, n, jobs[i].has_old ? STORE_MARK "name: acme\ncarrier: { peers: [192.0.2.1] }\n"
				"attestation: none\n" : "", want, trunk, &is_new))
			n++;
		assert_true(is_new);
		json_decref(trunk);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_store, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(test_clean, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(test_foreign, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(test_foreign_meanwhile, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(test_foreign_temp, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(test_refused, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(test_crash_at_every_step, tree_setup, tree_teardown),
	};

	return cmocka_run_group_tests_name("config/store", tests, NULL, NULL);
}
