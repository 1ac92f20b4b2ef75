/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/rest.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

int rest_init(struct rest *r, uint32_t cap)
{
	*r = (struct rest){ .cap = cap };
	r->queue = calloc(cap, sizeof(*r->queue));
	return r->queue ? 0 : -ENOMEM;
}

void rest_done(struct rest *r)
{
	free(r->queue);
	*r = (struct rest){ 0 };
}

/* The generations of a daemon's life differ by less than 2^31, also where they wrap. */
static bool has_rested(const struct rest_entry *e, uint64_t now_ns, uint32_t generation,
		       bool want_time)
{
	if (e->since_ns == 0) /* rest_untake() */
		return true;
	if ((int32_t)(generation - e->generation) < REST_GENERATIONS)
		return false;
	return !want_time || now_ns - e->since_ns >= REST_NS;
}

static int64_t take_front(struct rest *r)
{
	uint32_t id = r->queue[r->head].id;

	r->head = (r->head + 1) % r->cap;
	r->cnt--;
	return id;
}

int64_t rest_take(struct rest *r, uint64_t now_ns, uint32_t generation, bool is_strict)
{
	const struct rest_entry *front = &r->queue[r->head];

	/* one that was used before comes first: tables stay short */
	if (r->cnt && has_rested(front, now_ns, generation, true))
		return take_front(r);
	if (r->fresh < r->cap)
		return r->fresh++;
	if (!is_strict && r->cnt && has_rested(front, now_ns, generation, false))
		return take_front(r);
	return -ENOSPC;
}

void rest_give(struct rest *r, uint32_t id, uint64_t now_ns, uint32_t generation)
{
	assert(r->cnt < r->cap);
	r->queue[(r->head + r->cnt++) % r->cap] = (struct rest_entry){
		.since_ns = now_ns ? now_ns : 1, .id = id, .generation = generation
	};
}

void rest_untake(struct rest *r, uint32_t id)
{
	assert(r->cnt < r->cap);
	r->head = (r->head + r->cap - 1) % r->cap;
	r->cnt++;
	r->queue[r->head] = (struct rest_entry){ .id = id };
}
