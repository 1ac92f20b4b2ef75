/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many datagrams at once, shuffled, with copies and with wrong pieces, beside a model that knows nothing but
 * which byte came from whom.
 */
#include "fragments.h"

#define FLOWS   24
#define BYTES   2048
#define PIECES  40

/* What the model has of a datagram. */
struct model {
	uint8_t owner[BYTES];    /* piece + 1 that a byte came with */
	struct cut pieces[PIECES];
	uint64_t serials[PIECES];
	unsigned cnt;
	size_t end;              /* 0: not known */
	bool is_refused, is_done;
};

static struct flow flows[FLOWS];
static struct model models[FLOWS];
static unsigned seed;

static unsigned dice(unsigned n)
{
	return (unsigned)rand_r(&seed) % n;
}

static bool is_same(const struct cut *a, const struct cut *b)
{
	return a->off == b->off && a->len == b->len && a->is_last == b->is_last &&
	       a->want_other_bytes == b->want_other_bytes;
}

static enum reassemble_outcome model_add(struct model *m, const struct cut *c, uint64_t serial)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < m->cnt; i++)
		if (!m->is_refused && is_same(&m->pieces[i], c))
			return REASSEMBLE_DUPLICATE;
	for (size_t i = 0; i < BYTES; i++) {
		bool is_in = i >= c->off && i < c->off + c->len;

		m->is_refused |= m->owner[i] && (is_in || (c->is_last && i >= c->off + c->len));
		bytes += m->owner[i] != 0;
	}
	m->is_refused |= m->end && c->off + c->len > m->end;
	if (m->is_refused)
		return REASSEMBLE_REFUSED;
	m->pieces[m->cnt] = *c;
	m->serials[m->cnt++] = serial;
	memset(m->owner + c->off, (int)m->cnt, c->len);
	if (c->is_last)
		m->end = c->off + c->len;
	m->is_done = m->end && bytes + c->len == m->end;
	return REASSEMBLE_HELD;
}

/* Frames, in their order, and the bytes as the pieces had them. */
static void check_leaves(struct world *w, const struct flow *f, const struct model *m)
{
	struct reassembled *d = world_take(w);

	assert_non_null(d);
	assert_int_equal(d->how == REASSEMBLED_REFUSED, m->is_refused);
	assert_int_equal(d->cnt, m->cnt);
	for (unsigned i = 0; i < d->cnt; i++) {
		struct reassemble_frame frame = reassembled_frame(w->r, d, i);
		static uint8_t want[PACKET_MAX];
		uint64_t serial;

		memcpy(&serial, frame.block, sizeof(serial));
		assert_int_equal(serial, m->serials[i]);
		assert_int_equal(frame.frame.len, cut_put(f, m->pieces[i], want));
		assert_memory_equal(frame.frame.p, want, frame.frame.len);
	}
	if (m->is_done) {
		assert_int_equal(d->packet.len, f->head_len + m->end);
		for (size_t i = 0; i < m->end; i++) {
			const struct cut *c = &m->pieces[m->owner[i] - 1];
			uint8_t want = i < flow_data_len(f) ? f->frame[14 + f->head_len + i] : 0xee;

			want ^= c->want_other_bytes ? 0x55 : 0;
			assert_int_equal((uint8_t)d->packet.p[f->head_len + i], want);
		}
		if (m->end == flow_data_len(f) && d->how == REASSEMBLED_COMPLETE)
			assert_int_equal(d->frame.payload.len, m->end - (d->frame.l3.len - f->head_len) - 8);
	}
	reassemble_release(w->r, d);
}

static void step(struct world *w, unsigned i, struct cut c)
{
	struct model *m = &models[i];
	bool was_over = m->is_done || m->is_refused;
	uint64_t serial = w->serial;
	enum reassemble_outcome want, got;

	c.ecn = -1;
	if (m->is_done && !m->is_refused) { /* a copy; what is none would start anew */
		bool is_copy = false;

		for (unsigned k = 0; k < m->cnt; k++)
			is_copy |= is_same(&m->pieces[k], &c);
		if (!is_copy)
			return;
	}
	want = model_add(m, &c, serial);
	got = world_add(w, &flows[i], c);
	if (got != want)
		fail_msg("%s %u: [%zu, %zu) gives %d, want %d", flows[i].name, i, c.off, c.off + c.len, got, want);
	if (!was_over && m->cnt && (m->is_done || m->is_refused))
		check_leaves(w, &flows[i], m);
	world_quiet(w);
}

static void flows_make(void)
{
	memset(models, 0, sizeof(models));
	for (unsigned i = 0; i < FLOWS; i++) {
		bool is_v6 = i % 2;

		flow_make(&flows[i], is_v6, is_v6 ? (int)(i / 2 % 4) - 1 : (int)(i / 2 % 5) - 1, i / 4, 1000 + dice(100));
		flow_name(&flows[i], i % 4, i / 4);
	}
}

/* Cut into pieces of any size, all of them at once in one bag, with copies. */
static void test_shuffled(void **state)
{
	struct world w = world_new();

	(void)state;
	for (unsigned round = 1; round < 60; round++) {
		static struct { unsigned flow; struct cut cut; } bag[FLOWS * PIECES * 2];
		size_t cnt = 0;

		seed = round;
		flows_make();
		for (unsigned i = 0; i < FLOWS; i++) {
			size_t len = flow_data_len(&flows[i]), off = 0, n;

			for (; off < len; off += n) {
				n = off ? 8 * (1 + dice(30)) : 24 + 8 * dice(30); /* with all headers */
				n = off + n < len ? n : len - off;
				for (unsigned k = 1 + (dice(4) == 0); k--;) {
					bag[cnt].flow = i;
					bag[cnt++].cut = (struct cut){ off, n, off + n == len };
				}
			}
		}
		for (size_t i = cnt; i > 1; i--) {
			size_t k = dice((unsigned)i);
			__typeof__(bag[0]) t = bag[i - 1];

			bag[i - 1] = bag[k];
			bag[k] = t;
		}
		for (size_t i = 0; i < cnt; i++)
			step(&w, bag[i].flow, bag[i].cut);
		for (unsigned i = 0; i < FLOWS; i++)
			assert_true(models[i].is_done);
		assert_int_equal(reassemble_stats(w.r)->frames, 0);
		w.now += w.limits.linger_ns;
	}
	world_end(&w);
}

/* Pieces at random: overlaps, other bytes, ends that differ, copies. */
static void test_random(void **state)
{
	struct world w = world_new();
	unsigned done = 0, refused = 0, open = 0;

	(void)state;
	for (unsigned round = 1; round < 200; round++) {
		seed = round;
		flows_make();
		for (unsigned k = 0; k < FLOWS * (4 + round % 12); k++) {
			unsigned i = dice(FLOWS), unit = 8 * (16 + 8 * (round % 3)), luck = 12 << round % 5;
			struct cut c = { unit * dice(4), unit, false };

			if (dice(luck) == 0)
				c.off += 8 * dice(4);
			if (dice(luck) == 0)
				c.len += 8 * dice(4);
			if (c.off && (c.off >= 3 * unit || dice(2 * luck) == 0)) { /* at 0 it were the whole */
				c.is_last = true;
				c.len -= dice(luck) ? i % 8 : dice(8);
			}
			/* but for the extension headers of IPv6 */
			c.want_other_bytes = dice(2 * luck) == 0 && (c.off || !(i % 2) || !flows[i].spec.ext);
			step(&w, i, c);
		}
		for (unsigned i = 0; i < FLOWS; i++) {
			done += models[i].is_done;
			refused += models[i].is_refused;
			open += models[i].cnt && !models[i].is_done && !models[i].is_refused;
		}
		w.now += w.limits.lifetime_ns;
		for (struct reassembled *d; (d = world_take(&w));) {
			assert_int_equal(d->how, REASSEMBLED_EXPIRED);
			reassemble_release(w.r, d);
		}
		assert_int_equal(reassemble_stats(w.r)->datagrams, 0);
	}
	assert_true(done > 500 && refused > 500 && open > 50); /* of each kind enough */
	assert_int_equal(reassemble_stats(w.r)->left[REASSEMBLED_REFUSED], refused);
	assert_int_equal(reassemble_stats(w.r)->left[REASSEMBLED_EXPIRED], open);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_shuffled), cmocka_unit_test(test_random) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
