/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/forward.h"

#include <errno.h>

#include "wire/l3.h"

int wire_packet_parse(struct slice frame, struct wire_packet *ret)
{
	struct wire_packet p = { 0 };
	const uint8_t *h;
	uint16_t type;
	size_t total;

	p.l2_len = l2_walk(frame, &type);
	if (!p.l2_len || (type != ETHERTYPE_V4 && type != ETHERTYPE_V6))
		return -EBADMSG;
	frame = slice_cut(frame, p.l2_len);
	h = (const uint8_t *)frame.p;
	p.is_v6 = type == ETHERTYPE_V6;
	if (frame.len < (p.is_v6 ? V6_LEN : V4_LEN) || h[0] >> 4 != (p.is_v6 ? 6 : 4))
		return -EBADMSG;
	total = p.is_v6 ? V6_LEN + (size_t)get_be16(h + 4) : get_be16(h + 2);
	if (total > frame.len || total < (p.is_v6 ? V6_LEN : (h[0] & 0xfu) * 4) || total < V4_LEN)
		return -EBADMSG;
	if (p.is_v6) {
		memcpy(p.src, h + 8, 16);
		memcpy(p.dst, h + 24, 16);
	} else {
		memset(p.src + 10, 0xff, 2);
		memset(p.dst + 10, 0xff, 2);
		memcpy(p.src + 12, h + 12, 4);
		memcpy(p.dst + 12, h + 16, 4);
	}
	p.ttl = h[p.is_v6 ? 7 : 8];
	p.ip = slice_of(frame.p, total);
	*ret = p;
	return 0;
}

void wire_packet_hop(char *ip, bool is_v6)
{
	uint8_t *h = (uint8_t *)ip;
	uint32_t sum;

	if (is_v6) {
		h[7] = (uint8_t)(h[7] - !!h[7]);
		return;
	}
	if (!h[8])
		return;
	/* RFC 1624 eqn. 3: HC' = ~(~HC + ~m + m'), m' = m - 0x100: ~m + m' is ~0x100 */
	h[8]--;
	sum = (uint16_t)~get_be16(h + 10) + (uint32_t)(uint16_t)~0x100;
	sum = (sum & 0xffff) + (sum >> 16);
	put_be16(h + 10, (uint16_t)~sum);
}
