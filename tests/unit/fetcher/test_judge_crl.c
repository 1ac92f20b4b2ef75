/* SPDX-License-Identifier: BSD-2-Clause */
#include "crls.h"
#include "judging.h"

#include "base/clock.h"

#define REVOKED SR_CERTIFICATE_REVOKED

static int set_bytes(struct judge *j, const void *data, size_t len, int64_t at, char err[160])
{
	struct guard g = guard_new(data, len);
	int64_t next = -99;
	int r = judge_crl_set(j, g.p, g.len, at, &next, err);

	guard_free(&g);
	if (r < 0)
		assert_int_equal(next, -99);
	else
		assert_true(next > CHAIN_AT - CHAIN_YEAR);
	return r;
}

static int set(struct judge *j, struct crl_desc d, char err[160])
{
	X509_CRL *crl;
	unsigned char *der = NULL;
	int len, r;

	if (!d.this_update)
		d.this_update = THIS;
	if (!d.next_update)
		d.next_update = NEXT;
	else if (d.next_update < 0)
		d.next_update = 0;
	crl = crl_make(&d);
	len = i2d_X509_CRL(crl, &der);
	r = set_bytes(j, der, (size_t)len, CHAIN_AT, err);
	OPENSSL_free(der);
	X509_CRL_free(crl);
	return r;
}

/* A chain and the STI-PA, which has nothing to do with it. */
struct world {
	struct chain c;
	struct made pa;
	struct judge *soft, *hard;
};

static struct world world_new(void)
{
	static const struct judge_config soft = { true, CRL_SOFT, true }, hard = { true, CRL_HARD, true };
	struct world w = { .c = chain_new() };

	w.pa = chain_make(chain_desc("STI-PA", PA_EXT, NULL));
	w.soft = judge_for(&soft, (X509 *const[]){ w.c.root.x, w.pa.x, NULL });
	w.hard = judge_for(&hard, (X509 *const[]){ w.c.root.x, w.pa.x, NULL });
	return w;
}

static void world_free(struct world *w)
{
	judge_free(w->soft);
	judge_free(w->hard);
	made_free(&w->pa);
	chain_free(&w->c);
}

static struct said ask(const struct world *w, struct judge *j)
{
	return judge_x509(j, (X509 *const[]){ w->c.leaf.x, w->c.intermediate.x, NULL });
}

/* Sets the list in both judges and asks them. */
static void check(const char *name, struct world *w, struct crl_desc d, enum sipseal_reason soft,
		  enum sipseal_reason hard, const char *text)
{
	char err[160] = "";
	struct said s;

	if (set(w->soft, d, err) != 0 || set(w->hard, d, err) != 0)
		fail_msg("%s: refused: %s", name, err);
	s = ask(w, w->soft);
	expect(name, &s, soft, text);
	s = ask(w, w->hard);
	expect(name, &s, hard, text);
}

static void test_none(void **state)
{
	struct world w = world_new();
	struct judge *none = judge_for(&shaken, (X509 *const[]){ w.c.root.x, w.pa.x, NULL });
	const struct crl_desc d = { .signer = &w.pa, .ext = INDIRECT, .revoked = { w.c.leaf.x }, .names_issuer = { true } };
	char err[160];
	struct said s;

	(void)state;
	s = ask(&w, w.soft);
	expect("soft", &s, SR_NONE, "there is no CRL");
	s = ask(&w, w.hard);
	expect("hard", &s, REVOKED, "there is no CRL, and crl.policy is hard");
	assert_int_equal(set(none, d, err), 0);
	s = ask(&w, none);
	expect("not configured", &s, SR_NONE, NULL);
	judge_free(none);
	world_free(&w);
}

static void test_indirect(void **state)
{
	struct world w = world_new();
	struct made other = chain_make(chain_desc("Other CA", CA_EXT(""), &w.c.root));
	struct made stranger = chain_make(chain_desc("SHAKEN 9", CHAIN_LEAF_EXT, &other));
	X509 *leaf = w.c.leaf.x, *ca = w.c.intermediate.x;
	struct crl_desc d = { .signer = &w.pa, .ext = INDIRECT };

	(void)state;
	check("empty", &w, d, SR_NONE, SR_NONE, NULL);
	d.revoked[0] = leaf;
	d.names_issuer[0] = true;
	check("leaf", &w, d, REVOKED, REVOKED, "leaf: is revoked");
	d.revoked[0] = ca;
	check("intermediate", &w, d, REVOKED, REVOKED, "intermediate 1: is revoked");
	d.revoked[0] = stranger.x;
	check("a stranger", &w, d, SR_NONE, SR_NONE, NULL);
	/* the issuer stays until another is named (RFC 5280 s5.3.3) */
	d.revoked[1] = leaf;
	check("the serial number of the leaf, another issuer", &w, d, SR_NONE, SR_NONE, NULL);
	d.names_issuer[1] = true;
	check("with its issuer", &w, d, REVOKED, REVOKED, "leaf: is revoked");
	d = (struct crl_desc){ .signer = &w.pa, .ext = INDIRECT, .revoked = { leaf } };
	check("no issuer: that of the CRL", &w, d, SR_NONE, SR_NONE, NULL);
	made_free(&other);
	made_free(&stranger);
	world_free(&w);
}

static void test_direct(void **state)
{
	struct world w = world_new();
	X509 *leaf = w.c.leaf.x, *ca = w.c.intermediate.x;
	char err[160];
	struct said s;

	(void)state;
	/* the root's own list says nothing of the leaf */
	check("intermediate", &w, (struct crl_desc){ .signer = &w.c.root, .revoked = { ca } }, REVOKED, REVOKED,
	      "intermediate 1: is revoked");
	assert_int_equal(set(w.soft, (struct crl_desc){ .signer = &w.c.root }, err), 0);
	s = ask(&w, w.soft);
	expect("root, soft", &s, SR_NONE, "the CRL is not for the leaf's issuer");
	assert_int_equal(set(w.hard, (struct crl_desc){ .signer = &w.c.root, .revoked = { leaf } }, err), 0);
	s = ask(&w, w.hard);
	expect("root, hard", &s, REVOKED, "the CRL is not for the leaf's issuer, and");
	world_free(&w);
}

static size_t with_certificates(const struct crl_desc *d, X509 *const x[], char *ret, size_t cap)
{
	X509_CRL *crl = crl_make(d);
	BIO *bio = BIO_new(BIO_s_mem());
	int n;

	assert_int_equal(PEM_write_bio_X509_CRL(bio, crl), 1);
	for (size_t k = 0; x[k]; k++)
		assert_int_equal(PEM_write_bio_X509(bio, x[k]), 1);
	n = BIO_read(bio, ret, (int)cap);
	BIO_free(bio);
	X509_CRL_free(crl);
	return (size_t)n;
}

/* The signer is no anchor, but a chain beside the list leads to one. */
static void test_signer_below_an_anchor(void **state)
{
	struct world w = world_new();
	struct made pa_ca = chain_make(chain_desc("PA CA", CA_EXT(""), &w.c.root));
	struct made pa = chain_make(chain_desc("PA", PA_EXT "authorityKeyIdentifier = keyid\n", &pa_ca));
	struct made call = chain_make(chain_desc("PA", CHAIN_LEAF_EXT, &pa_ca));
	struct made bare = chain_make(chain_desc("PA", "[ext]\nbasicConstraints = CA:FALSE\n", &pa_ca));
	struct certmake old = chain_desc("PA", PA_EXT, &pa_ca);
	struct made late, own = chain_make(chain_desc("PA", PA_EXT, NULL));
	static char pem[32768];

	(void)state;
	old.not_after = CHAIN_AT - 1;
	late = chain_make(old);
	const struct {
		const char *name;
		const struct made *signer;
		X509 *x[8];
		int ret;
	} cases[] = {
		{ "whole chain", &pa, { pa.x, pa_ca.x }, 0 },
		{ "in any order, with the root", &pa, { w.c.root.x, pa_ca.x, pa.x }, 0 },
		{ "no certificate", &pa, { NULL }, -EBADMSG },
		{ "no CA", &pa, { pa.x }, -EBADMSG },
		{ "signer missing", &pa, { pa_ca.x }, -EBADMSG },
		{ "signed by itself", &own, { own.x }, -EBADMSG },
		{ "another key of the name", &own, { pa.x, pa_ca.x }, -EBADMSG },
		{ "a call certificate", &call, { call.x, pa_ca.x }, -EBADMSG },
		{ "no keyUsage", &bare, { bare.x, pa_ca.x }, -EBADMSG },
		{ "expired", &late, { late.x, pa_ca.x }, -EBADMSG },
		{ "too many", &pa, { pa.x, pa_ca.x, pa.x, pa.x, pa.x, pa.x, pa.x }, -EBADMSG },
	};
	for (size_t k = 0; k < ARRAY_SIZE(cases); k++) {
		const struct crl_desc d = { .signer = cases[k].signer, .ext = INDIRECT, .this_update = THIS,
					    .next_update = NEXT, .revoked = { w.c.leaf.x }, .names_issuer = { true } };
		size_t len = with_certificates(&d, cases[k].x, pem, sizeof(pem));
		char err[160] = "";
		struct said s;
		struct world f = { .c = w.c };
		static const struct judge_config soft = { true, CRL_SOFT, true };

		f.soft = judge_for(&soft, (X509 *const[]){ w.c.root.x, NULL });
		if (set_bytes(f.soft, pem, len, CHAIN_AT, err) != cases[k].ret)
			fail_msg("%s: %s", cases[k].name, err);
		s = ask(&f, f.soft);
		expect(cases[k].name, &s, cases[k].ret ? SR_NONE : REVOKED, "");
		judge_free(f.soft);
	}
	made_free(&pa_ca);
	made_free(&pa);
	made_free(&call);
	made_free(&bare);
	made_free(&late);
	made_free(&own);
	world_free(&w);
}

/* A list is over: who is revoked stays so; for the rest the policy decides. */
static void test_times(void **state)
{
	struct world w = world_new();
	struct crl_desc d = { .signer = &w.pa, .ext = INDIRECT, .this_update = THIS - CHAIN_DAY, .next_update = CHAIN_AT - 1 };
	static char pem[8192];
	size_t len;
	struct said s;

	(void)state;
	check("expired", &w, d, SR_NONE, REVOKED, "the CRL is too old");
	d.revoked[0] = w.c.leaf.x;
	d.names_issuer[0] = true;
	check("expired, revoked", &w, d, REVOKED, REVOKED, "leaf: is revoked");
	d = (struct crl_desc){ .signer = &w.pa, .ext = INDIRECT, .next_update = CHAIN_AT };
	check("ends now", &w, d, SR_NONE, REVOKED, "too old");
	d.next_update++;
	check("ends in a second", &w, d, SR_NONE, SR_NONE, NULL);

	/* hard: a verdict lives no longer than the list it rests on */
	d.next_update = CHAIN_AT + 3600;
	check("an hour", &w, d, SR_NONE, SR_NONE, NULL);
	s = ask(&w, w.hard);
	assert_int_equal(s.v.expires_at, CHAIN_AT + 3600);
	s = ask(&w, w.soft);
	assert_int_equal(s.v.expires_at, CHAIN_AT + CHAIN_DAY);
	len = chain_pem(pem, sizeof(pem), (X509 *const[]){ w.c.leaf.x, w.c.intermediate.x, NULL });
	s = judge_bytes(w.hard, pem, len, CHAIN_AT + 3600, -1);
	expect("an hour later", &s, REVOKED, "too old");
	world_free(&w);
}

/* What is refused leaves the list that there is. */
static void test_refused(void **state)
{
	struct world w = world_new();
	struct made other = chain_make(chain_desc("STI-PA", PA_EXT, NULL));
	struct made no_sign = chain_make(chain_desc("No", CHAIN_LEAF_EXT, NULL));
	static const struct judge_config hard = { true, CRL_HARD, true };
	struct certmake ended = chain_desc("Old PA", PA_EXT, NULL);
	struct made late = (ended.not_after = CHAIN_AT - 1, chain_make(ended));
	struct judge *j = judge_for(&hard, (X509 *const[]){ w.c.root.x, w.pa.x, no_sign.x, late.x, NULL });
	const struct {
		const char *name;
		struct crl_desc d;
		const char *err;
	} cases[] = {
		{ "another key", { .signer = &other, .ext = INDIRECT }, "not signed by an anchor" },
		{ "no cRLSign", { .signer = &no_sign, .ext = INDIRECT }, "not signed by an anchor" },
		{ "expired anchor", { .signer = &late, .ext = INDIRECT }, "not signed by an anchor" },
		{ "unknown name", { .signer = &w.c.leaf, .ext = INDIRECT }, "not signed by an anchor" },
		{ "SHA-1", { .signer = &w.pa, .ext = INDIRECT, .digest = "SHA1" }, "weak algorithm" },
		{ "older", { .signer = &w.pa, .ext = INDIRECT "2.5.29.20 = DER:020109\n", .this_update = THIS - 1 }, "older" },
		{ "smaller number", { .signer = &w.pa, .ext = INDIRECT "2.5.29.20 = DER:020104\n" }, "older" },
		{ "future", { .signer = &w.pa, .ext = INDIRECT, .this_update = CHAIN_AT + 301 }, "made in the future" },
		{ "no nextUpdate", { .signer = &w.pa, .ext = INDIRECT, .next_update = -1 }, "nextUpdate is missing" },
		{ "ends before it begins", { .signer = &w.pa, .ext = INDIRECT, .next_update = THIS - 1 }, "makes no sense" },
		{ "delta", { .signer = &w.pa, .ext = INDIRECT "2.5.29.27 = critical,DER:020101\n" }, "delta" },
		{ "CAs only", { .signer = &w.pa, .ext = "issuingDistributionPoint = critical,onlyCA:true,indirectCRL:true\n" },
		  "not a CRL for call certificates" },
		{ "some reasons", { .signer = &w.pa, .ext =
		  "issuingDistributionPoint = critical,onlysomereasons:keyCompromise,indirectCRL:true\n" },
		  "not a CRL for call certificates" },
		{ "broken IDP", { .signer = &w.pa, .ext = "2.5.29.28 = critical,DER:300484020000\n" }, "malformed" },
		{ "unknown critical", { .signer = &w.pa, .ext = INDIRECT "1.2.3.4 = critical,DER:0500\n" }, "not known" },
		{ "unknown critical in an entry", { .signer = &w.pa, .ext = INDIRECT, .revoked = { other.x },
		  .entry_ext = "critical,DER:0500" }, "not known" },
	};
	const struct crl_desc first = { .signer = &w.pa, .ext = INDIRECT "2.5.29.20 = DER:020105\n", .revoked = { w.c.leaf.x },
					.names_issuer = { true } };
	struct crl_desc last = { .signer = &w.pa, .ext = INDIRECT "2.5.29.20 = DER:020106\n1.2.3.4 = DER:0500\n",
				 .revoked = { other.x }, .entry_ext = "DER:0500" };
	char err[160] = "";
	struct said s;

	(void)state;
	assert_int_equal(set(j, first, err), 0);
	for (size_t k = 0; k < ARRAY_SIZE(cases); k++) {
		err[0] = '\0';
		if (set(j, cases[k].d, err) != -EBADMSG || !strstr(err, cases[k].err))
			fail_msg("%s: says '%s', want '%s'", cases[k].name, err, cases[k].err);
		s = ask(&w, j);
		expect(cases[k].name, &s, REVOKED, "leaf: is revoked");
	}
	assert_int_equal(set(j, first, err), 0); /* the same once more */
	assert_int_equal(set(j, last, err), 0);
	s = ask(&w, j);
	expect("the next one", &s, SR_NONE, NULL);
	judge_free(j);
	made_free(&other);
	made_free(&no_sign);
	made_free(&late);
	world_free(&w);
}

/* PEM and DER cut at every length, and each byte changed: nothing but the whole is taken. */
static void test_bytes(void **state)
{
	struct world w = world_new();
	const struct crl_desc d = { .signer = &w.pa, .ext = INDIRECT, .this_update = THIS, .next_update = NEXT,
				    .revoked = { w.c.leaf.x }, .names_issuer = { true } };
	X509_CRL *crl = crl_make(&d);
	unsigned char *der = NULL;
	int len = i2d_X509_CRL(crl, &der);
	static char pem[8192];
	size_t pem_len = with_certificates(&d, (X509 *const[]){ NULL }, pem, sizeof(pem));
	char err[160];
	static char two[16384];
	struct said s;

	(void)state;
	for (int n = 0; n < len; n++)
		assert_int_equal(set_bytes(w.soft, der, (size_t)n, CHAIN_AT, err), -EBADMSG);
	for (int n = 0; n < len; n++) {
		der[n] ^= (unsigned char)(1 << n % 8);
		if (set_bytes(w.soft, der, (size_t)len, CHAIN_AT, err) != -EBADMSG)
			fail_msg("byte %d changed: taken", n);
		der[n] ^= (unsigned char)(1 << n % 8);
	}
	for (size_t n = 0; n + 1 < pem_len; n++)
		if (set_bytes(w.soft, pem, n, CHAIN_AT, err) != -EBADMSG)
			fail_msg("PEM of %zu bytes of %zu: taken", n, pem_len);
	s = ask(&w, w.soft);
	expect("nothing was taken", &s, SR_NONE, "there is no CRL");
	memcpy(two, der, (size_t)len);
	assert_int_equal(set_bytes(w.soft, two, (size_t)len + 1, CHAIN_AT, err), -EBADMSG);
	assert_string_equal(err, "more bytes behind the CRL");
	memcpy(two, pem, pem_len);
	memcpy(two + pem_len, pem, pem_len);
	assert_int_equal(set_bytes(w.soft, two, 2 * pem_len, CHAIN_AT, err), -EBADMSG);
	assert_string_equal(err, "more than one CRL");
	assert_int_equal(set_bytes(w.soft, pem, pem_len, CHAIN_AT, err), 0);
	s = ask(&w, w.soft);
	expect("PEM", &s, REVOKED, "leaf: is revoked");
	OPENSSL_free(der);
	X509_CRL_free(crl);
	world_free(&w);
}

/* What is served as a list may be anything, and nobody may wait for it: 16 MiB of certificates. */
static void test_many_certificates(void **state)
{
	struct world w = world_new();
	char *all = malloc(JUDGE_CRL_MAX), err[160] = "";
	static char pem[8192];
	size_t len = chain_pem(pem, sizeof(pem), (X509 *const[]){ w.pa.x, NULL }), at = 0;
	uint64_t begin;

	(void)state;
	for (; at + len <= JUDGE_CRL_MAX; at += len)
		memcpy(all + at, pem, len);
	begin = clock_mono_ns();
	assert_int_equal(set_bytes(w.soft, all, at, CHAIN_AT, err), -EBADMSG);
	assert_true(clock_mono_ns() - begin < 1500000000u); /* less than the daemon's patience */
	assert_string_equal(err, "too many certificates beside the CRL");
	free(all);
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),	cmocka_unit_test(test_indirect),
		cmocka_unit_test(test_direct),	cmocka_unit_test(test_signer_below_an_anchor),
		cmocka_unit_test(test_times),	cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bytes),	cmocka_unit_test(test_many_certificates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
