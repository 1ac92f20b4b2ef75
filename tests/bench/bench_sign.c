/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench_sign - what signing one call costs beside one raw P-256 signature of OpenSSL.
 *
 * usage: bench_sign [--quick] [--raw] [--threads N]
 * --raw: only the raw signatures.  --threads: N threads that do the same at the same time, the first one pinned to the
 * first processor, and so on; without, one thread, not pinned.
 * Each repeat measures every candidate once, in turn, so that a change of clock speed or load meets all
 * of them; the median over the repeats (and threads) is printed, in microseconds of thread CPU time, and the mean, and
 * how many there were per second of time that passed, in all threads together:
 *   {"bench":"sign","name":NAME,"us":MEDIAN,"mean_us":M,"min_us":M,"max_us":M,"per_s":N,"ratio_to_raw":R,"repeats":N,
 *    "calls":N}
 * Names: raw_evp_pkey_sign (on a held context), raw_ecdsa_do_sign (on an EC_KEY), raw (the faster of
 * the two), credential_sign, identity_emit.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* ECDSA_do_sign() is here to be compared with */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/clock.h"
#include "stir/credential.h"
#include "stir/passport.h"

#define X5U	    "https://cr.example.com/shaken/1234.pem"
#define REPEATS	    15
#define QUICK	    5
#define CALLS	    2000
#define WARM_UP	    200
#define THREADS_MAX 8

struct bench {
	EVP_PKEY_CTX *evp;
	EC_KEY *ec;
	struct credential_signer *signer;
	char header[PASSPORT_HEADER_B64_MAX];
	size_t header_len;
	uint8_t digest[PASSPORT_DIGEST_LEN];
	uint64_t call;
};

static void die(const char *what)
{
	fprintf(stderr, "bench_sign: %s failed\n", what);
	exit(1);
}

/* Every call signs something else, as every INVITE does. */
static const uint8_t *digest_next(struct bench *b)
{
	b->call++;
	memcpy(b->digest, &b->call, sizeof(b->call));
	return b->digest;
}

static bool run_evp(struct bench *b)
{
	unsigned char sig[80];
	size_t len = sizeof(sig);

	return EVP_PKEY_sign(b->evp, sig, &len, digest_next(b), PASSPORT_DIGEST_LEN) == 1;
}

static bool run_ecdsa(struct bench *b)
{
	ECDSA_SIG *sig = ECDSA_do_sign(digest_next(b), PASSPORT_DIGEST_LEN, b->ec);

	ECDSA_SIG_free(sig);
	return sig;
}

static bool run_credential(struct bench *b)
{
	uint8_t sig[PASSPORT_SIG_LEN];

	return credential_sign(b->signer, 0, digest_next(b), sig) == 0;
}

static bool run_identity(struct bench *b)
{
	struct passport_claims c = {
		.attest = 'A',
		.orig_tn = SLICE("12155550112"),
		.dest_tn = SLICE("12155550113"),
		.iat = 1767225600 + (int64_t)b->call++,
		.origid = SLICE("123e4567-e89b-42d3-a456-426655440000"),
	};
	char row[1024];

	return identity_emit(slice_of(b->header, b->header_len), SLICE(X5U), &c, credential_sign, b->signer,
			     0, row, sizeof(row)) > 0;
}

enum { EVP, ECDSA, CREDENTIAL, IDENTITY, CANDIDATES };

static const struct candidate {
	const char *name;
	bool (*run)(struct bench *b);
} candidates[CANDIDATES] = {
	[EVP] = { "raw_evp_pkey_sign", run_evp },
	[ECDSA] = { "raw_ecdsa_do_sign", run_ecdsa },
	[CREDENTIAL] = { "credential_sign", run_credential },
	[IDENTITY] = { "identity_emit", run_identity },
};

struct times {
	double cpu_us, wall_us; /* of one call */
};

static struct times measure(const struct candidate *c, struct bench *b, unsigned calls)
{
	uint64_t cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID), wall = clock_mono_ns();

	for (unsigned i = 0; i < calls; i++)
		if (!c->run(b))
			die(c->name);
	cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu;
	wall = clock_mono_ns() - wall;
	return (struct times){ (double)cpu / 1000 / calls, (double)wall / 1000 / calls };
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void setup(struct bench *b)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	BIO *bio = BIO_new(BIO_s_mem());
	struct credential_set *set;
	char *pem;
	long len;

	if (!key || !bio || PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
		die("making a key");
	len = BIO_get_mem_data(bio, &pem);
	if (credential_set_new(&set) < 0 || credential_add(set, 0, pem, (size_t)len, NULL) < 0 ||
	    credential_signer_new(set, &b->signer) < 0)
		die("credential");
	b->header_len = (size_t)passport_header_emit(SLICE(X5U), b->header, sizeof(b->header));
	b->evp = EVP_PKEY_CTX_new(key, NULL);
	b->ec = EVP_PKEY_get1_EC_KEY(key);
	if (!b->evp || !b->ec || EVP_PKEY_sign_init(b->evp) != 1)
		die("raw key");
	BIO_free(bio);
}

struct run {
	unsigned repeats, candidates, threads;
	pthread_barrier_t barrier;
	struct thread {
		struct run *run;
		pthread_t id;
		unsigned cpu;
		struct bench bench;
		struct times times[CANDIDATES][REPEATS];
	} thread[THREADS_MAX];
};

static void *thread_main(void *arg)
{
	struct thread *t = arg;
	struct run *run = t->run;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(t->cpu, &cpus);
	if (run->threads && sched_setaffinity(0, sizeof(cpus), &cpus) < 0)
		die("pinning a thread");
	setup(&t->bench);
	for (unsigned k = 0; k < run->candidates; k++)
		measure(&candidates[k], &t->bench, WARM_UP);
	for (unsigned i = 0; i < run->repeats; i++) {
		for (unsigned k = 0; k < run->candidates; k++) {
			pthread_barrier_wait(&run->barrier);
			t->times[k][i] = measure(&candidates[k], &t->bench, CALLS);
		}
	}
	return NULL;
}

struct summary {
	double median, mean, min, max, per_s;
};

static struct summary summarize(const struct run *run, unsigned k)
{
	double us[THREADS_MAX * REPEATS];
	unsigned threads = run->threads ? run->threads : 1, n = 0;
	struct summary s = { 0 };

	for (unsigned t = 0; t < threads; t++) {
		double wall_us = 0;

		for (unsigned i = 0; i < run->repeats; i++) {
			us[n] = run->thread[t].times[k][i].cpu_us;
			s.mean += us[n++];
			wall_us += run->thread[t].times[k][i].wall_us;
		}
		s.per_s += 1e6 * run->repeats / wall_us;
	}
	qsort(us, n, sizeof(us[0]), compare);
	s.mean /= n;
	s.median = us[n / 2];
	s.min = us[0];
	s.max = us[n - 1];
	return s;
}

static void print(const char *name, const struct run *run, const struct summary *s, const struct summary *raw)
{
	printf("{\"bench\":\"sign\",\"name\":\"%s\",\"us\":%.2f,\"mean_us\":%.2f,\"min_us\":%.2f,\"max_us\":%.2f,"
	       "\"per_s\":%.0f,\"ratio_to_raw\":%.3f,\"repeats\":%u,\"calls\":%u}\n",
	       name, s->median, s->mean, s->min, s->max, s->per_s, s->median / raw->median, run->repeats, CALLS);
}

static bool parse(int argc, char **argv, struct run *run)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--quick") == 0)
			run->repeats = QUICK;
		else if (strcmp(argv[i], "--raw") == 0)
			run->candidates = CREDENTIAL;
		else if (strcmp(argv[i], "--threads") == 0 && i + 1 < argc)
			run->threads = (unsigned)atoi(argv[++i]);
		else
			return false;
	}
	return run->threads <= THREADS_MAX;
}

int main(int argc, char **argv)
{
	static struct run run = { .repeats = REPEATS, .candidates = CANDIDATES };
	struct summary s[CANDIDATES];
	unsigned threads, raw;

	if (!parse(argc, argv, &run)) {
		fprintf(stderr, "usage: bench_sign [--quick] [--raw] [--threads N]\n");
		return 2;
	}
	threads = run.threads ? run.threads : 1;
	pthread_barrier_init(&run.barrier, NULL, threads);
	for (unsigned i = 0; i < threads; i++) {
		run.thread[i].run = &run;
		run.thread[i].cpu = i;
		if (pthread_create(&run.thread[i].id, NULL, thread_main, &run.thread[i]))
			die("starting a thread");
	}
	for (unsigned i = 0; i < threads; i++)
		pthread_join(run.thread[i].id, NULL);
	for (unsigned k = 0; k < run.candidates; k++)
		s[k] = summarize(&run, k);
	raw = s[EVP].median < s[ECDSA].median ? EVP : ECDSA;
	print("raw", &run, &s[raw], &s[raw]);
	for (unsigned k = 0; k < run.candidates; k++)
		print(candidates[k].name, &run, &s[k], &s[raw]);
	return 0;
}
