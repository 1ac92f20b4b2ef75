/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * live_internal - what generation*.c writes and everybody else reads by live.h.
 *
 * Trunks and credentials that a change in progress makes are in the tables already (so that the
 * change finds them by name); they are taken out again where it fails.
 */
#ifndef SIPSEAL_DAEMON_LIVE_INTERNAL_H
#define SIPSEAL_DAEMON_LIVE_INTERNAL_H

#include "base/cleanup.h"
#include "daemon/live.h"
#include "daemon/rest.h"
#include "stir/credential.h"

struct live_slot {
	struct live_trunk *trunk; /* NULL: free, or at rest */
	char *name;		  /* of who was there last, while it rests */
};

struct live {
	struct live_trunk *trunks; /* hash by name */
	bool is_sorted;
	struct live_slot *slots; /* [SIPSEAL_TRUNKS_MAX] */
	struct rest slot_rest;

	struct live_credential *credentials; /* hash by id */
	struct live_credential *gateway;     /* one of them, or NULL */
	struct rest line_rest, key_rest;
	char **key_x5u; /* [CREDENTIAL_KEYS_MAX] */

	/* Keys that no policy names any more, once the former generation is settled: to be dropped.
	 */
	uint32_t *retired; /* [CREDENTIAL_KEYS_MAX] */
	size_t retired_cnt;
};

/** live_new() - Return: 0, -ENOMEM. */
int live_new(struct live **ret);
void live_free(struct live *l);
DEFINE_FREEP(struct live *, live_free)

/** live_trunk_find() - live_find() for who may write. */
struct live_trunk *live_trunk_find(struct live *l, const char *name);

/** live_trunk_new() - in the table, its slot taken; trunk NULL as yet.
 * Return: 0; -ENOSPC no slot is free; -ENOMEM. */
int live_trunk_new(struct live *l, const char *name, uint64_t now_ns, uint32_t generation,
		   struct live_trunk **ret);

/** live_trunk_undo() - of live_trunk_new(): it never was. */
void live_trunk_undo(struct live *l, struct live_trunk *t);

/** live_trunk_drop() - it goes; slot and name rest.  Frees @t and its trunk. */
void live_trunk_drop(struct live *l, struct live_trunk *t, uint64_t now_ns, uint32_t generation);

/** live_credential_id() - key of the table; malloc'd, NULL without memory. */
char *live_credential_id(const struct cert_config *c, bool is_gateway);

struct live_credential *live_credential_find(struct live *l, const char *id);

/** live_credential_new() - in the table, its line taken, without certificate.
 * Return: 0; -ENOSPC too many; -ENOMEM. */
int live_credential_new(struct live *l, const struct cert_config *c, bool is_gateway,
			uint64_t now_ns, uint32_t generation, struct live_credential **ret);
void live_credential_undo(struct live *l, struct live_credential *c);

/** live_credential_drop() - it goes; its line rests.  Its key is the caller's to retire. */
void live_credential_drop(struct live *l, struct live_credential *c, uint64_t now_ns,
			  uint32_t generation);

/** live_key_name() - from here on the key goes with @x5u. */
void live_key_name(struct live *l, uint32_t key, const char *x5u);

/** live_key_retire() - to be dropped at the signer after settling. */
void live_key_retire(struct live *l, uint32_t key);

#endif
