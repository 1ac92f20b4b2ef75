/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * client - calls to the daemon: HTTP over its UNIX socket, by libcurl.
 *
 * What the daemon refuses is printed in its own words: one line, then one line per key.
 */
#ifndef SIPSEAL_CLI_CLIENT_H
#define SIPSEAL_CLI_CLIENT_H

#include <jansson.h>

#include "cli/cli.h"

/**
 * client_call() - @method @path with @body (NULL: none).
 * Return: CLI_OK and *ret (the caller's reference; JSON null where the answer is empty); else the error has
 * been printed: CLI_NO_DAEMON, CLI_NOT_FOUND (404), CLI_REFUSED (other 4xx, and 507), CLI_FAILED.
 */
int client_call(const struct cli *cli, const char *method, const char *path, const json_t *body, json_t **ret);

/** client_get() - the same with GET. */
int client_get(const struct cli *cli, const char *path, json_t **ret);

/** client_try() - client_call(), but where the daemon refuses with error @code it is CLI_OK with *ret NULL, and nothing
 * is printed. */
int client_try(const struct cli *cli, const char *method, const char *path, const json_t *body, const char *code,
	       json_t **ret);

/**
 * client_reload() - POST @path with @body (taken), the warnings and the answer printed: as JSON, or by @show.
 * Return: as client_call().
 */
int client_reload(const struct cli *cli, const char *path, json_t *body,
		  void (*show)(FILE *f, const json_t *answer));

/* Where an answer without an end goes; a return that is not 0 ends it. */
struct client_stream {
	int (*on_data)(void *ctx, const char *data, size_t len);
	int (*on_time)(void *ctx); /* at least once in a second or so, and soon after a signal; may be NULL */
	void *ctx;
};

/** client_stream() - GET @path as it comes.  Return: as client_call(); CLI_OK also where the caller ended it;
 * CLI_NO_DAEMON where the daemon ended it before its end. */
int client_stream(const struct cli *cli, const char *path, const struct client_stream *to);

/** client_lines() - GET @path, @on_line for each line of the answer as it comes (text without newline, NUL
 * terminated); a return that is not 0 ends.  Return: as client_call(). */
int client_lines(const struct cli *cli, const char *path, int (*on_line)(void *ctx, const char *line), void *ctx);

/** client_no_trunk() - what follows the daemon's "no such trunk", which does not repeat the name.  Return: @r. */
int client_no_trunk(int r, const char *name);

/** client_path() - @prefix and @name with what a URL does not take escaped.  Return: malloc'd, or
 * NULL. */
char *client_path(const char *prefix, const char *name);

#endif
