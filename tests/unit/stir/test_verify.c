/* SPDX-License-Identifier: BSD-2-Clause */
/* What a call comes to: times, certificates, several rows, limits. */
#include "verify_world.h"

#include <inttypes.h>

static struct world w;

static int setup(void **state)
{
	(void)state;
	world_init(&w);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_done(&w);
	return 0;
}

/* "<token>" PARAMS in a static buffer */
static const char *row_of(EVP_PKEY *key, const char *header, const char *payload, const char *params)
{
	static char rows[4][PASSPORT_TOKEN_MAX + 1024];
	static unsigned next;
	char *row = rows[next++ % ARRAY_SIZE(rows)], *token = token_new(key, header, payload, false);

	snprintf(row, sizeof(rows[0]), "%s%s", token, params);
	free(token);
	return row;
}

static const char *usual(void)
{
	return row_of(w.key, HEADER, PAYLOAD, PARAMS);
}

static const char *payload_at(int64_t iat)
{
	static char text[512];

	snprintf(text, sizeof(text),
		 "{\"attest\":\"B\",\"dest\":{\"tn\":[\"" DEST "\"]},\"iat\":%" PRId64 ",\"orig\":{\"tn\":\"" ORIG
		 "\"},\"origid\":\"" UUID "\"}", iat);
	return text;
}

static void test_row(void **state)
{
	struct verify_call c = call_usual();
	struct verify_result r = judge(&w, &c, usual());

	(void)state;
	expect_result("usual", &r, VERIFY_VERIFIED, SR_VERIFIED, 0);
	assert_int_equal(r.row, 0);
	assert_int_equal(r.row_cnt, 1);
	assert_string_equal(r.phrase, "");
	assert_false(r.is_div_verified);
	assert_string_equal(r.rows[0].ppt, "shaken");
	assert_int_equal(r.rows[0].attest, 'A');
	assert_string_equal(r.rows[0].origid, UUID);
	assert_string_equal(r.rows[0].x5u, X5U);
	assert_string_equal(r.rows[0].spc, "709J");
	assert_int_equal(r.rows[0].iat, NOW);
	assert_int_equal(w.asked, 1);
	assert_int_equal(w.verified, 1);
}

/* What goes into headers of ours holds nothing that ends a parameter or a row. */
static void test_origid_is_a_token(void **state)
{
	static const struct {
		const char *name, *json, *want;
	} cases[] = {
		{ "text", "acme-2026-04", "acme-2026-04" }, { "semicolon", "a;attest=A", "" },
		{ "line", "a\\r\\nX: y", "" },		    { "blank", "a b", "" },
		{ "UTF-8", "\\u00fc", "" },		    { "quote", "a\\\"", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct verify_call c = call_usual();
		struct verify_result r;
		char payload[512];

		snprintf(payload, sizeof(payload),
			 "{\"attest\":\"A\",\"dest\":{\"tn\":[\"" DEST "\"]},\"iat\":%d,\"orig\":{\"tn\":\"" ORIG
			 "\"},\"origid\":\"%s\"}", NOW, cases[i].json);
		r = judge(&w, &c, row_of(w.key, HEADER, payload, PARAMS));
		expect_result(cases[i].name, &r, VERIFY_VERIFIED, SR_VERIFIED, 0);
		assert_string_equal(r.rows[0].origid, cases[i].want);
	}
}

static void test_times(void **state)
{
	static const struct {
		const char *name;
		int64_t iat, date; /* from now; date 1: none */
		enum sipseal_reason reason;
	} cases[] = {
		{ "now", 0, 0, SR_VERIFIED },
		{ "oldest iat", -60, 0, SR_VERIFIED },
		{ "iat too old", -61, 0, SR_PASSPORT_STALE },
		{ "latest iat", VERIFY_FUTURE_S, 0, SR_VERIFIED },
		{ "iat too late", VERIFY_FUTURE_S + 1, 0, SR_PASSPORT_STALE },
		{ "iat at the end of time", INT64_MAX - NOW, 0, SR_PASSPORT_STALE },
		{ "oldest Date", 0, -60, SR_VERIFIED },
		{ "Date too old", 0, -61, SR_PASSPORT_STALE },
		{ "latest Date", 0, VERIFY_FUTURE_S, SR_VERIFIED },
		{ "Date too late", 0, VERIFY_FUTURE_S + 1, SR_PASSPORT_STALE },
		{ "Date that cannot be parsed", 0, INT64_MIN, SR_PASSPORT_STALE },
		{ "no Date", 0, 1, SR_VERIFIED },
		{ "no Date, iat too old", -61, 1, SR_PASSPORT_STALE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct verify_call c = call_usual();
		struct verify_result r;

		c.has_date = cases[i].date != 1;
		c.date = cases[i].date == INT64_MIN ? INT64_MIN : NOW + cases[i].date;
		r = judge(&w, &c, row_of(w.key, HEADER, payload_at(NOW + cases[i].iat), PARAMS));
		expect_result(cases[i].name, &r,
			      cases[i].reason == SR_VERIFIED ? VERIFY_VERIFIED : VERIFY_FAILED_CALL,
			      cases[i].reason, cases[i].reason == SR_VERIFIED ? 0 : 403);
	}
}

struct cert_case {
	const char *name;
	void (*set)(struct verdict *v);
	enum sipseal_reason reason;
	unsigned code;
};

#define SET(name, ...) \
	static void name(struct verdict *v) { __VA_ARGS__; }
SET(as_it_is, (void)v)
SET(over_now, v->not_after = NOW - 1)
SET(over_soon, v->not_after = NOW)
SET(not_yet, v->not_before = NOW + 1)
SET(not_yet_at_iat, v->not_before = NOW - 4) /* iat is five seconds ago */
SET(just_begun, v->not_before = NOW - 5)

static void range_set(struct verdict *v, unsigned i, const char *first, const char *last)
{
	v->has_spc = 0;
	v->range_cnt = (uint8_t)(i + 1);
	strcpy(v->ranges[i].first, first);
	strcpy(v->ranges[i].last, last);
}

SET(no_list, v->has_spc = 0)
SET(one, range_set(v, 0, ORIG, ORIG))
SET(range, range_set(v, 0, "12155550000", "12155559999"))
SET(first, range_set(v, 0, ORIG, "12155559999"))
SET(last, range_set(v, 0, "12155550000", ORIG))
SET(before, range_set(v, 0, "12155550113", "12155559999"))
SET(behind, range_set(v, 0, "12155550000", "12155550111"))
SET(shorter, range_set(v, 0, "1215555", "1215556"))
SET(second, range_set(v, 0, "331", "332"); range_set(v, 1, ORIG, ORIG))
SET(spc_too, range_set(v, 0, "331", "332"); v->has_spc = 1)
SET(must_attest, v->must_cnt = 1; strcpy(v->must[0], "attest"))
SET(must_rcd, v->must_cnt = 2; strcpy(v->must[0], "attest"); strcpy(v->must[1], "rcd"))
SET(never_rcd, v->never_cnt = 1; strcpy(v->never[0], "rcd"))
SET(never_attest, v->never_cnt = 2; strcpy(v->never[0], "rcd"); strcpy(v->never[1], "attest"))

static void test_certificates(void **state)
{
	static const struct cert_case cases[] = {
		{ "usual", as_it_is, SR_VERIFIED, 0 },
		{ "over now", over_now, SR_CERTIFICATE_EXPIRED, 437 },
		{ "last second", over_soon, SR_VERIFIED, 0 },
		{ "not yet valid", not_yet, SR_CERTIFICATE_EXPIRED, 437 },
		{ "valid now, not at iat", not_yet_at_iat, SR_CERTIFICATE_EXPIRED, 437 },
		{ "valid since iat", just_begun, SR_VERIFIED, 0 },
		{ "no list of numbers", no_list, SR_VERIFIED, 0 },
		{ "the number", one, SR_VERIFIED, 0 },
		{ "in the range", range, SR_VERIFIED, 0 },
		{ "first of the range", first, SR_VERIFIED, 0 },
		{ "last of the range", last, SR_VERIFIED, 0 },
		{ "before the range", before, SR_NUMBER_UNAUTHORIZED, 437 },
		{ "behind the range", behind, SR_NUMBER_UNAUTHORIZED, 437 },
		{ "range of shorter numbers", shorter, SR_NUMBER_UNAUTHORIZED, 437 },
		{ "in the second range", second, SR_VERIFIED, 0 },
		{ "outside, but an SPC", spc_too, SR_VERIFIED, 0 },
		{ "a claim that must be", must_attest, SR_VERIFIED, 0 },
		{ "a claim that must be is not", must_rcd, SR_NUMBER_UNAUTHORIZED, 437 },
		{ "a claim that must not be is not", never_rcd, SR_VERIFIED, 0 },
		{ "a claim that must not be", never_attest, SR_NUMBER_UNAUTHORIZED, 437 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct verify_call c = call_usual();
		struct verdict saved = w.known[0].v;
		struct verify_result r;

		w.verified = 0;
		cases[i].set(&w.known[0].v);
		r = judge(&w, &c, row_of(w.key, HEADER, payload_at(NOW - 5), PARAMS));
		w.known[0].v = saved;
		expect_result(cases[i].name, &r,
			      cases[i].code ? VERIFY_FAILED_CALL : VERIFY_VERIFIED, cases[i].reason,
			      cases[i].code);
		assert_int_equal(w.verified, cases[i].code == 0);
	}
}

/* A "+" in the claim does not lead around the list. */
static void test_range_with_plus(void **state)
{
	static const char payload[] = "{\"attest\":\"A\",\"dest\":{\"tn\":[\"" DEST "\"]},\"iat\":1767225600,"
				      "\"orig\":{\"tn\":\"+" ORIG "\"},\"origid\":\"x\"}";
	struct verify_call c = call_usual();
	struct verify_result r;

	(void)state;
	one(&w.known[0].v);
	r = judge(&w, &c, row_of(w.key, HEADER, payload, PARAMS));
	expect_result("inside", &r, VERIFY_VERIFIED, SR_VERIFIED, 0);
	before(&w.known[0].v);
	r = judge(&w, &c, row_of(w.key, HEADER, payload, PARAMS));
	expect_result("outside", &r, VERIFY_FAILED_CALL, SR_NUMBER_UNAUTHORIZED, 437);
}

static void test_bad_verdicts(void **state)
{
	static const struct {
		unsigned reason, code;
		enum sipseal_reason want;
		unsigned want_code;
	} cases[] = {
		{ SR_X5U_REFUSED, 436, SR_X5U_REFUSED, 436 },
		{ SR_FETCH_FAILED, 436, SR_FETCH_FAILED, 436 },
		{ SR_CERTIFICATE_BAD, 437, SR_CERTIFICATE_BAD, 437 },
		{ SR_CERTIFICATE_UNTRUSTED, 437, SR_CERTIFICATE_UNTRUSTED, 437 },
		{ SR_CERTIFICATE_EXPIRED, 437, SR_CERTIFICATE_EXPIRED, 437 },
		{ SR_CERTIFICATE_REVOKED, 437, SR_CERTIFICATE_REVOKED, 437 },
		{ SR_NUMBER_UNAUTHORIZED, 437, SR_NUMBER_UNAUTHORIZED, 437 },
		/* what nobody may say of a certificate */
		{ SR_VERIFIED, 0, SR_CERTIFICATE_BAD, 437 },
		{ SR_NONE, 403, SR_CERTIFICATE_BAD, 437 },
		{ SR_CERTIFICATE_PENDING, 0, SR_CERTIFICATE_BAD, 437 },
		{ 255, 65535, SR_CERTIFICATE_BAD, 437 },
	};
	struct verify_call c = call_usual();

	(void)state;
	w.known[0].kind = VERDICT_BAD;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct verify_result r;

		w.known[0].v.reason = (uint8_t)cases[i].reason;
		w.known[0].v.code = (uint16_t)cases[i].code;
		r = judge(&w, &c, usual());
		expect_result("bad", &r, VERIFY_FAILED_CALL, cases[i].want, cases[i].want_code);
		assert_string_equal(r.phrase, verify_phrase(r.code));
	}
	assert_int_equal(w.verified, 0);
}

static void test_wait(void **state)
{
	struct verify_call c = call_usual();
	char rows[8192];
	struct slice wanted[VERIFY_ROWS_MAX];
	struct verify_result r;

	(void)state;
	w.known_cnt = 0;
	r = judge(&w, &c, usual());
	expect_result("unknown", &r, VERIFY_WAIT, SR_CERTIFICATE_PENDING, 0);
	assert_int_equal(r.row, 0);
	assert_int_equal(verify_wanted(&r, wanted), 1);
	assert_true(slice_eq(wanted[0], SLICE(X5U)));
	/* the same URL twice, and a row that is bad already */
	snprintf(rows, sizeof(rows), "e30.e30.AAAA" PARAMS ",%s,%s", usual(), usual());
	r = judge(&w, &c, rows);
	expect_result("beside a bad one", &r, VERIFY_WAIT, SR_CERTIFICATE_PENDING, 0);
	assert_int_equal(r.row, 1);
	assert_int_equal(verify_wanted(&r, wanted), 1);
	world_know(&w, X5U, VERDICT_GOOD);
	r = judge(&w, &c, rows);
	expect_result("when it has come", &r, VERIFY_VERIFIED, SR_VERIFIED, 0);
	assert_int_equal(verify_wanted(&r, wanted), 0);
}

/* A row whose certificate is not there does not hold up a call that is good. */
static void test_no_wait_beside_a_good_row(void **state)
{
	static const char header[] = "{\"alg\":\"ES256\",\"ppt\":\"shaken\",\"typ\":\"passport\",\"x5u\":\"" X5U_DIV "\"}";
	struct verify_call c = call_usual();
	char rows[4096];
	struct verify_result r;

	(void)state;
	snprintf(rows, sizeof(rows), "%s,%s", row_of(w.key, header, PAYLOAD, INFO(X5U_DIV)), usual());
	r = judge(&w, &c, rows);
	expect_result("good beside unknown", &r, VERIFY_VERIFIED, SR_VERIFIED, 0);
	assert_int_equal(r.row, 1);
	assert_int_equal(r.rows[0].reason, SR_CERTIFICATE_PENDING);
}

/* The last stage reached decides; each row of this table is a header of its own. */
static void test_which_failure(void **state)
{
	char bad_sig[1024], stale[1024], alg[1024], refused[1024];
	struct slice values[4];
	struct verify_call c = call_usual();
	struct verify_env env = world_env(&w);
	struct verify_result r;

	(void)state;
	strcpy(bad_sig, row_of(w.other, HEADER, PAYLOAD, PARAMS));
	strcpy(stale, row_of(w.key, HEADER, payload_at(NOW - 100), PARAMS));
	strcpy(alg, row_of(w.key, HEADER, PAYLOAD, INFO(X5U) ";alg=ES384"));
	strcpy(refused, row_of(w.key, "{\"alg\":\"ES256\",\"ppt\":\"shaken\",\"typ\":\"passport\",\"x5u\":\"x:\"}", PAYLOAD,
			       ";info=<x:>"));
	values[0] = slice_str(stale);
	values[1] = slice_str(refused);
	values[2] = slice_str(alg);
	values[3] = slice_str(bad_sig);
	c.values = values;
	static const struct {
		enum sipseal_reason reason;
		unsigned code;
	} want[] = { { SR_PASSPORT_STALE, 403 }, { SR_X5U_REFUSED, 436 }, { SR_ALG_UNSUPPORTED, 437 },
		     { SR_SIGNATURE_BAD, 438 } };
	for (unsigned n = 1; n <= 4; n++) {
		c.value_cnt = n;
		assert_int_equal(verify_call_run(&c, &env, &r), 0);
		expect_result("rows", &r, VERIFY_FAILED_CALL, want[n - 1].reason, want[n - 1].code);
		assert_int_equal(r.row, n - 1);
		assert_int_equal(r.row_cnt, n);
	}
	/* of two 438 the one that got further, in any order */
	values[0] = slice_str(bad_sig);
	values[1] = SLICE("e30.e30.AAAA" PARAMS);
	c.value_cnt = 2;
	assert_int_equal(verify_call_run(&c, &env, &r), 0);
	expect_result("two of a code", &r, VERIFY_FAILED_CALL, SR_SIGNATURE_BAD, 438);
}

static void test_limits(void **state)
{
	struct slice values[VERIFY_ROWS_MAX + 1];
	struct verify_call c = call_usual();
	struct verify_env env = world_env(&w);
	struct verify_result r;
	char row[1024];

	(void)state;
	strcpy(row, usual());
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		values[i] = SLICE("a.b.c");
	values[7] = slice_str(row);
	c.values = values;
	c.value_cnt = VERIFY_ROWS_MAX;
	assert_int_equal(verify_call_run(&c, &env, &r), 0);
	expect_result("eight", &r, VERIFY_VERIFIED, SR_VERIFIED, 0);
	assert_int_equal(r.row, 7);
	w.asked = 0;
	c.value_cnt++;
	assert_int_equal(verify_call_run(&c, &env, &r), 0);
	expect_result("nine", &r, VERIFY_FAILED_CALL, SR_IDENTITY_SYNTAX, 438);
	assert_int_equal(r.row, -1);
	assert_int_equal(r.row_cnt, 0);
	assert_int_equal(w.asked, 0);
	/* a header without a value is no missing Identity */
	values[0] = SLICE(" ");
	c.value_cnt = 1;
	assert_int_equal(verify_call_run(&c, &env, &r), 0);
	expect_result("empty", &r, VERIFY_FAILED_CALL, SR_IDENTITY_SYNTAX, 438);
}

/* JSON: how deep, how long, how many claims, no name twice. */
static void test_json_limits(void **state)
{
#define EXTRA(x) "{\"attest\":\"A\",\"dest\":{\"tn\":[\"" DEST "\"]},\"iat\":1767225600,\"orig\":{\"tn\":\"" ORIG \
	"\"},\"origid\":\"x\"," x "}"
#define C5(n) "\"a" n "\":1,\"b" n "\":1,\"c" n "\":1,\"d" n "\":1,\"e" n "\":1"
#define C25   C5("1") "," C5("2") "," C5("3") "," C5("4") "," C5("5")
	static const struct {
		const char *name, *payload;
		enum sipseal_reason reason;
	} cases[] = {
		{ "8 deep", EXTRA("\"x\":[[[[[[[1]]]]]]]"), SR_VERIFIED },
		{ "9 deep", EXTRA("\"x\":[[[[[[[[1]]]]]]]]"), SR_PASSPORT_SYNTAX },
		{ "brackets in a string", EXTRA("\"x\":\"[[[[[[[[[[\\\"[[[[[[[[[[\""), SR_VERIFIED },
		{ "32 claims", EXTRA(C25 ",\"f\":1,\"g\":1"), SR_VERIFIED },
		{ "33 claims", EXTRA(C25 ",\"f\":1,\"g\":1,\"h\":1"), SR_PASSPORT_SYNTAX },
		{ "a name twice", EXTRA("\"x\":1,\"x\":1"), SR_PASSPORT_SYNTAX },
		{ "a name twice, once escaped", EXTRA("\"\\u0069at\":1767225600"), SR_PASSPORT_SYNTAX },
		{ "a name twice, below", EXTRA("\"x\":{\"y\":1,\"y\":2}"), SR_PASSPORT_SYNTAX },
		{ "a name longer than any", EXTRA("\"a-claim-with-quite-a-long-name\":1"), SR_VERIFIED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct verify_call c = call_usual();
		struct verify_result r = judge(&w, &c, row_of(w.key, HEADER, cases[i].payload, PARAMS));
		bool is_good = cases[i].reason == SR_VERIFIED;

		expect_result(cases[i].name, &r, is_good ? VERIFY_VERIFIED : VERIFY_FAILED_CALL,
			      cases[i].reason, is_good ? 0 : 438);
	}
}

static void test_replay(void **state)
{
	struct verify_call c = call_usual();
	struct verify_result r;
	char row[1024], *at;
	uint8_t sig[PASSPORT_SIG_LEN], first[PASSPORT_SIG_LEN];
	BIGNUM *s, *n = NULL;

	(void)state;
	BN_hex2bn(&n, "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551");
	strcpy(row, usual());
	r = judge(&w, &c, row);
	expect_result("first", &r, VERIFY_VERIFIED, SR_VERIFIED, 0);
	memcpy(first, w.seen_sig, sizeof(first));
	assert_memory_equal(first, r.rows[0].sig, sizeof(first));
	/* (r, n - s) is as good, and known by the same name */
	at = strstr(row, ";info") - B64URL_LEN(PASSPORT_SIG_LEN);
	assert_int_equal(b64url_parse(slice_of(at, B64URL_LEN(PASSPORT_SIG_LEN)), sig, sizeof(sig)), PASSPORT_SIG_LEN);
	s = BN_bin2bn(sig + 32, 32, NULL);
	assert_int_equal(BN_sub(s, n, s), 1);
	BN_bn2binpad(s, sig + 32, 32);
	b64url_emit(sig, sizeof(sig), at, B64URL_LEN(PASSPORT_SIG_LEN));
	r = judge(&w, &c, row);
	expect_result("other s", &r, VERIFY_VERIFIED, SR_VERIFIED, 0);
	assert_memory_equal(first, w.seen_sig, sizeof(first));
	w.is_seen = true;
	r = judge(&w, &c, row);
	expect_result("seen", &r, VERIFY_FAILED_CALL, SR_REPLAYED, 438);
	BN_free(s);
	BN_free(n);
}

/* Our own trouble is no verdict. */
static void test_own_errors(void **state)
{
	struct verify_call c = call_usual();
	struct verify_env env = world_env(&w);
	struct verify_result r = { .row = 77 };
	char row[1024];
	struct slice value;

	(void)state;
	strcpy(row, usual());
	value = slice_str(row);
	c.values = &value;
	c.value_cnt = 1;
	w.signature_error = -EPERM;
	assert_int_equal(verify_call_run(&c, &env, &r), -EIO);
	w.signature_error = -ENOMEM;
	assert_int_equal(verify_call_run(&c, &env, &r), -ENOMEM);
	assert_int_equal(r.row, 77);
	w.signature_error = 0;
	env.replayed = NULL;
	assert_int_equal(verify_call_run(&c, &env, &r), 0);
	assert_int_equal(r.status, VERIFY_VERIFIED);
}

static void test_words(void **state)
{
	char text[64];
	ssize_t n;

	(void)state;
	assert_string_equal(verify_phrase(403), "Stale Date");
	assert_string_equal(verify_phrase(428), "Use Identity Header");
	assert_string_equal(verify_phrase(437), "Unsupported Credential");
	assert_string_equal(verify_phrase(438), "Invalid Identity Header");
	assert_string_equal(verify_phrase(486), "");
	n = verify_reason_value(436, text, sizeof(text));
	assert_int_equal(n, 39);
	assert_memory_equal(text, "STIR;cause=436;text=\"Bad Identity Info\"", 39);
	assert_int_equal(verify_reason_value(436, text, 39), 39);
	assert_int_equal(verify_reason_value(436, text, 38), -ENOSPC);
	assert_int_equal(verify_reason_value(200, text, sizeof(text)), -EINVAL);
}

#define CASE(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_row),
		CASE(test_origid_is_a_token),
		CASE(test_times),
		CASE(test_certificates),
		CASE(test_range_with_plus),
		CASE(test_bad_verdicts),
		CASE(test_wait),
		CASE(test_no_wait_beside_a_good_row),
		CASE(test_which_failure),
		CASE(test_limits),
		CASE(test_json_limits),
		CASE(test_replay),
		CASE(test_own_errors),
		CASE(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
