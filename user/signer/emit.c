/* SPDX-License-Identifier: BSD-2-Clause */
#include "signer/emit.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/clock.h"

#define ETH_LEN 14

static void record(struct emitter *e, uint8_t stage, uint8_t form, uint8_t nic, struct slice data)
{
	struct capture_packet p = { .stage = stage, .form = form, .nic = nic };

	if (__builtin_expect(!e->capture->is_open, 1))
		return;
	p.time_ns = clock_ns(CLOCK_REALTIME);
	capture_add(e->capture, &p, data);
}

static uint8_t stage_of(const struct emit_job *j)
{
	return j->out.is_reply ? CAPTURE_ANSWER : CAPTURE_AFTER;
}

static bool is_edited(const struct emit_job *j)
{
	return j->edits && j->edits->cnt;
}

static size_t payload_len(const struct emit_job *j)
{
	return is_edited(j) ? j->edits->out_len : j->src.len;
}

static ssize_t payload_write(const struct emit_job *j, char *dst, size_t cap)
{
	if (is_edited(j))
		return sip_edits_emit(j->edits, j->src, dst, cap);
	if (j->src.len > cap)
		return -ENOSPC;
	memcpy(dst, j->src.p, j->src.len);
	return (ssize_t)j->src.len;
}

/* One frame of the datagram: fragment @i of @cnt, or all of it. */
static ssize_t frame_write(const struct emit_job *j, struct slice staged, int i, int cnt, char *dst)
{
	size_t off;
	ssize_t n;

	if (cnt > 1)
		return wire_fragment_emit(&j->out, staged, i, dst, XSK_FRAME_SIZE);
	off = wire_payload_off(&j->out);
	n = payload_write(j, dst + off, XSK_FRAME_SIZE - off);
	return n < 0 ? n : (ssize_t)wire_frame_finish(&j->out, dst, (size_t)n);
}

/* port_tx_room() has said yes for @cnt. */
static int send_xsk(struct emitter *e, const struct emit_job *j, struct slice staged, int cnt)
{
	for (int i = 0; i < cnt; i++) {
		uint64_t addr = (uint64_t)umem_get(e->umem);
		ssize_t n = frame_write(j, staged, i, cnt, umem_at(e->umem, addr));

		if (n < 0) {
			umem_put(e->umem, addr);
			return (int)n;
		}
		record(e, stage_of(j), CAPTURE_L2, (uint8_t)j->port->index,
		       slice_of(umem_at(e->umem, addr), (size_t)n));
		port_tx_put(j->port, addr, (uint32_t)n);
	}
	counters_bump(&e->counters->sent_xsk, 1);
	return 0;
}

static int raw_write(const struct emitter *e, const struct emit_job *j, const char *packet, size_t len)
{
	const uint8_t *dst = j->out.is_reply ? j->out.in->src : j->out.in->dst;
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	bool is_v6 = j->out.in->is_v6;
	ssize_t n;

	memcpy(&v4.sin_addr, dst + 12, 4);
	memcpy(&v6.sin6_addr, dst, 16);
	n = sendto(is_v6 ? e->raw_v6 : e->raw_v4, packet, len, MSG_DONTWAIT | MSG_NOSIGNAL,
		   is_v6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4,
		   is_v6 ? sizeof(v6) : sizeof(v4));
	return n < 0 ? -errno : 0;
}

static int send_raw(struct emitter *e, const struct emit_job *j, struct slice staged, int cnt)
{
	int r;

	if ((j->out.in->is_v6 ? e->raw_v6 : e->raw_v4) < 0)
		return -ENOBUFS;
	for (int i = 0; i < cnt; i++) {
		ssize_t n = frame_write(j, staged, i, cnt, e->scratch);

		if (n < 0)
			return (int)n;
		if ((r = raw_write(e, j, e->scratch + ETH_LEN, (size_t)n - ETH_LEN)) < 0)
			return r;
		record(e, stage_of(j), CAPTURE_L3, CAPTURE_NIC_NONE,
		       slice_of(e->scratch + ETH_LEN, (size_t)n - ETH_LEN));
	}
	counters_bump(&e->counters->sent_raw, 1);
	return 0;
}

/* The route's MTU, but no more than the NIC and a chunk can take; 1500 where nobody knows. */
static uint16_t mtu_of(const struct emit_job *j)
{
	uint32_t mtu = j->mtu ? j->mtu : 1500;

	if (j->port && j->port->mtu && j->port->mtu < mtu)
		mtu = j->port->mtu;
	return (uint16_t)(mtu < EMIT_MTU_MAX ? mtu : EMIT_MTU_MAX);
}

int emit_datagram(struct emitter *e, struct emit_job *j)
{
	struct slice staged = j->src;
	int cnt, r;

	j->out.mtu = mtu_of(j);
	j->out.ip_id = e->next_ip_id++;
	cnt = wire_frame_cnt(&j->out, payload_len(j));
	if (cnt < 0)
		return cnt;
	if (cnt > 1 && is_edited(j)) {
		ssize_t n = payload_write(j, e->staging, sizeof(e->staging));

		if (n < 0)
			return -E2BIG;
		staged = slice_of(e->staging, (size_t)n);
	}
	if (j->port && port_tx_room(j->port, (unsigned)cnt))
		r = send_xsk(e, j, staged, cnt);
	else
		r = send_raw(e, j, staged, cnt);
	if (r == 0 && cnt > 1)
		counters_bump(&e->counters->sent_fragments, (uint64_t)cnt);
	return r;
}

int emit_frame(struct emitter *e, struct port *p, struct slice frame, const uint8_t dmac[6],
	       const uint8_t smac[6])
{
	uint64_t addr;
	char *dst;

	if (!p || frame.len < ETH_LEN || frame.len > XSK_FRAME_SIZE || !port_tx_room(p, 1))
		return -ENOBUFS;
	addr = (uint64_t)umem_get(e->umem);
	dst = umem_at(e->umem, addr);
	memcpy(dst, frame.p, frame.len);
	memcpy(dst, dmac, 6);
	memcpy(dst + 6, smac, 6);
	record(e, CAPTURE_AFTER, CAPTURE_L2, (uint8_t)p->index, slice_of(dst, frame.len));
	port_tx_put(p, addr, (uint32_t)frame.len);
	counters_bump(&e->counters->sent_xsk, 1);
	return 0;
}
