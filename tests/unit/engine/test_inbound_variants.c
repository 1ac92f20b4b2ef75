/* SPDX-License-Identifier: BSD-2-Clause */
/* Identity as others write it (stir/variants.h), from the bytes of an INVITE to the verdict. */
#include "inbound_world.h"
#include "sip/date.h"
#include "stir/variants.h"

static const char *or_else(const char *s, const char *other)
{
	return s ? s : other;
}

static void fill(struct gate *t, const struct variant *v, const char *name)
{
	const char *from = or_else(v->from, FROM_URI), *to = or_else(v->to, URI);
	char *row = variant_row(&t->keys, v), date[SIP_DATE_LEN];
	size_t n;

	sip_date_emit(v->date ? v->date : NOW, date);
	n = (size_t)sprintf(t->in, "INVITE %s SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <%s>;tag=1\r\n"
			    "To: <%s>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nDate: %.*s\r\n", or_else(v->request, to),
			    *from ? from : "sip:anonymous@anonymous.invalid", to, SIP_DATE_LEN, date);
	if (v->pai)
		n += (size_t)sprintf(t->in + n, "P-Asserted-Identity: <%s>\r\n", v->pai);
	if (*row)
		n += (size_t)sprintf(t->in + n, "%s: %s\r\n", name, row);
	t->in_len = n + (size_t)sprintf(t->in + n, "\r\n");
	free(row);
}

static void test_variants(void **state)
{
	static const char *const names[] = { "Identity", "y", "IDENTITY \t" };
	struct gate *t = gate_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(variants) * ARRAY_SIZE(names); i++) {
		const struct variant *v = &variants[i / ARRAY_SIZE(names)];
		bool is_good = v->status == VERIFY_VERIFIED, is_missing = v->status == VERIFY_MISSING;
		enum event_stir stir = is_good ? EVENT_STIR_VERIFIED
					       : is_missing ? EVENT_STIR_MISSING : EVENT_STIR_FAILED;

		gate_retune(t, NULL);
		fill(t, v, names[i % ARRAY_SIZE(names)]);
		gate_run_bytes(t);
		gate_expect(t, v->name, VERDICT_VERIFY, v->reason, stir);
		assert_int_equal(t->engine->judged.code, v->code);
		gate_retune(t, v_reject);
		gate_run_bytes(t);
		/* an emergency call is not refused */
		is_good |= t->out.notes & EVENT_NOTE_EMERGENCY;
		gate_expect(t, v->name, is_good ? VERDICT_VERIFY : VERDICT_REJECT, v->reason, stir);
		assert_int_equal(t->out.response_code, is_good ? 0 : v->code);
	}
	gate_free(t);
}

/* Each row of a call on its own line, in both orders, as carriers send chains. */
static void test_div_rows(void **state)
{
	static const struct variant shaken = { .name = "shaken" }, div = { .name = "div", .row = "@1" DIV_PARAMS };
	struct gate *t = gate_new();
	char *rows[2] = { variant_row(&t->keys, &shaken), variant_row(&t->keys, &div) };

	(void)state;
	for (unsigned order = 0; order < 2; order++)
		for (unsigned went_on = 0; went_on < 2; went_on++) {
			/* To may be the one who was called first, or the last */
			const char *to = went_on ? "sip:+" NEXT "@b" : URI;

			t->in_len = (size_t)sprintf(t->in, "INVITE sip:+" NEXT "@b SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=1\r\n"
						    "From: <" FROM_URI ">;tag=1\r\nTo: <%s>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n"
						    "Identity: %s\r\nIdentity: %s\r\n\r\n", to, rows[order], rows[!order]);
			gate_run_bytes(t);
			gate_expect(t, "chain", VERDICT_VERIFY, SR_VERIFIED, EVENT_STIR_VERIFIED);
			assert_true(t->out.notes & EVENT_NOTE_DIVERTED);
			assert_int_equal(t->out.attest, 'A');
			assert_string_equal(t->engine->judged.rows[t->engine->judged.row].ppt, "shaken");
		}
	free(rows[0]);
	free(rows[1]);
	gate_free(t);
}

/* The compact form is made again from From, To and Date of the message. */
static void test_compact(void **state)
{
	static const struct { const char *name, *from, *to; enum sipseal_reason reason; } cases[] = {
		{ "as signed", FROM_URI, URI, SR_VERIFIED },
		{ "other spelling", "tel:+1-215-555-0112", "sip:2155550113@x;user=phone", SR_VERIFIED },
		{ "another caller", "sip:+12155550199@a", URI, SR_SIGNATURE_BAD },
		{ "another callee", FROM_URI, "sip:+12155550199@a", SR_SIGNATURE_BAD },
		/* the Request-URI does not stand in for a To that is no number */
		{ "To is a name", FROM_URI, "sip:bob@a", SR_SIGNATURE_BAD },
	};
	struct gate *t = gate_new();
	char *token = token_new(t->keys.key, BASELINE, BASELINE_PAYLOAD, true);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		t->in_len = (size_t)sprintf(t->in, "INVITE " URI " SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=1\r\n"
					    "From: <%s>;tag=1\r\nTo: <%s>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n"
					    "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\nIdentity: %s" INFO(X5U) "\r\n\r\n",
					    cases[i].from, cases[i].to, token);
		gate_run_bytes(t);
		gate_expect(t, cases[i].name, VERDICT_VERIFY, cases[i].reason,
			    cases[i].reason == SR_VERIFIED ? EVENT_STIR_VERIFIED : EVENT_STIR_FAILED);
	}
	/* a verstat says of which number */
	gate_retune(t, v_pai);
	t->in_len = (size_t)sprintf(t->in, "INVITE " URI " SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=1\r\nFrom: <sip:x@a>;tag=1\r\n"
				    "To: " TO "\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
				    PAI("<sip:x@a>, <tel:+" ORIG ">") "Identity: %s" INFO(X5U) "\r\n\r\n", token);
	gate_run_bytes(t);
	gate_expect(t, "second value", VERDICT_VERIFY, SR_VERIFIED, EVENT_STIR_VERIFIED);
	assert_non_null(strstr(t->bytes, PAI("<sip:x@a>, <tel:+" ORIG ";verstat=TN-Validation-Passed>")));
	free(token);
	gate_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_variants), cmocka_unit_test(test_div_rows), cmocka_unit_test(test_compact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
