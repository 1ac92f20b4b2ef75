/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/udp_header.h"

#include <errno.h>
#include <netinet/in.h>

#define V4_LEN  20
#define V6_LEN  40
#define UDP_LEN 8
#define TTL     64

static void put_be16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* RFC 1071, by words in network order.  Only the last piece may be odd. */
static uint64_t sum_add(uint64_t sum, const void *p, size_t len)
{
	const uint8_t *b = p;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint64_t)b[i] << 8 | b[i + 1];
	return len & 1 ? sum + ((uint64_t)b[len - 1] << 8) : sum;
}

static uint16_t sum_fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void v4_put(const struct udp_flow *f, size_t udp_len, uint8_t *l3)
{
	memset(l3, 0, V4_LEN);
	l3[0] = 0x45;
	put_be16(l3 + 2, V4_LEN + udp_len);
	l3[8] = TTL;
	l3[9] = IPPROTO_UDP;
	memcpy(l3 + 12, f->src + 12, 4);
	memcpy(l3 + 16, f->dst + 12, 4);
	put_be16(l3 + 10, sum_fold(sum_add(0, l3, V4_LEN)));
}

static void v6_put(const struct udp_flow *f, size_t udp_len, uint8_t *l3)
{
	memset(l3, 0, V6_LEN);
	l3[0] = 0x60;
	put_be16(l3 + 4, udp_len);
	l3[6] = IPPROTO_UDP;
	l3[7] = TTL;
	memcpy(l3 + 8, f->src, 16);
	memcpy(l3 + 24, f->dst, 16);
}

/* The pseudo header is protocol, length and addresses: the last bytes of either IP header. */
static void udp_put(const struct udp_flow *f, const uint8_t *addrs, size_t addrs_len, struct slice payload, uint8_t *udp)
{
	uint64_t sum = IPPROTO_UDP + UDP_LEN + payload.len;
	uint16_t check;

	put_be16(udp, f->src_port);
	put_be16(udp + 2, f->dst_port);
	put_be16(udp + 4, UDP_LEN + payload.len);
	put_be16(udp + 6, 0);
	sum = sum_add(sum, addrs, addrs_len);
	sum = sum_add(sum, udp, UDP_LEN);
	check = sum_fold(sum_add(sum, payload.p, payload.len));
	put_be16(udp + 6, check ? check : 0xffff); /* 0 would say that there is none (RFC 768) */
}

ssize_t udp_header_put(const struct udp_flow *f, struct slice payload, uint8_t dst[UDP_HEADER_MAX])
{
	size_t udp_len = UDP_LEN + payload.len;

	if (payload.len > 65535 - UDP_LEN - (f->is_v6 ? 0 : V4_LEN))
		return -E2BIG;
	if (f->is_v6) {
		v6_put(f, udp_len, dst);
		udp_put(f, dst + 8, 32, payload, dst + V6_LEN);
		return V6_LEN + UDP_LEN;
	}
	v4_put(f, udp_len, dst);
	udp_put(f, dst + 12, 8, payload, dst + V4_LEN);
	return V4_LEN + UDP_LEN;
}
