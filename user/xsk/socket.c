/* SPDX-License-Identifier: BSD-2-Clause */
#include "xsk/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_xdp.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "abi.h"
#include "base/cleanup.h"

/* Missing in the headers of Debian 12 (6.1). */
#ifndef XDP_MAX_TX_SKB_BUDGET
#define XDP_MAX_TX_SKB_BUDGET 9
#endif

/* A queue is released by deferred work 10-19 ms after its last owner closed it; ten times that. */
#define BIND_TRIES    200
#define BIND_SLEEP_US 1000

/* Frames one sendto() may send where the kernel lets us say so (6.17); 32 without it.  The kernel
 * takes 32..tx ring size. */
#define TX_BUDGET 512

/* What a socket's frames may hold in the kernel until the NIC has sent them.  The default of 208 KiB is
 * about 90 frames, less than a batch with fragments. */
#define SEND_BUFFER (4 << 20)

static int umem_register(int fd, const struct xsk_socket_cfg *cfg)
{
	struct xdp_umem_reg reg = {
		.addr = (uintptr_t)cfg->umem,
		.len = cfg->umem_len,
		.chunk_size = XSK_FRAME_SIZE,
		.headroom = 0,
	};

	return setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &reg, sizeof(reg)) < 0 ? -errno : 0;
}

static int rings_size(int fd, const struct xsk_socket_cfg *cfg)
{
	const struct { int opt; uint32_t entries; } rings[] = {
		{ XDP_UMEM_FILL_RING, cfg->fill_size },
		{ XDP_UMEM_COMPLETION_RING, cfg->comp_size },
		{ XDP_RX_RING, cfg->rx_size },
		{ XDP_TX_RING, cfg->tx_size },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rings); i++) {
		if (!rings[i].entries)
			continue;
		if (setsockopt(fd, SOL_XDP, rings[i].opt, &rings[i].entries, sizeof(uint32_t)) < 0)
			return -errno;
	}
	return 0;
}

/* Comfort only: a kernel that refuses these is served by more sendto() calls. */
static void tx_tune(int fd, uint32_t tx_size)
{
	uint32_t budget = tx_size < TX_BUDGET ? tx_size : TX_BUDGET;
	int buf = SEND_BUFFER;

	if (!tx_size)
		return;
	(void)!setsockopt(fd, SOL_XDP, XDP_MAX_TX_SKB_BUDGET, &budget, sizeof(budget));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buf, sizeof(buf)) < 0)
		(void)!setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buf, sizeof(buf));
}

static int queue_bind(int fd, const struct xsk_socket_cfg *cfg)
{
	struct sockaddr_xdp sa = {
		.sxdp_family = AF_XDP,
		.sxdp_ifindex = cfg->ifindex,
		.sxdp_queue_id = cfg->queue,
	};

	if (cfg->umem_owner_fd < 0) {
		sa.sxdp_flags = XDP_COPY | XDP_USE_NEED_WAKEUP;
	} else {
		sa.sxdp_flags = XDP_SHARED_UMEM; /* takes no other flag: they are the owner's */
		sa.sxdp_shared_umem_fd = (uint32_t)cfg->umem_owner_fd;
	}
	for (int i = 0; i < BIND_TRIES; i++) {
		if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
			return 0;
		if (errno != EBUSY)
			return -errno;
		usleep(BIND_SLEEP_US);
	}
	return -EBUSY;
}

int xsk_socket_open(const struct xsk_socket_cfg *cfg)
{
	CLEANUP(closep) int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return -errno;
	if (cfg->umem_owner_fd < 0 && (r = umem_register(fd, cfg)) < 0)
		return r;
	if ((r = rings_size(fd, cfg)) < 0 || (r = queue_bind(fd, cfg)) < 0)
		return r;
	tx_tune(fd, cfg->tx_size);
	return TAKE_FD(fd);
}

int xsk_umem_create(uint64_t len)
{
	CLEANUP(closep) int fd = memfd_create("sipseal-umem", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)len) < 0)
		return -errno;
	/* a mapping that cannot shrink cannot raise SIGBUS */
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	return TAKE_FD(fd);
}

int raw_socket_open(int family)
{
	const int mark = SIPSEAL_MARK_RAW;
	CLEANUP(closep) int fd = -1;
	int on = 1, r;

	if (family != AF_INET && family != AF_INET6)
		return -EAFNOSUPPORT;
	/* IPPROTO_RAW: sends anything, receives nothing */
	fd = socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);
	/* in mode host the tc program lets it pass: what left once does not come back */
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0)
		return -errno;
	if (family == AF_INET)
		r = setsockopt(fd, IPPROTO_IP, IP_HDRINCL, &on, sizeof(on));
	else
		r = setsockopt(fd, IPPROTO_IPV6, IPV6_HDRINCL, &on, sizeof(on));
	return r < 0 ? -errno : TAKE_FD(fd);
}
