/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * limit.h - max_cps of a trunk, and its fair share of a worker that has too much to do.
 *
 * GCRA: one word per trunk and limit, the theoretical arrival time (tat) of the next INVITE.  With one INVITE per
 * @interval and a @tolerance, an INVITE conforms while tat is at most @tolerance ahead of now, and then moves
 * tat by @interval.  One that is refused moves nothing.  CPUs that serve the same trunk meet in a
 * compare-and-swap.
 *
 *     max_cps      interval 10^9 / max_cps; tolerance: a second's worth, so a burst of max_cps after silence
 *     fair share   interval from the worker; tolerance: a burst of LIMIT_FAIR_BURST
 */
#ifndef SIPSEAL_LIMIT_H
#define SIPSEAL_LIMIT_H

#include "maps.h"
#include "packet.h"

#define LIMIT_SECOND_NS 1000000000ull

/*
 * Fewer would refuse calls that come in pairs though the trunk is below its share; more would let a thousand
 * trunks fill the other half of the ring at once.
 */
#define LIMIT_FAIR_BURST 5

/* Each lost round is an INVITE that another CPU let in; after so many one is refused rather than looped on. */
#define LIMIT_TRIES 8

/* What comes before the next INVITE conforms, ns; less than 0 for nothing. */
static __always_inline __s64 limit_ahead(const __u64 *tat, __u64 now)
{
	return (__s64)(*(const volatile __u64 *)tat - now);
}

static __always_inline bool limit_take(__u64 *tat, __u64 now, __s64 interval, __s64 tolerance)
{
	__s64 ahead;
	__u64 seen;
	int i;

	for (i = 0; i < LIMIT_TRIES; i++) {
		seen = *(volatile __u64 *)tat;
		ahead = (__s64)(seen - now);
		if (ahead > tolerance + interval) /* of a longer interval: wait for one of this length only */
			__sync_val_compare_and_swap(tat, seen, now + tolerance + interval);
		if (ahead > tolerance)
			return false;
		if (ahead < 0)
			ahead = 0;
		if (__sync_val_compare_and_swap(tat, seen, now + ahead + interval) == seen)
			return true;
	}
	return false;
}

/*
 * limit_check() - may the INVITE of the trunk in @slot go to the signer?
 * @interval_ns: by max_cps; 0: no limit.  @fair_ns: by the fair share; 0: not now
 * max_cps is asked first and takes last: who is over both has no token taken by either.
 * Return: 0, or the reason to drop it.
 */
static __always_inline __u32 limit_check(__u32 slot, __u32 interval_ns, __u64 fair_ns, __u64 now)
{
	const __s64 tolerance = (__s64)LIMIT_SECOND_NS - interval_ns;
	struct sipseal_limiter *l;

	if (!interval_ns && !fair_ns)
		return 0;
	l = bpf_map_lookup_elem(&sipseal_limits, &slot);
	if (!l)
		return 0; /* no such slot: sipseald gives none */
	if (interval_ns && limit_ahead(&l->tat_ns, now) > tolerance)
		return SR_RATE_LIMITED;
	if (fair_ns > LIMIT_SECOND_NS) /* the least that a trunk gets: one call a second */
		fair_ns = LIMIT_SECOND_NS;
	if (fair_ns && !limit_take(&l->fair_tat_ns, now, (__s64)fair_ns, (LIMIT_FAIR_BURST - 1) * (__s64)fair_ns))
		return SR_FAIR_SHARE;
	if (interval_ns && !limit_take(&l->tat_ns, now, interval_ns, tolerance))
		return SR_RATE_LIMITED;
	return 0;
}

#endif
