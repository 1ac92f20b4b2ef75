/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * live - the trunks and certificates of the generation that runs: what there is, by name and by slot.
 *
 * Changed by generation_change() only; everybody else reads.  A slot keeps its trunk's counters, limiter and
 * name for a minute after the trunk has gone, so that nothing that is still on its way is taken for
 * another's (the replay cache remembers for 32 s).
 */
#ifndef SIPSEAL_DAEMON_LIVE_H
#define SIPSEAL_DAEMON_LIVE_H

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "config/assemble.h"
#include "trunk/image.h"
#include "trunk/matchset.h"

/* Line of the gateway's own certificates, whatever they are: when they change, no trunk does. */
#define LIVE_LINE_GATEWAY 0

struct credential_change;

/* One configured set of cert_path, key_path and x5u; all trunks that give the same share it.  The gateway's own
 * is one by itself, even where a trunk gives the same paths. */
struct live_credential {
	char *id;                        /* key of hh */
	struct cert_config config;       /* own strings; no position */
	bool is_gateway;                 /* for the trunks that give none */
	uint32_t index;                  /* line in the policy; stable as long as it is used */
	uint32_t key;                    /* in the signer; a new one with each reload */
	uint32_t users;                  /* trunks; the gateway's own counts one more */
	struct assembled_credential now; /* what is signed with */
	int64_t loaded_at;               /* CLOCK_REALTIME seconds */
	bool is_refused;                 /* a restarted signer did not take the key: its trunks do not sign */
	uint8_t expiry_said;             /* expiry.h: enum expiry that was logged last */
	struct credential_change *change; /* while generation_change() runs */
	UT_hash_handle hh;
};

struct live_trunk {
	char name[TRUNK_NAME_MAX + 1];   /* key of hh */
	struct trunk *trunk;
	uint32_t slot;
	struct live_credential *credential; /* NULL: attestation none, or no certificates configured */
	uint32_t change_seq;             /* while generation_change() runs: it is part of that generation */
	UT_hash_handle hh;               /* by name */
};

struct live;

const struct live_trunk *live_find(const struct live *l, const char *name);
size_t live_cnt(const struct live *l);

/** live_first(), live_next() - all trunks, sorted by name. */
const struct live_trunk *live_first(const struct live *l);
const struct live_trunk *live_next(const struct live_trunk *t);

/** live_slot() - the trunk in a slot now, or NULL. */
const struct live_trunk *live_slot(const struct live *l, uint32_t slot);

/** live_slot_name() - name of the trunk that is or was in a slot; NULL: nobody yet. */
const char *live_slot_name(const struct live *l, uint32_t slot);

/** live_slots() - all slots in use are below. */
uint32_t live_slots(const struct live *l);

const struct live_credential *live_credential_first(const struct live *l);
const struct live_credential *live_credential_next(const struct live_credential *c);
size_t live_credential_cnt(const struct live *l);

/** live_gateway_credential() - the gateway's own, or NULL. */
const struct live_credential *live_gateway_credential(const struct live *l);

/** live_key_x5u() - the x5u that goes with a key, also for a minute after the key has gone; NULL: unknown. */
const char *live_key_x5u(const struct live *l, uint32_t key);

#endif
