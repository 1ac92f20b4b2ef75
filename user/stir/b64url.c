/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>

#include "stir/b64url.h"

static const char alphabet[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Value of a character plus one; 0 for everything that is not in the alphabet. */
static const uint8_t values[256] = {
	['A'] = 1,  ['B'] = 2,	['C'] = 3,  ['D'] = 4,	['E'] = 5,  ['F'] = 6,	['G'] = 7,
	['H'] = 8,  ['I'] = 9,	['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14,
	['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21,
	['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28,
	['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35,
	['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42,
	['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49,
	['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
	['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['-'] = 63,
	['_'] = 64,
};

ssize_t b64url_emit(const void *src, size_t len, char *dst, size_t cap)
{
	const uint8_t *s = src;
	char *d = dst;
	uint32_t v;

	/* by division: the sum of B64URL_LEN must not wrap */
	if (len > cap / 4 * 3 + cap % 4 * 3 / 4)
		return -ENOSPC;
	for (; len >= 3; len -= 3, s += 3, d += 4) {
		v = (uint32_t)s[0] << 16 | (uint32_t)s[1] << 8 | s[2];
		d[0] = alphabet[v >> 18];
		d[1] = alphabet[v >> 12 & 63];
		d[2] = alphabet[v >> 6 & 63];
		d[3] = alphabet[v & 63];
	}
	if (len) {
		v = (uint32_t)s[0] << 16 | (len == 2 ? (uint32_t)s[1] << 8 : 0);
		*d++ = alphabet[v >> 18];
		*d++ = alphabet[v >> 12 & 63];
		if (len == 2)
			*d++ = alphabet[v >> 6 & 63];
	}
	return d - dst;
}

static uint32_t quad(const uint8_t *in)
{
	return (uint32_t)(values[in[0]] - 1) << 18 | (uint32_t)(values[in[1]] - 1) << 12 |
	       (uint32_t)(values[in[2]] - 1) << 6 | (uint32_t)(values[in[3]] - 1);
}

ssize_t b64url_parse(struct slice s, void *dst, size_t cap)
{
	size_t n = s.len / 4 * 3 + (s.len % 4 ? s.len % 4 - 1 : 0), left = s.len;
	const uint8_t *in = (const uint8_t *)s.p;
	uint8_t *d = dst;
	uint32_t v;

	if (s.len % 4 == 1) /* six bits are no octet */
		return -EBADMSG;
	for (size_t i = 0; i < s.len; i++)
		if (!values[in[i]])
			return -EBADMSG;
	/* one octet has one spelling: unused bits must be zero (RFC 4648 s3.5) */
	if (s.len % 4 && (values[in[s.len - 1]] - 1) & (s.len % 4 == 2 ? 15 : 3))
		return -EBADMSG;
	if (n > cap)
		return -ENOSPC;
	for (; left >= 4; left -= 4, in += 4, d += 3) {
		v = quad(in);
		d[0] = (uint8_t)(v >> 16);
		d[1] = (uint8_t)(v >> 8);
		d[2] = (uint8_t)v;
	}
	if (left) {
		v = (uint32_t)(values[in[0]] - 1) << 6 | (uint32_t)(values[in[1]] - 1);
		*d++ = (uint8_t)(v >> 4);
		if (left == 3)
			*d = (uint8_t)(v << 4 | (uint32_t)(values[in[2]] - 1) >> 2);
	}
	return (ssize_t)n;
}
