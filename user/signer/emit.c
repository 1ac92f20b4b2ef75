/* SPDX-License-Identifier: BSD-2-Clause */
#include "signer/emit.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "wire/forward.h"

#define ETH_LEN 14
#define ETH_TAGGED_LEN 18 /* links take their MTU behind one tag; behind two only some */

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

static int raw_write(const struct emitter *e, bool is_v6, const uint8_t dst[16], struct slice packet)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	ssize_t n;

	memcpy(&v4.sin_addr, dst + 12, 4);
	memcpy(&v6.sin6_addr, dst, 16);
	n = sendto(is_v6 ? e->raw_v6 : e->raw_v4, packet.p, packet.len, MSG_DONTWAIT | MSG_NOSIGNAL,
		   is_v6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4,
		   is_v6 ? sizeof(v6) : sizeof(v4));
	return n < 0 ? -errno : 0;
}

static int send_raw(struct emitter *e, const struct emit_job *j, struct slice staged, int cnt)
{
	const struct wire_frame *in = j->out.in;
	size_t l2 = in->l2.len;
	int r;

	if ((in->is_v6 ? e->raw_v6 : e->raw_v4) < 0)
		return -ENOBUFS;
	for (int i = 0; i < cnt; i++) {
		ssize_t n = frame_write(j, staged, i, cnt, e->scratch);
		struct slice packet = slice_of(e->scratch + l2, (size_t)n - l2);

		if (n < 0)
			return (int)n;
		if ((r = raw_write(e, in->is_v6, j->out.is_reply ? in->src : in->dst, packet)) < 0)
			return r;
		record(e, stage_of(j), CAPTURE_L3, CAPTURE_NIC_NONE, packet);
	}
	counters_bump(&e->counters->sent_raw, 1);
	return 0;
}

uint16_t emit_mtu(const struct emit_job *j)
{
	uint32_t mtu = j->mtu ? j->mtu : 1500;

	if (j->port && j->port->mtu && j->port->mtu < mtu)
		mtu = j->port->mtu;
	if (is_edited(j) && j->out.in->l2.len > ETH_TAGGED_LEN) /* what is left as it came has shown that it fits */
		mtu -= (uint32_t)(j->out.in->l2.len - ETH_TAGGED_LEN);
	return (uint16_t)(mtu < EMIT_MTU_MAX ? mtu : EMIT_MTU_MAX);
}

int emit_datagram(struct emitter *e, struct emit_job *j)
{
	struct slice staged = j->src;
	int cnt, r;

	j->out.mtu = emit_mtu(j);
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

static void came_put(struct emitter *e, const struct emit_came *j, struct slice frame)
{
	uint64_t addr = (uint64_t)umem_get(e->umem);
	char *dst = umem_at(e->umem, addr);
	struct wire_packet p;

	memcpy(dst, frame.p, frame.len);
	memcpy(dst, j->dmac, 6);
	memcpy(dst + 6, j->smac, 6);
	if (j->want_ttl_dec && wire_packet_parse(frame, &p) == 0)
		wire_packet_hop(dst + p.l2_len, p.is_v6);
	record(e, CAPTURE_AFTER, CAPTURE_L2, (uint8_t)j->port->index, slice_of(dst, frame.len));
	port_tx_put(j->port, addr, (uint32_t)frame.len);
}

static int came_raw(struct emitter *e, const struct emit_came *j, struct slice frame)
{
	struct wire_packet p;
	struct slice packet;
	int r;

	if (wire_packet_parse(frame, &p) < 0)
		return -EBADMSG;
	if ((p.is_v6 ? e->raw_v6 : e->raw_v4) < 0)
		return -ENOBUFS;
	memcpy(e->scratch, p.ip.p, p.ip.len);
	packet = slice_of(e->scratch, p.ip.len);
	if (j->want_ttl_dec)
		wire_packet_hop(e->scratch, p.is_v6);
	if ((r = raw_write(e, p.is_v6, p.dst, packet)) < 0)
		return r;
	record(e, CAPTURE_AFTER, CAPTURE_L3, CAPTURE_NIC_NONE, packet);
	return 0;
}

/* Can all of them be put into chunks? */
static bool is_framed(const struct emit_came *j)
{
	for (unsigned i = 0; i < j->cnt; i++)
		if (j->frames[i].len < ETH_LEN || j->frames[i].len > XSK_FRAME_SIZE)
			return false;
	return true;
}

int emit_came(struct emitter *e, const struct emit_came *j)
{
	bool by_xsk;
	int r = 0;

	if (!is_framed(j))
		return -EBADMSG;
	by_xsk = j->port && port_tx_room(j->port, j->cnt);
	for (unsigned i = 0; i < j->cnt && r == 0; i++) {
		if (by_xsk)
			came_put(e, j, j->frames[i]);
		else
			r = came_raw(e, j, j->frames[i]);
	}
	if (r < 0)
		return r;
	counters_bump(by_xsk ? &e->counters->sent_xsk : &e->counters->sent_raw, 1);
	if (j->cnt > 1)
		counters_bump(&e->counters->sent_fragments, j->cnt);
	return 0;
}
