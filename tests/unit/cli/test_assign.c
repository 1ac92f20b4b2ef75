/* SPDX-License-Identifier: BSD-2-Clause */
#include "command.h"

#include "base/cleanup.h"
#include "cli/assign.h"

static const struct cli quiet = { .usage = "" };

/* Words go to stderr; they are not what is tested here. */
static int silently(int (*fn)(const char *arg, json_t **ret), const char *arg, json_t **ret)
{
	int saved = dup(2), null = open("/dev/null", O_WRONLY), r;

	assert_true(saved >= 0 && null >= 0);
	dup2(null, 2);
	r = fn(arg, ret);
	fflush(stderr);
	dup2(saved, 2);
	close(saved);
	close(null);
	return r;
}

static int take(const char *arg, json_t **ret)
{
	json_t *o = json_object();
	int r = assign_take(&quiet, arg, o);

	if (r == 0)
		*ret = o;
	else
		json_decref(o);
	return r;
}

static int civic(const char *arg, json_t **ret)
{
	return assign_civic(&quiet, arg, ret);
}

struct assign_case {
	const char *arg, *want; /* NULL: refused */
};

static void run(int (*fn)(const char *arg, json_t **ret), const struct assign_case *cases, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++) {
		json_t *o = NULL;
		int r = silently(fn, cases[i].arg, &o);
		char *text = r ? NULL : json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER);

		if (!cases[i].want ? r != CLI_USAGE : r || strcmp(text, cases[i].want))
			fail_msg("'%s': %d %s, want %s", cases[i].arg, r, text ? text : "(refused)",
				 cases[i].want ? cases[i].want : "(refused)");
		free(text);
		json_decref(o);
	}
}

static void test_values(void **state)
{
	static const struct assign_case cases[] = {
		{ "mode=observe", "{\"mode\":\"observe\"}" },
		{ "max_cps=25", "{\"max_cps\":25}" },
		{ "max_cps=025", "{\"max_cps\":\"025\"}" },
		{ "max_cps=1234567890123456789", "{\"max_cps\":\"1234567890123456789\"}" },
		{ "pai.add_privacy_none=false", "{\"pai.add_privacy_none\":false}" },
		{ "pai.domain=", "{\"pai.domain\":\"\"}" },
		{ "origid=a=b", "{\"origid\":\"a=b\"}" },
		{ "numbers=+18005550100,+1212555*", "{\"numbers\":[\"+18005550100\",\"+1212555*\"]}" },
		{ "numbers=", "{\"numbers\":[]}" },
		{ "carrier.peers=[2001:db8::10]:5060", "{\"carrier.peers\":[\"[2001:db8::10]:5060\"]}" },
		{ "carrier.peers=[\"[2001:db8::10]:5060\"]", "{\"carrier.peers\":[\"[2001:db8::10]:5060\"]}" },
		{ "carrier={\"peers\":[\"203.0.113.10\"]}", "{\"carrier\":{\"peers\":[\"203.0.113.10\"]}}" },
		{ "carrier={\"peers\":[],\"peers\":[]}", NULL },
		{ "mode", NULL },
		{ "=observe", NULL },
		{ "mode=\xff", NULL },
		{ "\xff=x", NULL },
	};

	(void)state;
	run(take, cases, sizeof(cases) / sizeof(cases[0]));
}

static void test_civic(void **state)
{
	static const struct assign_case cases[] = {
		{ "country=US,region=CA,city=San Francisco",
		  "{\"country\":\"US\",\"region\":\"CA\",\"city\":\"San Francisco\"}" },
		{ "street=1 Market Street, Suite 3, floor=2",
		  "{\"street\":\"1 Market Street, Suite 3\",\"floor\":\"2\"}" },
		{ "street=a,b=c,city=d", "{\"street\":\"a,b=c\",\"city\":\"d\"}" },
		{ "", "{}" },
		{ "planet=Mars,country=US", "{\"planet\":\"Mars\",\"country\":\"US\"}" }, /* the daemon says no */
		{ "country=US,country=CA", NULL },
		{ "country", NULL },
		{ "=US", NULL },
		{ "country=\xff", NULL },
	};

	(void)state;
	run(civic, cases, sizeof(cases) / sizeof(cases[0]));
}

static void test_twice(void **state)
{
	json_t *o = json_object();

	(void)state;
	assert_int_equal(assign_take(&quiet, "mode=observe", o), 0);
	assert_int_equal(assign_take(&quiet, "mode=enforce", o), CLI_USAGE);
	assert_string_equal(json_string_value(json_object_get(o, "mode")), "observe");
	json_decref(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_civic),
		cmocka_unit_test(test_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
