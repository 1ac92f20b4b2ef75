/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * override - locations set for one call or one calling number before its INVITE leaves (ExecuteDialplan,
 * action ANSWER): a memfd that the daemon writes and the signer maps read-only.
 *
 * Two-choice buckets of 8 tags: a look-up reads two cache lines, and nothing at all while cnt is 0.
 * An entry for a Call-ID is used once: whoever raises events_region.override_used[index] from a smaller value to
 * the entry's seq may use it.  An entry for a number is used until expires_ns.  seq is 0 while an entry is
 * being written or empty; it grows from entry to entry and is never used twice, so that a reader who comes late
 * with an old one gets nothing.  A reader copies the template and looks at seq again.
 * The writer: seq = 0, release fence, the fields, seq = new (release), tag, cnt.  To remove: tag = 0, seq = 0.
 */
#ifndef SIPSEAL_TRUNK_OVERRIDE_H
#define SIPSEAL_TRUNK_OVERRIDE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "location/template.h"
#include "trunk/events.h"

#define OVERRIDES_MAX      1024   /* live at the same time */
#define OVERRIDE_BUCKETS   512
#define OVERRIDE_WAYS      8
#define OVERRIDE_ENTRIES   (OVERRIDE_BUCKETS * OVERRIDE_WAYS)
#define OVERRIDE_KEY_MAX   256    /* bytes of a Call-ID */
#define OVERRIDE_MAGIC     0x73706f31u /* "spo1" */
#define OVERRIDE_VERSION   1
_Static_assert(OVERRIDE_ENTRIES == EVENTS_OVERRIDES, "a word per entry");

enum override_kind { OVERRIDE_CALL_ID = 1, OVERRIDE_CALLING = 2 };

struct override_entry {
	_Atomic uint64_t seq;
	uint64_t expires_ns;      /* CLOCK_MONOTONIC */
	uint32_t kind;            /* enum override_kind */
	uint32_t key_len;
	char key[OVERRIDE_KEY_MAX]; /* Call-ID as it stands in the message, or canonical digits */
	struct pidf_template location;
};

struct override_region {
	uint32_t magic, version;
	_Atomic uint32_t cnt;     /* entries that are set: 0 lets readers go on at once */
	uint32_t pad;
	_Atomic uint64_t tags[OVERRIDE_BUCKETS][OVERRIDE_WAYS]; /* hash of kind and key; 0: free */
	struct override_entry entries[OVERRIDE_ENTRIES];        /* index bucket * OVERRIDE_WAYS + way */
};

/* What a look-up found. */
struct override_hit {
	uint64_t seq;
	uint32_t index;
	struct pidf_template location;
};

/** override_hash() - never 0.  Not keyed: only those who may set overrides choose what is in the table. */
uint64_t override_hash(enum override_kind kind, struct slice key);

/** override_buckets() - the two buckets of a hash; never the same twice. */
void override_buckets(uint64_t hash, uint32_t ret[2]);

/**
 * override_find() - an entry that is valid at @now_ns.
 * @used: events_region.override_used; entries for Call-IDs are claimed there
 * Return: true: *ret is filled (4 KiB are copied), and the entry is ours.  false: ret->location may have been
 * written to, seq and index have not.
 */
bool override_find(const struct override_region *r, _Atomic uint64_t *used, enum override_kind kind,
		   struct slice key, uint64_t now_ns, struct override_hit *ret);

#endif
