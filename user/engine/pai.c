/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pai - P-Asserted-Identity and Privacy (RFC 3325, RFC 3323).
 */
#include "engine/call.h"

static bool tn_from_text(struct slice digits, struct tn *ret)
{
	if (!digits.len || digits.len > TN_MAX)
		return false;
	*ret = (struct tn){ .len = (uint8_t)digits.len };
	memcpy(ret->digits, digits.p, digits.len);
	return true;
}

/* PAI is set only to a number inside, else to the default number, else not at all. */
static bool choose_number(const struct call *c, struct tn *ret)
{
	const struct policy_copy *p = c->in->policy;

	if (c->calling.len && policy_number_inside(p, c->trunk, tn_slice(&c->calling))) {
		*ret = c->calling;
		return true;
	}
	return tn_from_text(policy_text(p, c->trunk->pai_default_number), ret);
}

static void show(struct call *c, const struct tn *tn)
{
	c->shown[c->shown_cnt++] = *tn;
}

void pai_decide(struct call *c)
{
	bool has_pai = c->e->msg.count[SIP_H_PAI] > 0;
	bool is_removed = c->is_restricted && c->trunk->pai_restricted == RESTRICTED_REMOVE;

	switch (c->trunk->pai_mode) {
	case PAI_SET:
		/* nothing is taken from an emergency call: what it has stays */
		if (c->is_emergency && has_pai)
			break;
		c->want_pai_removed = has_pai;
		c->want_pai_set = !is_removed && choose_number(c, &c->pai_set);
		break;
	case PAI_KEEP:
		c->want_pai_removed = has_pai && is_removed;
		break;
	}
	if (c->want_pai_set)
		show(c, &c->pai_set);
	else if (!c->want_pai_removed)
		for (unsigned i = 0; i < c->pai_tn_cnt; i++)
			show(c, &c->pai_tn[i]);
	if (c->from_tn.len)
		show(c, &c->from_tn);
}

static void add_pai(struct call *c)
{
	struct slice domain = call_domain(c);
	struct text t = text_begin(c->e);

	text_puts(&t, "P-Asserted-Identity: <");
	text_puts(&t, domain.p ? "sip:+" : "tel:+");
	text_put(&t, tn_slice(&c->pai_set));
	if (domain.p) {
		text_puts(&t, "@");
		text_put(&t, domain);
	}
	text_puts(&t, ">\r\n");
	call_add_row(c, text_end(&t));
}

/* Rows that only say who is calling, and may be left out. */
static void add_optional(struct call *c, void (*add)(struct call *c))
{
	if (!c->pai_cnt)
		c->pai_at = c->e->edits.cnt;
	add(c);
	c->pai_cnt = c->e->edits.cnt - c->pai_at;
}

static void add_privacy_none(struct call *c)
{
	call_add_row(c, SLICE("Privacy: none\r\n"));
}

static void edit_privacy(struct call *c)
{
	const struct sip_message *m = &c->e->msg;
	const struct sip_row *row = sip_message_first(m, SIP_H_PRIVACY), *last = row;

	if (c->trunk->privacy == PRIVACY_OFF || c->has_privacy_none)
		return;
	if (!c->is_restricted) {
		if (!row && !c->is_emergency && c->want_pai_set && c->trunk->add_privacy_none)
			add_optional(c, add_privacy_none);
		return;
	}
	if (c->has_privacy_id)
		return;
	if (!row) {
		call_add_row(c, SLICE("Privacy: id\r\n"));
		return;
	}
	while ((row = sip_message_next(m, row)))
		last = row;
	call_edit(c, sip_offset(m, last->value) + last->value.len, 0,
		  last->value.len ? SLICE(";id") : SLICE("id"));
}

void pai_edit(struct call *c)
{
	if (c->want_pai_removed)
		call_remove(c, SIP_H_PAI);
	/* a hint for the trust domain's edge: gone where we answered it, or where it would tell
	 * (RFC 3325 s6) */
	if (!c->is_emergency && (c->want_pai_set || c->is_restricted))
		call_remove(c, SIP_H_PPI);
	if (c->is_restricted)
		call_remove(c, SIP_H_RPID);
	if (c->want_pai_set)
		add_optional(c, add_pai);
	edit_privacy(c);
}

/* Has the call a signature, ours or one that stays, for the number of that PAI? */
static bool is_signed_for_pai(const struct call *c)
{
	return c->out->reason == SR_SIGNED || c->out->reason == SR_ALREADY_SIGNED;
}

void pai_shed(struct call *c)
{
	bool is_in_from = slice_eq(tn_slice(&c->from_tn), tn_slice(&c->pai_set));

	if (!c->pai_cnt || (is_signed_for_pai(c) && !is_in_from))
		return;
	call_edits_drop(c, c->pai_at, c->pai_cnt);
	c->pai_cnt = 0;
	/* with the same number in From, orig and the attestation are what they were: the signature stays as it is */
	c->out->orig = c->from_tn;
	c->out->shed |= ENGINE_SHED_PAI;
}
