/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blocks - a pcapng stream of the daemon, cut into whole blocks and counted as it passes.
 *
 * The bytes stay as they are.  The packets of an INVITE follow one another and share their id (epb_packetid); lost
 * INVITEs are the drops of the last statistics of each interface.
 * Memory: up to one block that is not whole yet.
 */
#ifndef SIPSEAL_CLI_BLOCKS_H
#define SIPSEAL_CLI_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLOCKS_LEN_MAX (1u << 20)    /* of a block; packets have 256 KiB at most */
#define BLOCKS_INTERFACES_MAX 64     /* of those whose drops are added */

struct blocks {
	char *buf;                   /* blocks_done() */
	size_t len, cap;             /* of what is in there */
	uint64_t invites, packets;
	uint64_t dropped[BLOCKS_INTERFACES_MAX];
	uint64_t last_id;            /* of the last packet, and: */
	bool was_in, has_section;
};

/** blocks_add() - Return: bytes of whole blocks, which stand at the start of buf until blocks_take() (0: none is whole
 * yet); -EBADMSG: this is no pcapng, -ENOMEM. */
int blocks_add(struct blocks *b, const char *data, size_t len);

/** blocks_take() - those @len bytes have been used. */
void blocks_take(struct blocks *b, size_t len);

/** blocks_lost() - INVITEs that are missing. */
uint64_t blocks_lost(const struct blocks *b);

void blocks_done(struct blocks *b);

#endif
