/* SPDX-License-Identifier: BSD-2-Clause */
#include "signer/replay.h"

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stddef.h>
#include <sys/mman.h>
#include <xxhash.h>

#define SIZE_MIN   (64u << 10)
#define ALIGN      64u  /* records begin on these, so that a filler header always fits before the end */
#define SET        8u   /* places of a set: a cache line */
#define PER_PLACE  256u /* bytes of store per place; a signed call takes 1,400: a set of 8 is hardly ever full */
#define EXPIRE_MAX 8    /* entries dropped per call: bounded work */
#define AHEAD      1536u /* bytes of the next record that are fetched ahead */

/* Longer datagrams are kept as their SHA-256: a few hundred INVITEs of 60 kB would else push out everybody's. */
#define WHOLE_MAX 4096u

/* Followed by `edit_cnt` struct stored_edit, their texts, and what is kept of the datagram. */
struct record {
	uint32_t len;        /* of the record, a multiple of ALIGN */
	bool is_filler;      /* unused end of the store; nothing of what follows is there */
	bool is_unlisted;    /* its place in the index went to another */
	uint32_t edit_cnt;
	uint64_t hash, last_ns; /* of the last copy */
	uint32_t out_len, src_len, datagram_len;
	struct replay_flow flow;
};
_Static_assert(offsetof(struct record, edit_cnt) <= ALIGN, "a filler must fit in ALIGN bytes");
_Static_assert(sizeof(struct replay_flow) == 40, "no gaps: it is hashed and compared as bytes");

struct stored_edit {
	uint32_t off, del, text_len;
};

/* Where a record is.  All zero: nowhere. */
struct place {
	uint32_t tag;        /* the half of the hash that does not choose the set */
	uint32_t at;         /* offset in the log, plus 1 */
};

struct replay {
	uint8_t secret[XXH3_SECRET_SIZE_MIN];
	void *map;
	size_t map_len;
	struct place *index;
	uint32_t set_mask;
	char *log;
	uint32_t log_len, head, tail, used; /* used: bytes from tail to head */
	struct replay_stats stats;
};

void replay_free(struct replay *r)
{
	if (!r)
		return;
	if (r->map)
		munmap(r->map, r->map_len);
	OPENSSL_cleanse(r->secret, sizeof(r->secret));
	free(r);
}

static int store_new(struct replay *r, size_t size)
{
	uint32_t sets = 16;

	while ((size_t)sets * 2 * SET * PER_PLACE <= size)
		sets *= 2;
	r->map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (r->map == MAP_FAILED) {
		r->map = NULL;
		return -ENOMEM;
	}
	r->map_len = size;
	r->index = r->map;
	r->set_mask = sets - 1;
	r->log = (char *)r->map + sets * SET * sizeof(struct place);
	r->log_len = (uint32_t)(size - sets * SET * sizeof(struct place)) & ~(ALIGN - 1);
	return 0;
}

int replay_new(size_t size, struct replay **ret)
{
	CLEANUP(replay_freep) struct replay *r = NULL;
	int e;

	if (size < SIZE_MIN || size > INT32_MAX) /* sums of two offsets fit in 32 bits */
		return -EINVAL;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	if (RAND_bytes(r->secret, sizeof(r->secret)) != 1)
		return -EIO;
	if ((e = store_new(r, size)) < 0)
		return e;
	*ret = TAKE(r);
	return 0;
}

static struct record *record_at(const struct replay *r, uint32_t off)
{
	return (struct record *)(void *)(r->log + off);
}

static struct place *set_of(const struct replay *r, uint64_t hash)
{
	return &r->index[((uint32_t)hash & r->set_mask) * SET];
}

void replay_key(const struct replay *r, const struct replay_flow *f, struct slice datagram, struct replay_key *ret)
{
	uint64_t hash = XXH3_64bits_withSecret(datagram.p, datagram.len, r->secret, sizeof(r->secret));

	*ret = (struct replay_key){ .hash = XXH3_64bits_withSeed(f, sizeof(*f), hash), .flow = *f, .datagram = datagram };
	/* replay_find() and replay_add() will want these lines, which are in no cache */
	__builtin_prefetch(set_of(r, ret->hash));
	if (r->used)
		__builtin_prefetch(set_of(r, record_at(r, r->tail)->hash));
}

bool replay_key_eq(const struct replay_key *a, const struct replay_key *b)
{
	return a->hash == b->hash && memcmp(&a->flow, &b->flow, sizeof(a->flow)) == 0 &&
	       slice_eq(a->datagram, b->datagram);
}

static const char *texts_of(const struct record *c)
{
	return (const char *)((const struct stored_edit *)(c + 1) + c->edit_cnt);
}

static size_t kept_len(size_t datagram_len)
{
	return datagram_len <= WHOLE_MAX ? datagram_len : SHA256_DIGEST_LENGTH;
}

static bool is_of(const struct record *c, struct slice datagram)
{
	const struct stored_edit *se = (const struct stored_edit *)(c + 1);
	uint8_t digest[SHA256_DIGEST_LENGTH];
	const char *kept = texts_of(c);

	for (unsigned i = 0; i < c->edit_cnt; i++)
		kept += se[i].text_len;
	if (c->datagram_len != datagram.len)
		return false;
	if (datagram.len <= WHOLE_MAX)
		return memcmp(kept, datagram.p, datagram.len) == 0;
	return SHA256((const uint8_t *)datagram.p, datagram.len, digest) && memcmp(kept, digest, sizeof(digest)) == 0;
}

static bool is_over(const struct record *c, uint64_t now_ns)
{
	return (int64_t)(now_ns - c->last_ns) > (int64_t)REPLAY_LIFETIME_NS;
}

/* One that is over hides no younger one: while a tail that lives on keeps it in the log, both are in the set. */
static struct record *lookup(const struct replay *r, const struct replay_key *k, uint64_t now_ns)
{
	const struct place *set = set_of(r, k->hash);

	for (unsigned i = 0; i < SET; i++) {
		struct record *c;

		if (!set[i].at || set[i].tag != k->hash >> 32)
			continue;
		c = record_at(r, set[i].at - 1);
		if (c->hash == k->hash && !is_over(c, now_ns) && memcmp(&c->flow, &k->flow, sizeof(c->flow)) == 0 &&
		    is_of(c, k->datagram))
			return c;
	}
	return NULL;
}

static void unlist(struct replay *r, const struct record *c)
{
	uint32_t at = (uint32_t)((const char *)c - r->log) + 1;
	struct place *set = set_of(r, c->hash);

	for (unsigned i = 0; i < SET; i++)
		if (set[i].at == at)
			set[i] = (struct place){ 0 };
}

/* Nobody finds it any more. */
static void forget(struct replay *r, struct record *c, uint64_t now_ns)
{
	unlist(r, c);
	c->is_unlisted = true;
	r->stats.entries--;
	if (!is_over(c, now_ns))
		r->stats.evicted++;
}

/* A place in the set, of the oldest one if none is free. */
static struct place *place_take(struct replay *r, uint64_t hash, uint64_t now_ns)
{
	struct place *set = set_of(r, hash), *oldest = set;

	for (unsigned i = 0; i < SET; i++) {
		if (!set[i].at)
			return &set[i];
		/* how far behind tail */
		if ((set[i].at - 1 + r->log_len - r->tail) % r->log_len <
		    (oldest->at - 1 + r->log_len - r->tail) % r->log_len)
			oldest = &set[i];
	}
	forget(r, record_at(r, oldest->at - 1), now_ns);
	return oldest;
}

/* The oldest record goes. */
static void drop_tail(struct replay *r, uint64_t now_ns)
{
	struct record *c = record_at(r, r->tail);

	if (!c->is_filler && !c->is_unlisted)
		forget(r, c, now_ns);
	r->used -= c->len;
	r->tail = (r->tail + c->len) % r->log_len;
}

void replay_expire(struct replay *r, uint64_t now_ns)
{
	for (int i = 0; i < EXPIRE_MAX && r->used; i++) {
		const struct record *c = record_at(r, r->tail);

		if (!c->is_filler && !is_over(c, now_ns))
			return;
		drop_tail(r, now_ns);
	}
}

/* Room for @len bytes in one piece at head, at the cost of the oldest. */
static struct record *reserve(struct replay *r, uint32_t len, uint64_t now_ns)
{
	uint32_t to_end = r->log_len - r->head;
	struct record *c;

	if (to_end < len) {
		while (r->log_len - r->used < to_end)
			drop_tail(r, now_ns);
		c = record_at(r, r->head);
		c->len = to_end;
		c->is_filler = true;
		r->used += to_end;
		r->head = 0;
	}
	while (r->log_len - r->used < len)
		drop_tail(r, now_ns);
	c = record_at(r, r->head);
	c->len = len;
	c->is_filler = false;
	r->used += len;
	r->head = (r->head + len) % r->log_len;
	return c;
}

static size_t record_len(const struct replay_key *k, const struct sip_edits *e)
{
	size_t len = sizeof(struct record) + e->cnt * sizeof(struct stored_edit) + kept_len(k->datagram.len);

	for (unsigned i = 0; i < e->cnt; i++)
		len += e->e[i].text.len;
	return (len + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

/* What the next call will write to and drop: fetched while that call is being signed (together 0.5 us of waiting). */
static void prefetch_next(const struct replay *r)
{
	for (uint32_t i = 0; i < AHEAD && r->head + i < r->log_len; i += ALIGN)
		__builtin_prefetch(r->log + r->head + i, 1);
	__builtin_prefetch(record_at(r, r->tail), 1);
}

static char *append(char *at, const char *p, size_t len)
{
	if (len)
		memcpy(at, p, len);
	return at + len;
}

static void record_write(struct record *c, struct slice kept, const struct sip_edits *e)
{
	struct stored_edit *se = (struct stored_edit *)(c + 1);
	char *at = (char *)(se + e->cnt);

	for (unsigned i = 0; i < e->cnt; i++) {
		se[i] = (struct stored_edit){ e->e[i].off, e->e[i].del, (uint32_t)e->e[i].text.len };
		at = append(at, e->e[i].text.p, e->e[i].text.len);
	}
	append(at, kept.p, kept.len);
}

int replay_add(struct replay *r, const struct replay_key *k, uint64_t now_ns, const struct sip_edits *e)
{
	size_t len = record_len(k, e);
	uint8_t digest[SHA256_DIGEST_LENGTH];
	struct slice kept = k->datagram;
	struct record *c;

	assert(e->is_sealed && e->cnt <= SIP_EDITS_MAX);
	if (len > r->log_len / 2)
		return -E2BIG;
	if (kept.len > WHOLE_MAX) {
		if (!SHA256((const uint8_t *)kept.p, kept.len, digest))
			return -EIO;
		kept = slice_of((const char *)digest, sizeof(digest));
	}
	replay_expire(r, now_ns);
	c = reserve(r, (uint32_t)len, now_ns);
	c->is_unlisted = false;
	c->hash = k->hash;
	c->flow = k->flow;
	c->last_ns = now_ns;
	c->edit_cnt = e->cnt;
	c->out_len = (uint32_t)e->out_len;
	c->src_len = (uint32_t)e->src_len;
	c->datagram_len = (uint32_t)k->datagram.len;
	record_write(c, kept, e);
	*place_take(r, k->hash, now_ns) =
		(struct place){ (uint32_t)(k->hash >> 32), (uint32_t)((const char *)c - r->log) + 1 };
	r->stats.entries++;
	prefetch_next(r);
	return 0;
}

bool replay_find(struct replay *r, const struct replay_key *k, uint64_t now_ns, struct sip_edits *ret)
{
	struct record *c = lookup(r, k, now_ns);
	const struct stored_edit *se;
	const char *text;

	if (!c)
		return false;
	c->last_ns = now_ns;
	se = (const struct stored_edit *)(c + 1);
	text = texts_of(c);
	ret->cnt = c->edit_cnt;
	for (unsigned i = 0; i < c->edit_cnt; i++) {
		ret->e[i] = (struct sip_edit){ se[i].off, se[i].del, slice_of(text, se[i].text_len) };
		text += se[i].text_len;
	}
	ret->out_len = c->out_len;
	ret->src_len = c->src_len;
	ret->is_sealed = true;
	return true;
}

struct replay_stats replay_stats(const struct replay *r)
{
	struct replay_stats s = r->stats;

	s.bytes = r->used;
	return s;
}
