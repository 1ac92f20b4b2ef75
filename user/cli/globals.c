/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/globals.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_one_of(const char *s, const char *a, const char *b)
{
	return strcmp(s, a) == 0 || strcmp(s, b) == 0;
}

int globals_take(struct cli *cli, int argc, char **argv)
{
	const char *env = getenv("SIPSEAL_SOCKET");
	int out = 0, i = 0;

	cli->socket = env && *env ? env : CLI_SOCKET;
	if (argc)
		argv[out++] = argv[i++];
	for (; i < argc && strcmp(argv[i], "--"); i++) {
		if (is_one_of(argv[i], "-j", "--json")) {
			cli->json = true;
		} else if (strncmp(argv[i], "--socket=", 9) == 0) {
			cli->socket = argv[i] + 9;
		} else if (is_one_of(argv[i], "-s", "--socket")) {
			if (i + 1 == argc) {
				cli_error("%s needs a path", argv[i]);
				return -1;
			}
			cli->socket = argv[++i];
		} else {
			argv[out++] = argv[i];
		}
	}
	while (i < argc)
		argv[out++] = argv[i++];
	argv[out] = NULL; /* out <= argc, and argv[argc] is there */
	return out;
}

bool globals_want_help(int argc, char *const *argv)
{
	for (int i = 0; i < argc && strcmp(argv[i], "--"); i++)
		if (is_one_of(argv[i], "--help", "-h"))
			return true;
	return false;
}

bool globals_want_version(int argc, char *const *argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (is_one_of(argv[i], "--version", "-V"))
			return true;
	return false;
}

void cli_error(const char *fmt, ...)
{
	va_list ap;

	fputs("sipseal: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

int cli_usage_error(const struct cli *cli, const char *fmt, ...)
{
	va_list ap;

	fputs("sipseal: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n%s", cli->usage ? cli->usage : "");
	return CLI_USAGE;
}
