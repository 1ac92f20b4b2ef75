/* SPDX-License-Identifier: BSD-2-Clause */
/* The file of events: whole lines, whatever happens to the disk. */
#include "daemon/events_world.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

struct file_world {
	struct world *w;
	char dir[32], path[64];
};

static int setup(void **state)
{
	struct file_world *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/test_events.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/events", f->dir);
	*state = f;
	return world_setup((void **)&f->w);
}

static int teardown(void **state)
{
	struct file_world *f = *state;
	char cmd[64];

	world_teardown((void **)&f->w);
	snprintf(cmd, sizeof(cmd), "rm -r '%s'", f->dir);
	assert_int_equal(system(cmd), 0);
	free(f);
	return 0;
}

static void push(struct file_world *f, unsigned cnt, const char *call_id)
{
	struct event_record r = world_record(call_id);

	for (unsigned i = 0; i < cnt; i++)
		assert_true(world_push(f->w, 0, &r));
	callevents_turn(f->w->d.events);
}

/* Lines of the file that are JSON; the others are counted in *ret_broken. */
static unsigned count_lines(const char *path, unsigned *ret_broken)
{
	FILE *file = fopen(path, "r");
	char line[4096];
	unsigned good = 0;

	*ret_broken = 0;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		json_t *j = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

		if (j && line[strlen(line) - 1] == '\n')
			good++;
		else
			++*ret_broken;
		json_decref(j);
	}
	fclose(file);
	return good;
}

static void check_file(const char *path, unsigned good, unsigned broken)
{
	unsigned b, g = count_lines(path, &b);

	if (g != good || b != broken)
		fail_msg("%s: %u lines and %u broken ones, want %u and %u", path, g, b, good,
			 broken);
}

static void test_lines_are_appended(void **state)
{
	struct file_world *f = *state;
	mode_t umask_before = umask(077);
	struct stat st;

	push(f, 2, "before");
	assert_int_equal(callevents_file(f->w->d.events, f->path), 0);
	umask(umask_before);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	push(f, 3, "x");
	check_file(f->path, 3, 0);
	assert_int_equal(callevents_file(f->w->d.events, NULL), 0);
	push(f, 1, "nobody asks");
	check_file(f->path, 3, 0);
	assert_int_equal(callevents_file(f->w->d.events, f->path), 0);
	push(f, 3000, "more than one buffer");
	check_file(f->path, 3003, 0);
	assert_int_equal(world_totals(f->w).dropped_file, 0);
}

static void test_rotation(void **state)
{
	struct file_world *f = *state;
	char old[80];

	snprintf(old, sizeof(old), "%s.1", f->path);
	assert_int_equal(callevents_file(f->w->d.events, f->path), 0);
	push(f, 2, "a");
	assert_int_equal(rename(f->path, old), 0);
	push(f, 1, "b"); /* not told yet */
	check_file(old, 3, 0);
	assert_int_equal(callevents_file(f->w->d.events, f->path), 0);
	push(f, 4, "c");
	check_file(old, 3, 0);
	check_file(f->path, 4, 0);
}

static void test_what_is_no_file(void **state)
{
	struct file_world *f = *state;
	char other[80];

	assert_int_equal(callevents_file(f->w->d.events, f->path), 0);
	snprintf(other, sizeof(other), "%s.link", f->path);
	assert_int_equal(symlink(f->path, other), 0);
	assert_int_equal(callevents_file(f->w->d.events, other), -ELOOP);
	snprintf(other, sizeof(other), "%s.fifo", f->path);
	assert_int_equal(mkfifo(other, 0600), 0);
	assert_int_equal(callevents_file(f->w->d.events, other), -EINVAL);
	assert_int_equal(callevents_file(f->w->d.events, "/dev/full"), -EINVAL);
	assert_int_equal(callevents_file(f->w->d.events, f->dir), -EISDIR);
	snprintf(other, sizeof(other), "%s/none/events", f->dir);
	assert_int_equal(callevents_file(f->w->d.events, other), -ENOENT);
	push(f, 1, "x"); /* the former one stays */
	check_file(f->path, 1, 0);
}

/* A daemon that died in the middle of a line. */
static void test_half_a_line_is_ended(void **state)
{
	struct file_world *f = *state;
	FILE *file = fopen(f->path, "w");

	fputs("{\"time\":\"2026", file);
	fclose(file);
	assert_int_equal(callevents_file(f->w->d.events, f->path), 0);
	push(f, 2, "x");
	check_file(f->path, 2, 1);
}

/* What lies in the ring when the daemon ends. */
static void test_last_calls_are_there(void **state)
{
	struct file_world *f = *state;
	struct event_record r = world_record("last");

	assert_int_equal(callevents_file(f->w->d.events, f->path), 0);
	assert_true(world_push(f->w, 1, &r));
	callevents_free(f->w->d.events);
	f->w->d.events = NULL;
	check_file(f->path, 1, 0);
}

static void limit_file(rlim_t bytes)
{
	struct rlimit l;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &l), 0);
	l.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &l), 0);
}

/* The limit ends at any byte of a line; what was cut is taken back, and the next line starts a
 * line. */
static void test_full_disk(void **state)
{
	struct file_world *f = *state;
	unsigned cnt = 0, broken, good;
	struct stat st;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(callevents_file(f->w->d.events, f->path), 0);
	push(f, 1, "x");
	cnt = 1;
	for (unsigned i = 0; i < 50; i++) {
		assert_int_equal(stat(f->path, &st), 0);
		limit_file((rlim_t)st.st_size + 17 * i); /* a line has some 350 bytes */
		push(f, 3, "x");
		cnt += 3;
		good = count_lines(f->path, &broken);
		limit_file(RLIM_INFINITY);
		assert_int_equal(broken, 0);
		assert_int_equal(good + world_totals(f->w).dropped_file, cnt);
	}
	assert_true(world_totals(f->w).dropped_file > 50);
	push(f, 5, "room again");
	check_file(f->path, (unsigned)(cnt + 5 - world_totals(f->w).dropped_file), 0);
}

/* More than one buffer while the disk is full: counted, and nobody waits. */
static void test_full_disk_for_long(void **state)
{
	struct file_world *f = *state;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(callevents_file(f->w->d.events, f->path), 0);
	limit_file(0);
	push(f, 4000, "x");
	limit_file(RLIM_INFINITY);
	assert_int_equal(world_totals(f->w).dropped_file, 4000);
	assert_int_equal(world_totals(f->w).events, 4000);
	check_file(f->path, 0, 0);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_lines_are_appended),	 TEST(test_rotation),
		TEST(test_what_is_no_file),	 TEST(test_half_a_line_is_ended),
		TEST(test_last_calls_are_there), TEST(test_full_disk),
		TEST(test_full_disk_for_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
