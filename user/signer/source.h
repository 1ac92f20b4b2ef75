/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * source - where verdicts of certificates come from: the region that sipseal-fetcher writes and the rings of what
 * workers want of it (stir/verdict.h).  A new fetcher brings new ones, while workers run:
 *
 *     main thread: map the new pair, publish it by one pointer
 *     worker:      source_follow() at the top of its loop: note which pair it uses, use no other
 *     main thread: when the next pair comes, and all workers have noted this one, unmap the former
 *
 * So at most two pairs are mapped, and a worker that stands still keeps the one that it stands in.
 */
#ifndef SIPSEAL_SIGNER_SOURCE_H
#define SIPSEAL_SIGNER_SOURCE_H

#include <stdatomic.h>
#include <stdint.h>

#include "stir/verdict.h"

struct source {
	const struct verdict_region *region;   /* read-only mapping */
	struct verdict_wants *wants;           /* one per worker */
	uint64_t region_len, wants_len;
};

typedef _Atomic(const struct source *) source_ptr;

struct sources {
	source_ptr current;                    /* NULL: none came yet */
	struct source pairs[2];                /* the current one and the former; region NULL: none */
};

/** sources_take() - map a pair and publish it.
 * @fds: of verdicts and wants; not consumed; memfds that cannot shrink
 * @noted: what each of the @running threads has noted; the others use nothing
 * @reterr_text: what is wrong
 * Return: 0; -EAGAIN a thread has not noted the current pair yet; -EINVAL sizes, or files that can shrink;
 * -EBADMSG another layout; negative errno of mmap().  A refused pair changes nothing. */
int sources_take(struct sources *s, const int fds[2], uint64_t verdicts_len, uint64_t wants_len, uint32_t workers,
		 source_ptr *const *noted, unsigned running, char reterr_text[200]);

/** sources_done() - unmap; no thread runs any more. */
void sources_done(struct sources *s);

/** source_map() - a file that others hold, too.  Could they make it shorter, they could end us with a SIGBUS.
 * Return: 0; -EINVAL: shorter than @len, or not sealed against that; negative errno of mmap(). */
int source_map(int fd, uint64_t len, int prot, void **ret);

/** source_follow() - for a worker: the pair to use until the next call, or NULL.
 * @published: sources.current; @noted: the worker's own */
static inline const struct source *source_follow(source_ptr *published, source_ptr *noted)
{
	const struct source *s = atomic_load_explicit(published, memory_order_acquire);

	/* release: whoever sees it knows that the former one is not used any more */
	if (s != atomic_load_explicit(noted, memory_order_relaxed))
		atomic_store_explicit(noted, s, memory_order_release);
	return s;
}

#endif
