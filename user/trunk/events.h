/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * events - what the signer tells of each call: one record per INVITE in shared memory (memfd), a ring per
 * worker, one writer and one reader.  No system call, no lock; a full ring loses the record, never the call.
 *
 * The daemon does not trust a word of it: it copies a record once and checks that copy.  `tail` is the
 * daemon's; the worker only reads it.  A retransmission makes no record.
 */
#ifndef SIPSEAL_TRUNK_EVENTS_H
#define SIPSEAL_TRUNK_EVENTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "abi.h"

#define EVENTS_MAGIC     0x73706531u /* "spe1" */
#define EVENTS_VERSION   2
#define EVENTS_RING      4096        /* records per worker; power of two */
#define EVENTS_CALL_ID   192         /* bytes of a Call-ID that are kept; is_cut says that there were more */
#define EVENTS_X5U       200         /* bytes of an x5u that are kept */
#define EVENTS_OVERRIDES 4096        /* see override.h */

#define EVENT_INBOUND    0x01        /* direction */
#define EVENT_V6         0x02
#define EVENT_CALL_ID_CUT 0x04
#define EVENT_X5U_CUT    0x08

/* What the engine found on its way. */
#define EVENT_NOTE_LOCATION         0x0001 /* PIDF-LO attached */
#define EVENT_NOTE_LOCATION_PRESENT 0x0002 /* the call has a location already: kept */
#define EVENT_NOTE_LOCATION_AUTHINT 0x0004 /* body protected by qop=auth-int: not attached */
#define EVENT_NOTE_LOCATION_BODY    0x0008 /* signed, encoded or broken body: not attached */
#define EVENT_NOTE_EMERGENCY        0x0010
#define EVENT_NOTE_RESTRICTED       0x0020
#define EVENT_NOTE_OUTSIDE          0x0040 /* a number outside `numbers`: attestation_other */
#define EVENT_NOTE_OBSERVE          0x0080 /* the notes were decided but not done */
#define EVENT_NOTE_LOCATION_SIZE    0x0100 /* would not fit beside the rest: not attached */
#define EVENT_NOTE_OVERRIDE         0x0200 /* one was set for this call alone; the LOCATION notes: is it attached? */
#define EVENT_NOTE_ANY_NUMBER       0x0400 /* attestation A without a list of numbers */
#define EVENT_NOTE_WAITED           0x0800 /* inbound: waited for its certificate */
#define EVENT_NOTE_DIVERTED         0x1000 /* inbound: good by a chain of div PASSporTs (RFC 8946) */
#define EVENT_NOTE_CALLBACK         0x2000 /* inbound: Priority psap-callback or Resource-Priority esnet */
#define EVENT_NOTE_PAI_REMOVED      0x4000 /* inbound: trust_pai false */
/* What was left out so that the datagram could leave: ENGINE_SHED_* */
#define EVENT_NOTE_SHED_COMPACT     0x8000
#define EVENT_NOTE_SHED_LOCATION    0x10000
#define EVENT_NOTE_SHED_PAI         0x20000
#define EVENT_NOTES_SHED (EVENT_NOTE_SHED_COMPACT | EVENT_NOTE_SHED_LOCATION | EVENT_NOTE_SHED_PAI)

/* What became of it: enum engine_verdict has the same values.  EVENT_VERIFY: inbound, judged, and it has left;
 * an inbound INVITE that was not judged is EVENT_PASS. */
enum event_verdict { EVENT_PASS, EVENT_SIGN, EVENT_REJECT, EVENT_DROP, EVENT_VERIFY };

/* The word of an inbound call.  STIR_FAILED also where no verdict could be had: the reason tells. */
enum event_stir { EVENT_STIR_NONE, EVENT_STIR_VERIFIED, EVENT_STIR_FAILED, EVENT_STIR_MISSING };

/** event_stir_word() - as events, metrics and explain print it. */
static inline const char *event_stir_word(enum event_stir s)
{
	return s == EVENT_STIR_VERIFIED ? "STIR_VERIFIED" : s == EVENT_STIR_FAILED ? "STIR_FAILED" :
	       s == EVENT_STIR_MISSING ? "STIR_MISSING" : "UNVERIFIED";
}

/** event_stir_of() - the word of an inbound INVITE that was decided for @reason; EVENT_STIR_NONE: nothing was to be
 * judged.  What could not be judged is EVENT_STIR_FAILED, too. */
static inline enum event_stir event_stir_of(unsigned reason)
{
	switch (reason) {
	case SR_VERIFIED:
		return EVENT_STIR_VERIFIED;
	case SR_IDENTITY_MISSING:
	case SR_PPT_UNSUPPORTED:
		return EVENT_STIR_MISSING;
	case SR_NONE:
	case SR_OBSERVE:
	case SR_IN_DIALOG:
	case SR_NOT_INVITE:
	case SR_RETRANSMISSION:
	case SR_SIGNER_REGULATORY_OFF:
	case SR_VERIFICATION_OFF:
	case SR_CANCEL:
	case SR_ABSORBED:
	case SR_UNMATCHED_LATE:
	case SR_UNMATCHED_LATE_DROPPED:
		return EVENT_STIR_NONE;
	default:
		return EVENT_STIR_FAILED;
	}
}

struct event_record {
	uint64_t time_ms;            /* CLOCK_REALTIME */
	uint32_t trunk;              /* slot */
	uint32_t key;                /* policy_credential.key that signed; UINT32_MAX: none */
	uint64_t generation;         /* of the policy copy */
	uint64_t override_seq;       /* 0: none was used */
	uint32_t override_index;
	uint32_t latency_us;         /* from XDP to the tx ring */
	uint32_t notes;              /* EVENT_NOTE_* */
	uint16_t code;               /* of a refusal, or 0 */
	uint16_t src_port, dst_port;
	uint8_t  flags;              /* EVENT_* */
	uint8_t  verdict;            /* enum event_verdict */
	uint8_t  reason;             /* what happened; SR_OBSERVE in mode observe */
	uint8_t  decided_verdict, decided_reason; /* the same two, except in mode observe */
	char     attest;             /* 'A', 'B', 'C', or 0 */
	uint8_t  orig_len, dest_len, origid_len, call_id_len;
	uint8_t  stir;               /* enum event_stir; inbound only */
	uint8_t  x5u_len;            /* inbound only: outbound `key` tells */
	uint8_t  src[16], dst[16];   /* as struct wire_frame has them */
	char     orig[24], dest[24]; /* canonical numbers, without '+' */
	char     origid[48];
	char     call_id[EVENTS_CALL_ID];
	char     spc[16];            /* inbound: of the certificate's TNAuthList, NUL-terminated; "" none */
	char     x5u[EVENTS_X5U];    /* inbound: of the Identity that decides */
};
_Static_assert(sizeof(struct event_record) % 8 == 0, "event_record");

struct events_worker {
	_Atomic uint64_t head;       /* records written ever; the worker's */
	_Atomic uint64_t dropped;    /* the worker's */
	uint64_t pad0[6];
	_Atomic uint64_t tail;       /* records read ever; the daemon's */
	uint64_t pad1[7];
	struct event_record ring[EVENTS_RING];
};

struct events_region {
	uint32_t magic, version;
	uint32_t workers, pad;
	uint64_t worker_off, worker_size;
	_Atomic uint64_t override_used[EVENTS_OVERRIDES]; /* last seq of that entry that was used; signer writes */
};

static inline struct events_worker *events_worker(const struct events_region *r, unsigned i)
{
	return (struct events_worker *)((char *)(uintptr_t)r + r->worker_off + i * r->worker_size);
}

/** events_size() - bytes of a region; sparse until it is used. */
static inline uint64_t events_size(uint32_t workers)
{
	return ((sizeof(struct events_region) + 4095) & ~4095ull) +
	       workers * ((sizeof(struct events_worker) + 4095) & ~4095ull);
}

/** events_slot() - where the worker may write its next record; NULL: full (counted). */
static inline struct event_record *events_slot(struct events_worker *w)
{
	uint64_t head = atomic_load_explicit(&w->head, memory_order_relaxed);

	if (head - atomic_load_explicit(&w->tail, memory_order_acquire) >= EVENTS_RING) {
		atomic_store_explicit(&w->dropped, atomic_load_explicit(&w->dropped, memory_order_relaxed) + 1,
				      memory_order_relaxed);
		return NULL;
	}
	return &w->ring[head % EVENTS_RING];
}

/** events_push() - publish what events_slot() gave. */
static inline void events_push(struct events_worker *w)
{
	atomic_store_explicit(&w->head, atomic_load_explicit(&w->head, memory_order_relaxed) + 1,
			      memory_order_release);
}

/** events_take() - for the daemon: copy the next record.  @tail: the reader's own count, private to it.
 * Return: false: nothing there, or a head that cannot be true. */
static inline bool events_take(struct events_worker *w, uint64_t *tail, struct event_record *ret)
{
	uint64_t head = atomic_load_explicit(&w->head, memory_order_acquire);

	if (head == *tail || head - *tail > EVENTS_RING)
		return false;
	memcpy(ret, &w->ring[*tail % EVENTS_RING], sizeof(*ret));
	atomic_store_explicit(&w->tail, ++*tail, memory_order_release);
	return true;
}

/**
 * event_attest_why() - where an attestation comes from, in the words that events and explain print;
 * NULL: there was none to decide about.
 * @attest: what was decided, 0: none
 * @reason: what was decided
 */
static inline const char *event_attest_why(char attest, unsigned reason, uint32_t notes)
{
	if (!attest && reason != SR_ATTESTATION_NONE && reason != SR_NUMBER_REFUSED)
		return NULL;
	if (notes & EVENT_NOTE_OUTSIDE)
		return "number_outside"; /* attestation_other */
	if (notes & EVENT_NOTE_ANY_NUMBER)
		return "any_number";     /* A without `numbers` */
	return attest == 'A' ? "number_inside" : "trunk"; /* the trunk's `attestation` */
}

#define EVENT_SHED_CNT 3

/** event_shed() - step @i < EVENT_SHED_CNT of what was left out to fit, in the words that events and explain print;
 * NULL: that was not. */
static inline const char *event_shed(uint32_t notes, unsigned i)
{
	static const char *const words[EVENT_SHED_CNT] = { "compact", "location", "pai" };

	return i < EVENT_SHED_CNT && notes & (EVENT_NOTE_SHED_COMPACT << i) ? words[i] : NULL;
}

/** event_location() - what became of the location, in the words that events print; NULL: none was due. */
static inline const char *event_location(uint32_t notes)
{
	return notes & EVENT_NOTE_LOCATION ? "attached" :
	       notes & EVENT_NOTE_LOCATION_PRESENT ? "kept" :
	       notes & EVENT_NOTE_LOCATION_AUTHINT ? "body_auth_int" :
	       notes & EVENT_NOTE_LOCATION_BODY ? "body_unfit" :
	       notes & EVENT_NOTE_LOCATION_SIZE ? "too_large" : NULL;
}

#endif
