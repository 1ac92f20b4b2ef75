/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "daemon/control_internal.h"
#include "daemon/listen.h"

/* Room for those that are being ended: MHD must accept the one that makes us end another. */
#define MHD_CONNECTIONS_MAX (2 * CONTROL_CONNECTIONS_MAX)

#define NO_UID ((uid_t)-1)

void peer_rearm(struct peer *p)
{
	p->deadline_ns = clock_mono_ns() + TOTAL_TIMEOUT_S * 1000000000ull;
}

void peers_wait(struct control *c, uint64_t ns)
{
	for (size_t i = 0; i < ARRAY_SIZE(c->servers); i++)
		for (struct peer *p = c->servers[i].peers; p; p = p->next)
			p->deadline_ns += p->deadline_ns == UINT64_MAX ? 0 : ns;
}

static void client_read(struct peer *p)
{
	struct ucred cred;
	socklen_t len = sizeof(cred), groups_len = sizeof(p->client.groups);

	p->client = (struct control_client){ .uid = NO_UID, .gid = (gid_t)-1 };
	if (p->server->is_metrics || getsockopt(p->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return;
	p->client.uid = cred.uid;
	p->client.gid = cred.gid;
	p->client.pid = cred.pid;
	if (getsockopt(p->fd, SOL_SOCKET, SO_PEERGROUPS, p->client.groups, &groups_len) == 0)
		p->client.group_cnt = (unsigned)(groups_len / sizeof(gid_t));
}

static struct peer *peer_new(struct server *s, int fd)
{
	struct peer *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->server = s;
	p->fd = fd;
	client_read(p);
	peer_rearm(p);
	p->next = s->peers;
	p->link = &s->peers;
	if (p->next)
		p->next->link = &p->next;
	return s->peers = p;
}

static void on_connection(void *cls, struct MHD_Connection *conn, void **ctx,
			  enum MHD_ConnectionNotificationCode code)
{
	struct peer *p = *ctx;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		const union MHD_ConnectionInfo *i =
			MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);

		*ctx = i ? peer_new(cls, i->connect_fd) : NULL;
		if (i && !*ctx) /* nobody would look at its time */
			shutdown(i->connect_fd, SHUT_RDWR);
	} else if (p) {
		*p->link = p->next;
		if (p->next)
			p->next->link = p->link;
		free(p);
		*ctx = NULL;
	}
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
	c->epoll_fd = -1;
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

/* Paths and parameters come to us as they were sent. */
static size_t no_unescape(void *cls, struct MHD_Connection *conn, char *s)
{
	(void)cls, (void)conn;
	return strlen(s);
}

static int server_start(struct server *s)
{
	if (listen(s->fd, SOMAXCONN) < 0) /* the limit is ours: nobody is told that there is no daemon */
		return -errno;
	s->mhd = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, control_on_request, s,
				  MHD_OPTION_LISTEN_SOCKET, s->fd, MHD_OPTION_CONNECTION_LIMIT,
				  (unsigned)MHD_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
				  (size_t)REQUEST_MAX, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
				  s, MHD_OPTION_NOTIFY_COMPLETED, control_on_completed, s,
				  MHD_OPTION_UNESCAPE_CALLBACK, no_unescape, NULL, MHD_OPTION_END);
	if (!s->mhd)
		return -EIO;
	s->fd = -1; /* MHD closes it */
	return 0;
}

static int mhd_epoll_fd(const struct server *s)
{
	const union MHD_DaemonInfo *info = s->mhd ? MHD_get_daemon_info(s->mhd, MHD_DAEMON_INFO_EPOLL_FD) : NULL;

	return info ? info->epoll_fd : -1;
}

/* Our set holds MHD's, which can be watched like any descriptor. */
static int epoll_start(struct control *c)
{
	struct epoll_event e = { .events = EPOLLIN };

	c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (c->epoll_fd < 0 || epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, mhd_epoll_fd(&c->servers[0]), &e) < 0)
		return -errno;
	return 0;
}

int control_serve(struct control *c, char reterr[CONTROL_ERR_LEN])
{
	for (size_t i = 0; i < ARRAY_SIZE(c->servers); i++) {
		int r = c->servers[i].fd < 0 ? 0 : server_start(&c->servers[i]);

		if (r == 0 && i == 0)
			r = epoll_start(c);
		if (r < 0) {
			snprintf(reterr, CONTROL_ERR_LEN, "%s: cannot serve: %s",
				 i ? "control.metrics" : "control.socket", strerror(-r));
			return r;
		}
	}
	return 0;
}

static void server_stop(struct server *s)
{
	for (struct peer *p = s->peers; p; p = p->next)
		if (p->request) /* MHD will not stop while one is suspended */
			control_stream_end(p->request);
	if (s->mhd)
		MHD_stop_daemon(s->mhd);
	else if (s->control)
		closep(&s->fd);
}

void control_close(struct control *c)
{
	struct stat st;

	if (!c)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(c->servers); i++)
		server_stop(&c->servers[i]);
	closep(&c->epoll_fd);
	if (c->path && lstat(c->path, &st) == 0 && st.st_ino == c->stat.st_ino &&
	    st.st_dev == c->stat.st_dev)
		unlink(c->path);
	free(c->path);
	free(c);
}

void control_fds(const struct control *c, int ret_fds[2])
{
	ret_fds[0] = c->epoll_fd;
	ret_fds[1] = mhd_epoll_fd(&c->servers[1]);
}

/* A connection that is over is shut down; MHD then sees its end and frees it. */
static void peer_end(struct peer *p)
{
	shutdown(p->fd, SHUT_RDWR);
	p->is_ending = true;
	if (p->request)
		control_stream_end(p->request);
}

static int peers_expire(struct server *s)
{
	uint64_t now = clock_mono_ns();
	int next_ms = -1;

	for (struct peer *p = s->peers; p; p = p->next) {
		int left_ms;

		if (p->deadline_ns == UINT64_MAX)
			continue;
		if (p->deadline_ns <= now) {
			peer_end(p);
			peer_rearm(p);
		}
		left_ms = (int)((p->deadline_ns - now) / 1000000) + 1;
		if (next_ms < 0 || left_ms < next_ms)
			next_ms = left_ms;
	}
	return next_ms;
}

static unsigned peers_of(const struct server *s, uid_t uid)
{
	unsigned n = 0;

	for (const struct peer *p = s->peers; p; p = p->next)
		n += p->client.uid == uid && !p->is_ending;
	return n;
}

/* How dear a connection is: 0 no request yet, 1 one is on its way, 2 a stream. */
static int peer_rank(const struct peer *p)
{
	return !p->request ? 0 : p->request->stream.read ? 2 : 1;
}

/* Who has to go: of the user with most connections, root's only when nobody else has any, the least dear and then
 * the oldest. */
static struct peer *victim(const struct server *s)
{
	struct peer *ret = NULL;
	unsigned ret_share = 0;

	for (struct peer *p = s->peers; p; p = p->next) {
		unsigned share = p->is_ending ? 0 : p->client.uid == 0 ? 1 : 1 + peers_of(s, p->client.uid);

		if (!share || share < ret_share)
			continue;
		/* newest first in the list: of equals the last one is the oldest */
		if (share > ret_share || p->client.uid != ret->client.uid || peer_rank(p) <= peer_rank(ret)) {
			ret = p;
			ret_share = share;
		}
	}
	return ret;
}

/* Return: did somebody have to go? */
static bool peers_make_room(struct server *s)
{
	unsigned n = 0;

	for (const struct peer *p = s->peers; p; p = p->next)
		n += !p->is_ending;
	for (unsigned i = CONTROL_CONNECTIONS_MAX; i < n; i++)
		peer_end(victim(s));
	return n > CONTROL_CONNECTIONS_MAX;
}

static int sooner(int a_ms, int b_ms)
{
	return a_ms < 0 ? b_ms : b_ms < 0 || a_ms < b_ms ? a_ms : b_ms;
}

int control_run(struct control *c)
{
	int next_ms = -1;

	control_streams_look(c);
	for (size_t i = 0; i < ARRAY_SIZE(c->servers); i++) {
		struct server *s = &c->servers[i];
		MHD_UNSIGNED_LONG_LONG mhd_ms;

		if (!s->mhd)
			continue;
		next_ms = sooner(next_ms, peers_expire(s));
		MHD_run(s->mhd);
		if (peers_make_room(s))
			next_ms = 0;
		if (MHD_get_timeout(s->mhd, &mhd_ms) == MHD_YES)
			next_ms = sooner(next_ms, mhd_ms > 60000 ? 60000 : (int)mhd_ms);
	}
	return next_ms;
}
