/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon's side with sipseal-fetcher itself: that both speak of the same.  Servers are in tests/unit/fetcher; here
 * nobody listens.
 */
#include "stir/chain.h"

#include "fetching_world.h"

#define DEAD_URL "https://127.0.0.1:9/cert.pem" /* discard: refused at once */
#define DEAD_URL_2 "https://127.0.0.1:9/other.pem"

static char err[FETCHING_ERR_LEN];

/* The one that was built with the same flags stands beside the directory of the tests. */
static void program_find(void)
{
	char program[PATH_MAX] = "";

	assert_true(readlink("/proc/self/exe", program, sizeof(program) - 32) > 0);
	for (int i = 0; i < 3; i++)
		*strrchr(program, '/') = '\0';
	strcat(program, "/sipseal-fetcher");
	if (access(program, X_OK) < 0)
		fail_msg("no %s", program);
	unlink(at("libexec/sipseal-fetcher"));
	assert_int_equal(symlink(program, at("libexec/sipseal-fetcher")), 0);
}

static int setup(void **state)
{
	struct chain c = chain_new_at((int64_t)(clock_real_ms() / 1000));
	char pem[16384];

	world_new(state);
	program_find();
	chain_pem(pem, sizeof(pem), (X509 *const[]){ c.root.x, NULL });
	put_file("sti/anchors.pem", pem);
	chain_free(&c);
	world->d.gateway->allow_private_addresses = true;
	world->d.gateway->fetch_timeout_ms = 500;
	return 0;
}

/* Until its state is known, 5 s at most. */
static struct fetcher_entry entry_of(struct fetching *f, const char *url)
{
	struct fetcher_entry *e = NULL, ret = { 0 };
	uint32_t cnt = 0, total = 0;

	for (int i = 0; i < 500; i++) {
		if (fetching_list(f, url, 0, &e, &cnt, &total, err) < 0)
			fail_msg("%s", err);
		if (cnt)
			ret = e[0];
		free(e);
		if (!cnt || (ret.kind != VERDICT_UNKNOWN && !ret.is_running))
			return ret;
		usleep(10000);
	}
	fail_msg("%s is being fetched for ever", url);
	return ret;
}

static void test_asked(void **state)
{
	struct fetcher_host *h = NULL;
	struct fetcher_stats s;
	struct fetcher_entry e;
	struct fetching *f;
	uint32_t cnt = 0;
	struct stat st;

	(void)state;
	f = fetcher_run(NULL);
	assert_int_equal(fetching_stats(f, &s, err), 0);
	assert_true(!s.good && !s.bad && !s.stored && !s.fetched && !s.failed && !s.crl_at);
	if (fetching_prefetch(f, DEAD_URL, err) < 0)
		fail_msg("%s", err);
	e = entry_of(f, DEAD_URL);
	assert_string_equal(e.x5u, DEAD_URL);
	assert_int_equal(e.kind, VERDICT_BAD);
	assert_int_equal(e.reason, SR_CERTIFICATE_UNREACHABLE);
	assert_int_equal(e.code, 436);
	assert_true(e.text[0]);
	assert_int_equal(fetching_stats(f, &s, err), 0);
	assert_int_equal(s.bad, 1);
	assert_int_equal(s.failed, 1);
	assert_int_equal(fetching_hosts(f, &h, &cnt, err), 0);
	assert_int_equal(cnt, 1);
	assert_string_equal(h[0].host, "127.0.0.1");
	assert_int_equal(h[0].failed, 1);
	free(h);
	assert_int_equal(fetching_prefetch(f, "http://127.0.0.1/", err), -EINVAL);
	assert_true(*err);
	assert_int_equal(fetching_flush(f, DEAD_URL, err), 0);
	assert_string_equal(entry_of(f, DEAD_URL).x5u, "");
	assert_int_equal(fetching_flush(f, DEAD_URL, err), -ENOENT);
	assert_int_equal(fetching_flush(f, "", err), 0);
	assert_int_equal(stat(at("cache"), &st), 0);
	assert_int_equal(st.st_uid, fetching_proc(f)->uid);
	assert_int_equal(st.st_mode & 07777, 0700);
}

/* It may not open what the daemon may: it is nobody, and lives under its filter. */
static void test_unprivileged(void **state)
{
	char name[64], line[256];
	unsigned uid = 0, seccomp = 0, no_new = 0;
	unsigned long long caps = 1;
	FILE *f;

	(void)state;
	snprintf(name, sizeof(name), "/proc/%d/status", (int)fetching_proc(fetcher_run(NULL))->pid);
	f = fopen(name, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		sscanf(line, "Uid: %u", &uid);
		sscanf(line, "CapEff: %llx", &caps);
		sscanf(line, "Seccomp: %u", &seccomp);
		sscanf(line, "NoNewPrivs: %u", &no_new);
	}
	fclose(f);
	assert_int_equal(uid, fetching_proc(world->d.fetching)->uid);
	assert_int_not_equal(uid, 0);
	assert_true(caps == 0);
	assert_int_equal(seccomp, 2);
	assert_int_equal(no_new, 1);
}

static void test_signer_sees(void **state)
{
	struct verdict_wants *wants;
	const struct verdict_region *r;
	struct fetching *f;
	struct verdict v;
	enum verdict_kind kind = VERDICT_UNKNOWN;

	(void)state;
	f = fetcher_run(NULL);
	signer_run(world);
	assert_int_equal(fetching_give(&world->d, err), 0);
	assert_true(world->view->is_plausible);
	assert_false(world->view->is_writable);
	/* as a worker does */
	r = mmap(NULL, f->verdicts_len, PROT_READ, MAP_SHARED, f->verdicts_fd, 0);
	wants = mmap(NULL, f->wants_len, PROT_READ | PROT_WRITE, MAP_SHARED, f->wants_fd, 0);
	assert_true(r != MAP_FAILED && wants != MAP_FAILED);
	assert_true(verdict_ask(&wants[1], 0, text(DEAD_URL_2), 0));
	for (int i = 0; i < 500 && kind == VERDICT_UNKNOWN; i++) {
		usleep(10000);
		kind = verdict_find(r, text(DEAD_URL_2), (int64_t)(clock_real_ms() / 1000), &v);
	}
	assert_int_equal(kind, VERDICT_BAD);
	assert_int_equal(v.reason, SR_CERTIFICATE_UNREACHABLE);
	munmap((void *)(uintptr_t)r, f->verdicts_len);
	munmap(wants, f->wants_len);
}

static void test_reload_and_restart(void **state)
{
	struct chain c = chain_new_at((int64_t)(clock_real_ms() / 1000));
	struct fetching *f;
	char pem[16384];

	(void)state;
	f = fetcher_run(NULL);
	assert_int_equal(fetching_reload(&world->d, err), 0);
	put_file("sti/anchors.pem", PEM("bm90aGluZw=="));
	assert_int_equal(fetching_reload(&world->d, err), -EINVAL);
	assert_true(*err);
	kill(fetching_proc(f)->pid, SIGKILL);
	turn_until_restarts(1); /* with the former ones */
	chain_pem(pem, sizeof(pem), (X509 *const[]){ c.root.x, c.intermediate.x, NULL });
	put_file("sti/anchors.pem", pem);
	if (fetching_reload(&world->d, err) < 0)
		fail_msg("%s", err);
	assert_true(fetching_is_up(f));
	chain_free(&c);
}

/* Cannot be a list: told, and it goes on without. */
static void test_bad_crl(void **state)
{
	struct fetcher_stats s;

	(void)state;
	set(&world->d.gateway->crl_path, "list.crl");
	put_file("sti/list.crl", "no list");
	assert_int_equal(fetching_stats(fetcher_run(NULL), &s, err), 0);
	assert_int_equal(s.crl_at, 0);
	assert_true(s.crl_error[0]);
	assert_int_equal(fetching_reload(&world->d, err), -EINVAL);
	assert_non_null(strstr(err, "CRL"));
	assert_true(fetching_is_up(world->d.fetching));
}

/* One that was stopped does not answer: it is replaced. */
static void test_stopped(void **state)
{
	struct fetcher_stats s;
	struct fetching *f;

	(void)state;
	f = fetcher_run(NULL);
	kill(fetching_proc(f)->pid, SIGSTOP);
	assert_int_equal(fetching_stats(f, &s, err), -ETIMEDOUT);
	turn_until_restarts(1);
	assert_int_equal(fetching_stats(f, &s, err), 0);
}

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, setup, world_done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_asked),
		WORLD_TEST(test_unprivileged),
		WORLD_TEST(test_signer_sees),
		WORLD_TEST(test_reload_and_restart),
		WORLD_TEST(test_bad_crl),
		WORLD_TEST(test_stopped),
	};

	(void)fake_main; /* the real one runs here */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
