/* SPDX-License-Identifier: BSD-2-Clause */
/* Reports over a daemon made by hand; the XDP side is the two functions below. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/reason.h"
#include "daemon/nic.h"
#include "daemon/preflight.h"
#include "daemon/report.h"

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

/* Two trunks, two NICs, one credential; the second trunk observes. */
struct world {
	struct sipseald d;
	struct assembled assembled;
	struct assembled_credential credential;
	struct compile_trunk trunks[2];
	struct cert_info cert;
	struct counters_region *signer;
};

static struct trunk *trunk_add(struct gateway *g, const char *name)
{
	struct trunk *t = trunk_new();

	assert_non_null(t);
	strcpy(t->name, name);
	t->attestation = ATTEST_A;
	g->trunks = realloc(g->trunks, (g->trunk_cnt + 1) * sizeof(*g->trunks));
	g->trunks[g->trunk_cnt++] = t;
	return t;
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct sipseald *d = &w->d;

	memset(xdp, 0, sizeof(xdp));
	d->gateway = gateway_new();
	d->gateway->interface_cnt = 2;
	d->gateway->interfaces[0].side = SIPSEAL_SIDE_CORE;
	d->gateway->interfaces[1].side = SIPSEAL_SIDE_CARRIER;
	d->nics[0] = (struct nic){ .name = "eth0", .queues = 4, .mtu = 1500 };
	d->nics[1] = (struct nic){ .name = "eth1", .queues = 1, .mtu = 1500 };
	w->trunks[0] = (struct compile_trunk){ .trunk = trunk_add(d->gateway, "acme"), .slot = 0 };
	w->trunks[1] = (struct compile_trunk){ .trunk = trunk_add(d->gateway, "watch"),
					       .slot = 1,
					       .credential = POLICY_CREDENTIAL_NONE };
	d->gateway->trunks[0]->on_unsignable = UNSIGNABLE_REJECT;
	d->gateway->trunks[1]->mode = TRUNK_OBSERVE;
	d->gateway->trunks[1]->has_numbers = true;
	w->cert.not_after = 4000000000;
	w->credential = (struct assembled_credential){ .cert_path = (char *)"cert.pem",
						       .key_path = (char *)"key.pem",
						       .x5u = (char *)"https://x/c",
						       .info = &w->cert,
						       .key_fd = -1 };
	w->assembled = (struct assembled){ .credentials = &w->credential,
					   .credential_cnt = 1,
					   .trunks = w->trunks,
					   .trunk_cnt = 2 };
	d->assembled = &w->assembled;
	d->workers = 1;
	d->generation = 3;
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
	gateway_free(w->d.gateway);
	free(w);
	return 0;
}

/* As the signer counts: the frame, and the trunk's part of it. */
static void count(struct world *w, unsigned slot, unsigned reason, uint64_t n)
{
	struct counters_worker *b = counters_worker(w->signer, 0);

	counters_bump(&b->trunk_reasons[slot * COUNTERS_SIGNER_REASONS + reason - SR_XDP_MAX], n);
	if (slot != 1 || reason == SR_OBSERVE)
		counters_bump(&b->reasons[reason - SR_XDP_MAX], n);
}

static long long at(const json_t *o, const char *a, const char *b)
{
	json_t *v = json_object_get(o, a);

	v = b ? json_object_get(v, b) : v;
	if (!json_is_integer(v))
		fail_msg("no integer %s.%s", a, b ? b : "");
	return json_integer_value(v);
}

static void calls_of_example(struct world *w)
{
	count(w, 0, SR_SIGNED, 5);
	count(w, 0, SR_RETRANSMISSION, 2);
	count(w, 0, SR_STALE_DATE, 3); /* on_unsignable: reject */
	count(w, 0, SR_RESTRICTED_UNSIGNED, 1);
	count(w, 0, SR_NO_FRAME, 4);
	count(w, 1, SR_OBSERVE, 6);
	count(w, 1, SR_SIGNED, 6);
}

static void test_status_groups(void **state)
{
	struct world *w = *state;
	json_t *o;

	calls_of_example(w);
	o = report_status(&w->d);
	assert_non_null(o);
	assert_int_equal(at(o, "calls", "signed"), 7);
	assert_int_equal(at(o, "calls", "rejected"), 3);
	assert_int_equal(at(o, "calls", "unsigned"), 1 + 6);
	assert_int_equal(at(o, "calls", "dropped"), 4);
	assert_int_equal(at(o, "trunks", "observe"), 1);
	assert_int_equal(at(o, "signer", "pid"), 4711);
	json_decref(o);
	o = report_trunks(&w->d);
	assert_int_equal(at(json_array_get(json_object_get(o, "trunks"), 0), "calls", "rejected"),
			 3);
	assert_int_equal(at(json_array_get(json_object_get(o, "trunks"), 1), "calls", "signed"), 6);
	assert_int_equal(at(json_array_get(json_object_get(o, "trunks"), 1), "calls", "unsigned"),
			 0);
	assert_int_equal(at(json_array_get(json_object_get(o, "trunks"), 1), "calls", "observed"),
			 6);
	json_decref(o);
}

static void test_sums(void **state)
{
	struct world *w = *state;
	json_t *o;

	calls_of_example(w); /* 21 frames */
	counters_bump(&counters_worker(w->signer, 0)->xsk[0][3], 2);
	xdp[0][SR_STEERED] = 130;
	xdp[0][SR_KERNEL] = 1000;
	xdp[1][SR_FORWARDED] = 50;
	w->d.steered_base = 100; /* of a former daemon */
	w->d.lost_with_signer = 6;
	o = report_stats(&w->d);
	assert_int_equal(at(o, "sums", "xdp_reasons"), 1180);
	assert_int_equal(at(o, "sums", "steered"), 30);
	assert_int_equal(at(o, "sums", "signer_reasons"), 21);
	assert_int_equal(at(o, "sums", "ring_drops"), 2);
	assert_int_equal(at(o, "sums", "in_flight"), 1);
	/* every reason of the list has a key on its side */
	for (unsigned i = 1; i < SR_MAX; i++) {
		json_t *where =
			i < SR_XDP_MAX
				? json_object_get(
					  json_array_get(json_object_get(o, "interfaces"), 0),
					  "packets")
				: json_object_get(json_object_get(o, "signer"), "reasons");

		if (reason_token(i)[0] != '?' &&
		    !json_is_integer(json_object_get(where, reason_token(i))))
			fail_msg("reason %u has no key", i);
	}
	json_decref(o);
}

static bool has_warning(const json_t *list, const char *code, const char *trunk)
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

static void test_warnings(void **state)
{
	struct world *w = *state;
	json_t *list = report_warnings(&w->d);

	assert_true(has_warning(list, "a_for_any_number", "acme"));
	assert_false(has_warning(list, "a_for_any_number", "watch"));
	assert_int_equal(json_array_size(list), 1); /* all else is well */
	json_decref(list);
	xdp[1][SR_OTHER_TRANSPORT] = 2;
	xdp[0][SR_UNMATCHED_INVITE_DROPPED] = 1;
	w->cert.not_after = 1000;
	w->d.signer.pid = 0;
	w->d.is_ip_forward_off = true;
	w->d.gateway->regulatory_enabled = false;
	counters_bump(&counters_worker(w->signer, 0)->frames_lost, 1);
	list = report_warnings(&w->d);
	for (const char *const *c =
		     (const char *const[]){ "other_transports", "unmatched_invite",
					    "certificate_expired", "signer_not_running",
					    "ip_forward", "regulatory_off", "frames_lost", NULL };
	     *c; c++)
		if (!has_warning(list, *c, NULL))
			fail_msg("no warning %s", *c);
	json_decref(list);
}

static void test_interfaces_that_went(void **state)
{
	struct world *w = *state;
	json_t *list;

	w->d.nics[1].ifindex = 77;
	list = report_warnings(&w->d);
	assert_true(has_warning(list, "interface_gone", NULL));
	json_decref(list);
	strcpy(w->d.nics[1].name, "lo"); /* there again, but with another number */
	list = report_warnings(&w->d);
	assert_true(has_warning(list, "interface_gone", NULL));
	json_decref(list);
	w->d.nics[1].ifindex = if_nametoindex("lo");
	list = report_warnings(&w->d);
	assert_false(has_warning(list, "interface_gone", NULL));
	json_decref(list);
}

/* Calls that are lost or go by unsigned are said, each by the word that the counters have for it. */
static void test_ways_around_are_shown(void **state)
{
	struct world *w = *state;
	const unsigned reasons[] = { SR_FRAGMENT, SR_FRAGMENT_DROPPED, SR_VLAN, SR_VLAN_DROPPED, SR_OPAQUE,
				     SR_OPAQUE_DROPPED, SR_EMERGENCY_PASSED, SR_SIGNER_DOWN,
				     SR_SIGNER_DOWN_DROPPED, SR_WRONG_SIDE };

	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		json_t *list;

		memset(xdp, 0, sizeof(xdp));
		xdp[1][reasons[i]] = 3;
		list = report_warnings(&w->d);
		if (!has_warning(list, reason_token(reasons[i]), NULL) || json_array_size(list) != 2)
			fail_msg("no warning %s", reason_token(reasons[i]));
		json_decref(list);
	}
}

static void test_signer_state(void **state)
{
	struct world *w = *state;
	uint64_t beat[1] = { clock_mono_ns() };
	json_t *list;

	w->d.gateway->heartbeat_ms = 500;
	w->d.heartbeats = beat;
	assert_string_equal(report_signer_state(&w->d), "running");
	beat[0] += 1000000000; /* a clock that is behind is no reason to worry */
	assert_string_equal(report_signer_state(&w->d), "running");
	beat[0] -= 2000000000;
	assert_string_equal(report_signer_state(&w->d), "stalled");
	list = report_warnings(&w->d);
	assert_true(has_warning(list, "signer_not_running", NULL));
	json_decref(list);
	w->d.signer.pid = 0;
	assert_string_equal(report_signer_state(&w->d), "down");
}

static void test_many_trunks_do_not_drown_the_rest(void **state)
{
	struct world *w = *state;
	json_t *list;

	for (unsigned i = 0; i < 500; i++)
		trunk_add(w->d.gateway, "t");
	list = report_warnings(&w->d);
	assert_in_range(json_array_size(list), 2, 30);
	json_decref(list);
}

static void test_unmatched_peers(void **state)
{
	struct world *w = *state;
	json_t *o = report_status(&w->d),
	       *p = json_object_get(json_object_get(o, "unmatched_invite"), "peers");

	assert_string_equal(json_string_value(json_object_get(json_array_get(p, 0), "source")),
			    "10.0.0.5:5060");
	assert_string_equal(json_string_value(json_object_get(json_array_get(p, 0), "destination")),
			    "192.0.2.1:5061");
	assert_int_equal(json_integer_value(json_object_get(json_array_get(p, 0), "count")), 7);
	assert_string_equal(json_string_value(json_object_get(json_array_get(p, 1), "source")),
			    "[2001:db8::1]:9");
	json_decref(o);
}

static void test_trunk_is_complete(void **state)
{
	struct world *w = *state;
	struct trunk *t = w->d.gateway->trunks[0];
	json_t *o, *extras;

	t->has_geolocation = true;
	strcpy(t->civic.country, "US");
	strcpy(t->civic.city, "a \"b\" \xff"); /* not UTF-8: must not cost the whole answer */
	t->origid = strdup("11111111-2222-4333-8444-555555555555");
	o = report_trunk(&w->d, 0);
	assert_non_null(o);
	for (const char *const *k =
		     (const char *const[]){ "name", "mode", "carrier", "core", "certificates",
					    "attestation", "attestation_other", "on_unsignable",
					    "existing_identity", "origid", "number_rules",
					    "orig_from", "dest_from", "pai", "privacy",
					    "freshness_s", "extras", "state", NULL };
	     *k; k++)
		if (!json_object_get(o, *k))
			fail_msg("no key %s", *k);
	extras = json_object_get(json_object_get(o, "extras"), "geolocation");
	assert_string_equal(json_string_value(json_object_get(
				    json_object_get(extras, "default_civic_address"), "country")),
			    "US");
	assert_string_equal(json_string_value(json_object_get(o, "origid")), t->origid);
	json_decref(o);
	/* a certificate is missing */
	w->credential.info = NULL;
	o = report_trunk(&w->d, 0);
	assert_false(json_is_true(json_object_get(
		json_object_get(json_object_get(o, "state"), "credential"), "usable")));
	json_decref(o);
}

static void test_metrics(void **state)
{
	struct world *w = *state;
	char *text;

	calls_of_example(w);
	xdp[0][SR_STEERED] = 15;
	strcpy(w->d.nics[1].name, "e\"1");
	text = report_metrics(&w->d);
	for (const char *const *line =
		     (const char *const[]){
			     "\nsipseal_packets_total{nic=\"eth0\",reason=\"steered\"} 15\n",
			     "\nsipseal_packets_total{nic=\"?\",reason=\"steered\"} 0\n",
			     "\nsipseal_invites_total{trunk=\"acme\",direction=\"outbound\",status="
			     "\"SIGNED\",reason=\"signed\"} 5\n",
			     "\nsipseal_invites_total{trunk=\"acme\",direction=\"outbound\",status="
			     "\"REJECTED\",reason=\"stale_date\"} 3\n",
			     "\nsipseal_invites_total{trunk=\"watch\",direction=\"outbound\","
			     "status=\"UNSIGNED\",reason=\"observe\"} 6\n",
			     "\nsipseal_observed_invites_total{trunk=\"watch\",direction="
			     "\"outbound\",status=\"SIGNED\",reason=\"signed\"} 6\n",
			     "\nsipseal_certificate_not_after_seconds{trunk=\"acme\"} 4000000000\n",
			     "\nsipseal_signer_restarts_total 0\n", "\nsipseal_frames_lost 0\n",
			     NULL };
	     *line; line++)
		if (!strstr(text, *line))
			fail_msg("no line %sin %s", *line + 1, text);
	assert_null(strstr(
		text,
		"sipseal_invites_total{trunk=\"watch\",direction=\"outbound\",status=\"SIGNED\""));
	assert_null(strstr(text, "seconds{trunk=\"watch\"}"));
	free(text);
}

static void test_nic(void **state)
{
	char err[NIC_ERR_LEN] = "";
	struct nic n = { .ifindex = 99 };

	(void)state;
	assert_int_equal(nic_get("nosuch0", &n, err), -ENODEV);
	assert_int_equal(n.ifindex, 99);
	assert_non_null(strstr(err, "nosuch0"));
	assert_non_null(strstr(err, "lo"));
	if (nic_get("lo", &n, err) == 0) { /* it may be down in a fresh namespace */
		assert_string_equal(n.name, "lo");
		assert_int_equal(n.ifindex, 1);
		assert_true(n.queues >= 1);
		assert_true(n.mtu > 1000);
	} else {
		assert_non_null(strstr(err, "ip link set lo up"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_status_groups, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sums, setup, teardown),
		cmocka_unit_test_setup_teardown(test_warnings, setup, teardown),
		cmocka_unit_test_setup_teardown(test_interfaces_that_went, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ways_around_are_shown, setup, teardown),
		cmocka_unit_test_setup_teardown(test_signer_state, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_trunks_do_not_drown_the_rest, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_unmatched_peers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_trunk_is_complete, setup, teardown),
		cmocka_unit_test_setup_teardown(test_metrics, setup, teardown),
		cmocka_unit_test(test_nic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
