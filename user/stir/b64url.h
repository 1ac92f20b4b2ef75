/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * b64url - base64url without padding (RFC 7515 s2).
 */
#ifndef SIPSEAL_STIR_B64URL_H
#define SIPSEAL_STIR_B64URL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/slice.h"

#define B64URL_LEN(n) (((n) * 4 + 2) / 3)

/** b64url_emit() - Return: B64URL_LEN(len), or -ENOSPC.  No NUL is written. */
ssize_t b64url_emit(const void *src, size_t len, char *dst, size_t cap);

/** b64url_parse() - strict: no padding, no other characters, unused bits zero.
 * Return: length, -EBADMSG, or -ENOSPC. */
ssize_t b64url_parse(struct slice s, void *dst, size_t cap);

#endif
