/* SPDX-License-Identifier: BSD-2-Clause */
#include "signer/fair.h"

#include <errno.h>
#include <stdlib.h>

#include "abi.h"

/* Frames that move the average by half.  Fewer: a round in which the thread lost its processor
 * shows too much; more: the first flood after a change of load meets an old figure. */
#define HALF_FRAMES 64

int fair_init(struct fair *f)
{
	*f = (struct fair){ .seen = calloc(SIPSEAL_TRUNKS_MAX, sizeof(*f->seen)), .window = 1 };
	return f->seen ? 0 : -ENOMEM;
}

void fair_done(struct fair *f)
{
	free(f->seen);
	f->seen = NULL;
}

void fair_frame(struct fair *f, uint32_t trunk)
{
	f->frames++;
	if (trunk >= SIPSEAL_TRUNKS_MAX || f->seen[trunk] == f->window)
		return;
	f->seen[trunk] = f->window;
	f->active++;
}

static void window_turn(struct fair *f, uint64_t now_ns)
{
	uint64_t age = now_ns - f->window_ns;

	if (age < FAIR_WINDOW_NS)
		return;
	f->active_before = age < 2 * FAIR_WINDOW_NS ? f->active : 0;
	f->active = 0;
	f->window_ns = now_ns;
	if (!++f->window)
		f->window = 1; /* after 27 years: a trunk not seen since is missed once */
}

void fair_round(struct fair *f, uint64_t now_ns)
{
	if (f->frames) {
		int64_t sample = (int64_t)((now_ns - f->since_ns) / f->frames);
		int64_t weight = f->frames < HALF_FRAMES ? f->frames : HALF_FRAMES;
		int64_t last = f->service_ns ? (int64_t)f->service_ns : sample;

		last += (sample - last) * weight / (2 * HALF_FRAMES);
		f->service_ns = last > 0 ? (uint64_t)last : 1;
	}
	f->frames = 0;
	f->since_ns = now_ns;
	window_turn(f, now_ns);
}

uint64_t fair_interval(const struct fair *f)
{
	return f->service_ns * (f->active > f->active_before ? f->active : f->active_before);
}
