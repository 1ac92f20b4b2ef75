/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What bpf/gateway.bpf.c would do, in the order of its on_invite() and of inbound_invite() in bpf/inbound.h.
 * tests/unit/cli/test_explain.c has the table of cases that both must agree in.
 */
#include <errno.h>
#include <string.h>

#include "cli/explain.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* XDP gives up and takes a datagram of more of them for an INVITE, lest one hides behind them; the signer
 * finds none in it. */
static struct slice after_blanks(const struct explain *x)
{
	size_t i = 0;

	while (i < x->message_len &&
	       (x->message[i] == '\r' || x->message[i] == '\n' || is_blank(x->message[i])))
		i++;
	return slice_of(x->message + i, x->message_len - i);
}

/* bpf/packet.h: what some receivers take for an INVITE is not let past the signer either. */
static bool is_invite(struct slice s)
{
	return s.len >= 7 && slice_iprefix(s, SLICE("INVITE")) && !((s.p[6] | 0x20) >= 'a' && (s.p[6] | 0x20) <= 'z');
}

/* The request URI and what follows, or SLICE_NONE: no INVITE. */
static struct slice invite_uri(struct slice s)
{
	if (!is_invite(s))
		return SLICE_NONE;
	s = slice_of(s.p + 7, s.len - 7);
	while (s.len && is_blank(*s.p))
		s = slice_of(s.p + 1, s.len - 1);
	return s;
}

/* bpf/emergency.h: by the first bytes of the request URI, before anything is parsed. */
static bool is_emergency(const struct gateway *g, struct slice uri)
{
	static const struct { struct slice prefix; const char *ends; } schemes[] = {
		{ { "sip:", 4 }, ";@:" }, { { "sips:", 5 }, ";@:" }, { { "tel:", 4 }, "; \t" },
	};
	const struct slice sos = { "urn:service:sos", 15 };

	if (slice_iprefix(uri, sos))
		return uri.len == sos.len || strchr(". \t;?#\r\n", uri.p[sos.len]);
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
		struct slice user = uri;
		size_t n = 0;

		if (!slice_iprefix(uri, schemes[i].prefix))
			continue;
		user = slice_of(uri.p + schemes[i].prefix.len, uri.len - schemes[i].prefix.len);
		while (n < user.len && (!user.p[n] || !strchr(schemes[i].ends, user.p[n])))
			n++;
		for (unsigned e = 0; n < user.len && e < g->emergency_cnt; e++)
			if (slice_eq(slice_of(user.p, n), slice_str(g->emergency[e])))
				return true;
	}
	return false;
}

static bool is_sip_port(const struct gateway *g, uint16_t port)
{
	for (unsigned i = 0; i < g->sip_port_cnt; i++)
		if (g->sip_ports[i] == port)
			return true;
	return false;
}

static enum sipseal_reason unmatched(struct explain *x, struct slice uri)
{
	const struct gateway *g = x->gateway;

	if (!is_sip_port(g, x->to.port)) /* any traffic; `auto` may find the kernel better, too */
		return g->fast_path == FAST_PATH_KERNEL ? SR_KERNEL : SR_FORWARDED;
	if (g->unmatched_invite == SIPSEAL_PASS || !g->regulatory_enabled)
		return SR_UNMATCHED_INVITE;
	if (is_emergency(g, uri))
		return SR_EMERGENCY_PASSED;
	x->result.verdict = VERDICT_DROP;
	return SR_UNMATCHED_INVITE_DROPPED;
}

static const struct policy_trunk *trunk_at(const struct explain *x, int64_t slot)
{
	return slot < 0 ? NULL : policy_trunk_get(x->policy, (uint32_t)slot);
}

enum sipseal_reason explain_steer(struct explain *x)
{
	const struct match_tables *m = &x->assembled->match;
	struct slice uri = invite_uri(after_blanks(x));
	int64_t slot;

	x->result.verdict = VERDICT_PASS;
	if (!uri.p)
		return SR_NOT_INVITE;
	slot = match_lookup(m, x->to.addr, x->to.port, x->from.addr);
	if (slot >= 0) {
		x->direction = "outbound";
		x->slot = (uint32_t)slot;
		x->trunk = trunk_at(x, slot);
		return x->gateway->regulatory_enabled ? SR_STEERED : SR_REGULATORY_OFF;
	}
	/* a carrier peer talks: inbound, whoever it talks to */
	slot = match_lookup(m, x->from.addr, 0, x->to.addr);
	if (slot == -ENOENT)
		return unmatched(x, uri);
	if (match_lookup(m, x->to.addr, 0, x->from.addr) != -ENOENT)
		return SR_WRONG_SIDE;
	if (slot < 0) /* none of its customers */
		return unmatched(x, uri);
	x->direction = "inbound";
	x->slot = (uint32_t)slot;
	x->trunk = trunk_at(x, slot);
	if (!x->trunk || !x->trunk->verification.is_enabled)
		return SR_INBOUND_UNVERIFIED;
	return x->gateway->regulatory_enabled ? SR_STEERED : SR_REGULATORY_OFF;
}
