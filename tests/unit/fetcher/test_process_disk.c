/* SPDX-License-Identifier: BSD-2-Clause */
/* The program and its disk cache: restarts, damaged files, full disks, kills in the middle of writes. */
#include "procworld.h"

#include "fetcher/store.h"
#include "fetcher/store_format.h"

static struct store *store_at(const char *dir)
{
	struct store *s;

	assert_int_equal(store_open(open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), &s), 0);
	return s;
}

static void give_away(int dir_fd, const char *name) { assert_int_equal(fchownat(dir_fd, name, NOBODY, NOBODY, 0), 0); }

/* Files that the test wrote belong to the process. */
static void own(const char *dir)
{
	if (geteuid() == 0)
		dir_each(dir, give_away);
}

static void test_restart(void **state)
{
	char *dir = dir_new();
	struct proc p = proc_start(dir);
	const char *url = url_to("a.localhost", &net.https, "/chain/r"),
		   *bad = url_to("a.localhost", &net.https, "/other/r");
	struct verdict before, after;
	struct fetcher_stats s;
	unsigned requests;

	(void)state;
	before = want(&p, url, VERDICT_GOOD);
	want(&p, bad, VERDICT_BAD);
	s = proc_stats(&p);
	assert_int_equal(s.stored, 1); /* the bad one is not */
	assert_true(s.stored_bytes > net.chain_len);
	proc_stop(&p);
	sleep(1); /* so that a time that was made anew differs */
	requests = net.https.requests;
	p = proc_start(dir);
	assert_int_equal(look(&p, url, &after), VERDICT_GOOD); /* when START is answered */
	assert_int_equal(after.fetched_at, before.fetched_at);
	assert_int_equal(after.expires_at, before.expires_at);
	assert_memory_equal(after.point, before.point, sizeof(after.point));
	want_as(&p, url, 0);
	wants_settle(&p);
	assert_int_equal(net.https.requests, requests);
	assert_int_equal(entry(&p, url).is_stored, 1);
	s = proc_stats(&p);
	assert_int_equal(s.good, 1);
	assert_int_equal(s.fetched + s.loading + s.store_errors, 0);
	proc_stop(&p);
	dir_remove(dir);
}

/* The list goes by when chains came, not by when they were judged. */
static void test_order(void **state)
{
	char *dir = dir_new(), url[64];
	struct store *st = store_at(dir);
	struct fetcher_entry all[8];
	struct proc p;
	uint32_t total;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		snprintf(url, sizeof(url), "https://nobody.localhost/%u", i);
		assert_int_equal(store_write(st, slice_str(url), net.now - 100 + i, -1, net.chain, net.chain_len), 0);
	}
	store_free(st);
	own(dir);
	p = proc_start(dir);
	assert_int_equal(entries(&p, "", 0, all, 8, &total), 4);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(all[i].fetched_at, net.now - 97 - i);
	proc_stop(&p);
	dir_remove(dir);
}

/* A chain that may not be kept any longer is fetched again; so is one from the time before the clock was set. */
static void test_too_old(void **state)
{
	char *dir = dir_new();
	const char *urls[2] = { url_to("a.localhost", &net.https, "/chain/old"),
				url_to("a.localhost", &net.https, "/chain/never") };
	struct store *st = store_at(dir);
	unsigned requests = net.https.requests;
	struct proc p;
	struct verdict v;

	(void)state;
	assert_int_equal(store_write(st, slice_str(urls[0]), net.now - 25 * 3600, -1, net.chain, net.chain_len), 0);
	assert_int_equal(store_write(st, slice_str(urls[1]), -1, -1, net.chain, net.chain_len), 0);
	store_free(st);
	own(dir);
	p = proc_start(dir);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(look(&p, urls[i], &v), VERDICT_UNKNOWN);
		assert_true(want(&p, urls[i], VERDICT_GOOD).fetched_at >= net.now);
	}
	assert_int_equal(net.https.requests, requests + 2);
	proc_stop(&p);
	dir_remove(dir);
}

/* A key that did not fit, of a chain that came long ago: asked for once more, and not again for a minute. */
static void test_again(void **state)
{
	char *dir = dir_new();
	const char *good = url_to("a.localhost", &net.https, "/chain/again"),
		   *gone = url_to("b.localhost", &net.https, "/404");
	struct store *st = store_at(dir);
	unsigned requests = net.https.requests;
	struct proc p;

	(void)state;
	assert_int_equal(store_write(st, slice_str(good), net.now - 3600, -1, net.chain, net.chain_len), 0);
	assert_int_equal(store_write(st, slice_str(gone), net.now - 3600, -1, net.chain, net.chain_len), 0);
	store_free(st);
	own(dir);
	p = proc_start(dir);
	for (unsigned i = 0; i < 5; i++) {
		want_as(&p, good, VERDICT_WANT_AGAIN);
		want_as(&p, gone, VERDICT_WANT_AGAIN);
		wants_settle(&p);
		for (unsigned n = 0; n < 100 && proc_stats(&p).running; n++)
			usleep(10000);
	}
	assert_int_equal(net.https.requests, requests + 2);
	assert_true(wait_for(&p, good, VERDICT_GOOD).fetched_at >= net.now);
	/* what was good stays good where the server has nothing new */
	assert_int_equal(wait_for(&p, gone, VERDICT_GOOD).fetched_at, net.now - 3600);
	assert_non_null(strstr(entry(&p, gone).text, "404"));
	proc_stop(&p);
	dir_remove(dir);
}

static void write_raw(const char *dir, const char *name, const void *data, size_t len)
{
	char path[200];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, data, len), (ssize_t)len);
	close(fd);
}

static void path_of(char ret[200], const char *dir, const char *url)
{
	char name[STORE_NAME_LEN + 1];

	store_file_name(slice_str(url), name);
	snprintf(ret, 200, "%s/%s", dir, name);
}

static void test_damaged(void **state)
{
	char *dir = dir_new(), path[200], byte = 'X';
	const char *urls[3] = { url_to("a.localhost", &net.https, "/chain/cut"),
				url_to("a.localhost", &net.https, "/chain/bit"),
				url_to("a.localhost", &net.https, "/chain/fine") };
	static const char name[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
	struct proc p = proc_start(dir);
	unsigned requests;
	struct stat st;
	struct verdict v;
	int fd;

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		want(&p, urls[i], VERDICT_GOOD);
	proc_stop(&p);
	path_of(path, dir, urls[0]);
	assert_int_equal(truncate(path, 700), 0);
	path_of(path, dir, urls[1]);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, &byte, 1, 400), 1);
	close(fd);
	write_raw(dir, "README", "mine", 4);
	write_raw(dir, name, "mine", 4); /* no file of ours has such bytes */
	write_raw(dir, "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff.new", "half", 4);
	own(dir);
	requests = net.https.requests;
	p = proc_start(dir);
	assert_int_equal(look(&p, urls[0], &v), VERDICT_UNKNOWN);
	assert_int_equal(look(&p, urls[1], &v), VERDICT_UNKNOWN);
	assert_int_equal(look(&p, urls[2], &v), VERDICT_GOOD);
	assert_int_equal(proc_stats(&p).store_errors, 3);
	assert_int_equal(proc_stats(&p).stored, 1);
	assert_int_equal(dir_each(dir, NULL), 2); /* the good one and what is not ours */
	snprintf(path, sizeof(path), "%s/README", dir);
	assert_int_equal(stat(path, &st), 0);
	want(&p, urls[0], VERDICT_GOOD);
	want(&p, urls[1], VERDICT_GOOD);
	assert_int_equal(net.https.requests, requests + 2);
	proc_stop(&p);
	dir_remove(dir);
}

/* The disk is full: no half of a file, no trace, and the verdict is there. */
static void test_full(void **state)
{
	char *dir = dir_new();
	struct proc p = { .fsize = 1000 };
	const char *url = url_to("a.localhost", &net.https, "/chain/full");

	(void)state;
	assert_true(net.chain_len > 1000);
	proc_start_with(&p, (struct fetcher_msg){ 0 }, dir, NULL);
	want(&p, url, VERDICT_GOOD);
	assert_int_equal(proc_stats(&p).store_errors, 1);
	assert_int_equal(entry(&p, url).is_stored, 0);
	assert_int_equal(dir_each(dir, NULL), 0);
	proc_stop(&p);
	dir_remove(dir);
}

/* A directory that cannot be used: a warning, and calls are verified without it. */
static void test_no_directory(void **state)
{
	char *dir = dir_new();
	struct proc p = { 0 };
	struct fetcher_msg r;
	int fd;

	(void)state;
	assert_int_equal(chmod(dir, 0500), 0);
	assert_int_equal(geteuid() == 0 ? chown(dir, 0, 0) : 0, 0);
	proc_spawn(&p);
	proc_hello(&p, (struct fetcher_msg){ .hello.allow_private = 1 });
	must(proc_give(&p, FETCHER_ANCHORS, net.anchors, net.anchors_len), "ANCHORS");
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = proc_call(&p, (struct fetcher_msg){ .head.type = FETCHER_CACHE }, &fd, 1);
	close(fd);
	assert_int_equal(r.head.error, 0);
	assert_non_null(strstr(r.result.text, "cannot be used"));
	must(proc_call(&p, (struct fetcher_msg){ .head.type = FETCHER_START }, NULL, 0), "START");
	want(&p, url_to("a.localhost", &net.https, "/chain/nodir"), VERDICT_GOOD);
	assert_int_equal(proc_stats(&p).stored, 0);
	proc_stop(&p);
	chmod(dir, 0700);
	dir_remove(dir);
}

/* The rules have become stricter since: a port of laboratories. */
static void test_rules_changed(void **state)
{
	char *dir = dir_new();
	struct proc p = proc_start(dir);
	const char *url = url_to("a.localhost", &net.https, "/chain/rules");

	(void)state;
	want(&p, url, VERDICT_GOOD);
	proc_stop(&p);
	proc_spawn(&p);
	proc_hello(&p, (struct fetcher_msg){ .hello.allow_private = 0 });
	must(proc_give(&p, FETCHER_ANCHORS, net.anchors, net.anchors_len), "ANCHORS");
	proc_give_dir(&p, dir);
	must(proc_call(&p, (struct fetcher_msg){ .head.type = FETCHER_START }, NULL, 0), "START");
	assert_int_equal(want(&p, url, VERDICT_BAD).reason, SR_X5U_REFUSED);
	assert_int_equal(proc_stats(&p).stored, 0);
	proc_stop(&p);
	dir_remove(dir);
}

/* Killed while it writes, again and again: what is there is whole. */
static void test_killed(void **state)
{
	char *dir = dir_new(), path[40];
	struct store_item i = { 0 };
	struct proc p;
	struct store *st;
	unsigned cursor = 0, cnt = 0;
	int r;

	(void)state;
	for (unsigned round = 0; round < 8; round++) {
		unsigned before = dir_each(dir, NULL);
		uint64_t end = clock_mono_ns() + DEADLINE_NS;

		p = proc_start(dir);
		for (unsigned n = 0; n < 30; n++) {
			snprintf(path, sizeof(path), "/chain/%u-%u", round, n);
			want_as(&p, url_to(n % 2 ? "a.localhost" : "b.localhost", &net.https, path), 0);
		}
		/* it has begun, and has not ended */
		while (dir_each(dir, NULL) <= before && clock_mono_ns() < end)
			usleep(200);
		usleep(round * 1500);
		proc_kill(&p);
	}
	p = proc_start(dir);
	assert_int_equal(proc_stats(&p).store_errors, 0);
	proc_stop(&p);
	st = store_at(dir);
	while ((r = store_next(st, &cursor, &i)) != 0) {
		assert_int_equal(r, 1);
		assert_int_equal(i.len, net.chain_len);
		store_item_done(&i);
		cnt++;
	}
	store_free(st);
	assert_true(cnt >= 4 && cnt < 8 * 30);
	assert_int_equal(dir_each(dir, NULL), cnt);
	dir_remove(dir);
}

#define MANY 3000

/* More than the start may take: START is answered, what is wanted meanwhile is judged at once, the rest follows. */
static void test_many(void **state)
{
	char *dir = dir_new(), url[64];
	struct store *st = store_at(dir);
	unsigned requests = net.https.requests;
	uint64_t at;
	struct proc p;
	struct fetcher_stats s;
	struct verdict v;

	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(url, sizeof(url), "https://nobody.localhost/%u", i);
		assert_int_equal(store_write(st, slice_str(url), net.now - 60, -1, net.chain, net.chain_len), 0);
	}
	store_free(st);
	own(dir);
	at = clock_mono_ns();
	p = proc_start(dir);
	if (clock_mono_ns() - at > 1500000000u)
		fail_msg("start took %lu ms", (unsigned long)((clock_mono_ns() - at) / 1000000));
	s = proc_stats(&p);
	assert_int_equal(s.stored, MANY);
	assert_true(s.good > 10 && s.good < MANY && s.loading > 0 && s.good + s.loading >= MANY);
	assert_int_equal(look(&p, url, &v), VERDICT_GOOD); /* the newest */
	assert_int_equal(want(&p, "https://nobody.localhost/0", VERDICT_GOOD).fetched_at, net.now - 60);
	s = proc_stats(&p);
	assert_true(s.loading > 0);
	for (unsigned i = 0; i < 1000 && proc_stats(&p).loading; i++)
		usleep(10000);
	s = proc_stats(&p);
	assert_int_equal(s.good, MANY);
	assert_int_equal(s.bad + s.fetched + s.failed + s.store_errors, 0);
	assert_int_equal(net.https.requests, requests);
	proc_stop(&p);
	dir_remove(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_restart),	     cmocka_unit_test(test_order),   cmocka_unit_test(test_too_old),
		cmocka_unit_test(test_again),	     cmocka_unit_test(test_damaged), cmocka_unit_test(test_full),
		cmocka_unit_test(test_no_directory), cmocka_unit_test(test_killed), cmocka_unit_test(test_rules_changed),  cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, net_setup, net_teardown);
}
