/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * matchlayout - which keys of a carrier address lead to which group; inside of matchset.
 *
 *     member (trunk) -- claim (one carrier peer) --> address --> layout --> groups --> rows of the tables
 *
 * All trunks name the address in the same way: one group behind all keys.  Else the layout is mixed: a group per
 * port, and one for port 0, where trunks may overlap: the lowest slot has the core prefix, the others are
 * its heirs.  A claim *joins* the groups of a layout and *leaves* them.  Leaving needs no memory, so that
 * whatever fails half-way can be undone.
 */
#ifndef SIPSEAL_TRUNK_MATCHLAYOUT_H
#define SIPSEAL_TRUNK_MATCHLAYOUT_H

#include "trunk/matchrows.h"

#define MATCHLAYOUT_KEYS_MAX (SIPSEAL_SIP_PORTS_MAX + 1) /* ports of one claim, port 0 with them */

struct group_key {
	struct layout *layout;
	uintptr_t port;
};

struct group {
	struct group_key key;
	uint32_t number;
	uint32_t users;          /* claims that joined */
	uint32_t named;          /* claims that name this very port; mixed layouts only */
	uint8_t rests;           /* copies that may still know the number of a group that went, one bit each */
	bool is_shown;           /* its carrier keys are set */
	struct group *next;      /* of those that rest or are free */
	UT_hash_handle hh;
};

/* An address or prefix; no padding, for it is a hash key. */
struct address_key {
	uint8_t addr[16];
	uint8_t bits;
};

struct layout {
	const struct address_key *address;
	uint16_t port;           /* what all claims say; not of a mixed one */
	bool is_mixed;
	bool is_live;            /* carrier keys follow its groups; else they are prepared only */
	uint32_t named;          /* different ports that claims name; mixed layouts only */
};

struct claim {
	struct address *address;
	const struct member *member;
	uint16_t port;
	struct claim *prev, *next;
};

struct member {
	struct sipseal_core_value value;
	UT_hash_handle hh;       /* by value.slot */
	struct address_key *cores;
	size_t core_cnt, claim_cnt;
	struct claim claims[];
};

struct matchset {
	uint16_t sip_ports[SIPSEAL_SIP_PORTS_MAX];
	unsigned sip_port_cnt;
	uint64_t serial;
	struct member *members;
	struct address *addresses;
	struct group *groups;
	struct group *resting, *free;
	uint32_t next_number;
	struct matchrows rows;
};

/** matchlayout_targets() - the ports that a peer with @port stands for, without port 0.  Return: how many. */
unsigned matchlayout_targets(const struct matchset *ms, uint16_t port, uint16_t ret[MATCHLAYOUT_KEYS_MAX]);

/** matchlayout_new() - without claims, not live.  The caller frees it when its last claim has left. */
struct layout *matchlayout_new(const struct address_key *a, uint16_t port, bool is_mixed);

/** matchlayout_join() - Return: 0; -ENOMEM: nothing has changed. */
int matchlayout_join(struct matchset *ms, struct layout *l, const struct claim *c);
void matchlayout_leave(struct matchset *ms, struct layout *l, const struct claim *c);

/** matchlayout_go_live() - let the carrier keys lead to the groups that @claims, all of them, have joined. */
void matchlayout_go_live(struct matchset *ms, struct layout *l, const struct claim *claims);

/** matchlayout_group() - the group behind port @port of a layout, or NULL.  In a uniform one: port 0. */
struct group *matchlayout_group(const struct matchset *ms, struct layout *l, uint16_t port);
union matchrow_key matchlayout_core_key(const struct group *g, const struct address_key *core);

#endif
