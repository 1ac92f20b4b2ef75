/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include "daemon/api_internal.h"

static ssize_t stream_read(void *ctx, char *dst, size_t cap)
{
	return (ssize_t)callevents_read(ctx, dst, cap);
}

static void stream_done(void *ctx)
{
	callevents_unfollow(ctx);
}

/* A trunk that is there, or was lately: its events may be. */
static bool is_trunk(const struct live *l, const char *name)
{
	if (live_find(l, name))
		return true;
	for (uint32_t i = 0; i < live_slots(l); i++) {
		const char *s = live_slot_name(l, i);

		if (s && strcmp(s, name) == 0)
			return true;
	}
	return false;
}

static int follow(struct sipseald *d, const struct control_request *q, const char *trunk, struct control_answer *a)
{
	struct callevents_follower *f = callevents_follow(d->events, trunk, control_wake, q->conn);

	if (!f)
		return control_error(a, 503, "too_many_streams", "%d follow the events already",
				     CALLEVENTS_FOLLOWERS_MAX);
	a->stream = (struct control_stream){ .read = stream_read, .done = stream_done, .ctx = f };
	return 0;
}

int api_events_get(void *ctx, const struct control_request *q, struct control_answer *a)
{
	static const char *const names[] = { "follow", "trunk", NULL };
	const char *trunk = control_query(q, "trunk");
	int r = api_query_check(q, names, a), want_follow = api_flag(q, "follow");
	struct sipseald *d = ctx;

	if (r)
		return r < 0 ? r : 0;
	if (want_follow < 0)
		return control_error(a, 400, "bad_query", "follow: allowed: 0, 1");
	if (trunk && !is_trunk(d->live, trunk))
		return control_error(a, 404, "no_such_trunk", "there is no trunk of that name");
	if (want_follow)
		return follow(d, q, trunk, a);
	a->type = "application/x-ndjson";
	a->text = callevents_recent(d->events, trunk);
	return a->text ? 0 : -ENOMEM;
}
