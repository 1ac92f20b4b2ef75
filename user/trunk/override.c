/* SPDX-License-Identifier: BSD-2-Clause */
#include "trunk/override.h"

#include <assert.h>

/* Odd constants without pattern (fractions of the golden ratio and of pi). */
#define MIX_A 0x9e3779b97f4a7c15ull
#define MIX_B 0x243f6a8885a308d3ull

/* Both halves of the product: every bit of @a and @b reaches every bit of the result. */
static uint64_t mix(uint64_t a, uint64_t b)
{
	unsigned __int128 p = (unsigned __int128)a * b;

	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

uint64_t override_hash(enum override_kind kind, struct slice key)
{
	uint64_t h = mix((uint64_t)kind + MIX_A, key.len ^ MIX_B), word;

	for (; key.len >= sizeof(word); key = slice_cut(key, sizeof(word))) {
		memcpy(&word, key.p, sizeof(word));
		h = mix(h ^ word, MIX_A);
	}
	word = 0;
	if (key.len)
		memcpy(&word, key.p, key.len);
	h = mix(h ^ word, MIX_B);
	return h ? h : 1;
}

void override_buckets(uint64_t hash, uint32_t ret[2])
{
	static_assert((OVERRIDE_BUCKETS & (OVERRIDE_BUCKETS - 1)) == 0, "masks below");
	uint32_t first = (uint32_t)hash & (OVERRIDE_BUCKETS - 1);
	uint32_t even = (uint32_t)(hash >> 32) & (OVERRIDE_BUCKETS - 2);

	ret[0] = first;
	ret[1] = (first + even + 1) & (OVERRIDE_BUCKETS - 1);
}

/* The same word that came with the entry, after all of the entry was read. */
static bool is_unchanged(const struct override_entry *e, uint64_t seq)
{
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&e->seq, memory_order_relaxed) == seq;
}

static bool is_match(const struct override_entry *e, enum override_kind kind, struct slice key,
		     uint64_t now_ns)
{
	return e->kind == (uint32_t)kind && e->key_len == key.len &&
	       memcmp(e->key, key.p, key.len) == 0 && e->expires_ns > now_ns;
}

/* Whoever raises the word has the entry. */
static bool claim(_Atomic uint64_t *used, uint64_t seq)
{
	uint64_t last = atomic_load_explicit(used, memory_order_relaxed);

	while (last < seq)
		if (atomic_compare_exchange_weak_explicit(used, &last, seq, memory_order_relaxed,
							  memory_order_relaxed))
			return true;
	return false;
}

/* Return: the seq under which all of the entry was read and is ours, or 0. */
static uint64_t entry_take(const struct override_entry *e, _Atomic uint64_t *used,
			   enum override_kind kind, struct slice key, uint64_t now_ns,
			   struct pidf_template *ret)
{
	uint64_t seq = atomic_load_explicit(&e->seq, memory_order_acquire);

	if (!seq || !is_match(e, kind, key, now_ns))
		return 0;
	memcpy(ret, &e->location, sizeof(*ret));
	if (!is_unchanged(e, seq))
		return 0;
	return kind != OVERRIDE_CALL_ID || claim(used, seq) ? seq : 0;
}

bool override_find(const struct override_region *r, _Atomic uint64_t *used, enum override_kind kind,
		   struct slice key, uint64_t now_ns, struct override_hit *ret)
{
	uint32_t buckets[2];
	uint64_t hash;

	if (!atomic_load_explicit(&r->cnt, memory_order_relaxed) || !key.len ||
	    key.len > OVERRIDE_KEY_MAX)
		return false;
	hash = override_hash(kind, key);
	override_buckets(hash, buckets);
	for (uint32_t i = 0; i < 2 * OVERRIDE_WAYS; i++) {
		uint32_t bucket = buckets[i / OVERRIDE_WAYS], way = i % OVERRIDE_WAYS;
		uint32_t index = bucket * OVERRIDE_WAYS + way;
		uint64_t seq;

		if (atomic_load_explicit(&r->tags[bucket][way], memory_order_relaxed) != hash)
			continue;
		seq = entry_take(&r->entries[index], &used[index], kind, key, now_ns,
				 &ret->location);
		if (seq) {
			ret->seq = seq;
			ret->index = index;
			return true;
		}
	}
	return false;
}
