/* SPDX-License-Identifier: BSD-2-Clause */
/* INVITEs that wait while the configuration changes, or the fetcher, or while the worker sleeps or ends. */
#include "signer/calls.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>

/* ---- the policy changes meanwhile ---- */

static void other_header(struct gateway *g, struct trunk *t)
{
	calls_verify(g, t);
	free(t->verification.result_header);
	t->verification.result_header = strdup("X-Checked");
}

static void not_regulatory(struct gateway *g, struct trunk *t)
{
	calls_verify(g, t);
	g->regulatory_enabled = false;
}

static void not_verified(struct gateway *g, struct trunk *t)
{
	(void)g, (void)t;
}

static const struct {
	const char *name;
	world_tune_fn *tune;
	bool has_trunk;
	enum sipseal_reason reason;
	const char *leaves_with; /* NULL: dropped; "": as it came */
	bool has_event;
} changes[] = {
	{ "another header", other_header, true, SR_CERTIFICATE_PENDING, "\r\nX-Checked: STIR_FAILED", true },
	{ "regulatory off", not_regulatory, true, SR_SIGNER_REGULATORY_OFF, "", false },
	{ "verification off", not_verified, true, SR_VERIFICATION_OFF, "", false },
	{ "trunk gone", calls_verify, false, SR_UNKNOWN_TRUNK, NULL, true },
};

static void test_policy_changes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		struct calls c;
		struct call one = { .x5u = X5U_A };
		struct event_record r;
		char msg[CALL_MAX];
		bool has_event;

		calls_new(&c, NULL);
		call_send_text(&c.x, call_put(&c.x, &one, msg));
		world_run(&c.x);
		world_policy_put(c.x.policy, WORLD_GENERATION + 1, changes[i].tune, changes[i].has_trunk);
		/* the former copy is written anew already */
		((struct policy_copy *)((char *)c.x.policy + c.x.policy->copy_off[WORLD_GENERATION & 1]))->generation = 0;
		calls_time_up(&c);
		world_run(&c.x);
		if (call_trunk_reason(&c.x, changes[i].reason) != 1)
			fail_msg("%s: reason", changes[i].name);
		if (sent(&c) != (changes[i].leaves_with != NULL))
			fail_msg("%s: %u have left", changes[i].name, sent(&c));
		if (changes[i].leaves_with && !changes[i].leaves_with[0] && !slice_eq(out(&c, 0), slice_str(msg)))
			fail_msg("%s: other bytes", changes[i].name);
		if (changes[i].leaves_with && !call_holds(out(&c, 0), changes[i].leaves_with))
			fail_msg("%s: other marks", changes[i].name);
		has_event = world_event(&c.x, &r);
		if (has_event != changes[i].has_event)
			fail_msg("%s: event %d", changes[i].name, has_event);
		if (has_event && (r.generation != WORLD_GENERATION + 1 || !(r.notes & EVENT_NOTE_WAITED)))
			fail_msg("%s: generation %lu, notes %x", changes[i].name, (unsigned long)r.generation, r.notes);
		calls_free(&c);
	}
}

/* No copy at all can be read: dropped, as any frame then. */
static void test_no_policy(void **state)
{
	struct call one = { .x5u = X5U_A };
	struct event_record r;
	struct calls c;

	(void)state;
	calls_new(&c, NULL);
	call_send(&c.x, &one);
	world_run(&c.x);
	((struct policy_copy *)((char *)c.x.policy + c.x.policy->copy_off[WORLD_GENERATION & 1]))->generation = 0;
	calls_time_up(&c);
	world_run(&c.x);
	assert_int_equal(call_trunk_reason(&c.x, SR_UNKNOWN_GENERATION), 1);
	assert_int_equal(sent(&c), 0);
	assert_true(world_event(&c.x, &r));
	assert_true(r.verdict == EVENT_DROP && r.stir == EVENT_STIR_FAILED);
	calls_free(&c);
}

static struct policy_region *torn;
static unsigned torn_cnt;

/* The daemon writes a new generation while the engine reads the newest: it is read again. */
static enum verdict_kind torn_certificate(void *ctx, struct slice x5u, struct verdict *ret)
{
	uint64_t was = WORLD_GENERATION + torn_cnt;
	struct policy_copy *old = (struct policy_copy *)((char *)torn + torn->copy_off[was & 1]);

	(void)ctx, (void)x5u, (void)ret;
	if (torn_cnt++ == 0) {
		world_policy_put(torn, was + 1, other_header, true);
		old->generation = 0;
	}
	return VERDICT_UNKNOWN;
}

static void test_torn(void **state)
{
	struct call one = { .x5u = X5U_A };
	struct calls c;

	(void)state;
	calls_new(&c, NULL);
	call_send(&c.x, &one);
	world_run(&c.x);
	torn = c.x.policy;
	torn_cnt = 0;
	c.x.w->env.certificate = torn_certificate;
	calls_time_up(&c);
	world_run(&c.x);
	assert_int_equal(torn_cnt, 2);
	assert_int_equal(call_trunk_reason(&c.x, SR_CERTIFICATE_PENDING), 1);
	assert_true(call_holds(out(&c, 0), "X-Checked"));
	calls_free(&c);
}

/* ---- the fetcher changes meanwhile ---- */

/* A new one knows nothing of what was asked: it is asked again, and its verdict counts. */
static void test_new_fetcher(void **state)
{
	struct call one = { .x5u = X5U_A };
	struct fetcher other = fetcher_new();
	struct verdict_want want;
	struct calls c;

	(void)state;
	calls_new(&c, NULL);
	call_send(&c.x, &one);
	world_run(&c.x);
	assert_true(fetcher_asked(&c.f, 0, &want));
	assert_ptr_equal(c.x.w->source, &c.f.pair);
	c.source = &other.pair;
	world_run(&c.x);
	assert_ptr_equal(c.x.w->source, &other.pair);
	assert_true(fetcher_asked(&other, 0, &want));
	assert_true(slice_eq(slice_of(want.x5u, want.len), SLICE(X5U_A)));
	fetcher_know(&c.f, X5U_A); /* nobody looks there any more */
	world_run(&c.x);
	assert_int_equal(sent(&c), 0);
	fetcher_know(&other, X5U_A);
	world_run(&c.x);
	assert_int_equal(call_trunk_reason(&c.x, SR_VERIFIED), 1);
	calls_free(&c);
	fetcher_free(&other);
}

/* It may know the certificate already when it comes, with as many changes as the former one had. */
static void test_new_fetcher_knows(void **state)
{
	struct call one = { .x5u = X5U_A };
	struct fetcher other = fetcher_new();
	struct calls c;

	(void)state;
	calls_new(&c, NULL);
	fetcher_know(&c.f, X5U_B);
	call_send(&c.x, &one);
	world_run(&c.x);
	fetcher_know(&other, X5U_A);
	assert_int_equal(verdict_changes(other.region), verdict_changes(c.f.region));
	c.source = &other.pair;
	world_run(&c.x);
	assert_int_equal(call_trunk_reason(&c.x, SR_VERIFIED), 1);
	calls_free(&c);
	fetcher_free(&other);
}

/* None at all: it waits as long as it may, and asks nobody. */
static void test_no_fetcher(void **state)
{
	struct call one = { .x5u = X5U_A };
	struct calls c;

	(void)state;
	calls_new(&c, NULL);
	c.source = NULL;
	call_send(&c.x, &one);
	world_run(&c.x);
	assert_int_equal(c.x.w->counters->parked, 1);
	c.x.w->cfg.source = NULL;
	world_run(&c.x);
	calls_time_up(&c);
	world_run(&c.x);
	assert_int_equal(call_trunk_reason(&c.x, SR_CERTIFICATE_PENDING), 1);
	assert_int_equal(c.f.wants[0].head, 0);
	calls_free(&c);
}

/* The certificate becomes known between the engine's look and the parking: it is not slept through. */
static struct calls *late;

static enum verdict_kind late_certificate(void *ctx, struct slice x5u, struct verdict *ret)
{
	(void)ctx, (void)x5u, (void)ret;
	fetcher_know(&late->f, X5U_A);
	return VERDICT_UNKNOWN;
}

static void test_between(void **state)
{
	enum verdict_kind (*real)(void *, struct slice, struct verdict *);
	struct call one = { .x5u = X5U_A };
	struct calls c;

	(void)state;
	calls_new(&c, NULL);
	late = &c;
	real = c.x.w->env.certificate;
	c.x.w->env.certificate = late_certificate;
	call_send(&c.x, &one);
	datapath_batch(c.x.w, &c.x.w->ports[1]);
	assert_int_equal(c.x.w->counters->parked, 1);
	c.x.w->env.certificate = real;
	world_run(&c.x);
	assert_int_equal(call_trunk_reason(&c.x, SR_VERIFIED), 1);
	calls_free(&c);
}

/* ---- the worker sleeps or ends ---- */

/* A thread that stood still for longer than slots of trunks rest: whose the call is, nobody knows any more. */
static void test_stood_still(void **state)
{
	struct calls c;

	(void)state;
	calls_new(&c, NULL);
	send_many(&c, 0, 2, X5U_A);
	park_first(c.x.w->inbound.park)->since_ns -= 61000000000;
	park_first(c.x.w->inbound.park)->next->since_ns -= 59000000000;
	fetcher_know(&c.f, X5U_A);
	world_run(&c.x);
	assert_int_equal(c.x.w->counters->parked, 0);
	assert_int_equal(sent(&c), 1);
	assert_int_equal(call_trunk_reason(&c.x, SR_STALE_FRAME), 1);
	assert_int_equal(call_trunk_reason(&c.x, SR_VERIFIED), 1);
	calls_free(&c);
}

static void *run(void *w)
{
	worker_run(w);
	return NULL;
}

static void test_end(void **state)
{
	struct calls c;
	pthread_t thread;

	(void)state;
	calls_new(&c, NULL);
	send_many(&c, 0, 3, X5U_A);
	for (struct parked *e = park_first(c.x.w->inbound.park); e; e = e->next)
		e->until_ns += 60000000000;
	assert_int_equal(pthread_create(&thread, NULL, run, c.x.w), 0);
	usleep(20000);
	assert_int_equal(sent(&c), 0);
	worker_stop(c.x.w);
	pthread_join(thread, NULL);
	assert_int_equal(sent(&c), 3);
	assert_int_equal(c.x.w->counters->parked, 0);
	assert_int_equal(call_trunk_reason(&c.x, SR_CERTIFICATE_PENDING), 3);
	calls_free(&c);
}

/* A worker that sleeps wakes up for a verdict that nothing announces. */
static void test_wakes_up(void **state)
{
	struct calls c;
	pthread_t thread;
	uint64_t begin, took;

	(void)state;
	calls_new(&c, NULL);
	send_many(&c, 0, 1, X5U_A);
	park_first(c.x.w->inbound.park)->until_ns += 60000000000;
	c.x.w->pollfds[0].fd = c.x.w->pollfds[1].fd = -1;
	assert_int_equal(pthread_create(&thread, NULL, run, c.x.w), 0);
	usleep(50000);
	begin = clock_mono_ns();
	fetcher_know(&c.f, X5U_A);
	while (c.x.w->counters->parked && clock_mono_ns() - begin < 2000000000)
		sched_yield();
	took = clock_mono_ns() - begin;
	worker_stop(c.x.w);
	pthread_join(thread, NULL);
	print_message("noticed after %lu us\n", (unsigned long)(took / 1000));
	assert_true(took < 500000000); /* 2 ms, on an idle machine */
	assert_int_equal(call_trunk_reason(&c.x, SR_VERIFIED), 1);
	calls_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policy_changes),
		cmocka_unit_test(test_no_policy),
		cmocka_unit_test(test_torn),
		cmocka_unit_test(test_new_fetcher),
		cmocka_unit_test(test_new_fetcher_knows),
		cmocka_unit_test(test_no_fetcher),
		cmocka_unit_test(test_between),
		cmocka_unit_test(test_stood_still),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_wakes_up),
	};

	return cmocka_run_group_tests_name("waiting_change", tests, NULL, NULL);
}
