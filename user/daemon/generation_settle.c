/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When is the former generation gone?  XDP: bpfgw_grace() has returned since the flip.  Signer:
 * every worker has finished what was steered before that moment; or has no frame of that time left
 * that is not stale; or no signer runs at all.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/generation_internal.h"

/* A frame is judged stale when its turn comes; from there to the tx ring it takes microseconds.
 * Enough for a thread that was not scheduled in between. */
#define STALE_EXTRA_MS 100

#define TURN_MS 2     /* while settling: the workers answer within their loop */
#define RETRY_MS 1000 /* keys that a busy signer did not drop */

uint32_t generation_next(uint32_t generation)
{
	return generation + 1 ? generation + 1 : 2; /* 0 means none, and its low bit is that of 2 */
}

void settle_begin(struct sipseald *d)
{
	d->is_settling = true;
	d->flip_ns = clock_mono_ns();
	d->grace_ns = 0;
}

/* Also sees a signer that has died a moment ago.  @wait_ms: for that to happen. */
static bool signer_is_gone(const struct sipseald *d, int wait_ms)
{
	struct pollfd p = { .fd = d->signer.fd };

	if (!d->signer.pid || d->signer.fd < 0)
		return true;
	return poll(&p, 1, wait_ms) > 0 && (p.revents & (POLLHUP | POLLERR | POLLNVAL));
}

static bool is_over(struct sipseald *d, int wait_ms)
{
	uint64_t limit_ns = (d->gateway->heartbeat_ms + STALE_EXTRA_MS) * 1000000ull;

	if (!d->grace_ns) {
		bpfgw_grace();
		d->grace_ns = clock_mono_ns();
	}
	return counts_drained(&d->counts, d->grace_ns) || clock_mono_ns() - d->flip_ns > limit_ns ||
	       signer_is_gone(d, wait_ms);
}

/* One that is stopped would keep us waiting for its answer. */
static bool signer_hangs(const struct sipseald *d)
{
	uint64_t now = clock_mono_ns();

	for (unsigned i = 0; d->signer.pid && d->heartbeats && i < d->workers; i++)
		if (d->heartbeats[i] < now &&
		    now - d->heartbeats[i] > d->gateway->heartbeat_ms * 1000000ull)
			return true;
	return false;
}

static void keys_drop(struct sipseald *d)
{
	struct live *l = d->live;
	uint64_t now_ns = clock_mono_ns();

	while (l->retired_cnt && !signer_hangs(d)) {
		uint32_t key = l->retired[l->retired_cnt - 1];

		if (key_drop(d, key) < 0)
			return;
		l->retired_cnt--;
		rest_give(&l->key_rest, key, now_ns, d->generation);
	}
}

/* The idle copies follow.  A table that cannot be filled is filled anew by the next change. */
static void settle(struct sipseald *d)
{
	char err[BPFGW_ERR_LEN] = "";
	int r = bpfgw_fill(d->bpf, d->match, generation_next(d->generation), err);

	if (r < 0)
		log_warning("event=settle generation=%u reason=\"%s\"", d->generation,
			    *err ? err : strerror(-r));
	image_settle(d->image);
	d->is_settling = false;
	keys_drop(d);
}

void settle_wait(struct sipseald *d)
{
	if (!d->is_settling)
		return;
	while (!is_over(d, 1)) /* at most heartbeat_ms + STALE_EXTRA_MS */
		;
	settle(d);
}

int generation_turn(struct sipseald *d)
{
	if (d->is_settling) {
		if (!is_over(d, 0))
			return TURN_MS;
		settle(d);
	} else {
		keys_drop(d);
	}
	return d->live->retired_cnt ? RETRY_MS : -1;
}
