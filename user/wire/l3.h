/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * l3 - what the files of wire/ share: offsets, byte order, the walk over IPv6 extension headers.
 * Frames are read and written by the byte: the IP header stands at offset 14 and is not aligned.
 */
#ifndef SIPSEAL_WIRE_L3_H
#define SIPSEAL_WIRE_L3_H

#include <netinet/in.h>

#include "wire/frame.h"

#define L2_LEN     14
#define VLAN_LEN   4
#define V4_LEN     20
#define V6_LEN     40
#define UDP_LEN    8
#define FRAG6_LEN  8
#define IP_MAX     65535

#define ETHERTYPE_V4 0x0800
#define ETHERTYPE_V6 0x86dd
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_QINQ 0x88a8
#define VLAN_TAGS_MAX 2

#define V4_DF      0x4000
#define V4_MF      0x2000
#define V4_OFFSET  0x1fff

#define V4_OPT_END  0
#define V4_OPT_NOP  1
#define V4_OPT_COPY 0x80 /* RFC 791 s3.1: the option goes into every fragment */
#define V4_OPT_LSRR 131
#define V4_OPT_SSRR 137

static inline uint16_t get_be16(const void *p)
{
	const uint8_t *b = p;

	return (uint16_t)(b[0] << 8 | b[1]);
}

static inline void put_be16(void *p, size_t v)
{
	uint8_t *b = p;

	b[0] = (uint8_t)(v >> 8);
	b[1] = (uint8_t)v;
}

/* The chain of IPv6 headers up to UDP. */
struct v6_chain {
	size_t len;           /* of all headers before UDP, the fixed one included */
	size_t proto_off;     /* of the next-header byte that says UDP */
	size_t unfrag_len;    /* headers that go into every fragment (RFC 8200 s4.5) */
	size_t unfrag_proto_off; /* of the last next-header byte among those */
	unsigned routing_cnt;
};

/**
 * v6_chain_walk() - @p starts with an IPv6 header and has @len bytes of the packet.
 * Return: 0; -EBADMSG does not fit; -EPROTONOSUPPORT ends in something else than UDP, or has a
 * header that is none of hop-by-hop, destination options and a used-up routing header.
 */
int v6_chain_walk(const uint8_t *p, size_t len, struct v6_chain *ret);

/**
 * l3_put() - the IP header(s) of @o as they leave unfragmented, without lengths and checksum.
 * Return: their length, the same as l3_len().
 */
size_t l3_put(const struct wire_out *o, uint8_t *dst);

/** l3_len() - length of the IP header(s) of @o. */
size_t l3_len(const struct wire_out *o);

/** l2_len() - length of the Ethernet header of @o: tags are those that came. */
static inline size_t l2_len(const struct wire_out *o)
{
	return o->in->l2.len;
}

/** l2_put() - the Ethernet header. */
void l2_put(const struct wire_out *o, uint8_t *dst);

/**
 * l2_walk() - the Ethernet header of a frame.
 * @ret_type: EtherType behind the tags
 * Return: its length with tags, 0: does not fit.
 */
size_t l2_walk(struct slice frame, uint16_t *ret_type);

/**
 * udp_put() - the UDP header, its checksum over @l3's addresses and the whole @payload.
 * @payload may stand anywhere.
 */
void udp_put(const struct wire_out *o, const uint8_t *l3, struct slice payload, uint8_t *dst);

/** v4_finish() - total length and header checksum of an IPv4 header of @hlen bytes. */
void v4_finish(uint8_t *l3, size_t hlen, size_t total);

#endif
