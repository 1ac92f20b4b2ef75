/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * compile - from the trunk model to the policy copy and to the match tables.
 *
 * Plain data in, plain data out: the daemon copies the match tables into BPF maps and the policy into the
 * memfd; explain and tests use both in memory.
 */
#ifndef SIPSEAL_TRUNK_COMPILE_H
#define SIPSEAL_TRUNK_COMPILE_H

#include "location/template.h"
#include "trunk/model.h"
#include "trunk/policy.h"

/* What others have prepared for a trunk. */
struct compile_trunk {
	const struct trunk *trunk;
	uint32_t slot;                        /* stable; slots of the input are distinct */
	uint32_t credential;                  /* index, or POLICY_CREDENTIAL_NONE */
	const struct pidf_template *location; /* NULL: none */
};

struct compile_credential {
	const char *x5u;                      /* {serial} replaced */
	int64_t not_before, not_after;
	bool is_usable;
	uint32_t key;                         /* policy_credential.key */
};

struct compile_input {
	const struct gateway *gateway;
	const struct compile_trunk *trunks;
	size_t trunk_cnt;
	const struct compile_credential *credentials;
	size_t credential_cnt;
	uint64_t generation;
};

/** policy_compile() - write one copy.
 * @dst, @cap: start of the copy (zeroed or an old copy), 8-byte aligned; dst NULL: only count the bytes
 * After a failure the copy holds no generation.
 * Return: bytes used; -ENOSPC; -ENOMEM; -EINVAL. */
ssize_t policy_compile(const struct compile_input *in, struct policy_copy *dst, size_t cap);

/* Match tables as arrays; see bpf/abi.h for their meaning. */
struct match_tables {
	struct { struct sipseal_peer_key key; uint32_t group; } *peers;
	size_t peer_cnt;
	struct { struct sipseal_prefix_key key; uint32_t group; } *prefixes;
	size_t prefix_cnt;
	struct { struct sipseal_core_key key; struct sipseal_core_value value; } *cores;
	size_t core_cnt;
};

/**
 * match_tables_compile() - groups of trunks by carrier peer.
 * Every (address, port) that a peer stands for gets the core prefixes of all trunks that name it; keys of
 * one address share a group where all its trunks name it in the same way.  The port-0 entry of an address
 * that is named with several ports only says that it is a trunk peer: where two trunks share a core prefix
 * there, the first of the input stands.
 * Return: 0; -ENOMEM; -E2BIG more entries than memory should hold; -EEXIST: two trunks claim the same
 * carrier peer and core prefix (their indexes in the input in *reterr_a and *reterr_b, a < b).
 */
int match_tables_compile(const struct compile_input *in, struct match_tables *ret,
			 size_t *reterr_a, size_t *reterr_b);
void match_tables_done(struct match_tables *t);

/** match_lookup() - the trunk slot as XDP would find it; carrier and core as 16-byte addresses, port in
 * host order (0: any, as for inbound).  Return: slot, -ENOENT no carrier peer, -EHOSTUNREACH peer
 * matches but no core prefix. */
int64_t match_lookup(const struct match_tables *t, const uint8_t carrier[16], uint16_t port,
		     const uint8_t core[16]);

#endif
