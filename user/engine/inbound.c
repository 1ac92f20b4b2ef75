/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/inbound.h"

/* RFC 7090 s3: a call back from a PSAP.  RFC 7135 s2: "esnet" is of emergency services alone. */
static bool is_callback(const struct sip_message *m)
{
	const struct sip_row *row = sip_message_first(m, SIP_H_PRIORITY);

	for (; row; row = sip_message_next(m, row))
		if (slice_ieq(row->value, SLICE("psap-callback")))
			return true;
	for (row = sip_message_first(m, SIP_H_RESOURCE_PRIORITY); row;
	     row = sip_message_next(m, row)) {
		struct slice rest = row->value;

		while (rest.len) {
			size_t n = slice_find(rest, ',');

			if (slice_iprefix(slice_trim(slice_of(rest.p, n)), SLICE("esnet.")))
				return true;
			rest = slice_cut(rest, n < rest.len ? n + 1 : n);
		}
	}
	return false;
}

/* The policy's, if it is the name of a header that means nothing else: rows called so are removed.
 */
static struct slice result_header(const struct call *c)
{
	static const char legal[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				    "-.!%*_+`'~";
	struct slice name = policy_text(c->in->policy, c->trunk->verification.result_header);

	for (size_t i = 0; i < name.len; i++)
		if (!memchr(legal, name.p[i], sizeof(legal) - 1))
			return SLICE_NONE;
	switch (sip_header_id(name)) {
	case SIP_H_OTHER:
	case SIP_H_MARK:
		return name.len ? name : SLICE_NONE;
	default:
		return SLICE_NONE;
	}
}

/* What leaves unedited must not carry a word of ours; nothing is taken from an emergency call. */
static void forged_handle(struct call *c)
{
	struct engine_output *out = c->out;
	bool tolerates_verstat = out->reason == SR_IN_DIALOG &&
				 c->trunk->verification.carrier_verstat == VERSTAT_KEEP;

	out->verdict = VERDICT_PASS;
	if (!inbound_is_forged(c->in->datagram, result_header(c), tolerates_verstat))
		return;
	out->stir = EVENT_STIR_FAILED;
	if (inbound_is_emergency_line(c)) {
		out->reason = SR_EMERGENCY_PASSED_LATE;
		return;
	}
	out->verdict = VERDICT_DROP;
	out->reason = SR_FORGED_MARK;
}

static bool may_wait(const struct inbound *in)
{
	return in->c->e->judged.status == VERIFY_WAIT && !in->c->in->is_last &&
	       in->policy->wait_ms && !in->is_privileged && in->c->trunk->mode != TRUNK_OBSERVE;
}

/* A row whose certificate we could not get may be the good one: nobody is refused because a server
 * is slow or down. */
static bool is_undecided(const struct verify_result *r)
{
	for (unsigned i = 0; i < r->row_cnt; i++)
		if (r->rows[i].reason == SR_CERTIFICATE_UNREACHABLE ||
		    r->rows[i].reason == SR_CERTIFICATE_PENDING)
			return true;
	return false;
}

static bool is_refused(const struct inbound *in)
{
	const struct engine_output *out = in->c->out;

	if (in->is_privileged)
		return false;
	if (out->stir == EVENT_STIR_MISSING)
		return in->policy->on_missing == VERIFY_REJECT;
	if (out->stir != EVENT_STIR_FAILED || in->policy->on_failure != VERIFY_REJECT)
		return false;
	return in->is_proven_bad || out->reason == SR_X5U_REFUSED || out->reason == SR_FETCH_FAILED;
}

/* RFC 9410 s3: one Reason row per error; the same error is told once. */
static void put_reasons(struct text *t, const struct verify_result *r)
{
	uint16_t codes[VERIFY_ROWS_MAX + 1] = { r->code };
	unsigned cnt = 1;

	for (unsigned i = 0; i < r->row_cnt; i++) {
		unsigned k = 0;

		while (k < cnt && codes[k] != r->rows[i].code)
			k++;
		if (r->rows[i].code && k == cnt)
			codes[cnt++] = r->rows[i].code;
	}
	for (unsigned i = 0; i < cnt; i++) {
		size_t cap;
		char *room;

		text_puts(t, "Reason: ");
		room = text_room(t, &cap);
		text_grow(t, verify_reason_value(codes[i], room, cap));
		text_puts(t, "\r\n");
	}
}

static void refuse(struct inbound *in)
{
	struct engine_output *out = in->c->out;
	struct text t = text_begin(in->c->e);

	put_reasons(&t, &in->c->e->judged);
	text_put(&t, slice_of("", 1));
	out->response_extra = text_end(&t).p;
	out->verdict = VERDICT_REJECT;
	out->response_code = in->c->e->judged.code;
	out->response_phrase = in->c->e->judged.phrase;
}

static void judge(struct call *c)
{
	struct inbound in = {
		.c = c,
		.policy = &c->trunk->verification,
		.result_header = result_header(c),
	};
	struct engine_output *out = c->out;
	bool is_back = is_callback(&c->e->msg);

	in.is_privileged = c->is_emergency || is_back;
	out->notes |= (c->is_emergency ? EVENT_NOTE_EMERGENCY : 0u) |
		      (is_back ? EVENT_NOTE_CALLBACK : 0u);
	inbound_judge(&in);
	in.is_proven_bad =
		out->stir == EVENT_STIR_FAILED && !is_undecided(&c->e->judged) &&
		(c->e->judged.code == 403 || c->e->judged.code == 437 || c->e->judged.code == 438);
	if (may_wait(&in)) {
		out->verdict = VERDICT_WAIT;
		return;
	}
	if (is_refused(&in)) {
		refuse(&in);
		return;
	}
	out->verdict = VERDICT_VERIFY;
	inbound_mark(&in);
	if (!c->has_failed && sip_edits_seal(&c->e->edits, c->in->datagram.len, call_out_max(c)) == 0)
		return;
	out->notes &= ~(uint32_t)EVENT_NOTE_PAI_REMOVED;
	out->reason = SR_OUTPUT_LIMIT;
	forged_handle(c);
}

void inbound_run(struct call *c)
{
	struct engine_output *out = c->out;
	bool is_on = c->in->policy->regulatory_enabled && c->trunk->verification.is_enabled;

	if (out->reason == SR_NONE)
		out->reason = call_read_addresses(c);
	if (out->reason != SR_NONE) {
		/* switched off, traffic flows byte-identical */
		if (is_on)
			forged_handle(c);
	} else if (!c->in->policy->regulatory_enabled) {
		out->reason = SR_SIGNER_REGULATORY_OFF;
	} else if (!is_on) {
		out->reason = SR_VERIFICATION_OFF;
	} else {
		judge(c);
	}
}
