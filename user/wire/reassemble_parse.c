/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/checksum.h"
#include "wire/reassemble_internal.h"

#define VID_MASK 0x0fff

#define PROTO_MOBILITY 135 /* RFC 6275 */
#define PROTO_HIP      139 /* RFC 7401 */
#define PROTO_SHIM6    140 /* RFC 5533 */

#define FRAG6_OFFSET 0xfff8
#define FRAG6_MORE   1

/* Return: EtherType behind the tags; 0: does not fit. */
static uint16_t l2_parse(struct slice frame, struct fragment *f)
{
	uint16_t type;
	size_t len = l2_walk(frame, &type);

	if (!len)
		return 0;
	f->l3_at = (uint16_t)len;
	for (size_t i = 0; L2_LEN + i * VLAN_LEN < len; i++)
		f->key.vid[i] = get_be16(frame.p + L2_LEN + i * VLAN_LEN) & VID_MASK;
	return type;
}

/* Rules that both versions have.  @room: bytes that offset and data may take. */
static enum reassemble_outcome data_check(const struct fragment *f, size_t room)
{
	if (!f->data.len || (!f->is_last && f->data.len % 8) || f->off + f->data.len > room)
		return REASSEMBLE_MALFORMED;
	return REASSEMBLE_HELD;
}

static enum reassemble_outcome v4_fragment(struct slice p, struct fragment *f)
{
	const uint8_t *h = (const uint8_t *)p.p;
	size_t hlen, total;
	uint16_t frag;

	if (p.len < V4_LEN || h[0] >> 4 != 4)
		return REASSEMBLE_MALFORMED;
	hlen = (h[0] & 0xfu) * 4;
	total = get_be16(h + 2);
	if (hlen < V4_LEN || total < hlen || total > p.len)
		return REASSEMBLE_MALFORMED;
	frag = get_be16(h + 6);
	if (!(frag & (V4_MF | V4_OFFSET)))
		return REASSEMBLE_NO_FRAGMENT;
	if (checksum_fold(checksum_add(0, h, hlen)))
		return REASSEMBLE_MALFORMED;
	if (h[9] != IPPROTO_UDP)
		return h[9] == IPPROTO_AH ? REASSEMBLE_OPAQUE : REASSEMBLE_NOT_UDP;
	memcpy(f->key.src, h + 12, 4);
	memcpy(f->key.dst, h + 16, 4);
	f->key.id = get_be16(h + 4);
	f->key.proto = f->next = IPPROTO_UDP;
	f->l3_len = (uint16_t)hlen;
	f->data_at = (uint16_t)(f->l3_at + hlen);
	f->data = slice_of(p.p + hlen, total - hlen);
	f->off = (frag & V4_OFFSET) * 8u;
	f->is_last = !(frag & V4_MF);
	f->ttl = h[8];
	f->ecn = h[1] & 3;
	return data_check(f, IP_MAX - hlen);
}

/* May UDP stand somewhere behind this header, where nobody here can see it? */
static bool is_blind(uint8_t type)
{
	return type == IPPROTO_FRAGMENT || type == IPPROTO_AH || type == IPPROTO_HOPOPTS ||
	       type == PROTO_MOBILITY || type == PROTO_HIP || type == PROTO_SHIM6;
}

/*
 * One header of those that parse.c walks, hop-by-hop options apart; *at goes behind it.
 * Return: HELD; MALFORMED: does not fit; OPAQUE.
 */
static enum reassemble_outcome ext_step(const uint8_t *p, size_t len, uint8_t type, size_t *at)
{
	size_t hlen;

	if (len - *at < 8)
		return REASSEMBLE_MALFORMED;
	hlen = (p[*at + 1] + 1u) * 8;
	if (hlen > len - *at)
		return REASSEMBLE_MALFORMED;
	if (type == IPPROTO_ROUTING && p[*at + 3] != 0)
		return REASSEMBLE_OPAQUE; /* segments left */
	*at += hlen;
	return REASSEMBLE_HELD;
}

/* What the first fragment shows.  MALFORMED: does not show enough. */
static enum reassemble_outcome first_kind(const struct fragment *f)
{
	const uint8_t *p = (const uint8_t *)f->data.p;
	enum reassemble_outcome o;
	uint8_t type = f->next;
	size_t at = 0, from;

	while (type == IPPROTO_ROUTING || type == IPPROTO_DSTOPTS) {
		from = at;
		o = ext_step(p, f->data.len, type, &at);
		if (o != REASSEMBLE_HELD)
			return o;
		type = p[from];
	}
	if (is_blind(type) || f->l3_len + at > WIRE_L3_MAX)
		return REASSEMBLE_OPAQUE;
	if (type != IPPROTO_UDP)
		return REASSEMBLE_NOT_UDP;
	return f->data.len - at < UDP_LEN ? REASSEMBLE_MALFORMED : REASSEMBLE_HELD;
}

/* From the fixed header to the fragment header: sets l3_len and proto_off. */
static enum reassemble_outcome v6_walk(const uint8_t *h, size_t len, struct fragment *f)
{
	size_t at = V6_LEN, proto_off = 6, from;
	enum reassemble_outcome o;

	while (h[proto_off] != IPPROTO_FRAGMENT) {
		uint8_t type = h[proto_off];

		if (type != IPPROTO_ROUTING && type != IPPROTO_DSTOPTS &&
		    (type != IPPROTO_HOPOPTS || at != V6_LEN))
			return is_blind(type) ? REASSEMBLE_OPAQUE : REASSEMBLE_NO_FRAGMENT;
		from = at;
		o = ext_step(h, len, type, &at);
		if (o != REASSEMBLE_HELD)
			return o;
		proto_off = from;
	}
	if (len - at < FRAG6_LEN)
		return REASSEMBLE_MALFORMED;
	if (at > WIRE_L3_MAX)
		return REASSEMBLE_OPAQUE;
	f->l3_len = (uint16_t)at;
	f->proto_off = (uint16_t)proto_off;
	return REASSEMBLE_HELD;
}

static enum reassemble_outcome v6_fragment(struct slice p, struct fragment *f)
{
	const uint8_t *h = (const uint8_t *)p.p, *frag;
	enum reassemble_outcome o;
	size_t total;

	if (p.len < V6_LEN || h[0] >> 4 != 6)
		return REASSEMBLE_MALFORMED;
	total = V6_LEN + (size_t)get_be16(h + 4);
	if (total > p.len)
		return REASSEMBLE_MALFORMED;
	o = v6_walk(h, total, f);
	if (o != REASSEMBLE_HELD)
		return o;
	frag = h + f->l3_len;
	memcpy(f->key.src, h + 8, 32); /* dst follows in both */
	memcpy(&f->key.id, frag + 4, 4);
	f->key.is_v6 = 1;
	f->next = frag[0];
	f->data_at = (uint16_t)(f->l3_at + f->l3_len + FRAG6_LEN);
	f->data = slice_of(p.p + f->l3_len + FRAG6_LEN, total - f->l3_len - FRAG6_LEN);
	f->off = get_be16(frag + 2) & FRAG6_OFFSET;
	f->is_last = !(get_be16(frag + 2) & FRAG6_MORE);
	f->ttl = h[7];
	f->ecn = h[1] >> 4 & 3;
	o = data_check(f, IP_MAX - (f->l3_len - V6_LEN));
	if (o != REASSEMBLE_HELD || f->off)
		return o;
	f->kind = first_kind(f);
	return f->kind == REASSEMBLE_MALFORMED ? REASSEMBLE_TINY : REASSEMBLE_HELD;
}

enum reassemble_outcome fragment_parse(struct slice frame, struct fragment *ret)
{
	struct fragment f = { .kind = REASSEMBLE_HELD };
	enum reassemble_outcome o;
	uint16_t type = l2_parse(frame, &f);

	if (type != ETHERTYPE_V4 && type != ETHERTYPE_V6)
		return type ? REASSEMBLE_NO_FRAGMENT : REASSEMBLE_MALFORMED;
	frame = slice_cut(frame, f.l3_at);
	o = type == ETHERTYPE_V6 ? v6_fragment(frame, &f) : v4_fragment(frame, &f);
	if (o == REASSEMBLE_HELD)
		*ret = f;
	return o;
}
