/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tnauthlist - the TNAuthorizationList of a certificate (RFC 8226 s9, OID 1.3.6.1.5.5.7.1.26).
 * DER in, flat entries out.  Three production certificates are known whose DER is short by a length
 * byte: every length is checked, trailing bytes and indefinite lengths are refused.
 */
#ifndef SIPSEAL_STIR_TNAUTHLIST_H
#define SIPSEAL_STIR_TNAUTHLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/slice.h"

#define TNAUTHLIST_OID "1.3.6.1.5.5.7.1.26"
#define TNAUTHLIST_MAX 256
#define TNAUTH_SPC_MAX 32

enum tnauth_kind { TNAUTH_SPC, TNAUTH_RANGE, TNAUTH_ONE };

struct tnauth_entry {
	enum tnauth_kind kind;
	char text[TNAUTH_SPC_MAX + 1];  /* SPC, or first (only) number */
	uint64_t count;                 /* numbers in the range; 1 otherwise */
};

struct tnauthlist {
	unsigned cnt;
	struct tnauth_entry e[TNAUTHLIST_MAX];
};

/** tnauthlist_parse() - Return: 0; -EBADMSG broken DER or illegal entry; -E2BIG too many
 * entries. */
int tnauthlist_parse(const uint8_t *der, size_t len, struct tnauthlist *ret);

/** tnauthlist_emit() - DER of a list.  Return: length; -ENOSPC; -EINVAL: empty, or an entry that
 * tnauthlist_parse() would refuse. */
ssize_t tnauthlist_emit(const struct tnauthlist *l, uint8_t *dst, size_t cap);

/** tnauthlist_covers() - may the holder use this canonical number?  true where the list has an SPC. */
bool tnauthlist_covers(const struct tnauthlist *l, struct slice tn);

#endif
