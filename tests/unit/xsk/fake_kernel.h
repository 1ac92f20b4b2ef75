/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake_kernel - the other side of the rings, in memory: takes fill addresses, delivers frames, sends
 * what is on the tx ring when kicked, completes it.  Can be down, busy, slow, or lie.
 */
#ifndef SIPSEAL_TEST_FAKE_KERNEL_H
#define SIPSEAL_TEST_FAKE_KERNEL_H

#include "guard.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "xsk/port.h"

#define FAKE_RING   64
#define FAKE_SENT   256
#define FAKE_KERNELS 4

struct fake_ring {
	_Atomic uint32_t producer, consumer, flags;
	struct xdp_desc desc[FAKE_RING];   /* fill and completion use the first half as u64[] */
};

struct fake_sent {
	uint32_t len;
	char data[XSK_FRAME_SIZE];
};

struct fake_kernel {
	struct fake_ring fill, comp, rx, tx;
	char *umem;
	/* behaviour */
	int error;              /* what kick returns without taking anything; 0: it works */
	unsigned budget;        /* frames per kick */
	bool is_holding;        /* completions are kept back */
	bool drops_voids;       /* void descriptors never complete (6.1) */
	/* observed */
	unsigned kicks, sent_cnt, void_cnt;
	struct fake_sent sent[FAKE_SENT];
};

static struct fake_kernel *fake_kernels[FAKE_KERNELS];

static inline struct ring fake_ring(struct fake_ring *r)
{
	return (struct ring){ .producer = &r->producer, .consumer = &r->consumer, .flags = &r->flags,
			      .desc = r->desc, .size = FAKE_RING, .mask = FAKE_RING - 1,
			      .next = r->producer };
}

static inline void fake_complete(struct fake_kernel *k, uint64_t addr)
{
	((uint64_t *)k->comp.desc)[k->comp.producer & (FAKE_RING - 1)] = addr;
	k->comp.producer++;
}

static inline int fake_kick(int fd)
{
	struct fake_kernel *k = fake_kernels[fd];

	k->kicks++;
	if (k->error)
		return k->error;
	for (unsigned n = 0; k->tx.consumer != k->tx.producer; n++) {
		struct xdp_desc d = k->tx.desc[k->tx.consumer & (FAKE_RING - 1)];

		if (n == k->budget)
			return -EAGAIN;
		k->tx.consumer++;
		if (!d.len) {
			k->void_cnt++;
			if (!k->drops_voids)
				fake_complete(k, d.addr);
			continue;
		}
		assert_true(k->sent_cnt < FAKE_SENT);
		k->sent[k->sent_cnt].len = d.len;
		memcpy(k->sent[k->sent_cnt++].data, k->umem + d.addr, d.len);
		if (!k->is_holding)
			fake_complete(k, d.addr);
	}
	return 0;
}

static const struct port_ops fake_ops = { .kick = fake_kick };

/* Index @start of all rings: near 2^32 it wraps during the test. */
static inline struct fake_kernel *fake_new(int fd, struct umem *u, uint32_t start, struct port *ret)
{
	struct fake_kernel *k = calloc(1, sizeof(*k));

	assert_non_null(k);
	k->umem = u->mem;
	k->budget = 32;
	k->fill.producer = k->fill.consumer = k->comp.producer = k->comp.consumer = start;
	k->rx.producer = k->rx.consumer = k->tx.producer = k->tx.consumer = start;
	*ret = (struct port){ .fd = fd, .umem = u, .mtu = 1500, .ops = &fake_ops,
			      .fill = fake_ring(&k->fill), .comp = fake_ring(&k->comp),
			      .rx = fake_ring(&k->rx), .tx = fake_ring(&k->tx) };
	fake_kernels[fd] = k;
	return k;
}

/* A frame arrives, as in copy mode: 256 bytes into the chunk, metadata before it. */
static inline bool fake_deliver(struct fake_kernel *k, const void *meta, size_t meta_len,
				const void *frame, size_t len)
{
	uint64_t addr;

	if (k->fill.consumer == k->fill.producer)
		return false;
	addr = ((uint64_t *)k->fill.desc)[k->fill.consumer++ & (FAKE_RING - 1)] + 256;
	if (meta_len)
		memcpy(k->umem + addr - meta_len, meta, meta_len);
	if (len)
		memcpy(k->umem + addr, frame, len);
	k->rx.desc[k->rx.producer++ & (FAKE_RING - 1)] = (struct xdp_desc){ addr, (uint32_t)len, 0 };
	return true;
}

#endif
