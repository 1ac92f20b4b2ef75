/* SPDX-License-Identifier: BSD-2-Clause */
/* sipseal cert check FILE [--at TIME] [--anchors PATH] */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/cert_print.h"
#include "cli/cli.h"
#include "cli/files.h"
#include "cli/time_arg.h"

#define FILE_MAX (1024 * 1024)

struct args {
	const char *file, *anchors;
	int64_t at;
};

static int args_parse(struct cli *cli, int argc, char **argv, struct args *ret)
{
	static const struct option options[] = {
		{ "at", required_argument, NULL, 'a' },
		{ "anchors", required_argument, NULL, 't' },
		{ "json", no_argument, NULL, 'j' },
		{ 0 },
	};
	struct args a = { .at = (int64_t)(clock_real_ms() / 1000) };
	int opt;

	optind = 0;
	opterr = 0;
	while ((opt = getopt_long(argc, argv, "j", options, NULL)) != -1) {
		if (opt == 'j')
			cli->json = true;
		else if (opt == 't')
			a.anchors = optarg;
		else if (opt != 'a')
			return cli_usage_error(cli, "unknown option, or one without its value");
		else if (time_arg_parse(optarg, &a.at) < 0)
			return cli_usage_error(
				cli, "--at %s: RFC 3339 time or seconds since 1970 wanted", optarg);
	}
	if (argc - optind != 1)
		return cli_usage_error(cli, "one certificate file is needed");
	a.file = argv[optind];
	*ret = a;
	return 0;
}

static int report(const struct cli *cli, const struct cert_report *r)
{
	if (!cli->json)
		cert_print_text(r);
	else if (cert_print_json(r) < 0)
		return CLI_FAILED;
	return r->info && r->info->error_cnt == 0 ? CLI_OK : CLI_REFUSED;
}

int cmd_cert_check(struct cli *cli, int argc, char **argv)
{
	CLEANUP(freep) char *chain = NULL, *anchors = NULL;
	size_t chain_len = 0, anchors_len = 0;
	struct cert_check_opts opts = { .want_tnauthlist = true };
	struct cert_report r = { 0 };
	struct cert_info info;
	struct args a = { 0 };
	char err[160] = "", anchors_err[PATH_MAX] = "";
	int ret = args_parse(cli, argc, argv, &a);

	if (ret != 0)
		return ret;
	ret = file_read(a.file, FILE_MAX, &chain, &chain_len);
	if (ret < 0) {
		cli_error("%s: %s", a.file, strerror(-ret));
		return CLI_FAILED;
	}
	if (a.anchors &&
	    files_certificates(a.anchors, &anchors, &anchors_len, anchors_err, sizeof(anchors_err)) < 0) {
		cli_error("%s", anchors_err);
		return CLI_FAILED;
	}
	opts.at = a.at;
	opts.anchors_pem = anchors;
	opts.anchors_len = anchors_len;
	ret = cert_check(chain, chain_len, &opts, &info, err);
	if (ret == -EINVAL) {
		cli_error("%s: %s", a.anchors, err);
		return CLI_FAILED;
	}
	r = (struct cert_report){ .file = a.file,
				  .at = a.at,
				  .has_anchors = a.anchors,
				  .info = ret < 0 ? NULL : &info,
				  .refusal = err };
	return report(cli, &r);
}
