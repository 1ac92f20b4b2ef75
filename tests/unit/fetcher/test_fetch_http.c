/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard.h"

#include <errno.h>

#include "base/cleanup.h"
#include "fetcher/fetch_http.h"

#define NOW 784111777 /* Sun, 06 Nov 1994 08:49:37 GMT */
#define D "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"

static const struct {
	const char *name, *lines;
	int64_t max_age_s;
} cases[] = {
	{ "nothing", "HTTP/1.1 200 OK\r\n\r\n", -1 },
	{ "max-age", "Cache-Control: max-age=3600\r\n", 3600 },
	{ "among others", "cache-control: public, MAX-AGE=60 , must-revalidate\r\n", 60 },
	{ "no blanks", "Cache-Control:public,max-age=60\r\n", 60 },
	{ "quoted", "Cache-Control: max-age=\"60\"\r\n", 60 },
	{ "inside quotes", "Cache-Control: ext=\"a,max-age=5\"\r\n", -1 },
	{ "behind quotes", "Cache-Control: ext=\"a\\\",\", max-age=5\r\n", 5 },
	{ "open quote", "Cache-Control: ext=\"a, max-age=5\r\n", -1 },
	{ "quote, backslash, end", "Cache-Control: \"\\", -1 },
	{ "the smaller of two", "Cache-Control: max-age=60, max-age=30\r\nCache-Control: max-age=40\r\n", 30 },
	{ "zero", "Cache-Control: max-age=0\r\n", 0 },
	{ "negative", "Cache-Control: max-age=-5\r\n", 0 },
	{ "no number", "Cache-Control: max-age=soon\r\n", 0 },
	{ "empty number", "Cache-Control: max-age=\r\n", 0 },
	{ "no value", "Cache-Control: max-age\r\n", -1 },
	{ "overflow", "Cache-Control: max-age=99999999999999999999999999\r\n", HTTP_AGE_MAX },
	{ "s-maxage", "Cache-Control: s-maxage=60\r\n", -1 },
	{ "longer name", "Cache-Control: xmax-age=60, max-agex=60\r\n", -1 },
	{ "no-store", "Cache-Control: max-age=60, no-store\r\n", -1 },
	{ "no-cache", "Cache-Control: no-cache\r\nCache-Control: max-age=60\r\n", -1 },
	{ "no-cache of a field", "Cache-Control: no-cache=\"Set-Cookie\", max-age=60\r\n", -1 },
	{ "age", "Cache-Control: max-age=60\r\nAge: 20\r\n", 40 },
	{ "age beyond", "Age: 90\r\nCache-Control: max-age=60\r\n", 0 },
	{ "age, bad", "Cache-Control: max-age=60\r\nAge: -20\r\n", 60 },
	{ "age overflow", "Cache-Control: max-age=60\r\nAge: 18446744073709551617\r\n", 0 },
	{ "expires", D "Expires: Sun, 06 Nov 1994 09:49:37 GMT\r\n", 3600 },
	{ "expires, asctime", D "Expires: Sun Nov  6 09:49:37 1994\r\n", 3600 },
	{ "expires without date", "Expires: Sun, 06 Nov 1994 08:50:37 GMT\r\n", 60 },
	{ "expires less age", D "Expires: Sun, 06 Nov 1994 09:49:37 GMT\r\nAge: 600\r\n", 3000 },
	{ "expired", D "Expires: Sun, 06 Nov 1994 07:49:37 GMT\r\n", 0 },
	{ "expires 0", D "Expires: 0\r\n", 0 },
	{ "expires -1", D "Expires: -1\r\n", 0 },
	{ "expires empty", D "Expires:\r\n", 0 },
	{ "expires in words", D "Expires: when the cows come home, which may take a while, as everybody knows who has cows\r\n", 0 },
	{ "expires far", D "Expires: Sun, 06 Nov 2594 07:49:37 GMT\r\n", HTTP_AGE_MAX },
	{ "max-age wins", D "Expires: Sun, 06 Nov 1994 09:49:37 GMT\r\nCache-Control: max-age=5\r\n", 5 },
	{ "first expires", D "Expires: 0\r\nExpires: Sun, 06 Nov 1994 09:49:37 GMT\r\n", 0 },
	{ "bad date", "Date: today\r\nExpires: Sun, 06 Nov 1994 08:50:37 GMT\r\n", 60 },
	{ "answer before forgotten", "HTTP/1.1 103 x\r\nCache-Control: no-store\r\n\r\nHTTP/1.1 200 OK\r\nCache-Control: max-age=9\r\n", 9 },
	{ "blank before colon", "Cache-Control : max-age=60\r\n", -1 },
	{ "no colon", "Cache-Control max-age=60\r\n", -1 },
	{ "only a colon", ":\r\n", -1 },
	{ "bare name", "Cache-Control:", -1 },
	{ "no end of line", "Cache-Control: max-age=60", 60 },
};

static int feed(struct http_answer *a, const char *lines)
{
	while (*lines) {
		size_t len = strcspn(lines, "\n") + (strchr(lines, '\n') != NULL);
		struct guard g = guard_new(lines, len);
		int r = http_line(a, slice_of(g.p, g.len));

		guard_free(&g);
		if (r < 0)
			return r;
		lines += len;
	}
	return 0;
}

static void test_max_age(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct http_answer a = { 0 };
		int64_t v;

		assert_int_equal(feed(&a, cases[i].lines), 0);
		v = http_max_age(&a, NOW);
		if (v != cases[i].max_age_s)
			fail_msg("%s: %ld, want %ld", cases[i].name, (long)v, (long)cases[i].max_age_s);
		assert_int_equal(a.header_bytes, strlen(cases[i].lines));
	}
}

static void test_flags(void **state)
{
	static const struct { const char *lines; bool is_no_store, is_encoded; } flags[] = {
		{ "Cache-Control: max-age=1\r\n", false, false },
		{ "Cache-Control: NO-STORE\r\n", true, false },
		{ "Cache-Control: no-storex\r\n", false, false },
		{ "Content-Encoding: gzip\r\n", false, true },
		{ "Content-Encoding: identity\r\n", false, false },
		{ "Content-Encoding:\r\n", false, false },
		{ "Content-Encoding: br\r\nContent-Encoding: identity\r\n", false, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		struct http_answer a = { 0 };

		assert_int_equal(feed(&a, flags[i].lines), 0);
		if (a.is_no_store != flags[i].is_no_store || a.is_encoded != flags[i].is_encoded)
			fail_msg("%s", flags[i].lines);
	}
}

static void test_size(void **state)
{
	static char line[HTTP_HEADERS_MAX + 1];
	struct http_answer a = { 0 };

	(void)state;
	memset(line, 'a', sizeof(line));
	assert_int_equal(http_line(&a, slice_of(line, HTTP_HEADERS_MAX)), 0);
	assert_int_equal(http_line(&a, slice_of(line, 1)), -E2BIG);
	/* a new answer is no new allowance */
	assert_int_equal(http_line(&a, SLICE("HTTP/1.1 200 OK\r\n")), -E2BIG);
	a = (struct http_answer){ 0 };
	assert_int_equal(http_line(&a, slice_of(line, HTTP_HEADERS_MAX + 1)), -E2BIG);
	assert_int_equal(http_line(&a, slice_of(line, HTTP_HEADERS_MAX - 10)), 0);
	assert_int_equal(http_line(&a, SLICE("HTTP/1.1 \r\n")), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_max_age),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
