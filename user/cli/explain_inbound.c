/* SPDX-License-Identifier: BSD-2-Clause */
/* What explain shows of calls from the carrier. */
#include <stdio.h>
#include <string.h>

#include "base/reason.h"
#include "cli/explain.h"

/* Rows and certificates were looked at; else those of the scratch say nothing. */
static bool is_judged(const struct explain *x)
{
	return explain_is_inbound(x) && x->result.stir != EVENT_STIR_NONE;
}

static const char *status(const struct explain *x)
{
	return is_judged(x) ? event_stir_word(x->result.stir) : "";
}

static unsigned row_cnt(const struct explain *x)
{
	return is_judged(x) ? x->engine->judged.row_cnt : 0;
}

static const char *ppt(const struct verify_row *r)
{
	return r->ppt[0] ? r->ppt : r->is_div ? "div" : "-";
}

/* The table says of which direction a reason is; here it is known. */
static const char *help(unsigned reason)
{
	static const char inbound[] = "inbound: ";
	const char *s = reason_help(reason);

	return strncmp(s, inbound, sizeof(inbound) - 1) ? s : s + sizeof(inbound) - 1;
}

static const char *kind_word(enum verdict_kind k)
{
	return k == VERDICT_GOOD ? "good" : k == VERDICT_BAD ? "bad" : "unknown";
}

static json_t *json_certificate(const struct explain_known *k)
{
	json_t *j;

	if (!k)
		return json_null();
	j = json_pack("{s:s, s:o, s:o, s:o}", "state", kind_word(k->kind), "subject",
		      explain_json(slice_str(k->verdict.subject)), "spc", explain_json(slice_str(k->verdict.spc)),
		      "detail", explain_json(slice_str(k->text)));
	if (j && k->kind == VERDICT_BAD)
		json_object_set_new(j, "reason", json_string(reason_token(k->verdict.reason)));
	return j;
}

static json_t *json_row(const struct explain *x, unsigned i)
{
	const struct verify_row *r = &x->engine->judged.rows[i];
	char attest[2] = { r->attest, '\0' };

	return json_pack("{s:i, s:o, s:s, s:i, s:o, s:o, s:o, s:o, s:I, s:o}", "row", (int)i + 1, "ppt",
			 explain_json(slice_str(r->ppt)), "reason", reason_token(r->reason), "code", (int)r->code,
			 "attest", explain_json(slice_str(attest)), "origid", explain_json(slice_str(r->origid)),
			 "x5u", explain_json(slice_str(r->x5u)), "spc", explain_json(slice_str(r->spc)), "iat",
			 (json_int_t)r->iat, "certificate",
			 json_certificate(explain_certs_find(x->certs, slice_str(r->x5u))));
}

void explain_inbound_json(const struct explain *x, json_t *j)
{
	const struct engine_output *o = &x->result;
	json_t *rows = json_array();

	for (unsigned i = 0; rows && i < row_cnt(x); i++)
		json_array_append_new(rows, json_row(x, i));
	json_object_set_new(j, "status", explain_json(slice_str(status(x))));
	json_object_set_new(j, "origid", explain_json(o->origid));
	json_object_set_new(j, "x5u", explain_json(o->x5u));
	json_object_set_new(j, "certificate", json_certificate(explain_certs_find(x->certs, o->x5u)));
	json_object_set_new(j, "rows", rows);
}

void explain_inbound_head(const struct explain *x)
{
	explain_field("status", slice_str(status(x)));
}

static void print_certificate(const struct explain_known *k)
{
	CLEANUP(freep) char *line = NULL;

	if (!k)
		return;
	if (asprintf(&line, "%s%s%s%s%s%s%s", kind_word(k->kind), k->verdict.subject[0] ? ", " : "",
		     k->verdict.subject, k->verdict.spc[0] ? ", SPC " : "", k->verdict.spc, k->text[0] ? ": " : "",
		     k->text) < 0) {
		line = NULL;
		return;
	}
	explain_field("certificate", slice_str(line));
}

static void print_row(const struct explain *x, unsigned i)
{
	const struct verify_row *r = &x->engine->judged.rows[i];
	CLEANUP(freep) char *line = NULL;
	char name[32], attest[16] = "";

	if (r->attest)
		snprintf(attest, sizeof(attest), ", attest %c", r->attest);
	snprintf(name, sizeof(name), "identity %u", i + 1);
	if (asprintf(&line, "%s%s: %s: %s", ppt(r), attest, reason_token(r->reason), help(r->reason)) < 0) {
		line = NULL;
		return;
	}
	explain_field(name, slice_str(line));
}

static void print_notes(const struct explain *x)
{
	const char *note = explain_certs_note(x->certs);

	if (x->result.decided_reason == SR_CERTIFICATE_PENDING)
		printf("%-11s the gateway would ask for the certificate and wait up to %u ms; give it by --cert FILE\n",
		       "note", x->trunk->verification.wait_ms);
	if (note)
		printf("%-11s %s\n", "note", note);
}

void explain_inbound_rows(const struct explain *x)
{
	if (!is_judged(x))
		return;
	explain_field("origid", x->result.origid);
	explain_field("x5u", x->result.x5u);
	print_certificate(explain_certs_find(x->certs, x->result.x5u));
	for (unsigned i = 0; i < row_cnt(x); i++)
		print_row(x, i);
	print_notes(x);
}
