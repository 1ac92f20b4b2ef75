/* SPDX-License-Identifier: BSD-2-Clause */
/* INVITEs from the carrier in fragments: they wait for their certificate like others, and leave as they should; what
 * is captured of them. */
#include "signer/cutting.h"

#include "signer/calls.h"
#include "signer/captures.h"

#define MSG_MAX (CALL_MAX + 128)

static struct cutting cut;
static char text[TEXT_MAX], got[TEXT_MAX];

/* A call with a body, in fragments; the same bytes may come again. */
static size_t call_text(struct calls *c, const struct call *one, size_t body)
{
	char msg[MSG_MAX];

	return text_with_body(call_put(&c->x, one, msg), body, text);
}

static void call_cut_send(struct calls *c, uint32_t id, size_t len, bool is_v6)
{
	struct sipseal_meta m = call_meta(SIPSEAL_META_F_FRAGMENT);

	cut_text(&cut, is_v6, id, text, len, 1440);
	cut_send(&c->x, &cut, &m);
}

static void test_waits(void **state)
{
	static const size_t bodies[] = { 2000, 58000 };

	(void)state;
	for (unsigned k = 0; k < 4; k++) {
		struct call one = { .x5u = X5U_A };
		struct event_record r;
		struct calls c;
		size_t len, n;

		calls_new(&c, NULL);
		len = call_text(&c, &one, bodies[k / 2]);
		call_cut_send(&c, 1, len, k & 1);
		assert_int_equal(sent(&c), 0);
		assert_int_equal(c.x.w->counters->parked, 1);
		call_cut_send(&c, 2, len, k & 1); /* its copy */
		assert_int_equal(call_trunk_reason(&c.x, SR_ABSORBED), 1);
		fetcher_know(&c.f, X5U_A);
		world_run(&c.x);
		assert_int_equal(call_trunk_reason(&c.x, SR_VERIFIED), 1);
		assert_int_equal(c.x.w->counters->parked, 0);
		n = whole_of(c.x.core, 0, sent(&c), got);
		assert_true(text_holds(got, n, "\r\nX-STIR-Result: STIR_VERIFIED;attest=A"));
		assert_memory_equal(got + n - bodies[k / 2], text + len - bodies[k / 2], bodies[k / 2]);
		assert_true(world_event(&c.x, &r));
		assert_int_equal(r.reason, SR_VERIFIED);
		assert_int_equal(call_trunk_reason(&c.x, SR_REASSEMBLED), 2 * (cut.cnt - 1));
		calls_free(&c);
	}
}

static void no_marks(struct gateway *g, struct trunk *t)
{
	calls_verify(g, t);
	free(t->verification.result_header);
	t->verification.result_header = NULL;
}

/* What is good and gets no mark leaves as the fragments that came, also when it has waited. */
static void test_leaves_as_it_came(void **state)
{
	struct sipseal_meta m = call_meta(SIPSEAL_META_F_FRAGMENT);
	struct call one = { .x5u = X5U_A };
	struct calls c;

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		calls_new(&c, no_marks);
		cut_text(&cut, v6, 3, text, call_text(&c, &one, 6000), 1440);
		for (unsigned i = 0; i < cut.cnt; i++)
			cut_send_one(&c.x, &cut, cut.cnt - 1 - i, &m);
		world_run(&c.x);
		assert_int_equal(c.x.w->counters->parked, 1);
		fetcher_know(&c.f, X5U_A);
		world_run(&c.x);
		assert_int_equal(sent(&c), cut.cnt);
		for (unsigned i = 0; i < cut.cnt; i++)
			check_as_came(c.x.core, i, &cut, cut.cnt - 1 - i, &m);
		assert_int_equal(call_trunk_reason(&c.x, SR_VERIFIED), 1);
		calls_free(&c);
	}
}

/* So many wait, the next one does not. */
static void test_room(void **state)
{
	struct calls c;

	(void)state;
	calls_new(&c, NULL);
	for (unsigned i = 0; i <= PARK_LARGE_MAX; i++) {
		char id[16];
		struct call one = { .id = id, .x5u = X5U_A };

		snprintf(id, sizeof(id), "r%u", i);
		call_cut_send(&c, i, call_text(&c, &one, 2000), false);
	}
	assert_int_equal(c.x.w->counters->parked, PARK_LARGE_MAX);
	assert_int_equal(c.x.w->counters->park_full, 1);
	assert_int_equal(call_trunk_reason(&c.x, SR_CERTIFICATE_PENDING), 1);
	calls_time_up(&c);
	world_run(&c.x);
	world_run(&c.x);
	assert_int_equal(c.x.w->counters->parked, 0);
	assert_int_equal(call_trunk_reason(&c.x, SR_CERTIFICATE_PENDING), PARK_LARGE_MAX + 1);
	call_cut_send(&c, 99, call_text(&c, &(struct call){ .id = "again", .x5u = X5U_A }, 2000), false);
	assert_int_equal(c.x.w->counters->parked, 1); /* the places are free again */
	calls_free(&c);
}

/* A CANCEL in fragments stays behind its INVITE, too. */
static void test_cancel(void **state)
{
	struct call one = { .id = "x", .x5u = X5U_A };
	struct calls c;
	char msg[MSG_MAX];
	unsigned cnt;

	(void)state;
	calls_new(&c, NULL);
	call_cut_send(&c, 1, call_text(&c, &one, 2000), false);
	assert_int_equal(sent(&c), 0);
	call_cut_send(&c, 2, text_with_body(call_cancel("x", msg), 2000, text), false);
	assert_int_equal(call_trunk_reason(&c.x, SR_CANCEL), 1);
	assert_int_equal(call_trunk_reason(&c.x, SR_CERTIFICATE_PENDING), 1);
	cnt = sent(&c) - cut.cnt;
	whole_of(c.x.core, 0, cnt, got);
	assert_memory_equal(got, "INVITE", 6);
	whole_of(c.x.core, cnt, cut.cnt, got);
	assert_memory_equal(got, "CANCEL", 6);
	calls_free(&c);
}

/* A CANCEL that comes whole, to a worker that does not own the flow, stays behind an INVITE that came in fragments. */
static void test_cancel_elsewhere(void **state)
{
	static _Atomic uint64_t beats[SIPSEAL_BEATS_MAX];
	struct sipseal_meta m = call_meta(SIPSEAL_META_F_CANCEL);
	struct call one = { .id = "x", .x5u = X5U_A };
	struct mailboxes mail = { .owners = 1 };
	struct calls c[2];
	char msg[MSG_MAX];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		world_fds = 2 * (int)i;
		calls_new(&c[i], NULL);
		assert_int_equal(mailbox_new(&mail.box[i]), 0);
		c[i].x.w->cfg.mail = &mail;
		c[i].x.w->cfg.index = i;
		c[i].x.w->cfg.counters = c[0].x.counters;
		c[i].x.w->cfg.heartbeat = &beats[i];
		c[i].x.w->cfg.slots = beats;
	}
	world_fds = 0;
	cut_text(&cut, false, 9, call_cancel("x", msg), strlen(msg), 1440); /* one frame: whole */
	for (unsigned n = 0; n < 2; n++) {
		worker_loop(c[0].x.w);
		assert_true(fake_deliver(c[1].x.carrier, &m, sizeof(m), cut.frames[0].bytes, cut.frames[0].len));
		worker_loop(c[1].x.w);
		assert_int_equal(sent(&c[1]), 1); /* the first: nothing waits, it leaves at once */
		assert_int_equal(call_trunk_reason(&c[1].x, SR_CANCEL), 1);
		if (n)
			break;
		call_cut_send(&c[0], 1, call_text(&c[0], &one, 2000), false);
		assert_int_equal(sent(&c[0]), 0);
		cut_text(&cut, false, 9, call_cancel("x", msg), strlen(msg), 1440);
	}
	worker_loop(c[0].x.w);
	assert_int_equal(call_trunk_reason(&c[0].x, SR_CERTIFICATE_PENDING), 1);
	assert_int_equal(call_trunk_reason(&c[0].x, SR_CANCEL), 1);
	whole_of(c[0].x.core, 0, sent(&c[0]) - 1, got);
	assert_memory_equal(got, "INVITE", 6);
	assert_memory_equal(out(&c[0], sent(&c[0]) - 1).p, "CANCEL", 6);
	for (unsigned i = 0; i < 2; i++) {
		calls_free(&c[i]);
		mailbox_free(mail.box[i]);
	}
}

/* Before: each fragment as it came.  After: each as it left.  One record. */
static void test_captured(void **state)
{
	struct sipseal_meta m = cut_meta(0);
	size_t len = text_with_body(world_invite, 5000, text);
	struct captures cap;
	struct world x;
	unsigned n;

	(void)state;
	world_new(&x, NULL);
	captures_new(&cap, &x, CAPTURE_ALL);
	cut_text(&cut, false, 1, text, len, 1440);
	for (unsigned i = 0; i < cut.cnt; i++)
		cut_send_one(&x, &cut, cut.cnt - 1 - i, &m);
	world_run(&x);
	assert_true(told(captures_take(&cap), 0, EVENT_SIGN, SR_SIGNED));
	for (n = 0; n < cut.cnt; n++)
		assert_true(captures_holds(&cap, n, CAPTURE_BEFORE, CAPTURE_L2, 0, cut.frames[cut.cnt - 1 - n].bytes,
					   cut.frames[cut.cnt - 1 - n].len));
	for (unsigned i = 0; i < x.carrier->sent_cnt; i++)
		assert_true(left(&cap, n + i, CAPTURE_AFTER, 1, x.carrier, i));
	assert_null(captures_take(&cap));
	assert_int_equal(captures_lost(&cap), 0);
	captures_free(&cap);
	world_free(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waits),
		cmocka_unit_test(test_leaves_as_it_came),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_cancel_elsewhere),
		cmocka_unit_test(test_captured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
