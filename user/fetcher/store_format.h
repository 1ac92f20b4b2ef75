/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store_format - the bytes of one file of the disk cache.  Pure, no I/O.
 *
 *     "sipseal chain 1\n"
 *     SHA-256 of all that follows             32
 *     when it came, seconds; how long it may be kept (two's complement)   8 + 8
 *     length of the URL, of the body          4 + 4
 *     URL, body
 *
 * Numbers are little-endian.  Nothing follows the body.
 */
#ifndef SIPSEAL_FETCHER_STORE_FORMAT_H
#define SIPSEAL_FETCHER_STORE_FORMAT_H

#include <stdint.h>

#include "base/slice.h"
#include "stir/passport.h"

#define STORE_BODY_MAX (64 * 1024)
#define STORE_HEAD_LEN (16 + 32 + 8 + 8 + 4 + 4)
#define STORE_FILE_MAX (STORE_HEAD_LEN + PASSPORT_X5U_MAX + STORE_BODY_MAX)
#define STORE_NAME_LEN 64              /* SHA-256 of the URL, in hex */

struct store_record {
	struct slice x5u, body;        /* of store_file_parse(): into the file */
	int64_t fetched_at, keep_s;
};

/** store_file_emit() - @dst: STORE_FILE_MAX bytes.  Return: length; -EINVAL: URL or body empty or too long. */
int store_file_emit(const struct store_record *r, char *dst);

/** store_file_parse() - Return: 0; -EBADMSG: cut, changed, or not a file of ours. */
int store_file_parse(struct slice file, struct store_record *ret);

/** store_file_name() - of the file for @x5u, with a NUL. */
void store_file_name(struct slice x5u, char ret[STORE_NAME_LEN + 1]);

#endif
