/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * random - random bytes for ids (origid, boundaries, Content-IDs), drawn from OpenSSL 4 KiB at a time
 * so that a call costs a copy.  Not for nonces of signatures: OpenSSL draws those itself.
 * Threads: one pool per thread.
 */
#ifndef SIPSEAL_SIGNER_RANDOM_H
#define SIPSEAL_SIGNER_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#define RANDOM_POOL 4096

struct random_pool {
	size_t left;              /* unused bytes at the end of buf */
	uint8_t buf[RANDOM_POOL];
};

/** random_take() - an engine_env.random; @ctx is a struct random_pool. */
void random_take(void *ctx, void *dst, size_t len);

#endif
