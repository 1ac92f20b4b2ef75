/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * trunk_match.h - which trunk: carrier peer -> group, group and core address -> slot.
 *
 * No backtracking: the exact address wins over any prefix, the longest prefix over shorter ones, and what
 * that group has no core prefix for is unmatched.  @generation is read once per packet and used for
 * every look-up, so that no packet sees half of a change.
 */
#ifndef SIPSEAL_TRUNK_MATCH_H
#define SIPSEAL_TRUNK_MATCH_H

#include "maps.h"
#include "packet.h"

/* 64 bits: beside a __u32 a plain -1 would become 4294967295. */
#define MATCH_NONE       (-1LL)
#define MATCH_WRONG_SIDE (-2LL) /* from the carrier side to a carrier peer */

/* Bits before the address in LPM keys: port and pad, or the group. */
#define MATCH_PREFIX_BITS (32 + 128)

/* 5061 is SIP over TLS (RFC 3261 s18): a peer without a port has it, too. */
#define MATCH_SIPS_PORT 5061

/* The group of the carrier peer at @addr; port 0: the peer whatever its ports.  Or MATCH_NONE. */
static __noinline __s64 match_group(__u32 generation, const __u8 *addr, __be16 port_be)
{
	struct sipseal_prefix_key prefix = { .prefixlen = MATCH_PREFIX_BITS, .port_be = port_be };
	struct sipseal_peer_key peer = { .port_be = port_be };
	__u32 *group;

	__builtin_memcpy(peer.addr, addr, 16);
	if (generation & 1)
		group = bpf_map_lookup_elem(&sipseal_peers1, &peer);
	else
		group = bpf_map_lookup_elem(&sipseal_peers0, &peer);
	if (group)
		return *group;
	__builtin_memcpy(prefix.addr, addr, 16);
	if (generation & 1)
		group = bpf_map_lookup_elem(&sipseal_prefix1, &prefix);
	else
		group = bpf_map_lookup_elem(&sipseal_prefix0, &prefix);
	return group ? *group : MATCH_NONE;
}

/*
 * A trunk in one word, for a function returns no more: slot below, SIPSEAL_CORE_F_* in bits 24 to 31,
 * interval_ns (at most 10^9, so the word is not negative) above.
 */
#define MATCH_FLAGS_SHIFT 24
_Static_assert(SIPSEAL_TRUNKS_MAX <= 1 << MATCH_FLAGS_SHIFT, "slot and flags in one word");

static __always_inline __u32 match_slot(__s64 trunk)
{
	return (__u32)trunk & ((1 << MATCH_FLAGS_SHIFT) - 1);
}

static __always_inline __u32 match_flags(__s64 trunk)
{
	return (__u32)trunk >> MATCH_FLAGS_SHIFT;
}

static __always_inline __u32 match_interval_ns(__s64 trunk)
{
	return (__u32)(trunk >> 32);
}

/* The trunk of core address @addr in @group, or MATCH_NONE. */
static __noinline __s64 match_core(__u32 generation, __u32 group, const __u8 *addr)
{
	struct sipseal_core_key key = {
		.prefixlen = MATCH_PREFIX_BITS,
		.group_be = bpf_htonl(group),
	};
	struct sipseal_host_key host = { .group_be = key.group_be };
	struct sipseal_core_value *v;

	__builtin_memcpy(host.addr, addr, 16);
	if (generation & 1)
		v = bpf_map_lookup_elem(&sipseal_hosts1, &host);
	else
		v = bpf_map_lookup_elem(&sipseal_hosts0, &host);
	if (!v) {
		__builtin_memcpy(key.addr, addr, 16);
		if (generation & 1)
			v = bpf_map_lookup_elem(&sipseal_cores1, &key);
		else
			v = bpf_map_lookup_elem(&sipseal_cores0, &key);
	}
	if (!v)
		return MATCH_NONE;
	return (__s64)((__u64)v->interval_ns << 32 | (__u64)v->flags << MATCH_FLAGS_SHIFT | v->slot);
}

/* match_outbound() - the trunk for a packet from the core; port 0: by addresses alone. */
static __always_inline __s64 match_outbound(__u32 generation, const struct packet_addrs *a,
					    __be16 port_be)
{
	__s64 group = match_group(generation, a->dst, port_be);

	return group < 0 ? MATCH_NONE : match_core(generation, (__u32)group, a->src);
}

/*
 * match_inbound() - the trunk for a packet from the carrier side, whatever its ports; MATCH_WRONG_SIDE.
 * A destination that is a carrier peer has an entry for port 0, whatever ports it has.
 */
static __always_inline __s64 match_inbound(__u32 generation, const struct packet_addrs *a)
{
	__s64 group;

	if (match_group(generation, a->dst, 0) >= 0)
		return MATCH_WRONG_SIDE;
	group = match_group(generation, a->src, 0);
	return group < 0 ? MATCH_NONE : match_core(generation, (__u32)group, a->dst);
}

static __always_inline bool match_is_sip_port(__be16 port_be)
{
	__u16 port = bpf_ntohs(port_be);
	__u32 i, n = sipseal_config.sip_port_cnt;

	for (i = 0; i < SIPSEAL_SIP_PORTS_MAX; i++) {
		if (i >= n)
			return false;
		if (sipseal_config.sip_ports[i] == port)
			return true;
	}
	return false;
}

/* match_is_peer_port() - may any carrier peer have this port?  No look-up. */
static __always_inline bool match_is_peer_port(__u32 generation, __be16 port_be)
{
	__u32 port = bpf_ntohs(port_be);

	return sipseal_ports[generation & 1][port / 64 % SIPSEAL_PORT_WORDS] >> (port % 64) & 1;
}

#endif
