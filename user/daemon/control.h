/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control - HTTP on the control socket (JSON) and on the metrics port (text), by libmicrohttpd.
 *
 * It knows sockets, limits and methods, and nothing of what is asked: that is a table of routes
 * (api.h).  There is no thread of its own: the caller polls the two descriptors of control_fds()
 * and calls control_run().
 * Limits: 64 connections, 16 KiB of request line and headers, no body yet, 10 s from connect to the
 * end of the answer.
 */
#ifndef SIPSEAL_DAEMON_CONTROL_H
#define SIPSEAL_DAEMON_CONTROL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"

struct control;

#define CONTROL_ERR_LEN 512

struct control_answer {
	unsigned status;        /* HTTP; 200 unless set */
	json_t *json;           /* or NULL: text */
	char *text;             /* malloc'd */
};

struct control_route {
	const char *path;       /* "/v1/trunks", or "/v1/trunks/" with a name behind it */
	bool is_prefix;
	bool is_metrics;        /* served on the metrics port, not on the socket */
	/* @tail: what stands behind a prefix, never empty.  Return: 0, or -ENOMEM. */
	int (*get)(void *ctx, const char *tail, struct control_answer *ret);
};

struct control_cfg {
	const char *socket;             /* path */
	const char *group;              /* its group, if that exists */
	const char *metrics;            /* "addr:port", "[addr]:port", or NULL: off */
	const struct control_route *routes;  /* ends with path NULL */
	void *ctx;
};

/**
 * control_open() - bind both sockets; nobody is served yet.  A socket file that nobody listens on
 * is replaced; one with a listener is refused.
 * Return: 0; -EADDRINUSE; other errno; reterr says which address and what to do.
 */
int control_open(const struct control_cfg *cfg, struct control **ret, char reterr[CONTROL_ERR_LEN]);

/** control_serve() - start to listen.  Return: 0, or negative errno (reterr). */
int control_serve(struct control *c, char reterr[CONTROL_ERR_LEN]);

/** control_close() - also removes the socket file. */
void control_close(struct control *c);
DEFINE_FREEP(struct control *, control_close)

/** control_fds() - descriptors to poll for input; -1: none. */
void control_fds(const struct control *c, int ret_fds[2]);

/** control_run() - do what can be done without waiting.
 * Return: milliseconds until it wants to be called again at the latest, -1: when a descriptor is
 * ready. */
int control_run(struct control *c);

/** control_error() - answer {"error":{"code","message"}} with @status. */
int control_error(struct control_answer *a, unsigned status, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
