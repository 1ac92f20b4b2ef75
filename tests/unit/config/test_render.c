// SPDX-License-Identifier: BSD-2-Clause
/* The model back as JSON: every key of the schema, the values that were read, and what differs. */
#include "doc.h"

#include "base/cleanup.h"
#include "config/keys.h"
#include "config/render.h"

static struct tree *tree;
static struct config *config;

static struct trunk *read_trunk(const json_t *doc)
{
	struct config_report r = { 0 };
	struct trunk *t = NULL;

	if (doc_json(config, doc, &t, &r) < 0)
		fail_msg("%s", report_text(&r));
	config_report_done(&r);
	return t;
}

static struct gateway *read_gateway(json_t *doc)
{
	CLEANUP(freep) char *yaml = store_emit(doc);

	return load_good("gateway", yaml);
}

static void check_keys(const struct schema_key *k, const char *outer, json_t *doc)
{
	for (; k->name; k++) {
		char key[128];

		snprintf(key, sizeof(key), "%s%s%s", outer, *outer ? "." : "", k->name);
		if (k->is_alias || strcmp(key, "defaults") == 0 ||
		    strcmp(key, "trunks") == 0 || strcmp(key, "trunks_dir") == 0)
			continue;
		if (!doc_get(doc, key))
			fail_msg("%s is not rendered", key);
		if (k->keys)
			check_keys(k->keys, key, doc);
	}
}

/* Everything that the full documents say stands in what is rendered, with the same value. */
static void check_values(json_t *want, json_t *got, const char *const *but)
{
	json_t *changes = render_diff(want, got);

	for (size_t i = 0; i < json_array_size(changes); i++) {
		json_t *c = json_array_get(changes, i);
		const char *key = json_string_value(json_object_get(c, "key"));
		size_t j = 0;

		while (but[j] && strcmp(but[j], key))
			j++;
		if (!but[j]) {
			CLEANUP(freep) char *text = json_dumps(c, 0);

			fail_msg("%s", text);
		}
	}
	json_decref(changes);
}

static void test_trunk(void **state)
{
	/* the file's number is one of the numbers now; an alias is not shown twice */
	static const char *const but[] = { "numbers", "extras.attestation", NULL };
	json_t *doc = doc_parse(doc_trunk), *got;
	struct trunk *t = read_trunk(doc);

	(void)state;
	got = render_trunk(t);
	check_keys(keys_trunk, "", got);
	check_values(doc, got, but);
	assert_int_equal(json_array_size(doc_get(got, "numbers")), 4);
	assert_string_equal(json_string_value(json_array_get(doc_get(got, "numbers"), 2)), "+13125550000-+13125559999");
	trunk_free(t);
	json_decref(doc);
	json_decref(got);
}

static void test_gateway(void **state)
{
	static const char *const but[] = { "trunks", "trunks_dir", "defaults.privacy", NULL };
	json_t *doc = doc_parse(doc_gateway), *got;
	struct gateway *g = read_gateway(doc);

	(void)state;
	got = render_gateway(g);
	check_keys(keys_file, "", got);
	check_values(doc, got, but);
	gateway_free(g);
	json_decref(doc);
	json_decref(got);
}

/* What is rendered is the same trunk again. */
static void test_again(void **state)
{
	static const char *const texts[] = {
		"{\"name\": \"a\", \"carrier.peers\": [\"192.0.2.1\"], \"attestation\": \"none\"}",
		"{\"name\": \"a\", \"carrier.peers\": [\"[2001:db8::1]:5060\", \"2001:db8:1::/48\"], \"attestation\": \"A\","
		" \"numbers\": [], \"origid\": \"call\"}",
		doc_trunk,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		json_t *doc = doc_parse(texts[i]), *first, *second;
		struct trunk *t = read_trunk(doc), *u;

		first = render_trunk(t);
		json_object_set_new(first, "numbers_file", json_string("")); /* in numbers already */
		u = read_trunk(first);
		second = render_trunk(u);
		if (!json_equal(first, second))
			fail_msg("%s\nbecomes\n%s", json_dumps(first, 0), json_dumps(second, 0));
		trunk_free(t);
		trunk_free(u);
		json_decref(doc);
		json_decref(first);
		json_decref(second);
	}
}

/* Defaults are shown; what has no value is left out. */
static void test_small(void **state)
{
	json_t *doc = doc_parse("{\"name\": \"a\", \"carrier.peers\": [\"192.0.2.1\"], \"attestation\": \"A\"}"), *got;
	struct trunk *t = read_trunk(doc);
	CLEANUP(freep) char *text = NULL;

	(void)state;
	got = render_trunk(t);
	text = json_dumps(got, 0);
	assert_string_equal(text,
		"{\"name\": \"a\", \"mode\": \"enforce\", \"carrier\": {\"peers\": [\"192.0.2.1\"]}, \"core\": {\"peers\": []}, "
		"\"certificates\": {\"cert_path\": \"\", \"key_path\": \"\", \"x5u\": \"\"}, \"attestation\": \"A\", "
		"\"numbers_file\": \"\", \"attestation_other\": \"B\", \"on_unsignable\": \"pass\", \"existing_identity\": "
		"\"check\", \"origid\": \"trunk\", \"default_country_code\": \"\", \"number_rules\": [], \"orig_from\": "
		"[\"pai\", \"from\"], \"dest_from\": [\"to\", \"request_uri\"], \"pai\": {\"mode\": \"set\", \"domain\": \"\", "
		"\"default_number\": \"\", \"restricted\": \"remove\", \"add_privacy_none\": true}, \"privacy\": \"auto\", "
		"\"freshness_s\": 60, \"max_cps\": 0, \"verification\": {\"enabled\": false, \"on_failure\": \"tag\", "
		"\"on_missing\": \"tag\", \"result_header\": \"X-STIR-Result\", \"verstat\": \"off\", \"carrier_verstat\": "
		"\"keep\", \"trust_pai\": true, \"replay\": \"fail\", \"display_label\": {\"A\": \"\", \"B\": \"\", \"C\": \"\", "
		"\"failed\": \"\", \"missing\": \"\"}, \"wait_ms\": 400}}");
	trunk_free(t);
	json_decref(doc);
	json_decref(got);
}

static void test_many_numbers(void **state)
{
	struct trunk *t = trunk_new();
	json_t *got;

	(void)state;
	t->has_numbers = true;
	t->number_cnt = 5000;
	t->numbers = calloc(t->number_cnt, sizeof(*t->numbers));
	got = render_trunk(t);
	assert_int_equal(json_array_size(doc_get(got, "numbers")), RENDER_NUMBERS_MAX);
	json_decref(got);
	trunk_free(t);
}

/* A directory may be named in bytes that are no UTF-8. */
static void test_bytes(void **state)
{
	struct gateway *g = gateway_new();
	json_t *got;

	(void)state;
	free(g->cert_root);
	g->cert_root = strdup("/\xff/sti");
	got = render_gateway(g);
	assert_string_equal(json_string_value(doc_get(got, "certificates.root")), "/?/sti");
	json_decref(got);
	gateway_free(g);
}

static void test_diff(void **state)
{
	static const struct { const char *name, *from, *to, *want; } cases[] = {
		{ "same", "{\"a\": {\"b\": [1, {}]}}", "{\"a\": {\"b\": [1, {}]}}", "[]" },
		{ "value", "{\"a\": {\"b\": 1, \"c\": 2}}", "{\"a\": {\"c\": 2, \"b\": 3}}",
		  "[{\"key\": \"a.b\", \"from\": 1, \"to\": 3}]" },
		{ "list as a whole", "{\"a\": [1, 2]}", "{\"a\": [2, 1]}",
		  "[{\"key\": \"a\", \"from\": [1, 2], \"to\": [2, 1]}]" },
		{ "more", "{}", "{\"a\": {\"b\": 1, \"c\": \"x\"}}",
		  "[{\"key\": \"a.b\", \"from\": null, \"to\": 1}, {\"key\": \"a.c\", \"from\": null, \"to\": \"x\"}]" },
		{ "less", "{\"a\": {\"b\": 1}, \"c\": true}", "{\"c\": true}",
		  "[{\"key\": \"a.b\", \"from\": 1, \"to\": null}]" },
		{ "another kind", "{\"a\": 1}", "{\"a\": {\"b\": 1}}",
		  "[{\"key\": \"a\", \"from\": 1, \"to\": {\"b\": 1}}]" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *from = doc_parse(cases[i].from), *to = doc_parse(cases[i].to), *got = render_diff(from, to);
		CLEANUP(freep) char *text = json_dumps(got, 0);

		if (strcmp(text, cases[i].want))
			fail_msg("%s:\n  got  %s\n  want %s", cases[i].name, text, cases[i].want);
		json_decref(from);
		json_decref(to);
		json_decref(got);
	}
}

static int setup(void **state)
{
	return doc_setup(state, &tree, &config);
}

static int teardown(void **state)
{
	config_close(config);
	return tree_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trunk), cmocka_unit_test(test_gateway), cmocka_unit_test(test_again),
		cmocka_unit_test(test_small), cmocka_unit_test(test_many_numbers), cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_diff),
	};

	return cmocka_run_group_tests_name("config/render", tests, setup, teardown);
}
