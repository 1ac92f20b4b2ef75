/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The outbound decision, by table: trunk settings and message in; verdict, reason, numbers and rows out.
 */
#include "guard.h"

#include <errno.h>

#include "engine/engine.h"
#include "location/template.h"
#include "trunk/compile.h"
#include "trunk/model.h"
#include "invariant.h"

#define NOW 1767225600 /* Thu, 01 Jan 2026 00:00:00 GMT */
#define SDP "v=0\r\no=- 1 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\nm=audio 49170 RTP/AVP 0\r\n"

/* ---- the world around the engine ---- */

static unsigned sign_calls;
static int sign_error;

static int fake_sign(void *ctx, uint32_t id, const uint8_t digest[PASSPORT_DIGEST_LEN], uint8_t sig[PASSPORT_SIG_LEN])
{
	(void)ctx, (void)id;
	sign_calls++;
	memset(sig, 0x5a, PASSPORT_SIG_LEN);
	memcpy(sig, digest, 8);
	return sign_error;
}

static void fake_random(void *ctx, void *dst, size_t len)
{
	(void)ctx;
	memset(dst, 0xab, len);
}

typedef void tune_fn(struct gateway *g, struct trunk *t);

struct world {
	struct gateway *g;
	struct policy_copy *policy;
	struct engine *engine;
	struct engine_env env;
	struct engine_output out;
	char bytes[70000];
	size_t len;
};

static struct pidf_template location = {
	.len = 0, .hole_cnt = 2,
	.holes = { { 14, PIDF_HOLE_ENTITY }, { 16, PIDF_HOLE_TIMESTAMP } },
};

static struct trunk *plain_trunk(void)
{
	struct trunk *t = trunk_new();
	const char *err;

	assert_non_null(t);
	strcpy(t->name, "acme");
	t->attestation = ATTEST_A;
	t->attestation_other = ATTEST_B;
	t->country_code = strdup("1");
	t->origid_mode = ORIGID_TEXT;
	t->origid = strdup("123e4567-e89b-42d3-a456-426655440000");
	t->pai_domain = strdup("example.net");
	t->carrier_peers = calloc(1, sizeof(*t->carrier_peers));
	t->carrier_cnt = 1;
	assert_int_equal(peer_parse("203.0.113.10:5060", true, t->carrier_peers, &err), 0);
	return t;
}

static void world_new(struct world *w, tune_fn *tune)
{
	static const char text[] = "<pidf entity=''></pidf>\r\n";
	struct compile_credential cred = { "https://cr.example.com/shaken/1234.pem", NOW - 86400, NOW + 86400, true };
	struct compile_trunk ct = { .slot = 0, .credential = 0 };
	struct compile_input in = { .trunks = &ct, .trunk_cnt = 1, .credentials = &cred, .credential_cnt = 1,
				    .generation = 7 };
	size_t cap = 1 << 20;

	memset(w, 0, offsetof(struct world, bytes));
	sign_calls = 0;
	sign_error = 0;
	location.len = sizeof(text) - 1;
	memcpy(location.text, text, sizeof(text));
	w->g = gateway_new();
	w->g->trunks = calloc(1, sizeof(*w->g->trunks));
	w->g->trunks[0] = plain_trunk();
	w->g->trunk_cnt = 1;
	strcpy(w->g->emergency[0], "911");
	w->g->emergency_cnt = 1;
	if (tune)
		tune(w->g, w->g->trunks[0]);
	ct.trunk = w->g->trunks[0];
	ct.location = ct.trunk->has_geolocation ? &location : NULL;
	in.gateway = w->g;
	w->policy = aligned_alloc(64, cap);
	memset(w->policy, 0, cap);
	assert_true(policy_compile(&in, w->policy, cap) > 0);
	w->engine = malloc(sizeof(*w->engine));
	w->env = (struct engine_env){ .now_ms = NOW * 1000ll + 999, .sign = fake_sign, .random = fake_random };
}

static void world_run(struct world *w, const char *msg, size_t len)
{
	struct guard g = guard_new(msg, len);
	struct engine_input in = { .datagram = { g.p, g.len }, .policy = w->policy, .source_ip = "10.0.0.7",
				   .source_port = 5060 };
	ssize_t n;

	engine_run(w->engine, &w->env, &in, &w->out);
	if (w->out.verdict == VERDICT_REJECT) {
		n = engine_response_emit(w->engine, &w->env, &in, &w->out, w->bytes, sizeof(w->bytes));
	} else {
		n = engine_emit(w->engine, &in, w->bytes, sizeof(w->bytes));
		assert_int_equal(n, engine_out_len(w->engine, &in));
	}
	assert_true(n > 0);
	w->len = (size_t)n;
	if (w->out.verdict != VERDICT_REJECT) {
		const char *err = invariant_broken(in.datagram, slice_of(w->bytes, w->len),
						   w->engine->edits.cnt > 0,
						   w->g->trunks[0]->geo_existing == GEO_REPLACE);
		if (err)
			fail_msg("%s\n%.*s", err, (int)w->len, w->bytes);
	}
	guard_free(&g);
}

static void world_free(struct world *w)
{
	gateway_free(w->g);
	free(w->policy);
	free(w->engine);
}

/* ---- messages ---- */

#define HEAD(uri, from, to) \
	"INVITE " uri " SIP/2.0\r\n" \
	"Via: SIP/2.0/UDP 10.0.0.7:5060;branch=z9hG4bK776asdhds;rport\r\n" \
	"Max-Forwards: 70\r\n" \
	"From: " from ";tag=1928301774\r\n" \
	"To: " to "\r\n" \
	"Call-ID: a84b4c76e66710@10.0.0.7\r\n" \
	"CSeq: 314159 INVITE\r\n" \
	"Contact: <sip:pbx@10.0.0.7>\r\n"
#define URI  "sip:+12155550113@203.0.113.10"
#define FROM "\"Alice\" <sip:+12155550112@pbx.example.com>"
#define TO   "<sip:+12155550113@203.0.113.10>"
#define ANON "\"Anonymous\" <sip:anonymous@anonymous.invalid>"
#define SDP_TAIL "Content-Type: application/sdp\r\nContent-Length: 90\r\n\r\n" SDP
#define MSG(from, rows)   HEAD(URI, from, TO) rows SDP_TAIL
#define MSG_TO(uri, to)   HEAD(uri, FROM, to) SDP_TAIL
#define MIXED(body) HEAD(URI, FROM, TO) "Content-Type: multipart/mixed;boundary=b1\r\n\r\n" body
#define PIDF_PART "Content-Type: application/pidf+xml\r\n\r\n<theirs/>"
#define SDP_PART "Content-Type: application/sdp\r\n\r\n" SDP
#define EMERGENCY(from, rows) HEAD("urn:service:sos", from, "<urn:service:sos>") rows SDP_TAIL

/* ---- trunk settings ---- */

static void add_numbers(struct trunk *t, const char *a)
{
	const char *err;

	t->numbers = calloc(1, sizeof(*t->numbers));
	t->number_cnt = 1;
	t->has_numbers = true;
	assert_int_equal(number_range_parse(a, t->numbers, &err), 0);
}

#define TUNE(name) static void name(struct gateway *g, struct trunk *t)
#define UNUSED_G (void)g, (void)t
TUNE(t_inside)      { UNUSED_G; add_numbers(t, "+1215555*"); }
TUNE(t_outside)     { UNUSED_G; add_numbers(t, "+13125550000-+13125559999"); }
TUNE(t_out_default) { UNUSED_G; t_outside(g, t); t->pai_default_number = strdup("13125550000"); }
TUNE(t_out_none)    { UNUSED_G; t_outside(g, t); t->attestation_other = ATTEST_NONE; }
TUNE(t_out_reject)  { UNUSED_G; t_outside(g, t); t->attestation_other = ATTEST_REJECT; }
TUNE(t_c)           { UNUSED_G; t->attestation = ATTEST_C; }
TUNE(t_none)        { UNUSED_G; t->attestation = ATTEST_NONE; }
TUNE(t_reject)      { UNUSED_G; t->on_unsignable = UNSIGNABLE_REJECT; }
TUNE(t_keep)        { UNUSED_G; t->pai_mode = PAI_KEEP; }
TUNE(t_off)         { UNUSED_G; t->pai_mode = PAI_OFF; }
TUNE(t_keep_in)     { UNUSED_G; t_keep(g, t); t_inside(g, t); }
TUNE(t_off_in)      { UNUSED_G; t_off(g, t); t_inside(g, t); }
TUNE(t_rule_1)
{
	UNUSED_G;
	strcpy(g->emergency[g->emergency_cnt++], "112");
	t->rules = calloc(1, sizeof(*t->rules));
	t->rule_cnt = 1;
	t->rules->prefix = strdup("1");
	t->rules->replace = strdup("");
}
TUNE(t_rkeep_in)    { UNUSED_G; t->pai_restricted = RESTRICTED_KEEP; t_inside(g, t); }
TUNE(t_rkeep)       { UNUSED_G; t->pai_restricted = RESTRICTED_KEEP; }
TUNE(t_no_none)     { UNUSED_G; t->add_privacy_none = false; }
TUNE(t_priv_id)     { UNUSED_G; t->privacy = PRIVACY_ID; }
TUNE(t_priv_off)    { UNUSED_G; t->privacy = PRIVACY_OFF; }
TUNE(t_trust)       { UNUSED_G; t->existing_identity = EXISTING_TRUST; }
TUNE(t_ignore)      { UNUSED_G; t->existing_identity = EXISTING_IGNORE; }
TUNE(t_observe)     { UNUSED_G; t->mode = TRUNK_OBSERVE; }
TUNE(t_reg_off)     { UNUSED_G; g->regulatory_enabled = false; }
TUNE(t_no_cc)       { UNUSED_G; free(t->country_code); t->country_code = NULL; }
TUNE(t_rpid)        { UNUSED_G; t->orig_from[0] = SOURCE_RPID; t->orig_from[1] = SOURCE_PPI; t->orig_from[2] = SOURCE_FROM; }
TUNE(t_ruri)        { UNUSED_G; t->dest_from[0] = SOURCE_REQUEST_URI; t->dest_from[1] = SOURCE_END; }
TUNE(t_no_domain)   { UNUSED_G; free(t->pai_domain); t->pai_domain = NULL; }
TUNE(t_call_origid) { UNUSED_G; t->origid_mode = ORIGID_CALL; }
TUNE(t_geo)         { UNUSED_G; t->has_geolocation = true; }
TUNE(t_geo_sos)     { UNUSED_G; t->has_geolocation = true; t->geo_attach = GEO_EMERGENCY; }
TUNE(t_geo_replace) { UNUSED_G; t->has_geolocation = true; t->geo_existing = GEO_REPLACE; }
TUNE(t_geo_v6)      { UNUSED_G; t_geo(g, t); free(t->pai_domain); t->pai_domain = strdup("[2001:db8::1]"); }
TUNE(t_geo_host)    { UNUSED_G; t_geo(g, t); free(t->pai_domain); t->pai_domain = NULL; }
TUNE(t_geo_noroute) { UNUSED_G; t->has_geolocation = true; t->geo_routing = GEO_ROUTING_NONE; }
TUNE(t_out_reject_sos) { UNUSED_G; t_out_reject(g, t); t->on_unsignable = UNSIGNABLE_REJECT; }

#define PAI_112  "P-Asserted-Identity: <sip:+12155550112@example.net>\r\n"
#define ALL_ROWS 6

static const struct {
	const char *name;
	tune_fn *tune;
	const char *msg;
	enum engine_verdict verdict;
	enum sipseal_reason reason;
	char attest;
	const char *orig, *dest;
	const char *has[ALL_ROWS], *has_not[ALL_ROWS];
} cases[] = {
	{ "plain call: Identity, Date, PAI, Privacy none", NULL, MSG(FROM, ""), VERDICT_SIGN, SR_SIGNED, 'A',
	  "12155550112", "12155550113",
	  { PAI_112, "Privacy: none\r\n", "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n", "\r\nIdentity: eyJ",
	    ";info=<https://cr.example.com/shaken/1234.pem>;alg=ES256;ppt=shaken\r\n", "\r\n\r\n" SDP } },
	{ "fresh Date is kept, none added", NULL, MSG(FROM, "Date: Thu, 01 Jan 2026 00:00:30 GMT\r\n"), VERDICT_SIGN,
	  SR_SIGNED, 'A', "12155550112", "12155550113", { "00:00:30 GMT" }, { "00:00:00 GMT" } },
	{ "stale Date", NULL, MSG(FROM, "Date: Thu, 01 Jan 2026 00:01:01 GMT\r\n"), VERDICT_PASS, SR_STALE_DATE, 0,
	  "12155550112", "12155550113", { PAI_112 }, { "Identity: e" } },
	{ "stale Date, reject", t_reject, MSG(FROM, "Date: Wed, 31 Dec 2025 23:58:59 GMT\r\n"), VERDICT_REJECT,
	  SR_STALE_DATE, 0, "12155550112", "12155550113",
	  { "SIP/2.0 503 Service Unavailable\r\n", "branch=z9hG4bK776asdhds;rport=5060", "Content-Length: 0\r\n" } },
	{ "unparseable Date", NULL, MSG(FROM, "Date: yesterday\r\n"), VERDICT_PASS, SR_BAD_DATE, 0, "12155550112",
	  "12155550113", { PAI_112 }, { "Identity: e" } },
	{ "attestation C", t_c, MSG(FROM, ""), VERDICT_SIGN, SR_SIGNED, 'C', "12155550112", "12155550113" },
	{ "attestation none: PAI instead of STIR", t_none, MSG(FROM, ""), VERDICT_PASS, SR_ATTESTATION_NONE, 0,
	  "12155550112", "12155550113", { PAI_112, "Privacy: none" }, { "Identity: e", "Date:" } },
	{ "number inside: A", t_inside, MSG(FROM, ""), VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", "12155550113" },
	{ "number outside: B, no PAI", t_outside, MSG(FROM, ""), VERDICT_SIGN, SR_SIGNED, 'B', "12155550112",
	  "12155550113", { NULL }, { "P-Asserted", "Privacy" } },
	{ "number outside, default PAI: From is still shown, so B", t_out_default, MSG(FROM, ""), VERDICT_SIGN,
	  SR_SIGNED, 'B', "13125550000", "12155550113", { "<sip:+13125550000@example.net>" } },
	{ "number outside, other none", t_out_none, MSG(FROM, ""), VERDICT_PASS, SR_ATTESTATION_NONE, 0,
	  "12155550112", "12155550113", { NULL }, { "Identity: e" } },
	{ "number outside, other reject", t_out_reject, MSG(FROM, ""), VERDICT_REJECT, SR_NUMBER_REFUSED, 0,
	  "12155550112", "12155550113", { "SIP/2.0 403 " } },
	{ "a kept PAI inside does not hide a From outside", t_keep_in,
	  MSG("<sip:+13125550100@pbx.example.com>", "P-Asserted-Identity: <sip:+12155550112@x>\r\n"), VERDICT_SIGN,
	  SR_SIGNED, 'B', "12155550112", "12155550113" },
	{ "a From that nobody can place is outside", t_inside,
	  MSG("<sip:5550112@pbx.example.com>", "P-Asserted-Identity: <sip:+12155550112@x>\r\n"), VERDICT_SIGN,
	  SR_SIGNED, 'B', "12155550112", "12155550113" },
	{ "a foreign From without '+' is outside", t_inside,
	  MSG("<sip:442079460018@pbx.example.com>", "P-Asserted-Identity: <sip:+12155550112@x>\r\n"), VERDICT_SIGN,
	  SR_SIGNED, 'B', "12155550112", "12155550113" },
	{ "an extension as From shows no number", t_inside,
	  MSG("<sip:1001@pbx.example.com>", "P-Asserted-Identity: <sip:+12155550112@x>\r\n"), VERDICT_SIGN, SR_SIGNED,
	  'A', "12155550112", "12155550113" },
	{ "a From in escapes is a number too", t_inside,
	  MSG("<sip:%34%342079460018@pbx.example.com>", PAI_112), VERDICT_SIGN, SR_SIGNED, 'B', "12155550112",
	  "12155550113" },
	{ "a From with letters behind a '+' number", t_inside, MSG("<sip:+13125550100x@pbx.example.com>", PAI_112),
	  VERDICT_SIGN, SR_SIGNED, 'B', "12155550112", "12155550113" },
	{ "a From of digits and stars", t_inside, MSG("<sip:*13125550100@pbx.example.com>", PAI_112), VERDICT_SIGN,
	  SR_SIGNED, 'B', "12155550112", "12155550113" },
	{ "a number before @anonymous.invalid is shown", t_rkeep_in,
	  MSG("<sip:+13125550100@anonymous.invalid>", PAI_112), VERDICT_SIGN, SR_SIGNED, 'B', "12155550112",
	  "12155550113", { PAI_112, "Privacy: id" } },
	{ "a number inside before @anonymous.invalid", t_rkeep_in,
	  MSG("<sip:+12155550112@anonymous.invalid>", PAI_112), VERDICT_SIGN, SR_SIGNED, 'A', "12155550112",
	  "12155550113" },
	{ "anonymous with user-params", NULL, MSG("<sip:Anonymous;x=1@pbx.example.com>", PAI_112), VERDICT_PASS,
	  SR_RESTRICTED_UNSIGNED, 0, NULL, "12155550113", { "Privacy: id" }, { "P-Asserted" } },
	{ "a kept PAI row that cannot be read", t_keep_in,
	  MSG(FROM, PAI_112 "P-Asserted-Identity: \"x <sip:+13125550100@x>\r\n"), VERDICT_SIGN, SR_SIGNED, 'B',
	  "12155550112", "12155550113" },
	{ "an untouched PAI with a URI that cannot be read", t_off_in,
	  MSG(FROM, "P-Asserted-Identity: <sip:+12155550112@x>, <sip:+13125550100@a@b>\r\n"), VERDICT_SIGN, SR_SIGNED,
	  'B', "12155550112", "12155550113" },
	{ "five kept PAI values, the last one outside", t_keep_in, MSG(FROM, PAI_112 PAI_112 PAI_112 PAI_112
	  "P-Asserted-Identity: <tel:+13125550100>\r\n"), VERDICT_SIGN, SR_SIGNED, 'B', "12155550112", "12155550113" },
	{ "a kept tel: PAI with parameters", t_keep_in,
	  MSG(FROM, "P-Asserted-Identity: \"+13125550100\" <tel:+1-215-555-0112;npdi;rn=+13125550100>\r\n"),
	  VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", "12155550113" },
	{ "a row that cannot be read and is removed shows nothing", t_inside,
	  MSG(FROM, "P-Asserted-Identity: \"x <sip:+13125550100@x>\r\n"), VERDICT_SIGN, SR_SIGNED, 'A', "12155550112",
	  "12155550113", { PAI_112 }, { "13125550100" } },
	{ "PAI set replaces theirs and PPI", NULL,
	  MSG(FROM, "P-Asserted-Identity: <sip:+12155550199@evil>\r\nP-Preferred-Identity: <sip:+12155550112@x>\r\n"),
	  VERDICT_SIGN, SR_SIGNED, 'A', "12155550199", "12155550113", { "<sip:+12155550199@example.net>" },
	  { "@evil", "P-Preferred" } },
	{ "PAI keep", t_keep, MSG(FROM, "P-Asserted-Identity: <sip:+12155550199@theirs>\r\n"), VERDICT_SIGN, SR_SIGNED,
	  'A', "12155550199", "12155550113", { "@theirs" }, { "@example.net", "Privacy" } },
	{ "PAI keep adds none", t_keep, MSG(FROM, ""), VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", "12155550113",
	  { NULL }, { "P-Asserted", "Privacy" } },
	{ "PAI off leaves all of it", t_off, MSG(FROM, "P-Asserted-Identity: <sip:+12155550199@theirs>\r\n"
	  "P-Preferred-Identity: <sip:+12155550112@x>\r\n"), VERDICT_SIGN, SR_SIGNED, 'A', "12155550199", "12155550113",
	  { "@theirs", "P-Preferred-Identity" }, { "Privacy" } },
	{ "no Privacy none where switched off", t_no_none, MSG(FROM, ""), VERDICT_SIGN, SR_SIGNED, 'A', "12155550112",
	  "12155550113", { PAI_112 }, { "Privacy" } },
	{ "Privacy none of theirs stays", NULL, MSG(FROM, "Privacy: none\r\n"), VERDICT_SIGN, SR_SIGNED, 'A',
	  "12155550112", "12155550113", { PAI_112, "Privacy: none\r\n" }, { "id" "\r\n" } },
	{ "Privacy none wins over trunk privacy id", t_priv_id, MSG(FROM, "Privacy: none\r\n"), VERDICT_SIGN, SR_SIGNED,
	  'A', "12155550112", "12155550113", { PAI_112 }, { "none;id" } },
	{ "Privacy id, numeric From: no PAI, signed with From", NULL, MSG(FROM, "Privacy: id\r\n" PAI_112
	  "P-Preferred-Identity: <sip:+12155550112@x>\r\nRemote-Party-ID: <sip:+12155550112@x>\r\n"), VERDICT_SIGN,
	  SR_SIGNED, 'A', "12155550112", "12155550113", { "Privacy: id\r\n" },
	  { "P-Asserted", "P-Preferred", "Remote-Party" } },
	{ "anonymous From: no Identity, Privacy id added", NULL, MSG(ANON, PAI_112), VERDICT_PASS,
	  SR_RESTRICTED_UNSIGNED, 0, NULL, "12155550113", { "Privacy: id\r\n" }, { "P-Asserted", "Identity: e" } },
	{ "anonymous From is not rejected as unsignable", t_reject, MSG(ANON, ""), VERDICT_PASS, SR_RESTRICTED_UNSIGNED,
	  0, NULL, "12155550113", { "Privacy: id\r\n" } },
	{ "restricted keep: PAI beside Privacy id, signed", t_rkeep, MSG(ANON, "P-Asserted-Identity: <tel:+12155550112>\r\n"),
	  VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", "12155550113", { PAI_112, "Privacy: id\r\n" }, { "<tel:" } },
	{ "Privacy user gets ;id", NULL, MSG(ANON, "Privacy: user;critical\r\n"), VERDICT_PASS, SR_RESTRICTED_UNSIGNED,
	  0, NULL, "12155550113", { "Privacy: user;critical;id\r\n" } },
	{ "RPID privacy restricts", NULL, MSG(FROM, "Remote-Party-ID: <sip:+12155550112@x>;privacy=full\r\n"),
	  VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", "12155550113", { "Privacy: id" }, { "Remote-Party", "P-Asserted" } },
	{ "RPID that cannot be read restricts", NULL,
	  MSG(FROM, "Remote-Party-ID: Bob Smith, Jr. <sip:+12155550112@x>;party=calling;privacy=\"full\"\r\n"),
	  VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", "12155550113", { "Privacy: id" }, { "Remote-Party", "P-Asserted" } },
	{ "RPID that cannot be read, privacy off", NULL,
	  MSG(FROM, "Remote-Party-ID: Bob, Jr. <sip:+12155550112@x>;privacy=off\r\n"), VERDICT_SIGN, SR_SIGNED, 'A',
	  "12155550112", "12155550113", { PAI_112, "Remote-Party" }, { "Privacy: id" } },
	{ "restricted, and no number anywhere", t_reject, MSG("<sip:alice@x>", "Privacy: id\r\n"), VERDICT_REJECT,
	  SR_NO_ORIG, 0, NULL, "12155550113", { "SIP/2.0 503 " } },
	{ "restricted, the PAI's number removed", t_reject, MSG("<sip:alice@x>", "Privacy: id\r\n" PAI_112), VERDICT_PASS,
	  SR_RESTRICTED_UNSIGNED, 0, NULL, "12155550113", { "Privacy: id" }, { "P-Asserted", "Identity: e" } },
	{ "RPID privacy=off does not", NULL, MSG(FROM, "Remote-Party-ID: <sip:+12155550112@x>;privacy=off\r\n"),
	  VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", "12155550113", { PAI_112, "Remote-Party" }, { "Privacy: id" } },
	{ "trunk privacy id", t_priv_id, MSG(FROM, ""), VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", "12155550113",
	  { "Privacy: id\r\n" }, { "P-Asserted" } },
	{ "trunk privacy off adds no row", t_priv_off, MSG(ANON, ""), VERDICT_PASS, SR_RESTRICTED_UNSIGNED, 0, NULL,
	  "12155550113", { NULL }, { "Privacy" } },
	{ "orig_from rpid, ppi, from", t_rpid, MSG(FROM, "Remote-Party-ID: \"x\" <sip:2155550155@x>;party=calling\r\n"),
	  VERDICT_SIGN, SR_SIGNED, 'A', "12155550155", "12155550113", { "<sip:+12155550155@example.net>" } },
	{ "tel: From without pai.domain gives a tel PAI", t_no_domain, MSG("<tel:+1-215-555-0112>", ""), VERDICT_SIGN,
	  SR_SIGNED, 'A', "12155550112", "12155550113", { "P-Asserted-Identity: <tel:+12155550112>\r\n" } },
	{ "pai.domain defaults to the host of From", t_no_domain, MSG(FROM, ""), VERDICT_SIGN, SR_SIGNED, 'A',
	  "12155550112", "12155550113", { "<sip:+12155550112@pbx.example.com>" } },
	{ "national number without country code", t_no_cc, MSG("<sip:2155550112@x>", ""), VERDICT_PASS, SR_NO_ORIG, 0,
	  NULL, "12155550113", { NULL }, { "Identity: e", "P-Asserted" } },
	{ "a name is no number", t_reject, MSG("<sip:alice@x>", ""), VERDICT_REJECT, SR_NO_ORIG, 0, NULL, "12155550113",
	  { "503" } },
	{ "911 is never orig", NULL, MSG("<sip:911@x>", ""), VERDICT_PASS, SR_NO_ORIG, 0, NULL, "12155550113" },
	{ "service number as dest", NULL, MSG_TO("sip:411@203.0.113.10", "<sip:411@203.0.113.10>"), VERDICT_SIGN,
	  SR_SIGNED, 'A', "12155550112", "411" },
	{ "dest from To, not Request-URI", NULL, MSG_TO("sip:+13125550100@203.0.113.10", TO), VERDICT_SIGN, SR_SIGNED,
	  'A', "12155550112", "12155550113" },
	{ "dest from Request-URI where To holds none", NULL, MSG_TO(URI, "<sip:bob@203.0.113.10>"), VERDICT_SIGN,
	  SR_SIGNED, 'A', "12155550112", "12155550113" },
	{ "dest_from request_uri", t_ruri, MSG_TO("sip:+13125550100@203.0.113.10", TO), VERDICT_SIGN, SR_SIGNED, 'A',
	  "12155550112", "13125550100" },
	{ "no dest", NULL, MSG_TO("sip:bob@203.0.113.10", "<sip:bob@203.0.113.10>"), VERDICT_PASS, SR_NO_DEST, 0,
	  "12155550112", NULL, { PAI_112 }, { "Identity: e" } },
	{ "marks from outside are stripped", NULL, MSG(FROM, "X-STIR-Result: STIR_VERIFIED\r\nx-stir-y: 1\r\n"
	  "attestation-info: A\r\nOrigination-Id: x\r\nP-Attestation-Indicator: A\r\nP-Origination-ID: x\r\n"),
	  VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", "12155550113", { NULL },
	  { "X-STIR", "x-stir", "ttestation-info", "Origination-Id", "P-Attestation", "P-Origination" } },
	{ "re-INVITE", NULL, MSG_TO(URI, TO ";tag=abc"), VERDICT_PASS, SR_IN_DIALOG, 0, NULL, NULL, { NULL },
	  { "Identity", "P-Asserted" } },
	{ "From that does not parse", NULL, MSG("\"Alice <sip:+12155550112@x>", ""), VERDICT_PASS, SR_ADDRESS_SYNTAX, 0,
	  NULL, NULL, { NULL }, { "Identity" } },
	{ "observe: original bytes", t_observe, MSG(FROM, ""), VERDICT_PASS, SR_OBSERVE, 'A', "12155550112",
	  "12155550113", { NULL }, { "Identity", "P-Asserted", "Date" } },
	{ "regulatory off: original bytes", t_reg_off, MSG(FROM, ""), VERDICT_PASS, SR_SIGNER_REGULATORY_OFF, 0, NULL,
	  NULL, { NULL }, { "Identity", "P-Asserted", "Date" } },
	{ "emergency: dest is the urn", NULL, EMERGENCY(FROM, ""), VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", NULL,
	  { PAI_112, "Identity: e" }, { "Privacy" } },
	{ "emergency: nothing is stripped", NULL, EMERGENCY(ANON, "Privacy: id\r\nX-STIR-A: 1\r\n"
	  "P-Asserted-Identity: <sip:+12155550112@theirs>\r\nP-Preferred-Identity: <sip:+12155550112@x>\r\n"
	  "Remote-Party-ID: <sip:+12155550112@x>\r\n"), VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", NULL,
	  { "X-STIR-A", "@theirs", "P-Preferred", "Remote-Party", "Privacy: id" } },
	{ "emergency by number: never refused", t_out_reject_sos, MSG_TO("sip:911@203.0.113.10", "<sip:911@x>"),
	  VERDICT_PASS, SR_NUMBER_REFUSED, 0, "12155550112", "911", { NULL }, { "Identity: e" } },
	{ "emergency, unsignable: never refused", t_reject, EMERGENCY("<sip:alice@x>", ""), VERDICT_PASS, SR_NO_ORIG, 0,
	  NULL, NULL },
	{ "emergency by number: rules do not touch it", t_rule_1, MSG_TO("sip:112@203.0.113.10", "<sip:112@x>"),
	  VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", "112" },
	{ "emergency: a URN that no claim can hold", NULL, MSG_TO("urn:service:sos.\xe9", "<urn:service:sos>"), VERDICT_PASS,
	  SR_NO_DEST, 0, "12155550112", NULL, { PAI_112 }, { "Identity: e" } },
	{ "911 with a further digit is no emergency", t_out_reject_sos, MSG_TO("sip:9111@203.0.113.10", "<sip:9111@x>"),
	  VERDICT_REJECT, SR_NUMBER_REFUSED, 0, "12155550112", "9111" },
	{ "origid per call", t_call_origid, MSG(FROM, ""), VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", "12155550113" },
	{ "trust: any shaken row", t_trust, MSG(FROM, "Identity: a.b.c;info=<https://x/y>;alg=ES256;ppt=\"shaken\"\r\n"),
	  VERDICT_PASS, SR_ALREADY_SIGNED, 0, "12155550112", "12155550113", { "Identity: a.b.c", PAI_112 }, { "Identity: e" } },
	{ "check: a row that cannot be read does not count", NULL,
	  MSG(FROM, "Identity: a.b.c;info=<https://x/y>;alg=ES256;ppt=shaken\r\n"), VERDICT_SIGN, SR_SIGNED, 'A',
	  "12155550112", "12155550113", { "Identity: a.b.c", "Identity: e" } },
	{ "ignore: a second row", t_ignore, MSG(FROM, "y: a.b.c;info=<https://x/y>;ppt=shaken\r\n"), VERDICT_SIGN,
	  SR_SIGNED, 'A', "12155550112", "12155550113", { "y: a.b.c", "Identity: e" } },
	/* location */
	{ "location: multipart, SDP kept", t_geo, MSG(FROM, ""), VERDICT_SIGN, SR_SIGNED, 'A', "12155550112",
	  "12155550113", { "Geolocation: <cid:loc.abababababababab@example.net>\r\n", "Geolocation-Routing: yes\r\n",
	  "Content-Type: multipart/mixed;boundary=\"sipseal-abababababababab\"\r\n",
	  "--sipseal-abababababababab\r\nContent-Type: application/sdp\r\n\r\n" SDP "\r\n--sipseal-abababababababab\r\n"
	  "Content-Type: application/pidf+xml\r\nContent-ID: <loc.abababababababab@example.net>\r\n"
	  "Content-Disposition: by-reference;handling=optional\r\n\r\n<pidf entity='+12155550112@example.net'>2026",
	  "</pidf>\r\n\r\n--sipseal-abababababababab--\r\n" } },
	{ "location: emergency only, plain call", t_geo_sos, MSG(FROM, ""), VERDICT_SIGN, SR_SIGNED, 'A', "12155550112",
	  "12155550113", { "Content-Length: 90" }, { "Geolocation", "pidf" } },
	{ "location: emergency only, emergency", t_geo_sos, EMERGENCY(FROM, ""), VERDICT_SIGN, SR_SIGNED, 'A',
	  "12155550112", NULL, { "Geolocation: <cid", "<pidf" } },
	{ "location: one is there, kept", t_geo, MSG(FROM, "Geolocation: <sip:loc@x>\r\n"), VERDICT_SIGN, SR_SIGNED, 'A',
	  "12155550112", "12155550113", { "<sip:loc@x>", "Content-Length: 90" }, { "cid:", "pidf" } },
	{ "location: one is there, replaced", t_geo_replace, MSG(FROM, "Geolocation: <sip:loc@x>\r\n"), VERDICT_SIGN,
	  SR_SIGNED, 'A', "12155550112", "12155550113", { "cid:", "<pidf" }, { "<sip:loc@x>" } },
	{ "location: no routing row", t_geo_noroute, MSG(FROM, ""), VERDICT_SIGN, SR_SIGNED, 'A', "12155550112",
	  "12155550113", { "Geolocation: <cid" }, { "Geolocation-Routing" } },
	{ "location: a routing row of theirs stays alone", t_geo, MSG(FROM, "Geolocation-Routing: no\r\n"), VERDICT_SIGN,
	  SR_SIGNED, 'A', "12155550112", "12155550113", { "Geolocation-Routing: no" }, { "Routing: yes" } },
	{ "location: auth-int", t_geo, MSG(FROM, "Proxy-Authorization: Digest username=\"a\", qop=auth-int, nc=1\r\n"),
	  VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", "12155550113", { "Identity: e" }, { "Geolocation", "pidf" } },
	{ "location: encoded body", t_geo, MSG(FROM, "Content-Encoding: gzip\r\n"), VERDICT_SIGN, SR_SIGNED, 'A',
	  "12155550112", "12155550113", { "Content-Length: 90" }, { "Geolocation", "pidf" } },
	{ "location: signed body", t_geo, HEAD(URI, FROM, TO) "c: multipart/signed;boundary=x\r\nl: 14\r\n\r\n--x\r\n\r\n--x--\r\n",
	  VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", "12155550113", { "l: 14" }, { "Geolocation", "pidf" } },
	{ "location: no body", t_geo, HEAD(URI, FROM, TO) "Content-Length: 0\r\n\r\n", VERDICT_SIGN, SR_SIGNED, 'A',
	  "12155550112", "12155550113", { "\r\n\r\n--sipseal-abababababababab\r\nContent-Type: application/pidf+xml\r\n" } },
	{ "location: no Content-Length", t_geo, HEAD(URI, FROM, TO) "c: application/sdp\r\n\r\n" SDP, VERDICT_SIGN,
	  SR_SIGNED, 'A', "12155550112", "12155550113", { "Content-Length: ", "Content-Type: application/sdp\r\n\r\n" SDP } },
	{ "location: rows of the body move along", t_geo, HEAD(URI, FROM, TO) "Content-Disposition: session;handling=required\r\n"
	  "Content-Type : application/sdp\r\nl :\r\n 90\r\n\r\n" SDP, VERDICT_SIGN, SR_SIGNED, 'A', "12155550112",
	  "12155550113", { "--sipseal-abababababababab\r\nContent-Type: application/sdp\r\nContent-Disposition: session;"
	  "handling=required\r\n\r\n" SDP } },
	{ "location: multipart is extended", t_geo, HEAD(URI, FROM, TO) "Content-Type: multipart/mixed; boundary=\"b1\"\r\n"
	  "Content-Length: 64\r\n\r\n--b1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--b1--\r\nepilogue\r\n",
	  VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", "12155550113",
	  { "v=0\r\n\r\n--b1\r\nContent-Type: application/pidf+xml\r\n", "</pidf>\r\n\r\n--b1--\r\nepilogue\r\n",
	    "boundary=\"b1\"" }, { "sipseal-" } },
	{ "location: a part that is there is kept", t_geo, MIXED("--b1\r\n" PIDF_PART "\r\n--b1\r\n" SDP_PART "\r\n--b1--"),
	  VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", "12155550113", { "<theirs/>\r\n--b1\r\n" },
	  { "Geolocation", "<pidf" } },
	{ "location: a part that is there is replaced", t_geo_replace,
	  MIXED("--b1\r\n" PIDF_PART "\r\n--b1\r\n" SDP_PART "\r\n--b1--"), VERDICT_SIGN, SR_SIGNED, 'A', "12155550112",
	  "12155550113", { "\r\n\r\n\r\n--b1\r\n" SDP_PART "\r\n--b1\r\nContent-Type: application/pidf+xml\r\n",
	  "</pidf>\r\n\r\n--b1--" }, { "theirs" } },
	{ "location: the only part is replaced", t_geo_replace, MIXED("--b1\r\n" PIDF_PART "\r\n--b1--\r\n"), VERDICT_SIGN,
	  SR_SIGNED, 'A', "12155550112", "12155550113", { "\r\n\r\n\r\n--b1\r\nContent-Type: application/pidf+xml\r\n"
	  "Content-ID: <loc.", "</pidf>\r\n\r\n--b1--\r\n" }, { "theirs" } },
	{ "location: an emergency call keeps its part", t_geo_replace,
	  HEAD("urn:service:sos", FROM, "<urn:service:sos>") "c: multipart/mixed;boundary=b1\r\n\r\n--b1\r\n" PIDF_PART
	  "\r\n--b1--", VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", NULL, { "theirs" }, { "Geolocation", "<pidf" } },
	{ "location: the body is one", t_geo, HEAD(URI, FROM, TO) "c: Application/PIDF+xml\r\n\r\n<theirs/>", VERDICT_SIGN,
	  SR_SIGNED, 'A', "12155550112", "12155550113", { "\r\n\r\n<theirs/>" }, { "Geolocation", "<pidf" } },
	{ "location: IPv6 as domain", t_geo_v6, MSG(FROM, ""), VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", "12155550113",
	  { "<sip:+12155550112@[2001:db8::1]>", "Geolocation: <cid:loc.abababababababab@anonymous.invalid>\r\n",
	    "Content-ID: <loc.abababababababab@anonymous.invalid>\r\n",
	    "<pidf entity='+12155550112@anonymous.invalid'>" } },
	{ "location: a body in a transfer encoding", t_geo,
	  MSG(FROM, "content-transfer-encoding : Base64\r\n"), VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", "12155550113",
	  { "Content-Length: 90" }, { "Geolocation", "pidf" } },
	{ "location: binary is no transfer encoding", t_geo, MSG(FROM, "Content-Transfer-Encoding: binary\r\n"),
	  VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", "12155550113", { "Geolocation: <cid", "<pidf" } },
	{ "location: broken multipart stays", t_geo, HEAD(URI, FROM, TO) "Content-Type: multipart/mixed;boundary=b1\r\n"
	  "Content-Length: 8\r\n\r\n--b1\r\n\r\n", VERDICT_SIGN, SR_SIGNED, 'A', "12155550112", "12155550113",
	  { "Content-Length: 8\r\n" }, { "Geolocation", "pidf" } },
};

static void check_text(const char *name, const struct world *w, const char *const *list, bool want)
{
	for (unsigned i = 0; i < ALL_ROWS && list[i]; i++)
		if (!!memmem(w->bytes, w->len, list[i], strlen(list[i])) != want)
			fail_msg("%s: %s\n<<%s>>\nin\n%.*s", name, want ? "missing" : "should not be there", list[i],
				 (int)w->len, w->bytes);
}

static void test_cases(void **state)
{
	static struct world w;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		world_new(&w, cases[i].tune);
		world_run(&w, cases[i].msg, strlen(cases[i].msg));
		if (w.out.verdict != cases[i].verdict || w.out.reason != cases[i].reason)
			fail_msg("%s: %s %s, want %s %s", cases[i].name, engine_verdict_name(w.out.verdict),
				 reason_token(w.out.reason), engine_verdict_name(cases[i].verdict),
				 reason_token(cases[i].reason));
		if (w.out.attest != cases[i].attest)
			fail_msg("%s: attest %c", cases[i].name, w.out.attest ? w.out.attest : '-');
		if (strcmp(w.out.orig.digits, cases[i].orig ? cases[i].orig : "") ||
		    strcmp(w.out.dest.digits, cases[i].dest ? cases[i].dest : ""))
			fail_msg("%s: orig %s dest %s", cases[i].name, w.out.orig.digits, w.out.dest.digits);
		check_text(cases[i].name, &w, cases[i].has, true);
		check_text(cases[i].name, &w, cases[i].has_not, false);
		world_free(&w);
	}
}

/* The Identity's payload says what the call says. */
static void test_claims(void **state)
{
	static const char want[] = "{\"attest\":\"A\",\"dest\":{\"uri\":[\"urn:service:sos\"]},\"iat\":1767225600,"
				   "\"orig\":{\"tn\":\"12155550112\"},\"origid\":\"123e4567-e89b-42d3-a456-426655440000\"}";
	static struct world w;
	char json[512];
	const char *p, *q;
	ssize_t n;

	(void)state;
	world_new(&w, NULL);
	world_run(&w, EMERGENCY(FROM, ""), strlen(EMERGENCY(FROM, "")));
	p = memmem(w.bytes, w.len, "Identity: eyJ", 13);
	assert_non_null(p);
	p = strchr(p, '.') + 1;
	q = strchr(p, '.');
	n = b64url_parse(slice_of(p, (size_t)(q - p)), json, sizeof(json));
	assert_int_equal(n, sizeof(want) - 1);
	assert_memory_equal(json, want, sizeof(want) - 1);
	world_free(&w);
}

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

static void test_unknown_trunk(void **state)
{
	static struct world w;
	struct engine_input in = { .datagram = SLICE(MSG(FROM, "")), .trunk = 99 };

	(void)state;
	world_new(&w, NULL);
	in.policy = w.policy;
	engine_run(w.engine, &w.env, &in, &w.out);
	assert_int_equal(w.out.verdict, VERDICT_DROP);
	assert_int_equal(w.out.reason, SR_UNKNOWN_TRUNK);
	world_free(&w);
}

/* The same refusal for every copy, another tag for another call. */
static void test_response_tag(void **state)
{
	static struct world w;
	static char first[70000];
	size_t len;

	(void)state;
	world_new(&w, t_out_reject);
	world_run(&w, MSG(FROM, ""), strlen(MSG(FROM, "")));
	memcpy(first, w.bytes, w.len);
	len = w.len;
	world_run(&w, MSG(FROM, ""), strlen(MSG(FROM, "")));
	assert_int_equal(w.len, len);
	assert_memory_equal(w.bytes, first, len);
	world_run(&w, MSG(FROM, "Subject: x\r\n"), strlen(MSG(FROM, "Subject: x\r\n")));
	assert_memory_not_equal(w.bytes, first, len);
	world_free(&w);
}

/* At the limit of a datagram an edit that does not fit leaves the message whole. */
static void test_too_large(void **state)
{
	static struct world w;
	static char big[65507];
	size_t head = strlen(HEAD(URI, FROM, TO)), tail = strlen(SDP_TAIL), pad = sizeof(big) - head - tail;

	(void)state;
	memcpy(big, HEAD(URI, FROM, TO), head);
	memcpy(big + head, "X-Pad: ", 7);
	memset(big + head + 7, 'x', pad - 9);
	memcpy(big + head + pad - 2, "\r\n", 2);
	memcpy(big + head + pad, SDP_TAIL, tail);
	world_new(&w, NULL);
	world_run(&w, big, sizeof(big));
	assert_int_equal(w.out.reason, SR_OUTPUT_LIMIT);
	assert_int_equal(w.out.verdict, VERDICT_PASS);
	assert_int_equal(w.len, sizeof(big));
	world_free(&w);
}

/* @head, then @fill until the message with @tail has @len bytes. */
static void fill_message(char *dst, size_t len, const char *head, const char *tail)
{
	size_t h = strlen(head), t = strlen(tail);

	assert_true(h + t <= len);
	memcpy(dst, head, h);
	memset(dst + h, 'x', len - h - t);
	memcpy(dst + len - t, tail, t);
}

/* Nobody gets rows past us by sending many of them. */
static void test_many_rows(void **state)
{
	static char big[32768];
	static struct world w;

	(void)state;
	strcpy(big, HEAD(URI, FROM, TO));
	for (unsigned i = 0; i < 200; i++)
		strcat(big, i & 1 ? "X-STIR-A: 1\r\n" : "P-Asserted-Identity: <sip:+13125550100@x>\r\n");
	strcat(big, SDP_TAIL);
	world_new(&w, t_inside);
	world_run(&w, big, strlen(big));
	assert_int_equal(w.out.reason, SR_SIGNED);
	assert_null(memmem(w.bytes, w.len, "X-STIR", 6));
	assert_null(memmem(w.bytes, w.len, "13125550100", 11));
	world_free(&w);
}

/* What does not fit beside a location costs the location, not the signature. */
static void test_location_too_large(void **state)
{
	static const struct {
		const char *name, *head, *tail;
		size_t len;
	} big[] = {
		{ "row of the body over the arena", HEAD(URI, FROM, TO) "Content-Disposition: session;", "\r\n" SDP_TAIL,
		  ENGINE_ARENA_MAX + 1000 },
		{ "no room in the datagram", HEAD(URI, FROM, TO) "X-Pad: ", "\r\n" SDP_TAIL, 65507 - 700 },
	};
	static struct world w;
	static char msg[65507];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(big); i++) {
		fill_message(msg, big[i].len, big[i].head, big[i].tail);
		world_new(&w, t_geo);
		world_run(&w, msg, big[i].len);
		if (w.out.reason != SR_SIGNED || !(w.out.notes & ENGINE_NOTE_LOCATION_SIZE) ||
		    w.out.notes & ENGINE_NOTE_LOCATION)
			fail_msg("%s: %s, notes %x", big[i].name, reason_token(w.out.reason), w.out.notes);
		assert_null(memmem(w.bytes, w.len, "Geolocation", 11));
		assert_non_null(memmem(w.bytes, w.len, "\r\nIdentity: eyJ", 15));
		world_free(&w);
	}
}

/* A From host that is no host is not copied; a name of 255 bytes is. */
static void test_long_host(void **state)
{
	static char msg[32768];
	static struct world w;
	const char head[] = "INVITE " URI " SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.7;branch=z9hG4bK1\r\nFrom: <sip:+12155550112@";
	const char tail[] = ">;tag=1\r\nTo: " TO "\r\nCall-ID: a\r\nCSeq: 1 INVITE\r\n" SDP_TAIL;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		static const size_t host[] = { 255, 256, 23000 };
		size_t len = sizeof(head) + sizeof(tail) - 2 + host[i];

		fill_message(msg, len, head, tail);
		world_new(&w, t_geo_host);
		world_run(&w, msg, len);
		assert_int_equal(w.out.reason, SR_SIGNED);
		assert_true(w.out.notes & ENGINE_NOTE_LOCATION);
		assert_int_equal(!memmem(w.bytes, w.len, "<tel:+12155550112>", 18), host[i] == 255);
		world_free(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),	       cmocka_unit_test(test_claims),
		cmocka_unit_test(test_existing_good),  cmocka_unit_test(test_certificate),
		cmocka_unit_test(test_sign_failed),    cmocka_unit_test(test_unknown_trunk),
		cmocka_unit_test(test_response_tag),   cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_many_rows),      cmocka_unit_test(test_location_too_large),
		cmocka_unit_test(test_long_host),      cmocka_unit_test(test_existing_rows),
	};

	return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
