// SPDX-License-Identifier: BSD-2-Clause
/* Each key of the schema, found by walking the tables: what it takes and what it refuses, as YAML and as JSON. */
#include "doc.h"

#include <errno.h>

#include "base/cleanup.h"
#include "config/keys.h"

#define NO_KEY "no_such_key"
#define CIVIC  "extras.geolocation.default_civic_address"

static struct tree *tree;
static struct config *config;

/* Values that keys of lists and keys with setters of their own refuse: no table entry can tell. */
static const struct { const char *key, *value; } bad[] = {
	{ "name", "\"Acme\"" },
	{ "carrier.peers", "[\"nowhere\"]" },
	{ "core.peers", "[\"10.0.0.1:5060\"]" },
	{ "numbers", "[\"18005550100\"]" },
	{ "numbers_file", "\"nosuch\"" },
	{ "origid", "\"\"" },
	{ "number_rules", "[{\"prefix\": \"x\", \"replace\": \"\"}]" },
	{ "orig_from", "[\"to\"]" },
	{ "dest_from", "[\"from\"]" },
	{ "pai.default_number", "\"+1212*\"" },
	{ "verification.result_header", "\"Via\"" },
	{ "fetch.https_ca", "\"../ca.pem\"" },
	{ CIVIC, "{\"country\": \"US\"}" },
	{ "gateway.interfaces", "[{\"name\": \"a\", \"side\": \"core\"}]" },
	{ "gateway.sip_ports", "[0]" },
	{ "gateway.emergency_numbers", "[\"x\"]" },
	{ "gateway.workers", "65" },
	{ "gateway.umem_frames", "3000" },
	{ "control.metrics", "\"nowhere\"" },
	{ "defaults", "{\"freshness_s\": 0}" },
	{ "trunks_dir", "\"/nosuch/dir\"" },
	{ "trunks", "[{}]" },
};

/* One way to be wrong. */
struct wrong {
	const char *key, *what;
	bool is_trunk;
};

static bool names_key(const struct config_report *r, const char *key, const char *text)
{
	for (size_t i = 0; i < r->cnt; i++) {
		const struct config_message *m = &r->m[i];

		if (m->is_error && m->key && strncmp(m->key, key, strlen(key)) == 0 && strstr(m->text, text))
			return true;
	}
	return false;
}

/* @text: of a message about the key. */
static void judge(const struct wrong *w, const char *way, int e, const struct config_report *r, const char *text)
{
	if (e != -EINVAL || !r->error_cnt || !names_key(r, w->key, text))
		fail_msg("%s %s by %s: returns %d\n%s", w->key, w->what, way, e, report_text(r));
}

static void refuse_yaml(const struct wrong *w, const char *yaml, const char *text)
{
	struct config_report r = { 0 };
	struct trunk *t = (struct trunk *)1;
	struct gateway *g = (struct gateway *)1;
	int e = w->is_trunk ? doc_yaml(tree, config, yaml, &t, &r) :
			      config_load_buffer("g.yaml", yaml, strlen(yaml), &g, &r);

	judge(w, "YAML", e, &r, text);
	assert_true(t == (struct trunk *)1 && g == (struct gateway *)1); /* untouched */
	config_report_done(&r);
}

static void refuse_json(const struct wrong *w, const json_t *doc, const char *text)
{
	struct config_report r = { 0 };
	struct trunk *t = (struct trunk *)1;
	int e = doc_json(config, doc, &t, &r);

	judge(w, "JSON", e, &r, text);
	assert_ptr_equal(t, (struct trunk *)1);
	config_report_done(&r);
}

/* The full document with @value in place of that of the key. */
static void refuse(const struct wrong *w, json_t *value)
{
	json_t *doc = doc_parse(w->is_trunk ? doc_trunk : doc_gateway);
	CLEANUP(freep) char *yaml = NULL;

	doc_set(doc, w->key, value);
	yaml = store_emit(doc);
	refuse_yaml(w, yaml, "");
	if (w->is_trunk)
		refuse_json(w, doc, "");
	json_decref(doc);
}

static void refuse_text(const char *key, bool is_trunk, const char *what, const char *json)
{
	struct wrong w = { key, what, is_trunk };

	refuse(&w, json_loads(json, JSON_DECODE_ANY, NULL));
}

static void refuse_types(const struct schema_key *k, const char *key, bool is_trunk)
{
	bool is_map = k->type == SCHEMA_MAP || k->keys || strcmp(key, "defaults") == 0;
	bool is_list = k->type == SCHEMA_LIST || strcmp(key, "trunks") == 0;

	if (!is_map)
		refuse_text(key, is_trunk, "as a mapping", "{\"a\": 1}");
	if (!is_list)
		refuse_text(key, is_trunk, "as a list", "[1]");
	if (is_map || is_list)
		refuse_text(key, is_trunk, "as a value", "\"x\"");
	refuse_text(key, is_trunk, "as null", "null");
}

static void refuse_long(const char *key, bool is_trunk, size_t len)
{
	struct wrong w = { key, "too long", is_trunk };
	CLEANUP(freep) char *s = malloc(len + 1);

	memset(s, '1', len);
	s[len] = '\0';
	refuse(&w, json_string(s));
}

static void refuse_many(const char *key, bool is_trunk, size_t cnt)
{
	struct wrong w = { key, "too many", is_trunk };
	json_t *list = json_array();

	while (cnt--)
		json_array_append_new(list, json_string("x"));
	refuse(&w, list);
}

static void refuse_number(const struct schema_key *k, const char *key, bool is_trunk)
{
	struct wrong w = { key, "above the range", is_trunk };

	refuse(&w, json_integer((json_int_t)k->max + 1));
	refuse_text(key, is_trunk, "below 0", "-1");
	refuse_text(key, is_trunk, "no number", "\"many\"");
	refuse_text(key, is_trunk, "quoted", "\"60\"");
	refuse_text(key, is_trunk, "real", "1.5");
	refuse_text(key, is_trunk, "out of every range", "9223372036854775807");
	if (k->min)
		refuse_text(key, is_trunk, "below the range", "0");
}

static void refuse_values(const struct schema_key *k, const char *key, bool is_trunk)
{
	size_t i = 0;

	if (k->type == SCHEMA_WORD)
		refuse_text(key, is_trunk, "unknown word", "\"no-such-word\"");
	if (k->type == SCHEMA_BOOL) {
		refuse_text(key, is_trunk, "yes", "\"yes\"");
		refuse_text(key, is_trunk, "1", "1");
		refuse_text(key, is_trunk, "quoted", "\"true\"");
	}
	if (k->type == SCHEMA_UINT)
		refuse_number(k, key, is_trunk);
	if (k->type == SCHEMA_STRING) {
		refuse_long(key, is_trunk, k->max + 1);
		refuse_text(key, is_trunk, "control byte", "\"/\\u0001\"");
		if (k->min)
			refuse_text(key, is_trunk, "empty", "\"\"");
	}
	if (k->type == SCHEMA_LIST && k->max < 100)
		refuse_many(key, is_trunk, k->max + 1);
	if (k->type == SCHEMA_LIST && k->min)
		refuse_text(key, is_trunk, "empty list", "[]");
	if (k->type == SCHEMA_LIST)
		refuse_text(key, is_trunk, "a list in the list", "[[]]");
	if (k->type != SCHEMA_LIST && k->type != SCHEMA_CUSTOM)
		return;
	if (strstr(key, CIVIC ".")) {
		refuse_long(key, is_trunk, CIVIC_VALUE_MAX + 1);
		return;
	}
	while (i < ARRAY_SIZE(bad) && strcmp(bad[i].key, key))
		i++;
	if (i == ARRAY_SIZE(bad))
		fail_msg("%s: no wrong value in this test", key);
	refuse_text(key, is_trunk, "wrong value", bad[i].value);
}

/* {"a": {"b": VALUE, "b": VALUE}}, which is YAML, too; and {"a": {"b": VALUE}, "a.b": VALUE}. */
static void refuse_twice(const char *key, bool is_trunk, json_t *full)
{
	struct wrong w = { key, "twice", is_trunk };
	CLEANUP(freep) char *value = json_dumps(doc_get(full, key), JSON_ENCODE_ANY);
	const char *last = strrchr(key, '.') ? strrchr(key, '.') + 1 : key;
	char yaml[8192] = "", *p = yaml;
	unsigned depth = 1;

	if (!value)
		fail_msg("%s is not in the full document of this test", key);
	for (const char *s = key; s != last; s = strchr(s, '.') + 1, depth++)
		p += sprintf(p, "{ %.*s: ", (int)strcspn(s, "."), s);
	p += sprintf(p, "{ %s: %s, %s: %s", last, value, last, value);
	while (depth--)
		p += sprintf(p, " }");
	refuse_yaml(&w, yaml, "stands twice");
	if (!is_trunk || last == key)
		return; /* JSON with one key twice is refused by its parser */
	json_t *doc = doc_parse(doc_trunk);

	json_object_set(doc, key, doc_get(full, key));
	refuse_json(&w, doc, json_is_object(doc_get(full, key)) ? "" : "stands twice");
	json_decref(doc);
}

static void refuse_unknown(const char *outer, bool is_trunk)
{
	char key[128];
	struct wrong w = { key, "unknown", is_trunk };

	snprintf(key, sizeof(key), "%s%s" NO_KEY, outer, *outer ? "." : "");
	refuse(&w, json_integer(1));
}

typedef void visit_fn(const struct schema_key *k, const char *dotted, bool is_trunk, json_t *full);

static unsigned walk(const struct schema_key *keys, const char *outer, bool is_trunk, json_t *full, visit_fn *visit)
{
	unsigned cnt = 0;

	for (const struct schema_key *k = keys; k->name; k++) {
		char dotted[128];

		snprintf(dotted, sizeof(dotted), "%s%s%s", outer, *outer ? "." : "", k->name);
		visit(k, dotted, is_trunk, full);
		cnt++;
		if (k->keys)
			cnt += walk(k->keys, dotted, is_trunk, full, visit);
	}
	return cnt;
}

static void walk_all(visit_fn *visit)
{
	json_t *trunk = doc_parse(doc_trunk), *gateway = doc_parse(doc_gateway);

	assert_true(walk(keys_trunk, "", true, trunk, visit) > 45);
	assert_true(walk(keys_file, "", false, gateway, visit) > 25);
	json_decref(trunk);
	json_decref(gateway);
}

static void visit_refused(const struct schema_key *k, const char *dotted, bool is_trunk, json_t *full)
{
	refuse_types(k, dotted, is_trunk);
	refuse_values(k, dotted, is_trunk);
	refuse_twice(dotted, is_trunk, full);
	if (k->keys)
		refuse_unknown(dotted, is_trunk);
}

static void test_refused(void **state)
{
	(void)state;
	walk_all(visit_refused);
	refuse_unknown("", true);
	refuse_unknown("", false);
}

/* Turns the quotes of one value round. */
static void flip(struct node *root, const char *dotted)
{
	struct node *n = root;
	char part[64];

	while (*dotted) {
		size_t len = strcspn(dotted, ".");

		snprintf(part, sizeof(part), "%.*s", (int)len, dotted);
		n = (struct node *)node_find(n, part);
		assert_non_null(n);
		dotted += len + (dotted[len] == '.');
	}
	n->is_quoted = !n->is_quoted;
	for (struct node *i = n->first; i; i = i->next)
		i->is_quoted = !i->is_quoted;
}

/* Texts may stand without quotes; numbers and booleans may not stand in quotes, and the message says so. */
static void visit_quotes(const struct schema_key *k, const char *dotted, bool is_trunk, json_t *full)
{
	bool wants_plain = k->type == SCHEMA_UINT || k->type == SCHEMA_BOOL;
	struct wrong w = { dotted, "with its quotes turned", is_trunk };
	struct config_report r = { 0 };
	struct node_tree *nodes = NULL;
	const struct node *root = NULL;
	struct trunk *t = NULL;
	int e;

	if (!is_trunk || k->type == SCHEMA_MAP)
		return;
	assert_int_equal(node_from_json(full, &r, &nodes, &root), 0);
	flip((struct node *)root, dotted);
	e = config_trunk(config, "f", root, &t, &r);
	if (wants_plain)
		judge(&w, "node", e, &r, "the text ");
	else if (e < 0)
		fail_msg("%s without quotes: %s", dotted, report_text(&r));
	trunk_free(t);
	node_tree_free(nodes);
	config_report_done(&r);
}

static void test_quotes(void **state)
{
	(void)state;
	walk_all(visit_quotes);
}

/* The full documents are right: else the tests above would show nothing. */
static void test_full_is_good(void **state)
{
	json_t *doc = doc_parse(doc_trunk), *gateway = doc_parse(doc_gateway);
	CLEANUP(freep) char *yaml = store_emit(doc), *gateway_yaml = store_emit(gateway);
	struct config_report r = { 0 };
	struct trunk *a = NULL, *b = NULL;
	struct gateway *g = NULL;

	(void)state;
	if (doc_json(config, doc, &a, &r) < 0 || doc_yaml(tree, config, yaml, &b, &r) < 0 ||
	    config_load_buffer("g.yaml", gateway_yaml, strlen(gateway_yaml), &g, &r) < 0)
		fail_msg("%s", report_text(&r));
	assert_memory_equal(a->digest, b->digest, sizeof(a->digest));
	assert_int_equal(a->number_cnt, 4);
	assert_int_equal(b->number_cnt, 4);
	trunk_free(a);
	trunk_free(b);
	gateway_free(g);
	config_report_done(&r);
	json_decref(doc);
	json_decref(gateway);
}

static void test_key_is_list(void **state)
{
	static const struct { const char *key; bool is_list; } cases[] = {
		{ "numbers", true }, { "carrier.peers", true }, { "core.peers", true }, { "orig_from", true },
		{ "dest_from", true }, { "number_rules", true }, { "name", false }, { "carrier", false },
		{ "pai.mode", false }, { "numbers.x", false }, { "carrier.peers.x", false }, { "nosuch", false },
		{ "", false }, { ".", false }, { "carrier.", false }, { "number", false }, { "carrier.peersx", false },
		{ "extras.geolocation.default_civic_address.country", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (config_key_is_list(cases[i].key) != cases[i].is_list)
			fail_msg("%s is %s list", cases[i].key, cases[i].is_list ? "no" : "a");
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
		cmocka_unit_test(test_full_is_good),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_key_is_list),
	};

	return cmocka_run_group_tests_name("config/schema", tests, setup, teardown);
}
