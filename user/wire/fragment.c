/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/l3.h"

#include <errno.h>

#define V4_MTU_MIN 576	/* RFC 791: every host takes that much */
#define V6_MTU_MIN 1280 /* RFC 8200 s5 */

/*
 * How a datagram is cut.  What is cut ("data") is the UDP datagram, for IPv6 with the extension
 * headers before it that are for the destination alone.
 */
struct plan {
	uint8_t l3[WIRE_L3_MAX]; /* headers of the whole packet */
	size_t l3_len;
	uint8_t next[WIRE_L3_MAX]; /* headers of the second and later fragments; v6: of all */
	size_t next_len;
	size_t next_proto_off; /* v6: of the byte that names the fragment header */
	size_t first_len;      /* bytes of data in the first fragment, a multiple of 8 */
	size_t step;	       /* ... in those between, a multiple of 8 */
	size_t data_len;
	int cnt;
};

/* RFC 791 s3.2: later fragments carry the options that have the copied flag. */
static size_t v4_next_put(const uint8_t *l3, size_t len, uint8_t *dst)
{
	size_t i = V4_LEN, n = V4_LEN;

	memcpy(dst, l3, V4_LEN);
	while (i < len && l3[i] != V4_OPT_END) {
		size_t opt = l3[i] == V4_OPT_NOP ? 1 : l3[i + 1];

		if (l3[i] & V4_OPT_COPY) {
			memcpy(dst + n, l3 + i, opt);
			n += opt;
		}
		i += opt;
	}
	while (n % 4)
		dst[n++] = V4_OPT_END;
	dst[0] = (uint8_t)(0x40 | n / 4);
	return n;
}

static size_t mtu_of(const struct wire_out *o)
{
	size_t min = o->in->is_v6 ? V6_MTU_MIN : V4_MTU_MIN;

	return o->mtu > min ? o->mtu : min;
}

/* data_len, first room and later rooms are known: count. */
static void plan_count(struct plan *p, size_t first_room, size_t room)
{
	size_t rest;

	p->first_len = first_room & ~(size_t)7;
	p->step = room & ~(size_t)7;
	rest = p->data_len - p->first_len;
	/* the last one may use the room whole, it need not be a multiple of 8 */
	p->cnt = 2 + (int)(rest > room ? (rest - room + p->step - 1) / p->step : 0);
}

static int plan_v4(struct plan *p, const struct wire_out *o, size_t udp_len)
{
	size_t mtu = mtu_of(o);

	p->data_len = udp_len;
	p->next_len = v4_next_put(p->l3, p->l3_len, p->next);
	plan_count(p, mtu - p->l3_len, mtu - p->next_len);
	return 0;
}

static int plan_v6(struct plan *p, const struct wire_out *o, size_t udp_len)
{
	struct v6_chain c;
	size_t room;

	/* two routing headers: nobody says which one the path still needs */
	if (v6_chain_walk(p->l3, p->l3_len, &c) < 0 || c.routing_cnt > 1)
		return -EMSGSIZE;
	p->data_len = p->l3_len - c.unfrag_len + udp_len;
	p->next_len = c.unfrag_len;
	p->next_proto_off = c.unfrag_proto_off;
	memcpy(p->next, p->l3, c.unfrag_len);
	room = mtu_of(o) - c.unfrag_len - FRAG6_LEN;
	plan_count(p, room, room);
	return 0;
}

static int plan_make(struct plan *p, const struct wire_out *o, size_t len)
{
	p->l3_len = l3_len(o);
	if (len > IP_MAX || p->l3_len + UDP_LEN + len > IP_MAX)
		return -E2BIG;
	p->cnt = 1;
	if (p->l3_len + UDP_LEN + len <= mtu_of(o))
		return 0;
	l3_put(o, p->l3);
	return o->in->is_v6 ? plan_v6(p, o, UDP_LEN + len) : plan_v4(p, o, UDP_LEN + len);
}

int wire_frame_cnt(const struct wire_out *o, size_t len)
{
	struct plan p;
	int r = plan_make(&p, o, len);

	return r < 0 ? r : p.cnt;
}

size_t wire_payload_max(const struct wire_out *o)
{
	size_t headers = l3_len(o) + UDP_LEN, max = IP_MAX - headers;

	return wire_frame_cnt(o, max) < 0 ? mtu_of(o) - headers : max;
}

/* The part [off, off + len) of: headers at the front of the data, then the payload. */
static void data_copy(struct slice front, struct slice payload, size_t off, size_t len,
		      uint8_t *dst)
{
	if (off < front.len) {
		size_t n = front.len - off < len ? front.len - off : len;

		memcpy(dst, front.p + off, n);
		dst += n;
		off += n;
		len -= n;
	}
	if (len)
		memcpy(dst, payload.p + (off - front.len), len);
}

/* Writes the IP header(s) of the fragment that carries data [off, off + len).  Return: their
 * length. */
static size_t fragment_header_put(const struct plan *p, const struct wire_out *o, size_t off,
				  size_t len, uint8_t *dst)
{
	bool is_last = off + len == p->data_len;
	size_t hlen = p->next_len;

	if (o->in->is_v6) {
		uint8_t *frag = dst + hlen;

		memcpy(dst, p->next, hlen);
		put_be16(dst + 4, hlen + FRAG6_LEN + len - V6_LEN);
		frag[0] = dst[p->next_proto_off];
		dst[p->next_proto_off] = IPPROTO_FRAGMENT;
		frag[1] = 0;
		put_be16(frag + 2,
			 off | !is_last); /* off is a multiple of 8, low bit: more follow */
		put_be16(frag + 4, o->ip_id >> 16);
		put_be16(frag + 6, o->ip_id);
		return hlen + FRAG6_LEN;
	}
	if (off == 0)
		hlen = p->l3_len;
	memcpy(dst, off == 0 ? p->l3 : p->next, hlen);
	put_be16(dst + 4, o->ip_id);
	put_be16(dst + 6, off / 8 | (is_last ? 0 : V4_MF)); /* without DF */
	v4_finish(dst, hlen, hlen + len);
	return hlen;
}

static ssize_t whole_emit(const struct wire_out *o, struct slice payload, char *dst, size_t cap)
{
	size_t off = wire_payload_off(o);

	if (off + payload.len > cap)
		return -ENOSPC;
	if (payload.len)
		memcpy(dst + off, payload.p, payload.len);
	return (ssize_t)wire_frame_finish(o, dst, payload.len);
}

ssize_t wire_fragment_emit(const struct wire_out *o, struct slice payload, int i, char *dst,
			   size_t cap)
{
	uint8_t front[WIRE_L3_MAX + UDP_LEN], *d = (uint8_t *)dst;
	size_t off, len, hlen, front_len;
	struct plan p;
	int r = plan_make(&p, o, payload.len);

	if (r < 0)
		return r;
	if (i < 0 || i >= p.cnt)
		return -EINVAL;
	if (p.cnt == 1)
		return whole_emit(o, payload, dst, cap);
	off = i ? p.first_len + (size_t)(i - 1) * p.step : 0;
	len = i == p.cnt - 1 ? p.data_len - off : i ? p.step : p.first_len;
	hlen = o->in->is_v6 ? p.next_len + FRAG6_LEN : i ? p.next_len : p.l3_len;
	if (l2_len(o) + hlen + len > cap)
		return -ENOSPC;
	/* data in front of the payload: the UDP header, for IPv6 after extension headers */
	front_len = p.data_len - payload.len;
	if (off < front_len) {
		memcpy(front, p.l3 + p.l3_len - (front_len - UDP_LEN), front_len - UDP_LEN);
		udp_put(o, p.l3, payload, front + front_len - UDP_LEN);
	}
	l2_put(o, d);
	d += l2_len(o);
	fragment_header_put(&p, o, off, len, d);
	data_copy(slice_of((char *)front, front_len), payload, off, len, d + hlen);
	return (ssize_t)(l2_len(o) + hlen + len);
}
