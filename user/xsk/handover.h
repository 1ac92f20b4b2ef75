/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * handover - what the daemon gives to a signer: one SOCK_SEQPACKET socket (descriptor 3 of the signer),
 * messages of one struct each, descriptors by SCM_RIGHTS.
 *
 *   daemon -> signer   HELLO (memfds of policy, counters, events, overrides; heartbeat map)
 *                      WORKER (UMEM memfd)            one per worker
 *                      SOCKET (AF_XDP socket)         one per worker, port and queue; the first of a worker
 *                                                     owns the UMEM
 *                      RAW (raw socket)               one per address family
 *                      CREDENTIAL (key file)          one per credential
 *                      START
 *   signer -> daemon   RESULT of each message (error < 0 and text), RESULT of START = ready
 *   later              CREDENTIAL, CREDENTIAL_DROP at any time, each answered by RESULT
 *                      VERDICTS (memfds of verdicts and wants) at any time after HELLO: of the fetcher that
 *                      runs now (stir/verdict.h); those of the former one are let go of.  -EAGAIN: a worker has
 *                      not even taken the last ones, come again
 *                      CAPTURE (memfd of trunk/capture.h, formatted, sealed against shrinking and growing) at any
 *                      time after HELLO, once: -EEXIST after that.  Who captures sets `want` in it; that nobody
 *                      does costs the workers a load per frame
 *
 * The signer exits on EOF.  The daemon closes its copies of everything but maps and policy once START
 * is answered; sockets go into the XSKMAP last, for that lets traffic in.
 */
#ifndef SIPSEAL_XSK_HANDOVER_H
#define SIPSEAL_XSK_HANDOVER_H

#include <stdint.h>

#include "abi.h"
#include "base/channel.h"
#include "stir/cert.h"

#define HANDOVER_VERSION 4
#define HANDOVER_FD      CHANNEL_FD
#define HANDOVER_FDS_MAX 5

enum handover_type {
	HANDOVER_HELLO = 1, HANDOVER_WORKER, HANDOVER_SOCKET, HANDOVER_RAW, HANDOVER_CREDENTIAL,
	HANDOVER_CREDENTIAL_DROP, HANDOVER_START, HANDOVER_RESULT, HANDOVER_VERDICTS,
	HANDOVER_CAPTURE,
};

struct handover_msg {
	uint32_t version;        /* HANDOVER_VERSION */
	uint32_t type;           /* enum handover_type */
	uint32_t seq;            /* echoed by RESULT */
	int32_t  error;          /* RESULT: 0 or negative errno */
	union {
		struct {
			uint32_t workers, ports;
			uint32_t idle;                  /* enum idle_mode */
			uint64_t policy_len, counters_len, events_len, overrides_len;
		} hello;
		struct {
			uint32_t worker;
			uint32_t frames, frame_size;    /* UMEM = frames * frame_size */
		} worker;
		struct {
			uint32_t worker, port, queue;
			uint32_t ifindex, mtu;
			uint32_t fill_size, comp_size, rx_size, tx_size; /* entries; tx_size 0: no TX ring */
		} socket;
		struct {
			uint32_t family;                /* AF_INET | AF_INET6 */
		} raw;
		struct {
			uint32_t id;
			uint8_t point[CERT_POINT_LEN];
		} credential;
		struct {
			uint64_t verdicts_len, wants_len;  /* wants: a struct verdict_wants per worker */
		} verdicts;
		struct {
			uint64_t capture_len;           /* capture_size() of the workers of HELLO */
		} capture;
		char text[200];                         /* RESULT: what is wrong, for people */
	};
};

/** handover_send() - Return: 0, or negative errno. */
int handover_send(int fd, const struct handover_msg *m, const int *fds, unsigned fd_cnt);

/** handover_recv() - descriptors are received close-on-exec; surplus ones are closed.
 * Return: 1; 0 at EOF; -EBADMSG malformed or another version; negative errno. */
int handover_recv(int fd, struct handover_msg *ret, int ret_fds[HANDOVER_FDS_MAX], unsigned *ret_fd_cnt);

#endif
