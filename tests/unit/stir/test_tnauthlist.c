/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard.h"

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "stir/tnauthlist.h"

#define SPC(t)	    { TNAUTH_SPC, t, 1 }
#define ONE(t)	    { TNAUTH_ONE, t, 1 }
#define RANGE(t, n) { TNAUTH_RANGE, t, n }

static size_t from_hex(const char *hex, uint8_t *ret)
{
	size_t n = 0;
	int used;

	for (; sscanf(hex, "%2hhx%n", ret + n, &used) == 1; hex += used)
		n++;
	return n;
}

static const struct {
	const char *name, *der;
	struct tnauthlist list;
} good[] = {
	{ "SPC 1234", "3008 A006 1604 31323334", { 1, { SPC("1234") } } },
	{ "SPC 709J", "3008 A006 1604 3730394A", { 1, { SPC("709J") } } },
	{ "SPC, range, one",
	  "302B A006 1604 3730394A A112 3010 160B 3132313535353530303030 020164"
	  " A20D 160B 3132313535353530313132",
	  { 3, { SPC("709J"), RANGE("12155550000", 100), ONE("12155550112") } } },
	{ "lower case SPC", "3008 A006 1604 35353861", { 1, { SPC("558a") } } },
	{ "one with star and hash", "3007 A205 1603 2A3639", { 1, { ONE("*69") } } },
	{ "smallest range", "300D A10B 3009 1604 31303030 020102", { 1, { RANGE("1000", 2) } } },
	{ "count with a zero octet in front", "300E A10C 300A 1604 30303030 02020080",
	  { 1, { RANGE("0000", 128) } } },
	{ "range up to the last number", "300E A10C 300A 1604 30303030 02022710",
	  { 1, { RANGE("0000", 10000) } } },
};

static void expect_list(const char *name, const struct tnauthlist *got, const struct tnauthlist *want)
{
	if (got->cnt != want->cnt)
		fail_msg("%s: %u entries", name, got->cnt);
	for (unsigned i = 0; i < got->cnt; i++) {
		if (got->e[i].kind != want->e[i].kind || got->e[i].count != want->e[i].count ||
		    strcmp(got->e[i].text, want->e[i].text) != 0)
			fail_msg("%s: entry %u is %s", name, i, got->e[i].text);
	}
}

static void test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		static struct tnauthlist l;
		uint8_t der[128];
		size_t len = from_hex(good[i].der, der);
		struct guard g = guard_new(der, len), out = guard_new(der, len);

		if (tnauthlist_parse((uint8_t *)g.p, len, &l) != 0)
			fail_msg("%s: refused", good[i].name);
		expect_list(good[i].name, &l, &good[i].list);
		memset(out.p, 0, len);
		assert_int_equal(tnauthlist_emit(&good[i].list, (uint8_t *)out.p, len), len);
		assert_memory_equal(out.p, der, len);
		assert_int_equal(tnauthlist_emit(&good[i].list, (uint8_t *)out.p, len - 1), -ENOSPC);
		guard_free(&g);
		guard_free(&out);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *name, *der;
	} cases[] = {
		{ "production: length octet missing", "3008 A006 1635 35384A" },
		{ "empty", "" },
		{ "empty list", "3000" },
		{ "only a tag", "30" },
		{ "set instead of sequence", "3108 A006 1604 31323334" },
		{ "octets behind", "3008 A006 1604 31323334 00" },
		{ "octets behind, inside the entry", "300A A008 1604 31323334 0500" },
		{ "one octet short", "3008 A006 1604 313233" },
		{ "entry one octet short", "3007 A006 1604 313233" },
		{ "text one octet short", "3007 A005 1604 313233" },
		{ "outer length too long", "3009 A006 1604 31323334" },
		{ "outer length too short", "3007 A006 1604 31323334" },
		{ "indefinite length", "3080 A006 1604 31323334 0000" },
		{ "length in more octets than needed", "308108 A006 1604 31323334" },
		{ "length of three octets", "3083000008 A006 1604 31323334" },
		{ "length octets missing", "3082 01" },
		{ "implicit tag", "3006 8004 31323334" },
		{ "unknown alternative", "3008 A306 1604 31323334" },
		{ "UTF8String", "3008 A006 0C04 31323334" },
		{ "empty SPC", "3004 A002 1600" },
		{ "NUL in SPC", "3008 A006 1604 31320034" },
		{ "blank in SPC", "3008 A006 1604 31322034" },
		{ "beyond ASCII in SPC", "3008 A006 1604 313280FF" },
		{ "letter in number", "3008 A206 1604 3132334A" },
		{ "plus in number", "3008 A206 1604 2B313233" },
		{ "number of 16 digits", "3014 A212 1610 31313131313131313131313131313131" },
		{ "SPC of 33", "3025 A023 1621 31313131313131313131313131313131"
			       "3131313131313131313131313131313131" },
		{ "range with a star", "300D A10B 3009 1604 3130302A 020102" },
		{ "range of one", "300D A10B 3009 1604 31303030 020101" },
		{ "range without count", "300A A108 3006 1604 31303030" },
		{ "range over the end", "300E A10C 300A 1604 30303031 02022710" },
		{ "negative count", "300D A10B 3009 1604 31303030 0201FE" },
		{ "count with a needless zero", "300E A10C 300A 1604 31303030 02020002" },
		{ "count of nine octets", "3015 A113 3011 1604 31303030 0209010000000000000000" },
		{ "count empty", "300C A10A 3008 1604 31303030 0200" },
		{ "range with more behind", "300F A10D 300B 1604 31303030 020102 0500" },
		{ "range without its sequence", "300B A109 1604 31303030 020102" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		static struct tnauthlist l;
		uint8_t der[128];
		size_t len = from_hex(cases[i].der, der);
		struct guard g = guard_new(der, len);

		l.cnt = 77;
		if (tnauthlist_parse((uint8_t *)g.p, len, &l) != -EBADMSG)
			fail_msg("%s: taken", cases[i].name);
		if (l.cnt != 77)
			fail_msg("%s: output touched on failure", cases[i].name);
		guard_free(&g);
	}
}

static void test_every_prefix_refused(void **state)
{
	uint8_t der[128];
	size_t len = from_hex(good[2].der, der);
	static struct tnauthlist l;

	(void)state;
	for (size_t n = 0; n < len; n++) {
		struct guard g = guard_new(der, n);

		assert_int_equal(tnauthlist_parse((uint8_t *)g.p, n, &l), -EBADMSG);
		guard_free(&g);
	}
}

static void test_many_entries(void **state)
{
	static struct tnauthlist in, out;
	static uint8_t der[16384];
	ssize_t len;

	(void)state;
	in.cnt = TNAUTHLIST_MAX;
	for (unsigned i = 0; i < in.cnt; i++) {
		in.e[i].kind = TNAUTH_RANGE;
		in.e[i].count = 1 + (1ull << (1 + i % 40));
		snprintf(in.e[i].text, sizeof(in.e[i].text), "1%014u", i);
	}
	len = tnauthlist_emit(&in, der, sizeof(der));
	assert_true(len > 0x1000);
	assert_int_equal(tnauthlist_parse(der, len, &out), 0);
	expect_list("most", &out, &in);

	/* one more: 30 82 hh ll, then the entries */
	memcpy(der + len, "\xa0\x03\x16\x01x", 5);
	len += 5;
	der[2] = (uint8_t)((len - 4) >> 8);
	der[3] = (uint8_t)(len - 4);
	out.cnt = 1;
	assert_int_equal(tnauthlist_parse(der, len, &out), -E2BIG);
	assert_int_equal(out.cnt, 1);
}

/* Lengths of one, two and three bytes, and what lies between them. */
static void test_lengths(void **state)
{
	static struct tnauthlist in, out;
	static uint8_t der[16384];
	ssize_t last = 0;

	(void)state;
	for (in.cnt = 1; in.cnt < 40; in.cnt++) {
		ssize_t len;

		in.e[in.cnt - 1] = (struct tnauth_entry){ .kind = TNAUTH_SPC, .count = 1, .text = "709J" };
		len = tnauthlist_emit(&in, der, sizeof(der));
		assert_true(len > last);
		last = len;
		assert_int_equal(tnauthlist_parse(der, (size_t)len, &out), 0);
		expect_list("lengths", &out, &in);
		assert_int_equal(tnauthlist_emit(&in, der, (size_t)len - 1), -ENOSPC);
	}
}

static void test_emit_refuses(void **state)
{
	static const struct {
		const char *name;
		struct tnauthlist list;
	} cases[] = {
		{ "empty", { 0 } },
		{ "too many", { .cnt = TNAUTHLIST_MAX + 1 } },
		{ "empty SPC", { 1, { SPC("") } } },
		{ "blank", { 1, { SPC("1 4") } } },
		{ "range over the end", { 1, { RANGE("999", 2) } } },
		{ "unknown kind", { 1, { { 3, "1", 1 } } } },
	};
	uint8_t der[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (tnauthlist_emit(&cases[i].list, der, sizeof(der)) != -EINVAL)
			fail_msg("%s: emitted", cases[i].name);
}

static void test_covers(void **state)
{
	static const struct tnauthlist numbers = { 2, { RANGE("12155550000", 100), ONE("911") } };
	static const struct tnauthlist spc = { 2, { ONE("911"), SPC("1234") } };
	static const struct {
		const char *tn;
		bool want;
	} cases[] = {
		{ "12155550000", true },  { "12155550099", true },   { "12155550100", false },
		{ "12155549999", false }, { "2155550000", false },   { "112155550000", false },
		{ "911", true },	  { "9111", false },	     { "91", false },
		{ "", false },		  { "1215555005*", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct guard g = guard_new(cases[i].tn, strlen(cases[i].tn));

		if (tnauthlist_covers(&numbers, slice_of(g.p, g.len)) != cases[i].want)
			fail_msg("'%s': not %d", cases[i].tn, cases[i].want);
		assert_true(tnauthlist_covers(&spc, slice_of(g.p, g.len)));
		guard_free(&g);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_every_prefix_refused),
		cmocka_unit_test(test_many_entries),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_emit_refuses),
		cmocka_unit_test(test_covers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
