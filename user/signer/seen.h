/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * seen - which call showed a signature first: one table of the process, shared by all workers, without locks.
 *
 * A PASSporT that was overheard can be shown again by another call to the same number while it is fresh.  So each
 * signature is kept with the Call-ID that it came with for as long as it is fresh; another Call-ID is a replay.
 *
 *     bucket (8 places) = hash of the signature
 *     place             = hash of the signature | check, hash of the Call-ID, when it may be forgotten
 *
 * Both words of a place change by compare-and-swap: the first says whose place it is; who changes the second first
 * is the one that was there first, also where two workers meet the same signature at the same moment.  A second word
 * whose check does not fit the first is as if it were not there.  The hashes are keyed by a random key of this
 * start: nobody outside can aim at a bucket.  That two signatures or two Call-IDs are taken for the same is a matter
 * of 64 and 20 bits: a replay in a million is not seen, and a good call is not refused within the age of the universe.
 * The place that may be forgotten first gives way in a full bucket (counted): then a replay of that one is not seen.
 *
 * Memory: 8 MiB, as it is used, for 524,288 signatures.  Buckets fill unevenly: with a window of 70 s and 2,000
 * verified calls per second one in some 3,000 is forgotten too early.  Threads: any.
 */
#ifndef SIPSEAL_SIGNER_SEEN_H
#define SIPSEAL_SIGNER_SEEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/slice.h"
#include "stir/passport.h"

#define SEEN_BUCKETS 65536
#define SEEN_WAYS    8

struct seen;

/** seen_new() - Return: 0, -ENOMEM, -EIO: no random numbers. */
int seen_new(struct seen **ret);
void seen_free(struct seen *s);
DEFINE_FREEP(struct seen *, seen_free)

/**
 * seen_elsewhere() - has another Call-ID shown @sig?  If nobody has, it is kept for @window_s.
 * @now_s: seconds of a clock that does not jump (CLOCK_MONOTONIC)
 * @evicted: grows where another signature was forgotten before its time
 */
bool seen_elsewhere(struct seen *s, const uint8_t sig[PASSPORT_SIG_LEN], struct slice call_id, uint64_t now_s,
		    unsigned window_s, uint64_t *evicted);

#endif
