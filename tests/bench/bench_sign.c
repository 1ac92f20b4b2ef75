/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench_sign - what signing one call costs beside one raw P-256 signature of OpenSSL.
 *
 * usage: bench_sign [--quick]
 * Each repeat measures every candidate once, in turn, so that a change of clock speed or load meets all
 * of them; the median over the repeats is printed, in microseconds of process CPU time:
 *   {"bench":"sign","name":NAME,"us":MEDIAN,"min_us":M,"max_us":M,"ratio_to_raw":R,"repeats":N,"calls":N}
 * Names: raw_evp_pkey_sign (on a held context), raw_ecdsa_do_sign (on an EC_KEY), raw (the faster of
 * the two), credential_sign, identity_emit.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* ECDSA_do_sign() is here to be compared with */
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

static double measure(const struct candidate *c, struct bench *b, unsigned calls)
{
	uint64_t start = clock_ns(CLOCK_PROCESS_CPUTIME_ID);

	for (unsigned i = 0; i < calls; i++)
		if (!c->run(b))
			die(c->name);
	return (double)(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - start) / 1000 / calls;
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

/* @us and @raw in ascending order. */
static void print(const char *name, const double *us, const double *raw, unsigned repeats)
{
	printf("{\"bench\":\"sign\",\"name\":\"%s\",\"us\":%.2f,\"min_us\":%.2f,\"max_us\":%.2f,"
	       "\"ratio_to_raw\":%.3f,\"repeats\":%u,\"calls\":%u}\n",
	       name, us[repeats / 2], us[0], us[repeats - 1], us[repeats / 2] / raw[repeats / 2],
	       repeats, CALLS);
}

int main(int argc, char **argv)
{
	static double us[CANDIDATES][REPEATS];
	unsigned repeats = argc > 1 ? QUICK : REPEATS, raw;
	static struct bench b;

	if (argc > 2 || (argc == 2 && strcmp(argv[1], "--quick") != 0)) {
		fprintf(stderr, "usage: bench_sign [--quick]\n");
		return 2;
	}
	setup(&b);
	for (unsigned k = 0; k < CANDIDATES; k++)
		measure(&candidates[k], &b, WARM_UP);
	for (unsigned i = 0; i < repeats; i++)
		for (unsigned k = 0; k < CANDIDATES; k++)
			us[k][i] = measure(&candidates[k], &b, CALLS);
	for (unsigned k = 0; k < CANDIDATES; k++)
		qsort(us[k], repeats, sizeof(us[k][0]), compare);
	raw = us[EVP][repeats / 2] < us[ECDSA][repeats / 2] ? EVP : ECDSA;
	print("raw", us[raw], us[raw], repeats);
	for (unsigned k = 0; k < CANDIDATES; k++)
		print(candidates[k].name, us[k], us[raw], repeats);
	return 0;
}
