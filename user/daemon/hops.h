/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hops - a NIC of side both: which MACs are of the carrier side.
 *
 *     carrier peers of all trunks --> routes to them --> next hops on the NIC --+--> neighbour table --> MACs --> XDP
 *                                \--> those that are on the link themselves ----+
 *
 * XDP takes a frame from one of these MACs as of the carrier side, whatever source address it claims.  Routes are
 * asked for again when the trunks or the routes change, the neighbour table when it changes; both once in a while, for
 * netlink may lose what it tells.  A next hop that nobody has asked for yet is resolved by us (NTF_USE).  While it
 * cannot be (it is down, it moves) its last MAC counts.
 *
 * Limits: HOPS_PEERS_MAX different carrier peers and SIPSEAL_HOPS_MAX MACs; a prefix of peers is looked up by its first
 * address, and covers all neighbours inside it.  A router that sends from other MACs than the one it answers ARP with
 * (VRRP) is not known by those.  Threads: one.
 */
#ifndef SIPSEAL_DAEMON_HOPS_H
#define SIPSEAL_DAEMON_HOPS_H

#include <stddef.h>

#include "abi.h"
#include "base/cleanup.h"
#include "daemon/bpfgw.h"
#include "daemon/live.h"

/* Looking one route up takes some 10 us: all in some 40 ms, at most once a second. */
#define HOPS_PEERS_MAX 4096

struct hops;

/** hops_new() - for the NIC @ifindex, which is port @port.  Return: 0, negative errno (netlink, memory). */
int hops_new(unsigned ifindex, unsigned port, struct hops **ret);
void hops_free(struct hops *h);
DEFINE_FREEP(struct hops *, hops_free)

/** hops_trunks() - the carrier peers are those of @live now; looks all up and tells XDP.
 * Return: 0, negative errno (what was known before stays). */
int hops_trunks(struct hops *h, const struct live *live, struct bpfgw *bpf);

/** hops_wait() - until all next hops have a MAC, @ms at most. */
void hops_wait(struct hops *h, struct bpfgw *bpf, unsigned ms);

/** hops_fd() - readable when something has changed. */
int hops_fd(const struct hops *h);

/** hops_turn() - look again if something has changed, or it is time.  Return: ms until the next time. */
int hops_turn(struct hops *h, struct bpfgw *bpf);

/** hops_counts() - for status.  @ret_unresolved: text of one that has no MAC; empty: none */
struct hops_counts {
	unsigned peers, peers_left_out; /* different ones; those over the limit */
	unsigned next_hops, unresolved, macs;
	char unresolved_example[64];
};
void hops_counts(const struct hops *h, struct hops_counts *ret);

#endif
