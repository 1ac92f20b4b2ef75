/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/blocks.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* draft-ietf-opsawg-pcapng; bytes in the order of this machine, for the daemon runs on it */
#define TYPE_SECTION 0x0a0d0d0au
#define TYPE_STATS   5u
#define TYPE_PACKET  6u
#define HEAD_LEN     8  /* type, length */
#define FRAME_LEN    12 /* with the length at the end */
#define PACKET_LEN   20 /* of the fixed part behind the head */
#define STATS_LEN    12

#define OPT_END      0
#define EPB_FLAGS    2
#define EPB_PACKETID 5
#define ISB_IFDROP   5
#define FLAGS_DIRECTION 3
#define FLAGS_IN        1

static uint32_t u32_at(const char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static size_t padded(size_t len)
{
	return (len + 3) & ~(size_t)3;
}

/* The value of an option of at least @want bytes.  @p: of @len bytes.  Return: NULL: it is not there. */
static const char *option(const char *p, size_t len, uint16_t want_code, size_t want_len)
{
	while (len >= 4) {
		uint16_t head[2];

		memcpy(head, p, sizeof(head));
		if (head[0] == OPT_END || padded(head[1]) > len - 4)
			return NULL;
		if (head[0] == want_code)
			return head[1] >= want_len ? p + 4 : NULL;
		p += 4 + padded(head[1]);
		len -= 4 + padded(head[1]);
	}
	return NULL;
}

/* An INVITE begins where the id is another one, or where one comes in behind one that went out: numbers start again
 * with a new signer. */
static int count_packet(struct blocks *b, const char *body, size_t len)
{
	const char *flags, *id;
	uint64_t now_id = 0;
	size_t data_len;
	bool is_in;

	if (len < PACKET_LEN)
		return -EBADMSG;
	data_len = padded(u32_at(body + 12));
	if (data_len > len - PACKET_LEN)
		return -EBADMSG;
	body += PACKET_LEN + data_len;
	len -= PACKET_LEN + data_len;
	flags = option(body, len, EPB_FLAGS, sizeof(uint32_t));
	id = option(body, len, EPB_PACKETID, sizeof(now_id));
	is_in = flags && (u32_at(flags) & FLAGS_DIRECTION) == FLAGS_IN;
	if (id)
		memcpy(&now_id, id, sizeof(now_id));
	b->invites += now_id != b->last_id || (is_in && !b->was_in);
	b->packets++;
	b->last_id = now_id;
	b->was_in = is_in;
	return 0;
}

static int count_stats(struct blocks *b, const char *body, size_t len)
{
	const char *dropped;
	uint32_t i;

	if (len < STATS_LEN)
		return -EBADMSG;
	i = u32_at(body);
	dropped = option(body + STATS_LEN, len - STATS_LEN, ISB_IFDROP, sizeof(b->dropped[0]));
	if (dropped && i < BLOCKS_INTERFACES_MAX)
		memcpy(&b->dropped[i], dropped, sizeof(b->dropped[i]));
	return 0;
}

/* The block at the start of @p.  Return: its length; 0: it is not whole; -EBADMSG. */
static int block(struct blocks *b, const char *p, size_t left)
{
	uint32_t type, len;
	int r = 0;

	if (left < HEAD_LEN)
		return 0;
	type = u32_at(p);
	len = u32_at(p + 4);
	if ((type == TYPE_SECTION) == b->has_section || len < FRAME_LEN || len % 4 || len > BLOCKS_LEN_MAX)
		return -EBADMSG;
	if (len > left)
		return 0;
	if (u32_at(p + len - 4) != len)
		return -EBADMSG;
	b->has_section = true;
	if (type == TYPE_PACKET)
		r = count_packet(b, p + HEAD_LEN, len - FRAME_LEN);
	else if (type == TYPE_STATS)
		r = count_stats(b, p + HEAD_LEN, len - FRAME_LEN);
	return r < 0 ? r : (int)len;
}

static int append(struct blocks *b, const char *data, size_t len)
{
	size_t want = b->len + len;
	char *p;

	if (want > INT_MAX)
		return -ENOMEM;
	if (want > b->cap) {
		p = realloc(b->buf, want + want / 2);
		if (!p)
			return -ENOMEM;
		b->buf = p;
		b->cap = want + want / 2;
	}
	memcpy(b->buf + b->len, data, len);
	b->len += len;
	return 0;
}

int blocks_add(struct blocks *b, const char *data, size_t len)
{
	size_t whole = 0;
	int r = append(b, data, len);

	if (r < 0)
		return r;
	while ((r = block(b, b->buf + whole, b->len - whole)) > 0)
		whole += (size_t)r;
	return r < 0 ? r : (int)whole;
}

void blocks_take(struct blocks *b, size_t len)
{
	memmove(b->buf, b->buf + len, b->len - len);
	b->len -= len;
}

uint64_t blocks_lost(const struct blocks *b)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < BLOCKS_INTERFACES_MAX; i++)
		n += b->dropped[i];
	return n;
}

void blocks_done(struct blocks *b)
{
	free(b->buf);
	*b = (struct blocks){ 0 };
}
