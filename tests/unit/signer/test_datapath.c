/* SPDX-License-Identifier: BSD-2-Clause */
/* The way of a frame through the signer, with a real engine and key, between two fake NICs. */
#include "signer/publish.h"
#include "signer/world.h"

#include <stdio.h>

static bool holds(struct slice s, const char *text)
{
	return memmem(s.p, s.len, text, strlen(text));
}

static void test_signed(void **state)
{
	struct world x;
	struct sipseal_meta m = world_meta();
	struct slice out;

	(void)state;
	world_new(&x, NULL);
	world_send(&x, &m, world_invite);
	world_run(&x);
	assert_int_equal(x.carrier->sent_cnt, 1);
	assert_int_equal(x.core->sent_cnt, 0);
	out = world_payload(x.carrier, 0);
	assert_true(holds(out, "\r\nIdentity: eyJ"));
	assert_true(out.len > strlen(world_invite) + 300);
	assert_memory_equal(x.carrier->sent[0].data, m.dmac, 6);
	assert_memory_equal(x.carrier->sent[0].data + 6, m.smac, 6);
	assert_int_equal(x.carrier->sent[0].data[14 + 8], 63); /* TTL */
	assert_int_equal(world_reason(&x, SR_SIGNED), 1);
	assert_int_equal(world_trunk_reason(&x, SR_SIGNED), 1);
	assert_int_equal(x.w->counters->signatures, 1);
	assert_int_equal(x.w->counters->sent_xsk, 1);
	assert_true(clock_mono_ns() - x.heartbeat[0] < 1000000000);
	world_free(&x);
}

static struct policy_copy *torn_copy;

/* The daemon begins to write the copy while a call is being signed with it. */
static int torn_sign(void *ctx, uint32_t key, const uint8_t digest[PASSPORT_DIGEST_LEN],
		     uint8_t ret_sig[PASSPORT_SIG_LEN])
{
	torn_copy->generation += 2;
	return credential_sign(ctx, key, digest, ret_sig);
}

/* No call leaves with half of one generation and half of another; an emergency call leaves as it came. */
static void test_torn_policy(void **state)
{
	(void)state;
	for (int is_emergency = 0; is_emergency < 2; is_emergency++) {
		struct world x;
		struct sipseal_meta m = world_meta();

		world_new(&x, NULL);
		if (is_emergency)
			m.flags |= SIPSEAL_META_F_EMERGENCY;
		torn_copy = (struct policy_copy *)(uintptr_t)policy_copy_get(x.policy, m.generation);
		assert_non_null(torn_copy);
		x.w->env.sign = torn_sign;
		world_send(&x, &m, world_invite);
		world_run(&x);
		assert_int_equal(x.carrier->sent_cnt, is_emergency);
		if (is_emergency)
			assert_false(holds(world_payload(x.carrier, 0), "Identity:"));
		assert_int_equal(world_reason(&x, is_emergency ? SR_EMERGENCY_PASSED_LATE :
								 SR_UNKNOWN_GENERATION), 1);
		world_free(&x);
	}
}

static void test_retransmission(void **state)
{
	struct world x;
	struct sipseal_meta m = world_meta();

	(void)state;
	world_new(&x, NULL);
	for (int copy = 0; copy < 4; copy++) {
		world_send(&x, &m, world_invite);
		world_run(&x);
	}
	assert_int_equal(x.carrier->sent_cnt, 4);
	for (int copy = 1; copy < 4; copy++) {
		assert_int_equal(x.carrier->sent[copy].len, x.carrier->sent[0].len);
		assert_memory_equal(x.carrier->sent[copy].data, x.carrier->sent[0].data,
				    x.carrier->sent[0].len);
	}
	assert_int_equal(world_reason(&x, SR_SIGNED), 1);
	assert_int_equal(world_reason(&x, SR_RETRANSMISSION), 3);
	assert_int_equal(x.w->counters->signatures, 1);
	world_free(&x);
}

static void test_unchanged(void **state)
{
	struct world x;
	struct sipseal_meta m = world_meta();
	struct slice out;

	(void)state;
	world_new(&x, NULL);
	world_send(&x, &m, world_options);
	world_run(&x);
	out = world_payload(x.carrier, 0);
	assert_true(slice_eq(out, slice_str(world_options)));
	assert_int_equal(world_reason(&x, SR_NOT_INVITE), 1);
	world_free(&x);
}

static void observe(struct gateway *g, struct trunk *t)
{
	(void)g;
	t->mode = TRUNK_OBSERVE;
}

static void test_observe(void **state)
{
	struct world x;
	struct sipseal_meta m = world_meta();

	(void)state;
	world_new(&x, observe);
	world_send(&x, &m, world_invite);
	world_run(&x);
	assert_true(slice_eq(world_payload(x.carrier, 0), slice_str(world_invite)));
	assert_int_equal(world_reason(&x, SR_OBSERVE), 1);
	assert_int_equal(world_trunk_reason(&x, SR_OBSERVE), 1);
	assert_int_equal(world_trunk_reason(&x, SR_SIGNED), 1);
	/* a copy is decided already */
	world_send(&x, &m, world_invite);
	world_run(&x);
	assert_int_equal(x.carrier->sent_cnt, 2);
	assert_true(slice_eq(world_payload(x.carrier, 1), slice_str(world_invite)));
	assert_int_equal(world_reason(&x, SR_RETRANSMISSION), 1);
	assert_int_equal(x.w->counters->signatures, 1);
	world_free(&x);
}

/* What is wrong with the frame; @emergency: what an emergency call does all the same. */
static const struct {
	const char *name;
	int version, generation;
	uint32_t trunk;
	int64_t age_ms;
	unsigned cut;            /* bytes missing from the frame */
	uint8_t ttl;
	enum sipseal_reason reason;
	bool emergency_leaves;
	bool is_corrupt;         /* one bit of the payload has flipped */
} drops[] = {
	{ "another ABI", 1, 0, WORLD_TRUNK, 0, 0, 64, SR_BAD_METADATA, false },
	{ "generation gone", 0, 1, WORLD_TRUNK, 0, 0, 64, SR_UNKNOWN_GENERATION, true },
	{ "generation two on", 0, 2, WORLD_TRUNK, 0, 0, 64, SR_UNKNOWN_GENERATION, true },
	{ "stale", 0, 0, WORLD_TRUNK, 501, 0, 64, SR_STALE_FRAME, true },
	{ "no such trunk", 0, 0, 0, 0, 0, 64, SR_UNKNOWN_TRUNK, true },
	{ "trunk out of range", 0, 0, UINT32_MAX, 0, 0, 64, SR_UNKNOWN_TRUNK, true },
	{ "cut short", 0, 0, WORLD_TRUNK, 0, 10, 64, SR_BAD_FRAME, true },
	{ "corrupt", 0, 0, WORLD_TRUNK, 0, 0, 64, SR_BAD_CHECKSUM, true, true },
	{ "TTL ends", 0, 0, WORLD_TRUNK, 0, 0, 1, SR_BAD_FRAME, false },
};

static void test_drops(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(drops) * 2; i++) {
		const __typeof__(drops[0]) *c = &drops[i / 2];
		bool emergency = i % 2;
		struct sipseal_meta m = world_meta();
		struct packet_spec s = { .ttl = c->ttl };
		uint8_t frame[XSK_FRAME_SIZE];
		struct world x;
		size_t len = packet_put(&s, world_invite, strlen(world_invite), frame);

		if (c->is_corrupt)
			packet_sum_put(false, frame, len);
		frame[len - 1] ^= c->is_corrupt;
		world_new(&x, NULL);
		m.version = (uint8_t)(m.version + c->version);
		m.generation = (uint16_t)(m.generation + c->generation);
		m.trunk = c->trunk;
		m.time_ns -= (uint64_t)c->age_ms * 1000000;
		m.flags = emergency ? SIPSEAL_META_F_EMERGENCY : 0;
		world_in(&x, &m, frame, len - c->cut);
		world_run(&x);
		if (world_reason(&x, emergency && c->emergency_leaves ? SR_EMERGENCY_PASSED_LATE : c->reason) != 1)
			fail_msg("%s: another reason", c->name);
		if (x.carrier->sent_cnt != (emergency && c->emergency_leaves))
			fail_msg("%s: emergency %d: %u frames left", c->name, emergency,
				 x.carrier->sent_cnt);
		if (x.carrier->sent_cnt && !c->cut && !c->is_corrupt)
			assert_true(slice_eq(world_payload(x.carrier, 0), slice_str(world_invite)));
		assert_int_equal(x.w->counters->signatures, 0);
		world_free(&x);
	}
}

static void test_refused(void **state)
{
	struct world x;
	struct sipseal_meta m = world_meta();
	struct slice out;

	(void)state;
	world_new(&x, world_refuse_others);
	world_send(&x, &m, world_invite);
	world_run(&x);
	assert_int_equal(x.carrier->sent_cnt, 0);
	assert_int_equal(x.core->sent_cnt, 1);
	out = world_payload(x.core, 0);
	assert_true(slice_iprefix(out, SLICE("SIP/2.0 403 ")));
	assert_memory_equal(x.core->sent[0].data, "\2\0\0\0\0\2\2\0\0\0\0\1", 12); /* MACs swapped */
	assert_memory_equal(x.core->sent[0].data + 14 + 16, packet_v4_src, 4);
	assert_int_equal(world_reason(&x, SR_NUMBER_REFUSED), 1);
	/* the same call as an emergency is never refused */
	m.flags = SIPSEAL_META_F_EMERGENCY;
	world_send(&x, &m, world_invite);
	world_run(&x);
	assert_int_equal(x.core->sent_cnt, 1);
	assert_true(slice_eq(world_payload(x.carrier, 0), slice_str(world_invite)));
	assert_int_equal(world_reason(&x, SR_NUMBER_REFUSED), 1);
	assert_int_equal(world_reason(&x, SR_EMERGENCY_PASSED_LATE), 1);
	world_free(&x);
}

static void test_fragments(void **state)
{
	struct world x;
	struct sipseal_meta m = world_meta();
	unsigned total = 0;

	(void)state;
	world_new(&x, NULL);
	m.mtu = 600;
	world_send(&x, &m, world_invite);
	world_run(&x);
	assert_true(x.carrier->sent_cnt >= 2);
	for (unsigned i = 0; i < x.carrier->sent_cnt; i++) {
		assert_true(x.carrier->sent[i].len <= 14 + 600);
		total += x.carrier->sent[i].len - 34;
	}
	assert_true(total > strlen(world_invite) + 300);
	assert_int_equal(x.w->counters->sent_fragments, x.carrier->sent_cnt);
	assert_int_equal(x.w->counters->sent_xsk, 1);
	world_free(&x);
}

static void test_no_way_out(void **state)
{
	struct world x;
	struct sipseal_meta m = world_meta();

	(void)state;
	world_new(&x, NULL);
	m.flags = SIPSEAL_META_F_RAW; /* and there is no raw socket */
	world_send(&x, &m, world_invite);
	m.flags = 0;
	m.egress = SIPSEAL_PORTS_MAX; /* no such NIC */
	world_send(&x, &m, world_options);
	world_run(&x);
	assert_int_equal(world_reason(&x, SR_NO_FRAME), 2);
	assert_int_equal(x.w->counters->send_errors, 2);
	world_free(&x);
}

/* The device takes nothing: frames run out, are counted, and come back. */
static void test_out_of_frames(void **state)
{
	struct world x;
	struct sipseal_meta m;

	(void)state;
	world_new(&x, NULL);
	x.carrier->is_holding = true;
	for (int i = 0; i < 100; i++) {
		m = world_meta();
		world_send(&x, &m, world_options);
		world_run(&x);
	}
	assert_int_equal(x.w->counters->frames_tx, WORLD_FRAMES / 4); /* and receiving goes on */
	assert_int_equal(x.w->counters->frames_rx, WORLD_FRAMES * 3 / 4);
	assert_int_equal(world_reason(&x, SR_NO_FRAME) + world_reason(&x, SR_NOT_INVITE), 100);
	assert_int_equal(x.carrier->sent_cnt, world_reason(&x, SR_NOT_INVITE));
	for (uint64_t i = 0; i < WORLD_FRAMES; i++)
		if (x.w->umem->state[i] == UMEM_TX)
			fake_complete(x.carrier, i * XSK_FRAME_SIZE);
	x.carrier->is_holding = false;
	m = world_meta();
	world_send(&x, &m, world_invite);
	world_run(&x);
	assert_int_equal(world_reason(&x, SR_SIGNED), 1);
	assert_int_equal(x.w->counters->frames_tx, 0);
	world_free(&x);
}

static void test_hostile_descriptor(void **state)
{
	struct world x;
	struct sipseal_meta m = world_meta();

	(void)state;
	world_new(&x, NULL);
	world_send(&x, &m, world_invite);
	x.core->rx.desc[0].len = UINT32_MAX;
	world_send(&x, &m, world_invite);
	x.core->rx.desc[1].addr = UINT64_MAX;
	world_send(&x, &m, world_invite);
	x.core->rx.desc[2].options = 1;
	world_run(&x);
	assert_int_equal(world_reason(&x, SR_BAD_METADATA), 3);
	assert_int_equal(x.carrier->sent_cnt, 0);
	world_free(&x);
}

/* The mark: how many frames may be given until the ring is half full (abi.h). */
static void test_mark(void **state)
{
	struct sipseal_meta m = world_meta();
	_Atomic uint64_t *given, *mark;
	struct world x;
	struct port *p;
	uint32_t room, slot;

	(void)state;
	world_new(&x, NULL);
	p = &x.w->ports[0];
	slot = p->index * SIPSEAL_QUEUES_MAX + p->queue;
	given = &x.heartbeat[SIPSEAL_GIVEN + slot];
	mark = &x.heartbeat[SIPSEAL_MARK + slot];
	*given = 100000; /* of which the kernel has dropped who knows how many */
	world_run(&x);
	room = p->fill_out < p->rx.size ? p->fill_out : p->rx.size;
	assert_true(room >= 8);
	assert_int_equal(*mark, 100000 + room / 2);
	for (uint32_t i = 0; i < room / 2; i++, ++*given)
		world_send(&x, &m, world_options);
	assert_true(*given >= *mark); /* half full, and the worker has not run */
	publish_loop(x.w);
	assert_int_equal(*mark, *given); /* it has run, and the frames still wait */
	world_run(&x);
	assert_true(*mark > *given);
	world_free(&x);
}

/* Between two NICs without addresses: no hop, tags stay, and a call with the last hop left crosses, too. */
static void test_bridged(void **state)
{
	static const uint8_t tags[] = { 0x88, 0xa8, 0, 7, 0x81, 0, 0x60, 9 };

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct packet_spec spec = { .ttl = i & 1 ? 1 : 64 };
		struct sipseal_meta m = world_meta();
		uint8_t frame[XSK_FRAME_SIZE];
		const char *text = i & 2 ? world_options : world_invite;
		size_t len = packet_put(&spec, text, strlen(text), frame);
		struct world x;

		world_new(&x, NULL);
		m.flags = SIPSEAL_META_F_BRIDGED;
		memcpy(m.dmac, frame, 6);
		memcpy(m.smac, frame + 6, 6);
		memmove(frame + 12 + sizeof(tags), frame + 12, len - 12);
		memcpy(frame + 12, tags, sizeof(tags));
		world_in(&x, &m, frame, len + sizeof(tags));
		world_run(&x);
		assert_int_equal(x.carrier->sent_cnt, 1);
		assert_memory_equal(x.carrier->sent[0].data, frame, 22 + 2);
		assert_int_equal(x.carrier->sent[0].data[22 + 8], spec.ttl);
		assert_int_equal(holds(world_payload(x.carrier, 0), "\r\nIdentity: eyJ"), !(i & 2));
		assert_int_equal(world_reason(&x, i & 2 ? SR_NOT_INVITE : SR_SIGNED), 1);
		world_free(&x);
	}
}

/* An answer goes back with the tags of the question. */
static void test_bridged_refusal(void **state)
{
	static const uint8_t tags[] = { 0x81, 0, 0x60, 9 };
	struct packet_spec spec = { .ttl = 1 };
	struct sipseal_meta m = world_meta();
	uint8_t frame[XSK_FRAME_SIZE];
	size_t len = packet_put(&spec, world_invite, strlen(world_invite), frame);
	struct world x;

	(void)state;
	world_new(&x, world_refuse_others);
	m.flags = SIPSEAL_META_F_BRIDGED;
	memmove(frame + 12 + sizeof(tags), frame + 12, len - 12);
	memcpy(frame + 12, tags, sizeof(tags));
	world_in(&x, &m, frame, len + sizeof(tags));
	world_run(&x);
	assert_int_equal(x.core->sent_cnt, 1);
	assert_memory_equal(x.core->sent[0].data, frame + 6, 6);
	assert_memory_equal(x.core->sent[0].data + 6, frame, 6);
	assert_memory_equal(x.core->sent[0].data + 12, frame + 12, 4 + 2);
	assert_true(holds(world_payload(x.core, 0), "SIP/2.0 403"));
	world_free(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signed),
		cmocka_unit_test(test_torn_policy),
		cmocka_unit_test(test_retransmission),
		cmocka_unit_test(test_unchanged),
		cmocka_unit_test(test_observe),
		cmocka_unit_test(test_drops),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_no_way_out),
		cmocka_unit_test(test_out_of_frames),
		cmocka_unit_test(test_hostile_descriptor),
		cmocka_unit_test(test_bridged),
		cmocka_unit_test(test_bridged_refusal),
		cmocka_unit_test(test_mark),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
