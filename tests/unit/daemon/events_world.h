/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * events_world - a daemon that has nothing but events, and the signer's side of its region: its own mapping,
 * written with the functions that the signer uses.  Trunks and keys are the two functions below.
 */
#ifndef SIPSEAL_TEST_EVENTS_WORLD_H
#define SIPSEAL_TEST_EVENTS_WORLD_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "daemon/daemon.h"

#define KEYS 4

static const char *slot_names[] = { "acme", "beta", NULL };

/* Called while the rings are read, once. */
static void (*world_while_reading)(void *ctx);
static void *world_while_reading_ctx;

const char *live_slot_name(const struct live *l, uint32_t slot)
{
	void (*hook)(void *) = world_while_reading;

	(void)l;
	world_while_reading = NULL;
	if (hook)
		hook(world_while_reading_ctx);
	return slot < ARRAY_SIZE(slot_names) ? slot_names[slot] : NULL;
}

const char *live_key_x5u(const struct live *l, uint32_t key)
{
	(void)l;
	return key < KEYS ? "https://cert.example/1.pem" : NULL;
}

struct world {
	struct sipseald d;
	struct events_region *signer;
	uint64_t len;
};

/* What a new signer is given. */
static inline void world_renew(struct world *w)
{
	int fd = -1;

	if (w->signer)
		munmap(w->signer, w->len);
	assert_int_equal(callevents_renew(w->d.events, &fd, &w->len), 0);
	w->signer = mmap(NULL, w->len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(w->signer != MAP_FAILED);
}

static inline int world_setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	slot_names[0] = "acme";
	w->d.workers = 2;
	w->d.generation = 7;
	assert_int_equal(callevents_new(&w->d, &w->d.events), 0);
	world_renew(w);
	*state = w;
	return 0;
}

static inline int world_teardown(void **state)
{
	struct world *w = *state;

	munmap(w->signer, w->len);
	callevents_free(w->d.events);
	free(w);
	return 0;
}

/* The record of a call that was signed. */
static inline struct event_record world_record(const char *call_id)
{
	struct event_record r = { .time_ms = 1767225600123,
				  .trunk = 0,
				  .key = 1,
				  .generation = 7,
				  .latency_us = 93,
				  .src_port = 5060,
				  .dst_port = 5061,
				  .verdict = EVENT_SIGN,
				  .reason = SR_SIGNED,
				  .decided_verdict = EVENT_SIGN,
				  .decided_reason = SR_SIGNED,
				  .attest = 'A',
				  .orig_len = 11,
				  .dest_len = 11,
				  .origid_len = 4,
				  .src = { [10] = 0xff, 0xff, 10, 0, 0, 5 },
				  .dst = { [10] = 0xff, 0xff, 203, 0, 113, 10 },
				  .orig = "12155550112",
				  .dest = "12125550100",
				  .origid = "o-id" };

	r.call_id_len = (uint8_t)strlen(call_id);
	memcpy(r.call_id, call_id, r.call_id_len);
	return r;
}

/* The record of an inbound call that was verified. */
static inline struct event_record world_inbound(const char *call_id)
{
	static const char x5u[] = "https://their.example/c.pem";
	struct event_record r = world_record(call_id);

	r.flags = EVENT_INBOUND;
	r.key = UINT32_MAX;
	r.verdict = r.decided_verdict = EVENT_VERIFY;
	r.reason = r.decided_reason = SR_VERIFIED;
	r.stir = EVENT_STIR_VERIFIED;
	r.x5u_len = sizeof(x5u) - 1;
	memcpy(r.x5u, x5u, sizeof(x5u) - 1);
	strcpy(r.spc, "709J");
	return r;
}

static inline bool world_push(struct world *w, unsigned worker, const struct event_record *r)
{
	struct event_record *slot = events_slot(events_worker(w->signer, worker));

	if (!slot)
		return false;
	*slot = *r;
	events_push(events_worker(w->signer, worker));
	return true;
}

static inline struct callevents_totals world_totals(const struct world *w)
{
	struct callevents_totals t;

	callevents_totals(w->d.events, &t);
	return t;
}

/* Printable lines of JSON, whatever the records hold. */
static inline size_t check_lines(const char *text)
{
	size_t lines = 0;

	for (const char *p = text, *end; *p; p = end + 1, lines++) {
		json_t *j;

		end = strchr(p, '\n');
		assert_non_null(end);
		for (const char *c = p; c < end; c++)
			assert_in_range(*c, 0x20, 0x7e);
		j = json_loadb(p, (size_t)(end - p), JSON_REJECT_DUPLICATES, NULL);
		assert_true(json_is_object(j));
		json_decref(j);
	}
	return lines;
}

#endif
