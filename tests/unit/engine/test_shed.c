/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is left out, step by step, when ever less fits into a datagram: each step is given one byte less than the
 * one before it made.
 */
#include "world.h"

#define BLANKS "<pidf entity=''>\r\n <a>\r\n  <b>x  y</b>\r\n </a>\r\n</pidf>\r\n"
#define DENSE  "<a><b>x  y</b></a></pidf>"

#define C ENGINE_SHED_COMPACT
#define L ENGINE_SHED_LOCATION
#define P ENGINE_SHED_PAI
#define END { 0, SR_OUTPUT_LIMIT }
#define STEPS_MAX 5

#define OTHERS_IDENTITY "Identity: a.b.c;info=<https://c.example/1.pem>;ppt=shaken\r\n"
#define OWN_PPI "P-Preferred-Identity: <sip:+12155550112@pbx.example.com>\r\n"
#define AUTH_INT "Proxy-Authorization: Digest qop=auth-int\r\n"

TUNE(t_geo_default)  { t_out_default(g, t); t_geo(g, t); }
TUNE(t_geo_pai_keep) { t_keep(g, t); t_geo(g, t); }
TUNE(t_none_default) { t_out_default(g, t); t->attestation = ATTEST_NONE; }
TUNE(t_trust_default) { t_out_default(g, t); t_trust(g, t); }
TUNE(t_keep_id)      { t_rkeep(g, t); t_priv_id(g, t); }

static const struct {
	const char *name;
	tune_fn *tune;
	const char *msg;
	struct {
		uint32_t shed;
		enum sipseal_reason reason;
	} steps[STEPS_MAX];
	const char *kept; /* stands in all but the last, or NULL */
} cases[] = {
	{ "location and PAI", t_geo, MSG(FROM, ""),
	  { { 0, SR_SIGNED }, { C, SR_SIGNED }, { L, SR_SIGNED }, { L | P, SR_SIGNED }, END } },
	{ "no location", t_inside, MSG(FROM, ""), { { 0, SR_SIGNED }, { P, SR_SIGNED }, END } },
	{ "nothing of ours to leave out", t_keep, MSG(FROM, ""), { { 0, SR_SIGNED }, END } },
	{ "only a location", t_geo_pai_keep, MSG(FROM, ""), { { 0, SR_SIGNED }, { C, SR_SIGNED }, { L, SR_SIGNED }, END } },
	{ "From is another number than the PAI", t_out_default, MSG(FROM, ""), { { 0, SR_SIGNED }, END } },
	{ "the same, and a location", t_geo_default, MSG(FROM, ""),
	  { { 0, SR_SIGNED }, { C, SR_SIGNED }, { L, SR_SIGNED }, END } },
	{ "number in the PAI only", t_inside, MSG("<sip:anna@pbx.example.com>", PAI_112), { { 0, SR_SIGNED }, END } },
	{ "theirs is not worth more than ours", t_inside, MSG(FROM, PAI_112 OWN_PPI), { { 0, SR_SIGNED }, { P, SR_SIGNED }, END } },
	{ "no location in a protected body", t_geo, MSG(FROM, AUTH_INT), { { 0, SR_SIGNED }, { P, SR_SIGNED }, END } },
	{ "emergency", t_geo, EMERGENCY(FROM, ""), { { 0, SR_SIGNED }, { C, SR_SIGNED }, { C | P, SR_SIGNED }, END },
	  "Geolocation: <cid:" },
	{ "emergency, From is another number", t_geo_default, EMERGENCY(FROM, ""),
	  { { 0, SR_SIGNED }, { C, SR_SIGNED }, END }, "Geolocation: <cid:" },
	{ "emergency that stays unsigned", t_geo_default, EMERGENCY("<sip:anna@pbx.example.com>", "Date: x\r\n"),
	  { { 0, SR_BAD_DATE }, { C, SR_BAD_DATE }, { C | P, SR_BAD_DATE }, END }, "Geolocation: <cid:" },
	{ "hidden on purpose stays hidden", t_keep_id, MSG(FROM, ""), { { 0, SR_SIGNED }, { P, SR_SIGNED }, END },
	  "Privacy: id\r\n" },
	{ "PAI without a signature", t_none_default, MSG(FROM, ""),
	  { { 0, SR_ATTESTATION_NONE }, { P, SR_ATTESTATION_NONE }, END } },
	{ "signed by another", t_trust, MSG(FROM, OTHERS_IDENTITY), { { 0, SR_ALREADY_SIGNED }, { P, SR_ALREADY_SIGNED }, END } },
	{ "signed by another, From is another number", t_trust_default, MSG(FROM, OTHERS_IDENTITY),
	  { { 0, SR_ALREADY_SIGNED }, END } },
};

static void want_text(const char *name, unsigned step, const struct world *w, const char *text, bool want)
{
	if (!!memmem(w->bytes, w->len, text, strlen(text)) != want)
		fail_msg("%s, step %u: \"%s\" %s\n%.*s", name, step, text, want ? "is missing" : "is there", (int)w->len,
			 w->bytes);
}

static void check_left_out(size_t i, unsigned step, const struct world *w)
{
	uint32_t shed = w->out.shed;
	const char *name = cases[i].name;
	bool is_located = w->out.notes & EVENT_NOTE_LOCATION;

	if ((w->out.notes & EVENT_NOTES_SHED) != shed * EVENT_NOTE_SHED_COMPACT)
		fail_msg("%s, step %u: notes %x", name, step, w->out.notes);
	want_text(name, step, w, DENSE, is_located && shed & C);
	want_text(name, step, w, "\r\n </a>\r\n", is_located && !(shed & C));
	if (shed & L && (is_located || !(w->out.notes & EVENT_NOTE_LOCATION_SIZE)))
		fail_msg("%s, step %u: notes %x", name, step, w->out.notes);
	if (shed & P) {
		want_text(name, step, w, "P-Asserted-Identity", false);
		want_text(name, step, w, "Privacy: none", false);
		want_text(name, step, w, "P-Preferred-Identity", false);
	}
	if (cases[i].kept)
		want_text(name, step, w, cases[i].kept, true);
}

/* One step with @max_len.  Return: was it the last? */
static bool step_run(size_t i, unsigned step, struct world *w, const char *orig, char attest)
{
	const char *name = cases[i].name;
	enum sipseal_reason want = cases[i].steps[step].reason;

	sign_calls = 0;
	world_run(w, cases[i].msg, strlen(cases[i].msg));
	if (w->out.reason != want || w->out.shed != cases[i].steps[step].shed)
		fail_msg("%s, step %u: %s, shed %x", name, step, reason_token(w->out.reason), w->out.shed);
	if (sign_calls > 1)
		fail_msg("%s, step %u: signed %u times", name, step, sign_calls);
	if (want == SR_OUTPUT_LIMIT) {
		if (w->out.verdict != VERDICT_PASS || w->len != strlen(cases[i].msg) || w->out.attest ||
		    w->out.notes & (EVENT_NOTE_LOCATION | EVENT_NOTES_SHED))
			fail_msg("%s: the original does not leave, or not as such", name);
		return true;
	}
	if (w->max_len && w->len > w->max_len)
		fail_msg("%s, step %u: %zu bytes of at most %zu", name, step, w->len, w->max_len);
	/* what the verifier sees is what was signed: leaving something out moves neither */
	if (want == SR_SIGNED && (strcmp(w->out.orig.digits, orig) || w->out.attest != attest))
		fail_msg("%s, step %u: orig %s attest %c", name, step, w->out.orig.digits, w->out.attest);
	check_left_out(i, step, w);
	return false;
}

static void test_steps(void **state)
{
	static struct world w;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char orig[sizeof(w.out.orig.digits)], attest;

		world_new_at(&w, cases[i].tune, BLANKS);
		w.max_len = 0;
		world_run(&w, cases[i].msg, strlen(cases[i].msg));
		memcpy(orig, w.out.orig.digits, sizeof(orig));
		attest = w.out.attest;
		for (unsigned step = 0; !step_run(i, step, &w, orig, attest); step++)
			w.max_len = w.len - 1;
		world_free(&w);
	}
}

/* Whatever the limit: what leaves is within it, or is the original; and nothing comes back once it has gone. */
static void test_every_limit(void **state)
{
	static struct world w;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t in_len = strlen(cases[i].msg), last = 0;

		world_new_at(&w, cases[i].tune, BLANKS);
		for (w.max_len = in_len; w.max_len < in_len + 1400; w.max_len++) {
			world_run(&w, cases[i].msg, in_len);
			if (w.len > w.max_len || w.len < last)
				fail_msg("%s: %zu bytes of at most %zu after %zu, %s", cases[i].name, w.len, w.max_len,
					 last, reason_token(w.out.reason));
			last = w.len;
		}
		world_free(&w);
	}
}

/* mode observe: what would be left out is told, and nothing is. */
static void test_observe(void **state)
{
	static struct world w;
	const char msg[] = MSG(FROM, "");

	(void)state;
	world_new(&w, t_observe);
	w.max_len = sizeof(msg) + 560; /* room for the Identity, not for the PAI */
	world_run(&w, msg, sizeof(msg) - 1);
	assert_int_equal(w.out.decided_reason, SR_SIGNED);
	assert_int_equal(w.out.notes & (EVENT_NOTES_SHED | EVENT_NOTE_OBSERVE), EVENT_NOTE_SHED_PAI | EVENT_NOTE_OBSERVE);
	assert_int_equal(w.len, sizeof(msg) - 1);
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_every_limit),
		cmocka_unit_test(test_observe),
	};

	return cmocka_run_group_tests_name("engine_shed", tests, NULL, NULL);
}
