/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sys/mman.h>

#include "daemon/callevents_internal.h"

/*
 * 2^20 Call-IDs are 16,000 calls/s over 64 s; the pages (16 MiB) come as they are used.  A bucket
 * that overflows forgets its oldest: an override that comes too late is then accepted, and ends
 * unused.
 */
#define BUCKETS (1u << 17)
#define WAYS 8

struct way {
	uint64_t hash; /* 0: free */
	uint64_t at_ns;
};

struct event_seen {
	EVP_MAC *mac;
	EVP_MAC_CTX *ctx;
	uint8_t secret[16]; /* so that nobody can choose Call-IDs that meet in one bucket */
	struct way (*table)[WAYS];
};

#define TABLE_LEN (BUCKETS * sizeof(*((struct event_seen *)0)->table))

void event_seen_free(struct event_seen *s)
{
	if (!s)
		return;
	EVP_MAC_CTX_free(s->ctx);
	EVP_MAC_free(s->mac);
	if (s->table)
		munmap(s->table, TABLE_LEN);
	free(s);
}
DEFINE_FREEP(struct event_seen *, event_seen_free)

int event_seen_new(struct event_seen **ret)
{
	CLEANUP(event_seen_freep) struct event_seen *s = calloc(1, sizeof(*s));
	void *table;

	if (!s)
		return -ENOMEM;
	s->mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
	s->ctx = s->mac ? EVP_MAC_CTX_new(s->mac) : NULL;
	if (!s->ctx || RAND_bytes(s->secret, sizeof(s->secret)) != 1)
		return -EIO;
	table = mmap(NULL, TABLE_LEN, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (table == MAP_FAILED)
		return -ENOMEM;
	s->table = table;
	*ret = TAKE(s);
	return 0;
}

/* Return: 0 where OpenSSL fails: such a Call-ID has not been seen. */
static uint64_t hash_of(struct event_seen *s, struct slice call_id, bool is_cut)
{
	uint8_t cut = is_cut, out[16];
	uint64_t hash;
	size_t len;

	if (EVP_MAC_init(s->ctx, s->secret, sizeof(s->secret), NULL) != 1 ||
	    EVP_MAC_update(s->ctx, &cut, 1) != 1 ||
	    EVP_MAC_update(s->ctx, (const unsigned char *)call_id.p, call_id.len) != 1 ||
	    EVP_MAC_final(s->ctx, out, &len, sizeof(out)) != 1 || len != sizeof(out))
		return 0;
	memcpy(&hash, out, sizeof(hash));
	return hash ? hash : 1;
}

void event_seen_add(struct event_seen *s, struct slice call_id, bool is_cut, uint64_t now_ns)
{
	uint64_t hash = call_id.len ? hash_of(s, call_id, is_cut) : 0;
	struct way *bucket = s->table[hash % BUCKETS], *w = bucket;

	if (!hash)
		return;
	for (unsigned i = 0; i < WAYS; i++) {
		if (bucket[i].hash == hash) {
			w = &bucket[i];
			break;
		}
		if (bucket[i].at_ns < w->at_ns)
			w = &bucket[i];
	}
	*w = (struct way){ .hash = hash, .at_ns = now_ns };
}

bool event_seen_has(struct event_seen *s, struct slice call_id, uint64_t now_ns)
{
	bool is_cut = call_id.len > EVENTS_CALL_ID;
	uint64_t hash;

	call_id.len = is_cut ? EVENTS_CALL_ID : call_id.len;
	hash = call_id.len ? hash_of(s, call_id, is_cut) : 0;
	for (unsigned i = 0; hash && i < WAYS; i++) {
		const struct way *w = &s->table[hash % BUCKETS][i];

		if (w->hash == hash)
			return now_ns - w->at_ns <= EVENT_SEEN_NS;
	}
	return false;
}
