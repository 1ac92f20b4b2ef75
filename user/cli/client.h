/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * client - calls to the daemon: HTTP over its UNIX socket, by libcurl.
 */
#ifndef SIPSEAL_CLI_CLIENT_H
#define SIPSEAL_CLI_CLIENT_H

#include <jansson.h>

#include "cli/cli.h"

/**
 * client_get() - GET @path.
 * Return: CLI_OK and *ret (the caller's reference); else the error has been printed:
 * CLI_NO_DAEMON, CLI_NOT_FOUND (404), CLI_REFUSED (other 4xx), CLI_FAILED.
 */
int client_get(const struct cli *cli, const char *path, json_t **ret);

/** client_path() - @prefix and @name with what a URL does not take escaped.  Return: malloc'd, or
 * NULL. */
char *client_path(const char *prefix, const char *name);

#endif
