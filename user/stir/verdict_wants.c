/* SPDX-License-Identifier: BSD-2-Clause */
#include "stir/verdict_internal.h"

/* Flags of a newer worker mean nothing here: what it wants is not known. */
#define FLAGS_KNOWN VERDICT_WANT_AGAIN

_Static_assert(sizeof(struct verdict_want) == 8 + PASSPORT_X5U_MAX, "both sides agree");
_Static_assert(offsetof(struct verdict_wants, ring) == 128, "head and tail: a cache line each");

bool verdict_ask(struct verdict_wants *w, uint32_t trunk, struct slice x5u, uint16_t flags)
{
	uint64_t head = atomic_load_explicit(&w->head, memory_order_relaxed);
	struct verdict_want *want = &w->ring[head % VERDICT_WANTS_RING];

	if (!verdict_url_fits(x5u))
		return false;
	/* a tail that cannot be true is a full ring too */
	if (head - atomic_load_explicit(&w->tail, memory_order_acquire) >= VERDICT_WANTS_RING) {
		atomic_fetch_add_explicit(&w->dropped, 1, memory_order_relaxed);
		return false;
	}
	want->trunk = trunk;
	want->len = (uint16_t)x5u.len;
	want->flags = flags;
	memcpy(want->x5u, x5u.p, x5u.len);
	atomic_store_explicit(&w->head, head + 1, memory_order_release);
	return true;
}

bool verdict_asked(struct verdict_wants *w, uint64_t *tail, struct verdict_want *ret)
{
	uint64_t head = atomic_load_explicit(&w->head, memory_order_acquire);
	struct verdict_want want;

	if (head == *tail || head - *tail > VERDICT_WANTS_RING)
		return false;
	memcpy(&want, &w->ring[*tail % VERDICT_WANTS_RING], sizeof(want));
	atomic_signal_fence(
		memory_order_seq_cst); /* what is checked is the copy, never the ring again */
	atomic_store_explicit(&w->tail, ++*tail, memory_order_release);
	if (!want.len || want.len > sizeof(want.x5u) || (want.flags & ~FLAGS_KNOWN))
		return false;
	memset(want.x5u + want.len, 0, sizeof(want.x5u) - want.len);
	*ret = want;
	return true;
}
