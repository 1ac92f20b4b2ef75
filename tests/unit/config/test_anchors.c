// SPDX-License-Identifier: BSD-2-Clause
/* Files that inbound verification needs: trust anchors, a CRL, the CA of https. */
#include "tree.h"
#include "verification.h"

#include <errno.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "config/anchors.h"
#include "config/assemble.h"
#include "stir/chain.h"

#define PEM(name) "-----BEGIN CERTIFICATE-----\n" name "\n-----END CERTIFICATE-----"

static const struct {
	const char *name, *path, *want; /* NULL: good */
	int ret;
	unsigned cnt;
} anchors[] = {
	{ "a file of two", "two.pem", NULL, 0, 2 },
	{ "a directory", "dir", NULL, 0, 3 },
	{ "a directory with a slash", "dir/", NULL, 0, 3 },
	{ "a link that stays", "link.pem", NULL, 0, 2 },
	{ "none", "nosuch", "nosuch (in %s/sti): No such file or directory", -ENOENT, 0 },
	{ "file without", "empty.pem", "empty.pem (in %s/sti): holds no certificate", -ENOENT, 0 },
	{ "directory without", "void", "void (in %s/sti): holds no certificate", -ENOENT, 0 },
	{ "a link that leaves", "out.pem", "out.pem (in %s/sti): leaves certificates.root", -EXDEV, 0 },
	{ "a path that leaves", "../outside.pem", "../outside.pem (in %s/sti): leaves certificates.root", -EXDEV, 0 },
	{ "an absolute path", "/etc/passwd", "/etc/passwd (in %s/sti): leaves certificates.root", -EXDEV, 0 },
	{ "a link in a directory", "bad", "bad/x.pem (in %s/sti): leaves certificates.root", -EXDEV, 0 },
	{ "DER", "der.cer", "der.cer (in %s/sti): holds NUL bytes: it is no PEM text (DER?)", -EBADMSG, 0 },
	{ "a FIFO", "fifo.pem", "fifo.pem (in %s/sti): is no regular file", -EINVAL, 0 },
	{ "large", "large.pem", "large.pem (in %s/sti): is too large, allowed: 4 MiB and 4096 files", -E2BIG, 0 },
	{ "large together", "large", "large/b.pem (in %s/sti): is too large, allowed: 4 MiB and 4096 files", -E2BIG, 0 },
};

static void put_large(const struct tree *t, const char *name, size_t len)
{
	CLEANUP(freep) char *text = malloc(len);

	memset(text, '#', len);
	memcpy(text, PEM("x") "\n", strlen(PEM("x") "\n"));
	tree_write(t, name, text, len);
}

static void make_anchors(const struct tree *t)
{
	static const char *const dirs[] = { "sti", "sti/dir", "sti/void", "sti/bad", "sti/large" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		mkdir(tree_path(t, dirs[i]), 0755);
	tree_put(t, "outside.pem", PEM("o"));
	tree_put(t, "sti/two.pem", PEM("1") "\n" PEM("2") "\n");
	tree_put(t, "sti/dir/b.crt", PEM("b")); /* no newline at its end */
	tree_put(t, "sti/dir/a.pem", "text before\n" PEM("a") "\r\n");
	tree_put(t, "sti/dir/c.cer", PEM("c"));
	tree_put(t, "sti/dir/.d.pem", PEM("hidden"));
	tree_put(t, "sti/dir/e.txt", PEM("text"));
	tree_put(t, "sti/dir/pem", PEM("no ending"));
	tree_put(t, "sti/empty.pem", "");
	tree_put(t, "sti/void/x.txt", PEM("x"));
	tree_write(t, "sti/der.cer", "\x30\x82\x00\x10", 4);
	put_large(t, "sti/large.pem", ANCHORS_LEN_MAX + 1);
	put_large(t, "sti/large/a.pem", ANCHORS_LEN_MAX / 2);
	put_large(t, "sti/large/b.pem", ANCHORS_LEN_MAX / 2);
	assert_int_equal(symlink("two.pem", tree_path(t, "sti/link.pem")), 0);
	assert_int_equal(symlink("../outside.pem", tree_path(t, "sti/out.pem")), 0);
	assert_int_equal(symlink("../../outside.pem", tree_path(t, "sti/bad/x.pem")), 0);
	assert_int_equal(mkfifo(tree_path(t, "sti/fifo.pem"), 0600), 0);
}

static void test_anchors(void **state)
{
	struct tree *t = *state;
	const char *root = tree_path(t, "sti");

	for (size_t i = 0; i < ARRAY_SIZE(anchors); i++) {
		char text[ANCHORS_ERR_LEN] = "", want[ANCHORS_ERR_LEN] = "", *pem = (char *)1;
		size_t len = 7;
		unsigned cnt = 7;
		int r = anchors_read(root, anchors[i].path, &pem, &len, &cnt, text);

		if (anchors[i].want)
			snprintf(want, sizeof(want), anchors[i].want, t->dir);
		if (r != anchors[i].ret || strcmp(text, want))
			fail_msg("%s: returns %d\n  got  %s\n  want %s", anchors[i].name, r, text, want);
		if (r < 0) {
			assert_true(pem == (char *)1 && len == 7 && cnt == 7);
			continue;
		}
		assert_int_equal(cnt, anchors[i].cnt);
		assert_int_equal(strlen(pem), len);
		free(pem);
	}
}

/* In the order of names, each certificate on lines of its own. */
static void test_anchors_order(void **state)
{
	char text[ANCHORS_ERR_LEN], *pem = NULL;
	unsigned cnt = 0;
	size_t len = 0;

	assert_int_equal(anchors_read(tree_path(*state, "sti"), "dir", &pem, &len, &cnt, text), 0);
	assert_string_equal(pem, "text before\n" PEM("a") "\r\n\n" PEM("b") "\n" PEM("c") "\n");
	free(pem);
	assert_int_equal(anchors_read("/nosuch", "dir", &pem, &len, &cnt, text), -ENOENT);
	assert_string_equal(text, "dir (in /nosuch): No such file or directory");
}

/* Keys of `certificates` behind its root; @: the column of the value. */
static const struct { const char *name, *keys, *want; bool is_warning; } files[] = {
	{ "nothing", "", "", false },
	{ "all there", "trust_anchors: roots, crl: { path: list.crl }", "", false },
	{ "a CRL in DER", "crl: { path: der.cer }", "", false },
	{ "anchors", "trust_anchors: nosuch",
	  "3:@ certificates.trust_anchors: nosuch (in %s/sti): No such file or directory\n", false },
	{ "no anchor", "trust_anchors: void",
	  "3:@ certificates.trust_anchors: void (in %s/sti): holds no certificate\n", false },
	{ "no certificate", "trust_anchors: two.pem",
	  "3:@ certificates.trust_anchors: two.pem (in %s/sti): PEM block 1 is damaged or cut short\n", false },
	{ "no root", "trust_anchors: leaf.pem",
	  "3:@ certificates.trust_anchors: leaf.pem (in %s/sti): none of the certificates is a root\n", false },
	{ "crl", "crl: { path: ../outside.pem }",
	  "3:@ certificates.crl.path: ../outside.pem (in %s/sti): leaves certificates.root\n", false },
	{ "crl a directory", "crl: { path: dir }",
	  "3:@ certificates.crl.path: dir (in %s/sti): Is a directory\n", false },
	{ "no crl", "crl: { path: two.pem }", "3:@ certificates.crl.path: two.pem (in %s/sti): holds no CRL\n", true },
	{ "CA", "profile: stir }\nfetch: { https_ca: ca.pem",
	  "4:20 fetch.https_ca: %s/sti/ca.pem: No such file or directory\n", false },
};

static void put_chain(const struct tree *t)
{
	struct chain c = chain_new();
	char pem[8192];

	mkdir(tree_path(t, "sti/roots"), 0755);
	chain_pem(pem, sizeof(pem), (X509 *const[]){ c.intermediate.x, c.root.x, NULL });
	tree_put(t, "sti/roots/a.pem", pem);
	chain_pem(pem, sizeof(pem), (X509 *const[]){ c.leaf.x, c.intermediate.x, NULL });
	tree_put(t, "sti/leaf.pem", pem);
	tree_put(t, "sti/list.crl", "text before\n-----BEGIN X509 CRL-----\n");
	chain_free(&c);
}

/* A file that cannot be read stops a start; `explain`, which may not be allowed to read, is warned. */
static void check_files(const struct tree *t, size_t i, bool may_miss)
{
	struct assemble_opts opts = { .at = 1, .may_miss_certs = may_miss };
	struct config_report r = { 0 };
	struct assembled *a = NULL;
	struct gateway *g;
	char text[1024], want[512], got[512] = "";
	bool is_bad = *files[i].want && !files[i].is_warning && !may_miss;
	const char *value;
	unsigned col;
	int e;

	snprintf(text, sizeof(text), GW "certificates: { root: %s/sti%s%s }\ndefaults: { verification: { enabled: false } }\n",
		 t->dir, *files[i].keys ? ", " : "", files[i].keys);
	g = load_good(files[i].name, text);
	e = assemble(g, &opts, &a, &r);
	/* the column of the value that is wrong */
	value = strstr(files[i].keys, "path: ");
	value = value ? value + strlen("path: ") : files[i].keys + strlen("trust_anchors: ");
	col = (unsigned)(strlen("certificates: { root: /sti, ") + strlen(t->dir) + (size_t)(value - files[i].keys)) + 1;
	snprintf(want, sizeof(want), files[i].want, t->dir);
	for (size_t k = 0; k < r.cnt; k++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%u:%s %s: %s\n", r.m[k].line,
			 r.m[k].col == col ? "@" : r.m[k].col == 20 ? "20" : "?", r.m[k].key,
			 r.m[k].text);
	if (e != (is_bad ? -EINVAL : 0) || r.error_cnt != is_bad || strcmp(got, want))
		fail_msg("%s: returns %d\n  got  %s\n  want %s", files[i].name, e, got, want);
	assembled_free(a);
	gateway_free(g);
	config_report_done(&r);
}

static void test_files(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		check_files(*state, i, false);
		check_files(*state, i, true);
	}
}

static int setup(void **state)
{
	if (tree_setup(state) < 0)
		return -1;
	make_anchors(*state);
	put_chain(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_anchors),
		cmocka_unit_test(test_anchors_order),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests_name("config/anchors", tests, setup, tree_teardown);
}
