/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verdict_world - a region with its writer, and verdicts that are a function of one number, so that a
 * mix of two is noticed.
 */
#ifndef SIPSEAL_TEST_VERDICT_WORLD_H
#define SIPSEAL_TEST_VERDICT_WORLD_H

#include "guard.h"

#include <stdio.h>

#include "stir/verdict_internal.h"

#define URL_CAP (PASSPORT_X5U_MAX + 1)
#define NOW 1800000000ll

struct world {
	struct verdict_region *r;
	struct verdict_writer *w;
	size_t map_len;
};

/* Mapped as it is in use: at a page; behind it one that cannot be read. */
static inline struct world world_new(void)
{
	size_t page = 4096, len = (verdict_region_size() + page - 1) / page * page;
	struct world w = { .map_len = len + page };
	char *p = mmap(NULL, w.map_len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	assert_true(p != MAP_FAILED);
	assert_int_equal(mprotect(p + len, page, PROT_NONE), 0);
	w.r = (struct verdict_region *)(void *)p;
	assert_int_equal(verdict_writer_new(w.r, &w.w), 0);
	return w;
}

static inline void world_free(struct world *w)
{
	verdict_writer_free(w->w);
	munmap((void *)w->r, w->map_len);
}

/* About as long as in real life, each another length. */
static inline struct slice url_of(char buf[URL_CAP], unsigned n)
{
	return slice_of(buf, (size_t)snprintf(buf, URL_CAP, "https://cr.example%u.net/stir/%.*s%x.pem",
					      n % 50, (int)(n % 37),
					      "0123456789abcdefghijklmnopqrstuvwxyz", n));
}

/* A letter or digit and ten digits; snprintf is too slow for so many. */
static inline void number_put(char dst[16], char first, unsigned n)
{
	dst[0] = first;
	for (unsigned i = 10; i; i--, n /= 10)
		dst[i] = (char)('0' + n % 10);
}

static inline struct verdict good_of(unsigned n, int64_t fetched_at, int64_t expires_at)
{
	struct verdict v;

	memset(&v, 0, sizeof(v));
	v.kind = VERDICT_GOOD;
	v.has_spc = n & 1;
	v.range_cnt = (uint8_t)(n % (VERDICT_RANGES_MAX + 1));
	v.must_cnt = (uint8_t)(n % (VERDICT_NAMES_MAX + 1));
	v.never_cnt = (uint8_t)(n / 3 % (VERDICT_NAMES_MAX + 1));
	snprintf(v.spc, sizeof(v.spc), "%x", n);
	snprintf(v.subject, sizeof(v.subject), "CN=SHAKEN %u,O=%x", n, n * 2654435761u);
	memset(v.point, (int)(n * 31 >> 3 & 0xff), sizeof(v.point));
	v.point[0] = 0x04;
	v.not_before = fetched_at - n;
	v.not_after = expires_at + n;
	v.fetched_at = fetched_at;
	v.expires_at = expires_at;
	for (unsigned i = 0; i < VERDICT_RANGES_MAX; i++) {
		number_put(v.ranges[i].first, '1', n % 1000000000);
		number_put(v.ranges[i].last, '1', n % 1000000000 + i);
	}
	for (unsigned i = 0; i < VERDICT_NAMES_MAX; i++) {
		number_put(v.must[i], 'm', n + i);
		number_put(v.never[i], 'n', n - i);
	}
	return v;
}

static inline struct verdict bad_of(unsigned n, int64_t fetched_at, int64_t expires_at)
{
	static const uint8_t reasons[] = { SR_FETCH_FAILED, SR_CERTIFICATE_BAD, SR_X5U_REFUSED,
					   SR_CERTIFICATE_UNTRUSTED };
	struct verdict v;

	memset(&v, 0, sizeof(v));
	v.kind = VERDICT_BAD;
	v.reason = reasons[n % ARRAY_SIZE(reasons)];
	v.code = n & 1 ? 436 : 437;
	v.fetched_at = fetched_at;
	v.expires_at = expires_at;
	return v;
}

/* What a reader gets of @put: nothing behind what the counts say; padding does not matter. */
static inline bool verdict_same(const struct verdict *got, const struct verdict *put)
{
	struct verdict want = *put;
	size_t head = offsetof(struct verdict, point) + sizeof(want.point);
	size_t tail = offsetof(struct verdict, not_before);

	memset(want.ranges + want.range_cnt, 0, (VERDICT_RANGES_MAX - want.range_cnt) * sizeof(want.ranges[0]));
	memset(want.must + want.must_cnt, 0, (VERDICT_NAMES_MAX - want.must_cnt) * sizeof(want.must[0]));
	memset(want.never + want.never_cnt, 0, (VERDICT_NAMES_MAX - want.never_cnt) * sizeof(want.never[0]));
	return memcmp(got, &want, head) == 0 &&
	       memcmp((const char *)got + tail, (const char *)&want + tail, sizeof(want) - tail) == 0;
}

/* Numbers that look random and are the same in each run. */
static inline uint64_t next_number(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* The entry of a URL, by its tag; UINT32_MAX: none. */
static inline uint32_t entry_of(const struct verdict_table *t, uint64_t hash, struct slice url,
				uint32_t *ret_place)
{
	uint32_t places[2];

	verdict_places(t, hash, places);
	for (uint32_t i = 0; i < 2 * VERDICT_WAYS; i++) {
		uint32_t place = places[i / VERDICT_WAYS] + i % VERDICT_WAYS;
		uint64_t tag = t->tags[place];
		uint32_t index = (uint32_t)(tag & VERDICT_TAG_ENTRY) - 1;

		if (tag && verdict_entry_is(verdict_entry_at(t, index), url)) {
			*ret_place = place;
			return index;
		}
	}
	return UINT32_MAX;
}

#endif
