/* SPDX-License-Identifier: BSD-2-Clause */
#include "judging.h"

#include <time.h>

#define BAD	  SR_CERTIFICATE_BAD
#define UNTRUSTED SR_CERTIFICATE_UNTRUSTED
#define EXPIRED	  SR_CERTIFICATE_EXPIRED

static char pem[65536 + 4096];

static void test_good(void **state)
{
	struct chain c = chain_new();
	struct judge *j = judge_for(&shaken, (X509 *const[]){ c.root.x, NULL });
	struct made direct = chain_make(chain_desc("SHAKEN 1234", CHAIN_LEAF_EXT, &c.root));
	struct made spare = chain_make(chain_desc("Other", CHAIN_ROOT_EXT, NULL));
	const struct {
		const char *name;
		X509 *x[5];
	} chains[] = {
		{ "leaf and intermediate", { c.leaf.x, c.intermediate.x } },
		{ "with the root", { c.leaf.x, c.intermediate.x, c.root.x } },
		{ "root before the intermediate", { c.leaf.x, c.root.x, c.intermediate.x } },
		{ "a strange certificate between", { c.leaf.x, spare.x, c.intermediate.x } },
		{ "the intermediate twice", { c.leaf.x, c.intermediate.x, c.intermediate.x } },
		{ "leaf of the root", { direct.x } },
	};
	uint8_t point[CERT_POINT_LEN];
	unsigned char *der = NULL;
	struct said s;
	size_t len;

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(chains); k++) {
		s = judge_x509(j, chains[k].x);
		expect(chains[k].name, &s, SR_NONE, NULL);
		EVP_PKEY_get_octet_string_param(k == 5 ? direct.key : c.leaf.key, "pub", point, sizeof(point), &len);
		assert_memory_equal(s.v.point, point, sizeof(point));
		assert_string_equal(s.v.spc, "1234");
		assert_string_equal(s.v.subject, "C=US, O=Lab, CN=SHAKEN 1234");
		assert_int_equal(s.v.has_spc, 1);
		assert_int_equal(s.v.range_cnt + s.v.must_cnt + s.v.never_cnt, 0);
		assert_int_equal(s.v.not_before, CHAIN_AT - 10 * CHAIN_DAY);
		assert_int_equal(s.v.not_after, CHAIN_AT + CHAIN_YEAR);
		assert_int_equal(s.v.expires_at, CHAIN_AT + CHAIN_DAY);
	}
	len = (size_t)i2d_X509(direct.x, &der);
	s = judge_bytes(j, der, len, CHAIN_AT, -1);
	expect("one DER", &s, SR_NONE, NULL);
	OPENSSL_free(der);
	len = (size_t)sprintf(pem, "Subject: somebody\r\n\r\n");
	len += chain_pem(pem + len, sizeof(pem) - len, (X509 *const[]){ c.leaf.x, c.intermediate.x, NULL });
	len += (size_t)sprintf(pem + len, "-- \nbye\n");
	s = judge_bytes(j, pem, len, CHAIN_AT, -1);
	expect("text around", &s, SR_NONE, NULL);
	judge_free(j);
	made_free(&direct);
	made_free(&spare);
	chain_free(&c);
}

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

static void test_untrusted(void **state)
{
	struct chain c = chain_new(), other = chain_new();
	struct judge *j = judge_for(&shaken, (X509 *const[]){ c.root.x, NULL });
	struct made own = chain_make(chain_desc("SHAKEN 1234", CHAIN_LEAF_EXT, NULL));
	/* no identifiers: nothing but the signature tells whose it is */
	struct made plain = chain_make(chain_desc("SHAKEN 1234", EXT(BC, KU, CHAIN_POLICY CHAIN_CRL CHAIN_TNAUTH),
						  &other.intermediate));
	struct judge *pinned, *no_root = NULL;
	struct said s;
	char err[160] = "";
	const struct {
		const char *name;
		enum sipseal_reason reason;
		X509 *x[4];
	} cases[] = {
		{ "another root of the same name", UNTRUSTED, { other.leaf.x, other.intermediate.x } },
		{ "which is sent with it", UNTRUSTED, { other.leaf.x, other.intermediate.x, other.root.x } },
		{ "intermediate missing", UNTRUSTED, { c.leaf.x } },
		{ "root instead of the intermediate", UNTRUSTED, { c.leaf.x, c.root.x } },
		{ "foreign intermediate of the same name", UNTRUSTED, { c.leaf.x, other.intermediate.x } },
		{ "foreign leaf of the same names", UNTRUSTED, { plain.x, c.intermediate.x } },
		{ "signed by itself", UNTRUSTED, { own.x } },
		{ "signed by itself, good chain behind", UNTRUSTED, { own.x, c.intermediate.x } },
		{ "intermediate as leaf", BAD, { c.intermediate.x, c.leaf.x } },
		{ "root as leaf", BAD, { c.root.x } },
		{ "leaf as intermediate", BAD, { own.x, c.leaf.x, c.intermediate.x } },
	};

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(cases); k++) {
		s = judge_x509(j, cases[k].x);
		expect(cases[k].name, &s, cases[k].reason, "");
	}
	judge_free(j);

	pinned = judge_for(&shaken, (X509 *const[]){ own.x, c.intermediate.x, other.root.x, NULL });
	s = judge_x509(pinned, (X509 *const[]){ own.x, NULL });
	expect("pinned leaf", &s, UNTRUSTED, "");
	s = judge_x509(pinned, (X509 *const[]){ c.leaf.x, c.intermediate.x, NULL });
	expect("pinned intermediate ends no chain", &s, UNTRUSTED, "");
	s = judge_x509(pinned, (X509 *const[]){ other.leaf.x, other.intermediate.x, NULL });
	expect("root beside them", &s, SR_NONE, NULL);
	s = judge_x509(pinned, (X509 *const[]){ other.leaf.x, NULL });
	expect("intermediates only from the body", &s, UNTRUSTED, "");
	judge_free(pinned);

	chain_pem(pem, sizeof(pem), (X509 *const[]){ c.intermediate.x, NULL });
	assert_int_equal(judge_new(&shaken, pem, strlen(pem), &no_root, err), -EINVAL);
	assert_string_equal(err, "none of the certificates is a root");
	assert_int_equal(judge_new(&shaken, "nothing", 7, &no_root, err), -EINVAL);
	assert_string_equal(err, "there is no certificate in it");
	assert_null(no_root);
	made_free(&own);
	made_free(&plain);
	chain_free(&c);
	chain_free(&other);
}

static void test_expired_root(void **state)
{
	struct certmake d = chain_desc("Old root", CHAIN_ROOT_EXT, NULL);
	struct made root, leaf;
	struct judge *j;
	struct said s;

	(void)state;
	d.not_after = CHAIN_AT - 1;
	root = chain_make(d);
	leaf = chain_make(chain_desc("SHAKEN 1234", CHAIN_LEAF_EXT, &root));
	j = judge_for(&shaken, (X509 *const[]){ root.x, NULL });
	s = judge_x509(j, (X509 *const[]){ leaf.x, NULL });
	expect("expired root", &s, EXPIRED, "root: ");
	judge_free(j);
	made_free(&root);
	made_free(&leaf);
}

/* Five CAs below the root and their leaf: as many as are allowed, and one more. */
static void test_depth(void **state)
{
	struct made root = chain_make(chain_desc("Root", CHAIN_ROOT_EXT, NULL)), ca[5], leaf;
	struct judge *j = judge_for(&shaken, (X509 *const[]){ root.x, NULL });
	struct made low, deep;
	struct said s;

	(void)state;
	for (int k = 0; k < 5; k++)
		ca[k] = chain_make(chain_desc((char[]){ 'C', (char)('0' + k), 0 }, CA_EXT(""), k ? &ca[k - 1] : &root));
	leaf = chain_make(chain_desc("SHAKEN 1234", CHAIN_LEAF_EXT, &ca[3]));
	s = judge_x509(j, (X509 *const[]){ leaf.x, ca[3].x, ca[2].x, ca[1].x, ca[0].x, NULL });
	expect("four", &s, SR_NONE, NULL);
	s = judge_x509(j, (X509 *const[]){ leaf.x, ca[0].x, ca[2].x, ca[1].x, ca[3].x, NULL });
	expect("four in any order", &s, SR_NONE, NULL);
	s = judge_x509(j, (X509 *const[]){ leaf.x, ca[3].x, ca[2].x, ca[0].x, NULL });
	expect("one missing", &s, UNTRUSTED, "");
	made_free(&leaf);
	leaf = chain_make(chain_desc("SHAKEN 1234", CHAIN_LEAF_EXT, &ca[4]));
	s = judge_x509(j, (X509 *const[]){ leaf.x, ca[4].x, ca[3].x, ca[2].x, ca[1].x, ca[0].x, NULL });
	expect("five", &s, BAD, "chain too long");

	low = chain_make(chain_desc("Low", CHAIN_INTERMEDIATE_EXT, &root)); /* pathlen:0 */
	deep = chain_make(chain_desc("Deep", CA_EXT(""), &low));
	made_free(&leaf);
	leaf = chain_make(chain_desc("SHAKEN 1234", CHAIN_LEAF_EXT, &deep));
	s = judge_x509(j, (X509 *const[]){ leaf.x, deep.x, low.x, NULL });
	expect("path length", &s, BAD, "path length");
	judge_free(j);
	for (int k = 0; k < 5; k++)
		made_free(&ca[k]);
	made_free(&low);
	made_free(&deep);
	made_free(&leaf);
	made_free(&root);
}

static void test_bodies(void **state)
{
	struct chain c = chain_new();
	struct judge *j = judge_for(&shaken, (X509 *const[]){ c.root.x, NULL });
	X509 *l = c.leaf.x, *i = c.intermediate.x;
	size_t len = chain_pem(pem, sizeof(pem), (X509 *const[]){ l, i, NULL });
	struct said s;

	(void)state;
	/* all that a server may cut off is the end of the last line */
	for (size_t n = 0; n <= len; n++) {
		s = judge_bytes(j, pem, n, CHAIN_AT, -1);
		if (n >= len - 1)
			expect("whole", &s, SR_NONE, NULL);
		else if (s.v.kind != VERDICT_BAD || (s.v.reason != BAD && s.v.reason != UNTRUSTED))
			fail_msg("good after %zu of %zu bytes", n, len);
	}
	s = judge_x509(j, (X509 *const[]){ l, i, i, i, i, i, NULL });
	expect("six", &s, SR_NONE, NULL);
	s = judge_x509(j, (X509 *const[]){ l, i, i, i, i, i, i, NULL });
	expect("seven", &s, BAD, "more than 6 certificates");
	s = judge_bytes(j, "", 0, CHAIN_AT, -1);
	expect("nothing", &s, BAD, "there is no certificate in it");
	s = judge_bytes(j, "<html>404</html>", 16, CHAIN_AT, -1);
	expect("HTML", &s, BAD, "there is no certificate in it");
	memset(pem, 'x', JUDGE_BODY_MAX + 1 - len);
	pem[JUDGE_BODY_MAX - len] = '\n';
	chain_pem(pem + JUDGE_BODY_MAX + 1 - len, len + 2, (X509 *const[]){ l, i, NULL });
	s = judge_bytes(j, pem + 1, JUDGE_BODY_MAX, CHAIN_AT, -1);
	expect("64 KiB", &s, SR_NONE, NULL);
	s = judge_bytes(j, pem, JUDGE_BODY_MAX + 1, CHAIN_AT, -1);
	expect("one byte more", &s, BAD, "larger than 65536 bytes");
	judge_free(j);
	chain_free(&c);
}

static size_t pem_of(const unsigned char *der, int len, char *ret, size_t cap)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int n;

	assert_true(PEM_write_bio(bio, "CERTIFICATE", "", der, len) > 0);
	n = BIO_read(bio, ret, (int)cap);
	BIO_free(bio);
	return (size_t)n;
}

/* One bit of each byte of the leaf, then of the intermediate, is changed: no such chain is good. */
static void test_one_bit(void **state)
{
	struct chain c = chain_new();
	struct judge *j = judge_for(&shaken, (X509 *const[]){ c.root.x, NULL });
	X509 *x[] = { c.leaf.x, c.intermediate.x };
	unsigned char *der[2] = { NULL, NULL };
	int len[2], untrusted = 0;

	(void)state;
	for (int k = 0; k < 2; k++)
		len[k] = i2d_X509(x[k], &der[k]);
	for (int which = 0; which < 2; which++) {
		for (int at = 0; at < len[which]; at++) {
			unsigned char bit = (unsigned char)(1 << at % 8);
			struct said s;
			size_t n;

			der[which][at] ^= bit;
			n = pem_of(der[0], len[0], pem, sizeof(pem));
			n += pem_of(der[1], len[1], pem + n, sizeof(pem) - n);
			s = judge_bytes(j, pem, n, CHAIN_AT, -1);
			if (s.v.kind != VERDICT_BAD || s.v.code != 437)
				fail_msg("certificate %d, byte %d: taken", which, at);
			untrusted += s.v.reason == UNTRUSTED;
			der[which][at] ^= bit;
		}
	}
	assert_true(untrusted > 200); /* two signatures and two points are 270 bytes */
	for (int k = 0; k < 2; k++)
		OPENSSL_free(der[k]);
	judge_free(j);
	chain_free(&c);
}

static void test_expiry(void **state)
{
	static const struct {
		const char *name;
		int64_t keep_s, until, want; /* relative to the moment */
	} cases[] = {
		{ "not said", -1, CHAIN_YEAR, CHAIN_DAY },
		{ "none", 0, CHAIN_YEAR, CHAIN_DAY },
		{ "an hour", 3600, CHAIN_YEAR, CHAIN_DAY },
		{ "two days", 2 * CHAIN_DAY, CHAIN_YEAR, 2 * CHAIN_DAY },
		{ "seven days", 7 * CHAIN_DAY, CHAIN_YEAR, 7 * CHAIN_DAY },
		{ "a year", CHAIN_YEAR, CHAIN_YEAR, 7 * CHAIN_DAY },
		{ "for ever", INT64_MAX, CHAIN_YEAR, 7 * CHAIN_DAY },
		{ "ends in an hour", 2 * CHAIN_DAY, 3600, 3600 },
		{ "ends in a second", 2 * CHAIN_DAY, 1, 1 },
	};
	struct chain c = chain_new();
	struct judge *j = judge_for(&shaken, (X509 *const[]){ c.root.x, NULL });

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(cases); k++) {
		struct certmake d = chain_desc("SHAKEN 1234", CHAIN_LEAF_EXT, &c.intermediate);
		struct made leaf;
		struct said s;
		size_t len;

		d.not_after = CHAIN_AT + cases[k].until;
		leaf = chain_make(d);
		len = chain_pem(pem, sizeof(pem), (X509 *const[]){ leaf.x, c.intermediate.x, NULL });
		s = judge_bytes(j, pem, len, CHAIN_AT, cases[k].keep_s);
		expect(cases[k].name, &s, SR_NONE, NULL);
		if (s.v.expires_at != CHAIN_AT + cases[k].want)
			fail_msg("%s: kept for %lld", cases[k].name, (long long)s.v.expires_at - CHAIN_AT);
		s = judge_bytes(j, pem, len, d.not_after, cases[k].keep_s);
		expect(cases[k].name, &s, EXPIRED, "");
		made_free(&leaf);
	}
	judge_free(j);
	chain_free(&c);
}

static void test_time_of_a_chain(void **state)
{
	struct chain c = chain_new();
	struct judge *j = judge_for(&shaken, (X509 *const[]){ c.root.x, NULL });
	size_t len = chain_pem(pem, sizeof(pem), (X509 *const[]){ c.leaf.x, c.intermediate.x, c.root.x, NULL });
	struct timespec from, to;
	enum { ROUNDS = 200 };
	struct verdict v;
	char text[256];

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (int k = 0; k < ROUNDS; k++) {
		assert_int_equal(judge_chain(j, pem, len, CHAIN_AT, -1, &v, text), 0);
		assert_int_equal(v.kind, VERDICT_GOOD);
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	print_message("a chain of three: %.0f us\n",
		      ((to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) / 1e3 / ROUNDS);
	judge_free(j);
	chain_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_leaf_faults),
		cmocka_unit_test(test_changed_leaf),
		cmocka_unit_test(test_intermediate_faults),
		cmocka_unit_test(test_untrusted),
		cmocka_unit_test(test_expired_root),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_one_bit),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_time_of_a_chain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
