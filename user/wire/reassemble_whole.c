/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/reassemble_internal.h"

#include <errno.h>

#define ECN_NOT_ECT 0
#define ECN_ECT1    1
#define ECN_ECT0    2
#define ECN_CE      3
#define SEEN(ecn)   (1u << (ecn))

/*
 * RFC 3168 s5.3: what was marked stays marked, unless the sender does not know of marks; other mixtures
 * are left to us, and then nobody is told that the sender understands what it may not.
 * Return: codepoint, or -1: drop.
 */
static int ecn_of_all(unsigned seen)
{
	if (seen & SEEN(ECN_CE))
		return seen & SEEN(ECN_NOT_ECT) ? -1 : ECN_CE;
	if (seen & SEEN(ECN_NOT_ECT))
		return ECN_NOT_ECT;
	return seen & SEEN(ECN_ECT0) ? ECN_ECT0 : ECN_ECT1;
}

/* The headers of the first fragment, as if the packet had never been cut. */
static void l3_write(const struct datagram *d, const char *first, uint8_t *dst, int ecn)
{
	memcpy(dst, first + d->l3_at, d->l3_len);
	if (d->key.is_v6) {
		dst[d->proto_off] = d->next_proto;
		put_be16(dst + 4, d->l3_len - V6_LEN + d->end);
		dst[1] = (uint8_t)((dst[1] & ~0x30) | ecn << 4);
		dst[7] = d->ttl;
		return;
	}
	dst[1] = (uint8_t)((dst[1] & ~3) | ecn);
	put_be16(dst + 6, 0);
	dst[8] = d->ttl;
	v4_finish(dst, d->l3_len, d->l3_len + d->end);
}

/* The packet is written: is it a UDP datagram that we could have got in one frame? */
static enum reassembled_how whole_check(struct datagram *d, const char *first, char *frame)
{
	struct slice packet = d->pub.packet;
	struct wire_frame f;
	int r;

	memset(frame, 0, 12);
	put_be16(frame + 12, d->key.is_v6 ? ETHERTYPE_V6 : ETHERTYPE_V4);
	r = wire_frame_parse(slice_of(frame, L2_LEN + packet.len), &f);
	if (r < 0)
		return r == -EPROTONOSUPPORT ? REASSEMBLED_OPAQUE : REASSEMBLED_MALFORMED;
	if (f.l3.len + UDP_LEN + f.payload.len != packet.len)
		return REASSEMBLED_MALFORMED;
	f.l2 = slice_of(first, d->l3_at);
	d->pub.frame = f;
	return REASSEMBLED_COMPLETE;
}

enum reassembled_how whole_build(struct reassemble *r, struct datagram *d)
{
	const struct piece *p = &d->pieces[d->pub.first];
	const char *first = place_frame(r, p->place);
	char *l3 = r->scratch + L2_LEN;
	int ecn = ecn_of_all(d->ecn_seen);

	if (ecn < 0)
		return REASSEMBLED_REFUSED;
	/* the first fragment may have more headers than those that were measured with the others */
	if (d->end + d->l3_len - (d->key.is_v6 ? V6_LEN : 0) > IP_MAX)
		return REASSEMBLED_MALFORMED;
	l3_write(d, first, (uint8_t *)l3, ecn);
	for (unsigned i = 0; i < d->piece_cnt; i++) {
		struct slice data = piece_data(r, &d->pieces[i]);

		memcpy(l3 + d->l3_len + d->pieces[i].off, data.p, data.len);
	}
	d->pub.packet = slice_of(l3, d->l3_len + d->end);
	return whole_check(d, first, r->scratch);
}

uint64_t whole_digest(const struct reassemble *r, uint32_t off, bool is_last, struct slice data)
{
	/* the place in the datagram goes into the key: an offset is a multiple of 8 */
	struct siphash_key key = { r->hash_key.k0 ^ (off | is_last), r->hash_key.k1 };

	return siphash(key, data);
}
