/* SPDX-License-Identifier: BSD-2-Clause */
#include "signer/record.h"

#include "base/clock.h"

#define ETH_LEN 14

void record_follow(struct worker *w)
{
	struct capture_region *r;

	if (w->capture.worker || !w->cfg.capture)
		return;
	r = atomic_load_explicit(w->cfg.capture, memory_order_acquire);
	if (r)
		capture_writer_init(&w->capture, r, w->cfg.index);
}

/* When XDP saw it, also of one that has waited.  A frame may be newer than the clock of another processor says. */
static uint64_t came_ns(uint64_t time_ns)
{
	uint64_t now = clock_ns(CLOCK_REALTIME), age = clock_mono_ns() - time_ns;

	return (int64_t)age > 0 && age < now ? now - age : now;
}

void record_came(struct worker *w, const struct steered *s)
{
	struct capture_packet p = { .stage = CAPTURE_BEFORE, .form = CAPTURE_L2, .nic = (uint8_t)s->in->index };

	unsigned cnt = s->pieces ? s->pieces->cnt : 1;

	for (unsigned i = 0; i < cnt; i++) {
		struct slice frame = s->pieces ? s->pieces->frames[i] : s->frame;

		if (frame.len < ETH_LEN || s->meta.trunk >= SIPSEAL_TRUNKS_MAX) {
			capture_cancel(&w->capture); /* the reader would not believe it */
			return;
		}
		p.time_ns = came_ns(s->pieces ? s->pieces->times_ns[i] : s->meta.time_ns);
		capture_add(&w->capture, &p, frame);
	}
}
