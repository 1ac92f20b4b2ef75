/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/listen.h"

#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/cleanup.h"

/* A file that a dead daemon left is in the way of bind(); a living one must not lose its own. */
static int make_way(const struct sockaddr_un *sa, char *reterr, size_t cap)
{
	CLEANUP(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (fd < 0 || (lstat(sa->sun_path, &st) < 0 && errno != ENOENT)) {
		int r = -errno;

		snprintf(reterr, cap, "control.socket %s: %s", sa->sun_path, strerror(-r));
		return r;
	}
	if (lstat(sa->sun_path, &st) < 0)
		return 0;
	if (!S_ISSOCK(st.st_mode)) {
		snprintf(reterr, cap, "control.socket %s: a file that is no socket is there",
			 sa->sun_path);
		return -EEXIST;
	}
	if (connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) == 0 || errno == EAGAIN) {
		snprintf(reterr, cap,
			 "control.socket %s: another sipseald serves it: stop that one first",
			 sa->sun_path);
		return -EADDRINUSE;
	}
	unlink(sa->sun_path);
	return 0;
}

int listen_unix(const char *path, const char *group, char *reterr, size_t cap)
{
	CLEANUP(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const struct group *gr = group ? getgrnam(group) : NULL;
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	mode_t mask;
	int r;

	if (strlen(path) >= sizeof(sa.sun_path)) {
		snprintf(reterr, cap, "control.socket: longer than %zu bytes",
			 sizeof(sa.sun_path) - 1);
		return -ENAMETOOLONG;
	}
	strcpy(sa.sun_path, path);
	if ((r = make_way(&sa, reterr, cap)) < 0)
		return r;
	mask = umask(0117); /* never wider than 0660, not even for a moment */
	r = fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ? -errno : 0;
	umask(mask);
	if (r < 0) {
		snprintf(reterr, cap, "control.socket %s: %s%s", path, strerror(-r),
			 r == -ENOENT ? ": its directory is missing (mkdir it, or RuntimeDirectory= of the unit)" : "");
		return r;
	}
	if (gr && lchown(path, (uid_t)-1, gr->gr_gid) < 0) {
		r = -errno;
		snprintf(reterr, cap, "control.socket %s: cannot give it to group %s: %s", path,
			 group, strerror(-r));
		unlink(path);
		return r;
	}
	return TAKE_FD(fd);
}

static void addrinfo_freep(struct addrinfo **ai)
{
	if (*ai)
		freeaddrinfo(*ai);
}

/* "addr:port" or "[addr]:port" */
static int tcp_parse(const char *addr_port, struct addrinfo **ret)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
					.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE };
	const char *colon = strrchr(addr_port, ':');
	size_t len = colon ? (size_t)(colon - addr_port) : 0;
	bool is_bracketed = len > 2 && addr_port[0] == '[' && addr_port[len - 1] == ']';
	char host[64];

	if (is_bracketed)
		len -= 2;
	if (!len || len >= sizeof(host))
		return -EINVAL;
	memcpy(host, addr_port + is_bracketed, len);
	host[len] = '\0';
	return getaddrinfo(host, colon + 1, &hints, ret) ? -EINVAL : 0;
}

int listen_tcp(const char *addr_port, char *reterr, size_t cap)
{
	CLEANUP(closep) int fd = -1;
	CLEANUP(addrinfo_freep) struct addrinfo *ai = NULL;
	int on = 1, r;

	if (tcp_parse(addr_port, &ai) < 0) {
		snprintf(reterr, cap,
			 "control.metrics %s: want ADDRESS:PORT, [ADDRESS]:PORT or off", addr_port);
		return -EINVAL;
	}
	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, ai->ai_addr, ai->ai_addrlen) < 0) {
		r = -errno;
		snprintf(reterr, cap, "control.metrics %s: %s%s", addr_port, strerror(-r),
			 r == -EADDRINUSE ? ": choose another port, or `off`"
			 : r == -EADDRNOTAVAIL
				 ? ": no interface here has it (is lo up?); or say `off`"
				 : "");
		return r;
	}
	return TAKE_FD(fd);
}
