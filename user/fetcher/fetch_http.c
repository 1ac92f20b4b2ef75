/* SPDX-License-Identifier: BSD-2-Clause */
#include "fetcher/fetch_http.h"

#include <errno.h>
#include <string.h>

#include <curl/curl.h>

#define DATE_MAX 64 /* the longest of the three forms of RFC 9110 s5.6.7 has 33 bytes */

/* delta-seconds.  Return: false: no number at all. */
static bool seconds_parse(struct slice s, int64_t *ret)
{
	int64_t v = 0;

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		v = v * 10 + (s.p[i] - '0');
		if (v > HTTP_AGE_MAX)
			v = HTTP_AGE_MAX;
	}
	*ret = v;
	return true;
}

/* Return: seconds since 1970; 0, long ago, for what is no date: "0" is a common one (RFC 9111 s5.3). */
static int64_t date_parse(struct slice s)
{
	char text[DATE_MAX + 1];
	time_t t;

	if (s.len > DATE_MAX)
		return 0;
	memcpy(text, s.p, s.len);
	text[s.len] = '\0';
	t = curl_getdate(text, NULL);
	return t > 0 ? t : 0;
}

/* Up to the next comma that is not quoted. */
static struct slice directive_cut(struct slice *rest)
{
	bool is_quoted = false;
	struct slice one;
	size_t i;

	for (i = 0; i < rest->len && (is_quoted || rest->p[i] != ','); i++) {
		if (rest->p[i] == '"')
			is_quoted = !is_quoted;
		else if (is_quoted && rest->p[i] == '\\' && i + 1 < rest->len)
			i++;
	}
	one = slice_of(rest->p, i);
	*rest = slice_cut(*rest, i < rest->len ? i + 1 : i);
	return slice_trim(one);
}

static void max_age_parse(struct http_answer *a, struct slice value)
{
	int64_t v = 0; /* what is no number is stale (RFC 9111 s4.2.1) */

	if (value.len >= 2 && value.p[0] == '"' && value.p[value.len - 1] == '"')
		value = slice_of(value.p + 1, value.len - 2);
	if (!seconds_parse(value, &v))
		v = 0;
	/* the most restrictive of many */
	if (!a->has_max_age || v < a->max_age)
		a->max_age = v;
	a->has_max_age = true;
}

static void cache_control(struct http_answer *a, struct slice value)
{
	while (value.len) {
		struct slice d = directive_cut(&value), name = slice_of(d.p, slice_find(d, '='));

		if (slice_ieq(name, SLICE("max-age")) && name.len < d.len)
			max_age_parse(a, slice_cut(d, name.len + 1));
		else if (slice_ieq(name, SLICE("no-store")) || slice_ieq(name, SLICE("no-cache")))
			a->is_no_store = true; /* s-maxage is for caches that many users share */
	}
}

static void field(struct http_answer *a, struct slice name, struct slice value)
{
	if (slice_ieq(name, SLICE("cache-control"))) {
		cache_control(a, value);
	} else if (slice_ieq(name, SLICE("expires")) && !a->has_expires) {
		a->expires = date_parse(value);
		a->has_expires = true;
	} else if (slice_ieq(name, SLICE("date")) && !a->has_date) {
		a->date = date_parse(value);
		a->has_date = a->date > 0;
	} else if (slice_ieq(name, SLICE("age")) && !a->has_age) {
		a->has_age = seconds_parse(value, &a->age);
	} else if (slice_ieq(name, SLICE("content-encoding"))) {
		a->is_encoded |= value.len && !slice_ieq(value, SLICE("identity"));
	}
}

int http_line(struct http_answer *a, struct slice line)
{
	size_t bytes = a->header_bytes + line.len, colon;

	if (bytes > HTTP_HEADERS_MAX)
		return -E2BIG;
	if (slice_iprefix(line, SLICE("HTTP/")))
		*a = (struct http_answer){ 0 };
	a->header_bytes = bytes;
	colon = slice_find(line, ':');
	if (colon < line.len)
		field(a, slice_of(line.p, colon), slice_trim(slice_cut(line, colon + 1)));
	return 0;
}

int64_t http_max_age(const struct http_answer *a, int64_t now_s)
{
	int64_t v;

	if (a->is_no_store || (!a->has_max_age && !a->has_expires))
		return -1;
	v = a->has_max_age ? a->max_age : a->expires - (a->has_date ? a->date : now_s);
	if (a->has_age)
		v -= a->age;
	if (v < 0)
		return 0;
	return v > HTTP_AGE_MAX ? HTTP_AGE_MAX : v;
}
