/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control - HTTP on the control socket (JSON) and on the metrics port (text), by libmicrohttpd.
 *
 * It knows sockets, limits and methods, and nothing of what is asked: that is a table of routes
 * (api.h).  There is no thread of its own: the caller polls the two descriptors of control_fds()
 * and calls control_run().
 * Limits: CONTROL_CONNECTIONS_MAX connections, 16 KiB of request line and headers, CONTROL_BODY_MAX of body,
 * 10 s from connect to the end of the answer (not for streams; what calls take themselves is not counted).  A body comes with POST and PATCH and is one
 * JSON object: duplicate keys, NUL, broken UTF-8 and more than CONTROL_DEPTH_MAX levels are refused (400
 * `bad_json`, with line and column), one that is too large by 413 `too_large`; with other methods it is
 * not read.
 * Nobody is locked out: when all connections are taken, one of the user who holds most of them is ended, root's
 * last, those without a request first, then the oldest.  Bodies that are on their way may take
 * CONTROL_BODIES_MAX together, root's apart.  While answers of CONTROL_ANSWERS_MAX wait for their readers, only
 * root is given another; as many streams as one user may have are root's alone.
 */
#ifndef SIPSEAL_DAEMON_CONTROL_H
#define SIPSEAL_DAEMON_CONTROL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"

struct control;

#define CONTROL_ERR_LEN 512

#define CONTROL_BODY_MAX  (4 * 1024 * 1024) /* 100,000 numbers of one trunk take 2 MiB */
#define CONTROL_DEPTH_MAX 16
#define CONTROL_CONNECTIONS_MAX 64       /* on each of the two addresses */
#define CONTROL_STREAMS_MAX     8        /* of one user */
#define CONTROL_STREAMS_OTHERS_MAX 16    /* of all users but root */
#define CONTROL_BODIES_MAX      (32 * 1024 * 1024)
#define CONTROL_ANSWERS_MAX     (64 * 1024 * 1024)
#define CONTROL_GROUPS_MAX      64

/* An answer whose end is not known: @read copies up to cap bytes; 0: nothing now (call control_wake()
 * when there is more); negative: the end.  @done: the client has gone, or the end was told. */
struct control_stream {
	ssize_t (*read)(void *ctx, char *dst, size_t cap);
	void (*done)(void *ctx);
	void *ctx;
};

struct control_answer {
	unsigned status;        /* HTTP; 200 unless set */
	json_t *json;           /* or NULL: text or stream */
	char *text;             /* malloc'd */
	const char *type;       /* of text or stream; NULL: text/plain, application/x-ndjson */
	struct control_stream stream;  /* read set: chunked */
};

/* Who is at the other end, when it connected (SO_PEERCRED, SO_PEERGROUPS). */
struct control_client {
	uid_t uid;              /* -1 on the metrics port */
	gid_t gid;
	pid_t pid;
	gid_t groups[CONTROL_GROUPS_MAX];
	unsigned group_cnt;     /* 0 also where it has more than fit: then they open nothing to it */
};

struct control_request {
	const char *method;     /* "GET" ... */
	const char *tail;       /* what stands behind a prefix route, decoded, never empty; "" else */
	const json_t *body;     /* NULL: none came */
	uid_t uid;              /* of the client, as in there: */
	pid_t pid;
	const struct control_client *client;
	void *conn;             /* for control_query() and control_wake() */
};

/** control_query() - value of ?name=value; "" where it has none; NULL: not there. */
const char *control_query(const struct control_request *q, const char *name);

/** control_query_name() - name of the i-th parameter; NULL: there are no more. */
const char *control_query_name(const struct control_request *q, size_t i);

/** control_wake() - a stream has something to read again.  @conn: of the request that started it. */
void control_wake(void *conn);

/* Return: 0, or -ENOMEM. */
typedef int control_fn(void *ctx, const struct control_request *q, struct control_answer *ret);

struct control_route {
	const char *path;       /* "/v1/trunks", or "/v1/trunks/" with a name behind it */
	bool is_prefix;
	bool is_metrics;        /* served on the metrics port, not on the socket */
	control_fn *get, *post, *patch, *del; /* NULL: 405, Allow says which there are */
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
