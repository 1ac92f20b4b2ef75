/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parser and engine under libFuzzer: the first byte picks one of the trunks below and how long the datagram may
 * become, by its top bits the direction and whether a location is set for this call alone; inbound, the second one says what the callbacks answer; the rest is
 * the datagram.  Invariant: no edit means the same bytes, an edit keeps all other bytes; inbound, what leaves
 * unedited carries no mark of ours.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/engine/invariant.h"
#include "engine/engine.h"
#include "trunk/compile.h"
#include "trunk/model.h"

#define NOW    1767225600
#define TRUNKS 6

static struct policy_copy *policy;
static struct gateway *gateway;
static struct pidf_template location = {
	.len = 97, .hole_cnt = 2, .holes = { { 14, PIDF_HOLE_ENTITY }, { 16, PIDF_HOLE_TIMESTAMP } },
	.text = "<pidf entity=''>\r\n                         <a>b</a>\r\n                                   </pidf>\r\n",
};

static struct pidf_template special = {
	.len = 17, .hole_cnt = 1, .holes = { { 9, PIDF_HOLE_ENTITY } }, .text = "<pidf e=''></pidf>",
};

/* All bytes of both keys can be read, whatever the datagram was. */
static const struct pidf_template *give(void *ctx, struct slice call_id, struct slice calling)
{
	static volatile char sink;

	for (size_t i = 0; i < call_id.len; i++)
		sink = call_id.p[i];
	for (size_t i = 0; i < calling.len; i++)
		if (!strchr("0123456789", calling.p[i]))
			abort();
	(void)sink;
	++*(unsigned *)ctx;
	return &special;
}

static int fake_sign(void *ctx, uint32_t id, const uint8_t digest[PASSPORT_DIGEST_LEN], uint8_t sig[PASSPORT_SIG_LEN])
{
	(void)ctx, (void)id;
	memcpy(sig, digest, PASSPORT_DIGEST_LEN);
	memcpy(sig + PASSPORT_DIGEST_LEN, digest, PASSPORT_DIGEST_LEN);
	return 0;
}

static void fake_random(void *ctx, void *dst, size_t len)
{
	(void)ctx;
	memset(dst, 0xab, len);
}

static void tune(struct trunk *t, unsigned i)
{
	const char *err;

	snprintf(t->name, sizeof(t->name), "t%u", i);
	t->attestation = ATTEST_A;
	t->attestation_other = i == 3 ? ATTEST_REJECT : ATTEST_B;
	t->country_code = i == 4 ? NULL : strdup("1");
	t->origid_mode = i & 1 ? ORIGID_CALL : ORIGID_TEXT;
	t->origid = strdup("o");
	t->has_geolocation = i != 2;
	t->geo_existing = i == 1 ? GEO_REPLACE : GEO_KEEP;
	t->pai_mode = i == 1 ? PAI_KEEP : i == 2 ? PAI_OFF : PAI_SET;
	t->pai_restricted = i == 1 ? RESTRICTED_KEEP : RESTRICTED_REMOVE;
	t->privacy = i == 3 ? PRIVACY_ID : PRIVACY_AUTO;
	t->existing_identity = i == 4 ? EXISTING_TRUST : i == 5 ? EXISTING_IGNORE : EXISTING_CHECK;
	t->on_unsignable = i == 4 ? UNSIGNABLE_REJECT : UNSIGNABLE_PASS;
	t->mode = i == 5 ? TRUNK_OBSERVE : TRUNK_ENFORCE;
	t->verification.is_enabled = i != 4;
	t->verification.on_failure = i & 1 ? VERIFY_REJECT : VERIFY_TAG;
	t->verification.on_missing = i == 3 ? VERIFY_REJECT : VERIFY_TAG;
	t->verification.verstat = i == 0 ? VERSTAT_PAI : i == 1 ? VERSTAT_FROM : VERSTAT_OFF;
	t->verification.carrier_verstat = i == 2 ? VERSTAT_STRIP : VERSTAT_KEEP;
	t->verification.trust_pai = i != 3;
	t->verification.wait_ms = i == 1 ? 0 : 400;
	for (unsigned k = 0; k < LABEL_CNT && i < 3; k++)
		t->verification.label[k] = strdup("[*]");
	if (i == 2) {
		free(t->verification.result_header);
		t->verification.result_header = NULL;
	}
	if (i == 3) {
		t->numbers = calloc(1, sizeof(*t->numbers));
		t->number_cnt = 1;
		t->has_numbers = true;
		assert(number_range_parse("+1215*", t->numbers, &err) == 0);
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static struct compile_trunk ct[TRUNKS];
	static struct compile_credential cred = { "https://cr.example.com/1.pem", NOW - 9, NOW + 9, true };
	struct compile_input in = { .trunks = ct, .trunk_cnt = TRUNKS, .credentials = &cred, .credential_cnt = 1,
				    .generation = 1 };

	(void)argc, (void)argv;
	gateway = gateway_new();
	gateway->trunks = calloc(TRUNKS, sizeof(*gateway->trunks));
	gateway->trunk_cnt = TRUNKS;
	strcpy(gateway->emergency[0], "911");
	gateway->emergency_cnt = 1;
	for (unsigned i = 0; i < TRUNKS; i++) {
		gateway->trunks[i] = trunk_new();
		tune(gateway->trunks[i], i);
		ct[i] = (struct compile_trunk){ .trunk = gateway->trunks[i], .slot = i,
						.location = gateway->trunks[i]->has_geolocation ? &location : NULL };
	}
	in.gateway = gateway;
	policy = calloc(1, 1 << 20);
	assert(policy_compile(&in, policy, 1 << 20) > 0);
	return 0;
}

/* What comes of a certificate and of a signature: bits that take turns, so that one call sees all kinds. */
struct answers {
	uint8_t bits;
	unsigned asked;
};

static unsigned answer(struct answers *a, unsigned kinds)
{
	unsigned n = a->asked++;

	return (unsigned)((a->bits >> (n % 5)) & 7) % kinds;
}

static enum verdict_kind fake_certificate(void *ctx, struct slice x5u, struct verdict *ret)
{
	static const uint8_t reasons[] = { SR_FETCH_FAILED, SR_CERTIFICATE_UNREACHABLE, SR_CERTIFICATE_BAD };
	unsigned n = answer(ctx, 5);

	if (x5u.len < 8 || x5u.len > PASSPORT_X5U_MAX)
		abort();
	if (n == 4)
		return VERDICT_UNKNOWN;
	*ret = (struct verdict){ .kind = VERDICT_GOOD, .has_spc = 1, .spc = "709J", .not_after = INT64_MAX };
	if (n < 3) {
		ret->kind = VERDICT_BAD;
		ret->reason = reasons[n];
		ret->code = n == 2 ? 437 : 436;
	}
	return (enum verdict_kind)ret->kind;
}

static int fake_signature(void *ctx, const uint8_t point[CERT_POINT_LEN], struct slice text,
			  const uint8_t sig[PASSPORT_SIG_LEN])
{
	unsigned n = answer(ctx, 8);

	(void)point, (void)sig;
	if (!text.len)
		abort();
	return n == 7 ? -EIO : n != 0;
}

static bool fake_replayed(void *ctx, const uint8_t sig[PASSPORT_SIG_LEN], struct slice call_id, unsigned window_s)
{
	(void)sig;
	if (!call_id.len || !window_s)
		abort();
	return answer(ctx, 8) == 3;
}

/* Does it not leave? */
static bool gone(const struct engine_output *o)
{
	return o->verdict == VERDICT_REJECT || o->verdict == VERDICT_DROP || o->verdict == VERDICT_WAIT;
}

static void fail(const char *what)
{
	fprintf(stderr, "%s\n", what);
	abort();
}

static void check_response(const struct engine *e, const struct engine_env *env, const struct engine_input *in,
			   const struct engine_output *o, char *out, size_t cap)
{
	ssize_t n = engine_response_emit(e, env, in, o, out, cap);

	if (n > 0 && memcmp(out, "SIP/2.0 ", 8))
		fail("no response");
}

static void check_inbound(const struct engine *e, const struct engine_input *in, const struct engine_output *o,
			  struct slice out)
{
	bool is_privileged = o->notes & (EVENT_NOTE_EMERGENCY | EVENT_NOTE_CALLBACK);
	const char *err = gone(o) ? NULL : invariant_inbound_broken(e, in, o, out);

	if (err)
		fail(err);
	if (is_privileged && (o->decided_verdict == VERDICT_REJECT || o->decided_verdict == VERDICT_WAIT))
		fail("refused or waiting, and privileged");
	if (o->verdict == VERDICT_WAIT && (in->is_last || in->trunk == 1 || in->trunk == 5))
		fail("nothing to wait for");
	if ((o->verdict == VERDICT_VERIFY) && o->stir == EVENT_STIR_NONE)
		fail("judged without a result");
	if (o->decided_verdict == VERDICT_DROP && o->decided_reason != SR_FORGED_MARK)
		fail("dropped");
	if (o->is_signed || o->key != UINT32_MAX || o->verdict == VERDICT_SIGN)
		fail("signed");
	if (in->trunk == 5 && (e->edits.cnt || gone(o)))
		fail("observed, and changed");
}

/* From the carrier. */
static void run_inbound(struct engine *e, struct engine_input *in, uint8_t bits, char *out, size_t cap)
{
	struct answers a = { .bits = bits };
	struct engine_env env = { .now_ms = NOW * 1000ll, .certificate = fake_certificate, .signature = fake_signature,
				  .replayed = fake_replayed, .verify_ctx = &a };
	struct engine_output o;
	ssize_t n = 0;

	in->is_inbound = true;
	in->is_last = bits & 0x80;
	engine_run(e, &env, in, &o);
	if (o.verdict == VERDICT_REJECT)
		check_response(e, &env, in, &o, out, cap);
	if (!gone(&o)) {
		n = engine_emit(e, in, out, cap);
		if (n < 0 || (size_t)n != engine_out_len(e, in))
			fail("length");
	}
	check_inbound(e, in, &o, slice_of(out, (size_t)n));
}

/* What leaves is no longer than it may be, or the original; an emergency call keeps its location. */
static void check_size(const struct engine *e, const struct engine_input *in, const struct engine_output *o, size_t n)
{
	if (in->max_len && e->edits.cnt && n > in->max_len)
		fail("too long");
	if (o->shed & ~(ENGINE_SHED_COMPACT | ENGINE_SHED_LOCATION | ENGINE_SHED_PAI) ||
	    (o->notes & EVENT_NOTES_SHED) != o->shed * EVENT_NOTE_SHED_COMPACT)
		fail("shed, and not told");
	if (o->shed && (!in->max_len || o->decided_reason == SR_OUTPUT_LIMIT))
		fail("shed for nothing");
	if (o->shed & ENGINE_SHED_LOCATION && o->notes & (EVENT_NOTE_LOCATION | EVENT_NOTE_EMERGENCY))
		fail("location of an emergency call");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct engine engine;
	static char out[SIP_MESSAGE_MAX + 1];
	struct engine_env env = { .now_ms = NOW * 1000ll, .sign = fake_sign, .random = fake_random };
	struct engine_input in = { .policy = policy, .source_ip = "192.0.2.1", .source_port = 5060 };
	struct engine_output o;
	unsigned given = 0;
	const char *err;
	ssize_t n;

	if (size < 1 || size > SIP_MESSAGE_MAX)
		return 0;
	in.trunk = (data[0] & 0x3f) % TRUNKS;
	in.max_len = (data[0] & 0x3f) >= TRUNKS ? 512 + 160 * ((data[0] & 0x3fu) / TRUNKS) : 0;
	if (data[0] & 0x40) {
		if (size < 2)
			return 0;
		in.datagram = slice_of((const char *)data + 2, size - 2);
		run_inbound(&engine, &in, data[1], out, sizeof(out));
		return 0;
	}
	if (data[0] & 0x80) {
		env.override = give;
		env.override_ctx = &given;
	}
	in.datagram = slice_of((const char *)data + 1, size - 1);
	engine_run(&engine, &env, &in, &o);
	if (given > 1 || !!(o.notes & EVENT_NOTE_OVERRIDE) != given || (o.verdict == VERDICT_REJECT && given))
		abort();
	if (o.verdict == VERDICT_REJECT) {
		check_response(&engine, &env, &in, &o, out, sizeof(out));
		return 0;
	}
	n = engine_emit(&engine, &in, out, sizeof(out));
	if (n < 0 || (size_t)n != engine_out_len(&engine, &in))
		abort();
	check_size(&engine, &in, &o, (size_t)n);
	err = invariant_broken(in.datagram, slice_of(out, (size_t)n), engine.edits.cnt > 0,
			       in.trunk == 1 || given);
	if (err || ((o.verdict == VERDICT_SIGN) != (o.reason == SR_SIGNED)) || (in.trunk == 5 && engine.edits.cnt) ||
	    (o.verdict == VERDICT_SIGN && o.key != 0) || (o.reason != SR_OBSERVE && !o.attest && o.key != UINT32_MAX) ||
	    (o.reason == SR_OUTPUT_LIMIT && engine.edits.cnt)) {
		fprintf(stderr, "%s\n", err ? err : "verdict, reason and edits disagree");
		abort();
	}
	return 0;
}
