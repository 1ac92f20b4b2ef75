/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * notify - sd_notify(3) by hand: one datagram to $NOTIFY_SOCKET.
 */
#ifndef SIPSEAL_DAEMON_NOTIFY_H
#define SIPSEAL_DAEMON_NOTIFY_H

/** notify_send() - "READY=1", "STOPPING=1"; nothing happens without $NOTIFY_SOCKET. */
void notify_send(const char *state);

#endif
