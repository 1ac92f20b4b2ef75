/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/time_arg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* "Z", "+01:00", "-05:30"; seconds east of UTC */
static int parse_offset(const char *s, int64_t *ret)
{
	int sign = *s == '-' ? -1 : 1;
	struct tm tm = { 0 };
	const char *end;

	if (strcmp(s, "Z") == 0 || strcmp(s, "z") == 0) {
		*ret = 0;
		return 0;
	}
	if (*s != '+' && *s != '-')
		return -EINVAL;
	end = strptime(s + 1, "%H:%M", &tm);
	if (!end || *end)
		return -EINVAL;
	*ret = sign * (tm.tm_hour * 3600 + tm.tm_min * 60);
	return 0;
}

int time_arg_parse(const char *s, int64_t *ret)
{
	struct tm tm = { 0 };
	char *end;
	const char *rest;
	int64_t n, offset;

	errno = 0;
	n = strtoll(s, &end, 10);
	if (*s && !*end && errno == 0) {
		*ret = n;
		return 0;
	}
	rest = strptime(s, "%Y-%m-%dT%H:%M:%S", &tm);
	if (!rest)
		return -EINVAL;
	if (*rest == '.')
		rest += 1 + strspn(rest + 1, "0123456789");
	if (parse_offset(rest, &offset) < 0)
		return -EINVAL;
	*ret = timegm(&tm) - offset;
	return 0;
}
