/* SPDX-License-Identifier: BSD-2-Clause */
/* source: pairs of verdicts and wants come while workers run; none is unmapped under a worker's hands. */
#include "guard.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "signer/source.h"
#include "signer/sources.h"

#define SEALED (F_SEAL_SHRINK | F_SEAL_GROW)

enum { GOOD, SHORT_FILE, NOT_SEALED, ZEROES, PIPE };

/* What may be wrong with a pair. */
static const struct {
	const char *name;
	int region, wants;             /* which file */
	int64_t region_more, wants_more; /* what the message says beyond the size */
	uint32_t workers;
	int ret;
} pairs[] = {
	{ "region too short", SHORT_FILE, GOOD, 0, 0, 2, -EINVAL },
	{ "region that can shrink", NOT_SEALED, GOOD, 0, 0, 2, -EINVAL },
	{ "region that is none", ZEROES, GOOD, 0, 0, 2, -EBADMSG },
	{ "region that is no file", PIPE, GOOD, 0, 0, 2, -EINVAL },
	{ "region said to be longer than it is", GOOD, GOOD, 1, 0, 2, -EINVAL },
	{ "region said to be shorter", GOOD, GOOD, -1, 0, 2, -EINVAL },
	{ "wants too short", GOOD, SHORT_FILE, 0, 0, 2, -EINVAL },
	{ "wants that can shrink", GOOD, NOT_SEALED, 0, 0, 2, -EINVAL },
	{ "wants that are no file", GOOD, PIPE, 0, 0, 2, -EINVAL },
	{ "wants of fewer workers", GOOD, GOOD, 0, 0, 3, -EINVAL },
	{ "wants said to be shorter", GOOD, GOOD, 0, -1, 2, -EINVAL },
	{ "good", GOOD, GOOD, 0, 0, 2, 0 },
	{ "good, more workers than needed", GOOD, GOOD, 0, 0, 1, 0 },
};

static int file_of(int kind, bool is_region)
{
	uint64_t len = is_region ? verdict_region_size() : 2 * sizeof(struct verdict_wants);
	int fds[2];

	switch (kind) {
	case SHORT_FILE:
		return source_file(len - 1, SEALED);
	case NOT_SEALED:
		return source_file(len, F_SEAL_GROW);
	case ZEROES:
		return source_file(len, SEALED);
	case PIPE:
		assert_int_equal(pipe(fds), 0);
		close(fds[1]);
		return fds[0];
	default:
		return is_region ? source_region(NULL) : source_wants(2);
	}
}

static void test_pairs(void **state)
{
	struct sources s = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		int fds[2] = { file_of(pairs[i].region, true), file_of(pairs[i].wants, false) };
		char text[200] = "";
		const struct source *before = s.current;
		int r = sources_take(&s, fds, verdict_region_size() + (uint64_t)pairs[i].region_more,
				     2 * sizeof(struct verdict_wants) + (uint64_t)pairs[i].wants_more,
				     pairs[i].workers, NULL, 0, text);

		if (r != pairs[i].ret || !text[0] != !r)
			fail_msg("%s: returns %d, text '%s'", pairs[i].name, r, text);
		if ((s.current != before) != (r == 0))
			fail_msg("%s: published %d", pairs[i].name, s.current != before);
		if (r == 0 && (verdict_region_check(s.current->region, s.current->region_len) < 0 ||
			       s.current->wants[pairs[i].workers - 1].head))
			fail_msg("%s: not mapped", pairs[i].name);
		close(fds[0]); /* the mapping stays */
		close(fds[1]);
	}
	sources_done(&s);
	assert_null(s.current);
	sources_done(&s);
}

static int take(struct sources *s, source_ptr *const *noted, unsigned running)
{
	int fds[2] = { source_region(NULL), source_wants(2) };
	char text[200];
	int r = sources_take(s, fds, verdict_region_size(), 2 * sizeof(struct verdict_wants), 2, noted, running,
			     text);

	close(fds[0]);
	close(fds[1]);
	return r;
}

static bool is_mapped(const void *p)
{
	unsigned char v;

	return mincore((void *)((uintptr_t)p & ~4095ul), 4096, &v) == 0;
}

/* The former pair stays until all have taken the current one. */
static void test_order(void **state)
{
	source_ptr a = NULL, b = NULL;
	source_ptr *const noted[2] = { &a, &b };
	const struct verdict_region *first, *second;
	struct sources s = { 0 };

	(void)state;
	assert_int_equal(take(&s, noted, 2), 0);
	source_follow(&s.current, &a);
	first = s.current->region;
	/* the second may come before all have the first: nothing has to go */
	assert_int_equal(take(&s, noted, 2), 0);
	second = s.current->region;
	assert_ptr_equal(a->region, first);
	assert_int_equal(take(&s, noted, 2), -EAGAIN);
	source_follow(&s.current, &b);
	assert_int_equal(take(&s, noted, 2), -EAGAIN); /* a has not */
	assert_ptr_equal(s.current->region, second);
	assert_true(is_mapped(first) && verdict_region_check(a->region, a->region_len) == 0);
	assert_ptr_equal(source_follow(&s.current, &a), s.current);
	assert_int_equal(take(&s, noted, 2), 0);
	assert_ptr_equal(a->region, second);
	assert_true(is_mapped(second) && verdict_region_check(a->region, a->region_len) == 0);
	assert_int_equal(take(&s, noted, 2), -EAGAIN);
	assert_int_equal(take(&s, noted, 0), 0); /* none runs any more */
	second = s.current->region;
	sources_done(&s);
	assert_false(is_mapped(second));
}

/* ---- threads ---- */

#define WORKERS 2
#define PAIRS 150

struct reader {
	struct sources *s;
	source_ptr noted;
	unsigned index, pairs, broken;
	_Atomic bool is_over;
};

static void *follow(void *arg)
{
	struct reader *me = arg;
	const struct source *last = NULL;
	struct verdict v;

	while (!me->is_over) {
		const struct source *s = source_follow(&me->s->current, &me->noted);

		if (!s)
			continue;
		me->pairs += s != last;
		last = s;
		for (unsigned i = 0; i < 20; i++) {
			me->broken += verdict_region_check(s->region, s->region_len) < 0;
			verdict_find(s->region, SLICE("https://x"), 0, &v);
			verdict_ask(&s->wants[me->index], 1, SLICE("https://x"), 0);
		}
	}
	return NULL;
}

static void test_threads(void **state)
{
	struct reader r[WORKERS];
	source_ptr *const noted[WORKERS] = { &r[0].noted, &r[1].noted };
	struct sources s = { 0 };
	pthread_t threads[WORKERS];
	unsigned again = 0;

	(void)state;
	for (unsigned i = 0; i < WORKERS; i++) {
		r[i] = (struct reader){ .s = &s, .index = i };
		assert_int_equal(pthread_create(&threads[i], NULL, follow, &r[i]), 0);
	}
	for (unsigned n = 0; n < PAIRS;) {
		int e = take(&s, noted, WORKERS);

		assert_true(e == 0 || e == -EAGAIN);
		n += e == 0;
		again += e == -EAGAIN;
		assert_true(again < 1000000);
	}
	for (unsigned i = 0; i < WORKERS; i++) {
		r[i].is_over = true;
		pthread_join(threads[i], NULL);
		assert_int_equal(r[i].broken, 0);
		assert_true(r[i].pairs >= PAIRS / 2);
	}
	sources_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests_name("source", tests, NULL, NULL);
}
