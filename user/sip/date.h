/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * date - the SIP Date (RFC 3261 s20.17: RFC 1123 form, GMT only, two-digit day).
 * No locale, no time zone database.
 */
#ifndef SIPSEAL_SIP_DATE_H
#define SIPSEAL_SIP_DATE_H

#include <stdint.h>

#include "base/slice.h"

#define SIP_DATE_LEN 29 /* "Thu, 01 Jan 2026 00:00:00 GMT" */

/** sip_date_emit() - writes SIP_DATE_LEN bytes, no NUL.  @t: seconds since 1970, years 1970-9999. */
void sip_date_emit(int64_t t, char dst[SIP_DATE_LEN]);

/** sip_date_parse() - Return: 0, or -EBADMSG (form, ranges or weekday wrong). */
int sip_date_parse(struct slice s, int64_t *ret);

#endif
