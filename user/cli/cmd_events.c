/* SPDX-License-Identifier: BSD-2-Clause */
/* sipseal events [--follow] [--trunk NAME]: CallEvents, one line each. */
#include <getopt.h>

#include "cli/client.h"
#include "cli/out.h"
#include "cli/show.h"

static enum out_colour status_colour(const char *status)
{
	if (!strcmp(status, "SIGNED") || !strcmp(status, "STIR_VERIFIED"))
		return OUT_GREEN;
	return !strcmp(status, "REJECTED") || !strcmp(status, "STIR_FAILED") ? OUT_RED : OUT_YELLOW;
}

/* A value of the event, escaped again: the daemon's word is not taken for it. */
static void put(FILE *f, const json_t *event, const char *key, int width)
{
	const char *s = json_string_value(json_object_get(event, key));
	CLEANUP(freep) char *safe = out_escape(s && *s ? s : "-");

	if (width) /* the last one of a line has none, and no blank behind it */
		fprintf(f, "%-*s ", width, safe ? safe : "?");
	else
		fputs(safe ? safe : "?", f);
}

/* Whose certificate it was, how the call was refused, and what else is told of inbound calls. */
static void put_inbound(FILE *f, const json_t *event)
{
	static const char *const flags[] = { "waited", "diverted", "callback" };

	if (strcmp(out_str(event, "direction"), "inbound"))
		return;
	if (strcmp(out_str(event, "spc"), "-")) {
		fputs(" SPC ", f);
		put(f, event, "spc", 0);
	}
	if (out_int(event, "response"))
		fprintf(f, " (%lld)", out_int(event, "response"));
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (json_is_true(json_object_get(event, flags[i])))
			fprintf(f, " (%s)", flags[i]);
}

void show_event(FILE *f, const json_t *event)
{
	const char *status = out_str(event, "status");
	long long lost = out_int(event, "dropped");

	if (lost) {
		fprintf(f, "%s(%lld events were lost: this reader is too slow)%s\n", out_colour(f, OUT_YELLOW), lost,
			out_colour(f, OUT_PLAIN));
		return;
	}
	put(f, event, "time", 24);
	fputs(strcmp(out_str(event, "direction"), "inbound") ? "out " : "in  ", f);
	put(f, event, "trunk", 12);
	fputs(out_colour(f, status_colour(status)), f);
	put(f, event, "status", 13);
	fputs(out_colour(f, OUT_PLAIN), f);
	put(f, event, "attest", 1);
	put(f, event, "orig", 15);
	fputs("-> ", f);
	put(f, event, "dest", 15);
	put(f, event, "reason", 20);
	fprintf(f, "%5lld us  ", out_int(event, "latency_us"));
	put(f, event, "call_id", 0);
	if (json_object_get(event, "override"))
		fputs(" (override)", f);
	put_inbound(f, event);
	fputc('\n', f);
}

struct sink {
	bool json;
};

static int on_line(void *ctx, const char *line)
{
	const struct sink *s = ctx;
	CLEANUP(freep) char *safe = NULL;
	json_t *event;

	if (s->json) {
		safe = out_escape(line);
		printf("%s\n", safe ? safe : "");
	} else if ((event = json_loads(line, 0, NULL))) {
		show_event(stdout, event);
		json_decref(event);
	}
	fflush(stdout);
	return ferror(stdout) != 0;
}

int cmd_events(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "follow", no_argument, NULL, 'f' }, { "trunk", required_argument, NULL, 't' }, { 0 }
	};
	struct sink sink = { .json = cli->json };
	CLEANUP(freep) char *path = NULL;
	const char *trunk = "", *base = "/v1/events?";
	int opt;

	optind = 0;
	opterr = 0;
	while ((opt = getopt_long(argc, argv, "f", options, NULL)) != -1) {
		if (opt == 'f')
			base = "/v1/events?follow=1&";
		else if (opt == 't')
			trunk = optarg;
		else
			return cli_usage_error(cli, "unknown option, or --trunk without a name");
	}
	if (optind < argc)
		return cli_usage_error(cli, "unexpected argument %s", argv[optind]);
	if (*trunk) {
		CLEANUP(freep) char *with = NULL;

		if (asprintf(&with, "%strunk=", base) < 0)
			return CLI_FAILED;
		path = client_path(with, trunk);
	} else {
		path = strndup(base, strlen(base) - 1);
	}
	if (!path)
		return CLI_FAILED;
	return client_lines(cli, path, on_line, &sink);
}
