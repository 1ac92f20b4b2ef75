/* SPDX-License-Identifier: BSD-2-Clause */
/* The program when what it judges by changes: lists of revoked certificates by file and by URL, trust anchors. */
#include "procworld.h"

#define SOFT                                                                                                           \
	{                                                                                                              \
		.hello.has_crl = 1                                                                                     \
	}
#define HARD                                                                                                           \
	{                                                                                                              \
		.hello.has_crl = 1, .hello.is_crl_hard = 1                                                             \
	}

static struct fetcher_msg with_url(struct fetcher_msg m)
{
	snprintf(m.hello.crl_url, sizeof(m.hello.crl_url), "%s", url_to("c.localhost", &net.https, "/crl"));
	return m;
}

static void give_crl(struct proc *p, X509_CRL *crl)
{
	must(proc_give_crl(p, crl), "CRL");
	X509_CRL_free(crl);
}

static struct verdict not_good(struct proc *p, const char *url)
{
	uint64_t end = clock_mono_ns() + DEADLINE_NS;
	struct verdict v;

	while (look(p, url, &v) == VERDICT_GOOD)
		if (usleep(1000) || clock_mono_ns() > end)
			fail_msg("%s: still good", url);
	return v;
}

static void revoked(const struct verdict *v)
{
	assert_int_equal(v->kind, VERDICT_BAD);
	assert_int_equal(v->reason, SR_CERTIFICATE_REVOKED);
	assert_int_equal(v->code, 437);
}

/* A list that comes later revokes what is cached: with a disk cache at once, without one by the next fetch. */
static void test_file(void **state)
{
	(void)state;
	for (unsigned has_dir = 0; has_dir < 2; has_dir++) {
		char *dir = dir_new();
		struct proc p = { 0 };
		const char *url = url_to("a.localhost", &net.https, "/chain/f");
		X509_CRL *empty = crl_of(NULL, 3600);
		struct fetcher_stats s;
		struct verdict v;

		proc_start_with(&p, (struct fetcher_msg)SOFT, has_dir ? dir : NULL, empty);
		X509_CRL_free(empty);
		want(&p, url, VERDICT_GOOD);
		give_crl(&p, crl_of(net.ours.leaf.x, 600));
		v = not_good(&p, url);
		if (has_dir)
			v = wait_for(&p, url, VERDICT_BAD);
		else if (v.kind == VERDICT_UNKNOWN)
			v = want(&p, url, VERDICT_BAD);
		revoked(&v);
		assert_int_equal(dir_each(dir, NULL), 0); /* what is not good is not kept */
		s = proc_stats(&p);
		assert_true(s.crl_at >= net.now && s.crl_next_update > net.now);
		assert_string_equal(s.crl_error, "");
		/* older than the one there is: refused, it stays */
		empty = crl_of(NULL, 1200);
		assert_int_equal(proc_give_crl(&p, empty).head.error, -EINVAL);
		X509_CRL_free(empty);
		assert_non_null(strstr(proc_stats(&p).crl_error, "older"));
		assert_int_equal(look(&p, url, &v), VERDICT_BAD);
		/* and a newer one that says it is good again takes the word back */
		give_crl(&p, crl_of(NULL, 60));
		want(&p, url, VERDICT_GOOD);
		proc_stop(&p);
		dir_remove(dir);
	}
}

/* A chain on disk that was good, and a list by URL that says it is not. */
static void test_url(void **state)
{
	char *dir = dir_new();
	struct proc p = proc_start(dir);
	const char *url = url_to("a.localhost", &net.https, "/chain/u");
	struct verdict v;

	(void)state;
	want(&p, url, VERDICT_GOOD);
	proc_stop(&p);
	crl_serve(crl_of(net.ours.leaf.x, 600));
	p = (struct proc){ 0 };
	proc_start_with(&p, with_url((struct fetcher_msg)SOFT), dir, NULL);
	v = wait_for(&p, url, VERDICT_BAD);
	revoked(&v);
	assert_int_equal(dir_each(dir, NULL), 0);
	assert_string_equal(proc_stats(&p).crl_error, "");
	assert_true(proc_stats(&p).crl_at >= net.now);
	proc_stop(&p);
	crl_serve(NULL);
	dir_remove(dir);
}

/* The list's URL as somebody's x5u: no certificate, and the list is none the worse. */
static void test_url_as_x5u(void **state)
{
	struct proc p = { 0 };
	struct verdict v;

	(void)state;
	crl_serve(crl_of(NULL, 600));
	proc_start_with(&p, with_url((struct fetcher_msg)SOFT), NULL, NULL);
	v = want(&p, url_to("c.localhost", &net.https, "/crl"), VERDICT_BAD);
	assert_int_equal(v.reason, SR_CERTIFICATE_BAD);
	for (unsigned i = 0; i < 500 && !proc_stats(&p).crl_at; i++)
		usleep(10000);
	assert_true(proc_stats(&p).crl_at >= net.now);
	proc_stop(&p);
	crl_serve(NULL);
}

/* Soft: without a list calls are verified, and it is told; hard: nothing is believed until there is one, and what is on
 * disk is not lost for that. */
static void test_missing(void **state)
{
	char *dir = dir_new();
	struct proc p = { 0 };
	const char *url = url_to("a.localhost", &net.https, "/chain/m");
	struct verdict v;
	unsigned requests;

	(void)state;
	proc_start_with(&p, with_url((struct fetcher_msg)SOFT), dir, NULL);
	want(&p, url, VERDICT_GOOD);
	assert_non_null(strstr(entry(&p, url).text, "no CRL"));
	for (unsigned i = 0; i < 500 && !proc_stats(&p).crl_error[0]; i++)
		usleep(10000);
	assert_non_null(strstr(proc_stats(&p).crl_error, "404"));
	proc_stop(&p);
	p = (struct proc){ 0 };
	proc_start_with(&p, (struct fetcher_msg)HARD, dir, NULL);
	assert_int_equal(look(&p, url, &v), VERDICT_UNKNOWN);
	requests = net.https.requests;
	v = want(&p, url, VERDICT_BAD);
	revoked(&v);
	assert_int_equal(dir_each(dir, NULL), 1);
	assert_int_equal(proc_stats(&p).loading, 1);
	give_crl(&p, crl_of(NULL, 600));
	v = wait_for(&p, url, VERDICT_GOOD);
	assert_true(v.expires_at <= proc_stats(&p).crl_next_update);
	assert_int_equal(net.https.requests, requests);
	proc_stop(&p);
	dir_remove(dir);
}

/* Other anchors: what ended in the old ones is not good any more, what ends in the new ones is; bad ones are refused.
 */
static void test_anchors(void **state)
{
	(void)state;
	for (unsigned has_dir = 0; has_dir < 2; has_dir++) {
		char *dir = dir_new();
		struct proc p = proc_start(has_dir ? dir : NULL);
		const char *url = url_to("a.localhost", &net.https, "/chain/a"),
			   *other = url_to("a.localhost", &net.https, "/other/a");
		struct verdict v;

		want(&p, url, VERDICT_GOOD);
		assert_int_equal(want(&p, other, VERDICT_BAD).reason, SR_CERTIFICATE_UNTRUSTED);
		assert_int_equal(proc_give(&p, FETCHER_ANCHORS, net.chain, net.chain_len).head.error, -EINVAL);
		assert_int_equal(look(&p, url, &v), VERDICT_GOOD);
		must(proc_give(&p, FETCHER_ANCHORS, net.other_anchors, net.other_anchors_len), "ANCHORS");
		not_good(&p, url);
		assert_int_equal(want(&p, url, VERDICT_BAD).reason, SR_CERTIFICATE_UNTRUSTED);
		want(&p, other, VERDICT_GOOD);
		proc_stop(&p);
		dir_remove(dir);
	}
}

/* The list goes with the judge when only the anchors change. */
static void test_anchors_keep_list(void **state)
{
	struct proc p = { 0 };
	X509_CRL *crl = crl_of(net.ours.leaf.x, 600);
	struct verdict v;

	(void)state;
	proc_start_with(&p, (struct fetcher_msg)SOFT, NULL, crl);
	must(proc_give(&p, FETCHER_ANCHORS, net.anchors, net.anchors_len), "ANCHORS");
	v = want(&p, url_to("a.localhost", &net.https, "/chain/k"), VERDICT_BAD);
	revoked(&v);
	/* without the STI-PA among them nobody vouches for it */
	must(proc_give(&p, FETCHER_ANCHORS, net.other_anchors, net.other_anchors_len), "ANCHORS with the STI-PA");
	assert_string_equal(proc_stats(&p).crl_error, "");
	must(proc_give(&p, FETCHER_ANCHORS, net.anchors, strstr(net.anchors + 1, "-----BEGIN") - net.anchors),
	     "ANCHORS without");
	assert_non_null(strstr(proc_stats(&p).crl_error, "not signed by an anchor"));
	assert_int_equal(proc_stats(&p).crl_next_update, 0);
	X509_CRL_free(crl);
	proc_stop(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file),	   cmocka_unit_test(test_url),
		cmocka_unit_test(test_url_as_x5u), cmocka_unit_test(test_missing),
		cmocka_unit_test(test_anchors),	   cmocka_unit_test(test_anchors_keep_list),
	};

	return cmocka_run_group_tests(tests, net_setup, net_teardown);
}
