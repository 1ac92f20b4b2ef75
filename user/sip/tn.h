/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tn - telephone numbers in the canonical form that PASSporTs carry.
 *
 * A canonical TN is digits (and '#', '*'), country code first, no '+', no visual separators, no
 * ";user-params" (RFC 8224 s8.3).  Every number is made canonical once, here; the rest of the
 * program compares with memcmp().
 * Memory: none is allocated.  Threads: no state, any thread.
 */
#ifndef SIPSEAL_SIP_TN_H
#define SIPSEAL_SIP_TN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "sip/uri.h"

#define TN_MAX 15  /* E.164 */

struct tn {
	uint8_t len;
	bool is_service;        /* N11, 988, short code, '*'/'#' dial string: may be dest, never orig */
	char digits[TN_MAX + 1]; /* NUL-terminated for convenience */
};

/* trunk.number_rules: first match, before canonicalising.  Separators in the number do not hinder a match. */
struct tn_rule {
	struct slice prefix, replace;
};

struct tn_rules {
	const struct tn_rule *rules;
	unsigned rule_cnt;
	struct slice country_code;  /* digits put before a national number, or empty: those are refused */
};

/**
 * tn_from_user() - canonicalise the user part of a sip: or tel: URI.
 * @user:  bytes between the scheme and '@'; user-params are cut, %XX decoded, visual separators
 *         "-.() " and blanks dropped; a ';phone-context=+CC...' is put before a local tel number
 * @rules: number rules and country code of the trunk
 * National numbers: with country code 1 ten digits NXXNXXXXXX get the 1 and eleven digits with a
 * leading 1 stay; with other country codes a leading trunk '0' is dropped, and a number without
 * it that starts with the country code is refused (-EDOM): it may be either, only a rule can say.
 * Seven digits without an area code are -EDOM too.
 * Service numbers (N11, 988, 3 to 6 digit short codes, dial strings with '*' or '#') are kept as
 * they are; with country code 1 only a rule for the whole of it changes an N11 or 988.  A '+' number with country code 1 must satisfy NANP (NPA and NXX start with 2-9);
 * any '+' number has at least 7 digits and no "(0)".
 * Return: 0; -EINVAL not a number; -ERANGE longer than TN_MAX; -EDOM national, no country code.
 */
int tn_from_user(struct slice user, const struct tn_rules *rules, struct tn *ret);

/**
 * tn_from_uri() - the number of a URI, if it is one (RFC 8224 s8.1): tel:, or sip:/sips: whose user
 * part is a number, with or without user=phone.
 * Return: as tn_from_user(); -EINVAL for other schemes.
 */
int tn_from_uri(const struct sip_uri *uri, const struct tn_rules *rules, struct tn *ret);

/**
 * tn_is_shown() - does the user part of a URI show people a number, whether tn_from_user() can place it
 * or not?  Seven digits or more, %XX decoded, user-params cut, and nothing else but what stands between
 * digits; or anything behind a '+'.
 */
bool tn_is_shown(struct slice user);

static inline struct slice tn_slice(const struct tn *tn)
{
	return (struct slice){ tn->digits, tn->len };
}

static inline bool tn_eq(const struct tn *a, const struct tn *b)
{
	return a->len == b->len && memcmp(a->digits, b->digits, a->len) == 0;
}

#endif
