/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "daemon/control_body.h"
#include "daemon/control_internal.h"

int control_error(struct control_answer *a, unsigned status, const char *code, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (char *p = text; *p; p++) /* json_pack() takes UTF-8 only, and a cut may break that */
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
	a->status = status;
	a->json = json_pack("{s:{s:s,s:s}}", "error", "code", code, "message", text);
	return a->json ? 0 : -ENOMEM;
}

static int bad_json(struct control_answer *a, const struct control_body_error *e)
{
	a->status = MHD_HTTP_BAD_REQUEST;
	a->json = json_pack("{s:{s:s,s:s,s:[{s:s,s:i,s:i}]}}", "error", "code", "bad_json", "message",
			    "the body is not the JSON that this takes", "errors", "message", e->text, "line",
			    (int)e->line, "col", (int)e->col);
	return a->json ? 0 : -ENOMEM;
}

const char *control_query(const struct control_request *q, const char *name)
{
	const struct request *r = q->conn;

	for (unsigned i = 0; r && i < r->param_cnt; i++)
		if (strcmp(r->params[i].name, name) == 0)
			return r->params[i].value;
	return NULL;
}

const char *control_query_name(const struct control_request *q, size_t i)
{
	const struct request *r = q->conn;

	return r && i < r->param_cnt ? r->params[i].name : NULL;
}

/* MHD decodes in place, and a %00 would end the text there: we do it ourselves. */
static int param_add(struct request *q, const char *name, const char *value)
{
	struct param *p = &q->params[q->param_cnt];
	int r;

	if (q->param_cnt == PARAMS_MAX)
		return -E2BIG;
	p->name = strdup(name);
	p->value = strdup(value ? value : "");
	q->param_cnt++;
	if (!p->name || !p->value)
		return -ENOMEM;
	r = control_decode(name, p->name, strlen(name) + 1);
	return r < 0 || !value ? r : control_decode(value, p->value, strlen(value) + 1);
}

static enum MHD_Result on_param(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct request *q = cls;

	(void)kind;
	q->param_fault = param_add(q, name, value);
	return q->param_fault < 0 ? MHD_NO : MHD_YES;
}

static bool has_body(const char *method)
{
	return strcmp(method, "POST") == 0 || strcmp(method, "PATCH") == 0;
}

/* What can be said when only the headers are there.  Return: 0: go on; 1: answered; -ENOMEM. */
static int request_check(struct request *q, const char *method, const char *url, struct control_answer *a)
{
	const char *len = MHD_lookup_connection_value(q->mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
	const struct server *s = q->peer->server;
	int r;

	q->route = control_route_find(s->control->routes, s->is_metrics, url, q->tail);
	if (!q->route)
		return (r = control_error(a, MHD_HTTP_NOT_FOUND, "not_found", "no such path")) < 0 ? r : 1;
	if (!control_route_fn(q->route, method)) {
		control_route_allow(q->route, q->allow);
		r = control_error(a, MHD_HTTP_METHOD_NOT_ALLOWED, "method_not_allowed", "this path takes %s",
				  q->allow);
		return r < 0 ? r : 1;
	}
	MHD_get_connection_values(q->mhd, MHD_GET_ARGUMENT_KIND, on_param, q);
	if (q->param_fault == -ENOMEM)
		return -ENOMEM;
	if (q->param_fault < 0) {
		r = control_error(a, MHD_HTTP_BAD_REQUEST, "bad_query",
				  "the query is broken, or has more than %d parameters", PARAMS_MAX);
		return r < 0 ? r : 1;
	}
	if (!has_body(method) || !len || strtoull(len, NULL, 10) <= CONTROL_BODY_MAX)
		return 0;
	q->is_too_large = true;
	return 1;
}

static int answer_not_kept(const struct request *q, struct control_answer *a)
{
	if (q->is_busy)
		return control_error(a, MHD_HTTP_SERVICE_UNAVAILABLE, "busy",
				     "too many bodies are on their way: try again");
	return control_error(a, MHD_HTTP_CONTENT_TOO_LARGE, "too_large", "a body has at most %d bytes",
			     CONTROL_BODY_MAX);
}

static int answer_make(struct request *q, const char *method, struct control_answer *a)
{
	struct control_request r = { .method = method, .tail = q->tail, .uid = q->peer->client.uid,
				     .client = &q->peer->client, .conn = q };
	struct control_body_error e;
	json_t *body = NULL;
	int ret;

	if (q->is_too_large || q->is_busy)
		return answer_not_kept(q, a);
	if (r.uid && q->peer->server->answers >= CONTROL_ANSWERS_MAX)
		return control_error(a, MHD_HTTP_SERVICE_UNAVAILABLE, "busy",
				     "too many answers wait for their readers: try again");
	ret = q->len ? control_body_parse(q->body, q->len, &body, &e) : 0;
	if (ret == -EINVAL)
		return bad_json(a, &e);
	if (ret < 0)
		return ret;
	r.body = body;
	r.pid = q->peer->client.pid;
	ret = control_route_fn(q->route, method)(q->peer->server->control->ctx, &r, a);
	json_decref(body);
	return ret;
}

static void answer_done(struct control_answer *a)
{
	json_decref(a->json);
	free(a->text);
	if (a->stream.read && a->stream.done)
		a->stream.done(a->stream.ctx);
}

/* Return: NULL without memory; the answer's parts belong to the response or are gone. */
static struct MHD_Response *response_make(struct request *q, struct control_answer *a)
{
	struct control_stream stream = a->stream;
	struct MHD_Response *r;
	char *text;

	if (stream.read) {
		a->stream = (struct control_stream){ 0 };
		return control_stream_start(q, &stream);
	}
	text = a->json ? json_dumps(a->json, JSON_COMPACT | JSON_ENSURE_ASCII) : TAKE(a->text);
	if (!text)
		return NULL;
	q->answer_len = strlen(text);
	if (q->peer->client.uid)
		q->peer->server->answers += q->answer_len;
	r = MHD_create_response_from_buffer(q->answer_len, text, MHD_RESPMEM_MUST_FREE);
	if (!r)
		free(text);
	return r;
}

static enum MHD_Result answer_send(struct request *q, struct control_answer *a)
{
	const char *type = a->json	    ? "application/json"
			   : a->type	    ? a->type
			   : a->stream.read ? "application/x-ndjson"
					    : "text/plain; charset=utf-8";
	struct MHD_Response *r = response_make(q, a);
	unsigned status = a->status ? a->status : MHD_HTTP_OK;
	enum MHD_Result ret;

	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, q->allow);
	ret = MHD_queue_response(q->mhd, status, r);
	MHD_destroy_response(r);
	return ret;
}

static void body_free(struct request *q)
{
	if (q->peer->client.uid)
		q->peer->server->control->bodies -= q->cap;
	free(q->body);
	q->body = NULL;
	q->len = q->cap = 0;
}

/* The rest of a body that is not kept is read and forgotten: an answer before its end is none to MHD. */
static int body_add(struct request *q, const char *data, size_t len)
{
	struct control *c = q->peer->server->control;
	size_t cap = q->cap ? q->cap : 1024;
	char *more;

	if (q->is_too_large || q->is_busy)
		return 0;
	while (cap < q->len + len)
		cap *= 2;
	q->is_too_large = q->len + len > CONTROL_BODY_MAX;
	q->is_busy = q->peer->client.uid && c->bodies + cap - q->cap > CONTROL_BODIES_MAX;
	if (q->is_too_large || q->is_busy) {
		body_free(q);
		return 0;
	}
	if (cap != q->cap) {
		if (!(more = realloc(q->body, cap)))
			return -ENOMEM;
		if (q->peer->client.uid)
			c->bodies += cap - q->cap;
		q->body = more;
		q->cap = cap;
	}
	memcpy(q->body + q->len, data, len);
	q->len += len;
	return 0;
}

static struct request *request_new(struct MHD_Connection *conn)
{
	const union MHD_ConnectionInfo *i = MHD_get_connection_info(conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct request *q = i && i->socket_context ? calloc(1, sizeof(*q)) : NULL;

	if (!q)
		return NULL;
	q->peer = i->socket_context;
	q->mhd = conn;
	q->peer->request = q;
	return q;
}

/* The headers have come: what is refused by them is answered now, and its body never read. */
static enum MHD_Result on_headers(struct MHD_Connection *conn, const char *url, const char *method, void **req)
{
	CLEANUP(answer_done) struct control_answer a = { 0 };
	struct request *q = *req = request_new(conn);
	int r = q ? request_check(q, method, url, &a) : -ENOMEM;

	if (r == 0)
		return MHD_YES;
	if (r > 0 && q->is_too_large)
		r = answer_not_kept(q, &a);
	return r < 0 ? MHD_NO : answer_send(q, &a);
}

enum MHD_Result control_on_request(void *cls, struct MHD_Connection *conn, const char *url, const char *method,
				   const char *version, const char *upload, size_t *upload_len, void **req)
{
	CLEANUP(answer_done) struct control_answer a = { 0 };
	struct request *q = *req;
	uint64_t start_ns;
	int made;

	(void)cls, (void)version;
	if (!q)
		return on_headers(conn, url, method, req);
	if (*upload_len) {
		int r = has_body(method) ? body_add(q, upload, *upload_len) : 0;

		*upload_len = 0;
		return r < 0 ? MHD_NO : MHD_YES;
	}
	start_ns = clock_mono_ns();
	made = answer_make(q, method, &a);
	peers_wait(q->peer->server->control, clock_mono_ns() - start_ns);
	if (made < 0)
		return MHD_NO;
	body_free(q);
	if (a.stream.read && !control_streams_may(q->peer->server, q->peer->client.uid)) {
		answer_done(&a);
		a = (struct control_answer){ 0 };
		if (control_error(&a, MHD_HTTP_SERVICE_UNAVAILABLE, "too_many_streams",
				  "one user may have %d streams, all but root %d", CONTROL_STREAMS_MAX,
				  CONTROL_STREAMS_OTHERS_MAX) < 0)
			return MHD_NO;
	}
	return answer_send(q, &a);
}

void control_on_completed(void *cls, struct MHD_Connection *conn, void **req, enum MHD_RequestTerminationCode code)
{
	struct request *q = *req;

	(void)cls, (void)conn, (void)code;
	if (!q)
		return;
	control_stream_done(q);
	body_free(q);
	if (q->peer->client.uid)
		q->peer->server->answers -= q->answer_len;
	for (unsigned i = 0; i < q->param_cnt; i++) {
		free(q->params[i].name);
		free(q->params[i].value);
	}
	q->peer->request = NULL;
	peer_rearm(q->peer);
	free(q);
	*req = NULL;
}
