/* SPDX-License-Identifier: BSD-2-Clause */
/* capturing: from the rings of a signer, which this test plays, to readers. */
#include "capturing_world.h"

/* No reader: no memory and nothing asked for; whoever comes gets both, the last one takes the wish with him. */
static void test_want(void **state)
{
	struct world *w = *state;
	struct capturing_reader *a, *b, *c;

	assert_int_equal(want(w), 0);
	assert_true(memory_of(w) <= (WORKERS + 1) * 4096);
	assert_false(tell(w, 0, 0, 7));
	assert_int_equal(capturing_turn(w->d.capturing), -1);
	assert_int_equal(capturing_turn(NULL), -1);

	a = reader(w, "beta", 0);
	assert_int_equal(want(w), 5 + 1);
	assert_true(memory_of(w) >= w->len);
	assert_int_equal(capturing_turn(w->d.capturing), CAPTURING_TURN_MS);
	b = reader(w, "beta", 0);
	assert_int_equal(want(w), 5 + 1);
	c = reader(w, "acme", 0);
	assert_int_equal(want(w), CAPTURE_ALL);
	capturing_close(a);
	capturing_close(b);
	assert_int_equal(want(w), 0 + 1);
	a = reader(w, NULL, 0);
	assert_int_equal(want(w), CAPTURE_ALL);
	assert_int_equal(totals(w).readers, 2);
	capturing_close(c);
	assert_int_equal(want(w), CAPTURE_ALL);
	capturing_close(a);
	assert_int_equal(want(w), 0);
	assert_int_equal(totals(w).readers, 0);
	capturing_close(NULL);
}

static void test_readers(void **state)
{
	struct world *w = *state;
	struct capturing_reader *all = reader(w, NULL, 0), *beta = reader(w, "beta", 0);
	struct got a = { 0 }, b = { 0 };

	w->wakes = 0;
	assert_true(tell(w, 0, 0, 7) && tell(w, 1, 5, 8)); /* the signer may know the next generation */
	capturing_turn(w->d.capturing);
	assert_true(w->wakes >= 2);
	drain(all, &a);
	drain(beta, &b);
	assert_string_equal(a.comments,
			    "trunk=acme direction=outbound stage=before verdict=sign reason=signed invite=0.0\n"
			    "trunk=acme direction=outbound stage=after verdict=sign reason=signed invite=0.0\n"
			    "trunk=beta direction=outbound stage=before verdict=sign reason=signed invite=1.0\n"
			    "trunk=beta direction=outbound stage=after verdict=sign reason=signed invite=1.0\n");
	assert_string_equal(b.comments, strstr(a.comments, "trunk=beta"));
	assert_int_equal(a.sections, 1);
	assert_false(a.is_ended);
	assert_int_equal(totals(w).invites, 2);
	/* one who comes later sees what is later */
	capturing_close(all);
	capturing_close(beta);
	atomic_store(&w->signer->want, CAPTURE_ALL); /* a worker that had not seen it yet */
	assert_true(tell(w, 0, 0, 7));
	all = reader(w, NULL, 0);
	capturing_turn(w->d.capturing);
	b = (struct got){ 0 };
	drain(all, &b);
	assert_int_equal(b.packets, 0);
	capturing_close(all);
}

static void test_refused(void **state)
{
	struct world *w = *state;
	struct capturing_ask nobody = { .trunk = "nobody" }, all = { 0 };
	struct capturing_reader *r[CAPTURING_READERS_MAX], *more = NULL;

	assert_int_equal(capturing_open(w->d.capturing, &nobody, &more), -ENOENT);
	is_full = true;
	assert_int_equal(capturing_open(w->d.capturing, &all, &more), -ENOSPC);
	assert_int_equal(want(w), 0);
	assert_int_equal(totals(w).readers, 0);
	is_full = false;
	for (unsigned i = 0; i < CAPTURING_READERS_MAX; i++)
		r[i] = reader(w, NULL, 0);
	assert_int_equal(capturing_open(w->d.capturing, &all, &more), -EUSERS);
	for (unsigned i = 0; i < CAPTURING_READERS_MAX; i++)
		capturing_close(r[i]);
	capturing_drop(w->d.capturing);
	assert_int_equal(capturing_open(w->d.capturing, &all, &more), -ENODEV);
	assert_null(more);
}

/* What workers lose is told, but not what they lost before; a count that falls is a lie. */
static void test_lost(void **state)
{
	struct world *w = *state;
	struct capture_worker *worker = capture_worker(w->signer, 1);
	struct capturing_reader *r, *late;
	struct got g = { 0 };

	atomic_store(&worker->lost[0], 1000);
	r = reader(w, NULL, 3);
	atomic_store(&worker->lost[0], 1003);
	late = reader(w, NULL, 1);
	atomic_store(&worker->lost[0], 1);
	atomic_store(&worker->lost[1], 4);
	tell(w, 0, 0, 7);
	capturing_turn(w->d.capturing); /* what was lost is read behind the rings */
	tell(w, 0, 0, 7);
	tell(w, 0, 0, 7);
	capturing_turn(w->d.capturing);
	drain(r, &g);
	assert_true(g.is_ended);
	assert_int_equal(g.packets, 6);
	assert_int_equal(g.lost[0], 3); /* core0 */
	assert_int_equal(g.lost[1], 4); /* carrier0 */
	g = (struct got){ 0 };
	drain(late, &g);
	assert_int_equal(g.lost[0], 0);
	assert_int_equal(totals(w).lost_ring, 7);
	capturing_close(r);
	capturing_close(late);
}

/* A reader that does not read: whole INVITEs are lost to it, and to nobody else; it is told how many. */
static void test_slow(void **state)
{
	struct world *w = *state;
	struct capturing_reader *slow = reader(w, NULL, 0), *good = reader(w, NULL, 0);
	struct got s = { 0 }, g = { 0 };
	unsigned told = 0;

	while (totals(w).lost_reader < 500) {
		told += tell(w, told % WORKERS, 0, 7);
		capturing_turn(w->d.capturing);
		drain(good, &g);
	}
	assert_int_equal(g.packets, 2 * told);
	assert_in_range(told, CAPTURING_QUEUE / 2 / (2 * PAYLOAD + 400), CAPTURING_QUEUE / (2 * PAYLOAD) + 500);
	is_beta_gone = true;
	capturing_drop(w->d.capturing); /* its end is told in spite of all */
	drain(slow, &s);
	assert_true(s.is_ended);
	assert_int_equal(s.packets + 2 * s.lost[0], 2 * told);
	assert_int_equal(s.lost[0], 500);
	capturing_close(slow);
	capturing_close(good);
}

/* However full the queue is, its end has room. */
static void test_full(void **state)
{
	struct world *w = *state;

	for (size_t first = 14; first < 14 + 320; first += 40) {
		struct capturing_reader *r = reader(w, NULL, 0);
		struct got g = { 0 };
		uint64_t lost = totals(w).lost_reader;

		tell_len(w, 0, 0, 7, first);
		for (size_t len = PAYLOAD; len >= 14; len = len > 14 ? 14 : 0)
			for (lost = totals(w).lost_reader; totals(w).lost_reader == lost;) {
				tell_len(w, 0, 0, 7, len);
				capturing_turn(w->d.capturing);
			}
		capturing_drop(w->d.capturing);
		drain(r, &g);
		if (g.lost[0] != 2)
			fail_msg("%zu: %llu lost", first, (unsigned long long)g.lost[0]);
		capturing_close(r);
		renew(w);
	}
}

/* One that reads half goes on where it was, and what moves in its queue stays whole. */
static void test_half_read(void **state)
{
	struct world *w = *state;
	struct capturing_reader *r = reader(w, NULL, 0);
	static char part[CAPTURING_QUEUE];
	unsigned told = 0, packets = 0;
	uint32_t left = 0; /* of the block that is being read */
	size_t fill = 0;

	for (unsigned round = 0; round < 3000; round++) {
		ssize_t n;

		told += tell(w, 0, 0, 7);
		capturing_turn(w->d.capturing);
		n = capturing_read(r, part + fill, round < 1000 ? 1001 : 6007);
		assert_true(n >= 0);
		fill += (size_t)n;
		while (fill >= 8 && (left = u32(part + 4)) <= fill) {
			assert_true(left >= 12 && left % 4 == 0 && u32(part + left - 4) == left);
			packets += u32(part) == 6;
			memmove(part, part + left, fill -= left);
		}
	}
	assert_int_equal(packets, 2 * told);
	assert_int_equal(totals(w).lost_reader, 0);
	capturing_close(r);
}

static void test_ends(void **state)
{
	struct world *w = *state;
	struct capturing_ask second = { .seconds = 2 };
	struct capturing_reader *r = reader(w, NULL, 2), *timed = NULL, *beta;
	uint64_t start_ns = clock_mono_ns();
	struct got g = { 0 };
	unsigned stats = 0;

	assert_int_equal(capturing_open(w->d.capturing, &second, &timed), 0);
	for (unsigned i = 0; i < 3; i++)
		tell(w, 0, 0, 7);
	capturing_turn(w->d.capturing);
	drain(r, &g);
	assert_true(g.is_ended);
	assert_int_equal(g.packets, 4);
	assert_int_equal(g.stats, 2);
	capturing_close(r);
	assert_int_equal(want(w), CAPTURE_ALL);

	beta = reader(w, "beta", 0);
	tell(w, 0, 5, 7);
	is_beta_gone = true;
	w->wakes = 0;
	capturing_turn(w->d.capturing);
	assert_true(w->wakes > 0);
	g = (struct got){ 0 };
	drain(beta, &g);
	assert_true(g.is_ended);
	assert_int_equal(g.packets, 2); /* what came before */
	capturing_close(beta);

	g = (struct got){ 0 };
	while (!g.is_ended && clock_mono_ns() - start_ns < 4000000000ull) {
		stats = g.stats;
		usleep(10000);
		capturing_turn(w->d.capturing);
		drain(timed, &g);
	}
	assert_true(g.is_ended);
	assert_in_range(clock_mono_ns() - start_ns, 2000000000ull, 3500000000ull);
	assert_int_equal(stats, 2); /* once a second; at the end there is nothing new */
	assert_int_equal(g.stats, 2);
	assert_int_equal(g.packets, 8);
	assert_int_equal(want(w), 0); /* nobody is left who wants anything */
	capturing_close(timed);
}

/* A new signer: what the old one told is read to its end, the capture goes on. */
static void test_renew(void **state)
{
	struct world *w = *state;
	struct capturing_reader *r = reader(w, "beta", 0);
	struct got g = { 0 };
	int fd = -1;
	uint64_t len;

	tell(w, 1, 5, 7);
	atomic_store(&capture_worker(w->signer, 0)->lost[0], 5);
	renew(w);
	assert_int_equal(want(w), 5 + 1);
	assert_true(memory_of(w) >= w->len);
	tell(w, 1, 5, 7);
	atomic_store(&capture_worker(w->signer, 0)->lost[0], 2);
	w->wakes = 0;
	capturing_turn(w->d.capturing);
	assert_true(w->wakes > 0);
	drain(r, &g);
	assert_int_equal(g.packets, 4);
	assert_int_equal(totals(w).lost_ring, 7);
	/* the next one gets no memory: no capture, but a clean end */
	is_full = true;
	assert_int_equal(capturing_renew(w->d.capturing, &fd, &len), -ENOSPC);
	w->wakes = 0;
	capturing_turn(w->d.capturing);
	assert_true(w->wakes > 0);
	drain(r, &g);
	assert_true(g.is_ended);
	assert_int_equal(g.lost[0], 7);
	capturing_close(r);
}

/* A record that is whole, of a verdict that there is not. */
static void tell_untrue(struct world *w, unsigned worker)
{
	const struct capture_call call = { .verdict = 99, .reason = SR_SIGNED, .decided_reason = SR_SIGNED };
	const struct capture_packet p = { .form = CAPTURE_L2 };

	assert_true(capture_begin(&w->writers[worker], 0, 0, w->now_ns += 1000000000));
	capture_add(&w->writers[worker], &p, SLICE("0123456789abcdef"));
	capture_end(&w->writers[worker], &call);
}

/* What cannot be true is counted, not shown. */
static void test_invalid(void **state)
{
	struct world *w = *state;
	struct capturing_reader *r = reader(w, NULL, 0);
	struct capture_worker *worker = capture_worker(w->signer, 0);
	struct got g = { 0 };

	tell(w, 0, 0, 9);   /* a generation that is not there yet */
	tell(w, 0, 77, 7);  /* signed for nobody */
	capturing_turn(w->d.capturing);
	assert_int_equal(totals(w).invalid, 2);
	atomic_fetch_add(&worker->head, 4096); /* zeros */
	capturing_turn(w->d.capturing);
	assert_int_equal(totals(w).invalid, 3);
	atomic_store(&worker->head, UINT64_MAX / 2);
	capturing_turn(w->d.capturing);
	assert_int_equal(totals(w).invalid, 4);
	tell_untrue(w, 1);
	tell(w, 1, 0, 7); /* the others go on, in the same turn */
	capturing_turn(w->d.capturing);
	drain(r, &g);
	assert_int_equal(g.packets, 2);
	assert_int_equal(totals(w).invalid, 5);
	assert_int_equal(totals(w).invites, 1);
	capturing_close(r);
}

/* The end alone is something to be told. */
static void test_drop(void **state)
{
	struct world *w = *state;
	struct capturing_reader *r = reader(w, NULL, 0);
	struct got g = { 0 };

	drain(r, &g);
	assert_false(g.is_ended);
	w->wakes = 0;
	capturing_turn(w->d.capturing);
	assert_int_equal(w->wakes, 0);
	capturing_drop(w->d.capturing);
	capturing_turn(w->d.capturing);
	assert_int_equal(w->wakes, 1);
	drain(r, &g);
	assert_true(g.is_ended);
	assert_int_equal(g.stats, 0);
	capturing_close(r);
	/* and what was lost, also where nothing came */
	renew(w);
	r = reader(w, NULL, 0);
	atomic_store(&capture_worker(w->signer, 1)->lost[0], 9);
	capturing_turn(w->d.capturing);
	capturing_drop(w->d.capturing);
	drain(r, &g);
	assert_int_equal(g.lost[0], 9);
	capturing_close(r);
}

/* A turn is bounded, and all workers have their share of it. */
static void test_turn(void **state)
{
	struct world *w = *state;
	struct capturing_reader *r = reader(w, NULL, 0);
	struct got g = { 0 };
	unsigned told = 0;

	while (told < 2 * 340) { /* both rings nearly full: 2.0 MB */
		assert_true(tell(w, 0, 0, 7) && tell(w, 1, 5, 7));
		told += 2;
	}
	assert_int_equal(capturing_turn(w->d.capturing), 0);
	drain(r, &g);
	assert_in_range(g.packets, CAPTURING_TURN_LEN / (PAYLOAD + 100), CAPTURING_TURN_LEN / PAYLOAD + 4);
	assert_non_null(strstr(g.comments, "invite=1.0"));
	assert_int_equal(capturing_turn(w->d.capturing), CAPTURING_TURN_MS);
	drain(r, &g);
	assert_int_equal(g.packets, 2 * told);
	capturing_close(r);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_want), TEST(test_readers), TEST(test_refused), TEST(test_lost), TEST(test_slow),
		TEST(test_half_read), TEST(test_ends), TEST(test_renew), TEST(test_invalid), TEST(test_turn),
		TEST(test_drop), TEST(test_full),
	};

	return cmocka_run_group_tests_name("capturing", tests, NULL, NULL);
}
