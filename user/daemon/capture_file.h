/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * capture_file - records of trunk/capture.h as pcapng, for one reader.
 *
 * An interface per NIC and form (frames; bare IP packets), told before its first packet: name and side of the NIC;
 * `out` is what left by a raw socket.  Each packet has the same id (epb_packetid) as the others of its INVITE, its
 * direction seen from the NIC, and a comment:
 *     trunk=acme direction=outbound stage=before verdict=sign reason=signed invite=0.17
 * stage: before, after, answer.  invite: worker and number; a hole in the numbers is one that was lost.  In mode
 * observe also decided=sign/signed.  Statistics tell lost INVITEs as drops of the NIC they came by.
 * Memory: the caller's.  Threads: one.
 */
#ifndef SIPSEAL_DAEMON_CAPTURE_FILE_H
#define SIPSEAL_DAEMON_CAPTURE_FILE_H

#include <stdint.h>
#include <sys/types.h>

#include "base/slice.h"
#include "trunk/capture.h"

/* Bytes that any one call of capture_file_*() may need. */
#define CAPTURE_FILE_ROOM (CAPTURE_CALL_MAX + CAPTURE_PACKETS_MAX * 560 + 8192)

struct capture_nic {
	const char *name;        /* NULL: no such NIC */
	const char *side;        /* "core", "carrier" or "both" */
};

enum capture_link { CAPTURE_LINK_FRAME, CAPTURE_LINK_IP, CAPTURE_LINKS };

struct capture_file {
	struct capture_nic nics[SIPSEAL_PORTS_MAX]; /* names are the caller's */
	uint64_t start_ns;
	uint32_t interface_cnt;
	uint32_t interface[CAPTURE_NICS][CAPTURE_LINKS]; /* number + 1; 0: not told yet */
	uint64_t packets[CAPTURE_NICS][CAPTURE_LINKS];
};

/** capture_file_init() - @now_ns: CLOCK_REALTIME. */
void capture_file_init(struct capture_file *f, const struct capture_nic nics[SIPSEAL_PORTS_MAX], uint64_t now_ns);

/** capture_file_begin() - what stands before everything else.  Return: its length, or -ENOSPC. */
ssize_t capture_file_begin(char *dst, size_t cap);

/**
 * capture_file_add() - the packets of an INVITE.
 * @c: as capture_take() gave it; @worker: whose ring it was in; @trunk: name of its trunk
 * Return: bytes; -ENOSPC: not all of them fit, nothing has happened (the caller counts it as lost).
 */
ssize_t capture_file_add(struct capture_file *f, const struct capture_copy *c, unsigned worker, struct slice trunk,
			 char *dst, size_t cap);

/**
 * capture_file_stats() - statistics of all interfaces: at the end, and before if there may be no end (a reader who
 * hangs up gets none).
 * @lost: INVITEs that are missing since the start, by NIC
 * Return: bytes, 0: there is no interface and nothing lost; -ENOSPC: nothing has happened.
 */
ssize_t capture_file_stats(struct capture_file *f, const uint64_t lost[CAPTURE_NICS], uint64_t now_ns, char *dst,
			   size_t cap);

#endif
