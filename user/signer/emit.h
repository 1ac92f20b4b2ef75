/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * emit - datagrams leave: edited once, straight into the frame that is sent.
 *
 *     fits the MTU      edits -> free chunk -> headers before it -> tx ring
 *     does not          edits -> 64 KiB staging -> one fragment per chunk -> tx ring
 *     no socket, no descriptor or no chunk, or the neighbour is unknown
 *                       the same into a scratch frame -> raw socket, from the IP header on
 *
 * A datagram goes one way or the other as a whole.  What leaves is captured, too, if its frame is.  Threads: one emitter per worker.
 */
#ifndef SIPSEAL_SIGNER_EMIT_H
#define SIPSEAL_SIGNER_EMIT_H

#include <stdint.h>

#include "sip/edit.h"
#include "trunk/capture.h"
#include "trunk/counters.h"
#include "wire/frame.h"
#include "xsk/port.h"

/* Largest IP packet that a chunk holds behind its Ethernet header. */
#define EMIT_MTU_MAX (XSK_FRAME_SIZE - 14)

struct emitter {
	struct umem *umem;
	struct counters_worker *counters;
	int raw_v4, raw_v6;              /* -1: none */
	uint32_t next_ip_id;
	struct capture_writer *capture;  /* the worker's; a record is open while its trunk is asked for */
	char staging[65536];             /* a datagram that has to be fragmented */
	char scratch[XSK_FRAME_SIZE];    /* a frame for the raw socket */
};

struct emit_job {
	struct wire_out out;             /* mtu and ip_id are filled in by emit_datagram() */
	uint32_t mtu;                    /* of the route; 0: not known */
	struct slice src;                /* the datagram as it came, or an answer of ours */
	const struct sip_edits *edits;   /* sealed; NULL or empty: src as it is */
	struct port *port;               /* NULL: raw socket only */
};

/**
 * emit_datagram() - Return: 0; -E2BIG, -EMSGSIZE cannot be framed (wire_frame_cnt()); -ENOBUFS no chunk,
 * no descriptor and no raw socket; other negative errno of the raw socket.
 */
int emit_datagram(struct emitter *e, struct emit_job *j);

/** emit_frame() - a frame as it came, but for its MACs.  Return: 0, or -ENOBUFS. */
int emit_frame(struct emitter *e, struct port *p, struct slice frame, const uint8_t dmac[6],
	       const uint8_t smac[6]);

#endif
