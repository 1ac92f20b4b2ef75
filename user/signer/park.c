/* SPDX-License-Identifier: BSD-2-Clause */
#include "signer/park.h"

#include <errno.h>
#include <openssl/rand.h>
#include <sys/mman.h>
#include <utlist.h>

#include "base/siphash.h"

/* Headers of every fragment: Ethernet with tags, IP as far as it is walked, and the fragment header. */
#define PIECE_HEADERS (22 + WIRE_L3_MAX + 8)
#define IP_MAX        65535

struct park_large {
	struct park_large *next;
	struct pieces pieces;
	char frame[22 + 40 + IP_MAX];
	char frames[IP_MAX + REASSEMBLE_FRAGMENTS * PIECE_HEADERS];
};

struct park {
	struct siphash_key key;
	struct parked *oldest, *unused;
	unsigned cnt;
	struct park_large *large, *large_unused; /* [PARK_LARGE_MAX] */
	char *frames; /* [PARK_MAX], of a chunk each */
	struct parked entries[PARK_MAX];
};

#define FRAMES_LEN ((size_t)PARK_MAX * XSK_FRAME_SIZE)
#define LARGE_LEN  (PARK_LARGE_MAX * sizeof(struct park_large))

/* Return: NULL: no memory. */
static void *map_new(size_t len)
{
	void *map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return map == MAP_FAILED ? NULL : map;
}

int park_new(struct park **ret)
{
	CLEANUP(park_freep) struct park *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	for (unsigned i = PARK_MAX; i--;)
		LL_PREPEND(p->unused, &p->entries[i]);
	p->frames = map_new(FRAMES_LEN);
	p->large = map_new(LARGE_LEN);
	if (!p->frames || !p->large)
		return -ENOMEM;
	for (unsigned i = PARK_LARGE_MAX; i--;)
		LL_PREPEND(p->large_unused, &p->large[i]);
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
	if (p->large)
		munmap(p->large, LARGE_LEN);
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

/* A place for what is copied already. */
static struct parked *entry_take(struct park *p, struct slice frame)
{
	struct parked *e = p->unused;

	LL_DELETE(p->unused, e);
	*e = (struct parked){ .frame = frame };
	DL_APPEND(p->oldest, e);
	p->cnt++;
	return e;
}

struct parked *park_put(struct park *p, struct slice frame)
{
	char *copy;

	if (!p->unused || frame.len > XSK_FRAME_SIZE)
		return NULL;
	copy = p->frames + (size_t)(p->unused - p->entries) * XSK_FRAME_SIZE;
	memcpy(copy, frame.p, frame.len);
	return entry_take(p, slice_of(copy, frame.len));
}

/* Return: false: they are longer than honest ones can be. */
static bool pieces_copy(struct park_large *l, const struct pieces *pieces)
{
	size_t at = 0;

	l->pieces.cnt = pieces->cnt;
	memcpy(l->pieces.times_ns, pieces->times_ns, pieces->cnt * sizeof(pieces->times_ns[0]));
	for (unsigned i = 0; i < pieces->cnt; i++) {
		struct slice frame = pieces->frames[i];

		if (frame.len > sizeof(l->frames) - at)
			return false;
		memcpy(l->frames + at, frame.p, frame.len);
		l->pieces.frames[i] = slice_of(l->frames + at, frame.len);
		at += frame.len;
	}
	return true;
}

struct parked *park_put_pieces(struct park *p, const struct wire_frame *f, const struct pieces *pieces)
{
	size_t len = (size_t)(f->payload.p + f->payload.len - f->l3.p);
	struct park_large *l = p->large_unused;
	struct parked *e;

	if (!p->unused || !l || f->l2.len + len > sizeof(l->frame) || !pieces_copy(l, pieces))
		return NULL;
	memcpy(l->frame, f->l2.p, f->l2.len);
	memcpy(l->frame + f->l2.len, f->l3.p, len);
	LL_DELETE(p->large_unused, l);
	e = entry_take(p, slice_of(l->frame, f->l2.len + len));
	e->pieces = &l->pieces;
	e->large = l;
	return e;
}

void park_drop(struct park *p, struct parked *e)
{
	DL_DELETE(p->oldest, e);
	LL_PREPEND(p->unused, e);
	if (e->large)
		LL_PREPEND(p->large_unused, e->large);
	p->cnt--;
}

struct parked *park_find(const struct park *p, const struct replay_key *key)
{
	struct parked *e;

	DL_FOREACH(p->oldest, e)
	if (e->has_key && replay_key_eq(&e->key, key))
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
