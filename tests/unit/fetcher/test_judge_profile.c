/* SPDX-License-Identifier: BSD-2-Clause */
#include "judging.h"

#define BAD	SR_CERTIFICATE_BAD
#define EXPIRED SR_CERTIFICATE_EXPIRED

/* What is wrong with a leaf alone: the rest of the chain is good. */
static const struct {
	const char *name, *ext, *curve, *digest;
	int from_day, until_day;
	enum sipseal_reason reason;
	const char *text;
} leaves[] = {
	{ .name = "expired", .from_day = -30, .until_day = -1, .reason = EXPIRED, .text = "leaf: expired 1 days ago" },
	{ .name = "not yet valid", .from_day = 1, .until_day = 9, .reason = EXPIRED, .text = "valid only in 24 hours" },
	{ .name = "ends before it begins", .from_day = 2, .until_day = 1, .reason = BAD, .text = "ends before" },
	{ .name = "ends soon", .from_day = -1, .until_day = 1, .text = NULL },
	{ .name = "P-384", .curve = "P-384", .reason = BAD, .text = "not P-256" },
	{ .name = "P-521", .curve = "P-521", .reason = BAD, .text = "not P-256" },
	{ .name = "secp256k1", .curve = "secp256k1", .reason = BAD, .text = "not P-256" },
	{ .name = "SHA-1", .digest = "SHA1", .reason = BAD, .text = "not ecdsa-with-SHA256" },
	{ .name = "SHA-384", .digest = "SHA384", .text = "SHA-384" },
	{ .name = "a CA", .ext = EXT("critical,CA:TRUE", "critical,digitalSignature,keyCertSign", REST CHAIN_TNAUTH),
	  .reason = BAD, .text = "leaf: a CA certificate cannot sign calls" },
	{ .name = "no keyUsage", .ext = "[ext]\nbasicConstraints = " BC "\n" REST CHAIN_TNAUTH, .reason = BAD,
	  .text = "leaf: keyUsage has no digitalSignature" },
	{ .name = "another keyUsage", .ext = EXT(BC, "critical,keyAgreement", REST CHAIN_TNAUTH), .reason = BAD,
	  .text = "leaf: keyUsage has no digitalSignature" },
	{ .name = "more keyUsage", .ext = EXT(BC, "critical,digitalSignature,nonRepudiation", REST CHAIN_TNAUTH),
	  .text = "more than digitalSignature" },
	{ .name = "unknown critical extension", .ext = LEAF("1.2.3.4 = critical,DER:0500\n"), .reason = BAD,
	  .text = "critical extension" },
	{ .name = "unknown extension", .ext = LEAF("1.2.3.4 = DER:0500\n"), .text = NULL },
	{ .name = "broken basicConstraints", .ext = "[ext]\n2.5.29.19 = critical,DER:3003\nkeyUsage = " KU "\n" REST CHAIN_TNAUTH,
	  .reason = BAD, .text = "leaf: " },
	{ .name = "no profile at all", .ext = EXT(BC, "digitalSignature", CHAIN_TNAUTH),
	  .text = "leaf: keyUsage is not critical" },
	{ .name = "no TNAuthList", .ext = EXT(BC, KU, REST), .reason = BAD, .text = "leaf: has no TNAuthList" },
	{ .name = "TNAuthList by reference", .reason = BAD, .text = "only by reference",
	  .ext = EXT(BC, KU, REST "authorityInfoAccess = 1.3.6.1.5.5.7.48.14;URI:https://tn.example/list\n") },
	{ .name = "TNAuthList and a reference", .text = NULL,
	  .ext = LEAF("authorityInfoAccess = 1.3.6.1.5.5.7.48.14;URI:https://tn.example/list\n") },
	{ .name = "length byte missing 1", .ext = LIST("3008A006163535384A"), .reason = BAD, .text = "malformed" },
	{ .name = "length byte missing 2", .ext = LIST("3008A0061631323334"), .reason = BAD, .text = "malformed" },
	{ .name = "bytes behind", .ext = LIST("3008A00616043132333400"), .reason = BAD, .text = "malformed" },
	{ .name = "indefinite length", .ext = LIST("3080A0061604313233340000"), .reason = BAD, .text = "malformed" },
	{ .name = "count over the digits", .ext = LIST("300BA10930071602313002015B"), .reason = BAD, .text = "malformed" },
	{ .name = "empty list", .ext = LIST("3000"), .reason = BAD, .text = "malformed" },
	{ .name = "lower-case SPC", .ext = LIST("3008A006160435353861"), .text = "lower-case" },
};

static void test_leaf_faults(void **state)
{
	struct chain c = chain_new();
	struct judge *j = judge_for(&shaken, (X509 *const[]){ c.root.x, NULL });

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(leaves); k++) {
		struct certmake d = chain_desc("SHAKEN 1234", leaves[k].ext ? leaves[k].ext : CHAIN_LEAF_EXT,
					       &c.intermediate);
		struct made leaf;
		struct said s;

		d.curve = leaves[k].curve;
		d.digest = leaves[k].digest;
		if (leaves[k].until_day) {
			d.not_before = CHAIN_AT + leaves[k].from_day * (int64_t)CHAIN_DAY;
			d.not_after = CHAIN_AT + leaves[k].until_day * (int64_t)CHAIN_DAY;
		}
		leaf = chain_make(d);
		s = judge_x509(j, (X509 *const[]){ leaf.x, c.intermediate.x, NULL });
		expect(leaves[k].name, &s, leaves[k].reason, leaves[k].text);
		made_free(&leaf);
	}
	judge_free(j);
	chain_free(&c);
}

/* What certmake does not make: the leaf is changed, and signed again. */
static void test_changed_leaf(void **state)
{
	struct chain c = chain_new();
	struct judge *j = judge_for(&shaken, (X509 *const[]){ c.root.x, NULL });
	EVP_PKEY *rsa = EVP_RSA_gen(2048);
	ASN1_OBJECT *oid = OBJ_txt2obj(TNAUTHLIST_OID, 1);
	X509_EXTENSION *list = X509_get_ext(c.leaf.x, X509_get_ext_by_OBJ(c.leaf.x, oid, -1));
	X509 *twice = X509_dup(c.leaf.x), *negative = X509_dup(c.leaf.x);
	struct said s;

	(void)state;
	assert_int_equal(X509_add_ext(twice, list, -1), 1);
	assert_true(X509_sign(twice, c.intermediate.key, EVP_sha256()) > 0);
	s = judge_x509(j, (X509 *const[]){ twice, c.intermediate.x, NULL });
	expect("TNAuthList twice", &s, BAD, "leaf: ");

	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(negative), -5), 1);
	assert_true(X509_sign(negative, c.intermediate.key, EVP_sha256()) > 0);
	s = judge_x509(j, (X509 *const[]){ negative, c.intermediate.x, NULL });
	expect("a serial number that we would not publish", &s, SR_NONE, "serial number is not positive");

	assert_int_equal(X509_set_pubkey(c.leaf.x, rsa), 1);
	assert_true(X509_sign(c.leaf.x, c.intermediate.key, EVP_sha256()) > 0);
	s = judge_x509(j, (X509 *const[]){ c.leaf.x, c.intermediate.x, NULL });
	expect("RSA", &s, BAD, "leaf: the key is RSA, not P-256");
	ASN1_OBJECT_free(oid);
	X509_free(twice);
	X509_free(negative);
	EVP_PKEY_free(rsa);
	judge_free(j);
	chain_free(&c);
}

/* What is wrong with an intermediate; the leaf is good and issued by it. */
static void test_intermediate_faults(void **state)
{
	static const struct {
		const char *name, *ext, *curve;
		int from_day, until_day;
		enum sipseal_reason reason;
		const char *text;
	} cases[] = {
		{ "expired", CHAIN_INTERMEDIATE_EXT, NULL, -9, -1, EXPIRED, "intermediate 1: " },
		{ "not yet valid", CHAIN_INTERMEDIATE_EXT, NULL, 1, 9, EXPIRED, "intermediate 1: " },
		{ "no CA flag", EXT(BC, "critical,keyCertSign", REST), NULL, 0, 0, BAD, "intermediate 1: " },
		{ "no basicConstraints", "[ext]\nkeyUsage = keyCertSign\n" REST, NULL, 0, 0, BAD, "intermediate 1: " },
		{ "no keyCertSign", EXT("critical,CA:TRUE", "critical,cRLSign", REST), NULL, 0, 0, BAD,
		  "intermediate 1: keyUsage has no keyCertSign" },
		{ "no keyUsage", "[ext]\nbasicConstraints = critical,CA:TRUE\n" REST, NULL, 0, 0, SR_NONE, "has no keyUsage" },
		{ "TNAuthList", CA_EXT(CHAIN_TNAUTH), NULL, 0, 0, SR_NONE, "a CA must not have a TNAuthList" },
		{ "broken TNAuthList", CA_EXT("1.3.6.1.5.5.7.1.26 = DER:3008A006163535384A\n"), NULL, 0, 0, BAD,
		  "intermediate 1: its TNAuthList is malformed" },
		{ "unknown critical extension", CA_EXT("1.2.3.4 = critical,DER:0500\n"), NULL, 0, 0, BAD,
		  "intermediate 1: " },
		{ "P-384", CHAIN_INTERMEDIATE_EXT, "P-384", 0, 0, SR_NONE, NULL },
		{ "P-521", CHAIN_INTERMEDIATE_EXT, "P-521", 0, 0, BAD, "intermediate 1: " },
	};
	struct chain c = chain_new();
	struct judge *j = judge_for(&shaken, (X509 *const[]){ c.root.x, NULL });

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(cases); k++) {
		struct certmake d = chain_desc("Lab CA", cases[k].ext, &c.root);
		struct made ca, leaf;
		struct said s;

		d.curve = cases[k].curve;
		if (cases[k].until_day) {
			d.not_before = CHAIN_AT + cases[k].from_day * (int64_t)CHAIN_DAY;
			d.not_after = CHAIN_AT + cases[k].until_day * (int64_t)CHAIN_DAY;
		}
		ca = chain_make(d);
		leaf = chain_make(chain_desc("SHAKEN 1234", CHAIN_LEAF_EXT, &ca));
		s = judge_x509(j, (X509 *const[]){ leaf.x, ca.x, NULL });
		expect(cases[k].name, &s, cases[k].reason, cases[k].text);
		made_free(&ca);
		made_free(&leaf);
	}
	judge_free(j);
	chain_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leaf_faults),
		cmocka_unit_test(test_changed_leaf),
		cmocka_unit_test(test_intermediate_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
