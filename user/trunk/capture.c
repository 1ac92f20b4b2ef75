/* SPDX-License-Identifier: BSD-2-Clause */
#include "trunk/capture.h"

#include <assert.h>
#include <errno.h>

#include "base/reason.h"

#define ALIGN 8
#define NS_PER_BYTE (1000000000u / CAPTURE_RATE)
#define BURST_NS    ((int64_t)CAPTURE_BURST * NS_PER_BYTE)

#define ETH_LEN 14
#define V4_LEN  20

static_assert((CAPTURE_RING & (CAPTURE_RING - 1)) == 0, "masks below");
static_assert(CAPTURE_CALL_MAX % ALIGN == 0 && CAPTURE_CALL_MAX <= CAPTURE_RING / 4, "several records fit");
static_assert(1000000000u % CAPTURE_RATE == 0, "the rate is what it says");

static uint64_t align_up(uint64_t n)
{
	return (n + ALIGN - 1) & ~(uint64_t)(ALIGN - 1);
}

void capture_region_init(struct capture_region *r, uint32_t workers)
{
	r->magic = CAPTURE_MAGIC;
	r->version = CAPTURE_VERSION;
	r->workers = workers;
	r->worker_off = 4096;
	r->worker_size = (sizeof(struct capture_worker) + 4095) & ~4095ull;
}

int capture_region_check(const struct capture_region *r, uint64_t map_len)
{
	if (map_len < sizeof(*r) || r->magic != CAPTURE_MAGIC || r->version != CAPTURE_VERSION)
		return -EBADMSG;
	if (!r->workers || r->workers > SIPSEAL_WORKERS_MAX || map_len < capture_size(r->workers))
		return -EBADMSG;
	return r->worker_off == 4096 && r->worker_size == capture_size(1) - 4096 ? 0 : -EBADMSG;
}

/* ---- the worker's side ---- */

void capture_writer_init(struct capture_writer *c, struct capture_region *r, unsigned i)
{
	static const _Atomic uint32_t nobody;

	*c = (struct capture_writer){ .want = r ? &r->want : &nobody };
	if (!r)
		return;
	assert(i < r->workers);
	c->worker = capture_worker(r, i);
	c->head = atomic_load_explicit(&c->worker->head, memory_order_relaxed);
}

static void bump(_Atomic uint64_t *n)
{
	atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + 1, memory_order_relaxed);
}

static void count_lost(struct capture_writer *c, uint8_t nic)
{
	bump(&c->worker->lost[nic < CAPTURE_NIC_NONE ? nic : CAPTURE_NIC_NONE]);
}

static void ring_write(struct capture_worker *w, uint64_t at, const void *p, size_t len)
{
	size_t off = at & (CAPTURE_RING - 1), first = CAPTURE_RING - off;

	if (first > len)
		first = len;
	memcpy(w->ring + off, p, first);
	if (len > first)
		memcpy(w->ring, (const char *)p + first, len - first);
}

bool capture_open(struct capture_writer *c, uint32_t trunk, uint8_t nic, uint64_t now_ns)
{
	uint32_t want = atomic_load_explicit(c->want, memory_order_relaxed);
	uint64_t used;

	if (!want || (want != CAPTURE_ALL && want - 1 != trunk))
		return false;
	if ((int64_t)(c->due_ns - now_ns) > BURST_NS) {
		count_lost(c, nic);
		bump(&c->worker->lost_rate);
		return false;
	}
	used = c->head - atomic_load_explicit(&c->worker->tail, memory_order_acquire);
	c->room = used < CAPTURE_RING ? CAPTURE_RING - used : 0;
	c->now_ns = now_ns;
	c->trunk = trunk;
	c->nic = nic;
	c->len = sizeof(struct capture_call); /* is written when all is known */
	c->packet_cnt = 0;
	c->is_cut = false;
	c->is_open = true;
	return true;
}

static bool has_room(const struct capture_writer *c, size_t data_len)
{
	uint64_t len;

	if (data_len > CAPTURE_DATA_MAX || c->packet_cnt == CAPTURE_PACKETS_MAX)
		return false;
	len = c->len + sizeof(struct capture_packet) + align_up(data_len);
	return len <= CAPTURE_CALL_MAX && len <= c->room;
}

void capture_add(struct capture_writer *c, const struct capture_packet *p, struct slice data)
{
	struct capture_packet head = *p;

	if (!c->is_open || c->is_cut)
		return;
	if (!has_room(c, data.len)) {
		c->is_cut = true;
		return;
	}
	head.data_len = (uint32_t)data.len;
	ring_write(c->worker, c->head + c->len, &head, sizeof(head));
	c->len += (uint32_t)sizeof(head);
	ring_write(c->worker, c->head + c->len, data.p, data.len);
	c->len += (uint32_t)align_up(data.len);
	c->packet_cnt++;
}

/* What was copied is paid for, whatever becomes of it: the rate bounds what the worker does. */
static void close_record(struct capture_writer *c)
{
	if ((int64_t)(c->due_ns - c->now_ns) < 0)
		c->due_ns = c->now_ns;
	c->due_ns += (uint64_t)c->len * NS_PER_BYTE;
	c->is_open = false;
}

void capture_end(struct capture_writer *c, const struct capture_call *outcome)
{
	struct capture_call call = *outcome;

	if (!c->is_open)
		return;
	close_record(c);
	call.number = c->number++;
	if (c->is_cut || !c->packet_cnt) {
		count_lost(c, c->nic);
		return;
	}
	call.len = c->len;
	call.packet_cnt = c->packet_cnt;
	call.trunk = c->trunk;
	ring_write(c->worker, c->head, &call, sizeof(call));
	c->head += c->len;
	atomic_store_explicit(&c->worker->head, c->head, memory_order_release);
}

void capture_cancel(struct capture_writer *c)
{
	if (c->is_open)
		close_record(c);
}

/* ---- the daemon's side ---- */

static void ring_read(const struct capture_worker *w, uint64_t at, void *dst, size_t len)
{
	size_t off = at & (CAPTURE_RING - 1), first = CAPTURE_RING - off;

	if (first > len)
		first = len;
	memcpy(dst, w->ring + off, first);
	if (len > first)
		memcpy((char *)dst + first, w->ring, len - first);
}

static bool is_mapped(const uint8_t addr[16])
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(addr, prefix, sizeof(prefix)) == 0;
}

static bool is_reason(uint8_t reason)
{
	return reason >= SR_XDP_MAX && reason < SR_MAX && reason_token(reason)[0] != '?';
}

static bool is_true_call(const struct capture_call *c)
{
	return c->trunk < SIPSEAL_TRUNKS_MAX && c->is_inbound <= 1 && c->verdict <= EVENT_VERIFY &&
	       c->decided_verdict <= EVENT_VERIFY && is_reason(c->reason) && is_reason(c->decided_reason) &&
	       c->packet_cnt && c->packet_cnt <= CAPTURE_PACKETS_MAX;
}

static bool is_true_packet(const struct capture_packet *p)
{
	if (p->stage > CAPTURE_ANSWER || p->nic > CAPTURE_NIC_NONE)
		return false;
	switch (p->form) {
	case CAPTURE_L2:
		return !p->flags && p->data_len >= ETH_LEN && p->data_len <= CAPTURE_DATA_MAX;
	case CAPTURE_L3:
		return !p->flags && p->data_len >= V4_LEN && p->data_len <= CAPTURE_DATA_MAX - ETH_LEN;
	case CAPTURE_UDP:
		if (p->data_len > CAPTURE_UDP_MAX || p->flags & ~CAPTURE_V6)
			return false;
		return p->flags || (is_mapped(p->src) && is_mapped(p->dst));
	default:
		return false;
	}
}

/* The packets fill the record to its last byte, and are as many as it says. */
static bool is_true_copy(const struct capture_copy *c)
{
	size_t left = c->call.len - sizeof(c->call), off = 0;
	struct capture_packet p;

	if (!is_true_call(&c->call))
		return false;
	for (uint32_t i = 0; i < c->call.packet_cnt; i++) {
		if (left - off < sizeof(p))
			return false;
		memcpy(&p, c->packets + off, sizeof(p));
		off += sizeof(p);
		if (!is_true_packet(&p) || align_up(p.data_len) > left - off)
			return false;
		off += align_up(p.data_len);
	}
	return off == left;
}

static void advance(struct capture_worker *w, uint64_t *tail, uint64_t to)
{
	*tail = to;
	atomic_store_explicit(&w->tail, to, memory_order_release);
}

int capture_take(struct capture_worker *w, uint64_t *tail, struct capture_copy *ret)
{
	uint64_t head = atomic_load_explicit(&w->head, memory_order_acquire), used = head - *tail;
	uint64_t at = *tail;
	uint32_t len = 0;

	if (!used)
		return 0;
	if (used <= CAPTURE_RING) {
		ring_read(w, at, &ret->call, sizeof(ret->call));
		len = ret->call.len;
	}
	if (len < sizeof(ret->call) || len > CAPTURE_CALL_MAX || len > used) {
		advance(w, tail, head); /* who knows where the next one starts? */
		return -EBADMSG;
	}
	ring_read(w, at + sizeof(ret->call), ret->packets, len - sizeof(ret->call));
	advance(w, tail, at + len);
	return is_true_copy(ret) ? 1 : -EBADMSG;
}

void capture_skip(struct capture_worker *w, uint64_t *tail)
{
	advance(w, tail, atomic_load_explicit(&w->head, memory_order_acquire));
}

bool capture_next(const struct capture_copy *c, size_t *off, struct capture_packet *ret, struct slice *ret_data)
{
	size_t at = *off;

	if (at >= c->call.len - sizeof(c->call))
		return false;
	memcpy(ret, c->packets + at, sizeof(*ret));
	*ret_data = slice_of(c->packets + at + sizeof(*ret), ret->data_len);
	*off = at + sizeof(*ret) + align_up(ret->data_len);
	return true;
}
