// SPDX-License-Identifier: BSD-2-Clause
/* JSON to YAML and back: whatever the texts are, they stay what they were. */
#include "doc.h"

#include "base/cleanup.h"

static const char *const nasty[] = {
	"", " ", "a b", " a", "a ", "true", "False", "yes", "NO", "on", "off", "null", "~", "Null", "n", "Y", "5", "-5",
	"+5", "007", "0x1f", "0o7", "1.5", "1e3", ".5", ".inf", ".nan", "-", "--", "---", "...", "- a", "a: b", "a:",
	":", ": ", "#", "# a", "a #b", "?", "? a", "!", "!!str", "&a", "*a", "%", "@", "`", "\"", "'", "\\", "\\n", "[",
	"[]", "{}", "{a: b}", ",", "|", ">", "=", "<<", "2001:db8::1", "[2001:db8::1]:5060", "12:30", "1_000",
	"2026-01-01", "\n", "a\nb", "\na", "a\n", "a\n\n", "\t", "a\tb", "\r\n", "\x1b[31m", "\x7f", "\xc2\x85",
	"\xc2\xa0", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xef\xbb\xbf", "a\xef\xbb\xbf" "b", "\xef\xbf\xbd", "\xef\xbf\xbe",
	"\xf0\x9f\x93\x9e", "San Jos\xc3\xa9", "\xc3\xa9", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf",
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa aaaaaaaaaaaa a"
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa aaaaaaaaaaaa  ",
};

static uint32_t dice_state;

static uint32_t dice(uint32_t n)
{
	dice_state = dice_state * 1664525 + 1013904223;
	return (dice_state >> 8) % n;
}

/* Any text: words that mean something to YAML, or bytes and characters of all kinds. */
static json_t *random_text(void)
{
	char text[1600];
	size_t len = 0, want = dice(40) ? dice(12) : dice(1500);

	if (dice(2))
		return json_string(nasty[dice(ARRAY_SIZE(nasty))]);
	while (len < want) {
		const char *s = nasty[dice(ARRAY_SIZE(nasty))];

		if (dice(3) || strlen(s) > 4)
			text[len++] = (char)(1 + dice(127));
		else
			len += (size_t)sprintf(text + len, "%s", s);
	}
	return json_stringn(text, len);
}

static json_t *random_value(unsigned depth);

static json_t *random_object(unsigned depth)
{
	json_t *o = json_object();

	for (unsigned i = dice(5); i; i--) {
		json_t *key = random_text();

		/* a dot in a key means something else */
		if (!strchr(json_string_value(key), '.'))
			json_object_set_new(o, json_string_value(key), random_value(depth + 1));
		json_decref(key);
	}
	return o;
}

static json_t *random_value(unsigned depth)
{
	json_t *list;

	switch (dice(depth < 9 ? 8 : 6)) {
	case 0:
		return json_integer((json_int_t)dice(1u << 24) * (dice(2) ? 1 : -1));
	case 1:
		return dice(9) ? json_integer(dice(3)) : json_integer(dice(2) ? INT64_MAX : INT64_MIN);
	case 2:
		return dice(3) ? json_boolean(dice(2)) : json_null();
	case 6:
		return random_object(depth);
	case 7:
		list = json_array();
		for (unsigned i = dice(5); i; i--)
			json_array_append_new(list, random_value(depth + 1));
		return list;
	default:
		return random_text();
	}
}

static char *dump(const json_t *j)
{
	return json_dumps(j, JSON_ENCODE_ANY); /* in the order of the keys */
}

/* The same tree, but for quotes that only tell text from text and for positions. */
static bool is_same(const struct node *a, const struct node *b)
{
	if (a->kind != b->kind || a->cnt != b->cnt || (a->kind == NODE_SCALAR && strcmp(a->text, b->text)))
		return false;
	for (a = a->first, b = b->first; a && b; a = a->next, b = b->next)
		if (!is_same(a, b))
			return false;
	return a == b;
}

static void check_round_trip(const json_t *want)
{
	CLEANUP(freep) char *yaml = store_emit(want), *a = dump(want), *b = NULL;
	struct config_report r = { 0 };
	struct node_tree *from_yaml = NULL, *from_json = NULL;
	const struct node *x = NULL, *y = NULL;
	json_t *got;
	int e;

	assert_non_null(yaml);
	e = node_parse_yaml("f", yaml, strlen(yaml), &r, &from_yaml, &x);
	if (e < 0 || !x)
		fail_msg("%s\nbecomes\n%s\nwhich is refused: %s", a, yaml, report_text(&r));
	got = node_to_json(x);
	b = dump(got);
	if (strcmp(a, b))
		fail_msg("%s\nbecomes\n%s\nwhich reads back as\n%s", a, yaml, b);
	assert_int_equal(node_from_json(want, &r, &from_json, &y), 0);
	if (!is_same(x, y))
		fail_msg("%s: YAML and JSON are different trees:\n%s", a, yaml);
	json_decref(got);
	node_tree_free(from_yaml);
	node_tree_free(from_json);
}

static void test_round_trip(void **state)
{
	json_t *all = json_object(), *list = json_array();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(nasty); i++) {
		json_array_append_new(list, json_string(nasty[i]));
		if (!strchr(nasty[i], '.'))
			json_object_set_new(all, nasty[i], json_string(nasty[i]));
	}
	json_object_set_new(all, "list", list);
	check_round_trip(all);
	json_decref(all);
	for (unsigned i = 0; i < 3000; i++) {
		dice_state = i;
		all = random_object(0);
		check_round_trip(all);
		json_decref(all);
	}
}

/* People read these files. */
static void test_looks(void **state)
{
	json_t *j = doc_parse("{\"name\": \"acme\", \"carrier\": {\"peers\": [\"192.0.2.1:5060\"]}, \"max_cps\": 5,"
			      " \"core\": {\"peers\": []}, \"numbers\": [\"+1212*\"], \"certificates\": {},"
			      " \"pai\": {\"domain\": \"example.net\", \"add_privacy_none\": true}, \"privacy\": \"off\"}");
	CLEANUP(freep) char *yaml = store_emit(j);

	(void)state;
	assert_string_equal(yaml, "name: acme\ncarrier:\n  peers:\n  - \"192.0.2.1:5060\"\nmax_cps: 5\ncore:\n  peers: []\n"
				  "numbers:\n- \"+1212*\"\ncertificates: {}\npai:\n  domain: example.net\n"
				  "  add_privacy_none: true\nprivacy: \"off\"\n");
	json_decref(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_looks),
	};

	return cmocka_run_group_tests_name("config/emit", tests, NULL, NULL);
}
