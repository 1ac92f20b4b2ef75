/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * intervals - the numbers of a trunk as sorted, disjoint intervals of keys (see policy_number_key()).
 *
 * An exact number and a range are one interval.  A prefix is one interval per length that a number
 * with this prefix can have: 11 digits where the country code is 1 (NANP), else from the prefix's own
 * length to 15 (E.164 fixes no other length).
 */
#ifndef SIPSEAL_TRUNK_INTERVALS_H
#define SIPSEAL_TRUNK_INTERVALS_H

#include <stddef.h>
#include <sys/types.h>

#include "trunk/model.h"
#include "trunk/policy.h"

/** intervals_compile() - Return: number of intervals in *ret (malloc'd, NULL where 0); -ENOMEM;
 * -EINVAL: a range that number_range_parse() would refuse; -E2BIG: more than 2^32 - 1. */
ssize_t intervals_compile(const struct number_range *ranges, size_t cnt, struct policy_interval **ret);

/** intervals_cover() - is the canonical number inside one of the ranges?  Linear: for checks. */
bool intervals_cover(const struct number_range *ranges, size_t cnt, struct slice tn);

#endif
