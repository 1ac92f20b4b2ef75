/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * capturing_world - a daemon that has nothing but captures, and the signer's side of its region: its own mapping,
 * written with the functions that the signer uses.  Trunks and the room for memory are the functions below.
 */
#ifndef SIPSEAL_TEST_CAPTURING_WORLD_H
#define SIPSEAL_TEST_CAPTURING_WORLD_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cleanup.h"
#include "daemon/daemon.h"
#include "trunk/capture.h"

#define WORKERS 2
#define PAYLOAD 1400

/* ---- what the kernel and the trunks say ---- */

static bool is_full; /* there is no memory for large pieces */

int fallocate(int fd, int mode, off_t off, off_t len)
{
	if (is_full && len > 4096) {
		errno = ENOSPC;
		return -1;
	}
	return (int)syscall(SYS_fallocate, fd, mode, off, len);
}

static struct live_trunk trunks[] = { { .name = "acme", .slot = 0 }, { .name = "beta", .slot = 5 } };
static bool is_beta_gone;

const struct live_trunk *live_find(const struct live *l, const char *name)
{
	(void)l;
	for (size_t i = 0; i < ARRAY_SIZE(trunks); i++)
		if (strcmp(trunks[i].name, name) == 0)
			return i == 1 && is_beta_gone ? NULL : &trunks[i];
	return NULL;
}

const char *live_slot_name(const struct live *l, uint32_t slot)
{
	(void)l;
	return slot == 0 ? "acme" : slot == 5 ? "beta" : NULL;
}

/* ---- the world ---- */

struct world {
	struct sipseald d;
	struct capture_region *signer;
	struct capture_writer writers[WORKERS];
	uint64_t len, now_ns;
	int fd;               /* the daemon's */
	unsigned wakes;
};

static inline void attach(struct world *w)
{
	w->signer = mmap(NULL, w->len, PROT_READ | PROT_WRITE, MAP_SHARED, w->fd, 0);
	assert_true(w->signer != MAP_FAILED);
	assert_int_equal(capture_region_check(w->signer, w->len), 0);
	for (unsigned i = 0; i < WORKERS; i++)
		capture_writer_init(&w->writers[i], w->signer, i);
}

static inline void renew(struct world *w)
{
	if (w->signer)
		munmap(w->signer, w->len);
	assert_int_equal(capturing_renew(w->d.capturing, &w->fd, &w->len), 0);
	attach(w);
}

static inline int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	is_full = is_beta_gone = false;
	w->d.workers = WORKERS;
	w->d.generation = 7;
	w->d.gateway = gateway_new();
	w->d.port_cnt = 2;
	w->d.ports[0].side = SIPSEAL_SIDE_CORE;
	w->d.ports[1].side = SIPSEAL_SIDE_CARRIER;
	strcpy(w->d.nics[0].name, "core0");
	strcpy(w->d.nics[1].name, "carrier0");
	assert_int_equal(capturing_new(&w->d, &w->d.capturing), 0);
	renew(w);
	*state = w;
	return 0;
}

static inline int teardown(void **state)
{
	struct world *w = *state;

	munmap(w->signer, w->len);
	capturing_free(w->d.capturing);
	gateway_free(w->d.gateway);
	free(w);
	return 0;
}

static inline void on_wake(void *ctx)
{
	struct world *w = ctx;

	w->wakes++;
}

static inline struct capturing_reader *reader(struct world *w, const char *trunk, uint64_t count)
{
	struct capturing_ask ask = { .trunk = trunk, .count = count, .wake = on_wake, .ctx = w };
	struct capturing_reader *r = NULL;

	assert_int_equal(capturing_open(w->d.capturing, &ask, &r), 0);
	return r;
}

static inline uint32_t want(const struct world *w)
{
	return atomic_load(&w->signer->want);
}

/* A worker tells of an INVITE with one packet before and one after.  Return: somebody asked. */
static inline bool tell_len(struct world *w, unsigned worker, uint32_t slot, uint64_t generation, size_t len)
{
	struct capture_call call = { .generation = generation, .verdict = EVENT_SIGN, .reason = SR_SIGNED,
				     .decided_verdict = EVENT_SIGN, .decided_reason = SR_SIGNED };
	struct capture_packet p = { .form = CAPTURE_L2, .time_ns = 1700000000000000000ull };
	static const char frame[2 * PAYLOAD] = "x";

	w->now_ns += 1000000000; /* the rate has its own test */
	if (!capture_begin(&w->writers[worker], slot, 0, w->now_ns))
		return false;
	capture_add(&w->writers[worker], &p, slice_of(frame, len));
	p.stage = CAPTURE_AFTER;
	p.nic = 1;
	capture_add(&w->writers[worker], &p, slice_of(frame, len));
	capture_end(&w->writers[worker], &call);
	return true;
}

static inline bool tell(struct world *w, unsigned worker, uint32_t slot, uint64_t generation)
{
	return tell_len(w, worker, slot, generation, PAYLOAD);
}

static inline struct capturing_totals totals(const struct world *w)
{
	struct capturing_totals t;

	capturing_totals(w->d.capturing, &t);
	return t;
}

/* What a reader got: whole blocks, and no other. */
struct got {
	unsigned sections, packets, stats;
	uint64_t lost[8];
	bool is_ended;
	char comments[4096];
};

static inline uint32_t u32(const char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline const char *option(const char *p, const char *end, uint16_t code, uint16_t *ret_len)
{
	while (p + 4 <= end) {
		uint16_t head[2];

		memcpy(head, p, 4);
		if (head[0] == code) {
			*ret_len = head[1];
			return p + 4;
		}
		p += 4 + (head[1] + 3) / 4 * 4;
	}
	return NULL;
}

static inline void block(struct got *g, const char *p, uint32_t len)
{
	const char *end = p + len - 4, *o;
	uint16_t o_len = 0;

	switch (u32(p)) {
	case 0x0a0d0d0a:
		g->sections++;
		break;
	case 6:
		g->packets++;
		o = option(p + 28 + (u32(p + 20) + 3) / 4 * 4, end, 1, &o_len);
		assert_non_null(o);
		if (strlen(g->comments) + o_len + 2 < sizeof(g->comments))
			sprintf(g->comments + strlen(g->comments), "%.*s\n", o_len, o);
		break;
	case 5:
		g->stats++;
		o = option(p + 20, end, 5, &o_len);
		assert_true(o && u32(p + 8) < ARRAY_SIZE(g->lost));
		memcpy(&g->lost[u32(p + 8)], o, 8);
		break;
	default:
		assert_int_equal(u32(p), 1);
	}
}

static inline void drain(struct capturing_reader *r, struct got *g)
{
	static char bytes[CAPTURING_QUEUE];
	size_t len = 0;
	ssize_t n;

	while ((n = capturing_read(r, bytes + len, sizeof(bytes) - len < 777 ? sizeof(bytes) - len : 777)) > 0)
		len += (size_t)n;
	if (n < 0)
		assert_int_equal(n, -ENODATA);
	g->is_ended = n < 0;
	for (size_t at = 0; at < len; at += u32(bytes + at + 4)) {
		assert_true(len - at >= 12 && u32(bytes + at + 4) <= len - at);
		block(g, bytes + at, u32(bytes + at + 4));
	}
}

static inline uint64_t memory_of(const struct world *w)
{
	struct stat st;

	assert_int_equal(fstat(w->fd, &st), 0);
	return (uint64_t)st.st_blocks * 512;
}

#endif
