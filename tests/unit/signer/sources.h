/* SPDX-License-Identifier: BSD-2-Clause */
/* sources - memfds as the daemon hands them to a signer for a new fetcher. */
#ifndef SIPSEAL_TEST_SOURCES_H
#define SIPSEAL_TEST_SOURCES_H

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "stir/verdict.h"

static inline int source_file(uint64_t len, int seals)
{
	int fd = memfd_create("source", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, (off_t)len) < 0 || fcntl(fd, F_ADD_SEALS, seals) < 0)
		return -1;
	return fd;
}

/* A region that a fetcher has formatted; with *ret_writer it goes on writing, else it does not. */
static inline int source_region(struct verdict_writer **ret_writer)
{
	int fd = source_file(verdict_region_size(), F_SEAL_SHRINK | F_SEAL_GROW);
	struct verdict_writer *w = NULL;
	void *p = mmap(NULL, verdict_region_size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED || verdict_writer_new(p, &w) < 0)
		return -1;
	if (ret_writer) {
		*ret_writer = w;
		return fd;
	}
	verdict_writer_free(w);
	munmap(p, verdict_region_size());
	return fd;
}

static inline int source_wants(unsigned workers)
{
	return source_file(workers * sizeof(struct verdict_wants), F_SEAL_SHRINK | F_SEAL_GROW);
}

#endif
