/* SPDX-License-Identifier: BSD-2-Clause */
#include "signer/wants.h"

/* The trunk is part of it: what the budget of one does not allow may be allowed to another. */
static uint64_t hash_of(const struct wants *w, uint32_t trunk, struct slice x5u, uint16_t flags)
{
	uint64_t name[2] = { siphash(w->key, x5u), (uint64_t)trunk << 16 | flags };

	return siphash(w->key, slice_of((const char *)name, sizeof(name)));
}

bool wants_ask(struct wants *w, struct verdict_wants *ring, uint32_t trunk, struct slice x5u,
	       uint16_t flags, uint64_t now_ns)
{
	uint64_t hash = hash_of(w, trunk, x5u, flags);
	__typeof__(w->asked[0]) *a = &w->asked[hash % WANTS_KEPT];

	if (a->at_ns && a->hash == hash && now_ns - a->at_ns < WANTS_AGAIN_NS)
		return true;
	if (!verdict_ask(ring, trunk, x5u, flags))
		return false;
	a->hash = hash;
	a->at_ns = now_ns;
	return true;
}

void wants_forget(struct wants *w)
{
	memset(w->asked, 0, sizeof(w->asked));
}
