/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The signer reads the street and may be taken over: of what it tells, only what can be true is
 * shown.
 */
#include "base/reason.h"
#include "daemon/callevents_internal.h"

#define TIME_MS_MAX 253402300800000ull /* year 10000: RFC 3339 has four digits */
#define SEQ_MAX (1ull << 53)	       /* what a reader of JSON can count to (RFC 8259 s6) */
#define FLAGS (EVENT_INBOUND | EVENT_V6 | EVENT_CALL_ID_CUT)

static bool is_mapped(const uint8_t addr[16])
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(addr, prefix, sizeof(prefix)) == 0;
}

static bool is_reason(uint8_t reason)
{
	return reason >= SR_XDP_MAX && reason_token(reason)[0] != '?';
}

static bool is_attest(char attest)
{
	return attest == 0 || attest == 'A' || attest == 'B' || attest == 'C';
}

static bool lengths_fit(const struct event_record *r)
{
	return r->orig_len <= sizeof(r->orig) && r->dest_len <= sizeof(r->dest) &&
	       r->origid_len <= sizeof(r->origid) && r->call_id_len <= sizeof(r->call_id);
}

/* A signature has a number and an attestation, and its reason says so. */
static bool outcome_fits(const struct event_record *r, uint8_t verdict, uint8_t reason)
{
	if (verdict > EVENT_DROP || !is_reason(reason))
		return false;
	if ((verdict == EVENT_SIGN) != (reason == SR_SIGNED))
		return false;
	return verdict != EVENT_SIGN || (r->attest && r->orig_len);
}

bool callevent_is_true(const struct event_record *r, uint64_t generation)
{
	/* inbound calls are not for this version's signer */
	if (r->flags & ~FLAGS || r->flags & EVENT_INBOUND || !lengths_fit(r) ||
	    !is_attest(r->attest))
		return false;
	/* a change makes the next generation known to the signer before it is the active one */
	if (r->time_ms >= TIME_MS_MAX || r->trunk >= SIPSEAL_TRUNKS_MAX ||
	    r->generation > generation + 1)
		return false;
	if (!(r->flags & EVENT_V6) && (!is_mapped(r->src) || !is_mapped(r->dst)))
		return false;
	if (r->override_seq > SEQ_MAX || (r->override_seq && r->override_index >= EVENTS_OVERRIDES))
		return false;
	if (r->code && (r->code < 300 || r->code > 699))
		return false;
	return outcome_fits(r, r->verdict, r->reason) &&
	       outcome_fits(r, r->decided_verdict, r->decided_reason);
}
