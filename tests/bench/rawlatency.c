/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rawlatency - how long raw P-256 signatures take that do not follow each other at once, as those of calls do not: what is
 * read for one may have left the caches when the next comes.
 *
 * usage: rawlatency COUNT PER_SECOND [--spin]
 * --spin: looks at the clock in between; else it sleeps.  Prints {"us":[...]}, by the clock.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* ECDSA_do_sign(): the fastest that OpenSSL has */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/obj_mac.h>

#include "base/clock.h"

#define COUNT_MAX 20000

static void wait_until(uint64_t due_ns, bool is_spin)
{
	const struct timespec due = { (time_t)(due_ns / 1000000000), (long)(due_ns % 1000000000) };

	if (!is_spin)
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
	while (clock_mono_ns() < due_ns)
		;
}

static double sign_us(EC_KEY *key, uint64_t call)
{
	unsigned char digest[32] = { 0 };
	uint64_t start = clock_mono_ns();
	ECDSA_SIG *sig;

	memcpy(digest, &call, sizeof(call));
	sig = ECDSA_do_sign(digest, sizeof(digest), key);
	if (!sig) {
		fprintf(stderr, "rawlatency: signing failed\n");
		exit(1);
	}
	ECDSA_SIG_free(sig);
	return (double)(clock_mono_ns() - start) / 1000;
}

int main(int argc, char **argv)
{
	EC_KEY *key = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
	unsigned long count = argc > 2 ? strtoul(argv[1], NULL, 10) : 0, rate = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	bool is_spin = argc == 4 && strcmp(argv[3], "--spin") == 0;
	uint64_t due = clock_mono_ns();
	static double us[COUNT_MAX];

	if (argc < 3 || argc > 3 + is_spin || !count || count > COUNT_MAX || !rate) {
		fprintf(stderr, "usage: rawlatency COUNT PER_SECOND [--spin]\n");
		return 2;
	}
	if (!key || EC_KEY_generate_key(key) != 1) {
		fprintf(stderr, "rawlatency: no key\n");
		return 1;
	}
	for (unsigned long n = 0; n < count; n++) {
		due += 1000000000 / rate;
		wait_until(due, is_spin);
		us[n] = sign_us(key, n);
	}
	printf("{\"us\":[");
	for (unsigned long n = 0; n < count; n++)
		printf("%s%.1f", n ? "," : "", us[n]);
	puts("]}");
	return 0;
}
