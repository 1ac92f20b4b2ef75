/* SPDX-License-Identifier: BSD-2-Clause */
/* rounds - what bench_verify says of its rounds: medians, and ratios to a peer of the same round. */
#ifndef SIPSEAL_BENCH_ROUNDS_H
#define SIPSEAL_BENCH_ROUNDS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS_MAX 64

static inline int rounds_compare(const void *x, const void *y)
{
	double l = *(const double *)x, r = *(const double *)y;

	return (l > r) - (l < r);
}

/* Each round against the raw figure of the same round: the clock speed may change between them. */
static inline void rounds_print(const char *name, const double *us, const double *raw, unsigned repeats, unsigned calls)
{
	double ratio[ROUNDS_MAX], sorted[ROUNDS_MAX];

	for (unsigned i = 0; i < repeats; i++) {
		ratio[i] = raw[i] > 0 ? us[i] / raw[i] : 0;
		sorted[i] = us[i];
	}
	qsort(ratio, repeats, sizeof(ratio[0]), rounds_compare);
	qsort(sorted, repeats, sizeof(sorted[0]), rounds_compare);
	printf("{\"bench\":\"verify\",\"name\":\"%s\",\"us\":%.2f,\"min_us\":%.2f,\"max_us\":%.2f,\"ratio_to_raw\":%.3f,"
	       "\"ratio_min\":%.3f,\"ratio_max\":%.3f,\"repeats\":%u,\"calls\":%u}\n",
	       name, sorted[repeats / 2], sorted[0], sorted[repeats - 1], ratio[repeats / 2], ratio[0],
	       ratio[repeats - 1], repeats, calls);
}

static inline double rounds_median(const double *us, unsigned repeats)
{
	double sorted[ROUNDS_MAX];

	memcpy(sorted, us, repeats * sizeof(sorted[0]));
	qsort(sorted, repeats, sizeof(sorted[0]), rounds_compare);
	return sorted[repeats / 2];
}

#endif
