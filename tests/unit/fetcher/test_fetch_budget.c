/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard.h"

#include <errno.h>
#include <stdio.h>

#include "fetcher/fetch_budget.h"

#define S 1000000000ull

static uint64_t now = 1000 * S;

static const struct fetch_result good = { .status = 200 }, bad = { .error = -ETIMEDOUT, .text = "too slow" },
				 missing = { .error = -EPROTO, .status = 404, .text = "HTTP status 404" };

static int take(struct budget *b, const char *host, uint32_t trunk, struct budget_ticket *k, const char *want)
{
	struct budget_ticket before = *k;
	const char *why = NULL;
	int r = budget_take(b, host, trunk, now, k, &why);

	if (r < 0 && memcmp(&before, k, sizeof(before)) != 0)
		fail_msg("%s: output touched on failure", host);
	if ((r < 0) != (want != NULL) || (want && !strstr(why, want)))
		fail_msg("%s of %u: %d (%s), want %s", host, trunk, r, why ? why : "", want ? want : "success");
	return r;
}

/* One that goes at once. */
static void pass(struct budget *b, const char *host, uint32_t trunk, const struct fetch_result *r)
{
	struct budget_ticket k = { 0 };

	take(b, host, trunk, &k, NULL);
	budget_give(b, &k, r);
}

static const char *host_of(unsigned i)
{
	static char name[32];

	snprintf(name, sizeof(name), "h%u.example", i);
	return name;
}

static void test_host_parallel(void **state)
{
	CLEANUP(budget_freep) struct budget *b = NULL;
	struct budget_ticket k[FETCH_HOST_MAX + 1] = { 0 };

	(void)state;
	assert_int_equal(budget_new(&b), 0);
	for (unsigned i = 0; i < FETCH_HOST_MAX; i++)
		take(b, "a.example", i, &k[i], NULL);
	take(b, "a.example", 77, &k[FETCH_HOST_MAX], "at a time of this host");
	take(b, "b.example", 77, &k[FETCH_HOST_MAX], NULL);
	budget_give(b, &k[0], &bad);
	take(b, "a.example", 77, &k[0], NULL);
	take(b, "a.example", 77, &k[0], "at a time of this host");
}

/* Who makes up paths of a host that all use: places are left to the others, and the bucket fills faster than he can
 * empty it. */
static void test_host_shared(void **state)
{
	CLEANUP(budget_freep) struct budget *b = NULL;
	struct budget_ticket k[FETCH_HOST_MAX + 1] = { 0 };
	const char *why;
	unsigned i;

	(void)state;
	assert_int_equal(budget_new(&b), 0);
	pass(b, "a.example", 1, &good);
	for (i = 0; i < BUDGET_TRUNK_HOST; i++)
		take(b, "a.example", 7, &k[i], NULL);
	take(b, "a.example", 7, &k[i], "for one trunk");
	for (; i < FETCH_HOST_MAX; i++)
		take(b, "a.example", 8, &k[i], NULL);
	take(b, "a.example", 9, &k[i], "at a time of this host");
	take(b, "a.example", BUDGET_OURS, &k[i], NULL);
	budget_give(b, &k[i], &good);
	budget_give(b, &k[0], &missing);
	take(b, "a.example", 7, &k[0], NULL);
	for (i = 0; i < FETCH_HOST_MAX; i++)
		budget_give(b, &k[i], &missing);
	for (i = 0; i < 20000; i++, now += S / 1000) {
		if (budget_take(b, "a.example", 7, now, &k[0], &why) == 0)
			budget_give(b, &k[0], &missing);
		if (i % 200 == 0)
			pass(b, "a.example", 8, &good);
	}
}

static void test_host_rate(void **state)
{
	CLEANUP(budget_freep) struct budget *b = NULL;
	struct budget_ticket k = { 0 };

	(void)state;
	assert_int_equal(budget_new(&b), 0);
	for (unsigned i = 0; i < BUDGET_HOST_BURST; i++)
		pass(b, "a.example", i, &good);
	take(b, "a.example", 99, &k, "per second of this host");
	now += S / FETCH_HOST_RATE - 1;
	take(b, "a.example", 99, &k, "per second of this host");
	now += 1;
	pass(b, "a.example", 99, &good);
	take(b, "a.example", 99, &k, "per second of this host");
	now += 3600 * S; /* the bucket does not grow */
	for (unsigned i = 0; i < BUDGET_HOST_BURST; i++)
		pass(b, "a.example", i, &good);
	take(b, "a.example", 99, &k, "per second of this host");
}

/* Strangers empty their part of a trunk's bucket; a host that answers still has its own. */
static void test_trunk_rate(void **state)
{
	CLEANUP(budget_freep) struct budget *b = NULL;
	struct budget_ticket k = { 0 };
	unsigned i;

	(void)state;
	assert_int_equal(budget_new(&b), 0);
	pass(b, "known.example", 1, &good); /* on another trunk */
	for (i = 0; i < BUDGET_BURST - BUDGET_BURST_SPARE; i++)
		pass(b, host_of(i), 7, &bad);
	take(b, "new.example", 7, &k, "per second of this trunk");
	pass(b, "new.example", 8, &bad);
	for (i = 0; i < BUDGET_BURST_SPARE; i++)
		pass(b, "known.example", 7, &missing); /* an answer all the same */
	take(b, "known.example", 7, &k, "per second of this trunk");
	now += S / FETCH_TRUNK_RATE;
	take(b, "new.example", 7, &k, "per second of this trunk");
	pass(b, "known.example", 7, &bad);
	now += S / FETCH_TRUNK_RATE;
	take(b, "known.example", 7, &k, "per second of this trunk"); /* it hung once: a stranger again */
	pass(b, "known.example", BUDGET_OURS, &good); /* ours has no bucket */
}

static void test_trunk_parallel(void **state)
{
	CLEANUP(budget_freep) struct budget *b = NULL;
	struct budget_ticket k[BUDGET_TRUNK_MAX + 1] = { 0 };

	(void)state;
	assert_int_equal(budget_new(&b), 0);
	pass(b, "known.example", 1, &good);
	for (unsigned i = 0; i < BUDGET_TRUNK_MAX; i++)
		take(b, host_of(i), 7, &k[i], NULL);
	take(b, "new.example", 7, &k[BUDGET_TRUNK_MAX], "at a time of this trunk");
	take(b, "known.example", 7, &k[BUDGET_TRUNK_MAX], NULL);
	budget_give(b, &k[BUDGET_TRUNK_MAX], &bad); /* it was known when it began: strangers are as many as before */
	take(b, "new.example", 7, &k[BUDGET_TRUNK_MAX], "at a time of this trunk");
	budget_drop(b, &k[0]);
	take(b, "new.example", 7, &k[0], NULL);
	take(b, "newer.example", 7, &k[BUDGET_TRUNK_MAX], "at a time of this trunk");
}

/* Known hosts that hang now, all at once for one trunk: the others have places. */
static void test_trunk_all(void **state)
{
	CLEANUP(budget_freep) struct budget *b = NULL;
	struct budget_ticket k[BUDGET_TRUNK_ALL + 1] = { 0 };

	(void)state;
	assert_int_equal(budget_new(&b), 0);
	for (unsigned i = 0; i <= BUDGET_TRUNK_ALL; i++)
		pass(b, host_of(i), 1000 + i, &good);
	for (unsigned i = 0; i < BUDGET_TRUNK_ALL; i++)
		take(b, host_of(i), 7, &k[i], NULL);
	take(b, host_of(BUDGET_TRUNK_ALL), 7, &k[BUDGET_TRUNK_ALL], "at a time of this trunk");
	take(b, host_of(BUDGET_TRUNK_ALL), 8, &k[BUDGET_TRUNK_ALL], NULL);
	budget_give(b, &k[0], &bad);
	take(b, host_of(1), 7, &k[0], NULL);
}

/* Strangers of many trunks, then known hosts, then our own: each finds its spare places. */
static void test_parallel(void **state)
{
	CLEANUP(budget_freep) struct budget *b = NULL;
	struct budget_ticket k[FETCH_PARALLEL_MAX + 1] = { 0 };
	unsigned strangers = FETCH_PARALLEL_MAX - BUDGET_KNOWN_SPARE - BUDGET_OURS_SPARE, n = 0;

	(void)state;
	assert_int_equal(budget_new(&b), 0);
	for (unsigned i = 100; i < 105; i++)
		pass(b, host_of(i), i, &good);
	for (; n < strangers; n++)
		take(b, host_of(n), n, &k[n], NULL);
	take(b, "new.example", 77, &k[n], "too many fetches at a time");
	for (unsigned i = 0; i < BUDGET_KNOWN_SPARE; i++, n++)
		take(b, host_of(100 + i / 2), n, &k[n], NULL);
	take(b, host_of(104), 77, &k[n], "too many fetches at a time");
	for (unsigned i = 0; i < BUDGET_OURS_SPARE; i++, n++)
		take(b, "crl.example", BUDGET_OURS, &k[n], NULL);
	take(b, "crl.example", BUDGET_OURS, &k[n], "too many fetches at a time");
	assert_int_equal(n, FETCH_PARALLEL_MAX);
	while (n)
		budget_give(b, &k[--n], &bad);
	take(b, "new.example", 77, &k[0], NULL);
}

static void test_hung(void **state)
{
	CLEANUP(budget_freep) struct budget *b = NULL;
	struct budget_ticket k = { 0 };
	unsigned i;

	(void)state;
	assert_int_equal(budget_new(&b), 0);
	pass(b, "known.example", 1, &good);
	for (i = 0; i < BUDGET_HUNG_MAX * 3 / 4; i++)
		budget_hung(b, now);
	take(b, "new.example", 7, &k, "look-ups");
	pass(b, "known.example", 7, &good);
	for (; i < BUDGET_HUNG_MAX; i++)
		budget_hung(b, now);
	take(b, "known.example", 7, &k, "look-ups");
	pass(b, "crl.example", BUDGET_OURS, &good);
	now += BUDGET_HUNG_NS - 1;
	take(b, "known.example", 7, &k, "look-ups");
	now++;
	pass(b, "new.example", 7, &good);
}

static bool is_listed(const struct budget *b, const char *host)
{
	static struct fetch_host all[BUDGET_HOSTS_MAX + 1];
	unsigned cnt = budget_hosts(b, all, BUDGET_HOSTS_MAX + 1);

	assert_true(cnt <= BUDGET_HOSTS_MAX);
	for (unsigned i = 0; i < cnt; i++)
		if (strcmp(all[i].host, host) == 0)
			return true;
	return false;
}

/* More hosts and trunks than there are places: strangers give way, the oldest first; what is under way stays. */
static void test_bounded(void **state)
{
	CLEANUP(budget_freep) struct budget *b = NULL;
	struct budget_ticket k = { 0 };

	(void)state;
	assert_int_equal(budget_new(&b), 0);
	take(b, "active.example", 5, &k, NULL);
	now += S;
	pass(b, "known.example", 5, &good);
	for (unsigned i = 0; i < 3 * BUDGET_TRUNKS_MAX; i++) {
		now += S;
		pass(b, host_of(i), 100 + i, &bad);
		if (i == BUDGET_HOSTS_MAX - 3)
			assert_true(is_listed(b, "h0.example"));
		if (i == BUDGET_HOSTS_MAX - 2)
			assert_false(is_listed(b, "h0.example"));
	}
	assert_true(is_listed(b, "known.example"));
	assert_true(is_listed(b, host_of(3 * BUDGET_TRUNKS_MAX - 1)));
	assert_true(is_listed(b, host_of(3 * BUDGET_TRUNKS_MAX - BUDGET_HOSTS_MAX + 2)));
	budget_give(b, &k, &bad); /* its places were not given to others */
	assert_true(is_listed(b, "active.example"));
}

static void test_hosts(void **state)
{
	CLEANUP(budget_freep) struct budget *b = NULL;
	struct fetch_host h[4];
	struct budget_ticket k = { 0 };

	(void)state;
	assert_int_equal(budget_new(&b), 0);
	pass(b, "b.example", 1, &bad);
	pass(b, "c.example", 1, &bad);
	pass(b, "c.example", 1, &missing);
	pass(b, "a.example", 1, &bad);
	pass(b, "z.example", 1, &good);
	take(b, "never-ended.example", 1, &k, NULL);
	assert_int_equal(budget_hosts(b, h, 4), 4);
	assert_string_equal(h[0].host, "c.example");
	assert_string_equal(h[0].last_error, "HTTP status 404");
	assert_int_equal(h[0].failed, 2);
	assert_string_equal(h[1].host, "a.example");
	assert_string_equal(h[2].host, "b.example");
	assert_string_equal(h[3].host, "z.example");
	assert_int_equal(h[3].ok, 1);
	assert_int_equal(h[3].failed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_host_parallel), cmocka_unit_test(test_host_shared),
		cmocka_unit_test(test_trunk_all),     cmocka_unit_test(test_host_rate),
		cmocka_unit_test(test_trunk_rate),    cmocka_unit_test(test_trunk_parallel),
		cmocka_unit_test(test_parallel),      cmocka_unit_test(test_hung),
		cmocka_unit_test(test_bounded),       cmocka_unit_test(test_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
