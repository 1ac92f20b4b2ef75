/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * world - a policy of one trunk, a clock and a key that stand still, messages to try, settings of the trunk.
 */
#ifndef SIPSEAL_TEST_WORLD_H
#define SIPSEAL_TEST_WORLD_H

#include "guard.h"

#include <errno.h>

#include "invariant.h"
#include "policy_world.h"

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

struct world {
	struct gateway *g;
	struct policy_copy *policy;
	struct engine *engine;
	struct engine_env env;
	struct engine_output out;
	size_t max_len;      /* of what leaves; 0: any */
	char bytes[70000];
	size_t len;
};

static struct pidf_template location = {
	.len = 0, .hole_cnt = 2,
	.holes = { { 14, PIDF_HOLE_ENTITY }, { 16, PIDF_HOLE_TIMESTAMP } },
};

#define LOCATION_TEXT "<pidf entity=''></pidf>\r\n"

/* @text: starts as LOCATION_TEXT. */
static void world_new_at(struct world *w, tune_fn *tune, const char *text)
{
	memset(w, 0, offsetof(struct world, bytes));
	sign_calls = 0;
	sign_error = 0;
	location.len = (uint32_t)strlen(text);
	memcpy(location.text, text, location.len);
	w->policy = policy_new(tune, &location, &w->g);
	w->engine = malloc(sizeof(*w->engine));
	w->env = (struct engine_env){ .now_ms = NOW * 1000ll + 999, .sign = fake_sign, .random = fake_random };
}

static void world_new(struct world *w, tune_fn *tune)
{
	world_new_at(w, tune, LOCATION_TEXT);
}

static void world_run(struct world *w, const char *msg, size_t len)
{
	struct guard g = guard_new(msg, len);
	struct engine_input in = { .datagram = { g.p, g.len }, .policy = w->policy, .source_ip = "10.0.0.7",
				   .source_port = 5060, .max_len = w->max_len };
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
						   w->g->trunks[0]->geo_existing == GEO_REPLACE ||
							   w->env.override);
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

/* no file uses all of them */
#define TUNE(name) __attribute__((unused)) static void name(struct gateway *g, struct trunk *t)
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

#endif
