/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frame - Ethernet, IP and UDP in userspace: take a steered frame apart, build the frames that leave.
 * Pure.  Up to two VLAN tags (mode wire): they are kept in l2, and leave with the frame.
 */
#ifndef SIPSEAL_WIRE_FRAME_H
#define SIPSEAL_WIRE_FRAME_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/slice.h"

#define WIRE_L3_MAX 256  /* IP header with options or extension headers that we copy */

struct wire_frame {
	bool is_v6;
	struct slice l2;         /* Ethernet header with tags: 14, 18 or 22 bytes */
	struct slice l3;         /* IP header with options / extension headers, up to the UDP header */
	uint8_t l4_proto_off;    /* v6: offset in l3 of the next-header byte that says UDP */
	uint16_t src_port, dst_port; /* host order */
	uint8_t src[16], dst[16];    /* IPv4 as ::ffff:a.b.c.d */
	struct slice payload;    /* of UDP; cut to the UDP length */
};

/**
 * wire_frame_parse() - take a frame apart.  Bytes after the IP packet (padding) are ignored.
 * Return: 0; -EBADMSG lengths or headers that do not fit (also IP headers over WIRE_L3_MAX);
 * -EPROTONOSUPPORT not unfragmented UDP, extension headers other than hop-by-hop, routing and
 * destination options, or a source route that is not used up.
 */
int wire_frame_parse(struct slice frame, struct wire_frame *ret);

/**
 * wire_frame_ttl() - TTL or hop limit as received.  Whoever sets want_ttl_dec forwards nothing that
 * came with <= 1 (RFC 1812 s5.3.1); the count stops at 0.
 */
uint8_t wire_frame_ttl(const struct wire_frame *f);

/**
 * wire_checksum_is_bad() - is the UDP checksum neither right, nor absent, nor the sum over the pseudo
 * header alone (a sender that left the rest to a NIC which does not do it)?  Checksums are written anew,
 * so a corrupt datagram that is not stopped would leave with a good one.
 */
bool wire_checksum_is_bad(const struct wire_frame *f);

/* How a datagram leaves. */
struct wire_out {
	const struct wire_frame *in;  /* headers are taken from there: addresses, ports, TOS, options */
	bool is_reply;                /* addresses and ports swapped, TTL 64, no options, ECN cleared: an
	                                 answer of ours */
	uint8_t dmac[6], smac[6];
	uint16_t mtu;                 /* bytes of an IP packet; >= 576 (v4) or 1280 (v6), else taken as that */
	uint32_t ip_id;               /* identification of fragments, fresh per datagram */
	bool want_ttl_dec;            /* routed mode: one hop */
};

/**
 * wire_frame_cnt() - how many frames a payload of @len bytes needs (1 = no fragmentation), or -E2BIG:
 * over 65,535 bytes of IP, or -EMSGSIZE: v6 extension headers that cannot be fragmented here.
 */
int wire_frame_cnt(const struct wire_out *o, size_t len);

/** wire_payload_max() - the longest payload that wire_frame_cnt() takes. */
size_t wire_payload_max(const struct wire_out *o);

/** wire_payload_off() - where the payload starts in an unfragmented frame. */
size_t wire_payload_off(const struct wire_out *o);

/**
 * wire_frame_finish() - an unfragmented frame whose payload already stands at wire_payload_off():
 * writes Ethernet, IP and UDP headers before it, lengths and whole checksums.
 * Return: length of the frame.
 */
size_t wire_frame_finish(const struct wire_out *o, char *frame, size_t payload_len);

/**
 * wire_fragment_emit() - write fragment @i of wire_frame_cnt() into @dst.
 * The UDP checksum of the first covers the whole datagram (RFC 768); v4: DF cleared, options with the
 * copied flag go into every fragment (RFC 791); v6: a fragment header per frame (RFC 8200 s4.5).
 * Works for a count of 1, too: then the frame is the same as wire_frame_finish() makes.
 * Return: length of the frame; -ENOSPC; -EINVAL no such fragment; or what wire_frame_cnt() returns.
 */
ssize_t wire_fragment_emit(const struct wire_out *o, struct slice payload, int i, char *dst, size_t cap);

#endif
