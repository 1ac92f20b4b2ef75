/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * notes - what the fetcher remembers of each URL beside its verdict: words for people, whether it is being fetched,
 * when it was last tried.
 *
 * Two lists, as the region has two tables: URLs that were verified, and all others; each bounded as its table is, and
 * what was set longest ago gives way, but never one that is being fetched.  So strangers' URLs push out each other.
 * The table's hash is keyed: nobody
 * outside can aim at a bucket.  Threads: one.
 */
#ifndef SIPSEAL_FETCHER_NOTES_H
#define SIPSEAL_FETCHER_NOTES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/slice.h"
#include "stir/verdict.h"

#define NOTE_TEXT_MAX 160
#define NOTES_MAX     (VERDICT_GOOD_MAX + VERDICT_BAD_MAX)

struct note;                       /* an element of a list: fields of use to others below */

struct note_is {
	bool is_running;           /* being fetched as a certificate */
	unsigned round;            /* of judging (cache.c) in which its verdict was given */
	int64_t tried_at;          /* last fetch, seconds; 0: none */
	int64_t expires_at;        /* nothing is known after that; 0: nothing yet */
};

struct notes;

/** notes_new() - Return: 0, -ENOMEM, -EIO (random). */
int notes_new(struct notes **ret);
void notes_free(struct notes *n);
DEFINE_FREEP(struct notes *, notes_free)

struct note *notes_get(const struct notes *n, struct slice url);

/** notes_make() - the one there is, or a new one among the unverified.  Return: NULL: out of memory. */
struct note *notes_make(struct notes *n, struct slice url);

/** notes_set() - it is the newest of its list now.  @text: copied, cut to NOTE_TEXT_MAX. */
void notes_set(struct notes *n, struct note *t, bool is_good, const char *text);

/** notes_say() - the same words, in its place: what is as old as it was stays so. */
void notes_say(struct note *t, const char *text);

void notes_drop(struct notes *n, struct note *t);

struct note_is *note_of(struct note *t);
struct slice note_url(const struct note *t);
const char *note_text(const struct note *t);

/* Where a walk is: over both lists, newest first.  Starts as zeroes.  The note that notes_next() gave may be
 * dropped before the next call; nothing else may change. */
struct notes_walk { struct note *at[2]; bool is_started; };
struct note *notes_next(const struct notes *n, struct notes_walk *w);

/** notes_expire() - drop those of which nothing is known any more, and that were not tried for @rest_s. */
void notes_expire(struct notes *n, int64_t now_s, int64_t rest_s);

#endif
