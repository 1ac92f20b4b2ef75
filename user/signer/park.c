/* SPDX-License-Identifier: BSD-2-Clause */
#include "signer/park.h"

#include <errno.h>
#include <openssl/rand.h>
#include <sys/mman.h>
#include <utlist.h>

#include "base/siphash.h"

struct park {
	struct siphash_key key;
	struct parked *oldest, *unused;
	unsigned cnt;
	char *frames; /* [PARK_MAX], of a chunk each */
	struct parked entries[PARK_MAX];
};

#define FRAMES_LEN ((size_t)PARK_MAX * XSK_FRAME_SIZE)

int park_new(struct park **ret)
{
	CLEANUP(park_freep) struct park *p = calloc(1, sizeof(*p));
	void *map;

	if (!p)
		return -ENOMEM;
	for (unsigned i = PARK_MAX; i--;)
		LL_PREPEND(p->unused, &p->entries[i]);
	map = mmap(NULL, FRAMES_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return -ENOMEM;
	p->frames = map;
	if (RAND_bytes((unsigned char *)&p->key, sizeof(p->key)) != 1)
		return -EIO;
	*ret = TAKE(p);
	return 0;
}

void park_free(struct park *p)
{
	if (!p)
		return;
	if (p->frames)
		munmap(p->frames, FRAMES_LEN);
	free(p);
}

unsigned park_cnt(const struct park *p)
{
	return p->cnt;
}

struct parked *park_first(const struct park *p)
{
	return p->oldest;
}

struct parked *park_put(struct park *p, struct slice frame)
{
	struct parked *e = p->unused;
	char *copy;

	if (!e || frame.len > XSK_FRAME_SIZE)
		return NULL;
	LL_DELETE(p->unused, e);
	copy = p->frames + (size_t)(e - p->entries) * XSK_FRAME_SIZE;
	memcpy(copy, frame.p, frame.len);
	*e = (struct parked){ .frame = slice_of(copy, frame.len) };
	DL_APPEND(p->oldest, e);
	p->cnt++;
	return e;
}

void park_drop(struct park *p, struct parked *e)
{
	DL_DELETE(p->oldest, e);
	LL_PREPEND(p->unused, e);
	p->cnt--;
}

struct parked *park_find(const struct park *p, const struct replay_key *key)
{
	struct parked *e;

	DL_FOREACH(p->oldest, e)
	if (e->has_key && memcmp(&e->key, key, sizeof(*key)) == 0)
		return e;
	return NULL;
}

/* A hash of each part first: where one ends and the next begins is then no question. */
bool park_transaction(const struct park *p, const struct sip_message *m, const uint8_t src[16],
		      uint64_t *ret)
{
	struct {
		uint8_t src[16];
		uint64_t branch, call_id, cseq;
	} name;
	struct slice branch, call_id, cseq;

	if (!sip_transaction(m, &branch, &call_id, &cseq))
		return false;
	memcpy(name.src, src, sizeof(name.src));
	name.branch = siphash(p->key, branch);
	name.call_id = siphash(p->key, call_id);
	name.cseq = siphash(p->key, cseq);
	*ret = siphash(p->key, slice_of((const char *)&name, sizeof(name)));
	return true;
}

struct parked *park_find_transaction(const struct park *p, uint64_t transaction)
{
	struct parked *e;

	DL_FOREACH(p->oldest, e)
	if (e->has_transaction && e->transaction == transaction)
		return e;
	return NULL;
}
