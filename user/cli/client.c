/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/out.h"
#include "cli/show.h"

/* A status of 100,000 trunks has some 40 MB; what is larger does not come from our daemon. */
#define BODY_MAX (256u << 20)
#define TIMEOUT_S 30L

struct body {
	char *p;
	size_t len;
};

static void body_done(struct body *b)
{
	free(b->p);
}

static void curl_closep(CURL **c)
{
	if (*c)
		curl_easy_cleanup(*c);
}

static bool body_add(struct body *b, const char *data, size_t len)
{
	char *p;

	if (len > BODY_MAX - b->len)
		return false;
	p = realloc(b->p, b->len + len + 1);
	if (!p)
		return false;
	memcpy(p + b->len, data, len);
	b->p = p;
	b->len += len;
	return true;
}

static size_t on_data(char *data, size_t size, size_t cnt, void *ctx)
{
	return body_add(ctx, data, size * cnt) ? size * cnt : 0;
}

char *client_path(const char *prefix, const char *name)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t len = strlen(prefix), max = len + 3 * strlen(name) + 1;
	char *path = malloc(max), *p = path;

	if (!path)
		return NULL;
	memcpy(p, prefix, len);
	p += len;
	for (; *name; name++) {
		if (strchr(plain, *name))
			*p++ = *name;
		else
			p += sprintf(p, "%%%02X", (unsigned char)*name);
	}
	*p = '\0';
	return path;
}

/* A path that is too long for a socket is a host that libcurl cannot resolve. */
static bool is_unreachable(CURLcode code)
{
	return code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST;
}

static int not_reached(const struct cli *cli, CURL *c, CURLcode code)
{
	long os = 0;

	curl_easy_getinfo(c, CURLINFO_OS_ERRNO, &os);
	if (os == EACCES || os == EPERM)
		cli_error("%s: permission denied: be root or in the group sipseal", cli->socket);
	else
		cli_error("sipseald is not reachable at %s (%s)\n"
			  "  start it:        systemctl start sipseald, or sipseald -c "
			  "/etc/sipseal/sipseal.yaml\n"
			  "  another socket:  -s SOCKET, or SIPSEAL_SOCKET in the environment",
			  cli->socket, os ? strerror((int)os) : curl_easy_strerror(code));
	return CLI_NO_DAEMON;
}

static void print_problem(const json_t *e)
{
	const char *key = json_string_value(json_object_get(e, "key"));
	const char *text = json_string_value(json_object_get(e, "message"));
	const char *allowed = json_string_value(json_object_get(e, "allowed"));
	const char *file = json_string_value(json_object_get(e, "file"));
	CLEANUP(freep) char *safe = NULL, *line = NULL;
	const json_t *at = json_object_get(e, "line");
	char pos[48] = "";

	if (at)
		snprintf(pos, sizeof(pos), ":%" JSON_INTEGER_FORMAT ":%" JSON_INTEGER_FORMAT,
			 json_integer_value(at), json_integer_value(json_object_get(e, "col")));
	if (asprintf(&line, "%s%s%s%s%s%s%s%s", file ? file : "", file ? pos : "", file ? ": " : "", key ? key : "",
		     key ? ": " : "", text ? text : "", allowed ? ", allowed: " : "", allowed ? allowed : "") < 0) {
		line = NULL;
		return;
	}
	safe = out_escape(line);
	fprintf(stderr, "  %s\n", safe ? safe : "out of memory");
}

/* One problem whose words are those of the message: said once. */
static bool is_said(const char *message, const json_t *errors)
{
	const json_t *e = json_array_get(errors, 0);
	const char *key = json_string_value(json_object_get(e, "key"));
	const char *text = json_string_value(json_object_get(e, "message"));

	return json_array_size(errors) == 1 && message && key && text && strstr(message, key) &&
	       strstr(message, text) && !json_object_get(e, "allowed");
}

/* Return: exit code of an answer that is no 2xx; the daemon's own words are printed. */
static int refused(const char *path, long status, const json_t *body)
{
	const json_t *error = json_object_get(body, "error"), *e;
	const char *text = json_string_value(json_object_get(error, "message"));
	const char *code = json_string_value(json_object_get(error, "code"));
	CLEANUP(freep) char *safe = out_escape(text ? text : "no reason given");
	CLEANUP(freep) char *safe_code = out_escape(code ? code : path);
	size_t i;

	cli_error("%s (%s)", safe ? safe : "out of memory", safe_code ? safe_code : "?");
	json_array_foreach(json_object_get(error, "errors"), i, e)
		if (!is_said(text, json_object_get(error, "errors")))
			print_problem(e);
	if (status == 404)
		return CLI_NOT_FOUND;
	return (status >= 400 && status < 500) || status == 507 ? CLI_REFUSED : CLI_FAILED;
}

int client_no_trunk(int r, const char *name)
{
	CLEANUP(freep) char *safe = out_escape(name);

	if (r == CLI_NOT_FOUND)
		fprintf(stderr, "  %s: 'sipseal trunk list' shows those there are\n", safe ? safe : "?");
	return r;
}

static CURLcode prepare(const struct cli *cli, CURL *c, const char *path)
{
	CLEANUP(freep) char *url = NULL;

	if (asprintf(&url, "http://localhost%s", path) < 0) {
		url = NULL;
		return CURLE_OUT_OF_MEMORY;
	}
	curl_easy_setopt(c, CURLOPT_URL, url); /* copied */
	curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, cli->socket);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(c, CURLOPT_PROXY, ""); /* whatever http_proxy says */
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	return CURLE_OK;
}

/* Return: exit code of what libcurl did; the HTTP status is in *ret_status. */
static int perform(const struct cli *cli, CURL *c, long *ret_status)
{
	CURLcode code = curl_easy_perform(c);

	if (is_unreachable(code))
		return not_reached(cli, c, code);
	if (code != CURLE_OK) {
		cli_error("%s: %s", cli->socket, curl_easy_strerror(code));
		return CLI_FAILED;
	}
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, ret_status);
	return CLI_OK;
}

static void slist_freep(struct curl_slist **l)
{
	curl_slist_free_all(*l);
}

static CURL *client_new(void)
{
	CURL *c = curl_easy_init();

	if (!c)
		cli_error("libcurl does not start");
	return c;
}

static bool is_error(const json_t *answer, const char *code)
{
	const char *found = json_string_value(json_object_get(json_object_get(answer, "error"), "code"));

	return code && found && strcmp(code, found) == 0;
}

struct call {
	const char *method, *path;
	const json_t *body;
	const char *may; /* error code that is an answer, or NULL */
};

static int call(const struct cli *cli, const struct call *q, json_t **ret)
{
	CLEANUP(curl_closep) CURL *c = client_new();
	CLEANUP(slist_freep) struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	CLEANUP(freep) char *text = q->body ? json_dumps(q->body, JSON_COMPACT) : NULL;
	CLEANUP(body_done) struct body answer = { 0 };
	json_t *json;
	long status = 0;
	int r;

	if (!c)
		return CLI_FAILED;
	if (!headers || (q->body && !text) || prepare(cli, c, q->path) != CURLE_OK) {
		cli_error("out of memory");
		return CLI_FAILED;
	}
	curl_easy_setopt(c, CURLOPT_TIMEOUT, TIMEOUT_S);
	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, q->method);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, &answer);
	if (text) {
		curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)strlen(text));
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, text);
	}
	if ((r = perform(cli, c, &status)))
		return r;
	json = answer.p ? json_loadb(answer.p, answer.len, 0, NULL) : NULL;
	if (status >= 200 && status < 300 && (json || !answer.len)) {
		*ret = json ? json : json_null();
		return CLI_OK;
	}
	if (is_error(json, q->may))
		*ret = NULL;
	r = is_error(json, q->may) ? CLI_OK : refused(q->path, status, json);
	json_decref(json);
	return r;
}

int client_call(const struct cli *cli, const char *method, const char *path, const json_t *body, json_t **ret)
{
	const struct call q = { .method = method, .path = path, .body = body };

	return call(cli, &q, ret);
}

int client_get(const struct cli *cli, const char *path, json_t **ret)
{
	return client_call(cli, "GET", path, NULL, ret);
}

int client_try(const struct cli *cli, const char *method, const char *path, const json_t *body, const char *code,
	       json_t **ret)
{
	const struct call q = { .method = method, .path = path, .body = body, .may = code };

	return call(cli, &q, ret);
}

int client_reload(const struct cli *cli, const char *path, json_t *body,
		  void (*show)(FILE *f, const json_t *answer))
{
	json_t *o = NULL;
	int r = client_call(cli, "POST", path, body, &o);

	json_decref(body);
	if (r)
		return r;
	if (cli->json) {
		out_json(stdout, o);
	} else {
		show_warnings(stderr, o);
		show(stdout, o);
	}
	json_decref(o);
	return CLI_OK;
}

/* An answer that is read as it comes; what is refused is collected like any other. */
struct stream {
	CURL *curl;
	struct body refusal;
	const struct client_stream *to;
	int ended;            /* what the caller's functions returned */
};

static void stream_done(struct stream *s)
{
	if (s->curl)
		curl_easy_cleanup(s->curl);
	free(s->refusal.p);
}

static size_t on_stream(char *data, size_t size, size_t cnt, void *ctx)
{
	struct stream *s = ctx;
	size_t n = size * cnt;
	long status = 0;

	curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200)
		return on_data(data, size, cnt, &s->refusal);
	s->ended = s->to->on_data(s->to->ctx, data, n);
	return s->ended ? 0 : n;
}

/* libcurl asks about once a second, and whenever something happens: a signal does. */
static int on_time(void *ctx, curl_off_t dl_total, curl_off_t dl_now, curl_off_t ul_total, curl_off_t ul_now)
{
	struct stream *s = ctx;

	(void)dl_total, (void)dl_now, (void)ul_total, (void)ul_now;
	return s->ended = s->ended || (s->to->on_time && s->to->on_time(s->to->ctx));
}

int client_stream(const struct cli *cli, const char *path, const struct client_stream *to)
{
	CLEANUP(stream_done) struct stream s = { .curl = client_new(), .to = to };
	long status = 0;
	CURLcode code;
	json_t *json;
	int r;

	if (!s.curl || prepare(cli, s.curl, path) != CURLE_OK)
		return CLI_FAILED;
	curl_easy_setopt(s.curl, CURLOPT_WRITEFUNCTION, on_stream);
	curl_easy_setopt(s.curl, CURLOPT_WRITEDATA, &s);
	curl_easy_setopt(s.curl, CURLOPT_XFERINFOFUNCTION, on_time);
	curl_easy_setopt(s.curl, CURLOPT_XFERINFODATA, &s);
	curl_easy_setopt(s.curl, CURLOPT_NOPROGRESS, 0L);
	code = curl_easy_perform(s.curl);
	if (s.ended)
		return CLI_OK;
	if (is_unreachable(code))
		return not_reached(cli, s.curl, code);
	if (code != CURLE_OK) {
		cli_error("the daemon has ended the stream: %s", curl_easy_strerror(code));
		return CLI_NO_DAEMON;
	}
	curl_easy_getinfo(s.curl, CURLINFO_RESPONSE_CODE, &status);
	if (status == 200)
		return CLI_OK;
	json = s.refusal.p ? json_loadb(s.refusal.p, s.refusal.len, 0, NULL) : NULL;
	r = refused(path, status, json);
	json_decref(json);
	return r;
}

struct lines {
	struct body part;
	int (*on_line)(void *ctx, const char *line);
	void *ctx;
	bool is_bad;          /* too long, or no memory */
};

static int on_lines(void *ctx, const char *data, size_t len)
{
	struct lines *l = ctx;
	size_t used = 0;
	int ended = 0;
	char *nl;

	l->is_bad = !body_add(&l->part, data, len);
	if (l->is_bad)
		return 1;
	while (!ended && (nl = memchr(l->part.p + used, '\n', l->part.len - used))) {
		*nl = '\0';
		ended = l->on_line(l->ctx, l->part.p + used);
		used = (size_t)(nl - l->part.p) + 1;
	}
	memmove(l->part.p, l->part.p + used, l->part.len - used);
	l->part.len -= used;
	return ended;
}

int client_lines(const struct cli *cli, const char *path, int (*on_line)(void *ctx, const char *line), void *ctx)
{
	struct lines l = { .on_line = on_line, .ctx = ctx };
	int r = client_stream(cli, path, &(const struct client_stream){ .on_data = on_lines, .ctx = &l });

	body_done(&l.part);
	if (l.is_bad)
		cli_error("an answer that is too long, or no memory for it");
	return l.is_bad ? CLI_FAILED : r;
}
