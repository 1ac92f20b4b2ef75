/* SPDX-License-Identifier: BSD-2-Clause */
#include "signer/leave.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>

#include "signer/record.h"
#include "wire/forward.h"

/* A socket of ours on the egress NIC: the same queue if it is ours, so that flows keep their order. */
static struct port *egress(const struct worker *w, const struct steered *s)
{
	uint16_t nic = s->meta.egress;

	if ((s->meta.flags & SIPSEAL_META_F_RAW) || nic >= SIPSEAL_PORTS_MAX || !w->tx_cnt[nic])
		return NULL;
	for (unsigned i = 0; i < w->tx_cnt[nic]; i++)
		if (w->tx[nic][i]->queue == s->in->queue)
			return w->tx[nic][i];
	return w->tx[nic][s->in->queue % w->tx_cnt[nic]];
}

/* The frame, or fragments, as they came. */
static int forward_came(struct worker *w, struct steered *s)
{
	struct emit_came j = {
		.frames = s->pieces ? s->pieces->frames : &s->frame,
		.cnt = s->pieces ? s->pieces->cnt : 1,
		.want_ttl_dec = s->pieces && !steered_is_bridged(s),
		.port = egress(w, s),
	};

	memcpy(j.dmac, s->meta.dmac, 6);
	memcpy(j.smac, s->meta.smac, 6);
	return emit_came(&w->emitter, &j);
}

/* Do the fragments fit through the route as they are? */
static bool pieces_fit(const struct steered *s)
{
	struct wire_packet p;

	for (unsigned i = 0; i < s->pieces->cnt; i++)
		if (wire_packet_parse(s->pieces->frames[i], &p) < 0 || (s->meta.mtu && p.ip.len > s->meta.mtu))
			return false;
	return true;
}

static struct emit_job job_of(const struct worker *w, const struct steered *s)
{
	struct emit_job j = {
		.out = { .in = &s->wire, .want_ttl_dec = !steered_is_bridged(s) },
		.mtu = s->meta.mtu,
		.src = s->wire.payload,
		.port = egress(w, s),
	};

	memcpy(j.out.dmac, s->meta.dmac, 6);
	memcpy(j.out.smac, s->meta.smac, 6);
	return j;
}

/* The datagram leaves, edited or as it came. */
static int forward(struct worker *w, struct steered *s, const struct sip_edits *edits)
{
	struct emit_job j;
	int r;

	if (!s->wire.payload.p || (s->pieces && (!edits || !edits->cnt) && pieces_fit(s))) {
		r = forward_came(w, s);
	} else {
		j = job_of(w, s);
		j.edits = edits;
		r = emit_datagram(&w->emitter, &j);
	}
	s->has_left = r == 0;
	return r;
}

size_t leave_max(const struct worker *w, const struct steered *s)
{
	struct emit_job j = job_of(w, s);

	j.out.mtu = emit_mtu(&j);
	return wire_payload_max(&j.out);
}

static enum sipseal_reason reason_of(struct worker *w, int r, enum sipseal_reason reason)
{
	if (r == 0)
		return reason;
	counters_bump(&w->counters->send_errors, 1);
	return SR_NO_FRAME;
}

enum sipseal_reason leave_unchanged(struct worker *w, struct steered *s, enum sipseal_reason reason)
{
	record_begin(w, s);
	return reason_of(w, forward(w, s, NULL), reason);
}

static bool takes_away(const struct sip_edits *edits)
{
	for (unsigned i = 0; i < edits->cnt; i++)
		if (edits->e[i].del)
			return true;
	return false;
}

enum sipseal_reason leave_edited(struct worker *w, struct steered *s, const struct sip_edits *edits,
				 enum sipseal_reason reason)
{
	int r;

	record_begin(w, s);
	r = forward(w, s, edits);
	if ((r != -E2BIG && r != -EMSGSIZE) || !edits->cnt)
		return reason_of(w, r, reason);
	if (steered_is_inbound(s) && takes_away(edits)) {
		/* a copy was judged before; what it was then is not kept */
		bool is_emergency = s->is_decided ? s->out.notes & EVENT_NOTE_EMERGENCY : steered_is_emergency(s);

		if (!is_emergency)
			return SR_FORGED_MARK;
		return leave_unchanged(w, s, SR_EMERGENCY_PASSED_LATE);
	}
	return leave_unchanged(w, s, SR_OUTPUT_LIMIT);
}

/* Same NIC, MACs swapped. */
enum sipseal_reason leave_refused(struct worker *w, struct steered *s, struct engine_input *in)
{
	static_assert(SIP_MESSAGE_MAX < sizeof(w->emitter.staging), "an answer fits in the staging area");
	struct emit_job j = {
		.out = { .in = &s->wire, .is_reply = true },
		.mtu = s->in->mtu,
		.port = s->in->tx.size ? s->in : NULL,
	};
	ssize_t n;

	record_begin(w, s);
	inet_ntop(s->wire.is_v6 ? AF_INET6 : AF_INET, s->wire.src + (s->wire.is_v6 ? 0 : 12), in->source_ip,
		  sizeof(in->source_ip));
	n = engine_response_emit(&w->engine, &w->env, in, &s->out, w->emitter.staging,
				 sizeof(w->emitter.staging));
	memcpy(j.out.dmac, s->wire.l2.p + 6, 6);
	memcpy(j.out.smac, s->wire.l2.p, 6);
	j.src = slice_of(w->emitter.staging, n < 0 ? 0 : (size_t)n);
	if (n < 0 || emit_datagram(&w->emitter, &j) < 0) {
		counters_bump(&w->counters->send_errors, 1);
		s->out.verdict = s->out.decided_verdict = VERDICT_DROP; /* nobody is told of an answer */
	}
	return s->out.reason;
}
