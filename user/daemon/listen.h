/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * listen - the daemon's two listening addresses, bound with errors that people can act on.
 * The sockets are bound, close-on-exec and non-blocking, and do not listen yet.
 */
#ifndef SIPSEAL_DAEMON_LISTEN_H
#define SIPSEAL_DAEMON_LISTEN_H

#include <stddef.h>

/** listen_unix() - UNIX socket at @path, mode 0660, group @group where that exists (NULL: as it
 * is).
 * A socket file without a listener is replaced, one with a listener is -EADDRINUSE.
 * Return: descriptor, or negative errno (reterr). */
int listen_unix(const char *path, const char *group, char *reterr, size_t cap);

/** listen_tcp() - "127.0.0.1:9497" or "[::1]:9497"; numeric addresses only.
 * Return: descriptor, or negative errno (reterr). */
int listen_tcp(const char *addr_port, char *reterr, size_t cap);

#endif
