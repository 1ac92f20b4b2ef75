/* SPDX-License-Identifier: BSD-2-Clause */
/* Identity as others write it (variants.h), before the verifier. */
#include "variants.h"

#include "sip/message.h"

static struct verify_call call_of(const struct variant *v)
{
	struct verify_call c = call_usual();

	c.date = v->date ? v->date : NOW;
	if (v->from)
		c.calling_cnt = *v->from ? 1 : 0;
	if (v->from && *v->from)
		c.calling[0] = tn_of(v->from);
	if (v->pai)
		c.calling[c.calling_cnt++] = tn_of(v->pai);
	if (v->to)
		c.dest[0] = c.request = tn_of(v->to);
	if (v->request)
		c.request = tn_of(v->request);
	return c;
}

static struct verify_result run(struct world *w, const struct variant *v, struct verify_call *c)
{
	char *row = variant_row(w, v);
	struct verify_env env = world_env(w);
	struct verify_result res;

	if (*row) {
		res = judge(w, c, row);
	} else {
		c->value_cnt = 0;
		assert_int_equal(verify_call_run(c, &env, &res), 0);
	}
	free(row);
	return res;
}

static void test_variants(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(variants); i++) {
		const struct variant *v = &variants[i];
		struct verify_call c = call_of(v);
		struct verify_result res;
		struct world w;

		world_init(&w);
		res = run(&w, v, &c);
		expect_result(v->name, &res, v->status, v->reason, v->code);
		if (v->status == VERIFY_VERIFIED && (res.row < 0 || res.rows[res.row].is_div))
			fail_msg("%s: row %d decides", v->name, res.row);
		/* what is wrong before any certificate costs no look-up */
		if (res.reason != SR_VERIFIED && res.reason != SR_SIGNATURE_BAD && w.asked)
			fail_msg("%s: %u certificates were asked for", v->name, w.asked);
		world_done(&w);
	}
}

/* The short name of the header. */
static void test_header_y(void **state)
{
	struct world w;
	struct verify_call c = call_usual();
	const struct sip_row *row;
	struct sip_message m;
	char text[2048], *token;
	struct verify_result res;

	(void)state;
	world_init(&w);
	token = token_new(w.key, HEADER, PAYLOAD, false);
	snprintf(text, sizeof(text),
		 "INVITE sip:+" DEST "@b SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"
		 "f: <sip:+" ORIG "@a>;tag=1\r\nt: <sip:+" DEST "@b>\r\ni: 1\r\nCSeq: 1 INVITE\r\n"
		 "y: %s" PARAMS "\r\nl: 0\r\n\r\n", token);
	assert_int_equal(sip_message_parse(text, strlen(text), &m), 0);
	row = sip_message_first(&m, SIP_H_IDENTITY);
	assert_non_null(row);
	snprintf(text, sizeof(text), "%.*s", (int)row->value.len, row->value.p);
	res = judge(&w, &c, text);
	expect_result("y", &res, VERIFY_VERIFIED, SR_VERIFIED, 0);
	free(token);
	world_done(&w);
}

#define SAMPLE_HEAD "eyJhbGciOiJFUzI1NiIsInR5cCI6InBhc3Nwb3J0Iiwic"
#define SAMPLE_TAIL                                                                    \
	"HBjIjoic2hha2VuIiwieDV1IjoiaHR0cHM6Ly9jZXJ0LmV4YW1wbG"                        \
	"UvY2VydHMvc3RpL3RuIn0.eyJhdHRlc3QiOiJBIiwiZGVzdCI6eyJ0"                       \
	"biI6WyIxNTU1MTIzNDU2NyJdfSwiaWF0IjoxNzM0MDAwMDAwLCJvcm"                       \
	"lnIjp7InRuIjoiMTgwMDU1NTAxMDAifSwib3JpZ2lkIjoiYWNtZS0"                        \
	"yMDI2LTA0In0."
#define SAMPLE_PARAMS INFO("https://cert.example.net/sti.pem") ";alg=ES256;ppt=shaken"

/* A row as it is shown in print: folded inside of the token, with "ppc" for "ppt" in its
 * header, with another x5u than info. */
static void test_sample(void **state)
{
	struct world w;
	struct verify_call c = call_usual();
	struct verify_result res;
	uint8_t sig[PASSPORT_SIG_LEN];
	char text[1024];
	int n;

	(void)state;
	world_init(&w);
	world_know(&w, "https://cert.example.net/sti.pem", VERDICT_GOOD);
	c.calling[0] = tn_of("sip:+18005550100@example.net");
	c.dest_cnt = 0; /* +15551234567 is nobody's: NANP has no exchange 123 */
	c.dest_uri = SLICE("sip:+15551234567@carrier.example");
	c.now = c.date = 1734000000;
	res = judge(&w, &c, SAMPLE_HEAD "\r\n " SAMPLE_TAIL "<sig>" SAMPLE_PARAMS);
	expect_result("as shown", &res, VERIFY_FAILED_CALL, SR_IDENTITY_SYNTAX, 438);
	n = sprintf(text, "%s", SAMPLE_HEAD SAMPLE_TAIL);
	world_sign(w.key, text, (size_t)n - 1, sig);
	n += (int)b64url_emit(sig, sizeof(sig), text + n, sizeof(text) - n);
	strcpy(text + n, SAMPLE_PARAMS);
	res = judge(&w, &c, text);
	expect_result("decoded and signed", &res, VERIFY_FAILED_CALL, SR_PASSPORT_SYNTAX, 438);
	assert_int_equal(w.asked, 0);
	world_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_variants),
		cmocka_unit_test(test_header_y),
		cmocka_unit_test(test_sample),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
