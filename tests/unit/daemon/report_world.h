/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * report_world - a daemon made by hand for reports; the XDP side is the two functions below.
 */
#ifndef SIPSEAL_TEST_REPORT_WORLD_H
#define SIPSEAL_TEST_REPORT_WORLD_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "base/clock.h"
#include "base/reason.h"
#include "config/credentials.h"
#include "daemon/live_internal.h"
#include "daemon/report.h"
#include "topology_none.h"

static uint64_t xdp[SIPSEAL_PORTS_MAX][SR_XDP_MAX];

int bpfgw_counters(const struct bpfgw *g, unsigned port, uint64_t ret[SR_XDP_MAX])
{
	(void)g;
	memcpy(ret, xdp[port], sizeof(xdp[port]));
	return 0;
}

int bpfgw_unmatched_peers(const struct bpfgw *g, struct bpfgw_unmatched *ret, unsigned max)
{
	(void)g, (void)max;
	memset(ret, 0, 2 * sizeof(*ret));
	ret[0] = (struct bpfgw_unmatched){ .src = { [10] = 0xff, 0xff, 10, 0, 0, 5 },
					   .src_port = 5060,
					   .dst = { [10] = 0xff, 0xff, 192, 0, 2, 1 },
					   .dst_port = 5061,
					   .count = 7 };
	ret[1] = (struct bpfgw_unmatched){ .src = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 },
					   .src_port = 9 };
	return 2;
}

/* Two trunks, two NICs, one credential; the second trunk observes and does not sign. */
struct world {
	struct sipseald d;
	struct live_credential *credential;
	struct counters_region *signer;
};

static struct live_trunk *trunk_add(struct sipseald *d, const char *name)
{
	struct live_trunk *t = NULL;

	assert_int_equal(live_trunk_new(d->live, name, 0, 1, &t), 0);
	t->trunk = trunk_new();
	assert_non_null(t->trunk);
	strcpy(t->trunk->name, name);
	t->trunk->attestation = ATTEST_A;
	t->trunk->verification.is_given = true; /* off, as somebody wants it */
	return t;
}

static void credential_add_one(struct world *w)
{
	const struct cert_config config = {
		(char *)"cert.pem", (char *)"key.pem", (char *)"https://x/c", { 0 }
	};
	struct live_credential *c;

	assert_int_equal(live_credential_new(w->d.live, &config, true, 0, 1, &c), 0);
	c->now = (struct assembled_credential){ .cert_path = strdup("cert.pem"),
						.key_path = strdup("key.pem"),
						.x5u = strdup("https://x/c"),
						.info = calloc(1, sizeof(*c->now.info)),
						.key_fd = -1 };
	c->now.info->not_after = 4000000000;
	c->users = 2;
	w->credential = c;
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct sipseald *d = &w->d;

	memset(xdp, 0, sizeof(xdp));
	d->gateway = gateway_new();
	d->port_cnt = 2;
	d->ports[0].side = SIPSEAL_SIDE_CORE;
	d->ports[1].side = SIPSEAL_SIDE_CARRIER;
	d->nics[0] = (struct nic){ .name = "eth0", .queues = 4, .mtu = 1500 };
	d->nics[1] = (struct nic){ .name = "eth1", .queues = 1, .mtu = 1500 };
	assert_int_equal(live_new(&d->live), 0);
	credential_add_one(w);
	trunk_add(d, "acme")->credential = w->credential;
	trunk_add(d, "watch");
	live_trunk_find(d->live, "acme")->trunk->on_unsignable = UNSIGNABLE_REJECT;
	live_trunk_find(d->live, "watch")->trunk->mode = TRUNK_OBSERVE;
	live_trunk_find(d->live, "watch")->trunk->has_numbers = true;
	d->workers = 1;
	d->generation = 3;
	d->regulatory = -1;
	d->regulatory_since = 1700000000;
	d->signer.pid = 4711;
	assert_int_equal(counts_init(&d->counts, 1, 16), 0);
	assert_int_equal(counts_renew(&d->counts, 0), 0);
	w->signer = d->counts.map;
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	counts_done(&w->d.counts);
	live_free(w->d.live);
	gateway_free(w->d.gateway);
	free(w);
	return 0;
}

/* As the signer counts: the frame, and the trunk's part of it. */
static inline void count(struct world *w, unsigned slot, unsigned reason, uint64_t n)
{
	struct counters_worker *b = counters_worker(w->signer, 0);

	counters_bump(&b->trunks[slot].reasons[COUNTERS_OUTBOUND][reason - SR_XDP_MAX], n);
	if (slot != 1 || reason == SR_OBSERVE)
		counters_bump(&b->reasons[reason - SR_XDP_MAX], n);
}

/* The same of an inbound one; one that observes counts what it decided beside the frame. */
static inline void count_inbound(struct world *w, unsigned slot, unsigned reason, uint64_t n)
{
	struct counters_worker *b = counters_worker(w->signer, 0);

	counters_bump(&b->trunks[slot].reasons[COUNTERS_INBOUND][reason - SR_XDP_MAX], n);
	if (slot != 1 || reason == SR_OBSERVE)
		counters_bump(&b->reasons[reason - SR_XDP_MAX], n);
}

static inline long long at(const json_t *o, const char *a, const char *b)
{
	json_t *v = json_object_get(o, a);

	v = b ? json_object_get(v, b) : v;
	if (!json_is_integer(v))
		fail_msg("no integer %s.%s", a, b ? b : "");
	return json_integer_value(v);
}

static inline bool has_warning(const json_t *list, const char *code, const char *trunk)
{
	const json_t *w;
	size_t i;

	json_array_foreach(list, i, w)
	{
		const char *t = json_string_value(json_object_get(w, "trunk"));

		if (!strcmp(json_string_value(json_object_get(w, "code")), code) &&
		    (!trunk || (t && !strcmp(t, trunk))))
			return true;
	}
	return false;
}

#endif
