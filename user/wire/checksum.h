/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * checksum - the Internet checksum (RFC 1071) over 32-bit words into a 64-bit sum.
 */
#ifndef SIPSEAL_WIRE_CHECKSUM_H
#define SIPSEAL_WIRE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/** checksum_add() - add @len bytes to @sum; only the last piece may be odd. */
uint64_t checksum_add(uint64_t sum, const void *p, size_t len);

/** checksum_fold() - the checksum field, in network order as it goes into memory. */
uint16_t checksum_fold(uint64_t sum);

#endif
