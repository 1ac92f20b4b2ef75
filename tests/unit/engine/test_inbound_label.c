/* SPDX-License-Identifier: BSD-2-Clause */
/* Inbound: the label before the display name, on every form of address, and next to a verstat. */
#include "inbound_world.h"

#define LIST 3

struct label_case {
	const char *name;
	tune_fn *tune;
	const char *msg;
	const char *has[LIST];
};

#define AT(value)	 MSG(PAI(value) IDENTITY("good"))
#define F(value)	 "From: " value "\r\n"

static const struct label_case cases[] = {
	{ "quoted", v_label, AT("\"Bob\" <" FROM_URI ">"), { PAI("\"[A] Bob\" <" FROM_URI ">"), F(FROM) } },
	{ "quoted, escapes", v_label, AT("\"B\\\"o\\\\b\"<" FROM_URI ">"), { PAI("\"[A] B\\\"o\\\\b\"<" FROM_URI ">") } },
	{ "quoted, empty", v_label, AT("\"\" <" FROM_URI ">"), { PAI("\"[A]\" <" FROM_URI ">") } },
	{ "token", v_label, AT("Bob <" FROM_URI ">"), { PAI("\"[A] Bob\" <" FROM_URI ">") } },
	{ "tokens", v_label, AT("Bob  B. Smith<" FROM_URI ">"), { PAI("\"[A] Bob  B. Smith\"<" FROM_URI ">") } },
	{ "tokens, folded", v_label, AT("Bob\r\n Smith\r\n\t<" FROM_URI ">"), { PAI("\"[A] Bob\r\n Smith\"\r\n\t<" FROM_URI ">") } },
	{ "UTF-8", v_label, AT("J\xc3\xb6rg <" FROM_URI ">"), { PAI("\"[A] J\xc3\xb6rg\" <" FROM_URI ">") } },
	{ "no name", v_label, AT("<" FROM_URI ">"), { PAI("\"[A]\" <" FROM_URI ">") } },
	{ "addr-spec", v_label, AT(FROM_URI), { PAI("\"[A]\" <" FROM_URI ">") } },
	{ "addr-spec tel", v_label, AT("tel:+" ORIG ";x=y"), { PAI("\"[A]\" <tel:+" ORIG ">;x=y") } },
	{ "of two, the first", v_label, AT("\"Bob\" <" FROM_URI ">, \"Bob\" <tel:+" ORIG ">"),
	  { PAI("\"[A] Bob\" <" FROM_URI ">, \"Bob\" <tel:+" ORIG ">") } },
	{ "of two rows, the first", v_label, MSG(PAI("Bob <" FROM_URI ">") PAI("Bob <tel:+" ORIG ">") IDENTITY("good")),
	  { PAI("\"[A] Bob\" <" FROM_URI ">") PAI("Bob <tel:+" ORIG ">") } },
	{ "not a number", v_label, AT("Bob <sip:bob@a>"), { PAI("\"[A] Bob\" <sip:bob@a>") } },

	{ "no PAI", v_label, MSG(IDENTITY("good")), { F("\"[A] Alice\" <" FROM_URI ">;tag=19") } },
	{ "no PAI, addr-spec", v_label, MSG_FROM(FROM_URI ";tag=19;x=\"y\"", IDENTITY("good")),
	  { F("\"[A]\" <" FROM_URI ">;tag=19;x=\"y\"") } },
	{ "no PAI, folded addr-spec", v_label, MSG_FROM("\r\n " FROM_URI "\r\n ;tag=19", IDENTITY("good")),
	  { F("\r\n \"[A]\" <" FROM_URI ">\r\n ;tag=19") } },
	{ "no PAI that one could read", v_label, MSG_FROM(FROM, PAI("Bob, <x") ""),
	  { F("\"[?] Alice\" <" FROM_URI ">;tag=19"), PAI("Bob, <x") } },
	{ "PAI removed", v_label_no_trust, AT("\"Bob\" <" FROM_URI ">"), { F("\"[A] Alice\" <" FROM_URI ">;tag=19") } },
	{ "anonymous", v_label, MSG_FROM(ANON, ""), { F("\"[?] Anonymous\" <sip:anonymous@anonymous.invalid>;tag=19") } },

	{ "B", v_label, MSG(IDENTITY("b")), { F("\"[B] Alice\" <" FROM_URI ">;tag=19") } },
	{ "C", v_label, MSG(IDENTITY("c")), { F("\"[C] Alice\" <" FROM_URI ">;tag=19") } },
	{ "failed", v_label, MSG(IDENTITY("wrong-key")), { F("\"[!] Alice\" <" FROM_URI ">;tag=19") } },
	{ "only late", v_label, MSG(IDENTITY("unknown")), { F(FROM) } },
	{ "missing", v_label, MSG(""), { F("\"[?] Alice\" <" FROM_URI ">;tag=19") } },
	{ "good without attest", v_label, MSG(IDENTITY("baseline")), { F(FROM) } },
	{ "no label for this", v_label_a, MSG(IDENTITY("b")), { F(FROM) } },
	{ "no label for failed", v_label_a, MSG(IDENTITY("wrong-key")), { F(FROM) } },

	{ "beside verstat", v_label_pai, AT("Bob <" FROM_URI ">"),
	  { PAI("\"[A] Bob\" <sip:+" ORIG ";verstat=TN-Validation-Passed@carrier.example>") } },
	{ "beside verstat, addr-spec", v_label_pai, AT("tel:+" ORIG ";x"),
	  { PAI("\"[A]\" <tel:+" ORIG ";verstat=TN-Validation-Passed>;x") } },
	{ "beside verstat, theirs goes", v_label_pai, AT("sip:+" ORIG "@a ; verstat=x;y"),
	  { PAI("\"[A]\" <sip:+" ORIG ";verstat=TN-Validation-Passed@a>;y") } },
	{ "in the PAI, verstat in From", v_label_from, AT("sip:+" ORIG "@a"),
	  { PAI("\"[A]\" <sip:+" ORIG "@a>"), F("\"Alice\" <sip:+" ORIG ";verstat=TN-Validation-Passed@carrier.example>;tag=19") } },
	{ "both in From", v_label_from, MSG_FROM("Al <tel:+" ORIG ";verstat=x>;tag=19", IDENTITY("good")),
	  { F("\"[A] Al\" <tel:+" ORIG ";verstat=TN-Validation-Passed>;tag=19") } },
};

static void test_labels(void **state)
{
	struct gate *t = gate_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		gate_retune(t, cases[i].tune);
		t->is_last = true;
		gate_run(t, cases[i].msg);
		if (t->out.verdict != VERDICT_VERIFY)
			fail_msg("%s: %s %s", cases[i].name, engine_verdict_name(t->out.verdict),
				 reason_token(t->out.reason));
		gate_expect_text(t, cases[i].name, cases[i].has, LIST, true);
	}
	gate_free(t);
}

TUNE(v_odd_labels)
{
	UNUSED_G;
	set_text(&V.label[LABEL_A], "a\"b");
	set_text(&V.label[LABEL_B], "a\\");
	set_text(&V.label[LABEL_C], "a\r\nX: y");
	set_text(&V.label[LABEL_MISSING], "");
	set_text(&V.label[LABEL_FAILED], "\xff");
	set_text(&V.result_header, "X-A: b\r\nX-C");
}

TUNE(v_contact) { UNUSED_G; set_text(&V.result_header, "Contact"); }
TUNE(v_compact) { UNUSED_G; set_text(&V.result_header, "F"); }

/* The policy comes from another process: a text that would break a message is not written. */
static void test_odd_policy(void **state)
{
	static const char *const msgs[] = { MSG(IDENTITY("good")), MSG(IDENTITY("b")), MSG(IDENTITY("c")), MSG(""),
					    MSG(IDENTITY("wrong-key")) };
	struct gate *t = gate_new();

	(void)state;
	for (size_t i = 0; i < 3 * ARRAY_SIZE(msgs); i++) {
		static tune_fn *const tunes[] = { v_odd_labels, v_contact, v_compact };
		struct guard g;
		struct engine_input in = { .is_inbound = true };

		gate_retune(t, tunes[i % 3]);
		gate_fill(t, msgs[i / 3]);
		in.policy = t->policy;
		g = guard_new(t->in, t->in_len);
		in.datagram = slice_of(g.p, g.len);
		engine_run(t->engine, &t->env, &in, &t->out);
		assert_int_equal(t->out.verdict, VERDICT_VERIFY);
		assert_int_equal(t->engine->edits.cnt, 0);
		guard_free(&g);
	}
	gate_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_labels), cmocka_unit_test(test_odd_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
