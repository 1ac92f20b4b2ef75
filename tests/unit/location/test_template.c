/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <time.h>

#include "guard.h"

#include "base/cleanup.h"
#include "location/template.h"

/* "<e:><t><d><i:l><h>" with a hole after each but the last bracket */
static const struct pidf_template all = {
    .len = 17,
    .hole_cnt = 5,
    .holes = {{3, PIDF_HOLE_ENTITY},
	      {6, PIDF_HOLE_TIMESTAMP},
	      {9, PIDF_HOLE_EXPIRY},
	      {13, PIDF_HOLE_TUPLE_ID},
	      {17, PIDF_HOLE_EXPIRY_1H}},
    .text = "<e:<t:<d:<i:l<h1:",
};

static const struct pidf_values values = {
    .entity = SLICE("+12155550112@example.net"),
    .now = 1767225600,
    .id = "7f3c9a10d2e44b58",
};

#define FILLED                                                                                     \
	"<e:+12155550112@example.net<t:2026-01-01T00:00:00Z<d:2026-01-02T00:00:00Z"                \
	"<i:l7f3c9a10d2e44b58<h1:2026-01-01T01:00:00Z"

/* One hole of one kind. */
static struct pidf_template hole(enum pidf_hole_kind kind)
{
	return (struct pidf_template){.hole_cnt = 1, .holes = {{0, (uint16_t)kind}}};
}

static void test_fill(void **state)
{
	size_t want = strlen(FILLED);
	struct guard g = guard_new("", 0);

	(void)state;
	guard_free(&g);
	for (size_t cap = 0; cap <= want; cap++) {
		ssize_t r;

		g = guard_new(FILLED, cap);
		memset(g.p, 'x', cap);
		r = pidf_fill(&all, &values, g.p, cap);
		if (r != (cap < want ? -ENOSPC : (ssize_t)want))
			fail_msg("cap %zu: returns %zd", cap, r);
		if (r > 0)
			assert_memory_equal(g.p, FILLED, want);
		guard_free(&g);
	}
}

static const struct {
	const char *name, *entity;
	int ret;
} entities[] = {
    {"number", "+12155550112@example.net", 0},
    {"every character", "aZ09.+@_-", 0},
    {"empty", "", -EINVAL},
    {"ampersand", "a&b", -EINVAL},
    {"quote", "a\"b", -EINVAL},
    {"less", "a<b", -EINVAL},
    {"blank", "a b", -EINVAL},
    {"CR", "a\rb", -EINVAL},
    {"colon", "a:b", -EINVAL},
    {"UTF-8", "\xc3\xbc", -EINVAL},
    {"slash, one before 0", "a/b", -EINVAL},
    {"one after 9", "9:", -EINVAL},
};

static void test_entity(void **state)
{
	struct pidf_template t = hole(PIDF_HOLE_ENTITY);
	char buf[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(entities); i++) {
		struct pidf_values v = values;
		ssize_t r;

		v.entity = slice_str(entities[i].entity);
		r = pidf_fill(&t, &v, buf, sizeof(buf));
		if (entities[i].ret ? r != entities[i].ret : r != (ssize_t)v.entity.len)
			fail_msg("%s: returns %zd", entities[i].name, r);
	}
	assert_int_equal(pidf_fill(&t, &(struct pidf_values){.entity = {"a\0b", 3}}, buf, 64),
			 -EINVAL);
	assert_int_equal(pidf_fill(&t, &(struct pidf_values){.now = 1}, buf, 64), -EINVAL);
}

static void test_id(void **state)
{
	static const char *const bad[] = {"", "7f3c9a10d2e44b5", "7f3c9a10d2e44b5g",
					  "7f3c9a10d2e44b5\"", "7f3c 9a10d2e44b5"};
	struct pidf_template t = hole(PIDF_HOLE_TUPLE_ID);
	struct pidf_values v = {.id = "0123456789abcdEF"};
	char buf[64];

	(void)state;
	assert_int_equal(pidf_fill(&t, &v, buf, sizeof(buf)), 16);
	v.id[16] = '0';
	assert_int_equal(pidf_fill(&t, &v, buf, sizeof(buf)), -EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		memset(&v, 0, sizeof(v));
		memcpy(v.id, bad[i], strlen(bad[i]));
		assert_int_equal(pidf_fill(&t, &v, buf, sizeof(buf)), -EINVAL);
	}
}

/* The C library is the judge; steps that meet every day of the month and second of the minute. */
static void test_times(void **state)
{
	struct pidf_template t = hole(PIDF_HOLE_TIMESTAMP);
	static const int64_t edges[] = {0,	    951782399,	951782400,   951868800,
					4107542399, 4107542400, 253402300799};

	(void)state;
	for (int64_t now = 0, i = 0; now <= 253402300799; now += 86399 * 7 + 12345, i++) {
		struct pidf_values v = {.now = i < (int64_t)ARRAY_SIZE(edges) ? edges[i] : now};
		time_t c = (time_t)v.now;
		char want[32], got[32];
		struct tm tm;

		strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&c, &tm));
		assert_int_equal(pidf_fill(&t, &v, got, sizeof(got)), 20);
		assert_memory_equal(got, want, 20);
	}
}

static void test_time_limits(void **state)
{
	struct pidf_template stamp = hole(PIDF_HOLE_TIMESTAMP), day = hole(PIDF_HOLE_EXPIRY);
	struct pidf_template hour = hole(PIDF_HOLE_EXPIRY_1H);
	struct pidf_values v = {.now = -1};
	char buf[64];

	(void)state;
	assert_int_equal(pidf_fill(&stamp, &v, buf, sizeof(buf)), -EINVAL);
	v.now = 253402300800;
	assert_int_equal(pidf_fill(&stamp, &v, buf, sizeof(buf)), -EINVAL);
	v.now = 253402300799;
	assert_int_equal(pidf_fill(&day, &v, buf, sizeof(buf)), -EINVAL);
	assert_int_equal(pidf_fill(&hour, &v, buf, sizeof(buf)), -EINVAL);
	v.now = INT64_MAX;
	assert_int_equal(pidf_fill(&day, &v, buf, sizeof(buf)), -EINVAL);
	v.now = 253402300799 - 86400;
	assert_int_equal(pidf_fill(&day, &v, buf, sizeof(buf)), 20);
	assert_memory_equal(buf, "9999-12-31T23:59:59Z", 20);
}

/* A template lies in shared memory: nonsense in it must not reach outside. */
static void test_broken_template(void **state)
{
	struct pidf_template *t = calloc(1, sizeof(*t));
	char buf[PIDF_TEMPLATE_MAX + 512];

	(void)state;
	*t = all;
	t->len = PIDF_TEMPLATE_MAX + 1;
	assert_int_equal(pidf_fill(t, &values, buf, sizeof(buf)), -EINVAL);
	*t = all;
	t->hole_cnt = PIDF_HOLES_MAX + 1;
	assert_int_equal(pidf_fill(t, &values, buf, sizeof(buf)), -EINVAL);
	*t = all;
	t->holes[1].off = 2; /* before the first */
	assert_int_equal(pidf_fill(t, &values, buf, sizeof(buf)), -EINVAL);
	*t = all;
	t->holes[4].off = 18; /* behind the text */
	assert_int_equal(pidf_fill(t, &values, buf, sizeof(buf)), -EINVAL);
	*t = all;
	t->holes[0].kind = 99;
	assert_int_equal(pidf_fill(t, &values, buf, sizeof(buf)), -EINVAL);
	*t = all;
	t->len = PIDF_TEMPLATE_MAX;
	t->hole_cnt = 0;
	assert_int_equal(pidf_fill(t, &values, buf, sizeof(buf)), PIDF_TEMPLATE_MAX);
	free(t);
}

/* Layout goes, whatever the capacity; what a value holds stays. */
static void test_compact(void **state)
{
	static const struct {
		const char *name, *text, *want;
	} texts[] = {
		{"nothing to leave out", "<a>b c</a>", "<a>b c</a>"},
		{"line ends and indent", "<a>\r\n  <b/>\r\n</a>\r\n", "<a><b/></a>"},
		{"attributes on lines of their own", "<a b=\"1\"\r\n   c=\"2\">\r\n</a>", "<a b=\"1\" c=\"2\"></a>"},
		{"blanks of a value", "<a>  x  y </a>", "<a>  x  y </a>"},
		{"an element of blanks", "<a>\r\n <b>  </b>\r\n</a>", "<a><b>  </b></a>"},
		{"only a line end", "\r\n", ""},
		{"nothing", "", ""},
	};
	struct pidf_values v = values;

	(void)state;
	v.is_compact = true;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct pidf_template t = {.len = (uint32_t)strlen(texts[i].text)};
		size_t want = strlen(texts[i].want);

		memcpy(t.text, texts[i].text, t.len);
		for (size_t cap = 0; cap <= want; cap++) {
			struct guard g = guard_new(texts[i].text, cap);
			ssize_t r = pidf_fill(&t, &v, g.p, cap);

			if (r != (cap < want ? -ENOSPC : (ssize_t)want) ||
			    (r >= 0 && memcmp(g.p, texts[i].want, want)))
				fail_msg("%s, cap %zu: returns %zd", texts[i].name, cap, r);
			guard_free(&g);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_fill),	cmocka_unit_test(test_entity),
	    cmocka_unit_test(test_id),		cmocka_unit_test(test_times),
	    cmocka_unit_test(test_time_limits), cmocka_unit_test(test_broken_template),
	    cmocka_unit_test(test_compact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
