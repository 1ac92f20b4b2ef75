/* SPDX-License-Identifier: BSD-2-Clause */
/* sipseal call override: ExecuteDialplan, action ANSWER - a location for one call or one calling number. */
#include <getopt.h>

#include "cli/assign.h"
#include "cli/client.h"
#include "cli/out.h"
#include "cli/show.h"

struct override_args {
	const char *call_id, *number, *civic, *app_args, *lifetime;
};

static int args_parse(const struct cli *cli, int argc, char **argv, struct override_args *a)
{
	static const struct option options[] = {
		{ "geolocation", required_argument, NULL, 'g' },
		{ "app-args", required_argument, NULL, 'a' },
		{ "calling-number", required_argument, NULL, 'n' },
		{ "lifetime", required_argument, NULL, 'l' },
		{ 0 },
	};
	int opt;

	optind = 0;
	opterr = 0;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'g': a->civic = optarg; break;
		case 'a': a->app_args = optarg; break;
		case 'n': a->number = optarg; break;
		case 'l': a->lifetime = optarg; break;
		default: return cli_usage_error(cli, "unknown option, or one without its value");
		}
	}
	if (optind < argc)
		a->call_id = argv[optind++];
	if (optind < argc)
		return cli_usage_error(cli, "unexpected argument %s", argv[optind]);
	if (!a->call_id == !a->number)
		return cli_usage_error(cli, "a Call-ID or --calling-number is needed, not both");
	if (!a->civic == !a->app_args)
		return cli_usage_error(cli, "--geolocation or --app-args is needed, not both");
	return 0;
}

static int app_args_make(const struct cli *cli, const struct override_args *a, json_t **ret)
{
	json_error_t error;
	json_t *civic = NULL;
	int r;

	if (a->app_args) {
		*ret = json_loads(a->app_args, JSON_REJECT_DUPLICATES, &error);
		if (*ret)
			return 0;
		return cli_usage_error(cli, "--app-args: no JSON (column %d)", error.column);
	}
	if ((r = assign_civic(cli, a->civic, &civic)))
		return r;
	*ret = json_pack("{s:{s:o}}", "geolocation", "civic_address", civic);
	return *ret ? 0 : CLI_FAILED;
}

static int body_make(const struct cli *cli, const struct override_args *a, json_t **ret)
{
	json_t *app_args = NULL, *body;
	char *end;
	int r = app_args_make(cli, a, &app_args);

	if (r)
		return r;
	body = json_pack("{s:s,s:s,s:o}", a->call_id ? "call_id" : "calling_number",
			 a->call_id ? a->call_id : a->number, "action", "ANSWER", "app_args", app_args);
	if (!body)
		return cli_usage_error(cli, "the Call-ID is no UTF-8");
	if (a->lifetime) {
		long s = strtol(a->lifetime, &end, 10);

		if (!*a->lifetime || *end || s < 1) {
			json_decref(body);
			return cli_usage_error(cli, "--lifetime %s: seconds wanted", a->lifetime);
		}
		json_object_set_new(body, "lifetime_s", json_integer(s));
	}
	*ret = body;
	return 0;
}

int cmd_call_override(struct cli *cli, int argc, char **argv)
{
	struct override_args a = { 0 };
	json_t *body = NULL, *o = NULL;
	int r = args_parse(cli, argc, argv, &a);

	if (r || (r = body_make(cli, &a, &body)))
		return r;
	r = client_call(cli, "POST", "/v1/dialplan", body, &o);
	json_decref(body);
	if (r)
		return r;
	if (cli->json) {
		out_json(stdout, o);
	} else {
		CLEANUP(freep) char *who = out_escape(a.call_id ? a.call_id : a.number);

		printf("location set for %s %s until %s%s\n", a.call_id ? "call" : "calling number", who ? who : "?",
		       out_str(o, "expires"), a.call_id ? ", used once" : "");
	}
	json_decref(o);
	return CLI_OK;
}
