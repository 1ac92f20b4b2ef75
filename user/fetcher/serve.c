/* SPDX-License-Identifier: BSD-2-Clause */
#include "fetcher/serve.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "fetcher/serve_internal.h"

#define NS_PER_MS 1000000ull
#define NS_PER_S 1000000000ull

#define WANTS_PER_TURN 64 /* of a ring: each may be a read from disk and a chain to judge, a millisecond */
#define WORK_MS 4	  /* of stored chains, between two looks at everything else */
#define EXPIRE_EVERY_S 5
#define SAY_EVERY_S 60 /* the disk: not oftener, whatever happens */

/* When what is due, CLOCK_MONOTONIC. */
struct timers {
	uint64_t busy_until, expire_at, say_at;
	uint64_t said_errors;
	char said_crl[TRUST_TEXT_MAX];
};

int64_t serve_now_s(void)
{
	return (int64_t)(clock_real_ms() / 1000);
}

void serve_crl_new(struct serve *s, int64_t now_s)
{
	log_notice("event=crl_taken next_update_s=%lld", (long long)(s->trust.crl_next_update - now_s));
	cache_rejudge(&s->cache, now_s);
}

void serve_fetched(void *ctx, struct slice url, const struct fetch_result *r)
{
	struct serve *s = ctx;
	int64_t now_s = serve_now_s();

	if (crl_is(&s->crl, url) && crl_done(&s->crl, &s->trust, r, clock_mono_ns(), now_s) > 0)
		serve_crl_new(s, now_s);
	/* somebody's x5u may name the same URL */
	cache_fetched(&s->cache, url, r, now_s);
}

/* Return: there was one. */
static bool wants_take(struct serve *s, int64_t now_s)
{
	struct verdict_want w;
	bool was_there = false;

	for (unsigned i = 0; i < s->wants.cnt; i++) {
		struct verdict_wants *ring = &s->wants.rings[i];

		for (unsigned n = 0; n < WANTS_PER_TURN; n++) {
			uint64_t before = s->wants.tails[i];

			if (verdict_asked(ring, &s->wants.tails[i], &w))
				cache_want(&s->cache, &w, now_s);
			else if (s->wants.tails[i] == before)
				break;
			was_there = true;
		}
	}
	return was_there;
}

/* One line when something begins to be wrong or ends, and no more than one in SAY_EVERY_S of the disk.  Nothing that a
 * stranger does makes a line. */
static void say(struct serve *s, struct timers *t, uint64_t now_ns)
{
	struct fetcher_stats stats;

	if (strcmp(t->said_crl, s->trust.crl_error) != 0) {
		memcpy(t->said_crl, s->trust.crl_error, sizeof(t->said_crl));
		if (t->said_crl[0])
			log_warning("event=crl_failed error=\"%s\"", t->said_crl);
	}
	if (now_ns < t->say_at)
		return;
	cache_stats(&s->cache, &stats);
	if (stats.store_errors == t->said_errors)
		return;
	log_warning(
		"event=cache_errors count=%llu hint=\"files of the cache directory cannot be written or are damaged\"",
		(unsigned long long)(stats.store_errors - t->said_errors));
	t->said_errors = stats.store_errors;
	t->say_at = now_ns + SAY_EVERY_S * NS_PER_S;
}

/* Everything but messages.  Return: how long the next turn may wait. */
static int turn(struct serve *s, struct timers *t)
{
	uint64_t now_ns = clock_mono_ns();
	int64_t now_s = serve_now_s();

	cache_clock(&s->cache, (int64_t)clock_real_ms(), now_ns);
	if (wants_take(s, now_s))
		t->busy_until = now_ns + SERVE_BUSY_FOR_MS * NS_PER_MS;
	crl_turn(&s->crl, s->fetch, &s->trust, now_ns);
	if (now_ns >= t->expire_at) {
		cache_expire(&s->cache, now_s);
		say(s, t, now_ns);
		t->expire_at = now_ns + EXPIRE_EVERY_S * NS_PER_S;
	}
	if (cache_work(&s->cache, WORK_MS, now_s))
		return 0;
	return now_ns < t->busy_until ? SERVE_BUSY_MS : SERVE_IDLE_MS;
}

static bool is_readable(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, timeout_ms) > 0;
}

/* What is refused is the daemon's to tell.  Return: 1; 0 the daemon has gone; negative errno. */
static int message(struct serve *s, int fd)
{
	static struct fetcher_msg m, result;
	int fds[CHANNEL_FDS_MAX], r;
	unsigned fd_cnt = 0;

	r = channel_recv(fd, FETCHER_VERSION, &m, sizeof(m), fds, CHANNEL_FDS_MAX, &fd_cnt);
	if (r <= 0)
		return r;
	serve_take(s, &m, fds, fd_cnt, &result);
	r = channel_send(fd, &result, sizeof(result), NULL, 0);
	return r == -EPIPE || r == -ECONNRESET ? 0 : r < 0 ? r : 1;
}

/* What runs is known after the last turn: only then is there work for libcurl, whose turns cost more than ours.
 * Return: there is a message. */
static bool turn_wait(struct serve *s, int timeout_ms, int fd)
{
	if (!s->is_started || !(s->running || s->cache.is_begun || s->crl.is_running))
		return is_readable(fd, timeout_ms);
	s->cache.is_begun = false;
	s->running = (uint32_t)fetch_run(s->fetch, timeout_ms, fd);
	return is_readable(fd, 0);
}

static int loop(struct serve *s, int fd)
{
	struct timers t = { 0 };
	int r = 1;

	while (r > 0) {
		if (turn_wait(s, s->is_started ? turn(s, &t) : -1, fd))
			r = message(s, fd);
	}
	return r;
}

int serve(int fd)
{
	/* given back by the end of the process, which follows: what a thread of a name look-up still uses stays */
	static struct serve s = { .cache_fd = -1 };
	int r = loop(&s, fd);

	if (r < 0)
		log_err("event=fetcher_channel error=\"%s\"", strerror(-r));
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
