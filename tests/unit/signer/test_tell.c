/* SPDX-License-Identifier: BSD-2-Clause */
/* What a worker tells of its frames: events, durations, overrides that were used, what is done, the fair share. */
#include "signer/publish.h"
#include "signer/world.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdio.h>

static const uint8_t v4_src[16] = { [10] = 0xff, 0xff, 10, 0, 0, 1 };

static void observe(struct gateway *g, struct trunk *t)
{
	(void)g;
	t->mode = TRUNK_OBSERVE;
}

static void observe_refusal(struct gateway *g, struct trunk *t)
{
	observe(g, t);
	world_refuse_others(g, t);
}

static bool is_text(const char *p, uint8_t len, const char *want)
{
	return len == strlen(want) && memcmp(p, want, len) == 0;
}

static void test_signed(void **state)
{
	struct sipseal_meta m = world_meta();
	struct event_record r, none;
	struct world x;
	uint64_t before = clock_real_ms();

	(void)state;
	world_new(&x, NULL);
	m.time_ns -= 3000000;
	world_send(&x, &m, world_invite);
	world_run(&x);
	assert_true(world_event(&x, &r));
	assert_in_range(r.time_ms, before, clock_real_ms());
	assert_int_equal(r.trunk, WORLD_TRUNK);
	assert_int_equal(r.key, 0);
	assert_int_equal(r.generation, WORLD_GENERATION);
	assert_int_equal(r.override_seq, 0);
	assert_in_range(r.latency_us, 3000, 3000000);
	assert_int_equal(r.notes, EVENT_NOTE_ANY_NUMBER);
	assert_int_equal(r.code, 0);
	assert_int_equal(r.flags, 0);
	assert_int_equal(r.verdict, VERDICT_SIGN);
	assert_int_equal(r.reason, SR_SIGNED);
	assert_int_equal(r.decided_verdict, VERDICT_SIGN);
	assert_int_equal(r.decided_reason, SR_SIGNED);
	assert_int_equal(r.attest, 'A');
	assert_true(is_text(r.orig, r.orig_len, "12155550112"));
	assert_true(is_text(r.dest, r.dest_len, "12155550113"));
	assert_true(is_text(r.call_id, r.call_id_len, "1@10.0.0.1"));
	assert_int_equal(r.origid_len, 36);
	assert_int_equal(r.origid[14], '4'); /* UUID version */
	assert_memory_equal(r.src, v4_src, 16);
	assert_int_equal(r.src_port, 5060);
	assert_memory_equal(r.dst + 12, packet_v4_dst, 4);
	assert_int_equal(r.dst_port, 5080);
	/* a copy of it is no call of its own */
	world_send(&x, &m, world_invite);
	world_run(&x);
	assert_int_equal(world_reason(&x, SR_RETRANSMISSION), 1);
	assert_false(world_event(&x, &none));
	world_free(&x);
}

/* What happened, and what had been decided. */
static const struct {
	const char *name;
	world_tune_fn *tune;
	const char *msg;
	uint8_t flags;           /* of the metadata */
	uint16_t egress;
	bool is_late, is_corrupt, is_cut;
	int generation;
	uint32_t trunk;
	enum engine_verdict verdict;
	enum sipseal_reason reason;
	enum engine_verdict decided_verdict;
	enum sipseal_reason decided_reason;
	char attest;
	uint16_t code;
	const char *orig;
	bool has_call_id, has_flow;
} outcomes[] = {
	{ "signed", NULL, world_invite, 0, 1, 0, 0, 0, 0, WORLD_TRUNK, VERDICT_SIGN, SR_SIGNED, VERDICT_SIGN, SR_SIGNED,
	  'A', 0, "12155550112", true, true },
	{ "no INVITE", NULL, world_options, 0, 1, 0, 0, 0, 0, WORLD_TRUNK, VERDICT_PASS, SR_NOT_INVITE, VERDICT_PASS,
	  SR_NOT_INVITE, 0, 0, "", false, true },
	{ "refused", world_refuse_others, world_invite, 0, 1, 0, 0, 0, 0, WORLD_TRUNK, VERDICT_REJECT, SR_NUMBER_REFUSED,
	  VERDICT_REJECT, SR_NUMBER_REFUSED, 0, 403, "12155550112", true, true },
	{ "refused, but an emergency", world_refuse_others, world_invite, SIPSEAL_META_F_EMERGENCY, 1, 0, 0, 0, 0, WORLD_TRUNK,
	  VERDICT_PASS, SR_EMERGENCY_PASSED_LATE, VERDICT_PASS, SR_EMERGENCY_PASSED_LATE, 0, 0, "12155550112", true, true },
	{ "observe", observe, world_invite, 0, 1, 0, 0, 0, 0, WORLD_TRUNK, VERDICT_PASS, SR_OBSERVE, VERDICT_SIGN, SR_SIGNED,
	  'A', 0, "12155550112", true, true },
	{ "observe, would be refused", observe_refusal, world_invite, 0, 1, 0, 0, 0, 0, WORLD_TRUNK, VERDICT_PASS, SR_OBSERVE,
	  VERDICT_REJECT, SR_NUMBER_REFUSED, 0, 403, "12155550112", true, true },
	{ "signed, no way out", NULL, world_invite, 0, 7, 0, 0, 0, 0, WORLD_TRUNK, VERDICT_DROP, SR_NO_FRAME, VERDICT_DROP,
	  SR_NO_FRAME, 0, 0, "12155550112", true, true },
	{ "stale", NULL, world_invite, 0, 1, 1, 0, 0, 0, WORLD_TRUNK, VERDICT_DROP, SR_STALE_FRAME, VERDICT_DROP,
	  SR_STALE_FRAME, 0, 0, "", false, true },
	{ "stale emergency", NULL, world_invite, SIPSEAL_META_F_EMERGENCY, 1, 1, 0, 0, 0, WORLD_TRUNK, VERDICT_PASS,
	  SR_EMERGENCY_PASSED_LATE, VERDICT_PASS, SR_EMERGENCY_PASSED_LATE, 0, 0, "", false, true },
	{ "bad checksum", NULL, world_invite, 0, 1, 0, 1, 0, 0, WORLD_TRUNK, VERDICT_DROP, SR_BAD_CHECKSUM, VERDICT_DROP,
	  SR_BAD_CHECKSUM, 0, 0, "", false, true },
	{ "cut short", NULL, world_invite, 0, 1, 0, 0, 1, 0, WORLD_TRUNK, VERDICT_DROP, SR_BAD_FRAME, VERDICT_DROP,
	  SR_BAD_FRAME, 0, 0, "", false, false },
	{ "generation gone", NULL, world_invite, 0, 1, 0, 0, 0, 2, WORLD_TRUNK, VERDICT_DROP, SR_UNKNOWN_GENERATION,
	  VERDICT_DROP, SR_UNKNOWN_GENERATION, 0, 0, "", false, true },
	{ "no such trunk", NULL, world_invite, 0, 1, 0, 0, 0, 0, 1, VERDICT_DROP, SR_UNKNOWN_TRUNK, VERDICT_DROP,
	  SR_UNKNOWN_TRUNK, 0, 0, "", false, true },
};

static void test_outcomes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(outcomes); i++) {
		const __typeof__(outcomes[0]) *c = &outcomes[i];
		struct sipseal_meta m = world_meta();
		struct packet_spec s = { .ttl = 64 };
		uint8_t frame[XSK_FRAME_SIZE];
		size_t len = packet_put(&s, c->msg, strlen(c->msg), frame);
		struct event_record r;
		struct world x;

		if (c->is_corrupt)
			packet_sum_put(false, frame, len);
		frame[len - 1] ^= c->is_corrupt;
		m.flags = c->flags;
		m.egress = c->egress;
		m.time_ns -= c->is_late ? 501000000 : 0;
		m.generation = (uint16_t)(m.generation + c->generation);
		m.trunk = c->trunk;
		world_new(&x, c->tune);
		world_in(&x, &m, frame, len - (c->is_cut ? 10 : 0));
		world_run(&x);
		if (!world_event(&x, &r))
			fail_msg("%s: no event", c->name);
		if (r.verdict != c->verdict || r.reason != c->reason || r.decided_verdict != c->decided_verdict ||
		    r.decided_reason != c->decided_reason)
			fail_msg("%s: %u %u, decided %u %u", c->name, r.verdict, r.reason, r.decided_verdict,
				 r.decided_reason);
		if (r.attest != c->attest || (r.key == 0) != (c->attest != 0) || !!r.origid_len != (c->attest != 0) ||
		    r.code != c->code)
			fail_msg("%s: attest %d key %u origid %u code %u", c->name, r.attest, r.key, r.origid_len, r.code);
		if (!is_text(r.orig, r.orig_len, c->orig) || !!r.call_id_len != c->has_call_id)
			fail_msg("%s: orig %.*s, call_id %u", c->name, r.orig_len, r.orig, r.call_id_len);
		if (r.src[10] != 0xff || (r.src[12] != 0) != c->has_flow || (r.dst_port != 0) != c->has_flow)
			fail_msg("%s: addresses", c->name);
		if (r.trunk != c->trunk || r.generation != (c->generation ? 0 : WORLD_GENERATION))
			fail_msg("%s: trunk %u generation %lu", c->name, r.trunk, (unsigned long)r.generation);
		if (world_event(&x, &r))
			fail_msg("%s: a second event", c->name);
		world_free(&x);
	}
}

static void test_no_believable_metadata(void **state)
{
	struct sipseal_meta m = world_meta();
	struct event_record r;
	struct world x;

	(void)state;
	world_new(&x, NULL);
	m.version++;
	world_send(&x, &m, world_invite);
	world_run(&x);
	assert_int_equal(world_reason(&x, SR_BAD_METADATA), 1);
	assert_false(world_event(&x, &r));
	assert_int_equal(x.events->override_used[0], 0);
	world_free(&x);
}

static const char *with_call_id(const char *id, unsigned cseq)
{
	static char msg[2048];

	snprintf(msg, sizeof(msg), "INVITE sip:+12155550113@203.0.113.10 SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK-%u\r\nFrom: <sip:+12155550112@10.0.0.1>;tag=a\r\n"
		 "To: <sip:+12155550113@203.0.113.10>\r\nCall-ID: %s\r\nCSeq: %u INVITE\r\nContent-Length: 0\r\n\r\n",
		 cseq, id, cseq);
	return msg;
}

/* Long ones are cut and say so; what stands in them is copied as it is. */
static void test_call_ids(void **state)
{
	struct world x;
	char id[400];

	(void)state;
	world_new(&x, NULL);
	for (unsigned n = EVENTS_CALL_ID - 1; n <= EVENTS_CALL_ID + 100; n += n > EVENTS_CALL_ID ? 99 : 1) {
		struct sipseal_meta m = world_meta();
		struct event_record r;

		memset(id, '\x1b', n);
		id[n] = '\0';
		world_send(&x, &m, with_call_id(id, n));
		world_run(&x);
		assert_true(world_event(&x, &r));
		assert_int_equal(r.call_id_len, n < EVENTS_CALL_ID ? n : EVENTS_CALL_ID);
		assert_int_equal(!!(r.flags & EVENT_CALL_ID_CUT), n > EVENTS_CALL_ID);
		assert_memory_equal(r.call_id, id, r.call_id_len);
	}
	world_free(&x);
}

/* Nobody reads: calls go on, losses are counted, and later events come through. */
static void test_ring_full(void **state)
{
	struct event_record r;
	struct world x;
	struct events_worker *ev;

	(void)state;
	world_new(&x, NULL);
	ev = events_worker(x.events, 0);
	ev->head = x.events_seen = 1000000;
	ev->tail = ev->head - EVENTS_RING + 1; /* room for one */
	for (unsigned i = 0; i < 3; i++) {
		struct sipseal_meta m = world_meta();

		world_send(&x, &m, with_call_id("full", i + 1));
		world_run(&x);
	}
	assert_int_equal(x.carrier->sent_cnt, 3);
	assert_int_equal(world_reason(&x, SR_SIGNED), 3);
	assert_int_equal(ev->dropped, 2);
	assert_int_equal(ev->head, 1000001);
	ev->tail = ev->head;
	struct sipseal_meta m = world_meta();

	world_send(&x, &m, with_call_id("after", 9));
	world_run(&x);
	assert_int_equal(ev->dropped, 2);
	assert_true(world_event(&x, &r) && world_event(&x, &r));
	assert_true(is_text(r.call_id, r.call_id_len, "after"));
	world_free(&x);
}

static void test_v6(void **state)
{
	struct sipseal_meta m = world_meta();
	struct packet_spec s = { .is_v6 = true, .ttl = 64 };
	uint8_t frame[XSK_FRAME_SIZE];
	struct event_record r;
	struct world x;

	(void)state;
	world_new(&x, NULL);
	world_in(&x, &m, frame, packet_put(&s, world_invite, strlen(world_invite), frame));
	world_run(&x);
	assert_true(world_event(&x, &r));
	assert_int_equal(r.flags, EVENT_V6);
	assert_memory_equal(r.src, packet_v6_src, 16);
	assert_memory_equal(r.dst, packet_v6_dst, 16);
	world_free(&x);
}

static uint64_t sum_of(const _Atomic uint64_t *b)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < COUNTERS_BUCKETS; i++)
		sum += b[i];
	return sum;
}

static void test_buckets(void **state)
{
	static const struct { uint64_t ns; unsigned bucket; } cases[] = {
		{ 0, 0 }, { 7999, 0 }, { 8000, 1 }, { 15999, 1 }, { 16000, 2 }, { 1000000, 7 }, { 1024000, 8 },
		{ 2097151999, 18 }, { 2097152000, 19 }, { 3600000000000, 19 }, { UINT64_MAX, 19 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_Atomic uint64_t b[COUNTERS_BUCKETS] = { 0 }, sum = 5;

		counters_time(b, &sum, cases[i].ns);
		if (b[cases[i].bucket] != 1 || sum_of(b) != 1 || sum != cases[i].ns + 5)
			fail_msg("%lu ns", (unsigned long)cases[i].ns);
	}
}

/* Durations: of signatures what was signed, of latency what left. */
static void test_durations(void **state)
{
	struct sipseal_meta m = world_meta();
	struct counters_worker *c;
	struct world x;

	(void)state;
	world_new(&x, NULL);
	c = x.w->counters;
	m.time_ns -= 10000000;
	world_send(&x, &m, world_invite);  /* signed */
	world_send(&x, &m, world_invite);  /* a copy */
	world_send(&x, &m, world_options); /* unchanged */
	world_run(&x);
	m.egress = 7;
	world_send(&x, &m, with_call_id("a", 1)); /* signed, but does not leave */
	m.time_ns -= 600000000;
	world_send(&x, &m, with_call_id("b", 1)); /* stale */
	world_run(&x);
	assert_int_equal(c->signatures, 2);
	assert_int_equal(sum_of(c->sign_us), 2);
	assert_in_range(c->sign_ns_sum, 2 * 5000, 1000000000); /* no P-256 signature takes less */
	assert_int_equal(sum_of(c->latency_us), 3);
	assert_in_range(c->latency_ns_sum, 3 * 10000000ull, 3000000000ull);
	world_free(&x);
}

/* ---- overrides ---- */

static uint64_t override_put(struct world *x, enum override_kind kind, const char *key, uint64_t seq)
{
	uint64_t hash = override_hash(kind, slice_str(key));
	struct override_entry *e;
	uint32_t b[2];

	override_buckets(hash, b);
	e = &x->overrides->entries[b[0] * OVERRIDE_WAYS];
	e->seq = seq;
	e->kind = kind;
	e->key_len = (uint32_t)strlen(key);
	memcpy(e->key, key, strlen(key));
	e->expires_ns = clock_mono_ns() + 60000000000;
	e->location.len = (uint32_t)strlen(key);
	memcpy(e->location.text, key, strlen(key)); /* the document is the key: seen on the wire */
	x->overrides->tags[b[0]][0] = hash;
	x->overrides->cnt++;
	return b[0] * OVERRIDE_WAYS;
}

static bool carries(const struct world *x, unsigned i, const char *text)
{
	struct slice s = world_payload(x->carrier, i);
	const char *body = memmem(s.p, s.len, "pidf+xml", 8);

	return body && memmem(body, (size_t)(s.p + s.len - body), text, strlen(text));
}

static void test_override(void **state)
{
	static const struct { const char *id; unsigned cseq; const char *document; uint64_t seq; } calls[] = {
		{ "for-one@x", 1, "for-one@x", 5 },    /* Call-ID before number */
		{ "for-one@x", 1, "for-one@x", 0 },    /* a copy: the same bytes, no event */
		{ "for-one@x", 2, "12155550112", 6 },  /* used up: now the number's */
		{ "another@x", 1, "12155550112", 6 },
	};
	struct event_record r;
	struct world x;
	uint64_t index[2];

	(void)state;
	world_new(&x, NULL);
	index[0] = override_put(&x, OVERRIDE_CALL_ID, "for-one@x", 5);
	index[1] = override_put(&x, OVERRIDE_CALLING, "12155550112", 6);
	for (unsigned i = 0; i < ARRAY_SIZE(calls); i++) {
		struct sipseal_meta m = world_meta();
		bool has_event;

		world_send(&x, &m, with_call_id(calls[i].id, calls[i].cseq));
		world_run(&x);
		assert_true(carries(&x, i, calls[i].document));
		has_event = world_event(&x, &r);
		assert_int_equal(has_event, calls[i].seq != 0);
		if (!has_event)
			continue;
		assert_int_equal(r.override_seq, calls[i].seq);
		assert_int_equal(r.override_index, index[calls[i].seq - 5]);
		assert_int_equal(r.notes, EVENT_NOTE_OVERRIDE | EVENT_NOTE_LOCATION | EVENT_NOTE_ANY_NUMBER);
	}
	assert_int_equal(x.events->override_used[index[0]], 5);
	assert_int_equal(x.events->override_used[index[1]], 0);
	/* nothing set: nothing of the former call sticks */
	x.overrides->cnt = 0;
	struct sipseal_meta m = world_meta();

	world_send(&x, &m, with_call_id("last@x", 1));
	world_run(&x);
	assert_false(carries(&x, 4, "1"));
	assert_true(world_event(&x, &r));
	assert_int_equal(r.override_seq, 0);
	assert_int_equal(r.override_index, 0);
	world_free(&x);
}

/* ---- what is done, what can be served ---- */

static void test_drained(void **state)
{
	struct sipseal_meta m = world_meta();
	_Atomic uint64_t *drained;
	struct world x;
	uint64_t t;

	(void)state;
	world_new(&x, NULL);
	drained = &x.w->counters->drained_ns;
	t = clock_mono_ns();
	worker_loop(x.w);
	assert_in_range(*drained, t, clock_mono_ns()); /* idle: at every turn */
	t = clock_mono_ns();
	worker_loop(x.w);
	assert_true(*drained >= t);
	/* what the device has not taken is not done */
	x.carrier->error = -EAGAIN;
	world_send(&x, &m, world_invite);
	t = clock_mono_ns();
	for (int i = 0; i < 3; i++)
		worker_loop(x.w);
	assert_true(*drained < t);
	x.carrier->error = 0;
	worker_loop(x.w);
	assert_in_range(*drained, t, clock_mono_ns());
	assert_int_equal(x.carrier->sent_cnt, 1);
	world_free(&x);
}

/* More frames than one turn takes: those that came before the look are waited for, and the moment that is told
 * is that of the look. */
static void test_drained_late(void **state)
{
	_Atomic uint64_t *drained;
	struct world x;
	uint64_t before, between;

	(void)state;
	world_new(&x, NULL);
	drained = &x.w->counters->drained_ns;
	worker_loop(x.w);
	before = clock_mono_ns();
	x.core->rx.producer += PORT_BATCH + 10; /* empty descriptors: counted as damaged */
	worker_loop(x.w);
	assert_true(*drained < before);
	between = clock_mono_ns();
	x.core->rx.producer += 5; /* after the look */
	worker_loop(x.w);
	assert_in_range(*drained, before, between);
	worker_loop(x.w);
	assert_true(*drained > between);
	world_free(&x);
}

static void test_fair_word(void **state)
{
	struct sipseal_meta m = world_meta();
	_Atomic uint64_t *word;
	struct world x;
	uint64_t one;

	(void)state;
	world_new(&x, NULL);
	word = &x.heartbeat[SIPSEAL_FAIR];
	worker_loop(x.w);
	assert_int_equal(*word, 0);
	world_send(&x, &m, world_invite);
	world_run(&x);
	one = *word;
	assert_in_range(one, 5000, 100000000); /* one trunk: what a call costs */
	for (uint32_t trunk = 0; trunk < 8; trunk++) {
		m.trunk = trunk; /* unknown ones take time as well */
		world_send(&x, &m, world_options);
	}
	world_run(&x);
	assert_int_equal(*word, x.w->fair.service_ns * 8);
	x.w->fair.window_ns -= 2 * FAIR_WINDOW_NS;
	worker_loop(x.w);
	assert_int_equal(*word, 0);
	world_free(&x);
}

/* ---- keys ---- */

static void *run(void *w)
{
	worker_run(w);
	return NULL;
}

/* A key that was dropped leaves the memory of a worker that has signed with it, also of an idle one. */
static void test_key_wiped(void **state)
{
	struct sipseal_meta m = world_meta();
	size_t before, with;
	pthread_t thread;
	struct world x;

	(void)state;
	assert_int_not_equal(CRYPTO_secure_malloc_init(1 << 16, 32), 0);
	world_new(&x, NULL);
	world_send(&x, &m, world_invite);
	world_run(&x);
	with = CRYPTO_secure_used();
	credential_drop(x.credentials, 0);
	assert_int_equal(CRYPTO_secure_used(), with);
	assert_int_equal(pthread_create(&thread, NULL, run, x.w), 0);
	for (int i = 0; i < 150 && (before = CRYPTO_secure_used()) >= with; i++)
		usleep(10000);
	worker_stop(x.w);
	pthread_join(thread, NULL);
	assert_true(before < with);
	world_free(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signed),
		cmocka_unit_test(test_outcomes),
		cmocka_unit_test(test_no_believable_metadata),
		cmocka_unit_test(test_call_ids),
		cmocka_unit_test(test_ring_full),
		cmocka_unit_test(test_v6),
		cmocka_unit_test(test_buckets),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_override),
		cmocka_unit_test(test_drained),
		cmocka_unit_test(test_drained_late),
		cmocka_unit_test(test_fair_word),
		cmocka_unit_test(test_key_wiped),
	};

	return cmocka_run_group_tests_name("tell", tests, NULL, NULL);
}
