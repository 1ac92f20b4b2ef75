/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/report_verification.h"

#include <stdlib.h>

#include "base/clock.h"
#include "daemon/report.h"

#define HOSTS_MAX 10
#define SKEWS_MAX 10

/* A host that failed now and then is no news: certificate servers are strangers'. */
#define HOST_FAILS_MIN 3

/* What the fetcher says; has_stats false: it does not run. */
struct told {
	bool has_stats;
	struct fetcher_stats stats;
	struct fetcher_host *hosts;
	uint32_t host_cnt;
};

static void told_done(struct told *t)
{
	free(t->hosts);
}

static void told_ask(const struct sipseald *d, struct told *ret)
{
	char err[FETCHING_ERR_LEN];

	*ret = (struct told){ 0 };
	ret->has_stats = d->fetching && fetching_stats(d->fetching, &ret->stats, err) == 0;
	if (ret->has_stats)
		fetching_hosts(d->fetching, &ret->hosts, &ret->host_cnt, err);
}

static bool has_crl(const struct sipseald *d)
{
	return d->gateway->crl_path || d->gateway->crl_url;
}

static json_t *number(bool is_known, uint64_t n)
{
	return is_known ? json_integer((json_int_t)n) : json_null();
}

/* Lacks what it needs, and nobody has said that it should not verify. */
static bool is_without_anchors(const struct sipseald *d, const struct trunk *t)
{
	return !t->verification.is_enabled && !t->verification.is_given && !d->gateway->trust_anchors;
}

struct trunk_cnt {
	size_t verifying, off, without_anchors;
};

static struct trunk_cnt trunks_count(const struct sipseald *d)
{
	struct trunk_cnt n = { 0 };

	for (const struct live_trunk *t = live_first(d->live); t; t = live_next(t)) {
		if (t->trunk->verification.is_enabled)
			n.verifying++;
		else if (is_without_anchors(d, t->trunk))
			n.without_anchors++;
		else
			n.off++;
	}
	return n;
}

/* ---- clocks ---- */

/* One call that shows an old PASSporT says nothing of clocks. */
#define SKEW_CALLS 10

struct skew {
	const struct live_trunk *t;
	struct counts_skew s;
};

static json_t *skew_json(const struct counts_skew *s)
{
	return json_pack("{s:I,s:I,s:I,s:I}", "mean_ms", (json_int_t)s->mean_ms, "min_ms", (json_int_t)s->min_ms, "max_ms",
			 (json_int_t)s->max_ms, "calls", (json_int_t)s->cnt);
}

json_t *report_clock_skew(const struct sipseald *d, const struct live_trunk *t)
{
	struct counts_skew s;

	return counts_trunk_skew(&d->counts, t->slot, &s) ? skew_json(&s) : json_null();
}

static int64_t size_of(const struct counts_skew *s)
{
	return s->mean_ms < 0 ? -s->mean_ms : s->mean_ms;
}

/* Those of trunks that verify, the worst first.  Return: how many there are of SKEWS_MAX. */
static size_t skews_worst(const struct sipseald *d, struct skew ret[SKEWS_MAX])
{
	struct counts_total total;
	size_t cnt = 0;

	counts_sum(&d->counts, &total);
	if (!total.verdict_hits && !total.verdict_misses) /* memory of counters that nobody wrote stays unused */
		return 0;
	for (const struct live_trunk *t = live_first(d->live); t; t = live_next(t)) {
		struct skew s = { .t = t };
		size_t i;

		if (!t->trunk->verification.is_enabled || !counts_trunk_skew(&d->counts, t->slot, &s.s))
			continue;
		for (i = cnt < SKEWS_MAX ? cnt++ : SKEWS_MAX; i && size_of(&ret[i - 1].s) < size_of(&s.s); i--)
			if (i < SKEWS_MAX)
				ret[i] = ret[i - 1];
		if (i < SKEWS_MAX)
			ret[i] = s;
	}
	return cnt;
}

static json_t *skews(const struct sipseald *d)
{
	struct skew worst[SKEWS_MAX];
	size_t cnt = skews_worst(d, worst);
	json_t *list = json_array();

	for (size_t i = 0; list && i < cnt; i++) {
		json_t *o = skew_json(&worst[i].s);

		if (o)
			json_object_set_new(o, "trunk", report_text(worst[i].t->name));
		json_array_append_new(list, o);
	}
	return list;
}

/* ---- the fetcher ---- */

static json_t *fetcher(const struct sipseald *d)
{
	const struct proc *p;

	if (!d->fetching)
		return json_null();
	p = fetching_proc(d->fetching);
	return json_pack("{s:i,s:b,s:i,s:s,s:i}", "pid", (int)p->pid, "up", fetching_is_up(d->fetching), "restarts",
			 (int)fetching_restarts(d->fetching), "user", p->is_nobody ? "nobody" : FETCHER_USER, "uid",
			 (int)p->uid);
}

static json_t *cache(const struct sipseald *d, const struct told *told)
{
	const struct fetcher_stats *s = &told->stats;
	uint64_t evicted = s->evicted_good + s->evicted_bad; /* both are below 2^63 */
	struct counts_total t;
	double asked;
	json_t *o;

	counts_sum(&d->counts, &t);
	asked = (double)t.verdict_hits + (double)t.verdict_misses;
	o = json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "good", number(told->has_stats, s->good), "bad",
		      number(told->has_stats, s->bad), "stored", number(told->has_stats, s->stored), "stored_bytes",
		      number(told->has_stats, s->stored_bytes), "loading", number(told->has_stats, s->loading), "evicted",
		      number(told->has_stats, evicted > INT64_MAX ? INT64_MAX : evicted), "store_errors",
		      number(told->has_stats, s->store_errors));
	if (!o)
		return NULL;
	json_object_set_new(o, "hits", json_integer((json_int_t)t.verdict_hits));
	json_object_set_new(o, "misses", json_integer((json_int_t)t.verdict_misses));
	json_object_set_new(o, "hit_rate", asked > 0 ? json_real((double)t.verdict_hits / asked) : json_null());
	return o;
}

static json_t *fetches(const struct told *told)
{
	const struct fetcher_stats *s = &told->stats;

	return json_pack("{s:o,s:o,s:o,s:o}", "running", number(told->has_stats, s->running), "ok",
			 number(told->has_stats, s->fetched), "failed", number(told->has_stats, s->failed), "over_budget",
			 number(told->has_stats, s->over_budget));
}

/* Those that failed, as the fetcher has them: worst first. */
static json_t *hosts(const struct told *told)
{
	json_t *list = json_array();

	for (uint32_t i = 0; list && i < told->host_cnt && json_array_size(list) < HOSTS_MAX; i++) {
		const struct fetcher_host *h = &told->hosts[i];

		if (h->failed)
			json_array_append_new(list, json_pack("{s:o,s:I,s:I,s:o}", "host", report_text(h->host), "ok",
							      (json_int_t)h->ok, "failed", (json_int_t)h->failed, "last_error",
							      *h->last_error ? report_text(h->last_error) : json_null()));
	}
	return list;
}

static json_t *crl(const struct sipseald *d, const struct told *told)
{
	const struct fetcher_stats *s = &told->stats;

	if (!has_crl(d))
		return json_null();
	return json_pack("{s:s,s:o,s:o,s:o}", "policy", d->gateway->crl_policy == CRL_MODE_HARD ? "hard" : "soft", "at",
			 s->crl_at ? report_time(s->crl_at) : json_null(), "next_update",
			 s->crl_next_update ? report_time(s->crl_next_update) : json_null(), "error",
			 *s->crl_error ? report_text(s->crl_error) : json_null());
}

json_t *report_verification(const struct sipseald *d)
{
	CLEANUP(told_done) struct told told;
	struct trunk_cnt n = trunks_count(d);
	struct counts_total t;
	json_t *o;

	told_ask(d, &told); /* first: it may find that the fetcher has gone */
	counts_sum(&d->counts, &t);
	o = json_pack("{s:b,s:{s:I,s:I,s:I},s:o,s:o,s:o}", "enabled", n.verifying > 0, "trunks", "verifying",
		      (json_int_t)n.verifying, "off", (json_int_t)n.off, "without_anchors", (json_int_t)n.without_anchors,
		      "fetcher", fetcher(d), "cache", cache(d, &told), "fetches", fetches(&told));
	if (!o)
		return NULL;
	json_object_set_new(o, "hosts", hosts(&told));
	json_object_set_new(o, "crl", crl(d, &told));
	json_object_set_new(o, "parked", json_integer((json_int_t)t.parked));
	json_object_set_new(o, "parked_ever", json_integer((json_int_t)t.parked_ever));
	json_object_set_new(o, "park_full", json_integer((json_int_t)t.park_full));
	json_object_set_new(o, "seen_evicted", json_integer((json_int_t)t.seen_evicted));
	json_object_set_new(o, "clock_skew", skews(d));
	return o;
}

/* ---- what an operator should know ---- */

static void warn_crl(const struct sipseald *d, const struct told *told, json_t *list)
{
	const struct fetcher_stats *s = &told->stats;
	bool is_hard = d->gateway->crl_policy == CRL_MODE_HARD;
	const char *level = is_hard ? "critical" : "warning";
	const char *so = is_hard ? "no certificate counts (certificates.crl.policy hard)"
				 : "revoked certificates may count as good";
	int64_t now = (int64_t)(clock_real_ms() / 1000);

	if (!has_crl(d) || !told->has_stats)
		return;
	if (!s->crl_at)
		report_warn(list, level, "crl_missing", NULL, "there is no CRL%s%s%s: %s", *s->crl_error ? " (" : "",
			    s->crl_error, *s->crl_error ? ")" : "", so);
	else if (s->crl_next_update && s->crl_next_update <= now)
		report_warn(list, level, "crl_over", NULL, "the CRL is over%s%s: %s", *s->crl_error ? ": " : "", s->crl_error,
			    so);
	else if (*s->crl_error)
		report_warn(list, "notice", "crl_error", NULL, "the CRL could not be renewed, the former one holds: %s",
			    s->crl_error);
}

static void warn_fetcher(const struct sipseald *d, const struct told *told, json_t *list)
{
	const struct proc *p;

	if (!d->fetching)
		return;
	p = fetching_proc(d->fetching);
	if (p->is_nobody)
		report_warn(list, "warning", "fetcher_user", NULL, "the fetcher runs as nobody: make the user %s", FETCHER_USER);
	if (!fetching_is_up(d->fetching))
		report_warn(list, "warning", "fetcher_down", NULL,
			    "the fetcher is down%s%s: certificates that are not known yet are not fetched", *p->how ? ": " : "",
			    p->how);
	if (told->has_stats && told->stats.store_errors)
		report_warn(list, "notice", "cache_errors", NULL, "certificates could not be written to disk, or were damaged: %llu",
			    (unsigned long long)told->stats.store_errors);
	for (uint32_t i = 0, said = 0; i < told->host_cnt && said < 3; i++) {
		const struct fetcher_host *h = &told->hosts[i];

		if (h->failed < HOST_FAILS_MIN || h->failed <= h->ok)
			continue;
		said++;
		report_warn(list, "notice", "certificate_server", NULL, "certificates from %s: %llu fetches failed, %llu did not: %s",
			    h->host, (unsigned long long)h->failed, (unsigned long long)h->ok, h->last_error);
	}
}

static void warn_skews(const struct sipseald *d, json_t *list)
{
	struct skew worst[SKEWS_MAX];
	size_t cnt = skews_worst(d, worst);

	for (size_t i = 0; i < cnt; i++) {
		const struct trunk *t = worst[i].t->trunk;

		if (worst[i].s.cnt < SKEW_CALLS || size_of(&worst[i].s) <= (int64_t)t->freshness_s * 1000 / 2)
			continue;
		report_warn(list, "warning", "clock_skew", t->name,
			    "the clocks of callers are %lld ms %s ours on average; beyond %u s calls fail: is NTP running?",
			    (long long)size_of(&worst[i].s), worst[i].s.mean_ms > 0 ? "behind" : "ahead of", t->freshness_s);
	}
}

static void warn_counts(const struct sipseald *d, json_t *list)
{
	struct counts_total t;

	counts_sum(&d->counts, &t);
	if (t.park_full)
		report_warn(list, "warning", "park_full", NULL,
			    "inbound INVITEs that could not wait for their certificate, for too many did: %llu",
			    (unsigned long long)t.park_full);
	if (t.seen_evicted)
		report_warn(list, "warning", "seen_evicted", NULL,
			    "signatures forgotten before their time, so that a replay may have gone unseen: %llu",
			    (unsigned long long)t.seen_evicted);
}

void report_verification_warnings(const struct sipseald *d, json_t *list)
{
	CLEANUP(told_done) struct told told;
	size_t without = trunks_count(d).without_anchors;

	told_ask(d, &told);
	if (without)
		report_warn(list, "notice", "not_verified", NULL,
			    "inbound calls of %zu trunk%s are not verified: there are no certificates.trust_anchors", without,
			    without == 1 ? "" : "s");
	warn_fetcher(d, &told, list);
	warn_crl(d, &told, list);
	warn_counts(d, list);
	warn_skews(d, list);
}
