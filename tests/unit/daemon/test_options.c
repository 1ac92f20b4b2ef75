/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "daemon/load.h"
#include "daemon/options.h"

#define ARGS_MAX 14

static int parse(const char *const *args, struct options *ret)
{
	char *argv[ARGS_MAX + 2] = { (char *)"sipseald" };
	int argc = 1;

	while (args[argc - 1]) {
		argv[argc] = (char *)args[argc - 1];
		argc++;
	}
	return options_parse(argc, argv, ret);
}

static const struct {
	const char *name;
	const char *args[ARGS_MAX];
	int ret;
	enum daemon_action action;
	unsigned attach_cnt;
} cases[] = {
	{ "config", { "-c", "f.yaml" }, 0, ACTION_RUN, 0 },
	{ "long",
	  { "--config=f.yaml", "--state-dir", "s", "--libexec", "l", "--foreground" },
	  0,
	  ACTION_RUN,
	  0 },
	{ "check", { "-c", "f.yaml", "--check" }, 0, ACTION_CHECK, 0 },
	{ "attach", { "--attach", "eth0:core", "eth1:carrier" }, 0, ACTION_RUN, 2 },
	{ "attach a stick", { "--attach", "eth0:both" }, 0, ACTION_RUN, 1 },
	{ "attach and options",
	  { "--attach", "eth0:core", "--bpffs", "/b", "eth1:carrier" },
	  0,
	  ACTION_RUN,
	  2 },
	{ "detach", { "--detach" }, 0, ACTION_DETACH, 0 },
	{ "detach with a file", { "--detach", "-c", "f" }, 0, ACTION_DETACH, 0 },
	{ "help wins", { "--help", "x" }, 0, ACTION_HELP, 0 },
	{ "version", { "--version" }, 0, ACTION_VERSION, 0 },
	{ "nothing", { NULL }, -EINVAL, 0, 0 },
	{ "unknown", { "-c", "f", "--nosuch" }, -EINVAL, 0, 0 },
	{ "stray word", { "-c", "f", "x" }, -EINVAL, 0, 0 },
	{ "no value", { "-c" }, -EINVAL, 0, 0 },
	{ "attach nothing", { "--attach" }, -EINVAL, 0, 0 },
	{ "attach and file", { "--attach", "eth0:core", "-c", "f" }, -EINVAL, 0, 0 },
	{ "attach and detach", { "--attach", "eth0:core", "--detach" }, -EINVAL, 0, 0 },
	{ "no side", { "--attach", "eth0" }, -EINVAL, 0, 0 },
	{ "wrong side", { "--attach", "eth0:inside" }, -EINVAL, 0, 0 },
	{ "bpffs and file", { "-c", "f", "--bpffs", "/b" }, -EINVAL, 0, 0 },
	{ "nine interfaces",
	  { "--attach", "a:core", "b:core", "c:core", "d:core", "e:core", "f:core", "g:core",
	    "h:core", "i:core" },
	  -EINVAL,
	  0,
	  0 },
};

static void test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct options o = { .action = 99 };
		int r = parse(cases[i].args, &o);

		if (r != cases[i].ret)
			fail_msg("%s: returns %d", cases[i].name, r);
		if (r < 0 && (int)o.action != 99)
			fail_msg("%s: output touched on failure", cases[i].name);
		if (!r && (o.action != cases[i].action || o.attach_cnt != cases[i].attach_cnt))
			fail_msg("%s: action %d, %u interfaces", cases[i].name, o.action,
				 o.attach_cnt);
	}
}

static void test_attach_split(void **state)
{
	static const struct {
		const char *in;
		int ret;
		const char *name, *side;
	} split[] = {
		{ "eth0:core", 0, "eth0", "core" },
		{ "eth0.100:carrier", 0, "eth0.100", "carrier" },
		{ "eth0:1:carrier", 0, "eth0:1", "carrier" },
		{ "eth0:both", 0, "eth0", "both" },
		{ "eth0:bot", -EINVAL, NULL, NULL },
		{ "aaaaabbbbbccccc:core", 0, "aaaaabbbbbccccc", "core" },
		{ "aaaaabbbbbcccccd:core", -EINVAL, NULL, NULL },
		{ ":core", -EINVAL, NULL, NULL },
		{ "eth0:", -EINVAL, NULL, NULL },
		{ "eth0:CORE", -EINVAL, NULL, NULL },
		{ "et'h:core", -EINVAL, NULL, NULL },
		{ "eth 0:core", -EINVAL, NULL, NULL },
		{ "e\n:core", -EINVAL, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(split); i++) {
		const char *side = NULL, *text = NULL;
		char name[16] = "";
		int r = attach_split(split[i].in, name, &side, &text);

		if (r != split[i].ret ||
		    (!r && (strcmp(name, split[i].name) || strcmp(side, split[i].side))))
			fail_msg("%s: returns %d, %s, %s", split[i].in, r, name, side ? side : "");
		if (r < 0 && !text)
			fail_msg("%s: no text", split[i].in);
	}
}

static void test_attach_text(void **state)
{
	const struct options o = { .attach = { "eth0:core", "eth1:carrier" },
				   .attach_cnt = 2,
				   .bpffs = "/b" };
	char *text = load_attach_text(&o, "/etc/t");

	(void)state;
	assert_string_equal(
		text, "gateway:\n  bpffs: '/b'\n  interfaces:\n"
		      "    - { name: 'eth0', side: core }\n    - { name: 'eth1', side: carrier }\n"
		      "trunks_dir: '/etc/t'\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_attach_split),
		cmocka_unit_test(test_attach_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
