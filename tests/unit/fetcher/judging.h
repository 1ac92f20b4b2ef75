/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * judging - what the tests of the judge share: a judge with the roots of a test, and what it says of a chain.
 */
#ifndef SIPSEAL_TEST_JUDGING_H
#define SIPSEAL_TEST_JUDGING_H

#include "stir/chain.h"

#include <errno.h>

#include "base/reason.h"
#include "fetcher/judge.h"

#define EXT(bc, ku, rest) "[ext]\nbasicConstraints = " bc "\nkeyUsage = " ku "\n" rest
#define BC		  "critical,CA:FALSE"
#define KU		  "critical,digitalSignature"
#define REST		  CHAIN_IDS CHAIN_POLICY CHAIN_CRL
#define LEAF(more)	  EXT(BC, KU, REST CHAIN_TNAUTH more)
#define LIST(hex)	  EXT(BC, KU, REST "1.3.6.1.5.5.7.1.26 = DER:" hex "\n")
#define CA_EXT(more)	  EXT("critical,CA:TRUE", "critical,keyCertSign,cRLSign", REST more)

static const struct judge_config shaken = { .want_tnauthlist = true };

/* What judge_chain() said. */
struct said {
	struct verdict v;
	char text[256];
};

static inline struct judge *judge_for(const struct judge_config *cfg, X509 *const anchors[])
{
	static char pem[32768];
	size_t len = chain_pem(pem, sizeof(pem), anchors);
	struct judge *j = NULL;
	char err[160] = "";

	if (judge_new(cfg, pem, len, &j, err) != 0)
		fail_msg("no judge: %s", err);
	return j;
}

static inline struct said judge_bytes(struct judge *j, const void *data, size_t len, int64_t at, int64_t keep_s)
{
	struct guard g = guard_new(data, len);
	struct said s;

	memset(&s, 0x5a, sizeof(s));
	assert_int_equal(judge_chain(j, g.p, g.len, at, keep_s, &s.v, s.text), 0);
	guard_free(&g);
	assert_non_null(memchr(s.text, 0, sizeof(s.text)));
	assert_non_null(memchr(s.v.subject, 0, sizeof(s.v.subject)));
	for (const char *p = s.text; *p; p++)
		assert_true(*p >= 0x20 && *p < 0x7f);
	for (const char *p = s.v.subject; *p; p++)
		assert_true(*p >= 0x20 && *p < 0x7f);
	assert_int_equal(s.v.fetched_at, at);
	return s;
}

static inline struct said judge_x509(struct judge *j, X509 *const x[])
{
	static char pem[65536];
	size_t len = chain_pem(pem, sizeof(pem), x);

	return judge_bytes(j, pem, len, CHAIN_AT, -1);
}

/* @text: has to be in what was said; NULL: nothing was. */
static inline void expect(const char *name, const struct said *s, enum sipseal_reason reason, const char *text)
{
	uint8_t kind = reason == SR_NONE ? VERDICT_GOOD : VERDICT_BAD;

	if (s->v.kind != kind || s->v.reason != (uint8_t)reason)
		fail_msg("%s: kind %u, reason %s, want %s (%s)", name, s->v.kind, reason_token(s->v.reason),
			 reason_token(reason), s->text);
	if (text ? !strstr(s->text, text) : s->text[0] != '\0')
		fail_msg("%s: says '%s', want '%s'", name, s->text, text ? text : "");
	if (kind == VERDICT_GOOD)
		return;
	assert_int_equal(s->v.code, 437);
	assert_int_equal(s->v.expires_at, s->v.fetched_at + 60);
	assert_int_equal(s->v.has_spc + s->v.range_cnt + s->v.must_cnt + s->v.never_cnt + s->v.spc[0] + s->v.point[0], 0);
}

#endif
