/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * report - what the daemon tells about itself: JSON with stable keys (docs/api.md), integers with
 * their unit in the key, times in RFC 3339; and the metrics as text.
 *
 * All functions return NULL without memory.  Nothing here comes from the wire but addresses and
 * counters.
 */
#ifndef SIPSEAL_DAEMON_REPORT_H
#define SIPSEAL_DAEMON_REPORT_H

#include <jansson.h>

#include "daemon/daemon.h"

/* What became of an INVITE, for people: reasons in groups; outbound the first four, inbound the last five. */
enum call_status {
	CALL_SIGNED, CALL_UNSIGNED, CALL_REJECTED, CALL_DROPPED,
	CALL_VERIFIED, CALL_FAILED, CALL_MISSING, CALL_UNVERIFIED,
	CALL_NONE, /* a fragment, which is none */
	CALL_STATUS_CNT
};

/** call_status_of() - group of a signer reason of an outbound INVITE, or of one that only inbound ones have; @t says
 * what unsignable calls come to (NULL: unknown). */
enum call_status call_status_of(unsigned reason, const struct trunk *t);
/** call_status_inbound() - group of a signer reason of an inbound INVITE.  CALL_UNVERIFIED: nothing was to be
 * judged (in dialog, CANCEL, verification off ...). */
enum call_status call_status_inbound(unsigned reason);
const char *call_status_name(enum call_status s);  /* "SIGNED", "STIR_VERIFIED" */

/** report_calls() - {"signed","unsigned","rejected","dropped","observed"} of one trunk, outbound, and "inbound":
 * {"verified","failed","missing","unverified","dropped","observed"}.  In observe they are what would have been. */
json_t *report_calls(const struct sipseald *d, const struct live_trunk *t);

json_t *report_status(const struct sipseald *d);
/** report_signer_state() - "running", "stalled" (no heartbeat within heartbeat_ms) or "down". */
const char *report_signer_state(const struct sipseald *d);

/** report_regulatory() - {"enabled","since","by"} and, while it is off, "warning" {"code","text"}. */
json_t *report_regulatory(const struct sipseald *d);

json_t *report_warnings(const struct sipseald *d);
json_t *report_stats(const struct sipseald *d);
json_t *report_trunks(const struct sipseald *d);

/** report_credential() - one set of certificates, with its expiry and who uses it. */
json_t *report_credential(const struct sipseald *d, const struct live_credential *c);

/** report_certificates() - {"certificates": [...]}: all of them. */
json_t *report_certificates(const struct sipseald *d);

/** report_trunk() - effective policy in the form of the configuration, and "state". */
json_t *report_trunk(const struct sipseald *d, const struct live_trunk *t);

/** report_metrics() - malloc'd Prometheus text. */
char *report_metrics(const struct sipseald *d);

/** report_reasons() - object of those counters that are not zero, by reason; @first: reason of
 * counts[0]. */
json_t *report_reasons(const uint64_t *counts, unsigned first, unsigned cnt, bool want_zero);

/** report_time() - RFC 3339 in UTC. */
json_t *report_time(int64_t seconds);

/** report_text() - a string; null where NULL. */
json_t *report_text(const char *s);

#endif
