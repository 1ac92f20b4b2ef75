// SPDX-License-Identifier: BSD-2-Clause
#include "imageworld.h"

static struct world w;

/* The bytes of a copy, to see later that none has changed. */
struct snapshot {
	const char *at;
	size_t len;
	char *bytes;
};

static struct snapshot snap(uint64_t generation)
{
	struct snapshot s = { w.memory + w.region->copy_off[generation & 1], w.region->copy_size, NULL };

	s.bytes = malloc(s.len);
	memcpy(s.bytes, s.at, s.len);
	return s;
}

static void expect_same(const struct snapshot *s, const char *when)
{
	if (memcmp(s->at, s->bytes, s->len))
		fail_msg("the active copy changed: %s", when);
}

static void expect_usage(const struct model *m)
{
	struct image_usage u = usage(&w);
	uint32_t trunks = 0, locations = 0;
	bool seen[LOCATIONS] = { false };

	for (unsigned i = 0; i < SLOTS; i++) {
		const struct pidf_template *l = m->trunks[i] == EMPTY ? NULL : w.v[m->trunks[i]].ct.location;

		trunks += m->trunks[i] != EMPTY;
		if (l && !seen[(l - w.locations) / 2]) {
			seen[(l - w.locations) / 2] = true;
			locations++;
		}
	}
	assert_int_equal(u.trunks, trunks);
	assert_int_equal(u.locations, locations);
}

static void change_one(struct model *m)
{
	int variant = any(3) ? (int)any(VARIANTS) : EMPTY;
	unsigned i;

	switch (any(8)) {
	case 0:
		m->gateway = any(GATEWAYS);
		assert_int_equal(image_gateway_put(w.im, w.gateways[m->gateway]), 0);
		break;
	case 1:
		i = any(LINES);
		m->lines[i] = variant;
		assert_int_equal(put_line(&w, i, variant), 0);
		break;
	default:
		i = any(SLOTS);
		m->trunks[i] = variant;
		assert_int_equal(put_trunk(&w, i, variant), 0);
	}
}

/* The copy before the active one is as it was until it follows. */
static void change_many(uint64_t g, struct model *m)
{
	struct snapshot before = snap(g - 1);
	struct image_usage u;
	struct model next = *m;

	assert_int_equal(image_begin(w.im, g), 0);
	u = usage(&w);
	assert_int_equal(u.waiting, 0); /* the former copy has followed */
	for (unsigned n = any(14); n; n--)
		change_one(&next);
	expect_usage(&next);
	expect_same(&before, "by a put");
	while (any(4) == 0) { /* given up, and begun anew */
		image_abort(w.im);
		expect_same(&before, "by an abort");
		expect(&w, g - 1, m);
		assert_int_equal(usage(&w).used, u.used);
		assert_null(policy_copy_get(w.region, (uint16_t)g));
		assert_int_equal(image_begin(w.im, g), 0);
		next = *m;
		change_one(&next);
	}
	image_commit(w.im);
	expect(&w, g, &next);
	expect(&w, g - 1, m); /* whoever holds the former one still reads the right thing */
	expect_same(&before, "by a commit");
	free(before.bytes);
	*m = next;
}

static void settle(uint64_t g, const struct model *m)
{
	struct snapshot active = snap(g);

	assert_false(image_is_settled(w.im));
	image_settle(w.im);
	assert_true(image_is_settled(w.im));
	expect_same(&active, "by following it");
	expect(&w, g, m);
	assert_null(policy_copy_get(w.region, (uint16_t)(g - 1)));
	assert_int_equal(usage(&w).waiting, 0);
	free(active.bytes);
}

static void drop_all(uint64_t g, struct model *m)
{
	assert_int_equal(image_begin(w.im, g), 0);
	for (unsigned i = 0; i < SLOTS; i++)
		assert_int_equal(image_trunk_drop(w.im, i), 0);
	for (unsigned i = 0; i < LINES; i++)
		assert_int_equal(image_credential_drop(w.im, i), 0);
	image_commit(w.im);
	assert_int_equal(usage(&w).used, usage(&w).waiting);
	for (unsigned i = 0; i < SLOTS; i++)
		m->trunks[i] = EMPTY;
	for (unsigned i = 0; i < LINES; i++)
		m->lines[i] = EMPTY;
	settle(g, m);
	assert_int_equal(usage(&w).used, 0);
	expect_usage(m);
}

/* Thousands of changes against the model; at the end of each hundred nothing may be left behind. */
static void test_random(void **state)
{
	struct model m;
	uint64_t g = 65000; /* the 16 bits of the metadata wrap on the way */

	(void)state;
	world_new(&w, 256 * 1024);
	first_generation(&w, g, &m);
	for (unsigned round = 0; round < 40; round++) {
		for (unsigned i = 0; i < 99; i++) {
			change_many(++g, &m);
			assert_int_equal(image_generation(w.im), g);
			if (any(2))
				settle(g, &m);
		}
		drop_all(++g, &m);
	}
	world_free(&w);
}

/* Four trunks, if there is room for them. */
static bool fill_some(struct model *m)
{
	int r = 0;

	first_generation(&w, 2, m);
	assert_int_equal(image_begin(w.im, 3), 0);
	for (int k = 0; k < 4 && r == 0; k++) {
		m->trunks[k] = k;
		r = put_trunk(&w, (uint32_t)k, k);
	}
	if (r < 0) {
		assert_int_equal(r, -ENOSPC);
		return false;
	}
	image_commit(w.im);
	image_settle(w.im);
	return true;
}

/* Return: how many lines were written before there was no room; all: there was. */
static unsigned fill_up(void)
{
	for (unsigned i = 0; i < LINES + SLOTS; i++) {
		int variant = (int)any(VARIANTS);
		int r = i < LINES ? put_line(&w, i, variant) : put_trunk(&w, i - LINES, variant);

		if (r == 0)
			continue;
		assert_int_equal(r, -ENOSPC);
		assert_int_equal(put_trunk(&w, 0, EMPTY), -ENOSPC); /* only the abort is left */
		assert_int_equal(put_line(&w, 0, 0), -ENOSPC);
		assert_int_equal(image_gateway_put(w.im, w.gateways[1]), -ENOSPC);
		return i;
	}
	return LINES + SLOTS;
}

/* Wherever the space ends: nothing live changes, and after the abort there is room as before. */
static void test_full(void **state)
{
	unsigned at_line = 0, at_trunk = 0;

	(void)state;
	for (size_t size = 16384; size < 65536; size += 13 * 64) {
		struct image_usage before;
		struct snapshot active;
		struct model m;
		unsigned n;

		world_seed = (uint32_t)size;
		world_new(&w, size);
		if (fill_some(&m)) {
			active = snap(3);
			before = usage(&w);
			assert_int_equal(image_begin(w.im, 4), 0);
			n = fill_up();
			at_line += n < LINES;
			at_trunk += n >= LINES && n < LINES + SLOTS;
			image_abort(w.im);
			expect_same(&active, "by a change that found no room");
			expect(&w, 3, &m);
			assert_int_equal(usage(&w).used, before.used);
			assert_int_equal(image_begin(w.im, 4), 0);
			assert_int_equal(put_trunk(&w, 0, EMPTY), 0);
			image_commit(w.im);
			m.trunks[0] = EMPTY;
			expect(&w, 4, &m);
			free(active.bytes);
		}
		world_free(&w);
	}
	assert_true(at_line > 0 && at_trunk > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests_name("trunk/image", tests, NULL, NULL);
}
