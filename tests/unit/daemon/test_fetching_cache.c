/* SPDX-License-Identifier: BSD-2-Clause */
/* fetch.cache_dir: made for the fetcher's user, and refused where it is not his. */
#include "fetching_world.h"

#include <cap-ng.h>

static void cache_make_none(void)
{
}

static void cache_make_dir(mode_t mode, uid_t uid)
{
	assert_int_equal(mkdir(at("cache"), 0700), 0);
	assert_int_equal(chown(at("cache"), uid, uid), 0);
	assert_int_equal(chmod(at("cache"), mode), 0);
}

static void cache_make_ours(void)
{
	cache_make_dir(0755, 0);
}

static void cache_make_theirs(void)
{
	cache_make_dir(0777, NOBODY);
	put_file("cache/kept", "x");
}

static void cache_make_other(void)
{
	cache_make_dir(0777, 12345);
}

static void cache_make_full(void)
{
	cache_make_dir(0755, 0);
	put_file("cache/shadow", "secret");
}

static void cache_make_link(void)
{
	assert_int_equal(mkdir(at("elsewhere"), 0700), 0);
	assert_int_equal(chown(at("elsewhere"), NOBODY, NOBODY), 0);
	assert_int_equal(symlink(at("elsewhere"), at("cache")), 0);
}

static void cache_make_file(void)
{
	put_file("cache", "x");
}

static void cache_make_lost(void)
{
	set(&world->d.gateway->cache_dir, at("no/such/parent"));
}

static void cache_make_off(void)
{
	set(&world->d.gateway->cache_dir, NULL);
}

static const struct {
	const char *name;
	void (*make)(void);
	const char *error; /* NULL: it is opened */
} caches[] = {
	{ "none yet", cache_make_none, NULL },
	{ "ours and empty", cache_make_ours, NULL },
	{ "the fetcher's", cache_make_theirs, NULL },
	{ "somebody else's", cache_make_other, "belongs to user 12345, not to 65534" },
	{ "ours with files", cache_make_full, "belongs to user 0, not to 65534" },
	{ "a link", cache_make_link, "is a link" },
	{ "a file", cache_make_file, "no directory" },
	{ "no parent", cache_make_lost, "parent directory" },
	{ "not wanted", cache_make_off, "" },
};

static void test_cache_dir(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(caches); i++) {
		char err[FETCHING_ERR_LEN] = "";
		struct stat st, now;
		int fd;

		world_new(NULL);
		caches[i].make();
		memset(&st, 0, sizeof(st));
		lstat(at("cache"), &st);
		fd = fetching_cache_open(world->d.gateway, NOBODY, NOBODY, err);
		if ((fd >= 0) != !caches[i].error || (caches[i].error && !strstr(err, caches[i].error)))
			fail_msg("%s: %d, %s", caches[i].name, fd, err);
		memset(&now, 0, sizeof(now));
		lstat(at("cache"), &now);
		if (fd >= 0 && (now.st_uid != NOBODY || now.st_mode != (S_IFDIR | 0700)))
			fail_msg("%s: user %u, mode %o", caches[i].name, now.st_uid, now.st_mode);
		if (fd < 0 && (now.st_uid != st.st_uid || now.st_mode != st.st_mode))
			fail_msg("%s: changed", caches[i].name);
		assert_int_equal(geteuid(), 0);
		if (fd >= 0)
			close(fd);
		world_done(NULL);
	}
}

/* The unit leaves root without the capabilities that see through modes. */
static void test_cache_dir_capabilities(void **state)
{
	char err[FETCHING_ERR_LEN] = "";
	int status;
	pid_t pid;

	(void)state;
	if (geteuid() != 0)
		skip();
	cache_make_dir(0700, NOBODY);
	pid = fork();
	if (pid == 0) {
		if (capng_get_caps_process() < 0 ||
		    capng_updatev(CAPNG_DROP, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH,
				  CAP_FOWNER, -1) < 0 ||
		    capng_apply(CAPNG_SELECT_CAPS) < 0 || open(at("cache"), O_RDONLY) >= 0)
			_exit(2);
		if (fetching_cache_open(world->d.gateway, NOBODY, NOBODY, err) < 0) {
			fprintf(stderr, "%s\n", err);
			_exit(1);
		}
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Without one it goes on. */
static void test_without_cache_dir(void **state)
{
	char err[FETCHING_ERR_LEN];
	struct fetcher_stats s;

	(void)state;
	cache_make_link();
	fetcher_run("/anchors");
	assert_int_equal(fetching_stats(world->d.fetching, &s, err), 0);
	assert_string_equal(s.crl_error, "one||0");
}

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, world_new, world_done)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cache_dir),
		WORLD_TEST(test_cache_dir_capabilities),
		WORLD_TEST(test_without_cache_dir),
	};

	if (argc && strcmp(argv[0], "sipseal-fetcher") == 0)
		return fake_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
