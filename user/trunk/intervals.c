// SPDX-License-Identifier: BSD-2-Clause
#include "trunk/intervals.h"

#include <errno.h>
#include <string.h>

#define DIGITS_MAX 15
#define NANP_LEN   11

/* Key of the digits followed by as many fill digits as make len digits; 0 where that is no number. */
static uint64_t padded_key(const char *digits, size_t len, char fill)
{
	char buf[DIGITS_MAX + 1];
	size_t n = strnlen(digits, sizeof(buf));

	if (n > len || len > DIGITS_MAX)
		return 0;
	memset(buf, fill, sizeof(buf));
	memcpy(buf, digits, n);
	return policy_number_key(slice_of(buf, len));
}

/* Whole lengths that numbers with the prefix can have. */
static void prefix_lengths(const char *prefix, size_t *first, size_t *last)
{
	*first = *last = NANP_LEN;
	if (prefix[0] != '1') {
		*first = strnlen(prefix, DIGITS_MAX + 1);
		*last = DIGITS_MAX;
	}
}

static size_t expand(const struct number_range *r, struct policy_interval dst[DIGITS_MAX])
{
	size_t first, last, n = 0;

	if (!r->is_prefix) {
		dst[0].lo = padded_key(r->first, strnlen(r->first, sizeof(r->first)), '0');
		dst[0].hi = padded_key(r->last, strnlen(r->last, sizeof(r->last)), '0');
		return dst[0].lo && dst[0].lo <= dst[0].hi ? 1 : 0;
	}
	prefix_lengths(r->first, &first, &last);
	for (size_t len = first; len && len <= last; len++) {
		dst[n].lo = padded_key(r->first, len, '0');
		dst[n].hi = padded_key(r->first, len, '9');
		if (!dst[n].lo)
			return 0;
		n++;
	}
	return n;
}

static int by_lo(const void *a, const void *b)
{
	const struct policy_interval *x = a, *y = b;

	return x->lo < y->lo ? -1 : x->lo > y->lo;
}

/* Joins sorted intervals that overlap or touch; numbers of different lengths never touch. */
static size_t merge(struct policy_interval *iv, size_t cnt)
{
	size_t n = 0;

	for (size_t i = 0; i < cnt; i++) {
		if (n && iv[i].lo <= iv[n - 1].hi + 1) {
			if (iv[i].hi > iv[n - 1].hi)
				iv[n - 1].hi = iv[i].hi;
			continue;
		}
		iv[n++] = iv[i];
	}
	return n;
}

static size_t expanded_cnt(const struct number_range *r)
{
	size_t first, last;

	if (!r->is_prefix)
		return 1;
	prefix_lengths(r->first, &first, &last);
	return first <= last ? last - first + 1 : 0;
}

ssize_t intervals_compile(const struct number_range *ranges, size_t cnt, struct policy_interval **ret)
{
	CLEANUP(freep) struct policy_interval *iv = NULL;
	struct policy_interval buf[DIGITS_MAX];
	size_t total = 0, n = 0, k;

	for (size_t i = 0; i < cnt; i++)
		total += expanded_cnt(&ranges[i]);
	if (total > UINT32_MAX)
		return -E2BIG;
	if (total && !(iv = malloc(total * sizeof(*iv))))
		return -ENOMEM;
	for (size_t i = 0; i < cnt; i++) {
		k = expand(&ranges[i], buf);
		if (!k)
			return -EINVAL;
		memcpy(iv + n, buf, k * sizeof(*iv));
		n += k;
	}
	if (n > 1)
		qsort(iv, n, sizeof(*iv), by_lo);
	n = merge(iv, n);
	*ret = TAKE(iv);
	return (ssize_t)n;
}

bool intervals_cover(const struct number_range *ranges, size_t cnt, struct slice tn)
{
	struct policy_interval buf[DIGITS_MAX];
	uint64_t key = policy_number_key(tn);

	for (size_t i = 0; i < cnt; i++) {
		size_t k = expand(&ranges[i], buf);

		for (size_t j = 0; j < k; j++) {
			if (buf[j].lo <= key && key <= buf[j].hi)
				return true;
		}
	}
	return false;
}
