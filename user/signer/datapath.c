/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way of a frame through the signer: frame_run() is the whole of it.
 *
 * Emergency calls (flagged by XDP) that the rules below would drop leave as they came instead: unsigned,
 * counted as passed.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>

#include "base/clock.h"
#include "signer/tell.h"

/* An INVITE with its headers, without most of a long body.  More would push out what is in use. */
#define PREFETCH_LEN 1024
#define CACHE_LINE   64

static bool is_emergency(const struct steered *s)
{
	return s->meta.flags & SIPSEAL_META_F_EMERGENCY;
}

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

static enum sipseal_reason meta_check(struct worker *w, struct steered *s)
{
	const struct sipseal_meta *m = &s->meta;

	if (m->version != SIPSEAL_ABI_VERSION)
		return SR_BAD_METADATA;
	s->policy = policy_copy_get(w->cfg.policy, m->generation);
	if (!s->policy)
		return SR_UNKNOWN_GENERATION;
	/* signed: a frame may be newer than the clock of its batch */
	if ((int64_t)(w->now_ns - m->time_ns) > (int64_t)s->policy->stale_ns)
		return SR_STALE_FRAME;
	return policy_trunk_get(s->policy, m->trunk) ? SR_NONE : SR_UNKNOWN_TRUNK;
}

/* The datagram leaves, edited or as it came. */
static int forward(struct worker *w, struct steered *s, const struct sip_edits *edits)
{
	struct emit_job j = {
		.out = { .in = &s->wire, .want_ttl_dec = true },
		.mtu = s->meta.mtu,
		.src = s->wire.payload,
		.edits = edits,
		.port = egress(w, s),
	};
	int r;

	memcpy(j.out.dmac, s->meta.dmac, 6);
	memcpy(j.out.smac, s->meta.smac, 6);
	r = emit_datagram(&w->emitter, &j);
	s->has_left = r == 0;
	return r;
}

/* @reason, or what became of it.  What cannot be framed with our additions leaves without them
 * (standards 7.1: never drop the call). */
static enum sipseal_reason forward_edited(struct worker *w, struct steered *s,
					  const struct sip_edits *edits, enum sipseal_reason reason)
{
	int r = forward(w, s, edits);

	if ((r == -E2BIG || r == -EMSGSIZE) && edits->cnt) {
		reason = SR_OUTPUT_LIMIT;
		r = forward(w, s, NULL);
	}
	if (r == 0)
		return reason;
	counters_bump(&w->counters->send_errors, 1);
	return SR_NO_FRAME;
}

/* An emergency call that cannot be processed: as it came, as long as there is any way out. */
static enum sipseal_reason emergency_pass(struct worker *w, struct steered *s)
{
	int r;

	if (s->wire.payload.p) {
		r = forward(w, s, NULL);
	} else {
		r = emit_frame(&w->emitter, egress(w, s), s->frame, s->meta.dmac, s->meta.smac);
		s->has_left = r == 0;
	}
	if (r < 0)
		counters_bump(&w->counters->send_errors, 1);
	return r < 0 ? SR_NO_FRAME : SR_EMERGENCY_PASSED_LATE;
}

static void engine_input_make(const struct steered *s, struct engine_input *ret)
{
	*ret = (struct engine_input){
		.datagram = s->wire.payload,
		.policy = s->policy,
		.trunk = s->meta.trunk,
		.source_port = s->wire.src_port,
	};
}

/* The answer goes back where the INVITE came from: same NIC, MACs swapped. */
static enum sipseal_reason refuse(struct worker *w, struct steered *s, struct engine_input *in)
{
	static_assert(SIP_MESSAGE_MAX < sizeof(w->emitter.staging), "an answer fits in the staging area");
	struct emit_job j = {
		.out = { .in = &s->wire, .is_reply = true },
		.mtu = s->in->mtu,
		.port = s->in->tx.size ? s->in : NULL,
	};
	ssize_t n;

	inet_ntop(s->wire.is_v6 ? AF_INET6 : AF_INET, s->wire.src + (s->wire.is_v6 ? 0 : 12), in->source_ip,
		  sizeof(in->source_ip));
	n = engine_response_emit(&w->engine, &w->env, in, &s->out, w->emitter.staging,
				 sizeof(w->emitter.staging));
	memcpy(j.out.dmac, s->wire.l2.p + 6, 6);
	memcpy(j.out.smac, s->wire.l2.p, 6);
	j.src = slice_of(w->emitter.staging, n < 0 ? 0 : (size_t)n);
	if (n < 0 || emit_datagram(&w->emitter, &j) < 0)
		counters_bump(&w->counters->send_errors, 1);
	return s->out.reason;
}

const struct pidf_template *worker_override(void *ctx, struct slice call_id, struct slice calling)
{
	struct worker *w = ctx;
	const struct override_region *r = w->cfg.overrides;
	_Atomic uint64_t *used = w->cfg.events->override_used;

	if (!atomic_load_explicit(&r->cnt, memory_order_relaxed))
		return NULL;
	if (override_find(r, used, OVERRIDE_CALL_ID, call_id, w->now_ns, &w->override) ||
	    override_find(r, used, OVERRIDE_CALLING, calling, w->now_ns, &w->override))
		return &w->override.location;
	return NULL;
}

static enum sipseal_reason engine_turn(struct worker *w, struct steered *s)
{
	struct engine_input in;

	engine_input_make(s, &in);
	w->override.seq = 0;
	w->override.index = 0;
	engine_run(&w->engine, &w->env, &in, &s->out);
	/* this thread may have stood still for longer than the daemon waits before it writes a copy again */
	if (!policy_copy_holds(s->policy, s->meta.generation))
		return is_emergency(s) ? emergency_pass(w, s) : SR_UNKNOWN_GENERATION;
	s->is_decided = true;
	switch (s->out.verdict) {
	case VERDICT_REJECT:
		return is_emergency(s) ? emergency_pass(w, s) : refuse(w, s, &in);
	case VERDICT_DROP:
		return is_emergency(s) ? emergency_pass(w, s) : s->out.reason;
	case VERDICT_PASS:
	case VERDICT_SIGN:
		break;
	}
	/* also what was signed and leaves as it came (mode observe): a copy shall cost no second signature */
	if ((w->engine.edits.cnt || s->out.is_signed) && s->has_key)
		replay_add(w->replay, &s->key, w->now_ns, &w->engine.edits);
	return forward_edited(w, s, &w->engine.edits, s->out.reason);
}

static bool is_retransmission(struct worker *w, struct steered *s)
{
	struct replay_flow f = { .src_port = s->wire.src_port, .dst_port = s->wire.dst_port,
				 .trunk = s->meta.trunk };

	memcpy(f.src, s->wire.src, sizeof(f.src));
	memcpy(f.dst, s->wire.dst, sizeof(f.dst));
	s->has_key = replay_key(w->replay, &f, s->wire.payload, &s->key) == 0;
	s->is_copy = s->has_key && replay_find(w->replay, &s->key, w->now_ns, &w->cached);
	return s->is_copy;
}

/* The data path. */
static enum sipseal_reason frame_run(struct worker *w, struct steered *s)
{
	enum sipseal_reason bad = meta_check(w, s);

	if (bad == SR_BAD_METADATA)
		return bad; /* nothing in it can be believed, its flags included */
	if (wire_frame_parse(s->frame, &s->wire) < 0) {
		s->wire.payload = SLICE_NONE;
		bad = bad ? bad : SR_BAD_FRAME;
	} else if (wire_frame_ttl(&s->wire) <= 1) {
		return SR_BAD_FRAME; /* XDP steers none of these: routing loops end here */
	} else if (wire_checksum_is_bad(&s->wire)) {
		bad = bad ? bad : SR_BAD_CHECKSUM;
	}
	if (bad)
		return is_emergency(s) ? emergency_pass(w, s) : bad;
	if (is_retransmission(w, s))
		return forward_edited(w, s, &w->cached, SR_RETRANSMISSION);
	return engine_turn(w, s);
}

static void descriptor_run(struct worker *w, struct port *in, const struct xdp_desc *d)
{
	struct steered s = { .in = in };
	uint64_t begin_ns = w->now_ns;
	enum sipseal_reason reason = SR_BAD_METADATA;
	int r = umem_take_rx(w->umem, d->addr, d->len, sizeof(s.meta));

	if (r == 0 && !d->options) { /* options: a frame in pieces, which we did not ask for */
		s.frame = slice_of(umem_at(w->umem, d->addr), d->len);
		memcpy(&s.meta, s.frame.p - sizeof(s.meta), sizeof(s.meta));
		reason = frame_run(w, &s);
	}
	w->now_ns = clock_mono_ns();
	tell_frame(w, &s, reason, begin_ns);
	if (r != -EBADMSG)
		umem_put(w->umem, d->addr);
}

/* The kernel wrote the next frame on another processor: fetch it while this one is being signed.  A
 * hint only: the address is not checked here, and a bad one does no harm. */
static void prefetch(const struct worker *w, const struct xdp_desc *d)
{
	const char *p = w->umem->mem + d->addr;

	for (unsigned i = 0; i < PREFETCH_LEN; i += CACHE_LINE)
		__builtin_prefetch(p + i);
}

unsigned worker_batch(struct worker *w, struct port *in)
{
	struct xdp_desc d[PORT_BATCH];
	unsigned n = port_recv(in, d);

	if (!n)
		return 0;
	w->now_ns = clock_mono_ns();
	w->env.now_ms = (int64_t)clock_real_ms();
	for (unsigned i = 0; i < n; i++) {
		if (i + 1 < n)
			prefetch(w, &d[i + 1]);
		descriptor_run(w, in, &d[i]);
	}
	return n;
}
