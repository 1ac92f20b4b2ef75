/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guard - test input that ends at an unmapped page, so that reading one byte too far faults.
 */
#ifndef SIPSEAL_TEST_GUARD_H
#define SIPSEAL_TEST_GUARD_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct guard {
	char *map;
	size_t map_len;
	char *p;       /* len bytes; p[len] faults */
	size_t len;
};

static inline struct guard guard_new(const void *data, size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), n = (len + page - 1) / page * page;
	struct guard g = { .map_len = n + page, .len = len };

	g.map = mmap(NULL, g.map_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(g.map != MAP_FAILED);
	assert_int_equal(mprotect(g.map + n, page, PROT_NONE), 0);
	g.p = g.map + n - len;
	if (len)
		memcpy(g.p, data, len);
	return g;
}

static inline void guard_free(struct guard *g)
{
	munmap(g->map, g->map_len);
}

#endif
