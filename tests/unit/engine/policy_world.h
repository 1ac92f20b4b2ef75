/* SPDX-License-Identifier: BSD-2-Clause */
/* policy_world - a policy of one trunk, and the time at which it holds. */
#ifndef SIPSEAL_TEST_POLICY_WORLD_H
#define SIPSEAL_TEST_POLICY_WORLD_H

#include "guard.h"

#include <stdlib.h>

#include "engine/engine.h"
#include "location/template.h"
#include "trunk/compile.h"
#include "trunk/model.h"

#define NOW 1767225600 /* Thu, 01 Jan 2026 00:00:00 GMT */

typedef void tune_fn(struct gateway *g, struct trunk *t);

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

/* The caller frees both.  @location: of a trunk that has one. */
static struct policy_copy *policy_new(tune_fn *tune, const struct pidf_template *location, struct gateway **ret_g)
{
	struct compile_credential cred = { "https://cr.example.com/shaken/1234.pem", NOW - 86400, NOW + 86400, true };
	struct compile_trunk ct = { .slot = 0, .credential = 0 };
	struct compile_input in = { .trunks = &ct, .trunk_cnt = 1, .credentials = &cred, .credential_cnt = 1,
				    .generation = 7 };
	struct gateway *g = gateway_new();
	size_t cap = 1 << 20;
	struct policy_copy *policy = aligned_alloc(64, cap);

	assert_non_null(g);
	assert_non_null(policy);
	g->trunks = calloc(1, sizeof(*g->trunks));
	g->trunks[0] = plain_trunk();
	g->trunk_cnt = 1;
	strcpy(g->emergency[0], "911");
	g->emergency_cnt = 1;
	if (tune)
		tune(g, g->trunks[0]);
	ct.trunk = g->trunks[0];
	ct.location = ct.trunk->has_geolocation ? location : NULL;
	in.gateway = g;
	memset(policy, 0, cap);
	assert_true(policy_compile(&in, policy, cap) > 0);
	*ret_g = g;
	return policy;
}

#endif
