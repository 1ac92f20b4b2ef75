/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * generation_internal - a change on its way.
 *
 *     generation.c              the steps, and back
 *     generation_credentials.c  certificates and keys of the change
 *     generation_trunks.c       trunks of the change: names, match tables, policy
 *     generation_keys.c         keys to the signer, and away from it
 *     generation_settle.c       after the flip: grace, the other copies, retired keys
 *
 * Each step has an undo that may also be called when the step failed half-way or never began.
 */
#ifndef SIPSEAL_DAEMON_GENERATION_INTERNAL_H
#define SIPSEAL_DAEMON_GENERATION_INTERNAL_H

#include "daemon/daemon.h"
#include "daemon/live_internal.h"

/* One trunk of the change. */
struct trunk_change {
	struct live_trunk *t;
	struct trunk *trunk;		    /* as it will be; NULL: it goes */
	struct live_credential *credential; /* as it will be */
	bool is_new;			    /* t was made by this change */
	bool is_unmatched;		    /* the old one is out of the match tables */
	bool is_matched;		    /* the new one is in them */
};

enum key_state {
	KEY_NONE,
	KEY_TAKEN,  /* a number only */
	KEY_GIVEN,  /* the signer has it */
	KEY_UNSURE, /* the signer did not answer: it may have it */
};

/* One credential that the change touches. */
struct credential_change {
	struct live_credential *c;
	uint32_t users_before;
	bool is_new;	/* c was made by this change */
	bool want_load; /* certificates are read: `now` takes the place of c->now */
	const struct cert_config *config; /* what is read; with the position, for messages */
	bool is_judged;			  /* x5u-unchanged has been looked at */
	struct assembled_credential now;
	uint32_t key;
	enum key_state key_state;
	struct credential_change *next;
};

struct change {
	struct sipseald *d;
	const struct generation_change *want;
	struct fault *f;
	bool is_first;	     /* of the daemon: no signer yet */
	uint32_t generation; /* the coming one */
	uint64_t now_ns;
	const struct gateway *gateway; /* as it will be */
	struct trunk_change *trunks;
	size_t trunk_cnt;
	struct credential_change *credentials;
	bool is_image_open;
};

/** generation_next() - number after @generation; never 0, the low bit always flips. */
uint32_t generation_next(uint32_t generation);

/** change_trunks_begin() - find or make the trunks by name; UUIDs.  Return: 0, -EINVAL (fault). */
int change_trunks_begin(struct change *x);
/** change_trunks_undo() - also after change_trunks_match(). */
void change_trunks_undo(struct change *x);

/** change_trunks_match() - match tables: the old ones out, the new ones in. */
int change_trunks_match(struct change *x);

/** change_trunks_put() - policy, into the open image; limiters and counters of new slots. */
int change_trunks_put(struct change *x);

/** change_trunks_apply() - the change has happened. */
void change_trunks_apply(struct change *x);

/** change_credentials_begin() - which ones, read and judged, keys at the signer.  Return: as above.
 */
int change_credentials_begin(struct change *x);
void change_credentials_undo(struct change *x);
int change_credentials_put(struct change *x);
void change_credentials_apply(struct change *x);

/** key_give() - a key to the signer.
 * @a: key_fd is used and stays open where it is open
 * Return: 0; 1: refused, or the file cannot be opened (reterr); negative errno: the signer
 * (reterr). */
int key_give(struct sipseald *d, uint32_t key, const struct assembled_credential *a,
	     const char *cert_root, char reterr[SIGNER_ERR_LEN]);

/** key_drop() - Return: 0 the signer does not have it any more; negative errno: not known. */
int key_drop(struct sipseald *d, uint32_t key);

/** settle_begin() - generation d->generation has just been published. */
void settle_begin(struct sipseald *d);

/** settle_wait() - wait until the former generation is gone, and settle. */
void settle_wait(struct sipseald *d);

#endif
