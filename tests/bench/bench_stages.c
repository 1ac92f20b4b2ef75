/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench_stages - what each stage of the signer costs beside the signature, in process, hot caches.
 * Prints {"name":STAGE,"ns":MEDIAN} per line; process CPU time, median of 15 repeats.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "engine/engine.h"
#include "invite.h"
#include "signer/replay.h"
#include "trunk/compile.h"
#include "wire/frame.h"

#define REPEATS 15
#define CALLS   2000

static char buf[2][4096];
static size_t len = sizeof(bench_invite) - 1;
static struct engine engine;
static struct engine_env env;
static struct engine_input in;
static struct replay *replay;
static struct wire_frame frame;

static int no_sign(void *ctx, uint32_t id, const uint8_t digest[PASSPORT_DIGEST_LEN], uint8_t sig[PASSPORT_SIG_LEN])
{
	(void)ctx, (void)id;
	memcpy(sig, digest, PASSPORT_DIGEST_LEN);
	return 0;
}

static void no_random(void *ctx, void *dst, size_t n)
{
	(void)ctx;
	memset(dst, 0x5a, n);
}

/* Every call another Call-ID. */
static void next_call(unsigned long n)
{
	char id[11];

	snprintf(id, sizeof(id), "%010lu", n);
	memcpy(strstr(buf[0], "Call-ID: 19a-") + 13, id, 10);
}

static void stage_parse(unsigned long n)
{
	(void)n;
	if (sip_message_parse(buf[0], len, &engine.msg) != SR_NONE)
		abort();
}

static void stage_engine(unsigned long n)
{
	struct engine_output out;

	(void)n;
	engine_run(&engine, &env, &in, &out);
	if (out.reason != SR_SIGNED)
		abort();
}

static void stage_emit(unsigned long n)
{
	(void)n;
	if (engine_emit(&engine, &in, buf[1], sizeof(buf[1])) < 0)
		abort();
}

static void stage_replay_key(unsigned long n)
{
	struct replay_flow f = { .src_port = 5060 };
	struct replay_key key;

	next_call(n);
	replay_key(replay, &f, in.datagram, &key);
	if (!key.hash)
		abort();
}

static void stage_replay(unsigned long n)
{
	static struct sip_edits found;
	struct replay_flow f = { .src_port = 5060 };
	struct replay_key key;

	next_call(n);
	replay_key(replay, &f, in.datagram, &key);
	if (replay_find(replay, &key, clock_mono_ns(), &found))
		abort();
	replay_add(replay, &key, clock_mono_ns(), &engine.edits);
}

static void stage_wire(unsigned long n)
{
	struct wire_out o = { .in = &frame, .mtu = 1500, .want_ttl_dec = true };

	(void)n;
	wire_frame_finish(&o, buf[1], 1400);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void measure(const char *name, void (*fn)(unsigned long))
{
	static unsigned long n;
	double ns[REPEATS];

	for (int r = 0; r < REPEATS; r++) {
		uint64_t t = clock_ns(CLOCK_PROCESS_CPUTIME_ID);

		for (int i = 0; i < CALLS; i++)
			fn(n++);
		ns[r] = (double)(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - t) / CALLS;
	}
	qsort(ns, REPEATS, sizeof(ns[0]), by_value);
	printf("{\"name\":\"%s\",\"ns\":%.0f}\n", name, ns[REPEATS / 2]);
}

static void make_policy(void)
{
	struct gateway *g = gateway_new();
	struct compile_credential cred = { "https://cert.example.com/chain.pem", 0, INT64_MAX, true };
	struct compile_trunk ct = { .trunk = trunk_new() };
	struct compile_input ci = { .gateway = g, .trunks = &ct, .trunk_cnt = 1, .credentials = &cred,
				    .credential_cnt = 1, .generation = 1 };
	struct trunk *t = (struct trunk *)(uintptr_t)ct.trunk;
	struct policy_copy *p = calloc(1, 1 << 20);

	strcpy(t->name, "bench");
	t->attestation = ATTEST_A;
	t->pai_domain = strdup("example.net");
	t->origid_mode = ORIGID_TEXT;
	t->origid = strdup("123e4567-e89b-42d3-a456-426655440000");
	if (!p || policy_compile(&ci, p, 1 << 20) < 0)
		abort();
	in.policy = p;
}

int main(void)
{
	static char raw[14 + 28 + 4096];

	memcpy(buf[0], bench_invite, sizeof(bench_invite));
	in.datagram = slice_of(buf[0], len);
	env = (struct engine_env){ .now_ms = (int64_t)clock_real_ms(), .sign = no_sign, .random = no_random };
	make_policy();
	raw[12] = 8;
	raw[14] = 0x45;
	raw[16] = (char)((28 + len) >> 8), raw[17] = (char)(28 + len);
	raw[22] = 64, raw[23] = 17;
	raw[38] = (char)((8 + len) >> 8), raw[39] = (char)(8 + len);
	if (wire_frame_parse(slice_of(raw, 42 + len), &frame) < 0 || replay_new(REPLAY_SIZE, &replay) < 0)
		abort();
	measure("parse", stage_parse);
	measure("engine without signature", stage_engine);
	measure("emit", stage_emit);
	measure("replay key", stage_replay_key);
	for (int i = 0; i < 2; i++) /* first around: memory that was never touched */
		measure(i ? "replay key, miss, add" : "the same, store new", stage_replay);
	measure("frame with checksums", stage_wire);
	return 0;
}
