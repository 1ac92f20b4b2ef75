/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * httpsd - an HTTPS server on loopback that behaves well or badly, by the path that is asked for.
 *
 * One thread accepts, one more serves each connection; all end when the server is stopped.
 */
#ifndef SIPSEAL_TEST_HTTPSD_H
#define SIPSEAL_TEST_HTTPSD_H

#include "guard.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>

#include <openssl/ssl.h>

#include "base/cleanup.h"

#define HTTPSD_CONNS 256
#define HTTPSD_GONE_MS 10000 /* longest wait for a client that does not close */

struct httpsd_conn;
typedef bool httpsd_page(struct httpsd_conn *c, const char *path); /* false: as /good and the like */

struct httpsd {
	int fd, stop[2];
	httpsd_page *page;           /* NULL: none */
	uint16_t port;
	SSL_CTX *ctx;                /* NULL: takes connections and never says a word */
	pthread_t thread, conns[HTTPSD_CONNS];
	unsigned conn_cnt;
	_Atomic unsigned accepted, requests, answer; /* answer: what /changes says */
};

struct httpsd_conn {
	struct httpsd *s;
	int fd;
	SSL *ssl;
};

static inline bool httpsd_say(struct httpsd_conn *c, const char *text)
{
	return SSL_write(c->ssl, text, (int)strlen(text)) > 0;
}

/* Return: false: the server is stopped or the client is gone. */
static inline bool httpsd_wait(struct httpsd_conn *c, int ms)
{
	struct pollfd p[] = { { .fd = c->fd, .events = POLLRDHUP }, { .fd = c->s->stop[0], .events = POLLIN } };

	return poll(p, 2, ms) == 0;
}

static inline void httpsd_many(struct httpsd_conn *c, const char *what, unsigned cnt)
{
	while (cnt-- && httpsd_say(c, what))
		;
}

static inline void httpsd_drip(struct httpsd_conn *c)
{
	if (!httpsd_say(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"))
		return;
	for (unsigned i = 0; i < 1000 && httpsd_wait(c, 100) && httpsd_say(c, "x"); i++)
		;
}

static inline void httpsd_changes(struct httpsd_conn *c)
{
	char text[128];

	snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%u", c->s->answer++ % 10);
	httpsd_say(c, text);
}

static inline void httpsd_behave(struct httpsd_conn *c, const char *path)
{
	static char kib[1025], line[1100];
	static const struct { const char *path, *text; } fixed[] = {
		{ "/good", "HTTP/1.1 200 OK\r\nContent-Type: application/pem-certificate-chain\r\nContent-Length: 5\r\n\r\nhello" },
		{ "/kept", "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nCache-Control: public, max-age=3600\r\nAge: 600\r\n"
			   "Content-Length: 2\r\n\r\nok" },
		{ "/nostore", "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nCache-Control: no-store, max-age=3600\r\n"
			      "Content-Length: 2\r\n\r\nok" },
		{ "/hints", "HTTP/1.1 103 Early Hints\r\nCache-Control: max-age=1\r\n\r\n"
			    "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 2\r\n\r\nok" },
		{ "/trailer", "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
			      "2\r\nok\r\n0\r\nCache-Control: max-age=60\r\n\r\n" },
		{ "/302", "HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1:1/good\r\nContent-Length: 0\r\n\r\n" },
		{ "/404", "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone" },
		{ "/429", "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 4\r\n\r\nwait" },
		{ "/500", "HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops" },
		{ "/204", "HTTP/1.1 204 No Content\r\n\r\n" },
		{ "/html", "HTTP/1.1 200 OK\r\nContent-Type: text/html\x01\xff\r\nContent-Length: 2\r\n\r\nok" },
		{ "/gzip", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok" },
		{ "/early", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nthat is all" },
		{ "/nothing", "" },
		{ "/old", "just a body\r\n" },
		{ "/claim", "HTTP/1.1 200 OK\r\nContent-Length: 10485760\r\n\r\nthe rest never comes" },
	};

	if (c->s->page && c->s->page(c, path))
		return;
	memset(kib, 'x', 1024);
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		if (strcmp(path, fixed[i].path) == 0 && *fixed[i].text)
			httpsd_say(c, fixed[i].text);
	if (strcmp(path, "/claim") == 0 || strcmp(path, "/hang") == 0)
		httpsd_wait(c, HTTPSD_GONE_MS);
	if (strcmp(path, "/drip") == 0)
		httpsd_drip(c);
	if (strcmp(path, "/changes") == 0)
		httpsd_changes(c);
	if (strcmp(path, "/edge") == 0 && httpsd_say(c, "HTTP/1.1 200 OK\r\nContent-Length: 65536\r\n\r\n"))
		httpsd_many(c, kib, 64);
	if (strcmp(path, "/big") == 0 && httpsd_say(c, "HTTP/1.1 200 OK\r\n\r\n"))
		httpsd_many(c, kib, 10 * 1024);
	snprintf(line, sizeof(line), "X-Long: %s\r\n", kib);
	if (strcmp(path, "/headers") == 0 && httpsd_say(c, "HTTP/1.1 200 OK\r\n"))
		httpsd_many(c, line, 10 * 1024);
	snprintf(line, sizeof(line), "HTTP/1.1 103 Early Hints\r\nLink: %.900s\r\n\r\n", kib);
	if (strcmp(path, "/interim") == 0)
		httpsd_many(c, line, 10 * 1024);
}

static inline void httpsd_answer(struct httpsd_conn *c)
{
	char req[4096], path[512];
	int len = 0, n;

	while (len < (int)sizeof(req) - 1 && (n = SSL_read(c->ssl, req + len, (int)sizeof(req) - 1 - len)) > 0) {
		len += n;
		req[len] = '\0';
		if (strstr(req, "\r\n\r\n"))
			break;
	}
	if (len <= 0 || sscanf(req, "GET %511s HTTP/1.1", path) != 1)
		return;
	if (strstr(req, "\r\nCookie:") || strstr(req, "\r\nAuthorization:") || strstr(req, "\r\nAccept-Encoding:") ||
	    !strstr(req, "\r\nUser-Agent: sipseal/"))
		return; /* the test sees an empty answer */
	c->s->requests++;
	httpsd_behave(c, path);
	SSL_shutdown(c->ssl);
}

static inline void *httpsd_conn(void *arg)
{
	struct httpsd_conn *c = arg;
	struct timeval tv = { .tv_sec = 5 };

	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	if (!c->s->ctx) {
		httpsd_wait(c, HTTPSD_GONE_MS);
	} else {
		c->ssl = SSL_new(c->s->ctx);
		SSL_set_fd(c->ssl, c->fd);
		if (SSL_accept(c->ssl) == 1)
			httpsd_answer(c);
		SSL_free(c->ssl);
	}
	close(c->fd);
	free(c);
	return NULL;
}

static inline void *httpsd_loop(void *arg)
{
	struct httpsd *s = arg;
	struct pollfd p[] = { { .fd = s->fd, .events = POLLIN }, { .fd = s->stop[0], .events = POLLIN } };

	while (s->conn_cnt < HTTPSD_CONNS && poll(p, 2, -1) > 0 && !p[1].revents) {
		struct httpsd_conn *c = calloc(1, sizeof(*c));

		c->s = s;
		c->fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
		s->accepted++;
		if (c->fd < 0 || pthread_create(&s->conns[s->conn_cnt], NULL, httpsd_conn, c)) {
			free(c);
			break;
		}
		s->conn_cnt++;
	}
	return NULL;
}

/* @port: 0: any that is free.  @cert: NULL: never says a word.  @ret stays where it is. */
static inline void httpsd_start(struct httpsd *ret, const char *addr, uint16_t port, X509 *cert, EVP_PKEY *key)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	socklen_t len = sizeof(in);

	*ret = (struct httpsd){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	assert_int_equal(inet_pton(AF_INET, addr, &in.sin_addr), 1);
	assert_int_equal(bind(ret->fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(ret->fd, 64), 0);
	assert_int_equal(getsockname(ret->fd, (struct sockaddr *)&in, &len), 0);
	ret->port = ntohs(in.sin_port);
	assert_int_equal(pipe(ret->stop), 0);
	if (cert) {
		ret->ctx = SSL_CTX_new(TLS_server_method());
		assert_int_equal(SSL_CTX_use_certificate(ret->ctx, cert), 1);
		assert_int_equal(SSL_CTX_use_PrivateKey(ret->ctx, key), 1);
	}
	assert_int_equal(pthread_create(&ret->thread, NULL, httpsd_loop, ret), 0);
}

static inline void httpsd_stop(struct httpsd *s)
{
	close(s->stop[1]); /* wakes all */
	pthread_join(s->thread, NULL);
	for (unsigned i = 0; i < s->conn_cnt; i++)
		pthread_join(s->conns[i], NULL);
	close(s->stop[0]);
	close(s->fd);
	SSL_CTX_free(s->ctx);
}

#endif
