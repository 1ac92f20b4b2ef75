/* SPDX-License-Identifier: BSD-2-Clause */
/* park and wants: what waits, by copy and by transaction, bounded; what is asked for, not too often. */
#include "guard.h"

#include <stdio.h>
#include <stdlib.h>

#include "signer/park.h"
#include "signer/wants.h"
#include "xsk/umem.h"

static struct replay_key key_of(unsigned n)
{
	struct replay_key k = { .hash = 1 };

	memcpy(k.flow.src, &n, sizeof(n));
	return k;
}

static void test_full(void **state)
{
	struct parked *e[PARK_MAX];
	char frame[XSK_FRAME_SIZE + 1];
	struct park *p;

	(void)state;
	assert_int_equal(park_new(&p), 0);
	assert_null(park_first(p));
	memset(frame, 'f', sizeof(frame));
	assert_null(park_put(p, slice_of(frame, XSK_FRAME_SIZE + 1)));
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < PARK_MAX; i++) {
			struct guard g = guard_new(frame, i == 7 ? XSK_FRAME_SIZE : 100 + i);

			g.p[0] = (char)i;
			e[i] = park_put(p, slice_of(g.p, g.len));
			assert_non_null(e[i]);
			assert_true(!e[i]->has_key && !e[i]->has_transaction && !e[i]->wanted_cnt);
			e[i]->key = key_of(i);
			e[i]->has_key = i != 9;
			e[i]->has_transaction = i != 9;
			e[i]->transaction = i;
			guard_free(&g); /* the copy stays */
		}
		assert_int_equal(park_cnt(p), PARK_MAX);
		assert_null(park_put(p, SLICE("x")));
		for (unsigned i = 0; i < PARK_MAX; i++) {
			struct replay_key k = key_of(i);

			assert_ptr_equal(park_find(p, &k), i == 9 ? NULL : e[i]);
			assert_ptr_equal(park_find_transaction(p, i), i == 9 ? NULL : e[i]);
			assert_int_equal((unsigned char)e[i]->frame.p[0], i);
			assert_int_equal(e[i]->frame.len, i == 7 ? XSK_FRAME_SIZE : 100 + i);
			assert_int_equal(e[i]->frame.p[e[i]->frame.len - 1], 'f');
		}
		park_drop(p, e[3]); /* from the middle, the end, then all in their order */
		park_drop(p, e[PARK_MAX - 1]);
		for (unsigned i = 0; i < PARK_MAX - 1; i++) {
			if (i == 3)
				continue;
			assert_ptr_equal(park_first(p), e[i]);
			park_drop(p, e[i]);
			assert_null(park_find_transaction(p, i));
		}
		assert_int_equal(park_cnt(p), 0);
	}
	park_free(p);
	park_free(NULL);
}

#define REQUEST(method, branch, call_id, cseq)                                       \
	method " sip:a@x SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1" branch "\r\n"         \
	"Via: SIP/2.0/UDP 10.0.0.2;branch=z9hG4bKlower\r\nFrom: <sip:a@x>;tag=a\r\n" \
	"To: <sip:b@x>\r\nCall-ID: " call_id "\r\nCSeq: " cseq " " method "\r\n\r\n"

static const struct {
	const char *name, *text;
	uint8_t src;
	bool has_name, is_same;
} requests[] = {
	{ "itself", REQUEST("INVITE", ";branch=z9hG4bK1", "a@x", "7"), 1, true, true },
	{ "its CANCEL", REQUEST("CANCEL", ";branch=z9hG4bK1", "a@x", "7"), 1, true, true },
	{ "other parameters", REQUEST("CANCEL", ";rport;branch=z9hG4bK1;x=1", "a@x", "007"), 1, true, true },
	{ "another branch", REQUEST("CANCEL", ";branch=z9hG4bK2", "a@x", "7"), 1, true, false },
	{ "another Call-ID", REQUEST("CANCEL", ";branch=z9hG4bK1", "b@x", "7"), 1, true, false },
	{ "another number", REQUEST("CANCEL", ";branch=z9hG4bK1", "a@x", "8"), 1, true, false },
	{ "another source", REQUEST("CANCEL", ";branch=z9hG4bK1", "a@x", "7"), 2, true, false },
	{ "moved ends", REQUEST("CANCEL", ";branch=z9hG4bK1a", "@x", "7"), 1, true, false },
	{ "no branch", REQUEST("CANCEL", "", "a@x", "7"), 1, false, false },
	{ "empty branch", REQUEST("CANCEL", ";branch=", "a@x", "7"), 1, false, false },
};

static void test_transaction(void **state)
{
	static struct sip_message m;
	struct park *p, *other;
	uint64_t first = 0, name;

	(void)state;
	assert_int_equal(park_new(&p), 0);
	assert_int_equal(park_new(&other), 0);
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		struct guard g = guard_new(requests[i].text, strlen(requests[i].text));
		uint8_t src[16] = { [15] = requests[i].src };
		struct slice method = slice_of(requests[i].text, 6);

		assert_int_equal(sip_request_parse(g.p, g.len, method, &m), SR_NONE);
		name = 99;
		if (park_transaction(p, &m, src, &name) != requests[i].has_name)
			fail_msg("%s: has %s name", requests[i].name, requests[i].has_name ? "no" : "a");
		if (!requests[i].has_name && name != 99)
			fail_msg("%s: output touched", requests[i].name);
		if (i == 0)
			first = name;
		if ((name == first) != requests[i].is_same)
			fail_msg("%s: %s", requests[i].name, requests[i].is_same ? "another" : "the same");
		if (i == 0) { /* keyed */
			assert_true(park_transaction(other, &m, src, &name));
			assert_int_not_equal(name, first);
		}
		guard_free(&g);
	}
	park_free(p);
	park_free(other);
}

/* ---- wants ---- */

static const struct {
	const char *name;
	uint32_t trunk;
	const char *x5u;
	uint16_t flags;
	uint64_t ms;
	bool is_asked;
} asks[] = {
	{ "first", 1, "https://a", 0, 1000, true },
	{ "the same", 1, "https://a", 0, 1000, false },
	{ "just before a second is over", 1, "https://a", 0, 1999, false },
	{ "a second later", 1, "https://a", 0, 2000, true },
	{ "again at once", 1, "https://a", 0, 2001, false },
	{ "another trunk", 2, "https://a", 0, 2001, true },
	{ "another URL", 1, "https://b", 0, 2001, true },
	{ "with a flag", 1, "https://a", VERDICT_WANT_AGAIN, 2001, true },
	{ "the same with the flag", 1, "https://a", VERDICT_WANT_AGAIN, 2002, false },
};

static void test_wants(void **state)
{
	struct verdict_wants *ring = calloc(1, sizeof(*ring));
	struct wants *w = calloc(1, sizeof(*w));
	struct verdict_want out;
	uint64_t tail = 0;

	(void)state;
	w->key = (struct siphash_key){ 1, 2 };
	for (size_t i = 0; i < ARRAY_SIZE(asks); i++) {
		uint64_t head = ring->head;

		assert_true(wants_ask(w, ring, asks[i].trunk, slice_str(asks[i].x5u), asks[i].flags,
				      asks[i].ms * 1000000));
		if ((ring->head != head) != asks[i].is_asked)
			fail_msg("%s: %s", asks[i].name, asks[i].is_asked ? "not asked" : "asked");
		if (!asks[i].is_asked)
			continue;
		assert_true(verdict_asked(ring, &tail, &out));
		assert_true(out.trunk == asks[i].trunk && out.flags == asks[i].flags);
		assert_true(slice_eq(slice_of(out.x5u, out.len), slice_str(asks[i].x5u)));
	}
	wants_forget(w);
	assert_true(wants_ask(w, ring, 1, SLICE("https://a"), 0, 2003000000));
	assert_true(verdict_asked(ring, &tail, &out));
	/* what did not fit was not asked: it is, as soon as there is room */
	ring->tail = ring->head - VERDICT_WANTS_RING;
	assert_false(wants_ask(w, ring, 1, SLICE("https://c"), 0, 2004000000));
	assert_int_equal(ring->dropped, 1);
	ring->tail = ring->head;
	assert_true(wants_ask(w, ring, 1, SLICE("https://c"), 0, 2005000000));
	assert_true(verdict_asked(ring, &tail, &out));
	free(ring);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_transaction),
		cmocka_unit_test(test_wants),
	};

	return cmocka_run_group_tests_name("park", tests, NULL, NULL);
}
