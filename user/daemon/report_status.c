/* SPDX-License-Identifier: BSD-2-Clause */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "daemon/report.h"
#include "daemon/report_fragments.h"
#include "daemon/report_verification.h"

#define UNMATCHED_MAX 16

static const char *side_name(uint8_t side)
{
	if (side == SIPSEAL_SIDE_CORE)
		return "core";
	return side == SIPSEAL_SIDE_CARRIER ? "carrier" : "both";
}

static const char *policy_name(uint8_t policy)
{
	return policy == SIPSEAL_DROP ? "drop" : "pass";
}

static json_t *interfaces(const struct sipseald *d)
{
	json_t *list = json_array();

	for (unsigned i = 0; list && i < d->port_cnt; i++) {
		uint64_t c[SR_XDP_MAX] = { 0 }, sum = 0;
		json_t *o;

		bpfgw_counters(d->bpf, i, c);
		for (unsigned k = 0; k < SR_XDP_MAX; k++)
			sum += c[k];
		o = json_pack("{s:o,s:s,s:s}", "name", report_text(d->nics[i].name), "side",
			      side_name(d->ports[i].side), "xdp",
			      d->is_native[i] ? "native" : "generic");
		json_object_set_new(o, "queues", json_integer(d->nics[i].queues));
		json_object_set_new(o, "mtu_bytes", json_integer(d->nics[i].mtu));
		json_object_set_new(o, "packets_total", json_integer((json_int_t)sum));
		json_object_set_new(o, "packets", report_reasons(c, 0, SR_XDP_MAX, false));
		json_array_append_new(list, o);
	}
	return list;
}

/* Age of the oldest heartbeat; 0 where it cannot be known. */
static uint64_t heartbeat_age_ms(const struct sipseald *d)
{
	uint64_t oldest = 0, now = clock_mono_ns();

	for (unsigned i = 0; d->heartbeats && i < d->workers; i++) {
		uint64_t beat = d->heartbeats[i];
		uint64_t age = beat < now ? now - beat : 0;

		if (age > oldest)
			oldest = age;
	}
	return oldest / 1000000;
}

const char *report_signer_state(const struct sipseald *d)
{
	if (!d->signer.pid)
		return "down";
	return heartbeat_age_ms(d) > d->gateway->heartbeat_ms ? "stalled" : "running";
}

static json_t *signer(const struct sipseald *d)
{
	uint64_t age_ms = heartbeat_age_ms(d);
	struct counts_total t;
	json_t *o;

	counts_sum(&d->counts, &t);
	o = json_pack("{s:s,s:i,s:i,s:i,s:i,s:I,s:I}", "state", report_signer_state(d), "pid",
		      (int)d->signer.pid, "uid", (int)d->signer.uid, "workers", (int)d->workers,
		      "restarts", (int)d->restarts, "heartbeat_age_ms", (json_int_t)age_ms,
		      "frames_lost", (json_int_t)t.frames_lost);
	if (!o)
		return NULL;
	json_object_set_new(o, "lost_with_signer", json_integer((json_int_t)d->lost_with_signer));
	json_object_set_new(o, "frames_total", json_integer((json_int_t)t.frames_total));
	json_object_set_new(o, "frames_free", json_integer((json_int_t)t.frames_free));
	json_object_set_new(o, "ring_drops", json_integer((json_int_t)counts_ring_drops(&t)));
	json_object_set_new(o, "signatures", json_integer((json_int_t)t.signatures));
	json_object_set_new(o, "replay_entries", json_integer((json_int_t)t.replay_entries));
	json_object_set_new(o, "replay_bytes", json_integer((json_int_t)t.replay_bytes));
	json_object_set_new(o, "replay_evicted", json_integer((json_int_t)t.replay_evicted));
	return o;
}

static uint64_t take(uint64_t *from, uint64_t n)
{
	n = n < *from ? n : *from;
	*from -= n;
	return n;
}

/* Frames are counted by reason; those reasons that both directions have went to the outbound groups, and which of
 * them were inbound is known per trunk only. */
static void calls_move_inbound(const struct sipseald *d, uint64_t sum[CALL_STATUS_CNT], uint64_t *ret_dropped)
{
	for (const struct live_trunk *l = live_first(d->live); l; l = live_next(l)) {
		bool is_observing = l->trunk->mode == TRUNK_OBSERVE;
		uint64_t c[COUNTERS_SIGNER_REASONS];

		if (!l->trunk->verification.is_enabled)
			continue;
		counts_trunk(&d->counts, l->slot, COUNTERS_INBOUND, c);
		for (unsigned k = 0; k < COUNTERS_SIGNER_REASONS; k++) {
			enum call_status was = call_status_of(k + SR_XDP_MAX, NULL);
			enum call_status is = call_status_inbound(k + SR_XDP_MAX);
			uint64_t n;

			/* of one that observes the frame itself is in `observe` */
			if (was > CALL_DROPPED || (is_observing && k + SR_XDP_MAX != SR_OBSERVE))
				continue;
			n = take(&sum[was], c[k]);
			*(is == CALL_DROPPED ? ret_dropped : &sum[is]) += n;
		}
	}
}

static json_t *calls(const struct sipseald *d)
{
	uint64_t sum[CALL_STATUS_CNT] = { 0 }, inbound_dropped = 0;
	struct counts_total t;

	counts_sum(&d->counts, &t);
	for (unsigned i = 0; i < COUNTERS_SIGNER_REASONS; i++)
		sum[call_status_of(i + SR_XDP_MAX, NULL)] += t.reasons[i];
	/* refusals that a trunk's policy decides are known per trunk only */
	for (const struct live_trunk *l = live_first(d->live); l; l = live_next(l)) {
		uint64_t c[COUNTERS_SIGNER_REASONS];

		if (l->trunk->on_unsignable != UNSIGNABLE_REJECT || l->trunk->mode == TRUNK_OBSERVE)
			continue;
		counts_trunk(&d->counts, l->slot, COUNTERS_OUTBOUND, c);
		for (unsigned k = 0; k < COUNTERS_SIGNER_REASONS; k++) {
			if (call_status_of(k + SR_XDP_MAX, l->trunk) ==
			    call_status_of(k + SR_XDP_MAX, NULL))
				continue;
			sum[CALL_REJECTED] += c[k];
			sum[CALL_UNSIGNED] -= c[k] < sum[CALL_UNSIGNED] ? c[k] : sum[CALL_UNSIGNED];
		}
	}
	calls_move_inbound(d, sum, &inbound_dropped);
	return json_pack("{s:I,s:I,s:I,s:I,s:{s:I,s:I,s:I,s:I,s:I}}", "signed", (json_int_t)sum[CALL_SIGNED], "unsigned",
			 (json_int_t)sum[CALL_UNSIGNED], "rejected", (json_int_t)sum[CALL_REJECTED],
			 "dropped", (json_int_t)(sum[CALL_DROPPED] + counts_ring_drops(&t)), "inbound",
			 "verified", (json_int_t)sum[CALL_VERIFIED], "failed", (json_int_t)sum[CALL_FAILED],
			 "missing", (json_int_t)sum[CALL_MISSING], "unverified",
			 (json_int_t)sum[CALL_UNVERIFIED], "dropped", (json_int_t)inbound_dropped);
}

static json_t *address(const uint8_t addr[16], uint16_t port)
{
	static const uint8_t v4[12] = { [10] = 0xff, [11] = 0xff };
	char ip[INET6_ADDRSTRLEN], text[INET6_ADDRSTRLEN + 16];
	bool is_v4 = memcmp(addr, v4, sizeof(v4)) == 0;

	inet_ntop(is_v4 ? AF_INET : AF_INET6, is_v4 ? addr + 12 : addr, ip, sizeof(ip));
	snprintf(text, sizeof(text), is_v4 ? "%s:%u" : "[%s]:%u", ip, port);
	return json_string(text);
}

static uint64_t xdp_sum(const struct sipseald *d, unsigned a, unsigned b)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < d->port_cnt; i++) {
		uint64_t c[SR_XDP_MAX];

		if (bpfgw_counters(d->bpf, i, c) == 0)
			sum += c[a] + c[b];
	}
	return sum;
}

static json_t *unmatched(const struct sipseald *d)
{
	struct bpfgw_unmatched u[UNMATCHED_MAX];
	struct counts_total t;
	int cnt = bpfgw_unmatched_peers(d->bpf, u, UNMATCHED_MAX);
	json_t *list = json_array();

	counts_sum(&d->counts, &t);
	for (int i = 0; list && i < cnt; i++)
		json_array_append_new(
			list, json_pack("{s:o,s:o,s:I}", "source", address(u[i].src, u[i].src_port),
					"destination", address(u[i].dst, u[i].dst_port), "count",
					(json_int_t)u[i].count));
	return json_pack("{s:s,s:I,s:o}", "policy", policy_name(d->gateway->unmatched_invite),
			 "packets",
			 (json_int_t)(xdp_sum(d, SR_UNMATCHED_INVITE, SR_UNMATCHED_INVITE_DROPPED) +
				      t.reasons[SR_UNMATCHED_LATE - SR_XDP_MAX] +
				      t.reasons[SR_UNMATCHED_LATE_DROPPED - SR_XDP_MAX]),
			 "peers", list);
}

static json_t *trunks(const struct sipseald *d)
{
	size_t observe = 0, managed = 0;

	for (const struct live_trunk *t = live_first(d->live); t; t = live_next(t)) {
		observe += t->trunk->mode == TRUNK_OBSERVE;
		managed += t->trunk->is_managed;
	}
	return json_pack("{s:I,s:I,s:I}", "count", (json_int_t)live_cnt(d->live), "observe",
			 (json_int_t)observe, "managed", (json_int_t)managed);
}

json_t *report_regulatory(const struct sipseald *d)
{
	bool is_enabled = daemon_is_regulatory(d);
	json_t *o = json_pack("{s:b,s:o,s:s}", "enabled", is_enabled, "since",
			      report_time(d->regulatory_since), "by",
			      d->regulatory < 0 ? "configuration" : "request");

	if (o && !is_enabled)
		json_object_set_new(
			o, "warning",
			json_pack("{s:s,s:s,s:s}", "code", "regulatory_off", "level", "critical",
				  "text",
				  "regulatory.enabled is false: NOTHING is signed, verified or marked"));
	return o;
}

static json_t *events(const struct sipseald *d)
{
	struct callevents_totals t = { 0 };

	if (d->events)
		callevents_totals(d->events, &t);
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:i}", "events", (json_int_t)t.events,
			 "dropped_ring", (json_int_t)t.dropped_ring, "dropped_reader",
			 (json_int_t)t.dropped_reader, "dropped_file", (json_int_t)t.dropped_file,
			 "invalid", (json_int_t)t.invalid, "followers", (int)t.followers);
}

static json_t *capture(const struct sipseald *d)
{
	struct capturing_totals t;

	capturing_totals(d->capturing, &t);
	return json_pack("{s:i,s:I,s:I,s:I,s:I}", "readers", (int)t.readers, "invites", (json_int_t)t.invites, "lost_ring",
			 (json_int_t)t.lost_ring, "lost_reader", (json_int_t)t.lost_reader, "invalid",
			 (json_int_t)t.invalid);
}

json_t *report_status(const struct sipseald *d)
{
	static const char *const configured[] = {
		[FAST_PATH_AUTO] = "auto",
		[FAST_PATH_FORWARD] = "forward",
		[FAST_PATH_KERNEL] = "kernel",
	};
	json_t *certificates, *topology = topology_report(d),
		*o = json_pack("{s:s,s:I,s:I,s:s,s:b,s:s}", "version", SIPSEAL_VERSION,
			       "generation", (json_int_t)d->generation, "uptime_s",
			       (json_int_t)((clock_mono_ns() - d->started_ns) / 1000000000), "mode",
			       topology_mode(d), "regulatory_enabled",
			       daemon_is_regulatory(d), "on_signer_failure",
			       policy_name(d->gateway->on_signer_failure));

	if (!o) {
		json_decref(topology);
		return NULL;
	}
	if (topology)
		json_object_set_new(o, "topology", topology);
	json_object_set_new(o, "regulatory", report_regulatory(d));
	json_object_set_new(o, "fast_path",
			    json_pack("{s:s,s:s,s:o}", "mode",
				      d->is_forwarding ? "forward" : "kernel", "configured",
				      configured[d->gateway->fast_path], "why",
				      report_text(d->fast_path_why)));
	json_object_set_new(o, "calls", calls(d));
	json_object_set_new(o, "interfaces", interfaces(d));
	json_object_set_new(o, "signer", signer(d));
	certificates = report_certificates(d);
	json_object_set(o, "credentials", json_object_get(certificates, "certificates"));
	json_decref(certificates);
	json_object_set_new(o, "trunks", trunks(d));
	json_object_set_new(o, "verification", report_verification(d));
	json_object_set_new(o, "fragments", report_fragments(d));
	json_object_set_new(o, "events", events(d));
	json_object_set_new(o, "capture", capture(d));
	json_object_set_new(o, "overrides",
			    json_integer(d->dialplan ? (json_int_t)dialplan_cnt(d->dialplan) : 0));
	json_object_set_new(
		o, "other_transports",
		json_pack("{s:s,s:I}", "policy", policy_name(d->gateway->other_transports),
			  "packets",
			  (json_int_t)xdp_sum(d, SR_OTHER_TRANSPORT, SR_OTHER_TRANSPORT_DROPPED)));
	json_object_set_new(o, "unmatched_invite", unmatched(d));
	json_object_set_new(o, "warnings", report_warnings(d));
	return o;
}
