/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ring - the four single-producer single-consumer rings that an AF_XDP socket shares with the kernel.
 *
 *     fill       we produce      addresses of empty chunks
 *     rx         we consume      descriptors of received frames
 *     tx         we produce      descriptors of frames to send
 *     completion we consume      addresses of frames that were sent
 *
 * Both indices run freely over 2^32 and are masked on use.  The other side's index is a word that the
 * kernel writes: it is read once, with acquire, into `limit`, and a distance larger than the ring is
 * cut to the ring's size, so that no value of it makes us read or write outside.
 *
 * A producer reserves slots with ring_reserve(), fills them, and publishes them all with
 * ring_submit(); a consumer looks with ring_peek() and gives back with ring_release().
 * Memory: the ring belongs to the kernel's mapping.  Threads: one per ring.
 */
#ifndef SIPSEAL_XSK_RING_H
#define SIPSEAL_XSK_RING_H

#include <linux/if_xdp.h>
#include <stdatomic.h>
#include <stdint.h>

struct ring {
	_Atomic uint32_t *producer, *consumer, *flags;
	void *desc;              /* struct xdp_desc[] of rx and tx, uint64_t[] of fill and completion */
	uint32_t size, mask;     /* entries, a power of two */
	uint32_t next;           /* our own index: slots before it are reserved or consumed */
	void *map;               /* what ring_unmap() gives back; NULL in tests */
	uint64_t map_len;
};

/** ring_reserve() - how many slots the producer may fill, at most @want. */
static inline uint32_t ring_reserve(const struct ring *r, uint32_t want)
{
	uint32_t used = r->next - atomic_load_explicit(r->consumer, memory_order_acquire);
	uint32_t room = used <= r->size ? r->size - used : 0;

	return room < want ? room : want;
}

/** ring_peek() - how many entries the consumer may read, at most @want. */
static inline uint32_t ring_peek(const struct ring *r, uint32_t want)
{
	uint32_t there = atomic_load_explicit(r->producer, memory_order_acquire) - r->next;

	if (there > r->size)
		there = r->size;
	return there < want ? there : want;
}

/** ring_produced() - where the other side has got to (consumer side): entries before it are there. */
static inline uint32_t ring_produced(const struct ring *r)
{
	return atomic_load_explicit(r->producer, memory_order_acquire);
}

/** ring_addr() / ring_desc() - entry @i after the ones already submitted or released. */
static inline uint64_t *ring_addr(const struct ring *r, uint32_t i)
{
	return (uint64_t *)r->desc + ((r->next + i) & r->mask);
}

static inline struct xdp_desc *ring_desc(const struct ring *r, uint32_t i)
{
	return (struct xdp_desc *)r->desc + ((r->next + i) & r->mask);
}

/** ring_submit() - publish @n filled slots. */
static inline void ring_submit(struct ring *r, uint32_t n)
{
	r->next += n;
	atomic_store_explicit(r->producer, r->next, memory_order_release);
}

/** ring_release() - give @n read entries back. */
static inline void ring_release(struct ring *r, uint32_t n)
{
	r->next += n;
	atomic_store_explicit(r->consumer, r->next, memory_order_release);
}

/** ring_unsent() - entries that we submitted and the kernel has not taken yet (producer side). */
static inline uint32_t ring_unsent(const struct ring *r)
{
	uint32_t n = r->next - atomic_load_explicit(r->consumer, memory_order_acquire);

	return n <= r->size ? n : 0;
}

#endif
