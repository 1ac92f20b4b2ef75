/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A follower's queue is a ring of bytes.  Lines that do not fit are dropped whole; as soon as there
 * is room again, and before anything newer, a line {"dropped":N} tells how many.
 */
#include "daemon/callevents_internal.h"

#define DROPPED_LINE_MAX 48

struct callevents_follower {
	struct event_followers *all;
	void (*wake)(void *ctx);
	void *ctx;
	uint64_t dropped; /* since the last line that told it */
	size_t head, len; /* first byte, bytes that wait */
	bool is_filtered;
	char trunk[TRUNK_NAME_MAX + 1];
	char queue[CALLEVENTS_QUEUE];
};

static bool put(struct callevents_follower *f, const char *p, size_t len)
{
	size_t tail = (f->head + f->len) % CALLEVENTS_QUEUE, first = CALLEVENTS_QUEUE - tail;

	if (len > CALLEVENTS_QUEUE - f->len)
		return false;
	if (first > len)
		first = len;
	memcpy(f->queue + tail, p, first);
	memcpy(f->queue, p + first, len - first);
	f->len += len;
	return true;
}

static void put_dropped(struct callevents_follower *f)
{
	char line[DROPPED_LINE_MAX];
	int len = snprintf(line, sizeof(line), "{\"dropped\":%llu}\n",
			   (unsigned long long)f->dropped);

	if (put(f, line, (size_t)len))
		f->dropped = 0;
}

/* Return: true: it had nothing and now has something. */
static bool follower_add(struct callevents_follower *f, const char *line, size_t len)
{
	bool was_empty = f->len == 0;

	/* told together with a line that fits: else each that does not would bring a line of its
	 * own */
	if (len + (f->dropped ? DROPPED_LINE_MAX : 0) > CALLEVENTS_QUEUE - f->len) {
		f->dropped++;
		f->all->dropped++;
		return false;
	}
	if (f->dropped)
		put_dropped(f);
	put(f, line, len);
	return was_empty;
}

void event_followers_add(struct event_followers *all, const char *trunk, const char *line,
			 size_t len)
{
	for (unsigned i = 0; i < CALLEVENTS_FOLLOWERS_MAX; i++) {
		struct callevents_follower *f = all->f[i];

		if (!f || (f->is_filtered && strcmp(f->trunk, trunk)))
			continue;
		/* whoever is woken may end the follower: f is not looked at again */
		if (follower_add(f, line, len) && f->wake)
			f->wake(f->ctx);
	}
}

void event_followers_done(struct event_followers *all)
{
	for (unsigned i = 0; i < CALLEVENTS_FOLLOWERS_MAX; i++)
		free(all->f[i]);
	memset(all, 0, sizeof(*all));
}

struct callevents_follower *callevents_follow(struct callevents *e, const char *trunk,
					      void (*wake)(void *ctx), void *ctx)
{
	struct event_followers *all = callevents_followers(e);
	struct callevents_follower *f;
	unsigned i = 0;

	while (i < CALLEVENTS_FOLLOWERS_MAX && all->f[i])
		i++;
	if (i == CALLEVENTS_FOLLOWERS_MAX)
		return NULL;
	f = malloc(sizeof(*f)); /* not calloc: the pages of the queue come as they are needed */
	if (!f)
		return NULL;
	f->all = all;
	f->wake = wake;
	f->ctx = ctx;
	f->dropped = 0;
	f->head = f->len = 0;
	f->is_filtered = trunk != NULL;
	snprintf(f->trunk, sizeof(f->trunk), "%s", trunk ? trunk : "");
	all->f[i] = f;
	all->cnt++;
	return f;
}

size_t callevents_read(struct callevents_follower *f, char *dst, size_t cap)
{
	size_t n = f->len < cap ? f->len : cap, first = CALLEVENTS_QUEUE - f->head;

	if (first > n)
		first = n;
	memcpy(dst, f->queue + f->head, first);
	memcpy(dst + first, f->queue, n - first);
	f->head = (f->head + n) % CALLEVENTS_QUEUE;
	f->len -= n;
	if (f->dropped && !f->len) /* there may be no more calls to tell it with */
		put_dropped(f);
	return n;
}

void callevents_unfollow(struct callevents_follower *f)
{
	if (!f)
		return;
	for (unsigned i = 0; i < CALLEVENTS_FOLLOWERS_MAX; i++)
		if (f->all->f[i] == f)
			f->all->f[i] = NULL;
	f->all->cnt--;
	free(f);
}
