/* SPDX-License-Identifier: BSD-2-Clause */
/* capture: the reader, and a worker that lies. */
#include "captureworld.h"

#include <errno.h>

#define AT(type, field) offsetof(struct type, field)
#define PACKET (sizeof(struct capture_call))

static const struct {
	const char *name;
	size_t off;
	unsigned size;
	uint64_t value;
	int ret;
} lies[] = {
	{ "no lie", AT(capture_call, generation), 8, 12, 1 },
	{ "length 0", AT(capture_call, len), 4, 0, -EBADMSG },
	{ "shorter than its head", AT(capture_call, len), 4, 32, -EBADMSG },
	{ "nothing but its head", AT(capture_call, len), 4, 40, -EBADMSG },
	{ "not a multiple of 8", AT(capture_call, len), 4, 247, -EBADMSG },
	{ "shorter than its packets", AT(capture_call, len), 4, 240, -EBADMSG },
	{ "longer than its packets", AT(capture_call, len), 4, 256, -EBADMSG },
	{ "longer than what is there", AT(capture_call, len), 4, 504, -EBADMSG },
	{ "longer than a record may be", AT(capture_call, len), 4, CAPTURE_CALL_MAX + 8, -EBADMSG },
	{ "length with all bits", AT(capture_call, len), 4, UINT32_MAX - 7, -EBADMSG },
	{ "no packets", AT(capture_call, packet_cnt), 4, 0, -EBADMSG },
	{ "a packet less", AT(capture_call, packet_cnt), 4, 1, -EBADMSG },
	{ "a packet more", AT(capture_call, packet_cnt), 4, 3, -EBADMSG },
	{ "too many packets", AT(capture_call, packet_cnt), 4, UINT32_MAX, -EBADMSG },
	{ "last slot", AT(capture_call, trunk), 4, SIPSEAL_TRUNKS_MAX - 1, 1 },
	{ "slot", AT(capture_call, trunk), 4, SIPSEAL_TRUNKS_MAX, -EBADMSG },
	{ "direction", AT(capture_call, is_inbound), 1, 2, -EBADMSG },
	{ "verdict", AT(capture_call, verdict), 1, EVENT_VERIFY + 1, -EBADMSG },
	{ "decided verdict", AT(capture_call, decided_verdict), 1, 0xff, -EBADMSG },
	{ "reason of XDP", AT(capture_call, reason), 1, 1, -EBADMSG },
	{ "no reason", AT(capture_call, reason), 1, 0, -EBADMSG },
	{ "reason that there is not", AT(capture_call, reason), 1, 0xff, -EBADMSG },
	{ "decided reason", AT(capture_call, decided_reason), 1, 0, -EBADMSG },
	{ "stage", PACKET + AT(capture_packet, stage), 1, CAPTURE_ANSWER + 1, -EBADMSG },
	{ "form 0", PACKET + AT(capture_packet, form), 1, 0, -EBADMSG },
	{ "form", PACKET + AT(capture_packet, form), 1, CAPTURE_UDP + 1, -EBADMSG },
	{ "payload of IPv4 without such addresses", PACKET + AT(capture_packet, form), 1, CAPTURE_UDP, -EBADMSG },
	{ "no NIC", PACKET + AT(capture_packet, nic), 1, CAPTURE_NIC_NONE, 1 },
	{ "NIC", PACKET + AT(capture_packet, nic), 1, CAPTURE_NICS, -EBADMSG },
	{ "flags of a frame", PACKET + AT(capture_packet, flags), 1, CAPTURE_V6, -EBADMSG },
	{ "frame without an Ethernet header", PACKET + AT(capture_packet, data_len), 4, 13, -EBADMSG },
	{ "other bytes in the same room", PACKET + AT(capture_packet, data_len), 4, 41, 1 },
	{ "bytes to the end but one word", PACKET + AT(capture_packet, data_len), 4, 144, -EBADMSG },
	{ "bytes to the end", PACKET + AT(capture_packet, data_len), 4, 152, -EBADMSG },
	{ "bytes behind the end", PACKET + AT(capture_packet, data_len), 4, 153, -EBADMSG },
	{ "more bytes than a packet has", PACKET + AT(capture_packet, data_len), 4, CAPTURE_DATA_MAX + 1, -EBADMSG },
	{ "bytes that overflow", PACKET + AT(capture_packet, data_len), 4, UINT32_MAX, -EBADMSG },
	{ "second packet: bytes behind the end", 2 * PACKET + 16 + 48 + AT(capture_packet, data_len), 4, 49, -EBADMSG },
	{ "second packet: too short for IP", 2 * PACKET + 16 + 48 + AT(capture_packet, data_len), 4, 19, -EBADMSG },
};

/* Two records, the first with a lie, at every place in which the ring may end. */
static void lie(size_t i, uint64_t start)
{
	struct world x = world_new();
	int r;

	x.c.head = x.w->head = x.w->tail = x.tail = start;
	atomic_store(&x.r->want, CAPTURE_ALL);
	tell(&x.c, 1, NOW, 44, 2, 1);
	assert_int_equal(x.w->head - start, sizeof(outcome) + 2 * (sizeof(before) + 48));
	for (unsigned b = 0; b < lies[i].size; b++)
		x.w->ring[(start + lies[i].off + b) & (CAPTURE_RING - 1)] = (char)(lies[i].value >> (8 * b));
	tell(&x.c, 1, NOW, 44, 2, 1);
	r = capture_take(x.w, &x.tail, x.copy);
	if (r != lies[i].ret)
		fail_msg("%s at %lu: %d, want %d", lies[i].name, (unsigned long)start, r, lies[i].ret);
	if (x.tail == start || x.w->tail != x.tail)
		fail_msg("%s: the reader stands still", lies[i].name);
	for (unsigned n = 0; capture_take(x.w, &x.tail, x.copy); n++)
		assert_true(n < 100);
	assert_int_equal(x.tail, x.w->head);
	tell(&x.c, 1, NOW, 44, 2, 1);
	assert_int_equal(capture_take(x.w, &x.tail, x.copy), 1);
	world_free(&x);
}

static void test_lies(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		lie(i, 0);
		lie(i, CAPTURE_RING - 16);
		lie(i, 5 * CAPTURE_RING - 48);
	}
}

static const struct { const char *name; int64_t head; int ret; } heads[] = {
	{ "a record", 248, 1 },
	{ "half a record", 240, -EBADMSG },
	{ "a byte", 1, -EBADMSG },
	{ "less than a head", 39, -EBADMSG },
	{ "the whole ring", CAPTURE_RING, 1 },
	{ "one behind the ring", CAPTURE_RING + 8, -EBADMSG },
	{ "backwards", -8, -EBADMSG },
	{ "far backwards", INT64_MIN, -EBADMSG },
	{ "far", INT64_MAX, -EBADMSG },
};

/* A head that cannot be, before a record that is sound: the reader goes there and reads nothing. */
static void test_heads(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		struct world x = world_new();
		int r;

		x.c.head = x.w->tail = x.tail = 4096;
		atomic_store(&x.r->want, CAPTURE_ALL);
		tell(&x.c, 1, NOW, 44, 2, 1);
		atomic_store(&x.w->head, 4096 + (uint64_t)heads[i].head);
		r = capture_take(x.w, &x.tail, x.copy);
		if (r != heads[i].ret || x.tail != (r == 1 ? 4096 + 248 : x.w->head))
			fail_msg("%s: %d", heads[i].name, r);
		world_free(&x);
	}
}

/* ---- records that are sound but for one thing ---- */

struct forged {
	const char *name;
	struct capture_packet p;
	unsigned cnt;              /* packets that are there, all the same */
	uint32_t len_more;         /* bytes that the head says beyond them */
	int ret;
};

#define MAPPED { [10] = 0xff, 0xff, 10, 0, 0, 1 }
#define L2(n) { .form = CAPTURE_L2, .data_len = (n) }
#define L3(n) { .form = CAPTURE_L3, .data_len = (n) }
#define UDP(n, ...) { .form = CAPTURE_UDP, .data_len = (n), __VA_ARGS__ }

static const struct forged forgeds[] = {
	{ "no packets", L2(14), 0, 0, -EBADMSG },
	{ "as many as may be", L2(14), CAPTURE_PACKETS_MAX, 0, 1 },
	{ "one more", L2(14), CAPTURE_PACKETS_MAX + 1, 0, -EBADMSG },
	{ "shortest frame", L2(14), 1, 0, 1 },
	{ "shorter frame", L2(13), 1, 0, -EBADMSG },
	{ "longest frame", L2(CAPTURE_DATA_MAX), 1, 0, 1 },
	{ "longer frame", L2(CAPTURE_DATA_MAX + 1), 1, 0, -EBADMSG },
	{ "shortest packet", L3(20), 1, 0, 1 },
	{ "shorter packet", L3(19), 1, 0, -EBADMSG },
	{ "longest packet", L3(65535), 1, 0, 1 },
	{ "longer packet", L3(65536), 1, 0, -EBADMSG },
	{ "packet with flags", { .form = CAPTURE_L3, .data_len = 20, .flags = CAPTURE_V6 }, 1, 0, -EBADMSG },
	{ "payload, IPv4", UDP(5, .src = MAPPED, .dst = MAPPED), 1, 0, 1 },
	{ "payload, IPv4, source is none", UDP(5, .dst = MAPPED), 1, 0, -EBADMSG },
	{ "payload, IPv4, destination is none", UDP(5, .src = MAPPED), 1, 0, -EBADMSG },
	{ "payload, IPv6", UDP(5, .flags = CAPTURE_V6), 1, 0, 1 },
	{ "payload, other flags", UDP(5, .flags = CAPTURE_V6 | 2), 1, 0, -EBADMSG },
	{ "longest payload", UDP(CAPTURE_UDP_MAX, .flags = CAPTURE_V6), 1, 0, 1 },
	{ "longer payload", UDP(CAPTURE_UDP_MAX + 1, .flags = CAPTURE_V6), 1, 0, -EBADMSG },
	{ "longer than a record may be", L2(40896), 4, 0, -EBADMSG }, /* by 8 bytes */
	{ "far longer", L2(14), 1, CAPTURE_RING - 1000, -EBADMSG },
};

/* Into the ring behind the writer's back. */
static uint32_t forge(struct capture_worker *w, const struct forged *f)
{
	struct capture_call call = outcome;
	uint32_t at = sizeof(call);

	for (unsigned i = 0; i < f->cnt; i++) {
		memcpy(w->ring + at, &f->p, sizeof(f->p));
		at += (uint32_t)sizeof(f->p) + (f->p.data_len + 7) / 8 * 8;
	}
	call.packet_cnt = f->cnt;
	call.len = at + f->len_more;
	memcpy(w->ring, &call, sizeof(call));
	return call.len;
}

static void test_forged(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(forgeds); i++) {
		struct world x = world_new();
		uint32_t len = forge(x.w, &forgeds[i]);
		int r;

		atomic_store(&x.w->head, CAPTURE_RING);
		r = capture_take(x.w, &x.tail, x.copy);
		if (r != forgeds[i].ret)
			fail_msg("%s: %d", forgeds[i].name, r);
		if (x.tail != (len > CAPTURE_CALL_MAX ? CAPTURE_RING : len))
			fail_msg("%s: tail %lu", forgeds[i].name, (unsigned long)x.tail);
		world_free(&x);
	}
}

/* The longest record there can be, whose last packet or packets would stand behind its end. */
static void test_end(void **state)
{
	const uint32_t last = 40 + 3 * (56 + 40896), rest = CAPTURE_CALL_MAX - last - 56;
	const struct { uint32_t last_len, cnt; int ret; } ends[] = {
		{ rest, 4, 1 }, { rest, 5, -EBADMSG }, { rest + 1, 4, -EBADMSG }, { CAPTURE_DATA_MAX, 5, -EBADMSG },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		struct world x = world_new();
		struct forged f = { "", L2(40896), 4, 0, 0 };
		struct capture_packet p = f.p;
		struct capture_call call = outcome;

		forge(x.w, &f);
		call.len = CAPTURE_CALL_MAX;
		call.packet_cnt = ends[i].cnt;
		memcpy(x.w->ring, &call, sizeof(call));
		p.data_len = ends[i].last_len;
		memcpy(x.w->ring + last, &p, sizeof(p));
		atomic_store(&x.w->head, CAPTURE_CALL_MAX);
		if (capture_take(x.w, &x.tail, x.copy) != ends[i].ret)
			fail_msg("%zu", i);
		world_free(&x);
	}
}

/* Whatever stands there: what is taken can be walked, and ends. */
static void test_noise(void **state)
{
	struct world x = world_new();
	uint64_t seed = 88172645463325252ull, good = 0;

	(void)state;
	atomic_store(&x.r->want, CAPTURE_ALL);
	for (unsigned n = 0; n < 20000; n++) {
		uint64_t start = x.w->head, at;

		tell(&x.c, 1, NOW + n * SECOND, 20 + n % 60, 1 + n % 4, (int)n);
		for (unsigned k = 0; k < n % 3; k++) {
			seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
			at = start + seed % (x.w->head - start);
			x.w->ring[at & (CAPTURE_RING - 1)] ^= (char)(1u << (seed >> 32) % 8);
		}
		for (int r; (r = capture_take(x.w, &x.tail, x.copy)) != 0;) {
			struct capture_packet p;
			struct slice data;
			size_t off = 0;
			unsigned cnt = 0;

			if (r < 0)
				continue;
			while (capture_next(x.copy, &off, &p, &data)) {
				assert_true(data.p + data.len <= (char *)x.copy + x.copy->call.len);
				cnt++;
			}
			assert_int_equal(cnt, x.copy->call.packet_cnt);
			assert_int_equal(off, x.copy->call.len - sizeof(x.copy->call));
			good++;
		}
		assert_int_equal(x.tail, x.w->head);
	}
	assert_in_range(good, 10000, 19999);
	world_free(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_heads),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_noise),
	};

	return cmocka_run_group_tests_name("capture_lies", tests, NULL, NULL);
}
