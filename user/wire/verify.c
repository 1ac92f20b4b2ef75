/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/checksum.h"
#include "wire/l3.h"

bool wire_checksum_is_bad(const struct wire_frame *f)
{
	const uint8_t *l3 = (const uint8_t *)f->l3.p, *udp = l3 + f->l3.len;
	uint8_t pseudo[4] = { 0, IPPROTO_UDP };
	uint64_t sum;
	uint16_t whole, partial;

	if (!get_be16(udp + 6)) /* none: legal in IPv4, for tunnels in IPv6 (RFC 6935) */
		return false;
	put_be16(pseudo + 2, UDP_LEN + f->payload.len);
	sum = checksum_add(0, pseudo, sizeof(pseudo));
	sum = f->is_v6 ? checksum_add(sum, l3 + 8, 32) : checksum_add(sum, l3 + 12, 8);
	partial = (uint16_t)~checksum_fold(sum);
	/* the payload follows the header: one run of bytes, the checksum field included */
	whole = checksum_fold(checksum_add(sum, udp, UDP_LEN + f->payload.len));
	/* a sender on the same machine leaves the rest to its NIC, and a veth or virtio NIC to nobody */
	return whole != 0 && memcmp(udp + 6, &partial, sizeof(partial)) != 0;
}
