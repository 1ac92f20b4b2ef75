/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verdict - what sipseal-fetcher knows of certificates, by x5u: a region that the fetcher writes and the signer maps
 * read-only, and the ring of URLs that the signer wants, the other way (memfds).
 *
 * A verdict is a public key and what limits it, or the reason why there is none; never a certificate.  A
 * look-up makes no system call: two-choice buckets of tags (as trunk/override.h), then one entry that is copied
 * and whose seq is looked at again (0 while it is written).  A refresh goes into a free entry first: readers find
 * the old verdict or the new one, never none.  Good verdicts and failures have tables of their own, so that
 * URLs nobody vouches for never evict those that were verified; in both the oldest gives way: what was put longest
 * ago.
 * A tag is a hash with the region's own random key: nobody outside can aim at a bucket.
 * Nothing read from the other side's region is trusted: a copy that breaks the rules of struct verdict is as if it
 * were not there.  Memory: 2,048 bytes per good verdict and 552 per failure, as they come; 640 KiB for tags.
 * Pure memory, no I/O.  Verdicts: one writer, many readers.  Wants: a ring per worker, one writer and one reader.
 */
#ifndef SIPSEAL_STIR_VERDICT_H
#define SIPSEAL_STIR_VERDICT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "abi.h"
#include "base/cleanup.h"
#include "base/slice.h"
#include "stir/cert.h"
#include "stir/passport.h"

#define VERDICT_MAGIC   0x73707631u /* "spv1" */
#define VERDICT_VERSION 2
#define VERDICT_WAYS    8
#define VERDICT_GOOD_BUCKETS 8192   /* 65,536 places for VERDICT_GOOD_MAX */
#define VERDICT_GOOD_MAX     32768
#define VERDICT_BAD_BUCKETS  2048
#define VERDICT_BAD_MAX      8192
#define VERDICT_RANGES_MAX   32     /* number ranges of one TNAuthList; more: the certificate is refused */
#define VERDICT_NAMES_MAX    8      /* claims named by JWTClaimConstraints; more: refused */
#define VERDICT_NAME_LEN     16
#define VERDICT_WANTS_RING   256    /* URLs that one worker may be waiting for */

enum verdict_kind {
	VERDICT_UNKNOWN,             /* nothing is known, or it is too old: ask for it */
	VERDICT_GOOD,
	VERDICT_BAD,                 /* reason and code say why, until expires_at */
};

struct verdict_range {               /* canonical digits, both ends inside, same length, in order */
	char first[16], last[16];
};

/* Strings end inside their arrays and are printable ASCII, names are not empty.  A verdict that was found is zero
 * behind its counts. */
struct verdict {
	uint8_t kind;                /* enum verdict_kind */
	uint8_t reason;              /* VERDICT_BAD: enum sipseal_reason, one of the signer's */
	uint16_t code;               /* VERDICT_BAD: 436 or 437 */
	uint8_t has_spc;             /* an SPC in the list: any number (ATIS-1000080) */
	uint8_t range_cnt;
	uint8_t must_cnt, never_cnt; /* JWTClaimConstraints (RFC 8226 s8, RFC 9118): must, must not be there */
	char spc[TNAUTH_SPC_MAX + 1];
	char subject[96];            /* for events; printable ASCII */
	uint8_t point[CERT_POINT_LEN];
	int64_t not_before, not_after;   /* of the whole chain, seconds since 1970 */
	int64_t fetched_at, expires_at;  /* CLOCK_REALTIME, seconds; in order; good: <= not_after */
	struct verdict_range ranges[VERDICT_RANGES_MAX];
	char must[VERDICT_NAMES_MAX][VERDICT_NAME_LEN], never[VERDICT_NAMES_MAX][VERDICT_NAME_LEN];
};

struct verdict_region;               /* layout in verdict.c; sparse, verdict_region_size() bytes */

uint64_t verdict_region_size(void);

/** verdict_region_check() - magic, version, size.  Return: 0, or -EBADMSG. */
int verdict_region_check(const struct verdict_region *r, uint64_t len);

/**
 * verdict_find() - copy out what is known of @x5u.
 * @now_s: CLOCK_REALTIME; an entry that is over is VERDICT_UNKNOWN
 * Return: its kind; VERDICT_UNKNOWN leaves *ret alone; VERDICT_BAD fills kind, reason, code, fetched_at and
 * expires_at, the rest is zero.  Bounded work whatever the region holds; one of zeroes knows nothing.
 */
enum verdict_kind verdict_find(const struct verdict_region *r, struct slice x5u, int64_t now_s, struct verdict *ret);

/** verdict_changes() - a number that grows with every verdict_put(): who waits for one looks again when it has. */
uint64_t verdict_changes(const struct verdict_region *r);

/* The writer's side: bookkeeping of its own around a region (age of entries, which URL is where). */
struct verdict_writer;

/** verdict_writer_new() - format a zeroed region of verdict_region_size() bytes.
 * Return: 0, -ENOMEM, -EIO (random). */
int verdict_writer_new(struct verdict_region *r, struct verdict_writer **ret);
void verdict_writer_free(struct verdict_writer *w);
DEFINE_FREEP(struct verdict_writer *, verdict_writer_free)

/** verdict_put() - write or replace; a good one takes the place of a bad one and the other way round, but a
 * failure never takes away a good verdict that is not over when the failure came (at its fetched_at): it is not
 * stored then.  Who knows that a good one must go (revoked) calls verdict_drop() first.
 * Return: 0; -EINVAL @x5u empty or too long, or a verdict that cannot be. */
int verdict_put(struct verdict_writer *w, struct slice x5u, const struct verdict *v);

/** verdict_drop() - forget one URL.  Return: 0, -ENOENT. */
int verdict_drop(struct verdict_writer *w, struct slice x5u);

/** verdict_expire() - free entries that are over. */
void verdict_expire(struct verdict_writer *w, int64_t now_s);

/* How full it is. */
struct verdict_usage { uint32_t good, bad; uint64_t evicted_good, evicted_bad; };
void verdict_usage(const struct verdict_writer *w, struct verdict_usage *ret);

/* Wants: what a worker asks for. */
#define VERDICT_WANT_AGAIN 0x1       /* known, but a signature did not fit it: has the key changed? */

struct verdict_want {
	uint32_t trunk;              /* slot, for the budget */
	uint16_t len;
	uint16_t flags;              /* VERDICT_WANT_* */
	char x5u[PASSPORT_X5U_MAX];
};

struct verdict_wants {               /* one per worker, in one memfd, sizeof() apart */
	_Atomic uint64_t head;       /* the worker's */
	_Atomic uint64_t dropped;    /* the worker's: the ring was full */
	uint64_t pad0[6];
	_Atomic uint64_t tail;       /* the fetcher's */
	uint64_t pad1[7];
	struct verdict_want ring[VERDICT_WANTS_RING];
};

/** verdict_ask() - Return: false: the ring is full (counted), or @x5u is empty or too long. */
bool verdict_ask(struct verdict_wants *w, uint32_t trunk, struct slice x5u, uint16_t flags);

/** verdict_asked() - the next one; @tail is the reader's own count, of a new reader what w->tail says.
 * Return: false: none, or one that cannot be (it is skipped).  ret->x5u is filled up with zeroes. */
bool verdict_asked(struct verdict_wants *w, uint64_t *tail, struct verdict_want *ret);

#endif
