// SPDX-License-Identifier: BSD-2-Clause
/*
 * Random additions and removals against three things: what the rules say of the trunks there are (model_lookup
 * of matchworld.h knows no groups), a compile from scratch, and two copies of the tables that are drained now and then, by
 * sinks that sometimes fail.
 */
#include "matchworld.h"

/* Numbers of the groups that there are. */
struct numbers {
	uint32_t number[ROWS];
	size_t cnt;
};

static void numbers_read(const struct matchset *ms, struct numbers *ret)
{
	ret->cnt = 0;
	for (const struct group *g = ms->groups; g; g = g->hh.next) {
		assert_true(ret->cnt < ROWS);
		ret->number[ret->cnt++] = g->number;
	}
}

static bool has_number(const struct numbers *n, uint32_t number)
{
	for (size_t i = 0; i < n->cnt; i++) {
		if (n->number[i] == number)
			return true;
	}
	return false;
}

static bool copy_knows(const struct copy *c, uint32_t number)
{
	for (size_t i = 0; i < c->cnt; i++) {
		const struct row *r = &c->rows[i];

		if ((r->table < 2 ? r->value[0] : ntohl(((const struct sipseal_core_key *)r->key)->group_be)) == number)
			return true;
	}
	return false;
}

/* A number that was nobody's before the change is not one that a copy still knows from earlier. */
static void check_new_numbers(const struct matchset *ms, const struct numbers *before)
{
	static struct numbers now;

	numbers_read(ms, &now);
	for (size_t i = 0; i < now.cnt; i++) {
		for (unsigned k = 0; k < 2 && !has_number(before, now.number[i]); k++) {
			if (copy_knows(&copies[k], now.number[i]))
				fail_msg("group %u is given again, and copy %u has the old one", now.number[i], k);
		}
	}
}

static void step_change(struct world *w)
{
	uint32_t slot = dice(TRUNKS), other = 99;
	static struct numbers before;
	struct trunk *t;
	bool is_refused = false;
	int r;

	numbers_read(w->ms, &before);
	if (w->trunks[slot]) {
		assert_int_equal(matchset_remove(w->ms, slot, w->trunks[slot]), 0);
		trunk_free(w->trunks[slot]);
		w->trunks[slot] = NULL;
	} else {
		t = trunk_random();
		for (unsigned s = 0; s < TRUNKS; s++)
			is_refused |= w->trunks[s] && model_conflict(t, w->trunks[s]);
		r = matchset_add(w->ms, slot, t, &other);
		assert_int_equal(r, is_refused ? -EEXIST : 0);
		if (r == -EEXIST) {
			assert_true(other < TRUNKS && w->trunks[other] && model_conflict(t, w->trunks[other]));
			trunk_free(t);
			return;
		}
		assert_int_equal(other, 99);
		w->trunks[slot] = t;
	}
	check_new_numbers(w->ms, &before);
	w->changed_since[0]++;
	w->changed_since[1]++;
}

static void step_drain(struct world *w)
{
	unsigned i = dice(2);
	int r;

	if (dice(40) == 0) { /* somebody has emptied it */
		copies[i].cnt = 0;
		assert_int_equal(matchset_replay(w->ms, i), 0);
	}
	r = drain(w->ms, i, dice(3) ? -1 : (int)dice(20));
	if (r < 0) {
		assert_int_equal(r, -EIO);
		w->changed_since[i]++; /* half of it is there, and told again next time */
		return;
	}
	w->changed_since[i] = 0;
	check_copy(w, i);
	if (!w->changed_since[!i])
		check_copy(w, !i);
	assert_int_equal(drain(w->ms, i, 0), 0); /* the journal is empty */
}

static void world_new(struct world *w)
{
	*w = (struct world){ .g = gateway_new() };
	memcpy(w->g->sip_ports, sip_ports, sizeof(sip_ports));
	w->g->sip_port_cnt = ARRAY_SIZE(sip_ports);
	assert_int_equal(matchset_new(sip_ports, ARRAY_SIZE(sip_ports), &w->ms), 0);
	copies[0].cnt = copies[1].cnt = 0;
}

static void world_done(struct world *w)
{
	for (unsigned s = 0; s < TRUNKS; s++)
		trunk_free(w->trunks[s]);
	matchset_free(w->ms);
	gateway_free(w->g);
}

static void test_random(void **state)
{
	struct world w;

	(void)state;
	world_new(&w);
	for (int i = 0; i < ROUNDS; i++) {
		if (dice(4))
			step_change(&w);
		else
			step_drain(&w);
		if (i % 4 == 0)
			check_lookups(&w);
	}
	for (uint32_t s = 0; s < TRUNKS; s++) {
		if (w.trunks[s])
			assert_int_equal(matchset_remove(w.ms, s, w.trunks[s]), 0);
	}
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(drain(w.ms, i, -1), 0);
		assert_int_equal(copies[i].cnt, 0);
	}
	assert_int_equal(matchset_ports(w.ms)[5060 / 64], 0);
	world_done(&w);
}

/* Numbers do come back: a gateway whose trunks change for years does not run out of them. */
static void test_numbers_come_back(void **state)
{
	struct world w;

	(void)state;
	world_new(&w);
	for (int i = 0; i < 2000; i++) {
		step_change(&w);
		drain(w.ms, 0, -1);
		drain(w.ms, 1, -1);
	}
	assert_true(w.ms->next_number < 100);
	assert_null(w.ms->resting);
	world_done(&w);
}

static struct trunk *trunk_of(const char *carrier, uint16_t port, const char *core)
{
	struct trunk *t = trunk_new();

	t->carrier_peers = calloc(1, sizeof(struct peer));
	t->core_peers = calloc(1, sizeof(struct peer));
	t->carrier_peers[t->carrier_cnt++] = parse(carrier, port);
	if (core)
		t->core_peers[t->core_cnt++] = parse(core, 0);
	return t;
}

/* What is refused leaves no trace, and names the trunk that is in the way. */
static void test_refused(void **state)
{
	struct trunk *a = trunk_of("203.0.113.10", 0, "10.0.0.0/24"), *b = trunk_of("203.0.113.10", 5080, "10.0.0.0/24");
	struct trunk *c = trunk_of("203.0.113.10", 6000, "10.0.0.0/24");
	uint32_t other = 99;
	struct world w;

	(void)state;
	world_new(&w);
	assert_int_equal(matchset_add(w.ms, SIPSEAL_TRUNKS_MAX, a, &other), -E2BIG);
	assert_int_equal(matchset_add(w.ms, 7, a, &other), 0);
	assert_int_equal(drain(w.ms, 0, -1), 0);
	assert_int_equal(matchset_add(w.ms, 8, b, &other), -EEXIST);
	assert_int_equal(other, 7);
	assert_int_equal(drain(w.ms, 0, 0), 0); /* nobody is told anything */
	assert_int_equal(matchset_add(w.ms, 8, c, &other), 0); /* now the address is mixed */
	assert_int_equal(matchset_add(w.ms, 9, b, &other), -EEXIST);
	assert_int_equal(other, 7);
	assert_int_equal(matchset_remove(w.ms, 7, a), 0);
	assert_int_equal(matchset_add(w.ms, 9, b, &other), 0);
	assert_int_equal(matchset_lookup(w.ms, b->carrier_peers->addr, 0, b->core_peers->addr), 8);
	assert_int_equal(matchset_remove(w.ms, 8, c), 0);
	assert_int_equal(matchset_lookup(w.ms, b->carrier_peers->addr, 0, b->core_peers->addr), 9);
	assert_int_equal(matchset_size(w.ms).cores, 1); /* one group again */
	trunk_free(a);
	trunk_free(b);
	trunk_free(c);
	world_done(&w);
}

/* Only max_cps changes: one key is told, with the new interval. */
static void test_limit_changes(void **state)
{
	struct trunk *a = trunk_of("203.0.113.10", 0, "10.0.0.0/24"), *b = trunk_of("203.0.113.10", 0, "10.1.0.0/24");
	uint32_t other;
	struct world w;

	(void)state;
	world_new(&w);
	assert_int_equal(matchset_add(w.ms, 1, a, &other), 0);
	assert_int_equal(matchset_add(w.ms, 2, b, &other), 0);
	assert_int_equal(drain(w.ms, 1, -1), 0);
	assert_int_equal(matchset_remove(w.ms, 2, b), 0);
	b->max_cps = 50;
	assert_int_equal(matchset_add(w.ms, 2, b, &other), 0);
	assert_int_equal(drain(w.ms, 1, -1), 0);
	assert_int_equal(copies[1].told_cnt, 1);
	assert_int_equal(((struct sipseal_core_value *)row_find(copies[1].rows, copies[1].cnt, 2, copies[1].told[0].key,
								24)->value)->interval_ns, 20000000);
	trunk_free(a);
	trunk_free(b);
	world_done(&w);
}

/* Only the verification changes: one key is told, with the new flags. */
static void test_verification_changes(void **state)
{
	static const struct { bool is_enabled; unsigned wait_ms; uint32_t flags; } steps[] = {
		{ true, 400, SIPSEAL_CORE_F_VERIFY | SIPSEAL_CORE_F_CANCEL },
		{ true, 0, SIPSEAL_CORE_F_VERIFY },
		{ true, 1, SIPSEAL_CORE_F_VERIFY | SIPSEAL_CORE_F_CANCEL },
		{ false, 400, 0 },
	};
	struct trunk *a = trunk_of("203.0.113.10", 0, "10.0.0.0/24"), *b = trunk_of("203.0.113.10", 0, "10.1.0.0/24");
	const struct sipseal_core_value *v;
	uint32_t other;
	struct world w;

	(void)state;
	world_new(&w);
	assert_int_equal(matchset_add(w.ms, 1, a, &other), 0);
	assert_int_equal(matchset_add(w.ms, 2, b, &other), 0);
	assert_int_equal(drain(w.ms, 1, -1), 0);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		assert_int_equal(matchset_remove(w.ms, 2, b), 0);
		b->verification.is_enabled = steps[i].is_enabled;
		b->verification.wait_ms = steps[i].wait_ms;
		assert_int_equal(matchset_add(w.ms, 2, b, &other), 0);
		assert_int_equal(drain(w.ms, 1, -1), 0);
		assert_int_equal(copies[1].told_cnt, 1);
		v = (void *)row_find(copies[1].rows, copies[1].cnt, 2, copies[1].told[0].key, 24)->value;
		assert_int_equal(v->slot, 2);
		assert_int_equal(v->flags, steps[i].flags);
	}
	trunk_free(a);
	trunk_free(b);
	world_done(&w);
}

/* Each word of a value counts: a row that stays and gets another one is told, and only then. */
static void test_values_compared(void **state)
{
	static const struct { struct sipseal_core_value value; size_t told; } steps[] = {
		{ { 1, 10, 0 }, 1 }, { { 1, 10, 0 }, 0 }, { { 1, 10, SIPSEAL_CORE_F_VERIFY }, 1 },
		{ { 1, 11, SIPSEAL_CORE_F_VERIFY }, 1 }, { { 2, 11, SIPSEAL_CORE_F_VERIFY }, 1 },
		{ { 2, 11, SIPSEAL_CORE_F_VERIFY }, 0 }, { { 2, 11, SIPSEAL_CORE_F_CANCEL }, 1 },
	};
	const struct matchset_sink sink = { put_peer, put_prefix, put_core, &copies[0] };
	const union matchrow_key key = { .core = { .prefixlen = MATCHROWS_KEY_BITS } };
	struct matchrows *rows = calloc(1, sizeof(*rows));
	struct matchrow *row = matchrows_get(rows, MATCHROWS_CORES, &key);

	(void)state;
	memset(copies, 0, sizeof(copies));
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		matchrows_set(rows, row, (union matchrow_value){ .core = steps[i].value });
		copies[0].told_cnt = 0;
		copies[0].fail_after = -1;
		assert_int_equal(matchrows_drain(rows, 0, &sink), 0);
		assert_int_equal(copies[0].told_cnt, steps[i].told);
		assert_memory_equal(copies[0].rows[0].value, &steps[i].value, sizeof(steps[i].value));
	}
	matchrows_done(rows);
	free(rows);
}

static double ms_since(const struct timespec *t0)
{
	struct timespec t1;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t1);
	return (t1.tv_sec - t0->tv_sec) * 1e3 + (t1.tv_nsec - t0->tv_nsec) / 1e6;
}

/* 100,000 trunks behind one carrier: one more costs what it costs among ten, and so does its removal. */
#define MANY 100000

static double changes_ms(struct matchset *ms, uint32_t first)
{
	struct trunk *t = trunk_of("203.0.113.10", 0, "11.0.0.1");
	struct timespec t0;
	uint32_t other;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0);
	for (uint32_t i = 0; i < 2000; i++) {
		assert_int_equal(matchset_add(ms, first, t, &other), 0);
		assert_int_equal(matchset_remove(ms, first, t), 0);
	}
	trunk_free(t);
	return ms_since(&t0);
}

static void test_many(void **state)
{
	struct world w;
	struct timespec t0;
	uint32_t other;
	double few = 0, many, load;
	struct trunk *t;
	char core[32];

	(void)state;
	world_new(&w);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0);
	for (uint32_t i = 0; i < MANY; i++) {
		snprintf(core, sizeof(core), "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
		t = trunk_of("203.0.113.10", 0, core);
		assert_int_equal(matchset_add(w.ms, i, t, &other), 0);
		trunk_free(t);
		if (i == 9)
			few = changes_ms(w.ms, MANY);
	}
	load = ms_since(&t0) - few;
	many = changes_ms(w.ms, MANY);
	print_message("%d trunks of one carrier added in %.0f ms; 2000 changes among 10: %.1f ms, among all: %.1f ms\n",
		      MANY, load, few, many);
	assert_true(many < few * 20 + 100); /* were it all trunks: a factor of 10,000 */
	assert_int_equal(matchset_size(w.ms).cores, MANY);

	t = trunk_of("203.0.113.10", 7000, NULL); /* mixed: once all of them, then only its own again */
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0);
	assert_int_equal(matchset_add(w.ms, MANY + 1, t, &other), 0);
	print_message("to a group per port: %.0f ms\n", ms_since(&t0));
	assert_int_equal(matchset_size(w.ms).cores, 3 * MANY + 2);
	many = changes_ms(w.ms, MANY);
	assert_true(many < few * 20 + 100);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0);
	assert_int_equal(matchset_remove(w.ms, MANY + 1, t), 0);
	print_message("and back: %.0f ms\n", ms_since(&t0));
	assert_int_equal(matchset_size(w.ms).cores, MANY);
	trunk_free(t);
	world_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_numbers_come_back),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_limit_changes),
		cmocka_unit_test(test_verification_changes),
		cmocka_unit_test(test_values_compared),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests_name("trunk/matchset", tests, NULL, NULL);
}
