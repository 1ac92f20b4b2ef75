/* SPDX-License-Identifier: BSD-2-Clause */
#include "signer/fragments.h"

#include <assert.h>
#include <errno.h>
#include <openssl/rand.h>

#include "base/clock.h"
#include "signer/datapath.h"
#include "signer/inbound.h"
#include "signer/leave.h"
#include "signer/tell.h"
#include "wire/forward.h"

/* Datagrams that leave in one turn because their time is up, frames of one turn from other workers: then the
 * heartbeat and the rings have theirs. */
#define TURN_MAX 64

/* Kept with each frame. */
struct block {
	struct sipseal_meta meta;
	uint64_t flow;
	uint32_t nic;
};
static_assert(sizeof(struct block) <= REASSEMBLE_BLOCK, "a block fits");

int fragments_new(struct worker *w)
{
	struct reassemble_limits limits = REASSEMBLE_DEFAULTS;
	struct siphash_key key;

	if (RAND_bytes((unsigned char *)&key, sizeof(key)) != 1 ||
	    RAND_bytes((unsigned char *)&w->fragments.alone.key, sizeof(key)) != 1)
		return -EIO;
	limits.frame_max = XSK_FRAME_SIZE;
	atomic_store_explicit(&w->counters->fragment_limit, limits.bytes, memory_order_relaxed);
	return reassemble_new(&limits, key, &w->fragments.reassemble);
}

void fragments_done(struct worker *w)
{
	reassemble_free(w->fragments.reassemble);
}

static void publish(struct worker *w)
{
	const struct reassemble_stats *s = reassemble_stats(w->fragments.reassemble);

	atomic_store_explicit(&w->counters->fragments_held, s->frames, memory_order_relaxed);
	atomic_store_explicit(&w->counters->fragment_bytes, s->bytes, memory_order_relaxed);
}

/* A socket of ours on the NIC by which they came: always the same one for a flow, so that it keeps its order. */
static struct port *port_of(struct worker *w, uint32_t nic, uint64_t flow)
{
	if (nic < SIPSEAL_PORTS_MAX && w->tx_cnt[nic])
		return w->tx[nic][(flow >> 32) % w->tx_cnt[nic]];
	for (unsigned i = 0; i < w->port_cnt; i++)
		if (w->ports[i].index == nic)
			return &w->ports[i];
	return &w->ports[0];
}

/* ---- a fragment alone ---- */

static void tell(struct worker *w, struct steered *s, enum sipseal_reason reason, uint64_t begin_ns)
{
	w->now_ns = clock_mono_ns();
	tell_frame(w, s, reason, begin_ns);
}

static void pieces_one(struct worker *w, struct steered *s)
{
	struct pieces *p = &w->fragments.pieces;

	p->cnt = 1;
	p->frames[0] = s->frame;
	p->times_ns[0] = s->meta.time_ns;
	s->pieces = p;
	s->is_untold = true;
}

/* It is not taken any further. */
static void refuse(struct worker *w, struct steered *s, enum sipseal_reason reason)
{
	uint64_t begin_ns = w->now_ns;

	pieces_one(w, s);
	tell(w, s, datapath_drop(w, s, reason), begin_ns);
}

static enum sipseal_reason opaque(struct worker *w, struct steered *s)
{
	if (s->meta.flags & SIPSEAL_META_F_PASS)
		return leave_unchanged(w, s, SR_FRAGMENT_OPAQUE);
	return datapath_drop(w, s, SR_FRAGMENT_OPAQUE_DROPPED);
}

/* One that the reassembly did not take. */
static void not_held(struct worker *w, struct steered *s, enum reassemble_outcome o)
{
	static const enum sipseal_reason reasons[REASSEMBLE_OUTCOMES] = {
		[REASSEMBLE_DUPLICATE] = SR_FRAGMENT_DUPLICATE,
		[REASSEMBLE_NO_FRAGMENT] = SR_BAD_FRAME,
		[REASSEMBLE_MALFORMED] = SR_FRAGMENT_MALFORMED,
		[REASSEMBLE_TINY] = SR_FRAGMENT_TINY,
		[REASSEMBLE_TOO_LARGE] = SR_FRAGMENT_MALFORMED,
		[REASSEMBLE_REFUSED] = SR_FRAGMENT_REFUSED,
	};
	enum sipseal_reason reason = reasons[o];
	uint64_t begin_ns = w->now_ns;

	pieces_one(w, s);
	if (o == REASSEMBLE_NOT_UDP)
		reason = leave_unchanged(w, s, SR_FRAGMENT_NOT_UDP);
	else if (o == REASSEMBLE_OPAQUE)
		reason = opaque(w, s);
	tell(w, s, reason, begin_ns);
}

/* ---- a datagram ---- */

static void pieces_fill(struct worker *w, const struct reassembled *d, struct steered *s)
{
	unsigned decides = d->first >= 0 ? (unsigned)d->first : 0;
	struct pieces *p = &w->fragments.pieces;
	uint64_t newest_ns = 0;

	p->cnt = d->cnt;
	for (unsigned i = 0; i < d->cnt; i++) {
		struct reassemble_frame f = reassembled_frame(w->fragments.reassemble, d, i);
		const struct block *b = f.block;

		p->frames[i] = f.frame;
		p->times_ns[i] = b->meta.time_ns;
		if (b->meta.time_ns > newest_ns)
			newest_ns = b->meta.time_ns;
		if (i == decides) {
			s->meta = b->meta;
			s->in = port_of(w, b->nic, b->flow);
		}
	}
	s->meta.time_ns = newest_ns; /* what the network took to bring them is not our delay */
	s->pieces = p;
	s->is_untold = true;
}

enum request { REQUEST_OTHER, REQUEST_INVITE, REQUEST_CANCEL };

/* As XDP has it (bpf/packet.h): blanks before it, INVITE in any case. */
static enum request request_of(struct slice p)
{
	char end;

	while (p.len && (p.p[0] == '\r' || p.p[0] == '\n' || p.p[0] == ' ' || p.p[0] == '\t'))
		p = slice_cut(p, 1);
	if (p.len < 7)
		return REQUEST_OTHER;
	end = p.p[6];
	if (slice_iprefix(p, SLICE("INVITE")) && ((end | 0x20) < 'a' || (end | 0x20) > 'z'))
		return REQUEST_INVITE;
	if (memcmp(p.p, "CANCEL", 6) == 0 && (end == ' ' || end == '\t'))
		return REQUEST_CANCEL;
	return REQUEST_OTHER;
}

static enum sipseal_reason policy_take(struct worker *w, struct steered *s)
{
	s->policy = policy_copy_get(w->cfg.policy, s->meta.generation);
	if (!s->policy)
		s->policy = policy_copy_newest(w->cfg.policy, &s->meta.generation);
	if (!s->policy)
		return SR_UNKNOWN_GENERATION;
	return policy_trunk_get(s->policy, s->meta.trunk) ? SR_NONE : SR_UNKNOWN_TRUNK;
}

/* To a port that no trunk has. */
static enum sipseal_reason foreign_run(struct worker *w, struct steered *s)
{
	if (s->meta.flags & SIPSEAL_META_F_PASS)
		return leave_unchanged(w, s, SR_UNMATCHED_LATE);
	return datapath_drop(w, s, SR_UNMATCHED_LATE_DROPPED);
}

static enum sipseal_reason whole_run(struct worker *w, struct steered *s, const struct reassembled *d)
{
	enum sipseal_reason bad = policy_take(w, s);
	enum request request = request_of(d->frame.payload);

	counters_bump(&w->counters->datagrams_whole, 1);
	s->wire = d->frame;
	if (!bad && wire_checksum_is_bad(&s->wire))
		bad = SR_BAD_CHECKSUM;
	if (bad)
		return datapath_drop(w, s, bad);
	if (request == REQUEST_CANCEL && steered_is_inbound(s) && !(s->meta.flags & SIPSEAL_META_F_FOREIGN))
		return inbound_cancel(w, s);
	if (request != REQUEST_INVITE)
		return leave_unchanged(w, s, SR_NOT_INVITE);
	if (s->meta.flags & SIPSEAL_META_F_FOREIGN)
		return foreign_run(w, s);
	s->is_untold = false;
	return datapath_invite(w, s);
}

/* Never became one. */
static enum sipseal_reason broken_run(struct worker *w, struct steered *s, const struct reassembled *d)
{
	switch (d->how) {
	case REASSEMBLED_OPAQUE:
		return opaque(w, s);
	case REASSEMBLED_NOT_UDP:
		return leave_unchanged(w, s, SR_FRAGMENT_NOT_UDP);
	case REASSEMBLED_REFUSED:
		return SR_FRAGMENT_REFUSED;
	case REASSEMBLED_EXPIRED:
	case REASSEMBLED_EVICTED:
		if (d->first >= 0 && steered_is_emergency(s))
			return leave_unchanged(w, s, SR_EMERGENCY_PASSED_LATE);
		return d->how == REASSEMBLED_EXPIRED ? SR_FRAGMENT_EXPIRED : SR_FRAGMENT_EVICTED;
	default:
		return SR_FRAGMENT_MALFORMED;
	}
}

static void datagram_run(struct worker *w, const struct reassembled *d)
{
	bool is_whole = d->how == REASSEMBLED_COMPLETE;
	uint64_t begin_ns = w->now_ns = clock_mono_ns();
	struct steered s = { 0 };
	enum sipseal_reason reason;

	pieces_fill(w, d, &s);
	reason = is_whole ? whole_run(w, &s, d) : broken_run(w, &s, d);
	tell_more(w, &s, is_whole ? SR_REASSEMBLED : reason, d->cnt - 1);
	if (reason != SR_NONE) /* else it waits, and is counted when it leaves */
		tell(w, &s, reason, begin_ns);
}

/* What leaves.  Return: how many, at most @max. */
static unsigned datagrams_run(struct worker *w, uint64_t now_ns, unsigned max)
{
	struct reassemble *r = w->fragments.reassemble;
	struct reassembled *d;
	unsigned n = 0;

	while (n < max && (d = reassemble_take(r, now_ns))) {
		datagram_run(w, d);
		reassemble_release(r, d);
		n++;
	}
	return n;
}

/* ---- from frames to datagrams ---- */

/* A fragment of a flow that is ours. */
static void add(struct worker *w, struct steered *s, uint32_t nic, uint64_t flow)
{
	union {
		struct block b;
		char bytes[REASSEMBLE_BLOCK];
	} kept = { .b = { .meta = s->meta, .flow = flow, .nic = nic } };
	enum reassemble_outcome o;

	s->in = port_of(w, nic, flow);
	/* what came from the other side is another datagram: one from there is never signed, nor completed from there */
	o = reassemble_add(w->fragments.reassemble, s->frame, steered_is_inbound(s), &kept, w->now_ns);
	/* before it: what was held of the same datagram came earlier */
	datagrams_run(w, w->now_ns, UINT32_MAX);
	if (o != REASSEMBLE_HELD)
		not_held(w, s, o);
	publish(w);
}

/* As XDP asks before it steers. */
static bool is_beating(const struct worker *w, unsigned worker)
{
	uint64_t at = w->cfg.slots[worker];

	return at && (int64_t)(w->now_ns - at) <= (int64_t)w->stale_ns;
}

/* It goes to its owner, or nowhere; an emergency call does not wait for one that stands still. */
static void mail(struct worker *w, struct steered *s, unsigned owner, uint64_t flow)
{
	struct mail m = { .meta = s->meta, .nic = s->in->index, .flow = flow, .frame = s->frame };

	if ((!steered_is_emergency(s) || is_beating(w, owner)) && mailbox_put(w->cfg.mail->box[owner], &m))
		counters_bump(&w->counters->mailed, 1);
	else
		refuse(w, s, SR_FRAGMENT_OVERFLOW);
}

bool fragments_cancel(struct worker *w, const struct steered *s)
{
	const struct mailboxes *boxes = w->cfg.mail;
	struct mail m = { .meta = s->meta, .nic = s->in->index, .frame = s->frame };
	unsigned owner;

	if (!boxes || !boxes->owners || !s->frame.p)
		return false;
	m.flow = mailboxes_flow(boxes, s->wire.src, s->wire.dst);
	owner = mailboxes_owner(boxes, m.flow);
	if (owner == w->cfg.index || !is_beating(w, owner) ||
	    !atomic_load_explicit(&counters_worker(w->cfg.counters, owner)->parked, memory_order_relaxed))
		return false;
	return mailbox_put(boxes->box[owner], &m);
}

static enum sipseal_reason check(const struct steered *s, struct wire_packet *ret)
{
	if (wire_packet_parse(s->frame, ret) < 0)
		return SR_FRAGMENT_MALFORMED;
	return ret->ttl <= 1 && !steered_is_bridged(s) ? SR_BAD_FRAME : SR_NONE; /* routing loops end here */
}

void fragments_came(struct worker *w, struct steered *s)
{
	const struct mailboxes *boxes = w->cfg.mail && w->cfg.mail->owners ? w->cfg.mail : &w->fragments.alone;
	enum sipseal_reason bad = datapath_meta_check(w, s);
	struct wire_packet p;
	unsigned owner;
	uint64_t flow;

	if (bad)
		return refuse(w, s, bad);
	bad = check(s, &p);
	if (bad) {
		pieces_one(w, s);
		tell(w, s, bad, w->now_ns);
		return;
	}
	s->frame.len = (size_t)(p.ip.p + p.ip.len - s->frame.p); /* without padding */
	flow = mailboxes_flow(boxes, p.src, p.dst);
	owner = boxes->owners ? mailboxes_owner(boxes, flow) : w->cfg.index;
	if (owner != w->cfg.index)
		mail(w, s, owner, flow);
	else
		add(w, s, s->in->index, flow);
}

static void cancel_run(struct worker *w, struct steered *s)
{
	uint64_t begin_ns = w->now_ns;
	int r = wire_frame_parse(s->frame, &s->wire); /* as it did before */

	tell(w, s, r < 0 ? SR_BAD_FRAME : inbound_cancel(w, s), begin_ns);
}

static void mail_run(struct worker *w, const struct mail *m)
{
	struct steered s = { .in = port_of(w, m->nic, m->flow), .meta = m->meta, .frame = m->frame };
	enum sipseal_reason bad;

	w->now_ns = clock_mono_ns();
	bad = datapath_meta_check(w, &s); /* again: this worker may have stood still since */
	if (m->meta.flags & SIPSEAL_META_F_CANCEL)
		cancel_run(w, &s);
	else if (bad)
		refuse(w, &s, bad);
	else
		add(w, &s, m->nic, m->flow);
	fair_frame(&w->fair, m->meta.trunk);
}

/* What others have sent. */
static unsigned mails_take(struct worker *w, unsigned max)
{
	struct mailbox *box = w->cfg.mail ? w->cfg.mail->box[w->cfg.index] : NULL;
	struct mail m;
	unsigned n = 0;

	while (box && n < max && mailbox_peek(box, &m)) {
		if (!n)
			w->env.now_ms = (int64_t)clock_real_ms();
		mail_run(w, &m);
		mailbox_drop(box);
		n++;
	}
	return n;
}

bool fragments_turn(struct worker *w)
{
	unsigned n = mails_take(w, TURN_MAX), expired;

	expired = datagrams_run(w, w->now_ns, TURN_MAX);
	if (expired)
		publish(w);
	return n || expired;
}

void fragments_end(struct worker *w)
{
	mails_take(w, MAILBOX_PLACES);
	w->env.now_ms = (int64_t)clock_real_ms();
	datagrams_run(w, UINT64_MAX, UINT32_MAX);
	publish(w);
}
