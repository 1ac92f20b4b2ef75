/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/l3.h"

#include <errno.h>

/*
 * Options must be a legal list, because later fragments get a selection of them, and must not
 * route: while a source route is not used up, the UDP checksum covers an address that is not in
 * the header (RFC 1122 s4.1.3.3), and the packet is not for the trunk that it was matched with.
 */
static int v4_options_check(const uint8_t *o, size_t len)
{
	size_t i = 0;

	while (i < len && o[i] != V4_OPT_END) {
		if (o[i] == V4_OPT_NOP) {
			i++;
			continue;
		}
		if (len - i < 2 || o[i + 1] < 2 || o[i + 1] > len - i)
			return -EBADMSG;
		if ((o[i] == V4_OPT_LSRR || o[i] == V4_OPT_SSRR) &&
		    (o[i + 1] < 3 || o[i + 2] <= o[i + 1]))
			return -EPROTONOSUPPORT;
		i += o[i + 1];
	}
	return 0;
}

static void v4_map(uint8_t dst[16], const uint8_t *addr)
{
	memset(dst, 0, 10);
	memset(dst + 10, 0xff, 2);
	memcpy(dst + 12, addr, 4);
}

/* Fills l3, addresses and proto_off; *ret_l4 is the rest of the packet without Ethernet padding. */
static int v4_parse(struct slice p, struct wire_frame *f, struct slice *ret_l4)
{
	const uint8_t *h = (const uint8_t *)p.p;
	size_t hlen, total;
	int r;

	if (p.len < V4_LEN || h[0] >> 4 != 4)
		return -EBADMSG;
	hlen = (h[0] & 0xfu) * 4;
	total = get_be16(h + 2);
	if (hlen < V4_LEN || total < hlen || total > p.len)
		return -EBADMSG;
	if (h[9] != IPPROTO_UDP || get_be16(h + 6) & (V4_MF | V4_OFFSET))
		return -EPROTONOSUPPORT;
	r = v4_options_check(h + V4_LEN, hlen - V4_LEN);
	if (r < 0)
		return r;
	f->l3 = slice_of(p.p, hlen);
	f->l4_proto_off = 9;
	v4_map(f->src, h + 12);
	v4_map(f->dst, h + 16);
	*ret_l4 = slice_of(p.p + hlen, total - hlen);
	return 0;
}

int v6_chain_walk(const uint8_t *p, size_t len, struct v6_chain *ret)
{
	struct v6_chain c = {
	    .len = V6_LEN, .proto_off = 6, .unfrag_len = V6_LEN, .unfrag_proto_off = 6};

	while (p[c.proto_off] != IPPROTO_UDP) {
		uint8_t type = p[c.proto_off];
		size_t hlen;

		if (type != IPPROTO_HOPOPTS && type != IPPROTO_ROUTING && type != IPPROTO_DSTOPTS)
			return -EPROTONOSUPPORT;
		if (len - c.len < 8)
			return -EBADMSG;
		hlen = (p[c.len + 1] + 1u) * 8;
		if (hlen > len - c.len)
			return -EBADMSG;
		if (type == IPPROTO_HOPOPTS && c.len != V6_LEN)
			return -EBADMSG; /* RFC 8200 s4.1: directly after the fixed header only */
		if (type == IPPROTO_ROUTING && p[c.len + 3] != 0)
			return -EPROTONOSUPPORT; /* segments left: as with IPv4 source routes */
		c.routing_cnt += type == IPPROTO_ROUTING;
		c.proto_off = c.len;
		c.len += hlen;
		if (type != IPPROTO_DSTOPTS) {
			c.unfrag_len = c.len;
			c.unfrag_proto_off = c.proto_off;
		}
	}
	*ret = c;
	return 0;
}

static int v6_parse(struct slice p, struct wire_frame *f, struct slice *ret_l4)
{
	const uint8_t *h = (const uint8_t *)p.p;
	struct v6_chain c;
	size_t total;
	int r;

	if (p.len < V6_LEN || h[0] >> 4 != 6)
		return -EBADMSG;
	total = V6_LEN + (size_t)get_be16(h + 4); /* jumbograms (0) end below: no room for UDP */
	if (total > p.len)
		return -EBADMSG;
	r = v6_chain_walk(h, total, &c);
	if (r < 0)
		return r;
	if (c.len > WIRE_L3_MAX)
		return -EBADMSG;
	f->l3 = slice_of(p.p, c.len);
	f->l4_proto_off = (uint8_t)c.proto_off;
	memcpy(f->src, h + 8, 16);
	memcpy(f->dst, h + 24, 16);
	*ret_l4 = slice_of(p.p + c.len, total - c.len);
	return 0;
}

size_t l2_walk(struct slice frame, uint16_t *ret_type)
{
	size_t len = L2_LEN;
	uint16_t type;

	if (frame.len < len)
		return 0;
	type = get_be16(frame.p + 12);
	for (int i = 0; i < VLAN_TAGS_MAX && (type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ); i++) {
		if (frame.len < len + VLAN_LEN)
			return 0;
		type = get_be16(frame.p + len + 2);
		len += VLAN_LEN;
	}
	*ret_type = type;
	return len;
}

int wire_frame_parse(struct slice frame, struct wire_frame *ret)
{
	struct wire_frame f = {0};
	struct slice l4;
	size_t l2, udp_len;
	uint16_t type;
	int r;

	l2 = l2_walk(frame, &type);
	if (!l2)
		return -EBADMSG;
	f.l2 = slice_of(frame.p, l2);
	if (type != ETHERTYPE_V4 && type != ETHERTYPE_V6)
		return -EPROTONOSUPPORT;
	f.is_v6 = type == ETHERTYPE_V6;
	frame = slice_cut(frame, l2);
	r = f.is_v6 ? v6_parse(frame, &f, &l4) : v4_parse(frame, &f, &l4);
	if (r < 0)
		return r;
	if (l4.len < UDP_LEN)
		return -EBADMSG;
	udp_len = get_be16(l4.p + 4);
	if (udp_len < UDP_LEN || udp_len > l4.len)
		return -EBADMSG;
	f.src_port = get_be16(l4.p);
	f.dst_port = get_be16(l4.p + 2);
	f.payload = slice_of(l4.p + UDP_LEN, udp_len - UDP_LEN);
	*ret = f;
	return 0;
}

uint8_t wire_frame_ttl(const struct wire_frame *f)
{
	return (uint8_t)f->l3.p[f->is_v6 ? 7 : 8];
}
