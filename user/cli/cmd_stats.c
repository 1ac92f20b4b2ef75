/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/client.h"
#include "cli/out.h"
#include "cli/show.h"

char *show_reasons(const json_t *counters)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	const char *key, *comma = "";
	json_t *value;

	if (!f)
		return NULL;
	json_object_foreach((json_t *)counters, key, value)
	{
		if (!json_integer_value(value))
			continue;
		fprintf(f, "%s%s %lld", comma, key, (long long)json_integer_value(value));
		comma = ", ";
	}
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	return text;
}

static void counter_rows(struct out_table *t, const char *where, const json_t *counters)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)counters, key, value)
	{
		if (!json_integer_value(value))
			continue;
		out_table_cell(t, "%s", where);
		out_table_cell(t, "%s", key);
		out_table_cell(t, "%lld", (long long)json_integer_value(value));
	}
}

/* Everything that is not zero; -j has the zeros too. */
void show_stats(FILE *f, const json_t *stats)
{
	static const char *const heads[] = { "WHERE", "COUNTER", ">VALUE", NULL };
	const json_t *signer = json_object_get(stats, "signer"), *o;
	struct out_table *t = out_table_new(heads);
	size_t i;

	json_array_foreach(json_object_get(stats, "interfaces"), i, o)
		counter_rows(t, out_str(o, "name"), json_object_get(o, "packets"));
	counter_rows(t, "signer reason", json_object_get(signer, "reasons"));
	counter_rows(t, "outbound INVITE", json_object_get(json_object_get(stats, "invites"), "outbound"));
	counter_rows(t, "inbound INVITE", json_object_get(json_object_get(stats, "invites"), "inbound"));
	counter_rows(t, "signer", signer);
	json_array_foreach(json_object_get(signer, "rings"), i, o)
		counter_rows(t, out_str(o, "name"), o);
	counter_rows(t, "sums", json_object_get(stats, "sums"));
	out_table_print(t, f);
}

int cmd_stats(struct cli *cli, int argc, char **argv)
{
	json_t *o = NULL;
	int r;

	if (argc > 1)
		return cli_usage_error(cli, "stats: unexpected argument %s", argv[1]);
	if ((r = client_get(cli, "/v1/stats", &o)))
		return r;
	if (cli->json)
		out_json(stdout, o);
	else
		show_stats(stdout, o);
	json_decref(o);
	return CLI_OK;
}
