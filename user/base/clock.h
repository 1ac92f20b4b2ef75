/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * clock - the two clocks we use: CLOCK_MONOTONIC (= bpf_ktime_get_ns) for ages and heartbeats,
 * CLOCK_REALTIME for iat, Date and events.
 */
#ifndef SIPSEAL_CLOCK_H
#define SIPSEAL_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static inline uint64_t clock_mono_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static inline uint64_t clock_real_ms(void)
{
	return clock_ns(CLOCK_REALTIME) / 1000000u;
}

#endif
