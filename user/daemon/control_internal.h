/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control_internal - what control.c (sockets, connections, limits), control_http.c (requests and answers) and
 * control_stream.c (answers without an end) share.
 *
 * A request lives from its headers to the end of its answer, inside a connection (struct peer).  A stream that
 * has nothing to say is suspended in MHD; its descriptor is then in our own epoll set, because MHD does not
 * look whether the client is still there.
 */
#ifndef SIPSEAL_DAEMON_CONTROL_INTERNAL_H
#define SIPSEAL_DAEMON_CONTROL_INTERNAL_H

#include <microhttpd.h>
#include <sys/stat.h>

#include "daemon/control_route.h"

#define REQUEST_MAX (16 * 1024)
#define TOTAL_TIMEOUT_S 10
#define PARAMS_MAX 8

struct server;
struct request;

/* An open connection.  MHD's own timeout is off: it starts anew with each byte, and counts what calls take. */
struct peer {
	struct peer *next, **link;
	struct server *server;
	struct request *request; /* the one that runs, or NULL */
	int fd;
	bool is_ending;          /* shut down, MHD has not seen it yet */
	uint64_t deadline_ns;    /* UINT64_MAX: a stream */
	struct control_client client;
};

struct server {
	struct control *control;
	bool is_metrics;
	int fd;                  /* bound; MHD's once it runs */
	struct MHD_Daemon *mhd;
	struct peer *peers;      /* the newest first */
	size_t answers;          /* bytes of answers that are on their way, root's apart */
};

struct control {
	const struct control_route *routes;
	void *ctx;
	char *path;               /* of the socket file that is ours, or NULL */
	struct stat stat;         /* of it: another daemon may have put its own there */
	int epoll_fd;             /* MHD's set of the socket, and suspended streams */
	size_t bodies;            /* bytes of bodies that are on their way, root's apart */
	struct server servers[2]; /* socket, metrics */
};

struct param {
	char *name, *value;
};

struct request {
	struct peer *peer;
	struct MHD_Connection *mhd;
	const struct control_route *route;
	char tail[CONTROL_TAIL_MAX + 1];
	char allow[CONTROL_ALLOW_LEN];
	struct param params[PARAMS_MAX];
	unsigned param_cnt;
	int param_fault;                  /* of control_decode(), -ENOMEM */
	char *body;
	size_t len, cap;
	size_t answer_len;                /* of those in server.answers */
	bool is_too_large, is_busy;       /* the body is not kept any more, and why */
	bool is_suspended, is_gone;
	struct control_stream stream;     /* read set until done was called */
};

/* Callbacks of MHD, in control_http.c. */
enum MHD_Result control_on_request(void *cls, struct MHD_Connection *conn, const char *url, const char *method,
				   const char *version, const char *upload, size_t *upload_len, void **req);
void control_on_completed(void *cls, struct MHD_Connection *conn, void **req, enum MHD_RequestTerminationCode code);

/* Streams, in control_stream.c. */

/** control_stream_start() - the answer that @s fills.  Return: NULL: @s is done already. */
struct MHD_Response *control_stream_start(struct request *q, const struct control_stream *s);
void control_stream_done(struct request *q);
/** control_stream_end() - the connection is over: let MHD see it. */
void control_stream_end(struct request *q);
/** control_streams_look() - end the suspended ones whose client has gone. */
void control_streams_look(struct control *c);
/** control_streams_may() - may a user have another one? */
bool control_streams_may(const struct server *s, uid_t uid);

/** peer_rearm() - the time of a request starts now. */
void peer_rearm(struct peer *p);
/** peers_wait() - a call took so long, and nobody could be served. */
void peers_wait(struct control *c, uint64_t ns);

#endif
