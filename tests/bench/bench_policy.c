// SPDX-License-Identifier: BSD-2-Clause
/*
 * bench_policy - what the policy look-up and the engine (without signature) cost with 10 trunks and with
 * 100,000, ten number ranges each, and with one trunk of 10 ranges and of 1,000,000; process CPU time, each
 * call with another trunk and number, drawn at random.
 *
 * usage: bench_policy [--quick]        output: sides.h
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "engine/engine.h"
#include "invite.h"
#include "sides.h"
#include "trunk/image.h"

#define CALLS	    50000
#define REGION_LEN  (4ull << 30) /* of addresses: only what is used becomes memory */
#define CALLER_LEN  (sizeof(BENCH_CALLER) - 1)

/* One call: whose it is and from which number. */
struct pick {
	uint32_t trunk;
	char caller[CALLER_LEN];
};

struct policy {
	const struct policy_region *region;
	struct pick picks[CALLS];
};

static void check(int r, const char *what)
{
	if (r >= 0)
		return;
	fprintf(stderr, "bench_policy: %s: %s\n", what, strerror(-r));
	exit(1);
}

static void caller_of(uint32_t block, unsigned in_block, char dst[16])
{
	snprintf(dst, 16, "442%07u%02u", block % 10000000, in_block % 100);
}

/* @ranges ranges of fifty numbers; the blocks of a hundred that they begin are the trunk's own. */
static struct trunk *trunk_make(uint32_t slot, uint32_t ranges)
{
	struct trunk *t = trunk_new();

	if (!t || !(t->numbers = calloc(ranges, sizeof(*t->numbers))))
		abort();
	snprintf(t->name, sizeof(t->name), "trunk-%06u", slot);
	t->attestation = ATTEST_A;
	t->pai_domain = strdup("example.net");
	t->country_code = strdup("1");
	t->origid_mode = ORIGID_TEXT;
	t->origid = strdup("123e4567-e89b-42d3-a456-426655440000");
	t->has_numbers = true;
	t->number_cnt = ranges;
	for (uint32_t i = 0; i < ranges; i++) {
		caller_of(slot * ranges + i, 0, t->numbers[i].first);
		caller_of(slot * ranges + i, 49, t->numbers[i].last);
	}
	return t;
}

static void policy_fill(struct policy *p, uint32_t trunks, uint32_t ranges)
{
	struct compile_credential cred = { "https://cert.example.com/chain.pem", 0, INT64_MAX, true, 0 };
	struct gateway *g = gateway_new();
	struct image *im;
	void *map = mmap(NULL, REGION_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (map == MAP_FAILED || !g)
		abort();
	p->region = map;
	check(image_new(map, REGION_LEN, SIPSEAL_TRUNKS_MAX, 8, &im), "image");
	check(image_begin(im, 1), "begin");
	check(image_gateway_put(im, g), "gateway");
	check(image_credential_put(im, 0, &cred), "credential");
	for (uint32_t i = 0; i < trunks; i++) {
		struct trunk *t = trunk_make(i, ranges);
		struct compile_trunk ct = { t, i, 0, NULL };

		check(image_trunk_put(im, &ct), "trunk");
		trunk_free(t);
	}
	image_commit(im);
	image_free(im);
	gateway_free(g);
	for (unsigned i = 0; i < CALLS; i++) {
		uint64_t r = sides_any();
		char caller[16];

		p->picks[i].trunk = (uint32_t)((r & 0xffffffff) % trunks);
		caller_of(p->picks[i].trunk * ranges + (uint32_t)((r >> 32) % ranges), (unsigned)(r >> 16) % 50, caller);
		memcpy(p->picks[i].caller, caller, CALLER_LEN);
	}
}

static double look_up_ns(enum side side, void *ctx)
{
	struct policy *p = (struct policy *)ctx + side;
	uint64_t start = clock_ns(CLOCK_PROCESS_CPUTIME_ID);

	for (unsigned i = 0; i < CALLS; i++) {
		const struct policy_copy *copy = policy_copy_get(p->region, 1);
		const struct policy_trunk *t = policy_trunk_get(copy, p->picks[i].trunk);

		if (!t || !policy_number_inside(copy, t, slice_of(p->picks[i].caller, CALLER_LEN)))
			abort();
	}
	return (double)(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - start) / CALLS;
}

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

static double engine_ns(enum side side, void *ctx)
{
	static struct engine engine;
	static char text[sizeof(bench_invite)];
	struct policy *p = (struct policy *)ctx + side;
	struct engine_env env = { .now_ms = (int64_t)clock_real_ms(), .sign = no_sign, .random = no_random };
	struct engine_input in = { .datagram = slice_of(text, sizeof(text) - 1), .policy = policy_copy_get(p->region, 1) };
	char *caller;
	uint64_t start;

	memcpy(text, bench_invite, sizeof(text));
	caller = strstr(text, BENCH_CALLER);
	start = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	for (unsigned i = 0; i < CALLS; i++) {
		struct engine_output out;

		in.trunk = p->picks[i].trunk;
		memcpy(caller, p->picks[i].caller, CALLER_LEN);
		engine_run(&engine, &env, &in, &out);
		if (out.reason != SR_SIGNED || out.attest != 'A')
			abort();
	}
	return (double)(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - start) / CALLS;
}

int main(int argc, char **argv)
{
	static struct policy by_trunks[SIDES], by_ranges[SIDES];

	sides_args(argc, argv);
	for (int side = 0; side < SIDES; side++) {
		policy_fill(&by_trunks[side], sides_trunks(side), RANGES);
		policy_fill(&by_ranges[side], 1, RANGES * sides_trunks(side));
	}
	sides_measure("policy look-up, 10 ranges a trunk", look_up_ns, by_trunks);
	sides_measure("policy look-up, ranges of 1 trunk", look_up_ns, by_ranges);
	sides_measure("engine without signature", engine_ns, by_trunks);
	sides_measure("engine, ranges of 1 trunk", engine_ns, by_ranges);
	return 0;
}
