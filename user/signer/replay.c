/* SPDX-License-Identifier: BSD-2-Clause */
#include "signer/replay.h"

#include <assert.h>
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sys/mman.h>

#define SIZE_MIN   (64u << 10)
#define ALIGN      64u  /* records begin on these, so that a filler header always fits before the end */
#define NONE       UINT32_MAX
#define EXPIRE_MAX 8    /* entries dropped per call: bounded work */

/* Followed by `edit_cnt` struct stored_edit and then their texts. */
struct record {
	struct replay_key key;
	uint64_t last_ns;    /* of the last copy */
	uint32_t next;       /* in the chain of the bucket, or NONE */
	uint32_t len;        /* of the record, a multiple of ALIGN */
	uint32_t edit_cnt;
	uint32_t out_len, src_len;
	bool is_filler;      /* unused end of the store */
};
_Static_assert(sizeof(struct record) <= ALIGN, "a filler must fit in ALIGN bytes");

struct stored_edit {
	uint32_t off, del, text_len;
};

struct replay {
	EVP_MAC *mac;
	EVP_MAC_CTX *ctx;
	uint8_t secret[16];
	void *map;
	size_t map_len;
	uint32_t *buckets, bucket_mask;
	char *log;
	uint32_t log_len, head, tail, used; /* used: bytes from tail to head */
	struct replay_stats stats;
};

void replay_free(struct replay *r)
{
	if (!r)
		return;
	EVP_MAC_CTX_free(r->ctx);
	EVP_MAC_free(r->mac);
	if (r->map)
		munmap(r->map, r->map_len);
	OPENSSL_cleanse(r->secret, sizeof(r->secret));
	free(r);
}

static int mac_new(struct replay *r)
{
	r->mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
	r->ctx = r->mac ? EVP_MAC_CTX_new(r->mac) : NULL;
	if (!r->ctx || RAND_bytes(r->secret, sizeof(r->secret)) != 1)
		return -EIO;
	return 0;
}

/* A bucket per 512 bytes of store: an entry of a plain signature takes 600 to 700. */
static int store_new(struct replay *r, size_t size)
{
	uint32_t buckets = 64;

	while ((size_t)buckets * 2 * 512 <= size)
		buckets *= 2;
	r->map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (r->map == MAP_FAILED) {
		r->map = NULL;
		return -ENOMEM;
	}
	r->map_len = size;
	r->buckets = r->map;
	r->bucket_mask = buckets - 1;
	memset(r->buckets, 0xff, buckets * sizeof(uint32_t));
	r->log = (char *)r->map + buckets * sizeof(uint32_t);
	r->log_len = (uint32_t)(size - buckets * sizeof(uint32_t)) & ~(ALIGN - 1);
	return 0;
}

int replay_new(size_t size, struct replay **ret)
{
	CLEANUP(replay_freep) struct replay *r = NULL;
	int e;

	if (size < SIZE_MIN || size > UINT32_MAX)
		return -EINVAL;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	if ((e = mac_new(r)) < 0 || (e = store_new(r, size)) < 0)
		return e;
	*ret = TAKE(r);
	return 0;
}

int replay_key(struct replay *r, const struct replay_flow *f, struct slice datagram,
	       struct replay_key *ret)
{
	uint8_t head[40];
	struct replay_key k;
	size_t len;

	memcpy(head, f->src, 16);
	memcpy(head + 16, f->dst, 16);
	memcpy(head + 32, &f->src_port, 2);
	memcpy(head + 34, &f->dst_port, 2);
	memcpy(head + 36, &f->trunk, 4);
	if (EVP_MAC_init(r->ctx, r->secret, sizeof(r->secret), NULL) != 1 ||
	    EVP_MAC_update(r->ctx, head, sizeof(head)) != 1 ||
	    EVP_MAC_update(r->ctx, (const unsigned char *)datagram.p, datagram.len) != 1 ||
	    EVP_MAC_final(r->ctx, k.hash, &len, sizeof(k.hash)) != 1 || len != sizeof(k.hash))
		return -EIO;
	*ret = k;
	return 0;
}

static struct record *record_at(const struct replay *r, uint32_t off)
{
	return (struct record *)(void *)(r->log + off);
}

static uint32_t *bucket_of(const struct replay *r, const struct replay_key *k)
{
	uint32_t h;

	memcpy(&h, k->hash, sizeof(h));
	return &r->buckets[h & r->bucket_mask];
}

static struct record *lookup(const struct replay *r, const struct replay_key *k)
{
	for (uint32_t off = *bucket_of(r, k); off != NONE; off = record_at(r, off)->next)
		if (memcmp(&record_at(r, off)->key, k, sizeof(*k)) == 0)
			return record_at(r, off);
	return NULL;
}

static bool is_over(const struct record *c, uint64_t now_ns)
{
	return (int64_t)(now_ns - c->last_ns) > (int64_t)REPLAY_LIFETIME_NS;
}

static void unlink_record(struct replay *r, const struct record *c)
{
	uint32_t off = (uint32_t)((const char *)c - r->log);
	uint32_t *at = bucket_of(r, &c->key);

	while (*at != off)
		at = &record_at(r, *at)->next;
	*at = c->next;
}

/* The oldest record goes. */
static void drop_tail(struct replay *r, uint64_t now_ns)
{
	struct record *c = record_at(r, r->tail);

	if (!c->is_filler) {
		unlink_record(r, c);
		r->stats.entries--;
		if (!is_over(c, now_ns))
			r->stats.evicted++;
	}
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

static size_t record_len(const struct sip_edits *e)
{
	size_t len = sizeof(struct record) + e->cnt * sizeof(struct stored_edit);

	for (unsigned i = 0; i < e->cnt; i++)
		len += e->e[i].text.len;
	return (len + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

int replay_add(struct replay *r, const struct replay_key *k, uint64_t now_ns, const struct sip_edits *e)
{
	size_t len = record_len(e);
	struct stored_edit *se;
	struct record *c;
	char *text;

	assert(e->is_sealed && e->cnt <= SIP_EDITS_MAX);
	if (len > r->log_len / 2)
		return -E2BIG;
	replay_expire(r, now_ns);
	c = reserve(r, (uint32_t)len, now_ns);
	c->key = *k;
	c->last_ns = now_ns;
	c->edit_cnt = e->cnt;
	c->out_len = (uint32_t)e->out_len;
	c->src_len = (uint32_t)e->src_len;
	c->next = *bucket_of(r, k);
	*bucket_of(r, k) = (uint32_t)((char *)c - r->log);
	se = (struct stored_edit *)(c + 1);
	text = (char *)(se + e->cnt);
	for (unsigned i = 0; i < e->cnt; i++) {
		se[i] = (struct stored_edit){ e->e[i].off, e->e[i].del, (uint32_t)e->e[i].text.len };
		if (se[i].text_len)
			memcpy(text, e->e[i].text.p, se[i].text_len);
		text += se[i].text_len;
	}
	r->stats.entries++;
	return 0;
}

bool replay_find(struct replay *r, const struct replay_key *k, uint64_t now_ns, struct sip_edits *ret)
{
	struct record *c = lookup(r, k);
	const struct stored_edit *se;
	const char *text;

	if (!c || is_over(c, now_ns))
		return false;
	c->last_ns = now_ns;
	se = (const struct stored_edit *)(c + 1);
	text = (const char *)(se + c->edit_cnt);
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
