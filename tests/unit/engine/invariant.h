/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * invariant - what must hold between any datagram and what the engine made of it.
 *
 * Outbound.  No edit: the same bytes.  An edit: the request line, the order and bytes of every row that is not in the
 * list of what may change, and the bytes of the body are kept.
 * Inbound.  Unedited and not judged: no mark of ours.  Judged: one row of ours and no other mark, addresses that
 * say the same, everything else as it was.
 */
#ifndef SIPSEAL_TEST_INVARIANT_H
#define SIPSEAL_TEST_INVARIANT_H

#include "engine/engine.h"
#include "sip/uri.h"
#include "trunk/model.h"

static inline bool row_may_change(enum sip_header id)
{
	switch (id) {
	case SIP_H_PAI: case SIP_H_PPI: case SIP_H_RPID: case SIP_H_PRIVACY: case SIP_H_MARK:
	case SIP_H_GEOLOCATION: case SIP_H_CONTENT_LENGTH: case SIP_H_CONTENT_TYPE:
	case SIP_H_CONTENT_DISPOSITION: case SIP_H_CONTENT_LANGUAGE: case SIP_H_CONTENT_ID:
		return true;
	default:
		return false;
	}
}

/* Is @in in @out as it was, in one piece (wrapped) or in two (a part put between)? */
static inline bool is_kept_inside(struct slice in, struct slice out)
{
	size_t front = 0, back = 0;

	if (!in.len || memmem(out.p, out.len, in.p, in.len))
		return true;
	if (out.len < in.len)
		return false;
	while (front < in.len && in.p[front] == out.p[front])
		front++;
	while (back < in.len && in.p[in.len - 1 - back] == out.p[out.len - 1 - back])
		back++;
	return front + back >= in.len;
}

/* ---- inbound ---- */

static inline bool address_may_change(enum sip_header id)
{
	return id == SIP_H_FROM || id == SIP_H_PAI || id == SIP_H_PPI || id == SIP_H_RPID;
}

/* Who is it, but for verstat, names and brackets: the same addresses in the same order, the same tag. */
static inline bool is_same_who(const struct sip_row *x, const struct sip_row *y)
{
	struct slice a = x->value, b = y->value, tag_a, tag_b;
	struct sip_addr p, q;
	struct sip_uri u, v;
	int r;

	while ((r = sip_addr_next(&a, &p)) == 1) {
		if (sip_addr_next(&b, &q) != 1)
			return false;
		tag_a = tag_b = SLICE_NONE;
		if (sip_param_get(p.params, SLICE("tag"), &tag_a) != sip_param_get(q.params, SLICE("tag"), &tag_b) ||
		    !slice_eq(tag_a, tag_b))
			return false;
		if (sip_uri_parse(p.uri, &u) < 0) {
			if (!slice_eq(p.uri, q.uri))
				return false;
			continue;
		}
		if (sip_uri_parse(q.uri, &v) < 0 || u.scheme != v.scheme || !slice_eq(u.host, v.host) ||
		    !slice_eq(slice_of(u.user.p, slice_find(u.user, ';')), slice_of(v.user.p, slice_find(v.user, ';'))))
			return false;
	}
	return r < 0 || sip_addr_next(&b, &q) == 0;
}

static inline const struct policy_verification *verification(const struct engine_input *in)
{
	return &policy_trunk_get(in->policy, in->trunk)->verification;
}

static inline bool is_mark(const struct sip_row *row, struct slice ours)
{
	return row->id == SIP_H_MARK || (ours.p && slice_ieq(row->name, ours));
}

/* Do bytes that leave as they came hold a mark?  @verstat: that counts, too. */
static inline const char *mark_in_bytes(struct slice in, bool verstat)
{
	static const char *const words[] = { "verstat=", "x-stir-", "attestation-info", "origination-id",
					     "p-attestation-indicator", "p-origination-id" };
	static char text[SIP_MESSAGE_MAX + 1];
	size_t n = 0;
	const char *end;

	while (in.len && strchr("\r\n \t", *in.p) && *in.p)
		in = slice_cut(in, 1);
	end = in.len ? memmem(in.p, in.len, "\r\n\r\n", 4) : NULL;
	if (end)
		in.len = (size_t)(end - in.p);
	for (; n < in.len && n < sizeof(text); n++)
		text[n] = in.p[n] >= 'A' && in.p[n] <= 'Z' ? (char)(in.p[n] | 0x20) : in.p[n];
	for (size_t i = verstat ? 0 : 1; i < sizeof(words) / sizeof(words[0]); i++)
		if (memmem(text, n, words[i], strlen(words[i])))
			return words[i];
	return NULL;
}

/* An INVITE that was judged: which rows may differ, and how. */
static inline const char *judged_broken(const struct sip_message *a, const struct sip_message *b, struct slice ours)
{
	unsigned j = 0;

	for (unsigned i = 0; i < a->row_cnt; i++) {
		const struct sip_row *x = &a->rows[i];
		bool is_address = address_may_change(x->id);

		if (is_mark(x, ours) || (x->id == SIP_H_PAI && !b->count[SIP_H_PAI]))
			continue;
		while (j < b->row_cnt && b->rows[j].id == SIP_H_MARK)
			j++;
		if (j == b->row_cnt || x->id != b->rows[j].id ||
		    !(is_address ? is_same_who(x, &b->rows[j]) : slice_eq(x->line, b->rows[j].line)))
			return "a row that is not ours was changed, moved or lost";
		j++;
	}
	if (j + (ours.p ? 1 : 0) != b->row_cnt || (ours.p && !slice_ieq(b->rows[j].name, ours)))
		return "one row of ours is at the end, and no other";
	return slice_eq(a->body, b->body) ? NULL : "the body changed";
}

/** invariant_inbound_broken() - NULL, or what is wrong with @out, which leaves. */
static inline const char *invariant_inbound_broken(const struct engine *e, const struct engine_input *in,
						   const struct engine_output *o, struct slice out)
{
	static struct sip_message a, b;
	const struct policy_verification *v = verification(in);
	struct slice ours = policy_text(in->policy, v->result_header);
	bool is_on = in->policy->regulatory_enabled && v->is_enabled;

	if (!e->edits.cnt && !slice_eq(in->datagram, out))
		return "bytes changed without an edit";
	if (o->verdict != VERDICT_VERIFY) {
		if (e->edits.cnt)
			return "edited, and not judged";
		if (!is_on || o->reason == SR_OBSERVE || o->reason == SR_EMERGENCY_PASSED_LATE)
			return NULL;
		return mark_in_bytes(out, o->reason != SR_IN_DIALOG || v->carrier_verstat != VERSTAT_KEEP)
			       ? "unedited, and carries a mark" : NULL;
	}
	if (sip_message_parse(in->datagram.p, in->datagram.len, &a) != SR_NONE)
		return "judged a message that does not parse";
	if (sip_message_parse(out.p, out.len, &b) != SR_NONE) /* one row more than we take */
		return a.row_cnt == SIP_ROWS_MAX && ours.p ? NULL : "the result does not parse";
	if (a.rows[0].line.p - in->datagram.p != b.rows[0].line.p - out.p ||
	    memcmp(in->datagram.p, out.p, (size_t)(a.rows[0].line.p - in->datagram.p)))
		return "request line or leading CRLFs changed";
	return judged_broken(&a, &b, ours);
}

/** invariant_broken() - NULL, or what is wrong.  @may_drop_parts: the trunk replaces locations. */
static inline const char *invariant_broken(struct slice in, struct slice out, bool is_edited, bool may_drop_parts)
{
	static struct sip_message a, b;
	unsigned j = 0;

	if (!is_edited)
		return slice_eq(in, out) ? NULL : "bytes changed without an edit";
	if (sip_message_parse(in.p, in.len, &a) != SR_NONE)
		return "edited a message that does not parse";
	if (sip_message_parse(out.p, out.len, &b) != SR_NONE)
		return "the result does not parse";
	if (a.rows[0].line.p - in.p != b.rows[0].line.p - out.p ||
	    memcmp(in.p, out.p, (size_t)(a.rows[0].line.p - in.p)))
		return "request line or leading CRLFs changed";
	for (unsigned i = 0; i < a.row_cnt; i++) {
		if (row_may_change(a.rows[i].id))
			continue;
		while (j < b.row_cnt && !slice_eq(a.rows[i].line, b.rows[j].line))
			j++;
		if (j++ == b.row_cnt)
			return "a row that is not ours was changed, moved or lost";
	}
	if (may_drop_parts)
		return NULL;
	if (b.count[SIP_H_GEOLOCATION] <= a.count[SIP_H_GEOLOCATION])
		return slice_eq(a.body, b.body) ? NULL : "the body changed without a location";
	return is_kept_inside(a.body, b.body) ? NULL : "bytes of the body were changed or lost";
}

#endif
