/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * globals - options that every command takes, wherever they stand: -j/--json, -s/--socket.
 */
#ifndef SIPSEAL_CLI_GLOBALS_H
#define SIPSEAL_CLI_GLOBALS_H

#include "cli/cli.h"

#define CLI_SOCKET "/run/sipseal/control.sock"

/**
 * globals_take() - take the global options out of argv (argv[0] and what stands behind "--" stay).
 * cli->socket becomes -s, else $SIPSEAL_SOCKET, else CLI_SOCKET.
 * Return: the new argc; -1: -s without a value (printed).
 */
int globals_take(struct cli *cli, int argc, char **argv);

/** globals_want_help() - is --help or -h among the words before "--"? */
bool globals_want_help(int argc, char *const *argv);

/** globals_want_version() - is --version or -V among them? */
bool globals_want_version(int argc, char *const *argv);

#endif
