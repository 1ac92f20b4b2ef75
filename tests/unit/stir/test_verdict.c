/* SPDX-License-Identifier: BSD-2-Clause */
/* verdict: what may be put, what is found, which gives way. */
#include "verdict_world.h"

#include <errno.h>

#define THE_URL SLICE("https://cr.example/one.pem")

static const struct {
	const char *name;
	uint64_t len_less;
	uint32_t magic, version;
	uint64_t size_more;
	int ret;
} regions[] = {
	{ "as made", 0, VERDICT_MAGIC, VERDICT_VERSION, 0, 0 },
	{ "mapping too short", 1, VERDICT_MAGIC, VERDICT_VERSION, 0, -EBADMSG },
	{ "not formatted", 0, 0, 0, 0, -EBADMSG },
	{ "another magic", 0, VERDICT_MAGIC + 1, VERDICT_VERSION, 0, -EBADMSG },
	{ "another version", 0, VERDICT_MAGIC, VERDICT_VERSION + 1, 0, -EBADMSG },
	{ "another size", 0, VERDICT_MAGIC, VERDICT_VERSION, 8, -EBADMSG },
};

static void test_region(void **state)
{
	struct world w = world_new(), other = world_new();

	(void)state;
	assert_true(w.r->key[0] != other.r->key[0] && w.r->key[1] != other.r->key[1]);
	for (size_t i = 0; i < ARRAY_SIZE(regions); i++) {
		int r;

		w.r->magic = regions[i].magic;
		w.r->version = regions[i].version;
		w.r->size = verdict_region_size() + regions[i].size_more;
		r = verdict_region_check(w.r, verdict_region_size() - regions[i].len_less);
		if (r != regions[i].ret)
			fail_msg("%s: returns %d", regions[i].name, r);
	}
	world_free(&w);
	world_free(&other);
}

/* A valid verdict in which some bytes are others. */
#define AT(field) offsetof(struct verdict, field)
static const struct {
	const char *name;
	bool is_bad;
	size_t at;
	char bytes[40]; /* and zeroes */
	size_t len;
	int ret;
} bodies[] = {
	{ "good", false, AT(kind), "\1", 1, 0 },
	{ "bad", true, AT(kind), "\2", 1, 0 },
	{ "kind unknown", false, AT(kind), "\0", 1, -EINVAL },
	{ "kind that is none", false, AT(kind), "\3", 1, -EINVAL },
	{ "most ranges", false, AT(range_cnt), "\40", 1, 0 },
	{ "too many ranges", false, AT(range_cnt), "\41", 1, -EINVAL },
	{ "most names", false, AT(must_cnt), "\10\10", 2, 0 },
	{ "too many in must", false, AT(must_cnt), "\11", 1, -EINVAL },
	{ "too many in never", false, AT(never_cnt), "\377", 1, -EINVAL },
	{ "no spc", false, AT(spc), "\0", 1, 0 },
	{ "spc without end", false, AT(spc), "012345678901234567890123456789012", 33, -EINVAL },
	{ "spc not printable", false, AT(spc), "12\n4", 5, -EINVAL },
	{ "subject not ASCII", false, AT(subject), "O=\303\251", 5, -EINVAL },
	{ "compressed point", false, AT(point), "\2", 1, -EINVAL },
	{ "not_before after not_after", false, AT(not_before), "\0\0\0\0\0\0\0\1", 8, -EINVAL },
	{ "not_after before expires_at", false, AT(not_after), "\0\0\0\0\0\0\0\0", 8, -EINVAL },
	{ "expires_at after not_after", false, AT(expires_at), "\377\377\377\377\377\377\377\177", 8, -EINVAL },
	{ "over when it comes", false, AT(expires_at), "\0\0\0\0\0\0\0\0", 8, -EINVAL },
	{ "failure over when it comes", true, AT(expires_at), "\0\0\0\0\0\0\0\0", 8, -EINVAL },
	{ "range of one", false, AT(ranges[3]), "123456789012345\0" "123456789012345", 32, 0 },
	{ "range with signs", false, AT(ranges[3]), "12#\0\0\0\0\0\0\0\0\0\0\0\0\0" "12*", 32, 0 },
	{ "range backwards", false, AT(ranges[3]), "13\0\0\0\0\0\0\0\0\0\0\0\0\0\0" "12", 32, -EINVAL },
	{ "range of two lengths", false, AT(ranges[3]), "12\0\0\0\0\0\0\0\0\0\0\0\0\0\0" "123", 32, -EINVAL },
	{ "empty range", false, AT(ranges[3]), "\0\0\0", 3, -EINVAL },
	{ "range with plus", false, AT(ranges[3]), "+2\0\0\0\0\0\0\0\0\0\0\0\0\0\0" "12", 32, -EINVAL },
	{ "range of letters", false, AT(ranges[3]), "12\0\0\0\0\0\0\0\0\0\0\0\0\0\0" "1a", 32, -EINVAL },
	{ "range without end", false, AT(ranges[3].last), "1234567890123456", 16, -EINVAL },
	{ "both without end", false, AT(ranges[3]), "12345678901234561234567890123456", 32, -EINVAL },
	{ "broken range behind the last", false, AT(ranges[31]), "x", 1, 0 },
	{ "name without end", false, AT(must[1]), "0123456789abcdef", 16, -EINVAL },
	{ "longest name", false, AT(must[1]), "0123456789abcde\0", 16, 0 },
	{ "empty name", false, AT(never[0]), "\0", 1, -EINVAL },
	{ "broken name behind the last", false, AT(never[7]), "\0", 1, 0 },
	{ "reason none", true, AT(reason), "\0", 1, -EINVAL },
	{ "reason of XDP", true, AT(reason), "\1", 1, -EINVAL },
	{ "reason that has no name", true, AT(reason), "\277", 1, -EINVAL },
	{ "reason too large", true, AT(reason), "\300", 1, -EINVAL },
	{ "code of a good call", true, AT(code), "\310\0", 2, -EINVAL },
	{ "code 438", true, AT(code), "\266\1", 2, -EINVAL },
};

static struct verdict body_of(size_t i)
{
	struct verdict v = bodies[i].is_bad ? bad_of(1, NOW - 1, NOW + 1000) :
					      good_of(31, NOW - 1, NOW + 1000);

	v.must_cnt = v.never_cnt = 5;
	memcpy((char *)&v + bodies[i].at, bodies[i].bytes, bodies[i].len);
	return v;
}

static void test_put_refused(void **state)
{
	struct world w = world_new();
	struct verdict_usage u;
	struct verdict out;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		struct verdict v = body_of(i);
		enum verdict_kind kind;

		int r = verdict_put(w.w, SLICE("https://a"), &v);

		if (r != bodies[i].ret)
			fail_msg("%s: returns %d", bodies[i].name, r);
		kind = verdict_find(w.r, SLICE("https://a"), NOW, &out);
		if (r < 0 ? kind != VERDICT_UNKNOWN : kind != v.kind)
			fail_msg("%s: found as %d", bodies[i].name, kind);
		if (!r && v.kind == VERDICT_GOOD && !verdict_same(&out, &v))
			fail_msg("%s: not what was put", bodies[i].name);
		verdict_drop(w.w, SLICE("https://a"));
	}
	verdict_usage(w.w, &u);
	assert_true(u.good == 0 && u.bad == 0 && u.evicted_good == 0 && u.evicted_bad == 0);
	world_free(&w);
}

/* The same as somebody writes it who does not keep the rules: lengths fit the counts where they can. */
static size_t body_forge(size_t i, char *body)
{
	struct verdict v = body_of(i), valid = good_of(1, NOW - 1, NOW + 9);
	bool can_pack = v.range_cnt <= VERDICT_RANGES_MAX && v.must_cnt <= VERDICT_NAMES_MAX &&
			v.never_cnt <= VERDICT_NAMES_MAX;
	size_t len;

	if (bodies[i].is_bad)
		v.kind = VERDICT_BAD;
	len = verdict_pack(can_pack ? &v : &valid, body);
	if (!can_pack)
		memcpy(body + bodies[i].at, bodies[i].bytes, bodies[i].len);
	return len;
}

static _Atomic uint64_t *entry_forge(const struct verdict_table *t, uint64_t hash, struct slice url,
				     const char *body, size_t len)
{
	uint32_t place;
	_Atomic uint64_t *e = verdict_entry_at(t, entry_of(t, hash, url, &place));

	e[VERDICT_AT_LENS] = url.len | len << 32;
	memcpy((char *)e + (VERDICT_AT_URL + VERDICT_WORDS(url.len)) * VERDICT_WORD, body, len);
	return e;
}

static void test_find_refused(void **state)
{
	struct world w = world_new();
	struct verdict valid[2] = { good_of(1, NOW - 1, NOW + 9), bad_of(1, NOW - 1, NOW + 9) };
	struct slice url = SLICE("https://a");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		bool is_bad = bodies[i].is_bad, is_wrong = bodies[i].ret < 0;
		struct verdict_table t = is_bad ? verdict_table_bad(w.r) : verdict_table_good(w.r);
		struct verdict out, before;
		char body[VERDICT_BODY_MAX];
		enum verdict_kind kind;

		verdict_drop(w.w, url);
		assert_int_equal(verdict_put(w.w, url, &valid[is_bad]), 0);
		entry_forge(&t, verdict_hash(w.r, url), url, body, body_forge(i, body));
		memset(&out, 0x5a, sizeof(out));
		before = out;
		kind = verdict_find(w.r, url, NOW, &out);
		if (kind != (is_wrong ? VERDICT_UNKNOWN : valid[is_bad].kind))
			fail_msg("%s: found as %d", bodies[i].name, kind);
		if (is_wrong && memcmp(&out, &before, sizeof(out)))
			fail_msg("%s: output touched", bodies[i].name);
	}
	world_free(&w);
}

/* Every length of a body but the right one. */
static void test_body_lengths(void **state)
{
	struct world w = world_new();
	struct slice url = SLICE("https://a");

	(void)state;
	for (unsigned is_bad = 0; is_bad < 2; is_bad++) {
		struct verdict v = is_bad ? bad_of(5, NOW - 1, NOW + 9) : good_of(5, NOW - 1, NOW + 9), out;
		struct verdict_table t = is_bad ? verdict_table_bad(w.r) : verdict_table_good(w.r);
		char body[VERDICT_BODY_MAX];
		size_t right;
		_Atomic uint64_t *e;

		verdict_drop(w.w, url);
		assert_int_equal(verdict_put(w.w, url, &v), 0);
		right = verdict_pack(&v, body);
		e = entry_forge(&t, verdict_hash(w.r, url), url, body, right);
		for (uint64_t len = 0; len <= UINT32_MAX; len += len < 4000 ? 1 : len / 2) {
			enum verdict_kind want = len == right ? v.kind : VERDICT_UNKNOWN;

			e[VERDICT_AT_LENS] = url.len | len << 32;
			if (verdict_find(w.r, url, NOW, &out) != want)
				fail_msg("%s body of %lu bytes", is_bad ? "bad" : "good", (unsigned long)len);
		}
	}
	world_free(&w);
}

/* Counts that are too large, with a body as long as they say. */
static void test_forged_counts(void **state)
{
	static const struct {
		size_t at, size, max;
	} counts[] = {
		{ AT(range_cnt), sizeof(struct verdict_range), VERDICT_RANGES_MAX },
		{ AT(must_cnt), VERDICT_NAME_LEN, VERDICT_NAMES_MAX },
		{ AT(never_cnt), VERDICT_NAME_LEN, VERDICT_NAMES_MAX },
	};
	struct world w = world_new();
	struct verdict_table t = verdict_table_good(w.r);
	struct verdict v = good_of(0, NOW - 1, NOW + 9);
	struct slice url = SLICE("https://a");
	char body[VERDICT_BODY_MAX];

	(void)state;
	assert_int_equal(verdict_put(w.w, url, &v), 0);
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		for (size_t cnt = 0; VERDICT_HEAD_LEN + cnt * counts[i].size <= sizeof(body); cnt++) {
			enum verdict_kind want = cnt <= counts[i].max ? VERDICT_GOOD : VERDICT_UNKNOWN;
			struct verdict out;

			memset(body, 0, sizeof(body));
			for (size_t at = VERDICT_HEAD_LEN; at < sizeof(body); at += 16)
				body[at] = '1';
			verdict_pack(&v, body);
			body[counts[i].at] = (char)cnt;
			entry_forge(&t, verdict_hash(w.r, url), url, body,
				    VERDICT_HEAD_LEN + cnt * counts[i].size);
			if (verdict_find(w.r, url, NOW, &out) != want)
				fail_msg("count %zu is %zu: not %d", i, cnt, want);
		}
	}
	world_free(&w);
}

/* Steps on one URL.  GOOD and BAD: put, from when until when.  DROP: what it returns.
 * EXPIRE: when.  FIND: when, what comes.  USAGE: good, bad. */
struct step {
	enum { END, GOOD, BAD, DROP, EXPIRE, FIND, USAGE } what;
	int a, b;
};
static const struct {
	const char *name;
	struct step steps[8];
} rules[] = {
	{ "lifetime",
	  { { FIND, 5, VERDICT_UNKNOWN }, { GOOD, 10, 20 }, { FIND, 10, VERDICT_GOOD },
	    { FIND, 19, VERDICT_GOOD }, { FIND, 20, VERDICT_UNKNOWN } } },
	{ "lifetime of a failure",
	  { { BAD, 10, 20 }, { FIND, 19, VERDICT_BAD }, { FIND, 20, VERDICT_UNKNOWN } } },
	{ "good replaces bad",
	  { { BAD, 10, 90 }, { GOOD, 11, 20 }, { FIND, 12, VERDICT_GOOD }, { USAGE, 1, 0 } } },
	{ "bad replaces no good",
	  { { GOOD, 10, 90 }, { BAD, 11, 95 }, { FIND, 12, VERDICT_GOOD }, { USAGE, 1, 0 } } },
	{ "until the last second",
	  { { GOOD, 10, 90 }, { BAD, 89, 99 }, { FIND, 89, VERDICT_GOOD },
	    { FIND, 95, VERDICT_UNKNOWN } } },
	{ "bad replaces good that is over",
	  { { GOOD, 10, 90 }, { BAD, 90, 99 }, { FIND, 91, VERDICT_BAD }, { USAGE, 0, 1 } } },
	{ "good replaces good",
	  { { GOOD, 10, 90 }, { GOOD, 11, 99 }, { FIND, 95, VERDICT_GOOD }, { USAGE, 1, 0 } } },
	{ "a shorter one too",
	  { { GOOD, 10, 90 }, { GOOD, 11, 20 }, { FIND, 30, VERDICT_UNKNOWN }, { USAGE, 1, 0 } } },
	{ "bad replaces bad",
	  { { BAD, 10, 90 }, { BAD, 11, 99 }, { FIND, 95, VERDICT_BAD }, { USAGE, 0, 1 } } },
	{ "revoked: drop, then bad",
	  { { GOOD, 10, 90 }, { DROP, 0 }, { BAD, 11, 99 }, { FIND, 12, VERDICT_BAD },
	    { USAGE, 0, 1 } } },
	{ "drop a bad one",
	  { { BAD, 10, 90 }, { DROP, 0 }, { FIND, 12, VERDICT_UNKNOWN }, { DROP, -ENOENT },
	    { USAGE, 0, 0 } } },
	{ "expire",
	  { { GOOD, 10, 20 }, { EXPIRE, 19 }, { USAGE, 1, 0 }, { EXPIRE, 20 },
	    { USAGE, 0, 0 }, { DROP, -ENOENT } } },
	{ "expire a bad one",
	  { { BAD, 10, 20 }, { EXPIRE, 19 }, { USAGE, 0, 1 }, { EXPIRE, 20 }, { USAGE, 0, 0 } } },
};

static void put_step(struct world *w, const char *name, const struct step *s)
{
	struct verdict v = s->what == GOOD ? good_of(s->a, s->a, s->b) : bad_of(s->a, s->a, s->b);

	if (verdict_put(w->w, THE_URL, &v))
		fail_msg("%s: put from %d until %d is refused", name, s->a, s->b);
}

static void step_run(struct world *w, const char *name, const struct step *s)
{
	struct verdict_usage u;
	struct verdict v;

	switch (s->what) {
	case GOOD:
	case BAD:
		put_step(w, name, s);
		break;
	case DROP:
		if (verdict_drop(w->w, THE_URL) != s->a)
			fail_msg("%s: drop does not return %d", name, s->a);
		break;
	case EXPIRE:
		verdict_expire(w->w, s->a);
		break;
	case FIND:
		if (verdict_find(w->r, THE_URL, s->a, &v) != (enum verdict_kind)s->b)
			fail_msg("%s: at %d it is not %d", name, s->a, s->b);
		break;
	case USAGE:
		verdict_usage(w->w, &u);
		if (u.good != (unsigned)s->a || u.bad != (unsigned)s->b)
			fail_msg("%s: %u good, %u bad", name, u.good, u.bad);
		break;
	case END:
		break;
	}
}

static void test_rules(void **state)
{
	struct world w = world_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		verdict_drop(w.w, THE_URL);
		for (size_t k = 0; k < ARRAY_SIZE(rules[i].steps); k++)
			step_run(&w, rules[i].name, &rules[i].steps[k]);
	}
	world_free(&w);
}

/* A tag that leads to the entry of another URL, to none, and to one that is being written. */
static void test_wrong_tags(void **state)
{
	struct world w = world_new();
	struct verdict_table t = verdict_table_good(w.r);
	struct slice url = THE_URL, other = SLICE("https://cr.example/two.pem");
	uint64_t hash = verdict_hash(w.r, url), tag;
	struct verdict v = good_of(1, NOW, NOW + 5);
	uint32_t place = 0, place2 = 0, index, index2;

	(void)state;
	assert_int_equal(verdict_put(w.w, url, &v), 0);
	assert_int_equal(verdict_put(w.w, other, &v), 0);
	index = entry_of(&t, hash, url, &place);
	index2 = entry_of(&t, verdict_hash(w.r, other), other, &place2);
	tag = t.tags[place];
	t.tags[place] = (tag & ~VERDICT_TAG_ENTRY) | (index2 + 1);
	assert_int_equal(verdict_find(w.r, url, NOW, &v), VERDICT_UNKNOWN);
	t.tags[place] = tag & ~VERDICT_TAG_ENTRY;
	assert_int_equal(verdict_find(w.r, url, NOW, &v), VERDICT_UNKNOWN);
	t.tags[place] = tag | VERDICT_TAG_ENTRY;
	assert_int_equal(verdict_find(w.r, url, NOW, &v), VERDICT_UNKNOWN);
	t.tags[place] = tag ^ 1ull << 63;
	assert_int_equal(verdict_find(w.r, url, NOW, &v), VERDICT_UNKNOWN);
	t.tags[place] = tag;
	*verdict_entry_at(&t, index) = 0;
	assert_int_equal(verdict_find(w.r, url, NOW, &v), VERDICT_UNKNOWN);
	*verdict_entry_at(&t, index) = 7;
	assert_int_equal(verdict_find(w.r, url, NOW, &v), VERDICT_GOOD);
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_region),
		cmocka_unit_test(test_put_refused),
		cmocka_unit_test(test_find_refused),
		cmocka_unit_test(test_body_lengths),
		cmocka_unit_test(test_forged_counts),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_wrong_tags),
	};

	return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
