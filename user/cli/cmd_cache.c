/* SPDX-License-Identifier: BSD-2-Clause */
/* sipseal cert cache list|show|flush: what the fetcher knows of the certificates of others. */
#include <getopt.h>
#include <strings.h>

#include "cli/cache.h"
#include "cli/client.h"
#include "cli/out.h"
#include "cli/show.h"

#define PAGES_MAX 64 /* of 1,024 entries: more than the cache holds */

static enum out_colour state_colour(const char *state)
{
	if (!strcmp(state, "good"))
		return OUT_GREEN;
	return !strcmp(state, "bad") ? OUT_RED : OUT_YELLOW;
}

static bool is_of_host(const char *x5u, const char *host)
{
	static const char scheme[] = "https://";
	size_t len = strlen(host);

	if (strncasecmp(x5u, scheme, sizeof(scheme) - 1))
		return false;
	x5u += sizeof(scheme) - 1;
	return strncasecmp(x5u, host, len) == 0 && strchr("/:?", x5u[len]);
}

void show_cache(FILE *f, const json_t *o)
{
	static const char *const heads[] = { "STATE", "REASON", "SPC", "FETCHED", "EXPIRES", "DISK", "X5U", NULL };
	struct out_table *t = out_table_new(heads);
	const json_t *e;
	size_t i;

	json_array_foreach(json_object_get(o, "entries"), i, e)
	{
		out_table_cell(t, "%s", out_str(e, "state"));
		out_table_cell(t, "%s", out_str(e, "reason"));
		out_table_cell(t, "%s", out_str(e, "spc"));
		out_table_cell(t, "%s", out_str(e, "fetched"));
		out_table_cell(t, "%s", out_str(e, "expires"));
		out_table_cell(t, "%s", json_is_true(json_object_get(e, "stored")) ? "yes" : "-");
		out_table_cell(t, "%s", out_str(e, "x5u"));
	}
	out_table_print(t, f);
	fprintf(f, "%zu of %lld certificates\n", i, out_int(o, "total"));
}

static void line(FILE *f, const char *name, const char *value)
{
	CLEANUP(freep) char *safe = out_escape(value);

	if (strcmp(value, "-"))
		fprintf(f, "%-11s %s\n", name, safe ? safe : "?");
}

void show_cache_entry(FILE *f, const json_t *e)
{
	const char *state = out_str(e, "state");

	line(f, "x5u", out_str(e, "x5u"));
	fputs(out_colour(f, state_colour(state)), f);
	line(f, "state", state);
	fputs(out_colour(f, OUT_PLAIN), f);
	line(f, "reason", out_str(e, "reason"));
	if (out_int(e, "code"))
		fprintf(f, "%-11s %lld\n", "code", out_int(e, "code"));
	line(f, "detail", out_str(e, "detail"));
	line(f, "subject", out_str(e, "subject"));
	line(f, "spc", out_str(e, "spc"));
	line(f, "not after", out_str(e, "not_after"));
	line(f, "fetched", out_str(e, "fetched"));
	line(f, "expires", out_str(e, "expires"));
	line(f, "on disk", json_is_true(json_object_get(e, "stored")) ? "yes" : "no");
}

/* Append the entries of one page.  Return: how many there were. */
static size_t page_take(json_t *all, const json_t *page, const char *host)
{
	const json_t *list = json_object_get(page, "entries"), *e;
	size_t i;

	json_array_foreach(list, i, e)
		if (!host || is_of_host(out_str(e, "x5u"), host))
			json_array_append(all, (json_t *)e);
	return json_array_size(list);
}

static int list_take(const struct cli *cli, const char *host, json_t *all, long long *ret_total)
{
	size_t seen = 0;

	for (unsigned i = 0; i < PAGES_MAX; i++) {
		json_t *page = NULL;
		char path[64];
		size_t n;
		int r;

		snprintf(path, sizeof(path), CACHE_PATH "?skip=%zu", seen);
		if ((r = client_get(cli, path, &page)))
			return r;
		n = page_take(all, page, host);
		seen += n;
		*ret_total = out_int(page, "total");
		json_decref(page);
		if (!n || (long long)seen >= *ret_total)
			break;
	}
	return CLI_OK;
}

static int cache_list(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "host", required_argument, NULL, 'h' }, { 0 } };
	const char *host = NULL;
	long long total = 0;
	json_t *all, *o;
	int opt, r;

	optind = 0;
	opterr = 0;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt != 'h')
			return cli_usage_error(cli, "unknown option, or --host without a name");
		host = optarg;
	}
	if (optind < argc)
		return cli_usage_error(cli, "unexpected argument %s", argv[optind]);
	all = json_array();
	r = list_take(cli, host, all, &total);
	o = json_pack("{s:o, s:I}", "entries", all, "total", (json_int_t)total);
	if (r == CLI_OK && cli->json)
		out_json(stdout, o);
	else if (r == CLI_OK)
		show_cache(stdout, o);
	json_decref(o);
	return r;
}

json_t *cache_entry(const struct cli *cli, const char *x5u, int *ret_exit)
{
	CLEANUP(freep) char *path = client_path(CACHE_PATH "?url=", x5u);
	json_t *o = NULL, *e;

	*ret_exit = path ? client_try(cli, "GET", path, NULL, "not_cached", &o) : CLI_FAILED;
	if (*ret_exit)
		return NULL;
	e = json_incref(json_array_get(json_object_get(o, "entries"), 0));
	json_decref(o);
	*ret_exit = e ? CLI_OK : CLI_NOT_FOUND;
	return e;
}

static int cache_show(struct cli *cli, int argc, char **argv)
{
	json_t *e;
	int r;

	if (argc != 2 || !argv[1][0])
		return cli_usage_error(cli, "cert cache show: one URL please");
	e = cache_entry(cli, argv[1], &r);
	if (r == CLI_NOT_FOUND)
		cli_error("%s: not in the cache", argv[1]);
	if (e && cli->json)
		out_json(stdout, e);
	else if (e)
		show_cache_entry(stdout, e);
	json_decref(e);
	return r;
}

static int cache_flush(struct cli *cli, int argc, char **argv)
{
	CLEANUP(freep) char *path = NULL;
	json_t *o = NULL;
	int r;

	if (argc > 2 || (argc == 2 && !argv[1][0]))
		return cli_usage_error(cli, "cert cache flush: one URL, or nothing for all of them");
	path = argc == 2 ? client_path(CACHE_PATH "?url=", argv[1]) : strdup(CACHE_PATH);
	if (!path)
		return CLI_FAILED;
	if ((r = client_call(cli, "DELETE", path, NULL, &o)))
		return r;
	if (cli->json)
		out_json(stdout, o);
	else
		puts(argc == 2 ? "forgotten: the next call that shows it has it fetched" :
				 "all forgotten: each is fetched when a call shows it");
	json_decref(o);
	return CLI_OK;
}

int cmd_cert_cache(struct cli *cli, int argc, char **argv)
{
	static const struct { const char *word; cli_fn *fn; } verbs[] = {
		{ "list", cache_list }, { "show", cache_show }, { "flush", cache_flush },
	};

	for (size_t i = 0; argc > 1 && i < ARRAY_SIZE(verbs); i++)
		if (!strcmp(argv[1], verbs[i].word))
			return verbs[i].fn(cli, argc - 1, argv + 1);
	return cli_usage_error(cli, "cert cache: list, show or flush?");
}
