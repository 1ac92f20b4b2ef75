/* SPDX-License-Identifier: BSD-2-Clause */
/* cutting - messages into world.h in fragments, and what leaves put together again. */
#ifndef SIPSEAL_TEST_CUTTING_H
#define SIPSEAL_TEST_CUTTING_H

#define WORLD_FRAMES 512
#include "signer/world.h"

#include <stdio.h>

#include "signer/fragments.h"
#include "wire/cuts.h"

#define TEXT_MAX 65536
#define CUTS_MAX 64

/* A message in fragments: frames[i] as the sender cut it. */
struct cutting {
	struct flow flow;
	unsigned cnt;
	struct {
		size_t len;
		uint8_t bytes[2048];
	} frames[CUTS_MAX];
};

/* @text with a body of @body bytes in place of none. */
static inline size_t text_with_body(const char *text, size_t body, char ret[TEXT_MAX])
{
	const char *end = strstr(text, "Content-Length: 0\r\n\r\n");
	size_t n = (size_t)(end - text);

	assert_non_null(end);
	memcpy(ret, text, n);
	n += (size_t)sprintf(ret + n, "Content-Type: text/plain\r\nContent-Length: %zu\r\n\r\n", body);
	for (size_t i = 0; i < body; i++)
		ret[n + i] = (char)('a' + i % 26 - (i % 64 == 63 ? 'a' - '\n' + i % 26 : 0));
	return n + body;
}

static inline void cut_text(struct cutting *c, bool is_v6, uint32_t id, const char *text, size_t len, size_t step)
{
	size_t off = 0, all;

	flow_put(&c->flow, is_v6, -1, id, text, len);
	packet_sum_put(is_v6, c->flow.frame, 14 + c->flow.packet_len);
	all = flow_data_len(&c->flow);
	for (c->cnt = 0; off < all; c->cnt++, off += step) {
		struct cut k = { .off = off, .len = all - off > step ? step : all - off, .is_last = all - off <= step,
				 .ecn = -1 };

		assert_true(c->cnt < CUTS_MAX);
		c->frames[c->cnt].len = cut_put(&c->flow, k, c->frames[c->cnt].bytes);
	}
}

static inline struct sipseal_meta cut_meta(unsigned flags)
{
	struct sipseal_meta m = world_meta();

	m.flags = (uint8_t)(SIPSEAL_META_F_FRAGMENT | flags);
	return m;
}

static inline void cut_send_one(struct world *x, const struct cutting *c, unsigned i, const struct sipseal_meta *m)
{
	bool is_inbound = m->flags & SIPSEAL_META_F_INBOUND;

	if (x->delivered % 32 == 31)
		world_run(x);
	assert_true(fake_deliver(is_inbound ? x->carrier : x->core, m, sizeof(*m), c->frames[i].bytes,
				 c->frames[i].len));
	x->delivered++;
}

/* All of them, in their order. */
static inline void cut_send(struct world *x, const struct cutting *c, const struct sipseal_meta *m)
{
	for (unsigned i = 0; i < c->cnt; i++)
		cut_send_one(x, c, i, m);
	world_run(x);
}

/* The payload of the datagram whose frames are @from .. @from + @cnt - 1 of those that have left. */
static inline size_t whole_of(const struct fake_kernel *k, unsigned from, unsigned cnt, char ret[TEXT_MAX])
{
	struct reassemble_limits limits = REASSEMBLE_DEFAULTS;
	uint64_t block[REASSEMBLE_BLOCK / 8] = { 0 };
	CLEANUP(reassemble_freep) struct reassemble *r = NULL;
	struct reassembled *d = NULL;
	struct siphash_key key = { 3, 4 };
	size_t len;

	assert_true(from + cnt <= k->sent_cnt);
	assert_int_equal(reassemble_new(&limits, key, &r), 0);
	for (unsigned i = from; i < from + cnt; i++) {
		assert_int_equal(reassemble_add(r, slice_of((char *)k->sent[i].data, k->sent[i].len), 0, block, 1),
				 REASSEMBLE_HELD);
		d = reassemble_take(r, 1);
		assert_int_equal(!!d, i == from + cnt - 1);
	}
	assert_int_equal(d->how, REASSEMBLED_COMPLETE);
	assert_int_equal(packet_udp_sum(d->frame.is_v6, d->frame.src + (d->frame.is_v6 ? 0 : 12),
					d->frame.dst + (d->frame.is_v6 ? 0 : 12), d->frame.payload.p - 8,
					d->frame.payload.len + 8), 0xffff);
	len = d->frame.payload.len;
	memcpy(ret, d->frame.payload.p, len);
	reassemble_release(r, d);
	return len;
}

/* Frame @i of those that have left is frame @k of @c, but for its MACs, and the hop. */
static inline void check_as_came(const struct fake_kernel *nic, unsigned i, const struct cutting *c, unsigned k,
				 const struct sipseal_meta *m)
{
	bool is_v6 = c->flow.spec.is_v6;
	uint8_t want[2048];

	assert_true(i < nic->sent_cnt);
	memcpy(want, c->frames[k].bytes, c->frames[k].len);
	memcpy(want, m->dmac, 6);
	memcpy(want + 6, m->smac, 6);
	if (!(m->flags & SIPSEAL_META_F_BRIDGED)) {
		want[is_v6 ? 21 : 22]--;
		if (!is_v6)
			flow_sum(want + 14, 20);
	}
	assert_int_equal(nic->sent[i].len, c->frames[k].len);
	assert_memory_equal(nic->sent[i].data, want, c->frames[k].len);
}

static inline bool text_holds(const char *text, size_t len, const char *what)
{
	return memmem(text, len, what, strlen(what));
}

#endif
