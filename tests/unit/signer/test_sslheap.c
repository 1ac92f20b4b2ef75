/* SPDX-License-Identifier: BSD-2-Clause */
/* sslheap: nothing that was freed can be read again, contents survive growth, and a thread keeps a bounded number of blocks. */
#include "guard.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "signer/sslheap.h"

static bool is_all(const char *p, char c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != c)
			return false;
	return true;
}

/* The same block comes again, and says nothing of what was in it. */
static void test_freed_is_wiped(void **state)
{
	static const size_t sizes[] = { 1, 16, 32, 33, 64, 200, 512, 1000, 1024 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		char *p = sslheap_malloc(sizes[i]), *q;

		assert_int_equal((uintptr_t)p % 16, 0);
		memset(p, 'k', sizes[i]);
		sslheap_free(p);
		q = sslheap_malloc(sizes[i]);
		assert_ptr_equal(q, p);
		assert_true(is_all(q, 0, sizes[i]));
		sslheap_free(q);
	}
	sslheap_free(NULL);
	assert_null(sslheap_malloc(0));
}

static void test_growth(void **state)
{
	char *p = NULL, *q;

	(void)state;
	for (size_t n = 1; n < 5000; n = n * 3 / 2 + 1) {
		p = sslheap_realloc(p, n);
		assert_non_null(p);
		assert_true(is_all(p, 'k', n / 2 < 1 ? 0 : (n - 1) * 2 / 3));
		memset(p, 'k', n);
	}
	sslheap_free(p);
	p = sslheap_malloc(60);
	memset(p, 'k', 60);
	q = sslheap_realloc(p, 40); /* smaller: in place, and what is cut off is wiped */
	assert_ptr_equal(q, p);
	assert_true(is_all(q, 'k', 40));
	q = sslheap_realloc(q, 64);
	assert_ptr_equal(q, p);
	assert_true(is_all(q + 40, 0, 20));
	assert_null(sslheap_realloc(q, 0));
	p = sslheap_malloc(8000);
	memset(p, 'k', 8000);
	p = sslheap_realloc(p, 100);
	assert_true(is_all(p, 'k', 100));
	p = sslheap_realloc(p, 9000);
	assert_true(is_all(p, 'k', 100));
	sslheap_free(p);
	assert_null(sslheap_malloc(SIZE_MAX - 8));
}

/* Blocks that are in use at the same time are different ones, many more than are kept. */
static void test_many(void **state)
{
	enum { N = 10 * SSLHEAP_KEEP };
	char *p[N];

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < N; i++) {
			p[i] = sslheap_malloc(100);
			assert_true(is_all(p[i], 0, round ? SSLHEAP_KEEP > i ? 100 : 0 : 0));
			memset(p[i], i, 100);
		}
		for (int i = 0; i < N; i++)
			assert_true(is_all(p[i], (char)i, 100));
		for (int i = 0; i < N; i++)
			sslheap_free(p[i]);
	}
}

static void *free_there(void *p)
{
	sslheap_free(p);
	return NULL;
}

/* Made here, freed there: it is the other thread's to use again. */
static void test_other_thread(void **state)
{
	pthread_t t;

	(void)state;
	for (int i = 0; i < 2; i++) {
		char *p = sslheap_malloc(8000);

		memset(p, 'k', 8000);
		assert_int_equal(pthread_create(&t, NULL, free_there, p), 0);
		pthread_join(t, NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_freed_is_wiped),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_other_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
