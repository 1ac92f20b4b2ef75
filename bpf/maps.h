/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * maps.h - every map of the XDP program, in one place.
 *
 * The kernel cuts names at 15 characters: they differ within those.  Match tables come in two copies;
 * the low bit of sipseal_config.generation says which one is live.  Plain pairs of maps instead of an
 * array of maps: one look-up less, and a change costs no RCU wait per table.
 */
#ifndef SIPSEAL_MAPS_H
#define SIPSEAL_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"

/*
 * Entries of a match table.  100,000 trunks with one carrier peer each need 200,000 peers (port and
 * port 0).  Unused entries of the tries cost nothing, those of a hash 16 bytes (its buckets).
 */
#define MAPS_ENTRIES_MAX (1 << 18)

/* Peers of unmatched INVITEs that `status` can show; old ones give way. */
#define MAPS_UNMATCHED_MAX 256

struct maps_peers {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAPS_ENTRIES_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct sipseal_peer_key);
	__type(value, __u32);
};
struct maps_peers sipseal_peers0 SEC(".maps"), sipseal_peers1 SEC(".maps");

struct maps_prefix {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, MAPS_ENTRIES_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct sipseal_prefix_key);
	__type(value, __u32);
};
struct maps_prefix sipseal_prefix0 SEC(".maps"), sipseal_prefix1 SEC(".maps");

/*
 * Addresses stand beside the trie of prefixes: with 100,000 of them a walk through the trie costs 1.5 us
 * of waiting for memory, a hash two lines of it.
 */
struct maps_hosts {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAPS_ENTRIES_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct sipseal_host_key);
	__type(value, struct sipseal_core_value);
};
struct maps_hosts sipseal_hosts0 SEC(".maps"), sipseal_hosts1 SEC(".maps");

struct maps_cores {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, MAPS_ENTRIES_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct sipseal_core_key);
	__type(value, struct sipseal_core_value);
};
struct maps_cores sipseal_cores0 SEC(".maps"), sipseal_cores1 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SIPSEAL_COUNTER_ROWS * SR_XDP_MAX);
	__type(key, __u32);
	__type(value, __u64);
} sipseal_count SEC(".maps");

/* GCRA by trunk slot; see abi.h. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SIPSEAL_TRUNKS_MAX);
	__type(key, __u32);
	__type(value, struct sipseal_limiter);
} sipseal_limits SEC(".maps");

/* Next hops of carriers on a NIC of both sides: a handful per NIC, more where a carrier's peers are on the link. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SIPSEAL_HOPS_MAX);
	__type(key, struct sipseal_hop_key);
	__type(value, __u8);
} sipseal_hops SEC(".maps");

/* Slot: port * SIPSEAL_QUEUES_MAX + rx queue. */
struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, SIPSEAL_SLOTS_MAX);
	__type(key, __u32);
	__type(value, __u32);
} sipseal_xsks SEC(".maps");

/* By port, not by ifindex: an array is the fastest look-up, and the program knows the port anyway. */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, SIPSEAL_PORTS_MAX);
	__type(key, __u32);
	__type(value, __u32);
} sipseal_devs SEC(".maps");

/* Heartbeats, frames given and marks, shared with the workers through a mapping; see abi.h. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SIPSEAL_BEATS_MAX);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u64);
} sipseal_beats SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAPS_UNMATCHED_MAX);
	__type(key, struct sipseal_unmatched_key);
	__type(value, __u64);
} sipseal_unmatch SEC(".maps");

/*
 * Global variables: read without a helper call.  Sections of their own, so that each is a map that can
 * be pinned and adopted.  Volatile, for userspace changes them while the program runs.
 */
volatile struct sipseal_config sipseal_config SEC(".data.config") = {
	.abi_version = SIPSEAL_ABI_VERSION,
};
volatile __u64 sipseal_ports[2][SIPSEAL_PORT_WORDS] SEC(".data.ports") = { { 0 } };

#endif
