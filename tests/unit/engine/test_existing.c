/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Identity rows of others, and calls that cannot be signed.
 */
#include "world.h"

/* A good row of somebody else - here our own output - is not doubled; a stale or foreign one is. */
static void test_existing_good(void **state)
{
	static struct world w;
	static char again[70000], sos[70000];
	size_t len, sos_len;

	(void)state;
	world_new(&w, NULL);
	world_run(&w, MSG(FROM, ""), strlen(MSG(FROM, "")));
	assert_int_equal(w.out.reason, SR_SIGNED);
	memcpy(again, w.bytes, w.len);
	len = w.len;
	world_run(&w, again, len);
	assert_int_equal(w.out.reason, SR_ALREADY_SIGNED);
	assert_int_equal(sign_calls, 1);
	world_run(&w, EMERGENCY(FROM, ""), strlen(EMERGENCY(FROM, "")));
	memcpy(sos, w.bytes, w.len);
	sos_len = w.len;
	world_run(&w, sos, sos_len);
	assert_int_equal(w.out.reason, SR_ALREADY_SIGNED);
	w.env.now_ms += 61000; /* now the row is stale, and so is the Date */
	world_run(&w, again, len);
	assert_int_equal(w.out.reason, SR_STALE_DATE);
	world_free(&w);
}

/* Rows of somebody else beside what the trunk would say: which of them count as good? */
static void test_existing_rows(void **state)
{
#define HDR(ppt) "{\"alg\":\"ES256\",\"ppt\":\"" ppt "\",\"typ\":\"passport\",\"x5u\":\"https://x/y\"}"
#define CLAIMS(dest, iat, orig) \
	"{\"attest\":\"B\",\"dest\":{" dest "},\"iat\":" iat ",\"orig\":{" orig "},\"origid\":\"o\"}"
#define TN_DEST "\"tn\":[\"12155550113\"]"
#define TN_ORIG "\"tn\":\"12155550112\""
#define GOOD    CLAIMS(TN_DEST, "1767225600", TN_ORIG)
#define PARAMS  ";info=<https://x/y>;alg=ES256;ppt=shaken\r\n"
	static const struct {
		const char *name, *before, *from, *header, *claims, *params;
		enum sipseal_reason reason;
	} rows[] = {
		{ "good", "Identity: ", FROM, HDR("shaken"), GOOD, PARAMS, SR_ALREADY_SIGNED },
		{ "compact name, quoted, folded", "y : ", FROM, HDR("shaken"), GOOD,
		  "\r\n ;ppt=\"shaken\"\r\n ;info=<https://x/y>\r\n", SR_ALREADY_SIGNED },
		{ "behind another row", "Identity: a.b.c;info=<https://x/y>;ppt=div\r\nIdentity: ", FROM, HDR("shaken"),
		  GOOD, PARAMS, SR_ALREADY_SIGNED },
		{ "behind another value", "Identity: a.b.c;info=<https://x/y>;ppt=div,", FROM, HDR("shaken"), GOOD, PARAMS,
		  SR_ALREADY_SIGNED },
		{ "several dests", "Identity: ", FROM, HDR("shaken"),
		  CLAIMS("\"tn\":[\"12155550100\",\"12155550113\"]", "1767225600", TN_ORIG), PARAMS, SR_ALREADY_SIGNED },
		{ "oldest fresh", "Identity: ", FROM, HDR("shaken"), CLAIMS(TN_DEST, "1767225540", TN_ORIG), PARAMS,
		  SR_ALREADY_SIGNED },
		{ "stale", "Identity: ", FROM, HDR("shaken"), CLAIMS(TN_DEST, "1767225539", TN_ORIG), PARAMS, SR_SIGNED },
		{ "from the future", "Identity: ", FROM, HDR("shaken"), CLAIMS(TN_DEST, "1767225661", TN_ORIG), PARAMS,
		  SR_SIGNED },
		{ "another orig", "Identity: ", FROM, HDR("shaken"), CLAIMS(TN_DEST, "1767225600", "\"tn\":\"1\""), PARAMS,
		  SR_SIGNED },
		{ "another dest", "Identity: ", FROM, HDR("shaken"), CLAIMS("\"tn\":[\"1\"]", "1767225600", TN_ORIG),
		  PARAMS, SR_SIGNED },
		{ "another type", "Identity: ", FROM, HDR("div"), GOOD, PARAMS, SR_SIGNED },
		{ "another info", "Identity: ", FROM, HDR("shaken"), GOOD, ";info=<https://x/z>;ppt=shaken\r\n", SR_SIGNED },
		{ "another alg", "Identity: ", FROM, HDR("shaken"), GOOD, ";info=<https://x/y>;alg=none;ppt=shaken\r\n",
		  SR_SIGNED },
		{ "no ppt", "Identity: ", FROM, HDR("shaken"), GOOD, ";info=<https://x/y>\r\n", SR_SIGNED },
		{ "a URI is not the number that a call lacks", "Identity: ", "<sip:alice@x>", HDR("shaken"),
		  CLAIMS(TN_DEST, "1767225600", "\"uri\":\"sip:alice@x\""), PARAMS, SR_NO_ORIG },
	};
	static const char zero[PASSPORT_SIG_LEN];
	static struct world w;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char msg[4096], token[2048];
		ssize_t n = b64url_emit(rows[i].header, strlen(rows[i].header), token, sizeof(token));

		token[n++] = '.';
		n += b64url_emit(rows[i].claims, strlen(rows[i].claims), token + n, sizeof(token) - (size_t)n);
		token[n++] = '.';
		n += b64url_emit(zero, sizeof(zero), token + n, sizeof(token) - (size_t)n);
		snprintf(msg, sizeof(msg), "%s%s;tag=1\r\nTo: " TO "\r\n%s%.*s%s" SDP_TAIL,
			 "INVITE " URI " SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.7;branch=z9hG4bK1\r\nCall-ID: a\r\n"
			 "CSeq: 1 INVITE\r\nFrom: ", rows[i].from, rows[i].before, (int)n, token, rows[i].params);
		world_new(&w, NULL);
		world_run(&w, msg, strlen(msg));
		if (w.out.reason != rows[i].reason)
			fail_msg("%s: %s", rows[i].name, reason_token(w.out.reason));
		world_free(&w);
	}
}

static void test_certificate(void **state)
{
	static struct world w;
	struct policy_credential *cred;

	(void)state;
	world_new(&w, NULL);
	w.env.now_ms += 86401 * 1000ll;
	world_run(&w, MSG(FROM, ""), strlen(MSG(FROM, "")));
	assert_int_equal(w.out.reason, SR_CERTIFICATE_INVALID);
	cred = (struct policy_credential *)(uintptr_t)policy_credential_get(w.policy, 0);
	cred->is_usable = 0;
	world_run(&w, MSG(FROM, ""), strlen(MSG(FROM, "")));
	assert_int_equal(w.out.reason, SR_CERTIFICATE_MISSING);
	assert_int_equal(sign_calls, 0);
	world_free(&w);
}

/* A signature that cannot be made leaves neither Identity nor Date behind. */
static void test_sign_failed(void **state)
{
	static struct world w;

	(void)state;
	world_new(&w, NULL);
	sign_error = -EIO;
	world_run(&w, MSG(FROM, ""), strlen(MSG(FROM, "")));
	assert_int_equal(w.out.reason, SR_SIGN_FAILED);
	assert_int_equal(w.out.verdict, VERDICT_PASS);
	assert_null(memmem(w.bytes, w.len, "Identity: e", 11));
	assert_null(memmem(w.bytes, w.len, "Date:", 5));
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_existing_good),
		cmocka_unit_test(test_existing_rows),
		cmocka_unit_test(test_certificate),
		cmocka_unit_test(test_sign_failed),
	};

	return cmocka_run_group_tests_name("engine_identity", tests, NULL, NULL);
}
