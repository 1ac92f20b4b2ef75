/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parser and engine under libFuzzer: the first byte picks one of the trunks below and, by its top bit, whether
 * a location is set for this call alone; the rest is the datagram.  Invariant: no edit means the same bytes, an edit keeps all other bytes.
 */
#include <assert.h>
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
	.len = 25, .hole_cnt = 2, .holes = { { 14, PIDF_HOLE_ENTITY }, { 16, PIDF_HOLE_TIMESTAMP } },
	.text = "<pidf entity=''></pidf>\r\n",
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
	in.trunk = (data[0] & 0x7f) % TRUNKS;
	if (data[0] & 0x80) {
		env.override = give;
		env.override_ctx = &given;
	}
	in.datagram = slice_of((const char *)data + 1, size - 1);
	engine_run(&engine, &env, &in, &o);
	if (given > 1 || !!(o.notes & EVENT_NOTE_OVERRIDE) != given || (o.verdict == VERDICT_REJECT && given))
		abort();
	if (o.verdict == VERDICT_REJECT) {
		n = engine_response_emit(&engine, &env, &in, &o, out, sizeof(out));
		if (n > 0 && memcmp(out, "SIP/2.0 ", 8))
			abort();
		return 0;
	}
	n = engine_emit(&engine, &in, out, sizeof(out));
	if (n < 0 || (size_t)n != engine_out_len(&engine, &in))
		abort();
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
