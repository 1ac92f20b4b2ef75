/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/report_fragments.h"

#include "daemon/report_verification.h"

#define WORTH_A_WARNING 100 /* fragments: the street always has a few that are broken */

static uint64_t of(const struct counts_total *t, enum sipseal_reason reason)
{
	return t->reasons[reason - SR_XDP_MAX];
}

static uint64_t refused(const struct counts_total *t)
{
	return of(t, SR_FRAGMENT_REFUSED) + of(t, SR_FRAGMENT_MALFORMED) + of(t, SR_FRAGMENT_TINY) +
	       of(t, SR_FRAGMENT_OPAQUE_DROPPED);
}

static uint64_t incomplete(const struct counts_total *t)
{
	return of(t, SR_FRAGMENT_EXPIRED) + of(t, SR_FRAGMENT_EVICTED) + of(t, SR_FRAGMENT_OVERFLOW);
}

json_t *report_fragments(const struct sipseald *d)
{
	struct counts_total t;

	counts_sum(&d->counts, &t);
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:{s:I,s:I,s:I}}", "held", (json_int_t)t.fragments_held, "bytes",
			 (json_int_t)t.fragment_bytes, "limit_bytes", (json_int_t)t.fragment_limit, "whole",
			 (json_int_t)t.datagrams_whole, "mailed", (json_int_t)t.mailed, "refused",
			 (json_int_t)refused(&t), "incomplete", (json_int_t)incomplete(&t), "shed", "compact",
			 (json_int_t)t.shed_compact, "location", (json_int_t)t.shed_location, "pai",
			 (json_int_t)t.shed_pai);
}

void report_fragments_warnings(const struct sipseald *d, json_t *list)
{
	struct counts_total t;
	uint64_t n;

	counts_sum(&d->counts, &t);
	if ((n = refused(&t)) >= WORTH_A_WARNING)
		report_warn(list, "warning", "fragments_refused", NULL,
			    "%llu fragments to or from trunk peers were refused (they overlap, are broken or too small): an attack, "
			    "or a sender that is broken", (unsigned long long)n);
	if ((n = incomplete(&t)) >= WORTH_A_WARNING)
		report_warn(list, "warning", "fragments_incomplete", NULL,
			    "%llu fragments to or from trunk peers were dropped, for the rest of their datagrams did not come or "
			    "there was no room: calls in them are lost", (unsigned long long)n);
	if (t.shed_location)
		report_warn(list, "warning", "location_shed", NULL,
			    "%llu INVITEs left without their location: they would have been too large for a datagram",
			    (unsigned long long)t.shed_location);
	if (t.shed_pai)
		report_warn(list, "warning", "pai_shed", NULL,
			    "%llu INVITEs left without P-Asserted-Identity and Privacy: they would have been too large for a "
			    "datagram", (unsigned long long)t.shed_pai);
}
