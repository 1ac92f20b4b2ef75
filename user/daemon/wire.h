/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wire - mode wire: what a bump in the wire needs of its two NICs.
 *
 *     promiscuous    frames to all MACs are taken (IFF_PROMISC of the NIC itself: it outlives the daemon)
 *     no addresses   nobody is here to be talked to; an address is an error, never taken away by us
 *     IPv6 off       or the NIC would say so itself, by a link-local address and its solicitations
 *     VLAN tags      stay in the frame (rx-vlan-offload off), or they would be lost on the way
 *
 * XDP takes every frame, so the own stack sees none; no forwarding is needed.
 *
 * What was changed, and only that, is taken back by wire_detach().  It is known by empty directories in the bpffs,
 * where XDP's pins are and which ends with the machine as those settings do:
 *     <bpffs>/wire/<network namespace>_<ifindex>_<promisc|ipv6|rxvlan>
 * A mark is made before the change and removed behind its undoing.  Threads: one.
 */
#ifndef SIPSEAL_DAEMON_WIRE_H
#define SIPSEAL_DAEMON_WIRE_H

#include <stddef.h>

#include "base/cleanup.h"
#include "daemon/topology.h"
#include "trunk/model.h"

struct wire;

/** wire_prepare() - look at both NICs, then set them up.  A NIC that is not there is left to who looks for it next.
 * @bpffs: of the configuration; is kept
 * Return: 0; -EADDRINUSE one has an address; other errno.  reterr names the remedy; nothing is changed then. */
int wire_prepare(const char *bpffs, const struct interface ports[2], struct wire **ret, char reterr[TOPOLOGY_ERR_LEN]);

/** wire_said() - what was done with NIC @port (0, 1), for people. */
const char *wire_said(const struct wire *w, unsigned port);

/** wire_undo() - take back what this start has changed; what it found changed stays. */
void wire_undo(struct wire *w);

void wire_free(struct wire *w);
DEFINE_FREEP(struct wire *, wire_free)

/** wire_detach() - take back all that earlier runs have changed in this network namespace.
 * @keep: ifindexes of NICs that stay as they are; @keep_cnt: of these
 * Return: how many settings; or negative errno (reterr) - the rest was done; -EXDEV: marks of another network
 * namespace are left, which only somebody there can look after. */
int wire_detach(const char *bpffs, const unsigned *keep, size_t keep_cnt, char reterr[TOPOLOGY_ERR_LEN]);

#endif
