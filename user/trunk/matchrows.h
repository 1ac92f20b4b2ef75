/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * matchrows - the keys of the match tables with their values, and for each copy of the tables a journal of
 * what was touched since it was written last.  matchset.c decides what stands in them.
 *
 *     made (not there) -- set --> there -- drop --> not there, in the journals -- drained twice --> freed
 *
 * A journal is a list through the rows themselves: taking note of a change needs no memory.
 */
#ifndef SIPSEAL_TRUNK_MATCHROWS_H
#define SIPSEAL_TRUNK_MATCHROWS_H

#include <stdbool.h>

/* The caller of HASH_ADD looks at hh.tbl: NULL when there was no memory. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "trunk/matchset.h"

#define MATCHROWS_KEY_BITS 32  /* of port and padding, or of the group, before the address in an LPM key */
#define MATCHROWS_LEN_MAX  (MATCHROWS_KEY_BITS + 128)
#define MATCHROWS_COPIES   2

enum matchrows_table { MATCHROWS_PEERS, MATCHROWS_PREFIXES, MATCHROWS_CORES, MATCHROWS_TABLES };

union matchrow_key {
	struct sipseal_peer_key peer;
	struct sipseal_prefix_key prefix;
	struct sipseal_core_key core;
};

union matchrow_value {
	uint32_t group;
	struct sipseal_core_value core;
};

/* A trunk that would have a core prefix if the one that has it went. */
struct matchrow_heir {
	struct sipseal_core_value value;
	uint32_t refs;
	struct matchrow_heir *next;
};

struct matchrow {
	union matchrow_key key;
	union matchrow_value value;
	uint32_t refs;               /* how often the trunk of value.core brings it; matchset.c counts */
	uint8_t table;
	uint8_t queued;              /* journals it is in, one bit each */
	bool is_there;
	struct matchrow_heir *heirs; /* matchset.c */
	struct matchrow *next[MATCHROWS_COPIES];
	UT_hash_handle hh;
};

struct matchrows {
	struct matchrow *rows[MATCHROWS_TABLES];
	struct matchrow *journal[MATCHROWS_COPIES];
	size_t cnt[MATCHROWS_TABLES];                              /* rows that are there */
	uint32_t lens[MATCHROWS_TABLES][MATCHROWS_LEN_MAX + 1];    /* of them, by prefixlen */
	uint32_t port_users[1 << 16];
	uint64_t ports[SIPSEAL_PORT_WORDS];
};

/** matchrows_find() - Return: the row, there or not; NULL. */
struct matchrow *matchrows_find(const struct matchrows *rows, enum matchrows_table table,
				const union matchrow_key *key);

/** matchrows_get() - the row, made if need be.  Return: NULL without memory. */
struct matchrow *matchrows_get(struct matchrows *rows, enum matchrows_table table,
			       const union matchrow_key *key);

/** matchrows_set() - give it a value; noted in both journals if that changes anything. */
void matchrows_set(struct matchrows *rows, struct matchrow *row, union matchrow_value value);

/** matchrows_drop() - the key has to go; @row may be gone after it. */
void matchrows_drop(struct matchrows *rows, struct matchrow *row);

int matchrows_drain(struct matchrows *rows, unsigned copy, const struct matchset_sink *sink);
void matchrows_replay(struct matchrows *rows, unsigned copy);

/** matchrows_lookup() - as XDP looks up.  Return: value of the longest match, or NULL. */
const union matchrow_value *matchrows_carrier(const struct matchrows *rows, const uint8_t addr[16], uint16_t port);
const union matchrow_value *matchrows_core(const struct matchrows *rows, uint32_t group, const uint8_t addr[16]);

/** matchrows_done() - free all rows. */
void matchrows_done(struct matchrows *rows);

#endif
