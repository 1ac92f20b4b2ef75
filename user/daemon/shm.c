/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/shm.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"

int shm_memfd(const char *name, uint64_t len, int seals, void **ret_map)
{
	CLEANUP(closep) int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *map;

	if (fd < 0 || ftruncate(fd, (off_t)len) < 0)
		return -errno;
	map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	seals |= F_SEAL_SHRINK | F_SEAL_GROW;
	seals = seals & SHM_SEAL_LATER ? seals & ~SHM_SEAL_LATER : seals | F_SEAL_SEAL;
	if (fcntl(fd, F_ADD_SEALS, seals) < 0) {
		int r = -errno;

		munmap(map, len);
		return r;
	}
	*ret_map = map;
	return TAKE_FD(fd);
}

int shm_seal(int fd, int seals)
{
	return fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | seals) < 0 ? -errno : 0;
}

int policy_shm_new(uint64_t copy_size, struct policy_shm *ret)
{
	uint64_t len = 4096 + 2 * copy_size; /* the header has a page of its own */
	void *map;
	int fd = shm_memfd("sipseal-policy", len, F_SEAL_FUTURE_WRITE, &map);

	if (fd < 0)
		return fd;
	*ret = (struct policy_shm){ .fd = fd, .region = map, .len = len };
	return 0;
}

void policy_shm_done(struct policy_shm *s)
{
	if (!s->region)
		return;
	munmap(s->region, s->len);
	close(s->fd);
	*s = (struct policy_shm){ .fd = -1 };
}
