/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * der - walk DER without copying: what the small extensions of RFC 8226 and RFC 9118 need, and no more.
 *
 * Only the forms that DER allows are taken: definite and shortest lengths, at most 65,535 octets, one-octet
 * tags.  Nothing outside of the given bytes is read, whatever lengths they claim.
 * Memory: none is allocated.  Threads: no state, any thread.
 */
#ifndef SIPSEAL_STIR_DER_H
#define SIPSEAL_STIR_DER_H

#include <stddef.h>
#include <stdint.h>

#define DER_INTEGER  0x02
#define DER_IA5	     0x16
#define DER_SEQUENCE 0x30
#define DER_CONTEXT  0xa0 /* plus the number of the alternative, constructed (EXPLICIT TAGS) */

struct der {
	const uint8_t *p;
	size_t len;
};

/** der_next() - the element at the head of *d, which goes on behind it.  Return: 0; -EBADMSG, *d untouched. */
int der_next(struct der *d, uint8_t *ret_tag, struct der *ret_value);

/** der_expect() - as der_next(), of one kind.  Return: 0; -EBADMSG also where it is another; *d untouched. */
int der_expect(struct der *d, uint8_t tag, struct der *ret_value);

#endif
