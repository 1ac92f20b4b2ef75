/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gateway_check - what a run has counted.
 */
#ifndef SIPSEAL_TEST_GATEWAY_CHECK_H
#define SIPSEAL_TEST_GATEWAY_CHECK_H

#include "gateway_setup.h"

#include "base/reason.h"

struct sums {
	uint64_t c[SIPSEAL_COUNTER_ROWS][SR_XDP_MAX];
};

static inline void sums_read(struct sums *s)
{
	for (unsigned p = 0; p < SIPSEAL_COUNTER_ROWS; p++)
		assert_int_equal(bpfgw_counters(gw, p, s->c[p]), 0);
}

/* Exactly one reason, of exactly one port, is one more than before. */
static inline void check_counters(const struct sums *before, unsigned port, uint32_t reason)
{
	static struct sums now;
	uint64_t total = 0;

	sums_read(&now);
	for (unsigned p = 0; p < SIPSEAL_COUNTER_ROWS; p++) {
		for (unsigned i = 0; i < SR_XDP_MAX; i++) {
			uint64_t d = now.c[p][i] - before->c[p][i];

			total += d;
			if (d && (p != port || i != reason))
				fail_msg("counted %s of port %u, wanted %s of port %u", reason_token(i), p,
					 reason_token(reason), port);
		}
	}
	assert_int_equal(total, 1);
}

#endif
