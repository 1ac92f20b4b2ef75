/* SPDX-License-Identifier: BSD-2-Clause */
#include "config/render.h"
#include "daemon/report.h"
#include "daemon/report_verification.h"

static const char *attestation_name(enum attest_policy a)
{
	switch (a) {
	case ATTEST_A:
		return "A";
	case ATTEST_B:
		return "B";
	case ATTEST_C:
		return "C";
	case ATTEST_REJECT:
		return "reject";
	case ATTEST_NONE:
		break;
	}
	return "none";
}

static json_t *peers(const struct peer *p, size_t cnt)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < cnt; i++) {
		char text[64];

		peer_format(&p[i], text);
		json_array_append_new(list, report_text(text));
	}
	return list;
}

static json_t *reasons(const struct sipseald *d, const struct live_trunk *t,
		       enum counters_direction direction)
{
	uint64_t c[COUNTERS_SIGNER_REASONS];

	counts_trunk(&d->counts, t->slot, direction, c);
	return report_reasons(c, SR_XDP_MAX, COUNTERS_SIGNER_REASONS, false);
}

static json_t *state(const struct sipseald *d, const struct live_trunk *t)
{
	json_t *o = json_pack("{s:i,s:o,s:b,s:o,s:I,s:o,s:o}", "slot", (int)t->slot, "file",
			      report_text(t->trunk->file), "managed", t->trunk->is_managed, "calls",
			      report_calls(d, t), "numbers_count", (json_int_t)t->trunk->number_cnt,
			      "reasons", reasons(d, t, COUNTERS_OUTBOUND), "reasons_inbound",
			      reasons(d, t, COUNTERS_INBOUND));

	if (o)
		json_object_set_new(o, "clock_skew", report_clock_skew(d, t));
	if (o)
		json_object_set_new(o, "credential",
				    t->credential ? report_credential(d, t->credential)
						  : json_null());
	return o;
}

json_t *report_trunk(const struct sipseald *d, const struct live_trunk *t)
{
	json_t *o = render_trunk(t->trunk);

	if (o)
		json_object_set_new(o, "state", state(d, t));
	return o;
}

static json_t *summary(const struct sipseald *d, const struct live_trunk *l)
{
	const struct trunk *t = l->trunk;

	return json_pack("{s:o,s:s,s:s,s:b,s:b,s:o,s:o,s:b,s:o}", "name", report_text(t->name), "mode",
			 t->mode == TRUNK_OBSERVE ? "observe" : "enforce", "attestation",
			 attestation_name(t->attestation), "any_number",
			 t->attestation == ATTEST_A && !t->has_numbers, "verification",
			 t->verification.is_enabled, "carrier",
			 peers(t->carrier_peers, t->carrier_cnt), "core",
			 peers(t->core_peers, t->core_cnt), "managed", t->is_managed, "calls",
			 report_calls(d, l));
}

json_t *report_trunks(const struct sipseald *d)
{
	json_t *list = json_array();

	for (const struct live_trunk *t = live_first(d->live); list && t; t = live_next(t))
		json_array_append_new(list, summary(d, t));
	return json_pack("{s:o}", "trunks", list);
}
