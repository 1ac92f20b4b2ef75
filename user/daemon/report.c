/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/report.h"

#include <time.h>

#include "base/reason.h"

uint64_t daemon_steered(const struct sipseald *d)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < d->port_cnt; i++) {
		uint64_t c[SR_XDP_MAX];

		if (bpfgw_counters(d->bpf, i, c) == 0)
			sum += c[SR_STEERED];
	}
	return sum - d->steered_base;
}

json_t *report_time(int64_t seconds)
{
	time_t t = (time_t)seconds;
	char buf[32];
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(buf, sizeof(buf), "%Y-%m-%dT%H:%M:%SZ", &tm))
		return json_null();
	return json_string(buf);
}

json_t *report_text(const char *s)
{
	json_t *j = s ? json_string(s) : json_null();

	return j ? j : json_string("(not text)"); /* no UTF-8 */
}

json_t *report_reasons(const uint64_t *counts, unsigned first, unsigned cnt, bool want_zero)
{
	json_t *o = json_object();

	for (unsigned i = 0; o && i < cnt; i++) {
		const char *token = reason_token(first + i);

		if (token[0] != '?' && (counts[i] || want_zero))
			json_object_set_new(o, token, json_integer((json_int_t)counts[i]));
	}
	return o;
}

static bool is_drop(unsigned reason)
{
	switch (reason) {
	case SR_STALE_FRAME:
	case SR_UNKNOWN_GENERATION:
	case SR_UNKNOWN_TRUNK:
	case SR_BAD_METADATA:
	case SR_BAD_FRAME:
	case SR_BAD_CHECKSUM:
	case SR_NO_FRAME:
	case SR_UNMATCHED_LATE_DROPPED:
		return true;
	default:
		return false;
	}
}

enum call_status call_status_inbound(unsigned reason)
{
	static const enum call_status of[] = { [EVENT_STIR_NONE] = CALL_UNVERIFIED,
					       [EVENT_STIR_VERIFIED] = CALL_VERIFIED,
					       [EVENT_STIR_FAILED] = CALL_FAILED,
					       [EVENT_STIR_MISSING] = CALL_MISSING };

	if (reason_is_fragment(reason))
		return CALL_NONE;
	return is_drop(reason) ? CALL_DROPPED : of[event_stir_of(reason)];
}

enum call_status call_status_of(unsigned reason, const struct trunk *t)
{
	if (is_drop(reason))
		return CALL_DROPPED;
	switch (reason) {
	case SR_SIGNED:
	case SR_RETRANSMISSION:
		return CALL_SIGNED;
	case SR_NUMBER_REFUSED:
		return CALL_REJECTED;
	case SR_NO_ORIG:
	case SR_NO_DEST:
	case SR_STALE_DATE:
	case SR_BAD_DATE:
	case SR_CERTIFICATE_INVALID:
	case SR_CERTIFICATE_MISSING:
	case SR_SIGN_FAILED:
		return t && t->on_unsignable == UNSIGNABLE_REJECT ? CALL_REJECTED : CALL_UNSIGNED;
	case SR_UNMATCHED_LATE:
		return CALL_UNSIGNED;
	default:
		return reason >= SR_VERIFIED ? call_status_inbound(reason) : CALL_UNSIGNED;
	}
}

const char *call_status_name(enum call_status s)
{
	static const char *const names[] = { "SIGNED", "UNSIGNED", "REJECTED", "DROPPED" };

	if (s < ARRAY_SIZE(names))
		return names[s];
	return event_stir_word(s == CALL_VERIFIED ? EVENT_STIR_VERIFIED :
			       s == CALL_FAILED	  ? EVENT_STIR_FAILED :
			       s == CALL_MISSING  ? EVENT_STIR_MISSING :
						    EVENT_STIR_NONE);
}

static json_t *calls_inbound(const struct sipseald *d, const struct live_trunk *t)
{
	uint64_t c[COUNTERS_SIGNER_REASONS], sum[CALL_STATUS_CNT] = { 0 };

	counts_trunk(&d->counts, t->slot, COUNTERS_INBOUND, c);
	for (unsigned i = 0; i < COUNTERS_SIGNER_REASONS; i++)
		if (i + SR_XDP_MAX != SR_OBSERVE)
			sum[call_status_inbound(i + SR_XDP_MAX)] += c[i];
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "verified", (json_int_t)sum[CALL_VERIFIED],
			 "failed", (json_int_t)sum[CALL_FAILED], "missing",
			 (json_int_t)sum[CALL_MISSING], "unverified",
			 (json_int_t)sum[CALL_UNVERIFIED], "dropped", (json_int_t)sum[CALL_DROPPED],
			 "observed", (json_int_t)c[SR_OBSERVE - SR_XDP_MAX]);
}

json_t *report_calls(const struct sipseald *d, const struct live_trunk *t)
{
	uint64_t c[COUNTERS_SIGNER_REASONS], sum[CALL_STATUS_CNT] = { 0 };

	counts_trunk(&d->counts, t->slot, COUNTERS_OUTBOUND, c);
	/* an INVITE of a trunk in observe counts twice: as observe, and as what was decided */
	for (unsigned i = 0; i < COUNTERS_SIGNER_REASONS; i++)
		if (i + SR_XDP_MAX != SR_OBSERVE)
			sum[call_status_of(i + SR_XDP_MAX, t->trunk)] += c[i];
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:o}", "signed", (json_int_t)sum[CALL_SIGNED],
			 "unsigned", (json_int_t)sum[CALL_UNSIGNED], "rejected",
			 (json_int_t)sum[CALL_REJECTED], "dropped", (json_int_t)sum[CALL_DROPPED],
			 "observed", (json_int_t)c[SR_OBSERVE - SR_XDP_MAX], "inbound",
			 calls_inbound(d, t));
}
