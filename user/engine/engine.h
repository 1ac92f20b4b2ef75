/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * engine - the heart: message + policy + clock + random + sign -> verdict, reason, edits.
 *
 * Pure: no I/O, no clock, no state but the scratch that the caller owns.  Signer, explain,
 * fuzzers and tests all call this one function, so that what explain says is what the wire shows.
 *
 *     datagram --sip--> message --numbers, PAI, attestation, location--> edits --emit--> datagram
 *                               `-inbound: Identity rows --stir/verify--> marks -^
 *
 * A message is edited completely or not at all.  Threads: one scratch per thread.
 */
#ifndef SIPSEAL_ENGINE_H
#define SIPSEAL_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "sip/edit.h"
#include "sip/message.h"
#include "sip/tn.h"
#include "stir/passport.h"
#include "stir/verify.h"
#include "trunk/events.h"
#include "trunk/policy.h"

enum engine_verdict {
	VERDICT_PASS = EVENT_PASS,    /* leaves without an Identity of ours; maybe with PAI, Privacy, location */
	VERDICT_SIGN = EVENT_SIGN,    /* leaves with our Identity */
	VERDICT_REJECT = EVENT_REJECT,  /* answered with `response_code`; does not leave */
	VERDICT_DROP = EVENT_DROP,    /* does not leave */
	VERDICT_VERIFY = EVENT_VERIFY, /* inbound: judged, leaves with our marks */
	VERDICT_WAIT,                 /* inbound: certificates are not known yet: verify_wanted(&e->judged) says which;
					 run again when they are, or with is_last */
};

/** engine_verdict_name() - the word that explain and events print. */
const char *engine_verdict_name(enum engine_verdict v);

/* What is left out, in this order, until the datagram fits (standards 7.1); if it still does not, the original leaves
 * (SR_OUTPUT_LIMIT).  The location of an emergency call is never left out. */
#define ENGINE_SHED_COMPACT  0x1 /* blanks between the elements of the PIDF-LO */
#define ENGINE_SHED_LOCATION 0x2
#define ENGINE_SHED_PAI      0x4 /* P-Asserted-Identity and Privacy that we would add */

/* What the engine takes from outside. */
struct engine_env {
	int64_t now_ms;               /* CLOCK_REALTIME; read once per batch by the caller */
	passport_sign_fn *sign;
	void *sign_ctx;
	void (*random)(void *ctx, void *dst, size_t len);
	void *random_ctx;
	/*
	 * A location for this call alone, or NULL; valid until the next call.  May be NULL itself.
	 * Asked once per call, and not for one that is refused.  What it gives is attached whatever
	 * the trunk says of locations, and replaces one that is in the call - but in emergency
	 * calls, which lose nothing.  @calling: canonical digits of the first of orig_from that
	 * holds a number, also where the call hides it; len 0: none.
	 */
	const struct pidf_template *(*override)(void *ctx, struct slice call_id, struct slice calling);
	void *override_ctx;
	uint8_t tag_key[16];          /* key of the To tags of refusals: a secret of this start */

	/* Inbound: struct verify_env.  Each may be NULL: then no certificate is ever known, our own trouble
	 * (SR_VERIFY_FAILED), nothing is a replay. */
	enum verdict_kind (*certificate)(void *ctx, struct slice x5u, struct verdict *ret);
	int (*signature)(void *ctx, const uint8_t point[CERT_POINT_LEN], struct slice text,
			 const uint8_t sig[PASSPORT_SIG_LEN]);
	/* Was @sig seen with another Call-ID in the last @window_s seconds?  Remembers it for as long. */
	bool (*replayed)(void *ctx, const uint8_t sig[PASSPORT_SIG_LEN], struct slice call_id, unsigned window_s);
	void *verify_ctx;
};

struct engine_input {
	struct slice datagram;        /* UDP payload */
	const struct policy_copy *policy;
	uint32_t trunk;               /* slot */
	bool is_inbound;              /* from the carrier: verify */
	bool is_last;                 /* inbound: there is no waiting (any longer) for certificates */
	size_t max_len;               /* longest datagram that can leave (wire_payload_max()); 0: any.  What would be
					 longer is tried again with less: ENGINE_SHED_* in their order */
	char source_ip[46];           /* text, for refusals */
	uint16_t source_port;
};

struct engine_output {
	enum engine_verdict verdict;
	enum sipseal_reason reason;          /* SR_OBSERVE in mode observe */
	enum engine_verdict decided_verdict; /* the same two, except in mode observe */
	enum sipseal_reason decided_reason;
	uint32_t notes;                      /* EVENT_NOTE_* */
	char attest;                         /* 'A', 'B', 'C', or 0 */
	struct tn orig, dest;                /* len 0: none */
	struct slice call_id, x5u, origid;   /* slices into datagram, policy or scratch */
	uint32_t key;                        /* policy_credential.key that signed; UINT32_MAX: none */
	unsigned response_code;              /* VERDICT_REJECT */
	const char *response_phrase;
	const char *response_extra;          /* further rows of the answer, in the scratch, or NULL */
	bool is_signed;                      /* a signature was made (also counted in observe) */
	uint32_t shed;                       /* ENGINE_SHED_*: what was left out to fit */

	/* inbound */
	enum event_stir stir;                /* EVENT_STIR_NONE: not judged (in dialog, verification off) */
	char spc[TNAUTH_SPC_MAX + 1];
	bool has_iat;                        /* a row was good, or only stale: iat_age_ms is our clock less its iat */
	int64_t iat_age_ms;
};

#define ENGINE_ARENA_MAX (24 * 1024)

/* Scratch of one thread; large: allocate it once.  After engine_run() it holds the parsed message
 * and the edits until the next run. */
struct engine {
	struct sip_message msg;
	struct sip_edits edits;              /* sealed; cnt 0: nothing changes */
	struct verify_result judged;         /* inbound */
	size_t arena_len;
	char arena[ENGINE_ARENA_MAX];        /* texts of the edits */
};

/**
 * engine_run() - decide what happens to an INVITE.
 * Never fails: what is not understood is VERDICT_PASS with a reason and no edits; inbound, where it carries
 * a mark of ours, VERDICT_DROP with SR_FORGED_MARK.
 */
void engine_run(struct engine *e, const struct engine_env *env, const struct engine_input *in,
		struct engine_output *ret);

/** engine_out_len() - length of the datagram that leaves (after PASS, SIGN or VERIFY). */
size_t engine_out_len(const struct engine *e, const struct engine_input *in);

/** engine_emit() - write that datagram.  Return: length, or -ENOSPC. */
ssize_t engine_emit(const struct engine *e, const struct engine_input *in, char *dst, size_t cap);

/** engine_response_emit() - the answer of VERDICT_REJECT.  Return: length, or -ENOSPC, -EBADMSG. */
ssize_t engine_response_emit(const struct engine *e, const struct engine_env *env,
			     const struct engine_input *in, const struct engine_output *out,
			     char *dst, size_t cap);

#endif
