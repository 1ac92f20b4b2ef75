/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reassemble_internal - what the files of reassemble share.
 *
 *     reassemble_parse.c  a frame as a fragment            no state
 *     reassemble_store.c  memory, look-ups, who gives way  no rules of IP
 *     reassemble_whole.c  the pieces as one packet
 *     reassemble.c        the rules; what leaves
 */
#ifndef SIPSEAL_WIRE_REASSEMBLE_INTERNAL_H
#define SIPSEAL_WIRE_REASSEMBLE_INTERNAL_H

#include "wire/l3.h"
#include "wire/reassemble.h"

/* Compared as bytes: no gaps, unused ones are zero. */
struct key {
	uint8_t src[16], dst[16];
	uint32_t id;             /* as in the packet */
	uint32_t realm;
	uint16_t vid[VLAN_TAGS_MAX];
	uint8_t proto;           /* IPv4 only */
	uint8_t is_v6;
	uint8_t zero[2];
};
_Static_assert(sizeof(struct key) == 48, "no gaps");

/* A frame, taken apart.  Offsets are from its start. */
struct fragment {
	struct key key;          /* without realm */
	uint16_t l3_at, l3_len;  /* IP header; v6: up to the fragment header */
	uint16_t proto_off;      /* v6: in l3, of the byte that names the fragment header */
	uint16_t data_at;
	struct slice data;
	uint32_t off;            /* in the datagram */
	bool is_last;
	uint8_t next;            /* v6: what the data of the datagram starts with; v4: UDP */
	uint8_t ttl, ecn;
	enum reassemble_outcome kind; /* v6: HELD, or what the first fragment shows: NOT_UDP, OPAQUE */
};

/* A fragment that is kept. */
struct piece {
	uint32_t place;
	uint16_t off, len;       /* of its data in the datagram */
	uint16_t data_at, frame_len;
	bool is_last;
};

/* A datagram is on the list of its kind, of all and of its source; the oldest first. */
enum list {
	LIST_HELD,
	LIST_BARRED,             /* remembered: what comes of it gets `bar` */
	LIST_DONE,               /* remembered: copies are known by their digests */
	LISTS,
	LIST_NONE = LISTS        /* about to be freed */
};

struct source;

struct datagram {
	struct reassembled pub;
	struct key key;
	struct datagram *chain;                     /* of its bucket */
	struct datagram *prev, *next;               /* of all */
	struct datagram *source_prev, *source_next; /* of its source */
	struct datagram *leaving;
	struct source *source;
	enum list list;
	enum reassemble_outcome bar;
	uint64_t until_ns;
	uint16_t l3_at, l3_len, proto_off;          /* as in struct fragment, of the first one */
	uint8_t next_proto, ttl;
	uint8_t ecn_seen;                           /* bit per codepoint */
	uint32_t got, end;                          /* bytes of data; end 0: not known */
	unsigned piece_cnt;
	union {
		struct piece pieces[REASSEMBLE_FRAGMENTS];  /* as they came */
		uint64_t digests[REASSEMBLE_FRAGMENTS];     /* DONE and released */
	};
};

struct source {
	struct key addr;                            /* only src and is_v6 */
	struct source *chain;
	struct source *prev, *next;                 /* of those that hold as many frames */
	struct datagram *lists[LISTS];
	unsigned frames, datagrams;
};

/* Indices of an array that are free. */
struct pool {
	uint32_t *free;
	unsigned cnt;
};

struct reassemble {
	struct reassemble_limits limits;
	struct siphash_key hash_key;
	struct reassemble_stats stats;
	unsigned frames_max, source_frames_max;
	unsigned frames, datagrams;        /* without those that are leaving and not remembered */
	unsigned remembered;
	struct datagram *lists[LISTS];
	struct datagram *leaving;          /* taken one by one */
	struct datagram *out;              /* taken, not yet released */
	size_t place_len;
	unsigned mask;                     /* of both tables */
	struct datagram **datagram_table, *datagram_array;
	struct source **source_table, *source_array;
	struct source **by_frames;         /* [source_frames_max + 2] */
	unsigned heaviest;                 /* nobody above */
	char *places;
	struct pool datagram_pool, source_pool, place_pool;
	char *scratch;                     /* SCRATCH_LEN: the packet that is complete */
};

#define SCRATCH_LEN ((size_t)L2_LEN + V6_LEN + IP_MAX)

/**
 * fragment_parse() - Return: REASSEMBLE_HELD and *ret (may be kept), or why not: NO_FRAGMENT, NOT_UDP (v4),
 * OPAQUE, MALFORMED, TINY (v6: first one without all headers).
 */
enum reassemble_outcome fragment_parse(struct slice frame, struct fragment *ret);

/** fragment_is_atomic() - the whole datagram behind a fragment header (RFC 6946). */
static inline bool fragment_is_atomic(const struct fragment *f)
{
	return f->off == 0 && f->is_last;
}

/** store_new() - the memory.  @r has its limits.  Return: 0, -ENOMEM; store_free() either way. */
int store_new(struct reassemble *r);
void store_free(struct reassemble *r);

/** store_find() - Return: NULL: not there. */
struct datagram *store_find(const struct reassemble *r, const struct key *k);

/** store_add() - a new one on LIST_HELD.  There is always room for one over the limit. */
struct datagram *store_add(struct reassemble *r, const struct key *k);

/** store_loose() - one that nothing leads to; with one place it is within the reserve. */
struct datagram *store_loose(struct reassemble *r);

/** store_move() - to the end of another list; LIST_NONE: nothing leads to it any more. */
void store_move(struct reassemble *r, struct datagram *d, enum list list);

/** store_drop() - free one that has no frames and is on no list, or on one of the remembered. */
void store_drop(struct reassemble *r, struct datagram *d);

/** store_count() - the source of @d, and all, hold @delta frames more. */
void store_count(struct reassemble *r, struct datagram *d, int delta);

/** store_victim() - who has to leave so that the limits hold again, or NULL: they do.
 * @keep: never this one
 * @ret_why: whose limit */
struct datagram *store_victim(struct reassemble *r, const struct datagram *keep, enum reassemble_why *ret_why);

/** place_block(), place_frame() - of a place. */
static inline char *place_block(const struct reassemble *r, uint32_t place)
{
	return r->places + (size_t)place * r->place_len;
}

static inline char *place_frame(const struct reassemble *r, uint32_t place)
{
	return place_block(r, place) + REASSEMBLE_BLOCK;
}

/** pool_get(), pool_put() - an index; pools are never empty when they are asked. */
uint32_t pool_get(struct pool *p);
void pool_put(struct pool *p, uint32_t i);

/** piece_data() - the bytes of a piece that is kept. */
static inline struct slice piece_data(const struct reassemble *r, const struct piece *p)
{
	return slice_of(place_frame(r, p->place) + p->data_at, p->len);
}

/** whole_build() - all pieces are there: fills packet and frame of @d->pub.
 * Return: REASSEMBLED_COMPLETE, MALFORMED, OPAQUE, or REFUSED: ECN. */
enum reassembled_how whole_build(struct reassemble *r, struct datagram *d);

/** whole_digest() - what copies of a fragment have in common, and nothing else has. */
uint64_t whole_digest(const struct reassemble *r, uint32_t off, bool is_last, struct slice data);

#endif
