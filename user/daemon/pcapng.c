/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/pcapng.h"

#include <errno.h>

#define BLOCK_SECTION   0x0a0d0d0au
#define BLOCK_INTERFACE 1u
#define BLOCK_STATS     5u
#define BLOCK_PACKET    6u

#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define PACKET_MAX       262144u /* what Wireshark takes (WTAP_MAX_PACKET_SIZE_STANDARD) */

#define OPT_END      0
#define OPT_COMMENT  1
#define SHB_USERAPPL 4
#define IF_NAME        2
#define IF_DESCRIPTION 3
#define IF_TSRESOL     9
#define EPB_FLAGS      2
#define EPB_PACKETID   5
#define ISB_STARTTIME 2
#define ISB_ENDTIME   3
#define ISB_IFRECV    4
#define ISB_IFDROP    5

#define TSRESOL_NS 9 /* 10^-9 s */

/* A block in the making.  @len goes on where @cap ends: then nothing is written any more. */
struct block {
	char *dst;
	size_t cap, len;
};

static void put(struct block *b, const void *p, size_t len)
{
	if (len && b->len <= b->cap && len <= b->cap - b->len)
		memcpy(b->dst + b->len, p, len);
	b->len += len;
}

static void put_u16(struct block *b, uint16_t v)
{
	put(b, &v, sizeof(v));
}

static void put_u32(struct block *b, uint32_t v)
{
	put(b, &v, sizeof(v));
}

/* Timestamps are two words, the upper half first, in either byte order. */
static void put_time(struct block *b, uint64_t ns)
{
	put_u32(b, (uint32_t)(ns >> 32));
	put_u32(b, (uint32_t)ns);
}

/* All parts of a block start at multiples of 4. */
static void put_padding(struct block *b)
{
	put(b, "\0\0\0", -b->len & 3);
}

static void set(struct block *b, size_t off, const void *p, size_t len)
{
	if (b->len <= b->cap)
		memcpy(b->dst + off, p, len);
}

static struct block block_begin(uint32_t type, char *dst, size_t cap)
{
	struct block b = { .dst = dst, .cap = cap };

	put_u32(&b, type);
	put_u32(&b, 0); /* its length, when it is known */
	return b;
}

static ssize_t block_end(struct block *b)
{
	uint32_t len = (uint32_t)b->len + 4;

	put_u32(b, len);
	set(b, 4, &len, sizeof(len));
	return b->len <= b->cap ? (ssize_t)b->len : -ENOSPC;
}

static void put_option(struct block *b, uint16_t code, const void *p, uint16_t len)
{
	put_u16(b, code);
	put_u16(b, len);
	put(b, p, len);
	put_padding(b);
}

static void put_option_u64(struct block *b, uint16_t code, uint64_t v)
{
	put_option(b, code, &v, sizeof(v));
}

static void put_option_time(struct block *b, uint16_t code, uint64_t ns)
{
	uint32_t words[2] = { (uint32_t)(ns >> 32), (uint32_t)ns };

	put_option(b, code, words, sizeof(words));
}

/* Return: length of the escaped byte. */
static size_t escape(char c, char dst[4])
{
	static const char hex[] = "0123456789abcdef";
	uint8_t byte = (uint8_t)c;

	if (c == '\\') {
		memcpy(dst, "\\\\", 2);
		return 2;
	}
	if (byte >= 0x20 && byte <= 0x7e) {
		dst[0] = c;
		return 1;
	}
	memcpy(dst, "\\x", 2);
	dst[2] = hex[byte >> 4];
	dst[3] = hex[byte & 15];
	return 4;
}

static void put_option_text(struct block *b, uint16_t code, struct slice text)
{
	char shown[PCAPNG_TEXT_MAX], one[4];
	size_t len = 0, n;

	for (size_t i = 0; i < text.len; i++, len += n) {
		n = escape(text.p[i], one);
		if (n > sizeof(shown) - len)
			break;
		memcpy(shown + len, one, n);
	}
	if (len)
		put_option(b, code, shown, (uint16_t)len);
}

ssize_t pcapng_section(struct slice application, char *dst, size_t cap)
{
	struct block b = block_begin(BLOCK_SECTION, dst, cap);

	put_u32(&b, BYTE_ORDER_MAGIC);
	put_u16(&b, 1); /* version 1.0 */
	put_u16(&b, 0);
	put_u32(&b, UINT32_MAX); /* length of the section: not known */
	put_u32(&b, UINT32_MAX);
	put_option_text(&b, SHB_USERAPPL, application);
	put_option(&b, OPT_END, NULL, 0);
	return block_end(&b);
}

ssize_t pcapng_interface(uint16_t link, struct slice name, struct slice description, char *dst, size_t cap)
{
	struct block b = block_begin(BLOCK_INTERFACE, dst, cap);
	uint8_t resolution = TSRESOL_NS;

	put_u16(&b, link);
	put_u16(&b, 0);
	put_u32(&b, PACKET_MAX);
	put_option_text(&b, IF_NAME, name);
	put_option_text(&b, IF_DESCRIPTION, description);
	put_option(&b, IF_TSRESOL, &resolution, sizeof(resolution));
	put_option(&b, OPT_END, NULL, 0);
	return block_end(&b);
}

ssize_t pcapng_packet(const struct pcapng_packet *p, char *dst, size_t cap)
{
	struct block b = block_begin(BLOCK_PACKET, dst, cap);
	uint32_t flags = p->direction, len;

	if (p->head.len > PACKET_MAX || p->data.len > PACKET_MAX - p->head.len)
		return -ENOSPC;
	len = (uint32_t)(p->head.len + p->data.len);
	put_u32(&b, p->interface);
	put_time(&b, p->time_ns);
	put_u32(&b, len); /* captured */
	put_u32(&b, len); /* on the wire */
	put(&b, p->head.p, p->head.len);
	put(&b, p->data.p, p->data.len);
	put_padding(&b);
	put_option_text(&b, OPT_COMMENT, p->comment);
	put_option(&b, EPB_FLAGS, &flags, sizeof(flags));
	put_option_u64(&b, EPB_PACKETID, p->id);
	put_option(&b, OPT_END, NULL, 0);
	return block_end(&b);
}

ssize_t pcapng_stats(const struct pcapng_stats *s, char *dst, size_t cap)
{
	struct block b = block_begin(BLOCK_STATS, dst, cap);

	put_u32(&b, s->interface);
	put_time(&b, s->time_ns);
	put_option_time(&b, ISB_STARTTIME, s->start_ns);
	put_option_time(&b, ISB_ENDTIME, s->time_ns);
	put_option_u64(&b, ISB_IFRECV, s->received);
	put_option_u64(&b, ISB_IFDROP, s->lost);
	put_option(&b, OPT_END, NULL, 0);
	return block_end(&b);
}
