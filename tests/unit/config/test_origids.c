/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "config/origids.h"

static char dir[64];

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/sipseal-origids.XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static const char *path(const char *name)
{
	static char buf[128];

	snprintf(buf, sizeof(buf), "%s/%s", dir, name);
	return buf;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path("origids"));
	unlink(path("state/origids"));
	rmdir(path("state"));
	return rmdir(dir);
}

static void write_file(const char *text)
{
	FILE *f = fopen(path("origids"), "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void read_file(char *dst, size_t cap)
{
	FILE *f = fopen(path("origids"), "r");

	assert_non_null(f);
	dst[fread(dst, 1, cap - 1, f)] = '\0';
	fclose(f);
}

static struct gateway *gateway_of(const char *const *names)
{
	struct gateway *g = gateway_new();

	assert_non_null(g);
	for (size_t i = 0; names[i]; i++) {
		struct trunk *t = trunk_new();

		assert_non_null(t);
		strcpy(t->name, names[i]);
		t->origid_mode = ORIGID_TRUNK;
		g->trunks = realloc(g->trunks, (i + 1) * sizeof(*g->trunks));
		g->trunks[g->trunk_cnt++] = t;
	}
	return g;
}

#define NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define ZULU "11111111-2222-4333-8444-555555555555"

static void test_made_once_and_kept(void **state)
{
	struct gateway *a = gateway_of(NAMES("zulu", "acme")),
		       *b = gateway_of(NAMES("new", "acme", "zulu"));
	char err[ORIGIDS_ERR_LEN];

	(void)state;
	assert_int_equal(origids_make(a, dir, err), 2);
	assert_string_not_equal(a->trunks[0]->origid, a->trunks[1]->origid);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(strlen(a->trunks[i]->origid), 36);
		assert_int_equal(a->trunks[i]->origid[14], '4');	   /* version */
		assert_non_null(strchr("89ab", a->trunks[i]->origid[19])); /* variant */
	}
	assert_int_equal(origids_make(b, dir, err), 1);
	assert_string_equal(b->trunks[1]->origid, a->trunks[1]->origid);
	assert_string_equal(b->trunks[2]->origid, a->trunks[0]->origid);
	gateway_free(a);
	gateway_free(b);
}

static void test_lines_of_others_stay(void **state)
{
	struct gateway *g = gateway_of(NAMES("acme"));
	char err[ORIGIDS_ERR_LEN], text[512];

	(void)state;
	write_file("zulu " ZULU "\n");
	assert_int_equal(origids_make(g, dir, err), 1);
	read_file(text, sizeof(text));
	assert_non_null(strstr(text, "zulu " ZULU "\n"));
	assert_non_null(strstr(text, "acme "));
	gateway_free(g);
}

static void test_fill_makes_nothing(void **state)
{
	struct gateway *g = gateway_of(NAMES("acme", "zulu"));
	char err[ORIGIDS_ERR_LEN], text[512];

	(void)state;
	assert_int_equal(origids_fill(g, dir, err), 2);
	assert_int_equal(access(path("origids"), F_OK), -1);
	write_file("# comment\n\nzulu " ZULU "\n");
	assert_int_equal(origids_fill(g, dir, err), 1);
	assert_null(g->trunks[0]->origid);
	assert_string_equal(g->trunks[1]->origid, ZULU);
	read_file(text, sizeof(text));
	assert_string_equal(text, "# comment\n\nzulu " ZULU "\n");
	gateway_free(g);
}

static void test_configured_text_is_left_alone(void **state)
{
	struct gateway *g = gateway_of(NAMES("acme"));
	char err[ORIGIDS_ERR_LEN];

	(void)state;
	g->trunks[0]->origid_mode = ORIGID_CALL;
	assert_int_equal(origids_make(g, dir, err), 0);
	assert_null(g->trunks[0]->origid);
	assert_int_equal(access(path("origids"), F_OK), -1);
	gateway_free(g);
}

static void test_broken_file_is_refused_and_kept(void **state)
{
	static const struct {
		const char *name, *text, *where;
	} cases[] = {
		{ "no uuid", "acme\n", ":1:" },
		{ "short uuid", "zulu " ZULU "\nacme 1111\n", ":2:" },
		{ "upper case", "acme 11111111-2222-4333-8444-55555555555A\n", ":1:" },
		{ "trailing", "acme " ZULU " x\n", ":1:" },
		{ "name", "Acme " ZULU "\n", ":1:" },
		{ "no name", " " ZULU "\n", ":1:" },
		{ "control byte", "ac\033me " ZULU "\n", ":1:" },
		{ "long name",
		  "aaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbbaaaa " ZULU "\n",
		  ":1:" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct gateway *g = gateway_of(NAMES("acme"));
		char err[ORIGIDS_ERR_LEN] = "", text[512];
		int r;

		write_file(cases[i].text);
		r = origids_make(g, dir, err);
		read_file(text, sizeof(text));
		if (r != -EBADMSG || !strstr(err, cases[i].where) || strcmp(text, cases[i].text))
			fail_msg("%s: returns %d, says %s, file %s", cases[i].name, r, err, text);
		gateway_free(g);
	}
}

static void test_directory(void **state)
{
	struct gateway *g = gateway_of(NAMES("acme"));
	char err[ORIGIDS_ERR_LEN], state_dir[128];
	struct stat st;

	(void)state;
	snprintf(state_dir, sizeof(state_dir), "%s", path("no/state"));
	assert_int_equal(origids_make(g, state_dir, err), -ENOENT);
	assert_non_null(strstr(err, "no/state"));
	assert_null(g->trunks[0]->origid); /* what is not on disk is not used */
	snprintf(state_dir, sizeof(state_dir), "%s", path("state"));
	assert_int_equal(origids_make(g, state_dir, err), 1);
	assert_int_equal(stat(path("state/origids"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	gateway_free(g);
}

static void give(struct origids *o, const char *const *names, struct gateway **ret)
{
	char err[ORIGIDS_ERR_LEN] = "";

	*ret = gateway_of(names);
	if (origids_give(o, (*ret)->trunks, (*ret)->trunk_cnt, err) < 0)
		fail_msg("%s", err);
}

/* A running daemon: the file is read once, and only grows. */
static void test_given_one_by_one(void **state)
{
	struct gateway *a, *b, *c, *all = gateway_of(NAMES("acme", "beta", "zulu", "fourth"));
	char err[ORIGIDS_ERR_LEN] = "", before[1024], text[1024];
	struct origids *o = NULL;

	(void)state;
	write_file("# mine\nzulu " ZULU "\n");
	assert_int_equal(origids_open(dir, &o, err), 0);
	give(o, NAMES("acme", "zulu"), &a);
	assert_string_equal(a->trunks[1]->origid, ZULU);
	read_file(before, sizeof(before));
	assert_memory_equal(before, "# mine\nzulu " ZULU "\n", strlen("# mine\nzulu " ZULU "\n"));
	give(o, NAMES("acme"), &b); /* known: nothing is written */
	assert_string_equal(b->trunks[0]->origid, a->trunks[0]->origid);
	read_file(text, sizeof(text));
	assert_string_equal(text, before);
	give(o, NAMES("beta"), &c);
	read_file(text, sizeof(text));
	assert_memory_equal(text, before, strlen(before));
	assert_int_equal(strlen(text), strlen(before) + strlen("beta ") + 36 + 1);
	origids_close(o);
	assert_int_equal(origids_fill(all, dir, err), 1); /* the fourth */
	assert_string_equal(all->trunks[0]->origid, a->trunks[0]->origid);
	assert_string_equal(all->trunks[1]->origid, c->trunks[0]->origid);
	gateway_free(a);
	gateway_free(b);
	gateway_free(c);
	gateway_free(all);
}

#define WHOLE "zulu " ZULU "\n"

/* What a crash leaves of the last line.  keeps: bytes that stay, a newline is added where they have none. */
static const struct {
	const char *name, *tail;
	size_t tail_len;
	const char *kept;
} torn[] = {
	{ "part of a name", "ac", 2, WHOLE },
	{ "a name", "acme", 4, WHOLE },
	{ "name and blank", "acme ", 5, WHOLE },
	{ "part of a uuid", "acme 11111111-2222-4", 20, WHOLE },
	{ "all but the newline", "acme " ZULU, 41, WHOLE "acme " ZULU "\n" },
	{ "NULs", "\0\0\0\0", 4, WHOLE },
	{ "name and NULs", "acme\0\0\0\0", 8, WHOLE },
	{ "comment", "# more", 6, WHOLE "# more\n" },
};

static void test_cut_off_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(torn); i++) {
		char err[ORIGIDS_ERR_LEN] = "", text[1024];
		struct gateway *g, *h;
		struct origids *o = NULL;
		FILE *f = fopen(path("origids"), "w");

		fputs(WHOLE, f);
		fwrite(torn[i].tail, 1, torn[i].tail_len, f);
		fclose(f);
		if (origids_open(dir, &o, err) < 0)
			fail_msg("%s: %s", torn[i].name, err);
		give(o, NAMES("new"), &g);
		read_file(text, sizeof(text));
		if (strncmp(text, torn[i].kept, strlen(torn[i].kept)) ||
		    strncmp(text + strlen(torn[i].kept), "new ", 4) || text[strlen(text) - 1] != '\n')
			fail_msg("%s: the file is\n%s", torn[i].name, text);
		give(o, NAMES("next"), &h);
		read_file(text, sizeof(text));
		if (!strstr(text, "\nnew ") || !strstr(text, "\nnext "))
			fail_msg("%s: lost a line\n%s", torn[i].name, text);
		origids_close(o);
		assert_int_equal(origids_fill(g, dir, err), 0);
		gateway_free(g);
		gateway_free(h);
	}
}

/* A torn part exactly as long as what is written in its place. */
static void test_torn_as_long_as_new(void **state)
{
	char err[ORIGIDS_ERR_LEN] = "", text[1024];
	struct gateway *g, *h;
	struct origids *o = NULL;

	(void)state;
	write_file(WHOLE "abcde 11111111-2222-4333-8444-55555555555"); /* 41 bytes */
	assert_int_equal(origids_open(dir, &o, err), 0);
	give(o, NAMES("new"), &g); /* 41 with its newline */
	give(o, NAMES("b"), &h);
	read_file(text, sizeof(text));
	assert_non_null(strstr(text, "\nnew "));
	assert_non_null(strstr(text, "\nb "));
	origids_close(o);
	gateway_free(g);
	gateway_free(h);
}

static void test_no_cut_off_line(void **state)
{
	static const char *const tails[] = { "hello world", "Acme", "acme 1111 x", "acme " ZULU "6" };
	char err[ORIGIDS_ERR_LEN], text[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tails); i++) {
		struct origids *o = (struct origids *)1;

		snprintf(text, sizeof(text), WHOLE "%s", tails[i]);
		write_file(text);
		if (origids_open(dir, &o, err) != -EBADMSG || o != (struct origids *)1 || !strstr(err, ":2:"))
			fail_msg("%s: taken, or output touched: %s", tails[i], err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_made_once_and_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lines_of_others_stay, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fill_makes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_configured_text_is_left_alone, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_broken_file_is_refused_and_kept, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_directory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_given_one_by_one, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut_off_line, setup, teardown),
		cmocka_unit_test_setup_teardown(test_torn_as_long_as_new, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_cut_off_line, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
