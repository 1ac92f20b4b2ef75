/* SPDX-License-Identifier: BSD-2-Clause */
#include "location/template.h"

#include <errno.h>

#define TIME_LEN 20 /* 2026-01-01T00:00:00Z */
#define ID_LEN 16
#define TIME_MAX 253402300799 /* 9999-12-31T23:59:59Z */
#define HOUR 3600

struct out {
	char *dst;
	size_t len, cap;
};

static int out_put(struct out *o, const char *p, size_t len)
{
	if (len > o->cap - o->len)
		return -ENOSPC;
	if (len)
		memcpy(o->dst + o->len, p, len);
	o->len += len;
	return 0;
}

/* Layout is a line end and the blanks after it.  Behind a tag, and at the end, it goes; within a tag, between
 * attributes, one blank stays. */
static int compact_put(struct out *o, const char *p, size_t len)
{
	const char *end = p + len;

	while (p < end) {
		const char *cr = memchr(p, '\r', (size_t)(end - p));
		int r = out_put(o, p, (size_t)((cr ? cr : end) - p));

		if (r < 0 || !cr)
			return r;
		for (p = cr; p < end && memchr("\r\n ", *p, 3);)
			p++;
		if (p < end && o->len && o->dst[o->len - 1] != '>' && (r = out_put(o, " ", 1)) < 0)
			return r;
	}
	return 0;
}

static int text_put(struct out *o, const struct pidf_values *v, const char *p, size_t len)
{
	return v->is_compact ? compact_put(o, p, len) : out_put(o, p, len);
}

static void digits_put(char *dst, unsigned v, int n)
{
	while (n--) {
		dst[n] = (char)('0' + v % 10);
		v /= 10;
	}
}

/*
 * gmtime_r() is not for the hot path: glibc takes a lock and may open the zone file there.  Years
 * start in March here, so that the leap day is the last one; 400 years have 146,097 days.
 */
static void time_text(int64_t t, char dst[TIME_LEN])
{
	unsigned days = (unsigned)(t / 86400), sec = (unsigned)(t % 86400);
	unsigned z = days + 719468; /* days from 0000-03-01 to 1970-01-01 */
	unsigned era = z / 146097, doe = z % 146097;
	unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	unsigned mp = (5 * doy + 2) / 153;
	unsigned month = mp < 10 ? mp + 3 : mp - 9;

	memcpy(dst, "yyyy-mm-ddThh:mm:ssZ", TIME_LEN);
	digits_put(dst, era * 400 + yoe + (month <= 2), 4);
	digits_put(dst + 5, month, 2);
	digits_put(dst + 8, doy - (153 * mp + 2) / 5 + 1, 2);
	digits_put(dst + 11, sec / 3600, 2);
	digits_put(dst + 14, sec / 60 % 60, 2);
	digits_put(dst + 17, sec % 60, 2);
}

static int time_put(struct out *o, int64_t now, int64_t after)
{
	char text[TIME_LEN];

	if (now < 0 || now > TIME_MAX - after)
		return -EINVAL;
	time_text(now + after, text);
	return out_put(o, text, TIME_LEN);
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int entity_put(struct out *o, struct slice e)
{
	if (!e.len)
		return -EINVAL;
	for (size_t i = 0; i < e.len; i++)
		if (!is_alnum(e.p[i]) && !memchr(".+@_-", e.p[i], 5))
			return -EINVAL;
	return out_put(o, e.p, e.len);
}

static int id_put(struct out *o, const char id[ID_LEN + 1])
{
	for (size_t i = 0; i < ID_LEN; i++)
		if (!id[i] || !memchr("0123456789abcdefABCDEF", id[i], 22))
			return -EINVAL;
	return id[ID_LEN] ? -EINVAL : out_put(o, id, ID_LEN);
}

static int hole_put(struct out *o, unsigned kind, const struct pidf_values *v)
{
	switch (kind) {
	case PIDF_HOLE_ENTITY:
		return entity_put(o, v->entity);
	case PIDF_HOLE_TIMESTAMP:
		return time_put(o, v->now, 0);
	case PIDF_HOLE_EXPIRY:
		return time_put(o, v->now, 24 * HOUR);
	case PIDF_HOLE_EXPIRY_1H:
		return time_put(o, v->now, HOUR);
	case PIDF_HOLE_TUPLE_ID:
		return id_put(o, v->id);
	}
	return -EINVAL;
}

ssize_t pidf_fill(const struct pidf_template *t, const struct pidf_values *v, char *dst, size_t cap)
{
	struct out o = {.dst = dst, .cap = cap};
	size_t done = 0;
	int r;

	/* the template lies in memory that another process wrote */
	if (t->len > PIDF_TEMPLATE_MAX || t->hole_cnt > PIDF_HOLES_MAX)
		return -EINVAL;
	for (uint32_t i = 0; i < t->hole_cnt; i++) {
		size_t off = t->holes[i].off;

		if (off < done || off > t->len)
			return -EINVAL;
		if ((r = text_put(&o, v, t->text + done, off - done)) < 0 ||
		    (r = hole_put(&o, t->holes[i].kind, v)) < 0)
			return r;
		done = off;
	}
	r = text_put(&o, v, t->text + done, t->len - done);
	return r < 0 ? r : (ssize_t)o.len;
}
