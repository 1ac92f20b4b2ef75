/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/engine.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "engine/inbound.h"
#include "sip/response.h"

const char *engine_verdict_name(enum engine_verdict v)
{
	static const char *const names[] = { [VERDICT_PASS] = "pass",
					     [VERDICT_SIGN] = "sign",
					     [VERDICT_REJECT] = "reject",
					     [VERDICT_DROP] = "drop",
					     [VERDICT_VERIFY] = "verify",
					     [VERDICT_WAIT] = "wait" };

	return names[v];
}

static void forget_edits(struct engine *e, const struct engine_input *in)
{
	sip_edits_init(&e->edits);
	e->edits.is_sealed = true;
	e->edits.out_len = in->datagram.len;
}

static bool is_leaving(enum engine_verdict v)
{
	return v == VERDICT_PASS || v == VERDICT_SIGN || v == VERDICT_VERIFY;
}

/* What is not signed shows no attestation and no certificate. */
static void forget_signature(struct engine_output *out)
{
	out->attest = 0;
	out->x5u = out->origid = SLICE_NONE;
	out->key = UINT32_MAX;
}

/* Is this a reason that the trunk's on_unsignable speaks about?  restricted_unsigned is not: such a
 * call leaves without Identity by design. */
static bool is_unsignable(enum sipseal_reason r)
{
	return r == SR_NO_ORIG || r == SR_NO_DEST || r == SR_STALE_DATE || r == SR_BAD_DATE ||
	       r == SR_CERTIFICATE_INVALID || r == SR_CERTIFICATE_MISSING || r == SR_SIGN_FAILED;
}

/* Does the trunk's policy answer such a call instead of sending it on? */
static bool is_refusal(const struct call *c)
{
	return c->out->reason == SR_NUMBER_REFUSED ||
	       (is_unsignable(c->out->reason) && c->trunk->on_unsignable == UNSIGNABLE_REJECT);
}

static void refuse(struct engine_output *out)
{
	bool is_number = out->reason == SR_NUMBER_REFUSED;

	forget_signature(out);
	out->verdict = VERDICT_REJECT;
	out->response_code = is_number ? 403 : 503;
	out->response_phrase = is_number ? "Forbidden" : "Service Unavailable";
}

/* Marks that are ours to give are never taken along from the PBX; an emergency call is stripped of
 * nothing. */
static void strip_marks(struct call *c)
{
	if (!c->is_emergency)
		call_remove(c, SIP_H_MARK);
}

_Static_assert(ENGINE_SHED_LOCATION * EVENT_NOTE_SHED_COMPACT == EVENT_NOTE_SHED_LOCATION &&
		       ENGINE_SHED_PAI * EVENT_NOTE_SHED_COMPACT == EVENT_NOTE_SHED_PAI &&
		       ENGINE_SHED_COMPACT == 1,
	       "the same bits, moved");

static void note(struct call *c)
{
	c->out->notes |= (c->is_emergency ? EVENT_NOTE_EMERGENCY : 0u) |
			 (c->is_restricted ? EVENT_NOTE_RESTRICTED : 0u);
}

/*
 * Too long a datagram does with less (standards 7.1): location_edit() has left out the blanks of the location, then
 * the location, unless the call is an emergency; then goes what says again who is calling.  An Identity in short
 * form would be next: no verifier that follows RFC 8588 takes one, and ours has no folds to undo.
 * At last the message stays whole.
 */
static void make_fit(struct call *c)
{
	struct engine_output *out = c->out;

	if (!c->has_failed && !call_fits(c))
		pai_shed(c);
	if (!c->has_failed && sip_edits_seal(&c->e->edits, c->in->datagram.len, call_out_max(c)) == 0)
		return;
	out->reason = SR_OUTPUT_LIMIT;
	out->notes &= ~(uint32_t)EVENT_NOTE_LOCATION;
	out->shed = 0;
	forget_edits(c->e, c->in);
}

/* Decide, then collect the edits; on any failure the message stays whole. */
static void sign(struct call *c)
{
	struct engine_output *out = c->out;

	call_read_caller(c);
	pai_decide(c);
	out->reason = identity_decide(c);
	note(c);
	strip_marks(c);
	pai_edit(c);
	if (out->reason == SR_SIGNED)
		out->reason = identity_edit(c);
	if (is_refusal(c)) {
		if (!c->is_emergency) {
			refuse(out);
			return;
		}
		out->reason = SR_EMERGENCY_PASSED_LATE;
	}
	location_edit(c);
	make_fit(c);
	if (out->reason != SR_SIGNED) {
		forget_signature(out);
		return;
	}
	out->verdict = VERDICT_SIGN;
	if (out->attest == 'A' && !c->trunk->has_numbers)
		out->notes |= EVENT_NOTE_ANY_NUMBER;
}

static void outbound_run(struct call *c)
{
	if (c->out->reason == SR_NONE && !c->in->policy->regulatory_enabled)
		c->out->reason = SR_SIGNER_REGULATORY_OFF;
	else if (c->out->reason == SR_NONE)
		c->out->reason = call_read_addresses(c);
	if (c->out->reason == SR_NONE)
		sign(c);
}

/* Was anything decided that mode observe keeps from being done? */
static bool is_observed(const struct call *c)
{
	const struct engine_output *out = c->out;

	if (!c->trunk || c->trunk->mode != TRUNK_OBSERVE)
		return false;
	if (c->in->is_inbound)
		return out->stir != EVENT_STIR_NONE;
	return out->call_id.p && out->reason != SR_SIGNER_REGULATORY_OFF &&
	       out->reason != SR_IN_DIALOG && out->reason != SR_ADDRESS_SYNTAX;
}

/* mode observe: everything was decided, the original bytes leave. */
static void observe(struct engine *e, const struct engine_input *in, struct engine_output *out)
{
	out->notes |= EVENT_NOTE_OBSERVE;
	out->verdict = VERDICT_PASS;
	out->reason = SR_OBSERVE;
	forget_edits(e, in);
}

void engine_run(struct engine *e, const struct engine_env *env, const struct engine_input *in,
		struct engine_output *ret)
{
	struct call c = { .e = e,
			  .env = env,
			  .in = in,
			  .out = ret,
			  .trunk = policy_trunk_get(in->policy, in->trunk) };
	const struct sip_row *call_id;

	*ret = (struct engine_output){ .verdict = VERDICT_PASS, .key = UINT32_MAX };
	e->arena_len = 0;
	e->judged.row = -1;
	e->judged.row_cnt = 0;
	e->judged.code = 0;
	e->judged.status = VERIFY_MISSING;
	sip_edits_init(&e->edits);
	ret->reason = sip_message_parse(in->datagram.p, in->datagram.len, &e->msg);
	if (ret->reason == SR_NONE) {
		call_id = sip_message_first(&e->msg, SIP_H_CALL_ID);
		ret->call_id = call_id->value;
	}
	if (!c.trunk) {
		ret->verdict = VERDICT_DROP;
		ret->reason = SR_UNKNOWN_TRUNK;
	} else if (in->is_inbound) {
		inbound_run(&c);
	} else {
		outbound_run(&c);
	}
	ret->notes |= ret->shed * EVENT_NOTE_SHED_COMPACT;
	ret->decided_verdict = ret->verdict;
	ret->decided_reason = ret->reason;
	if (is_observed(&c))
		observe(e, in, ret);
	if (!e->edits.is_sealed || !is_leaving(ret->verdict))
		forget_edits(e, in);
}

size_t engine_out_len(const struct engine *e, const struct engine_input *in)
{
	return e->edits.cnt ? e->edits.out_len : in->datagram.len;
}

ssize_t engine_emit(const struct engine *e, const struct engine_input *in, char *dst, size_t cap)
{
	if (e->edits.cnt)
		return sip_edits_emit(&e->edits, in->datagram, dst, cap);
	if (in->datagram.len > cap)
		return -ENOSPC;
	memcpy(dst, in->datagram.p, in->datagram.len);
	return (ssize_t)in->datagram.len;
}

ssize_t engine_response_emit(const struct engine *e, const struct engine_env *env,
			     const struct engine_input *in, const struct engine_output *out,
			     char *dst, size_t cap)
{
	static const char hex[] = "0123456789abcdef";
	struct sip_response resp = { .code = out->response_code,
				     .phrase = out->response_phrase,
				     .extra = out->response_extra,
				     .source_ip = in->source_ip,
				     .source_port = in->source_port };
	uint8_t mac[EVP_MAX_MD_SIZE];

	/* the same tag for every copy of the request, without state (RFC 3261 s8.2.7) */
	if (!HMAC(EVP_sha256(), env->tag_key, sizeof(env->tag_key), (const uint8_t *)in->datagram.p,
		  in->datagram.len, mac, NULL))
		return -EIO;
	for (unsigned i = 0; i < 8; i++) {
		resp.to_tag[2 * i] = hex[mac[i] >> 4];
		resp.to_tag[2 * i + 1] = hex[mac[i] & 15];
	}
	return sip_response_emit(&e->msg, &resp, dst, cap);
}
