/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/epoll.h>

#include "daemon/control_internal.h"

#define BLOCK_SIZE (16 * 1024)
#define EVENTS_MAX 16

/* EPOLLHUP is always told; on a UNIX socket it means that the other end is closed, not only half. */
static void watch(struct request *q)
{
	struct epoll_event e = { .data.ptr = q };

	epoll_ctl(q->peer->server->control->epoll_fd, EPOLL_CTL_ADD, q->peer->fd, &e);
}

static void resume(struct request *q)
{
	if (!q->is_suspended)
		return;
	q->is_suspended = false;
	epoll_ctl(q->peer->server->control->epoll_fd, EPOLL_CTL_DEL, q->peer->fd, NULL);
	MHD_resume_connection(q->mhd);
}

static ssize_t on_read(void *cls, uint64_t pos, char *buf, size_t max)
{
	struct request *q = cls;
	ssize_t n;

	(void)pos;
	if (q->is_gone)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	n = q->stream.read(q->stream.ctx, buf, max);
	if (n < 0)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (n == 0) {
		q->is_suspended = true;
		watch(q);
		MHD_suspend_connection(q->mhd);
	}
	return n;
}

struct MHD_Response *control_stream_start(struct request *q, const struct control_stream *s)
{
	struct MHD_Response *r;

	q->stream = *s;
	r = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_SIZE, on_read, q, NULL);
	if (!r) {
		control_stream_done(q);
		return NULL;
	}
	/* quiet for as long as there are no calls, and a reader may take its time */
	q->peer->deadline_ns = UINT64_MAX;
	return r;
}

void control_stream_done(struct request *q)
{
	struct control_stream s = q->stream;

	q->stream = (struct control_stream){ 0 };
	if (s.read && s.done)
		s.done(s.ctx);
}

void control_stream_end(struct request *q)
{
	q->is_gone = true;
	resume(q);
}

void control_streams_look(struct control *c)
{
	struct epoll_event e[EVENTS_MAX];
	int n = c->epoll_fd < 0 ? 0 : epoll_wait(c->epoll_fd, e, EVENTS_MAX, 0);

	for (int i = 0; i < n; i++)
		if (e[i].data.ptr) /* NULL: MHD's own set */
			control_stream_end(e[i].data.ptr);
}

bool control_streams_may(const struct server *s, uid_t uid)
{
	unsigned own = 0, others = 0;

	for (const struct peer *p = s->peers; p; p = p->next) {
		bool is_stream = p->request && p->request->stream.read;

		own += is_stream && p->client.uid == uid;
		others += is_stream && p->client.uid != 0;
	}
	return own < CONTROL_STREAMS_MAX && (uid == 0 || others < CONTROL_STREAMS_OTHERS_MAX);
}

void control_wake(void *conn)
{
	resume(conn);
}
