// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <string.h>

#include "trunk/model.h"

/* E.164: no more than 15 digits; no country has subscriber numbers with fewer than 5 in all. */
#define NUMBER_MAX 15
#define NUMBER_MIN 5
#define NANP_LEN   11

/* Reads "+digits" at *s into dst; *s stands behind them then. */
static const char *read_number(const char **s, char dst[NUMBER_MAX + 1])
{
	size_t n;

	if (**s != '+')
		return "has no leading +, write + and the country code";
	n = strspn(*s + 1, "0123456789");
	if (n > NUMBER_MAX)
		return "has more than 15 digits";
	if (n == 0)
		return "has no digits after the +";
	if ((*s)[1] == '0')
		return "starts with 0, no country code does";
	memcpy(dst, *s + 1, n);
	dst[n] = '\0';
	*s += 1 + n;
	return NULL;
}

static const char *check_whole(const char *digits)
{
	size_t n = strlen(digits);

	if (digits[0] == '1' && n != NANP_LEN)
		return "is a number of country code 1 without exactly 11 digits";
	if (n < NUMBER_MIN)
		return "is too short for a whole number, write a prefix with *";
	return NULL;
}

static const char *read_range(const char *s, struct number_range *r)
{
	const char *e;

	if ((e = read_number(&s, r->first)))
		return e;
	if (strcmp(s, "*") == 0) {
		r->is_prefix = true;
		if (r->first[0] == '1' && strlen(r->first) > NANP_LEN)
			return "is a prefix of country code 1 with more than 11 digits";
		return NULL;
	}
	if ((e = check_whole(r->first)))
		return e;
	if (*s == '\0') {
		memcpy(r->last, r->first, sizeof(r->last));
		return NULL;
	}
	if (*s != '-')
		return "holds something else than digits, a closing * or a -";
	s++;
	if ((e = read_number(&s, r->last)))
		return e;
	if (*s != '\0')
		return "holds something else than two numbers around the -";
	if (strlen(r->first) != strlen(r->last))
		return "is a range between numbers of different lengths";
	if (strcmp(r->first, r->last) > 0)
		return "is a range that runs backwards";
	return NULL;
}

int number_range_parse(const char *s, struct number_range *ret, const char **reterr_text)
{
	struct number_range r = { .is_prefix = false };
	const char *e = read_range(s, &r);

	if (e) {
		*reterr_text = e;
		return -EINVAL;
	}
	*ret = r;
	return 0;
}
