/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench_verify - what verifying one call costs beside one raw P-256 verification of OpenSSL, and what a look-up in a
 * full cache of certificates costs.
 *
 * usage: bench_verify [--quick] [--only NAME]   (the latter for a profiler; no raw figure to compare with then)
 * Each repeat measures every candidate once, in turn, over the same calls; the median over the repeats is printed,
 * in microseconds of process CPU time:
 *   {"bench":"verify","name":NAME,"us":MEDIAN,"min_us":M,"max_us":M,"ratio_to_raw":R,"ratio_min":R,
 *    "ratio_max":R,"repeats":N,"calls":N}
 * Names: raw (EVP_PKEY_verify() on a held context, digest and DER at hand), es256 (SHA-256 and raw r and s),
 * es256_new_key (a key that is not among the last ES256_KEYS), call (engine with a cached certificate, and the
 * datagram written), call_in_worker (from rx ring to tx ring, checksums, replay cache and event), lookup.
 *   {"bench":"verify","name":"memory","bytes_per_entry":B,"entries":N}
 */
#include "signer/calls.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>

#include "stir/es256.h"

#define REPEATS 15
#define QUICK	5
#define CALLS	1500
#define BATCH	16 /* no more than the fill ring of world.h takes */
#define ENTRIES VERDICT_GOOD_MAX
#define KEYS	(2 * ES256_KEYS)

struct invite {
	char text[CALL_MAX];
	char *branch;           /* some hex digits: another transaction in each round */
	struct slice signed_part;
	uint8_t sig[PASSPORT_SIG_LEN], der[80], digest[PASSPORT_DIGEST_LEN];
	size_t der_len;
};

static struct bench {
	struct calls c;
	struct invite invites[CALLS];
	unsigned round;
	EVP_PKEY_CTX *raw;
	struct es256 *es256;
	uint8_t point[CERT_POINT_LEN], points[KEYS][CERT_POINT_LEN];
	char out[CALL_MAX];
	char urls[ENTRIES][64];
	uint32_t at;
} b;

static void die(const char *what)
{
	fprintf(stderr, "bench_verify: %s failed\n", what);
	exit(1);
}

/* ---- candidates ---- */

static bool run_raw(unsigned i)
{
	struct invite *v = &b.invites[i];

	return EVP_PKEY_verify(b.raw, v->der, v->der_len, v->digest, sizeof(v->digest)) == 1;
}

static bool run_es256(unsigned i)
{
	return es256_verify(b.es256, b.point, b.invites[i].signed_part, b.invites[i].sig) == 1;
}

/* The signature is not that of the key: as much work as if it were. */
static bool run_new_key(unsigned i)
{
	return es256_verify(b.es256, b.points[b.at++ % KEYS], b.invites[i].signed_part, b.invites[i].sig) == 0;
}

static bool run_call(unsigned i)
{
	struct worker *w = b.c.x.w;
	struct engine_output out;
	struct engine_input in = {
		.datagram = slice_str(b.invites[i].text),
		.policy = policy_copy_get(b.c.x.policy, (uint16_t)WORLD_GENERATION),
		.trunk = WORLD_TRUNK, .is_inbound = true, .source_port = 5060,
	};

	engine_run(&w->engine, &w->env, &in, &out);
	return out.reason == SR_VERIFIED && engine_emit(&w->engine, &in, b.out, sizeof(b.out)) > 0;
}

static bool run_worker(unsigned i)
{
	struct world *x = &b.c.x;
	struct sipseal_meta m = call_meta(0);
	struct events_worker *ev = events_worker(x->events, 0);

	call_in(x, &m, b.invites[i].text);
	if ((i + 1) % BATCH && i + 1 < CALLS)
		return true;
	while (datapath_batch(x->w, &x->w->ports[1]))
		;
	for (unsigned p = 0; p < x->w->port_cnt; p++) {
		port_flush(&x->w->ports[p], x->w->now_ns, x->w->stale_ns);
		port_reap(&x->w->ports[p]);
		port_fill(&x->w->ports[p], x->w->reserve);
	}
	x->core->sent_cnt = 0;
	ev->tail = ev->head;
	return world_reason(x, SR_VERIFIED) == x->delivered;
}

static bool run_lookup(unsigned i)
{
	int64_t now_s = b.c.x.w->env.now_ms / 1000;
	struct verdict v;

	(void)i;
	b.at = b.at * 1664525 + 1013904223; /* in no order */
	return verdict_find(b.c.f.region, slice_str(b.urls[b.at % ENTRIES]), now_s, &v) == VERDICT_GOOD;
}

static const struct candidate {
	const char *name;
	bool (*run)(unsigned i);
} candidates[] = {
	{ "raw", run_raw },
	{ "es256", run_es256 },
	{ "es256_new_key", run_new_key },
	{ "call", run_call },
	{ "call_in_worker", run_worker },
	{ "lookup", run_lookup },
};
enum { RAW, CANDIDATES = ARRAY_SIZE(candidates) };

/* A copy of an INVITE would come out of the replay cache: each round is of other transactions. */
static void next_round(void)
{
	char hex[9];

	snprintf(hex, sizeof(hex), "%08x", b.round++);
	for (unsigned i = 0; i < CALLS; i++)
		memcpy(b.invites[i].branch, hex, 8);
}

static double measure(const struct candidate *c)
{
	uint64_t start;

	next_round();
	start = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	for (unsigned i = 0; i < CALLS; i++)
		if (!c->run(i))
			die(c->name);
	return (double)(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - start) / 1000 / CALLS;
}

/* ---- what they work on ---- */

static void tune(struct gateway *g, struct trunk *t)
{
	calls_verify(g, t);
	t->freshness_s = 3600;
}

static void invite_make(struct invite *v, unsigned i)
{
	char id[32];
	struct call call = { .id = id, .x5u = b.urls[i % ENTRIES],
			     .rows = "Contact: <sip:+12155550112@203.0.113.10:5060>\r\nUser-Agent: bench\r\n"
				     "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE\r\nSupported: 100rel\r\n" };
	static struct passport_parsed p;
	struct slice rest;
	struct identity identity;
	ECDSA_SIG *sig = ECDSA_SIG_new();
	uint8_t *der = v->der;
	const char *row;

	snprintf(id, sizeof(id), "b%u-00000000", i);
	call_put(&b.c.x, &call, v->text);
	v->branch = strstr(v->text, "branch=z9hG4bK-");
	v->branch = strchr(v->branch + strlen("branch=z9hG4bK-"), '-') + 1;
	row = strstr(v->text, "\r\nIdentity: ") + 12;
	rest = slice_of(row, (size_t)(strstr(row, "\r\n") - row));
	if (identity_next(&rest, &identity) != 1 || passport_parse(identity.token, &p) < 0)
		die("reading a PASSporT");
	v->signed_part = p.signed_part;
	memcpy(v->sig, p.sig, sizeof(v->sig));
	ECDSA_SIG_set0(sig, BN_bin2bn(p.sig, 32, NULL), BN_bin2bn(p.sig + 32, 32, NULL));
	v->der_len = (size_t)i2d_ECDSA_SIG(sig, &der);
	ECDSA_SIG_free(sig);
	EVP_Digest(p.signed_part.p, p.signed_part.len, v->digest, NULL, EVP_sha256(), NULL);
}

static uint64_t resident(void)
{
	size_t pages = (verdict_region_size() + 4095) / 4096;
	unsigned char *v = malloc(pages);
	uint64_t n = 0;

	if (!v || mincore((void *)b.c.f.region, verdict_region_size(), v) < 0)
		die("mincore()");
	for (size_t i = 0; i < pages; i++)
		n += v[i] & 1;
	free(v);
	return n * 4096;
}

static void keys_make(void)
{
	struct verdict v = call_verdict(VERDICT_GOOD);
	OSSL_PARAM params[] = {
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)"P-256", 5),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, v.point, sizeof(v.point)), OSSL_PARAM_END,
	};
	EVP_PKEY_CTX *from = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;
	size_t len;

	memcpy(b.point, v.point, sizeof(b.point));
	if (EVP_PKEY_fromdata_init(from) != 1 || EVP_PKEY_fromdata(from, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		die("the public key");
	b.raw = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	if (!b.raw || EVP_PKEY_verify_init(b.raw) != 1 || es256_new(&b.es256) < 0)
		die("making a verifier");
	for (unsigned i = 0; i < KEYS; i++) {
		EVP_PKEY *k = EVP_EC_gen("P-256");

		EVP_PKEY_get_octet_string_param(k, OSSL_PKEY_PARAM_PUB_KEY, b.points[i], CERT_POINT_LEN, &len);
		EVP_PKEY_free(k);
	}
	EVP_PKEY_CTX_free(from);
}

static void setup(void)
{
	struct verdict v;
	uint64_t before;

	calls_new(&b.c, tune);
	keys_make();
	v = call_verdict(VERDICT_GOOD);
	before = resident();
	for (unsigned i = 0; i < ENTRIES; i++) {
		snprintf(b.urls[i], sizeof(b.urls[i]), "https://cr%u.example.com/shaken/%08x.pem", i % 200,
			 i * 2654435761u);
		if (verdict_put(b.c.f.writer, slice_str(b.urls[i]), &v) < 0)
			die("verdict_put()");
	}
	printf("{\"bench\":\"verify\",\"name\":\"memory\",\"bytes_per_entry\":%lu,\"entries\":%u}\n",
	       (unsigned long)((resident() - before) / ENTRIES), ENTRIES);
	for (unsigned i = 0; i < CALLS; i++)
		invite_make(&b.invites[i], i);
	worker_loop(b.c.x.w);
	b.c.x.w->env.now_ms = (int64_t)clock_real_ms();
}

static int compare(const void *x, const void *y)
{
	double l = *(const double *)x, r = *(const double *)y;

	return (l > r) - (l < r);
}

/* Each round against the raw figure of the same round: the clock speed may change between them. */
static void print(unsigned k, double us[CANDIDATES][REPEATS], unsigned repeats, bool is_alone)
{
	double ratio[REPEATS], sorted[REPEATS];

	for (unsigned i = 0; i < repeats; i++) {
		ratio[i] = is_alone ? 0 : us[k][i] / us[RAW][i];
		sorted[i] = us[k][i];
	}
	qsort(ratio, repeats, sizeof(ratio[0]), compare);
	qsort(sorted, repeats, sizeof(sorted[0]), compare);
	printf("{\"bench\":\"verify\",\"name\":\"%s\",\"us\":%.2f,\"min_us\":%.2f,\"max_us\":%.2f,\"ratio_to_raw\":%.3f,"
	       "\"ratio_min\":%.3f,\"ratio_max\":%.3f,\"repeats\":%u,\"calls\":%u}\n",
	       candidates[k].name, sorted[repeats / 2], sorted[0], sorted[repeats - 1], ratio[repeats / 2], ratio[0],
	       ratio[repeats - 1], repeats, CALLS);
}

int main(int argc, char **argv)
{
	static double us[CANDIDATES][REPEATS];
	bool is_quick = argc == 2 && strcmp(argv[1], "--quick") == 0;
	const char *only = argc == 3 && strcmp(argv[1], "--only") == 0 ? argv[2] : NULL;
	unsigned repeats = is_quick ? QUICK : REPEATS;

	if (argc > 1 && !only && !is_quick) {
		fprintf(stderr, "usage: bench_verify [--quick] [--only NAME]\n");
		return 2;
	}
	setup();
	for (unsigned i = 0; i <= repeats; i++) /* the first one is to get warm */
		for (unsigned k = 0; k < CANDIDATES; k++)
			if (!only || strcmp(only, candidates[k].name) == 0)
				us[k][i ? i - 1 : 0] = measure(&candidates[k]);
	for (unsigned k = 0; k < CANDIDATES; k++)
		if (!only || strcmp(only, candidates[k].name) == 0)
			print(k, us, repeats, only);
	return 0;
}
