// SPDX-License-Identifier: BSD-2-Clause
/* Adding, changing, removing and exporting trunks, with their files; each way to be refused. */
#include "trunk_calls.h"

#include <unistd.h>

static void export_is(const char *name, const char *want)
{
	struct fault f = { 0 };
	json_t *wanted = parse(want), *got = trunks_export(&world->d, name, &f);

	if (!got || !json_equal(got, wanted)) {
		print_report(name, &f);
		fail_msg("%s: exported %s, want %s", name, json_dumps(got, 0), want);
	}
	json_decref(wanted);
	json_decref(got);
	fault_done(&f);
}

static bool has_message(const struct fault *f, const char *key, const char *text)
{
	for (size_t i = 0; i < f->report.cnt; i++) {
		const struct config_message *m = &f->report.m[i];

		if (m->key && strcmp(m->key, key) == 0 && strstr(m->text, text))
			return true;
	}
	return false;
}

/* ---- one trunk from the cradle to the grave ---- */

static void test_cycle(void **state)
{
	char *text;

	(void)state;
	load_world();
	add_as(ACME, NULL);
	assert_int_equal(world->d.generation, 8);
	assert_non_null(trunk_of("acme"));
	assert_true(trunk_of("acme")->is_managed);
	assert_string_equal(trunk_of("acme")->file, at("trunks.d/acme.yaml"));
	text = get_file("trunks.d/acme.yaml");
	assert_non_null(text);
	assert_int_equal(strncmp(text, STORE_MARK, strlen(STORE_MARK)), 0);
	free(text);
	export_is("acme", ACME);

	/* dotted and nested; a list is replaced, null takes a key away */
	patch_as(
		"acme",
		"{\"pai.mode\":\"keep\",\"pai\":{\"domain\":\"example.net\"},\"mode\":\"observe\"}",
		NULL);
	assert_int_equal(trunk_of("acme")->mode, TRUNK_OBSERVE);
	assert_int_equal(trunk_of("acme")->pai_mode, PAI_KEEP);
	patch_as("acme",
		 "{\"numbers\":[\"+4930*\",\"+4940*\"],\"mode\":null,\"pai.mode\":null,\"name\":"
		 "\"acme\"}",
		 NULL);
	assert_int_equal(trunk_of("acme")->mode, TRUNK_ENFORCE);
	assert_int_equal(trunk_of("acme")->pai_mode, PAI_SET);
	assert_int_equal(trunk_of("acme")->number_cnt, 2);
	export_is("acme",
		  "{\"name\":\"acme\",\"carrier\":{\"peers\":[\"" ACME_PEER
		  "\"]},\"attestation\":\"A\","
		  "\"numbers\":[\"+4930*\",\"+4940*\"],\"pai\":{\"domain\":\"example.net\"}}");
	assert_int_equal(world->d.generation, 10);

	restart();
	assert_non_null(trunk_of("acme"));
	assert_true(trunk_of("acme")->is_managed);
	patch_as("acme", "{\"privacy\":\"id\"}", NULL);
	remove_as("acme", NULL);
	assert_null(trunk_of("acme"));
	assert_false(is_there("trunks.d/acme.yaml"));
	remove_as("acme", "no_such_trunk");
	restart();
	assert_int_equal(live_cnt(world->d.live), 0);
}

/* What runs after an add is what a restart reads, for values that YAML could take for others. */
static void test_as_restart(void **state)
{
	static const char *const bodies[] = {
		ACME,
		"{\"name\":\"acme\",\"carrier.peers\":[\"" ACME_PEER "\"],\"attestation\":\"none\","
		"\"default_country_code\":\"1\",\"origid\":\"true\"}",
		"{\"name\":\"5060\",\"carrier.peers\":[\"" ACME_PEER
		"\"],\"attestation\":\"none\",\"origid\":\"a: #b\"}",
		"{\"name\":\"null\",\"carrier.peers\":[\"[2001:db8::1]:5060\"],\"extras."
		"attestation\":\"B\","
		"\"origid\":\"~\",\"freshness_s\":5,\"pai\":{\"add_privacy_none\":false}}",
	};

	(void)state;
	load_world();
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		json_t *body = parse(bodies[i]);
		char name[64];
		uint8_t digest[16];
		const struct trunk *t;

		snprintf(name, sizeof(name), "%s",
			 json_string_value(json_object_get(body, "name")));
		json_decref(body);
		add_as(bodies[i], NULL);
		t = trunk_of(name);
		assert_non_null(t);
		memcpy(digest, t->digest, sizeof(digest));
		restart();
		t = trunk_of(name);
		assert_non_null(t);
		if (memcmp(t->digest, digest, sizeof(digest)))
			fail_msg("%s: another trunk after a restart", bodies[i]);
		remove_as(name, NULL);
	}
}

/* ---- refused ---- */

static void test_add_refused(void **state)
{
	static const struct {
		const char *name, *body, *code, *key;
	} cases[] = {
		{ "no object", "[]", "invalid", NULL },
		{ "empty", "{}", "invalid", "name" },
		{ "no name", "{\"attestation\":\"none\",\"carrier.peers\":[\"192.0.2.1\"]}",
		  "invalid", "name" },
		{ "empty name",
		  "{\"name\":\"\",\"attestation\":\"none\",\"carrier.peers\":[\"192.0.2.1\"]}",
		  "invalid", "name" },
		{ "number as name",
		  "{\"name\":5,\"attestation\":\"none\",\"carrier.peers\":[\"192.0.2.1\"]}",
		  "invalid", "name" },
		{ "upwards",
		  "{\"name\":\"../"
		  "acme\",\"attestation\":\"none\",\"carrier.peers\":[\"192.0.2.1\"]}",
		  "invalid", "name" },
		{ "slash",
		  "{\"name\":\"a/b\",\"attestation\":\"none\",\"carrier.peers\":[\"192.0.2.1\"]}",
		  "invalid", "name" },
		{ "hidden",
		  "{\"name\":\".acme\",\"attestation\":\"none\",\"carrier.peers\":[\"192.0.2.1\"]}",
		  "invalid", "name" },
		{ "NUL",
		  "{\"name\":\"ac\\u0000me\",\"attestation\":\"none\",\"carrier.peers\":[\"192.0.2."
		  "1\"]}",
		  "invalid", NULL },
		{ "unknown key",
		  "{\"name\":\"a\",\"attestation\":\"none\",\"carrier.peers\":[\"192.0.2.1\"],"
		  "\"x\":1}",
		  "invalid", "x" },
		{ "wrong word",
		  "{\"name\":\"a\",\"attestation\":\"D\",\"carrier.peers\":[\"192.0.2.1\"]}",
		  "invalid", "attestation" },
		{ "wrong type", "{\"name\":\"a\",\"attestation\":\"none\",\"carrier\":5}",
		  "invalid", "carrier" },
		{ "real number", "{\"name\":\"a\",\"freshness_s\":1.5}", "invalid", "freshness_s" },
		{ "twice", "{\"name\":\"a\",\"pai\":{\"mode\":\"keep\"},\"pai.mode\":\"off\"}",
		  "invalid", "pai.mode" },
		{ "path upwards",
		  "{\"name\":\"a\",\"attestation\":\"A\",\"carrier.peers\":[\"192.0.2.1\"],"
		  "\"certificates\":{\"cert_path\":\"../c\",\"key_path\":\"k\",\"x5u\":\"https://x/"
		  "c\"}}",
		  "invalid", "certificates.cert_path" },
		{ "dotted path",
		  "{\"name\":\"a\",\"attestation\":\"A\",\"carrier.peers\":[\"192.0.2.1\"],"
		  "\"certificates.key_path\":\"/etc/shadow\"}",
		  "invalid", "certificates.key_path" },
		{ "device",
		  "{\"name\":\"a\",\"attestation\":\"A\",\"carrier.peers\":[\"192.0.2.1\"],"
		  "\"numbers_file\":\"/dev/zero\"}",
		  "invalid", "numbers_file" },
	};

	(void)state;
	load_world();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fault f = { 0 };
		int r = add(cases[i].body, &f);

		expect(cases[i].name, r, &f, cases[i].code);
		if (cases[i].key && !has_message(&f, cases[i].key, "")) {
			print_report(cases[i].name, &f);
			fail_msg("%s: no message about %s", cases[i].name, cases[i].key);
		}
		for (size_t j = 0; j < f.report.cnt; j++)
			if (f.report.m[j].file && strstr(f.report.m[j].file, "trunks.d"))
				fail_msg("%s: names a file that is not there", cases[i].name);
		fault_done(&f);
	}
	assert_int_equal(world->changes, 0);
	assert_int_equal(rmdir(at("trunks.d")), 0); /* empty, temporary files among it */
}

/* All that is wrong at once. */
static void test_all_errors(void **state)
{
	struct fault f = { 0 };

	(void)state;
	load_world();
	expect("many",
	       add("{\"name\":\"-\",\"attestation\":\"D\",\"privacy\":\"x\",\"carrier.peers\":[\"1."
		   "2.3\"]}",
		   &f),
	       &f, "invalid");
	assert_true(has_message(&f, "name", "allowed"));
	assert_true(has_message(&f, "attestation", "allowed"));
	assert_true(has_message(&f, "privacy", "allowed"));
	assert_true(has_message(&f, "carrier.peers[0]", "allowed"));
	fault_done(&f);
}

static void test_warnings(void **state)
{
	struct fault f = { 0 };

	(void)state;
	load_world();
	expect("A",
	       add("{\"name\":\"a\",\"attestation\":\"A\",\"carrier.peers\":[\"192.0.2.1\"]}", &f),
	       &f, NULL);
	assert_int_equal(f.report.error_cnt, 0);
	assert_true(has_message(&f, "attestation", "A for any number"));
	fault_done(&f);
}

static void test_exists(void **state)
{
	(void)state;
	put_file("trunks.d/hand.yaml", HAND);
	load_world();
	add_as(ACME, NULL);
	add_as(ACME, "exists");
	add_as("{\"name\":\"hand\",\"carrier.peers\":[\"192.0.2.1\"],\"attestation\":\"none\"}",
	       "exists");
	/* there, but nobody has reloaded */
	put_file("trunks.d/new.yaml", "name: new\n");
	add_as("{\"name\":\"new\",\"carrier.peers\":[\"192.0.2.1\"],\"attestation\":\"none\"}",
	       "hand_written");
	put_file("trunks.d/old.yaml", STORE_MARK "name: old\n");
	add_as("{\"name\":\"old\",\"carrier.peers\":[\"192.0.2.1\"],\"attestation\":\"none\"}",
	       "exists");
	assert_int_equal(symlink("/nowhere", at("trunks.d/link.yaml")), 0);
	add_as("{\"name\":\"link\",\"carrier.peers\":[\"192.0.2.1\"],\"attestation\":\"none\"}",
	       "hand_written");
	assert_int_equal(mkfifo(at("trunks.d/fifo.yaml"), 0644), 0);
	add_as("{\"name\":\"fifo\",\"carrier.peers\":[\"192.0.2.1\"],\"attestation\":\"none\"}",
	       "hand_written");
	assert_int_equal(mkdir(at("trunks.d/dir.yaml"), 0755), 0);
	add_as("{\"name\":\"dir\",\"carrier.peers\":[\"192.0.2.1\"],\"attestation\":\"none\"}",
	       "hand_written");
	assert_int_equal(world->changes, 1);
}

static void test_patch_refused(void **state)
{
	static const struct {
		const char *name, *trunk, *body, *code, *key;
	} cases[] = {
		{ "nobody", "nobody", "{}", "no_such_trunk", NULL },
		{ "upwards", "../acme", "{}", "no_such_trunk", NULL },
		{ "bytes", "\xff\x1b", "{}", "no_such_trunk", NULL },
		{ "no object", "acme", "5", "invalid", NULL },
		{ "null", "acme", "null", "invalid", NULL },
		{ "name", "acme", "{\"name\":\"other\"}", "invalid", "name" },
		{ "name away", "acme", "{\"name\":null}", "invalid", "name" },
		{ "needed away", "acme", "{\"carrier\":null}", "invalid", "carrier.peers" },
		{ "unknown", "acme", "{\"pai\":{\"x\":1}}", "invalid", "pai.x" },
		{ "unknown away", "acme", "{\"numbres\":null}", "invalid", "numbres" },
		{ "unknown below away", "acme", "{\"pai.mod\":null}", "invalid", "pai.mod" },
		{ "unknown and empty", "acme", "{\"pay\":{}}", "invalid", "pay" },
		{ "below a value", "acme", "{\"attestation\":{\"x\":null}}", "invalid",
		  "attestation.x" },
		{ "wrong value", "acme", "{\"freshness_s\":0}", "invalid", "freshness_s" },
		{ "twice", "acme", "{\"pai.mode\":\"off\",\"pai\":{\"mode\":\"off\"}}", "invalid",
		  "pai.mode" },
		{ "path", "acme", "{\"certificates\":{\"cert_path\":\"a/../../b\"}}", "invalid",
		  "certificates.cert_path" },
		{ "contradiction", "acme", "{\"extras.attestation\":\"C\"}", "invalid",
		  "extras.attestation" },
		{ "by hand", "hand", "{\"privacy\":\"id\"}", "hand_written", NULL },
		{ "main file", "inside", "{\"privacy\":\"id\"}", "hand_written", NULL },
		{ "renamed", "moved", "{\"privacy\":\"id\"}", "hand_written", NULL },
	};
	char *before;

	(void)state;
	put_file(
		"sipseal.yaml", MAIN
		"trunks: [{ name: inside, carrier: { peers: [192.0.2.7] }, attestation: none }]\n");
	put_file("trunks.d/hand.yaml", HAND);
	put_file("trunks.d/other-name.yaml",
		 STORE_MARK "name: moved\ncarrier: { peers: [192.0.2.8] }\nattestation: none\n");
	load_world();
	add_as(ACME, NULL);
	before = get_file("trunks.d/acme.yaml");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fault f = { 0 };
		char *after;

		expect(cases[i].name, patch(cases[i].trunk, cases[i].body, &f), &f, cases[i].code);
		if (cases[i].key && !has_message(&f, cases[i].key, "")) {
			print_report(cases[i].name, &f);
			fail_msg("%s: no message about %s", cases[i].name, cases[i].key);
		}
		fault_done(&f);
		after = get_file("trunks.d/acme.yaml");
		assert_string_equal(after, before);
		free(after);
	}
	free(before);
	assert_int_equal(world->changes, 1);
}

static void test_patch_of_nothing(void **state)
{
	struct stat before, after;

	(void)state;
	load_world();
	add_as(ACME, NULL);
	assert_int_equal(stat(at("trunks.d/acme.yaml"), &before), 0);
	patch_as("acme", "{}", NULL);
	patch_as("acme", "{\"attestation\":\"A\",\"privacy\":null,\"name\":\"acme\"}", NULL);
	patch_as("acme", "{\"pai\":{\"mode\":null}}", NULL);
	patch_as("acme", "{\"attestation_other\":null}", NULL);
	assert_int_equal(stat(at("trunks.d/acme.yaml"), &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(world->changes, 1);
	assert_int_equal(world->d.generation, 8);
	/* written differently, means the same */
	patch_as("acme", "{\"default_country_code\":\"1\"}", NULL);
	patch_as("acme", "{\"default_country_code\":1}", NULL);
	assert_int_equal(world->changes, 2);
}

/* The file is named, and is as it was, byte for byte. */
static void test_hand_written(void **state)
{
	struct fault f = { 0 };
	char *text;

	(void)state;
	put_file("trunks.d/hand.yaml", HAND);
	load_world();
	expect("patch", patch("hand", "{\"privacy\":\"id\"}", &f), &f, "hand_written");
	assert_non_null(strstr(f.text, at("trunks.d/hand.yaml")));
	fault_done(&f);
	expect("remove", trunks_remove(&world->d, "hand", &f), &f, "hand_written");
	assert_non_null(strstr(f.text, at("trunks.d/hand.yaml")));
	fault_done(&f);
	text = get_file("trunks.d/hand.yaml");
	assert_string_equal(text, HAND);
	free(text);
	export_is("hand", "{\"name\":\"hand\",\"carrier\":{\"peers\":[\"203.0.113.20\"]},"
			  "\"attestation\":\"none\"}");
	assert_int_equal(world->changes, 0);
}

/* Ours when it was loaded; since then somebody has taken it over, changed, replaced or removed it.
 */
static void test_changed_on_disk(void **state)
{
	static const struct {
		const char *name, *text, *patch, *remove, *export;
	} cases[] = {
		{ "our line removed",
		  "name: acme\ncarrier: { peers: [203.0.113.10] }\nattestation: none\n",
		  "hand_written", "hand_written", NULL },
		{ "edited",
		  STORE_MARK "name: acme\ncarrier: { peers: [203.0.113.99] }\nattestation: none\n",
		  "changed_on_disk", NULL, NULL },
		{ "of another trunk",
		  STORE_MARK "name: other\ncarrier: { peers: [203.0.113.10] }\nattestation: none\n",
		  "changed_on_disk", "changed_on_disk", "changed_on_disk" },
		{ "broken", STORE_MARK "name: [acme\n", "changed_on_disk", "changed_on_disk",
		  "changed_on_disk" },
		{ "refused now", STORE_MARK "name: acme\n", "changed_on_disk", NULL, NULL },
		{ "a list", STORE_MARK "- name: acme\n", "changed_on_disk", "changed_on_disk",
		  "changed_on_disk" },
		{ "empty", "", "changed_on_disk", "changed_on_disk", "changed_on_disk" },
	};

	(void)state;
	load_world();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fault f = { 0 };
		json_t *keys;
		char *text;

		add_as(ACME, NULL);
		put_file("trunks.d/acme.yaml", cases[i].text);
		expect(cases[i].name, patch("acme", "{\"privacy\":\"id\"}", &f), &f,
		       cases[i].patch);
		fault_done(&f);
		keys = trunks_export(&world->d, "acme", &f);
		expect(cases[i].name, keys ? 0 : -EINVAL, &f, cases[i].export);
		json_decref(keys);
		fault_done(&f);
		text = get_file("trunks.d/acme.yaml");
		assert_string_equal(text, cases[i].text);
		free(text);
		expect(cases[i].name, trunks_remove(&world->d, "acme", &f), &f, cases[i].remove);
		fault_done(&f);
		if (!cases[i].remove) {
			assert_false(is_there("trunks.d/acme.yaml"));
			continue;
		}
		text = get_file("trunks.d/acme.yaml");
		assert_string_equal(text, cases[i].text);
		free(text);
		assert_int_equal(unlink(at("trunks.d/acme.yaml")), 0);
		restart();
	}
}

/* numbers_file belongs to what was loaded, too. */
static void test_numbers_file_changed(void **state)
{
	char body[256];

	(void)state;
	put_file("sti/n.txt", "+18005550100\n");
	load_world();
	snprintf(body, sizeof(body),
		 "{\"name\":\"acme\",\"carrier.peers\":[\"192.0.2.1\"],\"attestation\":\"A\","
		 "\"numbers_file\":\"%s\"}",
		 at("sti/n.txt"));
	add_as(body, NULL);
	assert_int_equal(trunk_of("acme")->number_cnt, 1);
	assert_string_equal(trunk_of("acme")->numbers_file, "n.txt"); /* below certificates.root */
	patch_as("acme", "{\"privacy\":\"id\"}", NULL);
	put_file("sti/n.txt", "+18005550100\n+18005550101\n");
	patch_as("acme", "{\"privacy\":\"off\"}", "changed_on_disk");
	assert_int_equal(unlink(at("sti/n.txt")), 0);
	patch_as("acme", "{\"privacy\":\"off\"}", "changed_on_disk");
	remove_as("acme", NULL); /* the file that went must not keep the trunk */
	assert_false(is_there("trunks.d/acme.yaml"));
}

static void test_gone_and_links(void **state)
{
	(void)state;
	load_world();
	add_as(ACME, NULL);
	assert_int_equal(rename(at("trunks.d/acme.yaml"), at("away")), 0);
	patch_as("acme", "{\"privacy\":\"id\"}", "changed_on_disk");
	/* a link to a file with our line is not ours: who made it wants the target to stay */
	assert_int_equal(symlink(at("away"), at("trunks.d/acme.yaml")), 0);
	patch_as("acme", "{\"privacy\":\"id\"}", "hand_written");
	remove_as("acme", "hand_written");
	assert_true(is_there("away"));
	assert_true(is_there("trunks.d/acme.yaml"));
	assert_int_equal(unlink(at("trunks.d/acme.yaml")), 0);
	assert_int_equal(symlink("/dev/zero", at("trunks.d/acme.yaml")), 0);
	patch_as("acme", "{\"privacy\":\"id\"}", "hand_written");
	assert_int_equal(unlink(at("trunks.d/acme.yaml")), 0);
	remove_as("acme", NULL); /* gone already: the trunk goes, too */
	assert_null(trunk_of("acme"));
}

static void test_export_main_file(void **state)
{
	(void)state;
	put_file("sipseal.yaml",
		 MAIN "defaults: { privacy: id }\ntrunks:\n"
		      "  - { name: one, carrier: { peers: [192.0.2.7] }, attestation: none }\n"
		      "  - name: two\n    carrier: { peers: [192.0.2.8] }\n    attestation: none\n "
		      "   freshness_s: 5\n");
	load_world();
	export_is("two", "{\"name\":\"two\",\"carrier\":{\"peers\":[\"192.0.2.8\"]},"
			 "\"attestation\":\"none\","
			 "\"freshness_s\":5}");
	assert_null(trunks_export(&world->d, "three", &(struct fault){ 0 }));
}

/* What is exported can be added again, and is the same trunk. */
static void test_export_and_add(void **state)
{
	struct fault f = { 0 };
	uint8_t digest[16];
	json_t *keys;

	(void)state;
	put_file("trunks.d/hand.yaml",
		 HAND "number_rules: [{ prefix: \"011\", replace: \"+\" }]\norigid: \"007\"\n");
	load_world();
	memcpy(digest, trunk_of("hand")->digest, sizeof(digest));
	keys = trunks_export(&world->d, "hand", &f);
	assert_non_null(keys);
	assert_int_equal(unlink(at("trunks.d/hand.yaml")), 0);
	restart();
	expect("again", trunks_add(&world->d, keys, &f), &f, NULL);
	assert_memory_equal(trunk_of("hand")->digest, digest, sizeof(digest));
	json_decref(keys);
	fault_done(&f);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_cycle),
		TEST(test_as_restart),
		TEST(test_add_refused),
		TEST(test_all_errors),
		TEST(test_warnings),
		TEST(test_exists),
		TEST(test_patch_refused),
		TEST(test_patch_of_nothing),
		TEST(test_hand_written),
		TEST(test_changed_on_disk),
		TEST(test_numbers_file_changed),
		TEST(test_gone_and_links),
		TEST(test_export_main_file),
		TEST(test_export_and_add),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
