/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/control.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "daemon/listen.h"

#define CONNECTIONS_MAX 64
#define REQUEST_MAX (16 * 1024)
#define TOTAL_TIMEOUT_S 10

/* An open connection: MHD's own timeout starts anew with each byte, ours does not. */
struct peer {
	struct peer *next, **link;
	int fd;
	uint64_t deadline_ns;
};

struct server {
	struct control *control;
	bool is_metrics;
	int fd; /* bound; MHD's once it runs */
	struct MHD_Daemon *mhd;
	struct peer *peers;
};

struct control {
	const struct control_route *routes;
	void *ctx;
	char *path;		  /* of the socket file that is ours, or NULL */
	struct stat stat;	  /* of it: another daemon may have put its own there */
	struct server servers[2]; /* socket, metrics */
};

int control_error(struct control_answer *a, unsigned status, const char *code, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	a->status = status;
	a->json = json_pack("{s:{s:s,s:s}}", "error", "code", code, "message", text);
	return a->json ? 0 : -ENOMEM;
}

/* Return: the route for @url; *ret_tail is set for prefixes. */
static const struct control_route *route_find(const struct server *s, const char *url,
					      const char **ret_tail)
{
	for (const struct control_route *r = s->control->routes; r->path; r++) {
		size_t len = strlen(r->path);

		if (r->is_metrics != s->is_metrics || strncmp(url, r->path, len))
			continue;
		*ret_tail = url + len;
		if (r->is_prefix ? url[len] != '\0' : url[len] == '\0')
			return r;
	}
	return NULL;
}

static int answer_make(const struct server *s, const char *method, const char *url,
		       struct control_answer *a)
{
	const char *tail = "";
	const struct control_route *route = route_find(s, url, &tail);

	if (!route)
		return control_error(a, MHD_HTTP_NOT_FOUND, "not_found", "no such path");
	if (strcmp(method, "GET") && strcmp(method, "HEAD"))
		return control_error(a, MHD_HTTP_METHOD_NOT_ALLOWED, "method_not_allowed",
				     "this path takes GET");
	return route->get(s->control->ctx, tail, a);
}

static enum MHD_Result answer_send(struct MHD_Connection *c, struct control_answer *a)
{
	const char *type =
		a->json ? "application/json" : "text/plain; version=0.0.4; charset=utf-8";
	char *body = a->json ? json_dumps(a->json, JSON_COMPACT | JSON_ENSURE_ASCII) : a->text;
	struct MHD_Response *r;
	enum MHD_Result ret;

	if (a->json)
		json_decref(a->json);
	if (!body)
		return MHD_NO;
	r = MHD_create_response_from_buffer(strlen(body), body, MHD_RESPMEM_MUST_FREE);
	if (!r) {
		free(body);
		return MHD_NO;
	}
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (a->status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	ret = MHD_queue_response(c, a->status ? a->status : MHD_HTTP_OK, r);
	MHD_destroy_response(r);
	return ret;
}

/* Answered at the first call, when only the headers are there: no request has a body, and one that
 * comes with it is not read. */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *conn, const char *url,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_len, void **req)
{
	struct control_answer a = { 0 };
	const struct server *s = cls;

	(void)version, (void)upload, (void)upload_len, (void)req;
	if (answer_make(s, method, url, &a) < 0) {
		if (a.json)
			json_decref(a.json);
		free(a.text);
		return MHD_NO;
	}
	return answer_send(conn, &a);
}

static void peer_rearm(struct peer *p)
{
	p->deadline_ns = clock_mono_ns() + TOTAL_TIMEOUT_S * 1000000000ull;
}

static void on_connection(void *cls, struct MHD_Connection *conn, void **ctx,
			  enum MHD_ConnectionNotificationCode code)
{
	struct server *s = cls;
	struct peer *p = *ctx;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		const union MHD_ConnectionInfo *i =
			MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);

		p = calloc(1, sizeof(*p));
		if (!p || !i) { /* then only MHD's own timeout holds */
			free(p);
			return;
		}
		p->fd = i->connect_fd;
		peer_rearm(p);
		p->next = s->peers;
		p->link = &s->peers;
		if (p->next)
			p->next->link = &p->next;
		s->peers = p;
		*ctx = p;
	} else if (p) {
		*p->link = p->next;
		if (p->next)
			p->next->link = p->link;
		free(p);
		*ctx = NULL;
	}
}

static void on_completed(void *cls, struct MHD_Connection *conn, void **req,
			 enum MHD_RequestTerminationCode code)
{
	const union MHD_ConnectionInfo *i =
		MHD_get_connection_info(conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	(void)cls, (void)req, (void)code;
	if (i && i->socket_context)
		peer_rearm(i->socket_context);
}

int control_open(const struct control_cfg *cfg, struct control **ret, char reterr[CONTROL_ERR_LEN])
{
	CLEANUP(control_closep) struct control *c = calloc(1, sizeof(*c));

	if (!c) {
		snprintf(reterr, CONTROL_ERR_LEN, "out of memory");
		return -ENOMEM;
	}
	c->routes = cfg->routes;
	c->ctx = cfg->ctx;
	c->servers[0] = (struct server){ .control = c, .fd = -1 };
	c->servers[1] = (struct server){ .control = c, .fd = -1, .is_metrics = true };
	c->servers[0].fd = listen_unix(cfg->socket, cfg->group, reterr, CONTROL_ERR_LEN);
	if (c->servers[0].fd < 0)
		return c->servers[0].fd;
	if (lstat(cfg->socket, &c->stat) < 0 || !(c->path = strdup(cfg->socket))) {
		int r = -errno;

		snprintf(reterr, CONTROL_ERR_LEN, "control.socket %s: %s", cfg->socket,
			 strerror(-r));
		unlink(cfg->socket);
		return r;
	}
	if (cfg->metrics) {
		c->servers[1].fd = listen_tcp(cfg->metrics, reterr, CONTROL_ERR_LEN);
		if (c->servers[1].fd < 0)
			return c->servers[1].fd;
	}
	*ret = TAKE(c);
	return 0;
}

static int server_start(struct server *s)
{
	if (listen(s->fd, CONNECTIONS_MAX) < 0)
		return -errno;
	s->mhd = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, s,
				  MHD_OPTION_LISTEN_SOCKET, s->fd, MHD_OPTION_CONNECTION_LIMIT,
				  (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
				  (size_t)REQUEST_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
				  (unsigned)TOTAL_TIMEOUT_S, MHD_OPTION_NOTIFY_CONNECTION,
				  on_connection, s, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
				  MHD_OPTION_END);
	if (!s->mhd)
		return -EIO;
	s->fd = -1; /* MHD closes it */
	return 0;
}

int control_serve(struct control *c, char reterr[CONTROL_ERR_LEN])
{
	for (size_t i = 0; i < ARRAY_SIZE(c->servers); i++) {
		int r = c->servers[i].fd < 0 ? 0 : server_start(&c->servers[i]);

		if (r < 0) {
			snprintf(reterr, CONTROL_ERR_LEN, "%s: cannot serve: %s",
				 i ? "control.metrics" : "control.socket", strerror(-r));
			return r;
		}
	}
	return 0;
}

void control_close(struct control *c)
{
	struct stat st;

	if (!c)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(c->servers); i++) {
		if (c->servers[i].mhd)
			MHD_stop_daemon(c->servers[i].mhd);
		else if (c->servers[i].control)
			closep(&c->servers[i].fd);
	}
	if (c->path && lstat(c->path, &st) == 0 && st.st_ino == c->stat.st_ino &&
	    st.st_dev == c->stat.st_dev)
		unlink(c->path);
	free(c->path);
	free(c);
}

void control_fds(const struct control *c, int ret_fds[2])
{
	for (size_t i = 0; i < ARRAY_SIZE(c->servers); i++) {
		const union MHD_DaemonInfo *info =
			c->servers[i].mhd
				? MHD_get_daemon_info(c->servers[i].mhd, MHD_DAEMON_INFO_EPOLL_FD)
				: NULL;

		ret_fds[i] = info ? info->epoll_fd : -1;
	}
}

/* A connection over its time is shut down; MHD then sees its end and frees it. */
static int peers_expire(struct server *s)
{
	uint64_t now = clock_mono_ns();
	int next_ms = -1;

	for (struct peer *p = s->peers; p; p = p->next) {
		int left_ms;

		if (p->deadline_ns <= now) {
			shutdown(p->fd, SHUT_RDWR);
			peer_rearm(p);
		}
		left_ms = (int)((p->deadline_ns - now) / 1000000) + 1;
		if (next_ms < 0 || left_ms < next_ms)
			next_ms = left_ms;
	}
	return next_ms;
}

static int sooner(int a_ms, int b_ms)
{
	return a_ms < 0 ? b_ms : b_ms < 0 || a_ms < b_ms ? a_ms : b_ms;
}

int control_run(struct control *c)
{
	int next_ms = -1;

	for (size_t i = 0; i < ARRAY_SIZE(c->servers); i++) {
		struct server *s = &c->servers[i];
		MHD_UNSIGNED_LONG_LONG mhd_ms;

		if (!s->mhd)
			continue;
		next_ms = sooner(next_ms, peers_expire(s));
		MHD_run(s->mhd);
		if (MHD_get_timeout(s->mhd, &mhd_ms) == MHD_YES)
			next_ms = sooner(next_ms, mhd_ms > 60000 ? 60000 : (int)mhd_ms);
	}
	return next_ms;
}
