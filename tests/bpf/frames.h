/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frames - build frames from a description.  A field that is zero means the ordinary thing.
 */
#ifndef SIPSEAL_TEST_FRAMES_H
#define SIPSEAL_TEST_FRAMES_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define FRAME_MAX 3000
#define INVITE "INVITE sip:+12125551000@203.0.113.10 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.1.5\r\n\r\n"
#define OPTIONS "OPTIONS sip:203.0.113.10 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.1.5\r\n\r\n"

struct spec {
	const char *src, *dst;   /* v6 if there is a colon */
	uint16_t sport, dport;   /* 5060 */
	uint8_t proto;           /* UDP */
	const char *text;        /* UDP payload; INVITE */
	int text_len;            /* strlen(text) */
	int tags;                /* VLAN tags; the outermost of two or more is 802.1ad */
	uint16_t ethertype;      /* by address family */
	uint8_t ttl;             /* 64 */
	int options;             /* bytes of IPv4 options */
	uint8_t ext[16];         /* IPv6 extension headers, in order; 255 is hop-by-hop (0) */
	int ext_units;           /* length field of each, 8-byte units beyond the first */
	uint16_t frag;           /* v4: frag_off field; v6: field of the fragment header (44 in ext) */
	int udp_len_delta, ip_len_delta;
	uint16_t udp_len_zero;   /* 1: UDP length 0 */
	int cut;                 /* bytes missing at the end of the frame */
	int pad;                 /* bytes behind the IP packet */
	uint16_t id;             /* of the datagram, for fragments */
	bool is_group_mac;
	uint8_t version;         /* of IP, if not the right one */
	uint8_t ihl;             /* if not the right one */
	enum { SUM_NONE, SUM_PARTIAL, SUM_RIGHT } sum; /* UDP checksum: 0, of the pseudo-header alone, the right one */
};

struct frame {
	uint8_t b[FRAME_MAX];
	size_t len, l3;
};

static inline uint16_t ip_sum(const uint8_t *p, size_t len)
{
	uint32_t s = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		s += (uint32_t)(p[i] << 8 | p[i + 1]);
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

static inline void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline size_t frame_ether(struct frame *f, const struct spec *s, bool is_v6)
{
	static const uint8_t dst[6] = { 2, 0, 0, 0, 0, 1 }, src[6] = { 2, 0, 0, 0, 0, 2 };
	size_t at = 12;

	memcpy(f->b, dst, 6);
	memcpy(f->b + 6, src, 6);
	if (s->is_group_mac)
		f->b[0] |= 1;
	for (int i = 0; i < s->tags; i++, at += 4) {
		put16(f->b + at, i + 1 < s->tags ? 0x88a8 : 0x8100);
		put16(f->b + at + 2, 100 + (unsigned)i);
	}
	put16(f->b + at, s->ethertype ? s->ethertype : is_v6 ? 0x86dd : 0x0800);
	return at + 2;
}

static inline size_t frame_ipv4(struct frame *f, const struct spec *s, size_t l4_len, uint8_t proto)
{
	uint8_t *p = f->b + f->l3;
	size_t ihl = 20 + (size_t)s->options;

	memset(p, 0, ihl);
	p[0] = (uint8_t)((s->version ? s->version : 4) << 4 | (s->ihl ? s->ihl : ihl / 4));
	put16(p + 2, (unsigned)((int)(ihl + l4_len) + s->ip_len_delta));
	put16(p + 4, 0x1234 + s->id);
	put16(p + 6, s->frag);
	p[8] = s->ttl ? s->ttl : 64;
	p[9] = proto;
	inet_pton(AF_INET, s->src, p + 12);
	inet_pton(AF_INET, s->dst, p + 16);
	memset(p + 20, 1, (size_t)s->options); /* NOP */
	put16(p + 10, ip_sum(p, ihl));
	return f->l3 + ihl;
}

static inline uint8_t ext_number(uint8_t e)
{
	return e == 255 ? 0 : e;
}

static inline size_t frame_ipv6(struct frame *f, const struct spec *s, size_t l4_len, uint8_t proto)
{
	uint8_t *p = f->b + f->l3, *next = p + 6;
	size_t at = f->l3 + 40;

	memset(p, 0, 40);
	p[0] = (uint8_t)((s->version ? s->version : 6) << 4);
	p[7] = s->ttl ? s->ttl : 64;
	inet_pton(AF_INET6, s->src, p + 8);
	inet_pton(AF_INET6, s->dst, p + 24);
	for (size_t i = 0; i < sizeof(s->ext) && s->ext[i]; i++) {
		bool is_ah = s->ext[i] == 51, is_frag = s->ext[i] == 44;
		size_t len = is_frag ? 8 : 8 + (size_t)s->ext_units * 8;

		*next = ext_number(s->ext[i]);
		memset(f->b + at, 0, len);
		f->b[at + 1] = is_frag ? 0 : (uint8_t)(is_ah ? len / 4 - 2 : len / 8 - 1);
		if (is_frag) {
			put16(f->b + at + 2, s->frag);
			put16(f->b + at + 6, s->id);
		}
		next = f->b + at;
		at += len;
	}
	*next = proto;
	put16(p + 4, (unsigned)((int)(at - f->l3 - 40 + l4_len) + s->ip_len_delta));
	return at;
}

/* The UDP checksum at @at, over @len bytes. */
static inline void frame_udp_sum(struct frame *f, const struct spec *s, size_t at, size_t len, bool is_v6)
{
	uint8_t p[FRAME_MAX];
	size_t n = is_v6 ? 32 : 8, whole = s->sum == SUM_RIGHT ? len : 0;
	uint16_t sum;

	memcpy(p, f->b + f->l3 + (is_v6 ? 8 : 12), n);
	put16(p + n, 17);
	memcpy(p + n + 2, f->b + at + 4, 2); /* the length, also where it is none */
	memcpy(p + n + 4, f->b + at, whole);
	p[n + 4 + whole] = 0; /* in case of an odd length */
	sum = ip_sum(p, n + 4 + whole + whole % 2);
	put16(f->b + at + 6, s->sum == SUM_RIGHT ? sum : (uint16_t)~sum);
}

static inline void frame_build(struct frame *f, const struct spec *s)
{
	const char *text = s->text ? s->text : INVITE;
	size_t text_len = s->text_len ? (size_t)s->text_len : strlen(text), at;
	uint8_t proto = s->proto ? s->proto : IPPROTO_UDP;
	bool is_v6 = strchr(s->src, ':');
	size_t l4_len = text_len + (proto == IPPROTO_UDP ? 8 : 20);

	memset(f, 0, sizeof(*f));
	f->l3 = frame_ether(f, s, is_v6);
	at = is_v6 ? frame_ipv6(f, s, l4_len, proto) : frame_ipv4(f, s, l4_len, proto);
	put16(f->b + at, s->sport ? s->sport : 5060);
	put16(f->b + at + 2, s->dport ? s->dport : 5060);
	if (proto == IPPROTO_UDP)
		put16(f->b + at + 4, s->udp_len_zero ? 0 : (unsigned)((int)l4_len + s->udp_len_delta));
	memcpy(f->b + at + l4_len - text_len, text, text_len);
	if (s->sum)
		frame_udp_sum(f, s, at, l4_len, is_v6);
	f->len = at + l4_len + (size_t)s->pad - (size_t)s->cut;
}

#endif
