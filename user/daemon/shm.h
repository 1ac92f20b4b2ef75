/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shm - the policy memfd: the daemon maps it writable once, then the seals leave everybody else
 * (the signer) only read-only mappings of a region that can neither grow nor shrink.
 */
#ifndef SIPSEAL_DAEMON_SHM_H
#define SIPSEAL_DAEMON_SHM_H

#include <stdint.h>

#include "trunk/policy.h"

struct policy_shm {
	int fd;
	struct policy_region *region;   /* NULL: none */
	uint64_t len;
};

/* Bytes of a copy.  100,000 trunks with a location of their own each take 400 MiB, 1,000,000 number ranges
 * 16 MiB; what is not used takes no memory.  The signer has it mapped: it cannot grow. */
#define POLICY_COPY_SIZE (1ull << 30)

/** policy_shm_new() - zeroed room for two standing copies of @copy_size bytes (a multiple of 4096), for
 * image_new(); sparse: only bytes that are written take memory.  Return: 0, or negative errno. */
int policy_shm_new(uint64_t copy_size, struct policy_shm *ret);
void policy_shm_done(struct policy_shm *s);

#define SHM_SEAL_LATER 0x40000000  /* among the seals of shm_memfd(): leave room for shm_seal() */

/** shm_memfd() - memfd of @len bytes, mapped writable, sealed against resizing and with @seals.
 * Return: descriptor (*ret_map is the mapping), or negative errno. */
int shm_memfd(const char *name, uint64_t len, int seals, void **ret_map);

/** shm_seal() - add @seals, and let nobody add any more.  Return: 0, or negative errno. */
int shm_seal(int fd, int seals);

#endif
