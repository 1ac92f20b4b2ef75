/* SPDX-License-Identifier: BSD-2-Clause */
/* sipseal cert check FILE [--at TIME] [--anchors PATH] */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/cert_print.h"
#include "cli/cli.h"
#include "cli/files.h"
#include "cli/time_arg.h"

#define FILE_MAX (1024 * 1024)

struct text {
	char *p;
	size_t len;
};

static void text_done(struct text *t)
{
	free(t->p);
}

struct names {
	struct dirent **e;
	int cnt;
};

static void names_done(struct names *n)
{
	while (n->cnt > 0)
		free(n->e[--n->cnt]);
	free(n->e);
}

/* Append the file to *t, with a line end between. */
static int text_append(struct text *t, const char *path)
{
	CLEANUP(freep) char *p = NULL;
	size_t len;
	char *all;
	int r = file_read(path, FILE_MAX, &p, &len);

	if (r < 0)
		return r;
	all = realloc(t->p, t->len + len + 2);
	if (!all)
		return -ENOMEM;
	memcpy(all + t->len, p, len);
	t->p = all;
	t->len += len;
	t->p[t->len++] = '\n';
	t->p[t->len] = '\0';
	return 0;
}

static int is_certificate_name(const struct dirent *e)
{
	const char *dot = strrchr(e->d_name, '.');

	return e->d_name[0] != '.' && dot &&
	       (!strcmp(dot, ".pem") || !strcmp(dot, ".crt") || !strcmp(dot, ".cer"));
}

/* All certificates of a directory; which file could not be read stands in the message. */
static int directory_read(const char *dir, struct text *t)
{
	CLEANUP(names_done) struct names n = { 0 };
	int r;

	n.cnt = scandir(dir, &n.e, is_certificate_name, alphasort);
	if (n.cnt < 0) {
		cli_error("%s: %s", dir, strerror(errno));
		return -errno;
	}
	if (n.cnt == 0) {
		cli_error("%s: has no files that end in .pem, .crt or .cer", dir);
		return -ENOENT;
	}
	for (int k = 0; k < n.cnt; k++) {
		CLEANUP(freep) char *path = NULL;

		if (asprintf(&path, "%s/%s", dir, n.e[k]->d_name) < 0) {
			path = NULL;
			return -ENOMEM;
		}
		r = text_append(t, path);
		if (r < 0) {
			cli_error("%s: %s", path, strerror(-r));
			return r;
		}
	}
	return 0;
}

static int anchors_read(const char *path, struct text *t)
{
	struct stat st;
	int r;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return directory_read(path, t);
	r = text_append(t, path);
	if (r < 0)
		cli_error("%s: %s", path, strerror(-r));
	return r;
}

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
	CLEANUP(text_done) struct text chain = { 0 };
	CLEANUP(text_done) struct text anchors = { 0 };
	struct cert_check_opts opts = { .want_tnauthlist = true };
	struct cert_report r = { 0 };
	struct cert_info info;
	struct args a = { 0 };
	char err[160] = "";
	int ret = args_parse(cli, argc, argv, &a);

	if (ret != 0)
		return ret;
	ret = file_read(a.file, FILE_MAX, &chain.p, &chain.len);
	if (ret < 0) {
		cli_error("%s: %s", a.file, strerror(-ret));
		return CLI_FAILED;
	}
	if (a.anchors && anchors_read(a.anchors, &anchors) < 0)
		return CLI_FAILED;
	opts.at = a.at;
	opts.anchors_pem = anchors.p;
	opts.anchors_len = anchors.len;
	ret = cert_check(chain.p, chain.len, &opts, &info, err);
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
