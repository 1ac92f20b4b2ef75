/* SPDX-License-Identifier: BSD-2-Clause */
#include "location/civic.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"

/* In the order in which people give an address; NULL ends the list of civic_keys(). */
static const char *const keys[] = {
    "country",	"region", "county", "city", "street",	"postal",
    "building", "floor",  "unit",   "room", "landmark", NULL,
};

#define FIELD(f) offsetof(struct civic_address, f)

/* The same order. */
static const struct field {
	size_t off;
	bool is_needed;
} fields[] = {
    {FIELD(country), true}, {FIELD(region), true},  {FIELD(county), false},   {FIELD(city), true},
    {FIELD(street), true},  {FIELD(postal), false}, {FIELD(building), false}, {FIELD(floor), false},
    {FIELD(unit), false},   {FIELD(room), false},   {FIELD(landmark), false},
};

_Static_assert(ARRAY_SIZE(fields) + 1 == ARRAY_SIZE(keys), "one offset per key");

char *civic_field(struct civic_address *a, const char *name)
{
	for (size_t i = 0; keys[i]; i++)
		if (!strcmp(keys[i], name))
			return (char *)a + fields[i].off;
	return NULL;
}

const char *const *civic_keys(void)
{
	return keys;
}

/*
 * Bytes of the UTF-8 character at @p, or 0: overlong, a surrogate, over U+10FFFF, cut off
 * (RFC 3629 s4).  A NUL is no continuation byte, so nothing behind the string is read.
 */
static size_t utf8_next(const unsigned char *p, uint32_t *ret_c)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc0 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	uint32_t c = n == 1 ? p[0] : n == 2 ? p[0] & 0x1f : n == 3 ? p[0] & 0xf : p[0] & 7;

	if (!n || p[0] >= 0xf8)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret_c = c;
	return n;
}

/* What is wrong with the text, or NULL. */
static const char *text_fault(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	uint32_t c;
	size_t n;

	if (strnlen(text, CIVIC_VALUE_MAX + 1) > CIVIC_VALUE_MAX)
		return "is too long, 128 bytes are allowed";
	for (; *p; p += n) {
		n = utf8_next(p, &c);
		if (!n)
			return "is not valid UTF-8";
		if (c < 0x20 || (c >= 0x7f && c <= 0x9f))
			return "has control characters, none are allowed";
		if (c == 0xfffe || c == 0xffff) /* XML 1.0 s2.2 */
			return "has a character that XML cannot carry";
	}
	return NULL;
}

static bool is_blank(const char *text)
{
	return text[strspn(text, " ")] == '\0';
}

static const char *country_fault(char *country)
{
	if (strlen(country) != 2)
		return "must be two letters (ISO 3166-1)";
	for (size_t i = 0; i < 2; i++) {
		if (country[i] >= 'a' && country[i] <= 'z')
			country[i] = (char)(country[i] - 'a' + 'A');
		if (country[i] < 'A' || country[i] > 'Z')
			return "must be two letters (ISO 3166-1)";
	}
	return NULL;
}

int civic_check(struct civic_address *a, const char **reterr_key, const char **reterr_text)
{
	for (size_t i = 0; keys[i]; i++) {
		char *value = (char *)a + fields[i].off;
		const char *fault = text_fault(value);

		if (!fault && fields[i].is_needed && is_blank(value))
			fault = "must be given";
		if (!fault && value == a->country)
			fault = country_fault(value);
		if (fault) {
			*reterr_key = keys[i];
			*reterr_text = fault;
			return -EINVAL;
		}
	}
	return 0;
}
