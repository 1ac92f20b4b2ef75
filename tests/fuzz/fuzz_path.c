/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The whole data path of the signer, from frames in the rx rings to frames in the tx rings: a worker between two NICs
 * whose kernel is a fake, as in tests/unit/signer.  The input is a row of
 *
 *     OP FLAGS VARIANT SHAPE LEN LEN BYTES
 *
 *     OP 0  a frame of these bytes, behind two MAC addresses
 *        1  a UDP datagram of these bytes, whole or in fragments as SHAPE says
 *        2  an INVITE from the carrier with a good Identity, and these bytes as further rows
 *        3  the fake kernels become what SHAPE says: busy, down, slow
 *
 * FLAGS are those of the metadata, VARIANT makes the rest of it wrong.  After each step: every frame has one reason
 * (or waits), none of the UMEM is lost, and what left is a packet: its lengths fit into the MTU, its sums are right.
 */
#include "signer/calls.h"
#include "wire/checksum.h"
#include "wire/l3.h"

#define STEPS_MAX 24
#define BYTES_MAX 16000
#define ROOM (XSK_FRAME_SIZE - 256)
#define L2_MAX 22

#define SHAPE_V6     0x01
#define SHAPE_TAG    0x02
#define SHAPE_TAGS   0x04
#define SHAPE_SPLIT  0x18 /* bytes per fragment; 0: whole */
#define SHAPE_BACK   0x20 /* the last one first */
#define SHAPE_TWICE  0x40 /* and one of them again */
#define SHAPE_ODD    0x80 /* a wrong sum; another port */

#define KERNEL_DOWN    0x01
#define KERNEL_SLOW    0x02
#define KERNEL_HOLDING 0x04

struct op {
	uint8_t op, flags, variant, shape;
	struct slice bytes;
};

static struct calls c;
static uint16_t next_id;

static void *xmalloc(size_t len)
{
	void *p = malloc(len ? len : 1);

	if (!p)
		abort();
	return p;
}

/* ---- what came out ---- */

static size_t eth_len(const char *frame, size_t len)
{
	size_t n = 14;

	while (n + 4 <= len && n < L2_MAX && (get_be16(frame + n - 2) == 0x8100 || get_be16(frame + n - 2) == 0x88a8))
		n += 4;
	return n;
}

/* Frames that we made: emergency calls and originals may leave as odd as they came. */
static void check_frame(const struct fake_sent *s, bool may_be_odd)
{
	size_t at = eth_len(s->data, s->len);
	struct wire_frame f;

	if (s->len < 14 || s->len > XSK_FRAME_SIZE)
		fail_msg("a frame of %u bytes", s->len);
	if (may_be_odd)
		return;
	if (get_be16(s->data + at - 2) == ETHERTYPE_V4) {
		size_t hlen = (s->data[at] & 15u) * 4;

		assert_true(s->len >= at + 20 && s->len >= at + hlen && hlen >= 20);
		assert_true(get_be16(s->data + at + 2) <= s->len - at);
		assert_int_equal(checksum_fold(checksum_add(0, s->data + at, hlen)), 0);
	}
	if (wire_frame_parse(slice_of(s->data, s->len), &f) == 0 && wire_checksum_is_bad(&f))
		fail_msg("a datagram with a wrong sum left");
}

static void check_sent(struct fake_kernel *k, bool may_be_odd)
{
	for (unsigned i = 0; i < k->sent_cnt; i++)
		check_frame(&k->sent[i], may_be_odd);
	k->sent_cnt = 0;
}

/* ---- what goes in ---- */

static struct sipseal_meta meta_of(const struct op *o, bool is_fragment)
{
	static const uint16_t mtus[] = { 1500, 1280, 576, 9000, 0, 65535, 1492, 68 };
	struct sipseal_meta m = world_meta();
	bool is_inbound = o->flags & SIPSEAL_META_F_INBOUND;

	m.flags = o->flags | (is_fragment ? SIPSEAL_META_F_FRAGMENT : 0);
	m.egress = is_inbound ? 0 : 1;
	m.mtu = mtus[o->variant & 7];
	switch (o->variant >> 3) {
	case 1:
		m.version++;
		break;
	case 2:
		m.generation++;
		break;
	case 3:
		m.generation -= 9;
		break;
	case 4:
		m.trunk = 0;
		break;
	case 5:
		m.trunk = UINT32_MAX;
		break;
	case 6:
		m.egress = 7;
		break;
	case 7:
		m.egress = UINT16_MAX;
		break;
	case 8:
		m.time_ns = 0;
		break;
	case 9:
		m.time_ns += 1u << 30;
		break;
	}
	return m;
}

static void deliver(const struct op *o, bool is_fragment, const void *frame, size_t len)
{
	struct sipseal_meta m = meta_of(o, is_fragment);
	struct fake_kernel *k = m.flags & SIPSEAL_META_F_INBOUND ? c.x.carrier : c.x.core;

	if (fake_deliver(k, &m, sizeof(m), frame, len))
		c.x.delivered++;
}

/* The sum of an IPv4 header is made right, or nothing would get far. */
static void frame_in(const struct op *o)
{
	uint8_t frame[ROOM] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2 };
	size_t len = o->bytes.len < ROOM - 12 ? o->bytes.len : ROOM - 12, at, hlen;
	uint16_t sum;

	memcpy(frame + 12, o->bytes.p, len);
	len += 12;
	at = eth_len((char *)frame, len);
	hlen = (frame[at] & 15u) * 4;
	if (len >= at + hlen && hlen >= 20 && get_be16(frame + at - 2) == ETHERTYPE_V4) {
		memset(frame + at + 10, 0, 2);
		sum = checksum_fold(checksum_add(0, frame + at, hlen));
		memcpy(frame + at + 10, &sum, 2);
	}
	deliver(o, o->flags & SIPSEAL_META_F_FRAGMENT, frame, len);
}

static size_t eth_put(uint8_t shape, uint8_t *h)
{
	size_t n = 12;

	memcpy(h, "\2\0\0\0\0\1\2\0\0\0\0\2", 12);
	if (shape & SHAPE_TAGS) {
		memcpy(h + n, "\x88\xa8\0\5", 4);
		n += 4;
	}
	if (shape & (SHAPE_TAG | SHAPE_TAGS)) {
		memcpy(h + n, "\x81\0\0\7", 4);
		n += 4;
	}
	put_be16(h + n, shape & SHAPE_V6 ? ETHERTYPE_V6 : ETHERTYPE_V4);
	return n + 2;
}

static size_t ip_put(uint8_t shape, uint8_t *h, size_t off, size_t len, bool is_last, bool is_whole)
{
	if (shape & SHAPE_V6) {
		memset(h, 0, 48);
		h[0] = 0x60;
		put_be16(h + 4, len + (is_whole ? 0 : 8));
		h[6] = is_whole ? 17 : 44;
		h[7] = 64;
		memcpy(h + 8, packet_v6_src, 16);
		memcpy(h + 24, packet_v6_dst, 16);
		h[40] = 17;
		put_be16(h + 42, off | !is_last);
		put_be16(h + 46, next_id);
		return is_whole ? 40 : 48;
	}
	memset(h, 0, 20);
	h[0] = 0x45;
	put_be16(h + 4, next_id);
	put_be16(h + 6, off / 8 | (is_last ? 0 : 0x2000));
	h[8] = 64;
	h[9] = 17;
	memcpy(h + 12, packet_v4_src, 4);
	memcpy(h + 16, packet_v4_dst, 4);
	v4_finish(h, 20, 20 + len);
	return 20;
}

static void piece_in(const struct op *o, const uint8_t *udp, size_t udp_len, size_t off, size_t each)
{
	uint8_t frame[ROOM];
	size_t n = udp_len - off < each ? udp_len - off : each, at = eth_put(o->shape, frame);
	bool is_whole = each >= udp_len;

	at += ip_put(o->shape, frame + at, off, n, off + n == udp_len, is_whole);
	memcpy(frame + at, udp + off, n);
	deliver(o, !is_whole, frame, at + n);
}

static void datagram_in(const struct op *o, struct slice payload)
{
	static const size_t splits[] = { 0, 1400, 520, 64 };
	size_t udp_len = payload.len + 8, each = splits[(o->shape & SHAPE_SPLIT) >> 3], cnt;
	bool is_v6 = o->shape & SHAPE_V6;
	uint8_t *udp = xmalloc(udp_len);
	uint32_t sum;

	if (!each || udp_len / each >= 40) /* whole, or in no more pieces than the ring takes */
		each = udp_len > 1400 ? 1400 : udp_len;
	put_be16(udp, 5060);
	put_be16(udp + 2, o->shape & SHAPE_ODD && o->variant & 8 ? 5080 : 5060);
	put_be16(udp + 4, udp_len);
	put_be16(udp + 6, 0);
	memcpy(udp + 8, payload.p, payload.len);
	sum = ~packet_udp_sum(is_v6, is_v6 ? packet_v6_src : packet_v4_src, is_v6 ? packet_v6_dst : packet_v4_dst, udp,
			      udp_len);
	put_be16(udp + 6, (uint16_t)(sum & 0xffff ? sum : 0xffff) ^ (o->shape & SHAPE_ODD ? 1 : 0));
	next_id++;
	cnt = (udp_len + each - 1) / each;
	for (size_t i = 0; i < cnt; i++)
		piece_in(o, udp, udp_len, (o->shape & SHAPE_BACK ? cnt - 1 - i : i) * each, each);
	if (o->shape & SHAPE_TWICE)
		piece_in(o, udp, udp_len, cnt / 2 * each, each);
	free(udp);
}

static void call_made(const struct op *o)
{
	char msg[CALL_MAX], rows[1400];
	struct call call = { .id = "f", .x5u = o->variant & 1 ? X5U_B : X5U_A, .rows = rows,
			     .age_s = o->variant & 2 ? 90 : 0, .is_forged = o->variant & 4 };
	struct op as = *o;
	size_t n = o->bytes.len < sizeof(rows) - 1 ? o->bytes.len : sizeof(rows) - 1;

	memcpy(rows, o->bytes.p, n);
	rows[n] = '\0';
	as.variant = 0;
	as.flags |= SIPSEAL_META_F_INBOUND;
	as.flags &= (uint8_t)~SIPSEAL_META_F_CANCEL;
	call_put(&c.x, &call, msg);
	datagram_in(&as, slice_str(msg));
}

static void kernels_are(uint8_t shape)
{
	struct fake_kernel *both[] = { c.x.core, c.x.carrier };

	for (unsigned i = 0; i < 2; i++, shape >>= 4) {
		both[i]->error = shape & KERNEL_DOWN ? -ENETDOWN : 0;
		both[i]->budget = shape & KERNEL_SLOW ? 1 : 32;
		both[i]->is_holding = shape & KERNEL_HOLDING;
	}
}

static void step(const struct op *o)
{
	bool may_be_odd = o->op == 0 || o->flags & SIPSEAL_META_F_EMERGENCY || o->shape & SHAPE_ODD;

	switch (o->op & 3) {
	case 0:
		frame_in(o);
		break;
	case 1:
		datagram_in(o, o->bytes);
		break;
	case 2:
		call_made(o);
		break;
	case 3:
		kernels_are(o->shape);
		break;
	}
	world_run(&c.x);
	check_sent(c.x.core, may_be_odd);
	check_sent(c.x.carrier, may_be_odd);
}

/* Another worker with nothing in its memory; what does not change is kept, for it costs much to make. */
static void renew(void)
{
	struct worker_cfg cfg;

	if (!c.x.w) {
		calls_new(&c, NULL);
		fetcher_know(&c.f, X5U_A);
		return;
	}
	cfg = c.x.w->cfg;
	for (unsigned i = 0; i < c.x.w->port_cnt; i++)
		c.x.w->ports[i].fd = -1; /* no descriptors */
	worker_free(c.x.w);
	free(c.x.core);
	free(c.x.carrier);
	memset((char *)c.x.counters + c.x.counters->worker_off, 0, c.x.counters->worker_size);
	memset(c.x.heartbeat, 0, sizeof(c.x.heartbeat));
	c.x.delivered = 0;
	assert_int_equal(worker_new(&cfg, &c.x.w), 0);
	c.x.core = world_nic(&c.x, 0);
	c.x.carrier = world_nic(&c.x, 1);
	assert_int_equal(worker_prepare(c.x.w), 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	renew();
	for (unsigned i = 0; i < STEPS_MAX && size >= 6; i++) {
		struct op o = { .op = data[0], .flags = data[1], .variant = data[2], .shape = data[3] };
		size_t len = get_be16(data + 4);

		data += 6;
		size -= 6;
		len = len < size ? len : size;
		o.bytes = slice_of((const char *)data, len < BYTES_MAX ? len : BYTES_MAX);
		step(&o);
		data += len;
		size -= len;
	}
	return 0;
}
