/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slice - a run of bytes that somebody else owns.
 *
 * Wire input is never NUL-terminated; everything above the frame speaks in slices.  A slice with
 * p == NULL means "not there"; an empty slice with p != NULL is there and empty.
 */
#ifndef SIPSEAL_SLICE_H
#define SIPSEAL_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct slice {
	const char *p;
	size_t len;
};

#define SLICE(lit) ((struct slice){ (lit), sizeof(lit) - 1 })
#define SLICE_NONE ((struct slice){ NULL, 0 })

static inline struct slice slice_of(const char *p, size_t len)
{
	return (struct slice){ p, len };
}

static inline struct slice slice_str(const char *s)
{
	return (struct slice){ s, s ? strlen(s) : 0 };
}

static inline bool slice_eq(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

/** slice_ieq() - equal but for the case of ASCII letters. */
static inline bool slice_ieq(struct slice a, struct slice b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		unsigned char x = (unsigned char)a.p[i], y = (unsigned char)b.p[i];

		if (x >= 'A' && x <= 'Z')
			x |= 0x20;
		if (y >= 'A' && y <= 'Z')
			y |= 0x20;
		if (x != y)
			return false;
	}
	return true;
}

static inline bool slice_iprefix(struct slice s, struct slice prefix)
{
	return s.len >= prefix.len && slice_ieq(slice_of(s.p, prefix.len), prefix);
}

/** slice_cut() - s without its first n bytes; n must be <= s.len. */
static inline struct slice slice_cut(struct slice s, size_t n)
{
	return (struct slice){ s.p + n, s.len - n };
}

/** slice_find() - index of the first byte c, or s.len. */
static inline size_t slice_find(struct slice s, char c)
{
	const char *q = s.len ? memchr(s.p, c, s.len) : NULL;

	return q ? (size_t)(q - s.p) : s.len;
}

/** slice_trim() - without SP, HTAB, CR and LF at both ends. */
static inline struct slice slice_trim(struct slice s)
{
	while (s.len && (*s.p == ' ' || *s.p == '\t' || *s.p == '\r' || *s.p == '\n'))
		s = slice_cut(s, 1);
	while (s.len && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t' ||
			 s.p[s.len - 1] == '\r' || s.p[s.len - 1] == '\n'))
		s.len--;
	return s;
}

#endif
