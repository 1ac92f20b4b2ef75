/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>

#include "cli/client.h"
#include "cli/out.h"
#include "cli/show.h"

/* A cell with the first of a list of peers and how many more there are. */
static void peers_cell(struct out_table *t, const json_t *list)
{
	const char *first = json_string_value(json_array_get(list, 0));
	size_t cnt = json_array_size(list);

	if (cnt > 1)
		out_table_cell(t, "%s +%zu", first ? first : "?", cnt - 1);
	else
		out_table_cell(t, "%s", cnt && first ? first : "any");
}

/* Nothing is counted where nothing is verified, but what was counted before is shown. */
static void inbound_cells(struct out_table *t, const json_t *trunk)
{
	static const char *const keys[] = { "verified", "failed", "missing" };
	const json_t *inbound = json_object_get(json_object_get(trunk, "calls"), "inbound");
	bool is_on = json_is_true(json_object_get(trunk, "verification"));

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (is_on || out_int(inbound, keys[i]))
			out_table_cell(t, "%lld", out_int(inbound, keys[i]));
		else
			out_table_cell(t, "off");
	}
}

void show_trunks(FILE *f, const json_t *o)
{
	static const char *const heads[] = { "NAME",	  "MODE",      "ATTEST",    "CARRIER",	"CORE",
					     ">SIGNED",	  ">UNSIGNED", ">REJECTED", ">VERIFIED", ">FAILED",
					     ">MISSING",  "NOTE",      NULL };
	struct out_table *t = out_table_new(heads);
	const json_t *trunk;
	size_t i;

	json_array_foreach(json_object_get(o, "trunks"), i, trunk)
	{
		const json_t *calls = json_object_get(trunk, "calls");

		out_table_cell(t, "%s", out_str(trunk, "name"));
		out_table_cell(t, "%s", out_str(trunk, "mode"));
		out_table_cell(t, "%s", out_str(trunk, "attestation"));
		peers_cell(t, json_object_get(trunk, "carrier"));
		peers_cell(t, json_object_get(trunk, "core"));
		out_table_cell(t, "%lld", out_int(calls, "signed"));
		out_table_cell(t, "%lld", out_int(calls, "unsigned"));
		out_table_cell(t, "%lld", out_int(calls, "rejected"));
		inbound_cells(t, trunk);
		out_table_cell(t, "%s",
			       json_is_true(json_object_get(trunk, "any_number"))
				       ? "A for any number"
				       : "");
	}
	out_table_print(t, f);
}

int cmd_trunk_list(struct cli *cli, int argc, char **argv)
{
	json_t *o = NULL;
	int r;

	if (argc > 1)
		return cli_usage_error(cli, "trunk list: unexpected argument %s", argv[1]);
	if ((r = client_get(cli, "/v1/trunks", &o)))
		return r;
	if (cli->json)
		out_json(stdout, o);
	else
		show_trunks(stdout, o);
	json_decref(o);
	return CLI_OK;
}

static void comment(FILE *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void comment(FILE *f, const char *fmt, ...)
{
	CLEANUP(freep) char *safe = NULL;
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	safe = out_escape(text);
	fprintf(f, "# %s\n", safe ? safe : "?");
}

static const char *action_words(const json_t *v, const char *key)
{
	return strcmp(out_str(v, key), "reject") ? "passes, marked" : "is refused";
}

static void comment_verification(FILE *f, const json_t *trunk)
{
	const json_t *v = json_object_get(trunk, "verification");

	if (!json_is_true(json_object_get(v, "enabled"))) {
		comment(f, "verification: off, calls from the carrier pass as they are");
		return;
	}
	comment(f, "verification: a call that fails %s; one without Identity %s; waits %lld ms at most for a certificate",
		action_words(v, "on_failure"), action_words(v, "on_missing"), out_int(v, "wait_ms"));
}

/* The configuration part can be copied into a trunk file; what the daemon knows besides is a
 * comment. */
void show_trunk(FILE *f, const json_t *trunk)
{
	const json_t *state = json_object_get(trunk, "state");
	const json_t *credential = json_object_get(state, "credential");
	CLEANUP(freep) char *reasons = show_reasons(json_object_get(state, "reasons"));
	CLEANUP(freep) char *inbound = show_reasons(json_object_get(state, "reasons_inbound"));
	json_t *policy = json_copy((json_t *)trunk); /* shallow */

	comment(f, "file: %s", out_str(state, "file"));
	if (json_is_object(credential))
		comment(f, "certificate: %s, SPC %s, not after %s; key (hidden)",
			json_is_true(json_object_get(credential, "usable")) ? "usable"
									    : "NOT USABLE",
			out_str(credential, "spc"), out_str(credential, "not_after"));
	else
		comment(f, "certificate: none");
	comment(f, "INVITEs to the carrier: %s", reasons && *reasons ? reasons : "none yet");
	comment_verification(f, trunk);
	if (inbound && *inbound)
		comment(f, "INVITEs from the carrier: %s", inbound);
	json_object_del(policy, "state");
	out_yaml(f, policy);
	json_decref(policy);
}

int cmd_trunk_show(struct cli *cli, int argc, char **argv)
{
	CLEANUP(freep) char *path = NULL;
	json_t *o = NULL;
	int r;

	if (argc != 2)
		return cli_usage_error(cli, "trunk show: one trunk name please");
	path = client_path("/v1/trunks/", argv[1]);
	if (!path || !argv[1][0])
		return cli_usage_error(cli, "trunk show: one trunk name please");
	if ((r = client_get(cli, path, &o)))
		return client_no_trunk(r, argv[1]);
	if (cli->json)
		out_json(stdout, o);
	else
		show_trunk(stdout, o);
	json_decref(o);
	return CLI_OK;
}
