/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench_verify - what verifying one call costs beside one raw P-256 verification of OpenSSL, and what a look-up in a
 * full cache of certificates costs.
 *
 * usage: bench_verify [--quick] [--only NAME]...
 * Each repeat measures every candidate once, in turn, over the same calls; the median over the repeats is printed,
 * in microseconds of process CPU time:
 *   {"bench":"verify","name":NAME,"us":MEDIAN,"min_us":M,"max_us":M,"ratio_to_raw":R,"ratio_min":R,
 *    "ratio_max":R,"repeats":N,"calls":N}
 * Names: raw_evp_pkey_verify (on a held context, digest and DER at hand), raw_ecdsa_do_verify (on an EC_KEY, digest and
 * numbers at hand), raw (the faster of the two), es256 (SHA-256 and raw r and s), es256_new_key (a key that is not
 * among the last ES256_KEYS), call (engine with a cached certificate, and the datagram written), call_in_worker (from
 * rx ring to tx ring, checksums, replay cache and event), around (the same with every signature taken for good), lookup.
 * es256_table, call and call_in_worker have a table of the key; es256 and call_in_worker_plain do not.
 *   {"bench":"verify","name":"memory","bytes_per_entry":B,"entries":N}
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* ECDSA_do_verify() is here to be compared with */
#include "rounds.h"
#include "signer/calls.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>

#include "stir/es256.h"
#include "stir/es256_table.h"

#define REPEATS 15
#define QUICK	5
#define CALLS	1536
#define BATCH	16 /* no more than the fill ring of world.h takes; divides CALLS */
#define ENTRIES VERDICT_GOOD_MAX
#define KEYS	(2 * ES256_KEYS)

struct invite {
	char text[CALL_MAX];
	char *branch;           /* some hex digits: another transaction in each round */
	struct slice signed_part;
	uint8_t sig[PASSPORT_SIG_LEN], der[80], digest[PASSPORT_DIGEST_LEN];
	size_t der_len;
	ECDSA_SIG *numbers;
};

static struct bench {
	struct calls c;
	struct invite invites[CALLS];
	unsigned round;
	EVP_PKEY_CTX *evp;
	EC_KEY *ec;
	struct es256 *es256; /* without tables */
	struct es256_tables *tables;
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

static bool run_evp(unsigned i)
{
	struct invite *v = &b.invites[i];

	return EVP_PKEY_verify(b.evp, v->der, v->der_len, v->digest, sizeof(v->digest)) == 1;
}

static bool run_ecdsa(unsigned i)
{
	struct invite *v = &b.invites[i];

	return ECDSA_do_verify(v->digest, sizeof(v->digest), v->numbers, b.ec) == 1;
}

static bool run_es256(unsigned i)
{
	return es256_verify(b.es256, b.point, b.invites[i].signed_part, b.invites[i].sig) == 1;
}

static bool run_table(unsigned i)
{
	struct es256 *e = b.c.x.w->inbound.es256;

	return es256_verify(e, b.point, b.invites[i].signed_part, b.invites[i].sig) == 1;
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

/* What the kernel does for the signer: frames in the ring, and what has left taken away. */
static void deliver(unsigned first)
{
	struct world *x = &b.c.x;
	struct events_worker *ev = events_worker(x->events, 0);
	struct sipseal_meta m = call_meta(0);

	x->core->sent_cnt = 0;
	ev->tail = ev->head;
	for (unsigned i = first; i < first + BATCH; i++)
		call_in(x, &m, b.invites[i].text);
}

static bool run_worker(unsigned i)
{
	struct world *x = &b.c.x;

	if (i % BATCH)
		return true;
	while (datapath_batch(x->w, &x->w->ports[1]))
		;
	for (unsigned p = 0; p < x->w->port_cnt; p++) {
		port_flush(&x->w->ports[p], x->w->now_ns, x->w->stale_ns);
		port_reap(&x->w->ports[p]);
		port_fill(&x->w->ports[p], x->w->reserve);
	}
	return world_reason(x, SR_VERIFIED) == x->delivered;
}

static int any_signature(void *ctx, const uint8_t point[CERT_POINT_LEN], struct slice text,
			 const uint8_t sig[PASSPORT_SIG_LEN])
{
	(void)ctx, (void)point, (void)text, (void)sig;
	return 1;
}

static bool run_around(unsigned i)
{
	struct engine_env *env = &b.c.x.w->env;
	__typeof__(env->signature) real = env->signature;
	bool r;

	env->signature = any_signature;
	r = run_worker(i);
	env->signature = real;
	return r;
}

static bool run_lookup(unsigned i)
{
	int64_t now_s = b.c.x.w->env.now_ms / 1000;
	struct verdict v;

	(void)i;
	b.at = b.at * 1664525 + 1013904223; /* in no order */
	return verdict_find(b.c.f.region, slice_str(b.urls[b.at % ENTRIES]), now_s, &v) == VERDICT_GOOD;
}

static bool run_plain(unsigned i)
{
	struct es256 **e = &b.c.x.w->inbound.es256, *with_table = *e;
	bool r;

	*e = b.es256;
	r = run_worker(i);
	*e = with_table;
	return r;
}

enum { EVP, ECDSA, ES256, TABLE, NEW_KEY, CALL, WORKER, PLAIN, AROUND, LOOKUP, CANDIDATES };

static const struct candidate {
	const char *name;
	bool (*run)(unsigned i);
	void (*prepare)(unsigned first); /* for the next BATCH; not measured */
} candidates[CANDIDATES] = {
	[EVP] = { "raw_evp_pkey_verify", run_evp, NULL },
	[ECDSA] = { "raw_ecdsa_do_verify", run_ecdsa, NULL },
	[ES256] = { "es256", run_es256, NULL },
	[TABLE] = { "es256_table", run_table, NULL },
	[NEW_KEY] = { "es256_new_key", run_new_key, NULL },
	[CALL] = { "call", run_call, NULL },
	[WORKER] = { "call_in_worker", run_worker, deliver },
	[PLAIN] = { "call_in_worker_plain", run_plain, deliver },
	[AROUND] = { "around", run_around, deliver },
	[LOOKUP] = { "lookup", run_lookup, NULL },
};

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
	uint64_t ns = 0, start;

	next_round();
	for (unsigned i = 0; i < CALLS; i += BATCH) {
		if (c->prepare)
			c->prepare(i);
		start = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
		for (unsigned k = i; k < i + BATCH; k++)
			if (!c->run(k))
				die(c->name);
		ns += clock_ns(CLOCK_PROCESS_CPUTIME_ID) - start;
	}
	return (double)ns / 1000 / CALLS;
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
	v->numbers = sig;
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
	b.evp = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	b.ec = EVP_PKEY_get1_EC_KEY(key);
	if (!b.evp || !b.ec || EVP_PKEY_verify_init(b.evp) != 1 || es256_new(&b.es256) < 0)
		die("making a verifier");
	for (unsigned i = 0; i < KEYS; i++) {
		EVP_PKEY *k = EVP_EC_gen("P-256");

		EVP_PKEY_get_octet_string_param(k, OSSL_PKEY_PARAM_PUB_KEY, b.points[i], CERT_POINT_LEN, &len);
		EVP_PKEY_free(k);
	}
	EVP_PKEY_CTX_free(from);
}

/* As in the signer: asked for when the key has been good for so long, made by another, found the next time. */
static void table_make(void)
{
	struct es256 *e = b.c.x.w->inbound.es256;

	if (es256_tables_new(&b.tables) < 0 || es256_use_tables(e, b.tables) < 0)
		die("making room for tables");
	for (unsigned i = 0; i < 2 * ES256_TABLE_AFTER; i++) {
		if (es256_verify(e, b.point, b.invites[0].signed_part, b.invites[0].sig) != 1)
			die("verifying");
		if (i + 1 == ES256_TABLE_AFTER && !es256_tables_turn(b.tables, 0))
			die("making a table");
	}
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
	table_make();
	worker_loop(b.c.x.w);
	b.c.x.w->env.now_ms = (int64_t)clock_real_ms();
}

static bool is_wanted(unsigned k, unsigned wanted)
{
	return !wanted || wanted >> k & 1;
}

/* raw is two. */
static unsigned mask_of(const char *name)
{
	unsigned mask = strcmp(name, "raw") == 0 ? 1u << EVP | 1u << ECDSA : 0;

	for (unsigned k = 0; k < CANDIDATES; k++)
		mask |= strcmp(name, candidates[k].name) == 0 ? 1u << k : 0;
	return mask;
}

/* Return: a mask; 0: all.  Not, if that is no usage of ours. */
static unsigned arguments(int argc, char **argv, unsigned *repeats)
{
	unsigned wanted = 0;

	for (int i = 1; i < argc; i++) {
		unsigned mask = strcmp(argv[i], "--only") == 0 && i + 1 < argc ? mask_of(argv[++i]) : 0;

		if (!mask && strcmp(argv[i], "--quick")) {
			fprintf(stderr, "usage: bench_verify [--quick] [--only NAME]...\n");
			exit(2);
		}
		wanted |= mask;
		*repeats = mask ? *repeats : QUICK;
	}
	return wanted;
}

int main(int argc, char **argv)
{
	static double us[CANDIDATES][REPEATS];
	unsigned repeats = REPEATS, wanted = arguments(argc, argv, &repeats), raw;

	setup();
	for (unsigned i = 0; i <= repeats; i++) /* the first one is to get warm */
		for (unsigned k = 0; k < CANDIDATES; k++)
			if (is_wanted(k, wanted))
				us[k][i ? i - 1 : 0] = measure(&candidates[k]);
	raw = rounds_median(us[EVP], repeats) < rounds_median(us[ECDSA], repeats) ? EVP : ECDSA;
	if (is_wanted(raw, wanted))
		rounds_print("raw", us[raw], us[raw], repeats, CALLS);
	for (unsigned k = 0; k < CANDIDATES; k++)
		if (is_wanted(k, wanted))
			rounds_print(candidates[k].name, us[k], us[raw], repeats, CALLS);
	return 0;
}
