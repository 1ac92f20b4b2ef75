/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * policy - what the signer knows of trunks: a pointer-free region that the daemon writes and the
 * signer maps read-only (memfd with F_SEAL_FUTURE_WRITE, F_SEAL_SHRINK, F_SEAL_GROW).
 *
 *     0                 copy_off[0]                 copy_off[1]
 *     | policy_region   | policy_copy: tables,texts | policy_copy ...
 *
 * Two standing copies.  A change goes into the idle one (generation & 1; image.h), then the BPF side's
 * `generation` word flips; metadata carries the generation, and policy_copy_get() refuses a copy
 * that holds another one.  All references are offsets from the start of the copy and are checked
 * against its length when read, so that a damaged region cannot make the signer read elsewhere.
 * Look-ups make no system call.  Threads: readers any; one writer.
 */
#ifndef SIPSEAL_TRUNK_POLICY_H
#define SIPSEAL_TRUNK_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "base/slice.h"
#include "location/template.h"

#define POLICY_MAGIC   0x73706c31u /* "spl1" */
#define POLICY_VERSION 3
#define POLICY_RULES_MAX 16        /* number_rules of a trunk */

struct policy_ref {
	uint32_t off, len;   /* bytes from the start of the copy; len 0: absent */
};

struct policy_region {
	uint32_t magic, version;
	uint64_t size;           /* of the whole region */
	uint64_t copy_off[2], copy_size;
};

struct policy_copy {
	uint64_t generation;     /* written last, zero while the copy is being written */
	uint64_t len;            /* bytes used, header included */
	uint32_t trunk_cnt;      /* slots, holes included */
	uint32_t credential_cnt;
	struct policy_ref trunks;      /* struct policy_trunk[trunk_cnt], and room for more */
	struct policy_ref credentials; /* struct policy_credential[credential_cnt], the same */
	uint8_t regulatory_enabled;
	uint8_t emergency_cnt;
	uint8_t pad[6];
	uint64_t stale_ns;             /* frames older than this are dropped */
	struct sipseal_emergency emergency[SIPSEAL_EMERGENCY_MAX];
};

struct policy_credential {
	struct policy_ref x5u;
	struct policy_ref header_b64;  /* JOSE header in base64url, see passport_header_emit() */
	int64_t not_before, not_after; /* of the chain */
	uint32_t key;                  /* of the signer's credential set: a new one with each new certificate */
	uint8_t is_usable;             /* 0: broken, never falls back */
	uint8_t is_used;               /* 0: an empty line */
	uint8_t pad[2];
};

struct policy_rule {
	struct policy_ref prefix, replace;
};

/* Intervals of canonical numbers, sorted, disjoint: key = (digits << 50) | number, so that numbers of
 * other lengths never fall between two numbers. */
struct policy_interval {
	uint64_t lo, hi;     /* both inside */
};

#define POLICY_CREDENTIAL_NONE UINT32_MAX

/* struct trunk_verification, and the same enums. */
struct policy_verification {
	uint8_t is_enabled, on_failure, on_missing, verstat;
	uint8_t carrier_verstat, trust_pai, replay, pad;
	uint32_t wait_ms;                  /* at most VERIFY_WAIT_MAX_MS */
	struct policy_ref result_header;   /* absent: off */
	struct policy_ref label[5];        /* enum verify_label */
};

struct policy_trunk {
	uint8_t is_used;
	uint8_t mode;               /* enum trunk_mode */
	uint8_t attestation;        /* enum attest_policy */
	uint8_t attestation_other;
	uint8_t on_unsignable;
	uint8_t existing_identity;
	uint8_t origid_per_call;
	uint8_t has_numbers;
	uint8_t orig_from[4], dest_from[4]; /* enum number_source */
	uint8_t pai_mode, pai_restricted, add_privacy_none, privacy;
	uint8_t has_location, geo_attach, geo_existing, geo_routing;
	uint32_t freshness_s;
	uint32_t credential;        /* index, or POLICY_CREDENTIAL_NONE */
	uint32_t rule_cnt;
	uint32_t interval_cnt;
	struct policy_ref name, origid, country_code, pai_domain, pai_default_number;
	struct policy_ref rules;      /* struct policy_rule[rule_cnt] */
	struct policy_ref intervals;  /* struct policy_interval[interval_cnt] */
	struct policy_ref location;   /* struct pidf_template, 8-byte aligned */
	struct policy_verification verification;
};

/** policy_number_key() - interval key of a canonical number; 0 if it is no number (has '#' or '*'). */
uint64_t policy_number_key(struct slice tn);

/** policy_copy_get() - the copy that holds @generation (low 16 bits compared), or NULL. */
const struct policy_copy *policy_copy_get(const struct policy_region *r, uint16_t generation);

/** policy_copy_newest() - the copy with the highest generation, or NULL; *ret_generation is that one's low bits.
 * For what was looked up in a copy that may have gone by now. */
const struct policy_copy *policy_copy_newest(const struct policy_region *r, uint16_t *ret_generation);

/** policy_copy_holds() - does @c still hold @generation?  Asked after it was read: a reader that stood still for
 * longer than a grace period may have read half of another generation. */
bool policy_copy_holds(const struct policy_copy *c, uint16_t generation);

/** policy_trunk_get() - Return: NULL where the slot is empty or out of range. */
const struct policy_trunk *policy_trunk_get(const struct policy_copy *c, uint32_t slot);

/** policy_credential_get() - Return: NULL where the line is empty or out of range. */
const struct policy_credential *policy_credential_get(const struct policy_copy *c, uint32_t index);

/** policy_text() - p == NULL where absent or out of bounds. */
struct slice policy_text(const struct policy_copy *c, struct policy_ref ref);

/** policy_table() - @cnt elements of @size bytes at @ref, 8-byte aligned, or NULL. */
const void *policy_table(const struct policy_copy *c, struct policy_ref ref, size_t cnt, size_t size);

/** policy_number_inside() - is the canonical number one of the trunk's?  true where it has no list. */
bool policy_number_inside(const struct policy_copy *c, const struct policy_trunk *t, struct slice tn);

/** policy_region_check() - magic, version, sizes against the mapping.  Return: 0, or -EBADMSG. */
int policy_region_check(const struct policy_region *r, size_t map_len);

#endif
