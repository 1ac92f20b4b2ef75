/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * fragment_sos.h - the later fragments of an emergency call, which only its first one tells.
 *
 * A datagram is of use only as a whole: its later fragments take the way that the first one took, to the signer
 * or, where that cannot take it, round it.  Only what lies behind the first fragment goes with it, never an
 * overlap: a receiver that lets the later of two bytes win could be given another Request-URI.  Fragments
 * that come before their first one are not known yet; the PBX sends the call again.
 *
 * A way round the signer, so it is narrow: only a first fragment that the policy let pass opens it, none that the
 * kernel answers or drops (TTL, no route), and not for long.  Who could open it at will would send the end of one
 * datagram round, and its beginning with a harmless end through the signer: the receiver takes what is there first.
 *
 * Not pinned: what is remembered is of use for the moment that a datagram takes.
 */
#ifndef SIPSEAL_FRAGMENT_SOS_H
#define SIPSEAL_FRAGMENT_SOS_H

#include "maps.h"
#include "packet.h"

/* Emergency calls in fragments at the same time; old ones give way. */
#define FRAGMENT_CALLS_MAX 256

/* Fragments of a datagram come within milliseconds. */
#define FRAGMENT_NOTE_NS 1000000000ull

struct fragment_note {
	__u64 until_ns;      /* CLOCK_MONOTONIC_COARSE */
	__u32 len;           /* bytes of the datagram that the first fragment holds */
	__u32 is_passed;     /* it went round the signer */
};

struct fragment_key {
	__u8 src[16], dst[16];
	__u32 id;            /* as it stands in the packet */
	__u32 proto;         /* IPv4: of the datagram (RFC 791 s3.2); IPv6: 0 (RFC 8200 s4.5) */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FRAGMENT_CALLS_MAX);
	__type(key, struct fragment_key);
	__type(value, struct fragment_note);
} sipseal_sosfrag SEC(".maps");

static __always_inline bool fragment_key_make(const struct xdp_md *ctx, const struct packet *p,
					      struct fragment_key *ret)
{
	struct packet_addrs a = { 0 };

	if (!packet_addrs(ctx, p, &a))
		return false;
	__builtin_memcpy(ret->src, a.src, 32); /* dst follows in both */
	ret->id = p->frag_id;
	ret->proto = p->frag_proto;
	return true;
}

/* @p is the first fragment of an emergency call, and its way is decided: p->reason. */
static __always_inline void fragment_note(const struct xdp_md *ctx, const struct packet *p)
{
	struct fragment_key key = { .id = 0 };
	struct fragment_note note = { .len = p->l3_end - p->frag_data, .is_passed = p->reason == SR_EMERGENCY_PASSED };

	if (!note.is_passed && p->reason != SR_STEERED)
		return;
	note.until_ns = bpf_ktime_get_coarse_ns() + FRAGMENT_NOTE_NS;
	if (fragment_key_make(ctx, p, &key))
		bpf_map_update_elem(&sipseal_sosfrag, &key, &note, BPF_ANY);
}

/* What was noted of the first fragment that the later one @p belongs behind, or NULL. */
static __always_inline struct fragment_note *fragment_noted(const struct xdp_md *ctx, const struct packet *p)
{
	struct fragment_key key = { .id = 0 };
	struct fragment_note *note;

	if (!fragment_key_make(ctx, p, &key))
		return NULL;
	note = bpf_map_lookup_elem(&sipseal_sosfrag, &key);
	return note && p->frag_off >= note->len && bpf_ktime_get_coarse_ns() < note->until_ns ? note : NULL;
}

#endif
