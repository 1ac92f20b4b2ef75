// SPDX-License-Identifier: BSD-2-Clause
#include "trunk/policy.h"

#include <errno.h>

#include "base/cleanup.h"

/* 10^15 - 1, the largest canonical number, is below 2^50: length and number never mix. */
#define KEY_SHIFT      50
#define KEY_DIGITS_MAX 15

uint64_t policy_number_key(struct slice tn)
{
	uint64_t n = 0;

	if (!tn.len || tn.len > KEY_DIGITS_MAX)
		return 0;
	for (size_t i = 0; i < tn.len; i++) {
		if (tn.p[i] < '0' || tn.p[i] > '9')
			return 0;
		n = n * 10 + (uint64_t)(tn.p[i] - '0');
	}
	return (uint64_t)tn.len << KEY_SHIFT | n;
}

/* Is [off, off + len) inside [0, total), without overflow? */
static bool is_within(uint64_t off, uint64_t len, uint64_t total)
{
	return off <= total && len <= total - off;
}

int policy_region_check(const struct policy_region *r, size_t map_len)
{
	if (map_len < sizeof(*r) || (uintptr_t)r % 8)
		return -EBADMSG;
	if (r->magic != POLICY_MAGIC || r->version != POLICY_VERSION || r->size > map_len)
		return -EBADMSG;
	if (r->size < sizeof(*r) || r->copy_size < sizeof(struct policy_copy))
		return -EBADMSG;
	for (unsigned i = 0; i < 2; i++) {
		if (r->copy_off[i] % 8 || r->copy_off[i] < sizeof(*r) ||
		    !is_within(r->copy_off[i], r->copy_size, r->size))
			return -EBADMSG;
	}
	return 0;
}

/* Copy @i, if it lies in the region and holds a generation, which is then in *ret_held. */
static const struct policy_copy *copy_at(const struct policy_region *r, unsigned i, uint64_t *ret_held)
{
	uint64_t off = r->copy_off[i], size = r->copy_size, held;
	const struct policy_copy *c;

	/* policy_region_check() has seen the same words; they lie in shared memory, so look again */
	if (off % 8 || off < sizeof(*r) || size < sizeof(*c) || !is_within(off, size, r->size))
		return NULL;
	c = (const struct policy_copy *)((const char *)r + off);
	/* pairs with the release store in entry_copy_open() */
	held = __atomic_load_n(&c->generation, __ATOMIC_ACQUIRE);
	if (!held || c->len < sizeof(*c) || c->len > size)
		return NULL;
	*ret_held = held;
	return c;
}

const struct policy_copy *policy_copy_get(const struct policy_region *r, uint16_t generation)
{
	uint64_t held = 0;
	const struct policy_copy *c = copy_at(r, generation & 1, &held);

	return c && (uint16_t)held == generation ? c : NULL;
}

const struct policy_copy *policy_copy_newest(const struct policy_region *r, uint16_t *ret_generation)
{
	const struct policy_copy *newest = NULL;
	uint64_t highest = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(r->copy_off); i++) {
		uint64_t held = 0;
		const struct policy_copy *c = copy_at(r, i, &held);

		if (!c || held <= highest)
			continue;
		newest = c;
		highest = held;
	}
	if (newest)
		*ret_generation = (uint16_t)highest;
	return newest;
}

bool policy_copy_holds(const struct policy_copy *c, uint16_t generation)
{
	uint64_t held;

	/* pairs with the fence behind the store of 0 that begins a change of the copy */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	held = __atomic_load_n(&c->generation, __ATOMIC_RELAXED);
	return held && (uint16_t)held == generation;
}

const void *policy_table(const struct policy_copy *c, struct policy_ref ref, size_t cnt, size_t size)
{
	if (!cnt || !size || ref.off % 8 || ref.len / size < cnt)
		return NULL;
	if (ref.off < sizeof(*c) || !is_within(ref.off, ref.len, c->len))
		return NULL;
	return (const char *)c + ref.off;
}

struct slice policy_text(const struct policy_copy *c, struct policy_ref ref)
{
	if (!ref.len || ref.off < sizeof(*c) || !is_within(ref.off, ref.len, c->len))
		return SLICE_NONE;
	return slice_of((const char *)c + ref.off, ref.len);
}

const struct policy_trunk *policy_trunk_get(const struct policy_copy *c, uint32_t slot)
{
	const struct policy_trunk *t;

	if (slot >= c->trunk_cnt)
		return NULL;
	t = policy_table(c, c->trunks, c->trunk_cnt, sizeof(*t));
	return t && t[slot].is_used ? &t[slot] : NULL;
}

const struct policy_credential *policy_credential_get(const struct policy_copy *c, uint32_t index)
{
	const struct policy_credential *cr;

	if (index >= c->credential_cnt)
		return NULL;
	cr = policy_table(c, c->credentials, c->credential_cnt, sizeof(*cr));
	return cr && cr[index].is_used ? &cr[index] : NULL;
}

bool policy_number_inside(const struct policy_copy *c, const struct policy_trunk *t, struct slice tn)
{
	const struct policy_interval *iv;
	uint64_t key = policy_number_key(tn);
	size_t lo = 0, hi = t->interval_cnt;

	if (!t->has_numbers)
		return true;
	iv = policy_table(c, t->intervals, t->interval_cnt, sizeof(*iv));
	if (!iv || !key)
		return false;
	while (lo < hi) { /* first interval whose end is not below the key */
		size_t mid = lo + (hi - lo) / 2;

		if (iv[mid].hi < key)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < t->interval_cnt && iv[lo].lo <= key;
}
