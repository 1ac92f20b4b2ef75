/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verdict_internal - the layout of the region, for its reader (verdict.c) and its writer
 * (verdict_writer.c).
 *
 *   tags     buckets of 8 words: 48 bits of the keyed hash, in the low 16 which entry (0: free)
 *   entries  as many as may be live and one more, filled from the front: memory grows with use
 *
 * An entry is words: seq, length of URL and body, URL (its last word filled up with zeros), and at
 * once the body: most are short, and a look-up in cold memory costs cache lines.  A new version of
 * a URL goes into a free entry, then one store to its tag makes it the valid one: a reader never
 * meets a URL that is only being refreshed.  seq is 0 in an entry that is being written or free,
 * and never the same twice: a reader whose entry was given to another notices.
 *
 * Both sides go through atomic words, release and acquire: a reader that sees a word of the new
 * content also sees that seq has changed.  No fence is needed, and ThreadSanitizer can follow.
 */
#ifndef SIPSEAL_STIR_VERDICT_INTERNAL_H
#define SIPSEAL_STIR_VERDICT_INTERNAL_H

#include <string.h>

#include "base/siphash.h"
#include "stir/verdict.h"

/* Body of a good one: struct verdict up to its arrays, then as much of each as is in use.
 * Body of a bad one: */
struct verdict_failure {
	int64_t fetched_at, expires_at;
	uint8_t reason, pad0;
	uint16_t code;
	uint32_t pad1;
};

#define VERDICT_WORD sizeof(uint64_t)
#define VERDICT_WORDS(n) (((n) + VERDICT_WORD - 1) / VERDICT_WORD)
#define VERDICT_HEAD_LEN offsetof(struct verdict, ranges)
#define VERDICT_BODY_MAX sizeof(struct verdict)

#define VERDICT_AT_LENS 1 /* in words; URL in the low half, body in the high one */
#define VERDICT_AT_URL 2
#define VERDICT_GOOD_WORDS (VERDICT_AT_URL + VERDICT_WORDS(PASSPORT_X5U_MAX + VERDICT_BODY_MAX))
#define VERDICT_BAD_WORDS                                                                          \
	(VERDICT_AT_URL + VERDICT_WORDS(PASSPORT_X5U_MAX + sizeof(struct verdict_failure)))
_Static_assert(PASSPORT_X5U_MAX % VERDICT_WORD == 0, "else the two may take a word more");

#define VERDICT_TAG_ENTRY 0xffffull /* bits of a tag that say which entry */
_Static_assert(VERDICT_GOOD_MAX < VERDICT_TAG_ENTRY && VERDICT_BAD_MAX < VERDICT_TAG_ENTRY, "");

struct verdict_region {
	_Atomic uint32_t magic;
	uint32_t version;
	uint64_t size;
	_Atomic uint64_t key[2];
	_Atomic uint64_t changes;
	uint64_t pad[507]; /* to a page: each bucket is a cache line */
	_Atomic uint64_t good_tags[VERDICT_GOOD_BUCKETS * VERDICT_WAYS];
	_Atomic uint64_t bad_tags[VERDICT_BAD_BUCKETS * VERDICT_WAYS];
	_Atomic uint64_t good[(VERDICT_GOOD_MAX + 1) * VERDICT_GOOD_WORDS];
	_Atomic uint64_t bad[(VERDICT_BAD_MAX + 1) * VERDICT_BAD_WORDS];
};
_Static_assert(offsetof(struct verdict_region, good_tags) == 4096, "");

/* One of the two tables.  Readers do not write through it. */
struct verdict_table {
	_Atomic uint64_t *tags, *entries;
	uint32_t bucket_cnt; /* a power of two, at least 2 */
	uint32_t entry_cnt;
	uint32_t body_max; /* bytes */
};

static inline struct verdict_table verdict_table_good(const struct verdict_region *r)
{
	return (struct verdict_table){ (_Atomic uint64_t *)(uintptr_t)r->good_tags,
				       (_Atomic uint64_t *)(uintptr_t)r->good, VERDICT_GOOD_BUCKETS,
				       VERDICT_GOOD_MAX + 1, VERDICT_BODY_MAX };
}

static inline struct verdict_table verdict_table_bad(const struct verdict_region *r)
{
	return (struct verdict_table){ (_Atomic uint64_t *)(uintptr_t)r->bad_tags,
				       (_Atomic uint64_t *)(uintptr_t)r->bad, VERDICT_BAD_BUCKETS,
				       VERDICT_BAD_MAX + 1, sizeof(struct verdict_failure) };
}

static inline _Atomic uint64_t *verdict_entry_at(const struct verdict_table *t, uint32_t index)
{
	return t->entries +
	       (size_t)index * (VERDICT_AT_URL + VERDICT_WORDS(PASSPORT_X5U_MAX + t->body_max));
}

static inline bool verdict_url_fits(struct slice x5u)
{
	return x5u.len > 0 && x5u.len <= PASSPORT_X5U_MAX;
}

/** verdict_hash() - by the key of the region. */
uint64_t verdict_hash(const struct verdict_region *r, struct slice x5u);

/** verdict_places() - where the two buckets of @hash begin in tags; never the same twice. */
void verdict_places(const struct verdict_table *t, uint64_t hash, uint32_t ret[2]);

/** verdict_entry_is() - does the entry hold this URL? */
bool verdict_entry_is(const _Atomic uint64_t *entry, struct slice x5u);

/** verdict_table_find() - copy out the body of @x5u, at most t->body_max bytes.
 * Return: its length; 0: not there, @ret_body is scratch. */
size_t verdict_table_find(const struct verdict_table *t, uint64_t hash, struct slice x5u,
			  char *ret_body);

/** verdict_is_possible() - counts, ends of strings, order of times: the rules for both sides. */
bool verdict_is_possible(const struct verdict *v);

/** verdict_pack() - the body of a possible verdict.  Return: its length. */
size_t verdict_pack(const struct verdict *v, char ret_body[VERDICT_BODY_MAX]);

/** verdict_unpack() - a body of the table of @kind.
 * Return: true: *ret is possible.  false: it is scratch. */
bool verdict_unpack(enum verdict_kind kind, const char *body, size_t len, struct verdict *ret);

/* One table as its writer keeps it, in private memory: node i is of entry i. */
struct verdict_node {
	struct verdict_node *prev, *next; /* oldest first; or in the list of unused ones */
	uint64_t seq;
	int64_t expires_at;
	uint32_t place;
};

struct verdict_stock {
	struct verdict_table table;
	struct verdict_node *nodes, *oldest, *unused;
	uint32_t cnt;
	uint64_t last_seq, evicted;
};

/** verdict_stock_init() - for a table of zeroes.  Return: 0, -ENOMEM. */
int verdict_stock_init(struct verdict_stock *s, struct verdict_table t);
void verdict_stock_done(struct verdict_stock *s);

/** verdict_stock_get() - Return: NULL: not there. */
struct verdict_node *verdict_stock_get(const struct verdict_stock *s, uint64_t hash,
				       struct slice x5u);

/** verdict_stock_put() - write or replace; the oldest gives way: of all when the table is full,
 * else of the two buckets when both are. */
void verdict_stock_put(struct verdict_stock *s, uint64_t hash, struct slice x5u, struct slice body,
		       int64_t expires_at);

/** verdict_stock_remove() - @n must be in use. */
void verdict_stock_remove(struct verdict_stock *s, struct verdict_node *n);

#endif
