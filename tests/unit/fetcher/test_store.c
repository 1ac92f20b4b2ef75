/* SPDX-License-Identifier: BSD-2-Clause */
/* The disk cache without the program: the form of its files, order, bounds, and what else lies in the directory. */
#include "guard.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "fetcher/store.h"
#include "fetcher/store_format.h"

#define URL SLICE("https://cr.example.com/shaken/1234.pem")
#define BODY SLICE("-----BEGIN CERTIFICATE-----\nno matter\n")

static char file[STORE_FILE_MAX];

static size_t emit(void)
{
	struct store_record r = { .x5u = URL, .body = BODY, .fetched_at = 1800000000, .keep_s = -1 };
	int len = store_file_emit(&r, file);

	assert_int_equal(len, STORE_HEAD_LEN + r.x5u.len + r.body.len);
	return (size_t)len;
}

static int parse(const char *data, size_t len, struct store_record *ret)
{
	struct guard g = guard_new(data, len);
	int r = store_file_parse(slice_of(g.p, g.len), ret);

	guard_free(&g);
	return r;
}

static void test_format(void **state)
{
	size_t len = emit();
	struct store_record r = { .keep_s = 77 };

	(void)state;
	assert_int_equal(store_file_parse(slice_of(file, len), &r), 0);
	assert_true(slice_eq(r.x5u, URL));
	assert_true(slice_eq(r.body, BODY));
	assert_int_equal(r.fetched_at, 1800000000);
	assert_int_equal(r.keep_s, -1);
	r.keep_s = 77;
	/* cut anywhere, longer, changed anywhere */
	for (size_t i = 0; i < len; i++)
		assert_int_equal(parse(file, i, &r), -EBADMSG);
	file[len] = 0;
	assert_int_equal(parse(file, len + 1, &r), -EBADMSG);
	for (size_t i = 0; i < len * 8; i++) {
		file[i / 8] ^= (char)(1 << i % 8);
		if (parse(file, len, &r) != -EBADMSG)
			fail_msg("bit %zu may be changed", i);
		file[i / 8] ^= (char)(1 << i % 8);
	}
	assert_int_equal(r.keep_s, 77);
	assert_int_equal(parse(file, len, &r), 0);
}

static void test_limits(void **state)
{
	static char big[STORE_BODY_MAX + 1];
	static const struct {
		size_t url, body;
		int ok;
	} cases[] = {
		{ 0, 1, 0 },
		{ 1, 0, 0 },
		{ 1, 1, 1 },
		{ PASSPORT_X5U_MAX, STORE_BODY_MAX, 1 },
		{ PASSPORT_X5U_MAX + 1, 1, 0 },
		{ 1, STORE_BODY_MAX + 1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct store_record r = { .x5u = slice_of(big, cases[i].url), .body = slice_of(big, cases[i].body) };
		int len = store_file_emit(&r, file);

		if (len != (cases[i].ok ? (int)(STORE_HEAD_LEN + cases[i].url + cases[i].body) : -EINVAL))
			fail_msg("%zu and %zu bytes: %d", cases[i].url, cases[i].body, len);
		assert_true(len <= STORE_FILE_MAX);
	}
}

/* ---- directories ---- */

static char dir[64];
static int dir_fd;

static int setup(void **state)
{
	(void)state;
	/* tens of thousands of files: in memory where there is such a place */
	snprintf(dir, sizeof(dir), "%s/sipseal-store-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	dir_fd = mkdtemp(dir) ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	return dir_fd < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	(void)state;
	while (d && (e = readdir(d)))
		if (unlinkat(dir_fd, e->d_name, 0) < 0)
			unlinkat(dir_fd, e->d_name, AT_REMOVEDIR);
	closedir(d);
	close(dir_fd);
	return rmdir(dir);
}

static struct store *opened(void)
{
	struct store *s;

	assert_int_equal(store_open(dup(dir_fd), &s), 0);
	return s;
}

static struct store_usage usage(const struct store *s)
{
	struct store_usage u;

	store_usage(s, &u);
	return u;
}

static const char *url_n(unsigned n)
{
	static char text[64];

	snprintf(text, sizeof(text), "https://cr.example.com/%u", n);
	return text;
}

static void put(struct store *s, unsigned n)
{
	assert_int_equal(store_write(s, slice_str(url_n(n)), n, n, url_n(n), strlen(url_n(n))), 0);
}

/* Return: the number of the next one; -1: no more. */
static int next(struct store *s, unsigned *cursor)
{
	CLEANUP(store_item_done) struct store_item i = { 0 };
	int r = store_next(s, cursor, &i);

	if (r == 0)
		return -1;
	assert_int_equal(r, 1);
	assert_string_equal(i.x5u, url_n((unsigned)i.fetched_at));
	assert_true(slice_eq(slice_of(i.body, i.len), slice_str(i.x5u)));
	assert_int_equal(i.keep_s, i.fetched_at);
	return (int)i.fetched_at;
}

static void walk(struct store *s, const int *want)
{
	unsigned cursor = 0;
	int n;

	do {
		n = next(s, &cursor);
		assert_int_equal(n, *want);
	} while (*want++ >= 0);
	assert_int_equal(next(s, &cursor), -1);
}

static void test_order(void **state)
{
	struct store *s = opened();

	(void)state;
	walk(s, (const int[]){ -1 });
	for (unsigned i = 1; i <= 4; i++) {
		put(s, i);
		usleep(10000); /* so that times of files differ */
	}
	put(s, 2);
	walk(s, (const int[]){ 2, 4, 3, 1, -1 });
	store_free(s);
	s = opened();
	walk(s, (const int[]){ 2, 4, 3, 1, -1 });
	assert_int_equal(usage(s).files, 4);
	assert_int_equal(store_drop(s, slice_str(url_n(4))), 0);
	assert_int_equal(store_drop(s, slice_str(url_n(4))), -ENOENT);
	assert_false(store_has(s, slice_str(url_n(4))));
	assert_true(store_has(s, slice_str(url_n(3))));
	walk(s, (const int[]){ 2, 3, 1, -1 });
	store_drop_all(s);
	assert_int_equal(usage(s).files + usage(s).bytes + usage(s).errors, 0);
	walk(s, (const int[]){ -1 });
	store_free(s);
}

/* A walk goes on whatever is dropped or written under it; what is written is not part of it. */
static void test_walk_changes(void **state)
{
	struct store *s = opened();
	unsigned cursor = 0;

	(void)state;
	for (unsigned i = 1; i <= 8; i++)
		put(s, i);
	assert_int_equal(next(s, &cursor), 8);
	store_drop(s, slice_str(url_n(8))); /* the one at hand */
	assert_int_equal(next(s, &cursor), 7);
	store_drop(s, slice_str(url_n(6))); /* the one that would be next */
	assert_int_equal(next(s, &cursor), 5);
	put(s, 4); /* and one that becomes the newest */
	put(s, 9);
	assert_int_equal(next(s, &cursor), 3);
	store_drop(s, slice_str(url_n(1))); /* the last */
	assert_int_equal(next(s, &cursor), 2);
	assert_int_equal(next(s, &cursor), -1);
	walk(s, (const int[]){ 9, 4, 7, 5, 3, 2, -1 });
	store_free(s);
}

/* What has our names and is no file of ours, before and while the store is open. */
static void test_strangers(void **state)
{
	char name[STORE_NAME_LEN + 1], path[200];
	struct store_item i = { 0 };
	struct store *s;

	(void)state;
	store_file_name(slice_str(url_n(1)), name);
	assert_int_equal(symlinkat("/etc/passwd", dir_fd, name), 0);
	store_file_name(slice_str(url_n(2)), name);
	assert_int_equal(mkdirat(dir_fd, name, 0700), 0);
	store_file_name(slice_str(url_n(3)), name);
	assert_int_equal(mkfifoat(dir_fd, name, 0600), 0);
	s = opened();
	assert_int_equal(usage(s).files, 0);
	assert_int_equal(store_read(dir_fd, slice_str(url_n(1)), &i), -EBADMSG);
	assert_int_equal(store_read(dir_fd, slice_str(url_n(2)), &i), -EBADMSG);
	assert_int_equal(store_read(dir_fd, slice_str(url_n(3)), &i), -EBADMSG);
	assert_int_equal(store_read(dir_fd, slice_str(url_n(4)), &i), -ENOENT);
	put(s, 1); /* in its place */
	assert_int_equal(store_get(s, slice_str(url_n(1)), &i), 0);
	store_item_done(&i);
	assert_true(store_write(s, slice_str(url_n(2)), 1, 1, "x", 1) < 0); /* a directory stays */
	assert_int_equal(usage(s).errors, 1);
	assert_int_equal(usage(s).files, 1);
	/* a file of another URL under this name; one that has gone; one that became a link */
	put(s, 5);
	store_file_name(slice_str(url_n(5)), name);
	snprintf(path, sizeof(path), "%s", name);
	store_file_name(slice_str(url_n(1)), name);
	assert_int_equal(renameat(dir_fd, path, dir_fd, name), 0);
	assert_int_equal(store_read(dir_fd, slice_str(url_n(1)), &i), -EBADMSG);
	assert_int_equal(store_get(s, slice_str(url_n(1)), &i), -EBADMSG);
	assert_int_equal(store_get(s, slice_str(url_n(1)), &i), -ENOENT);
	assert_int_equal(store_get(s, slice_str(url_n(5)), &i), -ENOENT);
	put(s, 6);
	store_file_name(slice_str(url_n(6)), name);
	assert_int_equal(renameat(dir_fd, name, dir_fd, "elsewhere"), 0);
	assert_int_equal(symlinkat("elsewhere", dir_fd, name), 0); /* whole, but not for us to follow */
	assert_int_equal(store_get(s, slice_str(url_n(6)), &i), -EBADMSG);
	assert_int_equal(usage(s).files, 0);
	assert_int_equal(usage(s).bytes, 0);
	store_free(s);
}

static unsigned files_cnt(void)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	unsigned cnt = 0;

	while ((e = readdir(d)))
		cnt += e->d_name[0] != '.';
	closedir(d);
	return cnt;
}

/* Files may have no more than 150 bytes from here on.  Return: exit code. */
static int full(struct store *s)
{
	const struct rlimit limit = { 150, 150 };
	static char body[4096];
	struct store_item i = { 0 };

	signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
		return 10;
	if (store_write(s, slice_str(url_n(1)), 7, 7, body, sizeof(body)) != -EFBIG)
		return 11;
	if (store_write(s, slice_str(url_n(2)), 7, 7, body, sizeof(body)) != -EFBIG)
		return 12;
	if (usage(s).errors != 2 || usage(s).files != 1 || files_cnt() != 1)
		return 13;
	/* what was there is there */
	return store_get(s, slice_str(url_n(1)), &i) == 0 && i.fetched_at == 1 ? 0 : 14;
}

/* A full disk takes nothing away. */
static void test_full(void **state)
{
	struct store *s = opened();
	int status;
	pid_t pid;

	(void)state;
	put(s, 1);
	pid = fork();
	if (pid == 0)
		_exit(full(s));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (status)
		fail_msg("status %x", status);
	walk(s, (const int[]){ 1, -1 });
	store_free(s);
}

static void file_of(unsigned n, off_t size)
{
	char name[STORE_NAME_LEN + 1];
	int fd;

	store_file_name(slice_str(url_n(n)), name);
	fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(fd, size), 0);
	close(fd);
}

/* Too many files, too many bytes: the oldest go, when the directory is opened and when one comes. */
static void test_bounds(void **state)
{
	unsigned big = STORE_BYTES_MAX / STORE_BODY_MAX;
	struct store *s;

	(void)state;
	for (unsigned i = 0; i < big + 4; i++)
		file_of(i, STORE_BODY_MAX);
	s = opened();
	assert_int_equal(usage(s).files, big);
	put(s, 100000);
	assert_int_equal(usage(s).files, big);
	assert_true(usage(s).bytes <= STORE_BYTES_MAX);
	assert_true(store_has(s, slice_str(url_n(100000))));
	store_drop_all(s);
	store_free(s);
	for (unsigned i = 0; i < STORE_FILES_MAX + 3; i++)
		file_of(i, 1);
	s = opened();
	assert_int_equal(usage(s).files, STORE_FILES_MAX);
	put(s, 100000);
	assert_int_equal(usage(s).files, STORE_FILES_MAX);
	store_drop_all(s);
	store_free(s);
}

static void test_not_ours(void **state)
{
	struct store *s = (struct store *)1;

	(void)state;
	assert_true(store_open(open("/proc/self/status", O_RDONLY | O_CLOEXEC), &s) < 0);
	assert_true(store_open(open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC), &s) < 0 || geteuid() == 0);
	assert_true(s == (struct store *)1 || geteuid() == 0);
	if (s != (struct store *)1)
		store_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_limits),
		cmocka_unit_test_setup_teardown(test_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_walk_changes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_strangers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
		cmocka_unit_test(test_not_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
