/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fetch_http - what the header lines of an answer say: how long it may be kept (RFC 9111 s4.2.1, s5), and whether its
 * body is what it seems.  Pure; one line at a time, as libcurl gives them, the status line first.
 */
#ifndef SIPSEAL_FETCHER_FETCH_HTTP_H
#define SIPSEAL_FETCHER_FETCH_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

#define HTTP_HEADERS_MAX (16 * 1024) /* of all answers to one request, interim ones included */
#define HTTP_AGE_MAX     2147483648  /* what is larger or overflows (RFC 9111 s1.2.2), seconds */

struct http_answer {
	size_t header_bytes;
	bool has_max_age, has_expires, has_date, has_age;
	bool is_no_store;            /* no-store or no-cache */
	bool is_encoded;             /* Content-Encoding other than identity, which was not asked for */
	int64_t max_age, age;        /* seconds */
	int64_t expires, date;       /* seconds since 1970 */
};

/** http_line() - one line; a status line forgets the answer before it.  Return: 0; -E2BIG more than HTTP_HEADERS_MAX. */
int http_line(struct http_answer *a, struct slice line);

/** http_max_age() - how long from now on, @now_s: where the answer has no Date.
 * Return: seconds from 0 to HTTP_AGE_MAX; -1: not said, or no-store. */
int64_t http_max_age(const struct http_answer *a, int64_t now_s);

#endif
