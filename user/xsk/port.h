/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port - one AF_XDP socket as its worker sees it: receive, send, keep the fill ring full.
 *
 * Who owns a frame shows in the verbs:
 *     port_recv()     kernel -> worker (held); the worker ends each with umem_put()
 *     port_tx_put()   worker -> kernel; needs port_tx_room() before
 *     port_reap()     kernel -> free list (frames that were sent)
 *     port_fill()     free list -> kernel (empty chunks to receive into)
 *     port_flush()    tells the kernel to send what was put
 *
 * Copy mode sends only inside our own system calls (sendto, and poll for a socket that asks for
 * wake-ups), at most 32 frames per call on older kernels: port_flush() repeats until the ring is empty.
 *
 * Link down.  sendto() answers ENETDOWN and leaves the descriptors queued; the kernel would send them
 * when the link is back, with signatures of long ago.  So they are made void: the length in the ring
 * is set to 0 while the kernel is not looking (it looks only inside our system calls), which makes it
 * consume them without sending.  Until it has, the port takes no new frames (port_tx_room() says no).
 * Kernels may skip a void descriptor instead of handing it back on the completion ring (6.18 hands it
 * back), so port_reap() frees those that were consumed and did not come back.  The same is done to
 * descriptors that a busy device has not taken within the limit of port_flush().
 *
 * Threads: one.  The only system calls are those of `ops`, which tests replace.
 */
#ifndef SIPSEAL_XSK_PORT_H
#define SIPSEAL_XSK_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "xsk/ring.h"
#include "xsk/umem.h"

#define PORT_BATCH   64  /* frames taken from one socket before the next has its turn */
#define PORT_RETRIES 16  /* sendto() calls of one flush that make no progress */

struct port_ops {
	int (*kick)(int fd);     /* sendto(): 0, or negative errno */
};

struct port {
	int fd;
	uint32_t index, queue;   /* of the NIC among the gateway's, and its rx queue */
	uint32_t mtu;            /* of the NIC */
	struct umem *umem;       /* shared by the sockets of a worker; not owned */
	struct ring fill, comp, rx, tx; /* tx.size 0: cannot send */
	uint32_t fill_target;    /* chunks kept with the kernel */
	uint32_t fill_out;       /* chunks with the kernel now */
	uint32_t tx_new;         /* descriptors written, not yet submitted */
	bool is_void;            /* descriptors up to void_end were made void */
	uint32_t void_begin, void_end;
	uint64_t pending_ns;     /* since when the tx ring is not empty; 0: it is */
	uint64_t send_errors;    /* frames that the device dropped or that were made void; whoever reads sets 0 */
	const struct port_ops *ops;
};

struct port_cfg {
	int fd;                  /* owned by the port from here on, also on failure */
	uint32_t index, queue, mtu;
	uint32_t fill_size, comp_size, rx_size, tx_size;
};

/** port_open() - map the rings of a socket that came from the daemon.
 * Return: 0, -EINVAL sizes, or negative errno of getsockopt() and mmap(). */
int port_open(const struct port_cfg *cfg, struct umem *u, struct port *ret);
void port_close(struct port *p);

/** port_recv() - up to PORT_BATCH descriptors, unchecked (umem_take_rx() is next).
 * Return: how many. */
unsigned port_recv(struct port *p, struct xdp_desc ret[PORT_BATCH]);

/** port_tx_room() - can @n frames be put?  Reaps, and kicks a full ring, to make room. */
bool port_tx_room(struct port *p, unsigned n);

/** port_tx_put() - queue a held chunk for sending. */
void port_tx_put(struct port *p, uint64_t addr, uint32_t len);

/** port_flush() - send what is queued.
 * @now_ns:   CLOCK_MONOTONIC
 * @limit_ns: frames that the device has not taken for so long are made void
 * Return: 0, or a negative errno with frames still queued (the next flush goes on). */
int port_flush(struct port *p, uint64_t now_ns, uint64_t limit_ns);

/** port_reap() - take completions in. */
void port_reap(struct port *p);

/** port_fill() - top the fill ring up, leaving @reserve chunks for sending (free or on their way). */
void port_fill(struct port *p, uint32_t reserve);

#endif
