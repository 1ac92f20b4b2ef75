/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/sockets.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "xsk/socket.h"

/* 1024 entries are 16 KiB per ring and 64 full batches; more only holds INVITEs that come too
 * late. */
#define RING_SIZE_MAX 1024u
#define FILL_SIZE_MAX 2048u
#define FILL_SIZE_MIN 16u

static unsigned sockets_of(const struct sockets_plan *plan, unsigned worker)
{
	unsigned cnt = 0;

	for (unsigned p = 0; p < plan->nic_cnt; p++)
		for (unsigned q = worker; q < plan->nics[p].queues; q += plan->workers)
			cnt++;
	return cnt;
}

uint32_t sockets_fill_size(const struct sockets_plan *plan, unsigned worker)
{
	unsigned cnt = sockets_of(plan, worker);
	uint32_t share = cnt ? plan->frames / 2 / cnt : 0, size = FILL_SIZE_MIN;

	if (share < FILL_SIZE_MIN)
		return 0;
	while (size * 2 <= share && size < FILL_SIZE_MAX)
		size *= 2;
	return size;
}

uint32_t sockets_ring_size(const struct sockets_plan *plan)
{
	return plan->frames < RING_SIZE_MAX ? plan->frames : RING_SIZE_MAX;
}

static const char *remedy(int error)
{
	switch (error) {
	case -ENOBUFS:
		return " (locked memory: give CAP_IPC_LOCK, raise LimitMEMLOCK or lower "
		       "gateway.umem_frames)";
	case -EBUSY:
		return " (another program has an AF_XDP socket on this queue)";
	case -EPERM:
		return " (needs CAP_NET_RAW)";
	case -EAFNOSUPPORT:
		return " (the kernel has no CONFIG_XDP_SOCKETS)";
	default:
		return "";
	}
}

static int worker_open(struct sockets *s, unsigned worker, void *umem, char *reterr)
{
	const struct sockets_plan *plan = s->plan;
	struct xsk_socket_cfg cfg = {
		.umem_owner_fd = -1,
		.umem = umem,
		.umem_len = (uint64_t)plan->frames * XSK_FRAME_SIZE,
		.fill_size = sockets_fill_size(plan, worker),
		.comp_size = sockets_ring_size(plan),
		.rx_size = sockets_ring_size(plan),
	};

	for (unsigned p = 0; p < plan->nic_cnt; p++) {
		for (unsigned q = worker; q < plan->nics[p].queues; q += plan->workers) {
			cfg.ifindex = plan->nics[p].ifindex;
			cfg.queue = q;
			cfg.tx_size = plan->rx_only >> p & 1 ? 0 : sockets_ring_size(plan);
			s->fd[p][q] = xsk_socket_open(&cfg);
			if (s->fd[p][q] < 0) {
				snprintf(reterr, SOCKETS_ERR_LEN,
					 "AF_XDP socket on %s queue %u: %s%s", plan->nics[p].name,
					 q, strerror(-s->fd[p][q]), remedy(s->fd[p][q]));
				return s->fd[p][q];
			}
			if (cfg.umem_owner_fd < 0)
				cfg.umem_owner_fd = s->fd[p][q];
		}
	}
	return 0;
}

/* The mapping is needed only while the UMEM is registered: the kernel holds the pages. */
static int worker_umem_open(struct sockets *s, unsigned worker, char *reterr)
{
	uint64_t len = (uint64_t)s->plan->frames * XSK_FRAME_SIZE;
	int fd = xsk_umem_create(len), r;
	void *map;

	if (fd < 0) {
		snprintf(reterr, SOCKETS_ERR_LEN, "packet memory of worker %u: %s", worker,
			 strerror(-fd));
		return fd;
	}
	s->umem[worker] = fd;
	map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		r = -errno;
		snprintf(reterr, SOCKETS_ERR_LEN, "packet memory of worker %u: %s", worker,
			 strerror(-r));
		return r;
	}
	r = worker_open(s, worker, map, reterr);
	munmap(map, len);
	return r;
}

int sockets_open(const struct sockets_plan *plan, struct sockets *ret, char reterr[SOCKETS_ERR_LEN])
{
	CLEANUP(sockets_done) struct sockets s = { .plan = plan };
	int r;

	memset(s.umem, 0xff, sizeof(s.umem));
	memset(s.fd, 0xff, sizeof(s.fd));
	for (unsigned w = 0; w < plan->workers; w++) {
		if (!sockets_fill_size(plan, w)) {
			snprintf(reterr, SOCKETS_ERR_LEN,
				 "gateway.umem_frames %u is too small for %u queues: raise it or "
				 "use fewer queues "
				 "(ethtool -L)",
				 plan->frames, sockets_of(plan, w));
			return -ENOSPC;
		}
		if ((r = worker_umem_open(&s, w, reterr)) < 0)
			return r;
	}
	*ret = s;
	s.plan = NULL; /* given away */
	return 0;
}

void sockets_done(struct sockets *s)
{
	if (!s->plan)
		return;
	for (unsigned w = 0; w < SIPSEAL_WORKERS_MAX; w++)
		closep(&s->umem[w]);
	for (unsigned p = 0; p < SIPSEAL_PORTS_MAX; p++)
		for (unsigned q = 0; q < SIPSEAL_QUEUES_MAX; q++)
			closep(&s->fd[p][q]);
	s->plan = NULL;
}
