/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * edit - changes to a message, collected first and applied once.
 *
 * An edit replaces `del` bytes at offset `off` of the original by `text`.  Edits are collected in
 * any order; edits at the same offset keep the order in which they were added (one of them may
 * delete, the others insert before or after its text).  They apply all or not at all:
 * sip_edits_seal() refuses overlaps and results over the limit before a byte is written.
 * Memory: texts belong to the caller and must live until the emit.
 */
#ifndef SIPSEAL_SIP_EDIT_H
#define SIPSEAL_SIP_EDIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/slice.h"

/* One for each row of a message (SIP_ROWS_MAX) and all that we add: nobody can send so many rows of a kind
 * that we remove that the edits do not fit and the rows get through. */
#define SIP_EDITS_MAX 320

struct sip_edit {
	uint32_t off, del;
	struct slice text;
};

struct sip_edits {
	unsigned cnt;
	bool is_sealed;
	size_t out_len;      /* length of the result; valid when sealed */
	size_t src_len;      /* length of the source it was sealed for */
	struct sip_edit e[SIP_EDITS_MAX];
};

static inline void sip_edits_init(struct sip_edits *e)
{
	e->cnt = 0;
	e->is_sealed = false;
	e->out_len = 0;
	e->src_len = 0;
}

/** sip_edits_add() - Return: 0, or -E2BIG: too many edits. */
int sip_edits_add(struct sip_edits *e, size_t off, size_t del, struct slice text);

/** sip_edits_seal() - sort, check against a source of @src_len bytes, compute out_len.
 * Return: 0; -EINVAL overlap or out of bounds; -E2BIG result over @max bytes. */
int sip_edits_seal(struct sip_edits *e, size_t src_len, size_t max);

/** sip_edits_emit() - write the result; needs sealed edits and @cap >= out_len.
 * Return: out_len, or -ENOSPC. */
ssize_t sip_edits_emit(const struct sip_edits *e, struct slice src, char *dst, size_t cap);

#endif
