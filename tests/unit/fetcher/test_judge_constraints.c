/* SPDX-License-Identifier: BSD-2-Clause */
#include "judging.h"

#define BAD SR_CERTIFICATE_BAD

#define PLAIN(hex)    LEAF("1.3.6.1.5.5.7.1.27 = DER:" hex "\n")
#define ENHANCED(hex) LEAF("1.3.6.1.5.5.7.1.33 = DER:" hex "\n")

/* claims as DER: [n] SEQUENCE { IA5String ... } */
#define MUST_RCD      "A00730051603726364"           /* [0] rcd */
#define MUST_IAT_RCD  "A00C300A16036961741603726364" /* [0] iat, rcd */
#define VALUES	      "A111300F300D1603726364300612044E616D65" /* [1] broken inside: a PrintableString */
#define NEVER_CRN     "A2073005160363726E"           /* [2] crn */
#define NEVER_ORIG    "A20830061604" "6F726967"      /* [2] orig */
/* RFC 9118, appendix: mustInclude confidence, permittedValues of confidence, mustExclude priority */
#define RFC_EXAMPLE                                                                             \
	"3040A00E300C160A636F6E666964656E6365A120301E301C160A636F6E666964656E6365300E0C04686967" \
	"680C066D656469756DA20C300A16087072696F72697479"

static const struct {
	const char *name, *ext;
	enum sipseal_reason reason;
	const char *text, *must, *never; /* names with a blank before each */
} cases[] = {
	{ "none", LEAF(""), SR_NONE, NULL, "", "" },
	{ "plain, must", PLAIN("3009" MUST_RCD), SR_NONE, NULL, " rcd", "" },
	{ "enhanced, must", ENHANCED("3009" MUST_RCD), SR_NONE, NULL, " rcd", "" },
	{ "enhanced, never", ENHANCED("3009" NEVER_CRN), SR_NONE, NULL, "", " crn" },
	{ "enhanced, both", ENHANCED("3012" MUST_RCD NEVER_CRN), SR_NONE, NULL, " rcd", " crn" },
	{ "both extensions", LEAF("1.3.6.1.5.5.7.1.27 = DER:3009" MUST_RCD "\n1.3.6.1.5.5.7.1.33 = DER:3012" MUST_RCD NEVER_CRN
				  "\n"), SR_NONE, NULL, " rcd", " crn" },
	{ "what each PASSporT has is not carried", PLAIN("300E" MUST_IAT_RCD), SR_NONE, NULL, " rcd", "" },
	{ "excludes orig: void", ENHANCED("3013" MUST_RCD NEVER_ORIG), SR_NONE, "is void", "", "" },
	{ "void, but the plain one holds", LEAF("1.3.6.1.5.5.7.1.27 = DER:3009" MUST_RCD "\n1.3.6.1.5.5.7.1.33 = DER:300A"
						NEVER_ORIG "\n"), SR_NONE, "is void", " rcd", "" },
	{ "permitted values", PLAIN("3013" VALUES), BAD, "limits the values of claims", "", "" },
	{ "example of the RFC", ENHANCED(RFC_EXAMPLE), BAD, "limits the values of claims", "", "" },
	{ "plain with mustExclude", PLAIN("3009" NEVER_CRN), BAD, "JWTClaimConstraints is malformed", "", "" },
	{ "wrong order", ENHANCED("3012" NEVER_CRN MUST_RCD), BAD, "malformed", "", "" },
	{ "twice", ENHANCED("3012" MUST_RCD MUST_RCD), BAD, "malformed", "", "" },
	{ "empty", PLAIN("3000"), BAD, "malformed", "", "" },
	{ "empty list", PLAIN("3004A0023000"), BAD, "malformed", "", "" },
	{ "empty name", PLAIN("3006A00430021600"), BAD, "malformed", "", "" },
	{ "name with a NUL", PLAIN("3009A0073005160372006364"), BAD, "malformed", "", "" },
	{ "name with a blank", PLAIN("3009A0073005160372" "20" "64"), BAD, "malformed", "", "" },
	{ "UTF8String", PLAIN("3009A00730050C03726364"), BAD, "malformed", "", "" },
	{ "implicit tag", PLAIN("3007A005160372" "6364"), BAD, "malformed", "", "" },
	{ "other tag", PLAIN("3009A3073005160372" "6364"), BAD, "malformed", "", "" },
	{ "bytes behind", PLAIN("3009" MUST_RCD "00"), BAD, "malformed", "", "" },
	{ "too short", PLAIN("300A" MUST_RCD), BAD, "malformed", "", "" },
	{ "no SEQUENCE", PLAIN(MUST_RCD), BAD, "malformed", "", "" },
	{ "15 characters", PLAIN("3015A0133011160F" "616263646566676869616263646566"), SR_NONE, NULL, " abcdefghiabcdef", "" },
	{ "16 characters", PLAIN("3016A01430121610" "61626364656667686961626364656667"), BAD, "longer ones than 15", "", "" },
	{ "eight", PLAIN("301CA01A3018" "160161160162160163160164160165160166160167160168"), SR_NONE, NULL,
	  " a b c d e f g h", "" },
	{ "eight, one again", PLAIN("301FA01D301B" "160161160162160163160164160165160166160167160168160161"), SR_NONE, NULL,
	  " a b c d e f g h", "" },
	{ "nine", PLAIN("301FA01D301B" "160161160162160163160164160165160166160167160168160169"), BAD, "more than 8 claims",
	  "", "" },
	{ "nine in two extensions", LEAF("1.3.6.1.5.5.7.1.27 = DER:301CA01A3018160161160162160163160164160165160166160167160168"
					 "\n1.3.6.1.5.5.7.1.33 = DER:3009" MUST_RCD "\n"), BAD, "more than 8 claims", "", "" },
};

static const char *names(const char (*list)[VERDICT_NAME_LEN], unsigned cnt)
{
	static char text[VERDICT_NAMES_MAX * (VERDICT_NAME_LEN + 1) + 1];

	text[0] = '\0';
	for (unsigned k = 0; k < cnt; k++)
		sprintf(text + strlen(text), " %s", list[k]);
	return text;
}

static void test_claims(void **state)
{
	struct chain c = chain_new();
	struct judge *j = judge_for(&shaken, (X509 *const[]){ c.root.x, NULL });

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(cases); k++) {
		struct made leaf = chain_make(chain_desc("SHAKEN 1234", cases[k].ext, &c.intermediate));
		struct said s = judge_x509(j, (X509 *const[]){ leaf.x, c.intermediate.x, NULL });

		expect(cases[k].name, &s, cases[k].reason, cases[k].text);
		if (strcmp(names(s.v.must, s.v.must_cnt), cases[k].must) != 0)
			fail_msg("%s: must have%s", cases[k].name, names(s.v.must, s.v.must_cnt));
		if (strcmp(names(s.v.never, s.v.never_cnt), cases[k].never) != 0)
			fail_msg("%s: must not have%s", cases[k].name, names(s.v.never, s.v.never_cnt));
		made_free(&leaf);
	}
	judge_free(j);
	chain_free(&c);
}

/* In a CA they mean nothing. */
static void test_claims_of_a_ca(void **state)
{
	struct chain c = chain_new();
	struct judge *j = judge_for(&shaken, (X509 *const[]){ c.root.x, NULL });
	struct made ca = chain_make(chain_desc("CA", CA_EXT("1.3.6.1.5.5.7.1.27 = DER:3009" MUST_RCD "\n"), &c.root));
	struct made leaf = chain_make(chain_desc("SHAKEN 1234", CHAIN_LEAF_EXT, &ca));
	struct said s = judge_x509(j, (X509 *const[]){ leaf.x, ca.x, NULL });

	(void)state;
	expect("in a CA", &s, SR_NONE, NULL);
	assert_int_equal(s.v.must_cnt, 0);
	made_free(&ca);
	made_free(&leaf);
	judge_free(j);
	chain_free(&c);
}

/* TNAuthLists as text: "SPC", "first+count" or "=number", with blanks between. */
static const char *list_line(const char *text)
{
	static char line[32768];
	static uint8_t der[8192];
	struct tnauthlist l = { 0 };
	char copy[8192], *save = NULL;
	ssize_t len;
	size_t n;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *p = strtok_r(copy, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
		struct tnauth_entry *e = &l.e[l.cnt++];
		char *plus = strchr(p, '+');

		*e = (struct tnauth_entry){ .kind = plus ? TNAUTH_RANGE : *p == '=' ? TNAUTH_ONE : TNAUTH_SPC, .count = 1 };
		if (plus) {
			*plus = '\0';
			e->count = strtoull(plus + 1, NULL, 10);
		}
		snprintf(e->text, sizeof(e->text), "%s", *p == '=' ? p + 1 : p);
	}
	len = tnauthlist_emit(&l, der, sizeof(der));
	assert_true(len > 0);
	n = (size_t)sprintf(line, TNAUTHLIST_OID " = DER:");
	for (ssize_t k = 0; k < len; k++)
		n += (size_t)sprintf(line + n, "%02x", der[k]);
	sprintf(line + n, "\n");
	return line;
}

/* A leaf with @list, below a CA with @parent (NULL: none). */
static struct said with_lists(const char *list, const char *parent)
{
	static char ext[40000], ca_ext[40000];
	struct chain c = chain_new();
	struct judge *j = judge_for(&shaken, (X509 *const[]){ c.root.x, NULL });
	struct made ca, leaf;
	struct said s;

	snprintf(ca_ext, sizeof(ca_ext), "%s%s", CA_EXT(""), parent ? list_line(parent) : "");
	snprintf(ext, sizeof(ext), "%s%s", EXT(BC, KU, REST), list_line(list));
	ca = chain_make(chain_desc("CA", ca_ext, &c.root));
	leaf = chain_make(chain_desc("SHAKEN 1234", ext, &ca));
	s = judge_x509(j, (X509 *const[]){ leaf.x, ca.x, NULL });
	made_free(&ca);
	made_free(&leaf);
	judge_free(j);
	chain_free(&c);
	return s;
}

static void test_ranges(void **state)
{
	static const struct {
		const char *name, *list, *ranges;
		bool has_spc;
		const char *spc;
	} lists[] = {
		{ "SPC", "709J", "", true, "709J" },
		{ "two SPCs", "709J 1234", "", true, "709J" },
		{ "SPC, range and one", "709J 12155550000+100 =12155550112", " 12155550000-12155550099 12155550112-12155550112",
		  true, "709J" },
		{ "range", "12155550000+2", " 12155550000-12155550001", false, "" },
		{ "leading zeros", "0099+2", " 0099-0100", false, "" },
		{ "all", "0+10", " 0-9", false, "" },
		{ "15 digits", "999999999999990+10", " 999999999999990-999999999999999", false, "" },
		{ "star code", "=*69", " *69-*69", false, "" },
	};

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(lists); k++) {
		struct said s = with_lists(lists[k].list, NULL);
		char text[1024] = "";

		expect(lists[k].name, &s, SR_NONE, strcmp(lists[k].list, "709J") != 0 ? "exactly one SPC" : "common name");
		for (unsigned r = 0; r < s.v.range_cnt; r++)
			sprintf(text + strlen(text), " %s-%s", s.v.ranges[r].first, s.v.ranges[r].last);
		if (strcmp(text, lists[k].ranges) != 0)
			fail_msg("%s: ranges are%s", lists[k].name, text);
		assert_int_equal(s.v.has_spc, lists[k].has_spc);
		assert_string_equal(s.v.spc, lists[k].spc);
	}
}

static void test_many_ranges(void **state)
{
	static const struct { unsigned cnt; enum sipseal_reason reason; const char *text; } cases_cnt[] = {
		{ VERDICT_RANGES_MAX, SR_NONE, "" },
		{ VERDICT_RANGES_MAX + 1, BAD, "more than 32 number ranges" },
		{ TNAUTHLIST_MAX, BAD, "more than 32 number ranges" },
	};

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(cases_cnt); k++) {
		char list[8192] = "1234";
		struct said s;

		for (unsigned n = 1; n <= cases_cnt[k].cnt - (k == 2); n++)
			sprintf(list + strlen(list), " =1212555%04u", n);
		s = with_lists(list, NULL);
		expect("ranges", &s, cases_cnt[k].reason, cases_cnt[k].text);
		assert_int_equal(s.v.range_cnt, cases_cnt[k].reason ? 0 : VERDICT_RANGES_MAX);
	}
}

/* RFC 9060: nobody gives away what he has not. */
static void test_delegated(void **state)
{
	static const struct {
		const char *name, *list, *parent;
		bool is_good;
	} lists[] = {
		{ "the same SPC", "709J", "709J", true },
		{ "the same SPC in other case", "709j", "709J", true },
		{ "another SPC", "1234", "709J", false },
		{ "numbers of an SPC", "12155550000+100", "709J", true },
		{ "SPC of numbers", "709J", "12155550000+100", false },
		{ "the same range", "12155550000+100", "12155550000+100", true },
		{ "first", "=12155550000", "12155550000+100", true },
		{ "last", "=12155550099", "12155550000+100", true },
		{ "before", "=12155549999", "12155550000+100", false },
		{ "behind", "=12155550100", "12155550000+100", false },
		{ "one too many", "12155550000+101", "12155550000+100", false },
		{ "shorter", "=1215", "12155550000+100", false },
		{ "in two", "=12155550001 =12155560001", "12155550000+100 12155560000+100", true },
		{ "one of two", "=12155550001 =12155570001", "12155550000+100 12155560000+100", false },
	};

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(lists); k++) {
		struct said s = with_lists(lists[k].list, lists[k].parent);

		expect(lists[k].name, &s, lists[k].is_good ? SR_NONE : BAD,
		       lists[k].is_good ? "a CA must not have" : "goes beyond that of intermediate 1");
	}
}

static void test_profile_stir(void **state)
{
	static const struct judge_config stir = { .want_tnauthlist = false };
	struct chain c = chain_new();
	struct judge *j = judge_for(&stir, (X509 *const[]){ c.root.x, NULL });
	static const struct { const char *name, *ext; enum sipseal_reason reason; const char *text; } exts[] = {
		{ "no list", EXT(BC, KU, REST), SR_NONE, NULL },
		{ "broken list", LIST("3008A006163535384A"), BAD, "malformed" },
		{ "list by reference", EXT(BC, KU, REST "authorityInfoAccess = 1.3.6.1.5.5.7.48.14;URI:https://tn.example/l\n"),
		  BAD, "only by reference" },
		{ "other access method", EXT(BC, KU, REST "authorityInfoAccess = caIssuers;URI:https://tn.example/l\n"),
		  SR_NONE, NULL },
	};

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(exts); k++) {
		struct made leaf = chain_make(chain_desc("x", exts[k].ext, &c.intermediate));
		struct said s = judge_x509(j, (X509 *const[]){ leaf.x, c.intermediate.x, NULL });

		expect(exts[k].name, &s, exts[k].reason, exts[k].text);
		assert_int_equal(s.v.has_spc + s.v.range_cnt, 0);
		made_free(&leaf);
	}
	judge_free(j);
	chain_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_claims),	   cmocka_unit_test(test_claims_of_a_ca), cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_many_ranges), cmocka_unit_test(test_delegated),	   cmocka_unit_test(test_profile_stir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
