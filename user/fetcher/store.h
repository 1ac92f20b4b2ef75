/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store - chains that were good, on disk: a restart of the service asks no server again.
 *
 * One file per URL in one directory, named by the SHA-256 of the URL.  A file holds the URL, when it came, how long it
 * may be kept, the bytes as the server sent them, and a SHA-256 over all of it: half of a file, or one that
 * somebody changed, is as if it were not there (and removed).  Written under another name first, then renamed; never
 * synced: what a loss of power spoils, its SHA-256 tells.  What is in it is judged anew before it is used; it is a
 * cache of bytes, not of verdicts.
 * Bounded: STORE_FILES_MAX files, STORE_BYTES_MAX bytes; the oldest go.  Other files in the directory are left
 * alone.  Threads: one.
 */
#ifndef SIPSEAL_FETCHER_STORE_H
#define SIPSEAL_FETCHER_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/slice.h"
#include "stir/verdict.h"

#define STORE_FILES_MAX VERDICT_GOOD_MAX
#define STORE_BYTES_MAX (256ull << 20)

/* What store_read() gives. */
struct store_item {
	char x5u[PASSPORT_X5U_MAX + 1];
	int64_t fetched_at;                /* CLOCK_REALTIME, seconds */
	int64_t keep_s;                    /* as judge_chain() got it: what HTTP said; negative: nothing */
	char *body;                        /* malloc'd */
	size_t len;
};
void store_item_done(struct store_item *i);

/** store_read() - one chain, without a struct store: also for others who may read the directory (`sipseal explain`).
 * Return: 0; -ENOENT; -EBADMSG damaged, or not of this URL; negative errno. */
int store_read(int dir_fd, struct slice x5u, struct store_item *ret);

struct store;

/** store_open() - @dir_fd: of the directory, taken.  Looks at names, sizes and times, reads no file; removes what a
 * writer that was killed left behind, and the oldest beyond the bounds.
 * Return: 0; negative errno (the descriptor is closed). */
int store_open(int dir_fd, struct store **ret);
void store_free(struct store *s);
DEFINE_FREEP(struct store *, store_free)

/** store_write() - keep it, whole or not at all.  Return: 0; negative errno: nothing has changed. */
int store_write(struct store *s, struct slice x5u, int64_t fetched_at, int64_t keep_s, const char *body, size_t len);

/** store_drop() - Return: 0, -ENOENT. */
int store_drop(struct store *s, struct slice x5u);
void store_drop_all(struct store *s);

/** store_has() - as far as names tell. */
bool store_has(const struct store *s, struct slice x5u);

/** store_get() - as store_read(); one that is damaged is counted and removed. */
int store_get(struct store *s, struct slice x5u, struct store_item *ret);

/** store_next() - the chain of the file behind *@cursor, newest first; starts at 0.  What is written meanwhile is not
 * looked at.
 * Return: 1; 0 no more; -EBADMSG damaged: it is removed, go on with the next; other negative errno: it cannot be read
 * (-ENOMEM: *cursor stands). */
int store_next(struct store *s, unsigned *cursor, struct store_item *ret);

/* errors: files that could not be written, were damaged or could not be read */
struct store_usage { uint32_t files; uint64_t bytes, errors; };
void store_usage(const struct store *s, struct store_usage *ret);

#endif
