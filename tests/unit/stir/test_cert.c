/* SPDX-License-Identifier: BSD-2-Clause */
#include "chain.h"

#include <ctype.h>
#include <errno.h>

#include "stir/cert.h"

static const struct cert_check_opts shaken = { .at = CHAIN_AT, .want_tnauthlist = true };

/* All fault codes, errors with a '!' in front, in their order: "!expired no_ski". */
static const char *faults_of(const struct cert_info *i)
{
	static char buf[CERT_FAULTS_MAX * 40];
	size_t n = 0;

	buf[0] = '\0';
	for (unsigned k = 0; k < i->fault_cnt; k++)
		n += (size_t)sprintf(buf + n, "%s%s%s", k ? " " : "", i->faults[k].is_error ? "!" : "",
				     i->faults[k].code);
	return buf;
}

static struct cert_info check(X509 *const x[], const struct cert_check_opts *opts)
{
	static char pem[32768];
	size_t len = chain_pem(pem, sizeof(pem), x);
	struct guard g = guard_new(pem, len);
	struct cert_info i;
	char err[160] = "";

	if (cert_check(g.p, g.len, opts, &i, err) != 0)
		fail_msg("refused: %s", err);
	guard_free(&g);
	return i;
}

static void expect(const char *name, const struct cert_info *i, const char *want)
{
	unsigned errors = 0;

	if (strcmp(faults_of(i), want) != 0)
		fail_msg("%s: faults are '%s', want '%s' (%s)", name, faults_of(i), want,
			 i->fault_cnt ? i->faults[0].text : "");
	for (unsigned k = 0; k < i->fault_cnt; k++)
		errors += i->faults[k].is_error;
	assert_int_equal(errors, i->error_cnt);
}

static void test_good_chain(void **state)
{
	struct chain c = chain_new();
	X509 *const chain[] = { c.leaf.x, c.intermediate.x, NULL };
	X509 *const root[] = { c.root.x, NULL };
	char anchors[8192], serial[64] = "";
	struct cert_check_opts opts = shaken;
	struct cert_info i;
	uint8_t point[CERT_POINT_LEN];
	size_t len;
	BIGNUM *bn;
	char *hex;

	(void)state;
	opts.anchors_pem = anchors;
	opts.anchors_len = chain_pem(anchors, sizeof(anchors), root);
	i = check(chain, &opts);
	expect("good", &i, "");
	assert_string_equal(i.subject, "C=US, O=Lab, CN=SHAKEN 1234");
	assert_string_equal(i.issuer, "C=US, O=Lab, CN=Lab CA");
	assert_string_equal(cert_spc(&i), "1234");
	assert_int_equal(i.tnauth.cnt, 1);
	assert_int_equal(i.not_before, CHAIN_AT - 10 * CHAIN_DAY);
	assert_int_equal(i.not_after, CHAIN_AT + CHAIN_YEAR);
	assert_int_equal(i.chain_cnt, 2);
	assert_string_equal(i.chain[0].name, "leaf");
	assert_string_equal(i.chain[1].name, "intermediate 1");
	assert_string_equal(i.chain[1].subject, i.issuer);
	assert_int_equal(EVP_PKEY_get_octet_string_param(c.leaf.key, "pub", point, sizeof(point), &len),
			 1);
	assert_memory_equal(i.point, point, sizeof(point));
	bn = ASN1_INTEGER_to_BN(X509_get0_serialNumber(c.leaf.x), NULL);
	hex = BN_bn2hex(bn);
	for (size_t k = 0; hex[k]; k++)
		serial[k] = (char)tolower(hex[k]);
	assert_string_equal(i.serial, serial);
	OPENSSL_free(hex);
	BN_free(bn);
	chain_free(&c);
}

#define EXT(bc, ku, rest) "[ext]\nbasicConstraints = " bc "\nkeyUsage = " ku "\n" rest
#define BC		  "critical,CA:FALSE"
#define KU		  "critical,digitalSignature"
#define REST		  CHAIN_IDS CHAIN_POLICY CHAIN_CRL
#define LIST(hex)	  EXT(BC, KU, REST "1.3.6.1.5.5.7.1.26 = DER:" hex "\n")

/* What is wrong with a leaf alone: the rest of the chain is good. */
static const struct {
	const char *name, *want, *ext, *cn, *curve, *digest;
	int from_day, until_day; /* relative to the check; both 0: good */
} leaves[] = {
	{ .name = "expired", .want = "!expired", .from_day = -30, .until_day = -1 },
	{ .name = "not yet valid", .want = "!not_yet_valid", .from_day = 1, .until_day = 90 },
	{ .name = "expires soon", .want = "expires_soon", .from_day = -300, .until_day = 29 },
	{ .name = "31 days left", .want = "", .from_day = -300, .until_day = 31 },
	{ .name = "six days, fresh", .want = "", .from_day = -1, .until_day = 5 },
	{ .name = "six days, last third", .want = "expires_soon", .from_day = -5, .until_day = 1 },
	{ .name = "ends before it begins", .want = "!validity", .from_day = 2, .until_day = 1 },
	{ .name = "P-384", .want = "!curve", .curve = "P-384" },
	{ .name = "secp256k1", .want = "!curve", .curve = "secp256k1" },
	{ .name = "SHA-1", .want = "!signature_algorithm", .digest = "SHA1" },
	{ .name = "SHA-384", .want = "signature_sha384", .digest = "SHA384" },
	{ .name = "no digitalSignature", .want = "!key_usage",
	  .ext = EXT(BC, "critical,keyAgreement", REST CHAIN_TNAUTH) },
	{ .name = "more key usage", .want = "key_usage_extra",
	  .ext = EXT(BC, "critical,digitalSignature,nonRepudiation", REST CHAIN_TNAUTH) },
	{ .name = "key usage not critical", .want = "not_critical",
	  .ext = EXT(BC, "digitalSignature", REST CHAIN_TNAUTH) },
	{ .name = "no key usage", .want = "!key_usage",
	  .ext = "[ext]\nbasicConstraints = " BC "\n" REST CHAIN_TNAUTH },
	{ .name = "a CA", .want = "!is_ca key_usage_extra",
	  .ext = EXT("critical,CA:TRUE", "critical,digitalSignature,keyCertSign", REST CHAIN_TNAUTH) },
	{ .name = "no basicConstraints", .want = "no_basic_constraints",
	  .ext = "[ext]\nkeyUsage = " KU "\n" REST CHAIN_TNAUTH },
	{ .name = "no TNAuthList", .want = "!no_tnauthlist", .ext = EXT(BC, KU, REST) },
	{ .name = "TNAuthList of production, broken", .want = "!tnauthlist_broken",
	  .ext = LIST("3008A006163535384A") },
	{ .name = "TNAuthList empty", .want = "!tnauthlist_broken", .ext = LIST("3000") },
	{ .name = "TNAuthList critical", .want = "!critical_extension",
	  .ext = EXT(BC, KU, REST "1.3.6.1.5.5.7.1.26 = critical,DER:3008a006160431323334\n") },
	{ .name = "two SPCs", .want = "not_one_spc",
	  .ext = LIST("3010A006160431323334A006160431323335") },
	{ .name = "numbers only", .want = "not_one_spc", .ext = LIST("3007A20516032A3639") },
	{ .name = "lower-case SPC", .want = "spc_case", .ext = LIST("3008A006160435353861"),
	  .cn = "SHAKEN 558A" },
	{ .name = "SPC with a dash", .want = "spc_form", .ext = LIST("3008A00616043535382D"),
	  .cn = "SHAKEN 558-" },
	{ .name = "other SPC in the name", .want = "subject_cn", .cn = "SHAKEN 12345" },
	{ .name = "no SPC in the name", .want = "subject_cn", .cn = "Example" },
	{ .name = "no identifiers", .want = "no_ski no_aki",
	  .ext = EXT(BC, KU, CHAIN_POLICY CHAIN_CRL CHAIN_TNAUTH) },
	{ .name = "no policy", .want = "no_policy",
	  .ext = EXT(BC, KU, CHAIN_IDS CHAIN_CRL CHAIN_TNAUTH) },
	{ .name = "foreign policy", .want = "policy_unknown",
	  .ext = EXT(BC, KU, CHAIN_IDS CHAIN_CRL CHAIN_TNAUTH
			 "certificatePolicies = 2.16.840.1.114569.1.1.2\n") },
	{ .name = "older policy", .want = "",
	  .ext = EXT(BC, KU, CHAIN_IDS CHAIN_CRL CHAIN_TNAUTH
			 "certificatePolicies = 2.16.840.1.114569.1.1.3\n") },
	{ .name = "no CRL", .want = "no_crl_dp",
	  .ext = EXT(BC, KU, CHAIN_IDS CHAIN_POLICY CHAIN_TNAUTH) },
};

static void test_leaf_faults(void **state)
{
	struct chain c = chain_new();

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(leaves); k++) {
		struct certmake d = chain_desc(leaves[k].cn ? leaves[k].cn : "SHAKEN 1234",
					       leaves[k].ext ? leaves[k].ext : CHAIN_LEAF_EXT,
					       &c.intermediate);
		struct cert_info i;
		struct made leaf;

		d.curve = leaves[k].curve;
		d.digest = leaves[k].digest;
		if (leaves[k].until_day || leaves[k].from_day) {
			d.not_before = CHAIN_AT + (int64_t)leaves[k].from_day * CHAIN_DAY;
			d.not_after = CHAIN_AT + (int64_t)leaves[k].until_day * CHAIN_DAY;
		}
		leaf = chain_make(d);
		i = check((X509 *const[]){ leaf.x, c.intermediate.x, NULL }, &shaken);
		expect(leaves[k].name, &i, leaves[k].want);
		for (unsigned f = 0; f < i.fault_cnt; f++)
			assert_memory_equal(i.faults[f].text, "leaf: ", 6);
		made_free(&leaf);
	}
	chain_free(&c);
}

static void test_profile_stir_needs_no_list(void **state)
{
	struct cert_check_opts stir = { .at = CHAIN_AT };
	struct chain c = chain_new();
	struct made leaf = chain_make(chain_desc("x", EXT(BC, KU, REST), &c.intermediate));
	struct cert_info i = check((X509 *const[]){ leaf.x, c.intermediate.x, NULL }, &stir);

	(void)state;
	expect("stir", &i, "");
	assert_string_equal(cert_spc(&i), "");
	made_free(&leaf);
	chain_free(&c);
}

/* What is wrong with an intermediate; the leaf is good and issued by it. */
static void test_intermediate_faults(void **state)
{
	static const struct {
		const char *name, *want, *ext, *curve;
	} cases[] = {
		{ "no CA flag", "!ca_flag", EXT(BC, "critical,keyCertSign", REST), NULL },
		{ "no keyCertSign", "!key_usage", EXT("critical,CA:TRUE", "critical,cRLSign", REST), NULL },
		{ "no keyUsage", "no_key_usage", "[ext]\nbasicConstraints = critical,CA:TRUE\n" REST, NULL },
		{ "TNAuthList", "tnauthlist_in_ca",
		  EXT("critical,CA:TRUE", "critical,keyCertSign", REST CHAIN_TNAUTH), NULL },
		{ "P-384", "", CHAIN_INTERMEDIATE_EXT, "P-384" },
		{ "P-521", "!curve", CHAIN_INTERMEDIATE_EXT, "P-521" },
	};
	struct chain c = chain_new();

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(cases); k++) {
		struct certmake d = chain_desc("Lab CA", cases[k].ext, &c.root);
		struct made ca, leaf;
		struct cert_info i;

		d.curve = cases[k].curve;
		ca = chain_make(d);
		leaf = chain_make(chain_desc("SHAKEN 1234", CHAIN_LEAF_EXT, &ca));
		i = check((X509 *const[]){ leaf.x, ca.x, NULL }, &shaken);
		expect(cases[k].name, &i, cases[k].want);
		if (i.fault_cnt)
			assert_memory_equal(i.faults[0].text, "intermediate 1: ", 16);
		made_free(&ca);
		made_free(&leaf);
	}
	chain_free(&c);
}

static void test_intermediate_expires_first(void **state)
{
	struct chain c = chain_new();
	struct certmake d = chain_desc("Lab CA", CHAIN_INTERMEDIATE_EXT, &c.root);
	struct made ca, leaf;
	struct cert_info i;

	(void)state;
	d.not_before = CHAIN_AT - CHAIN_DAY;
	d.not_after = CHAIN_AT + 5 * CHAIN_DAY;
	ca = chain_make(d);
	leaf = chain_make(chain_desc("SHAKEN 1234", CHAIN_LEAF_EXT, &ca));
	i = check((X509 *const[]){ leaf.x, ca.x, NULL }, &shaken);
	assert_int_equal(i.not_before, d.not_before);
	assert_int_equal(i.not_after, d.not_after);
	made_free(&ca);
	made_free(&leaf);
	chain_free(&c);
}

static void test_order(void **state)
{
	struct chain c = chain_new(), other = chain_new();
	/* nothing but the signature tells whose leaf it is */
	struct made plain = chain_make(chain_desc("x", "[ext]\nbasicConstraints = " BC "\nkeyUsage = " KU
							"\n" CHAIN_POLICY CHAIN_CRL, &c.intermediate));
	const struct {
		const char *name, *want;
		X509 *x[5];
	} cases[] = {
		{ "names and signature", "no_ski no_aki", { plain.x, c.intermediate.x } },
		{ "names without the signature", "no_ski no_aki !chain_broken",
		  { plain.x, other.intermediate.x } },
		{ "leaf alone", "leaf_only", { c.leaf.x } },
		{ "with root", "root_in_chain", { c.leaf.x, c.intermediate.x, c.root.x } },
		{ "root before intermediate", "!chain_order !chain_broken",
		  { c.leaf.x, c.root.x, c.intermediate.x } },
		{ "same names, other keys", "!chain_broken", { c.leaf.x, other.intermediate.x } },
		{ "intermediate missing", "!chain_broken root_in_chain", { c.leaf.x, c.root.x } },
		{ "upside down", "!is_ca !key_usage !ca_flag !key_usage tnauthlist_in_ca !chain_broken",
		  { c.intermediate.x, c.leaf.x } },
	};

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(cases); k++) {
		/* an intermediate has no list of its own: only the order is asked for */
		struct cert_check_opts opts = { .at = CHAIN_AT };
		struct cert_info i = check(cases[k].x, &opts);

		expect(cases[k].name, &i, cases[k].want);
	}
	made_free(&plain);
	chain_free(&c);
	chain_free(&other);
}

static void test_path_length(void **state)
{
	struct chain c = chain_new();
	struct made lower = chain_make(chain_desc("Lower", CHAIN_INTERMEDIATE_EXT, &c.intermediate));
	struct made leaf = chain_make(chain_desc("SHAKEN 1234", CHAIN_LEAF_EXT, &lower));
	struct cert_info i = check((X509 *const[]){ leaf.x, lower.x, c.intermediate.x, NULL }, &shaken);

	(void)state;
	expect("path length", &i, "!path_length");
	made_free(&lower);
	made_free(&leaf);
	chain_free(&c);
}

static void test_anchors(void **state)
{
	struct chain c = chain_new(), other = chain_new();
	static char anchors[16384];
	struct certmake old_root = chain_desc("Old root", CHAIN_ROOT_EXT, NULL);
	struct made old, ca, leaf;
	struct cert_check_opts opts = shaken;
	char err[160] = "";
	struct cert_info i;

	(void)state;
	opts.anchors_pem = anchors;
	opts.anchors_len = chain_pem(anchors, sizeof(anchors),
				     (X509 *const[]){ other.root.x, c.root.x, NULL });
	i = check((X509 *const[]){ c.leaf.x, c.intermediate.x, NULL }, &opts);
	expect("one of two anchors", &i, "");
	i = check((X509 *const[]){ c.leaf.x, NULL }, &opts);
	expect("intermediate missing", &i, "!untrusted");

	opts.anchors_len = chain_pem(anchors, sizeof(anchors), (X509 *const[]){ other.root.x, NULL });
	i = check((X509 *const[]){ c.leaf.x, c.intermediate.x, NULL }, &opts);
	expect("other root of the same name", &i, "!untrusted");
	i = check((X509 *const[]){ c.leaf.x, c.intermediate.x, c.root.x, NULL }, &opts);
	expect("own root is no anchor", &i, "!untrusted root_in_chain");

	/* an expired leaf is named once; an expired anchor makes the chain untrusted */
	opts.anchors_len = chain_pem(anchors, sizeof(anchors), (X509 *const[]){ c.root.x, NULL });
	leaf = chain_make((struct certmake){ .org = "Lab", .cn = "SHAKEN 1234", .ext = CHAIN_LEAF_EXT,
					     .not_before = CHAIN_AT - 9, .not_after = CHAIN_AT - 1,
					     .issuer = c.intermediate.x,
					     .issuer_key = c.intermediate.key });
	i = check((X509 *const[]){ leaf.x, c.intermediate.x, NULL }, &opts);
	expect("expired leaf", &i, "!expired");
	made_free(&leaf);
	old_root.not_after = CHAIN_AT - 1;
	old = chain_make(old_root);
	ca = chain_make(chain_desc("Lab CA", CHAIN_INTERMEDIATE_EXT, &old));
	leaf = chain_make(chain_desc("SHAKEN 1234", CHAIN_LEAF_EXT, &ca));
	opts.anchors_len = chain_pem(anchors, sizeof(anchors), (X509 *const[]){ old.x, NULL });
	i = check((X509 *const[]){ leaf.x, ca.x, NULL }, &opts);
	expect("expired anchor", &i, "!untrusted");

	opts = (struct cert_check_opts){ .at = CHAIN_AT, .anchors_pem = "" };
	assert_int_equal(cert_check(anchors, strlen(anchors), &opts, &i, err), -EINVAL);
	assert_string_equal(err, "trust anchors: there is no certificate in it");
	made_free(&old);
	made_free(&ca);
	made_free(&leaf);
	chain_free(&c);
	chain_free(&other);
}

static void test_reading(void **state)
{
	struct chain c = chain_new();
	static char pem[4096], text[90000];
	size_t len = chain_pem(pem, sizeof(pem), (X509 *const[]){ c.leaf.x, NULL });
	unsigned char *der = NULL;
	int der_len = i2d_X509(c.leaf.x, &der);
	char longer[4096] = "";
	char broken[8192], key[1024] = "";
	struct cert_info i, before;
	char err[160];
	BIO *bio = BIO_new(BIO_s_mem());

	(void)state;
	PEM_write_bio_PrivateKey(bio, c.leaf.key, NULL, NULL, 0, NULL, NULL);
	assert_true(BIO_read(bio, key, sizeof(key) - 1) > 0);
	BIO_free(bio);
	memset(&before, 0x5a, sizeof(before));

	/* taken: text around the blocks, CRLF, one certificate in DER, a key beside (warned about) */
	sprintf(text, "Subject: x\n%s\nmore text\n", pem);
	assert_int_equal(cert_check(text, strlen(text), &shaken, &i, err), 0);
	expect("text around", &i, "leaf_only");
	assert_int_equal(cert_check((char *)der, der_len, &shaken, &i, err), 0);
	expect("DER", &i, "leaf_only");
	sprintf(text, "%s%s", key, pem);
	assert_int_equal(cert_check(text, strlen(text), &shaken, &i, err), 0);
	expect("key beside", &i, "leaf_only private_key");

	/* refused, with the place, and nothing written */
	struct {
		const char *name, *p;
		size_t len;
		int ret;
		const char *err;
	} cases[] = {
		{ "empty", "", 0, -EBADMSG, "there is no certificate in it" },
		{ "text", "hello", 5, -EBADMSG, "there is no certificate in it" },
		{ "key only", key, strlen(key), -EBADMSG, "there is no certificate in it" },
		{ "DER cut", (char *)der, der_len - 1, -EBADMSG, "there is no certificate in it" },
		{ "DER with more behind", longer, der_len + 1, -EBADMSG, "there is no certificate in it" },
		{ "PEM cut", pem, len - 30, -EBADMSG, "PEM block 1 is damaged or cut short" },
		{ "PEM damaged", broken, 0, -EBADMSG, "PEM block 1 is damaged or cut short" },
		{ "no certificate inside", text, 0, -EBADMSG, "certificate 2 is no X.509 certificate" },
		{ "seven", text + 20000, 0, -E2BIG, "more than 6 certificates" },
		{ "too large", pem, (4 << 20) + 1, -E2BIG, "larger than 4194304 bytes" },
	};

	memcpy(longer, der, der_len);
	strcpy(broken, pem);
	broken[100] = '!';
	cases[6].len = len;
	cases[7].len = sprintf(text, "%s-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
			       pem);
	cases[8].len = sprintf(text + 20000, "%s%s%s%s%s%s%s", pem, pem, pem, pem, pem, pem, pem);
	for (size_t k = 0; k < ARRAY_SIZE(cases); k++) {
		int r;

		i = before;
		err[0] = '\0';
		r = cert_check(cases[k].p, cases[k].len, &shaken, &i, err);
		if (r != cases[k].ret || strcmp(err, cases[k].err) != 0)
			fail_msg("%s: returns %d, %s", cases[k].name, r, err);
		assert_memory_equal(&i, &before, sizeof(i));
	}
	OPENSSL_free(der);
	chain_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_chain),
		cmocka_unit_test(test_leaf_faults),
		cmocka_unit_test(test_profile_stir_needs_no_list),
		cmocka_unit_test(test_intermediate_faults),
		cmocka_unit_test(test_intermediate_expires_first),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_path_length),
		cmocka_unit_test(test_anchors),
		cmocka_unit_test(test_reading),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
