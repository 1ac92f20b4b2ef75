/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * matchset - the match tables of bpf/abi.h as they should be, changed trunk by trunk.
 *
 * Adding or removing a trunk touches the keys of its own peers only, whatever number of trunks there are
 * (except where an address changes between being named in one way and in several: then all trunks of that
 * address).  For each of the two copies of the BPF tables a journal remembers which keys were
 * touched since that copy was written last; matchset_drain() tells what those keys should be now.
 * A group number that went is not given again before both copies have been drained.
 *
 * Rules of the groups: see match_tables_compile(); where trunks may overlap (port 0 of an address that is named
 * in several ways) the lowest slot stands.  Pure memory, no I/O.  Threads: one.
 *
 *     matchset.c     trunks, the addresses that they name, what is refused
 *     matchlayout.c  the groups of an address
 *     matchrows.c    keys, values, journals
 */
#ifndef SIPSEAL_TRUNK_MATCHSET_H
#define SIPSEAL_TRUNK_MATCHSET_H

#include "abi.h"
#include "base/cleanup.h"
#include "trunk/model.h"

struct matchset;

/** matchset_new() - @sip_ports: what a peer without a port stands for, host order.
 * Return: 0; -ENOMEM; -E2BIG more than SIPSEAL_SIP_PORTS_MAX. */
int matchset_new(const uint16_t *sip_ports, unsigned sip_port_cnt, struct matchset **ret);
void matchset_free(struct matchset *ms);
DEFINE_FREEP(struct matchset *, matchset_free)

/**
 * matchset_add() - all peers of @t, for @slot (which has none yet).  @t is not kept.
 * Return: 0; -EEXIST: another trunk claims the same carrier peer and core prefix (*reterr_slot);
 * -E2BIG: @slot is not below SIPSEAL_TRUNKS_MAX, or more core prefixes than memory should hold; -ENOMEM.
 * On failure nothing has changed (after -ENOMEM some groups may have got another number: a drain tells).
 */
int matchset_add(struct matchset *ms, uint32_t slot, const struct trunk *t, uint32_t *reterr_slot);

/** matchset_remove() - undo matchset_add() of the same trunk.  Return: 0, or -ENOMEM (nothing changed);
 * today it needs no memory and cannot fail. */
int matchset_remove(struct matchset *ms, uint32_t slot, const struct trunk *t);

/* Where drained keys go; value NULL: the key has to go (it may not be there).  A negative return ends. */
struct matchset_sink {
	int (*peer)(void *ctx, const struct sipseal_peer_key *key, const uint32_t *group);
	int (*prefix)(void *ctx, const struct sipseal_prefix_key *key, const uint32_t *group);
	int (*core)(void *ctx, const struct sipseal_core_key *key, const struct sipseal_core_value *value);
	void *ctx;
};

/** matchset_drain() - every key touched since the last drain of @copy (0 or 1), each once; those that go first.
 * Return: 0: the journal is empty; else what the sink returned, and the journal is as before. */
int matchset_drain(struct matchset *ms, unsigned copy, const struct matchset_sink *sink);

/** matchset_replay() - forget the journal of @copy and take note of every key there is: for a table that has
 * been emptied.  Return: 0, or -ENOMEM. */
int matchset_replay(struct matchset *ms, unsigned copy);

/** matchset_ports() - bitmap of all ports that carrier peers name, SIPSEAL_PORT_WORDS words. */
const uint64_t *matchset_ports(const struct matchset *ms);

/* How many keys there are, to compare with what the maps can hold. */
struct matchset_size { size_t peers, prefixes, cores; };
struct matchset_size matchset_size(const struct matchset *ms);

/** matchset_serial() - another matchset has another one: a table that was written from one tells nothing of
 * what the other's journals leave out.  Never 0. */
uint64_t matchset_serial(const struct matchset *ms);

/** matchset_lookup() - the trunk slot as XDP would find it; see match_lookup(). */
int64_t matchset_lookup(const struct matchset *ms, const uint8_t carrier[16], uint16_t port,
			const uint8_t core[16]);

#endif
