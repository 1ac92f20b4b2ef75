/* SPDX-License-Identifier: BSD-2-Clause */
/* sipseal trunk add|set|remove|export: AddTrunk and friends. */
#include <errno.h>
#include <getopt.h>
#include <unistd.h>

#include "cli/assign.h"
#include "cli/client.h"
#include "cli/files.h"
#include "cli/out.h"
#include "cli/show.h"
#include "config/node.h"

#define TRUNK_FILE_MAX (4u << 20)
#define TRUNKS_PATH    "/v1/trunks"

static void report_done(struct config_report *r)
{
	config_report_done(r);
}

static void print_report(const struct config_report *r)
{
	for (size_t i = 0; i < r->cnt; i++) {
		CLEANUP(freep) char *line = config_message_format(&r->m[i]);

		fprintf(stderr, "%s\n", line ? line : "out of memory");
	}
}

/* JSON is taken for what it is; everything else is a trunk file in YAML. */
static int read_trunk(const char *path, json_t **ret)
{
	CLEANUP(report_done) struct config_report report = { 0 };
	CLEANUP(node_tree_freep) struct node_tree *tree = NULL;
	CLEANUP(freep) char *text = NULL;
	const struct node *root = NULL;
	json_t *json = NULL;
	size_t len = 0;
	int r = file_read(path, TRUNK_FILE_MAX, &text, &len);

	if (r < 0) {
		cli_error("%s: %s", path, strerror(-r));
		return CLI_FAILED;
	}
	if (text[strspn(text, " \t\r\n")] == '{')
		json = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	if (!json && node_parse_yaml(path, text, len, &report, &tree, &root) == 0 && root)
		json = node_to_json(root);
	print_report(&report);
	if (json_is_object(json)) {
		*ret = json;
		return 0;
	}
	json_decref(json);
	cli_error("%s: holds no trunk, allowed: the mapping of one trunk, YAML or JSON", path);
	return CLI_REFUSED;
}

static void print_change(const struct cli *cli, const json_t *answer, const char *name, const char *what)
{
	if (cli->json) {
		out_json(stdout, answer);
		return;
	}
	show_warnings(stderr, answer);
	printf("trunk %s %s, live in generation %lld\n", name, what, out_int(answer, "generation"));
}

/* Options of add and set: -f FILE, --unset KEY; the rest is KEY=VALUE. */
struct change {
	const char *name, *file;
	json_t *body;
};

static void change_done(struct change *c)
{
	json_decref(c->body);
}

static int take_words(const struct cli *cli, struct change *c, int cnt, char **words)
{
	for (int i = 0; i < cnt; i++) {
		int r = assign_take(cli, words[i], c->body);

		if (r)
			return r;
	}
	return 0;
}

static int name_set(const struct cli *cli, struct change *c)
{
	const char *inside = json_string_value(json_object_get(c->body, "name"));

	if (!c->name && !inside)
		return cli_usage_error(cli, "the trunk has no name");
	if (c->name && inside && strcmp(c->name, inside))
		return cli_usage_error(cli, "%s: the file is of trunk %s", c->name, inside);
	if (!inside) { /* first, where people look for it in the file */
		json_t *named = json_pack("{s:s}", "name", c->name);

		if (!named || json_object_update(named, c->body) < 0) {
			json_decref(named);
			return cli_usage_error(cli, "the name is no UTF-8");
		}
		json_decref(c->body);
		c->body = named;
	}
	c->name = json_string_value(json_object_get(c->body, "name"));
	return 0;
}

int cmd_trunk_add(struct cli *cli, int argc, char **argv)
{
	CLEANUP(change_done) struct change c = { 0 };
	json_t *answer = NULL;
	int opt, r = 0;

	optind = 0;
	opterr = 0;
	while ((opt = getopt(argc, argv, "f:")) != -1) {
		if (opt != 'f')
			return cli_usage_error(cli, "unknown option, or -f without a file");
		c.file = optarg;
	}
	if (optind < argc && !strchr(argv[optind], '='))
		c.name = argv[optind++];
	if (c.file)
		r = read_trunk(c.file, &c.body);
	else
		c.body = json_object();
	if (r)
		return r;
	if ((r = take_words(cli, &c, argc - optind, argv + optind)) || (r = name_set(cli, &c)))
		return r;
	if ((r = client_call(cli, "POST", TRUNKS_PATH, c.body, &answer)))
		return r;
	print_change(cli, answer, c.name, "added");
	json_decref(answer);
	return CLI_OK;
}

int cmd_trunk_set(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "unset", required_argument, NULL, 'u' }, { 0 } };
	CLEANUP(change_done) struct change c = { .body = json_object() };
	CLEANUP(freep) char *path = NULL;
	json_t *answer = NULL;
	int opt, r;

	optind = 0;
	opterr = 0;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt != 'u')
			return cli_usage_error(cli, "unknown option, or --unset without a key");
		if (json_object_set_new(c.body, optarg, json_null()) < 0)
			return cli_usage_error(cli, "--unset: no key");
	}
	if (optind == argc || strchr(argv[optind], '='))
		return cli_usage_error(cli, "the name of a trunk is needed");
	c.name = argv[optind++];
	if ((r = take_words(cli, &c, argc - optind, argv + optind)))
		return r;
	if (!json_object_size(c.body))
		return cli_usage_error(cli, "KEY=VALUE or --unset KEY is needed");
	path = client_path(TRUNKS_PATH "/", c.name);
	if (!path || !*c.name)
		return cli_usage_error(cli, "the name of a trunk is needed");
	if ((r = client_call(cli, "PATCH", path, c.body, &answer)))
		return client_no_trunk(r, c.name);
	print_change(cli, answer, c.name, "changed");
	json_decref(answer);
	return CLI_OK;
}

int cmd_trunk_remove(struct cli *cli, int argc, char **argv)
{
	CLEANUP(freep) char *path = NULL;
	json_t *answer = NULL;
	int r;

	if (argc != 2 || !*argv[1])
		return cli_usage_error(cli, "one trunk name please");
	path = client_path(TRUNKS_PATH "/", argv[1]);
	if (!path)
		return CLI_FAILED;
	if ((r = client_call(cli, "DELETE", path, NULL, &answer)))
		return client_no_trunk(r, argv[1]);
	print_change(cli, answer, argv[1], "removed");
	json_decref(answer);
	return CLI_OK;
}

int cmd_trunk_export(struct cli *cli, int argc, char **argv)
{
	CLEANUP(freep) char *path = NULL, *query = NULL;
	json_t *answer = NULL;
	int r;

	if (argc != 2 || !*argv[1])
		return cli_usage_error(cli, "one trunk name please");
	path = client_path(TRUNKS_PATH "/", argv[1]);
	if (!path || asprintf(&query, "%s?export=1", path) < 0)
		return CLI_FAILED;
	if ((r = client_get(cli, query, &answer)))
		return client_no_trunk(r, argv[1]);
	if (cli->json)
		out_json(stdout, answer);
	else
		out_yaml(stdout, answer);
	json_decref(answer);
	return CLI_OK;
}
