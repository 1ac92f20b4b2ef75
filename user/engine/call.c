/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/call.h"

#include <errno.h>

#define HOST_MAX 255 /* RFC 1035 s2.3.4 */

static const struct slice SOS = { "urn:service:sos", 15 };

bool call_is_emergency_uri(const struct policy_copy *p, const struct sip_uri *uri)
{
	struct slice user = uri->user;

	if (slice_iprefix(uri->raw, SOS))
		return uri->raw.len == SOS.len || memchr(".;?#", uri->raw.p[SOS.len], 4);
	if (uri->scheme != SIP_SCHEME_SIP && uri->scheme != SIP_SCHEME_SIPS &&
	    uri->scheme != SIP_SCHEME_TEL)
		return false;
	if (!user.p)
		return false;
	user.len = slice_find(user, ';');
	for (unsigned i = 0; i < p->emergency_cnt && i < SIPSEAL_EMERGENCY_MAX; i++)
		if (slice_eq(user, slice_of(p->emergency[i].digits, p->emergency[i].len)))
			return true;
	return false;
}

/* From and To hold exactly one address. */
static int read_address(const struct sip_row *row, struct sip_addr *ret_addr,
			struct sip_uri *ret_uri)
{
	struct slice value = row->value;

	if (sip_addr_next(&value, ret_addr) != 1 || slice_trim(value).len)
		return -EBADMSG;
	return sip_uri_parse(ret_addr->uri, ret_uri);
}

static bool is_anonymous_uri(const struct sip_uri *uri)
{
	static const struct slice invalid = { "anonymous.invalid", 17 };
	size_t at = uri->host.len >= invalid.len ? uri->host.len - invalid.len : 0;

	if (uri->user.p &&
	    slice_ieq(slice_of(uri->user.p, slice_find(uri->user, ';')), SLICE("anonymous")))
		return true;
	return uri->host.len >= invalid.len && slice_ieq(slice_cut(uri->host, at), invalid) &&
	       (at == 0 || uri->host.p[at - 1] == '.');
}

/* RFC 3323 s4.2: values separated by ';'; some send commas. */
static void read_privacy(struct call *c)
{
	const struct sip_row *row = sip_message_first(&c->e->msg, SIP_H_PRIVACY);

	for (; row; row = sip_message_next(&c->e->msg, row)) {
		struct slice rest = row->value;

		while (rest.len) {
			size_t n = 0;
			struct slice v;

			while (n < rest.len && rest.p[n] != ';' && rest.p[n] != ',')
				n++;
			v = slice_trim(slice_of(rest.p, n));
			c->has_privacy_id |= slice_ieq(v, SLICE("id"));
			c->has_privacy_none |= slice_ieq(v, SLICE("none"));
			rest = slice_cut(rest, n < rest.len ? n + 1 : n);
		}
	}
}

/* Remote-Party-ID ;privacy=full|uri|name: the number is not to be shown unless "off" or "none". */
static bool params_want_privacy(struct slice params)
{
	struct slice v;

	return sip_param_get(params, SLICE("privacy"), &v) == 1 && !slice_ieq(v, SLICE("off")) &&
	       !slice_ieq(v, SLICE("none"));
}

static bool rpid_wants_privacy(const struct sip_message *m)
{
	const struct sip_row *row = sip_message_first(m, SIP_H_RPID);

	for (; row; row = sip_message_next(m, row)) {
		struct slice value = row->value;
		struct sip_addr a;
		int r;

		while ((r = sip_addr_next(&value, &a)) == 1)
			if (params_want_privacy(a.params))
				return true;
		if (r == 0)
			continue;
		/* a name with a comma and no quotes, say: the wish behind the last '>' counts all
		 * the same */
		const char *gt = memrchr(value.p, '>', value.len);

		if (gt && params_want_privacy(slice_cut(value, (size_t)(gt + 1 - value.p))))
			return true;
	}
	return false;
}

/* A number that may be orig: canonical, no service number (design: N11, 988, short codes never
 * are ours to sign; inbound, numbers are only compared). */
static int orig_from_uri(const struct call *c, const struct sip_uri *uri, struct tn *ret)
{
	struct tn tn;
	int r = tn_from_uri(uri, &c->rules, &tn);

	if (r < 0)
		return r;
	if (tn.is_service && !c->in->is_inbound)
		return -EINVAL;
	*ret = tn;
	return 0;
}

/* A number is shown, but nobody can say whose it is: national without country code, too long, of no
 * numbering plan that the trunk's rules know. */
static bool is_odd_number(const struct sip_uri *uri, int tn_error)
{
	struct slice host = uri->host;

	if (tn_error == 0 || tn_error == -EDOM || tn_error == -ERANGE)
		return tn_error < 0;
	if (uri->user.p)
		return tn_is_shown(uri->user);
	/* "sip:12155550112" has a host that is a number, and no address */
	return host.len && host.p[0] != '[' && slice_find(host, '.') == host.len &&
	       tn_is_shown(host);
}

unsigned call_numbers(const struct call *c, enum sip_header h, struct tn *ret, unsigned max,
		      bool *ret_is_odd)
{
	const struct sip_row *row = sip_message_first(&c->e->msg, h);
	unsigned cnt = 0;

	for (; row; row = sip_message_next(&c->e->msg, row)) {
		struct slice value = row->value;
		struct sip_addr a;
		struct sip_uri uri;
		struct tn tn;
		int r, more;

		while ((more = sip_addr_next(&value, &a)) == 1) {
			r = sip_uri_parse(a.uri, &uri);
			if (r < 0) {
				*ret_is_odd = true;
				continue;
			}
			r = orig_from_uri(c, &uri, &tn);
			if (r == 0 && cnt < max)
				ret[cnt++] = tn;
			else if (r == 0 || is_odd_number(&uri, r))
				*ret_is_odd = true;
		}
		*ret_is_odd |= more < 0;
	}
	return cnt;
}

static void read_calling(struct call *c)
{
	struct tn tn;
	bool is_odd = false;

	for (unsigned i = 0; i < NUMBER_SOURCES_MAX && c->trunk->orig_from[i] != SOURCE_END; i++) {
		bool has = false;

		switch (c->trunk->orig_from[i]) {
		case SOURCE_PAI:
			has = c->pai_tn_cnt > 0;
			tn = c->pai_tn[0];
			break;
		case SOURCE_PPI:
			has = call_numbers(c, SIP_H_PPI, &tn, 1, &is_odd) == 1;
			break;
		case SOURCE_RPID:
			has = call_numbers(c, SIP_H_RPID, &tn, 1, &is_odd) == 1;
			break;
		case SOURCE_FROM:
			has = c->from_tn.len > 0;
			tn = c->from_tn;
			break;
		}
		if (has) {
			c->calling = tn;
			return;
		}
	}
}

static void read_rules(struct call *c)
{
	const struct policy_copy *p = c->in->policy;
	const struct policy_rule *rules =
		policy_table(p, c->trunk->rules, c->trunk->rule_cnt, sizeof(*rules));
	unsigned cnt = rules && c->trunk->rule_cnt <= POLICY_RULES_MAX ? c->trunk->rule_cnt : 0;

	for (unsigned i = 0; i < cnt; i++)
		c->rule_room[i] = (struct tn_rule){ policy_text(p, rules[i].prefix),
						    policy_text(p, rules[i].replace) };
	c->rules = (struct tn_rules){ c->rule_room, cnt, policy_text(p, c->trunk->country_code) };
}

/* An anonymous From is never orig; a number that somebody puts before "@anonymous.invalid" is shown
 * all the same. */
static void read_from_number(struct call *c)
{
	struct tn tn;
	int r = orig_from_uri(c, &c->from, &tn);

	c->from_is_odd_number = is_odd_number(&c->from, r);
	if (r < 0)
		return;
	if (!c->is_anonymous)
		c->from_tn = tn;
	else
		c->from_is_odd_number =
			!policy_number_inside(c->in->policy, c->trunk, tn_slice(&tn));
}

enum sipseal_reason call_read_addresses(struct call *c)
{
	const struct sip_message *m = &c->e->msg;
	struct sip_addr from, to;
	struct slice tag;

	if (read_address(sip_message_first(m, SIP_H_FROM), &from, &c->from) < 0 ||
	    read_address(sip_message_first(m, SIP_H_TO), &to, &c->to) < 0 ||
	    sip_uri_parse(m->request_uri, &c->request_uri) < 0)
		return SR_ADDRESS_SYNTAX;
	if (sip_param_get(to.params, SLICE("tag"), &tag) >= 0)
		return SR_IN_DIALOG;

	read_rules(c);
	c->is_emergency = call_is_emergency_uri(c->in->policy, &c->request_uri);
	return SR_NONE;
}

void call_read_caller(struct call *c)
{
	const struct sip_message *m = &c->e->msg;

	c->is_anonymous = is_anonymous_uri(&c->from);
	read_privacy(c);
	/* `none` is the caller's own word and is never touched (RFC 3323 s4.3): such a call is not
	 * restricted. Nothing of an emergency call is hidden or taken away. */
	c->is_restricted = !c->has_privacy_none && !c->is_emergency &&
			   (c->has_privacy_id || c->is_anonymous ||
			    c->trunk->privacy == PRIVACY_ID || rpid_wants_privacy(m));
	read_from_number(c);
	c->pai_tn_cnt =
		call_numbers(c, SIP_H_PAI, c->pai_tn, CALL_NUMBERS_MAX, &c->pai_is_odd_number);
	read_calling(c);
}

bool call_called_number(const struct call *c, const struct sip_uri *uri, struct tn *ret)
{
	/* an emergency number is what it is: no rule about prefixes speaks of it */
	bool as_it_is = c->is_emergency && call_is_emergency_uri(c->in->policy, uri);

	return tn_from_uri(uri, as_it_is ? NULL : &c->rules, ret) == 0;
}

struct slice call_domain(const struct call *c)
{
	struct slice d = policy_text(c->in->policy, c->trunk->pai_domain);

	if (d.p)
		return d;
	d = c->from.host;
	/* the host is copied into rows of ours: only what a host name or address consists of */
	if (!d.len || d.len > HOST_MAX || c->is_anonymous)
		return SLICE_NONE;
	for (size_t i = 0; i < d.len; i++)
		if (!memchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-",
			    d.p[i], 64))
			return SLICE_NONE;
	return d;
}

void call_edit(struct call *c, size_t off, size_t del, struct slice text)
{
	if (!text.p || sip_edits_add(&c->e->edits, off, del, text) < 0)
		c->has_failed = true;
}

void call_remove(struct call *c, enum sip_header h)
{
	const struct sip_row *row = sip_message_first(&c->e->msg, h);

	for (; row; row = sip_message_next(&c->e->msg, row))
		call_edit(c, sip_offset(&c->e->msg, row->line), row->line.len, SLICE(""));
}

size_t call_out_max(const struct call *c)
{
	return c->in->max_len && c->in->max_len < CALL_OUT_MAX ? c->in->max_len : CALL_OUT_MAX;
}

bool call_fits(const struct call *c)
{
	const struct sip_edits *e = &c->e->edits;
	size_t len = c->in->datagram.len, deleted = 0;

	for (unsigned i = 0; i < e->cnt; i++) {
		len += e->e[i].text.len;
		deleted += e->e[i].del;
	}
	return len - deleted <= call_out_max(c);
}

void call_edits_drop(struct call *c, unsigned at, unsigned cnt)
{
	struct sip_edits *e = &c->e->edits;

	memmove(e->e + at, e->e + at + cnt, (e->cnt - at - cnt) * sizeof(e->e[0]));
	e->cnt -= cnt;
}

void call_add_row(struct call *c, struct slice row)
{
	call_edit(c, c->e->msg.headers_end, 0, row);
}
