/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Own arithmetic: gmtime_r() and timegm() read the time zone database on first use, which the
 * signer's sandbox forbids.
 */
#include "sip/date.h"

#include <errno.h>
#include <stdbool.h>

#include "sip/chars.h"

#define YEAR_MIN 1970
#define YEAR_MAX 9999
#define DAY_S    86400
#define INSTANT_MAX 253402300799 /* 31 December 9999, 23:59:59 */

static const char day_names[] = "ThuFriSatSunMonTueWed"; /* 1 January 1970 was a Thursday */
static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

static bool is_leap(unsigned year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned month_days(unsigned year, unsigned month)
{
	static const uint8_t days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month] + (month == 1 && is_leap(year) ? 1u : 0u);
}

/* Days from 1 January 1970 to 1 January of @year. */
static int64_t days_before_year(unsigned year)
{
	unsigned y = year - 1;
	/* 719162 days lie between 1 January of the year 1 and of 1970 */
	return (int64_t)y * 365 + y / 4 - y / 100 + y / 400 - 719162;
}

static void put_number(char *dst, unsigned value, unsigned digits)
{
	while (digits--) {
		dst[digits] = (char)('0' + value % 10);
		value /= 10;
	}
}

void sip_date_emit(int64_t t, char dst[SIP_DATE_LEN])
{
	unsigned s, month = 0, day, year;
	int64_t days;

	/* a clock beyond the form shows as its first or last instant: nobody takes it for fresh */
	t = t < 0 ? 0 : t > INSTANT_MAX ? INSTANT_MAX : t;
	days = t / DAY_S;
	s = (unsigned)(t % DAY_S);
	/* 400 years have 146097 days; the estimate is at most one year off */
	year = (unsigned)(YEAR_MIN + days * 400 / 146097);
	while (days_before_year(year) > days)
		year--;
	while (days_before_year(year + 1) <= days)
		year++;
	day = (unsigned)(days - days_before_year(year));
	while (day >= month_days(year, month))
		day -= month_days(year, month++);

	memcpy(dst, "ddd, DD mmm YYYY HH:MM:SS GMT", SIP_DATE_LEN);
	memcpy(dst, day_names + days % 7 * 3, 3);
	put_number(dst + 5, day + 1, 2);
	memcpy(dst + 8, month_names + month * 3, 3);
	put_number(dst + 12, year, 4);
	put_number(dst + 17, s / 3600, 2);
	put_number(dst + 20, s / 60 % 60, 2);
	put_number(dst + 23, s % 60, 2);
}

/* @digits of them at @p, in the range @min to @max. */
static bool get_number(const char *p, size_t digits, unsigned min, unsigned max, unsigned *ret)
{
	unsigned v = 0;

	if (!sip_all(slice_of(p, digits), SIP_C_DIGIT))
		return false;
	for (size_t i = 0; i < digits; i++)
		v = v * 10 + (unsigned)(p[i] - '0');
	*ret = v;
	return v >= min && v <= max;
}

static bool get_month(const char *p, unsigned *ret)
{
	for (unsigned i = 0; i < 12; i++) {
		if (memcmp(month_names + i * 3, p, 3) == 0) {
			*ret = i;
			return true;
		}
	}
	return false;
}

int sip_date_parse(struct slice s, int64_t *ret)
{
	unsigned day, month, year, h, m, sec;
	char again[SIP_DATE_LEN];
	int64_t days;

	if (s.len != SIP_DATE_LEN || !get_number(s.p + 5, 2, 1, 31, &day) ||
	    !get_month(s.p + 8, &month) || !get_number(s.p + 12, 4, YEAR_MIN, YEAR_MAX, &year) ||
	    !get_number(s.p + 17, 2, 0, 23, &h) || !get_number(s.p + 20, 2, 0, 59, &m) ||
	    !get_number(s.p + 23, 2, 0, 59, &sec))
		return -EBADMSG;
	days = days_before_year(year) + day - 1;
	for (unsigned i = 0; i < month; i++)
		days += month_days(year, i);
	days = days * DAY_S + h * 3600 + m * 60 + sec;

	/* there is one spelling of an instant: weekday, punctuation and 31 June fail here */
	sip_date_emit(days, again);
	if (memcmp(again, s.p, SIP_DATE_LEN) != 0)
		return -EBADMSG;
	*ret = days;
	return 0;
}
