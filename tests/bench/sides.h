/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sides - what few and many trunks cost, side by side: rounds in which the two take turns, so that a change
 * of clock speed or load meets both.  Prints {"name":NAME,"few_ns":[PER ROUND],"many_ns":[PER ROUND]}.
 */
#ifndef SIPSEAL_BENCH_SIDES_H
#define SIPSEAL_BENCH_SIDES_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define FEW    10u
#define MANY   100000u
#define RANGES 10u /* of numbers, per trunk */

enum side { SIDE_FEW, SIDE_MANY, SIDES };

#define ROUNDS_MAX 15

static unsigned rounds = ROUNDS_MAX;

static inline void sides_args(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--quick") == 0)
		rounds = 3;
}

static inline uint32_t sides_trunks(enum side side)
{
	return side == SIDE_FEW ? FEW : MANY;
}

/* splitmix64: numbers without order, the same in every run. */
static inline uint64_t sides_any(void)
{
	static uint64_t state;
	uint64_t r = state += 0x9e3779b97f4a7c15;

	r = (r ^ r >> 30) * 0xbf58476d1ce4e5b9;
	r = (r ^ r >> 27) * 0x94d049bb133111eb;
	return r ^ r >> 31;
}

static inline void sides_list(const char *key, const double *v)
{
	printf(",\"%s\":[", key);
	for (unsigned i = 0; i < rounds; i++)
		printf("%s%.1f", i ? "," : "", v[i]);
	printf("]");
}

/* @ns: nanoseconds of one call of this side, as the mean of many. */
static inline void sides_measure(const char *name, double (*ns)(enum side side, void *ctx), void *ctx)
{
	double v[SIDES][ROUNDS_MAX];

	for (int side = 0; side < SIDES; side++)
		ns(side, ctx); /* warm */
	for (unsigned i = 0; i < rounds; i++) {
		for (int side = 0; side < SIDES; side++)
			v[side][i] = ns(side, ctx);
	}
	printf("{\"name\":\"%s\"", name);
	sides_list("few_ns", v[SIDE_FEW]);
	sides_list("many_ns", v[SIDE_MANY]);
	printf("}\n");
}

#endif
