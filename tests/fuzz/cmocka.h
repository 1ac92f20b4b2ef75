/* SPDX-License-Identifier: BSD-2-Clause */
/* cmocka - the assertions that the worlds of the unit tests use, for fuzz targets: what does not hold ends it. */
#ifndef SIPSEAL_FUZZ_CMOCKA_H
#define SIPSEAL_FUZZ_CMOCKA_H

#include <stdio.h>
#include <stdlib.h>

#define fail_msg(...) (fprintf(stderr, __VA_ARGS__), fputc('\n', stderr), abort())
#define assert_true(c) ((c) ? (void)0 : fail_msg("%s:%d: %s", __FILE__, __LINE__, #c))
#define assert_int_equal(a, b) assert_true((uint64_t)(a) == (uint64_t)(b))
#define assert_non_null(p) assert_true((p) != NULL)
#define assert_in_range(v, a, b) assert_true((uint64_t)(v) >= (uint64_t)(a) && (uint64_t)(v) <= (uint64_t)(b))
#define assert_memory_equal(a, b, n) assert_true(memcmp(a, b, n) == 0)

#endif
