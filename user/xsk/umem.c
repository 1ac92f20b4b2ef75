/* SPDX-License-Identifier: BSD-2-Clause */
#include "xsk/umem.h"

#include <assert.h>
#include <errno.h>

int umem_new(char *mem, uint32_t frames, struct umem **ret)
{
	CLEANUP(umem_freep) struct umem *u = calloc(1, sizeof(*u));

	if (!u)
		return -ENOMEM;
	if (!frames || frames > UMEM_FRAMES_MAX)
		return -EINVAL;
	u->mem = mem;
	u->frames = u->tx_max = frames;
	u->free = calloc(frames, sizeof(*u->free));
	u->state = calloc(frames, sizeof(*u->state));
	if (!u->free || !u->state)
		return -ENOMEM;
	for (uint32_t i = 0; i < frames; i++)
		u->free[i] = frames - 1 - i; /* chunk 0 on top */
	u->count[UMEM_FREE] = frames;
	*ret = TAKE(u);
	return 0;
}

void umem_free(struct umem *u)
{
	if (!u)
		return;
	free(u->free);
	free(u->state);
	free(u);
}

static bool is_inside(const struct umem *u, uint64_t addr)
{
	return addr / XSK_FRAME_SIZE < u->frames;
}

enum umem_state umem_state_at(const struct umem *u, uint64_t addr)
{
	return is_inside(u, addr) ? u->state[addr / XSK_FRAME_SIZE] : UMEM_STATES;
}

void umem_move(struct umem *u, uint64_t addr, enum umem_state from, enum umem_state to)
{
	uint32_t chunk = (uint32_t)(addr / XSK_FRAME_SIZE);

	assert(umem_state_at(u, addr) == from);
	u->state[chunk] = (uint8_t)to;
	u->count[from]--;
	if (to == UMEM_FREE)
		u->free[u->count[UMEM_FREE]] = chunk;
	u->count[to]++;
}

int64_t umem_get(struct umem *u)
{
	uint64_t addr;

	if (!u->count[UMEM_FREE])
		return -1;
	addr = (uint64_t)u->free[u->count[UMEM_FREE] - 1] * XSK_FRAME_SIZE;
	umem_move(u, addr, UMEM_FREE, UMEM_HELD);
	return (int64_t)addr;
}

void umem_put(struct umem *u, uint64_t addr)
{
	umem_move(u, addr, UMEM_HELD, UMEM_FREE);
}

int umem_take_rx(struct umem *u, uint64_t addr, uint32_t len, uint32_t before)
{
	uint32_t off = (uint32_t)(addr % XSK_FRAME_SIZE);

	if (umem_state_at(u, addr) != UMEM_RX) {
		u->bad++;
		return -EBADMSG;
	}
	umem_move(u, addr, UMEM_RX, UMEM_HELD);
	if (off < before || len > XSK_FRAME_SIZE - off) {
		u->bad++;
		return -ERANGE;
	}
	return 0;
}

int umem_complete(struct umem *u, uint64_t addr)
{
	enum umem_state s = umem_state_at(u, addr);

	if (s != UMEM_TX && s != UMEM_VOID) {
		u->bad++;
		return -EBADMSG;
	}
	umem_move(u, addr, s, UMEM_FREE);
	return 0;
}

uint32_t umem_lost(const struct umem *u)
{
	uint32_t sum = 0;

	for (int s = 0; s < UMEM_HELD; s++)
		sum += u->count[s];
	return u->frames - sum;
}
