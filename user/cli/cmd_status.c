/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/client.h"
#include "cli/out.h"
#include "cli/show.h"

/* A line `label   text`, with a colour for the text. */
static void line(FILE *f, const char *label, enum out_colour c, const char *text)
{
	char *safe = out_escape(text);

	fprintf(f, "%-12s%s%s%s\n", label, out_colour(f, c), safe ? safe : "",
		out_colour(f, OUT_PLAIN));
	free(safe);
}

static void head(FILE *f, const json_t *o)
{
	const json_t *fast = json_object_get(o, "fast_path"), *s = json_object_get(o, "signer");
	bool is_enabled = json_is_true(json_object_get(o, "regulatory_enabled"));
	bool is_running = !strcmp(out_str(s, "state"), "running");
	char text[512], up[32];

	snprintf(text, sizeof(text), "%.32s, %.16s, generation %lld, up %s", out_str(o, "version"),
		 out_str(o, "mode"), out_int(o, "generation"),
		 out_duration(out_int(o, "uptime_s"), up));
	line(f, "sipseal", OUT_BOLD, text);
	line(f, "regulatory", is_enabled ? OUT_PLAIN : OUT_RED,
	     is_enabled ? "enabled" : "OFF: NOTHING IS SIGNED OR VERIFIED (sipseal regulatory on)");
	snprintf(text, sizeof(text), "%.16s (%.200s)", out_str(fast, "mode"), out_str(fast, "why"));
	line(f, "fast path", OUT_PLAIN, text);
	snprintf(text, sizeof(text),
		 "%.16s, pid %lld, %lld workers, %lld restarts, %lld frames lost",
		 out_str(s, "state"), out_int(s, "pid"), out_int(s, "workers"),
		 out_int(s, "restarts"), out_int(s, "frames_lost"));
	line(f, "signer", is_running ? OUT_GREEN : OUT_RED, text);
}

static void calls(FILE *f, const json_t *o)
{
	const json_t *c = json_object_get(o, "calls"), *t = json_object_get(o, "trunks");
	const json_t *in = json_object_get(c, "inbound");
	char text[256];

	snprintf(text, sizeof(text), "%lld, %lld of them observe", out_int(t, "count"),
		 out_int(t, "observe"));
	line(f, "trunks", OUT_PLAIN, text);
	snprintf(text, sizeof(text), "signed %lld, unsigned %lld, rejected %lld, dropped %lld",
		 out_int(c, "signed"), out_int(c, "unsigned"), out_int(c, "rejected"),
		 out_int(c, "dropped"));
	line(f, "INVITEs", OUT_PLAIN, text);
	if (!json_is_true(json_object_get(json_object_get(o, "verification"), "enabled")))
		return;
	snprintf(text, sizeof(text), "verified %lld, failed %lld, missing %lld, unverified %lld, dropped %lld",
		 out_int(in, "verified"), out_int(in, "failed"), out_int(in, "missing"), out_int(in, "unverified"),
		 out_int(in, "dropped"));
	line(f, "  inbound", OUT_PLAIN, text);
}

/* Only where there were any. */
static void fragments(FILE *f, const json_t *p)
{
	long long refused = out_int(p, "refused"), incomplete = out_int(p, "incomplete");
	char text[256];

	if (!out_int(p, "whole") && !out_int(p, "held") && !refused && !incomplete)
		return;
	snprintf(text, sizeof(text), "%lld held (%lld of %lld KiB), %lld datagrams put together, %lld refused, %lld incomplete",
		 out_int(p, "held"), out_int(p, "bytes") / 1024, out_int(p, "limit_bytes") / 1024, out_int(p, "whole"), refused,
		 incomplete);
	line(f, "fragments", refused + incomplete >= 100 ? OUT_YELLOW : OUT_PLAIN, text);
}

static void interfaces(FILE *f, const json_t *list)
{
	static const char *const heads[] = { "INTERFACE", "SIDE",      "XDP", ">QUEUES",
					     ">PACKETS",  "BY REASON", NULL };
	struct out_table *t = out_table_new(heads);
	const json_t *nic;
	size_t i;

	json_array_foreach(list, i, nic)
	{
		CLEANUP(freep) char *reasons = show_reasons(json_object_get(nic, "packets"));

		out_table_cell(t, "%s", out_str(nic, "name"));
		out_table_cell(t, "%s", out_str(nic, "side"));
		out_table_cell(t, "%s", out_str(nic, "xdp"));
		out_table_cell(t, "%lld", out_int(nic, "queues"));
		out_table_cell(t, "%lld", out_int(nic, "packets_total"));
		out_table_cell(t, "%s", reasons ? reasons : "");
	}
	fputc('\n', f);
	out_table_print(t, f);
}

static void credentials(FILE *f, const json_t *list)
{
	static const char *const heads[] = { "CERTIFICATE", "SPC", "NOT AFTER", "USABLE",
					     "KEY",	    "X5U", NULL };
	struct out_table *t;
	const json_t *c;
	size_t i;

	if (!json_array_size(list))
		return;
	t = out_table_new(heads);
	json_array_foreach(list, i, c)
	{
		out_table_cell(t, "%s", out_str(c, "cert"));
		out_table_cell(t, "%s", out_str(c, "spc"));
		out_table_cell(t, "%s", out_str(c, "not_after"));
		out_table_cell(t, "%s", json_is_true(json_object_get(c, "usable")) ? "yes" : "NO");
		out_table_cell(t, "(hidden)");
		out_table_cell(t, "%s", out_str(c, "x5u"));
	}
	fputc('\n', f);
	out_table_print(t, f);
}

static void unmatched(FILE *f, const json_t *list)
{
	static const char *const heads[] = { "INVITE WITHOUT TRUNK FROM", "TO", ">COUNT", NULL };
	struct out_table *t;
	const json_t *p;
	size_t i;

	if (!json_array_size(list))
		return;
	t = out_table_new(heads);
	json_array_foreach(list, i, p)
	{
		out_table_cell(t, "%s", out_str(p, "source"));
		out_table_cell(t, "%s", out_str(p, "destination"));
		out_table_cell(t, "%lld", out_int(p, "count"));
	}
	fputc('\n', f);
	out_table_print(t, f);
}

/* How loud a warning of the daemon is. */
static const struct level {
	const char *level, *word;
	enum out_colour colour;
} levels[] = {
	{ "critical", "warning", OUT_RED }, { "notice", "note", OUT_PLAIN }, { NULL, "warning", OUT_YELLOW },
};

static const struct level *level_of(const json_t *w)
{
	const struct level *l = levels;

	while (l->level && strcmp(out_str(w, "level"), l->level))
		l++;
	return l;
}

static void warnings(FILE *f, const json_t *list)
{
	const json_t *w;
	size_t i;

	if (json_array_size(list))
		fputc('\n', f);
	json_array_foreach(list, i, w)
	{
		const struct level *l = level_of(w);
		bool has_trunk = json_object_get(w, "trunk");
		char *text = out_escape(out_str(w, "text")),
		     *trunk = out_escape(out_str(w, "trunk"));

		fprintf(f, "%s%s: %s%s%s%s\n", out_colour(f, l->colour), l->word, has_trunk && trunk ? trunk : "",
			has_trunk ? ": " : "", text ? text : "", out_colour(f, OUT_PLAIN));
		free(text);
		free(trunk);
	}
}

void show_status(FILE *f, const json_t *o)
{
	head(f, o);
	calls(f, o);
	fragments(f, json_object_get(o, "fragments"));
	show_verification(f, o);
	interfaces(f, json_object_get(o, "interfaces"));
	credentials(f, json_object_get(o, "credentials"));
	show_verification_tables(f, o);
	unmatched(f, json_object_get(json_object_get(o, "unmatched_invite"), "peers"));
	warnings(f, json_object_get(o, "warnings"));
}

int cmd_status(struct cli *cli, int argc, char **argv)
{
	json_t *o = NULL;
	int r;

	if (argc > 1)
		return cli_usage_error(cli, "status: unexpected argument %s", argv[1]);
	if ((r = client_get(cli, "/v1/status", &o)))
		return r;
	if (cli->json)
		out_json(stdout, o);
	else
		show_status(stdout, o);
	json_decref(o);
	return CLI_OK;
}
