/* SPDX-License-Identifier: BSD-2-Clause */
/* Mailboxes: nothing is lost, changed or overtaken between threads; full is full; and two workers share fragments. */
#include "signer/cutting.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>

#include "signer/fragments.h"
#include "signer/mailbox.h"

#define WRITERS 4
#define LETTERS 5000

struct writer {
	pthread_t thread;
	struct mailbox *box;
	uint32_t number;
};

/* Bytes that nobody else writes. */
static size_t letter_put(uint32_t writer, uint32_t serial, char ret[XSK_FRAME_SIZE])
{
	size_t len = 14 + (serial * 37 + writer) % 1500;

	for (size_t i = 0; i < len; i++)
		ret[i] = (char)(writer * 31 + serial + i);
	return len;
}

static void *write_all(void *arg)
{
	struct writer *me = arg;
	char frame[XSK_FRAME_SIZE];

	for (uint32_t i = 0; i < LETTERS; i++) {
		struct mail m = { .meta = { .trunk = i }, .nic = me->number, .flow = ~i,
				  .frame = slice_of(frame, letter_put(me->number, i, frame)) };

		while (!mailbox_put(me->box, &m))
			usleep(100);
		if (i % 512 == 511)
			usleep(2000); /* the reader falls asleep */
	}
	return NULL;
}

/* One that is asleep is woken: no time-out in poll(). */
static void wait_for_mail(struct mailbox *box)
{
	struct pollfd p = { .fd = mailbox_fd(box), .events = POLLIN };

	if (!mailbox_sleep(box))
		return;
	assert_int_equal(poll(&p, 1, 20000), 1);
	mailbox_awake(box, true);
}

static void test_threads(void **state)
{
	struct writer writers[WRITERS];
	uint32_t next[WRITERS] = { 0 };
	struct mailbox *box;
	char want[XSK_FRAME_SIZE];
	struct mail m;

	(void)state;
	assert_int_equal(mailbox_new(&box), 0);
	for (uint32_t i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer){ .box = box, .number = i };
		assert_int_equal(pthread_create(&writers[i].thread, NULL, write_all, &writers[i]), 0);
	}
	for (unsigned n = 0; n < WRITERS * LETTERS; n++) {
		while (!mailbox_peek(box, &m))
			wait_for_mail(box);
		assert_true(m.nic < WRITERS);
		assert_int_equal(m.meta.trunk, next[m.nic]);
		assert_int_equal(m.flow, (uint64_t)~next[m.nic]);
		assert_int_equal(m.frame.len, letter_put(m.nic, next[m.nic], want));
		assert_memory_equal(m.frame.p, want, m.frame.len);
		next[m.nic]++;
		mailbox_drop(box);
	}
	assert_false(mailbox_peek(box, &m));
	for (uint32_t i = 0; i < WRITERS; i++)
		pthread_join(writers[i].thread, NULL);
	mailbox_free(box);
}

/* A writer that comes to its write() after the owner has woken for another reason: one sleep is short, no more. */
static void test_late_wake(void **state)
{
	struct mail m = { .frame = SLICE("x") };
	struct mailbox *box;
	struct pollfd p = { .events = POLLIN };
	uint64_t one = 1;

	(void)state;
	assert_int_equal(mailbox_new(&box), 0);
	p.fd = mailbox_fd(box);
	assert_int_equal(write(p.fd, &one, sizeof(one)), sizeof(one));
	assert_true(mailbox_sleep(box));
	assert_int_equal(poll(&p, 1, 0), 1);
	mailbox_awake(box, true);
	assert_true(mailbox_sleep(box));
	assert_int_equal(poll(&p, 1, 0), 0);
	mailbox_awake(box, false);
	assert_true(mailbox_put(box, &m)); /* nobody sleeps: no system call */
	assert_int_equal(poll(&p, 1, 0), 0);
	assert_false(mailbox_sleep(box));
	mailbox_free(box);
}

static void test_full(void **state)
{
	static char frame[XSK_FRAME_SIZE + 1];
	struct mail m = { .frame = slice_of(frame, XSK_FRAME_SIZE) }, got;
	struct mailbox *box;
	unsigned n = 0;

	(void)state;
	assert_int_equal(mailbox_new(&box), 0);
	m.frame.len = sizeof(frame);
	assert_false(mailbox_put(box, &m));
	m.frame.len = XSK_FRAME_SIZE;
	for (int round = 0; round < 3; round++) {
		m.meta.flags = 0;
		for (n = 0; mailbox_put(box, &m); n++)
			;
		assert_int_equal(n, MAILBOX_PLACES - MAILBOX_PLACES / 8);
		m.meta.flags = SIPSEAL_META_F_EMERGENCY; /* there is always some room for them */
		for (; mailbox_put(box, &m); n++)
			;
		assert_int_equal(n, MAILBOX_PLACES);
		for (; mailbox_peek(box, &got); n--)
			mailbox_drop(box);
		assert_int_equal(n, 0);
	}
	mailbox_free(box);
}

/* ---- two workers ---- */

static struct cutting cut;
static char text[TEXT_MAX], got[TEXT_MAX], again[TEXT_MAX];

struct pair {
	struct world x[2];
	struct mailboxes mail;
	_Atomic uint64_t beats[SIPSEAL_BEATS_MAX];
};

static void pair_new(struct pair *p, unsigned owners)
{
	memset(&p->mail, 0, sizeof(p->mail));
	memset(p->beats, 0, sizeof(p->beats));
	p->mail.owners = owners;
	for (int i = 0; i < 2; i++) {
		world_fds = 2 * i;
		world_new(&p->x[i], NULL);
		assert_int_equal(mailbox_new(&p->mail.box[i]), 0);
		p->x[i].w->cfg.mail = &p->mail;
		p->x[i].w->cfg.index = (unsigned)i;
		p->x[i].w->cfg.heartbeat = &p->beats[i];
		p->x[i].w->cfg.slots = p->beats;
		p->beats[i] = clock_mono_ns();
	}
	world_fds = 0;
}

static void pair_free(struct pair *p)
{
	for (int i = 0; i < 2; i++) {
		world_free(&p->x[i]);
		mailbox_free(p->mail.box[i]);
	}
}

static void pair_run(struct pair *p)
{
	for (int i = 0; i < 4; i++)
		worker_loop(p->x[i % 2].w);
}

static uint64_t pair_reason(const struct pair *p, enum sipseal_reason r)
{
	return world_reason(&p->x[0], r) + world_reason(&p->x[1], r);
}

static uint64_t pair_sum(const struct pair *p)
{
	uint64_t sum = 0;

	for (int i = SR_XDP_MAX; i < SR_MAX; i++)
		sum += pair_reason(p, (enum sipseal_reason)i);
	return sum;
}

/* Each fragment comes to one of two workers, copies to the other one: signed once, the same bytes twice. */
static void test_workers(void **state)
{
	struct sipseal_meta m = cut_meta(0);
	size_t len = text_with_body(world_invite, 9000, text), n;
	bool has_owner[2] = { false };

	(void)state;
	for (uint64_t k = 0; k < 32 && !(has_owner[0] && has_owner[1]); k++) {
		struct fake_kernel *nic;
		struct pair p;
		unsigned owner;

		pair_new(&p, 2);
		p.mail.key.k0 = k; /* other owners */
		for (uint32_t copy = 0; copy < 2; copy++) {
			cut_text(&cut, false, 40 + copy, text, len, 1440);
			for (unsigned i = 0; i < cut.cnt; i++)
				assert_true(fake_deliver(p.x[(i + copy) % 2].core, &m, sizeof(m), cut.frames[i].bytes,
							 cut.frames[i].len));
			pair_run(&p);
		}
		owner = p.x[1].w->counters->datagrams_whole > 0;
		has_owner[owner] = true;
		nic = p.x[owner].carrier;
		assert_int_equal(p.x[!owner].carrier->sent_cnt, 0);
		assert_int_equal(p.x[!owner].w->counters->mailed, cut.cnt);
		assert_int_equal(p.x[owner].w->counters->mailed, 0);
		assert_int_equal(pair_reason(&p, SR_SIGNED), 1);
		assert_int_equal(pair_reason(&p, SR_RETRANSMISSION), 1);
		assert_int_equal(pair_sum(&p), 2 * cut.cnt);
		n = whole_of(nic, 0, nic->sent_cnt / 2, got);
		assert_true(text_holds(got, n, "\r\nIdentity: eyJ"));
		assert_int_equal(whole_of(nic, nic->sent_cnt / 2, nic->sent_cnt / 2, again), n);
		assert_memory_equal(again, got, n);
		pair_free(&p);
	}
	assert_true(has_owner[0] && has_owner[1]);
}

/* A worker that owns nothing gives everything away; one that stands still lets the others drop, never wait. */
static void test_overflow(void **state)
{
	struct sipseal_meta m = cut_meta(0), urgent = cut_meta(SIPSEAL_META_F_EMERGENCY);
	size_t len = text_with_body(world_invite, 40, text);
	struct pair p;
	unsigned n = 0;

	(void)state;
	pair_new(&p, 1);
	cut_text(&cut, false, 1, text, len, 320);
	for (; n < MAILBOX_PLACES; n++) {
		assert_true(fake_deliver(p.x[1].core, &m, sizeof(m), cut.frames[0].bytes, cut.frames[0].len));
		worker_loop(p.x[1].w);
	}
	assert_int_equal(p.x[1].w->counters->mailed, MAILBOX_PLACES - MAILBOX_PLACES / 8);
	assert_int_equal(pair_reason(&p, SR_FRAGMENT_OVERFLOW), MAILBOX_PLACES / 8);
	for (unsigned i = 0; i < MAILBOX_PLACES / 8 + 3; i++, n++) {
		assert_true(fake_deliver(p.x[1].core, &urgent, sizeof(m), cut.frames[0].bytes, cut.frames[0].len));
		worker_loop(p.x[1].w);
	}
	assert_int_equal(pair_reason(&p, SR_EMERGENCY_PASSED_LATE), 3);
	assert_int_equal(p.x[1].carrier->sent_cnt, 3);
	for (unsigned i = 0; i < MAILBOX_PLACES / 16; i++)
		worker_loop(p.x[0].w);
	assert_int_equal(pair_reason(&p, SR_FRAGMENT_DUPLICATE), MAILBOX_PLACES - 1);
	assert_int_equal(pair_sum(&p) + 1, n); /* one is held */
	pair_free(&p);
}

/* The owner stands still: emergency calls leave as they came, and what it finds later is too old to be signed. */
static void test_owner_stands_still(void **state)
{
	struct sipseal_meta m = cut_meta(0), urgent = cut_meta(SIPSEAL_META_F_EMERGENCY);
	size_t len = text_with_body(world_invite, 2000, text);
	struct pair p;

	(void)state;
	pair_new(&p, 1);
	cut_text(&cut, false, 1, text, len, 1440);
	m.time_ns -= WORKER_STALE_NS + 1000000000; /* it was fresh when it was put */
	for (unsigned i = 0; i < cut.cnt; i++) {
		struct mail old = { .meta = m, .frame = slice_of((char *)cut.frames[i].bytes, cut.frames[i].len) };

		assert_true(mailbox_put(p.mail.box[0], &old));
	}
	p.beats[0] -= WORKER_STALE_NS + 1000000000;
	for (unsigned i = 0; i < cut.cnt; i++)
		assert_true(fake_deliver(p.x[1].core, &urgent, sizeof(m), cut.frames[i].bytes, cut.frames[i].len));
	worker_loop(p.x[1].w);
	assert_int_equal(pair_reason(&p, SR_EMERGENCY_PASSED_LATE), cut.cnt);
	for (unsigned i = 0; i < cut.cnt; i++)
		check_as_came(p.x[1].carrier, i, &cut, i, &urgent);
	worker_loop(p.x[0].w);
	assert_int_equal(pair_reason(&p, SR_STALE_FRAME), cut.cnt);
	assert_int_equal(pair_sum(&p), 2 * cut.cnt);
	assert_int_equal(p.x[0].carrier->sent_cnt, 0);
	pair_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_late_wake),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_workers),
		cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_owner_stands_still),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
