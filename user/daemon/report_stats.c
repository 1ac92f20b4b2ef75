/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/clock.h"
#include "base/reason.h"
#include "daemon/report.h"

static json_t *count(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static json_t *interfaces(const struct sipseald *d, uint64_t *ret_sum)
{
	json_t *list = json_array();

	*ret_sum = 0;
	for (unsigned i = 0; list && i < d->port_cnt; i++) {
		uint64_t c[SR_XDP_MAX] = { 0 }, sum = 0;

		bpfgw_counters(d->bpf, i, c);
		for (unsigned k = 0; k < SR_XDP_MAX; k++)
			sum += c[k];
		*ret_sum += sum;
		json_array_append_new(list, json_pack("{s:o,s:o,s:o}", "name",
						      report_text(d->nics[i].name), "packets",
						      report_reasons(c, 0, SR_XDP_MAX, true),
						      "packets_total", count(sum)));
	}
	return list;
}

static json_t *totals(const struct counts_total *t)
{
	const struct {
		const char *key;
		uint64_t n;
	} fields[] = {
		{ "frames_total", t->frames_total },
		{ "frames_free", t->frames_free },
		{ "frames_rx", t->frames_rx },
		{ "frames_tx", t->frames_tx },
		{ "frames_lost", t->frames_lost },
		{ "sent_xsk", t->sent_xsk },
		{ "sent_raw", t->sent_raw },
		{ "sent_fragments", t->sent_fragments },
		{ "send_errors", t->send_errors },
		{ "bad_completions", t->bad_completions },
		{ "signatures", t->signatures },
		{ "replay_entries", t->replay_entries },
		{ "replay_bytes", t->replay_bytes },
		{ "replay_evicted", t->replay_evicted },
		{ "verdict_hits", t->verdict_hits },
		{ "verdict_misses", t->verdict_misses },
		{ "verified_by_table", t->verified_by_table },
		{ "parked", t->parked },
		{ "parked_ever", t->parked_ever },
		{ "park_full", t->park_full },
		{ "seen_evicted", t->seen_evicted },
		{ "fragments_held", t->fragments_held },
		{ "fragment_bytes", t->fragment_bytes },
		{ "fragment_limit_bytes", t->fragment_limit },
		{ "datagrams_whole", t->datagrams_whole },
		{ "mailed", t->mailed },
		{ "shed_compact", t->shed_compact },
		{ "shed_location", t->shed_location },
		{ "shed_pai", t->shed_pai },
		{ "cpu_ns", t->cpu_ns },
	};
	json_t *o = json_object();

	for (size_t i = 0; o && i < ARRAY_SIZE(fields); i++)
		json_object_set_new(o, fields[i].key, count(fields[i].n));
	if (o)
		json_object_set_new(
			o, "reasons",
			report_reasons(t->reasons, SR_XDP_MAX, COUNTERS_SIGNER_REASONS, true));
	return o;
}

static json_t *rings(const struct sipseald *d, const struct counts_total *t)
{
	static const char *const keys[COUNTS_XSK] = {
		"rx_dropped",	"rx_invalid",	 "tx_invalid",
		"rx_ring_full", "rx_fill_empty", "tx_ring_empty",
	};
	json_t *list = json_array();

	for (unsigned i = 0; list && i < d->port_cnt; i++) {
		json_t *o = json_pack("{s:o}", "name", report_text(d->nics[i].name));

		for (size_t k = 0; o && k < COUNTS_XSK; k++)
			json_object_set_new(o, keys[k], count(t->xsk[i][k]));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *workers(const struct sipseald *d)
{
	json_t *list = json_array();

	for (unsigned i = 0; list && i < d->workers; i++) {
		struct counts_total t;

		counts_worker(&d->counts, i, &t);
		json_array_append_new(list, totals(&t));
	}
	return list;
}

/* The two sums that hold (bpf/abi.h).  A frame that lies in a ring or a mailbox at this moment, or that went
 * down with a signer which has not been replaced yet, is `in_flight`. */
static json_t *sums(const struct sipseald *d, const struct counts_total *t, uint64_t xdp)
{
	uint64_t steered = daemon_steered(d), seen = counts_reasons_sum(t),
		 drops = counts_ring_drops(t);
	json_int_t in_flight =
		(json_int_t)steered - (json_int_t)(seen + drops + d->lost_with_signer + t->parked + t->fragments_held);

	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:I}", "xdp_reasons", count(xdp), "steered",
			 count(steered), "signer_reasons", count(seen), "ring_drops", count(drops),
			 "lost_with_signer", count(d->lost_with_signer), "parked", count(t->parked),
			 "fragments_held", count(t->fragments_held), "in_flight", in_flight);
}

/* What became of INVITEs, of the trunks that are there now. */
static json_t *invites(const struct sipseald *d, enum counters_direction direction)
{
	uint64_t sum[COUNTERS_SIGNER_REASONS] = { 0 }, c[COUNTERS_SIGNER_REASONS];

	for (const struct live_trunk *t = live_first(d->live); t; t = live_next(t)) {
		counts_trunk(&d->counts, t->slot, direction, c);
		for (size_t k = 0; k < COUNTERS_SIGNER_REASONS; k++)
			sum[k] += reason_is_fragment((unsigned)k + SR_XDP_MAX) ? 0 : c[k];
	}
	return report_reasons(sum, SR_XDP_MAX, COUNTERS_SIGNER_REASONS, true);
}

json_t *report_stats(const struct sipseald *d)
{
	struct counts_total t;
	json_t *o = json_object(), *signer;
	uint64_t xdp;

	counts_sum(&d->counts, &t);
	signer = totals(&t);
	if (!o || !signer) {
		json_decref(o);
		json_decref(signer);
		return NULL;
	}
	json_object_set_new(o, "time", report_time((int64_t)(clock_real_ms() / 1000)));
	json_object_set_new(o, "generation", count(d->generation));
	json_object_set_new(o, "interfaces", interfaces(d, &xdp));
	json_object_set_new(signer, "restarts", count(d->restarts));
	json_object_set_new(signer, "rings", rings(d, &t));
	json_object_set_new(signer, "per_worker", workers(d));
	json_object_set_new(o, "signer", signer);
	json_object_set_new(o, "invites",
			    json_pack("{s:o,s:o}", "outbound", invites(d, COUNTERS_OUTBOUND), "inbound",
				      invites(d, COUNTERS_INBOUND)));
	json_object_set_new(o, "sums", sums(d, &t, xdp));
	return o;
}
