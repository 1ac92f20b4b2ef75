/* SPDX-License-Identifier: BSD-2-Clause */
/* Diverted calls (RFC 8946), and the compact form (RFC 8225 s7): each row signed by OpenSSL. */
#include "verify_world.h"

#define A ORIG
#define B DEST
#define C NEXT
#define D "12155550115"
#define SHAKEN_TO(to)                                                                            \
	"{\"attest\":\"A\",\"dest\":{\"tn\":[\"" to "\"]},\"iat\":1767225600,\"orig\":{\"tn\":\"" A "\"},\"origid\":\"x\"}"
#define DIV(div, dest, iat, orig)                                                                \
	"{\"dest\":{\"tn\":[\"" dest "\"]},\"div\":" div ",\"iat\":" iat ",\"orig\":{\"tn\":\"" orig "\"}}"
#define HOP(from, to)  DIV("{\"tn\":\"" from "\"}", to, "1767225600", A)
#define IS_DIV(p)      { "div", p, false, X5U_DIV }
#define IS_SHAKEN(p)   { "shaken", p, false, X5U }
#define BAD_DIV(p)     { "div", p, true, X5U_DIV }

struct row {
	const char *ppt, *payload;
	bool is_forged;
	const char *x5u;
};

enum know { KNOWN, DIV_UNKNOWN, DIV_BAD, DIV_OF_B, DIV_OF_D };

static const struct chain_case {
	const char *name;
	struct row rows[4];
	const char *to, *request;
	enum verify_status status;
	enum sipseal_reason reason;
	unsigned code;
	bool is_div;
	enum know know;
} chains[] = {
#define GOOD	      VERIFY_VERIFIED, SR_VERIFIED, 0
#define MISMATCH      VERIFY_FAILED_CALL, SR_DEST_MISMATCH, 438
#define PLUS(tn)      "sip:+" tn "@a"
#define SHAKEN_TO_B   IS_SHAKEN(SHAKEN_TO(B))
	{ "shaken alone, To as it was", { SHAKEN_TO_B }, PLUS(B), PLUS(C), GOOD },
	{ "shaken alone, To retargeted", { SHAKEN_TO_B }, PLUS(C), PLUS(C), MISMATCH },
	{ "one hop", { SHAKEN_TO_B, IS_DIV(HOP(B, C)) }, PLUS(B), PLUS(C), GOOD, true },
	{ "one hop, To retargeted", { SHAKEN_TO_B, IS_DIV(HOP(B, C)) }, PLUS(C), PLUS(C), GOOD, true },
	{ "one hop, rows in another order", { IS_DIV(HOP(B, C)), SHAKEN_TO_B }, PLUS(C), PLUS(C), GOOD, true },
	{ "two hops", { IS_DIV(HOP(C, D)), SHAKEN_TO_B, IS_DIV(HOP(B, C)) }, PLUS(D), PLUS(D), GOOD, true },
	{ "two hops, the first one missing", { IS_DIV(HOP(C, D)), SHAKEN_TO_B }, PLUS(D), PLUS(D), MISMATCH },
	{ "two hops, the last one missing", { IS_DIV(HOP(B, C)), SHAKEN_TO_B }, PLUS(D), PLUS(D), MISMATCH },
	{ "leads to another number than the Request-URI", { SHAKEN_TO_B, IS_DIV(HOP(B, C)) }, PLUS(B), PLUS(D), GOOD },
	{ "not the outermost leads there", { SHAKEN_TO_B, IS_DIV(HOP(B, C)), IS_DIV(HOP(C, D)) }, PLUS(C), PLUS(C),
	  MISMATCH },
	{ "in a circle", { SHAKEN_TO_B, IS_DIV(HOP(B, C)), IS_DIV(HOP(C, B)) }, PLUS(B), PLUS(B), GOOD },
	{ "to itself", { SHAKEN_TO_B, IS_DIV(HOP(C, C)) }, PLUS(C), PLUS(C), MISMATCH },
	{ "to itself and another", { SHAKEN_TO_B, IS_DIV(HOP(B, B "\",\"" C)) }, PLUS(C), PLUS(C), GOOD, true },
	{ "div rows only", { IS_DIV(HOP(B, C)), IS_DIV(HOP(C, D)) }, PLUS(D), PLUS(D), MISMATCH },
	{ "with +", { SHAKEN_TO_B, IS_DIV(DIV("{\"tn\":\"+" B "\"}", "+" C, "1767225600", "+" A)) }, PLUS(C), PLUS(C), GOOD,
	  true },
	{ "div with hi", { SHAKEN_TO_B, IS_DIV(DIV("{\"tn\":\"" B "\",\"hi\":\"1\"}", C, "1767225600", A)) }, PLUS(C),
	  PLUS(C), GOOD, true },
	{ "div tn and uri", { SHAKEN_TO_B, IS_DIV(DIV("{\"tn\":\"" B "\",\"uri\":\"sip:a@b\"}", C, "1767225600", A)) },
	  PLUS(C), PLUS(C), MISMATCH },
	{ "div an array", { SHAKEN_TO_B, IS_DIV(DIV("{\"tn\":[\"" B "\"]}", C, "1767225600", A)) }, PLUS(C), PLUS(C),
	  MISMATCH },
	{ "div with opt", { SHAKEN_TO_B, IS_DIV(DIV("{\"tn\":\"" B "\"},\"opt\":\"x\"", C, "1767225600", A)) }, PLUS(C),
	  PLUS(C), MISMATCH },
	{ "div by URI",
	  { { "shaken",
	      "{\"attest\":\"A\",\"dest\":{\"uri\":[\"sip:x@y\",\"SIP:%42ob@Example.com:5060;a=b\"]},\"iat\":1767225600,"
	      "\"orig\":{\"tn\":\"" A "\"},\"origid\":\"x\"}", false, X5U },
	    IS_DIV(DIV("{\"uri\":\"sip:bob@example.com\"}", C, "1767225600", A)) },
	  PLUS(C), PLUS(C), GOOD, true },
	{ "another orig", { SHAKEN_TO_B, IS_DIV(DIV("{\"tn\":\"" B "\"}", C, "1767225600", D)) }, PLUS(C), PLUS(C),
	  MISMATCH },
	{ "stale div", { SHAKEN_TO_B, IS_DIV(DIV("{\"tn\":\"" B "\"}", C, "1767225500", A)) }, PLUS(C), PLUS(C), MISMATCH },
	{ "forged div", { SHAKEN_TO_B, BAD_DIV(HOP(B, C)) }, PLUS(C), PLUS(C), VERIFY_FAILED_CALL, SR_SIGNATURE_BAD, 438 },
	{ "forged div, To as it was", { SHAKEN_TO_B, BAD_DIV(HOP(B, C)) }, PLUS(B), PLUS(C), GOOD },
	{ "forged div beside the chain", { SHAKEN_TO_B, IS_DIV(HOP(B, C)), BAD_DIV(HOP(C, D)) }, PLUS(C), PLUS(C), GOOD,
	  true },
	{ "forged inner row", { { "shaken", SHAKEN_TO(B), true, X5U }, IS_DIV(HOP(B, C)) }, PLUS(C), PLUS(C),
	  VERIFY_FAILED_CALL, SR_SIGNATURE_BAD, 438 },
	{ "certificate of div unknown", { SHAKEN_TO_B, IS_DIV(HOP(B, C)) }, PLUS(C), PLUS(C), VERIFY_WAIT,
	  SR_CERTIFICATE_PENDING, 0, false, DIV_UNKNOWN },
	{ "certificate of div unknown, To as it was", { SHAKEN_TO_B, IS_DIV(HOP(B, C)) }, PLUS(B), PLUS(C), GOOD, false,
	  DIV_UNKNOWN },
	{ "certificate of div unknown, nothing to hope for",
	  { { "shaken", SHAKEN_TO(B), true, X5U }, IS_DIV(HOP(B, C)) }, PLUS(C), PLUS(C), VERIFY_FAILED_CALL,
	  SR_SIGNATURE_BAD, 438, false, DIV_UNKNOWN },
	{ "certificate of the inner row unknown, nothing to hope for",
	  { { "shaken", SHAKEN_TO(B), false, "https://cr.example.com/unknown.pem" }, BAD_DIV(HOP(B, C)) }, PLUS(C), PLUS(C),
	  VERIFY_FAILED_CALL, SR_SIGNATURE_BAD, 438 },
	{ "certificate of div bad", { SHAKEN_TO_B, IS_DIV(HOP(B, C)) }, PLUS(C), PLUS(C), MISMATCH, false, DIV_BAD },
	{ "certificate of div is of the old number", { SHAKEN_TO_B, IS_DIV(HOP(B, C)) }, PLUS(C), PLUS(C), GOOD, true,
	  DIV_OF_B },
	{ "certificate of div is of another number", { SHAKEN_TO_B, IS_DIV(HOP(B, C)) }, PLUS(C), PLUS(C), MISMATCH, false,
	  DIV_OF_D },
};

static void know_div(struct world *w, enum know know)
{
	struct verdict *v;

	if (know == DIV_UNKNOWN)
		return;
	v = world_know(w, X5U_DIV, know == DIV_BAD ? VERDICT_BAD : VERDICT_GOOD);
	v->reason = SR_CERTIFICATE_UNTRUSTED;
	v->code = 437;
	if (know == DIV_OF_B || know == DIV_OF_D) {
		v->has_spc = 0;
		v->range_cnt = 1;
		strcpy(v->ranges[0].first, know == DIV_OF_B ? B : D);
		strcpy(v->ranges[0].last, know == DIV_OF_B ? B : D);
	}
}

/* All rows of a case, comma-joined. */
static void rows_emit(struct world *w, const struct chain_case *t, char *text, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(t->rows) && t->rows[i].ppt; i++) {
		const struct row *row = &t->rows[i];
		char header[256], *token;

		snprintf(header, sizeof(header), "{\"alg\":\"ES256\",\"ppt\":\"%s\",\"typ\":\"passport\",\"x5u\":\"%s\"}",
			 row->ppt, row->x5u);
		token = token_new(row->is_forged ? w->other : w->key, header, row->payload, false);
		n += (size_t)snprintf(text + n, cap - n, "%s%s;info=<%s>;ppt=%s", i ? "," : "", token, row->x5u,
				      row->ppt);
		free(token);
	}
	assert_true(n < cap);
}

static void test_chains(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(chains); i++) {
		const struct chain_case *t = &chains[i];
		struct verify_call c = call_usual();
		char text[4096];
		struct verify_result r;
		struct world w;

		world_init(&w);
		know_div(&w, t->know);
		c.dest[0] = tn_of(t->to);
		c.request = tn_of(t->request);
		rows_emit(&w, t, text, sizeof(text));
		r = judge(&w, &c, text);
		expect_result(t->name, &r, t->status, t->reason, t->code);
		if (r.is_div_verified != t->is_div)
			fail_msg("%s: chain is %d", t->name, r.is_div_verified);
		if (r.status == VERIFY_VERIFIED && r.rows[r.row].is_div)
			fail_msg("%s: a div row decides", t->name);
		world_done(&w);
	}
}

/* Only what may come is waited for. */
static void test_wanted(void **state)
{
	static const struct chain_case t = { .rows = { SHAKEN_TO_B, IS_DIV(HOP(B, C)) } };
	struct verify_call c = call_usual();
	struct slice wanted[VERIFY_ROWS_MAX];
	char text[4096];
	struct verify_result r;
	struct world w;

	(void)state;
	world_init(&w);
	c.dest[0] = c.request = tn_of(PLUS(C));
	rows_emit(&w, &t, text, sizeof(text));
	r = judge(&w, &c, text);
	assert_int_equal(r.status, VERIFY_WAIT);
	assert_int_equal(verify_wanted(&r, wanted), 1);
	assert_true(slice_eq(wanted[0], SLICE(X5U_DIV)));
	world_done(&w);
}

/* The rows of a chain agree about who calls, also where the call shows two numbers. */
static void test_one_orig(void **state)
{
	static const struct chain_case t = { .rows = { SHAKEN_TO_B, IS_DIV(DIV("{\"tn\":\"" B "\"}", C, "1767225600", D)) } };
	struct verify_call c = call_usual();
	char text[4096];
	struct verify_result r;
	struct world w;

	(void)state;
	world_init(&w);
	world_know(&w, X5U_DIV, VERDICT_GOOD);
	c.calling[1] = tn_of(PLUS(D));
	c.calling_cnt = 2;
	c.dest[0] = c.request = tn_of(PLUS(C));
	rows_emit(&w, &t, text, sizeof(text));
	r = judge(&w, &c, text);
	expect_result("two numbers", &r, MISMATCH);
	world_done(&w);
}

/* A chain that is not known yet does not help a row that was seen before. */
static void test_replayed(void **state)
{
	static const struct chain_case t = { .rows = { SHAKEN_TO_B, IS_DIV(HOP(B, C)) } };
	struct verify_call c = call_usual();
	char text[4096];
	struct verify_result r;
	struct world w;

	(void)state;
	world_init(&w);
	w.is_seen = true;
	c.request = tn_of(PLUS(C));
	rows_emit(&w, &t, text, sizeof(text));
	r = judge(&w, &c, text);
	expect_result("replayed", &r, VERIFY_FAILED_CALL, SR_REPLAYED, 438);
	world_done(&w);
}

/* No number is called: nothing a chain could lead to. */
static void test_no_request_number(void **state)
{
	static const struct chain_case t = { .rows = { SHAKEN_TO_B, IS_DIV(DIV("{\"tn\":\"" B "\"}", "", "1767225600", A)) } };
	struct verify_call c = call_usual();
	char text[4096];
	struct verify_result r;
	struct world w;

	(void)state;
	world_init(&w);
	world_know(&w, X5U_DIV, VERDICT_GOOD);
	c.dest[0] = tn_of(PLUS(C));
	c.request = (struct tn){ 0 };
	rows_emit(&w, &t, text, sizeof(text));
	r = judge(&w, &c, text);
	expect_result("no number", &r, MISMATCH);
	world_done(&w);
}

#define URI_PAYLOAD(dest, orig) "{\"dest\":" dest ",\"iat\":1767225600,\"orig\":" orig "}"
#define URI_ORIG		"{\"uri\":\"sip:alice@example.com\"}"

static const struct uri_case {
	const char *name, *payload;
	const char *calling_uri, *dest_uri; /* NULL: the usual number */
	const char *params;
	bool has_no_date;
	int64_t date;
	enum verify_status status;
	enum sipseal_reason reason;
	unsigned code;
	bool is_full;
} forms[] = {
	{ "compact", BASELINE_PAYLOAD, NULL, NULL, INFO(X5U) ";alg=ES256", false, NOW, GOOD },
	{ "compact, info only", BASELINE_PAYLOAD, NULL, NULL, INFO(X5U), false, NOW, GOOD },
	{ "compact with ppt", PAYLOAD, NULL, NULL, PARAMS, false, NOW, VERIFY_FAILED_CALL, SR_PASSPORT_SYNTAX, 438 },
	{ "compact of claims that the call does not show", PAYLOAD, NULL, NULL, INFO(X5U), false, NOW,
	  VERIFY_FAILED_CALL, SR_SIGNATURE_BAD, 438 },
	{ "compact without Date", BASELINE_PAYLOAD, NULL, NULL, INFO(X5U), true, NOW, VERIFY_FAILED_CALL,
	  SR_PASSPORT_SYNTAX, 438 },
	{ "compact of another Date", BASELINE_PAYLOAD, NULL, NULL, INFO(X5U), false, NOW - 1, VERIFY_FAILED_CALL,
	  SR_SIGNATURE_BAD, 438 },
	{ "compact, stale", BASELINE_PAYLOAD, NULL, NULL, INFO(X5U), false, NOW - 61, VERIFY_FAILED_CALL,
	  SR_PASSPORT_STALE, 403 },
	{ "compact, signed for another x5u", BASELINE_PAYLOAD, NULL, NULL, INFO(X5U_DIV), false, NOW,
	  VERIFY_FAILED_CALL, SR_SIGNATURE_BAD, 438 },
	{ "compact of URIs", URI_PAYLOAD("{\"uri\":[\"urn:service:sos\"]}", URI_ORIG), "SIP:Alice@Example.com:5070;x=y",
	  "urn:service:sos", INFO(X5U), false, NOW, GOOD },
	{ "URIs", URI_PAYLOAD("{\"uri\":[\"sip:bob@b\",\"urn:service:SOS\"]}", URI_ORIG), "sips:alice@example.com",
	  "urn:service:sos", INFO(X5U), false, NOW, VERIFY_FAILED_CALL, SR_ORIG_MISMATCH, 438, true },
	{ "URIs, canonical", URI_PAYLOAD("{\"uri\":[\"sip:bob@b\",\"urn:service:SOS\"]}", URI_ORIG),
	  "sip:%61lice@EXAMPLE.com;transport=udp", "urn:service:sos", INFO(X5U), false, NOW, GOOD, true },
	{ "URI of another", URI_PAYLOAD("{\"uri\":[\"urn:service:sos.fire\"]}", URI_ORIG), "sip:alice@example.com",
	  "urn:service:sos", INFO(X5U), false, NOW, MISMATCH, true },
	{ "a number as a URI", URI_PAYLOAD("{\"tn\":[\"" DEST "\"]}", "{\"uri\":\"sip:" ORIG "@a\"}"), NULL, NULL, INFO(X5U),
	  false, NOW, VERIFY_FAILED_CALL, SR_ORIG_MISMATCH, 438, true },
};

static void test_forms(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		const struct uri_case *t = &forms[i];
		struct verify_call c = call_usual();
		char text[2048], *token;
		struct verify_result r;
		struct world w;

		world_init(&w);
		world_know(&w, X5U_DIV, VERDICT_GOOD);
		if (t->calling_uri)
			c.calling_cnt = 0;
		c.calling_uri = slice_str(t->calling_uri);
		if (t->dest_uri)
			c.dest_cnt = 0;
		c.dest_uri = slice_str(t->dest_uri);
		c.has_date = !t->has_no_date;
		c.date = t->date;
		token = token_new(w.key, BASELINE, t->payload, !t->is_full);
		snprintf(text, sizeof(text), "%s%s", token, t->params);
		free(token);
		r = judge(&w, &c, text);
		expect_result(t->name, &r, t->status, t->reason, t->code);
		world_done(&w);
	}
}

/* Which of several numbers that call was signed is found out; one that the certificate does not stand for is not
 * even tried. */
static void test_compact_numbers(void **state)
{
	struct verify_call c = call_usual();
	char text[1024], *token;
	struct verify_result r;
	struct world w;

	(void)state;
	world_init(&w);
	c.calling[1] = c.calling[0];
	c.calling[0] = tn_of(PLUS(D));
	c.calling_cnt = 2;
	token = token_new(w.key, BASELINE, BASELINE_PAYLOAD, true);
	snprintf(text, sizeof(text), "%s" INFO(X5U), token);
	free(token);
	r = judge(&w, &c, text);
	expect_result("the second", &r, VERIFY_VERIFIED, SR_VERIFIED, 0);
	assert_int_equal(w.verified, 2);
	w.known[0].v.has_spc = 0;
	w.known[0].v.range_cnt = 1;
	strcpy(w.known[0].v.ranges[0].first, D);
	strcpy(w.known[0].v.ranges[0].last, D);
	r = judge(&w, &c, text);
	expect_result("of the first only", &r, VERIFY_FAILED_CALL, SR_SIGNATURE_BAD, 438);
	strcpy(w.known[0].v.ranges[0].first, C);
	strcpy(w.known[0].v.ranges[0].last, C);
	r = judge(&w, &c, text);
	expect_result("of none", &r, VERIFY_FAILED_CALL, SR_NUMBER_UNAUTHORIZED, 437);
	world_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chains),
		cmocka_unit_test(test_wanted),
		cmocka_unit_test(test_one_orig),
		cmocka_unit_test(test_replayed),
		cmocka_unit_test(test_no_request_number),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_compact_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
