/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include <jansson.h>

#include "cli/cert_print.h"

#define DAY_S	      86400
#define ENTRIES_SHOWN 8 /* of a TNAuthList, for people; JSON has all */

const char *time_text(int64_t t, char buf[32])
{
	time_t s = (time_t)t;
	struct tm tm;

	if (!gmtime_r(&s, &tm) || !strftime(buf, 32, "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(buf, 32, "%" PRId64, t);
	return buf;
}

/* Whole days, rounded down also when they are over. */
static int64_t days_until(int64_t t, int64_t at)
{
	int64_t s = t - at;

	return s >= 0 ? s / DAY_S : -((-s + DAY_S - 1) / DAY_S);
}

static bool has_fault(const struct cert_info *i, const char *code)
{
	for (unsigned k = 0; k < i->fault_cnt; k++)
		if (strcmp(i->faults[k].code, code) == 0)
			return true;
	return false;
}

static const char *kind_word(enum tnauth_kind kind)
{
	static const char *const words[] = {
		[TNAUTH_SPC] = "spc",
		[TNAUTH_RANGE] = "range",
		[TNAUTH_ONE] = "one",
	};

	return words[kind];
}

static void print_tnauthlist(const struct tnauthlist *l)
{
	printf("  TNAuthList ");
	if (!l->cnt)
		printf("none");
	for (unsigned k = 0; k < l->cnt && k < ENTRIES_SHOWN; k++) {
		const struct tnauth_entry *e = &l->e[k];

		printf("%s%s%s", k ? ", " : "", e->kind == TNAUTH_SPC ? "SPC " : "", e->text);
		if (e->kind == TNAUTH_RANGE)
			printf(" and the %" PRIu64 " numbers behind it", e->count - 1);
	}
	if (l->cnt > ENTRIES_SHOWN)
		printf(" and %u more", l->cnt - ENTRIES_SHOWN);
	putchar('\n');
}

static void print_validity(const struct cert_info *i, int64_t at)
{
	char from[32], until[32];
	int64_t days = days_until(i->not_after, at);

	printf("  valid      %s to %s, ", time_text(i->not_before, from),
	       time_text(i->not_after, until));
	if (i->not_after < at)
		printf("expired\n");
	else if (i->not_before > at)
		printf("not yet\n");
	else
		printf("%" PRId64 " day%s left\n", days, days == 1 ? "" : "s");
}

static void print_verdict(const struct cert_report *r)
{
	const struct cert_info *i = r->info;
	unsigned warnings = 0;

	for (unsigned k = 0; k < i->fault_cnt; k++)
		warnings += !i->faults[k].is_error;
	printf("%s: %s", r->file, i->error_cnt ? "cannot sign calls" : "good for signing calls");
	if (i->error_cnt)
		printf(", %u error%s", i->error_cnt, i->error_cnt == 1 ? "" : "s");
	if (warnings)
		printf(", %u warning%s", warnings, warnings == 1 ? "" : "s");
	putchar('\n');
}

void cert_print_text(const struct cert_report *r)
{
	const struct cert_info *i = r->info;
	char until[32];

	if (!i) {
		printf("%s: %s\n", r->file, r->refusal);
		return;
	}
	print_verdict(r);
	printf("  subject    %s\n  issuer     %s\n  serial     %s\n", i->subject, i->issuer,
	       i->serial);
	print_tnauthlist(&i->tnauth);
	print_validity(i, r->at);
	for (unsigned k = 0; k < i->chain_cnt; k++)
		printf("  %-10s %-14s %s, until %s\n", k ? "" : "chain", i->chain[k].name,
		       i->chain[k].subject, time_text(i->chain[k].not_after, until));
	printf("  anchors    %s\n", !r->has_anchors ? "not checked (--anchors PATH)"
				    : has_fault(i, "untrusted") ? "the chain ends in none of them"
								: "the chain ends in one of them");
	for (unsigned k = 0; k < i->fault_cnt; k++)
		printf("  %-10s %s (%s)\n", i->faults[k].is_error ? "ERROR" : "warning",
		       i->faults[k].text, i->faults[k].code);
}

static json_t *tnauthlist_json(const struct tnauthlist *l)
{
	json_t *a = json_array();

	for (unsigned k = 0; k < l->cnt; k++)
		json_array_append_new(a, json_pack("{s:s, s:s, s:I}", "kind",
						   kind_word(l->e[k].kind), "value", l->e[k].text,
						   "count", (json_int_t)l->e[k].count));
	return a;
}

static json_t *chain_json(const struct cert_info *i)
{
	json_t *a = json_array();
	char from[32], until[32];

	for (unsigned k = 0; k < i->chain_cnt; k++)
		json_array_append_new(a, json_pack("{s:s, s:s, s:s, s:s}", "name", i->chain[k].name,
						   "subject", i->chain[k].subject, "not_before",
						   time_text(i->chain[k].not_before, from),
						   "not_after",
						   time_text(i->chain[k].not_after, until)));
	return a;
}

static json_t *fault_json(bool is_error, const char *code, const char *text)
{
	return json_pack("{s:s, s:s, s:s}", "severity", is_error ? "error" : "warning", "code",
			 code, "text", text);
}

static json_t *faults_json(const struct cert_info *i)
{
	json_t *a = json_array();

	for (unsigned k = 0; k < i->fault_cnt; k++)
		json_array_append_new(
			a, fault_json(i->faults[k].is_error, i->faults[k].code, i->faults[k].text));
	return a;
}

static json_t *report_json(const struct cert_report *r)
{
	const struct cert_info *i = r->info;
	char at[32], from[32], until[32];
	json_t *anchored;

	time_text(r->at, at);
	if (!i)
		return json_pack("{s:s, s:b, s:s, s:[o]}", "file", r->file, "ok", 0, "at", at,
				 "faults", fault_json(true, "no_certificate", r->refusal));
	anchored = r->has_anchors ? json_boolean(!has_fault(i, "untrusted")) : json_null();
	return json_pack("{s:s, s:b, s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:s, s:I, s:o, s:o, s:o}",
			 "file", r->file, "ok", i->error_cnt == 0, "at", at, "subject", i->subject,
			 "issuer", i->issuer, "serial", i->serial, "spc", cert_spc(i), "tnauthlist",
			 tnauthlist_json(&i->tnauth), "not_before", time_text(i->not_before, from),
			 "not_after", time_text(i->not_after, until), "days_left",
			 (json_int_t)days_until(i->not_after, r->at), "chain", chain_json(i),
			 "anchored", anchored, "faults", faults_json(i));
}

int cert_print_json(const struct cert_report *r)
{
	json_auto_t *doc = report_json(r);

	if (!doc || json_dumpf(doc, stdout, JSON_INDENT(2)) < 0)
		return -ENOMEM;
	putchar('\n');
	return 0;
}
