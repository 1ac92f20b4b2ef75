/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the PBX gets to see of the verdict: a header of ours, verstat, a label before the name; and
 * what others wrote there goes (design section 6, 3GPP TS 24.229 s7.2A.20).
 */
#include "engine/inbound.h"

#define VERSTAT "verstat"

/* What becomes of addresses. */
struct marks {
	struct inbound *in;
	bool want_stripped;	    /* verstat of others goes */
	bool is_pai_kept;	    /* there is one, and it stays */
	enum sip_header verstat_in; /* PAI or From; SIP_H_OTHER: nowhere */
	struct slice verstat;	    /* ";verstat=..." */
	enum sip_header label_in;
	struct slice label; /* p NULL: none */
};

/* One address, and what is to be done with it. */
struct target {
	const struct sip_addr *a;
	struct sip_uri uri;
	bool has_uri, is_bare; /* bare: without "<>" */
	bool want_verstat, want_label;
};

static void remove_marks(struct inbound *in)
{
	const struct sip_message *m = &in->c->e->msg;

	for (unsigned i = 0; i < m->row_cnt; i++) {
		const struct sip_row *row = &m->rows[i];
		bool is_ours = in->result_header.p && slice_ieq(row->name, in->result_header);

		if (row->id == SIP_H_MARK || is_ours)
			call_edit(in->c, sip_offset(m, row->line), row->line.len, SLICE(""));
		else if (!in->c->is_emergency && inbound_has_forged_fold(row->line, in->result_header))
			in->c->has_failed = true; /* half a row is not taken away */
	}
}

static void add_result(struct inbound *in)
{
	const struct engine_output *out = in->c->out;
	struct text t = text_begin(in->c->e);
	char attest[2] = { out->attest };

	if (!in->result_header.p)
		return;
	text_put(&t, in->result_header);
	switch (out->stir) {
	case EVENT_STIR_VERIFIED:
		text_puts(&t, ": STIR_VERIFIED");
		if (out->attest) {
			text_puts(&t, ";attest=");
			text_puts(&t, attest);
		}
		if (out->origid.len) {
			text_puts(&t, ";origid=");
			text_put(&t, out->origid);
		}
		break;
	case EVENT_STIR_MISSING:
		text_puts(&t, ": STIR_MISSING");
		break;
	case EVENT_STIR_FAILED:
	case EVENT_STIR_NONE:
		text_puts(&t, ": STIR_FAILED;reason=");
		text_puts(&t, reason_token(out->reason));
		if (in->c->e->judged.code) {
			text_puts(&t, ";code=");
			text_put_number(&t, in->c->e->judged.code);
		}
		break;
	}
	text_puts(&t, "\r\n");
	call_add_row(in->c, text_end(&t));
}

/* p NULL: there is no verdict to tell. */
static struct slice verstat_text(const struct inbound *in)
{
	switch (in->c->out->stir) {
	case EVENT_STIR_VERIFIED:
		return SLICE(";verstat=TN-Validation-Passed");
	case EVENT_STIR_MISSING:
		return SLICE(";verstat=No-TN-Validation");
	case EVENT_STIR_FAILED:
	case EVENT_STIR_NONE:
		break;
	}
	return in->is_proven_bad ? SLICE(";verstat=TN-Validation-Failed") : SLICE_NONE;
}

/* Is our word about this number?  One that was not compared is neither good nor bad. */
static bool is_about(const struct inbound *in, const struct tn *tn)
{
	if (in->c->out->stir == EVENT_STIR_MISSING)
		return true;
	if (in->c->out->stir == EVENT_STIR_VERIFIED)
		return in->verified.len && tn_eq(&in->verified, tn);
	for (unsigned i = 0; i < in->shown_cnt; i++)
		if (tn_eq(&in->shown[i], tn))
			return true;
	return false;
}

static bool takes_verstat(const struct marks *k, enum sip_header h, const struct sip_uri *uri)
{
	struct tn tn;

	return k->verstat.p && k->verstat_in == h && tn_from_uri(uri, &k->in->c->rules, &tn) == 0 &&
	       is_about(k->in, &tn);
}

/* Is there an address that our verstat goes into? */
static bool has_place(const struct marks *k)
{
	const struct sip_message *m = &k->in->c->e->msg;
	const struct sip_row *row = k->verstat.p ? sip_message_first(m, k->verstat_in) : NULL;

	for (; row; row = sip_message_next(m, row)) {
		struct slice value = row->value;
		struct sip_addr a;
		struct sip_uri uri;

		while (sip_addr_next(&value, &a) == 1)
			if (sip_uri_parse(a.uri, &uri) == 0 &&
			    takes_verstat(k, k->verstat_in, &uri))
				return true;
	}
	return false;
}

static void at(struct marks *k, const char *p, size_t del, struct slice text)
{
	struct call *c = k->in->c;

	call_edit(c, (size_t)(p - c->e->msg.raw.p), del, text);
}

/* ";verstat=..." of a user part, of a tel: number, or behind a host. */
static void strip_uri(struct marks *k, struct slice s)
{
	size_t n = slice_find(s, ';');

	for (s = slice_cut(s, n); s.len; s = slice_cut(s, n)) {
		struct slice param = slice_cut(s, 1);

		param.len = slice_find(param, ';');
		n = 1 + param.len;
		param.len = slice_find(param, '=');
		if (param.len && inbound_verstat_len(param) == param.len)
			at(k, s.p, n, SLICE(""));
	}
}

static bool is_lws(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The same behind the address, where it is a parameter of the header; blanks and folds before it go
 * with it, or a line of blanks might be left. */
static void strip_params(struct marks *k, const struct sip_addr *a)
{
	const char *kept = a->uri.p + a->uri.len; /* nothing before it is taken */
	struct slice name, value, params = a->params, rest = a->params;

	while (sip_param_next(&rest, &name, &value) == 1) {
		const char *from = params.p;

		while (from > kept && is_lws(from[-1]))
			from--;
		if (slice_ieq(name, SLICE(VERSTAT))) {
			at(k, from, (size_t)(rest.p - from), SLICE(""));
			kept = rest.p;
		}
		params = rest;
	}
}

static struct slice made(struct marks *k, const char *front, struct slice middle, const char *back)
{
	struct text t = text_begin(k->in->c->e);

	text_puts(&t, front);
	text_put(&t, middle);
	text_puts(&t, back);
	return text_end(&t);
}

/* The label stands inside the quotes of the name; a name of tokens gets quotes, of which it can
 * hold none (RFC 3261 s25.1). */
static void add_label(struct marks *k, const struct target *g)
{
	struct slice name = g->a->display;

	if (g->is_bare) {
		at(k, g->a->uri.p, 0, made(k, "\"", k->label, "\" "));
	} else if (name.p[-1] == '"') {
		at(k, name.p, 0, made(k, "", k->label, name.len ? " " : ""));
	} else if (name.len) {
		at(k, name.p, 0, made(k, "\"", k->label, " "));
		at(k, name.p + name.len, 0, SLICE("\""));
	} else {
		at(k, g->a->uri.p - 1, 0, made(k, "\"", k->label, "\" "));
	}
}

/* Without "<>" a ';' would begin a parameter of the header (RFC 3261 s20). */
static void edit_address(struct marks *k, const struct target *g)
{
	const char *uri_end = g->a->uri.p + g->a->uri.len;
	bool wants_brackets = g->is_bare && (g->want_label || g->want_verstat);

	if (g->want_label)
		add_label(k, g);
	if (wants_brackets)
		at(k, g->a->uri.p, 0, SLICE("<"));
	if (k->want_stripped && g->has_uri) {
		if (g->uri.user.p)
			strip_uri(k, g->uri.user);
		strip_uri(k, g->uri.params);
	}
	if (g->want_verstat)
		at(k, g->uri.user.p + g->uri.user.len, 0, k->verstat);
	if (wants_brackets)
		at(k, uri_end, 0, SLICE(">"));
	if (k->want_stripped)
		strip_params(k, g->a);
}

static bool has_verstat(struct slice s)
{
	for (; s.len; s = slice_cut(s, 1))
		if (inbound_may_begin_verstat(*s.p) && inbound_is_verstat_at(s))
			return true;
	return false;
}

/* A verstat that no edit since @first takes out (in a name, behind what does not parse): then we
 * cannot edit the message. */
static void check_stripped(struct marks *k, const struct sip_row *row, unsigned first)
{
	const struct sip_message *m = &k->in->c->e->msg;
	const struct sip_edits *e = &k->in->c->e->edits;
	struct slice rest = row->value;

	for (unsigned i = first; i < e->cnt; i++) {
		size_t n = e->e[i].off - sip_offset(m, rest);

		if (!e->e[i].del)
			continue;
		if (has_verstat(slice_of(rest.p, n)))
			k->in->c->has_failed = true;
		rest = slice_cut(rest, n + e->e[i].del);
	}
	if (has_verstat(rest))
		k->in->c->has_failed = true;
}

static void edit_row(struct marks *k, const struct sip_row *row)
{
	bool is_first = row == sip_message_first(&k->in->c->e->msg, row->id);
	unsigned edit_cnt = k->in->c->e->edits.cnt;
	struct slice value = row->value;
	struct sip_addr a;

	while (sip_addr_next(&value, &a) == 1) {
		struct target g = { .a = &a, .is_bare = a.uri.p[-1] != '<' };

		g.has_uri = sip_uri_parse(a.uri, &g.uri) == 0;
		g.want_verstat = g.has_uri && takes_verstat(k, row->id, &g.uri);
		g.want_label = k->label.p && k->label_in == row->id && is_first;
		edit_address(k, &g);
		is_first = false;
	}
	if (k->want_stripped)
		check_stripped(k, row, edit_cnt);
}

static void edit_rows(struct marks *k, enum sip_header h)
{
	const struct sip_message *m = &k->in->c->e->msg;
	const struct sip_row *row = sip_message_first(m, h);

	for (; row; row = sip_message_next(m, row))
		edit_row(k, row);
}

/* As verstat, no word about a call whose certificate is only late.  Printable, and nothing that ends or
 * escapes in a quoted string. */
static struct slice label_text(const struct inbound *in)
{
	const struct engine_output *out = in->c->out;
	unsigned kind = LABEL_CNT;
	struct slice s;

	if (out->stir == EVENT_STIR_MISSING)
		kind = LABEL_MISSING;
	else if (in->is_proven_bad)
		kind = LABEL_FAILED;
	else if (out->stir == EVENT_STIR_VERIFIED && out->attest >= 'A' && out->attest <= 'C')
		kind = LABEL_A + (unsigned)(out->attest - 'A');
	if (kind == LABEL_CNT)
		return SLICE_NONE;
	s = policy_text(in->c->in->policy, in->policy->label[kind]);
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] < 0x20 || s.p[i] >= 0x7f || s.p[i] == '"' || s.p[i] == '\\')
			return SLICE_NONE;
	return s.len ? s : SLICE_NONE;
}

static bool is_first_pai_readable(const struct sip_message *m)
{
	const struct sip_row *row = sip_message_first(m, SIP_H_PAI);
	struct slice value = row ? row->value : SLICE_NONE;
	struct sip_addr a;

	return row && sip_addr_next(&value, &a) == 1;
}

/* What the carrier said stays only while we have nothing to say ourselves. */
static bool wants_stripped(const struct marks *k)
{
	const struct inbound *in = k->in;

	return in->policy->carrier_verstat == VERSTAT_STRIP ||
	       in->c->out->stir == EVENT_STIR_VERIFIED || in->is_proven_bad || has_place(k);
}

/* Has the carrier said something? */
static bool has_foreign(const struct marks *k)
{
	const struct sip_message *m = &k->in->c->e->msg;

	for (unsigned i = 0; i < m->row_cnt; i++) {
		const struct sip_row *row = &m->rows[i];
		bool is_shown = row->id == SIP_H_FROM || (row->id == SIP_H_PAI && k->is_pai_kept);

		if (is_shown && has_verstat(row->value))
			return true;
	}
	return false;
}

static void plan(struct marks *k)
{
	const struct inbound *in = k->in;
	const struct sip_message *m = &in->c->e->msg;

	k->is_pai_kept = m->count[SIP_H_PAI] && (in->policy->trust_pai || in->is_privileged);
	k->verstat = verstat_text(in);
	k->verstat_in = SIP_H_OTHER;
	if (in->policy->verstat == VERSTAT_FROM)
		k->verstat_in = SIP_H_FROM;
	else if (in->policy->verstat == VERSTAT_PAI && k->is_pai_kept)
		k->verstat_in = SIP_H_PAI;
	else
		k->verstat = SLICE_NONE;
	/* many carriers verify and take the Identity away: nothing of ours stands against their word */
	if (k->verstat.p && in->c->out->stir == EVENT_STIR_MISSING &&
	    in->policy->carrier_verstat == VERSTAT_KEEP && has_foreign(k))
		k->verstat = SLICE_NONE;
	k->label = label_text(in);
	k->label_in = k->is_pai_kept && is_first_pai_readable(m) ? SIP_H_PAI : SIP_H_FROM;
	k->want_stripped = wants_stripped(k);
}

void inbound_mark(struct inbound *in)
{
	struct marks k = { .in = in };
	struct call *c = in->c;

	plan(&k);
	remove_marks(in);
	if (k.is_pai_kept) {
		edit_rows(&k, SIP_H_PAI);
	} else if (c->e->msg.count[SIP_H_PAI]) {
		call_remove(c, SIP_H_PAI);
		c->out->notes |= EVENT_NOTE_PAI_REMOVED;
	}
	edit_rows(&k, SIP_H_FROM);
	edit_rows(&k, SIP_H_PPI);
	edit_rows(&k, SIP_H_RPID);
	add_result(in);
}
