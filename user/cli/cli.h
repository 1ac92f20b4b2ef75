/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli - what the commands of `sipseal` share.  main.c is a table of commands and nothing else.
 */
#ifndef SIPSEAL_CLI_H
#define SIPSEAL_CLI_H

#include <stdbool.h>

enum cli_exit {
	CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_NO_DAEMON = 3, CLI_NOT_FOUND = 4, CLI_REFUSED = 5,
};

struct cli {
	bool json;               /* -j */
	const char *socket;      /* -s SOCKET */
	const char *usage;       /* usage text of the running command, for --help and usage errors */
};

/** A command: argv[0] is its last word.  -j may also stand behind the command (cli->json is set by it).
 * --help is handled before the call.  Return: enum cli_exit. */
typedef int cli_fn(struct cli *cli, int argc, char **argv);

/* these need the daemon */
cli_fn cmd_status, cmd_stats, cmd_trunk_list, cmd_trunk_show, cmd_trunk_add, cmd_trunk_set, cmd_trunk_remove,
	cmd_trunk_export, cmd_cert_show, cmd_cert_reload, cmd_cert_cache, cmd_cert_prefetch, cmd_events,
	cmd_call_override, cmd_regulatory, cmd_config_reload, cmd_capture;
cli_fn cmd_config_check, cmd_cert_check, cmd_cert_lab, cmd_cert_request, cmd_explain; /* offline */

/** cli_usage_error() - message and usage on stderr.  Return: CLI_USAGE. */
int cli_usage_error(const struct cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** cli_error() - "sipseal: ..." on stderr. */
void cli_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
