/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * capturing_internal - what capturing.c (rings, who is asked for what) and capturing_read.c (a reader's queue) share.
 */
#ifndef SIPSEAL_DAEMON_CAPTURING_INTERNAL_H
#define SIPSEAL_DAEMON_CAPTURING_INTERNAL_H

#include "base/cleanup.h"
#include "daemon/capture_file.h"
#include "daemon/capturing.h"
#include "trunk/model.h"

struct capturing_reader {
	struct capturing *all;
	void (*wake)(void *ctx);
	void *ctx;
	bool is_filtered;
	char trunk[TRUNK_NAME_MAX + 1];
	uint64_t count_left;             /* UINT64_MAX: no end */
	uint64_t end_ns, stats_ns;       /* CLOCK_MONOTONIC: the end; when statistics are due */
	bool is_ended;                   /* nothing is added any more */
	bool is_told;                    /* statistics say all that there is */
	uint64_t lost[CAPTURE_NICS];     /* INVITEs, since the start */
	struct capture_file file;
	size_t head, tail;               /* of the bytes that wait */
	char queue[CAPTURING_QUEUE];
};

/** capturing_reader_new() - Return: NULL without memory. */
struct capturing_reader *capturing_reader_new(const struct capturing_ask *ask,
					      const struct capture_nic nics[SIPSEAL_PORTS_MAX], uint64_t now_ns);

/** capturing_reader_add() - an INVITE for it.  Return: false: it does not fit and is counted as lost. */
bool capturing_reader_add(struct capturing_reader *r, const struct capture_copy *c, unsigned worker, const char *trunk);

/** capturing_reader_lost() - the worker lost @cnt that came by @nic. */
void capturing_reader_lost(struct capturing_reader *r, unsigned nic, uint64_t cnt);

/** capturing_reader_turn() - statistics if they are due, the end if it is time. */
void capturing_reader_turn(struct capturing_reader *r, uint64_t now_ns);

/** capturing_reader_end() - statistics, and nothing more. */
void capturing_reader_end(struct capturing_reader *r);

#endif
