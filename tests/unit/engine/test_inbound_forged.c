/* SPDX-License-Identifier: BSD-2-Clause */
/* Inbound: a mark of ours in what we do not edit, through every reason not to edit. */
#include "inbound_world.h"

#define LINE "INVITE " URI " SIP/2.0\r\n"
#define VIA  "Via: SIP/2.0/UDP x;branch=z9hG4bK1\r\n"
#define REST "From: <" FROM_URI ">;tag=1\r\nTo: " TO "\r\nCall-ID: 1\r\n"
#define CSEQ "CSeq: 1 INVITE\r\n"
#define END  "\r\n"
#define R(n) "R: " n "\r\n"
#define R10  R("") R("") R("") R("") R("") R("") R("") R("") R("") R("")
#define R100 R10 R10 R10 R10 R10 R10 R10 R10 R10 R10

/* Messages that are not edited, with a place for one more row (@).  Every reason of the parser, and all that the
 * engine has of its own. */
static const struct { enum sipseal_reason reason; const char *msg; } broken[] = {
	{ SR_NOT_INVITE, "OPTIONS " URI " SIP/2.0\r\n" VIA REST "@CSeq: 1 OPTIONS\r\n" END },
	{ SR_NOT_INVITE, "SIP/2.0 200 OK\r\n" VIA REST "@" CSEQ END },
	{ SR_IN_DIALOG, LINE VIA "From: <" FROM_URI ">;tag=1\r\n@To: " TO ";tag=2\r\nCall-ID: 1\r\n" CSEQ END },
	{ SR_START_LINE, "INVITE  " URI " SIP/2.0\r\n" VIA "@" REST CSEQ END },
	{ SR_START_LINE, "INVITE " URI " SIP/3.0\r\n@" VIA REST CSEQ END },
	{ SR_HEADER_SYNTAX, LINE VIA REST CSEQ "@X(Y): 1\r\n" END },
	{ SR_HEADER_SYNTAX, LINE " X: 1\r\n" VIA REST CSEQ "@" END },
	{ SR_BARE_LF, LINE VIA REST "@CSeq: 1 INVITE\n" END },
	{ SR_BARE_LF, "INVITE " URI " SIP/2.0\nVia: x\n@\n" },
	{ SR_INCOMPLETE, LINE VIA REST CSEQ "@" },
	{ SR_INCOMPLETE, LINE VIA REST CSEQ "@X: y" },
	{ SR_HEADER_LIMIT, LINE VIA REST CSEQ R100 R100 R10 R10 R10 R10 R10 R10 "@" END },
	{ SR_MISSING_HEADER, LINE REST "@" CSEQ END },
	{ SR_DUPLICATE_HEADER, LINE VIA REST "@Call-ID: 2\r\n" CSEQ END },
	{ SR_DUPLICATE_HEADER, LINE VIA REST "@Date: x\r\nDate: x\r\n" CSEQ END },
	{ SR_CSEQ, LINE VIA REST "@CSeq: 1 OPTIONS\r\n" END },
	{ SR_BODY_LENGTH, LINE VIA REST "@Content-Length: 5\r\n" CSEQ END },
	{ SR_ADDRESS_SYNTAX, LINE VIA "From: <" FROM_URI "\r\nTo: " TO "\r\n@Call-ID: 1\r\n" CSEQ END },
	{ SR_ADDRESS_SYNTAX, "INVITE sip:a@b@c SIP/2.0\r\n" VIA REST "@" CSEQ END },
	{ SR_OUTPUT_LIMIT, NULL }, /* test_output_limit() */
};

static const char *const marks[] = {
	"X-STIR-Result: STIR_VERIFIED\r\n", "x-stir-attest : A\r\n", "X-STIR-Result\t:\r\n STIR_VERIFIED\r\n",
	"Attestation-Info: A\r\n", "ATTESTATION-INFO:A\r\n", "Origination-ID: 1\r\n", "P-Attestation-Indicator: A\r\n",
	"P-Origination-Id: 1\r\n", "P-Asserted-Identity: <sip:+1;verstat=TN-Validation-Passed@a>\r\n",
	"p-asserted-identity: <tel:+1;VERSTAT=x>\r\n", "P-Asserted-Identity: <tel:+1;v%65rst%41t=x>\r\n",
	"P-Asserted-Identity: <tel:+1>;verstat\r\n =x\r\n", "P-Asserted-Identity: <tel:+1;%76erstat%3Dx>\r\n", "X-Caller: STIR_VERIFIED\r\n", "x-caller \t:1\r\n",
	"X-CALLER:\r\n 1\r\n",
};
#define VERSTAT_FIRST 8
#define VERSTAT_LAST  12

static const char *const no_marks[] = {
	"", "X-STI-R: 1\r\n", "Subject: verstat\r\n", "X-Caller-Name: 1\r\n", "Subject: X-Caller\r\n",
	"Subject: my X-Caller: 1\r\n", "Subject: %76erstat\r\n", "Subject: verst%6\r\n", "Subject: verstat is = x\r\n", "X-Verstat: 1\r\n", "Attestation: Info\r\n",
};

/* Every reason that a message may leave unedited for is in the list: a new one of the parser fails here. */
static bool is_of_processing(unsigned reason)
{
	return reason >= SR_NOT_INVITE && reason <= SR_ADDRESS_SYNTAX;
}

static void test_complete(void **state)
{
	(void)state;
	for (unsigned reason = SR_XDP_MAX; reason < SR_MAX; reason++) {
		bool has = false;

		for (size_t i = 0; i < ARRAY_SIZE(broken); i++)
			has |= broken[i].reason == reason;
		if (is_of_processing(reason) || reason == SR_OUTPUT_LIMIT)
			assert_true(has);
	}
	/* and each can be had; what the parser says beyond the list would have to be added to it */
	for (int r = SR_NONE; r < SR_MAX; r++)
		if (strstr(reason_help((unsigned)r), ": unchanged") && r < SR_VERIFIED && r != SR_SIGNER_REGULATORY_OFF)
			assert_true(is_of_processing((unsigned)r) || r == SR_OUTPUT_LIMIT);
}

/* The message with @row in its place. */
static void fill(struct gate *t, const char *msg, const char *row)
{
	const char *at = strchr(msg, '@');

	/* addresses have an '@', too: the place is the one at the start of a line */
	while (at && !(at > msg && at[-1] == '\n'))
		at = strchr(at + 1, '@');
	assert_non_null(at);
	t->in_len = (size_t)sprintf(t->in, "%.*s%s%s", (int)(at - msg), msg, row, at + 1);
}

static void test_reasons(void **state)
{
	struct gate *t = gate_new();

	(void)state;
	gate_retune(t, v_header);
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		for (size_t k = 0; broken[i].msg && k < ARRAY_SIZE(no_marks); k++) {
			fill(t, broken[i].msg, no_marks[k]);
			gate_run_bytes(t);
			gate_expect(t, no_marks[k], VERDICT_PASS, broken[i].reason, EVENT_STIR_NONE);
			assert_true(gate_is_unchanged(t));
		}
		for (size_t k = 0; broken[i].msg && k < ARRAY_SIZE(marks); k++) {
			bool may = broken[i].reason == SR_IN_DIALOG && k >= VERSTAT_FIRST && k <= VERSTAT_LAST;

			fill(t, broken[i].msg, marks[k]);
			gate_run_bytes(t);
			if (may)
				gate_expect(t, marks[k], VERDICT_PASS, SR_IN_DIALOG, EVENT_STIR_NONE);
			else
				gate_expect(t, marks[k], VERDICT_DROP, SR_FORGED_MARK, EVENT_STIR_FAILED);
		}
	}
	/* what stays in calls that we judge may stay in their dialogs; no longer */
	gate_retune(t, v_strip);
	for (unsigned k = VERSTAT_FIRST; k <= VERSTAT_LAST; k++) {
		fill(t, LINE VIA "From: <" FROM_URI ">;tag=1\r\n@To: " TO ";tag=2\r\nCall-ID: 1\r\n" CSEQ END, marks[k]);
		gate_run_bytes(t);
		gate_expect(t, marks[k], VERDICT_DROP, SR_FORGED_MARK, EVENT_STIR_FAILED);
	}
	gate_free(t);
}

/* Where others may see a header where we see none. */
static void test_places(void **state)
{
	static const struct { const char *name, *msg; bool is_forged; } cases[] = {
		{ "after a bare LF", LINE VIA REST "Subject: a\nX-STIR-Result: x\r\n" CSEQ END, true },
		{ "after a lone CR", LINE VIA REST "Subject: a\rX-Caller: x\r\n" CSEQ END, true },
		{ "behind LF LF", LINE VIA REST "Subject: a\n\nX-Caller: x\r\n" CSEQ END, true },
		{ "behind blanks at the line start", LINE " X-Caller: x\r\n" VIA REST CSEQ END, true },
		{ "in a fold", LINE VIA REST "To: <x>\r\n X-Caller: x\r\n" CSEQ END, true },
		{ "in the first line", "INVITE sip:x;verstat=1@b  SIP/2.0\r\n" VIA REST CSEQ END, true },
		{ "before the first line", "\r\n\r\n \r\nINVITE x\r\nX-STIR-Result: x" END END, true },
		{ "behind the first CRLFs", "\r\n\r\nINVITE x\r\nX-Caller: x" END END, true },
		{ "folded before the colon", "INVITE x\r\nX-Caller\r\n : x" END END, true },
		{ "at the very end", "INVITE x\r\nX-STIR-", true },
		{ "at the very end, cut", "INVITE x\r\nX-STIR", false },
		{ "at the very end, without colon", "INVITE x\r\nX-Caller", false },
		{ "in the body", LINE VIA REST "Content-Length: 99\r\n" CSEQ END "X-STIR-Result: x\r\nverstat=x", false },
		{ "in what may be the body", LINE VIA REST "X\r\n" CSEQ "\n\nX-STIR-Result: x\r\n", true },
		{ "in a fold of what we can read", LINE VIA REST "Subject: a\r\n \tx-stir-result: x\r\n" CSEQ END, true },
		{ "in a second fold", LINE VIA REST "Subject: a\r\n b\r\n X-Caller\t: x\r\n" CSEQ END, true },
		{ "in a fold, but not at its start", LINE VIA REST "Subject: a\r\n b X-STIR-Result: x\r\n" CSEQ END, false },
		{ "in a fold, not ours", LINE VIA REST "Subject: a\r\n X-Caller-Name: x\r\n" CSEQ END, false },
		{ "nothing", "", false },
		{ "blanks", " \r\n\t\r\n\r\n", false },
	};
	struct gate *t = gate_new();

	(void)state;
	gate_retune(t, v_header);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		strcpy(t->in, cases[i].msg);
		t->in_len = strlen(t->in);
		gate_run_bytes(t);
		if ((t->out.verdict == VERDICT_DROP && t->out.reason == SR_FORGED_MARK) != cases[i].is_forged ||
		    (t->out.verdict == VERDICT_VERIFY && cases[i].is_forged))
			fail_msg("%s: %s %s", cases[i].name, engine_verdict_name(t->out.verdict),
				 reason_token(t->out.reason));
	}
	gate_free(t);
}

/* Theirs goes, or the call does: in what cannot be taken apart it may be read otherwise than by us. */
static void test_not_stripped(void **state)
{
	static const char *const rows[] = {
		PAI("<sip:+" ORIG ";verstat=x@a@b>"), PAI("<sip:+" ORIG ";%76erstat=x@a@b>"), PAI("<tel:+" ORIG ";verstat%3Dx>"),
		PAI("\"a;verstat = x\" <tel:+" ORIG ">"), PAI("Bob, <tel:+" ORIG ";Verstat=x>"),
	};
	struct gate *t = gate_new();

	(void)state;
	gate_retune(t, v_strip);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		t->in_len = (size_t)sprintf(t->in, LINE VIA REST "%s" CSEQ END, rows[i]);
		gate_run_bytes(t);
		gate_expect(t, rows[i], VERDICT_DROP, SR_FORGED_MARK, EVENT_STIR_FAILED);
	}
	gate_free(t);
}

/* An emergency call is never dropped. */
static void test_emergency(void **state)
{
	static const char *const lines[] = { "INVITE urn:service:sos SIP/2.0\r\n", "INVITE URN:Service:SOS.police SIP/2.0\r\n",
					     "\r\n INVITE  sip:911@a  SIP/2.0\r\n", "INVITE tel:911;x SIP/9\r\n",
					     "INVITE\turn:service:sos\r\n", "INVITE urn:service:sos?x SIP/2.0\r\n",
					     "INVITE sips:911:x@a[:x SIP/2.0\r\n", "INVITE SIP:911;a=\"b@c SIP/2.0\r\n",
					     "INVITE tel:911;\"x SIP/2.0\r\n" };
	static const char *const others[] = { "INVITE urn:service:sosx  SIP/2.0\r\n", "INVITE sip:9111@a  SIP/2.0\r\n",
					      "INVITE\r\nurn:service:sos\r\n", "INVITE sip:911:5060 SIP/2.0\r\n",
					      "INVITE sip:911;x SIP/2.0\r\n", "INVITE sip:911\"x SIP/2.0\r\n", "urn:service:sos\r\n", "INVITE " };
	struct gate *t = gate_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		t->in_len = (size_t)sprintf(t->in, "%sX-STIR-Result: x\r\nCall-ID\r\n\r\n", lines[i]);
		gate_run_bytes(t);
		gate_expect(t, lines[i], VERDICT_PASS, SR_EMERGENCY_PASSED_LATE, EVENT_STIR_FAILED);
		assert_true(gate_is_unchanged(t));
		/* nothing is wrong with one that is merely broken */
		t->in_len = (size_t)sprintf(t->in, "%sCall-ID\r\n\r\n", lines[i]);
		gate_run_bytes(t);
		assert_true(t->out.verdict == VERDICT_PASS && t->out.reason != SR_EMERGENCY_PASSED_LATE);
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		t->in_len = (size_t)sprintf(t->in, "%sX-STIR-Result: x\r\nCall-ID\r\n\r\n", others[i]);
		gate_run_bytes(t);
		gate_expect(t, others[i], VERDICT_DROP, SR_FORGED_MARK, EVENT_STIR_FAILED);
	}
	/* a callback that cannot be read is a word that anybody may say */
	t->in_len = (size_t)sprintf(t->in, "INVITE x\r\nPriority: psap-callback\r\nX-STIR-Result: x\r\n\r\n");
	gate_run_bytes(t);
	gate_expect(t, "callback", VERDICT_DROP, SR_FORGED_MARK, EVENT_STIR_FAILED);
	gate_free(t);
}

/* A message that our row does not fit into, or that needs more edits than there are. */
static void big(struct gate *t, const char *line, const char *rows)
{
	size_t n = (size_t)sprintf(t->in, "%s" VIA REST "%s" CSEQ END, line, rows);

	memset(t->in + n, 'x', 65507 - n);
	t->in_len = 65507;
	t->in[t->in_len] = 0;
}

static void many(struct gate *t, const char *rows)
{
	size_t n = (size_t)sprintf(t->in, LINE VIA REST "%sP-Asserted-Identity: <tel:+" ORIG ">", rows);

	for (unsigned i = 0; i < SIP_EDITS_MAX; i++)
		n += (size_t)sprintf(t->in + n, ", <tel:+" ORIG ">");
	t->in_len = n + (size_t)sprintf(t->in + n, "\r\n" CSEQ END);
}

static void test_output_limit(void **state)
{
	struct gate *t = gate_new();

	(void)state;
	for (unsigned round = 0; round < 2; round++) {
		gate_retune(t, round ? v_pai_strip : NULL); /* theirs would stay, and save us ours */
		round ? many(t, "") : big(t, LINE, "");
		gate_run_bytes(t);
		gate_expect(t, "without marks", VERDICT_PASS, SR_OUTPUT_LIMIT, EVENT_STIR_MISSING);
		assert_true(gate_is_unchanged(t));
		for (size_t k = 0; k < VERSTAT_LAST; k++) {
			char *row = strdup(marks[k]);

			round ? many(t, row) : big(t, LINE, row);
			/* taking their row away makes room for ours */
			if (round == 0 && t->in_len == 65507 && strlen(row) > strlen("X-STIR-Result: STIR_MISSING\r\n"))
				strcpy(row, "X-STIR-: 1\r\n");
			round ? many(t, row) : big(t, LINE, row);
			gate_run_bytes(t);
			gate_expect(t, marks[k], VERDICT_DROP, SR_FORGED_MARK, EVENT_STIR_FAILED);
			free(row);
		}
	}
	gate_retune(t, NULL);
	big(t, "INVITE sip:911@a SIP/2.0\r\n", "X-STIR-: 1\r\n");
	gate_run_bytes(t);
	gate_expect(t, "emergency", VERDICT_PASS, SR_EMERGENCY_PASSED_LATE, EVENT_STIR_FAILED);
	assert_true(gate_is_unchanged(t));
	gate_free(t);
}

/* As many rows of theirs as we take: all of them go. */
static void test_many_marks(void **state)
{
	struct gate *t = gate_new();
	size_t n;

	(void)state;
	n = (size_t)sprintf(t->in, LINE VIA REST CSEQ);
	for (unsigned i = 5; i < SIP_ROWS_MAX; i++)
		n += (size_t)sprintf(t->in + n, "X-STIR-Forged: %u\r\n", i);
	t->in_len = n + (size_t)sprintf(t->in + n, END);
	gate_run_bytes(t);
	gate_expect(t, "many", VERDICT_VERIFY, SR_IDENTITY_MISSING, EVENT_STIR_MISSING);
	assert_null(strstr(t->bytes, "Forged"));
	gate_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_complete),  cmocka_unit_test(test_reasons),      cmocka_unit_test(test_places),
		cmocka_unit_test(test_emergency), cmocka_unit_test(test_not_stripped), cmocka_unit_test(test_output_limit), cmocka_unit_test(test_many_marks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
