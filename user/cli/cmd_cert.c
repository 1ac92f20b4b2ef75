/* SPDX-License-Identifier: BSD-2-Clause */
/* sipseal cert show|reload: the certificates that the gateway signs with. */
#include <getopt.h>

#include "cli/client.h"
#include "cli/out.h"
#include "cli/show.h"

static enum out_colour level_colour(const char *level)
{
	if (!strcmp(level, "ok"))
		return OUT_GREEN;
	return !strcmp(level, "expires") ? OUT_YELLOW : OUT_RED;
}

void show_certificates(FILE *f, const json_t *o)
{
	static const char *const heads[] = { "CERTIFICATE", "LEVEL", ">DAYS LEFT", "NOT AFTER", "SPC",
					     ">TRUNKS", "SERIAL", "X5U", NULL };
	struct out_table *t = out_table_new(heads);
	const json_t *c;
	size_t i;

	json_array_foreach(json_object_get(o, "certificates"), i, c)
	{
		out_table_cell(t, "%s", out_str(c, "cert_path"));
		out_table_cell(t, "%s", out_str(c, "level"));
		out_table_cell(t, "%lld", out_int(c, "days_left"));
		out_table_cell(t, "%s", out_str(c, "not_after"));
		out_table_cell(t, "%s", out_str(c, "spc"));
		/* the gateway's own counts as a user, too */
		out_table_cell(t, "%lld", out_int(c, "users") - json_is_true(json_object_get(c, "gateway")));
		out_table_cell(t, "%s", out_str(c, "serial"));
		out_table_cell(t, "%s", out_str(c, "x5u"));
	}
	out_table_print(t, f);
	json_array_foreach(json_object_get(o, "certificates"), i, c)
	{
		const char *level = out_str(c, "level");
		CLEANUP(freep) char *path = out_escape(out_str(c, "cert_path"));

		if (strcmp(level, "ok"))
			fprintf(f, "%s%s: %s%s\n", out_colour(f, level_colour(level)), path ? path : "", level,
				out_colour(f, OUT_PLAIN));
	}
}

int cmd_cert_show(struct cli *cli, int argc, char **argv)
{
	json_t *o = NULL;
	int r;

	if (argc > 1)
		return cli_usage_error(cli, "unexpected argument %s", argv[1]);
	if ((r = client_get(cli, "/v1/certificates", &o)))
		return r;
	if (cli->json)
		out_json(stdout, o);
	else
		show_certificates(stdout, o);
	json_decref(o);
	return CLI_OK;
}

static void show_reload(FILE *f, const json_t *o)
{
	const json_t *c;
	size_t i;

	json_array_foreach(json_object_get(o, "certificates"), i, c)
	{
		CLEANUP(freep) char *path = out_escape(out_str(c, "cert_path"));
		CLEANUP(freep) char *old = out_escape(out_str(c, "old_serial"));
		CLEANUP(freep) char *now = out_escape(out_str(c, "serial"));

		if (old && now && strcmp(old, now))
			fprintf(f, "%s: serial %s replaced by %s\n", path ? path : "", old, now);
		else
			fprintf(f, "%s: serial %s, read again\n", path ? path : "", now ? now : "");
	}
	fprintf(f, "live in generation %lld\n", out_int(o, "generation"));
}

int cmd_cert_reload(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "trunk", required_argument, NULL, 't' }, { 0 } };
	json_t *body = json_object();
	int opt;

	optind = 0;
	opterr = 0;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 't' && json_object_set_new(body, "trunk", json_string(optarg)) == 0)
			continue;
		json_decref(body);
		return cli_usage_error(cli, "unknown option, or --trunk without a name");
	}
	if (optind < argc) {
		json_decref(body);
		return cli_usage_error(cli, "unexpected argument %s", argv[optind]);
	}
	return client_reload(cli, "/v1/certificates/reload", body, show_reload);
}
