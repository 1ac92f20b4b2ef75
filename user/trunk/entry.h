/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * entry - one line of the policy's tables, and the texts and ranges that it refers to.
 *
 * The one place that knows how a trunk and a credential are written: compile.c lays whole copies out with it,
 * image.c changes single lines.  Memory: none is kept.
 */
#ifndef SIPSEAL_TRUNK_ENTRY_H
#define SIPSEAL_TRUNK_ENTRY_H

#include "trunk/compile.h"

/* Slots are stable and dense; a slot beyond this is a caller's mistake, not a large gateway. */
#define ENTRY_SLOTS_MAX (1u << 22)

/* Appends at @used, which counts from the start of the copy, as references do. */
struct entry_writer {
	char *base;           /* start of the copy; NULL: only counts */
	size_t used, cap;     /* cap: first offset that is not ours */
	int error;            /* first failure; all later calls do nothing */
};

/** entry_reserve() - room for @len bytes, 8-byte aligned; absent where @len is 0 or after a failure. */
struct policy_ref entry_reserve(struct entry_writer *w, size_t len);
struct policy_ref entry_append(struct entry_writer *w, const void *src, size_t len);
void entry_fail(struct entry_writer *w, int error);

/* A trunk made ready to be written, maybe several times (count, then write). */
struct entry_trunk {
	const struct compile_trunk *ct;
	struct policy_interval *intervals;
	uint32_t interval_cnt;
};

/** entry_trunk_init() - Return: 0; -ENOMEM; -EINVAL numbers or rules that the model would refuse; -E2BIG. */
int entry_trunk_init(struct entry_trunk *e, const struct compile_trunk *ct);
void entry_trunk_done(struct entry_trunk *e);

/** entry_trunk_emit() - texts, rules and ranges to @w; the line to *ret, without its location. */
void entry_trunk_emit(struct entry_writer *w, const struct entry_trunk *e, struct policy_trunk *ret);

/** entry_credential_emit() - fails with -EINVAL where the x5u fits in no PASSporT. */
void entry_credential_emit(struct entry_writer *w, const struct compile_credential *c,
			   struct policy_credential *ret);

/** entry_gateway_emit() - the words of the copy's head.  Return: 0; -EINVAL too many emergency numbers. */
int entry_gateway_emit(const struct gateway *g, struct policy_copy *ret);

/** entry_copy_close() - readers that still look for this copy find no generation before anything changes. */
void entry_copy_close(struct policy_copy *c);

/** entry_copy_open() - everything written before is seen by whoever sees @generation. */
void entry_copy_open(struct policy_copy *c, uint64_t generation);

#endif
