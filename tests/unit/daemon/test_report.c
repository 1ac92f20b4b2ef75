/* SPDX-License-Identifier: BSD-2-Clause */
#include "report_world.h"

#include <errno.h>

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

/* Reasons that both directions have are told apart by trunk. */
static void test_status_inbound(void **state)
{
	struct world *w = *state;
	json_t *o, *in;

	calls_of_example(w);
	live_trunk_find(w->d.live, "acme")->trunk->verification.is_enabled = true;
	live_trunk_find(w->d.live, "watch")->trunk->verification.is_enabled = true;
	count_inbound(w, 0, SR_VERIFIED, 20);
	count_inbound(w, 0, SR_SIGNATURE_BAD, 3);
	count_inbound(w, 0, SR_IDENTITY_MISSING, 5);
	count_inbound(w, 0, SR_RETRANSMISSION, 7);
	count_inbound(w, 0, SR_NO_FRAME, 2);
	count_inbound(w, 1, SR_OBSERVE, 9);
	count_inbound(w, 1, SR_VERIFIED, 9);
	o = report_status(&w->d);
	assert_int_equal(at(o, "calls", "signed"), 7);
	assert_int_equal(at(o, "calls", "rejected"), 3);
	assert_int_equal(at(o, "calls", "unsigned"), 1 + 6);
	assert_int_equal(at(o, "calls", "dropped"), 4);
	in = json_object_get(json_object_get(o, "calls"), "inbound");
	assert_int_equal(at(in, "verified", NULL), 20);
	assert_int_equal(at(in, "failed", NULL), 3);
	assert_int_equal(at(in, "missing", NULL), 5);
	assert_int_equal(at(in, "dropped", NULL), 2);
	assert_int_equal(at(in, "unverified", NULL), 7 + 9); /* copies, and the one that only observes */
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
	assert_int_equal(at(o, "sums", "parked"), 0);
	json_decref(o);
	counters_bump(&counters_worker(w->signer, 0)->parked, 2);
	counters_bump(&counters_worker(w->signer, 0)->fragments_held, 5);
	xdp[0][SR_STEERED] += 2 + 5;
	o = report_stats(&w->d);
	assert_int_equal(at(o, "sums", "parked"), 2);
	assert_int_equal(at(o, "sums", "fragments_held"), 5);
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

/* A datagram of five fragments is one INVITE; those that were dropped are none. */
static void test_fragments_are_no_calls(void **state)
{
	struct world *w = *state;
	struct counters_worker *b = counters_worker(w->signer, 0);
	json_t *o, *f;

	live_trunk_find(w->d.live, "acme")->trunk->verification.is_enabled = true;
	count(w, 0, SR_SIGNED, 1);
	count(w, 0, SR_REASSEMBLED, 4);
	count(w, 0, SR_UNMATCHED_LATE, 1);
	count_inbound(w, 0, SR_VERIFIED, 1);
	count_inbound(w, 0, SR_REASSEMBLED, 2);
	count_inbound(w, 0, SR_FRAGMENT_REFUSED, 3);
	count(w, 0, SR_FRAGMENT_EVICTED, 7);
	counters_bump(&b->fragments_held, 6);
	counters_bump(&b->fragment_bytes, 24576);
	counters_bump(&b->fragment_limit, 1 << 24);
	counters_bump(&b->datagrams_whole, 2);
	counters_bump(&b->shed_location, 8);
	o = report_status(&w->d);
	assert_int_equal(at(o, "calls", "signed"), 1);
	assert_int_equal(at(o, "calls", "unsigned"), 1);
	assert_int_equal(at(o, "calls", "dropped"), 0);
	f = json_object_get(json_object_get(o, "calls"), "inbound");
	assert_int_equal(at(f, "verified", NULL), 1);
	assert_int_equal(at(f, "failed", NULL) + at(f, "unverified", NULL) + at(f, "dropped", NULL), 0);
	f = json_object_get(o, "fragments");
	assert_int_equal(at(f, "held", NULL), 6);
	assert_int_equal(at(f, "bytes", NULL), 24576);
	assert_int_equal(at(f, "limit_bytes", NULL), 1 << 24);
	assert_int_equal(at(f, "whole", NULL), 2);
	assert_int_equal(at(f, "refused", NULL), 3);
	assert_int_equal(at(f, "incomplete", NULL), 7);
	assert_int_equal(at(f, "shed", "location"), 8);
	assert_int_equal(at(o, "unmatched_invite", "packets"), 1);
	json_decref(o);
	o = report_stats(&w->d);
	assert_int_equal(at(json_object_get(o, "invites"), "outbound", "reassembled"), 0);
	assert_int_equal(at(json_object_get(o, "signer"), "reasons", "reassembled"), 6);
	json_decref(o);
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
	const struct live_trunk *t = live_find(w->d.live, "acme");
	json_t *o;

	count(w, 0, SR_SIGNED, 5);
	t->trunk->file = strdup("/etc/acme.yaml");
	o = report_trunk(&w->d, t);
	assert_non_null(o);
	for (const char *const *k = (const char *const[]){ "name", "mode", "carrier", "attestation",
							   "origid", "pai", "state", NULL };
	     *k; k++)
		if (!json_object_get(o, *k))
			fail_msg("no key %s", *k);
	assert_int_equal(at(o, "state", "slot"), 0);
	assert_int_equal(at(json_object_get(o, "state"), "calls", "signed"), 5);
	assert_int_equal(at(json_object_get(o, "state"), "reasons", "signed"), 5);
	assert_string_equal(json_string_value(json_object_get(json_object_get(o, "state"), "file")),
			    "/etc/acme.yaml");
	assert_string_equal(
		json_string_value(json_object_get(
			json_object_get(json_object_get(o, "state"), "credential"), "cert")),
		"cert.pem");
	json_decref(o);
	o = report_trunk(&w->d, live_find(w->d.live, "watch")); /* without certificates */
	assert_true(json_is_null(json_object_get(json_object_get(o, "state"), "credential")));
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
			     "\nsipseal_regulatory_enabled 1\n", "\nsipseal_generation 3\n",
			     "\nsipseal_events_dropped_total 0\n", NULL };
	     *line; line++)
		if (!strstr(text, *line))
			fail_msg("no line %sin %s", *line + 1, text);
	assert_null(strstr(
		text,
		"sipseal_invites_total{trunk=\"watch\",direction=\"outbound\",status=\"SIGNED\""));
	assert_null(strstr(text, "seconds{trunk=\"watch\"}"));
	free(text);
}

static void test_histogram(void **state)
{
	struct world *w = *state;
	struct counters_worker *b = counters_worker(w->signer, 0);
	char *text;

	counters_bump(&b->sign_us[0], 2);		     /* below 8 us */
	counters_bump(&b->sign_us[5], 3);		     /* below 256 us */
	counters_bump(&b->sign_us[COUNTERS_BUCKETS - 1], 1); /* all others */
	counters_bump(&b->sign_ns_sum, 3000000000);
	text = report_metrics(&w->d);
	for (const char *const *line =
		     (const char *const[]){
			     "\n# TYPE sipseal_sign_duration_seconds histogram\n",
			     "\nsipseal_sign_duration_seconds_bucket{le=\"0.000008\"} 2\n",
			     "\nsipseal_sign_duration_seconds_bucket{le=\"0.000128\"} 2\n",
			     "\nsipseal_sign_duration_seconds_bucket{le=\"0.000256\"} 5\n",
			     "\nsipseal_sign_duration_seconds_bucket{le=\"2.097152\"} 5\n",
			     "\nsipseal_sign_duration_seconds_bucket{le=\"+Inf\"} 6\n",
			     "\nsipseal_sign_duration_seconds_sum 3.000000000\n",
			     "\nsipseal_sign_duration_seconds_count 6\n",
			     "\nsipseal_added_latency_seconds_count 0\n", NULL };
	     *line; line++)
		if (!strstr(text, *line))
			fail_msg("no line %sin %s", *line + 1, text);
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
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_status_groups),	    T(test_status_inbound), T(test_sums), T(test_unmatched_peers),
		T(test_fragments_are_no_calls),
		T(test_trunk_is_complete),  T(test_metrics), T(test_histogram),
		cmocka_unit_test(test_nic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
