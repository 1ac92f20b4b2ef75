/* SPDX-License-Identifier: BSD-2-Clause */
/* ring, umem, port: wrap-around, and frame accounting against a kernel that is slow, down or lies. */
#include "xsk/fake_kernel.h"

#include "base/cleanup.h"

#define FRAMES 48

struct fixture {
	char *mem;
	struct umem *u;
	struct port p;
	struct fake_kernel *k;
};

static struct fixture up(uint32_t start)
{
	struct fixture f = { 0 };

	f.mem = aligned_alloc(XSK_FRAME_SIZE, FRAMES * XSK_FRAME_SIZE);
	assert_non_null(f.mem);
	memset(f.mem, 0, FRAMES * XSK_FRAME_SIZE);
	assert_int_equal(umem_new(f.mem, FRAMES, &f.u), 0);
	f.k = fake_new(0, f.u, start, &f.p);
	return f;
}

static void down(struct fixture *f)
{
	umem_free(f->u);
	free(f->mem);
	free(f->k);
}

static void assert_counts(const struct fixture *f, uint32_t nfree, uint32_t rx, uint32_t tx, uint32_t nvoid)
{
	assert_int_equal(f->u->count[UMEM_FREE], nfree);
	assert_int_equal(f->u->count[UMEM_RX], rx);
	assert_int_equal(f->u->count[UMEM_TX], tx);
	assert_int_equal(f->u->count[UMEM_VOID], nvoid);
	assert_int_equal(umem_lost(f->u), f->u->count[UMEM_HELD]);
}

static void put(struct fixture *f, uint32_t len, char fill)
{
	int64_t addr;

	assert_true(port_tx_room(&f->p, 1));
	addr = umem_get(f->u);
	assert_true(addr >= 0);
	memset(umem_at(f->u, (uint64_t)addr), fill, len);
	port_tx_put(&f->p, (uint64_t)addr, len);
}

static void test_ring_wraps(void **state)
{
	struct fake_ring m = { .producer = UINT32_MAX - 5, .consumer = UINT32_MAX - 5 };
	struct ring prod = fake_ring(&m), cons = fake_ring(&m);

	(void)state;
	for (uint32_t round = 0; round < 10; round++) {
		assert_int_equal(ring_reserve(&prod, 1000), FAKE_RING);
		for (uint32_t i = 0; i < 7; i++)
			ring_desc(&prod, i)->addr = round * 100 + i;
		ring_submit(&prod, 7);
		assert_int_equal(ring_reserve(&prod, 1000), FAKE_RING - 7);
		assert_int_equal(ring_unsent(&prod), 7);
		assert_int_equal(ring_peek(&cons, 3), 3);
		assert_int_equal(ring_peek(&cons, 64), 7);
		for (uint32_t i = 0; i < 7; i++)
			assert_int_equal(ring_desc(&cons, i)->addr, round * 100 + i);
		ring_release(&cons, 7);
		assert_int_equal(ring_peek(&cons, 64), 0);
	}
	ring_submit(&prod, FAKE_RING);
	assert_int_equal(ring_reserve(&prod, 1), 0);
}

/* indices that no honest kernel writes */
static void test_ring_hostile_index(void **state)
{
	struct fake_ring m = { .producer = 10, .consumer = 10 };
	struct ring r = fake_ring(&m);

	(void)state;
	m.producer = 10 + 100000;
	assert_int_equal(ring_peek(&r, UINT32_MAX), FAKE_RING);
	m.producer = 10;
	m.consumer = 11; /* consumed more than was produced */
	assert_int_equal(ring_reserve(&r, 5), 0);
	assert_int_equal(ring_unsent(&r), 0);
	m.consumer = 10 - FAKE_RING - 1;
	assert_int_equal(ring_reserve(&r, 5), 0);
}

static void test_receive_and_fill(void **state)
{
	struct fixture f = up(UINT32_MAX - 20);
	struct xdp_desc d[PORT_BATCH];

	(void)state;
	f.p.fill_target = 30;
	port_fill(&f.p, 24); /* the reserve wins over the target */
	assert_counts(&f, 24, 24, 0, 0);
	port_fill(&f.p, 12);
	assert_counts(&f, 18, 30, 0, 0);
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 5; i++)
			assert_true(fake_deliver(f.k, NULL, 0, "abcdef", 6));
		assert_int_equal(port_recv(&f.p, d), 5);
		for (int i = 0; i < 5; i++) {
			assert_int_equal(umem_take_rx(f.u, d[i].addr, d[i].len, 32), 0);
			assert_memory_equal(umem_at(f.u, d[i].addr), "abcdef", 6);
		}
		assert_int_equal(f.u->count[UMEM_HELD], 5);
		for (int i = 0; i < 5; i++)
			umem_put(f.u, d[i].addr);
		port_fill(&f.p, 12);
		assert_counts(&f, 18, 30, 0, 0);
	}
	assert_int_equal(f.u->bad, 0);
	down(&f);
}

static void test_hostile_descriptors(void **state)
{
	static const struct { const char *name; uint64_t addr; uint32_t len; int ret; } cases[] = {
		{ "outside",            (uint64_t)FRAMES * XSK_FRAME_SIZE, 100, -EBADMSG },
		{ "far outside",        UINT64_MAX - 4, 100, -EBADMSG },
		{ "a free chunk",       40 * XSK_FRAME_SIZE + 256, 100, -EBADMSG },
		{ "past the chunk",     256, XSK_FRAME_SIZE - 255, -ERANGE },
		{ "huge length",        XSK_FRAME_SIZE + 256, UINT32_MAX, -ERANGE },
		{ "no room before it",  2 * XSK_FRAME_SIZE + 31, 10, -ERANGE },
		{ "the whole chunk",    3 * XSK_FRAME_SIZE + 256, XSK_FRAME_SIZE - 256, 0 },
	};
	struct fixture f = up(0);
	uint64_t bad = 0;

	(void)state;
	f.p.fill_target = 8;
	port_fill(&f.p, 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int r = umem_take_rx(f.u, cases[i].addr, cases[i].len, 32);

		bad += r < 0;
		if (r != cases[i].ret || f.u->bad != bad)
			fail_msg("%s: returns %d, want %d", cases[i].name, r, cases[i].ret);
		if (r != -EBADMSG)
			umem_put(f.u, cases[i].addr);
		assert_int_equal(umem_lost(f.u), 0);
	}
	down(&f);
}

static void test_send(void **state)
{
	struct fixture f = up(UINT32_MAX - 3);

	(void)state;
	f.k->budget = 4; /* several kicks per flush */
	for (int i = 0; i < 20; i++)
		put(&f, 60, (char)('a' + i));
	assert_counts(&f, FRAMES - 20, 0, 20, 0);
	assert_int_equal(f.k->sent_cnt, 0);
	assert_int_equal(port_flush(&f.p, 1, 1000), 0);
	assert_int_equal(f.k->sent_cnt, 20);
	for (int i = 0; i < 20; i++)
		assert_int_equal(f.k->sent[i].data[59], 'a' + i);
	assert_int_equal(f.k->kicks, 5);
	assert_counts(&f, FRAMES, 0, 0, 0);
	assert_int_equal(f.p.send_errors, 0);
	down(&f);
}

static void test_no_chunk_left(void **state)
{
	struct fixture f = up(0);

	(void)state;
	f.k->is_holding = true; /* sent, but not completed */
	for (int i = 0; i < FRAMES; i++)
		put(&f, 60, 'x');
	assert_false(port_tx_room(&f.p, 1));
	assert_counts(&f, 0, 0, FRAMES, 0);
	for (uint64_t i = 0; i < 3; i++)
		fake_complete(f.k, i * XSK_FRAME_SIZE + 100); /* any address in the chunk */
	assert_true(port_tx_room(&f.p, 3));
	assert_false(port_tx_room(&f.p, 4));
	assert_counts(&f, 3, 0, FRAMES - 3, 0);
	assert_false(port_tx_room(&f.p, FAKE_RING + 1));
	down(&f);
}

static void test_hostile_completions(void **state)
{
	struct fixture f = up(0);

	(void)state;
	f.p.fill_target = 4;
	port_fill(&f.p, 0); /* chunks 0..3 receive */
	f.k->is_holding = true;
	put(&f, 60, 'x');   /* chunk 4 */
	assert_int_equal(port_flush(&f.p, 1, 1000), 0);
	fake_complete(f.k, 4 * XSK_FRAME_SIZE);
	fake_complete(f.k, 4 * XSK_FRAME_SIZE);                  /* twice */
	fake_complete(f.k, 2 * XSK_FRAME_SIZE);                  /* receiving */
	fake_complete(f.k, 30 * XSK_FRAME_SIZE);                 /* free */
	fake_complete(f.k, (uint64_t)FRAMES * XSK_FRAME_SIZE);   /* outside */
	fake_complete(f.k, UINT64_MAX);
	port_reap(&f.p);
	assert_int_equal(f.u->bad, 5);
	assert_counts(&f, FRAMES - 4, 4, 0, 0);
	/* no chunk was put on the list twice */
	for (uint32_t i = 0; i < FRAMES - 4; i++)
		assert_true(umem_get(f.u) >= 4 * XSK_FRAME_SIZE);
	assert_int_equal(umem_get(f.u), -1);
	down(&f);
}

/* Link down: what was queued must never leave, and comes back. */
static void link_down(bool drops_voids)
{
	struct fixture f = up(UINT32_MAX - 1);

	f.k->drops_voids = drops_voids;
	f.k->error = -ENETDOWN;
	for (int i = 0; i < 5; i++)
		put(&f, 60, 'o');
	assert_int_equal(port_flush(&f.p, 1, 1000000), -ENETDOWN);
	assert_counts(&f, FRAMES - 5, 0, 0, 5);
	assert_false(port_tx_room(&f.p, 1)); /* not until the kernel has consumed them */
	assert_int_equal(port_flush(&f.p, 2, 1000000), -ENETDOWN);
	f.k->error = 0;
	put(&f, 60, 'n');
	assert_int_equal(port_flush(&f.p, 3, 1000000), 0);
	assert_int_equal(f.k->void_cnt, 5);
	assert_int_equal(f.k->sent_cnt, 1);
	assert_int_equal(f.k->sent[0].data[0], 'n');
	assert_counts(&f, FRAMES, 0, 0, 0);
	assert_int_equal(f.u->bad, 0);
	assert_int_equal(f.p.send_errors, 5);
	down(&f);
}

static void test_link_down(void **state)
{
	(void)state;
	link_down(false);
	link_down(true);
}

/* A device that takes nothing: sent late within the limit, void beyond it. */
static void test_busy_device(void **state)
{
	struct fixture f = up(0);

	(void)state;
	f.k->error = -EAGAIN;
	put(&f, 60, '1');
	assert_int_equal(port_flush(&f.p, 1000, 500), -EAGAIN);
	assert_int_equal(f.k->kicks, PORT_RETRIES);
	assert_counts(&f, FRAMES - 1, 0, 1, 0);
	f.k->error = 0;
	assert_int_equal(port_flush(&f.p, 1400, 500), 0);
	assert_int_equal(f.k->sent_cnt, 1);
	f.k->error = -ENOBUFS;
	put(&f, 60, '2');
	assert_int_equal(port_flush(&f.p, 2000, 500), -ENOBUFS); /* a new wait: not 1000 ago */
	assert_counts(&f, FRAMES - 1, 0, 1, 0);
	assert_int_equal(port_flush(&f.p, 2501, 500), -ENOBUFS);
	assert_counts(&f, FRAMES - 1, 0, 0, 1);
	f.k->error = 0;
	assert_int_equal(port_flush(&f.p, 3000, 500), 0);
	assert_int_equal(f.k->sent_cnt, 1); /* '2' never left */
	assert_counts(&f, FRAMES, 0, 0, 0);
	down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ring_wraps),
		cmocka_unit_test(test_ring_hostile_index),
		cmocka_unit_test(test_receive_and_fill),
		cmocka_unit_test(test_hostile_descriptors),
		cmocka_unit_test(test_send),
		cmocka_unit_test(test_no_chunk_left),
		cmocka_unit_test(test_hostile_completions),
		cmocka_unit_test(test_link_down),
		cmocka_unit_test(test_busy_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
