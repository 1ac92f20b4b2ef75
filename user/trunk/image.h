/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * image - the policy region (policy.h) as its writer sees it: two standing copies, changed by deltas.
 *
 *     image_begin(g)            the idle copy (g & 1) follows the active one, then is open for changes
 *     image_trunk_put() ...     one or many
 *     image_commit()            readers may use generation g from now on - or image_abort()
 *     image_settle()            later, when nobody reads the former copy any more: it follows
 *
 * The cost of a change is that of its trunks, whatever number there are.  Texts, number ranges and
 * locations of a trunk are one blob that is never written again once it is live; both copies use the same
 * offsets, so following is copying.  Space is given back when both copies have let go of it.  Same
 * locations are stored once (100,000 copies of 4 KiB would be 400 MB).
 * The caller knows when nobody reads a copy any more: before image_begin() and image_settle() every frame
 * of the generation before the active one must be done.
 * Pure memory, no I/O.  Threads: one writer; readers see complete generations only.
 */
#ifndef SIPSEAL_TRUNK_IMAGE_H
#define SIPSEAL_TRUNK_IMAGE_H

#include "trunk/compile.h"

struct image;

/**
 * image_new() - format a region: two empty copies without generation.
 * @r: mapping of @size bytes, zeroed; sparse memory is not touched beyond what is used
 * @trunk_max, @credential_max: slots of the tables
 * Return: 0; -ENOSPC @size cannot hold the tables; -EINVAL; -ENOMEM.
 */
int image_new(struct policy_region *r, uint64_t size, uint32_t trunk_max, uint32_t credential_max,
	      struct image **ret);
void image_free(struct image *im);
DEFINE_FREEP(struct image *, image_free)

/** image_begin() - open generation @generation (its low bit names the idle copy).
 * Return: 0; -EBUSY: it is the copy of the active generation, or a change is open; -EINVAL: 0. */
int image_begin(struct image *im, uint64_t generation);

/** image_trunk_put() - write or replace the trunk in ct->slot.  Everything is copied.
 * Return: 0; -ENOSPC the region is full; -EINVAL no such slot or line, numbers or rules that the model would
 * refuse, or no change is open; -E2BIG too many numbers; -ENOMEM.  After a failure only image_abort() is left:
 * whatever comes before it returns the same error. */
int image_trunk_put(struct image *im, const struct compile_trunk *ct);

/** image_trunk_drop() - the slot is empty from this generation on; fine if it is already.  Errors as above. */
int image_trunk_drop(struct image *im, uint32_t slot);

/** image_credential_put() - write or replace one line of the table of credentials; errors as above. */
int image_credential_put(struct image *im, uint32_t index, const struct compile_credential *c);
int image_credential_drop(struct image *im, uint32_t index);

/** image_gateway_put() - regulatory.enabled, emergency numbers, stale limit. */
int image_gateway_put(struct image *im, const struct gateway *g);

void image_commit(struct image *im);
void image_abort(struct image *im);

/** image_settle() - the former copy follows, what it alone held is free again.  Does nothing while a change
 * is open or when there is nothing to do. */
void image_settle(struct image *im);
bool image_is_settled(const struct image *im);

/** image_generation() - the active one; 0 before the first image_commit(). */
uint64_t image_generation(const struct image *im);

/* What one copy holds besides its tables, in bytes, for status and tests; the other needs the same. */
struct image_usage {
	uint64_t total, used;
	uint64_t waiting;              /* part of used: free once settled */
	uint32_t trunks, locations;    /* of the open change, else of the active generation */
};
void image_usage(const struct image *im, struct image_usage *ret);

#endif
