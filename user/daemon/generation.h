/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * generation - one change of what the gateway does, all of it or nothing (design: "a change is one generation").
 *
 *     check everything   trunks against each other, certificates, keys (the signer says)
 *     prepare            idle copies of policy and match tables
 *     persist            the caller's files: from here on a restart gives the new state
 *     flip               one word: the next INVITE is handled by the new generation
 *     settle             when no frame of the former generation is left, the other copies follow, keys that
 *                        nobody uses are wiped
 *
 * The grace period: RCU for XDP (membarrier), then each worker's `drained_ns`; a worker that does not run is
 * waited for until its frames are stale.  The cost is that of the trunks that change, not of those there are.
 */
#ifndef SIPSEAL_DAEMON_GENERATION_H
#define SIPSEAL_DAEMON_GENERATION_H

#include "daemon/fault.h"
#include "daemon/live.h"

struct sipseald;

struct generation_change {
	struct trunk **put;          /* new trunks, or replacements of those of the same name */
	size_t put_cnt;
	const char *const *drop;     /* names */
	size_t drop_cnt;
	struct config *config;       /* new main file: gateway settings, defaults, certificates; NULL: as it is */
	bool want_certificates;      /* read certificates and keys again: all, */
	const char *only_trunk;      /* ... or this trunk's; NULL: all */
	int regulatory;              /* -1 as it is, 0, 1 */
	int (*persist)(void *ctx, struct fault *f); /* NULL: nothing; negative: the change is given up */
	void *ctx;
};

/**
 * generation_change() - live when it returns.
 * On success the trunks in @put and @config belong to the daemon; on failure to the caller, and nothing has
 * changed.
 * @ret_generation: the generation that is live now; may be NULL
 * Return: 0 (f->report may have warnings); -EINVAL: *f says why.
 */
int generation_change(struct sipseald *d, const struct generation_change *c, struct fault *f,
		      uint32_t *ret_generation);

/** generation_start() - the first one of a daemon, from d->config; XDP is not told yet.
 * Return: 0, or -EINVAL (*f). */
int generation_start(struct sipseald *d, struct fault *f);

/** generation_publish() - give XDP the configuration of the active generation.  Return: 0, negative errno. */
int generation_publish(struct sipseald *d);

/** generation_turn() - settle if it can be done without waiting.
 * Return: ms until it wants to be called again, -1: nothing is left to do. */
int generation_turn(struct sipseald *d);

/** generation_keys_give() - all credentials to a new signer.  Return: 0; 1 refused (reterr); negative errno. */
int generation_keys_give(struct sipseald *d, bool is_first, char *reterr);

#endif
