/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the INVITE says of the call goes into stir/verify, what that says goes into the output.
 */
#include "engine/inbound.h"
#include "sip/date.h"

#include <errno.h>

#define DATE_BROKEN INT64_MIN
#define IAT_MAX 253402300799 /* 9999-12-31: beyond it nobody has a clock */

static void read_values(struct inbound *in)
{
	const struct sip_message *m = &in->c->e->msg;
	const struct sip_row *row = sip_message_first(m, SIP_H_IDENTITY);
	unsigned cnt = 0;

	for (; row && cnt < VERIFY_ROWS_MAX + 1; row = sip_message_next(m, row))
		in->values[cnt++] = row->value;
	in->asked.values = in->values;
	in->asked.value_cnt = cnt;
}

static bool is_one_number(const struct inbound *in)
{
	for (unsigned i = 1; i < in->shown_cnt; i++)
		if (!tn_eq(&in->shown[i], &in->shown[0]))
			return false;
	return in->shown_cnt > 0;
}

/* The PAI where it is trusted, else From (standards 3.1 step 6).  Which of several values of a PAI the PBX shows is not
 * ours to know: where they hold two numbers, or one that we cannot place, nobody vouches for what is shown.
 */
static void read_calling(struct inbound *in)
{
	struct verify_call *a = &in->asked;
	bool is_odd = false;

	if (in->policy->trust_pai)
		in->shown_cnt =
			call_numbers(in->c, SIP_H_PAI, in->shown, CALL_NUMBERS_MAX, &is_odd);
	if (!in->shown_cnt && !is_odd) {
		if (tn_from_uri(&in->c->from, &in->c->rules, &in->shown[0]) == 0)
			in->shown_cnt = 1;
		else
			a->calling_uri = in->c->from.raw;
	}
	if (is_odd || !is_one_number(in))
		return;
	a->calling[0] = in->shown[0];
	a->calling_cnt = 1;
}

/* To is what was signed; the Request-URI may have been retargeted, and speaks where To holds no number (standards
 * 3.1 step 6). */
static void read_called(struct inbound *in)
{
	struct verify_call *a = &in->asked;

	if (call_called_number(in->c, &in->c->to, &a->dest[0]))
		a->dest_cnt = 1;
	else
		a->dest_uri = in->c->to.raw;
	if (!call_called_number(in->c, &in->c->request_uri, &a->request))
		a->request = (struct tn){ 0 };
	else if (!a->dest_cnt)
		a->dest[a->dest_cnt++] = a->request;
}

static void read_time(struct inbound *in)
{
	const struct sip_row *row = sip_message_first(&in->c->e->msg, SIP_H_DATE);
	struct verify_call *a = &in->asked;

	a->now = in->c->env->now_ms / 1000;
	a->freshness_s = in->c->trunk->freshness_s;
	a->has_date = row != NULL;
	if (row && sip_date_parse(row->value, &a->date) < 0)
		a->date = DATE_BROKEN;
}

/* What engine_env may leave out, and the Call-ID that a signature is remembered with. */
static enum verdict_kind certificate(void *ctx, struct slice x5u, struct verdict *ret)
{
	const struct engine_env *env = ((const struct inbound *)ctx)->c->env;

	return env->certificate ? env->certificate(env->verify_ctx, x5u, ret) : VERDICT_UNKNOWN;
}

static int signature(void *ctx, const uint8_t point[CERT_POINT_LEN], struct slice text,
		     const uint8_t sig[PASSPORT_SIG_LEN])
{
	const struct engine_env *env = ((const struct inbound *)ctx)->c->env;

	return env->signature ? env->signature(env->verify_ctx, point, text, sig) : -EIO;
}

static bool replayed(void *ctx, const uint8_t sig[PASSPORT_SIG_LEN])
{
	const struct inbound *in = ctx;
	const struct engine_env *env = in->c->env;

	/* as long as it is fresh by the clock of whoever is ahead */
	return env->replayed && env->replayed(env->verify_ctx, sig, in->c->out->call_id,
					      in->asked.freshness_s + VERIFY_FUTURE_S);
}

static void tell_row(struct inbound *in, const struct verify_row *row)
{
	struct engine_output *out = in->c->out;

	out->attest = row->attest;
	out->origid = slice_str(row->origid);
	out->x5u = slice_str(row->x5u);
	memcpy(out->spc, row->spc, sizeof(out->spc));
	if (row->calling >= 0 && out->stir == EVENT_STIR_VERIFIED)
		in->verified = out->orig;
	if ((out->reason == SR_VERIFIED || out->reason == SR_PASSPORT_STALE) && row->iat >= 0 &&
	    row->iat <= IAT_MAX) {
		out->has_iat = true;
		out->iat_age_ms = in->c->env->now_ms - row->iat * 1000;
	}
}

static enum event_stir stir_of(enum verify_status status)
{
	switch (status) {
	case VERIFY_VERIFIED:
		return EVENT_STIR_VERIFIED;
	case VERIFY_MISSING:
		return EVENT_STIR_MISSING;
	case VERIFY_FAILED_CALL:
	case VERIFY_WAIT:
		break;
	}
	return EVENT_STIR_FAILED;
}

static void tell(struct inbound *in)
{
	const struct verify_result *r = &in->c->e->judged;
	struct engine_output *out = in->c->out;

	out->stir = stir_of(r->status);
	out->reason = r->reason;
	if (in->shown_cnt)
		out->orig = in->shown[0];
	if (in->asked.dest_cnt)
		out->dest = in->asked.dest[0];
	if (r->row >= 0)
		tell_row(in, &r->rows[r->row]);
	if (r->is_div_verified)
		out->notes |= EVENT_NOTE_DIVERTED;
}

void inbound_judge(struct inbound *in)
{
	bool wants_replays = in->policy->replay == REPLAY_FAIL;
	const struct verify_env env = { .certificate = certificate,
					.signature = signature,
					.replayed = wants_replays ? replayed : NULL,
					.ctx = in };
	struct verify_result *r = &in->c->e->judged;

	read_values(in);
	read_calling(in);
	read_called(in);
	read_time(in);
	if (verify_call_run(&in->asked, &env, r) < 0)
		*r = (struct verify_result){ .status = VERIFY_FAILED_CALL,
					     .reason = SR_VERIFY_FAILED,
					     .phrase = "",
					     .row = -1 };
	tell(in);
}
