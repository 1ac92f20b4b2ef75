/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>

#include "base/reason.h"
#include "daemon/fetching.h"
#include "daemon/report.h"

/* Label values are interface names, trunk names and reason words: no quotes, backslashes or
 * newlines can be in them (NIC names are checked here, the others by the schema). */
static const char *nic_label(const char *name)
{
	for (const char *p = name; *p; p++)
		if (*p < 0x21 || *p > 0x7e || *p == '"' || *p == '\\')
			return "?";
	return name;
}

static void head(FILE *f, const char *name, const char *type, const char *help)
{
	fprintf(f, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void packets(FILE *f, const struct sipseald *d)
{
	head(f, "sipseal_packets_total", "counter",
	     "Packets that came in, by what XDP did with them.");
	for (unsigned i = 0; i < d->port_cnt; i++) {
		uint64_t c[SR_XDP_MAX];

		if (bpfgw_counters(d->bpf, i, c) < 0)
			continue;
		for (unsigned k = 0; k < SR_XDP_MAX; k++)
			if (reason_token(k)[0] != '?')
				fprintf(f, "sipseal_packets_total{nic=\"%s\",reason=\"%s\"} %llu\n",
					nic_label(d->nics[i].name), reason_token(k),
					(unsigned long long)c[k]);
	}
}

/* Trunks with traffic only.  In observe the one thing that happened is `observe`; what would have
 * happened is a family of its own, so that sums over this one count each INVITE once. */
static void invites_of(FILE *f, const struct sipseald *d, const struct live_trunk *t,
		       enum counters_direction direction, bool want_observed)
{
	bool is_observing = t->trunk->mode == TRUNK_OBSERVE, is_inbound = direction == COUNTERS_INBOUND;
	uint64_t c[COUNTERS_SIGNER_REASONS];

	if (want_observed && !is_observing)
		return;
	counts_trunk(&d->counts, t->slot, direction, c);
	for (unsigned k = 0; k < COUNTERS_SIGNER_REASONS; k++) {
		unsigned reason = k + SR_XDP_MAX;

		if (!c[k] || reason_is_fragment(reason) || (is_observing && want_observed == (reason == SR_OBSERVE)))
			continue;
		fprintf(f,
			"sipseal_%s_total{trunk=\"%s\",direction=\"%s\",status=\"%s\",reason=\"%s\"} %llu\n",
			want_observed ? "observed_invites" : "invites", t->name,
			is_inbound ? "inbound" : "outbound",
			call_status_name(is_inbound ? call_status_inbound(reason) :
						      call_status_of(reason, t->trunk)),
			reason_token(reason), (unsigned long long)c[k]);
	}
}

static void invites(FILE *f, const struct sipseald *d, bool want_observed)
{
	for (const struct live_trunk *t = live_first(d->live); t; t = live_next(t))
		for (enum counters_direction i = 0; i < COUNTERS_DIRECTIONS; i++)
			invites_of(f, d, t, i, want_observed);
}

static void skew(FILE *f, const struct sipseald *d)
{
	head(f, "sipseal_iat_skew_seconds", "gauge",
	     "Our clock less iat of inbound calls, moving mean; trunks with such calls only.");
	for (const struct live_trunk *t = live_first(d->live); t; t = live_next(t)) {
		struct counts_skew s;

		if (counts_trunk_skew(&d->counts, t->slot, &s))
			fprintf(f, "sipseal_iat_skew_seconds{trunk=\"%s\"} %.3f\n", t->name,
				(double)s.mean_ms / 1000);
	}
}

static void certificates(FILE *f, const struct sipseald *d)
{
	head(f, "sipseal_certificate_not_after_seconds", "gauge",
	     "When the certificate of a trunk expires (Unix time).");
	for (const struct live_trunk *t = live_first(d->live); t; t = live_next(t))
		if (t->credential && t->credential->now.info)
			fprintf(f, "sipseal_certificate_not_after_seconds{trunk=\"%s\"} %lld\n",
				t->name, (long long)t->credential->now.info->not_after);
}

/* Bucket i holds what took less than 2^(i+3) us; Prometheus wants sums from below, in seconds. */
static void histogram(FILE *f, const char *name, const char *help,
		      const uint64_t bucket[COUNTERS_BUCKETS], uint64_t sum_ns)
{
	uint64_t cnt = 0;

	head(f, name, "histogram", help);
	for (unsigned i = 0; i + 1 < COUNTERS_BUCKETS; i++) {
		cnt += bucket[i];
		fprintf(f, "%s_bucket{le=\"%.6f\"} %llu\n", name, (double)(8ull << i) / 1e6,
			(unsigned long long)cnt);
	}
	cnt += bucket[COUNTERS_BUCKETS - 1];
	fprintf(f, "%s_bucket{le=\"+Inf\"} %llu\n", name, (unsigned long long)cnt);
	fprintf(f, "%s_sum %.9f\n%s_count %llu\n", name, (double)sum_ns / 1e9, name,
		(unsigned long long)cnt);
}

static void gateway(FILE *f, const struct sipseald *d)
{
	struct callevents_totals t = { 0 };

	if (d->events)
		callevents_totals(d->events, &t);
	head(f, "sipseal_regulatory_enabled", "gauge",
	     "0 while nothing is signed, by regulatory.enabled.");
	fprintf(f, "sipseal_regulatory_enabled %d\n", daemon_is_regulatory(d));
	head(f, "sipseal_generation", "gauge", "Number of the configuration in force.");
	fprintf(f, "sipseal_generation %u\n", d->generation);
	head(f, "sipseal_events_dropped_total", "counter",
	     "Call events that a ring, a reader or the file lost.");
	fprintf(f, "sipseal_events_dropped_total %llu\n",
		(unsigned long long)(t.dropped_ring + t.dropped_reader + t.dropped_file));
}

/* One look-up is one certificate that an INVITE asked for. */
static void verification(FILE *f, const struct counts_total *t)
{
	head(f, "sipseal_verdict_lookups_total", "counter",
	     "Certificates that inbound INVITEs asked for: known (hit), or not yet (miss).");
	fprintf(f,
		"sipseal_verdict_lookups_total{result=\"hit\"} %llu\n"
		"sipseal_verdict_lookups_total{result=\"miss\"} %llu\n",
		(unsigned long long)t->verdict_hits, (unsigned long long)t->verdict_misses);
	head(f, "sipseal_parked", "gauge", "INVITEs that wait for their certificate now.");
	fprintf(f, "sipseal_parked %llu\n", (unsigned long long)t->parked);
	head(f, "sipseal_parked_total", "counter", "INVITEs that waited for their certificate.");
	fprintf(f, "sipseal_parked_total %llu\n", (unsigned long long)t->parked_ever);
	head(f, "sipseal_park_full_total", "counter",
	     "INVITEs that went on without waiting: there was no room.");
	fprintf(f, "sipseal_park_full_total %llu\n", (unsigned long long)t->park_full);
	histogram(f, "sipseal_wait_seconds", "Time that INVITEs waited for their certificate.",
		  t->wait_us, t->wait_ns_sum);
}

/* Of single fragments: what becomes of a datagram is an INVITE's reason. */
static void fragments(FILE *f, const struct counts_total *t)
{
	static const char *const steps[] = { "compact", "location", "pai" };
	const uint64_t shed[] = { t->shed_compact, t->shed_location, t->shed_pai };

	head(f, "sipseal_fragments_total", "counter", "Fragments that signers have handled, by what became of them.");
	for (unsigned i = SR_XDP_MAX; i < SR_MAX; i++)
		if (reason_is_fragment(i))
			fprintf(f, "sipseal_fragments_total{reason=\"%s\"} %llu\n", reason_token(i),
				(unsigned long long)t->reasons[i - SR_XDP_MAX]);
	head(f, "sipseal_fragments_held", "gauge", "Fragments that wait for the rest of their datagram now.");
	fprintf(f, "sipseal_fragments_held %llu\n", (unsigned long long)t->fragments_held);
	head(f, "sipseal_fragment_bytes", "gauge", "Memory that fragments which wait take.");
	fprintf(f, "sipseal_fragment_bytes %llu\n", (unsigned long long)t->fragment_bytes);
	head(f, "sipseal_fragment_limit_bytes", "gauge", "Memory that they may take at most.");
	fprintf(f, "sipseal_fragment_limit_bytes %llu\n", (unsigned long long)t->fragment_limit);
	head(f, "sipseal_datagrams_reassembled_total", "counter", "Datagrams that were put together.");
	fprintf(f, "sipseal_datagrams_reassembled_total %llu\n", (unsigned long long)t->datagrams_whole);
	head(f, "sipseal_fragments_mailed_total", "counter", "Fragments given to the worker that owns their flow.");
	fprintf(f, "sipseal_fragments_mailed_total %llu\n", (unsigned long long)t->mailed);
	head(f, "sipseal_shed_total", "counter", "INVITEs that left with less, to fit a datagram, by what was left out.");
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		fprintf(f, "sipseal_shed_total{step=\"%s\"} %llu\n", steps[i], (unsigned long long)shed[i]);
}

/* The fetcher is asked once.  Its counters start from zero with it. */
static void fetcher(FILE *f, const struct sipseald *d)
{
	char err[FETCHING_ERR_LEN];
	struct fetcher_stats s;

	if (!d->fetching)
		return;
	head(f, "sipseal_fetcher_up", "gauge", "1 while a fetcher runs.");
	fprintf(f, "sipseal_fetcher_up %d\n", fetching_is_up(d->fetching));
	head(f, "sipseal_fetcher_restarts_total", "counter", "Fetchers started after the first.");
	fprintf(f, "sipseal_fetcher_restarts_total %u\n", fetching_restarts(d->fetching));
	if (fetching_stats(d->fetching, &s, err) < 0)
		return;
	head(f, "sipseal_verdicts", "gauge", "Certificates that are known, by what they are worth.");
	fprintf(f, "sipseal_verdicts{kind=\"good\"} %u\nsipseal_verdicts{kind=\"bad\"} %u\n", s.good,
		s.bad);
	head(f, "sipseal_fetches_total", "counter", "Certificates that were asked of their servers.");
	fprintf(f,
		"sipseal_fetches_total{result=\"ok\"} %llu\n"
		"sipseal_fetches_total{result=\"failed\"} %llu\n",
		(unsigned long long)s.fetched, (unsigned long long)s.failed);
	head(f, "sipseal_fetches_over_budget_total", "counter",
	     "Certificates that were not asked for: the budget of the trunk or host was used up.");
	fprintf(f, "sipseal_fetches_over_budget_total %llu\n", (unsigned long long)s.over_budget);
}

static void signer(FILE *f, const struct sipseald *d)
{
	struct counts_total t;

	counts_sum(&d->counts, &t);
	verification(f, &t);
	fragments(f, &t);
	head(f, "sipseal_signer_up", "gauge", "1 while a signer runs.");
	fprintf(f, "sipseal_signer_up %d\n", d->signer.pid > 0);
	head(f, "sipseal_signer_restarts_total", "counter", "Signers started after the first.");
	fprintf(f, "sipseal_signer_restarts_total %u\n", d->restarts);
	head(f, "sipseal_frames_lost", "gauge",
	     "Frames of packet memory that nobody owns (must be 0).");
	fprintf(f, "sipseal_frames_lost %llu\n", (unsigned long long)t.frames_lost);
	head(f, "sipseal_ring_drops_total", "counter", "Steered frames that did not fit a ring.");
	fprintf(f, "sipseal_ring_drops_total %llu\n", (unsigned long long)counts_ring_drops(&t));
	head(f, "sipseal_signatures_total", "counter", "Signatures made.");
	fprintf(f, "sipseal_signatures_total %llu\n", (unsigned long long)t.signatures);
	histogram(f, "sipseal_sign_duration_seconds",
		  "Time that the signer took for an INVITE that it signed.", t.sign_us,
		  t.sign_ns_sum);
	histogram(f, "sipseal_added_latency_seconds",
		  "Time from XDP to the tx ring, of frames that left.", t.latency_us,
		  t.latency_ns_sum);
}

char *report_metrics(const struct sipseald *d)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	packets(f, d);
	head(f, "sipseal_invites_total", "counter",
	     "INVITEs that the signer handled, by trunk and outcome.");
	invites(f, d, false);
	head(f, "sipseal_observed_invites_total", "counter",
	     "What would have become of INVITEs of trunks in mode observe.");
	invites(f, d, true);
	skew(f, d);
	certificates(f, d);
	gateway(f, d);
	signer(f, d);
	fetcher(f, d);
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	return text;
}
