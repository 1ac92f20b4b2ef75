/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forward - an IP packet that leaves as it came, whatever it carries: fragments, mostly.  Pure.
 */
#ifndef SIPSEAL_WIRE_FORWARD_H
#define SIPSEAL_WIRE_FORWARD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct wire_packet {
	bool is_v6;
	size_t l2_len;           /* Ethernet header with tags */
	struct slice ip;         /* the packet, without what Ethernet pads it with */
	uint8_t src[16], dst[16]; /* IPv4 as ::ffff:a.b.c.d */
	uint8_t ttl;             /* or hop limit */
};

/** wire_packet_parse() - Return: 0; -EBADMSG: no IP packet, or lengths that do not fit the frame. */
int wire_packet_parse(struct slice frame, struct wire_packet *ret);

/** wire_packet_hop() - one hop less, in place; the IPv4 sum follows (RFC 1624), and stays wrong where it was.
 * @ip: of wire_packet_parse(); stops at 0 */
void wire_packet_hop(char *ip, bool is_v6);

#endif
