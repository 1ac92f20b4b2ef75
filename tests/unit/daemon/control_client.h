/* SPDX-License-Identifier: BSD-2-Clause */
/* A control server in a directory of its own, and clients that talk to it by hand. */
#ifndef SIPSEAL_TEST_CONTROL_CLIENT_H
#define SIPSEAL_TEST_CONTROL_CLIENT_H

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/clock.h"
#include "daemon/control.h"

static char dir[64], path[80];

static inline int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/sipseal-control.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/sock", dir);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static inline struct control *serve(const struct control_route *routes, void *ctx)
{
	const struct control_cfg cfg = { .socket = path, .routes = routes, .ctx = ctx };
	char err[CONTROL_ERR_LEN] = "";
	struct control *c = NULL;

	if (control_open(&cfg, &c, err) < 0 || control_serve(c, err) < 0)
		fail_msg("%s", err);
	return c;
}

static inline int client(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	strcpy(sa.sun_path, path);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		fail_msg("connect: %s", strerror(errno));
	return fd;
}

/* Run the server as its loop does: when a descriptor is ready, or when it is time. */
static inline void turn(struct control *c, int fd)
{
	int ms = control_run(c), fds[2];
	struct pollfd p[2] = { { .fd = fd, .events = POLLIN }, { .events = POLLIN } };

	control_fds(c, fds);
	p[1].fd = fds[0];
	poll(p, 2, ms >= 0 && ms < 20 ? ms : 20);
}

/* Write all of it, while the server runs; it may stop listening. */
static inline void say(struct control *c, int fd, const char *text, size_t len)
{
	uint64_t end = clock_mono_ns() + 2000000000ull;

	while (len && clock_mono_ns() < end) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			return;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
		turn(c, -1);
	}
}

/* Read until the text is there or the connection ends, 2 s at most.  Return: bytes. */
static inline size_t hear(struct control *c, int fd, char *dst, size_t cap, const char *until)
{
	uint64_t end = clock_mono_ns() + 2000000000ull;
	size_t len = 0;

	dst[0] = '\0';
	while (clock_mono_ns() < end && len + 1 < cap) {
		ssize_t n;

		turn(c, fd);
		n = read(fd, dst + len, cap - len - 1);
		if (n > 0)
			len += (size_t)n;
		dst[len] = '\0';
		if (n == 0 || (n < 0 && errno != EAGAIN) || (until && strstr(dst, until)))
			break;
	}
	return len;
}

/* One request with a body on a connection of its own.  Return: HTTP status; the answer in @dst. */
static inline unsigned ask_raw(struct control *c, const char *head, const char *body, size_t len, char *dst,
			       size_t cap)
{
	char text[1024];
	int fd = client();
	unsigned status = 0;

	snprintf(text, sizeof(text), len ? "%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n"
					 : "%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", head, len);
	say(c, fd, text, strlen(text));
	say(c, fd, body, len);
	hear(c, fd, dst, cap, NULL);
	close(fd);
	sscanf(dst, "HTTP/1.1 %u", &status);
	return status;
}

static inline unsigned ask(struct control *c, const char *head, const char *body, char *dst, size_t cap)
{
	return ask_raw(c, head, body, body ? strlen(body) : 0, dst, cap);
}

#endif
