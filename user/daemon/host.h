/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host - mode host: the PBX runs on this machine.
 *
 *        PBX                                         carrier
 *         | UDP socket                                  |
 *     own stack  <--- lo <--- raw socket <--- signer    |
 *         |                                    ^        |
 *         v  tc egress of the carrier NIC      |        |
 *     may concern us? --no----------------------------->+
 *         | yes                                |        |
 *     sipseal0 ====== sipseal1: XDP, steered --+        |
 *      (near)          (far)    passes, tc ------------>+
 *                               signed, by AF_XDP ----->+
 *
 * Locally sent packets never meet the XDP program of the carrier NIC, and tc cannot steer to AF_XDP: a tc program on
 * egress (bpf/host.bpf.c) sends those that may concern us through a veth pair of our own, whose far end has the
 * program.  It is port 1, of side core, and passes to port 0.  The near end has no transmit offloads: checksums are
 * complete and GSO is cut before XDP looks.  What passes there, tc on ingress of the far end sends on to the carrier
 * NIC.  That has our mark, as what raw sockets of ours send, and AF_XDP does not meet tc on its way out: nothing loops.
 *
 * The pair and the tc program stay when the daemon ends, as XDP does; the pair's alias says whose it is:
 *     sipseal host <carrier NIC> <qdisc: own | found> <bpffs>
 * Threads: one.
 */
#ifndef SIPSEAL_DAEMON_HOST_H
#define SIPSEAL_DAEMON_HOST_H

#include "abi.h"
#include "base/cleanup.h"
#include "daemon/topology.h"

struct sipseald;
struct host;

/** host_prepare() - before XDP: make the veth pair, or adopt that of a former run, and add its far end to d->ports
 * (d->ports[0], the carrier NIC, and d->port_cnt 1 stand there already).
 * Return: 0; -EEXIST the names are taken by others; other errno.  reterr names the remedy; nothing is left then. */
int host_prepare(struct sipseald *d, struct host **ret, char reterr[TOPOLOGY_ERR_LEN]);

/** host_port() - flags and peer of port @i. */
void host_port(unsigned i, struct sipseal_port *ret);

/** host_attached() - XDP is on both ports: now the tc program, which leads packets there; one of a former run is
 * replaced in place.  Return: 0, or negative errno (reterr). */
int host_attached(struct sipseald *d, struct host *h, char reterr[TOPOLOGY_ERR_LEN]);

/** host_turn() - now and then: is all of it still there?  What somebody took away comes back, with a warning. */
void host_turn(struct sipseald *d, struct host *h);

/** host_undo() - a start that failed: what it made goes, what it adopted stays.  Also after host_prepare() alone. */
void host_undo(struct host *h);

/** host_free() - forget it; all stays in the kernel. */
void host_free(struct host *h);
DEFINE_FREEP(struct host *, host_free)

/** host_detach() - remove the tc program, the qdisc where it is ours, and the veth pair of earlier runs with pins
 * below @bpffs in this network namespace.  Nothing there is no error: also for a start in another mode.
 * Return: how many of them there were, or negative errno (reterr). */
int host_detach(const char *bpffs, char reterr[TOPOLOGY_ERR_LEN]);

#endif
