/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * udp_header - IP and UDP headers for a payload of which only the addresses are known, so that a capture can show
 * it.  Whole checksums; TTL 64, no options, never a fragment.
 */
#ifndef SIPSEAL_DAEMON_UDP_HEADER_H
#define SIPSEAL_DAEMON_UDP_HEADER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/slice.h"

#define UDP_HEADER_MAX 48

struct udp_flow {
	bool is_v6;
	uint8_t src[16], dst[16]; /* IPv4 as ::ffff:a.b.c.d */
	uint16_t src_port, dst_port;
};

/** udp_header_put() - Return: length of both headers (28 or 48); -E2BIG: no such packet can be, @dst is untouched. */
ssize_t udp_header_put(const struct udp_flow *f, struct slice payload, uint8_t dst[UDP_HEADER_MAX]);

#endif
