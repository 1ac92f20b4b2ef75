/* SPDX-License-Identifier: BSD-2-Clause */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/reason.h"
#include "cli/cli.h"
#include "cli/explain.h"
#include "trunk/events.h"

#define MTU_USUAL 1500

char *explain_printable(struct slice s)
{
	char *dst = malloc(s.len * 4 + 1), *q = dst;

	if (!dst)
		return NULL;
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c >= 0x20 && c <= 0x7e)
			*q++ = (char)c;
		else
			q += sprintf(q, "\\x%02x", c);
	}
	*q = '\0';
	return dst;
}

/* Without the final CRLF; folds stay visible as \x0d\x0a. */
static struct slice row_text(const struct sip_row *row)
{
	return slice_trim(row->line);
}

/* Does @row stand in @m as often as in @of up to and including @row?  (Rows may repeat.) */
static bool has_row(const struct sip_message *m, const struct sip_message *of, const struct sip_row *row)
{
	unsigned wanted = 0, found = 0;

	for (const struct sip_row *r = of->rows; r <= row; r++)
		wanted += slice_eq(r->line, row->line);
	for (unsigned i = 0; i < m->row_cnt; i++)
		found += slice_eq(m->rows[i].line, row->line);
	return found >= wanted;
}

typedef void row_fn(void *ctx, struct slice row);

/* Rows of @a that are not in @b. */
static void each_difference(const struct sip_message *a, const struct sip_message *b, row_fn *fn, void *ctx)
{
	for (unsigned i = 0; i < a->row_cnt; i++)
		if (!has_row(b, a, &a->rows[i]))
			fn(ctx, row_text(&a->rows[i]));
}

struct change {
	struct sip_message before, after;
	bool is_there;
};

static bool is_leaving(const struct explain *x)
{
	return x->result.verdict <= VERDICT_SIGN || x->result.verdict == VERDICT_VERIFY;
}

static struct change *change_new(const struct explain *x)
{
	struct change *c = malloc(sizeof(*c));

	if (!c)
		return NULL;
	c->is_there = is_leaving(x) &&
		      sip_message_parse(x->message, x->message_len, &c->before) == SR_NONE &&
		      sip_message_parse(x->out, x->out_len, &c->after) == SR_NONE;
	return c;
}

json_t *explain_json(struct slice s)
{
	CLEANUP(freep) char *p = s.p && s.len ? explain_printable(s) : NULL;

	return p ? json_string(p) : json_null();
}

static void append_row(void *ctx, struct slice row)
{
	json_array_append_new(ctx, explain_json(row));
}

static json_t *json_rows(const struct change *c, bool is_added)
{
	json_t *a = json_array();

	if (c->is_there)
		each_difference(is_added ? &c->after : &c->before, is_added ? &c->before : &c->after,
				append_row, a);
	return a;
}

static struct slice trunk_name(const struct explain *x)
{
	return x->trunk ? policy_text(x->policy, x->trunk->name) : SLICE_NONE;
}

/* The word that the event has, too. */
static const char *attest_why(const struct explain *x)
{
	const struct engine_output *o = &x->result;

	return explain_is_inbound(x) ? NULL : event_attest_why(o->attest, o->decided_reason, o->notes);
}

static json_t *json_shed(uint32_t notes)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < EVENT_SHED_CNT; i++)
		if (event_shed(notes, i))
			json_array_append_new(a, json_string(event_shed(notes, i)));
	return a;
}

int explain_print_json(const struct explain *x)
{
	CLEANUP(freep) struct change *c = change_new(x);
	const struct engine_output *o = &x->result;
	json_t *j;
	char attest[2] = { o->attest, '\0' };
	int r;

	if (!c)
		return CLI_FAILED;
	j = json_pack("{s:o s:s? s:s s:s s:o s:o s:o s:b s:o s:o}", "trunk", explain_json(trunk_name(x)),
		      "direction", x->direction, "verdict", engine_verdict_name(o->verdict), "reason",
		      reason_token(o->reason), "attest", explain_json(slice_str(attest)), "orig",
		      explain_json(tn_slice(&o->orig)), "dest", explain_json(tn_slice(&o->dest)), "signed",
		      x->is_signed, "added", json_rows(c, true), "removed", json_rows(c, false));
	if (j && attest_why(x))
		json_object_set_new(j, "attest_why", json_string(attest_why(x)));
	if (j && o->notes & EVENT_NOTES_SHED)
		json_object_set_new(j, "shed", json_shed(o->notes));
	if (j)
		explain_inbound_json(x, j);
	if (j && o->reason == SR_OBSERVE)
		json_object_set_new(j, "observed",
				    json_pack("{s:s s:s}", "verdict", engine_verdict_name(o->decided_verdict),
					      "reason", reason_token(o->decided_reason)));
	if (j && o->verdict == VERDICT_REJECT)
		json_object_set_new(j, "response_code", json_integer(o->response_code));
	r = j && json_dumpf(j, stdout, JSON_INDENT(2)) == 0 && putchar('\n') != EOF ? CLI_OK : CLI_FAILED;
	json_decref(j);
	return r;
}

static void print_row(void *ctx, struct slice row)
{
	CLEANUP(freep) char *p = explain_printable(row);

	printf("  %s %s\n", (const char *)ctx, p ? p : "?");
}

void explain_field(const char *name, struct slice value)
{
	CLEANUP(freep) char *p = explain_printable(value);

	if (value.len)
		printf("%-11s %s\n", name, p ? p : "?");
}

static void print_notes(uint32_t notes)
{
	static const struct { uint32_t bit; const char *text; } table[] = {
		{ EVENT_NOTE_EMERGENCY, "emergency call" },
		{ EVENT_NOTE_RESTRICTED, "the caller's number is restricted" },
		{ EVENT_NOTE_OUTSIDE, "a number outside `numbers` is shown: attestation_other applies" },
		{ EVENT_NOTE_LOCATION, "location attached" },
		{ EVENT_NOTE_LOCATION_PRESENT, "the call has a location already: none attached" },
		{ EVENT_NOTE_LOCATION_AUTHINT, "no location: the body is protected by qop=auth-int" },
		{ EVENT_NOTE_LOCATION_BODY, "no location: the body is signed, encoded or cannot be parsed" },
		{ EVENT_NOTE_LOCATION_SIZE, "no location: it does not fit beside the rest of the message" },
		{ EVENT_NOTE_DIVERTED, "diverted: a chain of div rows leads from the number that was called first" },
		{ EVENT_NOTE_CALLBACK, "callback of an emergency centre: never refused, never waits" },
		{ EVENT_NOTE_PAI_REMOVED, "P-Asserted-Identity is removed: trust_pai is false" },
		{ EVENT_NOTE_SHED_COMPACT, "left out to fit into a datagram: the blanks between the elements of the location" },
		{ EVENT_NOTE_SHED_LOCATION, "left out to fit into a datagram: the location" },
		{ EVENT_NOTE_SHED_PAI, "left out to fit into a datagram: P-Asserted-Identity and Privacy of ours" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (notes & table[i].bit)
			printf("%-11s %s\n", "note", table[i].text);
}

/* The MTU of the way out is not known here: the usual one. */
static void print_size_note(const struct explain *x)
{
	size_t len = x->out_len + explain_headers_len(x);

	if (is_leaving(x) && x->direction && len > MTU_USUAL)
		printf("%-11s an IP packet of %zu bytes: it leaves in fragments where the MTU is %d\n", "note", len,
		       MTU_USUAL);
}

int explain_print_text(const struct explain *x)
{
	CLEANUP(freep) struct change *c = change_new(x);
	const struct engine_output *o = &x->result;
	char attest[2] = { o->attest, '\0' };

	if (!c)
		return CLI_FAILED;
	explain_field("trunk", x->trunk ? trunk_name(x) : SLICE("(none)"));
	explain_field("direction", slice_str(x->direction));
	printf("%-11s %s", "verdict", engine_verdict_name(o->verdict));
	if (o->verdict == VERDICT_REJECT)
		printf(" %u %s", o->response_code, o->response_phrase);
	putchar('\n');
	explain_inbound_head(x);
	printf("%-11s %s: %s\n", "reason", reason_token(o->reason), reason_help(o->reason));
	if (o->reason == SR_OBSERVE)
		printf("%-11s %s, %s: %s\n", "decided", engine_verdict_name(o->decided_verdict),
		       reason_token(o->decided_reason), reason_help(o->decided_reason));
	explain_field("attest", slice_str(attest));
	explain_field("attest why", slice_str(attest_why(x) ? attest_why(x) : ""));
	explain_field("orig", tn_slice(&o->orig));
	explain_field("dest", tn_slice(&o->dest));
	if (o->verdict == VERDICT_SIGN && !x->is_signed)
		printf("%-11s a placeholder: no access to the key (give it by --key FILE)\n", "signature");
	if (x->is_cert_assumed && o->verdict == VERDICT_SIGN)
		printf("%-11s cannot be read here: taken as valid\n", "certificate");
	explain_inbound_rows(x);
	print_notes(o->notes);
	print_size_note(x);
	if (c->is_there) {
		each_difference(&c->before, &c->after, print_row, "-");
		each_difference(&c->after, &c->before, print_row, "+");
	}
	return CLI_OK;
}
