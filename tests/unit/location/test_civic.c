/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>

#include "guard.h"

#include "base/cleanup.h"
#include "location/civic.h"

#define TEXT64 "0123456789012345678901234567890123456789012345678901234567890123"
#define TEXT128 TEXT64 TEXT64

static const struct civic_address good = {
    .country = "US",
    .region = "CA",
    .city = "San Francisco",
    .street = "1 Market Street",
};

static const struct {
	const char *name, *key, *value;
	const char *fault; /* part of the text, or NULL: it is right */
} cases[] = {
    {"complete", "postal", "94105", NULL},
    {"lower case country", "country", "us", NULL},
    {"UTF-8", "city", "Z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x8f\xa0", NULL},
    {"markup", "building", "<&>\"'", NULL},
    {"longest", "landmark", TEXT128, NULL},
    {"first after C1", "room", "\xc2\xa0", NULL},
    {"highest", "room", "\xf4\x8f\xbf\xbd", NULL},
    {"no country", "country", "", "must be given"},
    {"no region", "region", "", "must be given"},
    {"no city", "city", "", "must be given"},
    {"no street", "street", "", "must be given"},
    {"blank street", "street", "  ", "must be given"},
    {"one letter", "country", "U", "two letters"},
    {"three letters", "country", "USA", "two letters"},
    {"digits", "country", "U1", "two letters"},
    {"two bytes of a letter", "country", "\xc3\xbc", "two letters"},
    {"line end", "street", "1 Market\r\nStreet", "control"},
    {"tab", "unit", "a\tb", "control"},
    {"DEL", "unit", "\x7f", "control"},
    {"C1", "unit", "\xc2\x85", "control"},
    {"last C1", "unit", "\xc2\x9f", "control"},
    {"noncharacter", "floor", "\xef\xbf\xbe", "XML"},
    {"Latin-1", "city", "Z\xfcrich", "UTF-8"},
    {"cut", "city", "Z\xc3", "UTF-8"},
    {"cut in the middle", "city", "\xe2\x82 x", "UTF-8"},
    {"continuation first", "city", "\x80", "UTF-8"},
    {"overlong two", "city", "\xc1\xbf", "UTF-8"},
    {"overlong slash", "city", "\xe0\x80\xaf", "UTF-8"},
    {"overlong four", "city", "\xf0\x8f\xbf\xbf", "UTF-8"},
    {"surrogate", "city", "\xed\xa0\x80", "UTF-8"},
    {"over the end of Unicode", "city", "\xf4\x90\x80\x80", "UTF-8"},
    {"five bytes", "city", "\xf8\x88\x80\x80\x80", "UTF-8"},
};

static void test_check(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct civic_address a = good;
		const char *key = NULL, *text = NULL;
		char *field = civic_field(&a, cases[i].key);
		int r;

		assert_non_null(field);
		memcpy(field, cases[i].value, strlen(cases[i].value) + 1);
		r = civic_check(&a, &key, &text);
		if (r != (cases[i].fault ? -EINVAL : 0))
			fail_msg("%s: returns %d (%s)", cases[i].name, r, text ? text : "-");
		if (!r) {
			assert_null(key);
			assert_null(text);
			assert_string_equal(a.country, "US");
			continue;
		}
		if (strcmp(key, cases[i].key) || !strstr(text, cases[i].fault))
			fail_msg("%s: %s: %s", cases[i].name, key, text);
	}
}

static void test_too_long(void **state)
{
	struct civic_address a = good;
	const char *key, *text;

	(void)state;
	/* not even terminated: the next field follows */
	memset(a.region, 'x', sizeof(a.region));
	assert_int_equal(civic_check(&a, &key, &text), -EINVAL);
	assert_string_equal(key, "region");
	assert_non_null(strstr(text, "128"));
}

static void test_fields(void **state)
{
	struct civic_address a = {0};
	size_t cnt = 0;

	(void)state;
	for (const char *const *k = civic_keys(); *k; k++, cnt++) {
		char *field = civic_field(&a, *k);

		assert_non_null(field);
		assert_string_equal(field, ""); /* no two keys share a field */
		strcpy(field, *k);
	}
	assert_int_equal(cnt, 11);
	assert_string_equal(a.country, "country");
	assert_string_equal(a.region, "region");
	assert_string_equal(a.county, "county");
	assert_string_equal(a.city, "city");
	assert_string_equal(a.street, "street");
	assert_string_equal(a.postal, "postal");
	assert_string_equal(a.building, "building");
	assert_string_equal(a.floor, "floor");
	assert_string_equal(a.unit, "unit");
	assert_string_equal(a.room, "room");
	assert_string_equal(a.landmark, "landmark");
	assert_null(civic_field(&a, "zip"));
	assert_null(civic_field(&a, ""));
	assert_null(civic_field(&a, "Country"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_check),
	    cmocka_unit_test(test_too_long),
	    cmocka_unit_test(test_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
