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

	/* what is a CA by its keyUsage alone is a root, and might pass for a leaf */
	made_free(&own);
	own = chain_make(chain_desc("SHAKEN 1234", "[ext]\nkeyUsage = digitalSignature,keyCertSign\n" CHAIN_TNAUTH, NULL));
	pinned = judge_for(&shaken, (X509 *const[]){ own.x, NULL });
	s = judge_x509(pinned, (X509 *const[]){ own.x, NULL });
	expect("pinned root as leaf", &s, UNTRUSTED, "leaf: is signed by itself");
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

/* The chain is valid while all of it is. */
static void test_validity_of_a_chain(void **state)
{
	static const struct {
		const char *name;
		int from[3], until[3], want_from, want_until; /* days; root, intermediate, leaf */
	} cases[] = {
		{ "leaf is shortest", { -9, -8, -7 }, { 9, 8, 7 }, -7, 7 },
		{ "intermediate is shortest", { -9, -1, -7 }, { 9, 2, 7 }, -1, 2 },
		{ "root is shortest", { -1, -8, -7 }, { 3, 8, 7 }, -1, 3 },
	};

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(cases); k++) {
		static const char *const ext[] = { CHAIN_ROOT_EXT, CHAIN_INTERMEDIATE_EXT, CHAIN_LEAF_EXT };
		static const char *const cn[] = { "Root", "CA", "SHAKEN 1234" };
		struct made m[3];
		struct judge *j;
		struct said s;
		size_t len;

		for (int n = 0; n < 3; n++) {
			struct certmake d = chain_desc(cn[n], ext[n], n ? &m[n - 1] : NULL);

			d.not_before = CHAIN_AT + cases[k].from[n] * (int64_t)CHAIN_DAY;
			d.not_after = CHAIN_AT + cases[k].until[n] * (int64_t)CHAIN_DAY;
			m[n] = chain_make(d);
		}
		j = judge_for(&shaken, (X509 *const[]){ m[0].x, NULL });
		len = chain_pem(pem, sizeof(pem), (X509 *const[]){ m[2].x, m[1].x, NULL });
		s = judge_bytes(j, pem, len, CHAIN_AT, CHAIN_YEAR);
		expect(cases[k].name, &s, SR_NONE, NULL);
		assert_int_equal(s.v.not_before, CHAIN_AT + cases[k].want_from * (int64_t)CHAIN_DAY);
		assert_int_equal(s.v.not_after, CHAIN_AT + cases[k].want_until * (int64_t)CHAIN_DAY);
		assert_int_equal(s.v.expires_at, s.v.not_after);
		judge_free(j);
		for (int n = 0; n < 3; n++)
			made_free(&m[n]);
	}
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
		cmocka_unit_test(test_untrusted),
		cmocka_unit_test(test_expired_root),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_one_bit),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_validity_of_a_chain),
		cmocka_unit_test(test_time_of_a_chain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
