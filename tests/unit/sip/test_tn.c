/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard.h"

#include <errno.h>

#include "base/cleanup.h"
#include "sip/tn.h"

#define R(prefix, replace) { { prefix, sizeof(prefix) - 1 }, { replace, sizeof(replace) - 1 } }

#define D10 "2155550112"
#define D100 D10 D10 D10 D10 D10 D10 D10 D10 D10 D10

static const struct tn_rule rule_011[] = { R("011", "+") };
static const struct tn_rule rule_440[] = { R("+440", "+44") };
static const struct tn_rule rule_9[] = { R("9", "") };
static const struct tn_rule rule_911[] = { R("911", "112") };
static const struct tn_rule rule_uk[] = { R("+44 (0)", "+44") };
static const struct tn_rule rule_two[] = { R("9", ""), R("91", "+49") };
static const struct tn_rule rule_all[] = { R("", "+4930") };
static const struct tn_rule rule_long[] = { R("1", "+" D100 D10 D10) };

#define NONE NULL, 0
#define SERVICE true

static const struct {
	const char *name, *user, *cc;
	const struct tn_rule *rules;
	unsigned rule_cnt;
	int ret;
	const char *out;
	bool is_service;
} cases[] = {
	/* the table of RFC 8224 s8.3 practice */
	{ "global with separators", "+1-215-555-0112", "", NONE, 0, "12155550112" },
	{ "nanp ten digits", "2155550112;user=phone", "1", NONE, 0, "12155550112" },
	{ "nanp eleven digits", "12155550112", "1", NONE, 0, "12155550112" },
	{ "011 by a rule", "011442079460018", "1", rule_011, 1, 0, "442079460018" },
	{ "011 without a rule", "011442079460018", "1", NONE, -EINVAL, NULL },
	{ "(0) without a rule", "+44 (0)20 7946 0018", "", NONE, -EINVAL, NULL },
	{ "(0) by a rule", "+44 (0)20 7946 0018", "", rule_uk, 1, 0, "442079460018" },
	{ "(0) by a rule without separators", "+44 (0)20 7946 0018", "", rule_440, 1, 0, "442079460018" },
	{ "the same, none there", "+4402079460018", "", rule_440, 1, 0, "442079460018" },
	{ "no separators inside the country code", "+4x4(0)20 7946 0018", "", rule_440, 1, -EINVAL, NULL },
	{ "a rule longer than the number", "+44 (", "", rule_440, 1, -EINVAL, NULL },
	{ "outside line", "9-911", "1", rule_9, 1, 0, "911", SERVICE },
	{ "911 has no outside line", "911", "1", rule_9, 1, 0, "911", SERVICE },
	{ "988 neither", "988", "1", rule_9, 1, 0, "988", SERVICE },
	{ "a rule for all of it", "911", "1", rule_911, 1, 0, "112", SERVICE },
	{ "no N11 elsewhere", "911", "49", rule_9, 1, -EINVAL, NULL },
	{ "(0) by a rule, escaped", "%2B44%20(0)20%207946%200018", "", rule_uk, 1, 0,
	  "442079460018" },
	{ "escaped plus, user-params", "%2B12155550112;npdi;rn=+12155550100", "", NONE, 0,
	  "12155550112" },
	{ "911", "911", "1", NONE, 0, "911", SERVICE },
	{ "*69", "*69", "1", NONE, 0, "*69", SERVICE },

	{ "other country code", "+33123456789;tgrp=a", "", NONE, 0, "33123456789" },
	{ "password cut", "+12155550112:secret", "", NONE, 0, "12155550112" },
	{ "params before password", "+12155550112;x=y:secret", "", NONE, 0, "12155550112" },
	{ "dots and brackets", "+1.(215).555.0112", "", NONE, 0, "12155550112" },
	{ "escaped blanks", "+1%20215%20555%200112", "", NONE, 0, "12155550112" },
	{ "escaped blank in front", "%20+12155550112", "", NONE, 0, "12155550112" },
	{ "(1) is fine", "+(1)2155550112", "", NONE, 0, "12155550112" },
	{ "(0) national", "(0)30 123456", "49", NONE, 0, "4930123456" },

	{ "no country code", "2155550112", "", NONE, -EDOM, NULL },
	{ "eleven digits, no country code", "12155550112", "", NONE, -EDOM, NULL },
	{ "seven digits", "5550112", "1", NONE, -EDOM, NULL },
	{ "eight digits", "55501123", "1", NONE, -EINVAL, NULL },
	{ "npa starts with 1", "1155550112", "1", NONE, -EINVAL, NULL },
	{ "nxx starts with 0", "2150550112", "1", NONE, -EINVAL, NULL },
	{ "eleven digits, bad npa", "10155550112", "1", NONE, -EINVAL, NULL },
	{ "plus, bad npa", "+10155550112", "", NONE, -EINVAL, NULL },
	{ "plus, bad nxx", "+12151550112", "", NONE, -EINVAL, NULL },
	{ "plus 1, twelve digits", "+121555501123", "", NONE, -EINVAL, NULL },
	{ "plus 1, ten digits", "+1215555011", "", NONE, -EINVAL, NULL },
	{ "trunk zero", "030123456", "49", NONE, 0, "4930123456" },
	{ "no trunk zero", "30123456", "49", NONE, 0, "4930123456" },
	{ "starts with the country code", "4930123456", "49", NONE, -EDOM, NULL },
	{ "trunk zero, then the country code", "04941123456", "49", NONE, 0, "494941123456" },
	{ "double zero needs a rule", "0033123456789", "49", NONE, -EINVAL, NULL },
	{ "national too long", "0123456789012345", "49", NONE, -ERANGE, NULL },
	{ "country code is no number", "2155550112", "x", NONE, -EDOM, NULL },
	{ "country code too long", "2155550112", "1234", NONE, -EDOM, NULL },

	{ "seven digits with plus", "+4930123", "", NONE, 0, "4930123" },
	{ "six digits with plus", "+493012", "", NONE, -EINVAL, NULL },
	{ "fifteen digits", "+449012345678901", "", NONE, 0, "449012345678901" },
	{ "sixteen digits", "+4490123456789012", "", NONE, -ERANGE, NULL },
	{ "two hundred digits", "+" D100 D100, "", NONE, -ERANGE, NULL },
	{ "plus zero", "+0123456789", "", NONE, -EINVAL, NULL },
	{ "plus only", "+", "", NONE, -EINVAL, NULL },
	{ "two plus", "++12155550112", "", NONE, -EINVAL, NULL },
	{ "plus inside", "1+2155550112", "1", NONE, -EINVAL, NULL },
	{ "plus 911", "+911", "1", NONE, -EINVAL, NULL },
	{ "plus and star", "+1215555*112", "1", NONE, -EINVAL, NULL },

	{ "988", "988", "", NONE, 0, "988", SERVICE },
	{ "411", "411", "1", NONE, 0, "411", SERVICE },
	{ "short code of six", "741741", "1", NONE, 0, "741741", SERVICE },
	{ "extension", "1001", "1", NONE, 0, "1001", SERVICE },
	{ "two digits", "12", "1", NONE, -EINVAL, NULL },
	{ "dial string with hash", "#31#2155550112", "1", NONE, 0, "#31#2155550112", SERVICE },
	{ "dial string too long", "*67*1234567890123", "1", NONE, -ERANGE, NULL },
	{ "escaped star", "%2A69", "1", NONE, 0, "*69", SERVICE },
	{ "9-911 by a rule", "9911", "1", rule_two, 2, 0, "911", SERVICE },

	{ "first rule wins", "91215555011", "1", rule_two, 2, -EINVAL, NULL },
	{ "first rule wins, good", "92155550112", "1", rule_two, 2, 0, "12155550112" },
	{ "rule does not match", "2155550112", "1", rule_two, 2, 0, "12155550112" },
	{ "rule with empty prefix", "1234567", "1", rule_all, 1, 0, "49301234567" },
	{ "rule makes it too long", "12155550112", "1", rule_long, 1, -ERANGE, NULL },
	{ "rules see no user-params", ";011442079460018", "1", rule_011, 1, -EINVAL, NULL },

	{ "phone-context", "2155550112;phone-context=+1", "", NONE, 0, "12155550112" },
	{ "phone-context with area code", "5550112;phone-context=+1-215", "", NONE, 0,
	  "12155550112" },
	{ "phone-context in any case", "30123456;isub=1;Phone-Context=+49", "1", NONE, 0,
	  "4930123456" },
	{ "phone-context is a domain", "2155550112;phone-context=example.com", "1", NONE, 0,
	  "12155550112" },
	{ "phone-context and global", "+12155550112;phone-context=+49", "", NONE, 0,
	  "12155550112" },
	{ "phone-context, bad nanp", "1155550112;phone-context=+1", "", NONE, -EINVAL, NULL },
	{ "phone-context, 911", "911;phone-context=+1", "", NONE, 0, "911", SERVICE },
	{ "phone-context too long", "2155550112;phone-context=+123456", "", NONE, -ERANGE, NULL },
	{ "phone-context and number fill the room", D100 ";phone-context=+" D100, "", NONE, -ERANGE,
	  NULL },
	{ "phone-context with star", "2155550112;phone-context=+1*", "", NONE, -EDOM, NULL },

	{ "empty", "", "1", NONE, -EINVAL, NULL },
	{ "params only", ";user=phone", "1", NONE, -EINVAL, NULL },
	{ "separators only", "-.()", "1", NONE, -EINVAL, NULL },
	{ "name", "alice", "1", NONE, -EINVAL, NULL },
	{ "name with digits", "2155550112x", "1", NONE, -EINVAL, NULL },
	{ "anonymous", "anonymous", "1", NONE, -EINVAL, NULL },
	{ "escape cut", "+1215555011%3", "1", NONE, -EINVAL, NULL },
	{ "escape without hex", "+1215555011%zz", "1", NONE, -EINVAL, NULL },
	{ "escaped NUL", "+12155550112%00", "1", NONE, -EINVAL, NULL },
	{ "escaped CRLF", "%0D%0A2155550112", "1", NONE, -EINVAL, NULL },
	{ "escaped semicolon", "2155550112%3Bx", "1", NONE, -EINVAL, NULL },
	{ "escaped digit", "215555011%32", "1", NONE, 0, "12155550112" },
	{ "UTF-8 digits", "+1215555011\xef\xbc\x92", "1", NONE, -EINVAL, NULL },
};

static void test_user(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct guard g = guard_new(cases[i].user, strlen(cases[i].user));
		struct tn_rules rules = { cases[i].rules, cases[i].rule_cnt,
			slice_str(cases[i].cc) };
		struct tn tn = { .len = 99 };
		int r = tn_from_user(slice_of(g.p, g.len), &rules, &tn);

		if (r != cases[i].ret)
			fail_msg("%s: returns %d, want %d", cases[i].name, r, cases[i].ret);
		if (r < 0 && tn.len != 99)
			fail_msg("%s: output touched on failure", cases[i].name);
		if (r == 0 && (tn.len != strlen(tn.digits) || strcmp(tn.digits, cases[i].out) != 0))
			fail_msg("%s: %s, want %s", cases[i].name, tn.digits, cases[i].out);
		if (r == 0 && tn.is_service != cases[i].is_service)
			fail_msg("%s: is_service %d", cases[i].name, tn.is_service);
		guard_free(&g);
	}
}

static void test_uri(void **state)
{
	static const struct { const char *uri; int ret; const char *out; } uris[] = {
		{ "sip:+12155550112@example.com", 0, "12155550112" },
		{ "sips:2155550112@example.com;user=phone", 0, "12155550112" },
		{ "SIP:%2B12155550112:pw@example.com", 0, "12155550112" },
		{ "sip:+12155550112;npdi@example.com", 0, "12155550112" },
		{ "tel:+1-215-555-0112;ext=7", 0, "12155550112" },
		{ "tel:5550112;phone-context=+1215", 0, "12155550112" },
		{ "sip:alice@example.com", -EINVAL, NULL },
		{ "sip:example.com", -EINVAL, NULL },
		{ "sip:12155550112", -EINVAL, NULL },           /* that is a host */
		{ "urn:service:sos", -EINVAL, NULL },
		{ "http:12155550112", -EINVAL, NULL },
	};
	const struct tn_rules rules = { NULL, 0, SLICE("1") };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(uris); i++) {
		struct tn tn = { .len = 99 };
		struct sip_uri u;
		int r;

		assert_int_equal(sip_uri_parse(slice_str(uris[i].uri), &u), 0);
		r = tn_from_uri(&u, &rules, &tn);
		if (r != uris[i].ret || (r == 0 && strcmp(tn.digits, uris[i].out) != 0) ||
		    (r < 0 && tn.len != 99))
			fail_msg("%s: %d %s", uris[i].uri, r, r ? "" : tn.digits);
	}
}

static void test_shown(void **state)
{
	static const struct {
		const char *user;
		bool want;
	} users[] = {
		{ "", false }, { "alice", false }, { "1001", false }, { "911", false }, { "*69", false },
		{ "555011", false }, { "5550112", true }, { "+44 (0)20 7946 0018", true },
		{ "442079460018", true }, { "%34%342079460018", true }, { "%2B12155550112", true },
		{ "*12155550112", true }, { "12155550112#", true }, { "2155550112%3Bext", true },
		{ "+12155550112x", true }, { "12155550112x", false }, { "bob;rn=+12155550112", false },
		{ "bob:12155550112", false }, { "%zz2155550112", false }, { "%2155550112", false },
		{ "+215-555/0112", true }, { "2155550112%", true },
	};
	static char digits[4096];
	struct guard g;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
		g = guard_new(users[i].user, strlen(users[i].user));
		if (tn_is_shown(slice_of(g.p, g.len)) != users[i].want)
			fail_msg("%s", users[i].user);
		guard_free(&g);
	}
	memset(digits, '7', sizeof(digits));
	g = guard_new(digits, sizeof(digits));
	assert_true(tn_is_shown(slice_of(g.p, g.len)));
	guard_free(&g);
	assert_false(tn_is_shown(SLICE_NONE));
}

static void test_no_rules(void **state)
{
	struct tn tn;

	(void)state;
	assert_int_equal(tn_from_user(SLICE("+12155550112"), NULL, &tn), 0);
	assert_int_equal(tn_from_user(SLICE("2155550112"), NULL, &tn), -EDOM);
	assert_int_equal(tn_from_user(SLICE_NONE, NULL, &tn), -EINVAL);
}

static void test_equal(void **state)
{
	struct tn a, b;

	(void)state;
	assert_int_equal(tn_from_user(SLICE("+12155550112"), NULL, &a), 0);
	assert_int_equal(tn_from_user(SLICE("+1 (215) 555-0112"), NULL, &b), 0);
	assert_true(tn_eq(&a, &b));
	assert_int_equal(tn_from_user(SLICE("+12155550113"), NULL, &b), 0);
	assert_false(tn_eq(&a, &b));
	assert_true(slice_eq(tn_slice(&b), SLICE("12155550113")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_user), cmocka_unit_test(test_uri), cmocka_unit_test(test_shown),
		cmocka_unit_test(test_no_rules), cmocka_unit_test(test_equal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
