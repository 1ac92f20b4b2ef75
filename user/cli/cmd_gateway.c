/* SPDX-License-Identifier: BSD-2-Clause */
/* sipseal regulatory on|off, sipseal config reload: the gateway as a whole. */
#include <getopt.h>

#include "cli/client.h"
#include "cli/out.h"
#include "cli/show.h"

int cmd_regulatory(struct cli *cli, int argc, char **argv)
{
	json_t *body, *o = NULL;
	bool is_on;
	int r;

	if (argc != 2 || (strcmp(argv[1], "on") && strcmp(argv[1], "off")))
		return cli_usage_error(cli, "on or off please");
	is_on = !strcmp(argv[1], "on");
	body = json_pack("{s:b}", "enabled", is_on);
	r = client_call(cli, "PATCH", "/v1/regulatory", body, &o);
	json_decref(body);
	if (r)
		return r;
	if (cli->json)
		out_json(stdout, o);
	else if (is_on)
		printf("regulatory on: calls are signed, live in generation %lld\n", out_int(o, "generation"));
	else
		printf("%sregulatory OFF: nothing is signed or verified%s, live in generation %lld\n"
		       "This lasts until `sipseal regulatory on` or a restart.\n",
		       out_colour(stdout, OUT_RED), out_colour(stdout, OUT_PLAIN), out_int(o, "generation"));
	json_decref(o);
	return CLI_OK;
}

static void put_value(FILE *f, const json_t *v)
{
	CLEANUP(freep) char *text = v && !json_is_null(v) ? json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
	CLEANUP(freep) char *safe = out_escape(text ? text : "(not set)");

	fputs(safe ? safe : "?", f);
}

static void put_keys(FILE *f, const json_t *keys)
{
	const json_t *k;
	size_t i;

	json_array_foreach(keys, i, k)
	{
		CLEANUP(freep) char *key = out_escape(out_str(k, "key"));

		fprintf(f, "    %s: ", key ? key : "?");
		put_value(f, json_object_get(k, "from"));
		fputs(" -> ", f);
		put_value(f, json_object_get(k, "to"));
		fputc('\n', f);
	}
}

static void put_names(FILE *f, const json_t *names, char sign, enum out_colour colour)
{
	const json_t *name;
	size_t i;

	json_array_foreach(names, i, name)
	{
		CLEANUP(freep) char *safe = out_escape(json_string_value(name) ? json_string_value(name) : "?");

		fprintf(f, "%s%c trunk %s%s\n", out_colour(f, colour), sign, safe ? safe : "?",
			out_colour(f, OUT_PLAIN));
	}
}

void show_reload_diff(FILE *f, const json_t *o)
{
	const json_t *changed = json_object_get(o, "changed"), *gateway = json_object_get(o, "gateway"), *t;
	size_t i;

	put_names(f, json_object_get(o, "added"), '+', OUT_GREEN);
	put_names(f, json_object_get(o, "removed"), '-', OUT_RED);
	json_array_foreach(changed, i, t)
	{
		CLEANUP(freep) char *name = out_escape(out_str(t, "name"));

		fprintf(f, "%s~ trunk %s%s\n", out_colour(f, OUT_YELLOW), name ? name : "?", out_colour(f, OUT_PLAIN));
		put_keys(f, json_object_get(t, "keys"));
	}
	if (json_array_size(gateway)) {
		fprintf(f, "%s~ gateway%s\n", out_colour(f, OUT_YELLOW), out_colour(f, OUT_PLAIN));
		put_keys(f, gateway);
	}
	if (!json_array_size(json_object_get(o, "added")) && !json_array_size(json_object_get(o, "removed")) &&
	    !json_array_size(changed) && !json_array_size(gateway))
		fputs("nothing differs\n", f);
	if (json_is_true(json_object_get(o, "applied")))
		fprintf(f, "live in generation %lld\n", out_int(o, "generation"));
	else
		fputs("nothing was applied (dry run)\n", f);
}

int cmd_config_reload(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "dry-run", no_argument, NULL, 'n' }, { 0 } };
	bool is_dry = false;
	int opt;

	optind = 0;
	opterr = 0;
	while ((opt = getopt_long(argc, argv, "n", options, NULL)) != -1) {
		if (opt != 'n')
			return cli_usage_error(cli, "unknown option");
		is_dry = true;
	}
	if (optind < argc)
		return cli_usage_error(cli, "unexpected argument %s", argv[optind]);
	return client_reload(cli, "/v1/config/reload", json_pack("{s:b}", "dry_run", is_dry), show_reload_diff);
}
