/* SPDX-License-Identifier: BSD-2-Clause */
/* replay: what hits, what misses, how long entries live, and that the store stays within its bound. */
#include "guard.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "signer/replay.h"

#define SECOND 1000000000ull

static const struct replay_flow flow = { .src = { [15] = 1 }, .dst = { [15] = 2 }, .src_port = 5060,
					 .dst_port = 5070, .trunk = 3 };

static struct replay *cache(size_t size)
{
	struct replay *r = NULL;

	assert_int_equal(replay_new(size, &r), 0);
	return r;
}

/* @text: valid as long as the key. */
static struct replay_key key_of(struct replay *r, const char *text)
{
	struct replay_key k;

	replay_key(r, &flow, slice_str(text), &k);
	return k;
}

/* one insertion of @len times @c at 10, and one deletion at 20 */
static void edits(struct sip_edits *e, char *buf, size_t len, char c)
{
	memset(buf, c, len);
	sip_edits_init(e);
	assert_int_equal(sip_edits_add(e, 10, 0, slice_of(buf, len)), 0);
	assert_int_equal(sip_edits_add(e, 20, 5, SLICE_NONE), 0);
	assert_int_equal(sip_edits_seal(e, 100, 65535), 0);
}

static void test_hit_is_byte_identical(void **state)
{
	struct replay *r = cache(REPLAY_SIZE);
	struct replay_key k = key_of(r, "INVITE 1");
	char buf[700], out1[1000], out2[1000];
	char src[100];
	struct sip_edits e, got;
	ssize_t n;

	(void)state;
	memset(src, 's', sizeof(src));
	edits(&e, buf, sizeof(buf), 'I');
	n = sip_edits_emit(&e, slice_of(src, sizeof(src)), out1, sizeof(out1));
	assert_int_equal(n, 795);
	assert_false(replay_find(r, &k, SECOND, &got));
	assert_int_equal(replay_add(r, &k, SECOND, &e), 0);
	memset(buf, 0, sizeof(buf)); /* the cache holds its own copy */
	for (int copy = 0; copy < 3; copy++) {
		assert_true(replay_find(r, &k, 2 * SECOND, &got));
		assert_int_equal(sip_edits_emit(&got, slice_of(src, sizeof(src)), out2, sizeof(out2)), n);
		assert_memory_equal(out1, out2, n);
	}
	assert_int_equal(replay_stats(r).entries, 1);
	replay_free(r);
}

static void test_misses(void **state)
{
	struct replay *r = cache(REPLAY_SIZE), *other = cache(REPLAY_SIZE);
	struct replay_key base = key_of(r, "INVITE sip:a"), k;
	struct replay_flow f;
	struct sip_edits e, got;
	char buf[16];

	(void)state;
	edits(&e, buf, sizeof(buf), 'x');
	assert_int_equal(replay_add(r, &base, 0, &e), 0);
	k = key_of(r, "INVITE sip:b");
	assert_false(replay_find(r, &k, 0, &got));
	k = key_of(r, "INVITE sip:");
	assert_false(replay_find(r, &k, 0, &got));
	k = key_of(r, "INVITE sip:a");
	assert_true(replay_find(r, &k, 0, &got));
#define MISS(change) do { f = flow; change; \
		replay_key(r, &f, SLICE("INVITE sip:a"), &k); \
		assert_false(replay_find(r, &k, 0, &got)); } while (0)
	MISS(f.src[15]++);
	MISS(f.dst[0]++);
	MISS(f.src_port++);
	MISS(f.dst_port++);
	MISS(f.trunk++);
#undef MISS
	/* another start has another secret: keys cannot be made to collide in advance */
	k = key_of(other, "INVITE sip:a");
	assert_int_not_equal(k.hash, base.hash);
	replay_free(r);
	replay_free(other);
}

/* The hash finds the place, no more: what collides with an entry is not a copy of it. */
static void test_collision_is_no_copy(void **state)
{
	struct replay *r = cache(REPLAY_SIZE);
	char text[] = "INVITE sip:a", buf[16];
	struct replay_key base = key_of(r, text), k = key_of(r, "INVITE sip:b");
	struct sip_edits e, got;

	(void)state;
	edits(&e, buf, sizeof(buf), 'x');
	assert_int_equal(replay_add(r, &base, 0, &e), 0);
	k.hash = base.hash;
	assert_false(replay_find(r, &k, 0, &got));
	k = base;
	k.flow.trunk++;
	assert_false(replay_find(r, &k, 0, &got));
	k = base;
	k.datagram.len--;
	assert_false(replay_find(r, &k, 0, &got));
	text[0] = 'i'; /* the cache holds its own copy */
	assert_false(replay_find(r, &base, 0, &got));
	k = key_of(r, "INVITE sip:a");
	assert_true(replay_find(r, &k, 0, &got));
	replay_free(r);
}

/* Long datagrams are told apart byte by byte, too, and take no more room than others. */
static void test_large(void **state)
{
	enum { LEN = 60000 };
	struct replay *r = cache(REPLAY_SIZE);
	char *text = malloc(LEN), buf[16];
	struct sip_edits e, got;
	struct replay_key base, k;

	(void)state;
	memset(text, 'l', LEN);
	edits(&e, buf, sizeof(buf), 'x');
	replay_key(r, &flow, slice_of(text, LEN), &base);
	assert_int_equal(replay_add(r, &base, 0, &e), 0);
	assert_true(replay_stats(r).bytes < 1024);
	assert_true(replay_find(r, &base, 0, &got));
	assert_int_equal(got.cnt, 2);
	text[LEN - 1] = 'm';
	k = base; /* with the hash of the other */
	assert_false(replay_find(r, &k, 0, &got));
	text[LEN - 1] = 'l';
	k.datagram.len--;
	assert_false(replay_find(r, &k, 0, &got));
	replay_free(r);
	free(text);
}

/* More of one set than it has room for: the oldest of them go, counted once, and all else stays. */
static void test_set_is_full(void **state)
{
	enum { N = 20, PLACES = 8 };
	struct replay *r = cache(REPLAY_SIZE);
	struct replay_key other = key_of(r, "INVITE other"), k[N];
	char names[N][16], buf[16];
	struct sip_edits e, got;

	(void)state;
	edits(&e, buf, sizeof(buf), 'x');
	other.hash = 1;
	assert_int_equal(replay_add(r, &other, SECOND, &e), 0);
	for (unsigned i = 0; i < N; i++) {
		snprintf(names[i], sizeof(names[i]), "INVITE %u", i);
		k[i] = key_of(r, names[i]);
		k[i].hash = (uint64_t)i << 32; /* all in the first set */
		assert_int_equal(replay_add(r, &k[i], SECOND, &e), 0);
	}
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(replay_find(r, &k[i], SECOND, &got), i >= N - PLACES);
	assert_true(replay_find(r, &other, SECOND, &got));
	assert_int_equal(replay_stats(r).entries, PLACES + 1);
	assert_int_equal(replay_stats(r).evicted, N - PLACES);
	for (unsigned i = 0; i < N; i++)
		replay_expire(r, SECOND + REPLAY_LIFETIME_NS + 1);
	assert_int_equal(replay_stats(r).entries, 0);
	assert_int_equal(replay_stats(r).bytes, 0);
	assert_int_equal(replay_stats(r).evicted, N - PLACES);
	replay_free(r);
}

static void test_lifetime(void **state)
{
	struct replay *r = cache(REPLAY_SIZE);
	struct replay_key k = key_of(r, "INVITE");
	struct sip_edits e, got;
	uint64_t t = 100 * SECOND;
	char buf[16];

	(void)state;
	edits(&e, buf, sizeof(buf), 'x');
	assert_int_equal(replay_add(r, &k, t, &e), 0);
	t += REPLAY_LIFETIME_NS;
	assert_true(replay_find(r, &k, t, &got)); /* and lives again from here */
	t += REPLAY_LIFETIME_NS;
	assert_true(replay_find(r, &k, t, &got));
	replay_expire(r, t);
	assert_int_equal(replay_stats(r).entries, 1);
	t += REPLAY_LIFETIME_NS + 1;
	assert_false(replay_find(r, &k, t, &got));
	replay_expire(r, t);
	assert_int_equal(replay_stats(r).entries, 0);
	assert_int_equal(replay_stats(r).bytes, 0);
	assert_int_equal(replay_stats(r).evicted, 0); /* its time was over */
	replay_free(r);
}

/* A tail whose copies go on keeps what is over in the log: it shall not hide what was made anew. */
static void test_over_hides_nothing(void **state)
{
	struct replay *r = cache(REPLAY_SIZE);
	struct replay_key tail = key_of(r, "INVITE tail"), k = key_of(r, "INVITE");
	uint64_t t = SECOND + REPLAY_LIFETIME_NS;
	struct sip_edits e, got;
	char buf[16];

	(void)state;
	edits(&e, buf, sizeof(buf), 'x');
	assert_int_equal(replay_add(r, &tail, SECOND, &e), 0);
	assert_int_equal(replay_add(r, &k, SECOND, &e), 0);
	assert_true(replay_find(r, &tail, t, &got));
	assert_false(replay_find(r, &k, ++t, &got));
	edits(&e, buf, sizeof(buf), 'y');
	assert_int_equal(replay_add(r, &k, t, &e), 0);
	assert_true(replay_find(r, &k, t, &got));
	assert_int_equal(got.e[0].text.p[0], 'y');
	assert_int_equal(replay_stats(r).entries, 3);
	replay_expire(r, t + REPLAY_LIFETIME_NS + 1);
	assert_int_equal(replay_stats(r).entries, 0);
	assert_int_equal(replay_stats(r).evicted, 0);
	replay_free(r);
}

/* Entries of odd sizes, many times around: oldest out, counted, never over the bound, rest intact. */
static void test_eviction(void **state)
{
	enum { SIZE = 64 << 10, N = 3000 };
	struct replay *r = cache(SIZE);
	struct sip_edits e, got;
	static char buf[5000];
	char name[32];
	unsigned hits = 0;

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		struct replay_key k;
		struct replay_stats s;

		snprintf(name, sizeof(name), "INVITE %u", i);
		k = key_of(r, name);
		edits(&e, buf, 1 + (i * 977) % sizeof(buf), (char)('a' + i % 26));
		assert_int_equal(replay_add(r, &k, SECOND + i, &e), 0);
		assert_true(replay_find(r, &k, SECOND + i, &got)); /* the newest is always there */
		assert_int_equal(got.e[0].text.len, 1 + (i * 977) % sizeof(buf));
		assert_int_equal(got.e[0].text.p[got.e[0].text.len - 1], 'a' + i % 26);
		s = replay_stats(r);
		assert_true(s.bytes <= SIZE);
		assert_int_equal(s.entries + s.evicted, i + 1);
	}
	/* what is left is an unbroken run of the newest */
	for (unsigned i = N; i-- > 0;) {
		struct replay_key k;

		snprintf(name, sizeof(name), "INVITE %u", i);
		k = key_of(r, name);
		if (!replay_find(r, &k, SECOND + N, &got))
			break;
		assert_int_equal(got.e[0].text.p[0], 'a' + i % 26);
		hits++;
	}
	assert_int_equal(hits, replay_stats(r).entries);
	assert_true(hits > 10);
	replay_free(r);
}

static void test_limits(void **state)
{
	struct replay *r = NULL;
	static char buf[40000];
	struct sip_edits e;
	struct replay_key k;

	(void)state;
	assert_int_equal(replay_new(1000, &r), -EINVAL);
	assert_int_equal(replay_new(1ul << 31, &r), -EINVAL);
	assert_null(r);
	r = cache(64 << 10);
	k = key_of(r, "x");
	edits(&e, buf, sizeof(buf), 'x');
	assert_int_equal(replay_add(r, &k, 0, &e), -E2BIG);
	assert_int_equal(replay_stats(r).entries, 0);
	replay_free(r);
	replay_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hit_is_byte_identical),
		cmocka_unit_test(test_misses),
		cmocka_unit_test(test_collision_is_no_copy),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_set_is_full),
		cmocka_unit_test(test_lifetime),
		cmocka_unit_test(test_over_hides_nothing),
		cmocka_unit_test(test_eviction),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
