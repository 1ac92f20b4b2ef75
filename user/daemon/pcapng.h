/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcapng - blocks of a pcapng file or stream (draft-ietf-opsawg-pcapng), into the caller's memory.
 *
 *     section, then interfaces (numbered from 0 as they come, each before its first packet), packets, statistics
 *     (any time; the last ones count)
 *
 * Times are nanoseconds since 1970, bytes in the order of this machine.  Texts are cut at PCAPNG_TEXT_MAX and
 * escaped: a backslash is \\, a byte outside 20-7e is \xHH, as in events.
 * Every function returns the length of its block, or -ENOSPC where it is more than @cap: then @dst is void.
 * Memory: none is allocated.  Threads: no state, any thread.
 */
#ifndef SIPSEAL_DAEMON_PCAPNG_H
#define SIPSEAL_DAEMON_PCAPNG_H

#include <stdint.h>
#include <sys/types.h>

#include "base/slice.h"

#define PCAPNG_TEXT_MAX 1000     /* bytes as they are shown */
#define PCAPNG_LINK_ETHERNET 1
#define PCAPNG_LINK_RAW      101 /* starts with the IP header, of either version */

/** pcapng_section() - @application: who writes. */
ssize_t pcapng_section(struct slice application, char *dst, size_t cap);

/** pcapng_interface() - @link: PCAPNG_LINK_*; @description: may be empty. */
ssize_t pcapng_interface(uint16_t link, struct slice name, struct slice description, char *dst, size_t cap);

enum pcapng_direction { PCAPNG_UNKNOWN, PCAPNG_IN, PCAPNG_OUT }; /* values of epb_flags */

struct pcapng_packet {
	uint32_t interface;
	enum pcapng_direction direction;
	uint64_t time_ns;
	uint64_t id;                 /* the same for packets that belong together */
	struct slice head, data;     /* the packet is both, one after the other */
	struct slice comment;        /* empty: none */
};

/** pcapng_packet() - -ENOSPC also where a packet is larger than 256 KiB. */
ssize_t pcapng_packet(const struct pcapng_packet *p, char *dst, size_t cap);

struct pcapng_stats {
	uint32_t interface;
	uint64_t time_ns;            /* now */
	uint64_t start_ns;           /* of the capture */
	uint64_t received;           /* packets, the lost ones as well */
	uint64_t lost;
};

ssize_t pcapng_stats(const struct pcapng_stats *s, char *dst, size_t cap);

#endif
