/* SPDX-License-Identifier: BSD-2-Clause */
/* Inbound: who is not refused, who waits, what is switched off, and what goes wrong with us. */
#include "inbound_world.h"

#define SOS(rows)  CALL("urn:service:sos", FROM, "<urn:service:sos>", rows)

/* Emergency calls and callbacks: judged, marked, never refused, and nobody waits for a certificate. */
static void test_privileged(void **state)
{
	static const struct { const char *name, *msg; uint32_t note; } cases[] = {
		{ "sos", SOS("{}"), EVENT_NOTE_EMERGENCY },
		{ "sos in another case", CALL("URN:Service:SOS.fire", FROM, TO, "{}"), EVENT_NOTE_EMERGENCY },
		{ "number", CALL("sip:911@a", FROM, TO, "{}"), EVENT_NOTE_EMERGENCY },
		{ "psap-callback", MSG("Priority: PSAP-Callback\r\n{}"), EVENT_NOTE_CALLBACK },
		{ "esnet", MSG("Resource-Priority: wps.1, ESNET.0 \r\n{}"), EVENT_NOTE_CALLBACK },
		{ "esnet, second row", MSG("Resource-Priority: wps.1\r\nResource-Priority: esnet.4\r\n{}"),
		  EVENT_NOTE_CALLBACK },
	};
	static const struct { const char *row; enum sipseal_reason reason; } rows[] = {
		{ "Identity: {wrong-key}\r\n", SR_SIGNATURE_BAD }, { "Identity: {unknown}\r\n", SR_CERTIFICATE_PENDING },
		{ "Identity: {fetch}\r\n", SR_FETCH_FAILED }, { "Identity: {stale}\r\n", SR_PASSPORT_STALE },
		{ "", SR_IDENTITY_MISSING },
	};
	struct gate *t = gate_new();

	(void)state;
	gate_retune(t, v_reject);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(rows); k++) {
			char msg[4096], *at = strstr(strcpy(msg, cases[i].msg), "{}");
			enum sipseal_reason reason = rows[k].reason;

			memmove(at + strlen(rows[k].row), at + 2, strlen(at + 2) + 1);
			memcpy(at, rows[k].row, strlen(rows[k].row));
			gate_run(t, msg);
			/* sos is nobody's number: the claims are judged first */
			if (strstr(cases[i].name, "sos") == cases[i].name && strstr(msg, "To: <urn") &&
			    (reason == SR_SIGNATURE_BAD || reason == SR_CERTIFICATE_PENDING || reason == SR_FETCH_FAILED))
				reason = SR_DEST_MISMATCH;
			gate_expect(t, cases[i].name, VERDICT_VERIFY, reason,
				    *rows[k].row ? EVENT_STIR_FAILED : EVENT_STIR_MISSING);
			assert_true((t->out.notes & (EVENT_NOTE_EMERGENCY | EVENT_NOTE_CALLBACK)) == cases[i].note);
			assert_non_null(strstr(t->bytes, "X-STIR-Result: STIR_"));
		}
	}
	/* what only looks like it */
	gate_run(t, MSG("Priority: emergency\r\nResource-Priority: esnets.1, xesnet.1\r\n"));
	gate_expect(t, "other priorities", VERDICT_REJECT, SR_IDENTITY_MISSING, EVENT_STIR_MISSING);
	gate_free(t);
}

static void test_wait(void **state)
{
	struct gate *t = gate_new();
	struct slice wanted[VERIFY_ROWS_MAX];

	(void)state;
	gate_run(t, MSG("X-STIR-Result: x\r\n" IDENTITY("unknown") IDENTITY("unknown2") IDENTITY("unknown") IDENTITY("bad")));
	assert_int_equal(t->out.verdict, VERDICT_WAIT);
	assert_int_equal(t->out.reason, SR_CERTIFICATE_PENDING);
	assert_int_equal(verify_wanted(&t->engine->judged, wanted), 2);
	assert_true(slice_eq(wanted[0], SLICE(GATE_X5U("unknown"))) && slice_eq(wanted[1], SLICE(GATE_X5U("unknown2"))));
	/* the time is up: who was waited for is still asked for */
	t->is_last = true;
	gate_run(t, MSG("X-STIR-Result: x\r\n" IDENTITY("unknown") IDENTITY("unknown2")));
	gate_expect(t, "last", VERDICT_VERIFY, SR_CERTIFICATE_PENDING, EVENT_STIR_FAILED);
	assert_int_equal(verify_wanted(&t->engine->judged, wanted), 2);
	assert_null(strstr(t->bytes, "X-STIR-Result: x"));
	/* it has come */
	t->is_last = false;
	t->keys.known[1] = t->keys.known[0];
	t->keys.known[1].x5u = GATE_X5U("unknown2");
	t->keys.known_cnt = 2;
	gate_run(t, MSG(IDENTITY("unknown") IDENTITY("unknown2")));
	gate_expect(t, "come", VERDICT_VERIFY, SR_VERIFIED, EVENT_STIR_VERIFIED);
	assert_true(slice_eq(t->out.x5u, SLICE(GATE_X5U("unknown2"))));
	t->keys.known_cnt = 1;

	gate_retune(t, v_no_wait);
	gate_run(t, MSG(IDENTITY("unknown")));
	gate_expect(t, "wait_ms 0", VERDICT_VERIFY, SR_CERTIFICATE_PENDING, EVENT_STIR_FAILED);
	assert_int_equal(verify_wanted(&t->engine->judged, wanted), 1);
	/* one run after another: nothing of the last one is left */
	gate_run(t, CALL(URI, FROM, TO ";tag=1", ""));
	assert_int_equal(verify_wanted(&t->engine->judged, wanted), 0);
	gate_free(t);
}

static void test_observe(void **state)
{
	static const struct {
		const char *name, *msg;
		enum engine_verdict verdict;
		enum sipseal_reason reason;
		enum event_stir stir;
	} cases[] = {
		{ "good", MSG(IDENTITY("good")), VERDICT_VERIFY, SR_VERIFIED, EVENT_STIR_VERIFIED },
		{ "with marks", MSG("X-STIR-Result: STIR_VERIFIED\r\n" IDENTITY("good")), VERDICT_VERIFY, SR_VERIFIED,
		  EVENT_STIR_VERIFIED },
		{ "bad", MSG(IDENTITY("wrong-key")), VERDICT_REJECT, SR_SIGNATURE_BAD, EVENT_STIR_FAILED },
		{ "missing", MSG(""), VERDICT_REJECT, SR_IDENTITY_MISSING, EVENT_STIR_MISSING },
		{ "unknown: never waits", MSG(IDENTITY("unknown")), VERDICT_VERIFY, SR_CERTIFICATE_PENDING,
		  EVENT_STIR_FAILED },
		{ "forged", CALL(URI, FROM, TO ";tag=1", "X-STIR-Result: STIR_VERIFIED\r\n"), VERDICT_DROP,
		  SR_FORGED_MARK, EVENT_STIR_FAILED },
		{ "forged, unreadable", "INVITE x\r\nX-STIR-Result: STIR_VERIFIED\r\n", VERDICT_DROP, SR_FORGED_MARK,
		  EVENT_STIR_FAILED },
	};
	struct gate *t = gate_new();

	(void)state;
	gate_retune(t, v_observe);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		gate_run(t, cases[i].msg);
		gate_expect(t, cases[i].name, VERDICT_PASS, SR_OBSERVE, cases[i].stir);
		if (t->out.decided_verdict != cases[i].verdict || t->out.decided_reason != cases[i].reason)
			fail_msg("%s: decided %s %s", cases[i].name, engine_verdict_name(t->out.decided_verdict),
				 reason_token(t->out.decided_reason));
		assert_true(t->out.notes & EVENT_NOTE_OBSERVE);
		assert_true(gate_is_unchanged(t));
	}
	/* what is not judged is what it is */
	gate_run(t, CALL(URI, FROM, TO ";tag=1", ""));
	gate_expect(t, "in dialog", VERDICT_PASS, SR_IN_DIALOG, EVENT_STIR_NONE);
	gate_free(t);
}

/* Switched off: byte-identical, whatever it carries. */
static void test_off(void **state)
{
	static const struct { const char *msg; enum sipseal_reason reg_off, off; } cases[] = {
		{ MSG("X-STIR-Result: STIR_VERIFIED\r\n" IDENTITY("good")), SR_SIGNER_REGULATORY_OFF,
		  SR_VERIFICATION_OFF },
		{ CALL(URI, FROM, TO ";tag=1", "X-STIR-Result: STIR_VERIFIED\r\n"), SR_IN_DIALOG, SR_IN_DIALOG },
		{ "INVITE x\r\nX-STIR-Result: STIR_VERIFIED\r\n", SR_START_LINE, SR_START_LINE },
	};
	struct gate *t = gate_new();

	(void)state;
	for (unsigned i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		bool is_reg = i & 1;

		gate_retune(t, is_reg ? v_reg_off : v_off);
		gate_run(t, cases[i / 2].msg);
		gate_expect(t, "off", VERDICT_PASS, is_reg ? cases[i / 2].reg_off : cases[i / 2].off, EVENT_STIR_NONE);
		assert_true(gate_is_unchanged(t));
		assert_int_equal(t->keys.asked, 0);
	}
	gate_free(t);
}

static void test_replay(void **state)
{
	static const char again[] = MSG("Call-IDx: 1\r\n" IDENTITY("good"));
	struct gate *t = gate_new();
	char *at;

	(void)state;
	for (unsigned round = 0; round < 2; round++) {
		gate_retune(t, round ? v_replay : NULL);
		gate_run(t, MSG(IDENTITY("good")));
		gate_expect(t, "first", VERDICT_VERIFY, SR_VERIFIED, EVENT_STIR_VERIFIED);
		gate_run(t, MSG(IDENTITY("good")));
		gate_expect(t, "a copy", VERDICT_VERIFY, SR_VERIFIED, EVENT_STIR_VERIFIED);
		if (round == 0)
			assert_int_equal(t->seen_window_s, 60 + VERIFY_FUTURE_S);
		gate_fill(t, again);
		at = strstr(t->in, "Call-ID: a84b");
		at[9] = 'b';
		gate_run_bytes(t);
		if (round == 0)
			gate_expect(t, "another call", VERDICT_VERIFY, SR_REPLAYED, EVENT_STIR_FAILED);
		else
			gate_expect(t, "ignored", VERDICT_VERIFY, SR_VERIFIED, EVENT_STIR_VERIFIED);
		assert_int_equal(t->replay_asked, round ? 0 : 1);
		/* of what is not good nobody remembers anything */
		gate_run(t, MSG(IDENTITY("wrong-key")));
		assert_int_equal(t->replay_asked, 0);
	}
	gate_free(t);
}

/* Our own trouble is nobody's fault: no refusal, no code, no verstat. */
static void test_trouble(void **state)
{
	static const char *const has[] = { "X-STIR-Result: STIR_FAILED;reason=verify_failed\r\n" };
	struct gate *t = gate_new();

	(void)state;
	gate_retune(t, v_reject);
	t->keys.signature_error = -EIO;
	gate_run(t, MSG(IDENTITY("good")));
	gate_expect(t, "crypto", VERDICT_VERIFY, SR_VERIFY_FAILED, EVENT_STIR_FAILED);
	gate_expect_text(t, "crypto", has, 1, true);
	assert_int_equal(t->engine->judged.row_cnt, 0);
	t->keys.signature_error = 0;
	t->env.signature = NULL;
	gate_run(t, MSG(IDENTITY("good")));
	gate_expect(t, "no crypto", VERDICT_VERIFY, SR_VERIFY_FAILED, EVENT_STIR_FAILED);
	t->env.certificate = NULL;
	gate_run(t, MSG(IDENTITY("good")));
	assert_int_equal(t->out.verdict, VERDICT_WAIT);
	t->env.certificate = gate_certificate;
	t->env.signature = world_signature;
	t->env.replayed = NULL;
	gate_run(t, MSG(IDENTITY("good")));
	gate_expect(t, "no replays", VERDICT_VERIFY, SR_VERIFIED, EVENT_STIR_VERIFIED);
	gate_free(t);
}

/* A slot that no trunk has. */
static void test_no_trunk(void **state)
{
	struct gate *t = gate_new();
	struct engine_input in = { .policy = t->policy, .trunk = 1, .is_inbound = true };

	(void)state;
	gate_fill(t, MSG(IDENTITY("good")));
	in.datagram = slice_of(t->in, t->in_len);
	engine_run(t->engine, &t->env, &in, &t->out);
	gate_expect(t, "no trunk", VERDICT_DROP, SR_UNKNOWN_TRUNK, EVENT_STIR_NONE);
	gate_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_privileged), cmocka_unit_test(test_wait),	   cmocka_unit_test(test_observe),
		cmocka_unit_test(test_off),	   cmocka_unit_test(test_replay),  cmocka_unit_test(test_trouble),
		cmocka_unit_test(test_no_trunk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
