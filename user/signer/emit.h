/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * emit - datagrams leave: edited once, straight into the frame that is sent.
 *
 *     fits the MTU      edits -> free chunk -> headers before it -> tx ring
 *     does not          edits -> 64 KiB staging -> one fragment per chunk -> tx ring
 *     as it came        frames -> chunks, MACs and hop written anew -> tx ring
 *     no socket, no descriptor or no chunk, or the neighbour is unknown
 *                       the same into a scratch frame -> raw socket, from the IP header on
 *
 * A datagram goes one way or the other as a whole.  What leaves is captured, too, if its frame is.
 * Threads: one emitter per worker.
 */
#ifndef SIPSEAL_SIGNER_EMIT_H
#define SIPSEAL_SIGNER_EMIT_H

#include <stdint.h>

#include "sip/edit.h"
#include "trunk/capture.h"
#include "trunk/counters.h"
#include "wire/frame.h"
#include "xsk/port.h"

/* Largest IP packet that a chunk holds behind its Ethernet header with two tags. */
#define EMIT_MTU_MAX (XSK_FRAME_SIZE - 22)

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

/** emit_mtu() - the route's MTU, but no more than the NIC and a chunk can take; 1500 where nobody knows.  Edited ones with
 * two tags stay 4 bytes below: many NICs take their MTU behind one tag only. */
uint16_t emit_mtu(const struct emit_job *j);

/**
 * emit_datagram() - Return: 0; -E2BIG, -EMSGSIZE cannot be framed (wire_frame_cnt()); -ENOBUFS no chunk,
 * no descriptor and no raw socket; other negative errno of the raw socket.
 */
int emit_datagram(struct emitter *e, struct emit_job *j);

/* Frames as they came, in that order: one that cannot be read, or the fragments of a datagram. */
struct emit_came {
	const struct slice *frames;
	unsigned cnt;
	bool want_ttl_dec;               /* of those that are IP */
	uint8_t dmac[6], smac[6];
	struct port *port;               /* NULL: raw socket only */
};

/** emit_came() - Return: 0; -ENOBUFS as emit_datagram(); -EBADMSG no IP packet, and no way but the raw socket;
 * other negative errno of the raw socket. */
int emit_came(struct emitter *e, const struct emit_came *j);

#endif
