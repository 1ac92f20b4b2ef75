/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inbound_world - INVITEs from a carrier before the engine: tokens that OpenSSL signed, certificates of every kind, a
 * trunk that verifies.  In the text of a message, {name} stands for the value of an Identity row below.
 */
#ifndef SIPSEAL_TEST_INBOUND_WORLD_H
#define SIPSEAL_TEST_INBOUND_WORLD_H

#include "invariant.h"
#include "policy_world.h"
#include "stir/verify_world.h"

#define SDP  "v=0\r\no=- 1 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\nm=audio 49170 RTP/AVP 0\r\n"
#define TAIL "Content-Type: application/sdp\r\nContent-Length: 90\r\n\r\n" SDP
#define CALL_ROWS(uri, from, to, rows) \
	"INVITE " uri " SIP/2.0\r\n" \
	"Via: SIP/2.0/UDP 203.0.113.10:5060;branch=z9hG4bK776asdhds;rport\r\n" \
	"Max-Forwards: 70\r\n" \
	"From: " from "\r\n" \
	"To: " to "\r\n" \
	"Call-ID: a84b4c76e66710@203.0.113.10\r\n" \
	"CSeq: 314159 INVITE\r\n" \
	"Contact: <sip:sbc@203.0.113.10>\r\n" rows
#define CALL(uri, from, to, rows) CALL_ROWS(uri, from, to, rows) TAIL
#define FROM_URI  "sip:+" ORIG "@carrier.example"
#define FROM	  "\"Alice\" <" FROM_URI ">;tag=19"
#define ANON	  "\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=19"
#define URI	  "sip:+" DEST "@pbx.example"
#define TO	  "<" URI ">"
#define IDENTITY(name) "Identity: {" name "}\r\n"
#define MSG(rows)	 CALL(URI, FROM, TO, rows)
#define MSG_FROM(from, rows) CALL(URI, from, TO, rows)
#define PAI(value) "P-Asserted-Identity: " value "\r\n"

#define GATE_X5U(name) "https://cr.example.com/" name

struct row_kind {
	const char *name, *x5u, *ppt;
	const char *orig;     /* NULL: ORIG */
	const char *attest;   /* NULL: A */
	const char *iat;      /* NULL: now */
	bool is_wrong_key;
	const char *text;     /* instead of all that */
};

static const struct row_kind row_kinds[] = {
	{ "good", X5U, "shaken" },
	{ "b", X5U, "shaken", .attest = "B" },
	{ "c", X5U, "shaken", .attest = "C" },
	{ "baseline", X5U, "" },
	{ "other-number", X5U, "shaken", .orig = "12155550199" },
	{ "wrong-key", X5U, "shaken", .is_wrong_key = true },
	{ "stale", X5U, "shaken", .iat = "1767225500" },
	{ "rph", X5U, "rph" },
	{ "unknown", GATE_X5U("unknown"), "shaken" },
	{ "unknown2", GATE_X5U("unknown2"), "shaken" },
	{ "http", "http://cr.example.com/1", "shaken" },
	{ "refused", GATE_X5U("refused"), "shaken" },
	{ "fetch", GATE_X5U("fetch"), "shaken" },
	{ "unreachable", GATE_X5U("unreachable"), "shaken" },
	{ "bad", GATE_X5U("bad"), "shaken" },
	{ "untrusted", GATE_X5U("untrusted"), "shaken" },
	{ "expired", GATE_X5U("expired"), "shaken" },
	{ "expired-now", GATE_X5U("expired-now"), "shaken" },
	{ "revoked", GATE_X5U("revoked"), "shaken" },
	{ "range", GATE_X5U("range"), "shaken" },
	{ "unauthorized", GATE_X5U("unauthorized"), "shaken" },
	{ "nonsense", .text = "<;\"x" },
	{ "passport", .text = "e30.e30.AAAA" PARAMS },
	{ "rs256", .text = "e30.e30.AAAA" INFO(X5U) ";alg=RS256;ppt=shaken" },
};

static const struct {
	const char *x5u;
	enum sipseal_reason reason;
	uint16_t code;
} failures[] = {
	{ GATE_X5U("refused"), SR_X5U_REFUSED, 436 },
	{ GATE_X5U("fetch"), SR_FETCH_FAILED, 436 },
	{ GATE_X5U("unreachable"), SR_CERTIFICATE_UNREACHABLE, 436 },
	{ GATE_X5U("bad"), SR_CERTIFICATE_BAD, 437 },
	{ GATE_X5U("untrusted"), SR_CERTIFICATE_UNTRUSTED, 437 },
	{ GATE_X5U("expired"), SR_CERTIFICATE_EXPIRED, 437 },
	{ GATE_X5U("revoked"), SR_CERTIFICATE_REVOKED, 437 },
	{ GATE_X5U("unauthorized"), SR_NUMBER_UNAUTHORIZED, 437 },
};

struct gate {
	struct world keys;             /* first: the callbacks of verify_world.h get it */
	struct gateway *g;
	struct policy_copy *policy;
	struct engine *engine;
	struct engine_env env;
	struct engine_output out;
	bool is_last;
	uint8_t seen_sig[PASSPORT_SIG_LEN];
	char seen_call_id[64];
	unsigned seen_window_s, replay_asked;
	char *rows[ARRAY_SIZE(row_kinds)];
	char in[70000], bytes[70000];
	size_t in_len, len;
};

static enum verdict_kind gate_certificate(void *ctx, struct slice x5u, struct verdict *ret)
{
	struct gate *t = ctx;

	for (size_t i = 0; i < ARRAY_SIZE(failures); i++)
		if (slice_eq(slice_str(failures[i].x5u), x5u)) {
			*ret = (struct verdict){ .kind = VERDICT_BAD, .reason = (uint8_t)failures[i].reason,
						 .code = failures[i].code };
			return VERDICT_BAD;
		}
	if (slice_eq(x5u, SLICE(GATE_X5U("range"))) || slice_eq(x5u, SLICE(GATE_X5U("expired-now")))) {
		world_certificate(&t->keys, SLICE(X5U), ret);
		if (slice_eq(x5u, SLICE(GATE_X5U("expired-now")))) {
			ret->not_after = NOW - 1;
			return VERDICT_GOOD;
		}
		ret->has_spc = 0;
		ret->spc[0] = 0;
		ret->range_cnt = 1;
		strcpy(ret->ranges[0].first, "12155550200");
		strcpy(ret->ranges[0].last, "12155550299");
		return VERDICT_GOOD;
	}
	return world_certificate(&t->keys, x5u, ret);
}

static bool gate_replayed(void *ctx, const uint8_t sig[PASSPORT_SIG_LEN], struct slice call_id, unsigned window_s)
{
	struct gate *t = ctx;
	bool is_seen = t->seen_call_id[0] && memcmp(t->seen_sig, sig, PASSPORT_SIG_LEN) == 0 &&
		       !slice_eq(slice_str(t->seen_call_id), call_id);

	t->replay_asked++;
	t->seen_window_s = window_s;
	memcpy(t->seen_sig, sig, PASSPORT_SIG_LEN);
	memcpy(t->seen_call_id, call_id.p, call_id.len);
	t->seen_call_id[call_id.len] = 0;
	return is_seen;
}

static char *row_new(struct world *w, const struct row_kind *k)
{
	char header[400], payload[400], *token, *row;
	const char *orig = k->orig ? k->orig : ORIG, *iat = k->iat ? k->iat : "1767225600";

	if (k->text)
		return strdup(k->text);
	if (*k->ppt)
		snprintf(header, sizeof(header), "{\"alg\":\"ES256\",\"ppt\":\"%s\",\"typ\":\"passport\",\"x5u\":\"%s\"}",
			 k->ppt, k->x5u);
	else
		snprintf(header, sizeof(header), "{\"alg\":\"ES256\",\"typ\":\"passport\",\"x5u\":\"%s\"}", k->x5u);
	if (*k->ppt)
		snprintf(payload, sizeof(payload), "{\"attest\":\"%s\",\"dest\":{\"tn\":[\"" DEST
			 "\"]},\"iat\":%s,\"orig\":{\"tn\":\"%s\"},\"origid\":\"" UUID "\"}",
			 k->attest ? k->attest : "A", iat, orig);
	else
		snprintf(payload, sizeof(payload), "%s", BASELINE_PAYLOAD);
	token = token_new(k->is_wrong_key ? w->other : w->key, header, payload, false);
	assert_true(asprintf(&row, "%s;info=<%s>;alg=ES256%s%s", token, k->x5u, *k->ppt ? ";ppt=" : "", k->ppt) > 0);
	free(token);
	return row;
}

/* A trunk that verifies, before @tune changes it. */
static tune_fn *gate_tune;

static inline void gate_policy(struct gateway *g, struct trunk *t)
{
	t->verification.is_enabled = true;
	if (gate_tune)
		gate_tune(g, t);
}

static inline void gate_retune(struct gate *t, tune_fn *tune)
{
	gateway_free(t->g);
	free(t->policy);
	gate_tune = tune;
	t->policy = policy_new(gate_policy, NULL, &t->g);
	t->env = (struct engine_env){ .now_ms = NOW * 1000ll + 999, .certificate = gate_certificate,
				      .signature = world_signature, .replayed = gate_replayed, .verify_ctx = t };
	t->is_last = false;
	t->seen_call_id[0] = 0;
	t->keys.signature_error = 0;
}

static inline struct gate *gate_new(void)
{
	struct gate *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	world_init(&t->keys);
	t->engine = malloc(sizeof(*t->engine));
	assert_non_null(t->engine);
	for (size_t i = 0; i < ARRAY_SIZE(row_kinds); i++)
		t->rows[i] = row_new(&t->keys, &row_kinds[i]);
	gate_retune(t, NULL);
	return t;
}

static inline void gate_free(struct gate *t)
{
	world_done(&t->keys);
	gateway_free(t->g);
	free(t->policy);
	free(t->engine);
	for (size_t i = 0; i < ARRAY_SIZE(row_kinds); i++)
		free(t->rows[i]);
	free(t);
}

static inline const char *gate_row(const struct gate *t, const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(row_kinds); i++)
		if (strlen(row_kinds[i].name) == len && !memcmp(row_kinds[i].name, name, len))
			return t->rows[i];
	fail_msg("no row {%.*s}", (int)len, name);
	return NULL;
}

/* @msg with its {names}. */
static inline void gate_fill(struct gate *t, const char *msg)
{
	t->in_len = 0;
	while (*msg) {
		const char *end = *msg == '{' ? strchr(msg, '}') : NULL, *row;

		if (!end) {
			t->in[t->in_len++] = *msg++;
			continue;
		}
		row = gate_row(t, msg + 1, (size_t)(end - msg - 1));
		memcpy(t->in + t->in_len, row, strlen(row));
		t->in_len += strlen(row);
		msg = end + 1;
	}
	t->in[t->in_len] = 0;
}

static inline bool gate_is_leaving(const struct engine_output *o)
{
	return o->verdict == VERDICT_PASS || o->verdict == VERDICT_VERIFY;
}

/* t->in goes through the engine; t->bytes is what leaves, or the answer, or empty. */
static inline void gate_run_bytes(struct gate *t)
{
	struct guard g = guard_new(t->in, t->in_len);
	struct engine_input in = { .datagram = { g.p, g.len }, .policy = t->policy, .is_inbound = true,
				   .is_last = t->is_last, .source_ip = "203.0.113.10", .source_port = 5060 };
	const char *err = NULL;
	ssize_t n = 0;

	t->keys.asked = t->keys.verified = t->replay_asked = 0;
	engine_run(t->engine, &t->env, &in, &t->out);
	if (t->out.verdict == VERDICT_REJECT) {
		n = engine_response_emit(t->engine, &t->env, &in, &t->out, t->bytes, sizeof(t->bytes));
		assert_true(n > 0);
	} else if (gate_is_leaving(&t->out)) {
		n = engine_emit(t->engine, &in, t->bytes, sizeof(t->bytes));
		assert_int_equal(n, engine_out_len(t->engine, &in));
		err = invariant_inbound_broken(t->engine, &in, &t->out, slice_of(t->bytes, (size_t)n));
	} else {
		assert_int_equal(t->engine->edits.cnt, 0);
	}
	t->len = (size_t)n;
	t->bytes[n] = 0;
	if (err)
		fail_msg("%s\nin\n%s\nout\n%s", err, t->in, t->bytes);
	/* slices of the output stay in the scratch; those into the datagram die with it */
	t->out.call_id = SLICE_NONE;
	guard_free(&g);
}

static inline void gate_run(struct gate *t, const char *msg)
{
	gate_fill(t, msg);
	gate_run_bytes(t);
}

static inline bool gate_is_unchanged(const struct gate *t)
{
	return t->len == t->in_len && memcmp(t->bytes, t->in, t->len) == 0;
}

static inline void gate_expect(const struct gate *t, const char *name, enum engine_verdict verdict,
			       enum sipseal_reason reason, enum event_stir stir)
{
	if (t->out.verdict != verdict || t->out.reason != reason || t->out.stir != stir)
		fail_msg("%s: %s %s stir %d, want %s %s %d\n%s", name, engine_verdict_name(t->out.verdict),
			 reason_token(t->out.reason), t->out.stir, engine_verdict_name(verdict), reason_token(reason),
			 stir, t->in);
}

static inline void gate_expect_text(const struct gate *t, const char *name, const char *const *list, size_t cnt, bool want)
{
	for (size_t i = 0; i < cnt && list[i]; i++)
		if (!!strstr(t->bytes, list[i]) != want)
			fail_msg("%s: %s\n<<%s>>\nin\n%s", name, want ? "missing" : "should not be there", list[i],
				 t->bytes);
}

/* ---- settings ---- */

#define TUNE(name) __attribute__((unused)) static void name(struct gateway *g, struct trunk *t)
#define UNUSED_G   (void)g, (void)t
#define V	   t->verification

static inline void set_text(char **p, const char *text)
{
	free(*p);
	*p = text ? strdup(text) : NULL;
}

TUNE(v_reject)	      { UNUSED_G; V.on_failure = V.on_missing = VERIFY_REJECT; }
TUNE(v_reject_failed) { UNUSED_G; V.on_failure = VERIFY_REJECT; }
TUNE(v_no_wait)	      { UNUSED_G; V.wait_ms = 0; }
TUNE(v_observe)	      { UNUSED_G; t->mode = TRUNK_OBSERVE; v_reject(g, t); }
TUNE(v_off)	      { UNUSED_G; V.is_enabled = false; }
TUNE(v_reg_off)	      { UNUSED_G; g->regulatory_enabled = false; }
TUNE(v_no_header)     { UNUSED_G; set_text(&V.result_header, NULL); }
TUNE(v_header)	      { UNUSED_G; set_text(&V.result_header, "X-Caller"); }
TUNE(v_replay)	      { UNUSED_G; V.replay = REPLAY_IGNORE; }
TUNE(v_pai)	      { UNUSED_G; V.verstat = VERSTAT_PAI; }
TUNE(v_from)	      { UNUSED_G; V.verstat = VERSTAT_FROM; }
TUNE(v_strip)	      { UNUSED_G; V.carrier_verstat = VERSTAT_STRIP; }
TUNE(v_pai_strip)     { UNUSED_G; v_pai(g, t); v_strip(g, t); }
TUNE(v_from_strip)    { UNUSED_G; v_from(g, t); v_strip(g, t); }
TUNE(v_no_trust)      { UNUSED_G; V.trust_pai = false; }
TUNE(v_no_trust_pai)  { UNUSED_G; v_no_trust(g, t); v_pai(g, t); }
TUNE(v_label)
{
	static const char *const labels[LABEL_CNT] = { "[A]", "[B]", "[C]", "[!]", "[?]" };

	UNUSED_G;
	for (unsigned i = 0; i < LABEL_CNT; i++)
		set_text(&V.label[i], labels[i]);
}
TUNE(v_label_pai)     { UNUSED_G; v_label(g, t); v_pai(g, t); }
TUNE(v_label_from)    { UNUSED_G; v_label(g, t); v_from(g, t); }
TUNE(v_label_no_trust) { UNUSED_G; v_label(g, t); v_no_trust(g, t); }
TUNE(v_label_a)       { UNUSED_G; set_text(&V.label[LABEL_A], "[A]"); }

#endif
