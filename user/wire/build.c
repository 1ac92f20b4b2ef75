/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/l3.h"

#include <assert.h>

#include "wire/checksum.h"

#define REPLY_TTL 64   /* RFC 1700's recommended default */
#define DSCP_MASK 0xfc /* an answer keeps the class of service, not the congestion marks */

void l2_put(const struct wire_out *o, uint8_t *dst)
{
	memcpy(dst, o->dmac, 6);
	memcpy(dst + 6, o->smac, 6);
	memcpy(dst + 12, o->in->l2.p + 12, l2_len(o) - 12); /* EtherType, and tags before it */
}

size_t l3_len(const struct wire_out *o)
{
	if (o->is_reply)
		return o->in->is_v6 ? V6_LEN : V4_LEN;
	return o->in->l3.len;
}

static void v4_reply_put(const struct wire_frame *in, uint8_t *dst)
{
	memset(dst, 0, V4_LEN);
	dst[0] = 0x45;
	dst[1] = (uint8_t)in->l3.p[1] & DSCP_MASK;
	put_be16(dst + 6, V4_DF); /* with DF an ID of 0 is right (RFC 6864 s4.1) */
	dst[8] = REPLY_TTL;
	dst[9] = IPPROTO_UDP;
	memcpy(dst + 12, in->dst + 12, 4);
	memcpy(dst + 16, in->src + 12, 4);
}

static void v6_reply_put(const struct wire_frame *in, uint8_t *dst)
{
	unsigned dscp = get_be16(in->l3.p) >> 4 & DSCP_MASK;

	memset(dst, 0, V6_LEN);
	put_be16(dst, 0x6000 | dscp << 4);
	dst[6] = IPPROTO_UDP;
	dst[7] = REPLY_TTL;
	memcpy(dst + 8, in->dst, 16);
	memcpy(dst + 24, in->src, 16);
}

size_t l3_put(const struct wire_out *o, uint8_t *dst)
{
	const struct wire_frame *in = o->in;
	uint8_t *ttl = dst + (in->is_v6 ? 7 : 8);

	if (o->is_reply) {
		if (in->is_v6)
			v6_reply_put(in, dst);
		else
			v4_reply_put(in, dst);
		return l3_len(o);
	}
	memcpy(dst, in->l3.p, in->l3.len);
	if (o->want_ttl_dec && *ttl) /* never wraps: a loop must end */
		(*ttl)--;
	if (!in->is_v6)
		put_be16(dst + 6, get_be16(dst + 6) & V4_DF);
	return in->l3.len;
}

void v4_finish(uint8_t *l3, size_t hlen, size_t total)
{
	uint16_t sum;

	put_be16(l3 + 2, total);
	memset(l3 + 10, 0, 2);
	sum = checksum_fold(checksum_add(0, l3, hlen));
	memcpy(l3 + 10, &sum, 2);
}

void udp_put(const struct wire_out *o, const uint8_t *l3, struct slice payload, uint8_t *dst)
{
	uint16_t sport = o->is_reply ? o->in->dst_port : o->in->src_port;
	uint16_t dport = o->is_reply ? o->in->src_port : o->in->dst_port;
	uint8_t pseudo[4] = {0, IPPROTO_UDP}; /* and the length; IPv6's longer form sums the same */
	uint64_t sum;
	uint16_t folded;

	put_be16(dst, sport);
	put_be16(dst + 2, dport);
	put_be16(dst + 4, UDP_LEN + payload.len);
	memset(dst + 6, 0, 2);
	memcpy(pseudo + 2, dst + 4, 2);
	sum = checksum_add(0, pseudo, sizeof(pseudo));
	sum = o->in->is_v6 ? checksum_add(sum, l3 + 8, 32) : checksum_add(sum, l3 + 12, 8);
	sum = checksum_add(sum, dst, UDP_LEN);
	folded = checksum_fold(checksum_add(sum, payload.p, payload.len));
	if (folded == 0)
		folded =
		    0xffff; /* 0 means "no checksum" (RFC 768), forbidden in IPv6 (RFC 8200 s8.1) */
	memcpy(dst + 6, &folded, 2);
}

size_t wire_payload_off(const struct wire_out *o)
{
	return l2_len(o) + l3_len(o) + UDP_LEN;
}

size_t wire_frame_finish(const struct wire_out *o, char *frame, size_t payload_len)
{
	uint8_t *l3 = (uint8_t *)frame + l2_len(o);
	size_t hlen = l3_put(o, l3), total = hlen + UDP_LEN + payload_len;

	assert(total <= IP_MAX); /* wire_frame_cnt() said 1 */
	l2_put(o, (uint8_t *)frame);
	if (o->in->is_v6)
		put_be16(l3 + 4, total - V6_LEN);
	else
		v4_finish(l3, hlen, total);
	udp_put(o, l3, slice_of((char *)l3 + hlen + UDP_LEN, payload_len), l3 + hlen);
	return l2_len(o) + total;
}
