/* SPDX-License-Identifier: BSD-2-Clause */
/* What is made: requests for certificates, certificates for tests; and what is refused before OpenSSL sees it. */
#include "guard.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "chain.h"
#include "stir/certreq.h"

#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct {
	const char *name, *text;
	int ret;
	enum tnauth_kind kind;
	const char *first;
	uint64_t count;
} numbers[] = {
	{ "one", "+18005550100", 0, TNAUTH_ONE, "18005550100", 1 },
	{ "range", "+18005550100-+18005550199", 0, TNAUTH_RANGE, "18005550100", 100 },
	{ "the smallest range", "+10-+11", 0, TNAUTH_RANGE, "10", 2 },
	{ "15 digits", "+123456789012345", 0, TNAUTH_ONE, "123456789012345", 1 },
	{ "16 digits", "+1234567890123456", -EINVAL, 0, NULL, 0 },
	{ "empty", "", -EINVAL, 0, NULL, 0 },
	{ "only a plus", "+", -EINVAL, 0, NULL, 0 },
	{ "no plus", "18005550100", -EINVAL, 0, NULL, 0 },
	{ "a zero first", "+08005550100", -EINVAL, 0, NULL, 0 },
	{ "letters behind", "+1800x", -EINVAL, 0, NULL, 0 },
	{ "range of one", "+18005550100-+18005550100", -EINVAL, 0, NULL, 0 },
	{ "range backwards", "+18005550199-+18005550100", -EINVAL, 0, NULL, 0 },
	{ "range that ends shorter", "+18005550100-+1800555019", -EINVAL, 0, NULL, 0 },
	{ "range without an end", "+18005550100-", -EINVAL, 0, NULL, 0 },
	{ "end without a plus", "+18005550100-18005550199", -EINVAL, 0, NULL, 0 },
	{ "range of three", "+11-+12-+13", -EINVAL, 0, NULL, 0 },
};

static void test_numbers(void **state)
{
	static struct tnauthlist l;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		struct guard g = guard_new(numbers[i].text, strlen(numbers[i].text) + 1);
		int r;

		l.cnt = 0;
		r = certreq_numbers(g.p, &l);
		guard_free(&g);
		if (r != numbers[i].ret || l.cnt != (r == 0 ? 1u : 0u))
			fail_msg("%s: returns %d, %u in the list", numbers[i].name, r, (unsigned)l.cnt);
		if (r == 0 && (l.e[0].kind != numbers[i].kind || strcmp(l.e[0].text, numbers[i].first) ||
			       l.e[0].count != numbers[i].count))
			fail_msg("%s: %s, %llu", numbers[i].name, l.e[0].text, (unsigned long long)l.e[0].count);
	}
	for (l.cnt = 0; l.cnt < TNAUTHLIST_MAX;)
		assert_int_equal(certreq_numbers("+18005550100", &l), 0);
	assert_int_equal(certreq_numbers("+18005550100", &l), -E2BIG);
	assert_int_equal(l.cnt, TNAUTHLIST_MAX);
}

/* The DER of the TNAuthList that a request asks for. */
static struct slice asked_for(STACK_OF(X509_EXTENSION) *list)
{
	CLEANUP(freep) char *oid = calloc(1, 64);

	assert_int_equal(sk_X509_EXTENSION_num(list), 1);
	OBJ_obj2txt(oid, 64, X509_EXTENSION_get_object(sk_X509_EXTENSION_value(list, 0)), 1);
	assert_string_equal(oid, TNAUTHLIST_OID);
	ASN1_OCTET_STRING *s = X509_EXTENSION_get_data(sk_X509_EXTENSION_value(list, 0));

	return slice_of((const char *)ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

/* What was asked for stands in the request, and the request is signed by its key. */
static void test_request(void **state)
{
	static struct tnauthlist l, back;
	struct certreq r = { .country = "US", .org = X64, .cn = "SHAKEN 709J", .tnauth = &l };
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509_REQ *req = NULL;
	STACK_OF(X509_EXTENSION) *list;
	struct slice der;

	(void)state;
	assert_int_equal(certreq_numbers("+18005550100-+18005550199", &l), 0);
	assert_int_equal(certreq_numbers("+12125550100", &l), 0);
	assert_int_equal(certreq_new(&r, key, &req), 0);
	assert_int_equal(X509_REQ_verify(req, key), 1);
	list = X509_REQ_get_extensions(req);
	assert_non_null(list);
	der = asked_for(list);
	assert_int_equal(tnauthlist_parse((const uint8_t *)der.p, der.len, &back), 0);
	assert_int_equal(back.cnt, 2);
	assert_string_equal(back.e[0].text, "18005550100");
	assert_int_equal(back.e[0].count, 100);
	assert_string_equal(back.e[1].text, "12125550100");
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	X509_REQ_free(req);
	EVP_PKEY_free(key);
}

static void test_request_refused(void **state)
{
	static struct tnauthlist good = { .cnt = 1, .e = { { .kind = TNAUTH_SPC, .text = "709J", .count = 1 } } }, none;
	static const struct {
		const char *name, *curve;
		struct certreq r;
		int ret;
	} cases[] = {
		{ "P-384", "P-384", { "US", "O", "CN", &good }, -EOPNOTSUPP },
		{ "country of one letter", "P-256", { "U", "O", "CN", &good }, -EINVAL },
		{ "country of three", "P-256", { "USA", "O", "CN", &good }, -EINVAL },
		{ "no organisation", "P-256", { "US", "", "CN", &good }, -EINVAL },
		{ "organisation of 65 bytes", "P-256", { "US", X64 "x", "CN", &good }, -EINVAL },
		{ "no name", "P-256", { "US", "O", "", &good }, -EINVAL },
		{ "name that is no UTF-8", "P-256", { "US", "O", "\xff", &good }, -EINVAL },
		{ "empty list", "P-256", { "US", "O", "CN", &none }, -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		EVP_PKEY *key = EVP_EC_gen(cases[i].curve);
		X509_REQ *untouched = (X509_REQ *)&untouched, *req = untouched;
		int r = certreq_new(&cases[i].r, key, &req);

		if (r != cases[i].ret || req != untouched || ERR_peek_error())
			fail_msg("%s: returns %d, or leaves something behind", cases[i].name, r);
		EVP_PKEY_free(key);
	}
}

static void test_certificate_refused(void **state)
{
	static const struct {
		const char *name;
		struct certmake m;
		int ret;
	} cases[] = {
		{ "no such digest", { .org = "O", .cn = "CN", .digest = "SHA0" }, -EINVAL },
		{ "no such curve", { .org = "O", .cn = "CN", .curve = "P-1" }, -ENOMEM },
		{ "organisation that is no UTF-8", { .org = "\xff", .cn = "CN" }, -EINVAL },
		{ "no configuration", { .org = "O", .cn = "CN", .ext = "[ext\n" }, -EINVAL },
		{ "no section", { .org = "O", .cn = "CN", .ext = "[other]\n" }, -EINVAL },
		{ "no such extension", { .org = "O", .cn = "CN", .ext = "[ext]\nfoo = bar\n" }, -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		X509 *untouched = (X509 *)&untouched, *x = untouched;
		EVP_PKEY *key = NULL;
		int r = certmake_new(&cases[i].m, &x, &key);

		ERR_clear_error();
		if (r != cases[i].ret || x != untouched || key)
			fail_msg("%s: returns %d, or leaves something behind", cases[i].name, r);
	}
}

static void test_certificate(void **state)
{
	struct certmake root = { .org = "Lab", .cn = "Root", .not_before = CHAIN_AT, .not_after = CHAIN_AT + CHAIN_DAY };
	struct made r = chain_make(root), l;
	struct certmake leaf = { .org = "Lab", .cn = "Leaf", .not_before = CHAIN_AT, .not_after = CHAIN_AT + CHAIN_DAY,
				 .curve = "P-384", .digest = "SHA384", .issuer = r.x, .issuer_key = r.key };

	(void)state;
	l = chain_make(leaf);
	assert_int_equal(X509_verify(r.x, r.key), 1);
	assert_int_equal(X509_verify(l.x, r.key), 1);
	assert_int_equal(X509_verify(l.x, l.key), 0);
	assert_int_equal(X509_check_issued(r.x, l.x), X509_V_OK);
	for (unsigned i = 0; i < 2; i++) {
		struct made *m = i ? &l : &r;

		X509_free(m->x);
		EVP_PKEY_free(m->key);
	}
	ERR_clear_error();
}

static void test_tnauth_line(void **state)
{
	static const struct {
		const char *name, *spc, *line;
	} cases[] = {
		{ "as in a certificate", "1234", CHAIN_TNAUTH },
		{ "one character", "7", "1.3.6.1.5.5.7.1.26 = DER:3005a003160137\n" },
		{ "blank", "70 9J", NULL },
		{ "dash", "709-J", NULL },
		{ "empty", "", NULL },
		{ "too long", X64, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char line[160] = "untouched";
		int r = certmake_tnauth(cases[i].spc, line);

		if (r != (cases[i].line ? 0 : -EINVAL) || strcmp(line, cases[i].line ? cases[i].line : "untouched"))
			fail_msg("%s: returns %d: %s", cases[i].name, r, line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),		cmocka_unit_test(test_request),
		cmocka_unit_test(test_request_refused), cmocka_unit_test(test_certificate_refused),
		cmocka_unit_test(test_certificate),	cmocka_unit_test(test_tnauth_line),
	};

	return cmocka_run_group_tests_name("certreq", tests, NULL, NULL);
}
