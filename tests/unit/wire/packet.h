/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * packet - frames for tests, and a second opinion on them.  Nothing here uses the code under test:
 * sums are RFC 1071's plain 16-bit loop, headers are the kernel's structs.
 */
#ifndef SIPSEAL_TEST_PACKET_H
#define SIPSEAL_TEST_PACKET_H

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <string.h>

#include "base/slice.h"

#define PACKET_MAX (14 + 65535 + 64)

/* IP options or extension headers; of the latter each "next header" byte is filled in by
 * packet_put(). */
struct packet_ext {
	const char *name;
	uint8_t type[4]; /* v6: types of the extension headers, 0xff ends; 0 is hop-by-hop */
	uint8_t bytes[64];
	size_t len;
};

struct packet_spec {
	bool is_v6;
	const struct packet_ext *ext;
	uint16_t frag; /* v4: the flags and offset field */
	uint8_t ttl;
};

static const uint8_t packet_v4_src[4] = {10, 0, 0, 1}, packet_v4_dst[4] = {203, 0, 113, 10};
static const uint8_t packet_v6_src[16] = {0x20, 1, 0xd, 0xb8, [15] = 1};
static const uint8_t packet_v6_dst[16] = {0x20, 1, 0xd, 0xb8, [15] = 2};

/* RFC 1071, by the letter: big-endian 16-bit words, padded with a zero byte. */
static inline uint32_t packet_sum(uint32_t sum, const void *p, size_t len)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < len; i++) {
		sum += i % 2 ? b[i] : (uint32_t)b[i] << 8;
		while (sum > 0xffff)
			sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

/* Sum over pseudo-header and UDP datagram as received: 0xffff where the checksum is right. */
static inline uint32_t packet_udp_sum(bool is_v6, const void *src, const void *dst, const void *udp,
				      size_t len)
{
	size_t alen = is_v6 ? 16 : 4;
	uint8_t tail[8] = {0, 0, (uint8_t)(len >> 8), (uint8_t)len, 0, 0, 0, 17};
	uint32_t sum = packet_sum(0, src, alen);

	sum = packet_sum(sum, dst, alen);
	sum = packet_sum(sum, tail, sizeof(tail));
	return packet_sum(sum, udp, len);
}

static inline size_t packet_v4_put(const struct packet_spec *s, size_t udp_len, uint8_t *dst)
{
	size_t hlen = sizeof(struct iphdr) + (s->ext ? s->ext->len : 0);
	struct iphdr h = {.version = 4,
			  .tos = 0xb9,
			  .tot_len = htons(hlen + udp_len),
			  .id = htons(0x1234),
			  .frag_off = htons(s->frag),
			  .ttl = s->ttl,
			  .protocol = 17};

	h.ihl = hlen / 4;
	memcpy(&h.saddr, packet_v4_src, 4);
	memcpy(&h.daddr, packet_v4_dst, 4);
	memcpy(dst, &h, sizeof(h));
	if (s->ext)
		memcpy(dst + sizeof(h), s->ext->bytes, s->ext->len);
	h.check = htons((uint16_t)~packet_sum(0, dst, hlen));
	memcpy(dst + offsetof(struct iphdr, check), &h.check, 2);
	return hlen;
}

static inline size_t packet_v6_put(const struct packet_spec *s, size_t udp_len, uint8_t *dst)
{
	size_t ext_len = s->ext ? s->ext->len : 0, off = sizeof(struct ipv6hdr), next = 6;
	struct ipv6hdr h = {.version = 6,
			    .priority = 0xb,
			    .flow_lbl = {0x91, 0x23, 0x45},
			    .payload_len = htons(ext_len + udp_len),
			    .hop_limit = s->ttl};

	memcpy(&h.saddr, packet_v6_src, 16);
	memcpy(&h.daddr, packet_v6_dst, 16);
	memcpy(dst, &h, sizeof(h));
	if (ext_len)
		memcpy(dst + off, s->ext->bytes, ext_len);
	for (size_t i = 0; ext_len && i < 4 && s->ext->type[i] != 0xff; i++) {
		dst[next] = s->ext->type[i];
		next = off;
		off += (dst[off + 1] + 1u) * 8;
	}
	dst[next] = 17;
	return sizeof(h) + ext_len;
}

/* Writes a whole frame.  Return: its length. */
static inline size_t packet_put(const struct packet_spec *s, const void *payload, size_t len,
				uint8_t *dst)
{
	static const uint8_t l2[12] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
	struct udphdr u = {.source = htons(5060), .dest = htons(5080), .len = htons(8 + len)};
	size_t hlen;

	memcpy(dst, l2, 12);
	dst[12] = s->is_v6 ? 0x86 : 8;
	dst[13] = s->is_v6 ? 0xdd : 0;
	hlen = s->is_v6 ? packet_v6_put(s, 8 + len, dst + 14) : packet_v4_put(s, 8 + len, dst + 14);
	memcpy(dst + 14 + hlen, &u, 8);
	if (len)
		memcpy(dst + 14 + hlen + 8, payload, len);
	return 14 + hlen + 8 + len;
}

/* The right checksum into a frame without options: packet_put() leaves none. */
static inline void packet_sum_put(bool is_v6, uint8_t *frame, size_t len)
{
	size_t off = 14 + (is_v6 ? 40 : 20);
	const void *src = is_v6 ? packet_v6_src : packet_v4_src, *dst = is_v6 ? packet_v6_dst : packet_v4_dst;
	uint32_t sum;

	memset(frame + off + 6, 0, 2);
	sum = ~packet_udp_sum(is_v6, src, dst, frame + off, len - off) & 0xffff;
	sum = sum ? sum : 0xffff;
	frame[off + 6] = (uint8_t)(sum >> 8);
	frame[off + 7] = (uint8_t)sum;
}

static const struct packet_ext packet_v4_exts[] = {
    /* record route (not copied), router alert (copied), end */
    {"options", {0xff}, {7, 7, 4, 0, 0, 0, 0, 148, 4, 0, 0, 0}, 12},
    /* stream ID (copied) behind NOPs, and the longest there is */
    {"40 bytes", {0xff}, {1, 1, 136, 4, 0, 5, 1, 7, 31, 4}, 40},
    {"nothing copied", {0xff}, {7, 7, 4, 0, 0, 0, 0, 0}, 8},
    {"used-up source route", {0xff}, {131, 7, 8, 192, 0, 2, 1, 0}, 8},
};

static const struct packet_ext packet_v6_exts[] = {
    {"hop-by-hop", {0, 0xff}, {0, 0, 5, 2, 0, 0, 1, 0}, 8},
    {"destination options", {60, 0xff}, {0, 1, 1, 12}, 16},
    {"all of them",
     {0, 60, 43, 60},
     /* hop-by-hop; options for the routing stops; a used-up routing header; options for the end */
     {0, 0, 5, 2, 0, 0,	   1, 0,   0,	 0,	   1,	     4, 0, 0, 0, 0, 0, 2, 2,
      0, 0, 0, 0, 0, 0x20, 1, 0xd, 0xb8, [39] = 9, [40] = 0, 0, 1, 4, 0, 0, 0, 0},
     48},
};

#endif
