/* SPDX-License-Identifier: BSD-2-Clause */
/* Fragments through the signer: put together, signed, cut anew; or on as they came; or dropped, each with its reason. */
#include "signer/cutting.h"

static struct cutting cut;
static char text[TEXT_MAX], got[TEXT_MAX];

/* The order in which @cnt fragments come: forth, back, mixed. */
static unsigned place(unsigned order, unsigned i, unsigned cnt)
{
	return order == 0 ? i : order == 1 ? cnt - 1 - i : cnt % 7 ? (i * 7 + 3) % cnt : (i * 5 + 2) % cnt;
}

static void test_signed(void **state)
{
	static const size_t bodies[] = { 1300, 4000, 20000, 60000 };

	(void)state;
	for (unsigned k = 0; k < 2 * 3 * ARRAY_SIZE(bodies); k++) {
		bool is_v6 = k & 1;
		size_t body = bodies[k / 6], len, n;
		struct sipseal_meta m = cut_meta(0);
		struct event_record r;
		struct world x;

		world_new(&x, NULL);
		len = text_with_body(world_invite, body, text);
		cut_text(&cut, is_v6, 1000 + k, text, len, 1440);
		for (unsigned i = 0; i < cut.cnt; i++) {
			cut_send_one(&x, &cut, place(k / 2 % 3, i, cut.cnt), &m);
			if (i % 3 == 0) /* the network makes copies */
				cut_send_one(&x, &cut, place(k / 2 % 3, i, cut.cnt), &m);
		}
		world_run(&x);
		assert_int_equal(world_reason(&x, SR_SIGNED), 1);
		assert_int_equal(world_trunk_reason(&x, SR_REASSEMBLED), cut.cnt - 1);
		assert_int_equal(world_reason(&x, SR_FRAGMENT_DUPLICATE), (cut.cnt + 2) / 3);
		assert_int_equal(x.w->counters->datagrams_whole, 1);
		assert_int_equal(x.w->counters->fragments_held, 0);
		assert_int_equal(x.w->counters->fragment_bytes, 0);
		assert_int_equal(x.core->sent_cnt, 0);
		assert_int_equal(x.w->counters->sent_fragments, x.carrier->sent_cnt);
		n = whole_of(x.carrier, 0, x.carrier->sent_cnt, got);
		assert_true(n > len + 300);
		assert_true(text_holds(got, n, "\r\nIdentity: eyJ"));
		assert_memory_equal(got + n - body, text + len - body, body);
		for (unsigned i = 0; i < x.carrier->sent_cnt; i++) {
			assert_true(x.carrier->sent[i].len <= 14 + 1500);
			assert_memory_equal(x.carrier->sent[i].data, m.dmac, 6);
			assert_int_equal(x.carrier->sent[i].data[is_v6 ? 21 : 22], 63);
		}
		assert_true(world_event(&x, &r));
		assert_int_equal(r.reason, SR_SIGNED);
		assert_false(world_event(&x, &r));
		world_free(&x);
	}
}

/* Tags go with every fragment. Behind two of them not every link takes what it takes behind one. */
static void test_tagged(void **state)
{
	static const uint8_t tags[] = { 0x88, 0xa8, 0, 7, 0x81, 0, 0x60, 9 };

	(void)state;
	for (unsigned k = 0; k < 4; k++) {
		unsigned n = k & 2 ? 8 : 4; /* bytes of tags */
		size_t len = text_with_body(world_invite, 4000, text), longest = 0;
		struct sipseal_meta m = cut_meta(SIPSEAL_META_F_BRIDGED);
		struct world x;

		world_new(&x, NULL);
		cut_text(&cut, k & 1, 5, text, len, 1440);
		for (unsigned i = 0; i < cut.cnt; i++) {
			uint8_t *frame = cut.frames[i].bytes;

			memmove(frame + 12 + n, frame + 12, cut.frames[i].len - 12);
			memcpy(frame + 12, tags + sizeof(tags) - n, n);
			cut.frames[i].len += n;
		}
		cut_send(&x, &cut, &m);
		assert_int_equal(world_reason(&x, SR_SIGNED), 1);
		for (unsigned i = 0; i < x.carrier->sent_cnt; i++) {
			assert_memory_equal(x.carrier->sent[i].data + 12, tags + sizeof(tags) - n, n);
			if (x.carrier->sent[i].len > longest)
				longest = x.carrier->sent[i].len;
		}
		assert_in_range(longest, 14 + 4 + 1500 - 15, 14 + 4 + 1500);
		assert_true(text_holds(got, whole_of(x.carrier, 0, x.carrier->sent_cnt, got), "\r\nIdentity: eyJ"));
		world_free(&x);
	}
}

/* Copies of the sender, with other identifications: the same bytes, no second signature. */
static void test_retransmission(void **state)
{
	struct sipseal_meta m = cut_meta(0);
	size_t len = text_with_body(world_invite, 5000, text), n;
	struct world x;
	unsigned cnt;

	(void)state;
	world_new(&x, NULL);
	for (uint32_t copy = 0; copy < 3; copy++) {
		cut_text(&cut, false, 70 + copy, text, len, copy == 2 ? 800 : 1480);
		cut_send(&x, &cut, &m);
	}
	cnt = x.carrier->sent_cnt / 3;
	n = whole_of(x.carrier, 0, cnt, got);
	for (unsigned copy = 1; copy < 3; copy++) {
		static char again[TEXT_MAX];

		assert_int_equal(whole_of(x.carrier, copy * cnt, cnt, again), n);
		assert_memory_equal(again, got, n);
	}
	assert_int_equal(world_reason(&x, SR_SIGNED), 1);
	assert_int_equal(world_reason(&x, SR_RETRANSMISSION), 2);
	assert_int_equal(x.w->counters->signatures, 1);
	world_free(&x);
}

/* No INVITE: leaves as it came, to the byte and in the order in which it came. */
static void test_as_it_came(void **state)
{
	(void)state;
	for (unsigned k = 0; k < 12; k++) {
		struct sipseal_meta m = cut_meta(k & 2 ? SIPSEAL_META_F_BRIDGED : 0);
		size_t len = text_with_body(world_options, 7000, text);
		struct event_record r;
		struct world x;

		world_new(&x, NULL);
		cut_text(&cut, k & 1, 5, text, len, 1440);
		for (unsigned i = 0; i < cut.cnt; i++)
			cut_send_one(&x, &cut, place(k / 4, i, cut.cnt), &m);
		world_run(&x);
		assert_int_equal(x.carrier->sent_cnt, cut.cnt);
		for (unsigned i = 0; i < cut.cnt; i++)
			check_as_came(x.carrier, i, &cut, place(k / 4, i, cut.cnt), &m);
		assert_int_equal(world_reason(&x, SR_NOT_INVITE), 1);
		assert_int_equal(world_reason(&x, SR_REASSEMBLED), cut.cnt - 1);
		assert_false(world_event(&x, &r));
		world_free(&x);
	}
}

/* Padding is no part of it; a route that is too narrow for what came gets smaller ones. */
static void test_padding_and_narrow(void **state)
{
	struct sipseal_meta m = cut_meta(0);
	size_t len = text_with_body(world_options, 3000, text);
	struct world x;

	(void)state;
	world_new(&x, NULL);
	cut_text(&cut, false, 5, text, len, 1440);
	cut.frames[0].len += 20;
	cut_send(&x, &cut, &m);
	cut.frames[0].len -= 20;
	assert_int_equal(x.carrier->sent_cnt, cut.cnt);
	check_as_came(x.carrier, 0, &cut, 0, &m);
	m.mtu = 700;
	cut_text(&cut, false, 6, text, len, 1440);
	cut_send(&x, &cut, &m);
	assert_true(x.carrier->sent_cnt > 2 * cut.cnt);
	for (unsigned i = cut.cnt; i < x.carrier->sent_cnt; i++)
		assert_true(x.carrier->sent[i].len <= 14 + 700);
	assert_int_equal(whole_of(x.carrier, cut.cnt, x.carrier->sent_cnt - cut.cnt, got), len);
	assert_memory_equal(got, text, len);
	world_free(&x);
}

/* What is no datagram. */
enum wrong { OVERLAP, ONE_ALONE, TINY, MALFORMED, LENGTH, TCP, OPAQUE, TTL, SUM, HEADER, WRONGS };

static unsigned wrong_put(enum wrong wrong)
{
	struct cut c = { .off = 8, .len = 1480, .ecn = -1, .want_other_bytes = true };
	bool is_v6 = wrong == TINY || wrong == OPAQUE;
	size_t len = text_with_body(world_invite, 3000, text);
	uint8_t *first;

	cut_text(&cut, is_v6, 9, text, len, 1440);
	first = cut.frames[0].bytes;
	switch (wrong) {
	case OVERLAP:
		cut.frames[1].len = cut_put(&cut.flow, c, cut.frames[1].bytes);
		return cut.cnt;
	case ONE_ALONE:
		return 1;
	case TINY: /* without the UDP header */
		c = (struct cut){ .off = 0, .len = 8, .ecn = -1, .next = 60 };
		cut.frames[0].len = cut_put(&cut.flow, c, first);
		return 1;
	case MALFORMED: /* not the last, no multiple of 8 */
		c.len = 1001;
		cut.frames[0].len = cut_put(&cut.flow, c, first);
		return 1;
	case LENGTH: /* of UDP: longer than what there is */
		first[14 + 20 + 4] = 0xff;
		return cut.cnt;
	case TCP:
		first[14 + 9] = 6;
		flow_sum(first + 14, 20);
		return 1;
	case OPAQUE: /* an authentication header behind the fragment header */
		first[14 + 40] = 51;
		return 1;
	case TTL:
		first[14 + 8] = 1;
		flow_sum(first + 14, 20);
		return 1;
	case SUM:
		first[14 + 20 + 7] ^= 1;
		return cut.cnt;
	case HEADER:
		first[14 + 10] ^= 1;
		return 1;
	default:
		fail();
		return 0;
	}
}

static void test_no_datagram(void **state)
{
	static const struct {
		enum sipseal_reason reason, emergency;
		bool passes;
	} wants[WRONGS] = {
		[OVERLAP] = { SR_FRAGMENT_REFUSED, SR_FRAGMENT_REFUSED, false },
		[ONE_ALONE] = { SR_FRAGMENT_EXPIRED, SR_EMERGENCY_PASSED_LATE, false },
		[TINY] = { SR_FRAGMENT_TINY, SR_FRAGMENT_TINY, false },
		[MALFORMED] = { SR_FRAGMENT_MALFORMED, SR_FRAGMENT_MALFORMED, false },
		[LENGTH] = { SR_FRAGMENT_MALFORMED, SR_FRAGMENT_MALFORMED, false },
		[TCP] = { SR_FRAGMENT_NOT_UDP, SR_FRAGMENT_NOT_UDP, true },
		[OPAQUE] = { SR_FRAGMENT_OPAQUE_DROPPED, SR_EMERGENCY_PASSED_LATE, false },
		[TTL] = { SR_BAD_FRAME, SR_BAD_FRAME, false },
		[SUM] = { SR_BAD_CHECKSUM, SR_EMERGENCY_PASSED_LATE, false },
		[HEADER] = { SR_FRAGMENT_MALFORMED, SR_FRAGMENT_MALFORMED, false },
	};

	(void)state;
	for (unsigned k = 0; k < 2 * WRONGS; k++) {
		unsigned n = wrong_put(k / 2);
		struct sipseal_meta m = cut_meta(k & 1 ? SIPSEAL_META_F_EMERGENCY : 0);
		enum sipseal_reason want = k & 1 ? wants[k / 2].emergency : wants[k / 2].reason;
		bool leaves = wants[k / 2].passes || want == SR_EMERGENCY_PASSED_LATE;
		uint64_t sum = 0;
		struct event_record r;
		struct world x;

		world_new(&x, NULL);
		for (unsigned i = 0; i < n; i++)
			cut_send_one(&x, &cut, i, &m);
		world_run(&x);
		fragments_end(x.w);
		world_run(&x);
		sum = world_reason(&x, want) + (k / 2 == SUM ? world_reason(&x, SR_REASSEMBLED) : 0);
		if (sum != n || x.carrier->sent_cnt != (leaves ? n : 0))
			fail_msg("case %u, emergency %u: %lu of %u, %u left", k / 2, k & 1, (unsigned long)sum, n,
				 x.carrier->sent_cnt);
		for (unsigned i = 0; i < x.carrier->sent_cnt; i++)
			check_as_came(x.carrier, i, &cut, i, &m);
		assert_int_equal(x.w->counters->fragments_held, 0);
		while (world_event(&x, &r))
			assert_int_equal(k / 2, SUM);
		world_free(&x);
	}
}

/* The policy says what becomes of what nobody can tell. */
static void test_opaque_passes(void **state)
{
	struct sipseal_meta m = cut_meta(SIPSEAL_META_F_PASS);
	struct world x;

	(void)state;
	world_new(&x, NULL);
	wrong_put(OPAQUE);
	cut.frames[1].bytes[14 + 40] = 51; /* the same in all of them */
	cut_send_one(&x, &cut, 1, &m); /* held until the first says what it is */
	cut_send_one(&x, &cut, 0, &m);
	world_run(&x);
	assert_int_equal(world_reason(&x, SR_FRAGMENT_OPAQUE), 2);
	assert_int_equal(x.carrier->sent_cnt, 2);
	check_as_came(x.carrier, 0, &cut, 1, &m);
	check_as_came(x.carrier, 1, &cut, 0, &m);
	world_free(&x);
}

/* To a port of no trunk: what XDP says of INVITEs there goes for those in fragments. */
static void test_foreign(void **state)
{
	static const struct {
		unsigned flags;
		const char *text;
		enum sipseal_reason reason;
		bool leaves;
	} cases[] = {
		{ SIPSEAL_META_F_PASS, world_invite, SR_UNMATCHED_LATE, true },
		{ 0, world_invite, SR_UNMATCHED_LATE_DROPPED, false },
		{ SIPSEAL_META_F_EMERGENCY, world_invite, SR_EMERGENCY_PASSED_LATE, true },
		{ 0, world_options, SR_NOT_INVITE, true },
		{ SIPSEAL_META_F_PASS, world_options, SR_NOT_INVITE, true },
	};

	(void)state;
	for (unsigned k = 0; k < ARRAY_SIZE(cases); k++) {
		struct sipseal_meta m = cut_meta(SIPSEAL_META_F_FOREIGN | cases[k].flags), rest = cut_meta(0);
		size_t len = text_with_body(cases[k].text, 3000, text);
		struct event_record r;
		struct world x;

		world_new(&x, NULL);
		cut_text(&cut, false, 9, text, len, 1440);
		cut_send_one(&x, &cut, 1, &rest);
		cut_send_one(&x, &cut, 0, &m);
		cut_send_one(&x, &cut, 2, &rest);
		world_run(&x);
		assert_int_equal(world_reason(&x, cases[k].reason), 1);
		assert_int_equal(world_reason(&x, SR_REASSEMBLED), cut.cnt - 1);
		assert_int_equal(x.carrier->sent_cnt, cases[k].leaves ? cut.cnt : 0);
		assert_false(world_event(&x, &r));
		world_free(&x);
	}
}

/* Blanks before it and any case, as XDP has it: the engine says what it is, nobody else. */
static void test_what_is_an_invite(void **state)
{
	static const struct {
		const char *start;
		enum sipseal_reason reason;
	} cases[] = {
		{ "\r\n\r\nINVITE ", SR_SIGNED }, { "invite ", SR_NOT_INVITE }, { " INVITE ", SR_START_LINE },
		{ "INVITED ", SR_NOT_INVITE }, { "INVITE\t", SR_START_LINE },
	};

	(void)state;
	for (unsigned k = 0; k < ARRAY_SIZE(cases); k++) {
		struct sipseal_meta m = cut_meta(0);
		size_t n = strlen(cases[k].start), len;
		struct world x;

		strcpy(got, cases[k].start);
		strcpy(got + n, world_invite + 7);
		len = text_with_body(got, 3000, text);
		world_new(&x, NULL);
		cut_text(&cut, false, 9, text, len, 1440);
		cut_send(&x, &cut, &m);
		if (world_reason(&x, cases[k].reason) != 1)
			fail_msg("case %u", k);
		world_free(&x);
	}
}

/* The metadata of each is looked at; whose datagram was held while its generation went has the newest one. */
static void test_metadata(void **state)
{
	static const struct {
		uint64_t age_ms;
		int generation;
		uint32_t trunk;
		enum sipseal_reason reason;
	} cases[] = {
		{ 5000, 0, WORLD_TRUNK, SR_STALE_FRAME },
		{ 0, 3, WORLD_TRUNK, SR_UNKNOWN_GENERATION },
		{ 0, 0, WORLD_TRUNK + 1, SR_UNKNOWN_TRUNK },
	};
	size_t len = text_with_body(world_invite, 3000, text);
	struct sipseal_meta m;
	struct world x;

	(void)state;
	cut_text(&cut, false, 9, text, len, 1440);
	for (unsigned k = 0; k < 2 * ARRAY_SIZE(cases); k++) {
		m = cut_meta(k & 1 ? SIPSEAL_META_F_EMERGENCY : 0);
		m.time_ns -= cases[k / 2].age_ms * 1000000;
		m.generation = (uint16_t)(m.generation + cases[k / 2].generation);
		m.trunk = cases[k / 2].trunk;
		world_new(&x, NULL);
		cut_send(&x, &cut, &m);
		assert_int_equal(world_reason(&x, k & 1 ? SR_EMERGENCY_PASSED_LATE : cases[k / 2].reason), cut.cnt);
		assert_int_equal(x.carrier->sent_cnt, k & 1 ? cut.cnt : 0);
		world_free(&x);
	}
	world_new(&x, NULL);
	m = cut_meta(0);
	cut_send_one(&x, &cut, 0, &m);
	world_run(&x);
	assert_int_equal(x.w->counters->fragments_held, 1);
	world_policy_put(x.policy, WORLD_GENERATION + 1, NULL, true);
	world_policy_put(x.policy, WORLD_GENERATION + 2, NULL, true);
	m.generation += 2;
	cut_send_one(&x, &cut, 1, &m);
	cut_send_one(&x, &cut, 2, &m);
	world_run(&x);
	assert_int_equal(world_reason(&x, SR_SIGNED), 1);
	world_free(&x);
}

/* What came from the carrier's side completes nothing that came from the core. */
static void test_sides(void **state)
{
	struct sipseal_meta m = cut_meta(0), other = cut_meta(SIPSEAL_META_F_INBOUND);
	size_t len = text_with_body(world_invite, 1400, text);
	struct world x;

	(void)state;
	world_new(&x, NULL);
	cut_text(&cut, false, 9, text, len, 1440);
	assert_int_equal(cut.cnt, 2);
	cut_send_one(&x, &cut, 0, &m);
	cut_send_one(&x, &cut, 1, &other);
	world_run(&x);
	assert_int_equal(x.w->counters->fragments_held, 2);
	assert_int_equal(x.carrier->sent_cnt + x.core->sent_cnt, 0);
	world_free(&x);
}

static void test_refusal(void **state)
{
	struct sipseal_meta m = cut_meta(0);
	size_t len = text_with_body(world_invite, 5000, text);
	struct world x;

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		world_new(&x, world_refuse_others);
		cut_text(&cut, v6, 9, text, len, 1440);
		cut_send(&x, &cut, &m);
		assert_int_equal(world_reason(&x, SR_NUMBER_REFUSED), 1);
		assert_int_equal(x.carrier->sent_cnt, 0);
		assert_int_equal(x.core->sent_cnt, 1);
		assert_memory_equal(x.core->sent[0].data, cut.frames[0].bytes + 6, 6);
		world_free(&x);
	}
}

/* No way out for all of them: none leaves, and an emergency call finds one later. */
static void test_no_room(void **state)
{
	struct sipseal_meta m = cut_meta(0);
	size_t len = text_with_body(world_options, 20000, text);
	struct world x;

	(void)state;
	world_new(&x, NULL);
	cut_text(&cut, false, 9, text, len, 1440);
	x.carrier->is_holding = true;
	x.w->umem->tx_max = cut.cnt - 1;
	cut_send(&x, &cut, &m);
	assert_int_equal(x.carrier->sent_cnt, 0);
	assert_int_equal(world_reason(&x, SR_NO_FRAME), 1);
	assert_int_equal(x.w->counters->send_errors, 1);
	world_free(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signed),
		cmocka_unit_test(test_tagged),
		cmocka_unit_test(test_retransmission),
		cmocka_unit_test(test_as_it_came),
		cmocka_unit_test(test_padding_and_narrow),
		cmocka_unit_test(test_no_datagram),
		cmocka_unit_test(test_opaque_passes),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_what_is_an_invite),
		cmocka_unit_test(test_metadata),
		cmocka_unit_test(test_sides),
		cmocka_unit_test(test_refusal),
		cmocka_unit_test(test_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
