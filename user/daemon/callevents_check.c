/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The signer reads the street and may be taken over: of what it tells, only what can be true is
 * shown.
 */
#include "base/reason.h"
#include "daemon/callevents_internal.h"

#define TIME_MS_MAX 253402300800000ull /* year 10000: RFC 3339 has four digits */
#define SEQ_MAX (1ull << 53)	       /* what a reader of JSON can count to (RFC 8259 s6) */
#define FLAGS (EVENT_V6 | EVENT_CALL_ID_CUT)
#define FLAGS_INBOUND (FLAGS | EVENT_INBOUND | EVENT_X5U_CUT)
#define NOTES_BOTH (EVENT_NOTE_EMERGENCY | EVENT_NOTE_RESTRICTED | EVENT_NOTE_OBSERVE)
#define NOTES_OUTBOUND                                                                            \
	(NOTES_BOTH | EVENT_NOTE_LOCATION | EVENT_NOTE_LOCATION_PRESENT |                         \
	 EVENT_NOTE_LOCATION_AUTHINT | EVENT_NOTE_LOCATION_BODY | EVENT_NOTE_LOCATION_SIZE |      \
	 EVENT_NOTE_OUTSIDE | EVENT_NOTE_OVERRIDE | EVENT_NOTE_ANY_NUMBER |                  \
	 EVENT_NOTES_SHED)
#define NOTES_INBOUND                                                                             \
	(NOTES_BOTH | EVENT_NOTE_WAITED | EVENT_NOTE_DIVERTED | EVENT_NOTE_CALLBACK |             \
	 EVENT_NOTE_PAI_REMOVED)

static bool is_mapped(const uint8_t addr[16])
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(addr, prefix, sizeof(prefix)) == 0;
}

static bool is_reason(uint8_t reason)
{
	return reason >= SR_XDP_MAX && reason_token(reason)[0] != '?' && !reason_is_fragment(reason);
}

static bool is_attest(char attest)
{
	return attest == 0 || attest == 'A' || attest == 'B' || attest == 'C';
}

static bool lengths_fit(const struct event_record *r)
{
	return r->orig_len <= sizeof(r->orig) && r->dest_len <= sizeof(r->dest) &&
	       r->origid_len <= sizeof(r->origid) && r->call_id_len <= sizeof(r->call_id) &&
	       r->x5u_len <= sizeof(r->x5u) && memchr(r->spc, '\0', sizeof(r->spc));
}

static bool is_printable(const char *p, size_t len, char first)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] < first || p[i] > 0x7e)
			return false;
	return true;
}

/* A signature has a number and an attestation, and its reason says so. */
static bool outbound_fits(const struct event_record *r, uint8_t verdict, uint8_t reason)
{
	if (verdict > EVENT_DROP || !is_reason(reason))
		return false;
	if ((verdict == EVENT_SIGN) != (reason == SR_SIGNED))
		return false;
	return verdict != EVENT_SIGN || (r->attest && r->orig_len);
}

/* What was judged has the word of its reason; what is good is not refused, and a refusal has a code. */
static bool inbound_fits(const struct event_record *r, uint8_t verdict, uint8_t reason)
{
	if (verdict > EVENT_VERIFY || verdict == EVENT_SIGN || !is_reason(reason) || reason == SR_SIGNED)
		return false;
	if (verdict == EVENT_VERIFY)
		return r->stir != EVENT_STIR_NONE && r->stir == event_stir_of(reason);
	return verdict != EVENT_REJECT || (r->code && r->stir >= EVENT_STIR_FAILED);
}

static bool is_true_outbound(const struct event_record *r)
{
	if (r->flags & ~FLAGS || r->notes & ~NOTES_OUTBOUND || r->stir || r->x5u_len || r->spc[0])
		return false;
	return outbound_fits(r, r->verdict, r->reason) &&
	       outbound_fits(r, r->decided_verdict, r->decided_reason);
}

static bool is_true_inbound(const struct event_record *r)
{
	if (r->flags & ~FLAGS_INBOUND || r->notes & ~NOTES_INBOUND || r->stir > EVENT_STIR_MISSING)
		return false;
	if (r->key != UINT32_MAX || r->override_seq)
		return false;
	if (!is_printable(r->x5u, r->x5u_len, 0x21) || !is_printable(r->spc, strlen(r->spc), 0x20))
		return false;
	return inbound_fits(r, r->verdict, r->reason) &&
	       inbound_fits(r, r->decided_verdict, r->decided_reason);
}

bool callevent_is_true(const struct event_record *r, uint64_t generation)
{
	if (!lengths_fit(r) || !is_attest(r->attest))
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
	return r->flags & EVENT_INBOUND ? is_true_inbound(r) : is_true_outbound(r);
}
