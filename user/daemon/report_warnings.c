/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/reason.h"
#include "daemon/expiry.h"
#include "daemon/oddities.h"
#include "daemon/report.h"
#include "daemon/report_fragments.h"
#include "daemon/report_verification.h"

#define TRUNK_WARNINGS_MAX 20

void report_warn(json_t *list, const char *level, const char *code, const char *trunk, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	json_t *o;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	o = json_pack("{s:s,s:s,s:o}", "code", code, "level", level, "text", report_text(text));
	if (o && trunk)
		json_object_set_new(o, "trunk", report_text(trunk));
	json_array_append_new(list, o);
}

#define warn(list, code, trunk, ...) report_warn(list, "warning", code, trunk, __VA_ARGS__)

/* By name for the first of them, so that a large configuration does not drown the rest. */
static void warn_trunk(json_t *list, size_t *cnt, const char *code, const struct trunk *t,
		       const char *text)
{
	if ((*cnt)++ < TRUNK_WARNINGS_MAX)
		warn(list, code, t->name, "%s", text);
}

static void warn_more(json_t *list, size_t cnt, const char *code)
{
	if (cnt > TRUNK_WARNINGS_MAX)
		warn(list, code, NULL, "the same for %zu more trunks", cnt - TRUNK_WARNINGS_MAX);
}

static void warn_trunks(const struct sipseald *d, json_t *list)
{
	size_t any = 0, always = 0;

	for (const struct live_trunk *l = live_first(d->live); l; l = live_next(l)) {
		const struct trunk *t = l->trunk;

		if (t->attestation == ATTEST_A && !t->has_numbers)
			warn_trunk(list, &any, "a_for_any_number", t,
				   "A for any number: attestation A without `numbers`");
		if (t->has_geolocation && t->geo_attach == GEO_ALWAYS)
			warn_trunk(list, &always, "location_always", t,
				   "a location is attached to every call: "
				   "extras.geolocation.attach always");
	}
	warn_more(list, any, "a_for_any_number");
	warn_more(list, always, "location_always");
}

static void warn_credential(const struct live_credential *c, int64_t now, json_t *list)
{
	const struct cert_info *info = c->now.info;
	const char *name = c->config.cert_path;
	enum expiry e = info ? expiry_of(info, now) : EXPIRY_FAR;
	char when[32];

	if (!info)
		report_warn(list, "critical", "certificate_missing", NULL,
			   "%s: cannot be read: its trunks do not sign", name);
	else if (c->is_refused)
		report_warn(list, "critical", "key_refused", NULL,
			   "%s: the signer refused its key %s: its trunks do not sign", name,
			   c->config.key_path);
	else if (e == EXPIRY_OVER)
		report_warn(list, "critical", "certificate_expired", NULL,
			   "%s: expired: its trunks do not sign", name);
	else if (now < info->not_before)
		report_warn(list, "critical", "certificate_not_yet_valid", NULL,
			   "%s: not yet valid: its trunks do not sign", name);
	else if (e != EXPIRY_FAR)
		report_warn(list, expiry_level(e), "certificate_expires", NULL, "%s: expires %s%s",
			   name, expiry_text(info->not_after, now, when),
			   e == EXPIRY_1_DAY ? ": renew it NOW, then sipseal cert reload" : "");
}

static void warn_credentials(const struct sipseald *d, json_t *list)
{
	int64_t now = (int64_t)(clock_real_ms() / 1000);
	const struct live_credential *c = live_credential_first(d->live);

	for (; c; c = live_credential_next(c))
		warn_credential(c, now, list);
}

/* What an operator has to know of: calls that were lost, or went by unsigned.  The code is the
 * reason's. */
static const struct {
	enum sipseal_reason reason;
	const char *text;
} by_reason[] = {
	{ SR_SIGNER_DOWN, "INVITEs passed unsigned or unverified while the signer was down" },
	{ SR_SIGNER_DOWN_DROPPED, "INVITEs were dropped while the signer was down" },
	{ SR_EMERGENCY_PASSED,
	  "packets of emergency calls passed unsigned or unverified, for the signer could not take them" },
	{ SR_WRONG_SIDE, "INVITEs to carrier peers came in on the carrier side: not signed" },
	{ SR_FRAGMENT, "IP fragments of trunks passed while the signer was down: calls in them are NOT signed or verified" },
	{ SR_FRAGMENT_DROPPED,
	  "IP fragments of trunks were dropped while the signer was down: calls in them are lost" },
	{ SR_VLAN, "VLAN-tagged INVITEs of trunks passed unsigned" },
	{ SR_VLAN_DROPPED, "VLAN-tagged INVITEs of trunks were dropped" },
	{ SR_OPAQUE,
	  "packets to carrier peers passed that could hide an INVITE behind their headers" },
	{ SR_OPAQUE_DROPPED,
	  "packets to carrier peers were dropped whose headers cannot be walked" },
	{ SR_RATE_LIMITED, "INVITEs were dropped: over max_cps of their trunks" },
	{ SR_FAIR_SHARE,
	  "INVITEs or fragments were dropped: the signer was overloaded, and their trunks had had their share" },
	{ SR_OPTIONS_WITHHELD,
	  "OPTIONS between trunk peers were withheld, for the signer was down: peers took this way for dead" },
	{ SR_NO_PEER_PORT, "packets were dropped, for the other interface cannot be sent to" },
};

/* One right checksum in 65,536 looks like one that is not whole (bpf/partial.h). */
#define PARTIAL_MIN   8
#define PARTIAL_SHARE 4096

static void warn_partial(const uint64_t sum[SR_XDP_MAX], json_t *list)
{
	uint64_t n = sum[SR_PARTIAL_CHECKSUM];

	if (n >= PARTIAL_MIN && n > sum[SR_FORWARDED] / PARTIAL_SHARE)
		warn(list, "partial_checksum", NULL,
		     "%llu packets came without a whole UDP checksum and went through the kernel: at the sender, "
		     "ethtool -K NIC tx off", (unsigned long long)n);
}

static void warn_packets(const struct sipseald *d, json_t *list)
{
	uint64_t sum[SR_XDP_MAX] = { 0 }, n;

	for (unsigned i = 0; i < d->port_cnt; i++) {
		uint64_t c[SR_XDP_MAX];

		if (bpfgw_counters(d->bpf, i, c) < 0)
			continue;
		for (unsigned k = 0; k < SR_XDP_MAX; k++)
			sum[k] += c[k];
	}
	n = sum[SR_OTHER_TRANSPORT] + sum[SR_OTHER_TRANSPORT_DROPPED];
	if (n)
		warn(list, "other_transports", NULL,
		     "%llu packets of TCP, TLS or SCTP went to SIP ports of trunks: calls in them "
		     "are %s",
		     (unsigned long long)n, sum[SR_OTHER_TRANSPORT] ? "NOT signed" : "dropped");
	n = sum[SR_UNMATCHED_INVITE] + sum[SR_UNMATCHED_INVITE_DROPPED];
	if (n)
		warn(list, "unmatched_invite", NULL, "INVITEs that matched no trunk: %llu, %s",
		     (unsigned long long)n,
		     sum[SR_UNMATCHED_INVITE] ? "passed unsigned" : "dropped");
	warn_partial(sum, list);
	for (size_t i = 0; i < ARRAY_SIZE(by_reason); i++)
		if ((n = sum[by_reason[i].reason]))
			warn(list, reason_token(by_reason[i].reason), NULL, "%llu %s",
			     (unsigned long long)n, by_reason[i].text);
}

static void warn_oddity(void *list, const struct oddity *o)
{
	report_warn(list, o->level, o->code, NULL, "%s", o->text);
}

/* A link that comes back is used again; a NIC that comes back is another one. */
static void warn_interfaces(const struct sipseald *d, json_t *list)
{
	for (unsigned i = 0; i < d->port_cnt; i++) {
		const struct nic *n = &d->nics[i];
		char err[NIC_ERR_LEN];
		struct nic now;
		int r;

		if (!n->ifindex) /* not looked up yet */
			continue;
		r = nic_get(n->name, &now, err);
		if (r == -ENODEV || (r == 0 && now.ifindex != n->ifindex))
			warn(list, "interface_gone", NULL,
			     "interface %s is gone: restart sipseald when it is back", n->name);
		else if (r == -ENETDOWN)
			warn(list, "interface_down", NULL, "interface %s is down", n->name);
		else if (r == 0 && !now.has_link)
			warn(list, "interface_down", NULL, "interface %s has no link: its cable, or the far end, is down",
			     n->name);
		else if (r == 0)
			oddities_look(d->gateway, d->is_forwarding, &now, warn_oddity, list);
	}
}

static void warn_machine(const struct sipseald *d, json_t *list)
{
	struct counts_total t;

	counts_sum(&d->counts, &t);
	if (!daemon_is_regulatory(d)) /* first of all */
		report_warn(list, "critical", "regulatory_off", NULL,
			   "regulatory.enabled is false: NOTHING is signed, verified or marked");
	if (!live_cnt(d->live))
		warn(list, "no_trunks", NULL,
		     "no trunks: packets are counted and forwarded, nothing is signed");
	if (d->is_ip_forward_off)
		warn(list, "ip_forward", NULL,
		     "net.ipv4.ip_forward is 0: the kernel forwards no IPv4");
	if (d->is_ip6_forward_off)
		warn(list, "ip6_forward", NULL,
		     "net.ipv6.conf.all.forwarding is 0: the kernel forwards no IPv6");
	if (d->signer.is_nobody)
		warn(list, "signer_user", NULL, "the signer runs as nobody: make the user %s",
		     SIGNER_USER);
	if (strcmp(report_signer_state(d), "running"))
		report_warn(list, "critical", "signer_not_running", NULL, "the signer is %s: INVITEs of trunks %s",
			    report_signer_state(d),
			    d->gateway->on_signer_failure == SIPSEAL_DROP ? "are dropped" : "pass unsigned or unverified");
	if (t.frames_lost)
		warn(list, "frames_lost", NULL,
		     "%llu frames of packet memory are lost: please report this",
		     (unsigned long long)t.frames_lost);
	if (counts_ring_drops(&t))
		warn(list, "ring_drops", NULL, "INVITEs dropped because a ring was full: %llu",
		     (unsigned long long)counts_ring_drops(&t));
	if (t.send_errors)
		warn(list, "send_errors", NULL,
		     "%llu frames could not be sent, or were dropped by the interface: their calls were repeated or lost",
		     (unsigned long long)t.send_errors);
}

json_t *report_warnings(const struct sipseald *d)
{
	json_t *list = json_array();

	if (!list)
		return NULL;
	warn_machine(d, list);
	warn_interfaces(d, list);
	topology_warnings(d, list);
	warn_packets(d, list);
	warn_credentials(d, list);
	report_fragments_warnings(d, list);
	report_verification_warnings(d, list);
	warn_trunks(d, list);
	return list;
}
