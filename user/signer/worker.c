/* SPDX-License-Identifier: BSD-2-Clause */
#include "signer/worker.h"

#include <errno.h>
#include <openssl/rand.h>
#include <poll.h>

#include "base/clock.h"
#include "signer/datapath.h"
#include "signer/fragments.h"
#include "signer/inbound.h"
#include "signer/publish.h"
#include "signer/record.h"

#define SECOND_NS 1000000000ull

/* A worker's queues of every NIC. */
#define SOCKETS_MAX (SIPSEAL_PORTS_MAX * SIPSEAL_QUEUES_MAX)

int worker_new(const struct worker_cfg *cfg, struct worker **ret)
{
	CLEANUP(worker_freep) struct worker *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->cfg = *cfg;
	w->counters = counters_worker(cfg->counters, cfg->index);
	w->events = events_worker(cfg->events, cfg->index);
	w->stale_ns = WORKER_STALE_NS;
	w->ports = calloc(SOCKETS_MAX, sizeof(*w->ports)); /* in one piece: tx[] points into it */
	w->pollfds = calloc(SOCKETS_MAX + 1, sizeof(*w->pollfds)); /* and the mailbox */
	w->drain_marks = calloc(SOCKETS_MAX, sizeof(*w->drain_marks));
	if (!w->ports || !w->pollfds || !w->drain_marks || fair_init(&w->fair) < 0)
		return -ENOMEM;
	if ((r = umem_new(cfg->umem, cfg->frames, &w->umem)) < 0 ||
	    (r = replay_new(REPLAY_SIZE, &w->replay)) < 0 ||
	    (r = credential_signer_new(cfg->credentials, &w->signer)) < 0 || (r = inbound_new(w)) < 0 ||
	    (r = fragments_new(w)) < 0 || (cfg->idle == IDLE_SPIN && (r = warm_new(&w->warm)) < 0))
		return r;
	w->emitter.umem = w->umem;
	w->emitter.counters = w->counters;
	w->emitter.raw_v4 = cfg->raw_v4;
	w->emitter.raw_v6 = cfg->raw_v6;
	capture_writer_init(&w->capture, NULL, cfg->index);
	w->emitter.capture = &w->capture;
	w->env.sign = credential_sign;
	w->env.sign_ctx = w->signer;
	w->env.random = random_take;
	w->env.random_ctx = &w->random;
	w->env.override = datapath_override;
	w->env.override_ctx = w;
	memcpy(w->env.tag_key, cfg->tag_key, sizeof(w->env.tag_key));
	*ret = TAKE(w);
	return 0;
}

void worker_free(struct worker *w)
{
	if (!w)
		return;
	for (unsigned i = 0; i < w->port_cnt; i++)
		port_close(&w->ports[i]);
	free(w->ports);
	free(w->pollfds);
	free(w->drain_marks);
	fair_done(&w->fair);
	umem_free(w->umem);
	replay_free(w->replay);
	credential_signer_free(w->signer);
	inbound_done(w);
	fragments_done(w);
	warm_free(w->warm);
	free(w);
}

int worker_port_add(struct worker *w, const struct port_cfg *cfg)
{
	struct port *p = &w->ports[w->port_cnt];
	int r;

	if (w->port_cnt >= SOCKETS_MAX || cfg->index >= SIPSEAL_PORTS_MAX ||
	    w->tx_cnt[cfg->index] >= SIPSEAL_QUEUES_MAX) {
		close(cfg->fd);
		return -ENOSPC;
	}
	if ((r = port_open(cfg, w->umem, p)) < 0)
		return r;
	w->pollfds[w->port_cnt] = (struct pollfd){ .fd = p->fd, .events = POLLIN };
	w->port_cnt++;
	if (p->tx.size)
		w->tx[p->index][w->tx_cnt[p->index]++] = p;
	return 0;
}

/* A quarter of the chunks is for sending, the rest is shared out to the fill rings.  Too small a reserve:
 * bursts leave by the raw socket.  Too small a share: bursts are dropped by the kernel.  Sending never
 * takes more than its part, so that a NIC that does not finish cannot stop the others from receiving. */
int worker_prepare(struct worker *w)
{
	uint32_t share;

	if (!w->port_cnt)
		return -EINVAL;
	w->reserve = w->umem->tx_max = w->umem->frames / 4;
	share = (w->umem->frames - w->reserve) / w->port_cnt;
	if (!share)
		return -ENOMEM;
	for (unsigned i = 0; i < w->port_cnt; i++) {
		struct port *p = &w->ports[i];

		p->fill_target = share < p->fill.size ? share : p->fill.size;
		port_fill(p, w->reserve);
	}
	random_take(&w->random, &w->emitter.next_ip_id, sizeof(w->emitter.next_ip_id));
	w->now_ns = clock_mono_ns();
	publish_loop(w);
	return 0;
}

/* The limit of the copies in use; a copy that is being written counts for nothing. */
static uint64_t stale_limit(const struct policy_region *r)
{
	uint64_t limit = UINT64_MAX;

	for (int i = 0; i < 2; i++) {
		const struct policy_copy *c = (const void *)((const char *)r + r->copy_off[i]);
		uint64_t generation = *(volatile const uint64_t *)&c->generation;

		if (generation && c->stale_ns < limit)
			limit = c->stale_ns;
	}
	return limit == UINT64_MAX ? WORKER_STALE_NS : limit;
}

/* Returns true while frames wait to be sent (void ones do not: the link is down). */
static bool flush_all(struct worker *w)
{
	bool is_pending = false;

	for (unsigned i = 0; i < w->port_cnt; i++) {
		struct port *p = &w->ports[i];

		if (p->tx_new || (p->tx.size && ring_unsent(&p->tx)))
			is_pending |= port_flush(p, w->now_ns, w->stale_ns) < 0 && !p->is_void;
		if (p->send_errors)
			counters_bump(&w->counters->send_errors, p->send_errors);
		p->send_errors = 0;
	}
	return is_pending;
}

/* Which frames are there now, unless an earlier look is still open. */
static void drain_begin(struct worker *w)
{
	if (w->drain_ns)
		return;
	w->drain_ns = w->now_ns; /* of before the look: what comes in between is waited for, too */
	for (unsigned i = 0; i < w->port_cnt; i++)
		w->drain_marks[i] = ring_produced(&w->ports[i].rx);
}

/* Are they all done, and handed to the kernel? */
static void drain_end(struct worker *w, bool is_pending)
{
	if (is_pending)
		return;
	for (unsigned i = 0; i < w->port_cnt; i++)
		if ((int32_t)(w->ports[i].rx.next - w->drain_marks[i]) < 0)
			return;
	atomic_store_explicit(&w->counters->drained_ns, w->drain_ns, memory_order_release);
	w->drain_ns = 0;
}

bool worker_loop(struct worker *w)
{
	bool is_busy = false;

	w->now_ns = clock_mono_ns();
	fair_round(&w->fair, w->now_ns);
	inbound_follow(w);
	record_follow(w);
	drain_begin(w);
	publish_loop(w);
	for (unsigned i = 0; i < w->port_cnt; i++) {
		struct port *p = &w->ports[i];

		if (datapath_batch(w, p)) {
			is_busy = true;
			flush_all(w);
			publish_loop(w); /* 64 signatures take milliseconds: the heartbeat goes on */
		}
		port_reap(p);
		port_fill(p, w->reserve);
	}
	is_busy |= fragments_turn(w);
	is_busy |= inbound_turn(w);
	drain_end(w, flush_all(w));
	return is_busy;
}

static void idle(struct worker *w)
{
	uint64_t quarter_ms = w->stale_ns / 4 / 1000000;
	int timeout = quarter_ms < WORKER_POLL_MS ? (int)quarter_ms : WORKER_POLL_MS, n;
	struct mailbox *box = w->cfg.mail ? w->cfg.mail->box[w->cfg.index] : NULL;

	if (park_cnt(w->inbound.park) && timeout > WORKER_PARKED_MS)
		timeout = WORKER_PARKED_MS;
	if (flush_all(w) || timeout < 1)
		timeout = 1;
	if (box && !mailbox_sleep(box))
		return;
	if (box)
		w->pollfds[w->port_cnt] = (struct pollfd){ .fd = mailbox_fd(box), .events = POLLIN };
	n = poll(w->pollfds, w->port_cnt + !!box, timeout);
	if (box)
		mailbox_awake(box, n > 0 && w->pollfds[w->port_cnt].revents);
	if (n <= 0)
		return;
	for (unsigned i = 0; i < w->port_cnt; i++)
		if (w->pollfds[i].revents & (POLLERR | POLLHUP | POLLNVAL))
			w->pollfds[i].fd = -1; /* the NIC is gone: poll() would return at once for ever */
}

void worker_run(struct worker *w)
{
	while (!atomic_load_explicit(&w->stop, memory_order_relaxed)) {
		bool is_busy = worker_loop(w);

		w->stale_ns = stale_limit(w->cfg.policy);
		if (w->now_ns - w->second_ns >= SECOND_NS) {
			w->second_ns = w->now_ns;
			publish_second(w);
			replay_expire(w->replay, w->now_ns);
			credential_signer_sync(w->signer);
		}
		if (w->warm)
			warm_turn(w->warm, w->now_ns, is_busy);
		else if (!is_busy)
			idle(w);
	}
	fragments_end(w);
	inbound_end(w);
	flush_all(w);
	publish_second(w);
}

void worker_stop(struct worker *w)
{
	atomic_store(&w->stop, true);
}
