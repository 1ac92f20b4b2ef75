/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard.h"

#include <errno.h>
#include <time.h>

#include "base/cleanup.h"
#include "sip/date.h"

static void test_both_ways(void **state)
{
	static const struct { int64_t t; const char *text; } cases[] = {
		{ 0,            "Thu, 01 Jan 1970 00:00:00 GMT" },
		{ 1767225600,   "Thu, 01 Jan 2026 00:00:00 GMT" },
		{ 951782399,    "Mon, 28 Feb 2000 23:59:59 GMT" },
		{ 951782400,    "Tue, 29 Feb 2000 00:00:00 GMT" },
		{ 951868800,    "Wed, 01 Mar 2000 00:00:00 GMT" },
		{ 4107542399,   "Sun, 28 Feb 2100 23:59:59 GMT" },
		{ 4107542400,   "Mon, 01 Mar 2100 00:00:00 GMT" },
		{ 1735689599,   "Tue, 31 Dec 2024 23:59:59 GMT" },
		{ 253402300799, "Fri, 31 Dec 9999 23:59:59 GMT" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct guard g = guard_new(cases[i].text, SIP_DATE_LEN);
		char out[SIP_DATE_LEN];
		int64_t t = -1;

		sip_date_emit(cases[i].t, out);
		if (memcmp(out, cases[i].text, SIP_DATE_LEN) != 0)
			fail_msg("%s: emits %.29s", cases[i].text, out);
		assert_int_equal(sip_date_parse(slice_of(g.p, g.len), &t), 0);
		assert_true(t == cases[i].t);
		guard_free(&g);
	}
}

/* gmtime_r() is the oracle over the whole range, at a step that is no multiple of a day */
static void test_oracle(void **state)
{
	(void)state;
	for (int64_t t = 0; t <= 253402300799; t += 86400 * 5 + 12347) {
		char want[64], out[SIP_DATE_LEN];
		time_t tt = t;
		struct tm tm;

		gmtime_r(&tt, &tm);
		strftime(want, sizeof(want), "%a, %d %b %Y %H:%M:%S GMT", &tm);
		sip_date_emit(t, out);
		if (memcmp(out, want, SIP_DATE_LEN) != 0)
			fail_msg("%lld: %.29s, want %s", (long long)t, out, want);
	}
}

static void test_clamped(void **state)
{
	char out[SIP_DATE_LEN];

	(void)state;
	sip_date_emit(-1, out);
	assert_memory_equal(out, "Thu, 01 Jan 1970 00:00:00 GMT", SIP_DATE_LEN);
	sip_date_emit(INT64_MAX, out);
	assert_memory_equal(out, "Fri, 31 Dec 9999 23:59:59 GMT", SIP_DATE_LEN);
}

static void test_refused(void **state)
{
	static const char *const cases[] = {
		"", "Thu", "Thu, 01 Jan 2026 00:00:00 GM", "Thu, 01 Jan 2026 00:00:00 GMT ",
		"Fri, 01 Jan 2026 00:00:00 GMT",  /* weekday */
		"thu, 01 Jan 2026 00:00:00 GMT", "Thu, 01 JAN 2026 00:00:00 GMT",
		"Thu, 1 Jan 2026 00:00:00 GMT ", "Thu,  1 Jan 2026 00:00:00 GMT",
		"Thu, 01 Jan 2026 00:00:00 EST", "Thu, 01 Jan 2026 00:00:00 UTC",
		"Thu, 01 Jan 2026 24:00:00 GMT", "Thu, 01 Jan 2026 00:60:00 GMT",
		"Thu, 01 Jan 2026 00:00:60 GMT", "Thu, 00 Jan 2026 00:00:00 GMT",
		"Wed, 31 Jun 2026 00:00:00 GMT", "Sun, 29 Feb 2026 00:00:00 GMT",
		"Wed, 01 Jan 1969 00:00:00 GMT", "Thu, 01 Foo 2026 00:00:00 GMT",
		"Thu, 01 Jan -026 00:00:00 GMT", "Thu, 01-Jan-2026 00:00:00 GMT",
		"Thu, 01 Jan 2026 00.00.00 GMT",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct guard g = guard_new(cases[i], strlen(cases[i]));
		int64_t t = 42;

		if (sip_date_parse(slice_of(g.p, g.len), &t) != -EBADMSG || t != 42)
			fail_msg("%s: taken, or output touched", cases[i]);
		guard_free(&g);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways), cmocka_unit_test(test_oracle),
		cmocka_unit_test(test_clamped), cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
