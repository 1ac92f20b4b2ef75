/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * socket - opening AF_XDP and raw sockets (the daemon's half; needs CAP_NET_ADMIN and CAP_NET_RAW).
 *
 * Raw set-up instead of libxdp: descriptors cross processes, and libxdp cannot retry EBUSY
 * (a queue stays busy for 10-19 ms after its last owner closed it).
 */
#ifndef SIPSEAL_XSK_SOCKET_H
#define SIPSEAL_XSK_SOCKET_H

#include <stdint.h>

#define XSK_FRAME_SIZE 4096

struct xsk_socket_cfg {
	unsigned ifindex, queue;
	int umem_owner_fd;      /* -1: this socket registers the UMEM; else the one that did */
	void *umem;             /* mapping of the memfd; only for the owner */
	uint64_t umem_len;
	uint32_t fill_size, comp_size, rx_size, tx_size; /* powers of two */
};

/** xsk_socket_open() - create, size rings, bind (copy mode; EBUSY is retried for up to 200 ms).
 * Return: descriptor, or negative errno (-ENOBUFS: RLIMIT_MEMLOCK without CAP_IPC_LOCK). */
int xsk_socket_open(const struct xsk_socket_cfg *cfg);

/** xsk_umem_create() - sealed-size memfd of @len bytes.  Return: descriptor, or negative errno. */
int xsk_umem_create(uint64_t len);

/** raw_socket_open() - raw IP socket that takes whole packets (IP_HDRINCL / IPV6_HDRINCL); they carry the
 * mark SIPSEAL_MARK_RAW (needs CAP_NET_ADMIN).
 * Return: descriptor, or negative errno. */
int raw_socket_open(int family);

#endif
