/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay - retransmissions leave byte-identical and cost no second signature (RFC 3261 s17.1.1.2,
 * stateless proxy rule s16.11: same input, same output).
 *
 * Key: trunk slot, source and destination address and port, and the whole datagram.  Branch, sent-by, Call-ID
 * and CSeq are parts of it; a message that differs in one byte is another message and is processed anew.  An
 * entry holds its key, and a copy is one when every byte is the same: the hash (XXH3 with a secret of this start)
 * only finds the place.  SipHash by EVP_MAC, good enough to be believed without a comparison, took 0.35 us
 * of 742 bytes; this takes 0.06 us, and 0.1 us more to keep the datagram.  Of one over 4 KiB its SHA-256 is kept.
 * Value: the edits (offsets and inserted bytes).  Only what was edited or signed is kept: what leaves
 * unchanged or is refused comes out the same by itself.
 *
 * The store is one block of memory written like a log:
 *
 *       tail                  head
 *     | oldest | ... | newest | free ................... |   then around
 *
 * An entry lives LIFETIME after its last copy; the oldest goes first when room is needed.  The index is a table
 * of sets of eight, a cache line each: who is not there is missed at the price of that line, and none of the
 * entries, which are long out of the caches, is touched.  A set that is full gives up its oldest.  Memory is
 * bounded by the size given to replay_new(), and nothing is allocated afterwards.
 * Threads: one per cache.
 */
#ifndef SIPSEAL_SIGNER_REPLAY_H
#define SIPSEAL_SIGNER_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/slice.h"
#include "sip/edit.h"

/* 64*T1 (RFC 3261 s17.1.1.2): after that no client sends copies any more. */
#define REPLAY_LIFETIME_NS (32ull * 1000000000)

/* Per worker, index included; about 21,000 signed calls, i.e. 650 calls/s within the lifetime. */
#define REPLAY_SIZE (32u << 20)

struct replay;

struct replay_flow {
	uint8_t src[16], dst[16];
	uint16_t src_port, dst_port;
	uint32_t trunk;
};

/* Valid as long as the datagram is. */
struct replay_key {
	uint64_t hash;
	struct replay_flow flow;
	struct slice datagram;
};

struct replay_stats {
	uint64_t entries, bytes, evicted; /* evicted: gone before their lifetime was over */
};

/** replay_new() - @size bytes in all, at least 64 KiB, less than 2 GiB.
 * Return: 0; -EINVAL size; -ENOMEM; -EIO no random numbers. */
int replay_new(size_t size, struct replay **ret);
void replay_free(struct replay *r);
DEFINE_FREEP(struct replay *, replay_free)

/** replay_key() - @datagram: not copied. */
void replay_key(const struct replay *r, const struct replay_flow *f, struct slice datagram, struct replay_key *ret);

/** replay_key_eq() - is one a copy of the other? */
bool replay_key_eq(const struct replay_key *a, const struct replay_key *b);

/**
 * replay_find() - look for an earlier copy; a hit lives another LIFETIME.
 * @ret: sealed edits; their texts stay valid until the next replay_add()
 */
bool replay_find(struct replay *r, const struct replay_key *k, uint64_t now_ns, struct sip_edits *ret);

/** replay_add() - keep sealed edits.  Return: 0; -E2BIG: larger than the whole store; -EIO: OpenSSL failed. */
int replay_add(struct replay *r, const struct replay_key *k, uint64_t now_ns, const struct sip_edits *e);

/** replay_expire() - drop a few entries whose time is over; called when there is nothing to do. */
void replay_expire(struct replay *r, uint64_t now_ns);

struct replay_stats replay_stats(const struct replay *r);

#endif
