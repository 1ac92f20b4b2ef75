/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * variants - Identity as others write it, where verifiers in the field disagree: our answer to each, with tokens that
 * OpenSSL signed.  In the text of a row, @0 and @1 stand for the tokens.
 */
#ifndef SIPSEAL_TEST_VARIANTS_H
#define SIPSEAL_TEST_VARIANTS_H

#include "verify_world.h"

#define H(rest)	    "{\"alg\":\"ES256\"," rest "\"typ\":\"passport\",\"x5u\":\"" X5U "\"}"
#define P(orig, dest, rest)                                                                            \
	"{\"attest\":\"A\",\"dest\":{" dest "},\"iat\":1767225600,\"orig\":{\"tn\":\"" orig "\"},\"origid\":\"" UUID \
	"\"" rest "}"
#define TN(d)	    "\"tn\":[\"" d "\"]"
#define P_AT(iat, attest) \
	"{\"attest\":\"" attest "\",\"dest\":{" TN(DEST) "},\"iat\":" iat ",\"orig\":{\"tn\":\"" ORIG "\"},\"origid\":\"" UUID "\"}"
#define DIV_HEADER  "{\"alg\":\"ES256\",\"ppt\":\"div\",\"typ\":\"passport\",\"x5u\":\"" X5U "\"}"
#define DIV_PAYLOAD                                                                                       \
	"{\"dest\":{" TN(NEXT) "},\"div\":{\"tn\":\"" DEST "\"},\"iat\":1767225600,\"orig\":{\"tn\":\"" ORIG "\"}}"
#define DIV_PARAMS  INFO(X5U) ";alg=ES256;ppt=div"
#define OTHER_FORM                                                                                        \
	" {\"origid\" : \"" UUID "\",\n\t\"orig\":{ \"tn\": \"" ORIG "\" }, \"iat\":1767225600,\r\n \"dest\": {\"tn\" : [ \"" DEST \
	"\" ] }, \"attest\":\"A\" }\n"

enum change { WHOLE, CLAIM_CHANGED, SIGNATURE_CHANGED, WRONG_KEY };

struct variant {
	const char *name;
	enum verify_status status;
	enum sipseal_reason reason;
	unsigned code;
	const char *header, *payload; /* of @0; NULL: the usual.  @1 is the div row of a call that went on to NEXT */
	const char *row;	      /* NULL: "@0" PARAMS */
	const char *from, *pai, *to;  /* NULL: the usual; a PAI is trusted */
	const char *request;
	int64_t date; /* 0: now */
	enum change change;
};

#define GOOD		  VERIFY_VERIFIED, SR_VERIFIED, 0
#define BAD(reason, code) VERIFY_FAILED_CALL, reason, code

static const struct variant variants[] = {
	{ "valid", GOOD },
	{ "ppt quoted", GOOD, .row = "@0" INFO(X5U) ";alg=\"ES256\";ppt=\"shaken\"" },
	{ "parameters in another order", GOOD, .row = "@0;ppt=shaken;alg=ES256" INFO(X5U) },
	{ "only info parameter", GOOD, .row = "@0" INFO(X5U) },
	{ "unknown parameters", GOOD, .row = "@0;x;y=\"a;,<\"" PARAMS },
	{ "token without parameters", BAD(SR_IDENTITY_SYNTAX, 438), .row = "@0" },
	{ "white space around ;", GOOD,
	  .row = " @0 ; info = <" X5U ">\r\n ;\talg=ES256 \r\n\t; ppt=shaken " },
	{ "payload tampered", BAD(SR_SIGNATURE_BAD, 438), .change = CLAIM_CHANGED },
	{ "signature tampered", BAD(SR_SIGNATURE_BAD, 438), .change = SIGNATURE_CHANGED },
	{ "wrong key", BAD(SR_SIGNATURE_BAD, 438), .change = WRONG_KEY },
	{ "iat 2 h old", BAD(SR_PASSPORT_STALE, 403), .payload = P_AT("1767218400", "A") },
	{ "iat 2 h in the future", BAD(SR_PASSPORT_STALE, 403), .payload = P_AT("1767232800", "A") },
	{ "From number differs from orig", BAD(SR_ORIG_MISMATCH, 438), .from = "sip:+12155550199@a" },
	{ "To number differs from dest", BAD(SR_DEST_MISMATCH, 438), .to = "sip:+12155550199@a" },
	{ "From tel:", GOOD, .from = "tel:+" ORIG },
	{ "From anonymous + matching PAI", GOOD, .from = "", .pai = "sip:+" ORIG "@a" },
	{ "From anonymous + PAI of another", BAD(SR_ORIG_MISMATCH, 438), .from = "", .pai = "tel:+12155550199" },
	{ "From anonymous, no PAI", BAD(SR_ORIG_MISMATCH, 438), .from = "" },
	{ "From with visual separators, same number", GOOD, .from = "tel:+1-(215)-555.0112" },
	{ "From national, same number", GOOD, .from = "sip:2155550112@a;user=phone" },
	{ "orig.tn with +", GOOD, .payload = P("+" ORIG, TN(DEST), "") },
	{ "dest.tn with +", GOOD, .payload = P(ORIG, TN("+" DEST), "") },
	{ "orig.tn with two +", BAD(SR_ORIG_MISMATCH, 438), .payload = P("++" ORIG, TN(DEST), "") },
	{ "orig.tn with separators", BAD(SR_ORIG_MISMATCH, 438), .payload = P("1-215-555-0112", TN(DEST), "") },
	{ "dest.tn a service number with +", BAD(SR_DEST_MISMATCH, 438), .payload = P(ORIG, TN("+911"), ""),
	  .to = "sip:911@a" },
	{ "dest.tn a service number", GOOD, .payload = P(ORIG, TN("911"), ""), .to = "sip:911@a" },
	{ "dest.tn with two numbers", GOOD, .payload = P(ORIG, "\"tn\":[\"12155550199\",\"" DEST "\"]", "") },
	{ "dest tn + uri", GOOD, .payload = P(ORIG, TN(DEST) ",\"uri\":[\"sip:a@b\"]", "") },
	{ "extra claim rcd", GOOD, .payload = P(ORIG, TN(DEST), ",\"rcd\":{\"nam\":\"Acme\"}") },
	{ "extra claim mky", GOOD,
	  .payload = P(ORIG, TN(DEST), ",\"mky\":[{\"alg\":\"sha-256\",\"dig\":\"02\"}]") },
	{ "payload keys in another order; white space in JSON", GOOD, .payload = OTHER_FORM },
	{ "header keys in another order", GOOD,
	  .header = "{\"x5u\":\"https:\\/\\/cr.example.com/shaken/1234.pem\" , \"typ\":\"passport\",\"ppt\":\"shaken\",\"alg\":\"ES256\"}" },
	{ "attest D", BAD(SR_PASSPORT_SYNTAX, 438), .payload = P_AT("1767225600", "D") },
	{ "no origid", BAD(SR_PASSPORT_SYNTAX, 438),
	  .payload = "{\"attest\":\"A\",\"dest\":{" TN(DEST) "},\"iat\":1767225600,\"orig\":{\"tn\":\"" ORIG "\"}}" },
	{ "alg none", BAD(SR_ALG_UNSUPPORTED, 437),
	  .header = "{\"alg\":\"none\",\"ppt\":\"shaken\",\"typ\":\"passport\",\"x5u\":\"" X5U "\"}" },
	{ "alg none in the row", BAD(SR_ALG_UNSUPPORTED, 437), .row = "@0" INFO(X5U) ";alg=none;ppt=shaken" },
	{ "alg HS256", BAD(SR_ALG_UNSUPPORTED, 437),
	  .header = "{\"alg\":\"HS256\",\"ppt\":\"shaken\",\"typ\":\"passport\",\"x5u\":\"" X5U "\"}",
	  .row = "@0" INFO(X5U) },
	{ "no ppt in PASSporT header", BAD(SR_PASSPORT_SYNTAX, 438), .header = BASELINE },
	{ "ppt in another case in PASSporT header", BAD(SR_PASSPORT_SYNTAX, 438), .header = H("\"ppt\":\"Shaken\",") },
	{ "ppt in another case in the row", GOOD, .row = "@0" INFO(X5U) ";PPT=SHAKEN" },
	{ "baseline, no ppt at all", GOOD, .header = BASELINE, .payload = BASELINE_PAYLOAD, .row = "@0" INFO(X5U) },
	{ "typ differs", BAD(SR_PASSPORT_SYNTAX, 438),
	  .header = "{\"alg\":\"ES256\",\"ppt\":\"shaken\",\"typ\":\"JWT\",\"x5u\":\"" X5U "\"}" },
	{ "crit header", BAD(SR_PASSPORT_SYNTAX, 438), .header = H("\"crit\":[\"b64\"],\"ppt\":\"shaken\",") },
	{ "x5u differs from info", BAD(SR_PASSPORT_SYNTAX, 438), .row = "@0" INFO(X5U_DIV) ";ppt=shaken" },
	{ "x5u differs from info in case", BAD(SR_PASSPORT_SYNTAX, 438),
	  .row = "@0;info=<https://CR.example.com/shaken/1234.pem>" },
	{ "x5u http:", BAD(SR_X5U_REFUSED, 436),
	  .header = "{\"alg\":\"ES256\",\"ppt\":\"shaken\",\"typ\":\"passport\",\"x5u\":\"http://a.example/c\"}",
	  .row = "@0;info=<http://a.example/c>" },
	{ "ppt=div alone", BAD(SR_DEST_MISMATCH, 438), .row = "@1" DIV_PARAMS },
	{ "div + shaken", GOOD, .row = "@1" DIV_PARAMS ",@0" PARAMS, .request = "sip:+" NEXT "@a" },
	{ "shaken + div", GOOD, .row = "@0" PARAMS ",@1" DIV_PARAMS, .request = "sip:+" NEXT "@a" },
	{ "bad shaken first, good shaken second", GOOD, .row = "e30.e30.AAAA" PARAMS ", @0" PARAMS },
	{ "no row that parses first, good shaken second", GOOD, .row = "<;\"x,\"=,@0" PARAMS },
	{ "good shaken first, bad shaken second", GOOD, .row = "@0" PARAMS ", e30.e30.AAAA" PARAMS },
	{ "two values comma-joined", GOOD, .row = "@0" PARAMS " ,\r\n @0" PARAMS },
	{ "unsupported ppt beside", GOOD, .row = "a.b.c" INFO(X5U) ";ppt=rph,@0" PARAMS },
	{ "unsupported ppt alone", VERIFY_MISSING, SR_PPT_UNSUPPORTED, 428, .row = "a.b.c" INFO(X5U) ";ppt=rph" },
	{ "unsupported ppt in the PASSporT header alone", VERIFY_MISSING, SR_PPT_UNSUPPORTED, 428,
	  .header = H("\"ppt\":\"rph\","), .payload = "{}", .row = "@0" INFO(X5U) },
	{ "no Identity", VERIFY_MISSING, SR_IDENTITY_MISSING, 428, .row = "" },
	{ "Date 2 h old with fresh iat", BAD(SR_PASSPORT_STALE, 403), .date = NOW - 7200 },
};

static inline char *replaced(const char *text, const char *const tokens[2])
{
	char *out = calloc(1, 16384);

	assert_non_null(out);
	for (size_t n = 0; *text; text++) {
		if (*text == '@') {
			strcpy(out + n, tokens[*++text - '0']);
			n += strlen(out + n);
		} else {
			out[n++] = *text;
		}
	}
	return out;
}

/* The attest of another claim set in the place of the one that was signed; or one bit of s. */
static inline char *changed(struct world *w, const struct variant *v)
{
	const char *header = v->header ? v->header : HEADER, *payload = v->payload ? v->payload : PAYLOAD;
	char *token = token_new(v->change == WRONG_KEY ? w->other : w->key, header, payload, false);

	if (v->change == CLAIM_CHANGED) {
		char *other = token_new(w->key, header, P_AT("1767225600", "B"), false);
		size_t n = (size_t)(strrchr(token, '.') - token);

		assert_int_equal(strlen(token), strlen(other));
		memcpy(token, other, n);
		free(other);
	} else if (v->change == SIGNATURE_CHANGED) {
		char *c = token + strlen(token) - 20;

		*c = *c == 'A' ? 'B' : 'A';
	}
	return token;
}

/* The value of the row, "" where there is none; the caller frees it. */
static inline char *variant_row(struct world *w, const struct variant *v)
{
	char *tokens[2] = { changed(w, v), token_new(w->key, DIV_HEADER, DIV_PAYLOAD, false) };
	char *row = replaced(v->row ? v->row : "@0" PARAMS, (const char *const *)tokens);

	free(tokens[0]);
	free(tokens[1]);
	return row;
}

#endif
