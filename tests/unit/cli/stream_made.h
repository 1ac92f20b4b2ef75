/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stream_made - a pcapng stream made by hand, as the daemon would send it.
 */
#ifndef SIPSEAL_TEST_STREAM_MADE_H
#define SIPSEAL_TEST_STREAM_MADE_H

#include "guard.h"

#include <stdint.h>

struct stream {
	size_t len;
	char bytes[65536];
};

static inline void put(struct stream *s, const void *p, size_t len)
{
	assert_true(s->len + len <= sizeof(s->bytes));
	memcpy(s->bytes + s->len, p, len);
	s->len += len;
}

static inline void put_u32(struct stream *s, uint32_t v)
{
	put(s, &v, sizeof(v));
}

static inline void put_block(struct stream *s, uint32_t type, const struct stream *body)
{
	uint32_t len = (uint32_t)body->len + 12;

	put_u32(s, type);
	put_u32(s, len);
	put(s, body->bytes, body->len);
	put_u32(s, len);
}

static inline void put_option(struct stream *s, uint16_t code, const void *p, uint16_t len)
{
	put(s, &code, 2);
	put(s, &len, 2);
	put(s, p, len);
	put(s, "\0\0\0", -len & 3);
}

static inline void put_section(struct stream *s)
{
	struct stream b = { 0 };

	put_u32(&b, 0x1a2b3c4d);
	put_u32(&b, 1);
	put(&b, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
	put_block(s, 0x0a0d0d0a, &b);
}

static inline void put_packet(struct stream *s, uint64_t id, uint32_t direction, uint32_t data_len)
{
	struct stream b = { 0 };
	static const char data[2000];

	put(&b, (uint32_t[5]){ 0, 0, 0, data_len, data_len }, 20);
	put(&b, data, (data_len + 3) & ~3u);
	put_option(&b, 1, "trunk=a", 7);
	put_option(&b, 2, &direction, 4);
	put_option(&b, 5, &id, 8);
	put_u32(&b, 0);
	put_block(s, 6, &b);
}

static inline void put_stats(struct stream *s, uint32_t interface, uint64_t dropped)
{
	struct stream b = { 0 };
	uint64_t received = 99;

	put(&b, (uint32_t[3]){ interface, 0, 0 }, 12);
	put_option(&b, 4, &received, 8);
	put_option(&b, 5, &dropped, 8);
	put_u32(&b, 0);
	put_block(s, 5, &b);
}

/* Four INVITEs: two pairs, one that did not leave, and one of a new signer whose numbers start again. */
static inline void put_all(struct stream *s)
{
	put_section(s);
	put_packet(s, 0, 1, 801);
	put_packet(s, 0, 2, 1999);
	put_stats(s, 0, 3);
	put_packet(s, 7, 1, 100);
	put_packet(s, 7, 1, 100);
	put_packet(s, 7, 2, 100);
	put_packet(s, 8, 1, 100);
	put_stats(s, 0, 5);
	put_stats(s, 1, 2);
	put_packet(s, 0, 1, 0);
	put_packet(s, 0, 2, 0);
	put_packet(s, 0, 1, 0);
	put_stats(s, 1000, 77); /* no such interface can be */
}
#define INVITES 5
#define PACKETS 9
#define LOST 7

#endif
