/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * report_verification - what the daemon tells about inbound calls: trunks that verify, the fetcher, its certificates,
 * clocks.  Texts that come from callers and servers are printable (fetching.h).
 */
#ifndef SIPSEAL_DAEMON_REPORT_VERIFICATION_H
#define SIPSEAL_DAEMON_REPORT_VERIFICATION_H

#include <jansson.h>

#include "daemon/daemon.h"

/** report_verification() - the object `verification` of the status; asks the fetcher. */
json_t *report_verification(const struct sipseald *d);

/** report_clock_skew() - {"mean_ms","min_ms","max_ms","calls"}: our clock less that of a trunk's callers; null
 * where no call has told. */
json_t *report_clock_skew(const struct sipseald *d, const struct live_trunk *t);

/** report_verification_warnings() - added to @list; asks the fetcher. */
void report_verification_warnings(const struct sipseald *d, json_t *list);

/** report_warn() - one more warning; @level: notice, warning (most), critical; @trunk: NULL: none. */
void report_warn(json_t *list, const char *level, const char *code, const char *trunk, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

#endif
