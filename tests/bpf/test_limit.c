// SPDX-License-Identifier: BSD-2-Clause
/*
 * max_cps and the fair share over time.  The program reads the real clock; so bursts are counted that are over
 * long before the next call would be due, and rates where the machine's pace can only make them smaller.
 */
#include "gateway_setup.h"

#include <pthread.h>

#include "base/reason.h"

/* Trunks of 203.0.113.10, told apart by the last byte of the core address. */
#define CPS1 41
#define CPS10 42
#define CPS1000 43
#define CPS_NONE 44
#define CPS100000 45
#define SLOTS 200 /* slot of core address 10.0.3.n: SLOTS + n */

static const struct gateway_trunk trunks[] = {
	{ SLOTS + CPS1, "203.0.113.10", 0, 5060, "10.0.3.41", 32, 1, VERIFY_WAITS },
	{ SLOTS + CPS10, "203.0.113.10", 0, 5060, "10.0.3.42", 32, 10 },
	{ SLOTS + CPS1000, "203.0.113.10", 0, 5060, "10.0.3.43", 32, 1000 },
	{ SLOTS + CPS_NONE, "203.0.113.10", 0, 5060, "10.0.3.44", 32, 0, VERIFY_WAITS },
	{ SLOTS + CPS100000, "203.0.113.10", 0, 5060, "10.0.3.45", 32, 100000 },
};

/* From core address @n (@port CORE) or to it. */
static struct frame frame_of(unsigned port, unsigned n, const char *text)
{
	struct frame f;
	char core[32];
	const struct spec out = { .src = core, .dst = "203.0.113.10", .text = text };
	const struct spec in = { .src = "203.0.113.10", .dst = core, .text = text };

	snprintf(core, sizeof(core), "10.0.3.%u", n);
	frame_build(&f, port == CORE ? &out : &in);
	return f;
}

static struct frame frame_from(unsigned n, const char *text)
{
	return frame_of(CORE, n, text);
}

/* What came in on a port ended with these. */
struct tally {
	uint64_t sent, steered, rate_limited, fair_share, others;
};

static void tally_read(unsigned port, struct tally *t)
{
	uint64_t c[SR_XDP_MAX];

	assert_int_equal(bpfgw_counters(gw, port, c), 0);
	*t = (struct tally){ .sent = t->sent, .steered = c[SR_STEERED], .rate_limited = c[SR_RATE_LIMITED],
			     .fair_share = c[SR_FAIR_SHARE] };
	for (unsigned i = 0; i < SR_XDP_MAX; i++)
		t->others += i == SR_STEERED || i == SR_RATE_LIMITED || i == SR_FAIR_SHARE ? 0 : c[i];
}

/* @cnt of them back to back.  Every one has one reason. */
static struct tally send_at(unsigned port, unsigned n, const char *text, int cnt)
{
	const struct frame f = frame_of(port, n, text);
	struct tally before = { 0 }, after = { .sent = (uint64_t)cnt };
	static struct run r;

	tally_read(port, &before);
	for (int i = 0; i < cnt; i++)
		gateway_run(&f, port, 0, &r);
	tally_read(port, &after);
	after.steered -= before.steered;
	after.rate_limited -= before.rate_limited;
	after.fair_share -= before.fair_share;
	after.others -= before.others;
	assert_int_equal(after.steered + after.rate_limited + after.fair_share + after.others, cnt);
	return after;
}

static struct tally send_many(unsigned n, const char *text, int cnt)
{
	return send_at(CORE, n, text, cnt);
}

static void sleep_ms(unsigned ms)
{
	const struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
}

static uint64_t tat_of(uint32_t slot, bool is_fair)
{
	struct sipseal_limiter l;

	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(gw->skel->maps.sipseal_limits), &slot, &l), 0);
	return is_fair ? l.fair_tat_ns : l.tat_ns;
}

static int setup(void **state)
{
	(void)state;
	gateway_apply(0, 6);
	for (uint32_t n = CPS1; n <= CPS100000; n++)
		assert_int_equal(bpfgw_limiter_reset(gw, SLOTS + n), 0);
	return 0;
}

static void test_bursts(void **state)
{
	static const struct { unsigned n; int cnt; unsigned want; } bursts[] = {
		{ CPS1, 2, 1 }, { CPS10, 15, 10 }, { CPS_NONE, 100, 100 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bursts); i++) {
		const struct tally t = send_many(bursts[i].n, INVITE, bursts[i].cnt);

		assert_int_equal(t.steered, bursts[i].want);
		assert_int_equal(t.rate_limited, bursts[i].cnt - (int)bursts[i].want);
	}
	assert_int_equal(tat_of(SLOTS + CPS_NONE, false), 0); /* no limit: the map is not even written */
}

/* What is refused takes no token: however much is sent meanwhile, a call is let in when it is due. */
static void test_refill(void **state)
{
	uint64_t tat;

	(void)state;
	assert_int_equal(send_many(CPS10, INVITE, 10).steered, 10);
	tat = tat_of(SLOTS + CPS10, false);
	assert_int_equal(send_many(CPS10, INVITE, 50).rate_limited, 50);
	assert_int_equal(tat_of(SLOTS + CPS10, false), tat);
	sleep_ms(210);
	set_beat(3, clock_mono_ns());
	assert_in_range(send_many(CPS10, INVITE, 10).steered, 2, 3);
}

/* Calls at all times for a while: a burst of max_cps, then one per interval, never more. */
static void test_rate(void **state)
{
	const struct frame f = frame_from(CPS1000, INVITE);
	const uint64_t start = clock_mono_ns();
	struct tally before = { 0 }, after = { 0 };
	static struct run r;
	uint64_t ns;

	(void)state;
	tally_read(CORE, &before);
	while (clock_mono_ns() - start < 300000000)
		gateway_run(&f, CORE, 0, &r);
	ns = clock_mono_ns() - start;
	tally_read(CORE, &after);
	after.steered -= before.steered;
	print_message("max_cps 1000: %llu calls in %llu ms\n", (unsigned long long)after.steered,
		      (unsigned long long)ns / 1000000);
	assert_in_range(after.steered, 1000 + 250, 1000 + ns / 1000000 + 1);
	assert_true(after.rate_limited > before.rate_limited);
}

static void test_emergency(void **state)
{
	static const char sos[] = "INVITE urn:service:sos SIP/2.0\r\nTo: x\r\n\r\n";
	uint64_t tat;

	(void)state;
	assert_int_equal(send_many(CPS1, INVITE, 2).steered, 1);
	tat = tat_of(SLOTS + CPS1, false);
	assert_int_equal(send_many(CPS1, sos, 20).steered, 20);
	assert_int_equal(tat_of(SLOTS + CPS1, false), tat); /* nor do they take the calls of others */
}

static void test_other_trunks(void **state)
{
	(void)state;
	assert_int_equal(send_many(CPS1, INVITE, 50).steered, 1);
	assert_int_equal(send_many(CPS10, INVITE, 10).steered, 10);
	assert_int_equal(send_many(CPS_NONE, INVITE, 10).steered, 10);
}

/* Who cannot be served, or passes anyway, has not had a call. */
static void test_no_token(void **state)
{
	static const struct { const char *name; unsigned flags; const char *text; } cases[] = {
		{ "signer down", CF_STALE, INVITE },
		{ "no socket", CF_NO_SOCKET, INVITE },
		{ "regulatory off", CF_OFF, INVITE },
		{ "in a dialog", 0, "INVITE sip:x@y SIP/2.0\r\nTo: <sip:x@y>;tag=1\r\n\r\n" },
		{ "no INVITE", 0, OPTIONS },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		gateway_apply(cases[i].flags | CF_FAIL_PASS, 6);
		if (send_many(CPS1, cases[i].text, 5).others != 5)
			fail_msg("%s", cases[i].name);
		assert_int_equal(tat_of(SLOTS + CPS1, false), 0);
	}
}

/* The share: five at once, then one per interval, each trunk for itself, only under overload. */
static void test_fair_share(void **state)
{
	struct tally t;

	(void)state;
	gateway_apply(CF_SHARE | CF_BACKLOG, 6);
	set_beat(SIPSEAL_FAIR + 3, 200000000);
	t = send_many(CPS_NONE, INVITE, 12);
	assert_int_equal(t.steered, 5);
	assert_int_equal(t.fair_share, 7);
	assert_int_equal(send_many(CPS1000, INVITE, 12).steered, 5); /* its max_cps is far away */
	assert_int_equal(send_many(CPS1000, INVITE, 3).fair_share, 3);
	t = send_many(CPS1, INVITE, 12);
	assert_int_equal(t.steered, 1);
	assert_int_equal(t.rate_limited, 11);
	sleep_ms(410);
	set_beat(3, clock_mono_ns());
	set_beat(SIPSEAL_GIVEN, 1000);
	assert_in_range(send_many(CPS_NONE, INVITE, 5).steered, 2, 3);
	gateway_apply(CF_SHARE, 6);
	assert_int_equal(send_many(CPS_NONE, INVITE, 100).steered, 100);
}

/* The interval gets shorter: nobody waits for calls that only the longer one forbade. */
static void test_fair_share_shrinks(void **state)
{
	(void)state;
	gateway_apply(CF_SHARE | CF_BACKLOG, 6);
	set_beat(SIPSEAL_FAIR + 3, ~0ull); /* nonsense counts as a second */
	assert_int_equal(send_many(CPS_NONE, INVITE, 10).steered, 5);
	assert_in_range(tat_of(SLOTS + CPS_NONE, true), clock_mono_ns(), clock_mono_ns() + 5000000000);
	set_beat(SIPSEAL_FAIR + 3, 20000000);
	assert_int_equal(send_many(CPS_NONE, INVITE, 1).fair_share, 1);
	sleep_ms(30);
	set_beat(3, clock_mono_ns());
	assert_in_range(send_many(CPS_NONE, INVITE, 1).steered, 1, 1);
}

/* max_cps is for calls from the core: those from the carrier neither meet it nor use it up. */
static void test_inbound_has_no_max_cps(void **state)
{
	(void)state;
	assert_int_equal(send_at(CARRIER, CPS1, INVITE, 50).steered, 50);
	assert_int_equal(tat_of(SLOTS + CPS1, false), 0);
	assert_int_equal(send_many(CPS1, INVITE, 2).steered, 1);
	assert_int_equal(send_at(CARRIER, CPS1, INVITE, 50).steered, 50);
}

/* The signer has one time for both directions; CANCELs are none of its calls. */
static void test_fair_share_of_both(void **state)
{
	static const char cancel[] = "CANCEL sip:x@y SIP/2.0\r\n\r\n";
	uint64_t tat;
	struct tally t;

	(void)state;
	gateway_apply(CF_SHARE | CF_BACKLOG, 6);
	set_beat(SIPSEAL_FAIR + 3, 200000000);
	assert_int_equal(send_at(CORE, CPS_NONE, INVITE, 3).steered, 3);
	t = send_at(CARRIER, CPS_NONE, INVITE, 12);
	assert_int_equal(t.steered, 2);
	assert_int_equal(t.fair_share, 10);
	assert_int_equal(send_at(CORE, CPS_NONE, INVITE, 3).fair_share, 3);
	tat = tat_of(SLOTS + CPS_NONE, true);
	assert_int_equal(send_at(CARRIER, CPS_NONE, cancel, 10).others, 10);
	gateway_apply(CF_SHARE, 6);
	assert_int_equal(send_at(CARRIER, CPS_NONE, cancel, 10).steered, 10);
	assert_int_equal(tat_of(SLOTS + CPS_NONE, true), tat);
}

/* max_cps of a trunk goes down: it has had a second's worth by the old one, and waits for no more than that. */
static void test_limit_changes(void **state)
{
	struct gateway_trunk t = trunks[2];
	struct peer carrier = peer_of(t.carrier, 0, t.port), core = peer_of(t.core, t.core_bits, 0);
	const struct trunk old = { .carrier_peers = &carrier, .carrier_cnt = 1, .core_peers = &core, .core_cnt = 1 };
	struct sipseal_config c;
	char err[BPFGW_ERR_LEN];

	(void)state;
	assert_int_equal(send_many(CPS1000, INVITE, 1100).rate_limited > 0, 1);
	gateway_apply(0, 7);
	assert_int_equal(matchset_remove(tables[0], t.slot, &old), 0);
	t.max_cps = 2;
	tables_add(tables[0], &t);
	bpfgw_grace();
	if (bpfgw_fill(gw, tables[0], 8, err) < 0)
		fail_msg("%s", err);
	c = config_build(0, 8);
	assert_int_equal(bpfgw_config_set(gw, &c), 0);
	assert_int_equal(send_many(CPS1000, INVITE, 10).steered, 0);
	sleep_ms(1050);
	set_beat(3, clock_mono_ns());
	assert_in_range(send_many(CPS1000, INVITE, 10).steered, 2, 3);
}

/*
 * CPUs that meet in the same word: each call is in it.  Only the limiter is looked at: metadata of a run that is
 * repeated grows until there is no room, which is after the limit.
 */
#define HAMMERS 4
#define HAMMER_RUNS 20000

static void *hammer(void *arg)
{
	const struct frame f = frame_from(CPS100000, INVITE);
	struct run *r = calloc(1, sizeof(*r));

	(void)arg;
	gateway_run_ifindex(&f, ifindex_of[CORE], 0, HAMMER_RUNS, r);
	free(r);
	return NULL;
}

static void test_many_cpus(void **state)
{
	const uint32_t slot = SLOTS + CPS100000;
	/* as if it had had a tenth of a second's worth: never idle from here on, so the sum is exact */
	const struct sipseal_limiter start = { .tat_ns = clock_mono_ns() + 100000000 };
	pthread_t threads[HAMMERS];
	uint64_t calls;

	(void)state;
	assert_int_equal(bpf_map_update_elem(bpf_map__fd(gw->skel->maps.sipseal_limits), &slot, &start, 0), 0);
	for (size_t i = 0; i < HAMMERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hammer, NULL), 0);
	for (size_t i = 0; i < HAMMERS; i++)
		pthread_join(threads[i], NULL);
	calls = (tat_of(slot, false) - start.tat_ns) / 10000;
	print_message("%llu of %d calls are in the limiter\n", (unsigned long long)calls, HAMMERS * HAMMER_RUNS);
	/* a call may give up after some lost rounds */
	assert_in_range(calls, HAMMERS * HAMMER_RUNS - 20, HAMMERS * HAMMER_RUNS);
}

#define T(fn) cmocka_unit_test_setup(fn, setup)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		T(test_bursts), T(test_refill), T(test_rate), T(test_emergency), T(test_other_trunks),
		T(test_no_token), T(test_fair_share), T(test_fair_share_shrinks), T(test_many_cpus),
		T(test_inbound_has_no_max_cps), T(test_fair_share_of_both), T(test_limit_changes),
	};
	char err[BPFGW_ERR_LEN];
	int failed;

	lab_up();
	lab_network();
	gateway_open();
	for (size_t i = 0; i < ARRAY_SIZE(trunks); i++)
		tables_add(tables[0], &trunks[i]);
	gateway_apply(0, 7);
	if (bpfgw_fill(gw, tables[0], 6, err) < 0)
		fail_msg("%s", err);
	failed = cmocka_run_group_tests_name("limits", tests, NULL, NULL);
	gateway_close();
	return !!failed;
}
