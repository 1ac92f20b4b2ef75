/* SPDX-License-Identifier: BSD-2-Clause */
/* cuts - packets of packet.h, cut into fragments by the letter of RFC 791 and RFC 8200, right or wrong. */
#ifndef SIPSEAL_TEST_CUTS_H
#define SIPSEAL_TEST_CUTS_H

#include "guard.h"
#include "wire/packet.h"

/* A packet that will be cut. */
struct flow {
	const char *name;
	struct packet_spec spec;
	size_t head_len, proto_off;  /* v6: headers of every fragment, and which byte names the next one */
	uint32_t id;
	uint16_t tag_types[2], tags[2]; /* type 0: none */
	uint8_t frame[PACKET_MAX];   /* without tags, whole */
	size_t packet_len;
};

/* One cut; what is zero is as it should be. */
struct cut {
	size_t off, len;
	bool is_last;
	uint8_t ttl;                 /* 0: that of the packet */
	int ecn;                     /* < 0: that of the packet */
	uint8_t next;                /* v6: 0: the right one */
	bool want_other_bytes;
};

static const uint8_t fragments_seed[] = "INVITE sip:+12155550113@carrier.example.net SIP/2.0\r\n";

static inline void flow_sum(uint8_t *h, size_t len)
{
	uint32_t sum;

	memset(h + 10, 0, 2);
	sum = ~packet_sum(0, h, len) & 0xffff;
	h[10] = (uint8_t)(sum >> 8);
	h[11] = (uint8_t)sum;
}

/* @ext: 0 .. 2 of packet_v6_exts or 0 .. 3 of packet_v4_exts, -1: none. */
static inline void flow_put(struct flow *f, bool is_v6, int ext, uint32_t id, const void *payload, size_t payload_len)
{
	static const size_t heads[] = { 48, 40, 80 }, protos[] = { 40, 6, 56 };

	*f = (struct flow){ .spec = { .is_v6 = is_v6, .ttl = 64 }, .id = id, .head_len = 40, .proto_off = 6 };
	if (ext >= 0)
		f->spec.ext = is_v6 ? &packet_v6_exts[ext] : &packet_v4_exts[ext];
	f->name = f->spec.ext ? f->spec.ext->name : is_v6 ? "v6" : "v4";
	f->packet_len = packet_put(&f->spec, payload, payload_len, f->frame) - 14;
	if (is_v6 && ext >= 0) {
		f->head_len = heads[ext];
		f->proto_off = protos[ext];
	} else if (!is_v6) {
		f->head_len = (f->frame[14] & 15) * 4u;
		f->frame[18] = (uint8_t)(id >> 8);
		f->frame[19] = (uint8_t)id;
		flow_sum(f->frame + 14, f->head_len);
	}
}

/* The same with bytes that nobody reads. */
static inline void flow_make(struct flow *f, bool is_v6, int ext, uint32_t id, size_t payload_len)
{
	static uint8_t payload[65536];

	for (size_t i = 0; i < payload_len; i++)
		payload[i] = i < sizeof(fragments_seed) - 1 ? fragments_seed[i] : (uint8_t)(i * 7 + (i >> 8) + id);
	flow_put(f, is_v6, ext, id, payload, payload_len);
}

/* The same from another address, of another number. */
static inline void flow_name(struct flow *f, unsigned source, uint32_t id)
{
	uint16_t host = htons((uint16_t)source), be = htons((uint16_t)id);

	f->id = id;
	memcpy(f->frame + 14 + (f->spec.is_v6 ? 22 : 14), &host, 2);
	if (!f->spec.is_v6) {
		memcpy(f->frame + 18, &be, 2);
		flow_sum(f->frame + 14, f->head_len);
	}
}

/* Bytes of data that there are to cut. */
static inline size_t flow_data_len(const struct flow *f)
{
	return f->packet_len - f->head_len;
}

static inline size_t cut_l2(const struct flow *f, uint8_t *dst)
{
	size_t at = 12;

	memcpy(dst, f->frame, 12);
	for (size_t i = 0; i < 2 && f->tag_types[i]; i++, at += 4) {
		uint16_t be[2] = { htons(f->tag_types[i]), htons(f->tags[i]) };

		memcpy(dst + at, be, 4);
	}
	memcpy(dst + at, f->frame + 12, 2);
	return at + 2;
}

/* Writes a frame.  Return: its length. */
static inline size_t cut_put(const struct flow *f, struct cut c, uint8_t *dst)
{
	size_t l2 = cut_l2(f, dst), head = f->head_len, n = head + (f->spec.is_v6 ? 8 : 0);
	uint16_t field = f->spec.is_v6 ? (uint16_t)(c.off | !c.is_last) :
					 (uint16_t)(c.off / 8 | (c.is_last ? 0 : 0x2000));
	uint16_t plen = f->spec.is_v6 ? htons(n - 40 + c.len) : htons(n + c.len);
	uint8_t *h = dst + l2;

	memcpy(h, f->frame + 14, head);
	field = htons(field);
	memcpy(h + (f->spec.is_v6 ? 4 : 2), &plen, 2);
	if (c.ttl)
		h[f->spec.is_v6 ? 7 : 8] = c.ttl;
	if (f->spec.is_v6) {
		uint8_t frag[8] = { c.next ? c.next : h[f->proto_off] };
		uint32_t id = htonl(f->id);

		memcpy(frag + 2, &field, 2);
		memcpy(frag + 4, &id, 4);
		memcpy(h + head, frag, 8);
		h[f->proto_off] = 44;
		if (c.ecn >= 0)
			h[1] = (uint8_t)((h[1] & 0xcf) | c.ecn << 4);
	} else {
		memcpy(h + 6, &field, 2);
		if (c.ecn >= 0)
			h[1] = (uint8_t)((h[1] & 0xfc) | c.ecn);
		flow_sum(h, head);
	}
	for (size_t i = 0; i < c.len; i++) {
		size_t at = 14 + head + c.off + i;

		h[n + i] = at < 14 + f->packet_len ? f->frame[at] : 0xee;
		if (c.want_other_bytes)
			h[n + i] ^= 0x55;
	}
	return l2 + n + c.len;
}

#endif
