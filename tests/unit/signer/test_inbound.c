/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls from the carrier that need not wait: what leaves, what is answered, what is told of it. */
#include "signer/calls.h"

#include <arpa/inet.h>

static void reject(struct gateway *g, struct trunk *t)
{
	calls_verify(g, t);
	t->verification.on_failure = t->verification.on_missing = VERIFY_REJECT;
}

static void observe(struct gateway *g, struct trunk *t)
{
	reject(g, t);
	t->mode = TRUNK_OBSERVE;
}

static void off(struct gateway *g, struct trunk *t)
{
	(void)g, (void)t;
}

static void not_regulatory(struct gateway *g, struct trunk *t)
{
	reject(g, t);
	g->regulatory_enabled = false;
}

static bool is_text(const char *p, uint8_t len, const char *want)
{
	return len == strlen(want) && memcmp(p, want, len) == 0;
}

#define SOS "urn:service:sos"
#define FORGED "X-STIR-Result: STIR_VERIFIED\r\n"

/* With X5U_A known and X5U_B not.  What leaves holds a text, or is what came (""), or nothing leaves (NULL). */
static const struct {
	const char *name;
	world_tune_fn *tune;
	struct call call;
	unsigned flags;
	bool is_late;
	const char *leaves_with, *answer;
	enum event_verdict verdict;
	enum sipseal_reason reason, decided;
	enum event_stir stir; /* EVENT_STIR_NONE: no event */
	unsigned code;
	const char *x5u, *spc;
	char attest;
} outcomes[] = {
	{ "verified", NULL, { .x5u = X5U_A }, 0, 0, "X-STIR-Result: STIR_VERIFIED;attest=A;origid=123e4567", NULL,
	  EVENT_VERIFY, SR_VERIFIED, SR_VERIFIED, EVENT_STIR_VERIFIED, 0, X5U_A, "709J", 'A' },
	{ "missing", NULL, { 0 }, 0, 0, "X-STIR-Result: STIR_MISSING", NULL,
	  EVENT_VERIFY, SR_IDENTITY_MISSING, SR_IDENTITY_MISSING, EVENT_STIR_MISSING, 0, "", "", 0 },
	{ "forged", NULL, { .x5u = X5U_A, .is_forged = true }, 0, 0, "STIR_FAILED;reason=signature_bad;code=438", NULL,
	  EVENT_VERIFY, SR_SIGNATURE_BAD, SR_SIGNATURE_BAD, EVENT_STIR_FAILED, 0, X5U_A, "709J", 'A' },
	{ "another number", reject, { .x5u = X5U_A, .orig = "12155550199" }, 0, 0, NULL, "SIP/2.0 438 ",
	  EVENT_REJECT, SR_ORIG_MISMATCH, SR_ORIG_MISMATCH, EVENT_STIR_FAILED, 438, X5U_A, "", 'A' },
	{ "stale", reject, { .x5u = X5U_A, .age_s = 300 }, 0, 0, NULL, "SIP/2.0 403 Stale Date\r\n",
	  EVENT_REJECT, SR_PASSPORT_STALE, SR_PASSPORT_STALE, EVENT_STIR_FAILED, 403, X5U_A, "", 'A' },
	{ "missing, refused", reject, { 0 }, 0, 0, NULL, "SIP/2.0 428 ",
	  EVENT_REJECT, SR_IDENTITY_MISSING, SR_IDENTITY_MISSING, EVENT_STIR_MISSING, 428, "", "", 0 },
	{ "missing, refused, but nobody can be told", reject, { .via = "SIP\\" }, 0, 0, NULL, NULL,
	  EVENT_DROP, SR_IDENTITY_MISSING, SR_IDENTITY_MISSING, EVENT_STIR_MISSING, 0, "", "", 0 },
	{ "observe, verified", observe, { .x5u = X5U_A, .rows = FORGED }, 0, 0, "", NULL,
	  EVENT_PASS, SR_OBSERVE, SR_VERIFIED, EVENT_STIR_VERIFIED, 0, X5U_A, "709J", 'A' },
	{ "observe, would be refused", observe, { 0 }, 0, 0, "", NULL,
	  EVENT_PASS, SR_OBSERVE, SR_IDENTITY_MISSING, EVENT_STIR_MISSING, 428, "", "", 0 },
	{ "observe, not known", observe, { .x5u = X5U_B }, 0, 0, "", NULL,
	  EVENT_PASS, SR_OBSERVE, SR_CERTIFICATE_PENDING, EVENT_STIR_FAILED, 0, X5U_B, "", 'A' },
	{ "emergency, not known", reject, { .x5u = X5U_B, .request = SOS }, 0, 0, "reason=certificate_pending", NULL,
	  EVENT_VERIFY, SR_CERTIFICATE_PENDING, SR_CERTIFICATE_PENDING, EVENT_STIR_FAILED, 0, X5U_B, "", 'A' },
	{ "flagged as an emergency, not known", reject, { .x5u = X5U_B }, SIPSEAL_META_F_EMERGENCY, 0,
	  "reason=certificate_pending", NULL,
	  EVENT_VERIFY, SR_CERTIFICATE_PENDING, SR_CERTIFICATE_PENDING, EVENT_STIR_FAILED, 0, X5U_B, "", 'A' },
	{ "emergency, would be refused", reject, { .request = SOS }, SIPSEAL_META_F_EMERGENCY, 0,
	  "X-STIR-Result: STIR_MISSING\r\n", NULL,
	  EVENT_VERIFY, SR_IDENTITY_MISSING, SR_IDENTITY_MISSING, EVENT_STIR_MISSING, 0, "", "", 0 },
	/* XDP looks at less of it */
	{ "flagged as an emergency, but none", reject, { 0 }, SIPSEAL_META_F_EMERGENCY, 0, NULL, "SIP/2.0 428 ",
	  EVENT_REJECT, SR_IDENTITY_MISSING, SR_IDENTITY_MISSING, EVENT_STIR_MISSING, 428, "", "", 0 },
	{ "callback, not known", reject, { .x5u = X5U_B, .rows = "Priority: psap-callback\r\n" }, 0, 0,
	  "reason=certificate_pending", NULL,
	  EVENT_VERIFY, SR_CERTIFICATE_PENDING, SR_CERTIFICATE_PENDING, EVENT_STIR_FAILED, 0, X5U_B, "", 'A' },
	{ "a mark in what cannot be edited", NULL, { .rows = FORGED "CSeq: 2 INVITE\r\n" }, 0, 0, NULL, NULL,
	  EVENT_DROP, SR_FORGED_MARK, SR_FORGED_MARK, EVENT_STIR_FAILED, 0, "", "", 0 },
	{ "the same, flagged as an emergency", NULL, { .rows = FORGED "CSeq: 2 INVITE\r\n" }, SIPSEAL_META_F_EMERGENCY,
	  0, NULL, NULL,
	  EVENT_DROP, SR_FORGED_MARK, SR_FORGED_MARK, EVENT_STIR_FAILED, 0, "", "", 0 },
	{ "the same in an emergency", NULL, { .rows = FORGED "CSeq: 2 INVITE\r\n", .request = SOS },
	  SIPSEAL_META_F_EMERGENCY, 0, "", NULL, EVENT_PASS, SR_EMERGENCY_PASSED_LATE, SR_EMERGENCY_PASSED_LATE, EVENT_STIR_FAILED, 0, "", "", 0 },
	{ "what cannot be edited", NULL, { .rows = "CSeq: 2 INVITE\r\n" }, 0, 0, "", NULL,
	  EVENT_PASS, SR_DUPLICATE_HEADER, SR_DUPLICATE_HEADER, EVENT_STIR_FAILED, 0, "", "", 0 },
	{ "in a dialog", reject, { .to_tag = ";tag=b" }, 0, 0, "", NULL,
	  EVENT_PASS, SR_IN_DIALOG, SR_IN_DIALOG, EVENT_STIR_NONE },
	{ "in a dialog, with a mark", reject, { .to_tag = ";tag=b", .rows = FORGED }, 0, 0, NULL, NULL,
	  EVENT_DROP, SR_FORGED_MARK, SR_FORGED_MARK, EVENT_STIR_FAILED, 0, "", "", 0 },
	{ "verification off", off, { .rows = FORGED }, 0, 0, "", NULL,
	  EVENT_PASS, SR_VERIFICATION_OFF, SR_VERIFICATION_OFF, EVENT_STIR_NONE },
	{ "regulatory off", not_regulatory, { .rows = FORGED }, 0, 0, "", NULL,
	  EVENT_PASS, SR_SIGNER_REGULATORY_OFF, SR_SIGNER_REGULATORY_OFF, EVENT_STIR_NONE },
	{ "queued for too long", NULL, { .x5u = X5U_A }, 0, true, NULL, NULL,
	  EVENT_DROP, SR_STALE_FRAME, SR_STALE_FRAME, EVENT_STIR_FAILED, 0, "", "", 0 },
	{ "queued for too long, emergency", NULL, { .x5u = X5U_A }, SIPSEAL_META_F_EMERGENCY, true, "", NULL,
	  EVENT_PASS, SR_EMERGENCY_PASSED_LATE, SR_EMERGENCY_PASSED_LATE, EVENT_STIR_FAILED, 0, "", "", 0 },
};

static void check_wire(struct calls *c, const __typeof__(outcomes[0]) *o, const char *msg)
{
	if (sent(c) != (o->leaves_with != NULL) || c->x.carrier->sent_cnt != (o->answer != NULL))
		fail_msg("%s: %u have left, %u answers", o->name, sent(c), c->x.carrier->sent_cnt);
	if (o->leaves_with && !o->leaves_with[0] && !slice_eq(out(c, 0), slice_str(msg)))
		fail_msg("%s: other bytes", o->name);
	if (o->leaves_with && !call_holds(out(c, 0), o->leaves_with))
		fail_msg("%s: without %s", o->name, o->leaves_with);
	if (o->answer && !call_holds(world_payload(c->x.carrier, 0), o->answer))
		fail_msg("%s: another answer", o->name);
}

static void check_event(struct calls *c, const __typeof__(outcomes[0]) *o)
{
	struct event_record r, second;

	if (world_event(&c->x, &r) != (o->stir != EVENT_STIR_NONE))
		fail_msg("%s: event", o->name);
	if (o->stir == EVENT_STIR_NONE)
		return;
	if (r.flags != EVENT_INBOUND || r.trunk != WORLD_TRUNK || r.key != UINT32_MAX || r.src_port != 5060)
		fail_msg("%s: flags %x trunk %u key %u", o->name, r.flags, r.trunk, r.key);
	if (r.verdict != o->verdict || r.reason != o->reason || r.decided_reason != o->decided || r.stir != o->stir)
		fail_msg("%s: verdict %u reason %u decided %u stir %u", o->name, r.verdict, r.reason, r.decided_reason,
			 r.stir);
	if (r.code != o->code || r.attest != o->attest || strcmp(r.spc, o->spc) || !is_text(r.x5u, r.x5u_len, o->x5u))
		fail_msg("%s: code %u attest %d spc %s x5u %.*s", o->name, r.code, r.attest, r.spc, r.x5u_len, r.x5u);
	if (!is_text(r.origid, r.origid_len, o->attest ? "123e4567-e89b-42d3-a456-426655440000" : ""))
		fail_msg("%s: origid %.*s", o->name, r.origid_len, r.origid);
	if (world_event(&c->x, &second))
		fail_msg("%s: a second event", o->name);
}

static void test_outcomes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(outcomes); i++) {
		const __typeof__(outcomes[0]) *o = &outcomes[i];
		struct sipseal_meta m = call_meta(o->flags);
		char msg[CALL_MAX];
		struct calls c;

		calls_new(&c, o->tune);
		fetcher_know(&c.f, X5U_A);
		m.time_ns -= o->is_late ? 600000000 : 0;
		call_in(&c.x, &m, call_put(&c.x, &o->call, msg));
		world_run(&c.x);
		if (c.x.w->counters->parked_ever)
			fail_msg("%s: waited", o->name);
		check_wire(&c, o, msg);
		if (call_trunk_reason(&c.x, o->reason) != 1 || call_trunk_reason(&c.x, o->decided) != 1)
			fail_msg("%s: not counted", o->name);
		if (world_trunk_reason(&c.x, o->reason))
			fail_msg("%s: counted as outbound", o->name);
		check_event(&c, o);
		calls_free(&c);
	}
}

/* It goes to where the INVITE came from, by the NIC it came in on. */
static void test_answer(void **state)
{
	static const uint8_t l2[12] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1 }; /* of packet.h, swapped */
	struct call one = { .id = "1" };
	struct wire_frame f;
	struct calls c;

	(void)state;
	calls_new(&c, reject);
	for (unsigned i = 0; i < 3; i++) { /* one answer per copy */
		call_send(&c.x, &one);
		world_run(&c.x);
		assert_int_equal(c.x.carrier->sent_cnt, i + 1);
	}
	assert_memory_equal(c.x.carrier->sent[0].data, l2, 12);
	assert_int_equal(wire_frame_parse(slice_of(c.x.carrier->sent[0].data, c.x.carrier->sent[0].len), &f), 0);
	assert_memory_equal(f.src + 12, packet_v4_dst, 4);
	assert_memory_equal(f.dst + 12, packet_v4_src, 4);
	assert_true(f.src_port == 5080 && f.dst_port == 5060);
	assert_true(call_holds(f.payload, "\r\nReason: STIR;cause=428;text=\"Use Identity Header\"\r\n"));
	assert_true(slice_eq(world_payload(c.x.carrier, 0), world_payload(c.x.carrier, 2)));
	assert_int_equal(sent(&c), 0);
	calls_free(&c);
}

/* Copies of what was judged are the same, whatever happens to the certificate; so are those without a change. */
static void test_copies(void **state)
{
	struct call calls[] = { { .id = "1", .x5u = X5U_A }, { .id = "2" }, { .id = "3", .x5u = X5U_A } };
	struct event_record r;
	char msg[CALL_MAX];

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(calls); i++) {
		struct calls c;
		uint64_t hits;

		calls_new(&c, i == 2 ? observe : NULL);
		fetcher_know(&c.f, X5U_A);
		call_put(&c.x, &calls[i], msg);
		call_send_text(&c.x, msg);
		world_run(&c.x);
		hits = c.x.w->counters->verdict_hits;
		assert_int_equal(hits, calls[i].x5u != NULL);
		verdict_drop(c.f.writer, SLICE(X5U_A));
		call_send_text(&c.x, msg);
		world_run(&c.x);
		assert_int_equal(sent(&c), 2);
		assert_true(slice_eq(out(&c, 0), out(&c, 1)));
		assert_int_equal(call_trunk_reason(&c.x, SR_RETRANSMISSION), 1);
		assert_int_equal(c.x.w->counters->verdict_hits + c.x.w->counters->verdict_misses, hits);
		assert_true(world_event(&c.x, &r));
		assert_false(world_event(&c.x, &r));
		calls_free(&c);
	}
}

/* A known key that does not fit: perhaps the certificate was exchanged. */
static void test_asks_again(void **state)
{
	struct call one = { .id = "1", .x5u = X5U_A, .is_forged = true }, two = { .id = "2", .x5u = X5U_B };
	struct verdict_want want;
	struct calls c;

	(void)state;
	calls_new(&c, NULL);
	fetcher_know(&c.f, X5U_A);
	call_send(&c.x, &one);
	world_run(&c.x);
	assert_true(fetcher_asked(&c.f, 0, &want));
	assert_true(want.flags == VERDICT_WANT_AGAIN && slice_eq(slice_of(want.x5u, want.len), SLICE(X5U_A)));
	/* a call that nobody may keep waiting still asks, for the next one */
	two.request = SOS;
	call_send(&c.x, &two);
	world_run(&c.x);
	assert_true(fetcher_asked(&c.f, 0, &want));
	assert_true(!want.flags && slice_eq(slice_of(want.x5u, want.len), SLICE(X5U_B)));
	/* one that was not judged asks for nothing: not for what the one before wanted either */
	wants_forget(&c.x.w->inbound.wants);
	two = (struct call){ .id = "3", .to_tag = ";tag=b" };
	call_send(&c.x, &two);
	two = (struct call){ .id = "4", .rows = "CSeq: 2 INVITE\r\n" };
	call_send(&c.x, &two);
	world_run(&c.x);
	assert_false(fetcher_asked(&c.f, 0, &want));
	calls_free(&c);
}

/* Edits that cannot be framed take marks away: they do not leave without them. */
#define SHORT_MARK "Attestation-Info: A\r\n" /* shorter than what we put */

static void test_not_framed(void **state)
{
	static const struct packet_ext two_routes = { "two routing headers", { 43, 43, 0xff },
						      { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, 16 };
	static const struct {
		const char *rows, *request;
		unsigned flags;
		enum sipseal_reason reason;
		enum event_stir stir;
		bool leaves;
	} cases[] = {
		{ "X-Pad: 1\r\n", NULL, 0, SR_OUTPUT_LIMIT, EVENT_STIR_MISSING, true },
		{ SHORT_MARK, NULL, 0, SR_FORGED_MARK, EVENT_STIR_FAILED, false },
		{ SHORT_MARK, NULL, SIPSEAL_META_F_EMERGENCY, SR_FORGED_MARK, EVENT_STIR_FAILED, false },
		{ SHORT_MARK, SOS, SIPSEAL_META_F_EMERGENCY, SR_EMERGENCY_PASSED_LATE, EVENT_STIR_FAILED, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct packet_spec s = { .is_v6 = true, .ext = &two_routes, .ttl = 64 };
		struct sipseal_meta m = call_meta(cases[i].flags);
		char msg[CALL_MAX], rows[CALL_MAX];
		struct call one = { .rows = rows, .request = cases[i].request };
		uint8_t frame[XSK_FRAME_SIZE];
		struct event_record r;
		struct calls c;
		size_t room;

		calls_new(&c, NULL);
		snprintf(rows, sizeof(rows), "%s", cases[i].rows);
		/* as much as fits the MTU: with the result row it does not */
		room = 1280 - 40 - 16 - 8 - strlen(call_put(&c.x, &one, msg)) - strlen("X-Fill: \r\n");
		snprintf(rows, sizeof(rows), "%sX-Fill: %0*d\r\n", cases[i].rows, (int)room, 0);
		m.mtu = 1280;
		call_put(&c.x, &one, msg);
		assert_true(fake_deliver(c.x.carrier, &m, sizeof(m), frame, packet_put(&s, msg, strlen(msg), frame)));
		c.x.delivered++;
		world_run(&c.x);
		if (world_reason(&c.x, cases[i].reason) != 1 || sent(&c) != cases[i].leaves)
			fail_msg("case %zu: %u have left", i, sent(&c));
		if (cases[i].leaves)
			assert_true(call_holds(slice_of(c.x.core->sent[0].data, c.x.core->sent[0].len), rows));
		assert_true(world_event(&c.x, &r));
		if (r.stir != cases[i].stir)
			fail_msg("case %zu: the event says %d", i, r.stir);
		calls_free(&c);
	}
}

/* ---- two workers ---- */

static void test_replayed(void **state)
{
	struct call one = { .id = "1", .x5u = X5U_A };
	struct event_record r;
	struct calls c, other;
	char msg[CALL_MAX], *id;

	(void)state;
	calls_new(&c, reject);
	calls_new(&other, reject);
	fetcher_know(&c.f, X5U_A);
	fetcher_know(&other.f, X5U_A);
	other.x.w->cfg.seen = c.seen; /* of the process */
	call_put(&c.x, &one, msg);
	call_send_text(&c.x, msg);
	world_run(&c.x);
	assert_int_equal(call_trunk_reason(&c.x, SR_VERIFIED), 1);
	/* a copy by another queue is no replay */
	call_send_text(&other.x, msg);
	world_run(&other.x);
	assert_int_equal(call_trunk_reason(&other.x, SR_VERIFIED), 1);
	/* the same PASSporT in another call is one, with each of them */
	id = strstr(msg, "Call-ID: 1@") + strlen("Call-ID: ");
	*id = '2';
	call_send_text(&other.x, msg);
	world_run(&other.x);
	assert_int_equal(call_trunk_reason(&other.x, SR_REPLAYED), 1);
	assert_true(call_holds(world_payload(other.x.carrier, 0), "SIP/2.0 438 "));
	*id = '3';
	call_send_text(&c.x, msg);
	world_run(&c.x);
	assert_int_equal(call_trunk_reason(&c.x, SR_REPLAYED), 1);
	assert_true(world_event(&c.x, &r) && world_event(&c.x, &r));
	assert_true(r.stir == EVENT_STIR_FAILED && r.reason == SR_REPLAYED && r.code == 438);
	assert_int_equal(c.x.w->counters->seen_evicted, 0);
	calls_free(&other);
	calls_free(&c);
}

/* ---- clocks ---- */

static void test_skew(void **state)
{
	static const struct { struct call call; int64_t s; } calls[] = {
		{ { .id = "1", .x5u = X5U_A, .age_s = 5 }, 5 },
		{ { .id = "2", .x5u = X5U_A, .age_s = -4 }, -4 },
		{ { .id = "3", .x5u = X5U_A, .age_s = 500 }, 500 },        /* only stale */
		{ { .id = "4", .x5u = X5U_A, .is_forged = true }, INT64_MAX }, /* tells nothing */
		{ { .id = "5", .x5u = X5U_B, .age_s = 9, .request = SOS }, INT64_MAX },
		{ { .id = "6" }, INT64_MAX },
		{ { .id = "7", .x5u = X5U_A, .age_s = 1000000 }, 86400 }, /* no clock is so wrong */
	};
	struct counters_trunk *t;
	int64_t mean = 0, ms;
	unsigned cnt = 0;
	struct calls c;

	(void)state;
	calls_new(&c, NULL);
	fetcher_know(&c.f, X5U_A);
	t = &c.x.w->counters->trunks[WORLD_TRUNK];
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		call_send(&c.x, &calls[i].call);
		world_run(&c.x);
		if (calls[i].s != INT64_MAX) {
			ms = calls[i].s * 1000;
			mean = cnt++ ? mean + (ms - mean) / 16 : ms;
		}
		assert_int_equal(t->skew_cnt, cnt);
		if (t->skew_ms < mean || t->skew_ms > mean + 2000) /* iat is in whole seconds */
			fail_msg("call %s: mean %ld, want %ld", calls[i].call.id, (long)t->skew_ms, (long)mean);
	}
	assert_in_range(t->skew_min_ms + 5000, 1000, 3000);
	assert_int_equal(t->skew_max_ms, 86400000);
	calls_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outcomes),
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_asks_again),
		cmocka_unit_test(test_not_framed),
		cmocka_unit_test(test_replayed),
		cmocka_unit_test(test_skew),
	};

	return cmocka_run_group_tests_name("inbound", tests, NULL, NULL);
}
