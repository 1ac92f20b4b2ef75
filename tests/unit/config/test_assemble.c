// SPDX-License-Identifier: BSD-2-Clause
/* Certificates, keys and locations of a configuration; files that must not be opened. */
#include "report.h"
#include "stir/chain.h"
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "config/assemble.h"
#include "config/credentials.h"

static void put_key(const struct tree *t, const char *name, EVP_PKEY *key)
{
	const char *path = tree_path(t, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(PEM_write_PKCS8PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(f);
	assert_int_equal(chmod(path, 0600), 0);
}

static void put_chain(const struct tree *t, const char *name, const struct chain *c)
{
	X509 *const x[] = { c->leaf.x, c->intermediate.x, NULL };
	char pem[16384];
	size_t len = chain_pem(pem, sizeof(pem), x);

	tree_write(t, name, pem, len);
}

/* sti/ with one good chain in two places. */
static int setup(void **state)
{
	struct chain c;
	struct tree *t;

	if (tree_setup(state) < 0)
		return -1;
	t = *state;
	c = chain_new();
	tree_mkdir(t, "sti");
	tree_mkdir(t, "sti/a");
	put_chain(t, "sti/cert.pem", &c);
	put_key(t, "sti/key.pem", c.leaf.key);
	put_chain(t, "sti/a/cert.pem", &c);
	put_key(t, "sti/a/key.pem", c.leaf.key);
	chain_free(&c);
	return 0;
}

#define CERT(dir) "{ cert_path: " dir "cert.pem, key_path: " dir "key.pem, x5u: 'https://cert.example/" dir "{serial}.pem' }"
#define CIVIC(room) "extras: { geolocation: { attach: emergency, default_civic_address: { country: US, region: CA, " \
		    "city: X, street: 1 Main, room: " room " } } }"

static const char trunks[] =
	"defaults: { attestation: B }\n"
	"trunks:\n"
	"- { name: a, carrier: { peers: [192.0.2.1] }, " CIVIC("1") " }\n"
	"- { name: b, carrier: { peers: [192.0.2.2] }, certificates: " CERT("a/") ", " CIVIC("2") " }\n"
	"- { name: c, carrier: { peers: [192.0.2.3] }, certificates: " CERT("a/") ", " CIVIC("1") " }\n"
	"- { name: d, carrier: { peers: [192.0.2.4] }, attestation: none }\n"
	"- { name: e, carrier: { peers: [192.0.2.5] } }\n";

static struct gateway *load(const struct tree *t, const char *certificates)
{
	char text[8192];

	snprintf(text, sizeof(text), HEAD_GATEWAY "trunks_dir: /\ncertificates: { root: %s/sti, %s }\n%s", t->dir,
		 certificates, trunks);
	return load_good("assemble", text);
}

#define GATEWAY_CERT "cert_path: cert.pem, key_path: key.pem, x5u: 'https://cert.example/{serial}'"

static void test_good(void **state)
{
	struct tree *t = *state;
	struct gateway *g = load(t, GATEWAY_CERT);
	struct assemble_opts opts = { .at = CHAIN_AT, .want_keys = true };
	struct config_report r = { 0 };
	struct assembled *a = NULL;
	static char copy[65536] __attribute__((aligned(8)));
	const struct policy_copy *c = (const struct policy_copy *)copy;
	const struct policy_trunk *pt;
	char x5u[256];

	if (assemble(g, &opts, &a, &r) < 0)
		fail_msg("%s", report_text(&r));
	assert_int_equal(r.error_cnt, 0);
	assert_int_equal(a->trunk_cnt, 5);
	assert_int_equal(a->credential_cnt, 2); /* b and c share one, a and e have the gateway's */
	assert_int_equal(a->trunks[0].credential, 0);
	assert_int_equal(a->trunks[1].credential, 1);
	assert_int_equal(a->trunks[2].credential, 1);
	assert_int_equal(a->trunks[3].credential, POLICY_CREDENTIAL_NONE);
	assert_int_equal(a->trunks[4].credential, 0);
	assert_string_equal(a->credentials[1].key_path, "a/key.pem");
	assert_true(a->credentials[0].key_fd >= 0 && a->credentials[1].key_fd >= 0);
	snprintf(x5u, sizeof(x5u), "https://cert.example/a/%s.pem", a->credentials[1].info->serial);
	assert_string_equal(a->credentials[1].x5u, x5u);
	assert_string_equal(a->compiled_credentials[1].x5u, x5u);
	assert_true(a->compiled_credentials[1].is_usable);
	assert_int_equal(a->compiled_credentials[0].key, 0);
	assert_int_equal(a->compiled_credentials[1].key, 1);
	assert_int_equal(a->compiled_credentials[1].not_after, CHAIN_AT + CHAIN_YEAR);
	assert_ptr_equal(a->trunks[0].location, a->trunks[2].location);
	assert_ptr_not_equal(a->trunks[0].location, a->trunks[1].location);
	assert_null(a->trunks[3].location);
	assert_non_null(strstr(a->trunks[1].location->text, ">2<"));
	assert_true(assembled_compile(g, a, 5, (struct policy_copy *)copy, sizeof(copy)) > 0);
	pt = policy_trunk_get(c, 2);
	assert_non_null(pt);
	assert_int_equal(pt->has_location, 1);
	assert_int_equal(policy_text(c, policy_credential_get(c, pt->credential)->x5u).len, strlen(x5u));
	assert_int_equal(match_lookup(&a->match, g->trunks[4]->carrier_peers[0].addr, 5060, (uint8_t[16]){ 0 }), 4);
	assembled_free(a);
	gateway_free(g);
	config_report_done(&r);
}

/* The same, one by one: as a running daemon does it. */
static void test_one(void **state)
{
	struct tree *t = *state;
	struct gateway *g = load(t, GATEWAY_CERT);
	struct assemble_opts opts = { .at = CHAIN_AT, .want_keys = true };
	struct assembled_credential c = { .key_fd = -1 };
	struct cert_config nosuch = { .cert_path = "no.pem", .key_path = "no.pem", .x5u = "https://x/{serial}" };
	struct pidf_template *p = NULL;
	struct config_report r = { 0 };

	assert_true(cert_config_is_complete(&g->cert));
	assert_int_equal(credential_assemble(g, &g->cert, &opts, &c, &r), 0);
	assert_int_equal(r.error_cnt, 0);
	assert_true(credential_is_usable(c.info) && c.key_fd >= 0);
	assert_non_null(strstr(c.x5u, c.info->serial));
	assembled_credential_done(&c);
	assert_true(c.key_fd == -1 && !c.info);
	assembled_credential_done(&c);
	assert_int_equal(credential_assemble(g, &nosuch, &opts, &c, &r), 0);
	assert_int_equal(r.error_cnt, 2); /* chain and key */
	assert_false(credential_is_usable(c.info));
	assert_string_equal(c.x5u, "https://x/unknown");
	assembled_credential_done(&c);
	nosuch.x5u = NULL;
	assert_false(cert_config_is_complete(&nosuch));
	assert_int_equal(assemble_location(g->trunks[1], &p, &r), 0);
	assert_non_null(strstr(p->text, ">2<"));
	free(p);
	assert_int_equal(assemble_location(g->trunks[3], &p, &r), 0);
	assert_null(p);
	config_report_done(&r);
	gateway_free(g);
}

/* What breaks the good site, and what is said about it. */
struct fault {
	const char *name;
	void (*make)(const struct tree *t);
	int64_t at;
	const char *want;
};

static void remove_cert(const struct tree *t) { unlink(tree_path(t, "sti/cert.pem")); }
static void remove_key(const struct tree *t) { unlink(tree_path(t, "sti/key.pem")); }
static void open_key(const struct tree *t) { chmod(tree_path(t, "sti/key.pem"), 0640); }
static void break_cert(const struct tree *t) { tree_put(t, "sti/cert.pem", "no certificate\n"); }
static void nothing(const struct tree *t) { (void)t; }

static void link_out(const struct tree *t)
{
	assert_int_equal(rename(tree_path(t, "sti/key.pem"), tree_path(t, "key.pem")), 0);
	assert_int_equal(symlink("../key.pem", tree_path(t, "sti/key.pem")), 0);
}

static void fifo_cert(const struct tree *t)
{
	remove_cert(t);
	assert_int_equal(mkfifo(tree_path(t, "sti/cert.pem"), 0600), 0);
}

static void large_cert(const struct tree *t)
{
	assert_int_equal(truncate(tree_path(t, "sti/cert.pem"), 300000), 0);
}

static const struct fault faults[] = {
	{ "no certificate", remove_cert, CHAIN_AT, "t.yaml:3:15: certificates.cert_path: cert.pem (in " },
	{ "no key", remove_key, CHAIN_AT, "sti): No such file or directory\n" },
	{ "key for all", open_key, CHAIN_AT, "sti): is readable by others, allowed: owner root and mode 0600 or 0400\n" },
	{ "key outside", link_out, CHAIN_AT, "t.yaml:3:15: certificates.key_path: key.pem (in " },
	{ "key outside, why", link_out, CHAIN_AT, "leaves certificates.root\n" },
	{ "not a certificate", break_cert, CHAIN_AT, "t.yaml:3:15: certificates.cert_path: cert.pem: " },
	{ "expired", nothing, CHAIN_AT + 2 * CHAIN_YEAR, "[expired]\n" },
	{ "not yet valid", nothing, CHAIN_AT - CHAIN_YEAR, "[not_yet_valid]\n" },
	{ "FIFO", fifo_cert, CHAIN_AT, "is no regular file\n" },
	{ "large", large_cert, CHAIN_AT, "is too large for a certificate chain\n" },
};

static void test_fault(const struct fault *f)
{
	struct assemble_opts opts = { .at = f->at, .want_keys = true };
	struct assembled *a = (struct assembled *)1;
	struct config_report r = { 0 };
	CLEANUP(freep) char *text = NULL;
	struct gateway *g;
	void *state;
	int e;

	assert_int_equal(setup(&state), 0);
	f->make(state);
	g = load(state, GATEWAY_CERT);
	e = assemble(g, &opts, &a, &r);
	text = report_text(&r);
	if (e != -EINVAL || !r.error_cnt || a != (struct assembled *)1 || !strstr(text, f->want))
		fail_msg("%s: returns %d\n%s", f->name, e, text);
	config_report_done(&r);
	memset(&r, 0, sizeof(r));
	/* explain may miss them: a warning, and all the rest is there */
	opts.may_miss_certs = true;
	a = NULL;
	if ((e = assemble(g, &opts, &a, &r)) != 0 || r.error_cnt || !r.cnt || a->credential_cnt != 2)
		fail_msg("%s: cannot be missed: %d", f->name, e);
	config_report_done(&r);
	assembled_free(a);
	gateway_free(g);
	tree_teardown(&state);
}

static void test_faults(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		test_fault(&faults[i]);
}

/* A trunk whose certificate is broken has no other: not the gateway's. */
static void test_never_falls_back(void **state)
{
	struct tree *t = *state;
	struct assemble_opts opts = { .at = CHAIN_AT, .may_miss_certs = true };
	struct config_report r = { 0 };
	struct assembled *a = NULL;
	struct gateway *g;

	tree_put(t, "sti/a/cert.pem", "broken");
	g = load(t, GATEWAY_CERT);
	assert_int_equal(assemble(g, &opts, &a, &r), 0);
	assert_int_equal(a->trunks[1].credential, 1);
	assert_null(a->credentials[1].info);
	assert_false(a->compiled_credentials[1].is_usable);
	assert_int_equal(a->credentials[1].key_fd, -1);
	assert_true(a->compiled_credentials[0].is_usable);
	assembled_free(a);
	gateway_free(g);
	config_report_done(&r);
}

static void test_x5u_too_long(void **state)
{
	struct tree *t = *state;
	struct assemble_opts opts = { .at = CHAIN_AT };
	struct config_report r = { 0 };
	struct assembled *a = NULL;
	char certs[700] = "cert_path: cert.pem, key_path: key.pem, x5u: 'https://cert.example/{serial}";
	size_t len = strlen(certs);
	CLEANUP(freep) char *text = NULL;
	struct gateway *g;

	memset(certs + len, 'x', 480);
	strcpy(certs + len + 480, "'");
	g = load(t, certs); /* fits the 512 with {serial} unreplaced */
	assert_true(strlen(g->cert.x5u) <= 512);
	assert_int_equal(assemble(g, &opts, &a, &r), -EINVAL);
	text = report_text(&r);
	assert_non_null(strstr(text, "certificates.x5u: is too long with the serial number in it, allowed: 512 bytes"));
	gateway_free(g);
	config_report_done(&r);
}

static const struct {
	const char *name, *path;
	bool is_key;
	int ret; /* 1: opens */
} opens[] = {
	{ "plain", "cert.pem", false, 1 },
	{ "in a directory", "a/cert.pem", false, 1 },
	{ "dot dot inside", "a/../cert.pem", false, 1 },
	{ "link inside", "link.pem", false, 1 },
	{ "key", "key.pem", true, 1 },
	{ "absolute", "/etc/passwd", false, -EXDEV },
	{ "dot dot outside", "../out.pem", false, -EXDEV },
	{ "link outside", "out.pem", false, -EXDEV },
	{ "absolute link", "abs.pem", false, -EXDEV },
	{ "linked directory", "outdir/out.pem", false, -EXDEV },
	{ "magic link", "self/cert.pem", false, -EXDEV },
	{ "directory", "a", false, -EISDIR },
	{ "FIFO", "fifo", false, -EINVAL },
	{ "missing", "nosuch.pem", false, -ENOENT },
	{ "empty", "", false, -ENOENT },
	{ "group may read the key", "group.pem", true, -EPERM },
	{ "all may read the key", "world.pem", true, -EPERM },
	{ "a certificate all may read", "world.pem", false, 1 },
};

static void test_confined_open(void **state)
{
	struct tree *t = *state;
	char root[96];

	snprintf(root, sizeof(root), "%s/sti", t->dir);
	tree_put(t, "out.pem", "secret");
	assert_int_equal(symlink("a/cert.pem", tree_path(t, "sti/link.pem")), 0);
	assert_int_equal(symlink("../out.pem", tree_path(t, "sti/out.pem")), 0);
	assert_int_equal(symlink("/etc/passwd", tree_path(t, "sti/abs.pem")), 0);
	assert_int_equal(symlink("..", tree_path(t, "sti/outdir")), 0);
	assert_int_equal(symlink("/proc/self/cwd", tree_path(t, "sti/self")), 0);
	assert_int_equal(mkfifo(tree_path(t, "sti/fifo"), 0600), 0);
	chmod(tree_put(t, "sti/group.pem", "k"), 0640);
	chmod(tree_put(t, "sti/world.pem", "k"), 0604);
	for (size_t i = 0; i < ARRAY_SIZE(opens); i++) {
		int fd = confined_open(root, opens[i].path, opens[i].is_key);

		if (opens[i].ret < 0 ? fd != opens[i].ret : fd < 0)
			fail_msg("%s: returns %d", opens[i].name, fd);
		if (fd >= 0) {
			assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
			close(fd);
		}
	}
	assert_int_equal(confined_open(tree_path(t, "nosuch"), "cert.pem", false), -ENOENT);
	assert_int_equal(confined_open(tree_path(t, "out.pem"), "cert.pem", false), -ENOTDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_good, setup, tree_teardown),
		cmocka_unit_test_setup_teardown(test_one, setup, tree_teardown),
		cmocka_unit_test(test_faults),
		cmocka_unit_test_setup_teardown(test_never_falls_back, setup, tree_teardown),
		cmocka_unit_test_setup_teardown(test_x5u_too_long, setup, tree_teardown),
		cmocka_unit_test_setup_teardown(test_confined_open, setup, tree_teardown),
	};

	return cmocka_run_group_tests_name("config/assemble", tests, NULL, NULL);
}
