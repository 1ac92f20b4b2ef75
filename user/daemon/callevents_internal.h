/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * callevents_internal - the parts of callevents that its files share.
 *
 *     rings -> callevents.c: copy, check (_check.c), name -> recent
 *                                                         -> line of JSON (_json.c) -> followers (_follow.c)
 *                                                                                   -> file (_file.c)
 *                                                         -> Call-IDs that have left (_seen.c)
 */
#ifndef SIPSEAL_DAEMON_CALLEVENTS_INTERNAL_H
#define SIPSEAL_DAEMON_CALLEVENTS_INTERNAL_H

#include <jansson.h>

#include "base/cleanup.h"
#include "daemon/callevents.h"
#include "trunk/model.h"

/* A record that was checked, with the names that belonged to its numbers when it was read: slots and keys
 * are given to others a minute after they were left. */
struct callevent {
	struct event_record r;
	char trunk[TRUNK_NAME_MAX + 1];  /* "": the slot is nobody's */
	char *x5u;                       /* malloc'd, or NULL */
};

/** callevent_is_true() - can a record be what a signer saw?  @generation: the active one. */
bool callevent_is_true(const struct event_record *r, uint64_t generation);

/** callevent_json() - NULL without memory. */
json_t *callevent_json(const struct callevent *c);

/** callevent_time() - CLOCK_REALTIME in RFC 3339, UTC; @ms below year 10000. */
json_t *callevent_time(uint64_t ms);

/** callevent_line() - one line of JSON with its newline, malloc'd; NULL without memory. */
char *callevent_line(const struct callevent *c, size_t *ret_len);

/*
 * The file: lines are gathered and written once per turn.  What cannot be written is counted; a line is
 * in the file as a whole or not at all.
 */
struct event_sink;

/** event_sink_open() - append to a regular file, made with mode 0640 where there is none; no symbolic link.
 * Return: 0, -ENOMEM, -EINVAL no regular file, negative errno of open(2). */
int event_sink_open(const char *path, struct event_sink **ret);
void event_sink_close(struct event_sink *s);
DEFINE_FREEP(struct event_sink *, event_sink_close)

void event_sink_add(struct event_sink *s, const char *line, size_t len);
/** event_sink_flush() - Return: lines that were lost since the last call. */
uint64_t event_sink_flush(struct event_sink *s, uint64_t now_ns);

/* Call-IDs that have left: keyed hashes in a table of fixed size; the oldest of a bucket gives way. */
struct event_seen;

#define EVENT_SEEN_NS (64ull * 1000000000) /* 64*T1 twice: no copy of the INVITE is on its way any more */

/** event_seen_new() - Return: 0, -ENOMEM, -EIO: OpenSSL has no SIPHASH. */
int event_seen_new(struct event_seen **ret);
void event_seen_free(struct event_seen *s);

/** event_seen_add(), event_seen_has() - @call_id: of any length; what EVENTS_CALL_ID cuts off does not count. */
void event_seen_add(struct event_seen *s, struct slice call_id, bool is_cut, uint64_t now_ns);
bool event_seen_has(struct event_seen *s, struct slice call_id, uint64_t now_ns);

struct event_followers {
	struct callevents_follower *f[CALLEVENTS_FOLLOWERS_MAX];
	unsigned cnt;
	uint64_t dropped;   /* lines, of all followers ever */
};

/** event_followers_add() - a line for all whom it concerns. */
void event_followers_add(struct event_followers *all, const char *trunk, const char *line, size_t len);
void event_followers_done(struct event_followers *all);

/** callevents_followers() - in callevents.c, for callevents_follow(); reads the rings first. */
struct event_followers *callevents_followers(struct callevents *e);

#endif
