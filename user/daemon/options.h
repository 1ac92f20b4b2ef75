/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * options - the command line of sipseald.
 */
#ifndef SIPSEAL_DAEMON_OPTIONS_H
#define SIPSEAL_DAEMON_OPTIONS_H

#include <stdbool.h>

#include "abi.h"

enum daemon_exit { EXIT_DONE = 0, EXIT_ERROR = 1, EXIT_USAGE = 2, EXIT_REFUSED = 5 };

enum daemon_action { ACTION_RUN, ACTION_CHECK, ACTION_DETACH, ACTION_HELP, ACTION_VERSION };

struct options {
	enum daemon_action action;
	const char *config;            /* -c; NULL: not given */
	const char *state_dir;
	const char *libexec;           /* NULL: look beside the program */
	const char *bpffs;             /* --bpffs; NULL: from the configuration */
	const char *attach[SIPSEAL_PORTS_MAX]; /* "eth0:core" of --attach */
	unsigned attach_cnt;
};

/** options_parse() - strings stay those of argv.
 * Return: 0; -EINVAL: usage error, printed to stderr. */
int options_parse(int argc, char **argv, struct options *ret);

/** options_help() - the text of --help on stdout. */
void options_help(void);

/** attach_split() - "eth0:core" into name and side.
 * Return: 0; -EINVAL (reterr_text is a static string). */
int attach_split(const char *arg, char ret_name[16], const char **ret_side,
		 const char **reterr_text);

#endif
