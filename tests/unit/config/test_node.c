// SPDX-License-Identifier: BSD-2-Clause
/* JSON as a tree and back: limits of depth and size, what is a number and what is a text. */
#include "doc.h"

#include <errno.h>

#include "base/cleanup.h"

/* Levels are counted as in YAML, dots and all. */
static void test_depth(void **state)
{
	static const struct { const char *name; unsigned objects, lists, dots; int ret; } cases[] = {
		{ "16 objects", 16, 0, 0, 0 }, { "17 objects", 17, 0, 0, -EINVAL }, { "15 and a list", 15, 1, 0, 0 },
		{ "16 and a list", 16, 1, 0, -EINVAL }, { "16 lists", 0, 16, 0, 0 }, { "17 lists", 0, 17, 0, -EINVAL },
		{ "15 dots", 1, 0, 15, 0 }, { "16 dots", 1, 0, 16, -EINVAL }, { "a million dots", 1, 0, 100000, -EINVAL },
		{ "1000 lists", 0, 1000, 0, -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *doc = json_integer(1);
		struct config_report r = { 0 };
		struct node_tree *tree = NULL;
		const struct node *root = NULL;
		char *key = calloc(1, 2 * cases[i].dots + 2);
		int e;

		for (unsigned d = 0; d < cases[i].dots; d++)
			strcpy(key + 2 * d, "a.");
		strcat(key + 2 * cases[i].dots, "a");
		for (unsigned d = 0; d < cases[i].lists; d++) {
			json_t *list = json_array();

			json_array_append_new(list, doc);
			doc = list;
		}
		for (unsigned d = 0; d < cases[i].objects; d++) {
			json_t *o = json_object();

			json_object_set_new(o, d ? "a" : key, doc);
			doc = o;
		}
		e = node_from_json(doc, &r, &tree, &root);
		if (e != cases[i].ret || !r.error_cnt != !e)
			fail_msg("%s: returns %d", cases[i].name, e);
		node_tree_free(tree);
		config_report_done(&r);
		json_decref(doc);
		free(key);
	}
}

static void test_many_keys(void **state)
{
	json_t *doc = json_object();
	struct config_report r = { 0 };
	struct node_tree *tree = NULL;
	const struct node *root = NULL;
	char key[16];

	(void)state;
	for (unsigned i = 0; i < 256; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		json_object_set_new(doc, key, json_true());
	}
	assert_int_equal(node_from_json(doc, &r, &tree, &root), 0);
	assert_int_equal(root->cnt, 256);
	node_tree_free(tree);
	tree = NULL;
	json_object_set_new(doc, "one.more", json_true());
	assert_int_equal(node_from_json(doc, &r, &tree, &root), -EINVAL);
	assert_null(tree);
	config_report_done(&r);
	json_decref(doc);
}

static void test_to_json(void **state)
{
	static const char yaml[] = "a: 5\nb: '5'\nc: 007\nd: true\ne: 'true'\nf: True\ng: ~\nh:\ni: ''\nj: -0\nk: -3\n"
				   "l: 9223372036854775808\nm: [1, x, {}]\nn: 1.5\no: +1\np: 0\nq: yes\n";
	static const char want[] = "{\"a\": 5, \"b\": \"5\", \"c\": \"007\", \"d\": true, \"e\": \"true\", \"f\": \"True\","
				   " \"g\": null, \"h\": null, \"i\": \"\", \"j\": \"-0\", \"k\": -3, \"l\": "
				   "\"9223372036854775808\", \"m\": [1, \"x\", {}], \"n\": \"1.5\", \"o\": \"+1\", \"p\": 0, "
				   "\"q\": \"yes\"}";
	struct config_report r = { 0 };
	struct node_tree *tree = NULL;
	const struct node *root = NULL;
	json_t *j;
	CLEANUP(freep) char *got = NULL;

	(void)state;
	assert_int_equal(node_parse_yaml("f", yaml, strlen(yaml), &r, &tree, &root), 0);
	j = node_to_json(root);
	got = json_dumps(j, 0);
	assert_string_equal(got, want);
	json_decref(j);
	node_tree_free(tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_many_keys),
		cmocka_unit_test(test_to_json),
	};

	return cmocka_run_group_tests_name("config/node", tests, NULL, NULL);
}
