/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verdict: a writer and readers at the same time, and regions that somebody scribbles into.
 */
#include "verdict_world.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

/* ---- honest writer ---- */

#define HOT     4      /* URLs that are always known, and refreshed all the time */
#define COLD    300    /* URLs that come and go: their entries are used again */
#define ROUNDS  10000
#define READERS 2

struct race {
	struct world w;
	_Atomic bool is_over;
};

struct reader {
	struct race *race;
	unsigned looks, good, bad, missed_hot, wrong;
};

/* Which version a verdict is, from its end: not_after is expires_at + n. */
static bool is_whole(const struct verdict *v)
{
	unsigned n = (unsigned)(v->kind == VERDICT_GOOD ? v->not_after - v->expires_at :
							  v->expires_at - NOW - 1);
	struct verdict want = v->kind == VERDICT_GOOD ? good_of(n, NOW, NOW + 1) :
							bad_of(n, NOW, NOW + 1 + n);

	return verdict_same(v, &want);
}

static void *read_all(void *arg)
{
	struct reader *r = arg;
	uint64_t random = (uintptr_t)r;

	while (!r->race->is_over) {
		unsigned n = next_number(&random) % 2 ? next_number(&random) % HOT :
							HOT + next_number(&random) % COLD;
		char buf[URL_CAP];
		struct verdict v;
		enum verdict_kind kind = verdict_find(r->race->w.r, url_of(buf, n), NOW, &v);

		r->looks++;
		r->good += kind == VERDICT_GOOD;
		r->bad += kind == VERDICT_BAD;
		r->missed_hot += n < HOT && kind == VERDICT_UNKNOWN;
		/* version k * 1000 + n is only ever of URL n */
		if (kind && (!is_whole(&v) || v.kind != kind))
			r->wrong++;
		else if (kind == VERDICT_GOOD && (v.not_after - v.expires_at) % 1000 != n)
			r->wrong++;
		else if (kind == VERDICT_BAD && (v.expires_at - NOW - 1) % 1000 != n)
			r->wrong++;
	}
	return NULL;
}

static void write_one(struct world *w, unsigned n, unsigned version, unsigned what)
{
	struct verdict good = good_of(version * 1000 + n, NOW, NOW + 1);
	struct verdict bad = bad_of(version * 1000 + n, NOW, NOW + 1 + version * 1000 + n);
	char buf[URL_CAP];
	struct slice url = url_of(buf, n);

	if (what == 0)
		verdict_drop(w->w, url);
	else if (what == 1)
		assert_int_equal(verdict_put(w->w, url, &bad), 0);
	else
		assert_int_equal(verdict_put(w->w, url, &good), 0);
}

static void test_readers(void **state)
{
	static struct race race;
	struct reader readers[READERS];
	pthread_t threads[READERS];
	uint64_t random = 99;
	unsigned found = 0;

	(void)state;
	race.w = world_new();
	for (unsigned n = 0; n < HOT; n++)
		write_one(&race.w, n, 0, 2);
	for (unsigned i = 0; i < READERS; i++) {
		readers[i] = (struct reader){ .race = &race };
		assert_int_equal(pthread_create(&threads[i], NULL, read_all, &readers[i]), 0);
	}
	for (unsigned round = 1; round <= ROUNDS; round++) {
		write_one(&race.w, round % HOT, round, 2);
		write_one(&race.w, HOT + next_number(&random) % COLD, round, next_number(&random) % 3);
		if (round % 8 == 0)
			sched_yield();
	}
	race.is_over = true;
	for (unsigned i = 0; i < READERS; i++) {
		struct reader *r = &readers[i];

		pthread_join(threads[i], NULL);
		print_message("%u looks: %u good, %u bad, %u missed while refreshed\n", r->looks, r->good,
			      r->bad, r->missed_hot);
		if (r->wrong)
			fail_msg("%u verdicts are mixed or of another URL", r->wrong);
		found += r->good;
	}
	assert_true(found > 0);
	world_free(&race.w);
}

/* One URL is refreshed; in between the writer itself looks 20 times, so that one look in 20 or so is disturbed
 * if both really run at once.  That a look is disturbed twice and more is rare. */
static void *refresh_one(void *arg)
{
	struct race *race = arg;
	struct verdict v = good_of(VERDICT_RANGES_MAX, NOW, NOW + 1);
	char buf[URL_CAP];
	struct slice url = url_of(buf, 1);
	struct verdict out;

	for (unsigned round = 0; round < 5000; round++) {
		assert_int_equal(verdict_put(race->w.w, url, &v), 0);
		for (unsigned i = 0; i < 20; i++)
			assert_int_equal(verdict_find(race->w.r, url, NOW, &out), VERDICT_GOOD);
	}
	race->is_over = true;
	return NULL;
}

static void test_never_unknown(void **state)
{
	static struct race race;
	unsigned looks = 0, missed = 0;
	pthread_t writer;
	char buf[URL_CAP];
	struct slice url = url_of(buf, 1);
	struct verdict_table t;
	char body[VERDICT_BODY_MAX];
	uint64_t hash;

	(void)state;
	race.w = world_new();
	t = verdict_table_good(race.w.r);
	hash = verdict_hash(race.w.r, url);
	write_one(&race.w, 1, 1, 2);
	assert_int_equal(pthread_create(&writer, NULL, refresh_one, &race), 0);
	while (!race.is_over) {
		missed += !verdict_table_find(&t, hash, url, body);
		looks++;
	}
	pthread_join(writer, NULL);
	print_message("%u looks, %u missed\n", looks, missed);
	assert_true(missed <= 2); /* with one try: hundreds */
	world_free(&race.w);
}

/* ---- lying writer ---- */

/* What a caller relies on, said once more and in other words than the code. */
static void check_safe(enum verdict_kind kind, const struct verdict *v)
{
	assert_true(kind == VERDICT_GOOD || kind == VERDICT_BAD);
	assert_int_equal(v->kind, kind);
	assert_true(v->expires_at > NOW);
	if (kind == VERDICT_BAD) {
		assert_true(v->reason >= SR_XDP_MAX && v->reason < SR_MAX);
		assert_true(v->code == 436 || v->code == 437);
		return;
	}
	assert_true(v->range_cnt <= VERDICT_RANGES_MAX && v->must_cnt <= VERDICT_NAMES_MAX &&
		    v->never_cnt <= VERDICT_NAMES_MAX);
	assert_non_null(memchr(v->spc, 0, sizeof(v->spc)));
	assert_non_null(memchr(v->subject, 0, sizeof(v->subject)));
	for (unsigned i = 0; i < VERDICT_RANGES_MAX; i++) {
		assert_non_null(memchr(v->ranges[i].first, 0, 16));
		assert_non_null(memchr(v->ranges[i].last, 0, 16));
		assert_true(strlen(v->ranges[i].first) == strlen(v->ranges[i].last));
	}
	for (unsigned i = 0; i < VERDICT_NAMES_MAX; i++) {
		assert_non_null(memchr(v->must[i], 0, VERDICT_NAME_LEN));
		assert_non_null(memchr(v->never[i], 0, VERDICT_NAME_LEN));
	}
}

static unsigned find_safe(const struct verdict_region *r, struct slice url)
{
	struct verdict v;
	enum verdict_kind kind = verdict_find(r, url, NOW, &v);

	if (kind != VERDICT_UNKNOWN)
		check_safe(kind, &v);
	return kind != VERDICT_UNKNOWN;
}

/* All of it is noise, and then all tags lead somewhere.  On the heap: a byte too far is noticed. */
static void test_noise(void **state)
{
	size_t words = verdict_region_size() / 8;
	uint64_t *noise = malloc(words * 8), random = 5;
	struct verdict_region *r = (struct verdict_region *)(void *)noise;
	char buf[URL_CAP];

	(void)state;
	assert_non_null(noise);
	for (size_t i = 0; i < words; i++)
		noise[i] = next_number(&random);
	for (unsigned n = 0; n < 2000; n++) {
		struct slice url = url_of(buf, n);
		uint64_t hash = verdict_hash(r, url);
		uint32_t places[2];

		find_safe(r, url);
		for (unsigned k = 0; k < 2; k++) {
			struct verdict_table t = k ? verdict_table_bad(r) : verdict_table_good(r);

			verdict_places(&t, hash, places);
			for (unsigned i = 0; i < 2 * VERDICT_WAYS; i++)
				t.tags[places[i / VERDICT_WAYS] + i % VERDICT_WAYS] =
					(hash & ~VERDICT_TAG_ENTRY) | (i < 3 ? 0xffff - i : next_number(&random) & 0xffff);
		}
		find_safe(r, url);
	}
	memset(noise, 0xff, words * 8);
	for (unsigned n = 0; n < 1000; n++)
		assert_int_equal(find_safe(r, url_of(buf, n)), 0);
	memset(noise, 0, words * 8);
	for (unsigned n = 0; n < 1000; n++)
		assert_int_equal(find_safe(r, url_of(buf, n)), 0);
	free(noise);
}

#define LAST 20 /* entries of each table that are written to */

/* Bytes of valid entries change, at the end of both tables; some are still whole. */
static void test_mutation(void **state)
{
	struct verdict_region *r = calloc(1, verdict_region_size());
	CLEANUP(verdict_writer_freep) struct verdict_writer *w = NULL;
	unsigned found = 0, looks = 0;
	uint64_t random = 6;
	char buf[URL_CAP];

	(void)state;
	assert_non_null(r);
	assert_int_equal(verdict_writer_new(r, &w), 0);
	for (unsigned n = 0; n < 10000; n++) {
		bool is_bad = n % 2;
		struct verdict_table t = is_bad ? verdict_table_bad(r) : verdict_table_good(r);
		struct verdict v = is_bad ? bad_of(n, NOW, NOW + 5) : good_of(n, NOW, NOW + 5);
		struct slice url = url_of(buf, n % LAST);
		size_t words = VERDICT_AT_URL + VERDICT_WORDS(PASSPORT_X5U_MAX + t.body_max);
		uint32_t place = 0, index, last = t.entry_cnt - 1 - n % LAST;
		char *bytes = (char *)verdict_entry_at(&t, last);

		verdict_drop(w, url);
		assert_int_equal(verdict_put(w, url, &v), 0);
		index = entry_of(&t, verdict_hash(r, url), url, &place);
		assert_true(index != UINT32_MAX);
		memcpy(bytes, (char *)verdict_entry_at(&t, index), words * VERDICT_WORD);
		t.tags[place] = (t.tags[place] & ~VERDICT_TAG_ENTRY) | (last + 1);
		for (unsigned k = next_number(&random) % 4; k--;)
			bytes[next_number(&random) % (next_number(&random) % 2 ? 16 : 1200) % (words * VERDICT_WORD)] =
				(char)next_number(&random);
		found += find_safe(r, url);
		looks++;
		t.tags[place] = (t.tags[place] & ~VERDICT_TAG_ENTRY) | (index + 1);
	}
	print_message("%u of %u found\n", found, looks);
	assert_true(found > looks / 10 && found < looks);
	free(r);
}

/* What is scribbled into, and how it was before. */
struct scribbler {
	struct race race;
	struct world valid;
};

static void words_copy(_Atomic uint64_t *dst, const _Atomic uint64_t *src, size_t cnt)
{
	while (cnt--)
		*dst++ = *src++;
}

static void scribble_once(const struct verdict_table *t, uint64_t hash, unsigned n, uint64_t *random)
{
	_Atomic uint64_t *e = verdict_entry_at(t, n);
	uint32_t places[2];

	switch (next_number(random) % 4) {
	case 0: /* seq, lengths */
		e[next_number(random) % 2] = next_number(random) >> next_number(random) % 64;
		break;
	case 1:
		e[next_number(random) % 60] ^= 1ull << next_number(random) % 64;
		break;
	case 2:
		e[next_number(random) % 60] = next_number(random);
		break;
	default:
		verdict_places(t, hash, places);
		t->tags[places[next_number(random) % 2] + next_number(random) % VERDICT_WAYS] =
			(hash & ~VERDICT_TAG_ENTRY) |
			(next_number(random) % 2 ? n + 1 : next_number(random) & 0xffff);
	}
}

static void put_right(const struct scribbler *s, unsigned is_bad, const uint64_t hash[LAST])
{
	struct verdict_table valid = is_bad ? verdict_table_bad(s->valid.r) : verdict_table_good(s->valid.r);
	struct verdict_table t = is_bad ? verdict_table_bad(s->race.w.r) : verdict_table_good(s->race.w.r);
	uint32_t places[2];

	words_copy(t.entries, valid.entries, (size_t)(verdict_entry_at(&t, LAST) - t.entries));
	for (unsigned n = 0; n < LAST; n++) {
		verdict_places(&t, hash[n], places);
		words_copy(&t.tags[places[0]], &valid.tags[places[0]], VERDICT_WAYS);
		words_copy(&t.tags[places[1]], &valid.tags[places[1]], VERDICT_WAYS);
	}
}

static void *scribble(void *arg)
{
	struct scribbler *s = arg;
	struct verdict_table t[2] = { verdict_table_good(s->race.w.r), verdict_table_bad(s->race.w.r) };
	uint64_t random = 7, hash[LAST];
	char buf[URL_CAP];

	for (unsigned n = 0; n < LAST; n++)
		hash[n] = verdict_hash(s->race.w.r, url_of(buf, n));
	for (unsigned round = 0; round < 100000; round++) {
		unsigned n = next_number(&random) % LAST;

		scribble_once(&t[round % 2], hash[n], next_number(&random) % (LAST / 2), &random);
		if (round % 128 < 2)
			put_right(s, round % 2, hash);
		if (round % 16 == 0)
			sched_yield();
	}
	s->race.is_over = true;
	return NULL;
}

static void test_scribble(void **state)
{
	static struct scribbler s;
	unsigned found = 0, looks = 0;
	pthread_t writer;
	char buf[URL_CAP];

	(void)state;
	s.race.w = world_new();
	s.valid = world_new();
	words_copy(s.race.w.r->key, s.valid.r->key, 2);
	for (unsigned n = 0; n < LAST; n++) /* half of them in each table, from its first entry on */
		write_one(&s.valid, n, n, 2 - n % 2);
	assert_int_equal(pthread_create(&writer, NULL, scribble, &s), 0);
	while (!s.race.is_over) {
		found += find_safe(s.race.w.r, url_of(buf, looks % LAST));
		looks++;
	}
	pthread_join(writer, NULL);
	print_message("%u looks, %u found\n", looks, found);
	assert_true(found > 0);
	world_free(&s.race.w);
	world_free(&s.valid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_readers),
		cmocka_unit_test(test_never_unknown),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_mutation),
		cmocka_unit_test(test_scribble),
	};

	return cmocka_run_group_tests_name("verdict_race", tests, NULL, NULL);
}
