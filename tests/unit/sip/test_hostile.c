/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hostile set, after the kinds of messages in RFC 4475 and beyond: each file of
 * tests/data/hostile has its reason in expected.tsv, and each line there its file.  Runs from the
 * root of the tree.
 */
#include "guard.h"

#include <dirent.h>
#include <errno.h>

#include "base/cleanup.h"
#include "walk.h"

#define DIRECTORY "tests/data/hostile/"
#define FILES_MIN 45

static size_t read_file(const char *name, char *buf, size_t cap)
{
	CLEANUP(fclosep) FILE *f = NULL;
	char path[512];
	size_t len;

	snprintf(path, sizeof(path), DIRECTORY "%s", name);
	f = fopen(path, "rb");
	if (!f)
		fail_msg("%s: %s", path, strerror(errno));
	len = fread(buf, 1, cap, f);
	assert_true(feof(f));
	return len;
}

static unsigned count_files(void)
{
	DIR *d = opendir(DIRECTORY);
	struct dirent *e;
	unsigned cnt = 0;

	assert_non_null(d);
	while ((e = readdir(d)))
		cnt += strstr(e->d_name, ".sip") != NULL;
	closedir(d);
	return cnt;
}

static void check_file(const char *name, const char *want)
{
	static char buf[SIP_MESSAGE_MAX + 1];
	size_t len = read_file(name, buf, sizeof(buf));
	struct guard g = guard_new(buf, len);
	enum sipseal_reason r = walk_bytes(g.p, g.len);
	const char *got = r == SR_NONE ? "ok" : reason_token(r);

	if (strcmp(got, want) != 0)
		fail_msg("%s: %s, want %s", name, got, want);
	if (memcmp(g.p, buf, len) != 0)
		fail_msg("%s: input written to", name);
	guard_free(&g);
}

static void test_expected(void **state)
{
	CLEANUP(fclosep) FILE *f = fopen(DIRECTORY "expected.tsv", "r");
	char name[256], want[64];
	unsigned cnt = 0;

	(void)state;
	assert_non_null(f);
	while (fscanf(f, "%255[^\t]\t%63[^\n]\n", name, want) == 2) {
		check_file(name, want);
		cnt++;
	}
	assert_true(feof(f));
	assert_true(cnt >= FILES_MIN);
	assert_int_equal(cnt, count_files());
}

/* Every prefix: nothing reads on, and nothing is taken that ends in its header block. */
static void test_cut(void **state)
{
	CLEANUP(fclosep) FILE *f = fopen(DIRECTORY "expected.tsv", "r");
	static char buf[SIP_MESSAGE_MAX + 1];
	static struct sip_message m;
	char name[256], want[64];

	(void)state;
	assert_non_null(f);
	while (fscanf(f, "%255[^\t]\t%63[^\n]\n", name, want) == 2) {
		size_t len = read_file(name, buf, sizeof(buf)), step = len / 500 + 1;

		for (size_t n = 0; n < len; n += step) {
			struct guard g = guard_new(buf, n);
			enum sipseal_reason r = sip_message_parse(g.p, n, &m);

			if (r == SR_NONE && !memmem(buf, n, "\r\n\r\n", 4))
				fail_msg("%s: taken after %zu bytes", name, n);
			guard_free(&g);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_expected),
		cmocka_unit_test(test_cut) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
