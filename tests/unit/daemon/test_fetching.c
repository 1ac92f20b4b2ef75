/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of the fetcher: what it is given, what the signer gets of it, and what becomes of one that fails. */
#include "fetching_world.h"

static const char *stats_text(void)
{
	static struct fetcher_stats s;
	char err[FETCHING_ERR_LEN];

	if (fetching_stats(world->d.fetching, &s, err) < 0)
		fail_msg("%s", err);
	return s.crl_error;
}

static void test_not_configured(void **state)
{
	struct fetching *f = (void *)1;
	char err[FETCHING_ERR_LEN] = "";

	(void)state;
	set(&world->d.gateway->trust_anchors, NULL);
	assert_int_equal(fetching_new(&world->d, &f, err), 0);
	assert_null(f);
	assert_int_equal(fetching_fd(NULL), -1);
	assert_int_equal(fetching_turn(&world->d), -1);
	assert_int_equal(fetching_reload(&world->d, err), 0);
	assert_int_equal(fetching_give(&world->d, err), 0);
	assert_int_equal(fetching_prefetch(NULL, GOOD_URL, err), -ENOTCONN);
	fetching_free(NULL);
}

static void test_cannot_begin(void **state)
{
	struct fetching *f = (void *)1;
	char err[FETCHING_ERR_LEN] = "";

	(void)state;
	unlink(at("sti/anchors.pem"));
	assert_int_equal(fetching_new(&world->d, &f, err), -EINVAL);
	assert_non_null(strstr(err, "certificates.trust_anchors: anchors.pem"));
	put_file("sti/anchors.pem", "nothing of that kind\n");
	assert_int_equal(fetching_new(&world->d, &f, err), -EINVAL);
	unlink(at("libexec/sipseal-fetcher"));
	assert_int_equal(fetching_new(&world->d, &f, err), -ENOENT);
	assert_non_null(strstr(err, "/libexec/sipseal-fetcher"));
	assert_ptr_equal(f, (void *)1);
}

/* The fetcher goes on writing what it has mapped; nobody else gets to write it. */
static void test_memory(void **state)
{
	struct verdict v;
	struct fetching *f;
	char err[FETCHING_ERR_LEN] = "";
	const struct verdict_region *r;

	(void)state;
	f = fetcher_run(NULL);
	signer_run(world);
	assert_int_equal(fetching_give(&world->d, err), 0);
	assert_int_equal(world->view->given, 1);
	assert_true(world->view->is_plausible);
	assert_false(world->view->is_writable);
	r = mmap(NULL, f->verdicts_len, PROT_READ, MAP_SHARED, f->verdicts_fd, 0);
	assert_true(r != MAP_FAILED);
	assert_int_equal(verdict_find(r, text(GOOD_URL), 2000, &v), VERDICT_UNKNOWN);
	if (fetching_prefetch(f, GOOD_URL, err) < 0)
		fail_msg("%s", err);
	assert_int_equal(verdict_find(r, text(GOOD_URL), 2000, &v), VERDICT_BAD);
	assert_int_equal(v.code, 436);
	munmap((void *)(uintptr_t)r, f->verdicts_len);
	assert_int_equal(fetching_turn(&world->d), -1); /* nothing is due */
	assert_int_equal(world->view->given, 1);
}

/* A signer whose workers are not ready yet is asked again, one that starts later gets them then. */
static void test_signer_gets_them_later(void **state)
{
	char err[FETCHING_ERR_LEN] = "";
	int ms;

	(void)state;
	fetcher_run(NULL);
	assert_int_equal(fetching_give(&world->d, err), 0); /* no signer */
	assert_int_equal(fetching_turn(&world->d), -1);
	world->view->again = 2;
	signer_run(world);
	assert_int_equal(fetching_give(&world->d, err), -EAGAIN);
	ms = fetching_turn(&world->d);
	assert_in_range(ms, 1, 100);
	for (int i = 0; i < 100 && !world->view->given; i++) {
		usleep(5000);
		fetching_turn(&world->d);
	}
	assert_int_equal(world->view->given, 1);
	assert_int_equal(world->view->again, 0);
	assert_int_equal(fetching_turn(&world->d), -1);
	signer_proc_stop(&world->d.signer);
	signer_run(world);
	world->view->has_refused = true;
	assert_int_equal(fetching_give(&world->d, err), 1);
	assert_int_equal(fetching_turn(&world->d), -1); /* it would refuse them again */
}

static void test_dies(void **state)
{
	struct fetching *f;
	char err[FETCHING_ERR_LEN] = "";
	pid_t first;

	(void)state;
	f = fetcher_run(NULL);
	signer_run(world);
	assert_int_equal(fetching_give(&world->d, err), 0);
	first = fetching_proc(f)->pid;
	kill(first, SIGKILL);
	for (int i = 0; i < 200 && fetching_is_up(f); i++) {
		usleep(5000);
		fetching_turn(&world->d);
	}
	assert_false(fetching_is_up(f));
	assert_string_equal(fetching_proc(f)->how, "signal 9");
	assert_int_equal(fetching_fd(f), -1);
	assert_int_equal(fetching_flush(f, "", err), -ENOTCONN);
	/* a signer that starts meanwhile has what is known */
	assert_int_equal(fetching_give(&world->d, err), 0);
	assert_int_equal(world->view->given, 2);
	turn_until_restarts(1);
	assert_int_not_equal(fetching_proc(f)->pid, first);
	fetching_turn(&world->d);
	assert_int_equal(world->view->given, 3);
	assert_true(world->view->is_plausible);
	assert_false(world->view->is_writable);
}

static void test_backs_off(void **state)
{
	char err[FETCHING_ERR_LEN] = "";
	uint64_t began = clock_mono_ns();
	struct fetching *f;
	int turns = 0;

	(void)state;
	if (geteuid() != 0)
		skip();
	set(&world->d.gateway->https_ca, "/dies");
	assert_int_equal(fetching_new(&world->d, &f, err), 0);
	world->d.fetching = f;
	assert_int_equal(fetching_start(&world->d, err), EXIT_ERROR);
	assert_non_null(strstr(err, "ended"));
	for (; clock_mono_ns() - began < 1000000000; turns++) {
		int ms = fetching_turn(&world->d);

		assert_in_range(ms, 0, 5001);
		usleep(ms ? ms * 1000 : 1000);
	}
	assert_in_range(fetching_restarts(f), 2, 4); /* after 0.1, 0.3 and 0.7 s */
	assert_int_equal(fetching_fd(f), -1);
	set(&world->d.gateway->https_ca, NULL);
	turn_until_restarts(fetching_restarts(f) + 1);
}

static void test_does_not_answer(void **state)
{
	char err[FETCHING_ERR_LEN] = "";
	struct fetcher_stats s = { .good = 77 };
	uint64_t began;
	struct fetching *f;

	(void)state;
	f = fetcher_run("/hangs");
	began = clock_mono_ns();
	assert_int_equal(fetching_stats(f, &s, err), -ETIMEDOUT);
	assert_in_range((clock_mono_ns() - began) / 1000000, FETCHING_TIMEOUT_MS - 100, FETCHING_TIMEOUT_MS + 1000);
	assert_int_equal(s.good, 77);
	assert_string_equal(fetching_proc(f)->how, "signal 9");
	assert_false(fetching_is_up(f));
	assert_int_equal(fetching_stats(f, &s, err), -ENOTCONN);
	turn_until_restarts(1);
}

static void test_speaks_unasked(void **state)
{
	struct fetching *f;

	(void)state;
	f = fetcher_run("/speaks");
	for (int i = 0; i < 200 && fetching_is_up(f); i++) {
		usleep(1000);
		fetching_turn(&world->d);
	}
	assert_false(fetching_is_up(f));
	assert_int_equal(fetching_fd(f), -1);
}

/* Files are read again when somebody asks for it, not when a fetcher dies. */
static void test_anchors(void **state)
{
	char err[FETCHING_ERR_LEN] = "";
	struct fetching *f;

	(void)state;
	f = fetcher_run("/anchors");
	assert_string_equal(stats_text(), "one||1");
	put_file("sti/anchors.pem", PEM("two"));
	kill(fetching_proc(f)->pid, SIGKILL);
	turn_until_restarts(1);
	assert_string_equal(stats_text(), "one||1");
	assert_int_equal(fetching_reload(&world->d, err), 0);
	assert_string_equal(stats_text(), "two||1");
	/* refused by the fetcher, and by us */
	put_file("sti/anchors.pem", PEM("refused"));
	assert_int_equal(fetching_reload(&world->d, err), -EINVAL);
	assert_string_equal(err, "no certificate ? in it");
	unlink(at("sti/anchors.pem"));
	assert_int_equal(fetching_reload(&world->d, err), -EINVAL);
	assert_non_null(strstr(err, "anchors.pem"));
	kill(fetching_proc(f)->pid, SIGKILL);
	turn_until_restarts(2);
	assert_string_equal(stats_text(), "two||1");
	/* one that is down gets them when it comes back */
	put_file("sti/anchors.pem", PEM("one"));
	kill(fetching_proc(f)->pid, SIGKILL);
	for (int i = 0; i < 200 && fetching_is_up(f); i++) {
		usleep(1000);
		fetching_turn(&world->d);
	}
	assert_int_equal(fetching_reload(&world->d, err), -EPIPE);
	turn_until_restarts(3);
	assert_string_equal(stats_text(), "one||1");
}

static void test_crl(void **state)
{
	char err[FETCHING_ERR_LEN] = "";

	(void)state;
	set(&world->d.gateway->crl_path, "list.crl");
	fetcher_run("/anchors"); /* it is missing: goes on */
	assert_string_equal(stats_text(), "one||1");
	assert_int_equal(fetching_reload(&world->d, err), -EINVAL);
	assert_non_null(strstr(err, "certificates.crl.path list.crl: "));
	put_file("sti/list.crl", "LIST");
	assert_int_equal(fetching_reload(&world->d, err), 0);
	assert_string_equal(stats_text(), "one|LIST|1");
	put_file("outside.crl", "OUTSIDE");
	set(&world->d.gateway->crl_path, "../outside.crl");
	assert_int_equal(fetching_reload(&world->d, err), -EINVAL);
	assert_string_equal(stats_text(), "one|LIST|1");
}

static void test_refused_at_start(void **state)
{
	char err[FETCHING_ERR_LEN] = "";

	(void)state;
	if (geteuid() != 0)
		skip();
	put_file("sti/anchors.pem", PEM("refused"));
	assert_int_equal(fetching_new(&world->d, &world->d.fetching, err), 0);
	assert_int_equal(fetching_start(&world->d, err), EXIT_REFUSED);
	assert_string_equal(err, "no certificate ? in it");
	assert_false(fetching_is_up(world->d.fetching));
	assert_int_equal(fetching_proc(world->d.fetching)->pid, 0);
	put_file("sti/anchors.pem", PEM("two"));
	turn_until_restarts(1);
}

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, world_new, world_done)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_not_configured),
		WORLD_TEST(test_cannot_begin),
		WORLD_TEST(test_memory),
		WORLD_TEST(test_signer_gets_them_later),
		WORLD_TEST(test_dies),
		WORLD_TEST(test_backs_off),
		WORLD_TEST(test_does_not_answer),
		WORLD_TEST(test_speaks_unasked),
		WORLD_TEST(test_anchors),
		WORLD_TEST(test_crl),
		WORLD_TEST(test_refused_at_start),
	};

	if (argc && strcmp(argv[0], "sipseal-fetcher") == 0)
		return fake_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
