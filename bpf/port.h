/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * port.h - the NIC that a packet came in on: its index, what passing means there, which side it is of.
 * See SIPSEAL_PORT_F_* and SIPSEAL_SIDE_* in abi.h.
 */
#ifndef SIPSEAL_PORT_H
#define SIPSEAL_PORT_H

#include "maps.h"
#include "packet.h"
#include "trunk_match.h"

/* The index of the port with @ifindex; SIPSEAL_PORTS_MAX if there is none. */
static __always_inline __u32 port_by_ifindex(__u32 ifindex)
{
	__u32 i;

#pragma unroll
	for (i = 0; i < SIPSEAL_PORTS_MAX; i++) {
		if (sipseal_config.ports[i].ifindex == ifindex)
			return i;
	}
	return SIPSEAL_PORTS_MAX;
}

/* SIPSEAL_PORT_F_*; 0: mode routed. */
static __always_inline __u8 port_flags(const struct packet *p)
{
	return p->port < SIPSEAL_PORTS_MAX ? sipseal_config.ports[p->port].flags : 0;
}

static __always_inline bool port_is_bridge(const struct packet *p)
{
	return port_flags(p) & SIPSEAL_PORT_F_BRIDGE;
}

/* Tagged, where the answer to a trunk's INVITE is the policy: only a bridge sends tags out as they came. */
static __always_inline bool port_refuses_tags(const struct packet *p)
{
	return p->is_tagged && !port_is_bridge(p);
}

/* SIPSEAL_PORTS_MAX: none. */
static __always_inline __u32 port_peer(const struct packet *p)
{
	__u32 peer = SIPSEAL_PORTS_MAX;

	if (p->port < SIPSEAL_PORTS_MAX)
		peer = sipseal_config.ports[p->port].peer;
	return peer < SIPSEAL_PORTS_MAX ? peer : SIPSEAL_PORTS_MAX;
}

/*
 * port_bridge() - everything that passes on a bridge port, whatever it is, leaves by the other one, untouched:
 * the local stack has no business with it.
 */
static __always_inline int port_bridge(struct packet *p)
{
	__u32 peer = port_peer(p);

	if (port_flags(p) & SIPSEAL_PORT_F_TC)
		return XDP_PASS;
	if (peer < SIPSEAL_PORTS_MAX && bpf_redirect_map(&sipseal_devs, peer, 0) == XDP_REDIRECT)
		return XDP_REDIRECT;
	p->reason = SR_NO_PEER_PORT;
	return XDP_DROP;
}

/*
 * One NIC for both sides: whose frame is it?  By its MAC, as long as the daemon knows the carrier's next hop; a
 * carrier peer's address is none of the core's, so that one that comes by another router is inbound, too.
 */
PACKET_GLOBAL int port_hop_is_carrier(struct xdp_md *ctx, struct packet *p)
{
	struct ethhdr *eth = packet_at(ctx, 0, sizeof(*eth));
	struct sipseal_hop_key key = { .port = 0 };
	struct packet_addrs a = { 0 };

	if (!p || !eth)
		return true; /* never signed */
	key.port = (__u16)p->port;
	__builtin_memcpy(key.mac, eth->h_source, ETH_ALEN);
	if (bpf_map_lookup_elem(&sipseal_hops, &key))
		return true;
	return packet_addrs(ctx, p, &a) && match_group(sipseal_config.generation, a.src, 0) >= 0;
}

static __always_inline bool port_is_core_side(struct xdp_md *ctx, struct packet *p)
{
	__u8 side = p->port < SIPSEAL_PORTS_MAX ? sipseal_config.ports[p->port].side : 0;

	if (side == SIPSEAL_SIDE_BOTH)
		return !port_hop_is_carrier(ctx, p);
	return side == SIPSEAL_SIDE_CORE;
}

#endif
