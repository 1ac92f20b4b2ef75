// SPDX-License-Identifier: BSD-2-Clause
/* Single trunks on top of an open configuration: as the control socket and the watcher of files need them. */
#include "doc.h"

#include <errno.h>
#include <malloc.h>
#include <unistd.h>

#include "base/cleanup.h"

#define ACME "\"name\": \"acme\", \"carrier\": {\"peers\": [\"192.0.2.1\"]}, \"attestation\": \"none\""

static struct trunk *good(const struct config *c, const char *json)
{
	struct config_report r = { 0 };
	json_t *doc = doc_parse(json);
	struct trunk *t = NULL;

	if (doc_json(c, doc, &t, &r) < 0)
		fail_msg("%s: %s", json, report_text(&r));
	config_report_done(&r);
	json_decref(doc);
	return t;
}

/* The words of JSON in the model, and nothing of the caller's memory. */
static void test_taken(void **state)
{
	struct config *c = doc_world(*state, "");
	struct trunk *t = good(c, "{" ACME ", \"pai.mode\": \"off\", \"pai\": {\"domain\": \"a.example\"},"
			       " \"extras.attestation\": \"none\", \"default_country_code\": 49, \"max_cps\": 7}");

	assert_string_equal(t->name, "acme");
	assert_string_equal(t->file, "/trunks/acme.yaml");
	assert_ptr_equal(t->pos.file, t->file);
	assert_ptr_equal(t->carrier_peers[0].pos.file, t->file);
	assert_true(t->is_managed);
	assert_int_equal(t->pai_mode, PAI_OFF);
	assert_string_equal(t->pai_domain, "a.example");
	assert_string_equal(t->country_code, "49");
	assert_int_equal(t->max_cps, 7);
	trunk_free(t);
	config_close(c);
}

static const struct {
	const char *name, *json, *want; /* want: the first message, whole */
} refused[] = {
	{ "no object", "[1]", "/trunks/acme.yaml: is no trunk, allowed: a mapping with name, carrier, attestation ..." },
	{ "no name", "{\"carrier.peers\": [\"192.0.2.1\"], \"attestation\": \"none\"}",
	  "/trunks/acme.yaml: name: is missing, needed: the name of the trunk" },
	{ "empty name", "{\"name\": \"\", \"carrier.peers\": [\"192.0.2.1\"], \"attestation\": \"none\"}",
	  "/trunks/acme.yaml: name: \"\" is empty, allowed: 1 to 63 of a-z, 0-9, . _ -, the first a-z or 0-9" },
	{ "twice", "{" ACME ", \"carrier.peers\": [\"192.0.2.2\"]}",
	  "carrier.peers: stands twice, allowed: once" },
	{ "both ways", "{" ACME ", \"name.x\": 1}",
	  "name: stands twice: as a value and with keys below it, allowed: one of the two" },
	{ "other order", "{\"pai.mode\": \"off\", \"pai\": 5, " ACME "}", "pai: stands twice, allowed: once" },
	{ "real", "{" ACME ", \"max_cps\": 5.0}", "max_cps: is no whole number" },
	{ "dot at the end", "{" ACME ", \"pai.\": 5}", "pai: is no key: nothing before or behind a dot" },
	{ "dot first", "{" ACME ", \".pai\": 5}", "is no key: nothing before or behind a dot" },
	{ "two dots", "{" ACME ", \"pai..mode\": \"off\"}", "pai.: is no key: nothing before or behind a dot" },
	{ "null", "{" ACME ", \"mode\": null}", "/trunks/acme.yaml: mode: has no value, allowed: enforce, observe" },
	{ "NUL", "{" ACME ", \"origid\": \"a\\u0000b\"}",
	  "/trunks/acme.yaml: origid: holds a NUL byte, allowed: trunk, call, or up to 128 printable ASCII characters" },
	{ "attestations differ", "{" ACME ", \"extras.attestation\": \"B\"}",
	  "/trunks/acme.yaml: extras.attestation: B contradicts attestation none, allowed: one of the two" },
	{ "peers twice", "{\"name\": \"a\", \"attestation\": \"none\", \"carrier.peers\": [\"192.0.2.1\", \"192.0.2.1\"]}",
	  "/trunks/acme.yaml: carrier.peers: 192.0.2.1 stands twice; allowed: once" },
	{ "signs without certificates of its own or shared", "{\"name\": \"a\", \"attestation\": \"B\", \"carrier.peers\":"
	  " [\"192.0.2.1\"], \"certificates\": {\"cert_path\": \"a\"}}",
	  "/trunks/acme.yaml: certificates: key_path is missing, needed: cert_path, key_path and x5u together (nothing "
	  "is taken from the gateway's)" },
};

static void test_refused(void **state)
{
	struct config *c = doc_world(*state, "");

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		json_t *doc = json_loads(refused[i].json, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
		struct config_report r = { 0 };
		struct trunk *t = (struct trunk *)1;
		CLEANUP(freep) char *got = NULL;
		int e;

		assert_non_null(doc);
		e = doc_json(c, doc, &t, &r);
		got = r.cnt ? config_message_format(&r.m[0]) : NULL;
		if (e != -EINVAL || t != (struct trunk *)1 || !got || strcmp(got, refused[i].want))
			fail_msg("%s: returns %d\n  got  %s\n  want %s", refused[i].name, e, got, refused[i].want);
		config_report_done(&r);
		json_decref(doc);
	}
	config_close(c);
}

/* ---- files ---- */

#define YAML "name: acme\ncarrier: { peers: [192.0.2.1] }\nattestation: none\n"

static void test_file(void **state)
{
	static const struct { const char *name, *text; bool is_ours; } cases[] = {
		{ "hand-written", YAML, false }, { "ours", STORE_MARK YAML, true },
		{ "mark below", "\n" STORE_MARK YAML, false }, { "another mark", "# Made by hand.\n" YAML, false },
	};
	struct config *c = doc_world(*state, "");

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *file = tree_put(*state, "trunks/a.yaml", cases[i].text);
		struct config_report r = { 0 };
		bool is_ours = !cases[i].is_ours;
		struct trunk *t = NULL;

		if (config_trunk_file(c, file, &t, &is_ours, &r) < 0)
			fail_msg("%s: %s", cases[i].name, report_text(&r));
		if (is_ours != cases[i].is_ours || t->is_managed != is_ours)
			fail_msg("%s: is %s", cases[i].name, is_ours ? "ours" : "not ours");
		assert_string_equal(t->file, file);
		assert_int_equal(t->pos.line, cases[i].text[0] == '\n' ? 3 : *cases[i].text == '#' ? 2 : 1);
		trunk_free(t);
	}
	config_close(c);
}

static void test_bad_file(void **state)
{
	static const struct { const char *name, *text, *want; } cases[] = {
		{ "missing", NULL, "a.yaml: cannot be read: No such file or directory" },
		{ "empty", "", "a.yaml: is empty, allowed: the mapping of one trunk" },
		{ "list", "- 1\n", "a.yaml:1:1: is no trunk, allowed: a mapping" },
		{ "no YAML", "a: [\n", "a.yaml:2:1: is no YAML" },
		{ "wrong key", YAML "max_cps: x\n", "a.yaml:4:10: max_cps: \"x\" is no number" },
	};
	struct config *c = doc_world(*state, "");

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *file = cases[i].text ? tree_put(*state, "trunks/a.yaml", cases[i].text) :
						   tree_path(*state, "trunks/a.yaml");
		struct config_report r = { 0 };
		struct trunk *t = (struct trunk *)1;
		bool is_ours = true;
		int e = config_trunk_file(c, file, &t, &is_ours, &r);
		CLEANUP(freep) char *got = report_text(&r);

		if (e != -EINVAL || t != (struct trunk *)1 || !strstr(got, cases[i].want))
			fail_msg("%s: returns %d, says %s", cases[i].name, e, got);
		config_report_done(&r);
	}
	config_close(c);
}

/* ---- what a trunk inherits ---- */

static const char defaults[] =
	"defaults:\n"
	"  attestation: B\n"
	"  carrier: { peers: [192.0.2.7] }\n"
	"  certificates: { cert_path: d, key_path: d, x5u: 'https://d/d' }\n"
	"  numbers: [+1800*]\n"
	"  numbers_file: numbers.txt\n"
	"  number_rules: [{ prefix: '9', replace: '' }]\n"
	"  origid: common\n"
	"  pai: { domain: d.example, default_number: '+18005550100' }\n";

/* Everything is the trunk's own: the configuration may be closed first. */
static void test_inherited(void **state)
{
	struct config *c = doc_world(*state, defaults);
	struct trunk *t = good(c, "{\"name\": \"a\", \"pai.mode\": \"keep\"}"),
		     *own = good(c, "{\"name\": \"b\", \"numbers\": [\"+18005550100\"], \"origid\": \"call\", \"number_rules\":"
				 " [], \"certificates\": {\"cert_path\": \"o\", \"key_path\": \"o\", \"x5u\": \"https://o/o\"}}");

	config_close(c);
	assert_string_equal(t->name, "a");
	assert_int_equal(t->attestation, ATTEST_B);
	assert_int_equal(t->carrier_cnt, 1);
	assert_ptr_equal(t->carrier_peers[0].pos.file, t->defaults_file);
	assert_ptr_equal(t->cert.pos.file, t->defaults_file);
	assert_string_equal(t->defaults_file, tree_path(*state, "s.yaml"));
	assert_string_equal(t->cert.x5u, "https://d/d");
	assert_int_equal(t->number_cnt, 2);
	assert_string_equal(t->numbers_file, "numbers.txt");
	assert_int_equal(t->rule_cnt, 1);
	assert_string_equal(t->rules[0].prefix, "9");
	assert_string_equal(t->origid, "common");
	assert_string_equal(t->pai_domain, "d.example");
	assert_int_equal(own->number_cnt, 1);
	assert_null(own->numbers_file);
	assert_int_equal(own->rule_cnt, 0);
	assert_null(own->origid);
	assert_string_equal(own->cert.x5u, "https://o/o");
	assert_ptr_equal(own->cert.pos.file, own->file);
	trunk_free(t);
	trunk_free(own);
}

static void test_defaults_refused(void **state)
{
	static const struct { const char *text, *want; } cases[] = {
		{ "defaults: { attestation: A, extras: { attestation: B } }\n",
		  "defaults.extras.attestation: B contradicts attestation A at" },
		{ "defaults: { name: a }\n", "defaults: name belongs to one trunk" },
		{ "defaults: { numbers_file: nosuch }\n", "defaults.numbers_file: " },
		{ "defaults: []\n", "defaults: is no mapping" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct config_report r = { 0 };
		struct config *c = (struct config *)1;
		char text[1024];
		CLEANUP(freep) char *got = NULL;

		snprintf(text, sizeof(text), HEAD "%s", cases[i].text);
		assert_int_equal(config_open_buffer("t.yaml", text, strlen(text), &c, &r), -EINVAL);
		got = report_text(&r);
		if (c != (struct config *)1 || !strstr(got, cases[i].want))
			fail_msg("%s: %s", cases[i].text, got);
		config_report_done(&r);
	}
	(void)state;
}

static void test_trunks_take(void **state)
{
	struct tree *t = *state;
	struct config_report r = { 0 };
	struct config *c = NULL;
	struct trunk **trunks;
	size_t cnt = 0;

	config_close(doc_world(t, ""));
	tree_put(t, "trunks/a.yaml", YAML);
	assert_int_equal(config_open(tree_path(t, "s.yaml"), &c, &r), 0);
	assert_string_equal(config_trunks_dir(c), tree_path(t, "trunks"));
	assert_int_equal(config_gateway(c)->trunk_cnt, 1);
	trunks = config_trunks_take(c, &cnt);
	assert_int_equal(cnt, 1);
	assert_int_equal(config_gateway(c)->trunk_cnt, 0);
	config_close(c);
	assert_string_equal(trunks[0]->name, "acme");
	assert_string_equal(trunks[0]->pos.file, tree_path(t, "trunks/a.yaml"));
	trunk_free(trunks[0]);
	free(trunks);
	config_report_done(&r);
}

/* ---- numbers_file: of files by hand anywhere, of the socket inside certificates.root ---- */

static void test_numbers_confined(void **state)
{
	static const struct { const char *path, *want; } cases[] = {
		{ "../secret", "leaves certificates.root" }, { "/etc/passwd", "leaves certificates.root" },
		{ "out", "leaves certificates.root" }, { "nosuch", "No such file" }, { ".", "Is a directory" },
		{ "fifo", "is no regular file" }, { "../sti/../secret", "leaves certificates.root" },
		{ "inside", "a line has no leading +" }, { "large", "is larger than 64 MiB" },
	};
	struct config *c = doc_world(*state, "");
	const char *secret = tree_put(*state, "secret", "very secret\n");

	tree_put(*state, "sti/inside", "very secret\n");
	assert_int_equal(truncate(tree_put(*state, "sti/large", ""), (64 << 20) + 1), 0);
	assert_int_equal(symlink(secret, tree_path(*state, "sti/out")), 0);
	assert_int_equal(mkfifo(tree_path(*state, "sti/fifo"), 0600), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct config_report r = { 0 };
		struct trunk *t = NULL;
		json_t *doc = doc_parse("{" ACME "}");
		CLEANUP(freep) char *got = NULL;

		json_object_set_new(doc, "numbers_file", json_string(cases[i].path));
		assert_int_equal(doc_json(c, doc, &t, &r), -EINVAL);
		got = report_text(&r);
		if (!strstr(got, cases[i].want) || strstr(got, "very"))
			fail_msg("%s: %s", cases[i].path, got);
		config_report_done(&r);
		json_decref(doc);
	}
	config_close(c);
}

/* The same path, two places. */
static void test_numbers_place(void **state)
{
	struct config *c = doc_world(*state, "");
	struct config_report r = { 0 };
	struct trunk *hand = NULL, *ours = NULL, *json;

	tree_put(*state, "numbers.txt", "+19005550100\n+19005550101\n");
	assert_int_equal(doc_yaml(*state, c, YAML "numbers_file: numbers.txt\n", &hand, &r), 0);
	assert_int_equal(doc_yaml(*state, c, STORE_MARK YAML "numbers_file: numbers.txt\n", &ours, &r), 0);
	json = good(c, "{" ACME ", \"numbers_file\": \"numbers.txt\"}");
	assert_int_equal(hand->number_cnt, 2);
	assert_int_equal(ours->number_cnt, 1);
	assert_int_equal(json->number_cnt, 1);
	assert_memory_equal(ours->digest, json->digest, sizeof(json->digest));
	trunk_free(hand);
	trunk_free(ours);
	trunk_free(json);
	config_close(c);
}

/* ---- digest ---- */

static void digest_of(const struct tree *t, const struct config *c, const char *yaml, uint8_t ret[16])
{
	struct config_report r = { 0 };
	struct trunk *tr = NULL;

	if (doc_yaml(t, c, yaml, &tr, &r) < 0)
		fail_msg("%s", report_text(&r));
	memcpy(ret, tr->digest, 16);
	trunk_free(tr);
	config_report_done(&r);
}

static void test_digest(void **state)
{
	static const struct { const char *name, *text; bool is_same; } cases[] = {
		{ "again", YAML "pai: { mode: set, domain: a }\n", true },
		{ "order", "pai: { domain: a, mode: set }\nattestation: none\ncarrier: { peers: [192.0.2.1] }\nname: acme\n",
		  true },
		{ "quotes and comments", "# c\n" YAML "'pai': { 'mode': set, domain: \"a\" } # d\n", true },
		{ "ours", STORE_MARK YAML "pai: { mode: set, domain: a }\n", true },
		{ "value", YAML "pai: { mode: set, domain: b }\n", false },
		{ "key more", YAML "pai: { mode: set, domain: a, default_number: '' }\n", false },
		{ "key less", YAML "pai: { domain: a }\n", false },
		{ "list", YAML "pai: { mode: set, domain: a }\nnumbers: []\n", false },
		{ "defaults restated", YAML "pai: { mode: set, domain: a }\nprivacy: auto\n", false },
	};
	struct config *c = doc_world(*state, ""), *other;
	uint8_t want[16], got[16];
	char *text;
	struct config_report r = { 0 };

	digest_of(*state, c, cases[0].text, want);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		digest_of(*state, c, cases[i].text, got);
		if ((memcmp(want, got, 16) == 0) != cases[i].is_same)
			fail_msg("%s: digest is %s", cases[i].name, cases[i].is_same ? "another" : "the same");
	}
	/* [a, b] is not [ab], and a list is not the list in a list */
	digest_of(*state, c, YAML "number_rules: [{ prefix: '1', replace: '23' }]\n", want);
	digest_of(*state, c, YAML "number_rules: [{ prefix: '12', replace: '3' }]\n", got);
	assert_memory_not_equal(want, got, 16);
	digest_of(*state, c, YAML "numbers_file: numbers.txt\n", want);
	tree_put(*state, "numbers.txt", "+19005550100\n# comment\n");
	digest_of(*state, c, YAML "numbers_file: numbers.txt\n", got);
	assert_memory_not_equal(want, got, 16); /* what the file holds */
	digest_of(*state, c, YAML, want);
	assert_true(asprintf(&text, HEAD "defaults: { privacy: off }\n") > 0);
	assert_int_equal(config_open_buffer("t.yaml", text, strlen(text), &other, &r), 0);
	digest_of(*state, other, YAML, got);
	assert_memory_not_equal(want, got, 16); /* what it inherits */
	free(text);
	config_report_done(&r);
	config_close(c);
	config_close(other);
}

/* ---- a daemon that runs for years ---- */

__attribute__((weak)) size_t __sanitizer_get_current_allocated_bytes(void);

static size_t allocated(void)
{
	return __sanitizer_get_current_allocated_bytes ? __sanitizer_get_current_allocated_bytes() :
							 mallinfo2().uordblks;
}

static void test_nothing_piles_up(void **state)
{
	struct config *c = doc_world(*state, defaults);
	json_t *is_good = doc_parse(doc_trunk), *is_bad = doc_parse("{" ACME ", \"mode\": \"x\", \"numbers_file\": \"../x\"}");
	size_t before = 0;

	for (unsigned i = 0; i < 600; i++) {
		struct config_report r = { 0 };
		struct trunk *t = NULL;

		assert_int_equal(doc_json(c, is_good, &t, &r), 0);
		trunk_free(t);
		t = NULL;
		assert_int_equal(doc_yaml(*state, c, YAML "numbers_file: numbers.txt\n"
					  "pai: { default_number: '' }\n", &t, &r), 0);
		trunk_free(t);
		assert_int_equal(doc_json(c, is_bad, &t, &r), -EINVAL);
		config_report_done(&r);
		if (i == 100)
			before = allocated();
	}
	/* without a sanitizer's count, the allocator's own caches are in it */
	assert_in_range(allocated(), 0, before + (__sanitizer_get_current_allocated_bytes ? 0 : 16384));
	json_decref(is_good);
	json_decref(is_bad);
	config_close(c);
}

#define WITH_TREE(fn) cmocka_unit_test_setup_teardown(fn, tree_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_TREE(test_taken), WITH_TREE(test_refused), WITH_TREE(test_file), WITH_TREE(test_bad_file),
		WITH_TREE(test_inherited), cmocka_unit_test(test_defaults_refused),
		WITH_TREE(test_trunks_take), WITH_TREE(test_numbers_confined), WITH_TREE(test_numbers_place),
		WITH_TREE(test_digest), WITH_TREE(test_nothing_piles_up),
	};

	return cmocka_run_group_tests_name("config/trunk", tests, NULL, NULL);
}
